"""Refused: nothing of a file can be read, and the finding says why; with the two that every reader raises."""

from __future__ import annotations

from ..report import Finding, Place


class Refused(Exception):
    """There is nothing to be read, or nothing is read on."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.code)
        self.finding = finding


def unreadable(reason: str, **values: object) -> Refused:
    return Refused(Finding("unreadable", values={"reason": reason, **values}))


def too_large(what: str, given: object, limit: int, place: Place | None = None) -> Refused:
    """`given` of `what` is more than `limit`."""
    values = {"what": what, "given": given, "limit": limit}
    return Refused(Finding("too_large", places=(place,) if place else (), values=values))
