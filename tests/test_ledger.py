"""The ledger on SQLite and on PostgreSQL: one chain, one writer, nothing visible before its entry."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest
import sqlalchemy as sa

from migdx import ledger as ledger_module
from migdx.depots.folder import FolderDepot
from migdx.errors import NotFound, Unavailable
from migdx.ledger import BrokenLedger, Ledger
from migdx.mappings import Mapped
from migdx.release import effective
from migdx.stores import Segment
from migdx.submission import Submission

POSTGRESQL = "postgresql+psycopg://127.0.0.1:5432/test"
SLOT = ("PA_ONE", "T:FLOW(1.0.0)")


def missing(reason: str) -> None:
    """On a user's machine a test may lack its service; in CI that is a fault."""
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'ledger.sqlite'}"
        return
    schema = f"migdx_test_{token_hex(6)}"
    try:
        engine = sa.create_engine(POSTGRESQL, connect_args={"connect_timeout": 3})
    except ModuleNotFoundError as fault:
        missing(f"the ledger on PostgreSQL needs a driver: {fault}")
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql(f"CREATE SCHEMA {schema}")
    except sa.exc.OperationalError as fault:
        engine.dispose()
        missing(f"no PostgreSQL at {POSTGRESQL}: {fault.orig}")
    yield f"{POSTGRESQL}?options=-csearch_path%3D{schema}"
    with engine.begin() as connection:
        connection.exec_driver_sql(f"DROP SCHEMA {schema} CASCADE")
    engine.dispose()


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    made = Ledger(url)
    yield made
    made.close()


def submission(id: str, revision: int = 1, **more: Any) -> Submission:
    accepted: dict[str, Any] = {
        "agreement": SLOT[0], "dataflow": SLOT[1], "provider": "ONE", "sha256": "0" * 64, "format": "CSV",
        "action": "Merge", "verdict": "accepted", "by": "someone", "revision": revision,
        "counts": {"received": 3},
        "segment": Segment(f"s{revision}", SLOT[1], SLOT[0], revision, 3, 1, {"SEX": {"F": 3}}),
    }  # fmt: skip
    return Submission(id, **(accepted | more))


def execute(ledger: Ledger, statement: str, **values: Any) -> None:
    with ledger._engine.connect() as connection:
        connection.execute(sa.text(statement), values)
        connection.commit()


def test_an_empty_ledger(ledger: Ledger) -> None:
    assert ledger.verify() == 0
    history = ledger.history()
    assert (history.seq, history.submissions, history.releases) == (0, {}, ())
    with pytest.raises(NotFound, match="revision 1"):
        history.revision(*SLOT, 1)


def test_submissions_are_read_from_it(ledger: Ledger) -> None:
    rejected = submission("c", 0, verdict="rejected", segment=None)
    with ledger.writing() as book:
        entries = [
            book.append("submission", one.as_dict())
            for one in (submission("a"), submission("b", 2), rejected)
        ]
        assert list(book.history.submissions) == ["a", "b", "c"]  # the writer sees its own
    history = ledger.history()
    assert history.submissions["a"].segment == submission("a").segment
    assert history.submissions["c"].verdict == "rejected"
    assert history.submissions["b"].stamp == entries[1].stamp
    assert history.latest == {SLOT: history.submissions["b"]}
    assert history.revision(*SLOT, 1).id == "a"
    assert ledger.verify() == 3


def test_a_history_does_not_change(ledger: Ledger) -> None:
    before = ledger.history()
    with ledger.writing() as book:
        book.append("submission", submission("a").as_dict())
    assert before.submissions == {}
    assert ledger.history() is ledger.history()  # nothing new: the same value
    with pytest.raises(TypeError):
        ledger.history().submissions["x"] = submission("x")  # type: ignore[index]


def test_releases_are_read_from_it(ledger: Ledger) -> None:
    later = datetime.now(UTC) + timedelta(days=1)
    with ledger.writing() as book:
        now = book.release({SLOT: 1}, public_from=None, by="compiler", note="first")
        embargoed = book.release({SLOT: 2}, public_from=later, by="compiler", note="")
        past = book.release({SLOT: 3}, public_from=datetime(2000, 1, 1, tzinfo=UTC), by="compiler", note="")
    history = ledger.history()
    assert history.releases == (now, embargoed, past)
    assert now.public_from == now.stamp
    assert past.public_from == past.stamp
    assert effective(history.releases, now.stamp) == {SLOT: 1}
    assert effective(history.releases, history.now()) == {SLOT: 3}
    assert effective(history.releases, later) == {SLOT: 2}
    with ledger.writing() as book:
        book.append("release_cancelled", {"id": embargoed.id, "by": "compiler"})
    cancelled = ledger.history().releases[1].cancelled
    assert effective(ledger.history().releases, later) == {SLOT: 3}
    with ledger.writing() as book:  # a second one does not bring it back for the time between
        book.append("release_cancelled", {"id": embargoed.id, "by": "compiler"})
    assert ledger.history().releases[1].cancelled == cancelled


