"""History: what the ledger's entries say, folded: submissions, releases, waivers, changes of structures.

A kind of entry is one function here, in the table at the end: it takes what was known and the entry.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from types import MappingProxyType
from typing import Any, TypeVar

import orjson

from .errors import Gone, NotFound
from .mappings import Mapped
from .precedence import Approval, Arrangements
from .release import Course, Release, Slot
from .signing_key import SigningKey
from .structure_change import Served, StructureChange
from .submission import Forgotten, Submission
from .waivers import Answer, Waiver

START = "0" * 64
"""What the first entry holds as the digest of the one before it."""

MOST_NAMED = 64
"""Characters of an unknown id that a fault repeats."""

_NEVER = datetime.min.replace(tzinfo=UTC)
_Made = TypeVar("_Made", Release, Waiver)


@dataclass(frozen=True)
class Entry:
    """`text` is the body as it was written and digested."""

    seq: int
    stamp: datetime
    kind: str
    text: str
    previous: str
    digest: str

    @property
    def body(self) -> Any:
        return orjson.loads(self.text)


@dataclass(frozen=True)
class History:
    """What the ledger says up to the entry `seq`. `latest` is the last accepted submission of each slot;
    `releases` are in the order in which they were made, those taken back too; so are the changes to the
    `structures`, the workbook maps that were kept or dropped (`mapped`), the `answers`, and the `waivers`,
    those that were revoked or are past too. `keys` sign receipts, the last one now; `filed` has the number
    and the digest of the entry of each submission. Submissions that are `forgotten` have no segment any more;
    `dropped` are the blobs that are kept no longer, and since when; `served` the folders of structures.
    """

    seq: int = 0
    digest: str = START
    stamp: datetime = _NEVER
    submissions: Mapping[str, Submission] = field(default_factory=dict, repr=False)
    latest: Mapping[Slot, Submission] = field(default_factory=dict, repr=False)
    releases: tuple[Release, ...] = field(default=(), repr=False)
    revisions: Mapping[tuple[str, str, int], Submission] = field(default_factory=dict, repr=False)
    structures: tuple[StructureChange, ...] = field(default=(), repr=False)
    mapped: tuple[Mapped, ...] = field(default=(), repr=False)
    answers: tuple[Answer, ...] = field(default=(), repr=False)
    waivers: tuple[Waiver, ...] = field(default=(), repr=False)
    keys: tuple[SigningKey, ...] = field(default=(), repr=False)
    filed: Mapping[str, tuple[int, str]] = field(default_factory=dict, repr=False)
    approvals: Mapping[str, Approval] = field(default_factory=dict, repr=False)
    forgotten: Mapping[str, Forgotten] = field(default_factory=dict, repr=False)
    dropped: Mapping[str, datetime] = field(default_factory=dict, repr=False)
    served: tuple[Served, ...] = field(default=(), repr=False)

    @cached_property
    def course(self) -> Course:
        """What the releases show, and when."""
        return Course(self.releases)

    def awaits(self, submission: Submission, arranged: Arrangements) -> str:
        """The provider whose approval an accepted submission lacks; "" where nobody's is needed."""
        if submission.verdict != "accepted":
            return ""
        approver = arranged.approver(submission.provider, submission.dataflow)
        last = self.approvals.get(submission.id)
        given = last is not None and last.granted and last.provider == approver
        return "" if given else approver

    def waived(self, provider: str, at: datetime) -> list[Waiver]:
        """The waivers of a provider that are in force at an instant, in the order in which they were made."""
        return [one for one in self.waivers if one.provider == provider and one.in_force(at)]

    def mapping(self, provider: str, dataflow: str) -> Mapped | None:
        """The workbook map that holds for a provider and a dataflow, AGENCY:ID(VERSION)."""
        found = (one for one in reversed(self.mapped) if one.slot == (provider, dataflow))
        newest = next(found, None)
        return newest if newest and newest.blob else None

    def revision(self, agreement: str, dataflow: str, number: int) -> Submission:
        """The accepted submission that made a revision; NotFound when none did."""
        found = self.revisions.get((agreement, dataflow, number))
        if found is None:
            raise NotFound(f"There is no revision {number} of {agreement} for {dataflow}")
        return found

    def refuse_forgotten(self, id: str) -> None:
        """Gone where a submission was forgotten."""
        found = self.forgotten.get(id)
        if found:
            raise Gone(f"Submission {id} was forgotten on {found.stamp:%Y-%m-%d}: {found.reason}")

    def forgotten_revision(self, slot: Slot, number: int) -> Forgotten | None:
        """That the submission which made a revision was forgotten, if so."""
        found = self.revisions.get((*slot, number)) if self.forgotten else None
        return self.forgotten.get(found.id) if found else None

    def next_revision(self, slot: Slot) -> int:
        """The number of a slot's next revision: never one that is taken, though it was forgotten."""
        number = self.latest[slot].revision + 1 if slot in self.latest else 1
        while (*slot, number) in self.revisions:
            number += 1
        return number

    def forgetting(self, now: History) -> History:
        """The same without what was forgotten until `now`."""
        if not now.forgotten:
            return self
        known = _Known(self)
        for id, one in now.forgotten.items():
            if id in known.submissions:
                known.forget(id, one)
        return known.history(self)

    def together(self, submission: str) -> list[Submission]:
        """The submissions of one file: those that share a report."""
        report = self.submissions[submission].report
        return [one for one in self.submissions.values() if one.report == report]

    def release(self, id: str) -> Release:
        """One of `releases` by its id, or the last that has a name; NotFound when there is none."""
        named = (one for one in reversed(self.releases) if one.name == id) if id else iter(())
        return next(named, None) or _with_id("release", id, self.releases)

    def waiver(self, id: str) -> Waiver:
        """One of `waivers`; NotFound when there is none."""
        return _with_id("waiver", id, self.waivers)

    def without(self, dataflows: Collection[str]) -> History:
        """The same with no release of `dataflows`: AGENCY:ID(VERSION)."""
        if not dataflows:
            return self
        cut = (
            replace(release, revisions={s: n for s, n in release.revisions.items() if s[1] not in dataflows})
            for release in self.releases
        )
        return replace(self, releases=tuple(release for release in cut if release.revisions))

    def now(self) -> datetime:
        """This instant, never before the last entry: a clock that went back, or is another machine's, hides
        nothing.
        """
        return max(datetime.now(UTC), self.stamp)

    def extended(self, entries: Iterable[Entry]) -> History:
        """The history with the entries that follow it."""
        known = _Known(self)
        last: Entry | History = self
        for last in entries:
            apply = KINDS.get(last.kind)
            if apply:
                apply(known, last)
        return known.history(last)


