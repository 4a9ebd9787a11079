"""Ledger: what happened, append-only and hash-chained; submissions and releases are read from it.

Each entry holds the digest of the one before it, so that `verify` proves order and integrity. A writer is alone
(SQLite: BEGIN IMMEDIATE, since the default deferred begin fails under contention; PostgreSQL: an advisory lock) and
sees everything that was written before it; its stamps only grow, whatever the clock does.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any
from uuid import uuid4

import orjson
import sqlalchemy as sa

from .errors import ExchangeError, NotFound
from .release import Release, Slot
from .submission import Submission

_META = sa.MetaData()
_ENTRIES = sa.Table(
    "ledger",
    _META,
    sa.Column(
        "seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False
    ),
    sa.Column("stamp", sa.String(32), nullable=False),
    sa.Column("kind", sa.String(40), nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("previous", sa.String(64), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
)
_START = "0" * 64
_LOCK = 0x6D696764  # the advisory lock of PostgreSQL that writers take


class BrokenLedger(ExchangeError):
    """An entry does not follow from the one before it."""


@dataclass(frozen=True)
class Entry:
    seq: int
    stamp: datetime
    kind: str
    body: Mapping[str, Any]
    previous: str
    digest: str


@dataclass(frozen=True)
class History:
    """Everything that the ledger says up to `seq`. `latest` is the last accepted submission of each slot."""

    seq: int = 0
    submissions: Mapping[str, Submission] = field(default_factory=dict)
    latest: Mapping[Slot, Submission] = field(default_factory=dict)
    releases: tuple[Release, ...] = ()
    revisions: Mapping[tuple[str, str, int], Submission] = field(default_factory=dict)

    def revision(self, agreement: str, dataflow: str, number: int) -> Submission:
        """The accepted submission that made a revision."""
        found = self.revisions.get((agreement, dataflow, number))
        if found is None:
            raise NotFound(f"There is no revision {number} of {agreement} for {dataflow}")
        return found


class Ledger:
    """At `url`: sqlite:///path or postgresql+psycopg://...; safe to share between threads."""

    def __init__(self, url: str) -> None:
        self._engine = _engine(url)
        self._history = History()
        self._folding = threading.Lock()
        with self._engine.begin() as connection:
            _META.create_all(connection)

    def close(self) -> None:
        self._engine.dispose()

    def history(self) -> History:
        """What the ledger says now; only entries that are new since the last call are read."""
        with self._engine.connect() as connection:
            return self._folded(connection)

    def _folded(self, connection: sa.Connection) -> History:
        with self._folding:
            last = connection.execute(sa.select(sa.func.max(_ENTRIES.c.seq))).scalar() or 0
            if last > self._history.seq:
                self._history = _fold(self._history, _entries(connection, after=self._history.seq))
            return self._history

    @contextmanager
    def writing(self) -> Iterator[Book]:
        """The only writer until it leaves: its entries appear together then, and not at all after an exception."""
        with self._engine.connect() as connection:
            if self._engine.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            else:
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
            try:
                yield Book(connection, self._folded(connection))
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

    def entries(self, after: int = 0) -> Iterator[Entry]:
        with self._engine.connect() as connection:
            yield from _entries(connection, after=after)

    def verify(self) -> int:
        """How many entries there are, every one proven; BrokenLedger names the first that is not."""
        previous, seq, stamp = _START, 0, None
        for entry in self.entries():
            seq += 1
            wrong = (
                f"number {seq} is missing"
                if entry.seq != seq
                else "it does not hold the digest of the one before"
                if entry.previous != previous
                else "its contents are not those that were digested"
                if _digest(entry) != entry.digest
                else "its stamp is not after the one before"
                if stamp and entry.stamp <= stamp
                else ""
            )
            if wrong:
                raise BrokenLedger(f"Ledger entry {entry.seq} is broken: {wrong}")
            previous, stamp = entry.digest, entry.stamp
        return seq


