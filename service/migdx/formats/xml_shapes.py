"""How a value of the model lies in SDMX-ML: one table of parts per type, which both reads and writes it.

A `Shape` names the class, its element and its parts in the order of the schema. Reading sends each attribute
and each child to the part of that (local) name; writing walks the parts. So a table cannot read what it does
not write. What differs between the generations and is not a matter of tables (how a reference is spelled)
is in the `Dialect`; `xml_messages` reads and writes whole messages of shapes.

    CONTACT = Shape(Contact, "str:Contact", Attribute("id", "id"), Texts("com:Name", "names"), ...)

Names of elements carry the prefix of their namespace (mes, str, com); names of attributes carry none. A part
that reads has a `field`, the argument of the class that it fills; parts that hold parts (`Within`) fill the
fields of the value around them. `since` and `until` say in which generations a part is written; it is read
in all of the same age (2.1; 3.0 and 3.1), because what a sender says is worth more than where he may say it.
So one table serves 2.1 and 3.x where they differ in few parts. Irregular corners subclass `Part`, or use
`Irregular` with two functions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from dataclasses import field as option
from sys import intern
from typing import Any

from ..errors import StructureFault
from .markup import leaf, quoted, texts
from .xml_codecs import (
    AGENCY,
    FLAG,
    ID,
    INSTANT,
    PATH,
    TEXT,
    TRUTH,
    UNLESS,
    VERSION,
    WORD,
    Codec,
    matching,
    one_of,
)
from .xml_reading import Dialect, Node, Reading, Values, attributes_of, fault, line_of, local, text_of

__all__ = [
    "AGENCY", "FLAG", "ID", "INSTANT", "PATH", "TEXT", "TRUTH", "UNLESS", "VERSION", "WORD", "Attribute",
    "Codec", "Derived", "Dialect", "Found", "Holder", "Irregular", "Leaf", "Leaves", "Local", "Locals",
    "Many", "Mixed", "Node", "One", "Part", "Reading", "Ref", "Refs", "Shape", "ShapeOf", "Texts", "Values",
    "Within", "attributes_of", "bare", "decoded", "fault", "fixed", "line_of", "local", "matching", "one_of",
    "text_of", "twice",
]  # fmt: skip

_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"


@dataclass(frozen=True, eq=False)
class Part:
    """What a shape is made of: the attributes and children of these local names.

    A subclass overrides `take_attribute` and `head`, or `take` and `body`; `finish` may fill in or refuse
    what is missing after the element has been read.
    """

    since: str = option(default="", kw_only=True)
    until: str = option(default="", kw_only=True)

    @property
    def attributes(self) -> tuple[str, ...]:
        return ()

    @property
    def elements(self) -> tuple[str, ...]:
        return ()

    def take_attribute(self, name: str, given: str, node: Node, values: Values) -> None:
        """Reads an attribute into `values`."""

    def take(self, node: Node, values: Values, reading: Reading) -> None:
        """Reads a child into `values`."""

    def finish(self, values: Values, node: Node, dialect: Dialect) -> None:
        """Says what is missing in `node`, now that all of it is read."""

    def gives(self, what: str) -> bool:
        """Whether it has a `head`, a `body` or a `finish` of its own."""
        return getattr(type(self), what) is not getattr(Part, what)

    def head(self, given: Any, dialect: Dialect) -> str:
        """Attributes as markup, each with a blank before it."""
        return ""

    def body(self, given: Any, dialect: Dialect) -> str:
        """Children as markup."""
        return ""

    def chunks(self, given: Any, dialect: Dialect) -> Iterator[bytes]:
        """The children again; parts that may be long give them bit by bit."""
        yield self.body(given, dialect).encode()


def bare(name: str) -> str:
    return name.rpartition(":")[2]


@dataclass(frozen=True, eq=False)
class _Field(Part):
    """A part that one field fills; `required` unless the artefact is only a stub of one kept elsewhere."""

    name: str
    field: str
    required: bool = option(default=False, kw_only=True)

    @property
    def elements(self) -> tuple[str, ...]:
        return (bare(self.name),)

    def gives(self, what: str) -> bool:
        return self.required if what == "finish" else super().gives(what)

    def finish(self, values: Values, node: Node, dialect: Dialect) -> None:
        if self.required and self.field not in values and not values.get("is_external"):
            raise fault(f"{local(node)} has no {bare(self.name)}", node)


def decoded(codec: Codec, given: str, node: Node, attribute: str = "") -> Any:
    try:
        return codec.read(given)
    except ValueError:
        place = f"{local(node)}/@{attribute}" if attribute else local(node)
        raise fault(f"{place} is '{given.strip()}'; expected {codec.expected}", node) from None


@dataclass(frozen=True, eq=False)
class Attribute(_Field):
    codec: Codec = TEXT

    @property
    def attributes(self) -> tuple[str, ...]:
        return (self.name,)

    @property
    def elements(self) -> tuple[str, ...]:
        return ()

    def take_attribute(self, name: str, given: str, node: Node, values: Values) -> None:
        values[self.field] = decoded(self.codec, given, node, name)

    def finish(self, values: Values, node: Node, dialect: Dialect) -> None:
        if self.required and self.field not in values:
            raise fault(f"{local(node)}/@{self.name} is ''; expected {self.codec.expected}", node)

    def head(self, given: Any, dialect: Dialect) -> str:
        spelled = self.codec.write(getattr(given, self.field))
        return f' {self.name}="{quoted(spelled)}"' if spelled or self.required else ""


@dataclass(frozen=True, eq=False)
class Derived(Part):
    """An attribute that says again what the value or the type says already; not read."""

    name: str
    write: Callable[[Any], str]

    @property
    def attributes(self) -> tuple[str, ...]:
        return (self.name,)

    def head(self, given: Any, dialect: Dialect) -> str:
        spelled = self.write(given)
        return f' {self.name}="{quoted(spelled)}"' if spelled else ""


def fixed(name: str, value: str, since: str = "", until: str = "") -> Derived:
    """An attribute that is always the same."""
    return Derived(name, lambda _: value, since=since, until=until)


@dataclass(frozen=True, eq=False)
class Leaf(_Field):
    """A child around plain text; not there when the text is empty, unless `always`."""

    codec: Codec = TEXT
    always: bool = option(default=False, kw_only=True)

    def take(self, node: Node, values: Values, reading: Reading) -> None:
        values[self.field] = decoded(self.codec, node.text or "", node)

    def body(self, given: Any, dialect: Dialect) -> str:
        spelled = self.codec.write(getattr(given, self.field))
        return leaf(self.name, spelled) if spelled or self.always else ""


@dataclass(frozen=True, eq=False)
class Leaves(_Field):
    """Children around plain text, in order."""

    codec: Codec = TEXT

    def take(self, node: Node, values: Values, reading: Reading) -> None:
        read = decoded(self.codec, node.text or "", node)
        values.setdefault(self.field, []).append(read)

    def body(self, given: Any, dialect: Dialect) -> str:
        return "".join([leaf(self.name, self.codec.write(each)) for each in getattr(given, self.field)])


@dataclass(frozen=True, eq=False)
class Texts(_Field):
    """The same text by language, a child for each; `otherwise` is the field that stands in for none.

    A language that is not given is English, as the schemas say; the first text of a language counts.
    """

    language: str = "en"
    otherwise: str = ""

    def take(self, node: Node, values: Values, reading: Reading) -> None:
        found = values.get(self.field)
        if found is None:
            found = values[self.field] = {}
        # the same few languages in every item: one text each
        found.setdefault(intern(node.get(_LANGUAGE) or self.language), node.text or "")

    def body(self, given: Any, dialect: Dialect) -> str:
        by_language = getattr(given, self.field)
        if not by_language and self.otherwise:
            return leaf(self.name, getattr(given, self.otherwise), "en")
        return texts(self.name, by_language) if by_language else ""


@dataclass(frozen=True, eq=False)
class Local(_Field):
    """A child that names a neighbour by its id."""

    def take(self, node: Node, values: Values, reading: Reading) -> None:
        values[self.field] = reading.id_of(node)

    def body(self, given: Any, dialect: Dialect) -> str:
        named = getattr(given, self.field)
        return dialect.write_local(self.name, named) if named else ""


@dataclass(frozen=True, eq=False)
class Locals(_Field):
    """Children that name neighbours by id, in order."""

    def take(self, node: Node, values: Values, reading: Reading) -> None:
        values.setdefault(self.field, []).append(reading.id_of(node))

    def body(self, given: Any, dialect: Dialect) -> str:
        return "".join([dialect.write_local(self.name, each) for each in getattr(given, self.field)])


@dataclass(frozen=True, eq=False)
class Ref(_Field):
    """A child that names an artefact or an item of one of `kinds`; of any when there are none."""

    kinds: tuple[str, ...] = ()

    def take(self, node: Node, values: Values, reading: Reading) -> None:
        values[self.field] = reading.reference(node, self.kinds)

    def body(self, given: Any, dialect: Dialect) -> str:
        named = getattr(given, self.field)
        return "" if named is None else dialect.write_reference(self.name, named)


@dataclass(frozen=True, eq=False)
class Refs(_Field):
    """Children that name artefacts, in order."""

    kinds: tuple[str, ...] = ()

    def take(self, node: Node, values: Values, reading: Reading) -> None:
        values.setdefault(self.field, []).append(reading.reference(node, self.kinds))

    def body(self, given: Any, dialect: Dialect) -> str:
        return "".join([dialect.write_reference(self.name, each) for each in getattr(given, self.field)])


ShapeOf = Callable[[], "Shape"]
"""A shape that may be named before it is made, because types hold each other: `lambda: CATEGORY`."""


@dataclass(frozen=True, eq=False)
class One(Part):
    """A child that is a value of its own."""

    field: str
    shape: ShapeOf

    @property
    def elements(self) -> tuple[str, ...]:
        return (bare(self.shape().element),)

    def take(self, node: Node, values: Values, reading: Reading) -> None:
        values[self.field] = reading.read(self.shape(), node)

    def body(self, given: Any, dialect: Dialect) -> str:
        inner = getattr(given, self.field)
        return "" if inner is None else self.shape().write(inner, dialect)


class Found(list[Any]):
    """Entries read so far, and their ids."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: set[str] = set()


