"""Do the parts add up to the whole?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..report import SAMPLE
from ..rules import Rule
from .cells import Cells
from .fault import Fault
from .given import Given, Yielded


def sum_of_parts(cells: Cells, rule: Rule, given: Given) -> Iterator[Yielded]:
    """The parts do not add up to the whole.

    Why: one of the figures is wrong, or a part is missing, and nobody can tell which.
    Fix: correct the whole or the part; declare rounding in `ROUND_BASE` and `ROUND_METHOD`.
    Example: `_T` = 120 where `F` = 60 and `M` = 50.
    """
    matrix = cells.pivot(rule.component)
    if matrix is None:
        return
    at = {code: index for index, code in enumerate(cells.coded(rule.component).values)}
    for partition in rule.partitions:
        parts = [at[part] for part in partition.parts if part in at]
        if partition.whole not in at or not parts:
            continue
        whole = matrix[at[partition.whole]]
        total = cells.values_at(whole)
        found = np.nansum(cells.values_at(matrix[parts]), axis=0)
        wrong = np.flatnonzero(~np.isnan(total) & (found > total))
        if len(wrong):
            rows = whole[wrong].astype(np.int64)
            sums = [cells.shown(*one) for one in zip(rows[:SAMPLE], found[wrong], strict=False)]
            yield Fault(rows, rule.component, partition.whole, expected_at=sums, at=cells.measure)
