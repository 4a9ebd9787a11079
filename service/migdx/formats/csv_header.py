"""The header of an SDMX-CSV message: which version it is, what separates cells, what each column holds."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..report import Finding, Place
from .csv_records import Records, Scanner

WIDEST = 1000
"""Columns that a file may have."""


class Unreadable(Exception):
    """Nothing can be read; the finding says why."""

    def __init__(self, finding: Finding) -> None:
        self.finding = finding


@dataclass(frozen=True)
class Header:
    """What each column holds, by its position: a component, or one of the terms that SDMX-CSV reserves.

    `labelled` columns carry `ID: Name` (labels=both); `unnamed` ones must be empty.
    """

    version: str
    separator: str
    row: int
    index: int
    width: int
    components: dict[int, str]
    terms: dict[str, int]
    labelled: frozenset[int]
    unnamed: frozenset[int]
    findings: tuple[Finding, ...]


_TERMS = ("STRUCTURE", "STRUCTURE_ID", "STRUCTURE_NAME", "ACTION", "SERIES_KEY", "OBS_KEY")
_FIRST = re.compile(r"STRUCTURE(\[.+\])?")


def header_of(scanner: Scanner) -> Header:
    """The header in the first separator with which it is one."""
    seen: list[list[str]] = []
    unclosed: list[Finding] = []
    row = 1
    for separator in ",;\t":
        records = scanner.first(separator)
        index = int(np.argmax(records.cells > 0)) if records.cells.any() else -1
        if index < 0:
            raise Unreadable(Finding("unreadable", values={"reason": "empty"}))
        row = int(records.lines[index])
        if index in records.of(records.unclosed):
            unclosed.append(Finding("unclosed_quote", places=tuple(quote_places(records, separator, index))))
            continue
        text = records.bytes_of(index).decode(errors="replace").rstrip("\r\n")
        cells = _cells(text, separator)
        if cells[0] == "DATAFLOW" and len(cells) > 1:
            return _columns("1.0", separator, row, index, cells, ("DATAFLOW",))
        if _FIRST.fullmatch(cells[0]) and cells[1:2] == ["STRUCTURE_ID"]:
            return _columns("2.0", separator, row, index, ["STRUCTURE", *cells[1:]], _TERMS)
        seen.append(cells)
    if not seen:
        raise Unreadable(unclosed[0])
    first = max(seen, key=len)[0]
    for mark, name in (("<", "XML"), ("{", "JSON"), ("[", "JSON")):
        if first.lstrip().startswith(mark):
            raise Unreadable(Finding("unreadable", values={"reason": name}))
    raise _wrong_header(row, 1, first, "first_column")


def _cells(text: str, separator: str) -> list[str]:
    try:
        return next(csv.reader(io.StringIO(text, newline=""), delimiter=separator), [""])
    except csv.Error:  # a cell of more than 128 KiB
        return [text]


def _wrong_header(row: int, column: int, given: str, reason: str) -> Unreadable:
    place = Place(row=row, column=column, given=given[:80])
    expected = {"headers": ["DATAFLOW,...", "STRUCTURE,STRUCTURE_ID,ACTION,..."]}
    values = {"given": given[:80], "reason": reason, "row": row, "column": column}
    return Unreadable(Finding("wrong_header", expected=expected, places=(place,), values=values))


def _columns(
    version: str, separator: str, row: int, index: int, cells: Sequence[str], reserved: Sequence[str]
) -> Header:
    if len(cells) > WIDEST:
        values = {"what": "columns", "given": len(cells), "limit": WIDEST}
        raise Unreadable(Finding("too_large", places=(Place(row=row),), values=values))
    components: dict[int, str] = {}
    terms: dict[str, int] = {}
    labelled, unnamed, findings = set[int](), set[int](), list[Finding]()
    with_names = "STRUCTURE_NAME" in cells and "STRUCTURE_NAME" in reserved  # labels=name
    name_follows = False
    for at, cell in enumerate(cells):
        if cell in reserved and cell not in terms:
            terms[cell] = at
            continue
        if with_names:
            name_follows = not name_follows
            if not name_follows:
                continue
        id, _, label = cell.partition(": ")
        if label:
            labelled.add(at)
        if not id.strip():
            unnamed.add(at)
        elif id in components.values() or id in terms:
            findings.append(
                Finding("duplicate_column", component=id, places=(Place(row=row, column=at + 1, given=cell),))
            )
        else:
            components[at] = id
    if not components:
        raise _wrong_header(row, len(cells), cells[-1], "no_components")
    if name_follows:
        raise _wrong_header(row, len(cells), cells[-1], "names")
    return Header(
        version=version,
        separator=separator,
        row=row,
        index=index,
        width=len(cells),
        components=components,
        terms=terms,
        labelled=frozenset(labelled),
        unnamed=frozenset(unnamed),
        findings=tuple(findings),
    )


def quote_places(records: Records, separator: str, only: int = -1) -> Iterator[Place]:
    """Where the quotes stand that nothing closes; what follows may be confidential, and is not echoed."""
    for position, record in zip(records.unclosed, records.of(records.unclosed), strict=True):
        if only in (-1, record):
            start = records.starts[record]
            before = records.data[start:position].tobytes().decode(errors="replace")
            column = len(_cells(before, separator))
            yield Place(row=int(records.lines[record]), column=column)
