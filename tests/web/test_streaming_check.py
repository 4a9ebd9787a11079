"""A check that is followed over a real connection: findings before the file is there, and one clear end."""

import io
import json
import socket
import threading
import time
from importlib.resources import files

import openpyxl
import pytest
from conftest import FRANCE, flow_csv, flow_row, served, serving
from jsonschema import Draft202012Validator

from migdx.web import create_app

MOST = 6_000_000
BAD_LINE = 5
CODES = ("276", "380", "724", "056")
ROWS = 20_000
LARGE = flow_csv(
    *(
        flow_row("250", "IMMIG", CODES[at % 4] if at != BAD_LINE - 2 else "FRANCE", 1900 + at % 120, at)
        for at in range(ROWS)
    )
)


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    with serving(folder, MIGDX_LARGEST=str(MOST), TMPDIR=str(folder)) as number:
        yield number


@pytest.fixture(scope="module")
def valid():
    """That a line is as the published schema has it."""
    schema = json.loads(files("migdx").joinpath("schemas", "report.json").read_text("utf-8"))
    events = Draft202012Validator({"$ref": "#/$defs/event", "$defs": schema["$defs"] | {"whole": schema}})
    report = Draft202012Validator(schema)

    def valid(event):
        if event["event"] == "report":
            report.validate(event["report"])
        else:
            events.validate(event)
        return event

    return valid


class Followed:
    """A connection on which a file is sent piece by piece while events are read."""

    def __init__(self, port, *headers, path="/check?provider=FRA"):
        self.connection = socket.create_connection(("127.0.0.1", port), timeout=30)
        head = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", "Accept: application/x-ndjson", *headers, "", ""]
        self.connection.sendall("\r\n".join(head).encode())
        self.stream = self.connection.makefile("rb")
        self.status = 0
        self._left = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stream.close()
        self.connection.close()

    def send(self, piece, *, chunked=False):
        self.connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)

    def _begin(self):
        self.status = int(self.stream.readline().split()[1])
        headers = {}
        while line := self.stream.readline().strip().lower():
            name, _, value = line.partition(b":")
            headers[name] = value.strip()
        self.headers = headers
        self.chunked = headers.get(b"transfer-encoding") == b"chunked"

    def event(self):
        """The next event, None at the end."""
        if not self.status:
            self._begin()
        while b"\n" not in self._left:
            size = int(self.stream.readline() or b"0", 16)
            if not size:
                return None
            self._left += self.stream.read(size)
            self.stream.readline()
        line, _, self._left = self._left.partition(b"\n")
        return json.loads(line)

    def until(self, wanted):
        """The first event that is `wanted`."""
        while (event := self.event()) is not None:
            if wanted(event):
                return event
        return None

    def rest(self):
        return list(iter(self.event, None))


def is_finding(event):
    return event["event"] == "finding"


def is_unknown(event):
    return is_finding(event) and event["finding"]["code"] == "unknown_code"


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_the_first_finding_comes_before_a_twentieth_of_the_file(port, valid, chunked):
    how = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(LARGE)}"
    part = len(LARGE) // 20
    with Followed(port, "Content-Type: text/csv", how) as followed:
        for at in range(0, part, 8192):
            followed.send(LARGE[at : min(at + 8192, part)], chunked=chunked)
        first = valid(followed.until(is_unknown))  # the rest is not sent before it is read
        assert followed.status == 200
        assert followed.headers[b"content-type"] == b"application/x-ndjson"
        assert first["provisional"]
        assert (first["finding"]["code"], first["finding"]["value"]) == ("unknown_code", "FRANCE")
        assert first["finding"]["sample"][0]["row"] == BAD_LINE
        followed.send(LARGE[part:], chunked=chunked)
        if chunked:
            followed.connection.sendall(b"0\r\n\r\n")
        events = [valid(event) for event in followed.rest()]
    *before, last = events
    assert last["event"] == "report"
    assert [event["bytes"] for event in before if event["event"] == "received"][-1] == len(LARGE)
    found = [event["finding"]["code"] for event in before if is_finding(event) and not event["provisional"]]
    assert sorted(found) == sorted(group["code"] for group in last["report"]["groups"])
    assert last["report"]["counts"]["received"] == ROWS


