"""Sent: a file as it arrived, and what its sender says of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import orjson

from .errors import SyntaxFault
from .region import read_region

_MOST = 1 << 62
"""More observations than there are."""


@dataclass(frozen=True)
class Sent:
    """A file as it arrived, and what its sender says of it ("" is: as the file says).

    `sha256` is that of its bytes where somebody has read them already. `map` is a WorkbookMap as JSON.
    `large` says that more than the usual memory will be needed, `as_merge` that what is for information only
    is to be merged. With the `scope` complete it says all that there is in its `region` (region.py); it is
    known to take away `removals` observations.
    """

    file: BinaryIO
    size: int
    media_type: str = ""
    file_name: str = ""
    provider: str = ""
    dataflow: str = ""
    sha256: str = ""
    map: Mapping[str, Any] = field(default_factory=dict)
    large: bool = False
    as_merge: bool = False
    scope: str = ""
    region: str = ""
    removals: int | None = None

    def __post_init__(self) -> None:
        if self.scope not in ("", "complete"):
            raise SyntaxFault(f"scope={self.scope[:80]}: expected complete")
        if self.region and not self.scope:
            raise SyntaxFault("A region is that of a complete scope; expected scope=complete beside it")
        if self.removals is not None and not 0 <= self.removals < _MOST:
            raise SyntaxFault(f"removals={str(self.removals)[:80]}: expected a number from 0 on")
        read_region(self.region)

    @property
    def job(self) -> dict[str, Any]:
        """What the process that works on the file is told of it."""
        return {
            "media_type": self.media_type,
            "file_name": self.file_name,
            "map": self.map,
            "large": self.large,
        }

    @property
    def said(self) -> dict[str, Any]:
        """What a report tells of it, so that `again` makes it from its bytes; of its map, the name."""
        return {
            "bytes": self.size,
            "fileName": self.file_name,
            "mediaType": self.media_type,
            **({"as": "merge"} if self.as_merge else {}),
            **({"map": _digest_of(self.map)} if self.map else {}),
            **({"large": True} if self.large else {}),
            **({"asked": self.dataflow} if self.dataflow else {}),
            **({"scope": self.scope} if self.scope else {}),
            **({"region": self.region} if self.region else {}),
            **({} if self.removals is None else {"removals": self.removals}),
        }

    @classmethod
    def again(
        cls, file: BinaryIO, said: Mapping[str, Any], provider: str, sha256: str, map: Mapping[str, Any]
    ) -> Sent:
        """What a report tells of, once more; the first reports did not tell all of it."""
        return cls(
            file,
            said["bytes"],
            said.get("mediaType", ""),
            said["fileName"],
            provider,
            said.get("asked", ""),
            sha256,
            map,
            large="large" in said,
            as_merge="as" in said,
            scope=said.get("scope", ""),
            region=said.get("region", ""),
            removals=said.get("removals"),
        )


def _digest_of(map: Mapping[str, Any]) -> str:
    """The sha256 of a map's JSON: the name that it is kept by."""
    return hashlib.sha256(orjson.dumps(map, option=orjson.OPT_SORT_KEYS)).hexdigest()
