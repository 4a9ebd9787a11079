"""The first finding of a streamed upload: how much of the file was sent before it came.

A table with one unknown code in its third row goes to `migdx serve` over a raw connection, a piece at a time;
the sender looks for an answer after each piece, and waits a moment where its line is slow. Told is what the
service had taken when it found it, and what the sender had sent when it read so: a fast one fills the buffers
of both systems meanwhile.
"""

from __future__ import annotations

import json
import os
import re
import select
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROWS = 300_000
PIECE = 8192
HEADER = (
    "STRUCTURE,STRUCTURE_ID,ACTION,FREQ,REF_AREA,COMPONENT,SOURCE,COUNTERPART_AREA,BIRTHPLACE,CITIZENSHIP,SEX,AGE,"
    "REASON,TIME_PERIOD,OBS_VALUE,OBS_STATUS,CONF_STATUS,UNIT_MEASURE,UNIT_MULT\n"
)
AREAS = ("276", "380", "724", "056", "040", "616", "642", "792", "076", "356")
LIMIT = 1 / 20
PAUSE = 1.5
"""Seconds after which the service has a reader ready again."""
SPEEDS = {"1 MB/s": 1 << 20, "20 MB/s": 20 << 20, "as fast as it goes": 0}


def table() -> bytes:
    rows = (
        f"dataflow,MIGDX:DF_MIG_FLOW(1.0.0),R,A,250,IMMIG,OFF,"
        f"{'FRANCE' if at == 2 else AREAS[at % 10]},_T,_T,"
        f"{'FM'[at // 10 % 2]},_T,_T,{1900 + at // 20 % 120},{at},A,F,PS,0\n"
        for at in range(ROWS)
    )
    return (HEADER + "".join(rows)).encode()


def first_finding(port: int, body: bytes, speed: int, *, chunked: bool) -> tuple[int, int, float]:
    """Bytes taken and sent before the first finding was read, and the seconds since the first of them."""
    how = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(body)}"
    head = (
        "POST /check?provider=FRA HTTP/1.1", "Host: 127.0.0.1", "Accept: application/x-ndjson",
        "Content-Type: text/csv", how, "", "",
    )  # fmt: skip
    with socket.create_connection(("127.0.0.1", port), timeout=60) as line:
        line.sendall("\r\n".join(head).encode())
        started, answer, sent = time.perf_counter(), b"", 0
        while b'"event":"finding"' not in answer:
            piece = body[sent : sent + PIECE]
            if not piece:
                raise SystemExit("The file was sent, and no finding came")
            line.sendall(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
            sent += len(piece)
            ahead = sent / speed - (time.perf_counter() - started) if speed else 0.0
            if select.select([line], [], [], max(0.0, ahead))[0]:
                answer += line.recv(1 << 16)
        (taken,) = re.findall(rb'"event":"received","bytes":(\d+)', answer)[-1:]
        return int(taken), sent, time.perf_counter() - started


def main() -> None:
    body = table()
    print(f"First finding of a streamed upload: {len(body):,} bytes of SDMX-CSV, the fault in row 4")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        command = [Path(sys.executable).parent / "migdx", "--data", folder, "serve", "--port", str(port)]
        with subprocess.Popen(
            [*command, "--workers", "1"],
            env={**os.environ, "MIGDX_TOKEN": "T"},
            stdout=subprocess.PIPE,
            text=True,
        ) as server:
            try:
                assert server.stdout
                assert "Ready" in server.stdout.readline()
                first_finding(port, body, 1 << 20, chunked=False)  # the structures are bound once
                most = max(_told(port, body, *one) for one in SPEEDS.items())
            finally:
                server.terminate()
                server.wait(30)
    print(f"  limit {LIMIT:.0%} of the bytes taken: {'kept' if most <= LIMIT else 'NOT kept'}")
    print(json.dumps({"first_finding": most}))


def _told(port: int, body: bytes, name: str, speed: int) -> float:
    most = 0.0
    for chunked, kind in ((False, "length known"), (True, "chunked")):
        time.sleep(PAUSE)
        taken, sent, seconds = first_finding(port, body, speed, chunked=chunked)
        shares = f"taken {taken:>9,} ({taken / len(body):.2%})   sent {sent:>9,} ({sent / len(body):.2%})"
        print(f"  {name:<20}{kind:<14}{shares}{seconds:>7.2f} s")
        most = max(most, taken / len(body))
    return most


if __name__ == "__main__":
    main()
