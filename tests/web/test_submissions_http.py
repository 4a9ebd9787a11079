"""Submissions and releases over HTTP: who may, what is told, and that a check leaves nothing."""

import io
import sqlite3
from datetime import UTC, datetime, timedelta

import pytest
from conftest import FRANCE, TOKEN, flow_csv, flow_row

from migdx import ledger_database
from migdx.errors import ExchangeError
from migdx.exchange import Exchange
from migdx.web import create_app

GOOD = flow_csv(*FRANCE)
BAD = flow_csv(flow_row("250", "IMMIG", "XXX", 2018, "many"))
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def client(exchange):
    return create_app(exchange, token=TOKEN, demo=False).test_client()


@pytest.fixture
def demo(exchange):
    return create_app(exchange, token=None, demo=True).test_client()


def form(content, **fields):
    return {**fields, "file": (io.BytesIO(content), "flows.csv", "text/csv")}


def submit(client, content=GOOD, headers=BEARER, **fields):
    return client.post("/submissions", data=form(content, **({"provider": "FRA"} | fields)), headers=headers)


# --- who ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", [None, "", " ", "\n"])
def test_without_a_token_it_does_not_start(exchange, token):
    with pytest.raises(ExchangeError, match="MIGDX_TOKEN"):
        create_app(exchange, token=token, demo=False)


