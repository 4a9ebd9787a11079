"""What two providers say of the same persons: one counts them as they leave, the other as they arrive."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..columns import Flags, each_once
from ..dataset import Coded
from ..rules import Rule
from .cells import Cells, spelled
from .cube import Floats
from .fault import Fault
from .given import Given, NotChecked, Note, Others, Yielded
from .pairs import pairs

MOST = 50
"""How many pairs of a rule a report shows: those that differ most. Their number is always told."""

COMPARABLE = ("yes", "no", "unknown")
"""Both sides say the same of the criteria; they say other things; one of them does not say."""
_YES, _NO, _UNKNOWN = range(3)


def mirror_difference(cells: Cells, rule: Rule, given: Given) -> Iterator[Yielded]:
    """Two countries have counted the same movements, and their figures are far apart.

    Why: both may be right: the two count by other definitions and from other sources, and those who leave
    are seldom asked to say so. No figure is refused for it. The report shows both sides with their
    definitions, for whoever compares them later.
    Fix: nothing has to be changed. Say your definitions in `RESIDENCE_CRIT`, `SOURCE_TYPE` and `COUNT_UNIT`;
    where they agree with those of the other side, the two offices may want to talk.
    Example: 1,200 departures to a country that has published 5,300 arrivals from here.
    """
    found = _Mirror(cells, rule, given.partners[rule.id])
    if found.closed:
        yield NotChecked("closed_figure", found.closed)
    if found.alone:
        yield NotChecked("no_partner_figure", found.alone)
    if not len(found.mine):
        return
    differs = found.comparable == _NO
    yield from NotChecked.of("definitions_differ", differs)
    order = np.argsort(-np.abs(found.difference), kind="stable")
    yield Note("mirrors", {"counts": found.counts(min(MOST, len(order)))})
    for pair in order[:MOST]:
        yield Note("mirrors", found.entry(int(pair), given.provider))
    told = order[(found.beyond & ~differs)[order]]
    rows = found.mine[told]
    _, firsts = np.unique(rows, return_index=True)  # a row may have several partners
    if len(rows):
        values = {
            "pairs": len(found.mine),
            "above": rule.value("above"),
            "difference": rule.value("difference"),
        }
        yield Fault(rows[np.sort(firsts)], values=values, at=cells.measure)


class _Mirror:
    """The rows of a file beside those of partners that speak of the same."""

    def __init__(self, cells: Cells, rule: Rule, others: Others) -> None:
        self.cells, self.rule, self.others = cells, rule, others
        self.there = Cells(others.dataset, cells.scale)
        ours = _ours(cells, self.there, rule)
        chosen = cells.chosen(rule.where) & _known(ours)
        self.closed = int((chosen & cells.confidential).sum())
        rows = np.flatnonzero(chosen & cells.given & ~cells.confidential)
        theirs = np.flatnonzero(
            self.there.chosen(rule.value("theirs", {})) & self.there.given & ~self.there.confidential
        )
        mine = [one.column for one in ours]
        self.mine, self.theirs = pairs(mine, rows, [self.there.coded(one.id) for one in ours], theirs)
        self.alone = len(rows) - len(each_once(self.mine))
        self.here, self.beside = cells.values[self.mine], self.there.values[self.theirs]
        self.difference = self.here - self.beside
        self.over = cells.chosen(rule.value("numerator"))[self.mine]
        self.ratio = self._ratio()
        far = (self.ratio < rule.value("below")) | (self.ratio > rule.value("above")) | np.isnan(self.ratio)
        self.beyond = (np.abs(self.difference) > rule.value("difference")) & far
        self.comparable = self._comparable()

    def _ratio(self) -> Floats:
        """Those who left over those who arrived; NaN where one of the two is 0."""
        left = np.where(self.over, self.here, self.beside)
        arrived = np.where(self.over, self.beside, self.here)
        some = (left != 0) & (arrived != 0)
        return np.where(some, left / np.where(some, arrived, 1), np.nan)

    def _comparable(self) -> npt.NDArray[np.int8]:
        found = np.full(len(self.mine), _YES, np.int8)
        for id in self.rule.value("criteria"):
            differs, silent = self._told_apart(id)
            found[silent & (found == _YES)] = _UNKNOWN
            found[differs] = _NO
        return found

    def _told_apart(self, id: str) -> tuple[Flags, Flags]:
        """Pairs in which both sides say something of a component and it differs; in which one says
        nothing.
        """
        numbers: dict[str, int] = dict.fromkeys(("", *self.rule.value("unsaid")), 0)
        said = []
        for cells, rows in ((self.cells, self.mine), (self.there, self.theirs)):
            column = cells.coded(id)
            own = np.array([numbers.setdefault(value, len(numbers)) for value in column.values] + [0])
            said.append(own[column.codes[rows]])
        silent = (said[0] == 0) | (said[1] == 0)
        return ~silent & (said[0] != said[1]), silent

    def counts(self, shown: int) -> dict[str, int]:
        return {
            "pairs": len(self.mine),
            "beyond": int(self.beyond.sum()),
            "notComparable": int((self.comparable == _NO).sum()),
            "definitionsUnknown": int((self.comparable == _UNKNOWN).sum()),
            "shown": shown,
        }

    def entry(self, pair: int, provider: str) -> dict[str, Any]:
        """Both sides of a pair: figures in units, with the definitions that were told."""
        row, other = int(self.mine[pair]), int(self.theirs[pair])
        here, beside = float(self.here[pair]), float(self.beside[pair])
        left, arrived = (here, beside) if self.over[pair] else (beside, here)
        defined = bool(left and arrived)
        time = self.cells.dataset.schema.time
        origin = self.others.origins[int(self.others.of[other])]
        return {
            "key": self.cells.dataset.key_of(row),
            "period": self.cells.coded(time.id).text(row) if time else "",
            "sides": [
                {"provider": provider, **self._side(self.cells, row, here)},
                {
                    **origin,
                    **self._side(self.there, other, beside),
                    "key": self.others.dataset.key_of(other),
                },
            ],
            "difference": spelled(here - beside),
            "ratio": round(left / arrived, 3) if defined else None,
            "asymmetry": round((arrived - left) / ((arrived + left) / 2), 3) if defined else None,
            "comparable": COMPARABLE[self.comparable[pair]],
            "why": self._why(row, other),
            "beyond": bool(self.beyond[pair]),
        }

    def _side(self, cells: Cells, row: int, figure: float) -> dict[str, Any]:
        return {
            "area": cells.coded(self.rule.value("area")).text(row),
            "value": spelled(figure),
            "definitions": {id: cells.coded(id).text(row) for id in self.rule.value("definitions")},
        }

    def _why(self, row: int, other: int) -> list[dict[str, str]]:
        """Which criteria differ, or are not told by one of the sides."""
        unsaid = ("", *self.rule.value("unsaid"))
        found = []
        for id in self.rule.value("criteria"):
            mine, theirs = self.cells.coded(id).text(row), self.there.coded(id).text(other)
            if mine in unsaid or theirs in unsaid:
                found.append({"component": id, "reason": "not_said"})
            elif mine != theirs:
                found.append({"component": id, "reason": "differs"})
        return found


@dataclass(frozen=True)
class _Ours:
    """What the file says of a dimension of the partner's dataflow; `known` are the codes that it may have."""

    id: str
    column: Coded
    known: frozenset[str]


def _ours(cells: Cells, there: Cells, rule: Rule) -> list[_Ours]:
    """The file's side of every dimension of the partner's, but those whose codes the rule names."""
    schema = there.dataset.schema
    theirs: Mapping[str, Sequence[str]] = rule.value("theirs", {})
    made = []
    for dimension in schema.dimensions:
        if dimension.id in theirs:
            continue
        column = cells.coded(rule.value("swap").get(dimension.id, dimension.id))
        opposite = rule.value("opposite", {}).get(dimension.id)
        if opposite:
            column = Coded(tuple(opposite.get(value, "") for value in column.values), column.codes)
        made.append(_Ours(dimension.id, column, dimension.codes))
    return made


def _known(ours: Sequence[_Ours]) -> Flags | bool:
    """Rows of which a partner could speak: a total over all partners has none."""
    found: Flags | bool = True
    for one in ours:
        if one.known:
            flags = np.array([value in one.known for value in one.column.values] + [False])
            found = found & flags[one.column.codes]
    return found