@dataclass(frozen=True, eq=False)
class Many(One):
    """Children that are values, in order; each id once when `unique`."""

    unique: bool = True

    def take(self, node: Node, values: Values, reading: Reading) -> None:
        _add(reading.read(self.shape(), node), node, values, self.field, unique=self.unique)

    def body(self, given: Any, dialect: Dialect) -> str:
        shape = self.shape()
        return "".join([shape.write(each, dialect) for each in getattr(given, self.field)])


@dataclass(frozen=True, eq=False)
class Mixed(Part):
    """Children of several shapes in one field, in order: `shape_of` says which of them writes a value."""

    field: str
    shapes: tuple[Shape, ...]
    shape_of: Callable[[Any], Shape]
    unique: bool = True

    @property
    def elements(self) -> tuple[str, ...]:
        return tuple(bare(shape.element) for shape in self.shapes)

    def take(self, node: Node, values: Values, reading: Reading) -> None:
        shape = self.shapes[self.elements.index(reading.local(node))]
        _add(reading.read(shape, node), node, values, self.field, unique=self.unique)

    def body(self, given: Any, dialect: Dialect) -> str:
        return "".join([self.shape_of(each).write(each, dialect) for each in getattr(given, self.field)])


def _add(read: Any, node: Node, values: Values, field: str, *, unique: bool) -> None:
    found = values.get(field)
    if found is None:
        found = values[field] = Found()
    if unique:
        if read.id in found.ids:
            raise twice(node, read.id)
        found.ids.add(read.id)
    found.append(read)


