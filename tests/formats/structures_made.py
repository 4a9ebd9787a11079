"""Artefacts made by hand, one of every kind with every field in use, and what the structure tests share."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from lxml import etree

from migdx.formats.header import Header
from migdx.formats.ml3_structures import read_structures30 as read_structures
from migdx.structures import (
    AgencyScheme,
    Annotation,
    AttachmentConstraint,
    Attribute,
    Categorisation,
    Category,
    CategoryScheme,
    CategorySchemeMap,
    Codelist,
    CodelistExtension,
    ComponentMap,
    Computation,
    Concept,
    ConceptScheme,
    ConceptSchemeMap,
    Contact,
    CubeRegion,
    CustomType,
    CustomTypeScheme,
    DataConstraint,
    DataConsumerScheme,
    Dataflow,
    DataKey,
    DataKeySet,
    DataProviderScheme,
    DataStructure,
    DatePatternMap,
    Dimension,
    EpochMap,
    FixedValueMap,
    FrequencyFormatMapping,
    GeoFeatureSetCode,
    GeographicCodelist,
    GeoGridCode,
    GeoGridCodelist,
    Group,
    HierarchicalCode,
    Hierarchy,
    HierarchyAssociation,
    Identifiable,
    Item,
    ItemScheme,
    KeyValues,
    Level,
    Link,
    Maintainable,
    Mapping,
    Measure,
    MetadataAttribute,
    MetadataAttributeUsage,
    MetadataConstraint,
    Metadataflow,
    MetadataProviderScheme,
    MetadataProvisionAgreement,
    MetadataStructure,
    MetadataTargetRegion,
    NamePersonalisation,
    NamePersonalisationScheme,
    Organisation,
    OrganisationSchemeMap,
    OrganisationUnitScheme,
    Process,
    ProcessArtefact,
    ProcessStep,
    ProvisionAgreement,
    QueryableDataSource,
    ReleaseCalendar,
    ReportingCategory,
    ReportingTaxonomy,
    ReportingTaxonomyMap,
    Representation,
    RepresentationMap,
    Ruleset,
    RulesetScheme,
    SentinelValue,
    StructureMap,
    TimeRange,
    Transformation,
    TransformationScheme,
    Transition,
    UserDefinedOperator,
    UserDefinedOperatorScheme,
    ValueList,
    VtlFlowMapping,
    VtlMapping,
    VtlMappingScheme,
)
from migdx.urn import Reference

ROOT = Path(__file__).resolve().parents[2]
SPECIMENS = Path(os.environ.get("MIGDX_SPECIMENS", ROOT.parent / "shared" / "specimens"))
HEADER = Header("MESSAGE_1", datetime(2026, 11, 21, 12, 30, 5, tzinfo=UTC), test=True)

ODD = "A & B < C > \"D\" 'E' ]]> \u00e9\u4e2d\U0001f600\u200f\u0301 \t tab \n line \r return <!-- x --> &amp;"

NOTE = Annotation(
    id="N1",
    title="A title",
    type="ORDER",
    urls={"": "https://example.org/a?b=1&c=2", "fr": "https://example.org/fr"},
    texts={"en": ODD, "fr": "Un texte"},
    value="A value",
)
NAMES = {"en": "A name", "fr": "Un nom", "ar": "اسم", "zh": "名称", "zh-Hant": "名稱", "pt-BR": "Um nome"}
DRESS = {
    "names": NAMES,
    "descriptions": {"en": ODD, "ru": "Описание"},
    "annotations": (NOTE, Annotation(type="BARE")),
}


def codelist(name: str, version: str = "1.0.0") -> Reference:
    return Reference("Codelist", "TEST", name, version)


def concept(name: str) -> Reference:
    return Reference("Concept", "TEST", "CS_TEST", "1.0.0", name)


def code(name: str, listed: str = "CL_SEX") -> Reference:
    return Reference("Code", "TEST", listed, "1.0.0", name)


def named(name: str) -> dict[str, dict[str, str]]:
    return {"names": {"en": name, "fr": f"{name} (fr)"}}


# the 3.0 schema wants a letter first in the parent of a code, so a child of _T is not valid there
CL_SEX = Codelist(
    "CL_SEX",
    "TEST",
    "1.0.0",
    (
        Item("_T", **DRESS),
        Item("ALL", **named("All")),
        Item("F", "ALL", **named("Female")),
        Item("M$@-1", **named("M")),
    ),
    **DRESS,
)
CL_OTHER = Codelist("CL_OTHER", "TEST.SUB", "1.2.0", (Item("X", **named("X")),), **named("Other"))
CL_EXTENDED = Codelist(
    "CL_EXTENDED",
    "TEST",
    "1.0.0",
    (Item("OWN", **named("Own")),),
    (
        CodelistExtension(codelist("CL_SEX"), "P_", include=("F%", "_T"), cascading=(("_T", "excluderoot"),)),
        CodelistExtension(codelist("CL_SEX", "1.0+.0"), exclude=("F", "M"), cascading=(("F", "true"),)),
        CodelistExtension(codelist("CL_SEX")),
    ),
    **named("Extended"),
)
PARTIAL = Codelist(
    "CL_PART", "TEST", "2.0.0-draft", (Item("A", **named("A")),), is_partial=True, **named("Part")
)
STUB = Codelist(
    "CL_STUB", "TEST", "1.0", is_external=True, structure_url="https://example.org/CL_STUB", **named("Stub")
)
VALUES = ValueList(
    "VL_SIGN", "TEST", "1.0.0", (Item("%", **named("Per cent")), Item("¥ /<"), Item("¥ /<")), **named("Signs")
)
CONCEPTS = ConceptScheme(
    "CS_TEST",
    "TEST",
    "1.0.0",
    (
        Concept("SEX", representation=Representation(codelist("CL_SEX")), **DRESS),
        Concept("SEX_PART", "SEX", iso_concept=("ISO", "11179", "42"), **named("Part of sex")),
        Concept(
            "VALUE",
            representation=Representation(
                text_type="Double",
                facets=(("minValue", "0"), ("maxValue", "1.5"), ("decimals", "2")),
                max_occurs="3",
            ),
            **named("Value"),
        ),
        Concept(
            "TITLE",
            representation=Representation(facets=(("maxLength", "70"), ("isMultiLingual", "true"))),
            **named("T"),
        ),
    ),
    **named("Concepts"),
)
DSD = DataStructure(
    "DSD_TEST",
    "TEST",
    "1.0.0",
    dimensions=(
        Dimension(
            "FREQ", concept("FREQ"), annotations=(NOTE,), concept_roles=(concept("FREQ"), concept("VALUE"))
        ),
        Dimension("SEX", concept("SEX"), Representation(codelist("CL_SEX", "1+.0.0"))),
        Dimension(
            "COUNTRY", concept("C"), Representation(codelist("CL_SEX"), "Alpha", (("maxLength", "3"),))
        ),
        Dimension(
            "TIME_PERIOD", concept("TIME"), Representation(text_type="ObservationalTimePeriod"), is_time=True
        ),
    ),
    measures=(Measure("OBS_VALUE", concept("VALUE"), Representation(text_type="Double"), mandatory=True),),
    attributes=(
        Attribute("UNIT", concept("UNIT"), attached="dataflow", mandatory=True),
        Attribute("MULT", concept("MULT"), attached="dimensions", to=("SEX", "COUNTRY")),
        Attribute(
            "TITLE", concept("TITLE"), Representation(text_type="XHTML"), attached="group", to=("SIBLING",)
        ),
        Attribute(
            "STATUS",
            concept("STATUS"),
            Representation(codelist("CL_SEX"), max_occurs="unbounded", min_occurs="0"),
        ),
        Attribute("SIGN", concept("SIGN"), Representation(VALUES.reference), measures=("OBS_VALUE",)),
        Attribute(
            "PLACE", concept("C"), Representation(text_type="GeospatialInformation"), annotations=(NOTE,)
        ),
    ),
    groups=(Group("SIBLING", ("SEX", "COUNTRY")),),
    metadata=Reference("MetadataStructure", "TEST", "MSD_TEST", "1.0.0"),
    metadata_usages=(
        MetadataAttributeUsage("CONTACT"),
        MetadataAttributeUsage("METHOD", "dimensions", ("COUNTRY",)),
    ),
    **named("Structure"),
)
DSD_MANY = DataStructure(
    "DSD_MANY",
    "TEST",
    "1.0.0",
    dimensions=(Dimension("SEX", concept("SEX")),),
    measures=(Measure("PERSONS", concept("VALUE")), Measure("EVENTS", concept("VALUE"))),
    **named("Two measures"),
)
FLOW = Dataflow("DF_TEST", "TEST", "1.0.0", DSD.reference, valid_from="2020-01-01T00:00:00", **DRESS)
PROVIDERS = DataProviderScheme(
    "DATA_PROVIDERS",
    "TEST",
    "1.0",
    (Organisation("AAA", **DRESS), Organisation("BBB", **named("B"))),
    **named("Providers"),
)
METADATA_PROVIDERS = MetadataProviderScheme(
    "METADATA_PROVIDERS", "TEST", "1.0", (Organisation("AAA", **named("A")),), **named("P")
)
AGENCIES = AgencyScheme("AGENCIES", "SDMX", "1.0", (Organisation("TEST", **DRESS),), **named("Agencies"))
AGREEMENT = ProvisionAgreement(
    "PA_AAA",
    "TEST",
    "1.0.0",
    FLOW.reference,
    Reference("DataProvider", "TEST", "DATA_PROVIDERS", "1.0", "AAA"),
    **named("PA"),
)
REGION = CubeRegion(
    (
        KeyValues("SEX", ("_T", "F"), cascading=(("_T", "excluderoot"), ("F", "true"))),
        KeyValues("COUNTRY", ("X",), include=False),
        KeyValues("TIME_PERIOD", time_range=TimeRange("2000", "2020-Q4", end_included=False)),
        KeyValues("STATUS", ("A",), is_attribute=True),
        KeyValues("MULT", is_attribute=True, include=False),
    )
)
CONSTRAINT = DataConstraint(
    "CR_TEST",
    "TEST",
    "1.0.0",
    (AGREEMENT.reference,),
    (REGION, CubeRegion((), include=False)),
    **named("C"),
)
ACTUAL = DataConstraint(
    "CR_ACTUAL",
    "TEST",
    "1.0.0",
    (FLOW.reference, Reference("Dataflow", "TEST", "DF_OTHER", "1.0.0")),
    (CubeRegion((KeyValues("TIME_PERIOD", time_range=TimeRange("2000-01-01", start_included=False)),)),),
    role="Actual",
    **named("Actual"),
)
BY_PROVIDER = DataConstraint(
    "CR_KEYS",
    "TEST",
    "1.0.0",
    attachment=(Reference("DataProvider", "TEST", "DATA_PROVIDERS", "1.0", "AAA"),),
    regions=(CubeRegion((KeyValues("TIME_PERIOD", time_range=TimeRange(end="2020")),)),),
    key_sets=(
        DataKeySet(
            (
                DataKey((KeyValues("SEX", ("F",)), KeyValues("COUNTRY", ("X",)))),
                DataKey((KeyValues("SEX", ("_T",)),)),
            ),
            include=False,
        ),
    ),
    **named("Keys"),
)
HIERARCHY = Hierarchy(
    "H_SEX",
    "TEST",
    "1.0.0",
    codes=(
        HierarchicalCode(
            "ALL",
            annotations=(NOTE,),
            code=code("_T"),
            children=(
                HierarchicalCode(
                    "F",
                    code=code("F"),
                    level="L2",
                    valid_from="2000-01-01T00:00:00",
                    valid_to="2020-01-01T00:00:00Z",
                ),
                HierarchicalCode("O", code=code("X", "CL_THIRD")),
            ),
            level="L1",
        ),
    ),
    level=Level("L1", Level("L2", **named("Low")), **DRESS),
    has_formal_levels=True,
    **DRESS,
)
ASSOCIATION = HierarchyAssociation(
    "HA_TEST",
    "TEST",
    "1.0.0",
    HIERARCHY.reference,
    Reference("Dimension", "TEST", "DSD_TEST", "1.0.0", "SEX"),
    FLOW.reference,
    **named("HA"),
)
CODE_MAP = RepresentationMap(
    "RM_CODES",
    "TEST",
    "1.0.0",
    (codelist("CL_SEX"),),
    (codelist("CL_THIRD"),),
    (Mapping(("F",), ("X",), "2000-01-01", "2020-12-31", annotations=(NOTE,)), Mapping(("_T",), ("Y",))),
    **named("Codes"),
)
WIDE_MAP = RepresentationMap(
    "RM_WIDE",
    "TEST",
    "1.0.0",
    (codelist("CL_SEX"), VALUES.reference, "String"),
    (codelist("CL_THIRD"), "Integer"),
    (
        Mapping((" F ", "%", ".*"), ("X", ""), regular_expressions=(True, True, True)),
        Mapping(("_T", "", "a"), ()),
    ),
    **named("Wide"),
)
MSD = MetadataStructure(
    "MSD_TEST",
    "TEST",
    "1.0.0",
    attributes=(
        MetadataAttribute(
            "CONTACT",
            concept("CONTACT"),
            min_occurs="0",
            max_occurs="unbounded",
            presentational=True,
            children=(
                MetadataAttribute(
                    "MAIL", concept("MAIL"), Representation(text_type="XHTML"), min_occurs="1", max_occurs="2"
                ),
                MetadataAttribute(
                    "SEX", concept("SEX"), Representation(codelist("CL_SEX")), annotations=(NOTE,)
                ),
            ),
        ),
        MetadataAttribute("METHOD", concept("METHOD"), Representation(facets=(("isMultiLingual", "true"),))),
    ),
    **named("MSD"),
)
METADATAFLOW = Metadataflow(
    "MDF_TEST",
    "TEST",
    "1.0.0",
    MSD.reference,
    ("urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=TEST:*(*)", AGREEMENT.urn),
    **named("MDF"),
)
METADATA_AGREEMENT = MetadataProvisionAgreement(
    "MPA_AAA",
    "TEST",
    "1.0.0",
    METADATAFLOW.reference,
    Reference("MetadataProvider", "TEST", "METADATA_PROVIDERS", "1.0", "AAA"),
    (FLOW.urn,),
    **named("MPA"),
)
CATEGORIES = CategoryScheme(
    "CAT_TEST",
    "TEST",
    "1.0.0",
    (
        Category(
            "A",
            children=(
                Category("B", children=(Category("C", **named("C")),), **DRESS),
                Category("D", **named("D")),
            ),
            **named("A"),
        ),
        Category("B", **named("B again")),
    ),
    **named("Categories"),
)
FILED = Categorisation(
    "CZ_TEST",
    "TEST",
    "1.0.0",
    FLOW.reference,
    Reference("Category", "TEST", "CAT_TEST", "1.0.0", "A.B"),
    **named("Filed"),
)

MADE: tuple[Maintainable, ...] = (
    AGENCIES, FILED, CATEGORIES, CL_SEX, CL_OTHER, CL_EXTENDED, PARTIAL, STUB, CONCEPTS, CONSTRAINT, ACTUAL,
    BY_PROVIDER, FLOW, PROVIDERS, DSD, DSD_MANY, HIERARCHY, ASSOCIATION, METADATAFLOW, METADATA_PROVIDERS,
    METADATA_AGREEMENT, MSD, AGREEMENT, CODE_MAP, WIDE_MAP, VALUES,
)  # fmt: skip
"""In the order in which SDMX-ML 3.0 has them."""


# --- one of every kind, with every field in use ------------------------------------------------------------

LINK = Link(
    "self",
    "https://example.org/?a=1&b=2",
    "urn:sdmx:org.sdmx.infomodel.codelist.Codelist=A:B(1.0)",
    "text/html",
)
PLAIN: dict[str, Any] = {**DRESS, "links": (LINK, Link("alternate", "https://example.org/"))}
DRESSED: dict[str, Any] = {**PLAIN, "uri": "https://example.org/uri?x=<&>"}
NOTED: dict[str, Any] = {"annotations": (NOTE,), "links": (LINK,), "uri": "https://example.org/noted"}
WHOLE: dict[str, Any] = {
    **DRESSED,
    "valid_from": "2020-01-01T00:00:00",
    "valid_to": "2030-12-31T23:59:59Z",
    "is_partial_language": True,
    "structure_url": "https://example.org/structure?a=1&b=2",
    "service_url": "https://example.org/service",
}
SCHEME: dict[str, Any] = {**WHOLE, "is_partial": True}


def full(
    cls: type[Any], id: str, *given: Any, agency: str = "TEST", version: str = "1.0.0", **more: Any
) -> Any:
    """An artefact with all that every artefact has; `given` and `more` are what its kind has."""
    dress = SCHEME if issubclass(cls, ItemScheme) and cls is not ValueList else WHOLE
    return cls(id, agency, version, *given, **{**dress, **more})


def refer(kind: str, id: str, item: str = "", version: str = "1.0.0") -> Reference:
    return Reference(kind, "TEST", id, version, item)


def items(cls: type[Any] = Item, **more: Any) -> tuple[Any, ...]:
    """Three items of a flat scheme, the last below the first."""
    parent = {} if cls is Organisation else {"parent": "ONE"}
    return (
        cls("ONE", **DRESSED, **more),
        cls("TWO", **named("Two"), **more),
        cls("SUB", **parent, **named("Sub"), **more),
    )


CONTACT = Contact(
    "C1",
    NAMES,
    {"en": "Department & co", "fr": "Service"},
    {"en": "Role"},
    (("Telephone", "+1 <2>"), ("Email", "a@example.org"), ("Fax", "3"), ("X400", "x"), ("URI", "https://e.org/?a&b"),
     ("Email", "b@example.org")),
)  # fmt: skip
FORMAT = Representation(
    text_type="Integer",
    facets=(("minValue", "-9"), ("maxValue", "99"), ("startValue", "0"), ("interval", "2")),
    min_occurs="0",
    max_occurs="5",
    sentinels=(SentinelValue("-1", NAMES, {"en": "Not known"}), SentinelValue("-2", {"en": "None"})),
)
SIMPLE = Representation(
    text_type="Alpha",
    facets=(("minLength", "1"), ("pattern", "[A-Z<&]+")),
    sentinels=(SentinelValue("Z", {"en": "z"}),),
)
LIMITS = TimeRange("2000", "2020-Q4", False, False, "2001", "2019")
ANY_VALUES = (
    KeyValues(
        "SEX",
        ("_T", "F"),
        remove_prefix=True,
        cascading=(("_T", "excluderoot"), ("F", "true")),
        valid_from="2000",
        valid_to="2020",
        validity=(("_T", "2003", ""), ("F", "2001", "2002")),
    ),
    KeyValues("COUNTRY", ("X",), include=False, remove_prefix=False),
    KeyValues("TIME_PERIOD", time_range=LIMITS),
    KeyValues(
        "STATUS",
        ("A", "B"),
        is_attribute=True,
        languages=(("A", "fr"),),
        cascading=(("B", "true"),),
        validity=(("A", "2001", "2002"),),
    ),
    KeyValues("DATE", is_attribute=True, time_range=TimeRange("2000")),
    KeyValues("MULT", is_attribute=True, include=False),
)
FULL_REGION = CubeRegion(ANY_VALUES, annotations=(NOTE,))
FULL_KEY = DataKey(
    (KeyValues("SEX", ("F",), remove_prefix=True), KeyValues("STATUS", ("A",), is_attribute=True)),
    valid_from="2000",
    valid_to="2001",
    annotations=(NOTE,),
)
QUERYABLE = QueryableDataSource(
    "https://e.org/a?b&c", "https://e.org/wsdl", "https://e.org/wadl", True, False
)
CALENDAR = ReleaseCalendar("P1M", "P10D", "P5D")
COUNTS = (
    Annotation(id="series_count", title="12", type="sdmx_metrics"),
    Annotation(id="obs_count", title="345", type="sdmx_metrics"),
)

FULL_CODELIST = full(Codelist, "CL_FULL", items(), CL_EXTENDED.extensions)
FULL_GEO = full(
    GeographicCodelist, "CL_GEO", items(GeoFeatureSetCode, value="{'A<B'}"), CL_EXTENDED.extensions
)
FULL_GRID = full(
    GeoGridCodelist, "CL_GRID", items(GeoGridCode, geo_cell="A1 & B2"), CL_EXTENDED.extensions, "A grid <&>"
)
FULL_VALUES = full(
    ValueList,
    "VL_FULL",
    (Item("% <&>", **DRESS), Item("\u00a5"), Item("\u00a5", **named("Yuan")), Item(" blank ")),
)
FULL_CONCEPTS = full(
    ConceptScheme,
    "CS_FULL",
    (
        Concept("ONE", "TWO", FORMAT, ("ISO <&>", "11179", "42"), **DRESSED),
        Concept(
            "TWO",
            representation=Representation(codelist("CL_SEX"), "Alpha", (("maxLength", "3"),)),
            **named("2"),
        ),
    ),
)
FULL_ORGANISATIONS = tuple(
    full(cls, id, items(Organisation, contacts=(CONTACT, Contact())), version="1.0")
    for cls, id in (
        (AgencyScheme, "AGENCIES"),
        (DataConsumerScheme, "DATA_CONSUMERS"),
        (DataProviderScheme, "DATA_PROVIDERS"),
        (MetadataProviderScheme, "METADATA_PROVIDERS"),
    )
)
FULL_UNITS = full(
    OrganisationUnitScheme,
    "UNITS",
    (Organisation("ONE", contacts=(CONTACT,), **DRESSED), Organisation("SUB", "ONE", **named("Sub"))),
    version="1.0",
)
FULL_CATEGORIES = full(
    CategoryScheme,
    "CAT_FULL",
    (Category("A", children=(Category("A", children=(Category("C", **DRESSED),), **DRESSED),), **DRESSED),),
)
FULL_TAXONOMY = full(
    ReportingTaxonomy,
    "RT_FULL",
    (
        ReportingCategory(
            "A",
            children=(
                ReportingCategory("S", structural=(DSD.reference, MSD.reference), **named("S")),
                ReportingCategory("P", provisioning=(FLOW.reference, METADATAFLOW.reference), **named("P")),
            ),
            **DRESSED,
        ),
    ),
)
FULL_FILED = full(Categorisation, "CZ_FULL", FLOW.reference, refer("Category", "CAT_TEST", "A.B"))
FULL_HIERARCHY = full(
    Hierarchy,
    "H_FULL",
    (
        HierarchicalCode(
            "ALL",
            code("_T"),
            HIERARCHY.codes[0].children,
            "L1",
            "2000-01-01T00:00:00",
            "2020-01-01T00:00:00Z",
            **NOTED,
        ),
    ),
    Level(
        "L1",
        Level("L2", coding_format=(("minLength", "2"),), **named("Low")),
        (("textType", "Alpha"), ("maxLength", "3")),
        **DRESSED,
    ),
    True,
)
FULL_ASSOCIATION = full(
    HierarchyAssociation,
    "HA_FULL",
    HIERARCHY.reference,
    refer("Dimension", "DSD_TEST", "SEX"),
    FLOW.reference,
)
ROLES = (concept("FREQ"), concept("VALUE"))
FULL_DSD = full(
    DataStructure,
    "DSD_FULL",
    (
        Dimension("SEX", concept("SEX"), SIMPLE, concept_roles=ROLES, **NOTED),
        Dimension(
            "COUNTRY", concept("C"), Representation(codelist("CL_SEX"), "Alpha", (("maxLength", "3"),))
        ),
        Dimension(
            "TIME_PERIOD",
            concept("TIME"),
            Representation(
                text_type="GregorianTimePeriod",
                facets=(("startTime", "2000"), ("endTime", "2020")),
                sentinels=(SentinelValue("9999", {"en": "Open"}),),
            ),
            is_time=True,
            **NOTED,
        ),
    ),
    (
        Measure("OBS", concept("VALUE"), FORMAT, True, concept_roles=ROLES, **NOTED),
        Measure("M2", concept("VALUE")),
    ),
    (
        Attribute(
            "UNIT", concept("UNIT"), FORMAT, True, "dataflow", (), ("OBS", "M2"), concept_roles=ROLES, **NOTED
        ),
        Attribute(
            "MULT", concept("MULT"), attached="dimensions", to=("SEX", "COUNTRY"), optional=("COUNTRY",)
        ),
        Attribute("TITLE", concept("TITLE"), attached="group", to=("SIBLING",)),
        Attribute("STATUS", concept("STATUS")),
    ),
    (Group("SIBLING", ("SEX", "COUNTRY"), annotations=(NOTE,), uri="https://example.org/group"),),
    refer("MetadataStructure", "MSD_FULL"),
    (
        MetadataAttributeUsage(
            "CONTACT", "dimensions", ("SEX", "COUNTRY"), optional=("SEX",), annotations=(NOTE,), links=(LINK,)
        ),
        MetadataAttributeUsage("METHOD"),
    ),
    (
        Identifiable("DimensionDescriptor", **NOTED),
        Identifiable("AttributeDescriptor", **NOTED),
        Identifiable("MeasureDescriptor", **NOTED),
    ),
    True,
)
FULL_MSD = full(
    MetadataStructure,
    "MSD_FULL",
    (
        MetadataAttribute(
            "CONTACT",
            concept("CONTACT"),
            Representation(text_type="XHTML", sentinels=SIMPLE.sentinels),
            "0",
            "unbounded",
            True,
            (MetadataAttribute("MAIL", concept("MAIL"), min_occurs="1", max_occurs="2"),),
            **NOTED,
        ),
    ),
    (Identifiable("MetadataAttributeDescriptor", **NOTED),),
)
FULL_FLOW = full(Dataflow, "DF_FULL", refer("DataStructure", "DSD_FULL"), ("SEX", "TIME_PERIOD"))
FULL_METADATAFLOW = full(
    Metadataflow, "MDF_FULL", refer("MetadataStructure", "MSD_FULL"), METADATAFLOW.targets
)
FULL_AGREEMENT = full(
    ProvisionAgreement, "PA_FULL", FULL_FLOW.reference, refer("DataProvider", "DATA_PROVIDERS", "AAA", "1.0")
)
FULL_METADATA_AGREEMENT = full(
    MetadataProvisionAgreement,
    "MPA_FULL",
    FULL_METADATAFLOW.reference,
    refer("MetadataProvider", "METADATA_PROVIDERS", "AAA", "1.0"),
    METADATAFLOW.targets,
)
FULL_CONSTRAINT = full(
    DataConstraint,
    "CR_FULL",
    (FLOW.reference, refer("Dataflow", "DF_OTHER")),
    (FULL_REGION, CubeRegion(ANY_VALUES[:1], include=False)),
    (DataKeySet((FULL_KEY, DataKey(FULL_KEY.keys[:1])), include=False), DataKeySet((FULL_KEY,))),
    queryable_sources=(QUERYABLE, QueryableDataSource("https://e.org/b", is_web_service=True)),
    calendar=CALENDAR,
)
OF_SOURCES = full(DataConstraint, "CR_SOURCES", simple_sources=("https://e.org/a?b&c", "https://e.org/b"))
AVAILABLE = DataConstraint(
    "AVAILABILITY_DF_TEST",
    "TEST",
    "1.0.0",
    (FLOW.reference,),
    (CubeRegion(ANY_VALUES, annotations=(NOTE,)),),
    role="Actual",
    annotations=(NOTE, *COUNTS),
)
FULL_METADATA_CONSTRAINT = full(
    MetadataConstraint,
    "MCR_FULL",
    (METADATAFLOW.reference, refer("Metadataflow", "MDF_OTHER")),
    (
        MetadataTargetRegion(
            (
                KeyValues(
                    "CONTACT.MAIL",
                    ("a", "b"),
                    True,
                    None,
                    True,
                    (("a", "true"),),
                    True,
                    languages=(("b", "fr"),),
                    validity=(("a", "2000", "2001"),),
                ),
                KeyValues("DATE", time_range=LIMITS, is_attribute=True),
            ),
            valid_from="2000",
            valid_to="2020",
        ),
        MetadataTargetRegion((KeyValues("METHOD", is_attribute=True),), include=False),
    ),
    queryable_sources=(QUERYABLE,),
    calendar=CALENDAR,
)
FULL_ATTACHMENT = full(
    AttachmentConstraint,
    "ACR_FULL",
    (FLOW.reference,),
    (FULL_REGION,),
    (DataKeySet((FULL_KEY,)),),
    queryable_sources=(QUERYABLE,),
    calendar=CALENDAR,
)
PARTS = Mapping(
    (" F <&> ", "%", "abc"),
    ("X", " Y "),
    "2000-01-01",
    "2020-12-31",
    (True, False, False),
    (("", ""), ("", ""), ("1", "2")),
    (NOTE,),
)
ITEM_MAPS = (
    Mapping(("A",), ("B",), "2000-01-01", "2020-12-31", (True,), (("1", "2"),), (NOTE,)),
    Mapping(("C",), ()),
)
FULL_MAP = full(
    RepresentationMap,
    "RM_FULL",
    (codelist("CL_SEX"), VALUES.reference, "String"),
    (codelist("CL_THIRD"), "Integer"),
    (PARTS, Mapping(("_T", "", "a"), ())),
)
FULL_SCHEME_MAPS = tuple(
    full(cls, id, refer(kind, source, version="1.0"), refer(kind, target, version="1.0"), ITEM_MAPS)
    for cls, id, kind, source, target in (
        (CategorySchemeMap, "CSM_CATEGORIES", "CategoryScheme", "CAT_TEST", "CAT_OTHER"),
        (ConceptSchemeMap, "CSM_CONCEPTS", "ConceptScheme", "CS_TEST", "CS_OTHER"),
        (OrganisationSchemeMap, "OSM_FULL", "DataProviderScheme", "DATA_PROVIDERS", "DATA_PROVIDERS"),
        (ReportingTaxonomyMap, "RTM_FULL", "ReportingTaxonomy", "RT_FULL", "RT_OTHER"),
    )
)
FULL_STRUCTURE_MAP = full(
    StructureMap,
    "SM_FULL",
    refer("DataStructure", "DSD_FULL"),
    FLOW.reference,
    (
        EpochMap(
            "E1",
            (("DATE", "TIME_PERIOD"), ("OTHER", "LAST")),
            "FREQ",
            ("MAP_A", "MAP_B"),
            "",
            "startOfPeriod",
            "1970-01-01",
            "second",
            **NOTED,
        ),
    ),
    (
        DatePatternMap(
            "D1",
            (("DATE", "TIME_PERIOD"),),
            target_frequency="A",
            resolve_period="endOfPeriod",
            source_pattern="dd/MM/yyyy",
            locale="en",
            **NOTED,
        ),
    ),
    (FrequencyFormatMapping("F1", "A", "yyyy <&>", **NOTED),),
    (
        ComponentMap(("SEX", "COUNTRY"), ("S", "C"), FULL_MAP.reference, (NOTE,)),
        ComponentMap(("OBS",), ("OBS_VALUE",)),
    ),
    (FixedValueMap("FREQ", ("A", "<&>"), "target", (NOTE,)), FixedValueMap("UNIT", (), "source")),
)
FULL_PROCESS = full(
    Process,
    "P_FULL",
    (
        ProcessStep(
            "ONE",
            (ProcessArtefact(FLOW.reference, "IN", (NOTE,)),),
            (ProcessArtefact(DSD.reference, "OUT"),),
            Computation(NAMES, "COMP", "R <&>", "R", "4.1", (NOTE,)),
            (Transition("T1", "ONE.TWO", NAMES, "LOCAL", **NOTED),),
            (ProcessStep("TWO", **DRESSED),),
            **DRESSED,
        ),
    ),
)
VTL = {"vtl_version": "2.0"}
FULL_VTL = (
    full(
        CustomTypeScheme,
        "CTS_FULL",
        (CustomType("A", "", "string <&>", "String", "a", "b", "null", **DRESSED),),
        **VTL,
    ),
    full(
        NamePersonalisationScheme,
        "NPS_FULL",
        (NamePersonalisation("A", "", "artefact <&>", "name <&>", "mine", **DRESSED),),
        **VTL,
    ),
    full(
        RulesetScheme,
        "RS_FULL",
        (Ruleset("A", "", "define <&> ...", "datapoint", "variable", **DRESSED),),
        mapping_scheme=refer("VtlMappingScheme", "VMS_FULL"),
        **VTL,
    ),
    full(
        TransformationScheme,
        "TS_FULL",
        (Transformation("A", "", " a := b < c ", "a", True, **DRESSED),),
        mapping_scheme=refer("VtlMappingScheme", "VMS_FULL"),
        name_personalisation_scheme=refer("NamePersonalisationScheme", "NPS_FULL"),
        custom_type_scheme=refer("CustomTypeScheme", "CTS_FULL"),
        ruleset_schemes=(refer("RulesetScheme", "RS_FULL"), refer("RulesetScheme", "RS_OTHER")),
        operator_schemes=(refer("UserDefinedOperatorScheme", "UDO_FULL"),),
        **VTL,
    ),
    full(
        UserDefinedOperatorScheme,
        "UDO_FULL",
        (UserDefinedOperator("A", "", "define <&>", **DRESSED),),
        mapping_scheme=refer("VtlMappingScheme", "VMS_FULL"),
        ruleset_schemes=(refer("RulesetScheme", "RS_FULL"),),
        **VTL,
    ),
    full(
        VtlMappingScheme,
        "VMS_FULL",
        (
            VtlMapping(
                "A",
                "",
                "alias <&>",
                FLOW.reference,
                VtlFlowMapping("Basic", ("SEX", "COUNTRY")),
                VtlFlowMapping("Pivot", ("SEX",)),
                **DRESSED,
            ),
            VtlMapping("B", "", "any", None, VtlFlowMapping(), **named("B")),
            VtlMapping("C", "", "list", codelist("CL_SEX"), **named("C")),
            VtlMapping("D", "", "concept", concept("SEX"), **named("D")),
        ),
    ),
)

FULL: tuple[Maintainable, ...] = (
    *FULL_ORGANISATIONS, FULL_UNITS, FULL_FILED, FULL_CATEGORIES, FULL_CODELIST, FULL_CONCEPTS,
    FULL_CONSTRAINT, FULL_ATTACHMENT, FULL_METADATA_CONSTRAINT, FULL_FLOW, FULL_DSD, FULL_GEO, FULL_GRID,
    FULL_HIERARCHY, FULL_ASSOCIATION, FULL_METADATAFLOW, FULL_METADATA_AGREEMENT, FULL_MSD,
    FULL_PROCESS, FULL_AGREEMENT,
    FULL_TAXONOMY, *FULL_SCHEME_MAPS, FULL_MAP, FULL_STRUCTURE_MAP, FULL_VALUES, *FULL_VTL,
)  # fmt: skip
"""One of every kind with every field that its kind has in use, where fields do not exclude each other."""

# the measure dimension of SDMX 2.1, whose values are concepts
DSD_21 = DataStructure(
    "DSD_21",
    "TEST",
    "1.0",
    dimensions=(
        Dimension("SEX", concept("SEX")),
        Dimension(
            "MEASURE", concept("VALUE"), Representation(refer("ConceptScheme", "CS_TEST")), is_measure=True
        ),
    ),
    measures=(Measure("OBS_VALUE", concept("VALUE")),),
    attributes=(
        Attribute(
            "TITLE", concept("TITLE"), attached="dimensions", to=("SEX",), attachment_groups=("SIBLING",)
        ),
    ),
    groups=(Group("SIBLING", ("SEX",)),),
    **named("2.1"),
)
SPECIALS: tuple[Maintainable, ...] = (OF_SOURCES, AVAILABLE, DSD_21)
"""What only one generation has a form for."""


@cache
def content() -> tuple[Maintainable, ...]:
    """What dsd/ and codelists/ hold."""
    files = sorted(path for folder in ("codelists", "dsd") for path in (ROOT / folder).rglob("*.xml"))
    return tuple(artefact for path in files for artefact in read_structures(path.read_bytes(), str(path)))


@cache
def schema(path: str) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(path))


def faults(message: bytes, path: str) -> list[str]:
    """What the official schema at `path` says against a message."""
    judge = schema(path)
    judge.validate(etree.fromstring(message))
    return [f"{entry.line}: {entry.message}" for entry in judge.error_log]
