"""SDMX time periods: what a text such as 2023, 2023-Q2 or 2023-01-01/P1Y covers, in days.

SDMX 3.0 Information Model, section 4.2.14, and Technical Notes (Section 6), 4.2: Gregorian, reporting,
distinct and range periods. A period is a closed interval of days since 1970-01-01; comparisons between
frequencies are comparisons of these intervals. Reporting years start on --01-01 here.
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache

EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Period:
    """`start` and `end` are days since 1970-01-01, both inside; `kind` is its letter in KINDS."""

    text: str
    start: int
    end: int
    kind: str


KINDS = {
    "A": "year",
    "S": "half-year",
    "T": "trimester",
    "Q": "quarter",
    "M": "month",
    "W": "week",
    "D": "day",
    "I": "instant",
    "R": "range",
}

FREQUENCIES = {
    "A": "A",
    "S": "S",
    "T": "T",
    "A_3": "T",
    "Q": "Q",
    "M": "M",
    "W": "W",
    "D": "D",
    "B": "D",
    "H": "I",
    "N": "I",
}
"""The kind of period that a code of CL_FREQ asks for."""
_EXAMPLES = {
    "A": "2023",
    "S": "2023-S1",
    "T": "2023-T1",
    "Q": "2023-Q1",
    "M": "2023-01",
    "W": "2023-W01",
    "D": "2023-01-31",
    "I": "2023-01-31T12:00:00",
}

_GREGORIAN = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?(?:Z|[+-]\d\d:\d\d)?\Z", re.ASCII)
_REPORTING = re.compile(r"(\d{4})-(?:(A)1|([ST])(\d)|(Q)([1-4])|(M)(\d\d)|(W)(\d\d)|(D)(\d{3}))\Z", re.ASCII)
_DURATION = re.compile(r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T[\dHMS.]+)?\Z", re.ASCII)
_MONTHS = {"A": 12, "S": 6, "T": 4, "Q": 3, "M": 1}


def _day(value: date) -> int:
    return (value - EPOCH).days


def _months(year: int, month: int, count: int) -> tuple[int, int]:
    """First and last day of `count` months from the month `month` (1 to 12) of `year`."""
    last_year, last_month = divmod(year * 12 + month - 1 + count - 1, 12)
    return (
        _day(date(year, month, 1)),
        _day(date(last_year, last_month + 1, monthrange(last_year, last_month + 1)[1])),
    )


@lru_cache(maxsize=65536)
def parse_period(text: str) -> Period | None:
    """The period that `text` spells, None when it spells none."""
    try:
        return _gregorian(text) or _reporting(text) or _range(text) or _instant(text)
    except (ValueError, OverflowError):
        return None


def _gregorian(text: str) -> Period | None:
    found = _GREGORIAN.match(text)
    if not found:
        return None
    year = int(found[1])
    if found[3]:
        day = _day(date(year, int(found[2]), int(found[3])))
        return Period(text, day, day, "D")
    if found[2]:
        return Period(text, *_months(year, int(found[2]), 1), "M")
    return Period(text, *_months(year, 1, 12), "A")


def _reporting(text: str) -> Period | None:
    found = _REPORTING.match(text)
    if not found:
        return None
    year = int(found[1])
    kind = next(letter for letter in (found[2], found[3], found[5], found[7], found[9], found[11]) if letter)
    number = int(next((n for n in (found[4], found[6], found[8], found[10], found[12]) if n), "1"))
    if kind in _MONTHS:
        length = _MONTHS[kind]
        if not 1 <= number <= 12 // length:
            return None
        return Period(text, *_months(year, (number - 1) * length + 1, length), kind)
    if kind == "W":
        monday = date.fromisocalendar(year, number, 1)
        return Period(text, _day(monday), _day(monday) + 6, "W")
    day = date(year, 1, 1) + timedelta(days=number - 1)
    return Period(text, _day(day), _day(day), "D") if number and day.year == year else None


def _range(text: str) -> Period | None:
    head, slash, tail = text.partition("/")
    found = _DURATION.match(tail) if slash else None
    if not found or tail in ("P", "PT"):
        return None
    start = _gregorian(head) or _instant(head)
    if not start or start.kind not in "DI":
        return None
    first = EPOCH + timedelta(days=start.start)
    years, months, weeks, days = (int(part or 0) for part in found.groups())
    total = first.year * 12 + first.month - 1 + years * 12 + months
    year, month = divmod(total, 12)
    after = date(year, month + 1, min(first.day, monthrange(year, month + 1)[1]))
    end = _day(after) + weeks * 7 + days - 1
    kind = next(
        (k for k, length in _MONTHS.items() if years * 12 + months == length and not weeks + days), "R"
    )
    kind = "W" if tail in ("P1W", "P7D") else "D" if tail == "P1D" else kind
    return Period(text, start.start, max(start.start, end), kind)


def _instant(text: str) -> Period | None:
    if "T" not in text:
        return None
    day = _day(datetime.fromisoformat(text).date())
    return Period(text, day, day, "I")


def kind_of_frequency(frequency: str) -> str | None:
    """The kind of period that a code of CL_FREQ asks for; None when any will do (multiples, irregular)."""
    return FREQUENCIES.get(frequency)


def example(kind: str) -> str:
    return _EXAMPLES.get(kind, "2023-01-01/P1Y")
