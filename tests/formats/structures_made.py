"""Artefacts made by hand, one of every kind with every field in use, and what the structure tests share."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from lxml import etree

from migdx.formats.header import Header
from migdx.formats.ml30_structure_reader import read_structures
from migdx.structures import (
    AgencyScheme,
    Annotation,
    Attribute,
    Categorisation,
    Category,
    CategoryScheme,
    Codelist,
    CodelistExtension,
    Concept,
    ConceptScheme,
    CubeRegion,
    DataConstraint,
    Dataflow,
    DataKeySet,
    DataProviderScheme,
    DataStructure,
    Dimension,
    Group,
    HierarchicalCode,
    Hierarchy,
    HierarchyAssociation,
    Item,
    KeyValues,
    Level,
    Maintainable,
    Mapping,
    Measure,
    MetadataAttribute,
    MetadataAttributeUsage,
    Metadataflow,
    MetadataProviderScheme,
    MetadataProvisionAgreement,
    MetadataStructure,
    ProvisionAgreement,
    Representation,
    RepresentationMap,
    TimeRange,
    ValueList,
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
    "DATA_PROVIDERS", "TEST", "1.0", (Item("AAA", **DRESS), Item("BBB", **named("B"))), **named("Providers")
)
METADATA_PROVIDERS = MetadataProviderScheme(
    "METADATA_PROVIDERS", "TEST", "1.0", (Item("AAA", **named("A")),), **named("P")
)
AGENCIES = AgencyScheme("AGENCIES", "SDMX", "1.0", (Item("TEST", **DRESS),), **named("Agencies"))
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
    "Allowed",
    (AGREEMENT.reference,),
    (REGION, CubeRegion((), include=False)),
    **named("C"),
)
ACTUAL = DataConstraint(
    "CR_ACTUAL",
    "TEST",
    "1.0.0",
    "Actual",
    (FLOW.reference, Reference("Dataflow", "TEST", "DF_OTHER", "1.0.0")),
    (CubeRegion((KeyValues("TIME_PERIOD", time_range=TimeRange("2000-01-01", start_included=False)),)),),
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
            ((KeyValues("SEX", ("F",)), KeyValues("COUNTRY", ("X",))), (KeyValues("SEX", ("_T",)),)),
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
    (Mapping((" F ", "%", ".*"), ("X", ""), regular_expression=True), Mapping(("_T", "", "a"), ())),
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
