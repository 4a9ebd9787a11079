"""Stored data as datasets: what the service keeps, beside what a file says, for the rules that compare."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .columns import Columns, Indices, in_columns
from .dataset import Coded, Dataset, Numbers, number_texts, typed
from .schema import Schema


def as_columns(table: pa.Table, schema: Schema) -> Columns:
    """A segment's table as a file would tell it: text, numbers as digits."""
    texts = {}
    for component in schema.components:
        if component.id in table.column_names:
            column = table.column(component.id)
            if pa.types.is_floating(column.type):
                column = _digits(column)
            if not pa.types.is_list(column.type):
                texts[component.id] = column
    positions = {id: at for at, id in enumerate(texts, start=1)}
    rows = np.arange(1, table.num_rows + 1, dtype=np.int64)
    return Columns("stored", pa.table(texts), in_columns(rows, positions), received=table.num_rows)


def as_dataset(table: pa.Table, schema: Schema) -> Dataset:
    """What a store gives, typed; all of its records are stored ones. How a number was spelt is not told."""
    texts = {c.id: table.column(c.id) for c in schema.components if c.id in table.column_names}
    figures = {id: texts.pop(id) for id, column in tuple(texts.items()) if pa.types.is_floating(column.type)}
    positions = {id: at for at, id in enumerate(texts, start=1)}
    places = in_columns(np.arange(1, table.num_rows + 1, dtype=np.int64), positions)
    columns = Columns("stored", pa.table(texts), places, received=table.num_rows)
    dataset = typed(columns, schema)
    numbers = {id: _figures(column) for id, column in figures.items()}
    return replace(dataset, columns={**dataset.columns, **numbers}, stored=table.num_rows)


def _figures(column: pa.ChunkedArray) -> Numbers:
    """Numbers with the digits of those alone that are not whole: the others have no decimals to be told."""
    values = np.asarray(column.to_numpy(), np.float64)
    parted = values % 1 > 0
    texts = pc.replace_with_mask(pa.nulls(len(values), pa.utf8()), parted, number_texts(values[parted]))
    return Numbers(values, texts, np.isnan(values), np.zeros(len(values), bool))


def with_stored(dataset: Dataset, stored: Dataset) -> Dataset:
    """The records of a file, then those stored ones whose key the file does not have."""
    both = _joined(dataset, stored)
    keys = replace(both, step_of=None).key_numbers
    if keys is None:
        return dataset
    own = len(dataset)
    new = np.flatnonzero(~np.isin(keys[own:], keys[:own])) + own
    kept = np.concatenate((np.arange(own), new))
    return replace(_taken(both, kept), stored=len(new))


def _joined(first: Dataset, second: Dataset) -> Dataset:
    columns: dict[str, Coded | Numbers] = {}
    for component in first.schema.components:
        one, two = first.columns.get(component.id), second.columns.get(component.id)
        if one is None and two is None:
            continue
        if component.numeric:
            columns[component.id] = _numbers(one, len(first), two, len(second))
        else:
            columns[component.id] = _texts(one, len(first), two, len(second))
    rows = np.concatenate((first.places.rows, np.zeros(len(second), np.int64)))
    return Dataset(first.schema, columns, replace(first.places, rows=rows), stored=len(second))


def _texts(one: object, size: int, two: object, more: int) -> Coded:
    first = one if isinstance(one, Coded) else Coded((), np.full(size, -1, np.int32))
    second = two if isinstance(two, Coded) else Coded((), np.full(more, -1, np.int32))
    known = {value: at for at, value in enumerate(first.values)}
    moved = np.array([known.setdefault(value, len(known)) for value in second.values] + [-1], np.int32)
    return Coded(tuple(known), np.concatenate((first.codes.astype(np.int32), moved[second.codes])))


def _numbers(one: object, size: int, two: object, more: int) -> Numbers:
    first, second = (
        column if isinstance(column, Numbers) else _no_numbers(length)
        for column, length in ((one, size), (two, more))
    )
    texts = [
        column if isinstance(column, pa.Array) else column.combine_chunks()
        for column in (first.texts, second.texts)
    ]
    return Numbers(
        np.concatenate((first.values, second.values)),
        pa.concat_arrays([text.cast(pa.utf8()) for text in texts]),
        np.concatenate((first.missing, second.missing)),
        np.concatenate((first.bad, second.bad)),
    )


def _no_numbers(size: int) -> Numbers:
    return Numbers(
        np.full(size, np.nan), pa.nulls(size, pa.utf8()), np.ones(size, bool), np.zeros(size, bool)
    )


def _taken(dataset: Dataset, keep: Indices) -> Dataset:
    columns: dict[str, Coded | Numbers] = {}
    for id, column in dataset.columns.items():
        if isinstance(column, Coded):
            columns[id] = Coded(column.values, column.codes[keep])
        else:
            columns[id] = Numbers(
                column.values[keep], column.texts.take(pa.array(keep)), column.missing[keep], column.bad[keep]
            )
    return replace(dataset, columns=columns, places=replace(dataset.places, rows=dataset.places.rows[keep]))


def _digits(column: pa.ChunkedArray) -> pa.ChunkedArray:
    whole = column.combine_chunks()
    spelled = number_texts(np.nan_to_num(whole.to_numpy(zero_copy_only=False)))
    return pa.chunked_array([pc.if_else(whole.is_valid(), spelled, pa.scalar(None, pa.utf8()))])
