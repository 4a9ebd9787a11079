"""SDMX-JSON: identifiers, references as URNs, and instants.

RFC 3339 has no local time: an instant without zone is told as UTC.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from ..errors import SyntaxFault
from ..structures import Maintainable
from ..urn import Reference, parse_urn
from .json_shapes import Property, Reading, Told, take_list, take_text

# --- classes that have a URN -------------------------------------------------------------------------------

_CLASSES = frozenset((
    "Agency", "AgencyScheme", "AttributeDescriptor", "AvailabilityConstraint", "Categorisation", "Category",
    "CategoryScheme", "CategorySchemeMap", "Code", "Codelist", "ComponentMap", "Concept", "ConceptScheme",
    "ConceptSchemeMap", "CustomType", "CustomTypeScheme", "DataAttribute", "DataConstraint", "DataConsumer",
    "DataConsumerScheme", "DataProvider", "DataProviderScheme", "DataStructure", "Dataflow",
    "DatePatternMap", "Dimension", "DimensionDescriptor", "EpochMap", "FrequencyFormatMapping",
    "GroupDimensionDescriptor", "HierarchicalCode", "Hierarchy", "HierarchyAssociation", "Level", "Measure",
    "MeasureDescriptor", "MetadataAttribute", "MetadataAttributeDescriptor", "MetadataConstraint",
    "MetadataProvider", "MetadataProviderScheme", "MetadataProvisionAgreement", "MetadataStructure",
    "Metadataflow", "NamePersonalisation", "NamePersonalisationScheme", "OrganisationSchemeMap",
    "OrganisationUnit", "OrganisationUnitScheme", "Process", "ProcessStep", "ProvisionAgreement",
    "ReportingCategory", "ReportingTaxonomy", "ReportingTaxonomyMap", "RepresentationMap", "Ruleset",
    "RulesetScheme", "StructureMap", "Subscription", "TimeDimension", "Transformation",
    "TransformationScheme", "Transition", "UserDefinedOperator", "UserDefinedOperatorScheme", "ValueList",
    "VtlCodelistMapping", "VtlConceptMapping", "VtlDataflowMapping", "VtlMappingScheme",
))  # fmt: skip
"""What the schema of 2.1 has a URN for: not geographic code lists, nor metadata sets."""
_NOT_IN_2_0 = ("ValueList", "AvailabilityConstraint")  # the first is misspelt there


def has_urn(kind: str, told: Told) -> bool:
    if told.version == "1.0":
        return True
    return kind in _CLASSES and not (told.version == "2.0" and kind in _NOT_IN_2_0)


_OF_1_0 = {
    "Hierarchy": "codelist.HierarchicalCodelist",
    "DataConstraint": "registry.ContentConstraint",
    "RepresentationMap": "mapping.StructureSet",
    "StructureMap": "mapping.StructureSet",
}


def urn_told(artefact: Maintainable, told: Told) -> str:
    """ "" where the schema of that version has no URN for the class."""
    kind = artefact.kind
    if not has_urn(kind, told):
        return ""
    if told.version == "1.0" and kind in _OF_1_0:
        return f"urn:sdmx:org.sdmx.infomodel.{_OF_1_0[kind]}={artefact.reference.short}"
    return artefact.urn


_NAMED = re.compile(r".*\.(\w+)=[\w.-]+:[\w@$-]+\([\w.+-]+\)", re.ASCII)


def class_of(urn: str) -> str:
    """The class in a URN, "" when it is none."""
    found = _NAMED.match(urn)
    return found[1] if found else ""


# --- identifiers, references, instants ---------------------------------------------------------------------

_ID = re.compile(r"[A-Za-z0-9_@$-]+\Z")
_PATH = re.compile(r"[A-Za-z0-9_@$-]+(\.[A-Za-z0-9_@$-]+)*\Z")
_VERSION = re.compile(r"\d+(\.\d+)*(-[\w.-]+)?\Z", re.ASCII)


def _matching(pattern: re.Pattern[str], expected: str) -> Callable[[Any, Reading], str]:
    def take(given: Any, reading: Reading) -> str:
        if type(given) is not str or not pattern.match(given):
            raise reading.wrong(expected, given)
        return given

    return take


take_id = _matching(_ID, "an identifier of letters, digits and _ @ $ -")
take_path = _matching(_PATH, "identifiers joined by dots")
take_version = _matching(_VERSION, "a version such as 1.0 or 1.0.0-draft")


def take_urn(given: Any, reading: Reading) -> Reference:
    if type(given) is not str:
        raise reading.wrong("a URN", given)
    try:
        # the schema of 2.0 misspells the class in some places
        return parse_urn(given.replace(".Valuelist=", ".ValueList="))
    except SyntaxFault as fault:
        raise reading.fault(f"is not a URN: {fault}") from None


def _take_urn_of(kinds: tuple[str, ...]) -> Callable[[Any, Reading], Reference]:
    def take(given: Any, reading: Reading) -> Reference:
        found = take_urn(given, reading)
        if kinds and found.kind not in kinds:
            raise reading.wrong(f"the URN of a {' or '.join(kinds)}", given)
        return found

    return take


def urn(name: str, field: str, *kinds: str, **more: Any) -> Property:
    return Property(name, field, lambda value, told: value.urn, _take_urn_of(kinds), **more)


def urns(name: str, field: str, *kinds: str, **more: Any) -> Property:
    take = _take_urn_of(kinds)
    return Property(
        name,
        field,
        lambda values, told: list(dict.fromkeys(named.urn for named in values)),
        lambda given, reading: tuple(take_list(given, take, reading)),
        **more,
    )


_ZONE = re.compile(r"(Z|[+-]\d\d:\d\d)\Z")


def instant_told(given: str) -> str:
    whole = given if "T" in given else f"{given}T00:00:00"
    return whole if _ZONE.search(whole) else f"{whole}Z"


def period_told(given: str) -> str:
    """A period as it is, unless it is an instant."""
    return instant_told(given) if "T" in given and "/" not in given else given


def period(name: str, field: str) -> Property:
    return Property(name, field, lambda value, told: period_told(value), take_text)


def instant(name: str, field: str) -> Property:
    return Property(name, field, lambda value, told: instant_told(value), take_text)
