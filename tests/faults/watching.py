"""Those who watch: publishers are started and killed, readers look on, and a judge compares what is served
with the record of what was acknowledged.
"""

from __future__ import annotations

import json
import os
import random
import select
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from record import Followed
from two_flows import FLOWS, opened, seen, told

from migdx.exchange import Exchange

HERE = Path(__file__).parent
CSV = "application/vnd.sdmx.data+csv;version=2.0.0"
LATE = 60.0
"""Seconds after which what should happen at once has failed."""


def environment(**more: str) -> dict[str, str]:
    """Of a process of one thread that finds these modules."""
    one = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    one["JE_ARROW_MALLOC_CONF"] = "background_thread:false"
    path = os.pathsep.join([str(HERE), str(HERE.parent), *sys.path])
    return {**os.environ, **one, "PYTHONPATH": path, **more}


class Publishers:
    """Starts publishers."""

    def __init__(self, folder: Path, url: str, record: Path) -> None:
        self._told = {"folder": str(folder), "url": url, "record": str(record)}
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "publisher.py")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment(),
        )  # fmt: skip

    def start(self, **how: Any) -> Running:
        assert self._process.stdin
        assert self._process.stdout
        print(json.dumps(self._told | how), file=self._process.stdin, flush=True)
        return Running(int(self._process.stdout.readline()))

    def close(self) -> None:
        self._process.communicate(timeout=LATE)


class Running:
    """A publisher. It is a child of another process, which does not look after it before the end: its number
    stays its own.
    """

    def __init__(self, pid: int) -> None:
        self.pid, self._handle = pid, os.pidfd_open(pid)

    def kill(self) -> None:
        signal.pidfd_send_signal(self._handle, signal.SIGKILL)
        self.wait()

    def wait(self, seconds: float = LATE) -> None:
        assert self.ended(seconds), f"the publisher {self.pid} did not end"

    def ended(self, seconds: float = 0) -> bool:
        return bool(select.select([self._handle], [], [], seconds)[0])

    def __del__(self) -> None:
        os.close(self._handle)


class Readers:
    """Ask again and again from threads, until they are stopped; `answers` counts what was sound, `faults`
    keeps what was not.
    """

    def __init__(self, record: Followed) -> None:
        self.record, self.answers, self.pasts = record, 0, 0
        self.faults: list[str] = []
        self.witnessed: set[tuple[str, int]] = set()
        self._lock, self._stopped = threading.Lock(), threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self, look: Callable[[datetime | None], dict[str, int]], seed: int) -> None:
        thread = threading.Thread(target=self._read, args=(look, random.Random(seed)))
        self._threads.append(thread)
        thread.start()

    def stop(self) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join(LATE)
            assert not thread.is_alive()
        assert not self.faults, self.faults[:3]

    def _read(self, look: Callable[[datetime | None], dict[str, int]], chance: random.Random) -> None:
        reached: dict[str, int] = {}
        while not self._stopped.wait(0.05):
            try:
                self._past(look, chance) if chance.random() < 0.3 else self._now(look, reached)
            except Exception as fault:  # noqa: BLE001 - `stop` says which
                self.faults.append(f"{type(fault).__name__}: {fault}")

    def _now(self, look: Callable[[datetime | None], dict[str, int]], reached: dict[str, int]) -> None:
        before = self.record.positions()
        found = look(None)
        after = self.record.positions()
        for provider, first in before.items():
            states = self.record.between(provider, first, after[provider])
            fits = [
                one
                for one in states
                if one.shows == found.get(provider, 0) and one.step >= reached.get(provider, 0)
            ]
            assert fits, f"{provider} shows {found.get(provider, 0)}, which is none of {states}"
            reached[provider] = fits[0].step
            if not any(one.sure for one in fits):
                with self._lock:
                    self.witnessed.add((provider, fits[0].step))
        with self._lock:
            self.answers += 1

    def _past(self, look: Callable[[datetime | None], dict[str, int]], chance: random.Random) -> None:
        self.record.read()
        if self.record.instants:
            provider, at, shows = chance.choice(self.record.instants)
            found = look(at).get(provider, 0)
            assert found == shows, f"{provider} shows {found} as of {at}, not {shows}"
            with self._lock:
                self.pasts += 1


