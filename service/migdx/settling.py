"""Settling: a provider answers a finding, a compiler waives it, and what waited for that is filed.

Nothing is taken in silence: a waiver says which finding, of which observations, why and until when; waiving
the last finding that blocks files the kept bytes again, as a submission of its own, checked as any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

from .errors import Conflict, Forbidden, NotFound
from .examined import Examined
from .exchange import Exchange
from .history import History
from .ledger import Book
from .report import Report
from .submission import Submission
from .waivers import Answer, Waiver, last_day, reason_given
from .waiving import cause, content, keys_of


@dataclass(frozen=True)
class Granting:
    """A waiver as it was written, and what was filed by it: the submissions and their report, if any.

    `newer` is the submission that came since, because of which the waived one was not filed.
    """

    waiver: Waiver
    submissions: tuple[Submission, ...] = ()
    report: Report | None = None
    newer: str = ""


def answer(
    exchange: Exchange, submission: str, mark: str, reason: str, *, by: str, provider: str = ""
) -> Answer:
    """Keeps what a provider says of a finding; Forbidden where the submission is another `provider`'s."""
    found = exchange.submission(submission)
    if provider and provider != found.provider:
        raise Forbidden(f"Submission {submission} is not one of {provider}, who may not answer for others")
    group = _group(exchange, submission, mark)
    made = Answer(submission, mark, group["code"], group.get("rule", ""), reason_given(reason), by)
    with exchange.ledger.writing() as book:
        return replace(made, stamp=book.append("answer", made.as_dict()).stamp)


def waive(exchange: Exchange, submission: str, mark: str, reason: str, expires: str, *, by: str) -> Granting:
    """Waives a finding of a submission for its agreement and dataflow, its observations, and until a day.

    A rejected submission of which nothing else blocks is filed again, unless a newer one is there.
    """
    group = _group(exchange, submission, mark)
    reason, today = reason_given(reason), exchange.ledger.history().now().date()
    expires = last_day(expires, today)
    if group["severity"] == "information":
        raise Conflict(f"{group['code']} is for information only; it holds nothing up")
    with exchange.again(submission) as (sent, found):
        waiver = _waiver(exchange, submission, group, found)
        waiver = replace(waiver, reason=reason, expires=expires, by=by)

        def write(book: Book) -> None:
            _refuse_twice(book.history, waiver)
            book.append("waiver", waiver.as_dict())

        while True:
            history = exchange.ledger.history()
            newer = _newer(history, submission)
            if _is_last(exchange, history, waiver) and not newer:
                sent.file.seek(0)
                accept = str(found.report.subject["accept"])
                submissions, report = exchange.file(
                    sent, by=by, accept=accept, waiver=waiver, before=write, resubmits=submission
                )
                return Granting(exchange.ledger.history().waiver(waiver.id), submissions, report)
            with exchange.ledger.writing() as book:
                # somebody may have waived the last but one at this very moment
                if newer or not _is_last(exchange, book.history, waiver):
                    write(book)
                    break
    history = exchange.ledger.history()
    rejected = history.submissions[submission].verdict == "rejected"
    return Granting(history.waiver(waiver.id), newer=newer if rejected else "")


def revoke(exchange: Exchange, waiver: str, *, by: str) -> Waiver:
    """Ends a waiver before its day. What was accepted with it stays, as all revisions do."""
    with exchange.ledger.writing() as book:
        found = book.history.waiver(waiver)
        if found.revoked:
            raise Conflict(f"Waiver {waiver} was revoked at {found.revoked.isoformat()} already")
        if not found.in_force(book.history.now()):
            raise Conflict(f"Waiver {waiver} ended on {found.expires}")
        book.append("waiver_revoked", {"id": waiver, "by": by})
    return exchange.ledger.history().waiver(waiver)


def _group(exchange: Exchange, submission: str, mark: str) -> Mapping[str, Any]:
    """A finding of a report by its mark; Conflict where nobody may answer or waive it."""
    groups: list[dict[str, Any]] = exchange.report(submission)["groups"]
    # of one that is waived for some rows, the part that is not
    found = sorted((group for group in groups if group["mark"] == mark), key=lambda group: "waived" in group)
    if not found:
        raise NotFound(f"The report of submission {submission} has no finding '{mark[:64]}'")
    if found[0]["final"]:
        raise Conflict(
            f"{found[0]['code']} is final: a file with it cannot be taken, whatever is said of it. "
            f"{found[0]['message']}"
        )
    return found[0]


def _waiver(exchange: Exchange, submission: str, group: Mapping[str, Any], found: Examined) -> Waiver:
    """For the observations that the finding touches in what was sent then."""
    mark, code = group["mark"], group["code"]
    own = [one for one in found.faults if one.finding.mark == mark]
    flow = group.get("dataflow", "")
    share = next((one for one in found.shares if flow in ("", one.dataflow)), None)
    if not own or share is None:
        raise Conflict(f"By the checks of now {code} is not found; submit the file again")
    if share.agreement is None:
        raise Conflict(f"The provider has no agreement for {share.dataflow}; a waiver is for one")
    local = [replace(one, records=share.own(one.records)) for one in own]
    return Waiver(
        id=uuid4().hex,
        submission=submission,
        provider=exchange.submission(submission).provider,
        agreement=share.agreement.id,
        dataflow=share.dataflow,
        mark=mark,
        cause=cause(own[0].finding),
        code=code,
        rule=group.get("rule", ""),
        reason="",
        expires="",
        by="",
        keys=exchange.blobs.put(content(keys_of(one, share.dataset) for one in local)),
        count=sum(one.finding.count for one in own),
    )


def _refuse_twice(history: History, waiver: Waiver) -> None:
    ids = {one.id for one in history.together(waiver.submission)}
    for other in history.waived(waiver.provider, history.now()):
        if other.submission in ids and other.mark == waiver.mark:
            raise Conflict(
                f"{waiver.code} of this submission is waived already, by {other.by} until {other.expires}; "
                f"revoke {other.id} first"
            )


def _is_last(exchange: Exchange, history: History, waiver: Waiver) -> bool:
    """Whether nothing blocks a rejected submission any more once the waiver is there."""
    report = exchange.report(waiver.submission)
    ids = {one.id for one in history.together(waiver.submission)}
    known = {one.mark for one in history.waived(waiver.provider, history.now()) if one.submission in ids}
    blocking = {group["mark"] for group in report["groups"] if group["blocking"]}
    return report["verdict"] == "rejected" and waiver.mark in blocking and blocking <= {*known, waiver.mark}


def _newer(history: History, submission: str) -> str:
    """The last submission to the same agreement and dataflow that came after this one, "" without one."""
    own = history.together(submission)
    slots, ids = {one.slot for one in own}, {one.id for one in own}
    last = next((one for one in reversed([*history.submissions.values()]) if one.slot in slots), None)
    return last.id if last and last.id not in ids else ""
