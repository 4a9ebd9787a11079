"""A report over HTTP: JSON, a page, the annotated workbook, the rejected rows; of one dataflow or several."""

import csv
import io

import openpyxl
import pytest
from conftest import FRANCE, TOKEN, flow_csv, flow_row
from lxml import html

from migdx.formats.content import XLSX as WORKBOOK
from migdx.web import create_app
from migdx.workbook_map import SheetMap, Source, WorkbookMap
from migdx.workbooks import keep

GOOD = flow_csv(*FRANCE)
BAD = flow_csv(FRANCE[0], flow_row("250", "IMMIG", "XXX", 2018, "many", sex="Female"))
BEARER = {"Authorization": f"Bearer {TOKEN}"}
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
FLOW, STOCK = "MIGDX:DF_MIG_FLOW(1.0.0)", "MIGDX:DF_MIG_STOCK(1.0.0)"
BOTH = (
    "STRUCTURE,STRUCTURE_ID,ACTION,FREQ,REF_AREA,COMPONENT,SOURCE,COUNTERPART_AREA,BIRTHPLACE,CITIZENSHIP,SEX,AGE,"
    "REASON,DURATION_STAY,EDUCATION_LEV,LFS,URBANISATION,TIME_PERIOD,OBS_VALUE,OBS_STATUS,CONF_STATUS,"
    "UNIT_MEASURE,UNIT_MULT\n"
    f"dataflow,{FLOW},R,A,250,IMMIG,OFF,276,_T,_T,_T,_T,_T,,,,,2020,10,A,F,PS,0\n"
    f"dataflow,{STOCK},R,A,250,,OFF,,_T,_T,_T,_T,,_T,_T,_T,_T,2020,500,A,F,PS,0\n"
)


@pytest.fixture
def client(exchange):
    return create_app(exchange, token=TOKEN, demo=False).test_client()


def post(client, url, content=BAD, name="flows.csv", **more):
    data = {"provider": "FRA", **more.pop("fields", {}), "file": (io.BytesIO(content), name)}
    return client.post(url, data=data, **more)


def submitted(client, content=BAD, **more):
    answer = post(client, "/submissions", content, headers=BEARER, **more)
    return answer.headers["Location"]


def workbook():
    made = openpyxl.Workbook()
    sheet = made.active
    sheet.title = "Immigration"
    for row in (["Immigration"], [], ["Sex", 2018, 2019], ["Female", 10, -5], ["M", 12, 13]):
        sheet.append(row)
    sheet.row_dimensions[5].hidden = True
    content = io.BytesIO()
    made.save(content)
    return content.getvalue()


@pytest.fixture
def mapped(exchange):
    """A provider whose own layout is known."""
    fixed = {
        "FREQ": "A", "REF_AREA": "250", "COMPONENT": "IMMIG", "SOURCE": "OFF", "COUNTERPART_AREA": "276",
        "BIRTHPLACE": "_T", "CITIZENSHIP": "_T", "AGE": "_T", "REASON": "_T", "OBS_STATUS": "A",
        "CONF_STATUS": "F", "UNIT_MEASURE": "PS", "UNIT_MULT": "0",
    }  # fmt: skip
    sources = (*(Source(id, value=code) for id, code in fixed.items()),)
    table = SheetMap(
        "Immigration", 4, 2, 0, 3, (*sources, Source("SEX", column=1), Source("TIME_PERIOD", row=3))
    )
    keep(WorkbookMap(FLOW, (table,)), "FRA", exchange.ledger, exchange.blobs, exchange.registry, "test")


# --- forms --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "accept", "given"),
    [
        ("", "*/*", "application/json"),
        ("", BROWSER, "text/html"),
        ("", "text/csv", "text/csv"),
        ("json", BROWSER, "application/json"),
        ("html", "*/*", "text/html"),
        ("rejected", BROWSER, "text/csv"),
    ],
)
def test_a_report_is_given_as_asked(client, asked, accept, given):
    headers = {**BEARER, "Accept": accept}
    location = submitted(client)
    query = f"?format={asked}" if asked else ""
    for answer in (
        post(client, f"/check{query}", headers=headers),
        client.get(f"{location}/report{query}", headers=headers),
    ):
        assert answer.status_code == 200, answer.text
        assert answer.mimetype == given
        assert answer.headers["Cache-Control"] == "no-store"


def test_a_form_that_there_is_not(client):
    answer = post(client, "/check?format=pdf")
    assert answer.status_code == 400
    assert "format=pdf: expected one of json, html, annotated, rejected" in answer.text


def test_the_rejected_rows_are_a_download(client):
    answer = post(client, "/check", fields={"format": "rejected", "lang": "fr"}, name="naïve ../x=1.csv")
    assert answer.headers["Content-Disposition"] == "attachment; filename=x_1.rejected.csv"
    assert answer.headers["Content-Language"] == "fr"
    assert answer.headers["X-Verdict"] == "rejected"
    rows = list(csv.reader(io.StringIO(answer.text)))
    assert rows[0][:2] == ["MIGDX_WHY", "STRUCTURE"]
    assert len(rows) == 2
    assert "SEX n’a pas de code « Female »" in rows[1][0]


