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


def in_language(text: Text, languages: Sequence[str] = ("en",)) -> tuple[str, str]:
    """(language, text) best for a reader of `languages`, best first; English, then any, if none is there."""
    for wanted in (*languages, "en"):
        short = wanted.split("-")[0].lower()
        for tag in text:
            if tag.lower() == wanted.lower() or tag.split("-")[0].lower() == short:
                return tag, text[tag]
    return next(iter(text.items()), ("", ""))


@dataclass(frozen=True)
class Annotation:
    """A note on an artefact; `urls` by language ("" when none is given), as are `texts`."""

    id: str = ""
    title: str = ""
    type: str = ""
    urls: Text = field(default_factory=dict)
    texts: Text = field(default_factory=dict)
    value: str = ""


@dataclass(frozen=True)
class Described:
    """Anything with an id, names, descriptions and annotations."""

    id: str
    names: Text = field(default_factory=dict, kw_only=True)
    descriptions: Text = field(default_factory=dict, kw_only=True)
    annotations: tuple[Annotation, ...] = field(default=(), kw_only=True)

    def name(self, languages: Sequence[str] = ("en",)) -> str:
        """The name for a reader of `languages`, the id when there is none."""
        return in_language(self.names, languages)[1] or self.id

    def note(self, type_or_id: str) -> str:
        """Title, value or English text of the first annotation of that type or id, "" when there is none."""
        for note in self.annotations:
            if type_or_id in (note.type, note.id):
                return note.title or note.value or in_language(note.texts)[1]
        return ""


@dataclass(frozen=True)
class Maintainable(Described):
    """An artefact with an agency and a version: what a registry keeps and a URN names."""

    kind: ClassVar[str] = ""

    agency: str
    version: str = "1.0"
    valid_from: str = field(default="", kw_only=True)
    valid_to: str = field(default="", kw_only=True)
    is_partial: bool = field(default=False, kw_only=True)
    is_external: bool = field(default=False, kw_only=True)
    structure_url: str = field(default="", kw_only=True)
    service_url: str = field(default="", kw_only=True)

    @property
    def reference(self) -> Reference:
        return Reference(self.kind, self.agency, self.id, self.version)

    @property
    def urn(self) -> str:
        return self.reference.urn

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
     "metadataflow", "targets", "sources", "source", "target", "role", "hierarchy", "linked")
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


@dataclass(frozen=True)
class Item(Described):
    """An entry of a scheme: a Code, an Agency, a DataProvider, a Concept."""

    parent: str = ""


@dataclass(frozen=True)
class ItemScheme(Maintainable):
    """A list of items by id, in the order of its message."""

    items: tuple[Item, ...] = ()

    @cached_property
    def by_id(self) -> dict[str, Item]:
        return {item.id: item for item in self.items}

    def with_items(self, items: Sequence[Item]) -> Self:
        """The same scheme holding only `items`, marked partial when some are missing."""
        return replace(self, items=tuple(items), is_partial=self.is_partial or len(items) < len(self.items))


@dataclass(frozen=True)
class AgencyScheme(ItemScheme):
    kind: ClassVar[str] = "AgencyScheme"


@dataclass(frozen=True)
class DataProviderScheme(ItemScheme):
    kind: ClassVar[str] = "DataProviderScheme"


@dataclass(frozen=True)
class MetadataProviderScheme(ItemScheme):
    kind: ClassVar[str] = "MetadataProviderScheme"
