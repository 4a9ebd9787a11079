"""What a structure query gives: the artefacts it names, those that `references` adds, as `detail` shows them;
and what a data query means for the structures.

sdmx-rest v2.2.2, doc/structures.md: detail, references, and the notes on itemID.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from .errors import NotFound, NotImplementedHere, SemanticFault
from .items import cut, has, walk
from .plan import Plan, plan
from .query import DataQuery, StructureQuery
from .registry import Registry
from .search import page
from .structures import KINDS, Codelist, Hierarchy, ItemScheme, Maintainable, ProvisionAgreement
from .structures.artefact import OF_2_1, PART_OF_2_1

Step = Callable[[Maintainable], list[Maintainable]]


@dataclass(frozen=True)
class Selection:
    """`asked` are those that the query names; `total` is how many items there are of the page in it."""

    asked: tuple[Maintainable, ...]
    related: tuple[Maintainable, ...] = ()
    total: int | None = None

    @property
    def found(self) -> list[Maintainable]:
        return [*self.asked, *self.related]


def selected(registry: Registry, query: StructureQuery) -> list[Maintainable]:
    """Empty when nothing matches; NotFound when a scheme is named and has none of the items asked for."""
    return select(registry, query).found


def select(registry: Registry, query: StructureQuery) -> Selection:
    """The same, those asked for apart from those that belong to them."""
    asked, total = registry.select(query), None
    if query.wholes:
        asked = _with_parts(registry, asked)
    if query.items:
        asked = _with_items(registry, query, asked)
    if query.pages and len(asked) == 1 and isinstance(asked[0], ItemScheme):
        asked, total = _paged(_whole(registry, query, asked[0]), query)
    known = {artefact.urn for artefact in asked}
    related = list(_related(registry, query, asked))
    if query.wholes:
        related = _with_parts(registry, related)
    others = {found.urn: found for found in related if found.urn not in known}
    return Selection(
        tuple(_shown(registry, artefact, query, asked=True) for artefact in asked),
        tuple(_shown(registry, artefact, query, asked=False) for artefact in others.values()),
        total,
    )


def _with_parts(registry: Registry, found: list[Maintainable]) -> list[Maintainable]:
    """With the other parts of what was one artefact in SDMX 2.1, the first of which has its id."""
    wanted = {(artefact.agency, artefact.version, artefact.part.value) for artefact in found if artefact.part}
    parts = (artefact for artefact in registry if artefact.part) if wanted else ()
    wholes: dict[tuple[str, str, str], dict[str, Maintainable]] = {}
    for artefact in parts:
        if artefact.part:
            whole = (artefact.agency, artefact.version, artefact.part.value)
            wholes.setdefault(whole, {})[artefact.urn] = artefact
    made: dict[str, Maintainable] = {}
    for artefact in found:
        note = artefact.part
        together = wholes.get((artefact.agency, artefact.version, note.value)) if note else None
        made.update(together or {artefact.urn: artefact})
    return list(made.values())


def _whole(registry: Registry, query: StructureQuery, scheme: ItemScheme) -> ItemScheme:
    """With the codes that it takes from others, unless it is asked for as it is."""
    if isinstance(scheme, Codelist) and scheme.extensions and query.detail != "raw":
        return registry.codelist(scheme)
    return scheme


def _with_items(registry: Registry, query: StructureQuery, asked: list[Maintainable]) -> list[Maintainable]:
    """The schemes that have one of the items, cut to them; of a 2.1 list of hierarchies, the hierarchies."""
    kept: list[Maintainable] = []
    for artefact in asked:
        if isinstance(artefact, ItemScheme):
            whole = _whole(registry, query, artefact)
            if any(has(whole, item) for item in query.items):
                kept.append(cut(whole, query.items))
        elif isinstance(artefact, Hierarchy) and _hierarchy_id(artefact, query) in query.items:
            kept.append(artefact)
    if asked and not kept and query.names_one:
        raise NotFound(f"{asked[0].urn} has no item {', '.join(query.items)}")
    return kept


def _hierarchy_id(hierarchy: Hierarchy, query: StructureQuery) -> str:
    return hierarchy.part.id if query.wholes and hierarchy.part else hierarchy.id


def _paged(scheme: ItemScheme, query: StructureQuery) -> tuple[list[Maintainable], int]:
    part, total = page(scheme, query.search, query.offset, query.limit)
    return ([part] if part.items else []), total


def _shown(registry: Registry, artefact: Maintainable, query: StructureQuery, *, asked: bool) -> Maintainable:
    detail = query.detail
    if detail == "raw":
        return artefact
    if detail == "allstubs" or (detail == "referencestubs" and not asked):
        notes = (note for note in artefact.annotations if query.wholes and note.type in (OF_2_1, PART_OF_2_1))
        return replace(artefact.stub(), annotations=tuple(notes))
    if detail == "allcompletestubs" or (detail == "referencecompletestubs" and not asked):
        return replace(artefact.stub(), descriptions=artefact.descriptions, annotations=artefact.annotations)
    if (
        isinstance(artefact, Codelist) and artefact.extensions
    ):  # one that is cut has none: it was whole before
        return registry.codelist(artefact)
    return artefact


# --- references ---------------------------------------------------------------------------------------------


def _related(registry: Registry, query: StructureQuery, asked: list[Maintainable]) -> Iterator[Maintainable]:
    def children(artefact: Maintainable) -> list[Maintainable]:
        found = registry.children(artefact)
        # an inherited list is part of the one that extends it; only raw gives it a second time
        if isinstance(artefact, Codelist) and query.detail != "raw":
            found = [child for child in found if not isinstance(child, Codelist)]
        return found

    def first_parents(artefact: Maintainable) -> list[Maintainable]:
        found = registry.parents(artefact)
        if query.items and isinstance(artefact, ItemScheme):
            items = list(_paths(artefact))
            found = [parent for parent in found if registry.links.names(parent, artefact, items)]
        return found

    for word in query.references:
        if word in ("parents", "parentsandsiblings", "all"):
            for parent in (parent for artefact in asked for parent in first_parents(artefact)):
                yield parent
                if word != "parents":
                    yield from children(parent)
        if word in ("children", "descendants", "all"):
            yield from _walk(asked, children, deep=word != "children")
        if word == "ancestors":
            near = [parent for artefact in asked for parent in first_parents(artefact)]
            yield from near
            yield from _walk(near, registry.parents, deep=True)
        if word in KINDS:
            direct = (a for artefact in asked for a in (*children(artefact), *first_parents(artefact)))
            yield from (found for found in direct if found.kind == word)
            yield from (found for found in _walk(asked, children, deep=True) if found.kind == word)


def _paths(scheme: ItemScheme) -> Iterator[str]:
    """What URNs name the items by."""
    return (path for path, _ in walk(scheme.items))


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


def planned(registry: Registry, query: DataQuery) -> Plan:
    """What a query means, for the one dataflow or agreement that it names."""
    if query.context == "provisionagreement":
        agreement = _agreement(registry, query)
        if agreement.dataflow is None:
            raise SemanticFault(f"{agreement.urn} names no dataflow")
        return plan(query, registry.schema(agreement.dataflow, agreement))
    flows = registry.flows(query)
    if not flows:
        raise NotFound(
            f"There is no {query.context} "
            f"{','.join(query.agencies)}:{','.join(query.ids)}({','.join(query.versions)})"
        )
    if len(flows) > 1:
        raise NotImplementedHere(
            f"One answer holds one dataflow so far; the query names {len(flows)}: "
            + ", ".join(f.reference.short for f in flows)
        )
    return plan(query, registry.schema(flows[0].reference))


def _agreement(registry: Registry, query: DataQuery) -> ProvisionAgreement:
    wanted = ",".join(query.versions)
    named = StructureQuery(("ProvisionAgreement",), query.agencies, query.ids, wanted)
    found = [a for a in registry.select(named) if isinstance(a, ProvisionAgreement)]
    if not found:
        raise NotFound(
            f"There is no provision agreement {','.join(query.agencies)}:{','.join(query.ids)}({wanted})"
        )
    if len(found) > 1:
        raise NotImplementedHere(
            f"One answer holds one provision agreement so far; the query names {len(found)}"
        )
    return found[0]
