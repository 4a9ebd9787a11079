"""Reading and checking SDMX-CSV: the service's whole check, beside pysdmx only reading, and counting lines.

`python bench/read_check.py [observations] [rounds]`. Each contestant runs in a process of its own.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

HEADER = (
    "STRUCTURE,STRUCTURE_ID,ACTION,FREQ,REF_AREA,COMPONENT,SOURCE,COUNTERPART_AREA,BIRTHPLACE,CITIZENSHIP,SEX,AGE,"
    "REASON,TIME_PERIOD,OBS_VALUE,OBS_STATUS,CONF_STATUS,UNIT_MEASURE,UNIT_MULT,COMMENT_OBS\n"
)


def write_flows(path: Path, observations: int, *, bad: bool = False) -> None:
    """A country's flows, sorted by key; with `bad`, a wrong code in every row."""
    from migdx.registry import load_structures
    from migdx.structures import Codelist
    from migdx.urn import Reference

    areas = load_structures().get(Codelist, Reference("Codelist", "MIGDX", "CL_AREA", "1.0.0"))
    partners = [area.id for area in areas.items if area.id not in ("250",)][:240]
    ages = [f"Y{n}T{n + 4}" for n in range(0, 85, 5)] + ["Y_GE85", "_T"]
    years = [str(year) for year in range(1960, 2024)]
    births, citizens, sexes = ("NB", "FB", "_T"), ("CIT", "FOR", "_T"), ("F", "M", "_T")
    keys = itertools.product(("IMMIG", "EMIG"), partners, births, citizens, sexes, ages, years)
    drawn = random.Random(7)
    sex_is = "Female" if bad else None
    with path.open("w", encoding="utf-8") as file:
        file.write(HEADER)
        for component, partner, birth, citizen, sex, age, year in itertools.islice(keys, observations):
            file.write(
                f"dataflow,MIGDX:DF_MIG_FLOW(1.0.0),R,A,250,{component},OFF,{partner},{birth},{citizen},"
                f"{sex_is or sex},{age},_T,{year},{drawn.randrange(1_000_000)},A,F,PS,0,Drawn at random\n"
            )


Work = Callable[[Path], dict[str, object]]


def ours() -> Work:
    # pyarrow imports pandas where there is one; what the service needs (requirements/run.txt) has none
    from migdx.formats.child import NoPandas

    sys.meta_path.insert(0, NoPandas)
    from migdx.intake import examine
    from migdx.registry import load_structures
    from migdx.sent import Sent

    registry = load_structures()

    def work(path: Path) -> dict[str, object]:
        with path.open("rb") as file:  # as `migdx check --large` does
            sent = Sent(file, path.stat().st_size, "text/csv", path.name, "FRA", large=True)
            report = examine(sent, registry).report
        return {"rows": report.counts.received, "verdict": report.verdict, "groups": len(report.findings)}

    return work


def pysdmx() -> Work:
    from pysdmx.io import read_sdmx

    def work(path: Path) -> dict[str, object]:
        data = read_sdmx(path, validate=False).data or ()
        return {"rows": sum(len(getattr(dataset, "data", ())) for dataset in data)}

    return work


def limit() -> Work:
    def work(path: Path) -> dict[str, object]:
        with path.open("rb") as file:
            return {"rows": sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b"")) - 1}

    return work


CONTESTANTS = {"ours": ours, "pysdmx": pysdmx, "limit": limit}


def contest(name: str, path: Path, one: Path) -> dict[str, object]:
    """In a process of its own: what a contestant finds, and the CPU seconds that it takes.

    `start` ends with its first file, of one row; `each` is a second such file, `file` is `path`.
    """
    work = CONTESTANTS[name]()
    work(one)
    start = _cpu()
    work(one)
    second = _cpu()
    result = work(path)
    return {**result, "start": start, "each": second - start, "file": _cpu() - second}


