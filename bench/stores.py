"""Ours beside a native, sorted DuckDB table of the same rows (the limit) and rows in PostgreSQL (the peer).

`python bench/stores.py --folder /tmp/speed/1e7 --rows 10000000 [--peer] [--rounds 15]`. The folder is built
first where it is not yet (bench/store_build.py). Warm, one client, interleaved round by round; medians, p95,
and CPU seconds of this process. Ours is what an exchange does for a request after the URL is parsed: it asks
the ledger what is public, plans, and reads record batches to the end; five areas were published anew after
the pack was built. The same without the pack is shown too.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import store_build
import store_cube
import store_peer

from migdx.exchange import Exchange
from migdx.query import DataQuery, parse_keys

Found = tuple[int, int]
"""Rows, or observations counted, and the sum of their figures."""
Read = Callable[[], Found]
LISTED = ", ".join((*store_cube.KEY, "TIME_PERIOD", "OBS_VALUE", "_text_OBS_VALUE", *store_cube.ATTRIBUTES))
DIMENSIONS = (*store_cube.KEY, "TIME_PERIOD")


@dataclass(frozen=True)
class Question:
    """`key` is that of a SDMX query; `most` is how much of the native table's time is allowed."""

    name: str
    key: dict[str, str]
    most: float
    last: bool = False
    counted: bool = False

    @property
    def query(self) -> DataQuery:
        text = ".".join(self.key.get(id, "") for id in store_cube.KEY)
        return DataQuery(
            "dataflow", ("BENCH",), ("DF_BENCH",), ("1.0.0",), keys=tuple(parse_keys(text)),
            last_n=1 if self.last else 0,
        )  # fmt: skip

    @property
    def where(self) -> str:
        return " AND ".join(f"{id} = '{code}'" for id, code in self.key.items())


def questions(native: duckdb.DuckDBPyConnection, rows: int) -> list[Question]:
    """One series; wildcards of about 1,000 observations; an area of about 136,000; and so on."""
    areas = native.execute("SELECT REF_AREA::VARCHAR, count(*) FROM obs GROUP BY 1 ORDER BY 1").fetchall()
    areas = [(area, number) for area, number in areas if area not in store_build.AGAIN]
    area = min(areas, key=lambda found: abs(found[1] - min(136_000, rows / 75)))[0]
    told = native.execute(
        "SELECT INDICATOR::VARCHAR, BIRTH::VARCHAR, count(*) FROM obs WHERE REF_AREA = $area GROUP BY 1, 2",
        {"area": area},
    ).fetchall()
    indicator, birth, _ = min(told, key=lambda found: abs(found[2] - 1000))
    one = native.execute(
        f"SELECT {', '.join(f'{id}::VARCHAR' for id in store_cube.KEY)} FROM obs WHERE REF_AREA = '{area}'"
        f" AND INDICATOR = '{indicator}' LIMIT 1 OFFSET 100"
    ).fetchone()
    pairs = native.execute(
        "SELECT INDICATOR::VARCHAR, PARTNER::VARCHAR, count(*) FROM obs GROUP BY 1, 2"
    ).fetchall()
    pair = min(pairs, key=lambda found: abs(found[2] - 15_500 * min(1, rows / 1e8)))
    assert one
    return [
        Question("one series", dict(zip(store_cube.KEY, one, strict=True)), 2),
        Question("wildcards, 1,000 obs", {"REF_AREA": area, "INDICATOR": indicator, "BIRTH": birth}, 2),
        Question("a whole area", {"REF_AREA": area}, 1.5),
        Question("all areas, INDICATOR x PARTNER", {"INDICATOR": pair[0], "PARTNER": pair[1]}, 4),
        Question("last obs of an indicator", {"INDICATOR": "I05"}, 1.5, last=True),
        Question("availability of an area", {"REF_AREA": area}, 0.5, counted=True),
        Question("availability of an indicator", {"INDICATOR": "I05"}, 0.5, counted=True),
    ]


# --- the contestants -------------------------------------------------------------------------------------


def ours(exchange: Exchange, question: Question) -> Read:
    def data() -> Found:
        return _summed(_batches(exchange, question.query))

    def counted() -> Found:
        found = exchange.availability(question.query)
        return found.observations, len(found.codes["PARTNER"])

    return counted if question.counted else data


def _batches(exchange: Exchange, query: DataQuery) -> Iterator[pa.RecordBatch]:
    for dataset in exchange.data(query).datasets:
        yield from dataset.batches


def limit(native: duckdb.DuckDBPyConnection, question: Question) -> Read:
    """The quickest of the ways tried to say it in SQL; texts stay enumerated, as the table has them."""
    source = f"FROM obs WHERE {question.where}"
    text = f"SELECT {LISTED} {source}"
    if question.last:
        series = ", ".join(store_cube.KEY)
        text += f" QUALIFY row_number() OVER (PARTITION BY {series} ORDER BY TIME_PERIOD DESC) = 1"
    if question.counted:
        sets = ", ".join(f"({id})" for id in DIMENSIONS)
        free = "AND (CONF_STATUS IS NULL OR CONF_STATUS = 'F')"
        text = f"SELECT {', '.join(DIMENSIONS)}, count(*) AS n {source} {free}"
        text += f" GROUP BY GROUPING SETS ({sets}, ())"
    return lambda: _streamed(native, text, counted=question.counted)


