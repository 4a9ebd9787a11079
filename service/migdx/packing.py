"""Packing: which dataflows are worth a pack, and building one of what they show now."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .errors import NotImplementedHere
from .exchange import Exchange
from .schema import Schema
from .stores import Segment
from .stores.pack import Pack
from .stores.pack_build import build
from .stores.packs import names, read
from .stores.segments import SegmentStore
from .structures import Dataflow


@dataclass(frozen=True)
class Wanted:
    """A dataflow that a pack is to be built of: what it shows, and how many observations that is."""

    dataflow: str
    schema: Schema
    segments: tuple[Segment, ...]

    @property
    def observations(self) -> int:
        return sum(segment.observations for segment in self.segments)


def wanted(exchange: Exchange, least: int, dataflow: str = "") -> Iterator[Wanted]:
    """Dataflows, or the one that is named (AGENCY:ID(VERSION)), that show `least` observations and more, and
    whose newest pack lacks some of them. NotFound where the one that is named is not there.
    """
    store = _store(exchange)
    flows = [exchange.registry.dataflow(dataflow)] if dataflow else exchange.registry.of(Dataflow)
    public = exchange.public()
    for flow in flows:
        name = flow.reference.short
        if not public.submissions(name):
            continue
        schema = exchange.registry.schema(flow.reference)
        shown = tuple(one for one in exchange.consolidated.shown(public, schema) if one.observations)
        found = Wanted(name, schema, shown)
        newest = next(iter(names(store.depot, name)), "")
        pack = read(store.depot, newest) if newest else None
        held = pack.numbers.keys() if pack else set()
        if shown and found.observations >= least and any(one.name not in held for one in shown):
            yield found


def packed(
    exchange: Exchange, asked: Wanted, *, memory: str, threads: int, tell: Callable[[int], None]
) -> Pack:
    """The pack, durable and in use from now on; `tell` hears how many observations were added."""
    depot = _store(exchange).depot
    return build(depot, asked.segments, asked.schema, memory=memory, threads=threads, tell=tell)


def _store(exchange: Exchange) -> SegmentStore:
    if not isinstance(exchange.store, SegmentStore):
        raise NotImplementedHere(f"{type(exchange.store).__name__} has no segments that could be packed")
    return exchange.store