def _cpu() -> float:
    """User and system time of this process and of its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def measured(name: str, path: Path, one: Path) -> dict[str, float | object]:
    """Runs one contestant in a fresh process: what it says, and the most memory of all its processes in MB.

    That is the sum of their proportional set sizes (PSS: what they share is counted once), at the worst
    moment of those looked at every 20 ms.
    """
    command = [sys.executable, __file__, name, str(path), str(one)]
    peak = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE) as running:
        family = psutil.Process(running.pid)
        while running.poll() is None:
            with contextlib.suppress(psutil.Error):  # it may just have ended
                peak = max(peak, sum(_size(one.pid) for one in (family, *family.children(recursive=True))))
            time.sleep(0.02)
        if running.returncode or running.stdout is None:
            sys.exit(f"{name} failed")
        return {**json.loads(running.stdout.read()), "peak": peak / 1024}


def _size(pid: int) -> int:
    """PSS in KiB; 0 where the process has ended."""
    try:
        return int(Path(f"/proc/{pid}/smaps_rollup").read_text().split("Pss:")[1].split()[0])
    except (OSError, IndexError):
        return 0


@dataclass(frozen=True)
class Cost:
    """CPU seconds to start, for a file of one row, and for the file; MB."""

    start: float
    each: float
    file: float
    peak: float

    @property
    def data(self) -> float:
        return self.file - self.each

    @property
    def whole(self) -> float:
        return self.start + self.data


def cost(label: str, name: str, path: Path, one: Path, rounds: int) -> Cost:
    runs = [measured(name, path, one) for _ in range(rounds)]
    least = {key: min(float(str(run[key])) for run in runs) for key in ("start", "each", "file")}
    found = Cost(**least, peak=max(float(str(run["peak"])) for run in runs))
    said = {key: value for key, value in runs[0].items() if key not in (*least, "peak")}
    numbers = f"{found.data:8.2f}{found.each:8.2f}{found.start:8.2f}{found.whole:8.2f}{found.peak:8.0f}"
    print(f"{label:28}{numbers}   {said}", flush=True)
    return found


LEGEND = """CPU seconds (user and system, all processes), the least of {rounds} runs: other work only adds
data   what the file takes beyond one of a single row, as in a service that has started
each   a file of one row: for ours a process of its own, which a service starts before the file comes
start  libraries and a first file of one row; for ours the structures too
whole  start + data: a process that is started for this file
MB     all processes together (sum of PSS) at the worst moment"""


def main(observations: int = 1_000_000, rounds: int = 3) -> None:
    with tempfile.TemporaryDirectory() as folder:
        clean, bad, one = (Path(folder) / f"{name}.csv" for name in ("flows", "bad", "one"))
        write_flows(clean, observations)
        write_flows(bad, observations, bad=True)
        write_flows(one, 1)
        size = clean.stat().st_size / 1e6
        print(f"Reading and checking {observations:,} SDMX-CSV observations, {size:.0f} MB")
        print(LEGEND.format(rounds=rounds))
        print(f"{'':28}{'data':>8}{'each':>8}{'start':>8}{'whole':>8}{'MB':>8}   result")
        mine = cost("ours, read and checked", "ours", clean, one, rounds)
        worst = cost("ours, every row bad", "ours", bad, one, rounds)
        print(f"every row bad / clean: {worst.data / mine.data:.2f}, whole {worst.whole / mine.whole:.2f}")
        print(f"ours: {mine.peak * 2**20 / observations:.0f} bytes of memory an observation, all in all")
        if observations <= LARGEST_PEER:
            peer = cost("pysdmx, only read", "pysdmx", clean, one, rounds)
            print(f"pysdmx / ours: {peer.data / mine.data:.2f}, whole {peer.whole / mine.whole:.2f}")
            print(f"ours / pysdmx, memory: {mine.peak / peer.peak:.2f}")
        cost("limit: counting the lines", "limit", clean, one, rounds)


LARGEST_PEER = 2_000_000
"""Observations that pysdmx reads in the memory of a small machine (1 kB each)."""


if __name__ == "__main__":
    if sys.argv[1:] and sys.argv[1] in CONTESTANTS:
        print(json.dumps(contest(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))))
    else:
        main(*(int(argument) for argument in sys.argv[1:]))
