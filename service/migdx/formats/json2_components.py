"""SDMX-JSON 2.x: data and metadata structures, the flows of them, and provision agreements."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from ..structures import (
    Attribute,
    Dataflow,
    DataStructure,
    Dimension,
    Group,
    Measure,
    MetadataAttribute,
    MetadataAttributeUsage,
    Metadataflow,
    MetadataProvisionAgreement,
    MetadataStructure,
    ProvisionAgreement,
    Representation,
)
from ..urn import Reference
from .json2_artefacts import ANNOTATED, LINKED, MAINTAINED, noted
from .json2_representations import occurs, representation, representation_told, take_representation
from .json2_urns import take_id, take_path, urn, urns
from .json_shapes import (
    By,
    Inside,
    Json,
    Part,
    Property,
    Reading,
    Shape,
    Told,
    check_unique,
    each,
    flag,
    many,
    of_1_0,
    take_flag,
    take_list,
    take_object,
    take_text,
    text,
    texts,
)

_Made = TypeVar("_Made")


def _by_concept(cls: Callable[..., _Made]) -> Callable[..., _Made]:
    """A component without an id has that of its concept."""

    def made(concept: Reference, id: str = "", **parts: Any) -> _Made:
        return cls(id=id or concept.item, concept=concept, **parts)

    return made


_COMPONENT: tuple[Part, ...] = (
    text("id", take=take_id),
    ANNOTATED,
    LINKED,
    urn("conceptIdentity", "concept", "Concept", required=True),
)
_IN_DATA: tuple[Part, ...] = (
    *_COMPONENT,
    urns("conceptRoles", "concept_roles", "Concept"),
)
_LOCAL = representation("localRepresentation")

# --- dimensions --------------------------------------------------------------------------------------------

ANY_TIME = Representation(text_type="ObservationalTimePeriod")


def _time_told(value: Representation | None, told: Told) -> Json:
    return representation_told(value or ANY_TIME, told)


DIMENSION = Shape(_by_concept(Dimension), (*_IN_DATA, _LOCAL))
# which must have a representation until 2.0
_OF_TIME = Property("localRepresentation", "representation", _time_told, take_representation, always=True)
_TIME_2_0 = Shape(_by_concept(Dimension), (*_IN_DATA, _OF_TIME))


def _write_dimensions(dsd: DataStructure, into: Json, told: Told) -> None:
    """The time dimension stands apart; in 2.1 it has no position."""
    dimensions = []
    for position, dimension in enumerate(dsd.dimensions, 1):
        if not dimension.is_time:
            dimensions.append({**DIMENSION.put(dimension, told), "position": position})
        elif told.version == "2.0":
            into["timeDimension"] = {**_TIME_2_0.put(dimension, told), "position": position}
        else:
            into["timeDimension"] = DIMENSION.put(dimension, told)
    if dimensions:
        into["dimensions"] = dimensions


def _read_dimensions(given: Json, into: Json, reading: Reading) -> None:
    """In the order of their positions; those without one, where they stand."""

    def take(entry: Any, reading: Reading) -> tuple[Any, Dimension]:
        position = entry.pop("position", None) if type(entry) is dict else None
        if type(position) not in (int, type(None)):
            reading.steps.append("position")
            raise reading.wrong("a number", position)
        return position, DIMENSION.take(entry, reading)

    found: list[tuple[Any, Dimension]] = []
    if "dimensions" in given:
        reading.steps.append("dimensions")
        found = take_list(given["dimensions"], take, reading)
        check_unique([dimension.id for _, dimension in found], reading)
        reading.steps.pop()
        if all(position is not None for position, _ in found):
            found.sort(key=lambda entry: entry[0])
    dimensions = [dimension for _, dimension in found]
    if "timeDimension" in given:
        reading.steps.append("timeDimension")
        _, time = take(given["timeDimension"], reading)
        id = given["timeDimension"].get("id") or "TIME_PERIOD"
        dimensions.append(replace(time, id=id, is_time=True))
        reading.steps.pop()
    into["dimensions"] = tuple(dimensions)


# --- attributes and measures -------------------------------------------------------------------------------


def _write_relationship(value: Attribute | MetadataAttributeUsage, into: Json, told: Told) -> None:
    match value.attached:
        case "dimensions":
            relationship: Json = {"dimensions": list(dict.fromkeys(value.to))}
            if value.optional:
                relationship["areDimensionsOptional"] = [id in value.optional for id in value.to]
        case "group":
            relationship = {"group": value.to[0] if value.to else ""}
        case _:
            relationship = {value.attached: {}}
    into["attributeRelationship"] = relationship


def _read_relationship(given: Json, into: Json, reading: Reading) -> None:
    if "attributeRelationship" not in given:
        raise reading.fault("has no attributeRelationship")
    reading.steps.append("attributeRelationship")
    relationship = given["attributeRelationship"]
    take_object(relationship, reading)
    if "dimensions" in relationship:
        into |= _attached_to_dimensions(relationship, reading)
    elif "group" in relationship:
        into |= {"attached": "group", "to": (reading.part(relationship, "group", take_text),)}
    else:
        # the words of 2.1 still occur in messages of 2.0
        words = {"dataflow": "dataflow", "observation": "observation"}
        words |= {"none": "dataflow", "primaryMeasure": "observation"}
        found = next((word for word in words if word in relationship), None)
        if found is None:
            raise reading.fault("names neither dataflow nor dimensions, group or observation")
        into["attached"] = words[found]
    reading.steps.pop()


def _attached_to_dimensions(relationship: Json, reading: Reading) -> Json:
    to = tuple(reading.part(relationship, "dimensions", each(take_text)))
    found: Json = {"attached": "dimensions", "to": to}
    if "areDimensionsOptional" in relationship:
        reading.steps.append("areDimensionsOptional")
        flags = take_list(relationship["areDimensionsOptional"], take_flag, reading)
        if len(flags) != len(to):
            raise reading.fault(f"has {len(flags)} entries; there are {len(to)} dimensions")
        found["optional"] = tuple(id for id, optional in zip(to, flags, strict=True) if optional)
        reading.steps.pop()
    return found


_RELATED: Part = By(("attributeRelationship",), _write_relationship, _read_relationship)


def _take_usage(given: Any, reading: Reading) -> bool:
    if given not in ("mandatory", "optional"):
        raise reading.wrong("mandatory or optional", given)
    return bool(given == "mandatory")


_USAGE = Property(
    "usage",
    "mandatory",
    lambda value, told: "mandatory" if value else "optional",
    _take_usage,
    always=True,
)

ATTRIBUTE = Shape(
    _by_concept(Attribute), (*_IN_DATA, _LOCAL, _USAGE, _RELATED, texts("measureRelationship", "measures"))
)
MEASURE = Shape(_by_concept(Measure), (*_IN_DATA, _LOCAL, _USAGE))
GROUP = Shape(
    Group,
    (
        text("id", take=take_id, required=True),
        ANNOTATED,
        LINKED,
        texts("groupDimensions", "dimensions", required=True),
    ),
)
USAGE = Shape(
    MetadataAttributeUsage,
    (
        text("metadataAttributeReference", "attribute", take=take_path, required=True),
        _RELATED,
        ANNOTATED,
        LINKED,
    ),
)

# --- structures --------------------------------------------------------------------------------------------


def _listed(name: str, descriptor: str, *parts: Part) -> Inside:
    return Inside(name, (noted(descriptor), *parts), {"id": descriptor})


DATA_STRUCTURE = Shape(
    DataStructure,
    (
        *MAINTAINED,
        flag("evolvingStructure", "evolving", since="2.1"),
        urn("metadata", "metadata", "MetadataStructure"),
        Inside(
            "dataStructureComponents",
            (
                _listed(
                    "dimensionList",
                    "DimensionDescriptor",
                    of_1_0("timeDimensions"),
                    By(("dimensions", "timeDimension"), _write_dimensions, _read_dimensions),
                ),
                many("groups", "groups", GROUP, unique="id"),
                _listed(
                    "attributeList",
                    "AttributeDescriptor",
                    many("attributes", "attributes", ATTRIBUTE, unique="id"),
                    many("metadataAttributeUsages", "metadata_usages", USAGE),
                ),
                _listed(
                    "measureList",
                    "MeasureDescriptor",
                    of_1_0("primaryMeasure"),
                    many("measures", "measures", MEASURE, unique="id"),
                ),
            ),
        ),
    ),
)

METADATA_ATTRIBUTE: Shape = Shape(
    _by_concept(MetadataAttribute),
    (
        *_COMPONENT,
        _LOCAL,
        occurs("minOccurs", "min_occurs"),
        occurs("maxOccurs", "max_occurs"),
        flag("isPresentational", "presentational", always=True),
        many("metadataAttributes", "children", lambda: METADATA_ATTRIBUTE, unique="id"),
    ),
)
METADATA_STRUCTURE = Shape(
    MetadataStructure,
    (
        *MAINTAINED,
        Inside(
            "metadataStructureComponents",
            (
                _listed(
                    "metadataAttributeList",
                    "MetadataAttributeDescriptor",
                    many("metadataAttributes", "attributes", METADATA_ATTRIBUTE, unique="id"),
                ),
            ),
        ),
    ),
)

# --- flows and agreements ----------------------------------------------------------------------------------

DATAFLOW = Shape(
    Dataflow,
    (
        *MAINTAINED,
        urn("structure", "structure", "DataStructure"),
        texts("dimensionConstraint", "dimension_constraint", since="2.1"),
    ),
)
METADATAFLOW = Shape(
    Metadataflow,
    (
        *MAINTAINED,
        urn("structure", "structure", "MetadataStructure"),
        texts("targets", "targets", since="2.0"),
    ),
)
PROVISION_AGREEMENT = Shape(
    ProvisionAgreement,
    (
        *MAINTAINED,
        urn("dataflow", "dataflow", "Dataflow"),
        urn("dataProvider", "provider", "DataProvider"),
    ),
)
METADATA_PROVISION_AGREEMENT = Shape(
    MetadataProvisionAgreement,
    (
        *MAINTAINED,
        urn("metadataflow", "metadataflow", "Metadataflow"),
        urn("metadataProvider", "provider", "MetadataProvider"),
        texts("targets", "targets"),
    ),
)
