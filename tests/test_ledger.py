"""The ledger on SQLite and on PostgreSQL: one chain, one writer, nothing visible before its entry."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest
import sqlalchemy as sa

from migdx import ledger as ledger_module
from migdx import ledger_database
from migdx.depots.folder import FolderDepot
from migdx.errors import ExchangeError, NotFound, Unavailable
from migdx.ledger import BrokenLedger, Ledger
from migdx.mappings import Mapped
from migdx.release import effective
from migdx.settings import Settings
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


def execute(ledger: Ledger, *statements: str, **values: Any) -> None:
    """Does what only those can do who have the database in their hands: its triggers are out of the way."""
    with ledger._engine.connect() as connection:
        if ledger._engine.dialect.name == "sqlite":
            for name in ("unchanged", "undeleted", "follows"):
                connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS ledger_{name}")
        else:
            connection.exec_driver_sql("ALTER TABLE ledger DISABLE TRIGGER USER")
        for statement in statements:
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
        ("DELETE FROM ledger WHERE seq = 1", "entry 2 .* number 1 is missing"),
        ("UPDATE ledger SET seq = 9 WHERE seq = 2", "entry 3 .* number 2 is missing"),
        ("UPDATE ledger SET seq = 5 - seq WHERE seq IN (2, 3)", "entry 2 .* one before"),
        (
            "INSERT INTO ledger SELECT -1, stamp, kind, body, previous, digest FROM ledger WHERE seq = 1",
            "entry -1 .* number 1 is missing",
        ),
        ("UPDATE ledger SET stamp = replace(stamp, '+00:00', 'Z') WHERE seq = 1", "entry 1 .* instant"),
        ("UPDATE ledger SET stamp = '2026-01-01' WHERE seq = 1", "entry 1 .* instant"),
    ],
)
def test_tampering_is_found(ledger: Ledger, change: str, named: str) -> None:
    with ledger.writing() as book:
        for number in range(4):
            book.append("note", {"a": number})
    assert ledger.verify() == 4
    if "5 - seq" in change:  # swapped: by way of numbers that nothing has
        change = "UPDATE ledger SET seq = seq + 100 WHERE seq IN (2, 3)"
        execute(ledger, change, "UPDATE ledger SET seq = 105 - seq WHERE seq > 100")
    else:
        execute(ledger, change)
    with pytest.raises(BrokenLedger, match=named):
        ledger.verify()


@pytest.mark.parametrize("value", ["x'ff00'", "cast(x'ff22' AS TEXT)", "7", "1.5"])
@pytest.mark.parametrize("column", ["stamp", "kind", "body", "previous", "digest"])
def test_anything_in_any_column_is_found(tmp_path: Path, column: str, value: str) -> None:
    """SQLite keeps bytes and numbers where text belongs, and text that is none."""
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    for number in range(3):
        with ledger.writing() as book:
            book.append("note", {"a": number})
    execute(ledger, f"UPDATE ledger SET {column} = {value} WHERE seq = 2")
    with pytest.raises(BrokenLedger, match="Ledger entry 2 is broken"):
        ledger.verify()
    ledger.close()


def test_a_tail_that_was_cut_off_is_missed_by_what_was_written_down(ledger: Ledger) -> None:
    with ledger.writing() as book:
        entries = [book.append("note", {"a": number}) for number in range(5)]
    heads = {entry.seq: entry.digest for entry in entries}
    assert ledger.proof(heads).digest == entries[-1].digest
    execute(ledger, "DELETE FROM ledger WHERE seq > 3")
    assert ledger.proof({3: heads[3]}).entries == 3  # the chain alone cannot know of more
    with pytest.raises(BrokenLedger, match="ends with entry 3; entry 5 is missing"):
        ledger.proof({5: heads[5]})


def test_a_past_that_was_written_anew_is_not_the_one_that_was_written_down(ledger: Ledger) -> None:
    """A chain that is sound in itself, from the changed entry on."""
    with ledger.writing() as book:
        entries = [book.append("note", {"a": number}) for number in range(4)]
    previous = entries[0].digest
    for entry in entries[1:]:
        forged = replace(entry, text=entry.text.replace("1", "9"), previous=previous)
        forged = replace(forged, digest=ledger_module._digest(forged))
        execute(
            ledger, "UPDATE ledger SET body = :body, previous = :previous, digest = :digest WHERE seq = :seq",
            body=forged.text, previous=previous, digest=forged.digest, seq=entry.seq,
        )  # fmt: skip
        previous = forged.digest
    assert ledger.verify() == 4
    assert ledger.proof({1: entries[0].digest}).entries == 4
    with pytest.raises(BrokenLedger, match=f"entry 3 has not the digest {entries[2].digest}"):
        ledger.proof({3: entries[2].digest})


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
    assert len(store.sweep(list, timedelta(seconds=-1))) == 1
    assert list(folder.rglob("*.parquet")) == []
    store.close()
    ledger.close()


def test_threads_that_write_leave_readers_a_connection(ledger: Ledger) -> None:
    """Who writes may read beside, and many wait for their turn."""

    def append() -> None:
        with ledger.writing() as book:
            assert ledger.history().seq == book.history.seq
            book.append("note", {})

    threads = [threading.Thread(target=append) for _ in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert ledger.verify() == 24


# --- an address ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [
        "", "sqlite://", "sqlite:///:memory:", "mysql://me:SECRET@db/test", "postgresql+nothing://a:SECRET@b/c",
        "nonsense SECRET", "postgresql://me:SECRET@db:port/test", "postgresql+psycopg2://me:SECRET@db/test",
    ],
)  # fmt: skip
def test_what_is_no_address_of_a_ledger(given: str) -> None:
    with pytest.raises(ExchangeError, match="no address of a ledger; expected") as fault:
        Ledger(given)
    assert "SECRET" not in "".join(traceback.format_exception(fault.value))


@pytest.mark.parametrize("address", ["127.0.0.1:1/test", "127.0.0.1:5432/no_such_database"])
def test_a_server_that_is_not_there_is_told_without_its_address(
    address: str, caplog: pytest.LogCaptureFixture
) -> None:
    password = "SEC" + "RET"  # a traceback shows the lines of this file
    with pytest.raises(Unavailable, match="The ledger cannot be opened now: its database does") as fault:
        Ledger(f"postgresql://someone:{password}@{address}")
    told = "".join(traceback.format_exception(fault.value))
    assert "SECRET" not in told
    assert "127.0.0.1" not in str(fault.value)
    assert "SECRET" not in caplog.text
    assert "127.0.0.1" in caplog.text  # who runs it reads which server


def test_settings_show_no_password(tmp_path: Path) -> None:
    settings = Settings.of(tmp_path, {"MIGDX_LEDGER": "postgresql://me:SECRET@db/test"})
    assert "SECRET" not in repr(settings)
    assert settings.ledger_url == "postgresql://me:SECRET@db/test"


# --- PostgreSQL goes away -----------------------------------------------------------------------------------


@pytest.fixture
def distant(url: str) -> Iterator[Ledger]:
    """A ledger on PostgreSQL, whose connections can be told apart."""
    if not url.startswith("postgresql"):
        pytest.skip("a server of its own is PostgreSQL's")
    made = Ledger(f"{url}&application_name={NAME}")
    yield made
    made.close()


NAME = f"migdx_{token_hex(6)}"


def disconnect() -> None:
    """Ends the connections of `distant`, as a server does that is restarted."""
    engine = sa.create_engine(POSTGRESQL)
    with engine.connect() as connection:
        connection.exec_driver_sql(
            f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = '{NAME}'"
        )
    engine.dispose()


def test_a_connection_that_was_lost_is_made_again(distant: Ledger) -> None:
    for number in range(3):
        disconnect()
        with distant.writing() as book:
            book.append("note", {"a": number})
        disconnect()
        assert distant.history().seq == number + 1
    assert distant.verify() == 3


def test_a_connection_that_is_lost_in_mid_transaction(distant: Ledger) -> None:
    def interrupted() -> None:
        with distant.writing() as book:
            book.append("note", {"a": 1})
            disconnect()
            book.append("note", {"a": 2})

    with pytest.raises(Unavailable, match="cannot be written now: terminating connection"):
        interrupted()
    assert distant.history().seq == 0
    with distant.writing() as book:
        book.append("note", {"a": 3})
    assert [entry.body for entry in distant.entries()] == [{"a": 3}]


def test_a_connection_that_is_lost_before_the_commit(distant: Ledger) -> None:
    def interrupted() -> None:
        with distant.writing() as book:
            book.append("note", {"a": 1})
            disconnect()

    with pytest.raises(Unavailable, match="cannot be written now"):
        interrupted()
    assert distant.verify() == 0


class Cut:
    """Between a ledger and PostgreSQL: ends the connection at the COMMIT, once, when it is `armed`; before
    the server had it, or before its answer arrived.
    """

    def __init__(self, *, delivered: bool) -> None:
        self.armed, self.delivered = False, delivered
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.threads: list[threading.Thread] = []
        self.ends: list[socket.socket] = []
        self._begin(self._accept)

    def _begin(self, run: Callable[..., None], *ends: socket.socket) -> None:
        self.threads.append(threading.Thread(target=run, args=ends, daemon=True))
        self.threads[-1].start()

    def close(self) -> None:
        for end in (self.listener, *self.ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits for it
        for thread in self.threads:
            thread.join(10)
        for end in (self.listener, *self.ends):
            end.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                server = socket.create_connection(("127.0.0.1", 5432))
                self.ends += [client, server]
                self._begin(self._up, client, server)
                self._begin(self._down, client, server)

    def _up(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while piece := client.recv(1 << 16):
                if self.armed and b"COMMIT" in piece:
                    self.armed = False
                    client.shutdown(socket.SHUT_RDWR)  # no answer arrives
                    if self.delivered:
                        server.sendall(piece)
                        server.recv(1 << 16)
                    break
                server.sendall(piece)
        for end in (client, server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)  # closing alone waits for the other thread's recv

    def _down(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while piece := server.recv(1 << 16):
                client.sendall(piece)


@pytest.mark.parametrize("delivered", [True, False])
def test_a_connection_that_is_lost_at_the_commit(url: str, delivered: bool) -> None:
    """What was committed is told as such, though nobody heard of it; what was not is not."""
    if not url.startswith("postgresql"):
        pytest.skip("a server of its own is PostgreSQL's")
    cut = Cut(delivered=delivered)
    ledger = Ledger(url.replace(":5432", f":{cut.port}") + "&sslmode=disable&gssencmode=disable")

    def write() -> None:
        with ledger.writing() as book:
            book.append("note", {"a": 1})
            cut.armed = True

    if delivered:
        write()
    else:
        with pytest.raises(Unavailable, match="cannot be written now"):
            write()
    assert not cut.armed
    assert [entry.body for entry in ledger.entries()] == ([{"a": 1}] if delivered else [])
    with ledger.writing() as book:
        book.append("note", {"a": 2})
    assert ledger.verify() == 1 + delivered
    ledger.close()
    cut.close()


def test_who_waits_too_long_for_the_lock_of_postgresql(
    distant: Ledger, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Ledger(url)
    with distant.writing() as book:
        monkeypatch.setattr(ledger_database, "WAIT", 0.2)
        with pytest.raises(Unavailable, match="canceling statement due to lock timeout"), other.writing():
            pass
        book.append("note", {})
    with other.writing() as book:
        book.append("note", {})
    assert other.verify() == 2
    other.close()


# --- not now ----------------------------------------------------------------------------------------------


def test_a_writer_who_waits_too_long_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_database, "WAIT", 0.1)
    path = tmp_path / "ledger.sqlite"
    ledger = Ledger(f"sqlite:///{path}")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable, match="cannot be written now: database is locked"), ledger.writing():
        pass
    Ledger(f"sqlite:///{path}").close()  # who opens one that is there does not wait
    other.execute("DROP TABLE ledger")
    other.execute("DROP TABLE ledger_upgrades")
    other.execute("COMMIT")
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable, match="cannot be written now: database is locked"):
        Ledger(f"sqlite:///{path}")
    other.execute("ROLLBACK")
    Ledger(f"sqlite:///{path}").close()
    assert ledger.history().seq == 0  # readers do not wait for writers
    other.close()
    with ledger.writing() as book:
        assert book.append("submission", submission("a").as_dict()).seq == 1
    ledger.close()


def test_a_ledger_that_is_not_ours_is_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a lock is waited for: neither a file that may not be written nor one that may not be opened."""

    def waited(_: float) -> None:
        raise AssertionError

    monkeypatch.setattr(ledger_database.time, "sleep", waited)
    path = tmp_path / "ledger.sqlite"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE other (id)")
    other.close()
    with pytest.raises(Unavailable, match="cannot be opened now: attempt to write a readonly database"):
        Ledger(f"sqlite:///file:{path}?mode=ro&uri=true")
    with pytest.raises(Unavailable, match="cannot be opened now: unable to open database file"):
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
