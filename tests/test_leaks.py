"""No confidential and no embargoed value leaves: marker values are looked for in every answer."""

import io
from datetime import UTC, datetime, timedelta

import pytest
from conftest import HEADER, sent

from migdx.exchange import Exchange
from migdx.formats.tables import WRITERS
from migdx.web import create_app

MARKERS = {
    "confidential value": "987654321",
    "its text": "987654321.50",
    "bound": "987600001",
    "comment": "marker-in-a-comment",
    "embargoed value": "123454321",
    "not released": "555444333",
}
FREE = "424242"

COLUMNS = HEADER + ",LOWER_BOUND,UPPER_BOUND"


def file_of(*rows):
    return (
        "\n".join([COLUMNS, *(f"dataflow,MIGDX:DF_MIG_FLOW(1.0.0),R,A,{row}" for row in rows)]) + "\n"
    ).encode()


def row(area, year, value, conf, comment="", low="", high=""):
    return f"{area},IMMIG,OFF,276,_T,_T,_T,_T,_T,{year},{value},A,{conf},PS,0,{comment},{low},{high}"


@pytest.fixture(scope="module")
def exchange(tmp_path_factory):
    """France released, a year of it confidential; Denmark under embargo; Italy accepted, not released."""
    france = file_of(
        row("250", 2018, FREE, "F"),
        row("250", 2019, "987654321.50", "C", "marker-in-a-comment", "987600001", "987654322"),
    )
    exchange = Exchange.open(tmp_path_factory.mktemp("leaks"))
    taken = {}
    for provider, content in (
        ("FRA", france),
        ("DNK", file_of(row("208", 2019, "123454321", "F"))),
        ("ITA", file_of(row("380", 2019, "555444333", "F"))),
    ):
        (taken[provider],), report = exchange.submit(sent(content, provider), by="test")
        assert report.verdict == "accepted"
    exchange.release([taken["FRA"].id], by="test")
    exchange.release([taken["DNK"].id], by="test", public_from=datetime.now(UTC) + timedelta(days=1))
    yield exchange
    exchange.close()


@pytest.fixture(scope="module")
def client(exchange):
    return create_app(exchange, token="a-token-for-the-test", demo=False).test_client()


def assert_silent(answer, where):
    said = answer.get_data()
    for what, marker in MARKERS.items():
        assert marker.encode() not in said, f"{what} in {where}"
    return said


FILTERS = (
    "",
    "c[OBS_VALUE]=gt:1",
    "c[OBS_VALUE]=eq:987654321.5",
    "c[COMMENT_OBS]=co:marker",
    "c[UPPER_BOUND]=gt:1",
    "c[CONF_STATUS]=C",
)


@pytest.mark.parametrize("media_type", WRITERS)
@pytest.mark.parametrize("filtered", FILTERS)
def test_data_in_every_format(client, media_type, filtered):
    url = f"/sdmx/v2/data/dataflow/MIGDX/DF_MIG_FLOW/1.0.0?{filtered}"
    answer = client.get(url, headers={"Accept": media_type})
    said = assert_silent(answer, url)
    if filtered in ("", "c[OBS_VALUE]=gt:1"):
        assert answer.status_code == 200
        assert FREE.encode() in said
    elif filtered != "c[CONF_STATUS]=C":  # masked before it is filtered: nothing can match
        assert answer.status_code == 204
    else:
        assert answer.status_code == 200
    for dimension in ("AllDimensions", "TIME_PERIOD"):
        assert_silent(
            client.get(f"{url}&dimensionAtObservation={dimension}", headers={"Accept": media_type}), url
        )


KEYS = {"all": 200, "A.250......_T..": 200, "A.208.IMMIG.......": 404, "A.380.IMMIG.......": 404}
"""Ten parts each, for the dimensions without time."""


@pytest.mark.parametrize("media_type", WRITERS)
def test_data_by_rest_15_in_every_format(client, media_type):
    for key, status in KEYS.items():
        answer = client.get(f"/sdmx/v1/data/DF_MIG_FLOW/{key}", headers={"Accept": media_type})
        assert answer.status_code == status, key
        assert (FREE.encode() in assert_silent(answer, key)) == (status == 200), key


def test_the_masked_observation_says_why_it_is_empty(client):
    url = "/sdmx/v2/data/dataflow/MIGDX/DF_MIG_FLOW/1.0.0/A.250?c[TIME_PERIOD]=2019&format=csv"
    header, line = client.get(url).get_data(as_text=True).splitlines()
    told = dict(zip(header.split(","), line.split(","), strict=True))
    assert (told["OBS_VALUE"], told["OBS_STATUS"], told["CONF_STATUS"]) == ("NaN", "Q", "C")
    assert (told["COMMENT_OBS"], told["LOWER_BOUND"], told["UPPER_BOUND"]) == ("", "", "")


@pytest.mark.parametrize("area", ["208", "380"])
def test_what_is_not_public_does_not_exist(client, area):
    assert client.get(f"/sdmx/v2/data/dataflow/MIGDX/DF_MIG_FLOW/1.0.0/A.{area}").status_code == 204
    assert client.get(f"/sdmx/v1/data/DF_MIG_FLOW/A.{area}........").status_code == 404


def test_every_page_and_every_door_without_a_token(client):
    """Every GET route without arguments, and what the pages and the API link to."""
    routes = {
        rule.rule
        for rule in client.application.url_map.iter_rules()
        if "GET" in rule.methods and not rule.arguments
    }
    assert "/" in routes
    more = (
        "/sdmx/v2/availability/dataflow/MIGDX/DF_MIG_FLOW/1.0.0/*",
        "/sdmx/v1/availableconstraint/DF_MIG_FLOW",
        "/sdmx/v2/structure/*",
        "/dataflows/MIGDX/DF_MIG_FLOW",
        "/?from=276&to=250",
        "/?from=276&to=208",
        "/?from=250&to=380",
        "/submissions/none",
        "/submissions/none/report",
        "/nothing-here",
    )
    for url in (*routes, *more):
        for accept in ("text/html", "application/json", "*/*"):
            assert_silent(client.get(url, headers={"Accept": accept}), url)
    assert "424,242" in client.get("/?from=276&to=250").text


def marked(year):
    """A confidential row in which every cell that is masked is wrong."""
    value, low, high = "987654321.50 persons", "987600001 persons", "987654321 persons"
    return row("250", year, value, "C", "marker-in-a-comment", low, high)


@pytest.mark.parametrize("accept", ["application/json", "text/html", "*/*"])
@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("content", [file_of(marked(2019)), file_of(marked(2019), marked(2019))])
def test_what_a_check_says_of_a_confidential_row(client, accept, language, content):
    headers = {"Accept": accept, "Accept-Language": language}
    for url in ("/check", "/check/report"):
        form = {"file": (io.BytesIO(content), "file.csv", "text/csv"), "provider": "FRA"}
        answer = client.post(url, data=form, headers=headers)
        assert answer.status_code == 200
        said = assert_silent(answer, url)
        assert b"not_a_number" in said


def test_a_masked_revision_is_folded_onto_without_being_lost(exchange):
    """The owner's own next submission still sees its confidential figure: sent again, nothing changes."""
    content = file_of(row("250", 2019, "987654321.50", "C", "marker-in-a-comment", "987600001", "987654322"))
    _, report = exchange.submit(sent(content, "FRA"), by="test")
    assert (report.counts.changed, report.counts.unchanged) == (0, 1)
