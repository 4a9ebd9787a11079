"""Dataset: columns bound to a schema and typed.

Work is done on distinct values: every component is a dictionary of texts and an index per row. Only numbers
are never dictionary-encoded; they are float64, with the sender's text kept where the number does not give it
back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from .columns import Columns, Flags, Indices, Places
from .periods import parse_period
from .report import Place
from .schema import BY_SERVICE, CONFIDENTIALITY, EMBARGO, FOOTNOTE, FREE, TEMPORAL, Schema, SchemaComponent

NOT_APPLICABLE = "~"
"""A dimension that does not matter: the row is for the attributes of part of a key (SDMX-CSV 2.0)."""

ON_PURPOSE = ("NaN", "#N/A")
"""A value that is missing, and meant to be: of a number, of anything else (SDMX-CSV 2.0)."""

MEANT = "_meant_"
"""Before the id of a component: the flags of rows of which it is missing, and meant to be."""


@dataclass(frozen=True)
class Coded:
    """A text column: `codes[i]` is the index in `values` of row i's text, -1 where it is missing.

    `on_purpose`: rows that say so; `trimmed`: rows of which blanks around the text were left out; None where
    there are none. `separator`: what stands between several values in one text, "" where there are no such;
    they are looked up one by one, and kept and written as the one text that was sent.
    """

    values: tuple[str, ...]
    codes: npt.NDArray[np.signedinteger[Any]]
    on_purpose: Flags | None = None
    trimmed: Indices | None = None
    separator: str = ""

    @property
    def empty(self) -> Flags:
        """Rows that say nothing."""
        missing: Flags = self.codes < 0
        return missing if self.on_purpose is None else missing & ~self.on_purpose

    @property
    def meant(self) -> Flags:
        """Rows of which it is missing on purpose."""
        return np.zeros(len(self.codes), bool) if self.on_purpose is None else self.on_purpose

    def parts(self, value: str) -> list[str]:
        """The single values of one of `values`."""
        return value.split(self.separator) if self.separator else [value]

    def text(self, row: int) -> str:
        return self.values[self.codes[row]] if self.codes[row] >= 0 else ""

    def rows_of(self, index: int) -> Indices:
        return np.flatnonzero(self.codes == index)

    def counts(self) -> npt.NDArray[np.int64]:
        """How many rows have each of `values`."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.values))


_FEW = 8
"""So many places for each row are looked through sooner than rows are sorted."""

_GROUPS = r"\A\s*[+-]?[1-9][0-9]{0,2}(\.[0-9]{3})+\s*\z"
_FIRST = 100
"""Texts that are looked at before all are: most columns are told by them."""


@dataclass(frozen=True)
class Numbers:
    """A numeric column. `values` is NaN where `texts` is empty, says NaN, or is no number (`bad`)."""

    values: npt.NDArray[np.float64]
    texts: pa.Array
    missing: Flags
    bad: Flags

    @property
    def empty(self) -> Flags:
        """Rows that say nothing, not even that the number is missing on purpose."""
        if not self.missing.any():
            return self.missing
        nothing: Flags = np.asarray(pc.fill_null(pc.equal(self.texts, ""), True))
        return self.missing & nothing

    @property
    def meant(self) -> Flags:
        """Rows of which it is missing on purpose."""
        return self.missing & ~self.empty

    def text(self, row: int) -> str:
        return self.texts[row].as_py() or ""

    @cached_property
    def grouped(self) -> Flags:
        """The numbers with a point, if all of them have three digits behind each: they may be thousands."""
        with_point = pc.fill_null(pc.match_substring(self.texts, "."), fill_value=False)
        texts = self.texts.filter(with_point)
        for some in (texts[:_FIRST], texts):
            if not pc.all(pc.match_substring_regex(some, _GROUPS)).as_py():
                return np.zeros(len(self.texts), bool)
        return np.asarray(with_point)

    def kept_texts(self) -> pa.Array:
        """The sender's text where the number does not give it back (1.10, 1e3), null elsewhere; utf8."""
        given_back = pc.equal(self.texts, number_texts(self.values))
        return pc.if_else(pc.or_(given_back, pa.array(self.missing)), pa.scalar(None, pa.utf8()), self.texts)


