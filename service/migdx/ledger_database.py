"""Ledger database: what the chain is kept in: SQLite (WAL) or PostgreSQL, its tables, and their upgrades.

What a database says comes out as one sentence without its address: that names machines, accounts, passwords.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.schema import CreateTable

from .errors import ExchangeError, NoSpace, NotFound, Unavailable

WAIT = 15.0
"""Seconds that a writer waits for another, and a reader for a connection."""

CONNECT = 5
"""Seconds that a server of PostgreSQL may take to answer."""

_METADATA = sa.MetaData()
ENTRIES = sa.Table(
    "ledger",
    _METADATA,
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("stamp", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("previous", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
)
_UPGRADES = sa.Table(
    "ledger_upgrades",
    _METADATA,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("stamp", sa.Text, nullable=False),
)
_DRIVERS = {
    "sqlite": "sqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}
_LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_FULL = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY)
_LOG = logging.getLogger(__name__)


# --- connections -------------------------------------------------------------------------------------------


def engine(url: str, *, as_is: bool = False) -> sa.Engine:
    """The connections to a database; ExchangeError where `url` is no address of one. Nothing of what is read
    `as_is` is changed.
    """
    try:
        parsed = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        parsed = sa.URL.create("none")
    driver = _DRIVERS.get(parsed.drivername)
    if driver is None or (driver == "sqlite" and parsed.database in (None, "", ":memory:")):
        raise ExchangeError(
            "That is no address of a ledger; expected sqlite:///path or postgresql://user@host:port/database"
        )
    parsed = parsed.set(drivername=driver)
    return _sqlite(parsed, as_is) if driver == "sqlite" else _postgresql(parsed)


def _postgresql(url: sa.URL) -> sa.Engine:
    # a server takes a hundred connections or so of all processes; who finds none free waits
    return sa.create_engine(
        url,
        pool_pre_ping=True,
        pool_size=4,
        max_overflow=4,
        pool_timeout=WAIT,
        connect_args={} if "connect_timeout" in url.query else {"connect_timeout": CONNECT},
    )


def _sqlite(url: sa.URL, as_is: bool) -> sa.Engine:
    # the driver must not begin on its own: `alone` says BEGIN IMMEDIATE. No reader may wait for a connection:
    # the pool grows with the threads
    made = sa.create_engine(
        url, isolation_level="AUTOCOMMIT", connect_args={"timeout": WAIT}, pool_size=8, max_overflow=-1
    )

    @sa.event.listens_for(made, "connect")
    def prepare(connection: Any, _: Any) -> None:
        connection.text_factory = _replaced
        if as_is:
            connection.execute("PRAGMA query_only = ON")
            return
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

    return made


def _replaced(text: bytes) -> str:
    """Bytes that somebody put there and that are no UTF-8 do not stop the reading: their digest is wrong."""
    return text.decode("utf-8", "replace")


def alone(connection: sa.Connection) -> None:
    """Begins a transaction that no other writer, of this or another process, is in."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        return
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = {int(WAIT * 1000)}")
    here = sa.func.current_schema().concat(f".{ENTRIES.name}")
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(here, 0))))


@contextmanager
def available(done: str) -> Iterator[None]:
    """What the database says when it is locked, full, gone or not ours, as one sentence."""
    try:
        yield
    except sa.exc.TimeoutError as fault:
        raise Unavailable(f"The ledger cannot be {done} now: all connections are taken") from fault
    except sa.exc.DBAPIError as fault:
        code = getattr(fault.orig, "sqlite_errorcode", 0) & 0xFF
        said = NoSpace if done != "read" and code in _FULL else Unavailable
        raise said(f"The ledger cannot be {done} now: {_reason(fault)}") from None


def _reason(fault: sa.exc.DBAPIError) -> str:
    """What the database says; what its client says names the server: that is for the log only."""
    text = " ".join(str(fault.orig).split())
    if isinstance(fault.orig, sqlite3.Error):
        return text
    primary = getattr(getattr(fault.orig, "diag", None), "message_primary", None)
    if primary:
        return str(primary)
    _LOG.warning("The database of the ledger: %s", text)
    return "its database does not answer"


# --- upgrades ----------------------------------------------------------------------------------------------


