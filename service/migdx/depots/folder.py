"""A depot in a folder, on a local disk or a shared volume."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from ..durable import Draft, draft, make_folder, older
from ..errors import NoSpace, NotFound
from . import Kept, is_name

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
                if new.name and self.exists(checked(new.name)):
                    new.name = ""  # what is there already never changes
        except OSError as fault:
            if fault.errno in FULL:
                raise NoSpace(NO_SPACE) from fault
            raise  # of whoever gives the bytes

    def room(self, size: int) -> int:
        return shutil.disk_usage(self.folder).free

    def open(self, name: str) -> BinaryIO:
        if is_name(name):
            with suppress(FileNotFoundError, IsADirectoryError, NotADirectoryError):
                return (self.folder / name).open("rb")
        raise NotFound(f"There is no file '{name}'")

    @contextmanager
    def holding(self, names: Sequence[str]) -> Iterator[list[Path]]:
        for name in names:
            if not self.exists(name):
                raise NotFound(f"There is no file '{name}'")
        yield [self.folder / name for name in names]

    def renew(self, names: Sequence[str]) -> None:
        """There are no copies here."""

    def exists(self, name: str) -> bool:
        return is_name(name) and (self.folder / name).is_file()

    def names(self, prefix: str = "") -> Iterator[Kept]:
        # a prefix with folders in it is looked for there alone
        inside, _, _ = prefix.rpartition("/")
        if inside and not is_name(inside):
            return
        for path in (self.folder / inside).rglob("*"):
            name = path.relative_to(self.folder).as_posix()
            if not name.startswith(prefix) or not is_name(name):
                continue
            try:
                if path.is_file():
                    state = path.stat()
                    yield Kept(name, state.st_size, datetime.fromtimestamp(state.st_mtime, UTC))
            except FileNotFoundError:  # another worker was quicker
                continue

    def remove(self, name: str) -> None:
        if is_name(name):
            with suppress(FileNotFoundError, IsADirectoryError, NotADirectoryError):
                (self.folder / name).unlink()

    def sweep(self, age: timedelta, *, dry: bool = False) -> list[str]:
        names = []
        for path in older(self.folder, age):
            if not dry:
                path.unlink(missing_ok=True)
            names.append(path.relative_to(self.folder).as_posix())
        return names


def checked(name: str) -> str:
    """A name to write under; ValueError when it is none."""
    if not is_name(name):
        raise ValueError(f"'{name[:80]}' is no name for a file of a depot")
    return name
