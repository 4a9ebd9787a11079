"""The text of an XML message as pieces of UTF-8, whatever encoding it was sent in.

XML 1.0, appendix F: a byte order mark, then zero bytes, then the declaration tell the encoding.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import BinaryIO

from .text_encoding import told_by

PIECE = 1 << 21
"""How many bytes are read at a time."""

_FIRST = 1 << 16
_DECLARED = re.compile(rb"""\s*<\?xml\s[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._:-]{1,40})["']""")
_READ = re.compile(
    r"iso8859-\d+|cp(125\d|437|85\d|866|874|932|949|950)|koi8-[ru]|mac-roman|shift_jis|euc_(jp|kr)|gb(2312|k|18030)|big5"
)
"""Encodings by the names of Python's codecs; others of those are no encodings, or cost much."""


class UnknownEncoding(Exception):
    """The text is declared to be in an encoding that is not read; the argument is its name."""


def pieces(file: BinaryIO) -> Iterator[bytes]:
    """The whole text from its beginning, without a byte order mark, in UTF-8 where it is well-formed.

    Raises UnknownEncoding, and UnicodeDecodeError for bytes that are none of the encoding.
    """
    file.seek(0)
    head = file.read(_FIRST)
    encoding, skip = _encoding_of(head)
    head = head[skip:]
    if encoding == "utf-8":  # the parser will see whether it is
        while head:
            yield head
            head = file.read(PIECE)
        return
    decoder = codecs.getincrementaldecoder(encoding)()
    while head:
        # a lone surrogate is no text; the parser refuses what "surrogatepass" lets through
        if text := decoder.decode(head).encode("utf-8", "surrogatepass"):
            yield text
        head = file.read(PIECE)
    yield decoder.decode(b"", True).encode("utf-8", "surrogatepass")


def _encoding_of(head: bytes) -> tuple[str, int]:
    """The encoding as Python names it, and how long the byte order mark is."""
    told, skip = told_by(head)
    if told:
        return told.lower(), skip
    declared = _DECLARED.match(head)
    if declared is None:
        return "utf-8", 0
    given = declared[1].decode()
    try:
        name = codecs.lookup(given).name
    except LookupError:
        raise UnknownEncoding(given) from None
    if name in ("utf-8", "ascii", "utf-16"):  # UTF-16 would have zero bytes
        return "utf-8", 0
    if not _READ.fullmatch(name):
        raise UnknownEncoding(given)
    return name, 0
