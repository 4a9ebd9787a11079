"""Where things stand in the bytes of a JSON data message, before any of it is parsed.

Strings and brackets are told apart for the whole message at once (RFC 8259), so that the series and the
observations of a data set can be cut into pieces that are parsed one after the other, and so that numbers are
found whose digits a parser would not give back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from ..columns import Flags, Indices

DEEPEST = 100
"""How many brackets may be open at once."""

PIECE = 1 << 21
"""Bytes of a data set that are parsed at once, about."""

_BLOCK = 1 << 22

Bytes = npt.NDArray[np.uint8]


MANY = 100_000
"""Brackets near the root, outside of series and observations."""


class TooMany(Exception):
    """The message has more than MANY objects and arrays around its data."""


class NotJson(Exception):
    """The bytes break the rules of JSON, at `position`."""

    def __init__(self, position: int) -> None:
        self.position = position


@dataclass
class Bulk:
    """The `series` or `observations` of a data set: what stands between two braces.

    `start` and `stop` are where the braces are. `members` are where the values of its own members begin,
    `rows` where those of observations do, as far as they are objects and arrays; `ends` are where it may be
    cut.
    """

    dataset: int
    name: str
    depth: int
    start: int
    stop: int = 0
    members: list[Indices] = field(default_factory=list)
    rows: list[Indices] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)

    def pieces(self) -> Iterator[tuple[int, int]]:
        """From where to where to parse: members with what is between them."""
        yield from pairwise((self.start + 1, *self.ends, self.stop))


@dataclass
class Scanned:
    """`twice` are the paths of objects and arrays that stand twice; `numbers` those that need quotes.

    A number needs them where 15 digits, no exponent and no last zero after the point would not say it.
    """

    bulks: list[Bulk] = field(default_factory=list)
    twice: list[tuple[str | int, ...]] = field(default_factory=list)
    starts: list[Indices] = field(default_factory=list)
    stops: list[Indices] = field(default_factory=list)

    def numbers(self, start: int, stop: int) -> Indices:
        """Where quotes are to be put between two places, from the first of them."""
        begin, end = self._bounds
        at = slice(*np.searchsorted(begin, (start, stop)))
        return np.stack((begin[at], end[at]), axis=1).reshape(-1) - start

    def done(self) -> Scanned:
        nothing = np.zeros(0, np.int64)
        self._bounds = np.concatenate([*self.starts, nothing]), np.concatenate([*self.stops, nothing])
        return self


def scanned(data: bytes) -> Scanned:
    """Raises NotJson where brackets or strings do not close, or are too deep."""
    values = np.frombuffer(data, np.uint8)
    walk = _Walk(data)
    inside, depth, start = False, 0, 0
    while start < len(data):
        stop = min(start + _BLOCK, len(data))
        while stop < len(data) and data[stop - 1] == _BACKSLASH:
            stop += 1
        block = values[start:stop]
        text = _in_strings(block, inside)
        inside = bool(text[-1])
        at = np.flatnonzero(_IS_BRACKET[block] & ~text)
        opening = _OPENS[block[at]]
        after = depth + np.cumsum(np.where(opening, 1, -1))
        at += start
        if len(after):
            if (after < 0).any():
                raise NotJson(int(at[np.argmax(after < 0)]))
            if after.max() > DEEPEST:
                raise NotJson(int(at[np.argmax(after > DEEPEST)]))
            depth = int(after[-1])
        walk.over(at, opening, after)
        _note_numbers(walk.found, values, start, stop, text)
        start = stop
    if inside or depth:
        raise NotJson(len(data))
    return walk.found.done()


_QUOTE, _BACKSLASH, _BRACE = b'"'[0], b"\\"[0], b"{"[0]
_POINT, _ZERO, _MINUS, _COLON = b"."[0], b"0"[0], b"-"[0], b":"[0]


def _set_of(characters: bytes) -> Flags:
    found = np.zeros(256, bool)
    found[list(characters)] = True
    return found


_IS_BRACKET, _OPENS = _set_of(b"{}[]"), _set_of(b"{[")
_IS_DIGIT, _OF_NUMBER = _set_of(b"0123456789"), _set_of(b"0123456789+-.eE")
_IS_BLANK = _set_of(b" \t\r\n")


# --- strings ------------------------------------------------------------------------------------------------


def _in_strings(block: Bytes, inside: bool) -> Flags:
    """Whether each byte is in a string: from its first quote on, without its last."""
    is_quote = block == _QUOTE
    if (block == _BACKSLASH).any():
        is_quote[_escaped(block)] = False
    count = np.cumsum(is_quote, dtype=np.uint8)  # wraps around, and stays odd or even
    return (count & 1).view(bool) ^ inside


def _escaped(block: Bytes) -> Indices:
    """Quotes after an odd number of backslashes."""
    slashes = np.flatnonzero(block == _BACKSLASH)
    begins = np.concatenate(([True], np.diff(slashes) > 1))
    first = np.maximum.accumulate(np.where(begins, slashes, 0))
    odd = slashes[(slashes - first) % 2 == 0]
    after = odd[odd < len(block) - 1] + 1
    return np.asarray(after[block[after] == _QUOTE])


# --- brackets -----------------------------------------------------------------------------------------------


@dataclass
class _Open:
    """An object or array that is not closed yet; `next` counts what an array holds."""

    label: str | int
    is_array: bool
    next: int = 0
    seen: set[str] = field(default_factory=set)


class _Walk:
    """Knows the path of every bracket near the root, and collects what is in bulks."""

    NEAR = 5

    def __init__(self, data: bytes) -> None:
        self.found = Scanned()
        self._data = data
        self._stack: list[_Open] = []
        self._bulk: Bulk | None = None
        self._values = np.frombuffer(data, np.uint8)
        self._in_object = False
        self._met = 0

    def over(self, at: Indices, opening: Flags, after: Indices) -> None:
        near = np.flatnonzero(np.where(opening, after, after + 1) <= self.NEAR)
        done = 0
        for place in near.tolist():
            if self._bulk:
                if opening[place] or after[place] >= self._bulk.depth:
                    continue
                self._collect(self._bulk, at[done:place], opening[done:place], after[done:place])
                self._bulk.stop = int(at[place])
                self._bulk = None
                self._stack.pop()
            else:
                self._outside(int(at[place]), bool(opening[place]), int(after[place]))
            done = place + 1
        if self._bulk:
            self._collect(self._bulk, at[done:], opening[done:], after[done:])

    def _outside(self, position: int, opening: bool, depth: int) -> None:
        self._met += 1
        if self._met > MANY:
            raise TooMany
        if opening:
            self._open(position, depth)
        else:
            self._stack.pop()

    def _open(self, position: int, depth: int) -> None:
        label: str | int = ""
        if self._stack:
            above = self._stack[-1]
            if above.is_array:
                label = above.next
                above.next += 1
            else:
                label = _name_before(self._data, position)
                if label in above.seen:
                    self.found.twice.append((*(one.label for one in self._stack[1:]), label))
                above.seen.add(label)
        self._stack.append(_Open(label, self._data[position : position + 1] == b"["))
        path = [one.label for one in self._stack[1:]]
        if path[:1] == ["data"]:
            path = path[1:]
        if len(path) == 3 and path[0] == "dataSets" and path[2] in ("series", "observations"):
            self._bulk = Bulk(int(path[1]), str(path[2]), depth, position)
            self.found.bulks.append(self._bulk)

    def _collect(self, bulk: Bulk, at: Indices, opening: Flags, after: Indices) -> None:
        members = at[opening & (after == bulk.depth + 1)]
        bulk.members.append(members)
        bulk.rows.append(self._in_objects(bulk, at, opening, after) if bulk.name == "series" else members)
        closing = at[~opening & (after == bulk.depth)] + 1
        cut = bulk.ends[-1] if bulk.ends else bulk.start
        while (next := int(np.searchsorted(closing, cut + PIECE))) < len(closing):
            cut = int(closing[next])
            bulk.ends.append(cut)

    def _in_objects(self, bulk: Bulk, at: Indices, opening: Flags, after: Indices) -> Indices:
        """What begins within an object of a series, `observations`, and not within an array, `attributes`."""
        above = at[opening & (after == bulk.depth + 2)]
        is_object = np.concatenate(([self._in_object], self._values[above] == _BRACE))
        self._in_object = bool(is_object[-1])
        inner = at[opening & (after == bulk.depth + 3)]
        return np.asarray(inner[is_object[np.searchsorted(above, inner)]])


_LONGEST_NAME = 100


def _name_before(data: bytes, position: int) -> str:
    """The name of the member whose value begins at `position`; "" for one that is not to be had."""
    before = data[max(0, position - _LONGEST_NAME) : position].rstrip()
    if not before.endswith(b":"):
        return ""
    return before[:-1].rstrip().removesuffix(b'"').rpartition(b'"')[2].decode("utf-8", "replace")


# --- numbers ------------------------------------------------------------------------------------------------

_DIGITS = 15
_LONGEST_NUMBER = 400
_NUMBER = re.compile(rb"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")


def _note_numbers(found: Scanned, values: Bytes, start: int, stop: int, text: Flags) -> None:
    """Numbers in a block whose text a float or an integer does not give back."""
    block = values[start:stop]
    points = np.flatnonzero((block == _POINT) & ~text) + start
    told = [_pointed(values, points)] if len(points) else []
    near = values[max(0, start - _DIGITS) : stop]
    run = _IS_DIGIT[near]
    for step in (1, 2, 4, 8):  # 16 digits in a row, from each place on
        run = run[:-step] & run[step:]
    run[1:] &= ~run[:-1].copy()  # once for each number
    ends = np.flatnonzero(run) + max(0, start - _DIGITS) + _DIGITS
    letters = np.flatnonzero(((block | 0x20) == b"e"[0]) & ~text) + start
    letters = letters[_IS_DIGIT[values[letters - 1]] | (values[letters - 1] == _POINT)]
    signs = np.flatnonzero((block == _MINUS) & ~text) + start
    following = values[np.minimum(signs + 1, len(values) - 1)]
    told += [ends[~text[ends - start]], letters, signs[following == _ZERO]]
    at = np.unique(np.concatenate(told))
    if not len(at):
        return
    first, last = _walked(values, at, -1), _walked(values, at, 1)
    keep = np.concatenate(([True], first[1:] != first[:-1])) & (last - first < _LONGEST_NUMBER)
    keep &= last - first > 0
    keep &= values[np.minimum(_walked(values, last, 1, _IS_BLANK) + 1, len(values) - 1)] != _COLON  # no name
    keep[keep] &= _sound(values, first[keep], last[keep], points, letters, signs)
    if found.starts:  # a number that blocks share
        keep &= first > found.starts[-1][-1]
    if keep.any():
        found.starts.append(first[keep])
        found.stops.append(last[keep] + 1)


def _sound(
    values: Bytes, first: Indices, last: Indices, points: Indices, letters: Indices, signs: Indices
) -> Flags:
    """Which are numbers (RFC 8259, 6): what is none stays bare, for the parser to refuse."""

    def within(marks: Indices) -> Indices:
        return np.searchsorted(marks, last, "right") - np.searchsorted(marks, first)

    start = first + (values[first] == _MINUS)
    odd = (within(points) > 1) | (within(letters) > 0) | (within(signs) > (values[first] == _MINUS))
    odd |= (values[last] == _POINT) | (
        (values[start] == _ZERO) & _IS_DIGIT[values[np.minimum(start + 1, last)]] & (start < last)
    )
    sound = np.ones(len(first), bool)
    for at in np.flatnonzero(odd).tolist():
        sound[at] = _NUMBER.fullmatch(values[first[at] : last[at] + 1].tobytes()) is not None
    return sound


def _pointed(values: Bytes, points: Indices) -> Indices:
    """Points of numbers with a last zero, nothing after the point, or more digits than count."""
    right = _walked(values, points, 1, _IS_DIGIT)
    left = _walked(values, points, -1, _IS_DIGIT)
    awkward = (values[right] == _ZERO) | (right == points) | (right - left > _DIGITS)
    return np.asarray(points[awkward])


def _walked(values: Bytes, at: Indices, step: int, over: Flags = _OF_NUMBER) -> Indices:
    """The last place that is reached from each in one direction, over characters of a kind."""
    place = at.copy()
    going = np.arange(len(place))
    for _ in range(_LONGEST_NUMBER):
        ahead = place[going] + step
        sound = (ahead >= 0) & (ahead < len(values))
        sound[sound] = over[values[ahead[sound]]]
        going = going[sound]
        if not len(going):
            break
        place[going] += step
    return place


def quoted(piece: bytes, places: Indices) -> bytes:
    """The piece with quotes at `places`."""
    if not len(places):
        return piece
    return np.insert(np.frombuffer(piece, np.uint8), places, _QUOTE).tobytes()
