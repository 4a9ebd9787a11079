"""Constraints: which values and keys may be reported, or are there (SDMX 3.0 IM, section 12)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from ..urn import Reference
from .artefact import Annotation, Maintainable


@dataclass(frozen=True)
class TimeRange:
    """Bounds as SDMX periods; None is open. `include` says whether the bound itself belongs to the range."""

    start: str | None = None
    end: str | None = None
    start_included: bool = True
    end_included: bool = True
    valid_from: str = ""
    valid_to: str = ""


@dataclass(frozen=True)
class KeyValues:
    """The values of one component in a region: allowed when `include`, forbidden otherwise.

    `cascading` names the values that stand for their descendants too: (value, "true"), or
    (value, "excluderoot") for the descendants only. `languages` are (value, language) and `validity`
    (value, from, to) of those values that have one; `remove_prefix` is None when nothing is said.
    """

    component: str
    values: tuple[str, ...] = ()
    include: bool = True
    time_range: TimeRange | None = None
    is_attribute: bool = False
    cascading: tuple[tuple[str, str], ...] = ()
    remove_prefix: bool | None = None
    valid_from: str = ""
    valid_to: str = ""
    languages: tuple[tuple[str, str], ...] = ()
    validity: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True)
class Region:
    """Values by component, of dimensions first; a component that is not named is not limited."""

    keys: tuple[KeyValues, ...]
    include: bool = True
    valid_from: str = ""
    valid_to: str = ""
    annotations: tuple[Annotation, ...] = ()


class DataKey(Region):
    """One key, or those that agree with it: a value for each component that it names."""


class CubeRegion(Region):
    """All keys within a product of values."""


class MetadataTargetRegion(Region):
    """Values of metadata attributes."""


@dataclass(frozen=True)
class DataKeySet:
    """Keys one by one, allowed or forbidden together."""

    keys: tuple[DataKey, ...]
    include: bool = True


@dataclass(frozen=True)
class QueryableDataSource:
    """A service that has the data."""

    url: str
    wsdl: str = ""
    wadl: str = ""
    is_rest: bool = False
    is_web_service: bool = False


@dataclass(frozen=True)
class ReleaseCalendar:
    """When data are due, as ISO 8601 durations (SDMX 3.0 and before)."""

    periodicity: str
    offset: str
    tolerance: str


@dataclass(frozen=True)
class Constraint(Maintainable):
    """Attached to structures, flows, agreements or a provider. Data sources and calendar: until 3.0 only."""

    attachment: tuple[Reference, ...] = ()
    role: Literal["Allowed", "Actual"] = field(default="Allowed", kw_only=True)
    simple_sources: tuple[str, ...] = field(default=(), kw_only=True)
    queryable_sources: tuple[QueryableDataSource, ...] = field(default=(), kw_only=True)
    calendar: ReleaseCalendar | None = field(default=None, kw_only=True)


@dataclass(frozen=True)
class DataConstraint(Constraint):
    """Role Actual says what there is: the AvailabilityConstraint of SDMX 3.1."""

    kind: ClassVar[str] = "DataConstraint"
    regions: tuple[CubeRegion, ...] = ()
    key_sets: tuple[DataKeySet, ...] = ()


@dataclass(frozen=True)
class MetadataConstraint(Constraint):
    kind: ClassVar[str] = "MetadataConstraint"
    regions: tuple[MetadataTargetRegion, ...] = ()


@dataclass(frozen=True)
class AttachmentConstraint(Constraint):
    """Of SDMX 2.1 only: what attributes may be attached to. No later generation has a place for it."""

    kind: ClassVar[str] = "AttachmentConstraint"
    regions: tuple[CubeRegion, ...] = ()
    key_sets: tuple[DataKeySet, ...] = ()
