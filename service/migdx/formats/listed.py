"""The findings of a file as CSV: one line for each row that a finding touches, and what was not checked.

Where there are too many rows each finding gets its part of the lines; COUNT is exact all the same. A text
that a spreadsheet would run gets an apostrophe.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from ..columns import Located
from ..report import Place, Report, message, nearest, why_not
from .marks import shared
from .rejected import csv_lines

MOST = 20_000
"""Lines of findings."""

_ROWS = 1000
_OF_PLACE = ("file", "sheet", "cell", "row", "column", "path", "key", "period", "given", "expected")
HEAD = (
    "severity", "code", "rule", "level", "dataflow", "component", "count", *_OF_PLACE, "message", "nearest",
    "title", "mark",
)  # fmt: skip


def listed(
    report: Report,
    faults: Sequence[Located],
    place: Callable[[int, str], Place],
    languages: Sequence[str] = ("en",),
) -> Iterator[bytes]:
    """The CSV in pieces, UTF-8. `place` tells where a component of a record stands."""
    yield csv_lines([[name.upper() for name in HEAD]])
    rows: list[list[str]] = []
    sizes = [max(len(fault.records), len(fault.finding.places), 1) for fault in faults]
    for fault, most in zip(faults, shared(sizes, MOST), strict=True):
        said = _said(fault, report, languages)
        for at in range(most):
            rows.append(_line({**said, **_of_place(_placed(fault, at, place))}))
            if len(rows) == _ROWS:
                yield csv_lines(rows)
                rows = []
    rows += (
        _line({
            "severity": "not checked",
            "code": entry["check"],
            "rule": entry.get("rule", ""),
            "count": entry.get("count", ""),
            "message": why_not(entry, languages),
            "title": report.title(entry.get("rule", ""), languages),
        })
        for entry in report.not_checked
    )  # fmt: skip
    yield csv_lines(rows)


def _said(fault: Located, report: Report, languages: Sequence[str]) -> dict[str, Any]:
    """What is said of a finding in each of its lines."""
    one = fault.finding
    return {
        "severity": one.severity, "code": one.code, "rule": one.rule, "level": one.level,
        "dataflow": one.dataflow, "component": one.component, "count": one.count,
        "message": message(one, languages), "nearest": nearest(one),
        "title": report.title(one.rule, languages), "mark": one.mark,
    }  # fmt: skip


def _placed(fault: Located, at: int, place: Callable[[int, str], Place]) -> Place:
    """The place of one of the rows that a finding touches: those that it names itself come first."""
    named = fault.finding.places
    if at < len(named) or at >= len(fault.records):
        return named[at] if named else Place()
    found = place(int(fault.records[at]), fault.at or fault.finding.component)
    return replace(found, expected=fault.expected_at[at]) if at < len(fault.expected_at) else found


def _of_place(place: Place) -> dict[str, Any]:
    return {name: getattr(place, name) or "" for name in _OF_PLACE}


def _line(said: dict[str, Any]) -> list[str]:
    return [" ".join(str(said.get(name, "")).split()) for name in HEAD]
