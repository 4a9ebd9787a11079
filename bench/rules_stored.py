"""The rules of levels 2 and 3 on a country's rows against all that is stored, beside bare joins in DuckDB.

`python bench/rules_stored.py [thousands of rows of each provider] [rounds]`. 200 providers have released
their flows, one of them its accounts and stocks too, written through the store. That one sends 100,000 rows
of flows anew, then of accounts. The joins are what the rules cannot do without: the rows with the provider's
last revision, with its other dataflows, and with what the partners say of the same, over the same Parquet
files. They say nothing of what is wrong; the figures are drawn, so that no account closes.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

FLOWS, ACCOUNTS, STOCKS = "DF_MIG_FLOW", "DF_MIG_ACCOUNT", "DF_MIG_STOCK"
PROVIDERS = 200
OWN_ROWS = 105_000
COUNTRY = "250"
YEARS = [str(year) for year in range(2001, 2024)]
LAST = YEARS[-10:]
SEXES = ["_T", "F", "M"]
AGES = ["_T", *(f"Y{n}T{n + 4}" for n in range(0, 85, 5))]
STATUS = {"BIRTHPLACE": ["_T", "NB", "FB"], "CITIZENSHIP": ["_T", "CIT", "FOR"]}
COMPONENTS = ["POP_START", "BIRTH", "DEATH", "IMMIG", "EMIG", "ACQ_CIT", "LOSS_CIT", "ADJ", "POP_END"]
OF_FLOWS = ("COUNTERPART_AREA", "REASON")
OF_STOCKS = ("DURATION_STAY", "EDUCATION_LEV", "LFS", "URBANISATION")
SAID = {
    "OBS_STATUS": "A", "CONF_STATUS": "F", "SOURCE_TYPE": "REG_POP", "RESIDENCE_CRIT": "M12",
    "COUNT_UNIT": "PERSON", "UNIT_MEASURE": "PS", "UNIT_MULT": "0",
}  # fmt: skip
Axes = dict[str, list[str]]


def axes_of(flow: str, area: str, areas: list[str], rows: int) -> Axes:
    """The codes of each dimension that varies; of flows as many ages as make about `rows`."""
    people: Axes = {"SEX": SEXES, "AGE": AGES}
    if flow == ACCOUNTS:
        return {"COMPONENT": COMPONENTS, **STATUS, **people, "TIME_PERIOD": YEARS}
    if flow == STOCKS:
        return {**STATUS, **people, "TIME_PERIOD": YEARS}
    partners = ["_T", *(one for one in areas if one != area)]
    ages = round(rows / (2 * len(partners) * len(LAST) * len(SEXES)))
    people = {"SEX": SEXES, "AGE": AGES[: max(1, ages)]}
    return {"COMPONENT": ["IMMIG", "EMIG"], "COUNTERPART_AREA": partners, **people, "TIME_PERIOD": LAST}


def table(flow: str, area: str, areas: list[str], rows: int, seed: int) -> pa.Table:
    """A dense cube of drawn figures, which change little from one code of the last axis to the next."""
    axes = axes_of(flow, area, areas, rows)
    sizes = [len(codes) for codes in axes.values()]
    drawn = np.random.default_rng(seed)
    level = drawn.lognormal(5, 1.5, (*sizes[:-1], 1)) * drawn.lognormal(0, 0.05, sizes)
    columns = {
        id: _coded(at.ravel(), codes) for (id, codes), at in zip(axes.items(), np.indices(sizes), strict=True)
    }
    others = ("BIRTHPLACE", "CITIZENSHIP", *(OF_STOCKS if flow == STOCKS else OF_FLOWS))
    fixed = {"FREQ": "A", "SOURCE": "OFF", "REF_AREA": area, **dict.fromkeys(others, "_T"), **SAID}
    columns |= {id: _coded(np.zeros(level.size), [code]) for id, code in fixed.items() if id not in axes}
    return pa.table(columns | {"OBS_VALUE": pa.array(np.round(level.ravel()))})


def _coded(codes: np.ndarray, values: list[str]) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), pa.array(values))


def sent(flow: str, areas: list[str]) -> pa.Table:
    """The country's rows, a twentieth of them other than before."""
    rows = table(flow, COUNTRY, areas, OWN_ROWS, areas.index(COUNTRY))
    values = np.asarray(rows.column("OBS_VALUE"))
    changed = np.random.default_rng(3).random(len(values)) < 0.05
    values = np.where(changed, np.round(values * 1.08), values)
    return rows.set_column(rows.column_names.index("OBS_VALUE"), "OBS_VALUE", pa.array(values))


