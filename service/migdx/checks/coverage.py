"""Is there what every country is asked for, and how far does a provider's coverage go?

A breakdown is a list of crossings, of which one is enough (`any`) or all are needed (`all`). A crossing names
for each dimension groups of codes, each a regular expression; every combination of its groups is to be there.
A row counts with a figure, or with a status that says why it has none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, product
from typing import Any

import numpy as np
import numpy.typing as npt

from ..columns import Flags, Indices
from ..rules import Rule
from ..schema import STATUS
from .cells import Cells
from .cube import NONE
from .fault import Fault
from .given import Given, Note, Yielded

Crossing = Mapping[str, Sequence[str]]
Breakdown = Mapping[str, Any]


def core_incomplete(cells: Cells, rule: Rule, given: Given) -> Iterator[Yielded]:
    """A core indicator is not broken down by all of its primary topics.

    Why: without them nobody can see how women and men, or children and adults, fare.
    Fix: send the missing breakdown; where there is none, send its rows without a figure and with a status.
    Example: a share by sex, and none by age with at least those under 18 and those over.
    """
    both = cells.beside(given.previous)
    if rule.value("steps", ()):
        yield from _steps(both, rule)
    if rule.value("topics", {}):
        yield from _indicators(both, rule)


def _indicators(cells: Cells, rule: Rule) -> Iterator[Yielded]:
    """Each core indicator of the file by its own topics, as the annotations of its code name them.

    `exempt` names for a topic the indicators that are about one of its groups by definition.
    """
    component, column = cells.dataset.schema.by_id[rule.component], cells.coded(rule.component)
    topics: Mapping[str, Breakdown] = rule.value("topics")
    exempt: Mapping[str, Sequence[str]] = rule.value("exempt", {})
    told = _told(cells, rule, topics.values())
    for at, code in enumerate(column.values):
        notes = {note.type: note.title for note in getattr(component.code(code), "annotations", ())}
        if notes.get(rule.value("core")["annotation"]) != rule.value("core")["value"]:
            continue
        blocks = _Blocks(cells, told[column.codes[told] == at], rule)
        if not blocks.own.any():
            continue
        asked = [
            topic
            for topic in notes.get(rule.value("annotation"), "").split()
            if topic in topics and code not in exempt.get(topic, ())
        ]
        reached = {topic: blocks.reach(topics[topic]) for topic in asked}
        missing = np.array([blocks.own & ~reached[topic] for topic in asked]).reshape(len(asked), -1)
        steps = [
            {"name": topic, "count": int(found[blocks.own].sum()), "of": int(blocks.own.sum())}
            for topic, found in reached.items()
        ]
        lacking = [topic for topic, without in zip(asked, missing, strict=True) if without.any()]
        yield Note("coverage", {"name": code, "steps": steps, "missing": lacking})
        for kind in np.unique(missing.T, axis=0):
            if kind.any():
                wrong = np.flatnonzero((kind == missing.T).all(axis=1))
                names = ", ".join(topic for topic, without in zip(asked, kind, strict=True) if without)
                yield Fault(blocks.first[wrong], rule.component, code, values={"topics": names})


def _steps(cells: Cells, rule: Rule) -> Iterator[Yielded]:
    """How many areas and periods reach each step; what the first step that some do not reach is missing."""
    blocks = _Blocks(cells, _told(cells, rule, rule.value("steps")), rule)
    if not blocks.own.any():
        return
    steps, missing = [], list[str]()
    for step in rule.value("steps"):
        reached = blocks.reach(step)[blocks.own]
        steps.append({"name": step["name"], "count": int(reached.sum()), "of": len(reached)})
        if not reached.all() and not missing:
            missing = blocks.lacking(step)
    yield Note("coverage", {"name": dict(rule.title), "steps": steps, "missing": missing})


def _told(cells: Cells, rule: Rule, breakdowns: Iterable[Breakdown]) -> Indices:
    """Rows that say something, be it why there is no figure: the first of each kind that the patterns tell
    apart, of each area and period. Rows are looked at once, patterns at kinds only."""
    told = cells.chosen(rule.where)
    if not cells.given.all():
        told = told & (cells.given | ~cells.is_one_of(STATUS, [""]) | cells.confidential)
    of, count = _kinds(cells, rule, breakdowns)
    first = np.full(count, NONE, np.int64)
    rows = np.arange(len(cells))[::-1]
    if told.all():
        first[of[::-1]] = rows  # of the rows of one kind the last that is written, which is the first
    else:
        rows = rows[told[::-1]]
        first[of[rows]] = rows
    return np.sort(first[first != NONE])


def _kinds(
    cells: Cells, rule: Rule, breakdowns: Iterable[Breakdown]
) -> tuple[npt.NDArray[np.signedinteger[Any]], int]:
    """The number of each row's kind, and up to where they may go."""
    patterns: dict[str, set[str]] = {}
    for crossing in chain(*(chain(one.get("any", ()), one.get("all", ())) for one in breakdowns)):
        for id, some in crossing.items():
            patterns.setdefault(id, set()).update(some)
    number, span = np.zeros(len(cells), np.int32), 1
    for id in dict.fromkeys([*rule.value("each"), *([rule.component] if rule.component else []), *patterns]):
        column, classes = cells.coded(id), dict[object, int]()
        kinds = [
            tuple(bool(re.fullmatch(one, value)) for one in patterns[id]) if id in patterns else value
            for value in (*column.values, "")  # the last serves index -1
        ]
        table = np.array([classes.setdefault(kind, len(classes)) for kind in kinds], np.int32)
        if not table.any():
            continue
        span *= len(classes)
        if span > len(cells) * 8 + 1024:  # a sparse table would be larger than the rows
            groups = cells.groups([*rule.value("each"), *filter(None, [rule.component]), *patterns])
            return groups.of, groups.count
        number *= len(classes)
        number += table[column.codes]
    return number, span


