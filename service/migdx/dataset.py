"""Columns: the text that a reader found, and where. Dataset: the same, bound to a schema and typed.

Work is done on distinct values: every component is a dictionary of texts and an index per row. Only numbers
are never dictionary-encoded; they are float64, with the sender's text kept where the number does not give it
back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from .periods import parse_period
from .report import Finding, Place
from .schema import CONFIDENTIALITY, EMBARGO, FREE, Schema, SchemaComponent

# Arrow's own allocator keeps what it once had; a large file would stay in the memory of every worker
pa.set_memory_pool(pa.system_memory_pool())

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Columns:
    """What a reader hands over.

    `table`: text columns (utf8 or dictionary of utf8), named by component id, one row per record that
    could be read. `rows`: 1-based row of each record in the file. `positions`: 1-based column of each
    component. `structure`: what the file says it is for, as (class, AGENCY:ID(VERSION)) per distinct value;
    `actions`: the distinct action codes. `received`: records in the file, the unreadable ones too.
    `findings`: faults of level 0, places set.
    """

    format: str
    table: pa.Table
    rows: Indices
    positions: Mapping[str, int]
    structure: tuple[tuple[str, str], ...] = ()
    actions: tuple[str, ...] = ()
    received: int = 0
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Coded:
    """A text column: `codes[i]` is the index in `values` of row i's text, -1 where it is empty."""

    values: tuple[str, ...]
    codes: npt.NDArray[np.signedinteger[Any]]

    def text(self, row: int) -> str:
        return self.values[self.codes[row]] if self.codes[row] >= 0 else ""

    def rows_of(self, index: int) -> Indices:
        return np.flatnonzero(self.codes == index)

    def counts(self) -> npt.NDArray[np.int64]:
        """How many rows have each of `values`."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.values))


@dataclass(frozen=True)
class Numbers:
    """A numeric column. `values` is NaN where `texts` is empty, says NaN, or is no number (`bad`)."""

    values: npt.NDArray[np.float64]
    texts: pa.Array
    missing: npt.NDArray[np.bool_]
    bad: npt.NDArray[np.bool_]

    def text(self, row: int) -> str:
        return self.texts[row].as_py() or ""

    def kept_texts(self) -> pa.Array:
        """The sender's text where the number does not give it back (1.10, 1e3), null elsewhere; utf8."""
        given_back = pc.equal(self.texts, number_texts(self.values))
        return pc.if_else(pc.or_(given_back, pa.array(self.missing)), pa.scalar(None, pa.utf8()), self.texts)