def twice(node: Node, id: str) -> StructureFault:
    """The fault of a second `id` among neighbours."""
    parent = node.getparent()
    inside = local(parent) if parent is not None else "The message"
    return fault(f"{inside} has two {local(node)} of id '{id}'", node)


@dataclass(frozen=True, eq=False)
class Irregular(Part):
    """What no other part tells: two functions.

    `read(node, values, reading)` gets each child named in `names`; `write(given, dialect)` gives markup.
    """

    names: tuple[str, ...]
    read: Callable[[Node, Values, Reading], None]
    write: Callable[[Any, Dialect], str]

    @property
    def elements(self) -> tuple[str, ...]:
        return tuple(map(bare, self.names))

    def take(self, node: Node, values: Values, reading: Reading) -> None:
        self.read(node, values, reading)

    def body(self, given: Any, dialect: Dialect) -> str:
        return self.write(given, dialect)


# --- what holds parts --------------------------------------------------------------------------------------


class Holder:
    """Parts in the order of the schema, found by the names that they know."""

    parts: tuple[Part, ...]

    def inside(self, given: Any, dialect: Dialect) -> tuple[str, str]:
        """(attributes, children) as markup."""
        table = dialect.table(self)
        return (
            "".join([part.head(given, dialect) for part in table.heads]),
            "".join([part.body(given, dialect) for part in table.bodies]),
        )


class Within(Part, Holder):
    """A child that only holds parts of the same value; not there when none of them has content."""

    def __init__(self, name: str, *parts: Part, since: str = "", until: str = ""):
        super().__init__(since=since, until=until)
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "parts", parts)

    name: str

    @property
    def elements(self) -> tuple[str, ...]:
        return (bare(self.name),)

    def take(self, node: Node, values: Values, reading: Reading) -> None:
        reading.fill(self, node, values)

    def finish(self, values: Values, node: Node, dialect: Dialect) -> None:
        for part in dialect.table(self).finishing:
            part.finish(values, node, dialect)

    def body(self, given: Any, dialect: Dialect) -> str:
        head, body = self.inside(given, dialect)
        return f"<{self.name}{head}>{body}</{self.name}>" if body else ""


class Shape(Holder):
    """The table of one type: `make` takes the fields that its parts read."""

    def __init__(self, make: Callable[..., Any], element: str, *parts: Part) -> None:
        self.make, self.element, self.parts = make, element, parts

    def write(self, given: Any, dialect: Dialect, place: str = "") -> str:
        """The element; `place` are attributes that its place among others gives it."""
        head, body = self.inside(given, dialect)
        name = self.element
        return f"<{name}{head}{place}>{body}</{name}>" if body else f"<{name}{head}{place}/>"

    def chunks(self, given: Any, dialect: Dialect) -> Iterator[bytes]:
        """The same bit by bit, for what may be long."""
        table = dialect.table(self)
        yield f"<{self.element}{''.join([part.head(given, dialect) for part in table.heads])}>".encode()
        for part in table.bodies:
            yield from part.chunks(given, dialect)
        yield f"</{self.element}>".encode()
