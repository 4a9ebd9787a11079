"""Folding a submission onto the provider's previous revision: what an action does to what was there.

SDMX 3.0 Technical Notes (Section 6), 3.4, and SDMX-CSV 2.x field guides, ACTION. Merge: values that are
given, also as missing on purpose, replace those that were there; omitted ones stay. Replace: the observation
as a whole is replaced; absent observations stay. Append: new observations only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from .dataset import MEANT
from .plan import Action
from .schema import BY_SERVICE, CONFIDENTIALITY, FOOTNOTE, FREE, PROVIDER, STATUS, SUPPRESSED, Schema

Numbers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_ROOM = 1 << 62
"""So many keys have a number of their own."""


@dataclass(frozen=True)
class Since:
    """How a revision relates to the previous one; counts are in observations.

    Per row of it: `origin`, its row in the previous one, -1 where it is new; whether it was `sent`; whether
    it `differs` from what it was.
    """

    origin: Numbers
    sent: Flags
    differs: Flags

    @property
    def added(self) -> int:
        """Observations that were not there before."""
        return int((self.origin < 0).sum())

    @property
    def unchanged(self) -> int:
        """Those sent again as they were."""
        return int((self.sent & ~self.differs & (self.origin >= 0)).sum())

    @property
    def changed(self) -> int:
        """Those that were there with other contents."""
        return int(self.differs.sum())

    @property
    def spread(self) -> int:
        """Those of `changed` that were not sent: an attribute of their series changed."""
        return int((self.differs & ~self.sent).sum())


@dataclass(frozen=True)
class Folded(Since):
    """The new revision. `refused` are the observations sent that Append may not change."""

    table: pa.Table
    refused: int = 0


def fold(previous: pa.Table | None, sent: pa.Table, schema: Schema, action: Action) -> Folded:
    """`sent` (no key twice with other contents) folded onto `previous`; both as `Dataset.table` makes."""
    sent, meant = _meant(sent)
    sent, _ = _one_value_per_series(sent, schema, 0)
    if previous is None or not previous.num_rows:
        once = sent.take(pa.array(_last_of_each(_numbers(sent, schema.key))))
        size = once.num_rows
        return Folded(np.full(size, -1), np.ones(size, bool), np.zeros(size, bool), once)
    both = pa.concat_tables([widened(previous, sent.schema), sent]).unify_dictionaries().combine_chunks()
    was, now, added = _matched(_numbers(both, schema.key), previous.num_rows)
    stay = np.setdiff1d(np.arange(previous.num_rows), was)
    if action == "Append":
        return _appended(both, schema, was, now, added, previous.num_rows, meant)
    own = {id: flags[now - previous.num_rows] for id, flags in meant.items()}
    given, before = both.take(pa.array(now)), both.take(pa.array(was))
    replaced = _coalesced(given, before, own) if action == "Merge" else given
    replaced = _guarded(replaced, given, before, schema)
    table = pa.concat_tables([both.take(pa.array(stay)), replaced, both.take(pa.array(added))])
    table, _ = _one_value_per_series(table, schema, len(stay))
    changed = differing(
        table.slice(0, len(stay) + len(was)), both.take(pa.array(np.concatenate((stay, was))))
    )
    return Folded(
        np.concatenate((stay, was, np.full(len(added), -1))),
        np.arange(table.num_rows) >= len(stay),
        np.concatenate((changed, np.zeros(len(added), bool))),
        table,
    )


def _matched(keys: Numbers, previous: int) -> tuple[Numbers, Numbers, Numbers]:
    """Rows of the previous revision that are sent again, the rows that send them, and those that are new."""
    old, new = keys[:previous], keys[previous:]
    last = _last_of_each(new)
    order = np.argsort(old, kind="stable")
    found = np.minimum(np.searchsorted(old[order], new[last]), len(order) - 1)
    is_known = old[order[found]] == new[last]
    return order[found[is_known]], previous + last[is_known], previous + last[~is_known]


def _appended(
    both: pa.Table,
    schema: Schema,
    was: Numbers,
    now: Numbers,
    added: Numbers,
    previous: int,
    meant: Mapping[str, Flags],
) -> Folded:
    """New observations only; what would change others, or an attribute of their series, is refused.

    Another footnote is no change of the sender's.
    """
    before = both.take(pa.array(was))
    own = {id: flags[now - previous] for id, flags in meant.items()}
    differs = differing(_without_notes(_coalesced(both.take(pa.array(now)), before, own)), before)
    table = pa.concat_tables([both.slice(0, previous), both.take(pa.array(added))])
    table, overruled = _one_value_per_series(table, schema, previous)
    refused = int(differs.sum()) + int(overruled[previous:].sum())
    origin = np.concatenate((np.arange(previous), np.full(len(added), -1)))
    again = np.isin(origin, was) | (origin < 0)
    return Folded(origin, again, np.zeros(len(origin), bool), table, refused)


def widened(previous: pa.Table, schema: pa.Schema) -> pa.Table:
    """The previous revision with the columns of today, null where the structure did not have them then."""
    columns = {
        name: previous.column(name)
        if name in previous.column_names
        else pa.nulls(previous.num_rows, field.type)
        for name, field in zip(schema.names, schema, strict=True)
    }
    return pa.table(columns)


def _numbers(table: pa.Table, ids: tuple[str, ...]) -> Numbers:
    """One integer per row, equal where all of `ids` are equal."""
    total, size = np.zeros(table.num_rows, np.int64), 1
    for id in ids:
        codes = _codes(table.column(id))
        more = int(codes.max(initial=-1)) + 2
        if size * more >= _ROOM:
            known, total = np.unique(total, return_inverse=True)
            total, size = total.astype(np.int64), len(known)
        total, size = total * more + codes + 1, size * more
    return total


def _codes(column: pa.ChunkedArray) -> Numbers:
    """The index of each row's text, -1 where it is missing."""
    return np.asarray(pc.fill_null(_encoded(column).indices, -1), np.int64)


