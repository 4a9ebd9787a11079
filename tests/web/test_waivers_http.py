"""Answers, waivers and reruns over HTTP: who is let in, what is refused, what readers see in every format."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from conftest import TOKEN, flow_csv, flow_row
from jsonschema import Draft202012Validator
from lxml import html
from settled import ruled

from migdx.exchange import Exchange
from migdx.formats.tables import WRITERS
from migdx.web import create_app

BEARER = {"Authorization": f"Bearer {TOKEN}"}
WHY = "The census counts the two sexes by another method."
LATER = (datetime.now(UTC) + timedelta(days=300)).date().isoformat()
WRONG = flow_csv(
    flow_row("250", "IMMIG", "276", 2019, 120),
    flow_row("250", "IMMIG", "276", 2019, 60, sex="F"),
    flow_row("250", "IMMIG", "276", 2019, 40, sex="M"),
)
FINAL = flow_csv(flow_row("250", "IMMIG", "276", 2019, -3))


@pytest.fixture
def exchange(exchange):
    return ruled(exchange)


@pytest.fixture
def client(exchange):
    return create_app(exchange, token=TOKEN, demo=False).test_client()


def submitted(client, content=WRONG, provider="FRA"):
    """The id of a submission and the mark of its first finding."""
    url = f"/submissions?provider={provider}"
    answer = client.post(url, data=content, headers={**BEARER, "Content-Type": "text/csv"})
    report = answer.get_json()
    return report["subject"]["submission"], report["groups"][0]["mark"]


def waive(client, id, mark, **more):
    body = {"mark": mark, "reason": WHY, "expires": LATER}
    return client.post(f"/submissions/{id}/waivers", json={**body, **more}, headers=BEARER)


def test_a_provider_answers_and_a_compiler_waives(client):
    id, mark = submitted(client)
    body = {"mark": mark, "reason": WHY, "provider": "FRA"}
    answer = client.post(f"/submissions/{id}/answers", json=body, headers=BEARER)
    assert answer.status_code == 201
    (told,) = client.get(f"/submissions/{id}/answers", headers=BEARER).get_json()["answers"]
    assert told == answer.get_json()
    assert (told["code"], told["reason"], told["by"]) == ("sum_of_parts", WHY, "token")

    answer = waive(client, id, mark)
    assert answer.status_code == 201
    told = answer.get_json()
    assert (told["verdict"], told["newer"], len(told["submissions"])) == ("accepted", None, 1)
    waiver = told["waiver"]
    assert (waiver["by"], waiver["expires"], waiver["count"], waiver["inForce"]) == ("token", LATER, 1, True)
    assert client.get(answer.headers["Location"], headers=BEARER).get_json() == waiver
    for url in (f"/submissions/{id}/waivers", "/waivers", "/waivers?provider=FRA&inForce=true"):
        assert client.get(url, headers=BEARER).get_json() == {"waivers": [waiver]}
    assert client.get("/waivers?provider=DEU", headers=BEARER).get_json() == {"waivers": []}

    report = client.get(f"/submissions/{told['submissions'][0]}/report", headers=BEARER).get_json()
    assert report["subject"]["resubmits"] == id
    assert (report["counts"]["errors"], report["counts"]["waived"]) == (0, 1)
    assert report["groups"][0]["waived"] == {"reason": WHY, "by": "token", "until": LATER}
    schema = client.get("/schemas/report.json").get_json()
    assert not list(Draft202012Validator(schema).iter_errors(report))


def test_a_waiver_is_revoked(client):
    id, mark = submitted(client)
    waiver = waive(client, id, mark).get_json()["waiver"]["id"]
    answer = client.delete(f"/waivers/{waiver}", headers=BEARER)
    assert (answer.status_code, answer.get_json()["inForce"], answer.get_json()["revokedBy"]) == (
        200,
        False,
        "token",
    )
    assert client.delete(f"/waivers/{waiver}", headers=BEARER).status_code == 409
    assert client.post(f"/waivers/{waiver}/revoked", headers=BEARER).status_code == 409
    assert client.delete("/waivers/nothing", headers=BEARER).status_code == 404
    assert client.get("/waivers?inForce=true", headers=BEARER).get_json() == {"waivers": []}
    assert len(client.get("/waivers", headers=BEARER).get_json()["waivers"]) == 1


CALLS = [
    ("POST", "/submissions/{id}/answers"), ("GET", "/submissions/{id}/answers"),
    ("POST", "/submissions/{id}/waivers"), ("GET", "/submissions/{id}/waivers"),
    ("GET", "/waivers"), ("GET", "/waivers/{id}"), ("DELETE", "/waivers/{id}"),
    ("POST", "/waivers/{id}/revoked"), ("GET", "/submissions/{id}/rerun"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "url"), CALLS)
@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer other"}, {"Authorization": f"Basic {TOKEN}"}]
)
def test_without_the_token_nobody_is_let_in(client, exchange, method, url, headers):
    body = {"mark": "m", "reason": "r", "expires": LATER}
    sent = {"json": body} if method == "POST" else {}
    answer = client.open(url.format(id="0" * 32), method=method, headers=headers, **sent)
    assert answer.status_code == 401
    if method == "POST":  # nor by a form
        wrong = client.post(url.format(id="0" * 32), data={**body, "token": "other"}, headers=headers)
        assert wrong.status_code == 401
    assert exchange.ledger.history().seq == 0


def test_pages_of_others_may_not_waive_in_a_demonstration(exchange):
    client = create_app(exchange, token=None, demo=True).test_client()
    body = {"mark": "m", "reason": "r", "expires": LATER}
    headers = {"Origin": "http://elsewhere.example"}
    for send in ({"json": body}, {"data": body}):
        assert client.post("/submissions/x/waivers", headers=headers, **send).status_code == 403


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"mark": "feed"}, 404), ({"mark": ""}, 400), ({"mark": 5}, 400), ({"mark": None}, 400),
        ({"mark": "x" * 900_000}, 404), ({"reason": ""}, 422), ({"reason": " \n"}, 422),
        ({"reason": ["a"]}, 400), ({"reason": "x" * 5000}, 422), ({"reason": "x" * 2_000_000}, 413),
        ({"reason": "a\u0000b"}, 422), ({"expires": "2020-01-01"}, 422), ({"expires": "tomorrow"}, 422),
        ({"expires": ""}, 400), ({"expires": 2030}, 400),
    ],
    ids=lambda value: ascii(value)[:40],
)  # fmt: skip
def test_what_is_no_waiver(client, exchange, more, status):
    id, mark = submitted(client)
    body = {"mark": mark, "reason": WHY, "expires": LATER} | more
    answer = client.post(f"/submissions/{id}/waivers", json=body, headers=BEARER)
    assert answer.status_code == status
    assert len(answer.get_data()) < 2000
    assert exchange.ledger.history().waivers == ()


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"null", b"\xff", b'"x"', b"[" * 100_000])
def test_what_is_no_object(client, body):
    id, _ = submitted(client)
    for name in ("answers", "waivers"):
        answer = client.post(
            f"/submissions/{id}/{name}", data=body, headers={**BEARER, "Content-Type": "application/json"}
        )
        assert answer.status_code == 400


def test_final_findings_and_others_submissions(client):
    id, mark = submitted(client, FINAL)
    answer = waive(client, id, mark)
    assert answer.status_code == 409
    assert "negative_count is final" in answer.get_data(as_text=True)
    id, mark = submitted(client)
    body = {"mark": mark, "reason": WHY, "provider": "DEU"}
    assert client.post(f"/submissions/{id}/answers", json=body, headers=BEARER).status_code == 403
    assert waive(client, "0" * 32, mark).status_code == 404
    for url in ("answers", "waivers", "rerun"):
        assert client.get(f"/submissions/{'0' * 32}/{url}", headers=BEARER).status_code == 404


def test_a_report_is_made_again(client):
    id, _ = submitted(client)
    told = client.get(f"/submissions/{id}/rerun", headers=BEARER).get_json()
    assert (told["same"], told["verdict"], told["differences"], told["parts"]) == (
        True, {"then": "rejected", "now": "rejected"}, [], []
    )  # fmt: skip


def test_the_page_takes_an_answer_and_a_waiver(exchange):
    """The forms that the page of a report has, sent as a browser sends them."""
    client = create_app(exchange, token=None, demo=True).test_client()
    base = "http://127.0.0.1"
    answer = client.post("/submissions?provider=FRA", data=WRONG, content_type="text/csv", base_url=base)
    id = answer.get_json()["subject"]["submission"]

    def forms(page):
        return {one.get("action").partition("?")[0]: one for one in html.fromstring(page).forms}

    def send(page, action, **more):
        form = forms(page)[action]
        fields = {**dict(form.form_values()), **more}
        sent = client.post(form.get("action"), data=fields, base_url=base)
        assert sent.status_code == 200
        return sent.get_data(as_text=True)

    page = client.get(f"/submissions/{id}/report?format=html&lang=fr", base_url=base).get_data(as_text=True)
    assert "Répondre ou lever" in page
    page = send(page, f"/submissions/{id}/answers", reason="<b>Ainsi</b>")
    assert "&lt;b&gt;Ainsi&lt;/b&gt;" in page
    assert "<b>Ainsi" not in page
    page = send(page, f"/submissions/{id}/waivers", reason=WHY, expires=LATER)
    assert WHY in page
    (waiver,) = exchange.ledger.history().waivers
    page = client.get(f"/submissions/{id}/report?format=html", base_url=base).get_data(as_text=True)
    send(page, f"/waivers/{waiver.id}/revoked")
    assert exchange.ledger.history().waivers[0].revoked


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_a_final_finding_has_no_form(exchange, lang):
    client = create_app(exchange, token=None, demo=True).test_client()
    url, base = "/submissions?provider=FRA", "http://127.0.0.1"
    id = client.post(url, data=FINAL, content_type="text/csv", base_url=base).get_json()["subject"][
        "submission"
    ]
    page = client.get(f"/submissions/{id}/report?format=html&lang={lang}", base_url=base).get_data(
        as_text=True
    )
    assert f"/submissions/{id}/waivers" not in page


@pytest.fixture(scope="module")
def footnoted(tmp_path_factory):
    """A released submission with a waived finding on an open row and one on a confidential row."""
    exchange = ruled(Exchange.open(tmp_path_factory.mktemp("footnoted")))
    client = create_app(exchange, token=TOKEN, demo=False).test_client()
    secret = [
        flow_row("250", "IMMIG", "380", 2019, value, sex=sex, conf=conf)
        for sex, value, conf in (("_T", 9120, "C"), ("F", 60, "F"), ("M", 40, "F"))
    ]
    id, mark = submitted(client, WRONG + b"".join(flow_csv(*secret).split(b"\n", 1)[1:]))
    told = waive(client, id, mark).get_json()
    client.post("/releases", json={"submissions": told["submissions"]}, headers=BEARER)
    yield client
    exchange.close()


@pytest.mark.parametrize("media_type", WRITERS)
def test_every_format_shows_the_footnote(footnoted, media_type):
    url = "/sdmx/v2/data/dataflow/MIGDX/DF_MIG_FLOW/1.0.0/A.250.IMMIG.OFF."
    said = footnoted.get(f"{url}276.*.*._T", headers={"Accept": media_type})
    assert said.status_code == 200
    assert said.get_data().count(WHY.encode()) >= 1, media_type
    hidden = footnoted.get(f"{url}380.*.*._T", headers={"Accept": media_type})
    assert hidden.status_code == 200
    assert WHY.encode() not in hidden.get_data()
    # alone: an id or an instant of the message may hold any four digits
    assert not re.search(rb"(?<![0-9a-f])9120(?![0-9a-f])", hidden.get_data())
