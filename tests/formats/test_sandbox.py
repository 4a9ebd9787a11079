"""Reading in a child: the same columns as in this process, and one finding whatever happens to the child."""

import gc
import io
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

from migdx.formats import csv_reader, sandbox
from migdx.formats.sandbox import LARGEST, MEMORY, UNDECLARED, Failed, Limits, Sandbox, limits_of
from migdx.report import as_dict

TEXT = b'DATAFLOW,A,OBS_VALUE\nX:F(1.0),NA,1.10\n\nX:F(1.0),"a\nb",2\nX:F(1.0),3\n'
HOSTILE = b"DATAFLOW,A,OBS_VALUE\n" + b'X,5"" ,""x\n' * 400_000
"""Quotes that break the rules in every line: the slowest text that there is to read, two seconds of it."""


@pytest.fixture
def box():
    made = Sandbox()
    yield made
    made.close()


def boxed(limits):
    """A sandbox with limits of its own."""
    return Sandbox(lambda size, **_: limits)


def children():
    return {
        int(child)
        for task in Path("/proc/self/task").glob("*/children")
        for child in task.read_text().split()
    }


def descriptors():
    return len(list(Path("/proc/self/fd").iterdir()))


def reason(columns):
    (finding,) = columns.findings
    assert finding.code == "unreadable"
    assert columns.table.num_rows == len(columns.places) == 0
    return finding.values["reason"]


def sound(box):
    """The next file is read as ever."""
    columns = box.read(io.BytesIO(TEXT), len(TEXT))
    return columns.table["A"].to_pylist() == ["NA", "a\nb"]


@pytest.mark.parametrize(
    "media_type", ["text/csv", "", "application/vnd.sdmx.data+csv;version=1.0.0;labels=id"]
)
def test_the_child_gives_what_the_reader_gives(box, media_type):
    here, there = (
        csv_reader.read(io.BytesIO(TEXT), {}),
        box.read(io.BytesIO(TEXT), len(TEXT), media_type=media_type),
    )
    for name in ("format", "parts", "part_of", "received", "findings"):
        assert getattr(there, name) == getattr(here, name)
    assert there.places.sheets == here.places.sheets
    assert there.places.rows.tolist() == here.places.rows.tolist() == [2, 4]
    assert there.table.equals(here.table)
    assert there.table.schema == here.table.schema


def test_any_kind_of_file(box, tmp_path):
    path = tmp_path / "file.csv"
    path.write_bytes(TEXT)
    with path.open("rb") as file:
        file.read(7)
        first = box.read(file, len(TEXT))
        assert file.read(5) == TEXT[7:12]
        second = box.read(file, len(TEXT))
    with tempfile.SpooledTemporaryFile() as spooled:
        spooled.write(TEXT)
        third = box.read(spooled, len(TEXT))
    for columns in (first, second, third):
        assert columns.places.rows.tolist() == [2, 4]


def test_an_unknown_media_type_is_read_all_the_same(box):
    columns = box.read(io.BytesIO(TEXT), len(TEXT), media_type="image/png")
    assert columns.table["A"].to_pylist() == ["NA", "a\nb"]


@pytest.mark.parametrize(
    ("size", "large", "limit", "why"),
    [
        (UNDECLARED + 1, False, UNDECLARED, "undeclared"),
        (LARGEST + 1, False, UNDECLARED, None),
        (LARGEST + 1, True, LARGEST, None),
    ],
)
def test_a_file_that_is_too_large_is_not_read(size, large, limit, why):
    (finding,) = Sandbox().read(io.BytesIO(), size, large=large).findings
    assert (finding.code, finding.values["what"], finding.values["limit"]) == ("too_large", "file", limit)
    assert finding.values.get("reason") == why
    said = as_dict(finding)["message"]
    assert ("large=true" in said) == (why is not None)


def test_what_a_file_may_use():
    small, text, archive = limits_of(9), limits_of(UNDECLARED), limits_of(UNDECLARED, compressed=True)
    assert small.memory == text.memory == archive.memory == MEMORY
    assert small.cpu < 5 < text.cpu < archive.cpu
    million = limits_of(88 << 20, large=True).memory - MEMORY
    assert 1.0 <= million / (1_000_000 * 100) < 2.0  # 100 bytes a row; its rows have 88 bytes
    assert limits_of(LARGEST, compressed=True, large=True).memory < 3 << 30


