"""Writes SDMX-ML 2.1 structure messages (schemas v2_1: SDMXStructure*.xsd), the dialect of most clients.

The model is 3.0; what 2.1 says otherwise or not at all:
- not served (`served` says so): drafts, value lists, metadata providers and their agreements, data
  structures with several measures, maps other than code to code, and what is filed of all those; a
  HierarchyAssociation becomes an annotation of its hierarchy;
- Hierarchy is a HierarchicalCodelist with one Hierarchy, DataConstraint a ContentConstraint,
  RepresentationMap a StructureSet with one CodelistMap (without validity), MetadataStructure one
  MetadataTarget and one ReportStructure whose target is what the metadataflows in the message name, or Any;
- AnnotationValue is the AnnotationTitle, or where there is a title too an AnnotationText in the language
  `zxx` (no linguistic content); of the URLs of an annotation the English or first one stays;
- left out: metadata attribute usages of a DSD, MeasureRelationship, minOccurs and maxOccurs of a
  representation, the targets of a metadataflow, names of value lists; a component enumerated by a value list
  is text, as is XHTML in a DSD and GeospatialInformation; `excluderoot` is told as `true`;
- the measure is OBS_VALUE whatever its id, and an attribute of observations belongs to it;
- a reference with a wildcard names the version in the message that it resolves to, else the lowest that it
  admits.
Code lists are expected with their extensions resolved.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields, is_dataclass, replace
from functools import partial
from typing import Any

from ..structures import (
    Annotation,
    Categorisation,
    Category,
    CategoryScheme,
    Codelist,
    Concept,
    DataConstraint,
    DataStructure,
    HierarchicalCode,
    Hierarchy,
    HierarchyAssociation,
    Item,
    ItemScheme,
    Level,
    Maintainable,
    Mapping,
    Metadataflow,
    RepresentationMap,
)
from ..urn import Reference, is_stable, select_versions
from . import ml21_component_writer as components
from .header import Header
from .markup import MESSAGE_END, boolean, element, flag, instant, iso_concept, message_start, naming
from .ml21_markup import local, notes, reference, representation

_VERSION = re.compile(r"[0-9]+(\.[0-9]+)*\Z")


def served(artefact: Maintainable) -> bool:
    """Whether 2.1 has a form for it."""
    if artefact.kind not in _WRITERS or not _VERSION.match(artefact.version):
        return False
    if isinstance(artefact, DataStructure):
        return len(artefact.measures) == 1 or not artefact.dimensions
    if isinstance(artefact, RepresentationMap):
        return _maps_codes(artefact)
    if isinstance(artefact, Categorisation) and artefact.source:
        return artefact.source.kind not in _ONLY_3_0
    return True


_ONLY_3_0 = (
    "HierarchyAssociation", "MetadataProviderScheme", "MetadataProvisionAgreement", "RepresentationMap",
    "ValueList",
)  # fmt: skip


def _maps_codes(mapped: RepresentationMap) -> bool:
    sides = (*mapped.sources, *mapped.targets)
    return (
        len(mapped.sources) == len(mapped.targets) == 1
        and all(isinstance(side, Reference) and side.kind == "Codelist" for side in sides)
        and bool(mapped.mappings)
        and not any(
            row.regular_expression or not all((*row.sources, *row.targets)) for row in mapped.mappings
        )
        and all(len(row.sources) == len(row.targets) == 1 for row in mapped.mappings)
    )


def write_structures(
    artefacts: Iterable[Maintainable], header: Header, languages: Sequence[str] = ("en",)
) -> Iterator[bytes]:
    """The message, one artefact at a time, without those that are not served; languages are all written."""
    given = list(artefacts)
    by_container: dict[str, list[Maintainable]] = defaultdict(list)
    for artefact in _adapted(given):
        by_container[_WRITERS[artefact.kind][0]].append(artefact)
    targets = _targets(given)
    yield message_start(header, "v2_1")
    for container in dict.fromkeys(container for container, _, _ in _WRITERS.values()):
        if by_container[container]:
            yield f"<str:{container}>".encode()
            for artefact in by_container[container]:
                yield _maintainable(artefact, targets).encode()
            yield f"</str:{container}>".encode()
    yield MESSAGE_END


def _maintainable(artefact: Maintainable, targets: dict[str, list[str]]) -> str:
    _, name, content = _WRITERS[artefact.kind]
    if artefact.kind == "MetadataStructure":
        content = partial(components.metadata_structure, targets=targets[artefact.urn])
    organisations = name in _ORGANISATIONS  # whose schemes are never final
    attributes = (
        ("id", artefact.id),
        ("agencyID", artefact.agency),
        ("version", "1.0" if organisations else artefact.version),
        ("isFinal", flag(is_stable(artefact.version) and not organisations)),
        ("validFrom", instant(artefact.valid_from)),
        ("validTo", instant(artefact.valid_to)),
        ("isExternalReference", flag(artefact.is_external)),
        ("serviceURL", artefact.service_url),
        ("structureURL", artefact.structure_url),
        ("isPartial", flag(artefact.is_partial)),
        ("type", artefact.role if isinstance(artefact, DataConstraint) else ""),
    )
    return element(
        f"str:{name}", attributes, notes(artefact.annotations), naming(artefact), content(artefact)
    )


# --- from 3.0 to 2.1 ---------------------------------------------------------------------------------------


def _adapted(artefacts: Sequence[Maintainable]) -> Iterator[Maintainable]:
    """Those that are served, with concrete references, and associations told by their hierarchy."""
    versions: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    associated: dict[Reference, list[Annotation]] = defaultdict(list)
    for artefact in artefacts:
        versions[artefact.kind, artefact.agency, artefact.id].append(artefact.version)
        if isinstance(artefact, HierarchyAssociation) and artefact.hierarchy and artefact.linked:
            context = artefact.context.urn if artefact.context else ""
            note = Annotation(type=artefact.kind, title=artefact.linked.urn, value=context)
            associated[artefact.hierarchy].append(note)
    for artefact in filter(served, artefacts):
        # codes refer to nothing, and there are thousands of them
        known = artefact if isinstance(artefact, Codelist) else _concrete(artefact, versions)
        extra = associated.get(artefact.reference)
        yield replace(known, annotations=(*known.annotations, *extra)) if extra else known


_SCHEMES = {
    "Code": "Codelist",
    "Concept": "ConceptScheme",
    "Category": "CategoryScheme",
    "Agency": "AgencyScheme",
}


def _concrete(value: Any, versions: dict[tuple[str, str, str], list[str]]) -> Any:
    """The same value, itself when nothing in it changes, with versions that 2.1 can write."""
    if isinstance(value, Reference):
        if _VERSION.match(value.version):
            return value
        known = versions.get((_SCHEMES.get(value.kind, value.kind), value.agency, value.id), [])
        found = select_versions(value.version, known) if "+" in value.version else []
        lowest = value.version.partition("-")[0].replace("+", "")
        return replace(value, version=found[-1] if found else lowest)
    if isinstance(value, tuple):
        changed = tuple(_concrete(entry, versions) for entry in value)
        return value if all(new is old for new, old in zip(changed, value, strict=True)) else changed
    if is_dataclass(value) and not isinstance(value, type):
        parts = {
            f.name: (getattr(value, f.name), _concrete(getattr(value, f.name), versions))
            for f in fields(value)
        }
        moved = {name: new for name, (old, new) in parts.items() if new is not old}
        return replace(value, **moved) if moved else value
    return value


def _targets(artefacts: Iterable[Maintainable]) -> dict[str, list[str]]:
    """What the metadataflows target, by the URN of their metadata structure."""
    found: dict[str, list[str]] = defaultdict(list)
    for artefact in artefacts:
        if isinstance(artefact, Metadataflow) and artefact.structure:
            found[artefact.structure.urn].extend(artefact.targets)
    return found


# --- schemes of items --------------------------------------------------------------------------------------


def _items(name: str) -> Callable[[ItemScheme], str]:
    return lambda scheme: "".join([_item(name, item) for item in scheme.items])


def _item(name: str, item: Item) -> str:
    concept = item if isinstance(item, Concept) else None
    return element(
        name,
        (("id", item.id),),
        notes(item.annotations),
        naming(item),
        local("str:Parent", item.parent),
        representation("str:CoreRepresentation", concept.representation, in_data=False) if concept else "",
        iso_concept(concept.iso_concept) if concept else "",
    )


def _categories(scheme: CategoryScheme) -> str:
    return "".join([_category(item) for item in scheme.items if isinstance(item, Category)])


def _category(category: Category) -> str:
    below = map(_category, category.children)
    return element(
        "str:Category", (("id", category.id),), notes(category.annotations), naming(category), *below
    )


# --- hierarchies and maps ----------------------------------------------------------------------------------


def _hierarchy(hierarchy: Hierarchy) -> str:
    if not hierarchy.codes:  # a stub
        return ""
    lists = dict.fromkeys(node.code.of("Codelist") for top in hierarchy.codes for node in top.walk())
    tree = element(
        "str:Hierarchy",
        (("id", hierarchy.id), ("leveled", boolean(hierarchy.has_formal_levels))),
        naming(hierarchy),
        *map(_hierarchical, hierarchy.codes),
        _level(hierarchy.level),
    )
    return "".join(_included(codelist, number) for number, codelist in enumerate(lists, 1)) + tree


def _included(codelist: Reference, number: int) -> str:
    """Readers want the alias that the schema makes optional; the codes below name their list in full."""
    return reference("str:IncludedCodelist", codelist, (("alias", f"L{number}"),))


def _hierarchical(code: HierarchicalCode) -> str:
    return element(
        "str:HierarchicalCode",
        (("id", code.id), ("validFrom", instant(code.valid_from)), ("validTo", instant(code.valid_to))),
        notes(code.annotations),
        reference("str:Code", code.code),
        *map(_hierarchical, code.children),
        local("str:Level", code.level),
    )


def _level(level: Level | None) -> str:
    if level is None:
        return ""
    return element(
        "str:Level", (("id", level.id),), notes(level.annotations), naming(level), _level(level.child)
    )


def _structure_set(mapped: RepresentationMap) -> str:
    sides = [side for side in (*mapped.sources, *mapped.targets) if isinstance(side, Reference)]
    ends = (reference(f"str:{name}", side) for name, side in zip(("Source", "Target"), sides, strict=True))
    return element(
        "str:CodelistMap",
        (("id", mapped.id),),
        naming(mapped),
        *ends,
        *(_code_map(row) for row in mapped.mappings),
    )


def _code_map(row: Mapping) -> str:
    ends = (local("str:Source", row.sources[0]), local("str:Target", row.targets[0]))
    return element("str:CodeMap", (), notes(row.annotations), *ends)


_ORGANISATIONS = ("AgencyScheme", "DataProviderScheme")

_WRITERS: dict[str, tuple[str, str, Callable[[Any], str]]] = {
    "AgencyScheme": ("OrganisationSchemes", "AgencyScheme", _items("str:Agency")),
    "DataProviderScheme": ("OrganisationSchemes", "DataProviderScheme", _items("str:DataProvider")),
    "Dataflow": ("Dataflows", "Dataflow", components.flow),
    "Metadataflow": ("Metadataflows", "Metadataflow", components.flow),
    "CategoryScheme": ("CategorySchemes", "CategoryScheme", _categories),
    "Categorisation": ("Categorisations", "Categorisation", components.categorisation),
    "Codelist": ("Codelists", "Codelist", _items("str:Code")),
    "Hierarchy": ("HierarchicalCodelists", "HierarchicalCodelist", _hierarchy),
    "ConceptScheme": ("Concepts", "ConceptScheme", _items("str:Concept")),
    "MetadataStructure": ("MetadataStructures", "MetadataStructure", components.metadata_structure),
    "DataStructure": ("DataStructures", "DataStructure", components.data_structure),
    "RepresentationMap": ("StructureSets", "StructureSet", _structure_set),
    "DataConstraint": ("Constraints", "ContentConstraint", components.content_constraint),
    "ProvisionAgreement": ("ProvisionAgreements", "ProvisionAgreement", components.provision_agreement),
}
"""Kind -> its container, its name in 2.1, and what stands below the names; in the order of the schema."""
