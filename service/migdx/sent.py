"""Sent: a file as it arrived, and what its sender says of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO


@dataclass(frozen=True)
class Sent:
    """A file as it arrived, and what its sender says of it ("" is: as the file says).

    `sha256` is that of its bytes where somebody has read them already. `map` is a WorkbookMap as JSON.
    `large` says that more than the usual memory will be needed, `as_merge` that what is for information only
    is to be merged.
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

    @property
    def job(self) -> dict[str, Any]:
        """What the process that works on the file is told of it."""
        return {
            "media_type": self.media_type,
            "file_name": self.file_name,
            "map": self.map,
            "large": self.large,
        }
