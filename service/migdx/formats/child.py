"""The process that reads a file for the service: one job, then it ends. sandbox.py starts it and talks to it.

It takes the job and the file's descriptor from a socket, puts limits on itself, and answers with an Arrow
stream whose schema carries everything but the columns as JSON. Whatever a file does to it,
the service lives on.
"""

from __future__ import annotations

import io
import json
import math
import os
import resource
import socket
import sys
import traceback
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa

from ..dataset import Columns
from ..report import Finding
from . import csv_reader

Reader = Callable[[BinaryIO], Columns]

READERS: dict[str, Reader] = {
    "application/vnd.sdmx.data+csv": csv_reader.read,
    "text/csv": csv_reader.read,
}
"""Data messages, by media type without parameters; "" is what a sender who names none means."""

OUT_OF_MEMORY = 71
"""How the process ends when a reader wants more than it may have."""

BATCH = 1 << 20


class NoPandas:
    """pyarrow imports pandas, where there is one, at its first array: 0.2 s and 40 MB for nothing."""

    @staticmethod
    def find_spec(name: str, *_: object) -> None:
        if name == "pandas":
            raise ImportError(name)


def main(descriptor: int) -> None:
    sys.meta_path.insert(0, NoPandas)
    csv_reader.read(io.BytesIO(b"DATAFLOW,OBS_VALUE\nA:B(1.0),1\n"))  # what is loaded lazily, is loaded now
    with socket.socket(fileno=descriptor) as service:
        message, descriptors, _, _ = socket.recv_fds(service, 1 << 16, 1)
        if not message:  # the service has ended
            return
        job = json.loads(message)
        _limit(job["memory"], job["cpu"])
        try:
            with os.fdopen(descriptors[0], "rb", buffering=0) as file:
                file.seek(0)
                columns = _read(file, job["media_type"])
            _answer(service, columns)
        except MemoryError:
            os._exit(OUT_OF_MEMORY)
        except Exception:  # noqa: BLE001  # a fault of ours; the service writes it to its log
            _send(service, pa.table({}), {"fault": traceback.format_exc()})


def _limit(memory: int, cpu: int) -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = math.ceil(used.ru_utime + used.ru_stime) + cpu
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))


def _read(file: BinaryIO, media_type: str) -> Columns:
    reader = READERS.get(media_type.partition(";")[0].strip().lower() or "text/csv")
    if reader is None:
        values = {"reason": "unknown media type", "given": media_type}
        finding = Finding("unreadable", values=values, expected={"mediaTypes": list(READERS)})
        return Columns(media_type, pa.table({}), np.zeros(0, np.int64), {}, findings=(finding,))
    return reader(file)


def _answer(service: socket.socket, columns: Columns) -> None:
    said: dict[str, Any] = {
        "format": columns.format,
        "records": len(columns.rows),
        "positions": dict(columns.positions),
        "structure": columns.structure,
        "actions": columns.actions,
        "received": columns.received,
        "findings": [asdict(finding) for finding in columns.findings],
    }
    rows = pa.array(columns.rows, pa.int64())
    table = columns.table.append_column("", rows) if columns.table.num_columns else pa.table({"": rows})
    _send(service, table, said)


def _send(service: socket.socket, table: pa.Table, said: dict[str, Any]) -> None:
    schema = table.schema.with_metadata({"migdx": json.dumps(said)})
    with service.makefile("wb") as sink, pa.ipc.new_stream(sink, schema) as stream:
        stream.write_table(table, max_chunksize=BATCH)


if __name__ == "__main__":
    main(int(sys.argv[1]))
