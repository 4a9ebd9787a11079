"""The rules of levels 0 and 1 on a country's stock: their CPU seconds beside those of pyarrow reading it.

`python bench/rules.py [observations] [rounds]`. The cube is dense and its sums hold; one copy has a wrong
code in every row, one a wrong figure in every row. Each contestant runs in a process of its own.
"""

from __future__ import annotations

import io
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as csv

KEY = (
    "FREQ", "REF_AREA", "SOURCE", "BIRTHPLACE", "CITIZENSHIP", "SEX", "AGE", "DURATION_STAY", "EDUCATION_LEV",
    "LFS", "URBANISATION", "TIME_PERIOD",
)  # fmt: skip
SAID = {
    "OBS_STATUS": "A", "CONF_STATUS": "F", "SOURCE_TYPE": "REG_POP", "RESIDENCE_CRIT": "M12",
    "UNIT_MULT": "0", "UNIT_MEASURE": "PS",
}  # fmt: skip
AGES = [*(f"Y{n}T{n + 4}" for n in range(0, 85, 5)), "Y_GE85"]
SEXES = ["F", "M"]
COUNTRY = "250"
THREE = ("C01", "S06", "S07", "S07b", "S07c")
"""Rules that a peer runs too: a total is the sum of its parts, no count is negative, value and status fit."""


def write_stock(path: Path, observations: int, *, wrong: str = "") -> int:
    """A country's stock by birthplace, citizenship, sex and age; how many rows there are, about as many as
    asked for. `wrong`: "codes" (one that is in no list in each row), "figures" (no sum holds).
    """
    axes, figures = stock(observations)
    if wrong == "figures":
        figures = np.random.default_rng(11).integers(0, 1_000_000, figures.shape)
    if wrong == "codes":
        axes["SEX"] = ["Total", "Female", "Male"]
    places = np.indices(figures.shape, np.int32).reshape(figures.ndim, -1)
    columns = {"STRUCTURE": "dataflow", "STRUCTURE_ID": "MIGDX:DF_MIG_STOCK(1.0.0)", "ACTION": "R"}
    fixed = {"FREQ": "A", "REF_AREA": COUNTRY, "SOURCE": "OFF"}
    table: dict[str, pa.Array] = {id: _same(text, figures.size) for id, text in columns.items()}
    for id in KEY:
        if id in axes:
            at = pa.array(places[list(axes).index(id)])
            table[id] = pa.DictionaryArray.from_arrays(at, pa.array(axes[id])).cast(pa.utf8())
        else:
            table[id] = _same(fixed.get(id, "_T"), figures.size)
    table["OBS_VALUE"] = pa.array(figures.ravel()).cast(pa.utf8())
    table |= {id: _same(text, figures.size) for id, text in SAID.items()}
    csv.write_csv(pa.table(table), path, csv.WriteOptions(quoting_style="none"))
    return figures.size


def stock(observations: int) -> tuple[dict[str, list[str]], npt.NDArray[np.int64]]:
    """The codes of each dimension that varies, totals first, and the figures: whole numbers that add up."""
    from migdx.registry import load_structures
    from migdx.structures import Codelist, Hierarchy
    from migdx.urn import Reference

    registry = load_structures()
    every = registry.get(Codelist, Reference("Codelist", "MIGDX", "CL_AREA", "1.0.0"))
    world = registry.get(Hierarchy, Reference("Hierarchy", "MIGDX", "H_AREA", "1.0.0"))
    regions = {node.code.item for top in world.codes for node in top.walk() if node.children}
    areas = [one.id for one in every.items if one.id not in regions and one.id != COUNTRY]
    citizens = ["CIT", *areas[40:60]]
    births = ["NB", *areas[:100]]
    inside = (len(births) + 2) * (len(citizens) + 2) * (len(SEXES) + 1) * (len(AGES) + 1)
    years = [str(2023 - n) for n in range(max(1, round(observations / inside)))][::-1]
    leaves = [births, citizens, SEXES, AGES]
    drawn = np.random.default_rng(7).poisson(40, [*map(len, leaves), len(years)])
    for axis, (total, split) in enumerate([("_T", "FB"), ("_T", "FOR"), ("_T", ""), ("_T", "")]):
        foreign = drawn.take(range(1, drawn.shape[axis]), axis).sum(axis, keepdims=True)
        more = [drawn.sum(axis, keepdims=True), *([foreign] if split else [])]
        drawn = np.concatenate((*more, drawn), axis)
        leaves[axis] = [total, *([split] if split else []), *leaves[axis]]
    ids = ("BIRTHPLACE", "CITIZENSHIP", "SEX", "AGE")
    return dict(zip(ids, leaves, strict=True)) | {"TIME_PERIOD": years}, drawn


def _same(text: str, size: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(size, np.int32)), pa.array([text])).cast(
        pa.utf8()
    )


