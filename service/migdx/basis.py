"""Basis: all that a check rests on, so that the same file gets the same report again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, BinaryIO

import orjson

from .blobs import Blobs
from .checks.given import Supply
from .checks.judging import BY_NAME
from .errors import Gone, NotFound, Unavailable
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
    the waivers that are heeded, and the digest of the precedence that is declared. Only a report that is
    `kept` says how much the ledger held: from that number anybody could see that something was sent.
    """

    history: History
    at: datetime
    registry: Registry
    book: RuleBook
    supply: Supply
    grants: Grants
    kept: bool = True
    precedence: str = ""

    def examine(self, sent: Sent, **more: Any) -> Examined:
        """A file read and checked on this basis; its report says on which."""
        found = examine(sent, self.registry, self.book, self.supply, grants=self.grants, at=self.at, **more)
        rules = {**found.report.rules, **({"ledger": self.history.seq} if self.kept else {})}
        rules |= {"precedence": self.precedence} if self.precedence else {}
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
            here = later and one.slot == waiver.slot and one.id not in public.history.forgotten
            if here and 0 < one.revision <= public.revisions.get(one.slot, 0):
                yield one

    return [one for one in waivers if any(_used(one, _kept(told.report, blobs)) for told in with_it(one))]


def _used(waiver: Waiver, report: bytes) -> bool:
    """Whether a report names a waiver at a finding of the same code."""
    told = (waiver.code, asdict(waiver.said))
    return any(told == (group["code"], group.get("waived")) for group in orjson.loads(report)["groups"])


def bytes_of(submission: Submission, history: History, blobs: Blobs) -> BinaryIO:
    """What was sent with a submission; the caller closes it. Gone where that is kept no longer."""
    try:
        return blobs.open(submission.sha256)
    except NotFound:
        since = history.dropped.get(submission.sha256)
        if since is None:
            raise
        raise Gone(
            f"What was sent with submission {submission.id} is no longer kept since {since:%Y-%m-%d}; its "
            "report and its receipt are"
        ) from None


def refuse_compared_with_forgotten(submission: Submission, then: History, now: History) -> None:
    """Gone where a revision that a submission, or one of the same file, was compared with was forgotten."""
    for one in now.together(submission.id):
        before = then.latest.get(one.slot)
        gone = now.forgotten.get(before.id) if before else None
        if before and gone:
            raise Gone(
                f"Submission {one.id} was compared with submission {before.id}, which was forgotten on "
                f"{gone.stamp:%Y-%m-%d}: it cannot be checked again"
            )


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
