"""A server that speaks S3, in a process of its own on 127.0.0.1, and a door before it that can be shut."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from secrets import token_hex

SECRET = "a-secret-that-nobody-may-read"


def free_port() -> int:
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        return int(tried.getsockname()[1])


@contextmanager
def object_store() -> Iterator[int]:
    """Its port, until the block is left."""
    port = free_port()
    command = [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        try:
            deadline = time.monotonic() + 120
            while True:
                with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                assert running.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)
            yield port
        finally:
            running.terminate()
            running.wait(30)


def new_bucket(port: int) -> str:
    name = f"b{token_hex(6)}"
    asked = urllib.request.Request(f"http://127.0.0.1:{port}/{name}", method="PUT")
    with urllib.request.urlopen(asked, timeout=60) as answer:
        assert answer.status == 200
    return name


def environment(port: int) -> dict[str, str]:
    """The usual variables for the server behind a port."""
    return {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "the-key-of-a-test",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": "eu-test-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


class Door:
    """A port before another. `shut` refuses and breaks what is under way, `silent` takes and answers nothing,
    `cut` breaks each connection after so many bytes of requests or answers.
    """

    def __init__(self, goal: int) -> None:
        self.goal, self.silent, self.port = goal, False, 0
        self.cut: dict[str, int] = {}
        self.passed = 0
        self._open: list[socket.socket] = []
        self.open()

    def open(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def shut(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for one in self._open:
            _end(one)
        self._open.clear()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                here, _ = listener.accept()
            except OSError:
                return
            self._open.append(here)
            if self.silent:
                continue
            there = socket.create_connection(("127.0.0.1", self.goal))
            self._open.append(there)
            self.passed += 1
            for source, to, way in ((here, there, "request"), (there, here, "answer")):
                threading.Thread(target=self._pass, args=(source, to, way), daemon=True).start()

    def _pass(self, source: socket.socket, to: socket.socket, way: str) -> None:
        gone = 0
        with suppress(OSError):
            while piece := source.recv(1 << 16):
                most = self.cut.get(way)
                if most is not None and gone + len(piece) > most:
                    to.sendall(piece[: most - gone])
                    break
                to.sendall(piece)
                gone += len(piece)
        _end(source)
        _end(to)


def _end(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
