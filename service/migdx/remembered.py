"""Remembered: the structures that an exchange served last, kept beside its data as an archive of their files.

What a change of a folder breaks is told by comparing it with them; the ledger holds only what was changed by
maintenance calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .durable import draft
from .folders import packed, unpacked
from .registry import Registry

NAME = "structures.zip"


def remember(data: Path, folders: Sequence[Path]) -> None:
    """Keeps the files of `folders` in the folder `data` of an exchange, unless the same are kept already."""
    archive = packed(folders)
    kept = data / NAME
    if kept.is_file() and kept.read_bytes() == archive:
        return
    with draft(data) as new:
        new.file.write(archive)
        new.name = NAME


def remembered(data: Path) -> Registry | None:
    """The structures that were served last, None when nobody ever served them."""
    kept = data / NAME
    if not kept.is_file():
        return None
    found = list(unpacked(kept.read_bytes()))
    return Registry((artefact for artefact, _ in found), {artefact.urn: origin for artefact, origin in found})
