"""Tables: where in a workbook the figures stand, found from what the cells look like.

A table is the largest block of columns of numbers; headings stand above it, labels beside it. Sheets whose
tables lie alike are one group.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ..grid import Grid, GridSheet, Kind
from .times import YEAR

LOOKED = 5000
"""Rows of a sheet that are looked at to find its table."""

_ABOVE = 15
"""Rows above a table in which headings are looked for."""

_APART = 10
"""Rows without figures that end a table."""

_LONGEST = 64
"""Characters of a cell that may be a number."""

_BESIDE = 20
"""Columns at one side of a table that may be labels, or numbers that are none of its figures."""

_RARE = 0.3
"""A column with fewer figures than this share of the fullest one is none of the table's."""

NUMBER = re.compile(r"[+\-−]?(?:\d{1,3}(?:[ ,.'’\u00a0\u202f]\d{3})+|\d+)(?:[.,]\d+)?(?:[eE][+-]?\d+)?%?")
FLAGGED = re.compile(rf"({NUMBER.pattern})\s*([^\d\s][^\d]{{0,3}}|\d\))")
SIGN = re.compile(r"[.\-–—:/…*×_?]{1,4}|[xX]|n\.?\s?[ad]\.?|N/?A", re.IGNORECASE)

States = npt.NDArray[np.uint8]
_EMPTY, _FIGURE, _SIGN, _TEXT = 0, 1, 2, 3


@dataclass(frozen=True)
class Table:
    """Rows and columns from 1, as in a SheetMap; `sheets` have their tables in the same place.

    `headings` are the rows above that have a text for each column or group of columns, `labels` the columns
    beside that have one for the rows; `titles` are single cells above. `outside` counts the figures of its
    columns far below it.
    """

    sheets: tuple[GridSheet, ...]
    first_row: int
    first_column: int
    last_row: int
    last_column: int
    headings: tuple[int, ...] = ()
    labels: tuple[int, ...] = ()
    titles: tuple[tuple[int, int], ...] = ()
    outside: int = 0

    @property
    def sheet(self) -> GridSheet:
        return self.sheets[0]

    @property
    def place(self) -> tuple[object, ...]:
        """What sheets that are alike have in common."""
        return self.first_row, self.first_column, self.last_column, self.headings


def find_tables(grid: Grid, is_code: Callable[[str], bool]) -> list[Table]:
    """The tables of a workbook, one for each group of sheets, the largest first; `is_code` knows codes."""
    groups: dict[tuple[object, ...], Table] = {}
    for sheet in grid.sheets:
        table = _table(sheet, is_code) if sheet.visible or len(grid.sheets) == 1 else None
        if table is not None:
            known = groups.get(table.place)
            groups[table.place] = (
                table
                if known is None
                else replace(
                    known,
                    sheets=(*known.sheets, sheet),
                    last_row=max(known.last_row, table.last_row),
                    labels=tuple(column for column in known.labels if column in table.labels),
                )
            )
    return sorted(groups.values(), key=lambda table: -len(table.sheets) * (table.last_row - table.first_row))


def states(sheet: GridSheet) -> States:
    """What each cell looks like: nothing, a figure, a sign in its place, a text; rows x columns."""
    height = min(sheet.height, LOOKED)
    found = np.zeros((height, sheet.width), np.uint8)
    for at in range(sheet.width):
        kinds = sheet.kinds[at][:height]
        found[kinds == Kind.NUMBER, at] = _FIGURE
        found[(kinds == Kind.ERROR) | (kinds == Kind.FORMULA), at] = _SIGN
        texts = np.flatnonzero((kinds == Kind.TEXT) | (kinds == Kind.DATE) | (kinds == Kind.BOOLEAN))
        if len(texts):
            encoded = sheet.cells[at].slice(0, height).dictionary_encode()
            looks = np.array([_look(text or "") for text in encoded.dictionary.to_pylist()], np.uint8)
            found[texts, at] = looks[encoded.indices.to_numpy(zero_copy_only=False)[texts].astype(np.int64)]
    return found


def _look(text: str) -> int:
    stripped = text.strip()
    if len(stripped) > _LONGEST:
        return _TEXT
    if NUMBER.fullmatch(stripped) or FLAGGED.fullmatch(stripped):
        return _FIGURE
    return _SIGN if SIGN.fullmatch(stripped) else _TEXT if stripped else _EMPTY


def _table(sheet: GridSheet, is_code: Callable[[str], bool]) -> Table | None:
    looks = states(sheet)
    if not looks.size:
        return None
    first, last = _columns(sheet, looks, is_code)
    if not first:
        return None
    body = looks[:, first - 1 : last]
    told = np.flatnonzero((body == _FIGURE).any(axis=1))
    rows = _together([int(row) + 1 for row in told])
    while len(rows) > 1 and _is_heading(sheet, rows[0], first, last):
        rows = rows[1:]
    if not rows:
        return None
    start, end = rows[0], rows[-1]
    if end == LOOKED:
        end = sheet.height
    labels = _labels(sheet, looks, rows, (first, last))
    headings = _headings(looks, start, (first, last))
    above = np.argwhere(looks[: start - 1] != _EMPTY)
    titles = tuple(
        (int(row) + 1, int(column) + 1)
        for row, column in above[:200]
        if int(row) + 1 not in headings and looks[row, column] != _SIGN
    )
    outside = int((body[end:] == _FIGURE).sum())
    return Table((sheet,), start, first, end, last, headings, labels, titles, outside)


