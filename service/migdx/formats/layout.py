"""Layout: at which level of a message each component stands, and where series and data sets begin.

An attribute of a data set, group or series has one value there, that of the first row. Where the value for
the data set changes from one row to the next, as it may between two providers, another data set begins.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ..plan import DataSet
from ..schema import Schema, SchemaComponent
from .fragments import Part, Rows, changes_of, rows_of

ALL_DIMENSIONS = "AllDimensions"


@dataclass(frozen=True)
class Layout:
    """`series_key` is empty in a flat message; `observation_key` holds the other dimensions: one, or all.

    `keys`: the keys of observations are what is told, as in a Delete.
    """

    observation: str
    series_key: tuple[SchemaComponent, ...]
    observation_key: tuple[SchemaComponent, ...]
    measures: tuple[SchemaComponent, ...]
    dataset_attributes: tuple[SchemaComponent, ...]
    series_attributes: tuple[SchemaComponent, ...]
    observation_attributes: tuple[SchemaComponent, ...]
    keys: bool = False

    @property
    def flat(self) -> bool:
        return not self.series_key

    @property
    def components(self) -> tuple[SchemaComponent, ...]:
        """Those below the key."""
        return (
            *self.measures, *self.dataset_attributes, *self.series_attributes, *self.observation_attributes
        )  # fmt: skip

    @property
    def series_only(self) -> bool:
        """Nothing of an observation was asked for: detail=serieskeysonly and nodata."""
        return not (self.flat or self.keys or self.measures or self.observation_attributes)


def layout_of(dataset: DataSet, dimension_at_observation: str) -> Layout:
    """How a data set is laid out, of the components that it carries."""
    found = layout(dataset.schema, dimension_at_observation, (*dataset.measures, *dataset.attributes))
    return replace(found, keys=dataset.action == "Delete")


def layout(schema: Schema, dimension_at_observation: str, ids: Sequence[str] | None = None) -> Layout:
    """The levels of `ids` (default: every measure and attribute) with this dimension at observation level."""
    flat = dimension_at_observation not in schema.key or len(schema.key) == 1
    observation = ALL_DIMENSIONS if flat else dimension_at_observation
    series_key = () if flat else tuple(d for d in schema.dimensions if d.id != observation)
    wanted = {component.id for component in schema.components} if ids is None else set(ids)
    attributes = tuple(a for a in schema.attributes if a.id in wanted)
    above = {d.id for d in series_key}
    at_series = [
        a.id
        for a in attributes
        if a.attached in ("dimensions", "group") and set(dimensions_of(schema, a)) <= above and not flat
    ]
    return Layout(
        observation=observation,
        series_key=series_key,
        observation_key=tuple(d for d in schema.dimensions if d.id not in above),
        measures=tuple(m for m in schema.measures if m.id in wanted),
        dataset_attributes=tuple(a for a in attributes if a.attached == "dataflow"),
        series_attributes=tuple(a for a in attributes if a.id in at_series),
        observation_attributes=tuple(
            a for a in attributes if a.id not in at_series and a.attached != "dataflow"
        ),
    )


def dimensions_of(schema: Schema, attribute: SchemaComponent) -> tuple[str, ...]:
    """The dimensions that an attribute of a series or group is attached to."""
    if attribute.attached != "group":
        return attribute.to
    groups = {group.id: group.dimensions for group in schema.dsd.groups}
    return tuple(id for name in attribute.to for id in groups.get(name, (name,)))


def action_of(dataset: DataSet) -> str:
    """Merge exists from SDMX 3.1 on, which reads Append as Merge."""
    return "Append" if dataset.action == "Merge" else dataset.action


def instant(given: datetime | None) -> str:
    """In UTC with its fraction of a second, by which `asOf` finds the same again; "" for None."""
    return given.astimezone(UTC).isoformat().replace("+00:00", "Z") if given else ""


@dataclass(frozen=True)
class Section:
    """Rows of one data set. `begins`: its attributes when it begins here; `starts`: rows where series do."""

    rows: Rows
    begins: tuple[str | None, ...] | None
    starts: npt.NDArray[np.int64]


def sections(dataset: DataSet, given: Layout, *, once: bool = False) -> Iterator[Section]:
    """The rows of a data set, cut where a data set begins; a series goes on where the rows before left it.

    Where rows of one series disagree on an attribute of the series, it starts again with the other value, so
    that none is misstated; with `once`, which allows a key once in a data set, it does so in another one.
    """
    shared = [a.id for a in given.dataset_attributes]
    key = [d.id for d in given.series_key]
    told = [a.id for a in given.series_attributes]
    last: Rows | None = None
    for rows in rows_of(dataset):
        cuts = _changes(rows, shared)
        if once:
            cuts |= _restated(rows, told) & ~_changes(rows, key)
        bounds = [*np.flatnonzero(cuts).tolist(), rows.size]
        for start, stop in pairwise(bounds):
            part = rows.slice(start, stop)
            starts = _changes(part, key) | _restated(part, told)
            goes_on = last is not None and _texts(last, shared, -1) == _texts(part, shared, 0)
            if last is not None and goes_on and _texts(last, key, -1) == _texts(part, key, 0):
                before, now = _texts(last, told, -1), _texts(part, told, 0)
                starts[0] = any(b != n and n is not None for b, n in zip(before, now, strict=True))
                goes_on = not (once and starts[0])
            starts[0] |= not goes_on
            yield Section(part, None if goes_on else _texts(part, shared, 0), np.flatnonzero(starts))
            last = part


def _changes(rows: Rows, ids: Sequence[str]) -> npt.NDArray[np.bool_]:
    """The first row, and those where one of the columns differs from the row before."""
    return changes_of([rows.columns[id].codes for id in ids], rows.size)


def _restated(rows: Rows, ids: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Rows that give another value than the row before; a missing one says nothing new."""
    restated = np.zeros(rows.size, bool)
    for codes in (rows.columns[id].codes for id in ids):
        restated[1:] |= (codes[1:] != codes[:-1]) & (codes[1:] != 0)
    return restated


def at_starts(texts: pa.Array, section: Section, between: str = "") -> pa.Array:
    """One text per start of a series, on its row; `between` on the others."""
    codes = np.zeros(section.rows.size, np.int32)
    codes[section.starts] = np.arange(1, len(section.starts) + 1, dtype=np.int32)
    return Part(codes, pa.concat_arrays([pa.array([between], pa.utf8()), texts])).at()


def _texts(rows: Rows, ids: Sequence[str], row: int) -> tuple[str | None, ...]:
    columns = [rows.columns[id] for id in ids]
    return tuple(column.values[int(column.codes[row])].as_py() for column in columns)
