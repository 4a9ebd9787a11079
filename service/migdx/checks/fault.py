"""Fault: what a check yields. Its rows are record indices; one function makes counts and places of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..columns import Columns, Flags, Indices, Located
from ..dataset import Coded, Dataset
from ..report import SAMPLE, Finding, Place, Severity

Check = Callable[[Dataset, Columns], Iterator["Fault"]]


@dataclass(frozen=True)
class Fault:
    """One cause: the rows it touches, the value given, what was expected.

    `expected` goes to the report as it is; `values` fill the message. `in_header` places it at the column's
    heading; `at` places it in the cell of another component than the one that it is about. `expected_at`
    says for the first of the rows, one by one, what a rule expected there; `severity` is another than the
    rule's, where the figures themselves allow for doubt; `check` names another check, under which it is told.
    Where the message tells of one row, `example` gives what it says of the row at a position in `rows`: the
    first may be explained away.
    """

    rows: Indices
    component: str = ""
    value: str | None = None
    expected: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    in_header: bool = False
    expected_at: Sequence[str] = ()
    severity: Severity | None = None
    at: str = ""
    check: str = ""
    example: Callable[[int], Mapping[str, Any]] | None = None


def placed(
    dataset: Dataset, rows: Indices, component: str, expected: Sequence[str] = ()
) -> tuple[Place, ...]:
    """A sample of the places of rows, with what was expected in the first of them."""
    places = tuple(dataset.place(int(row), component) for row in rows[:SAMPLE])
    told = expected[: len(places)]
    known = (replace(place, expected=text) for place, text in zip(places, told, strict=False))
    return (*known, *places[len(told) :])


def located(found: Finding, fault: Fault, rows: Indices) -> Located:
    """A finding with those of its fault's rows that are records of the file."""
    at = fault.at or fault.component
    return Located(found, rows, fault.in_header, at, fault.expected_at, fault.example)


def part(one: Located, chosen: Flags, count: int, dataset: Dataset) -> Located:
    """A finding of some of its rows, `count` with those that are no records of the file."""
    rows = one.records[chosen]
    expected = [text for text, kept in zip(one.expected_at, chosen, strict=False) if kept]
    places = placed(dataset, rows, one.at or one.finding.component, expected)
    own = replace(one.finding, count=count, places=places)
    example = one.example
    if example is None:
        return replace(one, finding=own, records=rows, expected_at=expected)
    kept = np.flatnonzero(chosen)
    shared = {name: value for name, value in own.values.items() if name not in example(0)}
    own = replace(own, values={**shared, **(example(int(kept[0])) if len(kept) else {})})
    return Located(own, rows, one.in_header, one.at, expected, lambda at: example(int(kept[at])))


def finding(code: str, severity: Severity, fault: Fault, dataset: Dataset) -> Finding:
    """A fault as the report shows it: exact count, a sample of places; no confidential number is echoed."""
    if fault.in_header:
        heading = fault.component or fault.value or ""
        places: tuple[Place, ...] = (replace(dataset.places.heading(heading), given=fault.value),)
    else:
        places = placed(dataset, fault.rows, fault.at or fault.component, fault.expected_at)
    severity = fault.severity or severity
    return Finding(
        code,
        severity,
        fault.component,
        fault.value,
        fault.expected,
        max(1, len(fault.rows)),
        places,
        {**fault.values, **(fault.example(0) if fault.example and len(fault.rows) else {})},
        blocking=severity == "error",
    )


OWN_GROUPS = 100
"""How many wrong values of a component are told one by one; the rest share one group, exactly counted."""


def by_value(column: Coded, wrong: Sequence[int]) -> Iterator[tuple[Indices, str | None, int]]:
    """(rows, value, distinct values) of each wrong value, most rows first; the value of the rest is None.

    Rows are looked up for the first OWN_GROUPS values only, so that a column of nothing but faults stays
    cheap.
    """
    if not wrong:
        return
    counts = column.counts()
    found = sorted((at for at in wrong if counts[at]), key=lambda at: -int(counts[at]))
    for at in found[:OWN_GROUPS]:
        yield column.rows_of(at), column.values[at], 1
    rest = found[OWN_GROUPS:]
    if rest:
        flags = np.zeros(len(column.values) + 1, bool)  # the last serves index -1
        flags[rest] = True
        yield np.flatnonzero(flags[column.codes]), None, len(rest)
