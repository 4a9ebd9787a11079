"""Counting what a plan finds: observations by code, and series, of rows or of series with their periods."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ..columns import Flags, Indices
from ..periods import parse_period
from ..plan import Availability
from ..schema import Schema
from . import Segment
from .pack import BITS

AT_ONCE = 1 << 17
"""Rows, about, that are counted together."""


class Tally:
    """Adds up what it is shown, in any order, but rows in the order of segments and series."""

    def __init__(self, schema: Schema) -> None:
        self._key, self._time = schema.key, schema.time.id if schema.time else ""
        self._codes: dict[str, dict[str, int]] = {id: {} for id in schema.key}
        self._series = 0
        self._last = (-1, -1)
        self._waiting: list[tuple[pa.RecordBatch, Indices]] = []

    def segment(self, segment: Segment) -> None:
        """All that is open of a segment."""
        self._series += segment.series
        for id, found in segment.codes.items():
            self._add(id, found)

    def rows(self, places: Indices, batch: pa.RecordBatch) -> None:
        """Rows as `duck.keys` gives them, and the place of the segment of each."""
        free = batch.column("_free")
        if not free.true_count:
            return
        if free.true_count < len(free):
            batch, places = batch.filter(free), places[_flags(free)]
        numbers = batch.column("_series").to_numpy()
        new = (np.diff(places, prepend=self._last[0]) != 0) | (np.diff(numbers, prepend=self._last[1]) != 0)
        self._series += int(new.sum())
        self._last = int(places[-1]), int(numbers[-1])
        self._columns(batch, np.ones(len(places), np.int64))

    def series(self, batch: pa.RecordBatch, periods: Mapping[str, bool]) -> None:
        """Series as `pack.series` gives them; `periods` as their sets number them: whether each counts."""
        sets = [name for name in batch.schema.names if name not in self._key]
        numbers = np.ones(batch.num_rows, np.int64)
        if sets:
            held = np.stack([batch.column(name).to_numpy() for name in sets], axis=1)
            bits = _bits(held, periods)
            numbers = bits.sum(axis=1, dtype=np.int64)
            told = zip(periods, bits.sum(axis=0, dtype=np.int64).tolist(), strict=True)
            self._add(self._time, dict(told))
        self._series += int(np.count_nonzero(numbers))
        self._columns(batch, numbers)

    def found(self) -> Availability:
        """What was counted, codes of which nothing is open left out."""
        self._counted()
        time = self._codes.get(self._time, {})
        periods = [period for text in time if (period := parse_period(text))]
        return Availability(
            self._codes,
            self._series,
            observations=sum(self._codes[self._key[0]].values()),
            start=min((period.start for period in periods), default=None),
            end=max((period.end for period in periods), default=None),
        )

    def _columns(self, batch: pa.RecordBatch, numbers: Indices) -> None:
        """The codes of rows, each so many times; many batches are counted together."""
        alike = not self._waiting or self._waiting[-1][0].schema.equals(batch.schema)
        if not alike or sum(map(len, (one for _, one in self._waiting))) >= AT_ONCE:
            self._counted()
        self._waiting.append((batch, numbers))

    def _counted(self) -> None:
        if not self._waiting:
            return
        table = pa.Table.from_batches([batch for batch, _ in self._waiting])
        numbers = np.concatenate([one for _, one in self._waiting])
        self._waiting = []
        for id in table.column_names:
            if id in self._codes:
                column = table.column(id)
                texts = not pa.types.is_dictionary(column.type)
                coded = column.dictionary_encode() if texts else column.unify_dictionaries()
                codes = np.concatenate([chunk.indices.to_numpy() for chunk in coded.chunks])
                known = coded.chunk(0).dictionary.to_pylist()
                counts = np.bincount(codes, numbers, len(known)).astype(np.int64).tolist()
                self._add(id, dict(zip(known, counts, strict=True)))

    def _add(self, id: str, found: Mapping[str, int]) -> None:
        total = self._codes[id]
        for code, number in found.items():
            if number:
                total[code] = total.get(code, 0) + number


def _bits(sets: npt.NDArray[np.uint64], periods: Mapping[str, bool]) -> npt.NDArray[np.uint8]:
    """Per series and period 1 where it has it and it is asked for."""
    octets = np.ascontiguousarray(sets, "<u8").view(np.uint8)
    bits = np.unpackbits(octets, axis=1, bitorder="little").reshape(len(sets), -1, 64)[:, :, :BITS]
    found = bits.reshape(len(sets), -1)[:, : len(periods)]
    asked = np.array(list(periods.values()), np.uint8)
    return found if asked.all() else found * asked


def _flags(column: pa.BooleanArray) -> Flags:
    return np.asarray(column.to_numpy(zero_copy_only=False), np.bool_)
