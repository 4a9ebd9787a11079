# ruff: noqa: S608 - the names written into SQL are those of the structure, quoted; values are bound
"""Plans as SQL for DuckDB over Parquet segments and packs of them. What is given is bound; only names of
components are written out.

Conditions on dimensions are settled beforehand on the codes that the segments say they hold, by the meaning
that memory.py gives them; SQL compares periods, measures and attributes only.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..plan import Key, Plan
from ..query import Atom, Condition
from ..schema import CONFIDENTIALITY, FREE, SchemaComponent
from . import Segment
from .memory import OPPOSITES, bound, holds

PLACE = "_place"
"""The column that says, by number, of which of the segments of a part a row is."""


@dataclass
class Statement:
    """SQL and the values bound to it."""

    parameters: dict[str, Any] = field(default_factory=dict)
    text: str = ""

    def bind(self, value: Any) -> str:
        name = f"p{len(self.parameters)}"
        self.parameters[name] = value
        return f"${name}"

    def among(self, column: str, values: Iterable[str]) -> str:
        """`column` is one of `values`. Never IN or list_contains: of five values on they become a join, and
        the order of rows is lost. The bounds are what statistics of row groups are compared with.
        """
        few = sorted(values)
        if len(few) == 1:
            return f"{column} = {self.bind(few[0])}"
        if not few:
            return "false"
        within = f"{column} >= {self.bind(few[0])} AND {column} <= {self.bind(few[-1])}"
        return f"({within} AND list_position({self.bind(few)}, {column}) > 0)"

    def cut(self, plan: Plan) -> str:
        """The part of the answer that a plan asks for."""
        limit = f" LIMIT {self.bind(plan.limit)}" if plan.limit else ""
        return limit + (f" OFFSET {self.bind(plan.offset)}" if plan.offset else "")

    def first(self, plan: Plan) -> str:
        """As many rows as are needed, whatever other rows stand between them."""
        return f" LIMIT {self.bind(plan.offset + plan.limit)}" if plan.limit else ""


class Sifter:
    """What a plan takes of a segment, as far as the segment's codes tell."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        dimensions = set(plan.schema.key)
        self._conditions = [condition for condition in plan.conditions if condition.component in dimensions]
        self._open = len(self._conditions) < len(plan.conditions)
        self._said: dict[tuple[Condition, str], bool] = {}

    def share(self, segment: Segment) -> bool | None:
        """True for all of its rows, False for none, None where only the rows can tell."""
        held = segment.codes
        # nearly all segments are told apart by one code of one dimension: that is looked at first
        if not segment.observations or all(
            any(held[id].keys().isdisjoint(codes) for id, codes in key) for key in self.plan.keys
        ):
            return False
        keys = {_all(_part(segment.codes[id], codes) for id, codes in key) for key in self.plan.keys}
        told = [True if True in keys else None if None in keys else False]
        for condition in self._conditions:
            said = {self.says(condition, code) for code in segment.codes[condition.component]}
            told.append(None if len(said) > 1 else said.pop())
        return _all([*told, None] if self._open else told)

    def says(self, condition: Condition, code: str) -> bool:
        """Whether a condition on a dimension, or on time, is true of a code."""
        known = (condition, code)
        if known not in self._said:
            self._said[known] = holds(condition, self.plan.schema.by_id[condition.component], code)
        return self._said[known]

    def codes(self, condition: Condition, segments: Sequence[Segment]) -> list[str]:
        held = set().union(*(segment.codes[condition.component] for segment in segments))
        return [code for code in held if self.says(condition, code)]


def _part(held: dict[str, int], codes: frozenset[str]) -> bool | None:
    return True if held.keys() <= codes else False if held.keys().isdisjoint(codes) else None


def _all(told: Iterable[bool | None]) -> bool | None:
    """True when all are, False when one is."""
    unknown = False
    for answer in told:
        if answer is False:
            return False
        unknown = unknown or answer is None
    return None if unknown else True


class Part(Protocol):
    """Segments that are read alike: some of an answer's."""

    @property
    def segments(self) -> Sequence[Segment]: ...

    @property
    def names(self) -> Sequence[str]:
        """Of its segments, as rows are numbered."""
        ...

    def scan(self, sifter: Sifter, statement: Statement, *, alone: bool) -> Scan:
        """Of these segments; unless `alone` with columns as all parts have them."""
        ...


