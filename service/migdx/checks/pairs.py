"""Pairs: rows of two tables that speak of the same, found by their codes, never one row after another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..columns import Indices
from ..dataset import Coded
from .cube import NONE

_SPAN = 1 << 62


def pairs(
    mine: Sequence[Coded], my_rows: Indices, theirs: Sequence[Coded], their_rows: Indices
) -> tuple[Indices, Indices]:
    """The rows of both that have the same texts in all columns, each with each, in the order of mine."""
    my_keys, their_keys = np.zeros(len(my_rows), np.int64), np.zeros(len(their_rows), np.int64)
    lost = np.zeros(len(my_rows), bool)
    span = 1
    for one, other in zip(mine, theirs, strict=True):
        size = len(other.values) + 1
        if span > _SPAN // size:
            _, dense = np.unique(np.concatenate((my_keys, their_keys)), return_inverse=True)
            my_keys, their_keys = np.split(dense.astype(np.int64), [len(my_rows)])
            span = len(dense)
        at = {value: index for index, value in enumerate(other.values)}
        moved = np.array([at.get(value, NONE) for value in one.values] + [NONE], np.int64)
        codes = moved[one.codes[my_rows]]
        lost |= codes == NONE
        my_keys = my_keys * size + codes + 1
        their_keys = their_keys * size + other.codes[their_rows] + 1
        span *= size
    my_keys[lost] = NONE
    first, second = joined(my_keys, their_keys)
    return my_rows[first], their_rows[second]


def joined(mine: Indices, theirs: Indices) -> tuple[Indices, Indices]:
    """The positions of equal numbers in both, each with each, in the order of `mine`."""
    order = np.argsort(theirs, kind="stable")
    ordered = theirs[order]
    begin = np.searchsorted(ordered, mine, "left")
    counts = np.searchsorted(ordered, mine, "right") - begin
    first = np.repeat(np.arange(len(mine)), counts)
    within = np.arange(len(first)) - np.repeat(np.cumsum(counts) - counts, counts)
    return first, order[np.repeat(begin, counts) + within]