@pytest.mark.parametrize("large", [False, True])
def test_the_largest_sound_file_fits(box, large):
    """Twice as many columns that differ in every row as a real file has."""
    row = b"dataflow,X:F(1.0),R,A,%06d,IMMIG,OFF,276,_T,_T,F,Y25T29,_T,2019,%d,A,F,PS,0,\n"
    head = b"STRUCTURE,STRUCTURE_ID,ACTION,A,B,C,D,E,F,G,H,I,J,K,OBS_VALUE,L,M,N,O,P\n"
    text = head + b"".join(row % (n, n * 7) for n in range((UNDECLARED - 100) // 90))
    columns = box.read(io.BytesIO(text), UNDECLARED, large=large)
    assert not columns.findings
    assert columns.received > 1_000_000


def test_killed_before_it_answers(box):
    assert sound(box)
    spare = box._spare.process.pid
    os.kill(spare, signal.SIGKILL)
    box._spare.ended(10)
    assert sound(box)  # a dead spare is replaced
    spare = box._spare.process.pid
    os.kill(spare, signal.SIGSTOP)
    threading.Timer(0.3, os.kill, (spare, signal.SIGKILL)).start()
    columns = box.read(io.BytesIO(TEXT), len(TEXT))
    assert reason(columns) == "stopped"
    assert columns.findings[0].values["signal"] == "SIGKILL"
    assert sound(box)


def test_killed_in_the_middle(box):
    assert sound(box)
    reader = box._spare.process.pid
    threading.Timer(0.4, os.kill, (reader, signal.SIGKILL)).start()
    assert reason(box.read(io.BytesIO(HOSTILE), len(HOSTILE))) == "stopped"
    assert sound(box)


@pytest.mark.parametrize(
    ("limits", "why"),
    [
        (Limits(memory=200 << 20, cpu=20, wall=20), "memory limit"),
        (Limits(memory=1 << 30, cpu=0, wall=20), "time limit"),
        (Limits(memory=1 << 30, cpu=20, wall=0.3), "time limit"),
    ],
    ids=["memory", "cpu", "wall"],
)
def test_over_a_limit(limits, why):
    box = boxed(limits)
    text = HOSTILE * 3  # a limit of processor time is up to a second late, which a fast machine may read in
    started = time.monotonic()
    try:
        assert reason(box.read(io.BytesIO(text), len(text))) == why
        assert time.monotonic() - started < 10
        box._limits = limits_of
        assert sound(box)
    finally:
        box.close()


def test_hostile_text_within_the_limits(box):
    columns = box.read(io.BytesIO(HOSTILE), len(HOSTILE))
    assert [finding.code for finding in columns.findings] == ["unclosed_quote"]


def test_an_answer_that_is_none(box, monkeypatch):
    for code in (
        "pass",
        "import os; os.write(3, b'nonsense')",
        "raise SystemExit(3)",
        "import os; os.abort()",
    ):
        fake = [sys.executable, "-c", f"import os, sys; os.dup2(int(sys.argv[1]), 3); {code}"]
        started = subprocess.Popen
        monkeypatch.setattr(subprocess, "Popen", lambda args, **more: started([*fake, args[-1]], **more))  # noqa: B023
        box.close()
        other = Sandbox()
        expected = {"raise SystemExit(3)": "fault of the reader", "import os; os.abort()": "memory limit"}
        assert reason(other.read(io.BytesIO(TEXT), 9)) == expected.get(code, "malformed answer")
        other.close()
        monkeypatch.undo()


def test_a_fault_of_a_reader_is_logged(box, caplog):
    with pytest.raises(Failed) as failed:
        box.do("no such task", io.BytesIO(TEXT), len(TEXT))
    assert failed.value.finding.values["reason"] == "fault of the reader"
    assert "KeyError: 'no such task'" in caplog.text


def test_what_a_file_took_is_logged(box, caplog):
    caplog.set_level("INFO", "migdx")
    assert sound(box)
    box._limits = lambda size, **_: Limits(1 << 20, 1, 20)
    assert reason(box.read(io.BytesIO(HOSTILE), len(HOSTILE))) == "memory limit"
    for line, level, size, end in zip(
        caplog.records,
        ("INFO", "WARNING"),
        (len(TEXT), len(HOSTILE)),
        (r"done, [3-9]\d MB|done, \d{3} MB", "memory limit"),
        strict=True,
    ):
        assert line.levelname == level
        assert line.args[:2] == ("read", size)
        assert re.fullmatch(end, line.args[2])
        assert 0 < line.args[3] < 60


def test_many_threads_and_nothing_left():
    before, processes = descriptors(), children()
    box = Sandbox()
    found = []

    def work():
        found.extend(sound(box) for _ in range(3))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 12
    assert len(children() - processes) == 1  # the spare
    box.close()
    gc.collect()
    assert children() == processes
    assert descriptors() == before
    assert sound(box)  # closed, it reads on without a spare
    assert children() == processes


def test_a_forked_worker_has_a_spare_of_its_own(box):
    """gunicorn forks; what the parent made ready is not the worker's."""
    assert sound(box)
    spare = box._spare
    box._owner += 1
    taken = box._take()
    assert taken is not spare
    taken.end()
    spare.end()


def test_the_child_loads_what_reading_needs():
    code = (
        "import sys; from migdx.formats import child; sys.meta_path.insert(0, child.NoPandas);"
        "print([name for name in ('duckdb', 'flask', 'sqlalchemy', 'pandas') if name in sys.modules])"
    )
    root = Path(sandbox.__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(root)},
        check=True,
    )
    assert done.stdout == "[]\n"


def test_large_answers_come_whole(box):
    rows = 1_100_000
    text = b"DATAFLOW,A,OBS_VALUE\n" + b"".join(b"X,%d,%d\n" % (n % 1000, n) for n in range(rows))
    columns = box.read(io.BytesIO(text), len(text))
    assert columns.table.num_rows == columns.received == rows
    assert (columns.places.rows == range(2, rows + 2)).all()
    assert columns.table["OBS_VALUE"][-1].as_py() == str(rows - 1)
