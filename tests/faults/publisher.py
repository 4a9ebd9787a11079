"""Publishers to be killed: everything is imported once; each is a fork of a process without other threads.

A line of JSON on standard input starts one, whose process id is told on standard output: `folder`, `url`,
`record`, `provider`, `seed`; `loops` how often it publishes; `cancels` whether it takes releases back now and
then; `clock` seconds that its clock is off; `dies` the number of the step at which it kills itself: of
`every` call, or of those that make something durable.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import traceback
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any

import psycopg  # noqa: F401 - loaded before the forks
from conftest import Here
from record import Record
from two_flows import opened, submitted

from migdx import history, ledger, releasing
from migdx.exchange import Exchange
from migdx.formats import sandbox

DURABLE = (os.fsync, os.replace, os.unlink, os.mkdir)
SAID = ("commit", "execute")


def main() -> None:
    sandbox.default._take, sandbox.default._prepare = Here, lambda: None
    load()
    for line in sys.stdin:
        threads = [(task / "comm").read_text() for task in Path("/proc/self/task").iterdir()]
        assert len(threads) == 1, f"a fork of several threads is not sound: {threads}"
        if (child := os.fork()) == 0:
            try:
                publish(**json.loads(line))
            except BaseException:  # noqa: BLE001 - it must not go on as its parent
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        print(child, flush=True)


def load() -> None:
    """Imports what is otherwise imported while the first file is filed."""
    told, said = os.pipe()
    with TemporaryDirectory() as folder:
        if (child := os.fork()) == 0:
            publish(f"{folder}/exchange", "", f"{folder}/record", "ONE", 0, 1, loops=1)
            os.write(said, " ".join(sys.modules).encode())
            os._exit(0)
        os.close(said)
        with open(told) as names:  # noqa: PTH123 - a pipe has no path
            for name in names.read().split():
                with suppress(ImportError):
                    import_module(name)
        os.waitpid(child, 0)


def publish(
    folder: str,
    url: str,
    record: str,
    provider: str,
    seed: int,
    serial: int,
    loops: int = 1 << 30,
    cancels: bool = True,
    clock: float = 0.0,
    dies: int = 0,
    every: bool = False,
    count: bool = False,
) -> None:
    """Submits and releases again and again; before each step it says so in the record, and after it what was
    acknowledged.
    """
    chance, said = random.Random(seed), Record(Path(record))
    if clock:
        off(timedelta(seconds=clock))
    exchange = opened(Path(folder), url)
    steps = Steps(dies, every=every)
    if dies or count:
        sys.setprofile(steps)
    for at in range(loops):
        once(exchange, said, provider, serial + at, cancel=cancels and chance.random() < 0.2)
    sys.setprofile(None)
    if count:
        said.say(steps=steps.taken)


def once(exchange: Exchange, said: Record, provider: str, serial: int, *, cancel: bool) -> None:
    """Publishes once, and takes the release back when told to."""
    said.say(provider=provider, about="submit", serial=serial)
    submissions = [one.id for one in submitted(exchange, provider, serial)]
    said.say(provider=provider, did="submit", serial=serial, submissions=submissions)
    said.say(provider=provider, about="release", serial=serial)
    made = exchange.release(submissions, by="test")
    at = made.public_from.isoformat()
    said.say(provider=provider, did="release", serial=serial, release=made.id, at=at)
    if cancel:
        said.say(provider=provider, about="cancel", serial=serial)
        effect = releasing.cancel(exchange.ledger, made.id, by="test")
        said.say(provider=provider, did="cancel", serial=serial, at=effect.at.isoformat())


class Steps:
    """Kills this process at the step `dies`."""

    def __init__(self, dies: int, *, every: bool) -> None:
        self.dies, self.every, self.taken = dies, every, 0

    def __call__(self, frame: FrameType, event: str, what: Any) -> None:
        name = getattr(what, "__name__", "") if event.startswith("c_") else frame.f_code.co_name
        durable = name in SAID or (event.startswith("c_") and what in DURABLE)
        if self.every or durable:
            self.taken += 1
            if self.taken == self.dies:
                os.kill(os.getpid(), signal.SIGKILL)


def off(by: timedelta) -> None:
    """The clock of this process is off."""

    class Off(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime.now(UTC) + by

    for module in (ledger, history):
        module.datetime = Off


if __name__ == "__main__":
    main()
