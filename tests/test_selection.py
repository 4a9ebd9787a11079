"""References of structure queries: for every kind exactly what doc/structures.md (sdmx-rest v2.2.2) says.

One registry holds every kind; each refers to all that its model allows, and what may refer to anything
(categorisations, processes, metadataflows and their agreements, hierarchy associations) refers to everything.
"""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migdx.errors import NotFound
from migdx.items import walk
from migdx.query import StructureQuery
from migdx.registry import Registry
from migdx.search import Index, index_of
from migdx.selection import select, selected
from migdx.structures import (
    KINDS,
    AgencyScheme,
    Annotation,
    AttachmentConstraint,
    Categorisation,
    Category,
    CategoryScheme,
    CategorySchemeMap,
    Codelist,
    CodelistExtension,
    ComponentMap,
    Concept,
    ConceptScheme,
    ConceptSchemeMap,
    CustomType,
    CustomTypeScheme,
    DataConstraint,
    DataConsumerScheme,
    Dataflow,
    DataProviderScheme,
    DataStructure,
    Dimension,
    GeographicCodelist,
    GeoGridCodelist,
    HierarchicalCode,
    Hierarchy,
    HierarchyAssociation,
    Item,
    MetadataAttribute,
    MetadataConstraint,
    Metadataflow,
    MetadataProviderScheme,
    MetadataProvisionAgreement,
    MetadataStructure,
    NamePersonalisationScheme,
    OrganisationSchemeMap,
    OrganisationUnitScheme,
    Process,
    ProcessArtefact,
    ProcessStep,
    ProvisionAgreement,
    ReportingCategory,
    ReportingTaxonomy,
    ReportingTaxonomyMap,
    Representation,
    RepresentationMap,
    RulesetScheme,
    StructureMap,
    TransformationScheme,
    UserDefinedOperatorScheme,
    ValueList,
    VtlMapping,
    VtlMappingScheme,
)
from migdx.urn import Reference

ANYTHING = {"Categorisation", "Metadataflow", "MetadataProvisionAgreement", "Process"}
"""What may refer to anything; hierarchy associations too, but the table leaves them out in some rows."""

