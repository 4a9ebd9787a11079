"""The numbered upgrades of the ledger, from each earlier version, on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
import test_ledger

from migdx import ledger_database
from migdx.errors import ExchangeError, NotFound, Unavailable
from migdx.history import START, Entry
from migdx.ledger import Ledger, _digest, _row
from migdx.ledger_database import UPGRADES

url = test_ledger.url
"""A ledger's, on SQLite and on PostgreSQL."""

FIRST = """CREATE TABLE IF NOT EXISTS ledger (
    seq BIGINT NOT NULL, stamp TEXT NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL, previous TEXT NOT NULL,
    digest TEXT NOT NULL, PRIMARY KEY (seq)
)"""
"""What version 1 was: the entries, and no table that says the version."""

ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def entries(count: int) -> list[Entry]:
    made: list[Entry] = []
    for seq in range(1, count + 1):
        stamp = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(hours=seq)
        text = f'{{"a":{seq}}}'
        made.append(Entry(seq, stamp, "note", text, made[-1].digest if made else START, ""))
        made[-1] = Entry(*list(vars(made[-1]).values())[:5], digest=_digest(made[-1]))
    return made


def version_1(url: str, count: int = 5) -> None:
    """The database as the first version left it."""
    engine = ledger_database.engine(url)
    with engine.connect() as connection:
        connection.exec_driver_sql(FIRST)
        for entry in entries(count):
            connection.execute(ledger_database.ENTRIES.insert(), _row(entry))
        connection.commit()
    engine.dispose()


def execute(url: str, statement: str) -> Sequence[sa.Row]:
    engine = ledger_database.engine(url)
    try:
        with engine.connect() as connection:
            found = connection.exec_driver_sql(statement)
            rows = found.fetchall() if found.returns_rows else ()
            connection.commit()
            return rows
    finally:
        engine.dispose()


@pytest.mark.parametrize("count", [0, 5])
def test_version_1_is_upgraded_with_all_that_is_in_it(url, count):
    version_1(url, count)
    ledger = Ledger(url)
    assert [entry.text for entry in ledger.entries()] == [entry.text for entry in entries(count)]
    assert ledger.verify() == count
    with ledger.writing() as book:
        assert book.append("submission", test_ledger.submission("a").as_dict()).seq == count + 1
    assert ledger.history().latest[test_ledger.SLOT].id == "a"
    assert ledger.verify() == count + 1
    ledger.close()
    assert [row.number for row in execute(url, "SELECT number FROM ledger_upgrades")] == [2]


def test_a_new_ledger_is_of_the_newest_version(url):
    Ledger(url).close()
    Ledger(url).close()  # opened again nothing happens
    numbers = [row.number for row in execute(url, "SELECT number FROM ledger_upgrades ORDER BY number")]
    assert numbers == sorted(UPGRADES)


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger SET body = body",
        "UPDATE ledger SET seq = 9 WHERE seq = 5",
        "DELETE FROM ledger WHERE seq = 5",
        "DELETE FROM ledger",
        "INSERT INTO ledger SELECT 7, stamp, kind, body, digest, digest FROM ledger WHERE seq = 5",
        "INSERT INTO ledger SELECT 0, stamp, kind, body, digest, digest FROM ledger WHERE seq = 5",
        "INSERT INTO ledger SELECT 6, stamp, kind, body, previous, digest FROM ledger WHERE seq = 5",
        "TRUNCATE ledger",
    ],
)
def test_the_database_itself_keeps_entries(url, old, statement):
    if statement.startswith("TRUNCATE") and url.startswith("sqlite"):
        pytest.skip("SQLite has no TRUNCATE")
    if old:
        version_1(url)
        ledger = Ledger(url)
    else:
        ledger = Ledger(url)
        for _ in range(5):
            with ledger.writing() as book:
                book.append("note", {})
    with pytest.raises(sa.exc.DBAPIError, match=r"never changed|never deleted|must follow"):
        execute(url, statement)
    assert ledger.verify() == 5
    ledger.close()