def _encoded(column: pa.ChunkedArray) -> pa.DictionaryArray:
    """A text column as one dictionary array."""
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    return column.unify_dictionaries().combine_chunks()


def matched(before: pa.Table, after: pa.Table, schema: Schema) -> tuple[Numbers, Numbers]:
    """Rows of two tables with the same key, of both."""
    names = list(schema.key)
    both = pa.concat_tables([before.select(names), after.select(names)]).unify_dictionaries()
    was, now, _ = _matched(_numbers(both.combine_chunks(), schema.key), before.num_rows)
    return was, now - before.num_rows


def same_keys(rows: pa.Table, others: pa.Table, schema: Schema) -> Flags:
    """Per row, whether `others` has a row with its key."""
    names = list(schema.key)
    both = pa.concat_tables([rows.select(names), others.select(names)]).unify_dictionaries()
    keys = _numbers(both.combine_chunks(), schema.key)
    return np.isin(keys[: rows.num_rows], keys[rows.num_rows :])


def closed(table: pa.Table) -> Flags:
    """Per row, whether its figure is confidential."""
    if CONFIDENTIALITY not in table.column_names:
        return np.zeros(table.num_rows, bool)
    return np.asarray(_closed(table))


def _last_of_each(keys: Numbers) -> Numbers:
    """The last row of each key, in the order of the rows."""
    _, first_from_end = np.unique(keys[::-1], return_index=True)
    return np.sort(len(keys) - 1 - first_from_end)


def differing(one: pa.Table, two: pa.Table) -> npt.NDArray[np.bool_]:
    """Per row, whether two tables of the same length say different things; a number's digits are none, nor is
    whose an observation is.
    """
    differs = np.zeros(one.num_rows, bool)
    for name in one.column_names:
        if name.startswith("_") or name == PROVIDER:
            continue
        if pa.types.is_floating(one.schema.field(name).type):
            first, second = one.column(name).to_numpy(), two.column(name).to_numpy()
            differs |= ~((first == second) | (np.isnan(first) & np.isnan(second)))
        else:
            codes = _codes(pa.chunked_array([*one.column(name).chunks, *two.column(name).chunks]))
            differs |= codes[: one.num_rows] != codes[one.num_rows :]
    return differs


def _without_notes(table: pa.Table) -> pa.Table:
    return table.drop_columns([FOOTNOTE]) if FOOTNOTE in table.column_names else table


def _meant(sent: pa.Table) -> tuple[pa.Table, dict[str, Flags]]:
    """What was sent as it is kept, and by component the rows of which it is missing on purpose."""
    names = [name for name in sent.column_names if name.startswith(MEANT)]
    flags = {name.removeprefix(MEANT): sent.column(name).to_numpy() for name in names}
    return sent.drop_columns(names), flags