TABLE = """
AgencyScheme | *
Categorisation | *
CategoryScheme | AgencyScheme CategorySchemeMap
CategorySchemeMap | AgencyScheme CategoryScheme HierarchyAssociation
Codelist | AgencyScheme Codelist ConceptScheme DataStructure Hierarchy HierarchyAssociation \
MetadataStructure RepresentationMap VtlMappingScheme
ConceptScheme | AgencyScheme Codelist ConceptSchemeMap DataStructure HierarchyAssociation \
MetadataStructure VtlMappingScheme ValueList
ConceptSchemeMap | AgencyScheme ConceptScheme HierarchyAssociation
CustomTypeScheme | AgencyScheme HierarchyAssociation TransformationScheme
DataConstraint | AgencyScheme Dataflow DataProviderScheme DataStructure HierarchyAssociation \
ProvisionAgreement
DataConsumerScheme | AgencyScheme HierarchyAssociation OrganisationSchemeMap
Dataflow | AgencyScheme DataConstraint DataStructure HierarchyAssociation ProvisionAgreement \
ReportingTaxonomy StructureMap VtlMappingScheme
DataProviderScheme | AgencyScheme DataConstraint HierarchyAssociation OrganisationSchemeMap \
ProvisionAgreement
DataStructure | AgencyScheme Codelist ConceptScheme DataConstraint Dataflow HierarchyAssociation \
MetadataStructure StructureMap ValueList
Hierarchy | AgencyScheme Codelist HierarchyAssociation
HierarchyAssociation | *
MetadataConstraint | AgencyScheme HierarchyAssociation MetadataProviderScheme MetadataStructure
Metadataflow | *
MetadataProviderScheme | AgencyScheme HierarchyAssociation MetadataConstraint OrganisationSchemeMap
MetadataProvisionAgreement | *
MetadataStructure | AgencyScheme Codelist ConceptScheme DataStructure HierarchyAssociation \
MetadataConstraint ValueList
NamePersonalisationScheme | AgencyScheme TransformationScheme
OrganisationSchemeMap | AgencyScheme DataConsumerScheme DataProviderScheme HierarchyAssociation \
MetadataProviderScheme OrganisationUnitScheme
OrganisationUnitScheme | AgencyScheme OrganisationSchemeMap
Process | *
ProvisionAgreement | AgencyScheme DataConstraint Dataflow DataProviderScheme HierarchyAssociation
ReportingTaxonomy | AgencyScheme HierarchyAssociation Dataflow ReportingTaxonomyMap
ReportingTaxonomyMap | AgencyScheme HierarchyAssociation ReportingTaxonomy
RepresentationMap | AgencyScheme Codelist HierarchyAssociation ValueList StructureMap
RulesetScheme | AgencyScheme HierarchyAssociation TransformationScheme VtlMappingScheme \
UserDefinedOperatorScheme
StructureMap | AgencyScheme Dataflow DataStructure HierarchyAssociation RepresentationMap
TransformationScheme | AgencyScheme CustomTypeScheme HierarchyAssociation NamePersonalisationScheme \
RulesetScheme UserDefinedOperatorScheme VtlMappingScheme
UserDefinedOperatorScheme | AgencyScheme HierarchyAssociation TransformationScheme VtlMappingScheme \
RulesetScheme
ValueList | AgencyScheme ConceptScheme DataStructure MetadataStructure RepresentationMap
VtlMappingScheme | AgencyScheme Codelist ConceptScheme Dataflow HierarchyAssociation RulesetScheme \
TransformationScheme UserDefinedOperatorScheme
"""
"""The first level of every kind, both ways, without ANYTHING. It differs from the published table where that
contradicts itself or the information model: a StructureMap uses RepresentationMaps, a
UserDefinedOperatorScheme uses RulesetSchemes, a ConceptScheme ValueLists (as the row of ValueList says); the
published row of CategorySchemeMap has ReportingTaxonomy, which it cannot map.
"""

ROWS = {
    kind.strip(): set(found.split())
    for kind, _, found in (row.partition("|") for row in TABLE.split("\n") if row)
}
NOT_ASSOCIATED = {kind for kind, found in ROWS.items() if not found & {"*", "HierarchyAssociation"}}
"""Kinds in whose row the table has no HierarchyAssociation: none is made for them."""


def ref(kind, id="", version="1.0.0", item=""):
    return Reference(kind, "T", id or f"{kind}_1", version, item)


def made(cls, **fields):
    return cls(fields.pop("id", f"{cls.kind}_1"), "T", fields.pop("version", "1.0.0"), **fields)


def schemes():
    yield AgencyScheme("AGENCIES", "SDMX", "1.0", (Item("SDMX"), Item("T")))
    yield made(CategoryScheme, items=(Category("A", children=(Category("B", children=(Category("C"),)),)),))
    yield made(Codelist, items=(Item("X"), Item("Y", "X")))
    yield made(Codelist, id="WIDER", items=(Item("Z"),), extensions=(CodelistExtension(ref("Codelist")),))
    yield made(GeographicCodelist)
    yield made(GeoGridCodelist)
    yield made(ValueList, items=(Item("%"),))
    yield made(
        ConceptScheme,
        items=(
            Concept("C", representation=Representation(ref("Codelist"))),
            Concept("V", representation=Representation(ref("ValueList"))),
            Concept("N"),
        ),
    )
    yield made(DataProviderScheme, items=(Item("P"), Item("Q")))
    yield made(DataConsumerScheme, items=(Item("P"),))
    yield made(MetadataProviderScheme, items=(Item("P"),))
    yield made(OrganisationUnitScheme, items=(Item("P"), Item("Q", "P")))
    yield made(
        ReportingTaxonomy,
        items=(ReportingCategory("R", provisioning=(ref("Dataflow"), ref("Metadataflow"))),),
    )


