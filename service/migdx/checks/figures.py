"""Can a figure, by itself, be what it is said to be?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..periods import EPOCH, parse_period
from ..report import Severity
from ..rules import Rule
from .cells import Cells
from .fault import Fault
from .given import Given, Yielded
from .picked import by_code, picked, possible, with_codes

_ALMOST = 1e-9
"""How far, relative to it, a whole number may be off after its multiplier was applied: binary fractions."""


def future_period(cells: Cells, rule: Rule, given: Given) -> Iterator[Yielded]:
    """The period lies in the future, and the figure is not marked as a forecast.

    Why: what has not happened cannot have been counted; mostly the year is mistyped. Events cannot all have
    been counted either before their period has ended.
    Fix: correct TIME_PERIOD; where it is a forecast, say so with OBS_STATUS F.
    Example: TIME_PERIOD 2203 with OBS_STATUS A.
    """
    time = cells.dataset.schema.time
    column = cells.dataset.coded(time.id) if time else None
    if time is None or column is None:
        return
    today = (given.today - EPOCH).days
    periods = [parse_period(text) for text in column.values]
    ahead = [at for at, period in enumerate(periods) if period and period.start > today]
    yield from _of_periods(cells, rule, ahead, "", None)
    unfinished: Severity | None = rule.value("unfinished", "") or None
    if unfinished:
        begun = [at for at, p in enumerate(periods) if p and p.start <= today <= p.end and p.kind != "D"]
        yield from _of_periods(cells, rule, begun, "unfinished", unfinished)


def _of_periods(
    cells: Cells, rule: Rule, wrong: list[int], reason: str, severity: Severity | None
) -> Iterator[Fault]:
    if not wrong or not possible(cells, rule):
        return
    time = cells.dataset.schema.time
    assert time is not None
    column = cells.coded(time.id)
    rows = picked(cells, rule, with_codes(column, wrong))
    for own, value, distinct in by_code(column, rows[cells.given[rows]]):
        values = {"reason": reason} if reason and value is not None else {}
        expected = {} if value is not None else {"distinctValues": distinct}
        yield Fault(own, time.id, value, expected, values, severity=severity)


def negative_count(cells: Cells, rule: Rule, given: Given) -> Iterator[Yielded]:
    """A count is below zero.

    Why: nobody can count fewer than none; only differences, such as net flows, may be negative.
    Fix: correct the figure; leave it empty with a status where there is none (no -1, no -999).
    Example: OBS_VALUE -999 for a figure that is not known.
    """
    if possible(cells, rule):
        rows = picked(cells, rule, np.flatnonzero(cells.values < 0))
        if len(rows):
            yield Fault(rows, cells.measure)


def not_whole(cells: Cells, rule: Rule, given: Given) -> Iterator[Yielded]:
    """A count is no whole number.

    Why: persons and events come one by one: a fraction is a rate in the wrong column, an average, or a
    multiplier that was forgotten.
    Fix: send whole numbers, or say by UNIT_MULT in what they are given and by COUNT_UNIT what is counted.
    Example: OBS_VALUE 12.5 with UNIT_MEASURE PS and UNIT_MULT 0.
    """
    if not possible(cells, rule):
        return
    values = cells.values
    rows = np.flatnonzero(values != np.rint(values))
    off = np.abs(values[rows] - np.rint(values[rows])) > _ALMOST * np.maximum(1.0, np.abs(values[rows]))
    rows = picked(cells, rule, rows[off])
    if not len(rows):
        return
    sure = np.ones(len(rows), bool) if isinstance(cells.factor, float) else cells.factor[rows] == 1
    for id, codes in rule.value("strict", {}).items():
        sure &= cells.is_one_of(id, codes)[rows]
    if sure.any():
        yield Fault(rows[sure], cells.measure)
    if not sure.all():
        yield Fault(rows[~sure], cells.measure, severity="warning")


def outside_range(cells: Cells, rule: Rule, given: Given) -> Iterator[Yielded]:
    """A figure lies outside the range that its unit allows.

    Why: a share of a whole is between nothing and all of it.
    Fix: correct the figure, or UNIT_MEASURE where it is no share.
    Example: OBS_VALUE 104.2 with UNIT_MEASURE PT.
    """
    if not possible(cells, rule):
        return
    lower, upper = float(rule.value("lower")), float(rule.value("upper"))
    slack = _ALMOST * max(abs(lower), abs(upper))
    rows = picked(
        cells, rule, np.flatnonzero((cells.values < lower - slack) | (cells.values > upper + slack))
    )
    if len(rows):
        yield Fault(rows, cells.measure, None, {"lower": lower, "upper": upper})


def bounds_inverted(cells: Cells, rule: Rule, given: Given) -> Iterator[Yielded]:
    """The lower bound of a figure is above its upper bound.

    Why: no figure can lie between them.
    Fix: exchange the two, or correct the one that is wrong.
    Example: LOWER_BOUND 120 and UPPER_BOUND 80.
    """
    lower, upper = str(rule.value("lower")), str(rule.value("upper"))
    if lower in cells.dataset.columns and upper in cells.dataset.columns:
        rows = picked(cells, rule, np.flatnonzero(cells.number(lower) > cells.number(upper)))
        if len(rows):
            yield Fault(rows, lower, values={"upper": upper})


def outside_bounds(cells: Cells, rule: Rule, given: Given) -> Iterator[Yielded]:
    """A figure lies outside its own bounds.

    Why: the bounds say where the figure is with some certainty, so that it must lie between them.
    Fix: correct the figure or its bounds; all three are in the unit and the multiplier of the row.
    Example: OBS_VALUE 150 with LOWER_BOUND 80 and UPPER_BOUND 120.
    """
    columns = cells.dataset.columns
    lower, upper = str(rule.value("lower")), str(rule.value("upper"))
    if lower not in columns and upper not in columns:
        return
    figure, least, most = cells.number(cells.measure), cells.number(lower), cells.number(upper)
    outside = ((figure < least) | (figure > most)) & ~(least > most)  # inverted bounds are told by themselves
    rows = picked(cells, rule, np.flatnonzero(outside))
    if len(rows):
        yield Fault(rows, cells.measure, values={"lower": lower, "upper": upper})


def block_of_zeros(cells: Cells, rule: Rule, given: Given) -> Iterator[Yielded]:
    """All figures of a block are zero.

    Why: that many zeros together are mostly figures that were not there, typed or exported as 0.
    Fix: leave the cells empty with a status (L not collected, M cannot exist); where they are zeros, nothing.
    Example: 0 for every country of birth in one year.
    """
    least = int(rule.value("least"))
    zero = np.flatnonzero(cells.values == 0)
    if len(zero) < least or not possible(cells, rule):
        return
    other = np.flatnonzero(cells.given & (cells.values != 0))
    told = np.zeros(len(cells), bool)
    for id in rule.value("components"):
        if len(cells.coded(id).values) < least:
            continue
        groups = cells.without(id)
        zeros = np.bincount(groups.of[zero], minlength=groups.count)
        zeros[groups.of[other]] = 0
        rows = picked(cells, rule, zero[zeros[groups.of[zero]] >= least])
        rows = rows[~told[rows]]
        if len(rows):
            told[rows] = True
            yield Fault(rows, id, at=cells.measure)
