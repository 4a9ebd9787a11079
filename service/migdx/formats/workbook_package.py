"""The zip archive that a workbook is: its members, and their bytes up to a bound.

Every byte of a member is counted as it is inflated, for a directory may lie about sizes.
"""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from typing import BinaryIO

from isal import igzip_lib, isal_zlib

from .refused import too_large, unreadable

BLOCK = 1 << 20
MEMBERS = 10_000
_DIRECTORY = 4 << 20
_SMALL = 8 << 20

_DECLARED = re.compile(rb"<!DOCTYPE|<!ENTITY", re.IGNORECASE)


def inflated_most(size: int) -> int:
    """Bytes that the members of a workbook of `size` bytes may have: sheets shrink to a tenth or less."""
    return (128 << 20) + 24 * size


class Package:
    """The members by name. Raises Refused where it is damaged, or not what an office program writes."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._limit = self._left = inflated_most(size)
        _bounded_directory(file, size)
        try:
            with zipfile.ZipFile(file) as archive:
                entries = archive.infolist()
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, struct.error):
            raise unreadable("workbook") from None
        if len(entries) > MEMBERS:
            raise too_large("members", len(entries), MEMBERS)
        self._members = {entry.filename: entry for entry in entries}
        twice = [name for name, count in Counter(name.lower() for name in self.names).items() if count > 1]
        if twice or len(self._members) < len(entries):
            raise unreadable("duplicate member")
        if any(entry.header_offset < 0 for entry in entries):  # bytes are missing in front of the directory
            raise unreadable("workbook")

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._members)

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def blocks(self, name: str) -> Iterator[bytes]:
        """The bytes of a member, some at a time."""
        entry = self._members[name]
        self._file.seek(entry.header_offset)
        head = self._file.read(30)
        if len(head) < 30 or head[:4] != b"PK\x03\x04" or entry.flag_bits & 1:
            raise unreadable("workbook")
        lengths = struct.unpack("<HH", head[26:30])
        self._file.seek(sum(lengths), 1)
        if entry.compress_type == zipfile.ZIP_STORED:
            blocks = self._stored(entry.compress_size)
        elif entry.compress_type == zipfile.ZIP_DEFLATED:
            blocks = self._inflated(entry.compress_size)
        else:
            raise unreadable("workbook")
        for block in blocks:
            self._left -= len(block)
            if self._left < 0:
                raise too_large("inflated bytes", f"> {self._limit}", self._limit)
            yield block

    def _stored(self, left: int) -> Iterator[bytes]:
        while left > 0 and (block := self._file.read(min(left, BLOCK))):
            left -= len(block)
            yield block

    def _inflated(self, left: int) -> Iterator[bytes]:
        inflating = isal_zlib.decompressobj(-15)
        try:
            while left > 0 and not inflating.eof and (data := self._file.read(min(left, 1 << 16))):
                left -= len(data)
                while data and not inflating.eof:
                    yield inflating.decompress(data, BLOCK)
                    data = inflating.unconsumed_tail
            if not inflating.eof:
                raise unreadable("workbook")
        except (igzip_lib.IsalError, zlib.error):  # type: ignore[misc]  # the stubs do not derive it
            raise unreadable("workbook") from None

    def whole(self, name: str) -> bytes:
        """A small member."""
        found = bytearray()
        for block in self.blocks(name):
            found += block
            if len(found) > _SMALL:
                raise too_large(name, f"> {_SMALL}", _SMALL)
        return undeclared(bytes(found))

    def walk(self, name: str) -> None:
        """Counts the bytes of a member that is not looked into; its beginning may declare no entities."""
        for at, block in enumerate(self.blocks(name)):
            if at == 0:
                undeclared(block)


def undeclared(xml: bytes) -> bytes:
    """The XML, where it declares no document type and no entities: office programs never do."""
    if _DECLARED.search(xml):
        raise unreadable("document type")
    return xml


def _bounded_directory(file: BinaryIO, size: int) -> None:
    """The list of members is read before any limit: its announced length must be sound."""
    file.seek(max(0, size - 65_557))
    tail = file.read(65_557)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) < at + 22:
        raise unreadable("workbook")
    (length,) = struct.unpack("<I", tail[at + 12 : at + 16])
    if length > min(_DIRECTORY, size):
        raise too_large("directory of the archive", length, _DIRECTORY)
