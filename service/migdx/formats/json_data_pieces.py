"""The bytes of a JSON data message, parsed piece by piece (RFC 8259)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import orjson

from ..columns import Indices
from ..report import LONGEST, Finding, Place
from .json_data_scan import Bulk, NotJson, Scanned, quoted, scanned
from .text_encoding import not_utf8, told_by


class Malformed(Exception):
    """The bytes are not JSON, from `position` on."""

    def __init__(self, position: int) -> None:
        self.position = position


def in_utf8(data: bytes) -> tuple[bytes, tuple[Finding, ...]]:
    """The text in UTF-8, without a mark; other Unicode is taken, with a warning."""
    name, skip = told_by(data[:4])
    if name in ("", "UTF-8"):
        return data[skip:], ()
    return data[skip:].decode(name, "replace").encode("utf-8", "replace"), (not_utf8(name),)


def malformed(data: bytes, position: int) -> Finding:
    """Where JSON breaks its rules, as an editor counts lines and columns; one character of it."""
    row = data.count(b"\n", 0, position) + 1
    line = data[data.rfind(b"\n", 0, position) + 1 : position]
    column = len(line.decode("utf-8", "replace")) + 1
    given = data[position : position + 4].decode("utf-8", "ignore")[:1]
    values = {"row": row, "column": column, **({} if given else {"reason": "end"}), "given": given}
    return Finding("malformed_json", values=values, places=(Place(row=row, column=column),))


class Pieces:
    """A message that is parsed in pieces. Raises Malformed, here and when one is parsed."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._lines = np.flatnonzero(np.frombuffer(data, np.uint8) == b"\n"[0])
        try:
            self.scan: Scanned = scanned(data)
        except NotJson as fault:
            raise Malformed(self._first_fault(fault.position)) from None

    def skeleton(self) -> Any:
        """The message without what is in its data sets."""
        pieces, at = [], 0
        for bulk in self.scan.bulks:
            pieces.append((at, bulk.start + 1))
            at = bulk.stop
        pieces.append((at, len(self._data)))
        texts = [quoted(self._data[a:b], self.scan.numbers(a, b)) for a, b in pieces]
        try:
            return orjson.loads(b"".join(texts))
        except orjson.JSONDecodeError:
            raise Malformed(self._fault_in(pieces)) from None

    def _fault_in(self, pieces: list[tuple[int, int]]) -> int:
        """Where pieces of the message, put together, break the rules."""
        position = _position(b"".join(self._data[a:b] for a, b in pieces))
        for a, b in pieces:
            if position < b - a:
                return a + position
            position -= b - a
        return len(self._data)

    def _first_fault(self, position: int) -> int:
        """Where it is that strings or brackets go wrong: a quote may be missing long before the end."""
        return _position(self._data) if len(self._data) < _SMALL else position

    def parsed(self, start: int, stop: int) -> dict[str, Any]:
        """Members of a series or observations object."""
        piece = self._data[start:stop]
        inner = quoted(piece, self.scan.numbers(start, stop))
        lead = len(inner) - len(inner.lstrip())
        follows = inner[lead : lead + 1] == b","
        first = self._data[start - 1 : start] == b"{"
        # between two members stands a comma, and nowhere else
        if inner.strip() and (follows == first or inner.strip() == b","):
            raise Malformed(start + lead)
        try:
            found: dict[str, Any] = orjson.loads(b"{" + (inner[lead + 1 :] if follows else inner) + b"}")
        except orjson.JSONDecodeError:
            body = piece[lead + 1 :] if follows else piece
            return self._with_constants(body, start + len(piece) - len(body))
        return found

    def _with_constants(self, body: bytes, start: int) -> dict[str, Any]:
        """Python and others write NaN, which is no JSON and means what SDMX writes as "NaN"."""
        if b"NaN" in body or b"Infinity" in body:
            try:
                found = json.loads(b"{" + body + b"}", parse_float=str, parse_int=_whole, parse_constant=str)
                return dict(found)
            except ValueError:
                pass
        raise Malformed(min(start + max(_position(b"{" + body + b"}") - 1, 0), len(self._data)))

    def lines(self, bulk: Bulk, start: int, stop: int, count: int) -> Indices:
        """The lines of the observations of a piece; 0 for those of a message in one line."""
        rows = self._within(bulk.rows, start, stop)
        if not len(self._lines) or len(rows) != count:
            return np.zeros(count, np.int64)
        return np.searchsorted(self._lines, rows) + 1

    def _within(self, all: list[Indices], start: int, stop: int) -> Indices:
        found = np.concatenate(all) if len(all) > 1 else all[0]
        all[:] = [found]
        return found[slice(*np.searchsorted(found, (start, stop)))]

    def twice(self, bulk: Bulk, parsed: dict[str, Any], start: int, stop: int, count: int) -> list[str]:
        """Pointers, within a data set, to members of a piece with one name: a parser keeps the last alone.

        They are counted before; `count` is how many observations came out.
        """
        members = len(self._within(bulk.members, start, stop))
        if members <= len(parsed) and len(self._within(bulk.rows, start, stop)) <= count:
            return []
        body = self._data[start:stop].strip().removeprefix(b",")
        return [f"{bulk.name}/{one}" for one in _twice(b"{" + body + b"}")]


_SMALL = 32 << 20
"""Bytes that may be parsed as a whole, to see where they go wrong."""

_EXACT = 15


def _whole(digits: str) -> int | str:
    return int(digits) if len(digits) <= _EXACT else digits


def _position(text: bytes) -> int:
    """The byte at which a text stops to be JSON; its end where it does not."""
    try:
        decoded = text.decode()
    except UnicodeDecodeError as error:
        return error.start
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return len(decoded[: error.pos].encode())
    return len(text)


class _Doubled(dict[str, Any]):
    """An object with members of one name, and their names."""

    names: tuple[str, ...] = ()


def _twice(text: bytes) -> Iterator[str]:
    """Pointers to members of series and observations that stand twice."""

    def made(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) == len(pairs):
            return found
        doubled = _Doubled(found)
        count = Counter(name for name, _ in pairs)
        doubled.names = tuple(name for name in found if count[name] > 1)
        return doubled

    found = json.loads(text, object_pairs_hook=made, parse_int=str, parse_float=str)
    yield from (pointed(name) for name in getattr(found, "names", ()))
    for name, one in found.items():
        rows = one.get("observations") if isinstance(one, dict) else None
        yield from (f"{pointed(name)}/observations/{pointed(row)}" for row in getattr(rows, "names", ()))


def pointed(name: str) -> str:
    """A name as a JSON Pointer has it (RFC 6901); the beginning of a very long one."""
    short = name if len(name) <= LONGEST else name[:LONGEST] + "…"
    return short.replace("~", "~0").replace("/", "~1")