def test_the_report_at_the_end_is_that_of_a_check(exchange):
    client = create_app(exchange, token="T", demo=False).test_client()
    body = flow_csv(*FRANCE, flow_row("250", "IMMIG", "XXX", 2018, "many"))
    followed = client.post("/check?provider=FRA&lang=fr&format=ndjson", data=body, content_type="text/csv")
    plain = client.post("/check?provider=FRA&lang=fr", data=body, content_type="text/csv").json
    last = json.loads(followed.text.splitlines()[-1])["report"]
    for report in (last, plain):
        del report["timing"]
        report["rules"].pop("at", None)
        report.pop("exports", None)
    assert last == plain
    assert "n’a pas de code" in followed.text


def workbook():
    content = io.BytesIO()
    openpyxl.Workbook().save(content)
    return content.getvalue()


JSON = json.dumps({"data": {"dataSets": [{}] * 5000, "structures": []}}).encode()


@pytest.mark.parametrize("body", [workbook() * 3, JSON], ids=["xlsx", "json"])
def test_other_formats_say_nothing_before_their_end_and_that_they_do_not(exchange, valid, body):
    client = create_app(exchange, token="T", demo=False).test_client()
    answer = client.post("/check?format=ndjson", data=body, content_type="application/octet-stream")
    events = [valid(json.loads(line)) for line in answer.text.splitlines()]
    assert [event["event"] for event in events if event["event"] != "finding"] == [
        "received", "waiting", "received", "report"
    ]  # fmt: skip
    assert not any(event.get("provisional") for event in events)


def test_a_form_is_checked_when_it_is_there(exchange, valid):
    client = create_app(exchange, token="T", demo=False).test_client()
    data = {"provider": "FRA", "format": "ndjson", "file": (io.BytesIO(LARGE[:50_000]), "flows.csv")}
    events = [valid(json.loads(line)) for line in client.post("/check", data=data).text.splitlines()]
    assert [event["event"] for event in events] == ["received", *["finding"] * (len(events) - 2), "report"]
    assert events[-1]["report"]["subject"]["fileName"] == "flows.csv"


# --- what ends it before its end ----------------------------------------------------------------------------


def test_a_broken_upload_ends_with_one_clear_event(port, valid):
    with Followed(port, "Content-Type: text/csv", f"Content-Length: {len(LARGE)}") as followed:
        followed.send(LARGE[:200_000])
        followed.until(is_finding)
        followed.connection.shutdown(socket.SHUT_WR)
        *_, last = (valid(event) for event in followed.rest())
    assert (last["event"], last["status"]) == ("fault", 400)
    assert last["detail"].startswith("The upload broke off after ")


def test_a_chunk_that_lies_ends_with_one_clear_event(port, valid):
    with Followed(port, "Content-Type: text/csv", "Transfer-Encoding: chunked") as followed:
        followed.send(LARGE[:200_000], chunked=True)
        followed.until(is_finding)
        followed.connection.sendall(b"no size\r\n")
        *_, last = (valid(event) for event in followed.rest())
    assert (last["event"], last["status"]) == ("fault", 400)


def test_a_limit_that_is_exceeded_on_the_way_ends_with_one_clear_event(port, valid):
    with Followed(port, "Content-Type: text/csv", "Transfer-Encoding: chunked") as followed:
        try:
            for _ in range(10):
                followed.send(LARGE[:1_000_000], chunked=True)
        except (BrokenPipeError, ConnectionResetError):
            pass
        events = [valid(event) for event in followed.rest()]
    assert events[0]["event"] == "received"
    assert (events[-1]["event"], events[-1]["status"]) == ("fault", 413)
    assert events[-1]["detail"] == "The body is larger than 6,000,000 bytes"


def test_what_is_announced_as_too_large_has_its_status(port):
    with Followed(port, "Content-Type: text/csv", "Content-Length: 10000000000") as followed:
        followed._begin()
        assert followed.status == 413


def test_who_goes_away_leaves_nothing_behind(exchange, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with served(create_app(exchange, token="T", demo=False)) as address:
        port = int(address.rpartition(":")[2])
        for sent in (LARGE[:300_000], LARGE):
            with Followed(port, "Content-Type: text/csv", f"Content-Length: {len(LARGE)}") as followed:
                followed.send(sent)
        deadline = time.monotonic() + 30
        while [one for one in threading.enumerate() if one.name == "check"] and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not [one for one in threading.enumerate() if one.name == "check"]
        with Followed(port, "Content-Type: text/csv", f"Content-Length: {len(LARGE)}") as followed:
            followed.send(LARGE)
            assert followed.rest()[-1]["event"] == "report"
    assert not [path for path in tmp_path.iterdir() if path.is_file()]
    assert not exchange.ledger.history().submissions
