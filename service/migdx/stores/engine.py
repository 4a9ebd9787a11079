"""The engine of this process: DuckDB that opens the files of one folder, installs nothing, and ends what is
too long.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb
import pyarrow as pa

from ..errors import TooLarge, Unavailable
from .duck import Statement

_log = logging.getLogger(__name__)

LONGEST = 20.0
"""Seconds that one step of an answer may take."""

LOOK = 0.25
"""Seconds between two looks at the steps that are under way."""

BATCH = 65_536


class Engine:
    """`memory` and `threads` bound it; it opens what is below `folder` and nothing else."""

    def __init__(self, folder: Path, memory: str, threads: int) -> None:
        self._connection = _connected(folder, memory, threads)
        self._lock = threading.Lock()
        self._watch = _Watch()

    def close(self) -> None:
        self._watch.close()
        self._connection.close()

    def cursor(self) -> duckdb.DuckDBPyConnection:
        with self._lock:
            return self._connection.cursor()

    def attach(self, path: Path, alias: str) -> None:
        """Opens a DuckDB file for reading, as `alias`."""
        with self._lock:
            self._connection.execute(f"ATTACH '{_text(path)}' AS {alias} (READ_ONLY)")

    def detach(self, alias: str) -> None:
        """Closes it; whoever reads from it reads on."""
        with self._lock:
            self._connection.execute(f"DETACH DATABASE IF EXISTS {alias}")

    def stream(self, statement: Statement) -> Iterator[pa.RecordBatch]:
        """One cursor per answer, opened at the first batch and closed with the iterator."""
        cursor = self.cursor()
        try:
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
        finally:
            cursor.close()


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


def _connected(folder: Path, memory: str, threads: int) -> duckdb.DuckDBPyConnection:
    """DuckDB that opens files of one folder, installs nothing, and cannot be told otherwise."""
    off = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
    }
    engine = duckdb.connect(":memory:", config={"memory_limit": memory, "threads": threads, **off})
    quoted = _text(folder)
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


def _text(path: Path) -> str:
    return str(path).replace("'", "''")