def _streamed(native: duckdb.DuckDBPyConnection, text: str, *, counted: bool = False) -> Found:
    cursor = native.cursor()
    try:
        reader = cursor.sql(text).to_arrow_reader(65_536)
        if not counted:
            return _summed(reader)
        found = reader.read_all()
        return pc.max(found.column("n")).as_py(), pc.count(found.column("PARTNER")).as_py()
    finally:
        cursor.close()


def _summed(batches: Iterable[pa.RecordBatch]) -> Found:
    """Rows, and the sum of the figures, which are whole: a wrong or missing one shows."""
    rows, total = 0, 0.0
    for batch in batches:
        rows += batch.num_rows
        for name in batch.schema.names:
            if pa.types.is_floating(batch.schema.field(name).type):
                total += pc.sum(batch.column(name)).as_py() or 0.0
    return rows, int(total)


def without_pack(folder: Path, memory: str) -> Exchange:
    """The same exchange in a folder whose depot has the segments and no packs."""
    bare = folder / "bare"
    if not bare.exists():
        shutil.copytree(folder / "segments", bare / "segments", copy_function=_linked, ignore=_packs)
    (bare / "ledger.sqlite").unlink(missing_ok=True)
    shutil.copy(folder / "ledger.sqlite", bare / "ledger.sqlite")
    return store_build.opened(bare, memory)


def _linked(source: str, goal: str) -> None:
    Path(goal).hardlink_to(source)


def _packs(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if name == "packs" or name.startswith(".")]


# --- measuring -------------------------------------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--peer", action="store_true", help="rows in PostgreSQL beside, which takes minutes")
    parser.add_argument("--memory", default="2GB", help="what the engine may take")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="migdx-bench-") as made:
        folder = asked.folder or Path(made)
        store_build.made(folder, asked.rows)
        measure(folder, asked)


def measure(folder: Path, asked: argparse.Namespace) -> None:
    exchange, bare = store_build.opened(folder, asked.memory), without_pack(folder, asked.memory)
    native = duckdb.connect(folder / "native.duckdb", read_only=True, config={"threads": 2})
    peer = store_peer.Peer(store_build.files(exchange, folder)) if asked.peer else None
    print(f"\n{'':31}{'obs':>9} | ours median   p95 | segments alone | native table   p95 |", end="")
    print(f"{' PostgreSQL |' if peer else ''} ours/native, in CPU | at most")
    for question in questions(native, asked.rows):
        readers = {
            "ours": ours(exchange, question),
            "bare": ours(bare, question),
            "native": limit(native, question),
        }
        if peer:
            readers["peer"] = peer.read(question)
        line(question.name, question.most, readers, asked.rounds)
    mirrors = {
        "ours": lambda: mirrored(exchange),
        "bare": lambda: mirrored(bare),
        "native": lambda: _streamed(native, store_peer.mirror("obs")),
    }
    if peer:
        mirrors["peer"] = peer.mirrored
    line("mirror join of all pairs", 2, mirrors, max(3, asked.rounds // 3))
    print(f"\nlargest memory of this process: {_peak():.0f} MB; each of two engines may take {asked.memory}")
    if peer:
        peer.close()
    exchange.close()
    bare.close()


def line(name: str, most: float, readers: dict[str, Read], rounds: int) -> None:
    walls: dict[str, list[float]] = {who: [] for who in readers}
    cpus: dict[str, list[float]] = {who: [] for who in readers}
    found = {who: read() for who, read in readers.items()}
    if len(set(found.values())) > 1:
        print(f"{name}: the answers differ: {found}")
    for _ in range(rounds):
        for who, read in readers.items():
            wall, cpu = time.perf_counter(), time.process_time()
            read()
            walls[who].append((time.perf_counter() - wall) * 1e3)
            cpus[who].append((time.process_time() - cpu) * 1e3)
    middle = {who: float(np.median(each)) for who, each in walls.items()}
    high = {who: float(np.percentile(each, 95)) for who, each in walls.items()}
    ratio = float(np.median(np.array(walls["ours"]) / np.array(walls["native"])))
    work = sum(cpus["ours"]) / sum(cpus["native"])
    peer = f" {middle['peer']:10.1f} |" if "peer" in middle else ""
    print(
        f"{name:31}{found['ours'][0]:9,} |{middle['ours']:9.1f} {high['ours']:9.1f} |{middle['bare']:15.1f} |"
        f"{middle['native']:9.1f} {high['native']:9.1f} |{peer}{ratio:12.2f}{work:8.2f} |{most:8.1f}",
        flush=True,
    )


def mirrored(exchange: Exchange) -> Found:
    """The pairs, as the export of them asks for them."""
    arrived, left = (
        exchange.planned(replace(Question("", {"INDICATOR": indicator}, 0).query, attributes=("none",)))
        for indicator in store_cube.FLOWS
    )
    swap = {"REF_AREA": "PARTNER", "PARTNER": "REF_AREA"}
    on = {id: swap.get(id, id) for id in DIMENSIONS if id != "INDICATOR"}
    shown = exchange.consolidated.shown(exchange.public(), arrived.schema)
    return _summed(exchange.store.paired(arrived, left, on, shown))


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
