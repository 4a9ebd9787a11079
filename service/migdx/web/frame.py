"""Frame: what every page has around what it says, and the validators that spare making it again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from flask import Response, current_app, make_response, render_template, request, url_for

from .. import __version__
from ..exchange import Exchange
from ..public import Public
from ..registry import Registry
from ..structures import DataProviderScheme
from .answers import Validators, etag
from .mirror import mirror, settings
from .wording import LANGUAGES, Words, collated

_KEPT = ("from", "to", "q", "type", "offset")
"""What of a page's address stays when it is shown in another language."""


def served() -> Exchange:
    found: Exchange = current_app.extensions["migdx"]
    return found


def registry() -> Registry:
    """The structures as everyone sees them."""
    return served().registry.public


def said() -> Mapping[str, Any]:
    return settings(served().folders)


def base() -> str:
    return request.url_root.rstrip("/")


def kept(page: Any, words: Words, public: Public | None = None) -> Response:
    """The page with its validators; it is not made when the reader has it already."""
    exchange = served()
    public = public or exchange.public()
    state = (__version__, registry().digest, public.tag(), _digest_of_said())
    tag = etag(words, request.url, *state)
    validators = Validators(
        tag, public.at, current_app.extensions["migdx-since"], next_change=public.next_change
    )
    headers = {**validators.headers, "Vary": "Accept-Language"}
    if validators.unchanged(request):
        return Response(status=304, headers=headers)
    response = make_response(page())
    response.headers.update(headers)
    return response


def drawn(template: str, words: Words, **values: Any) -> str:
    site, exchange = said().get("site", {}), served()
    common: dict[str, Any] = {
        "words": words,
        "languages": LANGUAGES,
        "site_name": site.get("name", "migdx"),
        "site_title": words.text(site.get("title", {})) or "migdx",
        "notice": words.text(site.get("notice", {})),
        "mirror": mirror(said(), exchange),
        "version": __version__,
        "digest": registry().digest,
        "link": lambda endpoint, **more: link(words, endpoint, **more),
        "in_language": _in_language,
        "static": static,
    }
    return render_template(template, **common, **values)


def providers(words: Words) -> list[tuple[str, str]]:
    """Every data provider's id and name, by name."""
    found = [(i.id, words.name(i)) for scheme in registry().of(DataProviderScheme) for i in scheme.items]
    return sorted(found, key=lambda entry: collated(entry[1]))


def link(words: Words, endpoint: str, **values: Any) -> str:
    """The address of a page, in the language that the reader chose."""
    kept: dict[str, Any] = {"lang": words.language} if words.asked else {}
    return url_for(endpoint, **kept, **values)


def _in_language(code: str) -> str:
    """This page in another language; after a form was sent, the first page."""
    if request.method != "GET" or request.endpoint is None:
        return url_for("pages.index", lang=code)
    kept = {name: value for name, value in request.args.items() if name in _KEPT}
    return url_for(request.endpoint, **{**(request.view_args or {}), **kept, "lang": code})


def static(name: str) -> str:
    """A static file under an address that changes with its contents."""
    return url_for("static", filename=name, v=_digest(Path(current_app.static_folder or "") / name))


@cache
def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def _digest_of_said() -> str:
    return hashlib.sha256(repr(said()).encode()).hexdigest()
