"""Fragments: how writers turn columns into bytes without a loop over rows.

Every distinct text of a column is escaped and wrapped once (` SEX="F"`), rows gather the fragments by code,
and one join lays the gathered columns side by side; the data buffer of the joined array is the message.
Columns that change together (a series key) or have few combinations are joined once per stretch or
combination, then gathered as one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ..dataset import number_texts
from ..plan import DataSet

Codes = npt.NDArray[np.int32]
Escape = Callable[[pa.Array], pa.Array]

ROWS = 1 << 16
"""Rows joined at a time: buffers stay in the cache, and memory is bounded however big a batch is."""


@dataclass(frozen=True)
class Column:
    """A text column: row i has `values[codes[i]]`; entry 0 is null and stands for a missing value."""

    codes: Codes
    values: pa.Array

    def slice(self, start: int, stop: int) -> Column:
        return Column(self.codes[start:stop], self.values)


@dataclass(frozen=True)
class Rows:
    """Consecutive rows of a data set: texts by component, (float64, the sender's texts) by measure."""

    size: int
    columns: Mapping[str, Column]
    numbers: Mapping[str, tuple[pa.Array, pa.Array | None]]

    def slice(self, start: int, stop: int) -> Rows:
        if (start, stop) == (0, self.size):
            return self
        length = stop - start
        return Rows(
            length,
            {id: column.slice(start, stop) for id, column in self.columns.items()},
            {
                id: (values.slice(start, length), texts.slice(start, length) if texts is not None else None)
                for id, (values, texts) in self.numbers.items()
            },
        )


def rows_of(dataset: DataSet) -> Iterator[Rows]:
    """The rows of a data set, ROWS at a time; batches without rows are passed over."""
    ids = (*dataset.schema.key, *dataset.attributes)
    for batch in dataset.batches:
        names = set(batch.schema.names)
        columns = {id: encoded(batch.column(id)) for id in ids}
        numbers = {
            id: (batch.column(id), batch.column(f"_text_{id}") if f"_text_{id}" in names else None)
            for id in dataset.measures
        }
        whole = Rows(batch.num_rows, columns, numbers)
        for start in range(0, batch.num_rows, ROWS):
            yield whole.slice(start, min(start + ROWS, batch.num_rows))


def encoded(column: pa.Array) -> Column:
    """A text column by distinct values, whether it comes as text or as a dictionary."""
    if pa.types.is_dictionary(column.type) and (
        column.dictionary.null_count or len(column.dictionary) > max(1024, 2 * len(column))
    ):
        column = column.cast(column.type.value_type)
    if not pa.types.is_dictionary(column.type):
        column = column.cast(pa.utf8()).dictionary_encode()
    codes = column.indices.cast(pa.int32())
    codes = codes.fill_null(-1) if codes.null_count else codes
    values = pa.concat_arrays([pa.nulls(1, pa.utf8()), column.dictionary.cast(pa.utf8())])
    return Column(codes.to_numpy(zero_copy_only=False) + np.int32(1), values)


class Wrapped:
    """The fragments of a component: each distinct text escaped between `before` and `after`, or `missing`.

    Batches mostly bring the same values again: then the fragments of the last one serve.
    """

    def __init__(self, escape: Escape, before: str = "", after: str = "", missing: str = "") -> None:
        self._escape, self._before, self._after, self._missing = escape, before, after, missing
        self._values: pa.Array | None = None
        self._made: pa.Array = pa.nulls(0, pa.utf8())

    def __call__(self, column: Column) -> Part:
        if self._values is None or not (column.values is self._values or column.values.equals(self._values)):
            texts = self._escape(column.values)
            self._made = joined(self._before, texts, self._after, nulls="emit_null").fill_null(self._missing)
            self._values = column.values
        return Part(column.codes, self._made)


@dataclass(frozen=True)
class Part:
    """A column of a message: row i shows `fragments[codes[i]]`."""

    codes: Codes
    fragments: pa.Array

    def at(self, rows: npt.NDArray[np.int64] | None = None) -> pa.Array:
        codes = self.codes if rows is None else self.codes[rows]
        return self.fragments.take(pa.array(codes))


Piece: TypeAlias = "pa.Array | str"


def joined(*pieces: Piece, nulls: str = "replace") -> pa.Array:
    """The pieces side by side, row by row; a null is an empty text, or with emit_null makes the row null."""
    return pc.binary_join_element_wise(*pieces, "", null_handling=nulls, null_replacement="")


def data(texts: pa.Array) -> bytes:
    """The rows of a joined array one after the other: what its data buffer holds."""
    if not len(texts):
        return b""
    offsets = np.frombuffer(texts.buffers()[1], np.int32)[texts.offset : texts.offset + len(texts) + 1]
    return texts.buffers()[2][int(offsets[0]) : int(offsets[-1])].to_pybytes()  # type: ignore[no-any-return]


def changes_of(columns: Sequence[Codes], size: int) -> npt.NDArray[np.bool_]:
    """The first row, and every row where one of the columns differs from the row before."""
    changes = np.zeros(size, bool)
    changes[:1] = True
    for codes in columns:
        changes[1:] |= codes[1:] != codes[:-1]
    return changes


def gathered(parts: Sequence[Part], size: int) -> list[pa.Array]:
    """Texts per row that, joined, show the parts side by side: as few arrays as their values allow."""
    if len(parts) < 2:
        return [part.at() for part in parts]
    starts = np.flatnonzero(changes_of([part.codes for part in parts], size))
    if len(starts) * 4 <= size:
        numbers = np.zeros(size, np.int32)
        numbers[starts[1:]] = 1
        stretches = joined(*(part.at(starts) for part in parts))
        return [stretches.take(pa.array(np.cumsum(numbers, dtype=np.int32)))]
    packs: list[list[Part]] = []
    combinations = 0
    for part in parts:
        combinations *= len(part.fragments)
        if packs and combinations <= max(1024, size // 8):
            packs[-1].append(part)
        else:
            packs.append([part])
            combinations = len(part.fragments)
    return [_combined(pack).at() for pack in packs]


def _combined(pack: Sequence[Part]) -> Part:
    """Several parts as one, with a fragment for every combination that occurs."""
    if len(pack) == 1:
        return pack[0]
    codes = pack[0].codes.astype(np.int32)
    span = len(pack[0].fragments)
    for part in pack[1:]:
        codes = codes * np.int32(len(part.fragments)) + part.codes
        span *= len(part.fragments)
    a_row = np.full(span, -1, np.int64)
    a_row[codes] = np.arange(len(codes))
    present = np.flatnonzero(a_row >= 0)
    number = np.zeros(span, np.int32)
    number[present] = np.arange(len(present), dtype=np.int32)
    return Part(number[codes], joined(*(part.at(a_row[present]) for part in pack)))


def escaped(texts: pa.Array, special: str, escape: Callable[[str], str]) -> pa.Array:
    """`escape` on those of the distinct `texts` that match `special`; mostly none does."""
    found = pc.fill_null(pc.match_substring_regex(texts, special), False)
    if not pc.any(found).as_py():
        return texts
    made = pa.array([escape(text) for text in texts.filter(found).to_pylist()], pa.utf8())
    return pc.replace_with_mask(texts, found, made)


# --- numbers ---------------------------------------------------------------------------------------------


def measured(values: pa.Array, texts: pa.Array | None, escape: Escape) -> pa.Array:
    """A measure as text, null where missing: the sender's text where it is kept (1.10), else `number_texts`.

    A kept text never shows without its number: where a value was emptied, its text is no way around.
    """
    numbers = values.to_numpy(zero_copy_only=False)
    finite = np.isfinite(numbers)
    if not finite.all():
        numbers = np.where(finite, numbers, 0.0)
    shown = number_texts(numbers)
    if texts is not None and texts.null_count < len(texts):
        shown = pc.coalesce(escape(texts), shown)
    return shown if finite.all() else pc.if_else(pa.array(finite), shown, pa.scalar(None, pa.utf8()))
