"""The service as it is served: what a broken or a silent connection does."""

import json
import socket
import struct
import urllib.request
from types import SimpleNamespace

import pytest
from conftest import flow_csv, flow_row, serving

from migdx.web.server import SILENT, STALLED, _impatient


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    """`migdx serve` with a token, until the module is done."""
    with serving(tmp_path_factory.mktemp("served")) as number:
        yield number


CONTENT = flow_csv(*(flow_row("250", "IMMIG", "276", year, 123456) for year in range(2000, 2020)))


def sent(port, body, length, path="/submissions?provider=FRA", media_type="text/csv"):
    """The status line that a request with this Content-Length gets, when the sender stops after `body`."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer T\r\n"
        f"Content-Type: {media_type}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(head.encode() + body)
        connection.shutdown(socket.SHUT_WR)
        return connection.makefile("rb").readline().decode().strip()


def submissions(port):
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/submissions", headers={"Authorization": "Bearer T"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)["submissions"]


@pytest.mark.parametrize("missing", [4, len(CONTENT) // 2, CONTENT.index(b"\n", 400) - 400 + 1])
def test_half_an_upload_is_none(port, missing):
    """Cut within the last figure, or at the end of a row: what came would be a sound file."""
    before = submissions(port)
    assert sent(port, CONTENT[:-missing], len(CONTENT)).startswith("HTTP/1.1 400")
    assert submissions(port) == before


def test_half_a_form_is_none(port):
    form = (
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="f.csv"\r\n\r\n'
        + CONTENT
        + b"\r\n--b--\r\n"
    )
    before = submissions(port)
    kind = "multipart/form-data; boundary=b"
    assert sent(port, form[:-200], len(form), media_type=kind).startswith("HTTP/1.1 400")
    assert submissions(port) == before
    assert sent(port, form, len(form), media_type=kind).startswith("HTTP/1.1 201")
    assert len(submissions(port)) == len(before) + 1


def test_half_a_release_is_none(port):
    body = b'{"submissions": ["x"]}    '
    assert sent(port, body[:-2], len(body), "/releases", "application/json").startswith("HTTP/1.1 400")


def test_connections_inherit_the_patience_of_the_listener():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        _impatient(SimpleNamespace(LISTENERS=[SimpleNamespace(sock=listener)]), None)
        with socket.create_connection(listener.getsockname()), listener.accept()[0] as accepted:
            for option, seconds in ((socket.SO_RCVTIMEO, SILENT), (socket.SO_SNDTIMEO, STALLED)):
                assert struct.unpack("ll", accepted.getsockopt(socket.SOL_SOCKET, option, 16)) == (seconds, 0)
