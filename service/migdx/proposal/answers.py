"""Answers: a WorkbookMap with what a person says of one table of it; tables are counted from 0."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from ..workbook_map import SheetMap, Source, WorkbookMap


def placed(made: WorkbookMap, table: int, source: Source) -> WorkbookMap:
    """With this source for its component, in place of the one before; its texts stay decided."""

    def change(one: SheetMap) -> SheetMap:
        before = next((s for s in one.sources if s.component == source.component), None)
        texts = {**before.texts, **source.texts} if before else source.texts
        others = tuple(s for s in one.sources if s.component != source.component)
        return replace(one, sources=(*others, replace(source, texts=texts)))

    return _changed(made, table, change)


def unplaced(made: WorkbookMap, table: int, component: str) -> WorkbookMap:
    """Without a source for a component."""
    return _changed(
        made,
        table,
        lambda one: replace(one, sources=tuple(s for s in one.sources if s.component != component)),
    )


def named(made: WorkbookMap, table: int, component: str, texts: Mapping[str, str | None]) -> WorkbookMap:
    """With codes for texts of a component; None leaves out the rows, columns or sheets of a text."""
    return _changed(
        made,
        table,
        lambda one: replace(
            one,
            sources=tuple(
                replace(s, texts={**s.texts, **texts}) if s.component == component else s for s in one.sources
            ),
        ),
    )


def _changed(made: WorkbookMap, table: int, change: Callable[[SheetMap], SheetMap]) -> WorkbookMap:
    return replace(
        made, sheets=tuple(change(one) if at == table else one for at, one in enumerate(made.sheets))
    )
