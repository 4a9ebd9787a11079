"""Forgetting: what must be kept no longer, by law or after a time, goes; the ledger keeps that it was there.

The ledger says it first, and from then on nothing shows it. Then the files go; what a crash leaves of them
goes at the next start. Nothing takes the place of what was public but another release.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import timedelta
from typing import Any

from .errors import Conflict, ExchangeError, NotFound, SemanticFault, some
from .exchange import Exchange
from .history import MOST_NAMED, History
from .receipt import remaining, report_of
from .snapshot import FOLDER, holding_forgotten
from .stores.segments import files_of
from .submission import Submission
from .waivers import reason_given

TOGETHER = 500
"""Blobs that are dropped by one entry, and removed while nobody else writes."""


def forget(
    exchange: Exchange, ids: Sequence[str], reason: str, *, by: str, only: bool = False, dry: bool = False
) -> list[str]:
    """Removes the rows, the bytes and the reports of submissions for good; the names of the files.

    Conflict where others may hold the same rows: later revisions, which are folded onto earlier ones, the
    same bytes sent again, the same file's other dataflows; with `only` these stay. `dry` removes nothing.
    """
    if not reason.strip():
        raise SemanticFault("The reason is empty; expected a sentence that says why this must be forgotten")
    reason, history = reason_given(reason), exchange.ledger.history()
    chosen = _chosen(history, ids)
    reports = {one.id: _remaining(exchange, one) for one in chosen}
    if dry:
        _refuse_others(history, chosen, only=only)
        return _files(history, chosen)
    with exchange.ledger.writing() as book:
        chosen = _chosen(book.history, ids)
        _refuse_others(book.history, chosen, only=only)
        body = {
            "submissions": [{"id": one.id, "report": reports[one.id]} for one in chosen],
            "segments": _segments(chosen),
            "blobs": _unneeded(book.history, chosen),
            "reason": reason,
            "by": by,
        }
        book.append("forgotten", body)
    return removed(exchange)


def others(history: History, chosen: Sequence[Submission]) -> Iterator[Submission]:
    """Submissions that may hold what the chosen ones hold."""
    ids = {one.id for one in chosen} | history.forgotten.keys()
    bytes_, reports = {one.sha256 for one in chosen}, {one.report for one in chosen}
    first: dict[tuple[str, str], int] = {}
    for one in chosen:
        if one.revision:
            first[one.slot] = min(one.revision, first.get(one.slot, one.revision))
    for one in history.submissions.values():
        later = one.slot in first and one.revision > first[one.slot]
        if one.id not in ids and (later or one.sha256 in bytes_ or one.report in reports):
            yield one


def drop_bytes(exchange: Exchange, days: int, *, dry: bool = False) -> list[str]:
    """Says that what was sent more than so many `days` ago is kept no longer, all of it (0: nothing is); the
    digests. `removed` takes it away. Reports, receipts and revisions stay.

    Kept are bytes that something else needs, and those of a rejected file for which a waiver is in force:
    the next one may file it.
    """
    age = timedelta(days=min(days, 100_000))
    if not days or not (old := _old(exchange.ledger.history(), age)) or dry:
        return old if days else []
    dropped = list[str]()
    while True:
        with exchange.ledger.writing() as book:
            now = _old(book.history, age)[:TOGETHER]
            if not now:
                return dropped
            book.append("bytes_dropped", {"blobs": now, "days": days})
            dropped += now


def removed(exchange: Exchange, *, dry: bool = False) -> list[str]:
    """Removes what the ledger says is kept no longer and is still there; the names of the files."""
    history = exchange.ledger.history()
    gone = list[str]()
    if history.forgotten:
        names = {one.segment for one in history.forgotten.values() if one.segment}
        gone += exchange.store.forget(names, dry=dry)
        for release in holding_forgotten(history):
            gone += _taken(
                exchange, [kept.name for kept in exchange.blobs.depot.names(f"{FOLDER}/{release}/")], dry
            )
    if history.dropped:
        gone += _dropped(exchange, history, dry=dry)
    return gone


def _taken(exchange: Exchange, names: Sequence[str], dry: bool) -> Sequence[str]:
    for name in () if dry else names:
        exchange.blobs.depot.remove(name)
    return names


def _dropped(exchange: Exchange, history: History, *, dry: bool) -> list[str]:
    depot, gone = exchange.blobs.depot, list[str]()
    there = [kept.name for kept in depot.names() if kept.name in history.dropped]
    for at in range(0, len(there), TOGETHER):
        # who submits the same bytes again names them before this or looks for them after it (Exchange.file)
        with exchange.ledger.writing() as book:
            needed = _needed(exchange, book.history)
            gone += _taken(exchange, [one for one in there[at : at + TOGETHER] if one not in needed], dry)
    return gone


# --- what is meant ------------------------------------------------------------------------------------------


def _chosen(history: History, ids: Sequence[str]) -> list[Submission]:
    found = []
    for id in dict.fromkeys(ids):
        if id not in history.submissions:
            raise NotFound(f"There is no submission {id[:MOST_NAMED]}")
        history.refuse_forgotten(id)
        found.append(history.submissions[id])
    if not found:
        raise SemanticFault("No submission is named; expected the ids that `migdx submissions` lists")
    return found


def _refuse_others(history: History, chosen: Sequence[Submission], *, only: bool) -> None:
    found = [] if only else list(others(history, chosen))
    if found:
        told = [f"{one.id} ({one.agreement} {one.dataflow} revision {one.revision or '-'})" for one in found]
        raise Conflict(
            f"Other submissions may hold the same rows: {some(told, 20)}; name them too, or say --only if "
            "they do not hold what must go"
        )


def _remaining(exchange: Exchange, submission: Submission) -> dict[str, Any]:
    """Nothing where the report is lost already: that must not keep the rest."""
    try:
        return remaining(report_of(exchange, submission))
    except ExchangeError:
        return {}


def _segments(chosen: Sequence[Submission]) -> dict[str, str]:
    return {name: sha for one in chosen if one.segment for name, sha in files_of(one.segment).items()}


def _files(history: History, chosen: Sequence[Submission]) -> list[str]:
    return [*_segments(chosen), *_unneeded(history, chosen)]


def _unneeded(history: History, chosen: Sequence[Submission]) -> list[str]:
    """Bytes and reports of the chosen ones, without what is also another's."""
    needed = _named(history, {one.id for one in chosen})
    return sorted({digest for one in chosen for digest in (one.sha256, one.report)} - needed)


