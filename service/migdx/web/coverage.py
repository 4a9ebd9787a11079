"""Coverage: what is public of each dataflow, told from releases and segments; no observation is read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from ..exchange import Exchange
from ..periods import parse_period
from ..release import Release, effective
from ..stores import Segment
from ..structures import Dataflow, DataProviderScheme, Item


@dataclass(frozen=True)
class Share:
    """What one provider's agreement shows of a dataflow. Masked observations are not counted."""

    provider: Item
    segment: Segment
    observations: int
    first: str
    last: str
    release: Release | None


@dataclass(frozen=True)
class Coverage:
    """A dataflow and the shares that are public, in order of their providers' ids."""

    dataflow: Dataflow
    shares: tuple[Share, ...]

    @property
    def observations(self) -> int:
        return sum(share.observations for share in self.shares)

    @property
    def first(self) -> str:
        return min((share.first for share in self.shares if share.first), key=_start, default="")

    @property
    def last(self) -> str:
        return max((share.last for share in self.shares if share.last), key=_start, default="")

    @property
    def released(self) -> datetime | None:
        return max((share.release.public_from for share in self.shares if share.release), default=None)

    def codes(self, dimension: str) -> dict[str, int]:
        """How many public observations have each code of a dimension; those without any are left out."""
        found: dict[str, int] = {}
        for share in self.shares:
            for code, count in share.segment.codes.get(dimension, {}).items():
                if count:
                    found[code] = found.get(code, 0) + count
        return found


def coverage(exchange: Exchange, dataflow: Dataflow, at: datetime) -> Coverage:
    """What the public sees of `dataflow` at an instant."""
    history = exchange.ledger.history()
    shown = effective(history.releases, at)
    schema, flow = exchange.registry.schema(dataflow.reference), dataflow.reference.short
    providers = {
        item.id: item for scheme in exchange.registry.of(DataProviderScheme) for item in scheme.items
    }
    shares = []
    for segment in exchange.segments(schema, at):
        slot = (segment.agreement, flow)
        provider = history.revision(*slot, shown[slot]).provider
        periods = [period for period, count in segment.codes.get(schema.key[-1], {}).items() if count]
        shares.append(
            Share(
                provider=providers.get(provider, Item(provider)),
                segment=segment,
                observations=sum(segment.codes.get(schema.key[-1], {}).values()),
                first=min(periods, key=_start, default=""),
                last=max(periods, key=_start, default=""),
                release=_deciding(history.releases, slot, at),
            )
        )
    return Coverage(dataflow, tuple(sorted(shares, key=lambda share: share.provider.id)))


def _deciding(releases: Iterable[Release], slot: tuple[str, str], at: datetime) -> Release | None:
    """The release that decides what a slot shows: the last of those in force that name it."""
    naming = (release for release in releases if slot in release.revisions and release.in_force(at))
    return max(naming, key=lambda release: (release.public_from, release.stamp), default=None)


def _start(period: str) -> tuple[int, str]:
    found = parse_period(period)
    return (found.start if found else 0, period)
