"""Preview: /preview/ID/sdmx/... answers as /sdmx/... will, once the release that ID stands for has begun.

The path is cut to that of the API before anything looks at it, so that every view, table of faults and link
is the same. It is for those with the token of the service, is asked by GET alone, and is kept nowhere.
"""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, g, request
from werkzeug.exceptions import MethodNotAllowed

from .. import preview
from .frame import served
from .submissions import allowed

blueprint = Blueprint("preview", __name__)

_PATH = re.compile(r"(/preview/([^/]+))(/sdmx(?:/[\s\S]*)?)")
_ID = "migdx.preview"
_ASKS = ("HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE")
_TELLS = frozenset(
    ("cache-control", "etag", "last-modified", "access-control-allow-origin", "access-control-expose-headers")
)
"""Headers that are for answers which may be kept, or read by pages of other sites."""


def mounted(application: Any) -> Any:
    """The application, whose API is there below each preview, too."""

    def called(environ: dict[str, Any], start_response: Any) -> Any:
        found = _PATH.fullmatch(environ.get("PATH_INFO", ""))
        if found is None:
            return application(environ, start_response)
        prefix, environ[_ID], environ["PATH_INFO"] = found.groups()
        for name in ("RAW_URI", "REQUEST_URI"):  # of which an Address reads segments as they were sent
            sent = str(environ.pop(name, ""))
            if prefix in sent:
                environ[name] = sent.replace(prefix, "", 1)
        for name in _ASKS:
            environ.pop(name, None)

        def start(status: str, headers: list[tuple[str, str]], *fault: Any) -> Any:
            kept = [(name, value) for name, value in headers if name.lower() not in _TELLS]
            return start_response(status, [*kept, ("Cache-Control", "private, no-store")], *fault)

        return application(environ, start)

    return called


@blueprint.before_app_request
def _supposed() -> None:
    """What is asked is answered from what is supposed, for those who may see it."""
    id = request.environ.get(_ID)
    if id is None:
        return
    allowed()
    if request.method not in ("GET", "HEAD"):
        raise MethodNotAllowed(["GET", "HEAD"])
    g.supposed = preview.seen(served(), id)
