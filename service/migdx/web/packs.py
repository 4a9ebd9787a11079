"""The door to the rule packs: what of a dataflow can be checked before a file is sent."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
from flask import Blueprint, Response, current_app, request

from .. import __version__
from ..rule_pack import rule_pack
from .answers import Validators, etag, unchanged
from .frame import registry
from .rendered import Kept, Rendered
from .wording import Words

blueprint = Blueprint("packs", __name__)

SUFFIX = ".json"


@blueprint.get("/rules/<name>")
def pack(name: str) -> Response:
    """The pack of a dataflow, by its id or AGENCY:ID(VERSION): ?provider=FRA&lang=fr."""
    known = registry()
    words, provider = Words.of(request), request.args.get("provider", "").strip()
    flow = known.dataflow(name.removesuffix(SUFFIX))
    tag = etag("rules", flow.reference.short, provider, words.language, known.digest, __version__)
    validators = Validators(tag, datetime.now(UTC), current_app.extensions["migdx-since"])
    headers = {"Vary": "Accept-Language"}
    if validators.unchanged(request):
        return unchanged(validators, headers)
    rendered: Rendered = current_app.extensions["migdx-rendered"]
    found = rendered.get(tag)
    if found is None:
        found = Kept(orjson.dumps(rule_pack(known, flow.reference.short, provider, words.language)))
        rendered.put(tag, found)
    headers |= {"Content-Language": words.language, **validators.headers}
    return Response(found.body, mimetype="application/json", headers=headers)
