"""Durable files: whole or not there, also after a power failure.

A draft is written under a temporary name, synchronised, renamed, and its folder synchronised; before that
nobody sees it, and what a crash leaves is an abandoned draft.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO

SUFFIX = ".draft"


@dataclass
class Draft:
    """A file that is being written; it takes `name` (a path below its folder) when complete, and disappears
    when that stays empty.
    """

    file: BinaryIO
    name: str = ""


class Digested:
    """A file to write to that knows the sha256 and the size of what was written."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._sha256, self.size = file, hashlib.sha256(), 0
        self.closed = False

    @property
    def digest(self) -> str:
        return self._sha256.hexdigest()

    def write(self, content: bytes) -> int:
        self._sha256.update(content)
        self.size += len(content)
        return self._file.write(content)

    def tell(self) -> int:
        return self.size

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self.closed = True


@contextmanager
def draft(folder: Path) -> Iterator[Draft]:
    """A new file in `folder`; an exception removes it."""
    make_folder(folder)
    path = folder / f".{token_hex(8)}{SUFFIX}"
    try:
        with path.open("xb") as file:
            new = Draft(file)
            yield new
            file.flush()
            os.fsync(file.fileno())
        if new.name:
            goal = folder / new.name
            make_folder(goal.parent)
            path.replace(goal)
            synchronise(goal.parent)
    finally:
        path.unlink(missing_ok=True)


def make_folder(folder: Path) -> None:
    """`folder` and what is missing above it, each durable in the one that holds it."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        synchronise(folder.parent)


def synchronise(folder: Path) -> None:
    """Makes names that were added to a folder durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def older(folder: Path, age: timedelta, pattern: str = f".*{SUFFIX}") -> Iterator[Path]:
    """Files below `folder` that match `pattern` (drafts) and were last written more than `age` ago."""
    before = time.time() - age.total_seconds()
    for path in folder.rglob(pattern):
        try:
            if path.is_file() and path.stat().st_mtime < before:
                yield path
        except FileNotFoundError:  # another worker was quicker
            continue
