"""Does one figure say the same as another that must be equal: the next year's, or another dataflow's?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import numpy as np

from ..columns import Indices
from ..dataset import Coded
from ..periods import EPOCH, parse_period
from ..report import SAMPLE
from ..rules import Rule
from .cells import Cells
from .cube import Floats
from .fault import Fault
from .given import Given, NotChecked, Yielded
from .pairs import pairs
from .tolerance import allowed

_UNKNOWN = -(1 << 40)
"""The day of a figure of which nobody says the day."""


def stock_does_not_continue(cells: Cells, rule: Rule, given: Given) -> Iterator[Yielded]:
    """A population at the start is not the one at the end of the period before.

    Why: it is the same population on the same night; where the two differ, people appear or disappear between
    two accounts.
    Fix: carry the corrected population over to the other period, or give a `BREAK_REASON`: a census, a
    clean-up of the register.
    Example: 1 030 at the end of 2021, and 1 100 at the start of 2022.
    """
    both = cells.beside(given.previous)
    time = cells.dataset.schema.time
    if time is None:
        return
    closing = _rows(both, rule, str(rule.value("end")))
    opening = _rows(both, rule, str(rule.value("start")))
    group = [both.coded(id) for id in both.dataset.schema.key if id not in (rule.component, time.id)]
    ends, starts = _edges(both)
    start, end = pairs([*group, _dated(starts)], opening, [*group, _dated(ends)], closing)
    in_file = (start < both.own) | (end < both.own)
    start, end = start[in_file], end[in_file]
    days = _days(both, str(rule.value("day")))
    apart = (days[start] != _UNKNOWN) & (days[end] != _UNKNOWN) & (days[start] != days[end])
    yield from NotChecked.of("other_reference_date", apart)
    start, end = start[~apart], end[~apart]
    limits, _ = allowed(both, np.stack((start, end)))
    differs = np.abs(both.values[start] - both.values[end]) > limits
    marks = both.marked(rule.value("breaks", {}))
    excused = differs & (marks[start] | marks[end])
    yield from NotChecked.of("break_in_series", excused)
    wrong = differs & ~excused
    if wrong.any():
        # the start is asked about where it is in the file: it is sent last
        own = start[wrong] < both.own
        rows = np.where(own, start[wrong], end[wrong])
        others = np.where(own, end[wrong], start[wrong])
        yield _fault(both, rows, both, others, both.values[others], rule)


def differs_between_dataflows(cells: Cells, rule: Rule, given: Given) -> Iterator[Yielded]:
    """A figure is another one in another dataflow of the same provider.

    Why: one total has one value, whatever the table that it stands in.
    Fix: send the figure that holds in both dataflows.
    Example: 50 000 arrivals in the population account, and 52 000 in the table of flows.
    """
    others = given.related.get(rule.id)
    if others is None or not len(others):
        return
    there = Cells(others, cells.scale)
    here_rows = np.flatnonzero(cells.chosen(rule.where) & cells.given)
    there_rows = np.flatnonzero(there.chosen(rule.value("there", {})) & there.given)
    shared = [id for id in cells.dataset.schema.key if id in others.schema.key]
    mine, theirs = list[Coded](), list[Coded]()
    if rule.value("day", ""):  # a moment is compared with a moment
        time = cells.dataset.schema.time
        shared = [id for id in shared if time is None or id != time.id]
        own = _moments(cells, rule, str(rule.value("edge", "")))
        days = _moments(there, rule, str(rule.value("edge_there", "")))
        silent = int((own[here_rows] == _UNKNOWN).sum() + (days[there_rows] == _UNKNOWN).sum())
        if silent:
            yield NotChecked("no_reference_date", silent)
        here_rows = here_rows[own[here_rows] != _UNKNOWN]
        mine, theirs = [_dated(own)], [_dated(days)]
    here, beside = pairs(
        [*map(cells.coded, shared), *mine], here_rows, [*map(there.coded, shared), *theirs], there_rows
    )
    limits = allowed(cells, here[None, :])[0] + allowed(there, beside[None, :])[0]
    differs = np.abs(cells.values[here] - there.values[beside]) > limits
    excused = differs & (
        cells.marked(rule.value("breaks", {}))[here] | there.marked(rule.value("breaks", {}))[beside]
    )
    yield from NotChecked.of("break_in_series", excused)
    wrong = differs & ~excused
    if wrong.any():
        yield _fault(cells, here[wrong], there, beside[wrong], there.values[beside[wrong]], rule)


def _fault(cells: Cells, rows: Indices, others: Cells, at: Indices, figures: Floats, rule: Rule) -> Fault:
    """The rows of the file, with what stands at the other place, which is named."""
    time = others.dataset.schema.time
    hidden = cells.confidential[rows] | others.confidential[at]
    expected = [
        "" if secret else cells.shown(int(row), figure)
        for row, figure, secret in zip(rows[:SAMPLE], figures, hidden, strict=False)
    ]
    values = {
        "dataflow": others.dataset.schema.dataflow.reference.short,
        "key": others.dataset.key_of(int(at[0])),
        "period": others.coded(time.id).text(int(at[0])) if time else "",
    }
    if not hidden[0]:
        values |= {"given": f"{cells.values[rows[0]]:.12g}", "made": f"{figures[0]:.12g}"}
    return Fault(rows, rule.component, values=values, expected_at=expected, at=cells.measure)


def _rows(cells: Cells, rule: Rule, code: str) -> Indices:
    """The figures of one code of the rule's component."""
    chosen = cells.chosen(rule.where) & cells.is_one_of(rule.component, [code]) & cells.given
    return np.flatnonzero(chosen)


def _edges(cells: Cells) -> tuple[Indices, Indices]:
    """Per row the day after its period, and the first day of it."""
    time = cells.dataset.schema.time
    column = cells.coded(time.id if time else "")
    periods = [parse_period(text) for text in column.values]
    ends = np.array([*(found.end + 1 if found else _UNKNOWN for found in periods), _UNKNOWN], np.int64)
    starts = np.array([*(found.start if found else _UNKNOWN for found in periods), _UNKNOWN], np.int64)
    return ends[column.codes], starts[column.codes]


def _days(cells: Cells, id: str) -> Indices:
    """The day that an attribute says, in days since 1970, as it begins: the last of a month is the next."""
    column = cells.coded(id)
    periods = [parse_period(text) for text in column.values]
    days = [_begun(found.start) if found and found.start == found.end else _UNKNOWN for found in periods]
    return np.asarray(np.array([*days, _UNKNOWN], np.int64)[column.codes])


def _begun(day: int) -> int:
    """A population on the last day of a month is that of the first day of the next: it ends with the day."""
    return day + 1 if (EPOCH + timedelta(days=day + 1)).day == 1 else day


def _moments(cells: Cells, rule: Rule, edge: str) -> Indices:
    """Per row the day of its figure: what it says, or else the edge of its period, if one is named."""
    said = _days(cells, str(rule.value("day")))
    if not edge:
        return said
    ends, starts = _edges(cells)
    return np.where(said == _UNKNOWN, starts if edge == "start" else ends, said)


def _dated(days: Indices) -> Coded:
    """Days as a column that can be matched."""
    known, codes = np.unique(days, return_inverse=True)
    return Coded(tuple(map(str, known)), codes)
