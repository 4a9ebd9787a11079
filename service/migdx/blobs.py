"""Blobs: bytes kept under their sha256, as they were sent; the same bytes are kept once."""

from __future__ import annotations

import errno
import hashlib
import re
import shutil
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from .durable import draft, make_folder, older
from .errors import NoSpace, NotFound

_DIGEST = re.compile(r"[0-9a-f]{64}\Z")
_PIECE = 1 << 20
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES)
_NO_SPACE = "There is no space left for submissions; what is stored can still be read"


class Blobs:
    """A folder of blobs; it takes no more when less than `floor` bytes of the disk would stay free."""

    def __init__(self, folder: Path, floor: int = 1 << 30) -> None:
        self.folder = folder
        self.floor = floor
        make_folder(folder)

    def put(self, source: bytes | BinaryIO) -> str:
        """Keeps the bytes, or the rest of an open file, durably; their sha256. NoSpace on a full disk."""
        try:
            return self._put(BytesIO(source) if isinstance(source, bytes) else source)
        except OSError as fault:
            if fault.errno in _FULL:
                raise NoSpace(_NO_SPACE) from fault
            raise  # of the sender, who may be gone

    def _put(self, source: BinaryIO) -> str:
        digest = hashlib.sha256()
        with draft(self.folder) as new:
            for piece in _pieces(source):
                if shutil.disk_usage(self.folder).free - len(piece) < self.floor:
                    raise NoSpace(_NO_SPACE)
                digest.update(piece)
                new.file.write(piece)
            name = digest.hexdigest()
            if not self.exists(name):
                new.name = name
        return name

    def open(self, sha256: str) -> BinaryIO:
        """The bytes as an open file; the caller closes it. NotFound when there are none."""
        if not self.exists(sha256):
            raise NotFound(f"There is no blob '{sha256}'")
        return (self.folder / sha256).open("rb")

    def exists(self, sha256: str) -> bool:
        return bool(_DIGEST.match(sha256)) and (self.folder / sha256).is_file()

    def sweep(self, age: timedelta = timedelta(hours=1)) -> list[str]:
        """Removes drafts that a crash left behind, when they are older than `age`; their names."""
        names = []
        for path in older(self.folder, age):
            path.unlink(missing_ok=True)
            names.append(path.name)
        return names


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    while piece := file.read(_PIECE):
        yield piece
