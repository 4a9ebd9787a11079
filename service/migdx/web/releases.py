"""The door of releases: what is made public, moved and taken back; and what readers cite.

Whoever shows the token of the service is told everything; anyone else of what is public, or once was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

import orjson
from flask import Blueprint, Response, current_app, request

from .. import preview, releasing
from ..errors import NotFound, SyntaxFault
from ..preview import DryRun
from ..release import Release
from ..releasing import Asked, Effect, is_to
from ..snapshot import CSV, SUMS, pieces, release_for_readers, released, snapshot_of
from ..structures import Dataflow
from ..urn import parse_short
from . import sending
from .frame import base, drawn, served
from .maintainers import asking
from .structure_parts import Pages
from .submissions import allowed, by
from .wording import LANGUAGES, Words

blueprint = Blueprint("releases", __name__)

LONGEST = 80
"""Characters of an unknown name that a fault repeats."""


@blueprint.post("/releases")
def release() -> Response:
    """Makes revisions public: {"submissions": [id]}, or {"dataflow": AGENCY:ID(VERSION), "providers": [id],
    "skipEmbargoed": true} for the latest that are not public yet, or {"move": release}; beside it
    "publicFrom", "name", "note", and "dryRun": true to be told what it would do.
    """
    allowed()
    body = sending.json_object()
    asked = _asked(body)
    if _of(body, "dryRun", bool):
        return _dry(preview.release(served(), asked))
    made = releasing.release(served().ledger, asked, served().pinned(), by=by())
    answer = sending.json(_told(made.release) | _shown(made), 201)
    answer.headers["Location"] = f"{request.script_root}/releases/{made.release.id}"
    return answer


@blueprint.get("/releases")
def releases() -> Response:
    """The newest first: every one with the token of the service; without it those that are public or once
    were, ?dataflow=AGENCY:ID(VERSION)&offset=0.
    """
    if not _wants_page() and _is_told_all():
        made = reversed(served().ledger.history().releases)
        return sending.json({"releases": [_told(one) for one in made]})
    public, asked = served().public(), sending.parameter("dataflow")
    found = released(public)
    if asked:
        flow = parse_short(asked, "Dataflow")
        found = [one for one in found if any(is_to(each, flow) for each in _touched(one))]
    pages = Pages.of(len(found))
    shown = found[pages.start : pages.end]
    if _wants_page():
        return _list_page(shown, pages, asked)
    return _public_json({"total": pages.total, "releases": [_public(one) for one in shown]})


@blueprint.get("/releases/<id>")
def one_release(id: str) -> Response:
    """A release by its id or name: a page, how to cite it and its files; 410 once it is withdrawn."""
    if _wants_page():
        return _page(id)
    if _is_told_all():
        return sending.json(_told(served().ledger.history().release(id)))
    return _public_json(_citable(id))


@blueprint.get("/releases/<id>/<name>")
def file(id: str, name: str) -> Response:
    """A file of a release: the data of a dataflow, SHA256SUMS, or citation.json."""
    if name == "citation.json":
        return _public_json(_citable(id))
    exchange = served()
    found = snapshot_of(exchange, id)
    if name == SUMS:
        return _public_answer(found.sums, "text/plain; charset=utf-8", found.sha256)
    wanted = found.files.get(name)
    if wanted is None:
        raise NotFound(f"Release {found.release} has no file '{name[:LONGEST]}'; SHA256SUMS lists them")
    packed = wanted.media_type == CSV and request.accept_encodings.quality("gzip") > 0
    tag = f"{wanted.sha256}-gzip" if packed else wanted.sha256
    answer = _public_answer(pieces(exchange, found, wanted, packed=packed), wanted.media_type, tag)
    answer.headers.set("Content-Disposition", "attachment", filename=name)
    if packed:
        answer.headers["Content-Encoding"] = "gzip"
    elif answer.status_code == 200:
        answer.headers["Content-Length"] = str(wanted.size)
    return answer


@blueprint.delete("/releases/<id>")
def cancel(id: str) -> Response:
    """Takes a release back, ?reason= says why; what was public before is public again. ?dryRun=true tells
    what would be.
    """
    allowed()
    if sending.flag("dryRun"):
        return _dry(preview.cancel(served(), id))
    found = served().cancel(id, by=by(), reason=sending.parameter("reason"))
    return sending.json(_told(found.release) | _shown(found))


# --- what readers see ---------------------------------------------------------------------------------------


def _is_told_all() -> bool:
    """Whether everything may be told: to whom shows the token, or where nobody needs one."""
    anonymous = "Authorization" not in request.headers or asking()
    if current_app.extensions["migdx-token"] is not None and anonymous:
        return False
    allowed()
    return True


def _wants_page() -> bool:
    return request.accept_mimetypes.best_match(("application/json", "text/html")) == "text/html"


def _public_json(told: object) -> Response:
    body = orjson.dumps(told, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    answer = _public_answer(body, "application/json", "")
    answer.vary.update(("Accept", "Authorization"))
    return answer


def _public_answer(body: bytes | Iterator[bytes], media_type: str, tag: str) -> Response:
    """What everyone may keep, and asks again whether it was withdrawn."""
    headers = {"Cache-Control": "no-cache", "Access-Control-Allow-Origin": "*", "Vary": "Accept-Encoding"}
    answer = Response(body, headers=headers, content_type=media_type)
    if tag:
        answer.set_etag(tag)
        answer.make_conditional(request)
    return answer


def _list_page(shown: list[Release], pages: Pages, asked: str) -> Response:
    words = Words.of(request)
    rows = [(one, _flows(one)) for one in shown]
    flow = served().registry.find(parse_short(asked, "Dataflow")) if asked else None
    return _drawn(drawn("releases.html", words, rows=rows, pages=pages, asked=asked or None, flow=flow))


def _page(id: str) -> Response:
    words, exchange = Words.of(request), served()
    made = release_for_readers(exchange.public(), id)
    found = None if made.cancelled else snapshot_of(exchange, id)
    page = drawn(
        "release.html", words, made=made, flows=_flows(made), snapshot=found, sums=SUMS,
        citation=found.citation(_url(made), words.language) if found else "",
    )  # fmt: skip
    return _drawn(page, 200 if found else 410)


def _drawn(page: str, status: int = 200) -> Response:
    headers = {"Cache-Control": "no-cache", "Vary": "Accept, Accept-Language"}
    return Response(page, status, headers, mimetype="text/html")


def _flows(made: Release) -> list[Dataflow]:
    known = (served().registry.find(parse_short(flow, "Dataflow")) for flow in _touched(made))
    return [flow for flow in known if isinstance(flow, Dataflow)]


def _touched(made: Release) -> list[str]:
    return sorted({flow for _, flow in made.revisions})


def _url(made: Release) -> str:
    return f"{base()}/releases/{made.name or made.id}"


def _public(made: Release) -> dict[str, Any]:
    """What readers are told of a release."""
    return {
        "id": made.id,
        "name": made.name or None,
        "publicFrom": made.public_from.isoformat(),
        "withdrawn": made.cancelled.isoformat() if made.cancelled else None,
        "reason": made.reason,
        "dataflows": _touched(made),
        "note": made.note,
        "url": _url(made),
    }


def _citable(id: str) -> dict[str, Any]:
    found = snapshot_of(served(), id)
    told = _public(release_for_readers(served().public(), id))
    flows = [
        {
            "urn": flow.urn,
            "names": dict(flow.names),
            "observations": flow.observations,
            "files": [
                {
                    "name": file.name,
                    "mediaType": file.media_type,
                    "size": file.size,
                    "sha256": file.sha256,
                    "url": f"{told['url']}/{file.name}",
                }
                for file in flow.files
            ],
        }
        for flow in found.flows
    ]
    citation = {language: found.citation(told["url"], language) for language in LANGUAGES}
    return told | {"sha256": found.sha256, "citation": citation, "dataflows": flows}


# --- what was sent ------------------------------------------------------------------------------------------


def _asked(body: Mapping[str, Any]) -> Asked:
    if not {"submissions", "dataflow", "providers", "move"} & body.keys():
        raise SyntaxFault('A release has "submissions", or "dataflow" and "providers", or "move"')
    return Asked(
        submissions=_list(body, "submissions"),
        dataflow=cast(str, _of(body, "dataflow", str)),
        providers=_list(body, "providers"),
        move=cast(str, _of(body, "move", str)),
        public_from=releasing.instant(_of(body, "publicFrom", str)),
        name=cast(str, _of(body, "name", str)),
        note=cast(str, _of(body, "note", str)),
        skip_embargoed=bool(_of(body, "skipEmbargoed", bool)),
    )


def _of(body: Mapping[str, Any], name: str, kind: type[str] | type[bool]) -> object:
    """A member of the body; empty, or false, when it is not there."""
    value = body.get(name)
    if value is None:
        return kind()
    if not isinstance(value, kind):
        raise SyntaxFault(f'"{name}": expected {"a text" if kind is str else "true or false"}')
    return value


def _list(body: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = body.get(name, [])
    if not isinstance(value, list) or not all(isinstance(id, str) for id in value):
        raise SyntaxFault(f'"{name}": expected a list of ids')
    return tuple(value)


# --- what is told -------------------------------------------------------------------------------------------


def _told(made: Release) -> dict[str, Any]:
    return {
        "id": made.id,
        "name": made.name or None,
        "stamp": made.stamp.isoformat(),
        "publicFrom": made.public_from.isoformat(),
        "cancelled": made.cancelled.isoformat() if made.cancelled else None,
        "reason": made.reason,
        "revisions": [
            {"agreement": agreement, "dataflow": flow, "revision": revision}
            for (agreement, flow), revision in made.revisions.items()
        ],
        "by": made.by,
        "note": made.note,
    }


def _shown(effect: Effect) -> dict[str, Any]:
    """What is seen otherwise, and from when; null where a slot shows nothing."""
    return {
        "at": effect.at.isoformat(),
        "shown": [
            {
                "agreement": one.slot[0],
                "dataflow": one.slot[1],
                "before": one.before or None,
                "after": one.after or None,
            }
            for one in effect.shown
        ],
        "left": [{"submission": id, "reason": reason} for id, reason in effect.left],
    }


def _dry(found: DryRun) -> Response:
    told = _shown(found.effect)
    for one in told["shown"]:
        one["observations"] = found.contents.get((one["agreement"], one["dataflow"]))
    return sending.json({"dryRun": True, "preview": address(found.id), **told})


def address(id: str) -> str:
    """Below which the API answers as it would."""
    return f"{request.script_root}/preview/{id}/sdmx"