class _Blocks:
    """Rows by what coverage is judged for (`each`: area and period), and what of them is in the file.

    `first` is the first row of each block, `own` whether the file has a row of it.
    """

    def __init__(self, cells: Cells, rows: Indices, rule: Rule) -> None:
        self._cells, self._rows = cells, rows
        groups = cells.groups(rule.value("each")).of[rows]
        _, first, of = np.unique(groups, return_index=True, return_inverse=True)
        self.first, self._of = rows[first], of
        self.own = self.first < cells.own

    def reach(self, breakdown: Breakdown) -> Flags:
        """Per block, whether the breakdown is there."""
        if "any" in breakdown:
            return np.asarray(np.stack([self._crossed(one) for one in breakdown["any"]]).any(axis=0))
        return np.asarray(np.stack([self._crossed(one) for one in breakdown["all"]]).all(axis=0))

    def lacking(self, breakdown: Breakdown) -> list[str]:
        """The combinations that some block of the file does not have, as their groups are written."""
        return [
            " x ".join(groups)
            for crossing in breakdown.get("any", breakdown.get("all", ()))
            for groups, there in self._combinations(crossing)
            if not there[self.own].all()
        ]

    def _crossed(self, crossing: Crossing) -> Flags:
        return np.asarray(np.stack([there for _, there in self._combinations(crossing)]).all(axis=0))

    def _combinations(self, crossing: Crossing) -> Iterator[tuple[tuple[str, ...], Flags]]:
        for groups in product(*crossing.values()):
            flags = np.ones(len(self._rows), bool)
            for id, pattern in zip(crossing, groups, strict=True):
                flags &= self._matching(id, pattern)
            yield groups, np.bincount(self._of, flags, len(self.first)) > 0

    def _matching(self, id: str, pattern: str) -> Flags:
        column = self._cells.coded(id)
        fits = np.array([re.fullmatch(pattern, value) is not None for value in column.values] + [False])
        return np.asarray(fits[column.codes[self._rows]])
