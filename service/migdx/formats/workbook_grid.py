"""A file as a Grid: .xlsx, .xls, .ods, or text laid out like a sheet, by what its bytes are.

python-calamine reads the cells; what it cannot say comes from a second pass over the file, which also keeps
it from files that would take more room than there is.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any, BinaryIO

from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum

from ..grid import Grid, GridSheet
from ..report import Finding, Place
from ..workbook_map import MAP_SHEET
from . import workbook_ods, workbook_text, workbook_xls, workbook_xlsx
from .refused import Refused, too_large, unreadable
from .workbook_cells import Gathered
from .workbook_package import Package
from .workbook_xlsx import MOST_MERGED, SheetNotes

SHEETS = 1000
_MEMORY, _RESERVED, _OF_A_CELL = 512 << 20, 160 << 20, 88


def grid(file: BinaryIO, job: Mapping[str, Any]) -> Grid:
    """What the file holds. One that cannot be read has no sheets, and a finding that says why."""
    try:
        return _grid(file, job)
    except Refused as fault:
        return unread(fault.finding)


def unread(finding: Finding) -> Grid:
    """A file that cannot be read, and why."""
    return Grid("", (), (finding,))


def _grid(file: BinaryIO, job: Mapping[str, Any]) -> Grid:
    most = (int(job.get("memory", _MEMORY)) - _RESERVED) // _OF_A_CELL
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    head = file.read(8)
    if not size:
        raise unreadable("empty")
    if head.startswith(b"PK\x03\x04"):
        return _of_package(Package(file, size), file, most)
    if head == workbook_xls.SIGNATURE:
        file.seek(0)
        return _book("xls", file, workbook_xls.notes(file.read()), most)
    return workbook_text.grid(file, most)


def _of_package(package: Package, file: BinaryIO, most: int) -> Grid:
    if "xl/workbook.bin" in package:
        raise unreadable("xlsb")
    if workbook_ods.CONTENT in package:
        return _book("ods", file, workbook_ods.notes(package), most)
    members, wholes = workbook_xlsx.parts(package)
    for whole in wholes:
        package.walk(whole)
    if len(members) > SHEETS:
        raise too_large("sheets", len(members), SHEETS)
    notes: dict[str, SheetNotes] = {}
    for name, member in members.items():
        notes[name] = workbook_xlsx.notes(package, member, most)
        _bounded(name, notes[name], most)
    links = [name for name in package.names if name.startswith("xl/externalLinks/") and name.endswith(".xml")]
    findings = (Finding("external_links", "warning", count=len(links), blocking=False),) if links else ()
    return _book("xlsx", file, notes, most, findings)


def _bounded(name: str, noted: SheetNotes, most: int) -> None:
    if noted.area > most:
        place = Place(row=noted.last_row, column=noted.last_column, sheet=name)
        raise too_large("cells", noted.area, most, place)


def _book(
    format: str,
    file: BinaryIO,
    notes: Mapping[str, SheetNotes],
    most: int,
    findings: tuple[Finding, ...] = (),
) -> Grid:
    for name, noted in notes.items():
        _bounded(name, noted, most)
    file.seek(0)
    try:
        sheets = list(_sheets(CalamineWorkbook.from_filelike(file), notes, most))
    except PasswordError:
        raise unreadable("password") from None
    except (CalamineError, OSError, ValueError, OverflowError):
        raise unreadable("workbook") from None
    except BaseException as fault:
        if type(fault).__name__ != "PanicException":  # the library's own faults; nobody exports the class
            raise
        raise unreadable("workbook") from None
    carried = [sheet for sheet in sheets if sheet.name == MAP_SHEET]
    pieces = [one.text(row, 1) for one in carried for row in range(1, one.height + 1)]
    return Grid(format, tuple(one for one in sheets if one.name != MAP_SHEET), findings, "".join(pieces))


def _sheets(book: CalamineWorkbook, notes: Mapping[str, SheetNotes], most: int) -> Iterator[GridSheet]:
    listed = [one for one in book.sheets_metadata if one.typ == SheetTypeEnum.WorkSheet]
    if len(listed) > SHEETS:
        raise too_large("sheets", len(listed), SHEETS)
    left = most
    for one in listed:
        noted = notes.get(one.name) or SheetNotes()
        sheet = _sheet(book, one.name, noted, visible=one.visible == SheetVisibleEnum.Visible)
        left -= sheet.height * sheet.width
        if left < 0:
            raise too_large("cells", f"> {most}", most)
        yield sheet


def _sheet(book: CalamineWorkbook, name: str, noted: SheetNotes, *, visible: bool) -> GridSheet:
    read = book.get_sheet_by_name(name)
    gathered = Gathered(read.start[1] if read.start else 0)
    gathered.add(read.iter_rows())
    merged = [
        (top + 1, left + 1, bottom + 1, right + 1)
        for (top, left), (bottom, right) in islice(read.merged_cell_ranges or (), MOST_MERGED)
    ]
    last = max(gathered.height, noted.last_row)
    bad = (one for one in noted.errors + noted.formulas if one[0] <= last and one[1] <= noted.last_column)
    sheet = gathered.done(name, bad, visible=visible, merged=tuple(sorted(merged or noted.merged)))
    return replace(
        sheet,
        hidden_rows=tuple(sorted(row for row in noted.hidden_rows if row <= sheet.height)),
        hidden_columns=tuple(sorted(at for at in noted.hidden_columns if at <= sheet.width)),
    )
