"""The rule pack of a dataflow: what it holds, where it is served, and by which command."""

import gzip
import json

import pytest

from migdx.folders import shipped_structures
from migdx.registry import Registry
from migdx.rule_pack import CODES, FORMAT, READING, rule_pack
from migdx.structures import Dataflow


@pytest.fixture(scope="module")
def registry():
    return Registry.load(shipped_structures())


def of(pack, id):
    return next(one for one in pack["components"] if one["id"] == id)


def test_components_have_their_codes_with_constraints_applied(registry):
    pack = rule_pack(registry, "DF_MIG_FLOW", "FRA")
    assert pack["format"] == FORMAT
    assert [one["id"] for one in pack["components"]][:3] == ["FREQ", "REF_AREA", "COMPONENT"]
    area = of(pack, "REF_AREA")
    assert area["granted"] == ["250"]
    assert area["mandatory"] is True
    assert "276" in pack["lists"][area["list"]]
    assert of(pack, "COMPONENT")["allowed"] == ["EMIG", "IMMIG", "NET"]
    assert of(pack, "OBS_VALUE")["kind"] == "number"
    assert of(pack, "SAMPLE_SIZE") == {
        "id": "SAMPLE_SIZE", "role": "attribute", "type": "Integer", "kind": "integer",
        "facets": {"minValue": "0"},
    }  # fmt: skip
    assert of(pack, "UNIT_MULT")["series"] is True
    assert pack["key"][-1] == "TIME_PERIOD"
    assert pack["periods"]["of"]["Q"] == "Q"


def test_a_list_stands_once_however_many_components_take_it(registry):
    pack = rule_pack(registry, "DF_MIG_FLOW")
    statuses = {of(pack, id)["list"] for id in ("OBS_STATUS", "OBS_STATUS_2", "OBS_STATUS_3")}
    assert len(statuses) == 1
    for flow in registry.of(Dataflow):
        body = json.dumps(rule_pack(registry, flow.reference.short)).encode()
        assert len(body) < 32_000
        assert len(gzip.compress(body)) < 8_000


def test_without_a_provider_whose_area_it_is_stays_unchecked(registry):
    assert "area" in rule_pack(registry, "DF_MIG_FLOW")["not_here"]
    assert "area" not in rule_pack(registry, "DF_MIG_FLOW", "FRA")["not_here"]


def test_every_code_has_a_message_in_both_languages(registry):
    for language in ("en", "fr"):
        messages = rule_pack(registry, "DF_MIG_FLOW", language=language)["messages"]
        assert {name.split(".")[0] for name in messages} == set(CODES)
    assert set(READING) < set(CODES)


def test_the_digest_tells_packs_apart(registry):
    first, again = rule_pack(registry, "DF_MIG_FLOW"), rule_pack(registry, "MIGDX:DF_MIG_FLOW(1.0.0)")
    assert first == again
    assert first["digest"] != rule_pack(registry, "DF_MIG_FLOW", "FRA")["digest"]


# --- where it is had ----------------------------------------------------------------------------------------


def test_it_is_served_with_validators(get):
    answer = get("/rules/MIGDX:DF_MIG_FLOW(1.0.0).json?provider=FRA&lang=fr")
    assert answer.status_code == 200
    assert answer.mimetype == "application/json"
    assert answer.json["dataflow"] == "MIGDX:DF_MIG_FLOW(1.0.0)"
    assert "attendu" in answer.json["messages"]["unknown_code"]
    again = get("/rules/DF_MIG_FLOW.json?provider=FRA&lang=fr", If_None_Match=answer.headers["ETag"])
    assert again.status_code == 304
    other = get("/rules/DF_MIG_FLOW.json?provider=DEU&lang=fr", If_None_Match=answer.headers["ETag"])
    assert other.status_code == 200


def test_what_is_not_there_is_404(get):
    assert get("/rules/DF_NONE.json").status_code == 404
    assert get("/rules/DF_MIG_FLOW.json?provider=NOBODY").status_code == 404


def test_the_command_prints_it(run, registry, tmp_path):
    status, out, _ = run("rules", "DF_MIG_FLOW", "--provider", "FRA")
    assert status == 0
    assert json.loads(out) == rule_pack(registry, "DF_MIG_FLOW", "FRA")
    status, _, err = run("rules", "DF_NONE")
    assert status == 1
    assert "DF_NONE" in err
