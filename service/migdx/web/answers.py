"""Answers: bytes streamed with their headers: validators, caching, compression.

A fault before the first piece has a status; one after it is left to break the connection, so that no reader
takes half an answer for a whole one: nothing here catches it, and a compressed stream is not finished either.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from io import BytesIO
from typing import Any

import pyarrow as pa
import zstandard
from flask import Request, Response
from isal import isal_zlib

from ..formats.pieces import gathered

MAX_AGE = 60
"""Seconds that an answer may be kept without asking again, where nothing else is said."""

_ZLIB_LEVEL, _GZIP_WINDOW, _DEFLATE_WINDOW = 1, 31, 15
_ZSTD_LEVEL = 3


@dataclass(frozen=True)
class Validators:
    """What tells one answer from another. `modified` is None where it is not known.

    `since` is when it began to serve: structures may have changed then: an older date proves nothing.
    `max_age` is in seconds; less is told when something becomes public before, at `next_change`.
    """

    etag: str
    now: datetime
    since: datetime
    modified: datetime | None = None
    next_change: datetime | None = None
    max_age: int = MAX_AGE

    @property
    def headers(self) -> dict[str, str]:
        found = {"ETag": f'"{self.etag}"', "Cache-Control": f"public, max-age={self._max_age}"}
        if self.modified:
            found["Last-Modified"] = format_datetime(self.modified.astimezone(UTC), usegmt=True)
        return found

    @property
    def _max_age(self) -> int:
        if self.next_change is None:
            return self.max_age
        return max(0, min(self.max_age, int((self.next_change - self.now).total_seconds())))

    def unchanged(self, request: Request) -> bool:
        """Whether the client has it already; If-None-Match goes before a date (RFC 9110, 13.2.2)."""
        tags = _tags(request)
        if tags:
            return bool(tags & {self.etag, "*"})
        known = _instant(request.headers.get("If-Modified-Since", ""))
        if known is None or self.modified is None:
            return False
        return known >= max(self.modified, self.since).replace(microsecond=0)

    def named(self, request: Request) -> bool:
        """Whether the client names this very answer, rather than any (`*`) or one of some day."""
        return self.etag in _tags(request)


def _tags(request: Request) -> set[str]:
    given = request.headers.get("If-None-Match", "")
    return {tag.strip().removeprefix("W/").strip('"') for tag in given.split(",")} if given else set()


def etag(*parts: object) -> str:
    """One tag for everything that an answer depends on."""
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:32]


def _instant(text: str) -> datetime | None:
    """An HTTP date, or ISO 8601 as some clients send; None when it is neither."""
    for parse in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            found = parse(text)
        except (ValueError, TypeError):
            continue
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    return None


def unchanged(validators: Validators, headers: dict[str, str]) -> Response:
    """304, with the headers that the 200 would have."""
    answer = Response(status=304, headers={**headers, **validators.headers})
    del answer.headers["Content-Type"]
    return answer


def streamed(
    pieces: Iterator[bytes],
    media_type: str,
    encoding: str,
    headers: dict[str, str],
    closing: Iterable[Any] = (),
) -> Response:
    """200 with `pieces`: whole, with its length, when it is short; otherwise as it comes.

    `closing` are what `pieces` reads from, closed after it, also when the client leaves early.
    """
    chunks = gathered(pieces)
    first = next(chunks, b"")
    second = next(chunks, None)
    if second is None:
        body: bytes | Iterator[bytes] = b"".join(_encoded(iter([first]), encoding))
    else:
        body = _encoded(_joined(first, second, chunks), encoding)
    answer = Response(body, content_type=media_type, headers=headers)
    if encoding:
        answer.headers["Content-Encoding"] = encoding
    for source in (body, chunks, pieces, *closing):
        close: Callable[[], object] | None = getattr(source, "close", None)
        if close:
            answer.call_on_close(close)
    return answer


def _joined(first: bytes, second: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield second
    yield from rest


def whole(body: bytes, media_type: str, encoding: str, headers: Mapping[str, str]) -> Response:
    """200 with a body that is there already, compressed by `encoding`."""
    answer = Response(body, content_type=media_type, headers=dict(headers))
    if encoding:
        answer.headers["Content-Encoding"] = encoding
    return answer


def compressed(body: bytes, encoding: str) -> bytes:
    return b"".join(_encoded(iter([body]), encoding)) if encoding else body


# --- compression --------------------------------------------------------------------------------------------


class _Written(BytesIO):
    """What Arrow writes to; still there when it closes it."""

    def close(self) -> None:
        pass


class _Brotli:
    """Brotli by Arrow, which writes to a file and has no object that gives bytes back."""

    def __init__(self) -> None:
        self._written = _Written()
        self._stream = pa.CompressedOutputStream(pa.PythonFile(self._written, mode="w"), "brotli")

    def compress(self, data: bytes) -> bytes:
        self._stream.write(data)
        return self._taken()

    def flush(self, mode: object = None) -> bytes:
        if mode is None:
            self._stream.close()
        else:
            self._stream.flush()
        return self._taken()

    def _taken(self) -> bytes:
        found = self._written.getvalue()
        self._written.seek(0)
        self._written.truncate()
        return found


def _gzip() -> Any:
    return isal_zlib.compressobj(_ZLIB_LEVEL, isal_zlib.DEFLATED, _GZIP_WINDOW)


def _deflate() -> Any:
    return isal_zlib.compressobj(_ZLIB_LEVEL, isal_zlib.DEFLATED, _DEFLATE_WINDOW)


def _zstd() -> Any:
    return zstandard.ZstdCompressor(_ZSTD_LEVEL).compressobj()


_COMPRESSORS: dict[str, tuple[Callable[[], Any], object]] = {
    "zstd": (_zstd, zstandard.COMPRESSOBJ_FLUSH_BLOCK),
    "br": (_Brotli, True),
    "gzip": (_gzip, isal_zlib.Z_SYNC_FLUSH),
    "deflate": (_deflate, isal_zlib.Z_SYNC_FLUSH),
}
"""Each Content-Encoding: what makes a compressor, and how that is told to give what it has."""


def _encoded(pieces: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    if not encoding:
        yield from pieces
        return
    make, now = _COMPRESSORS[encoding]
    compressor = make()
    # the first piece leaves at once, so that the answer has begun when a later one fails or takes long
    first = next(pieces, b"")
    yield compressor.compress(first) + compressor.flush(now)
    for piece in pieces:
        packed = compressor.compress(piece)
        if packed:
            yield packed
    yield compressor.flush()
