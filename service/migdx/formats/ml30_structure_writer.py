"""Writes SDMX-ML 3.0 structure messages (schemas v3_0: SDMXStructure*.xsd).

What `ml30_structure_reader` reads comes out equal. Two places where the standard has no form for what the
model allows: an artefact without a name gets its id as its English name, and an organisation scheme has no
version. MeasureRelationship, which some clients cannot read, is written only for attributes that name their
measures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from ..structures import (
    Categorisation,
    Category,
    CategoryScheme,
    Codelist,
    CodelistExtension,
    Concept,
    DataConstraint,
    HierarchicalCode,
    Hierarchy,
    HierarchyAssociation,
    Item,
    ItemScheme,
    Level,
    Maintainable,
    Mapping,
    RepresentationMap,
)
from ..urn import Reference
from . import ml30_component_writer as components
from .header import Header
from .markup import (
    MESSAGE_END,
    boolean,
    element,
    escape,
    flag,
    instant,
    iso_concept,
    leaf,
    message_start,
    naming,
    optional,
    texts,
)
from .ml30_markup import cascading, notes, reference, representation

_UNVERSIONED = ("AgencyScheme", "DataProviderScheme", "MetadataProviderScheme")


def write_structures(
    artefacts: Iterable[Maintainable], header: Header, languages: Sequence[str] = ("en",)
) -> Iterator[bytes]:
    """The message, one artefact at a time, in the schema's order of kinds; languages are all written."""
    by_kind: dict[str, list[Maintainable]] = {}
    for artefact in artefacts:
        by_kind.setdefault(artefact.kind, []).append(artefact)
    yield message_start(header, "v3_0")
    for kind, (container, content) in _WRITERS.items():
        if kind in by_kind:
            yield f"<str:{container}>".encode()
            for artefact in by_kind[kind]:
                yield _maintainable(artefact, content).encode()
            yield f"</str:{container}>".encode()
    yield MESSAGE_END


def _maintainable(artefact: Maintainable, content: Callable[[Any], str]) -> str:
    attributes = [
        ("urn", artefact.urn),
        ("id", artefact.id),
        ("agencyID", artefact.agency),
        ("version", "" if artefact.kind in _UNVERSIONED else artefact.version),
        ("validFrom", instant(artefact.valid_from)),
        ("validTo", instant(artefact.valid_to)),
        ("isExternalReference", flag(artefact.is_external)),
        ("serviceURL", artefact.service_url),
        ("structureURL", artefact.structure_url),
        ("isPartial", flag(artefact.is_partial)),
    ]
    if isinstance(artefact, Hierarchy):
        attributes.append(("hasFormalLevels", boolean(artefact.has_formal_levels)))
    if isinstance(artefact, DataConstraint):
        attributes.append(("role", artefact.role))
    return element(
        f"str:{artefact.kind}", attributes, notes(artefact.annotations), naming(artefact), content(artefact)
    )


# --- schemes of items --------------------------------------------------------------------------------------


def _items(name: str) -> Callable[[ItemScheme], str]:
    return lambda scheme: "".join([_item(name, item) for item in scheme.items])


def _item(name: str, item: Item) -> str:
    return element(
        name,
        (("id", item.id),),
        notes(item.annotations),
        naming(item),
        optional("str:Parent", item.parent),
        representation("str:CoreRepresentation", item.representation) if isinstance(item, Concept) else "",
        iso_concept(item.iso_concept) if isinstance(item, Concept) else "",
    )


def _value_list(scheme: ItemScheme) -> str:
    return "".join(
        [
            element(
                "str:ValueItem",
                (("id", item.id),),
                notes(item.annotations),
                texts("com:Name", item.names),
                texts("com:Description", item.descriptions),
            )
            for item in scheme.items
        ]
    )


def _codelist(codelist: Codelist) -> str:
    codes = "".join([_item("str:Code", code) for code in codelist.items])
    return codes + "".join(map(_extension, codelist.extensions))


