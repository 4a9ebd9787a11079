"""What the library that reads .ods does not say, by a second pass over content.xml.

OpenDocument 1.3 part 3, section 9.1: rows, columns and cells that stand for many by a number of repetitions,
and which of them are hidden; error values as office programs mark them (calcext:value-type).
"""

from __future__ import annotations

from collections.abc import Mapping
from xml.parsers import expat

from .refused import unreadable
from .workbook_package import Package, undeclared
from .workbook_xlsx import LAST_COLUMN, LAST_ROW, MOST_MERGED, SheetNotes

CONTENT = "content.xml"
_HIDDEN = ("collapse", "filter")


def notes(package: Package) -> dict[str, SheetNotes]:
    """By the name of the sheet."""
    manifest = package.whole("META-INF/manifest.xml") if "META-INF/manifest.xml" in package else b""
    if b"encryption-data" in manifest:
        raise unreadable("password")
    parser = expat.ParserCreate()
    parser.buffer_text = True
    reading = _Reading(parser)
    try:
        for at, block in enumerate(package.blocks(CONTENT)):
            parser.Parse(undeclared(block) if at == 0 else block)
        parser.Parse(b"", True)
    except expat.ExpatError:
        raise unreadable("workbook") from None
    return reading.sheets


class _Reading:
    def __init__(self, parser: expat.XMLParserType) -> None:
        parser.StartElementHandler = self.start
        self._parser = parser
        self.sheets: dict[str, SheetNotes] = {}
        self._sheet = SheetNotes()
        self._row = self._column = 0
        self._repeated = 1

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if name in ("table:table-cell", "table:covered-table-cell"):
            self._cell(attributes)
        elif name == "table:table-row":
            self._row += self._repeated
            self._repeated = _times(attributes, "table:number-rows-repeated", LAST_ROW)
            self._column = 1
            if attributes.get("table:visibility") in _HIDDEN:
                last = min(self._row + self._repeated, LAST_ROW + 1)
                self._sheet.hidden_rows.update(range(self._row, last))
        elif name == "table:table-column":
            times = _times(attributes, "table:number-columns-repeated", LAST_COLUMN)
            if attributes.get("table:visibility") in _HIDDEN:
                last = min(self._column + times, LAST_COLUMN + 1)
                self._sheet.hidden_columns.update(range(self._column, last))
            self._column += times
        elif name == "table:table":
            self._sheet = self.sheets.setdefault(attributes.get("table:name", ""), SheetNotes())
            self._row, self._column, self._repeated = 0, 1, 1

    def _cell(self, attributes: Mapping[str, str]) -> None:
        times = _times(attributes, "table:number-columns-repeated", LAST_COLUMN)
        sheet, kind = self._sheet, attributes.get("office:value-type")
        if kind or "table:formula" in attributes:
            sheet.last_row = max(sheet.last_row, self._row + self._repeated - 1)
            sheet.last_column = max(sheet.last_column, self._column + times - 1)
        if "table:number-columns-spanned" in attributes and len(sheet.merged) < MOST_MERGED:
            wide = _times(attributes, "table:number-columns-spanned", LAST_COLUMN)
            high = _times(attributes, "table:number-rows-spanned", LAST_ROW)
            last = self._row + high - 1, self._column + wide - 1
            if wide * high > 1:
                sheet.merged.append((self._row, self._column, *last))
        failed = attributes.get("calcext:value-type") == "error"
        self._parser.CharacterDataHandler = self._named if failed else None
        if failed or (attributes.get("table:formula") and not kind):
            for row in range(self._row, self._row + self._repeated):
                for at in range(times):
                    sheet.without_value(row, self._column + at, "#ERROR" if failed else "")
        self._column += times

    def _named(self, text: str) -> None:
        """The error as it is shown, of the last cell that holds one."""
        if text.startswith("#"):
            row, column, _ = self._sheet.errors.pop()
            self._sheet.errors.append((row, column, text[:40]))


def _times(attributes: Mapping[str, str], name: str, most: int) -> int:
    given = attributes.get(name, "1")
    return max(1, min(int(given), most)) if given.isascii() and given.isdigit() and len(given) < 9 else 1
