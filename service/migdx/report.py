"""Findings and the Report that holds them: what is wrong with a file, where, and what would be right.

A finding is a group: one fault with one cause, its exact number of rows and a sample of their places. Rows
and columns are 1-based as a spreadsheet shows them. Findings describe bad data; errors.py ends requests.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from typing import Any, Literal

Severity = Literal["error", "warning", "information"]
_ORDER = {"error": 0, "warning": 1, "information": 2}

SAMPLE = 6
"""How many places of a finding a report shows; its count is always exact."""

LONGEST = 200
"""How many characters of a text that was given a report shows."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the file as sent; 0 and "" mean that the format has no such thing or it is not known."""

    row: int = 0
    column: int = 0
    sheet: str = ""
    cell: str = ""
    key: str = ""
    period: str = ""
    given: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault with one cause. `code` is the check's name; `values` fill the message of the catalogue."""

    code: str
    severity: Severity = "error"
    component: str = ""
    value: str | None = None
    expected: Mapping[str, Any] = field(default_factory=dict)
    count: int = 1
    places: tuple[Place, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    blocking: bool = True


@dataclass(frozen=True, slots=True)
class Counts:
    """In rows: received = accepted + rejected.

    In observations, against the previous revision: `added`, `changed` (also by an attribute of their series),
    and `unchanged`.
    """

    received: int = 0
    accepted: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    rejected: int = 0
    errors: int = 0
    warnings: int = 0


@dataclass(frozen=True)
class Report:
    """Everything that the sender is told. `subject` and `rules` pin what was checked, and against what."""

    verdict: Literal["accepted", "rejected"]
    subject: Mapping[str, Any]
    rules: Mapping[str, Any]
    counts: Counts
    findings: tuple[Finding, ...] = ()
    not_checked: tuple[Mapping[str, str], ...] = ()
    timing: Mapping[str, float] = field(default_factory=dict)

    def as_dict(self, languages: Sequence[str] = ("en",)) -> dict[str, Any]:
        """The report as JSON-able values, messages in the best of `languages`."""
        return {
            "verdict": self.verdict,
            "subject": dict(self.subject),
            "rules": dict(self.rules),
            "counts": {name: getattr(self.counts, name) for name in Counts.__slots__}
            | {"notChecked": [dict(entry) for entry in self.not_checked]},
            "timing": dict(self.timing),
            "groups": [as_dict(finding, languages) for finding in self.findings],
        }


def as_dict(finding: Finding, languages: Sequence[str] = ("en",)) -> dict[str, Any]:
    place_names = Place.__slots__
    places = [
        {n: v for n in place_names if (v := getattr(place, n)) not in (0, "", None)}
        for place in finding.places
    ]
    return {
        "code": finding.code,
        "severity": finding.severity,
        "blocking": finding.blocking,
        "message": message(finding, languages),
        "component": finding.component or None,
        "value": finding.value,
        "expected": dict(finding.expected) or None,
        "count": finding.count,
        "sample": places,
        "help": f"/help/{finding.code}",
    }


def ordered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Errors first, then most rows first; equals keep their order, so a cause precedes its effects."""
    short = (_short(finding) for finding in findings)
    return tuple(sorted(short, key=lambda finding: (_ORDER[finding.severity], -finding.count)))


def _short(finding: Finding) -> Finding:
    """With the beginnings of what was given: a cell may hold megabytes."""
    return replace(
        finding,
        value=_cut(finding.value),
        places=tuple(
            replace(place, given=_cut(place.given), key=_cut(place.key)) for place in finding.places
        ),
        expected={name: _cut(value) for name, value in finding.expected.items()},
        values={name: _cut(value) for name, value in finding.values.items()},
    )


def _cut(value: Any) -> Any:
    return value[: LONGEST - 1] + "…" if isinstance(value, str) and len(value) > LONGEST else value


# --- messages --------------------------------------------------------------------------------------


@cache
def languages_of_messages() -> tuple[str, ...]:
    """The languages that there is a catalogue of."""
    folder = files("migdx") / "messages"
    return tuple(sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.is_file()))


@cache
def _catalogue(language: str) -> Mapping[str, str]:
    source = files("migdx") / "messages" / f"{language}.toml"
    return tomllib.loads(source.read_text(encoding="utf-8"))


def catalogue(language: str) -> Mapping[str, str]:
    """The messages of one language by code; empty when the language is not there."""
    return _catalogue(language) if language in languages_of_messages() else {}


class _Lenient(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "?"


def message(finding: Finding, languages: Sequence[str] = ("en",)) -> str:
    """The sentence for a finding in the best of `languages` that the catalogue has.

    A code may have variants: <code>.several for a group of many values, <code>.<reason> for a reason.
    """
    words = _Lenient(component=finding.component, value=finding.value, count=finding.count)
    words.update(finding.expected)
    words.update(finding.values)
    variant = "several" if "distinctValues" in finding.expected else finding.values.get("reason", "")
    for language in (*languages, "en"):
        known = catalogue(language.split("-")[0].lower())
        template = known.get(f"{finding.code}.{variant}") or known.get(finding.code)
        if template:
            return template.format_map(words)
    return finding.code
