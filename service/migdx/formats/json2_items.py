"""SDMX-JSON 2.x: schemes of items: code lists, concepts, categories, organisations, VTL definitions."""

from __future__ import annotations

from typing import Any

from ..structures import (
    AgencyScheme,
    Category,
    CategoryScheme,
    Codelist,
    CodelistExtension,
    Concept,
    ConceptScheme,
    DataConsumerScheme,
    DataProviderScheme,
    GeoFeatureSetCode,
    GeographicCodelist,
    GeoGridCode,
    GeoGridCodelist,
    Item,
    ItemScheme,
    MetadataProviderScheme,
    Organisation,
    OrganisationUnitScheme,
    ReportingCategory,
    ReportingTaxonomy,
    ValueList,
)
from .json2_artefacts import ANNOTATED, CONTACT, MAINTAINED, NAMED, PARTIAL
from .json2_representations import representation
from .json2_urns import take_id, urn, urns
from .json_shapes import (
    By,
    Json,
    Part,
    Property,
    Reading,
    Shape,
    Told,
    Words,
    each,
    many,
    only_written,
    take_object,
    take_text,
    text,
)


def scheme(cls: type[ItemScheme], name: str, item: Shape, *more: Part) -> Shape:
    """A scheme whose items, in the list `name`, have distinct ids."""
    return Shape(cls, (*MAINTAINED, PARTIAL, *more, many(name, "items", item, unique="id")))


# --- code lists --------------------------------------------------------------------------------------------

_PARENT = text("parent", take=take_id)
ITEM = Shape(Item, (*NAMED, _PARENT))


def cascade_told(how: str) -> bool | str:
    """JSON has the boolean and the word, XML words only."""
    return True if how == "true" else how


def take_cascade(given: Any, reading: Reading) -> str:
    """ "" when it says no."""
    if type(given) is bool:
        return "true" if given else ""
    if given in ("true", "false", "excluderoot"):
        return "" if given == "false" else str(given)
    raise reading.wrong("true, false or 'excluderoot'", given)


_SELECTIONS = (("inclusiveCodeSelection", "include"), ("exclusiveCodeSelection", "exclude"))


def _write_selections(extension: CodelistExtension, into: Json, told: Told) -> None:
    how = dict(extension.cascading)
    for name, field in _SELECTIONS:
        members = dict.fromkeys(getattr(extension, field))
        wild = [member for member in members if "%" in member]
        single = [
            {"value": member, "cascadeValues": cascade_told(how[member])} if member in how else member
            for member in members
            if "%" not in member
        ]
        selection = {"wildcardedMemberValues": wild, "memberValues": single}
        if members:
            into[name] = {key: value for key, value in selection.items() if value}


def _read_selections(given: Json, into: Json, reading: Reading) -> None:
    cascading: list[tuple[str, str]] = []

    def take(entry: Any, reading: Reading) -> str:
        if type(entry) is not dict:
            return take_text(entry, reading)
        if "value" not in entry:
            raise reading.fault("has no value")
        member = take_text(entry["value"], reading)
        if how := take_cascade(entry.get("cascadeValues", False), reading):
            cascading.append((member, how))
        return member

    for name, field in _SELECTIONS:
        if name not in given:
            continue
        reading.steps.append(name)
        selection = take_object(given[name], reading)
        members: list[str] = []
        for part in selection:
            if part not in ("wildcardedMemberValues", "memberValues"):
                reading.skip(part)
                continue
            members += reading.part(selection, part, each(take))
        reading.steps.pop()
        into[field] = tuple(dict.fromkeys(members))
    if cascading:
        into["cascading"] = tuple(cascading)


EXTENSION = Shape(
    CodelistExtension,
    (
        text("prefix"),
        urn("codelist", "codelist", "Codelist", "GeographicCodelist", "GeoGridCodelist", required=True),
        By(tuple(name for name, _ in _SELECTIONS), _write_selections, _read_selections),
    ),
)
_EXTENDED = many("codelistExtensions", "extensions", EXTENSION, since="2.0")

