"""A column of a CSV while it is read, chunk by chunk: its texts numbered, until too many are different.

What is there so far lies in byte arrays that grow where they are, and become the Arrow array as they are: a
large file is never held twice.
"""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .numbered import narrowest

MANY = 1 << 16
"""Different texts from which on a column is kept as text."""

_MOST = (1 << 31) - 1
"""Bytes of text that a column may have (offsets of Arrow's utf8)."""


class Column:
    """One component as it grows; `texts`: it is not numbered (any more)."""

    def __init__(self, *, texts: bool = False) -> None:
        self.texts = texts
        self._numbers: dict[str, int] = {}
        self._codes, self._index = bytearray(), narrowest(0)
        self._ends, self._characters = bytearray(4), bytearray()

    def add(self, chunk: pa.Array) -> None:
        """A chunk: dictionary-encoded, or utf8 once `texts`. Raises MemoryError beyond 2 GB of text."""
        if self.texts:
            self._add_texts(chunk)
            return
        first = not self._codes
        self._add_codes(chunk)
        if len(self._numbers) > (max(256, len(chunk) // 2) if first else MANY):
            self.texts = True
            self._add_texts(self._distinct.take(pa.array(np.frombuffer(self._codes, self._index))))
            self._codes = bytearray()

    def _add_codes(self, chunk: pa.DictionaryArray) -> None:
        """Its indices in the numbers of the whole column; each chunk comes with numbers of its own."""
        numbers = self._numbers
        own = [numbers.setdefault(text, len(numbers)) for text in chunk.dictionary.to_pylist()]
        index = narrowest(len(numbers))
        if index is not self._index:
            self._codes = bytearray(np.frombuffer(self._codes, self._index).astype(index).data)
            self._index = index
        self._codes += np.array(own, index)[chunk.indices.to_numpy()].data

    def _add_texts(self, chunk: pa.StringArray) -> None:
        _, ends, characters = chunk.buffers()
        offsets = np.frombuffer(ends, np.int32)[chunk.offset : chunk.offset + len(chunk) + 1]
        first, last = int(offsets[0]), int(offsets[-1])
        before = len(self._characters)
        if before + last - first > _MOST:
            raise MemoryError
        if last > first:
            self._characters += memoryview(characters)[first:last]
        self._ends += (offsets[1:] + np.int32(before - first)).data

    @property
    def _distinct(self) -> pa.Array:
        return pa.array(list(self._numbers), pa.utf8())

    @property
    def says_something(self) -> bool:
        return self.texts or any(self._numbers)

    def done(self, labelled: bool, separator: str = "") -> pa.Array:
        """The whole column in one piece, without labels; `separator` is that of several values in a cell."""
        if not self.texts:
            distinct = without_labels(self._distinct, separator) if labelled else self._distinct
            indices = pa.array(np.frombuffer(self._codes, self._index))
            return pa.DictionaryArray.from_arrays(indices, distinct)
        buffers = (pa.py_buffer(self._ends), pa.py_buffer(self._characters))
        column = pa.StringArray.from_buffers(len(self._ends) // 4 - 1, *buffers)
        if labelled:
            column = pc.dictionary_encode(column)
            column = without_labels(column.dictionary, separator).take(column.indices)
        return column


_LABELLED = re.compile(r"(\S+?): (.*)", re.DOTALL)


def without_labels(distinct: pa.Array, separator: str) -> pa.Array:
    """Codes for `ID: Name`, if that is what they are: free text with a colon in it stays as it is.

    Nothing says which columns are coded. In a coded one every text has a label or at least no space, and no
    two labels have one code.
    """
    texts = distinct.to_pylist()
    codes = [_without_label(text, separator) for text in texts]
    if any(" " in code for code in codes) or len(set(codes)) < len(codes):
        return distinct
    return pa.array(codes, pa.utf8())


def _without_label(text: str, separator: str) -> str:
    if separator and separator in text:
        return separator.join(_without_label(part, "") for part in text.split(separator))
    match = _LABELLED.fullmatch(text)
    return match[1] if match else text
