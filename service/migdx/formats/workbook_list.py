"""A plain list in a workbook: a row of component ids, as in SDMX-CSV, over one row for each record."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..columns import Columns, Indices, Part, Sheet, Spot
from ..grid import Grid, GridSheet, Kind
from ..report import Finding, Place
from ..workbook_map import OBSERVATION
from .csv_column import without_labels
from .csv_header import unnamed_column
from .numbered import Codes
from .parts import MOST, Parts, Terms
from .workbook_records import Gathering, Table, places, sheets_not_read

_LOOKED_AT = 50
_TERMS = ("STRUCTURE", "STRUCTURE_ID", "STRUCTURE_NAME", "ACTION")
_ID = re.compile(r"([A-Za-z_@$][A-Za-z0-9_@$-]*)(?:\[.*\])?(: .*)?", re.DOTALL)


@dataclass(frozen=True)
class _Heading:
    """The row of the headings, and by column, from 0, the component or the term; `labelled`: "ID: Name"."""

    row: int
    components: dict[int, str]
    terms: dict[str, int]
    labelled: frozenset[int]
    findings: tuple[Finding, ...]


def read(grid: Grid) -> Columns | None:
    """All sheets that are lists; None where there is none."""
    lists = [(sheet, heading) for sheet in grid.sheets if (heading := _heading(sheet))]
    if not lists:
        return None
    gathering, parts = Gathering(grid), Parts()
    for sheet, heading in lists:
        gathering.findings += heading.findings
        _list(gathering, sheet, heading, parts)
    known = {sheet.name for sheet, _ in lists}
    left = [s.name for s in grid.sheets if s.name not in known and any(column.any() for column in s.kinds)]
    findings = sheets_not_read(left)
    if not gathering.received:
        sheet, heading = lists[0]
        findings.append(Finding("no_rows", places=(sheet.place(heading.row, 1),)))
    return gathering.done(parts.all or (Part(),), findings)


def _heading(sheet: GridSheet) -> _Heading | None:
    """The first row that names OBS_VALUE, or begins as a header of SDMX-CSV does."""
    for row in range(1, min(sheet.height, _LOOKED_AT) + 1):
        texts = [sheet.text(row, column).strip() for column in range(1, sheet.width + 1)]
        ids = [match[1] if (match := _ID.fullmatch(text)) else "" for text in texts]
        if OBSERVATION in ids or "STRUCTURE_ID" in ids or ids[:1] == ["DATAFLOW"]:
            return _named(sheet, row, texts, ids)
    return None


def _named(sheet: GridSheet, row: int, texts: list[str], ids: list[str]) -> _Heading:
    reserved = _TERMS if "STRUCTURE_ID" in ids else ("DATAFLOW", "ACTION")
    components: dict[int, str] = {}
    terms: dict[str, int] = {}
    findings = []
    for at, (text, id) in enumerate(zip(texts, ids, strict=True)):
        name = id or text
        if name in terms or name in components.values():
            findings.append(
                Finding("duplicate_column", component=name, places=(sheet.place(row, at + 1, text),))
            )
        elif name in reserved:
            terms[name] = at
        elif name:
            components[at] = name
        elif sheet.kinds[at][row:].any():
            fault = unnamed_column(sheet.place(row, at + 1))
            findings.append(replace(fault, severity="warning", blocking=False))
    labelled = frozenset(at for at, text in enumerate(texts) if ": " in text)
    return _Heading(row, components, terms, labelled, tuple(findings))


def _list(gathering: Gathering, sheet: GridSheet, heading: _Heading, parts: Parts) -> None:
    """A record is a row below the headings in which a column with a heading says something."""
    used = [*heading.terms.values(), *heading.components]
    kinds = [sheet.kinds[at][heading.row :] for at in used]
    says = np.zeros(sheet.height - heading.row, bool)
    bad = np.zeros(len(says), bool)
    for at, own in zip(used, kinds, strict=True):
        says |= own != Kind.EMPTY
        failed = np.flatnonzero((own == Kind.ERROR) | (own == Kind.FORMULA))
        if len(failed):
            gathering.failed(sheet, failed + heading.row + 1, np.full(len(failed), at + 1))
            bad[failed] = True
    gathering.received += int(np.count_nonzero(says))
    rows = np.flatnonzero(says & ~bad)
    of_rows = _parts(sheet, heading, rows, parts)
    if (of_rows < 0).any():
        gathering.findings.append(_too_many_parts(sheet, heading, rows, of_rows))
        rows, of_rows = rows[of_rows >= 0], of_rows[of_rows >= 0]
    codes: dict[str, Codes] = {}
    texts: pa.Array | None = None
    for at, id in heading.components.items():
        column = sheet.cells[at].slice(heading.row).take(pa.array(rows))
        if id == OBSERVATION:
            texts = column
            continue
        encoded = pc.dictionary_encode(pc.fill_null(column, ""))
        distinct = without_labels(encoded.dictionary, "") if at in heading.labelled else encoded.dictionary
        codes[id] = gathering.components[id].codes(distinct.to_pylist())[np.asarray(encoded.indices)]
    spots = {id: Spot(column=at + 1) for at, id in heading.components.items()}
    spots |= {term: Spot(column=at + 1) for term, at in heading.terms.items()}
    rows = rows + heading.row + 1
    unseen = np.array([at + 1 for at in used if at + 1 in sheet.hidden_columns], np.int64)
    if len(unseen) and sheet.visible:
        gathering.hidden.add(places(sheet, np.full(len(unseen), heading.row), unseen), len(rows))
    else:
        gathering.see(sheet, rows, np.zeros(len(rows), np.int64))
    gathering.tables.append(
        Table(sheet, Sheet(sheet.name, spots), rows, None, OBSERVATION, texts, codes, of_rows)
    )


def _parts(sheet: GridSheet, heading: _Heading, rows: Indices, parts: Parts) -> Indices:
    """The part of each row; -1 beyond the limit."""
    terms = {term: at for term, at in heading.terms.items() if term != "STRUCTURE_NAME"}
    if not {"DATAFLOW", "STRUCTURE_ID"} & set(terms):
        return np.full(len(rows), parts.number(Part(place=Place(sheet=sheet.name))))
    if not len(rows):
        return np.zeros(0, np.int64)
    columns = [
        pc.dictionary_encode(pc.fill_null(sheet.cells[at].slice(heading.row).take(pa.array(rows)), ""))
        for at in terms.values()
    ]
    return Terms(terms, parts, sheet.name).numbers(columns, rows + heading.row + 1)


def _too_many_parts(sheet: GridSheet, heading: _Heading, rows: Indices, of_rows: Indices) -> Finding:
    first = int(rows[np.flatnonzero(of_rows < 0)[0]]) + heading.row + 1
    place = Place(row=first, sheet=sheet.name)
    return Finding("too_many_parts", places=(place,), values={"limit": MOST})
