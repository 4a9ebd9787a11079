"""Trial: what a submission would do to the provider's last revision, told to its owner; nothing is kept.

The lines that file it tell it: as rejected as it would be, but that the number of observations that go need
not be known yet (the report tells it), and that what is for information only is merged.
"""

from __future__ import annotations

from .exchange import Exchange, refuse_nobody
from .filing import filed
from .report import Report
from .sent import Sent


def tried(exchange: Exchange, sent: Sent, *, accept: str = "all") -> Report:
    """The report that a submission would get now; SemanticFault without a provider."""
    refuse_nobody(sent)
    found = exchange.examined(sent, accept=accept, owner=True)
    history = exchange.ledger.history_at(found.report.rules["ledger"])
    with exchange.turns.of_size(sent.size):
        _, report = filed(found, history, exchange.store, "", preview=True)
    return report
