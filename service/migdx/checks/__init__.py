"""Checks are generators of faults: ALWAYS, below, for every file, CHECKS (judging.py) for rules.

A check's name says the fault, and is the code of its finding for ever: a stricter check gets a new name. Its
docstring is its public help: fault, why, fix, example. It works on distinct values, and finds rows only for
the bad ones.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..columns import Columns, Flags, Located
from ..dataset import Dataset
from ..report import Finding, Severity
from .codes import surrounding_blanks, unknown_code
from .components import missing_component, unknown_component
from .constraints import not_your_area, outside_constraint
from .fault import Check, Fault, by_value, finding
from .given import Given
from .judging import BY_NAME, CHECKS, Judged, judged
from .keys import duplicate_key, key_differs, partial_key, repeated_row, series_attribute_varies
from .periods import embargo_asked, invalid_period, period_not_of_frequency
from .values import grouped_by_points, missing_value, not_a_number

ALWAYS: dict[Check, Severity] = {
    unknown_component: "error",
    missing_component: "error",
    missing_value: "error",
    partial_key: "error",
    surrounding_blanks: "information",
    unknown_code: "error",
    outside_constraint: "error",
    not_your_area: "error",
    not_a_number: "error",
    grouped_by_points: "warning",
    invalid_period: "error",
    period_not_of_frequency: "error",
    key_differs: "warning",
    duplicate_key: "error",
    repeated_row: "information",
    series_attribute_varies: "error",
    embargo_asked: "warning",
}
"""Run on every dataset, in this order: a cause before its consequences."""

__all__ = [
    "ALWAYS", "BY_NAME", "CHECKS", "Check", "Fault", "Given", "Judged", "by_value", "judged", "located",
    "rejected", "run",
]  # fmt: skip


def run(dataset: Dataset, columns: Columns) -> tuple[list[Finding], Flags]:
    """Every finding, and per row whether a blocking one touches it."""
    found = located(dataset, columns)
    return [one.finding for one in found], rejected(found, len(dataset))


def located(dataset: Dataset, columns: Columns) -> list[Located]:
    """Every finding with all the rows of the dataset that it touches."""
    return [
        Located(finding(name(check), severity, fault, dataset), fault.rows, fault.in_header)
        for check, severity in ALWAYS.items()
        for fault in check(dataset, columns)
    ]


def rejected(found: Iterable[Located], rows: int) -> Flags:
    """Per row, whether a blocking finding touches it."""
    flags = np.zeros(rows, bool)
    for one in found:
        if one.finding.blocking:
            flags[one.records] = True
    return flags


def name(check: Check) -> str:
    return str(getattr(check, "__name__", ""))
