"""Receipts over HTTP, the keys that they are signed with, and the script that verifies them elsewhere."""

from __future__ import annotations

from importlib.resources import files

import orjson
from flask import Blueprint, Response

from ..receipt import receipt, told_keys
from .frame import served
from .submissions import allowed

blueprint = Blueprint("receipts", __name__)

_OPEN = {"Access-Control-Allow-Origin": "*", "Cache-Control": "public, max-age=300"}
"""For what anybody may read anywhere."""


@blueprint.get("/submissions/<id>/receipt")
def given(id: str) -> Response:
    """The signed receipt of a submission; asked again, the same bytes."""
    allowed()
    headers = {"Cache-Control": "no-store"}
    answer = Response(receipt(served(), id), headers=headers, content_type="application/json")
    answer.headers.set("Content-Disposition", "attachment", filename=f"receipt-{id}.json")
    return answer


@blueprint.get("/keys")
def keys() -> Response:
    """The public keys, those of the past too: who replaced which, and when."""
    body = orjson.dumps(told_keys(served().ledger.history()), option=orjson.OPT_APPEND_NEWLINE)
    return Response(body, headers=_OPEN, content_type="application/json")


@blueprint.get("/verify_receipt.py")
def script() -> Response:
    """One file that needs Python 3.11 and the library cryptography."""
    body = files("migdx").joinpath("verify_receipt.py").read_bytes()
    return Response(body, headers=_OPEN, content_type="text/x-python; charset=utf-8")
