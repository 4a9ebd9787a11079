"""Saved: a backup in a folder: its manifest, its lists, its files.

The manifest is written last: a folder without one is no backup yet, and says so.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import orjson

from .depots import Depot
from .depots.folder import FolderDepot
from .durable import draft
from .errors import ExchangeError, NotFound, SemanticFault
from .history import Entry
from .inventory import PARTS, Bytes, Measured, Named, Place, measured
from .ledger import BrokenLedger, of_line
from .settings import Settings

TYPE = "migdx-backup-1"
MANIFEST, KEYS = "manifest.json", "keys"
LEDGER, FILES, LINES = "ledger-", "files-", ".jsonl"
"""How the names of the two lists begin and end: the entries, and the files with their digests."""


@dataclass(frozen=True)
class Manifest:
    """A backup up to the ledger entry `seq`, whose digest is `entry`. `ledger` and `files` are the sha256 of
    the files of entries and of the list of files; `count` and `size` are of these. `keys` says whether
    private keys are among them.
    """

    seq: int
    entry: str
    made: str
    ledger: str
    files: str
    count: int
    size: int
    keys: bool

    @property
    def lines(self) -> str:
        """What the names of its two lists end with."""
        return f"{self.seq}-{self.entry[:16]}{LINES}"


def manifest_of(folder: Path) -> Manifest:
    """NotFound where no backup was finished, ExchangeError where what says so is damaged."""
    damaged = ExchangeError(f"{folder / MANIFEST} is no manifest of a backup: it is damaged")
    try:
        body = orjson.loads((folder / MANIFEST).read_bytes())
        kind, found = body.pop("type"), Manifest(**body)
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound(f"There is no backup in {folder}, or none that was finished") from None
    except (ValueError, TypeError, KeyError, AttributeError):
        raise damaged from None
    types = {"seq": int, "entry": str, "ledger": str, "files": str, "count": int, "size": int}
    if kind != TYPE or not all(isinstance(getattr(found, name), one) for name, one in types.items()):
        raise damaged
    return found


def saved_place(folder: Path, ledger: Path) -> Place:
    def entries() -> Iterator[Entry]:
        try:
            with ledger.open("rb") as file:
                yield from map(of_line, file)
        except FileNotFoundError:
            raise BrokenLedger(f"{ledger.name}, the ledger of the backup, is missing") from None

    return Place(entries, {part: FolderDepot(folder / part) for part in PARTS})


def listed(folder: Path, manifest: Manifest) -> Iterator[tuple[str, Measured]]:
    """The files of a backup by their paths; ExchangeError where the list is not the one that was written."""
    lines = _unchanged(folder / (FILES + manifest.lines), manifest.files)
    for line in lines:
        told = orjson.loads(line)
        yield told["path"], Measured(told["sha256"], told["size"], told["sha256"])


def _unchanged(path: Path, sha256: str) -> list[bytes]:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise ExchangeError(f"{path} of the backup is missing") from None
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ExchangeError(f"{path} of the backup is damaged: it is not what its manifest says")
    return content.splitlines()


def digest_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return measured(file).sha256
    except FileNotFoundError:
        return ""


def refuse(said: str) -> None:
    raise BrokenLedger(said)


# --- files --------------------------------------------------------------------------------------------------


class Lost(Exception):
    """Why a file cannot be copied."""


def copied(one: Named, source: Depot, goal: Depot, expected: str = "") -> Measured:
    """Copies a file, whole and right, or not at all; `expected` is its sha256 where more is known than the
    ledger says.
    """
    try:
        file = source.open(one.name)
    except (NotFound, OSError) as fault:
        raise Lost("is missing" if isinstance(fault, NotFound) else f"cannot be read: {fault}") from None
    with closing(file), goal.writing() as new:
        found = measured(_Reading(file), packed=one.packed, goal=new.file)
        right = found.sha256 == expected if expected else one.sha256 in ("", found.told)
        if not right:
            raise Lost(f"is damaged: its {found.size} bytes have the sha256 {found.told}")
        new.name = one.name
    return found


class _Reading:
    """A file whose faults are not those of the disk that is written to."""

    def __init__(self, file: Bytes) -> None:
        self._file = file

    def read(self, size: int) -> bytes:
        try:
            return self._file.read(size)
        except OSError as fault:
            raise Lost(f"cannot be read: {fault.strerror}") from None


def copied_key(path: Path, goal: Path) -> Measured:
    content = path.read_bytes()
    with draft(goal) as new:
        os.fchmod(new.file.fileno(), 0o600)
        new.file.write(content)
        new.name = path.name
    digest = hashlib.sha256(content).hexdigest()
    return Measured(digest, len(content), digest)


def refuse_within(folder: Path, settings: Settings) -> None:
    """SemanticFault for a backup inside what is backed up, or the other way round."""
    one, other = folder.resolve(), settings.folder.resolve()
    if one == other or one in other.parents or other in one.parents:
        raise SemanticFault(f"{folder} and {settings.folder} lie in one another; a backup belongs elsewhere")
