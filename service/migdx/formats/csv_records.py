"""Records of a CSV text: where each begins and ends, on which line of the file, and how many cells it has.

The bytes are walked in chunks that begin at a record, so memory stays at one chunk. numpy does the work; only
a chunk whose quotes break RFC 4180 is walked quote by quote. A record never exceeds a chunk: a quote that is
not closed by then ends with its line and is reported there, and the next line is read on its own.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

from ..columns import Flags, Indices
from ..report import Place
from .refused import too_large
from .text_encoding import Encoding, utf8_of

CHUNK = 1 << 22
"""Bytes that are looked at in one go, and the most that one record may have."""

Bytes = npt.NDArray[np.uint8]

_LONGEST = 1 << 16
_QUOTE, _LF, _CR = b'"'[0], b"\n"[0], b"\r"[0]
_NOTHING: Indices = np.zeros(0, np.int64)


@dataclass(frozen=True)
class Records:
    """The complete records of a chunk: `data[starts[i]:ends[i]]` with its line end, from line `lines[i]` on.

    `cells` is 0 for a blank line. `unclosed` holds the positions of opening quotes that nothing closes.
    `lines_after` is the line on which the next chunk begins. `quotes` says whether there are any.
    """

    data: Bytes
    starts: Indices
    ends: Indices
    lines: Indices
    cells: Indices
    unclosed: Indices
    lines_after: int
    quotes: bool = False

    def __len__(self) -> int:
        return len(self.starts)

    def bytes_of(self, index: int) -> bytes:
        return self.data[self.starts[index] : self.ends[index]].tobytes()

    def of(self, positions: Indices) -> Indices:
        """Which record each position is in."""
        return np.searchsorted(self.starts, positions, "right") - 1

    def only(self, keep: Flags, without: Indices) -> Bytes:
        """The bytes of some records, some positions left out."""
        if keep.all() and not len(without):
            return self.data
        wanted = np.repeat(keep, self.ends - self.starts)
        wanted[without] = False
        return self.data[wanted]

    def empty_beyond(self, width: int, separator: str) -> tuple[Flags, Indices]:
        """Which records have more cells than `width`, all those empty; where the separators of those are."""
        ends = self.ends - (self.data[self.ends - 1] == _LF)
        ends = ends - (self.data[ends - 1] == _CR)
        found = self.cells > width
        left = np.flatnonzero(found)
        more = 0
        while len(left):
            more += 1
            is_empty = self.data[ends[left] - more] == ord(separator)
            found[left[~is_empty]] = False
            left = left[is_empty & (self.cells[left] - width > more)]
        counts = np.where(found, self.cells - width, 0)
        offsets = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        return found, np.repeat(ends, counts) - 1 - offsets


class Scanner:
    """Walks a file by chunks. `first` tries a separator on the first of them; a call then yields them all."""

    def __init__(self, file: BinaryIO, encoding: Encoding) -> None:
        self._fill = utf8_of(file, encoding)
        self._bytes = bytearray(CHUNK + 8)  # room for one more character, however it is sent
        self._buffer = memoryview(self._bytes)
        self._size, self._line, self._last = 0, 1, False

    def opening(self) -> bytes:
        """The first line that is not blank, without its end; of a very long one, the beginning."""
        self._more()
        lines = self._buffer[: min(self._size, _LONGEST)].tobytes().lstrip(b"\r\n").splitlines()
        return lines[0] if lines else b""

    def first(self, separator: str) -> Records:
        self._more()
        return self._split(separator)

    def __call__(self, separator: str) -> Iterator[Records]:
        """The records in order; the arrays of one hold until the next is asked for."""
        while True:
            self._more()
            records = self._split(separator)
            if not len(records):
                return
            yield records
            end = int(records.ends[-1])
            self._buffer[: self._size - end] = bytes(self._buffer[end : self._size])
            self._size -= end
            self._line = records.lines_after

    def _more(self) -> None:
        while not self._last and self._size < CHUNK:
            count = self._fill(self._buffer[self._size :])
            self._size += count
            self._last = not count

    def _split(self, separator: str) -> Records:
        data = np.frombuffer(self._bytes, np.uint8, self._size)
        has = _Has(*(self._bytes.find(sign, 0, self._size) >= 0 for sign in (b'"', b"\r")))
        for give_up in (False, True):
            records = _records(data, has, ord(separator), self._line, self._last, give_up)
            if len(records) or not self._size:
                return records
        raise too_large("row", f"> {CHUNK}", CHUNK, Place(row=self._line))


class _Has(NamedTuple):
    """What there is at all in a chunk: bytes are found ten times as fast as marked by numpy."""

    quotes: bool
    returns: bool


def _records(data: Bytes, has: _Has, separator: int, line: int, last: bool, give_up: bool) -> Records:
    breaks = _line_ends(data, has, last)
    opens, closes, unclosed = _NOTHING, _NOTHING, _NOTHING
    if has.quotes:
        opens, closes, unclosed = _quoted(data, breaks, separator, last, give_up)
    own = np.ones(len(breaks), bool)  # line ends that end a record
    if len(opens):
        region = np.searchsorted(opens, breaks - 1) - 1
        own = (region < 0) | (closes[region] < breaks)
    at = np.flatnonzero(own)
    if not len(at):
        return Records(data[:0], _NOTHING, _NOTHING, _NOTHING, _NOTHING, _NOTHING, line)
    ends = breaks[at]
    starts = np.concatenate(([0], ends[:-1]))
    lines = line + np.concatenate(([0], at[:-1] + 1))
    data = data[: ends[-1]]
    cells = _cells(data, starts, separator, opens, closes)
    blank = (data[starts] == _LF) | (data[starts] == _CR)
    cells[blank] = 0
    unclosed = unclosed[unclosed < ends[-1]]
    return Records(data, starts, ends, lines, cells, unclosed, line + int(at[-1]) + 1, has.quotes)


def _line_ends(data: Bytes, has: _Has, last: bool) -> Indices:
    """The position after each line end: CR, LF or CRLF. The end of the file ends its last line."""
    ends = np.flatnonzero(data == _LF) + 1
    returns = np.flatnonzero(data == _CR) + 1 if has.returns else _NOTHING
    if len(returns) and returns[-1] == len(data) and not last:
        returns = returns[:-1]  # its LF may come with the next chunk
    if len(returns):
        alone = np.ones(len(returns), bool)
        inner = returns < len(data)
        alone[inner] = data[returns[inner]] != _LF
        if alone.any():
            ends = np.sort(np.concatenate((ends, returns[alone])))
    if last and len(data) and (not len(ends) or ends[-1] != len(data)):
        ends = np.append(ends, len(data))
    return ends


def _cells(data: Bytes, starts: Indices, separator: int, opens: Indices, closes: Indices) -> Indices:
    """One more than the separators of each record, those in quotes left out."""
    separators = (data == separator).view(np.uint8)
    # sums of bytes are four times as fast, and wrap around at 256
    counts = np.add.reduceat(separators, starts, dtype=np.uint8).astype(np.int64)
    if counts.sum() != np.count_nonzero(separators):
        counts = np.add.reduceat(separators, starts, dtype=np.int64)
    opens = opens[opens < len(data)]
    if len(opens):
        edges = np.column_stack((opens, closes[: len(opens)])).ravel()
        quoted = np.add.reduceat(separators, edges[edges < len(data)], dtype=np.int64)[::2]
        some = np.flatnonzero(quoted)
        record = np.searchsorted(starts, opens[some], "right") - 1
        counts -= np.bincount(record, quoted[some], len(starts)).astype(np.int64)
    return counts + 1


def _quoted(
    data: Bytes, breaks: Indices, separator: int, last: bool, give_up: bool
) -> tuple[Indices, Indices, Indices]:
    """The quoted regions, from opening to closing quote, and the opening quotes that nothing closes.

    A quoted cell begins right after a separator or a line end, and a separator or a line end follows its last
    quote; a quote elsewhere in an unquoted cell is a character like others. A region that this chunk does not
    close goes on in the next, unless `last` says that there is none, or `give_up` that it had its own chunk.
    """
    quotes = np.flatnonzero(data == _QUOTE)
    boundary = np.zeros(256, bool)
    boundary[[separator, _LF, _CR]] = True
    before, after = data[quotes - 1], data[np.minimum(quotes + 1, len(data) - 1)]
    opening, closing = boundary[before], boundary[after]
    opening[0] |= quotes[0] == 0
    closing[-1] |= quotes[-1] == len(data) - 1
    even = len(quotes) % 2 == 0
    if (
        (even or not (last or give_up))
        and (opening[::2] | (before[::2] == _QUOTE)).all()
        and (closing[1::2] | (after[1::2] == _QUOTE)).all()
    ):
        closes = quotes[1::2] if even else np.append(quotes[1::2], len(data))
        return quotes[::2], closes, _NOTHING
    regions, unclosed = _walk(quotes.tolist(), opening, closing, breaks.tolist(), len(data), last, give_up)
    pairs = np.array(regions, np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1], np.array(unclosed, np.int64)


def _walk(
    quotes: list[int], opening: Flags, closing: Flags, breaks: list[int], size: int, last: bool, give_up: bool
) -> tuple[list[tuple[int, int]], list[int]]:
    """Quote by quote, for chunks that break the rules; resumes on the line after an unclosed quote."""
    opens, ends = opening.tolist(), closing.tolist()
    regions: list[tuple[int, int]] = []
    unclosed: list[int] = []
    at, count = 0, len(quotes)
    while at < count:
        if not opens[at]:
            at += 1
            continue
        start = quotes[at]
        at += 1
        while at + 1 < count and quotes[at + 1] == quotes[at] + 1:
            at += 2
        if at < count and ends[at]:
            regions.append((start, quotes[at]))
            at += 1
        elif at >= count and not last and not give_up:
            regions.append((start, size))
        else:
            give_up = give_up and at < count
            unclosed.append(start)
            next_line = bisect_right(breaks, start)
            at = bisect_left(quotes, breaks[next_line]) if next_line < len(breaks) else count
    return regions, unclosed
