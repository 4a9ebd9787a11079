"""The wheel works where there is no checkout: built, installed, asked for its version, served and queried."""

import json
import os
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import urllib.request
import venv
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = {"dsd": "dsd", "codelists": "codelists", "demo": "demo_data", "tests/checks": "specimens"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, ROOT, cwd=out)
    (path,) = out.glob("migdx-*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of an environment with the wheel and the pinned libraries, but not the checkout."""
    home = tmp_path_factory.mktemp("elsewhere") / "env"
    venv.create(home, with_pip=False)
    python = home / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check"]
    run(*pip, "install", "--quiet", "--no-deps", "--no-index", wheel, cwd=home)
    # A plain path in a .pth file: the editable install's own .pth file in that folder is not read.
    (site,) = home.glob("lib/python*/site-packages")
    (site / "pinned.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return home / "bin"


def test_wheel_holds_structures_and_demonstration_data(wheel: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    for folder, name in FOLDERS.items():
        files = [path for path in (ROOT / folder).rglob("*") if path.is_file()]
        assert files
        assert {f"migdx/{name}/{path.relative_to(ROOT / folder)}" for path in files} <= inside
    assert not [name for name in inside if name.startswith(("tests/", "bench/"))]


def test_version(installed: Path, tmp_path: Path) -> None:
    said = run(installed / "migdx", "--version", cwd=tmp_path)
    assert "0.1.0" in said


def test_nothing_comes_from_the_checkout(installed: Path, tmp_path: Path) -> None:
    code = "import sys, migdx; print(migdx.__file__, *sys.path, sep='\\n')"
    where, *path = run(installed / "python", "-c", code, cwd=tmp_path).splitlines()
    assert Path(where).is_relative_to(installed.parent)
    assert str(ROOT / "service") not in path


def test_serves_and_answers(installed: Path, tmp_path: Path) -> None:
    port = free_port()
    command = [installed / "migdx", "--data", tmp_path / "data", "serve", "--port", str(port), "--demo"]
    with serving(command, cwd=tmp_path, log=tmp_path / "log.txt") as server:
        url = f"http://127.0.0.1:{port}/sdmx/v2/structure/dataflow/MIGDX"
        status, content_type, body = answer(url, server, tmp_path / "log.txt")
    assert status == 200
    assert "json" in content_type
    flows = json.loads(body)["data"]["dataflows"]
    assert "DF_MIG_FLOW" in {flow["id"] for flow in flows}


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(
        command, cwd=cwd, env=outside(), capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def outside() -> dict[str, str]:
    """The environment without what could lead back to the checkout."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "MIGDX"))}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(command: list[str | Path], cwd: Path, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A server in a session of its own, so that its workers end with it."""
    with log.open("wb") as out:
        server = subprocess.Popen(
            command, cwd=cwd, env=outside(), stdout=out, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            yield server
        finally:
            server.terminate()
            try:
                server.wait(timeout=20)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)
                server.wait(timeout=20)


def answer(url: str, server: subprocess.Popen[bytes], log: Path) -> tuple[int, str, bytes]:
    """The first answer of a server that is starting."""
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(url, timeout=30) as reply:
                return reply.status, reply.headers["Content-Type"], reply.read()
        except (URLError, ConnectionError) as fault:
            assert server.poll() is None, f"the server ended:\n{log.read_text(encoding='utf-8')}"
            if time.monotonic() > deadline or getattr(fault, "code", None):
                raise
            time.sleep(0.1)
