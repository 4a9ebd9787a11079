"""Plan: what a query means for a schema; every engine answers it, stores/memory.py says what the answer is.

A plan asks for observations: the rows for which one of `keys` and all of `conditions` hold, in the natural
order (agreement, series key, period), at most `first_n`/`last_n` of each series, then `offset` and `limit`.
Where a query asks for nothing of an observation, a series is one row, its first: `offset` and `limit` then
count series keys (sdmx-rest v2.2.2, doc/data.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import isfinite
from typing import Literal

import pyarrow as pa

from .errors import SemanticFault, SyntaxFault, TooLarge
from .periods import parse_period
from .query import Condition, DataQuery, KeyPositions
from .schema import Schema

Key = tuple[tuple[str, frozenset[str]], ...]
"""One alternative: the dimensions that are given, each with the codes that match."""


MOST_COMPARISONS = 100
"""With time, attributes and measures, in one query."""


@dataclass(frozen=True)
class Plan:
    schema: Schema
    keys: tuple[Key, ...] = ((),)
    conditions: tuple[Condition, ...] = ()
    first_n: int = 0
    last_n: int = 0
    offset: int = 0
    limit: int = 0
    measures: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of an answer: dimensions, time, measures each with its kept text, attributes."""
        measures = tuple(name for id in self.measures for name in (id, f"_text_{id}"))
        return (*self.schema.key, *measures, *self.attributes)


def plan(query: DataQuery, schema: Schema) -> Plan:
    """What `query` means for `schema`.

    Codes that no list has are not an error: nothing matches them. SemanticFault names a component that the
    structure does not have, SyntaxFault a key that has too many positions or a bound that is no period,
    TooLarge more comparisons than are made at once.
    """
    _refuse_too_many(query.conditions, schema)
    measures = _chosen(query.measures, [m.id for m in schema.measures], "measures")
    attributes = _attributes(query.attributes, schema)
    series_only = _series_only(query, schema, (*measures, *attributes))
    return Plan(
        schema,
        keys=tuple(_key(positions, schema) for positions in query.keys) or ((),),
        conditions=tuple(_checked(condition, schema) for condition in query.conditions),
        first_n=1 if series_only else query.first_n,
        last_n=0 if series_only else query.last_n,
        offset=query.offset,
        limit=query.limit,
        measures=measures,
        attributes=attributes,
    )


def _series_only(query: DataQuery, schema: Schema, ids: Sequence[str]) -> bool:
    """Whether nothing below the series is asked for, in an answer that is laid out in series."""
    in_series = schema.time is not None and query.dimension_at_observation.lower() != "alldimensions"
    below = {component.id for component in (*schema.measures, *schema.observation_attributes)}
    return in_series and bool(schema.series_dimensions) and below.isdisjoint(ids)


def _key(positions: KeyPositions, schema: Schema) -> Key:
    dimensions = schema.series_dimensions
    if len(positions) > len(dimensions):
        raise SyntaxFault(
            f"The key has {len(positions)} positions; {schema.dsd.reference.short} has {len(dimensions)}: "
            + ".".join(d.id for d in dimensions)
        )
    return tuple(
        (d.id, frozenset(values)) for d, values in zip(dimensions, positions, strict=False) if values
    )


def _refuse_too_many(conditions: Sequence[Condition], schema: Schema) -> None:
    """Codes of a dimension cost nothing; every other comparison is made with each observation."""
    others = (c for c in conditions if c.component not in schema.key[: len(schema.series_dimensions)])
    count = sum(len(term) for condition in others for term in condition.any_of)
    if count > MOST_COMPARISONS:
        raise TooLarge(
            f"The query makes {count} comparisons with time, attributes and measures; at most "
            f"{MOST_COMPARISONS} are made at once. Codes of dimensions are not counted"
        )


