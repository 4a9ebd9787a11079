"""Releases over HTTP: many at a time, seen before, cited, withdrawn; who is told what."""

import gzip
import hashlib
import re
from datetime import UTC, datetime, timedelta

import pytest
from conftest import TOKEN, flow_csv, flow_row, publish, sent

from migdx import preview as previews
from migdx.web import create_app

BEARER = {"Authorization": f"Bearer {TOKEN}"}
FLOWS = "MIGDX:DF_MIG_FLOW(1.0.0)"
DATA = "/sdmx/v2/data/dataflow/MIGDX/DF_MIG_FLOW"
SECRET = 424242
FORMS = (
    "application/vnd.sdmx.data+csv;version=2.0.0", "application/vnd.sdmx.data+csv;version=1.0.0",
    "application/vnd.sdmx.data+json;version=2.0.0", "application/vnd.sdmx.data+xml;version=3.0.0",
    "application/vnd.sdmx.structurespecificdata+xml;version=2.1",
    "application/vnd.sdmx.genericdata+xml;version=2.1",
)  # fmt: skip


@pytest.fixture
def client(exchange):
    return create_app(exchange, token=TOKEN, demo=False).test_client()


def submitted(exchange, *values):
    rows = [flow_row("250", "EMIG", "276", 2010 + at, value) for at, value in enumerate(values)]
    (made,), report = exchange.submit(sent(flow_csv(*rows), "FRA"), by="test")
    assert made.verdict == "accepted", report.as_dict()
    return made.id


def soon(seconds=3600):
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


def post(client, status=201, headers=BEARER, **body):
    answer = client.post("/releases", json=body, headers=headers)
    assert answer.status_code == status, answer.text
    return answer.json


# --- many at a time, moved, taken back ----------------------------------------------------------------------


def test_by_dataflow_and_provider(client, exchange):
    submitted(exchange, 1)
    rows = [flow_row("276", "EMIG", "250", 2019, 1000)]
    exchange.submit(sent(flow_csv(*rows), "DEU"), by="test")
    made = post(client, dataflow=FLOWS, providers=["DEU"], name="first")
    assert [(one["before"], one["after"]) for one in made["shown"]] == [(None, 1)]
    assert post(client, 409, dataflow=FLOWS, name="first")["errors"][0]["detail"].endswith("already")
    assert len(post(client, dataflow=FLOWS)["shown"]) == 1
    assert post(client, 409, dataflow=FLOWS)


def test_moved_and_taken_back(client, exchange):
    made = post(client, submissions=[submitted(exchange, 1)], publicFrom=soon(), name="first")
    moved = post(client, move=made["id"])
    assert moved["name"] == "first"
    back = client.delete("/releases/first?reason=shifted", headers=BEARER).json
    assert back["shown"] == [
        {"agreement": moved["revisions"][0]["agreement"], "dataflow": FLOWS, "before": 1, "after": None}
    ]
    assert back["reason"] == "shifted"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"dataflow": 1}, 400),
        ({"dataflow": "a:b:c"}, 400),
        ({"providers": "FRA"}, 400),
        ({"dataflow": "NO", "skipEmbargoed": "yes"}, 400),
        ({"dataflow": "NO"}, 422),
        ({"dataflow": "NO", "dryRun": True}, 422),
        ({"dataflow": FLOWS, "submissions": ["x"]}, 422),
        ({"move": "no"}, 404),
        ({"move": "no\u0000/../" * 1000}, 404),
        ({"submissions": ["no"] * 10_000}, 404),
        ({"submissions": ["no"], "publicFrom": "9999-12-31T23:59:59-12:00"}, 400),
        ({"submissions": ["no"], "publicFrom": "0001-01-01T00:00:00+12:00"}, 400),
        ({"submissions": ["no"], "name": ["x"]}, 400),
    ],
)
def test_what_is_no_release(client, body, status):
    post(client, status, **body)


def test_year_9999(client, exchange):
    made = post(client, submissions=[submitted(exchange, 1)], publicFrom="9999-12-31T23:59:59+00:00")
    assert client.get(f"/preview/{made['id']}{DATA}", headers=BEARER).status_code == 200
    assert client.get(DATA).status_code == 204


# --- seen before --------------------------------------------------------------------------------------------


def asked(client, path, form, **headers):
    return client.get(path, headers={"Accept": form, **headers})


