"""Cube: where the cells of a dataset stand to one another, for adding up along one component.

Two ways to the same answers: a block of memory with a place for every combination of codes where most of them
are there, and rows sorted by code where they are not. An Axis hides which it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ..columns import Flags, Indices
from ..dataset import Coded

Floats = npt.NDArray[np.float64]
NONE = -1

ROOMY = 6
"""A block may have this many places for each of the rows; emptier ones take longer than sorting the rows."""

_NARROW = 8
"""Codes whose figures lie fewer places apart than this are brought together before they are added."""


class Axis(Protocol):
    """The cells along one component. A group is what agrees in the rest of the key; it has a number."""

    @property
    def codes(self) -> Mapping[str, int]:
        """The codes that some row has."""

    def doubtful(self, whole: int, parts: Sequence[int], slack: float) -> tuple[Indices, Indices]:
        """Groups in which the whole has a row (and a figure, where that is known at once) and the parts are
        not seen at once to add up to it, or to miss it by `slack` at most; and the rows of the whole.
        """

    def gather(self, parts: Sequence[int], groups: Indices) -> tuple[Indices, Indices]:
        """All rows of `parts` in `groups` (ascending), and for each row which of `groups` it is in."""


class Block:
    """All cells in one array, an axis for each component of the key that varies."""

    def __init__(
        self, columns: Mapping[str, Coded], keys: Indices, kept: Indices | None, values: Floats
    ) -> None:
        """`keys` number the rows in the order of the columns, the last counting fastest; `kept` are the rows
        that have a whole key and count, None for all.
        """
        self.columns = columns
        self.shape = [len(column.values) for column in columns.values()]
        self.span = int(np.prod(self.shape, dtype=np.int64))
        self._place, self._kept = keys if kept is None else keys[kept], kept
        self.figures = np.full(self.span, np.nan)
        self.figures[self._place] = values if kept is None else values[kept]

    @cached_property
    def rows(self) -> Indices:
        found = np.full(self.span, NONE, np.int64)
        found[self._place] = np.arange(len(self._place)) if self._kept is None else self._kept
        return found

    def along(self, id: str) -> BlockAxis:
        return BlockAxis(self, id)


class BlockAxis:
    """A component's axis of a block; groups are the places of the others, in their order."""

    def __init__(self, block: Block, id: str) -> None:
        at = list(block.columns).index(id)
        self.block, self.column = block, block.columns[id]
        self.low = int(np.prod(block.shape[at + 1 :], dtype=np.int64))
        self.view = (-1, block.shape[at], self.low)

    @cached_property
    def codes(self) -> Mapping[str, int]:
        return {value: at for at, value in enumerate(self.column.values)}

    @cached_property
    def _figures(self) -> Floats:
        """[code, group, or two axes of groups]."""
        found = self.block.figures.reshape(self.view).transpose(1, 0, 2)
        return np.ascontiguousarray(found) if self.low < _NARROW else found

    def doubtful(self, whole: int, parts: Sequence[int], slack: float) -> tuple[Indices, Indices]:
        figures = self._figures
        total = figures[whole]
        if parts:
            difference = figures[parts[0]] - total
            for part in parts[1:]:
                difference += figures[part]
            np.abs(difference, out=difference)
            groups = np.flatnonzero(~(difference <= slack) & ~np.isnan(total))
        else:
            groups = np.flatnonzero(~np.isnan(total))
        return groups, self._rows(np.array([whole]), groups)

    def gather(self, parts: Sequence[int], groups: Indices) -> tuple[Indices, Indices]:
        rows = self._rows(np.asarray(parts, np.int64), groups)
        at, there = np.tile(np.arange(len(groups)), len(parts)), rows >= 0
        return (rows, at) if there.all() else (rows[there], at[there])

    def _rows(self, parts: npt.NDArray[Any], groups: Indices) -> Indices:
        """Those of each part in each group, one part after another; NONE where there is none."""
        start = groups + groups // self.low * (self.low * (self.view[1] - 1))
        found: Indices = self.block.rows.take(np.add.outer(parts * self.low, start).ravel())
        return found


class SortedAxis:
    """Rows sorted by the codes of a component, with the numbers of their groups."""

    def __init__(self, column: Coded, group: npt.NDArray[np.int64], kept: Indices | None) -> None:
        codes = column.codes if kept is None else column.codes[kept]
        self.column = column
        group = group if kept is None else group[kept]
        if int(group.max(initial=0)) > 2 * len(group) + 1024:
            group = np.asarray(pc.dictionary_encode(pa.array(group)).indices).astype(np.int64)
        small = np.int16 if len(column.values) < 1 << 15 else np.int32  # of small numbers the sort is linear
        order = np.argsort(codes.astype(small), kind="stable")
        self.rows = order if kept is None else kept[order]
        self.group = group[order]
        self.starts = np.concatenate(([0], np.cumsum(np.bincount(codes, minlength=len(column.values)))))
        self._at = np.full(int(group.max(initial=0)) + 1, NONE, np.int64)

    @cached_property
    def codes(self) -> Mapping[str, int]:
        there = np.diff(self.starts) > 0
        return {value: at for at, value in enumerate(self.column.values) if there[at]}

    def _slice(self, code: int) -> Indices:
        return np.arange(self.starts[code], self.starts[code + 1])

    def doubtful(self, whole: int, parts: Sequence[int], slack: float) -> tuple[Indices, Indices]:
        found = self._slice(whole)
        order = np.argsort(self.group[found])
        return self.group[found][order], self.rows[found][order]

    def gather(self, parts: Sequence[int], groups: Indices) -> tuple[Indices, Indices]:
        found = np.concatenate([self._slice(part) for part in parts] or [np.zeros(0, np.int64)])
        self._at[groups] = np.arange(len(groups))
        at = self._at[self.group[found]]
        self._at[groups] = NONE
        inside = at >= 0
        return self.rows[found[inside]], at[inside]


def counting(keys: npt.NDArray[np.int64], repeated: Indices, sound: Flags) -> Flags:
    """The sound rows, of those with one key the last only."""
    if not len(repeated):
        return sound
    rows = repeated[sound[repeated]]
    rows = rows[np.lexsort((rows, keys[rows]))]
    last = np.append(keys[rows][1:] != keys[rows][:-1], True)[: len(rows)]
    found = sound.copy()
    found[rows[~last]] = False
    return found
