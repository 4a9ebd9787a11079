"""Columns on their way from the process that reads to the service: an Arrow table and what is said with it.

The last columns of the table are the places and parts of its records; `said` names them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import pyarrow as pa

from ..columns import Columns, Indices, Part, Places, Sheet, Spot
from ..report import Finding, Place

_PIECE = 1 << 20
_NUMBERS = ("row", "column", "sheet", "part")


def packed(columns: Columns) -> tuple[pa.Table, dict[str, Any]]:
    """The table to send, and what to say with it (JSON-able)."""
    places = columns.places
    numbers = (places.rows, places.columns, places.sheet_of, columns.part_of)
    in_order = _without_gap(places.rows)
    more = {
        name: pa.array(values, pa.int64())
        for name, values in zip(_NUMBERS, numbers, strict=True)
        if values is not None and not (in_order and name == "row")
    }
    kept = [*columns.table.columns, *more.values(), *places.paths]
    names = [*columns.table.column_names, *more, *("path" for _ in places.paths)]
    said: dict[str, Any] = {
        "format": columns.format,
        "components": columns.table.num_columns,
        "numbers": list(more),
        "first_row": int(places.rows[0]) if in_order else None,
        "sheets": [asdict(sheet) for sheet in places.sheets],
        "parts": [asdict(part) for part in columns.parts],
        "file": places.file,
        "received": columns.received,
        "findings": [asdict(finding) for finding in columns.findings],
        "several": dict(columns.several),
        "decimal": columns.decimal,
    }
    return pa.Table.from_arrays(kept, names=names), said


def _without_gap(rows: Indices) -> bool:
    """Whether each row follows the one before; looked at piece by piece, for memory."""
    pieces = (rows[at : at + _PIECE + 1] for at in range(0, len(rows), _PIECE))
    return len(rows) > 0 and all(bool((piece[1:] - piece[:-1] == 1).all()) for piece in pieces)


def unpacked(table: pa.Table, said: Mapping[str, Any]) -> Columns:
    """Raises ValueError, KeyError or TypeError where the two do not fit."""
    own, names = int(said["components"]), [*said["numbers"]]
    numbers: dict[str, Indices] = {
        name: np.asarray(table.column(own + at).to_numpy(), np.int64) for at, name in enumerate(names)
    }
    if said["first_row"] is not None:  # rows without a gap
        numbers["row"] = np.arange(table.num_rows, dtype=np.int64) + int(said["first_row"])
    places = Places(
        numbers["row"],
        numbers.get("column"),
        tuple(
            Sheet(sheet["name"], {id: Spot(**spot) for id, spot in sheet["spots"].items()})
            for sheet in said["sheets"]
        ),
        numbers.get("sheet"),
        tuple(table.columns[own + len(names) :]),
        said["file"],
    )
    parts = tuple(Part(**{**part, "place": Place(**part["place"])}) for part in said["parts"])
    for name, most in (("sheet", len(places.sheets)), ("part", len(parts))):
        found = numbers.get(name)
        if found is not None and len(found) and not 0 <= found.min() <= found.max() < most:
            raise ValueError(f"A record names {name} {found.max()}, and there are {most}")
    return Columns(
        format=said["format"],
        table=table.select(range(own)),
        places=places,
        parts=parts,
        part_of=numbers.get("part"),
        received=said["received"],
        findings=tuple(finding_of(finding) for finding in said["findings"]),
        several={str(id): str(sign) for id, sign in said["several"].items()},
        decimal="," if said["decimal"] == "," else ".",
    )


def finding_of(said: Mapping[str, Any]) -> Finding:
    return Finding(**{**said, "places": tuple(Place(**place) for place in said["places"])})
