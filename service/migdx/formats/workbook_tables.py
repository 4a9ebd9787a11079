"""The tables of a Grid, read by a WorkbookMap.

Every source gives one text for each row, for each column, or for the table; they are read once for each
distinct text, and spread over the observations by index.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..columns import Columns, Flags, Indices, Part, Sheet, Spot, nothing
from ..grid import Grid, GridSheet, Kind
from ..report import Finding
from ..workbook_map import Mark, SheetMap, Source, WorkbookMap, sheet_matches
from .numbered import Codes
from .workbook_records import Gathering, Table, places, sheets_not_read
from .workbook_texts import Numbers, meaning, plain


def read(grid: Grid, map: WorkbookMap, *, carried: bool = False) -> Columns:
    """`carried`: the map is the workbook's own, a template's; people delete sheets that they do not fill."""
    matching = [
        (table, [one for one in grid.sheets if sheet_matches(table.sheet, one.name)]) for table in map.sheets
    ]
    if not any(sheets for _, sheets in matching):
        return nothing(grid.format, *grid.findings, layout_unknown(grid))
    drifted = list(_drifted(grid, map.marks))
    if drifted:
        return nothing(grid.format, *grid.findings, *drifted)
    gathering = Gathering(grid, map.decimal)
    for table, sheets in matching:
        for sheet in sheets:
            _Reading(gathering, map, table, sheet).read()
    findings = list(_not_read(grid, map, carried=carried))
    if not gathering.received:
        findings.append(Finding("no_rows", values={"reason": "tables"}))
    return gathering.done((Part("dataflow", map.dataflow),), findings)


def fits(grid: Grid, map: WorkbookMap) -> bool:
    """Whether the map has a table in some sheet, and no cell differs that it names."""
    matches = (sheet_matches(table.sheet, one.name) for table in map.sheets for one in grid.sheets)
    return any(matches) and not any(_drifted(grid, map.marks))


_FIGURE = re.compile(r"\D{0,5}[\d.,\s]{5,}\D{0,5}")


def layout_unknown(grid: Grid) -> Finding:
    names = [sheet.name for sheet in grid.sheets]
    return Finding(
        "layout_unknown", values={"sheets": ", ".join(names[:20])}, expected={"sheets": names[:100]}
    )


def _drifted(grid: Grid, marks: Iterable[Mark]) -> Iterator[Finding]:
    for mark in marks:
        for sheet in grid.sheets:
            found = sheet.text(mark.row, mark.column)
            if sheet_matches(mark.sheet, sheet.name) and plain(found) != plain(mark.text):
                found = "…" if _FIGURE.fullmatch(found) else found  # which may be confidential
                place = sheet.place(mark.row, mark.column, found)
                values = {"cell": place.cell or f"{mark.row}:{mark.column}", "sheet": sheet.name}
                if not plain(found):
                    values["reason"] = "empty"
                yield Finding(
                    "layout_drifted",
                    value=found,
                    expected={"text": mark.text},
                    places=(place,),
                    values=values,
                )


def _not_read(grid: Grid, map: WorkbookMap, *, carried: bool) -> Iterator[Finding]:
    """Tables of the map that have no sheet, and sheets that have no table."""
    for table in map.sheets:
        if not carried and not any(sheet_matches(table.sheet, sheet.name) for sheet in grid.sheets):
            values = {"sheets": ", ".join(sheet.name for sheet in grid.sheets[:20])}
            yield Finding("sheet_missing", "warning", value=table.sheet, values=values, blocking=False)
    known = [*(table.sheet for table in map.sheets), *map.ignored]
    left = [
        sheet.name
        for sheet in grid.sheets
        if not any(sheet_matches(pattern, sheet.name) for pattern in known)
        and any(column.any() for column in sheet.kinds)
        and (sheet.visible or not carried)
    ]
    yield from sheets_not_read(left)


class _Reading:
    """One table of one sheet. Arrays of cells have a row for each row of the table, from 0."""

    def __init__(self, gathering: Gathering, map: WorkbookMap, table: SheetMap, sheet: GridSheet) -> None:
        self.gathering, self.map, self.table, self.sheet = gathering, map, table, sheet
        self.top, self.left = max(table.first_row, 1) - 1, max(table.first_column, 1) - 1
        self.height = max(0, min(table.last_row or sheet.height, sheet.height) - self.top)
        self.width = max(0, min(table.last_column or sheet.width, sheet.width) - self.left)

    def read(self) -> None:
        if not self.height or not self.width:
            return
        columns = self.sheet.kinds[self.left : self.left + self.width]
        kinds = np.stack([one[self.top : self.top + self.height] for one in columns], axis=1)
        wanted = kinds != Kind.EMPTY
        wanted &= self._kept()
        bad = wanted & np.isin(kinds, (Kind.ERROR, Kind.FORMULA))
        rows, own = np.nonzero(bad)
        self.gathering.failed(self.sheet, rows + self.top + 1, own + self.left + 1)
        bad |= self._behind_bad_labels(wanted & ~bad)
        self.gathering.received += int(np.count_nonzero(wanted))
        rows, own = np.nonzero(wanted & ~bad)
        self._take(rows, own, kinds[rows, own])

    def _take(self, rows: Indices, own: Indices, kinds: Any) -> None:
        """The observations in these rows and columns of the table."""
        texts = self._texts(rows, own)
        numbers, said, foreign = self._numbers(texts, kinds)
        if foreign.any():
            where = places(self.sheet, rows[foreign] + self.top + 1, own[foreign] + self.left + 1)
            self.gathering.foreign.add(where, int(foreign.sum()))
            keep = ~foreign
            rows, own, texts = rows[keep], own[keep], texts.filter(pa.array(keep))
            numbers = numbers.filter(pa.array(keep))
            said = {id: codes[keep] for id, codes in said.items()}
        self.gathering.see(self.sheet, rows + self.top + 1, own + self.left + 1)
        codes: dict[str, Codes] = {}
        for source in self.table.sources:
            if source.component and source.component != self.table.measure:
                more = self._codes(source, rows, own, texts)
                before = codes.get(source.component)
                codes[source.component] = more if before is None else np.where(before < 0, more, before)
        for id, more in said.items():
            codes[id] = np.where(more < 0, codes[id], more) if id in codes else more
        self.gathering.tables.append(
            Table(
                self.sheet,
                Sheet(self.sheet.name, self._spots()),
                rows + self.top + 1,
                own + self.left + 1,
                self.table.measure,
                numbers,
                codes,
            )
        )

    def _spots(self) -> dict[str, Spot]:
        spots = {self.table.measure: Spot()}
        for source in self.table.sources:
            if source.row or source.column:
                spots.setdefault(source.component, Spot(source.row, source.column))
        return spots

    # --- what stands beside and above the table

    def _lines(self, source: Source) -> pa.Array:
        """The texts of a source: one for each row or each column of the table, or a single one."""
        if source.value or source.from_sheet:
            return pa.array([source.value or self.sheet.name], pa.utf8())
        if source.row and source.column:
            return pa.array([self.sheet.text(source.row, source.column)], pa.utf8())
        if source.row:
            last = self.left + self.width
            found = pa.array(
                [self.sheet.text(source.row, at + 1) for at in range(self.left, last)], pa.utf8()
            )
        elif source.column > self.sheet.width:
            found = pa.nulls(self.height, pa.utf8())
        else:
            found = self.sheet.cells[source.column - 1].slice(self.top, self.height)
        if source.fill:
            found = pc.fill_null_forward(pc.if_else(pc.equal(found, ""), pa.scalar(None, pa.utf8()), found))
        return pc.fill_null(found, "")

    def _meant(self, source: Source, texts: pa.Array) -> tuple[Indices, list[str | None]]:
        """What the texts mean: for each the number of its meaning, and the meanings."""
        encoded = pc.dictionary_encode(texts)
        if source.value:
            return np.zeros(len(texts), np.int64), [source.value]
        means = meaning(source, self.map)
        return np.asarray(encoded.indices, np.int64), [means(text) for text in encoded.dictionary.to_pylist()]

    def _kept(self) -> Flags:
        """Which cells no source leaves out."""
        kept = np.ones((self.height, self.width), bool)
        for source in self.table.sources:
            if None not in source.texts.values():
                continue
            if _is_own(source):
                rows, own = np.nonzero(kept)
                numbers, meanings = self._meant(source, self._texts(rows, own))
                kept[rows, own] = np.array([one is not None for one in meanings], bool)[numbers]
                continue
            numbers, meanings = self._meant(source, self._lines(source))
            stays = np.array([one is not None for one in meanings], bool)[numbers]
            kept &= stays[:, None] if source.column and not source.row else stays
        return kept

    def _behind_bad_labels(self, wanted: Flags) -> Flags:
        """The observations whose row or column is named by a cell without a value."""
        behind = np.zeros(wanted.shape, bool)
        for source in self.table.sources:
            if source.value or source.from_sheet or _is_own(source):
                continue
            rows = [source.row] if source.row else range(self.top + 1, self.top + self.height + 1)
            columns = [source.column] if source.column else range(self.left + 1, self.left + self.width + 1)
            kinds = [
                column[np.array(rows) - 1]
                for at in columns
                if at <= self.sheet.width and max(rows) <= self.sheet.height
                for column in (self.sheet.kinds[at - 1],)
            ]
            bad = np.isin(np.array(kinds, np.uint8).T, (Kind.ERROR, Kind.FORMULA))
            if bad.any():
                hit = wanted & ~behind & np.broadcast_to(bad, wanted.shape)
                counts = hit.sum(axis=0) if source.row and not source.column else hit.sum(axis=1)
                at_rows, at_columns = np.nonzero(bad)
                counts = np.array([hit.sum()]) if source.row and source.column else counts[bad.ravel()]
                own = counts > 0
                self.gathering.failed(
                    self.sheet, np.array(rows)[at_rows][own], np.array(columns)[at_columns][own], counts[own]
                )
                behind |= hit
        return behind

    def _codes(self, source: Source, rows: Indices, own: Indices, texts: pa.Array) -> Codes:
        """The value of a component for each observation."""
        component = self.gathering.components[source.component]
        numbers, meanings = self._meant(source, texts if _is_own(source) else self._lines(source))
        codes = component.codes(meanings)[numbers]
        if _is_own(source):
            return codes
        if len(codes) == 1 and (source.value or source.from_sheet or (source.row and source.column)):
            return np.repeat(codes, len(rows))
        return codes[own if source.row else rows]

    # --- what stands in it

    def _texts(self, rows: Indices, own: Indices) -> pa.Array:
        """The texts of cells of the table."""
        columns = self.sheet.cells[self.left : self.left + self.width]
        whole = pa.concat_arrays([column.slice(self.top, self.height) for column in columns])
        return whole.take(pa.array(own * self.height + rows))

    def _numbers(self, texts: pa.Array, kinds: Any) -> tuple[pa.Array, dict[str, Codes], Flags]:
        """The numbers that cells hold, what else they say by component, and which have foreign marks."""
        reading = Numbers(self.map, self.table.measure)
        is_text = kinds == Kind.TEXT
        if reading.signs:
            is_text |= np.asarray(pc.is_in(texts, pa.array(reading.signs, pa.utf8())))
        at = np.flatnonzero(is_text)
        foreign = np.zeros(len(texts), bool)
        if not len(at):
            return texts, {}, foreign
        encoded = pc.dictionary_encode(texts.take(pa.array(at)))
        cells = [reading.read(text) for text in encoded.dictionary.to_pylist()]
        distinct = np.asarray(encoded.indices, np.int64)
        foreign[at] = np.array([cell.foreign for cell in cells], bool)[distinct]
        numbers = pa.array([cell.number or None for cell in cells], pa.utf8()).take(encoded.indices)
        said: dict[str, Codes] = {}
        for id in dict.fromkeys(id for cell in cells for id in cell.said if id != self.table.measure):
            codes = np.full(len(texts), -1, np.int32)
            codes[at] = self.gathering.components[id].codes([cell.said.get(id) for cell in cells])[distinct]
            said[id] = codes
        return pc.replace_with_mask(texts, pa.array(is_text), numbers), said, foreign


def _is_own(source: Source) -> bool:
    """The text is that of the observation's own cell."""
    return not (source.value or source.from_sheet or source.row or source.column)
