"""Findings and the Report that holds them: what is wrong with a file, where, and what would be right.

A finding is a group: one fault with one cause, its exact number of rows and a sample of their places. Rows
and columns are 1-based as a spreadsheet shows them. Findings describe bad data; errors.py ends requests.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from importlib.resources import files
from typing import Any, Literal

Verdict = Literal["accepted", "rejected"]
Severity = Literal["error", "warning", "information"]
_ORDER = {"error": 0, "warning": 1, "information": 2}

SAMPLE = 6
"""How many places of a finding a report shows; its count is always exact."""

SECTIONS = ("balances", "mirrors", "coverage", "changes")
"""What a report may tell beside its findings (Report.sections)."""

SCHEMA = "/schemas/report.json"
"""Where the service publishes the JSON Schema of its reports."""

LONGEST = 200
"""How many characters of a text that was given a report shows."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the file as sent; 0 and "" mean that the format has no such thing or it is not known.

    `file` is that within an archive, `path` a JSON Pointer (RFC 6901).
    """

    row: int = 0
    column: int = 0
    sheet: str = ""
    cell: str = ""
    path: str = ""
    file: str = ""
    key: str = ""
    period: str = ""
    given: str | None = None
    expected: str = ""


@dataclass(frozen=True, slots=True)
class Waived:
    """That a finding holds nothing up: why, who said so, and the last day (UTC) on which that is so."""

    reason: str
    by: str
    until: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault with one cause. `code` is the check's name; `values` fill the message of the catalogue.

    `dataflow` is that of the rows, in a file that holds several. `rule` is the id of the rule that found it,
    "" where it is a check of every file, and `level` the rule's. `impossible` says that the rule states what
    can never be. What is `waived` stays in the report, and does not block.
    """

    code: str
    severity: Severity = "error"
    component: str = ""
    value: str | None = None
    expected: Mapping[str, Any] = field(default_factory=dict)
    count: int = 1
    places: tuple[Place, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    blocking: bool = True
    dataflow: str = ""
    rule: str = ""
    level: int = 0
    impossible: bool = False
    waived: Waived | None = None

    @property
    def final(self) -> bool:
        """Whether it rejects whatever anybody says: a file that cannot be read so, or what can never be."""
        return self.severity == "error" and (self.level == 0 or self.impossible)

    @property
    def counts_as(self) -> str:
        """What it adds to in the counts of a report: its severity, or waived."""
        return "waived" if self.waived else self.severity

    @property
    def mark(self) -> str:
        """Names the finding in answers and waivers: the same cause in another file has the same mark."""
        said = (self.code, self.rule, self.component, self.value or "", self.dataflow)
        return hashlib.sha256("\0".join(said).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Counts:
    """In rows: received = accepted + rejected.

    In observations, against the previous revision: `added`, `changed` (also by an attribute of their series),
    `unchanged`, and `removed`.
    """

    received: int = 0
    accepted: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    rejected: int = 0
    errors: int = 0
    warnings: int = 0
    waived: int = 0
    removed: int = 0

    @classmethod
    def told(cls, findings: Iterable[Finding], **rows: int) -> Counts:
        """With the rows that findings touch; what is waived is neither an error nor a warning."""
        found = {"error": 0, "warning": 0, "waived": 0, "information": 0}
        for finding in findings:
            found[finding.counts_as] += finding.count
        return cls(errors=found["error"], warnings=found["warning"], waived=found["waived"], **rows)


@dataclass(frozen=True)
class Report:
    """Everything that the sender is told. `subject` and `rules` pin what was checked, and against what.

    `sections` tell what is no fault by itself, each entry JSON-able: balances, mirrors, coverage, changes.
    `not_checked`: {check, rule, reason, count}, rule and count where there are such; `reason` is a key of the
    messages. `rules` has the titles of the rules that are named here, by id.
    """

    verdict: Verdict
    subject: Mapping[str, Any]
    rules: Mapping[str, Any]
    counts: Counts
    findings: tuple[Finding, ...] = ()
    not_checked: tuple[Mapping[str, Any], ...] = ()
    timing: Mapping[str, float] = field(default_factory=dict)
    sections: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)

    def as_dict(self, languages: Sequence[str] = ("en",)) -> dict[str, Any]:
        """The report as JSON-able values (SCHEMA), messages and titles in the best of `languages`."""
        return {
            "$schema": SCHEMA,
            "verdict": self.verdict,
            "subject": dict(self.subject),
            "rules": dict(self.rules),
            "counts": {name: getattr(self.counts, name) for name in Counts.__slots__}
            | {
                "levels": self.levels(),
                "notChecked": [
                    {**entry, **self._titled(entry.get("rule", ""), languages)}
                    | {"message": why_not(entry, languages)}
                    for entry in self.not_checked
                ],
            },
            "timing": dict(self.timing),
            "groups": [
                {**as_dict(finding, languages), **self._titled(finding.rule, languages)}
                for finding in self.findings
            ],
            **{name: [dict(entry) for entry in entries] for name, entries in self.sections.items()},
        }

    def levels(self) -> list[dict[str, int]]:
        """How many rows findings touch, by the level of their rule and by severity."""
        found = {finding.level: dict.fromkeys(_ORDER, 0) for finding in self.findings}
        for finding in self.findings:
            found[finding.level][finding.severity] += 0 if finding.waived else finding.count
        return [{"level": level, **counts} for level, counts in sorted(found.items())]

    def title(self, rule: str, languages: Sequence[str] = ("en",)) -> str:
        """What a rule that is named here says of itself, "" without one."""
        return in_best(self.rules.get("titles", {}).get(rule, {}), languages)

    def _titled(self, rule: str, languages: Sequence[str]) -> dict[str, str]:
        title = self.title(rule, languages)
        return {"title": title} if title else {}

    @classmethod
    def from_dict(cls, body: Mapping[str, Any]) -> Report:
        """The report that `as_dict` told."""
        counts = {name: body["counts"].get(name, 0) for name in Counts.__slots__}
        return cls(
            body["verdict"],
            body["subject"],
            body["rules"],
            Counts(**counts),
            tuple(_finding(group) for group in body["groups"]),
            tuple(
                {name: value for name, value in entry.items() if name not in ("title", "message")}
                for entry in body["counts"]["notChecked"]
            ),
            body["timing"],
            {name: body[name] for name in SECTIONS if name in body},
        )


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
        **({"dataflow": finding.dataflow} if finding.dataflow else {}),
        **({"rule": finding.rule} if finding.rule else {}),
        "level": finding.level,
        "final": finding.final,
        **({"waived": asdict(finding.waived)} if finding.waived else {}),
        "mark": finding.mark,
        "component": finding.component or None,
        "value": finding.value,
        "expected": dict(finding.expected) or None,
        "values": dict(finding.values),
        "count": finding.count,
        "sample": places,
        "help": f"/help/{finding.code}",
    }


