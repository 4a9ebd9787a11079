"""Faults: what is wrong with many cells, rows or elements for one cause: all counted, some placed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice

from ..report import SAMPLE, Finding, Place


@dataclass
class Faults:
    """Those of one cause. The finding comes when all are there."""

    count: int = 0
    places: list[Place] = field(default_factory=list)

    def add(self, places: Iterable[Place], count: int = 1) -> None:
        """`count` more; of their places no more are made than are shown."""
        self.count += count
        self.places += islice(places, SAMPLE - len(self.places))

    def found(self, finding: Finding) -> Iterator[Finding]:
        """The finding with count and places, if there is any."""
        if self.count:
            yield replace(finding, count=self.count, places=tuple(self.places))