def vtl():
    mapping, rulesets = ref("VtlMappingScheme"), (ref("RulesetScheme"),)
    yield made(CustomTypeScheme, items=(CustomType("T"),))
    yield made(NamePersonalisationScheme)
    yield made(RulesetScheme, mapping_scheme=mapping)
    yield made(UserDefinedOperatorScheme, mapping_scheme=mapping, ruleset_schemes=rulesets)
    yield made(
        VtlMappingScheme,
        items=tuple(
            VtlMapping(target.kind, mapped=target)
            for target in (ref("Dataflow"), ref("Codelist"), ref("Concept", "ConceptScheme_1", item="C"))
        ),
    )
    yield made(
        TransformationScheme, mapping_scheme=mapping, ruleset_schemes=rulesets,
        name_personalisation_scheme=ref("NamePersonalisationScheme"),
        custom_type_scheme=ref("CustomTypeScheme"), operator_schemes=(ref("UserDefinedOperatorScheme"),),
    )  # fmt: skip


def maps():
    code_map = ref("RepresentationMap")
    yield made(RepresentationMap, sources=(ref("Codelist"),), targets=(ref("ValueList"),))
    yield made(
        StructureMap, source=ref("Dataflow"), target=ref("DataStructure"),
        components=(ComponentMap(("D",), ("D",), code_map),),
    )  # fmt: skip
    yield made(CategorySchemeMap, source=ref("CategoryScheme"), target=ref("CategoryScheme"))
    yield made(ConceptSchemeMap, source=ref("ConceptScheme"), target=ref("ConceptScheme"))
    yield made(ReportingTaxonomyMap, source=ref("ReportingTaxonomy"), target=ref("ReportingTaxonomy"))
    yield made(OrganisationSchemeMap, source=ref("DataProviderScheme"), target=ref("DataConsumerScheme"))
    yield made(
        OrganisationSchemeMap, id="OTHER", source=ref("MetadataProviderScheme"),
        target=ref("OrganisationUnitScheme"),
    )  # fmt: skip


def structures():
    concept = ref("Concept", "ConceptScheme_1", item="N")
    yield made(
        DataStructure,
        dimensions=(
            # a reference with a wildcard leads to what it resolves to
            Dimension("D", concept, Representation(ref("Codelist", version="1+.0.0"))),
            Dimension("E", concept, Representation(ref("ValueList"))),
        ),
        metadata=ref("MetadataStructure"),
    )
    yield made(
        MetadataStructure,
        attributes=(
            MetadataAttribute("M", concept, Representation(ref("Codelist"))),
            MetadataAttribute("N", concept, Representation(ref("ValueList"))),
        ),
    )
    yield made(Dataflow, structure=ref("DataStructure"))
    provider = ref("DataProvider", "DataProviderScheme_1", item="P")
    metadata_provider = ref("MetadataProvider", "MetadataProviderScheme_1", item="P")
    yield made(ProvisionAgreement, dataflow=ref("Dataflow"), provider=provider)
    yield made(
        MetadataProvisionAgreement, metadataflow=ref("Metadataflow"), provider=metadata_provider,
        targets=("urn:sdmx:org.sdmx.infomodel.*.*=*:*(*)",),
    )  # fmt: skip
    everything = ("urn:sdmx:org.sdmx.infomodel.*.*=*:*(*)",)
    yield made(Metadataflow, structure=ref("MetadataStructure"), targets=everything)
    attached = (ref("DataStructure"), ref("Dataflow"), ref("ProvisionAgreement"), provider)
    yield made(DataConstraint, attachment=attached)
    yield made(AttachmentConstraint, attachment=(ref("DataStructure"),))
    yield made(
        MetadataConstraint,
        attachment=(
            ref("MetadataStructure"), ref("Metadataflow"), ref("MetadataProvisionAgreement"),
            metadata_provider,
        ),
    )  # fmt: skip
    yield made(Hierarchy, codes=(HierarchicalCode("X", code=ref("Code", "Codelist_1", item="X")),))


