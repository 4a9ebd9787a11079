"""Disseminated: what changed in what is public, for who keeps a copy (`updatedAfter`) or wants every state
that there was (`includeHistory`): sdmx-rest v2.2.2, doc/data.md, and v1.5.0, 4.4.

Only what was shown counts: what was never public, is under embargo, or is confidential, is in no data set.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from typing import Literal

import pyarrow as pa

from .errors import Gone, NoResults
from .exchange import Exchange
from .plan import DataSet, Plan
from .public import Public
from .query import DataQuery
from .stores import Segment
from .turns import started


def updates(exchange: Exchange, query: DataQuery, public: Public, since: datetime) -> list[DataSet]:
    """What changed after `since` in what is public: the keys that went, then the observations that are new or
    say something else, as they are now; either is left out where there are none.

    What was changed and changed back is not told. An observation that only ceased to meet a condition on its
    contents is not deleted. NoResults where nothing changed.
    """
    asked = exchange.planned(query)
    instants = (min(since, public.at), public.at)
    _refuse_forgotten(replace(public, at=instants[0]), asked)
    states = [exchange.shown(asked, query, replace(public, at=at)) for at in instants]
    change = _Change(exchange, asked, *states)
    deleted, changed = started(change.batches("deleted")), started(change.batches("changed"))
    datasets = [DataSet(asked, deleted, "Delete")] if deleted else []
    datasets += [DataSet(asked, changed)] if changed else []
    if not datasets:
        raise NoResults(f"Nothing that the query asks for changed after {since.isoformat()}")
    return datasets


def _refuse_forgotten(then: Public, asked: Plan) -> None:
    """Gone where something that was shown then was forgotten after it: which keys went is not known."""
    flow = asked.schema.dataflow.reference.short
    stamps = [one.stamp for (_, name), one in then.holes.items() if name == flow and one.stamp > then.at]
    if stamps:
        raise Gone(
            f"Part of what was public at {then.at.isoformat()} was forgotten at {max(stamps).isoformat()}: "
            "take all anew, and ask for updates after that instant from then on"
        )


def timeline(
    exchange: Exchange, query: DataQuery, public: Public, since: datetime | None = None
) -> list[DataSet]:
    """What each dissemination changed, one after the other; the first one is all that it showed. Of each what
    it deleted, which was valid until then (`valid_to`), and what it gave, which is valid from then on
    (`valid_from`); either is left out where there is none.

    With `since` only disseminations after it are told. `first_n`, `last_n`, `offset` and `limit` are of the
    observations of each. NoResults where there are none. The batches are made when they are walked.
    """
    asked = exchange.planned(query)
    flow = asked.schema.dataflow.reference.short
    instants = [at for at in _instants(public, flow) if since is None or at > since]
    states = [exchange.shown(asked, query, replace(public, at=at)) for at in instants]
    first = exchange.shown(asked, query, replace(public, at=since)) if since else []
    datasets = list[DataSet]()
    for at, (before, after) in zip(instants, pairwise([first, *states]), strict=True):
        change = _Change(exchange, asked, before, after)
        if change.any("deleted"):
            datasets.append(DataSet(asked, change.batches("deleted"), "Delete", valid_to=at))
        if change.any("changed"):
            datasets.append(DataSet(asked, change.batches("changed"), valid_from=at))
    if not datasets:
        then = f" after {since.isoformat()}" if since else ""
        raise NoResults(f"Nothing that the query asks for was disseminated{then}")
    return datasets


def _instants(public: Public, dataflow: str) -> list[datetime]:
    """When what a dataflow shows may have changed until now, ascending."""
    found = set[datetime]()
    for release in public.history.releases:
        ended = release.cancelled
        if any(flow == dataflow for _, flow in release.revisions) and (
            ended is None or ended > release.public_from  # else it never began
        ):
            found |= {release.public_from} if ended is None else {release.public_from, ended}
    return sorted(at for at in found if at <= public.at)


@dataclass(frozen=True)
class _Change:
    """From what was shown `before` to what was shown `after`."""

    exchange: Exchange
    plan: Plan
    before: Sequence[Segment]
    after: Sequence[Segment]

    def batches(self, part: Literal["deleted", "changed"]) -> Iterator[pa.RecordBatch]:
        """One part of it, made when it is walked."""
        return self._batches(self.plan, part)

    def any(self, part: Literal["deleted", "changed"]) -> bool:
        """Whether there is something in a part; an engine finds one row sooner than all."""
        if {segment.name for segment in self.before} == {segment.name for segment in self.after}:
            return False
        batches = self._batches(replace(self.plan, limit=1), part)
        try:
            return next(batches, None) is not None
        finally:
            batches.close()  # type: ignore[attr-defined]

    def _batches(self, plan: Plan, part: Literal["deleted", "changed"]) -> Iterator[pa.RecordBatch]:
        found = self.exchange.store.updated(plan, self.before, self.after)
        yield from self.exchange.turns.over(getattr(found, part))
