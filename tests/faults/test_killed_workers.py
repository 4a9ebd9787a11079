"""kill -9 of serving workers while they answer and while they take files: a client sees a broken connection,
never a short answer that looks whole; the master starts another, and what was acknowledged is there.
"""

from __future__ import annotations

import http.client
import io
import json
import os
import random
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
import two_flows
from test_ledger import url  # noqa: F401 - the fixture
from two_flows import FLOWS, file_of, opened, published, seen, told
from watching import CSV, LATE, serving, until

pytestmark = pytest.mark.faults

MORE, YEARS = 400, 400
"""Codes and periods of an answer of 160,000 observations, which no buffer between the two holds."""

DATA = "/sdmx/v2/data/dataflow/T/FLOW/1.0/*"
UPLOADS = 8
BROKEN = (http.client.HTTPException, OSError)


def children(pid: int) -> list[int]:
    """The processes that a process started."""
    found = []
    with suppress(FileNotFoundError, ProcessLookupError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += [int(id) for id in (task / "children").read_text().split()]
    return found


def kill_workers(master: int) -> None:
    """All of them at once; the readers of files that they had end, too."""
    workers = children(master)
    assert workers
    theirs = [child for worker in workers for child in children(worker)]
    for worker in workers:
        os.kill(worker, signal.SIGKILL)
    until(lambda: not any(alive(one) for one in (*workers, *theirs)))


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def asked(
    port: int, path: str, body: bytes | io.RawIOBase | None = None, **headers: str
) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LATE)
    try:
        headers = {"Authorization": "Bearer T", "Accept": CSV} | headers
        connection.request("POST" if body else "GET", path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def answers(port: int) -> bool:
    with suppress(*BROKEN):
        return asked(port, DATA + "?firstNObservations=1")[0] in (200, 204)
    return False


def test_killed_while_it_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = tuple((sex, year) for sex in ("_T", "F", "M", *(f"S{at}" for at in range(MORE))) for year in
                 range(1500, 1500 + YEARS))  # fmt: skip
    monkeypatch.setattr(two_flows, "KEYS", keys)
    exchange = opened(tmp_path)
    published(exchange, "ONE", 1)
    exchange.close()
    chance, broken = random.Random(2026), 0
    more = {"FAULTS_CODES": str(MORE), "FAULTS_YEARS": f"1500-{1500 + YEARS}"}
    with serving(tmp_path, workers=2, **more) as (port, master):
        status, whole = asked(port, DATA)
        assert status == 200
        assert told(whole.decode()) == {"ONE": 1}
        for _ in range(6):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LATE)
            connection.request("GET", DATA, headers={"Accept": CSV})
            answer = connection.getresponse()
            had = answer.read(chance.randrange(1, 200_000))
            kill_workers(master)
            try:
                had += answer.read()
            except BROKEN:
                broken += 1
            else:
                assert had == whole, f"a short answer looks whole: {len(had)} of {len(whole)} bytes"
            connection.close()
            until(lambda: answers(port))
    print(f"{broken} broken answers of {len(whole)} bytes")
    assert broken >= 5


def submissions(port: int) -> dict[str, str]:
    """The ids of all submissions, and their verdicts."""
    status, body = asked(port, "/submissions", Accept="application/json")
    assert status == 200
    return {one["id"]: one["verdict"] for one in json.loads(body)["submissions"]}


def send(port: int, body: bytes, result: list[tuple[int, bytes]], *, half: bool) -> None:
    """Sends a file, or half of it and no more; status 0 where the connection breaks."""
    source = Slow((body[: len(body) // 2],) if half else (body,), hang=half)
    headers = {"Content-Type": "text/csv", "Content-Length": str(len(body))}
    try:
        result.append(asked(port, "/submissions?provider=ONE", source, **headers))
    except BROKEN:
        result.append((0, b""))


def test_killed_while_it_takes_a_file(tmp_path: Path, url: str) -> None:  # noqa: F811
    """In the middle of the upload, or of the work on it: what was answered with 201 is there; of the others
    all dataflows or none.
    """
    chance, known, took, outcomes = random.Random(2026), dict[str, str](), 1.0, []
    with serving(tmp_path, url, workers=2) as (port, master):
        for at in range(UPLOADS):
            body, result = file_of("ONE", at + 1), []
            half = at % 4 == 3

            thread = threading.Thread(target=send, args=(port, body, result), kwargs={"half": half})
            began = time.monotonic()
            thread.start()
            if at:
                time.sleep(chance.uniform(0, 1.3 * took))
                kill_workers(master)
            thread.join(LATE)
            took = took if at else time.monotonic() - began
            until(lambda: answers(port))
            ((status, answer),) = result
            assert status in (0, 201), answer
            assert not (half and status)
            now = submissions(port)
            assert known.items() <= now.items(), "an acknowledged submission is lost"
            new = len(now) - len(known)
            assert new in ((len(FLOWS),) if status == 201 else (0,) if half else (0, len(FLOWS)))
            outcomes.append((status, new))
            known = now
    print(f"{UPLOADS} uploads: {sorted(set(outcomes))}")
    assert {status for status, _ in outcomes} == {0, 201}
    exchange = opened(tmp_path, url)
    assert exchange.ledger.verify() == exchange.ledger.history().seq
    published(exchange, "ONE", 100)
    assert seen(exchange) == {"ONE": 100}
    exchange.close()


class Slow(io.RawIOBase):
    """A body that is sent in parts; one that hangs sends no more until the connection is broken."""

    def __init__(self, parts: tuple[bytes, ...], *, hang: bool) -> None:
        self._parts, self._hang = list(parts), hang

    def read(self, _: int = -1) -> bytes:
        if self._parts:
            return self._parts.pop(0)
        if self._hang:
            time.sleep(3)
            raise ConnectionAbortedError
        return b""