def pointers(others):
    """A categorisation, an association and a step of a process for everything there is."""
    category = ref("Category", "CategoryScheme_1", item="A.B")
    named = [*others, *(made(KINDS[kind]) for kind in ("Categorisation", "Process", "HierarchyAssociation"))]
    for number, artefact in enumerate(named, start=1):
        yield made(Categorisation, id=f"Categorisation_{number}", source=artefact.reference, target=category)
    inputs = tuple(ProcessArtefact(artefact.reference) for artefact in named if artefact.kind != "Process")
    yield made(Process, steps=(ProcessStep("S", inputs=inputs),))
    yield made(Process, id="Process_2", steps=(ProcessStep("S", inputs=(ProcessArtefact(ref("Process")),)),))
    linked = [artefact for artefact in named if artefact.kind not in NOT_ASSOCIATED]
    for number, artefact in enumerate(linked, start=1):
        yield made(
            HierarchyAssociation, id=f"HierarchyAssociation_{number}", hierarchy=ref("Hierarchy"),
            linked=artefact.reference, context=ref("Dataflow"),
        )  # fmt: skip


@pytest.fixture(scope="module")
def registry():
    plain = [*schemes(), *vtl(), *maps(), *structures()]
    return Registry([*plain, *pointers(plain)])


def asked(registry, kind, *ids, **more):
    return select(registry, StructureQuery((kind,), ids=ids or (f"{kind}_1",), **more))


def kinds(artefacts):
    return {artefact.kind for artefact in artefacts}


def ids(artefacts):
    return {artefact.id for artefact in artefacts}


def test_the_registry_and_the_table_have_every_kind(registry):
    assert kinds(registry) == set(KINDS)
    assert set(ROWS) == set(KINDS) - {"AttachmentConstraint", "GeographicCodelist", "GeoGridCodelist"}


@pytest.mark.parametrize("kind", ROWS)
def test_the_first_level_is_the_table_s(registry, kind):
    found = kinds(asked(registry, kind, "*", references=("parents", "children")).related)
    if "*" in ROWS[kind]:
        left_out = NOT_ASSOCIATED if kind == "HierarchyAssociation" else set()
        assert found == set(KINDS) - {kind} - left_out
    else:
        # of lists the one that extends the other is among those asked for
        assert found - {"AttachmentConstraint"} == (ROWS[kind] | ANYTHING) - {kind}


def test_parents_and_children_are_those(registry):
    def names(*words):
        found = asked(registry, "ProvisionAgreement", references=words).related
        return {a.id for a in found if a.kind not in ANYTHING | {"HierarchyAssociation"}}

    up = {"DataConstraint_1"}
    down = {"AGENCIES", "Dataflow_1", "DataProviderScheme_1"}
    siblings = {"AGENCIES", "DataProviderScheme_1", "Dataflow_1", "DataStructure_1"}
    assert names("none") == set()
    assert names("children") == down
    assert names("parents") == up
    assert up | siblings <= names("parentsandsiblings")
    assert up <= names("ancestors")
    deep = {
        "DataStructure_1", "MetadataStructure_1", "Codelist_1", "ValueList_1", "ConceptScheme_1", *down,
    }  # fmt: skip
    assert names("descendants") == deep
    assert names("all") == names("parentsandsiblings") | deep
    assert names("Codelist", "Dataflow") == {"Codelist_1", "Dataflow_1"}
    assert names("DataConstraint") == up


def test_ancestors_are_of_any_level(registry):
    found = ids(asked(registry, "ConceptScheme", references=("ancestors",)).related)
    assert {"DataStructure_1", "Dataflow_1", "ProvisionAgreement_1", "DataConstraint_1"} <= found
    assert "ProvisionAgreement_1" not in ids(
        asked(registry, "ConceptScheme", references=("parents",)).related
    )


def test_what_is_kept_elsewhere_does_not_fail_a_query():
    flow = made(Dataflow, structure=ref("DataStructure"))
    found = selected(Registry([flow]), StructureQuery(("Dataflow",), references=("all",)))
    assert found == [flow]


