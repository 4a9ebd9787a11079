"""Series: the rows of a cube in the order of time, so that a figure finds those that came before it.

A row's place in time is the month with which its period begins: the same period of the year before is twelve
months away, whatever the frequency. Weeks and days have no such place.
"""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ..columns import Flags, Indices, each_once
from ..periods import EPOCH, parse_period

if TYPE_CHECKING:
    from .cells import Cells

YEAR = 12
_STEPS = {"A": 12, "S": 6, "T": 4, "Q": 3, "M": 1}
_SPAN = 1 << 17
"""More than the months of all years that can be written."""


class Series:
    """Rows with a place in time: the sound ones, or all; of those with one key the last counts."""

    def __init__(self, cells: Cells, *, sound: bool = True) -> None:
        time = cells.dataset.schema.time
        self.component = time.id if time else ""
        self.time = cells.coded(self.component)
        months, steps = self._places(self.time.values)
        self.step: Indices = steps[self.time.codes]
        """Months between a row and the next of its series; 0 where it has no place."""
        placed = (self.step > 0) & (cells.sound if sound else True)
        self._of = cells.without(self.component).of
        self.key: Indices = np.where(placed, self._of * _SPAN + months[self.time.codes], -1)
        order = np.argsort(self.key, kind="stable")
        self.order: Indices = order[np.searchsorted(self.key[order], 0) :]
        """The placed rows, series after series, each from the first period to the last."""
        self._sorted = self.key[self.order]
        self._earlier: dict[int, Indices] = {}

    @staticmethod
    def _places(texts: tuple[str, ...]) -> tuple[Indices, Indices]:
        months, steps = [], []
        for text in texts:
            period = parse_period(text)
            step = _STEPS.get(period.kind, 0) if period else 0
            day = EPOCH + timedelta(days=period.start if period and step else 0)
            months.append(day.year * 12 + day.month - 1)
            steps.append(step)
        return np.array([*months, 0], np.int64), np.array([*steps, 0], np.int64)  # the last serves -1

    def earlier(self, rows: Indices, months: int) -> Indices:
        """For each row the one of its series that many months before (after, where negative), -1 without."""
        if months not in self._earlier:
            wanted = self._sorted - months
            at = np.maximum(np.searchsorted(self._sorted, wanted, side="right") - 1, 0)
            found = np.full(len(self.key), -1, np.int64)
            found[self.order] = np.where(self._sorted[at] == wanted, self.order[at], -1)
            self._earlier[months] = found
        return self._earlier[months][rows]

    @cached_property
    def place(self) -> Indices:
        """Where each row stands in `order`, -1 where it does not."""
        place = np.full(len(self.key), -1, np.int64)
        place[self.order] = np.arange(len(self.order))
        return place

    @cached_property
    def follows(self) -> Flags:
        """Per place in `order`, whether the one before is of the same series."""
        series = self._sorted // _SPAN
        flags = np.zeros(len(self.order), bool)
        flags[1:] = series[1:] == series[:-1]
        return flags

    @property
    def late(self) -> Flags:
        """Per place in `order`, whether periods are left out before it.

        The rhythm of a series is its own: what is mostly between its periods. Where less than two steps of it
        are between (2010, 2015, 2019), or it has two periods and no rhythm yet, something is left out only
        where others of the same frequency have it.
        """
        at = np.flatnonzero(self.follows)
        months = self._sorted[at] - self._sorted[at - 1]
        series, steps = self._sorted[at] // _SPAN, self.step[self.order[at]]
        late = np.zeros(len(self.order), bool)
        if not (months > steps).any():
            return late
        order = np.lexsort((months, series))
        _, first, counts = np.unique(series, return_index=True, return_counts=True)
        rhythm = np.repeat(months[order][first + (counts - 1) // 2], counts)
        longer = (months > steps) & ((months > rhythm) | np.repeat(counts == 1, counts))
        unsure = longer & (months < 2 * rhythm)
        late[at[longer & ~unsure]] = True
        late[at[unsure]] = self._between(at[unsure], steps[unsure])
        return late

    def _between(self, at: Indices, steps: Indices) -> Flags:
        """Whether any series of the same step has a period between the one at each place and that before."""
        found = np.zeros(len(at), bool)
        for step in np.unique(steps):
            of_step = steps == step
            known = each_once(self._sorted[self.step[self.order] == step] % _SPAN)
            here = self._sorted[at[of_step]] % _SPAN
            before = self._sorted[at[of_step] - 1] % _SPAN
            found[of_step] = np.searchsorted(known, here) - np.searchsorted(known, before, "right") > 0
        return found

    def any_since(self, marked: Flags, rows: Indices, before: Indices) -> Flags:
        """Whether a row of the series is marked after `before`, up to and with the row itself."""
        total = np.concatenate(([0], np.cumsum(marked[self.order])))
        return np.asarray(total[self.place[rows] + 1] > total[self.place[before] + 1])
