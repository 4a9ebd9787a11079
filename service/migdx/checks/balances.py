"""Do the accounts close? A figure, and what it must follow from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ..columns import Flags
from ..report import SAMPLE
from ..rules import Rule
from .cells import Cells, spelled
from .cube import Floats
from .equations import Equations
from .fault import Fault
from .given import Given, NotChecked, Note, Yielded

MOST = 50
"""Balances of one rule that a report tells, the largest differences first."""


def stock_flow_balance(cells: Cells, rule: Rule, given: Given) -> Iterator[Yielded]:
    """A population at the end is not the one at the start with what came in and without what went out.

    Why: whoever is counted at the end was there at the start, was born, came, or was reclassified; a residual
    means that a flow is missing, or that stocks and flows count different people. What passes from one group
    to another leaves the one and enters the other. Births never enter those who were born abroad, and nobody
    leaves these but by death or departure.
    Fix: correct the term that is wrong, or say in the adjustment what cannot be explained.
    Example: 1 000 at the start, 20 births, 10 deaths, 50 arrivals, 30 departures, and 1 100 at the end
    instead of 1 030.
    """
    found = Equations.of(cells.beside(given.previous), rule)
    if found is None:
        return
    limits, certain = found.slack
    gap = found.figures[0] - found.expected
    excused = found.marked(found.cells.marked(rule.value("breaks", {})))
    off = found.whole & (np.abs(gap) > limits)
    wrong = off & ~excused
    yield from _missing(found)
    yield from NotChecked.of("break_in_series", off & excused)
    settled = found.status(rule.value("settled", ())) & ~np.isnan(found.figures).any(axis=0)
    settled &= np.abs(gap) > certain
    for severity, which in (("error", wrong & settled), ("warning", wrong & ~settled)):
        if which.any():
            order = np.flatnonzero(which)[np.argsort(-np.abs(gap[which]), kind="stable")]
            yield _fault(found.take(order), rule, severity)
    yield from _notes(found, rule, gap, limits, _status(found, off, excused))


def net_differs(cells: Cells, rule: Rule, given: Given) -> Iterator[Yielded]:
    """A net figure is not what came in without what went out.

    Why: one of the three figures is wrong, and nobody can tell which; net figures are what most users take.
    Fix: correct the figure that is wrong, or leave the net out: it is worked out from the other two.
    Example: 50 arrivals, 30 departures, and a net of 25.
    """
    found = Equations.of(cells.beside(given.previous), rule, given=True)
    if found is None:
        return
    limits, certain = found.slack
    gap = np.abs(found.figures[0] - found.expected)
    off = found.whole & (gap > limits)
    yield from _missing(found)
    sure = gap > certain
    for severity, which in ((rule.severity, off & sure), ("warning", off & ~sure)):
        if which.any():
            yield _fault(found.take(which), rule, severity)


def more_than_possible(cells: Cells, rule: Rule, given: Given) -> Iterator[Yielded]:
    """A figure is more than all that it can come from.

    Why: who is counted must have been there before, or have come; more than that cannot be.
    Fix: look for the figure that is too large, or for a source that is missing.
    Example: 900 people left a group in which 500 were at the start and 100 came.
    """
    found = Equations.of(cells.beside(given.previous), rule, given=True)
    if found is None:
        return
    limits, _ = found.slack
    excused = found.marked(found.cells.marked(rule.value("breaks", {})))
    off = found.whole & (found.figures[0] - found.expected > limits)
    yield from _missing(found)
    yield from NotChecked.of("break_in_series", off & excused)
    if (off & ~excused).any():
        yield _fault(found.take(off & ~excused), rule, rule.severity)


def large_adjustment(cells: Cells, rule: Rule, given: Given) -> Iterator[Yielded]:
    """An adjustment is a large share of the population that it adjusts.

    Why: it stands for what the other terms do not explain; where it is large, they explain little.
    Fix: look for the flow that is missing; or say with a break why the population was corrected.
    Example: 200 000 for a population of 10 million.
    """
    found = Equations.of(cells.beside(given.previous), rule, given=True)
    if found is None:
        return
    yield from _missing(found)
    share = float(rule.value("share"))
    excused = found.marked(found.cells.marked(rule.value("breaks", {})))
    off = found.whole & (np.abs(found.figures[0]) > share * np.abs(found.expected))
    yield from NotChecked.of("break_in_series", off & excused)
    wrong = found.take(off & ~excused)
    if len(wrong):
        yield _fault(wrong, rule, rule.severity, percent=f"{100 * share:g}")


# --- what is told ------------------------------------------------------------------------------------------


def _missing(found: Equations) -> Iterator[NotChecked]:
    """What cannot be worked out, for a term is suppressed or not there."""
    incomplete = ~found.whole
    yield from NotChecked.of("suppressed_terms", incomplete & found.hidden)
    yield from NotChecked.of("missing_terms", incomplete & ~found.hidden)


def _fault(wrong: Equations, rule: Rule, severity: Any, **values: str) -> Fault:
    """Rows of the file; what was expected is told of the whole, where that is in the file and not hidden."""
    rows, cells = wrong.rows, wrong.cells
    told = (rows == wrong.wholes) & ~wrong.hidden
    expected = [
        cells.shown(int(row), figure) if shown else ""
        for row, figure, shown in zip(rows[:SAMPLE], wrong.expected, told, strict=False)
    ]
    time = cells.dataset.schema.time
    values |= {"period": cells.coded(time.id).text(int(rows[0])) if time else ""}
    if not wrong.hidden[0]:
        values |= {"given": spelled(wrong.figures[0, 0]), "made": spelled(wrong.expected[0])}
    absent = [
        term.code
        for term, figures in zip(wrong.terms, wrong.figures[1:], strict=True)
        if np.isnan(figures).all()
    ]
    if absent and not wrong.hidden.any():
        values |= {"reason": "incomplete", "absent": " + ".join(absent)}
    return Fault(
        rows,
        rule.component,
        str(rule.value("whole")),
        values=values,
        expected_at=expected,
        severity=severity,
        at=cells.measure,
    )


def _status(found: Equations, off: Flags, excused: Flags) -> list[str]:
    """One word for each balance."""
    words = np.where(off, np.where(excused, "break", "differs"), "balanced")
    words = np.where(found.whole, words, "missing_terms")
    return [str(word) for word in np.where(found.hidden, "suppressed", words)]


def _notes(found: Equations, rule: Rule, gap: Floats, limits: Floats, status: list[str]) -> Iterator[Note]:
    size = np.where(found.hidden | np.isnan(gap), -1.0, np.abs(gap))
    names = _names(found.cells, rule)
    for at in np.argsort(-size, kind="stable")[:MOST]:
        yield Note(
            "balances",
            _entry(found, int(at), gap[at], limits[at], names) | {"status": status[at], "of": len(found)},
        )


def _entry(found: Equations, at: int, gap: float, limit: float, names: list[Any]) -> dict[str, Any]:
    """All terms of one balance with their figures; none of them where one is confidential."""
    cells, row = found.cells, int(found.rows[at])
    time = cells.dataset.schema.time
    shown = np.full(len(found.figures), np.nan) if found.hidden[at] else found.figures[:, at]
    signs = ["=", *("+" if term.sign > 0 else "-" for term in found.terms)]
    lines = [
        {"name": name, "sign": sign, "value": spelled(figure)}
        for name, sign, figure in zip(names, signs, shown, strict=True)
    ]
    start = shown[1]
    entry: dict[str, Any] = {
        "key": cells.dataset.key_of(row),
        "period": cells.coded(time.id).text(row) if time else "",
        "terms": [*lines[1:], lines[0]],
        "given": spelled(shown[0]),
        "missing": [
            line["name"] for line, absent in zip(lines, np.isnan(found.figures[:, at]), strict=True) if absent
        ],
    }
    if not found.hidden[at] and not np.isnan(gap):
        entry |= {
            "expected": spelled(found.expected[at]),
            "difference": spelled(gap),
            "tolerance": spelled(limit),
        }
        entry |= {"share": round(float(gap / start), 6)} if start else {}
    return entry


def _names(cells: Cells, rule: Rule) -> list[Mapping[str, str] | str]:
    """The whole and the terms by the names of their codes, or the codes themselves."""
    component = cells.dataset.schema.by_id.get(rule.component)
    codes = [str(rule.value("whole")), *(str(term["code"]) for term in rule.value("terms"))]
    found = [component.code(code) if component else None for code in codes]
    return [dict(item.names) if item else code for item, code in zip(found, codes, strict=True)]
