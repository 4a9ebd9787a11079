"""Reading and checking SDMX-CSV: the service's whole check, beside pysdmx only reading, and counting lines.

Each contestant runs in a process of its own. CPU seconds are its user and system time and its
children's; memory is the sum of the peaks of all its processes, an upper bound.
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
    years = [str(year) for year in range(2000, 2024)]
    keys = itertools.product(("IMMIG", "EMIG"), partners, ("NB", "FB", "_T"), ("F", "M", "_T"), ages, years)
    drawn = random.Random(7)
    sex_is = "Female" if bad else None
    with path.open("w", encoding="utf-8") as file:
        file.write(HEADER)
        for component, partner, birth, sex, age, year in itertools.islice(keys, observations):
            file.write(
                f"dataflow,MIGDX:DF_MIG_FLOW(1.0.0),R,A,250,{component},OFF,{partner},{birth},_T,"
                f"{sex_is or sex},{age},_T,{year},{drawn.randrange(1_000_000)},A,F,PS,0,Drawn at random\n"
            )


def ours(path: Path) -> dict[str, object]:
    # pyarrow imports pandas where there is one; what the service needs (requirements/run.txt) has none
    from migdx.formats.child import NoPandas

    sys.meta_path.insert(0, NoPandas)
    from migdx.intake import Sent, examine
    from migdx.registry import load_structures

    with path.open("rb") as file:  # as `migdx check` does
        sent = Sent(file, path.stat().st_size, "text/csv", path.name, "FRA")
        report = examine(sent, load_structures()).report
    return {"rows": report.counts.received, "verdict": report.verdict, "groups": len(report.findings)}


def pysdmx(path: Path) -> dict[str, object]:
    from pysdmx.io import read_sdmx

    message = read_sdmx(path, validate=False)
    return {"rows": sum(len(dataset.data) for dataset in message.data)}


def limit(path: Path) -> dict[str, object]:
    with path.open("rb") as file:
        return {"rows": sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b"")) - 1}


CONTESTANTS = {"ours": ours, "pysdmx": pysdmx, "limit": limit}


def measured(name: str, path: Path) -> dict[str, object]:
    """Runs one contestant in a fresh process: what it printed, and the sum of the peaks of its processes.

    Peaks are read from the kernel while it runs (VmHWM): ru_maxrss of a child also holds what its parent had.
    """
    command = [sys.executable, __file__, name, str(path)]
    peaks: dict[int, int] = {}
    with subprocess.Popen(command, stdout=subprocess.PIPE) as running:
        family = psutil.Process(running.pid)
        while running.poll() is None:
            with contextlib.suppress(psutil.Error, OSError, IndexError):  # it may just have ended
                for process in (family, *family.children(recursive=True)):
                    status = Path(f"/proc/{process.pid}/status").read_text()
                    peaks[process.pid] = int(status.split("VmHWM:")[1].split()[0])
            time.sleep(0.01)
        if running.returncode or running.stdout is None:
            sys.exit(f"{name} failed")
        return {**json.loads(running.stdout.read()), "peak": sum(peaks.values()) / 1024}


def main(observations: int = 1_000_000, rounds: int = 3) -> None:
    with tempfile.TemporaryDirectory() as folder:
        clean, bad = Path(folder) / "flows.csv", Path(folder) / "bad.csv"
        write_flows(clean, observations)
        write_flows(bad, observations, bad=True)
        size = clean.stat().st_size / 1e6
        print(f"Reading and checking {observations:,} SDMX-CSV observations, {size:.0f} MB")
        print(f"{'':28}{'CPU s (median)':>16}{'peak MB':>10}   result")
        medians = {}
        for label, name, path in (
            ("ours, read and checked", "ours", clean),
            ("ours, every row bad", "ours", bad),
            ("pysdmx, only read", "pysdmx", clean),
            ("limit: counting the lines", "limit", clean),
        ):
            runs = [measured(name, path) for _ in range(rounds)]
            cpu = sorted(float(str(run["cpu"])) for run in runs)[rounds // 2]
            peak = max(float(str(run["peak"])) for run in runs)
            medians[label] = cpu, peak
            result = {key: value for key, value in runs[0].items() if key not in ("cpu", "peak")}
            print(f"{label:28}{cpu:16.2f}{peak:10.0f}   {result}")
        mine, peer = medians["ours, read and checked"], medians["pysdmx, only read"]
        print(f"ours / pysdmx: CPU {mine[0] / peer[0]:.2f}, memory {mine[1] / peer[1]:.2f}")
        print(f"every row bad / clean: CPU {medians['ours, every row bad'][0] / mine[0]:.2f}")


if __name__ == "__main__":
    if len(sys.argv) == 3:
        started = time.process_time()
        result = CONTESTANTS[sys.argv[1]](Path(sys.argv[2]))
        own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
        print(json.dumps({**result, "cpu": cpu}))
    else:
        main(*(int(argument) for argument in sys.argv[1:2]))
