"""Marks: which cells of a workbook as sent offend, what is said of each, and of the whole in front.

The copy itself is made by annotating.py, in a process of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

from ..columns import Columns, Indices, Located, Places, cell_name
from ..errors import NotAcceptable, TooLarge
from ..report import SAMPLE, Finding, Report, advice, message, nearest, phrase
from .content import CALLED
from .sandbox import Failed, Limits, Sandbox

COLOURED, COMMENTED = 20_000, 2_000
"""How many cells are coloured, and how many have a comment; a fault never takes the place of all others."""

_MEBI = 1 << 20


def limits(size: int, **_: bool) -> Limits:
    """A workbook that is changed is held whole: openpyxl takes about fifty times the bytes of the file."""
    cpu = 20 + 10 * (size // _MEBI)
    return Limits(memory=512 * _MEBI + min(64 * size, 512 * _MEBI), cpu=cpu, wall=20.0 + 2 * cpu)


_annotating = Sandbox(limits, keeps_spare=False)


def annotated(
    file: BinaryIO,
    size: int,
    columns: Columns,
    faults: Sequence[Located],
    report: Report,
    languages: Sequence[str] = ("en",),
    notes: Sequence[str] = (),
    **job: Any,
) -> bytes:
    """The workbook as it was sent, .xlsx, offending cells coloured and commented, a summary in front.

    NotAcceptable when the file is no workbook that can be opened, TooLarge when it is too large for this.
    `notes` are said in front, `job` is what a reader is told of the file.
    """
    for fault in faults:  # what could not be read is not opened a second time
        if fault.finding.code in ("unreadable", "too_large"):
            raise _refused(Failed(finding=fault.finding), languages)
    found = [_cells(fault, columns.places) for fault in faults]
    asked = {
        "cells": list(_marked(found)),
        "said": [
            {
                "severity": "information" if one.finding.waived else one.finding.severity,
                "text": advice(one.finding, languages),
                "expected": _expected(one.finding, languages),
            }
            for one in faults
        ],
        "summary": _summary(report, faults, found, languages, notes),
        "words": {name: phrase(name, languages) for name in _WORDS},
    }
    try:
        table, said = _annotating.do("annotate", file, size, **job, **asked)
    except Failed as failed:
        raise _refused(failed, languages) from None
    if not said["workbook"]:
        raise NotAcceptable(
            f"This file is {CALLED.get(said['kind'], said['kind'])}, and only workbooks have an annotated "
            "copy; ask for its rejected rows"
        )
    return b"".join(table.column("bytes").to_pylist())


def _expected(finding: Finding, languages: Sequence[str]) -> dict[str, str]:
    """What was expected in the cells of which that is known one by one."""
    return {
        f"{place.sheet}!{place.cell}": phrase("expected_here", languages, expected=place.expected)
        for place in finding.places
        if place.cell and place.expected
    }


def _refused(failed: Failed, languages: Sequence[str]) -> NotAcceptable | TooLarge:
    finding = failed.finding
    if finding.code == "too_large" or finding.values.get("reason") in ("memory limit", "time limit"):
        return TooLarge("The workbook is too large for an annotated copy; the report tells the places")
    return NotAcceptable(f"No annotated copy of this file can be made: {message(finding, languages)}")


# --- which cells --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Cells:
    """Distinct cells: the name of the sheet, row and column from 1, in the order of the file."""

    sheets: list[str]
    sheet_of: Indices
    rows: Indices
    columns: Indices

    def __len__(self) -> int:
        return len(self.rows)

    def first(self, count: int) -> Iterator[tuple[str, int, int]]:
        for at in range(min(count, len(self))):
            yield self.sheets[self.sheet_of[at]], int(self.rows[at]), int(self.columns[at])


def _cells(fault: Located, places: Places) -> _Cells:
    """The cells of all records that a fault touches; those that its finding names where it touches none."""
    if fault.in_header or not len(fault.records):
        named = [place for place in fault.finding.places if place.sheet and place.row]
        names = list(dict.fromkeys(place.sheet for place in named))
        found = [(names.index(place.sheet), place.row, place.column or 1) for place in named]
        return _distinct(names, np.array(found, np.int64).reshape(-1, 3))
    records = fault.records
    names = [sheet.name for sheet in places.sheets]
    sheet_of = np.zeros(len(records), np.int64) if places.sheet_of is None else places.sheet_of[records]
    cells = np.stack((sheet_of, places.rows[records], np.zeros(len(records), np.int64)), axis=1)
    if places.columns is not None:
        cells[:, 2] = places.columns[records]
    for number in np.unique(sheet_of):
        own = np.flatnonzero(sheet_of == number)
        sheet = places.sheets[number]
        spot = sheet.spots.get(fault.at or fault.finding.component)
        if spot and spot.row:
            cells[own, 1] = spot.row
        if spot and spot.column:
            cells[own, 2] = spot.column
    cells[:, 2] = np.maximum(cells[:, 2], 1)  # of a row: its first cell
    if len(set(names)) < len(names):  # several tables of one sheet
        first = {name: names.index(name) for name in names}
        cells[:, 0] = np.array([first[name] for name in names])[cells[:, 0]]
    return _distinct(names, cells[[bool(names[at]) for at in cells[:, 0]]])


def _distinct(names: list[str], cells: Indices) -> _Cells:
    cells = np.unique(cells, axis=0) if len(cells) else cells
    return _Cells(names, cells[:, 0], cells[:, 1], cells[:, 2])


def shared(counts: Sequence[int], most: int) -> list[int]:
    """How much of `most` each of several wants gets: the small ones all, the others what is left, evenly."""
    got = [0] * len(counts)
    order = sorted(range(len(counts)), key=lambda at: counts[at])
    for done, at in enumerate(order):
        got[at] = min(counts[at], most // (len(order) - done))
        most -= got[at]
    return got


def _marked(found: Sequence[_Cells]) -> Iterator[tuple[str, int, int, int, bool]]:
    """Sheet, row, column, number of the fault, whether a comment says it."""
    sizes = [len(cells) for cells in found]
    for number, (coloured, commented) in enumerate(
        zip(shared(sizes, COLOURED), shared(sizes, COMMENTED), strict=True)
    ):
        for at, cell in enumerate(found[number].first(coloured)):
            yield *cell, number, at < commented


# --- what is said in front ----------------------------------------------------------------------------------

_WORDS = (
    "sheet", "and_more", "anew", "lost", "formulas", "charts", "images", "shapes", "macros", "controls",
    "slicers", "threads", "connections", "embedded",
)  # fmt: skip


def _summary(
    report: Report,
    faults: Sequence[Located],
    found: Sequence[_Cells],
    languages: Sequence[str],
    notes: Sequence[str],
) -> dict[str, Any]:
    """The sheet in front: title, facts, notes, and a table whose rows end with links to cells."""
    say: Callable[[str], str] = lambda name: phrase(name, languages)  # noqa: E731
    several = any(fault.finding.dataflow for fault in faults)
    names = ("severity", "fault", *(["dataflow"] if several else []), "message", "nearest", "rows", "cells")
    counts = report.counts
    facts = {
        "received_rows": counts.received, "accepted_rows": counts.accepted, "rejected_rows": counts.rejected,
        "errors": counts.errors, "warnings": counts.warnings,
    }  # fmt: skip
    total = sum(map(len, found))
    shown, comments = (sum(shared([*map(len, found)], most)) for most in (COLOURED, COMMENTED))
    more = phrase("coloured_some", languages, shown=shown, count=total, comments=comments)
    return {
        "title": phrase("title", languages, file=report.subject.get("fileName") or "…"),
        "verdict": say(report.verdict),
        "facts": [[say(name), count] for name, count in facts.items()],
        "notes": [*([say("legend")] if total else []), *([more] if total > comments else []), *notes],
        "head": [say(name) for name in names],
        "rows": [
            [
                "information" if one.waived else one.severity,
                [
                    say(one.counts_as), one.code, *([one.dataflow] if several else []),
                    message(one, languages), nearest(one), one.count,
                ],
                [[f"{name}!{cell_name(r, c)}", name, r, c] for name, r, c in cells.first(SAMPLE)],
            ]
            for one, cells in zip((fault.finding for fault in faults), found, strict=True)
        ] or [["", [say("nothing")], []]],
    }  # fmt: skip
