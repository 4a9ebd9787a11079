"""Rendered: answers kept as the bytes that are sent, compressed where that was asked; the oldest go first.

The key holds all that an answer depends on.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock

BUDGET = 64 << 20
"""Bytes that a process keeps, unless the setting MIGDX_RENDERED says otherwise."""

_LARGEST_SHARE = 4
"""An answer above this part of the budget is not kept: it would push out too many others."""


@dataclass(frozen=True)
class Kept:
    """`total` is how many items there are, where the answer is a page of them."""

    body: bytes
    total: int | None = None


class Rendered:
    """Bounded by the bytes that it holds, which a lock makes exact; safe to share between threads."""

    def __init__(self, budget: int = BUDGET) -> None:
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._budget, self._size = budget, 0
        self._lock = Lock()

    @property
    def largest(self) -> int:
        """Bytes of the largest answer that is kept."""
        return self._budget // _LARGEST_SHARE

    @property
    def size(self) -> int:
        return self._size

    def get(self, key: str) -> Kept | None:
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def put(self, key: str, kept: Kept) -> None:
        if len(kept.body) > self.largest:
            return
        with self._lock:
            before = self._kept.pop(key, None)
            self._size += len(kept.body) - (len(before.body) if before else 0)
            self._kept[key] = kept
            while self._size > self._budget:
                _, dropped = self._kept.popitem(last=False)
                self._size -= len(dropped.body)

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()
            self._size = 0
