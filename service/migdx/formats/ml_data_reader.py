"""Data messages of SDMX-ML 2.1, 3.0 and 3.1 as columns of text, with the line on which each observation is.

The message streams; its elements pass (ml_events.py) and are forgotten. The text stays as it was sent.
A message that is not well-formed to its end gives nothing but the finding that says where.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO

from lxml import etree

from ..columns import Columns, nothing
from ..report import Finding, Place
from . import ml_generic_reader, ml_specific_reader
from .ml_data_header import header_state
from .ml_data_message import DataMessage
from .ml_events import SILENT, Attributes, Events, NotPlain, State
from .ml_plain_tags import Plain, closed, plain_tags
from .ml_text import UnknownEncoding, pieces
from .refused import Refused

_MESSAGE = re.compile(r"http://www\.sdmx\.org/resources/sdmxml/schemas/v(\d)_(\d)/message", re.IGNORECASE)
_OURS = ("http://www.sdmx.org/resources/sdmxml/schemas/v", "urn:sdmx:")
_ROOTS = {
    "GenericData": "generic",
    "GenericTimeSeriesData": "generic",
    "StructureSpecificData": "structure-specific",
    "StructureSpecificTimeSeriesData": "structure-specific",
}
_READ = {"generic": ("2.1",), "structure-specific": ("2.1", "3.0", "3.1")}
_FORMAT = "SDMX-ML"


def read(file: BinaryIO, job: Mapping[str, Any]) -> Columns:
    """What `file`, read from its beginning, says as SDMX-ML data, and what is wrong with it as a file."""
    try:
        return _read(file, _fed_plain)
    except NotPlain:
        return _read(file, _fed)


def _read(file: BinaryIO, feed: Callable[[Iterator[bytes], DataMessage], None]) -> Columns:
    """With the whole text given to the parser by `feed`. Raises NotPlain."""
    message = DataMessage()
    events = message.events = Events(_Roots(message).state, _ours)
    try:
        feed(pieces(file), message)
        return message.done()
    except Refused as fault:
        return nothing(message.format, fault.finding)
    except etree.XMLSyntaxError as error:
        return nothing(message.format, _not_well_formed(error, events))
    except UnknownEncoding as fault:
        values = {"reason": "encoding", "given": fault.args[0]}
        return nothing(message.format, Finding("not_well_formed", places=(Place(row=1),), values=values))
    except UnicodeDecodeError as error:
        values = {"reason": "bytes", "given": error.encoding}
        place = Place(row=events.line)
        return nothing(message.format, Finding("not_well_formed", places=(place,), values=values))


def _fed(text: Iterator[bytes], message: DataMessage) -> None:
    """The parser reads everything."""
    for piece in text:
        message.events.feed(piece)
        message.flush()
    message.events.close()


def _fed_plain(text: Iterator[bytes], message: DataMessage) -> None:
    """The parser reads what remains without plain tags. Raises NotPlain, where `_fed` is to be taken."""
    events = message.events
    first = next(text, b"")
    events.feed(first)
    if not message.plain or not closed(first):
        message.flush()
        _fed(text, message)
        return
    rest, marking = b"", True
    try:
        for piece in text:
            piece = rest + piece
            end = piece.rfind(b"<") if marking else len(piece)
            stretch, rest = piece[: max(end, 0)], piece[max(end, 0) :]
            marking = marking and closed(stretch)
            if stretch[:1] != b"\n":
                events.settle()
            plain = plain_tags(stretch, events.line) if marking else None
            if plain is None:
                events.feed(stretch)
                message.flush()
            else:
                _feed_marked(stretch, plain, message)
        events.feed(rest)
        events.close()
    except (etree.XMLSyntaxError, ValueError):  # it is the parser alone that can say what is where
        raise NotPlain from None


def _feed_marked(text: bytes, plain: Plain, message: DataMessage) -> None:
    """A stretch of text with a mark in the place of each run of plain tags."""
    events = message.events
    message.begin_stretch(plain)
    at = 0
    for number, run in enumerate(plain.runs):
        events.feed(text[at : run.start], events.marked("Obs", number))
        events.line, at = run.line, run.stop
    events.feed(text[at:])
    message.end_stretch()


def _ours(namespace: str) -> bool:
    """Whether elements of a namespace are read: those of SDMX, of a structure, and of none."""
    return not namespace or namespace.startswith(_OURS)


def _not_well_formed(error: etree.XMLSyntaxError, events: Events) -> Finding:
    line, column = error.position
    place = Place(row=max(int(line or 0), 1), column=max(int(column or 0), 0))
    if getattr(error, "code", None) == etree.ErrorTypes.ERR_RESOURCE_LIMIT:
        return events.too_large("markup", "> 10000000", 10_000_000).finding
    # the parser ends its words with the place, which is told apart
    said = re.sub(r",? ?line \d+, column \d+\Z", "", (error.msg or "").strip()).strip()
    return Finding("not_well_formed", places=(place,), values={"given": said})


class _Roots:
    """What is done with the root element, as it says which kind of message this is."""

    def __init__(self, message: DataMessage) -> None:
        self._message = message

    def state(self, tag: str, attributes: Attributes) -> State:
        message = self._message
        namespace, _, root = tag.rpartition("}")
        found = _MESSAGE.fullmatch(namespace[1:])
        generation = f"{found[1]}.{found[2]}" if found else ""
        kind = _ROOTS.get(root, "")
        if generation not in _READ.get(kind, ()):
            raise Refused(_not_data(root, generation, namespace[1:]))
        message.format = f"{_FORMAT} {generation}"
        grammar = ml_generic_reader if kind == "generic" else ml_specific_reader
        return State(
            {
                "Header": (None, header_state(message.events, message.header)),
                "DataSet": grammar.dataset(message),
                "Footer": (None, _footer(message)),
            }
        )


def _footer(message: DataMessage) -> State:
    """Messages that follow the data, as of a service that could not give all (SDMXMessageFooter.xsd)."""
    code, texts = "", list[str]()

    def begin(attributes: Attributes) -> None:
        nonlocal code
        code = attributes.get("code", "")
        texts.clear()

    def text() -> None:
        texts.append(message.events.collected().strip())

    def end() -> None:
        said = ": ".join(filter(None, (code, " ".join(texts))))
        if len(message.footers) < 100:
            message.footers.append((said, Place(row=message.events.line)))

    one = State({"Text": (message.events.collect, State(closing=text))}, closing=end, unknown=SILENT)
    return State({"Message": (begin, one)}, unknown=SILENT)


def _not_data(root: str, generation: str, namespace: str) -> Finding:
    """Which message this is instead."""
    what = "other"
    if generation == "2.0" or generation == "1.0":
        what = "generation"
    elif generation and root == "Error":
        what = "error"
    elif generation and root.endswith("Query"):
        what = "query"
    elif generation and root in ("Structure", "RegistryInterface"):
        what = "structure"
    elif generation and root.endswith("Metadata"):
        what = "metadata"
    values = {
        "reason": what,
        "given": root,
        "generation": generation,
        "namespace": namespace,
        "roots": ", ".join(_ROOTS),
    }
    return Finding("not_data_message", places=(Place(row=1),), values=values)
