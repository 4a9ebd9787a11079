"""Rules that vtlengine runs too, on the same rows: sum of women and men, no negative count, value and status.

    python bench/rules_vtl.py [rows]        after `make test-vtl`, which makes the environment of vtlengine

Data are in memory before either clock starts, and results are in memory at the end; CPU seconds of a process,
all threads, the least of some runs. vtlengine runs the VTL of the structure files by each of its two engines.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTHON = ROOT / "build" / "vtl" / "venv" / "bin" / "python"
DATAFLOW = "DF_MIG_STOCK"
THREE = ("C01", "S06", "S07", "S07b", "S07c")


def ours(path: Path, rounds: int) -> dict[str, float]:
    from migdx.checks import Given, judged
    from migdx.dataset import typed
    from migdx.folders import shipped_structures
    from migdx.formats import csv_reader
    from migdx.registry import load_structures
    from migdx.rulebook import bound, read_rules
    from migdx.rules import RuleBook

    registry = load_structures()
    schema = registry.schema(registry.dataflow(DATAFLOW).reference)
    book = bound(read_rules(shipped_structures()), registry).of(
        f"{schema.dsd.agency}:{schema.dsd.id}", f"MIGDX:{DATAFLOW}"
    )
    three = RuleBook(tuple(rule for rule in book if rule.id in THREE), (), book.scale)
    with path.open("rb") as file:
        columns = csv_reader.read(file, {})
    taken = []
    for _ in range(rounds):
        begun = time.process_time()
        dataset = typed(columns, schema)  # from texts, as vtlengine takes its columns
        found = judged(dataset, three, Given.nothing("nothing_stored"))
        taken.append(time.process_time() - begun)
    return {"rows": len(dataset), "ours": min(taken), "found": sum(len(one.records) for one in found.located)}


def theirs(job: dict[str, object]) -> dict[str, float]:
    """In the environment of vtlengine."""
    sys.path.insert(0, str(ROOT / "tests" / "vtl"))
    import pandas as pd
    import theirs as engine
    import vtlengine

    whole = engine.schemes(ROOT / "dsd" / "MIGDX", f"TS_{DATAFLOW[3:]}-1.0.xml", "RS_MIG_STOCK-1.0.xml")
    text = engine.script(whole, DATAFLOW, list(THREE))
    components = job["components"]
    types = {one["name"]: float if one["type"] == "Number" else str for one in components}
    table = pd.read_csv(job["table"], dtype=types, keep_default_na=False, na_values=[""])
    for name in types:
        if name not in table:
            table[name] = pd.Series(
                [None] * len(table), dtype="float64" if types[name] is float else "object"
            )
    table = table[list(types)]
    structure = {"datasets": [{"name": DATAFLOW, "DataStructure": components}]}
    told: dict[str, float] = {}
    for name, with_duckdb, rounds in (("duckdb", True, job["rounds"]), ("pandas", False, 1)):
        taken = []
        for _ in range(rounds):
            begun = time.process_time()
            results = vtlengine.run(
                script=text,
                data_structures=structure,
                datapoints={DATAFLOW: table.copy()},
                use_duckdb=with_duckdb,
            )
            taken.append(time.process_time() - begun)
        told |= {name: min(taken), f"{name} found": sum(len(one.data) for one in results.values())}
    return told


def main(rows: int = 1_000_000, rounds: int = 2) -> None:
    import rules

    from migdx.registry import load_structures

    if not PYTHON.is_file():
        sys.exit(f"{PYTHON} is missing: make test-vtl")
    registry = load_structures()
    schema = registry.schema(registry.dataflow(DATAFLOW).reference)
    roles = {"dimension": "Identifier", "time": "Identifier", "measure": "Measure"}
    components = [
        {"name": one.id, "type": "Number" if one.numeric else "String",
         "role": roles.get(one.role, "Attribute"), "nullable": one.role not in ("dimension", "time")}
        for one in schema.components
    ]  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stock.csv"
        rules.write_stock(path, rows)
        job = {"table": str(path), "components": components, "rounds": rounds}
        told: dict[str, float] = {}
        for program, name in ((sys.executable, "ours"), (PYTHON, "theirs")):
            command = [str(program), __file__, name]
            done = subprocess.run(command, input=json.dumps(job), capture_output=True, text=True, check=False)
            if done.returncode:
                sys.exit(done.stderr[-2000:])
            told |= json.loads(done.stdout.splitlines()[-1])
    print(f"{told['rows']:,.0f} observations, {', '.join(THREE)}; CPU seconds, data in memory")
    print(f"  ours               {told['ours']:8.3f}   found {told['found']:.0f}")
    for name in ("duckdb", "pandas"):
        ratio = told[name] / told["ours"]
        found = f"found {told[f'{name} found']:.0f}"
        print(f"  vtlengine ({name}) {told[name]:8.3f}   {found}   {ratio:.0f} times ours")


if __name__ == "__main__":
    if sys.argv[1:2] in (["ours"], ["theirs"]):
        given = json.load(sys.stdin)
        call = ours(Path(given["table"]), 3) if sys.argv[1] == "ours" else theirs(given)
        print(json.dumps(call))
    else:
        main(*(int(word) for word in sys.argv[1:]))