def _coalesced(new: pa.Table, old: pa.Table, meant: Mapping[str, Flags]) -> pa.Table:
    """`new` with what it omits taken from `old`, row by row; a measure and its kept text are one value."""
    columns = {}
    for name in new.column_names:
        measure = name.removeprefix("_text_")
        told = measure if name.startswith("_text_") else name
        given = pc.is_valid(new.column(told))
        if told in meant:
            given = pc.or_(given, pa.chunked_array([meant[told]]))
        columns[name] = pc.if_else(given, plain(new.column(name)), plain(old.column(name)))
    return pa.table({name: like(column, new.column(name)) for name, column in columns.items()})


def _guarded(new: pa.Table, given: pa.Table, old: pa.Table, schema: Schema) -> pa.Table:
    """Confidential values neither get lost nor come out by a row that gives no value.

    Such a row, still confidential, is what the service itself hands out (value empty, status Q): sent back,
    the value stays. A row that is open now does not uncover what it did not give.
    """
    if CONFIDENTIALITY not in new.column_names:
        return new
    silent = pc.is_null(given.column(schema.measures[0].id))
    if STATUS in given.column_names:
        status = plain(given.column(STATUS))
        silent = pc.and_(silent, pc.fill_null(pc.equal(status, SUPPRESSED), True))
    was_closed, is_closed = _closed(old), _closed(new)
    stays = pc.and_(silent, pc.and_(was_closed, is_closed))
    opens = pc.and_not(was_closed, is_closed)
    for name in schema.hidden:
        column = pc.if_else(stays, plain(old.column(name)), plain(new.column(name)))
        if name != STATUS:
            unsaid = pc.and_(opens, pc.is_null(given.column(name)))
            column = pc.if_else(unsaid, pa.scalar(None, column.type), column)
        new = new.set_column(new.column_names.index(name), name, like(column, new.column(name)))
    return new


def _closed(table: pa.Table) -> pa.ChunkedArray:
    return pc.fill_null(pc.not_equal(plain(table.column(CONFIDENTIALITY)), FREE), False)


def plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column of texts as they are, without a dictionary."""
    return column.cast(pa.utf8()) if pa.types.is_dictionary(column.type) else column


def like(column: pa.ChunkedArray, model: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column with a dictionary where the model has one."""
    return column.dictionary_encode() if pa.types.is_dictionary(model.type) else column


def _one_value_per_series(
    table: pa.Table, schema: Schema, before: int
) -> tuple[pa.Table, npt.NDArray[np.bool_]]:
    """Series attributes hold for the whole series: what rows from `before` on say holds for all.

    Also, per row, whether an earlier row of its series said something else.
    """
    table = table.unify_dictionaries().combine_chunks()
    # numbered without gaps: there is a place for each below
    _, series = np.unique(_numbers(table, tuple(d.id for d in schema.series_dimensions)), return_inverse=True)
    overruled = np.zeros(table.num_rows, bool)
    for attribute in schema.series_attributes:
        at = table.column_names.index(attribute.id)
        codes = _codes(table.column(attribute.id))
        told = np.full(int(series.max(initial=-1)) + 1, -1, np.int64)
        for rows in (slice(None, before), slice(before, None)):
            given = codes[rows] >= 0
            told[series[rows][given]] = codes[rows][given]
        chosen = told[series]
        lost = np.unique(series[(codes >= 0) & (chosen != codes)])
        overruled |= np.isin(series, lost)
        if (chosen != codes).any():
            dictionary = _encoded(table.column(attribute.id)).dictionary
            indices = pa.array(chosen.astype(np.int32), mask=chosen < 0)
            table = table.set_column(at, attribute.id, pa.DictionaryArray.from_arrays(indices, dictionary))
    return table, overruled


def content_hash(table: pa.Table, schema: Schema) -> str:
    """sha256 of what the sender says of the observations, whatever the order of rows, the format, or a
    number's digits.
    """
    total = np.zeros(table.num_rows, np.uint64)
    for component in (one for one in schema.components if one.id not in BY_SERVICE):
        column = table.column(component.id)
        if pa.types.is_floating(column.type):
            hashes = pc.fill_null(column, np.nan).to_numpy().view(np.uint64)
        else:
            encoded = _encoded(column)
            texts = encoded.dictionary.to_pylist()
            known = [
                int.from_bytes(hashlib.blake2b(t.encode(), digest_size=8).digest(), "big") for t in texts
            ]
            hashes = np.array([*known, 0], np.uint64)[_codes(column)]
        # odd multiplier of the golden ratio: columns do not cancel each other
        total = (total * np.uint64(0x9E3779B97F4A7C15)) ^ hashes
        total ^= total >> np.uint64(29)
    return hashlib.sha256(np.sort(total).tobytes()).hexdigest()
