"""Equations: a figure and the terms that it is made of, laid out as columns of row numbers.

A rule names the dimension whose codes are the terms (`component`), the `whole`, and `terms`: each a code with
a sign (1 or -1), perhaps `optional` (nothing is taken where it is not given), perhaps `at`: codes of other
dimensions under which it stands, where they are not those of `group`, under which the whole stands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from ..columns import Flags, Indices
from ..rules import Rule
from ..schema import STATUS
from .cells import Cells
from .cube import NONE, Floats
from .picked import said
from .tolerance import noise, slack

CANNOT_EXIST = "M"
"""OBS_STATUS of a figure that cannot exist: a structural zero."""


@dataclass(frozen=True)
class Term:
    """One term of an equation, as a rule names it."""

    code: str
    sign: float = 1.0
    at: Mapping[str, str] = field(default_factory=dict)
    optional: bool = False

    @classmethod
    def all_of(cls, rule: Rule) -> tuple[Term, ...]:
        return tuple(cls(**entry) for entry in rule.value("terms"))


@dataclass(frozen=True)
class Equations:
    """One column for each whole that could stand in the data, also where it does not.

    `wholes` are the rows of the wholes, `parts` those of the terms in their order, NONE where there is none.
    """

    cells: Cells
    component: str
    terms: tuple[Term, ...]
    wholes: Indices
    parts: Indices

    @classmethod
    def of(cls, cells: Cells, rule: Rule, *, given: bool = False) -> Equations | None:
        """Those with at least one row of the file under the whole's own codes; None where there are none.

        `given`: only those whose whole has a figure.
        """
        terms, group = Term.all_of(rule), dict[str, str](rule.value("group", {}))
        moved = {id for term in terms for id in term.at}
        spots = [(str(rule.value("whole")), group), *((term.code, {**group, **term.at}) for term in terms)]
        chosen = cells.chosen(rule.where)
        found = [_rows(cells, chosen, rule.component, code, spot) for code, spot in spots]
        if given:
            found[0] = found[0][cells.given[found[0]]]
            if not len(found[0]):
                return None
        groups = cells.without(rule.component, *group, *moved)
        wanted, own = np.zeros(groups.count, bool), np.zeros(groups.count, bool)
        for rows, (_, spot) in zip(found, spots, strict=True):
            if spot == group:
                own[groups.of[rows[rows < cells.own]]] = True
        wanted[groups.of[found[0]]] = True
        wanted = wanted & own if given else own
        places = np.where(wanted, np.cumsum(wanted) - 1, NONE)
        matrix = np.full((len(spots), int(wanted.sum())), NONE, np.int64)
        for at, rows in enumerate(found):
            place = places[groups.of[rows]]
            matrix[at, place[place >= 0]] = rows[place >= 0]
        return cls(cells, rule.component, terms, matrix[0], matrix[1:]) if matrix.size else None

    def __len__(self) -> int:
        return len(self.wholes)

    def take(self, which: Flags | Indices) -> Equations:
        return Equations(self.cells, self.component, self.terms, self.wholes[which], self.parts[:, which])

    @cached_property
    def matrix(self) -> Indices:
        """The rows of the wholes, then those of the terms."""
        return np.concatenate((self.wholes[None, :], self.parts))

    @cached_property
    def figures(self) -> Floats:
        """The figures of `matrix`, NaN where there is none; 0 where it cannot exist."""
        found = self.cells.values_at(self.matrix)
        zero = self._at(self.cells.status(CANNOT_EXIST)) & np.isnan(found)
        return np.where(zero, 0.0, found)

    @cached_property
    def optional(self) -> Flags:
        """Per row of `matrix`, whether it may be absent."""
        return np.array([False, *(term.optional for term in self.terms)])

    @cached_property
    def hidden(self) -> Flags:
        """Per column, whether one of its figures is confidential: none of them is shown then."""
        return np.asarray(self._at(self.cells.confidential).any(axis=0))

    @cached_property
    def missing(self) -> Flags:
        """Per place of `matrix`, whether a figure is needed and is not there."""
        absent = np.isnan(self.figures)
        given = self.matrix >= 0  # a term that was sent without a figure is no term that may be absent
        return absent & (~self.optional[:, None] | given | self.doubtful)

    @cached_property
    def doubtful(self) -> Flags:
        """Per column, whether a faulty row of the same period may be a term that seems to be absent."""
        cells = self.cells
        component, time = cells.dataset.schema.by_id.get(self.component), cells.dataset.schema.time
        known = component.codes - {term.code for term in self.terms if term.optional} if component else ()
        unsound = ~cells.sound & ~cells.is_one_of(self.component, tuple(known))
        if time is None or not unsound.any():
            return np.zeros(len(self), bool)
        periods = cells.coded(time.id).codes
        lost = np.isin(periods, np.append(periods[unsound], -1))
        return self.marked(lost)

    @cached_property
    def whole(self) -> Flags:
        """Per column, whether nothing is missing."""
        return np.asarray(~self.missing.any(axis=0))

    @cached_property
    def expected(self) -> Floats:
        """What the terms make; NaN where one is missing."""
        signs = np.array([term.sign for term in self.terms])
        made = (np.where(np.isnan(self.figures[1:]), 0.0, self.figures[1:]) * signs[:, None]).sum(axis=0)
        return np.where(self.missing[1:].any(axis=0), np.nan, made)

    @cached_property
    def slack(self) -> tuple[Floats, Floats]:
        """Per column the difference that rounding allows, and the one above which something is wrong."""
        there = self.matrix >= 0
        each = slack(self.cells).of(self.matrix.ravel())
        soft, hard = (np.where(there, part.reshape(there.shape), 0.0).sum(axis=0) for part in each)
        doubt = noise(np.nansum(np.abs(self.figures), axis=0))
        return soft + doubt, hard + doubt

    def marked(self, marks: Flags) -> Flags:
        """Per column, whether one of its rows is marked."""
        return np.asarray(self._at(marks).any(axis=0))

    def all_marked(self, marks: Flags) -> Flags:
        """Per column, whether each row that is there is marked."""
        return np.asarray((self._at(marks) | (self.matrix < 0)).all(axis=0))

    @property
    def rows(self) -> Indices:
        """Per column a row of the file: the whole's, or that of the first term that is in the file."""
        own = (self.matrix >= 0) & (self.matrix < self.cells.own)
        first = own.argmax(axis=0)
        return np.asarray(self.matrix[first, np.arange(len(self))])

    def _at(self, flags: Flags) -> Flags:
        return np.asarray(np.append(flags, False)[self.matrix])  # the last serves NONE

    def status(self, codes: Sequence[str]) -> Flags:
        """Per column, whether all that is there has one of these statuses."""
        return self.all_marked(self.cells.is_one_of(STATUS, codes))


def _rows(cells: Cells, chosen: Flags, component: str, code: str, spot: Mapping[str, str]) -> Indices:
    """Those of the chosen rows that have a code, and those of a spot in other dimensions."""
    rows = np.flatnonzero(chosen & cells.is_one_of(component, (code,)))
    for id, other in spot.items():
        rows = rows[said(cells, id, (other,), rows)]
    return rows
