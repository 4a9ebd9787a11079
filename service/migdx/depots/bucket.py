"""A depot in a bucket of an object store that speaks S3, with a cache on this machine.

A file is written to a local draft, uploaded (in parts when it is long) and visible with the last byte; the
draft becomes its copy in the cache. Whose process ends in the middle of an upload leaves parts that nobody
sees: a rule of the bucket (AbortIncompleteMultipartUpload) removes them. Endpoint, region and credentials are
those of the usual AWS_* variables; they are in no message.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
from pyarrow.fs import AwsStandardS3RetryStrategy, FileSelector, FileType, S3FileSystem

from ..durable import Draft, draft, older
from ..errors import ExchangeError, NoSpace, NotFound, Unavailable
from . import Kept, is_name
from .cache import AT_ONCE, CANNOT, Cache
from .folder import FULL, NO_SPACE, checked

_log = logging.getLogger(__name__)

EXPECTED = "expected a folder or s3://bucket/prefix"
SCHEME = "s3://"

CONNECT, ANSWER, ATTEMPTS = 3.0, 10.0, 3
"""Seconds to connect, seconds without a byte, and how often a call is tried."""

REST = 1.0
"""Seconds for which nothing is tried after a call that failed: those who wait are told at once."""

_PLACE = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?P<prefix>(/[A-Za-z0-9._=-]+)*)/?")
_ENDPOINT = re.compile(r"(?P<scheme>https?)://(?P<host>[A-Za-z0-9.:\[\]-]+)/?")
_PIECE = 8 << 20

SHORT = 5
"""Characters of a value that is a switch (true, false), no secret."""


class BucketDepot:
    """The files of `part` below `place` (s3://bucket/prefix), with copies in `cache`/`part` up to `limit`
    bytes of all parts. ExchangeError when the place or the endpoint is none.
    """

    def __init__(self, place: str, part: str, cache: Path, limit: int) -> None:
        found = _PLACE.fullmatch(place)
        if not found or ".." in place:
            raise ExchangeError(f"The place of the files is not understood; {EXPECTED}")  # it may hold a key
        self._at = f"{found['bucket']}{found['prefix']}/{part}"
        self._files = _connected()
        self._cache = Cache(cache, part, limit, self._download)
        self._uploads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="upload")
        self._resting = 0.0

    @property
    def local(self) -> Path:
        return self._cache.folder

    @contextmanager
    def writing(self) -> Iterator[Draft]:
        try:
            self._cache.prepare()
            with draft(self.local) as new:
                yield new
                if new.name and self.exists(checked(new.name)):
                    new.name = ""  # what is there already never changes
                elif new.name:
                    new.file.flush()
                    # in a thread that no signal interrupts: a stream that is dropped half-way ends as a file
                    self._uploads.submit(self._upload, Path(new.file.name), new.name).result()
        except OSError as fault:
            if fault.errno in FULL:
                raise NoSpace(NO_SPACE) from fault
            raise  # of whoever gives the bytes

    def room(self, size: int) -> int:
        self._cache.prepare()
        return self._cache.make_room(size, lambda: shutil.disk_usage(self.local).free)

    def open(self, name: str) -> BinaryIO:
        with self.holding([name]) as (path,):
            try:
                return path.open("rb")
            except OSError:
                raise Unavailable(CANNOT) from None

    @contextmanager
    def holding(self, names: Sequence[str]) -> Iterator[list[Path]]:
        for name in names:
            if not is_name(name):
                raise NotFound(f"There is no file '{name}'")
        with self._cache.holding(names) as paths:
            yield paths

    def renew(self, names: Sequence[str]) -> None:
        self._cache.renew(names)

    def exists(self, name: str) -> bool:
        if not is_name(name):
            return False
        with self._reached():
            return bool(self._files.get_file_info(f"{self._at}/{name}").type == FileType.File)

    def names(self, prefix: str = "") -> Iterator[Kept]:
        # a prefix with folders in it is looked for there alone
        inside, _, _ = prefix.rpartition("/")
        if inside and not is_name(inside):
            return
        selector = FileSelector(f"{self._at}/{inside}".rstrip("/"), allow_not_found=True, recursive=True)
        with self._reached():
            found = self._files.get_file_info(selector)
        for one in found:
            name = one.path[len(self._at) + 1 :]
            if one.type == FileType.File and name.startswith(prefix) and is_name(name):
                yield Kept(name, one.size, one.mtime or datetime.now(UTC))

    def remove(self, name: str) -> None:
        if is_name(name):
            with self._reached(), suppress(FileNotFoundError):
                self._files.delete_file(f"{self._at}/{name}")
            self._cache.drop(name)

    def sweep(self, age: timedelta, *, dry: bool = False) -> list[str]:
        drafts = list(older(self.local, age))
        copies = self._cache.copies()  # before the listing: what is a copy was uploaded before
        there = {kept.name for kept in self.names()} if copies else set()
        stale = [name for name in copies if name not in there]
        if not dry:
            for path in drafts:
                path.unlink(missing_ok=True)
            for name in stale:
                self._cache.drop(name)
        return [*(path.relative_to(self.local).as_posix() for path in drafts), *stale]

    def _upload(self, source: Path, name: str) -> None:
        with (
            self._reached(),
            pa.memory_map(str(source)) as file,
            self._files.open_output_stream(f"{self._at}/{name}") as stream,
        ):
            stream.write(file.read_buffer())  # one call: after a fault between two, half of it would be kept

    def _download(self, name: str, goal: BinaryIO) -> None:
        with self._opened(name) as (file, size):
            for at in range(0, size, _PIECE):
                with self._reached():
                    piece = file.read_at(min(_PIECE, size - at), at)
                    if len(piece) < min(_PIECE, size - at):
                        raise OSError("the object is shorter than it was said to be")
                goal.write(piece)

    @contextmanager
    def _opened(self, name: str) -> Iterator[tuple[Any, int]]:
        with self._reached():
            try:
                file = self._files.open_input_file(f"{self._at}/{name}")
            except FileNotFoundError:
                raise NotFound(f"There is no file '{name}'") from None
        with file:
            yield file, file.size()

    @contextmanager
    def _reached(self) -> Iterator[None]:
        """One call; Unavailable when it fails, or shortly after another that did."""
        if time.monotonic() < self._resting:
            raise Unavailable(CANNOT)
        try:
            yield
        except FileNotFoundError:
            raise
        except (OSError, pa.ArrowException) as fault:
            self._resting = time.monotonic() + REST
            _log.warning("The object store cannot be reached: %s", _told(fault))
            raise Unavailable(CANNOT) from None


def _told(fault: Exception) -> str:
    """What it says, without anything that the environment keeps to itself."""
    text = " ".join(str(fault).split())
    for name, value in os.environ.items():
        if name.startswith("AWS_") and len(value) > SHORT:
            found = _ENDPOINT.fullmatch(value)
            text = text.replace(found["host"] if found else value, "...")
    return text


def _connected() -> S3FileSystem:
    environ = os.environ
    endpoint = environ.get("AWS_ENDPOINT_URL_S3") or environ.get("AWS_ENDPOINT_URL") or ""
    found = _ENDPOINT.fullmatch(endpoint)
    if endpoint and not found:
        raise ExchangeError("AWS_ENDPOINT_URL is no address; expected https://host or http://host:port")
    return S3FileSystem(
        region=environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or None,
        endpoint_override=found["host"] if found else None,
        scheme=found["scheme"] if found else "https",
        connect_timeout=CONNECT,
        request_timeout=ANSWER,
        retry_strategy=AwsStandardS3RetryStrategy(max_attempts=ATTEMPTS),
        allow_delayed_open=True,  # what is short is one request
    )
