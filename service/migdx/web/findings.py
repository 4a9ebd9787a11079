"""Findings as a page shows them: what was given, what was expected in words, and the places as a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..report import Finding, Place, Report, Severity, message
from .wording import Words

MOST = 20
"""How many of the allowed codes are written out."""


@dataclass(frozen=True)
class Group:
    """A finding in words. `columns` are the ones of its table of places that say something."""

    code: str
    severity: Severity
    count: int
    message: str
    nearest: Sequence[Mapping[str, str]]
    expected: Sequence[tuple[str, Sequence[str]]]
    columns: Sequence[str]
    places: Sequence[Mapping[str, object]]


def groups(report: Report, words: Words) -> list[Group]:
    return [_group(finding, words) for finding in report.findings]


def _group(finding: Finding, words: Words) -> Group:
    masked = finding.value is None and "value" in finding.values
    places = [_place(place, words, masked=masked) for place in finding.places]
    columns = [name for name in _COLUMNS if any(place[name] not in ("", 0) for place in places)]
    return Group(
        code=finding.code,
        severity=finding.severity,
        count=finding.count,
        message=message(finding, words.languages),
        nearest=finding.expected.get("nearest") or (),
        expected=list(_expected(finding.expected, words)),
        columns=columns,
        places=places if columns else (),
    )


_COLUMNS = ("sheet", "row", "column", "given", "time", "key")


def _place(place: Place, words: Words, *, masked: bool) -> dict[str, object]:
    given = words("confidential") if masked else words("empty") if place.given == "" else place.given or ""
    return {
        "sheet": place.sheet,
        "row": words.number(place.row) if place.row else "",
        "column": f"{place.column} ({letters(place.column)})" if place.column else "",
        "key": place.key,
        "time": place.period,
        "given": given,
    }


def letters(column: int) -> str:
    """The name that a spreadsheet gives to a column: 1 is A, 27 is AA."""
    name = ""
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(65 + rest) + name
    return name


def _expected(expected: Mapping[str, Any], words: Words) -> Iterator[tuple[str, Sequence[str]]]:
    """What was expected, as (label, texts); what the message says already is left out."""
    if expected.get("allowed"):
        listed = [str(code) for code in expected["allowed"][:MOST]]
        more = int(expected.get("allowedCount", len(listed))) - len(listed)
        text = ", ".join(listed) + (" " + words("allowed_more", count=words.number(more)) if more > 0 else "")
        yield words("allowed"), [text]
    for name in ("dataflows", "headers", "actions", "components"):
        if expected.get(name) and not (name == "components" and expected.get("nearest")):
            yield words("expected"), [", ".join(str(entry) for entry in expected[name])]
    if expected.get("value"):
        yield words("expected"), [words("always", code=expected["value"])]
