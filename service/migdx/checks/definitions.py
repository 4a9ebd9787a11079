"""Do the figures agree with the definitions that they are given under?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ..columns import Indices, each_once
from ..dataset import Coded
from ..periods import Period, parse_period
from ..report import Severity
from ..rules import Rule
from ..schema import STATUS
from .cells import Cells
from .cube import NONE
from .fault import Fault
from .given import Given, Yielded
from .picked import by_code, picked, possible, said, with_codes, worded


def impossible_figure(cells: Cells, rule: Rule, given: Given) -> Iterator[Yielded]:
    """A figure stands where the definitions leave room for none.

    Why: by what the words mean nobody can be there: nobody is born in the country and abroad at once, and
    nobody takes up a status that they have.
    Fix: move the figure to where it belongs, or correct the definition; a cell that must be there holds 0, or
    nothing with OBS_STATUS M.
    Example: births in the country of children who were born abroad.
    """
    column, rows = _of_wrong_codes(cells, rule)
    if column is None:
        return
    rows = rows[cells.given[rows] & (cells.values[rows] != 0)]
    doubt = np.zeros(len(rows), bool)
    for id, codes in rule.value("doubt", {}).items():
        doubt |= said(cells, id, codes, rows)
    graded: tuple[tuple[Indices, Severity | None], ...] = ((rows[~doubt], None), (rows[doubt], "warning"))
    for some, severity in graded:
        for own, value, distinct in by_code(column, some):
            expected = {} if value is not None else {"distinctValues": distinct}
            values = {"when": worded(rule.where)}
            yield Fault(own, rule.component, value, expected, values, severity=severity, at=cells.measure)


def contradicting_code(cells: Cells, rule: Rule, given: Given) -> Iterator[Yielded]:
    """An attribute says of a figure what cannot be so for one of its kind.

    Why: a stock is a state at a moment and a flow what happened in a period; persons are no events.
    Fix: correct the attribute, or the dimension that makes the figure what it is.
    Example: a resident population with TIME_PER_COLLECT S, summed through the period.
    """
    column, rows = _of_wrong_codes(cells, rule)
    if column is not None:
        for own, value, _ in by_code(column, rows):
            yield Fault(own, rule.component, value, values={"when": worded(rule.where) or cells.measure})


def _of_wrong_codes(cells: Cells, rule: Rule) -> tuple[Coded | None, Indices]:
    """The rule's component, and the rows that have a code in `never`, or none of those in `only`."""
    column = cells.dataset.coded(rule.component)
    only, never = set(rule.value("only", [])), set(rule.value("never", []))
    wrong = [
        at
        for at, value in enumerate(column.values if column else ())
        if value and (value in never or (only and value not in only))
    ]
    if column is None or not wrong or not possible(cells, rule):
        return None, np.zeros(0, np.int64)
    return column, picked(cells, rule, with_codes(column, wrong))


def own_code(cells: Cells, rule: Rule, given: Given) -> Iterator[Yielded]:
    """The code of the reporting area stands where it cannot.

    Why: nobody moves from a country to itself; and those who were born there, or belong to it, have a code of
    their own, so that they are found under the same code in every country.
    Fix: use the code that is named, or the area that was meant.
    Example: REF_AREA 250 with COUNTERPART_AREA 250.
    """
    other = str(rule.value("other"))
    column, areas = cells.dataset.coded(rule.component), cells.dataset.coded(other)
    if column is None or areas is None or not possible(cells, rule):
        return
    place = {area: at for at, area in enumerate(areas.values)}
    one_country: list[tuple[str, str]] = [tuple(pair.split()) for pair in rule.value("one_country", [])]
    rows = [_same(column, areas, [place.get(value, NONE) for value in column.values])]
    for area, code in one_country:
        rows.append(
            _same(column, areas, [place.get(area, NONE) if v == code else NONE for v in column.values])
        )
    found = picked(cells, rule, each_once(np.concatenate(rows)))
    found = found[cells.given[found] & (cells.values[found] != 0)]
    near = _near(cells, rule, rule.value("instead", ""), "own area")
    for own, value, distinct in by_code(column, found):
        expected: dict[str, Any] = {"nearest": near} if near else {}
        expected |= {} if value is not None else {"distinctValues": distinct}
        values = {"other": other, "reason": "instead" if near else ""}
        yield Fault(own, rule.component, value, expected, values)


