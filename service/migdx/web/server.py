"""Serving: gunicorn with threads, whose broken stream breaks the connection; an exchange in each worker."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from gunicorn.app.base import BaseApplication

from ..errors import Unavailable
from ..exchange import Exchange
from ..formats import sandbox
from . import create_app

THREADS = 128
"""Requests at a time in each worker: enough that slow clients cannot stop the service."""

LOOPBACK = ("127.0.0.1", "localhost", "::1")


class _Server(BaseApplication):  # type: ignore[misc]
    """The application is made in each worker, after the fork: DuckDB and Arrow have threads."""

    def __init__(self, folder: Path, token: str | None, demo: bool, options: dict[str, Any]) -> None:
        self._folder, self._token, self._demo, self._options = folder, token, demo, options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        sandbox.default.keeps_spare = True
        return create_app(Exchange.open(self._folder), token=self._token, demo=self._demo)


def serve(folder: Path, *, host: str, port: int, workers: int, token: str | None, demo: bool) -> None:
    """Serves until it is stopped. Without a token only in demo mode, and then on the loopback interface."""
    if demo and host not in LOOPBACK:
        raise Unavailable(f"Demo mode asks for no token, so it binds to 127.0.0.1 only, not to {host}")
    if not demo and not token:
        raise Unavailable(
            "MIGDX_TOKEN is not set: it holds the token that writing calls must show. --demo does without"
        )
    base = f"http://{host}:{port}"
    Exchange.open(folder).close()  # a broken structure stops here, with one sentence, not in every worker

    def ready(_: Any) -> None:
        click.echo(_addresses(base) if demo else f"Ready on {base}/")

    _Server(
        folder,
        None if demo else token,
        demo,
        {
            "bind": f"{host}:{port}",
            "workers": workers,
            "threads": THREADS,
            "worker_class": "gthread",
            "when_ready": ready,
            "timeout": 120,
            "graceful_timeout": 20,
            "loglevel": "warning",
            "limit_request_line": 8190,
        },
    ).run()


def _addresses(base: str) -> str:
    lines = (
        ("the pages", "/"),
        ("the dataflows", "/sdmx/v2/structure/dataflow"),
        (
            "one series as SDMX-CSV",
            "/sdmx/v2/data/dataflow/MIGDX/DF_MIG_FLOW/1.0.0/A.250.IMMIG.OFF.276?format=csv",
        ),
        ("the same by REST 1.5", "/sdmx/v1/data/MIGDX,DF_MIG_FLOW,1.0.0/A.250.IMMIG.OFF.276"),
    )
    return "Ready. Try\n" + "\n".join(f"  {what:<24}{base}{path}" for what, path in lines)
