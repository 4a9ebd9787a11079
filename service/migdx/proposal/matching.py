"""Matching: what a text of a sheet means as a code of a component, or as a period, and why.

A text is a code by its id, by a name in any language, by an alias, or through a RepresentationMap of the
registry. What is only spelled alike is offered and never taken.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property
from weakref import WeakKeyDictionary

from ..checks.nearest import MOST, aliases, names
from ..formats.workbook_texts import without_footnotes
from ..registry import Registry
from ..schema import Schema, SchemaComponent
from ..search import folded
from ..structures import Codelist, Hierarchy, Item, ItemScheme, RepresentationMap
from ..urn import Reference

BARE = "id without leading zeros"
"""Why a bare number is a code: weak, for any figure may be one."""

_ALIKE = 0.6
_LONGEST = 200
_SIGNS = re.compile(r"[\s.,;:'’`´()\[\]/_–—-]+")


def key(text: str) -> str:
    """What two spellings of one label have in common: case, accents, signs and blanks do not count."""
    return _SIGNS.sub(" ", folded(text[:_LONGEST]).replace("&", " and ")).strip().removeprefix("the ")


@dataclass(frozen=True)
class Meaning:
    """A code that a text may stand for; None is one that is left out."""

    code: str | None
    name: str = ""
    why: str = ""


class _Names:
    """Every text that names a code of one list: `known` has the codes by folded text, with reasons."""

    def __init__(self, listed: ItemScheme, registry: Registry) -> None:
        self.known: dict[str, dict[str, str]] = defaultdict(dict)
        self._rank: dict[str, str] = {}
        for rank, told in (("id", _ids), ("name", names), ("alias", aliases)):
            for item in listed.items:
                self._add(item.id, told(item), rank=rank)
        for found in registry.of(RepresentationMap):
            source = _only_target(found, listed, registry)
            items = source.by_id if source else {}
            for row in found.mappings if source else ():
                code, given = (*row.targets, "")[0], row.sources[0]
                if code in listed.by_id:
                    self._add(code, [(given, found.id)], rank=f"{found.id} id")
                    named = names(items[given]) if given in items else ()
                    self._add(code, [(text, found.id) for text, _ in named], rank=f"{found.id} name")

    def _add(self, code: str, texts: Iterable[tuple[str, str]], *, rank: str) -> None:
        """Who was there first keeps a text, but for others of the same rank."""
        for text, why in texts:
            spelled = key(text)
            if spelled and self._rank.setdefault(spelled, rank) == rank:
                self.known[spelled].setdefault(code, why)

    @cached_property
    def by_pair(self) -> dict[str, list[str]]:
        """The folded texts by the pairs of letters in them."""
        pairs: dict[str, list[str]] = defaultdict(list)
        for known in self.known:
            for pair in _pairs(known):
                pairs[pair].append(known)
        return pairs


_made: WeakKeyDictionary[Registry, dict[str, _Names]] = WeakKeyDictionary()


def _names_of(listed: ItemScheme, registry: Registry) -> _Names:
    """The names of a list, made once for a registry."""
    made = _made.setdefault(registry, {})
    if listed.urn not in made:
        made[listed.urn] = _Names(listed, registry)
    return made[listed.urn]


class Codes:
    """The codes of one component and every text that names them.

    `kept` are texts that a person decided about before. A text that names several codes names none.
    """

    def __init__(
        self, component: SchemaComponent, registry: Registry, kept: Mapping[str, str | None] | None = None
    ) -> None:
        self.component = component
        self._kept = {key(without_footnotes(text)): code for text, code in (kept or {}).items()}
        self._names = _names_of(component.codelist, registry) if component.codelist is not None else None
        self._known: Mapping[str, Mapping[str, str]] = self._names.known if self._names else {}

    def meaning(self, text: str) -> Meaning | None:
        """What a text means beyond doubt."""
        stripped = without_footnotes(text)
        known = self._kept.get(key(stripped), "")
        if known != "":
            return Meaning(known, self._name(known), "kept")
        if text.strip() in self.component.codes:
            return Meaning(text.strip(), self._name(text.strip()), "id")
        for each in (text, stripped):
            found = self._known.get(key(each), {})
            valid = [code for code in found if code in self.component.valid] or list(found)
            if len(valid) == 1:
                return Meaning(valid[0], self._name(valid[0]), found[valid[0]])
        return None

    def is_id(self, text: str) -> bool:
        """Whether a text is the id of a code that may be sent, with or without its leading zeros."""
        found = self._known.get(key(text), {})
        return any(why.startswith("id") and code in self.component.valid for code, why in found.items())

    def nearest(self, text: str) -> tuple[Meaning, ...]:
        """At most three codes whose names are spelled alike, nearest first."""
        wanted = key(without_footnotes(text))
        shared: Counter[str] = Counter()
        for pair in _pairs(wanted):
            shared.update(self._names.by_pair.get(pair, ()) if self._names else ())
        likely = (known for known, _ in shared.most_common(40))
        ranked = sorted(((_alike(wanted, known), known) for known in likely), reverse=True)
        found: dict[str, str] = dict.fromkeys(self._known.get(wanted, ()), "named so")
        for alike, known in ranked:
            if alike >= _ALIKE:
                found |= {code: known for code in self._known[known] if code not in found}
        valid = [code for code in found if code in self.component.valid]
        return tuple(Meaning(code, self._name(code), found[code]) for code in valid[:MOST])

    def _name(self, code: str | None) -> str:
        item = self.component.code(code) if code is not None else None
        return item.name() if item else ""

    class All:
        """The codes of every component of a schema, made when they are asked for.

        `kept` are texts decided before, by component.
        """

        def __init__(
            self, schema: Schema, registry: Registry, kept: Mapping[str, Mapping[str, str | None]]
        ) -> None:
            self._schema, self._registry, self._kept = schema, registry, kept
            self._made: dict[str, Codes] = {}

        def __contains__(self, id: object) -> bool:
            return id in self._schema.by_id and (self._schema.by_id[str(id)].coded or id in self._kept)

        def __getitem__(self, id: str) -> Codes:
            if id not in self._made:
                self._made[id] = Codes(self._schema.by_id[id], self._registry, self._kept.get(id))
            return self._made[id]


def _alike(one: str, other: str) -> float:
    """From 0 to 1; a name that has all words of a text is near it whatever else it has."""
    words = set(one.split())
    shared = len(words & set(other.split())) / max(1, len(words))
    return max(0.85 * shared, SequenceMatcher(None, one, other).ratio())


def _pairs(text: str) -> set[str]:
    return {text[at : at + 2] for at in range(len(text) - 1)}


def _ids(item: Item) -> Iterator[tuple[str, str]]:
    if key(item.id) == folded(item.id):  # T is not _T
        yield item.id, "id"
    if item.id.lstrip("0") not in ("", item.id):
        yield item.id.lstrip("0"), BARE


def _only_target(found: RepresentationMap, wanted: ItemScheme, registry: Registry) -> Codelist | None:
    """The source list of a map from one list to one whose codes a component's list takes."""
    if len(found.sources) != 1 or len(found.targets) != 1:
        return None
    source, target = found.sources[0], found.targets[0]
    if not isinstance(source, Reference) or not isinstance(target, Reference):
        return None
    given, told = registry.find(source), registry.find(target)
    if not isinstance(given, Codelist) or not isinstance(told, Codelist) or not isinstance(wanted, Codelist):
        return None
    # areas are mapped once, to the list that the lists of all components take theirs from
    shared = wanted.codes & registry.codelist(told).codes
    return registry.codelist(given) if told.urn == wanted.urn or len(shared) > len(wanted.codes) / 2 else None


def aggregates(component: SchemaComponent, registry: Registry) -> Mapping[str, str]:
    """The codes of a component that others are parts of, each with the id of the list that says so."""
    listed = component.codelist
    if not isinstance(listed, Codelist):
        return {}
    found = {item.parent: listed.id for item in listed.items if item.parent in component.codes}
    for hierarchy in registry.of(Hierarchy):
        wholes = {whole for whole, _ in hierarchy.partitions()}
        if wholes <= component.codes:
            found |= {whole: hierarchy.id for whole in wholes if whole not in found}
    return found
