"""Faults as answers: each class of error has one status per generation of the API; the body is as was asked.

sdmx-rest v2.2.2, doc/status.md; v1.5.0, 4_7_errors.md. Outside the API a browser gets a page. What nobody
expected becomes 500 with a number that the log has too, and says no more.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal
from uuid import uuid4

import orjson
from flask import Flask, Response, current_app, request
from werkzeug.exceptions import HTTPException

from .. import errors
from ..errors import ExchangeError
from ..formats.header import Header
from ..formats.markup import element, leaf
from . import negotiation, pages

Door = Literal["v1", "v2", "service"]
"""Which table holds: REST 1.5, REST 2.2, or this service's own calls (submissions, releases, pages)."""

_SAME: dict[type[ExchangeError], int] = {
    errors.Unauthorized: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Gone: 410,
    errors.SyntaxFault: 400,
    errors.NotAcceptable: 406,
    errors.Conflict: 409,
    errors.TooLarge: 413,
    errors.StructureFault: 500,
    errors.NotImplementedHere: 501,
    errors.Unavailable: 503,
    errors.NoSpace: 507,
    ExchangeError: 500,
}
STATUS: dict[Door, dict[type[ExchangeError], int]] = {
    "v1": {**_SAME, errors.NoResults: 404, errors.SemanticFault: 403},
    "v2": {**_SAME, errors.NoResults: 204, errors.SemanticFault: 422},
    "service": {**_SAME, errors.NoResults: 404, errors.SemanticFault: 422},
}

RETRY_AFTER = 5
"""Seconds after which a client that was told 503 comes back."""

_HTTP: dict[int, type[ExchangeError]] = {
    400: errors.SyntaxFault,
    404: errors.NotFound,
    406: errors.NotAcceptable,
    413: errors.TooLarge,
}


def install(app: Flask) -> None:
    """Every error of `app` is answered here."""
    app.register_error_handler(Exception, _answer)


def door(path: str) -> Door:
    """The door that a path leads to; everything below /sdmx but /sdmx/v2 is 1.5."""
    parts = [part for part in path.split("/") if part]
    if not parts or parts[0] != "sdmx":
        return "service"
    return "v2" if parts[1:2] == ["v2"] else "v1"


def _answer(fault: Exception) -> Response:
    at = door(request.path)
    if isinstance(fault, HTTPException):
        return _http(fault, at)
    fault = _known(fault)
    status = status_of(fault, at)
    headers: dict[str, str] = {}
    if status == 503:
        headers["Retry-After"] = str(RETRY_AFTER)
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="migdx"'
    return _told(at, status, fault.code, fault.title, str(fault), headers)


def told(fault: Exception) -> tuple[int, int, str, str]:
    """Status, code, title and detail of a fault at the service's own calls, where its answer has begun."""
    if isinstance(fault, HTTPException):
        status = fault.code or 500
        known = _HTTP.get(status)
        return status, *((known.code, known.title) if known else (status, fault.name)), _reason(fault, "")
    fault = _known(fault)
    return status_of(fault, "service"), fault.code, fault.title, str(fault)


def _known(fault: Exception) -> ExchangeError:
    """The fault, or for one that nobody expected the number under which the log has it."""
    if isinstance(fault, ExchangeError):
        return fault
    number = uuid4().hex[:12]
    current_app.logger.error("%s %s %s", number, request.method, request.path, exc_info=fault)
    return ExchangeError(f"The service failed; its log says why under {number}")


def status_of(fault: ExchangeError, at: Door) -> int:
    """The status of a fault at a door: that of its class, or of the nearest above it."""
    return next(STATUS[at][cls] for cls in type(fault).__mro__ if cls in STATUS[at])


def _http(fault: HTTPException, at: Door) -> Response:
    """What Flask or Werkzeug raise: no such page, no such method, a body that is too large."""
    if fault.response is not None or fault.code is None or fault.code < 400:
        return fault.get_response()  # type: ignore[return-value]
    known = _HTTP.get(fault.code)
    headers = {name: value for name, value in fault.get_headers() if name == "Allow"}
    code, title = (known.code, known.title) if known else (fault.code, fault.name)
    return _told(at, fault.code, code, title, _reason(fault, headers.get("Allow", "")), headers)


def _reason(fault: HTTPException, allowed: str) -> str:
    if fault.code == 404:
        return f"There is nothing at {request.path}"
    if fault.code == 405:
        return f"{request.path} does not take {request.method}, only {allowed}"
    if fault.code == 413:
        return _too_large()
    return fault.description or fault.name


def _too_large() -> str:
    config = current_app.config
    if request.mimetype == "multipart/form-data" and (request.content_length or 0) <= (
        request.max_content_length or 0
    ):
        return (
            f"The form is too large; it may have {config['MAX_FORM_PARTS']} fields, and one without a file "
            f"{config['MAX_FORM_MEMORY_SIZE']:,} bytes"
        )
    return f"The body is larger than {request.max_content_length:,} bytes"


def _told(at: Door, status: int, code: int, title: str, detail: str, headers: Mapping[str, str]) -> Response:
    kept = {"Cache-Control": "no-store" if status >= 500 else "no-cache", "Vary": "Accept", **headers}
    if status == 204:
        bare = Response(status=204, headers=kept)
        del bare.headers["Content-Type"]
        return bare
    if at == "service" and _wants_page() and status != 500:  # 500 may be the fault of the pages
        page = pages.render_fault(detail)
        return Response(page, status, {**kept, "Vary": "Accept, Accept-Language"}, mimetype="text/html")
    accept = request.headers.get("Accept", "")
    syntax = negotiation.error_syntax(
        accept, request.args.get("format", "").lower(), "xml" if at == "v1" else "json"
    )
    if syntax == "xml" and at != "service":
        generation = negotiation.error_generation(
            accept, request.args.get("formatVersion", ""), "v1" if at == "v1" else "v2"
        )
        body, media_type = _xml(generation, code, detail), "application/xml"
    else:
        body, media_type = _json(code, title, detail), "application/json"
    return Response(body, status, kept, content_type=media_type)


def _wants_page() -> bool:
    """At an address of a page, which has nothing else, or when a browser asks."""
    return (
        pages.blueprint.name in request.blueprints
        or request.accept_mimetypes.best_match(("application/json", "text/html")) == "text/html"
    )


def _xml(generation: str, code: int, detail: str) -> bytes:
    base = f"http://www.sdmx.org/resources/sdmxml/schemas/v{generation.replace('.', '_')}"
    message = element(
        "mes:Error",
        (("xmlns:mes", f"{base}/message"), ("xmlns:com", f"{base}/common")),
        element("mes:ErrorMessage", (("code", str(code)),), leaf("com:Text", detail, "en")),
    )
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{message}\n'.encode()


_SCHEMA = (
    "https://raw.githubusercontent.com/sdmx-twg/sdmx-json/master/structure-message/tools/schemas/2.0.0/"
    "sdmx-json-structure-schema.json"
)
"""What an error in JSON is valid by; it is by that of 2.1 too."""


def _json(code: int, title: str, detail: str) -> bytes:
    header = Header(f"error-{uuid4().hex[:12]}", datetime.now(UTC))
    meta = {
        "id": header.id, "test": header.test, "prepared": header.instant, "contentLanguages": ["en"],
        "sender": {"id": header.sender}, "schema": _SCHEMA,
    }  # fmt: skip
    fault = {"code": code, "title": title, "detail": detail}
    return orjson.dumps({"meta": meta, "errors": [fault]}, option=orjson.OPT_APPEND_NEWLINE)
