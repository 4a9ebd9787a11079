"""Reading SDMX-JSON 2.0: ours beside orjson alone, which is the limit, and sdmx1.

`python bench/read_json.py [observations] [rounds]`. Each contestant runs in a process of its own, and reads a
small message first; CPU seconds are those for the file. sdmx1 reads the form that services had before 1.0,
and fewer observations, as it needs minutes for a million: compare the seconds per million. pysdmx reads no
data of SDMX-JSON.
"""

from __future__ import annotations

import gc
import io
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cubes
import numpy as np
import pyarrow as pa

LARGEST_PEER = 100_000
"""Observations for sdmx1."""

Work = Callable[[bytes], int]


def write(path: Path, rows: int, *, decimals: bool = False, flat: bool = False, first: bool = False) -> None:
    """Observations as our writer tells them; `decimals`: with two places, `first`: as before 1.0."""
    from migdx.formats.json20_writer import write_json20

    table = cubes.table(rows)
    if decimals:
        cents = np.random.default_rng(1).integers(0, 10_000_000, rows)
        texts = pa.array([f"{cent // 100}.{cent % 100:02}" for cent in cents.tolist()])
        table = table.set_column(table.column_names.index("OBS_VALUE"), "OBS_VALUE", pa.array(cents / 100))
        table = table.set_column(table.column_names.index("_text_OBS_VALUE"), "_text_OBS_VALUE", texts)
    asked = cubes.answer(table)
    if flat:
        asked = replace(asked, dimension_at_observation="AllDimensions")
    text = b"".join(write_json20(asked))
    if first:
        message = json.loads(text)  # as sdmx1 knows it: a value has an id and a name, and no more
        data = message["data"]
        levels = (
            level
            for kind in data["structures"][0].values()
            if isinstance(kind, dict)
            for level in kind.values()
        )
        for component in (
            one for level in levels if isinstance(level, list) for one in level if "values" in one
        ):
            known = ({"id", "name"} & value.keys() for value in component["values"])
            component["values"] = [
                {name: value[name] for name in names}
                for value, names in zip(component["values"], known, strict=True)
            ]
        known = {"header": message["meta"], "structure": data["structures"][0], "dataSets": data["dataSets"]}
        text = json.dumps(known).encode()
    path.write_bytes(text)


def ours() -> Work:
    from migdx.formats.child import NoPandas

    sys.meta_path.insert(0, NoPandas)
    from migdx.formats.json_data_reader import read

    def work(data: bytes) -> int:
        columns = read(io.BytesIO(data), {})
        assert not columns.findings
        return len(columns.places)

    return work


def orjson() -> Work:
    import orjson

    def work(data: bytes) -> int:
        return len(orjson.loads(data)["data"]["dataSets"])

    return work


def orjson_uncollected() -> Work:
    """Without Python's search for cycles, which takes most of the time where there are many objects."""
    gc.disable()
    return orjson()


def sdmx1() -> Work:
    import sdmx

    def work(data: bytes) -> int:
        message = sdmx.read_sdmx(io.BytesIO(data), format="json")
        return sum(len(dataset.obs) for dataset in message.data)

    return work


CONTESTANTS = {"ours": ours, "orjson": orjson, "orjson, gc off": orjson_uncollected, "sdmx1": sdmx1}


def contest(name: str, path: Path, small: Path) -> dict[str, float]:
    work = CONTESTANTS[name]()
    work(small.read_bytes())
    data = path.read_bytes()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.process_time()
    work(data)
    seconds = time.process_time() - started
    return {"seconds": seconds, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            "before": before / 1024}  # fmt: skip


def measured(name: str, path: Path, small: Path, rounds: int) -> dict[str, float]:
    command = [sys.executable, __file__, name, str(path), str(small)]
    runs = [
        json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout) for _ in range(rounds)
    ]
    return min(runs, key=lambda run: float(run["seconds"]))


def made(path: Path, rows: int, how: dict[str, bool]) -> None:
    """In a process of its own: what one has taken, those that it starts seem to have taken too."""
    subprocess.run([sys.executable, __file__, "write", str(path), str(rows), json.dumps(how)], check=True)


def main(observations: int = 1_000_000, rounds: int = 1) -> None:
    cases: dict[str, dict[str, bool]] = {
        "by series, whole numbers": {},
        "by series, two decimals": {"decimals": True},
        "flat, whole numbers": {"flat": True},
    }
    print(f"Reading {observations:,} observations of SDMX-JSON 2.0: CPU seconds, best of {rounds} runs,")
    print("the most memory of the process, and what it had with the file before it began (MB)")
    with tempfile.TemporaryDirectory() as folder:
        path, small = Path(folder) / "data.json", Path(folder) / "small.json"
        for label, how in cases.items():
            made(path, observations, how)
            made(small, 20, how)
            print(f"{label}, {path.stat().st_size / 1e6:.0f} MB")
            found = {}
            for name in ("ours", "orjson", "orjson, gc off"):
                run = found[name] = measured(name, path, small, rounds)
                print(f"  {name:16}{run['seconds']:8.2f}{run['peak']:8.0f}{run['before']:8.0f}", flush=True)
            print(f"  ours / orjson: {found['ours']['seconds'] / found['orjson']['seconds']:.2f}")
        few = min(observations, LARGEST_PEER)
        made(path, few, {"first": True})
        made(small, 20, {"first": True})
        print(f"as before SDMX-JSON 1.0, {few:,} observations, seconds per million")
        for name in ("ours", "sdmx1"):
            run = measured(name, path, small, rounds)
            print(
                f"  {name:16}{run['seconds'] * 1e6 / few:8.2f}{run['peak']:8.0f}{run['before']:8.0f}",
                flush=True,
            )


if __name__ == "__main__":
    if sys.argv[1:2] == ["write"]:
        write(Path(sys.argv[2]), int(sys.argv[3]), **json.loads(sys.argv[4]))
    elif sys.argv[1:] and sys.argv[1] in CONTESTANTS:
        print(json.dumps(contest(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))))
    else:
        main(*(int(argument) for argument in sys.argv[1:]))
