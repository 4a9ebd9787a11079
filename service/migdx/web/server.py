"""Serving: gunicorn with threads, whose broken stream breaks the connection; an exchange in each worker."""

from __future__ import annotations

import errno
import logging
import signal
import socket
import struct
from collections.abc import Sequence
from pathlib import Path
from threading import Thread
from typing import Any

import click
from gunicorn.app.base import BaseApplication

from .. import signing
from ..errors import NoSpace, Unavailable
from ..exchange import Exchange
from ..formats import sandbox
from ..settings import Settings
from ..sweeping import sweep
from . import create_app, needed
from .maintainers import NOBODY, Maintainers
from .structures import warm

_log = logging.getLogger(__name__)

THREADS = 128
"""Requests at a time in each worker: enough that slow clients cannot stop the service."""

SILENT, STALLED = 15, 60
"""Seconds without a byte of a request, or of an answer taken, after which a connection is ended."""

LOOPBACK = ("127.0.0.1", "localhost", "::1")


class _Server(BaseApplication):  # type: ignore[misc]
    """The application is made in each worker, after the fork: DuckDB and Arrow have threads."""

    def __init__(
        self, folder: Path, token: str | None, demo: bool, maintained_by: Maintainers, options: dict[str, Any]
    ) -> None:
        self._folder, self._token, self._demo, self._options = folder, token, demo, options
        self._maintained_by = maintained_by
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        sandbox.default.keeps_spare = True
        exchange = Exchange.open(Settings.of(self._folder), share=self.cfg.workers)
        self.exchange = exchange
        _remembered(exchange)  # a worker that takes another's place reads the folders anew
        Thread(target=warm, args=(exchange.registry,), daemon=True).start()
        return create_app(exchange, token=self._token, demo=self._demo, maintained_by=self._maintained_by)


def probe(host: str, port: int, another: str) -> None:
    """Raises Unavailable when nobody can be served there; `another` is how to ask for another port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as tried:
        # as gunicorn does: connections of a service that has just ended do not count
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((host, port))
        except OSError as fault:
            if fault.errno == errno.EADDRINUSE:
                other = port + 1 if port < 65535 else 8080
                raise Unavailable(f"Port {port} is taken; try {another}{other}") from None
            raise Unavailable(f"Nobody can be served on {_address(host, port)}: {fault.strerror}") from None


def serve(
    folder: Path,
    *,
    host: str,
    port: int,
    workers: int,
    token: str | None,
    demo: bool,
    samples: Sequence[tuple[str, str]] = (),
    maintained_by: Maintainers = NOBODY,
) -> None:
    """Serves until it is stopped. Without a token only in demo mode, and then on the loopback interface.

    `samples` are addresses to try, without the host, each after what it gives.
    """
    if demo and host not in LOOPBACK:
        raise Unavailable(f"Demo mode asks for no token, so it binds to 127.0.0.1 only, not to {host}")
    token = None if demo else needed(token, demo=demo)
    base = f"http://{_address(host, port)}"
    # a broken structure stops here, with one sentence, not in every worker
    settings = Settings.of(folder)
    exchange = Exchange.open(settings)
    _swept(exchange, settings.keep_bytes)
    _remembered(exchange)
    signing.ready(exchange, by="serve")
    exchange.close()

    def ready(_: Any) -> None:
        lines = [f"  {what:<24}{base}{path}" for what, path in samples]
        click.echo("\n".join(["Ready. Try", *lines] if lines else [f"Ready on {base}/"]))

    _Server(
        folder,
        token,
        demo,
        maintained_by,
        {
            "bind": _address(host, port),
            "workers": workers,
            "threads": THREADS,
            "worker_class": "gthread",
            "when_ready": ready,
            "pre_fork": _impatient,
            "worker_int": _leaving,
            "worker_exit": _closed,
            "timeout": 120,
            "graceful_timeout": 20,
            "loglevel": "warning",
            "limit_request_line": 8190,
        },
    ).run()


def _swept(exchange: Exchange, keep_bytes: int) -> None:
    """Here once, not in every worker. Where the files are away, what is cached is served all the same."""
    try:
        sweep(exchange, keep_bytes=keep_bytes)
    except Unavailable as fault:
        _log.warning("Nothing was swept: %s", fault)


def _remembered(exchange: Exchange) -> None:
    """Writes down which structures are served, for those who ask what they were as of this day."""
    try:
        exchange.past.remember(exchange.ledger, exchange.folders, by="serve")
    except (NoSpace, Unavailable) as fault:
        _log.warning("The structures that are served are not written down: %s", fault)


def _closed(_: Any, worker: Any) -> None:
    exchange = getattr(worker.app, "exchange", None)
    if exchange is not None:
        exchange.close()


def _impatient(arbiter: Any, _: Any) -> None:
    """Who sends or takes nothing for a while is not waited for; what is accepted inherits it (socket(7))."""
    for listener in arbiter.LISTENERS:
        for option, seconds in ((socket.SO_RCVTIMEO, SILENT), (socket.SO_SNDTIMEO, STALLED)):
            listener.sock.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", seconds, 0))


def _leaving(_: Any) -> None:
    """Ctrl-C reaches a worker twice, from terminal and master: the second would break its end."""
    for number in (signal.SIGINT, signal.SIGQUIT):
        # not SIG_IGN: Python complains of one that arrived just before
        signal.signal(number, lambda *_: None)


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
