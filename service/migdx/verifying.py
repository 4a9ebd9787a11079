"""Verifying: whether all that a ledger needs is there, and is what the ledger says: of an exchange, whether
it serves or not, and of a backup. Nothing is changed, and no more than one piece of a file is in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass

from .errors import NotFound
from .history import History
from .inventory import PARTS, Measured, Named, Place, Tell, measured


@dataclass(frozen=True)
class Verified:
    """`seq` and `digest` of the last sound entry; how many `files` its ledger needs, their `bytes`; how many
    others there are: `orphans` go when they are swept; how many `faults` were told.
    """

    seq: int
    digest: str
    files: int
    bytes: int
    orphans: int
    faults: int


def verify(
    place: Place,
    fault: Callable[[str], None],
    tell: Tell = lambda _, __: None,
    expected: Mapping[str, Measured] | None = None,
) -> Verified:
    """Reads every entry and every file; `fault` hears of each that is broken, missing or damaged, in one
    line. `expected` has what is known of each file of a backup by its path.
    """
    count = _Count(fault)
    history = place.history(count.fault)
    listed = place.listed()  # after the ledger: a file is there before its entry
    sizes = sum(listed.values())
    needed, read = set[str](), 0
    try:
        for one in place.named(history):
            needed.add(one.path)
            known = expected.get(one.path) if expected is not None else None
            wrong = _wrong(place, one, known, listed=one.path in listed)
            if not wrong and expected is not None and known is None:
                wrong = "is not among the files that the backup says it has"
            if wrong and one.still_needed(place.history(lambda _: None)):
                count.fault(f"{one.path} {wrong}; ledger entry {one.seq} needs it")
            read += listed.get(one.path, 0)
            tell(read, sizes)
    except ValueError as said:
        count.fault(str(said))
    for path in sorted((expected or {}).keys() - needed):
        if path.startswith(PARTS):
            count.fault(f"{path} is in the backup, but nothing that is sound in it names this file")
    tell(sizes, sizes)
    return _told(history, listed, needed, count.faults)


def _told(history: History, listed: Mapping[str, int], needed: set[str], faults: int) -> Verified:
    there = needed & listed.keys()
    size = sum(listed[path] for path in there)
    return Verified(history.seq, history.digest, len(there), size, len(listed) - len(there), faults)


class _Count:
    def __init__(self, fault: Callable[[str], None]) -> None:
        self._fault, self.faults = fault, 0

    def fault(self, said: str) -> None:
        self.faults += 1
        self._fault(said)


def _wrong(place: Place, one: Named, known: Measured | None, *, listed: bool) -> str:
    """What is wrong with a file; "" where nothing is."""
    depot = place.depots[one.part]
    try:
        if listed:
            depot.renew([one.name])  # what the depot has, not a copy of it
        with closing(depot.open(one.name)) as file:
            found = measured(file, packed=one.packed)
    except NotFound:
        return "is missing"
    except OSError as fault:
        return f"cannot be read: {fault.strerror or fault}"
    expected = known.sha256 if known else one.sha256
    is_now = found.sha256 if known else found.told
    if expected and is_now != expected:
        return f"is damaged: its {found.size} bytes have the sha256 {is_now}, not {expected}"
    return ""
