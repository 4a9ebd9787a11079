"""What real tables are told, kept as tests/snapshots/*.json: a change of verdict is seen in the difference.

MIGDX_SNAPSHOTS=write rewrites them. The demonstration is always there; other tables where MIGDX_DATA, or
../shared/data, has them.
"""

from __future__ import annotations

import gzip
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import ROOT, sent
from mutated import read_here
from real_layouts import CITIZENSHIPS, COMPONENTS, SEXES
from test_mappings import FLOW, STOCK, TYPES, areas, labels_of, of_2009, of_undesa, proposal_of, real

from migdx.exchange import Exchange
from migdx.proposal import looked_over
from migdx.proposal.answers import named, placed
from migdx.workbook_map import Source
from migdx.workbooks import cells

SNAPSHOTS = Path(__file__).parent / "snapshots"
DEMO = ROOT / "demo"
DATA = Path(os.environ.get("MIGDX_DATA", ROOT.parent / "shared" / "data"))
MOST = 60
"""Groups of a report that a snapshot holds; how many more there are, it says."""

needs_data = pytest.mark.skipif(
    not DATA.is_dir(), reason=f"There are no tables in {DATA}; MIGDX_DATA names their folder"
)


def compact(report) -> dict:
    """What was decided and why, without what differs from day to day, and without places."""
    body = report.as_dict()
    groups = sorted(
        (
            f"{group['severity']} {group['code']} {group.get('rule', '')} {group['component'] or ''} "
            f"{group['value'] or ''} x{group['count']}"
        )
        for group in body["groups"]
    )
    unchecked = sorted(
        f"{entry['check']} {entry.get('rule', '')} {entry['reason']} {entry.get('count', '')}".rstrip()
        for entry in body["counts"]["notChecked"]
    )
    counts = {name: count for name, count in body["counts"].items() if isinstance(count, int) and count}
    sections = {name: len(entries) for name, entries in report.sections.items()}
    found = {"verdict": report.verdict, "counts": counts, "groups": groups[:MOST]}
    more = {"moreGroups": len(groups) - MOST} if len(groups) > MOST else {}
    return {**found, **more, "notChecked": unchecked, "sections": sections}


def same_as_kept(name: str, found: object) -> None:
    path = SNAPSHOTS / f"{name}.json"
    text = json.dumps(found, indent=1, ensure_ascii=False) + "\n"
    if os.environ.get("MIGDX_SNAPSHOTS") == "write":
        SNAPSHOTS.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.exists(), f"{path} is missing; MIGDX_SNAPSHOTS=write writes it"
    assert found == json.loads(path.read_text(encoding="utf-8")), "if it is meant: MIGDX_SNAPSHOTS=write"


@pytest.fixture(scope="module")
def exchange(tmp_path_factory):
    """One to check files in: nothing is kept."""
    made = Exchange.open(tmp_path_factory.mktemp("corpus"))
    yield made
    made.close()


def test_the_flows_of_the_demonstration(tmp_path):
    """Sixteen countries one after the other, each beside what those before it have released."""
    exchange = Exchange.open(tmp_path / "exchange")
    reports = {}
    with read_here():
        for path in sorted(DEMO.glob("flow-*.csv.gz")):
            provider = path.name.removesuffix(".csv.gz").removeprefix("flow-")
            content = gzip.decompress(path.read_bytes())
            made, report = exchange.submit(sent(content, provider, path.name), by="test")
            reports[provider] = compact(report)
            if report.verdict == "accepted":
                exchange.release([one.id for one in made], by="test")
    exchange.close()
    same_as_kept("demo-flows", reports)


def test_the_stock_of_the_demonstration(exchange):
    content = gzip.decompress((DEMO / "stock-DESA.csv.gz").read_bytes())
    same_as_kept("demo-stock", compact(exchange.check(sent(content, "DESA"))))


@needs_data
def test_a_national_workbook_of_2009(exchange):
    given = real("national/wanderungen_2009.xls", "DEU", FLOW, of_2009(exchange))
    same_as_kept("destatis-2009", compact(exchange.check(given)))


@needs_data
def test_a_national_workbook_of_2017(exchange):
    given = real("national/wanderungen_2017.xlsx", "DEU", FLOW)
    found = proposal_of(exchange, given)
    made = found.map
    for row, component, texts in (
        (4, "COMPONENT", COMPONENTS),
        (5, "CITIZENSHIP", CITIZENSHIPS),
        (6, "SEX", SEXES),
    ):
        made = placed(made, 0, Source(component, row=row, fill=True, texts=texts))
    made = placed(made, 0, Source("SOURCE", value="OFF"))
    made = named(
        made, 0, "TIME_PERIOD", dict.fromkeys(labels_of(found, "TIME_PERIOD")) | {"Kum. Jahr": "2017"}
    )
    made = named(made, 0, "COUNTERPART_AREA", areas(found))
    flow = exchange.registry.dataflow(FLOW)
    schema = exchange.registry.schema(flow.reference, exchange.registry.agreement("DEU", flow))
    last = looked_over(made, cells(given), schema, exchange.registry)
    given = real("national/wanderungen_2017.xlsx", "DEU", FLOW, last.map)
    same_as_kept("destatis-2017", compact(exchange.check(given)))


@needs_data
def test_the_stock_of_migrants_of_1990(exchange):
    """The first year of the table of origin and destination, its rows by birth."""
    path = "undesa/ims2017_origin_destination_table1_both.csv"
    made = of_undesa(exchange, real(path, "DESA", STOCK))
    made = replace(made, sheets=(replace(made.sheets[0], last_row=271),))
    made = placed(made, 0, Source("", column=6, texts={kind: None for kind in TYPES if "C" in kind}))
    imputed = {kind: "I" if "I" in kind else "A" for kind in TYPES}
    made = placed(made, 0, Source("OBS_STATUS", column=6, texts=imputed))
    same_as_kept("undesa-1990", compact(exchange.check(real(path, "DESA", STOCK, made))))


@needs_data
def test_tables_of_eurostat_and_of_the_oecd_as_they_are(exchange):
    """None is of a dataflow that is collected here, and each is told so in few words."""
    paths = sorted((*DATA.glob("eurostat/*.csv"), *DATA.glob("oecd/*.csv")))
    found = {
        path.name: compact(exchange.check(sent(path.read_bytes(), "", path.name, "text/csv")))
        for path in paths
    }
    same_as_kept("as-published", found)
