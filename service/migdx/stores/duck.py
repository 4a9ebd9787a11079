# ruff: noqa: S608 - the names written into SQL are those of the structure, quoted; values are bound
"""Plans as SQL for DuckDB over Parquet segments. What is given is bound; only names of components are written
out.

Conditions on dimensions are settled beforehand on the codes that the segments say they hold, by the meaning
that memory.py gives them; SQL compares periods, measures and attributes only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..plan import Key, Plan
from ..query import Atom, Condition
from ..schema import CONFIDENTIALITY, FREE, SchemaComponent
from . import Segment
from .memory import OPPOSITES, bound, holds


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
        if not segment.observations:
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


def rows(sifter: Sifter, segments: Sequence[Segment], paths: Sequence[str]) -> Statement:
    """The observations with the columns of the plan, in the order of `paths` and of their rows."""
    statement = Statement()
    scan = _Scan(sifter, segments, paths, statement)
    statement.text = scan.select({id: scan.column(id) for id in sifter.plan.columns})
    return statement


def counts(sifter: Sifter, segments: Sequence[Segment], paths: Sequence[str]) -> Statement:
    """(dimension, code, observations) of the open rows; (null, null, series)."""
    statement = Statement()
    scan = _Scan(sifter, segments, paths, statement)
    key = sifter.plan.schema.key
    status = scan.column(CONFIDENTIALITY) if CONFIDENTIALITY in sifter.plan.schema.by_id else "NULL"
    more = {"_file": "file_index", "_number": "_series", "_status": status}
    found = scan.select({id: scan.column(id) for id in key} | more)
    free = f"coalesce(_status, '') IN ('', {statement.bind(FREE)})"
    names = [quoted(id) for id in key]
    which = " ".join(
        f"WHEN grouping({name}) = 0 THEN {statement.bind(id)}" for name, id in zip(names, key, strict=True)
    )
    statement.text = (
        f"WITH found AS (SELECT * FROM ({found}) WHERE {free})"
        f" SELECT CASE {which} END, coalesce({', '.join(names)}), count(*) FROM found"
        f" GROUP BY GROUPING SETS ({', '.join(f'({name})' for name in names)})"
        " UNION ALL SELECT NULL, NULL, count(*) FROM (SELECT DISTINCT _file, _number FROM found)"
    )
    return statement


class _Scan:
    """Reading the files of segments for a plan."""

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
        return f"NULL::{'DOUBLE' if id in self.plan.measures else 'VARCHAR'}"

    def select(self, columns: dict[str, str]) -> str:
        """`columns` (name: expression) of the rows that the plan asks for."""
        plan, bind = self.plan, self.statement.bind
        listed = ", ".join(f"{expression} AS {quoted(name)}" for name, expression in columns.items())
        where = self.where()
        wanted = [(plan.first_n, "_before", "ASC"), (plan.last_n, "_after", "DESC")]
        wanted = [entry for entry in wanted if entry[0]]
        if wanted and self.by_rows():
            series = "PARTITION BY file_index, _series ORDER BY file_row_number"
            windows = [f"row_number() OVER ({series} {direction}) AS {name}" for _, name, direction in wanted]
            inner = f"SELECT {listed}, file_index AS _f, file_row_number AS _r, {', '.join(windows)}"
            ranked = " OR ".join(f"{name} <= {bind(number)}" for number, name, _ in wanted)
            names = ", ".join(quoted(name) for name in columns)
            text = f"SELECT {names} FROM ({inner} FROM {self.files}{where}) WHERE {ranked} ORDER BY _f, _r"
        else:
            ranked = " OR ".join(f"{name} < {bind(number)}" for number, name, _ in wanted)
            both = f"{' AND' if where else ' WHERE'} ({ranked})" if ranked else ""
            text = f"SELECT {listed} FROM {self.files}{where}{both}"
        limit = f" LIMIT {bind(plan.limit)}" if plan.limit else ""
        offset = f" OFFSET {bind(plan.offset)}" if plan.offset else ""
        return text + limit + offset

    def by_rows(self) -> bool:
        """Whether the plan may take some rows of a series and leave others: ranks as written do not serve."""
        named = {id for key in self.plan.keys for id, _ in key}
        named |= {condition.component for condition in self.plan.conditions}
        return not named <= {dimension.id for dimension in self.plan.schema.series_dimensions}

    def where(self) -> str:
        if all(self.sifter.share(segment) for segment in self.segments):
            return ""
        parts = [
            self.keys(self.plan.keys),
            *(self.condition(condition) for condition in self.plan.conditions),
        ]
        return " WHERE " + " AND ".join(parts)

    def keys(self, keys: Sequence[Key]) -> str:
        """The alternatives that these segments can meet, without what all of their codes meet anyway."""
        terms = []
        for key in keys:
            parts = [(id, codes, {_part(s.codes[id], codes) for s in self.segments}) for id, codes in key]
            if all(met != {False} for _, _, met in parts):
                terms.append(
                    [self.statement.among(quoted(id), codes) for id, codes, met in parts if met != {True}]
                )
        return "(" + " OR ".join(f"({' AND '.join(term) or 'true'})" for term in terms) + ")"

    def condition(self, condition: Condition) -> str:
        component = self.plan.schema.by_id[condition.component]
        if component.role == "dimension":
            return self.statement.among(quoted(component.id), self.sifter.codes(condition, self.segments))
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

    def text(self, component: SchemaComponent) -> str:
        column = self.column(component.id)
        if component.role != "measure":
            return column
        return f"coalesce({self.column(f'_text_{component.id}')}, {_NUMBER_TEXT.format(x=column)})"

    def extent(self, component: SchemaComponent) -> tuple[str, str]:
        if component.role == "time":
            return "_start", "_end"
        column = self.column(component.id)
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
