"""The packs that this process reads: the newest of each dataflow that can be opened, looked for again and
again, since others build them. Without one everything goes on, from segments alone.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import duckdb
import orjson

from ..depots import Depot
from ..durable import SUFFIX, older
from ..errors import ExchangeError, NotFound
from .engine import Engine
from .pack import Pack

_log = logging.getLogger(__name__)

FOLDER = "open/packs"
"""The part of the depot. Each pack is two files, the second of which, .json, says what the first holds: it is
written last, and without it there is no pack.
"""

ROWS, TOLD = ".duckdb", ".json"

AGAIN = 5.0
"""Seconds after which newer packs are looked for."""

GRACE = 60.0
"""Seconds for which a pack stays open after a newer one took its place: answers that were planned with it may
not have begun.
"""


@dataclass
class _Found:
    """`pack` is what was found at `looked`, on the clock that only goes forward."""

    pack: Pack | None = None
    looked: float = float("-inf")


class Packs:
    """Of a depot, opened by an engine; safe to share between threads."""

    def __init__(self, depot: Depot, engine: Engine) -> None:
        self._depot, self._engine = depot, engine
        self._lock = threading.Lock()
        self._found: dict[str, _Found] = {}
        self._held: dict[str, ExitStack] = {}
        self._leaving: list[tuple[float, Pack]] = []
        self._unusable: set[str] = set()

    def of(self, dataflow: str) -> Pack | None:
        """The newest usable pack of a dataflow."""
        found = self._found.setdefault(dataflow, _Found())
        if time.monotonic() - found.looked < AGAIN or not self._lock.acquire(blocking=found.pack is None):
            return found.pack  # whoever looks already tells the next
        try:
            if time.monotonic() - found.looked >= AGAIN:
                found.pack = self._newest(dataflow, found.pack)
                found.looked = time.monotonic()
            return found.pack
        finally:
            self._lock.release()

    def distrust(self, pack: Pack) -> None:
        """Reads it no more: it failed."""
        _log.error("The pack %s cannot be read; its segments are read instead", pack.name)
        with self._lock:
            self._unusable.add(pack.name)
            self._found[pack.dataflow] = _Found()
            self._leave(pack)

    def sweep(self, keep: Collection[str], age: timedelta) -> list[str]:
        """Removes packs of revisions that `keep` does not name, however young they are: what was taken away
        must not live on in a copy; and what crashes left, when it is older than `age`.
        """
        swept = []
        whole = set()
        for name in names(self._depot):
            pack = read(self._depot, name)
            if pack and any(source not in keep for source in pack.sources):
                swept += removed(self._depot, name)
            else:
                whole.add(name)
        before = datetime.now(UTC) - age
        for file in list(self._depot.names(f"{FOLDER}/")):
            if file.name.rpartition(".")[0] not in whole and file.written < before:
                self._depot.remove(file.name)
                swept.append(file.name)
        for path in older(self._depot.local / "open", age, f".*{SUFFIX}.*"):  # what the engine wrote beside
            path.unlink(missing_ok=True)
        return swept

    def forget(self, segments: Collection[str], *, dry: bool = False) -> list[str]:
        """Removes packs that hold any of the `segments`."""
        holding = [
            name
            for name in names(self._depot)
            if (pack := read(self._depot, name)) and not set(pack.sources).isdisjoint(segments)
        ]
        return [file for name in holding for file in ([name] if dry else removed(self._depot, name))]

    def close(self) -> None:
        for held in self._held.values():
            held.close()
        self._held.clear()

    def _newest(self, dataflow: str, known: Pack | None) -> Pack | None:
        self._let_go()
        try:
            for name in names(self._depot, dataflow):
                if known and name == known.name:
                    return known
                pack = read(self._depot, name) if name not in self._unusable else None
                if pack and self._opened(pack):
                    self._leave(known)
                    return pack
        except (ExchangeError, OSError):
            _log.exception("Packs cannot be looked for")
            return known
        self._leave(known)
        return None

    def _opened(self, pack: Pack) -> bool:
        with ExitStack() as held:
            try:
                (path,) = held.enter_context(self._depot.holding([pack.name + ROWS]))
                self._engine.attach(path, pack.alias)
            except (ExchangeError, OSError, duckdb.Error):
                _log.exception("The pack %s cannot be opened", pack.name)
                self._unusable.add(pack.name)
                return False
            self._held[pack.name] = held.pop_all()
        return True

    def _leave(self, pack: Pack | None) -> None:
        if pack:
            self._leaving.append((time.monotonic() + GRACE, pack))

    def _let_go(self) -> None:
        """Closes those that have been out of use for long; who reads one still is not disturbed."""
        now = time.monotonic()
        for _, pack in [entry for entry in self._leaving if entry[0] <= now]:
            self._engine.detach(pack.alias)
            if held := self._held.pop(pack.name, None):
                held.close()
        self._leaving = [entry for entry in self._leaving if entry[0] > now]


def folder_of(dataflow: str) -> str:
    return f"{FOLDER}/{re.sub('[^A-Za-z0-9.-]+', '_', dataflow)}/"


def names(depot: Depot, dataflow: str = "") -> list[str]:
    """The packs of a dataflow, or all, the newest first."""
    within = folder_of(dataflow) if dataflow else f"{FOLDER}/"
    found = (file.name for file in depot.names(within) if file.name.endswith(TOLD))
    return sorted((name.removesuffix(TOLD) for name in found), reverse=True)


def read(depot: Depot, name: str) -> Pack | None:
    """What is told of a pack; None where it was taken away just now, or is of another version."""
    try:
        with depot.open(name + TOLD) as file:
            pack = Pack.from_dict(orjson.loads(file.read()))
    except (NotFound, ValueError, KeyError, TypeError, AttributeError):
        return None
    return pack if pack.name == name else None


def removed(depot: Depot, name: str) -> list[str]:
    """Takes a pack away. What says that it is there goes first; who has it open reads on."""
    files = [name + TOLD, name + ROWS]
    for file in files:
        depot.remove(file)
    return files