def ours(path: Path) -> dict[str, object]:
    """CPU seconds of each check, of all of them, and of binding; and what was found."""
    from migdx import checks
    from migdx.checks import judging
    from migdx.checks.causes import without_consequences
    from migdx.checks.given import Given
    from migdx.folders import shipped_structures
    from migdx.formats import sandbox
    from migdx.registry import load_structures
    from migdx.rulebook import bound, read_rules
    from migdx.rules import RuleBook
    from migdx.sent import Sent
    from migdx.targets import targeted, typed_rows

    registry = load_structures()
    book = bound(read_rules(shipped_structures()), registry)
    sent = Sent(io.BytesIO(path.read_bytes()), path.stat().st_size, "text/csv", path.name, "FRA", large=True)
    columns = sandbox.default.read(sent.file, sent.size, **sent.job)
    (target,), _ = targeted(columns, sent, registry, preview=False)
    taken: Counter[str] = Counter()
    start = time.process_time()
    dataset, _ = typed_rows(target.columns, target.schema)
    bind = time.process_time() - start
    own = book.of_schema(target.schema, "FRA")
    rules = RuleBook(tuple(rule for rule in own if rule.level <= 1), (), own.scale)
    start = time.process_time()
    found = []
    for check, severity in checks.ALWAYS.items():
        before = time.process_time()
        found += list(checks.located(dataset, target.columns, {check: severity}))
        taken[checks.name(check)] += time.process_time() - before
    sound = ~checks.rejected(found, len(dataset))
    level_0 = time.process_time() - start
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    cells = judging.Cells(dataset, rules.scale, sound)
    judged = judging.Judged()
    given = Given.nothing("nothing_stored")
    for rule in rules:
        begun = time.process_time()
        check, needs = judging.BY_NAME[rule.check]
        if not needs:
            judging._take(check(cells, rule, given), rule, dataset, judged)
        taken[f"{rule.id} {rule.check}"] += time.process_time() - begun
    told = without_consequences(found + judged.located, dataset)
    whole = time.process_time() - start
    dataset, _ = typed_rows(target.columns, target.schema)  # as if nothing had run before
    start = time.process_time()
    few = RuleBook(tuple(rule for rule in rules if rule.id in THREE), (), own.scale)
    judging.judged(dataset, few, given, sound)
    apart = time.process_time() - start
    return {
        "rows": len(dataset),
        "rules": len(rules.rules),
        "typed": bind,
        "three": apart,
        "level 0": level_0,
        "level 1": whole - level_0,
        "errors": sum(one.finding.severity == "error" for one in told),
        "found": dict(Counter(one.finding.code for one in told)),
        "costly": [f"{name} {seconds * 1000:.0f} ms" for name, seconds in taken.most_common(12)],
        "more MB": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024,
    }


def pyarrow(path: Path) -> dict[str, object]:
    """CPU seconds that it takes to read the file as it is, its own guesses at types included.

    The least of several, with and without threads: the first pays for starting them.
    """
    spent = []
    for threads in (True, False, True, False):
        start = time.process_time()
        table = csv.read_csv(path, csv.ReadOptions(use_threads=threads))
        spent.append(time.process_time() - start)
    return {"rows": table.num_rows, "read": min(spent)}


TOLD = {"": "clean", "codes": "wrong code in every row", "figures": "wrong figure in every row"}
EXPECTED = {"": set[str](), "codes": {"unknown_code"}, "figures": {"sum_of_parts"}}
"""What must be found: a bench of rules that do not run is none."""

CONTESTANTS = {"ours": ours, "pyarrow": pyarrow}


def measured(name: str, path: Path, rounds: int) -> dict[str, Any]:
    """The least of several runs, each in a fresh process."""
    runs = []
    for _ in range(rounds):
        done = subprocess.run([sys.executable, __file__, name, str(path)], stdout=subprocess.PIPE, check=True)
        runs.append(json.loads(done.stdout))
    return min(runs, key=lambda run: run["read"] if name == "pyarrow" else run["level 0"] + run["level 1"])


def main(observations: int = 1_000_000, rounds: int = 3) -> None:
    with tempfile.TemporaryDirectory() as folder:
        print("CPU seconds (user and system), the least of", rounds, "runs")
        least: dict[str, float] = {}
        for wrong in ("", "codes", "figures"):
            path = Path(folder) / "stock.csv"
            rows = write_stock(path, observations, wrong=wrong)
            if not wrong:
                size = path.stat().st_size / 1e6
                read = measured("pyarrow", path, rounds)["read"]
                print(f"{rows:,} observations, {size:.0f} MB; pyarrow reads them in {read:.2f}")
            run = measured("ours", path, rounds)
            zero, one, found = run["level 0"], run["level 1"], run["found"]
            least[wrong] = zero + one
            if not EXPECTED[wrong] <= set(found) or (not wrong and run["errors"]):
                sys.exit(f"{TOLD[wrong]}: found {found}")
            print(f"{TOLD[wrong]:28}{zero + one:6.2f}: level 0 {zero:.2f}, level 1 {one:.2f}")
            print(f"  {run['rules']} rules, {run['more MB']:.0f} MB more, binding {run['typed']:.2f}")
            print(f"  sum of sexes, no negative count, value and status: {run['three']:.3f}")
            print(f"  most: {', '.join(run['costly'])}")
            print(f"  found: {found}", flush=True)
        print(f"all rules / pyarrow reading: {least[''] / read:.2f} (at most 0.40)")
        for wrong in ("codes", "figures"):
            print(f"wrong {wrong} in every row / clean: {least[wrong] / least['']:.2f} (at most 2)")


if __name__ == "__main__":
    if sys.argv[1:] and sys.argv[1] in CONTESTANTS:
        print(json.dumps(CONTESTANTS[sys.argv[1]](Path(sys.argv[2]))))
    else:
        main(*(int(argument) for argument in sys.argv[1:]))
