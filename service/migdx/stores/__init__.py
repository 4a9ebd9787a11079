"""Stores keep datasets and answer plans. Store is the protocol, memory.py its meaning, segments.py the
default.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

import pyarrow as pa

from ..plan import Availability, Plan
from ..schema import Schema


@dataclass(frozen=True)
class Segment:
    """One immutable revision of one agreement's observations of one dataflow.

    `name` is how the store finds it (a path without extension, never used twice). `observations` counts all
    rows. `series` counts those with an open observation, and `codes` the open observations per code for every
    dimension and time, with 0 where all of a code's are masked: so a plan can skip a segment, and most
    availability answers need no scan. `start`/`end` span its periods in days. `restricted` says whether
    values were masked (a second, closed file holds them). `columns` are the components that were written:
    later versions of the structure may have more.
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

    def as_dict(self) -> dict[str, Any]:
        """JSON-able; `Segment(**value)` makes it again."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


class Store(Protocol):
    """A new engine is one class with these methods, and runs tests/test_stores.py."""

    def write(self, table: pa.Table, schema: Schema, *, agreement: str, revision: int) -> Segment:
        """Keeps a revision durably, then returns; columns as `Dataset.table` gives them, rows in any order.

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

    def count(self, plan: Plan, segments: Sequence[Segment]) -> Availability:
        """What `select` would return, without masked observations, counted: codes per dimension and time,
        series, observations, days spanned. The same key under two agreements is two series.
        """
        ...

    def sweep(self, keep: Sequence[Segment], age: timedelta = timedelta(hours=1)) -> list[str]:
        """Removes what no segment of `keep` names and is older than `age`, as a crash before the ledger's
        entry leaves it; their names. What is younger may be on its way into the ledger.
        """
        ...

    def close(self) -> None:
        """Lets go of files and threads; nothing is asked of the store after it."""
        ...


# --- masking: the same in every store ----------------------------------------------------------------------
