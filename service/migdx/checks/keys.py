"""Is every observation there once, and does each series say one thing of itself?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..columns import KEYS, Columns, Indices, each_once
from ..dataset import NOT_APPLICABLE, Coded, Dataset, Numbers
from .fault import Fault


def duplicate_key(dataset: Dataset, columns: Columns) -> Iterator[Fault]:
    """Two rows have the same key and period and say different things.

    Why: nobody can tell which one holds.
    Fix: keep one of them. Both rows are shown, one after the other.
    Example: the same country, sex, age and year twice, with 120 and 125.
    """
    rows, differs = dataset.repeated
    if differs.any():
        yield Fault(rows[differs], values={"keys": groups(dataset, rows[differs])})


def repeated_row(dataset: Dataset, columns: Columns) -> Iterator[Fault]:
    """Two rows are the same in every column.

    Why: it does no harm, and often tells of a copy that went wrong; the row is kept once.
    Fix: remove the copies.
    Example: a block of rows pasted twice.
    """
    rows, differs = dataset.repeated
    if (~differs).any():
        yield Fault(rows[~differs], values={"keys": groups(dataset, rows[~differs])})


def partial_key(dataset: Dataset, columns: Columns) -> Iterator[Fault]:
    """A row leaves out a part of the key on purpose, for it tells of a whole series or group.

    Why: here attributes are taken with each observation, never by themselves.
    Fix: repeat the attribute in the rows of the observations that it is for, and take this row out.
    Example: `~` in `TIME_PERIOD`, no `OBS_VALUE`, and a `UNIT_MEASURE`.
    """
    for id in dataset.schema.key:
        column = dataset.coded(id)
        if column is not None and column.on_purpose is not None:
            yield Fault(np.flatnonzero(column.on_purpose), id, NOT_APPLICABLE)


def key_differs(dataset: Dataset, columns: Columns) -> Iterator[Fault]:
    """The key that a row gives as a whole is not that of its dimensions.

    Why: the dimensions are taken; where they disagree with the key, one of the two was changed by mistake.
    Fix: correct the dimensions or the key; or leave out the columns `SERIES_KEY` and `OBS_KEY`.
    Example: `SERIES_KEY` = `A.250.F`, and `M` in `SEX`.
    """
    dimensions = (dataset.schema.series_dimensions, dataset.schema.dimensions)
    for name, parts in zip(KEYS, dimensions, strict=True):
        if name not in columns.table.column_names or any(dataset.coded(part.id) is None for part in parts):
            continue
        own = pc.binary_join_element_wise(*(_texts(dataset.columns[part.id]) for part in parts), ".")
        given = columns.table.column(name).cast(pa.utf8()).combine_chunks()
        differs = pc.and_(pc.not_equal(own, given), pc.not_equal(given, ""))
        rows = np.flatnonzero(np.asarray(differs))
        if len(rows):
            yield Fault(rows, name, values={"expected": own[int(rows[0])].as_py()})


def _texts(column: Coded | Numbers) -> pa.Array:
    if isinstance(column, Numbers):
        return column.texts
    codes = np.where(column.codes < 0, len(column.values), column.codes)
    return pa.array((*column.values, ""), pa.utf8()).take(pa.array(codes))


def series_attribute_varies(dataset: Dataset, columns: Columns) -> Iterator[Fault]:
    """An attribute of the series has two values within one series.

    Why: it holds for the whole series: a multiplier or a unit that changes from row to row would be misread.
    Fix: give it the same value in every row of the series.
    Example: `UNIT_MULT` 0 in 2022 and 3 in 2023.
    """
    for component in dataset.schema.series_attributes:
        column = dataset.columns.get(component.id)
        if not isinstance(column, Coded) or len(column.values) + int((column.codes < 0).any()) < 2:
            continue
        series = dataset.series_numbers
        if series is None:
            return
        # a value that is no code is told already; the last serves index -1
        sound = np.array(
            [not component.coded or value in component.codes for value in column.values] + [False]
        )
        known = np.flatnonzero((series >= 0) & sound[column.codes])
        known = known[np.argsort(series[known], kind="stable")]
        own, codes = series[known], column.codes[known]
        varying = each_once(own[1:][(own[1:] == own[:-1]) & (codes[1:] != codes[:-1])])
        if len(varying):
            yield Fault(known[np.isin(own, varying)], component.id, values={"series": len(varying)})


def groups(dataset: Dataset, rows: Indices) -> int:
    """How many keys the rows have."""
    key = dataset.key_numbers
    return 0 if key is None else len(each_once(key[rows]))
