"""Shared: the shipped structures, an exchange in an empty folder, and the way that a file is sent to it."""

import io
import json
import logging
import os
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import hypothesis
import pytest
from werkzeug.serving import make_server

from migdx import cli, demo
from migdx import exchange as exchanges
from migdx.exchange import Exchange
from migdx.folders import shipped_structures
from migdx.formats import child, marks, sandbox
from migdx.registry import Registry
from migdx.rulebook import read_rules
from migdx.sent import Sent
from migdx.web import create_app

# a timing is never a test; and what CI says must be the same tomorrow
hypothesis.settings.register_profile("migdx", deadline=None, max_examples=50, derandomize="CI" in os.environ)
hypothesis.settings.load_profile("migdx")

ROOT = Path(__file__).resolve().parents[1]


def pytest_make_parametrize_id(val, argname):
    """Bytes are named by their argument: an archive holds the hour at which it was made, and every
    worker must collect the same names."""
    return argname if isinstance(val, bytes) else None


HEADER = (
    "STRUCTURE,STRUCTURE_ID,ACTION,FREQ,REF_AREA,COMPONENT,SOURCE,COUNTERPART_AREA,BIRTHPLACE,CITIZENSHIP,SEX,AGE,"
    "REASON,TIME_PERIOD,OBS_VALUE,OBS_STATUS,CONF_STATUS,UNIT_MEASURE,UNIT_MULT,COMMENT_OBS"
)


def flow_csv(*rows: str) -> bytes:
    """An SDMX-CSV 2.0 file for the flows; each row starts with REF_AREA and ends with COMMENT_OBS."""
    lines = [HEADER, *(f"dataflow,MIGDX:DF_MIG_FLOW(1.0.0),R,A,{row}" for row in rows)]
    return ("\n".join(lines) + "\n").encode()


def flow_row(area, component, counterpart, year, value, status="A", conf="F", comment="", sex="_T"):
    key = f"{area},{component},OFF,{counterpart},_T,_T,{sex},_T,_T,{year}"
    return f"{key},{value},{status},{conf},PS,0,{comment}"


def sent(content: bytes, provider: str = "", name: str = "file.csv", media_type: str = "text/csv") -> Sent:
    return Sent(io.BytesIO(content), len(content), media_type, name, provider)


def said(report):
    """What a report says, without digests and instants: these hold any four digits now and then."""
    whole = report.as_dict()
    return str({name: part for name, part in whole.items() if name not in ("subject", "rules", "timing")})


def faults(report):
    """What is found beside what rules say for information: a row or two are no whole, documented table."""
    return [one for one in report.findings if not one.rule or one.severity != "information"]


class Here:
    """The child of a sandbox that is no process: one for each of thousands of small files takes long."""

    peak, seconds = 0, 0.0

    def do(self, job, descriptor, limits):
        with os.fdopen(os.dup(descriptor), "rb") as file:
            file.seek(0)
            content = io.BytesIO(file.read())
        try:
            told = json.loads(json.dumps(job)) | {"scratch": io.BytesIO()}
            table, said = child.TASKS[job["task"]](content, told)
        except Exception:
            logging.exception("A reader failed")
            raise sandbox.Failed("fault of the reader") from None
        return table, json.loads(json.dumps(said))

    def end(self):
        """Nothing was begun."""


@pytest.fixture(scope="module", autouse=True)
def read_here(request):
    """Files are read in this process; in modules that are marked `sandboxed` as the service does."""
    with pytest.MonkeyPatch.context() as patch:
        if not request.node.get_closest_marker("sandboxed"):
            for box in (sandbox.default, marks._annotating):
                patch.setattr(box, "_take", Here)
                patch.setattr(box, "_prepare", lambda: None)
        yield


