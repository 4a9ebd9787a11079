"""Pieces of a message, as its writer makes them, in chunks worth sending."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

CHUNK = 1 << 16


def gathered(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes, at least 64 kB at a time."""
    waiting: list[bytes] = []
    size = 0
    for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size >= CHUNK:
            yield b"".join(waiting) if len(waiting) > 1 else piece
            waiting, size = [], 0
    if waiting:
        yield b"".join(waiting)