class _Known:
    """What a history says, while entries are added to it."""

    def __init__(self, history: History) -> None:
        self.submissions, self.latest = dict(history.submissions), dict(history.latest)
        self.revisions = dict(history.revisions)
        self.releases = {release.id: release for release in history.releases}
        self.structures, self.mapped = list(history.structures), list(history.mapped)
        self.answers = list(history.answers)
        self.waivers = {waiver.id: waiver for waiver in history.waivers}
        self.keys = {key.fingerprint: key for key in history.keys}
        self.filed = dict(history.filed)
        self.approvals = dict(history.approvals)
        self.forgotten, self.dropped = dict(history.forgotten), dict(history.dropped)
        self.served = list(history.served)

    def history(self, last: Entry | History) -> History:
        return History(
            last.seq,
            last.digest,
            last.stamp,
            MappingProxyType(self.submissions),
            MappingProxyType(self.latest),
            tuple(self.releases.values()),
            MappingProxyType(self.revisions),
            tuple(self.structures),
            tuple(self.mapped),
            tuple(self.answers),
            tuple(self.waivers.values()),
            tuple(self.keys.values()),
            MappingProxyType(self.filed),
            approvals=MappingProxyType(self.approvals),
            forgotten=MappingProxyType(self.forgotten),
            dropped=MappingProxyType(self.dropped),
            served=tuple(self.served),
        )

    def forget(self, id: str, forgotten: Forgotten) -> None:
        """Where it was the latest of its slot, the one before that is still there is again."""
        made = replace(self.submissions[id], segment=None)
        self.submissions[id], self.forgotten[id] = made, forgotten
        if made.verdict != "accepted":
            return
        self.revisions[*made.slot, made.revision] = made
        last = self.latest.get(made.slot)
        if last is not None and last.id == id:
            del self.latest[made.slot]
            before = (self.revisions.get((*made.slot, n)) for n in range(made.revision - 1, 0, -1))
            left = next((one for one in before if one and one.id not in self.forgotten), None)
            if left:
                self.latest[made.slot] = left


