"""Mirror: one movement between two areas as each reports it. Which series these are is data: pages.toml.

Only what `Exchange.data` gives is used: masked and embargoed values are not there to be shown or subtracted.
"""

from __future__ import annotations

import io
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import csv

from ..errors import NoResults
from ..exchange import Exchange
from ..public import Public
from ..query import DataQuery, parse_keys
from ..schema import CONFIDENTIALITY, FOOTNOTE, FREE, STATUS, Schema
from ..stores import OTHER
from ..structures import Dataflow, Item, Text
from ..turns import started
from ..urn import parse_short
from .coverage import start

Floats = npt.NDArray[np.float64]
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
        (dataset,) = exchange.data(query, public).datasets
    except NoResults:
        return found
    dimensions = [dimension.id for dimension in mirror.schema.series_dimensions]
    time = mirror.schema.key[-1]
    for row in pa.Table.from_batches(list(dataset.batches)).to_pylist():
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


# --- all pairs -----------------------------------------------------------------------------


def every(mirror: Mirror, exchange: Exchange, public: Public, heads: Sequence[str]) -> Iterator[bytes]:
    """What both sides say, of all pairs of areas, as CSV: the areas, what else tells the series apart, the
    period, both figures in units with their status, second minus first, second over first.

    `heads` are those of the two areas and of the two sides. A fault is raised here, not while walking.
    """
    first, second = (side.key.split(".") for side in mirror.sides)
    ids = [dimension.id for dimension in mirror.schema.series_dimensions]
    areas = {ids[first.index(area)]: ids[second.index(area)] for area in ("{a}", "{b}")}
    free = [id for id, one, other in zip(ids, first, second, strict=False) if not one and not other]
    time = mirror.schema.key[-1]
    flow, plans = mirror.dataflow, []
    for side in mirror.sides:
        keys = tuple(parse_keys(side.key.format(a="", b="")))
        query = DataQuery("dataflow", (flow.agency,), (flow.id,), (flow.version,), keys=keys)
        plans.append(exchange.planned(query))
    shown = exchange.shown(plans[0], query, public)
    on = areas | {id: id for id in (*free, time)}
    found = started(exchange.turns.over(exchange.store.paired(plans[0], plans[1], on, shown)))
    names = [*heads[:2], *free, time, heads[2], f"{heads[2]} {STATUS}", heads[3], f"{heads[3]} {STATUS}"]
    names += ["difference", "ratio"]
    return _lines(found or iter(()), names, [*areas, *free, time], mirror.schema.measures[0].id)


def _lines(
    batches: Iterator[pa.RecordBatch], names: Sequence[str], key: Sequence[str], measure: str
) -> Iterator[bytes]:
    plain = csv.WriteOptions(include_header=False)
    yield _written(pa.table({name: pa.array([], pa.utf8()) for name in names}), csv.WriteOptions())
    for batch in batches:
        sides = [_units(batch, before, measure) for before in ("", OTHER)]
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = sides[1] / sides[0]
        columns = [batch.column(id) for id in key]
        for before, figures in zip(("", OTHER), sides, strict=True):
            said = before + STATUS in batch.schema.names
            columns += [figures, batch.column(before + STATUS) if said else pa.nulls(len(figures), pa.utf8())]
        columns += [sides[1] - sides[0], pa.array(ratio, mask=sides[0] == 0)]
        plain_texts = (
            column.cast(pa.utf8()) if isinstance(column, pa.DictionaryArray) else column for column in columns
        )
        yield _written(pa.Table.from_arrays([*map(pa.array, plain_texts)], names=list(names)), plain)


def _units(batch: pa.RecordBatch, before: str, measure: str) -> Floats:
    """The figures of one side, times what they are multiplied with."""
    figures: Floats = np.asarray(batch.column(before + measure))
    if before + MULTIPLIER not in batch.schema.names:
        return figures
    said = [text or "0" for text in batch.column(before + MULTIPLIER).to_pylist()]
    times = [10.0 ** int(text) if text.lstrip("-").isdigit() else 1.0 for text in said]
    return figures * np.array(times, np.float64)


def _written(table: pa.Table, options: csv.WriteOptions) -> bytes:
    sink = io.BytesIO()
    csv.write_csv(table, sink, options)
    return sink.getvalue()
