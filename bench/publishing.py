"""Publishing a revision of about 50,000 observations, once a second, while four readers ask for single series
and wildcards: ours, with readers and publisher in processes of their own, beside one DuckDB process that
reads and writes, with four reader threads and a writer thread.

`python bench/publishing.py --folder /tmp/speed/1e7 --rows 10000000 [--seconds 20]`. The folder is built first
where it is not yet (bench/store_build.py) and stays as it is: both work on copies. A publication is what
stands between a checked table and its release: fold, write, make durable, ledger; there: delete, insert,
commit.
"""

from __future__ import annotations

import argparse
import multiprocessing as mp
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import store_build
import store_cube
import stores

READERS = 4
OBSERVATIONS = 50_000
EVERY = 1.0
"""Seconds from the beginning of a publication to that of the next."""


@dataclass
class Told:
    """Reads in each second, and the seconds that each publication took."""

    reads: float = 0
    publications: list[float] = field(default_factory=list)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--seconds", type=float, default=20)
    asked = parser.parse_args()
    store_build.made(asked.folder, asked.rows)
    sizes = store_cube.sizes(asked.rows)
    area = min(range(len(sizes)), key=lambda number: abs(sizes[number] - OBSERVATIONS))
    native = duckdb.connect(asked.folder / "native.duckdb", read_only=True)
    questions = stores.questions(native, asked.rows)[:2]
    native.close()
    print(f"area {store_cube.AREAS[area]}: about {sizes[area]:,} observations")
    with tempfile.TemporaryDirectory(prefix="migdx-bench-", dir=asked.folder.parent) as made:
        for name, run in (("ours", ours), ("one DuckDB process", one_process)):
            folder = Path(made) / name.replace(" ", "-")
            alone, beside = run(asked.folder, folder, questions, area, sizes[area], asked.seconds)
            took = np.array(beside.publications) * 1e3
            print(
                f"{name:20} {len(took):4} publications, median {np.median(took):7.0f} ms,"
                f" p95 {np.percentile(took, 95):7.0f} ms; reads/s alone {alone.reads:7.0f},"
                f" beside {beside.reads:7.0f} ({beside.reads / alone.reads - 1:+.0%})",
                flush=True,
            )


def revisions(area: int, size: int) -> Iterator[pa.Table]:
    """The same keys with other figures, again and again."""
    made = [store_cube.area(area, size, revision=revision) for revision in (2, 3)]
    while True:
        yield from made


def paced(publish: Callable[[], Any], seconds: float) -> list[float]:
    took, end = [], time.monotonic() + seconds
    while (begun := time.monotonic()) < end:
        publish()
        took.append(time.monotonic() - begun)
        time.sleep(max(0.0, EVERY - took[-1]))
    return took


# --- ours ----------------------------------------------------------------------------------------


def ours(source: Path, folder: Path, questions: Any, area: int, size: int, seconds: float) -> Any:
    shutil.copytree(source / "segments", folder / "segments", copy_function=stores._linked)
    shutil.copytree(source / "blobs", folder / "blobs")
    shutil.copy(source / "ledger.sqlite", folder / "ledger.sqlite")
    context = mp.get_context("spawn")
    stop, ready = context.Event(), context.Barrier(READERS + 1)
    counts = [context.Value("q", 0) for _ in range(READERS)]
    readers = [context.Process(target=_reader, args=(folder, questions, stop, ready, one)) for one in counts]
    for reader in readers:
        reader.start()
    ready.wait()

    def measured(work: Callable[[], list[float]]) -> Told:
        before, begun = sum(one.value for one in counts), time.monotonic()
        took = work()
        return Told((sum(one.value for one in counts) - before) / (time.monotonic() - begun), took)

    alone = measured(lambda: time.sleep(seconds) or [])
    sent: Any = context.Queue()
    publisher = context.Process(target=_publisher, args=(folder, area, size, seconds, sent))
    publisher.start()
    sent.get()  # it has drawn its tables
    beside = measured(sent.get)
    stop.set()
    for process in (*readers, publisher):
        process.join()
    return alone, beside


def _reader(folder: Path, questions: Any, stop: Any, ready: Any, count: Any) -> None:
    exchange = store_build.opened(folder, "512MB", 1)
    reads = [stores.ours(exchange, question) for question in questions]
    expected = [read()[0] for read in reads]
    ready.wait()
    while not stop.is_set():
        for read, rows in zip(reads, expected, strict=True):
            if read()[0] != rows:
                raise SystemExit("a read found another number of observations")
            count.value += 1
    exchange.close()


def _publisher(folder: Path, area: int, size: int, seconds: float, sent: Any) -> None:
    exchange, schema = store_build.opened(folder, "512MB", 1), None
    schema, code = store_build.schema_of(exchange), store_cube.AREAS[area]
    tables = revisions(area, size)
    next(tables)
    sent.put(None)

    def publish() -> None:
        agreement = f"PA_{code}"
        previous = exchange.ledger.history().latest[agreement, store_build.FLOW]
        segment = exchange.store.write(
            next(tables), schema, agreement=agreement, revision=previous.revision + 1,
            previous=previous.segment,
        )  # fmt: skip
        store_build.publish(exchange, code, segment)

    sent.put(paced(publish, seconds))
    exchange.close()


# --- one process ---------------------------------------------------------------------------------


def one_process(source: Path, folder: Path, questions: Any, area: int, size: int, seconds: float) -> Any:
    folder.mkdir()
    shutil.copy(source / "native.duckdb", folder / "native.duckdb")
    made = duckdb.connect(folder / "native.duckdb", config={"threads": 2, "memory_limit": "2GB"})
    stop, counts = threading.Event(), [0] * READERS

    def reader(number: int) -> None:
        reads = [stores.limit(made, question) for question in questions]
        while not stop.is_set():
            for read in reads:
                read()
                counts[number] += 1

    tables, code = revisions(area, size), store_cube.AREAS[area]
    next(tables)
    writer = made.cursor()

    def publish() -> None:
        revision = next(tables)
        writer.execute("BEGIN")
        writer.execute(f"DELETE FROM obs WHERE REF_AREA = '{code}'")
        writer.execute(f"INSERT INTO obs SELECT {stores.LISTED} FROM revision")
        writer.execute("COMMIT")
        del revision

    threads = [threading.Thread(target=reader, args=(number,)) for number in range(READERS)]
    for thread in threads:
        thread.start()
    told = []
    for work in (lambda: time.sleep(seconds) or [], lambda: paced(publish, seconds)):
        before, begun = sum(counts), time.monotonic()
        took = work()
        told.append(Told((sum(counts) - before) / (time.monotonic() - begun), took))
    stop.set()
    for thread in threads:
        thread.join()
    made.close()
    return told


if __name__ == "__main__":
    main()
