"""The one data file in a zip or in a compressed stream (gzip, Zstandard), unpacked within bounds.

It is unpacked to a file that the service gives, a megabyte at a time. How much may come out is bounded, and
how much may come out of what has gone in: no text of figures shrinks two hundred times.
"""

from __future__ import annotations

import errno
import io
import posixpath
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import zstandard

from ..report import Finding, Place
from .refused import Refused, too_large, unreadable

PACKED = ("zip", "gzip", "zstd")
"""Kinds of content that hold another."""

RATIO = 200
"""How many times larger than what went in it may be what came out, once that is more than FREELY."""

FREELY = 64 << 20
ENTRIES = 1000
"""Files in a zip."""

_DIRECTORY = 1 << 20
_PIECE = 1 << 18
_SHOWN = 6


@dataclass(frozen=True)
class Member:
    """What was in an archive: its path there, and its bytes."""

    name: str
    file: BinaryIO


def member_of(file: BinaryIO, kind: str, name: str, scratch: BinaryIO | None, most: int) -> Member:
    """The data file in `file`, which is of a kind in PACKED and was sent as `name`. Raises Refused.

    It is unpacked to `scratch`, to memory without one; `most` bytes may come out.
    """
    into = scratch if scratch is not None else io.BytesIO()
    try:
        if kind == "zip":
            return _in_zip(file, into, most)
        stem, _, suffix = posixpath.basename(name).rpartition(".")
        inner = stem if suffix.lower() in ("gz", "zst", "gzip", "zstd") else ""
        pieces = _gunzipped(file) if kind == "gzip" else _zstd(file)
        _unpacked(pieces, into, most)
        return Member(inner, into)
    except _DAMAGED:
        raise unreadable("damaged archive") from None
    except OSError as error:
        if error.errno != errno.EINVAL:  # which is a place in a file that cannot be
            raise
        raise unreadable("damaged archive") from None


_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    struct.error,
    ValueError,
    OverflowError,
    LookupError,
    RuntimeError,
)
"""What zipfile and zlib raise of bytes that are no archive."""


Pieces = Iterator[tuple[bytes, int]]
"""What comes out, with how many bytes have gone in by then."""


def _unpacked(pieces: Pieces, into: BinaryIO, most: int) -> int:
    """How many bytes came out. `into` stands at its beginning afterwards."""
    total = 0
    for piece, taken in pieces:
        total += len(piece)
        if total > most:
            raise too_large("unpacked", f"> {most}", most)
        if total > max(FREELY, RATIO * taken):
            raise too_large("ratio", f"> {RATIO}", RATIO)
        into.write(piece)
    into.flush()
    into.seek(0)
    return total


# --- compressed streams -------------------------------------------------------------------------------------

_MEMBERS = 100_000


def _gunzipped(file: BinaryIO) -> Pieces:
    """Of all members (RFC 1952); after the last there may be zeros, as tapes leave them, and nothing else."""
    file.seek(0)
    taken, data = 0, b""
    for _ in range(_MEMBERS):
        engine = zlib.decompressobj(zlib.MAX_WBITS | 16)
        while not engine.eof:
            if not data:
                data = file.read(_PIECE)
                taken += len(data)
                if not data:
                    raise EOFError
            piece = engine.decompress(data, _PIECE)
            data = engine.unconsumed_tail
            yield piece, taken - len(data)
        data = engine.unused_data.lstrip(b"\0")
        while not data:
            more = file.read(_PIECE)
            if not more:
                return
            taken += len(more)
            data = more.lstrip(b"\0")
    raise too_large("members", f"> {_MEMBERS}", _MEMBERS)


def _zstd(file: BinaryIO) -> Pieces:
    """Of all frames (RFC 8878). Little goes in at once, for as little as three bytes bring 128 KB."""
    file.seek(0)
    engine = zstandard.ZstdDecompressor(max_window_size=_WINDOW)
    taken, data = 0, b""
    while data := data or file.read(_SIP):
        frame = engine.decompressobj()
        while not frame.eof:
            data = data or file.read(_SIP)
            if not data:
                raise EOFError
            try:
                piece = frame.decompress(data)
            except zstandard.ZstdError:
                raise unreadable("damaged archive") from None
            taken += len(data) - len(frame.unused_data)
            data = frame.unused_data
            yield piece, taken


_WINDOW = 1 << 27
_SIP = 256

# --- zip ----------------------------------------------------------------------------------------------------

_NOISE = ("__MACOSX/", "Thumbs.db", "desktop.ini")


class _Source:
    """A zip as zipfile reads it, counting. What wants more at once than a directory may have is not given."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.taken = 0
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int = -1) -> bytes:
        if size > _DIRECTORY:
            raise too_large("directory", size, _DIRECTORY)
        data = self._file.read(_DIRECTORY if size < 0 else size)
        self.taken += len(data)
        return data

    def seekable(self) -> bool:
        return True


def _in_zip(file: BinaryIO, into: BinaryIO, most: int) -> Member:
    """A file that stands alone in the archive, but for folders and what systems leave behind."""
    source = _Source(file)
    with zipfile.ZipFile(source) as archive:
        found = archive.infolist()
        if len(found) > ENTRIES:
            raise too_large("entries", len(found), ENTRIES)
        _check_no_overlap(found)
        files = [one for one in found if not (one.is_dir() or _is_noise(one.filename))]
        if len(files) != 1:
            raise _not_one(files)
        (only,) = files
        if only.flag_bits & 1:
            raise unreadable("encrypted archive", given=_shown(only))
        if only.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise unreadable("zip method", given=str(only.compress_type))
        if only.file_size > most:
            raise too_large("unpacked", only.file_size, most)
        source.taken = 0
        with archive.open(only) as opened:
            pieces = ((piece, source.taken) for piece in iter(lambda: opened.read(_PIECE), b""))
            if _unpacked(pieces, into, most) != only.file_size:
                raise unreadable("damaged archive")
    return Member(_shown(only), into)


def _check_no_overlap(found: list[zipfile.ZipInfo]) -> None:
    """Bytes that belong to two files are how a small archive gets to hold anything."""
    end = 0
    for one in sorted(found, key=lambda one: one.header_offset):
        if one.header_offset < end:
            raise unreadable("damaged archive")
        end = one.header_offset + _LOCAL + one.compress_size


_LOCAL = 30  # bytes of a file's own header, at least


def _is_noise(path: str) -> bool:
    last = posixpath.basename(path)
    return path.startswith(_NOISE) or last.startswith(".") or last in _NOISE


def _shown(one: zipfile.ZipInfo) -> str:
    return one.filename[:_LONGEST]


_LONGEST = 200


def _not_one(files: list[zipfile.ZipInfo]) -> Refused:
    if not files:
        return unreadable("empty archive")
    names = [_shown(one) for one in files[:_SHOWN]]
    shown = ", ".join(names) + (" …" if len(files) > _SHOWN else "")
    places = tuple(Place(file=name) for name in names)
    values = {"reason": "several files", "given": shown, "files": len(files)}
    return Refused(Finding("unreadable", values=values, places=places))
