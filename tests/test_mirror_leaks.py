"""A partner's figure that is not public is not there: without it the report is the same, in every form."""

import io
import re
import zipfile
from datetime import UTC, datetime, timedelta

import openpyxl
import pyarrow as pa
import pytest
from conftest import HEADER, TOKEN, flow_csv, flow_row, publish, sent

from migdx.exchange import Exchange
from migdx.intake import examine
from migdx.stored import as_dataset
from migdx.supply import supply_from
from migdx.web import create_app
from migdx.web.sending import FORMS

MARKERS = {
    "confidential": "987654321",
    "its comment": "marker-in-a-comment",
    "under embargo": "123454321",
    "not released": "555444333",
    "taken back": "777666555",
    "replaced by a later revision": "222333444",
}
OPEN = "424242"
LATER = timedelta(days=1)

EMIGRANTS = [flow_row("250", "EMIG", area, year, 1000) for area in ("276", "208", "380", "752", "724")
             for year in (2018, 2019)]  # fmt: skip
"""What France sends: its emigrants to five countries, each of which has something to hide."""


def arrivals(area, year, value, **more):
    return flow_row(area, "IMMIG", "250", year, value, **more)


def submitted(exchange, provider, *rows):
    (made,), report = exchange.submit(sent(flow_csv(*rows), provider), by="test")
    assert report.verdict == "accepted"
    return made


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Germany: one year open, one confidential. Denmark: under embargo. Italy: never released. Sweden: taken
    back. Spain: a first revision released, a second one waiting, an older one replaced."""
    exchange = Exchange.open(tmp_path_factory.mktemp("world"))
    publish(
        exchange,
        "DEU",
        [
            arrivals("276", 2018, OPEN),
            arrivals("276", 2019, "987654321", conf="C", comment="marker-in-a-comment"),
        ],
    )
    publish(exchange, "DNK", [arrivals("208", 2019, "123454321")], public_from=datetime.now(UTC) + LATER)
    submitted(exchange, "ITA", arrivals("380", 2019, "555444333"))
    taken_back = publish(exchange, "SWE", [arrivals("752", 2019, "777666555")])
    exchange.cancel(taken_back.id, by="test")
    publish(exchange, "ESP", [arrivals("724", 2018, "222333444")])
    publish(exchange, "ESP", [arrivals("724", 2018, "3000")])
    submitted(exchange, "ESP", arrivals("724", 2018, "555444333"), arrivals("724", 2019, "555444333"))
    yield exchange
    exchange.close()


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """The same as everyone may see it: nothing else was ever sent."""
    exchange = Exchange.open(tmp_path_factory.mktemp("bare"))
    publish(exchange, "DEU", [arrivals("276", 2018, OPEN)])
    publish(exchange, "ESP", [arrivals("724", 2018, "3000")])
    yield exchange
    exchange.close()


def digits(said):
    """A text whose numbers have nothing between their digits: a page groups them by thousands."""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    return re.sub(r"(?<=\d)[\s,.'’](?=\d{3})", "", text)


def assert_silent(said, where):
    """No marker, nor its difference to what France sends."""
    text = digits(said)
    for what, marker in MARKERS.items():
        told = [marker, str(int(marker) - 1000)] if marker.isdigit() else [marker]
        assert not [one for one in told if one in text], f"{what} in {where}"


def seen(body):
    """A report without what is of each world by itself: its clock, its structures' day, ids, instants."""
    names = ("timing", "rules", "id", "submission", "previousSubmission", "revision", "content")
    found = {name: value for name, value in body.items() if name not in names}
    found["subject"] = {name: value for name, value in body["subject"].items() if name not in names}
    return re.sub(r"'(release|publicFrom)': '[^']*'", r"'\1': ''", str(found))


def france(provider="FRA"):
    return sent(flow_csv(*EMIGRANTS), provider)


def test_a_world_with_hidden_figures_says_what_one_without_them_says(world, bare):
    here, there = (one.check(france()).as_dict() for one in (world, bare))
    assert seen(here) == seen(there)
    assert OPEN in str(here)  # something is compared at all
    assert here["mirrors"][0]["counts"]["pairs"] == 2
    assert_silent(here, "the report")
    (without,) = [one for one in here["counts"]["notChecked"] if one["reason"] == "no_partner_figure"]
    assert without["count"] == len(EMIGRANTS) - 2