def short(flow: str) -> str:
    return f"MIGDX:{flow}(1.0.0)"


def providers(registry: Any) -> dict[str, str]:
    """Areas, each with the provider that reports for it alone."""
    from migdx.structures import ProvisionAgreement

    flow = registry.dataflow(short(FLOWS))
    found = {COUNTRY: ""}
    for agreement in registry.of(ProvisionAgreement):
        if agreement.dataflow == flow.reference and agreement.provider:
            area = registry.schema(flow.reference, agreement).by_id["REF_AREA"].granted
            if area and len(area) == 1 and (len(found) < PROVIDERS or COUNTRY in area):
                found[next(iter(area))] = agreement.provider.item
    return dict(sorted(found.items()))


def stored(folder: Path, rows: int) -> int:
    """Writes everything through the store, and what a ledger would say of it; how many observations."""
    from migdx.depots.folder import FolderDepot
    from migdx.registry import load_structures
    from migdx.stored import as_dataset
    from migdx.stores.segments import SegmentStore

    registry = load_structures()
    areas = providers(registry)
    store = SegmentStore(FolderDepot(folder))
    kept: list[dict[str, Any]] = []

    def keep(name: str, area: str, wanted: int, seed: int) -> None:
        flow = registry.dataflow(short(name))
        agreement = registry.agreement(areas[area], flow)
        schema = registry.schema(flow.reference, agreement)
        data = as_dataset(table(name, area, list(areas), wanted, seed), schema).table()
        segment = store.write(data, schema, agreement=agreement.id, revision=1)
        kept.append({"provider": areas[area], "segment": segment.as_dict()})

    for seed, area in enumerate(areas):
        more = 1.1 if seed % 4 == 0 else 1.0  # a group of ages more, so that all have `rows` on average
        keep(FLOWS, area, OWN_ROWS if area == COUNTRY else round(rows * more), seed)
    for name in (ACCOUNTS, STOCKS):
        keep(name, COUNTRY, OWN_ROWS, list(areas).index(COUNTRY))
    store.close()
    (folder / "segments.json").write_text(json.dumps({"areas": areas, "kept": kept}))
    return sum(one["segment"]["observations"] for one in kept)


# --- contestants ------------------------------------------------------------------------------------------


