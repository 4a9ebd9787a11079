"""What holds of whatever a reader hands over, of whatever bytes: tests and the fuzzer ask for the same."""

from __future__ import annotations

import re

import pyarrow as pa

from migdx.columns import Columns
from migdx.formats.wire import packed, unpacked
from migdx.report import Finding, as_dict, shortened

OURS = ("fault of the reader", "malformed answer", "stopped")
"""Reasons that are ours, not the sender's."""

_HOLE = re.compile(r"\{\w*\}")


def errors(columns: Columns) -> list[Finding]:
    return [finding for finding in columns.findings if finding.severity == "error"]


def holds(columns: Columns) -> None:
    """Raises AssertionError where what was read contradicts itself, or cannot be told."""
    rows = columns.table.num_rows
    assert rows <= columns.received or not rows, (rows, columns.received)
    if columns.table.num_columns:
        assert len(columns.places) == rows
    assert rows or columns.findings, "nothing was read, and nothing is said"
    for name, column in zip(columns.table.column_names, columns.table.columns, strict=True):
        assert pa.types.is_dictionary(column.type) or pa.types.is_string(column.type), (name, column.type)
    columns.table.validate(full=True)
    if columns.part_of is not None and len(columns.part_of):
        assert 0 <= columns.part_of.min() <= columns.part_of.max() < len(columns.parts)
    for record in {0, rows // 2, rows - 1} if rows else ():
        for component in columns.table.column_names[:3]:
            place = columns.places.of(record, component)
            assert place.row >= 0
            assert place.column >= 0
    table, said = packed(columns)
    again = unpacked(table, said)
    assert again.table.equals(columns.table)
    for finding in map(shortened, columns.findings):
        assert finding.values.get("reason") not in OURS, finding
        for language in ("en", "fr"):
            message = as_dict(finding, (language,))["message"]
            given = str(finding.values.get("given", ""))
            assert not _HOLE.search(message.replace(given, "")), message
