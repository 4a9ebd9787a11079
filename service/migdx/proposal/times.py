"""Times: what a text of a sheet means as an SDMX period: 2017, Januar 2017, 3. Quartal, Q1 2017, 2017/3.

What a text leaves out, the year that stands in a title, is given beside it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from ..periods import parse_period
from .matching import key

YEAR = re.compile(r"(?<!\d)(1[89]\d\d|20\d\d)(?!\d)")
_PART = re.compile(r"(?:([qhsmt])\s*(\d{1,2})|(\d{1,2})(?:st|nd|rd|th|e|er|eme|o|a)?\s*([^\W\d]+))$")
_SPLIT = re.compile(r"[\s.,;:()/_-]+")


def year_of(text: str) -> str:
    """The only year that a text names, "" when there is none or more than one."""
    found = set(YEAR.findall(text))
    return found.pop() if len(found) == 1 else ""


def period_of(text: str, year: str = "") -> str:
    """The period that a text means, in the year given if it names none itself; "" when it means none."""
    stripped = text.strip()
    found = parse_period(stripped)
    if found is not None:
        return stripped if found.kind != "A" or YEAR.fullmatch(stripped) else ""
    if re.fullmatch(r"\d{4}\.0", stripped):  # a year that passed through a spreadsheet
        return period_of(stripped[:4])
    named = year_of(stripped)
    year = named or year
    if not year:
        return ""
    rest = key(stripped.replace(named, " ", 1) if named else stripped)
    if not rest:
        return year if named else ""
    within = _within(rest)
    return f"{year}-{within}" if within else ""


def frequency_of(period: str) -> str:
    """The code of CL_FREQ (SDMX) for a period's own length, "" when it has none."""
    found = parse_period(period)
    return found.kind if found and found.kind in "ASTQMWD" else ""


def _within(rest: str) -> str:
    """The part of the year that folded words mean, as SDMX writes it: 01, Q1, S2."""
    calendar = _calendar()
    if rest in calendar:
        return calendar[rest]
    words = [word for word in _SPLIT.split(rest) if word]
    months = {calendar[word] for word in words if word in calendar}
    numbers = [word for word in words if word.isdigit()]
    if len(months) == 1 and not numbers and len(words) <= 2:
        return months.pop()
    joined = " ".join(words)
    found = _PART.match(joined)
    if found is None:
        swapped = _PART.match(" ".join(reversed(words)))
        if swapped is None or not swapped[4]:
            return ""
        found = swapped
    letter, number = (found[1], found[2]) if found[1] else (found[4], found[3])
    return _part(letter, int(number))


def _part(word: str, number: int) -> str:
    if word == "m":
        return f"{number:02d}" if 1 <= number <= 12 else ""
    words = _parts()
    for sign, most in (("Q", 4), ("S", 2)):
        if word in words[sign]:
            return f"{sign}{number}" if 1 <= number <= most else ""
    return ""


@cache
def _told() -> Mapping[str, object]:
    source = files("migdx.proposal") / "calendar.toml"
    return tomllib.loads(source.read_text(encoding="utf-8"))


@cache
def _calendar() -> Mapping[str, str]:
    """The months by their folded names in every language."""
    months = _told()["months"]
    assert isinstance(months, dict)
    return {key(name): f"{at:02d}" for names in months.values() for at, name in enumerate(names, start=1)}


@cache
def _parts() -> Mapping[str, frozenset[str]]:
    said = _told()
    return {
        sign: frozenset(key(word) for word in said[name])  # type: ignore[attr-defined]
        for sign, name in (("Q", "quarter"), ("S", "half"))
    }
