"""Checks are generators of faults; the table below is all there are.

A check's name says the fault, and is the code of its finding for ever: a stricter check gets a new name. Its
docstring is its public help: fault, why, fix, example. It works on distinct values, and finds rows only for
the bad ones.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..dataset import Columns, Dataset
from ..report import Finding, Severity
from .codes import unknown_code
from .components import missing_component, unknown_component
from .constraints import not_your_area, outside_constraint
from .fault import Check, Fault, finding
from .keys import duplicate_key, repeated_row, series_attribute_varies
from .periods import embargo_asked, invalid_period, period_not_of_frequency
from .values import missing_value, not_a_number

ALWAYS: dict[Check, Severity] = {
    unknown_component: "error",
    missing_component: "error",
    missing_value: "error",
    unknown_code: "error",
    outside_constraint: "error",
    not_your_area: "error",
    not_a_number: "error",
    invalid_period: "error",
    period_not_of_frequency: "error",
    duplicate_key: "error",
    repeated_row: "information",
    series_attribute_varies: "error",
    embargo_asked: "warning",
}
"""Run on every dataset, in this order: a cause before its consequences."""

Rejected = npt.NDArray[np.bool_]

__all__ = ["ALWAYS", "Check", "Fault", "Rejected", "run"]


def run(dataset: Dataset, columns: Columns) -> tuple[list[Finding], Rejected]:
    """Every finding, and per row whether a blocking one touches it."""
    findings: list[Finding] = []
    rejected = np.zeros(len(dataset), bool)
    for check, severity in ALWAYS.items():
        for fault in check(dataset, columns):
            found = finding(name(check), severity, fault, dataset)
            findings.append(found)
            if found.blocking:
                rejected[fault.rows] = True
    return findings, rejected


def name(check: Check) -> str:
    return str(getattr(check, "__name__", ""))
