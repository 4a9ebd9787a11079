"""Folding a submission onto the provider's previous revision: what an action does to what was there.

SDMX 3.0 Technical Notes (Section 6), 3.4, and SDMX-CSV 2.x field guides, ACTION. Merge: values that are given
replace those that were there, omitted ones stay. Replace: the observation as a whole is replaced; absent
observations stay. Append: new observations only.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from .plan import Action
from .schema import Schema

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Folded:
    """The new revision, and how its observations relate to the previous one; `refused` are row indices of the
    submission that Append may not change."""

    table: pa.Table
    added: int
    changed: int
    unchanged: int
    refused: Numbers


def fold(previous: pa.Table | None, sent: pa.Table, schema: Schema, action: Action) -> Folded:
    """`sent` (no key twice with other contents) folded onto `previous`; both as `Dataset.table` makes."""
    sent = _one_value_per_series(sent, schema, 0)
    if previous is None or not previous.num_rows:
        once = sent.take(pa.array(_last_of_each(_numbers(sent, schema.key))))
        return Folded(once, once.num_rows, 0, 0, np.zeros(0, np.int64))
    both = pa.concat_tables([_widened(previous, sent.schema), sent]).unify_dictionaries().combine_chunks()
    keys = _numbers(both, schema.key)
    old, new = keys[: previous.num_rows], keys[previous.num_rows :]
    last = _last_of_each(new)
    order = np.argsort(old, kind="stable")
    at = np.searchsorted(old[order], new[last])
    found = np.minimum(at, len(order) - 1)
    is_known = old[order[found]] == new[last]
    was = order[found[is_known]]
    now = previous.num_rows + last[is_known]
    differs = _differ(both, was, now, merge=action != "Replace")
    if action == "Append":
        kept = np.concatenate((np.arange(previous.num_rows), previous.num_rows + last[~is_known]))
        return Folded(
            both.take(pa.array(kept)),
            int((~is_known).sum()),
            0,
            int((~differs).sum()),
            last[is_known][differs],
        )
    added = previous.num_rows + last[~is_known]
    stay = np.setdiff1d(np.arange(previous.num_rows), was)
    replaced = both.take(pa.array(now))
    if action == "Merge":
        replaced = _coalesced(replaced, both.take(pa.array(was)), schema)
    table = pa.concat_tables([both.take(pa.array(stay)), replaced, both.take(pa.array(added))])
    table = _one_value_per_series(table.combine_chunks(), schema, len(stay))
    return Folded(table, len(added), int(differs.sum()), int((~differs).sum()), np.zeros(0, np.int64))


def _widened(previous: pa.Table, schema: pa.Schema) -> pa.Table:
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
    total = np.zeros(table.num_rows, np.int64)
    for id in ids:
        codes = _codes(table.column(id))
        total = total * (int(codes.max(initial=-1)) + 2) + codes + 1
        _, total = np.unique(total, return_inverse=True)
        total = total.astype(np.int64)
    return total


def _codes(column: pa.ChunkedArray) -> Numbers:
    """The index of each row's text, -1 where it is missing."""
    return np.asarray(pc.fill_null(_encoded(column).indices, -1), np.int64)


def _encoded(column: pa.ChunkedArray) -> pa.DictionaryArray:
    """A text column as one dictionary array."""
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    return column.unify_dictionaries().combine_chunks()


def _last_of_each(keys: Numbers) -> Numbers:
    """The last row of each key, in the order of the rows."""
    _, first_from_end = np.unique(keys[::-1], return_index=True)
    return np.sort(len(keys) - 1 - first_from_end)


def _differ(table: pa.Table, was: Numbers, now: Numbers, *, merge: bool) -> npt.NDArray[np.bool_]:
    """Per pair of rows, whether any value differs; with `merge`, an omitted new value does not count."""
    differs = np.zeros(len(was), bool)
    for name in table.column_names:
        column = table.column(name)
        if pa.types.is_floating(column.type):
            values = column.to_numpy()
            one, two = values[was], values[now]
            different = ~((one == two) | (np.isnan(one) & np.isnan(two)))
            omitted = np.isnan(two)
        else:
            codes = _codes(column)
            one, two = codes[was], codes[now]
            different, omitted = one != two, two < 0
        if merge and not name.startswith("_"):
            different &= ~omitted
        elif merge and name.startswith("_text_"):
            continue
        differs |= different
    return differs


def _coalesced(new: pa.Table, old: pa.Table, schema: Schema) -> pa.Table:
    """`new` with what it omits taken from `old`, row by row; a measure and its kept text are one value."""
    columns = {}
    for name in new.column_names:
        measure = name.removeprefix("_text_")
        given = pc.is_valid(new.column(measure if name.startswith("_text_") else name))
        columns[name] = pc.if_else(given, _plain(new.column(name)), _plain(old.column(name)))
    return pa.table({name: _like(column, new.column(name)) for name, column in columns.items()})


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.utf8()) if pa.types.is_dictionary(column.type) else column


def _like(column: pa.ChunkedArray, model: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.dictionary_encode() if pa.types.is_dictionary(model.type) else column


def _one_value_per_series(table: pa.Table, schema: Schema, before: int) -> pa.Table:
    """Series attributes hold for the whole series: what rows from `before` on say holds for all."""
    table = table.unify_dictionaries().combine_chunks()
    series = _numbers(table, tuple(d.id for d in schema.series_dimensions))
    for attribute in schema.series_attributes:
        at = table.column_names.index(attribute.id)
        codes = _codes(table.column(attribute.id))
        told = np.full(int(series.max(initial=-1)) + 1, -1, np.int64)
        for rows in (slice(None, before), slice(before, None)):
            given = codes[rows] >= 0
            told[series[rows][given]] = codes[rows][given]
        chosen = told[series]
        if (chosen != codes).any():
            dictionary = _encoded(table.column(attribute.id)).dictionary
            indices = pa.array(chosen.astype(np.int32), mask=chosen < 0)
            table = table.set_column(at, attribute.id, pa.DictionaryArray.from_arrays(indices, dictionary))
    return table


def content_hash(table: pa.Table, schema: Schema) -> str:
    """sha256 of what the observations say, whatever the order of rows, the format, or a number's digits."""
    total = np.zeros(table.num_rows, np.uint64)
    for component in schema.components:
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
