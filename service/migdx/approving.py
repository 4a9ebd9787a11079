"""Approving: the focal point of a country says that what another of its providers submitted may be released.

Who must approve what is declared beside the structures (precedence.Approving); a release of what lacks its
approval is refused. An approval may be taken back as long as nothing was released by it; the last word holds.
"""

from __future__ import annotations

from dataclasses import replace

from .errors import Conflict, Forbidden, SemanticFault
from .exchange import Exchange
from .history import History
from .precedence import Approval
from .submission import Submission

LONGEST = 2000
"""Characters of a reason."""


def approve(
    exchange: Exchange, submission: str, *, provider: str, by: str, granted: bool = True, reason: str = ""
) -> Approval:
    """Keeps the approval of a submission by the focal point, or, not `granted`, that it is taken back.

    Forbidden for another `provider` than the one that approves it; Conflict where nothing is to be approved,
    or it is said already, or released.
    """
    reason = reason.strip()
    if len(reason) > LONGEST:
        raise SemanticFault(f"The reason has {len(reason)} characters; expected at most {LONGEST}")
    found = exchange.submission(submission)
    approver = exchange.arranged.approver(found.provider, found.dataflow)
    _refuse(found, approver, provider)
    made = Approval(submission, provider, by, granted, reason)
    with exchange.ledger.writing() as book:
        last = book.history.approvals.get(submission)
        known = last is not None and last.granted and last.provider == provider
        if known == granted:
            said = "approved already" if granted else "not approved"
            raise Conflict(f"Submission {submission} is {said}")
        if not granted and _released(book.history, found):
            raise Conflict(f"Submission {submission} was released; take the release back")
        return replace(made, stamp=book.append("approval", made.as_dict()).stamp)


def _refuse(found: Submission, approver: str, provider: str) -> None:
    if found.verdict != "accepted":
        raise Conflict(f"Submission {found.id} was rejected; only accepted ones are approved")
    if not approver:
        raise Conflict(f"Submission {found.id} needs no approval: none is declared for {found.provider}")
    if provider != approver:
        told = f"Submission {found.id} of {found.provider} is approved by {approver}"
        raise Forbidden(f"{told}, not by {provider or 'nobody'}")


def _released(history: History, found: Submission) -> bool:
    return any(
        release.cancelled is None and release.revisions.get(found.slot) == found.revision
        for release in history.releases
    )
