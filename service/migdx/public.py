"""Public: what everyone may see at one instant; every answer is made from one of these."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from .history import History
from .release import Release, Slot
from .submission import Forgotten, Submission


@dataclass(frozen=True)
class Public:
    """The ledger as it was read once, at the instant `at`."""

    history: History
    at: datetime

    @cached_property
    def revisions(self) -> dict[Slot, int]:
        """The revision that each agreement x dataflow shows."""
        shown = self.history.course.shown(self.at)
        return {slot: number for slot, number in shown.items() if not self._forgotten(slot, number)}

    def _forgotten(self, slot: Slot, number: int) -> Forgotten | None:
        return self.history.forgotten_revision(slot, number)

    @cached_property
    def holes(self) -> dict[Slot, Forgotten]:
        """What would be shown if it had not been forgotten; nothing takes its place but another release."""
        shown = self.history.course.shown(self.at) if self.history.forgotten else {}
        found = {slot: self._forgotten(slot, number) for slot, number in shown.items()}
        return {slot: one for slot, one in found.items() if one}

    @cached_property
    def precedences(self) -> Mapping[str, str]:
        """By dataflow the digest of what was declared when the last of its releases in force was made."""
        return self.history.course.precedences(self.at)

    def submissions(self, dataflow: str) -> list[Submission]:
        """Those that a dataflow (AGENCY:ID(VERSION)) shows, in order of their agreements."""
        shown = sorted(slot for slot in self.revisions if slot[1] == dataflow)
        return [self.history.revision(*slot, self.revisions[slot]) for slot in shown]

    def tag(self, dataflow: str = "") -> str:
        """Changes whenever what a dataflow, or any, shows changes: part of every ETag of data."""
        shown = sorted(item for item in self.revisions.items() if dataflow in ("", item[0][1]))
        declared = sorted({flow: self.precedences[flow] for (_, flow), _ in shown}.items())
        return "|".join(
            [
                *(f"{agreement}/{flow}/{number}" for (agreement, flow), number in shown),
                *(f"{flow}/{digest}" for flow, digest in declared if digest),
                *sorted(f"-{name}" for flow, name, _ in self._once_shown() if dataflow in ("", flow)),
            ]
        )

    def _once_shown(self) -> Iterator[tuple[str, str, datetime]]:
        """What was released until now and forgotten since: the dataflow, the submission, when."""
        for release in self.history.releases if self.history.forgotten else ():
            for slot, number in release.revisions.items() if release.begun(self.at) else ():
                forgotten = self._forgotten(slot, number)
                if forgotten:
                    yield slot[1], f"{'/'.join(slot)}/{number}", forgotten.stamp

    def deciding(self, slot: Slot) -> Release | None:
        """The release that decides what a slot shows: the last of those in force that name it."""
        naming = (r for r in self.history.releases if slot in r.revisions and r.in_force(self.at))
        return max(naming, key=lambda release: (release.public_from, release.stamp), default=None)

    @property
    def next_change(self) -> datetime | None:
        """When an embargo ends next: no answer may be kept past it."""
        return self.history.course.next_change(self.at)

    @property
    def last_change(self) -> datetime | None:
        """When something else was seen last: of the past, too, when some of it was forgotten later."""
        changes = (instant for instant in self._changes() if instant <= self.at)
        forgotten = (stamp for _, _, stamp in self._once_shown())
        return max((*changes, *forgotten), default=None)

    def _changes(self) -> Iterator[datetime]:
        for release in self.history.releases:
            if release.cancelled is None:
                yield release.public_from
            elif release.public_from < release.cancelled:
                yield from (release.public_from, release.cancelled)
