"""Reading SDMX-ML data: ours and pysdmx without validation, and parsing that looks at nothing as the limit.

Each contestant runs in a process of its own. CPU seconds are its user and system time; memory is its peak.
Both read the same file, but for generic data, of which pysdmx reads a fifth: compare the seconds per million.
"""

from __future__ import annotations

import contextlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cubes
import psutil

FORMATS = {
    "structure-specific 2.1": "application/vnd.sdmx.structurespecificdata+xml;version=2.1",
    "structure-specific 3.0": "application/vnd.sdmx.data+xml;version=3.0.0",
    "generic 2.1": "application/vnd.sdmx.genericdata+xml;version=2.1",
}


def write(path: Path, label: str, observations: int) -> None:
    from migdx.formats.tables import WRITERS

    with path.open("wb") as file:
        for part in WRITERS[FORMATS[label]](cubes.answer(cubes.table(observations))):
            file.write(part)


def ours(path: Path) -> dict[str, object]:
    # as in the process that reads: without pandas, which pyarrow imports where there is one
    from migdx.formats.child import NoPandas

    sys.meta_path.insert(0, NoPandas)
    from migdx.formats.ml_data_reader import read

    with path.open("rb") as file:
        columns = read(file, {})
    return {"rows": columns.table.num_rows, "findings": len(columns.findings)}


def ours_alone(path: Path) -> dict[str, object]:
    """With every tag told by the parser."""
    from migdx.formats import ml_plain_tags

    ml_plain_tags.FEW = sys.maxsize
    return ours(path)


def pysdmx(path: Path) -> dict[str, object]:
    from pysdmx.io import read_sdmx

    message = read_sdmx(path, validate=False)
    return {"rows": sum(len(dataset.data) for dataset in message.data)}


def limit(path: Path) -> dict[str, object]:
    """lxml with a target that wants to know nothing."""
    from migdx.formats.ml_events import parser

    class Nothing:
        @staticmethod
        def close() -> None:
            return None

    with path.open("rb") as file:
        judge = parser(Nothing())
        for block in iter(lambda: file.read(1 << 20), b""):
            judge.feed(block)
        judge.close()
    return {}


CONTESTANTS = {"ours": ours, "ours, parser alone": ours_alone, "pysdmx": pysdmx, "limit: parsing": limit}


def measured(name: str, path: Path) -> dict[str, object]:
    """Runs one contestant in a fresh process: what it printed, and its peak (VmHWM)."""
    peak = 0
    command = [sys.executable, __file__, name, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as running:
        while running.poll() is None:
            with contextlib.suppress(psutil.Error, OSError, IndexError):  # it may just have ended
                status = Path(f"/proc/{running.pid}/status").read_text()
                peak = int(status.split("VmHWM:")[1].split()[0])
            time.sleep(0.01)
        if running.returncode or running.stdout is None:
            sys.exit(f"{name} failed")
        return {**json.loads(running.stdout.read()), "peak": peak / 1024}


def main(observations: int = 1_000_000) -> None:
    print(f"Reading {observations:,} observations of SDMX-ML, 20 a series")
    with tempfile.TemporaryDirectory() as folder:
        for label in FORMATS:
            path, part = Path(folder) / "whole.xml", Path(folder) / "part.xml"
            write(path, label, observations)
            write(part, label, observations // 5)
            print(f"{label}, {path.stat().st_size / 1e6:.0f} MB")
            print(f"{'':28}{'CPU s/million':>14}{'peak MB':>10}   result")
            seconds: dict[str, float] = {}
            for name in CONTESTANTS:
                share = 5 if name == "pysdmx" and label.startswith("generic") else 1
                run = measured(name, part if share > 1 else path)
                seconds[name] = float(str(run.pop("cpu"))) * share / observations * 1e6
                print(f"{name:28}{seconds[name]:14.2f}{run.pop('peak'):10.0f}   {run}")
            print(
                "pysdmx / ours: "
                f"{seconds['pysdmx'] / seconds['ours']:.1f}; parser alone: "
                f"{seconds['pysdmx'] / seconds['ours, parser alone']:.1f}"
            )


if __name__ == "__main__":
    if len(sys.argv) == 3:
        result = CONTESTANTS[sys.argv[1]](Path(sys.argv[2]))
        own = resource.getrusage(resource.RUSAGE_SELF)
        print(json.dumps({**result, "cpu": own.ru_utime + own.ru_stime}))
    else:
        main(*(int(argument) for argument in sys.argv[1:2]))
