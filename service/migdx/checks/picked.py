"""Which rows a rule is for, told from distinct values first, so that a rule without matter costs nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from ..columns import Flags, Indices
from ..dataset import Coded
from ..rules import Rule
from .cells import Cells
from .fault import OWN_GROUPS

NO_ROWS: Indices = np.zeros(0, np.int64)


def possible(cells: Cells, rule: Rule) -> bool:
    """Whether any row can be one that the rule is for (Rule.where)."""
    return all("" in codes or _known(cells, id, codes) for id, codes in rule.where.items())


def _known(cells: Cells, id: str, codes: Sequence[str]) -> bool:
    column = cells.dataset.coded(id)
    return column is not None and not set(codes).isdisjoint(column.values)


def picked(cells: Cells, rule: Rule, rows: Indices) -> Indices:
    """Those of some rows that are sound, that the rule is for, and that its value `except` leaves."""
    rows = rows[cells.sound[rows]]
    for id, codes in rule.where.items():
        rows = rows[said(cells, id, codes, rows)]
    spared: Mapping[str, Sequence[str]] = rule.value("except", {})
    for id, others in spared.items():
        rows = rows[~said(cells, id, others, rows)]
    return rows


def said(cells: Cells, id: str, codes: Sequence[str], rows: Indices) -> Flags:
    """Which of some rows have one of `codes` in a component; "" is one that is empty."""
    column = cells.dataset.coded(id)
    if column is None:
        return np.full(len(rows), "" in codes)
    flags = np.array([value in codes for value in column.values] + ["" in codes])  # the last serves -1
    return np.asarray(flags[column.codes[rows]])


def with_codes(column: Coded, wrong: Sequence[int]) -> Indices:
    """The rows whose value is one of those at `wrong`."""
    flags = np.zeros(len(column.values) + 1, bool)  # the last serves index -1
    flags[list(wrong)] = True
    return np.flatnonzero(flags[column.codes]) if wrong else NO_ROWS


def by_code(column: Coded, rows: Indices) -> Iterator[tuple[Indices, str | None, int]]:
    """(rows, value, distinct values) for each value that some rows have, as `fault.by_value` gives them."""
    codes = column.codes[rows]
    counts = np.bincount(codes, minlength=len(column.values)) if len(rows) else NO_ROWS
    order = [int(at) for at in np.argsort(-counts, kind="stable") if counts[at]]
    for at in order[:OWN_GROUPS]:
        yield rows[codes == at], column.values[at], 1
    rest = order[OWN_GROUPS:]
    if rest:
        yield rows[np.isin(codes, rest)], None, len(rest)


def worded(conditions: Mapping[str, Sequence[str]]) -> str:
    """Conditions as a report says them: CONF_STATUS = E, SOURCE = LFS/HHS."""
    return ", ".join(
        f"{id} = {'/'.join(code for code in codes if code)}" for id, codes in conditions.items() if any(codes)
    )
