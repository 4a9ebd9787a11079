"""The providers' and the compilers' door: check, submit, look at reports, release.

Every call but /check needs the token of this service: reports may hold figures that are not public yet. In
demo mode without a token nobody is asked, but pages of other sites are refused.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, current_app, request

from .. import signing
from ..errors import ExchangeError, Forbidden, SyntaxFault, Unauthorized
from ..holdings import changed
from ..public import Public
from ..releasing import is_to
from ..report import Report
from ..submission import Submission
from ..trial import tried
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
    """201 when the file is accepted, 422 when it is not; the report either way.

    ?dry-run=true tells what it would do (200, or 422 where it would be rejected) and keeps nothing of it.
    """
    allowed()
    accept = sending.accept()
    if sending.flag("dry-run"):
        with sending.sent() as sent:
            report = tried(served(), sent, accept=accept)
        answer = reports.given(report)
        answer.status_code = 200 if report.verdict == "accepted" else 422
        return answer
    with sending.sent() as sent:
        submissions, report = served().submit(sent, by=by(), accept=accept)
    receipts_ready()
    answer = reports.given(report, submission=submissions[0].id)
    answer.status_code = 201 if report.verdict == "accepted" else 422
    answer.headers["Location"] = f"{request.script_root}/submissions/{submissions[0].id}"
    return answer


def receipts_ready() -> None:
    """There is a key for receipts from the first submission on; what was accepted is, with and without."""
    try:
        signing.ready(served(), by="submission")
    except (ExchangeError, OSError) as fault:
        current_app.logger.warning("No key for receipts could be made: %s", fault)


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


def listed(public: Public, provider: str, dataflow: str) -> Iterator[Submission]:
    """Submissions, the newest first, of one provider and to one dataflow if such are named."""
    asked = parse_short(dataflow, "Dataflow") if dataflow else None
    for each in reversed(tuple(public.history.submissions.values())):
        if provider and each.provider != provider:
            continue
        if asked is None or is_to(each.dataflow, asked):
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
        **({"scope": submission.scope, "region": submission.region} if submission.scope else {}),
        "revision": submission.revision,
        "public": is_public(public, submission),
        "awaitsApprovalOf": public.history.awaits(submission, served().arranged) or None,
        "counts": dict(submission.counts),
        "format": submission.format,
        "sha256": submission.sha256,
        "by": submission.by,
    } | _kept(submission, public)


def _kept(submission: Submission, public: Public) -> dict[str, Any]:
    """Where the report and its forms are; or when and why the submission was forgotten."""
    forgotten = public.history.forgotten.get(submission.id)
    if forgotten:
        told = {"at": forgotten.stamp.isoformat(), "reason": forgotten.reason, "by": forgotten.by}
        return {"forgotten": told}
    report = f"{request.script_root}/submissions/{submission.id}/report"
    return {"report": report} | reports.exports(submission.id, submission.format)
