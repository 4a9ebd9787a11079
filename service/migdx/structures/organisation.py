"""Organisations, and the schemes that list them (SDMX 3.0 Information Model, section 4.7)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from .artefact import Item, ItemScheme, Text, no_text


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom to ask. `details` are (Telephone | Fax | X400 | URI | Email, text) in their order."""

    id: str = ""
    names: Text = field(default_factory=no_text)
    departments: Text = field(default_factory=no_text)
    roles: Text = field(default_factory=no_text)
    details: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Organisation(Item):
    contacts: tuple[Contact, ...] = ()


@dataclass(frozen=True)
class AgencyScheme(ItemScheme):
    kind: ClassVar[str] = "AgencyScheme"
    item_kind: ClassVar[str] = "Agency"


@dataclass(frozen=True)
class DataProviderScheme(ItemScheme):
    kind: ClassVar[str] = "DataProviderScheme"
    item_kind: ClassVar[str] = "DataProvider"


@dataclass(frozen=True)
class DataConsumerScheme(ItemScheme):
    kind: ClassVar[str] = "DataConsumerScheme"
    item_kind: ClassVar[str] = "DataConsumer"


@dataclass(frozen=True)
class MetadataProviderScheme(ItemScheme):
    kind: ClassVar[str] = "MetadataProviderScheme"
    item_kind: ClassVar[str] = "MetadataProvider"


@dataclass(frozen=True)
class OrganisationUnitScheme(ItemScheme):
    """Units of an organisation, which unlike the other organisations have parents."""

    kind: ClassVar[str] = "OrganisationUnitScheme"
    item_kind: ClassVar[str] = "OrganisationUnit"
