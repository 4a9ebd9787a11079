"""What a revision is as Parquet: sorted, opened, written and read."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..dataset import Coded, coded
from ..durable import Digested
from ..schema import CONFIDENTIALITY, FREE, STATUS, SUPPRESSED, Schema
from .delta import SINCE

ROW_GROUP = 30_000
_SPAN = 1 << 62
INTERNAL = ("_series", "_before", "_after", SINCE)
"""Columns of an open file beside those of `Dataset.table`."""


def in_order(table: pa.Table, schema: Schema) -> tuple[pa.Table, npt.NDArray[np.int32]]:
    """In natural order, with the number of each row's series, and of the rows `_before` and `_after` it
    there.
    """
    ranks = [_ranks(coded(table.column(dimension.id))) for dimension in schema.series_dimensions]
    time = []
    if schema.time:
        time = [table.column("_start").to_numpy(), _ranks(coded(table.column(schema.time.id)))]
    order = _sorted([*ranks, *time])
    new = np.zeros(table.num_rows, bool)
    new[:1] = True
    for rank in ranks:
        new[1:] |= np.diff(rank[order]) != 0
    series = (np.cumsum(new) - 1).astype(np.int32)
    starts = np.flatnonzero(new)
    sizes = np.diff([*starts, table.num_rows])
    before = (np.arange(table.num_rows) - np.repeat(starts, sizes)).astype(np.int32)
    after = (np.repeat(sizes, sizes) - 1 - before).astype(np.int32)
    table = table.take(pa.array(order))
    for name, numbers in zip(("_series", "_before", "_after"), (series, before, after), strict=True):
        table = table.append_column(name, pa.array(numbers))
    return table, series


def _sorted(numbers: Sequence[npt.NDArray[np.int32]]) -> npt.NDArray[np.int64]:
    """The order of rows by several numbers, the first before the others: as one number where all fit in."""
    spans = [int(each.max(initial=0)) - int(each.min(initial=0)) + 1 for each in numbers]
    if prod(spans) > _SPAN:
        return np.lexsort([*reversed(numbers)])
    whole = np.zeros(len(numbers[0]), np.int64)
    for each, span in zip(numbers, spans, strict=True):
        whole = whole * span + (each - each.min(initial=0))
    return np.argsort(whole, kind="stable")  # quick where they are sorted already, as nearly all are sent


def _ranks(column: Coded) -> npt.NDArray[np.int32]:
    """Numbers that sort as the texts do, by code point."""
    ranks = np.empty(len(column.values) + 1, np.int32)
    ranks[sorted(range(len(column.values)), key=column.values.__getitem__)] = np.arange(len(column.values))
    ranks[-1] = -1  # where a missing text points to
    found: npt.NDArray[np.int32] = ranks[column.codes]
    return found


def masked_rows(table: pa.Table) -> npt.NDArray[np.bool_]:
    if CONFIDENTIALITY not in table.column_names:
        return np.zeros(table.num_rows, bool)
    status = coded(table.column(CONFIDENTIALITY))
    closed = np.array([value not in ("", FREE) for value in status.values] + [False])
    found: npt.NDArray[np.bool_] = closed[status.codes]
    return found


def opened(table: pa.Table, schema: Schema, masked: npt.NDArray[np.bool_]) -> pa.Table:
    """The table as the public may see it."""
    if not masked.any():
        return table
    for name in schema.hidden:
        column = table.column(name)
        column = column.cast(pa.utf8()) if pa.types.is_dictionary(column.type) else column
        value = pa.scalar(SUPPRESSED if name == STATUS else None, column.type)
        table = table.set_column(
            table.column_names.index(name), name, pc.if_else(pa.array(masked), value, column)
        )
    return table


def counted(column: Coded, masked: npt.NDArray[np.bool_]) -> dict[str, int]:
    size = len(column.values)
    present = np.bincount(column.codes[column.codes >= 0], minlength=size)
    opened = np.bincount(column.codes[(column.codes >= 0) & ~masked], minlength=size)
    return {value: int(opened[at]) for at, value in enumerate(column.values) if present[at]}


def write(file: BinaryIO | Digested, table: pa.Table) -> None:
    """Text is written as text, piece by piece: a dictionary would carry values that no row has any more."""
    plain = pa.schema(
        [(f.name, pa.utf8() if pa.types.is_dictionary(f.type) else f.type) for f in table.schema]
    )
    with pq.ParquetWriter(file, plain, compression="zstd", version="2.6", store_schema=False) as writer:
        for at in range(0, table.num_rows, ROW_GROUP):
            writer.write_table(table.slice(at, ROW_GROUP).cast(plain))


def read(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """With the types of `Dataset.table`: texts as dictionaries, but not the senders' texts of numbers. Of
    `columns` those that were written.
    """
    with pq.ParquetFile(path) as file:
        texts = [
            f.name
            for f in file.schema_arrow
            if pa.types.is_string(f.type) and not f.name.startswith("_text_")
        ]
        wanted = None if columns is None else [name for name in columns if name in file.schema_arrow.names]
    return pq.read_table(path, columns=wanted, read_dictionary=texts, partitioning=None)
