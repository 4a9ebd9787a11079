"""The providers' and the compilers' door: check, submit, look at reports, release.

Every call but /check needs the token of this service: reports may hold figures that are not public yet. In
demo mode without a token nobody is asked, but pages of other sites are refused.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, current_app, request

from ..errors import Forbidden, SyntaxFault, Unauthorized
from ..holdings import changed
from ..public import Public
from ..release import Release
from ..report import Report
from ..submission import Submission
from ..urn import parse_short
from . import following, reports, sending
from .frame import served
from .sending import asked_languages, parameter

blueprint = Blueprint("submissions", __name__)

LISTED = 100
"""Submissions in a list whose reader names no limit."""


@blueprint.post("/check")
def check() -> Response:
    """What is right and wrong with a file; it is not kept.

    A page for a browser, JSON for everyone else; ?format= or Accept give another of sending.FORMS, and
    application/x-ndjson the findings as they are made.
    """
    accept, form, exchange = sending.accept(), sending.form(sending.FOLLOWED), served()
    if form in sending.FOLLOWED:
        return following.followed(exchange, accept)
    with sending.sent() as sent:
        if form in sending.COPIES:
            found = exchange.examined(sent, accept=accept)
            return sending.copy(exchange, form, sent, found, asked_languages())
        report = exchange.check(sent, accept=accept)
    return reports.given(report, form)


@blueprint.post("/submissions")
def submit() -> Response:
    """201 when the file is accepted, 422 when it is not; the report either way."""
    allowed()
    accept = sending.accept()
    with sending.sent() as sent:
        submissions, report = served().submit(sent, by=by(), accept=accept)
    answer = reports.given(report, submission=submissions[0].id)
    answer.status_code = 201 if report.verdict == "accepted" else 422
    answer.headers["Location"] = f"{request.script_root}/submissions/{submissions[0].id}"
    return answer


@blueprint.get("/submissions")
def submissions() -> Response:
    """The newest first: ?provider=ID&dataflow=AGENCY:ID(VERSION)&limit=100."""
    allowed()
    public = served().public()
    found = islice(listed(public, parameter("provider"), parameter("dataflow")), _limit())
    return sending.json({"submissions": [_told(each, public) for each in found]})


@blueprint.get("/submissions/<id>")
def submission(id: str) -> Response:
    allowed()
    exchange = served()
    return sending.json(_told(exchange.submission(id), exchange.public()))


@blueprint.get("/submissions/<id>/report")
def report(id: str) -> Response:
    """The report as it was given with the submission; its forms are those of /check."""
    allowed()
    form = sending.form()
    if form in sending.COPIES:
        return copy(id, form)
    return reports.given(Report.from_dict(served().report(id)), form, id)


@blueprint.get("/submissions/<id>/validat")
def validat(id: str) -> Response:
    """The report as ValidatReport of the European Statistical System."""
    allowed()
    return reports.given(Report.from_dict(served().report(id)), "validat", id)


@blueprint.get("/submissions/<id>/changes.csv")
def changes(id: str) -> Response:
    """All that the submission added and changed, the biggest revisions first."""
    allowed()
    rows = changed(served(), id).csv()
    headers = {"Content-Disposition": f'attachment; filename="changes-{id}.csv"'}
    return Response(rows, headers=headers, content_type="text/csv; charset=utf-8")


@blueprint.get("/submissions/<id>/findings.csv", defaults={"form": "csv"})
@blueprint.get("/submissions/<id>/<any(annotated, rejected):form>")
def copy(id: str, form: str) -> Response:
    """The workbook as it was sent with its faults marked, the rejected rows with why they are, or a list
    of all findings."""
    allowed()
    exchange = served()
    then = str(exchange.report(id)["rules"]["structures"])
    with exchange.again(id) as (sent, found):
        differs = then != found.report.rules["structures"]
        return sending.copy(exchange, form, sent, found, asked_languages(), then=then if differs else "")


@blueprint.post("/releases")
def release() -> Response:
    """Makes accepted submissions public: {"submissions": [id], "publicFrom": instant, "note": text}."""
    allowed()
    body = sending.json_object()
    ids = body.get("submissions")
    if not isinstance(ids, list) or not all(isinstance(id, str) for id in ids):
        raise SyntaxFault('"submissions": expected a list of ids')
    note = body.get("note", "")
    if not isinstance(note, str):
        raise SyntaxFault('"note": expected a text')
    made = served().release(ids, by=by(), public_from=_instant(body.get("publicFrom")), note=note)
    answer = sending.json(_released(made), 201)
    answer.headers["Location"] = f"{request.script_root}/releases/{made.id}"
    return answer


@blueprint.get("/releases")
def releases() -> Response:
    """Every release, the newest first."""
    allowed()
    made = reversed(served().ledger.history().releases)
    return sending.json({"releases": [_released(one) for one in made]})


@blueprint.get("/releases/<id>")
def one_release(id: str) -> Response:
    allowed()
    return sending.json(_released(served().ledger.history().release(id)))


@blueprint.delete("/releases/<id>")
def cancel(id: str) -> Response:
    """Takes a release back; what was public before it is public again."""
    allowed()
    served().cancel(id, by=by())
    return sending.json(_released(served().ledger.history().release(id)))


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


def allowed(of_form: str | None = None) -> None:
    """Raises Unauthorized without the right token; Forbidden for a page of another site in demo mode.

    `of_form` is the token that a page of ours has in a field.
    """
    token: str | None = current_app.extensions["migdx-token"]
    if token is None:
        origin = request.headers.get("Origin")
        if origin and urlsplit(origin).netloc != request.host:
            raise Forbidden(f"Pages of {origin} may not write here")
        return
    kind, _, given = request.headers.get("Authorization", "").partition(" ")
    if of_form:
        kind, given = "bearer", of_form
    # compare_digest takes the same time wherever the two differ
    same = hmac.compare_digest(given.strip().encode("utf-8", "replace"), token.encode())
    if kind.lower() != "bearer" or not same:
        raise Unauthorized("This call needs the token of the service: Authorization: Bearer <token>")


def by() -> str:
    return "demo" if current_app.extensions["migdx-token"] is None else "token"


# --- what was sent ------------------------------------------------------------------------------------------


def _limit() -> int:
    text = parameter("limit") or str(LISTED)
    if not (text.isascii() and text.isdigit() and 0 < len(text) < 10 and int(text)):
        raise SyntaxFault(f"limit={text}: expected a number from 1 on")
    return int(text)


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
    } | reports.exports(submission.id, submission.format)


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
