"""The items of a scheme by their ids: a scheme cut to some of them, made for lists of any length.

sdmx-rest v2.2.2, doc/structures.md, "Notes about using itemID": an item comes with its ancestors, without its
children.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from typing import Any

from .structures import Category, Item, ItemScheme, ReportingCategory, ValueList

Nested = Category | ReportingCategory

_LONG = 20_000
"""Items from which on a scheme is long."""


def walk(items: Iterable[Item], above: str = "") -> Iterator[tuple[str, Item]]:
    """Every item with its path (`A.B.C`, where items nest), parents first."""
    for item in items:
        path = f"{above}.{item.id}" if above else item.id
        yield path, item
        if isinstance(item, Nested):
            yield from walk(item.children, path)


def nests(scheme: ItemScheme) -> bool:
    """Whether items stand inside each other, rather than name their parents."""
    return bool(scheme.items) and isinstance(scheme.items[0], Nested)


def cut(scheme: ItemScheme, ids: Collection[str]) -> ItemScheme:
    """The scheme with only the items `ids` and their ancestors; partial, whatever is left.

    Ids of items that nest are paths. The order is that of the scheme; of a long one ancestors come first.
    """
    if nests(scheme):
        there = [id for id in ids if scheme.item(id) is not None]
        kept = tuple(_pruned(scheme.items, frozenset(_with_ancestors(there))))
    elif isinstance(scheme, ValueList):  # the ids of values may repeat
        kept = tuple(item for item in scheme.items if item.id in ids)
    else:
        found: dict[str, None] = {}
        for id in ids:
            while id and id not in found and id in scheme.by_id:
                found[id] = None
                id = scheme.by_id[id].parent
        if len(scheme.items) < _LONG or len(found) * 8 > len(scheme.items):
            kept = tuple(item for item in scheme.items if item.id in found)
        else:  # a look at each of a long list would cost more than all else
            kept = tuple(scheme.by_id[id] for id in reversed(found))
    return replace(scheme, items=kept, is_partial=True)


def _with_ancestors(paths: Iterable[str]) -> Iterator[str]:
    for path in paths:
        parts = path.split(".")
        yield from (".".join(parts[:depth]) for depth in range(1, len(parts) + 1))


def _pruned(items: Iterable[Item], kept: Collection[str], above: str = "") -> Iterator[Item]:
    for item in items:
        path = f"{above}.{item.id}" if above else item.id
        if path in kept and isinstance(item, Nested):
            below: Any = tuple(_pruned(item.children, kept, path))
            yield replace(item, children=below)


def has(scheme: ItemScheme, id: str) -> bool:
    return id in scheme.by_id or (nests(scheme) and scheme.item(id) is not None)
