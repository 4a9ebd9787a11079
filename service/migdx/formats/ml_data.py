"""What the writers of SDMX-ML data messages share: declaration, header, escaping, and the order of a message.

Missing values are left out. What XML 1.0 cannot carry, such as most control characters, becomes U+FFFD.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import Protocol

import pyarrow as pa

from ..plan import Answer
from .fragments import Part, Piece, Wrapped, escaped, joined, measured
from .header import Header
from .layout import Layout, Section, action_of, layout_of, sections
from .markup import leaf, message_header, quoted

XSI = "http://www.w3.org/2001/XMLSchema-instance"

_SPECIAL = r'[&<>"\x00-\x1f\x{fffe}\x{ffff}]'


def attribute_texts(texts: pa.Array) -> pa.Array:
    """Texts as values of XML attributes."""
    return escaped(texts, _SPECIAL, quoted)


def start(name: str, namespaces: Mapping[str, str], answer: Answer, structure: str) -> str:
    """The declaration, first and without a byte order mark, the root and the header around `structure`."""
    spaces = "".join(f' xmlns:{prefix}="{quoted(uri)}"' for prefix, uri in namespaces.items())
    given = Header(answer.message_id, answer.prepared, answer.sender)
    head = message_header(given, structure, leaf("mes:DataSetAction", action_of(answer)))
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<mes:{name}{spaces}>\n{head}\n'


class Body(Protocol):
    """The part of a message between header and end: data sets open, hold what sections say, and close."""

    def opened(self, attributes: tuple[str | None, ...]) -> str: ...

    def rows(self, section: Section) -> bytes: ...

    def closed(self) -> str: ...


def message(answer: Answer, begin: str, end: str, made: Callable[[Layout], Body]) -> Iterator[bytes]:
    """The whole message; nothing of it leaves before the first rows have come."""
    given = layout_of(answer)
    body = made(given)
    found = sections(answer, given)
    first = next(found, None)
    yield begin.encode()
    if first is None:
        yield (body.opened((None,) * len(given.dataset_attributes)) + "</mes:DataSet>\n").encode()
    for section in chain(() if first is None else (first,), found):
        if section.begins is not None:
            closed = "" if section is first else body.closed()
            yield (closed + body.opened(section.begins)).encode()
        yield body.rows(section)
    if first is not None:
        yield body.closed().encode()
    yield end.encode()


def parts(section: Section, wrapped: Mapping[str, Wrapped]) -> list[Part]:
    return [wrap(section.rows.columns[id]) for id, wrap in wrapped.items()]


def values(section: Section, measure: str, before: str, after: str) -> list[Piece]:
    """The pieces of a row that show a measure, none where it is missing."""
    texts = measured(*section.rows.numbers[measure], attribute_texts)
    return [joined(before, texts, after, nulls="emit_null")] if texts.null_count else [before, texts, after]