def test_a_dry_run_is_the_very_answer_that_comes(client, exchange, monkeypatch):
    """By each format, for data, availability and structures; ETags aside."""
    publish(exchange, "DEU", [flow_row("276", "EMIG", "250", 2019, 1000)])
    rows = [
        flow_row("250", "EMIG", "276", 2018, "1.50"),
        flow_row("250", "EMIG", "276", 2019, SECRET, conf="C", comment="x"),
    ]
    (made,), _ = exchange.submit(sent(flow_csv(*rows), "FRA"), by="test")
    at = soon(30)
    dry = post(client, 200, submissions=[made.id], publicFrom=at, dryRun=True)
    assert (dry["dryRun"], dry["at"]) == (True, at)
    assert dry["shown"][0]["observations"] == {"added": 2, "changed": 0, "removed": 0}
    assert [r["id"] for r in client.get("/releases", headers=BEARER).json["releases"]] == [
        exchange.ledger.history().releases[0].id
    ]
    urls = [f"{DATA}?lastNObservations=1", f"{DATA}/*/*.250.*?dimensionAtObservation=AllDimensions",
            "/sdmx/v2/availability/dataflow/MIGDX/DF_MIG_FLOW",
            "/sdmx/v2/structure/dataflow/MIGDX?detail=allstubs"]  # fmt: skip
    asks = [(url, form) for url in urls[:2] for form in FORMS] + [(url, "*/*") for url in urls[2:]]
    below = dry["preview"].removesuffix("/sdmx")
    before = [asked(client, f"{below}{url}", form, **BEARER) for url, form in asks]
    embargoed = post(client, submissions=[made.id], publicFrom=at)
    by_id = [asked(client, f"/preview/{embargoed['id']}{url}", form, **BEARER) for url, form in asks]
    assert SECRET not in [int(word) for one in before for word in one.text.split(",") if word.isdigit()]
    later = datetime.now(UTC) + timedelta(seconds=60)
    monkeypatch.setattr("migdx.history.History.now", lambda self: max(later, self.stamp))
    for (url, form), one, other in zip(asks, before, by_id, strict=True):
        then = asked(client, url, form)
        assert then.status_code == 200, (url, then.text)
        same = _as_prepared if url in urls[2:] else bytes
        assert same(one.data) == same(other.data) == same(then.data), (url, form)
        assert one.content_type == then.content_type
        assert "ETag" in then.headers
        assert not {"ETag", "Last-Modified", "Access-Control-Allow-Origin"} & {*one.headers.keys()}
        assert one.headers.getlist("Cache-Control") == ["private, no-store"]


def _as_prepared(body):
    """Structures and availability tell when they were written, and under a number of their own."""
    return re.sub(rb'"(prepared|id)":"[^"]*"|<mes:(Prepared|ID)>[^<]*', b"", body)


