"""The HTTP door, the only place that knows Flask: the SDMX API, submissions, pages."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from typing import Any

from flask import Flask, Response, jsonify, request
from werkzeug.routing import BaseConverter

from .. import __version__
from ..errors import ExchangeError, Forbidden
from ..exchange import Exchange
from . import (
    approvals,
    faults,
    maintainers,
    maintenance,
    mappings,
    packs,
    pages,
    preview,
    receipts,
    releases,
    reports,
    sdmx,
    settling,
    submissions,
    uploads,
    workbooks,
)
from .maintainers import Maintainers
from .rendered import BUDGET, Rendered

_LOOPBACK = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:\d*)?", re.IGNORECASE | re.ASCII)

_SECURITY = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


class _Anything(BaseConverter):
    """The rest of a path, whatever it is: empty, or with slashes at either end and twice in a row."""

    regex = r"[\s\S]*"
    part_isolating = False


def create_app(
    exchange: Exchange,
    *,
    token: str | None,
    demo: bool,
    largest: int = 0,
    maintained_by: Maintainers = maintainers.NOBODY,
) -> Flask:
    """The application over an exchange. Writing calls need `token`; only in demo mode may there be none.

    `largest`: bytes of a body that are taken, unless uploads.py says it. Structures are maintained by those
    whose tokens `maintained_by` knows, in demo mode too.
    """
    token = needed(token, demo=demo)
    app = Flask(__name__)
    app.request_class = uploads.Uploading
    app.config["MAX_CONTENT_LENGTH"] = largest or uploads.largest()
    app.config["MAX_FORM_PARTS"] = uploads.PARTS
    app.extensions["migdx"] = exchange
    app.extensions["migdx-token"] = token
    app.extensions["migdx-maintainers"] = maintained_by
    app.extensions["migdx-since"] = datetime.now(UTC)
    app.extensions["migdx-rendered"] = Rendered(int(os.environ.get("MIGDX_RENDERED") or BUDGET))
    # a redirect would cost browsers the right to read from other origins
    app.url_map.merge_slashes = False
    app.url_map.strict_slashes = False
    app.url_map.converters["anything"] = _Anything
    app.wsgi_app = preview.mounted(_whole(app.wsgi_app))  # type: ignore[method-assign]
    faults.install(app)
    if token is None:
        app.before_request(_local)
    app.register_blueprint(maintenance.blueprint)
    app.register_blueprint(sdmx.blueprint)
    app.register_blueprint(submissions.blueprint)
    app.register_blueprint(releases.blueprint)
    app.register_blueprint(preview.blueprint)
    app.register_blueprint(reports.blueprint)
    app.register_blueprint(receipts.blueprint)
    app.register_blueprint(settling.blueprint)
    app.register_blueprint(approvals.blueprint)
    app.register_blueprint(mappings.blueprint)
    app.register_blueprint(packs.blueprint)
    app.register_blueprint(pages.blueprint)
    app.register_blueprint(workbooks.blueprint)
    app.add_url_rule("/health", "health", _health)
    app.after_request(_secured)
    app.after_request(maintainers.private)
    return app


def _whole(application: Any) -> Any:
    """Half an upload is none: a body that ends before its Content-Length is refused when it is read.

    gunicorn says that its input ends by itself, and werkzeug would take what came before a connection broke.
    """

    def called(environ: dict[str, Any], start_response: Any) -> Any:
        if environ.get("CONTENT_LENGTH"):
            environ.pop("wsgi.input_terminated", None)
        return application(environ, start_response)

    return called


def needed(token: str | None, *, demo: bool) -> str | None:
    """The token without the blanks around it; None only in demo mode, an error elsewhere."""
    token = (token or "").strip()
    if not token and not demo:
        raise ExchangeError(
            "MIGDX_TOKEN is empty or not set: it holds the token that writing calls must show. "
            "--demo does without"
        )
    return token or None


def _local() -> None:
    """Where no token is asked for, only names of this machine: any other may be made to lead here."""
    host = request.headers.get("Host", "")
    if not _LOOPBACK.fullmatch(host):
        raise Forbidden(f"Demo mode answers to 127.0.0.1, localhost and [::1] only, not to '{host}'")


def _health() -> Response:
    return jsonify(status="ok", version=__version__)


def _secured(answer: Response) -> Response:
    for name, value in _SECURITY.items():
        answer.headers.setdefault(name, value)
    return answer