def _finding(group: Mapping[str, Any]) -> Finding:
    return Finding(
        group["code"],
        group["severity"],
        group["component"] or "",
        group["value"],
        group["expected"] or {},
        group["count"],
        tuple(Place(**place) for place in group["sample"]),
        group.get("values", {}),
        group["blocking"],
        group.get("dataflow", ""),
        group.get("rule", ""),
        group.get("level", 0),
        bool(group.get("final")) and bool(group.get("level")),
        Waived(**group["waived"]) if "waived" in group else None,
    )


def ordered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Errors first, then most rows first; equals keep their order, so a cause precedes its effects."""
    return tuple(sorted((shortened(finding) for finding in findings), key=rank))


def rank(finding: Finding) -> tuple[int, int]:
    """The place of a finding in a report, what is waived last; equals keep their order."""
    return _ORDER.get(finding.counts_as, len(_ORDER)), -finding.count


def shortened(finding: Finding) -> Finding:
    """With the beginnings of what was given: a cell may hold megabytes."""
    return replace(
        finding,
        component=_cut(finding.component),
        value=_cut(finding.value),
        places=tuple(
            replace(place, **{name: _cut(getattr(place, name)) for name in _TEXTS})
            for place in finding.places
        ),
        expected={name: _cut(value) for name, value in finding.expected.items()},
        values={name: _cut(value) for name, value in finding.values.items()},
    )


_TEXTS = ("sheet", "cell", "path", "file", "key", "period", "given", "expected")


def _cut(value: Any) -> Any:
    return value[: LONGEST - 1] + "…" if isinstance(value, str) and len(value) > LONGEST else value


# --- messages --------------------------------------------------------------------------------------


@cache
def languages_of_messages() -> tuple[str, ...]:
    """The languages that there is a catalogue of."""
    folder = files("migdx") / "messages"
    return tuple(sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.is_file()))


@cache
def told(language: str, kind: str = "") -> Mapping[str, Any]:
    """One file of messages: the sentences for findings, or a folder's, copies, help or template."""
    source = files("migdx").joinpath("messages", kind, f"{language}.toml")
    return tomllib.loads(source.read_text(encoding="utf-8"))