def test_a_preview_is_for_the_service_token_alone(client, exchange):
    made = post(client, submissions=[submitted(exchange, 1)], publicFrom=soon())
    url = f"/preview/{made['id']}{DATA}"
    for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": "Bearer "}):
        answer = client.get(url, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["Cache-Control"] == "private, no-store"
    for id in ("no", "0" * 32, "0" * 64, made["id"].upper(), "..", "%2e%2e"):
        assert client.get(f"/preview/{id}{DATA}", headers=BEARER).status_code == 404
        assert client.get(f"/preview/{id}{DATA}").status_code == 401
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
        for path in (DATA, "/sdmx/v2/structure", "/sdmx/v2/structure/dataflow/MIGDX/DF_MIG_FLOW"):
            answer = client.open(f"/preview/{made['id']}{path}", method=method, headers=BEARER)
            assert answer.status_code in (404, 405), (method, path)
    for path in ("/preview", "/preview/", f"/preview/{made['id']}", f"/preview/{made['id']}/releases"):
        assert client.get(path, headers=BEARER).status_code == 404
    # nothing that was seen before stays
    assert client.get(url, headers={**BEARER, "If-None-Match": "*"}).status_code == 200
    assert client.get(DATA).status_code == 204


def test_a_preview_of_what_has_begun_or_was_called_off(client, exchange):
    id = submitted(exchange, 1)
    embargoed = post(client, submissions=[id], publicFrom=soon())
    client.delete(f"/releases/{embargoed['id']}", headers=BEARER)
    begun = post(client, submissions=[id])
    for made in (embargoed, begun):
        assert client.get(f"/preview/{made['id']}{DATA}", headers=BEARER).status_code == 409


def test_a_rollback_is_seen_before(client, exchange):
    first, second = submitted(exchange, 1), submitted(exchange, 2)
    post(client, submissions=[first])
    made = post(client, submissions=[second])
    dry = client.delete(f"/releases/{made['id']}?dryRun=true", headers=BEARER).json
    assert dry["shown"][0]["before"] == 2
    assert dry["shown"][0]["observations"] == {"added": 0, "changed": 1, "removed": 0}
    csv = {"Accept": FORMS[0], **BEARER}
    before = client.get(f"{dry['preview'].removesuffix('/sdmx')}{DATA}", headers=csv).data
    assert before != client.get(DATA, headers=csv).data
    client.delete(f"/releases/{made['id']}", headers=BEARER)
    assert before == client.get(DATA, headers=csv).data


def test_what_was_asked_long_ago_is_forgotten(client, exchange, monkeypatch):
    id = submitted(exchange, 1)
    old = post(client, 200, submissions=[id], dryRun=True)["preview"]
    monkeypatch.setattr(previews, "KEPT", timedelta(0))
    post(client, 200, submissions=[id], publicFrom=soon(), dryRun=True)
    answer = client.get(f"{old.removesuffix('/sdmx')}{DATA}", headers=BEARER)
    assert answer.status_code == 404


# --- cited --------------------------------------------------------------------------------------------------


def test_readers_see_what_is_public(client, exchange):
    made = post(client, submissions=[submitted(exchange, 1)], name="first", note="as sent")
    post(client, submissions=[submitted(exchange, 2)], publicFrom=soon(), name="later-on")
    listed = client.get("/releases").json
    assert [one["name"] for one in listed["releases"]] == ["first"]
    assert "by" not in listed["releases"][0]
    assert client.get("/releases?dataflow=DF_MIG_STOCK").json["total"] == 0
    assert client.get("/releases?dataflow=a:b:c").status_code == 400
    one = client.get("/releases/first").json
    assert one["url"] == "http://localhost/releases/first"
    assert one["citation"]["fr"] != one["citation"]["en"]
    for id in ("first", made["id"]):
        for file in one["dataflows"][0]["files"]:
            body = client.get(f"/releases/{id}/{file['name']}")
            assert hashlib.sha256(body.data).hexdigest() == file["sha256"]
            packed = client.get(f"/releases/{id}/{file['name']}", headers={"Accept-Encoding": "gzip"})
            is_packed = packed.headers.get("Content-Encoding") == "gzip"
            assert is_packed == file["name"].endswith(".csv")
            assert (gzip.decompress(packed.data) if is_packed else packed.data) == body.data
            tag = {"If-None-Match": body.headers["ETag"]}
            assert client.get(f"/releases/{id}/{file['name']}", headers=tag).status_code == 304
            head = client.head(f"/releases/{id}/{file['name']}")
            assert head.headers["Content-Length"] == str(file["size"])
        sums = client.get(f"/releases/{id}/SHA256SUMS")
        assert hashlib.sha256(sums.data).hexdigest() == one["sha256"]


@pytest.mark.parametrize(
    "path",
    ["later-on", "later-on/SHA256SUMS", "later-on/citation.json", "no", "no/SHA256SUMS", "first/no.csv",
     "first/manifest.json", "first/..%2f..%2fledger.sqlite", "first/\u0661", "%00", "first/SHA256SUMS/x"],
)  # fmt: skip
@pytest.mark.parametrize("accept", ["application/json", "text/html"])
def test_what_is_not_there_for_readers(client, exchange, path, accept):
    """An embargoed release is told like one that never was."""
    post(client, submissions=[submitted(exchange, 1)], name="first")
    post(client, submissions=[submitted(exchange, 2)], publicFrom=soon(), name="later-on")
    answer = client.get(f"/releases/{path}", headers={"Accept": accept})
    assert answer.status_code == 404
    never = client.get(f"/releases/{path.replace('later-on', 'none')}", headers={"Accept": accept})
    assert answer.text.replace("later-on", "none").count("none") == never.text.count("none")


def test_a_withdrawn_release_is_gone_with_its_reason(client, exchange):
    made = post(client, submissions=[submitted(exchange, 1)], name="first")
    files = client.get("/releases/first").json["dataflows"][0]["files"]
    client.delete(f"/releases/{made['id']}?reason=a+column+was+shifted", headers=BEARER)
    for path in ("", "/SHA256SUMS", "/citation.json", *(f"/{file['name']}" for file in files)):
        answer = client.get(f"/releases/first{path}")
        assert answer.status_code == 410
        assert "a column was shifted" in answer.text
    page = client.get("/releases/first", headers={"Accept": "text/html"})
    assert page.status_code == 410
    assert "a column was shifted" in page.text
    assert client.get("/releases").json["releases"][0]["withdrawn"]


def test_pages(client, exchange):
    note = "<script>alert(1)</script>"
    made = post(client, submissions=[submitted(exchange, 1)], note=note, name="first")
    post(client, submissions=[submitted(exchange, 2)], publicFrom=soon(), name="later-on")
    for url in ("/releases", "/releases/first", f"/releases/{made['id']}/", f"/releases?dataflow={FLOWS}"):
        for language in ("en", "fr"):
            page = client.get(url, headers={"Accept": "text/html", "Accept-Language": language})
            assert page.status_code == 200
            assert note not in page.text
            assert "later-on" not in page.text
            assert f'lang="{language}"' in page.text
    shown = client.get("/releases/first", headers={"Accept": "text/html"}).text
    told = client.get("/releases/first").json
    for part in (told["citation"]["en"], *(file["sha256"] for file in told["dataflows"][0]["files"])):
        assert part in shown
    assert "/releases?dataflow=" in client.get("/dataflows/MIGDX/DF_MIG_FLOW").text


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}"])
def test_a_wrong_token_is_told(client, given):
    for url in ("/releases", "/releases/1"):
        assert client.get(url, headers={"Authorization": given}).status_code == 401
