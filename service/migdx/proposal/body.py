"""Body: the cells that a SheetMap says hold observations, and the texts that stand where it looks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow.compute as pc

from ..formats.workbook_texts import plain
from ..grid import Grid, GridSheet, Kind
from ..report import Place
from ..workbook_map import SheetMap, Source, sheet_matches
from .patterns import Pattern
from .tables import Table

MOST = 20_000
"""Distinct texts of one component that are looked at."""


@dataclass(frozen=True)
class Told:
    """A text, where it first stands, and for how many rows, columns or sheets."""

    text: str
    place: Place
    count: int


@dataclass(frozen=True, eq=False)
class Body:
    """The rectangle of one table in one sheet, rows and columns from 1, both ends inside."""

    sheet: GridSheet
    first_row: int
    first_column: int
    last_row: int
    last_column: int

    @classmethod
    def of(cls, sheet: GridSheet, table: SheetMap | Table) -> Body:
        """What is named in a sheet, cut where the sheet ends."""
        return cls(
            sheet,
            table.first_row,
            table.first_column,
            min(table.last_row or sheet.height, sheet.height),
            min(table.last_column or sheet.width, sheet.width),
        )

    @classmethod
    def all(cls, grid: Grid, table: SheetMap) -> list[Body]:
        """Those of every sheet that a SheetMap names."""
        return [cls.of(sheet, table) for sheet in grid.sheets if sheet_matches(table.sheet, sheet.name)]

    @cached_property
    def rows(self) -> list[int]:
        """Those with a cell that says something."""
        told = np.zeros(max(0, self.last_row - self.first_row + 1), bool)
        for column in range(self.first_column, self.last_column + 1):
            told |= self.sheet.kinds[column - 1][self.first_row - 1 : self.last_row] != Kind.EMPTY
        return [int(row) + self.first_row for row in np.flatnonzero(told)]

    @cached_property
    def columns(self) -> list[int]:
        """Those with a cell that says something."""
        return [
            column
            for column in range(self.first_column, self.last_column + 1)
            if (self.sheet.kinds[column - 1][self.first_row - 1 : self.last_row] != Kind.EMPTY).any()
        ]

    def texts(self, source: Source) -> Iterator[tuple[str, int, int]]:
        """Text, row and column of what a source says, for each row or column of the body."""
        pattern = Pattern(source.pattern) if source.pattern else None
        for text, row, column in self._texts(source):
            yield (pattern.taken(text) if pattern else text), row, column

    def _texts(self, source: Source) -> Iterator[tuple[str, int, int]]:
        if source.from_sheet:
            yield plain(self.sheet.name), 0, 0
        elif source.row and source.column:
            yield plain(self.sheet.text(source.row, source.column)), source.row, source.column
        elif source.row:
            columns = range(self.first_column, self.columns[-1] + 1) if self.columns else ()
            said = set(self.columns)
            along = self._along(((source.row, column) for column in columns), source.fill)
            yield from (found for column, found in zip(columns, along, strict=True) if column in said)
        elif source.column:
            rows = range(self.first_row, self.rows[-1] + 1) if self.rows else ()
            said = set(self.rows)
            along = self._along(((row, source.column) for row in rows), source.fill)
            yield from (found for row, found in zip(rows, along, strict=True) if row in said)

    def _along(self, cells: Iterable[tuple[int, int]], fill: bool) -> Iterator[tuple[str, int, int]]:
        last = ("", 0, 0)
        for row, column in cells:
            text = plain(self.sheet.text(row, column))
            if text or not fill:
                last = (text, row, column)
            yield last

    def counted(self, source: Source) -> Iterator[tuple[str, int, int, int]]:
        """The distinct texts of a source: text, for how many rows or columns, first row and column."""
        if not source.column or source.row or source.from_sheet:
            found: dict[str, tuple[int, int, int]] = {}
            for text, row, column in self.texts(source):
                count, first_row, first_column = found.get(text, (0, row, column))
                found[text] = (count + 1, first_row, first_column)
            yield from ((text, *told) for text, told in found.items())
            return
        if source.column > self.sheet.width or not self.rows:
            return
        pattern = Pattern(source.pattern) if source.pattern else None
        cells = self.sheet.cells[source.column - 1].slice(
            self.first_row - 1, self.rows[-1] - self.first_row + 1
        )
        cells = pc.fill_null(pc.fill_null_forward(cells) if source.fill else cells, "")
        encoded = cells.dictionary_encode()
        at = np.array(self.rows) - self.first_row
        indices = encoded.indices.to_numpy(zero_copy_only=False)[at].astype(np.int64)
        texts = encoded.dictionary.to_pylist()
        numbers, starts, counts = np.unique(indices, return_index=True, return_counts=True)
        for which in np.argsort(starts, kind="stable"):
            text = plain(texts[numbers[which]])
            row = int(at[starts[which]]) + self.first_row
            yield (pattern.taken(text) if pattern else text), int(counts[which]), row, source.column

    @cached_property
    def figures(self) -> Counter[str]:
        """The distinct texts of the body that the spreadsheet does not keep as numbers, with their counts."""
        return Counter({text: count for text, (count, _) in self._odd.items()})

    def place(self, text: str) -> Place:
        """Where a text of `figures` first stands."""
        return self.sheet.place(*self._odd[text][1])

    @cached_property
    def _odd(self) -> dict[str, tuple[int, tuple[int, int]]]:
        found: dict[str, tuple[int, tuple[int, int]]] = {}
        first, last = self.first_row - 1, self.last_row
        for column in range(self.first_column, self.last_column + 1):
            kinds = self.sheet.kinds[column - 1][first:last]
            at = np.flatnonzero((kinds == Kind.TEXT) | (kinds == Kind.DATE) | (kinds == Kind.BOOLEAN))
            if not len(at):
                continue
            encoded = self.sheet.cells[column - 1].slice(first, last - first).dictionary_encode()
            indices = encoded.indices.to_numpy(zero_copy_only=False)[at].astype(np.int64)
            texts = encoded.dictionary.to_pylist()
            numbers, starts, counts = np.unique(indices, return_index=True, return_counts=True)
            for number, start, count in zip(numbers, starts, counts, strict=True):
                text = plain(texts[number])
                known, where = found.get(text, (0, (int(at[start]) + self.first_row, column)))
                if len(found) < MOST or text in found:
                    found[text] = (known + int(count), where)
        return found


def distinct(bodies: Sequence[Body], source: Source, *, empty: bool = False) -> list[Told]:
    """The texts of a source over the sheets of a table, in the order in which they first stand.

    With `empty` the cells that say nothing count as a text, too.
    """
    counts: Counter[str] = Counter()
    places: dict[str, Place] = {}
    for body in bodies:
        for text, count, row, column in body.counted(source):
            if (text or empty) and (text in places or len(places) < MOST):
                counts[text] += count
                places.setdefault(text, body.sheet.place(row, column, text))
    return [Told(text, place, counts[text]) for text, place in places.items()]
