"""Files are read in a child process, so that no file harms the service: `read` gives columns or a finding.

The child (child.py) is started by subprocess, never forked, for Arrow has threads. One is always kept ready,
its libraries loaded; each reads one file and ends. What it may use follows from the size of the file.
"""

from __future__ import annotations

import atexit
import io
import json
import logging
import os
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

import numpy as np
import pyarrow as pa

from ..dataset import Columns
from ..report import Finding, Place

LARGEST = 2 << 30
"""Bytes of a file; an Arrow text column cannot hold more."""

_log = logging.getLogger(__name__)

_MEBI = 1 << 20
_OUT_OF_MEMORY = 71  # as child.py says it; importing it here would bring its readers


@dataclass(frozen=True)
class Limits:
    """Bytes of address space, seconds of processor time, seconds on the clock."""

    memory: int
    cpu: int
    wall: float


def limits_of(size: int) -> Limits:
    """Many times what a clean file of that size needs."""
    cpu = 10 + size // (8 * _MEBI)
    return Limits(memory=1024 * _MEBI + 8 * size, cpu=cpu, wall=20.0 + 4 * cpu)


class _Child:
    """A process that waits for one job."""

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
                # threads of libraries cost address space; mimalloc, Arrow's own, keeps what it once had
                env={
                    "PYTHONPATH": str(root),
                    "LC_ALL": "C.UTF-8",
                    "OPENBLAS_NUM_THREADS": "1",
                    "OMP_NUM_THREADS": "1",
                    "ARROW_DEFAULT_MEMORY_POOL": "system",
                },
            )

    def read(self, descriptor: int, media_type: str, limits: Limits) -> Columns:
        job = {"media_type": media_type, "memory": limits.memory, "cpu": limits.cpu}
        deadline = time.monotonic() + limits.wall
        try:
            socket.send_fds(self._socket, [json.dumps(job).encode()], [descriptor])
            with io.BufferedReader(_Answer(self._socket, deadline, limits.memory), _MEBI) as answer:
                return _columns(answer)
        except TimeoutError:
            return _unreadable("time limit")
        except (pa.ArrowException, OSError, ValueError, KeyError, TypeError, AttributeError):
            return self._died()

    def _died(self) -> Columns:
        """Why there is no answer, as far as its end tells."""
        try:
            code = self.process.wait(5)
        except subprocess.TimeoutExpired:
            return _unreadable("malformed answer")
        if code in (_OUT_OF_MEMORY, -signal.SIGABRT):  # what C++ and Rust do when memory is refused
            return _unreadable("memory limit")
        if code == -signal.SIGXCPU:
            return _unreadable("time limit")
        if code < 0:
            return _unreadable("stopped", signal=signal.Signals(-code).name)
        return _unreadable("malformed answer" if code == 0 else "fault of the reader")

    def end(self) -> None:
        """Nothing is left of it: no process, no zombie, no descriptor. It has nothing to tidy up."""
        self._socket.close()
        self.process.kill()
        self.process.wait()


class _Answer(io.RawIOBase):
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

    def __init__(self, limits: Callable[[int], Limits] = limits_of, *, keeps_spare: bool = True) -> None:
        self._limits = limits
        self.keeps_spare = keeps_spare
        self._lock = threading.Lock()
        self._spare: _Child | None = None
        self._owner = 0
        self._closed = False

    def read(self, file: BinaryIO, media_type: str, size: int) -> Columns:
        """The whole of `file`, wherever it stands; it stands there again afterwards."""
        if size > LARGEST:
            values = {"what": "file", "given": size, "limit": LARGEST}
            return _nothing(Finding("too_large", values=values))
        with _descriptor(file) as descriptor:
            child = self._take()
            try:
                return child.read(descriptor, media_type, self._limits(size))
            finally:
                child.end()
                self._prepare()

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
        if spare and spare.process.poll() is not None:
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


def _columns(answer: BinaryIO) -> Columns:
    with pa.ipc.open_stream(answer) as stream:
        said: Mapping[str, Any] = json.loads((stream.schema.metadata or {})[b"migdx"])
        if fault := said.get("fault"):
            _log.error("A reader failed\n%s", fault)
            return _unreadable("fault of the reader")
        table = stream.read_all().replace_schema_metadata(None)
    table.validate(full=True)
    rows = np.asarray(table.column(table.num_columns - 1).to_numpy(), np.int64)
    if len(rows) != said["records"]:
        raise ValueError(f"{len(rows)} records came of {said['records']}")
    return Columns(
        format=said["format"],
        table=table.remove_column(table.num_columns - 1),
        rows=rows,
        positions=said["positions"],
        structure=tuple((kind, reference) for kind, reference in said["structure"]),
        actions=tuple(said["actions"]),
        received=said["received"],
        findings=tuple(map(_finding, said["findings"])),
    )


def _finding(said: dict[str, Any]) -> Finding:
    return Finding(**{**said, "places": tuple(Place(**place) for place in said["places"])})


def _nothing(finding: Finding) -> Columns:
    return Columns("", pa.table({}), np.zeros(0, np.int64), {}, findings=(finding,))


def _unreadable(reason: str, **values: str) -> Columns:
    return _nothing(Finding("unreadable", values={"reason": reason, **values}))


default = Sandbox(keeps_spare=False)
read = default.read
atexit.register(default.close)