@dataclass(frozen=True)
class Files:
    """Segments that are read from their own files."""

    segments: Sequence[Segment]
    paths: Sequence[str]

    @property
    def names(self) -> Sequence[str]:
        return [segment.name for segment in self.segments]

    def scan(self, sifter: Sifter, statement: Statement, *, alone: bool) -> Scan:
        return Scan(sifter, self.segments, self.paths, statement)


def rows(sifter: Sifter, part: Part, *, alone: bool = True) -> Statement:
    """The observations of a part that the plan asks for, with its columns, in order. Unless it is read alone
    they have a `PLACE`, and the answer is to be cut of all parts' rows.
    """
    statement, plan = Statement(), sifter.plan
    scan = part.scan(sifter, statement, alone=alone)
    place = {} if alone else {PLACE: scan.FILE}
    text = scan.select({id: scan.column(id) for id in plan.columns} | place)
    statement.text = text + (statement.cut(plan) if alone else statement.first(plan))
    return statement


def keys(sifter: Sifter, part: Part) -> Statement:
    """The same to be counted: the key, `PLACE`, `_series`, and `_free`: that it is not masked."""
    statement, plan = Statement(), sifter.plan
    scan = part.scan(sifter, statement, alone=True)
    free = "true"
    if CONFIDENTIALITY in plan.schema.by_id:
        free = f"coalesce({scan.written(CONFIDENTIALITY)}, '') IN ('', {statement.bind(FREE)})"
    more = {PLACE: scan.FILE, "_series": "_series", "_free": free}
    text = scan.select({id: scan.column(id) for id in plan.schema.key} | more)
    statement.text = text + statement.first(plan)
    return statement


