"""A text laid out like a sheet, separated by commas, semicolons or tabs: a Grid of one sheet without a name.

Its rows are counted as a spreadsheet counts them that opens it: a cell with line ends in it is one row.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import BinaryIO

from ..grid import Grid, GridSheet
from ..report import Finding, Place
from .refused import too_large, unreadable
from .text_encoding import Encoding, encoding_of, not_utf8
from .workbook_cells import Gathered

_SEPARATORS = ",;\t"
_LOOKED_AT = 200
_BATCH = 4096
_WIDEST = 1 << 14


def grid(file: BinaryIO, most: int) -> Grid:
    """Raises Refused: bytes that are no text, or more than `most` cells."""
    try:
        encoding = encoding_of(file)
        file.seek(encoding.skip)
        lines = _Lines(file, encoding)
        return Grid("csv", (_sheet(lines, most),), tuple(_told(encoding)))
    except UnicodeError:
        raise unreadable("binary") from None
    except csv.Error:
        raise too_large(
            "characters of a cell", f"> {csv.field_size_limit()}", csv.field_size_limit()
        ) from None


def _told(encoding: Encoding) -> Iterator[Finding]:
    if not encoding.sound:
        yield Finding("unreadable_text", places=(Place(row=encoding.row),) if encoding.row else ())
    elif encoding.name != "UTF-8":
        yield not_utf8(encoding.name, encoding.row)


class _Lines:
    """The text with its line ends; the first lines can be looked at."""

    def __init__(self, file: BinaryIO, encoding: Encoding) -> None:
        errors = "strict" if encoding.sound else "replace"
        self._text = io.TextIOWrapper(_Kept(file), codecs.lookup(encoding.name).name, errors, newline="")
        self.first = list(islice(self._text, _LOOKED_AT))

    def __iter__(self) -> Iterator[str]:
        yield from self.first
        yield from self._text


class _Kept(io.BufferedReader):
    """A stream that does not close the file when it is done with."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file)  # type: ignore[arg-type]

    def close(self) -> None:
        if not self.closed:
            self.detach()


def _separator(lines: Iterable[str]) -> str:
    """That which gives most lines the same number of cells, and many."""

    def agreement(separator: str) -> int:
        widths = [len(row) for row in csv.reader(lines, delimiter=separator) if any(row)]
        common = max(set(widths), key=widths.count, default=1)
        return widths.count(common) * common if common > 1 else 0

    return max(_SEPARATORS, key=agreement)


def _sheet(lines: _Lines, most: int) -> GridSheet:
    rows = csv.reader(lines, delimiter=_separator(lines.first))
    gathered, cells, width = Gathered(), 0, 0
    while batch := list(islice(rows, _BATCH)):
        width = max(width, *map(len, batch))
        cells += width * len(batch)
        if cells > most or width > _WIDEST:
            raise too_large("cells", f"> {cells}", most)
        gathered.add([*row, *[""] * (width - len(row))] for row in batch)
    return gathered.done("")
