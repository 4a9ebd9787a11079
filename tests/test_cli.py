"""The command line: what people read, one sentence for every fault, and where the service may be reached."""

import hashlib
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import openpyxl
import pytest
from conftest import ROOT

from migdx import cli_checking, demo, ledger_database
from migdx.web import server

CHECKS = ROOT / "tests" / "checks"
SOUND, WRONG = CHECKS / "sound.csv", CHECKS / "unknown_code.csv"
HEX = re.compile(r"[0-9a-f]{32}")


# --- faults -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("folder", "said"),
    [
        ("a-file", "File exists: a-file"),
        ("a-file/migdx", "Not a directory: a-file/migdx"),
        ("/proc/migdx", "No such file or directory: /proc/migdx"),
    ],
)
def test_a_folder_that_cannot_be_one(run, tmp_path, folder, said):
    (tmp_path / "a-file").touch()
    assert run("--data", folder, "submissions") == (1, "", f"migdx: {said}\n")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_not_ours(run, tmp_path):
    (tmp_path / "closed").mkdir(mode=0o500)
    assert run("--data", "closed/migdx", "releases") == (
        1, "", "migdx: Permission denied: closed/migdx\n",
    )  # fmt: skip


def test_a_locked_ledger(run, tmp_path, monkeypatch):
    assert run("--data", "here", "submissions")[0] == 0
    monkeypatch.setattr(ledger_database, "WAIT", 0.1)
    other = sqlite3.connect(tmp_path / "here" / "ledger.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    said = run("--data", "here", "submit", SOUND, "--provider", "FRA")
    other.close()
    assert said == (1, "", "migdx: The ledger cannot be written now: database is locked\n")


# --- check --------------------------------------------------------------------------------------------------


def test_a_check_leaves_nothing(run, tmp_path):
    status, said, _ = run("check", SOUND, "--provider", "FRA")
    assert (status, said.splitlines()[0]) == (0, "ACCEPTED  sound.csv")
    assert list(tmp_path.iterdir()) == []


def test_a_report_says_where(run):
    status, said, _ = run("check", WRONG, "--provider", "FRA")
    assert status == 1
    assert "3 received, 0 accepted, 3 rejected; 1 error, 0 warnings\n" in said
    assert "  at row 4 column 11 (A.250.IMMIG.OFF.276._T._T.Female._T._T 2019)\n" in said


def test_what_was_not_checked_is_grouped_by_reason(run):
    # few are named, many are counted
    assert (
        "  not_your_area: No provider was named.\n" in run("check", SOUND)[1].partition("\nnot checked\n")[2]
    )
    said = run("check", ROOT / "README.md")[1]
    (line,) = said.partition("\nnot checked\n")[2].splitlines()
    assert re.fullmatch(r"  \d+ checks: The file could not be bound to a dataflow\.", line)


def test_the_rejected_rows_are_written(run, tmp_path):
    copy = tmp_path / "why.csv"
    for command in ("check", "submit"):
        status, said, errors = run(command, WRONG, "--provider", "FRA", "--rejected", copy, "--lang", "fr")
        assert (status, errors) == (1, "")
        assert "SEX n’a pas de code « Female »" in said
        header, row = copy.read_text(encoding="utf-8").splitlines()
        assert header.startswith("MIGDX_WHY,STRUCTURE,")
        assert row.startswith('"unknown_code: SEX n’a pas de code « Female »')
        copy.unlink()


def test_what_is_no_workbook_has_no_annotated_copy_but_a_report(run, tmp_path):
    status, said, errors = run("check", WRONG, "--annotated", tmp_path / "copy.xlsx")
    assert status == 1
    assert said.startswith("REJECTED  unknown_code.csv\n")
    assert errors.startswith("migdx: This file is CSV, and only workbooks have an annotated copy")
    assert not (tmp_path / "copy.xlsx").exists()


def test_the_annotated_copy_is_written(run, tmp_path):
    """Of a workbook in which nothing could be read: the report in front says why."""
    made = openpyxl.Workbook()
    made.active["A1"] = -5
    made.save(tmp_path / "flows.xlsx")
    assert run("check", "flows.xlsx", "--annotated", "copy.xlsx")[0] == 1
    copy = openpyxl.load_workbook(tmp_path / "copy.xlsx")
    assert (copy.sheetnames, copy["Sheet"]["A1"].value) == (["Report", "Sheet"], -5)
    assert copy["Report"]["A2"].value == "This file is rejected"


def test_several_dataflows_are_told_one_after_the_other(run, tmp_path):
    flow, stock = "MIGDX:DF_MIG_FLOW(1.0.0)", "MIGDX:DF_MIG_STOCK(1.0.0)"
    header = (
        "STRUCTURE,STRUCTURE_ID,ACTION,FREQ,REF_AREA,COMPONENT,SOURCE,COUNTERPART_AREA,BIRTHPLACE,CITIZENSHIP,"
        "SEX,AGE,REASON,DURATION_STAY,EDUCATION_LEV,LFS,URBANISATION,TIME_PERIOD,OBS_VALUE,OBS_STATUS,CONF_STATUS,"
        "UNIT_MEASURE,UNIT_MULT\n"
    )
    rows = (
        f"dataflow,{flow},R,A,250,IMMIG,OFF,276,_T,_T,_T,_T,_T,,,,,2020,10,A,F,PS,0\n"
        f"dataflow,{stock},R,A,250,,OFF,,_T,_T,_T,_T,,_T,_T,_T,_T,2020,500,A,F,PS,0\n"
    )
    file = tmp_path / "both.csv"
    file.write_text(header + rows)
    status, said, _ = run("submit", file, "--provider", "FRA")
    assert status == 0
    assert [line.split(" to ")[1] for line in said.splitlines() if line.startswith("Submission ")] == [
        f"{flow}, revision 1", f"{stock}, revision 1"
    ]  # fmt: skip
    file.write_text(header + rows.replace("_T,_T,2020,500", "_T,X,2020,500").replace(",276,", ",XXX,"))
    said = run("check", file, "--provider", "FRA")[1]
    assert said.index(f"\nIn {flow}\n") < said.index("COUNTERPART_AREA has no code 'XXX'")
    assert said.index("COUNTERPART_AREA") < said.index(f"\nIn {stock}\n")


def test_a_large_file_is_declared(run):
    assert run("check", SOUND, "--provider", "FRA", "--large")[0] == 0


@pytest.mark.parametrize(
    "command",
    ["check", "submit", "submissions", "release", "releases", "cancel", "snapshot", "serve", "demo"],
)
def test_help(run, command):
    assert command in run("--help")[1]
    said = run(command, "--help")[1]
    assert '""' not in said


# --- submissions and releases -------------------------------------------------------------------------------


def test_submissions_and_releases_are_listed(run):
    assert run("submissions")[1].split() == [
        "submission", "received", "provider", "dataflow", "verdict", "revision", "rows", "public",
    ]  # fmt: skip
    (first,) = HEX.findall(run("submit", SOUND, "--provider", "FRA")[1])
    (second,) = HEX.findall(run("submit", WRONG, "--provider", "FRA")[1])
    assert run("submissions")[1].splitlines()[2].endswith("  no")
    (release,) = HEX.findall(run("release", first, "--note", "as sent")[1])
    _, newest, oldest = run("submissions")[1].splitlines()
    assert newest.split()[0] == second
    assert newest.endswith("  rejected            0 of 3  no")
    assert oldest.split()[0] == first
    assert oldest.split()[2:] == ["FRA", "MIGDX:DF_MIG_FLOW(1.0.0)", "accepted", "1", "2", "yes"]
    assert len(run("submissions", "--limit", 1)[1].splitlines()) == 2
    assert len(run("submissions", "--provider", "DEU")[1].splitlines()) == 1
    for dataflow, count in (("DF_MIG_FLOW", 2), ("MIGDX:DF_MIG_FLOW(1.0.0)", 2), ("DF_MIG_STOCK", 0)):
        assert len(run("submissions", "--dataflow", dataflow)[1].splitlines()) == count + 1
    assert run("releases")[1].splitlines()[1].split()[0] == release
    assert run("releases")[1].endswith(" 1  as sent\n")
    assert run("cancel", release) == (
        0,
        f"Release {release} is cancelled\nMIG_FLOW_FRA MIGDX:DF_MIG_FLOW(1.0.0): revision 1 -> nothing\n",
        "",
    )
    assert run("submissions")[1].splitlines()[2].endswith("  no")
    assert len(re.findall(r"\d\d:\d\d:\d\dZ", run("releases")[1])) == 3


def test_releases_are_seen_before_moved_named_and_cited(run, tmp_path):
    (submission,) = HEX.findall(run("submit", SOUND, "--provider", "FRA")[1])
    status, said, _ = run("release", "--dataflow", "DF_MIG_FLOW", "--provider", "FRA", "--dry-run")
    assert status == 0
    assert (
        "revision nothing -> 1\nMIG_FLOW_FRA MIGDX:DF_MIG_FLOW(1.0.0): 2 added, 0 changed, 0 removed" in said
    )
    assert re.search(r"/preview/[0-9a-f]{64}/sdmx", said)
    far = "2999-01-01T09:00:00+01:00"
    (made,) = HEX.findall(run("release", submission, "--public-from", far, "--name", "first")[1])
    assert run("snapshot", "first") == (1, "", "migdx: There is no release first\n")
    assert run("release", "--dataflow", "DF_MIG_FLOW")[2].endswith(f"by release {made}\n")
    (moved,) = HEX.findall(run("release", "--move", made)[1])
    assert run("releases")[1].splitlines()[1].split()[:2] == [moved, "first"]
    status, said, _ = run(
        "snapshot", "first", "--to", tmp_path / "out", "--url", "https://x.example/releases/first"
    )
    assert status == 0
    assert "https://x.example/releases/first" in said
    for line in said.splitlines()[1:]:
        digest, name = line.split("  ")
        assert hashlib.sha256((tmp_path / "out" / name).read_bytes()).hexdigest() == digest
    assert "revision 1 -> nothing" in run("cancel", "first", "--dry-run")[1]
    assert run("cancel", "first", "--reason", "shifted")[0] == 0
    assert run("snapshot", "first")[2].endswith(": shifted\n")
    for wrong in (
        ["--public-from", "soon", submission],
        ["--move", "no"],
        ["--dataflow", "a:b:c"],
        ["no", "--move", "x"],
        [],
    ):
        status, out, said = run("release", *wrong)
        assert (status, out) == (1, "")
        assert said.startswith("migdx: ")


def test_a_release_is_cancelled_once(run):
    (submission,) = HEX.findall(run("submit", SOUND, "--provider", "FRA")[1])
    (release,) = HEX.findall(run("release", submission)[1])
    assert run("cancel", release)[0] == 0
    status, _, said = run("cancel", release)
    assert status == 1
    assert said.startswith(f"migdx: Release {release} was cancelled at ")
    assert run("cancel", "none") == (1, "", "migdx: There is no release none\n")


# --- serving ------------------------------------------------------------------------------------------------


@pytest.fixture
def taken():
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


@pytest.mark.parametrize(("command", "advice"), [("demo", "make demo PORT="), ("serve", "--port ")])
def test_a_port_that_is_taken_is_said_before_anything_is_loaded(run, tmp_path, taken, command, advice):
    said = run(command, "--port", taken)
    assert said == (1, "", f"migdx: Port {taken} is taken; try {advice}{taken + 1}\n")
    assert list(tmp_path.iterdir()) == []


def test_a_host_that_is_not_here(run):
    status, _, said = run("serve", "--host", "192.0.2.1", "--port", 8080)
    assert status == 1
    assert said.startswith("migdx: Nobody can be served on 192.0.2.1:8080: ")


@pytest.mark.parametrize("token", [None, "", " "])
def test_it_does_not_serve_without_a_token(run, monkeypatch, tmp_path, token):
    monkeypatch.delenv("MIGDX_TOKEN", raising=False)
    if token is not None:
        monkeypatch.setenv("MIGDX_TOKEN", token)
    status, _, said = run("serve", "--port", free("127.0.0.1"))
    assert status == 1
    assert said.startswith("migdx: MIGDX_TOKEN is empty or not set")
    assert list(tmp_path.iterdir()) == []


def test_the_demonstration_says_what_to_try(monkeypatch, tmp_path, capsys):
    """As `migdx demo` hands it over; test_docs.py loads the data and asks."""
    started = []
    monkeypatch.setattr(server._Server, "run", lambda self: started.append(self))
    server.serve(
        tmp_path, host="127.0.0.1", port=8080, workers=1, token=None, demo=True, samples=demo.SAMPLES
    )
    started[0].cfg.when_ready(None)
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "Ready. Try"
    assert [line.split("http://127.0.0.1:8080")[1] for line in said[1:]] == [path for _, path in demo.SAMPLES]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_it_serves_until_ctrl_c_and_no_child_complains(tmp_path, host):
    port = free(host)
    base = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    with serving(tmp_path, host, port) as process:
        request = urllib.request.Request(f"{base}/check", SOUND.read_bytes(), {"Content-Type": "text/csv"})
        assert b'"accepted"' in answer(request, process)  # from now on a child waits for the next file
        time.sleep(0.2)  # let it start: what interrupts an import is what used to be printed
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        said, _ = process.communicate(timeout=30)
    assert f"Ready on {base}/\n" in said
    assert "Traceback" not in said, said


def free(host: str) -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as found:
        try:
            found.bind((host, 0))
        except OSError as fault:
            pytest.skip(f"{host} is not here: {fault.strerror}")
        return int(found.getsockname()[1])


@contextmanager
def serving(folder: Path, host: str, port: int):
    """A service in a session of its own, with what it prints."""
    command = [Path(sys.executable).parent / "migdx", "--data", "here", "serve", "--demo"]
    with subprocess.Popen(
        [*command, "--workers", "1", "--host", host, "--port", str(port)],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def answer(request: urllib.request.Request, process: subprocess.Popen) -> bytes:
    """The first answer of a service that is starting."""
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(request, timeout=30) as reply:
                return reply.read()
        except urllib.error.HTTPError:
            raise
        except OSError:
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_a_large_file_is_announced(run, monkeypatch):
    monkeypatch.setattr(cli_checking, "LARGE", 10)
    _, said, beside = run("check", ROOT / "tests" / "checks" / "sound.csv", "--json")
    assert beside == "Reading and checking sound.csv, 0 MB ...\n"
    assert said.startswith("{")
