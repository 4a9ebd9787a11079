"""Writing data messages: ours and pysdmx on the same observations, and copying the bytes as the limit.

Each contestant runs in a process of its own, over columns that are in memory already; CPU seconds are those
from the first column to the last byte. Both write the same observations in the same order. pysdmx writes
fewer of them, as it may need minutes for a million: compare the seconds per million.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import cubes

FORMATS = {
    "SDMX-CSV 2.0": "application/vnd.sdmx.data+csv;version=2.0.0",
    "SDMX-ML 2.1 specific": "application/vnd.sdmx.structurespecificdata+xml;version=2.1",
    "SDMX-ML 2.1 specific, flat": "application/vnd.sdmx.structurespecificdata+xml;version=2.1",
    "SDMX-ML 2.1 generic": "application/vnd.sdmx.genericdata+xml;version=2.1",
    "SDMX-ML 3.0 specific": "application/vnd.sdmx.data+xml;version=3.0.0",
    "SDMX-JSON 2.0": "application/vnd.sdmx.data+json;version=2.0.0",
}


def ours(label: str, rows: int, path: Path) -> float:
    from migdx.formats.tables import WRITERS

    asked = cubes.answer(cubes.table(rows))
    if "flat" in label:
        asked = replace(asked, dimension_at_observation="AllDimensions")
    with path.open("wb") as file:
        started = time.process_time()
        for part in WRITERS[FORMATS[label]](asked):
            file.write(part)
        return time.process_time() - started


def pysdmx(label: str, rows: int, path: Path) -> float:
    from pysdmx.io.csv.sdmx20 import writer as csv20
    from pysdmx.io.pd import PandasDataset
    from pysdmx.io.xml.sdmx21.writer import generic as generic21
    from pysdmx.io.xml.sdmx21.writer import structure_specific as specific21
    from pysdmx.io.xml.sdmx30.writer import structure_specific as specific30
    from pysdmx.model import Component, Components, Concept, Role, Schema

    series = ",".join(cubes.KEY)
    components = Components(
        [
            *(Component(id, True, Role.DIMENSION, Concept(id)) for id in (*cubes.KEY, "TIME_PERIOD")),
            Component("OBS_VALUE", False, Role.MEASURE, Concept("OBS_VALUE")),
            *(Component(id, False, Role.ATTRIBUTE, Concept(id), attachment_level=series)
              for id in cubes.SERIES_ATTRIBUTES),
            *(Component(id, False, Role.ATTRIBUTE, Concept(id), attachment_level="O")
              for id in cubes.OBSERVATION_ATTRIBUTES),
        ]
    )  # fmt: skip
    schema = Schema("dataflow", "BENCH", "DF_BENCH", components, version="1.0.0")
    frame = cubes.table(rows).drop_columns(["_text_OBS_VALUE"]).to_pandas().astype({"OBS_VALUE": str})
    frame = frame.astype(str).replace({"nan": "", "None": ""})
    dataset = PandasDataset(structure=schema, data=frame)
    dimension = {schema.short_urn: "AllDimensions" if "flat" in label else "TIME_PERIOD"}
    xml = {
        "SDMX-ML 2.1 generic": generic21.write,
        "SDMX-ML 3.0 specific": specific30.write,
    }.get(label, specific21.write)
    started = time.process_time()
    if label == "SDMX-CSV 2.0":
        csv20.write([dataset], output_path=str(path))
    else:
        xml([dataset], path, prettyprint=False, dimension_at_observation=dimension)
    return time.process_time() - started


def limit(label: str, rows: int, path: Path) -> float:
    """Copies a message of ours from memory to a file."""
    ours(label, rows, path)
    message = memoryview(path.read_bytes())
    with path.with_suffix(".copy").open("wb") as file:
        started = time.process_time()
        for start in range(0, len(message), 1 << 20):
            file.write(bytes(message[start : start + (1 << 20)]))
        return time.process_time() - started


CONTESTANTS = {"ours": ours, "pysdmx": pysdmx, "limit": limit}


def measured(name: str, label: str, rows: int, rounds: int) -> tuple[float, float]:
    """Median CPU seconds per million observations, and bytes per observation."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(rounds):
            done = subprocess.run(
                [sys.executable, __file__, name, label, str(rows), str(Path(folder) / "message")],
                check=True, capture_output=True, timeout=1800,
            )  # fmt: skip
            found.append(json.loads(done.stdout))
    cpu = sorted(float(run["cpu"]) for run in found)[rounds // 2]
    return cpu * 1e6 / rows, float(found[0]["bytes"]) / rows


def main(observations: int = 1_000_000, fewer: int = 100_000) -> None:
    print(
        f"Writing {observations:,} observations (pysdmx: {fewer:,}); CPU seconds per million, median of runs"
    )
    print(f"{'':28}{'ours':>8}{'pysdmx':>10}{'ratio':>8}{'copying':>10}{'bytes/obs':>11}")
    for label in FORMATS:
        cpu, size = measured("ours", label, observations, 3)
        copying, _ = measured("limit", label, observations, 3)
        peer = measured("pysdmx", label, fewer, 1)[0] if label != "SDMX-JSON 2.0" else 0.0
        told = f"{peer:10.2f}{peer / cpu:8.0f}" if peer else f"{'-':>10}{'-':>8}"
        print(f"{label:28}{cpu:8.2f}{told}{copying:10.3f}{size:11.0f}", flush=True)


if __name__ == "__main__":
    if len(sys.argv) == 5:
        name, label, rows, path = sys.argv[1:]
        cpu = CONTESTANTS[name](label, int(rows), Path(path))
        print(json.dumps({"cpu": cpu, "bytes": Path(path).stat().st_size}))
    else:
        main(*(int(argument) for argument in sys.argv[1:3]))
