"""Blobs: bytes kept under their sha256, as they were sent; the same bytes are kept once."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from typing import BinaryIO

from .depots import Depot
from .depots.folder import NO_SPACE
from .errors import NoSpace, NotFound

_DIGEST = re.compile(r"[0-9a-f]{64}\Z")
_PIECE = 1 << 20


class Blobs:
    """The blobs of a depot; it takes no more when less than `floor` bytes would be left of the disk that
    drafts are written to, even without copies of what is kept elsewhere.
    """

    def __init__(self, depot: Depot, floor: int = 1 << 30) -> None:
        self.depot = depot
        self.floor = floor

    def put(self, source: bytes | BinaryIO) -> str:
        """Keeps the bytes, or the rest of an open file, durably; their sha256. NoSpace on a full disk."""
        source = BytesIO(source) if isinstance(source, bytes) else source
        digest = hashlib.sha256()
        with self.depot.writing() as new:
            for piece in _pieces(source):
                needed = self.floor + len(piece)
                if self.depot.room(needed) < needed:
                    raise NoSpace(NO_SPACE)
                digest.update(piece)
                new.file.write(piece)
            new.name = name = digest.hexdigest()
        return name

    def open(self, sha256: str) -> BinaryIO:
        """The bytes as an open file; the caller closes it. NotFound when there are none."""
        if not _DIGEST.match(sha256):
            raise NotFound(f"There is no blob '{sha256}'")
        try:
            return self.depot.open(sha256)
        except NotFound:
            raise NotFound(f"There is no blob '{sha256}'") from None

    def exists(self, sha256: str) -> bool:
        return bool(_DIGEST.match(sha256)) and self.depot.exists(sha256)

    def sweep(self, age: timedelta, *, dry: bool = False) -> list[str]:
        """As the depot does. A blob that nothing names stays: the same bytes may be on their way again."""
        return self.depot.sweep(age, dry=dry)


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    while piece := file.read(_PIECE):
        yield piece
