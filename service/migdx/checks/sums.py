"""Do the parts add up to the whole?

With every part that has to be there the sum is the total, but for rounding; with some, it is no more than the
total. How a difference is told depends on what could explain it: rounding that nobody declared, or cases of
which something is unknown and that no part was given.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..columns import Flags, Indices
from ..report import SAMPLE, Severity
from ..rules import Partition, Rule
from .adding import Adding, Sums, is_rest, signed
from .cells import Cells
from .fault import Fault
from .given import Given, NotChecked, Yielded

REMAINDER = 0.05
"""The share of a total that may be left for what is unknown without a part that says so."""


def sum_of_parts(cells: Cells, rule: Rule, given: Given) -> Iterator[Yielded]:
    """The parts do not add up to the whole.

    Why: one of the figures is wrong, or a part is missing, and nobody can tell which.
    Fix: correct the whole or the part; give what is unknown a row of its own (`_U`); declare rounding in
    `ROUND_BASE` and `ROUND_METHOD`. A small difference is a warning where rounding was not declared, or
    where figures were perturbed.
    Example: `_T` = 120 where `F` = 60 and `M` = 50.
    """
    yield from _outcomes(cells, rule)


def parts_exceed_whole(cells: Cells, rule: Rule, given: Given) -> Iterator[Yielded]:
    """Some of the parts are together more than the whole.

    Why: whatever the parts that were not given may be, one of the figures is wrong.
    Fix: correct the whole or the part; look for a part that was given twice, or a region beside its areas.
    Example: `_T` = 100 where `F` = 110 and `M` is not given.
    """
    yield from _outcomes(cells, rule, "parts_exceed_whole")


def unexplained_remainder(cells: Cells, rule: Rule, given: Given) -> Iterator[Yielded]:
    """The parts leave something of the whole over, and no part says that it is unknown.

    Why: readers add the parts up and miss the rest; the rest is taken for what is unknown.
    Fix: nothing, if the rest is what is unknown or smaller areas that were not listed; better, give it a
    row of its own (`_U`).
    Example: `_T` = 100 where `F` = 49, `M` = 50, and there is no `_U`.
    """
    yield from _outcomes(cells, rule, "unexplained_remainder")


def _outcomes(cells: Cells, rule: Rule, only: str = "") -> Iterator[Yielded]:
    """Faults of the three kinds, of each whole, and how many sums could not be tested."""
    axis = cells.axis(rule.component)
    if axis is None:
        return
    adding = Adding(cells, rule, axis)
    if adding.chosen is not None and not adding.chosen.any():
        return
    untested = 0
    for partitions in adding.wholes.values():
        pending: Indices | None = None  # groups that no partition of the whole could be tested in
        told, started = [_NOBODY], [_NOBODY]
        for partition in partitions:
            if pending is not None and not len(pending) and not adding.whole_here(partition):
                break  # as none of those that follow is
            made = adding.sums(partition, *_asked(adding, partition, pending))
            left = made.groups[~made.complete]
            pending = left if pending is None else pending[_in(pending, [left])]
            started.append(made.groups[~made.complete & ~made.empty])
            again = _in(made.groups, told)
            made = made.take(~again) if again.any() else made
            for check, severity, flags in _kinds(adding, partition, made):
                if flags.any():
                    told.append(made.groups[flags])
                    if only in ("", check):
                        yield from _faults(adding, partition, made, flags, check, severity)
        untested += int(_in(pending, started).sum()) if pending is not None else 0
    if untested and only != "unexplained_remainder":
        yield NotChecked("missing_parts", untested)


_NOBODY: Indices = np.zeros(0, np.int64)


def _asked(adding: Adding, partition: Partition, pending: Indices | None) -> tuple[Indices, Indices]:
    """The groups in which a partition is to be looked at, and the rows of the whole."""
    groups, rows = adding.doubtful(partition)
    if pending is None or adding.whole_here(partition):
        return groups, rows
    inside = _in(groups, [pending])
    return groups[inside], rows[inside]


def _in(groups: Indices, others: Sequence[Indices]) -> Flags:
    """Which of some ascending groups are among others, each ascending."""
    found = np.zeros(len(groups), bool)
    for other in others:
        if len(other) and len(groups):
            at = np.searchsorted(other, groups)
            found |= other[np.minimum(at, len(other) - 1)] == groups
    return found


def _kinds(adding: Adding, partition: Partition, made: Sums) -> Iterator[tuple[str, Severity | None, Flags]]:
    """What is wrong, or to be known, of which sums."""
    over, under = made.least - made.total, made.total - made.found
    may_be_negative = signed(adding.cells, adding.rule, made.rows)
    too_much = (over > made.soft) & ~may_be_negative & ~made.empty
    off = np.abs(under) > made.soft
    certain = np.abs(under) > made.hard
    if adding.open:
        yield "parts_exceed_whole", None, too_much & (over > made.hard)
        yield "parts_exceed_whole", "warning", too_much & ~(over > made.hard)
        yield "sum_of_parts", "warning", made.complete & made.rest & off & ~too_much
        yield (
            "unexplained_remainder",
            "information",
            made.complete & ~made.rest & off & (under > 0) & ~may_be_negative,
        )
        return
    partial = too_much & ~made.complete
    yield "parts_exceed_whole", None, partial & (over > made.hard)
    yield "parts_exceed_whole", "warning", partial & ~(over > made.hard)
    unknown = any(is_rest(part) for part in partition.parts)
    most = float(adding.rule.value("remainder", REMAINDER)) * np.abs(made.total)
    implied = made.complete & off & ~made.rest & (under > 0) & (under <= most) & unknown
    yield "unexplained_remainder", "information", implied
    wrong = made.complete & off & ~implied
    yield "sum_of_parts", None, wrong & certain
    yield "sum_of_parts", "warning", wrong & ~certain


def _faults(
    adding: Adding, partition: Partition, made: Sums, flags: Flags, check: str, severity: Severity | None
) -> Iterator[Fault]:
    """Of the flagged sums: one for those of figures in one scale, one for those that mix multipliers."""
    for mixed in (False, True):
        here = np.flatnonzero(flags & (made.mixed if mixed else ~made.mixed))
        if not len(here):
            continue
        here = here[np.argsort(made.rows[here], kind="stable")]
        values: dict[str, Any] = {"parts": _short(adding, partition.parts)}
        if check == "unexplained_remainder":
            values |= _largest(made.take(here))
        if mixed:
            values["reason"] = "multipliers"
        if severity == "warning" and adding.rule.severity != "error":
            severity = None  # the rule's is no stronger
        yield Fault(
            made.rows[here],
            adding.rule.component,
            partition.whole,
            values=values,
            expected_at=_shown(adding.cells, made.take(here[:SAMPLE])),
            severity=severity,
            at=adding.cells.measure,
            check=check,
        )


def _shown(cells: Cells, made: Sums) -> Sequence[str]:
    """What was found, blank where that could tell a confidential figure."""
    return [
        "" if hidden else cells.shown(int(row), float(found))
        for row, found, hidden in zip(made.rows, made.found, made.hidden, strict=True)
    ]


def _largest(made: Sums) -> dict[str, Any]:
    """The largest remainder that may be shown, in units, and its share of the whole in percent."""
    rest = np.where(made.hidden, 0.0, made.total - made.found)
    at = int(rest.argmax())
    if rest[at] <= 0:
        return {"amount": "?", "share": "?"}
    share = 100 * rest[at] / made.total[at] if made.total[at] else 100.0
    return {"amount": f"{rest[at]:.12g}", "share": f"{share:.1f}"}


_NAMED = 3


def _short(adding: Adding, parts: Sequence[str]) -> str:
    """Parts that the file has, by name while they are few: F + M, 004 + 008 + 012 + … (212)."""
    there = [part for part in parts if part in adding.axis.codes]
    if len(there) <= _NAMED + 2:
        return " + ".join(there or parts[:_NAMED])
    return f"{' + '.join(there[:_NAMED])} + … ({len(there)})"
