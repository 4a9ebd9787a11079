"""The SDMX door, one view for both generations of the API: /sdmx/v2 is REST 2.2; /sdmx/v1 and /sdmx are 1.5.

`v1.parse` and `v2.parse` say what a URL asks; here that is negotiated, compared with what the client has, and
handed to the exchange.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import cast

import orjson
from flask import Blueprint, Response, request

from ..errors import NotImplementedHere
from ..formats.tables import WRITERS
from ..plan import Action, Answer, DataSet
from ..query import DataQuery
from ..schema import Schema
from . import availability, schemas, structures, v1, v2
from .address import Address
from .answers import Validators
from .asked import AvailabilityRequest, DataRequest, Request, SchemaRequest, StructureRequest
from .negotiation import Generation
from .terms import Terms
from .vintages import Vintage

blueprint = Blueprint("sdmx", __name__)

_PARSERS: dict[Generation, Callable[[Address], Request]] = {"v1": v1.parse, "v2": v2.parse}
_ML21 = "application/vnd.sdmx.structure+xml;version=2.1"
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
            f"{request.method} is not taken here; structures are maintained at /sdmx/v2/structure"
        )
    asked = _PARSERS[generation](address)
    if isinstance(asked, StructureRequest):
        return structures.answer(asked, Terms.of(generation, address, asked.kind, asked.times.as_of))
    if isinstance(asked, DataRequest):
        return _data(asked, Terms.of(generation, address, asked.kind, asked.times.as_of))
    if isinstance(asked, AvailabilityRequest):
        return _availability(asked, Terms.of(generation, address, asked.kind, asked.times.as_of))
    if isinstance(asked, SchemaRequest):
        return schemas.answer(asked, Terms.of(generation, address, asked.kind, asked.times.as_of))
    return _root(generation)


def located(address: Address) -> tuple[Generation, Address]:
    """The generation that an address below /sdmx belongs to, and what it says below the root of that."""
    rest = address.after(1)
    if rest.segments[:1] in (("v1",), ("v2",)):
        return cast(Generation, rest.segments[0]), rest.after(1)
    return "v1", rest


# --- data ---------------------------------------------------------------------------------------------------


def _data(asked: DataRequest, terms: Terms) -> Response:
    query, vintage = asked.query, Vintage.of(asked.times, terms.latest, terms.public)
    schema = terms.exchange.planned(query).schema
    observation = _observation(query, schema)
    validators = _data_validators(terms, query, vintage)
    known = terms.unchanged(validators)
    if known:
        return known
    answer = Answer(
        [_acted(dataset, query) for dataset in vintage.datasets(terms.exchange, query)],
        # the same answer is the same bytes, whenever it is prepared
        prepared=validators.modified or terms.public.at,
        dimension_at_observation=observation,
        languages=terms.languages,
        parameters=terms.chosen.parameters,
        message_id=f"data-{validators.etag[:12]}",
        history=vintage.times.history,
    )
    pieces = WRITERS[terms.chosen.media_type](answer)
    return terms.streamed(pieces, validators, *(dataset.batches for dataset in answer.datasets))


def _acted(dataset: DataSet, query: DataQuery) -> DataSet:
    """What a reader is to do: parts of observations replace none, and before SDMX 3.1, whose writers say
    Merge, nothing says so: they are for information (sdmx-csv field guide of 2.1, recommended actions).
    """
    whole = (query.attributes, query.measures) == (("dsd",), ("all",))
    action: Action = "Delete" if dataset.action == "Delete" else "Replace" if whole else "Information"
    return replace(dataset, action=action)


def _data_validators(terms: Terms, query: DataQuery, vintage: Vintage, *more: object) -> Validators:
    exchange = terms.exchange
    flow = exchange.planned(query).schema.dataflow.reference.short
    return terms.validators(
        query, exchange.registry.digest, vintage.tag(flow), *more, modified=vintage.public.last_change,
        next_change=vintage.next_change, max_age=vintage.max_age,
    )  # fmt: skip


def _observation(query: DataQuery, schema: Schema) -> str:
    """That of the schema, as far as data are written by it."""
    found = schemas.observation(query.dimension_at_observation, schema)
    if found not in ("AllDimensions", schema.time.id if schema.time else ""):
        raise NotImplementedHere(
            f"dimensionAtObservation={found} is not built yet; TIME_PERIOD and AllDimensions are"
        )
    return found


# --- availability, roots ---------------------------------------------------------------------------


def _availability(asked: AvailabilityRequest, terms: Terms) -> Response:
    exchange, vintage = terms.exchange, Vintage.of(asked.times, terms.latest, terms.public)
    query = asked.query
    schema = exchange.planned(query).schema
    validators = _data_validators(terms, query, vintage, asked.components, asked.mode, asked.references)
    known = terms.unchanged(validators)
    if known:
        return known
    ranged = terms.chosen.media_type == _ML21
    constraint = availability.constraint(exchange, asked, schema, vintage, ranged=ranged)
    related = availability.related(exchange, asked, schema, constraint, vintage)
    return structures.written([constraint, *related], terms, validators)


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
    """204: any page may read, and none maintain; the headers that it asks for are allowed."""
    generation, address = located(Address.of(request.environ))
    maintained = generation == "v2" and address.segment(0) == "structure"
    allowed = "GET, HEAD, OPTIONS" + (", POST, PUT, DELETE" if maintained else "")
    answer = Response(status=204, headers={"Allow": allowed, "Access-Control-Max-Age": "86400"})
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
        answer.headers["Access-Control-Expose-Headers"] = (
            f"Content-Language, ETag, Last-Modified, Retry-After, {structures.TOTAL}"
        )
    return answer
