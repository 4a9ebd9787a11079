"""The providers' and the compilers' door: check, submit, look at reports, release.

Every call but /check needs the token of this service: reports may hold figures that are not public yet. In
demo mode without a token nobody is asked, but pages of other sites are refused.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from os import SEEK_END
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, cast
from urllib.parse import urlsplit

import orjson
from flask import Blueprint, Response, current_app, request

from ..errors import Forbidden, NotFound, SyntaxFault, Unauthorized
from ..exchange import Exchange
from ..intake import Sent
from ..public import Public
from ..release import Release
from ..submission import Submission
from ..urn import parse_short
from . import pages
from .negotiation import languages

blueprint = Blueprint("submissions", __name__)

_IN_MEMORY = 1 << 20
_PIECE = 1 << 16
_NO_TYPE = frozenset(("", "application/octet-stream", "application/x-www-form-urlencoded"))
"""What clients say of a file when they say nothing of it."""

LISTED = 100
"""Submissions in a list whose reader names no limit."""


@blueprint.post("/check")
def check() -> Response:
    """What is right and wrong with a file; it is not kept. A page for a browser, JSON for everyone else."""
    accept = _accept()
    with _sent() as sent:
        report = _exchange().check(sent, accept=accept)
    if request.accept_mimetypes.best_match(("application/json", "text/html")) == "text/html":
        return pages.render_report(report)
    return _json(report.as_dict(_languages()))


@blueprint.post("/submissions")
def submit() -> Response:
    """201 when the file is accepted, 422 when it is not; the report either way."""
    _authorize()
    accept = _accept()
    with _sent() as sent:
        submission, report = _exchange().submit(sent, by=_by(), accept=accept)
    answer = _json(report.as_dict(_languages()), 201 if submission.verdict == "accepted" else 422)
    answer.headers["Location"] = f"{request.script_root}/submissions/{submission.id}"
    return answer


@blueprint.get("/submissions")
def submissions() -> Response:
    """The newest first: ?provider=ID&dataflow=AGENCY:ID(VERSION)&limit=100."""
    _authorize()
    public = _exchange().public()
    found = islice(listed(public, _parameter("provider"), _parameter("dataflow")), _limit())
    return _json({"submissions": [_told(each, public) for each in found]})


@blueprint.get("/submissions/<id>")
def submission(id: str) -> Response:
    _authorize()
    exchange = _exchange()
    return _json(_told(exchange.submission(id), exchange.public()))


@blueprint.get("/submissions/<id>/report")
def report(id: str) -> Response:
    """The report as it was given with the submission."""
    _authorize()
    return _json(_exchange().report(id))


@blueprint.post("/releases")
def release() -> Response:
    """Makes accepted submissions public: {"submissions": [id], "publicFrom": instant, "note": text}."""
    _authorize()
    body = _object()
    ids = body.get("submissions")
    if not isinstance(ids, list) or not all(isinstance(id, str) for id in ids):
        raise SyntaxFault('"submissions": expected a list of ids')
    note = body.get("note", "")
    if not isinstance(note, str):
        raise SyntaxFault('"note": expected a text')
    made = _exchange().release(ids, by=_by(), public_from=_instant(body.get("publicFrom")), note=note)
    answer = _json(_released(made), 201)
    answer.headers["Location"] = f"{request.script_root}/releases/{made.id}"
    return answer


@blueprint.get("/releases")
def releases() -> Response:
    """Every release, the newest first."""
    _authorize()
    return _json({"releases": [_released(made) for made in reversed(_exchange().ledger.history().releases)]})


@blueprint.get("/releases/<id>")
def one_release(id: str) -> Response:
    _authorize()
    return _json(_released(_find(id)))


@blueprint.delete("/releases/<id>")
def cancel(id: str) -> Response:
    """Takes a release back; what was public before it is public again."""
    _authorize()
    _exchange().cancel(id, by=_by())
    return _json(_released(_find(id)))


def listed(public: Public, provider: str, dataflow: str) -> Iterator[Submission]:
    """Submissions, the newest first, of one provider and to one dataflow if such are named."""
    asked = parse_short(dataflow, "Dataflow") if dataflow else None
    for each in reversed(tuple(public.history.submissions.values())):
        if provider and each.provider != provider:
            continue
        if asked:
            given = parse_short(each.dataflow, "Dataflow") if each.dataflow else None
            if given is None or given.id != asked.id:
                continue
            if asked.agency not in ("*", given.agency) or asked.version not in ("~", given.version):
                continue
        yield each


def is_public(public: Public, submission: Submission) -> bool:
    """Whether its revision is the one that everyone sees."""
    return submission.revision > 0 and public.revisions.get(submission.slot) == submission.revision


# --- who ----------------------------------------------------------------------------------------------------


def _authorize() -> None:
    """Raises Unauthorized without the right token; Forbidden for a page of another site in demo mode."""
    token: str | None = current_app.extensions["migdx-token"]
    if token is None:
        origin = request.headers.get("Origin")
        if origin and urlsplit(origin).netloc != request.host:
            raise Forbidden(f"Pages of {origin} may not write here")
        return
    kind, _, given = request.headers.get("Authorization", "").partition(" ")
    # compare_digest takes the same time wherever the two differ
    same = hmac.compare_digest(given.strip().encode("utf-8", "replace"), token.encode())
    if kind.lower() != "bearer" or not same:
        raise Unauthorized("This call needs the token of the service: Authorization: Bearer <token>")


def _by() -> str:
    return "demo" if current_app.extensions["migdx-token"] is None else "token"


# --- what was sent ------------------------------------------------------------------------------------------


@contextmanager
def _sent() -> Iterator[Sent]:
    """The file of a form (its first), or the body itself; what is large lies in a file that has no name."""
    if request.mimetype == "multipart/form-data":
        upload = next(iter(request.files.values()), None)
        if upload is None:
            raise SyntaxFault("The form has no file; expected one field with a file in it")
        yield _described(cast(BinaryIO, upload.stream), upload.mimetype, upload.filename or "")
    else:
        with SpooledTemporaryFile(_IN_MEMORY) as kept:
            while piece := request.stream.read(_PIECE):
                kept.write(piece)
            yield _described(cast(BinaryIO, kept), request.mimetype, _parameter("fileName"))


def _described(file: BinaryIO, given: str, name: str) -> Sent:
    size = file.seek(0, SEEK_END)
    file.seek(0)
    # what a browser says of a .csv depends on the spreadsheet that is installed
    media_type = "text/csv" if name.lower().endswith(".csv") else "" if given in _NO_TYPE else given
    return Sent(file, size, media_type, name, _parameter("provider"), _parameter("dataflow"))


def _parameter(name: str) -> str:
    """From the URL, or a field of the form."""
    form = request.form.get(name, "") if request.mimetype == "multipart/form-data" else ""
    return (request.args.get(name, "") or form).strip()


def _accept() -> str:
    value = _parameter("accept") or "all"
    if value not in ("all", "valid"):
        raise SyntaxFault(f"accept={value}: expected all or valid")
    return value


def _limit() -> int:
    text = _parameter("limit") or str(LISTED)
    if not (text.isascii() and text.isdigit() and 0 < len(text) < 10 and int(text)):
        raise SyntaxFault(f"limit={text}: expected a number from 1 on")
    return int(text)


def _object() -> dict[str, Any]:
    try:
        body = orjson.loads(request.get_data())
    except orjson.JSONDecodeError as fault:
        raise SyntaxFault(f"The body is not JSON: {fault}") from None
    if not isinstance(body, dict):
        raise SyntaxFault('The body is not a JSON object; expected {"submissions": [...]}')
    return body


def _instant(value: object) -> datetime | None:
    if value in (None, ""):
        return None
    try:
        instant = datetime.fromisoformat(str(value))
        # what has no instant in UTC is none; what has no zone the exchange refuses
        return instant.astimezone(UTC) if instant.tzinfo else instant
    except (ValueError, OverflowError):
        raise SyntaxFault(
            f'"publicFrom": "{value}" is no instant; expected for instance 2026-12-01T09:00:00+01:00'
        ) from None


# --- what is told -------------------------------------------------------------------------------------------


def _exchange() -> Exchange:
    return cast(Exchange, current_app.extensions["migdx"])


def _languages() -> tuple[str, ...]:
    wanted = {tag.partition("-")[0].lower() for tag in request.accept_languages.values()}
    return languages(request.headers.get("Accept-Language", ""), "", wanted)


def _told(submission: Submission, public: Public) -> dict[str, Any]:
    return {
        "id": submission.id,
        "verdict": submission.verdict,
        "received": submission.stamp.isoformat() if submission.stamp else None,
        "provider": submission.provider,
        "agreement": submission.agreement,
        "dataflow": submission.dataflow,
        "action": submission.action,
        "revision": submission.revision,
        "public": is_public(public, submission),
        "counts": dict(submission.counts),
        "format": submission.format,
        "sha256": submission.sha256,
        "by": submission.by,
        "report": f"{request.script_root}/submissions/{submission.id}/report",
    }


def _find(id: str) -> Release:
    for made in _exchange().ledger.history().releases:
        if made.id == id:
            return made
    raise NotFound(f"There is no release {id}")


def _released(made: Release) -> dict[str, Any]:
    return {
        "id": made.id,
        "stamp": made.stamp.isoformat(),
        "publicFrom": made.public_from.isoformat(),
        "cancelled": made.cancelled.isoformat() if made.cancelled else None,
        "revisions": [
            {"agreement": agreement, "dataflow": flow, "revision": revision}
            for (agreement, flow), revision in made.revisions.items()
        ],
        "by": made.by,
        "note": made.note,
    }


def _json(value: object, status: int = 200) -> Response:
    body = orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)
    return Response(body, status, {"Cache-Control": "no-store"}, content_type="application/json")
