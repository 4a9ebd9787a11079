"""Sweeping: what a crash left behind, and copies of what was removed elsewhere.

A segment is written before its entry in the ledger; when the entry never comes, nobody names the file. What
is younger than ORPHANED is left alone, since it may be on its way.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from .exchange import Exchange
from .forgetting import drop_bytes, removed
from .stores import ORPHANED, Segment


def sweep(
    exchange: Exchange, older: timedelta = ORPHANED, *, keep_bytes: int = 0, dry: bool = False
) -> list[str]:
    """The names of what is removed, or would be: segments that the ledger does not name, drafts of segments
    and of blobs, what is forgotten, and what was sent more than `keep_bytes` days ago (0: none of that). It
    lists every file: for the start of a service and for a command, not for each process.
    """

    def named() -> Iterator[Segment]:
        submissions = exchange.ledger.history().submissions.values()
        return (submission.segment for submission in submissions if submission.segment)

    swept = [*exchange.store.sweep(named, older, dry=dry), *exchange.blobs.sweep(older, dry=dry)]
    dropped = drop_bytes(exchange, keep_bytes, dry=dry)
    return list(dict.fromkeys([*swept, *dropped, *removed(exchange, dry=dry)]))