def ours(folder: Path, name: str) -> dict[str, Any]:
    """CPU seconds of fetching what is compared and of the rules, the first time and once more."""
    from migdx.blobs import Blobs
    from migdx.checks import judging
    from migdx.consolidated import Consolidated
    from migdx.depots.folder import FolderDepot
    from migdx.folders import shipped_structures
    from migdx.history import History
    from migdx.public import Public
    from migdx.registry import load_structures
    from migdx.release import Release
    from migdx.rulebook import bound, read_rules
    from migdx.stored import as_dataset
    from migdx.stores import Segment
    from migdx.stores.segments import SegmentStore
    from migdx.submission import Submission
    from migdx.supply import supply_from

    registry = load_structures()
    flow = registry.dataflow(short(name))
    said = json.loads((folder / "segments.json").read_text())
    provider = said["areas"][COUNTRY]
    schema = registry.schema(flow.reference, registry.agreement(provider, flow))
    now = datetime.now(UTC)
    made = [
        Submission(str(at), one["segment"]["agreement"], one["segment"]["dataflow"], one["provider"], "", "",
                   "Replace", "accepted", "bench", revision=1, segment=Segment(**one["segment"]), stamp=now)
        for at, one in enumerate(said["kept"])
    ]  # fmt: skip
    history = History(
        submissions={one.id: one for one in made},
        latest={one.slot: one for one in made},
        releases=tuple(Release(one.id, now, now, {one.slot: 1}) for one in made),
        revisions={(*one.slot, 1): one for one in made},
    )
    store = SegmentStore(FolderDepot(folder))
    book = bound(read_rules(shipped_structures()), registry)
    own = book.of("MIGDX:DSD_MIG_FLOW", f"MIGDX:{name}", provider)
    rules = replace(own, rules=tuple(rule for rule in own if 2 <= rule.level <= 3))
    supply = supply_from(
        Public(history, now), Consolidated(store, Blobs(FolderDepot(folder))), registry, owner=True
    )
    dataset = replace(as_dataset(sent(name, list(said["areas"])), schema), stored=0)
    found: dict[str, Any] = {"rows": len(dataset), "rules": [rule.id for rule in rules]}
    for round_ in ("first", "again"):
        taken: Counter[str] = Counter()
        start = time.process_time()
        given = supply(dataset, provider, rules)
        fetched = time.process_time() - start
        cells = judging.Cells(dataset, rules.scale)
        judged = judging.Judged()
        for rule in rules:
            begun = time.process_time()
            check, needs = judging.BY_NAME[rule.check]
            if not judging._unavailable(rule, needs, given):
                judging._take(check(cells, rule, given), rule, dataset, judged)
            taken[f"{rule.id} {rule.check}"] += time.process_time() - begun
        whole = time.process_time() - start
        notes = judged.sections.get("mirrors", ())
        found |= {
            round_: whole,
            f"{round_} fetching": fetched,
            "costly": [f"{id} {seconds * 1000:.0f} ms" for id, seconds in taken.most_common(6)],
            "found": dict(Counter({one.finding.code: one.finding.count for one in judged.located})),
            "pairs": next((note["counts"]["pairs"] for note in notes if "counts" in note), 0),
        }
    store.close()
    return found


PERSON = ("FREQ", "REF_AREA", "SOURCE", "BIRTHPLACE", "CITIZENSHIP", "SEX", "AGE")
KEY = (*PERSON, "COMPONENT", *OF_FLOWS, "TIME_PERIOD")
TOLD = ("OBS_VALUE", "OBS_STATUS", "CONF_STATUS", "UNIT_MULT", "RESIDENCE_CRIT", "SOURCE_TYPE", "COUNT_UNIT")
TOTALS = ("BIRTHPLACE", "CITIZENSHIP", "SEX", "AGE", "REASON")
MIRROR = (
    "there.REF_AREA = own.COUNTERPART_AREA AND there.COUNTERPART_AREA = own.REF_AREA"
    " AND there.TIME_PERIOD = own.TIME_PERIOD AND there.FREQ = own.FREQ AND there.SOURCE = own.SOURCE"
    " AND there.COMPONENT = CASE own.COMPONENT WHEN 'IMMIG' THEN 'EMIG' ELSE 'IMMIG' END"
    + "".join(f" AND own.{id} = '_T' AND there.{id} = '_T'" for id in TOTALS)
)
_NEXT = "CASE own.COMPONENT WHEN 'POP_START' THEN 0 WHEN 'POP_END' THEN 1 END"
STOCK = (
    " AND ".join(f"there.{id} = own.{id}" for id in PERSON)
    + f" AND there.TIME_PERIOD = (own.TIME_PERIOD::INTEGER + {_NEXT})::VARCHAR"
)


def same(*ids: str) -> str:
    return " AND ".join(f"there.{id} = own.{id}" for id in ids)


def needed(name: str, country: str) -> Mapping[str, tuple[str, bool, str]]:
    """The joins of a dataflow: with which one, the country's own or the others', and on what."""
    if name == FLOWS:
        return {
            "last revision": (FLOWS, True, same(*KEY)),
            "accounts": (ACCOUNTS, True, same(*KEY)),
            "mirror": (FLOWS, False, MIRROR),
        }
    return {
        "last revision": (ACCOUNTS, True, same(*KEY)),
        "flows": (FLOWS, True, same(*KEY)),
        "stocks": (STOCKS, True, STOCK),
    }


