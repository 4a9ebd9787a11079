"""Are times times, of the frequency that the row says, and when may they be seen?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np

from ..columns import Columns
from ..dataset import Coded, Dataset
from ..periods import KINDS, example, kind_of_frequency, parse_period
from ..schema import EMBARGO, TEMPORAL
from .fault import Fault, by_value


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
        wrong = [at for at, value in enumerate(column.values) if value and not valid(value)]
        expected = {"type": component.text_type, "example": _EXAMPLE[valid]}
        for rows, value, distinct in by_value(column, wrong):
            more = {} if value is not None else {"distinctValues": distinct}
            yield Fault(rows, component.id, value, expected | more)


def _is_period(text: str) -> bool:
    return parse_period(text) is not None


def _is_instant(text: str) -> bool:
    return "T" in text and _instant(text) is not None


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
    kinds = [found.kind if (found := parse_period(text)) else "" for text in period.values]
    for code, text in enumerate(frequency.values):
        kind = kind_of_frequency(text)
        wrong = [at for at, found in enumerate(kinds) if found and found != kind] if kind else []
        rows = frequency.rows_of(code) if wrong else ()
        if kind and len(rows):
            here = Coded(period.values, period.codes[rows])
            expected = {"frequency": text, "kind": KINDS[kind], "example": example(kind)}
            for found_rows, value, distinct in by_value(here, wrong):
                more = {} if value is not None else {"distinctValues": distinct}
                yield Fault(rows[found_rows], time.id, value, expected | more)


def embargo_asked(dataset: Dataset, columns: Columns) -> Iterator[Fault]:
    """Rows ask for an embargo.

    Why: figures become public when they are released; what a row says is a request to the compiler, who can
    not release the file for an earlier instant than the latest that it asks for.
    Fix: nothing, if that is meant; else leave EMBARGO_TIME empty. An instant without a zone is read as UTC.
    Example: `EMBARGO_TIME` = `2027-03-01T09:00:00+01:00`.
    """
    column = dataset.coded(EMBARGO)
    if column is None:
        return
    asked = {at: instant for at, value in enumerate(column.values) if value and (instant := _instant(value))}
    rows = np.flatnonzero(np.isin(column.codes, list(asked)))
    if len(rows):
        yield Fault(rows, EMBARGO, max(asked.values()).isoformat())


def _instant(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
