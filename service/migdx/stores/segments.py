"""The default store: immutable Parquet files, sorted by series and period, read by DuckDB in this process.

A revision is an open file and, when something is masked, a restricted one beside it with what the open one
hides; the engine may open the open files only. A segment's own counts decide whether it is read at all. Files
are in order of agreement and sorted inside, so that an answer streams without a sort.
"""

from __future__ import annotations

import logging
import os
import re
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..columns import each_once
from ..dataset import Coded, coded
from ..depots import Depot
from ..durable import make_folder
from ..errors import NotFound, TooLarge, Unavailable
from ..periods import parse_period
from ..plan import Availability, Plan
from ..schema import CONFIDENTIALITY, FREE, STATUS, SUPPRESSED, Schema
from . import Segment
from .duck import Sifter, Statement, counts, rows

_log = logging.getLogger(__name__)

LONGEST = 20.0
"""Seconds that one step of an answer may take in the engine."""

LOOK = 0.25
"""Seconds between two looks at the steps that are under way."""

OPEN, RESTRICTED = "open", "restricted"
"""The parts of the depot: what everyone may see once it is released, and what is masked there."""

ROW_GROUP = 30_000
BATCH = 65_536
_INTERNAL = ("_series", "_before", "_after")
_PART = re.compile(r"[^A-Za-z0-9.-]+")


class SegmentStore:
    """The segments of a depot; `memory` and `threads` bound the engine of this process."""

    def __init__(self, depot: Depot, memory: str = "1GB", threads: int | None = None) -> None:
        self.depot = depot
        make_folder(depot.local / OPEN)
        self._engine = _engine(depot.local / OPEN, memory, threads or os.cpu_count() or 1)
        self._lock = threading.Lock()
        self._watch = _Watch()

    def close(self) -> None:
        self._watch.close()
        self._engine.close()

    def write(self, table: pa.Table, schema: Schema, *, agreement: str, revision: int) -> Segment:
        table, series = _sorted(table, schema)
        masked = _masked(table)
        flow = schema.dataflow.reference.short
        name = f"{_PART.sub('_', flow)}/{_PART.sub('_', agreement)}-{revision}-{token_hex(6)}"
        if masked.any():
            kept = table.select(list(schema.hidden)).filter(pa.array(masked))
            kept = kept.append_column("_row", pa.array(np.flatnonzero(masked)))
            self._write(RESTRICTED, name, kept)
        self._write(OPEN, name, _opened(table, schema, masked))
        dimensions = {id: coded(table.column(id)) for id in schema.key}
        return Segment(
            name,
            flow,
            agreement,
            revision,
            observations=table.num_rows,
            series=len(each_once(series[~masked])),
            codes={id: _counts(column, masked) for id, column in dimensions.items()},
            start=pc.min(table.column("_start")).as_py() if schema.time else None,
            end=pc.max(table.column("_end")).as_py() if schema.time else None,
            restricted=bool(masked.any()),
            columns=[component.id for component in schema.components],
        )

    def read(self, segment: Segment) -> pa.Table:
        try:
            return self._whole(segment)
        except (OSError, NotFound, pa.ArrowException) as fault:
            _log.exception("The segment %s cannot be read", segment.name)
            raise Unavailable(
                f"Revision {segment.revision} of {segment.agreement} cannot be read now"
            ) from fault

    def _whole(self, segment: Segment) -> pa.Table:
        table = self._read(OPEN, segment.name)
        table = table.drop_columns([name for name in _INTERNAL if name in table.column_names])
        if not segment.restricted:
            return table
        kept = self._read(RESTRICTED, segment.name)
        source = np.arange(table.num_rows)
        source[kept.column("_row").to_numpy()] = table.num_rows + np.arange(kept.num_rows)
        for name in kept.column_names:
            if name in table.column_names:
                both = pa.chunked_array(
                    [*table.column(name).chunks, *kept.column(name).chunks], table.field(name).type
                )
                whole = both.unify_dictionaries().take(pa.array(source))
                table = table.set_column(table.column_names.index(name), name, whole)
        return table

    def select(self, plan: Plan, segments: Sequence[Segment]) -> Iterator[pa.RecordBatch]:
        sifter = Sifter(plan)
        chosen = [segment for segment in _in_order(segments) if sifter.share(segment) is not False]
        return self._stream(rows(sifter, chosen, self._paths(chosen)), chosen) if chosen else iter(())

    def count(self, plan: Plan, segments: Sequence[Segment]) -> Availability:
        sifter = Sifter(plan)
        shares = [(segment, sifter.share(segment)) for segment in _in_order(segments)]
        cut = plan.first_n or plan.last_n or plan.offset or plan.limit
        whole = [segment for segment, part in shares if part and not cut]
        rest = [segment for segment, part in shares if part is None or (part and cut)]
        codes: dict[str, dict[str, int]] = {id: {} for id in plan.schema.key}
        series = sum(segment.series for segment in whole)
        for segment in whole:
            for id, found in segment.codes.items():
                _add(codes[id], found)
        if rest:
            for batch in self._stream(counts(sifter, rest, self._paths(rest)), rest):
                for id, code, number in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                    if id is None:
                        series += number
                    else:
                        _add(codes[id], {code: number})
        periods = [parse_period(text) for text in codes[plan.schema.time.id]] if plan.schema.time else []
        return Availability(
            codes,
            series,
            observations=sum(codes[plan.schema.key[0]].values()),
            start=min((period.start for period in periods if period), default=None),
            end=max((period.end for period in periods if period), default=None),
        )

    def sweep(self, keep: Sequence[Segment], age: timedelta = timedelta(hours=1)) -> list[str]:
        kept = {_file(part, segment.name) for segment in keep for part in (OPEN, RESTRICTED)}
        before = datetime.now(UTC) - age
        swept = self.depot.sweep(age)
        for part in (OPEN, RESTRICTED):
            for file in self.depot.names(f"{part}/"):
                if file.name.endswith(".parquet") and file.name not in kept and file.written < before:
                    self.depot.remove(file.name)
                    swept.append(file.name)
        return swept

    def _write(self, part: str, name: str, table: pa.Table) -> None:
        with self.depot.writing() as new:
            _write(new.file, table)
            new.name = _file(part, name)

    def _read(self, part: str, name: str) -> pa.Table:
        with self.depot.holding([_file(part, name)]) as (path,):
            return _read(path)

    def _paths(self, segments: Sequence[Segment]) -> list[str]:
        return [str(self.depot.local / _file(OPEN, segment.name)) for segment in segments]

    def _stream(self, statement: Statement, segments: Sequence[Segment]) -> Iterator[pa.RecordBatch]:
        """One cursor per answer, opened at the first batch and closed with the iterator; the files of
        `segments` stay so long.
        """
        with ExitStack() as held:
            try:
                held.enter_context(self.depot.holding([_file(OPEN, segment.name) for segment in segments]))
            except NotFound as fault:
                _log.exception("A segment is missing")
                raise Unavailable("Part of the data cannot be read now") from fault
            with self._lock:
                cursor = self._engine.cursor()
            held.callback(cursor.close)
            yield from self._batches(cursor, statement)

    def _batches(self, cursor: duckdb.DuckDBPyConnection, statement: Statement) -> Iterator[pa.RecordBatch]:
        with self._watch.over(cursor):
            # sql() streams; execute() would hold the whole answer first
            reader = cursor.sql(statement.text, params=statement.parameters).to_arrow_reader(BATCH)
        try:
            while True:
                with self._watch.over(cursor):
                    batch = next(reader, None)
                if batch is None:
                    return
                if batch.num_rows:
                    yield batch
        finally:
            reader.close()


