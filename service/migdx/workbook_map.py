"""WorkbookMap: where in a workbook, or in a text laid out like a sheet, the components of a dataflow stand.

A template carries its map; for a workbook of a provider's own layout a person confirms one, and it is kept.
To the standard it is a StructureMap with its RepresentationMaps (SDMX 3.0 Information Model, section 9); what
SDMX has no words for, the cells, stands here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from typing import Any, TypeVar

from .errors import SyntaxFault

T = TypeVar("T")

OBSERVATION = "OBS_VALUE"
"""The component that a table's own cells hold where the map names no other."""

MAP_SHEET = "_migdx"
"""The sheet in which a workbook carries its map: JSON in pieces, down column A."""


@dataclass(frozen=True)
class Source:
    """Where the values of one component come from, and what the texts that stand there mean.

    `value` is the same everywhere. Else the text is that of a cell, in this `row` and `column` counted from
    1; 0 is the row or the column of the observation itself, so a heading above the table has a row, a label
    beside it a column, a title both, and the observation's own cell neither. `from_sheet` takes the sheet's
    name. `texts` gives the code for a text, None where such rows or columns are left out (totals of totals);
    a text it does not have stays as it is. Texts are compared without the blanks and line ends around and
    within, as they are and then in small letters. With `fill` an empty cell says what the last one before it
    in the table said, as headings over several columns do. `pattern` is a regular expression whose first
    group is the text ("Stand: (.*)"); a text that it does not match stays as it is. Of several sources of a
    component the first counts that says something; one without a component only leaves out.
    """

    component: str
    value: str = ""
    row: int = 0
    column: int = 0
    from_sheet: bool = False
    texts: Mapping[str, str | None] = field(default_factory=dict)
    fill: bool = False
    pattern: str = ""

    @property
    def stands(self) -> str:
        """Where its text does: value, sheet, cell, row, column, or "" for the observation's own cell."""
        if self.value:
            return "value"
        if self.from_sheet:
            return "sheet"
        if self.row and self.column:
            return "cell"
        return "row" if self.row else "column" if self.column else ""


@dataclass(frozen=True)
class SheetMap:
    """One table: the rectangle of cells that hold observations, and the source of every other component.

    `sheet` is a name, in which * stands for any text: sheets that are alike share a map. Rows and columns are
    counted from 1, `last_row` and `last_column` 0 go to the end. An empty cell of the rectangle is no
    observation.
    """

    sheet: str
    first_row: int
    first_column: int
    last_row: int = 0
    last_column: int = 0
    sources: tuple[Source, ...] = ()
    measure: str = OBSERVATION


@dataclass(frozen=True)
class Mark:
    """A text that has to stand where it stood when the map was made: else the layout has changed."""

    sheet: str
    row: int
    column: int
    text: str


@dataclass(frozen=True)
class WorkbookMap:
    """`signs` say what a cell without a number means ('..' -> OBS_STATUS O), `flags` what follows a number.

    Both give values by component, which come before those of a source, and are compared in small letters.
    `footnotes` takes trailing marks such as 1) or superscripts off labels. `decimal` and `group` are the
    marks within numbers that are text. `ignored` names sheets that hold no observations, * as in SheetMap.
    """

    dataflow: str
    sheets: tuple[SheetMap, ...]
    marks: tuple[Mark, ...] = ()
    signs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    flags: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    footnotes: bool = False
    decimal: str = "."
    group: str = ""
    title: str = ""
    ignored: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """JSON-able; what has its default is left out."""
        return dict(_told(self))

    @classmethod
    def from_dict(cls, body: object) -> WorkbookMap:
        """Raises SyntaxFault, which says where the JSON is not that of a map."""
        made = _made(cls, body, "")
        _few("sheets", made.sheets, _TABLES)
        for at, sheet in enumerate(made.sheets):
            _few(f"sheets[{at}].sources", sheet.sources, _SOURCES)
            for source in sheet.sources:
                _checked(source.pattern, f"sheets[{at}]: ")
        if made.decimal not in (".", ","):
            raise SyntaxFault(f"decimal: given {_short(made.decimal)}, expected . or ,")
        if len(made.group) > 1 or made.group.isalnum() or made.group in ("+", "-", made.decimal):
            raise SyntaxFault(f"group: given {_short(made.group)}, expected one sign, not that of decimals")
        return made


_TABLES, _SOURCES = 300, 100
"""Tables of a map, and sources of one: more than a person could look over."""

_LAST = 999_999_999
"""Rows and columns beyond the end of every file."""

