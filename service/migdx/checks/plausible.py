"""Is a figure such as one sees? What is only unusual may be right: these checks ask, they do not refuse."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from ..columns import Indices
from ..rules import Rule
from .cells import Cells
from .cube import Axis, Floats
from .fault import Fault
from .given import Given, NotChecked, Yielded
from .pairs import pairs
from .picked import NO_ROWS, picked, possible, said

Alternatives = Sequence[Sequence[str]]
"""Lists of codes that each say the same whole: those of the first list that is there are added up."""


def unusual_ratio(cells: Cells, rule: Rule, given: Given) -> Iterator[Yielded]:
    """Two figures stand in a ratio that is seldom seen.

    Why: often rows or columns were exchanged, one of the figures is in another unit, or has a digit too many;
    a large share of unknown, and ages heaped on round numbers, tell of the source.
    Fix: compare both figures with the source; where they are right, answer with the reason.
    Example: 9 000 men to 1 000 women.
    """
    of, to = rule.value("of"), rule.value("to")
    axis = cells.axis(rule.component)
    if axis is None or not possible(cells, rule):
        return
    done = np.zeros(0, np.int64)
    for codes in of:
        if not set(codes) <= axis.codes.keys() or not any(set(others) <= axis.codes.keys() for others in to):
            continue
        groups, rows = axis.doubtful(axis.codes[codes[0]], [], 0)
        new = ~np.isin(groups, done) if len(done) else slice(None)
        groups, rows = groups[new], rows[new]
        part = cells.values[rows] if len(codes) == 1 else _sum(cells, axis, codes, groups)
        base = _sum(cells, axis, to[0], groups)
        for others in to[1:]:
            base = np.where(np.isnan(base), _sum(cells, axis, others, groups), base)
        if len(of) > 1:
            done = np.concatenate((done, groups[~np.isnan(part + base)]))
        yield from _unusual(cells, rule, rows, part, base)


def _sum(cells: Cells, axis: Axis, codes: Sequence[str], groups: Indices) -> Floats:
    """The sum of some codes in each group, NaN where one of them has no figure."""
    if not set(codes) <= axis.codes.keys():
        return np.full(len(groups), np.nan)
    rows, at = axis.gather([axis.codes[code] for code in codes], groups)
    if len(codes) == 1:
        found = np.full(len(groups), np.nan)
        found[at] = cells.values[rows]
        return found
    sums: Floats = np.bincount(at, cells.values[rows], len(groups)).astype(np.float64)
    sums[np.bincount(at, minlength=len(groups)) != len(codes)] = np.nan
    return sums


def crude_rate(cells: Cells, rule: Rule, given: Given) -> Iterator[Yielded]:
    """A flow is unusually large for the population of the country.

    Why: mostly the multiplier is wrong, events of another kind were counted, or the population is.
    Fix: compare both with the source; where they are right, answer with the reason.
    Example: 900 000 arrivals in a year in a country of five million residents.
    """
    related = given.related.get(rule.id)
    if related is None:
        yield NotChecked("no_population")
        return
    if not possible(cells, rule):
        return
    population = Cells(related, cells.scale)
    chosen = np.flatnonzero(population.chosen(rule.value("there")) & population.given)
    ids = [id for id in rule.value("by") if id in related.schema.by_id]
    rows = picked(cells, rule, np.flatnonzero(cells.given))
    mine, theirs = pairs([*map(cells.coded, ids)], rows, [*map(population.coded, ids)], chosen)
    base = np.full(len(rows), np.nan)
    base[np.searchsorted(rows, mine)] = population.values[theirs]
    yield from NotChecked.of("no_population", np.isnan(base))
    yield from _unusual(cells, rule, rows, cells.values[rows], base)


def _unusual(cells: Cells, rule: Rule, rows: Indices, part: Floats, base: Floats) -> Iterator[Fault]:
    """What is outside the usual range, where both together are large enough to tell."""
    times = float(rule.value("per", 100))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = part / base * times
        large = (part + base >= float(rule.value("least", 0))) & (base >= 0)
        lower, upper = (
            float(rule.value(end, default)) for end, default in (("lower", -np.inf), ("upper", np.inf))
        )
        wrong = large & ((ratio < lower) | (ratio > upper))
    own = picked(cells, rule, np.sort(rows[wrong]))
    whole: Mapping[str, Sequence[str]] = rule.value("unless", {})  # rows that another rule is for: all hold
    if whole:
        own = own[~np.logical_and.reduce([said(cells, id, codes, own) for id, codes in whole.items()])]
    if len(own):
        values = {
            "part": _words(rule.value("of", [])),
            "base": _words(rule.value("to", [])),
            "times": f"{times:g}",
            "lower": f"{lower:g}",
            "upper": f"{upper:g}",
            "reason": "above" if np.isinf(lower) else "below" if np.isinf(upper) else "",
        }
        yield Fault(own, rule.component or cells.measure, None, {}, values, at=cells.measure)


def _words(alternatives: Alternatives) -> str:
    return "+".join(alternatives[0][:3]) + ("+…" if len(alternatives[0]) > 3 else "") if alternatives else ""


def duration_exceeds_age(cells: Cells, rule: Rule, given: Given) -> Iterator[Yielded]:
    """Persons are said to have stayed longer than they have lived.

    Why: the two classes are exchanged, or the rows are.
    Fix: correct the duration of stay or the age.
    Example: children under 5 who have stayed for 10 years and over.
    """
    least, most = dict(rule.value("least")), dict(rule.value("most"))
    other = str(rule.value("other"))
    column, ages = cells.dataset.coded(rule.component), cells.dataset.coded(other)
    if column is None or ages is None or least.keys().isdisjoint(column.values):
        return
    years = np.array([least.get(value, -1) for value in column.values] + [-1])
    lived = np.array([most.get(value, 1000) for value in ages.values] + [1000])
    if years.max() <= lived.min():
        return
    wrong = (years[column.codes] > lived[ages.codes]) & (cells.values > 0)
    rows = picked(cells, rule, np.flatnonzero(wrong))
    if len(rows):
        yield Fault(rows, rule.component, values={"other": other})


def breakdown_missing(cells: Cells, rule: Rule, given: Given) -> Iterator[Yielded]:
    """A breakdown leaves out a group that it is made for.

    Why: statistics that see children and both sexes show under 18 and women and men, each by itself.
    Fix: send the figures of the group; where there are none, the rows with a status that says why.
    Example: an indicator by age, with 15 to 64 and 65 and over only.
    """
    column = cells.dataset.coded(rule.component)
    if column is None or not possible(cells, rule):
        return
    total, sets = set(rule.value("total")), [set(codes) for codes in rule.value("any_of")]
    for value, codes in _by(cells, rule):
        there = {column.values[at] for at in codes if at >= 0}
        by_topic = bool(rule.value("by", ""))
        if (by_topic or not there <= total) and not any(wanted <= there for wanted in sets):
            values = {"wanted": "/".join(sorted(sets[0])), "reason": "" if value else "table"}
            yield Fault(NO_ROWS, rule.component, value or None, values=values)


def _by(cells: Cells, rule: Rule) -> Iterator[tuple[str, Indices]]:
    """The codes of the component that there are: of the table, or for each code that names it as a topic."""
    column = cells.coded(rule.component)
    id = str(rule.value("by", ""))
    if not id:
        yield "", np.arange(len(column.values))
        return
    topics, component = cells.coded(id), cells.dataset.schema.by_id[id]
    size = len(column.values) + 1
    known = topics.codes >= 0
    pairs = np.flatnonzero(np.bincount(topics.codes[known].astype(np.int64) * size + column.codes[known] + 1))
    for at, value in enumerate(topics.values):
        item = component.code(value)
        if item and rule.value("topic") in item.note(rule.value("note")).split():
            yield value, pairs[pairs // size == at] % size - 1
