"""What a structure query gives: the artefacts it names, those that `references` adds, as `detail` shows them.

sdmx-rest v2.2.2, doc/structures.md: detail, references, and the notes on itemID.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from .errors import NotFound
from .query import StructureQuery
from .registry import Registry
from .structures import KINDS, Codelist, ItemScheme, Maintainable

Step = Callable[[Maintainable], list[Maintainable]]


def selected(registry: Registry, query: StructureQuery) -> list[Maintainable]:
    """Empty when nothing matches; NotFound when a scheme is named and has none of the items asked for."""
    asked = registry.select(query)
    if query.items:
        asked = _with_items(registry, query, asked)
    known = {artefact.urn for artefact in asked}
    related = {found.urn: found for found in _related(registry, query, asked) if found.urn not in known}
    return [
        *(_shown(registry, artefact, query.detail, asked=True) for artefact in asked),
        *(_shown(registry, artefact, query.detail, asked=False) for artefact in related.values()),
    ]


def _with_items(registry: Registry, query: StructureQuery, asked: list[Maintainable]) -> list[Maintainable]:
    """The schemes that have one of the items, cut to them."""
    cut: list[Maintainable] = []
    for artefact in asked:
        full = registry.codelist(artefact) if isinstance(artefact, Codelist) else artefact
        if isinstance(full, ItemScheme):
            kept = [item for item in full.items if item.id in query.items]
            if kept:
                cut.append(full.with_items(kept))
    if asked and not cut and len(query.ids) == 1 and "*" not in query.ids:
        raise NotFound(f"{asked[0].urn} has no item {', '.join(query.items)}")
    return cut


def _shown(registry: Registry, artefact: Maintainable, detail: str, *, asked: bool) -> Maintainable:
    if detail == "raw":
        return artefact
    if detail == "allstubs" or (detail == "referencestubs" and not asked):
        return artefact.stub()
    if detail == "allcompletestubs" or (detail == "referencecompletestubs" and not asked):
        return replace(artefact.stub(), descriptions=artefact.descriptions, annotations=artefact.annotations)
    return registry.codelist(artefact) if isinstance(artefact, Codelist) else artefact


def _related(registry: Registry, query: StructureQuery, asked: list[Maintainable]) -> Iterator[Maintainable]:
    def children(artefact: Maintainable) -> list[Maintainable]:
        found = registry.children(artefact)
        # an inherited list is part of the one that extends it; only raw gives it a second time
        if isinstance(artefact, Codelist) and query.detail != "raw":
            found = [child for child in found if not isinstance(child, Codelist)]
        return found

    def parents(artefact: Maintainable) -> list[Maintainable]:
        found = registry.parents(artefact)
        if query.items:
            found = [parent for parent in found if _names(parent, artefact, query.items)]
        return found

    for word in query.references:
        if word in ("parents", "parentsandsiblings", "all"):
            for parent in (parent for artefact in asked for parent in parents(artefact)):
                yield parent
                if word != "parents":
                    yield from children(parent)
        if word in ("children", "descendants", "all"):
            yield from _walk(asked, children, deep=word != "children")
        if word == "ancestors":
            yield from _walk(asked, parents, deep=True)
        if word in KINDS:
            near = (found for artefact in asked for found in (*children(artefact), *parents(artefact)))
            yield from (found for found in near if found.kind == word)
            yield from (found for found in _walk(asked, children, deep=True) if found.kind == word)


def _names(parent: Maintainable, scheme: Maintainable, items: tuple[str, ...]) -> bool:
    """Whether an artefact refers to the scheme as a whole, or to one of the items."""
    naming = (r for r in parent.references() if (r.agency, r.id) == (scheme.agency, scheme.id))
    return any(reference.item in ("", *items) for reference in naming)


def _walk(asked: list[Maintainable], step: Step, *, deep: bool) -> Iterator[Maintainable]:
    seen: set[str] = set()
    waiting = list(asked)
    while waiting:
        for found in step(waiting.pop()):
            if found.urn not in seen:
                seen.add(found.urn)
                yield found
                if deep:
                    waiting.append(found)
