"""A report as the European Statistical System has it: ValidatReport 1.0.0, a list of validations.

https://github.com/data-cleaning/ValidatReport (2017). Each validation is an event, a rule, the data and a
value: "0" where the data do not keep the rule, "1" where they do, "NA" where it could not be evaluated. Data
are told by population, time, unit and variable: the dataflow, the period, the series key, the component.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from .. import __version__
from ..report import Finding, Place, Report, in_best, message, where, why_not
from ..rules import Rule

LANGUAGE = f"migdx {__version__}"
"""What the expressions are written in: the id of a rule and its check, or a check alone."""


def validations(
    report: Report,
    rules: Sequence[Rule],
    at: datetime,
    trigger: str,
    explained: Callable[[str], str],
    languages: Sequence[str] = ("en",),
) -> list[dict[str, Any]]:
    """One validation for each sampled place of a finding, for what was not checked, and for what held.

    `rules` are those that the file was checked by, `explained` says what a check looks for.
    """
    subject = report.subject
    event = {
        "time": at.isoformat(),
        "actor": LANGUAGE,
        **({"agent": subject["provider"]} if subject.get("provider") else {}),
        "trigger": trigger,
    }
    source = [str(subject.get("sha256")), *filter(None, (subject.get("dataflow"), subject.get("provider")))]
    known = {rule.id: rule for rule in rules}
    made = [*_found(report, languages), *_unknown(report, known, languages), *_held(report, rules, languages)]
    return [
        {
            "id": hashlib.sha256(f"{subject.get('sha256')} {number} {name}".encode()).hexdigest()[:24],
            "type": "validation",
            "event": event,
            "rule": {**rule, "description": rule["description"] or explained(name.rpartition(" ")[2])},
            "data": {"source": source, "target": target, "description": said},
            "value": value,
        }
        for number, (name, rule, target, said, value) in enumerate(made)
    ]


_Told = tuple[str, dict[str, str], list[str], str, str]
"""The expression, the rule, the target, what is said of the data, and the value."""


def _rule(expression: str, severity: str, title: str) -> dict[str, str]:
    return {"language": LANGUAGE, "expression": expression, "severity": severity, "description": title}


def _found(report: Report, languages: Sequence[str]) -> Iterator[_Told]:
    for finding in report.findings:
        name = f"{finding.rule} {finding.code}".strip()
        rule = _rule(name, finding.severity, report.title(finding.rule, languages))
        for place in finding.places or (Place(),):
            said = f"{where(place, languages)}: {message(finding, languages)}"
            yield name, rule, _target(report, finding, place), said, "0"


def _target(report: Report, finding: Finding, place: Place) -> list[str]:
    dataflow = finding.dataflow or str(report.subject.get("dataflow") or "")
    return [dataflow, place.period, place.key, finding.component]


def _unknown(report: Report, known: Mapping[str, Rule], languages: Sequence[str]) -> Iterator[_Told]:
    for entry in report.not_checked:
        id = str(entry.get("rule", ""))
        severity = known[id].severity if id in known else "information"
        name = f"{id} {entry['check']}".strip()
        rule = _rule(name, severity, report.title(id, languages))
        yield name, rule, [str(report.subject.get("dataflow") or "")], why_not(entry, languages), "NA"


def _held(report: Report, rules: Sequence[Rule], languages: Sequence[str]) -> Iterator[_Told]:
    """The rules that ran and found nothing."""
    told = {finding.rule for finding in report.findings}
    told |= {str(entry.get("rule")) for entry in report.not_checked}
    for rule in rules:
        if rule.id not in told:
            name = f"{rule.id} {rule.check}"
            said = _rule(name, rule.severity, in_best(rule.title, languages))
            yield name, said, [str(report.subject.get("dataflow") or "")], "", "1"
