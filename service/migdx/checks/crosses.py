"""Do the cells of a cross add up to its total, where the totals of its sides were not sent?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..columns import Flags
from ..report import SAMPLE, Severity
from ..rules import Rule
from .cells import Cells
from .equations import Equations
from .fault import Fault
from .given import Given, NotChecked, Yielded


def cross_differs(cells: Cells, rule: Rule, given: Given) -> Iterator[Yielded]:
    """The cells of two breakdowns crossed do not add up to the total of both.

    Why: each person is in one of the cells, so that a cell or the total is wrong, or what is unknown was left
    out without a word. Where the totals of the sides are there, they are tested instead.
    Fix: correct the cell or the total; give what is unknown of one breakdown or of both rows of its own
    (`_U`).
    Example: 1 000 residents, and four subpopulations of 700, 50, 100 and 250.
    """
    found = Equations.of(cells, rule, given=True)
    if found is None:
        return
    found = found.take(~_tested(found, rule))
    started = ~np.isnan(found.figures[1:]).all(axis=0)
    if (started & ~found.whole).any():
        yield NotChecked("missing_parts", int((started & ~found.whole).sum()))
    soft, hard = found.slack
    rest = found.figures[0] - found.expected
    known = ~np.isnan(found.figures[1:][found.optional[1:]]).any(axis=0)
    most = float(rule.value("remainder", 0.0)) * np.abs(found.figures[0])
    off = started & found.whole & (np.abs(rest) > soft)
    implied = off & ~known & (rest > 0) & (rest <= most)
    sure = np.abs(rest) > hard
    yield from _fault(found, rule, off & ~implied & sure, None)
    yield from _fault(found, rule, off & ~implied & ~sure, "warning")
    yield from _fault(found, rule, implied, "information")


def _tested(found: Equations, rule: Rule) -> Flags:
    """Per whole, whether the totals of one side are all there: its own sums say the same."""
    cells = found.cells
    groups = cells.without(rule.component, *rule.value("group"))
    tested = np.zeros(len(found), bool)
    for side in rule.value("sides"):
        rows = np.flatnonzero(cells.chosen(side) & cells.given)
        counts = np.bincount(groups.of[rows], minlength=groups.count)
        tested |= counts[groups.of[found.wholes]] >= max(map(len, side.values()))
    return tested


def _fault(found: Equations, rule: Rule, which: Flags, severity: Severity | None) -> Iterator[Fault]:
    if not which.any():
        return
    wrong, cells = found.take(which), found.cells
    told = [
        "" if hidden else cells.shown(int(row), float(figure))
        for row, figure, hidden in zip(wrong.wholes[:SAMPLE], wrong.expected, wrong.hidden, strict=False)
    ]
    values = {"sides": ", ".join((rule.component, *rule.value("group")))}
    yield Fault(
        wrong.wholes,
        rule.component,
        None,
        values=values,
        expected_at=told,
        severity=severity,
        at=cells.measure,
    )
