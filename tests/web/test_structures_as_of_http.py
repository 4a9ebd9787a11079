"""asOf of structures, schemas, availability and data over HTTP: what was served is served again."""

from __future__ import annotations

import re
import urllib.request
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from conftest import getter, serving
from small_world import codelist, dsd, submitted, world
from test_as_of import now, put, recorded, write

from migdx import remembered
from migdx.exchange import Exchange
from migdx.web import create_app, vintages

pytestmark = pytest.mark.faults

STRUCTURE = "/sdmx/v2/structure"
ML31 = "application/vnd.sdmx.structure+xml;version=3.1.0"
JSON21 = "application/vnd.sdmx.structure+json;version=2.1.0"
CSV = "application/vnd.sdmx.data+csv;version=2.0.0"
STRUCTURES = [
    f"{STRUCTURE}/codelist/T/CL_SEX",
    f"{STRUCTURE}/codelist/T/CL_SEX/1.0/F",
    f"{STRUCTURE}/codelist/T/CL_SEX/1.0?q=the&offset=1&limit=2",
    f"{STRUCTURE}/codelist?detail=allstubs",
    f"{STRUCTURE}/dataflow/T/FLOW/1.0?references=descendants",
    f"{STRUCTURE}/datastructure?references=all&detail=referencepartial",
    f"{STRUCTURE}/*/*/*/*",
    "/sdmx/v2/schema/dataflow/T/FLOW/1.0",
    "/sdmx/v2/schema/provisionagreement/T/PA_ONE/1.0",
]
DATA = {
    "/sdmx/v2/data/dataflow/T/FLOW": CSV,
    "/sdmx/v2/availability/dataflow/T/FLOW": ML31,
    "/sdmx/v2/availability/dataflow/T/FLOW/1.0/*/SEX?references=all": JSON21,
}
HEADERS = [(rb"(?s)<mes:Header>.*?</mes:Header>", b""), (rb'(?s)"meta":\{.*?\}(?=,"data")', b"")]
"""What a message says of itself: when it was prepared, and its number."""


def as_of(url, instant):
    return f"{url}{'&' if '?' in url else '?'}asOf={quote(instant.isoformat())}"


def without_header(body):
    for pattern, nothing in HEADERS:
        body = re.sub(pattern, nothing, body)
    return body


def asking(exchange):
    return getter(create_app(exchange, token="t", demo=False))


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path / "structures", *world())


@pytest.fixture
def start(tmp_path, folder):
    begun = []

    def started():
        begun.append(Exchange.open(tmp_path / "exchange", (folder,)))
        recorded(begun[-1])
        return begun[-1]

    yield started
    for exchange in begun:
        exchange.close()


def told(ask):
    """Every answer of now."""
    answers = {(url, form): ask(url, Accept=form) for url in STRUCTURES for form in (ML31, JSON21)}
    answers |= {(url, form): ask(url, Accept=form) for url, form in DATA.items()}
    assert {answer.status_code for answer in answers.values()} <= {200}
    return answers


def changes(exchange):
    """What is done to the structures and the data, one after the other."""
    yield lambda: submitted(exchange, "X,F,2020,1,A", "Y,M,2020,2,A")
    yield lambda: put(exchange, codelist("CL_SEX", "_T", "F", "M", "O"))
    yield lambda: put(exchange, codelist("CL_NEW", "A", version="2.0.0"))
    yield lambda: submitted(exchange, "X,O,2021,3,P", "Y,M,2020,2,A")
    yield lambda: put(exchange, codelist("CL_SEX", "O", "M", "F", "_T"))


def test_maintenance_changes_nothing_of_the_past(start):
    exchange = start()
    ask = asking(exchange)
    kept = []
    for change in changes(exchange):
        change()
        kept.append((now(exchange), told(ask)))
    assert len({without_header(answers[STRUCTURES[0], ML31].data) for _, answers in kept}) == 3
    for instant, answers in kept:
        for (url, form), answer in answers.items():
            again = ask(as_of(url, instant), Accept=form)
            if url in STRUCTURES or form == CSV:
                assert again.data == answer.data, url
            else:
                assert without_header(again.data) == without_header(answer.data), url
            if url in STRUCTURES:
                assert again.headers["ETag"] == answer.headers["ETag"]
                assert again.headers.get("X-Total-Count") == answer.headers.get("X-Total-Count")
            assert again.headers["Content-Language"] == answer.headers["Content-Language"]


def test_other_folders_change_nothing_of_the_past(start, folder):
    """Each start has its service; what a message says of when it was prepared is the start's."""
    first = start()
    submitted(first, "X,F,2020,1,A", "Y,M,2020,2,A")
    kept = [(now(first), told(asking(first)))]
    write(folder, codelist("CL_SEX", "_T", "F", "M", "O"), codelist("CL_NEW", "A", version="2.0.0"))
    second = start()
    submitted(second, "X,O,2021,3,P", "Y,M,2020,2,A")
    kept.append((now(second), told(asking(second))))
    write(folder, codelist("CL_OBS_STATUS", "P", "A", "E"), dsd())
    third = start()
    ask = asking(third)
    kept.append((now(third), told(ask)))
    assert len({without_header(answers[STRUCTURES[4], ML31].data) for _, answers in kept}) == 3
    for instant, answers in kept:
        for (url, form), answer in answers.items():
            again = ask(as_of(url, instant), Accept=form)
            assert without_header(again.data) == without_header(answer.data), (url, form)
            if url in STRUCTURES:
                assert again.headers["ETag"] == answer.headers["ETag"]


