"""What a structure has inside, as its page shows it: notes, components, trees, rows of maps, limits.

Everything is told in the reader's words: a code with its name, a reference with the page that it leads to.
What annotations are called, and which lists their codes are of, stands in pages.toml beside the structures.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from flask import request

from ..errors import ExchangeError
from ..registry import Registry
from ..structures import (
    Annotation,
    Attribute,
    Categorisation,
    Codelist,
    Component,
    Concept,
    Constraint,
    Dataflow,
    DataProviderScheme,
    DataStructure,
    Dimension,
    HierarchicalCode,
    Hierarchy,
    Item,
    ItemScheme,
    Maintainable,
    MetadataAttribute,
    MetadataStructure,
    ProvisionAgreement,
    Region,
    Representation,
    RepresentationMap,
    StructureMap,
)
from ..structures.mapping import ItemSchemeMap, Mapping
from ..urn import Reference, parse_short
from .frame import said
from .wording import Words

ROWS = 100
"""Rows of a table on one page."""

NODES = 500
"""Codes of a hierarchy on one page: a tree is read as a whole, and its rows are short."""

VALUES = 30
"""Values of one component of a constraint that are written out."""


@dataclass(frozen=True)
class Pages:
    """Which rows are shown of how many."""

    total: int
    start: int = 0
    rows: int = ROWS

    @classmethod
    def of(cls, total: int, rows: int = ROWS) -> Pages:
        return cls(total, asked_offset(), rows)

    @property
    def end(self) -> int:
        return min(self.start + self.rows, self.total)

    @property
    def before(self) -> int | None:
        return max(self.start - self.rows, 0) if self.start else None

    @property
    def after(self) -> int | None:
        return self.end if self.end < self.total else None


def asked_offset() -> int:
    given = request.args.get("offset", "")
    return int(given[:9]) if given.isascii() and given.isdigit() else 0


@dataclass(frozen=True)
class Inside:
    """Tells what is in one artefact, in the words of one reader."""

    artefact: Maintainable
    known: Registry
    words: Words

    # --- references and notes -----------------------------------------------------------------------------

    def facts(self) -> list[tuple[str, list[Told]]]:
        """What the artefact names by fields of its own: who provides, which flow, filed where."""
        found: list[tuple[str, list[Told]]] = []
        labels = _FILED if isinstance(self.artefact, Categorisation) else {}
        for field in _FACTS:
            given = getattr(self.artefact, field, None)
            if isinstance(given, Reference):
                found.append((self.words(f"fact_{labels.get(field, field)}"), [self.told(given)]))
        if isinstance(self.artefact, RepresentationMap):
            found.append((self.words("fact_source"), self._sides(self.artefact.sources)))
            found.append((self.words("fact_target"), self._sides(self.artefact.targets)))
        if isinstance(self.artefact, Constraint):
            found.append((self.words("fact_role"), [Told(self.words(f"role_{self.artefact.role}"))]))
        found += [
            (self.words("fact_group", id=group.id), [Told(id) for id in group.dimensions])
            for group in getattr(self.artefact, "groups", ())
        ]
        targets = getattr(self.artefact, "targets", ())
        if targets and all(isinstance(target, str) and target.startswith("urn:") for target in targets):
            shown = [Told(target.rpartition(".")[2].replace("=", " ", 1)) for target in targets]
            found.append((self.words("fact_targets"), shown))
        return found

    def told(self, reference: Reference) -> Told:
        """A reference by the name of what it leads to, and its page."""
        found = self.known.find(reference)
        if found is None:
            return Told(reference.short)
        item = self._item(found, reference.item)
        if reference.item:
            return Told(self.words.name(item) if item else reference.item, found, reference.item)
        return Told(self.words.name(found), found)

    def notes(self, annotations: Iterable[Annotation], item: Item | None = None) -> list[Note]:
        """Annotations in the order of pages.toml: what they are called, the names of the codes they hold."""
        found = []
        order = list(said().get("notes", {}))
        for note in sorted(annotations, key=lambda note: _place(order, note.type or note.id)):
            about = said().get("notes", {}).get(note.type or note.id, {})
            label = self.words.text(about.get("name", {})) or note.type or note.id or self.words("note")
            texts = dict.fromkeys((note.title, note.value, self.words.text(note.texts)))
            values = tuple(self._value(text, about) for text in texts if text)
            found.append(Note(label, values, tuple(note.urls.values())))
        if isinstance(item, Concept) and item.representation:
            found.append(Note(self.words("values"), (self._values(item.representation).text,)))
        return found

    def _value(self, text: str, about: dict[str, Any]) -> str:
        if text in about.get("words", {}):
            return self.words.text(about["words"][text])
        if text == "true":
            return ""  # the label says it
        scheme = self.known.find(parse_short(about["codes"], "Codelist")) if "codes" in about else None
        if scheme is None:
            return text
        named = ((code, self._item(scheme, code)) for code in text.split())
        return " · ".join(self.words.name(item) if item else code for code, item in named)

    # --- components ---------------------------------------------------------------------------------------

    def components(self) -> list[Row]:
        """The components of a structure: what each is for, its concept, its values."""
        if isinstance(self.artefact, MetadataStructure):
            return list(self._metadata(self.artefact.attributes, 0))
        if not isinstance(self.artefact, DataStructure):
            return []
        roles: tuple[tuple[str, Sequence[Component]], ...] = (
            ("dimension", self.artefact.dimensions), ("measure", self.artefact.measures),
            ("attribute", self.artefact.attributes),
        )  # fmt: skip
        return [self._row(component, role) for role, components in roles for component in components]

    def _row(self, component: Component, role: str) -> Row:
        more = []
        if isinstance(component, Dimension) and component.is_time:
            role = "time"
        if isinstance(component, Attribute):
            where = ", ".join(component.to) if component.to else ""
            more.append(self.words(f"attached_{component.attached}", to=where))
        if getattr(component, "mandatory", False):
            more.append(self.words("mandatory"))
        return Row(
            component.id,
            self.words(f"role_{role}"),
            ", ".join(more),
            self.told(component.concept),
            self._values(component.representation, component.concept),
        )

    def _metadata(self, attributes: Iterable[MetadataAttribute], depth: int) -> Iterator[Row]:
        for attribute in attributes:
            most = {"": "1", "unbounded": "*"}.get(attribute.max_occurs, attribute.max_occurs)
            more = (
                self.words("presentational")
                if attribute.presentational
                else f"{attribute.min_occurs or 1}..{most}"
            )
            yield Row(
                attribute.id,
                self.words("role_attribute"),
                more,
                self.told(attribute.concept),
                self._values(attribute.representation, attribute.concept),
                depth,
            )
            yield from self._metadata(attribute.children, depth + 1)

    def _values(self, given: Representation | None, concept: Reference | None = None) -> Told:
        if given is None and concept is not None:
            scheme = self.known.find(concept)
            item = self._item(scheme, concept.item) if scheme else None
            given = item.representation if isinstance(item, Concept) else None
        if given is None:
            return Told(self.words("none"))
        if given.enumeration:
            return self.told(given.enumeration)
        facets = ", ".join(
            self.words("multilingual") if (name, value) == ("isMultiLingual", "true") else f"{name} {value}"
            for name, value in given.facets
        )
        return Told(f"{given.text_type} ({facets})" if facets else given.text_type)

    # --- rows ---------------------------------------------------------------------------------------------

    def nodes(self) -> tuple[list[tuple[int, str, str, str]], Pages]:
        """The codes of a hierarchy with their depth, names and the page of their list."""
        if not isinstance(self.artefact, Hierarchy):
            return [], Pages(0)
        every = list(_descend(self.artefact.codes))
        pages = Pages.of(len(every), NODES)
        shown = []
        for depth, node in every[pages.start : pages.end]:
            scheme = self.known.find(node.code)
            item = self._item(scheme, node.code.item) if scheme else None
            period = f"{node.valid_from}/{node.valid_to}" if node.valid_from or node.valid_to else ""
            shown.append((depth, node.code.item, self.words.name(item) if item else "", period))
        return shown, pages

    def mappings(self) -> tuple[list[Told], list[MappingRow], Pages]:
        """Heads and rows of a map; each value with its name, the targets after the sources."""
        if isinstance(self.artefact, RepresentationMap):
            sides: tuple[tuple[Reference | str, ...], ...] = (self.artefact.sources, self.artefact.targets)
        elif isinstance(self.artefact, ItemSchemeMap):
            both = (self.artefact.source, self.artefact.target)
            sides = tuple((side,) if side else () for side in both)
        else:
            return [], [], Pages(0)
        columns = [column for side in sides for column in side]
        heads = self._sides(columns)
        pages = Pages.of(len(self.artefact.mappings))
        schemes = [self.known.find(side) if isinstance(side, Reference) else None for side in columns]
        rows = [
            self._mapping(mapping, schemes, len(sides[0]))
            for mapping in self.artefact.mappings[pages.start : pages.end]
        ]
        return heads, rows, pages

    def _sides(self, sides: Iterable[Reference | str]) -> list[Told]:
        return [self.told(side) if isinstance(side, Reference) else Told(side) for side in sides]

    def _mapping(
        self, mapping: Mapping, schemes: Sequence[Maintainable | None], sources: int
    ) -> list[tuple[str, str]]:
        given = [*mapping.sources, *[""] * (sources - len(mapping.sources)), *mapping.targets]
        found = []
        for scheme, value in zip(schemes, given, strict=False):
            item = self._item(scheme, value) if scheme and value else None
            found.append((value, self.words.name(item) if item else ""))
        return found

    def component_maps(self) -> list[tuple[str, str, Told]]:
        """Which components a structure map takes to which, and by which map of their values."""
        if not isinstance(self.artefact, StructureMap):
            return []
        found = [
            (
                ", ".join(one.sources),
                ", ".join(one.targets),
                self.told(one.representation_map) if one.representation_map else Told(self.words("as_is")),
            )
            for one in self.artefact.components
        ]
        for fixed in self.artefact.fixed_values:
            told = Told(self.words("always", code=", ".join(fixed.values)))
            of_source = fixed.side == "source"
            found.append((fixed.component if of_source else "", "" if of_source else fixed.component, told))
        return found

    # --- limits -------------------------------------------------------------------------------------------

    def limits(self) -> list[tuple[str, list[tuple[str, str, list[tuple[str, str]], int]]]]:
        """The regions and keys of a constraint: (allowed or not, rows); a row is a component, whether its
        values are those or all others, some of them with their names, and how many more there are.
        """
        found = []
        regions: list[tuple[bool, Region]] = [
            (region.include, region) for region in getattr(self.artefact, "regions", ())
        ]
        for keys in getattr(self.artefact, "key_sets", ()):
            regions += [(keys.include and key.include, key) for key in keys.keys[:ROWS]]
        for include, region in regions[:ROWS]:
            rows = []
            for limited in region.keys:
                values: list[tuple[str, str]] = [
                    (value, self._name_of(limited.component, value)) for value in limited.values[:VALUES]
                ]
                if limited.time_range:
                    start, end = limited.time_range.start or "..", limited.time_range.end or ".."
                    values.append((f"{start} – {end}", ""))
                word = self.words("limit_only" if limited.include else "limit_not")
                rows.append((limited.component, word, values, len(limited.values) - VALUES))
            found.append((self.words("limits_allowed" if include else "limits_forbidden"), rows))
        return found

    def _name_of(self, component: str, value: str) -> str:
        for structure in self._structures():
            for one in (*structure.dimensions, *structure.measures, *structure.attributes):
                values = self._values(one.representation, one.concept) if one.id == component else None
                if values and values.of is not None:
                    item = self._item(values.of, value)
                    return self.words.name(item) if item else ""
        return ""

    def _structures(self) -> Iterator[DataStructure]:
        """The data structures that a constraint limits; any that has such a component, when it is of a
        provider.
        """
        attached = [self.known.find(one) for one in getattr(self.artefact, "attachment", ())]
        for found in attached:
            if isinstance(found, ProvisionAgreement) and found.dataflow:
                found = self.known.find(found.dataflow)
            if isinstance(found, Dataflow) and found.structure:
                found = self.known.find(found.structure)
            if isinstance(found, DataStructure):
                yield found
        if all(isinstance(found, DataProviderScheme) for found in attached):
            yield from self.known.of(DataStructure)

    def _item(self, scheme: Maintainable, id: str) -> Item | None:
        if isinstance(scheme, Codelist):
            try:
                return self.known.codelist(scheme).by_id.get(id)
            except ExchangeError:  # a list that it extends is not there
                return None
        return scheme.item(id) if isinstance(scheme, ItemScheme) else None


@dataclass(frozen=True)
class Told:
    """A text, and what it names: an artefact, an item of it."""

    text: str
    of: Maintainable | None = None
    item: str = ""


@dataclass(frozen=True)
class Note:
    """An annotation: what it is called, what it says, the addresses it gives."""

    label: str
    values: tuple[str, ...]
    urls: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """A component in a table."""

    id: str
    role: str
    more: str
    concept: Told
    values: Told
    depth: int = 0


MappingRow = list[tuple[str, str]]

_FACTS = (
    "dataflow", "metadataflow", "provider", "structure", "metadata", "source", "target", "hierarchy",
    "linked", "context",
)  # fmt: skip


def _place(order: Sequence[str], of: str) -> int:
    return order.index(of) if of in order else len(order)


_FILED = {"source": "filed", "target": "under"}


def _descend(codes: Iterable[HierarchicalCode], depth: int = 0) -> Iterator[tuple[int, HierarchicalCode]]:
    for node in codes:
        yield depth, node
        yield from _descend(node.children, depth + 1)
