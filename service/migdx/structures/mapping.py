"""Maps: how data of one structure are told in another (SDMX 3.0 Information Model, section 9)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from ..urn import Reference
from .artefact import Annotation, Identifiable, Maintainable


@dataclass(frozen=True)
class Mapping:
    """One row: the values of the sources in order, and those of the targets ("" is not given).

    `regular_expressions` and `substrings` say of each source, in order, whether it is a pattern and which
    characters of the value are looked at ("" is from the start, to the end); empty when no source has any.
    """

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    valid_from: str = ""
    valid_to: str = ""
    regular_expressions: tuple[bool, ...] = ()
    substrings: tuple[tuple[str, str], ...] = ()
    annotations: tuple[Annotation, ...] = ()


@dataclass(frozen=True)
class RepresentationMap(Maintainable):
    """Sources and targets are code lists, value lists, or the name of a data type as plain text."""

    kind: ClassVar[str] = "RepresentationMap"
    sources: tuple[Reference | str, ...] = ()
    targets: tuple[Reference | str, ...] = ()
    mappings: tuple[Mapping, ...] = ()


@dataclass(frozen=True)
class ItemSchemeMap(Maintainable):
    """Items of one scheme to those of another; each mapping has one source and at most one target."""

    source: Reference | None = None
    target: Reference | None = None
    mappings: tuple[Mapping, ...] = ()


@dataclass(frozen=True)
class CategorySchemeMap(ItemSchemeMap):
    kind: ClassVar[str] = "CategorySchemeMap"


@dataclass(frozen=True)
class ConceptSchemeMap(ItemSchemeMap):
    kind: ClassVar[str] = "ConceptSchemeMap"


@dataclass(frozen=True)
class OrganisationSchemeMap(ItemSchemeMap):
    kind: ClassVar[str] = "OrganisationSchemeMap"


@dataclass(frozen=True)
class ReportingTaxonomyMap(ItemSchemeMap):
    kind: ClassVar[str] = "ReportingTaxonomyMap"


@dataclass(frozen=True)
class ComponentMap:
    """Components to components; without `representation_map` values are taken as they are."""

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    representation_map: Reference | None = None
    annotations: tuple[Annotation, ...] = ()


@dataclass(frozen=True)
class FixedValueMap:
    """A component of one side that always has `values`."""

    component: str
    values: tuple[str, ...]
    side: Literal["source", "target"] = "target"
    annotations: tuple[Annotation, ...] = ()


@dataclass(frozen=True)
class DateMap(Identifiable):
    """Dates to SDMX periods, of the frequency `target_frequency` or of what `frequency_dimension` says."""

    pairs: tuple[tuple[str, str], ...] = ()
    frequency_dimension: str = ""
    mapped_frequencies: tuple[str, ...] = ()
    target_frequency: str = ""
    resolve_period: str = ""


@dataclass(frozen=True)
class EpochMap(DateMap):
    """Dates counted in `epoch_period` since `base_period`."""

    base_period: str = ""
    epoch_period: str = ""


@dataclass(frozen=True)
class DatePatternMap(DateMap):
    """Dates written by a pattern in a locale."""

    source_pattern: str = ""
    locale: str = ""


@dataclass(frozen=True)
class FrequencyFormatMapping(Identifiable):
    frequency: str = ""
    date_pattern: str = ""


@dataclass(frozen=True)
class StructureMap(Maintainable):
    """From the components of one data structure or dataflow to those of another."""

    kind: ClassVar[str] = "StructureMap"
    source: Reference | None = None
    target: Reference | None = None
    epochs: tuple[EpochMap, ...] = ()
    date_patterns: tuple[DatePatternMap, ...] = ()
    frequency_formats: tuple[FrequencyFormatMapping, ...] = ()
    components: tuple[ComponentMap, ...] = ()
    fixed_values: tuple[FixedValueMap, ...] = field(default=())
