"""Observations that are plain tags, `<Obs A="1" B="2"/>`, taken out of the text many at a time.

Why this gives what the parser gives: `<` begins markup except in comments, CDATA sections and processing
instructions, and a stretch that has one of these is left alone. What stands from one `<Obs` to the next `<`
is a tag and the text behind it; split at `"`, it is plain when every second part is another name with `=`,
the last is `/>` and blanks, and values are text (XML 1.0, 2.2) without line ends or tabs. References in
values are replaced (4.1); there are no entities but the five of XML. Such a tag is well-formed. Whatever is
not plain stays where it is, for the parser; where plain tags were stands a mark, an observation too, by
which the parser says whether one may stand there. On any fault the parser reads everything again, and says
where it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

FEW = 64
"""Below this many observations in a stretch, or with runs shorter than SHORT, the parser is as fast."""
SHORT = 4
MANY = 200
"""Tags with more attributes than this, or more ways to write one of their names, are the parser's."""

_NAME = r"[ \t\r\n]+((?!xmlns[ \t\r\n=])[A-Za-z_][A-Za-z0-9_.-]*)[ \t\r\n]*=[ \t\r\n]*"
_FIRST = re.compile("<Obs" + _NAME)
_NEXT = re.compile(_NAME)
_LAST = re.compile(r"[ \t\r\n]*/>([ \t\r\n]*)")
_NO_TEXT = ("\ufffe".encode(), "\uffff".encode())
_NOT_MARKUP = re.compile(rb"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>", re.DOTALL)

Positions = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Run:
    """Plain tags that follow one another: `size` of them from the one numbered `first`.

    `start` and `stop` are their bytes in the stretch, with the blanks behind; `line` is that of `stop`.
    """

    first: int
    size: int
    start: int
    stop: int
    line: int


@dataclass(frozen=True)
class Plain:
    """The plain tags of a stretch: their runs, their values by name (null: not given), and their lines."""

    runs: tuple[Run, ...]
    columns: dict[str, pa.Array]
    lines: Positions


def closed(text: bytes) -> bool:
    """Whether every comment, CDATA section and processing instruction in a stretch of text ends in it."""
    if not _other_markup(text):
        return True
    rest = _NOT_MARKUP.sub(b"", text)
    return b"<!" not in rest and b"<?" not in rest


def _other_markup(text: bytes) -> bool:
    """Whether there is markup that is no tag; one sign is found faster than two."""
    return (b"!" in text and b"<!" in text) or (b"?" in text and b"<?" in text)


def plain_tags(text: bytes, line: int) -> Plain | None:
    """Those of a stretch of text that ends before a `<`; None when it is better left to the parser.

    `line` is that on which the stretch begins. Raises ValueError where texts are no UTF-8, or refer to
    nothing.
    """
    if _other_markup(text) or (not text.isascii() and any(none in text for none in _NO_TEXT)):
        return None
    if b"\r" in text and text.count(b"\r") != text.count(b"\r\n"):
        return None
    data = np.frombuffer(text, np.uint8)
    tags = np.flatnonzero(data == ord("<"))
    observations = _observations(data, tags)
    if len(observations) < FEW:
        return None
    bounds = np.append(tags, len(text))
    pieces = pa.Array.from_buffers(
        pa.utf8(), len(tags), [None, pa.py_buffer(bounds.astype(np.int32)), pa.py_buffer(text)]
    ).take(pa.array(observations))
    pieces.validate(full=True)  # that it is UTF-8
    split = _Split(pieces)
    found = np.flatnonzero(split.plain)
    at = observations[found]
    breaks = np.flatnonzero(np.diff(at, prepend=-2) != 1)
    if not len(found) or len(breaks) * SHORT > len(found):
        return None
    line_ends = np.flatnonzero(data == ord("\n"))
    ends = bounds[at + 1] - split.behind[found]
    return Plain(
        tuple(_runs(bounds, at, breaks, line_ends, line)),
        split.columns(found),
        line + np.searchsorted(line_ends, ends),
    )


def _observations(data: npt.NDArray[np.uint8], tags: Positions) -> Positions:
    """Which of the tags begin with `<Obs` and a blank."""
    within = tags[: np.searchsorted(tags, len(data) - 5, side="right")]
    found = np.ones(len(within), bool)
    for offset, letter in enumerate(b"Obs", 1):
        found &= data[within + offset] == letter
    return np.flatnonzero(found & (data[within + 4] <= ord(" ")))


