"""A depot in a folder, on a local disk or a shared volume."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from ..durable import Draft, draft, make_folder, older
from ..errors import NoSpace, NotFound
from . import Kept

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES)
NO_SPACE = "There is no space left for submissions; what is stored can still be read"


class FolderDepot:
    """Files below `folder`, made when it is not there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        make_folder(self.folder)

    @property
    def local(self) -> Path:
        return self.folder

    @contextmanager
    def writing(self) -> Iterator[Draft]:
        try:
            with draft(self.folder) as new:
                yield new
        except OSError as fault:
            if fault.errno in FULL:
                raise NoSpace(NO_SPACE) from fault
            raise  # of whoever gives the bytes

    def open(self, name: str) -> BinaryIO:
        try:
            return (self.folder / name).open("rb")
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise NotFound(f"There is no file '{name}'") from None

    @contextmanager
    def holding(self, names: Sequence[str]) -> Iterator[list[Path]]:
        paths = [self.folder / name for name in names]
        for path in paths:
            if not path.is_file():
                raise NotFound(f"There is no file '{path.relative_to(self.folder)}'")
        yield paths

    def exists(self, name: str) -> bool:
        return (self.folder / name).is_file()

    def names(self, prefix: str = "") -> Iterator[Kept]:
        # a prefix with folders in it is looked for there alone
        inside, _, _ = prefix.rpartition("/")
        for path in (self.folder / inside).rglob("*"):
            name = path.relative_to(self.folder).as_posix()
            if not name.startswith(prefix) or any(part.startswith(".") for part in name.split("/")):
                continue
            try:
                if path.is_file():
                    state = path.stat()
                    yield Kept(name, state.st_size, datetime.fromtimestamp(state.st_mtime, UTC))
            except FileNotFoundError:  # another worker was quicker
                continue

    def remove(self, name: str) -> None:
        (self.folder / name).unlink(missing_ok=True)

    def sweep(self, age: timedelta) -> list[str]:
        names = []
        for path in older(self.folder, age):
            path.unlink(missing_ok=True)
            names.append(path.relative_to(self.folder).as_posix())
        return names
