"""Mapping forms: a WorkbookMap as fields of a form, and the map that a form sent back says.

The whole map travels in one hidden field; other fields change it, so that a field that a browser left out
changes nothing. The workbook travels in the form, too (see `carried`): nothing is kept between two steps.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from io import BytesIO

import orjson

from ..errors import SyntaxFault
from ..proposal.answers import named, placed, unplaced
from ..proposal.labels import same_place
from ..workbook_map import SheetMap, Source, WorkbookMap

CARRIED = 4 << 20
"""Bytes, compressed, of a workbook that a page carries; a larger one has to be chosen again at each step."""

_UNPACKED = 64 << 20

PLACES = ("value", "column", "row", "cell", "sheet", "")
"""Where a component may stand, as Source.stands says it; here "" is nowhere."""

LEFT_OUT = "-"
"""What stands in the field of a label whose rows, columns or sheets are left out."""

Fields = Mapping[str, str]


def carried(file: BytesIO) -> str:
    """The bytes of a workbook as a field of the page; "" when they are too many."""
    packed = zlib.compress(file.getvalue(), 6)
    return base64.b64encode(packed).decode() if len(packed) <= CARRIED else ""


def unpacked(field: str) -> BytesIO:
    """The workbook that a page carried."""
    try:
        packed = base64.b64decode(field, validate=True)
        stream = zlib.decompressobj()
        body = stream.decompress(packed, _UNPACKED)
    except (binascii.Error, zlib.error, ValueError):
        raise SyntaxFault("The file that the page carried is damaged; choose it again") from None
    if stream.unconsumed_tail or not stream.eof:
        raise SyntaxFault("The file that the page carried is damaged or too large; choose it again")
    return BytesIO(body)


# --- back ---------------------------------------------------------------------------------------------------


def answered(fields: Fields) -> WorkbookMap:
    """The map of a form with the answers in its other fields. SyntaxFault names the field that is wrong."""
    try:
        made = WorkbookMap.from_dict(orjson.loads(fields.get("map", "{}")))
    except orjson.JSONDecodeError:
        raise SyntaxFault("map: the field is not JSON") from None
    made = replace(
        made,
        sheets=tuple(_rectangle(fields, at, table) for at, table in enumerate(made.sheets)),
        footnotes=made.footnotes if "footnotes" not in fields else fields["footnotes"] == "true",
        decimal=fields.get("decimal", made.decimal) or ".",
        group=fields.get("group", made.group),
    )
    for at in range(len(made.sheets)):
        made = _components(fields, at, made)
        made = _positions(fields, at, made)
    made = _signs(fields, _labels(fields, made))
    dropped = {at for at in range(len(made.sheets)) if fields.get(f"drop.{at}")}
    gone = tuple(table.sheet for at, table in enumerate(made.sheets) if at in dropped)
    made = replace(
        made,
        sheets=tuple(table for at, table in enumerate(made.sheets) if at not in dropped),
        marks=tuple(mark for mark in made.marks if mark.sheet not in gone),
        ignored=tuple(dict.fromkeys((*made.ignored, *gone))),
    )
    return WorkbookMap.from_dict(made.as_dict())  # what the fields said is looked at as a sent map is


def _rectangle(fields: Fields, at: int, table: SheetMap) -> SheetMap:
    return replace(
        table,
        sheet=fields.get(f"sheet.{at}", table.sheet),
        first_row=_number(fields, f"first_row.{at}", table.first_row),
        last_row=_number(fields, f"last_row.{at}", table.last_row),
        first_column=_column(fields, f"first_column.{at}", table.first_column),
        last_column=_column(fields, f"last_column.{at}", table.last_column),
    )


def _components(fields: Fields, at: int, made: WorkbookMap) -> WorkbookMap:
    for name in fields:
        start, _, component = name.partition(f".{at}.")
        if start != "place" or not component:
            continue
        source = _source(fields, at, component)
        made = placed(made, at, source) if source else unplaced(made, at, component)
    return made


def _source(fields: Fields, at: int, component: str) -> Source | None:
    """What the fields of one component say; None for nowhere."""

    def given(name: str) -> str:
        return f"{name}.{at}.{component}"

    place = fields[given("place")]
    if place not in PLACES:
        raise SyntaxFault(f"{given('place')}: '{place}' is none of {', '.join(filter(None, PLACES))}")
    value = fields.get(given("value"), "").strip()
    if place == "value":
        return Source(component, value=value) if value else None
    row, column = _number(fields, given("row"), 0), _column(fields, given("column"), 0)
    source = _standing(component, place, row, column)
    return source and replace(
        source,
        pattern=fields.get(given("pattern"), ""),
        fill=bool(fields.get(given("fill"))) and place != "sheet",
    )


def _standing(component: str, place: str, row: int, column: int) -> Source | None:
    """A source at one of PLACES; None where the row or the column for it is missing."""
    source = Source(
        component,
        row=row if place in ("row", "cell") else 0,
        column=column if place in ("column", "cell") else 0,
        from_sheet=place == "sheet",
    )
    return source if place and source.stands == place else None


def _positions(fields: Fields, at: int, made: WorkbookMap) -> WorkbookMap:
    """Rows, columns and sheet names that a person says are a component."""
    for name, component in fields.items():
        start, _, where = name.partition(f".{at}.")
        if start != "position" or not component:
            continue
        place, _, text = where.partition(".")
        number = int(text) if text.isdecimal() and len(text) < 9 else 0
        source = _standing(component, place, number, number) if place != "cell" else None
        if source is None:
            raise SyntaxFault(f"{name}: expected row.NUMBER, column.NUMBER or sheet.0")
        source = replace(source, fill=place == "row")
        for other in made.sheets[at].sources:
            if same_place(other, source) and not other.value and other.component != component:
                made = unplaced(made, at, other.component)
        made = placed(made, at, source)
    return made


def _labels(fields: Fields, made: WorkbookMap) -> WorkbookMap:
    """Codes of labels: what is written beside comes before what is chosen."""
    said: dict[tuple[int, str], dict[str, str | None]] = {}
    for key, table, component, text in _listed(fields, "label"):
        code = fields.get(f"other.{key}", "").strip() or fields.get(f"code.{key}", "")
        if code:
            said.setdefault((int(table), component), {})[text] = None if code == LEFT_OUT else code
    for number, whole, text in _wholes(fields):
        said.setdefault((number, whole), {})[text] = None
    for (at, named_component), texts in said.items():
        made = named(made, at, named_component, texts)
    return made


def _wholes(fields: Fields) -> Iterator[tuple[int, str, str]]:
    """The labels of totals, where all of a component's are left out."""
    for key, table, component, text in _listed(fields, "label"):
        if fields.get(f"whole.{key}") and fields.get(f"leave_wholes.{table}.{component}"):
            yield int(table), component, text


