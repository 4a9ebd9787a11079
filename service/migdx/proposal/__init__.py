"""Proposal: the WorkbookMap that a workbook seems to need for a dataflow, and what a person has to say.

Nothing that is doubtful is taken silently: it is in the map because a cell says so, because it was decided
before, or as an answer to a question that the proposal asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..formats.workbook_texts import without_footnotes
from ..grid import Grid
from ..registry import Registry
from ..schema import Schema
from ..workbook_map import OBSERVATION, Source, WorkbookMap
from .body import Body
from .labels import labelled
from .layout import Layout, laid_out, sheet_maps
from .matching import Codes
from .proposed import Decision, Proposal, Question
from .signs import sign_questions, signs
from .tables import find_tables

__all__ = ["Proposal", "looked_over", "propose"]


def propose(grid: Grid, schema: Schema, registry: Registry, kept: WorkbookMap | None = None) -> Proposal:
    """The map that a workbook seems to need, found anew.

    Texts, signs and flags of a `kept` one stay decided, and constants where the sheet does not say more.
    """
    codes = Codes.All(schema, registry, _decided(kept))
    known = [codes[dimension.id] for dimension in schema.series_dimensions if dimension.coded]
    tables = find_tables(grid, lambda text: any(one.is_id(text) for one in known))
    layouts = [laid_out(index, table, schema, codes) for index, table in enumerate(tables)]
    measure = schema.measures[0].id if schema.measures else OBSERVATION
    names = [sheet.name for sheet in grid.sheets]
    sheets = [(layout, one) for layout in layouts for one in sheet_maps(layout, names, measure)]
    made = WorkbookMap(
        schema.dataflow.reference.short,
        tuple(one for _, one in sheets),
        tuple(dict.fromkeys(mark for layout in layouts for mark in layout.marks)),
        footnotes=_has_marks(layouts),
        title=schema.dataflow.name(),
    )
    if kept:
        constants = {s.component: s.value for table in kept.sheets for s in table.sources if s.value}
        made = replace(
            made, signs=kept.signs, flags=kept.flags, footnotes=made.footnotes or kept.footnotes,
            sheets=tuple(
                replace(table, sources=(
                    *table.sources,
                    *(
                        Source(id, value=value)
                        for id, value in constants.items()
                        if id in schema.by_id and id not in {source.component for source in table.sources}
                    ),
                )) for table in made.sheets
            ),
        )  # fmt: skip
    questions = [question for layout in layouts for question in layout.questions]
    decisions = [decision for layout in layouts for decision in layout.decisions]
    if not tables:
        questions.append(Question("table", text="none"))
    return _answered(made, grid, schema, registry, codes, decisions, questions)


def looked_over(made: WorkbookMap, grid: Grid, schema: Schema, registry: Registry) -> Proposal:
    """A map as somebody has it, with what is open when it reads this workbook: texts, signs, components."""
    codes = Codes.All(schema, registry, _decided(made))
    return _answered(made, grid, schema, registry, codes, [], [])


def _answered(
    made: WorkbookMap,
    grid: Grid,
    schema: Schema,
    registry: Registry,
    codes: Codes.All,
    decisions: list[Decision],
    questions: list[Question],
) -> Proposal:
    found = labelled(made, grid, schema, codes, registry)
    labelled_map = replace(made, sheets=tuple(found.sheets))
    bodies = [Body.all(grid, table) for table in made.sheets]
    told, complete = signs(labelled_map, bodies, schema)
    texts = any(body.figures for each in bodies for body in each)
    return Proposal(
        complete,
        (*decisions, *found.decisions),
        tuple(found.labels),
        tuple(told),
        (*questions, *found.questions, *sign_questions(told, complete, made, texts)),
    )


def _decided(kept: WorkbookMap | None) -> Mapping[str, Mapping[str, str | None]]:
    """The texts that a map decides about, by component, whichever table they are of."""
    found: dict[str, dict[str, str | None]] = {}
    for table in kept.sheets if kept else ():
        for source in table.sources:
            found.setdefault(source.component, {}).update(source.texts)
    return found


def _has_marks(layouts: list[Layout]) -> bool:
    """Whether a label ends with the mark of a footnote."""
    return any(
        text != without_footnotes(text)
        for layout in layouts
        for source in layout.sources.values()
        for body in layout.bodies
        for text, _, _ in body.texts(source)
        if not source.value
    )