def _runs(
    bounds: Positions, at: Positions, breaks: Positions, line_ends: Positions, line: int
) -> Iterator[Run]:
    sizes = np.diff(np.append(breaks, len(at)))
    starts, stops = bounds[at[breaks]], bounds[at[breaks] + sizes]
    lines = line + np.searchsorted(line_ends, stops)
    for one in zip(*(numbers.tolist() for numbers in (breaks, sizes, starts, stops, lines)), strict=True):
        yield Run(*one)


_ENTITIES = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_REFERENCE = re.compile(r"&(?:(?:#x([0-9a-fA-F]{1,6})|#([0-9]{1,7})|(amp|lt|gt|quot|apos));)?")
_CHARACTER = re.compile("[\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, 2.2


def _replaced(texts: pa.Array) -> pa.Array:
    """Texts with what their references stand for. Raises ValueError for those that stand for nothing."""
    having = pc.fill_null(pc.match_substring(texts, "&"), False)
    if not having.true_count:
        return texts
    plain = [_REFERENCE.sub(_meant, text) for text in texts.filter(having).to_pylist()]
    return pc.replace_with_mask(texts, having, pa.array(plain, pa.utf8()))


def _meant(reference: re.Match[str]) -> str:
    hexadecimal, decimal, name = reference.groups()
    if name:
        return _ENTITIES[name]
    meant = chr(int(hexadecimal, 16) if hexadecimal else int(decimal or 0))
    if not _CHARACTER.fullmatch(meant):
        raise ValueError(f"{reference[0]} refers to no character")
    return meant


class _Split:
    """Tags with the text behind them, split at quotation marks.

    `plain` says which are plain, `behind` how many bytes stand behind each of those.
    """

    def __init__(self, pieces: pa.Array) -> None:
        parts = pc.split_pattern(pieces, '"')
        self._offsets = np.asarray(parts.offsets).astype(np.int64)
        self._parts = parts.values
        counts = np.diff(self._offsets)
        self.plain = (counts % 2 == 1) & (counts >= 3)
        self.plain[self._with_blanks()] = False
        self.behind = np.zeros(len(counts), np.int64)
        self._at: dict[str, Positions] = {}
        self.plain &= counts <= 2 * MANY + 1
        for count, tags in zip(*np.unique(counts[self.plain], return_counts=True), strict=True):
            alike = np.flatnonzero(self.plain & (counts == count))
            if tags < FEW:
                self.plain[alike] = False
            else:
                self._shapes(alike, int(count))

    def columns(self, found: Positions) -> dict[str, pa.Array]:
        """The values by name, of some tags."""
        columns = {}
        for name, at in self._at.items():
            if (own := at[found]).max(initial=-1) >= 0:
                columns[name] = _replaced(self._parts.take(pa.array(own, mask=own < 0)))
        return columns

    def _with_blanks(self) -> Positions:
        """The tags in whose values there are line ends or tabs, which become spaces."""
        bounds = np.frombuffer(self._parts.buffers()[1], np.int32, len(self._parts) + 1)
        data = np.frombuffer(self._parts.buffers()[2], np.uint8, bounds[-1])
        odd = np.flatnonzero(data < ord(" "))
        part = np.searchsorted(bounds, odd, side="right") - 1
        tag = np.searchsorted(self._offsets, part, side="right") - 1
        return np.unique(tag[(part - self._offsets[tag]) % 2 == 1])

    def _shapes(self, tags: Positions, count: int) -> None:
        """Notes where the values of tags with as many parts are, and which of the tags are not plain."""
        sound = np.ones(len(tags), bool)
        for part in range(0, count, 2):
            encoded = self._parts.take(pa.array(self._offsets[tags] + part)).dictionary_encode()
            of = np.asarray(encoded.indices)
            if len(encoded.dictionary) > MANY:
                self.plain[tags] = False
                return
            texts = encoded.dictionary.to_pylist()
            if part == count - 1:
                matches = [_LAST.fullmatch(text) for text in texts]
                self.behind[tags] = np.array([len(m[1]) if m else 0 for m in matches], np.int64)[of]
            else:
                matches = [(_NEXT if part else _FIRST).fullmatch(text) for text in texts]
                for index, match in enumerate(matches):
                    if match:
                        own = tags[of == index]
                        at = self._at.setdefault(match[1], np.full(len(self.plain), -1, np.int64))
                        self.plain[own[at[own] >= 0]] = False  # a name that was there already
                        at[own] = self._offsets[own] + part + 1
            sound &= np.array([match is not None for match in matches])[of]
        self.plain[tags[~sound]] = False
