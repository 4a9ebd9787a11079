"""Schema: a dataflow's DSD with its code lists resolved and its constraints applied; what data work needs.

The DSD stays an artefact. Constraints cascade from the DSD over the dataflow to the provision agreement
(SDMX 3.0 Information Model, section 12.3): each narrows what its predecessor allows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from .restriction import Restriction
from .structures import (
    Attachment,
    Codelist,
    Dataflow,
    DataStructure,
    Item,
    ItemScheme,
    Maintainable,
    MetadataStructure,
    ProvisionAgreement,
    RepresentationMap,
    Text,
)
from .urn import Reference

Role = Literal["dimension", "time", "measure", "attribute"]

NUMERIC = frozenset(
    {
        "Double",
        "Float",
        "Decimal",
        "Integer",
        "Long",
        "Short",
        "BigInteger",
        "Count",
        "Incremental",
        "Numeric",
    }
)

# the cross-domain concepts that say what may be shown (SDMX code lists CL_CONF_STATUS and CL_OBS_STATUS)
CONFIDENTIALITY, FREE = "CONF_STATUS", "F"
STATUS, SUPPRESSED = "OBS_STATUS", "Q"
EMBARGO = "EMBARGO_TIME"

FOOTNOTE = "OBS_FOOTNOTE"
"""What the service says beside an observation; nobody sends it."""

PROVIDER = "DATA_PROVIDER"
"""Whose an observation is (SDMX Glossary: data provider); the service writes it, nobody sends it."""

BY_SERVICE = (FOOTNOTE, PROVIDER)
"""What the service writes beside observations: no content of a sender's."""

FREQUENCY = "FREQ"
"""The dimension that says how long periods are, in every structure (SDMX cross-domain concepts)."""

INTEGRAL = frozenset({"Integer", "Long", "Short", "BigInteger", "Count", "Incremental"})

TEMPORAL = frozenset(
    {
        "ObservationalTimePeriod",
        "StandardTimePeriod",
        "BasicTimePeriod",
        "GregorianTimePeriod",
        "GregorianYear",
        "GregorianYearMonth",
        "GregorianDay",
        "ReportingTimePeriod",
        "TimeRange",
        "DateTime",
        "Time",
        "Month",
        "MonthDay",
        "Day",
        "Duration",
    }
)


@dataclass(frozen=True)
class SchemaComponent:
    """A component with everything resolved.

    `allowed` is the set of values that the constraints of DSD and dataflow leave, `granted` what those of the
    provision agreement leave; None when they say nothing. `codelist` is what lists the values: a code list, a
    value list, or the concepts of a measure dimension (SDMX 2.1); None for uncoded components;
    `attached` and `to` tell an attribute's level. `maps` tell codes of one list in another.
    """

    id: str
    role: Role
    names: Text
    codelist: ItemScheme | None = None
    allowed: frozenset[str] | None = None
    granted: frozenset[str] | None = None
    text_type: str = "String"
    facets: tuple[tuple[str, str], ...] = ()
    mandatory: bool = False
    attached: Attachment = "observation"
    to: tuple[str, ...] = ()
    max_occurs: str = ""
    maps: tuple[RepresentationMap, ...] = field(default=(), repr=False, compare=False)

    @property
    def coded(self) -> bool:
        return self.codelist is not None

    @property
    def numeric(self) -> bool:
        return self.codelist is None and self.text_type in NUMERIC

    @cached_property
    def codes(self) -> frozenset[str]:
        """Every code of the list, constraint or not."""
        if isinstance(self.codelist, Codelist):
            return self.codelist.codes
        return frozenset(self.codelist.by_id) if self.codelist else frozenset()

    @cached_property
    def limit(self) -> frozenset[str] | None:
        """The values that all constraints leave; None when they say nothing."""
        if self.allowed is None or self.granted is None:
            return self.granted if self.allowed is None else self.allowed
        return self.allowed & self.granted

    @cached_property
    def valid(self) -> frozenset[str]:
        """The codes that may be sent: those of the list that the constraints leave."""
        return self.codes if self.limit is None else self.codes & self.limit

    def code(self, code_id: str) -> Item | None:
        return self.codelist.by_id.get(code_id) if self.codelist else None


@dataclass(frozen=True)
class Schema:
    """`components` are in the order of the DSD: dimensions, time, measures, attributes.

    `within` is what data are reported under when that is not the dataflow. A schema of the DSD alone has a
    dataflow that says no more than the DSD. Where a dataflow uses some dimensions only, `dsd` has no others.
    `restrictions` are what the constraints say beyond the allowed values of each component.
    """

    dataflow: Dataflow
    dsd: DataStructure
    components: tuple[SchemaComponent, ...]
    metadata: MetadataStructure | None = None
    within: ProvisionAgreement | DataStructure | None = None
    restrictions: tuple[Restriction, ...] = ()
    by_id: Mapping[str, SchemaComponent] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_id", {component.id: component for component in self.components})

    @property
    def subject(self) -> Maintainable:
        """What data are reported under: an agreement, the dataflow, or the DSD alone."""
        return self.within or self.dataflow

    @property
    def context(self) -> Reference:
        """The reference of `subject`: what messages name, and up to which constraints apply."""
        return self.subject.reference

    def _of(self, *roles: Role) -> tuple[SchemaComponent, ...]:
        return tuple(component for component in self.components if component.role in roles)

    @cached_property
    def series_dimensions(self) -> tuple[SchemaComponent, ...]:
        """The dimensions of the key, without time, in the order of the DSD."""
        return self._of("dimension")

    @cached_property
    def time(self) -> SchemaComponent | None:
        return next(iter(self._of("time")), None)

    @cached_property
    def dimensions(self) -> tuple[SchemaComponent, ...]:
        return self._of("dimension", "time")

    @cached_property
    def measures(self) -> tuple[SchemaComponent, ...]:
        return self._of("measure")

    @cached_property
    def attributes(self) -> tuple[SchemaComponent, ...]:
        return self._of("attribute")

    @cached_property
    def key(self) -> tuple[str, ...]:
        """Ids of the dimensions that identify an observation, time last."""
        return tuple(component.id for component in self.dimensions)

    @cached_property
    def series_attributes(self) -> tuple[SchemaComponent, ...]:
        """Attributes attached to some or all dimensions but time: one value per series."""
        time = self.time.id if self.time else ""
        return tuple(a for a in self.attributes if a.attached in ("dimensions", "group") and time not in a.to)

    @cached_property
    def observation_attributes(self) -> tuple[SchemaComponent, ...]:
        named = {a.id for a in (*self.series_attributes, *self.dataset_attributes)}
        return tuple(a for a in self.attributes if a.id not in named)

    @cached_property
    def masked(self) -> tuple[str, ...]:
        """What a confidential observation never shows: measures, and what could tell them (bounds, comments).

        Coded attributes and dates stay: they say why the value is not there; so does whose it is.
        """
        texts = (a for a in self.observation_attributes if not a.coded and a.text_type not in TEMPORAL)
        told = (a for a in texts if a.id != PROVIDER)
        return tuple(component.id for component in (*self.measures, *told))

    @cached_property
    def hidden(self) -> tuple[str, ...]:
        """The columns of a segment that are emptied in a confidential row: masked, texts, the status."""
        texts = (f"_text_{measure.id}" for measure in self.measures)
        status = (STATUS,) if STATUS in self.by_id else ()
        return (*self.masked, *texts, *status)

    @cached_property
    def dataset_attributes(self) -> tuple[SchemaComponent, ...]:
        return tuple(a for a in self.attributes if a.attached == "dataflow")
