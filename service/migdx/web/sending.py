"""Sending: what a request says beside the file that it carries, and what is to be given back for it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from os import SEEK_END
from pathlib import PurePath
from typing import Any, BinaryIO

import orjson
from flask import Response, request

from ..errors import SyntaxFault
from ..examined import Examined
from ..exchange import Exchange
from ..formats.content import XLSX
from ..report import languages_of_messages
from ..sent import Sent
from .negotiation import languages
from .uploads import uploaded

FORMS = {
    "json": "application/json", "html": "text/html", "annotated": XLSX, "rejected": "text/csv",
    "csv": "text/csv", "validat": "application/json",
}  # fmt: skip
"""What a report may be given as, by ?format= and by the media type of Accept, the first that has it."""

COPIES = ("annotated", "rejected", "csv")
"""Those that are made of what was sent, not of its report."""

FOLLOWED = {"ndjson": "application/x-ndjson"}
"""What a check may be given as beside."""

_NO_TYPE = frozenset(("", "application/octet-stream", "application/x-www-form-urlencoded"))
"""What clients say of a file when they say nothing of it."""

_MESSAGE = 1 << 20
"""Bytes of a JSON message."""

_LONGEST = 100
"""Characters of the name of a copy that are the sender's."""


@contextmanager
def sent() -> Iterator[Sent]:
    """What was uploaded, and what the URL or the form say of it."""
    with uploaded() as (file, media_type, name):
        yield described(file, media_type, name or parameter("fileName"))


def described(file: BinaryIO, given: str, name: str) -> Sent:
    """A file with what the URL or the form say of it."""
    size = file.seek(0, SEEK_END)
    file.seek(0)
    media_type = "" if given.partition(";")[0].strip().lower() in _NO_TYPE else given
    provider, dataflow = parameter("provider"), parameter("dataflow")
    return Sent(
        file,
        size,
        media_type,
        name,
        provider,
        dataflow,
        large=flag("large"),
        as_merge=_as() == "merge",
        scope=parameter("scope"),
        region=parameter("region"),
        removals=_removals(),
    )


def _removals() -> int | None:
    """How many observations the sender knows to go."""
    text = parameter("removals")
    if text and not (text.isascii() and text.isdigit() and len(text) < 19):
        raise SyntaxFault(f"removals={text[:80]}: expected a number from 0 on")
    return int(text) if text else None


def _as() -> str:
    """What rows are taken as that are for information only."""
    value = parameter("as")
    if value not in ("", "merge"):
        raise SyntaxFault(f"as={value}: expected merge")
    return value


def parameter(name: str) -> str:
    """From the URL, or a field of the form."""
    form = request.form.get(name, "") if request.mimetype == "multipart/form-data" else ""
    return (request.args.get(name, "") or form).strip()


def flag(name: str) -> bool:
    value = parameter(name) or "false"
    if value not in ("true", "false"):
        raise SyntaxFault(f"{name}={value}: expected true or false")
    return value == "true"


def accept() -> str:
    """Whether one error rejects the whole file."""
    value = parameter("accept") or "all"
    if value not in ("all", "valid"):
        raise SyntaxFault(f"accept={value}: expected all or valid")
    return value


def form(more: Mapping[str, str] = {}) -> str:
    """What is asked for, one of FORMS, or of what there is `more`."""
    asked, forms = parameter("format"), {**FORMS, **more}
    if asked and asked not in forms:
        raise SyntaxFault(f"format={asked}: expected one of {', '.join(forms)}")
    best = request.accept_mimetypes.best_match(list(forms.values()))
    return asked or next((name for name, media_type in forms.items() if media_type == best), "json")


def json_object() -> dict[str, Any]:
    """The body of a request that is a JSON object; it is held in memory, unlike a file."""
    request.max_content_length = _MESSAGE
    try:
        body = orjson.loads(request.get_data())
    except orjson.JSONDecodeError as fault:
        raise SyntaxFault(f"The body is not JSON: {fault}") from None
    if not isinstance(body, dict):
        raise SyntaxFault("The body is not a JSON object")
    return body


def json(value: object, status: int = 200) -> Response:
    """An answer that is nobody else's: no cache keeps it."""
    body = orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)
    return Response(body, status, {"Cache-Control": "no-store"}, content_type="application/json")


def asked_languages() -> tuple[str, ...]:
    """Those of the messages, best first: `lang`, or as Accept-Language says."""
    return languages(request.headers.get("Accept-Language", ""), parameter("lang"), languages_of_messages())


def copy(
    exchange: Exchange, kind: str, sent: Sent, found: Examined, wanted: Sequence[str], *, then: str = ""
) -> Response:
    """A copy of a file, or the list of its findings, as a download: one of COPIES.

    `then` are the structures by which its report was made, where they are not those of now.
    """
    if kind == "annotated":
        body, ending = exchange.annotated(sent, found, wanted, then=then), "xlsx"
        answer = Response(body, content_type=XLSX)
    else:
        rows = found.listed(wanted) if kind == "csv" else exchange.rejected(sent, found, wanted)
        answer, ending = Response(rows, content_type="text/csv; charset=utf-8"), "csv"
        kind = "findings" if kind == "csv" else kind
    name = re.sub(r"[^A-Za-z0-9_-]+", "_", PurePath(sent.file_name).stem)[:_LONGEST].strip("_") or "file"
    answer.headers.set("Content-Disposition", "attachment", filename=f"{name}.{kind}.{ending}")
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Content-Language"] = wanted[0]
    answer.headers["X-Verdict"] = found.report.verdict
    if then:
        answer.headers["X-Structures-Then"] = then
    return answer