def test_copies_of_a_submission_need_its_token_and_are_those_of_the_check(client):
    location = submitted(client)
    for url in (f"{location}/rejected", f"{location}/annotated", f"{location}/report?format=rejected"):
        assert client.get(url).status_code == 401
    rejected = client.get(f"{location}/rejected", headers=BEARER)
    assert rejected.text == post(client, "/check?format=rejected").text
    assert "X-Structures-Then" not in rejected.headers
    annotated = client.get(f"{location}/annotated", headers=BEARER)
    assert annotated.status_code == 406
    assert "only workbooks have an annotated copy" in annotated.text
    assert client.get("/submissions/none/rejected", headers=BEARER).status_code == 404


def test_the_report_of_a_submission_in_another_language(client):
    location = submitted(client)
    answer = client.get(f"{location}/report", headers={**BEARER, "Accept-Language": "fr"})
    assert "SEX n’a pas de code « Female »" in answer.text
    assert client.get(f"{location}/report?lang=de", headers=BEARER).status_code == 406


def test_with_other_structures_than_then_it_is_said(client, exchange, monkeypatch):
    location = submitted(client)
    told = exchange.report(location.rpartition("/")[2])
    told["rules"]["structures"] = "0" * 64
    monkeypatch.setattr(exchange, "report", lambda id: told)
    assert client.get(f"{location}/rejected", headers=BEARER).headers["X-Structures-Then"] == "0" * 64


# --- workbooks ----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("mapped")
def test_the_annotated_copy_of_a_workbook(client):
    location = submitted(client, workbook(), name="flows.xlsx")
    for answer in (
        post(client, "/check", workbook(), "flows.xlsx", headers={"Accept": WORKBOOK}),
        client.get(f"{location}/annotated", headers=BEARER),
    ):
        assert answer.status_code == 200, answer.text
        assert answer.mimetype == WORKBOOK
        assert answer.headers["Content-Disposition"] == "attachment; filename=flows.annotated.xlsx"
        copy = openpyxl.load_workbook(io.BytesIO(answer.data))
        assert copy.sheetnames == ["Report", "Immigration"]
        cell = copy["Immigration"]["A4"]
        assert cell.fill.fgColor.rgb == "FFFFB8BC"
        assert "Nearest: F (Female)." in cell.comment.text
        assert (copy["Immigration"]["C4"].value, copy["Immigration"]["C4"].data_type) == (-5, "n")
        assert copy["Immigration"].row_dimensions[5].hidden
    rejected = client.get(f"{location}/rejected", headers=BEARER).text
    assert "Immigration!B4: unknown_code" in rejected


@pytest.mark.usefixtures("mapped")
def test_a_page_names_cells_and_offers_the_copies(client):
    location = submitted(client, workbook(), name="flows.xlsx")
    tree = html.document_fromstring(client.get(f"{location}/report?format=html", headers=BEARER).text)
    assert "Immigration!A4" in [cell.text_content() for cell in tree.findall(".//td")]
    links = [link.get("href") for link in tree.iterfind(".//a[@download]")]
    names = ("annotated", "rejected", "findings.csv", "validat")
    assert links[:2] == [f"{location}/receipt", "/verify_receipt.py"]
    assert links[2:6] == [f"{location}/{name}" for name in names]


# --- several dataflows --------------------------------------------------------------------------------------


def test_every_submission_of_a_file_is_named(client):
    answer = post(client, "/submissions", BOTH.encode(), headers=BEARER)
    assert answer.status_code == 201, answer.text
    parts = answer.json["subject"]["parts"]
    assert [part["dataflow"] for part in parts] == [FLOW, STOCK]
    assert answer.headers["Location"] == f"/submissions/{parts[0]['submission']}"
    for part in parts:
        found = client.get(f"/submissions/{part['submission']}", headers=BEARER).json
        assert (found["dataflow"], found["counts"]["received"]) == (part["dataflow"], 1)
        page = client.get(f"{answer.headers['Location']}/report?format=html", headers=BEARER).text
        assert part["submission"] in page


def test_findings_stand_under_their_dataflow(client):
    answer = post(client, "/check?format=html", BOTH.replace("_T,_T,2020,500", "_T,X,2020,500").encode())
    tree = html.document_fromstring(answer.text)
    found = {
        heading.text_content().strip(): heading.getnext().xpath("li[contains(@class, 'error')]/h4")
        for heading in tree.xpath("//section[@aria-labelledby='findings']//h3")
    }
    assert {heading: len(errors) for heading, errors in found.items()} == {f"In {FLOW}": 0, f"In {STOCK}": 1}
    assert FLOW in answer.text


# --- the form in the browser --------------------------------------------------------------------------------


def test_the_form_offers_what_to_give_back(client):
    tree = html.document_fromstring(client.get("/").text)
    assert [option.get("value") for option in tree.find(".//select[@id='format']")] == [
        "html", "annotated", "rejected"
    ]  # fmt: skip
    page = post(client, "/check/report")
    assert page.mimetype == "text/html"
    rejected = post(client, "/check/report?lang=fr", fields={"format": "rejected"})
    assert rejected.mimetype == "text/csv"
    assert "n’a pas de code" in rejected.text


def test_a_copy_that_cannot_be_had_is_said_on_a_page(client):
    answer = post(client, "/check/report", fields={"format": "annotated"})
    assert (answer.status_code, answer.mimetype) == (406, "text/html")
    assert "only workbooks have an annotated copy" in answer.text
