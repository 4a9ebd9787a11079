"""Rerun: a past submission checked again, on the basis of its report: the bytes, the ledger, the structures
and the rules of that day, by the code of now.

Under the code that made the report it comes out the same; under newer code what differs is told by check.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from .exchange import Exchange
from .filing import filed
from .report import SECTIONS, Finding, Report, as_dict

_WORDS = ("message", "help")
"""What a finding says in words: they may be put better without another verdict."""


@dataclass(frozen=True)
class Rerun:
    """The report of a submission as it was given `then`, and as it comes out `now`."""

    submission: str
    then: Report
    now: Report

    @property
    def pins(self) -> dict[str, dict[str, str]]:
        """By what each was made: the code, and the digests of structures and rules."""
        return {
            name: {"then": str(self.then.rules[key]), "now": str(self.now.rules[key])}
            for name, key in (("code", "code"), ("structures", "structures"), ("rules", "pack"))
        }

    def differences(self) -> list[dict[str, Any]]:
        """{check, rule, then, now} of each check with other findings; None where it has none."""
        then, now = _by_check(self.then), _by_check(self.now)
        pairs = {key: (then.get(key, []), now.get(key, [])) for key in (*then, *now)}
        return [
            {"check": check, "rule": rule, "then": _summed(one), "now": _summed(other)}
            for (check, rule), (one, other) in pairs.items()
            if list(map(_contents, one)) != list(map(_contents, other))
        ]

    def parts(self) -> list[str]:
        """What else of the report differs: the verdict, counts, what was not checked, sections."""
        then, now = self.then, self.now
        pairs = {
            "verdict": (then.verdict, now.verdict),
            "counts": (then.counts, now.counts),
            "notChecked": (list(then.not_checked), list(now.not_checked)),
            **{name: (then.sections.get(name, []), now.sections.get(name, [])) for name in SECTIONS},
        }
        return [name for name, (one, other) in pairs.items() if one != other]

    @property
    def same(self) -> bool:
        return not self.differences() and not self.parts()

    def as_dict(self) -> dict[str, Any]:
        return {
            "submission": self.submission,
            "same": self.same,
            "verdict": {"then": self.then.verdict, "now": self.now.verdict},
            **self.pins,
            "differences": self.differences(),
            "parts": self.parts(),
        }


def rerun(exchange: Exchange, id: str) -> Rerun:
    """Checks again what was sent with a submission; nothing is kept, and nothing filed."""
    then = Report.from_dict(exchange.report(id))
    submission = exchange.submission(id)
    with exchange.again(id) as (_, found):
        history = exchange.ledger.history_at(found.report.rules["ledger"])
        ids = [one.id for one in exchange.ledger.history().together(id)]
        _, now = filed(found, history, exchange.store, submission.by, past=ids)
    if "resubmits" in then.subject:
        now = replace(now, subject={**now.subject, "resubmits": then.subject["resubmits"]})
    told = orjson.loads(orjson.dumps(now.as_dict()))  # what is kept is JSON
    return Rerun(id, then, Report.from_dict(told))


def _by_check(report: Report) -> Mapping[tuple[str, str], Sequence[Finding]]:
    found: dict[tuple[str, str], list[Finding]] = {}
    for finding in report.findings:
        found.setdefault((finding.code, finding.rule), []).append(finding)
    return found


def _contents(finding: Finding) -> dict[str, Any]:
    return {name: value for name, value in as_dict(finding).items() if name not in _WORDS}


def _summed(findings: Sequence[Finding]) -> dict[str, Any] | None:
    """Rows touched, and the worst severity."""
    if not findings:
        return None
    worst = min((finding.severity for finding in findings), key=("error", "warning", "information").index)
    return {"count": sum(finding.count for finding in findings), "severity": worst}
