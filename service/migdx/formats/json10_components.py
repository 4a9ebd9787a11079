"""SDMX-JSON 1.0: data and metadata structures, agreements and constraints, as SDMX 2.1 has them.

sdmx-json v1.0, structure-message. Only written; what 2.1 cannot say is gone before (json10_structures.py).
"""

from __future__ import annotations

from typing import Any

from ..structures import (
    AttachmentConstraint,
    Attribute,
    Constraint,
    CubeRegion,
    DataConstraint,
    DataKeySet,
    DataStructure,
    KeyValues,
    MetadataStructure,
    ProvisionAgreement,
)
from .json2_artefacts import MAINTAINED
from .json2_components import ANY_TIME, DIMENSION, GROUP, MEASURE, METADATA_ATTRIBUTE
from .json2_constraints import CALENDAR, DATA_SOURCE, time_told
from .json2_urns import urn
from .json_shapes import Json, Part, Shape, Told, one, only_written
from .ml21_metadata import REPORT, TARGET, object_types

# --- data structures ---------------------------------------------------------------------------------------


def _components(dsd: DataStructure, told: Told) -> Json | None:
    if not dsd.dimensions:  # a stub
        return None
    attributes = [_attribute(attribute, told) for attribute in dsd.attributes]
    parts: Json = {"dimensionList": {"id": "DimensionDescriptor", **_dimensions(dsd, told)}}
    if dsd.groups:
        parts["groups"] = [GROUP.put(group, told) for group in dsd.groups]
    if attributes:
        parts["attributeList"] = {"id": "AttributeDescriptor", "attributes": attributes}
    primary = {name: value for name, value in MEASURE.put(dsd.measures[0], told).items() if name != "usage"}
    return {**parts, "measureList": {"id": "MeasureDescriptor", "primaryMeasure": primary}}


def _dimensions(dsd: DataStructure, told: Told) -> Json:
    lists: Json = {}
    for position, dimension in enumerate(dsd.dimensions, 1):
        kind = "TimeDimension" if dimension.is_time else "MeasureDimension" if dimension.is_measure else ""
        entry = {**DIMENSION.put(dimension, told), "position": position, "type": kind or "Dimension"}
        if dimension.is_time:
            entry.setdefault("localRepresentation", {"textFormat": {"textType": ANY_TIME.text_type}})
        name = f"{kind[0].lower()}{kind[1:]}s" if kind else "dimensions"
        lists.setdefault(name, []).append(entry)
    return lists


def _attribute(attribute: Attribute, told: Told) -> Json:
    match attribute.attached:
        case "dataflow":
            related: Json = {"none": {}}
        case "dimensions":
            related = {"dimensions": list(attribute.to)}
        case "group":
            related = {"group": attribute.to[0]}
        case _:
            related = {"primaryMeasure": "OBS_VALUE"}
    if attribute.attachment_groups:
        related["attachmentGroups"] = list(attribute.attachment_groups)
    status = "Mandatory" if attribute.mandatory else "Conditional"
    return {**DIMENSION.put(attribute, told), "assignmentStatus": status, "attributeRelationship": related}


DATA_STRUCTURE = Shape(DataStructure, (*MAINTAINED, only_written("dataStructureComponents", _components)))

# --- metadata structures and agreements --------------------------------------------------------------------


def metadata_structure(targets: dict[str, tuple[str, ...]]) -> Shape:
    """One target for what the metadataflows in the message target, or anything, and one report about it."""

    def components(structure: MetadataStructure, told: Told) -> Json | None:
        if not structure.attributes:
            return None
        named = f"urn:sdmx:org.sdmx.infomodel.metadatastructure.MetadataTarget={structure.reference.short}"
        objects = [_object(kind) for kind in object_types(targets.get(structure.urn, ()))]
        attributes = [METADATA_ATTRIBUTE.put(attribute, told) for attribute in structure.attributes]
        return {
            "metadataTargets": [{"id": TARGET, "identifiableObjectTargets": objects}],
            "reportStructures": [
                {"id": REPORT, "metadataTargets": [f"{named}.{TARGET}"], "metadataAttributes": attributes}
            ],
        }

    return Shape(MetadataStructure, (*MAINTAINED, only_written("metadataStructureComponents", components)))


def _object(kind: str) -> Json:
    layout = {"textFormat": {"textType": "IdentifiableReference"}}
    return {"id": f"{kind.upper()}TARGET", "objectType": kind, "localRepresentation": layout}


PROVISION_AGREEMENT = Shape(
    ProvisionAgreement,
    (*MAINTAINED, urn("structureUsage", "dataflow"), urn("dataProvider", "provider")),
)

# --- constraints -------------------------------------------------------------------------------------------

_ATTACHED = {
    "DataStructure": "dataStructures",
    "Dataflow": "dataflows",
    "MetadataStructure": "metadataStructures",
    "Metadataflow": "metadataflows",
    "ProvisionAgreement": "provisionAgreements",
}


def _attachment(constraint: Constraint, told: Told) -> Json | None:
    content = isinstance(constraint, DataConstraint)
    attached: Json = {}
    for named in constraint.attachment:
        if named.kind in _ATTACHED:
            attached.setdefault(_ATTACHED[named.kind], []).append(named.urn)
        elif named.kind == "DataProvider" and content:
            attached["dataProvider"] = named.urn
    if constraint.simple_sources:
        sources = list(constraint.simple_sources)
        attached |= {"simpleDataSource": sources[0]} if content else {"simpleDataSources": sources}
    if constraint.queryable_sources and content:
        sources_told = [DATA_SOURCE.put(source, told) for source in constraint.queryable_sources]
        attached["queryableDataSources"] = sources_told
    return attached or None


def _key_sets(constraint: Any, told: Told) -> list[Json] | None:
    return [_key_set(keys) for keys in constraint.key_sets] or None


def _key_set(keys: DataKeySet) -> Json:
    return {
        "isIncluded": keys.include,
        "keys": [
            {"keyValues": [{"id": key.component, "value": value} for key in row.keys for value in key.values]}
            for row in keys.keys
        ],
    }


def _regions(constraint: DataConstraint, told: Told) -> list[Json] | None:
    return [_region(region) for region in constraint.regions] or None


def _region(region: CubeRegion) -> Json:
    """What is excluded for one component within a region has no form, so that component is not limited."""
    lists = (("keyValues", False), ("attributes", True))
    told: Json = {"isIncluded": region.include}
    for name, is_attribute in lists:
        keys = [_values(key) for key in region.keys if key.is_attribute == is_attribute and key.include]
        if keys:
            told[name] = keys
    return told


def _values(key: KeyValues) -> Json:
    told: Json = {"id": key.component}
    if key.values:
        told["values"] = list(key.values)
    if key.cascading:
        told["cascadeValues"] = [value for value, _ in key.cascading]
    if key.time_range:
        told["timeRange"] = time_told(key.time_range)
    return told


_ATTACHMENT: Part = only_written("constraintAttachment", _attachment)
_KEY_SETS: Part = only_written("dataKeySets", _key_sets)
CONTENT_CONSTRAINT = Shape(
    DataConstraint,
    (
        *MAINTAINED,
        only_written("type", lambda constraint, told: constraint.role),
        _ATTACHMENT,
        _KEY_SETS,
        only_written("cubeRegions", _regions),
        one("releaseCalendar", "calendar", CALENDAR),
    ),
)
ATTACHMENT_CONSTRAINT = Shape(AttachmentConstraint, (*MAINTAINED, _ATTACHMENT, _KEY_SETS))
