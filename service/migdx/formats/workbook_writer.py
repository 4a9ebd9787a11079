"""Workbook writer: a form to fill in, as an Excel workbook (ECMA-376). What it writes knows no registry.

Only what is meant to be filled can be changed, though nobody needs a password to change the rest.
No text of a structure is ever a formula.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from zipfile import ZIP_DEFLATED, ZipFile

from openpyxl import Workbook
from openpyxl.cell import Cell as SheetCell
from openpyxl.styles import Alignment, Border, Font, NamedStyle, PatternFill, Protection, Side
from openpyxl.utils import get_column_letter, quote_sheetname
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from ..workbook_map import MAP_SHEET, WorkbookMap
from .content import LIKE_A_FORMULA

LIST_SHEET = "_lists"
"""The very hidden sheet of what may be chosen; that of the map is another."""

PIECE = 30_000
"""Characters of the map in one cell, of the 32,767 that a cell takes."""

SIGNS, FLAGS = "_signs", "_flags"
"""The names of the lists of what may stand in place of a number, and after it."""

Look = Literal[
    "title", "subtitle", "head", "text", "strong", "name", "code", "label", "sum", "fixed", "field", "closed"
]  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """A text over `height` rows and `width` columns. `choices` names the list that its value is one of.

    `prompt` is told who stands on it.
    """

    row: int
    column: int
    text: str = ""
    look: Look = "text"
    height: int = 1
    width: int = 1
    choices: str = ""
    prompt: str = ""
    indent: int = 0


@dataclass(frozen=True)
class Block:
    """The cells that take the figures: a rectangle without those in `closed` (row, column).

    `number` is how figures are shown. `numeric` warns of what is no figure; `signed` of none below zero.
    """

    first_row: int
    first_column: int
    last_row: int
    last_column: int
    number: str = "General"
    numeric: bool = True
    signed: bool = False
    closed: frozenset[tuple[int, int]] = frozenset()


@dataclass(frozen=True)
class Form:
    """One sheet. `widths` are in characters, by column; `heights` in points, by row."""

    name: str
    cells: tuple[Cell, ...]
    block: Block | None = None
    widths: Mapping[int, float] = field(default_factory=dict)
    heights: Mapping[int, float] = field(default_factory=dict)
    heading_rows: tuple[int, int] | None = None


@dataclass(frozen=True)
class Forms:
    """The whole workbook: its sheets, the lists that cells choose from, and the map by which it is read.

    `figure_warning` and `signed_warning` are told of a wrong figure, `choice_refusal` of what no list has.
    """

    sheets: tuple[Form, ...]
    lists: Mapping[str, tuple[str, ...]]
    map: WorkbookMap
    title: str = ""
    figure_warning: str = ""
    signed_warning: str = ""
    choice_refusal: str = ""


def write(forms: Forms) -> bytes:
    """The workbook, as .xlsx."""
    book = Workbook()
    book.remove(book.active)
    book.properties.title = clean(forms.title)
    book.properties.creator = "migdx"
    sheets = [(form, book.create_sheet(form.name)) for form in forms.sheets]
    places = _lists(book, forms.lists)
    styles = _Styles(book)
    for form, sheet in sheets:
        _fill(sheet, form, styles)
        _validate(sheet, form, forms, places)
        _set_up(sheet, form)
    _embed(book, forms.map)
    made = io.BytesIO()
    book.save(made)
    return _without_doubts(made, forms)


# --- what the service reads again ---------------------------------------------------------------------------


def _embed(book: Workbook, map: WorkbookMap) -> None:
    sheet = book.create_sheet(MAP_SHEET)
    text = json.dumps(map.as_dict(), ensure_ascii=False, separators=(",", ":"))
    for row, start in enumerate(range(0, len(text), PIECE), start=1):
        put(sheet.cell(row, 1), text[start : start + PIECE])
    sheet.sheet_state = "veryHidden"


def _lists(book: Workbook, lists: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """Where each list stands: a formula for a validation holds 255 characters, so lists are named ranges."""
    sheet = book.create_sheet(LIST_SHEET)
    places = {}
    for column, (name, texts) in enumerate(lists.items(), start=1):
        for row, text in enumerate(texts, start=1):
            put(sheet.cell(row, column), text)
        letter = get_column_letter(column)
        place = f"{quote_sheetname(LIST_SHEET)}!${letter}$1:${letter}${max(1, len(texts))}"
        places[name] = place
        if name in (SIGNS, FLAGS):
            book.defined_names[name] = DefinedName(name, attr_text=place)
    sheet.sheet_state = "veryHidden"
    return places


def _without_doubts(made: io.BytesIO, forms: Forms) -> bytes:
    """With the codes marked as meant (ECMA-376, 18.3.1.51): a text such as 250 is no number gone wrong.

    openpyxl cannot say so. Cells for figures stay out: there the spreadsheet is right to doubt.
    """
    parts = {f"xl/worksheets/sheet{at}.xml": form.block for at, form in enumerate(forms.sheets, start=1)}
    told = io.BytesIO()
    with ZipFile(made) as source, ZipFile(told, "w", ZIP_DEFLATED) as target:
        for name in source.namelist():
            content, block = source.read(name), parts.get(name)
            if block:
                above = f"A1:{get_column_letter(block.last_column)}{block.first_row - 1}"
                beside = f"A{block.first_row}:{get_column_letter(block.first_column - 1)}{block.last_row}"
                meant = f'<ignoredErrors><ignoredError sqref="{above} {beside}" numberStoredAsText="1"/>'
                content = content.replace(b"</worksheet>", meant.encode() + b"</ignoredErrors></worksheet>")
            target.writestr(name, content)
    return told.getvalue()


# --- cells --------------------------------------------------------------------------------------------------

_ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_LONGEST = 32_767


def clean(text: str) -> str:
    """Without what a workbook cannot hold, and no longer than a cell."""
    return _ILLEGAL.sub(" ", text)[:_LONGEST]


def put(cell: SheetCell, text: str) -> None:
    """A text that stays one: openpyxl takes `=...` for a formula and `#N/A` for an error."""
    cell.value = kept = clean(text)
    if kept:
        cell.data_type = "s"
    if kept.startswith(LIKE_A_FORMULA):
        cell.quotePrefix = True  # so that who edits the cell makes no formula of it either


def _fill(sheet: Worksheet, form: Form, styles: _Styles) -> None:
    for cell in form.cells:
        made = sheet.cell(cell.row, cell.column)
        made.style = styles.named(cell.look, indent=cell.indent)
        put(made, cell.text)
        if cell.height > 1 or cell.width > 1:
            sheet.merge_cells(
                start_row=cell.row,
                start_column=cell.column,
                end_row=cell.row + cell.height - 1,
                end_column=cell.column + cell.width - 1,
            )
    block = form.block
    if block:
        figure = styles.named("figure", number=block.number)
        closed = styles.named("closed")
        for row in range(block.first_row, block.last_row + 1):
            for column in range(block.first_column, block.last_column + 1):
                sheet.cell(row, column).style = closed if (row, column) in block.closed else figure


def _validate(sheet: Worksheet, form: Form, forms: Forms, places: Mapping[str, str]) -> None:
    for cell in form.cells:
        if not (cell.choices or cell.prompt):
            continue
        rule = DataValidation(allow_blank=True)
        if cell.choices:
            rule.type, rule.formula1 = "list", places[cell.choices]
            rule.showErrorMessage, rule.error = True, forms.choice_refusal[:255]
        if cell.prompt:
            rule.showInputMessage, rule.prompt = True, cell.prompt[:255]
        rule.add(sheet.cell(cell.row, cell.column))
        sheet.add_data_validation(rule)
    block = form.block
    if block and block.numeric:
        first = f"{get_column_letter(block.first_column)}{block.first_row}"
        last = f"{get_column_letter(block.last_column)}{block.last_row}"
        rule = DataValidation(type="custom", formula1=_figure(first, block), allow_blank=True)
        warning = forms.signed_warning if block.signed else forms.figure_warning
        rule.showErrorMessage, rule.errorStyle, rule.error = True, "warning", warning[:255]
        rule.add(f"{first}:{last}")
        sheet.add_data_validation(rule)


def _figure(cell: str, block: Block) -> str:
    """Whether a cell holds a number, a sign in place of one, or a number and a flag or several.

    A formula for a validation has 255 characters: the first of the flags is looked at, as the second word.
    """
    number = f"ISNUMBER({cell})" if block.signed else f"AND(ISNUMBER({cell}),{cell}>=0)"
    flag = f'TRIM(MID(SUBSTITUTE({cell}," ",REPT(" ",50)),50,50))'
    flagged = f'ISNUMBER(VALUE(LEFT({cell},FIND(" ",{cell})-1)))*SUMPRODUCT(--({FLAGS}={flag}))'
    return f"OR({number},SUMPRODUCT(--({SIGNS}={cell})),IFERROR({flagged},0))"


# --- sheets -------------------------------------------------------------------------------------------------

_PAPER_A4 = 9


def _set_up(sheet: Worksheet, form: Form) -> None:
    """Protection without a password, panes, widths, and how it is printed."""
    sheet.protection.sheet = True
    sheet.protection.formatColumns = sheet.protection.formatRows = False  # which allows it
    sheet.sheet_view.showGridLines = False
    for column, width in form.widths.items():
        sheet.column_dimensions[get_column_letter(column)].width = width
    for row, height in form.heights.items():
        sheet.row_dimensions[row].height = height
    sheet.page_setup.paperSize = _PAPER_A4
    sheet.page_setup.orientation = "landscape" if form.block else "portrait"
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.oddFooter.left.text, sheet.oddFooter.right.text = "&A", "&P / &N"
    if form.block:
        first = sheet.cell(form.block.first_row, form.block.first_column)
        sheet.freeze_panes = first.coordinate
        for selection in sheet.sheet_view.selection:
            selection.activeCell = selection.sqref = first.coordinate
    if form.heading_rows:
        sheet.print_title_rows = "{}:{}".format(*form.heading_rows)


# --- looks --------------------------------------------------------------------------------------------------

_BLUE, _PALE, _GREY, _LINE = "1F3864", "E8EEF7", "808080", "BFBFBF"
_EDGE = Border(**{side: Side("thin", color=_LINE) for side in ("left", "right", "top", "bottom")})
_HEAD = PatternFill("solid", fgColor=_PALE)
_OPEN = PatternFill("solid", fgColor="FFFBE6")
_SHUT = PatternFill("lightUp", fgColor=_LINE)
_MIDDLE = Alignment(vertical="center", wrap_text=True)


def _font(**more: Any) -> Font:
    return Font(**{"name": "Calibri", "size": 11, **more})


_LOOKS: Mapping[str, Mapping[str, Any]] = {
    "title": {"font": _font(bold=True, size=14, color=_BLUE)},
    "subtitle": {"font": _font(color=_GREY)},
    "head": {"font": _font(bold=True, size=12, color=_BLUE)},
    "text": {"font": _font(), "alignment": Alignment(wrap_text=True, vertical="top")},
    "strong": {"font": _font(bold=True), "alignment": Alignment(vertical="top")},
    "name": {"font": _font(bold=True), "fill": _HEAD, "border": _EDGE, "alignment": Alignment(
        horizontal="center", vertical="center", wrap_text=True)},
    "code": {"font": _font(size=8, color=_GREY), "fill": _HEAD, "border": _EDGE, "number_format": "@",
             "alignment": Alignment(horizontal="center", vertical="center", shrink_to_fit=True)},
    "label": {"font": _font(), "fill": _HEAD, "border": _EDGE, "alignment": _MIDDLE},
    "sum": {"font": _font(bold=True), "fill": _HEAD, "border": _EDGE, "alignment": _MIDDLE},
    "fixed": {"font": _font(), "border": _EDGE, "number_format": "@"},
    "field": {"font": _font(), "border": _EDGE, "fill": _OPEN, "number_format": "@",
              "protection": Protection(locked=False)},
    "figure": {"font": _font(), "border": _EDGE, "fill": _OPEN, "protection": Protection(locked=False),
               "alignment": Alignment(horizontal="right", vertical="center")},
    "closed": {"border": _EDGE, "fill": _SHUT},
}  # fmt: skip


class _Styles:
    """The named styles of a workbook, each made when it is first needed."""

    def __init__(self, book: Workbook) -> None:
        self._book = book
        self._made: dict[tuple[str, int, str], str] = {}

    def named(self, look: str, *, indent: int = 0, number: str = "") -> str:
        key = (look, indent, number)
        if key not in self._made:
            name = " ".join(word for word in ("migdx", look, str(indent or ""), number) if word)
            parts = dict(_LOOKS[look])
            if indent:
                parts["alignment"] = Alignment(
                    horizontal="left", vertical="top", wrap_text=True, indent=indent
                )
            if number:
                parts["number_format"] = number
            self._book.add_named_style(NamedStyle(name, **parts))
            self._made[key] = name
        return self._made[key]
