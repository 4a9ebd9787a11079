"""Structure messages of SDMX-ML as a whole: what a root is, artefacts as they stream in and out.

The parser takes no document type: no entities, no network, no deep trees (libxml2 stops at 256 levels). Items
(`Items` of a shape) are forgotten as nodes as soon as they are read, and artefacts too, so that the longest
code list needs no tree.
"""

from __future__ import annotations

import re
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import BytesIO
from typing import Any, cast

from lxml import etree

from ..errors import StructureFault
from ..structures import Maintainable
from ..urn import Reference
from .header import Header
from .markup import MESSAGE_END, message_start
from .pieces import CHUNK, gathered
from .xml_items import Items
from .xml_reading import SAFE
from .xml_shapes import Dialect, Node, Part, Reading, Shape, Values, fault, line_of, local

_SCHEMAS = re.compile(r"http://www\.sdmx\.org/resources/sdmxml/schemas/v(\d)_(\d)/", re.IGNORECASE)
_ROOTS = ("Structure", "RegistryInterface", "SubmitStructureRequest")
_BLANK = b" \t\r\n\x00\xef\xbb\xbf\xff\xfe"  # with byte order marks

Kinds = Sequence[tuple[str, Shape]]
"""The containers of a message in the order of the schema, each with the shape of what it holds."""
Groups = Iterable[tuple[str, Shape, Sequence[Any]]]
"""The same, each with what is to be written in it."""


# --- what a message is -------------------------------------------------------------------------------------


def root_of(source: bytes) -> Node:
    """The root of a message, without its content; StructureFault when it is not XML or has a DOCTYPE."""
    if not source[:CHUNK].strip(_BLANK) and not source.strip(_BLANK):
        raise StructureFault("The message is empty; expected XML", line=1)
    parser = etree.XMLPullParser(events=("start",), **SAFE)
    try:
        for at in range(0, len(source), CHUNK):
            parser.feed(source[at : at + CHUNK])
            for _, root in cast("Iterator[tuple[str, Node]]", parser.read_events()):
                if root.getroottree().docinfo.internalDTD is not None:
                    raise StructureFault("A message with a document type (DOCTYPE) is not taken", line=1)
                return root
        parser.close()
    except etree.XMLSyntaxError as error:
        raise not_xml(error) from None
    raise StructureFault("Not XML: there is no element", line=1)


def not_xml(error: etree.XMLSyntaxError) -> StructureFault:
    return StructureFault(f"Not well-formed XML: {error.msg}", line=error.lineno or 1)


def generation_of(root: Node) -> str:
    """2.1, 3.0 ... as the namespace of a root says, "" when it is none of SDMX."""
    found = _SCHEMAS.match(_namespace(root))
    return f"{found[1]}.{found[2]}" if found else ""


def _namespace(root: Node) -> str:
    """That of a root, "" for a name without one, or with a prefix that was never declared."""
    head, brace, _ = str(root.tag).rpartition("}")
    return head[1:] if brace else ""


def holds_structures(root: Node) -> bool:
    """Whether a root is of a message that has structures: a structure message, or a registry's submission."""
    return bool(generation_of(root)) and local(root) in _ROOTS


def refused(root: Node, expected: str) -> StructureFault:
    """Why a root is not that of a structure message, in words that its sender knows."""
    name, generation = local(root), generation_of(root)
    namespace = _namespace(root) or "no namespace"
    spelled = f"The root is {name} of " + (f"SDMX-ML {generation}" if generation else namespace)
    if name.lower() == "html":
        what = "which is a page for people and not a message"
    elif name == "Error":
        what = "which reports a fault and holds no structures"
    elif name.endswith("Data") or name in ("DataSet", "CompactData", "CrossSectionalData"):
        what = "which is a data message"
    elif name.endswith("Metadata") or name == "MetadataSet":
        what = "which is a message of reference metadata"
    else:
        return fault(f"{spelled}; expected {expected}", root)
    return fault(f"{spelled}, {what}; expected {expected}", root)


# --- reading -----------------------------------------------------------------------------------------------


def read_message(
    source: bytes, dialect: Dialect, kinds: Kinds, skipped: list[str] | None
) -> Iterator[tuple[Any, int]]:
    """What the shapes make of the artefacts of a message, in its order, each with its line."""
    root = root_of(source)
    if generation_of(root) != dialect.generation or not holds_structures(root):
        raise refused(root, f"message:Structure of {dialect.name}")
    try:
        yield from _Walk(dialect, kinds, Reading(dialect, skipped)).artefacts(
            source, local(root) != "Structure"
        )
    except etree.XMLSyntaxError as error:
        raise not_xml(error) from None


