"""Does a figure fit those that came before it? Questions to the sender, never proof of an error.

A figure is compared with that of the same period of the year before, so that seasons are none. What is stored
counts as history; only rows of the file are asked about.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from ..columns import Flags, Indices
from ..report import SAMPLE
from ..rules import Rule
from .cells import Cells, spelled
from .cube import Floats
from .fault import Fault
from .given import Given, NotChecked, Yielded
from .pairs import pairs
from .series import YEAR, Series


def unusual_change(cells: Cells, rule: Rule, given: Given) -> Iterator[Yielded]:
    """A figure is far from that of the year before.

    Why: large changes are rare, and slips of the keyboard, shifted rows and other units are not.
    Fix: correct it; or, where it is true, flag a break and its reason, or answer with what happened.
    Example: 50 000 arrivals after 20 000 the year before.
    """
    both = cells.beside(given.previous)
    rows = _asked(both, rule)
    before = both.series.earlier(rows, YEAR)
    known = ~np.isnan(both.values_at(before))
    yield from NotChecked.of("no_history", ~known)
    rows, before = rows[known], before[known]
    change = np.abs(both.values[rows] - both.values[before])
    relative, absolute = float(rule.value("relative")), float(rule.value("absolute", 0.0))
    far = (change > relative * np.abs(both.values[before])) & (change > absolute)
    rows, before = rows[far], before[far]
    excused = _excused(both, rule, rows, before)
    yield from NotChecked.of("break_in_series", excused)
    yield from _fault(both, rows[~excused], before[~excused], rule)


def outlier(cells: Cells, rule: Rule, given: Given) -> Iterator[Yielded]:
    """A figure is far outside what the five years before would let one expect.

    Why: compared with how much the series usually varies, this is not chance. Recent years count more.
    Fix: correct it; or, where it is true, flag a break and its reason, or answer with what happened.
    Example: 9 000 after 5 000, 5 200, 5 100, 5 300 and 5 250.
    """
    both = cells.beside(given.previous)
    rows = _asked(both, rule)
    least, span = int(rule.value("least", 4)), int(rule.value("span", 5))
    back = np.stack([both.series.earlier(rows, YEAR * years) for years in range(1, span + 1)])
    history = both.values_at(back)
    few = np.asarray(np.isnan(history).sum(axis=0) > span - least, np.bool_)
    yield from NotChecked.of("no_history", few)
    enough = np.flatnonzero(~few)
    rows, back, history = rows[enough], back[:, enough], history[:, enough]
    weights = np.arange(span, 0, -1.0)[:, None] * ~np.isnan(history)
    mean, deviation = _weighted(np.nan_to_num(history), weights)
    # a flat history is no reason to ask about every change: counts vary by chance by at least their root, and
    # what is counted by a share of it that is usual for its kind
    deviation = np.maximum(deviation, np.sqrt(np.abs(mean)))
    deviation = np.maximum(deviation, float(rule.value("usual", 0.0)) * np.abs(mean))
    with np.errstate(divide="ignore", invalid="ignore"):
        far = np.abs(both.values[rows] - mean) / deviation > float(rule.value("deviations"))
    far &= np.abs(both.values[rows] - mean) > float(rule.value("absolute", 0.0))
    rows, back, mean, deviation = rows[far], back[:, far], mean[far], deviation[far]
    first = back[0]
    for older in back[1:]:
        first = np.where(older >= 0, older, first)
    excused = _excused(both, rule, rows, first)
    yield from NotChecked.of("break_in_series", excused)
    rows, mean, deviation = rows[~excused], mean[~excused], deviation[~excused]
    if len(rows):
        hidden = both.confidential[rows] | _any(both, back[:, ~excused])
        expected = [
            "" if secret else both.shown(int(row), round(float(figure)))
            for row, figure, secret in zip(rows[:SAMPLE], mean, hidden, strict=False)
        ]

        def example(at: int) -> dict[str, Any]:
            values: dict[str, Any] = {"key": both.dataset.key_of(int(rows[at]))}
            if not hidden[at]:
                values |= {
                    "given": spelled(both.values[rows[at]]),
                    "before": spelled(round(float(mean[at]))),
                    "usual": spelled(round(float(deviation[at]))),
                }
            return values

        yield Fault(rows, values={"years": span}, expected_at=expected, at=both.measure, example=example)


def level_shift_without_break(cells: Cells, rule: Rule, given: Given) -> Iterator[Yielded]:
    """A series moves to another level and stays there, and no break is flagged.

    Why: a level that changes from one year to the next and holds is mostly another source or definition, and
    whoever computes growth over it is misled.
    Fix: flag the first figure of the new level as a break and give its reason; or answer with what happened.
    Example: 1 000, 1 020, 1 010, then 1 400 and 1 420, all without flags.
    """
    both = cells.beside(given.previous)
    rows = np.flatnonzero(both.chosen(rule.where) & both.given & (both.series.key >= 0))
    before = np.stack([both.series.earlier(rows, YEAR * years) for years in (1, 2, 3)])
    after = both.series.earlier(rows, -YEAR)
    in_file = (rows < both.own) | ((after >= 0) & (after < both.own))
    old = both.values_at(before[:, in_file])
    new = both.values_at(np.stack((rows, after))[:, in_file])
    rows, before, after = rows[in_file], before[:, in_file], after[in_file]
    known = np.flatnonzero(~np.isnan(np.concatenate((old, new))).any(axis=0))
    if len(known) < len(rows):
        yield NotChecked("no_history", len(rows) - len(known))
    old, new, rows, before, after = old[:, known], new[:, known], rows[known], before[:, known], after[known]
    was, now = old.mean(axis=0), new.mean(axis=0)
    still = float(rule.value("still"))
    quiet = (np.ptp(old, axis=0) <= still * np.abs(was)) & (np.ptp(new, axis=0) <= still * np.abs(now))
    relative = float(rule.value("relative"))
    moved = np.abs(now - was) > relative * np.abs(was)
    moved &= np.abs(new[0] - old[0]) > relative * np.abs(old[0])  # at one step: a trend is no shift
    moved &= np.abs(now - was) > float(rule.value("absolute", 0.0))
    shifted = quiet & moved
    rows, before, after = rows[shifted], before[:, shifted], after[shifted]
    excused = _excused(both, rule, rows, before[0])
    yield from NotChecked.of("break_in_series", excused)
    rows, before, after = rows[~excused], before[0, ~excused], after[~excused]
    yield from _fault(both, np.where(rows < both.own, rows, after), before, rule)


def break_without_reason(cells: Cells, rule: Rule, given: Given) -> Iterator[Yielded]:
    """A break is flagged, and nothing says why.

    Why: who uses the series must know whether people changed, or the way in which they are counted.
    Fix: give a `BREAK_REASON`, or say in a comment what changed.
    Example: `OBS_STATUS` = `B`, and both `BREAK_REASON` and `COMMENT_OBS` empty.
    """
    flagged = cells.chosen(rule.where) & cells.marked(rule.value("flags"))
    rows = np.flatnonzero(flagged & ~cells.marked(rule.value("reasons")))
    if len(rows):
        yield Fault(rows, next(iter(rule.value("reasons"))))


def revision(cells: Cells, rule: Rule, given: Given) -> Iterator[Yielded]:
    """A published figure is revised by much, and nothing says why; or a provisional one becomes final.

    Why: those who have used the published figure will ask why it changed; a reason given now answers them.
    Fix: give the reason in a comment, or answer this finding with it.
    Example: 50 000 arrivals in 2020 as published, now 55 000.
    """
    if given.published is None or not len(given.published):
        return
    old = Cells(given.published, cells.scale)
    ids = cells.dataset.schema.key
    now, was = pairs(
        [cells.coded(id) for id in ids],
        np.flatnonzero(cells.chosen(rule.where)),
        [old.coded(id) for id in ids],
        np.arange(len(old)),
    )
    change = np.abs(cells.values[now] - old.values[was])
    large = change > float(rule.value("relative")) * np.abs(old.values[was])
    large &= change > float(rule.value("absolute", 0.0))
    unsaid = large & ~cells.marked(rule.value("reasons"))[now]
    if unsaid.any():
        order = np.flatnonzero(unsaid)[np.argsort(-change[unsaid], kind="stable")]
        yield _told(cells, now[order], old, was[order])
    settled = old.marked(rule.value("provisional"))[was] & cells.marked(rule.value("settled"))[now]
    if settled.any():
        yield Fault(now[settled], severity="information", values={"reason": "settled"}, at=cells.measure)


def gap_in_years(cells: Cells, rule: Rule, given: Given) -> Iterator[Yielded]:
    """A series leaves periods out between two that it has.

    Why: nobody can tell whether the figure is zero, not known, or forgotten. A series that is made every five
    years has no gaps.
    Fix: send what is missing, or the period without a figure and with the status that says why.
    Example: 2018, 2019 and 2021.
    """
    both = cells.beside(given.previous)
    # a row with a fault is there, though nothing is worked out from it
    series = both.once("series of all rows", lambda: Series(both, sound=False))
    here = series.order
    late = series.late & (here < both.own) & both.chosen(rule.where)[here]
    late &= ~both.marked(rule.value("excused", {}))[here]
    at = np.flatnonzero(late)
    if len(at):
        before = int(here[at[0] - 1])
        yield Fault(
            here[at],
            series.component,
            values={
                "key": both.dataset.key_of(int(here[at[0]])),
                "before": series.time.text(before),
                "period": series.time.text(int(here[at[0]])),
            },
        )


# --- what is asked about, what is excused, what is told ----------------------------------------------------


def _asked(both: Cells, rule: Rule) -> Indices:
    """The rows of the file that have a figure."""
    return np.flatnonzero((both.chosen(rule.where) & both.given)[: both.own])


def _weighted(history: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """The mean, and by how much the next value may be expected to miss it: few values tell either badly."""
    share = weights / weights.sum(axis=0)
    mean = (history * share).sum(axis=0)
    of_one = (share**2).sum(axis=0)  # the inverse of how many equal values would tell as much
    spread = ((history - mean) ** 2 * share).sum(axis=0) / (1 - of_one)
    return mean, np.sqrt(spread * (1 + of_one))


def _excused(both: Cells, rule: Rule, rows: Indices, before: Indices) -> Flags:
    """Rows with a break after the row that they are compared with, or one of both from another source."""
    if not len(rows):
        return np.zeros(0, bool)
    marks = both.marked(rule.value("excused", {}))
    broken = both.series.any_since(both.marked(rule.value("breaks", {})), rows, before)
    return np.asarray(broken | marks[rows] | marks[before])


def _any(both: Cells, rows: npt.NDArray[np.int64]) -> Flags:
    """Per column, whether one of the rows is confidential."""
    return np.asarray(np.append(both.confidential, False)[rows].any(axis=0))


def _fault(both: Cells, rows: Indices, before: Indices, rule: Rule) -> Iterator[Fault]:
    """Rows with the figure of the year before, the largest changes first."""
    if not len(rows):
        return
    order = np.argsort(-np.abs(both.values[rows] - both.values[before]), kind="stable")
    yield _told(both, rows[order], both, before[order])


def _told(cells: Cells, rows: Indices, others: Cells, at: Indices) -> Fault:
    time = others.dataset.schema.time

    def example(position: int) -> dict[str, Any]:
        row, other = int(rows[position]), int(at[position])
        values: dict[str, Any] = {
            "key": cells.dataset.key_of(row),
            "period": others.coded(time.id).text(other) if time else "",
        }
        if not cells.confidential[row] and not others.confidential[other]:
            given, before = cells.values[row], others.values[other]
            values |= {"given": spelled(given), "before": spelled(before)}
            values |= {"percent": f"{100 * (given - before) / before:+.1f}" if before else "?"}
        return values

    return Fault(rows, at=cells.measure, example=example)
