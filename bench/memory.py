"""What a worker takes at most: the largest answers, each in a process of its own, for several settings of the
engine's memory (MIGDX_MEMORY_MB, divided between the workers of a machine; 256 MB at least for each).

`python bench/memory.py --folder /tmp/speed/1e7 --rows 10000000 [--megabytes 256 1024]`. Printed is the
largest resident memory of the process, in MB, beside that of one that only opened the exchange.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import store_build
import stores

from migdx.exchange import Exchange
from migdx.formats.csv_writer import write_csv20
from migdx.query import DataQuery, parse_condition

WHOLE = DataQuery("dataflow", ("BENCH",), ("DF_BENCH",), ("1.0.0",))


def nothing(exchange: Exchange) -> int:
    return exchange.ledger.history().seq


def whole(exchange: Exchange) -> int:
    """All observations as record batches."""
    return stores._summed(stores._batches(exchange, WHOLE))[0]


def written(exchange: Exchange) -> int:
    """Those of the first ten indicators, as SDMX-CSV: bytes."""
    condition = parse_condition("INDICATOR", "le:I09")
    query = DataQuery("dataflow", ("BENCH",), ("DF_BENCH",), ("1.0.0",), conditions=(condition,))
    return sum(map(len, write_csv20(exchange.data(query))))


def counted(exchange: Exchange) -> int:
    """Availability of ten years: every series is looked at."""
    condition = parse_condition("TIME_PERIOD", "ge:2016")
    query = DataQuery("dataflow", ("BENCH",), ("DF_BENCH",), ("1.0.0",), conditions=(condition,))
    return exchange.availability(query).observations


def joined(exchange: Exchange) -> int:
    return stores.mirrored(exchange)[0]


ANSWERS = {each.__name__: each for each in (nothing, whole, written, counted, joined)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--megabytes", type=int, nargs="+", default=[256, 512, 1024])
    parser.add_argument("--answer", choices=ANSWERS, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.answer:
        exchange = store_build.opened(asked.folder, f"{asked.megabytes[0]}MB", 1)
        found = ANSWERS[asked.answer](exchange)
        allowed, took = asked.megabytes[0], stores._peak()
        print(f"{asked.answer:8} engine at most {allowed:5} MB: {took:6.0f} MB in all; {found:,}")
        exchange.close()
        return
    store_build.made(asked.folder, asked.rows)
    for name in ANSWERS:
        for megabytes in asked.megabytes:
            own = [sys.executable, __file__, "--folder", str(asked.folder), "--answer", name]
            subprocess.run([*own, "--megabytes", str(megabytes)], check=True, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
