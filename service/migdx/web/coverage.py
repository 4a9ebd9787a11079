"""Coverage: what is public of each dataflow, told from releases and segments; no observation is read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ..exchange import Exchange
from ..periods import parse_period
from ..public import Public
from ..release import Release
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
        return min((share.first for share in self.shares if share.first), key=start, default="")

    @property
    def last(self) -> str:
        return max((share.last for share in self.shares if share.last), key=start, default="")

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


def coverage(exchange: Exchange, dataflow: Dataflow, public: Public) -> Coverage:
    """What the public sees of `dataflow`."""
    schema = exchange.registry.schema(dataflow.reference)
    providers = {
        item.id: item for scheme in exchange.registry.of(DataProviderScheme) for item in scheme.items
    }
    shares = []
    for shown in public.submissions(dataflow.reference.short):
        if shown.segment is None:
            continue
        periods = shown.segment.codes.get(schema.key[-1], {})
        told = [period for period, count in periods.items() if count]
        shares.append(
            Share(
                provider=providers.get(shown.provider, Item(shown.provider)),
                segment=shown.segment,
                observations=sum(periods.values()),
                first=min(told, key=start, default=""),
                last=max(told, key=start, default=""),
                release=public.deciding(shown.slot),
            )
        )
    return Coverage(dataflow, tuple(sorted(shares, key=lambda share: share.provider.id)))


def start(period: str) -> tuple[int, str]:
    """Sorts periods by their first day, then by their text."""
    found = parse_period(period)
    return (found.start if found else 0, period)