def test_a_submission_is_told_what_a_check_without_account_is(world, bare):
    """Of partners: the check with a provider, that without one, and what is kept with a submission."""
    checked = world.check(france()).as_dict()
    nobody = world.check(france("")).as_dict()
    reports = []
    for exchange in (world, bare):
        (made,), _ = exchange.submit(france(), by="test")
        with exchange.blobs.open(made.report) as kept:
            assert_silent(kept.read(), "the stored report")
        assert_silent(made.as_dict(), "the ledger")
        reports.append(exchange.report(made.id))
    assert seen(reports[0]) == seen(reports[1])

    def mirrors(body):
        return [
            entry | {"sides": [side | {"provider": ""} for side in entry.get("sides", ())]}
            for entry in body["mirrors"]
        ]

    assert mirrors(checked) == mirrors(nobody) == mirrors(reports[0])


def workbook():
    """The same rows as a workbook, which alone is annotated."""
    made = openpyxl.Workbook()
    for line in (HEADER.split(","), *cells()):
        made.active.append(line)
    content = io.BytesIO()
    made.save(content)
    return content.getvalue()


@pytest.mark.parametrize("form", FORMS)
def test_no_form_of_a_report_tells_more(world, form):
    client = create_app(world, token=TOKEN, demo=False).test_client()
    file = (workbook(), "flows.xlsx") if form == "annotated" else (flow_csv(*EMIGRANTS), "flows.csv")
    data = {"provider": "FRA", "file": (io.BytesIO(file[0]), file[1])}
    answer = client.post(f"/check?format={form}", data=data)
    said = answer.get_data()
    assert answer.status_code == 200
    assert_silent(said, form)
    if form in ("json", "html"):
        assert OPEN in digits(said)  # what is released is there, so that the search is none for nothing
    if said[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(said)) as packed:
            for name in packed.namelist():
                assert_silent(packed.read(name), f"{form}: {name}")


def test_what_is_kept_with_a_submission_is_silent_in_every_form(world):
    client = create_app(world, token=TOKEN, demo=False).test_client()
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    data = {"provider": "FRA", "file": (io.BytesIO(flow_csv(*EMIGRANTS)), "flows.csv")}
    at = client.post("/submissions", data=data, headers=bearer).headers["Location"]
    for tail in ("", "/report", "/report?format=html", "/findings.csv", "/validat", "/rejected"):
        assert_silent(client.get(at + tail, headers=bearer).get_data(), tail)


def test_what_a_rule_is_given_holds_open_figures_only(world, bare):
    """Not even a row of which the figure is closed: there is nothing that a check could count."""
    given = []
    for exchange in (world, bare):
        registry = exchange.registry
        schema = registry.schema(registry.dataflow("DF_MIG_FLOW").reference)
        book = exchange.rules(registry).of("MIGDX:DSD_MIG_FLOW", "MIGDX:DF_MIG_FLOW", "FRA")
        table = pa.table(dict(zip(HEADER.split(","), map(list, zip(*cells(), strict=True)), strict=True)))
        supply = supply_from(exchange.public(), exchange.consolidated, registry, owner=False)
        others = supply(as_dataset(table, schema), "FRA", book).partners["M01"]
        assert [others.origins[at]["provider"] for at in others.of] == ["DEU", "ESP"]
        given.append([column.text(row) for row in range(2) for column in others.dataset.columns.values()])
    assert given[0] == given[1]


def cells():
    return [line.split(",") for line in flow_csv(*EMIGRANTS).decode().splitlines()[1:]]


def test_when_the_embargo_ends_the_same_check_shows_the_mirror(world):
    """Denmark's figure, and nothing else of what is hidden; an instant before, it is not there."""
    registry = world.registry
    ends = world.public().next_change
    assert ends is not None

    def at(instant):
        supply = supply_from(world.public(instant), world.consolidated, registry, owner=False)
        book = world.rules(registry)
        return str(examine(france(), registry, book, supply, preview=True).report.as_dict())

    assert MARKERS["under embargo"] not in at(ends - timedelta(microseconds=1))
    shown = at(ends)
    assert MARKERS["under embargo"] in shown
    for what in MARKERS.keys() - {"under embargo"}:
        assert MARKERS[what] not in shown, what


def test_a_release_taken_back_is_gone_and_what_was_before_it_is_back(exchange):
    publish(exchange, "DEU", [arrivals("276", 2018, "5000")])
    later = publish(exchange, "DEU", [arrivals("276", 2018, "777666555")])
    assert "777666555" in str(exchange.check(france()).as_dict())
    exchange.cancel(later.id, by="test")
    body = exchange.check(france()).as_dict()
    assert_silent(body, "after the cancellation")
    assert [pair["sides"][1]["value"] for pair in body["mirrors"][1:]] == ["5000"]