class Book:
    """The ledger in the hands of its one writer; `history` is as of when it was opened."""

    def __init__(self, connection: sa.Connection, history: History) -> None:
        self.history = history
        self._connection = connection

    def append(self, kind: str, body: Mapping[str, Any]) -> Entry:
        """Adds an entry and stamps it."""
        last = self._connection.execute(
            sa.select(_ENTRIES).order_by(_ENTRIES.c.seq.desc()).limit(1)
        ).one_or_none()
        stamp = datetime.now(UTC)
        if last is not None:
            stamp = max(stamp, datetime.fromisoformat(last.stamp) + timedelta(microseconds=1))
        entry = Entry(
            last.seq + 1 if last else 1, stamp, kind, dict(body), last.digest if last else _START, digest=""
        )
        entry = replace(entry, digest=_digest(entry))
        self._connection.execute(
            sa.insert(_ENTRIES).values(
                seq=entry.seq,
                stamp=_text(stamp),
                kind=kind,
                body=_json(entry.body),
                previous=entry.previous,
                digest=entry.digest,
            )
        )
        return entry

    def release(
        self, revisions: Mapping[Slot, int], *, public_from: datetime | None, by: str, note: str
    ) -> Release:
        """Adds a release; public from its own stamp when `public_from` is None or already past."""
        body = {
            "id": uuid4().hex,
            "revisions": [[*slot, number] for slot, number in sorted(revisions.items())],
            "public_from": _text(public_from.astimezone(UTC)) if public_from else None,
            "by": by,
            "note": note,
        }
        return _release(self.append("release", body))


# --- rows and values -------------------------------------------------------------------------------------


def _engine(url: str) -> sa.Engine:
    if not url.startswith("sqlite"):
        return sa.create_engine(url, pool_pre_ping=True)
    # the driver must not begin on its own: `writing` says BEGIN IMMEDIATE
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", connect_args={"timeout": 30})

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        for pragma in ("journal_mode = WAL", "synchronous = FULL"):
            connection.execute(f"PRAGMA {pragma}")

    return engine


def _entries(connection: sa.Connection, after: int) -> Iterator[Entry]:
    for row in connection.execute(sa.select(_ENTRIES).where(_ENTRIES.c.seq > after).order_by(_ENTRIES.c.seq)):
        yield Entry(
            row.seq,
            datetime.fromisoformat(row.stamp),
            row.kind,
            orjson.loads(row.body),
            row.previous,
            row.digest,
        )


def _digest(entry: Entry) -> str:
    parts = (str(entry.seq), _text(entry.stamp), entry.kind, _json(entry.body), entry.previous)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _json(body: Mapping[str, Any]) -> str:
    return orjson.dumps(body, option=orjson.OPT_SORT_KEYS).decode()


def _text(stamp: datetime) -> str:
    return stamp.astimezone(UTC).isoformat(timespec="microseconds")


def _fold(history: History, entries: Iterator[Entry]) -> History:
    submissions, latest = dict(history.submissions), dict(history.latest)
    revisions, releases = dict(history.revisions), {release.id: release for release in history.releases}
    seq = history.seq
    for entry in entries:
        seq, body = entry.seq, entry.body
        if entry.kind == "submission":
            made = Submission(**body, stamp=entry.stamp)
            submissions[made.id] = made
            if made.verdict == "accepted":
                latest[made.agreement, made.dataflow] = made
                revisions[made.agreement, made.dataflow, made.revision] = made
        elif entry.kind == "release":
            releases[body["id"]] = _release(entry)
        elif entry.kind == "release_cancelled":
            releases[body["id"]] = replace(releases[body["id"]], cancelled=entry.stamp)
    return History(
        seq,
        MappingProxyType(submissions),
        MappingProxyType(latest),
        tuple(releases.values()),
        MappingProxyType(revisions),
    )


def _release(entry: Entry) -> Release:
    body = entry.body
    asked = datetime.fromisoformat(body["public_from"]) if body["public_from"] else entry.stamp
    return Release(
        id=body["id"],
        stamp=entry.stamp,
        public_from=max(asked, entry.stamp),
        revisions={(agreement, dataflow): number for agreement, dataflow, number in body["revisions"]},
        by=body["by"],
        note=body["note"],
    )
