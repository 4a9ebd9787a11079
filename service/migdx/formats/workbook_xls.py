"""What the library that reads .xls does not say, from the records of the workbook.

[MS-CFB] for the file, [MS-XLS] 2.4 for the records: hidden rows (Row) and columns (ColInfo), error values
(BoolErr and Formula), and whether a password closes it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from .refused import unreadable
from .workbook_xlsx import SheetNotes

Nexts = npt.NDArray[np.uint32]

SIGNATURE = bytes.fromhex("d0cf11e0a1b11ae1")

_ERRORS = {
    0x00: "#NULL!",
    0x07: "#DIV/0!",
    0x0F: "#VALUE!",
    0x17: "#REF!",
    0x1D: "#NAME?",
    0x24: "#NUM!",
    0x2A: "#N/A",
}
_STREAM, _ROOT, _SMALL = 2, 5, 64
_FORMULA, _END, _PASSWORD, _COLUMNS, _SHEET = 0x06, 0x0A, 0x2F, 0x7D, 0x85
_ERROR, _ROW, _BEGIN = 0x205, 0x208, 0x809
# cells: the shared text, number, short number; many short numbers and many blanks have a last column
_ONE, _MANY = frozenset({0xFD, 0x203, 0x27E, 0x204, _FORMULA, _ERROR}), 0xBD
_WANTED = frozenset({*_ONE, _MANY, _END, _COLUMNS, _ERROR, _ROW, _BEGIN})


def notes(data: bytes) -> dict[str, SheetNotes]:
    """By the name of the sheet; empty where the file is not as expected. Raises Refused for a password."""
    try:
        streams = dict(_streams(data))
        if "EncryptedPackage" in streams:
            raise unreadable("password")
        book = streams.get("Workbook", b"")
        return {name: _sheet(book, start) for name, start in _sheets(book)}
    except (struct.error, IndexError, ValueError):
        return {}


def _streams(data: bytes) -> Iterator[tuple[str, bytes]]:
    """The streams of the compound file that matter here, by name."""
    (shift,) = struct.unpack_from("<H", data, 30)
    if shift not in (9, 12):
        raise ValueError(shift)
    sectors = _Sectors(data[1 << shift :], 1 << shift, _table(data, 1 << shift))
    (directory,) = struct.unpack_from("<I", data, 48)
    cutoff, first_small = struct.unpack_from("<II", data, 56)
    entries = sectors.chain(directory)
    small: _Sectors | None = None
    for at in range(0, len(entries) - 127, 128):
        length, kind = struct.unpack_from("<HB", entries, at + 64)
        start, size = struct.unpack_from("<II", entries, at + 116)
        name = entries[at : at + max(0, min(length, 64) - 2)].decode("utf-16-le", "replace")
        if kind == _ROOT:
            nexts = np.frombuffer(sectors.chain(first_small), "<u4")
            small = _Sectors(sectors.chain(start), _SMALL, nexts)
        elif kind == _STREAM and name == "EncryptedPackage":
            yield name, b""
        elif kind == _STREAM and name == "Workbook":
            yield name, (small if small and size < cutoff else sectors).chain(start)[:size]


class _Sectors:
    """Sectors of one size; `nexts` says which follows which."""

    def __init__(self, data: bytes, size: int, nexts: Nexts) -> None:
        self._data, self._size, self._nexts = data, size, nexts

    def chain(self, sector: int) -> bytes:
        """The bytes of a chain from its first sector on; one that runs in a circle ends."""
        found: list[bytes] = []
        while sector < len(self._nexts) and len(found) <= len(self._nexts):
            found.append(self._data[sector * self._size : (sector + 1) * self._size])
            sector = int(self._nexts[sector])
        return b"".join(found)


def _table(data: bytes, size: int) -> Nexts:
    """Which sector follows which, from the sectors that the header names, and those that these name."""
    where = list(struct.unpack_from("<109I", data, 76))
    (chained,) = struct.unpack_from("<I", data, 68)
    most = len(data) // size
    while chained < most and len(where) <= most:
        more = struct.unpack_from(f"<{size // 4}I", data, (chained + 1) * size)
        where += more[:-1]
        chained = more[-1]
    tables = [data[(at + 1) * size : (at + 2) * size] for at in where if at < most]
    return np.frombuffer(b"".join(table for table in tables if len(table) == size), "<u4")


def _sheets(book: bytes) -> Iterator[tuple[str, int]]:
    """Names of the sheets and where their records begin."""
    at = 0
    while at + 4 <= len(book):
        kind, length = struct.unpack_from("<HH", book, at)
        at += 4
        if kind == _PASSWORD:
            raise unreadable("password")
        if kind == _SHEET:
            start, count, wide = struct.unpack_from("<I2xBB", book, at)
            text = book[at + 8 : at + 8 + count * (2 if wide else 1)]
            yield text.decode("utf-16-le" if wide else "latin-1", "replace"), start
        if kind == _END:
            return
        at += length


def _sheet(book: bytes, at: int) -> SheetNotes:
    """The records from the beginning of a sheet to its end; charts within it have records of their own."""
    found, depth, record = SheetNotes(), 0, struct.Struct("<HH").unpack_from
    while at + 4 <= len(book):
        kind, length = record(book, at)
        at += 4
        if kind in _WANTED:
            depth += (kind == _BEGIN) - (kind == _END)
            if depth < 1:
                break
            if depth == 1 and at + length <= len(book):
                _note(found, kind, book, at, length)
        at += length
    return found


def _note(found: SheetNotes, kind: int, book: bytes, at: int, length: int) -> None:
    if kind in _ONE or kind == _MANY:
        row, column = struct.unpack_from("<HH", book, at)
        if kind == _MANY:
            (column,) = struct.unpack_from("<H", book, at + length - 2)
        found.last_row, found.last_column = max(found.last_row, row + 1), max(found.last_column, column + 1)
    if kind == _ROW:
        if book[at + 12] & 0x20:
            found.hidden_rows.add(struct.unpack_from("<H", book, at)[0] + 1)
    elif kind == _COLUMNS:
        first, last, _, _, flags = struct.unpack_from("<5H", book, at)
        if flags & 1:
            found.hidden_columns.update(range(first + 1, min(last, 255) + 2))
    elif kind in (_ERROR, _FORMULA):
        row, column = struct.unpack_from("<HH", book, at)
        value = book[at + 6 : at + 14]
        failed = value[1] == 1 if kind == _ERROR else value[0] == 2 and value[6:8] == b"\xff\xff"
        if failed:
            text = _ERRORS.get(value[0] if kind == _ERROR else value[2], "#ERROR")
            found.without_value(row + 1, column + 1, text)
