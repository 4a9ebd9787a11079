"""Categories, and what is filed under them (SDMX 3.0 Information Model, section 4.6)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from ..urn import Reference
from .artefact import Item, ItemScheme, Maintainable


@dataclass(frozen=True)
class Category(Item):
    """Categories nest; an id is unique among its siblings only, so a URN names the whole path (`A.B.C`)."""

    children: tuple[Category, ...] = ()

    def walk(self) -> Iterator[Category]:
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True)
class CategoryScheme(ItemScheme):
    kind: ClassVar[str] = "CategoryScheme"


@dataclass(frozen=True)
class Categorisation(Maintainable):
    """Files the artefact `source` under the category `target`."""

    kind: ClassVar[str] = "Categorisation"
    source: Reference | None = None
    target: Reference | None = None
