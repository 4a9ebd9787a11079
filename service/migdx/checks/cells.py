"""Cells: the observations of a dataset as cells of a cube, for the rules that compare some with others.

One number per row stands for a key or a part of it; an axis finds the cells along one dimension, so that a
rule adds up columns of numbers, never one observation after another.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
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
from .cube import NONE, ROOMY, Axis, Block, Floats, SortedAxis, counting
from .series import Series

_ROOMY = 8
"""Numbers of groups may be this much sparser than the rows; beyond that they are made dense."""

_POWER = re.compile("-?[0-9]{1,2}")

_KINDS = 6
"""So many ways in which the keys of faulty rows may be wrong are told apart."""


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
        self._beside: Cells | None = None
        self._axes: dict[str, Axis | None] = {}
        self._once: dict[Any, Any] = {}

    def __len__(self) -> int:
        return len(self.dataset)

    def once(self, key: Any, make: Callable[[], Any]) -> Any:
        """What several rules need of these cells, made for the first of them."""
        if key not in self._once:
            self._once[key] = make()
        return self._once[key]

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
        if flags.all() or not flags.any():
            return np.full(len(self), flags[-1])
        if np.count_nonzero(flags) == 1:  # one number is compared sooner than flags are looked up
            at = int(flags.argmax())
            return np.asarray(column.codes == (at if at < len(column.values) else NONE))
        return np.asarray(flags[column.codes])

    def chosen(self, where: Mapping[str, Sequence[str]]) -> Flags:
        """The sound rows that a rule is for (Rule.where)."""
        asked = tuple((id, *codes) for id, codes in where.items())
        flags: Flags = self.once(("chosen", asked), lambda: self._chosen(where))
        return flags.copy()

    def _chosen(self, where: Mapping[str, Sequence[str]]) -> Flags:
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
        # of rows that are not sound it may be anything, a number of a thousand digits too
        powers = [10.0 ** int(value) if _POWER.fullmatch(value) else np.nan for value in column.values]
        return np.asarray(np.array([*powers, 1.0])[column.codes])

    @cached_property
    def values(self) -> Floats:
        found = self.number(self.measure)
        if not isinstance(self.factor, float):
            with np.errstate(over="ignore"):
                found = found * self.factor
            found[np.isinf(found)] = np.nan  # nothing can be worked out from what no number can hold
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

    def marked(self, marks: Mapping[str, Sequence[str]]) -> Flags:
        """Rows that one of the components marks: with one of its codes, with anything where none is named."""
        flags = np.zeros(len(self), bool)
        for id, codes in marks.items():
            flags |= self.is_one_of(id, codes) if codes else self.coded(id).codes >= 0
        return flags

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

    @cached_property
    def kept(self) -> Indices | None:
        """The sound rows with a whole key, of those with one key the last only; None where all are."""
        if self._keys is None:
            return np.zeros(0, np.int64)
        counted = counting(self._keys, self._plain.repeated[0], self.sound) & (self._keys >= 0)
        return None if counted.all() else np.flatnonzero(counted)

    @cached_property
    def _plain(self) -> Dataset:
        """The dataset without its actions, so that rows with one key are the same in all of them."""
        return self.dataset if self.dataset.step_of is None else replace(self.dataset, step_of=None)

    @property
    def _keys(self) -> Indices | None:
        return self._plain.key_numbers

    @cached_property
    def _block(self) -> Block | None:
        columns = {id: column for id in self.dataset.schema.key if len((column := self.coded(id)).values) > 1}
        span = math.prod(len(column.values) for column in columns.values())
        if span > ROOMY * len(self) + 1024 or self._keys is None:
            return None
        return Block(columns, self._keys, self.kept, self.values)

    @cached_property
    def faulty(self) -> list[tuple[tuple[str, ...], Indices]]:
        """The rows that are not sound, by the dimensions of their keys that can be trusted: whose value some
        sound row has too. Of all other dimensions they may be anything.
        """
        rows = np.flatnonzero(~self.sound)
        kinds = np.zeros(len(rows), np.int64)
        key = self.dataset.schema.key if len(rows) else ()
        for at, id in enumerate(key):
            column = self.coded(id)
            codes = column.codes[rows]
            counts = np.bincount(codes + 1, minlength=len(column.values) + 1)
            known = column.counts() > counts[1:]
            if known.all() and not counts[0]:
                kinds |= 1 << at
            else:
                kinds |= np.append(known, False)[codes].astype(np.int64) << at
        often, counts = np.unique(kinds, return_counts=True)
        often = often[np.argsort(-counts, kind="stable")][:_KINDS]
        found = [(int(kind), rows[kinds == kind]) for kind in often]
        rest = rows[~np.isin(kinds, often)] if len(counts) > _KINDS else rows[:0]
        return [
            (tuple(id for at, id in enumerate(key) if kind >> at & 1), these)
            for kind, these in ([*found, (0, rest)] if len(rest) else found)
        ]

    def axis(self, id: str) -> Axis | None:
        """The cells along a dimension; None where all have the same code of it, or none."""
        if id not in self._axes:
            column = self.coded(id)
            if len(column.values) < 2 or id not in self.dataset.schema.key:
                self._axes[id] = None
            elif self._block is not None:
                self._axes[id] = self._block.along(id)
            else:
                self._axes[id] = SortedAxis(column, self.without(id).of, self.kept)
        return self._axes[id]

    def values_at(self, rows: npt.NDArray[Any]) -> Floats:
        """The figures of rows, NaN where a row is NONE."""
        return np.asarray(np.append(self.values, np.nan)[rows])

    @cached_property
    def series(self) -> Series:
        """The rows as series in time."""
        return Series(self)

    # --- how a figure is shown ------------------------------------------------------------------------

    def shown(self, row: int, figure: float) -> str:
        """A figure in the row's own scale, as text, "" where it may not be shown."""
        if self.confidential[row] or np.isnan(figure):
            return ""
        factor = self.factor if isinstance(self.factor, float) else float(self.factor[row])
        return spelled(figure / factor)


def _dense(numbers: Indices) -> tuple[npt.NDArray[np.int64], int]:
    """The same groups numbered without gaps."""
    encoded = pc.dictionary_encode(pa.array(numbers))
    return np.asarray(encoded.indices).astype(np.int64), len(encoded.dictionary)


def spelled(figure: float) -> str:
    """A figure as text, "" where there is none."""
    return "" if np.isnan(figure) else f"{figure:.12g}"
