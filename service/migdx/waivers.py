"""Answers and waivers: what is said of findings after a report was given, by whom, and for how long.

A provider answers a finding with a reason; a compiler waives it, so that it holds nothing up until a day.
Both are entries of the ledger: nothing is taken back but by a further entry.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from typing import Any

from .errors import SemanticFault
from .release import Slot
from .report import Waived

LONGEST_REASON = 1000
"""Characters of a reason: readers get it as a footnote of every row that it is about."""

_UNSEEN = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Marks that make a text read in another order than it is written (Unicode, bidirectional controls)."""


@dataclass(frozen=True)
class Answer:
    """What a provider says of a finding (its `mark`) of a submission. `stamp` is the ledger's."""

    submission: str
    mark: str
    code: str
    rule: str
    reason: str
    by: str
    stamp: datetime | None = None

    def as_dict(self) -> dict[str, Any]:
        """JSON-able, without the stamp, which the ledger gives."""
        return _told(self, "stamp")

    @classmethod
    def from_dict(cls, body: Mapping[str, Any], stamp: datetime) -> Answer:
        return cls(**body, stamp=stamp)


@dataclass(frozen=True)
class Waiver:
    """A finding (its `mark`) of a `submission` that holds nothing up, up to and with the day `expires` (UTC).

    It holds for one agreement x dataflow and for one `cause`, the mark as a file of one dataflow has it.
    `keys` names the blob that says of which observations: `count` rows of that submission, and no others.
    `stamp` and `revoked` are the ledger's.
    """

    id: str
    submission: str
    provider: str
    agreement: str
    dataflow: str
    mark: str
    cause: str
    code: str
    rule: str
    reason: str
    expires: str
    by: str
    keys: str
    count: int
    stamp: datetime | None = None
    revoked: datetime | None = None
    revoked_by: str = ""

    @property
    def slot(self) -> Slot:
        return self.agreement, self.dataflow

    @property
    def said(self) -> Waived:
        """What a report tells of it."""
        return Waived(self.reason, self.by, self.expires)

    def in_force(self, at: datetime) -> bool:
        return (
            (self.stamp is None or self.stamp <= at)
            and (self.revoked is None or at < self.revoked)
            and at.astimezone(UTC).date().isoformat() <= self.expires
        )

    def as_dict(self) -> dict[str, Any]:
        """JSON-able, as it was granted: without what the ledger gives."""
        return _told(self, "stamp", "revoked", "revoked_by")

    @classmethod
    def from_dict(cls, body: Mapping[str, Any], stamp: datetime) -> Waiver:
        return cls(**body, stamp=stamp)


def reason_given(text: str) -> str:
    """A reason as one line; SemanticFault where it says nothing, too much, or what no file can hold."""
    if len(text) > 4 * LONGEST_REASON:
        raise SemanticFault(f"The reason has {len(text):,} characters; expected at most {LONGEST_REASON:,}")
    line = " ".join(text.split())
    if not line:
        raise SemanticFault("The reason is empty; expected a sentence that says why the figures are right")
    if len(line) > LONGEST_REASON:
        raise SemanticFault(f"The reason has {len(line):,} characters; expected at most {LONGEST_REASON:,}")
    wrong = next((c for c in line if unicodedata.category(c) in ("Cc", "Cs", "Co", "Cn") or c in _UNSEEN), "")
    if wrong:
        raise SemanticFault(f"The reason holds the character U+{ord(wrong):04X}; expected text that is seen")
    return line


def last_day(text: str, today: date) -> str:
    """The day up to which a waiver holds; SemanticFault where it is none, or past."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise SemanticFault(
            f"expires '{text}' is no date; expected for instance {today.year + 1}-01-31"
        ) from None
    if day < today:
        raise SemanticFault(f"expires {day.isoformat()} is past; expected {today.isoformat()} or later")
    return day.isoformat()


def _told(entry: Answer | Waiver, *but: str) -> dict[str, Any]:
    return {one.name: getattr(entry, one.name) for one in fields(entry) if one.name not in but}
