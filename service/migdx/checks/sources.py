"""What a provider says of the same from two sources: a census and a register, a question and a register."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from ..columns import Flags
from ..report import SAMPLE
from ..rules import Rule
from .cells import Cells
from .fault import Fault
from .given import Given, Yielded
from .pairs import joined


def sources_differ(cells: Cells, rule: Rule, given: Given) -> Iterator[Yielded]:
    """Two sources of one provider give figures for the same that lie apart.

    Why: a census and a register are seldom equal; who uses both should know by how much, and which one the
    official series rests on.
    Fix: nothing has to be changed. Say in `SOURCE_TYPE` and `COMMENT_OBS` what each figure rests on; where a
    register was put right after a census, give a break (`OBS_STATUS` B) and its `BREAK_REASON`.
    Example: 612,000 born abroad by the census, 655,000 by the register, of the same year.
    """
    both = cells.beside(given.previous)
    open_ = both.given & ~both.confidential & both.chosen(rule.where)
    key = both.without(rule.value("across")).of
    one = np.flatnonzero(open_ & _any(both, rule.value("one")))
    other = np.flatnonzero(open_ & _any(both, rule.value("other")))
    first, second = joined(key[one], key[other])
    one, other = one[first], other[second]
    sent = (one < both.own) | (other < both.own)
    apart = np.abs(both.values[one] - both.values[other])
    far = (apart > rule.value("share") * np.abs(both.values[other])) & (apart > rule.value("difference"))
    found = np.flatnonzero(sent & far)
    if len(found):
        found = found[np.argsort(-apart[found], kind="stable")]
        mine = one[found] < both.own
        rows = np.where(mine, one[found], other[found])
        beside = np.where(mine, other[found], one[found])
        _, firsts = np.unique(rows, return_index=True)
        firsts.sort()
        rows, beside = rows[firsts], beside[firsts]
        names = both.coded(rule.value("across"))
        told = [
            f"{both.shown(int(row), float(both.values[at]))} ({names.text(int(at))})"
            for row, at in zip(rows[:SAMPLE], beside[:SAMPLE], strict=True)
        ]
        values = {"pairs": int(sent.sum()), "percent": f"{100 * rule.value('share'):.12g}"}
        yield Fault(rows, rule.value("across"), values=values, expected_at=told, at=cells.measure)


def _any(cells: Cells, wheres: Sequence[Mapping[str, Sequence[str]]]) -> Flags:
    """Rows that one of the alternatives chooses."""
    found = np.zeros(len(cells), bool)
    for where in wheres:
        found |= cells.chosen(where)
    return found
