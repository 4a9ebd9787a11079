"""Turns: how many things a process does at a time; who waits too long is told to come back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import pyarrow as pa

from .errors import Unavailable

WAIT = 20.0
"""Seconds that a request waits for its turn before it is told to come back."""

LENGTHY = 32 << 20
"""Bytes of a file that takes its turn for long: where there are several turns, one stays for others."""


class Turns:
    """`number` of them, shared by all requests of a process."""

    def __init__(self, number: int) -> None:
        self._turns = threading.BoundedSemaphore(number)
        self._lengthy = threading.BoundedSemaphore(max(1, number - 1))
        # a workbook that is marked takes memory and time: one at a time, and checks do not wait for it
        self._copying = threading.BoundedSemaphore(1)

    @contextmanager
    def one(self) -> Iterator[None]:
        """Unavailable after WAIT seconds without a turn."""
        with _taken(self._turns):
            yield

    @contextmanager
    def copying(self) -> Iterator[None]:
        with _taken(self._copying):
            yield

    @contextmanager
    def of_size(self, size: int) -> Iterator[None]:
        """A turn for a file of so many bytes."""
        with _taken(self._lengthy) if size > LENGTHY else nullcontext(), self.one():
            yield

    def over(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """A turn is held while a batch is made, not while a slow reader takes it."""
        try:
            while True:
                with self.one():
                    batch = next(batches, None)
                if batch is None:
                    return
                yield batch
        finally:
            close = getattr(batches, "close", None)
            if close:
                close()


def started(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch] | None:
    """The same, its first batch already made, so that faults come before the answer starts; None if empty."""
    first = next((batch for batch in batches if batch.num_rows), None)
    if first is None:
        return None

    def rest() -> Iterator[pa.RecordBatch]:
        try:
            yield first
            yield from batches
        finally:
            batches.close()  # type: ignore[attr-defined]

    return rest()


@contextmanager
def _taken(turns: threading.BoundedSemaphore) -> Iterator[None]:
    if not turns.acquire(timeout=WAIT):
        raise Unavailable(f"The service is busy; it waited {WAIT:.0f} seconds. Please try again.")
    try:
        yield
    finally:
        turns.release()