def _checked(condition: Condition, schema: Schema) -> Condition:
    component = schema.by_id.get(condition.component)
    if component is None:
        raise SemanticFault(
            f"{schema.dsd.reference.short} has no component {condition.component}; it has "
            + ", ".join(schema.by_id)
        )
    for term in condition.any_of:
        for atom in term:
            if (
                component.role == "time"
                and atom.operator not in ("co", "nc", "sw", "ew")
                and not parse_period(atom.value)
            ):
                raise SyntaxFault(
                    f"c[{component.id}]: '{atom.value}' is no time period; expected 2023, 2023-Q1 ..."
                )
            if component.numeric and atom.operator not in ("co", "nc", "sw", "ew"):
                _refuse_no_number(component.id, atom.value)
    return condition


def _refuse_no_number(component: str, text: str) -> None:
    """NaN stands for a value that is missing and compares with nothing."""
    try:
        known = isfinite(float(text))
    except ValueError:
        known = False
    if not known:
        raise SyntaxFault(f"c[{component}]: '{text}' is not a number")


def _chosen(asked: Sequence[str], known: Sequence[str], what: str) -> tuple[str, ...]:
    if "all" in asked:
        return tuple(known)
    if "none" in asked:
        return ()
    unknown = [id for id in asked if id not in known]
    if unknown:
        raise SemanticFault(
            f"{what}={','.join(asked)}: there is no {unknown[0]}; expected all, none or {', '.join(known)}"
        )
    return tuple(id for id in known if id in asked)


def _attributes(asked: Sequence[str], schema: Schema) -> tuple[str, ...]:
    """`dsd` and `all` are all attributes; dataset, series and obs are levels; ids may be mixed in."""
    levels = {
        "dataset": schema.dataset_attributes,
        "series": schema.series_attributes,
        "obs": schema.observation_attributes,
        "dsd": schema.attributes,
        "all": schema.attributes,
        "none": (),
        "msd": (),
    }
    wanted = {a.id for word in asked for a in levels.get(word, ())}
    named = [word for word in asked if word not in levels]
    known = [a.id for a in schema.attributes]
    if named:
        wanted |= set(_chosen(named, known, "attributes"))
    return tuple(id for id in known if id in wanted)


@dataclass(frozen=True)
class Availability:
    """What a plan would return, without the rows: per dimension its codes with their observations."""

    codes: dict[str, dict[str, int]]
    series: int
    observations: int
    start: int | None = None
    end: int | None = None


Action = Literal["Replace", "Merge", "Delete", "Append", "Information"]


@dataclass(frozen=True)
class DataSet:
    """Rows, and what a reader is to do with them; a message holds one of these or several.

    `batches` has `plan.columns` in natural order, made while it is walked; of a Delete it has `schema.key`,
    the keys of the observations that are to go. Dimensions and attributes are utf8 or dictionary of utf8,
    null where missing; measures are float64, null where missing; `_text_<measure>` is the sender's text where
    the number does not give it back. `valid_from` is the instant from which the rows were shown, `valid_to`
    the one until which they were (sdmx-rest v2.2.2, doc/data.md: includeHistory); None is not told.
    """

    plan: Plan
    batches: Iterator[pa.RecordBatch]
    action: Action = "Replace"
    valid_from: datetime | None = None
    valid_to: datetime | None = None

    @property
    def schema(self) -> Schema:
        return self.plan.schema

    @property
    def measures(self) -> tuple[str, ...]:
        """Those that the rows have a value of."""
        return () if self.action == "Delete" else self.plan.measures

    @property
    def attributes(self) -> tuple[str, ...]:
        """Those that the rows have a value of."""
        return () if self.action == "Delete" else self.plan.attributes


@dataclass(frozen=True)
class Answer:
    """What a writer turns into bytes: data sets, one at least, in the order in which they are applied.

    The batches of one are walked when those of the one before have ended: nothing is held.
    `dimension_at_observation` is TIME_PERIOD, another dimension, or AllDimensions. `history`: several data
    sets may tell of one observation, each as it was when they were valid.
    """

    datasets: Sequence[DataSet]
    prepared: datetime
    dimension_at_observation: str = "TIME_PERIOD"
    languages: tuple[str, ...] = ("en",)
    parameters: dict[str, str] = field(default_factory=dict)
    sender: str = "MIGDX"
    message_id: str = "migdx"
    history: bool = False
