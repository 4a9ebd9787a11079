"""SDMX-ML 3.x tables of what has components: data and metadata structures.

Schemas: SDMXStructureDataStructure.xsd, ...MetadataStructure.xsd.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from ..structures import (
    Attribute,
    DataStructure,
    Dimension,
    Group,
    Identifiable,
    Measure,
    MetadataAttribute,
    MetadataAttributeUsage,
    MetadataStructure,
    Representation,
)
from .markup import escape, leaf, quoted
from .ml21_kept import Kept
from .ml_words import (
    ANNOTATIONS,
    IDENTIFIABLE,
    ITS_URN,
    LINKS,
    UNNAMED,
    maintainable,
    representation,
)
from .xml_shapes import (
    FLAG,
    WORD,
    Derived,
    Dialect,
    Irregular,
    Leaf,
    Locals,
    Many,
    Mixed,
    Node,
    Part,
    Reading,
    Ref,
    Refs,
    Shape,
    Values,
    Within,
    attributes_of,
    fault,
    local,
    one_of,
    text_of,
)
from .xml_shapes import Attribute as InAttribute

# --- components --------------------------------------------------------------------------------------------

USAGE = InAttribute("usage", "mandatory", one_of(mandatory=True, optional=False))
ROLES = Refs("str:ConceptRole", "concept_roles", ("Concept",))


def component(make: Callable[..., Any], name: str, *parts: Part, default: str = "String") -> Shape:
    """A component; without an id of its own it bears that of its concept."""

    def made(**values: Any) -> Any:
        return make(**{"id": values["concept"].item, **values})

    return Shape(
        made,
        f"str:{name}",
        *UNNAMED,
        Ref("str:ConceptIdentity", "concept", ("Concept",), required=True),
        representation("LocalRepresentation", default),
        *parts,
    )


DIMENSION = component(Dimension, "Dimension", Derived("position", lambda _: ""), ROLES)
TIME_DIMENSION = component(
    lambda **values: Dimension(**{**values, "id": "TIME_PERIOD", "is_time": True}),
    "TimeDimension",
    ROLES,
    default="ObservationalTimePeriod",
)
MEASURE = component(Measure, "Measure", USAGE, ROLES)


def _dimension_shape(dimension: Dimension) -> Shape:
    return TIME_DIMENSION if dimension.is_time else DIMENSION


@dataclass(frozen=True, eq=False)
class Dimensions(Mixed):
    """The dimensions in the order of the key, which is that of the elements; that of time is the last.

    Each is written with its position, which clients read although the order decides.
    """

    def finish(self, values: Values, node: Node, dialect: Dialect) -> None:
        values.get("dimensions", []).sort(key=lambda dimension: dimension.is_time)

    def body(self, given: Any, dialect: Dialect) -> str:
        return "".join(
            [
                TIME_DIMENSION.write(_in_time(dimension), dialect)
                if dimension.is_time
                else DIMENSION.write(dimension, dialect, f' position="{position}"')
                for position, dimension in enumerate(given.dimensions, 1)
            ]
        )


DIMENSIONS = Dimensions("dimensions", (DIMENSION, TIME_DIMENSION), _dimension_shape, unique=False)


def _in_time(dimension: Dimension) -> Dimension:
    """The schema demands a representation of time."""
    told = dimension.representation or Representation(text_type="ObservationalTimePeriod")
    return replace(dimension, representation=told)


# --- what an attribute is attached to ----------------------------------------------------------------------


def _read_relationship(node: Node, values: Values, reading: Reading) -> None:
    for entry in node:
        match reading.local(entry):
            case "Dataflow":
                values["attached"] = "dataflow"
            case "Observation":
                values["attached"] = "observation"
            case "Group":
                values["attached"] = "group"
                values["to"] = [text_of(entry)]
            case "Dimension":
                values["attached"] = "dimensions"
                values.setdefault("to", []).append(text_of(entry))
                if (entry.get("optional") or "").strip() in ("true", "1"):
                    values.setdefault("optional", []).append(text_of(entry))
            case other:
                reading.skip(other, entry)
    if "attached" not in values:
        raise fault("AttributeRelationship is to none of Dataflow, Dimension, Group and Observation", node)


def _write_relationship(given: Any, dialect: Dialect) -> str:
    match given.attached:
        case "dataflow":
            inner = "<str:Dataflow/>"
        case "observation":
            inner = "<str:Observation/>"
        case "group":
            inner = "".join([leaf("str:Group", group) for group in given.to[:1]])
        case _:
            inner = "".join([_dimension(dimension, dimension in given.optional) for dimension in given.to])
    return f"<str:AttributeRelationship>{inner}</str:AttributeRelationship>"


def _dimension(name: str, optional: bool) -> str:
    told = ' optional="true"' if optional else ""
    return f"<str:Dimension{told}>{escape(name)}</str:Dimension>"


@dataclass(frozen=True, eq=False)
class Relationship(Irregular):
    def finish(self, values: Values, node: Node, dialect: Dialect) -> None:
        if "attached" not in values:
            raise fault(f"{local(node)} has no AttributeRelationship", node)


RELATIONSHIP = Relationship(("str:AttributeRelationship",), _read_relationship, _write_relationship)
ATTRIBUTE = component(
    Attribute,
    "Attribute",
    USAGE,
    ROLES,
    RELATIONSHIP,
    Within("str:MeasureRelationship", Locals("str:Measure", "measures")),
)
METADATA_USAGE = Shape(
    MetadataAttributeUsage,
    "str:MetadataAttributeUsage",
    ITS_URN,
    ANNOTATIONS,
    LINKS,
    Leaf("str:MetadataAttributeReference", "attribute", WORD, required=True),
    RELATIONSHIP,
)


@dataclass(frozen=True, eq=False)
class Usages(Many):
    """Usages of metadata attributes: they have no URN class, so each bears the URN of its attribute, since
    one client insists on a URN.
    """

    def body(self, given: Any, dialect: Dialect) -> str:
        return "".join(
            [METADATA_USAGE.write(usage, dialect, _its_urn(usage, given)) for usage in given.metadata_usages]
        )


def _its_urn(usage: MetadataAttributeUsage, dsd: DataStructure) -> str:
    named = dsd.metadata and replace(dsd.metadata, kind="MetadataAttribute", item=usage.attribute)
    return f' urn="{quoted(named.urn)}"' if named and "+" not in named.version else ""


# --- lists of components -----------------------------------------------------------------------------------


class ComponentList(Within):
    """A list whose own notes, if any, are kept in `component_lists`, and whose id is that of its class."""

    def __init__(self, name: str, id: str, *parts: Part) -> None:
        super().__init__(name, *parts)
        object.__setattr__(self, "id", id)

    id: str

    def take(self, node: Node, values: Values, reading: Reading) -> None:
        noted: Values = {}
        notes, parts = reading.dialect.table(_NOTES), reading.dialect.table(self)
        for name, given in attributes_of(node):
            part = notes.by_attribute.get(name)
            if part is not None:
                part.take_attribute(name, given, node, noted)
            elif name[0] != "{":
                reading.skip(f"@{name}", node)
        for child in node:
            name = reading.local(child)
            note, part = notes.by_element.get(name), parts.by_element.get(name)
            if note is not None:
                note.take(child, noted, reading)
            elif part is not None:
                part.take(child, values, reading)
            else:
                reading.skip(name, child)
        noted.pop("id", None)
        if noted:
            told: Values = {
                key: tuple(each) if isinstance(each, list) else each for key, each in noted.items()
            }
            values.setdefault("component_lists", []).append(Identifiable(self.id, **told))

    def body(self, given: Any, dialect: Dialect) -> str:
        _, inner = self.inside(given, dialect)
        if not inner:
            return ""
        noted = next((each for each in given.component_lists if each.id == self.id), Identifiable(self.id))
        head, notes = _NOTES.inside(noted, dialect)
        return f"<{self.name}{head}>{notes}{inner}</{self.name}>"


_NOTES = Shape(Identifiable, "", *UNNAMED)


@dataclass(frozen=True, eq=False)
class EachIdOnce(Part):
    """Dimensions, measures and attributes share one space of ids."""

    def finish(self, values: Values, node: Node, dialect: Dialect) -> None:
        seen: set[str] = set()
        for each in self._components(values):
            if each.id in seen:
                raise fault(
                    f"DataStructure has two components of id '{each.id}'", self._second(each.id, node)
                )
            seen.add(each.id)

    def _components(self, values: Values) -> Iterator[Any]:
        for name in ("dimensions", "attributes", "measures"):
            yield from values.get(name, ())

    def _second(self, id: str, node: Node) -> Node:
        found = [each for each in node.iter() if each.get("id") == id]
        return found[1] if len(found) > 1 else node


@dataclass(frozen=True, eq=False)
class GroupDimensions(Part):
    """The dimensions of a group, each in an element of its own."""

    @property
    def elements(self) -> tuple[str, ...]:
        return ("GroupDimension",)

    def take(self, node: Node, values: Values, reading: Reading) -> None:
        reading.fill(_GROUPED, node, values)

    def finish(self, values: Values, node: Node, dialect: Dialect) -> None:
        values.setdefault("dimensions", ())

    def body(self, given: Group, dialect: Dialect) -> str:
        written = [dialect.write_local("str:DimensionReference", each) for each in given.dimensions]
        return "".join([f"<str:GroupDimension>{each}</str:GroupDimension>" for each in written])


_GROUPED = Within("str:GroupDimension", Locals("str:DimensionReference", "dimensions"))
GROUP = Shape(
    Group,
    "str:Group",
    *(part for part in IDENTIFIABLE if part is not LINKS),
    GroupDimensions(),
    Kept("str:AttachmentConstraint", until="2.1"),
)

DATA_STRUCTURE = maintainable(
    DataStructure,
    InAttribute("evolvingStructure", "evolving", FLAG, since="3.1"),
    Within(
        "str:DataStructureComponents",
        ComponentList("str:DimensionList", "DimensionDescriptor", DIMENSIONS),
        Many("groups", lambda: GROUP),
        ComponentList(
            "str:AttributeList",
            "AttributeDescriptor",
            Many("attributes", lambda: ATTRIBUTE),
            Usages("metadata_usages", lambda: METADATA_USAGE, unique=False),
        ),
        ComponentList("str:MeasureList", "MeasureDescriptor", Many("measures", lambda: MEASURE)),
    ),
    Ref("str:Metadata", "metadata", ("MetadataStructure",)),
    EachIdOnce(),
)

METADATA_ATTRIBUTE: Shape = component(
    MetadataAttribute,
    "MetadataAttribute",
    InAttribute("minOccurs", "min_occurs"),
    InAttribute("maxOccurs", "max_occurs"),
    InAttribute("isPresentational", "presentational", FLAG),
    Many("children", lambda: METADATA_ATTRIBUTE),
)
METADATA_STRUCTURE = maintainable(
    MetadataStructure,
    Within(
        "str:MetadataStructureComponents",
        ComponentList(
            "str:MetadataAttributeList",
            "MetadataAttributeDescriptor",
            Many("attributes", lambda: METADATA_ATTRIBUTE),
        ),
    ),
)
