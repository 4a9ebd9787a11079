"""Ledger: what happened, append-only and hash-chained; submissions, releases, answers and waivers, and what
was done to the structures are read from it.

Each entry holds the digest of the one before it: sha256 of the JSON [seq, stamp, kind, body, previous], body
being JSON text with sorted keys. `verify` proves order and integrity; whoever wrote down a digest can prove
the past that led to it. A writer is alone (SQLite: BEGIN IMMEDIATE, since the default deferred begin fails
under contention; PostgreSQL: an advisory lock) and sees everything that was written before; stamps only grow,
whatever the clock does.
"""

from __future__ import annotations

import hashlib
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from uuid import uuid4

import orjson
import sqlalchemy as sa
from sqlalchemy.schema import CreateTable

from .errors import ExchangeError, NoSpace, NotFound, Unavailable
from .history import Entry, History, release_of
from .release import Release, Slot

WAIT = 15.0
"""Seconds that a writer of SQLite waits for another."""

_ENTRIES = sa.Table(
    "ledger",
    sa.MetaData(),
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("stamp", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("previous", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
)
_LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_FULL = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY)
_TICK = timedelta(microseconds=1)


class BrokenLedger(ExchangeError):
    """An entry does not follow from the one before it, or is not what was written."""


class Ledger:
    """At `url`: sqlite:///path (local disk) or postgresql+psycopg://...; safe to share between threads."""

    def __init__(self, url: str) -> None:
        self._engine = _engine(url)
        self._history = History()
        self._folding = threading.Lock()
        with self._alone() as connection:
            connection.execute(CreateTable(_ENTRIES, if_not_exists=True))

    def close(self) -> None:
        self._engine.dispose()

    def history(self) -> History:
        """What the ledger says now; only entries that are new since the last call are read."""
        with _available("read"), self._engine.connect() as connection:
            return self._folded(connection)

    def history_at(self, seq: int) -> History:
        """What the ledger said up to an entry, however much was written since."""
        now = self.history()
        if seq > now.seq:
            raise NotFound(f"There is no ledger entry {seq}; the last one is {now.seq}")
        if seq == now.seq:
            return now
        return History().extended(_proven(islice(self.entries(), seq), History()))

    @contextmanager
    def writing(self) -> Iterator[Book]:
        """The only writer until it leaves: its entries appear together then, and not at all after an
        exception.
        """
        with self._alone() as connection:
            yield Book(connection, self._folded(connection))

    def entries(self, after: int = 0) -> Iterator[Entry]:
        with _available("read"), self._engine.connect() as connection:
            yield from _entries(connection, after)

    def verify(self) -> int:
        """How many entries there are, every one proven; BrokenLedger names the first that is not."""
        return sum(1 for _ in _proven(self.entries(), History()))

    def _folded(self, connection: sa.Connection) -> History:
        with self._folding:
            last = connection.scalar(sa.select(sa.func.max(_ENTRIES.c.seq))) or 0
            if last > self._history.seq:
                self._history = self._history.extended(
                    _proven(_entries(connection, self._history.seq), self._history)
                )
            return self._history

    @contextmanager
    def _alone(self) -> Iterator[sa.Connection]:
        """A transaction that no other writer, thread or process, is in."""
        with _available("written"), self._engine.connect() as connection:
            if self._engine.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            else:
                here = sa.func.current_schema().concat(f".{_ENTRIES.name}")
                connection.execute(
                    sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(here, 0)))
                )
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()