def _together(rows: list[int]) -> list[int]:
    """The rows of the largest part where many blank ones lie between."""
    parts = np.split(np.array(rows), np.flatnonzero(np.diff(rows) > _APART) + 1) if rows else []
    return [int(row) for row in max(parts, key=len)] if parts else []


def _full(looks: States) -> npt.NDArray[np.bool_]:
    """The columns with enough figures to be one of a table."""
    figures = (looks == _FIGURE).sum(axis=0)
    return np.asarray(figures >= max(1.0, _RARE * figures.max(initial=0)))


def _headed(looks: States) -> npt.NDArray[np.bool_]:
    """The columns with something above the first row of figures."""
    rows = np.flatnonzero((looks[:, _full(looks)] == _FIGURE).any(axis=1))
    start = int(rows[0]) if len(rows) else 0
    return np.asarray((looks[max(0, start - _ABOVE) : start] != _EMPTY).any(axis=0))


def _columns(sheet: GridSheet, looks: States, is_code: Callable[[str], bool]) -> tuple[int, int]:
    """The first and last column of the largest block of figures; 0, 0 when there is none."""
    along = (looks == _FIGURE).sum(axis=1)
    start = int(np.argmax(along >= max(1, along.max(initial=0) / 2)))  # above it are titles and headings
    figures = ((looks == _FIGURE) | (looks == _SIGN)).sum(axis=0)
    numbers = (looks == _FIGURE).sum(axis=0)
    texts = (looks[start:] == _TEXT).sum(axis=0)
    is_data = (figures > texts) & (_full(looks) | _headed(looks))
    best: tuple[int, int, int] = (0, 0, 0)
    for first, last in _runs(is_data, (figures + texts) == 0):
        for _ in range(_BESIDE):
            first += first < last and _is_beside(sheet, looks, first, is_code)
            last -= first < last and _is_beside(sheet, looks, last, is_code)
        size = int(numbers[first : last + 1].sum())
        if size > best[0] and (last > first or not _is_running(_figures(sheet, looks, first))):
            best = (size, first + 1, last + 1)
    return best[1], best[2]


def _runs(is_data: npt.NDArray[np.bool_], is_blank: npt.NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Columns of figures that stand together, from 0, both inside; blank ones do not part them."""
    start = end = -1
    for at, data in enumerate(is_data.tolist()):
        if data:
            start, end = (at if start < 0 else start), at
        elif start >= 0 and not is_blank[at]:
            yield start, end
            start = -1
    if start >= 0:
        yield start, end


def _is_beside(sheet: GridSheet, looks: States, at: int, is_code: Callable[[str], bool]) -> bool:
    """Whether a column of numbers at the edge counts, dates or names the rows rather than being figures."""
    values = _figures(sheet, looks, at)
    if len(values) < 2:
        return False
    if _is_running(values):
        return True
    if all(YEAR.fullmatch(value.removesuffix(".0")) for value in values):
        return True
    return (
        len(values) > 4 and len(set(values)) == len(values) and sum(map(is_code, values)) >= 0.8 * len(values)
    )


def _figures(sheet: GridSheet, looks: States, at: int) -> list[str]:
    rows = np.flatnonzero(looks[:, at] == _FIGURE)
    return [sheet.text(int(row) + 1, at + 1).strip() for row in rows]


def _is_running(values: Sequence[str]) -> bool:
    """Numbers that count the rows, some of them left out."""
    if len(values) < 4 or not all(value.isdigit() for value in values):
        return False
    steps = np.diff(np.array([int(value[:15]) for value in values]))
    return bool((steps > 0).all() and (steps == 1).mean() >= 0.8)


def _is_heading(sheet: GridSheet, row: int, first: int, last: int) -> bool:
    """Whether a row of numbers dates or counts the columns: different years, or 1, 2, 3 without a name."""
    values = [sheet.text(row, column).strip() for column in range(first, last + 1)]
    told = [value for value in values if value]
    if not told:
        return False
    if all(YEAR.fullmatch(value.removesuffix(".0")) for value in told):
        if len(told) == 1:  # a table has a heading: with none above, this is it
            return not any(sheet.text(above, first).strip() for above in range(max(1, row - _ABOVE), row))
        size = len(set(told))
        again = told == told[:size] * (len(told) // size)  # the years of each group of columns
        return size > 1 and (again or told == sorted(told))
    beside = [sheet.text(row, column).strip() for column in range(1, first)]
    named = any(text and not NUMBER.fullmatch(text) for text in beside)
    return len(told) > 3 and not named and _is_running(told)


def _labels(sheet: GridSheet, looks: States, rows: Sequence[int], body: tuple[int, int]) -> tuple[int, ...]:
    """The columns beside a table that say something of its rows."""
    told = looks[np.array(rows) - 1] != _EMPTY
    share = told.mean(axis=0)
    found = []
    for at in range(max(0, body[0] - _BESIDE), min(looks.shape[1], body[1] + _BESIDE)):
        if body[0] <= at + 1 <= body[1] or not told[:, at].any():
            continue
        texts = [sheet.text(row, at + 1).strip() for row in rows]
        given = [text for text in texts if text]
        # a group's name may stand beside its first row only
        if (share[at] >= 0.2 or bool(texts[0])) and not _is_running(given):
            found.append(at + 1)
    return tuple(found)


def _headings(looks: States, start: int, body: tuple[int, int]) -> tuple[int, ...]:
    """The rows above a table that tell its columns apart: the first column has a text, and one more has."""
    found = []
    for row in range(max(1, start - _ABOVE), start):
        cells = looks[row - 1, body[0] - 1 : body[1]] != _EMPTY
        if cells[0] and (cells.sum() > 1 or body[0] == body[1]):
            found.append(row)
    return tuple(found)