class _Watch:
    """Ends steps of the engine that take longer than LONGEST seconds; a slow reader's time does not count."""

    def __init__(self) -> None:
        self._steps: dict[int, tuple[duckdb.DuckDBPyConnection, float]] = {}
        self._closed = threading.Event()
        threading.Thread(target=self._look, daemon=True).start()

    def close(self) -> None:
        self._closed.set()

    @contextmanager
    def over(self, cursor: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """One step; TooLarge when it was ended, Unavailable when a file cannot be read."""
        self._steps[id(cursor)] = cursor, time.monotonic() + LONGEST
        try:
            yield
        except duckdb.InterruptException:
            told = (
                f"The query takes longer than {LONGEST:.0f} seconds; name fewer codes, periods or conditions"
            )
            raise TooLarge(told) from None
        except (duckdb.IOException, duckdb.InvalidInputException, OSError) as fault:
            _log.exception("A segment cannot be read")
            raise Unavailable("Part of the data cannot be read now") from fault
        finally:
            del self._steps[id(cursor)]

    def _look(self) -> None:
        while not self._closed.wait(LOOK):
            now = time.monotonic()
            for cursor, deadline in list(self._steps.values()):
                if now > deadline:
                    with suppress(duckdb.Error):  # it may just have ended
                        cursor.interrupt()


def _engine(folder: Path, memory: str, threads: int) -> duckdb.DuckDBPyConnection:
    """DuckDB that opens files of one folder, installs nothing, and cannot be told otherwise."""
    off = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
    }
    engine = duckdb.connect(":memory:", config={"memory_limit": memory, "threads": threads, **off})
    quoted = str(folder).replace("'", "''")
    for setting in (
        f"temp_directory = '{quoted}/.spill'",
        "preserve_insertion_order = true",
        # DuckDB 2.0.0: in_clause makes a join of five values or more, which loses the order of rows;
        # late_materialization fails on LIMIT when columns are compared that are not selected
        "disabled_optimizers = 'in_clause,late_materialization'",
        "parquet_metadata_cache = true",  # files never change
        f"allowed_directories = ['{quoted}']",
        "enable_external_access = false",
        "lock_configuration = true",
    ):
        engine.execute(f"SET {setting}")
    return engine


