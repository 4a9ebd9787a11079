"""DataStructure, Dataflow, ProvisionAgreement, and the metadata structure that a DSD names.

SDMX 3.0 Information Model, sections 5 (data structures), 7 (metadata), 10 (provisioning).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from ..urn import Reference
from .artefact import Annotation, Identifiable, Link, Maintainable
from .codelist import Representation


@dataclass(frozen=True)
class Component(Identifiable):
    """A column with a meaning: its concept, and its own representation if not the concept's."""

    concept: Reference
    representation: Representation | None = None
    concept_roles: tuple[Reference, ...] = field(default=(), kw_only=True)


@dataclass(frozen=True)
class Dimension(Component):
    """`is_measure` marks the MeasureDimension of SDMX 2.1, whose values are concepts."""

    is_time: bool = False
    is_measure: bool = False


@dataclass(frozen=True)
class Measure(Component):
    mandatory: bool = False


Attachment = Literal["dataflow", "dimensions", "group", "observation"]


@dataclass(frozen=True)
class Attribute(Component):
    """`attached` says to what; `to` names the dimensions or the group when it is one of those.

    Of the dimensions, those in `optional` may be absent. `attachment_groups` are of SDMX 2.1: groups over
    whose dimensions the attribute is given.
    """

    mandatory: bool = False
    attached: Attachment = "observation"
    to: tuple[str, ...] = ()
    measures: tuple[str, ...] = ()
    optional: tuple[str, ...] = field(default=(), kw_only=True)
    attachment_groups: tuple[str, ...] = field(default=(), kw_only=True)


@dataclass(frozen=True)
class MetadataAttributeUsage:
    """A metadata attribute of the DSD's metadata structure that travels with data."""

    attribute: str
    attached: Attachment = "dataflow"
    to: tuple[str, ...] = ()
    optional: tuple[str, ...] = field(default=(), kw_only=True)
    annotations: tuple[Annotation, ...] = field(default=(), kw_only=True)
    links: tuple[Link, ...] = field(default=(), kw_only=True)


@dataclass(frozen=True)
class Group(Identifiable):
    dimensions: tuple[str, ...]


@dataclass(frozen=True)
class DataStructure(Maintainable):
    """Dimensions are in the order of the key; the time dimension, when there is one, comes last.

    `component_lists` says what is noted on the lists themselves (DimensionDescriptor, AttributeDescriptor,
    MeasureDescriptor); lists with nothing noted are not there. `evolving`: dimensions may be added without a
    new major version (SDMX 3.1).
    """

    kind: ClassVar[str] = "DataStructure"
    dimensions: tuple[Dimension, ...] = ()
    measures: tuple[Measure, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    groups: tuple[Group, ...] = ()
    metadata: Reference | None = None
    metadata_usages: tuple[MetadataAttributeUsage, ...] = ()
    component_lists: tuple[Identifiable, ...] = ()
    evolving: bool = False


@dataclass(frozen=True)
class Dataflow(Maintainable):
    """`dimension_constraint` names the dimensions used of an evolving structure (SDMX 3.1); all if empty."""

    kind: ClassVar[str] = "Dataflow"
    structure: Reference | None = None
    dimension_constraint: tuple[str, ...] = ()


@dataclass(frozen=True)
class ProvisionAgreement(Maintainable):
    kind: ClassVar[str] = "ProvisionAgreement"
    dataflow: Reference | None = None
    provider: Reference | None = None


@dataclass(frozen=True)
class MetadataAttribute(Identifiable):
    """An attribute of a metadata structure; presentational ones only hold others."""

    concept: Reference
    representation: Representation | None = None
    min_occurs: str = ""
    max_occurs: str = ""
    presentational: bool = False
    children: tuple[MetadataAttribute, ...] = ()


@dataclass(frozen=True)
class MetadataStructure(Maintainable):
    kind: ClassVar[str] = "MetadataStructure"
    attributes: tuple[MetadataAttribute, ...] = ()
    component_lists: tuple[Identifiable, ...] = ()


@dataclass(frozen=True)
class Metadataflow(Maintainable):
    """`targets` are URNs of what reports may describe, `*` standing for any agency, id, version or item."""

    kind: ClassVar[str] = "Metadataflow"
    structure: Reference | None = None
    targets: tuple[str, ...] = ()


@dataclass(frozen=True)
class MetadataProvisionAgreement(Maintainable):
    """Who reports metadata for a metadataflow; `targets` as there, narrower when given."""

    kind: ClassVar[str] = "MetadataProvisionAgreement"
    metadataflow: Reference | None = None
    provider: Reference | None = None
    targets: tuple[str, ...] = ()
