"""Release: accepted revisions that become public together; `effective` says what the public sees at an instant.

At time t each agreement x dataflow shows the revision of the release with the greatest (public_from, stamp) among those
with public_from <= t. Embargo, rollback, history and `asOf` are this one idea, and no job flips anything. The past never
changes: stamps grow, a release is public at the earliest at its stamp, and cancelling undoes only what was not public.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

Slot = tuple[str, str]
"""What a revision belongs to: (agreement, dataflow)."""


@dataclass(frozen=True)
class Release:
    """`revisions` names one revision per slot, 0 to show none again; `cancelled` is when it was called off."""

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
            raise ValueError(f"Release {self.id}: public from {self.public_from}, before it was made at {self.stamp}")

    @property
    def stands(self) -> bool:
        """It was or will be public: nobody called it off before it was."""
        return self.cancelled is None or self.cancelled >= self.public_from


def effective(releases: Iterable[Release], at: datetime) -> dict[Slot, int]:
    """The revision that each agreement x dataflow shows at an instant; those that show none are absent."""
    shown: dict[Slot, int] = {}
    for release in sorted(public(releases, at), key=lambda release: (release.public_from, release.stamp)):
        shown |= release.revisions
    return {slot: revision for slot, revision in shown.items() if revision}


def public(releases: Iterable[Release], at: datetime) -> list[Release]:
    """Those that stand and have begun."""
    return [release for release in releases if release.stands and release.public_from <= at]


def next_change(releases: Iterable[Release], at: datetime) -> datetime | None:
    """The first instant after `at` when the public sees something else, as far as it is known at `at`."""
    return min((r.public_from for r in releases if r.stands and r.public_from > at), default=None)
