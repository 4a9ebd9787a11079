"""What every artefact has: an identity, names in several languages, annotations; and schemes of items.

SDMX 3.0 Information Model (section 2 of the Standards), sections 3.3 to 3.6. Nothing changes once made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Self

from ..urn import Reference

Text = Mapping[str, str]
"""The same text by language tag; the order is that of the message it came from."""

NO_TEXT: Text = {}

OF_2_1, PART_OF_2_1 = "SDMX_2_1", "SDMX_2_1_GROUP"
"""Types of the annotations that keep what only SDMX 2.1 says (formats/ml21_kept.py)."""


def no_text() -> Text:
    """No text at all: one value, shared by the many items that have no description."""
    return NO_TEXT


def in_language(text: Text, languages: Sequence[str] = ("en",)) -> tuple[str, str]:
    """(language, text) best for a reader of `languages`, best first; English, then any, if none is there."""
    for wanted in (*languages, "en"):
        short = wanted.split("-")[0].lower()
        for tag in text:
            if tag.lower() == wanted.lower() or tag.split("-")[0].lower() == short:
                return tag, text[tag]
    return next(iter(text.items()), ("", ""))


@dataclass(frozen=True, slots=True)
class Annotation:
    """A note on an artefact; `urls` by language ("" when none is given), as are `texts`."""

    id: str = ""
    title: str = ""
    type: str = ""
    urls: Text = field(default_factory=no_text)
    texts: Text = field(default_factory=no_text)
    value: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """Where else something is to be had or read: `rel` says how the address is related to it."""

    rel: str
    url: str
    urn: str = ""
    type: str = ""


@dataclass(frozen=True, slots=True)
class Identifiable:
    """Anything with an id; `uri` is an address given by its owner, which identifies nothing here."""

    id: str
    annotations: tuple[Annotation, ...] = field(default=(), kw_only=True)
    links: tuple[Link, ...] = field(default=(), kw_only=True)
    uri: str = field(default="", kw_only=True)

    def note(self, type_or_id: str) -> str:
        """Title, value or English text of the first annotation of that type or id, "" when there is none."""
        for note in self.annotations:
            if type_or_id in (note.type, note.id):
                return note.title or note.value or in_language(note.texts)[1]
        return ""


@dataclass(frozen=True, slots=True)
class Nameable(Identifiable):
    """Anything with an id, names and descriptions."""

    names: Text = field(default_factory=no_text, kw_only=True)
    descriptions: Text = field(default_factory=no_text, kw_only=True)

    def name(self, languages: Sequence[str] = ("en",)) -> str:
        """The name for a reader of `languages`, the id when there is none."""
        return in_language(self.names, languages)[1] or self.id


@dataclass(frozen=True)
class Maintainable(Nameable):
    """An artefact with an agency and a version: what a registry keeps and a URN names."""

    kind: ClassVar[str] = ""

    agency: str
    version: str = "1.0"
    valid_from: str = field(default="", kw_only=True)
    valid_to: str = field(default="", kw_only=True)
    is_partial: bool = field(default=False, kw_only=True)
    is_partial_language: bool = field(default=False, kw_only=True)
    is_external: bool = field(default=False, kw_only=True)
    structure_url: str = field(default="", kw_only=True)
    service_url: str = field(default="", kw_only=True)

    @property
    def reference(self) -> Reference:
        return Reference(self.kind, self.agency, self.id, self.version)

    @property
    def urn(self) -> str:
        return self.reference.urn

    @property
    def part(self) -> Annotation | None:
        """Of what artefact of SDMX 2.1 this was a part, by the value, and which, by the id."""
        return next((note for note in self.annotations if note.type == PART_OF_2_1), None)

    def references(self) -> Iterator[Reference]:
        """Every artefact or item that this one points to, each once, in the order of its fields."""
        yield from dict.fromkeys(_references(self))

    def stub(self) -> Self:
        """Identity and names only (detail=allstubs): fields with a default fall back to it.

        References that the official schemas demand even of a stub stay.
        """
        bare: dict[str, Any] = {
            f.name: f.default_factory() if callable(f.default_factory) else f.default
            for f in fields(self)
            if f.init and f.name not in _STUB_FIELDS
        }
        return replace(self, **{**bare, "is_external": True})


_STUB_FIELDS = frozenset(
    ("id", "agency", "version", "names", "valid_from", "valid_to", "structure", "dataflow", "provider",
     "metadataflow", "targets", "sources", "source", "target", "role", "hierarchy", "linked",
     "vtl_version", "grid_definition", "has_formal_levels")
)  # fmt: skip


def _references(value: Any) -> Iterator[Reference]:
    if isinstance(value, Reference):
        yield value
    elif is_dataclass(value):
        for f in fields(value):
            yield from _references(getattr(value, f.name))
    elif isinstance(value, tuple):
        for entry in value:
            yield from _references(entry)


@dataclass(frozen=True, slots=True)
class Item(Nameable):
    """An entry of a scheme; `parent` is the id of another in the same scheme."""

    parent: str = ""


@dataclass(frozen=True)
class ItemScheme(Maintainable):
    """A list of items by id, in the order of its message."""

    item_kind: ClassVar[str] = ""

    items: tuple[Item, ...] = ()

    @cached_property
    def by_id(self) -> dict[str, Item]:
        return {item.id: item for item in self.items}

    def item(self, id: str) -> Item | None:
        """The item that a URN or a URL names; in schemes whose items nest, by its path (`A.B.C`)."""
        return self.by_id.get(id)

    def with_items(self, items: Sequence[Item]) -> Self:
        """The same scheme holding only `items`, marked partial when some are missing."""
        return replace(self, items=tuple(items), is_partial=self.is_partial or len(items) < len(self.items))
