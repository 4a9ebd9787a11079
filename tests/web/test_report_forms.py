"""A report in every form over HTTP: JSON, CSV, ValidatReport, page, annotated workbook; and help pages."""

import csv
import io
import json
from datetime import datetime

import openpyxl
import pytest
from conftest import TOKEN, flow_csv, flow_row
from jsonschema import Draft202012Validator
from lxml import html

from migdx.formats import listed
from migdx.web import create_app, findings
from migdx.workbook_map import SheetMap, Source, WorkbookMap
from migdx.workbooks import keep

BEARER = {"Authorization": f"Bearer {TOKEN}"}
FLOW = "MIGDX:DF_MIG_FLOW(1.0.0)"
SUM = flow_csv(
    flow_row("250", "IMMIG", "276", 2019, 120),
    flow_row("250", "IMMIG", "276", 2019, 60, sex="F"),
    flow_row("250", "IMMIG", "276", 2019, 25, sex="M"),
)
MANY = 1000
SCATTERED = flow_csv(*(flow_row("250", "IMMIG", "276", 1900 + at % 100, at, sex="=x") for at in range(MANY)))

# ESSnet ValidatReport 1.0.0; what its README and its examples say that its schema, which is no JSON, does not
VALIDAT = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["id", "type", "event", "rule", "data", "value"],
        "additionalProperties": False,
        "properties": {
            "id": {"type": "string"},
            "type": {"const": "validation"},
            "event": {
                "type": "object",
                "required": ["time", "actor"],
                "additionalProperties": False,
                "properties": {name: {"type": "string"} for name in ("time", "actor", "agent", "trigger")},
            },
            "rule": {
                "type": "object",
                "required": ["language", "expression", "severity"],
                "additionalProperties": False,
                "properties": {
                    "language": {"type": "string"},
                    "expression": {"type": "string", "minLength": 1},
                    "severity": {"enum": ["error", "warning", "information"]},
                    "description": {"type": "string"},
                    "change": {"enum": ["up", "down"]},
                    "explanation": {"type": "string"},
                },
            },
            "data": {
                "type": "object",
                "required": ["source", "target"],
                "additionalProperties": False,
                "properties": {
                    "source": {"type": "array", "items": {"type": "string"}, "minItems": 1},
                    "target": {"type": "array", "items": {"type": "string"}},
                    "description": {"type": "string"},
                },
            },
            "value": {"enum": ["0", "1", "NA"]},
        },
    },
}


@pytest.fixture
def client(exchange):
    return create_app(exchange, token=TOKEN, demo=False).test_client()


