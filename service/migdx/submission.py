"""Submission: bytes that a provider sent under a provision agreement, and what became of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Literal


@dataclass(frozen=True)
class Submission:
    """`sha256` names the bytes and `report` the report among the blobs; `content` is a hash of what the file says.

    `segment` describes where the store keeps the revision, as the store wrote it; None when the submission was
    rejected. `stamp` is the ledger's.
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
    segment: Mapping[str, Any] | None = None
    stamp: datetime | None = None

    def as_dict(self) -> dict[str, Any]:
        """JSON-able, without the stamp, which the ledger gives."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name != "stamp"}