def settle(exchange: Exchange, readers: Readers, provider: str) -> None:
    """After a publisher was killed: nothing acknowledged is lost, nothing is there that it was not about to
    do, the ledger is whole and free; what was in doubt is decided for good.
    """
    record = readers.record
    record.read()
    with exchange.ledger.writing() as book:  # once nobody else writes, it is there or never will be
        history = book.history
    assert exchange.ledger.verify() == history.seq
    accepted = {id for id, one in history.submissions.items() if one.provider == provider}
    mine = {
        one.id
        for one in history.releases
        if {key[0].split("_")[1][:3] for key in one.revisions} == {provider}
    }
    known = {id for id, whose in record.releases.items() if whose == provider}
    assert record.submissions <= set(history.submissions), "an acknowledged submission is lost"
    assert known <= mine, "an acknowledged release is lost"
    new, released = accepted - record.submissions, mine - known
    doubt = record.doubt.get(provider, {}).get("about")
    assert len(new) in ((0, len(FLOWS)) if doubt == "submit" else (0,)), (
        f"{doubt}: {len(new)} unknown submissions"
    )
    assert len(released) <= (doubt == "release"), f"{doubt}: {len(released)} unknown releases"
    cancelled = doubt == "cancel" and any(
        one.cancelled for one in history.releases if one.id in mine and _shows(record, one.id, provider)
    )
    happened = bool(new or released or cancelled)
    step = record.states[provider][-1].step
    assert happened or doubt == "submit" or (provider, step) not in readers.witnessed, "what was seen is gone"
    ids = dict.fromkeys(released, provider)
    record.say(provider=provider, settled=happened, submissions=sorted(new), releases=ids)
    record.read()
    stack = record.stack[provider]
    assert seen(exchange).get(provider, 0) == (stack[-1] if stack else 0)


def _shows(record: Followed, id: str, provider: str) -> bool:
    """Whether a release is the last of a provider's, which is the one that is cancelled."""
    return id == [known for known, whose in record.releases.items() if whose == provider][-1]


def direct(exchange: Exchange) -> Callable[[datetime | None], dict[str, int]]:
    """Looks at both dataflows at one instant."""
    return lambda at: seen(exchange, at)


def over_http(port: int, flow: str) -> Callable[[datetime | None], dict[str, int]]:
    """Looks at one dataflow as CSV."""

    def look(at: datetime | None) -> dict[str, int]:
        asked = f"?asOf={quote(at.isoformat())}" if at else ""
        address = f"http://127.0.0.1:{port}/sdmx/v2/data/dataflow/T/{flow}/1.0/*{asked}"
        request = urllib.request.Request(address, headers={"Accept": CSV})
        with urllib.request.urlopen(request, timeout=LATE) as answer:
            return told(answer.read().decode()) if answer.status == 200 else {}

    return look


@contextmanager
def started(folder: Path, url: str = "", workers: int = 1, **more: str) -> Iterator[subprocess.Popen[str]]:
    """A service of that world, with the token T; it may not be ready yet."""
    command = [sys.executable, str(HERE / "served.py"), str(folder), url, str(workers)]
    with subprocess.Popen(command, env=environment(**more), stdout=subprocess.PIPE, text=True) as running:
        try:
            yield running
        finally:
            running.terminate()
            running.wait(LATE)


def port_of(service: subprocess.Popen[str]) -> int:
    """Its port, once it is ready."""
    assert service.stdout
    said = service.stdout.readline()
    assert said.startswith("Ready on"), said
    return int(said.rstrip("/\n").rpartition(":")[2])


@contextmanager
def serving(folder: Path, url: str = "", workers: int = 1, **more: str) -> Iterator[tuple[int, int]]:
    """The port and the master's process id of one that is ready."""
    with started(folder, url, workers, **more) as running:
        yield port_of(running), running.pid


@contextmanager
def watched(
    folder: Path, url: str, record: Path, seed: int, *, http: bool
) -> Iterator[tuple[Exchange, Readers]]:
    """An exchange with readers of it, of its own and over HTTP, until the block is left."""
    exchange = opened(folder, url)
    readers = Readers(Followed(record))
    try:
        readers.start(direct(exchange), seed)
        if not http:
            yield exchange, readers
            return
        with serving(folder, url) as (port, _):
            readers.start(over_http(port, "FLOW"), seed + 1)
            try:
                yield exchange, readers
            finally:
                readers.stop()
    finally:
        readers.stop()
        exchange.close()


def until(what: Callable[[], bool], seconds: float = LATE) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.005)
