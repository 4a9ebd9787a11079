"""Builds what bench/stores.py measures, step by step, in a folder that stays: run it again, and it goes on
where it stopped. `python bench/store_build.py --folder /tmp/speed/1e8 --rows 100000000`.

An exchange with a submission and a release of each area, and a pack; then five areas send another revision,
which the pack lacks; and a native DuckDB table of the rows that are shown at the end, sorted and enumerated.
Every step says how long it took.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import store_cube

from migdx.blobs import Blobs
from migdx.depots.folder import FolderDepot
from migdx.exchange import Exchange
from migdx.ledger import Ledger
from migdx.registry import Registry
from migdx.schema import Schema
from migdx.stores import Segment
from migdx.stores.pack_build import build
from migdx.stores.segments import SegmentStore
from migdx.submission import Submission

FLOW = "BENCH:DF_BENCH(1.0.0)"
AGAIN = [store_cube.AREAS[at] for at in range(20, 200, 40)]
"""The areas that send a second revision, after the pack was built."""


def opened(folder: Path, memory: str = "2GB", threads: int = 2) -> Exchange:
    store = SegmentStore(FolderDepot(folder / "segments"), memory=memory, threads=threads)
    ledger = Ledger(f"sqlite:///{folder / 'ledger.sqlite'}")
    return Exchange(Registry(store_cube.structures()), store, ledger, Blobs(FolderDepot(folder / "blobs")))


def schema_of(exchange: Exchange) -> Schema:
    return exchange.registry.schema(exchange.registry.dataflow(FLOW).reference)


def publish(exchange: Exchange, area: str, segment: Segment) -> None:
    """What the ledger says of a revision that is stored: received, accepted, and public from now on."""
    made = Submission(
        f"{area}-{segment.revision}", segment.agreement, FLOW, area, "", "", "Replace", "accepted",
        by="bench", revision=segment.revision, segment=segment,
        counts={"received": segment.observations, "accepted": segment.observations},
    )  # fmt: skip
    with exchange.ledger.writing() as book:
        book.append("submission", made.as_dict())
        book.release({made.slot: made.revision}, public_from=None, by="bench", note="")


def stored(exchange: Exchange, folder: Path, rows: int) -> None:
    """A segment and a release of each area that has none yet."""
    known = {submission.provider for submission in exchange.ledger.history().submissions.values()}
    schema = schema_of(exchange)
    sizes = store_cube.sizes(rows)
    for number, area in enumerate(store_cube.AREAS):
        if area not in known:
            table = store_cube.area(number, sizes[number])
            segment = exchange.store.write(table, schema, agreement=f"PA_{area}", revision=1)
            publish(exchange, area, segment)


def files(exchange: Exchange, folder: Path) -> list[str]:
    """Those of the revisions that are shown, in natural order."""
    shown = exchange.public().submissions(FLOW)
    return [str(folder / "segments" / "open" / f"{s.segment.name}.parquet") for s in shown if s.segment]


def native(exchange: Exchange, folder: Path, rows: int) -> None:
    """One table with enumerated columns, in natural order, of what is shown at the end."""
    schema, path = schema_of(exchange), folder / "native.draft"
    path.unlink(missing_ok=True)
    made = duckdb.connect(path, config={"threads": 2, "memory_limit": "4GB"})
    columns = []
    for id in (*schema.key, "OBS_VALUE", "_text_OBS_VALUE", *store_cube.ATTRIBUTES):
        codes = store_cube.YEARS if id == "TIME_PERIOD" else store_cube.CODES.get(id)
        if codes:
            listed = ", ".join(f"'{code}'" for code in sorted(codes))
            made.execute(f"CREATE TYPE T_{id} AS ENUM ({listed})")
        columns.append(f"{id}::T_{id} AS {id}" if codes else id)
    made.execute(
        f"CREATE TABLE obs AS SELECT {', '.join(columns)} FROM read_parquet($files)",
        {"files": files(exchange, folder)},
    )
    made.close()
    path.rename(folder / "native.duckdb")


def packed(exchange: Exchange, folder: Path, rows: int) -> None:
    """Of the first revisions, whatever was sent since."""
    found = exchange.ledger.history().submissions.values()
    first = [s.segment for s in found if s.segment and s.revision == 1]
    pack = build(exchange.store.depot, first, schema_of(exchange))  # type: ignore[attr-defined]
    print(f"  the pack holds {pack.observations:,} observations in {pack.size / 1e6:,.0f} MB")


def again(exchange: Exchange, folder: Path, rows: int) -> None:
    """Second revisions of five areas: the same keys, other figures."""
    known = {submission.id for submission in exchange.ledger.history().submissions.values()}
    for area in AGAIN:
        if f"{area}-2" not in known:
            number = store_cube.AREAS.index(area)
            table = store_cube.area(number, store_cube.sizes(rows)[number], revision=2)
            segment = exchange.store.write(table, schema_of(exchange), agreement=f"PA_{area}", revision=2)
            publish(exchange, area, segment)


STEPS: list[tuple[str, Callable[[Exchange, Path, int], None]]] = [
    ("segments", stored), ("pack", packed), ("again", again), ("native", native),
]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=1_000_000)
    asked = parser.parse_args()
    made(asked.folder, asked.rows)


def made(folder: Path, rows: int) -> None:
    """All steps that were not taken yet."""
    folder.mkdir(parents=True, exist_ok=True)
    exchange = opened(folder)
    for name, step in STEPS:
        done = folder / f"{name}.done"
        if not done.exists():
            wall, cpu = time.perf_counter(), time.process_time()
            step(exchange, folder, rows)
            told = f"{name}: {time.perf_counter() - wall:.0f} s, {time.process_time() - cpu:.0f} CPU s"
            done.write_text(f"{told}, {datetime.now(UTC):%Y-%m-%d %H:%M}\n")
        print(done.read_text().strip(), flush=True)
    exchange.close()


if __name__ == "__main__":
    main()
