"""The records of a workbook, gathered table after table, and the cells that could not be read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from ..columns import Columns, Indices, Part, Places, Sheet
from ..grid import Grid, GridSheet, Kind
from ..report import Finding, Place
from .faults import Faults
from .numbered import Codes, Numbered


def places(sheet: GridSheet, rows: Indices, columns: Indices) -> Iterator[Place]:
    """Of cells by row and column, from 1.

    Only errors are shown as they stand: whether a figure is confidential is not known yet.
    """
    for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
        shown = sheet.text(row, column) if sheet.kind(row, column) == Kind.ERROR else None
        yield sheet.place(row, column, shown)


@dataclass
class Table:
    """The records of one table: rows and columns, the texts of the measure, all else by component."""

    sheet: GridSheet
    spots: Sheet
    rows: Indices
    columns: Indices | None
    measure: str
    numbers: pa.Array | None
    codes: Mapping[str, Codes]
    part_of: Indices | None = None


class Gathering:
    """A workbook while its tables are read."""

    def __init__(self, grid: Grid, decimal: str = ".") -> None:
        self.grid, self.decimal = grid, decimal
        self.components: defaultdict[str, Numbered] = defaultdict(Numbered)
        self.tables: list[Table] = []
        self.received = 0
        self.errors, self.formulas, self.hidden, self.foreign = Faults(), Faults(), Faults(), Faults()
        self.findings: list[Finding] = []

    def failed(
        self, sheet: GridSheet, rows: Indices, columns: Indices, counts: Indices | None = None
    ) -> None:
        """Cells without a value, each of which takes one record (or `counts`) with it."""
        for faults, kind in ((self.errors, Kind.ERROR), (self.formulas, Kind.FORMULA)):
            kinds = [
                sheet.kind(row, column) for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
            ]
            own = np.array([one == kind for one in kinds], bool)
            count = int(own.sum() if counts is None else counts[own].sum())
            faults.add(places(sheet, rows[own], columns[own]), count)

    def see(self, sheet: GridSheet, rows: Indices, columns: Indices) -> None:
        """Notes the records that stand where nobody sees them."""
        if not sheet.visible:
            self.hidden.add(places(sheet, rows, columns), len(rows))
        elif sheet.hidden_rows or sheet.hidden_columns:
            unseen = np.isin(rows, sheet.hidden_rows) | np.isin(columns, sheet.hidden_columns)
            self.hidden.add(places(sheet, rows[unseen], columns[unseen]), int(unseen.sum()))

    def done(self, parts: tuple[Part, ...], findings: Iterable[Finding] = ()) -> Columns:
        tables = self.tables
        counts = [len(table.rows) for table in tables]
        many = len(tables) > 1
        where = Places(
            _joined([table.rows for table in tables]),
            None if any(table.columns is None for table in tables) else _joined([t.columns for t in tables]),
            tuple(table.spots for table in tables) or (Sheet(),),
            np.repeat(np.arange(len(tables)), counts) if many else None,
        )
        parted = len(parts) > 1
        return Columns(
            self.grid.format,
            pa.table(self._arrays(counts)),
            where,
            parts,
            _joined([table.part_of for table in tables]) if parted else None,
            self.received,
            (*self.grid.findings, *self.findings, *self._told(), *findings),
        )

    def _arrays(self, counts: list[int]) -> dict[str, pa.Array | pa.ChunkedArray]:
        measures = dict.fromkeys(table.measure for table in self.tables if table.numbers is not None)
        arrays: dict[str, pa.Array | pa.ChunkedArray] = {}
        for id, component in self.components.items():
            if id not in measures:
                chunks = [
                    table.codes[id] if id in table.codes else np.broadcast_to(np.int8(-1), count)
                    for table, count in zip(self.tables, counts, strict=True)
                ]
                arrays[id] = component.column(np.concatenate(chunks))
        for id in measures:
            texts = [
                table.numbers
                if table.measure == id and table.numbers is not None
                else pa.nulls(count, pa.utf8())
                for table, count in zip(self.tables, counts, strict=True)
            ]
            arrays[id] = pa.chunked_array(texts, pa.utf8())
        return arrays

    def _told(self) -> Iterable[Finding]:
        yield from self.errors.found(Finding("error_cell"))
        yield from self.formulas.found(Finding("formula_without_value"))
        yield from self.foreign.found(Finding("other_number_marks", values={"decimal": self.decimal}))
        yield from self.hidden.found(Finding("hidden_observations", "warning", blocking=False))


def sheets_not_read(names: Sequence[str]) -> list[Finding]:
    """That sheets which say something were left out; nothing without any."""
    values = {"sheets": ", ".join(names[:20])}
    found = Finding("sheets_not_read", "information", count=len(names), values=values, blocking=False)
    return [found] if names else []


def _joined(arrays: Iterable[Indices | None]) -> Indices:
    found = [array for array in arrays if array is not None]
    return np.concatenate(found) if found else np.zeros(0, np.int64)
