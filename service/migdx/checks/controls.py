"""How far is a figure from that of a table that others have made of the same?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..columns import each_once
from ..report import SAMPLE
from ..rules import Rule
from .cells import Cells
from .fault import Fault
from .given import Given, NotChecked, Yielded
from .pairs import pairs


def differs_from_control(cells: Cells, rule: Rule, given: Given) -> Iterator[Yielded]:
    """A figure lies apart from that of a control table, which others have made of the same.

    Why: the table is an estimate and may be the one that is wrong; yet a factor of ten, a column too far or
    another population show at once beside it.
    Fix: nothing has to be changed. Look at the figure once more; where it holds, say in `COMMENT_OBS` what
    it counts and what it leaves out.
    Example: 83,000 residents where the estimate has 83,149,000: thousands without `UNIT_MULT` 3.
    """
    control = given.controls[rule.id]
    table = Cells(control.dataset, cells.scale)
    chosen = cells.chosen(rule.where)
    closed = int((chosen & cells.confidential).sum())
    if closed:
        yield NotChecked("closed_figure", closed)
    rows = np.flatnonzero(chosen & cells.given & ~cells.confidential)
    on = rule.value("on")
    columns = [cells.coded(id) for id in on], [table.coded(id) for id in on]
    mine, theirs = pairs(columns[0], rows, columns[1], np.flatnonzero(table.given))
    alone = len(rows) - len(each_once(mine))
    if alone:
        yield NotChecked("not_in_control", alone)
    estimate = table.values[theirs]
    apart = np.abs(cells.values[mine] - estimate)
    far = (apart > rule.value("share") * np.abs(estimate)) & (apart > rule.value("difference"))
    found = np.flatnonzero(far)
    if len(found):
        found = found[np.argsort(-(apart[found] / np.maximum(estimate[found], 1)), kind="stable")]
        source = control.origins[0]["source"]  # what others estimate is never shown as if it were the figure
        expected = zip(mine[found][:SAMPLE], estimate[found][:SAMPLE], strict=True)
        values = {
            "table": source,
            "percent": f"{100 * rule.value('share'):.12g}",
            "pairs": len(mine),
        }
        told = [f"{cells.shown(int(row), float(figure))} ({source})" for row, figure in expected]
        yield Fault(mine[found], values=values, expected_at=told, at=cells.measure)
