"""The reference store: what a plan means, row by row, as clearly as Python can say it. Every engine gives its
answers.

Masking comes first: a plan sees open values only, so no filter, rank or count tells a hidden one. An absent
value equals nothing and contains nothing, so `ne` and `nc`, the opposites of `eq` and `co`, hold for it and
nothing else does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import groupby
from typing import Any

import numpy as np
import pyarrow as pa

from ..dataset import number_texts
from ..errors import SemanticFault
from ..periods import parse_period
from ..plan import Availability, Plan
from ..query import Atom, Condition
from ..schema import CONFIDENTIALITY, FREE, STATUS, SUPPRESSED, Schema, SchemaComponent
from . import ORPHANED, OTHER, Segment, Taken, Updated

Row = dict[str, Any]
Extent = tuple[Any, Any]
"""A value as what it covers: first and last day of a period; a number or a text covers itself."""


class MemoryStore:
    """Tables by name of segment; for tests, and to compare engines with."""

    def __init__(self) -> None:
        self._tables: dict[str, pa.Table] = {}

    def write(
        self,
        table: pa.Table,
        schema: Schema,
        *,
        agreement: str,
        revision: int,
        previous: Segment | None = None,
    ) -> Segment:
        rows = sorted(table.to_pylist(), key=lambda row: natural(row, schema))
        name = f"{len(self._tables)}"
        self._tables[name] = pa.Table.from_pylist(rows, schema=table.schema)
        counted = availability(rows, schema)
        return Segment(
            name,
            schema.dataflow.reference.short,
            agreement,
            revision,
            observations=len(rows),
            series=counted.series,
            codes={id: {row[id]: counted.codes[id].get(row[id], 0) for row in rows} for id in schema.key},
            start=min((row["_start"] for row in rows), default=None) if schema.time else None,
            end=max((row["_end"] for row in rows), default=None) if schema.time else None,
            restricted=any(confidential(row) for row in rows),
            columns=[component.id for component in schema.components],
        )

    def read(self, segment: Segment) -> pa.Table:
        return self._tables[segment.name]

    def select(self, plan: Plan, segments: Sequence[Segment]) -> Iterator[pa.RecordBatch]:
        return batches(asked(self._opened(plan, segments), plan), plan, plan.columns)

    def updated(self, plan: Plan, before: Sequence[Segment], after: Sequence[Segment]) -> Updated:
        schema, was, now = plan.schema, self._opened(plan, before), self._opened(plan, after)
        told = {contents(row, schema) for rows in was for row in rows}
        there = {key_of(row, schema) for rows in now for row in rows}
        changed = [[row for row in rows if contents(row, schema) not in told] for rows in now]
        gone = {key_of(row, schema): row for rows in was for row in rows if matches(row, plan)}
        deleted = [row for key, row in gone.items() if key not in there]
        deleted.sort(key=lambda row: natural(row, schema))
        return Updated(
            batches([deleted], plan, schema.key), batches(asked(changed, plan), plan, plan.columns)
        )

    def paired(
        self, one: Plan, other: Plan, on: Mapping[str, str], segments: Sequence[Segment]
    ) -> Iterator[pa.RecordBatch]:
        mine, theirs = (
            [
                row
                for rows in asked(self._opened(plan, segments), plan)
                for row in rows
                if not confidential(row) and all(row[id] is not None for id in plan.measures)
            ]
            for plan in (one, other)
        )
        found = [
            row | {OTHER + id: beside.get(id) for id in other.columns}
            for row in mine
            for beside in theirs
            if all(row[here] == beside[there] for here, there in on.items())
        ]
        key = one.schema.key
        found.sort(key=lambda row: [*(row[id] for id in key), *(row[OTHER + id] for id in key)])
        more = [OTHER + id for id in other.columns]
        numbers = replace(one, measures=(*one.measures, *(OTHER + id for id in other.measures)))
        return batches([found], numbers, [*one.columns, *more])

    def count(self, plan: Plan, segments: Sequence[Segment]) -> Availability:
        answers = asked(self._opened(plan, segments), plan)
        return availability([row | {"": at} for at, rows in enumerate(answers) for row in rows], plan.schema)

    def without(self, segment: Segment, taken: Sequence[Taken], schema: Schema) -> Segment:
        rows = self._tables[segment.name].to_pylist()
        lost = [any(self._takes(one, row, schema) for one in taken) for row in rows]
        if not any(lost):
            return segment
        kept = self._tables[segment.name].filter(pa.array([not gone for gone in lost]))
        made = self.write(kept, schema, agreement=segment.agreement, revision=segment.revision)
        return replace(made, restricted=False, columns=segment.columns, of=segment.name)

    def _takes(self, taken: Taken, row: Row, schema: Schema) -> bool:
        wins = next(won for where, won in taken.where if all(row[id] in codes for id, codes in where))
        return wins and any(
            all(other[id] == row[id] for id in schema.key) and (confidential(other) or not taken.closed)
            for other in self._tables[taken.by.name].to_pylist()
        )

    def sweep(
        self, keep: Callable[[], Iterable[Segment]], age: timedelta = ORPHANED, *, dry: bool = False
    ) -> list[str]:
        swept = sorted(self._tables.keys() - {segment.name for segment in keep()})
        for name in () if dry else swept:
            del self._tables[name]
        return swept

    def forget(self, names: Collection[str], *, dry: bool = False) -> list[str]:
        gone = sorted(self._tables.keys() & set(names))
        for name in () if dry else gone:
            del self._tables[name]
        return gone

    def close(self) -> None:
        self._tables.clear()

    def _opened(self, plan: Plan, segments: Sequence[Segment]) -> list[list[Row]]:
        """The rows that everyone may see, per agreement in order."""
        ordered = sorted(segments, key=lambda segment: segment.agreement)
        tables = (self._tables[segment.name] for segment in ordered)
        return [[shown(row, plan.schema) for row in table.to_pylist()] for table in tables]


def asked(opened: Sequence[Sequence[Row]], plan: Plan) -> list[list[Row]]:
    """Those of the rows of each agreement that a plan asks for."""
    answers, passed = [], 0
    for rows in opened:
        matching = [row for row in rows if matches(row, plan)]
        each = groupby(matching, key=lambda row: [row[d.id] for d in plan.schema.series_dimensions])
        found = [row for _, series in each for row in ends(list(series), plan.first_n, plan.last_n)]
        last = plan.offset + plan.limit - passed if plan.limit else len(found)
        answers.append(found[max(0, plan.offset - passed) : max(0, last)])
        passed += len(found)
    return answers


def batches(answers: Sequence[Sequence[Row]], plan: Plan, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    rows = [row for answer in answers for row in answer]
    types = {id: pa.float64() for id in plan.measures}
    arrays = {id: pa.array([row.get(id) for row in rows], types.get(id, pa.utf8())) for id in columns}
    return iter([pa.record_batch(arrays)] if rows else [])


def key_of(row: Row, schema: Schema) -> tuple[str, ...]:
    return tuple(row[id] for id in schema.key)


def contents(row: Row, schema: Schema) -> tuple[Any, ...]:
    """All that a row says, the digits of its numbers too."""
    texts = (f"_text_{measure.id}" for measure in schema.measures)
    return tuple(row.get(id) for id in (*schema.by_id, *texts))


def natural(row: Row, schema: Schema) -> list[Any]:
    """Sorts rows by series key, then by the start of the period and its text."""
    key = [row[dimension.id] for dimension in schema.series_dimensions]
    return [*key, row["_start"], row[schema.time.id]] if schema.time else key


def confidential(row: Row) -> bool:
    return row.get(CONFIDENTIALITY) not in (None, "", FREE)


def shown(row: Row, schema: Schema) -> Row:
    """The row as the public may see it."""
    if not confidential(row):
        return row
    return row | dict.fromkeys(schema.hidden) | ({STATUS: SUPPRESSED} if STATUS in row else {})


def matches(row: Row, plan: Plan) -> bool:
    return any(all(row[id] in codes for id, codes in key) for key in plan.keys) and all(
        holds(condition, plan.schema.by_id[condition.component], row.get(condition.component), row)
        for condition in plan.conditions
    )


def holds(condition: Condition, component: SchemaComponent, value: Any, row: Row | None = None) -> bool:
    """One of the alternatives of `condition`, as a whole, is true of `value`."""
    return any(all(compare(atom, component, value, row or {}) for atom in term) for term in condition.any_of)


def compare(atom: Atom, component: SchemaComponent, value: Any, row: Row) -> bool:
    if atom.operator in OPPOSITES:
        return not compare(Atom(OPPOSITES[atom.operator], atom.value), component, value, row)
    if atom.operator in TEXTUAL:
        text = text_of(value, row.get(f"_text_{component.id}"))
        return text is not None and TEXTUAL[atom.operator](text, atom.value)
    given = None if value is None else extent(component, value)
    return given is not None and ORDERED[atom.operator](given, bound(component, atom))


OPPOSITES: dict[str, Any] = {"ne": "eq", "nc": "co"}
TEXTUAL: dict[str, Callable[[str, str], bool]] = {
    "co": lambda text, part: part in text,
    "sw": lambda text, part: text.startswith(part),
    "ew": lambda text, part: text.endswith(part),
}
ORDERED: dict[str, Callable[[Extent, Extent], bool]] = {
    "eq": lambda given, bound: given == bound,
    "ge": lambda given, bound: given[0] >= bound[0],
    "gt": lambda given, bound: given[0] > bound[1],
    "le": lambda given, bound: given[1] <= bound[1],
    "lt": lambda given, bound: given[1] < bound[0],
}


def text_of(value: Any, kept: str | None) -> str | None:
    """A value as it is written in a message: a number as the sender spelt it."""
    return kept or (number_texts(np.array([value]))[0].as_py() if isinstance(value, float) else value)


def extent(component: SchemaComponent, value: Any) -> Extent | None:
    """What a value covers; None when its text is no period or no number, though it should be."""
    if component.role == "time":
        period = parse_period(value)
        return (period.start, period.end) if period else None
    if component.numeric:
        try:
            return (float(value), float(value))
        except ValueError:
            return None
    return (value, value)


def bound(component: SchemaComponent, atom: Atom) -> Extent:
    """What the operand of a comparison covers; SemanticFault when it is no period or number."""
    found = extent(component, atom.value)
    if found is None or found[0] != found[0]:
        kind = "period" if component.role == "time" else "number"
        raise SemanticFault(f"c[{component.id}]: '{atom.value}' is not a {kind}")
    return found


def ends(series: list[Row], first: int, last: int) -> list[Row]:
    """The first and the last observations of a series, all when neither is asked for."""
    if not first and not last:
        return series
    return [row for at, row in enumerate(series) if at < first or at >= len(series) - last]


def availability(rows: Sequence[Row], schema: Schema) -> Availability:
    """Counts the open observations among `rows`; "" tells rows of different agreements apart."""
    opened = [row for row in rows if not confidential(row)]
    return Availability(
        codes={id: dict(Counter(row[id] for row in opened)) for id in schema.key},
        series=len({(row.get(""), *(row[d.id] for d in schema.series_dimensions)) for row in opened}),
        observations=len(opened),
        start=min((row["_start"] for row in opened), default=None) if schema.time else None,
        end=max((row["_end"] for row in opened), default=None) if schema.time else None,
    )
