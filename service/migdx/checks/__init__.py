"""Checks are generators of faults: ALWAYS, below, for every file, CHECKS (judging.py) for rules.

A check's name says the fault, and is the code of its finding for ever: a stricter check gets a new name. Its
docstring is its public help: fault, why, fix, example. It works on distinct values, and finds rows only for
the bad ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from ..columns import Columns, Flags, Located
from ..dataset import Dataset
from ..report import Finding, Severity
from .causes import without_consequences
from .codes import surrounding_blanks, unknown_code
from .components import missing_component, unknown_component
from .constraints import not_your_area, outside_constraint
from .fault import Check, Fault, by_value, finding
from .given import Given
from .judging import BY_NAME, CHECKS, Judged, judged
from .keys import duplicate_key, key_differs, partial_key, repeated_row, series_attribute_varies
from .periods import embargo_asked, invalid_period, period_not_of_frequency
from .shifts import shifted_columns
from .values import (
    footnote_ignored,
    grouped_by_points,
    missing_value,
    not_a_number,
    provider_ignored,
)

ALWAYS: dict[Check, Severity] = {
    unknown_component: "error",
    missing_component: "error",
    shifted_columns: "error",
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
    footnote_ignored: "information",
    provider_ignored: "information",
}
"""Run on every dataset, in this order: a cause before its consequences."""

BY_ROW: dict[Check, Severity] = {
    check: ALWAYS[check]
    for check in (
        unknown_component, missing_component, missing_value, partial_key, unknown_code, outside_constraint,
        not_your_area, not_a_number, invalid_period, period_not_of_frequency, duplicate_key,
    )
}  # fmt: skip
"""Those whose findings on the first rows of a file hold for the whole of it."""

OF_DELETIONS: dict[Check, Severity] = {
    check: ALWAYS[check]
    for check in (
        unknown_component, surrounding_blanks, unknown_code, outside_constraint, not_your_area,
        invalid_period, period_not_of_frequency,
    )
}  # fmt: skip
"""Run on rows that are to be deleted: of these only the key matters, as far as it is there."""

__all__ = [
    "ALWAYS", "BY_NAME", "BY_ROW", "CHECKS", "OF_DELETIONS", "Check", "Fault", "Given", "Judged", "by_value",
    "judged", "located", "rejected", "run", "without_consequences",
]  # fmt: skip


def run(dataset: Dataset, columns: Columns) -> tuple[list[Finding], Flags]:
    """Every finding, and per row whether a blocking one touches it."""
    found = without_consequences(located(dataset, columns), dataset)
    return [one.finding for one in found], rejected(found, len(dataset))


def located(
    dataset: Dataset, columns: Columns, checks: Mapping[Check, Severity] = ALWAYS
) -> Iterator[Located]:
    """Every finding with all the rows of the dataset that it touches, as the checks make them."""
    for check, severity in checks.items():
        for fault in check(dataset, columns):
            yield Located(finding(name(check), severity, fault, dataset), fault.rows, fault.in_header)


def rejected(found: Iterable[Located], rows: int) -> Flags:
    """Per row, whether a blocking finding touches it."""
    flags = np.zeros(rows, bool)
    for one in found:
        if one.finding.blocking:
            flags[one.records] = True
    return flags


def name(check: Check) -> str:
    return str(getattr(check, "__name__", ""))
