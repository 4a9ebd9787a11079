"""Answers and waivers over HTTP, and a past report made again.

JSON, or the fields of the forms on the page of a report, whose token is a field: a browser sends no
Authorization.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, request

from .. import settling
from ..errors import SyntaxFault
from ..exchange import Exchange
from ..history import History
from ..report import Report
from ..rerun import rerun
from ..waivers import Answer, Waiver
from . import reports, sending
from .frame import served
from .sending import parameter
from .submissions import allowed, by

blueprint = Blueprint("settling", __name__)

_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


@blueprint.post("/submissions/<id>/answers")
def answer(id: str) -> Response:
    """The provider's reason for a finding: {"mark", "reason", "provider" (whose submission it must be)}."""
    told = _told(("mark", "reason"), ("provider",))
    made = settling.answer(served(), id, told["mark"], told["reason"], by=by(), provider=told["provider"])
    if _is_form():
        return _page(id)
    return sending.json(_answer(made), 201)


@blueprint.get("/submissions/<id>/answers")
def answers(id: str) -> Response:
    found = [one for one in _history(id).answers if one.submission == id]
    return sending.json({"answers": [_answer(one) for one in found]})


@blueprint.post("/submissions/<id>/waivers")
def waive(id: str) -> Response:
    """A compiler's waiver of a finding: {"mark", "reason", "expires" (the last day)}.

    Where nothing else blocks, what was rejected is filed again: its id is told, and its report.
    """
    told = _told(("mark", "reason", "expires"))
    made = settling.waive(served(), id, told["mark"], told["reason"], told["expires"], by=by())
    filed = [one.id for one in made.submissions]
    if _is_form():
        return _page(filed[0] if filed else id)
    report = made.report
    body = {
        "waiver": _waiver(made.waiver, served().ledger.history()),
        "submissions": filed,
        "verdict": report.verdict if report else None,
        "newer": made.newer or None,
    }
    answer = sending.json(body, 201)
    answer.headers["Location"] = f"{request.script_root}/waivers/{made.waiver.id}"
    return answer


@blueprint.get("/submissions/<id>/waivers")
def waivers_of(id: str) -> Response:
    history = _history(id)
    found = [one for one in history.waivers if one.submission == id]
    return sending.json({"waivers": [_waiver(one, history) for one in found]})


@blueprint.get("/waivers")
def waivers() -> Response:
    """The newest first: ?provider=ID, and ?inForce=true for those that hold now."""
    history, provider, held = _history(), parameter("provider"), sending.flag("inForce")
    told = [_waiver(one, history) for one in reversed(history.waivers) if provider in ("", one.provider)]
    return sending.json({"waivers": [one for one in told if one["inForce"] or not held]})


@blueprint.get("/waivers/<id>")
def waiver(id: str) -> Response:
    history = _history()
    return sending.json(_waiver(history.waiver(id), history))


@blueprint.delete("/waivers/<id>")
def revoke(id: str) -> Response:
    """Ends a waiver now; what was accepted with it stays."""
    allowed()
    return sending.json(_waiver(settling.revoke(served(), id, by=by()), served().ledger.history()))


@blueprint.post("/waivers/<id>/revoked")
def revoke_by_form(id: str) -> Response:
    """The same for a page, which can only POST."""
    _told(())
    made = settling.revoke(served(), id, by=by())
    return _page(made.submission) if _is_form() else sending.json(_waiver(made, served().ledger.history()))


@blueprint.get("/submissions/<id>/rerun")
def again(id: str) -> Response:
    """The report made again with the structures, the rules and the data of that day, and what differs."""
    allowed()
    return sending.json(rerun(served(), id).as_dict())


def settled(exchange: Exchange, submission: str) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """By the mark of a finding: the answers to it, and the waivers of it, for the page of a report."""
    history = exchange.ledger.history()
    found: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for answer in history.answers:
        if answer.submission == submission:
            entry = found.setdefault(answer.mark, {"answers": [], "waivers": []})
            entry["answers"].append(_answer(answer))
    for waiver in history.waivers:
        if waiver.submission == submission:
            entry = found.setdefault(waiver.mark, {"answers": [], "waivers": []})
            entry["waivers"].append(_waiver(waiver, history))
    return found


# --- what was sent, what is told ----------------------------------------------------------------------------


def _history(submission: str = "") -> History:
    """What the ledger says, to somebody who may read it; NotFound where the `submission` is not there."""
    allowed()
    if submission:
        served().submission(submission)
    return served().ledger.history()


def _is_form() -> bool:
    return request.mimetype in _FORMS


def _told(names: tuple[str, ...], optional: tuple[str, ...] = ()) -> Mapping[str, str]:
    """The texts of a request by name, of somebody who may write."""
    if _is_form():
        allowed(request.form.get("token"))
        body: Mapping[str, Any] = request.form
    else:
        allowed()
        body = sending.json_object() if names else {}
    told = {name: body.get(name, "") for name in (*names, *optional)}
    for name, value in told.items():
        if not isinstance(value, str):
            raise SyntaxFault(f'"{name}": expected a text')
        if name in names and name != "reason" and not value.strip():
            raise SyntaxFault(f'"{name}" is missing; expected {", ".join(names)}')
    return {name: value if name == "reason" else value.strip() for name, value in told.items()}


def _page(submission: str) -> Response:
    """The report of a submission after a form was sent."""
    return reports.given(Report.from_dict(served().report(submission)), "html", submission)


def _answer(made: Answer) -> dict[str, Any]:
    return made.as_dict() | {"stamp": made.stamp.isoformat() if made.stamp else None}


def _waiver(made: Waiver, history: History) -> dict[str, Any]:
    return {
        **{name: value for name, value in made.as_dict().items() if name not in ("keys", "cause")},
        "stamp": made.stamp.isoformat() if made.stamp else None,
        "revoked": made.revoked.isoformat() if made.revoked else None,
        "revokedBy": made.revoked_by or None,
        "inForce": made.in_force(history.now()),
    }