class Scan:
    """Reading the files of segments for a plan."""

    FILE, ROW = "file_index", "file_row_number"
    """What numbers the segments that are read, in their order, and the rows in theirs."""

    def __init__(
        self, sifter: Sifter, segments: Sequence[Segment], paths: Sequence[str], statement: Statement
    ) -> None:
        self.sifter, self.plan, self.segments, self.statement = sifter, sifter.plan, segments, statement
        self.columns = set().union(*(segment.columns for segment in segments))
        alike = all(len(segment.columns) == len(self.columns) for segment in segments)
        options = f"union_by_name = {not alike}, file_row_number = true"
        self.files = f"read_parquet({statement.bind(list(paths))}, {options})"

    def column(self, id: str) -> str:
        """The column, or null when the segments are older than the component."""
        if id.removeprefix("_text_") in self.columns:
            return quoted(id)
        component = self.plan.schema.by_id.get(id)
        return f"NULL::{'DOUBLE' if component and component.role == 'measure' else 'VARCHAR'}"

    def select(self, columns: dict[str, str]) -> str:
        """`columns` (name: expression) of the rows that the plan asks for."""
        plan, bind = self.plan, self.statement.bind
        listed = ", ".join(f"{expression} AS {quoted(name)}" for name, expression in columns.items())
        where = self.where()
        wanted = [(plan.first_n, "_before", "ASC"), (plan.last_n, "_after", "DESC")]
        wanted = [entry for entry in wanted if entry[0]]
        if wanted and self.by_rows():
            series = f"PARTITION BY {self.FILE}, _series ORDER BY {self.ROW}"
            windows = [f"row_number() OVER ({series} {direction}) AS {name}" for _, name, direction in wanted]
            inner = f"SELECT {listed}, {self.FILE} AS _f, {self.ROW} AS _r, {', '.join(windows)}"
            ranked = " OR ".join(f"{name} <= {bind(number)}" for number, name, _ in wanted)
            names = ", ".join(quoted(name) for name in columns)
            return f"SELECT {names} FROM ({inner} FROM {self.files}{where}) WHERE {ranked} ORDER BY _f, _r"
        ranked = " OR ".join(f"{name} < {bind(number)}" for number, name, _ in wanted)
        both = f"{' AND' if where else ' WHERE'} ({ranked})" if ranked else ""
        return f"SELECT {listed} FROM {self.files}{where}{both}"

    def by_rows(self) -> bool:
        """Whether the plan may take some rows of a series and leave others: ranks as written do not serve."""
        named = {id for key in self.plan.keys for id, _ in key}
        named |= {condition.component for condition in self.plan.conditions}
        return not named <= {dimension.id for dimension in self.plan.schema.series_dimensions}

    def where(self) -> str:
        parts = self.within()
        if not all(self.sifter.share(segment) for segment in self.segments):
            parts += [self.of_key(), self.of_contents()]
        return " WHERE " + " AND ".join(parts) if parts else ""

    def within(self) -> list[str]:
        """What keeps to the segments: nothing, where their own files are read."""
        return []

    def of_key(self) -> str:
        """What the plan asks of the key, which an observation keeps."""
        conditions = (c for c in self.plan.conditions if c.component in self.plan.schema.key)
        return " AND ".join([self.keys(self.plan.keys), *map(self.condition, conditions)])

    def of_contents(self) -> str:
        """What it asks of all else."""
        conditions = (c for c in self.plan.conditions if c.component not in self.plan.schema.key)
        return " AND ".join(map(self.condition, conditions)) or "true"

    def keys(self, keys: Sequence[Key]) -> str:
        """The alternatives that these segments can meet, without what all of their codes meet anyway."""
        terms = []
        for key in keys:
            parts = [(id, codes, {_part(s.codes[id], codes) for s in self.segments}) for id, codes in key]
            if all(met != {False} for _, _, met in parts):
                terms.append([self.among(id, codes) for id, codes, met in parts if met != {True}])
        return "(" + " OR ".join(f"({' AND '.join(term) or 'true'})" for term in terms) + ")"

    @property
    def coded(self) -> Collection[str]:
        """Dimensions of which codes are compared, settled by what the segments say they hold."""
        return [dimension.id for dimension in self.plan.schema.series_dimensions]

    def among(self, id: str, codes: Iterable[str]) -> str:
        return self.statement.among(quoted(id), codes)

    def condition(self, condition: Condition) -> str:
        component = self.plan.schema.by_id[condition.component]
        if component.id in self.coded:
            return self.among(component.id, self.sifter.codes(condition, self.segments))
        terms = (" AND ".join(self.atom(component, atom) for atom in term) for term in condition.any_of)
        return "(" + " OR ".join(f"({term})" for term in terms) + ")"

    def atom(self, component: SchemaComponent, atom: Atom) -> str:
        if atom.operator in OPPOSITES:
            return f"NOT coalesce({self.atom(component, Atom(OPPOSITES[atom.operator], atom.value))}, false)"
        if atom.operator in _TEXTUAL:
            return f"{_TEXTUAL[atom.operator]}({self.text(component)}, {self.statement.bind(atom.value)})"
        given, operand = self.extent(component), bound(component, atom)
        compared = (
            f"{given[at]} {sign} {self.statement.bind(operand[to])}"
            for at, sign, to in _ORDERED[atom.operator]
        )
        return " AND ".join(compared)

    def written(self, id: str) -> str:
        """The column as text, or as the number that it is."""
        return self.column(id)

    def text(self, component: SchemaComponent) -> str:
        column = self.written(component.id)
        if component.role != "measure":
            return column
        return f"coalesce({self.column(f'_text_{component.id}')}, {_NUMBER_TEXT.format(x=column)})"

    def extent(self, component: SchemaComponent) -> tuple[str, str]:
        if component.role == "time":
            return "_start", "_end"
        column = self.written(component.id)
        if component.role == "attribute" and component.numeric:
            column = f"TRY_CAST({column} AS DOUBLE)"
        return column, column


# as dataset.number_texts: no `.0`, no exponent from 1e-15 to 1e18
_NUMBER_TEXT = r"""CASE
    WHEN {x}::VARCHAR LIKE '%e+%' AND abs({x}) < 1e18 THEN {x}::BIGINT::VARCHAR
    WHEN {x}::VARCHAR LIKE '%e-%' AND abs({x}) >= 1e-15
    THEN regexp_extract({x}::VARCHAR, '^-?') || '0.'
        || repeat('0', regexp_extract({x}::VARCHAR, 'e-(\d+)', 1)::INTEGER - 1)
        || replace(regexp_extract({x}::VARCHAR, '^-?([0-9.]+)e', 1), '.', '')
    ELSE regexp_replace(regexp_replace({x}::VARCHAR, '\.0$', ''), 'e([+-])0', 'e\1')
END"""
_TEXTUAL = {"co": "contains", "sw": "starts_with", "ew": "ends_with"}
# the start (0) or end (1) of what is given, compared with the start or end of the operand
_ORDERED = {
    "eq": [(0, "=", 0), (1, "=", 1)],
    "ge": [(0, ">=", 0)],
    "gt": [(0, ">", 1)],
    "le": [(1, "<=", 1)],
    "lt": [(1, "<", 0)],
}


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