def check(client, content, query="", **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post(f"/check?provider=FRA{query}", data=content, content_type="text/csv", headers=named)


def submitted(client, content):
    answer = client.post("/submissions?provider=FRA", data=content, content_type="text/csv", headers=BEARER)
    return answer.headers["Location"], answer.json


def rows_of(answer):
    return list(csv.DictReader(io.StringIO(answer.get_data(as_text=True))))


# --- JSON ---------------------------------------------------------------------------------------------------


def test_a_report_names_its_schema_and_its_other_forms(client):
    report = check(client, SUM).json
    schema = client.get(report["$schema"])
    assert (schema.status_code, schema.mimetype) == (200, "application/schema+json")
    Draft202012Validator(schema.json).validate(report)
    assert check(client, SUM, report["exports"]["csv"].replace("/check?", "&")).mimetype == "text/csv"
    location, told = submitted(client, SUM)
    Draft202012Validator(schema.json).validate(told)
    for name, address in told["exports"].items():
        assert client.get(address).status_code == 401
        assert client.get(address, headers=BEARER).status_code == 200, name
    assert set(told["exports"]) == {"csv", "rejected", "validat", "receipt"}
    listed = client.get(location, headers=BEARER).json
    assert {name: listed[name] for name in told["exports"]} == told["exports"]


def test_a_rule_is_told_with_its_title_level_and_what_it_expected(client):
    for language, title in (("en", "Women, men"), ("fr", "Femmes, hommes")):
        (group,) = [g for g in check(client, SUM, f"&lang={language}").json["groups"] if g["rule"] == "C01"]
        assert group["title"].startswith(title)
        assert (group["code"], group["level"]) == ("sum_of_parts", 1)
        assert (group["sample"][0]["given"], group["sample"][0]["expected"]) == ("120", "85")


# --- CSV ----------------------------------------------------------------------------------------------------


def test_the_csv_has_every_row_that_a_finding_touches(client):
    location, report = submitted(client, SCATTERED)
    for answer in (
        check(client, SCATTERED, "&format=csv"),
        client.get(f"{location}/findings.csv", headers=BEARER),
        client.get(f"{location}/report?format=csv", headers=BEARER),
    ):
        assert answer.mimetype == "text/csv"
        found = [row for row in rows_of(answer) if row["CODE"] == "unknown_code"]
        assert [int(row["ROW"]) for row in found] == list(range(2, MANY + 2))
        assert {row["COUNT"] for row in found} == {str(MANY)}
        assert {row["GIVEN"] for row in found} == {"'=x"}  # which no spreadsheet runs
        assert found[7]["KEY"] == "A.250.IMMIG.OFF.276._T._T.=x._T._T"
        assert found[7]["PERIOD"] == "1907"
    groups = {(group["code"], group["mark"]) for group in report["groups"]}
    assert {(row["CODE"], row["MARK"]) for row in rows_of(answer) if row["MARK"]} == groups


def test_the_csv_is_bounded_and_says_what_was_not_checked(client, monkeypatch):
    monkeypatch.setattr(listed, "MOST", 50)
    answer = check(client, SCATTERED, "&format=csv&lang=fr")
    assert answer.headers["Content-Disposition"] == "attachment; filename=file.findings.csv"
    found = rows_of(answer)
    unchecked = [row for row in found if row["SEVERITY"] == "not checked"]
    assert len(found) - len(unchecked) <= 50
    assert {row["COUNT"] for row in found if row["CODE"] == "unknown_code"} == {str(MANY)}
    assert all(row["MESSAGE"] for row in unchecked)


def test_the_csv_tells_what_a_rule_expected_and_no_confidential_figure(client):
    (row,) = [row for row in rows_of(check(client, SUM, "&format=csv")) if row["RULE"] == "C01"]
    assert (row["GIVEN"], row["EXPECTED"], row["LEVEL"], row["ROW"]) == ("120", "85", "1", "2")
    assert row["TITLE"].startswith("Women, men")
    secret = SUM.replace(b",120,A,F,", b",424242,A,C,")
    answer = check(client, secret, "&format=csv").get_data(as_text=True)
    assert "sum_of_parts" in answer
    assert "424242" not in answer


# --- ValidatReport ------------------------------------------------------------------------------------------


def test_validat_has_what_failed_what_held_and_what_was_not_checked(client):
    Draft202012Validator.check_schema(VALIDAT)
    location, _ = submitted(client, SUM)
    for answer in (
        check(client, SUM, "&format=validat"),
        client.get(f"{location}/validat", headers=BEARER),
        client.get(f"{location}/report?format=validat", headers=BEARER),
    ):
        told = answer.json
        Draft202012Validator(VALIDAT).validate(told)
        assert len({one["id"] for one in told}) == len(told)
        assert {one["value"] for one in told} == {"0", "1", "NA"}
        (wrong,) = [one for one in told if one["rule"]["expression"] == "C01 sum_of_parts"]
        assert wrong["value"] == "0"
        assert wrong["data"]["target"] == [FLOW, "2019", "A.250.IMMIG.OFF.276._T._T._T._T._T", "SEX"]
        assert all(one["rule"]["description"] for one in told)
        assert datetime.fromisoformat(wrong["event"]["time"]).tzinfo
    assert wrong["event"]["trigger"] == f"submission {location.rpartition('/')[2]}"
    assert wrong["event"]["agent"] == "FRA"


# --- the page -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", ("Given", "Expected", "level 1", "Not checked")),
        ("fr", ("Donné", "Attendu", "niveau 1", "Non contrôlé")),
    ],
)  # fmt: skip
def test_the_page_shows_what_a_rule_expected(client, language, said):
    tree = html.document_fromstring(check(client, SUM, f"&format=html&lang={language}").text)
    (finding,) = [one for one in tree.xpath("//li") if "sum_of_parts" in one.text_content()][:1]
    text = finding.text_content()
    assert "C01" in text
    cells = [cell.text_content() for cell in finding.xpath(".//td")]
    assert {"120", "85"} <= set(cells)
    whole = tree.text_content()
    assert all(word in whole for word in said)


