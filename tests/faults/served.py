"""Serves the world of two providers as `migdx serve` does: folder, URL of the ledger, workers."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import Any

from two_flows import opened

from migdx.exchange import Exchange
from migdx.web.server import serve

FOLDER, URL, WORKERS = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])


def open_here(cls: type[Exchange], *_: Any, **__: Any) -> Exchange:
    files = os.environ.get("FAULTS_FILES")
    return opened(FOLDER, URL, Path(files) if files else None)


if __name__ == "__main__":
    Exchange.open = classmethod(open_here)  # type: ignore[method-assign,assignment]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    serve(FOLDER, host="127.0.0.1", port=port, workers=WORKERS, token="T", demo=False)
