"""SDMX-ML tables of schemes and what is in them: codes, concepts, organisations, categories.

Schemas: SDMXStructureCodelist.xsd, ...Concept.xsd, ...Organisation.xsd, ...Category.xsd,
...ReportingTaxonomy.xsd, and of 3.x alone ...HierarchicalCodelist.xsd.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..structures import (
    AgencyScheme,
    Category,
    CategoryScheme,
    Codelist,
    CodelistExtension,
    Concept,
    ConceptScheme,
    Contact,
    DataConsumerScheme,
    DataProviderScheme,
    GeoFeatureSetCode,
    GeographicCodelist,
    GeoGridCode,
    GeoGridCodelist,
    HierarchicalCode,
    Hierarchy,
    HierarchyAssociation,
    Item,
    ItemScheme,
    Level,
    MetadataProviderScheme,
    Organisation,
    OrganisationUnitScheme,
    ReportingCategory,
    ReportingTaxonomy,
    ValueList,
)
from .markup import escape, iso_concept, leaf, quoted
from .ml21_artefact import Represented
from .ml21_kept import Ignored
from .ml_words import (
    ANNOTATIONS,
    DESCRIPTIONS,
    IDENTIFIABLE,
    LISTS,
    NAMEABLE,
    PARENT,
    PARTIAL,
    UNVERSIONED,
    VERSIONED_21,
    Facets,
    item,
    maintainable,
    representation,
)
from .xml_items import Items
from .xml_shapes import (
    INSTANT,
    TRUTH,
    VERSION,
    WORD,
    Attribute,
    Codec,
    Dialect,
    Irregular,
    Leaf,
    Many,
    Node,
    One,
    Part,
    Reading,
    Ref,
    Refs,
    Shape,
    Texts,
    Values,
    bare,
    fixed,
    text_of,
)

# --- codes and values --------------------------------------------------------------------------------------

CODE = item("Code", PARENT)
FEATURE = item("GeoFeatureSetCode", Attribute("value", "value", required=True), PARENT, cls=GeoFeatureSetCode)
CELL = item("GeoGridCode", PARENT, Leaf("str:GeoCell", "geo_cell", always=True), cls=GeoGridCode)
VALUE = Shape(
    Item,
    "str:ValueItem",
    Attribute("id", "id", required=True),
    ANNOTATIONS,
    Texts("com:Name", "names"),
    DESCRIPTIONS,
)


@dataclass(frozen=True, eq=False)
class Selection(Part):
    """Members of another list by name or wildcard; those that bring descendants along are in `cascading`."""

    name: str
    field: str

    @property
    def elements(self) -> tuple[str, ...]:
        return (bare(self.name),)

    def take(self, node: Node, values: Values, reading: Reading) -> None:
        for member in node:
            if reading.local(member) != "MemberValue":
                reading.skip(reading.local(member), member)
                continue
            values.setdefault(self.field, []).append(text_of(member))
            how = cascade(member)
            if how:
                values.setdefault("cascading", []).append((text_of(member), how))

    def body(self, given: Any, dialect: Dialect) -> str:
        members, how = getattr(given, self.field), dict(given.cascading)
        inner = "".join([cascading("str:MemberValue", member, how.get(member, "")) for member in members])
        return f"<{self.name}>{inner}</{self.name}>" if inner else ""


def cascade(node: Node) -> str:
    """Whether a value stands for its descendants: "true", "excluderoot", or "" when it does not."""
    how = node.get("cascadeValues") or ""
    return {"1": "true", "0": "", "false": ""}.get(how, how)


def cascading(name: str, value: str, how: str, more: str = "") -> str:
    told = f' cascadeValues="{quoted(how)}"' if how else ""
    return f"<{name}{told}{more}>{escape(value)}</{name}>"


EXTENSION = Shape(
    CodelistExtension,
    "str:CodelistExtension",
    Attribute("prefix", "prefix"),
    Ref("str:Codelist", "codelist", LISTS, required=True),
    Selection("str:InclusiveCodeSelection", "include"),
    Selection("str:ExclusiveCodeSelection", "exclude"),
)
EXTENSIONS = Many("extensions", lambda: EXTENSION, unique=False, since="3.0")


# --- concepts ----------------------------------------------------------------------------------------------


def _read_iso(node: Node, values: Values, reading: Reading) -> None:
    found = {reading.local(child): text_of(child) for child in node}
    agency, scheme, concept = (found.get(f"Concept{part}", "") for part in ("Agency", "SchemeID", "ID"))
    values["iso_concept"] = (agency, scheme, concept)


CONCEPT = item(
    "Concept",
    PARENT,
    representation("CoreRepresentation"),
    Represented("str:CoreRepresentation", False, until="2.1"),
    Irregular(("str:ISOConceptReference",), _read_iso, lambda concept, _: iso_concept(concept.iso_concept)),
    cls=Concept,
)


# --- organisations -----------------------------------------------------------------------------------------

_DETAILS = ("Telephone", "Fax", "X400", "URI", "Email")


def _read_detail(node: Node, values: Values, reading: Reading) -> None:
    values.setdefault("details", []).append((reading.local(node), node.text or ""))


def _write_details(contact: Contact, dialect: Dialect) -> str:
    return "".join([leaf(f"str:{kind}", text) for kind, text in contact.details])


CONTACT = Shape(
    Contact,
    "str:Contact",
    Attribute("id", "id", WORD),
    Texts("com:Name", "names"),
    Texts("str:Department", "departments"),
    Texts("str:Role", "roles"),
    Irregular(_DETAILS, _read_detail, _write_details),
)


_ALWAYS_1_0 = Attribute(
    "version", "version", Codec(VERSION.read, lambda _: "1.0", VERSION.expected), until="2.1"
)
"""In 2.1 the version of schemes of organisations is fixed, and they are never final; units have versions."""


def _organisations(cls: type[ItemScheme], *parts: Part, version: tuple[Part, ...] = ()) -> Shape:
    """A scheme of organisations, which has no version in 3.x."""
    one = item(cls.item_kind, *parts, Many("contacts", lambda: CONTACT, unique=False), cls=Organisation)
    told = version or (_ALWAYS_1_0, Ignored(("isFinal",), until="2.1"))
    return maintainable(cls, PARTIAL, Items("items", lambda: one), version=(*UNVERSIONED, *told))


# --- categories --------------------------------------------------------------------------------------------

CATEGORY: Shape = item("Category", Many("children", lambda: CATEGORY), cls=Category)


REPORTING_CATEGORY: Shape = item(
    "ReportingCategory",
    Many("children", lambda: REPORTING_CATEGORY),
    Refs("str:StructuralMetadata", "structural"),
    Refs("str:ProvisioningMetadata", "provisioning"),
    cls=ReportingCategory,
)


# --- hierarchies -------------------------------------------------------------------------------------------

LEVEL: Shape = Shape(
    Level,
    "str:Level",
    *NAMEABLE,
    Facets("str:CodingFormat", "coding_format"),
    One("child", lambda: LEVEL),
)
HIERARCHICAL_CODE: Shape = Shape(
    HierarchicalCode,
    "str:HierarchicalCode",
    *IDENTIFIABLE,
    Attribute("validFrom", "valid_from", INSTANT),
    Attribute("validTo", "valid_to", INSTANT),
    Ref("str:Code", "code", ("Code",), required=True),
    Many("children", lambda: HIERARCHICAL_CODE),
    Leaf("str:Level", "level", WORD),
)


# --- the schemes -------------------------------------------------------------------------------------------

AGENCY_SCHEME = _organisations(AgencyScheme)
DATA_PROVIDER_SCHEME = _organisations(DataProviderScheme)
DATA_CONSUMER_SCHEME = _organisations(DataConsumerScheme)
METADATA_PROVIDER_SCHEME = _organisations(MetadataProviderScheme)
ORGANISATION_UNIT_SCHEME = _organisations(OrganisationUnitScheme, PARENT, version=VERSIONED_21)

CODELIST = maintainable(Codelist, PARTIAL, Items("items", lambda: CODE), EXTENSIONS)
GEOGRAPHIC_CODELIST = maintainable(
    GeographicCodelist,
    PARTIAL,
    fixed("geoType", "GeographicCodelist"),
    Items("items", lambda: FEATURE),
    EXTENSIONS,
)
GEO_GRID_CODELIST = maintainable(
    GeoGridCodelist,
    PARTIAL,
    fixed("geoType", "GeoGridCodelist"),
    Items("items", lambda: CELL),
    EXTENSIONS,
    Leaf("str:GridDefinition", "grid_definition", always=True),
)
# its ids may repeat: the standard's own sample has the yen and the yuan as one sign
VALUE_LIST = maintainable(ValueList, Items("items", lambda: VALUE, unique=False))
CONCEPT_SCHEME = maintainable(ConceptScheme, PARTIAL, Items("items", lambda: CONCEPT))
CATEGORY_SCHEME = maintainable(CategoryScheme, PARTIAL, Items("items", lambda: CATEGORY))
REPORTING_TAXONOMY = maintainable(ReportingTaxonomy, PARTIAL, Items("items", lambda: REPORTING_CATEGORY))

HIERARCHY = maintainable(
    Hierarchy,
    Attribute("hasFormalLevels", "has_formal_levels", TRUTH),
    One("level", lambda: LEVEL),
    Items("codes", lambda: HIERARCHICAL_CODE),
)
HIERARCHY_ASSOCIATION = maintainable(
    HierarchyAssociation,
    Ref("str:LinkedHierarchy", "hierarchy", ("Hierarchy",), required=True),
    Ref("str:LinkedObject", "linked", required=True),
    Ref("str:ContextObject", "context"),
)