class _Walk:
    """Elements of one message as they end."""

    def __init__(self, dialect: Dialect, kinds: Kinds, reading: Reading) -> None:
        message, structure = (f"{{{dialect.namespaces[prefix]}}}" for prefix in ("mes", "str"))
        self.reading = reading
        self.shapes: dict[str, Shape] = {structure + shape.element[4:]: shape for _, shape in kinds}
        self.containers = frozenset(structure + container for container, _ in kinds)
        self.holders = frozenset((f"{message}Structures", f"{structure}Structures"))
        self.items: Mapping[str, str] = {
            structure + name: name for shape in self.shapes.values() for name in _streamed(shape)
        }

    def artefacts(self, source: bytes, registry: bool) -> Iterator[tuple[Any, int]]:
        tags = [*self.shapes, *self.items, *self.holders]
        current: Node | None = None  # the artefact that items were read of, and what was read
        values: Values = {}
        streams: Mapping[str, Part] = {}
        held = False
        for _, node in etree.iterparse(BytesIO(source), events=("end",), tag=tags, **SAFE):
            parent = cast("Node", node.getparent())  # no tag of these is that of a root
            if parent is not current and self._is_artefact(parent):
                current, values, streams = parent, {}, _streamed(self.shapes[parent.tag])
            part = streams.get(self.items.get(node.tag, "")) if parent is current else None
            if part is not None:
                part.take(node, values, self.reading)
                before = node.getprevious()
                if before is not None and before.tag == node.tag:
                    parent.remove(before)
            elif self._is_artefact(node):
                if node is not current:
                    values = {}
                yield self._artefact(node, values), line_of(node)
                node.clear()  # lxml takes the square of the time to remove one that has many children
                parent.remove(node)
                current, values = None, {}
            elif node.tag in self.holders:
                held = True
                self._note_the_rest(node)
        if registry and not held:
            raise StructureFault("The registry message submits no Structures", line=1)

    def _artefact(self, node: Node, values: Values) -> Any:
        """The artefact, without the last of each run of items, which were read already."""
        shape = self.shapes[str(node.tag)]
        if values:
            streamed = _streamed(shape)
            for child in list(node):
                if self.items.get(str(child.tag)) in streamed:
                    node.remove(child)
        return self.reading.read(shape, node, values)

    def _is_artefact(self, node: Node) -> bool:
        container = node.getparent()
        if container is None or node.tag not in self.shapes or container.tag not in self.containers:
            return False
        holder = container.getparent()
        return holder is not None and holder.tag in self.holders

    def _note_the_rest(self, holder: Node) -> None:
        """What is left was of no kind that is known."""
        for container in holder:
            for left in container:
                self.reading.skip(local(left), left)
            if container.tag not in self.containers and not len(container):
                self.reading.skip(local(container), container)


def _streamed(shape: Shape) -> Mapping[str, Part]:
    """The items of a shape by local name."""
    return {name: part for part in shape.parts if isinstance(part, Items) for name in part.elements}


def once(artefacts: Iterable[tuple[Maintainable, int]]) -> Iterator[Maintainable]:
    """The artefacts of a message; StructureFault for an identity that is there twice."""
    seen: set[Reference] = set()
    for artefact, line in artefacts:
        if artefact.reference in seen:
            raise StructureFault(
                f"{artefact.kind} {artefact.reference.short} stands twice in the message", line=line
            )
        seen.add(artefact.reference)
        yield artefact


# --- writing -----------------------------------------------------------------------------------------------


def write_message(groups: Groups, header: Header, dialect: Dialect) -> Iterator[bytes]:
    """A message in chunks: containers in the order of the schema, each with its shape and what it holds."""
    return gathered(_pieces(groups, header, dialect))


def _pieces(groups: Groups, header: Header, dialect: Dialect) -> Iterator[bytes]:
    yield message_start(header, dialect.namespaces)
    for container, shape, held in groups:
        if held:
            yield f"<str:{container}>".encode()
            for one in held:
                yield from _markup(one, shape, dialect)
            yield f"</str:{container}>".encode()
    yield MESSAGE_END


def _markup(one: Any, shape: Shape, dialect: Dialect) -> Iterator[bytes]:
    """The element, remembered as long as the artefact lives: what is asked for once is asked for often."""
    key = (id(one), shape, dialect)
    known = _REMEMBERED.get(key)
    if known is not None:
        yield known
        return
    pieces: list[bytes] = []
    size = 0
    for piece in shape.chunks(one, dialect):
        size += len(piece)
        if size <= _SMALL:
            pieces.append(piece)
        yield piece
    if size <= _SMALL:
        weakref.finalize(one, _REMEMBERED.pop, key, None).atexit = False
        _REMEMBERED[key] = b"".join(pieces)


_REMEMBERED: dict[tuple[int, Shape, Dialect], bytes] = {}
_SMALL = 1 << 18
