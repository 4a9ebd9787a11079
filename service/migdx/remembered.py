"""Remembered: the structures that were served at an instant, as far as the ledger says.

They are those of the folders that were served then, whose files are an archive among the blobs, with the
changes that maintenance had made by then. A file that has not changed since is not read again: its artefacts
are those of now.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock

from .blobs import Blobs
from .errors import StructureFault, Unavailable
from .folders import Packed, packed, unpacked
from .history import History
from .keeping import Current, applied, proven
from .ledger import Ledger
from .registry import Registry
from .structure_change import Served, StructureChange

MOST = 4
"""How many registries of the past a process holds; one more pushes out that which it has held longest."""

WAIT = 10.0
"""Seconds that a request waits while others read structures of the past, one at a time."""

_START = datetime.min.replace(tzinfo=UTC)


class Past:
    """The structures of past instants, over those that the folders of now gave (`first`)."""

    def __init__(self, first: Registry, current: Current, blobs: Blobs) -> None:
        self._first, self._current, self._blobs = first, current, blobs
        self._held: dict[tuple[str, int], Registry] = {}
        self._reading = Lock()

    def remember(self, ledger: Ledger, folders: Sequence[Path], *, by: str) -> None:
        """Writes down that what `folders` gave is served from now on, unless it is so already.

        The archive is kept before the ledger names it. Unavailable where files changed since they were read.
        """
        if not folders:
            return
        files = packed(folders)
        if _is_last(files, ledger.history()):
            return
        archive = files.archive
        if _read(archive, self._first).digest != self._first.digest:
            raise Unavailable("The folders of structures changed while they were read; start again")
        made = Served(self._blobs.put(archive), files.digest, self._first.digest, by)
        with ledger.writing() as book:
            if not _is_last(files, book.history):  # of two starts at once one writes
                book.append("structures_served", made.as_dict())

    def last_served(self, history: History) -> Registry | None:
        """What the folders gave that were served last, None when nobody ever served any."""
        return self._kept(history.served[-1]) if history.served else None

    def at(self, history: History, instant: datetime) -> Registry:
        """Every structure that there was at an instant. Before the first record of folders they are those of
        that record; where there is none at all, those of now.

        Unavailable where a blob is lost, or too many ask for different instants.
        """
        changes = history.structures[: bisect_right(history.structures, instant, key=_stamp)]
        served = in_force(history, instant) or next(iter(history.served), None)
        if served is None or served.structures == self._first.digest:
            if len(changes) == len(history.structures):
                return self._current.at(changes)
            served = None
        key = (served.archive if served else "", len(changes))
        found = self._held.get(key)
        if found is None:
            if not self._reading.acquire(timeout=WAIT):
                raise Unavailable("Others ask for structures of the past; please try again")
            try:
                found = self._held.get(key) or self._hold(key, self._made(served, changes))
            finally:
                self._reading.release()
        return found

    def _made(self, served: Served | None, changes: Sequence[StructureChange]) -> Registry:
        registry = self._kept(served) if served else self._first
        return applied(registry, changes, self._blobs) if changes else registry

    def _kept(self, served: Served) -> Registry:
        what = f"the structures served from {served.stamp or _START:%Y-%m-%d %H:%M:%S} UTC on"
        return _read(proven(served.archive, self._blobs, what), self._first)

    def _hold(self, key: tuple[str, int], registry: Registry) -> Registry:
        while len(self._held) >= MOST:
            del self._held[next(iter(self._held))]
        self._held[key] = registry
        return registry


def in_force(history: History, instant: datetime) -> Served | None:
    """The folders that were served at an instant; None before the first that are known."""
    count = bisect_right(history.served, instant, key=_stamp)
    return history.served[count - 1] if count else None


def _is_last(files: Packed, history: History) -> bool:
    return bool(history.served) and history.served[-1].files == files.digest


def _stamp(made: Served | StructureChange) -> datetime:
    return made.stamp or _START


def _read(archive: bytes, known: Registry) -> Registry:
    try:
        found = list(unpacked(archive, known.told_by))
    except StructureFault as fault:  # of the past, not of a file that the one who asks can mend
        raise Unavailable(f"Structures of the past cannot be read: {fault}") from fault
    return Registry((artefact for artefact, _ in found), {artefact.urn: origin for artefact, origin in found})
