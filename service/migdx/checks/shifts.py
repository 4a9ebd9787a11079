"""Do the values stand in their own columns?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..columns import Columns, Flags, Indices
from ..dataset import Coded, Dataset
from ..periods import parse_period
from ..schema import SchemaComponent
from .fault import Fault


@dataclass(frozen=True)
class _Column:
    """A column that a list, or the form of periods, says the values of."""

    component: SchemaComponent
    coded: Coded

    def knows(self, value: str) -> bool:
        if self.component.role == "time":
            return parse_period(value) is not None
        return value in self.component.codes

    def unknown(self) -> list[str]:
        return [value for value in self.coded.values if not self.knows(value)]

    def rows_with(self, values: Sequence[str]) -> Flags:
        own = set(values)
        flags = np.array([value in own for value in self.coded.values] + [False])  # the last serves index -1
        return np.asarray(flags[self.coded.codes])


def shifted_columns(dataset: Dataset, columns: Columns) -> Iterator[Fault]:
    """Values stand in the column beside their own, in two columns or more.

    Why: every cell of such a row looks wrong; the cause is one, and nothing of the row can be trusted.
    Fix: look at the heading and the first row shown: a cell was left out or put in, or two columns changed
    places.
    Example: an age in `SEX` and a sex in `AGE`.
    """
    ordered = list(_ordered(dataset, columns))
    told = np.zeros(len(dataset), bool)
    for reason, side in (("left", 1), ("right", -1)):
        for at, rows in _moved([_strange(ordered, at, side) for at in range(len(ordered))], told):
            other = ordered[at + side].component.id
            yield Fault(rows, ordered[at].component.id, values={"other": other, "reason": reason})
    for left, right in pairwise(ordered):
        for flags in (_exchanged(left, right), _exchanged(right, left)):
            rows = np.flatnonzero(flags & ~told) if flags is not None else np.zeros(0, np.int64)
            if len(rows):
                told[rows] = True
                other = right.component.id
                yield Fault(rows, left.component.id, values={"other": other, "reason": "swapped"})


def _moved(strange: Sequence[Flags | None], told: Flags) -> Iterator[tuple[int, Indices]]:
    """The rows with two cells or more that belong beside, by the first of the columns; `told` gets them."""
    some = [(at, flags) for at, flags in enumerate(strange) if flags is not None]
    if len(some) < 2:
        return
    moved = np.sum([flags for _, flags in some], axis=0) >= 2
    for at, flags in some:
        rows = np.flatnonzero(moved & flags & ~told)
        if len(rows):
            told[rows] = True
            yield at, rows


def _exchanged(one: _Column, other: _Column) -> Flags | None:
    """The rows whose value a column does not know and the other does, which holds what this one knows."""
    wrong = [value for value in one.unknown() if other.knows(value)]
    if not wrong:
        return None
    back = [value for value in other.coded.values if one.knows(value)]
    if "attribute" in (one.component.role, other.component.role):
        # of attributes many codes are the same: both are to be out of place
        back = [value for value in back if not other.knows(value)]
    return one.rows_with(wrong) & other.rows_with(back)


def _ordered(dataset: Dataset, columns: Columns) -> Iterator[_Column]:
    """The columns as they stand in the file."""
    for name in columns.table.column_names:
        component, coded = dataset.schema.by_id.get(name), dataset.coded(name)
        if component and coded is not None and (component.coded or component.role == "time"):
            yield _Column(component, coded)


def _strange(ordered: Sequence[_Column], at: int, side: int) -> Flags | None:
    """The rows whose value a column does not know, and that on a side does; None where there are none."""
    column = ordered[at]
    other = ordered[at + side] if 0 <= at + side < len(ordered) else None
    wrong = [value for value in column.unknown() if other and other.knows(value)]
    return column.rows_with(wrong) if wrong else None
