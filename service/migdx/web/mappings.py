"""Maps of workbooks: proposed from a file, tried, kept for a provider, told as an SDMX StructureMap.

GET and POST /mappings are the pages, POST /mappings/proposal the same as JSON; /mappings/PROVIDER/DATAFLOW is
the map that is kept. Proposing and trying need no account and keep nothing: the page carries the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any

from flask import Blueprint, Response, current_app, make_response, request

from ..errors import NotFound, SyntaxFault
from ..exchange import Exchange
from ..formats.header import Header
from ..formats.tables import STRUCTURE_WRITERS
from ..mappings import Mapped, structure_map
from ..report import Report
from ..sent import Sent
from ..workbook_map import WorkbookMap
from ..workbooks import drop, keep, read_map
from . import mapping_page, sending
from .address import Address
from .frame import served
from .mapping_forms import answered, carried, unpacked
from .negotiation import choose
from .submissions import allowed, by
from .wording import Words

blueprint = Blueprint("mappings", __name__)

_FORM = 12 << 20
_FIELDS = 20_000
_SDMX = [media_type for media_type in STRUCTURE_WRITERS if ";version=1.0.0" not in media_type]


@blueprint.get("/mappings")
def index() -> Response:
    """The page that asks for a workbook."""
    return _page(mapping_page.drawn_start(Words.of(request)))


@blueprint.post("/mappings")
def step() -> Response:
    """One step of the page: propose, look over after changes, check with the map, keep it.

    The token of a service that has one is a field of the form: a browser sends no Authorization.
    """
    request.max_form_memory_size, request.max_form_parts = _FORM, _FIELDS
    words, fields = Words.of(request), request.form.to_dict()
    exchange, file, wanted = served(), _file(fields, words), fields.get("step", "propose")
    made = answered(fields) if fields.get("map") and wanted != "propose" else None
    sent = _sent(fields, file, made)
    kept: Mapped | None = None
    report: Report | None = None
    if wanted == "keep" and made is not None:
        allowed(fields.get("token"))
        kept = keep(made, sent.provider, exchange.ledger, exchange.blobs, exchange.registry, by())
    grid, schema, proposal = exchange.proposed(sent)
    if wanted == "check" and proposal.map.sheets:
        report = exchange.check(_sent(fields, file, proposal.map))
    return _page(
        mapping_page.drawn(
            words, grid, schema, proposal, sent, carried(file), kept=kept, report=report,
            needs_token=current_app.extensions["migdx-token"] is not None,
        )
    )  # fmt: skip


@blueprint.post("/mappings/proposal")
def proposal() -> Response:
    """What a file seems to need, as JSON: ?dataflow=AGENCY:ID(VERSION)&provider=ID."""
    exchange: Exchange = served()
    with sending.sent() as sent:
        grid, _, found = exchange.proposed(sent)
    told = found.as_dict() | {
        "sheets": [
            {"name": sheet.name, "rows": sheet.height, "columns": sheet.width} for sheet in grid.sheets
        ],
        "findings": [finding.code for finding in grid.findings],
        "questionsOpen": len(found.open),
    }
    return sending.json(told)


@blueprint.get("/mappings/<provider>/<dataflow>")
def kept(provider: str, dataflow: str) -> Response:
    """The map that holds, and what was kept before; as SDMX a StructureMap with its RepresentationMaps."""
    allowed()
    exchange = served()
    history = exchange.ledger.history()
    flow = exchange.registry.dataflow(dataflow)
    found = history.mapping(provider, flow.reference.short)
    entries = [one for one in history.mapped if one.slot == (provider, flow.reference.short)]
    if found is None:
        raise NotFound(f"No workbook map is kept for {provider} and {flow.reference.short}")
    made = read_map(found.blob, exchange.blobs)
    if _wants_sdmx():
        chosen = choose(_SDMX, request.headers.get("Accept", ""), Address.of(request.environ))
        schema = exchange.registry.schema(flow.reference, exchange.registry.agreement(provider, flow))
        artefacts = structure_map(made, schema, provider, len(entries))
        assert found.stamp is not None  # the ledger gave it
        header = Header(f"map-{found.blob[:12]}", found.stamp)
        body = b"".join(STRUCTURE_WRITERS[chosen.media_type](artefacts, header, sending.asked_languages()))
        return Response(body, content_type=chosen.media_type, headers={"Cache-Control": "no-store"})
    return sending.json(_told(found) | {"map": made.as_dict(), "history": [_told(one) for one in entries]})


@blueprint.put("/mappings/<provider>/<dataflow>")
def put(provider: str, dataflow: str) -> Response:
    """Keeps the map in the body, JSON, for a provider; it holds from now on."""
    allowed()
    exchange = served()
    made = WorkbookMap.from_dict(sending.json_object())
    named, given = map(exchange.registry.dataflow, (dataflow, made.dataflow))
    if named is not given:
        raise SyntaxFault(f"The map is for {given.reference.short}, the address for {named.reference.short}")
    found = keep(made, provider, exchange.ledger, exchange.blobs, exchange.registry, by())
    return sending.json(_told(found), 201)


@blueprint.delete("/mappings/<provider>/<dataflow>")
def delete(provider: str, dataflow: str) -> Response:
    """Lets go of the map that holds; the ledger still tells of it."""
    allowed()
    exchange = served()
    drop(provider, dataflow, exchange.ledger, exchange.registry, by())
    return Response(status=204)


# --- what is sent and told ----------------------------------------------------------------------------------


def _file(fields: dict[str, str], words: Words) -> BytesIO:
    """The file that was chosen, or the one that the page carried."""
    upload = request.files.get("file")
    if upload is not None and upload.filename:
        fields["file_name"] = upload.filename
        return BytesIO(upload.stream.read())
    if fields.get("carried"):
        return unpacked(fields["carried"])
    raise SyntaxFault(words("check_no_file"))


def _sent(fields: Mapping[str, str], file: BytesIO, made: WorkbookMap | None) -> Sent:
    name, provider, dataflow = (fields.get(key, "").strip() for key in ("file_name", "provider", "dataflow"))
    body = made.as_dict() if made else {}
    return Sent(file, len(file.getvalue()), "", name, provider, dataflow, map=body)


def _wants_sdmx() -> bool:
    accept = request.headers.get("Accept", "")
    return "format" in request.args or "vnd.sdmx.structure" in accept


def _told(found: Mapped) -> dict[str, Any]:
    return {
        "provider": found.provider,
        "dataflow": found.dataflow,
        "sha256": found.blob or None,
        "kept": found.stamp.isoformat() if found.stamp else None,
        "by": found.by,
    }


def _page(text: str) -> Response:
    response = make_response(text)
    response.headers["Cache-Control"] = "no-store"
    return response
