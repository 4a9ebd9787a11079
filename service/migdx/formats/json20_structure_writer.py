"""Writes SDMX-JSON 2.0 structure messages (sdmx-json v2.0.0, structure-message).

Every text is told twice: `name` best for the asked languages, `names` in all of them. What JSON cannot hold
as the model has it: an instant without zone is read as UTC (RFC 3339 has no local time); the URLs of an
annotation are links of relation `self`, the only one that readers look for. An artefact without a name gets
its id.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import orjson

from ..structures import (
    Categorisation,
    Category,
    CategoryScheme,
    Codelist,
    CodelistExtension,
    Concept,
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
from . import json20_component_writer as components
from .header import Header
from .json20_words import Json, described, instant, lean, notes, representation, urn

_SCHEMA = (
    "https://raw.githubusercontent.com/sdmx-twg/sdmx-json/master/structure-message/tools/schemas/2.0.0/"
    "sdmx-json-structure-schema.json"
)


def write_structures(
    artefacts: Iterable[Maintainable], header: Header, languages: Sequence[str] = ("en",)
) -> Iterator[bytes]:
    """The message, one artefact at a time."""
    by_kind: dict[str, list[Maintainable]] = defaultdict(list)
    for artefact in artefacts:
        by_kind[artefact.kind].append(artefact)
    # clients recognise the message by the schema within its first 350 characters
    meta = {
        "schema": _SCHEMA,
        "id": header.id,
        "test": header.test,
        "prepared": header.instant,
        "contentLanguages": list(dict.fromkeys(language.lower() for language in languages)),
        "sender": {"id": header.sender},
    }
    yield b'{"meta":' + orjson.dumps(lean(meta)) + b',"data":{'
    comma = b""
    for kind, (name, content) in _WRITERS.items():
        if by_kind[kind]:
            yield comma + b'"' + name.encode() + b'":['
            for at, artefact in enumerate(by_kind[kind]):
                yield (b"," if at else b"") + orjson.dumps(_maintainable(artefact, content, languages))
            yield b"]"
            comma = b","
    yield b"}}\n"


def _maintainable(
    artefact: Maintainable, content: Callable[[Any, Sequence[str]], Json], languages: Sequence[str]
) -> Json:
    links = [
        {"rel": rel, key: given, "type": artefact.kind.lower()}
        for rel, key, given in (
            # the schema of 2.0 misspells the class of a value list, so that no URN of one is valid
            ("self", "urn", "" if artefact.kind == "ValueList" else artefact.urn),
            ("structure", "href", artefact.structure_url),
            ("service", "href", artefact.service_url),
        )
        if given
    ]
    return lean(
        {
            **described(artefact, languages),
            "agencyID": artefact.agency,
            "version": artefact.version if artefact.kind not in _ORGANISATIONS else "1.0",
            "validFrom": instant(artefact.valid_from),
            "validTo": instant(artefact.valid_to),
            "isExternalReference": artefact.is_external,
            "links": links,
            **({"isPartial": True} if artefact.is_partial else {}),
            **content(artefact, languages),
        }
    )


_ORGANISATIONS = ("AgencyScheme", "DataProviderScheme", "MetadataProviderScheme")


# --- schemes of items --------------------------------------------------------------------------------------


def _items(name: str) -> Callable[[ItemScheme, Sequence[str]], Json]:
    return lambda scheme, languages: {name: [_item(item, languages) for item in scheme.items]}


def _item(item: Item, languages: Sequence[str]) -> Json:
    concept = _concept(item) if isinstance(item, Concept) else {}
    return lean({**described(item, languages), "parent": item.parent, **concept})


def _concept(concept: Concept) -> Json:
    iso = concept.iso_concept
    names = ("conceptAgency", "conceptSchemeID", "conceptID")
    return {
        "coreRepresentation": representation(concept.representation),
        "isoConceptReference": dict(zip(names, iso, strict=True)) if iso else None,
    }


def _codelist(codelist: Codelist, languages: Sequence[str]) -> Json:
    return {
        "codes": [_item(code, languages) for code in codelist.items],
        "codelistExtensions": [_extension(extension) for extension in codelist.extensions],
    }


def _extension(extension: CodelistExtension) -> Json:
    return lean(
        {
            "prefix": extension.prefix,
            "codelist": extension.codelist.urn,
            "inclusiveCodeSelection": _selection(extension.include, extension),
            "exclusiveCodeSelection": _selection(extension.exclude, extension),
        }
    )


def _selection(members: tuple[str, ...], extension: CodelistExtension) -> Json:
    how = dict(extension.cascading)
    single = [member for member in dict.fromkeys(members) if "%" not in member]
    return lean(
        {
            "wildcardedMemberValues": [member for member in dict.fromkeys(members) if "%" in member],
            "memberValues": [
                {"value": member, "cascadeValues": components.cascade(how[member])}
                if member in how
                else member
                for member in single
            ],
        }
    )


def _value_list(scheme: ItemScheme, languages: Sequence[str]) -> Json:
    items = []
    for item in scheme.items:
        told = described(item, languages)
        items.append(lean(told if item.names else {**told, "name": ""}))
    return {"valueItems": items}


def _categories(scheme: CategoryScheme, languages: Sequence[str]) -> Json:
    return {"categories": [_category(item, languages) for item in scheme.items if isinstance(item, Category)]}


def _category(category: Category, languages: Sequence[str]) -> Json:
    below = [_category(child, languages) for child in category.children]
    return lean({**described(category, languages), "categories": below})


def _categorisation(categorisation: Categorisation, languages: Sequence[str]) -> Json:
    return {"source": urn(categorisation.source), "target": urn(categorisation.target)}


# --- hierarchies and maps ----------------------------------------------------------------------------------


def _hierarchy(hierarchy: Hierarchy, languages: Sequence[str]) -> Json:
    # only SDMX-ML wants a code in a stub
    codes = () if hierarchy.is_external else hierarchy.codes
    return {
        "hasFormalLevels": hierarchy.has_formal_levels,
        "level": _level(hierarchy.level, languages),
        "hierarchicalCodes": [_hierarchical(code, languages) for code in codes],
    }


def _hierarchical(code: HierarchicalCode, languages: Sequence[str]) -> Json:
    return lean(
        {
            "id": code.id,
            "annotations": notes(code.annotations, languages),
            "validFrom": instant(code.valid_from),
            "validTo": instant(code.valid_to),
            "code": code.code.urn,
            "hierarchicalCodes": [_hierarchical(child, languages) for child in code.children],
            "level": code.level,
        }
    )


def _level(level: Level | None, languages: Sequence[str]) -> Json:
    return lean({**described(level, languages), "level": _level(level.child, languages)}) if level else {}


def _association(association: HierarchyAssociation, languages: Sequence[str]) -> Json:
    return {
        "linkedHierarchy": urn(association.hierarchy),
        "linkedObject": urn(association.linked),
        "contextObject": urn(association.context),
    }


def _representation_map(mapped: RepresentationMap, languages: Sequence[str]) -> Json:
    return {
        "source": [_side(side) for side in mapped.sources],
        "target": [_side(side) for side in mapped.targets],
        "representationMappings": [_mapping(row, languages) for row in mapped.mappings],
    }


def _side(side: Reference | str) -> Json:
    return {"codelist": side.urn} if isinstance(side, Reference) else {"dataType": side}


def _mapping(row: Mapping, languages: Sequence[str]) -> Json:
    expression = {"isRegEx": True} if row.regular_expression else {}
    return lean(
        {
            "annotations": notes(row.annotations, languages),
            "sourceValues": [{"value": value, **expression} for value in row.sources],
            "targetValues": list(row.targets),
            "validFrom": instant(row.valid_from),
            "validTo": instant(row.valid_to),
        }
    )


_WRITERS: dict[str, tuple[str, Callable[[Any, Sequence[str]], Json]]] = {
    "AgencyScheme": ("agencySchemes", _items("agencies")),
    "Categorisation": ("categorisations", _categorisation),
    "CategoryScheme": ("categorySchemes", _categories),
    "Codelist": ("codelists", _codelist),
    "ConceptScheme": ("conceptSchemes", _items("concepts")),
    "DataConstraint": ("dataConstraints", components.data_constraint),
    "Dataflow": ("dataflows", components.dataflow),
    "DataProviderScheme": ("dataProviderSchemes", _items("dataProviders")),
    "DataStructure": ("dataStructures", components.data_structure),
    "Hierarchy": ("hierarchies", _hierarchy),
    "HierarchyAssociation": ("hierarchyAssociations", _association),
    "Metadataflow": ("metadataflows", components.metadataflow),
    "MetadataProviderScheme": ("metadataProviderSchemes", _items("metadataProviders")),
    "MetadataProvisionAgreement": ("metadataProvisionAgreements", components.metadata_provision_agreement),
    "MetadataStructure": ("metadataStructures", components.metadata_structure),
    "ProvisionAgreement": ("provisionAgreements", components.provision_agreement),
    "RepresentationMap": ("representationMaps", _representation_map),
    "ValueList": ("valueLists", _value_list),
}
"""Kind -> the name of its list, and what an artefact has below the names."""
