"""Release: accepted revisions that become public together; `effective` says what is public at an instant.

At time t each agreement x dataflow shows the revision of the release with the greatest (public_from, stamp)
among those in force: public_from <= t, and not cancelled by then. Embargo, rollback, history and `asOf` are
this one idea, and no job flips anything. The past never changes: a release begins at its stamp or later, a
cancellation acts from its own stamp on, and stamps only grow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from .errors import Conflict

Slot = tuple[str, str]
"""What a revision belongs to: (agreement, dataflow)."""


@dataclass(frozen=True)
class Release:
    """`revisions` names one revision per slot; `cancelled` is when it was taken back, before or after it
    began.
    """

    id: str
    stamp: datetime
    public_from: datetime
    revisions: Mapping[Slot, int]
    by: str = ""
    note: str = ""
    cancelled: datetime | None = None

    def __post_init__(self) -> None:
        if self.stamp.tzinfo is None or self.public_from.tzinfo is None:
            raise ValueError(f"Release {self.id}: instants need a time zone")
        if self.public_from < self.stamp:
            raise ValueError(f"Release {self.id}: public from {self.public_from}, made only at {self.stamp}")

    def in_force(self, at: datetime) -> bool:
        return self.public_from <= at and (self.cancelled is None or at < self.cancelled)


def effective(releases: Iterable[Release], at: datetime) -> dict[Slot, int]:
    """The revision that each agreement x dataflow shows at an instant; those that show none are absent."""
    shown: dict[Slot, int] = {}
    public = (release for release in releases if release.in_force(at))
    for release in sorted(public, key=lambda release: (release.public_from, release.stamp)):
        shown |= release.revisions
    return shown


def next_change(releases: Iterable[Release], at: datetime) -> datetime | None:
    """The first instant after `at` when something else may be public, as far as it is known."""
    instants = (
        instant
        for release in releases
        if release.cancelled is None or release.public_from < release.cancelled
        for instant in (release.public_from, release.cancelled)
        if instant is not None and instant > at
    )
    return min(instants, default=None)


def refuse_return(releases: Sequence[Release], revisions: Mapping[Slot, int], public_from: datetime) -> None:
    """An embargo that ends later, on an older revision, would take the place of the newer one again."""
    for release in releases:
        if release.cancelled is None and release.public_from > public_from:
            older = [
                slot for slot, number in revisions.items() if release.revisions.get(slot, number) < number
            ]
            if older:
                raise Conflict(
                    f"Release {release.id} makes an older revision of {older[0][0]} public at "
                    f"{release.public_from.isoformat()}, after this one; cancel it first"
                )
