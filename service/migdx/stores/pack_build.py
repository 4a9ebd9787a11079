# ruff: noqa: S608 - the names written into SQL are those of the structure, quoted; codes are quoted texts
"""Building a pack: the open rows of segments in one table, and their series in another."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex

import duckdb

from ..depots import Depot
from ..durable import SUFFIX
from ..errors import NoSpace, Unavailable
from ..schema import CONFIDENTIALITY, FREE, Schema
from . import Segment
from .duck import quoted
from .pack import BITS, ROWS, SERIES, Pack, kind, period_sets
from .packs import ROWS as FILE
from .packs import TOLD, folder_of, names, removed

FEW = 250
"""Values of an attribute, at most, for it to be kept as numbers."""

AT_ONCE = 2_000_000
"""Observations, about, that are added in one step."""

Tell = Callable[[int], None]
"""Hears how many observations were added."""


def build(
    depot: Depot,
    segments: Sequence[Segment],
    schema: Schema,
    *,
    memory: str = "2GB",
    threads: int = 2,
    tell: Tell = lambda _: None,
) -> Pack:
    """A pack of segments of one dataflow, at most one of each agreement; older ones of the dataflow go.

    Nothing of it is usable before all of it is durable. NoSpace and Unavailable leave nothing behind.
    """
    held = sorted((s for s in segments if s.observations), key=lambda segment: segment.agreement)
    dataflow = held[0].dataflow
    name = f"{folder_of(dataflow)}{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{token_hex(4)}"
    with _draft(depot.local / "open") as path:
        with depot.holding([f"open/{segment.name}.parquet" for segment in held]) as files:
            pack = _Builder(held, files, schema, path, memory, threads).build(name, tell)
        with depot.writing() as new, path.open("rb") as made:
            shutil.copyfileobj(made, new.file, 1 << 20)
            new.name = name + FILE
    with depot.writing() as new:
        new.file.write(pack.as_json())
        new.name = name + TOLD
    for older in names(depot, dataflow):
        if older < name:
            removed(depot, older)
    return pack


@contextmanager
def _draft(folder: Path) -> Iterator[Path]:
    """A place for a file that the engine writes; a crash leaves drafts, as all do, that a sweep removes."""
    path = folder / f".{token_hex(8)}{SUFFIX}"
    try:
        yield path
    except duckdb.OutOfMemoryException as fault:
        told = "The pack needs more memory than it may take: set MIGDX_MEMORY_MB higher"
        raise Unavailable(told) from fault
    except duckdb.IOException as fault:
        if "space" in str(fault).lower():
            raise NoSpace("There is no space left for a pack; everything goes on without it") from fault
        raise Unavailable("A segment cannot be read, so that no pack is made") from fault
    finally:
        for left in (path, path.with_name(path.name + ".wal")):
            left.unlink(missing_ok=True)
        shutil.rmtree(path.with_name(path.name + ".tmp"), ignore_errors=True)


class _Builder:
    def __init__(
        self,
        segments: Sequence[Segment],
        files: Sequence[Path],
        schema: Schema,
        path: Path,
        memory: str,
        threads: int,
    ) -> None:
        self.segments, self.files, self.path = segments, [str(file) for file in files], path
        self.columns = frozenset().union(*(segment.columns for segment in segments))
        self.codes = {
            id: frozenset().union(*(segment.codes[id] for segment in segments)) for id in schema.key
        }
        self.time = schema.time.id if schema.time else ""
        self.engine = duckdb.connect(
            path,
            config={
                "memory_limit": memory, "threads": threads, "temp_directory": f"{path}.tmp",
                "autoinstall_known_extensions": False, "autoload_known_extensions": False,
            },
        )  # fmt: skip

    def build(self, name: str, tell: Tell) -> Pack:
        with closing(self.engine):
            kept = self._columns()
            texts = [id for id, type in kept.items() if type == "VARCHAR" and id in self.columns]
            values = self._few([id for id in texts if id not in self.codes])
            self._rows(kept, {id: sorted(held) for id, held in self.codes.items()} | values, tell)
            self._series()
            self.engine.execute("CHECKPOINT")
        return Pack(
            name,
            self.segments[0].dataflow,
            tuple(segment.name for segment in self.segments),
            tuple(segment.of or segment.name for segment in self.segments),
            self.columns,
            self.codes,
            frozenset(values),
            sum(segment.observations for segment in self.segments),
            self.path.stat().st_size,
        )

    def _columns(self) -> dict[str, str]:
        """The columns of the files with their types; not those by which only files are read."""
        found = self.engine.execute(
            "DESCRIBE SELECT * FROM read_parquet($files, union_by_name = true)", {"files": self.files}
        ).fetchall()
        left = {"_start", "_end", "_since"}
        return {name: type for name, type, *_ in found if name not in left}

    def _few(self, ids: Sequence[str]) -> dict[str, list[str]]:
        """The values of the attributes that have few; a first look takes little memory, however many."""
        source = "FROM read_parquet($files, union_by_name = true)"
        found: dict[str, list[str]] = {}
        if not ids:
            return found
        about = ", ".join(f"approx_count_distinct({quoted(id)})" for id in ids)
        (numbers,) = self.engine.execute(f"SELECT {about} {source}", {"files": self.files}).fetchall()
        for id, number in zip(ids, numbers, strict=True):
            if number <= FEW:
                rows = self.engine.execute(
                    f"SELECT DISTINCT {quoted(id)} {source} WHERE {quoted(id)} IS NOT NULL",
                    {"files": self.files},
                ).fetchall()
                if all(isinstance(value, str) for (value,) in rows):
                    found[id] = sorted(value for (value,) in rows)
        return found

    def _rows(self, columns: dict[str, str], values: dict[str, list[str]], tell: Tell) -> None:
        types = dict(columns)
        for at, (id, each) in enumerate(values.items()):
            listed = ", ".join(_literal(value) for value in each or [""])
            self.engine.execute(f"CREATE TYPE {kind(at)} AS ENUM ({listed})")
            types[id] = kind(at)
        made = ", ".join(f"{quoted(id)} {type}" for id, type in types.items())
        self.engine.execute(f"CREATE TABLE {ROWS} ({made}, _segment UINTEGER)")
        names = ", ".join(quoted(id) for id in types)
        for start, end in self._steps():
            self.engine.execute(
                f"INSERT INTO {ROWS} BY NAME SELECT {names}, (file_index + $start)::UINTEGER AS _segment"
                " FROM read_parquet($files, union_by_name = true)",
                {"files": self.files[start:end], "start": start},
            )
            tell(sum(segment.observations for segment in self.segments[start:end]))

    def _steps(self) -> Iterator[tuple[int, int]]:
        start, waiting = 0, 0
        for at, segment in enumerate(self.segments, 1):
            waiting += segment.observations
            if waiting >= AT_ONCE or at == len(self.segments):
                yield start, at
                start, waiting = at, 0

    def _series(self) -> None:
        """One row for each series that has an open observation, in order, with the set of its periods."""
        free = "true"
        if CONFIDENTIALITY in self.columns:
            free = f"coalesce({quoted(CONFIDENTIALITY)}::VARCHAR, '') IN ('', {_literal(FREE)})"
        kept = [f"first({quoted(id)}) AS {quoted(id)}" for id in self.codes if id != self.time]
        if self.time:
            number = f"enum_code({quoted(self.time)})::INTEGER"
            kept += (
                f"bit_or(CASE WHEN {number} BETWEEN {at * BITS} AND {at * BITS + BITS - 1}"
                f" THEN 1::UBIGINT << ({number} - {at * BITS}) ELSE 0 END)::UBIGINT AS {name}"
                for at, name in enumerate(period_sets(len(self.codes[self.time])))
            )
        self.engine.execute(
            f"CREATE TABLE {SERIES} AS SELECT _segment, _series, {', '.join(kept)} FROM {ROWS}"
            f" WHERE {free} GROUP BY _segment, _series ORDER BY _segment, _series"
        )


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
