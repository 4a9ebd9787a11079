"""Do figures and what is said of them, their status and their attributes, agree?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ..columns import Flags, Indices
from ..dataset import Coded, Numbers
from ..report import Severity
from ..rules import Rule
from ..schema import STATUS
from .cells import Cells
from .fault import Fault
from .given import Given, NotChecked, Yielded
from .picked import NO_ROWS, by_code, picked, possible, said, worded


def missing_without_status(cells: Cells, rule: Rule, given: Given) -> Iterator[Yielded]:
    """There is no figure, and nothing says why.

    Why: a reader cannot tell nothing from not known; it is read as O, missing.
    Fix: say in OBS_STATUS why it is missing: L not collected, M cannot exist, Q suppressed, K in another
    category, O for no reason given.
    Example: OBS_VALUE and OBS_STATUS both empty.
    """
    rows = _without_figure(cells, rule)
    if rows is None:
        yield NotChecked("no_figures")
        return
    rows = rows[said(cells, STATUS, ("",), rows)]
    if len(rows):
        yield Fault(rows, STATUS, "", at=cells.measure)


def figure_missing_but_normal(cells: Cells, rule: Rule, given: Given) -> Iterator[Yielded]:
    """There is no figure, and the status says that there is one.

    Why: a normal, estimated or provisional value must be there.
    Fix: send the figure, or a status that says why it is missing (L, M, O, Q, K, H; J and S may go without).
    To change attributes only, leave out the column of the figure.
    Example: OBS_VALUE empty with OBS_STATUS A.
    """
    rows = _without_figure(cells, rule)
    if rows is None or not len(rows):
        return
    excused = said(cells, STATUS, ("",), rows)
    for id in rule.value("statuses"):
        excused |= said(cells, id, rule.value("may_be_empty"), rows)
    column = cells.dataset.coded(STATUS)
    if column is not None:
        for own, value, _ in by_code(column, rows[~excused]):
            yield Fault(own, STATUS, value, {"statuses": ", ".join(rule.value("may_be_empty"))})


def _without_figure(cells: Cells, rule: Rule) -> Indices | None:
    """Sound rows without a figure; None where the file has no column of figures at all."""
    figures = cells.dataset.columns.get(cells.measure)
    if not isinstance(figures, Numbers):
        return None
    missing = np.isnan(figures.values)
    return picked(cells, rule, np.flatnonzero(missing)) if missing.any() else NO_ROWS


def figure_despite_status(cells: Cells, rule: Rule, given: Given) -> Iterator[Yielded]:
    """There is a figure, and the status says that there is none.

    Why: one of the two is wrong, and a reader does not know which; a missing figure is never coded as 0. Only
    where data cannot exist (M) is 0 the same as nothing.
    Fix: empty OBS_VALUE, or correct OBS_STATUS.
    Example: OBS_VALUE 0 with OBS_STATUS L.
    """
    missing, zero_too = set(rule.value("missing")), rule.value("zero", [])
    for id in rule.value("statuses"):
        column = cells.dataset.coded(id)
        wrong = [at for at, value in enumerate(column.values) if value in missing] if column else []
        if column is None or not wrong:
            continue
        rows = picked(cells, rule, np.flatnonzero(np.isin(column.codes, wrong) & cells.given))
        for own, value, _ in by_code(column, rows):
            zeros = cells.values[own] == 0
            for some, reason in ((own[~zeros], ""), (own[zeros], "zero")):
                if len(some) and not (reason and value in zero_too):
                    yield Fault(some, id, value, values={"reason": reason} if reason else {})


def including_cell_not_marked(cells: Cells, rule: Rule, given: Given) -> Iterator[Yielded]:
    """A figure is said to be included elsewhere, and no figure beside it says that it includes more.

    Why: the figure that holds both is read as if it were its own category alone (CL_OBS_STATUS: to each K
    belongs a W).
    Fix: mark the including figure with OBS_STATUS W, and name it in COMMENT_OBS.
    Example: AGE Y_GE90 with OBS_STATUS K, and Y85T89, which holds them, with A.
    """
    statuses: Sequence[str] = rule.value("statuses")
    parts = _with_status(cells, statuses, rule.value("included"))
    if not parts.any():
        return
    rows = np.flatnonzero(parts & cells.sound)
    wholes = np.flatnonzero(_with_status(cells, statuses, rule.value("including")) & cells.sound)
    beside = np.zeros(len(rows), bool)
    for id in cells.dataset.schema.key if len(wholes) else ():
        if len(cells.coded(id).values) > 1:
            groups = cells.without(id)
            marked = np.zeros(groups.count, bool)
            marked[groups.of[wholes]] = True
            beside |= marked[groups.of[rows]]
    own = picked(cells, rule, rows[~beside])
    if len(own):
        yield Fault(own, STATUS, None, {"status": "/".join(rule.value("including"))})


def _with_status(cells: Cells, statuses: Sequence[str], codes: Sequence[str]) -> Flags:
    flags = np.zeros(len(cells), bool)
    for id in statuses:
        column = cells.dataset.coded(id)
        if column is not None and not set(codes).isdisjoint(column.values):
            flags |= cells.is_one_of(id, codes)
    return flags


def attribute_missing(cells: Cells, rule: Rule, given: Given) -> Iterator[Yielded]:
    """What must be known beside a figure is not said.

    Why: without it the figure cannot be compared: an embargo needs its end, a sample its size or bounds, and
    a resident the rule by which one is.
    Fix: fill the attribute in the rows, one of them where several are named; what holds for all data of a
    provider may stand in its reference metadata instead.
    Example: CONF_STATUS E without EMBARGO_TIME.
    """
    ids: Sequence[str] = rule.value("one_of", [rule.component])
    if not possible(cells, rule):
        return
    columns = [column for id in ids if (column := cells.dataset.columns.get(id)) is not None]
    empty = np.logical_and.reduce([_empty(column) for column in columns]) if columns else True
    nowhere: Severity | None = (rule.value("nowhere", "") or None) if np.all(empty) else None
    rows = np.flatnonzero(empty & cells.given) if np.any(empty) else NO_ROWS
    if nowhere:  # one word for the whole file
        rows = next(
            (own for some in (rows[:99], rows[99:]) if len(own := picked(cells, rule, some))), NO_ROWS
        )
    else:
        rows = picked(cells, rule, rows)
    if not len(rows):
        return
    when = worded(rule.where)
    values = {"wanted": " / ".join(ids), "when": when, "reason": "" if when else "always"}
    if nowhere:
        yield Fault(NO_ROWS, ids[0], "", values={**values, "reason": "nowhere"}, severity=nowhere)
    else:
        yield Fault(rows, ids[0], "", values=values)


def _empty(column: Coded | Numbers) -> Flags:
    return column.missing if isinstance(column, Numbers) else column.codes < 0
