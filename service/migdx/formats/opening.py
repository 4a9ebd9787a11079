"""A file as sent, opened: out of the archive around it, and known for what it is."""

from __future__ import annotations

import resource
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from ..report import Finding
from .archives import PACKED, member_of
from .content import claims, contradicted, essence, kind_of, parameters
from .refused import unreadable


@dataclass(frozen=True)
class Opened:
    """A data file. `kind` is as content.py has it, `name` its path within an archive, "" outside of one.

    `parameters` are those of the media type that it was sent with.
    """

    kind: str
    file: BinaryIO
    name: str
    parameters: Mapping[str, str]
    findings: tuple[Finding, ...]


def opened(file: BinaryIO, job: Mapping[str, Any]) -> Opened:
    """The one data file in `file`. Raises Refused: with archives in archives, several files, or bombs.

    `job` has, or has not: media_type, file_name, `scratch`, a file to unpack to, and `unpacked`, the bytes
    that may come out. With `confined` this process writes no file once this is done.
    """
    found = _opened(file, job)
    found.file.seek(0)
    if job.get("confined"):  # parsers are at work from here on, and have nothing to write
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    return found


def _opened(file: BinaryIO, job: Mapping[str, Any]) -> Opened:
    media_type, name = str(job.get("media_type", "")), str(job.get("file_name", ""))
    said = claims(media_type, name)
    kind = kind_of(file, said.get(essence(media_type), ""))
    given = parameters(media_type)
    if kind not in PACKED:
        return Opened(kind, file, "", given, contradicted(said, kind))
    findings = contradicted(said, kind)
    member = member_of(file, kind, name, job.get("scratch"), int(job.get("unpacked", _MOST)))
    kind = kind_of(member.file)
    if kind in said.values():  # who says text/csv of a gzip may mean what is in it
        findings = ()
    said = claims("", member.name)
    if kind in PACKED:
        raise unreadable("archive in archive", given=member.name)
    return Opened(kind, member.file, member.name, given, (*findings, *contradicted(said, kind)))


_MOST = 100 << 20
