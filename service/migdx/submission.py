"""Submission: bytes that a provider sent under a provision agreement, and what became of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Literal

from .release import Slot
from .stores import Segment


@dataclass(frozen=True)
class Forgotten:
    """What is left of a submission that was forgotten for a `reason`; `report` is what its receipt tells of
    its report, `segment` the name of what it made.
    """

    reason: str
    by: str
    stamp: datetime
    segment: str = ""
    report: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Submission:
    """`sha256` names the bytes and `report` the report among the blobs; `content` is a hash of what the file
    says.

    An accepted one is the `revision` of its slot, kept as `segment`; a rejected one has neither. `embargo` is
    the latest instant that its rows ask to stay closed until. With the `scope` complete it took away what its
    `region` (region.py) had and it did not say. `stamp` is the ledger's.
    """

    id: str
    agreement: str
    dataflow: str
    provider: str
    sha256: str
    format: str
    action: str
    verdict: Literal["accepted", "rejected"]
    by: str
    content: str = ""
    report: str = ""
    revision: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    segment: Segment | None = None
    embargo: str = ""
    scope: str = ""
    region: str = ""
    stamp: datetime | None = None

    @property
    def slot(self) -> Slot:
        return self.agreement, self.dataflow

    def as_dict(self) -> dict[str, Any]:
        """JSON-able, without the stamp, which the ledger gives."""
        body = {entry.name: getattr(self, entry.name) for entry in fields(self) if entry.name != "stamp"}
        return body | {"segment": self.segment.as_dict() if self.segment else None}

    @classmethod
    def from_dict(cls, body: Mapping[str, Any], stamp: datetime) -> Submission:
        segment = Segment(**body["segment"]) if body["segment"] else None
        return cls(**{**body, "segment": segment, "stamp": stamp})
