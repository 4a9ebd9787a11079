"""Grid: the cells of a workbook, or of a text laid out like a sheet, as columns of text with their kinds.

Rows and columns are counted from 1, as the spreadsheet shows them, whatever is blank before them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from .columns import cell_name
from .report import Finding, Place

Kinds = npt.NDArray[np.uint8]


class Kind(IntEnum):
    """What a cell holds. ERROR has a text such as #N/A; FORMULA is one without a value, and has no text."""

    EMPTY = 0
    TEXT = 1
    NUMBER = 2
    DATE = 3
    BOOLEAN = 4
    ERROR = 5
    FORMULA = 6


@dataclass(frozen=True, eq=False)
class GridSheet:
    """One sheet from A1 to its last cell that holds something: `height` rows of `width` columns.

    `cells[c]` are the texts of column c + 1 as utf8, null where a cell is empty; `kinds[c]` say what they
    are. A number is the shortest decimal of what is stored, a date is ISO 8601, a boolean TRUE or FALSE. A
    merged range is its first row and column, and its last; its text is that of its first cell, the others
    are empty. `left_out` rows after these are not here, because a Grid on its way is bounded.
    """

    name: str
    height: int
    width: int
    cells: tuple[pa.Array, ...]
    kinds: tuple[Kinds, ...]
    visible: bool = True
    merged: tuple[tuple[int, int, int, int], ...] = ()
    hidden_rows: tuple[int, ...] = ()
    hidden_columns: tuple[int, ...] = ()
    left_out: int = 0

    def text(self, row: int, column: int) -> str:
        """What a cell says, empty where it says nothing or lies outside."""
        if not (1 <= row <= self.height and 1 <= column <= self.width):
            return ""
        return self.cells[column - 1][row - 1].as_py() or ""

    def kind(self, row: int, column: int) -> Kind:
        if not (1 <= row <= self.height and 1 <= column <= self.width):
            return Kind.EMPTY
        return Kind(int(self.kinds[column - 1][row - 1]))

    def place(self, row: int, column: int, given: str | None = None) -> Place:
        cell = cell_name(row, column) if self.name and row and column else ""
        return Place(row=row, column=column, sheet=self.name, cell=cell, given=given)


@dataclass(frozen=True, eq=False)
class Grid:
    """The sheets of a file in their order, hidden ones too, and what is wrong with it as a file.

    `format` is what the file is: xlsx, xls, ods or csv. A text has one sheet, whose name is empty. `map` is
    the WorkbookMap, as JSON, that the workbook carries.
    """

    format: str
    sheets: tuple[GridSheet, ...]
    findings: tuple[Finding, ...] = ()
    map: str = ""
