"""Code lists, concept schemes, and hierarchies over code lists.

SDMX 3.0 Information Model, sections 4.3 (Codelist, CodelistExtension), 4.4 (ConceptScheme), 8 (Hierarchy).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import ClassVar, Self

from ..urn import Reference
from .artefact import Identifiable, Item, ItemScheme, Maintainable, Nameable, Text, no_text


@dataclass(frozen=True)
class CodelistExtension:
    """Takes the codes of another list: all, or those selected (`%` is a wildcard) in or out, with a prefix.

    `cascading` names the selected members that bring their descendants along: (member, "true"), or
    (member, "excluderoot") where only the descendants are meant.
    """

    codelist: Reference
    prefix: str = ""
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    cascading: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Codelist(ItemScheme):
    kind: ClassVar[str] = "Codelist"
    item_kind: ClassVar[str] = "Code"
    extensions: tuple[CodelistExtension, ...] = ()

    @cached_property
    def codes(self) -> frozenset[str]:
        """The ids of its codes, made once for all schemas that use the list."""
        return frozenset(self.by_id)


@dataclass(frozen=True, slots=True)
class GeoFeatureSetCode(Item):
    """A code with the coordinates of the features that it stands for."""

    value: str = ""


@dataclass(frozen=True)
class GeographicCodelist(Codelist):
    kind: ClassVar[str] = "GeographicCodelist"
    item_kind: ClassVar[str] = "GeoFeatureSetCode"


@dataclass(frozen=True, slots=True)
class GeoGridCode(Item):
    """A code for a cell of its list's grid."""

    geo_cell: str = ""


@dataclass(frozen=True)
class GeoGridCodelist(Codelist):
    kind: ClassVar[str] = "GeoGridCodelist"
    item_kind: ClassVar[str] = "GeoGridCode"
    grid_definition: str = ""


@dataclass(frozen=True)
class ValueList(ItemScheme):
    """Values that need not be identifiers (`%`, `€`), so nothing may refer to one of them."""

    kind: ClassVar[str] = "ValueList"
    item_kind: ClassVar[str] = "ValueItem"


@dataclass(frozen=True, slots=True)
class SentinelValue:
    """A value with a meaning of its own among others, such as -1 for "not known"."""

    value: str
    names: Text = field(default_factory=no_text)
    descriptions: Text = field(default_factory=no_text)


@dataclass(frozen=True)
class Representation:
    """What values a component takes: codes of `enumeration`, or text of `text_type` within `facets`.

    `facets` keep the attribute names of SDMX-ML (minLength, maxValue, pattern, isMultiLingual ...).
    """

    enumeration: Reference | None = None
    text_type: str = "String"
    facets: tuple[tuple[str, str], ...] = ()
    min_occurs: str = ""
    max_occurs: str = ""
    sentinels: tuple[SentinelValue, ...] = ()


@dataclass(frozen=True, slots=True)
class Concept(Item):
    representation: Representation | None = None
    iso_concept: tuple[str, str, str] | None = None  # agency, scheme, id


@dataclass(frozen=True)
class ConceptScheme(ItemScheme):
    kind: ClassVar[str] = "ConceptScheme"
    item_kind: ClassVar[str] = "Concept"


@dataclass(frozen=True, slots=True)
class HierarchicalCode(Identifiable):
    """A code placed in a hierarchy, above its `children`."""

    code: Reference = field(default_factory=lambda: Reference("Code", "", "", "", ""))
    children: tuple[HierarchicalCode, ...] = ()
    level: str = ""
    valid_from: str = ""
    valid_to: str = ""

    def walk(self) -> Iterator[HierarchicalCode]:
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class Level(Nameable):
    """A named depth of a hierarchy; levels nest through `child`. `coding_format` are facets of its codes."""

    child: Level | None = None
    coding_format: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Hierarchy(Maintainable):
    kind: ClassVar[str] = "Hierarchy"
    codes: tuple[HierarchicalCode, ...] = ()
    level: Level | None = None
    has_formal_levels: bool = False

    def stub(self) -> Self:
        """With the first code at the top, without what is below: the official schema demands one."""
        return replace(super().stub(), codes=tuple(replace(c, children=(), level="") for c in self.codes[:1]))

    def partitions(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """(whole, parts) for every code that has children."""
        for top in self.codes:
            for node in top.walk():
                if node.children:
                    yield node.code.item, tuple(child.code.item for child in node.children)


@dataclass(frozen=True)
class HierarchyAssociation(Maintainable):
    """Says that `hierarchy` is meant for `linked` (a dimension, say) where `context` (a dataflow) is used."""

    kind: ClassVar[str] = "HierarchyAssociation"
    hierarchy: Reference | None = None
    linked: Reference | None = None
    context: Reference | None = None
