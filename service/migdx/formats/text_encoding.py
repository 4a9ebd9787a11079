"""What the bytes of a text file are: UTF-8, UTF-16, Windows-1252, or no text at all.

XML tells its encoding itself (ml_text.py), and JSON has one; their first bytes are looked at here too.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from ..report import Finding, Place
from .refused import unreadable

_BLOCK = 1 << 18


@dataclass(frozen=True)
class Encoding:
    """How bytes become text. `sound` is false if some do not, or are NUL; `row` is the first such row."""

    name: str
    skip: int = 0
    sound: bool = True
    row: int = 0


_MARKS = {
    codecs.BOM_UTF8: "UTF-8",
    codecs.BOM_UTF32_LE: "UTF-32-LE",  # begins with that of UTF-16
    codecs.BOM_UTF32_BE: "UTF-32-BE",
    codecs.BOM_UTF16_LE: "UTF-16-LE",
    codecs.BOM_UTF16_BE: "UTF-16-BE",
}
_LONE = re.compile("[\udc80-\udcff]")
_ACCENTED = re.compile("[\x80-\ud7ff\ue000-\U0010ffff]")
_UNDEFINED = frozenset("\udc81\udc8d\udc8f\udc90\udc9d")


def told_by(head: bytes) -> tuple[str, int]:
    """The encoding that the first bytes tell, by a mark or by zeros, "" for none; how long the mark is."""
    for mark, name in _MARKS.items():
        if head.startswith(mark):
            return name, len(mark)
    if len(head) > 3 and (head[1] == head[3] == 0) != (head[0] == head[2] == 0):
        return "UTF-16-LE" if head[1] == 0 else "UTF-16-BE", 0
    return "", 0


def encoding_of(file: BinaryIO) -> Encoding:
    """Looks at every byte. Text that is not UTF-8 at all is taken for Windows-1252, as Excel saves it.

    Raises Refused for bytes that are no text.
    """
    file.seek(0)
    head = file.read(4096)
    name, skip = told_by(head)
    if name.startswith("UTF-32"):
        raise unreadable("UTF-32")
    if name not in ("", "UTF-8"):
        return Encoding(name, skip)
    if b"\0" in head and not head[skip:].startswith((b"DATAFLOW", b"STRUCTURE")):
        raise unreadable("binary")
    return Encoding("UTF-8", skip) if _is_utf8(file, skip) else _mixed(file, skip)


def not_utf8(encoding: str, row: int = 0) -> Finding:
    """That a text was taken which is in another encoding; `row` is the first that shows it."""
    places = (Place(row=row),) if row else ()
    values = {"encoding": encoding}
    return Finding("encoding_not_utf8", "warning", places=places, values=values, blocking=False)


def _blocks(file: BinaryIO, skip: int) -> Iterator[bytes]:
    file.seek(skip)
    while block := file.read(_BLOCK):
        yield block


def _is_utf8(file: BinaryIO, skip: int) -> bool:
    """Valid UTF-8 without NUL."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for block in _blocks(file, skip):
            if b"\0" in block:
                return False
            if not block.isascii() or decoder.getstate()[0]:
                decoder.decode(block)
        decoder.decode(b"", True)
    except UnicodeDecodeError:
        return False
    return True


def _mixed(file: BinaryIO, skip: int) -> Encoding:
    """What to make of a text with bytes that are not UTF-8, or with NUL."""
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    nul, accented, lone, row, lines, before = False, False, set[str](), 0, 1, ""
    for block in (*_blocks(file, skip), b""):
        text = decoder.decode(block, not block)
        found = _LONE.search(text)
        if found and not row:
            row = lines + _lines(text[: found.start()], before)
        lines, before = lines + _lines(text, before), text[-1:] or before
        nul = nul or "\0" in text
        accented = accented or _ACCENTED.search(text) is not None
        lone.update(_LONE.findall(text) if found else ())
    if nul or accented or lone & _UNDEFINED:
        return Encoding("UTF-8", skip, sound=False, row=row)
    return Encoding("Windows-1252", skip, row=row)


def _lines(text: str, before: str) -> int:
    """How many lines end in `text`; `before` is the character that precedes it."""
    return (
        text.count("\n") + text.count("\r") - text.count("\r\n") - (before == "\r" and text.startswith("\n"))
    )


def utf8_of(file: BinaryIO, encoding: Encoding) -> Callable[[memoryview], int]:
    """A function that fills a buffer with UTF-8 and returns how much; 0 at the end."""
    file.seek(encoding.skip)
    if encoding.name == "UTF-8":
        return file.readinto  # type: ignore[attr-defined,no-any-return]
    decoder = codecs.getincrementaldecoder(encoding.name)()

    def fill(view: memoryview) -> int:
        while block := file.read(max(len(view) // 3 & ~1, 2)):
            if text := decoder.decode(block).encode():
                view[: len(text)] = text
                return len(text)
        decoder.decode(b"", True)
        return 0

    return fill
