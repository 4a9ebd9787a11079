"""What is uploaded: the file of a form, or the body itself, kept in a file that has no name.

What is announced as too large is refused unread, what does not say its size is cut at the limit
(Flask's MAX_CONTENT_LENGTH, which MIGDX_LARGEST sets). No upload takes the last of the disk.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from tempfile import SpooledTemporaryFile
from typing import IO, Any, BinaryIO, cast

from flask import Request, request
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

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
    held = False
    """Whether its files outlive it, for an answer that is made of them while it is sent, until `let_go`."""

    def _get_file_stream(self, *_: Any, **__: Any) -> IO[bytes]:
        file = _Kept()
        self._kept = (*self._kept, file)
        return file

    def close(self) -> None:
        if not self.held:
            self.let_go()

    def let_go(self) -> None:
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
    encoding = encoded()
    if request.mimetype == "multipart/form-data":
        if encoding.endswith("gzip"):
            raise UnsupportedMediaType(
                "A form is not taken as gzip; send the file as the body, or in a form as it is"
            )
        given = _of_form([each for _, each in request.files.items(multi=True)])
        yield cast(BinaryIO, given.stream), given.content_type or "", given.filename or ""
    else:
        with kept() as file:
            for _ in arriving(file):
                pass
            yield file, request.content_type or "", ""


def kept() -> BinaryIO:
    """An empty file for what is uploaded, without a name."""
    return cast(BinaryIO, _Kept())


def arriving(file: BinaryIO, enough: Callable[[], int] = lambda: LARGEST) -> Iterator[int]:
    """Puts the body of the request at the end of `file`, piece by piece: the bytes that are there so far.

    No piece goes beyond the next number of bytes that is `enough`. SyntaxFault when the connection breaks.
    """
    size = 0
    while True:
        try:
            piece = request.stream.read(max(1, min(_PIECE, enough() - size)))
        except RequestEntityTooLarge:
            raise
        except Exception as fault:  # what the server's own parser raises: OSError, or classes of its own
            raise SyntaxFault(f"The upload broke off after {size:,} bytes: {fault}") from fault
        if not piece:
            return
        file.write(piece)
        size += len(piece)
        yield size


def encoded() -> str:
    """The Content-Encoding of the request; UnsupportedMediaType where it is none that is taken."""
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in ("", "identity", "gzip", "x-gzip"):
        raise UnsupportedMediaType(f"Content-Encoding '{encoding}' is not taken; expected gzip or none")
    return encoding


def _of_form(files: list[FileStorage]) -> FileStorage:
    """The file of a form; a field in which none was chosen is none."""
    chosen = [file for file in files if file.filename]
    if not chosen:
        raise SyntaxFault("The form has no file; expected one field with a file in it")
    if len(chosen) > 1:
        raise SyntaxFault(f"The form has {len(chosen)} files; expected one, or several in one zip")
    return chosen[0]
