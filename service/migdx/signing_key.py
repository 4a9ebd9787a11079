"""Signing keys: the public halves of the Ed25519 keys that sign receipts, as the ledger knows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import orjson


@dataclass(frozen=True)
class SigningKey:
    """`public` is base64 of the 32 bytes, `fingerprint` their sha256. It signs from the stamp of its entry
    (`seq`, `entry` its digest) until another `replaces` it, which the one before has signed: `succession` is
    base64 of that signature, "" where that key was lost. What is `revoked` is not to be trusted from then on.
    """

    public: str
    fingerprint: str
    replaces: str = ""
    succession: str = ""
    by: str = ""
    seq: int = 0
    entry: str = ""
    stamp: datetime | None = None
    revoked: datetime | None = None
    revoked_by: str = ""

    def statement(self) -> bytes:
        """What the key before it signs."""
        return canonical(
            {"type": "migdx-succession-1", "public": self.public, "key": self.fingerprint,
             "replaces": self.replaces}
        )  # fmt: skip

    def as_dict(self) -> dict[str, Any]:
        """The body of its entry."""
        names = ("public", "fingerprint", "replaces", "succession", "by")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_entry(cls, body: Mapping[str, Any], seq: int, entry: str, stamp: datetime) -> SigningKey:
        return cls(**body, seq=seq, entry=entry, stamp=stamp)

    def revoked_from(self, body: Mapping[str, Any]) -> SigningKey:
        """The same after an entry that says so; a later one may only say an earlier instant."""
        instant = datetime.fromisoformat(body["from"])
        if self.revoked is not None and self.revoked <= instant:
            return self
        return replace(self, revoked=instant, revoked_by=body["by"])


def canonical(value: Mapping[str, Any]) -> bytes:
    """The bytes that are signed: JSON in UTF-8, names sorted, without blanks and line ends."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
