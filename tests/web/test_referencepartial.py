"""detail=referencepartial for every type of scheme, as doc/structures.md of sdmx-rest says (v2.2.2)."""

import pytest

from migdx.items import walk
from migdx.query import StructureQuery
from migdx.registry import Registry
from migdx.selection import select
from migdx.structures import (
    AgencyScheme,
    Categorisation,
    Category,
    CategoryScheme,
    CategorySchemeMap,
    Codelist,
    Concept,
    ConceptScheme,
    ConceptSchemeMap,
    CubeRegion,
    DataConstraint,
    DataConsumerScheme,
    Dataflow,
    DataProviderScheme,
    DataStructure,
    Dimension,
    GeoFeatureSetCode,
    GeographicCodelist,
    HierarchicalCode,
    Hierarchy,
    Item,
    KeyValues,
    Mapping,
    Measure,
    MetadataAttribute,
    Metadataflow,
    MetadataProviderScheme,
    MetadataProvisionAgreement,
    MetadataStructure,
    Organisation,
    OrganisationSchemeMap,
    OrganisationUnitScheme,
    ProvisionAgreement,
    ReportingCategory,
    ReportingTaxonomy,
    ReportingTaxonomyMap,
    Representation,
    RepresentationMap,
)
from migdx.urn import Reference
from migdx.web.partial import partial

NAMED = {"names": {"en": "A name"}}


def ref(kind, id, item="", version="1.0"):
    return Reference(kind, "T", id, version, item)


def items(cls=Item, ids="ABC"):
    return tuple(cls(id, **NAMED) for id in ids)


def scheme(cls, id, item=Item, ids="ABC"):
    return cls(id, "T", items=items(item, ids), **NAMED)


def filed(id, kind, of, item, category="A"):
    return Categorisation(
        id, "T", source=ref(kind, of, item), target=ref("Category", "CATEGORIES", category), **NAMED
    )


ONE = (Mapping(("A",), ("B",)),)


def maps(cls, id, kind, of, to, mappings=ONE):
    return cls(id, "T", source=ref(kind, of), target=ref(kind, to), mappings=mappings, **NAMED)


def coded(id):
    return Representation(ref("Codelist", id))


NESTED = Category("A", children=(Category("X", **NAMED), Category("Y", **NAMED)), **NAMED)
WORLD = [
    AgencyScheme(
        "AGENCIES", "SDMX", items=(Organisation("SDMX", **NAMED), Organisation("T", **NAMED),
                                   Organisation("OTHER", **NAMED)), **NAMED,
    ),
    CategoryScheme("CATEGORIES", "T", items=(NESTED, *items(Category, "BC")), **NAMED),
    scheme(CategoryScheme, "CATEGORIES_2", Category),
    scheme(Codelist, "CL_FREE"), scheme(Codelist, "CL_LIMITED"), scheme(Codelist, "CL_PLACED"),
    scheme(Codelist, "CL_MAPPED"), scheme(Codelist, "CL_MAPPED_2"), scheme(Codelist, "CL_METADATA"),
    scheme(GeographicCodelist, "CL_GEO", GeoFeatureSetCode),
    scheme(ConceptScheme, "CONCEPTS", Concept, ("FREE", "LIMITED", "OBS_VALUE", "A", "UNUSED")),
    scheme(ConceptScheme, "CONCEPTS_2", Concept),
    scheme(DataConsumerScheme, "DATA_CONSUMERS", Organisation),
    scheme(DataProviderScheme, "DATA_PROVIDERS", Organisation),
    scheme(MetadataProviderScheme, "METADATA_PROVIDERS", Organisation),
    scheme(OrganisationUnitScheme, "UNITS", Organisation),
    scheme(OrganisationUnitScheme, "UNITS_2", Organisation),
    scheme(ReportingTaxonomy, "TAXONOMY", ReportingCategory),
    scheme(ReportingTaxonomy, "TAXONOMY_2", ReportingCategory),
    DataStructure(
        "DSD", "T",
        dimensions=(Dimension("FREE", ref("Concept", "CONCEPTS", "FREE"), coded("CL_FREE")),
                    Dimension("LIMITED", ref("Concept", "CONCEPTS", "LIMITED"), coded("CL_LIMITED"))),
        measures=(Measure("OBS_VALUE", ref("Concept", "CONCEPTS", "OBS_VALUE")),), **NAMED,
    ),
    Dataflow("DF", "T", structure=ref("DataStructure", "DSD"), **NAMED),
    DataConstraint("CR", "T", attachment=(ref("Dataflow", "DF"),),
                   regions=(CubeRegion((KeyValues("LIMITED", ("A", "C")),)),), **NAMED),
    ProvisionAgreement("PA", "T", dataflow=ref("Dataflow", "DF"),
                       provider=ref("DataProvider", "DATA_PROVIDERS", "B"), **NAMED),
    MetadataStructure("MSD", "T", attributes=(
        MetadataAttribute("A", ref("Concept", "CONCEPTS", "A"), coded("CL_METADATA")),), **NAMED),
    Metadataflow("MDF", "T", structure=ref("MetadataStructure", "MSD"), **NAMED),
    MetadataProvisionAgreement("MPA", "T", metadataflow=ref("Metadataflow", "MDF"),
                               provider=ref("MetadataProvider", "METADATA_PROVIDERS", "C"), **NAMED),
    Hierarchy("H", "T", codes=(
        HierarchicalCode("X", code=ref("Code", "CL_PLACED", "B")),
        HierarchicalCode("Y", code=ref("Code", "CL_METADATA", "B")),
        HierarchicalCode("Z", code=ref("Code", "CL_GEO", "B"))), **NAMED),
    filed("CZ_NESTED", "Dataflow", "DF", "", "A.X"),
    filed("CZ_CONSUMER", "DataConsumer", "DATA_CONSUMERS", "A"),
    filed("CZ_UNIT", "OrganisationUnit", "UNITS", "A"),
    filed("CZ_REPORTING", "ReportingCategory", "TAXONOMY", "C"),
    maps(CategorySchemeMap, "CSM", "CategoryScheme", "CATEGORIES", "CATEGORIES_2"),
    maps(ConceptSchemeMap, "COM", "ConceptScheme", "CONCEPTS", "CONCEPTS_2"),
    maps(ConceptSchemeMap, "COM_ANY", "ConceptScheme", "CONCEPTS", "CONCEPTS_2",
         (Mapping((".*",), ("B",), regular_expressions=(True,)),)),
    maps(OrganisationSchemeMap, "OSM", "OrganisationUnitScheme", "UNITS", "UNITS_2"),
    maps(ReportingTaxonomyMap, "RTM", "ReportingTaxonomy", "TAXONOMY", "TAXONOMY_2"),
    RepresentationMap("RM", "T", sources=(ref("Codelist", "CL_MAPPED"),),
                      targets=(ref("Codelist", "CL_MAPPED_2"),),
                      mappings=(Mapping(("A",), ("B",)), Mapping(("C",), ("B",))), **NAMED),
]  # fmt: skip