def _same(column: Coded, areas: Coded, area_of: Sequence[int]) -> Indices:
    """The rows whose area is the one that belongs to their value (NONE: to no value)."""
    if all(at == NONE for at in area_of):
        return np.zeros(0, np.int64)
    wanted = np.array([*area_of, NONE])[column.codes]  # the last serves index -1
    return np.flatnonzero((wanted == areas.codes) & (wanted != NONE))


def _near(cells: Cells, rule: Rule, codes: str, why: str) -> list[dict[str, str]]:
    component = cells.dataset.schema.by_id[rule.component]
    found = ((code, component.code(code)) for code in codes.split())
    return [{"code": code, "name": item.name(), "why": why} for code, item in found if item]


def code_not_valid_then(cells: Cells, rule: Rule, given: Given) -> Iterator[Yielded]:
    """A code stands for something that did not exist in the period.

    Why: nobody can have left, or live in, a country that is no more; one may have been born in it.
    Fix: use the code of the area that there was in the period.
    Example: the former USSR (810) as country of previous residence in 2020.
    """
    component = cells.dataset.schema.by_id.get(rule.component)
    column, time = cells.dataset.coded(rule.component), cells.dataset.schema.time
    periods = cells.dataset.coded(time.id) if time else None
    if component is None or column is None or periods is None:
        return
    spans = [parse_period(text) for text in periods.values]
    for at, value in enumerate(column.values):
        item = component.code(value)
        first, last = (_day(item.note(rule.value(end))) if item else None for end in ("from", "to"))
        early = [n for n, span in enumerate(spans) if span and first is not None and span.end < first]
        late = [n for n, span in enumerate(spans) if span and last is not None and span.start > last]
        for wrong, end, reason in ((late, "to", ""), (early, "from", "since")):
            if item is None or not wrong:
                continue
            rows = column.rows_of(at)
            rows = picked(cells, rule, rows[np.isin(periods.codes[rows], wrong)])
            rows = rows[cells.given[rows] & (cells.values[rows] != 0)]
            if len(rows):
                near = (
                    [] if reason else _near(cells, rule, item.note(rule.value("successors", "")), "successor")
                )
                values = {"day": item.note(rule.value(end)), "reason": reason}
                yield Fault(rows, rule.component, value, {"nearest": near} if near else {}, values)


def _day(text: str) -> int | None:
    period = parse_period(text) if text else None
    return period.start if period else None


# --- dates --------------------------------------------------------------------------------------------------


def date_outside_period(cells: Cells, rule: Rule, given: Given) -> Iterator[Yielded]:
    """The reference date does not lie in the period.

    Why: the figure belongs to another period, or the date is mistyped. The day before and the day after are
    taken too: 1 January is often written for the end of the year before.
    Fix: correct the date or the period.
    Example: TIME_PERIOD 2020 with REF_DATE 2011-01-01.
    """
    slack = int(rule.value("slack", 1))
    for period, rows, date in _dated(cells, rule):
        if date.start < period.start - slack or date.end > period.end + slack:
            yield Fault(rows, rule.component, date.text, {"period": period.text})


def date_not_as_collected(cells: Cells, rule: Rule, given: Given) -> Iterator[Yielded]:
    """The reference date is not at the part of the period at which the figure is said to be taken.

    Why: stocks at the beginning and at the end of a year differ by a year of movements.
    Fix: correct the date, or what says when in the period it is.
    Example: TIME_PER_COLLECT E, the end of the period, with REF_DATE 2020-01-01 and TIME_PERIOD 2020.
    """
    slack, points = int(rule.value("slack")), dict(rule.value("points"))
    for code, point in points.items():
        for period, rows, date in _dated(cells, rule, {rule.value("collected"): [code]}):
            there = {
                "start": period.start,
                "middle": (period.start + period.end) // 2,
                "end": period.end,
            }[point]
            if date.start > there + slack or date.end < there - slack:
                values = {"collected": rule.value("collected"), "code": code}
                yield Fault(rows, rule.component, date.text, {"period": period.text}, values)


