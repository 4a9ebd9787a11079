"""SDMX-JSON structures: every kind, there and back, by the official schemas; and the habits of clients."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from round_trips import TABLE, group, reported, sniffed
from structures_json import ALL, WRITERS, by_urn, expected, faults, message, written
from structures_made import (
    CL_EXTENDED,
    CL_SEX,
    CODE_MAP,
    CONCEPTS,
    CONSTRAINT,
    DSD,
    FLOW,
    FULL,
    HEADER,
    HIERARCHY,
    MADE,
    SPECIALS,
    SPECIMENS,
    content,
    named,
)

from migdx.errors import StructureFault
from migdx.formats.json2_structures import LISTS, read_structures, write_structures20, write_structures21
from migdx.formats.json10_structures import LISTS as LISTS10
from migdx.formats.json_losses import KEPT_IN_JSON
from migdx.formats.losses import kept, losses
from migdx.formats.ml3_losses import LOST_IN_30, LOST_IN_31
from migdx.formats.ml21_losses import LOST_IN_21
from migdx.structures import KINDS, Annotation, Codelist, Item, Maintainable, ValueList

GENERATION = ["2.0", "2.1"]


def name_of(artefact: Maintainable) -> str:
    return f"{artefact.kind}-{artefact.id}"


# --- there and back ----------------------------------------------------------------------------------------


def test_every_kind_has_a_list_and_a_specimen() -> None:
    assert {*LISTS, "AttachmentConstraint"} == set(KINDS)
    assert LISTS10.keys() <= KINDS.keys()
    assert {artefact.kind for artefact in FULL} == set(KINDS)


@pytest.mark.parametrize("version", GENERATION)
@pytest.mark.parametrize("artefact", ALL, ids=name_of)
def test_each_is_valid_and_comes_back(artefact: Maintainable, version: str) -> None:
    told = written(version, artefact)
    assert faults(told, version) == []
    skipped: list[str] = []
    back = read_structures(told, "x.json", skipped)
    assert by_urn(back) == expected([artefact], version)
    assert skipped == []
    assert written(version, *back) == told


@pytest.mark.parametrize("artefact", ALL, ids=name_of)
def test_each_is_valid_in_1_0(artefact: Maintainable) -> None:
    told = message("1.0", artefact)
    assert faults(told, "1.0") == []
    there = kept(artefact, "json-1.0")
    assert [len(listed) for listed in told["data"].values()] == [1] * len(there)
    assert not told["data"] or [*told["data"]] == [LISTS10[artefact.kind][0]]
    assert (there == (artefact,)) == (losses(artefact, "json-1.0") == [])


@pytest.mark.parametrize("version", WRITERS)
@pytest.mark.parametrize("artefact", ALL, ids=name_of)
def test_stubs_are_valid(artefact: Maintainable, version: str) -> None:
    assert faults(written(version, artefact.stub()), version) == []


@pytest.mark.parametrize("version", WRITERS)
def test_all_together_and_none(version: str) -> None:
    together = written(version, *FULL, *SPECIALS)
    assert faults(together, version) == []
    if version in GENERATION:
        assert by_urn(read_structures(together)) == expected([*FULL, *SPECIALS], version)
        assert read_structures(written(version)) == []
    assert message(version)["data"] == {}


@pytest.mark.parametrize("version", WRITERS)
def test_content_of_the_repository(version: str) -> None:
    assert content()
    if version in GENERATION:
        assert by_urn(read_structures(written(version, *content()))) == expected(content(), version)
    by_kind: dict[str, list[Maintainable]] = defaultdict(list)
    for artefact in content():
        by_kind[artefact.kind].append(artefact)
    # a thousand agreements are alike, and this validator is slow
    some = [artefact for alike in by_kind.values() for artefact in alike[:2]]
    assert faults(written(version, *some), version) == []


def test_the_judge_judges() -> None:
    for version, found in (("1.0", 2), ("2.0", 2), ("2.1", 4)):
        told = message(version, CL_SEX)
        told["meta"]["prepared"] = "2026-11-21T12:30:05"
        told["data"]["codelists"][0]["id"] = "1 2"
        told["data"]["codelists"][0]["codes"][0]["colour"] = "red"
        assert len(faults(told, version)) == found


@pytest.mark.parametrize("version", GENERATION)
def test_losses_are_told(version: str) -> None:
    told = {loss for artefact in ALL for loss in losses(artefact, f"json-{version}")}
    assert "attachment constraints, which only SDMX 2.1 has" in told
    assert ("isPartialLanguage (SDMX 3.1)" in told) == (version == "2.0")
    for artefact in ALL:
        same = kept(artefact, f"json-{version}") == (artefact,)
        assert same == (losses(artefact, f"json-{version}") == [])


# --- texts -------------------------------------------------------------------------------------------------

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
TEXTS = st.dictionaries(st.sampled_from(["en", "fr", "zh-Hant", "pt-BR", "ar"]), TEXT)
NOTES = st.builds(Annotation, title=TEXT, texts=TEXTS, value=TEXT)
ITEMS = st.lists(
    st.builds(
        Item,
        st.from_regex(r"[A-Za-z0-9_@$-]+", fullmatch=True),
        names=TEXTS,
        descriptions=TEXTS,
        annotations=st.lists(st.builds(Annotation, title=TEXT, texts=TEXTS, value=TEXT), max_size=2).map(
            tuple
        ),
    ),
    unique_by=lambda item: item.id,
).map(tuple)


@given(ITEMS, st.sampled_from(GENERATION))
def test_any_text_comes_back(items: tuple[Item, ...], version: str) -> None:
    codelist = Codelist("CL", "A", "1.0.0", items)
    values = ValueList("VL", "A", "1.0.0", items)
    assert read_structures(written(version, codelist, values)) == [codelist, values]


@pytest.mark.parametrize(
    ("languages", "name"),
    [
        (("en",), "A name"),
        (("fr-CA", "en"), "Un nom"),
        (("de",), "A name"),
        (("zh",), "名称"),
        (("pt",), "Um nome"),
    ],
)
@pytest.mark.parametrize("version", WRITERS)
def test_the_best_name_and_all_names(version: str, languages: tuple[str, ...], name: str) -> None:
    told = message(version, CL_SEX, languages=languages)
    (listed,) = told["data"]["codelists"]
    assert (listed["name"], listed["names"]) == (name, dict(CL_SEX.names))
    assert listed["codes"][0]["name"] == name
    assert told["meta"]["contentLanguages"] == [language.lower() for language in languages]
    assert faults(told, version) == []


def test_partial_languages_and_texts_in_one_language() -> None:
    cut = replace(CL_SEX, names={"fr": "Un nom"}, is_partial_language=True)
    assert message("2.1", cut)["data"]["codelists"][0]["isPartialLanguage"] is True
    assert "isPartialLanguage" not in message("2.0", cut)["data"]["codelists"][0]
    told = message("2.1", CL_SEX, languages=("fr",))
    del told["data"]["codelists"][0]["names"]
    assert read_structures(orjson.dumps(told))[0].names == {"fr": "Un nom"}
    del told["meta"]["contentLanguages"]
    assert read_structures(orjson.dumps(told))[0].names == {"en": "Un nom"}


# --- what clients look at ----------------------------------------------------------------------------------


def test_the_schema_is_named_where_clients_look() -> None:
    for write, schema in (
        (write_structures20, b"2.0.0/sdmx-json-structure-schema.json"),
        (write_structures21, b"https://json.sdmx.org/2.1/sdmx-json-structure-schema.json"),
        (WRITERS["1.0"], b"1.0/sdmx-json-structure-schema.json"),
    ):
        assert schema in b"".join(write([CL_SEX], HEADER))[:350]
    assert message("2.1")["$schema"] == message("2.1")["meta"]["schema"]
    assert message("2.0", CL_SEX)["meta"]["prepared"] == "2026-11-21T12:30:05Z"
    assert message("2.0", CL_SEX)["meta"]["test"] is True


def test_long_lists_are_written_a_batch_at_a_time() -> None:
    codes = (Item(f"C{number}", names={"en": "x" * 100}) for number in range(20_000))
    pieces = list(write_structures20([Codelist("CL", "A", "1.0.0", tuple(codes))], HEADER))
    assert len(pieces) > 20
    assert max(map(len, pieces)) < 400_000
    assert len(read_structures(b"".join(pieces))[0].items) == 20_000  # type: ignore[attr-defined]


def test_self_links() -> None:
    for version in GENERATION:
        for artefact in MADE:
            for listed in message(version, artefact)["data"].values():
                if artefact.kind != "ValueList" and "links" in listed[0]:
                    assert listed[0]["links"][0] == {
                        "rel": "self", "urn": artefact.urn, "type": artefact.kind.lower(),
                    }  # fmt: skip


def test_data_structure() -> None:
    parts = message("2.0", DSD)["data"]["dataStructures"][0]["dataStructureComponents"]
    listed = parts["dimensionList"]
    dimensions = (*listed["dimensions"], listed["timeDimension"])
    assert [(entry["id"], entry["position"]) for entry in dimensions] == [
        ("FREQ", 1), ("SEX", 2), ("COUNTRY", 3), ("TIME_PERIOD", 4),
    ]  # fmt: skip
    attributes = {entry["id"]: entry for entry in parts["attributeList"]["attributes"]}
    assert [entry["attributeRelationship"] for entry in attributes.values()][:4] == [
        {"dataflow": {}}, {"dimensions": ["SEX", "COUNTRY"]}, {"group": "SIBLING"}, {"observation": {}},
    ]  # fmt: skip
    assert attributes["STATUS"]["localRepresentation"]["maxOccurs"] == "unbounded"
    assert attributes["SIGN"]["measureRelationship"] == ["OBS_VALUE"]
    assert len(parts["attributeList"]["metadataAttributeUsages"]) == 2


def test_dimensions_are_ordered_by_position() -> None:
    told = message("2.0", DSD)
    dimensions = told["data"]["dataStructures"][0]["dataStructureComponents"]["dimensionList"]["dimensions"]
    dimensions.reverse()
    assert read_structures(orjson.dumps(told)) == expected([DSD], "2.0")


def test_facets_are_numbers_and_truths() -> None:
    listed = message("2.0", CONCEPTS)["data"]["conceptSchemes"][0]["concepts"]
    concepts = {entry["id"]: entry for entry in listed}
    assert concepts["VALUE"]["coreRepresentation"] == {
        "format": {"dataType": "Double", "minValue": 0, "maxValue": 1.5, "decimals": 2}, "maxOccurs": 3,
    }  # fmt: skip
    assert concepts["TITLE"]["coreRepresentation"]["format"]["isMultiLingual"] is True


def test_selections_and_instants() -> None:
    first, _, _ = message("2.0", CL_EXTENDED)["data"]["codelists"][0]["codelistExtensions"]
    assert first["inclusiveCodeSelection"] == {
        "wildcardedMemberValues": ["F%"], "memberValues": [{"value": "_T", "cascadeValues": "excluderoot"}],
    }  # fmt: skip
    region = message("2.0", CONSTRAINT)["data"]["dataConstraints"][0]["cubeRegions"][0]
    assert region["keyValues"][0]["values"][1] == {"value": "F", "cascadeValues": True}
    assert region["keyValues"][2]["timeRange"]["endPeriod"] == {"period": "2020-Q4", "isInclusive": False}
    assert message("2.0", FLOW)["data"]["dataflows"][0]["validFrom"] == "2020-01-01T00:00:00Z"
    row = message("2.0", CODE_MAP)["data"]["representationMaps"][0]["representationMappings"][0]
    assert row["validFrom"] == "2000-01-01T00:00:00Z"


def test_2_1_generation_in_1_0() -> None:
    told = message("1.0", HIERARCHY, CONSTRAINT, DSD, CONCEPTS)["data"]
    (listed,) = told["hierarchicalCodelists"]
    assert listed["links"][0]["urn"].startswith("urn:sdmx:org.sdmx.infomodel.codelist.HierarchicalCodelist=")
    assert [code["id"] for code in listed["hierarchies"][0]["hierarchicalCodes"]] == ["ALL"]
    assert [*listed["includedCodelists"]] == ["L1", "L2"]
    assert told["contentConstraints"][0]["type"] == "Allowed"
    parts = told["dataStructures"][0]["dataStructureComponents"]
    assert [entry["type"] for entry in parts["dimensionList"]["timeDimensions"]] == ["TimeDimension"]
    assert parts["measureList"]["primaryMeasure"]["id"] == "OBS_VALUE"
    assert parts["measureList"]["primaryMeasure"]["localRepresentation"] == {
        "textFormat": {"textType": "Double"}
    }
    parents = [entry["parent"] for entry in told["conceptSchemes"][0]["concepts"] if "parent" in entry]
    assert parents == ["urn:sdmx:org.sdmx.infomodel.conceptscheme.Concept=TEST:CS_TEST(1.0.0).SEX"]


# --- what others write -------------------------------------------------------------------------------------


def test_what_the_standard_does_not_know_is_skipped_and_noted() -> None:
    told = message("2.1", Codelist("CL", "A", "1.0.0", (Item("X", **named("X")), Item("Y", **named("Y")))))
    told["data"]["codelists"][0]["colour"] = "red"
    for code in told["data"]["codelists"][0]["codes"]:
        code["x-order"] = 1
    told["data"]["apples"] = [1]
    told["pears"] = 2
    skipped: list[str] = []
    (codelist,) = read_structures(orjson.dumps(told), skipped=skipped)
    assert len(codelist.items) == 2  # type: ignore[attr-defined]
    assert skipped == [
        "pears is no property of SDMX-JSON structures",
        "data.codelists[0].codes[0].x-order is no property of SDMX-JSON structures",
        "data.codelists[0].colour is no property of SDMX-JSON structures",
        "data.apples is no type of artefact of SDMX-JSON 2.x",
    ]


def test_habits_of_well_known_registries() -> None:
    told = message("2.0", ValueList("VL", "A", "1.0.0", (Item("%"),)), CONSTRAINT)
    told["data"]["valuelists"] = told["data"].pop("valueLists")
    constraint = told["data"]["dataConstraints"][0]
    constraint["type"] = constraint.pop("role").lower()
    for region in constraint["cubeRegions"]:
        region["isIncluded"] = region.pop("include")
    constraint["description"] = None  # "a nulled property and [its] absence" are the same
    read = read_structures(orjson.dumps(told))
    assert read[0] == expected([CONSTRAINT], "2.0")[0]
    assert read[1].kind == "ValueList"


def specimens() -> list[Path]:
    if not SPECIMENS.is_dir():
        pytest.skip(f"{SPECIMENS} is not there")
    return sorted(path for path in SPECIMENS.rglob("*.json") if "csv" not in path.parts)


@pytest.mark.faults  # as test_specimens_everywhere: each in each version
def test_specimens_come_back_or_are_refused_by_one_fault(pytestconfig: pytest.Config) -> None:
    """Files that are no structure messages are refused too, but only those that are count in the table."""
    reported(pytestconfig)
    messages = {path for path, _ in sniffed()}
    artefacts = 0
    for path in specimens():
        read, fault = [], None
        try:
            read = read_structures(path.read_bytes(), path.name)
        except StructureFault as raised:
            fault = raised
            assert fault.path == path.name
        artefacts += len(read)
        for version in GENERATION:
            name = f"application/vnd.sdmx.structure+json;version={version}.0"
            counts = TABLE.setdefault((group(path), name), Counter()) if path in messages else Counter()
            counts["read" if fault is None else "refused"] += 1
            if fault is None:
                told = written(version, *read)
                assert faults(told, version) == [], path
                assert by_urn(read_structures(told)) == expected(read, version), path
                counts["round-tripped"] += 1
    assert artefacts > 150


def test_structure_specimens_are_refused_for_a_reason() -> None:
    refused: dict[str, str] = {}
    for path in specimens():
        data: Any = None
        try:
            data = orjson.loads(path.read_bytes())["data"]
            known = {name for name, _ in LISTS.values()} & data.keys()
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
            continue
        if known:
            try:
                read_structures(path.read_bytes())
            except StructureFault as fault:
                refused[path.name] = str(fault)
    assert {name: reason.rpartition("; ")[2] for name, reason in refused.items()} == {
        "empty_group_dimensions.json": "expected at least one entry",
        "invalid_type.json": "expected true or false",
        "invalid_value.json": ("expected a data type of SDMX, such as String or ObservationalTimePeriod"),
    }


def test_what_json_keeps_is_named_as_in_xml() -> None:
    """A row that is reworded there would come back here unseen."""
    rows = {row.what for rows in (LOST_IN_21, LOST_IN_30, LOST_IN_31) for row in rows}
    assert set(KEPT_IN_JSON) <= rows
