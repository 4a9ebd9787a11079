"""What SDMX-ML 2.1 cannot say of an artefact: whether it is served at all, and what is left when it is.

`told` is the artefact as it comes back from 2.1, itself if nothing is lost, as of all that was read from 2.1.
`ROWS` is the table that it follows, a phrase for each loss with rules by type; `losses` shows it to others.
Not in a phrase, because nothing is lost: a name that is the id where there is none, a day that becomes the
instant at which it begins, and the order of dimensions among attributes in a constraint.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from functools import cache, partial
from itertools import product
from typing import Any, cast

from ..structures import (
    AgencyScheme,
    Annotation,
    AttachmentConstraint,
    Attribute,
    Categorisation,
    Codelist,
    Component,
    Concept,
    ConceptScheme,
    Constraint,
    DataConstraint,
    DataConsumerScheme,
    Dataflow,
    DataKeySet,
    DataProviderScheme,
    DataStructure,
    Dimension,
    HierarchicalCode,
    Identifiable,
    ItemScheme,
    ItemSchemeMap,
    KeyValues,
    Maintainable,
    Mapping,
    Measure,
    MetadataAttribute,
    Metadataflow,
    MetadataStructure,
    Nameable,
    Region,
    Representation,
    RepresentationMap,
    StructureMap,
    TimeRange,
    in_language,
)
from ..urn import Reference
from .loss import Loss
from .markup import instant
from .ml21_artefact import plainer, plainer_time
from .ml21_components import PRIMARY_MEASURE
from .ml21_constraints import ATTACHED
from .ml21_groups import is_part
from .ml21_kept import GROUP, KEPT
from .ml21_maps import one_to_one

VERSION = re.compile(r"[0-9]+(\.[0-9]+)*\Z")
_KINDS = frozenset(
    ("AgencyScheme", "AttachmentConstraint", "Categorisation", "CategoryScheme", "CategorySchemeMap",
     "Codelist", "ConceptScheme", "ConceptSchemeMap", "CustomTypeScheme", "DataConstraint",
     "DataConsumerScheme", "Dataflow", "DataProviderScheme", "DataStructure", "Hierarchy", "Metadataflow",
     "MetadataStructure", "NamePersonalisationScheme", "OrganisationSchemeMap", "OrganisationUnitScheme",
     "Process", "ProvisionAgreement", "ReportingTaxonomy", "ReportingTaxonomyMap", "RepresentationMap",
     "RulesetScheme", "StructureMap", "TransformationScheme", "UserDefinedOperatorScheme",
     "VtlMappingScheme")
)  # fmt: skip
_ONLY_3 = frozenset(
    ("CategorySchemeMap", "ConceptSchemeMap", "GeographicCodelist", "GeoGridCodelist",
     "HierarchyAssociation", "MetadataConstraint", "MetadataProvider", "MetadataProviderScheme",
     "MetadataProvisionAgreement", "OrganisationSchemeMap", "ReportingTaxonomyMap", "RepresentationMap",
     "StructureMap", "ValueItem", "ValueList")
)  # fmt: skip
"""Classes that 2.1 cannot point to; a map of 2.1 is an item of its set."""


def served(artefact: Maintainable) -> bool:
    """Whether 2.1 has a form for it."""
    if artefact.kind not in _KINDS or not VERSION.match(artefact.version):
        return False
    if isinstance(artefact, DataStructure):
        return len(artefact.measures) == 1 or not artefact.dimensions
    if isinstance(artefact, Categorisation) and artefact.source:
        return artefact.source.kind not in _ONLY_3 or bool(artefact.source.item)
    if is_part(artefact, "str:StructureSet"):
        return True
    if isinstance(artefact, RepresentationMap):
        return _maps_codes(artefact)
    if isinstance(artefact, ItemSchemeMap):
        return any(map(_one_to_one, artefact.mappings))
    if isinstance(artefact, StructureMap):
        return artefact.is_external or bool(one_to_one(artefact)) or artefact.source is None
    return True


def _maps_codes(mapped: RepresentationMap) -> bool:
    sides = (*mapped.sources, *mapped.targets)
    return (
        len(mapped.sources) == len(mapped.targets) == 1
        and all(isinstance(side, Reference) and side.kind == "Codelist" for side in sides)
        and bool(mapped.mappings)
        and all(_one_to_one(row) for row in mapped.mappings)
    )


def _one_to_one(row: Mapping) -> bool:
    ends = (row.sources, row.targets)
    return all(len(end) == 1 and end[0] for end in ends) and not any(row.regular_expressions)


# --- what comes back ---------------------------------------------------------------------------------------


def told(artefact: Maintainable) -> Maintainable:
    """The artefact as it comes back from 2.1."""
    return cast(Maintainable, _walked(artefact, _all_rules()))


Walk = dict[type, list[Callable[[Any], dict[str, Any]]]]


@cache
def _all_rules() -> Walk:
    found: Walk = {}
    for rules in (_NORMAL, *(rules for _, _, rules in ROWS)):
        for cls, rule in rules.items():
            found.setdefault(cls, []).append(rule)
    return found


def _walked(value: Any, rules: Walk) -> Any:
    """The value with the rules of its type applied after those of its parts; itself where nothing changes."""
    if isinstance(value, tuple):
        changed = tuple(_walked(entry, rules) for entry in value)
        return value if all(new is old for new, old in zip(changed, value, strict=True)) else changed
    if not is_dataclass(value) or isinstance(value, type):
        return value
    if isinstance(value, Annotation) and value.type in (KEPT, GROUP):
        return value
    value = _changed(value, {f.name: _walked(getattr(value, f.name), rules) for f in fields(value) if f.init})
    for cls in reversed(type(value).__mro__):
        for rule in rules.get(cls, ()):
            value = _changed(value, rule(value))
    return value


def _changed(value: Any, new: dict[str, Any]) -> Any:
    moved = {name: entry for name, entry in new.items() if entry != getattr(value, name)}
    return replace(value, **moved) if moved else value


def _note(note: Annotation) -> dict[str, Any]:
    url = in_language(note.urls)[1]
    urls = {"": url} if url else {}
    return {"urls": urls, **({} if note.title else {"title": note.value, "value": ""})}


def _reference(named: Reference) -> dict[str, Any]:
    known = VERSION.match(named.version)
    return {} if known else {"version": named.version.partition("-")[0].replace("+", "")}


def _component(component: Component) -> dict[str, Any]:
    given = component.representation
    if isinstance(component, Dimension) and component.is_time:
        return {"representation": plainer_time(given), "concept_roles": ()}
    return {"representation": plainer(given, True) if given else None}


def _plain_text(holder: Concept | MetadataAttribute) -> dict[str, Any]:
    given = holder.representation
    return {"representation": plainer(given, False) if given else None}


_DESCRIPTORS = ("DimensionDescriptor", "AttributeDescriptor", "MeasureDescriptor")


def _data_structure(dsd: DataStructure) -> dict[str, Any]:
    """Without metadata, and with what is noted on the three lists that 2.1 has."""
    lists = {listed.id: listed for listed in dsd.component_lists if listed.annotations or listed.uri}
    filled = dict(zip(_DESCRIPTORS, (dsd.dimensions, dsd.attributes, dsd.measures), strict=True))
    return {
        "metadata": None,
        "metadata_usages": (),
        "evolving": False,
        "component_lists": tuple(lists[id] for id in _DESCRIPTORS if id in lists and filled[id]),
    }


def _key_set(keys: DataKeySet) -> dict[str, Any]:
    """A key of several values is as many keys; attributes are not part of a key in 2.1."""
    found = []
    for key in keys.keys:
        dimensions = [each for each in key.keys if not each.is_attribute]
        for values in product(*(each.values or ("",) for each in dimensions)):
            ones = zip(dimensions, values, strict=True)
            found.append(replace(key, keys=tuple(replace(each, values=(value,)) for each, value in ones)))
    single = all(len(each.values) <= 1 and not each.is_attribute for key in keys.keys for each in key.keys)
    return {} if single else {"keys": tuple(found)}


def _key_values(key: KeyValues) -> dict[str, Any]:
    how = dict(key.cascading)
    return {
        "cascading": tuple((value, "true") for value in key.values if value in how),
        "remove_prefix": None,
        "valid_from": "",
        "valid_to": "",
        "languages": (),
        "validity": (),
    }


def _constraint(given: Constraint) -> dict[str, Any]:
    """Of one kind: structures, flows or agreements with services that have them, a provider, or files."""
    known = [named for named in given.attachment if named.kind in ATTACHED]
    same = tuple(named for named in known if named.kind == known[0].kind)
    provider = bool(same) and same[0].kind == "DataProvider"
    content = isinstance(given, DataConstraint)
    return {
        "attachment": same[:1] if provider else same,
        "queryable_sources": given.queryable_sources if content and same and not provider else (),
        "simple_sources": () if same else given.simple_sources[: 1 if content else None],
        "calendar": given.calendar if content else None,
    }


def _row(row: Mapping) -> dict[str, Any]:
    return {"valid_from": "", "valid_to": "", "regular_expressions": (), "substrings": ()}


def _rows(given: ItemSchemeMap) -> dict[str, Any]:
    return {"mappings": tuple(row for row in given.mappings if _one_to_one(row))}


def _no_extensions(_: Codelist) -> dict[str, Any]:
    return {"extensions": ()}


def _structure_map(given: StructureMap) -> dict[str, Any]:
    kept = is_part(given, "str:StructureSet")
    components = tuple(one_to_one(given))
    return {
        "epochs": (),
        "date_patterns": (),
        "frequency_formats": (),
        "fixed_values": (),
        "components": components
        if kept
        else tuple(replace(each, representation_map=None) for each in components),
        **({} if components else {"source": None, "target": None}),
    }


def _no_validity(_: Any) -> dict[str, Any]:
    return {"valid_from": "", "valid_to": ""}


Rules = dict[type, Callable[[Any], dict[str, Any]]]

_NORMAL: Rules = {
    Nameable: lambda given: {} if given.names else {"names": {"en": given.id}},
    Maintainable: lambda given: {
        "valid_from": instant(given.valid_from),
        "valid_to": instant(given.valid_to),
    },
    HierarchicalCode: lambda given: {
        "valid_from": instant(given.valid_from),
        "valid_to": instant(given.valid_to),
    },
    Region: lambda given: {"keys": tuple(sorted(given.keys, key=lambda key: key.is_attribute))},
}

_ANY = (Maintainable,)
_ORGANISATIONS = (AgencyScheme, DataProviderScheme, DataConsumerScheme)
ROWS: tuple[tuple[str, tuple[type[Maintainable], ...], Rules], ...] = (
    ("links", _ANY, {Identifiable: lambda _: {"links": ()}}),
    ("all but one URL of an annotation, and its value where there is no title", _ANY, {Annotation: _note}),
    ("the wildcard of a reference, which names a version", _ANY, {Reference: _reference}),
    (
        "isPartial of what is no scheme of items, and isPartialLanguage",
        _ANY,
        {
            Maintainable: lambda given: {
                "is_partial": given.is_partial and isinstance(given, ItemScheme),
                "is_partial_language": False,
            }
        },
    ),
    (
        "the version of a scheme of organisations, which is 1.0",
        _ORGANISATIONS,
        dict.fromkeys(_ORGANISATIONS, lambda _: {"version": "1.0"}),
    ),
    (
        "how often a component occurs, and sentinel values",
        (ConceptScheme, DataStructure, MetadataStructure),
        {Representation: lambda _: {"min_occurs": "", "max_occurs": "", "sentinels": ()}},
    ),
    (
        "data types, facets and lists of values of which 2.1 has no name: they are plain text",
        (ConceptScheme, DataStructure, MetadataStructure),
        {Component: _component, Concept: _plain_text, MetadataAttribute: _plain_text},
    ),
    ("extensions of a code list, which are to be resolved before", (Codelist,), {Codelist: _no_extensions}),
    (
        "the id and roles of the measure and whether it is mandatory, measures of an attribute, and"
        " dimensions that it may do without",
        (DataStructure,),
        {
            Measure: lambda _: {"id": PRIMARY_MEASURE, "mandatory": False, "concept_roles": ()},
            Attribute: lambda _: {"measures": (), "optional": ()},
        },
    ),
    (
        "the metadata structure of a data structure with its attributes, evolvingStructure, and notes on"
        " lists of components that 2.1 has not",
        (DataStructure, MetadataStructure),
        {DataStructure: _data_structure, MetadataStructure: lambda _: {"component_lists": ()}},
    ),
    ("DimensionConstraint", (Dataflow,), {Dataflow: lambda _: {"dimension_constraint": ()}}),
    (
        "the targets of a metadataflow, which are those of its structure in the same message",
        (Metadataflow,),
        {Metadataflow: lambda _: {"targets": ()}},
    ),
    (
        "validity, prefixes, languages and annotations in a constraint, and whether the root of a cascade is"
        " excluded",
        (Constraint,),
        {
            TimeRange: _no_validity,
            KeyValues: _key_values,
            Region: lambda given: {**_no_validity(given), "annotations": ()},
        },
    ),
    (
        "several values in one key, which are several keys; attributes in a key",
        (Constraint,),
        {DataKeySet: _key_set},
    ),
    (
        "attachments of a constraint of another kind than the first or of a kind that 2.1 has not; sources of"
        " data beside those; regions and calendar of an attachment constraint",
        (Constraint,),
        {Constraint: _constraint, AttachmentConstraint: lambda _: {"regions": ()}},
    ),
    (
        "validity and parts of values in maps, and rows other than one to one",
        (RepresentationMap, ItemSchemeMap),
        {Mapping: _row, ItemSchemeMap: _rows},
    ),
    (
        "fixed values, dates and frequencies of a structure map, its maps of values, components mapped other"
        " than one to one, and source and target where none are left",
        (StructureMap,),
        {StructureMap: _structure_map},
    ),
)  # fmt: skip
"""What is lost, of which artefacts, and what is left by type; in the order in which it is done."""

_NOT_SERVED = (
    "all of it: drafts; value lists and geographic lists; providers, agreements and constraints of metadata;"
    " associations of hierarchies (told by their hierarchy); data structures without exactly one measure;"
    " maps other than of one code, item or component to one; and what is filed of all those"
)


def only(rules: Rules, artefact: Maintainable) -> Maintainable:
    """The artefact after one loss."""
    return cast(Maintainable, _walked(artefact, {cls: [rule] for cls, rule in rules.items()}))


LOST_IN_21 = (
    Loss(_NOT_SERVED, Maintainable, lambda artefact: artefact if served(artefact) else ()),
    *(Loss(what, of, partial(only, rules)) for what, of, rules in ROWS),
)