def test_an_agency_below_another_is_listed_by_it():
    schemes = (
        AgencyScheme("AGENCIES", "SDMX", "1.0", (Item("T"),)),
        AgencyScheme("AGENCIES", "T", "1.0", (Item("SUB"),)),
    )
    registry = Registry([*schemes, Codelist("L", "T.SUB", "1.0.0"), Codelist("K", "SUB", "1.0.0")])
    (scheme,) = asked(registry, "Codelist", "L", references=("children",)).related
    assert scheme.agency == "T"
    assert asked(registry, "Codelist", "K", references=("children",)).related == ()


# --- items --------------------------------------------------------------------------------------------------


def items_of(selection):
    (scheme,) = selection.asked
    assert scheme.is_partial
    return [path for path, _ in walk(scheme.items)]


def test_items_come_with_their_ancestors_and_without_their_children(registry):
    assert items_of(asked(registry, "CategoryScheme", items=("A",))) == ["A"]
    assert items_of(asked(registry, "CategoryScheme", items=("A.B",))) == ["A", "A.B"]
    assert items_of(asked(registry, "CategoryScheme", items=("A.B.C", "NO"))) == ["A", "A.B", "A.B.C"]
    assert items_of(asked(registry, "Codelist", items=("Y",))) == ["X", "Y"]
    assert items_of(asked(registry, "Codelist", items=("X",))) == ["X"]
    assert items_of(asked(registry, "OrganisationUnitScheme", items=("Q",))) == ["P", "Q"]
    assert items_of(asked(registry, "ValueList", items=("%",))) == ["%"]
    assert items_of(asked(registry, "Codelist", "WIDER", items=("X", "Z"))) == ["Z", "X"]


@pytest.mark.parametrize("item", ["B", "C", "A.C", "A.B.C.D"])
def test_items_that_nest_are_named_by_their_path(registry, item):
    with pytest.raises(NotFound, match=item):
        asked(registry, "CategoryScheme", items=(item,))


def test_references_are_those_of_the_items(registry):
    def near(kind, item, word):
        found = asked(registry, kind, items=(item,), references=(word,)).related
        return {a.id for a in found if a.kind not in {"HierarchyAssociation"}}

    assert near("ConceptScheme", "C", "children") == {"AGENCIES", "Codelist_1"}
    assert near("ConceptScheme", "N", "children") == {"AGENCIES"}
    assert near("ConceptScheme", "N", "parents") == {"DataStructure_1", "MetadataStructure_1"}
    assert near("ConceptScheme", "C", "parents") == {"VtlMappingScheme_1"}
    assert near("DataProviderScheme", "P", "parents") == {"ProvisionAgreement_1", "DataConstraint_1"}
    assert near("DataProviderScheme", "Q", "parents") == set()
    # the parent of B is filed under too: its references are given with it
    filed = asked(registry, "CategoryScheme", items=("A.B",), references=("Categorisation",)).related
    assert kinds(filed) == {"Categorisation"}
    assert not asked(registry, "CategoryScheme", items=("A",), references=("Categorisation",)).related


def test_an_agency_s_parents_are_what_it_maintains(registry):
    found = asked(registry, "AgencyScheme", "AGENCIES", items=("T",), references=("parents",)).related
    assert len(found) == len(registry) - 1
    assert not asked(registry, "AgencyScheme", "AGENCIES", items=("SDMX",), references=("parents",)).related


def test_the_hierarchies_of_a_2_1_list_are_its_items(registry):
    assert asked(registry, "Hierarchy", items=("Hierarchy_1",)).asked
    with pytest.raises(NotFound):
        asked(registry, "Hierarchy", items=("OTHER",))


# --- detail -------------------------------------------------------------------------------------------------


