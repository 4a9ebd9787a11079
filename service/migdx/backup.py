"""Backup: a ledger up to an entry, and all that it needs, copied into a folder while others write.

The entries are copied first, as they are; then the files that they need, each compared with its digest. At
last the manifest says up to which entry this is a backup: a folder whose next backup was cut off is still the
one before. What is there already is not copied again.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import orjson

from .depots import Depot
from .depots.folder import FULL, FolderDepot
from .durable import SUFFIX, draft, make_folder
from .errors import Conflict, ExchangeError, NoSpace, some
from .history import START, Entry
from .inventory import PARTS, Measured, Named, Place, Tell, measured
from .ledger import Ledger, as_line
from .saved import (
    FILES,
    KEYS,
    LEDGER,
    LINES,
    MANIFEST,
    TYPE,
    Lost,
    Manifest,
    copied,
    copied_key,
    listed,
    manifest_of,
    refuse,
    saved_place,
)
from .settings import Settings

_LOCK = ".lock"
_OWN = (MANIFEST, KEYS, _LOCK, *PARTS)


@dataclass(frozen=True)
class Made:
    """A backup that is whole: how many of its files were `copied` now, and how many `removed` that are no
    longer kept.
    """

    manifest: Manifest
    copied: int
    removed: int


def place_of(settings: Settings, ledger: Ledger) -> Place:
    """Of an exchange."""
    return Place(ledger.entries, {part: settings.depot(part) for part in PARTS})


def backup(source: Place, folder: Path, keys: Path | None = None, tell: Tell = lambda _, __: None) -> Made:
    """Copies an exchange, which may be serving, into a folder that is empty or a backup of the same; with the
    private keys of the folder `keys`, if one is named.

    ExchangeError where something that the ledger needs is missing or damaged: then it is no backup.
    """
    with _alone(folder), _room(folder):
        last = _last(source, folder)
        while True:
            try:
                return _Making(source, folder, last).made(keys, tell)
            except _Forgotten:  # while it was copied; what is there is not copied again
                continue


class _Forgotten(Exception):
    """A file went that the ledger says since is kept no longer."""


class _Making:
    """One backup, up to one entry of the ledger."""

    def __init__(self, source: Place, folder: Path, last: Manifest | None) -> None:
        self.source, self.folder = source, folder
        self.known = dict(listed(folder, last)) if last else {}
        self.copied = 0

    def made(self, keys: Path | None, tell: Tell) -> Made:
        seq, entry, ledger = self._entries()
        lines = f"{seq}-{entry[:16]}{LINES}"
        found = self._files(saved_place(self.folder, self.folder / (LEDGER + lines)), tell)
        found |= self._private(keys) if keys else {}
        files = _written(self.folder, FILES + lines, map(_line, sorted(found.items())))
        size = sum(one.size for one in found.values())
        now = datetime.now(UTC).isoformat(timespec="seconds")
        manifest = Manifest(seq, entry, now, ledger, files, len(found), size, keys is not None)
        body = {"type": TYPE} | {name: getattr(manifest, name) for name in manifest.__dataclass_fields__}
        _written(self.folder, MANIFEST, [orjson.dumps(body, option=orjson.OPT_INDENT_2)])
        return Made(manifest, self.copied, _pruned(self.folder, manifest, found))

    def _files(self, goal: Place, tell: Tell) -> dict[str, Measured]:
        """Copies what the entries in the backup need."""
        here, there = goal.listed(), self.source.listed()
        found, lost, done, whole = dict[str, Measured](), list[str](), 0, sum(there.values())
        for one in Place(goal.entries, self.source.depots).named(goal.history(refuse)):
            try:
                found[one.path] = self._kept(one, goal.depots[one.part], here)
            except Lost as fault:
                if not one.still_needed(self.source.history(refuse)):
                    raise _Forgotten from None
                lost.append(f"{one.path} {fault}")
            done += there.get(one.path, 0)
            tell(done, whole)
        tell(whole, whole)
        if lost:
            raise ExchangeError(
                f"This is no backup: {len(lost)} files that the ledger needs are not there or damaged: "
                f"{some(lost)}; `migdx verify` tells of all"
            )
        return found

    def _entries(self) -> tuple[int, str, str]:
        """Copies the ledger as it is now: number and digest of the last entry, sha256 of the file."""
        last = Entry(0, datetime.min.replace(tzinfo=UTC), "", "", "", START)
        digest = hashlib.sha256()
        with draft(self.folder) as new:
            for last in self.source.sound(refuse):
                line = as_line(last)
                digest.update(line)
                new.file.write(line)
            new.name = f"{LEDGER}{last.seq}-{last.digest[:16]}{LINES}"
        return last.seq, last.digest, digest.hexdigest()

    def _kept(self, one: Named, goal: Depot, here: Mapping[str, int]) -> Measured:
        """A file in the backup: as it is there already, or copied now."""
        size = here.get(one.path)
        if size is not None:
            known = self.known.get(one.path)
            if known and known.size == size:
                return known
            with closing(goal.open(one.name)) as file:
                found = measured(file, packed=one.packed)
            if one.sha256 and found.told == one.sha256:
                return found
            goal.remove(one.name)  # half of it, or nothing tells whether it is right
        self.copied += 1
        return copied(one, self.source.depots[one.part], goal)

    def _private(self, keys: Path) -> dict[str, Measured]:
        """Copies the private keys; who may read them here may sign receipts."""
        found = {}
        (self.folder / KEYS).mkdir(mode=0o700, exist_ok=True)
        for path in sorted(keys.glob("*.pem")) if keys.is_dir() else ():
            found[f"{KEYS}/{path.name}"] = copied_key(path, self.folder / KEYS)
        return found


def _pruned(folder: Path, manifest: Manifest, found: Mapping[str, Measured]) -> int:
    """Removes what the manifest does not speak of: what was forgotten since, lists of before, drafts."""
    removed = 0
    for part in PARTS:
        depot = FolderDepot(folder / part)
        for kept in list(depot.names()):
            if f"{part}/{kept.name}" not in found:
                depot.remove(kept.name)
                removed += 1
    for path in folder.glob(f"{KEYS}/*.pem"):
        if f"{KEYS}/{path.name}" not in found:
            path.unlink()
    for path in folder.rglob(f".*{SUFFIX}"):
        path.unlink(missing_ok=True)
    for path in folder.glob(f"*{LINES}"):
        if not path.name.endswith(f"-{manifest.lines}"):
            path.unlink()
    return removed


# --- the folder ---------------------------------------------------------------------------------------------


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Nobody else writes to the folder meanwhile."""
    make_folder(folder)
    other = [path.name for path in folder.iterdir() if not _is_own(path.name)]
    if other:
        raise Conflict(f"{folder} is no backup: it holds {some(sorted(other), 3)}; name an empty folder")
    with (folder / _LOCK).open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Conflict(f"Another backup is being written to {folder}") from None
        yield