def joins(folder: Path, name: str) -> dict[str, Any]:
    """CPU seconds of the joins alone, with the columns that the rules look at."""
    import duckdb

    said = json.loads((folder / "segments.json").read_text())
    country = said["areas"][COUNTRY]
    rows = sent(name, list(said["areas"]))
    plain = [(f.name, pa.utf8() if pa.types.is_dictionary(f.type) else f.type) for f in rows.schema]
    engine = duckdb.connect(":memory:")
    engine.execute("SET parquet_metadata_cache = true")
    own = rows.cast(pa.schema(plain))
    engine.register("own", own)
    told = ", ".join(f"there.{id}" for id in TOLD)
    found: dict[str, Any] = {"joins": []}
    for round_ in ("first", "again"):
        start = time.process_time()
        for label, (flow, mine, on) in needed(name, country).items():
            begun = time.process_time()
            paths = [
                str(folder / "open" / f"{one['segment']['name']}.parquet")
                for one in said["kept"]
                if one["segment"]["dataflow"] == short(flow) and (one["provider"] == country) == mine
            ]
            text = f"SELECT own.OBS_VALUE, {told} FROM own JOIN read_parquet($paths) there ON {on}"
            found[label] = engine.sql(text, params={"paths": paths}).to_arrow_table().num_rows
            found[f"{round_} {label}"] = time.process_time() - begun
        found[round_] = time.process_time() - start
    engine.close()
    return found | {"joins": list(needed(name, country))}


CONTESTANTS = {"ours": ours, "joins": joins}


def measured(contestant: str, folder: Path, name: str, rounds: int) -> dict[str, Any]:
    """The least of several runs, each in a fresh process."""
    runs = []
    for _ in range(rounds):
        command = [sys.executable, __file__, contestant, str(folder), name]
        runs.append(json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout))
    return min(runs, key=lambda run: run["again"])


def compared(folder: Path, name: str, rounds: int) -> None:
    bare, mine = (measured(one, folder, name, rounds) for one in ("joins", "ours"))
    if mine["pairs"] != bare.get("mirror", 0):
        sys.exit(f"ours compares {mine['pairs']} pairs, the join finds {bare['mirror']}")
    print(f"{mine['rows']:,} rows of {name:24}{'first':>8}{'again':>8}   rows joined")
    for label in bare["joins"]:
        print(f"  DuckDB, join with {label:18}{_both(bare, label)}   {bare[label]:,}")
    print(f"  {'DuckDB, all of them':36}{bare['first']:8.2f}{bare['again']:8.2f}")
    print(f"  {'ours, fetching':36}{_both(mine, 'fetching')}")
    print(f"  {'ours, with the rules':36}{mine['first']:8.2f}{mine['again']:8.2f}")
    print(f"  {len(mine['rules'])} rules: {', '.join(mine['rules'])}")
    print(f"  most: {', '.join(mine['costly'])}")
    print(f"  found: {mine['found']}")
    ratios = [mine[round_] / bare[round_] for round_ in ("first", "again")]
    print(f"  rules of levels 2 and 3 / joins: first {ratios[0]:.2f}, again {ratios[1]:.2f} (at most 3)")


def _both(run: Mapping[str, Any], label: str) -> str:
    return f"{run[f'first {label}']:8.2f}{run[f'again {label}']:8.2f}"


def main(thousands: int = 50, rounds: int = 3) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        count = stored(folder, thousands * 1000)
        print(f"{count:,} observations stored of {PROVIDERS} providers; CPU seconds, least of {rounds} runs")
        for flow in (FLOWS, ACCOUNTS):
            compared(folder, flow, rounds)


if __name__ == "__main__":
    if sys.argv[1:] and sys.argv[1] in CONTESTANTS:
        print(json.dumps(CONTESTANTS[sys.argv[1]](Path(sys.argv[2]), sys.argv[3])))
    else:
        main(*(int(argument) for argument in sys.argv[1:]))
