"""Uploads over a real connection: too large, with a lie about their size, or no file; who else is served."""

import gzip
import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from conftest import FRANCE, flow_csv, served, serving

from migdx.web import create_app, uploads

MOST = 4_000_000
GOOD = flow_csv(*FRANCE)


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    """`migdx serve` with one worker that takes MOST bytes, until the module is done."""
    folder = tmp_path_factory.mktemp("served")
    with serving(folder, MIGDX_LARGEST=str(MOST), TMPDIR=str(folder)) as number:
        yield number


def head(*headers, path="/check?provider=FRA"):
    return "\r\n".join([f"POST {path} HTTP/1.1", "Host: 127.0.0.1", *headers, "", ""]).encode()


def answered(connection):
    """Status and body of the next final answer."""
    stream = connection.makefile("rb")
    while True:
        status = int(stream.readline().split()[1])
        length, closes = 0, False
        while line := stream.readline().strip().lower():
            name, _, value = line.partition(b":")
            length = int(value) if name == b"content-length" else length
            closes = closes or (name, value.strip()) == (b"connection", b"close")
        if status != 100:
            return status, json.loads(stream.read(length) or b"null")


def sent(port, *pieces):
    """The answer to bytes on a connection; a server that has answered need not take the rest."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        with suppress(BrokenPipeError, ConnectionResetError):
            for piece in pieces:
                connection.sendall(piece)
        return answered(connection)


def checked(port, body=GOOD, media_type="text/csv", *headers, path="/check?provider=FRA"):
    length = f"Content-Length: {len(body)}"
    return sent(
        port, head(f"Content-Type: {media_type}", length, "Connection: close", *headers, path=path), body
    )


def detail(answer):
    return answer["errors"][0]["detail"]


def still_served(port):
    status, report = checked(port)
    return status == 200 and report["verdict"] == "accepted"


@pytest.mark.parametrize("more", [(), ("Expect: 100-continue",), ("Connection: close",)])
@pytest.mark.parametrize("path", ["/check", "/submissions?provider=FRA"])
@pytest.mark.parametrize("kind", ["text/csv", "multipart/form-data; boundary=b"])
def test_ten_gigabytes_announced_are_refused_before_a_byte_of_them(port, path, kind, more):
    headers = (f"Content-Type: {kind}", "Content-Length: 10000000000", "Authorization: Bearer T")
    status, answer = sent(port, head(*headers, *more, path=path))
    assert status == 413
    assert detail(answer) == "The body is larger than 4,000,000 bytes"
    assert still_served(port)


def test_a_message_is_smaller_than_a_file(port):
    headers = ("Content-Type: application/json", "Authorization: Bearer T", "Content-Length: 2000000")
    status, answer = sent(port, head(*headers, path="/releases"))
    assert (status, detail(answer)) == (413, "The body is larger than 1,048,576 bytes")


def test_what_is_not_announced_is_cut_at_the_limit(port):
    piece = b"%x\r\n%s\r\n" % (1 << 16, b"x" * (1 << 16))
    chunked = head("Content-Type: text/csv", "Transfer-Encoding: chunked")
    status, answer = sent(port, chunked, *[piece] * 1000)
    assert (status, detail(answer)) == (413, "The body is larger than 4,000,000 bytes")
    whole = b"%x\r\n%s\r\n0\r\n\r\n" % (len(GOOD), GOOD)
    assert sent(port, chunked, whole)[1]["verdict"] == "accepted"


def test_a_body_that_is_longer_than_announced_is_taken_as_announced(port):
    """The rest is another request, and none."""
    headers = head("Content-Type: text/csv", f"Content-Length: {len(GOOD)}")
    assert sent(port, headers, GOOD + b"\n" * 100)[1]["counts"]["received"] == len(FRANCE)
    assert still_served(port)


@pytest.mark.parametrize(
    "lines",
    [
        ("Content-Length: -1",),
        ("Content-Length: 10", "Content-Length: 11"),
        ("Content-Length: ten",),
        ("Content-Length: 10", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: gzip",),
        ("X: " + "y" * 100_000,),
        *((f"X-{n}: y" for n in range(1000)),),
    ],
    ids=["negative", "two", "no number", "both", "coding", "long", "many"],
)
def test_a_head_that_cannot_be_trusted(port, lines):
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(head(*lines) + b"x" * 10)
        first = connection.makefile("rb").readline()
    assert 400 <= int(first.split()[1]) < 502, first
    assert still_served(port)


def test_encodings(port):
    body = gzip.compress(GOOD)
    status, report = checked(port, body, "text/csv", "Content-Encoding: gzip")
    assert (status, report["verdict"]) == (200, "accepted")
    plain = checked(port)[1]
    assert (report["counts"], report["groups"]) == (plain["counts"], plain["groups"])
    status, answer = checked(port, body, "text/csv", "Content-Encoding: br")
    assert (status, detail(answer)) == (415, "Content-Encoding 'br' is not taken; expected gzip or none")
    assert checked(port, form(("f.csv", GOOD)), FORM, "Content-Encoding: gzip")[0] == 415


FORM = "multipart/form-data; boundary=b"


def form(*files, fields=(), name="file"):
    """A form with files, each a name and bytes, and fields, each a name and a text."""
    parts = [
        f'--b\r\nContent-Disposition: form-data; name="{id}"\r\n\r\n{text}\r\n'.encode()
        for id, text in fields
    ]
    for file, content in files:
        named = f'--b\r\nContent-Disposition: form-data; name="{name}"; filename="{file}"\r\n\r\n'
        parts.append(named.encode() + content + b"\r\n")
    return b"".join(parts) + b"--b--\r\n"


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (form(("f.csv", GOOD)), 200, None),
        (form(("f.csv", GOOD), ("", b"")), 200, None),
        (form(), 400, "The form has no file"),
        (form(("", b"")), 400, "The form has no file"),
        (form(("a.csv", GOOD), ("b.csv", GOOD)), 400, "The form has 2 files; expected one"),
        (form(*[("a.csv", b"x")] * 5000), 413, "it may have 100 fields"),
        (form(("f.csv", GOOD), fields=[(f"n{n}", "x") for n in range(5000)]), 413, "it may have 100 fields"),
        (form(("f.csv", GOOD), fields=[("accept", "x" * 1_000_000)]), 413, "500,000 bytes"),
        (form(("f.csv", GOOD), name="n" * 1_000_000), 413, "500,000 bytes"),
        (form(("f" * 60_000 + ".csv", GOOD)), 200, None),
        (b"--b\r\n" + b"X: y\r\n" * 200_000, 413, "500,000 bytes"),
        (b"--b\r\nContent-Disposition: form-data", 400, "The form has no file"),
        (b"nothing at all", 400, "The form has no file"),
    ],
    ids=["sound", "one empty", "none", "not chosen", "two", "files", "fields", "field", "name", "file name",
         "headers", "cut", "no form"],
)  # fmt: skip
def test_forms(port, body, status, said):
    found, answer = checked(port, body, FORM)
    assert found == status, answer
    assert said is None or said in detail(answer)


def test_slow_senders_do_not_stop_others(port):
    slow = [socket.create_connection(("127.0.0.1", port), timeout=60) for _ in range(60)]
    for connection in slow:
        connection.sendall(head("Content-Type: text/csv", f"Content-Length: {len(GOOD)}") + GOOD[:50])
    assert still_served(port)
    for connection in slow[:3]:
        connection.sendall(GOOD[50:])
        assert answered(connection)[1]["verdict"] == "accepted"
    for connection in slow:
        connection.close()


HOSTILE = b"DATAFLOW,A,OBS_VALUE\n" + b'X,5"" ,""x\n' * 300_000
"""Quotes that break the rules in every line: slow to read."""


def test_a_sound_file_among_hostile_ones(port):
    with ThreadPoolExecutor(8) as pool:
        hostile = [pool.submit(checked, port, HOSTILE) for _ in range(4)]
        sound = [pool.submit(still_served, port) for _ in range(3)]
        assert all(one.result() for one in sound)
        assert {one.result()[0] for one in hostile} <= {200, 503}


def test_no_upload_takes_the_last_of_the_disk(exchange, monkeypatch):
    client = create_app(exchange, token="T", demo=False).test_client()
    monkeypatch.setattr(uploads, "FLOOR", 1 << 60)
    assert client.post("/check", data=GOOD).status_code == 200  # a small one takes none
    for body, kind in ((b"x" * 2_000_000, "text/csv"), (form(("f.csv", b"x" * 2_000_000)), FORM)):
        answer = client.post("/check", data=body, content_type=kind)
        assert (answer.status_code, detail(answer.json)) == (
            507,
            "There is no space left for a file of this size; please try again later",
        )


def test_nothing_of_a_refused_upload_stays(exchange, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with served(create_app(exchange, token="T", demo=False, largest=MOST)) as address:
        port = int(address.rpartition(":")[2])
        piece = b"%x\r\n%s\r\n" % (1 << 16, b"x" * (1 << 16))
        assert sent(port, head("Transfer-Encoding: chunked"), *[piece] * 80)[0] == 413
        assert threading.active_count() < 50
    assert not [path for path in tmp_path.iterdir() if path.is_file()]


@pytest.mark.parametrize("given", ["much", "-1", "0"])
def test_the_setting_is_a_number_of_bytes(exchange, monkeypatch, given):
    monkeypatch.setenv("MIGDX_LARGEST", given)
    with pytest.raises(Exception, match="expected a number of bytes from 1 on"):
        create_app(exchange, token="T", demo=False)
