"""Public: what everyone may see at one instant; every answer is made from one of these."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from .history import History
from .release import Release, Slot, effective, next_change
from .stores import Segment
from .submission import Submission


@dataclass(frozen=True)
class Public:
    """The ledger as it was read once, at the instant `at`."""

    history: History
    at: datetime

    @cached_property
    def revisions(self) -> dict[Slot, int]:
        """The revision that each agreement x dataflow shows."""
        return effective(self.history.releases, self.at)

    def submissions(self, dataflow: str) -> list[Submission]:
        """Those that a dataflow (AGENCY:ID(VERSION)) shows, in order of their agreements."""
        shown = sorted(slot for slot in self.revisions if slot[1] == dataflow)
        return [self.history.revision(*slot, self.revisions[slot]) for slot in shown]

    def segments(self, dataflow: str, providers: Sequence[str] = ()) -> list[Segment]:
        """What the store keeps of them; of some `providers` only, if any are named."""
        shown = (s for s in self.submissions(dataflow) if not providers or s.provider in providers)
        return [submission.segment for submission in shown if submission.segment]

    def tag(self, dataflow: str = "") -> str:
        """Changes whenever what a dataflow, or any, shows changes: part of every ETag of data."""
        shown = sorted(item for item in self.revisions.items() if dataflow in ("", item[0][1]))
        return "|".join(f"{agreement}/{flow}/{number}" for (agreement, flow), number in shown)

    def deciding(self, slot: Slot) -> Release | None:
        """The release that decides what a slot shows: the last of those in force that name it."""
        naming = (r for r in self.history.releases if slot in r.revisions and r.in_force(self.at))
        return max(naming, key=lambda release: (release.public_from, release.stamp), default=None)

    @property
    def next_change(self) -> datetime | None:
        """When an embargo ends next: no answer may be kept past it."""
        return next_change(self.history.releases, self.at)

    @property
    def last_change(self) -> datetime | None:
        """When something else was seen last."""
        return max((instant for instant in self._changes() if instant <= self.at), default=None)

    def _changes(self) -> Iterator[datetime]:
        for release in self.history.releases:
            if release.cancelled is None:
                yield release.public_from
            elif release.public_from < release.cancelled:
                yield from (release.public_from, release.cancelled)
