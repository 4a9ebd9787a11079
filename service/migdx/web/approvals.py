"""The approval of a submission over HTTP, by the focal point of its country."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from .. import approving
from ..errors import SyntaxFault
from ..precedence import Approval
from . import sending
from .frame import served
from .submissions import allowed, by

blueprint = Blueprint("approvals", __name__)


@blueprint.post("/submissions/<id>/approval")
def approve(id: str) -> Response:
    """{"provider": the focal point, "reason", "withdraw": true to take it back}."""
    allowed()
    body = sending.json_object()
    told = {name: body.get(name, "") for name in ("provider", "reason")}
    for name, value in told.items():
        if not isinstance(value, str):
            raise SyntaxFault(f'"{name}": expected a text')
    withdraw = body.get("withdraw", False)
    if not isinstance(withdraw, bool):
        raise SyntaxFault('"withdraw": expected true or false')
    if not told["provider"].strip():
        raise SyntaxFault('"provider" is missing; expected the id of the provider that approves')
    made = approving.approve(
        served(),
        id,
        provider=told["provider"].strip(),
        by=by(),
        granted=not withdraw,
        reason=told["reason"],
    )
    return sending.json(_told(made), 201)


@blueprint.get("/submissions/<id>/approval")
def approval(id: str) -> Response:
    """Whose approval a submission awaits, and the last that was said."""
    allowed()
    exchange = served()
    found, history = exchange.submission(id), exchange.ledger.history()
    last = history.approvals.get(id)
    return sending.json(
        {"awaits": history.awaits(found, exchange.arranged) or None, "last": _told(last) if last else None}
    )


def _told(made: Approval) -> dict[str, Any]:
    return made.as_dict() | {"stamp": made.stamp.isoformat() if made.stamp else None}