def catalogue(language: str) -> Mapping[str, str]:
    """The messages of one language by code; empty when the language is not there."""
    return told(language) if language in languages_of_messages() else {}


def phrase(name: str, languages: Sequence[str] = ("en",), **values: object) -> str:
    """What copies of a file say beside the messages, in the best of `languages` that there is.

    Without values it may still have places for them.
    """
    known = languages_of_messages()
    short = (language.partition("-")[0].lower() for language in (*languages, "en"))
    text: str = told(next(language for language in short if language in known), "copies")[name]
    return text.format(**values) if values else text


def in_best(text: Mapping[str, str], languages: Sequence[str]) -> str:
    """A text in the first of `languages` that it has, else in English, else in any."""
    short = (language.partition("-")[0].lower() for language in (*languages, "en"))
    found = next((text[language] for language in short if language in text), None)
    return next(iter(text.values()), "") if found is None else found


def why_not(entry: Mapping[str, Any], languages: Sequence[str] = ("en",)) -> str:
    """The sentence for an entry of Report.not_checked; the key of a reason that has none."""
    for language in (*languages, "en"):
        sentence = catalogue(language.split("-")[0].lower()).get(f"not_checked.{entry['reason']}")
        if sentence:
            return sentence.format_map(_Lenient(entry))
    return str(entry["reason"])


def nearest(finding: Finding) -> str:
    """The nearest codes with their names: F (Female), M (Male)."""
    near = finding.expected.get("nearest") or ()
    return ", ".join(
        f"{one['code']} ({one['name']})" if one.get("name") not in (None, "", one["code"]) else one["code"]
        for one in near
    )


def advice(finding: Finding, languages: Sequence[str] = ("en",)) -> str:
    """The sentence for a finding, and the nearest codes."""
    codes, said = nearest(finding), message(finding, languages)
    return f"{said} {phrase('nearest_are', languages, codes=codes)}" if codes else said


def where(place: Place, languages: Sequence[str] = ("en",)) -> str:
    """A place as people say it: Flows!D17, row 4 column 11, or the path to it; the file of an archive first.

    Nothing in it can run as a formula.
    """
    if place.cell:
        found = f"{place.sheet}!{place.cell}"
    elif place.path:
        found = place.path
    elif place.row:
        name = "cell" if place.column else "row"
        found = phrase(name, languages, row=place.row, column=place.column)
        found = f"{place.sheet} {found}" if place.sheet else found
    else:
        found = place.sheet or phrase("whole", languages)
    return f"{place.file}: {found}" if place.file else found


class _Lenient(dict[str, Any]):
    """What a check does not say of a finding is what may not be told: a figure that is confidential."""

    languages: Sequence[str] = ("en",)

    def __missing__(self, key: str) -> str:
        return phrase("untold", self.languages)


def message(
    finding: Finding,
    languages: Sequence[str] = ("en",),
    shown: Callable[[str, object], object] | None = None,
) -> str:
    """The sentence for a finding in the best of `languages` that the catalogue has.

    A code may have variants: <code>.several for a group of many values, <code>.<reason> for a reason.
    `shown` says how what fills the sentence is written, by the name of its place.
    """
    words = _Lenient(component=finding.component, value=finding.value, count=finding.count)
    words.languages = languages
    words.update(finding.expected)
    words.update(finding.values)
    if shown:
        words.update({name: shown(name, value) for name, value in words.items()})
    variant = "several" if "distinctValues" in finding.expected else finding.values.get("reason", "")
    for language in (*languages, "en"):
        known = catalogue(language.split("-")[0].lower())
        template = known.get(f"{finding.code}.{variant}") or known.get(finding.code)
        if template:
            return template.format_map(words)
    return finding.code