def _old(history: History, age: timedelta) -> list[str]:
    """Of the bytes that were last sent before that, those that nothing else needs."""
    now = history.now()
    last = {one.sha256: one for one in history.submissions.values() if one.id not in history.forgotten}
    waived = {one.submission for one in history.waivers if one.in_force(now)}
    waiting = {id for id in waived if id in history.submissions and history.submissions[id].revision == 0}
    kept = _others_blobs(history) | {history.submissions[id].sha256 for id in waiting}
    return [
        digest
        for digest, one in last.items()
        if one.stamp and one.stamp < now - age and not _is_dropped(history, one) and digest not in kept
    ]


def _needed(exchange: Exchange, history: History) -> set[str]:
    # somebody may send a file of rules as data: it must not go with that
    return _named(history, ()) | {exchange.book.digest, exchange.arranged.digest}


def _named(history: History, but: Collection[str]) -> set[str]:
    """The blobs that entries of the ledger name and that are still to be kept."""
    found = _others_blobs(history)
    for one in history.submissions.values():
        if one.id not in but and one.id not in history.forgotten:
            found.add(one.report)
            if not _is_dropped(history, one):
                found.add(one.sha256)
    return found


def _is_dropped(history: History, submission: Submission) -> bool:
    """Whether the bytes went after they were sent; they may have been sent again since."""
    since = history.dropped.get(submission.sha256)
    return since is not None and submission.stamp is not None and submission.stamp <= since


def _others_blobs(history: History) -> set[str]:
    """What is named by other entries than submissions."""
    found = {one.blob for change in history.structures for one in change.kept}
    found |= {change.message for change in history.structures} | {one.blob for one in history.mapped}
    found |= {one.keys for one in history.waivers} | {one.precedence for one in history.releases}
    found |= {one.archive for one in history.served}
    return found