def test_before_the_first_record(start):
    exchange = start()
    submitted(exchange, "X,F,2020,1,A")
    ask = asking(exchange)
    for url in STRUCTURES:
        for instant in ("1900-01-01", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00"):
            answer = ask(f"{url}{'&' if '?' in url else '?'}asOf={quote(instant)}")
            assert answer.status_code == (404 if "+" not in instant else 400), url
    assert "is not known; that is known from" in ask(f"{STRUCTURES[0]}?asOf=1900-01-01").text
    for url in DATA:
        assert ask(f"{url.partition('?')[0]}?asOf=1900-01-01").status_code in (200, 204)


@pytest.mark.parametrize(
    "text",
    ["now", "2020", "2020-13-01", "2020-01-01T25:00:00Z", "-2020-01-01", "9" * 5000, "2020-01-01%00", "é"],
)
@pytest.mark.parametrize("url", [STRUCTURES[0], STRUCTURES[-1]])
def test_what_is_no_instant(start, url, text):
    answer = asking(start())(f"{url}?asOf={quote(text, safe='%')}")
    assert answer.status_code == 400
    assert "asOf=" in answer.text
    assert len(answer.text) < 1000


def test_an_instant_that_is_yet_to_come_is_now(start):
    exchange = start()
    ask = asking(exchange)
    for url in STRUCTURES:
        answer = ask(url, Accept=ML31)
        for instant in (datetime.now(UTC) + timedelta(days=1), datetime(9999, 12, 31, tzinfo=UTC)):
            again = ask(as_of(url, instant), Accept=ML31)
            assert (again.data, again.headers["ETag"]) == (answer.data, answer.headers["ETag"])
            assert again.headers["Cache-Control"] == "public, max-age=60"


def test_what_was_not_there_yet(start):
    exchange = start()
    instant = now(exchange)
    put(exchange, codelist("CL_NEW", "A"))
    ask = asking(exchange)
    assert ask(f"{STRUCTURE}/codelist/T/CL_NEW").status_code == 200
    assert ask(as_of(f"{STRUCTURE}/codelist/T/CL_NEW/1.0", instant)).status_code == 404
    assert ask(as_of(f"{STRUCTURE}/codelist/T/CL_NEW/*", instant)).status_code in (204, 404)


def test_1_5_knows_no_as_of(start):
    ask = asking(start())
    assert ask("/sdmx/v1/codelist/T/CL_SEX?asOf=1900-01-01").data == ask("/sdmx/v1/codelist/T/CL_SEX").data


@pytest.mark.parametrize("url", [STRUCTURES[0], STRUCTURES[-1]])
def test_validators_of_the_past(start, url, monkeypatch):
    exchange = start()
    instant = now(exchange)
    put(exchange, codelist("CL_SEX", "_T", "F"))
    ask = asking(exchange)
    past = as_of(url, instant)
    answer = ask(past)
    assert answer.headers["Cache-Control"] == "public, max-age=60"
    assert ask(past, If_None_Match=answer.headers["ETag"]).status_code == 304
    assert ask(url, If_None_Match=answer.headers["ETag"]).status_code == 200
    monkeypatch.setattr(vintages, "SETTLED", timedelta(0))
    settled = ask(past)
    assert settled.headers["Cache-Control"] == "public, max-age=3600"
    assert (settled.data, settled.headers["ETag"]) == (answer.data, answer.headers["ETag"])


def test_a_service_writes_down_what_it_serves(tmp_path):
    flows = "/sdmx/v2/structure/dataflow"
    told = []
    for _ in range(2):
        with serving(tmp_path) as port:
            url = as_of(f"http://127.0.0.1:{port}{flows}", datetime.now(UTC))
            with urllib.request.urlopen(url) as answer:
                told.append(without_header(answer.read()))
    assert told[0] == told[1]
    exchange = Exchange.open(tmp_path)
    assert [entry.kind for entry in exchange.ledger.entries()].count("structures_served") == 1
    exchange.close()


def test_who_asks_for_many_instants_waits(start, monkeypatch):
    exchange = start()
    instant = now(exchange)
    put(exchange, codelist("CL_SEX", "_T", "F"))
    ask = asking(exchange)
    monkeypatch.setattr(remembered, "WAIT", 0.01)
    with exchange.past._reading:
        answer = ask(as_of(STRUCTURES[0], instant))
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert ask(STRUCTURES[0]).status_code == 200
        assert ask(as_of(STRUCTURES[0], now(exchange))).status_code == 200
    assert ask(as_of(STRUCTURES[0], instant)).status_code == 200


def test_an_archive_that_is_lost_is_named(start, folder):
    first = start()
    submitted(first, "X,F,2020,1,A")
    lost = now(first)
    write(folder, codelist("CL_SEX", "_T", "F"))
    second = start()
    (second.blobs.depot.folder / second.ledger.history().served[0].archive).unlink()
    ask = asking(second)
    for url in (STRUCTURES[0], *DATA):
        answer = ask(as_of(url, lost))
        assert answer.status_code == 503
        assert "is missing; bring it back" in answer.text
        assert ask(as_of(url, now(second))).status_code == 200
        assert ask(url).status_code == 200


def test_drafts_of_the_past_are_hidden(start, folder):
    draft = codelist("CL_DRAFT", "A", version="1.0.0-draft")
    exchange = start()
    put(exchange, draft)
    instant = now(exchange)
    put(exchange, codelist("CL_SEX", "_T", "F"))
    ask = asking(exchange)
    assert ask(as_of(f"{STRUCTURE}/codelist/T/CL_DRAFT/*", instant)).status_code in (204, 404)
    assert b"CL_DRAFT" not in ask(as_of(f"{STRUCTURE}/codelist", instant)).data
