"""Vintages: the state, or the change between two, that a query asks for, and what tells it from others.

An instant that is yet to come is not answered ahead: `asOf` is then as of now, and nothing was updated after
it, so that no embargo leaks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ..disseminated import timeline, updates
from ..errors import NoResults, NotImplementedHere
from ..exchange import Exchange
from ..formats.fragments import Column, Rows, changes_of, rows_of
from ..periods import parse_period
from ..plan import Availability, DataSet
from ..public import Public
from ..query import DataQuery
from ..schema import CONFIDENTIALITY, FREE
from .answers import MAX_AGE
from .instants import Times

KEPT = 3600
"""Seconds that an answer as of the past may be kept: no release changes it, but data may be forgotten and
structures, whose names it has, may change.
"""
SETTLED = timedelta(minutes=5)
"""How long ago an instant is of which every release is known: one takes less time from its stamp to its
entry in the ledger.
"""


@dataclass(frozen=True)
class Vintage:
    """`public` at the instant asked for, `now` at this one; `times.as_of` is None where it is yet to come."""

    public: Public
    now: Public
    times: Times

    @classmethod
    def of(cls, times: Times, now: Public, then: Public) -> Vintage:
        """`then` is `now` where no instant of the past is asked for."""
        return cls(then, now, replace(times, as_of=None) if then is now else times)

    @property
    def plain(self) -> bool:
        """Whether a state is asked for rather than what changed."""
        return self.times.since is None and not self.times.history

    def datasets(self, exchange: Exchange, query: DataQuery) -> Sequence[DataSet]:
        """What `query` gives of it; NoResults."""
        since = self.times.since
        if since and since >= self.public.at:
            raise NoResults(f"Nothing was updated after {since.isoformat()} yet")
        if self.times.history:
            if query.offset or query.limit:
                raise NotImplementedHere("includeHistory with offset or limit is not built yet")
            return timeline(exchange, query, self.public, since)
        if since:
            return updates(exchange, query, self.public, since)
        at = self.times.as_of
        return [replace(d, valid_from=at, valid_to=at) for d in exchange.data(query, self.public).datasets]

    def tag(self, dataflow: str) -> str:
        """Changes whenever the answer for a dataflow does: part of its ETag; of what is public, no more."""
        told = [self.public.tag(dataflow)]
        since = self.times.since
        if since:
            before = replace(self.public, at=min(since, self.public.at))
            told += [since.isoformat(), before.tag(dataflow)]
        if self.times.history:
            told += self._released(dataflow)
        return "|".join([*told, str(self.times.as_of)])

    def _released(self, dataflow: str) -> Iterator[str]:
        """Every release of a dataflow so far, as far as it was known then."""
        at = self.public.at
        for release in self.public.history.releases:
            if release.public_from <= at and any(flow == dataflow for _, flow in release.revisions):
                cancelled = release.cancelled if release.cancelled and release.cancelled <= at else ""
                yield f"{release.id} {release.public_from} {cancelled}"

    def availability(self, exchange: Exchange, query: DataQuery) -> Availability:
        """What `datasets` would give, counted, without observations whose value is confidential; of what
        changed that is what was added, revised or deleted (sdmx-rest v2.2.2, doc/availability.md).
        """
        if self.plain:
            return exchange.availability(query, self.public)
        try:
            return _counted(self.datasets(exchange, query))
        except NoResults:
            return Availability({}, 0, 0)

    def providers(self, dataflow: str) -> set[str]:
        """Those whose data there are, or may have changed."""
        shown = [self.public]
        if self.times.since and self.times.since < self.public.at:
            shown.append(replace(self.public, at=self.times.since))
        return {submission.provider for public in shown for submission in public.submissions(dataflow)}

    @property
    def settled(self) -> bool:
        """Whether it is of a past that no release changes any more."""
        return settled(self.times.as_of, self.now.at)

    @property
    def max_age(self) -> int:
        """Seconds that an answer may be kept."""
        return KEPT if self.settled else MAX_AGE

    @property
    def next_change(self) -> datetime | None:
        """When it may be another, as far as that is known."""
        return None if self.settled else self.now.next_change


def settled(as_of: datetime | None, now: datetime) -> bool:
    """Whether all that the ledger says of an instant is known by now."""
    return as_of is not None and now - as_of >= SETTLED


def _counted(datasets: Sequence[DataSet]) -> Availability:
    """The observations of data sets, series as often as there are keys of them."""
    codes: dict[str, Counter[str]] = {}
    series: set[int] = set()
    for dataset in datasets:
        above = [dimension.id for dimension in dataset.schema.series_dimensions]
        for rows in rows_of(dataset):
            told = np.flatnonzero(_open(rows))
            for id in dataset.schema.key:
                _count(codes.setdefault(id, Counter()), rows.columns[id], told)
            keys = [rows.columns[id] for id in above]
            starts = told[changes_of([column.codes[told] for column in keys], len(told))]
            texts = (column.values.take(pa.array(column.codes[starts])).to_pylist() for column in keys)
            series.update(map(hash, zip(*texts, strict=True)))
    time = next((d.schema.time.id for d in datasets if d.schema.time), "")
    periods = [period for text in codes.get(time, ()) if (period := parse_period(text))]
    return Availability(
        {id: dict(found) for id, found in codes.items()},
        len(series),
        next((sum(found.values()) for found in codes.values()), 0),
        min((period.start for period in periods), default=None),
        max((period.end for period in periods), default=None),
    )


def _open(rows: Rows) -> npt.NDArray[np.bool_]:
    """Which rows have a value that everyone may see; keys alone are of those that had."""
    column = rows.columns.get(CONFIDENTIALITY)
    if column is None:
        return np.ones(rows.size, bool)
    return np.array([text in (None, "", FREE) for text in column.values.to_pylist()])[column.codes]


def _count(found: Counter[str], column: Column, told: npt.NDArray[np.int64]) -> None:
    numbers = np.bincount(column.codes[told], minlength=len(column.values)).tolist()
    for text, number in zip(column.values.to_pylist(), numbers, strict=True):
        if number and text is not None:
            found[text] += number
