"""Basis: all that a check rests on, so that the same file gets the same report again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from .blobs import Blobs
from .checks.given import Supply
from .checks.judging import BY_NAME
from .errors import NotFound, Unavailable
from .intake import Examined, examine
from .ledger import History
from .public import Public
from .registry import Registry
from .rules import RuleBook
from .sent import Sent
from .submission import Submission
from .waivers import Waiver
from .waiving import Granted, Grants


@dataclass(frozen=True)
class Basis:
    """What the ledger said, at which instant, the structures and rules then, what files are compared with,
    and the waivers that are heeded.
    """

    history: History
    at: datetime
    registry: Registry
    book: RuleBook
    supply: Supply
    grants: Grants

    def examine(self, sent: Sent, **more: Any) -> Examined:
        """A file read and checked on this basis; its report says on which."""
        found = examine(sent, self.registry, self.book, self.supply, grants=self.grants, at=self.at, **more)
        rules = {**found.report.rules, "ledger": self.history.seq}
        return replace(found, report=replace(found.report, rules=rules))


def grants(waivers: Iterable[Waiver], blobs: Blobs) -> Grants:
    """Waivers with the keys that they are for."""
    found: dict[tuple[str, str], list[Granted]] = {}
    for waiver in waivers:
        found.setdefault(waiver.slot, []).append(Granted.read(waiver, _kept(waiver.keys, blobs)))
    return found


def told_already(waivers: Iterable[Waiver], public: Public) -> list[Waiver]:
    """Those that readers know of: their slot shows a revision that was submitted with them, or later.

    Who only checks a file is told no more: a waiver says that something was sent, which is not public yet.
    """

    def shown(waiver: Waiver) -> Submission | None:
        number = public.revisions.get(waiver.slot)
        return public.history.revision(*waiver.slot, number) if number else None

    return [
        waiver
        for waiver in waivers
        if (found := shown(waiver)) and found.stamp and waiver.stamp and found.stamp > waiver.stamp
    ]


def kept_book(rules: Mapping[str, Any], blobs: Blobs) -> RuleBook:
    """The rules that a report names, without those whose check is no more."""
    book = RuleBook.read(_kept(str(rules["pack"]), blobs))
    return replace(book, rules=tuple(rule for rule in book if rule.check in BY_NAME))


def _kept(sha256: str, blobs: Blobs) -> bytes:
    lost = f"Blob {sha256}, which the ledger needs, is missing or damaged; bring it back from a copy"
    try:
        with blobs.open(sha256) as blob:
            content = blob.read()
    except (NotFound, OSError):
        raise Unavailable(lost) from None
    if hashlib.sha256(content).hexdigest() != sha256:
        raise Unavailable(lost)
    return content
