"""Reading in a child: the same columns as in this process, and one finding whatever happens to the child."""

import gc
import io
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

from migdx.formats import csv_reader, sandbox
from migdx.formats.sandbox import LARGEST, Limits, Sandbox, limits_of

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
    return Sandbox(lambda size: limits)


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
    assert columns.table.num_rows == len(columns.rows) == 0
    return finding.values["reason"]


def sound(box):
    """The next file is read as ever."""
    columns = box.read(io.BytesIO(TEXT), "text/csv", len(TEXT))
    return columns.table["A"].to_pylist() == ["NA", "a\nb"]


@pytest.mark.parametrize(
    "media_type", ["text/csv", "", "application/vnd.sdmx.data+csv;version=1.0.0;labels=id"]
)
def test_the_child_gives_what_the_reader_gives(box, media_type):
    here, there = csv_reader.read(io.BytesIO(TEXT)), box.read(io.BytesIO(TEXT), media_type, len(TEXT))
    for name in ("format", "positions", "structure", "actions", "received", "findings"):
        assert getattr(there, name) == getattr(here, name)
    assert there.rows.tolist() == here.rows.tolist() == [2, 4]
    assert there.table.equals(here.table)
    assert there.table.schema == here.table.schema


def test_any_kind_of_file(box, tmp_path):
    path = tmp_path / "file.csv"
    path.write_bytes(TEXT)
    with path.open("rb") as file:
        file.read(7)
        first = box.read(file, "text/csv", len(TEXT))
        assert file.read(5) == TEXT[7:12]
        second = box.read(file, "text/csv", len(TEXT))
    with tempfile.SpooledTemporaryFile() as spooled:
        spooled.write(TEXT)
        third = box.read(spooled, "text/csv", len(TEXT))
    assert first.rows.tolist() == second.rows.tolist() == third.rows.tolist() == [2, 4]


def test_an_unknown_media_type(box):
    assert reason(box.read(io.BytesIO(TEXT), "image/png", 9)) == "unknown media type"


def test_a_file_that_is_too_large_is_not_read():
    (finding,) = Sandbox().read(io.BytesIO(), "text/csv", LARGEST + 1).findings
    assert (finding.code, finding.values["what"], finding.values["limit"]) == ("too_large", "file", LARGEST)


def test_killed_before_it_answers(box):
    assert sound(box)
    (spare,) = children()
    os.kill(spare, signal.SIGKILL)
    box._spare.process.wait(10)
    assert sound(box)  # a dead spare is replaced
    (spare,) = children()
    os.kill(spare, signal.SIGSTOP)
    threading.Timer(0.3, os.kill, (spare, signal.SIGKILL)).start()
    columns = box.read(io.BytesIO(TEXT), "text/csv", len(TEXT))
    assert reason(columns) == "stopped"
    assert columns.findings[0].values["signal"] == "SIGKILL"
    assert sound(box)


def test_killed_in_the_middle(box):
    assert sound(box)
    (reader,) = children()
    threading.Timer(0.4, os.kill, (reader, signal.SIGKILL)).start()
    assert reason(box.read(io.BytesIO(HOSTILE), "text/csv", len(HOSTILE))) == "stopped"
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
        assert reason(box.read(io.BytesIO(text), "text/csv", len(text))) == why
        assert time.monotonic() - started < 10
        box._limits = limits_of
        assert sound(box)
    finally:
        box.close()


def test_hostile_text_within_the_limits(box):
    columns = box.read(io.BytesIO(HOSTILE), "text/csv", len(HOSTILE))
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
        assert reason(other.read(io.BytesIO(TEXT), "text/csv", 9)) == expected.get(code, "malformed answer")
        other.close()
        monkeypatch.undo()


def test_a_fault_of_a_reader_is_logged(box, caplog):
    with _Folder(os.open("/", os.O_RDONLY)) as file:
        assert reason(box.read(file, "text/csv", 9)) == "fault of the reader"
    assert "IsADirectoryError" in caplog.text


class _Folder:
    """Something with a descriptor that cannot be read."""

    def __init__(self, descriptor):
        self._descriptor = descriptor

    def fileno(self):
        return self._descriptor

    def flush(self):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self._descriptor)


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
    columns = box.read(io.BytesIO(text), "text/csv", len(text))
    assert columns.table.num_rows == columns.received == rows
    assert (columns.rows == range(2, rows + 2)).all()
    assert columns.table["OBS_VALUE"][-1].as_py() == str(rows - 1)
