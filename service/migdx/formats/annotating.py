"""The task that makes the annotated copy of a workbook (marks.py says what is in it), in the child process.

An .xlsx or .xlsm is opened and changed with openpyxl; what that does not keep is told in front. What it
cannot open, .xls and .ods are made anew from their cells. The copy is .xlsx: macros never come along. No
text of ours is ever a formula: it is stored as text, and marked so where it begins like one. Formulas of the
sender stay what they are.
"""

from __future__ import annotations

import io
import warnings
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, BinaryIO

import pyarrow as pa

from ..columns import cell_name, column_letters
from ..grid import Grid, GridSheet, Kind
from .content import WORKBOOKS
from .opening import opened

_AUTHOR = "migdx"
_OURS = "migdxReport"
_COLOURS = {"error": "FFFFB8BC", "warning": "FFFFE699", "information": "FFBDD9F5"}
_WORST = list(_COLOURS)
_LONGEST = 1200
"""Characters of a comment."""
_MOST = 5
"""Findings in a comment."""
_PIECE = 1 << 20


def annotate(file: BinaryIO, job: Mapping[str, Any]) -> tuple[pa.Table, dict[str, Any]]:
    """One column, `bytes`: the copy in pieces. Said: whether the file is a workbook, and its kind if not."""
    one = opened(file, job)
    if one.kind not in WORKBOOKS:
        return pa.table({"bytes": pa.array([], pa.binary())}), {"workbook": False, "kind": one.kind}
    warnings.simplefilter("ignore")  # openpyxl warns of all that it does not keep
    book, notes = _opened(one.file, one.kind, job)
    _without_earlier(book)
    _mark(book, job)
    _put_in_front(book, job, notes)
    content = _saved(book)
    pieces = [content[at : at + _PIECE] for at in range(0, len(content), _PIECE)]
    return pa.table({"bytes": pa.array(pieces, pa.binary())}), {"workbook": True}


# --- the workbook as it was sent ----------------------------------------------------------------------------

_LOST = {
    "xl/vbaProject.bin": "macros",
    "xl/charts/": "charts",
    "xl/media/": "images",
    "xl/drawings/drawing": "shapes",
    "xl/ctrlProps/": "controls",
    "xl/activeX/": "controls",
    "xl/slicers/": "slicers",
    "xl/threadedComments/": "threads",
    "xl/connections.xml": "connections",
    "xl/embeddings/": "embedded",
}
"""Parts of a workbook that the copy has not, or not as they were."""


def _opened(file: BinaryIO, kind: str, job: Mapping[str, Any]) -> tuple[Any, list[str]]:
    """The workbook, and what its reader should know of the copy."""
    import openpyxl

    words: Mapping[str, str] = job["words"]
    if kind == "xlsx":
        source = io.BufferedReader(file) if isinstance(file, io.RawIOBase) else file
        try:
            book = openpyxl.load_workbook(source, rich_text=True)
            names = zipfile.ZipFile(source).namelist()
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001, S110  # it raises whatever a part of a workbook makes it raise
            pass
        else:
            lost = {word for part, word in _LOST.items() if any(name.startswith(part) for name in names)}
            what = ", ".join(words[word] for word in dict.fromkeys(_LOST.values()) if word in lost)
            notes = [words["lost"].format(what=what)] if lost else []
            return book, [*notes, words["formulas"]] if _has_formulas(book) else notes
    return _anew(_grid(file, job)), [words["anew"].format(format=kind)]


def _has_formulas(book: Any) -> bool:
    return any(cell.data_type == "f" for sheet in book.worksheets for cell in sheet._cells.values())


def _grid(file: BinaryIO, job: Mapping[str, Any]) -> Grid:
    from .workbook_grid import grid

    return grid(file, job)


def _anew(grid: Grid) -> Any:
    """A workbook of the same sheets with the values of the cells."""
    import openpyxl

    book = openpyxl.Workbook()
    book.remove(book.active)
    for sheet in grid.sheets:
        made = book.create_sheet(sheet.name)
        for row, column, value in _values(sheet):
            _put(made, row, column, value)
        for first_row, last_row, first_column, last_column in _ranges(sheet):
            made.merge_cells(None, first_row, first_column, last_row, last_column)
        for row in sheet.hidden_rows:
            made.row_dimensions[row].hidden = True
        for column in sheet.hidden_columns:
            made.column_dimensions[column_letters(column)].hidden = True
        if not sheet.visible:
            made.sheet_state = "hidden"
    return book


