"""Answers that are read in two parts, side by side: each is in order, and so is what is made of both."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from ..columns import Indices
from .duck import PLACE

Placed = tuple[Indices, pa.RecordBatch]
"""Rows, and the place of the segment of each in the order of agreements."""


def placed(batches: Iterator[pa.RecordBatch], places: Indices) -> Iterator[Placed]:
    """The rows of one part; `places` are those of its segments, as `PLACE` numbers them."""
    for batch in batches:
        numbers = batch.column(PLACE).to_numpy()
        yield places[numbers], batch.drop_columns([PLACE])


def merged(parts: list[Iterator[Placed]]) -> Iterator[Placed]:
    """All rows in order of their places; no place is in two of the parts. What is not walked is not read."""
    heads = [(head, part) for part in parts if (head := next(part, None))]
    while len(heads) > 1:
        heads.sort(key=lambda one: int(one[0][0][0]))
        ((places, batch), part), *others = heads
        until = int(np.searchsorted(places, others[0][0][0][0]))
        yield places[:until], batch.slice(0, until)
        left = (places[until:], batch.slice(until)) if until < len(places) else next(part, None)
        heads = [(left, part), *others] if left else others
    for head, part in heads:
        yield head
        yield from part


def cut(found: Iterator[Placed], offset: int, limit: int) -> Iterator[Placed]:
    """Without the first `offset` rows, at most `limit` of the others; all of them where it is 0."""
    last = offset + limit if limit else None
    passed = 0
    for places, batch in found:
        begin = max(0, offset - passed)
        end = len(places) if last is None else min(len(places), last - passed)
        passed += len(places)
        if begin < end:
            yield places[begin:end], batch.slice(begin, end - begin)
        if last is not None and passed >= last:
            return
