"""What is uploaded: the file of a form, or the body itself, kept in a file that has no name.

What is announced as too large is refused unread, what does not say its size is cut at the limit
(Flask's MAX_CONTENT_LENGTH, which MIGDX_LARGEST sets). No upload takes the last of the disk.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import SpooledTemporaryFile
from typing import IO, Any, BinaryIO, cast

from flask import Request, request
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import UnsupportedMediaType

from ..errors import ExchangeError, NoSpace, SyntaxFault

LARGEST = 1 << 30
"""Bytes of a request's body that are taken, unless MIGDX_LARGEST says otherwise."""

FLOOR = 1 << 30
"""Bytes of the disk for temporary files that no upload takes."""

PARTS = 100
"""Fields of a form, its file included."""

_IN_MEMORY = 1 << 19
_PIECE = 1 << 16


class _Kept(SpooledTemporaryFile[bytes]):
    """Bytes as they come: small ones in memory, others in a file without a name."""

    def __init__(self) -> None:
        super().__init__(_IN_MEMORY)

    def write(self, piece: Any) -> int:
        if self.tell() + len(piece) > _IN_MEMORY:
            free = shutil.disk_usage(tempfile.gettempdir()).free
            if free - len(piece) < FLOOR:
                raise NoSpace("There is no space left for a file of this size; please try again later")
        return super().write(piece)


class Uploading(Request):
    """The files of forms are kept in the same way, and let go of where a form breaks off too."""

    _kept: tuple[_Kept, ...] = ()

    def _get_file_stream(self, *_: Any, **__: Any) -> IO[bytes]:
        file = _Kept()
        self._kept = (*self._kept, file)
        return file

    def close(self) -> None:
        super().close()
        for file in self._kept:
            file.close()


def largest() -> int:
    """Bytes of a body that are taken."""
    given = os.environ.get("MIGDX_LARGEST", "")
    if given and not (given.isascii() and given.isdigit() and int(given)):
        raise ExchangeError(f"MIGDX_LARGEST is '{given}'; expected a number of bytes from 1 on")
    return int(given or LARGEST)


@contextmanager
def uploaded() -> Iterator[tuple[BinaryIO, str, str]]:
    """The file that a request carries, its media type, and its name if a form says it.

    A body may be sent as gzip (Content-Encoding), and is kept so: archives are read.
    """
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in ("", "identity", "gzip", "x-gzip"):
        raise UnsupportedMediaType(f"Content-Encoding '{encoding}' is not taken; expected gzip or none")
    if request.mimetype == "multipart/form-data":
        if encoding.endswith("gzip"):
            raise UnsupportedMediaType(
                "A form is not taken as gzip; send the file as the body, or in a form as it is"
            )
        file = _of_form([each for _, each in request.files.items(multi=True)])
        yield cast(BinaryIO, file.stream), file.content_type or "", file.filename or ""
    else:
        with _Kept() as kept:
            while piece := request.stream.read(_PIECE):
                kept.write(piece)
            yield cast(BinaryIO, kept), request.content_type or "", ""


def _of_form(files: list[FileStorage]) -> FileStorage:
    """The file of a form; a field in which none was chosen is none."""
    chosen = [file for file in files if file.filename]
    if not chosen:
        raise SyntaxFault("The form has no file; expected one field with a file in it")
    if len(chosen) > 1:
        raise SyntaxFault(f"The form has {len(chosen)} files; expected one, or several in one zip")
    return chosen[0]
