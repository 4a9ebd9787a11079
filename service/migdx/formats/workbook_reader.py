"""Workbooks, and texts laid out like a sheet, as columns: by a map, or as a plain list.

A map is carried in the file, as a template carries one, or given with it: that of a provider is given with
whatever they send, so that a list of component ids, which it does not fit, is read as the list that it is.
Without a map a sheet has to name the components in a heading row. What is none of these is told, and nothing
is guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, BinaryIO

import orjson

from ..columns import Columns, nothing
from ..errors import SyntaxFault
from ..report import Finding
from ..workbook_map import WorkbookMap
from . import workbook_grid, workbook_list, workbook_tables


def read(file: BinaryIO, job: Mapping[str, Any]) -> Columns:
    """What the tables of `file` say; `job["map"]` is a WorkbookMap as JSON, or empty."""
    grid = workbook_grid.grid(file, job)
    if not grid.sheets:
        findings = grid.findings or (Finding("unreadable", values={"reason": "no sheets"}),)
        return nothing(grid.format, *findings)
    try:
        given = orjson.loads(grid.map) if grid.map else job.get("map")
        map = WorkbookMap.from_dict(given) if given else None
    except (orjson.JSONDecodeError, SyntaxFault) as fault:
        return nothing(grid.format, *grid.findings, Finding("wrong_map", values={"fault": str(fault)}))
    if map and (grid.map or workbook_tables.fits(grid, map)):
        return workbook_tables.read(grid, map, carried=bool(grid.map))
    columns = workbook_list.read(grid)
    if columns or not map:
        return columns or nothing(grid.format, *grid.findings, workbook_tables.layout_unknown(grid))
    return workbook_tables.read(grid, map)
