"""StructureChange, Served: what a maintenance call did to the structures, and which folders of them were
served, as the ledger keeps both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

Action = Literal["put", "delete"]
_ACTIONS = get_args(Action)


@dataclass(frozen=True)
class Kept:
    """One artefact, by its URN: put as the message `blob` of `media_type` tells it, or deleted."""

    action: Action
    urn: str
    blob: str = ""
    media_type: str = ""


@dataclass(frozen=True)
class StructureChange:
    """Of an `agency`'s token (`by`); `message` is the digest of the bytes that were sent, "" of a deletion.

    All of it holds from its entry on, at once. `stamp` is the ledger's.
    """

    kept: tuple[Kept, ...]
    by: str
    agency: str = ""
    message: str = ""
    stamp: datetime | None = None

    def as_dict(self) -> dict[str, Any]:
        """JSON-able, without the stamp: the messages once, and the actions with the number of theirs."""
        blobs = list(dict.fromkeys((one.blob, one.media_type) for one in self.kept if one.blob))
        actions = [
            {"action": one.action, "urn": one.urn}
            | ({"blob": blobs.index((one.blob, one.media_type))} if one.blob else {})
            for one in self.kept
        ]
        return {
            "actions": actions,
            "blobs": [{"sha256": sha256, "mediaType": media_type} for sha256, media_type in blobs],
            "message": self.message,
            "agency": self.agency,
            "by": self.by,
        }

    @classmethod
    def from_dict(cls, body: Mapping[str, Any], stamp: datetime | None = None) -> StructureChange:
        blobs = [(blob["sha256"], blob["mediaType"]) for blob in body["blobs"]]

        def kept(told: Mapping[str, Any]) -> Kept:
            if told["action"] not in _ACTIONS:
                raise ValueError(f"'{told['action']}' is no action; expected one of {', '.join(_ACTIONS)}")
            return Kept(told["action"], told["urn"], *(blobs[told["blob"]] if "blob" in told else ()))

        return cls(tuple(map(kept, body["actions"])), body["by"], body["agency"], body["message"], stamp)


@dataclass(frozen=True)
class Served:
    """The folders that were served from `stamp` on: `archive` is the blob of their files, rules, control
    tables and precedence with them; `files` is the digest of their names and bytes, `structures` that of the
    registry that they made.
    """

    archive: str
    files: str
    structures: str
    by: str
    stamp: datetime | None = None

    def as_dict(self) -> dict[str, Any]:
        """JSON-able, without the stamp, which the ledger gives."""
        return {name: getattr(self, name) for name in ("archive", "files", "structures", "by")}

    @classmethod
    def from_dict(cls, body: Mapping[str, Any], stamp: datetime) -> Served:
        return cls(body["archive"], body["files"], body["structures"], body["by"], stamp)
