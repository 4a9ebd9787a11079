"""Is every observation there once, and does each series say one thing of itself?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..dataset import Coded, Columns, Dataset, Indices
from .fault import Fault


def duplicate_key(dataset: Dataset, columns: Columns) -> Iterator[Fault]:
    """Two rows have the same key and period and say different things.

    Why: nobody can tell which one holds.
    Fix: keep one of them. Both rows are shown, one after the other.
    Example: the same country, sex, age and year twice, with 120 and 125.
    """
    rows, differs = _repeated(dataset)
    if differs.any():
        yield Fault(rows[differs], values={"keys": _groups(dataset, rows[differs])})


def repeated_row(dataset: Dataset, columns: Columns) -> Iterator[Fault]:
    """Two rows are the same in every column.

    Why: it does no harm, and often tells of a copy that went wrong; the row is kept once.
    Fix: remove the copies.
    Example: a block of rows pasted twice.
    """
    rows, differs = _repeated(dataset)
    if (~differs).any():
        yield Fault(rows[~differs], values={"keys": _groups(dataset, rows[~differs])})


def series_attribute_varies(dataset: Dataset, columns: Columns) -> Iterator[Fault]:
    """An attribute of the series has two values within one series.

    Why: it holds for the whole series: a multiplier or a unit that changes from row to row would be misread.
    Fix: give it the same value in every row of the series.
    Example: `UNIT_MULT` 0 in 2022 and 3 in 2023.
    """
    series = dataset.series_numbers
    if series is None:
        return
    for component in dataset.schema.series_attributes:
        column = dataset.columns.get(component.id)
        if not isinstance(column, Coded) or len(column.values) + int((column.codes < 0).any()) < 2:
            continue
        # a value that is no code is told already; the last serves index -1
        sound = np.array(
            [not component.coded or value in component.codes for value in column.values] + [False]
        )
        known = np.flatnonzero((series >= 0) & sound[column.codes])
        pairs = np.unique(np.stack((series[known], column.codes[known].astype(np.int64))), axis=1)
        numbers, counts = np.unique(pairs[0], return_counts=True)
        rows = known[np.isin(series[known], numbers[counts > 1])]
        if len(rows):
            rows = rows[np.argsort(series[rows], kind="stable")]
            yield Fault(rows, component.id, values={"series": int((counts > 1).sum())})


def _repeated(dataset: Dataset) -> tuple[Indices, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """(rows whose key occurs more than once, whether their contents differ), neighbours share a key."""
    key = dataset.key_numbers
    nothing = np.zeros(0, np.int64), np.zeros(0, bool)
    if key is None:
        return nothing
    order = np.argsort(key, kind="stable")
    ordered = key[order]
    same = (ordered[1:] == ordered[:-1]) & (ordered[1:] >= 0)
    if not same.any():
        return nothing
    twin = np.zeros(len(key), bool)
    twin[1:] |= same
    twin[:-1] |= same
    rows = order[twin]
    groups = np.cumsum(np.concatenate(([True], key[rows][1:] != key[rows][:-1]))) - 1
    differs = np.zeros(groups[-1] + 1, bool)
    for component in dataset.schema.components:
        column = dataset.columns.get(component.id)
        if column is None or component.id in dataset.schema.key:
            continue
        values = (
            column.codes[rows]
            if isinstance(column, Coded)
            else np.nan_to_num(column.values[rows], nan=-1e308)
        )
        changed = (values[1:] != values[:-1]) & (groups[1:] == groups[:-1])
        differs[groups[1:][changed]] = True
    return rows, differs[groups]


def _groups(dataset: Dataset, rows: Indices) -> int:
    key = dataset.key_numbers
    return 0 if key is None else len(np.unique(key[rows]))
