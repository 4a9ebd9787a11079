"""Cells as a library gives them, Python values, as columns of text with their kinds."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..dataset import number_texts
from ..grid import GridSheet, Kind, Kinds

_BATCH = 4096


class Gathered:
    """The columns of a sheet as they grow; `skipped` columns before them are empty."""

    def __init__(self, skipped: int = 0) -> None:
        self.height = 0
        self._skipped = skipped
        self._texts: list[list[pa.Array]] = []
        self._kinds: list[list[Kinds]] = []

    def add(self, rows: Iterable[Sequence[Any]]) -> None:
        """Rows of values, all equally long."""
        left = iter(rows)
        while batch := list(islice(left, _BATCH)):
            for at, values in enumerate(zip(*batch, strict=True)):
                texts, kinds = texts_of(values)
                self.column(at, texts, kinds)
            self.height += len(batch)

    def column(self, at: int, texts: pa.Array, kinds: Kinds) -> None:
        """More cells of a column; all that it has not been given so far are empty."""
        while len(self._texts) <= at:
            self._texts.append([pa.nulls(self.height, pa.utf8())] if self.height else [])
            self._kinds.append([np.zeros(self.height, np.uint8)] if self.height else [])
        self._texts[at].append(texts)
        self._kinds[at].append(kinds)

    def done(
        self, name: str, bad: Iterable[tuple[int, int, str]] = (), *, visible: bool = True, **more: Any
    ) -> GridSheet:
        """`bad` are cells without a value, as row, column and text, from 1: "" is a formula."""
        width = self._skipped + len(self._texts)
        cells, kinds = list(self._columns()), [np.concatenate(one or [_NONE]) for one in self._kinds]
        kinds = [np.zeros(self.height, np.uint8)] * self._skipped + kinds
        by_column: dict[int, list[tuple[int, str]]] = {}
        height = self.height
        for row, column, text in bad:
            by_column.setdefault(column, []).append((row, text))
            height, width = max(height, row), max(width, column)
        for at in range(width):
            if at == len(cells):
                cells.append(pa.nulls(self.height, pa.utf8()))
                kinds.append(np.zeros(self.height, np.uint8))
            if height > self.height:
                missing = height - self.height
                cells[at] = pa.concat_arrays([cells[at], pa.nulls(missing, pa.utf8())])
                kinds[at] = np.concatenate([kinds[at], np.zeros(missing, np.uint8)])
            if at + 1 in by_column:
                cells[at], kinds[at] = _without_value(cells[at], kinds[at], by_column[at + 1])
        return GridSheet(name, height, width, tuple(cells), tuple(kinds), visible, **more)

    def _columns(self) -> Iterator[pa.Array]:
        for _ in range(self._skipped):
            yield pa.nulls(self.height, pa.utf8())
        for chunks in self._texts:
            yield pa.concat_arrays(chunks) if chunks else pa.array([], pa.utf8())


_NONE = np.zeros(0, np.uint8)


def _without_value(cells: pa.Array, kinds: Kinds, bad: Sequence[tuple[int, str]]) -> tuple[pa.Array, Kinds]:
    texts = dict(bad)
    rows = np.array(sorted(texts), np.int64) - 1
    told = [texts[row + 1] for row in rows.tolist()]
    kinds = kinds.copy()
    kinds[rows] = [Kind.ERROR if text else Kind.FORMULA for text in told]
    mask = np.zeros(len(cells), bool)
    mask[rows] = True
    replaced = pc.replace_with_mask(
        cells, pa.array(mask), pa.array([text or None for text in told], pa.utf8())
    )
    return replaced, kinds


def texts_of(values: Sequence[Any]) -> tuple[pa.Array, Kinds]:
    """The texts of some cells of a column, and what they are."""
    types = set(map(type, values))
    if types == {str}:
        return _strings(pa.array(values, pa.utf8()))
    if types == {float}:
        return number_texts(np.array(values)), np.full(len(values), Kind.NUMBER, np.uint8)
    if types == {str, float}:
        is_number = np.fromiter((type(value) is float for value in values), bool, len(values))
        numbers = np.array([value for value in values if type(value) is float])
        texts, kinds = _strings(
            pa.array([value if type(value) is str else "" for value in values], pa.utf8())
        )
        kinds[is_number] = Kind.NUMBER
        return pc.replace_with_mask(texts, pa.array(is_number), number_texts(numbers)), kinds
    pairs = [_one(value) for value in values]
    return pa.array([text for text, _ in pairs], pa.utf8()), np.array([kind for _, kind in pairs], np.uint8)


def _strings(texts: pa.Array) -> tuple[pa.Array, Kinds]:
    says = np.asarray(pc.not_equal(pc.binary_length(texts), 0))
    kinds = np.where(says, np.uint8(Kind.TEXT), np.uint8(Kind.EMPTY))
    return texts if says.all() else pc.if_else(pa.array(says), texts, pa.scalar(None, pa.utf8())), kinds


def _one(value: Any) -> tuple[str | None, Kind]:
    if value is None or value == "":
        return None, Kind.EMPTY
    if isinstance(value, bool):
        return str(value).upper(), Kind.BOOLEAN
    if isinstance(value, int):
        return str(value), Kind.NUMBER
    if isinstance(value, float):
        return number_texts(np.array([value]))[0].as_py(), Kind.NUMBER
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat(), Kind.DATE
    if isinstance(value, datetime.timedelta):
        return str(value), Kind.DATE
    return str(value), Kind.TEXT