@dataclass(frozen=True)
class Dataset:
    """Typed columns by component id; a component that the file does not carry is absent.

    `step_of` tells which of several actions each record is under: a key may be there once in each.
    The last `stored` records are not of the file but of what the service keeps already (`with_stored`).
    """

    schema: Schema
    columns: Mapping[str, Coded | Numbers]
    places: Places
    step_of: Indices | None = None
    stored: int = 0

    def __len__(self) -> int:
        return len(self.places)

    def coded(self, component: str) -> Coded | None:
        column = self.columns.get(component)
        return column if isinstance(column, Coded) else None

    @cached_property
    def key_numbers(self) -> npt.NDArray[np.int64] | None:
        """One integer per row, equal where the action and the whole key are; -1 where a part is missing.

        None when a dimension has no column at all.
        """
        return self._key_numbers(self.schema.key, self.step_of)

    @cached_property
    def repeated(self) -> tuple[Indices, Flags]:
        """(rows whose key occurs more than once, whether their contents differ), neighbours share a key."""
        key = self.key_numbers
        nothing = np.zeros(0, np.int64), np.zeros(0, bool)
        if key is None:
            return nothing
        if (key[1:] > key[:-1]).all():  # most files are sorted
            return nothing
        last = int(key.max(initial=0))
        if last < _FEW * len(key):
            seen = np.zeros(last + 2, bool)  # the last serves -1
            seen[key] = True
            if np.count_nonzero(seen) == len(key):
                return nothing
        order = np.argsort(key, kind="stable")
        ordered = key[order]
        same = (ordered[1:] == ordered[:-1]) & (ordered[1:] >= 0)
        del ordered
        if not same.any():
            return nothing
        rows = order[np.append(False, same) | np.append(same, False)]
        groups = np.cumsum(np.concatenate(([True], key[rows][1:] != key[rows][:-1]))) - 1
        differs = np.zeros(groups[-1] + 1, bool)
        for component in self.schema.components:
            column = self.columns.get(component.id)
            if column is None or component.id in self.schema.key:
                continue
            values = (
                column.codes[rows]
                if isinstance(column, Coded)
                else np.nan_to_num(column.values[rows], nan=-1e308)
            )
            changed = (values[1:] != values[:-1]) & (groups[1:] == groups[:-1])
            differs[groups[1:][changed]] = True
        return rows, differs[groups]

    @cached_property
    def series_numbers(self) -> npt.NDArray[np.int64] | None:
        """The same for the series key: all dimensions but time."""
        return self._key_numbers(tuple(d.id for d in self.schema.series_dimensions))

    def _key_numbers(
        self, ids: Sequence[str], step_of: Indices | None = None
    ) -> npt.NDArray[np.int64] | None:
        columns = [self.coded(id) for id in ids]
        total = np.zeros(len(self), np.int64) if step_of is None else step_of.copy()
        missing = np.zeros(len(self), bool)
        span = int(total.max(initial=0)) + 1
        for column in columns:
            if column is None:
                return None
            size = max(1, len(column.values))
            lacks = column.codes < 0
            if size == 1 and not lacks.any():
                continue  # one value in every row tells nothing apart
            if span > (1 << 62) // size:  # would overflow: number what we have so far, densely
                _, total = np.unique(total, return_inverse=True)
                total = total.astype(np.int64)
                span = len(self) + 1
            np.multiply(total, size, out=total)
            np.add(total, column.codes, out=total)
            missing |= lacks
            span *= size
        total[missing] = -1
        return total

    @cached_property
    def confidential(self) -> Flags:
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
        """Where record `row` (from 0) stood in the file, with what was given for `component`."""
        time = self.coded(self.schema.time.id) if self.schema.time else None
        column = self.columns.get(component)
        if component in self.schema.masked and self.confidential[row]:
            column = None
        found = Place() if row >= len(self) - self.stored else self.places.of(row, component)
        return replace(
            found,
            key=self.key_of(row),
            period=time.text(row) if time else "",
            given=column.text(row) if column else None,
        )

    def table(self, keep: Indices | None = None, footnotes: Coded | None = None) -> pa.Table:
        """The observations as a segment keeps them; `keep` selects rows. An embargo asked for is left out;
        `footnotes` take the place of those that were sent, and of those that were there before.

        Columns: dimensions and attributes as utf8 text (dictionary-encoded, null where missing); `_start` and
        `_end`, the days that TIME_PERIOD covers (int32); measures as float64, null where missing, each with
        `_text_<id>`, the sender's text where the number does not give it back. Beside what a segment keeps,
        for folding: MEANT and id of components that are missing on purpose somewhere.
        """
        columns: dict[str, pa.Array] = {}
        for component in self.schema.components:
            column = None if component.id in (EMBARGO, *BY_SERVICE) else self.columns.get(component.id)
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
            if column is not None and component.role in ("measure", "attribute"):
                meant = column.meant
                columns |= {MEANT + component.id: pa.array(meant)} if meant.any() else {}
        if FOOTNOTE in columns:
            columns[FOOTNOTE] = _encoded(footnotes) if footnotes else columns[FOOTNOTE]
            columns[MEANT + FOOTNOTE] = pa.array(np.ones(len(self), bool))
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
_DECIMAL_COMMA = r"\A(\s*[+-]?\d*),(\d+([eE][+-]?\d+)?\s*)\z"


