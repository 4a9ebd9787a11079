"""Availability: what data there are, as a constraint that any structure format can carry.

sdmx-rest v2.2.2, doc/availability.md. SDMX 3.0 has a DataConstraint of role Actual for it, 2.1 the like.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from ..errors import SemanticFault
from ..exchange import Exchange
from ..periods import EPOCH
from ..plan import Availability
from ..query import DataQuery
from ..schema import Schema
from ..structures import (
    KINDS,
    Annotation,
    CubeRegion,
    DataConstraint,
    ItemScheme,
    KeyValues,
    Maintainable,
    ProvisionAgreement,
    TimeRange,
)
from ..urn import Reference
from .asked import AvailabilityRequest
from .partial import cut
from .vintages import Vintage

_METRICS = "sdmx_metrics"


def constraint(
    exchange: Exchange, asked: AvailabilityRequest, schema: Schema, vintage: Vintage, *, ranged: bool
) -> DataConstraint:
    """The codes that have data, and how many series and observations; `ranged`: time as a range of days."""
    wanted = asked.components or schema.key
    unknown = [id for id in wanted if id not in schema.key]
    if unknown:
        raise SemanticFault(
            f"{schema.dsd.reference.short} has no dimension {unknown[0]}; it has {', '.join(schema.key)}"
        )
    asked = replace(asked, query=_counted(asked.query))
    found = vintage.availability(exchange, asked.query)
    time = schema.time.id if schema.time else ""
    keys = []
    for id in schema.key:
        if id not in wanted:
            continue
        told = found
        if asked.mode == "available":
            # what could still be chosen for a dimension: its own filter does not count
            told = vintage.availability(exchange, _without(asked.query, id, schema))
        if id == time and ranged:
            keys += [KeyValues(id, time_range=_range(told))] if told.start is not None else []
        elif told.codes.get(id):
            keys.append(KeyValues(id, tuple(sorted(code for code, count in told.codes[id].items() if count))))
    of = schema.subject
    return DataConstraint(
        id=f"{of.id}_AVAILABLE", agency=of.agency, version=of.version,
        names={"en": f"Availability of {of.name()}"}, role="Actual", attachment=(schema.context,),
        regions=(CubeRegion(tuple(keys)),),
        annotations=(_metric("obs_count", found.observations), _metric("series_count", found.series)),
    )  # fmt: skip


def _counted(query: DataQuery) -> DataQuery:
    """The same query for all of an observation: what is told of one does not change what there is."""
    return replace(query, attributes=DataQuery.attributes, measures=DataQuery.measures)


def _metric(id: str, number: int) -> Annotation:
    return Annotation(id=id, type=_METRICS, title=str(number))


def _range(found: Availability) -> TimeRange:
    start, end = (EPOCH + timedelta(days=day or 0) for day in (found.start, found.end))
    return TimeRange(start=f"{start}T00:00:00", end=f"{end}T23:59:59")


def _without(query: DataQuery, id: str, schema: Schema) -> DataQuery:
    """The same query without its filters on one dimension."""
    at = next((at for at, d in enumerate(schema.series_dimensions) if d.id == id), None)
    keys = (
        query.keys
        if at is None
        else tuple((*key[:at], (), *key[at + 1 :]) if at < len(key) else key for key in query.keys)
    )
    return replace(query, keys=keys, conditions=tuple(c for c in query.conditions if c.component != id))


def related(
    exchange: Exchange, asked: AvailabilityRequest, schema: Schema, found: DataConstraint, vintage: Vintage
) -> Iterator[Maintainable]:
    """What `references` adds: flow, structure, and schemes cut to what the constraint has, parents kept."""
    wanted = set(KINDS) if "all" in asked.references else set(asked.references)
    dsd = exchange.registry.find(schema.dsd.reference) or schema.dsd  # whole, where the flow uses a part
    candidates: dict[str, Maintainable] = {schema.dataflow.urn: schema.dataflow, dsd.urn: dsd}
    for component in schema.dimensions:
        if component.codelist is not None:
            candidates[component.codelist.urn] = component.codelist
    used = _used(schema, found)
    named = list(schema.dsd.references())
    if "DataProviderScheme" in wanted:
        named += _providers(exchange, asked.query, schema, vintage)
    for reference in named:
        scheme = exchange.registry.find(reference)
        if scheme is not None and scheme.kind in ("ConceptScheme", "DataProviderScheme"):
            candidates.setdefault(scheme.urn, scheme)
        if scheme is not None and scheme.kind == "DataProviderScheme":
            used.setdefault(scheme.urn, set()).add(reference.item)
    for artefact in candidates.values():
        if artefact.kind in wanted:
            yield cut(artefact, used.get(artefact.urn)) if isinstance(artefact, ItemScheme) else artefact


def _providers(exchange: Exchange, query: DataQuery, schema: Schema, vintage: Vintage) -> Iterator[Reference]:
    """Those who have data that the query asks for."""
    within = schema.within
    if isinstance(within, ProvisionAgreement):
        if within.provider and vintage.availability(exchange, _counted(query)).observations:
            yield within.provider
        return
    shown = vintage.providers(schema.dataflow.reference.short)
    for id in sorted(shown & set(query.providers or shown)):
        agreement = exchange.registry.agreement(id, schema.dataflow)
        counted = vintage.availability(exchange, replace(_counted(query), providers=(id,)))
        if counted.observations and agreement and agreement.provider:
            yield agreement.provider


def _used(schema: Schema, found: DataConstraint) -> dict[str, set[str]]:
    """Per scheme the items that the constraint's components use."""
    used: dict[str, set[str]] = {}
    values = {key.component: key.values for region in found.regions for key in region.keys}
    concepts: dict[str, Reference] = {d.id: d.concept for d in schema.dsd.dimensions}
    for component in schema.dimensions:
        concept = concepts[component.id]
        used.setdefault(concept.of("ConceptScheme").urn, set()).add(concept.item)
        if component.codelist is not None:
            used.setdefault(component.codelist.urn, set()).update(values.get(component.id, ()))
    return used
