"""Inventory: the files that the entries of a ledger need, with what they must be.

A kind of entry is one function here, too, in the table at the end. Derived files (packs, what is left of
segments beside others, previews) are not told: they are made again when they are asked for.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any, BinaryIO, Literal, Protocol

import orjson

from .depots import Depot
from .errors import NotFound
from .history import Entry, History
from .ledger import BrokenLedger, proven
from .snapshot import CSV, FOLDER, MANIFEST, Snapshot, holding_forgotten
from .stores.segments import files_of
from .submission import Submission

Part = Literal["segments", "blobs"]
PARTS: tuple[Part, ...] = ("segments", "blobs")

Tell = Callable[[int, int], None]
"""Hears of progress: how much is done, of how much."""

PIECE = 1 << 20

_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_MADE_AGAIN = {"segments": ("open/derived/", "open/packs/"), "blobs": ("previews/",)}


@dataclass(frozen=True)
class Named:
    """A file of a depot that the ledger entry `seq` needs. `sha256` is "" where nothing says it; of a
    `packed` one it is that of what gzip has in it. `subject` is the submission or the release.
    """

    part: Part
    name: str
    sha256: str
    seq: int
    subject: str = ""
    packed: bool = False

    @property
    def path(self) -> str:
        return f"{self.part}/{self.name}"

    def still_needed(self, history: History) -> bool:
        """Whether a ledger that has grown since does not say that it is kept no longer."""
        if self.part == "segments":
            return self.subject not in history.forgotten
        released = self.name.startswith(f"{FOLDER}/") and self.subject in holding_forgotten(history)
        return self.name not in history.dropped and not released


@dataclass(frozen=True)
class Place:
    """Where a ledger and its files are: of an exchange, or of a backup."""

    entries: Callable[[], Iterator[Entry]]
    depots: Mapping[str, Depot]

    def history(self, fault: Callable[[str], None]) -> History:
        """What its sound entries say; `fault` hears of the first that is not."""
        return History().extended(self.sound(fault))

    def sound(self, fault: Callable[[str], None] = lambda _: None) -> Iterator[Entry]:
        """The entries up to the first that does not follow from those before it."""
        try:
            yield from proven(self.entries(), History())
        except BrokenLedger as broken:
            fault(str(broken))

    def listed(self) -> dict[str, int]:
        """Every file and its size, without those that are made again."""
        return {
            f"{part}/{kept.name}": kept.size
            for part in PARTS
            for kept in self.depots[part].names()
            if not kept.name.startswith(_MADE_AGAIN[part])
        }

    def named(self, history: History) -> Iterator[Named]:
        """What the entries of `history` need of the depots, each file once; ValueError names an entry that
        says nothing that can be understood.
        """
        seen = set[str]()
        blobs, withdrawn = self.depots["blobs"], frozenset(holding_forgotten(history))
        for entry in self.sound():
            if entry.seq > history.seq:
                break
            try:
                found = [*_of_entry(entry, history, blobs)]
                if entry.kind == "release" and entry.body["id"] not in withdrawn:
                    found += _of_snapshot(entry.body["id"], entry.seq, blobs)
            except (KeyError, TypeError, ValueError, IndexError, AttributeError) as fault:
                raise ValueError(f"Ledger entry {entry.seq} ({entry.kind}) cannot be understood") from fault
            for one in found:
                if one.path not in seen:
                    seen.add(one.path)
                    yield one


@dataclass(frozen=True)
class Measured:
    """The sha256 and the size of the bytes of a file; `told` is the sha256 that it goes by, "" where gzip
    cannot unpack it.
    """

    sha256: str
    size: int
    told: str


class Bytes(Protocol):
    """What is read piece by piece."""

    def read(self, size: int, /) -> bytes: ...


def measured(source: Bytes, *, packed: bool = False, goal: BinaryIO | None = None) -> Measured:
    """Reads an open file to its end, and copies it to `goal`."""
    raw, within, size = hashlib.sha256(), hashlib.sha256(), 0
    unpacked, whole = zlib.decompressobj(31), not packed
    while piece := source.read(PIECE):
        raw.update(piece)
        size += len(piece)
        if goal is not None:
            goal.write(piece)
        if packed:
            try:
                within.update(unpacked.decompress(piece))
                whole = unpacked.eof and not unpacked.unused_data
            except zlib.error:
                packed = whole = False
    told = within if unpacked.eof else raw
    return Measured(raw.hexdigest(), size, told.hexdigest() if whole else "")


# --- what an entry needs ------------------------------------------------------------------------------------


def _of_entry(entry: Entry, history: History, blobs: Depot) -> Iterator[Named]:
    if entry.kind == "submission":
        yield from _of_submission(Submission.from_dict(entry.body, entry.stamp), entry.seq, history, blobs)
        return
    known = NAMES.get(entry.kind)
    # of a kind that a later version wrote: whatever may be the name of a blob, and is
    names = known(entry.body) if known else (name for name in _digests(entry.body) if blobs.exists(name))
    for digest in names:
        if digest:
            yield Named("blobs", digest, digest, entry.seq)


def _of_submission(made: Submission, seq: int, history: History, blobs: Depot) -> Iterator[Named]:
    if made.id in history.forgotten:
        return
    for name, digest in files_of(made.segment).items() if made.segment else ():
        yield Named("segments", name, digest, seq, made.id)
    dropped = history.dropped.get(made.sha256)
    if dropped is None or (made.stamp and made.stamp > dropped):
        yield Named("blobs", made.sha256, made.sha256, seq, made.id)
    if made.report:
        yield Named("blobs", made.report, made.report, seq, made.id)
        for digest in _of_report(made.report, blobs):
            yield Named("blobs", digest, digest, seq, made.id)


def _of_report(digest: str, blobs: Depot) -> Iterator[str]:
    """The rules, what was declared, the workbook map: what only the report names."""
    told = _read(digest, blobs) or {}
    rules, subject = told.get("rules", {}), told.get("subject", {})
    for name in (rules.get("pack"), rules.get("precedence"), subject.get("map")):
        if isinstance(name, str) and _DIGEST.fullmatch(name):
            yield name


def _of_snapshot(release: str, seq: int, blobs: Depot) -> Iterator[Named]:
    """The kept files of a release, as far as they are complete."""
    manifest = f"{FOLDER}/{release}/{MANIFEST}"
    try:
        told = _read(manifest, blobs)
        files = Snapshot.from_dict(told).files.values() if told is not None else []
    except (KeyError, TypeError, ValueError):
        yield Named("blobs", manifest, "that of a manifest", seq, release)
        return
    for file in files:
        name = f"{FOLDER}/{release}/{file.sha256}"
        yield Named("blobs", name, file.sha256, seq, release, packed=file.media_type == CSV)
    if told is not None:
        yield Named("blobs", manifest, "", seq, release)


def _read(name: str, blobs: Depot) -> dict[str, Any] | None:
    """None where it is not there; nothing of what is no JSON: whoever reads its bytes finds that."""
    try:
        with closing(blobs.open(name)) as file:
            found = orjson.loads(file.read())
    except NotFound:
        return None
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _digests(value: object) -> Iterator[str]:
    if isinstance(value, str):
        if _DIGEST.fullmatch(value):
            yield value
    elif isinstance(value, Mapping | list):
        for one in value.values() if isinstance(value, Mapping) else value:
            yield from _digests(one)


def _none(_: Mapping[str, Any]) -> Iterable[str]:
    return ()


NAMES: dict[str, Callable[[Mapping[str, Any]], Iterable[str]]] = {
    "release": lambda body: [body.get("precedence", "")],
    "release_cancelled": _none,
    "structures": lambda body: [*(blob["sha256"] for blob in body["blobs"]), body["message"]],
    "structures_served": lambda body: [body["archive"]],
    "workbook_map": lambda body: [body["blob"]],
    "answer": _none,
    "approval": _none,
    "waiver": lambda body: [body["keys"]],
    "waiver_revoked": _none,
    "signing_key": _none,
    "signing_key_revoked": _none,
    "forgotten": _none,
    "bytes_dropped": _none,
}
"""By kind of entry the blobs that it names; those of submissions see above."""