def typed(columns: Columns, schema: Schema) -> Dataset:
    """Binds what was read to a schema. Columns that it does not know are left out (a check names them)."""
    made: dict[str, Coded | Numbers] = {}
    for component in schema.components:
        if component.id not in columns.table.column_names:
            continue
        column = columns.table.column(component.id)
        if component.numeric:
            made[component.id] = _numbers(column, columns.decimal)
        else:
            made[component.id] = _texts(column, component, columns.several.get(component.id, ""))
    return Dataset(schema, made, columns.places)


def coded(column: pa.ChunkedArray) -> Coded:
    """A text column as distinct values and indices; empty text and null are missing."""
    if not pa.types.is_dictionary(column.type):
        column = pc.dictionary_encode(column)
    column = column.unify_dictionaries()
    if column.num_chunks == 0:
        return Coded((), np.zeros(0, np.int32))
    values = tuple(value or "" for value in column.chunk(0).dictionary.to_pylist())
    chunks = [_indices(chunk) for chunk in column.chunks]
    codes = chunks[0] if len(chunks) == 1 else np.concatenate(chunks)
    for at, value in enumerate(values):
        if value == "":
            codes = np.where(codes == at, -1, codes)
    return Coded(values, codes)


def _indices(chunk: pa.DictionaryArray) -> npt.NDArray[np.signedinteger[Any]]:
    found = chunk.indices
    if found.null_count:
        found = pc.fill_null(found, -1)
    return np.asarray(found)


def _texts(column: pa.ChunkedArray, component: SchemaComponent, separator: str) -> Coded:
    """What is no number; free text keeps the blanks around it, for they are part of it (RFC 4180)."""
    found = coded(column)
    in_key = component.role in ("dimension", "time")
    if in_key or component.coded or component.text_type in TEMPORAL:
        found = _trimmed(found)
    said = NOT_APPLICABLE if in_key else ON_PURPOSE[1]
    if said in found.values:
        on_purpose = found.codes == found.values.index(said)
        found = replace(found, codes=np.where(on_purpose, -1, found.codes), on_purpose=on_purpose)
    if separator and component.max_occurs not in ("", "1"):
        found = replace(found, separator=separator)
    return found


def _trimmed(column: Coded) -> Coded:
    changed = [at for at, value in enumerate(column.values) if value != value.strip()]
    if not changed:
        return column
    numbers: dict[str, int] = {}
    own = [numbers.setdefault(value.strip(), len(numbers)) for value in column.values]
    if "" in numbers:
        own = [-1 if at == numbers[""] else at for at in own]
    codes = np.array([*own, -1], np.int32)[column.codes]  # the last serves index -1
    return Coded(tuple(numbers), codes, trimmed=np.flatnonzero(np.isin(column.codes, changed)))


def _numbers(column: pa.ChunkedArray, decimal: str) -> Numbers:
    texts = column.cast(pa.utf8()).combine_chunks() if column.num_chunks else pa.array([], pa.utf8())
    if decimal == ",":
        texts = pc.replace_substring_regex(texts, _DECIMAL_COMMA, r"\1.\2")
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
    missing = np.asarray(pc.is_in(texts, pa.array(["", None, *ON_PURPOSE], pa.utf8())))
    wanted = pc.if_else(pa.array(missing), pa.scalar(None, pa.utf8()), texts)
    bad = ~np.asarray(pc.fill_null(pc.match_substring_regex(wanted, _NUMBER), True))
    values = pc.cast(pc.if_else(pa.array(bad), pa.scalar(None, pa.utf8()), wanted), pa.float64())
    numbers = np.asarray(pc.fill_null(values, np.nan), np.float64)
    too_large = np.isinf(numbers)
    return Numbers(np.where(too_large, np.nan, numbers), texts, missing, bad | too_large)
