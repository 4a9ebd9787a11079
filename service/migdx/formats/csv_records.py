"""Records of a CSV text: where each begins and ends, on which line of the file, and how many cells it has.

The bytes are walked in chunks that begin at a record, so memory stays at one chunk. numpy does the work; only
a chunk whose quotes break RFC 4180 is walked quote by quote. A record never exceeds a chunk: a quote that is
not closed by then ends with its line and is reported there, and the next line is read on its own.
"""

from __future__ import annotations

import codecs
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

CHUNK = 1 << 22
"""Bytes that are looked at in one go, and the most that one record may have."""

Bytes = npt.NDArray[np.uint8]
Positions = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_QUOTE, _LF, _CR = b'"'[0], b"\n"[0], b"\r"[0]
_NOTHING: Positions = np.zeros(0, np.int64)


# --- what the bytes are -------------------------------------------------------------------------------------


class NotText(Exception):
    """The bytes are no text; the argument says what they look like."""


@dataclass(frozen=True)
class Encoding:
    """How bytes become text. `sound` is false if some do not, or are NUL; `row` is the first such row."""

    name: str
    skip: int = 0
    sound: bool = True
    row: int = 0


_SIGNATURES = {
    b"PK\x03\x04": "ZIP or XLSX",
    b"\xd0\xcf\x11\xe0": "XLS",
    b"\x1f\x8b": "GZIP",
    b"\x28\xb5\x2f\xfd": "ZSTD",
    b"PAR1": "Parquet",
    b"%PDF": "PDF",
    b"\x00\x00\xfe\xff": "UTF-32",
    b"\xff\xfe\x00\x00": "UTF-32",
}
_MARKS = {b"\xef\xbb\xbf": "UTF-8", b"\xff\xfe": "UTF-16-LE", b"\xfe\xff": "UTF-16-BE"}
_LONE = re.compile("[\udc80-\udcff]")
_ACCENTED = re.compile("[\x80-\ud7ff\ue000-\U0010ffff]")
_UNDEFINED = frozenset("\udc81\udc8d\udc8f\udc90\udc9d")


def encoding_of(file: BinaryIO) -> Encoding:
    """Looks at every byte. Text that is not UTF-8 at all is taken for Windows-1252, as Excel saves it."""
    head = file.read(4096)
    for signature, name in _SIGNATURES.items():
        if head.startswith(signature):
            raise NotText(name)
    skip = 0
    for mark, name in _MARKS.items():
        if head.startswith(mark):
            skip = len(mark)
            if name != "UTF-8":
                return Encoding(name, skip)
    if len(head) > 3 and (head[1] == head[3] == 0) != (head[0] == head[2] == 0):
        return Encoding("UTF-16-LE" if head[1] == 0 else "UTF-16-BE")
    if b"\0" in head and not head[skip:].startswith((b"DATAFLOW", b"STRUCTURE")):
        raise NotText("binary")
    return Encoding("UTF-8", skip) if _is_utf8(file, skip) else _mixed(file, skip)


def _blocks(file: BinaryIO, skip: int) -> Iterator[bytes]:
    file.seek(skip)
    while block := file.read(CHUNK):
        yield block


