"""Adding: the parts of a whole added up, in many groups of cells at once, and what is known of each sum."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np

from ..columns import Flags, Indices, each_once
from ..rules import Partition, Rule
from .cells import Cells
from .cube import Axis, Floats
from .picked import said
from .tolerance import UNDECLARED, Slack, noise, slack

_TRIED = 5
"""So many alternatives of one sum are tried with and without; of more, any amount up to all of them holds."""


def is_rest(code: str) -> bool:
    """Whether a code is for what is not known to be in another part (the ending _U of SDMX code lists)."""
    return code.endswith("_U")


def may_lack(code: str) -> bool:
    """Whether a part may be absent because nothing is in it: unknown, not applicable, other, no answer."""
    return code.startswith("_") or is_rest(code)


def signed(cells: Cells, rule: Rule, rows: Indices) -> Flags:
    """Rows whose parts may be negative: differences and corrections (rule value `signed`)."""
    flags = np.zeros(len(rows), bool)
    for id, codes in rule.value("signed", {}).items():
        if not set(codes).isdisjoint(cells.coded(id).values):
            flags |= said(cells, id, codes, rows)
    return flags


@dataclass(frozen=True)
class Sums:
    """The sum of a partition in some groups, one entry for each.

    `rows` are those of the whole, `total` their figures, `found` the sum of the parts, of the ways to count
    alternatives the one nearest to the total, `least` the sum without alternatives; where a part has no
    figure, what its own parts add up to stands for it. `soft` and `hard` are those of tolerance.Slack, added
    up. `complete`: every part that has to be there has a figure, and no row is without one. `empty`: no part
    is there at all. `rest`: a part for what is unknown is there. `hidden`: a figure is confidential. `mixed`:
    multipliers differ.
    """

    groups: Indices
    rows: Indices
    total: Floats
    found: Floats
    least: Floats
    soft: Floats
    hard: Floats
    complete: Flags
    empty: Flags
    rest: Flags
    hidden: Flags
    mixed: Flags

    def take(self, which: Flags | Indices) -> Sums:
        return Sums(*(getattr(self, one.name)[which] for one in fields(self)))


def _added(at: Indices, figures: Floats, size: int) -> Floats:
    """The sum of the figures that are in each of `size` groups."""
    return np.asarray(np.bincount(at, figures, size), np.float64)


class Adding:
    """The partitions of a rule over the cells along its component."""

    def __init__(self, cells: Cells, rule: Rule, axis: Axis) -> None:
        self.cells, self.rule, self.axis = cells, rule, axis
        self.codes = cells.coded(rule.component).codes
        self.open = bool(rule.value("open", default=False))
        self._of: dict[str, list[Partition]] = {}
        for partition in rule.partitions:
            self._of.setdefault(partition.whole, []).append(partition)

    @property
    def wholes(self) -> dict[str, list[Partition]]:
        """The partitions of each whole that the rule is for and the file has, the best known ones first."""
        named = self.rule.value("wholes", ())
        there = self.axis.codes
        known = {
            whole: [one for one in partitions if any(map(self._here, one.parts))]
            for whole, partitions in self._of.items()
            if whole in there and (whole in named or not named)
        }
        return {
            whole: sorted(partitions, key=lambda one: not self.whole_here(one))
            for whole, partitions in known.items()
            if partitions
        }

    def _here(self, code: str) -> bool:
        """Whether the file has a code, or some part of it."""
        return code in self.axis.codes or any(
            self._here(part) for partition in self._of.get(code, ()) for part in partition.parts
        )

    def required(self, partition: Partition) -> list[str]:
        if self.open:
            return []
        return [part for part in partition.parts if not may_lack(part) and part not in partition.alternatives]

    def whole_here(self, partition: Partition) -> bool:
        """Whether the file has every part that has to be there, and any at all."""
        there = self.axis.codes
        required = self.required(partition)
        return all(part in there for part in required) and any(part in there for part in partition.parts)

    @cached_property
    def slack(self) -> Slack:
        return slack(self.cells, float(self.rule.value("undeclared", UNDECLARED)))

    @cached_property
    def chosen(self) -> Flags | None:
        """The rows that the rule is for, None for all."""
        flags = self.cells.chosen(self.rule.where)
        return None if flags.all() else flags

    @cached_property
    def given(self) -> Flags:
        """The rows that the rule is for and that have a figure."""
        return self.cells.given if self.chosen is None else self.cells.given & self.chosen

    def doubtful(self, partition: Partition) -> tuple[Indices, Indices]:
        """Groups, and the rows of the whole, in which the parts are not seen at once to add up."""
        there = self.axis.codes
        parts = [there[part] for part in partition.parts if part in there]
        if not self.whole_here(partition) or any(part in there for part in partition.alternatives):
            parts = []  # that they are as much as the whole would tell nothing
        allowed = (len(parts) + 1) * self.slack.least + noise(np.zeros(1))[0]
        groups, rows = self.axis.doubtful(there[partition.whole], parts, allowed)
        given = self.given[rows]
        return (groups, rows) if given.all() else (groups[given], rows[given])

    def sums(self, partition: Partition, groups: Indices, rows: Indices) -> Sums:
        """What is known of a partition in groups; `rows` are those of the whole, with a figure each."""
        size = len(groups)
        present = [part for part in partition.parts if part in self.axis.codes]
        parts, at = self._gathered(present, groups)
        each = np.bincount(at, minlength=size)
        empty, holes = each == 0, np.zeros(size, bool)
        hidden = self.cells.confidential[rows]
        if self._some_hidden:
            hidden[at[self.cells.confidential[parts]]] = True
        if self._some_empty:
            given = self.given[parts]
            holes[at[~given]] = True
            parts, at = parts[given], at[given]
            each = np.bincount(at, minlength=size)
        total = self.cells.values[rows]
        found, least = self._sum(partition, present, parts, at, total)
        soft, hard = self._slack_of(parts, at, each, rows, total)
        required = self.required(partition)
        needed = self._counted(required, present, parts, at, each) == len(required)
        rest = self._counted([part for part in present if is_rest(part)], present, parts, at, each) > 0
        complete = needed & ~holes & ~empty
        if self.cells.faulty:
            off = np.flatnonzero(complete & (np.abs(total - found) > soft))
            complete[off] = ~self._faulty_part(partition, rows[off])
        made = Sums(
            groups, rows, total, found, least, soft, hard, complete, empty, rest, hidden,
            self._mixed(rows, parts, at),
        )  # fmt: skip
        return self._with_stand_ins(partition, made)

    def _sum(
        self, partition: Partition, present: list[str], parts: Indices, at: Indices, total: Floats
    ) -> tuple[Floats, Floats]:
        """What the parts add up to, as it is nearest to the total, and without alternatives."""
        figures = self.cells.values[parts]
        if partition.alternatives.isdisjoint(present):
            least = _added(at, figures, len(total))
            return least, least
        code = self.codes[parts]
        other = self._among(partition.alternatives)[code]
        least = _added(at, np.where(other, 0.0, figures), len(total))
        return self._nearest(least, total, code[other], at[other], figures[other]), least

    def _slack_of(
        self, parts: Indices, at: Indices, each: Indices, rows: Indices, total: Floats
    ) -> tuple[Floats, Floats]:
        """Soft and hard of the parts and their wholes together."""
        soft, hard = (
            (each + 1) * one if isinstance(one, float) else _added(at, one[parts], len(rows)) + one[rows]
            for one in (self.slack.soft, self.slack.hard)
        )
        more = noise(total)
        soft += more
        hard += more
        return soft, hard

    def _counted(
        self, codes: Collection[str], present: list[str], parts: Indices, at: Indices, each: Indices
    ) -> Indices:
        """How many rows of some of the codes there are; `each` counts those of all that are present."""
        among = sum(code in codes for code in present)
        if among == len(present):
            return each
        if not among:
            return np.zeros_like(each)
        return np.bincount(at[self._among(codes)[self.codes[parts]]], minlength=len(each))

    @cached_property
    def _some_hidden(self) -> bool:
        return bool(self.cells.confidential.any())

    @cached_property
    def _some_empty(self) -> bool:
        return not self.given.all()

    def _faulty_part(self, partition: Partition, rows: Indices) -> Flags:
        """The wholes beside which a faulty row stands that may be one of their parts."""
        found = np.zeros(len(rows), bool)
        if not len(rows):
            return found
        among = np.append(self._among(partition.parts), True)  # the last serves an empty cell
        for trusted, faulty in self.cells.faulty:
            if self.rule.component in trusted:
                faulty = faulty[among[self.codes[faulty]]]
            groups = self.cells.groups([id for id in trusted if id != self.rule.component])
            lost = np.zeros(groups.count, bool)
            lost[groups.of[faulty]] = True
            found |= lost[groups.of[rows]]
        return found

    def _gathered(self, codes: list[str], groups: Indices) -> tuple[Indices, Indices]:
        """The rows of codes in groups that the rule is for, and the group of each."""
        there = self.axis.codes
        rows, at = self.axis.gather([there[code] for code in codes if code in there], groups)
        if self.chosen is not None:
            inside = self.chosen[rows]
            rows, at = rows[inside], at[inside]
        return rows, at

    def _among(self, codes: Collection[str]) -> Flags:
        """Per code of the component whether it is one of `codes`."""
        column = self.cells.coded(self.rule.component)
        return np.array([value in codes for value in column.values], bool)

    def _nearest(self, least: Floats, total: Floats, code: Indices, at: Indices, figures: Floats) -> Floats:
        """Of the sums with and without each alternative, the one nearest to the total."""
        several = each_once(code)
        if len(several) > _TRIED:
            more = _added(at, figures, len(least))
            return np.asarray(np.clip(total, least, least + more))
        tried = least[None, :]
        for one in several:
            own = _added(at[code == one], figures[code == one], len(least))
            tried = np.concatenate((tried, tried + own))
        return np.asarray(tried[np.abs(tried - total).argmin(axis=0), np.arange(len(least))])

    def _mixed(self, rows: Indices, parts: Indices, at: Indices) -> Flags:
        found = np.zeros(len(rows), bool)
        factor = self.cells.factor
        if not isinstance(factor, float):
            found[at[factor[parts] != factor[rows[at]]]] = True
        return found

    # --- what stands for a part without a figure ------------------------------------------------------------

    def _stand_ins(self, partition: Partition) -> list[str]:
        """Parts that have parts of their own in the file."""
        return [
            part
            for part in partition.parts
            if part not in partition.alternatives
            and any(self._here(below) for own in self._of.get(part, ()) for below in own.parts)
        ]

    def _with_stand_ins(self, partition: Partition, made: Sums) -> Sums:
        """The same sums with what the parts of absent parts add up to, where something is missing."""
        partial = np.flatnonzero(~made.complete)
        stand_ins = self._stand_ins(partition) if len(partial) else []
        for part in stand_ins:
            bound, soft, hidden = self._bound(part, made.groups[partial])
            if part in self.axis.codes:
                rows, at = self._gathered([part], made.groups[partial])
                bound[at[self.given[rows]]] = np.nan  # it has a figure of its own
            more = ~np.isnan(bound)
            for sums in {id(made.found): made.found, id(made.least): made.least}.values():
                sums[partial[more]] += bound[more]
            made.soft[partial[more]] += soft[more]
            made.hidden[partial[more]] |= hidden[more]
            made.empty[partial[more]] = False
        return made

    def _bound(self, whole: str, groups: Indices) -> tuple[Floats, Floats, Flags]:
        """The least that a code can be by its parts, NaN without any; its slack; whether a part is hidden."""
        best, slackness = np.full(len(groups), np.nan), np.zeros(len(groups))
        hidden = np.zeros(len(groups), bool)
        for partition in self._of[whole]:
            own = [part for part in partition.parts if part not in partition.alternatives]
            rows, at = self._gathered(own, groups)
            hidden[at[self.cells.confidential[rows]]] = True
            given = self.given[rows]
            rows, at = rows[given], at[given]
            found = _added(at, self.cells.values[rows], len(groups))
            soft = _added(at, self.slack.of(rows)[0], len(groups))
            there = np.bincount(at, minlength=len(groups)) > 0
            for part in self._stand_ins(partition):
                bound, more, also = self._bound(part, groups)
                bound[at[self.codes[rows] == self.axis.codes.get(part, -2)]] = np.nan
                known = ~np.isnan(bound)
                found, soft = np.where(known, found + bound, found), np.where(known, soft + more, soft)
                hidden, there = hidden | (also & known), there | known
            better = there & ~(best >= found)
            best, slackness = np.where(better, found, best), np.where(better, soft, slackness)
        return best, slackness, hidden
