"""The valid codes nearest to a wrong one, and why each is near: suggestions only, nothing is ever applied."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from ..schema import SchemaComponent
from ..structures import Item, ItemScheme, RepresentationMap

MOST = 3
_ALIAS = 40

_SHORT = 4
"""Shorter texts are like many others."""

_CLOSE = 0.75
"""Twice the characters that two texts share, of all that they have (difflib)."""

_ZEROS = "leading zeros"
_GAP = "\0"


class _Known:
    """All that is said of a list's codes. `names`: folded text -> (code, why) for names, codes of other lists
    that a map gives for them, aliases in annotations. `gaps`: a text with one character blotted out -> texts.
    """

    def __init__(self, codelist: ItemScheme, maps: Iterable[RepresentationMap]) -> None:
        self.names: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for item in codelist.items:
            for text, why in names(item):
                self.names[text.casefold()].append((item.id, why))
        for text, code, why in _mapped(codelist, maps):
            self.names[text.casefold()].append((code, why))
        for item in codelist.items:
            for text, why in aliases(item):
                if text not in codelist.by_id:  # an annotation may name another code of the list
                    self.names[text.casefold()].append((item.id, why))
            self.names[item.id.casefold()].append((item.id, "other case"))
            self.names[item.id.lstrip("0").casefold()].append((item.id, _ZEROS))
        self.gaps: dict[str, list[str]] = defaultdict(list)
        self._by_length: dict[int, list[str]] = defaultdict(list)
        for text in self.names:
            self._by_length[len(text)].append(text)
        codes = {item.id.casefold() for item in codelist.items}
        self._own = {text for text in self.names if text in codes or _SHORT <= len(text) <= _ALIAS}
        for text in self._own:
            for i in range(len(text)):
                self.gaps[text[:i] + _GAP + text[i + 1 :]].append(text)

    def alike(self, text: str) -> list[str]:
        """Those as long as a close one can be; nothing is close to a short one."""
        least = _CLOSE / (2 - _CLOSE)
        lengths = range(math.ceil(least * len(text)), math.floor(len(text) / least) + 1)
        return [one for length in lengths for one in self._by_length[length]] if len(text) >= _SHORT else []

    def of(self, text: str) -> list[str]:
        """The codes that a text is said of which one may mistype: short ones only if they are codes."""
        return [code for code, why in self.names[text] if why != _ZEROS] if text in self._own else []


@lru_cache(maxsize=256)
def _known(codelist: _ByIdentity, maps: _ByIdentity) -> _Known:
    return _Known(codelist.held, maps.held)


def _mapped(codelist: ItemScheme, maps: Iterable[RepresentationMap]) -> Iterator[tuple[str, str, str]]:
    """(text, code, why) of the maps whose targets are for the most part codes of this list."""
    found = []
    for map in maps:
        plain = [row for row in map.mappings if row.targets[0] and not row.substrings]
        own = [row for row in plain if row.targets[0] in codelist.by_id and not any(row.regular_expressions)]
        if own and 2 * len(own) > len(plain):
            found.append((len(own) / len(plain), len(own), map.name(), own))
    for _, _, name, own in sorted(found, key=lambda one: one[:2], reverse=True):
        yield from ((row.sources[0], row.targets[0], name) for row in own)


def names(item: Item) -> Iterator[tuple[str, str]]:
    """The names of a code, each with why it is one."""
    return ((name, f"name ({language})") for language, name in item.names.items())


def aliases(item: Item) -> Iterator[tuple[str, str]]:
    """What else a code is called, as short annotations say it, each with which one does."""
    for note in item.annotations:
        alias = note.title or note.value
        if alias and len(alias) <= _ALIAS and alias.lower() not in ("true", "false"):
            yield alias, note.type or note.id or "annotation"


class _ByIdentity:
    """Lets what is not hashable, and does not change, be a cache key."""

    def __init__(self, held: Any) -> None:
        self.held = held

    def __hash__(self) -> int:
        return id(self.held)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ByIdentity) and other.held is self.held


def nearest(component: SchemaComponent, given: str) -> list[dict[str, Any]]:
    """At most three of {code, name, why}, nearest first; empty when nothing is near."""
    if component.codelist is None or len(given) > 200:
        return []
    known = _known(_ByIdentity(component.codelist), _ByIdentity(component.maps))
    folded = given.strip().casefold()
    found: dict[str, str] = {}
    for code, why in known.names.get(folded, []):
        found.setdefault(code, "blanks around it" if code == given.strip() else why)
    valid = {code: why for code, why in found.items() if code in component.valid}
    if not found and folded:
        valid = _mistyped(component, folded, known)
    return [_suggestion(component, code, why) for code, why in list(valid.items())[:MOST]]


def _mistyped(component: SchemaComponent, folded: str, known: _Known) -> dict[str, str]:
    """Valid codes by why: the first kind of slip that leads to few; what fits many codes tells nothing."""
    for why, shortest, texts in _slips(folded, known.gaps):
        found = {code for text in texts for code in known.of(text) if code in component.valid}
        if len(folded) >= shortest and 0 < len(found) <= MOST:
            return dict.fromkeys(sorted(found), why)
    close = get_close_matches(folded, known.alike(folded), n=MOST, cutoff=_CLOSE)
    return {code: "similar" for text in close for code in known.of(text) if code in component.valid}


def _slips(folded: str, gaps: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, int, list[str]]]:
    """Why a text may be meant for others, the shortest text of which that says something, and the others."""
    size = len(folded)
    cut = [folded[:i] + folded[i + 1 :] for i in range(size)]
    exchanged = [folded[:i] + folded[i + 1] + folded[i] + folded[i + 2 :] for i in range(size - 1)]
    yield "two characters exchanged", 3, exchanged
    yield "one character too many", 3, cut
    opened = (folded[:i] + _GAP + folded[i:] for i in range(size + 1))
    yield "one character missing", 1, [text for gap in opened for text in gaps.get(gap, ())]
    holed = (folded[:i] + _GAP + folded[i + 1 :] for i in range(size))
    yield "one other character", _SHORT, [text for gap in holed for text in gaps.get(gap, ())]


def _suggestion(component: SchemaComponent, code: str, why: str) -> dict[str, Any]:
    item = component.code(code)
    return {"code": code, "name": item.name() if item else code, "why": why}
