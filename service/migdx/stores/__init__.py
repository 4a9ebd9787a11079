"""Stores keep datasets and answer plans. Store is the protocol, memory.py its meaning, segments.py the
default.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

import pyarrow as pa

from ..plan import Availability, Plan
from ..precedence import Decided
from ..schema import Schema

ORPHANED = timedelta(days=1)
"""Age from which a file that the ledger does not name is nobody's. A submission takes minutes from its file
to its entry, and is made anew when that was half of this: so a slow upload, a machine that slept, or clocks
that differ by hours lose nothing.
"""


OTHER = "_other_"
"""Before the names of columns of the second of two sides."""


@dataclass(frozen=True)
class Segment:
    """One immutable revision of one agreement's observations of one dataflow.

    `name` is how the store finds it (a path without extension, never used twice). `observations` counts all
    rows. `series` counts those with an open observation, and `codes` the open observations per code for every
    dimension and time, with 0 where all of a code's are masked: so a plan can skip a segment, and most
    availability answers need no scan. `start`/`end` span its periods in days. `restricted` says whether
    values were masked (a second, closed file holds them). `columns` are the components that were written:
    later versions of the structure may have more. `of` names the segment that a derived one lacks rows of
    (`Store.without`); it is empty for a revision. `since` is the oldest revision of which a segment tells
    what changed from there to here, None where it tells nothing; `deleted` counts the keys that it remembers
    of earlier revisions. `digests` are the sha256 of its files by their names in the depot, `size` their
    bytes.
    """

    name: str
    dataflow: str
    agreement: str
    revision: int
    observations: int
    series: int
    codes: dict[str, dict[str, int]] = field(default_factory=dict, repr=False)
    start: int | None = None
    end: int | None = None
    restricted: bool = False
    columns: list[str] = field(default_factory=list, repr=False)
    of: str = ""
    since: int | None = None
    deleted: int = 0
    digests: dict[str, str] = field(default_factory=dict, repr=False)
    size: int = 0

    def as_dict(self) -> dict[str, Any]:
        """JSON-able; `Segment(**value)` makes it again."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True)
class Taken:
    """What another segment takes of one: the keys that both hold, masked or not, where `where` says so: the
    first of its parts whose codes (by dimension) a key has decides. With `closed` only the keys that are
    masked there.
    """

    by: Segment
    where: Decided
    closed: bool = False


@dataclass(frozen=True)
class Updated:
    """What is shown otherwise at a second instant than at a first.

    `deleted` has the columns of `schema.key`, in order of series key and period, each key once. `changed` has
    `plan.columns`, in the order of `Store.select`. Both are made while they are walked; whoever stops early
    closes them.
    """

    deleted: Iterator[pa.RecordBatch]
    changed: Iterator[pa.RecordBatch]


class Store(Protocol):
    """A new engine is one class with these methods, and runs tests/test_stores.py."""

    def write(
        self,
        table: pa.Table,
        schema: Schema,
        *,
        agreement: str,
        revision: int,
        previous: Segment | None = None,
    ) -> Segment:
        """Keeps a revision durably, then returns; columns as `Dataset.table` gives them, rows in any order.
        `previous` is the revision of the agreement before it: what changed since is kept beside it.

        Nothing becomes visible by it. Of rows whose CONF_STATUS is neither empty nor F, the columns of
        `schema.masked` are moved to the restricted part: in what `select` reads they are null, with
        OBS_STATUS Q and CONF_STATUS kept.
        """
        ...

    def read(self, segment: Segment) -> pa.Table:
        """A revision as it was written, restricted values in place: to fold the next submission onto. Never
        served.
        """
        ...

    def select(self, plan: Plan, segments: Sequence[Segment]) -> Iterator[pa.RecordBatch]:
        """Record batches with `plan.columns`, open values only, in order of agreement, series key, period.

        At most one segment per agreement; their order does not matter. A fault of the plan is raised here,
        not while walking; whoever stops walking early closes the iterator.
        """
        ...

    def updated(self, plan: Plan, before: Sequence[Segment], after: Sequence[Segment]) -> Updated:
        """What changed between two instants, of which `before` and `after` are what was shown then.

        An observation is one key, whoever reports it. It is deleted when `plan` asked for it in `before`, and
        no segment of `after` has its key. It is changed when `plan` asks for it in `after`, and none of its
        key in `before` has the same open contents: all measures as they were written, and all attributes,
        those too that the plan leaves out. What only stopped to meet a condition is neither. `first_n`,
        `last_n`, `offset` and `limit` are of what changed (sdmx-rest 1.5, 4.4); of what is deleted all is
        told.
        """
        ...

    def paired(
        self, one: Plan, other: Plan, on: Mapping[str, str], segments: Sequence[Segment]
    ) -> Iterator[pa.RecordBatch]:
        """The figures of `one` with those of `other` that speak of the same: whose components `on[id]` have
        the codes of its `id`. Both plans are of one schema, with keys, measures and attributes only.

        Only what is there for everyone: neither masked nor missing. Columns: those of `one`, then those of
        `other` after `OTHER`. In order of both keys as texts, that of `one` first.
        """
        ...

    def count(self, plan: Plan, segments: Sequence[Segment]) -> Availability:
        """What `select` would return, without masked observations, counted: codes per dimension and time,
        series, observations, days spanned. The same key under two agreements is two series.
        """
        ...

    def without(self, segment: Segment, taken: Sequence[Taken], schema: Schema) -> Segment:
        """A segment without the keys that others take of it: to select and to count, never to `read`.

        Made when it is asked for first, the same at every time, and made again after it was swept; the
        segment itself where nothing is taken.
        """
        ...

    def sweep(
        self, keep: Callable[[], Iterable[Segment]], age: timedelta = ORPHANED, *, dry: bool = False
    ) -> list[str]:
        """Removes what no segment of `keep` names and is older than `age`, as a crash before the ledger's
        entry leaves it; their names. What is younger may be on its way into the ledger. `keep` is called
        after the files were listed: what came into the ledger before that is kept, however old. With `dry`
        nothing is removed.
        """
        ...

    def forget(self, names: Collection[str], *, dry: bool = False) -> list[str]:
        """Removes segments for good, and all that was made of them, however young; the names of what was
        there. Whoever reads them at this moment may be told that they cannot be read. With `dry` nothing is
        removed.
        """
        ...

    def close(self) -> None:
        """Lets go of files and threads; nothing is asked of the store after it."""
        ...
