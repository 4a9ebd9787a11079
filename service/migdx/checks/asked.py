"""Asked: the values that each check takes from its rules, so that a rule with others is told at once."""

from __future__ import annotations

from collections.abc import Mapping

_SUM = "component | open remainder signed undeclared wholes"
_RATIO = "except least lower per unless upper"

ASKED: Mapping[str, str] = {
    "future_period": "| except unfinished",
    "negative_count": "| except",
    "not_whole": "| except strict",
    "outside_range": "lower upper | except",
    "bounds_inverted": "lower upper | except",
    "outside_bounds": "lower upper | except",
    "block_of_zeros": "components least | except",
    "missing_without_status": "| except",
    "figure_missing_but_normal": "may_be_empty statuses | except",
    "figure_despite_status": "missing statuses | except zero",
    "including_cell_not_marked": "included including statuses | except",
    "attribute_missing": "| component except nowhere one_of",
    "own_code": "component other | except instead one_country",
    "code_not_valid_then": "component from to | except successors",
    "impossible_figure": "component | doubt except never only",
    "contradicting_code": "component | except never only",
    "date_outside_period": "component | except slack",
    "date_not_as_collected": "collected component points slack | except",
    "definition_changes": "breaks component | except statuses",
    "definitions_mixed": "by component | except",
    "duration_exceeds_age": "component least most other | except",
    "unusual_ratio": f"component of to | {_RATIO}",
    "crude_rate": f"by dataflow there | component of to {_RATIO}",
    "breakdown_missing": "any_of component total | by note topic",
    "small_count": "| except least",
    "recoverable_cell": "component hidden | except grave nothing withheld",
    "core_incomplete": "each | annotation component core exempt steps topics",
    "total_differs": "|",
    "sum_of_parts": _SUM,
    "parts_exceed_whole": _SUM,
    "unexplained_remainder": _SUM,
    "part_above_whole": "component | signed undeclared whole",
    "region_among_countries": "component |",
    "cross_differs": "component group sides terms whole | remainder",
    "share_differs": "component part whole | per",
    "net_differs": "component terms whole | group",
    "stock_flow_balance": "component terms whole | breaks group settled",
    "more_than_possible": "component terms whole | breaks group",
    "large_adjustment": "component share terms whole | breaks group",
    "stock_does_not_continue": "component day end start | breaks",
    "differs_between_dataflows": "dataflow | breaks component day edge edge_there there",
    "break_without_reason": "flags reasons |",
    "level_shift_without_break": "relative still | absolute breaks excused",
    "unusual_change": "relative | absolute breaks excused",
    "outlier": "deviations | absolute breaks excused least span usual",
    "revision": "provisional reasons relative settled | absolute",
    "gap_in_years": "| excused",
    "mirror_difference": "above area below criteria dataflow definitions difference numerator swap unsaid"
    " | opposite theirs",
    "contradicts_another_provider": "| difference share",
    "reported_by_another": "| difference share",
    "differs_from_control": "difference on share table |",
    "sources_differ": "across difference one other share |",
}
"""By a check: the values that it needs, and behind the bar those that it can do without."""


def asked(check: str) -> tuple[set[str], set[str]]:
    """The names of the values that a check needs, and of those that it can do without."""
    needed, _, more = ASKED[check].partition("|")
    return set(needed.split()), set(more.split())
