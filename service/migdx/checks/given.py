"""What a rule is given beside the file, and what it may yield beside faults."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from ..columns import Flags, Indices
from ..dataset import Dataset
from ..rules import Rule, RuleBook
from .cells import Cells
from .fault import Fault

Need = Literal["previous", "published", "related", "partners", "beside", "control"]
"""previous: what the provider's last revision of the dataflow holds. published: what of it is released.
related: its other dataflows (rule value `dataflow`). partners: what others say of the same (rule values
`dataflow`, `swap` ...). beside: what other providers report of the very same. control: a table to compare
with (rule value `table`)."""

NEEDS: tuple[Need, ...] = ("previous", "published", "related", "partners", "beside", "control")


@dataclass(frozen=True)
class Others:
    """Figures of others, open ones only. `origins[of[i]]` says whose row i is: the provider, the release and
    the instant since which it is public; or the source of a table and its licence.
    """

    dataset: Dataset
    origins: Sequence[Mapping[str, str]]
    of: Indices


@dataclass(frozen=True)
class Given:
    """What the exchange fetched for the rules that need it; by the id of the rule where it differs by rule.

    `previous`, `published` and `related` are the provider's own, open figures, `partners` those that others
    have released, `beside` those of the file's own keys, `unavailable` says why something is not there
    ("previous", or the id of a rule, to the reason).
    """

    previous: Dataset | None = None
    published: Dataset | None = None
    related: Mapping[str, Dataset] = field(default_factory=dict)
    partners: Mapping[str, Others] = field(default_factory=dict)
    beside: Others | None = None
    controls: Mapping[str, Others] = field(default_factory=dict)
    unavailable: Mapping[str, str] = field(default_factory=dict)
    today: date = field(default_factory=date.today)
    provider: str = ""

    @classmethod
    def nothing(cls, reason: str) -> Given:
        """Where there is nothing to compare with."""
        return cls(unavailable=dict.fromkeys(NEEDS, reason))


Supply = Callable[[Dataset, str, RuleBook], Given]
"""Fetches for a file's dataset and its provider what the rules of a book need."""


def supply_nothing(dataset: Dataset, provider: str, book: RuleBook) -> Given:
    """For a file that is looked at where nothing is stored."""
    return Given.nothing("nothing_stored")


@dataclass(frozen=True)
class NotChecked:
    """A rule, or a part of it, could not run; `reason` is a key of messages/rules (not_checked.<reason>)."""

    reason: str
    count: int = 0

    @classmethod
    def of(cls, reason: str, which: Flags) -> Iterator[NotChecked]:
        """One with how many are flagged, none where there are none."""
        if which.any():
            yield cls(reason, int(which.sum()))


@dataclass(frozen=True)
class Note:
    """An entry of a section of the report (report.SECTIONS)."""

    section: str
    entry: Mapping[str, Any]


Yielded = Fault | NotChecked | Note
RuleCheck = Callable[[Cells, Rule, Given], Iterator[Yielded]]
