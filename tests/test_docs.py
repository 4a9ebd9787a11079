"""What the README shows is run, and gives what it shows; `...` stands for what differs from run to run."""

import doctest
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from conftest import ROOT
from werkzeug.serving import make_server

from migdx import demo
from migdx.exchange import Exchange
from migdx.web import create_app

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```console\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def steps():
    """(command, what it prints) in the order of the README."""
    for block in BLOCKS:
        yield from re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE)


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """The demonstration, served as `make demo` serves it."""
    exchange = Exchange.open(tmp_path_factory.mktemp("demo"))
    assert demo.load(exchange, quiet=True) > 0
    server = make_server("127.0.0.1", 0, create_app(exchange, token=None, demo=True), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()
    exchange.close()


def test_the_readme_does_what_it_shows(address, tmp_path):
    """In a copy of what the commands read, so that the checkout stays as it is."""
    (tmp_path / "var").mkdir()
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    matches = doctest.OutputChecker().check_output
    count = 0
    for command, shown in steps():
        done = subprocess.run(
            ["bash", "-c", command.replace("127.0.0.1:8080", address)],
            cwd=tmp_path,
            env={**os.environ, "PATH": path, "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert matches(shown, done.stdout, doctest.ELLIPSIS), f"$ {command}\n{done.stdout}{done.stderr}"
        count += 1
    assert count == README.count("\n$ ")


def test_the_readme_names_targets_and_files_that_exist():
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"\bmake (\w+)", README):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    for link in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / link).exists(), link
    for module in re.findall(r"`([a-z]+/?)`", README.split("| layer |")[1]):
        assert list((ROOT / "service" / "migdx").glob(f"{module.rstrip('/')}*")), module
