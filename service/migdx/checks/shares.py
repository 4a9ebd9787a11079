"""Is a share what its part and its whole make of it?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ..columns import Indices
from ..report import SAMPLE
from ..rules import Rule
from .cells import Cells
from .cube import Floats
from .fault import Fault
from .given import Given, NotChecked, Yielded
from .pairs import joined
from .tolerance import noise, slack


def share_differs(cells: Cells, rule: Rule, given: Given) -> Iterator[Yielded]:
    """A share is not what the part and the whole beside it make.

    Why: one of the three figures is wrong, or the share is one of another whole than it is taken for.
    Fix: work the share out again from the two counts; where it is of another whole, send it under its own
    key.
    Example: 1 200 who were born abroad of 10 000 residents, and a share of 14 per cent.
    """
    shares = np.flatnonzero(cells.chosen(rule.where) & cells.given)
    if not len(shares):
        return
    share, part = _beside(cells, shares, rule.value("part"))
    both, whole = _beside(cells, share, rule.value("whole"))
    # a share comes once by its part; `both` are shares again, so that their parts are found by place
    part = part[np.searchsorted(share, both)]
    share = both
    known = cells.values[whole] > 0
    share, part, whole = share[known], part[known], whole[known]
    if len(share) < len(shares):
        yield NotChecked("missing_terms", len(shares) - len(share))
    per = float(rule.value("per", 100))
    made = per * cells.values[part] / cells.values[whole]
    gap = np.abs(cells.values[share] - made)
    soft, hard = _slack(cells, share, part, whole, per)
    for severity, which in ((None, gap > hard), ("warning", (gap > soft) & ~(gap > hard))):
        if which.any():
            yield _fault(cells, rule, share[which], part[which], whole[which], made[which], severity)


def _beside(cells: Cells, rows: Indices, codes: Mapping[str, str]) -> tuple[Indices, Indices]:
    """Each row with the one that has these codes, and all else the same; in the order of rows."""
    key = cells.without(*codes).of
    others = cells.given.copy()
    for id, code in codes.items():
        others &= cells.is_one_of(id, [code])
    found = np.flatnonzero(others)
    _, last = np.unique(key[found][::-1], return_index=True)  # of several with one key the last counts
    found = found[len(found) - 1 - last]
    first, second = joined(key[rows], key[found])
    return rows[first], found[second]


def _slack(cells: Cells, share: Indices, part: Indices, whole: Indices, per: float) -> tuple[Floats, Floats]:
    """What rounding of the three figures allows, and what none explains."""
    own, counts = slack(cells, 0.0).of(share), slack(cells)
    of_part, of_whole = counts.of(part), counts.of(whole)
    size, ratio = cells.values[whole], cells.values[part] / cells.values[whole]
    soft, hard = (
        own[at] + per * (of_part[at] + ratio * of_whole[at]) / size + noise(np.full(len(share), per))
        for at in (0, 1)
    )
    return soft, hard


def _fault(
    cells: Cells, rule: Rule, share: Indices, part: Indices, whole: Indices, made: Floats, severity: Any
) -> Fault:
    hidden = cells.confidential[share] | cells.confidential[part] | cells.confidential[whole]
    told = ["" if secret else f"{figure:.2f}" for figure, secret in zip(made, hidden, strict=True)]
    values = {} if hidden[0] else {"given": f"{cells.values[share[0]]:.12g}", "made": told[0]}
    return Fault(
        share, rule.component, values=values, expected_at=told[:SAMPLE], severity=severity, at=cells.measure
    )