def _ranges(sheet: GridSheet) -> Iterator[tuple[int, int, int, int]]:
    """Merged ranges as far as there are cells: they may be said to go on to the end of the sheet."""
    for first_row, first_column, last_row, last_column in sheet.merged:
        if first_row <= sheet.height and first_column <= sheet.width:
            yield first_row, min(last_row, sheet.height), first_column, min(last_column, sheet.width)


def _values(sheet: GridSheet) -> Iterator[tuple[int, int, Any]]:
    for column in range(1, sheet.width + 1):
        texts, kinds = sheet.cells[column - 1].to_pylist(), sheet.kinds[column - 1].tolist()
        for row, (text, kind) in enumerate(zip(texts, kinds, strict=True), 1):
            if text:
                yield row, column, _value(text, kind)


def _value(text: str, kind: int) -> Any:
    if kind == Kind.NUMBER:
        return int(text) if text.lstrip("-").isdigit() and len(text) < 16 else float(text)
    if kind == Kind.BOOLEAN:
        return text == "TRUE"
    if kind == Kind.DATE:
        try:
            return datetime.fromisoformat(text).replace(tzinfo=UTC).replace(tzinfo=None)
        except ValueError:
            return text
    return text


def _without_earlier(book: Any) -> None:
    """A copy that is sent again loses what an earlier report put there."""
    from openpyxl.styles import PatternFill

    earlier = [sheet for sheet in book.worksheets if sheet.sheet_properties.codeName == _OURS]
    if not earlier:
        return
    for sheet in earlier:
        book.remove(sheet)
    ours = {at for at, fill in enumerate(book._fills) if fill.fgColor.rgb in _COLOURS.values()}
    for sheet in book.worksheets:
        for cell in sheet._cells.values():
            if cell._style.fillId in ours:
                cell.fill = PatternFill()
            if cell.comment and cell.comment.author == _AUTHOR:
                cell.comment = None


# --- the marks ----------------------------------------------------------------------------------------------


