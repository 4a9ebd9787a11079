"""The demonstration data: the manifest says what the files hold, and known figures are in them."""

import csv
import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

DEMO = Path(__file__).resolve().parents[1] / "demo"
MANIFEST: list[dict[str, Any]] = json.loads((DEMO / "manifest.json").read_text(encoding="utf-8"))

HEADERS = {
    "MIGDX:DF_MIG_FLOW(1.0.0)": (
        "STRUCTURE,STRUCTURE_ID,ACTION,FREQ,REF_AREA,COMPONENT,SOURCE,COUNTERPART_AREA,BIRTHPLACE,CITIZENSHIP,"
        "SEX,AGE,REASON,TIME_PERIOD,OBS_VALUE,OBS_STATUS,CONF_STATUS,UNIT_MEASURE,UNIT_MULT,COMMENT_OBS"
    ),
    "MIGDX:DF_MIG_STOCK(1.0.0)": (
        "STRUCTURE,STRUCTURE_ID,ACTION,FREQ,REF_AREA,SOURCE,BIRTHPLACE,CITIZENSHIP,SEX,AGE,DURATION_STAY,"
        "EDUCATION_LEV,LFS,URBANISATION,TIME_PERIOD,OBS_VALUE,OBS_STATUS,CONF_STATUS,REF_DATE,UNIT_MEASURE,"
        "UNIT_MULT,COMMENT_OBS"
    ),
}
GERMANY = "276"
each_file = pytest.mark.parametrize("entry", MANIFEST, ids=lambda entry: entry["file"])


def text_of(name: str) -> str:
    return gzip.decompress((DEMO / name).read_bytes()).decode("utf-8")


def rows_of(name: str) -> Iterator[dict[str, str]]:
    """One row after the other: the stock has a quarter of a million."""
    yield from csv.DictReader(io.StringIO(text_of(name), newline=""))


def dimensions_of(dataflow: str) -> list[str]:
    header = HEADERS[dataflow].split(",")
    return header[header.index("FREQ") : header.index("OBS_VALUE")]


def test_manifest_lists_every_file_and_no_other() -> None:
    assert sorted(entry["file"] for entry in MANIFEST) == sorted(path.name for path in DEMO.glob("*.csv.gz"))
    assert sum(path.stat().st_size for path in DEMO.iterdir()) < 6_000_000


@each_file
def test_file_is_what_the_manifest_says(entry: dict[str, Any]) -> None:
    assert text_of(entry["file"]).partition("\r\n")[0] == HEADERS[entry["dataflow"]]
    count = 0
    for row in rows_of(entry["file"]):
        count += 1
        assert (row["STRUCTURE"], row["STRUCTURE_ID"], row["ACTION"]) == ("dataflow", entry["dataflow"], "R")
        assert row["OBS_VALUE"].isdigit()
        assert row["CONF_STATUS"] == "F"
        assert row["COMMENT_OBS"] in entry["source"]
    assert count == entry["rows"] > 0


@each_file
def test_keys_are_unique_and_the_own_area_is_no_origin(entry: dict[str, Any]) -> None:
    dimensions = dimensions_of(entry["dataflow"])
    partners = sorted({"COUNTERPART_AREA", "BIRTHPLACE", "CITIZENSHIP"} & set(dimensions))
    keys, areas = set(), set()
    for row in rows_of(entry["file"]):
        keys.add(".".join(row[dimension] for dimension in dimensions))
        areas.add(row["REF_AREA"])
        assert row["REF_AREA"] not in [row[partner] for partner in partners]
    assert len(keys) == entry["rows"]
    if entry["provider"] == "DESA":
        assert (len(areas), entry["agreement"]) == (231, "MIG_STOCK_DESA")
    else:
        assert (len(areas), entry["agreement"]) == (1, f"MIG_FLOW_{entry['provider']}")


@pytest.mark.parametrize(
    ("component", "year", "value"),
    [
        ("IMMIG", "2013", "14875"),
        ("IMMIG", "2017", "14591"),
        ("IMMIG", "2019", "13364"),
        ("EMIG", "2013", "11122"),
        ("EMIG", "2019", "12728"),
    ],
)
def test_france_and_germany(component: str, year: str, value: str) -> None:
    """Eurostat, mig_data.csv: from Germany to France and back, as France reports them."""
    where = {"COMPONENT": component, "COUNTERPART_AREA": GERMANY, "TIME_PERIOD": year}
    assert values("flow-FRA.csv.gz", where) == [value]


@pytest.mark.parametrize(
    ("component", "total", "rows"), [("IMMIG", 5_695_142, 3_624), ("EMIG", 4_919_026, 3_520)]
)
def test_flows_add_up_to_the_table(component: str, total: int, rows: int) -> None:
    files = [entry["file"] for entry in MANIFEST if entry["provider"] != "DESA"]
    found = [int(value) for name in files for value in values(name, {"COMPONENT": component})]
    assert (sum(found), len(found)) == (total, rows)


def test_known_figures_of_the_stock() -> None:
    """UN DESA 2019: Germany counts the foreign-born, Japan foreign citizens, Korea (DPR) is imputed."""
    known = {
        ("276", "FB", "_T", "_T"): ("13132146", "E"),
        ("276", "FB", "_T", "F"): ("6250156", "E"),
        ("276", "792", "_T", "_T"): ("1531333", "E"),
        ("276", "FB_U", "_T", "_T"): ("111422", "E"),  # 1,892 Other South and 109,530 Other North
        ("392", "_T", "FOR", "_T"): ("2498891", "E"),
        ("392", "_T", "FOR_U", "_T"): ("185464", "E"),
        ("408", "FB", "_T", "_T"): ("49393", "I"),
    }
    found, world = {}, 0
    for row in rows_of("stock-DESA.csv.gz"):
        key = (row["REF_AREA"], row["BIRTHPLACE"], row["CITIZENSHIP"], row["SEX"])
        if row["TIME_PERIOD"] == "2019":
            if key in known:
                found[key] = (row["OBS_VALUE"], row["OBS_STATUS"])
            if key[1:] in {("FB", "_T", "_T"), ("_T", "FOR", "_T")}:
                world += int(row["OBS_VALUE"])
    assert found == known
    assert world == 271_642_105 - 83_833  # the published world less the Channel Islands, no area of M49


def values(name: str, where: dict[str, str]) -> list[str]:
    return [row["OBS_VALUE"] for row in rows_of(name) if where.items() <= row.items()]
