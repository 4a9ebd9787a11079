"""One reading of a message of SDMX-ML: its dialect, its nodes, and what was passed over.

What the tables of `xml_shapes` are run with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from lxml import etree

from ..errors import StructureFault, SyntaxFault
from ..urn import Reference

if TYPE_CHECKING:  # tables know how they are run, and not the other way
    from .xml_shapes import Holder, Part, Shape

_MOST_NOTES = 1000

SAFE: dict[str, Any] = {
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "huge_tree": False,
    "remove_comments": True,
    "remove_pis": True,
}
"""How lxml reads what anybody may have sent."""

Node = etree._Element
Values = dict[str, Any]


def fault(reason: str, node: Node) -> StructureFault:
    """A StructureFault that knows where it is."""
    return StructureFault(reason, line=line_of(node))


def line_of(node: Node) -> int:
    return cast("int | None", node.sourceline) or 1


def local(node: Node) -> str:
    return str(node.tag).rpartition("}")[2]


def attributes_of(node: Node) -> list[tuple[str, str]]:
    return cast("list[tuple[str, str]]", node.items())


def text_of(node: Node) -> str:
    """The text of an element as a word: without the blanks around it."""
    return (node.text or "").strip()


@dataclass(frozen=True)
class Table:
    """Parts by what they do in one generation: those that are found by name, those that finish, those that
    give attributes (`heads`), those that give children (`bodies`).
    """

    by_attribute: Mapping[str, Part]
    by_element: Mapping[str, Part]
    finishing: tuple[Part, ...]
    heads: tuple[Part, ...]
    bodies: tuple[Part, ...]

    @classmethod
    def of(cls, parts: tuple[Part, ...], generation: str) -> Table:
        """Written is what the generation has, read what any generation of the same age (2, 3) has."""
        age = generation[0]
        read = [part for part in parts if part.since[:1] <= age <= (part.until or "9")[0]]
        written = [part for part in read if part.since <= generation <= (part.until or "9")]
        return cls(
            {name: part for part in read for name in part.attributes},
            {name: part for part in read for name in part.elements},
            tuple(part for part in read if part.gives("finish")),
            tuple(part for part in written if part.gives("head")),
            tuple(part for part in written if part.gives("body")),
        )


@dataclass(frozen=True, eq=False)
class Dialect:
    """A generation of SDMX-ML: its namespaces by prefix, and its four words for what is pointed to.

    `read_reference` takes the element and the classes that it may name; `read_local` reads the id of a
    neighbour (a parent, a dimension), which 2.1 wraps in a Ref. Both may raise a SyntaxFault.
    """

    generation: str
    namespaces: Mapping[str, str]
    read_reference: Callable[[Node, tuple[str, ...]], Reference]
    write_reference: Callable[[str, Reference], str]
    read_local: Callable[[Node], str]
    write_local: Callable[[str, str], str]
    _tables: dict[Holder, Table] = field(default_factory=dict, init=False, repr=False)

    @property
    def name(self) -> str:
        return f"SDMX-ML {self.generation}"

    def table(self, holder: Holder) -> Table:
        """The parts of `holder` as this generation has them."""
        known = self._tables.get(holder)
        if known is None:
            known = self._tables[holder] = Table.of(holder.parts, self.generation)
        return known


class Reading:
    """One message being read: its dialect, and what was `skipped` because no part knows it."""

    def __init__(self, dialect: Dialect, skipped: list[str] | None = None) -> None:
        self.dialect = dialect
        self._skipped = skipped
        self._locals: dict[str, str] = {}
        self._ours = frozenset(dialect.namespaces.values())

    def skip(self, what: str, node: Node) -> None:
        """Notes what is not known, in the words in which it was given."""
        if self._skipped is not None and len(self._skipped) < _MOST_NOTES:
            parent = node if what.startswith("@") else node.getparent()
            inside = f" {local(parent)}" if parent is not None else ""
            self._skipped.append(f"line {line_of(node)}: {what} is not known in {self.dialect.name}{inside}")

    def local(self, node: Node) -> str:
        """The local name of an element of SDMX, in braces when it is of somebody else's namespace."""
        tag = str(node.tag)
        known = self._locals.get(tag)
        if known is None:
            namespace, _, name = tag.rpartition("}")
            known = self._locals[tag] = name if namespace[1:] in self._ours else f"{{{namespace[1:]}}}{name}"
        return known

    def read(self, shape: Shape, node: Node, values: Values | None = None) -> Any:
        """The value in an element; `values` are those that were read before, while the message streamed."""
        values = {} if values is None else values
        table = self.dialect.table(shape)
        self._fill(table, node, values)
        for part in table.finishing:
            part.finish(values, node, self.dialect)
        for name, value in values.items():
            if isinstance(value, list):
                values[name] = tuple(value)
        return shape.make(**values)

    def fill(self, holder: Holder, node: Node, values: Values) -> None:
        """Sends every attribute and child of an element to the part that knows it."""
        self._fill(self.dialect.table(holder), node, values)

    def _fill(self, table: Table, node: Node, values: Values) -> None:
        by_attribute, by_element, locals_ = table.by_attribute, table.by_element, self._locals
        for name, given in attributes_of(node):
            part = by_attribute.get(name)
            if part is not None:
                part.take_attribute(name, given, node, values)
            elif name[0] != "{":  # xml:lang, xsi:type and the like are nobody's
                self.skip(f"@{name}", node)
        for child in node:
            name = locals_.get(child.tag) or self.local(child)
            part = by_element.get(name)
            if part is not None:
                part.take(child, values, self)
            else:
                self.skip(name, child)

    def reference(self, node: Node, kinds: tuple[str, ...]) -> Reference:
        """The reference in an element, to one of `kinds` when there are any."""
        try:
            found = self.dialect.read_reference(node, kinds)
        except SyntaxFault as wrong:
            raise fault(f"{local(node)}: {wrong}", node) from None
        if kinds and found.kind not in kinds:
            raise fault(f"{local(node)} names a {found.kind}; expected {' or '.join(kinds)}", node)
        return found

    def id_of(self, node: Node) -> str:
        """The id of a neighbour."""
        try:
            return self.dialect.read_local(node)
        except SyntaxFault as wrong:
            raise fault(f"{local(node)}: {wrong}", node) from None
