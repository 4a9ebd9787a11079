"""What other providers have released of the observations of a file, each under its own agreement."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..columns import Flags, Indices
from ..report import SAMPLE
from ..rules import Rule
from .cells import Cells
from .fault import Fault
from .given import Given, NotChecked, Others, Yielded
from .pairs import pairs


def reported_by_another(cells: Cells, rule: Rule, given: Given) -> Iterator[Yielded]:
    """Another provider has released the same observations, with the same figures.

    Why: readers see each observation once, as that of the provider who goes before the other; two who report
    the same should know of each other.
    Fix: nothing has to be changed. Agree who reports what; the collecting organisation declares who goes
    before whom, by dataflow and key.
    Example: the ministry and the statistical office both report 4,120 acquisitions of 2019.
    """
    both = _Both(cells, rule, given.beside)
    yield from NotChecked.of("no_precedence", both.undeclared)
    yield from both.faults(~both.apart, rule)


def contradicts_another_provider(cells: Cells, rule: Rule, given: Given) -> Iterator[Yielded]:
    """Another provider has released other figures of the same observations.

    Why: readers see one of the two, that of the provider who goes before the other; whichever it is, the two
    should know why they differ.
    Fix: compare the sources with the other provider; correct what is wrong, or leave the observations to who
    counts them. A difference of definition belongs into the attributes, for instance `SOURCE_TYPE`.
    Example: 4,120 acquisitions of 2019 by the ministry, 3,870 by the statistical office.
    """
    both = _Both(cells, rule, given.beside)
    yield from both.faults(both.apart, rule)


class _Both:
    """The open figures of a file beside those that others have released of the same keys."""

    def __init__(self, cells: Cells, rule: Rule, others: Others | None) -> None:
        self.cells = cells
        self.mine = self.theirs = self.origin = np.zeros(0, np.int64)
        self.apart: Flags = np.zeros(0, bool)
        self.undeclared: Flags = np.zeros(0, bool)
        self.origins = others.origins if others else ()
        if others is None or not len(others.dataset):
            return
        self.there = Cells(others.dataset, cells.scale)
        key = cells.dataset.schema.key
        open_ = cells.chosen(rule.where) & cells.given & ~cells.confidential
        self.mine, self.theirs = pairs(
            [cells.coded(id) for id in key],
            np.flatnonzero(open_),
            [self.there.coded(id) for id in key],
            np.flatnonzero(self.there.given),
        )
        self.origin = others.of[self.theirs]
        here, beside = cells.values[self.mine], self.there.values[self.theirs]
        margin = np.maximum(rule.value("share", 0.0) * np.abs(beside), rule.value("difference", 0.0))
        self.apart = np.abs(here - beside) > margin
        declared = np.array([bool(origin.get("declared")) for origin in self.origins])
        self.undeclared = ~declared[self.origin]

    def faults(self, which: Flags, rule: Rule) -> Iterator[Fault]:
        """One for each other provider, and for who goes before whom."""
        for at, origin in enumerate(self.origins):
            found = np.flatnonzero(which & (self.origin == at))
            if len(found):
                values = {"provider": origin["provider"], "precedence": origin["precedence"]}
                told = [self._told(int(pair)) for pair in found[:SAMPLE]]
                yield Fault(self._rows(found), values=values, expected_at=told, at=self.cells.measure)

    def _rows(self, found: Indices) -> Indices:
        return np.asarray(self.mine[found])

    def _told(self, pair: int) -> str:
        """The other's figure, in the scale of the file's own."""
        return self.cells.shown(int(self.mine[pair]), float(self.there.values[self.theirs[pair]]))