def _extension(extension: CodelistExtension) -> str:
    how = dict(extension.cascading)
    selections = (
        ("str:InclusiveCodeSelection", extension.include),
        ("str:ExclusiveCodeSelection", extension.exclude),
    )
    return element(
        "str:CodelistExtension",
        (("prefix", extension.prefix),),
        reference("str:Codelist", extension.codelist),
        *(
            element(name, (), *(cascading("str:MemberValue", member, how) for member in members))
            for name, members in selections
            if members
        ),
    )


def _categories(scheme: CategoryScheme) -> str:
    return "".join([_category(item) for item in scheme.items if isinstance(item, Category)])


def _category(category: Category) -> str:
    return element(
        "str:Category",
        (("id", category.id),),
        notes(category.annotations),
        naming(category),
        *map(_category, category.children),
    )


def _categorisation(categorisation: Categorisation) -> str:
    return reference("str:Source", categorisation.source) + reference("str:Target", categorisation.target)


# --- hierarchies and maps ----------------------------------------------------------------------------------


def _hierarchy(hierarchy: Hierarchy) -> str:
    return _level(hierarchy.level) + "".join(map(_hierarchical, hierarchy.codes))


def _hierarchical(code: HierarchicalCode) -> str:
    return element(
        "str:HierarchicalCode",
        (("id", code.id), ("validFrom", instant(code.valid_from)), ("validTo", instant(code.valid_to))),
        notes(code.annotations),
        reference("str:Code", code.code),
        *map(_hierarchical, code.children),
        optional("str:Level", code.level),
    )


def _level(level: Level | None) -> str:
    if level is None:
        return ""
    return element(
        "str:Level", (("id", level.id),), notes(level.annotations), naming(level), _level(level.child)
    )


def _association(association: HierarchyAssociation) -> str:
    return (
        reference("str:LinkedHierarchy", association.hierarchy)
        + reference("str:LinkedObject", association.linked)
        + reference("str:ContextObject", association.context)
    )


def _representation_map(mapped: RepresentationMap) -> str:
    sides = [("Source", side) for side in mapped.sources] + [("Target", side) for side in mapped.targets]
    return "".join(
        reference(f"str:{name}Codelist", side)
        if isinstance(side, Reference)
        else leaf(f"str:{name}DataType", side)
        for name, side in sides
    ) + "".join(map(_mapping, mapped.mappings))


def _mapping(mapping: Mapping) -> str:
    expression = (("isRegEx", flag(mapping.regular_expression)),)
    return element(
        "str:RepresentationMapping",
        (("validFrom", mapping.valid_from), ("validTo", mapping.valid_to)),
        notes(mapping.annotations),
        *(element("str:SourceValue", expression, escape(value)) for value in mapping.sources),
        *(leaf("str:TargetValue", value) for value in mapping.targets),
    )


_WRITERS: dict[str, tuple[str, Callable[[Any], str]]] = {
    "AgencyScheme": ("AgencySchemes", _items("str:Agency")),
    "Categorisation": ("Categorisations", _categorisation),
    "CategoryScheme": ("CategorySchemes", _categories),
    "Codelist": ("Codelists", _codelist),
    "ConceptScheme": ("ConceptSchemes", _items("str:Concept")),
    "DataConstraint": ("DataConstraints", components.data_constraint),
    "Dataflow": ("Dataflows", components.dataflow),
    "DataProviderScheme": ("DataProviderSchemes", _items("str:DataProvider")),
    "DataStructure": ("DataStructures", components.data_structure),
    "Hierarchy": ("Hierarchies", _hierarchy),
    "HierarchyAssociation": ("HierarchyAssociations", _association),
    "Metadataflow": ("Metadataflows", components.metadataflow),
    "MetadataProviderScheme": ("MetadataProviderSchemes", _items("str:MetadataProvider")),
    "MetadataProvisionAgreement": ("MetadataProvisionAgreements", components.metadata_provision_agreement),
    "MetadataStructure": ("MetadataStructures", components.metadata_structure),
    "ProvisionAgreement": ("ProvisionAgreements", components.provision_agreement),
    "RepresentationMap": ("RepresentationMaps", _representation_map),
    "ValueList": ("ValueLists", _value_list),
}
"""Kind -> its container, and what stands in it below the names; in the order of the schema."""
