"""The header of a message: who sends it, when it was prepared, and whether it is a test."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True)
class Header:
    """`id` and `sender` are SDMX identifiers: no dots, which some readers refuse in Sender/@id."""

    id: str
    prepared: datetime
    sender: str = "MIGDX"
    test: bool = False

    def __post_init__(self) -> None:
        # JSON asks for RFC 3339, which has no local time
        if self.prepared.tzinfo is None:
            raise ValueError(
                f"Header.prepared is {self.prepared!r}, without a zone; expected an aware datetime"
            )

    @property
    def instant(self) -> str:
        """`prepared` in UTC to the second, as both xs:dateTime and RFC 3339 write it."""
        return self.prepared.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
