"""Reads SDMX-ML 3.0 structure messages (schemas v3_0: SDMXStructure*.xsd) into artefacts.

Nothing of meaning is dropped in silence: an artefact of a kind that the model lacks, or a part of one that
would change what it admits, is a StructureFault with its line. Skipped, because nothing here acts on them:
Link, uri and urn attributes, Contact, SentinelValue, CodingFormat, ReleaseCalendar, data sources of
constraints, removePrefix, annotations of component lists, groups and usages, the `optional` of a dimension
in an attribute relationship, and any element that 3.0 does not know. A version that is not given is 1.0, a
language that is not given is English, as the schemas say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ..errors import StructureFault
from ..structures import (
    AgencyScheme,
    Categorisation,
    Category,
    CategoryScheme,
    Codelist,
    CodelistExtension,
    Concept,
    ConceptScheme,
    DataProviderScheme,
    HierarchicalCode,
    Hierarchy,
    HierarchyAssociation,
    Item,
    Level,
    Maintainable,
    Mapping,
    MetadataProviderScheme,
    RepresentationMap,
    ValueList,
)
from ..urn import Reference
from . import ml30_component_reader as components
from .ml30_nodes import (
    LISTS,
    MESSAGE,
    STRUCTURE,
    Node,
    cascading,
    child,
    children,
    described,
    fault,
    local,
    maintainable,
    needed,
    notes,
    parse,
    reference,
    representation,
    required,
    spelled,
    text,
    truth,
    unique,
)


def read_structures(source: bytes, path: str = "") -> list[Maintainable]:
    """The artefacts of a message in its order; StructureFault with `path` and line if it is not usable."""
    try:
        return list(_artefacts(parse(source)))
    except StructureFault as fault:
        raise StructureFault(fault.reason, path, fault.line) from None


def _artefacts(root: Node) -> Iterator[Maintainable]:
    if root.tag != f"{MESSAGE}Structure":
        raise fault(f"The root is {spelled(root)}; expected message:Structure of SDMX-ML 3.0", root)
    seen: set[Reference] = set()
    for container in root.iterchildren(f"{MESSAGE}Structures"):
        for node in (entry for group in container.iterchildren() for entry in group.iterchildren()):
            read = READERS.get(local(node))
            if read is None:
                raise fault(f"{local(node)} is not a kind of artefact that is kept here", node)
            artefact = read(node)
            if artefact.reference in seen:
                raise fault(f"{artefact.kind} {artefact.reference.short} stands twice in the message", node)
            seen.add(artefact.reference)
            yield artefact


# --- schemes of items --------------------------------------------------------------------------------------


def _item(node: Node) -> Item:
    return Item(required(node, "id"), text(child(node, "Parent")), **described(node))


def _scheme(
    cls: type[Any], name: str, read: Callable[[Node], Item] = _item
) -> Callable[[Node], Maintainable]:
    """A reader of the scheme `cls`, whose items are elements `name`."""

    def scheme(node: Node) -> Maintainable:
        items = unique(node, ((entry, read(entry)) for entry in children(node, name)))
        made: Maintainable = cls(**maintainable(node), items=items)
        return made

    return scheme


def _value_list(node: Node) -> ValueList:
    """Its ids are any text and may repeat: the standard's own sample has the yen and the yuan as one sign."""
    items = (Item(entry.get("id") or "", **described(entry)) for entry in children(node, "ValueItem"))
    return ValueList(**maintainable(node), items=tuple(items))


def _concept(node: Node) -> Concept:
    return Concept(
        required(node, "id"),
        text(child(node, "Parent")),
        representation=representation(child(node, "CoreRepresentation")),
        iso_concept=_iso_concept(child(node, "ISOConceptReference")),
        **described(node),
    )


def _iso_concept(node: Node | None) -> tuple[str, str, str] | None:
    if node is None:
        return None
    agency, scheme, concept = (text(child(node, f"Concept{part}")) for part in ("Agency", "SchemeID", "ID"))
    return agency, scheme, concept


def _category(node: Node) -> Category:
    below = unique(node, ((entry, _category(entry)) for entry in children(node, "Category")))
    return Category(required(node, "id"), children=below, **described(node))


def _codelist(node: Node) -> Codelist:
    items = unique(node, ((entry, _item(entry)) for entry in children(node, "Code")))
    extensions = tuple(_extension(entry) for entry in children(node, "CodelistExtension"))
    return Codelist(**maintainable(node), items=items, extensions=extensions)


