"""Data structures, flows and agreements of SDMX-ML 2.1 (SDMXStructureDataStructure.xsd and its neighbours).

The one measure of 2.1 is the PrimaryMeasure; the dimension that takes the concepts of several is the
MeasureDimension. A group that is an attachment constraint keeps it as text (`ml21_kept`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..structures import (
    Attribute as DataAttribute,
)
from ..structures import (
    Categorisation,
    Dataflow,
    DataStructure,
    Dimension,
    Group,
    Identifiable,
    Measure,
    Metadataflow,
    ProvisionAgreement,
)
from .markup import element
from .ml21_artefact import IDENTIFIABLE, MAINTAINABLE, NOTES, URI, URN, Represented
from .ml21_kept import Ignored, Kept
from .xml_shapes import (
    ID,
    Attribute,
    Dialect,
    Holder,
    Irregular,
    Many,
    Node,
    Part,
    Reading,
    Ref,
    Refs,
    Shape,
    Values,
    Within,
    fault,
    fixed,
    local,
    one_of,
    twice,
)

PRIMARY_MEASURE = "OBS_VALUE"  # the only id that the schema allows it
_DAY = "REPORTING_YEAR_START_DAY"


# --- components --------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class ComponentId(Attribute):
    """The id of a component, which is that of its concept when it is not given."""

    def finish(self, values: Values, node: Node, holder: Any) -> None:
        if self.field not in values and "concept" in values:
            values[self.field] = values["concept"].item
        super().finish(values, node, holder)


CONCEPT_IDENTITY = Ref("str:ConceptIdentity", "concept", kinds=("Concept",), required=True)
COMPONENT = (ComponentId("id", "id", ID, required=True), URN, URI, NOTES, CONCEPT_IDENTITY)
_ROLES = Refs("str:ConceptRole", "concept_roles", kinds=("Concept",))
_PLACE = Ignored(("position", "type"))

DIMENSION = Shape(
    Dimension, "str:Dimension", *COMPONENT, _PLACE, Represented("str:LocalRepresentation"), _ROLES
)
MEASURE_DIMENSION = Shape(
    lambda **fields: Dimension(**fields, is_measure=True),
    "str:MeasureDimension",
    *COMPONENT,
    _PLACE,
    Represented("str:LocalRepresentation", measures=True),
    _ROLES,
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
    _ROLES,
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


@dataclass(frozen=True, eq=False)
class _GroupDimensions(Part):
    @property
    def elements(self) -> tuple[str, ...]:
        return ("GroupDimension",)

    def take(self, node: Node, values: Values, reading: Reading) -> None:
        for child in node:
            if reading.local(child) == "DimensionReference":
                values["dimensions"] = [*values.get("dimensions", ()), reading.id_of(child)]
            else:
                reading.skip(reading.local(child), child)

    def body(self, given: Group, dialect: Dialect) -> str:
        return "".join(
            element("str:GroupDimension", (), dialect.write_local("str:DimensionReference", id))
            for id in given.dimensions
        )


GROUP = Shape(
    lambda dimensions=(), **fields: Group(dimensions=dimensions, **fields),
    "str:Group",
    *IDENTIFIABLE,
    _GroupDimensions(),
    Kept("str:AttachmentConstraint"),
)


# --- lists of components -----------------------------------------------------------------------------------

_LIST = Holder()
_LIST.parts = (Ignored(("id", "urn")), URI, NOTES)


@dataclass(frozen=True, eq=False)
class _List(Part):
    """A list of components of several shapes; what is noted on the list itself goes to `component_lists`."""

    name: str
    descriptor: str
    field: str
    shapes: tuple[Shape, ...]
    choose: Callable[[Any], Shape]
    numbered: bool = False

    @property
    def elements(self) -> tuple[str, ...]:
        return (self.name[4:],)

    def take(self, node: Node, values: Values, reading: Reading) -> None:
        noted: Values = {}
        placed: list[tuple[tuple[int, int], Any]] = []

        def component(child: Node, _: Values, reading: Reading) -> None:
            read = reading.read(shapes[reading.local(child)], child)
            if any(entry.id == read.id for _, entry in placed):
                raise twice(child, read.id)
            placed.append((_place(child, read, len(placed)), read))

        shapes = {shape.element[4:]: shape for shape in self.shapes}
        holder = Holder()
        members = Irregular(tuple(f"str:{name}" for name in shapes), component, lambda *_: "")
        holder.parts = (*_LIST.parts, members)
        reading.fill(holder, node, noted)
        if noted:
            notes = tuple(noted.get("annotations", ()))
            kept = Identifiable(self.descriptor, annotations=notes, uri=noted.get("uri", ""))
            values.setdefault("component_lists", []).append(kept)
        if self.numbered:
            placed.sort(key=lambda entry: entry[0])
        values[self.field] = [read for _, read in placed]

    def body(self, given: Any, dialect: Dialect) -> str:
        components = getattr(given, self.field)
        if not components:
            return ""
        listed = next((each for each in given.component_lists if each.id == self.descriptor), None)
        head, notes = _LIST.inside(listed, dialect) if listed else ("", "")
        inner = "".join(self._one(each, at, dialect) for at, each in enumerate(components, 1))
        return f'<{self.name} id="{self.descriptor}"{head}>{notes}{inner}</{self.name}>'

    def _one(self, component: Any, at: int, dialect: Dialect) -> str:
        position = f' position="{at}"' if self.numbered else ""
        return self.choose(component).write(component, dialect, position)


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


DATA_STRUCTURE = Shape(
    DataStructure,
    "str:DataStructure",
    *MAINTAINABLE,
    Within(
        "str:DataStructureComponents",
        _List(
            "str:DimensionList",
            "DimensionDescriptor",
            "dimensions",
            (DIMENSION, MEASURE_DIMENSION, TIME_DIMENSION),
            _dimension,
            numbered=True,
        ),
        Many("groups", lambda: GROUP),
        _List("str:AttributeList", "AttributeDescriptor", "attributes", (ATTRIBUTE, YEAR_START), _attribute),
        _List("str:MeasureList", "MeasureDescriptor", "measures", (MEASURE,), lambda _: MEASURE),
    ),
)


# --- flows, agreements, categorisations --------------------------------------------------------------------

DATAFLOW = Shape(
    Dataflow, "str:Dataflow", *MAINTAINABLE, Ref("str:Structure", "structure", kinds=("DataStructure",))
)
METADATAFLOW = Shape(
    Metadataflow,
    "str:Metadataflow",
    *MAINTAINABLE,
    Ref("str:Structure", "structure", kinds=("MetadataStructure",)),
)
PROVISION_AGREEMENT = Shape(
    ProvisionAgreement,
    "str:ProvisionAgreement",
    *MAINTAINABLE,
    # of metadata too: in 2.1 there is one kind of agreement and of provider
    Ref("str:StructureUsage", "dataflow", kinds=("Dataflow", "Metadataflow")),
    Ref("str:DataProvider", "provider", kinds=("DataProvider",)),
)
CATEGORISATION = Shape(
    Categorisation,
    "str:Categorisation",
    *MAINTAINABLE,
    Ref("str:Source", "source"),
    Ref("str:Target", "target", kinds=("Category",)),
)
