"""Findings as a page shows them: what was given, what was expected in words, and the places as a table."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..columns import column_letters as letters
from ..report import Finding, Place, Report, Severity, Waived, message, where
from .frame import served
from .named import Named
from .wording import Words

_SPACE = re.compile(" (?=[%:;»])")
"""Where a line may not end."""

MOST = 20
"""How many of the allowed codes are written out."""

SHOWN = 150
"""How many findings a page has, the worst ones; the CSV has all."""


@dataclass(frozen=True)
class Group:
    """A finding in words. `columns` are the ones of its table of places that say something; `beside` is how
    many rows of the same are waived and told apart.
    """

    code: str
    severity: Severity
    count: int
    message: str
    nearest: Sequence[Mapping[str, str]]
    expected: Sequence[tuple[str, Sequence[str]]]
    columns: Sequence[str]
    places: Sequence[Mapping[str, object]]
    rule: str
    title: str
    level: int
    mark: str
    final: bool
    waived: Waived | None
    beside: int


def sections(report: Report, words: Words) -> list[tuple[str, list[Group], list[Group]]]:
    """The findings under a heading for each dataflow, those for information apart from the others; one
    without a heading where none is named.
    """
    found: dict[str, list[Group]] = {}
    for finding, group in zip(report.findings[:SHOWN], groups(report, words), strict=True):
        found.setdefault(finding.dataflow, []).append(group)
    alone = set(found) <= {""}
    return [
        (
            "" if alone else words("in_dataflow", dataflow=flow) if flow else words("in_file"),
            [group for group in members if group.severity != "information"],
            [group for group in members if group.severity == "information"],
        )
        for flow, members in sorted(found.items())  # the file as a whole comes first
    ]


def groups(report: Report, words: Words) -> list[Group]:
    """The first findings in the order of the report; what is a row of a text is a line of XML."""
    row = "line" if str(report.subject.get("format")).startswith("SDMX-ML") else "row"
    flow = str(report.subject.get("dataflow") or "")
    registry = served().registry
    names = {
        name: Named(registry, name, words)
        for name in {flow, *(finding.dataflow for finding in report.findings[:SHOWN])}
    }
    return [
        _group(
            finding, report.title(finding.rule, words.languages), words, row, names[finding.dataflow or flow]
        )
        for finding in report.findings[:SHOWN]
    ]


def _group(finding: Finding, title: str, words: Words, row: str, named: Named) -> Group:
    masked = finding.value is None and "value" in finding.values
    places = [_place(place, words, row, named, masked=masked) for place in finding.places]
    columns = [name for name in _COLUMNS if any(place.get(name, "") not in ("", 0) for place in places)]
    return Group(
        code=finding.code,
        severity=finding.severity,
        count=finding.count,
        message=_SPACE.sub("\u00a0", message(finding, words.languages, named.shown(finding))),
        nearest=finding.expected.get("nearest") or (),
        expected=list(_expected(finding.expected, words)),
        columns=columns,
        places=places if columns else (),
        rule=finding.rule,
        title=title,
        level=finding.level,
        mark=finding.mark,
        final=finding.final,
        waived=finding.waived,
        beside=int(finding.values.get("waived", 0)),
    )


_COLUMNS = ("file_within", "place", "sheet", "row", "line", "column", "given", "expected", "time", "key")


def _place(place: Place, words: Words, row: str, named: Named, *, masked: bool) -> dict[str, object]:
    """A cell of a workbook or a path is one word; a text has rows or lines, and columns; `where` is all."""
    given = words("confidential") if masked else words("empty") if place.given == "" else place.given or ""
    if place.expected:  # both are figures, to be compared by eye
        given = named.figure(given)
    names = named.key(place.key)
    found = where(replace(place, file="")) if place.cell or place.path else ""
    return {
        "where": where(place, words.languages),
        "file_within": place.file,
        "place": found,
        "sheet": "" if found else place.sheet,
        row: "" if found or not place.row else words.number(place.row),
        "column": "" if found or not place.column else f"{place.column} ({letters(place.column)})",
        "key": place.key,
        "names": "" if names == place.key else names,
        "time": place.period,
        "given": given,
        "expected": named.figure(place.expected),
    }


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
