"""Files are worked on in a child process, so that no file harms the service.

`read` gives columns or a finding, `do` the answer of any task.

The child (child.py) is started by subprocess, never forked, for Arrow has threads. One is always kept ready,
its libraries loaded; each reads one file and ends. What it may use follows from the size of the file.
"""

from __future__ import annotations

import atexit
import io
import json
import logging
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

from ..columns import Columns, nothing
from ..report import Finding
from .wire import unpacked

_MEBI = 1 << 20

LARGEST = 2 << 30
"""Bytes of a file; an Arrow text column cannot hold more."""

UNDECLARED = 100 * _MEBI
"""Bytes of a file that its sender need not declare large: about 1,000,000 observations of SDMX-CSV."""

MEMORY = 512 * _MEBI
"""Bytes that reading a file takes at most, its libraries included, unless it was declared large."""

_ROW = 100
"""Bytes of memory for a row of a file that was declared large, beside MEMORY."""
_SHORTEST = {False: 50, True: 5}
"""Bytes of such a row in the file, at least, not compressed and compressed: its rows are not known before."""
_MOST_ROWS = 20_000_000
_COMPRESSED = (b"PK", b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\xd0\xcf")
"""How an archive or a workbook begins."""

_log = logging.getLogger(__name__)

_OUT_OF_MEMORY = 71  # as child.py says it; importing it here would bring its readers
_MOST_SAID = 16 * _MEBI


@dataclass(frozen=True)
class Limits:
    """Bytes of memory, seconds of processor time once all is loaded, seconds on the clock."""

    memory: int
    cpu: int
    wall: float


def limits_of(size: int, *, compressed: bool = False, large: bool = False) -> Limits:
    """Several times what a clean file of that size needs; 5 seconds for a small one, whatever is in it."""
    rows = min(size // _SHORTEST[compressed], _MOST_ROWS) if large else 0
    cpu = 4 + size // (_MEBI if compressed else 8 * _MEBI)  # the kernel is up to a second late
    return Limits(memory=MEMORY + _ROW * rows, cpu=cpu, wall=20.0 + 4 * cpu)


Answer = tuple[pa.Table, Mapping[str, Any]]
"""What a task gives: a table, and what is said with it."""


class Failed(Exception):
    """There is no answer; the finding says why."""

    def __init__(self, reason: str = "", finding: Finding | None = None, **values: str) -> None:
        self.finding = finding or Finding("unreadable", values={"reason": reason, **values})


class _Child:
    """A process that waits for one job.

    `seconds` of processor time are what it took, once it has ended; `peak`, MB of memory at most, is what it
    says itself.
    """

    seconds = 0.0
    peak = 0

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair()
        root = Path(__file__).parents[2]
        with theirs:
            self.process = subprocess.Popen(  # noqa: S603  # nothing of it comes from outside
                [sys.executable, "-P", "-s", "-m", "migdx.formats.child", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                process_group=0,  # Ctrl-C is for the service; a child ends when its socket does
                # threads cost address space, and so do their heaps; mimalloc, Arrow's own, keeps what it had
                env={
                    "PYTHONPATH": str(root),
                    "LC_ALL": "C.UTF-8",
                    "MALLOC_ARENA_MAX": "1",
                    "OPENBLAS_NUM_THREADS": "1",
                    "OMP_NUM_THREADS": "1",
                    "ARROW_DEFAULT_MEMORY_POOL": "system",
                },
            )

    def do(self, job: Mapping[str, Any], descriptor: int, limits: Limits) -> Answer:
        deadline = time.monotonic() + limits.wall
        whole = {**job, "memory": limits.memory, "cpu": limits.cpu}
        try:
            body = json.dumps(whole).encode()
            with tempfile.TemporaryFile() as scratch:  # the child unpacks to it; it has no name
                descriptors = [descriptor, scratch.fileno()]
                socket.send_fds(self._socket, [len(body).to_bytes(8, "big")], descriptors)
            self._socket.sendall(body)
            with io.BufferedReader(_Stream(self._socket, deadline, limits.memory), _MEBI) as answer:
                table, said = _answer(answer)
                self.peak = int(said["peak"])
                return table, said
        except TimeoutError:
            raise Failed("time limit") from None
        except (pa.ArrowException, OSError, ValueError, KeyError, TypeError, AttributeError):
            raise self._died() from None

    def _died(self) -> Failed:
        """Why there is no answer, as far as its end tells."""
        code = self.ended(5)
        if code is None:
            return Failed("malformed answer")
        if code in (_OUT_OF_MEMORY, -signal.SIGABRT):  # what C++ and Rust do when memory is refused
            return Failed("memory limit")
        if code == -signal.SIGXCPU:
            return Failed("time limit")
        if code < 0:
            return Failed("stopped", signal=signal.Signals(-code).name)
        return Failed("malformed answer" if code == 0 else "fault of the reader")

    def ended(self, seconds: float | None = 0) -> int | None:
        """Its exit code, -9 after signal 9; None when it has not ended within `seconds` (None: ever)."""
        if self.process.returncode is None:
            descriptor = os.pidfd_open(self.process.pid)
            try:
                ending = select.poll()
                ending.register(descriptor, select.POLLIN)
                ending.poll(None if seconds is None else int(seconds * 1000))
                found, status, used = os.wait4(self.process.pid, os.WNOHANG)
            finally:
                os.close(descriptor)
            if found:
                self.process.returncode = os.waitstatus_to_exitcode(status)
                self.seconds = used.ru_utime + used.ru_stime
        return self.process.returncode

    def end(self) -> None:
        """Nothing is left of it: no process, no zombie, no descriptor. It has nothing to tidy up."""
        self._socket.close()
        self.process.kill()
        self.ended(None)


class _Stream(io.RawIOBase):
    """What comes through the socket, until a deadline and up to a size."""

    def __init__(self, source: socket.socket, deadline: float, most: int) -> None:
        self._source, self._deadline, self._left = source, deadline, most

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._source.settimeout(max(self._deadline - time.monotonic(), 0.001))
        count = self._source.recv_into(buffer)
        self._left -= count
        if self._left < 0:
            raise ValueError("The answer is larger than the memory of its sender")
        return count


class Sandbox:
    """Reads files in children; may be used by many threads at once.

    With `keeps_spare` the next child is started as soon as one has ended: for a service, not for one file.
    """

    def __init__(self, limits: Callable[..., Limits] = limits_of, *, keeps_spare: bool = True) -> None:
        self._limits = limits
        self.keeps_spare = keeps_spare
        self._lock = threading.Lock()
        self._spare: _Child | None = None
        self._owner = 0
        self._closed = False

    def read(self, file: BinaryIO, size: int, *, media_type: str = "", **job: Any) -> Columns:
        """What the whole of `file` says, wherever it stands; it stands there again afterwards.

        `job` is what the reader is told of it, JSON-able.
        """
        try:
            table, said = self.do("read", file, size, media_type=media_type, **job)
            return unpacked(table, said)
        except Failed as failed:
            return nothing("", failed.finding)
        except (pa.ArrowException, ValueError, KeyError, TypeError, AttributeError):
            return nothing("", Failed("malformed answer").finding)

    def do(self, task: str, file: BinaryIO, size: int, **job: Any) -> Answer:
        """A task of child.py on `file`. Raises Failed."""
        large = bool(job.get("large"))
        limit = LARGEST if large else UNDECLARED
        if size > limit:
            values = {"what": "file", "given": size, "limit": limit}
            if size <= LARGEST:
                values["reason"] = "undeclared"
            raise Failed(finding=Finding("too_large", values=values))
        with _descriptor(file) as descriptor:
            compressed = os.pread(descriptor, 4, 0).startswith(_COMPRESSED)
            child, end = self._take(), "stopped"
            try:
                limits = self._limits(size, compressed=compressed, large=large)
                answer = child.do({**job, "task": task, "unpacked": limit}, descriptor, limits)
                end = f"done, {child.peak} MB"
            except Failed as failed:
                end = str(failed.finding.values.get("reason"))
                raise
            finally:
                child.end()
                level = logging.INFO if end.startswith("done") else logging.WARNING
                _log.log(level, "%s of %d bytes: %s, %.2f s", task, size, end, child.seconds)
                self._prepare()
        return answer

    def close(self) -> None:
        with self._lock:
            self._closed = True
            spare, self._spare = self._spare, None
        if spare and self._owner == os.getpid():
            spare.end()

    def _take(self) -> _Child:
        with self._lock:
            # a worker that was forked has its parent's: not its own to use
            spare = self._spare if self._owner == os.getpid() else None
            self._spare = None
        if spare and spare.ended() is not None:
            spare.end()
            spare = None
        return spare or _Child()

    def _prepare(self) -> None:
        with self._lock:
            if self._closed or self._spare or not self.keeps_spare:
                return
            self._spare, self._owner = _Child(), os.getpid()


@contextmanager
def _descriptor(file: BinaryIO) -> Iterator[int]:
    """A descriptor of the bytes in `file`; those that have none are written to an unlinked file."""
    try:
        descriptor = file.fileno()
    except (AttributeError, OSError):
        with tempfile.TemporaryFile() as copy:
            place = file.tell()
            file.seek(0)
            shutil.copyfileobj(file, copy, _MEBI)
            file.seek(place)
            copy.flush()
            yield copy.fileno()
        return
    file.flush()
    # the child's descriptor has this position too
    place = os.lseek(descriptor, 0, os.SEEK_CUR)
    try:
        yield descriptor
    finally:
        os.lseek(descriptor, place, os.SEEK_SET)


def _answer(answer: BinaryIO) -> Answer:
    with pa.ipc.open_stream(answer) as stream:
        text = (stream.schema.metadata or {})[b"migdx"]
        if len(text) > _MOST_SAID:
            raise ValueError("More is said than a sender could read")
        said: Mapping[str, Any] = json.loads(text)
        if fault := said.get("fault"):
            _log.error("A reader failed\n%s", fault)
            raise Failed("fault of the reader")
        table = stream.read_all().replace_schema_metadata(None)
    table.validate(full=True)
    return table, said


default = Sandbox(keeps_spare=False)
atexit.register(default.close)
