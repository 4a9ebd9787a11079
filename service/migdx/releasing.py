"""Releasing: what a compiler makes public, moves or takes back, and what will be seen then.

A Step is one change of what is public: it is chosen from the ledger, and written, or supposed in a book that
is thrown away, by the same lines; so a dry run refuses what the release itself would refuse, and shows what
it would show.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from .errors import Conflict, NotFound, SemanticFault, SyntaxFault, some
from .history import History
from .ledger import Book, Ledger
from .precedence import Arrangements
from .release import Release, Slot, effective, refuse_return
from .submission import Submission
from .urn import Reference, parse_short

LONGEST_NAME = 64
_NAME = re.compile(r"[a-z0-9]+(?:[-.][a-z0-9]+)*", re.ASCII)
_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)


@dataclass(frozen=True)
class Asked:
    """What a compiler wants public, in one of three ways: `submissions` by their ids; the latest accepted of
    each agreement with a `dataflow` (AGENCY:ID(VERSION), agency and version may be left out) and `providers`,
    where it is not public yet; or a release to `move`, with all it names.

    `public_from` None is now. With `skip_embargoed` those that ask for a later embargo are left out.
    """

    submissions: tuple[str, ...] = ()
    dataflow: str = ""
    providers: tuple[str, ...] = ()
    move: str = ""
    public_from: datetime | None = None
    name: str = ""
    note: str = ""
    skip_embargoed: bool = False


@dataclass(frozen=True)
class Step:
    """Releases that are taken back for a `reason`, then `revisions` that are made public, all or nothing.

    `left` are submissions that were left out, each with why. `precedence` is the digest of what is declared.
    """

    cancels: tuple[str, ...] = ()
    revisions: Mapping[Slot, int] = field(default_factory=dict)
    public_from: datetime | None = None
    name: str = ""
    note: str = ""
    reason: str = ""
    left: tuple[tuple[str, str], ...] = ()
    precedence: str = ""

    def as_dict(self) -> dict[str, Any]:
        """JSON-able, what it makes public alone; `from_dict` makes it again."""
        return {
            "cancels": list(self.cancels),
            "revisions": [[*slot, number] for slot, number in sorted(self.revisions.items())],
            "publicFrom": self.public_from.isoformat() if self.public_from else None,
            "precedence": self.precedence,
        }

    @classmethod
    def from_dict(cls, body: Mapping[str, Any]) -> Step:
        revisions = {(agreement, flow): number for agreement, flow, number in body["revisions"]}
        public_from, precedence = instant(body["publicFrom"]), body["precedence"]
        return cls(tuple(body["cancels"]), revisions, public_from, precedence=precedence)


@dataclass(frozen=True)
class Shown:
    """The revision that a slot shows `before` and `after` a step; 0 where it shows none."""

    slot: Slot
    before: int
    after: int


@dataclass(frozen=True)
class Effect:
    """What a step does: the release that was made, or taken back, and what is `shown` at the instant `at`
    otherwise than without it (of a release: than now).
    """

    release: Release
    at: datetime
    shown: tuple[Shown, ...]
    left: tuple[tuple[str, str], ...] = ()


# --- the use cases ------------------------------------------------------------------------------------------


def release(ledger: Ledger, asked: Asked, arranged: Arrangements, *, by: str) -> Effect:
    """Makes revisions public, now or from an instant on; all of them at once, or none."""
    with ledger.writing() as book:
        return taken(book, chosen(book.history, asked, arranged), by=by)


def cancel(ledger: Ledger, id: str, *, by: str, reason: str = "") -> Effect:
    """Takes a release back: what was public before it is public again."""
    with ledger.writing() as book:
        return taken(book, taking_back(book.history, id, reason), by=by)


def chosen(history: History, asked: Asked, arranged: Arrangements) -> Step:
    """The revisions that are asked for; a fault says why there are none, or why one may not be released.

    `arranged` says who must approve what.
    """
    public_from = _in_time(asked.public_from)
    at = public_from or history.now()
    ways = [bool(asked.submissions), bool(asked.dataflow or asked.providers), bool(asked.move)]
    if sum(ways) > 1:
        raise SemanticFault("A release is of submissions, or of a dataflow and providers, or moves another")
    if not any(ways):
        raise SemanticFault("A release names at least one submission, or a dataflow, or providers")
    if asked.move:
        return _moved(history, asked, public_from, at, arranged)
    if asked.submissions:
        found = [_accepted(history, id) for id in dict.fromkeys(asked.submissions)]
        left: list[tuple[str, str]] = []
        _refuse_unapproved(history, found, arranged)
    else:
        found, left = _pending(history, asked, at, arranged)
    early = [one for one in found if _asks_later(one, at)]
    if early and not asked.skip_embargoed:
        raise Conflict(_told_early(early))
    left += [(one.id, f"asks to stay closed until {one.embargo}") for one in early]
    revisions = _revisions(one for one in found if one not in early)
    if not revisions:
        reasons = some([f"submission {id} {reason}" for id, reason in left])
        raise Conflict(f"Nothing is left to release: {reasons}")
    _check_name(asked.name)
    told, digest = tuple(left), arranged.digest
    return Step((), revisions, public_from, asked.name, asked.note, left=told, precedence=digest)


def taking_back(history: History, id: str, reason: str = "") -> Step:
    """Of a release by its id or name; Conflict when it was taken back already."""
    found = history.release(id)
    _refuse_cancelled(found)
    return Step((found.id,), reason=reason)


def taken(book: Book, step: Step, *, by: str) -> Effect:
    """Writes a step into a book; what is seen otherwise by it."""
    before, now = book.history, book.history.now()
    for id in step.cancels:
        _refuse_cancelled(before.release(id))
        reason = {"reason": step.reason} if step.reason else {}
        book.append("release_cancelled", {"id": id, "by": by} | reason)
    if not step.revisions:
        made = book.history.release(step.cancels[-1])
        at = now = max(made.public_from, book.history.stamp)
    else:
        _refuse_taken(book.history, step.name)
        now_or_later = max(step.public_from or now, book.history.now())  # what is past is now
        refuse_return(book.history.releases, step.revisions, now_or_later)
        made = book.release(
            step.revisions,
            public_from=step.public_from,
            by=by,
            note=step.note,
            name=step.name,
            precedence=step.precedence,
        )
        at = made.public_from
    then, after = effective(before.releases, now), effective(book.history.releases, at)
    shown = (Shown(slot, then.get(slot, 0), after.get(slot, 0)) for slot in sorted(made.revisions))
    return Effect(made, at, tuple(shown), step.left)


def supposed(ledger: Ledger, step: Callable[[History], Step]) -> tuple[Step, Effect, History]:
    """What a step would do, and what the ledger would say then; nothing is written."""
    book = ledger.supposing()
    found = step(book.history)
    return found, taken(book, found, by=""), book.history


def instant(value: object, what: str = "publicFrom") -> datetime | None:
    """An instant as people write it, in UTC; None for nothing, SyntaxFault for what is none."""
    if value in (None, ""):
        return None
    try:
        found = datetime.fromisoformat(str(value))
        # what has no instant in UTC is none; what has no zone is refused as such
        return found.astimezone(UTC) if found.tzinfo else found
    except (ValueError, OverflowError):
        raise SyntaxFault(
            f'"{what}": "{str(value)[:LONGEST_NAME]}" is no instant; expected for instance '
            "2026-12-01T09:00:00+01:00"
        ) from None


# --- what may be released -----------------------------------------------------------------------------------


def _accepted(history: History, id: str) -> Submission:
    found = history.submissions.get(id)
    if found is None:
        raise NotFound(f"There is no submission {id[:LONGEST_NAME]}")
    history.refuse_forgotten(id)
    if found.verdict != "accepted":
        raise Conflict(f"Submission {id} was rejected; only accepted ones are released")
    return found


def _pending(
    history: History, asked: Asked, at: datetime, arranged: Arrangements
) -> tuple[list[Submission], list[tuple[str, str]]]:
    """The latest of each slot that is asked for and would not be shown at `at`; those that a compiler took
    back, or keeps under an embargo, are left out: who means them names them.
    """
    flow = parse_short(asked.dataflow, "Dataflow") if asked.dataflow else None
    matching = [
        one
        for one in history.latest.values()
        if (not asked.providers or one.provider in asked.providers)
        and (flow is None or is_to(one.dataflow, flow))
    ]
    missing = sorted(set(asked.providers) - {one.provider for one in matching})
    what = asked.dataflow or "any dataflow"
    if missing or not matching:
        whose = f" of {some(missing)}" if missing else ""
        raise SemanticFault(f"There is no accepted submission{whose} to {what}")
    shown = effective(history.releases, at)
    waiting = [one for one in matching if shown.get(one.slot) != one.revision]
    if not waiting:
        raise Conflict(
            f"Nothing is left to release: the latest revisions of all {len(matching)} agreements that match "
            "are public by then"
        )
    decided = {one.id: _decided(history, one, at) or _unapproved(history, one, arranged) for one in waiting}
    left = [(id, reason) for id, reason in decided.items() if reason]
    return [one for one in waiting if not decided[one.id]], left


def _decided(history: History, submission: Submission, at: datetime) -> str:
    """What a compiler decided on a revision that is not shown at `at`; "" when nobody released it yet."""
    made = [one for one in history.releases if one.revisions.get(submission.slot) == submission.revision]
    later = next((one for one in made if one.cancelled is None and one.public_from > at), None)
    if later:
        return f"becomes public at {later.public_from.isoformat()} by release {later.id}"
    return "was released and taken back" if any(one.cancelled for one in made) else ""


def is_to(dataflow: str, asked: Reference) -> bool:
    """Whether AGENCY:ID(VERSION) is the one that is asked for, by any agency (*), of any version (~)."""
    if not dataflow:
        return False
    given = parse_short(dataflow, "Dataflow")
    agency, version = asked.agency in ("*", given.agency), asked.version in ("~", given.version)
    return given.id == asked.id and agency and version


def _moved(
    history: History, asked: Asked, public_from: datetime | None, at: datetime, arranged: Arrangements
) -> Step:
    """The same revisions from another instant on; name and note stay, unless others are given."""
    old = history.release(asked.move)
    _refuse_cancelled(old)
    if old.public_from <= history.now():
        raise Conflict(
            f"Release {old.id} has been public since {old.public_from.isoformat()}; it can be taken back, "
            "not moved"
        )
    found = [history.revision(*slot, number) for slot, number in old.revisions.items()]
    _refuse_unapproved(history, found, arranged)
    early = [one for one in found if _asks_later(one, at)]
    if early:
        raise Conflict(_told_early(early))
    _check_name(asked.name)
    name, note = asked.name or old.name, asked.note or old.note
    return Step((old.id,), old.revisions, public_from, name, note, "moved", precedence=arranged.digest)


def _unapproved(history: History, submission: Submission, arranged: Arrangements) -> str:
    """Whose approval a submission awaits, as a sentence goes on; "" where it may be released."""
    approver = history.awaits(submission, arranged)
    return f"awaits the approval of {approver}" if approver else ""


def _refuse_unapproved(history: History, found: Iterable[Submission], arranged: Arrangements) -> None:
    waiting = [(one, reason) for one in found if (reason := _unapproved(history, one, arranged))]
    if waiting:
        told = some([f"submission {one.id} ({one.provider}) {reason}" for one, reason in waiting])
        raise Conflict(f"Not released: {told}, which approves what {waiting[0][0].provider} sends")


def _revisions(submissions: Iterable[Submission]) -> dict[Slot, int]:
    """The last revision of each slot."""
    found: dict[Slot, int] = {}
    for one in submissions:
        found[one.slot] = max(one.revision, found.get(one.slot, 0))
    return found


def _asks_later(submission: Submission, public_from: datetime) -> bool:
    """Its rows may ask for an embargo: a request to the compiler, who may release later, not earlier."""
    return bool(submission.embargo) and public_from < datetime.fromisoformat(submission.embargo)


def _told_early(early: Sequence[Submission]) -> str:
    told = some([f"{one.id} ({one.provider}) until {one.embargo}" for one in early])
    asks = "Submission" if len(early) == 1 else "Submissions"
    verb = "asks" if len(early) == 1 else "ask"
    return f"{asks} {told} {verb} to stay closed; release from then"


def _in_time(public_from: datetime | None) -> datetime | None:
    if public_from is not None and public_from.tzinfo is None:
        raise SemanticFault(
            f"'{public_from.isoformat()}' has no time zone; expected 2026-12-01T09:00:00+01:00 or alike"
        )
    return instant(public_from)


def _refuse_cancelled(found: Release) -> None:
    if found.cancelled:
        raise Conflict(f"Release {found.id} was cancelled at {found.cancelled.isoformat()} already")


def _check_name(name: str) -> None:
    if name and (not _NAME.fullmatch(name) or len(name) > LONGEST_NAME or _ID.fullmatch(name)):
        raise SemanticFault(
            f"The name '{name[:LONGEST_NAME]}' cannot stand in an address; expected up to {LONGEST_NAME} of "
            "a-z and 0-9, with single - and . between them, such as 2026-spring"
        )


def _refuse_taken(history: History, name: str) -> None:
    """A name is for good once it was seen; of a release that never began it may be used again."""
    for other in history.releases if name else ():
        if other.name == name and (other.cancelled is None or other.begun(other.cancelled)):
            raise Conflict(f"Release {other.id} is named '{name}' already")
