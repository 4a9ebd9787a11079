"""Is a total the same wherever it stands, no part above it, and no group of areas counted as one of them?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from ..columns import Flags, Indices, each_once
from ..dataset import Coded, Dataset
from ..report import SAMPLE, Severity
from ..rules import Rule
from .adding import may_lack, signed
from .cells import Cells
from .cube import Axis
from .fault import OWN_GROUPS, Fault
from .given import Given, Yielded
from .keys import groups as keys_of
from .tolerance import UNDECLARED, noise, slack

TOTAL = "_T"
"""The code of a total in SDMX code lists."""


def total_differs(cells: Cells, rule: Rule, given: Given) -> Iterator[Yielded]:
    """A total stands in several tables of a file with different figures.

    Why: a total by age and the same total by country are one observation; only one of them can be kept.
    Fix: correct the table that is wrong, or send the total once. The rows are shown one after the other.
    Example: all residents of a year are 1200 in the table by age and 1250 in that by sex.
    """
    rows, differs = cells.dataset.repeated
    keys = cells.dataset.key_numbers
    if keys is None or not differs.any():
        return
    rows = rows[differs]
    figures = np.nan_to_num(cells.number(cells.measure)[rows], nan=np.inf)
    groups = np.cumsum(np.concatenate(([True], keys[rows][1:] != keys[rows][:-1]))) - 1
    high, low = (np.full(groups[-1] + 1, start) for start in (-np.inf, np.inf))
    np.maximum.at(high, groups, figures)
    np.minimum.at(low, groups, figures)
    rows = rows[(high != low)[groups] & _is_total(cells.dataset, rows)]
    if len(rows):
        yield Fault(rows, cells.measure, values={"keys": keys_of(cells.dataset, rows)})


def _is_total(dataset: Dataset, rows: Indices) -> Flags:
    """Whether a row is the total of a dimension that has other codes in the file too."""
    found = np.zeros(len(rows), bool)
    for id in dataset.schema.key:
        column = dataset.coded(id) or Coded((), np.full(len(dataset), -1))
        if TOTAL in column.values and len(column.values) > 1:
            found |= column.codes[rows] == column.values.index(TOTAL)
    return found


def part_above_whole(cells: Cells, rule: Rule, given: Given) -> Iterator[Yielded]:
    """A part is more than what it is a part of.

    Why: nobody is in a part and not in the whole; one of the two figures is wrong.
    Fix: correct the part or the whole; where both were rounded, declare it in `ROUND_BASE`.
    Example: 1000 residents, 1200 of them from 15 to 49 years old.
    """
    axis = cells.axis(rule.component)
    pairs = [] if axis is None else list(_pairs(rule, axis))
    if axis is None or not pairs:
        return
    own = slack(cells, float(rule.value("undeclared", UNDECLARED)))
    chosen = cells.chosen(rule.where)
    told = 0
    for part, whole in pairs:
        groups, rows = axis.doubtful(axis.codes[whole], (), 0.0)
        parts, at = axis.gather([axis.codes[part]], groups)
        wholes = rows[at]
        over = cells.values[parts] - cells.values[wholes]
        soft, hard = (a + b for a, b in zip(own.of(parts), own.of(wholes), strict=True))
        off = chosen[parts] & chosen[wholes] & (over > soft + noise(over)) & ~signed(cells, rule, wholes)
        kinds: tuple[tuple[Flags, Severity | None], ...] = (
            (off & (over > hard), None),
            (off & ~(over > hard), "warning"),
        )
        for flags, severity in kinds:
            if flags.any() and told < OWN_GROUPS:
                told += 1
                first = np.flatnonzero(flags)[:SAMPLE]
                yield Fault(
                    parts[flags],
                    rule.component,
                    part,
                    values={"whole": whole},
                    expected_at=[_shown(cells, int(parts[i]), int(wholes[i])) for i in first],
                    severity=severity,
                    at=cells.measure,
                )


def _shown(cells: Cells, part: int, whole: int) -> str:
    hidden = cells.confidential[whole]
    return "" if hidden or cells.confidential[part] else f"≤ {cells.shown(part, float(cells.values[whole]))}"


def _pairs(rule: Rule, axis: Axis) -> Iterator[tuple[str, str]]:
    """Codes of the file of which one lies in the other and no sum compares the two.

    What lies in what is told by the smallest codes that both are made of in the hierarchies; where a `whole`
    is named, every code that they do not have lies in it.
    """
    within = _leaves(rule)
    below = _below(rule)
    there = [code for code in axis.codes if not may_lack(code) or code == rule.value("whole", "")]
    for whole in dict.fromkeys((rule.value("whole", ""), *(code for code in there if code in within))):
        for part in there:
            if whole not in axis.codes or part == whole or may_lack(part):
                continue
            if part not in within:
                inside = whole == rule.value("whole", "")
            else:
                inside = within[part] < within.get(whole, frozenset())
            if inside and part not in below.get(whole, ()):
                yield part, whole


def _leaves(rule: Rule) -> Mapping[str, frozenset[str]]:
    """The smallest codes that each code of the hierarchies is made of: those of its finest partition."""
    parts: dict[str, list[tuple[str, ...]]] = {}
    found: dict[str, frozenset[str]] = {}
    for partition in rule.partitions:
        parts.setdefault(partition.whole, []).append(partition.parts)

    def of(code: str) -> frozenset[str]:
        if code not in found:
            ways = [
                frozenset[str]().union(*(of(p) for p in way if not may_lack(p)))
                for way in parts.get(code, ())
            ]
            found[code] = max(ways, key=len, default=frozenset({code}))
        return found[code]

    for partition in rule.partitions:
        for code in (partition.whole, *partition.parts):
            of(code)
    return found


def _below(rule: Rule) -> Mapping[str, set[str]]:
    """What lies below each whole by the partitions, at any depth."""
    found: dict[str, set[str]] = {}
    for _ in range(len(rule.partitions)):
        before = sum(map(len, found.values()))
        for partition in rule.partitions:
            own = found.setdefault(partition.whole, set())
            own.update(partition.parts, *(found.get(part, ()) for part in partition.parts))
        if sum(map(len, found.values())) == before:
            break
    return found


def region_among_countries(cells: Cells, rule: Rule, given: Given) -> Iterator[Yielded]:
    """A group of areas stands beside the areas that are in it.

    Why: who adds up the rows counts those areas twice; here such a row is kept, and never added to them.
    Fix: nothing, if the row is meant as a subtotal; where the group stands for those of its areas that were
    not listed, send these as unknown instead.
    Example: `150` (Europe) beside `276` and `380` in the same table.
    """
    axis = cells.axis(rule.component)
    if axis is None:
        return
    found: dict[str, Indices] = {}
    for region, areas in _below(rule).items():
        if region not in axis.codes:
            continue
        groups, rows = axis.doubtful(axis.codes[region], (), 0.0)
        _, at = axis.gather([axis.codes[area] for area in areas if area in axis.codes], groups)
        if len(at):
            found[region] = rows[each_once(at)]
    if found:  # one word for all of them: nothing is wrong
        values = {"regions": ", ".join(sorted(found))}
        yield Fault(np.sort(np.concatenate([*found.values()])), rule.component, values=values)