def _file(part: str, name: str) -> str:
    return f"{part}/{name}.parquet"


def _in_order(segments: Sequence[Segment]) -> list[Segment]:
    return sorted(
        (segment for segment in segments if segment.observations), key=lambda segment: segment.agreement
    )


def _add(total: dict[str, int], found: dict[str, int]) -> None:
    for code, number in found.items():
        if number:
            total[code] = total.get(code, 0) + number


# --- writing ---------------------------------------------------------------------------------------------


def _sorted(table: pa.Table, schema: Schema) -> tuple[pa.Table, npt.NDArray[np.int32]]:
    """In natural order, with the number of each row's series, and of the rows `_before` and `_after` it
    there.
    """
    ranks = [_ranks(coded(table.column(dimension.id))) for dimension in schema.series_dimensions]
    time = []
    if schema.time:
        time = [table.column("_start").to_numpy(), _ranks(coded(table.column(schema.time.id)))]
    order = np.lexsort([*reversed([*ranks, *time])])
    new = np.zeros(table.num_rows, bool)
    new[:1] = True
    for rank in ranks:
        new[1:] |= np.diff(rank[order]) != 0
    series = (np.cumsum(new) - 1).astype(np.int32)
    starts = np.flatnonzero(new)
    sizes = np.diff([*starts, table.num_rows])
    before = (np.arange(table.num_rows) - np.repeat(starts, sizes)).astype(np.int32)
    after = (np.repeat(sizes, sizes) - 1 - before).astype(np.int32)
    table = table.take(pa.array(order))
    for name, numbers in zip(_INTERNAL, (series, before, after), strict=True):
        table = table.append_column(name, pa.array(numbers))
    return table, series


def _ranks(column: Coded) -> npt.NDArray[np.int32]:
    """Numbers that sort as the texts do, by code point."""
    ranks = np.empty(len(column.values) + 1, np.int32)
    ranks[sorted(range(len(column.values)), key=column.values.__getitem__)] = np.arange(len(column.values))
    ranks[-1] = -1  # where a missing text points to
    found: npt.NDArray[np.int32] = ranks[column.codes]
    return found


def _masked(table: pa.Table) -> npt.NDArray[np.bool_]:
    if CONFIDENTIALITY not in table.column_names:
        return np.zeros(table.num_rows, bool)
    status = coded(table.column(CONFIDENTIALITY))
    closed = np.array([value not in ("", FREE) for value in status.values] + [False])
    found: npt.NDArray[np.bool_] = closed[status.codes]
    return found


def _opened(table: pa.Table, schema: Schema, masked: npt.NDArray[np.bool_]) -> pa.Table:
    """The table as the public may see it."""
    if not masked.any():
        return table
    for name in schema.hidden:
        column = table.column(name)
        column = column.cast(pa.utf8()) if pa.types.is_dictionary(column.type) else column
        value = pa.scalar(SUPPRESSED if name == STATUS else None, column.type)
        table = table.set_column(
            table.column_names.index(name), name, pc.if_else(pa.array(masked), value, column)
        )
    return table


def _counts(column: Coded, masked: npt.NDArray[np.bool_]) -> dict[str, int]:
    size = len(column.values)
    present = np.bincount(column.codes[column.codes >= 0], minlength=size)
    opened = np.bincount(column.codes[(column.codes >= 0) & ~masked], minlength=size)
    return {value: int(opened[at]) for at, value in enumerate(column.values) if present[at]}


def _write(file: BinaryIO, table: pa.Table) -> None:
    """Text is written as text, piece by piece: a dictionary would carry values that no row has any more."""
    plain = pa.schema(
        [(f.name, pa.utf8() if pa.types.is_dictionary(f.type) else f.type) for f in table.schema]
    )
    with pq.ParquetWriter(file, plain, compression="zstd", version="2.6", store_schema=False) as writer:
        for at in range(0, table.num_rows, ROW_GROUP):
            writer.write_table(table.slice(at, ROW_GROUP).cast(plain))


def _read(path: Path) -> pa.Table:
    """With the types of `Dataset.table`: texts as dictionaries, but not the senders' texts of numbers."""
    with pq.ParquetFile(path) as file:
        texts = [
            f.name
            for f in file.schema_arrow
            if pa.types.is_string(f.type) and not f.name.startswith("_text_")
        ]
    return pq.read_table(path, read_dictionary=texts, partitioning=None)