@pytest.fixture(scope="module")
def registry():
    found = Registry(WORLD)
    found.check()
    return found


def shown(registry, kind, id, *references):
    """Scheme -> the paths of its items, of what is not asked for; whole ones end with `*`."""
    query = StructureQuery((kind,), ids=(id,), references=references, detail="referencepartial")
    selection = select(registry, query)
    found = partial(selection.found, {artefact.urn for artefact in selection.asked}, registry)
    return {
        artefact.id: " ".join(path for path, _ in walk(artefact.items))
        + ("" if artefact.is_partial else " *")
        for artefact in found
        if hasattr(artefact, "items") and artefact.id != id
    }


@pytest.mark.parametrize(
    ("kind", "id", "references", "expected"),
    [
        # the example at the end of the table: a dataflow and all around it
        (
            "Dataflow", "DF", ("all",),
            {"AGENCIES": "SDMX T", "CONCEPTS": "FREE LIMITED OBS_VALUE", "CL_FREE": "A B C *",
             "CL_LIMITED": "A C", "DATA_PROVIDERS": "B", "CATEGORIES": "A A.X"},
        ),
        # constraints that are not in the answer limit nothing
        ("DataStructure", "DSD", ("children",), {"CL_LIMITED": "A B C *", "CL_FREE": "A B C *"}),
        ("DataConstraint", "CR", ("descendants",), {"CL_LIMITED": "A C", "CL_FREE": "A B C *"}),
        ("Categorisation", "CZ_NESTED", ("children",), {"CATEGORIES": "A A.X"}),
        ("Categorisation", "CZ_CONSUMER", ("children",), {"DATA_CONSUMERS": "A", "CATEGORIES": "A"}),
        ("Categorisation", "CZ_UNIT", ("children",), {"UNITS": "A"}),
        ("Categorisation", "CZ_REPORTING", ("children",), {"TAXONOMY": "C"}),
        ("CategorySchemeMap", "CSM", ("children",), {"CATEGORIES": "A", "CATEGORIES_2": "B"}),
        ("ConceptSchemeMap", "COM", ("children",), {"CONCEPTS": "A", "CONCEPTS_2": "B"}),
        ("ConceptSchemeMap", "COM_ANY", ("children",), {"CONCEPTS": "FREE LIMITED OBS_VALUE A UNUSED *"}),
        ("OrganisationSchemeMap", "OSM", ("children",), {"UNITS": "A", "UNITS_2": "B"}),
        ("ReportingTaxonomyMap", "RTM", ("children",), {"TAXONOMY": "A", "TAXONOMY_2": "B"}),
        ("RepresentationMap", "RM", ("children",), {"CL_MAPPED": "A C", "CL_MAPPED_2": "B"}),
        ("Hierarchy", "H", ("children",), {"CL_PLACED": "B", "CL_METADATA": "B", "CL_GEO": "B"}),
        ("MetadataStructure", "MSD", ("children",), {"CONCEPTS": "A", "CL_METADATA": "A B C *"}),
        (
            "MetadataProvisionAgreement", "MPA", ("descendants",),
            {"METADATA_PROVIDERS": "C", "CONCEPTS": "A", "CL_METADATA": "A B C *", "AGENCIES": "SDMX T"},
        ),
        ("ProvisionAgreement", "PA", ("children",), {"DATA_PROVIDERS": "B"}),
    ],
)  # fmt: skip
def test_schemes_have_what_the_answer_uses(registry, kind, id, references, expected):
    found = shown(registry, kind, id, *references)
    assert {scheme: found[scheme] for scheme in expected} == expected


def test_a_list_that_metadata_may_use_stays_whole_beside_a_hierarchy(registry):
    query = StructureQuery(
        ("Hierarchy", "MetadataStructure"), references=("children",), detail="referencepartial"
    )
    selection = select(registry, query)
    found = partial(selection.found, {artefact.urn for artefact in selection.asked}, registry)
    (listed,) = (artefact for artefact in found if artefact.id == "CL_METADATA")
    assert len(listed.items) == 3


def test_what_is_asked_for_stays_whole(registry):
    query = StructureQuery(("Codelist",), ids=("CL_PLACED",), references=("all",), detail="referencepartial")
    selection = select(registry, query)
    found = partial(selection.found, {artefact.urn for artefact in selection.asked}, registry)
    assert len(found[0].items) == 3