def test_stubs(registry):
    def externals(detail):
        found = asked(registry, "Dataflow", references=("DataStructure",), detail=detail)
        return [a.is_external for a in (*found.asked, *found.related)]

    assert externals("full") == externals("raw") == externals("referencepartial") == [False, False]
    assert externals("allstubs") == externals("allcompletestubs") == [True, True]
    assert externals("referencestubs") == externals("referencecompletestubs") == [False, True]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_complete_stubs_keep_descriptions_and_annotations(registry, kind):
    artefact = replace(
        next(a for a in registry if a.kind == kind), names={"en": "N"}, descriptions={"en": "D"},
        annotations=(Annotation("A"),),
    )  # fmt: skip
    alone = Registry([artefact])
    (stub,) = select(alone, StructureQuery((kind,), detail="allstubs")).asked
    (complete,) = select(alone, StructureQuery((kind,), detail="allcompletestubs")).asked
    assert (stub.names, stub.descriptions, stub.annotations) == (artefact.names, {}, ())
    assert (complete.descriptions, complete.annotations) == (artefact.descriptions, artefact.annotations)
    assert not getattr(complete, "items", ())
    assert complete.reference == artefact.reference


def test_extensions(registry):
    def lists(detail):
        found = asked(registry, "Codelist", "WIDER", references=("children",), detail=detail)
        return [[item.id for item in found.asked[0].items], sorted(ids(found.related))]

    assert lists("full") == [["Z", "X", "Y"], ["AGENCIES"]]
    assert lists("raw") == [["Z"], ["AGENCIES", "Codelist_1"]]


# --- search and pages ---------------------------------------------------------------------------------------

PLACES = Codelist(
    "PLACES", "T", "1.0.0",
    (
        Item("FR", names={"en": "France", "fr": "France"}),
        Item("CI", names={"en": "Ivory Coast", "fr": "Côte d\u2019Ivoire"}),
        Item("EG", names={"en": "Egypt", "ar": "مِصْر"}),
        Item("TR", names={"en": "Türkiye"}),
        Item("IVC", names={}),
    ),
)  # fmt: skip


def searched(text="", offset=0, limit=0, scheme=PLACES):
    query = StructureQuery((scheme.kind,), ids=(scheme.id,), search=text, offset=offset, limit=limit)
    found = select(Registry([scheme]), query)
    return [path for a in found.asked for path, _ in walk(a.items)], found.total


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("france", ["FR"]), ("FR", ["FR"]), ("cote", ["CI"]), ("CÔTE ivoire", ["CI"]), ("iv", ["CI", "IVC"]),
        ("turkiye", ["TR"]), ("مصر", ["EG"]), ("coast cote", ["CI"]), ("coast france", []),
        ("e", ["FR", "CI", "EG", "TR"]),
        ("a", ["FR", "CI"]), ("no such", []), ("[", []),
    ],
)  # fmt: skip
def test_text_is_found_in_any_language_without_case_and_accents(text, found):
    assert searched(text) == (found, len(found))


def test_pages():
    every = [item.id for item in PLACES.items]
    assert searched(limit=2) == (every[:2], 5)
    assert searched(offset=3) == (every[3:], 5)
    assert searched(offset=1, limit=2) == (every[1:3], 5)
    assert searched(offset=9) == ([], 5)
    assert searched("e", offset=1, limit=2) == (["CI", "EG"], 4)


def test_search_in_items_that_nest(registry):
    (scheme,) = asked(registry, "CategoryScheme").asked
    assert searched("b", scheme=scheme) == (["A", "A.B", "A.B.C"], 2)
    assert searched(offset=0, limit=1, scheme=scheme) == (["A"], 3)


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1))
def test_every_name_is_found_by_itself(name):
    index = Index([("ID", Item("ID", names={"en": name}))])
    assert len(index.hits(name)) == 1


def test_more_than_one_thing_has_no_pages(registry):
    found = select(registry, StructureQuery(("Codelist",), search="x", limit=1))
    assert found.total is None
    assert len(found.asked) == 2


def test_an_index_is_small_and_made_once():
    scheme = Codelist(
        "L", "T", "1.0.0", tuple(Item(f"C{n}", names={"en": f"Name {n}"}) for n in range(50_000))
    )
    assert index_of(scheme) is index_of(scheme)
    assert index_of(scheme).nbytes < 50_000 * 24  # the texts have 18 letters, and a place takes 4 bytes
    assert len(index_of(scheme).hits("name 4999")) == 15