CODELIST = scheme(Codelist, "codes", ITEM, _EXTENDED)
GEOGRAPHIC_CODELIST = scheme(
    GeographicCodelist,
    "geoFeatureSetCodes",
    Shape(GeoFeatureSetCode, (*NAMED, _PARENT, text("value", required=True, always=True))),
    only_written("geoType", lambda value, told: value.kind),
    _EXTENDED,
)
GEO_GRID_CODELIST = scheme(
    GeoGridCodelist,
    "geoGridCodes",
    Shape(GeoGridCode, (*NAMED, _PARENT, text("geoCell", "geo_cell", required=True, always=True))),
    only_written("geoType", lambda value, told: value.kind),
    text("gridDefinition", "grid_definition"),
    _EXTENDED,
)
# values need neither be identifiers nor have names nor be distinct; their links are to nothing
VALUE_LIST = Shape(
    ValueList,
    (
        *MAINTAINED,
        many(
            "valueItems",
            "items",
            Shape(
                Item,
                (
                    text("id", required=True),
                    Words("name", "names", "names", instead="id"),
                    Words("description", "descriptions", "descriptions"),
                    ANNOTATED,
                    By(("links",), lambda *given: None, lambda *given: None),
                ),
            ),
        ),
    ),
)

# --- concepts ----------------------------------------------------------------------------------------------

_ISO = ("conceptAgency", "conceptSchemeID", "conceptID")


def _take_iso(given: Any, reading: Reading) -> tuple[str, ...]:
    take_object(given, reading)
    found = []
    for name in _ISO:
        if name not in given:
            raise reading.fault(f"has no {name}")
        found.append(reading.part(given, name, take_text))
    return tuple(found)


CONCEPT = Shape(
    Concept,
    (
        *NAMED,
        _PARENT,
        representation("coreRepresentation"),
        Property(
            "isoConceptReference",
            "iso_concept",
            lambda value, told: dict(zip(_ISO, value, strict=True)),
            _take_iso,
            since="2.0",
        ),
    ),
)
CONCEPT_SCHEME = scheme(ConceptScheme, "concepts", CONCEPT)

# --- categories --------------------------------------------------------------------------------------------

CATEGORY: Shape = Shape(Category, (*NAMED, many("categories", "children", lambda: CATEGORY, unique="id")))
CATEGORY_SCHEME = scheme(CategoryScheme, "categories", CATEGORY)
REPORTING_CATEGORY: Shape = Shape(
    ReportingCategory,
    (
        *NAMED,
        many("reportingCategories", "children", lambda: REPORTING_CATEGORY, unique="id"),
        urns("structuralMetadata", "structural"),
        urns("provisioningMetadata", "provisioning"),
    ),
)
REPORTING_TAXONOMY = scheme(ReportingTaxonomy, "reportingCategories", REPORTING_CATEGORY)

# --- organisations -----------------------------------------------------------------------------------------

_LISTED = many("contacts", "contacts", CONTACT)


def _write_contacts(item: Item, into: Json, told: Told) -> None:
    if isinstance(item, Organisation):  # a scheme made by hand may hold plain items
        _LISTED.write(item, into, told)


_CONTACTS: Part = By(("contacts",), _write_contacts, _LISTED.read)
ORGANISATION = Shape(Organisation, (*NAMED, _CONTACTS))

AGENCY_SCHEME = scheme(AgencyScheme, "agencies", ORGANISATION)
DATA_CONSUMER_SCHEME = scheme(DataConsumerScheme, "dataConsumers", ORGANISATION)
DATA_PROVIDER_SCHEME = scheme(DataProviderScheme, "dataProviders", ORGANISATION)
METADATA_PROVIDER_SCHEME = scheme(MetadataProviderScheme, "metadataProviders", ORGANISATION)
ORGANISATION_UNIT_SCHEME = scheme(
    OrganisationUnitScheme, "organisationUnits", Shape(Organisation, (*NAMED, _CONTACTS, _PARENT))
)