def _is_utf8(file: BinaryIO, skip: int) -> bool:
    """Valid UTF-8 without NUL."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for block in _blocks(file, skip):
            if b"\0" in block:
                return False
            if not block.isascii() or decoder.getstate()[0]:
                decoder.decode(block)
        decoder.decode(b"", True)
    except UnicodeDecodeError:
        return False
    return True


def _mixed(file: BinaryIO, skip: int) -> Encoding:
    """What to make of a text with bytes that are not UTF-8, or with NUL."""
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    nul, accented, lone, row, lines, before = False, False, set[str](), 0, 1, ""
    for block in (*_blocks(file, skip), b""):
        text = decoder.decode(block, not block)
        found = _LONE.search(text)
        if found and not row:
            row = lines + _lines(text[: found.start()], before)
        lines, before = lines + _lines(text, before), text[-1:] or before
        nul = nul or "\0" in text
        accented = accented or _ACCENTED.search(text) is not None
        lone.update(_LONE.findall(text) if found else ())
    if nul or accented or lone & _UNDEFINED:
        return Encoding("UTF-8", skip, sound=False, row=row)
    return Encoding("Windows-1252", skip, row=row)


def _lines(text: str, before: str) -> int:
    """How many lines end in `text`; `before` is the character that precedes it."""
    return (
        text.count("\n") + text.count("\r") - text.count("\r\n") - (before == "\r" and text.startswith("\n"))
    )


def _reader(file: BinaryIO, encoding: Encoding) -> Callable[[memoryview], int]:
    """A function that fills a buffer with UTF-8 and returns how much; 0 at the end."""
    file.seek(encoding.skip)
    if encoding.name == "UTF-8":
        return file.readinto  # type: ignore[attr-defined,no-any-return]
    decoder = codecs.getincrementaldecoder(encoding.name)()

    def fill(view: memoryview) -> int:
        while block := file.read(max(len(view) // 3 & ~1, 2)):
            if text := decoder.decode(block).encode():
                view[: len(text)] = text
                return len(text)
        decoder.decode(b"", True)
        return 0

    return fill


# --- where the records are ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Records:
    """The complete records of a chunk: `data[starts[i]:ends[i]]` with its line end, from line `lines[i]` on.

    `cells` is 0 for a blank line. `unclosed` holds the positions of opening quotes that nothing closes.
    `lines_after` is the line on which the next chunk begins.
    """

    data: Bytes
    starts: Positions
    ends: Positions
    lines: Positions
    cells: Positions
    unclosed: Positions
    lines_after: int

    def __len__(self) -> int:
        return len(self.starts)

    def bytes_of(self, index: int) -> bytes:
        return self.data[self.starts[index] : self.ends[index]].tobytes()

    def of(self, positions: Positions) -> Positions:
        """Which record each position is in."""
        return np.searchsorted(self.starts, positions, "right") - 1

    def only(self, keep: Flags) -> Bytes:
        """The bytes of some records."""
        return self.data if keep.all() else self.data[np.repeat(keep, self.ends - self.starts)]


class TooLong(Exception):
    """A record is longer than a chunk; the argument is its row."""


class Scanner:
    """Walks a file by chunks. `first` tries a separator on the first of them; a call then yields them all."""

    def __init__(self, file: BinaryIO, encoding: Encoding) -> None:
        self._fill = _reader(file, encoding)
        self._buffer = memoryview(bytearray(CHUNK + 8))  # room for one more character, however it is sent
        self._size, self._line, self._last = 0, 1, False

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
        data = np.frombuffer(self._buffer, np.uint8, self._size)
        for give_up in (False, True):
            records = _records(data, ord(separator), self._line, self._last, give_up)
            if len(records) or not self._size:
                return records
        raise TooLong(self._line)


def _records(data: Bytes, separator: int, line: int, last: bool, give_up: bool) -> Records:
    breaks = _line_ends(data, last)
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
    return Records(data, starts, ends, lines, cells, unclosed, line + int(at[-1]) + 1)


def _line_ends(data: Bytes, last: bool) -> Positions:
    """The position after each line end: CR, LF or CRLF. The end of the file ends its last line."""
    ends = np.flatnonzero(data == _LF) + 1
    returns = np.flatnonzero(data == _CR) + 1
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


def _cells(data: Bytes, starts: Positions, separator: int, opens: Positions, closes: Positions) -> Positions:
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
    data: Bytes, breaks: Positions, separator: int, last: bool, give_up: bool
) -> tuple[Positions, Positions, Positions]:
    """The quoted regions, from opening to closing quote, and the opening quotes that nothing closes.

    A quoted cell begins right after a separator or a line end, and a separator or a line end follows its last
    quote; a quote elsewhere in an unquoted cell is a character like others. A region that this chunk does not
    close goes on in the next, unless `last` says that there is none, or `give_up` that it had its own chunk.
    """
    quotes = np.flatnonzero(data == _QUOTE)
    if not len(quotes):
        return quotes, quotes, quotes
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
