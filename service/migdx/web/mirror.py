"""Mirror: one movement between two areas as each reports it. Which series these are is data: pages.toml.

Only what `Exchange.data` gives is used: masked and embargoed values are not there to be shown or subtracted.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from ..errors import NoResults
from ..exchange import Exchange
from ..public import Public
from ..query import DataQuery, parse_keys
from ..schema import CONFIDENTIALITY, FOOTNOTE, FREE, STATUS, Schema
from ..structures import Dataflow, Item, Text
from ..urn import parse_short
from .coverage import start

NORMAL = "A"
COMMENT, UNIT, MULTIPLIER = "COMMENT_OBS", "UNIT_MEASURE", "UNIT_MULT"


@dataclass(frozen=True)
class Side:
    """One of the two series: `key` with {a} and {b} for the areas, `by` which of them reports it."""

    key: str
    by: str
    head: Text
    label: Text
    short: Text


@dataclass(frozen=True)
class Mirror:
    """What pages.toml says of the pair of series, bound to the dataflow that it names."""

    dataflow: Dataflow
    schema: Schema
    pair: tuple[str, str]
    sides: tuple[Side, Side]
    texts: Mapping[str, Text]

    @property
    def reporter(self) -> str:
        """The dimension that holds the area that reports."""
        side = self.sides[0]
        return self.schema.series_dimensions[side.key.split(".").index("{" + side.by + "}")].id

    @property
    def partner(self) -> str:
        """The dimension that holds the other area."""
        side = self.sides[0]
        other = "a" if side.by == "b" else "b"
        return self.schema.series_dimensions[side.key.split(".").index("{" + other + "}")].id

    def areas(self) -> Mapping[str, Item]:
        codelist = self.schema.by_id[self.reporter].codelist
        return codelist.by_id if codelist else {}


@cache
def settings(folders: tuple[Path, ...]) -> Mapping[str, Any]:
    """pages.toml as it stands in one of the folders of structures; empty when there is none."""
    for folder in folders:
        for path in sorted(folder.glob("*/pages.toml")):
            return tomllib.loads(path.read_text(encoding="utf-8"))
    return {}


def mirror(said: Mapping[str, Any], exchange: Exchange) -> Mirror | None:
    """None when pages.toml asks for no such view, or names a dataflow that is not there."""
    told = said.get("mirror")
    dataflow = exchange.registry.find(parse_short(told["dataflow"], Dataflow.kind)) if told else None
    if not told or not isinstance(dataflow, Dataflow):
        return None
    first, second = (Side(**side) for side in told["sides"])
    texts = {name: text for name, text in told.items() if isinstance(text, dict)}
    a, b = told["pair"]
    return Mirror(dataflow, exchange.registry.schema(dataflow.reference), (a, b), (first, second), texts)


# --- the two series ----------------------------------------------------------------------


@dataclass(frozen=True)
class Cell:
    """One figure. `value` is None where there is none, or it is masked; `flags` are codes of OBS_STATUS."""

    value: float | None = None
    flags: tuple[str, ...] = ()
    masked: bool = False
    comment: str = ""
    unit: str = ""


@dataclass(frozen=True)
class Row:
    """A period as both sides report it; None where a side reports nothing. Second against first."""

    period: str
    cells: tuple[Cell | None, Cell | None]

    @property
    def difference(self) -> float | None:
        first, second = self._values()
        return None if first is None or second is None else second - first

    @property
    def ratio(self) -> float | None:
        first, second = self._values()
        return None if not first or second is None else second / first

    def _values(self) -> tuple[float | None, float | None]:
        first, second = self.cells
        return first.value if first else None, second.value if second else None


@dataclass(frozen=True)
class View:
    """A pair of areas, its keys and its rows."""

    mirror: Mirror
    a: str
    b: str
    keys: tuple[str, str]
    rows: tuple[Row, ...]

    def cells(self, side: int) -> list[Cell]:
        return [cell for row in self.rows if (cell := row.cells[side]) is not None]

    def _all(self) -> Iterator[Cell]:
        yield from self.cells(0)
        yield from self.cells(1)

    @property
    def flags(self) -> list[str]:
        """The codes of OBS_STATUS that stand beside a figure, each once."""
        return sorted({flag for cell in self._all() for flag in cell.flags})

    @property
    def has_masked(self) -> bool:
        return any(cell.masked for cell in self._all())

    @property
    def has_gaps(self) -> bool:
        return any(
            cell is None or (cell.value is None and not cell.masked)
            for row in self.rows
            for cell in row.cells
        )

    def comments(self, side: int) -> list[str]:
        return list(dict.fromkeys(cell.comment for cell in self.cells(side) if cell.comment))

    @property
    def units(self) -> list[str]:
        return list(dict.fromkeys(cell.unit for cell in self._all() if cell.unit))


def view(mirror: Mirror, exchange: Exchange, a: str, b: str, public: Public) -> View:
    """The movement from `a` to `b`. Codes that no list has find nothing."""
    first, second = (side.key.format(a=a, b=b) for side in mirror.sides)
    found = _series(mirror, exchange, (first, second), public)
    periods = sorted({*found[first], *found[second]}, key=start)
    rows = tuple(Row(period, (found[first].get(period), found[second].get(period))) for period in periods)
    return View(mirror, a, b, (first, second), rows)


def _series(
    mirror: Mirror, exchange: Exchange, keys: Sequence[str], public: Public
) -> dict[str, dict[str, Cell]]:
    """Per key its cells by period; one query for both."""
    flow = mirror.dataflow
    asked = tuple(positions for key in keys for positions in parse_keys(key))
    query = DataQuery("dataflow", (flow.agency,), (flow.id,), (flow.version,), keys=asked)
    found: dict[str, dict[str, Cell]] = {key: {} for key in keys}
    try:
        batches = exchange.data(query, public).batches
    except NoResults:
        return found
    dimensions = [dimension.id for dimension in mirror.schema.series_dimensions]
    time = mirror.schema.key[-1]
    for row in pa.Table.from_batches(list(batches)).to_pylist():
        key = ".".join(row[dimension] for dimension in dimensions)
        if key in found:
            found[key][row[time]] = _cell(row, mirror.schema)
    return found


def _cell(row: Mapping[str, Any], schema: Schema) -> Cell:
    masked = row.get(CONFIDENTIALITY) not in (None, "", FREE)
    value = None if masked else row.get(schema.measures[0].id)
    multiplier = row.get(MULTIPLIER) or "0"
    if value is not None and multiplier.lstrip("-").isdigit():
        value *= 10 ** int(multiplier)
    flags = (
        () if masked else tuple(flag for id in _statuses(schema) if (flag := row.get(id)) and flag != NORMAL)
    )
    notes = () if masked else filter(None, (row.get(COMMENT), row.get(FOOTNOTE)))
    return Cell(value, flags, masked, "; ".join(notes), row.get(UNIT) or "")


def _statuses(schema: Schema) -> list[str]:
    """OBS_STATUS and those for further flags beside it."""
    return [attribute.id for attribute in schema.attributes if attribute.id.startswith(STATUS)]
