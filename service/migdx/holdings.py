"""Holdings: what stored data hold, and whether a schema would take them, read when somebody asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from . import checks
from .columns import Columns, in_columns
from .dataset import number_texts, typed
from .exchange import Exchange
from .impact import Recheck, Values
from .schema import Schema
from .stores import Segment


def held(exchange: Exchange) -> Values:
    """The values of attributes that an exchange keeps, read from its segments when they are asked for."""

    def counted(segment: Segment, component: str) -> Mapping[str, int]:
        return _counted(exchange.store.read(segment), component)

    return counted


def _counted(table: pa.Table, component: str) -> Mapping[str, int]:
    """The values of a column; of one with several values in a cell, each."""
    if component not in table.column_names:
        return {}
    column = table.column(component)
    if pa.types.is_list(column.type):
        column = pc.list_flatten(column)
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    found = pc.value_counts(column).to_pylist()
    return Counter({str(one["values"]): one["counts"] for one in found if one["values"] not in (None, "")})


def not_accepted(exchange: Exchange) -> Recheck:
    """What is wrong with data by one schema that was right by another: (check, component), in order."""

    def asked(segment: Segment, was: Schema, now: Schema) -> list[tuple[str, str]]:
        table = exchange.store.read(segment)
        known = {*_faults(table, was)}
        return [fault for fault in _faults(table, now) if fault not in known]

    return asked


def _faults(table: pa.Table, schema: Schema) -> dict[tuple[str, str], None]:
    found, _ = checks.run(typed(columns := _columns(table, schema), schema), columns)
    return dict.fromkeys((one.code, one.component) for one in found if one.blocking)


def _columns(table: pa.Table, schema: Schema) -> Columns:
    """The table as a file would tell it: text, numbers as they were sent."""
    texts = {}
    for component in schema.components:
        if component.id in table.column_names:
            column = table.column(component.id)
            if pa.types.is_floating(column.type):
                column = _numbers(column)
            if not pa.types.is_list(column.type):
                texts[component.id] = column
    positions = {id: at for at, id in enumerate(texts, start=1)}
    rows = np.arange(1, table.num_rows + 1, dtype=np.int64)
    return Columns("stored", pa.table(texts), in_columns(rows, positions), received=table.num_rows)


def _numbers(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Their digits."""
    whole = column.combine_chunks()
    spelled = number_texts(np.nan_to_num(whole.to_numpy(zero_copy_only=False)))
    found = pc.if_else(whole.is_valid(), spelled, pa.scalar(None, pa.utf8()))
    return pa.chunked_array([found])
