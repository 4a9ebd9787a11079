"""The separate record: what publishers were about to do, and what the exchange said was done, kept in a file
outside of it; and what may be seen by that record.
"""

from __future__ import annotations

import json
import os
import threading
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class State:
    """What a provider shows (0: nothing) after so many steps; `sure` when that was acknowledged, or settled
    after a crash.
    """

    step: int
    shows: int
    sure: bool


class Record:
    """One line for each thing said, written in one piece; whoever has the file sees it."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)

    def say(self, **line: Any) -> None:
        os.write(self._file, json.dumps(line).encode() + b"\n")

    def text(self, offset: int) -> bytes:
        return os.pread(self._file, 1 << 24, offset)


class Followed(Record):
    """A record that is read as it grows. One publisher at a time writes for each provider.

    `stack` are the serial numbers whose releases are in force, `doubt` what was begun and not acknowledged;
    `submissions` and `releases` were acknowledged; `instants` are those of acknowledged releases and
    cancellations, with what is shown from then on.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._lock, self._offset = threading.RLock(), 0
        self.states: dict[str, list[State]] = defaultdict(lambda: [State(0, 0, True)])
        self.stack: dict[str, tuple[int, ...]] = defaultdict(tuple)
        self.doubt: dict[str, dict[str, Any]] = {}
        self.submissions: set[str] = set()
        self.releases: dict[str, str] = {}
        self.instants: list[tuple[str, datetime, int]] = []
        self.steps: list[int] = []
        self.done = 0
        self.serial = 0

    def read(self) -> None:
        with self._lock:
            text = self.text(self._offset)
            complete = text[: text.rfind(b"\n") + 1]
            self._offset += len(complete)
            for line in complete.splitlines():
                self._take(json.loads(line))

    def positions(self) -> dict[str, int]:
        """How many states each provider has had by now."""
        with self._lock:
            self.read()
            return {provider: len(self.states[provider]) for provider in ("ONE", "TWO")}

    def between(self, provider: str, first: int, last: int) -> list[State]:
        """The states that may have been seen between two such positions."""
        with self._lock:
            states = self.states[provider]
            sure = max(at for at in range(first) if states[at].sure)
            return states[sure:last]

    def _take(self, line: dict[str, Any]) -> None:
        provider = line.get("provider", "")
        if "steps" in line:
            self.steps.append(line["steps"])
        elif "about" in line:
            self.serial = max(self.serial, line["serial"])
            self.doubt[provider] = line
            if line["about"] != "submit":
                self._add(provider, self._after(provider, line), sure=False)
        elif "did" in line:
            begun = self.doubt.pop(provider)
            assert begun["about"] == line["did"]
            self.done += 1
            self._finished(provider, line)
        elif "settled" in line:
            begun = self.doubt.pop(provider, None)
            if begun and begun["about"] != "submit":
                if line["settled"]:
                    self.stack[provider] = self._after(provider, begun)
                self._add(provider, self.stack[provider], sure=True)
            self.submissions |= set(line["submissions"])
            self.releases |= line["releases"]

    def _finished(self, provider: str, line: dict[str, Any]) -> None:
        if line["did"] == "submit":
            self.submissions |= set(line["submissions"])
            return
        self.stack[provider] = stack = self._after(provider, line)
        if line["did"] == "release":
            self.releases[line["release"]] = provider
        shows = stack[-1] if stack else 0
        self.instants.append((provider, datetime.fromisoformat(line["at"]), shows))
        self._add(provider, stack, sure=True)

    def _after(self, provider: str, line: dict[str, Any]) -> tuple[int, ...]:
        stack = self.stack[provider]
        if line.get("about", line.get("did")) == "cancel":
            assert stack[-1] == line["serial"]
            return stack[:-1]
        return (*stack, line["serial"])

    def _add(self, provider: str, stack: tuple[int, ...], *, sure: bool) -> None:
        states = self.states[provider]
        step = states[-1].step + (states[-1].sure is True and not sure)
        states.append(State(step, stack[-1] if stack else 0, sure))
