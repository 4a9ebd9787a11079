"""Packs: many segments of a dataflow once more in one read-only DuckDB file, so that what asks for a little
of each is answered quickly. A pack decides nothing: it holds open contents, and the plan names the segments.

Its table is in natural order; `_segment` says whose a row is, so that a revision that is shown no more is
left out. What a pack lacks is read from files, in its place. Beside the rows stand the series, each with the
set of its open periods: availability needs no look at observations.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson

from ..plan import Plan
from ..query import Condition
from . import Segment
from .duck import Part, Scan, Sifter, Statement, quoted

FORMAT = 1
"""Packs that were built otherwise are not used."""

ROWS, SERIES = "observations", "series"

BITS = 63
"""Periods in one number of a set of them."""

MOST_LACKING = 16
"""Of so many segments that are shown no more a statement says one by one that their rows are left out."""


@dataclass(frozen=True)
class Pack:
    """`segments` are the names of those held, as `_segment` numbers them from 0: in order of agreement.

    `name` is where it is kept, without extension; `sources` are the revisions that it is made of. `columns`
    are components. `codes` are those of each dimension, time too; they and `enumerated` attributes are kept
    as numbers. `observations` and `size` (bytes) say how much it is.
    """

    name: str
    dataflow: str
    segments: tuple[str, ...]
    sources: tuple[str, ...]
    columns: frozenset[str]
    codes: Mapping[str, frozenset[str]]
    enumerated: frozenset[str]
    observations: int
    size: int

    @cached_property
    def numbers(self) -> dict[str, int]:
        return {name: at for at, name in enumerate(self.segments)}

    @property
    def alias(self) -> str:
        """What the engine knows it by."""
        return quoted(self.name.rpartition("/")[2])

    def kind(self, id: str) -> str:
        """The enumeration of the codes of a dimension, sorted, in SQL."""
        return f"{self.alias}.{kind(list(self.codes).index(id))}"

    def as_json(self) -> bytes:
        """`from_dict` makes it again."""
        codes = {id: sorted(held) for id, held in self.codes.items()}
        told = {name: getattr(self, name) for name in self.__dataclass_fields__}
        named = {name: sorted(told[name]) for name in ("columns", "enumerated")}
        return orjson.dumps(told | named | {"codes": codes, "format": FORMAT})

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> Pack:
        """KeyError, TypeError or ValueError where it is none, or one of another format."""
        if told["format"] != FORMAT:
            raise ValueError(f"a pack of format {told['format']}; expected {FORMAT}")
        return cls(
            told["name"], told["dataflow"], tuple(told["segments"]), tuple(told["sources"]),
            frozenset(told["columns"]), {id: frozenset(held) for id, held in told["codes"].items()},
            frozenset(told["enumerated"]), told["observations"], told["size"],
        )  # fmt: skip


@dataclass(frozen=True)
class Packed:
    """Segments that are read from a pack."""

    segments: Sequence[Segment]
    pack: Pack

    @property
    def names(self) -> Sequence[str]:
        return self.pack.segments

    def scan(self, sifter: Sifter, statement: Statement, *, alone: bool) -> Scan:
        return PackScan(sifter, self, statement, alone=alone)


class PackScan(Scan):
    """Reading the rows of a pack for a plan. Codes are compared as the numbers that stand for them, time's
    too; with files they are read as text.
    """

    FILE, ROW = "_segment", "rowid"

    def __init__(self, sifter: Sifter, packed: Packed, statement: Statement, *, alone: bool) -> None:
        self.sifter, self.plan, self.statement = sifter, sifter.plan, statement
        self.segments, self.pack, self._alone = packed.segments, packed.pack, alone
        self.columns = set(self.pack.columns)
        self.files = f"{self.pack.alias}.{ROWS}"

    @property
    def coded(self) -> Collection[str]:
        return self.plan.schema.key

    def column(self, id: str) -> str:
        return super().column(id) if self._alone else self.written(id)

    def written(self, id: str) -> str:
        numbered = id in self.pack.codes or id in self.pack.enumerated
        return f"{super().column(id)}::VARCHAR" if numbered else super().column(id)

    def within(self) -> list[str]:
        found = segments_among(self.statement, self.pack, self.segments)
        return [found] if found else []

    def among(self, id: str, codes: Iterable[str]) -> str:
        # a code that the pack has no number for cannot be compared with one
        return super().among(id, self.pack.codes[id].intersection(codes))


def kind(number: int) -> str:
    """The name of one of the enumerations of a pack: those of dimensions come first, in order of the key."""
    return f"T{number}"


def segments_among(statement: Statement, pack: Pack, segments: Sequence[Segment]) -> str:
    """That rows are of `segments`; nothing where those are all that the pack holds."""
    numbers = sorted(pack.numbers[segment.name] for segment in segments)
    if len(numbers) == len(pack.segments):
        return ""
    first, last = numbers[0], numbers[-1]
    if first == last:
        return f"_segment = {statement.bind(first)}"
    within = [f"_segment >= {statement.bind(first)}", f"_segment <= {statement.bind(last)}"]
    lacking = sorted({*range(first, last)}.difference(numbers))
    if len(lacking) <= MOST_LACKING:
        within += (f"_segment <> {statement.bind(number)}" for number in lacking)
    else:
        within.append(f"list_position({statement.bind(numbers)}, _segment) > 0")
    return " AND ".join(within)


def parts_of(
    pack: Pack | None, segments: Sequence[Segment], chosen: Sequence[Segment], files: Callable[..., Part]
) -> list[Part]:
    """How the `chosen` of the `segments` that are asked for are read, in at most two parts; `files` reads
    segments from theirs.
    """
    numbers = pack.numbers if pack else {}
    held = [numbers[segment.name] for segment in chosen if segment.name in numbers]
    others = [segment for segment in chosen if segment.name not in numbers]
    parts: list[Part] = []
    if pack and held:
        # those between, of which no row is taken, spare a list of the others
        between = (one for one in segments if held[0] <= numbers.get(one.name, -1) <= held[-1])
        parts.append(Packed(list(between), pack))
    return [*parts, files(others)] if others else parts


# --- availability ----------------------------------------------------------------------------------------


def period_sets(periods: int) -> list[str]:
    """The columns that say which of a pack's periods a series has."""
    return [f"_periods{at}" for at in range(-(-periods // BITS))]


def of_series(plan: Plan) -> bool:
    """Whether the series with their periods tell what a plan gives, counted."""
    cut = plan.first_n or plan.last_n or plan.offset or plan.limit
    series = {dimension.id for dimension in plan.schema.series_dimensions}
    named = {id for key in plan.keys for id, _ in key}
    return not cut and named <= series and all(c.component in plan.schema.key for c in plan.conditions)


def series(sifter: Sifter, packed: Packed) -> Statement:
    """The series that a plan asks for, with their keys and the sets of their open periods, of a plan for
    which they tell.
    """
    statement = Statement()
    scan = SeriesScan(sifter, packed, statement, alone=True)
    names = [id for id in sifter.plan.schema.key if id != scan.time]
    statement.text = scan.select({id: quoted(id) for id in [*names, *period_sets(len(scan.every))]})
    return statement


def periods_asked(sifter: Sifter, pack: Pack) -> dict[str, bool]:
    """The periods of a pack, in the order of the sets, and whether the plan asks for them."""
    time = sifter.plan.schema.time
    asked = [condition for condition in sifter.plan.conditions if time and condition.component == time.id]
    every = sorted(pack.codes[time.id]) if time else []
    return {code: all(sifter.says(condition, code) for condition in asked) for code in every}


class SeriesScan(PackScan):
    """Reading the series of a pack. What a plan asks of time is asked of their sets of periods."""

    def __init__(self, sifter: Sifter, packed: Packed, statement: Statement, *, alone: bool) -> None:
        super().__init__(sifter, packed, statement, alone=alone)
        self.files = f"{self.pack.alias}.{SERIES}"
        self.time = self.plan.schema.time.id if self.plan.schema.time else ""
        self.every = sorted(self.pack.codes[self.time]) if self.time else []

    def condition(self, condition: Condition) -> str:
        return "true" if condition.component == self.time else super().condition(condition)
