"""The header of an SDMX-CSV message: which version it is, what separates cells, what each column holds."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..columns import KEYS
from ..report import SAMPLE, Finding, Place
from .csv_records import Records, Scanner
from .refused import Refused, too_large, unreadable

WIDEST = 1000
"""Columns that a file may have."""

_WORDS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|", "point": "."}
_TERMS = ("STRUCTURE", "STRUCTURE_ID", "STRUCTURE_NAME", "ACTION", *KEYS)
_FIRST = re.compile(r"STRUCTURE(?:\[(.).*\])?", re.DOTALL)
_OPENING = re.compile(rb'"?(?:DATAFLOW|(?:MD)?STRUCTURE(?:\[[^\]]*\])?)"?([,;\t|])')
_SAYS_SO = re.compile(rb"sep=([,;\t|])")
_SEVERAL = re.compile(r"\[([^\]]*)\]")


@dataclass(frozen=True)
class Declared:
    """What the media type says of a CSV; "" where it is silent."""

    separator: str = ""
    decimal: str = ""


def declared(parameters: Mapping[str, str]) -> Declared:
    """The parameters `separator` (comma, semicolon, tab, pipe) and `decimal` (comma, point) of a media type.

    The character itself may stand for its name: `text/csv;separator=semicolon;decimal=","`.
    """
    found = {}
    for name, taken in (("separator", ",;\t|"), ("decimal", ".,")):
        if word := parameters.get(name, ""):
            found[name] = _WORDS.get(word.lower(), word)
            if len(found[name]) != 1 or found[name] not in taken:
                raise unreadable("media type parameter", given=f"{name}={word}")
    return Declared(**found)


@dataclass(frozen=True)
class Header:
    """What each column holds, by its position: a component, or one of the terms that SDMX-CSV reserves.

    `index` is its record. `labelled` columns carry `ID: Name` (labels=both); `unnamed` ones must be empty.
    `several` gives the character between the values of columns that have several in a cell.
    """

    version: str
    separator: str
    row: int
    index: int
    width: int
    components: Mapping[int, str]
    terms: Mapping[str, int]
    labelled: frozenset[int] = frozenset()
    unnamed: frozenset[int] = frozenset()
    several: Mapping[int, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


def header_of(scanner: Scanner, separator: str = "") -> Header:
    """The header; without a `separator` it is the character that follows its first term."""
    opening = scanner.opening()
    told = _SAYS_SO.fullmatch(opening)  # as spreadsheets are told
    before = 1 if told else 0
    if not separator:
        found = told or _OPENING.match(opening)
        separator = found[1].decode() if found else max(",;\t|", key=lambda s: opening.count(s.encode()))
    records = scanner.first(separator)
    lines = np.flatnonzero(records.cells > 0)
    if len(lines) <= before:
        raise unreadable("empty")
    index = int(lines[before])
    if index in records.of(records.unclosed):
        places = tuple(quote_places(records, separator, index))
        raise Refused(Finding("unclosed_quote", places=places))
    row = int(records.lines[index])
    text = records.bytes_of(index).decode(errors="replace").rstrip("\r\n")
    given = _cells(text, separator)
    cells = [cell.strip() for cell in given]
    first = _FIRST.fullmatch(cells[0])
    if cells[0] == "DATAFLOW" and len(cells) > 1:
        header = _Header("1.0", row, index, given, ("DATAFLOW",))
    elif first and cells[1:2] == ["STRUCTURE_ID"]:
        header = _Header("2.0", row, index, ["STRUCTURE", *given[1:]], _TERMS, first[1] or "")
    elif cells[0].startswith("MDSTRUCTURE"):
        raise unreadable("reference metadata")
    else:
        raise _no_header(row, cells[0])
    return header.made(separator)


def _no_header(row: int, first: str) -> Refused:
    for mark, name in (("<", "XML"), ("{", "JSON"), ("[", "JSON")):
        if first.startswith(mark):
            return unreadable(name)
    return _wrong_header(row, 1, first, "first_column")


def _cells(text: str, separator: str) -> list[str]:
    try:
        return next(csv.reader(io.StringIO(text, newline=""), delimiter=separator), [""])
    except csv.Error:  # a cell of more than 128 KiB
        return [text]


def _blanks(places: Sequence[Place]) -> Finding:
    values, shown = {"reason": "header"}, tuple(places[:SAMPLE])
    return Finding(
        "surrounding_blanks", "information", count=len(places), places=shown, values=values, blocking=False
    )


def unnamed_column(place: Place) -> Finding:
    """That a column without a heading says something."""
    values = {"given": "", "reason": "unnamed_column", "row": place.row, "column": place.column}
    return Finding("wrong_header", places=(place,), values=values)


def _wrong_header(row: int, column: int, given: str, reason: str) -> Refused:
    place = Place(row=row, column=column, given=given)
    expected = {"headers": ["DATAFLOW,...", "STRUCTURE,STRUCTURE_ID,ACTION,..."]}
    values = {"given": given, "reason": reason, "row": row, "column": column}
    return Refused(Finding("wrong_header", expected=expected, places=(place,), values=values))


class _Header:
    """A header while its cells are gone through."""

    def __init__(
        self, version: str, row: int, index: int, cells: Sequence[str], reserved: Sequence[str], sub: str = ""
    ) -> None:
        if len(cells) > WIDEST:
            raise too_large("columns", len(cells), WIDEST, Place(row=row))
        self.version, self.row, self.index, self.cells, self.sub = version, row, index, cells, sub
        self.terms: dict[str, int] = {}
        self.components: dict[int, str] = {}
        self.labelled, self.unnamed, self.several = set[int](), set[int](), dict[int, str]()
        self.findings: list[Finding] = []
        name_follows = self._walk(reserved)
        if not self.components:
            raise _wrong_header(row, len(cells), cells[-1], "no_components")
        if name_follows:
            raise _wrong_header(row, len(cells), cells[-1], "names")

    def _walk(self, reserved: Sequence[str]) -> bool:
        """Whether it ends where a name should follow: with labels=name one does after each component."""
        with_names = "STRUCTURE_NAME" in reserved and "STRUCTURE_NAME" in map(str.strip, self.cells)
        name_follows = False
        blank = []
        for at, cell in enumerate(self.cells):
            word = cell.strip()
            if word in reserved and word not in self.terms:
                self.terms[word] = at
            elif name_follows:
                name_follows = False
                continue
            else:
                name_follows = with_names
                self._component(at, word)
            if word != cell:
                blank.append(Place(row=self.row, column=at + 1, given=cell))
        if blank:
            self.findings.append(_blanks(blank))
        return name_follows

    def _component(self, at: int, word: str) -> None:
        id, _, label = word.partition(": ")
        if label:
            self.labelled.add(at)
        if _SEVERAL.search(id):
            # `ATTR[]` has several values, `ATTR[en;fr]` one in each language, which stays one text
            if id.endswith("[]") and self.sub:
                self.several[at] = self.sub
            id = _SEVERAL.sub("", id)
        if not id:
            self.unnamed.add(at)
        elif id in self.components.values() or id in self.terms:
            place = Place(row=self.row, column=at + 1, given=word)
            self.findings.append(Finding("duplicate_column", component=id, places=(place,)))
        else:
            self.components[at] = id

    def made(self, separator: str) -> Header:
        keys = {at: term for term, at in self.terms.items() if term in KEYS}
        return Header(
            version=self.version,
            separator=separator,
            row=self.row,
            index=self.index,
            width=len(self.cells),
            components=self.components | keys,
            terms={term: at for term, at in self.terms.items() if term not in (*KEYS, "STRUCTURE_NAME")},
            labelled=frozenset(self.labelled),
            unnamed=frozenset(self.unnamed),
            several=self.several,
            findings=tuple(self.findings),
        )


def quote_places(records: Records, separator: str, only: int = -1) -> Iterator[Place]:
    """Where the quotes stand that nothing closes; what follows may be confidential, and is not echoed."""
    for position, record in zip(records.unclosed, records.of(records.unclosed), strict=True):
        if only in (-1, record):
            start = records.starts[record]
            before = records.data[start:position].tobytes().decode(errors="replace")
            column = len(_cells(before, separator))
            yield Place(row=int(records.lines[record]), column=column)