_LONGEST = 1000
"""Characters of a pattern."""


def _few(where: str, given: tuple[object, ...], most: int) -> None:
    if len(given) > most:
        raise SyntaxFault(f"{where}: given {len(given)}, expected {most} at most")


def _checked(pattern: str, where: str) -> None:
    """Raises SyntaxFault for a pattern that nobody could apply."""
    if not pattern:
        return
    if len(pattern) > _LONGEST:
        raise SyntaxFault(f"{where}a pattern of {len(pattern)} characters; expected {_LONGEST} at most")
    try:
        groups = re.compile(pattern).groups
    except (re.error, OverflowError, RecursionError) as fault:
        raise SyntaxFault(f"{where}the pattern {_short(pattern)}: {fault}") from None
    if not groups:
        raise SyntaxFault(f"{where}the pattern {_short(pattern)} has no group")


def sheet_matches(pattern: str, name: str) -> bool:
    """Whether a sheet is one that a SheetMap or a Mark names."""
    first, *others = pattern.split("*")
    if not others:
        return pattern == name
    *between, last = others
    if not (name.startswith(first) and name.endswith(last) and len(name) >= len(first) + len(last)):
        return False
    at, end = len(first), len(name) - len(last)
    for piece in between:  # the first place of each piece leaves most for the others
        at = name.find(piece, at, end)
        if at < 0:
            return False
        at += len(piece)
    return True


def _told(value: Any) -> Any:
    if is_dataclass(value):
        said = {
            f.name: getattr(value, f.name) for f in fields(value) if getattr(value, f.name) != _default(f)
        }
        return {name: _told(one) for name, one in said.items()}
    if isinstance(value, tuple):
        return [_told(one) for one in value]
    return {key: _told(one) for key, one in value.items()} if isinstance(value, Mapping) else value


def _default(entry: Field[Any]) -> Any:
    return {} if entry.default_factory is not MISSING else entry.default


_LISTS = {"sheets": SheetMap, "sources": Source, "marks": Mark}
_PLAIN = {"str": str, "int": int, "bool": bool}


def _made(cls: type[T], body: object, where: str) -> T:
    """A dataclass of JSON, every member of the type that it is declared with."""
    known = {entry.name: entry for entry in fields(cls)}  # type: ignore[arg-type]
    if not isinstance(body, Mapping):
        raise SyntaxFault(f"{where or 'The map'}: given {_short(body)}, expected an object")
    unknown = [name for name in body if name not in known]
    if unknown:
        raise SyntaxFault(f"{where}{unknown[0]}: there is no such member; expected {', '.join(known)}")
    given = {
        name: _member(entry, body[name], f"{where}{name}") for name, entry in known.items() if name in body
    }
    missing = [name for name, entry in known.items() if name not in given and _default(entry) is MISSING]
    if missing:
        raise SyntaxFault(f"{where}{missing[0]}: missing")
    return cls(**given)


def _member(entry: Field[Any], given: Any, where: str) -> Any:
    if entry.name == "ignored":
        if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
            raise SyntaxFault(f"{where}: given {_short(given)}, expected a list of texts")
        return tuple(given)
    if entry.name in _LISTS:
        if not isinstance(given, list):
            raise SyntaxFault(f"{where}: given {_short(given)}, expected a list")
        return tuple(_made(_LISTS[entry.name], one, f"{where}[{at}].") for at, one in enumerate(given))
    plain = _PLAIN.get(str(entry.type))
    if plain:
        outside = plain is int and isinstance(given, int) and not 0 <= given <= _LAST
        if type(given) is not plain or outside:
            expected = (
                f"a number from 0 to {_LAST}"
                if plain is int
                else {str: "a text", bool: "true or false"}[plain]
            )
            raise SyntaxFault(f"{where}: given {_short(given)}, expected {expected}")
        return given
    nested = "Mapping[str, Mapping" in str(entry.type)
    nullable = "None" in str(entry.type)
    if not _is_texts(given, nested=nested, nullable=nullable):
        raise SyntaxFault(f"{where}: given {_short(given)}, expected an object of texts")
    return given


def _is_texts(given: object, *, nested: bool, nullable: bool) -> bool:
    if not isinstance(given, Mapping) or not all(isinstance(key, str) for key in given):
        return False
    if nested:
        return all(_is_texts(one, nested=False, nullable=False) for one in given.values())
    return all(isinstance(one, str) or (nullable and one is None) for one in given.values())


def _short(given: object) -> str:
    text = repr(given)
    return text if len(text) < 80 else f"{text[:79]}…"