def _submission(known: _Known, entry: Entry) -> None:
    made = Submission.from_dict(entry.body, entry.stamp)
    known.submissions[made.id] = made
    known.filed[made.id] = entry.seq, entry.digest
    if made.verdict == "accepted":
        known.latest[made.slot] = known.revisions[*made.slot, made.revision] = made


def _released(known: _Known, entry: Entry) -> None:
    made = release_of(entry)
    known.releases[made.id] = made


def _cancelled(known: _Known, entry: Entry) -> None:
    release = known.releases[entry.body["id"]]
    # a second cancellation must not move the first: the past never changes
    if release.cancelled is None:
        reason = entry.body.get("reason", "")
        known.releases[release.id] = replace(release, cancelled=entry.stamp, reason=reason)


def _structures(known: _Known, entry: Entry) -> None:
    known.structures.append(StructureChange.from_dict(entry.body, entry.stamp))


def _served(known: _Known, entry: Entry) -> None:
    known.served.append(Served.from_dict(entry.body, entry.stamp))


def _mapped(known: _Known, entry: Entry) -> None:
    known.mapped.append(Mapped.from_dict(entry.body, entry.stamp))


def _answered(known: _Known, entry: Entry) -> None:
    known.answers.append(Answer.from_dict(entry.body, entry.stamp))


def _approved(known: _Known, entry: Entry) -> None:
    made = Approval.from_dict(entry.body, entry.stamp)
    known.approvals[made.submission] = made


def _waived(known: _Known, entry: Entry) -> None:
    waiver = Waiver.from_dict(entry.body, entry.stamp)
    known.waivers[waiver.id] = waiver


def _revoked(known: _Known, entry: Entry) -> None:
    waiver = known.waivers[entry.body["id"]]
    if waiver.revoked is None:
        known.waivers[waiver.id] = replace(waiver, revoked=entry.stamp, revoked_by=entry.body["by"])


def _signs(known: _Known, entry: Entry) -> None:
    made = SigningKey.from_entry(entry.body, entry.seq, entry.digest, entry.stamp)
    known.keys[made.fingerprint] = made


def _signs_no_more(known: _Known, entry: Entry) -> None:
    key = known.keys[entry.body["fingerprint"]]
    known.keys[key.fingerprint] = key.revoked_from(entry.body)


def _forgotten(known: _Known, entry: Entry) -> None:
    body = entry.body
    known.dropped |= dict.fromkeys(body["blobs"], entry.stamp)
    for one in body["submissions"]:
        segment = known.submissions[one["id"]].segment
        name = segment.name if segment else ""
        known.forget(one["id"], Forgotten(body["reason"], body["by"], entry.stamp, name, one["report"]))


def _dropped(known: _Known, entry: Entry) -> None:
    known.dropped |= dict.fromkeys(entry.body["blobs"], entry.stamp)


KINDS: dict[str, Callable[[_Known, Entry], None]] = {
    "submission": _submission,
    "release": _released,
    "release_cancelled": _cancelled,
    "structures": _structures,
    "structures_served": _served,
    "workbook_map": _mapped,
    "answer": _answered,
    "approval": _approved,
    "waiver": _waived,
    "waiver_revoked": _revoked,
    "signing_key": _signs,
    "signing_key_revoked": _signs_no_more,
    "forgotten": _forgotten,
    "bytes_dropped": _dropped,
}
"""Kinds of entries; one that is not here was written by a later version and changes nothing."""


def _with_id(noun: str, id: str, made: Iterable[_Made]) -> _Made:
    found = next((one for one in made if one.id == id), None)
    if found is None:
        raise NotFound(f"There is no {noun} {id[:MOST_NAMED]}")
    return found


def release_of(entry: Entry) -> Release:
    body = entry.body
    asked = datetime.fromisoformat(body["public_from"]) if body["public_from"] else entry.stamp
    return Release(
        id=body["id"],
        stamp=entry.stamp,
        public_from=max(asked, entry.stamp),
        revisions={(agreement, dataflow): number for agreement, dataflow, number in body["revisions"]},
        by=body["by"],
        note=body["note"],
        name=body.get("name", ""),
        precedence=body.get("precedence", ""),
    )
