"""Search: which entries have a text in their id or in a name of any language, and pages of schemes of items.

An extension of ours, as sdmx-rest v2.2.2, doc/extend.md allows. Case and accents do not count.
"""

from __future__ import annotations

import unicodedata
import weakref
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from threading import Lock
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from .items import cut, nests, walk
from .structures import ItemScheme, Nameable

_AT_ONCE = 4096
"""Entries that are folded together: one long text costs little more than a short one."""

_MOST_WORDS = 16
"""Words of a search that count: each is looked for in all entries, and others wait for their turn."""

_REMEMBERED = 8
"""Searches of a list whose hits are kept, so that the next page of one costs nothing."""


def page(scheme: ItemScheme, text: str = "", offset: int = 0, limit: int = 0) -> tuple[ItemScheme, int]:
    """`limit` items (all for 0) from `offset` on, of those that have `text`; and how many there are in all.

    Items that nest are counted one by one, wherever they stand, and come with their ancestors.
    """
    if not text and not nests(scheme):
        some = scheme.items[offset : offset + limit if limit else None]
        return replace(scheme, items=some, is_partial=True), len(scheme.items)
    index = index_of(scheme)
    hits = index.hits(text)
    kept = hits.slice(offset, limit or None).to_pylist()
    if nests(scheme):
        return cut(scheme, [index.paths[at] for at in kept]), len(hits)
    return replace(scheme, items=tuple(scheme.items[at] for at in kept), is_partial=True), len(hits)


def folded(text: str) -> str:
    """In small letters without accents."""
    if text.isascii():
        return text.lower()
    text = unicodedata.normalize("NFKD", text.casefold())
    # far fewer marks are in use than there are: one pass for each is faster than a pattern of all
    for mark in filter(unicodedata.combining, set(text)):
        text = text.replace(mark, "")
    return text.casefold()  # 𝔸 is A only now


class Index:
    """Ids and names of entries as folded text, one after the other; made once, searched by Arrow.

    Takes their UTF-8 and four bytes an entry: some 60 MB for a million codes with names in two languages.
    """

    def __init__(self, entries: Iterable[tuple[str, Nameable]], *, keep_paths: bool = False) -> None:
        self.paths: list[str] = []
        chunks = []
        given = iter(entries)
        while some := list(islice(given, _AT_ONCE)):
            texts = [" ".join((path, *entry.names.values())) for path, entry in some]
            joined = "\0".join(texts)
            if joined.count("\0") >= len(some):  # JSON may have NULs in names
                joined = "\0".join([text.replace("\0", " ") for text in texts])
            chunks.append(pa.array(folded(joined).split("\0"), pa.string()))
            if keep_paths:
                self.paths += [path for path, _ in some]
        self._texts = pa.chunked_array(chunks, pa.string())
        self._recent: dict[str, Any] = {}
        self._lock = Lock()

    @property
    def nbytes(self) -> int:
        """Memory that the index takes."""
        return int(self._texts.nbytes)

    def hits(self, text: str) -> Any:
        """The places of the entries that have every word of `text`, all of them for none; an Arrow array."""
        wanted = folded(text)
        with self._lock:
            found = self._recent.pop(wanted, None)
            if found is None:
                found = self._found(wanted.split())
            self._recent[wanted] = found
            while len(self._recent) > _REMEMBERED:
                del self._recent[next(iter(self._recent))]
        return found

    def _found(self, words: list[str]) -> Any:
        mask = None
        for word in list(dict.fromkeys(words))[:_MOST_WORDS]:
            has = pc.match_substring(self._texts, word)
            mask = has if mask is None else pc.and_(mask, has)
        return pa.array(range(len(self._texts))) if mask is None else pc.indices_nonzero(mask)


_indexes: dict[int, Index] = {}
_building = Lock()


def index_of(scheme: ItemScheme) -> Index:
    """The index of a scheme, made when it is first searched, gone with it."""
    with _building:
        known = _indexes.get(id(scheme))
        if known is None:
            nested = nests(scheme)
            known = _indexes[id(scheme)] = Index(_entries(scheme, nested), keep_paths=nested)
            weakref.finalize(scheme, _indexes.pop, id(scheme), None)
    return known


def _entries(scheme: ItemScheme, nested: bool) -> Iterator[tuple[str, Nameable]]:
    return walk(scheme.items) if nested else ((item.id, item) for item in scheme.items)
