# ruff: noqa: S608 - the names written into SQL are those of the structure, quoted; values are bound
"""What changed between two instants, as SQL for DuckDB: `Store.updated`.

Where two revisions of an agreement are compared, the newer tells which keys may have changed since the older
one; only those are looked at, on both sides and in all other segments that may hold them. Of segments that
tell nothing (of other agreements, taken apart, or written before deltas were kept) every key is looked at.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ..plan import Plan
from . import Segment
from .delta import GONE, SINCE
from .duck import Scan, Sifter, Statement, quoted


@dataclass(frozen=True)
class Compared:
    """The segments that can tell of changes. `before` and `after` are shown at one of the instants only,
    `others` at both. `told[revision]` are those that tell what changed since that revision, `whole` those all
    of whose keys are looked at. `path` is where a file is.
    """

    plan: Plan
    sifter: Sifter
    before: list[Segment]
    after: list[Segment]
    others: list[Segment]
    told: dict[int, list[Segment]]
    whole: list[Segment]
    path: Callable[[str], str]

    @property
    def names(self) -> list[str]:
        """Of all files that are read."""
        telling = [segment for told in self.told.values() for segment in told]
        read = (*self.before, *self.after, *self.others, *telling)
        return sorted({s.name for s in read} | {s.name + GONE for s in telling if s.deleted})

    def deleted(self) -> Statement | None:
        """None where nothing can be deleted."""
        if not self.before:
            return None
        statement, there = Statement(), [*self.after, *self.others]
        key = ", ".join(map(quoted, self.plan.schema.key))
        order = ", ".join(map(quoted, self._order))
        gone = f"SELECT DISTINCT {order} FROM ({self._rows(statement, self.before)}) WHERE _asked"
        if there:
            gone = f"SELECT * FROM ({gone}) ANTI JOIN ({self._rows(statement, there)}) USING ({key})"
        statement.text = f"{self._looked_at(statement)}SELECT {key} FROM ({gone}) ORDER BY {order}"
        return statement

    def changed(self) -> Statement | None:
        """None where nothing can be changed."""
        if not self.after:
            return None
        statement, there, plan = Statement(), [*self.before, *self.others], self.plan
        new = f"SELECT * FROM ({self._rows(statement, self.after)}) WHERE _asked"
        if there:
            old = self._rows(statement, there)
            same = [f"now.{quoted(id)} = was.{quoted(id)}" for id in plan.schema.key]
            contents = (id for id in self.sifter.plan.columns if id not in plan.schema.key)
            same += [f"now.{quoted(id)} IS NOT DISTINCT FROM was.{quoted(id)}" for id in contents]
            new = f"SELECT * FROM ({new}) AS now ANTI JOIN ({old}) AS was ON {' AND '.join(same)}"
        listed = ", ".join(map(quoted, plan.columns))
        order = ", ".join(["_agreement", *map(quoted, self._order)])
        text = f"SELECT {listed} FROM ({self._ends(statement, new)}) ORDER BY {order}"
        statement.text = self._looked_at(statement) + text + statement.cut(plan)
        return statement

    @property
    def _order(self) -> list[str]:
        """The columns by which the observations of an agreement are in order."""
        schema = self.plan.schema
        series = [dimension.id for dimension in schema.series_dimensions]
        return [*series, "_start", schema.time.id] if schema.time else series

    def _looked_at(self, statement: Statement) -> str:
        """The keys that may have changed, named `looked_at`; empty where all keys are compared."""
        if not self.told and not self.others:
            return ""
        key = ", ".join(map(quoted, self.plan.schema.key))
        parts = []
        for revision, told in self.told.items():
            for names in ([s.name for s in told], [s.name + GONE for s in told if s.deleted]):
                if names:
                    since = statement.bind(revision)
                    parts.append(f"SELECT {key} FROM {self._files(statement, names)} WHERE {SINCE} > {since}")
        if self.whole:
            parts.append(f"SELECT {key} FROM {self._files(statement, [s.name for s in self.whole])}")
        return f"WITH looked_at AS ({' UNION ALL '.join(parts)}) "

    def _files(self, statement: Statement, names: Sequence[str]) -> str:
        return f"read_parquet({statement.bind([self.path(name) for name in names])})"

    def _rows(self, statement: Statement, segments: Sequence[Segment]) -> str:
        """The observations with all their contents, and whether the plan asks for these."""
        scan = Scan(self.sifter, segments, [self.path(s.name) for s in segments], statement)
        columns = {id: scan.column(id) for id in self.sifter.plan.columns}
        columns |= {"_asked": scan.of_contents(), "_agreement": scan.FILE}
        columns |= {"_start": "_start"} if self.plan.schema.time else {}
        listed = ", ".join(f"{expression} AS {quoted(name)}" for name, expression in columns.items())
        key = ", ".join(map(quoted, self.plan.schema.key))
        few = f" SEMI JOIN looked_at USING ({key})" if self.told or self.others else ""
        return f"SELECT {listed} FROM {scan.files}{few} WHERE {scan.of_key()}"

    def _ends(self, statement: Statement, rows: str) -> str:
        """The first and last of what is left of each series."""
        plan, order = self.plan, [quoted(id) for id in self._order]
        if not plan.first_n and not plan.last_n:
            return rows
        series = ", ".join(["_agreement", *order[: len(plan.schema.series_dimensions)]])
        wanted = [(plan.first_n, "ASC"), (plan.last_n, "DESC")]
        time = order[len(plan.schema.series_dimensions) :]
        ranked = [
            f"row_number() OVER (PARTITION BY {series}"
            f"{' ORDER BY ' if time else ''}{', '.join(f'{id} {way}' for id in time)})"
            f" <= {statement.bind(number)}"
            for number, way in wanted
            if number
        ]
        return f"SELECT * FROM ({rows}) QUALIFY {' OR '.join(ranked)}"


def compared(
    plan: Plan, before: Sequence[Segment], after: Sequence[Segment], path: Callable[[str], str]
) -> Compared:
    """What of two instants is to be compared for a plan."""
    schema = plan.schema
    every = tuple(tuple(one.id for one in some) for some in (schema.measures, schema.attributes))
    sifter = Sifter(replace(plan, measures=every[0], attributes=every[1]))
    both = {segment.name for segment in before} & {segment.name for segment in after}
    was = {segment.agreement: segment for segment in before if segment.name not in both}
    now = {segment.agreement: segment for segment in after if segment.name not in both}
    told, whole = defaultdict(list), list[Segment]()
    for agreement in sorted(was.keys() | now.keys()):
        pair = [side[agreement] for side in (was, now) if agreement in side]
        asked = [segment for segment in pair if sifter.share(segment) is not False]
        older, newer = min(pair, key=_revision), max(pair, key=_revision)
        if asked and _tells(newer, older):
            told[older.revision].append(newer)
        else:
            whole += asked
    moved = [
        [side[agreement] for agreement in sorted(side) if sifter.share(side[agreement]) is not False]
        for side in (was, now)
    ]
    held = {id: {code for s in (*was.values(), *now.values()) for code in s.codes[id]} for id in schema.key}
    others = [
        segment
        for segment in sorted(before, key=lambda segment: segment.agreement)
        if segment.name in both
        and sifter.share(segment) is not False
        and not any(held[id].isdisjoint(segment.codes[id]) for id in schema.key)
    ]
    return Compared(plan, sifter, moved[0], moved[1], others, dict(told), whole, path)


def _revision(segment: Segment) -> int:
    return segment.revision


def _tells(newer: Segment, older: Segment) -> bool:
    """Whether what changed from one to the other is known; it is not of what was taken apart since."""
    known = newer.since is not None and newer.since <= older.revision < newer.revision
    return known and not newer.of and not older.of
