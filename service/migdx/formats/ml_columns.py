"""Observations of SDMX-ML as they become columns: numbered texts, and attributes of what is above them.

Text that stands once for a series is numbered once and repeated by length of run. What holds for a data set
or a group is given to the rows at the end, as groups may follow the series that they are about.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from operator import itemgetter
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..columns import Indices
from .numbered import Codes, Numbered, narrowest

Chunk: TypeAlias = pa.Array
"""utf8, or a dictionary of utf8."""

MANY = 1 << 16
"""How many different texts of a component are numbered; beyond, they are kept as they are."""


@dataclass
class Attached:
    """Values for the rows that have `key`. Without `divided`, `values` holds key and values alike.

    In structure-specific data nothing but the DSD tells the dimensions of a group from its attributes; those
    that every row of the data set has are taken for its key.
    """

    values: Mapping[str, str]
    line: int
    key: Mapping[str, str] = field(default_factory=dict)
    divided: bool = False


@dataclass
class _Column:
    """One component as it grows: chunks of numbers (-1 is missing) or of texts, each with its first row."""

    numbers: Numbered = field(default_factory=Numbered)
    chunks: list[tuple[int, Codes | pa.Array]] = field(default_factory=list)
    texts: bool = False

    def add(self, first: int, chunk: Chunk) -> None:
        if not self.texts:
            if not pa.types.is_dictionary(chunk.type):
                chunk = pc.dictionary_encode(chunk)
            codes = self._renumbered(chunk)
            self.texts = len(self.numbers) > MANY
            self.chunks.append((first, codes))
        else:
            self.chunks.append((first, chunk.cast(pa.utf8())))

    def repeat(self, first: int, texts: Sequence[str], lengths: Indices) -> None:
        """Texts that each stand for as many rows."""
        if self.texts:
            self.chunks.append((first, pa.array(texts, pa.utf8()).take(pa.array(_each(lengths)))))
            return
        self.chunks.append((first, np.repeat(self.numbers.codes(texts), lengths)))
        self.texts = len(self.numbers) > MANY

    def _renumbered(self, chunk: pa.DictionaryArray) -> Codes:
        codes = self.numbers.codes([*chunk.dictionary.to_pylist(), None])  # the last serves index -1
        indices = chunk.indices
        return np.asarray(codes[np.asarray(pc.fill_null(indices, -1) if indices.null_count else indices)])

    def done(self, size: int) -> Codes | pa.ChunkedArray:
        """All rows: their numbers, or their texts when there are too many different ones."""
        if not self.texts:
            codes: Codes = np.full(size, -1, narrowest(len(self.numbers)))
            for first, chunk in self.chunks:
                codes[first : first + len(chunk)] = chunk
            self.chunks.clear()
            return codes
        distinct = pa.array([*self.numbers.numbers, None], pa.utf8())
        texts, last = [], 0
        for first, chunk in self.chunks:
            texts.append(pa.nulls(first - last, pa.utf8()))
            if isinstance(chunk, np.ndarray):
                chunk = distinct.take(pa.array(np.where(chunk < 0, len(self.numbers), chunk)))
            texts.append(chunk)
            last = first + len(chunk)
        self.chunks.clear()
        return pa.chunked_array([*texts, pa.nulls(size - last, pa.utf8())])


def _each(lengths: Indices) -> Indices:
    """For each of so many rows in turn, the number of its length: 0 0 0 1 1 for 3, 2."""
    return np.repeat(np.arange(len(lengths)), lengths)


def _of_each(heads: Sequence[Mapping[str, str]], id: str) -> list[str]:
    try:
        return list(map(itemgetter(id), heads))
    except KeyError:
        return [head.get(id, "") for head in heads]


class Growing:
    """The columns of a message as they grow; `as_texts` are those whose texts are not numbered."""

    def __init__(self, as_texts: Sequence[str] = ("OBS_VALUE",)) -> None:
        self.size = 0
        self._columns = {id: _Column(texts=True) for id in as_texts}
        self._known = set[str]()

    def with_names(self, names: Iterable[str]) -> int:
        """How many components there are together with these."""
        return len(self._known.union(names))

    def add(
        self, rows: Mapping[str, Chunk], size: int, heads: Sequence[Mapping[str, str]], starts: Sequence[int]
    ) -> None:
        """`size` rows with what stands at each, and what stands above: `heads[i]` from row `starts[i]` on."""
        above: dict[str, list[str]] = {}
        for head in heads:
            for id in head:
                if id not in above and id[0] != "{":
                    above[id] = _of_each(heads, id)
        lengths = np.diff([*starts, size])
        for id in dict.fromkeys((*rows, *above)):
            own = rows.get(id)
            column = self._columns.setdefault(id, _Column())
            self._known.add(id)
            if own is None:
                column.repeat(self.size, above[id], lengths)
                continue
            if id in above:  # what an observation says itself comes first
                told = pc.if_else(pc.equal(own, ""), pa.scalar(None, pa.utf8()), own)
                own = pc.coalesce(told, pa.array(above[id], pa.utf8()).take(pa.array(_each(lengths))))
            column.add(self.size, own)
        self.size += size

    def done(self) -> Table:
        columns = {id: self._columns[id].done(self.size) for id in self._columns if id in self._known}
        return Table(self.size, columns, {id: self._columns[id].numbers for id in columns})


class Table:
    """The columns when all rows are there."""

    def __init__(
        self, size: int, columns: dict[str, Codes | pa.ChunkedArray], numbers: dict[str, Numbered]
    ) -> None:
        self._size, self._columns, self._numbers = size, columns, numbers

    def attach(self, rows: slice, attached: Iterable[Attached]) -> Iterator[Attached]:
        """Gives what is attached to the rows of a data set; yields what no row is there for."""
        shapes: dict[tuple[str, ...], list[Attached]] = {}
        full: dict[str, bool] = {}
        for one in attached:
            if not one.divided:
                for id in one.values:
                    if id not in full:
                        full[id] = self._full(id, rows)
                one.key = {id: text for id, text in one.values.items() if full[id]}
                one.values = {id: text for id, text in one.values.items() if not full[id]}
            shapes.setdefault(tuple(sorted(one.key)), []).append(one)
        for key, alike in shapes.items():
            keys = [tuple(one.key[id] for id in key) for one in alike]
            distinct: dict[tuple[str, ...], dict[str, str]] = {}
            for own, one in zip(keys, alike, strict=True):
                values = distinct.setdefault(own, {})
                for id, text in one.values.items():
                    values.setdefault(id, text)
            found = self._places(rows, key, list(distinct))
            for id in dict.fromkeys(chain.from_iterable(distinct.values())):
                self._fill(id, rows, found, [values.get(id, "") for values in distinct.values()])
            there = set(np.unique(found).tolist())
            nowhere = {own for at, own in enumerate(distinct) if at not in there}
            yield from (one for own, one in zip(keys, alike, strict=True) if own in nowhere)

    def done(self) -> pa.Table:
        made = {}
        for id, column in self._columns.items():
            if isinstance(column, np.ndarray):
                column = self._numbers[id].column(column)
            made[id] = column
        return pa.table(made)

    def _full(self, id: str, rows: slice) -> bool:
        """Whether every row of the data set has the component."""
        codes, _ = self._codes(id, rows)
        return len(codes) > 0 and bool((codes >= 0).all())

    def _codes(self, id: str, rows: slice) -> tuple[Codes, dict[str, int]]:
        """Numbers of a component's texts in some rows, and the numbers by text."""
        column = self._columns.get(id)
        if column is None:
            return np.full(rows.stop - rows.start, -1), {}
        if isinstance(column, np.ndarray):
            return column[rows], self._numbers[id].numbers
        encoded = column.slice(rows.start, rows.stop - rows.start).combine_chunks().dictionary_encode()
        numbers = {text: at if text else -1 for at, text in enumerate(encoded.dictionary.to_pylist())}
        codes = np.asarray(pc.fill_null(encoded.indices, -1))
        return np.where(codes == numbers.get("", len(numbers)), -1, codes), numbers

    def _places(self, rows: slice, key: Sequence[str], keys: Sequence[tuple[str, ...]]) -> Indices:
        """For each row the index in `keys` of its texts for `key`, -1 where there is none."""
        size = rows.stop - rows.start
        # both are numbered together, so that equal keys have equal numbers
        total = np.zeros(size + len(keys), np.int64)
        missing = np.zeros(len(total), bool)
        for at, id in enumerate(key):
            codes, numbers = self._codes(id, rows)
            own = [numbers.get(texts[at], -1) for texts in keys]
            both = np.concatenate([codes.astype(np.int64), np.array(own, np.int64)])
            missing |= both < 0
            _, total = np.unique(total * (len(numbers) + 1) + both, return_inverse=True)
        of = np.full(int(total.max(initial=0)) + 1, -1, np.int64)
        wanted = np.flatnonzero(~missing[size:])
        of[total[size:][wanted]] = wanted
        return np.where(missing[:size], -1, of[total[:size]])

    def _fill(self, id: str, rows: slice, found: Indices, texts: Sequence[str]) -> None:
        """Gives a component to the rows that do not say it themselves."""
        column = self._columns.get(id)
        if column is None:
            self._numbers[id] = Numbered()
            column = np.full(self._size, -1, np.int32)
        if not isinstance(column, np.ndarray):
            given = pa.array([*texts, None], pa.utf8()).take(pa.array(np.where(found < 0, len(texts), found)))
            own = column.slice(rows.start, rows.stop - rows.start)
            told = pc.if_else(pc.equal(own, ""), pa.scalar(None, pa.utf8()), own)
            own = pc.coalesce(told, given)
            chunks = (column.slice(0, rows.start).chunks, own.chunks, column.slice(rows.stop).chunks)
            self._columns[id] = pa.chunked_array(chain.from_iterable(chunks), pa.utf8())
            return
        numbers = self._numbers[id]
        codes = numbers.codes([*texts, None])
        if len(numbers) > np.iinfo(column.dtype).max:
            column = column.astype(np.int32)
        part = column[rows]
        part[:] = np.where(part < 0, codes[found], part)
        self._columns[id] = column
