"""Rules run on a dataset: their faults as findings, what could not be checked, and what else they tell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..columns import Flags, Located
from ..dataset import Dataset
from ..rules import Rule, RuleBook
from .cells import Cells
from .fault import Fault, finding
from .given import Given, Need, NotChecked, Note, RuleCheck, Yielded
from .sums import sum_of_parts

CHECKS: dict[RuleCheck, tuple[Need, ...]] = {
    sum_of_parts: (),
}
"""The checks that rules name, each with what it needs beside the file."""

BY_NAME: Mapping[str, tuple[RuleCheck, tuple[Need, ...]]] = {
    str(getattr(check, "__name__", "")): (check, needs) for check, needs in CHECKS.items()
}


@dataclass(frozen=True)
class Judged:
    """What the rules found. `sections` are those of the report."""

    located: list[Located] = field(default_factory=list)
    not_checked: list[Mapping[str, str]] = field(default_factory=list)
    sections: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict)


def judged(dataset: Dataset, book: RuleBook, given: Given, sound: Flags | None = None) -> Judged:
    """Every rule of a book run on the sound rows of a dataset; a rule that lacks what it needs says so."""
    made = Judged()
    cells = Cells(dataset, book.scale, sound)
    for rule in book:
        check, needs = BY_NAME[rule.check]
        missing = _unavailable(rule, needs, given)
        if missing:
            made.not_checked.append({"check": rule.check, "rule": rule.id, "reason": missing})
            continue
        _take(check(cells, rule, given), rule, dataset, made)
    return made


def _unavailable(rule: Rule, needs: Sequence[Need], given: Given) -> str:
    return next((given.unavailable[key] for key in (rule.id, *needs) if key in given.unavailable), "")


def _take(yielded: Iterable[Yielded], rule: Rule, dataset: Dataset, made: Judged) -> None:
    for one in yielded:
        if isinstance(one, Fault):
            found = finding(rule.check, rule.severity, one, dataset)
            own = one.rows[one.rows < len(dataset) - dataset.stored]
            found = replace(found, rule=rule.id, level=rule.level, final=rule.final)
            made.located.append(Located(found, own, one.in_header))
        elif isinstance(one, NotChecked):
            entry = {"check": rule.check, "rule": rule.id, "reason": one.reason}
            made.not_checked.append(entry | ({"count": str(one.count)} if one.count else {}))
        elif isinstance(one, Note):
            made.sections.setdefault(one.section, []).append({"rule": rule.id, **one.entry})
