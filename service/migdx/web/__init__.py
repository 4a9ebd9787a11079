"""The HTTP door, the only place that knows Flask: the SDMX API, submissions, pages."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Flask, Response, jsonify
from werkzeug.routing import BaseConverter

from .. import __version__
from ..exchange import Exchange
from . import faults, pages, sdmx, submissions

LARGEST = 1 << 30
"""Bytes of a request's body that are taken, unless the setting says otherwise."""

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


def create_app(exchange: Exchange, *, token: str | None, demo: bool, largest: int = LARGEST) -> Flask:
    """The application over an exchange. Writing calls need `token`; only in demo mode may there be none."""
    if not token and not demo:
        raise ValueError(
            "Outside demo mode the service needs a token: set MIGDX_TOKEN, which writing calls must show"
        )
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = largest
    app.extensions["migdx"] = exchange
    app.extensions["migdx-token"] = token or None
    app.extensions["migdx-since"] = datetime.now(UTC)
    # a redirect would cost browsers the right to read from other origins
    app.url_map.merge_slashes = False
    app.url_map.strict_slashes = False
    app.url_map.converters["anything"] = _Anything
    faults.install(app)
    app.register_blueprint(sdmx.blueprint)
    app.register_blueprint(submissions.blueprint)
    app.register_blueprint(pages.blueprint)
    app.add_url_rule("/health", "health", _health)
    app.after_request(_secured)
    return app


def _health() -> Response:
    return jsonify(status="ok", version=__version__)


def _secured(answer: Response) -> Response:
    for name, value in _SECURITY.items():
        answer.headers.setdefault(name, value)
    return answer
