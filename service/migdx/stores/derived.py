"""Derived segments: a revision without the keys that others take of it, for every store the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from ..columns import Flags, each_once
from ..dataset import coded
from ..fold import same_keys
from ..precedence import Decided, Where
from ..schema import CONFIDENTIALITY, Schema
from . import Segment, Taken
from .parquet import INTERNAL, counted, in_order, masked_rows


def name_of(segment: Segment, taken: Sequence[Taken]) -> str:
    """The name of what is left of a segment: the same for the same things taken, in whatever order."""
    told = sorted(orjson.dumps([one.by.name, one.where, one.closed]) for one in taken)
    return f"derived/{hashlib.sha256(b'|'.join([segment.name.encode(), *told])).hexdigest()}"


def key_columns(schema: Schema) -> list[str]:
    """The columns by which keys are compared, and what says whether an observation is masked."""
    more = [CONFIDENTIALITY] if CONFIDENTIALITY in schema.by_id else []
    return [*schema.key, *more]


def left(own: pa.Table, others: Iterator[tuple[Taken, pa.Table]], schema: Schema) -> Flags:
    """Per row of `own`, whether no other takes it; the tables have the `key_columns` that were written."""
    kept = np.ones(own.num_rows, bool)
    for taken, table in others:
        theirs = table.filter(pa.array(masked_rows(table))) if taken.closed else table
        rows = np.flatnonzero(won(own, taken.where) & kept)
        if len(rows) and theirs.num_rows:
            kept[rows] = ~same_keys(own.take(pa.array(rows)), theirs, schema)
    return kept


def won(table: pa.Table, decided: Decided) -> Flags:
    """Per row, whether the other party goes before."""
    flags = np.zeros(table.num_rows, bool)
    undecided = np.ones(table.num_rows, bool)
    for where, wins in decided:
        here = undecided & _has(table, where)
        flags |= here & wins
        undecided &= ~here
    return flags


def _has(table: pa.Table, where: Where) -> Flags:
    """Per row, whether its key has the codes named of each dimension."""
    flags = np.ones(table.num_rows, bool)
    for id, codes in where:
        column = coded(table.column(id))
        flags &= np.array([value in codes for value in column.values] + [False])[column.codes]
    return flags


def rest(table: pa.Table, segment: Segment, name: str, schema: Schema) -> tuple[pa.Table, Segment]:
    """What is left of a segment's open table, as it is written, and what is known of it."""
    table = table.drop_columns([one for one in INTERNAL if one in table.column_names])
    table, series = in_order(table, schema)
    masked = masked_rows(table)
    return table, Segment(
        name,
        segment.dataflow,
        segment.agreement,
        segment.revision,
        observations=table.num_rows,
        series=len(each_once(series[~masked])),
        codes={id: counted(coded(table.column(id)), masked) for id in schema.key},
        start=pc.min(table.column("_start")).as_py() if schema.time else None,
        end=pc.max(table.column("_end")).as_py() if schema.time else None,
        columns=segment.columns,
        of=segment.name,
    )