def _extension(node: Node) -> CodelistExtension:
    include, exclude = (
        list(children(selection, "MemberValue")) if (selection := child(node, name)) is not None else []
        for name in ("InclusiveCodeSelection", "ExclusiveCodeSelection")
    )
    return CodelistExtension(
        codelist=needed(node, "Codelist", *LISTS),
        prefix=node.get("prefix") or "",
        include=tuple(text(member) for member in include),
        exclude=tuple(text(member) for member in exclude),
        cascading=cascading((*include, *exclude)),
    )


# --- hierarchies and maps ----------------------------------------------------------------------------------


def _hierarchy(node: Node) -> Hierarchy:
    return Hierarchy(
        **maintainable(node),
        codes=unique(node, ((entry, _hierarchical(entry)) for entry in children(node, "HierarchicalCode"))),
        level=_level(child(node, "Level")),
        has_formal_levels=truth(node, "hasFormalLevels"),
    )


def _hierarchical(node: Node) -> HierarchicalCode:
    return HierarchicalCode(
        required(node, "id"),
        annotations=notes(node),
        code=needed(node, "Code", "Code"),
        children=unique(
            node, ((entry, _hierarchical(entry)) for entry in children(node, "HierarchicalCode"))
        ),
        level=text(child(node, "Level")),
        valid_from=node.get("validFrom") or "",
        valid_to=node.get("validTo") or "",
    )


def _level(node: Node | None) -> Level | None:
    return (
        None if node is None else Level(required(node, "id"), _level(child(node, "Level")), **described(node))
    )


def _association(node: Node) -> HierarchyAssociation:
    return HierarchyAssociation(
        **maintainable(node),
        hierarchy=reference(child(node, "LinkedHierarchy"), "Hierarchy"),
        linked=reference(child(node, "LinkedObject")),
        context=reference(child(node, "ContextObject")),
    )


def _representation_map(node: Node) -> RepresentationMap:
    return RepresentationMap(
        **maintainable(node),
        sources=tuple(_mapped(node, "Source")),
        targets=tuple(_mapped(node, "Target")),
        mappings=tuple(_mapping(entry) for entry in children(node, "RepresentationMapping")),
    )


def _mapped(node: Node, side: str) -> Iterator[Reference | str]:
    lists, types = f"{STRUCTURE}{side}Codelist", f"{STRUCTURE}{side}DataType"
    for entry in node.iterchildren(lists, types):
        yield (entry.tag == lists and reference(entry, *LISTS)) or text(entry)


def _mapping(node: Node) -> Mapping:
    sources = list(children(node, "SourceValue"))
    for entry in sources:
        if entry.get("startIndex") or entry.get("endIndex"):
            raise fault(
                "SourceValue/@startIndex and @endIndex (maps of parts of a value) are not kept here", entry
            )
    return Mapping(
        sources=tuple(entry.text or "" for entry in sources),
        targets=tuple(entry.text or "" for entry in children(node, "TargetValue")),
        valid_from=node.get("validFrom") or "",
        valid_to=node.get("validTo") or "",
        regular_expression=any(truth(entry, "isRegEx") for entry in sources),
        annotations=notes(node),
    )


def _categorisation(node: Node) -> Categorisation:
    return Categorisation(
        **maintainable(node),
        source=reference(child(node, "Source")),
        target=reference(child(node, "Target"), "Category"),
    )


READERS: dict[str, Callable[[Node], Maintainable]] = {
    "AgencyScheme": _scheme(AgencyScheme, "Agency"),
    "Categorisation": _categorisation,
    "CategoryScheme": _scheme(CategoryScheme, "Category", _category),
    "Codelist": _codelist,
    "ConceptScheme": _scheme(ConceptScheme, "Concept", _concept),
    "DataConstraint": components.data_constraint,
    "DataProviderScheme": _scheme(DataProviderScheme, "DataProvider"),
    "DataStructure": components.data_structure,
    "Dataflow": components.dataflow,
    "Hierarchy": _hierarchy,
    "HierarchyAssociation": _association,
    "MetadataProviderScheme": _scheme(MetadataProviderScheme, "MetadataProvider"),
    "MetadataProvisionAgreement": components.metadata_provision_agreement,
    "MetadataStructure": components.metadata_structure,
    "Metadataflow": components.metadataflow,
    "ProvisionAgreement": components.provision_agreement,
    "RepresentationMap": _representation_map,
    "ValueList": _value_list,
}
"""The kinds that are read, by element."""
