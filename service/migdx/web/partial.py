"""detail=referencepartial: schemes that stand in an answer for the sake of others, cut to what those use.

sdmx-rest v2.2.2, doc/structures.md. A code list is cut to the codes that the answer's constraints leave or
its hierarchies use, and stays whole where something may use all of it. Parents of what is kept are kept.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from ..items import cut as cut_to
from ..items import walk
from ..links import references
from ..registry import Registry
from ..schema import Schema
from ..structures import (
    Categorisation,
    Codelist,
    DataConstraint,
    Dataflow,
    DataStructure,
    Hierarchy,
    ItemScheme,
    ItemSchemeMap,
    Maintainable,
    MetadataStructure,
    RepresentationMap,
)
from ..urn import Reference


def partial(found: Sequence[Maintainable], asked: Collection[str], registry: Registry) -> list[Maintainable]:
    """`found` with every scheme cut whose URN is not among those `asked` for."""
    used = _items(found, registry)
    codes = _codes(found, registry)
    return [
        cut(artefact, (codes if isinstance(artefact, Codelist) else used).get(artefact.urn))
        if isinstance(artefact, ItemScheme) and artefact.urn not in asked
        else artefact
        for artefact in found
    ]


def cut(scheme: ItemScheme, items: Collection[str] | None) -> ItemScheme:
    """The scheme with only `items` and their ancestors; whole for None, or when they are all."""
    if items is None:
        return scheme
    made = cut_to(scheme, items)
    return scheme if _count(made) == _count(scheme) else made


def _count(scheme: ItemScheme) -> int:
    return sum(1 for _ in walk(scheme.items))


def _items(found: Iterable[Maintainable], registry: Registry) -> dict[str, set[str]]:
    """Per scheme the items that anything in the answer names."""
    used: dict[str, set[str]] = {}
    for artefact in found:
        maintained = registry.links.agency(artefact)
        if maintained:
            used.setdefault(maintained[0].urn, set()).add(maintained[1])
        for reference in references(artefact):
            holder = registry.find(reference) if reference.item else None
            if holder is not None:
                used.setdefault(holder.urn, set()).add(reference.item)
        if isinstance(artefact, ItemSchemeMap):
            for urn, items in _mapped(artefact, registry):
                used.setdefault(urn, set()).update(items)
    return used


def _codes(found: Sequence[Maintainable], registry: Registry) -> dict[str, set[str]]:
    """Per code list the codes that may be used; lists of which all may be are not there."""
    whole: set[str] = set()
    used: dict[str, set[str]] = {}
    constrained = any(isinstance(artefact, DataConstraint) for artefact in found)
    for schema, in_answer in _schemas(found, registry):
        for component in schema.components:
            if component.codelist is None:
                continue
            if constrained and in_answer and component.allowed is not None:
                used.setdefault(component.codelist.urn, set()).update(component.valid)
            else:
                whole.add(component.codelist.urn)
    for artefact in found:
        if isinstance(artefact, Hierarchy | Categorisation):
            for urn, items in _items([artefact], registry).items():
                used.setdefault(urn, set()).update(items)
        if isinstance(artefact, RepresentationMap):
            for urn, items in _mapped(artefact, registry):
                used.setdefault(urn, set()).update(items)
        if isinstance(artefact, MetadataStructure):  # which may use all of its lists
            named = (registry.find(reference) for reference in references(artefact))
            whole.update(listed.urn for listed in named if isinstance(listed, Codelist))
    return {urn: items for urn, items in used.items() if urn not in whole}


def _mapped(
    artefact: RepresentationMap | ItemSchemeMap, registry: Registry
) -> Iterator[tuple[str, set[str]]]:
    """The lists that a map is between, and the items that it maps: all where one is a pattern."""
    if isinstance(artefact, ItemSchemeMap):
        ends: tuple[Sequence[object], Sequence[object]] = ((artefact.source,), (artefact.target,))
    else:
        ends = (artefact.sources, artefact.targets)
    rows = artefact.mappings
    for lists, told in zip(ends, ([row.sources for row in rows], [row.targets for row in rows]), strict=True):
        for at, listed in enumerate(lists):
            scheme = registry.find(listed) if isinstance(listed, Reference) else None
            if not isinstance(scheme, ItemScheme):
                continue
            if any(any(row.regular_expressions) for row in rows):
                whole = registry.codelist(scheme) if isinstance(scheme, Codelist) else scheme
                yield scheme.urn, {path for path, _ in walk(whole.items)}
            else:
                yield scheme.urn, {given[at] for given in told if at < len(given)}


def _schemas(found: Sequence[Maintainable], registry: Registry) -> Iterator[tuple[Schema, bool]]:
    """Schemas over the answer's structures, and whether the dataflow of each is in the answer too."""
    structures = {artefact.urn for artefact in found if isinstance(artefact, DataStructure)}
    flows = {artefact.urn for artefact in found if isinstance(artefact, Dataflow)}
    covered: set[str] = set()
    for flow in sorted(registry.of(Dataflow), key=lambda flow: flow.urn not in flows):
        schema = registry.schema(flow.reference)
        in_answer = flow.urn in flows
        if in_answer or (schema.dsd.urn in structures and schema.dsd.urn not in covered):
            covered.add(schema.dsd.urn)
            yield schema, in_answer
