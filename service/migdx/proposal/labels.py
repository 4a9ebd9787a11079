"""Labels: every text that a WorkbookMap meets in a workbook, with its code, or the question which it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ..formats.workbook_texts import without_footnotes
from ..grid import Grid
from ..registry import Registry
from ..schema import FREQUENCY, Schema, SchemaComponent
from ..workbook_map import SheetMap, Source, WorkbookMap
from .body import Body, Told, distinct
from .matching import Codes, Meaning, aggregates
from .proposed import Decision, Label, Question
from .times import frequency_of, period_of

USUAL = ("_T", "_Z")
"""What a dimension is where a table does not tell it apart: total, else not applicable (SDMX guidelines for
code lists)."""

_ROWS_TRIED, _COLUMNS_TRIED = 400, 3
_CODES_OFFERED = 40

_SUGGESTED = 1000
"""Texts without a code that codes are offered for: a millisecond each."""


@dataclass
class Found:
    """What the labels of a map came to: its sheets with more texts, and what was seen on the way."""

    sheets: list[SheetMap] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)


def labelled(made: WorkbookMap, grid: Grid, schema: Schema, codes: Codes.All, registry: Registry) -> Found:
    """The map with a code for every text that has one beyond doubt; questions for the others."""
    found = Found()
    for index, table in enumerate(made.sheets):
        bodies = Body.all(grid, table)
        sources = [
            _labelled(index, source, bodies, schema, codes, registry, made, found) for source in table.sources
        ]
        sources = _frequencies(sources, schema)
        sources += _missing(index, table, schema, found)
        found.sheets.append(replace(table, sources=tuple(sources)))
    return found


def _labelled(
    index: int,
    source: Source,
    bodies: Sequence[Body],
    schema: Schema,
    codes: Codes.All,
    registry: Registry,
    made: WorkbookMap,
    found: Found,
) -> Source:
    component = schema.by_id.get(source.component)
    is_told = component is not None and (component.coded or component.role == "time")
    if component is None or source.value or not is_told or component.id == FREQUENCY:
        return source
    told = distinct(bodies, source, empty=component.role != "attribute")
    texts = dict(source.texts)
    wholes = aggregates(component, registry)
    sums = _sums(bodies, source) if component.coded else {}
    for each in told:
        text = without_footnotes(each.text) if made.footnotes else each.text
        meaning = _meaning(text, source, component, codes)
        if meaning and meaning.code != text:
            texts[text] = meaning.code
        label = _label(index, component, text, each, meaning)
        whole = wholes.get(label.code or "", "") or sums.get(each.text, "")
        label = replace(label, whole="" if label.left_out else whole)
        if meaning is None:
            few = len(found.questions) < _SUGGESTED
            near = codes[component.id].nearest(text) if component.coded and few else ()
            label = replace(label, nearest=near)
            found.questions.append(
                Question("label", index, component.id, text, each.count, each.place, offered=near)
            )
        found.labels.append(label)
    return replace(source, texts=texts)


def _frequencies(sources: list[Source], schema: Schema) -> list[Source]:
    """The same, with FREQ as long as the periods that stand in the same place."""
    time = next((s for s in sources if schema.time and s.component == schema.time.id), None)
    if time is None or time.value:
        return sources
    texts = {text: frequency_of(period) if period else None for text, period in time.texts.items()}
    return [
        replace(source, texts={**texts, **{t: c for t, c in source.texts.items() if t not in texts}})
        if source.component == FREQUENCY and not source.value and same_place(source, time)
        else source
        for source in sources
    ]


def same_place(one: Source, other: Source) -> bool:
    return (one.row, one.column, one.from_sheet) == (other.row, other.column, other.from_sheet)


def _meaning(text: str, source: Source, component: SchemaComponent, codes: Codes.All) -> Meaning | None:
    if not text and text not in source.texts:
        return None
    if text in source.texts:
        code = source.texts[text]
        item = component.code(code) if code else None
        return Meaning(code, item.name() if item else "", "kept")
    if component.role == "time":
        period = period_of(text)
        return Meaning(period, "", "period") if period else None
    return codes[component.id].meaning(text)


def _label(index: int, component: SchemaComponent, text: str, each: Told, meaning: Meaning | None) -> Label:
    if meaning is None:
        return Label(index, component.id, text, None, count=each.count, place=each.place)
    return Label(
        index, component.id, text, meaning.code, meaning.name, meaning.why, each.count, each.place,
        left_out=meaning.code is None,
    )  # fmt: skip


def _missing(index: int, table: SheetMap, schema: Schema, found: Found) -> Iterator[Source]:
    """Dimensions without a source: the usual code, to be confirmed, or a question."""
    there = {source.component for source in table.sources}
    for component in schema.dimensions:
        if component.id in there:
            continue
        usual = next((code for code in USUAL if code in component.valid), "")
        if len(component.valid) == 1:
            (usual,) = component.valid
            found.decisions.append(Decision(index, component.id, "only_code"))
        else:
            items = component.codelist.items if component.codelist else ()
            offered = tuple(
                Meaning(item.id, item.name()) for item in items if item.id in component.valid
            )[:_CODES_OFFERED]  # fmt: skip
            found.questions.append(
                Question("component", index, component.id, offered=offered, proposed=usual)
            )
            if usual:
                found.decisions.append(Decision(index, component.id, "usual", 0.5))
        if usual:
            yield Source(component.id, value=usual)


def _sums(bodies: Sequence[Body], source: Source) -> Mapping[str, str]:
    """The texts beside rows that are the sum of those below, with the rows."""
    if not bodies or not source.column or source.row:
        return {}
    body = bodies[0]
    rows = body.rows[:_ROWS_TRIED]
    columns = body.columns[:_COLUMNS_TRIED]
    values = np.array([[_number(body.sheet.text(row, column)) for column in columns] for row in rows])
    if len(rows) < 4 or not len(columns):
        return {}
    values = np.nan_to_num(values)
    totals = np.cumsum(values, axis=0)
    found = {}
    texts = {row: text for text, row, _ in body.texts(source)}
    for at in range(len(rows) - 2):
        below = totals[at + 1 :] - totals[at]
        same = np.flatnonzero((np.abs(below - values[at]) < 0.5).all(axis=1))
        if values[at].any() and len(same) and (end := int(same[0])) >= 1:
            found[texts.get(rows[at], "")] = f"rows {rows[at + 1]}–{rows[at + 1 + end]}"
    return found


def _number(text: str) -> float:
    try:
        return float(text.replace(",", "").replace(" ", ""))
    except ValueError:
        return np.nan
