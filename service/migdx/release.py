"""Release: accepted revisions that become public together; `effective` says what is public at an instant.

At time t each agreement x dataflow shows the revision of the release with the greatest (public_from, stamp)
among those in force: public_from <= t, and not cancelled by then. Embargo, rollback, history and `asOf` are
this one idea, and no job flips anything. The past never changes: a release begins at its stamp or later, a
cancellation acts from its own stamp on, and stamps only grow.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from .errors import Conflict

_REMEMBERED = 16
"""Stretches of time of which a course keeps what is shown."""

Slot = tuple[str, str]
"""What a revision belongs to: (agreement, dataflow)."""


@dataclass(frozen=True)
class Release:
    """`revisions` names one revision per slot; `cancelled` is when it was taken back, before or after it
    began, and `reason` why. `name` is what it is cited by; old ones have none. `precedence` is
    the digest of what was declared when it was made (precedence.Arrangements), "" where that was nothing.
    """

    id: str
    stamp: datetime
    public_from: datetime
    revisions: Mapping[Slot, int]
    by: str = ""
    note: str = ""
    cancelled: datetime | None = None
    name: str = ""
    reason: str = ""
    precedence: str = ""

    def __post_init__(self) -> None:
        if self.stamp.tzinfo is None or self.public_from.tzinfo is None:
            raise ValueError(f"Release {self.id}: instants need a time zone")
        if self.public_from < self.stamp:
            raise ValueError(f"Release {self.id}: public from {self.public_from}, made only at {self.stamp}")

    def in_force(self, at: datetime) -> bool:
        return self.begun(at) and (self.cancelled is None or at < self.cancelled)

    def begun(self, at: datetime) -> bool:
        """Whether it was public at an instant or before it, even if it was taken back since."""
        return self.public_from <= at and (self.cancelled is None or self.public_from < self.cancelled)


def effective(releases: Iterable[Release], at: datetime) -> dict[Slot, int]:
    """The revision that each agreement x dataflow shows at an instant; those that show none are absent."""
    shown: dict[Slot, int] = {}
    public = (release for release in releases if release.in_force(at))
    for release in sorted(public, key=lambda release: (release.public_from, release.stamp)):
        shown |= release.revisions
    return shown


class Course:
    """What releases show in the course of time, worked out once between two changes."""

    def __init__(self, releases: Sequence[Release]) -> None:
        self._releases = releases
        self._changes = sorted(
            {
                instant
                for release in releases
                if release.cancelled is None or release.public_from < release.cancelled
                for instant in (release.public_from, release.cancelled)
                if instant is not None
            }
        )
        self._shown: dict[int, tuple[dict[Slot, int], dict[str, str]]] = {}

    def shown(self, at: datetime) -> Mapping[Slot, int]:
        """As `effective`."""
        return self._since(at)[0]

    def precedences(self, at: datetime) -> Mapping[str, str]:
        """By dataflow the `precedence` of the last of its releases in force."""
        return self._since(at)[1]

    def next_change(self, at: datetime) -> datetime | None:
        """The first instant after `at` when something else may be public, as far as it is known."""
        number = bisect_right(self._changes, at)
        return self._changes[number] if number < len(self._changes) else None

    def _since(self, at: datetime) -> tuple[dict[Slot, int], dict[str, str]]:
        number = bisect_right(self._changes, at)  # the same number: nothing changed in between
        found = self._shown.get(number)
        if found is None:
            declared: dict[str, str] = {}
            in_force = (release for release in self._releases if release.in_force(at))
            for release in sorted(in_force, key=lambda release: (release.public_from, release.stamp)):
                declared |= dict.fromkeys((flow for _, flow in release.revisions), release.precedence)
            if len(self._shown) >= _REMEMBERED:
                self._shown.clear()
            found = self._shown[number] = effective(self._releases, at), declared
        return found


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
