"""Are times times, and of the frequency that the row says?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import numpy as np

from ..dataset import Columns, Dataset
from ..periods import KINDS, example, kind_of_frequency, parse_period
from ..schema import TEMPORAL
from .fault import Fault


def invalid_period(dataset: Dataset, columns: Columns) -> Iterator[Fault]:
    """A time period, or a date in an attribute, is not one of the forms of SDMX.

    Why: the figure has no place in time.
    Fix: 2023, 2023-S1, 2023-Q1, 2023-01 or 2023-M01, 2023-W01, 2023-01-31, or a range such as 2023-04-01/P1Y.
    Example: `31.12.2023`, `2023-13`.
    """
    for component in dataset.schema.components:
        column = dataset.coded(component.id)
        if column is None or component.text_type not in TEMPORAL:
            continue
        valid = _is_instant if component.text_type == "DateTime" else _is_period
        for at, value in enumerate(column.values):
            if value and not valid(value):
                rows = column.rows_of(at)
                if len(rows):
                    yield Fault(
                        rows, component.id, value, {"type": component.text_type, "example": _EXAMPLE[valid]}
                    )


def _is_period(text: str) -> bool:
    return parse_period(text) is not None


def _is_instant(text: str) -> bool:
    try:
        return "T" in text and bool(datetime.fromisoformat(text))
    except ValueError:
        return False


_EXAMPLE = {_is_period: "2023, 2023-Q1, 2023-01, 2023-01-31", _is_instant: "2023-01-31T12:00:00Z"}


def period_not_of_frequency(dataset: Dataset, columns: Columns) -> Iterator[Fault]:
    """The time period is of another length than the frequency says.

    Why: an annual figure under a month, or the reverse, is misread by every user.
    Fix: give the period in the form of the frequency, or correct FREQ.
    Example: `FREQ` = `A` with `TIME_PERIOD` = `2023-Q1`.
    """
    time = dataset.schema.time
    frequency, period = dataset.coded("FREQ"), dataset.coded(time.id) if time else None
    if time is None or frequency is None or period is None:
        return
    size = len(period.values) + 1
    pairs = (frequency.codes.astype(np.int64) + 1) * size + period.codes + 1
    for pair in np.unique(pairs):
        code, at = int(pair) // size - 1, int(pair) % size - 1
        if code < 0 or at < 0:
            continue
        kind = kind_of_frequency(frequency.values[code])
        found = parse_period(period.values[at])
        if kind and found and found.kind != kind:
            yield Fault(
                np.flatnonzero(pairs == pair),
                time.id,
                period.values[at],
                {"frequency": frequency.values[code], "kind": KINDS[kind], "example": example(kind)},
                {"given": KINDS[found.kind]},
            )