def _mark(book: Any, job: Mapping[str, Any]) -> None:
    from openpyxl.comments import Comment
    from openpyxl.styles import PatternFill

    from .workbook_writer import clean

    said = job["said"]
    fills = {name: PatternFill("solid", fgColor=colour) for name, colour in _COLOURS.items()}
    for (name, row, column), numbers in _by_cell(book, job["cells"]).items():
        cell = book[name].cell(row, column)
        worst = min(numbers, key=lambda number: _WORST.index(said[number]["severity"]))
        cell.fill = fills[said[worst]["severity"]]
        place = f"{name}!{cell_name(row, column)}"
        told = [
            " ".join(filter(None, (said[number]["text"], said[number]["expected"].get(place))))
            for number, commented in numbers.items()
            if commented
        ]
        if told:
            before = [cell.comment.text] if cell.comment else []
            more = [job["words"]["and_more"].format(count=len(told) - _MOST)] if len(told) > _MOST else []
            text = clean("\n".join([*before, *told[:_MOST], *more]))[:_LONGEST]
            cell.comment = Comment(text, _AUTHOR, height=40 + 18 * (len(text) // 40 + 1), width=320)


def _by_cell(book: Any, cells: Sequence[Sequence[Any]]) -> dict[tuple[str, int, int], dict[int, bool]]:
    """The findings of each cell that there is; of a merged range all stand in its first."""
    from openpyxl.cell import MergedCell

    known = {sheet.title: sheet for sheet in book.worksheets}
    found: dict[tuple[str, int, int], dict[int, bool]] = {}
    first: dict[tuple[str, int, int], tuple[int, int]] = {}
    for name, row, column, number, commented in cells:
        sheet = known.get(name)
        if sheet is None or row > 1_048_576 or column > 16_384:
            continue
        at = row, column
        if isinstance(sheet._cells.get(at), MergedCell):
            if (name, *at) not in first:
                ranges = (merged for merged in sheet.merged_cells.ranges if _within(merged, *at))
                first[name, *at] = next(((merged.min_row, merged.min_col) for merged in ranges), at)
            at = first[name, *at]
        of_cell = found.setdefault((name, *at), {})
        of_cell[number] = of_cell.get(number, False) or commented
    return found


def _within(merged: Any, row: int, column: int) -> bool:
    inside: bool = merged.min_row <= row <= merged.max_row and merged.min_col <= column <= merged.max_col
    return inside


# --- the sheet in front -------------------------------------------------------------------------------------


def _put_in_front(book: Any, job: Mapping[str, Any], notes: Sequence[str]) -> None:
    from openpyxl.styles import Font, PatternFill

    said = job["summary"]
    sheet = book.create_sheet(job["words"]["sheet"], 0)
    sheet.sheet_properties.codeName = _OURS
    _put(sheet, 1, 1, said["title"]).font = Font(bold=True, size=14)
    _put(sheet, 2, 1, said["verdict"]).font = Font(bold=True)
    row = 3
    for label, count in said["facts"]:
        _put(sheet, row, 1, label)
        _put(sheet, row, 2, count)
        row += 1
    for note in (*said["notes"], *notes):
        _put(sheet, row + 1, 1, note)
        row += 1
    row += 2
    for at, label in enumerate(said["head"], 1):
        _put(sheet, row, at, label).font = Font(bold=True)
    for severity, texts, links in said["rows"]:
        row += 1
        for column, text in enumerate(texts, 1):
            cell = _put(sheet, row, column, text, wraps=True)
        if severity:
            sheet.cell(row, 1).fill = PatternFill("solid", fgColor=_COLOURS[severity])
        for column, (label, name, at_row, at_column) in enumerate(links, len(texts) + 1):
            cell = _put(sheet, row, column, label)
            _link(cell, book, name, at_row, at_column)
    widths = (18, 24, *([28] if len(said["head"]) > 6 else []), 70, 30, 10)
    for letter, width in zip("ABCDEF", widths, strict=False):
        sheet.column_dimensions[letter].width = width
    for other in book.worksheets:
        other.sheet_view.tabSelected = False  # what is typed would go into all that are selected
    book.active = 0


def _link(cell: Any, book: Any, name: str, row: int, column: int) -> None:
    from openpyxl.styles import Font
    from openpyxl.worksheet.hyperlink import Hyperlink

    if name in book.sheetnames:
        quoted = name.replace("'", "''")
        to = f"'{quoted}'!{cell_name(row, column)}"
        cell.hyperlink = Hyperlink(ref=cell.coordinate, location=to)
        cell.font = Font(color="FF0563C1", underline="single")


def _put(sheet: Any, row: int, column: int, value: Any, *, wraps: bool = False) -> Any:
    """A number as a number; a text as text, whatever it begins with."""
    from openpyxl.styles import Alignment

    from .workbook_writer import put

    cell = sheet.cell(row, column)
    if isinstance(value, str):
        put(cell, value)
        cell.alignment = Alignment(wrap_text=wraps, vertical="top")
    else:
        cell.value = value
    return cell


# --- the bytes ----------------------------------------------------------------------------------------------


def _saved(book: Any) -> bytes:
    """As openpyxl saves, but in memory: this process may not write a file, not even a temporary one."""
    from openpyxl.worksheet._writer import WorksheetWriter
    from openpyxl.writer.excel import ExcelWriter, SpreadsheetDrawing

    class Writer(ExcelWriter):  # type: ignore[misc]
        def write_worksheet(self, sheet: Any) -> None:
            sheet._drawing = SpreadsheetDrawing()
            sheet._drawing.charts, sheet._drawing.images = sheet._charts, sheet._images
            writer = WorksheetWriter(sheet, io.BytesIO())
            writer.write()
            sheet._rels = writer._rels
            self._archive.writestr(sheet.path[1:], writer.out.getbuffer())
            self.manifest.append(sheet)

    content = io.BytesIO()
    book.properties.modified = datetime.now(UTC).replace(tzinfo=None)
    Writer(book, zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED)).save()
    return content.getvalue()