def made(connection: sa.Connection) -> bool:
    """Whether the tables are as this program needs them; ExchangeError where a newer one made them."""
    return _version(connection) == len(UPGRADES)


def upgrade(connection: sa.Connection) -> None:
    """Takes the tables from whatever version they are to that of this program; who calls is `alone`, and
    commits all of it or nothing.
    """
    known = _version(connection)
    connection.execute(CreateTable(_UPGRADES, if_not_exists=True))
    for number in range(known + 1, len(UPGRADES) + 1):
        UPGRADES[number](connection)
        stamp = datetime.now(UTC).isoformat(timespec="microseconds")
        connection.execute(_UPGRADES.insert(), {"number": number, "stamp": stamp})


def refuse_none(connection: sa.Connection) -> None:
    """NotFound where no ledger is."""
    if not _version(connection):
        raise NotFound("There is no ledger")


def _version(connection: sa.Connection) -> int:
    """0 where nothing is."""
    tables = sa.inspect(connection)
    entries, upgrades = (tables.has_table(table.name) for table in (ENTRIES, _UPGRADES))
    if upgrades and not entries:
        raise ExchangeError("The entries of the ledger are gone, but not its upgrades: restore both")
    if not upgrades:  # the first version had the entries only
        return int(entries)
    number = connection.scalar(sa.select(sa.func.max(_UPGRADES.c.number))) or 1
    if number > len(UPGRADES):
        raise ExchangeError(
            f"The ledger is of version {number}, made by a newer migdx; this one knows versions up to "
            f"{len(UPGRADES)}"
        )
    return int(number)


def _entries(connection: sa.Connection) -> None:
    connection.execute(CreateTable(ENTRIES, if_not_exists=True))


def _only_grows(connection: sa.Connection) -> None:
    """Entries are neither changed nor deleted, and each follows the last: the database sees to it, too."""
    for statement in _GROWS[connection.dialect.name]:
        connection.exec_driver_sql(statement)


_GROWS = {
    "sqlite": (
        """CREATE TRIGGER ledger_unchanged BEFORE UPDATE ON ledger
        BEGIN SELECT RAISE(ABORT, 'entries of the ledger are never changed'); END""",
        """CREATE TRIGGER ledger_undeleted BEFORE DELETE ON ledger
        BEGIN SELECT RAISE(ABORT, 'entries of the ledger are never deleted'); END""",
        """CREATE TRIGGER ledger_follows BEFORE INSERT ON ledger
        WHEN NEW.seq IS NOT (SELECT COALESCE(MAX(seq), 0) + 1 FROM ledger)
          OR NEW.previous IS NOT COALESCE((SELECT digest FROM ledger ORDER BY seq DESC LIMIT 1), NEW.previous)
        BEGIN SELECT RAISE(ABORT, 'an entry of the ledger must follow the last one'); END""",
    ),
    "postgresql": (
        """CREATE FUNCTION ledger_unchanged() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'entries of the ledger are never changed or deleted'; END $$""",
        """CREATE FUNCTION ledger_follows() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT
        AS $$
        DECLARE last ledger;
        BEGIN
            SELECT * INTO last FROM ledger ORDER BY seq DESC LIMIT 1;
            IF NEW.seq <> COALESCE(last.seq, 0) + 1
                OR NEW.previous <> COALESCE(last.digest, NEW.previous) THEN
                RAISE EXCEPTION 'an entry of the ledger must follow the last one';
            END IF;
            RETURN NEW;
        END $$""",
        """CREATE TRIGGER ledger_unchanged BEFORE UPDATE OR DELETE ON ledger
        FOR EACH ROW EXECUTE FUNCTION ledger_unchanged()""",
        """CREATE TRIGGER ledger_untruncated BEFORE TRUNCATE ON ledger
        FOR EACH STATEMENT EXECUTE FUNCTION ledger_unchanged()""",
        """CREATE TRIGGER ledger_follows BEFORE INSERT ON ledger
        FOR EACH ROW EXECUTE FUNCTION ledger_follows()""",
    ),
}

UPGRADES: Mapping[int, Callable[[sa.Connection], None]] = {1: _entries, 2: _only_grows}
"""What makes each version from the one before. One that was shipped is never changed: a new one is added."""
