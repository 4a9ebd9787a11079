"""Reading .xlsx: the service's reader to columns, beside calamine's bare read to Python values and pandas.

`python bench/read_workbook.py [rows] [rounds]`. Each contestant runs in a process of its own.
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import openpyxl

FLOW = "MIGDX:DF_MIG_FLOW(1.0.0)"
HEADINGS = (
    "STRUCTURE,STRUCTURE_ID,ACTION,FREQ,REF_AREA,COMPONENT,SOURCE,COUNTERPART_AREA,BIRTHPLACE,CITIZENSHIP,SEX,AGE,"
    "REASON,TIME_PERIOD,OBS_VALUE,OBS_STATUS,CONF_STATUS,UNIT_MEASURE,UNIT_MULT,COMMENT_OBS"
)
LABELS, YEARS = ("Partner", "Sex", "Age", "Unit"), tuple(range(2005, 2021))
ROUNDS = 3

Work = Callable[[Path], str]


def write(path: Path, rows: Iterator[list[object]]) -> None:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Data")
    for row in rows:
        sheet.append(row)
    book.save(path)


def a_list(rows: int) -> Iterator[list[object]]:
    """As SDMX-CSV has it, pasted into a workbook: 20 columns."""
    drawn = random.Random(7)
    yield list(HEADINGS.split(","))
    for at in range(rows):
        key = ["dataflow", FLOW, "R", "A", "250", "IMMIG", "OFF", f"{at % 240:03}", "_T", "_T", "FMT"[at % 3]]
        value = drawn.randrange(1_000_000) if at % 5 else drawn.random() * 1000
        yield [*key, f"Y{at % 90}", "_T", 1960 + at // 2000, value, "A", "F", "PS", 0, "Drawn at random"]


def a_table(rows: int) -> Iterator[list[object]]:
    """Four columns of labels and sixteen of years."""
    drawn = random.Random(7)
    yield [*LABELS, *YEARS]
    for at in range(rows):
        labels = [f"Country {at // 270}", ("Women", "Men", "Total")[at % 3], f"Y{at // 3 % 90}", "Persons"]
        yield [*labels, *(drawn.randrange(1_000_000) for _ in YEARS)]


def map_of_the_table() -> dict[str, object]:
    from migdx.workbook_map import SheetMap, Source, WorkbookMap

    texts = {"Women": "F", "Men": "M", "Total": "_T"}
    sources = (
        Source("FREQ", value="A"),
        Source("COUNTERPART_AREA", column=1),
        Source("SEX", column=2, texts=texts),
        Source("AGE", column=3),
        Source("UNIT_MEASURE", column=4, texts={"Persons": "PS"}),
        Source("TIME_PERIOD", row=1),
    )
    return WorkbookMap(FLOW, (SheetMap("Data", 2, 5, sources=sources),)).as_dict()


def ours() -> Work:
    # pyarrow imports pandas where there is one; what the service needs (requirements/run.txt) has none
    from migdx.formats.child import NoPandas

    sys.meta_path.insert(0, NoPandas)
    from migdx.formats import workbook_reader

    def work(path: Path) -> str:
        job = {"map": map_of_the_table()} if path.stem == "table" else {}
        with path.open("rb") as file:
            columns = workbook_reader.read(file, job)
        return f"{len(columns.places)} observations, {len(columns.findings)} findings"

    return work


def calamine() -> Work:
    from python_calamine import CalamineWorkbook

    def work(path: Path) -> str:
        rows = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python(skip_empty_area=False)
        return f"{len(rows)} rows of Python values"

    return work


def pandas() -> Work:
    from pandas import read_excel

    def work(path: Path) -> str:
        return f"{len(read_excel(path, engine='openpyxl', dtype=str))} rows of a frame"

    return work


CONTESTANTS = {"ours": ours, "calamine": calamine, "pandas": pandas}


def contest(name: str, path: Path) -> dict[str, object]:
    """In a process of its own: CPU seconds, and by how much the most memory has grown, in MB."""
    work = CONTESTANTS[name]()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    said = work(path)
    seconds = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"seconds": seconds, "peak": peak / 1024, "grown": (peak - before) / 1024, "said": said}


def measured(name: str, path: Path, rounds: int) -> float:
    command = [sys.executable, __file__, name, str(path)]
    runs = [json.loads(subprocess.check_output(command)) for _ in range(rounds)]
    seconds = min(run["seconds"] for run in runs)
    peak, grown = (max(run[key] for run in runs) for key in ("peak", "grown"))
    print(f"{name:12}{seconds:8.2f}{peak:8.0f}{grown:8.0f}   {runs[0]['said']}", flush=True)
    return seconds


def main(rows: int = 100_000, rounds: int = ROUNDS) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, made in (("list", a_list), ("table", a_table)):
            path = Path(folder) / f"{name}.xlsx"
            write(path, made(rows))
            size = path.stat().st_size / 1e6
            print(f"Reading a {name} of {rows:,} rows and 20 columns, {size:.0f} MB of .xlsx")
            print("CPU seconds, the least of the runs; MB at the worst moment, and grown since the start")
            print(f"{'':12}{'seconds':>8}{'MB':>8}{'grown':>8}")
            bare = measured("calamine", path, rounds)
            mine = measured("ours", path, rounds)
            peer = measured("pandas", path, 1)
            print(f"ours / calamine: {mine / bare:.2f} (at most 2); pandas / ours: {peer / mine:.1f}\n")


if __name__ == "__main__":
    if sys.argv[1:] and sys.argv[1] in CONTESTANTS:
        print(json.dumps(contest(sys.argv[1], Path(sys.argv[2]))))
    else:
        main(*(int(argument) for argument in sys.argv[1:]))