@dataclass(frozen=True)
class Dataset:
    """Typed columns by component id; a component that the file does not carry is absent."""

    schema: Schema
    columns: Mapping[str, Coded | Numbers]
    rows: Indices
    positions: Mapping[str, int]

    def __len__(self) -> int:
        return len(self.rows)

    def coded(self, component: str) -> Coded | None:
        column = self.columns.get(component)
        return column if isinstance(column, Coded) else None

    @cached_property
    def key_numbers(self) -> npt.NDArray[np.int64] | None:
        """One integer per row that is equal where the whole key is equal; -1 where a part is missing.

        None when a dimension has no column at all.
        """
        return self._key_numbers(self.schema.key)

    @cached_property
    def series_numbers(self) -> npt.NDArray[np.int64] | None:
        """The same for the series key: all dimensions but time."""
        return self._key_numbers(tuple(d.id for d in self.schema.series_dimensions))

    def _key_numbers(self, ids: Sequence[str]) -> npt.NDArray[np.int64] | None:
        columns = [self.coded(id) for id in ids]
        total = np.zeros(len(self), np.int64)
        missing = np.zeros(len(self), bool)
        span = 1
        for column in columns:
            if column is None:
                return None
            size = max(1, len(column.values))
            if span > (1 << 62) // size:  # would overflow: number what we have so far, densely
                _, total = np.unique(total, return_inverse=True)
                total = total.astype(np.int64)
                span = len(self) + 1
            np.multiply(total, size, out=total)
            np.add(total, column.codes, out=total)
            missing |= column.codes < 0
            span *= size
        total[missing] = -1
        return total

    @cached_property
    def confidential(self) -> npt.NDArray[np.bool_]:
        """Per row, whether CONF_STATUS says anything but F: such values are never echoed."""
        status = self.coded(CONFIDENTIALITY)
        if status is None:
            return np.zeros(len(self), bool)
        free = np.array([value == FREE for value in status.values] + [True])  # the last serves index -1
        return np.asarray(~free[status.codes])

    def key_of(self, row: int) -> str:
        """The series key of a row, empty positions where a part is missing."""
        columns = [self.coded(d.id) for d in self.schema.series_dimensions]
        return ".".join(column.text(row) if column else "" for column in columns)

    def place(self, row: int, component: str = "") -> Place:
        """Where row `row` (index, from 0) stood in the file, with what was given for `component`."""
        time = self.coded(self.schema.time.id) if self.schema.time else None
        column = self.columns.get(component)
        if component in self.schema.masked and self.confidential[row]:
            column = None
        return Place(
            row=int(self.rows[row]),
            column=self.positions.get(component, 0),
            key=self.key_of(row),
            period=time.text(row) if time else "",
            given=column.text(row) if column else None,
        )

    def table(self, keep: Indices | None = None) -> pa.Table:
        """The observations as a segment keeps them; `keep` selects rows. An embargo asked for is left out.

        Columns: dimensions and attributes as utf8 text (dictionary-encoded, null where missing); `_start` and
        `_end`, the days that TIME_PERIOD covers (int32); measures as float64, null where missing, each with
        `_text_<id>`, the sender's text where the number does not give it back.
        """
        columns: dict[str, pa.Array] = {}
        for component in self.schema.components:
            column = None if component.id == EMBARGO else self.columns.get(component.id)
            if isinstance(column, Coded):
                columns[component.id] = _encoded(column)
                if component.role == "time":
                    columns.update(_days(column))
            elif isinstance(column, Numbers) and component.role == "measure":
                columns[component.id] = pa.array(column.values, mask=np.isnan(column.values))
                columns[f"_text_{component.id}"] = column.kept_texts()
            elif isinstance(column, Numbers):
                columns[component.id] = pc.if_else(
                    pa.array(column.missing), None, column.texts
                ).dictionary_encode()
            else:
                columns[component.id] = _absent(component, len(self))
                if component.role == "measure":
                    columns[f"_text_{component.id}"] = pa.nulls(len(self), pa.utf8())
        table = pa.table(columns)
        return table if keep is None else table.take(pa.array(keep))


def _absent(component: SchemaComponent, size: int) -> pa.Array:
    if component.role == "measure":
        return pa.nulls(size, pa.float64())
    return pa.DictionaryArray.from_arrays(pa.nulls(size, pa.int32()), pa.array([], pa.utf8()))


def _encoded(column: Coded) -> pa.Array:
    indices = pa.array(column.codes.astype(np.int32), mask=column.codes < 0)
    return pa.DictionaryArray.from_arrays(indices, pa.array(column.values, pa.utf8()))


def _days(column: Coded) -> dict[str, pa.Array]:
    """First and last day of each row's period, from the distinct texts."""
    periods = [parse_period(text) for text in column.values]
    # the entry past the last serves index -1
    starts = np.array([p.start if p else 0 for p in periods] + [0], np.int32)
    ends = np.array([p.end if p else 0 for p in periods] + [0], np.int32)
    return {"_start": pa.array(starts[column.codes]), "_end": pa.array(ends[column.codes])}


_WHOLE = 1e18