@pytest.fixture(scope="session", autouse=True)
def shipped_once():
    """The shipped structures and their rules are read once for all tests: neither ever changes."""
    rules = {shipped_structures(): read_rules(shipped_structures())}
    load, known = Registry.load, {}

    def once(cls, folders, *given):
        folders = tuple(folders)
        if folders != shipped_structures() or given:
            return load(folders, *given)
        if folders not in known:
            known[folders] = load(folders)
        return known[folders]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Registry, "load", classmethod(once))
        patch.setattr(exchanges, "read_rules", lambda folders: rules.get(folders) or read_rules(folders))
        yield


@pytest.fixture
def exchange(tmp_path):
    """An exchange over the shipped structures, in a folder of its own."""
    made = Exchange.open(tmp_path / "exchange")
    yield made
    made.close()


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """Runs migdx in an empty folder; exit status, output, errors."""
    monkeypatch.chdir(tmp_path)

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["migdx", *map(str, words)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        return (end.value.code or 0, *capsys.readouterr())

    return run


@contextmanager
def serving(folder, **environment):
    """The port of `migdx serve` over `folder`, with one worker and the token T, until the block is left."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number = free.getsockname()[1]
    command = [Path(sys.executable).parent / "migdx", "--data", folder, "serve"]
    with subprocess.Popen(
        [*command, "--port", str(number), "--workers", "1"],
        env={**os.environ, "MIGDX_TOKEN": "T", **environment},
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        try:
            assert "Ready on" in running.stdout.readline()
            yield number
        finally:
            running.terminate()
            running.wait(30)


# --- the HTTP door ------------------------------------------------------------------------------------------

TOKEN = "the-token"

FRANCE = [
    flow_row("250", "IMMIG", "276", 2018, 1800),
    flow_row("250", "IMMIG", "276", 2019, 1900.5),
    flow_row("250", "IMMIG", "276", 2020, 2000, status="P", comment="first result"),
    flow_row("250", "IMMIG", "380", 2019, 700),
    flow_row("250", "EMIG", "276", 2019, 424242, conf="C", comment="hidden"),
]
GERMANY = [flow_row("276", "EMIG", "250", year, 1000 + year) for year in range(2010, 2020)]


def publish(exchange, provider, rows, **more):
    """Submits rows of the flows for a provider and releases them."""
    (submission,), report = exchange.submit(sent(flow_csv(*rows), provider), by="test")
    assert submission.verdict == "accepted", report.as_dict()
    return exchange.release([submission.id], by="test", **more)


@pytest.fixture(scope="session")
def published(tmp_path_factory):
    """An exchange with two countries' released flows; tests only read it."""
    exchange = Exchange.open(tmp_path_factory.mktemp("published"))
    publish(exchange, "FRA", FRANCE)
    publish(exchange, "DEU", GERMANY)
    yield exchange
    exchange.close()


@pytest.fixture(scope="session")
def app(published):
    return create_app(published, token=TOKEN, demo=False)


def getter(app):
    """GET with headers as keywords: Accept_Language is Accept-Language."""
    client = app.test_client()

    def get(url, method="GET", **headers):
        return client.open(url, method=method, headers={k.replace("_", "-"): v for k, v in headers.items()})

    return get


@pytest.fixture
def get(app):
    return getter(app)


@contextmanager
def served(app):
    """The address of an application over a real socket."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="session")
def live(app):
    """The address of the same service."""
    with served(app) as address:
        yield address


@pytest.fixture(scope="session")
def demo_folder(tmp_path_factory):
    """The folder of an exchange that holds the demonstration; no test changes what is public in it."""
    folder = tmp_path_factory.mktemp("demo")
    exchange = Exchange.open(folder)
    assert demo.load(exchange, quiet=True) > 0
    exchange.close()
    return folder


@pytest.fixture(scope="session")
def demo_address(demo_folder):
    """The demonstration, served as `make demo` serves it."""
    exchange = Exchange.open(demo_folder)
    with served(create_app(exchange, token=None, demo=True)) as address:
        yield address
    exchange.close()
