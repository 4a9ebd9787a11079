"""Depots keep whole files under names: there, or not there, and never changed. Depot is the protocol,
folder.py the default, bucket.py an object store with a cache (cache.py).

Segments and blobs are kept in one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Protocol

from ..durable import Draft

LONGEST_NAME = 900
"""Characters; S3 takes 1,024 bytes with what stands before."""

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,254}(/[A-Za-z0-9_-][A-Za-z0-9._-]{0,254})*")


def is_name(name: str) -> bool:
    """Whether a depot may keep a file so: a path below it, of letters, digits and `._-`, whose parts do not
    begin with a dot, since those of drafts do.
    """
    return len(name) <= LONGEST_NAME and bool(_NAME.fullmatch(name))


@dataclass(frozen=True)
class Kept:
    """A file of a depot: its size in bytes, and when it was written."""

    name: str
    size: int
    written: datetime


class Depot(Protocol):
    """A new place for files is one class with these methods, and runs tests/test_depots.py.

    What is no name (`is_name`) is nowhere: it is not found, and nothing is written or removed under it. Where
    the place cannot be reached, every method but `holding` and `open` of what is here raises Unavailable.
    """

    @property
    def local(self) -> Path:
        """The folder below which `holding` gives files: all that an engine may open."""
        ...

    def writing(self) -> AbstractContextManager[Draft]:
        """A file to write to; when the block is left it is durable under `Draft.name`, or gone when that is
        empty or after an exception. A file that is there already stays. NoSpace where there is no room,
        ValueError when the name is none.
        """
        ...

    def room(self, size: int) -> int:
        """Free bytes where drafts are written, after making room for `size` of them if copies can go."""
        ...

    def open(self, name: str) -> BinaryIO:
        """The bytes as a local file; the caller closes it. NotFound when there are none."""
        ...

    def holding(self, names: Sequence[str]) -> AbstractContextManager[list[Path]]:
        """The files as local ones, each at `local` / its name, in the order of `names`; they stay while the
        block lasts. NotFound when one is not there.
        """
        ...

    def renew(self, names: Sequence[str]) -> None:
        """Takes local copies anew, of files that cannot be read as they are."""
        ...

    def exists(self, name: str) -> bool: ...

    def names(self, prefix: str = "") -> Iterator[Kept]:
        """All files whose names begin with `prefix`; no order is promised."""
        ...

    def remove(self, name: str) -> None:
        """Forgets a file for good, and its copy here; nothing happens where there is none. Copies on other
        machines go when `sweep` is called there.
        """
        ...

    def sweep(self, age: timedelta, *, dry: bool = False) -> list[str]:
        """Removes drafts that a crash left behind, when they are older than `age`, and copies of what was
        removed elsewhere; their names. With `dry` nothing is removed.
        """
        ...
