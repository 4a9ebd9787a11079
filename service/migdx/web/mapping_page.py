"""Mapping page: the sheet as it was understood, the questions, and all that may be changed, as a form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from ..columns import column_letters
from ..grid import Grid, GridSheet
from ..mappings import Mapped
from ..proposal import Proposal
from ..proposal.proposed import Label, Question
from ..proposal.signs import written
from ..report import Place, Report, message, where
from ..schema import Schema, SchemaComponent
from ..sent import Sent
from ..structures import Dataflow
from ..workbook_map import SheetMap, Source, sheet_matches
from .findings import groups
from .frame import drawn as framed
from .frame import link, providers, served
from .mapping_forms import LEFT_OUT
from .wording import Words

_ROWS, _COLUMNS, _ABOVE = 12, 9, 10
"""How much of a table the picture shows: rows and columns of figures, rows above them."""

_LABELS = 3000
"""Labels of a component, decided or not, that may be changed in one page."""


def drawn_start(words: Words) -> str:
    """The page without a file."""
    return framed("mapping.html", words, form=_choices(words, "", ""), made=None)


def drawn(
    words: Words,
    grid: Grid,
    schema: Schema,
    proposal: Proposal,
    sent: Sent,
    carried: str,
    *,
    kept: Mapped | None,
    report: Report | None,
    needs_token: bool,
) -> str:
    """The page of one workbook and the map that there is for it now."""
    made = proposal.map
    tables = [
        {
            "index": at,
            "map": table,
            "pictures": [_picture(sheet, table) for sheet in _sheets(grid, table)[:1]],
            "sheets": [sheet.name for sheet in _sheets(grid, table)],
            "components": list(_components(at, table, schema, proposal, words)),
            "labels": list(_labels(at, proposal, schema, words)),
        }
        for at, table in enumerate(made.sheets)
    ]
    return framed(
        "mapping.html", words, form=_choices(words, sent.provider, sent.dataflow), made=made, tables=tables,
        map=orjson.dumps(made.as_dict()).decode(), carried=carried, file_name=sent.file_name,
        questions=[_question(one, at, words) for at, one in enumerate(proposal.questions)
                   if one.kind not in ("label", "sign", "flag", "component")],
        signs=[
            {
                "key": f"sign.{at}", "given": _triple("flag" if sign.is_flag else "sign", "", sign.text),
                "sign": sign, "place": _place(sign.place, words),
                "chosen": "" if sign.meaning is None else written(sign.meaning),
                "offered": [written(said) for said in sign.offered],
            }
            for at, sign in enumerate(proposal.signs)
        ],
        open=len(proposal.open), asked=len(proposal.questions), letters=column_letters,
        faults=[message(finding, words.languages) for finding in grid.findings],
        kept=kept, needs_token=needs_token, report=report,
        groups=groups(report, words) if report else (),
    )  # fmt: skip


def _choices(words: Words, provider: str, dataflow: str) -> dict[str, Any]:
    flows = served().registry.of(Dataflow)
    return {
        "action": link(words, "mappings.step"),
        "providers": providers(words),
        "dataflows": [(flow.reference.short, words.name(flow)) for flow in flows],
        "provider": provider,
        "dataflow": dataflow,
    }


# --- the picture --------------------------------------------------------------------------------------------


def _sheets(grid: Grid, table: SheetMap) -> list[GridSheet]:
    return [sheet for sheet in grid.sheets if sheet_matches(table.sheet, sheet.name)]


def _picture(sheet: GridSheet, table: SheetMap) -> dict[str, Any]:
    """The corner of a sheet around the first figures: rows with their cells, each a text and its role."""
    by_row = {s.row: s.component for s in table.sources if s.row and not s.column}
    by_column = {s.column: s.component for s in table.sources if s.column and not s.row}
    single = {(s.row, s.column) for s in table.sources if s.row and s.column}
    first = max(1, table.first_row - _ABOVE)
    rows = [row for row in range(first, min(table.first_row + _ROWS, sheet.height + 1)) if _says(sheet, row)]
    last = min(sheet.width, table.last_column or sheet.width, table.first_column + _COLUMNS - 1)
    columns = [column for column in range(1, last + 1) if column < table.first_column + _COLUMNS]
    columns = columns[:_COLUMNS] if table.first_column > _COLUMNS else columns

    def role(row: int, column: int) -> str:
        if (row, column) in single:
            return "cell"
        if row >= table.first_row and column >= table.first_column:
            within = (not table.last_row or row <= table.last_row) and (
                not table.last_column or column <= table.last_column
            )
            return "figure" if within else "beside"
        if row in by_row and column >= table.first_column:
            return "heading"
        return "label" if column in by_column and row >= table.first_row else "beside"

    lines = [
        (row, by_row.get(row, ""), [(_short(sheet.text(row, at)), role(row, at)) for at in columns])
        for row in rows
    ]
    named = [(column_letters(column), by_column.get(column, "")) for column in columns]
    return {"sheet": sheet.name, "columns": named, "lines": lines}


def _says(sheet: GridSheet, row: int) -> bool:
    return any(sheet.kinds[at][row - 1] for at in range(sheet.width))


def _short(text: str) -> str:
    return text if len(text) <= 26 else f"{text[:25]}…"


# --- what may be changed ------------------------------------------------------------------------------------


def _components(
    at: int, table: SheetMap, schema: Schema, proposal: Proposal, words: Words
) -> Iterator[dict[str, Any]]:
    """Dimensions and the attributes in use, each with where it stands and why."""
    sources = {source.component: source for source in table.sources}
    decisions = {one.component: one for one in proposal.decisions if one.table == at}
    asked = {one.component: one for one in proposal.questions if one.table == at and one.kind == "component"}
    for component in schema.components:
        if component.role == "measure" or (component.role == "attribute" and component.id not in sources):
            continue
        source = sources.get(component.id, Source(component.id))
        decision = decisions.get(component.id)
        question = asked.get(component.id)
        yield {
            "id": component.id,
            "name": words.text(component.names),
            "source": source,
            "place": source.stands,
            "reason": decision.reason if decision else "",
            "matched": decision.matched if decision else 0,
            "total": decision.total if decision else 0,
            "unsure": bool(decision and decision.confidence < 1),
            "open": bool(question and question.is_open),
            "codes": _codes(component, words),
        }


def _codes(component: SchemaComponent, words: Words) -> list[tuple[str, str]]:
    """The codes that may be sent, with their names: for the list beside a field."""
    items = component.codelist.items if component.codelist else ()
    valid = [item for item in items if item.id in component.valid]
    return [(item.id, words.name(item)) for item in valid] if len(valid) <= 60 else []


def _labels(at: int, proposal: Proposal, schema: Schema, words: Words) -> Iterator[dict[str, Any]]:
    """Labels by component: the undecided, the totals, and the decided ones."""
    keyed = [(n, label) for n, label in enumerate(proposal.labels) if label.table == at]
    for id in dict.fromkeys(label.component for _, label in keyed):
        own = [(n, label) for n, label in keyed if label.component == id]
        undecided = [_label(n, one, words) for n, one in own if one.code is None and not one.left_out]
        wholes = [_label(n, one, words) for n, one in own if one.whole and one.code]
        decided = [_label(n, one, words) for n, one in own if (one.code or one.left_out) and not one.whole]
        yield {
            "component": id,
            "name": words.text(schema.by_id[id].names),
            "undecided": undecided[:_LABELS],
            "open": len(undecided),
            "wholes": wholes,
            "decided": decided[:_LABELS],
        }


def _label(number: int, label: Label, words: Words) -> dict[str, Any]:
    return {
        "key": f"label.{number}",
        "given": _triple(str(label.table), label.component, label.text),
        "label": label,
        "place": _place(label.place, words),
        "code": LEFT_OUT if label.left_out else label.code or "",
    }


def _question(one: Question, at: int, words: Words) -> dict[str, Any]:
    field = f"position.{one.table}.{one.where}" if one.where else ""
    return {"question": one, "field": field, "place": _place(one.place, words), "number": at}


def _place(place: Place, words: Words) -> str:
    return where(place, words.languages)


def _triple(first: str, second: str, third: str) -> str:
    return orjson.dumps([first, second, third]).decode()
