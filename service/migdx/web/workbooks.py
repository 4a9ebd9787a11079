"""The door to the templates: workbooks to fill, made when they are asked for.

What one depends on is its tag: who has it gets 304, and what was made is kept as its bytes.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
from flask import Blueprint, Response, current_app, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from .. import __version__
from ..formats.content import XLSX
from ..formats.workbook_writer import write
from ..report import languages_of_messages
from ..structures import Dataflow
from ..template import Asked, digest, settings, template
from .answers import Validators, etag, unchanged
from .frame import drawn, kept, providers, registry, served
from .rendered import Kept, Rendered
from .wording import Words

blueprint = Blueprint("workbooks", __name__)

SUFFIX = ".xlsx"


@blueprint.get("/templates")
def index() -> BaseResponse:
    """The dataflows and where their templates are: JSON for who prefers it, else a page with a form."""
    words = Words.of(request)
    if request.args.get("format") and request.args.get("dataflow"):
        given = {name: request.args.get(name, "").strip() for name in ("provider", "time")}
        more = {name: text for name, text in given.items() if text}
        return redirect(_address(request.args["dataflow"], lang=words.language, **more), 303)
    if request.accept_mimetypes.best_match(("text/html", "application/json")) == "application/json":
        told = [
            {"dataflow": flow.reference.short, "name": words.name(flow), "href": _address(flow.id)}
            for flow in _latest()
        ]
        body = {"templates": told, "languages": languages_of_messages()}
        headers = {"Vary": "Accept, Accept-Language", "Cache-Control": "no-cache"}
        return Response(orjson.dumps(body), mimetype="application/json", headers=headers)
    page = kept(lambda: _page(words), words)
    page.headers["Vary"] = "Accept, Accept-Language"
    return page


def _page(words: Words) -> str:
    flows = [(flow.reference.short, words.name(flow)) for flow in _latest()]
    return drawn(
        "workbooks.html", words, flows=flows, providers=providers(words),
        addresses={short: _address(short, lang=words.language) for short, _ in flows},
        dataflow=request.args.get("dataflow", ""), provider=request.args.get("provider", ""),
        last=datetime.now(UTC).year - 1,
    )  # fmt: skip


def _latest() -> list[Dataflow]:
    """Each dataflow in its latest version."""
    return list({(flow.agency, flow.id): flow for flow in registry().of(Dataflow)}.values())


def _address(name: str, **more: Any) -> str:
    return url_for("workbooks.file", name=name + SUFFIX, **more)


@blueprint.get("/templates/<name>")
def file(name: str) -> Response:
    """The template of a dataflow, by its id or AGENCY:ID(VERSION): ?provider=FRA&time=2022,2023&lang=fr."""
    known = registry()
    told = settings(served().folders)
    flow = known.dataflow(name.removesuffix(SUFFIX))
    times = ",".join(request.args.getlist("time")).split(",")
    asked = Asked(
        flow.reference.short,
        request.args.get("provider", "").strip(),
        request.args.get("lang", "").strip() or Words.of(request).language,
        tuple(text.strip() for text in times if text.strip()),
    )
    tag = etag("template", asked, known.digest, digest(told), __version__)
    validators = Validators(tag, datetime.now(UTC), current_app.extensions["migdx-since"])
    headers = {"Vary": "Accept-Language"}
    if validators.unchanged(request):
        return unchanged(validators, headers)
    made = template(known, told, asked)
    rendered: Rendered = current_app.extensions["migdx-rendered"]
    found = rendered.get(tag)
    if found is None:
        found = Kept(write(made.forms))
        rendered.put(tag, found)
    headers["Content-Disposition"] = f'attachment; filename="{made.file_name}"'
    return Response(found.body, content_type=XLSX, headers={**headers, **validators.headers})
