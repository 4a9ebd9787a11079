"""Effect: what a submission makes of the revision before it: its Delete rows, its actions, its scope.

Delete rows are taken in the order of the file, so what one takes away of the rows before it is left out of
these, and of the revision before; then the other actions are folded on, in the order in which the file first
has them; at last a complete scope takes away what lies in its region and was not sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa

from .changes import Changes
from .columns import Flags, Indices
from .fold import Folded, Numbers, fold, same_keys, widened
from .plan import Action
from .region import Region
from .removals import Deletions, Left, left, says_anything
from .schema import Schema

Step = tuple[Action, pa.Table, Numbers]
"""An action, its observations as `Dataset.table` makes them, and their numbers in the file."""


@dataclass(frozen=True)
class Effect:
    """The `changes` that the observations `sent` make. Counts are in observations.

    `refused`: those that Append may not change. `removals`: those that go by a Delete that leaves out
    dimensions, by the scope, or with these (None where there are no such), and those that lose a measure by
    such a Delete: the number that the sender confirms. `not_there`: the numbers of Delete rows that meet
    nothing. `demanded`: by component how many would lose what the structure demands. `region` is that of a
    complete scope, `outside` how many were sent that lie outside it.
    """

    changes: Changes
    sent: pa.Table
    refused: int = 0
    removals: int | None = None
    not_there: Indices = field(default_factory=lambda: np.zeros(0, np.int64))
    demanded: dict[str, int] = field(default_factory=dict)
    region: str | None = None
    outside: int = 0

    def section(self) -> dict[str, Any]:
        """What a report tells of it."""
        told: dict[str, Any] = {"counts": self.changes.counts(), "largest": self.changes.largest()}
        if self.changes.removed:
            told["removed"] = self.changes.largest_removed()
        if self.removals is not None:
            told["removals"] = self.removals
        if self.region is not None:
            told |= {"scope": "complete", "region": self.region}
        return told


def effect(
    before: pa.Table | None,
    steps: Sequence[Step],
    schema: Schema,
    deletions: Deletions | None = None,
    region: Region | None = None,
) -> Effect:
    """Of the `steps` of one submission, its Delete rows, and the region that it says all of; at least one
    step, though it may be without observations.
    """
    if deletions is None and region is None:
        return _folded(before, steps, schema)
    was = None if before is None else widened(before, steps[0][1].schema)
    lost, kept = list[Left](), list[Left]()
    if deletions is not None:
        if was is not None:
            lost.append(left(was, deletions, np.full(was.num_rows, -1)))
        kept = [left(table, deletions, order, sent=True) for _, table, order in steps]
        steps = [(step[0], one.table, step[2][one.rows]) for step, one in zip(steps, kept, strict=True)]
        made = _folded(lost[0].table if lost else None, steps, schema)
        lost += kept
    else:
        made = _folded(was, steps, schema)
    after, told, outside = made.changes.after, None, 0
    again = same_keys(after, made.sent, schema)
    keep = np.ones(after.num_rows, bool)
    for one in kept:  # a row of the file that a later one empties may be all that is left
        if one.touched.any():
            emptied = one.table.filter(pa.array(one.touched[one.rows]))
            keep &= says_anything(after, schema) | ~same_keys(after, emptied, schema)
    if region is not None:
        periods = region.periods(made.sent, schema)
        keep &= again | ~region.holds(after, periods, schema)
        told = region.told(periods, schema)
        outside = int((~region.holds(made.sent, periods, schema)).sum())
    after, again = after.filter(pa.array(keep)), again[keep]
    changes = Changes.between(was, after, schema)
    touched = _touched(changes, lost[0] if was is not None and lost else None)
    changes = replace(changes, sent=again | touched)
    effect = replace(made, changes=changes, region=told, outside=outside)
    return _counted(effect, deletions, lost, was)


def _counted(
    effect: Effect, deletions: Deletions | None, lost: Sequence[Left], was: pa.Table | None
) -> Effect:
    """With what is to be confirmed, and what Delete rows did not find."""
    gone, removals = effect.changes.gone, effect.changes.removed
    in_bulk = len(gone) > 0 and effect.region is not None
    if deletions is None:
        return replace(effect, removals=removals if in_bulk else None)
    if was is not None:
        in_bulk |= bool(lost[0].wide[gone].any())
        emptied = np.flatnonzero(lost[0].emptied)
        at = np.flatnonzero(np.isin(effect.changes.origin, emptied))
        still = int(_silent(effect.changes.after.take(pa.array(at)), effect.changes.schema).sum())
        removals, in_bulk = removals + still, in_bulk or still > 0
    found = np.any([one.found for one in lost], axis=0)
    demanded: dict[str, int] = {}
    for one in lost:
        for id, count in one.demanded.items():
            demanded[id] = max(count, demanded.get(id, 0))
    not_there = deletions.order[~found]
    return replace(effect, removals=removals if in_bulk else None, not_there=not_there, demanded=demanded)


def _silent(table: pa.Table, schema: Schema) -> Flags:
    """Per row whether a measure is not there."""
    found = [np.asarray(table.column(measure.id).is_null()) for measure in schema.measures]
    return np.asarray(np.any(found, axis=0))


def _touched(changes: Changes, lost: Left | None) -> Flags:
    """Per row of the new revision whether a Delete took something of it."""
    if lost is None:
        return np.zeros(changes.after.num_rows, bool)
    return np.asarray(np.append(lost.touched, False)[changes.origin])  # the last serves origin -1


def _folded(before: pa.Table | None, steps: Sequence[Step], schema: Schema) -> Effect:
    """The actions one after the other."""
    was, changes, refused = before, None, 0
    for action, table, _ in steps:
        folded: Folded = fold(before, table, schema, action)
        refused += folded.refused
        changes = changes.then(folded) if changes else Changes.of(was, folded, schema)
        before = folded.table
    assert changes is not None  # there is at least one step
    return Effect(changes, pa.concat_tables([table for _, table, _ in steps]), refused)
