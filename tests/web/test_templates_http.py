"""The templates over HTTP: listed, made, kept by their tags, refused with a reason, taken back filled."""

import io

import pytest
from lxml import html
from openpyxl import load_workbook

from migdx.formats.content import XLSX
from migdx.structures import Dataflow
from migdx.web.wording import LANGUAGES

BROWSER = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"
URL = "/templates/DF_MIG_ACCOUNT.xlsx?provider=FRA&time=2022,2023&lang=fr"


def test_a_template_by_its_short_address(get):
    answer = get(URL)
    assert (answer.status_code, answer.content_type) == (200, XLSX)
    assert answer.headers["Content-Disposition"] == (
        'attachment; filename="DF_MIG_ACCOUNT_FRA_2022_2023_fr.xlsx"'
    )
    assert "Accept-Language" in answer.headers["Vary"]
    assert load_workbook(io.BytesIO(answer.data)).sheetnames[:3] == [
        "Notes",
        "1 Compte 2022",
        "1 Compte 2023",
    ]


@pytest.mark.parametrize(
    "name", ["DF_MIG_ACCOUNT", "MIGDX:DF_MIG_ACCOUNT.xlsx", "MIGDX:DF_MIG_ACCOUNT(1.0.0).xlsx"]
)
def test_other_addresses_of_the_same(name, get):
    answer = get(f"/templates/{name}?provider=FRA&time=2022&time=2023&lang=fr")
    assert answer.headers["ETag"] == get(URL).headers["ETag"]


def test_the_tag_spares_making_it_again(get):
    tag = get(URL).headers["ETag"]
    again = get(URL, If_None_Match=tag)
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", tag)
    others = {
        get(URL.replace(*change)).headers["ETag"]
        for change in (("FRA", "DEU"), ("=fr", "=en"), ("2022,", ""))
    }
    assert tag not in others
    assert len(others) == 3


def test_the_language_is_that_of_the_reader(get):
    def first(**headers):
        return load_workbook(io.BytesIO(get("/templates/DF_MIG_ACCOUNT.xlsx", **headers).data)).sheetnames[1]

    assert first(Accept_Language="fr-CH, en;q=0.5") == "1 Compte"
    assert first(Accept_Language="ar") == first() == "1 Account"


@pytest.mark.parametrize(
    ("address", "status", "says"),
    [
        ("DF_MIG_ACOUNT.xlsx", 404, "DF_MIG_ACCOUNT"),
        ("DF_MIG_ACCOUNT(9.0.0).xlsx", 404, "9.0.0"),
        ("%3Cscript%3E.xlsx", 400, "AGENCY:ID"),
        ("DF_MIG_ACCOUNT.xlsx?provider=FRANCE", 422, "FRA"),
        ("DF_MIG_ACCOUNT.xlsx?lang=xx", 422, "en, fr"),
        ("DF_MIG_ACCOUNT.xlsx?time=yesterday", 400, "2023-Q1"),
        ("DF_MIG_FLOW.xlsx?time=" + ",".join(map(str, range(1950, 2020))), 413, "fewer periods"),
    ],
)
def test_what_cannot_be_made(address, status, says, get):
    answer = get(f"/templates/{address}")
    assert (answer.status_code, answer.content_type) == (status, "application/json")
    assert says in answer.json["errors"][0]["detail"]
    shown = get(f"/templates/{address}", Accept=BROWSER)
    assert (shown.status_code, shown.mimetype) == (status, "text/html")
    assert "<script>" not in shown.text.replace('<script src="', "")


def test_the_list_for_machines(get, published):
    answer = get("/templates?lang=fr", Accept="application/json")
    flows = {flow.reference.short for flow in published.registry.of(Dataflow)}
    assert {entry["dataflow"] for entry in answer.json["templates"]} == flows
    assert answer.json["languages"] == ["en", "fr"]
    entry = answer.json["templates"][0]
    assert get(entry["href"] + "?lang=fr").status_code == 200


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_list_for_people(language, get):
    page = html.document_fromstring(get(f"/templates?lang={language}", Accept=BROWSER).text)
    (form,) = page.forms
    assert form.action.partition("?")[0] == "/templates"
    form.fields["dataflow"] = "MIGDX:DF_MIG_STOCK(1.0.0)"
    form.fields["provider"], form.fields["time"] = "FRA", "2021, 2022"
    query = {name: value for name, value in form.form_values() if value}
    answer = get("/templates?" + "&".join(f"{name}={value}" for name, value in query.items()))
    assert answer.status_code == 303
    made = get(answer.location)
    assert made.status_code == 200
    assert made.headers["Content-Disposition"].endswith(f'"DF_MIG_STOCK_FRA_2021_2022_{language}.xlsx"')
    links = [link for link in page.xpath("//main//li/a/@href") if ".xlsx" in link]
    assert links
    assert get(links[0]).mimetype == XLSX


def test_the_page_of_a_dataflow_leads_to_its_template(get):
    page = html.document_fromstring(get("/dataflows/MIGDX/DF_MIG_STOCK", Accept=BROWSER).text)
    (link,) = page.xpath("//a[contains(@href, '/templates?')]/@href")
    shown = html.document_fromstring(get(link, Accept=BROWSER).text)
    assert shown.forms[0].fields["dataflow"] == "MIGDX:DF_MIG_STOCK(1.0.0)"


def test_a_filled_template_is_checked(app):
    client = app.test_client()
    book = load_workbook(io.BytesIO(client.get(URL).data))
    book["1 Compte 2023"]["F13"].value = 12
    filled = io.BytesIO()
    book.save(filled)
    answer = client.post("/check?provider=FRA", data=filled.getvalue(), content_type=XLSX)
    assert answer.json["verdict"] == "accepted", answer.json
    assert answer.json["counts"]["received"] == 1
    assert {group["severity"] for group in answer.json["groups"]} <= {"information"}
    assert answer.json["subject"]["dataflow"] == "MIGDX:DF_MIG_ACCOUNT(1.0.0)"


def test_every_page_leads_to_the_templates(get):
    assert 'href="/templates"' in get("/").get_data(as_text=True)
