"""A server of PostgreSQL of a test's own, run as an ordinary user, that may be stopped and killed."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from test_ledger import missing

PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))


class Server:
    """In `folder`, on a port of 127.0.0.1."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._run("initdb", "--username=test", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C")
        options = f"listen_addresses='127.0.0.1'\nport={self.port}\nunix_socket_directories=''\n"
        with (folder / "postgresql.conf").open("a") as file:
            file.write(options + "shared_buffers='16MB'\n")

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://test@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        self._run("pg_ctl", "start", "--wait", f"--log={self.folder}/log")

    def stop(self, mode: str = "immediate") -> None:
        """`immediate` is as if it crashed: nothing is finished, and the next start recovers."""
        self._run("pg_ctl", "stop", "--wait", f"--mode={mode}")

    def _run(self, program: str, *words: str) -> None:
        """As the user whose folder it is: it refuses to be run by root."""
        owner = self.folder.stat()
        who = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": ()} if os.getuid() == 0 else {}
        command = [str(PROGRAMS[-1] / program), f"--pgdata={self.folder}", *words]
        done = subprocess.run(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd="/", text=True, timeout=120, **who
        )
        assert done.returncode == 0, f"{program}: {done.stderr}"


@contextmanager
def own_server() -> Iterator[Server]:
    """A server that is running, until the block is left."""
    if not PROGRAMS:
        missing("PostgreSQL is not installed: apt-get install postgresql")
    folder = Path(mkdtemp(prefix="migdx-postgresql-"))  # not below tmp_path, where others may not look
    try:
        if os.getuid() == 0:
            shutil.chown(folder, "nobody", "nogroup")
        server = Server(folder)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
