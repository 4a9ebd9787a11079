"""Removals: what the Delete rows of a submission take away from the revision before it.

SDMX 3.1 Technical Notes (Section 6), dataset actions, and the SDMX-CSV 2.1 field guide, ACTION D: a dimension
that is left out may be anything; measures and attributes that are given, whatever their value, are the only
ones that go; where none is given the whole observation does. What is not there is no error. Rows are taken
in the order of the file: a Delete takes nothing that a later row says.

Decided here, where the standard is silent: an observation of which neither a measure nor an attribute of its
own is left goes as a whole; a value that the structure demands goes with its observation only; the figure of
an observation whose status of confidentiality goes, goes too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from .columns import Columns, Flags, Indices
from .dataset import MEANT, Coded, Dataset, coded
from .fold import closed, like, plain
from .schema import BY_SERVICE, CONFIDENTIALITY, STATUS, Schema

MOST_WAYS = 64
"""In so many ways may the Delete rows of a file leave out dimensions: each is a search of its own."""

Numbers = npt.NDArray[np.int64]
Ids = tuple[str, ...]
_WHOLE = ""


@dataclass(frozen=True)
class Hits:
    """What Delete rows say of the rows of a table.

    `whole`: those that go; `wide`: those that one takes which leaves out dimensions. `values`: by component
    those that lose it; `wide_values` the same for `wide`. `found`: per Delete row whether it meets any.
    """

    whole: Flags
    wide: Flags
    values: Mapping[str, Flags]
    wide_values: Mapping[str, Flags]
    found: Flags


@dataclass(frozen=True)
class Deletions:
    """The Delete rows of a file for one dataflow.

    `keys`: by dimension the codes, -1 where a row leaves it out. `given`: by measure and attribute the rows
    that name it. `order`: the numbers of the rows in the file, ascending.
    """

    schema: Schema
    keys: Mapping[str, Coded]
    given: Mapping[str, Flags]
    order: Indices

    @classmethod
    def of(cls, columns: Columns, dataset: Dataset) -> Deletions:
        """The rows of `columns`, all of them Delete rows, which `dataset` is typed from."""
        schema, size = dataset.schema, len(dataset)
        nothing = Coded((), np.full(size, -1))
        keys = {id: dataset.coded(id) or nothing for id in schema.key}
        named = [c.id for c in (*schema.measures, *schema.attributes) if c.id in columns.table.column_names]
        given = {id: coded(columns.table.column(id)).codes >= 0 for id in named}
        return cls(schema, keys, given, columns.numbered(np.arange(size)))

    def __len__(self) -> int:
        return len(self.order)

    def only(self, keep: Flags) -> Deletions:
        """Some of the rows."""
        keys = {id: Coded(column.values, column.codes[keep]) for id, column in self.keys.items()}
        given = {id: flags[keep] for id, flags in self.given.items()}
        return replace(self, keys=keys, given=given, order=self.order[keep])

    @cached_property
    def ways(self) -> list[tuple[Ids, Indices]]:
        """The sets of dimensions that rows name, those that name fewest first, each with its rows."""
        named = np.stack([self.keys[id].codes >= 0 for id in self.schema.key])
        kinds, of_row = np.unique(named, axis=1, return_inverse=True)
        order = np.argsort(kinds.sum(axis=0), kind="stable")
        ids = np.array(self.schema.key, object)
        return [(tuple(ids[kinds[:, at]]), np.flatnonzero(of_row.reshape(-1) == at)) for at in order]

    @property
    def contents(self) -> pa.Table:
        """What the rows say, as a table with the columns of the schema: for a hash of it."""
        told: dict[str, pa.Array] = {}
        for component in self.schema.components:
            if component.id in self.keys:
                column = self.keys[component.id]
                texts = pa.array([*column.values, None], pa.utf8())
                told[component.id] = texts.take(pa.array(column.codes % len(texts))).dictionary_encode()
            else:
                given = self.given.get(component.id, np.zeros(len(self), bool))
                told[component.id] = pc.if_else(pa.array(given), pa.scalar("-"), None).dictionary_encode()
        return pa.table(told)

    def hits(self, table: pa.Table, order: Numbers) -> Hits:
        """What is said of the rows of `table`, which stand at `order` in the file (-1: before it)."""
        size = table.num_rows
        found = np.zeros(len(self), bool)
        own = {id: _in(self.keys[id], coded(table.column(id))) for id in self.schema.key}
        told: dict[tuple[str, bool], Flags] = {}
        for what, ids, rows in self._searches():
            hit = self._met(ids, rows, own, order, found)
            wide = len(ids) < len(self.schema.key)
            told[what, wide] = told.get((what, wide), np.zeros(size, bool)) | hit
        nothing = np.zeros(size, bool)
        either = {what: np.zeros(size, bool) for what, _ in told}
        for (what, _), hit in told.items():
            either[what] |= hit
        wide_values = {what: told[what, True] for what in self.given if (what, True) in told}
        values = {what: hit for what, hit in either.items() if what != _WHOLE}
        far = told.get((_WHOLE, True), nothing)
        return Hits(either.get(_WHOLE, nothing), far, values, wide_values, found)

    def _searches(self) -> Iterator[tuple[str, Ids, Indices]]:
        """(what goes, the dimensions that say of which rows, the Delete rows) as few times as it takes.

        An attribute of the series goes for the whole of it.
        """
        series = {attribute.id for attribute in self.schema.series_attributes}
        time = self.schema.time.id if self.schema.time else ""
        none = ~np.any([*self.given.values(), np.zeros(len(self), bool)], axis=0)
        for ids, rows in self.ways:
            for what, flags in ((_WHOLE, none), *self.given.items()):
                if what in BY_SERVICE:
                    continue
                chosen = rows[flags[rows]]
                if len(chosen):
                    yield what, tuple(id for id in ids if id != time or what not in series), chosen

    def _met(
        self, ids: Ids, rows: Indices, own: Mapping[str, Numbers], order: Numbers, found: Flags
    ) -> Flags:
        """The rows of a table, with `own` codes, that these Delete rows meet; `found` learns which did."""
        theirs, mine, known = self._numbered(ids, rows, own)
        kinds, last = np.unique(theirs[::-1], return_index=True)
        latest = self.order[rows[::-1][last]]
        at = np.minimum(np.searchsorted(kinds, mine), len(kinds) - 1)
        same = known & (kinds[at] == mine)
        first = np.full(len(kinds), np.iinfo(np.int64).max)
        np.minimum.at(first, at[same], order[same])
        found[rows] |= first[np.searchsorted(kinds, theirs)] < self.order[rows]
        return np.asarray(same & (latest[at] > order))

    def _numbered(
        self, ids: Ids, rows: Indices, own: Mapping[str, Numbers]
    ) -> tuple[Numbers, Numbers, Flags]:
        """One number per row of both, equal where all of `ids` are; whether a row of the table has one."""
        size = len(next(iter(own.values())))
        theirs, mine, span = np.zeros(len(rows), np.int64), np.zeros(size, np.int64), 1
        known = np.ones(size, bool)
        for id in ids:
            width = max(1, len(self.keys[id].values))
            if span > (1 << 62) // width:  # would overflow: number what we have so far, densely
                _, both = np.unique(np.concatenate((theirs, mine)), return_inverse=True)
                theirs, mine, span = both[: len(rows)], both[len(rows) :], len(both)
            theirs = theirs * width + self.keys[id].codes[rows]
            mine = mine * width + np.maximum(own[id], 0)
            known &= own[id] >= 0
            span *= width
        return theirs, mine, known


def _in(one: Coded, other: Coded) -> Numbers:
    """The codes of `other` as those of `one`, -1 where it does not have the value."""
    known = {value: at for at, value in enumerate(one.values)}
    codes = np.array([*(known.get(value, -1) for value in other.values), -1], np.int64)
    return np.asarray(codes[other.codes])


# --- what is left -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Left:
    """What Delete rows leave of a table: `rows` of it, the `table` of those.

    Per row of the table as it was: whether it was `touched` without being gone; whether it went by a Delete
    that leaves out dimensions (`wide`), or lost a measure by one (`emptied`). `demanded`: components that the
    structure demands and observations lost, with how many.
    """

    table: pa.Table
    rows: Indices
    touched: Flags
    wide: Flags
    emptied: Flags
    found: Flags
    demanded: Mapping[str, int] = field(default_factory=dict)


def left(table: pa.Table, deletions: Deletions, order: Numbers, *, sent: bool = False) -> Left:
    """What `deletions` leave of `table`, as `Dataset.table` makes it, whose rows stand at `order`.

    Of one that is `sent` rows stay that say nothing any more: they may still replace what was there.
    """
    schema, hits = deletions.schema, deletions.hits(table, order)
    had = {id: np.asarray(pc.is_valid(table.column(id))) for id in hits.values if id in table.column_names}
    lost = {id: hits.values[id] & valid for id, valid in had.items()}
    nothing = np.zeros(table.num_rows, bool)
    touched = np.any([*lost.values(), nothing], axis=0)
    made = _emptied(table, {id: hits.values[id] for id in had}, schema)
    bare = touched & ~says_anything(made, schema)
    gone = hits.whole | (bare & (not sent))
    measures = [hits.wide_values[m.id] & lost[m.id] for m in schema.measures if m.id in hits.wide_values]
    emptied = np.any([*measures, nothing], axis=0)
    demanded = {
        id: count
        for id, flags in lost.items()
        if schema.by_id[id].mandatory and (count := int((flags & ~gone).sum()))
    }
    rows = np.flatnonzero(~gone)
    wide = hits.wide | (bare & np.any([*hits.wide_values.values(), nothing], axis=0))
    return Left(made.take(pa.array(rows)), rows, touched & ~gone, wide, emptied & ~gone, hits.found, demanded)


def _emptied(table: pa.Table, values: Mapping[str, Flags], schema: Schema) -> pa.Table:
    """The table without these values. What was hidden by a status that goes is not uncovered."""
    flags = dict(values)
    if CONFIDENTIALITY in values:
        uncovered = closed(table) & values[CONFIDENTIALITY]
        nothing = np.zeros(table.num_rows, bool)
        flags |= {id: flags.get(id, nothing) | uncovered for id in schema.hidden if id != STATUS}
    for measure in schema.measures:
        if measure.id in flags:
            flags[f"_text_{measure.id}"] = flags[measure.id]
    for id in tuple(flags):
        if MEANT + id in table.column_names:
            flags[MEANT + id] = flags[id]
    for id, gone in flags.items():
        if id in table.column_names and gone.any():
            column = table.column(id)
            none = pa.scalar(False) if id.startswith(MEANT) else pa.scalar(None, plain(column).type)
            told = pc.if_else(pa.array(gone), none, plain(column))
            table = table.set_column(table.column_names.index(id), id, like(told, column))
    return table


def says_anything(table: pa.Table, schema: Schema) -> Flags:
    """Per row whether it has a measure, or an attribute of the observation itself."""
    ids = [c.id for c in (*schema.measures, *schema.observation_attributes) if c.id not in BY_SERVICE]
    found = [np.asarray(pc.is_valid(table.column(id))) for id in ids if id in table.column_names]
    return np.asarray(np.any([*found, np.zeros(table.num_rows, bool)], axis=0))