def test_a_writer_whose_memory_is_of_another_ledger_writes_nothing(url):
    """A ledger that was replaced by another while a process has it open: its entry would follow nothing."""
    ledger = Ledger(url)
    with ledger.writing() as book:
        book.append("note", {"old": 1})
    ledger.history()
    drop = "DROP TABLE ledger"
    for statement in (drop, "DROP TABLE ledger_upgrades"):
        execute(url, statement)
    if not url.startswith("sqlite"):
        execute(url, "DROP FUNCTION ledger_follows; DROP FUNCTION ledger_unchanged")
    Ledger(url).close()
    with ledger.writing() as book:  # the first one follows nothing in an empty one only by its number
        pass
    with pytest.raises(Unavailable, match="must follow the last one"), ledger.writing() as book:
        book.append("note", {"new": 1})
    ledger.close()


def test_a_newer_ledger_is_refused(url):
    Ledger(url).close()
    execute(url, "INSERT INTO ledger_upgrades VALUES (7, 'later')")
    for as_is in (False, True):
        with pytest.raises(ExchangeError, match=r"of version 7, made by a newer migdx; .* up to 2"):
            Ledger(url, as_is=as_is)


def test_entries_that_are_gone_are_no_new_ledger(url):
    Ledger(url).close()
    execute(url, "DROP TABLE ledger")
    with pytest.raises(ExchangeError, match="entries of the ledger are gone"):
        Ledger(url)


def test_who_only_looks_upgrades_nothing(url):
    with pytest.raises(NotFound, match="no ledger"):
        Ledger(url, as_is=True)
    version_1(url)
    ledger = Ledger(url, as_is=True)
    assert ledger.proof().entries == 5
    ledger.close()
    with pytest.raises(sa.exc.DBAPIError, match="ledger_upgrades"):
        execute(url, "SELECT number FROM ledger_upgrades")


def test_a_fault_in_the_middle_leaves_the_version_before(url, monkeypatch):
    def half(connection):
        UPGRADES[2](connection)
        raise RuntimeError("power")

    version_1(url)
    with monkeypatch.context() as patch:
        patch.setattr(ledger_database, "UPGRADES", {1: UPGRADES[1], 2: half})
        with pytest.raises(RuntimeError, match="power"):
            Ledger(url)
    execute(url, "UPDATE ledger SET body = body")  # no trigger is there yet
    ledger = Ledger(url)
    assert ledger.verify() == 5
    ledger.close()


# --- processes ----------------------------------------------------------------------------------------------

OPENER = """
import sys
from migdx.ledger import Ledger
sys.stdin.readline()
ledger = Ledger(sys.argv[1])
with ledger.writing() as book:
    book.append("note", {})
ledger.close()
"""


@pytest.mark.parametrize("old", [False, True])
def test_several_upgrade_at_once(url, old):
    if old:
        version_1(url)
    command = [sys.executable, "-c", OPENER, url]
    openers = [subprocess.Popen(command, env=ENVIRONMENT, stdin=subprocess.PIPE) for _ in range(4)]
    for opener in openers:
        opener.stdin.write(b"\n")
        opener.stdin.close()
    assert [opener.wait(timeout=60) for opener in openers] == [0, 0, 0, 0]
    ledger = Ledger(url)
    assert ledger.verify() == 4 + 5 * old
    ledger.close()


KILLED = """
import os, signal, sys
import sqlalchemy as sa
from migdx.ledger import Ledger
left = int(sys.argv[2])
@sa.event.listens_for(sa.Engine, "after_cursor_execute")
def counted(connection, cursor, statement, *rest):
    global left
    if statement.lstrip().startswith(("CREATE", "INSERT")):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
Ledger(sys.argv[1]).close()
"""


@pytest.mark.faults
@pytest.mark.parametrize("old", [False, True])
def test_kill_at_each_statement_of_an_upgrade(url, old):
    """However far it came, all of it or nothing is there; the next one makes it whole."""
    if old:
        version_1(url)
    killed = 0
    while True:
        command = [sys.executable, "-c", KILLED, url, str(killed + 1)]
        status = subprocess.run(command, env=ENVIRONMENT, timeout=60, check=False).returncode
        if status == 0:
            break
        assert status == -signal.SIGKILL
        killed += 1
        if old:  # still version 1, whose entries anybody could change
            execute(url, "UPDATE ledger SET body = body")
    assert killed >= 5
    ledger = Ledger(url)
    assert ledger.verify() == 5 * old
    ledger.close()
