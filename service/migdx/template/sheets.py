"""Sheets: how a table of a template lies on its sheet, and where the map finds it again.

From the top: a title, what holds for the whole table (as cards: a label and a value), the headings of the
columns in as many rows as they have levels, a row of codes for each level, then the rows, whose codes and
labels stand left of the figures. The map reads the codes, so labels are for people alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from ..formats.workbook_writer import Block, Cell, Form, Look
from ..structures import Text, in_language
from ..workbook_map import Mark, SheetMap, Source
from .axes import Axis, Entry, Level
from .labels import CODE_BEFORE_NAME

_FIRST_CARD = 4
_CARD_WIDTH = 3
_LABEL_WIDTHS = (10.0, 60.0)
_LINE = 15.0


@dataclass(frozen=True)
class Card:
    """A value that holds for a whole table. `choices` names the list that it is one of.

    `open` ones may be changed; those `about` the figures stand apart from those that tell them apart.
    """

    component: str
    label: str
    value: str = ""
    choices: str = ""
    open: bool = True
    about: bool = False
    coded: bool = True
    prompt: str = ""


@dataclass(frozen=True)
class Table:
    """What a sheet is made of. `constants` are values that nobody sees or changes.

    `closed` are the lines of the axes (row, column, from 0) that cross where no figure can be; `number` is
    the format of figures.
    """

    title: str
    subtitle: str
    language: str
    rows: Axis
    columns: Axis
    measure: str
    measure_name: str
    constants: Mapping[str, str] = field(default_factory=dict)
    cards: tuple[Card, ...] = ()
    closed: frozenset[tuple[int, int]] = frozenset()
    totals: frozenset[str] = frozenset()
    number: str = "General"
    numeric: bool = True
    signed: bool = False

    # --- where things stand, rows and columns from 1 -----------------------------------------------

    @property
    def depth(self) -> int:
        """Columns of codes left of the rows, and of labels after them."""
        return max(1, len(self.rows.levels))

    @property
    def first_column(self) -> int:
        return 2 * self.depth + 1

    @property
    def last_column(self) -> int:
        return 2 * self.depth + len(self.columns.lines)

    @property
    def places(self) -> list[tuple[Card, int, int]]:
        """Each card with the row and the column of its value; those about the figures stand to the right."""
        left = [card for card in self.cards if not card.about]
        right = [card for card in self.cards if card.about]
        beside = self.first_column + 2 * _CARD_WIDTH + 1
        return [(card, _FIRST_CARD + at, self.first_column) for at, card in enumerate(left)] + [
            (card, _FIRST_CARD + at, beside) for at, card in enumerate(right)
        ]

    @property
    def first_heading(self) -> int:
        return max((row for _, row, _ in self.places), default=_FIRST_CARD) + 2

    @property
    def named(self) -> tuple[tuple[int, Level], ...]:
        """The levels of the columns whose entries have names, with their places among the levels."""
        return tuple((at, level) for at, level in enumerate(self.columns.levels) if _names(level))

    @property
    def first_codes(self) -> int:
        """The row of the codes of the first level of the columns."""
        return self.first_heading + max(1, len(self.named))

    @property
    def first_row(self) -> int:
        return self.first_codes + len(self.columns.levels)

    @property
    def last_row(self) -> int:
        return self.first_row + len(self.rows.lines) - 1

    def called(self, text: Text, otherwise: str = "") -> str:
        return in_language(text, (self.language,))[1] or otherwise


def _names(level: Level) -> bool:
    return any(entry.names for entry in level.entries)


# --- the map ------------------------------------------------------------------------------------------------


def mapped(table: Table, sheets: str) -> tuple[SheetMap, list[Mark]]:
    """How the sheets that are named like `sheets` are read, and what has to stand where it stood."""
    sources = [Source(component, value=value) for component, value in table.constants.items()]
    sources += [
        Source(card.component, row=row, column=column, pattern=CODE_BEFORE_NAME if card.coded else "")
        for card, row, column in table.places
    ]
    for at, level in enumerate(table.rows.levels, start=1):
        sources += [Source(id, column=at, texts=level.texts(id)) for id in level.components]
    for row, level in enumerate(table.columns.levels, start=table.first_codes):
        sources += [Source(id, row=row, texts=level.texts(id)) for id in level.components]
    found = SheetMap(
        sheets,
        table.first_row,
        table.first_column,
        last_column=table.last_column,
        sources=tuple(sources),
        measure=table.measure,
    )
    marks = [Mark(sheets, cell.row, cell.column, cell.text) for cell in _marked(table)]
    return found, marks


def _marked(table: Table) -> Iterator[Cell]:
    """The cells whose text tells that nothing was moved: labels of cards, and what heads the codes."""
    yield from (cell for cell in _card_cells(table) if cell.look == "label")
    yield from (cell for cell in _corner(table) if cell.look == "code" and cell.text)
    for row, level in enumerate(table.columns.levels, start=table.first_codes):
        ends = {table.first_column: 0, table.last_column: -1}
        codes = {
            column: table.columns.lines[end][row - table.first_codes].code for column, end in ends.items()
        }
        yield from (Cell(row, column, code) for column, code in codes.items() if code and _names(level))


# --- the sheet ----------------------------------------------------------------------------------------------


def form(table: Table, name: str, headings: tuple[str, str]) -> Form:
    """The sheet; `headings` are what stands above the cards on the left, and on the right."""
    cells = [
        Cell(1, 1, table.title, "title"),
        Cell(2, 1, table.subtitle, "subtitle"),
        *_card_heads(table, headings),
        *_card_cells(table),
        *_corner(table),
        *_column_cells(table),
        *_row_cells(table),
    ]
    block = Block(
        table.first_row,
        table.first_column,
        table.last_row,
        table.last_column,
        table.number,
        table.numeric,
        table.signed,
        frozenset((table.first_row + row, table.first_column + column) for row, column in table.closed),
    )
    return Form(
        name,
        tuple(cells),
        block,
        _widths(table),
        _heights(table),
        heading_rows=(table.first_heading, table.first_row - 1),
    )


def _card_heads(table: Table, headings: tuple[str, str]) -> Iterator[Cell]:
    for about, heading in enumerate(headings):
        of_side = [(row, column) for card, row, column in table.places if card.about == bool(about)]
        if of_side:
            row, column = of_side[0]
            yield Cell(row - 1, column - _CARD_WIDTH if about else 1, heading, "strong")


def _card_cells(table: Table) -> Iterator[Cell]:
    depth = table.depth
    for card, row, column in table.places:
        if card.about:
            yield Cell(row, column - _CARD_WIDTH, card.label, "label", width=_CARD_WIDTH)
        else:
            yield Cell(row, 1, card.component, "code", width=depth)
            yield Cell(row, depth + 1, card.label, "label", width=depth)
        look: Look = "field" if card.open else "fixed"
        yield Cell(row, column, card.value, look, 1, _CARD_WIDTH, card.choices, card.prompt)


def _corner(table: Table) -> Iterator[Cell]:
    """What heads the codes and the labels of the rows, and the codes of the columns."""
    heads = table.first_codes - 1
    for at, level in enumerate(table.rows.levels, start=1):
        yield Cell(heads, at, level.heading, "code")
        yield Cell(heads, table.depth + at, table.called(level.names, level.heading), "name")
    for row, level in enumerate(table.columns.levels, start=table.first_codes):
        yield Cell(row, table.first_column - 1, level.heading, "code")


def _column_cells(table: Table) -> Iterator[Cell]:
    lines, named = table.columns.lines, table.named
    if not named:
        level = next(iter(table.columns.levels), None)
        heading = table.called(level.names, level.heading) if level else table.measure_name
        yield Cell(table.first_heading, table.first_column, heading, "name", width=len(lines))
    for row, (at, _) in enumerate(named, start=table.first_heading):
        column = table.first_column
        for entries, run in groupby(lines, key=lambda line: line[: at + 1]):
            width = len(list(run))
            yield Cell(row, column, table.called(entries[at].names, entries[at].code), "name", width=width)
            column += width
    for row, level in enumerate(table.columns.levels, start=table.first_codes):
        at = row - table.first_codes
        for column, line in enumerate(lines, start=table.first_column):
            code = line[at].code
            look: Look = "code" if _names(level) else "field"
            yield Cell(row, column, code, look)


def _row_cells(table: Table) -> Iterator[Cell]:
    for row, line in enumerate(table.rows.lines, start=table.first_row):
        for at, entry in enumerate(line, start=1):
            yield Cell(row, at, entry.code, "code")
            label = table.called(entry.names, entry.code)
            look: Look = "sum" if entry.code in table.totals else "label"
            yield Cell(row, table.depth + at, label, look, indent=entry.depth)


def _widths(table: Table) -> dict[int, float]:
    widths = dict.fromkeys(range(table.first_column, table.last_column + 1), 12.5)
    for at, level in enumerate(table.rows.levels):
        widths[at + 1] = _width([level.heading, *(entry.code for entry in level.entries)], 0.9, 6.0, 18.0)
        labels = [" " * 2 * entry.depth + table.called(entry.names) for entry in level.entries]
        widths[table.depth + at + 1] = _width([*labels, table.called(level.names)], 1.0, *_LABEL_WIDTHS)
    return widths


def _width(texts: Sequence[str], each: float, least: float, most: float) -> float:
    return min(most, max(least, each * max(map(len, texts), default=0) + 2))


def _heights(table: Table) -> dict[int, float]:
    """Of the headings, so that long names fit in several lines, and of the codes, which are small."""
    heights = dict.fromkeys(range(table.first_codes, table.first_row), 12.0)
    for row, (at, level) in enumerate(table.named, start=table.first_heading):
        width = 12.5 * _narrowest(table.columns.lines, at)
        lines = max(-(-len(table.called(entry.names)) // max(1, int(width) - 2)) for entry in level.entries)
        heights[row] = _LINE * max(1, lines)
    for row, line in enumerate(table.rows.lines, start=table.first_row):
        longest = max((2 * entry.depth + len(table.called(entry.names)) for entry in line), default=0)
        if longest > _LABEL_WIDTHS[1]:
            heights[row] = _LINE * -(-longest // int(_LABEL_WIDTHS[1]))
    return heights


def _narrowest(lines: Sequence[tuple[Entry, ...]], at: int) -> int:
    """The columns that the narrowest heading of a level stands over."""
    return min(len(list(run)) for _, run in groupby(lines, key=lambda line: line[: at + 1]))


# --- notes --------------------------------------------------------------------------------------------------

_NOTE_WIDTHS = {1: 30.0, 2: 100.0}


def notes(name: str, title: str, sections: Sequence[tuple[str, Sequence[tuple[str, str]]]]) -> Form:
    """The first sheet: sections of lines, each a term and what is said of it."""
    cells, heights = [Cell(1, 1, title, "title")], dict[int, float]()
    row = 2
    for heading, lines in sections:
        if heading:
            row += 1
            cells.append(Cell(row, 1, heading, "head"))
            row += 1
        for term, text in lines:
            cells += [Cell(row, 1, term, "strong"), Cell(row, 2, text, "text")]
            heights[row] = _LINE * max(1, -(-len(text) // int(_NOTE_WIDTHS[2])))
            row += 1
    return Form(name, tuple(cells), widths=_NOTE_WIDTHS, heights=heights)
