"""Rules run on a dataset: their faults as findings, what could not be checked, and what else they tell."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..columns import Flags, Located
from ..dataset import Dataset
from ..report import Finding
from ..rules import Rule, RuleBook
from .balances import large_adjustment, more_than_possible, net_differs, stock_flow_balance
from .cells import Cells
from .continuity import differs_between_dataflows, stock_does_not_continue
from .controls import differs_from_control
from .coverage import core_incomplete
from .crosses import cross_differs
from .definitions import (
    code_not_valid_then,
    contradicting_code,
    date_not_as_collected,
    date_outside_period,
    definition_changes,
    definitions_mixed,
    impossible_figure,
    own_code,
)
from .disclosure import recoverable_cell, small_count
from .fault import Fault, finding, located
from .figures import (
    block_of_zeros,
    bounds_inverted,
    future_period,
    negative_count,
    not_whole,
    outside_bounds,
    outside_range,
)
from .given import Given, Need, NotChecked, Note, RuleCheck, Yielded
from .history import (
    break_without_reason,
    gap_in_years,
    level_shift_without_break,
    outlier,
    revision,
    unusual_change,
)
from .mirror import mirror_difference
from .plausible import breakdown_missing, crude_rate, duration_exceeds_age, unusual_ratio
from .providers import contradicts_another_provider, reported_by_another
from .shares import share_differs
from .sources import sources_differ
from .statuses import (
    attribute_missing,
    figure_despite_status,
    figure_missing_but_normal,
    including_cell_not_marked,
    missing_without_status,
)
from .sums import parts_exceed_whole, sum_of_parts, unexplained_remainder
from .totals import part_above_whole, region_among_countries, total_differs

CHECKS: dict[RuleCheck, tuple[Need, ...]] = {
    future_period: (),
    negative_count: (),
    not_whole: (),
    outside_range: (),
    bounds_inverted: (),
    outside_bounds: (),
    block_of_zeros: (),
    missing_without_status: (),
    figure_missing_but_normal: (),
    figure_despite_status: (),
    including_cell_not_marked: (),
    attribute_missing: (),
    own_code: (),
    code_not_valid_then: (),
    impossible_figure: (),
    contradicting_code: (),
    date_outside_period: (),
    date_not_as_collected: (),
    definition_changes: (),
    definitions_mixed: (),
    duration_exceeds_age: (),
    unusual_ratio: (),
    breakdown_missing: (),
    small_count: (),
    recoverable_cell: (),
    crude_rate: ("related",),
    core_incomplete: (),
    total_differs: (),
    sum_of_parts: (),
    parts_exceed_whole: (),
    unexplained_remainder: (),
    part_above_whole: (),
    region_among_countries: (),
    cross_differs: (),
    share_differs: (),
    net_differs: (),
    stock_flow_balance: (),
    more_than_possible: (),
    large_adjustment: (),
    stock_does_not_continue: (),
    differs_between_dataflows: ("related",),
    break_without_reason: (),
    level_shift_without_break: (),
    unusual_change: (),
    outlier: (),
    revision: ("published",),
    gap_in_years: (),
    mirror_difference: ("partners",),
    contradicts_another_provider: ("beside",),
    reported_by_another: ("beside",),
    differs_from_control: ("control",),
    sources_differ: (),
}
"""The checks that rules name, each with what it needs beside the file."""

HELPED: dict[RuleCheck, tuple[Need, ...]] = {
    **dict.fromkeys(
        (net_differs, stock_flow_balance, more_than_possible, large_adjustment, stock_does_not_continue),
        ("previous",),
    ),
    **dict.fromkeys((level_shift_without_break, unusual_change, outlier, gap_in_years), ("previous",)),
    core_incomplete: ("previous",),
    sources_differ: ("previous",),
}
"""What a check takes where it is there, and does without where it is not."""

BY_NAME: Mapping[str, tuple[RuleCheck, tuple[Need, ...]]] = {
    str(getattr(check, "__name__", "")): (check, needs) for check, needs in CHECKS.items()
}


def wanted(check: str) -> tuple[Need, ...]:
    """All that a check by its name can use beside the file."""
    found, needs = BY_NAME[check]
    return (*needs, *HELPED.get(found, ()))


@dataclass(frozen=True)
class Judged:
    """What the rules found. `sections` are those of the report."""

    located: list[Located] = field(default_factory=list)
    not_checked: list[Mapping[str, Any]] = field(default_factory=list)
    sections: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict)


def judged(
    dataset: Dataset,
    book: RuleBook,
    given: Given,
    sound: Flags | None = None,
    tell: Callable[[Finding], None] = lambda _: None,
) -> Judged:
    """Every rule of a book run on the sound rows of a dataset; a rule that lacks what it needs says so.

    `tell` hears of each finding as it is made.
    """
    made = Judged()
    cells = Cells(dataset, book.scale, sound)
    for rule in book:
        check, needs = BY_NAME[rule.check]
        missing = _unavailable(rule, needs, given)
        if missing:
            made.not_checked.append({"check": rule.check, "rule": rule.id, "reason": missing})
            continue
        before = len(made.located)
        _take(check(cells, rule, given), rule, dataset, made)
        for one in made.located[before:]:
            tell(one.finding)
    return made


def _unavailable(rule: Rule, needs: Sequence[Need], given: Given) -> str:
    return next((given.unavailable[key] for key in (rule.id, *needs) if key in given.unavailable), "")


def _take(yielded: Iterable[Yielded], rule: Rule, dataset: Dataset, made: Judged) -> None:
    for one in yielded:
        if isinstance(one, Fault):
            found = finding(one.check or rule.check, rule.severity, one, dataset)
            inside = one.rows < len(dataset) - dataset.stored
            own = one.rows if inside.all() else one.rows[inside]
            found = replace(found, rule=rule.id, level=rule.level, impossible=rule.final)
            made.located.append(located(found, one, own))
        elif isinstance(one, NotChecked):
            entry = {"check": rule.check, "rule": rule.id, "reason": one.reason}
            made.not_checked.append(entry | ({"count": one.count} if one.count else {}))
        elif isinstance(one, Note):
            made.sections.setdefault(one.section, []).append({"rule": rule.id, **one.entry})
