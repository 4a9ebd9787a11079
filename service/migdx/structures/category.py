"""Categories and what is filed under them; reporting taxonomies (SDMX 3.0 IM, sections 4.6 and 11)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..urn import Reference
from .artefact import Item, ItemScheme, Maintainable


@dataclass(frozen=True, slots=True)
class Category(Item):
    """Categories nest; an id is unique among its siblings only, so a URN names the whole path (`A.B.C`)."""

    children: tuple[Category, ...] = ()


@dataclass(frozen=True, slots=True)
class ReportingCategory(Item):
    """What a report holds: the structures, or the flows and agreements, that its data come under."""

    children: tuple[ReportingCategory, ...] = ()
    structural: tuple[Reference, ...] = ()
    provisioning: tuple[Reference, ...] = ()


@dataclass(frozen=True)
class _Nested(ItemScheme):
    def item(self, id: str) -> Item | None:
        found: Item | None = None
        items: tuple[Item, ...] = self.items
        for part in id.split("."):
            found = next((item for item in items if item.id == part), None)
            if not isinstance(found, Category | ReportingCategory):
                return None
            items = found.children
        return found


@dataclass(frozen=True)
class CategoryScheme(_Nested):
    kind: ClassVar[str] = "CategoryScheme"
    item_kind: ClassVar[str] = "Category"


@dataclass(frozen=True)
class ReportingTaxonomy(_Nested):
    kind: ClassVar[str] = "ReportingTaxonomy"
    item_kind: ClassVar[str] = "ReportingCategory"


@dataclass(frozen=True)
class Categorisation(Maintainable):
    """Files the artefact `source` under the category `target`."""

    kind: ClassVar[str] = "Categorisation"
    source: Reference | None = None
    target: Reference | None = None
