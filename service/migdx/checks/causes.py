"""Causes: a consequence is not told of the rows of which its cause is told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from ..columns import Located
from ..dataset import Dataset
from .fault import part
from .keys import groups

_GRAVITY = {"error": 2, "warning": 1, "information": 0}

_OF_A_ROW = (
    "missing_value", "unknown_code", "outside_constraint", "not_your_area", "not_a_number", "invalid_period",
    "period_not_of_frequency", "key_differs", "duplicate_key", "series_attribute_varies",
)  # fmt: skip

_OF_A_FIGURE = ("unusual_change", "outlier", "unusual_ratio", "level_shift_without_break", "small_count")
_WRONG_FIGURES = ("grouped_by_points", "negative_count", "not_whole")

CAUSES: Mapping[str, Sequence[str]] = {
    **dict.fromkeys(_OF_A_ROW, ("shifted_columns",)),
    **dict.fromkeys(_OF_A_FIGURE, _WRONG_FIGURES),
    "duplicate_key": ("shifted_columns", "total_differs"),
    "not_whole": ("grouped_by_points",),
    "unusual_change": ("level_shift_without_break", *_WRONG_FIGURES),
    "outlier": ("level_shift_without_break", "unusual_change", *_WRONG_FIGURES),
    **dict.fromkeys(("gap_in_years", "date_outside_period", "date_not_as_collected"), ("future_period",)),
    "date_not_as_collected": ("future_period", "date_outside_period"),
}
"""By a check: those that explain what it finds in the same rows. A cause less severe explains nothing."""


def without_consequences(found: Iterable[Located], dataset: Dataset) -> list[Located]:
    """The findings of a dataset, each of the rows that none of its causes touches."""
    told = list(found)
    by_code: dict[str, list[Located]] = {}
    for one in told:
        by_code.setdefault(one.finding.code, []).append(one)
    kept = []
    for one in told:
        causes = [
            cause
            for name in CAUSES.get(one.finding.code, ())
            for cause in by_code.get(name, ())
            if _GRAVITY[cause.finding.severity] >= _GRAVITY[one.finding.severity]
        ]
        left = _without(one, causes, dataset) if causes and len(one.records) else one
        if left is not None:
            kept.append(left)
    return kept


def _without(one: Located, causes: Sequence[Located], dataset: Dataset) -> Located | None:
    """A finding of the rows that its causes do not touch, None where there are none."""
    explained = np.zeros(len(dataset), bool)
    for cause in causes:
        explained[cause.records] = True
    left = ~explained[one.records]
    if left.all() or not left.any():
        return one if left.any() else None
    found = part(one, left, int(left.sum()), dataset)
    if "keys" not in one.finding.values:
        return found
    values = {**one.finding.values, "keys": groups(dataset, found.records)}
    return replace(found, finding=replace(found.finding, values=values))
