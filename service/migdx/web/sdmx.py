"""The SDMX door, one view for both generations of the API: /sdmx/v2 is REST 2.2; /sdmx/v1 and /sdmx are 1.5.

`v1.parse` and `v2.parse` say what a URL asks; here that is negotiated, compared with what the client has, and
handed to the exchange.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from itertools import chain
from typing import cast

import orjson
from flask import Blueprint, Response, current_app, request

from ..errors import NoResults, NotFound, NotImplementedHere, SemanticFault, SyntaxFault
from ..exchange import Exchange
from ..formats.header import Header
from ..formats.ml21_structure_writer import served
from ..formats.ml_schema import write_schema
from ..formats.tables import STRUCTURE_WRITERS, WRITERS
from ..plan import Action
from ..public import Public
from ..query import DataQuery, StructureQuery
from ..registry import Registry
from ..schema import Schema
from ..structures import (
    DataConstraint,
    Dataflow,
    DataStructure,
    ItemScheme,
    Maintainable,
    ProvisionAgreement,
)
from . import availability, v1, v2
from .address import Address
from .answers import Validators, etag, streamed, unchanged
from .asked import AvailabilityRequest, DataRequest, Kind, Request, SchemaRequest, StructureRequest
from .negotiation import OFFERS, Chosen, Generation, choose, encoding, languages
from .partial import partial

blueprint = Blueprint("sdmx", __name__)

_PARSERS: dict[Generation, Callable[[Address], Request]] = {"v1": v1.parse, "v2": v2.parse}
_BUILT: dict[Kind, Collection[str]] = {
    "data": WRITERS,
    "structure": STRUCTURE_WRITERS,
    "availability": STRUCTURE_WRITERS,
}
_VARY = "Accept, Accept-Encoding, Accept-Language"
_ML21 = "application/vnd.sdmx.structure+xml;version=2.1"
_METADATA = frozenset(("*", "MetadataStructure", "Metadataflow"))
"""What leads to metadata structures in 2.1, where a data structure does not."""
_READS = ("GET", "HEAD")
_METHODS = (*_READS, "POST", "PUT", "DELETE", "OPTIONS")


@blueprint.route("/sdmx", methods=_METHODS, provide_automatic_options=False)
@blueprint.route("/sdmx/<anything:rest>", methods=_METHODS, provide_automatic_options=False)
def sdmx(rest: str = "") -> Response:
    """Whatever stands below /sdmx; the address is read again from the raw URL, so `rest` is not."""
    if request.method == "OPTIONS":
        return _preflight()
    generation, address = located(Address.of(request.environ))
    if request.method not in _READS:
        raise NotImplementedHere(
            f"{request.method} is not built yet: structures are maintained as files so far"
        )
    asked = _PARSERS[generation](address)
    if isinstance(asked, StructureRequest):
        return _structures(asked, _Terms.of(generation, address, asked.kind))
    if isinstance(asked, DataRequest):
        return _data(asked, _Terms.of(generation, address, asked.kind))
    if isinstance(asked, AvailabilityRequest):
        return _availability(asked, _Terms.of(generation, address, asked.kind))
    if isinstance(asked, SchemaRequest):
        return _schema(asked, _Terms.of(generation, address, asked.kind))
    return _root(generation)


def located(address: Address) -> tuple[Generation, Address]:
    """The generation that an address below /sdmx belongs to, and what it says below the root of that."""
    rest = address.after(1)
    if rest.segments[:1] in (("v1",), ("v2",)):
        return cast(Generation, rest.segments[0]), rest.after(1)
    return "v1", rest


@dataclass(frozen=True)
class _Terms:
    """What was agreed with the client before anything is looked up."""

    exchange: Exchange
    generation: Generation
    chosen: Chosen
    languages: tuple[str, ...]
    encoding: str
    public: Public
    since: datetime

    @classmethod
    def of(cls, generation: Generation, address: Address, kind: Kind) -> _Terms:
        exchange: Exchange = current_app.extensions["migdx"]
        offers = [
            offer for offer in OFFERS[generation, kind] if offer in _BUILT.get(kind, OFFERS[generation, kind])
        ]
        known = _languages(exchange.registry)
        return cls(
            exchange=exchange,
            generation=generation,
            chosen=choose(offers, request.headers.get("Accept", ""), address),
            languages=languages(request.headers.get("Accept-Language", ""), address.get("lang"), known),
            encoding=encoding(request.headers.get("Accept-Encoding", ""), address.get("compression")),
            public=exchange.public(),
            since=current_app.extensions["migdx-since"],
        )

    def validators(
        self, *subject: object, modified: datetime | None = None, next_change: datetime | None = None
    ) -> Validators:
        """`subject` is what is asked, in canonical form, and the state of what answers it."""
        given = sorted(self.chosen.parameters.items())
        tag = etag(self.chosen.media_type, given, self.languages, *subject)
        return Validators(
            f"{tag}-{self.encoding}" if self.encoding else tag,
            self.public.at,
            self.since,
            modified,
            next_change,
        )

    @property
    def headers(self) -> dict[str, str]:
        return {"Vary": _VARY, "Content-Language": ", ".join(self.languages[:1])}

    def unchanged(self, validators: Validators) -> Response | None:
        return unchanged(validators, self.headers) if validators.unchanged(request) else None

    def streamed(self, pieces: Iterator[bytes], validators: Validators, *closing: object) -> Response:
        headers = {**self.headers, **validators.headers}
        return streamed(pieces, self.chosen.media_type, self.encoding, headers, closing)


# --- structures ---------------------------------------------------------------------------------------------


def _structures(asked: StructureRequest, terms: _Terms) -> Response:
    validators = terms.validators(asked.query, asked.role, terms.exchange.registry.digest)
    found = _found(asked, terms)
    return terms.unchanged(validators) or _written(found, terms, validators)


def _found(asked: StructureRequest, terms: _Terms) -> list[Maintainable]:
    try:
        found = terms.exchange.structures(asked.query)
    except NoResults:
        found = []
    if asked.role:
        found = [a for a in found if not isinstance(a, DataConstraint) or a.role == asked.role]
    if terms.chosen.media_type == _ML21:
        found = [
            a
            for a in found
            if served(a) and (a.kind != "MetadataStructure" or _METADATA & {*asked.query.kinds})
        ]
    if found and asked.query.detail == "referencepartial":
        registry = terms.exchange.registry
        return partial(found, {artefact.urn for artefact in registry.select(asked.query)}, registry)
    if found:
        return found
    if _names_one(asked.query):
        raise NotFound(f"There is no {' or '.join(asked.query.kinds)} {_told(asked.query)}")
    raise NoResults(f"No structure matches {asked.query}")


def _names_one(query: StructureQuery) -> bool:
    return "*" not in query.ids and len(query.ids) == 1


def _told(query: StructureQuery) -> str:
    return f"{','.join(query.agencies)}:{','.join(query.ids)}({query.versions})"


def _written(found: list[Maintainable], terms: _Terms, validators: Validators) -> Response:
    header = Header(f"structures-{validators.etag[:12]}", terms.since)
    whole = [_located_stub(artefact, terms.generation) for artefact in found]
    pieces = STRUCTURE_WRITERS[terms.chosen.media_type](whole, header, terms.languages)
    return terms.streamed(pieces, validators)


def _located_stub(artefact: Maintainable, generation: Generation) -> Maintainable:
    """A stub says where the whole is: here, unless it knows better; in v2 what 1.5 has no word for."""
    if not artefact.is_external or artefact.structure_url or artefact.service_url:
        return artefact
    word = v1.WORDS.get(artefact.kind) if generation == "v1" else None
    path = f"v1/{word}" if word else f"v2/structure/{artefact.kind.lower()}"
    base = request.url_root.rstrip("/") + "/sdmx"
    identity = f"{artefact.agency}/{artefact.id}/{artefact.version}"
    return replace(artefact, structure_url=f"{base}/{path}/{identity}")


# --- data ---------------------------------------------------------------------------------------------------


def _data(asked: DataRequest, terms: _Terms) -> Response:
    exchange = terms.exchange
    _refuse_updates(asked.updated_after, terms.public)
    query = _of_agreement(asked.query, exchange.registry)
    schema = exchange.planned(query).schema
    observation = _observation(query, schema)
    validators = _data_validators(terms, query)
    known = terms.unchanged(validators)
    if known:
        return known
    action: Action = (
        "Replace" if (query.attributes, query.measures) == (("dsd",), ("all",)) else "Information"
    )
    answer = exchange.data(
        query, terms.public, action=action, dimension_at_observation=observation, languages=terms.languages,
        parameters=terms.chosen.parameters, message_id=f"data-{validators.etag[:12]}",
    )  # fmt: skip
    # the same answer is the same bytes, whenever it is prepared
    prepared = validators.modified or terms.public.at
    pieces = WRITERS[terms.chosen.media_type](replace(answer, prepared=prepared))
    return terms.streamed(pieces, validators, answer.batches)


def _data_validators(terms: _Terms, query: DataQuery, *more: object) -> Validators:
    exchange, public = terms.exchange, terms.public
    flow = exchange.planned(query).schema.dataflow.reference.short
    return terms.validators(
        query, exchange.registry.digest, public.tag(flow), *more,
        modified=public.last_change, next_change=public.next_change,
    )  # fmt: skip


def _refuse_updates(updated_after: str, public: Public) -> None:
    """What changed since before the first release is everything; anything later is not built."""
    if not updated_after:
        return
    try:
        since = datetime.fromisoformat(updated_after)
    except ValueError:
        raise SyntaxFault(
            f"updatedAfter={updated_after}: expected an instant such as 2024-01-31T12:00:00Z"
        ) from None
    # without a zone it is the server's time by the standard; that would differ between machines
    since = since if since.tzinfo else since.replace(tzinfo=UTC)
    if any(release.public_from <= since for release in public.history.releases):
        raise NotImplementedHere(f"updatedAfter={updated_after}: updatedAfter is not built yet")


def _of_agreement(query: DataQuery, registry: Registry) -> DataQuery:
    """A query for one provision agreement as one for its dataflow and provider; several are not built."""
    if query.context != "provisionagreement":
        return query
    wanted = [StructureQuery(("ProvisionAgreement",), query.agencies, query.ids, v) for v in query.versions]
    found = {a.urn: a for ask in wanted for a in registry.select(ask) if isinstance(a, ProvisionAgreement)}
    if not found:
        raise NotFound(f"There is no provision agreement {','.join(query.agencies)}:{','.join(query.ids)}")
    agreement = next(iter(found.values()))
    if len(found) > 1 or agreement.provider is None or agreement.dataflow is None:
        raise NotImplementedHere(
            f"One answer holds one provision agreement so far; the query names {len(found)}"
        )
    flow = agreement.dataflow
    return replace(
        query, context="dataflow", agencies=(flow.agency,), ids=(flow.id,), versions=(flow.version,),
        providers=(agreement.provider.item,),
    )  # fmt: skip


def _observation(query: DataQuery, schema: Schema) -> str:
    """The dimension at observation level: time where there is one; AllDimensions gives a flat answer."""
    asked = query.dimension_at_observation
    time = schema.time.id if schema.time else ""
    if not asked:
        return time or "AllDimensions"
    if asked.lower() == "alldimensions":
        return "AllDimensions"
    if asked not in schema.key:
        raise SemanticFault(
            f"dimensionAtObservation={asked}: {schema.dsd.reference.short} has no such dimension; it has "
            + ", ".join(schema.key)
        )
    if asked != time:
        raise NotImplementedHere(
            f"dimensionAtObservation={asked} is not built yet; TIME_PERIOD and AllDimensions are"
        )
    return asked


# --- availability, schemas, roots ---------------------------------------------------------------------------


def _availability(asked: AvailabilityRequest, terms: _Terms) -> Response:
    exchange = terms.exchange
    _refuse_updates(asked.updated_after, terms.public)
    query = _of_agreement(asked.query, exchange.registry)
    schema = exchange.planned(query).schema
    validators = _data_validators(terms, query, asked.components, asked.mode, asked.references)
    known = terms.unchanged(validators)
    if known:
        return known
    ranged = terms.chosen.media_type == _ML21
    asked = replace(asked, query=query)
    constraint = availability.constraint(exchange, asked, schema, terms.public, ranged=ranged)
    related = availability.related(exchange, asked, schema, constraint, terms.public)
    return _written([constraint, *related], terms, validators)


def _schema(asked: SchemaRequest, terms: _Terms) -> Response:
    registry = terms.exchange.registry
    found = registry.select(asked.query)
    if not found:
        raise NotFound(f"There is no {asked.context} {_told(asked.query)}")
    if len(found) > 1:
        raise SyntaxFault(f"A schema is of one {asked.context}; the path names {len(found)}")
    version = terms.chosen.media_type.partition("version=")[2]
    version = "3.0" if version == "3.0.0" else version
    schema = _schema_of(found[0], registry)
    query = DataQuery(dimension_at_observation=asked.dimension_at_observation)
    observation = asked.dimension_at_observation
    if observation.lower() != "alldimensions" and observation not in schema.key:
        observation = _observation(query, schema)
    validators = terms.validators(asked.context, asked.query, observation, registry.digest)
    known = terms.unchanged(validators)
    return known or terms.streamed(iter([write_schema(schema, version, observation)]), validators)


def _schema_of(context: Maintainable, registry: Registry) -> Schema:
    if isinstance(context, Dataflow):
        return registry.schema(context.reference)
    if isinstance(context, ProvisionAgreement) and context.dataflow:
        return registry.schema(context.dataflow, context)
    if isinstance(context, DataStructure):
        raise NotImplementedHere(
            "Schemas are built for dataflows and provision agreements so far, not for structures"
        )
    raise NotImplementedHere(f"Schemas of a {context.kind} are not built yet")


def _root(generation: Generation) -> Response:
    """What is here, for a person who looks at the address."""
    base = request.url_root.rstrip("/") + "/sdmx"
    told = {
        "v1": {"api": "SDMX REST 1.5", "dataflows": f"{base}/v1/dataflow", "newer": f"{base}/v2"},
        "v2": {"api": "SDMX REST 2.2", "dataflows": f"{base}/v2/structure/dataflow", "older": f"{base}/v1"},
    }[generation]
    body = orjson.dumps(told, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    return Response(body, content_type="application/json", headers={"Cache-Control": "no-cache"})


def _preflight() -> Response:
    """204: any page may read; the headers that it asks for are allowed."""
    answer = Response(status=204, headers={"Allow": "GET, HEAD, OPTIONS", "Access-Control-Max-Age": "86400"})
    answer.headers["Access-Control-Allow-Methods"] = "GET, HEAD, OPTIONS"
    asked = request.headers.get("Access-Control-Request-Headers")
    if asked:
        answer.headers["Access-Control-Allow-Headers"] = asked
        answer.headers["Vary"] = "Access-Control-Request-Headers"
    del answer.headers["Content-Type"]
    return answer


@blueprint.after_app_request
def _for_other_origins(answer: Response) -> Response:
    """Every answer below /sdmx, errors too, may be read by pages of any origin."""
    if request.path == "/sdmx" or request.path.startswith("/sdmx/"):
        answer.headers["Access-Control-Allow-Origin"] = "*"
        answer.headers["Access-Control-Expose-Headers"] = "Content-Language, ETag, Last-Modified, Retry-After"
    return answer


@lru_cache(maxsize=4)
def _languages(registry: Registry) -> frozenset[str]:
    """The languages that any artefact is named in, or any item of one."""
    schemes = (artefact for artefact in registry if isinstance(artefact, ItemScheme))
    items = (item for scheme in schemes for item in scheme.items)
    tags = {tag for named in chain(registry, items) for tag in named.names}
    return frozenset(tag.partition("-")[0].lower() for tag in tags) | {"en"}
