"""Cache: copies of files that are kept elsewhere, in a folder of this machine, up to a size.

Several processes share the folder. A copy is whole or not there, and stays while anybody holds it: a holder
has a shared lock on the name's own byte of one file, which ends with its process; who removes a copy must
have that byte alone. Copies that were not used for longest go first.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import logging
import os
import struct
import threading
import time
import weakref
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as Late
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO

from ..durable import draft, make_folder, older
from ..errors import Unavailable

_log = logging.getLogger(__name__)

FULL = (errno.ENOSPC, errno.EDQUOT)
CANNOT = "Part of the data cannot be read now"

AT_ONCE = 8
"""Files that one process fetches at a time."""

WAIT = 60.0
"""Seconds that one holder waits for everything that is missing."""

ABANDONED = timedelta(hours=1)
"""Age from which a half copy is nobody's: its process was ended, or lost its connection long ago."""

_USED_AGAIN = 30.0
"""Seconds after which a use is noted anew."""

_LOCKS = ".holders"
_TRIES = 3


class Cache:
    """The copies in `root`/`part`; `limit` bytes are for all parts of `root` together, and are passed only
    while more is held at once. `fetch` writes the file of a name; safe to share between threads.
    """

    def __init__(self, root: Path, part: str, limit: int, fetch: Callable[[str, BinaryIO], None]) -> None:
        self.root, self.part, self.limit = root.resolve(), part, limit
        self.folder = self.root / part
        self._fetch = fetch
        self._mutex = threading.Lock()
        self._held: Counter[str] = Counter()  # by the path below root
        self._coming: dict[str, Future[None]] = {}
        self._locks = _Locks(self.root / _LOCKS)
        self._over = False
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="fetch")
        self.prepare()

    def prepare(self) -> None:
        """Makes the folder, also when it was deleted. Nobody else may look in: it holds what is masked."""
        if not self.root.is_dir():
            make_folder(self.root)
            self.root.chmod(0o700)
        make_folder(self.folder)

    @contextmanager
    def holding(self, names: Sequence[str]) -> Iterator[list[Path]]:
        """Copies that stay while the block lasts; what `fetch` raises, and Unavailable without room or in
        time.
        """
        paths = [self.folder / name for name in names]
        held: list[str] = []
        try:
            self._hold([f"{self.part}/{name}" for name in dict.fromkeys(names)], held)
            self._complete(list(dict.fromkeys(names)))
            yield paths
        finally:
            self._let_go(held)
            if self._over:
                self.evict()

    def renew(self, names: Sequence[str]) -> None:
        """Fetches copies again that are there; each takes the place of the old one."""
        self._await([name for name in names if (self.folder / name).is_file()])

    def drop(self, name: str) -> None:
        """Removes a copy, also one that is held: for what must be forgotten."""
        with suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError):
            (self.folder / name).unlink()

    def copies(self) -> list[str]:
        """The names of all copies of this part."""
        return [name.partition("/")[2] for _, name, _ in self._files() if name.startswith(f"{self.part}/")]

    def evict(self, limit: int | None = None) -> int:
        """Removes what was not used for longest until all parts together take no more than `limit` bytes, but
        nothing that is held; the bytes that this gave.
        """
        files = sorted(self._files())
        over = sum(size for _, _, size in files) - (self.limit if limit is None else limit)
        for half in older(self.root, ABANDONED) if over > 0 else ():
            half.unlink(missing_ok=True)
        gone = 0
        for _, name, size in files:
            if gone >= over:
                break
            if self._removed(name):
                gone += size
        if limit is None:
            self._over = gone < over
        return gone

    def make_room(self, needed: int, free: Callable[[], int]) -> int:
        """Lets copies go until `needed` bytes are free on the disk, if that helps; the bytes that are."""
        there = free()
        if there < needed:
            size = sum(size for _, _, size in self._files())
            if self.evict(max(0, size - (needed - there))):
                there = free()
        return there

    # --- what is missing ---------------------------------------------------------------------------

    def _complete(self, names: Sequence[str]) -> None:
        for _ in range(_TRIES):
            missing = [name for name in names if not self._used(name)]
            if not missing:
                return
            self._await(missing)
            self.evict()
        # somebody deletes them as fast as they come
        raise Unavailable(CANNOT)

    def _used(self, name: str) -> bool:
        """Whether there is a copy, noting that it was used now: mounts may not note it themselves."""
        path = self.folder / name
        try:
            state = path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return False
        if not S_ISREG(state.st_mode):
            return False
        if time.time() - state.st_atime > _USED_AGAIN:
            with suppress(OSError):  # a disk that is read-only now still gives what it has
                os.utime(path, ns=(time.time_ns(), state.st_mtime_ns))
        return True

    def _await(self, names: Sequence[str]) -> None:
        deadline = time.monotonic() + WAIT
        for coming in [self._started(name) for name in names]:
            try:
                coming.result(max(0.0, deadline - time.monotonic()))
            except Late:
                raise Unavailable(CANNOT) from None

    def _started(self, name: str) -> Future[None]:
        """The one fetch of a name that is under way in this process."""
        with self._mutex:
            found = self._coming.get(name)
            if found is None:
                found = self._coming[name] = self._pool.submit(self._bring, name)
                found.add_done_callback(lambda _: self._coming.pop(name, None))
            return found

    def _bring(self, name: str) -> None:
        for _ in range(_TRIES):
            try:
                self.prepare()
                with draft(self.folder) as new:
                    self._fetch(name, new.file)
                    new.name = name
                return
            except FileNotFoundError:  # the folder was deleted meanwhile
                continue
            except OSError as fault:
                size = sum(size for _, _, size in self._files())
                if fault.errno not in FULL or not self.evict(size // 2):
                    _log.warning("No copy of %s can be kept in the cache: %s", name, fault.strerror)
                    raise Unavailable(CANNOT) from None
        raise Unavailable(CANNOT)

    def _files(self) -> list[tuple[int, str, int]]:
        """When each copy of any part was last used, its path below the root, its bytes."""
        found = []
        for folder, folders, names in os.walk(self.root):
            folders[:] = [name for name in folders if not name.startswith(".")]  # what the engine spills
            for name in names:
                with suppress(FileNotFoundError):
                    if not name.startswith("."):
                        path = Path(folder, name)
                        state = path.stat()
                        found.append(
                            (state.st_atime_ns, path.relative_to(self.root).as_posix(), state.st_size)
                        )
        return found

    # --- who holds what ----------------------------------------------------------------------------

    def _hold(self, names: Sequence[str], held: list[str]) -> None:
        """Adds to `held` what is held, so that a fault in between lets go of that."""
        with self._mutex:
            self._locks.renew(self._held)
            for name in names:
                if not self._held[name]:
                    self._locks.share(name)
                self._held[name] += 1
                held.append(name)

    def _let_go(self, names: Sequence[str]) -> None:
        with self._mutex:
            for name in names:
                self._held[name] -= 1
                if not self._held[name]:
                    del self._held[name]
                    self._locks.free(name)

    def _removed(self, name: str) -> bool:
        with self._mutex:
            self._locks.renew(self._held)
            if name in self._held or not self._locks.alone(name):
                return False
            try:
                (self.root / name).unlink(missing_ok=True)
            finally:
                self._locks.free(name)
            return True


class _Locks:
    """A byte of one file for each name; open file description locks, so that two caches of one process are
    two holders, and one file is open however many names are held.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = -1
        self._close: Callable[[], object] = lambda: None

    def renew(self, held: Iterable[str]) -> None:
        """Opens the file again when it is not, or was deleted: others lock the one that is there now."""
        with suppress(FileNotFoundError):
            if self._file >= 0 and os.path.samestat(os.fstat(self._file), self._path.stat()):
                return
        self._close()
        make_folder(self._path.parent)
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._close = weakref.finalize(self, os.close, self._file)
        for name in held:
            self.share(name)

    def share(self, name: str) -> None:
        self._lock(fcntl.F_RDLCK, name, fcntl.F_OFD_SETLKW)

    def alone(self, name: str) -> bool:
        try:
            self._lock(fcntl.F_WRLCK, name, fcntl.F_OFD_SETLK)
        except OSError as fault:
            if fault.errno in (errno.EAGAIN, errno.EACCES):
                return False
            raise
        return True

    def free(self, name: str) -> None:
        self._lock(fcntl.F_UNLCK, name, fcntl.F_OFD_SETLK)

    def _lock(self, kind: int, name: str, command: int) -> None:
        at = int.from_bytes(hashlib.sha256(name.encode()).digest()[:7], "big")
        # struct flock of 64-bit Linux: kind, from the start, offset, length, no process
        fcntl.fcntl(self._file, command, struct.pack("hhqqi4x", kind, os.SEEK_SET, at, 1, 0))
