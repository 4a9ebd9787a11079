"""Data structures of SDMX-ML 2.1 (SDMXStructureDataStructure.xsd).

The one measure of 2.1 is the PrimaryMeasure; the dimension that takes the concepts of several is the
MeasureDimension. A group that is an attachment constraint keeps it as text (`ml21_kept`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..structures import Attribute as DataAttribute
from ..structures import DataStructure, Dimension, Measure
from .ml3_components import GROUP, ROLES, ComponentList
from .ml21_artefact import Represented
from .ml21_kept import Ignored
from .ml_words import NOTED, maintainable
from .xml_shapes import (
    ID,
    Attribute,
    Dialect,
    Many,
    Mixed,
    Node,
    Part,
    Reading,
    Ref,
    Shape,
    Values,
    Within,
    fault,
    fixed,
    local,
    one_of,
)

PRIMARY_MEASURE = "OBS_VALUE"  # the only id that the schema allows it
_DAY = "REPORTING_YEAR_START_DAY"


# --- components --------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class ComponentId(Attribute):
    """The id of a component, which is that of its concept when it is not given."""

    def finish(self, values: Values, node: Node, dialect: Dialect) -> None:
        if self.field not in values and "concept" in values:
            values[self.field] = values["concept"].item
        super().finish(values, node, dialect)


CONCEPT_IDENTITY = Ref("str:ConceptIdentity", "concept", kinds=("Concept",), required=True)
COMPONENT = (ComponentId("id", "id", ID, required=True), *NOTED, CONCEPT_IDENTITY)
_PLACE = Ignored(("position", "type"))

DIMENSION = Shape(
    Dimension, "str:Dimension", *COMPONENT, _PLACE, Represented("str:LocalRepresentation"), ROLES
)
MEASURE_DIMENSION = Shape(
    lambda **fields: Dimension(**fields, is_measure=True),
    "str:MeasureDimension",
    *COMPONENT,
    _PLACE,
    Represented("str:LocalRepresentation", measures=True),
    ROLES,
)
TIME_DIMENSION = Shape(
    lambda id="TIME_PERIOD", **fields: Dimension(id=id, **fields, is_time=True),
    "str:TimeDimension",
    Attribute("id", "id", ID),
    *COMPONENT[1:],
    _PLACE,
    Represented("str:LocalRepresentation", time=True),
)


@dataclass(frozen=True, eq=False)
class _Relationship(Part):
    """What an attribute is attached to: None is the dataflow."""

    @property
    def elements(self) -> tuple[str, ...]:
        return ("AttributeRelationship",)

    def take(self, node: Node, values: Values, reading: Reading) -> None:
        for child in node:
            name = reading.local(child)
            if name not in _ATTACHED:
                reading.skip(name, child)
                continue
            if name == "AttachmentGroup":
                values.setdefault("attachment_groups", []).append(reading.id_of(child))
                continue
            values["attached"] = _ATTACHED[name]
            if name in ("Dimension", "Group"):
                values.setdefault("to", []).append(reading.id_of(child))

    def body(self, given: DataAttribute, dialect: Dialect) -> str:
        name = {attached: name for name, attached in _ATTACHED.items() if attached}[given.attached]
        if name == "None":
            inner = "<str:None/>"
        elif name == "PrimaryMeasure":
            inner = dialect.write_local("str:PrimaryMeasure", PRIMARY_MEASURE)
        else:
            inner = "".join(dialect.write_local(f"str:{name}", id) for id in given.to)
            inner += "".join(dialect.write_local("str:AttachmentGroup", id) for id in given.attachment_groups)
        return f"<str:AttributeRelationship>{inner}</str:AttributeRelationship>"


_ATTACHED = {
    "None": "dataflow",
    "Dimension": "dimensions",
    "AttachmentGroup": "",
    "Group": "group",
    "PrimaryMeasure": "observation",
}

_ATTRIBUTE = (
    Attribute("assignmentStatus", "mandatory", one_of(Mandatory=True, Conditional=False)),
    Represented("str:LocalRepresentation"),
    ROLES,
    _Relationship(),
)
ATTRIBUTE = Shape(DataAttribute, "str:Attribute", *COMPONENT, *_ATTRIBUTE)
YEAR_START = Shape(
    lambda id=_DAY, **fields: DataAttribute(id=id, **fields),
    "str:ReportingYearStartDay",
    Attribute("id", "id", ID),
    *COMPONENT[1:],
    *_ATTRIBUTE,
)
MEASURE = Shape(
    lambda **fields: Measure(PRIMARY_MEASURE, **fields),
    "str:PrimaryMeasure",
    Ignored(("id",)),
    fixed("id", PRIMARY_MEASURE),
    *COMPONENT[1:],
    Represented("str:LocalRepresentation"),
)


# --- lists of components -----------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Dimensions(Mixed):
    """In the order of their positions."""

    def take(self, node: Node, values: Values, reading: Reading) -> None:
        super().take(node, values, reading)
        placed = values.setdefault("_placed", [])
        placed.append((_place(node, values[self.field][-1], len(placed)), values[self.field][-1]))

    def finish(self, values: Values, node: Node, dialect: Dialect) -> None:
        placed = sorted(values.pop("_placed", ()), key=lambda entry: entry[0])
        values[self.field] = [read for _, read in placed]

    def body(self, given: Any, dialect: Dialect) -> str:
        return "".join(
            self.shape_of(each).write(each, dialect, f' position="{position}"')
            for position, each in enumerate(given.dimensions, 1)
        )


def _place(node: Node, read: Any, at: int) -> tuple[int, int]:
    """Where a component stands: as its position says, the time dimension after all others."""
    given = (node.get("position") or "").strip()
    if given and not given.lstrip("+-").isdigit():
        raise fault(f"{local(node)}/@position is '{given}'; expected a number", node)
    if getattr(read, "is_time", False):
        return (1 << 31, at)
    return (int(given) if given else at + 1, at)


def _dimension(given: Dimension) -> Shape:
    return TIME_DIMENSION if given.is_time else MEASURE_DIMENSION if given.is_measure else DIMENSION


def _attribute(given: DataAttribute) -> Shape:
    told = given.representation
    day = given.id == _DAY and told is not None and told.text_type == "MonthDay" and not told.facets
    return YEAR_START if day else ATTRIBUTE


DATA_STRUCTURE = maintainable(
    DataStructure,
    Within(
        "str:DataStructureComponents",
        ComponentList(
            "str:DimensionList",
            "DimensionDescriptor",
            _Dimensions("dimensions", (DIMENSION, MEASURE_DIMENSION, TIME_DIMENSION), _dimension),
        ),
        Many("groups", lambda: GROUP),
        ComponentList(
            "str:AttributeList",
            "AttributeDescriptor",
            Mixed("attributes", (ATTRIBUTE, YEAR_START), _attribute),
        ),
        ComponentList("str:MeasureList", "MeasureDescriptor", Many("measures", lambda: MEASURE)),
    ),
)
