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
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from types import MappingProxyType
from typing import Any
from uuid import uuid4

import orjson
import sqlalchemy as sa

from . import ledger_database
from .errors import Conflict, ExchangeError, NotFound, Unavailable
from .history import START, Entry, History, release_of
from .ledger_database import ENTRIES, alone, available, engine, made, refuse_none, upgrade
from .release import Release, Slot

PIECE = 1000
"""Entries that are fetched at a time."""

_TICK = timedelta(microseconds=1)


class BrokenLedger(ExchangeError):
    """An entry does not follow from the one before it, or is not what was written."""


class Ledger:
    """At `url`: sqlite:///path (local disk) or postgresql+psycopg://...; safe to share between threads.

    It is made when it is not there, and upgraded when an older program made it; `as_is` neither, for those
    who only look.
    """

    def __init__(self, url: str, *, as_is: bool = False) -> None:
        self._engine = engine(url, as_is=as_is)
        self._history = History()
        self._folding, self._turn = threading.Lock(), threading.Lock()
        try:
            self._open(as_is)
        except BaseException:
            self.close()
            raise

    def _open(self, as_is: bool) -> None:
        with available("opened"), self._engine.connect() as connection:
            if as_is:
                refuse_none(connection)
            ready = made(connection)
        if not (ready or as_is):
            with available("written"), self._alone() as connection:
                upgrade(connection)
                connection.commit()

    def close(self) -> None:
        self._engine.dispose()

    def history(self) -> History:
        """What the ledger says now; only entries that are new since the last call are read."""
        with available("read"), self._engine.connect() as connection:
            return self._folded(connection)

    def history_at(self, seq: int) -> History:
        """What the ledger said up to an entry, however much was written since."""
        now = self.history()
        if seq > now.seq:
            raise NotFound(f"There is no ledger entry {seq}; the last one is {now.seq}")
        if seq == now.seq:
            return now
        return History().extended(proven(islice(self.entries(), seq), History()))

    @contextmanager
    def writing(self) -> Iterator[Book]:
        """The only writer until it leaves: its entries appear together then, and not at all after an
        exception.
        """
        with available("written"), self._alone() as connection:
            book = Book(connection, self._folded(connection))
            yield book
            try:
                connection.commit()
            except sa.exc.DBAPIError as fault:
                if not (fault.connection_invalidated and self._kept(book.history)):
                    raise

    def restore(self, entries: Iterable[Entry]) -> History:
        """Writes the entries of another ledger, as they are, into this one, which must be empty; all of them,
        proven, or none.
        """
        with available("written"), self._alone() as connection:
            if connection.scalar(sa.select(sa.func.max(ENTRIES.c.seq))) is not None:
                raise Conflict("The ledger has entries already; a backup is restored into an empty one")
            for some in _in_pieces(proven(entries, History())):
                connection.execute(ENTRIES.insert(), [_row(entry) for entry in some])
            connection.commit()
        return self.history()

    def supposing(self) -> Book:
        """A book that is thrown away: what it is told becomes its history, and no entry of the ledger."""
        return Book(None, self.history())

    def entries(self, after: int = 0) -> Iterator[Entry]:
        with available("read"), self._engine.connect() as connection:
            yield from _entries(connection, after)

    def verify(self) -> int:
        """How many entries there are, every one proven; BrokenLedger names the first that is not."""
        return self.proof().entries

    def proof(self, expected: Mapping[int, str] = MappingProxyType({})) -> Proof:
        """Every entry proven, and that those `expected` have the digests that were written down of them."""
        found, remaining = Proof(), dict(expected)
        for entry in proven(self.entries(), History()):
            if remaining.pop(entry.seq, entry.digest) != entry.digest:
                raise BrokenLedger(
                    f"Ledger entry {entry.seq} has not the digest {expected[entry.seq]} that it had: "
                    "the past was rewritten, there or before"
                )
            found = Proof(entry.seq, found.first or entry.stamp, entry.stamp, entry.digest)
        if remaining:
            raise BrokenLedger(
                f"The ledger ends with entry {found.entries}; entry {max(remaining)} is missing, and what "
                "follows it"
            )
        return found

    def _kept(self, history: History) -> bool:
        """Whether what a lost connection was to commit is there; once nobody else writes, it is or never
        will be.
        """
        try:
            with self._engine.connect() as connection:
                alone(connection)
                query = sa.select(ENTRIES.c.digest).where(ENTRIES.c.seq == history.seq)
                return history.seq == 0 or connection.scalar(query) == history.digest
        except (sa.exc.DBAPIError, sa.exc.TimeoutError):
            raise Unavailable(
                "The connection to the ledger broke while it was written: look whether it was, before you "
                "send the same again"
            ) from None

    def _folded(self, connection: sa.Connection) -> History:
        with self._folding:
            last = connection.scalar(sa.select(sa.func.max(ENTRIES.c.seq))) or 0
            if last > self._history.seq:
                self._history = self._history.extended(
                    proven(_entries(connection, self._history.seq), self._history)
                )
            return self._history

    @contextmanager
    def _alone(self) -> Iterator[sa.Connection]:
        """A transaction that no other writer, thread or process, is in; what is not committed is undone."""
        # threads wait here, without a connection: who writes may need another one for reading
        if not self._turn.acquire(timeout=ledger_database.WAIT):
            raise Unavailable("The ledger cannot be written now: others write")
        try:
            with self._engine.connect() as connection:
                alone(connection)
                try:
                    yield connection
                except BaseException:
                    connection.rollback()
                    raise
        finally:
            self._turn.release()


