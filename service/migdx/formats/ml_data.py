"""What the writers of SDMX-ML data messages share: declaration, header, escaping, and the order of a message.

Missing values are left out. What XML 1.0 cannot carry, such as most control characters, becomes U+FFFD.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import Protocol

import pyarrow as pa

from ..plan import Answer, DataSet
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
    actions = {action_of(dataset) for dataset in answer.datasets}
    # where they differ each data set says its own alone
    action = leaf("mes:DataSetAction", actions.pop()) if len(actions) == 1 else ""
    head = message_header(given, structure, action)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<mes:{name}{spaces}>\n{head}\n'


class Body(Protocol):
    """The part of a message between header and end: data sets open, hold what sections say, and close."""

    def opened(self, attributes: tuple[str | None, ...]) -> str: ...

    def rows(self, section: Section) -> bytes: ...

    def closed(self) -> str: ...


def message(answer: Answer, begin: str, end: str, made: Callable[[DataSet, Layout], Body]) -> Iterator[bytes]:
    """The whole message; nothing of it leaves before the first rows have come.

    Data sets without rows are left out, unless all are: then an empty one says so.
    """
    found = _sections(answer, made)
    first = next(found, None)
    yield begin.encode()
    if first is None:
        given = layout_of(answer.datasets[0], answer.dimension_at_observation)
        body = made(answer.datasets[0], given)
        yield (body.opened((None,) * len(given.dataset_attributes)) + "</mes:DataSet>\n").encode()
    closed = ""
    for body, section in chain(() if first is None else (first,), found):
        if section.begins is not None:
            yield (closed + body.opened(section.begins)).encode()
            closed = body.closed()
        yield body.rows(section)
    yield (closed + end).encode()


def _sections(answer: Answer, made: Callable[[DataSet, Layout], Body]) -> Iterator[tuple[Body, Section]]:
    """The sections of all data sets, one after the other."""
    for dataset in answer.datasets:
        given = layout_of(dataset, answer.dimension_at_observation)
        body = made(dataset, given)
        for section in sections(dataset, given):
            yield body, section


def parts(section: Section, wrapped: Mapping[str, Wrapped]) -> list[Part]:
    return [wrap(section.rows.columns[id]) for id, wrap in wrapped.items()]


def values(section: Section, measure: str, before: str, after: str) -> list[Piece]:
    """The pieces of a row that show a measure, none where it is missing."""
    texts = measured(*section.rows.numbers[measure], attribute_texts)
    return [joined(before, texts, after, nulls="emit_null")] if texts.null_count else [before, texts, after]
