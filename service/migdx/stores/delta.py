"""What a revision changed in what everyone may see, kept beside it: since when each of its rows is as it is,
and which keys earlier revisions had.

Of a confidential observation only the empty row is known here: a hidden figure may change as it likes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ..fold import Flags, Numbers, matched, plain
from ..schema import Schema
from . import Segment

GONE = ".deleted"
"""After the name of a segment: the file of keys that earlier revisions had."""

SINCE = "_since"
"""The revision in which a row came to be as it is, or a key went."""


@dataclass(frozen=True)
class Delta:
    """Per row of a revision the one `since` which it is as it is. `gone` are the keys that earlier revisions
    had and this one has not, with that since which they are gone. Both tell of what changed since the
    revision `told`, or a later one.
    """

    since: npt.NDArray[np.int32]
    gone: pa.Table
    told: int


def first(after: pa.Table, schema: Schema, revision: int) -> Delta:
    """Of a revision before which there is none, or none that is known."""
    return Delta(np.full(after.num_rows, revision, np.int32), _keys(after.slice(0, 0), schema, []), revision)


def following(
    previous: Segment, before: pa.Table, gone: pa.Table | None, after: pa.Table, schema: Schema, revision: int
) -> Delta:
    """Of a revision after `previous`, whose open rows are `before`, with its keys `gone`."""
    since = np.full(after.num_rows, revision, np.int32)
    was = np.zeros(0, np.int64)
    if before.num_rows and after.num_rows:
        was, now = matched(before, after, schema)
        same = ~_changed(_contents(before, schema), was, _contents(after, schema), now)
        # a revision that was written before this was kept is as it is since it was made
        old = before.column(SINCE).to_numpy() if SINCE in before.column_names else previous.revision
        since[now[same]] = np.broadcast_to(old, before.num_rows)[was[same]]
    lost = before.filter(pa.array(_but(was, before.num_rows)))
    went = [_keys(lost, schema, np.full(lost.num_rows, revision, np.int32))]
    if gone is not None:
        again = matched(gone, after, schema)[0] if after.num_rows else was[:0]
        still = gone.filter(pa.array(_but(again, gone.num_rows)))
        went.append(_keys(still, schema, still.column(SINCE)))
    told = previous.revision if previous.since is None else previous.since
    return Delta(since, pa.concat_tables(went), told)


def _changed(one: pa.Table, was: Numbers, two: pa.Table, now: Numbers) -> Flags:
    """Whether the rows `was` of one revision say something else than the rows `now` of another; a column that
    one of the structures did not have is empty there.
    """
    both = pa.concat_tables([one, two], promote_options="default").unify_dictionaries().combine_chunks()
    changed = np.zeros(len(was), bool)
    for column in both.columns:
        whole = column.combine_chunks()
        values = pc.fill_null(whole.indices, -1) if pa.types.is_dictionary(whole.type) else whole
        numbers = values.to_numpy(zero_copy_only=False)  # a missing figure is NaN
        old, new = numbers[was], numbers[one.num_rows + now]
        changed |= (old != new) & ~((old != old) & (new != new))
    return changed


def _contents(table: pa.Table, schema: Schema) -> pa.Table:
    """Its columns, but for those of the key and what places its rows, with texts as dictionaries."""
    return pa.table(
        {
            name: column.dictionary_encode() if pa.types.is_string(column.type) else column
            for name, column in zip(table.column_names, table.columns, strict=True)
            if name.startswith("_text_") or not (name.startswith("_") or name in schema.key)
        }
    )


def _but(rows: Numbers, size: int) -> Flags:
    """Of so many rows, all but these."""
    others = np.ones(size, bool)
    others[rows] = False
    return others


def _keys(table: pa.Table, schema: Schema, since: object) -> pa.Table:
    columns = {id: plain(table.column(id)) for id in schema.key}
    return pa.table(columns | {SINCE: pa.array(since, pa.int32())})
