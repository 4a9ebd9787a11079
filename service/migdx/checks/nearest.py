"""The valid codes nearest to a wrong one, and why each is near: suggestions only, nothing is ever applied."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from ..schema import SchemaComponent
from ..structures import Item, ItemScheme

MOST = 3
_ALIAS = 40


@lru_cache(maxsize=256)
def _other_names(urn: str, codelist: _ByIdentity) -> dict[str, list[tuple[str, str]]]:
    """Folded text -> (code, why) for all that a list says of its codes: names, aliases in annotations."""
    known: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for item in codelist.codelist.items:
        for text, why in (*names(item), *aliases(item)):
            known[text.casefold()].append((item.id, why))
        known[item.id.casefold()].append((item.id, "other case"))
        known[item.id.lstrip("0").casefold()].append((item.id, "leading zeros"))
    return known


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
    """Lets a code list, whose texts are not hashable, be a cache key."""

    def __init__(self, codelist: ItemScheme) -> None:
        self.codelist = codelist

    def __hash__(self) -> int:
        return id(self.codelist)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ByIdentity) and other.codelist is self.codelist


def nearest(component: SchemaComponent, given: str) -> list[dict[str, Any]]:
    """At most three of {code, name, why}, nearest first; empty when nothing is near."""
    if component.codelist is None or len(given) > 200:
        return []
    known = _other_names(component.codelist.urn, _ByIdentity(component.codelist))
    folded = given.strip().casefold()
    found: dict[str, str] = {}
    for code, why in known.get(folded, []):
        found.setdefault(code, "blanks around it" if code == given.strip() else why)
    if not found and folded:
        for close in get_close_matches(folded, known, n=MOST, cutoff=0.75):
            for code, _ in known[close]:
                found.setdefault(code, "similar")
    valid = [code for code in found if code in component.valid]
    return [_suggestion(component, code, found[code]) for code in valid[:MOST]]


def _suggestion(component: SchemaComponent, code: str, why: str) -> dict[str, Any]:
    item = component.code(code)
    return {"code": code, "name": item.name() if item else code, "why": why}
