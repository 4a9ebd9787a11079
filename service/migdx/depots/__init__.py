"""Depots keep whole files under names: there, or not there, and never changed. Depot is the protocol,
folder.py the default.

Segments and blobs are kept in one. A name is a path with `/` between its parts; none begins with a dot.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Protocol

from ..durable import Draft


@dataclass(frozen=True)
class Kept:
    """A file of a depot: its size in bytes, and when it was written."""

    name: str
    size: int
    written: datetime


class Depot(Protocol):
    """A new place for files is one class with these methods, and runs tests/test_depots.py."""

    @property
    def local(self) -> Path:
        """The folder below which `holding` gives files: all that an engine may open."""
        ...

    def writing(self) -> AbstractContextManager[Draft]:
        """A file to write to; when the block is left it is durable under `Draft.name`, or gone when that is
        empty or after an exception. NoSpace where there is no room.
        """
        ...

    def open(self, name: str) -> BinaryIO:
        """The bytes; the caller closes it. NotFound when there are none."""
        ...

    def holding(self, names: Sequence[str]) -> AbstractContextManager[list[Path]]:
        """The files as local ones, each at `local` / its name, in the order of `names`; they stay while the
        block lasts. NotFound when one is not there.
        """
        ...

    def exists(self, name: str) -> bool: ...

    def names(self, prefix: str = "") -> Iterator[Kept]:
        """All files whose names begin with `prefix`; no order is promised."""
        ...

    def remove(self, name: str) -> None:
        """Forgets a file for good, here and in every cache; nothing happens where there is none."""
        ...

    def sweep(self, age: timedelta) -> list[str]:
        """Removes drafts that a crash left behind, when they are older than `age`; their names."""
        ...
