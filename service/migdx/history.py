"""History: what the ledger's entries say, folded: submissions, releases, waivers, changes of structures.

A kind of entry is one function here, in the table at the end: it takes what was known and the entry.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, TypeVar

import orjson

from .errors import NotFound
from .mappings import Mapped
from .release import Release, Slot
from .structure_change import StructureChange
from .submission import Submission
from .waivers import Answer, Waiver

START = "0" * 64
"""What the first entry holds as the digest of the one before it."""

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
    those that were revoked or are past too.
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

    def together(self, submission: str) -> list[Submission]:
        """The submissions of one file: those that share a report."""
        report = self.submissions[submission].report
        return [one for one in self.submissions.values() if one.report == report]

    def release(self, id: str) -> Release:
        """One of `releases`; NotFound when there is none."""
        return _with_id("release", id, self.releases)

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
        )


def _submission(known: _Known, entry: Entry) -> None:
    made = Submission.from_dict(entry.body, entry.stamp)
    known.submissions[made.id] = made
    if made.verdict == "accepted":
        known.latest[made.slot] = known.revisions[*made.slot, made.revision] = made


def _released(known: _Known, entry: Entry) -> None:
    made = release_of(entry)
    known.releases[made.id] = made


def _cancelled(known: _Known, entry: Entry) -> None:
    release = known.releases[entry.body["id"]]
    # a second cancellation must not move the first: the past never changes
    known.releases[release.id] = replace(release, cancelled=release.cancelled or entry.stamp)


def _structures(known: _Known, entry: Entry) -> None:
    known.structures.append(StructureChange.from_dict(entry.body))


def _mapped(known: _Known, entry: Entry) -> None:
    known.mapped.append(Mapped.from_dict(entry.body, entry.stamp))


def _answered(known: _Known, entry: Entry) -> None:
    known.answers.append(Answer.from_dict(entry.body, entry.stamp))


def _waived(known: _Known, entry: Entry) -> None:
    waiver = Waiver.from_dict(entry.body, entry.stamp)
    known.waivers[waiver.id] = waiver


def _revoked(known: _Known, entry: Entry) -> None:
    waiver = known.waivers[entry.body["id"]]
    if waiver.revoked is None:
        known.waivers[waiver.id] = replace(waiver, revoked=entry.stamp, revoked_by=entry.body["by"])


KINDS: dict[str, Callable[[_Known, Entry], None]] = {
    "submission": _submission,
    "release": _released,
    "release_cancelled": _cancelled,
    "structures": _structures,
    "workbook_map": _mapped,
    "answer": _answered,
    "waiver": _waived,
    "waiver_revoked": _revoked,
}
"""Kinds of entries; one that is not here was written by a later version and changes nothing."""


def _with_id(noun: str, id: str, made: Iterable[_Made]) -> _Made:
    found = next((one for one in made if one.id == id), None)
    if found is None:
        raise NotFound(f"There is no {noun} {id}")
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
    )