def test_an_exception_leaves_nothing(ledger: Ledger) -> None:
    def fail() -> None:
        with ledger.writing() as book:
            book.append("submission", submission("a").as_dict())
            raise RuntimeError("power")

    with pytest.raises(RuntimeError, match="power"):
        fail()
    assert ledger.history().seq == 0
    with ledger.writing() as book:  # the lock is free again
        assert book.history.submissions == {}
        book.append("submission", submission("b").as_dict())
    assert list(ledger.history().submissions) == ["b"]


def test_what_is_not_committed_is_not_seen(ledger: Ledger, url: str) -> None:
    other = Ledger(url)
    with ledger.writing() as book:
        book.append("submission", submission("a").as_dict())
        assert other.history().submissions == {}
    assert list(other.history().submissions) == ["a"]
    other.close()


def test_stamps_grow_when_the_clock_goes_back(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    with ledger.writing() as book:
        first = book.append("note", {}).stamp

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return first - timedelta(hours=1)

    monkeypatch.setattr(ledger_module, "datetime", Clock)
    with ledger.writing() as book:
        made = book.release({SLOT: 1}, public_from=None, by="", note="")
        later = book.append("note", {}).stamp
    assert first < made.stamp < later
    history = ledger.history()
    assert effective(history.releases, history.now()) == {SLOT: 1}  # public at once all the same
    assert ledger.verify() == 3


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("UPDATE ledger SET body = '{\"a\": 7}' WHERE seq = 2", "entry 2 .* digested"),
        ("UPDATE ledger SET body = 'no json' WHERE seq = 2", "entry 2 .* digested"),
        ("UPDATE ledger SET kind = 'other' WHERE seq = 3", "entry 3 .* digested"),
        ("UPDATE ledger SET stamp = '2000-01-01T00:00:00.000000+00:00' WHERE seq = 1", "entry 1 .* digested"),
        ("UPDATE ledger SET stamp = 'once' WHERE seq = 1", "entry 1 .* instant"),
        ("UPDATE ledger SET digest = previous WHERE seq = 2", "entry 2 .* digested"),
        ("UPDATE ledger SET previous = digest WHERE seq = 3", "entry 3 .* one before"),
        ("DELETE FROM ledger WHERE seq = 2", "number 2 is missing"),
    ],
)
def test_tampering_is_found(ledger: Ledger, change: str, named: str) -> None:
    with ledger.writing() as book:
        for number in range(4):
            book.append("note", {"a": number})
    assert ledger.verify() == 4
    execute(ledger, change)
    with pytest.raises(BrokenLedger, match=named):
        ledger.verify()


def test_a_rewritten_entry_breaks_the_next(ledger: Ledger) -> None:
    """Whoever changes an entry together with its digest is found one entry later."""
    with ledger.writing() as book:
        entries = [book.append("note", {"a": number}) for number in range(3)]
    forged = replace(entries[1], text='{"a":9}')
    execute(
        ledger, "UPDATE ledger SET body = :body, digest = :digest WHERE seq = 2",
        body=forged.text, digest=ledger_module._digest(forged),
    )  # fmt: skip
    with pytest.raises(BrokenLedger, match="entry 3"):
        ledger.verify()


WRITER = """
import sys
from migdx.ledger import Ledger
ledger = Ledger(sys.argv[1])
for number in range(50):
    with ledger.writing() as book:
        seen = sum(1 for _ in ledger.entries())
        assert seen == book.history.seq, (seen, book.history.seq)
        book.append("note", {"writer": sys.argv[2], "number": number})
ledger.close()
"""