@dataclass(frozen=True)
class Proof:
    """That so many `entries` follow from one another, between two stamps; `digest` is that of the last."""

    entries: int = 0
    first: datetime | None = None
    last: datetime | None = None
    digest: str = START


class Book:
    """The ledger in the hands of its one writer; `history` holds what it appended, too."""

    def __init__(self, connection: sa.Connection | None, history: History) -> None:
        self.history = history
        self._connection = connection

    def append(self, kind: str, body: Mapping[str, Any]) -> Entry:
        """Adds an entry and stamps it."""
        text = orjson.dumps(body, option=orjson.OPT_SORT_KEYS).decode()
        stamp = max(datetime.now(UTC), self.history.stamp + _TICK)
        entry = Entry(self.history.seq + 1, stamp, kind, text, self.history.digest, digest="")
        entry = replace(entry, digest=_digest(entry))
        self.history = self.history.extended([entry])
        if self._connection is not None:
            self._connection.execute(ENTRIES.insert(), _row(entry))
        return entry

    def release(
        self,
        revisions: Mapping[Slot, int],
        *,
        public_from: datetime | None,
        by: str,
        note: str,
        name: str = "",
        precedence: str = "",
    ) -> Release:
        """Adds a release; public from its own stamp when `public_from` is None or already past."""
        body = {
            "id": uuid4().hex,
            "revisions": [[*slot, number] for slot, number in sorted(revisions.items())],
            "public_from": _text(public_from) if public_from else None,
            "by": by,
            "note": note,
        }
        body |= {"name": name} if name else {}
        body |= {"precedence": precedence} if precedence else {}
        return release_of(self.append("release", body))


# --- rows and values -------------------------------------------------------------------------------------


def _entries(connection: sa.Connection, after: int) -> Iterator[Entry]:
    query = sa.select(ENTRIES).order_by(ENTRIES.c.seq).execution_options(yield_per=PIECE)
    # from the start it is all of them: none hides under a number below 1
    with connection.execute(query.where(ENTRIES.c.seq > after) if after else query) as rows:
        yield from map(_entry, rows)


def _in_pieces(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    walked = iter(entries)
    while piece := list(islice(walked, PIECE)):
        yield piece


def _entry(row: sa.Row[Any]) -> Entry:
    if not all(isinstance(text, str) for text in tuple(row)[1:]):  # SQLite keeps anything in any column
        raise BrokenLedger(f"Ledger entry {row.seq} is broken: something in it is no text")
    return Entry(row.seq, _stamp(row.seq, row.stamp), row.kind, row.body, row.previous, row.digest)


def _stamp(seq: int, text: str) -> datetime:
    try:
        stamp = datetime.fromisoformat(text)
    except ValueError:
        stamp = None
    if stamp is None or _text(stamp) != text:
        raise BrokenLedger(f"Ledger entry {seq} is broken: its stamp is no instant as they are kept")
    return stamp


def as_line(entry: Entry) -> bytes:
    """An entry as JSON with a line end; `body` is the text that was digested."""
    row = _row(entry)
    return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)


def of_line(line: bytes) -> Entry:
    """The entry that `as_line` made a line of; BrokenLedger where it is none."""
    try:
        row = orjson.loads(line)
        seq = row["seq"]
        texts = [row[name] for name in ("stamp", "kind", "body", "previous", "digest")]
    except (ValueError, KeyError, TypeError):
        raise BrokenLedger("A line of the ledger is no entry") from None
    if not isinstance(seq, int) or not all(isinstance(text, str) for text in texts):
        raise BrokenLedger("A line of the ledger is no entry")
    return Entry(seq, _stamp(seq, texts[0]), *texts[1:])


def proven(entries: Iterable[Entry], after: History) -> Iterator[Entry]:
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
