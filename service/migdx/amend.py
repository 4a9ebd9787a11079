"""Amend: what a partial submission makes of a stored artefact (sdmx-rest, doc/maintenance.md).

isPartial="true": the items given replace those of the same id where they stand, new ones are added; names and
descriptions by language; annotations and the other properties as given. Of a scheme whose items nest, those
at its root are replaced with all that is below them (annex "Nested items"). isPartialLanguage="true" (the
draft of the same page, SDMX 3.1): the texts given are added or replaced by language, nothing else changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar, cast

from .errors import NotFound, SemanticFault
from .structures import (
    Annotation,
    Category,
    CategoryScheme,
    Identifiable,
    Item,
    ItemScheme,
    Maintainable,
    ReportingCategory,
    ReportingTaxonomy,
)

A = TypeVar("A", bound=Maintainable)
Nested = TypeVar("Nested", Category, ReportingCategory)
_PROPERTIES = (
    "annotations",
    "links",
    "uri",
    "valid_from",
    "valid_to",
    "is_external",
    "structure_url",
    "service_url",
)


def is_amendment(given: Maintainable) -> bool:
    """Whether an artefact is to be merged with the stored one, not to take its place."""
    return given.is_partial_language or (given.is_partial and isinstance(given, ItemScheme))


def amended(stored: A, given: A) -> A:
    """The stored artefact with what is given; SemanticFault when `given` names what it lacks."""
    if given.is_partial_language:
        given = _with_languages(stored, given)
    elif given.is_partial and isinstance(stored, ItemScheme) and isinstance(given, ItemScheme):
        given = cast(A, _with_items(stored, given))
    return replace(given, is_partial=False, is_partial_language=False)


def _with_items(stored: ItemScheme, given: ItemScheme) -> ItemScheme:
    properties = {name: getattr(given, name) for name in _PROPERTIES}
    # what the kind adds (extensions, the VTL version) is content as items are: left out, it stays
    own = {f.name for f in fields(given)} - {f.name for f in fields(ItemScheme)}
    properties |= {name: value for name in own if (value := getattr(given, name))}
    return replace(
        stored,
        items=_placed(stored.items, given.items),
        names={**stored.names, **given.names},
        descriptions={**stored.descriptions, **given.descriptions},
        **properties,
    )


def _placed(stored: tuple[Item, ...], given: tuple[Item, ...]) -> tuple[Item, ...]:
    """Given items in the place of those of the same id. A new one stands before the stored one that follows
    it in the submission; when none follows, at the end.
    """
    known = {item.id for item in stored}
    replaced: dict[str, Item] = {}
    before: dict[str, list[Item]] = {}
    waiting: list[Item] = []
    for item in given:
        if item.id in known:
            replaced[item.id] = item
            before[item.id], waiting = waiting, []
        else:
            waiting.append(item)
    placed = [new for item in stored for new in (*before.get(item.id, ()), replaced.get(item.id, item))]
    return (*placed, *waiting)


def _with_languages(stored: A, given: A) -> A:
    """Only texts of `given` that are told by language are taken, wherever they stand."""
    if isinstance(stored, ItemScheme) and isinstance(given, ItemScheme):
        known = stored.by_id
        new = [item.id for item in given.items if item.id not in known]
        if new and not given.is_partial:
            raise SemanticFault(
                f"isPartialLanguage adds texts to what is there; {stored.reference.short} has no item "
                + ", ".join(new[:3])
            )
        merged = {item.id: _spoken(known[item.id], item) for item in given.items if item.id in known}
        placed = _placed(stored.items, tuple(merged.get(item.id, item) for item in given.items))
        bare = _spoken(replace(stored, items=()), replace(given, items=()))
        return cast(A, replace(bare, items=placed))
    return cast(A, _spoken(stored, given))


def _spoken(stored: Any, given: Any) -> Any:
    """`stored` with the texts of `given`; parts are matched by their ids."""
    if isinstance(stored, Mapping) and isinstance(given, Mapping):
        return {**stored, **given}
    if isinstance(stored, tuple) and isinstance(given, tuple):
        told = {_key(part): part for part in given if _key(part)}
        return tuple(_spoken(part, told[_key(part)]) if _key(part) in told else part for part in stored)
    if is_dataclass(stored) and not isinstance(stored, type) and type(stored) is type(given):
        changes = {
            f.name: merged
            for f in fields(stored)
            if f.init and (merged := _spoken(old := getattr(stored, f.name), getattr(given, f.name))) != old
        }
        return replace(stored, **changes) if changes else stored
    return stored


def _key(part: Any) -> object:
    """What tells a part from its siblings; None for one that has nothing."""
    if isinstance(part, Identifiable):
        return part.id
    return (part.id, part.type) if isinstance(part, Annotation) and (part.id or part.type) else None


# --- deleting an item ------------------------------------------------------------------------------------


def without_item(scheme: ItemScheme, path: str) -> ItemScheme:
    """The scheme without an item; NotFound when it has none of that path.

    The children of an item of a flat scheme lose their parent; what is nested in one goes with it.
    """
    if scheme.item(path) is None:
        raise NotFound(f"{scheme.reference.short} has no item {path}")
    if isinstance(scheme, CategoryScheme | ReportingTaxonomy):
        return replace(scheme, items=_pruned(cast(Any, scheme.items), path.split(".")))
    items = (
        replace(item, parent="") if item.parent == path else item for item in scheme.items if item.id != path
    )
    return replace(scheme, items=tuple(items))


def _pruned(items: Sequence[Nested], path: Sequence[str]) -> tuple[Nested, ...]:
    head, *rest = path
    if not rest:
        return tuple(item for item in items if item.id != head)
    return tuple(_without(item, rest) if item.id == head else item for item in items)


def _without(item: Nested, path: Sequence[str]) -> Nested:
    if isinstance(item, Category):
        return replace(item, children=_pruned(item.children, path))
    return replace(item, children=_pruned(item.children, path))