def _signs(fields: Fields, made: WorkbookMap) -> WorkbookMap:
    """Meanings of signs and flags, written COMPONENT=CODE, COMPONENT=CODE."""
    signs, flags = dict(made.signs), dict(made.flags)
    for key, kind, _, text in _listed(fields, "sign"):
        written = fields.get(f"other.{key}", "").strip() or fields.get(f"code.{key}", "")
        if written:
            (flags if kind == "flag" else signs)[text] = _meaning(written)
    return replace(made, signs=signs, flags=flags)


def _meaning(written: str) -> dict[str, str]:
    if written == "footnote":
        return {}
    pairs = [part.partition("=") for part in written.split(",")]
    if not all(name.strip() and code.strip() for name, _, code in pairs):
        raise SyntaxFault(f"'{written}' says nothing of a sign; expected COMPONENT=CODE, COMPONENT=CODE")
    return {name.strip(): code.strip() for name, _, code in pairs}


def _listed(fields: Fields, kind: str) -> Iterator[tuple[str, str, str, str]]:
    """Key, and what a hidden field says: three texts as a JSON list."""
    for key, value in fields.items():
        if key.startswith(f"{kind}."):
            try:
                first, second, third = orjson.loads(value)
                yield key, str(first), str(second), str(third)
            except (TypeError, ValueError):
                raise SyntaxFault(f"{key}: the field is not a JSON list of three") from None


def _number(fields: Fields, name: str, missing: int) -> int:
    text = fields.get(name, str(missing)).strip() or "0"
    if not text.isdecimal() or len(text) > 8:
        raise SyntaxFault(f"{name}: '{text}' is no number of a row")
    return int(text)


def _column(fields: Fields, name: str, missing: int) -> int:
    """A column by its letters or its number."""
    text = (fields.get(name, str(missing)).strip() or "0").upper()
    if text.isdecimal() and len(text) < 8:
        return int(text)
    if not (text.isascii() and text.isalpha() and len(text) <= 4):
        raise SyntaxFault(f"{name}: '{text}' is no column; expected letters as in B, or a number")
    number = 0
    for letter in text:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number
