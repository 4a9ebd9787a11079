"""One series out of 10,000,000 observations in 200 segments: Store.select to Arrow, against a native DuckDB
table.

The peer holds the same rows, sorted, with enumerated columns, in one file that nobody may write meanwhile.
The limit is what the engine costs when there is nothing to find: SELECT 1 through the same calls. One run,
interleaved.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import cubes
import duckdb
import numpy as np
import pyarrow as pa

from migdx.depots.folder import FolderDepot
from migdx.periods import parse_period
from migdx.plan import Plan
from migdx.schema import SUPPRESSED, Schema
from migdx.stores import Segment
from migdx.stores.segments import SegmentStore

TARGET = 2.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--queries", type=int, default=400)
    asked = parser.parse_args()
    schema = cubes.schema()
    with tempfile.TemporaryDirectory(prefix="migdx-bench-") as folder:
        store = SegmentStore(FolderDepot(Path(folder) / "segments"), threads=2)
        began = time.perf_counter()
        table = cubes.table(asked.rows)
        segments = list(written(store, table, schema))
        loaded = time.perf_counter() - began
        native = native_table(store, segments, schema, Path(folder) / "native.duckdb")
        rng = np.random.default_rng(1)
        series = [
            tuple(table.column(id)[int(row)].as_py() for id in cubes.KEY)
            for row in rng.integers(0, table.num_rows, asked.queries)
        ]
        del table
        size = sum(path.stat().st_size for path in store.depot.local.rglob("*.parquet"))
        print(f"{asked.rows:,} observations in {len(segments)} segments, {size / asked.rows:.1f} bytes each,")
        print(f"drawn and written in {loaded:.0f} s; {asked.queries} series of {len(cubes.YEARS)}, in turn\n")
        compare(store, segments, schema, native, series)
        native.close()
        store.close()


def written(store: SegmentStore, table: pa.Table, schema: Schema) -> Iterator[Segment]:
    """A segment per reference area: rows of one area stand together."""
    periods = [parse_period(year) for year in cubes.YEARS]
    series = table.num_rows // len(periods)
    for name, days in (("_start", [p.start for p in periods if p]), ("_end", [p.end for p in periods if p])):
        table = table.append_column(name, pa.array(np.tile(np.array(days, np.int32), series)))
    areas = table.column("REF_AREA").combine_chunks()
    codes = areas.indices.to_numpy()
    starts = [0, *(np.flatnonzero(np.diff(codes)) + 1).tolist(), len(codes)]
    for start, end in pairwise(starts):
        area = areas.dictionary[int(codes[start])].as_py()
        yield store.write(table.slice(start, end - start), schema, agreement=f"PA_{area}", revision=1)


def native_table(
    store: SegmentStore, segments: list[Segment], schema: Schema, path: Path
) -> duckdb.DuckDBPyConnection:
    files = [str(store.depot.local / "open" / f"{segment.name}.parquet") for segment in segments]
    made = duckdb.connect(path, config={"threads": 2})
    columns = []
    for component in schema.components:
        if component.coded:
            codes = ", ".join(f"'{code}'" for code in sorted({*component.codes, SUPPRESSED}))
            made.execute(f"CREATE TYPE T_{component.id} AS ENUM ({codes})")
            columns.append(f"{component.id}::T_{component.id} AS {component.id}")
        else:
            columns.append(component.id)
    made.execute(
        f"CREATE TABLE obs AS SELECT {', '.join(columns)}, _text_OBS_VALUE FROM read_parquet($files)",
        {"files": files},
    )
    made.close()
    return duckdb.connect(path, read_only=True, config={"threads": 2})


def compare(
    store: SegmentStore, segments: list[Segment], schema: Schema, native: duckdb.DuckDBPyConnection,
    series: list[tuple[str, ...]],
) -> None:  # fmt: skip
    attributes = tuple(attribute.id for attribute in schema.attributes)
    plan = Plan(schema, measures=("OBS_VALUE",), attributes=attributes)
    listed = ", ".join(plan.columns)
    where = " AND ".join(f"{id} = ${id}" for id in cubes.KEY)

    def ours(key: tuple[str, ...]) -> list[pa.RecordBatch]:
        alternative = tuple((id, frozenset([code])) for id, code in zip(cubes.KEY, key, strict=True))
        asked = Plan(schema, keys=(alternative,), measures=plan.measures, attributes=attributes)
        return list(store.select(asked, segments))

    def peer(key: tuple[str, ...]) -> list[pa.RecordBatch]:
        return streamed(
            native, f"SELECT {listed} FROM obs WHERE {where}", dict(zip(cubes.KEY, key, strict=True))
        )

    def limit(key: tuple[str, ...]) -> list[pa.RecordBatch]:
        return streamed(native, "SELECT $key AS key", {"key": key[0]})

    for key in series[:10]:
        one, other = (pa.Table.from_batches(found(key)).to_pylist() for found in (ours, peer))
        assert one == other
        assert len(one) == len(cubes.YEARS)
    contestants = {"ours": ours, "native table": peer, "limit (SELECT 1)": limit}
    walls: dict[str, list[float]] = {name: [] for name in contestants}
    cpus: dict[str, list[float]] = {name: [] for name in contestants}
    for key in series:
        for name, found in contestants.items():
            wall, cpu = timed(found, key)
            walls[name].append(wall)
            cpus[name].append(cpu)
    print(f"{'':18}{'median ms':>10}{'p95 ms':>10}{'CPU ms':>10}")
    for name in contestants:
        middle, high = np.percentile(walls[name], [50, 95]) * 1e3
        print(f"{name:18}{middle:10.2f}{high:10.2f}{np.mean(cpus[name]) * 1e3:10.2f}")
    wall = float(np.median(walls["ours"]) / np.median(walls["native table"]))
    cpu = sum(cpus["ours"]) / sum(cpus["native table"])
    print(f"\nours / native: {wall:.2f} in time, {cpu:.2f} in CPU; target at most {TARGET:.0f}")


def streamed(
    connection: duckdb.DuckDBPyConnection, text: str, values: dict[str, str]
) -> list[pa.RecordBatch]:
    cursor = connection.cursor()
    try:
        reader = cursor.sql(text, params=values).to_arrow_reader(65_536)
        try:
            return list(reader)
        finally:
            reader.close()
    finally:
        cursor.close()


def timed(found: Callable[[tuple[str, ...]], object], key: tuple[str, ...]) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    found(key)
    return time.perf_counter() - wall, time.process_time() - cpu


if __name__ == "__main__":
    main()
