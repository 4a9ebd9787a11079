"""DataStructure, Dataflow, ProvisionAgreement, DataConstraint, and the metadata structure that a DSD names.

SDMX 3.0 Information Model, sections 5 (data structures), 7 (metadata), 10 (provisioning), 12 (constraints).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from ..urn import Reference
from .artefact import Annotation, Maintainable
from .codelist import Representation


@dataclass(frozen=True)
class Component:
    """A column with a meaning: its concept, and its own representation if not the concept's."""

    id: str
    concept: Reference
    representation: Representation | None = None
    annotations: tuple[Annotation, ...] = field(default=(), kw_only=True)
    concept_roles: tuple[Reference, ...] = field(default=(), kw_only=True)


@dataclass(frozen=True)
class Dimension(Component):
    is_time: bool = False


@dataclass(frozen=True)
class Measure(Component):
    mandatory: bool = False


Attachment = Literal["dataflow", "dimensions", "group", "observation"]


@dataclass(frozen=True)
class Attribute(Component):
    """`attached` says to what; `to` names the dimensions or the group when it is one of those."""

    mandatory: bool = False
    attached: Attachment = "observation"
    to: tuple[str, ...] = ()
    measures: tuple[str, ...] = ()


@dataclass(frozen=True)
class MetadataAttributeUsage:
    """A metadata attribute of the DSD's metadata structure that travels with data."""

    attribute: str
    attached: Attachment = "dataflow"
    to: tuple[str, ...] = ()


@dataclass(frozen=True)
class Group:
    id: str
    dimensions: tuple[str, ...]


@dataclass(frozen=True)
class DataStructure(Maintainable):
    """Dimensions are in the order of the key; the time dimension, when there is one, comes last."""

    kind: ClassVar[str] = "DataStructure"
    dimensions: tuple[Dimension, ...] = ()
    measures: tuple[Measure, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    groups: tuple[Group, ...] = ()
    metadata: Reference | None = None
    metadata_usages: tuple[MetadataAttributeUsage, ...] = ()


@dataclass(frozen=True)
class Dataflow(Maintainable):
    kind: ClassVar[str] = "Dataflow"
    structure: Reference | None = None


@dataclass(frozen=True)
class ProvisionAgreement(Maintainable):
    kind: ClassVar[str] = "ProvisionAgreement"
    dataflow: Reference | None = None
    provider: Reference | None = None


@dataclass(frozen=True)
class TimeRange:
    """Bounds as SDMX periods; None is open. `include` says whether the bound itself belongs to the range."""

    start: str | None = None
    end: str | None = None
    start_included: bool = True
    end_included: bool = True


@dataclass(frozen=True)
class KeyValues:
    """The values of one component in a region: allowed when `include`, forbidden otherwise.

    `cascading` names the values that stand for their descendants too: (value, "true"), or
    (value, "excluderoot") for the descendants only.
    """

    component: str
    values: tuple[str, ...] = ()
    include: bool = True
    time_range: TimeRange | None = None
    is_attribute: bool = False
    cascading: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class DataKeySet:
    """Keys one by one, each with one value for the components that it names."""

    keys: tuple[tuple[KeyValues, ...], ...]
    include: bool = True


@dataclass(frozen=True)
class CubeRegion:
    keys: tuple[KeyValues, ...]
    include: bool = True


@dataclass(frozen=True)
class DataConstraint(Maintainable):
    kind: ClassVar[str] = "DataConstraint"
    role: Literal["Allowed", "Actual"] = "Allowed"
    attachment: tuple[Reference, ...] = ()
    regions: tuple[CubeRegion, ...] = ()
    key_sets: tuple[DataKeySet, ...] = ()


@dataclass(frozen=True)
class MetadataAttribute:
    """An attribute of a metadata structure; presentational ones only hold others."""

    id: str
    concept: Reference
    representation: Representation | None = None
    min_occurs: str = ""
    max_occurs: str = ""
    presentational: bool = False
    children: tuple[MetadataAttribute, ...] = ()
    annotations: tuple[Annotation, ...] = field(default=(), kw_only=True)


@dataclass(frozen=True)
class MetadataStructure(Maintainable):
    kind: ClassVar[str] = "MetadataStructure"
    attributes: tuple[MetadataAttribute, ...] = ()


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
