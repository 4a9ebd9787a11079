"""Basis: all that a check rests on, so that the same file gets the same report again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

import orjson

from .blobs import Blobs
from .checks.given import Supply
from .checks.judging import BY_NAME
from .errors import NotFound, Unavailable
from .examined import Examined
from .history import History
from .intake import examine
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
    and the waivers that are heeded. Only a report that is `kept` says how much the ledger held: from that
    number anybody could see that something was sent.
    """

    history: History
    at: datetime
    registry: Registry
    book: RuleBook
    supply: Supply
    grants: Grants
    kept: bool = True

    def examine(self, sent: Sent, **more: Any) -> Examined:
        """A file read and checked on this basis; its report says on which."""
        found = examine(sent, self.registry, self.book, self.supply, grants=self.grants, at=self.at, **more)
        rules = {**found.report.rules, **({"ledger": self.history.seq} if self.kept else {})}
        return replace(found, report=replace(found.report, rules=rules))


def grants(waivers: Iterable[Waiver], blobs: Blobs) -> Grants:
    """Waivers with the keys that they are for."""
    found: dict[tuple[str, str], list[Granted]] = {}
    for waiver in waivers:
        found.setdefault(waiver.slot, []).append(Granted.read(waiver, _kept(waiver.keys, blobs)))
    return found


def told_already(waivers: Iterable[Waiver], public: Public, blobs: Blobs) -> list[Waiver]:
    """Those that readers know of: what their slot shows was taken with them, as its reports say.

    Who only checks a file is told no more: a waiver says that something was sent, which is not public yet.
    """

    def with_it(waiver: Waiver) -> Iterator[Submission]:
        for one in public.history.submissions.values():
            later = one.stamp and waiver.stamp and one.stamp > waiver.stamp
            if later and one.slot == waiver.slot and 0 < one.revision <= public.revisions.get(one.slot, 0):
                yield one

    return [one for one in waivers if any(_used(one, _kept(told.report, blobs)) for told in with_it(one))]


def _used(waiver: Waiver, report: bytes) -> bool:
    """Whether a report names a waiver at a finding of the same code."""
    told = (waiver.code, asdict(waiver.said))
    return any(told == (group["code"], group.get("waived")) for group in orjson.loads(report)["groups"])


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
