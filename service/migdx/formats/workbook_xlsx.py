"""What the library that reads .xlsx does not say, by a second pass over the XML of its sheets.

ECMA-376 part 1, section 18.3. Hidden rows and columns, error values, formulas without a value, and how far
a sheet reaches, which has to be known before a library sets room aside for it. The pass looks for bytes, a
block at a time, and parses only where they stand.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from lxml import etree

from .refused import too_large, unreadable
from .workbook_package import Package, undeclared
from .xml_reading import SAFE

_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_STRICT = "{http://purl.oclc.org/ooxml/officeDocument/relationships}id"
LAST_ROW, LAST_COLUMN = 1 << 20, 1 << 14
_MOST_HELD = 4 << 20
_MOST_RANGES = 1000

MOST_BAD = 200_000
"""Error values and formulas without a value that a sheet may have: each is kept with its place."""

MOST_MERGED = 100_000
"""Merged ranges of a sheet that are told."""

Cell = tuple[int, int, str]


@dataclass
class SheetNotes:
    """One sheet: its last row and column (an upper bound), and cells as (row, column, text), from 1."""

    last_row: int = 0
    last_column: int = 0
    errors: list[Cell] = field(default_factory=list)
    formulas: list[Cell] = field(default_factory=list)
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: set[int] = field(default_factory=set)

    def without_value(self, row: int, column: int, text: str) -> None:
        """One more of the cells that hold an error, its text, or a formula without a value, ""."""
        (self.errors if text else self.formulas).append((row, column, text))
        if len(self.errors) + len(self.formulas) > MOST_BAD:
            raise too_large("cells without a value", f"> {MOST_BAD}", MOST_BAD)

    @property
    def area(self) -> int:
        return self.last_row * self.last_column


def parts(package: Package) -> tuple[dict[str, str], list[str]]:
    """Members of the archive: those of the sheets, by name, and what else the library inflates whole."""
    try:
        (workbook, *_) = [name for kind, name in _related(package, "").values() if kind == "officeDocument"]
        related = _related(package, workbook)
        book = etree.fromstring(package.whole(workbook), etree.XMLParser(**SAFE))
    except (etree.XMLSyntaxError, KeyError, ValueError):
        raise unreadable("workbook") from None
    sheets: dict[str, str] = {}
    for sheet in book.iter("{*}sheet"):
        _, member = related.get(sheet.get(_RELATION) or sheet.get(_STRICT) or "", ("", ""))
        if member in package:
            sheets[str(sheet.get("name", ""))] = member
    wholes = [name for kind, name in related.values() if kind in ("sharedStrings", "styles")]
    return sheets, [name for name in wholes if name in package]


def _related(package: Package, member: str) -> dict[str, tuple[str, str]]:
    """The relationships of a member, or of the package, by id: the last word of the type, and the target."""
    folder, name = posixpath.split(member)
    content = package.whole(posixpath.join(folder, "_rels", f"{name}.rels"))
    return {
        str(one.get("Id")): (
            str(one.get("Type", "")).rpartition("/")[2],
            posixpath.normpath(posixpath.join("/", folder, str(one.get("Target", "")))).lstrip("/"),
        )
        for one in etree.fromstring(content, etree.XMLParser(**SAFE))
    }


def notes(package: Package, member: str, most: int) -> SheetNotes:
    """Of a sheet that seems to have more than `most` cells, or whose cells do not say where they stand, every
    cell is looked at: sheets are often formatted far beyond what they hold.
    """
    found = _read(package, member, _Quick)
    if found.area > most:
        found = _read(package, member, _Exact)
    for reached, limit in ((found.last_row, LAST_ROW), (found.last_column, LAST_COLUMN)):
        if reached > limit:
            raise too_large("rows and columns", reached, limit)
    return found


def _read(package: Package, member: str, reach: type[_Quick] | type[_Exact]) -> SheetNotes:
    found, reaching = SheetNotes(), reach()
    for words, piece in _pieces(package, member):
        _hidden(found, words, piece)
        reaching.look(words, piece)
        if words.formula in piece or b't="e"' in piece or b"t='e'" in piece:
            _bad(found, words, piece)
    found.last_row, found.last_column = reaching.last_row, reaching.last_column
    return found


def _pieces(package: Package, member: str) -> Iterator[tuple[_Words, bytes]]:
    """Blocks that end before a row or a cell begins, as far as there is one."""
    held, words = b"", _Words(b"")
    for at, block in enumerate(package.blocks(member)):
        if at == 0:
            words = _Words(_prefix(undeclared(block)))
        held += block
        end = max(held.rfind(words.cell), held.rfind(words.row_start))
        if end > 0 or len(held) > _MOST_HELD:
            end = end if end > 0 else len(held)
            yield words, held[:end]
            held = held[end:]
    if held:
        yield words, held


def _prefix(head: bytes) -> bytes:
    match = re.search(rb"<([A-Za-z_][\w.-]*:)?worksheet[\s>]", head)
    return (match[1] or b"") if match else b""


class _Words:
    """The tags of a sheet whose elements have a prefix ("x:", or none)."""

    def __init__(self, prefix: bytes) -> None:
        p = re.escape(prefix)
        self.numbered_row = re.compile(rb"<" + p + rb'row r="(\d{1,20})"')
        self.odd_row = re.compile(rb"<" + p + rb'row(?! r="\d{1,20}")\b')
        self._cell = b"<" + p + b"c"
        self.full_cell = re.compile(rb"<" + p + rb'c r="([A-Z]{1,8})(\d{1,20})"(?:[^<>]*[^<>/])?>')
        self.cell, self.row_start = b"<" + prefix + b"c ", b"<" + prefix + b"row"
        self.formula = b"<" + prefix + b"f"
        # no attribute holds a <, so that no pattern runs further than the next tag
        self.column = re.compile(rb"<" + p + rb"col\s([^<>]*)>")
        self.row = re.compile(rb"<" + p + rb"row\b([^<>]*)>")
        self.row_or_cell = re.compile(rb"<" + p + rb"(row|c)(/|\s[^<>]*)?>")
        self.is_formula = re.compile(rb"<" + p + rb"f[\s/>]")
        self.value = re.compile(rb"<" + p + rb"v(?:\s[^<>]*)?>([^<]*)<")

    def cell_beyond(self, letters: int, digits: int) -> re.Pattern[bytes]:
        """A cell that does not begin by saying where it stands, in so many letters and digits at most."""
        end = rb'(?! r="[A-Z]{1,%d}\d{1,%d}")[\s/>]' % (letters, digits)
        return re.compile(self._cell + end)  # re keeps what it has compiled

    def odd(self, piece: bytes) -> bool:
        """Whether rows or cells do not begin by saying where they stand, as office programs write them."""
        return bool(self.odd_row.search(piece) or self.cell_beyond(8, 20).search(piece))


_HIDDEN = re.compile(rb"\bhidden=[\"'](?:1|true)[\"']")
_NUMBER = re.compile(rb"\sr\s*=\s*[\"'](\d{1,20})[\"']")
_WIDE = re.compile(rb'"([A-Z]{2,8})\d')
_REFERENCE = re.compile(rb"\sr\s*=\s*[\"']([A-Z]{1,8})(\d{1,20})[\"']")
_IS_TEXT = re.compile(rb"\st\s*=\s*[\"']str[\"']")
_LIMITS = re.compile(rb"\b(min|max)\s*=\s*[\"'](\d{1,20})[\"']")


def _hidden(found: SheetNotes, words: _Words, piece: bytes) -> None:
    if b"hidden" not in piece:
        return
    hidden = (one for one in words.column.findall(piece) if _HIDDEN.search(one))
    for attributes in islice(hidden, _MOST_RANGES):
        limits = {name: int(number) for name, number in _LIMITS.findall(attributes)}
        first, last = limits.get(b"min", 1), min(limits.get(b"max", 0), LAST_COLUMN)
        found.hidden_columns.update(range(max(first, 1), last + 1))
    for attributes in words.row.findall(piece):
        number = _NUMBER.search(attributes)
        if number and _HIDDEN.search(attributes):
            found.hidden_rows.add(int(number[1]))


class _Quick:
    """How far a sheet reaches, at most: by the numbers of its rows and the letters of its cells."""

    def __init__(self) -> None:
        self.last_row, self.last_column = 0, 26

    def look(self, words: _Words, piece: bytes) -> None:
        if words.odd_row.search(piece):
            self.last_row, self.last_column = LAST_ROW, LAST_COLUMN
            return
        self.last_row = max([self.last_row, *map(int, words.numbered_row.findall(piece))])
        digits = len(str(self.last_row))
        if not words.cell_beyond(1, digits).search(piece):
            return
        if words.cell_beyond(3, digits).search(piece):  # or one that is in another row than it says
            self.last_row, self.last_column = LAST_ROW, LAST_COLUMN
        wide = (_number_of(letters) for letters in set(_WIDE.findall(piece)))
        self.last_column = max([self.last_column, *wide])


class _Exact:
    """How far the cells reach that hold something; one that does not say where it stands follows the last."""

    def __init__(self) -> None:
        self.last_row = self.last_column = self._row = self._column = 0

    def look(self, words: _Words, piece: bytes) -> None:
        if not words.odd(piece):
            cells = words.full_cell.findall(piece)
            for letters in {letters for letters, _ in cells}:
                self.last_column = max(self.last_column, _number_of(letters))
            self.last_row = max([self.last_row, *(int(row) for row in {row for _, row in cells})])
            piece = piece[max(0, piece.rfind(words.row_start)) :]  # where the next cell follows on
        for match in words.row_or_cell.finditer(piece):
            attributes = match[2] or b""
            if match[1] == b"row":
                number = _NUMBER.search(attributes)
                self._row, self._column = int(number[1]) if number else self._row + 1, 0
                if self._row > LAST_ROW:
                    raise too_large("rows and columns", self._row, LAST_ROW)
                continue
            place = _REFERENCE.search(attributes)
            if place:
                self._row, self._column = int(place[2]), _number_of(place[1])
            else:
                self._column += 1
            if not attributes.endswith(b"/"):
                self.last_row = max(self.last_row, self._row)
                self.last_column = max(self.last_column, self._column)


def _bad(found: SheetNotes, words: _Words, piece: bytes) -> None:
    for cell in piece.split(words.cell)[1:]:
        attributes, _, body = cell.partition(b">")
        is_error = b't="e"' in attributes or b"t='e'" in attributes
        if attributes.endswith(b"/") or not (is_error or words.formula in body):
            continue
        place = _REFERENCE.search(b" " + attributes)
        if not place or int(place[2]) < 1 or not (is_error or words.is_formula.search(body)):
            continue
        value = words.value.search(body)
        text = value[1].strip() if value else b""
        where = int(place[2]), _number_of(place[1])
        if is_error and text:
            found.without_value(*where, text.decode("utf-8", "replace")[:40])
        elif is_error or (not text and not (value and _IS_TEXT.search(attributes))):
            found.without_value(*where, "")


def _number_of(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number