def test_the_page_groups_what_was_not_checked_by_its_reason(client):
    tree = html.document_fromstring(check(client, SUM, "&format=html").text)
    (section,) = tree.xpath("//section[@aria-labelledby='not-checked']")
    reasons = [reason.text_content() for reason in section.xpath(".//dt")]
    assert len(reasons) == len(set(reasons)) > 1
    assert all(link.get("href").startswith("/help/") for link in section.xpath(".//a"))


def test_a_long_page_is_cut_and_says_so(client, monkeypatch):
    monkeypatch.setattr(findings, "SHOWN", 2)
    monkeypatch.setattr("migdx.web.pages.SHOWN", 2)
    rows = [flow_row("250", "IMMIG", "276", 1950 + at, at, sex=f"x{at}") for at in range(5)]
    tree = html.document_fromstring(check(client, flow_csv(*rows), "&format=html").text)
    assert len(tree.xpath("//ol[@class='findings']/li")) == 2
    assert "further kinds are in the list of all findings" in tree.text_content()


# --- workbooks ----------------------------------------------------------------------------------------------


def test_the_annotated_copy_says_in_the_cell_of_the_whole_what_was_expected(client, exchange):
    fixed = {
        "FREQ": "A", "REF_AREA": "250", "COMPONENT": "IMMIG", "SOURCE": "OFF", "COUNTERPART_AREA": "276",
        "BIRTHPLACE": "_T", "CITIZENSHIP": "_T", "AGE": "_T", "REASON": "_T", "OBS_STATUS": "A",
        "CONF_STATUS": "F", "UNIT_MEASURE": "PS", "UNIT_MULT": "0",
    }  # fmt: skip
    sources = (Source(id, value=code) for id, code in fixed.items())
    layout = SheetMap("Flows", 2, 2, 0, 3, (*sources, Source("SEX", column=1), Source("TIME_PERIOD", row=1)))
    keep(WorkbookMap(FLOW, (layout,)), "FRA", exchange.ledger, exchange.blobs, exchange.registry, "test")
    book = openpyxl.Workbook()
    book.active.title = "Flows"
    for row in (["Sex", 2018, 2019], ["_T", 100, 120], ["F", 60, 60], ["M", 40, 30]):
        book.active.append(row)
    content = io.BytesIO()
    book.save(content)
    data = {"provider": "FRA", "format": "annotated", "file": (io.BytesIO(content.getvalue()), "flows.xlsx")}
    answer = client.post("/check", data=data)
    assert answer.status_code == 200, answer.text
    sheet = openpyxl.load_workbook(io.BytesIO(answer.data))["Flows"]
    assert "Expected here: 90." in sheet["C2"].comment.text
    assert sheet["C2"].fill.fgColor.rgb in ("FFFFB8BC", "FFFFE699")
    assert sheet["B2"].comment is None
    assert sheet["A2"].comment is None


# --- help ---------------------------------------------------------------------------------------------------


def test_help_lists_every_check_and_shows_rules_and_a_specimen(client):
    index = client.get("/help").text
    for code in ("unknown_code", "sum_of_parts", "unreadable"):
        assert f'href="/help/{code}"' in index
    for language, corrected in (("en", "Corrected"), ("fr", "Corrigé")):
        tree = html.document_fromstring(client.get(f"/help/sum_of_parts?lang={language}").text)
        (rule,) = tree.xpath("//li[@id='C01']")
        assert "C01" in rule.text_content()
        captions = [caption.text_content() for caption in tree.xpath("//caption")]
        assert corrected in captions
        changed = [cell.text_content() for cell in tree.xpath("//td[@class='other']")]
        assert len(changed) == 2
        assert changed[0] != changed[1]
    assert json.dumps(client.get("/help/unknown_code").text).count("<table") == 1  # only the fault is there
