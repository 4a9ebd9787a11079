"""Receipts: what became of a submission, signed, for those who want to prove it later without this service.

What is signed are the bytes `signing_key.canonical` makes of the receipt. They say nothing of when they were
signed: a receipt that is asked for again is the same, until another key signs. docs/receipts.md tells of all
its fields, and verify_receipt.py verifies one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

from .errors import ExchangeError, NotFound
from .exchange import Exchange
from .history import History
from .signing import signature
from .signing_key import canonical
from .submission import Submission

TYPE = "migdx-receipt-1"


def receipt(exchange: Exchange, id: str) -> bytes:
    """The receipt of a submission: {"key": fingerprint, "receipt": {...}, "signature": base64}."""
    history = exchange.ledger.history()
    submission = history.submissions.get(id)
    if submission is None:
        raise NotFound(f"There is no submission {id[:64]}")
    forgotten = history.forgotten.get(id)
    if forgotten and not forgotten.report:  # which was lost before
        history.refuse_forgotten(id)
    report = forgotten.report if forgotten else report_of(exchange, submission)
    content = _content(history, submission, report)
    fingerprint, signed = signature(exchange, canonical(content))
    return canonical({"receipt": content, "signature": signed, "key": fingerprint})


def told_keys(history: History) -> dict[str, Any]:
    """The public keys, the first one first, each with its place in the ledger."""
    keys = history.keys
    return {
        "keys": [
            {
                **{name: value for name, value in key.as_dict().items() if name != "by"},
                "from": key.stamp.isoformat(timespec="microseconds") if key.stamp else None,
                "until": after.stamp.isoformat(timespec="microseconds") if after and after.stamp else None,
                "revoked": key.revoked.isoformat() if key.revoked else None,
                "ledger": {"seq": key.seq, "entry": key.entry},
            }
            for key, after in zip(keys, (*keys[1:], None), strict=False)
        ]
    }


def remaining(report: Mapping[str, Any]) -> dict[str, Any]:
    """What receipts tell of a report, for when it is there no more."""
    rules, accept = report["rules"], report["subject"].get("accept", "all")
    names = ("structures", "pack", "code")
    return {"subject": {"accept": accept}, "rules": {name: str(rules.get(name, "")) for name in names}}


def report_of(exchange: Exchange, submission: Submission) -> dict[str, Any]:
    """The report that the ledger's digest is of: nothing is signed that somebody has changed since."""
    with exchange.blobs.open(submission.report) as blob:
        content = blob.read()
    if hashlib.sha256(content).hexdigest() != submission.report:
        raise ExchangeError(f"The report of submission {submission.id} is not the one that was given then")
    found: dict[str, Any] = orjson.loads(content)
    return found


def _content(history: History, submission: Submission, report: Mapping[str, Any]) -> dict[str, Any]:
    if submission.stamp is None:
        raise AssertionError(submission.id)  # one that is in the ledger has a stamp
    subject, rules = report["subject"], report["rules"]
    seq, digest = history.filed[submission.id]
    return {
        "type": TYPE,
        "submission": submission.id,
        "received": submission.stamp.isoformat(timespec="microseconds"),
        "verdict": submission.verdict,
        "counts": dict(submission.counts),
        "provider": submission.provider,
        "agreement": submission.agreement,
        "dataflow": submission.dataflow,
        "revision": submission.revision,
        "by": submission.by,
        "sha256": submission.sha256,
        "content": submission.content,
        "format": submission.format,
        "action": submission.action,
        **({"scope": submission.scope, "region": submission.region} if submission.scope else {}),
        "accept": str(subject.get("accept", "all")),
        "embargo": submission.embargo,
        "report": submission.report,
        "structures": str(rules.get("structures", "")),
        "rules": str(rules.get("pack", "")),
        "code": str(rules.get("code", "")),
        "ledger": {"seq": seq, "entry": digest},
    }
