"""Could a figure that is not for the public be found from those that are? What is not found is not safe."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ..columns import Flags, Indices
from ..report import Severity
from ..rules import Rule
from ..schema import CONFIDENTIALITY, FREE
from .cells import Cells
from .cube import Axis
from .fault import Fault
from .given import Given, NotChecked, Yielded
from .picked import picked, possible, said


def small_count(cells: Cells, rule: Rule, given: Given) -> Iterator[Yielded]:
    """A small count is free for publication, though the provider's own rule suppresses such counts.

    Why: few persons in a cell may be recognised.
    Fix: set CONF_STATUS (A, small counts) or OBS_STATUS Q without the figure; protect the totals too.
    Example: OBS_VALUE 2 with CONF_STATUS F, where counts below 5 are suppressed.
    """
    least = float(rule.value("least", 0))
    if least <= 0:
        yield NotChecked("no_threshold")
        return
    if possible(cells, rule):
        rows = picked(cells, rule, np.flatnonzero((cells.values > 0) & (cells.values < least)))
        rows = rows[~cells.confidential[rows] | said(cells, CONFIDENTIALITY, ("", FREE), rows)]
        if len(rows):
            yield Fault(rows, cells.measure, None, {"least": least})


def recoverable_cell(cells: Cells, rule: Rule, given: Given) -> Iterator[Yielded]:
    """A suppressed figure follows from its total and the other parts.

    Why: whoever subtracts the parts from the total has it. Only the plainest case is looked for: one
    suppressed part of a total of which all else is open; that none is found does not make a table safe.
    Fix: suppress a second part as well (CONF_STATUS D), or the total.
    Example: of `_T`, `F` and `M` only `F` is confidential.
    """
    hidden = _hidden(cells, rule)
    axis = cells.axis(rule.component) if hidden is not None else None
    if axis is None or hidden is None:
        return
    for partition in rule.partitions:
        parts = [axis.codes[part] for part in partition.parts if part in axis.codes]
        if partition.whole in axis.codes and len(parts) > 1:
            rows = _alone(cells, rule, hidden, axis, axis.codes[partition.whole], parts)
            yield from _told(cells, rule, rows, partition.whole)


def _hidden(cells: Cells, rule: Rule) -> Flags | None:
    """Cells whose figure the public does not see; None where there are none.

    What opens by itself, at the end of an embargo, hides nothing for good.
    """
    marks: dict[str, Sequence[str]] = {CONFIDENTIALITY: rule.value("hidden"), **rule.value("withheld", {})}
    hidden = None
    for id, codes in marks.items():
        column = cells.dataset.coded(id)
        if column is not None and not set(codes).isdisjoint(column.values):
            flags = cells.is_one_of(id, codes) & cells.sound
            hidden = flags if hidden is None else hidden | flags
    return hidden


def _alone(cells: Cells, rule: Rule, hidden: Flags, axis: Axis, whole: int, parts: Sequence[int]) -> Indices:
    """The hidden cells that are the only part of an open whole that is not open.

    Where its own figure is there, it has to be what the rest leaves: else a part is missing from the file,
    and the rest does not tell it.
    """
    groups, wholes = axis.doubtful(whole, [], 0)
    open_ = ~hidden[wholes] & cells.given[wholes]
    groups, wholes = groups[open_], wholes[open_]
    rows, at = axis.gather(parts, groups)
    shut = hidden[rows]
    known = cells.given[rows]
    for id, codes in rule.value("nothing", {}).items():
        known |= said(cells, id, codes, rows)  # data that cannot exist count as none
    size = len(groups)
    fits = (np.bincount(at, shut, size) == 1) & (np.bincount(at, minlength=size) > 1)
    fits &= np.bincount(at, ~shut & ~known, size) == 0
    figures = np.nan_to_num(cells.values)
    rest = figures[wholes] - np.bincount(at, np.where(shut, 0, figures[rows]), size)
    single = shut & fits[at]
    found, at = rows[single], at[single]
    off = np.abs(cells.values[found] - rest[at])
    base = np.nan_to_num(cells.number(cells.scale.base)[found]) if cells.scale.base else 0.0
    return np.asarray(found[~(off > _NEAR + (len(parts) + 1) * base / 2)])


_NEAR = 0.5
"""Whole numbers that differ by less are the same."""


def _told(cells: Cells, rule: Rule, rows: Indices, whole: str) -> Iterator[Fault]:
    rows = picked(cells, rule, rows)
    grave = said(cells, CONFIDENTIALITY, rule.value("grave", []), rows)
    graded: tuple[tuple[Indices, Severity], ...] = ((rows[grave], "error"), (rows[~grave], "warning"))
    for own, severity in graded:
        if len(own):
            yield Fault(own, rule.component, whole, severity=severity, at=cells.measure)