def test_processes_take_turns(url: str) -> None:
    """The ledger is made by them, too: both open it at once."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-c", WRITER, url]
    writers = [subprocess.Popen([*command, name], env=environment) for name in ("one", "two")]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0]
    ledger = Ledger(url)
    assert ledger.verify() == 100
    for name in ("one", "two"):
        assert [e.body["number"] for e in ledger.entries() if e.body["writer"] == name] == list(range(50))
    ledger.close()


def test_threads_take_turns(ledger: Ledger) -> None:
    def append() -> None:
        for _ in range(10):
            with ledger.writing() as book:
                book.append("note", {})
            ledger.history()

    threads = [threading.Thread(target=append) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ledger.verify() == ledger.history().seq == 80


CRASH = """
import os, sys
from pathlib import Path
import pyarrow as pa
from migdx.depots.folder import FolderDepot
from migdx.ledger import Ledger
from migdx.stores.segments import SegmentStore
sys.path.insert(0, sys.argv[3])
from test_stores import SCHEMA, row, table
store, ledger = SegmentStore(FolderDepot(Path(sys.argv[1]))), Ledger(sys.argv[2])
with ledger.writing() as book:
    segment = store.write(table([row("004", "F", "2020")]), SCHEMA, agreement="A", revision=1)
    book.append("note", {"segment": segment.as_dict()})
    os._exit(9)
"""


def test_a_crash_between_segment_and_entry_leaves_nothing_visible(url: str, tmp_path: Path) -> None:
    from migdx.stores.segments import SegmentStore

    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    folder, here = tmp_path / "segments", Path(__file__).parent
    crash = [sys.executable, "-c", CRASH, str(folder), url, str(here)]
    assert subprocess.run(crash, env=environment, timeout=60, check=False).returncode == 9
    ledger = Ledger(url)
    assert ledger.history().seq == 0
    with ledger.writing() as book:  # nobody holds the lock
        book.append("note", {})
    assert ledger.verify() == 1
    store = SegmentStore(FolderDepot(folder), memory="512MB", threads=1)
    assert len(list(folder.rglob("*.parquet"))) == 1
    assert len(store.sweep([], timedelta(seconds=-1))) == 1
    assert list(folder.rglob("*.parquet")) == []
    store.close()
    ledger.close()


# --- not now ----------------------------------------------------------------------------------------------


def test_a_writer_who_waits_too_long_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_module, "WAIT", 0.1)
    path = tmp_path / "ledger.sqlite"
    ledger = Ledger(f"sqlite:///{path}")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable, match="cannot be written now: database is locked"), ledger.writing():
        pass
    with pytest.raises(Unavailable, match="cannot be written now: database is locked"):
        Ledger(f"sqlite:///{path}")
    assert ledger.history().seq == 0  # readers do not wait for writers
    other.close()
    with ledger.writing() as book:
        assert book.append("submission", submission("a").as_dict()).seq == 1
    ledger.close()


def test_a_ledger_that_is_not_ours_is_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a lock is waited for: neither a file that may not be written nor one that may not be opened."""

    def waited(_: float) -> None:
        raise AssertionError

    monkeypatch.setattr(ledger_module.time, "sleep", waited)
    path = tmp_path / "ledger.sqlite"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE other (id)")
    other.close()
    with pytest.raises(Unavailable, match="cannot be written now: attempt to write a readonly database"):
        Ledger(f"sqlite:///file:{path}?mode=ro&uri=true")
    with pytest.raises(Unavailable, match="cannot be written now: unable to open database file"):
        Ledger(f"sqlite:///{tmp_path}")


def test_a_ledger_that_is_gone_cannot_be_read(tmp_path: Path) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    execute(ledger, "DROP TABLE ledger")
    with pytest.raises(Unavailable, match="cannot be read now: no such table"):
        ledger.history()
    with pytest.raises(Unavailable, match="cannot be read now: no such table"):
        ledger.verify()
    ledger.close()


def test_the_newest_workbook_map_holds(ledger: Ledger) -> None:
    for provider, blob in (("ONE", "a"), ("TWO", "b"), ("ONE", "c"), ("TWO", "")):
        with ledger.writing() as book:
            book.append("workbook_map", Mapped(provider, SLOT[1], blob, "someone").as_dict())
    history = ledger.history()
    newest = history.mapping("ONE", SLOT[1])
    assert newest is not None
    assert (newest.blob, newest.by) == ("c", "someone")
    assert newest.stamp is not None
    assert history.mapping("TWO", SLOT[1]) is None  # it was dropped
    assert history.mapping("ONE", "T:OTHER(1.0.0)") is None
    assert [one.blob for one in history.mapped] == ["a", "b", "c", ""]
    assert ledger.verify() == 4