def test_blanks_around_the_token_are_no_part_of_it(exchange):
    client = create_app(exchange, token=f" {TOKEN}\n", demo=False).test_client()
    assert client.get("/submissions", headers=BEARER).status_code == 200


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("POST", "/submissions"),
        ("GET", "/submissions"),
        ("GET", "/submissions/1"),
        ("GET", "/submissions/1/report"),
        ("GET", "/submissions/1/annotated"),
        ("GET", "/submissions/1/rejected"),
        ("POST", "/releases"),
        ("DELETE", "/releases/1"),
    ],
)
@pytest.mark.parametrize(
    "given", [None, "", "Bearer", "Bearer wrong", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", "Bearer \xe9"]
)
def test_every_call_needs_the_token(client, method, url, given):
    answer = client.open(url, method=method, headers={} if given is None else {"Authorization": given})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_demo_mode_asks_nobody_but_refuses_pages_of_other_sites(demo):
    assert submit(demo, headers={}).status_code == 201
    assert submit(demo, headers={"Origin": "http://localhost"}).status_code == 201
    assert submit(demo, headers={"Origin": "https://elsewhere.example"}).status_code == 403
    assert submit(demo, headers={"Origin": "null"}).status_code == 403


HERE = ("localhost", "LOCALHOST:8080", "127.0.0.1", "127.0.0.1:8080", "[::1]", "[::1]:8080")
ELSEWHERE = (
    "elsewhere.example", "elsewhere.example:8080", "localhost.elsewhere.example",
    "127.0.0.1.elsewhere.example",
    "127.0.0.1:8080.elsewhere.example", "192.0.2.1:8080", "",
)  # fmt: skip


@pytest.mark.parametrize(
    "url", ["/", "/submissions", "/releases", "/health", "/sdmx/v2/structure/dataflow", "/no"]
)
def test_demo_mode_answers_to_names_of_this_machine_only(demo, url):
    """Any other name may have been made to lead here, by a page that then reads what is ours."""
    for host in HERE:
        assert demo.get(url, headers={"Host": host}).status_code != 403, host
    for host in ELSEWHERE:
        assert demo.get(url, headers={"Host": host}).status_code == 403, host


def test_with_a_token_every_name_will_do(client):
    assert client.get("/health", headers={"Host": "exchange.example"}).status_code == 200
    assert client.get("/submissions", headers={**BEARER, "Host": "exchange.example"}).status_code == 200


def test_a_token_is_asked_for_in_demo_mode_too_where_there_is_one(exchange):
    client = create_app(exchange, token=TOKEN, demo=True).test_client()
    assert submit(client, headers={}).status_code == 401
    assert submit(client).status_code == 201


# --- submissions --------------------------------------------------------------------------------------------


def test_accepted(client):
    answer = submit(client)
    assert answer.status_code == 201, answer.text
    report = answer.json
    assert report["verdict"] == "accepted"
    assert report["counts"]["accepted"] == len(FRANCE)
    assert report["subject"]["fileName"] == "flows.csv"
    found = client.get(answer.headers["Location"], headers=BEARER).json
    assert (found["id"], found["provider"], found["revision"]) == (report["subject"]["submission"], "FRA", 1)
    again = client.get(found["report"], headers=BEARER).json
    assert again["verdict"] == "accepted"
    assert again["subject"] == report["subject"]


def test_rejected(client):
    answer = submit(client, BAD)
    assert answer.status_code == 422
    assert answer.json["verdict"] == "rejected"
    assert {"unknown_code", "not_a_number"} <= {group["code"] for group in answer.json["groups"]}
    found = client.get(answer.headers["Location"], headers=BEARER).json
    assert (found["verdict"], found["revision"]) == ("rejected", 0)


def test_only_the_sound_rows_when_the_provider_says_so(client):
    rows = flow_csv(FRANCE[0], flow_row("250", "IMMIG", "XXX", 2018, 1))
    assert submit(client, rows).status_code == 422
    answer = submit(client, rows, accept="valid")
    assert answer.status_code == 201
    assert (answer.json["counts"]["accepted"], answer.json["counts"]["rejected"]) == (1, 1)
    assert submit(client, rows, accept="some").status_code == 400


def test_what_is_for_information_is_merged_on_demand(client):
    content = GOOD.replace(b",R,", b",I,")
    checked = client.post("/check", data=form(content, provider="FRA")).json
    assert checked["verdict"] == "accepted"
    assert "for_information" in {group["code"] for group in checked["groups"]}
    assert submit(client, content).status_code == 422
    assert submit(client, content, **{"as": "merge"}).status_code == 201
    assert submit(client, content, **{"as": "replace"}).status_code == 400


KINDS = (
    "text/csv", "application/vnd.sdmx.data+csv;version=2.0.0", "", "application/octet-stream",
    "application/x-www-form-urlencoded",
)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_the_file_may_be_the_body(client, kind):
    answer = client.post(
        "/submissions?provider=FRA&fileName=x.csv", data=GOOD, headers={**BEARER, "Content-Type": kind}
    )
    assert answer.status_code == 201, answer.text
    assert answer.json["subject"]["bytes"] == len(GOOD)


def test_the_language_of_a_report(client):
    english = submit(client, BAD)
    french = submit(client, BAD, headers={**BEARER, "Accept-Language": "fr"})
    assert english.json["groups"][0]["code"] == french.json["groups"][0]["code"]


@pytest.mark.parametrize(
    ("data", "status"),
    [({"provider": "FRA"}, 400), ({}, 400), (b"", 422), (b"\0\1\2", 422), (b"just text", 422)],
)
def test_what_is_no_submission(client, data, status):
    kind = {"content_type": "multipart/form-data"} if isinstance(data, dict) else {}
    answer = client.post("/submissions?provider=FRA", data=data, headers=BEARER, **kind)
    assert answer.status_code == status, answer.text
    if isinstance(data, bytes):
        assert len(answer.json["groups"]) == 1


def test_without_a_provider(client):
    answer = client.post("/submissions", data=form(GOOD), headers=BEARER)
    assert answer.status_code == 422
    assert "provider" in answer.json["errors"][0]["detail"]


def test_submissions_are_listed(client):
    first, second = (submit(client, content).json["subject"]["submission"] for content in (GOOD, BAD))
    german = flow_csv(flow_row("276", "EMIG", "250", 2019, 1))
    third = submit(client, german, provider="DEU").json["subject"]["submission"]

    def listed(query=""):
        answer = client.get(f"/submissions{query}", headers=BEARER)
        assert answer.status_code == 200, answer.text
        return [(found["id"], found["verdict"], found["public"]) for found in answer.json["submissions"]]

    assert listed() == [(third, "accepted", False), (second, "rejected", False), (first, "accepted", False)]
    client.post("/releases", json={"submissions": [first]}, headers=BEARER)
    assert listed("?provider=FRA") == [(second, "rejected", False), (first, "accepted", True)]
    again = submit(client).json["subject"]["submission"]
    client.post("/releases", json={"submissions": [again]}, headers=BEARER)
    assert listed("?provider=FRA&limit=1") == [(again, "accepted", True)]
    assert listed()[-1] == (first, "accepted", False)
    for flow in ("DF_MIG_FLOW", "MIGDX:DF_MIG_FLOW", "MIGDX:DF_MIG_FLOW(1.0.0)"):
        assert len(listed(f"?dataflow={flow}")) == 4
    for flow in ("DF_MIG_STOCK", "OTHER:DF_MIG_FLOW", "MIGDX:DF_MIG_FLOW(2.0.0)"):
        assert listed(f"?dataflow={flow}") == []


@pytest.mark.parametrize("query", ["limit=0", "limit=-1", "limit=many", "limit=1.5", "dataflow=a:b:c"])
def test_what_is_no_list(client, query):
    assert client.get(f"/submissions?{query}", headers=BEARER).status_code == 400


def test_a_locked_ledger(tmp_path, monkeypatch):
    monkeypatch.setattr(ledger_database, "WAIT", 0.1)
    exchange = Exchange.open(tmp_path)
    client = create_app(exchange, token=TOKEN, demo=False).test_client()
    other = sqlite3.connect(tmp_path / "ledger.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    answer = submit(client)
    other.close()
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert answer.json["errors"][0]["detail"] == "The ledger cannot be written now: database is locked"
    assert submit(client).status_code == 201
    exchange.close()


def test_unknown_submissions(client):
    assert client.get("/submissions/no", headers=BEARER).status_code == 404
    assert client.get("/submissions/no/report", headers=BEARER).status_code == 404


def test_a_body_that_is_too_large(exchange):
    client = create_app(exchange, token=TOKEN, demo=False, largest=1000).test_client()
    for answer in (
        submit(client, b"x" * 2000),
        client.post("/submissions?provider=FRA", data=b"x" * 2000, headers=BEARER),
        client.post("/check", data=b"x" * 2000),
    ):
        assert answer.status_code == 413
        assert "1,000 bytes" in answer.json["errors"][0]["detail"]


# --- checks -------------------------------------------------------------------------------------------------


def test_a_check_needs_no_token_and_leaves_nothing(client, exchange):
    before = sorted(
        path for path in exchange.blobs.depot.folder.parent.rglob("*") if "ledger" not in path.name
    )
    answer = client.post("/check", data=form(GOOD, provider="FRA"))
    assert answer.status_code == 200
    assert answer.json["verdict"] == "accepted"
    assert client.post("/check", data=BAD).json["verdict"] == "rejected"
    assert (
        sorted(path for path in exchange.blobs.depot.folder.parent.rglob("*") if "ledger" not in path.name)
        == before
    )
    assert not exchange.ledger.history().submissions


def test_a_check_is_a_page_for_a_browser(client):
    browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    answer = client.post("/check", data=form(BAD), headers={"Accept": browser})
    assert answer.status_code == 200
    assert answer.mimetype == "text/html"
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert client.post("/check", data=form(BAD), headers={"Accept": "*/*"}).mimetype == "application/json"


@pytest.mark.parametrize("name", ["flows.csv", "FLOWS.CSV"])
def test_a_csv_is_one_whatever_the_browser_says_of_it(client, name):
    kind = "application/vnd.ms-excel"
    file = (io.BytesIO(GOOD), name, kind)
    assert client.post("/check", data={"file": file}).json["verdict"] == "accepted"
    body = client.post(f"/check?fileName={name}", data=GOOD, content_type=kind)
    assert body.json["verdict"] == "accepted"
    assert client.post("/check", data=GOOD, content_type=kind).json["verdict"] == "accepted"


def test_a_large_file_lies_in_a_file_without_a_name(client, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = set(tmp_path.rglob("*"))
    seen = []

    def looking(sent, **_):
        sent.file.fileno()
        seen.append(set(tmp_path.rglob("*")) - before)
        raise RuntimeError

    monkeypatch.setattr(client.application.extensions["migdx"], "check", looking)
    client.post("/check", data=b"x" * 3_000_000)
    # by hand: the test client leaves a temporary file of its own open
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="f.csv"\r\n\r\n'
    client.post(
        "/check",
        data=head + b"x" * 3_000_000 + b"\r\n--x--\r\n",
        content_type="multipart/form-data; boundary=x",
    )
    assert seen == [set(), set()]


# --- releases -----------------------------------------------------------------------------------------------

DATA = "/sdmx/v2/data/dataflow/MIGDX/DF_MIG_FLOW?format=csv"


def test_a_release(client):
    id = submit(client).json["subject"]["submission"]
    assert client.get(DATA).status_code == 204
    answer = client.post("/releases", json={"submissions": [id], "note": "as sent"}, headers=BEARER)
    assert answer.status_code == 201, answer.text
    made = answer.json
    assert (made["note"], made["cancelled"]) == ("as sent", None)
    assert [r["dataflow"] for r in made["revisions"]] == ["MIGDX:DF_MIG_FLOW(1.0.0)"]
    told = client.get(answer.headers["Location"], headers=BEARER).json
    assert told.items() <= made.items()
    assert client.get("/releases", headers=BEARER).json == {"releases": [told]}
    assert client.get(DATA).text.count("\n") == len(FRANCE) + 1
    gone = client.delete(answer.headers["Location"], headers=BEARER)
    assert gone.status_code == 200
    assert gone.json["cancelled"]
    assert client.delete(answer.headers["Location"], headers=BEARER).status_code == 409
    assert client.get(DATA).status_code == 204


def test_an_embargo(client):
    id = submit(client).json["subject"]["submission"]
    instant = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    answer = client.post("/releases", json={"submissions": [id], "publicFrom": instant}, headers=BEARER)
    assert answer.json["publicFrom"] == instant
    assert client.get(DATA).status_code == 204


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b"{}", 400),
        (b'{"submissions": "x"}', 400),
        (b'{"submissions": [1]}', 400),
        (b'{"submissions": []}', 422),
        (b'{"submissions": ["no"]}', 404),
        (b'{"submissions": ["no"], "publicFrom": "soon"}', 400),
        (b'{"submissions": ["no"], "publicFrom": "2030-01-01T09:00:00"}', 422),
        (b'{"submissions": ["no"], "note": 1}', 400),
    ],
)
def test_what_is_no_release(client, body, status):
    assert client.post("/releases", data=body, headers=BEARER).status_code == status


def test_a_rejected_submission_is_not_released(client):
    id = submit(client, BAD).json["subject"]["submission"]
    answer = client.post("/releases", json={"submissions": [id]}, headers=BEARER)
    assert answer.status_code == 409
    assert client.delete("/releases/no", headers=BEARER).status_code == 404
