"""The process that works on a file for the service: one job, then it ends. sandbox.py starts it.

It takes the job, the file's descriptor and that of a file to unpack to from a socket, puts limits on itself,
and answers with an Arrow stream whose schema carries everything but the columns as JSON. Whatever a file
does to it, the service lives on.
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
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

from ..columns import Columns, nothing
from ..report import Finding, Place, shortened
from . import csv_reader
from .archives import PACKED
from .content import CALLED
from .opening import Opened, opened
from .refused import Refused
from .wire import packed

_SHEETS = "workbook_reader"
READERS = {
    "xlsx": _SHEETS,
    "xls": _SHEETS,
    "ods": _SHEETS,
    "csv": "csv_reader",
    "json": "json_data_reader",
    "xml": "ml_data_reader",
}
"""The module here whose `read(file, job) -> Columns` reads a kind of bytes (content.py).

It is imported when a file is of that kind, so that a child that waits has loaded no library for nothing.
"""

OUT_OF_MEMORY = 71
"""How the process ends when a reader wants more than it may have."""


class NoPandas:
    """pyarrow imports pandas, where there is one, at its first array: 0.2 s and 40 MB for nothing."""

    @staticmethod
    def find_spec(name: str, *_: object) -> None:
        if name == "pandas":
            raise ImportError(name)


def main(descriptor: int) -> None:
    sys.meta_path.insert(0, NoPandas)
    csv_reader.read(io.BytesIO(b"DATAFLOW,OBS_VALUE\nA:B(1.0),1\n"), {})  # what loads lazily, loads now
    with socket.socket(fileno=descriptor) as service:
        length, descriptors, _, _ = socket.recv_fds(service, 8, 2)
        if not length:  # the service has ended
            return
        with service.makefile("rb") as body:
            job = json.loads(body.read(int.from_bytes(length, "big")))
        _limit(job["memory"], job["cpu"], job["unpacked"])
        try:
            with (
                os.fdopen(descriptors[0], "rb", buffering=0) as file,
                os.fdopen(descriptors[1], "w+b") as scratch,
            ):
                file.seek(0)
                table, said = TASKS[job["task"]](file, {**job, "scratch": scratch, "confined": True})
            _send(service, table, said)
        except MemoryError:
            os._exit(OUT_OF_MEMORY)
        except Exception:  # noqa: BLE001  # a fault of ours; the service writes it to its log
            _send(service, pa.table({}), {"fault": traceback.format_exc()[-10_000:]})


def _limit(memory: int, cpu: int, unpacked: int) -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = math.ceil(used.ru_utime + used.ru_stime) + cpu
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    pages = Path("/proc/self/statm").read_text().split()
    mapped, resident = (int(count) * resource.getpagesize() for count in pages[:2])
    # libraries that are mapped and not touched take no memory
    addresses = mapped - resident + memory
    resource.setrlimit(resource.RLIMIT_AS, (addresses, addresses))
    resource.setrlimit(resource.RLIMIT_FSIZE, (unpacked, unpacked))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))


def _read(file: BinaryIO, job: Mapping[str, Any]) -> tuple[pa.Table, dict[str, Any]]:
    """Columns as wire.py packs them."""
    return packed(read(file, job))


def read(file: BinaryIO, job: Mapping[str, Any]) -> Columns:
    """What a file says, as the reader of its kind tells it; one finding where none reads it.

    The reader is told the media type's `parameters` too.
    """
    try:
        found = opened(file, job)
    except Refused as refused:
        return nothing("", refused.finding)
    if found.kind not in READERS:
        return nothing("", not_taken(found))
    # a map is for what is laid out like a sheet, a text too
    name = _SHEETS if found.kind == "csv" and job.get("map") else READERS[found.kind]
    reader: Reader = import_module(f".{name}", __package__).read
    return _as_sent(reader(found.file, {**job, "parameters": found.parameters}), found)


Reader = Callable[[BinaryIO, Mapping[str, Any]], Columns]


def not_taken(found: Opened) -> Finding:
    """That a file is of a kind that nobody reads."""
    taken = ", ".join(CALLED[kind] for kind in (*READERS, *PACKED))
    values = {"reason": "not taken", "found": CALLED.get(found.kind, found.kind), "taken": taken}
    return Finding("unreadable", values=values, places=(Place(file=found.name),) if found.name else ())


def _as_sent(columns: Columns, found: Opened) -> Columns:
    """With what was found out about the file itself, and every place within the archive that was sent."""
    name = found.name
    return replace(
        columns,
        places=replace(columns.places, file=name),
        parts=tuple(replace(part, place=replace(part.place, file=name)) for part in columns.parts),
        findings=(*found.findings, *(_within(finding, name) for finding in columns.findings)),
    )


def _within(finding: Finding, name: str) -> Finding:
    """Readers need not cut what they show: it is done here, for all of them."""
    return shortened(replace(finding, places=tuple(replace(place, file=name) for place in finding.places)))


def _annotate(file: BinaryIO, job: Mapping[str, Any]) -> tuple[pa.Table, dict[str, Any]]:
    from .annotating import annotate

    return annotate(file, job)


def _rejected(file: BinaryIO, job: Mapping[str, Any]) -> tuple[pa.Table, dict[str, Any]]:
    from .rejected_csv import rejected

    return rejected(file, job)


def _cells(file: BinaryIO, job: Mapping[str, Any]) -> tuple[pa.Table, dict[str, Any]]:
    """A Grid as workbook_wire.py packs it, with as many cells as it says there."""
    from . import workbook_grid, workbook_wire

    try:
        found = opened(file, job)
    except Refused as refused:
        return workbook_wire.packed(workbook_grid.unread(refused.finding))
    if found.kind != "csv" and READERS.get(found.kind) != _SHEETS:
        return workbook_wire.packed(workbook_grid.unread(not_taken(found)))
    return workbook_wire.packed(workbook_grid.grid(found.file, job))


TASKS = {"cells": _cells, "annotate": _annotate, "rejected": _rejected, "read": _read}
"""What may be done with a file: a function of the file and the job to a table and what to say with it."""


def _send(service: socket.socket, table: pa.Table, said: dict[str, Any]) -> None:
    schema = table.schema.with_metadata({"migdx": json.dumps({**said, "peak": _peak()})})
    with service.makefile("wb") as sink, pa.ipc.new_stream(sink, schema) as stream:
        stream.write_table(table)


def _peak() -> int:
    """MB of memory at most so far; those of getrusage(2) begin with what its parent had."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) >> 10


if __name__ == "__main__":
    main(int(sys.argv[1]))
