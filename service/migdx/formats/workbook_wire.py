"""A Grid on its way from the process that reads to the service: its cells, one after another, with kinds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pyarrow as pa

from ..grid import Grid, GridSheet
from .wire import finding_of

MOST_CELLS = 4_000_000
"""Cells of a Grid that are sent; rows that come after them are left out, and counted."""


def packed(grid: Grid, most: int = MOST_CELLS) -> tuple[pa.Table, dict[str, Any]]:
    """The table to send, a column of texts and one of kinds, and what to say with it (JSON-able)."""
    sheets = []
    for sheet in grid.sheets:
        height = min(sheet.height, most // max(1, sheet.width))
        most -= height * sheet.width
        sheets.append(_cut(sheet, height))
    texts = [column for sheet in sheets for column in sheet.cells]
    kinds = [pa.array(column) for sheet in sheets for column in sheet.kinds]
    table = pa.table(
        {"text": pa.chunked_array(texts, pa.utf8()), "kind": pa.chunked_array(kinds, pa.uint8())}
    )
    said = {
        "format": grid.format,
        "map": grid.map,
        "findings": [asdict(finding) for finding in grid.findings],
        "sheets": [
            {name: value for name, value in vars(sheet).items() if name not in ("cells", "kinds")}
            for sheet in sheets
        ],
    }
    return table, said


def _cut(sheet: GridSheet, height: int) -> GridSheet:
    if height == sheet.height:
        return sheet
    return replace(
        sheet,
        height=height,
        left_out=sheet.height - height,
        cells=tuple(column.slice(0, height) for column in sheet.cells),
        kinds=tuple(column[:height] for column in sheet.kinds),
    )


def grid_of(table: pa.Table, said: Mapping[str, Any]) -> Grid:
    """Raises ValueError, KeyError or TypeError where the two do not fit."""
    texts = table.column("text").combine_chunks()
    kinds = np.asarray(table.column("kind").to_numpy(), np.uint8)
    sheets, at = [], 0
    for one in said["sheets"]:
        height, width = int(one["height"]), int(one["width"])
        starts = range(at, at + height * width, height) if height else [at] * width
        at += height * width
        lists = {name: tuple(one[name]) for name in ("hidden_rows", "hidden_columns")}
        merged = tuple(tuple(limits) for limits in one["merged"])
        cells = tuple(texts.slice(start, height) for start in starts)
        own = {
            **one,
            **lists,
            "merged": merged,
            "kinds": tuple(kinds[start : start + height] for start in starts),
        }
        sheets.append(GridSheet(cells=cells, **own))
    if at != len(texts):
        raise ValueError(f"{len(texts)} cells were sent, and the sheets have {at}")
    findings = tuple(finding_of(finding) for finding in said["findings"])
    return Grid(said["format"], tuple(sheets), findings, said["map"])
