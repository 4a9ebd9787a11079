"""Cells: the observations of a dataset as cells of a cube, for the rules that compare some with others.

One number per row stands for a key or a part of it; a pivot turns one dimension into the rows of a matrix, so
that a rule adds up columns of numbers, never one observation after another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ..columns import Flags, Indices
from ..dataset import Coded, Dataset, Numbers
from ..rules import Scale
from ..schema import STATUS
from ..stored import with_stored

Floats = npt.NDArray[np.float64]
NONE = -1

_ROOMY = 8
"""A matrix may have this many places for each of the rows; sparser ones are not made."""


@dataclass(frozen=True)
class Groups:
    """`of[i]` is the number of row i's group, from 0 up to `count`; rows with equal parts share one."""

    of: npt.NDArray[np.int64]
    count: int


class Cells:
    """The sound rows of a dataset (all of them where `sound` is None) by their keys.

    `values` are the figures in units (UNIT_MULT applied), NaN where there is none or the row is not sound.
    Of rows with one key the last counts. Rows from `own` on are stored ones, not the file's.
    """

    def __init__(self, dataset: Dataset, scale: Scale, sound: Flags | None = None) -> None:
        self.dataset, self.scale = dataset, scale
        self.sound = np.ones(len(dataset), bool) if sound is None else sound
        self.own = len(dataset) - dataset.stored
        self._groups: dict[tuple[str, ...], Groups] = {}
        self._pivots: dict[str, npt.NDArray[np.int32] | None] = {}
        self._beside: Cells | None = None

    def __len__(self) -> int:
        return len(self.dataset)

    def beside(self, stored: Dataset | None) -> Cells:
        """These cells and the stored ones whose key the file does not have; these alone without any."""
        if stored is None or not len(stored):
            return self
        if self._beside is None:
            both = with_stored(self.dataset, stored)
            sound = np.concatenate((self.sound, np.ones(len(both) - len(self), bool)))
            self._beside = Cells(both, self.scale, sound)
        return self._beside

    # --- one component --------------------------------------------------------------------------------

    def coded(self, id: str) -> Coded:
        """A text component; one that the file does not carry is empty in every row."""
        return self.dataset.coded(id) or Coded((), np.full(len(self), NONE, np.int32))

    def is_one_of(self, id: str, codes: Sequence[str]) -> Flags:
        """Rows whose value is one of `codes`; "" is one that is empty."""
        column = self.coded(id)
        flags = np.array([value in codes for value in column.values] + ["" in codes])  # the last serves -1
        return np.asarray(flags[column.codes])

    def chosen(self, where: Mapping[str, Sequence[str]]) -> Flags:
        """The sound rows that a rule is for (Rule.where)."""
        flags = self.sound.copy()
        for id, codes in where.items():
            flags &= self.is_one_of(id, codes)
        return flags

    def number(self, id: str) -> Floats:
        """A numeric component as it was sent, NaN where it is missing or cannot be read."""
        column = self.dataset.columns.get(id)
        return column.values if isinstance(column, Numbers) else np.full(len(self), np.nan)

    @cached_property
    def measure(self) -> str:
        return self.dataset.schema.measures[0].id

    @cached_property
    def factor(self) -> Floats | float:
        """What a figure is multiplied by to be in units: 10 to the power of its multiplier."""
        column = self.dataset.coded(self.scale.multiplier)
        if column is None or all(value in ("", "0") for value in column.values):
            return 1.0
        powers = [10.0 ** int(value) if value.lstrip("-").isdigit() else np.nan for value in column.values]
        return np.asarray(np.array([*powers, 1.0])[column.codes])

    @cached_property
    def values(self) -> Floats:
        found = self.number(self.measure) * self.factor
        return found if self.sound.all() else np.where(self.sound, found, np.nan)

    @cached_property
    def given(self) -> Flags:
        """Rows with a figure."""
        return ~np.isnan(self.values)

    @cached_property
    def confidential(self) -> Flags:
        """Rows whose figure is never echoed, nor a sum with which it could be found."""
        return self.dataset.confidential

    def status(self, *codes: str) -> Flags:
        """Rows whose OBS_STATUS is one of `codes`."""
        return self.is_one_of(STATUS, codes)

    # --- several components ---------------------------------------------------------------------------

    def groups(self, ids: Sequence[str]) -> Groups:
        """Rows with equal values in all of `ids`. Rows that lack one form groups of their own."""
        key = tuple(ids)
        if key not in self._groups:
            self._groups[key] = self._grouped(key)
        return self._groups[key]

    def without(self, *ids: str) -> Groups:
        """Rows whose keys agree in all but `ids`."""
        return self.groups([id for id in self.dataset.schema.key if id not in ids])

    def _grouped(self, ids: Sequence[str]) -> Groups:
        total = np.zeros(len(self), np.int64)
        span = 1
        for id in ids:
            column = self.coded(id)
            size = len(column.values) + 1
            if size == 2 and not (column.codes < 0).any():
                continue  # one value in every row tells nothing apart
            if span > (1 << 62) // size:
                total, span = _dense(total)
            total *= size
            total += column.codes
            total += 1
            span *= size
        if span > _ROOMY * len(self) + 1024:
            total, span = _dense(total)
        return Groups(total, max(span, 1))

    def pivot(self, id: str) -> npt.NDArray[np.int32] | None:
        """A matrix [code of `id`, group of the other dimensions] of row numbers, NONE where there is none.

        Codes are in the order of `coded(id).values`; groups are those of `without(id)`. None where the matrix
        would be mostly empty: then `without(id)` and the codes are to be joined instead.
        """
        if id not in self._pivots:
            column, groups = self.coded(id), self.without(id)
            size = len(column.values)
            if size * groups.count > _ROOMY * len(self) + 1024:
                self._pivots[id] = None
            else:
                matrix = np.full((size, groups.count), NONE, np.int32)
                rows = np.flatnonzero(self.sound & (column.codes >= 0))
                matrix[column.codes[rows], groups.of[rows]] = rows
                self._pivots[id] = matrix
        return self._pivots[id]

    def values_at(self, rows: npt.NDArray[Any]) -> Floats:
        """The figures of rows, NaN where a row is NONE."""
        return np.asarray(np.append(self.values, np.nan)[rows])

    # --- how a figure is shown ------------------------------------------------------------------------

    def shown(self, row: int, figure: float) -> str:
        """A figure in the row's own scale, as text, "" where it may not be shown."""
        if self.confidential[row] or np.isnan(figure):
            return ""
        factor = self.factor if isinstance(self.factor, float) else float(self.factor[row])
        return f"{figure / factor:.12g}"


def _dense(numbers: Indices) -> tuple[npt.NDArray[np.int64], int]:
    """The same groups numbered without gaps."""
    encoded = pc.dictionary_encode(pa.array(numbers))
    return np.asarray(encoded.indices).astype(np.int64), len(encoded.dictionary)