def number_texts(numbers: npt.NDArray[np.float64]) -> pa.Array:
    """The shortest digits that give a number back, no exponent from 1e-15 to 1e18, no `.0`."""
    with np.errstate(invalid="ignore"):
        wholes = numbers.astype(np.int64)
    whole = (wholes == numbers) & (np.abs(numbers) < _WHOLE) & ~((numbers == 0) & np.signbit(numbers))
    if whole.all():
        return pa.array(wholes).cast(pa.utf8())
    fractions = pa.array(numbers[~whole]).cast(pa.utf8())
    exponents = pc.match_substring(fractions, "e")
    if pc.any(exponents).as_py():
        plain = pa.array([_plain(text) for text in fractions.filter(exponents).to_pylist()], pa.utf8())
        fractions = pc.replace_with_mask(fractions, exponents, plain)
    if not whole.any():
        return fractions
    texts = pa.array(np.where(whole, wholes, 0)).cast(pa.utf8())
    return pc.replace_with_mask(texts, pa.array(~whole), fractions)


def _plain(text: str) -> str:
    number = Decimal(text)
    return f"{number:f}" if -16 < number.adjusted() < 18 else text


# --- typing ----------------------------------------------------------------------------------------

_NUMBER = r"\A[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\z"


def typed(columns: Columns, schema: Schema) -> Dataset:
    """Binds what was read to a schema. Columns that it does not know are left out (a check names them)."""
    made: dict[str, Coded | Numbers] = {}
    for component in schema.components:
        if component.id not in columns.table.column_names:
            continue
        column = columns.table.column(component.id)
        made[component.id] = _numbers(column) if component.numeric else coded(column)
    return Dataset(schema, made, columns.rows, columns.positions)


def coded(column: pa.ChunkedArray) -> Coded:
    """A text column as distinct values and indices; empty text and null are missing."""
    if not pa.types.is_dictionary(column.type):
        column = pc.dictionary_encode(column)
    column = column.unify_dictionaries()
    if column.num_chunks == 0:
        return Coded((), np.zeros(0, np.int32))
    values = tuple(value or "" for value in column.chunk(0).dictionary.to_pylist())
    codes = np.concatenate([_indices(chunk) for chunk in column.chunks])
    empty = [at for at, value in enumerate(values) if value == ""]
    for at in empty:
        codes[codes == at] = -1
    return Coded(values, codes)


def _indices(chunk: pa.DictionaryArray) -> npt.NDArray[np.signedinteger[Any]]:
    found = chunk.indices
    if found.null_count:
        found = pc.fill_null(found, -1)
    return np.asarray(found)


def _numbers(column: pa.ChunkedArray) -> Numbers:
    texts = column.cast(pa.utf8()).combine_chunks() if column.num_chunks else pa.array([], pa.utf8())
    try:
        numbers = np.asarray(pc.cast(texts, pa.float64()), np.float64)
    except pa.ArrowInvalid:
        return _mixed(texts)
    if not np.isfinite(numbers).all():
        return _mixed(texts)
    nothing = np.zeros(len(numbers), bool)
    return Numbers(numbers, texts, nothing, nothing)


def _mixed(texts: pa.Array) -> Numbers:
    """Numbers among which some are missing, or are none."""
    texts = pc.utf8_trim_whitespace(texts)
    missing = np.asarray(pc.fill_null(pc.is_in(texts, pa.array(["", "NaN"])), True)) | np.asarray(
        texts.is_null()
    )
    wanted = pc.if_else(pa.array(missing), pa.scalar(None, pa.utf8()), texts)
    bad = ~np.asarray(pc.fill_null(pc.match_substring_regex(wanted, _NUMBER), True))
    values = pc.cast(pc.if_else(pa.array(bad), pa.scalar(None, pa.utf8()), wanted), pa.float64())
    numbers = np.asarray(pc.fill_null(values, np.nan), np.float64)
    too_large = np.isinf(numbers)
    return Numbers(np.where(too_large, np.nan, numbers), texts, missing, bad | too_large)


def observations(table: Iterable[pa.RecordBatch], schema: pa.Schema) -> pa.Table:
    """Record batches gathered; for answers known to be small, and for tests."""
    return pa.Table.from_batches(list(table), schema)
