"""Columns: the text that a reader found, what it is for, and where in the file as sent each record stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from .report import Finding, Place

# Arrow's own allocator keeps what it once had; a large file would stay in the memory of every worker
pa.set_memory_pool(pa.system_memory_pool())

Indices = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
_Whole = TypeVar("_Whole", bound=np.integer[Any])

KEYS = ("SERIES_KEY", "OBS_KEY")
"""Columns that repeat the key of each record (SDMX-CSV 2.0, parameter `keys`); no components."""


@dataclass(frozen=True)
class Part:
    """What some rows of a file are for, and what is to be done with them.

    `kind` and `reference` are what the file names: dataflow, datastructure or dataprovision, and
    AGENCY:ID(VERSION); both empty where it names nothing. `action` is the word of SDMX, what was given where
    it is none, and empty where nothing was. `place` is where all this stands first.
    """

    kind: str = ""
    reference: str = ""
    action: str = ""
    place: Place = field(default_factory=Place)

    @property
    def target(self) -> tuple[str, str]:
        return self.kind, self.reference


@dataclass(frozen=True)
class Spot:
    """Where a component of an observation stands: in this row and column, counted from 1.

    0 is the row or the column of the observation itself, so that (0, 5) is a column of a list, (3, 0) a
    heading above a table, (3, 2) one cell for all of it, and (0, 0) the observation's own cell.
    """

    row: int = 0
    column: int = 0


@dataclass(frozen=True)
class Sheet:
    """A stretch of a file in which components stand alike: a table in a sheet, or the whole of a text."""

    name: str = ""
    spots: Mapping[str, Spot] = field(default_factory=dict)


@dataclass(frozen=True)
class Places:
    """Where each record stands in the file as sent.

    `rows` are counted from 1 (lines, of a text; 0 where a format has none), `columns` too (None: of no cell
    of its own). `sheets[sheet_of[i]]` is the sheet of record i, the only one where `sheet_of` is None.
    `paths`, joined, are a JSON Pointer (RFC 6901) to each record. `file` is that within an archive.
    """

    rows: Indices
    columns: Indices | None = None
    sheets: tuple[Sheet, ...] = (Sheet(),)
    sheet_of: Indices | None = None
    paths: tuple[pa.ChunkedArray, ...] = ()
    file: str = ""

    def __len__(self) -> int:
        return len(self.rows)

    def sheet(self, record: int) -> Sheet:
        return self.sheets[int(self.sheet_of[record]) if self.sheet_of is not None else 0]

    def of(self, record: int, component: str = "") -> Place:
        """Where a component of a record stands; the record itself without one, or where that is not known."""
        sheet = self.sheet(record)
        spot = sheet.spots.get(component)
        own = int(self.columns[record]) if self.columns is not None else 0
        row = (spot.row if spot else 0) or int(self.rows[record])
        column = (spot.column if spot else 0) or own
        cell = cell_name(row, column) if sheet.name and row and column else ""
        path = "".join(part[record].as_py() or "" for part in self.paths)
        return Place(row=row, column=column, sheet=sheet.name, cell=cell, path=path, file=self.file)

    def heading(self, component: str) -> Place:
        """Where a component is named: the first place that knows it."""
        for sheet in self.sheets:
            if spot := sheet.spots.get(component):
                return Place(row=spot.row or 1, column=spot.column, sheet=sheet.name, file=self.file)
        return Place(row=1, file=self.file)

    def take(self, keep: Indices) -> Places:
        return Places(
            self.rows[keep],
            None if self.columns is None else self.columns[keep],
            self.sheets,
            None if self.sheet_of is None else self.sheet_of[keep],
            tuple(part.take(pa.array(keep)) for part in self.paths),
            self.file,
        )


def in_columns(rows: Indices, positions: Mapping[str, int]) -> Places:
    """The places of a list: one row for each record, one column (from 1) for each component."""
    return Places(rows, sheets=(Sheet(spots={id: Spot(column=at) for id, at in positions.items()}),))


def column_letters(column: int) -> str:
    """How a spreadsheet names a column: 1 is A, 27 is AA."""
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def cell_name(row: int, column: int) -> str:
    """How a spreadsheet names a cell: B3."""
    return f"{column_letters(column)}{row}"


@dataclass(frozen=True)
class Columns:
    """What a reader hands over.

    `table`: text columns (utf8 or dictionary of utf8), named by component id or one of KEYS, one row per
    record that could be read. `parts[part_of[i]]` says what record i is for, the only one where `part_of` is
    None. `received`: records in the file, the unreadable ones too. `findings`: faults of level 0, places set.
    `records`: which of the file's these are, where they are not all of them. `several`: the character
    between the values in a cell, of components that may have several in one. `decimal`: the sign of decimals.
    """

    format: str
    table: pa.Table
    places: Places
    parts: tuple[Part, ...] = (Part(),)
    part_of: Indices | None = None
    received: int = 0
    findings: tuple[Finding, ...] = ()
    records: Indices | None = None
    several: Mapping[str, str] = field(default_factory=dict)
    decimal: str = "."

    def only(self, parts: Sequence[int]) -> Columns:
        """The records of some parts, with the columns in which they say something."""
        if len(parts) == len(self.parts):
            return self
        kept = self.take(np.flatnonzero(np.isin(self._part_numbers, parts)))
        told = [name for name in kept.table.column_names if _says_something(kept.table.column(name))]
        return replace(kept, table=kept.table.select(told), part_of=kept._part_numbers)

    def take(self, keep: Indices) -> Columns:
        """Some of the records, without the findings of the whole."""
        return replace(
            self,
            table=self.table.take(pa.array(keep)),
            places=self.places.take(keep),
            part_of=None if self.part_of is None else self.part_of[keep],
            received=len(keep),
            findings=(),
            records=self.numbered(keep),
        )

    def numbered(self, records: Indices) -> Indices:
        """Records of these by their numbers in the file as it was read."""
        return records if self.records is None else self.records[records]

    @property
    def _part_numbers(self) -> Indices:
        return np.zeros(len(self.places), np.int64) if self.part_of is None else self.part_of

    @property
    def present(self) -> list[int]:
        """The parts of these records."""
        if self.part_of is None:
            return list(range(min(1, len(self.parts))))
        return [int(part) for part in each_once(self.part_of)]

    def of_part(self, part: int) -> Indices:
        """The records of a part."""
        return np.flatnonzero(self._part_numbers == part)


@dataclass(frozen=True)
class Located:
    """A finding with all the records that it touches, of which it places a sample.

    There are none where the fault is that of the file, or of rows that are no records. `in_header` says that
    a heading offends, not the records. `at` is the component whose cells are placed, and `expected_at` what
    was expected there of the first records. `example` gives what the message says of one of them, by its
    position, where it tells of the first.
    """

    finding: Finding
    records: Indices = field(default_factory=lambda: np.zeros(0, np.int64))
    in_header: bool = False
    at: str = ""
    expected_at: Sequence[str] = ()
    example: Callable[[int], Mapping[str, Any]] | None = None


def nothing(format: str, *findings: Finding) -> Columns:
    """What a reader hands over of a file that it cannot read."""
    return Columns(format, pa.table({}), Places(np.zeros(0, np.int64)), (), findings=findings)


def _says_something(column: pa.ChunkedArray) -> bool:
    texts = column.cast(pa.utf8()) if pa.types.is_dictionary(column.type) else column
    return bool(pc.any(pc.greater(pc.binary_length(pc.fill_null(texts, "")), 0)).as_py())


def each_once(numbers: npt.NDArray[_Whole]) -> npt.NDArray[_Whole]:
    """Each of some numbers once, ascending; of many a sort is far cheaper than the hashing of np.unique."""
    ordered = np.sort(numbers)
    return np.asarray(ordered[np.append(True, ordered[1:] != ordered[:-1])[: len(ordered)]])