def _is_own(name: str) -> bool:
    lists = name.startswith((LEDGER, FILES)) and name.endswith(LINES)
    return name in _OWN or lists or (name.startswith(".") and name.endswith(SUFFIX))


@contextmanager
def _room(folder: Path) -> Iterator[None]:
    try:
        yield
    except (NoSpace, OSError) as fault:
        if isinstance(fault, OSError) and fault.errno not in FULL:
            raise
        cause = fault if isinstance(fault, OSError) else fault.__cause__
        full = not isinstance(cause, OSError) or cause.errno in (errno.ENOSPC, errno.EDQUOT)
        why = "there is no room left" if full else "it cannot be written"
        state = "the backup before this one is still whole" if (folder / MANIFEST).is_file() else "it is none"
        raise NoSpace(f"The backup in {folder} was not finished, {why}; {state}") from None


def _last(source: Place, folder: Path) -> Manifest | None:
    """The backup that is there; Conflict where it is one of another ledger."""
    if not (folder / MANIFEST).is_file():
        return None
    last = manifest_of(folder)
    same = next((one.digest for one in source.sound(refuse) if one.seq == last.seq), START)
    if same != last.entry:
        raise Conflict(f"{folder} is the backup of another exchange: entry {last.seq} is not the same here")
    return last


def _written(folder: Path, name: str, lines: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    with draft(folder) as new:
        for line in lines:
            new.file.write(line)
            digest.update(line)
        new.name = name
    return digest.hexdigest()


def _line(item: tuple[str, Measured]) -> bytes:
    path, one = item
    told = {"path": path, "sha256": one.sha256, "size": one.size}
    return orjson.dumps(told, option=orjson.OPT_APPEND_NEWLINE)