class Book:
    """The ledger in the hands of its one writer; `history` holds what it appended, too."""

    def __init__(self, connection: sa.Connection, history: History) -> None:
        self.history = history
        self._connection = connection

    def append(self, kind: str, body: Mapping[str, Any]) -> Entry:
        """Adds an entry and stamps it."""
        text = orjson.dumps(body, option=orjson.OPT_SORT_KEYS).decode()
        stamp = max(datetime.now(UTC), self.history.stamp + _TICK)
        entry = Entry(self.history.seq + 1, stamp, kind, text, self.history.digest, digest="")
        entry = replace(entry, digest=_digest(entry))
        self.history = self.history.extended([entry])
        self._connection.execute(_ENTRIES.insert(), _row(entry))
        return entry

    def release(
        self, revisions: Mapping[Slot, int], *, public_from: datetime | None, by: str, note: str
    ) -> Release:
        """Adds a release; public from its own stamp when `public_from` is None or already past."""
        body = {
            "id": uuid4().hex,
            "revisions": [[*slot, number] for slot, number in sorted(revisions.items())],
            "public_from": _text(public_from) if public_from else None,
            "by": by,
            "note": note,
        }
        return release_of(self.append("release", body))


# --- rows and values -------------------------------------------------------------------------------------


def _engine(url: str) -> sa.Engine:
    if not url.startswith("sqlite"):
        return sa.create_engine(url, pool_pre_ping=True)
    # the driver must not begin on its own: `_alone` says BEGIN IMMEDIATE. Writers that wait hold their
    # connections, and no reader may wait for one: the pool grows with the threads
    engine = sa.create_engine(
        url, isolation_level="AUTOCOMMIT", connect_args={"timeout": WAIT}, pool_size=8, max_overflow=-1
    )

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        connection.execute("PRAGMA synchronous = FULL")
        deadline = time.monotonic() + WAIT
        # two that make the file WAL at once do not wait for each other: one is told that it is locked
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as fault:
                if fault.sqlite_errorcode & 0xFF not in _LOCKED or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)

    return engine


@contextmanager
def _available(done: str) -> Iterator[None]:
    """What the database says when it is locked, full, gone or not ours, as one sentence."""
    try:
        yield
    except sa.exc.OperationalError as fault:
        reason = " ".join(str(fault.orig).split())  # PostgreSQL takes several lines
        code = getattr(fault.orig, "sqlite_errorcode", 0) & 0xFF
        said = NoSpace if done == "written" and code in _FULL else Unavailable
        raise said(f"The ledger cannot be {done} now: {reason}") from fault


def _entries(connection: sa.Connection, after: int) -> Iterator[Entry]:
    query = sa.select(_ENTRIES).where(_ENTRIES.c.seq > after).order_by(_ENTRIES.c.seq)
    for row in connection.execute(query):
        try:
            stamp = datetime.fromisoformat(row.stamp)
        except ValueError:
            raise BrokenLedger(f"Ledger entry {row.seq} is broken: its stamp is no instant") from None
        yield Entry(row.seq, stamp, row.kind, row.body, row.previous, row.digest)


def _proven(entries: Iterable[Entry], after: History) -> Iterator[Entry]:
    """The same entries, each shown to follow from the one before; BrokenLedger names the first that fails."""
    seq, digest, stamp = after.seq, after.digest, after.stamp
    for entry in entries:
        seq += 1
        wrong = (
            f"number {seq} is missing"
            if entry.seq != seq
            else "it does not hold the digest of the one before"
            if entry.previous != digest
            else "its contents are not those that were digested"
            if _digest(entry) != entry.digest
            else "its stamp is not after the one before"
            if entry.stamp <= stamp
            else ""
        )
        if wrong:
            raise BrokenLedger(f"Ledger entry {entry.seq} is broken: {wrong}")
        yield entry
        digest, stamp = entry.digest, entry.stamp


def _row(entry: Entry) -> dict[str, Any]:
    return {
        "seq": entry.seq, "stamp": _text(entry.stamp), "kind": entry.kind, "body": entry.text,
        "previous": entry.previous, "digest": entry.digest,
    }  # fmt: skip


def _digest(entry: Entry) -> str:
    parts = [entry.seq, _text(entry.stamp), entry.kind, entry.text, entry.previous]
    return hashlib.sha256(orjson.dumps(parts)).hexdigest()


def _text(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="microseconds")