def _dated(
    cells: Cells, rule: Rule, more: Mapping[str, Sequence[str]] | None = None
) -> Iterator[tuple[Period, Indices, Period]]:
    """Each period and date that stand together in rows that the rule is for, with those rows."""
    time = cells.dataset.schema.time
    dates = cells.dataset.coded(rule.component)
    periods = cells.dataset.coded(time.id) if time else None
    if dates is None or periods is None or not possible(cells, rule):
        return
    rows = picked(cells, rule, np.flatnonzero((dates.codes >= 0) & (periods.codes >= 0)))
    for id, codes in (more or {}).items():
        rows = rows[said(cells, id, codes, rows)]
    pairs = periods.codes[rows].astype(np.int64) * len(dates.values) + dates.codes[rows]
    for pair in each_once(pairs):
        period = parse_period(periods.values[pair // len(dates.values)])
        date = parse_period(dates.values[pair % len(dates.values)])
        if period and date:
            yield period, rows[pairs == pair], date


# --- one definition in one table ----------------------------------------------------------------------------


def definition_changes(cells: Cells, rule: Rule, given: Given) -> Iterator[Yielded]:
    """The definition changes within a series, and no break is marked.

    Why: the step between the two figures is made by the definition, and is read as a movement.
    Fix: mark the first figure under the new definition with OBS_STATUS B and say why in BREAK_REASON; or
    correct the definition.
    Example: RESIDENCE_CRIT M12 up to 2019 and M6 from 2020, all with OBS_STATUS A.
    """
    column, time = cells.dataset.coded(rule.component), cells.dataset.schema.time
    if column is None or time is None or len(column.values) < 2:
        return
    periods = cells.coded(time.id)
    starts = np.array([p.start if (p := parse_period(text)) else 0 for text in periods.values] + [0])
    rows = picked(cells, rule, np.flatnonzero((column.codes >= 0) & cells.given))
    series = cells.without(time.id).of[rows]
    order = np.lexsort((starts[periods.codes[rows]], series))
    rows, series = rows[order], series[order]
    codes = column.codes[rows]
    changed = np.zeros(len(rows), bool)
    changed[1:] = (series[1:] == series[:-1]) & (codes[1:] != codes[:-1])
    own = rows[changed]
    for id in rule.value("statuses", [STATUS]):
        own = own[~said(cells, id, rule.value("breaks"), own)]
    for some, value, _ in by_code(column, np.sort(own)):
        yield Fault(some, rule.component, value, values={"breaks": "/".join(rule.value("breaks"))})


def definitions_mixed(cells: Cells, rule: Rule, given: Given) -> Iterator[Yielded]:
    """Figures of one table stand under several definitions.

    Why: its parts and totals count different persons, so that they can be neither added nor compared.
    Fix: give all figures of a country, source and period under one definition; put others under another
    source.
    Example: RESIDENCE_CRIT M12 for women and M6 for men of one year.
    """
    column = cells.dataset.coded(rule.component)
    if column is None or len(column.values) < 2:
        return
    by = [id for id in cells.dataset.schema.key if id in rule.value("by")]
    rows = picked(cells, rule, np.flatnonzero((column.codes >= 0) & cells.given))
    size = len(column.values)
    pairs = cells.groups(by).of[rows] * size + column.codes[rows]
    found, of_row, counts = np.unique(pairs, return_inverse=True, return_counts=True)
    order = np.lexsort((-counts, found // size))
    first = np.ones(len(order), bool)
    tables = found[order] // size
    first[1:] = tables[1:] != tables[:-1]
    usual = column.values[int(np.bincount(column.codes[rows]).argmax())] if len(rows) else ""
    rare = np.ones(len(found), bool)
    rare[order[first]] = False
    for own, value, _ in by_code(column, rows[rare[of_row]]):
        yield Fault(own, rule.component, value, values={"by": ", ".join(by), "usual": usual})
