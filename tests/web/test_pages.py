"""The pages over a real exchange: what they show, what they never show, that what they name is there."""

import io
import re
import shlex
import tempfile
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from conftest import flow_csv, flow_row, publish
from lxml import html

from migdx import checks
from migdx.exchange import Exchange
from migdx.report import Counts as ReportCounts
from migdx.report import Finding, Place, Report
from migdx.web import create_app, pages
from migdx.web.charts import Line, Point, line_chart
from migdx.web.coverage import coverage
from migdx.web.findings import letters
from migdx.web.wording import Words

SECRET, EMBARGOED = 987654, 876543
FILES = (".xlsx", ".csv", ".parquet", ".json", "SHA256SUMS")
NOTE = "Demonstration, as published elsewhere"

DENMARK = [
    *(flow_row("208", "EMIG", "752", year, 4000 + year) for year in (2015, 2016)),
    flow_row("208", "EMIG", "752", 2017, 5000, status="B", comment="new register"),
    flow_row("208", "EMIG", "752", 2018, SECRET, conf="C", comment="hidden-comment"),
    flow_row("208", "EMIG", "752", 2019, 6100, status="P"),
    flow_row("208", "IMMIG", "578", 2019, 12),
]
SWEDEN = [
    *(flow_row("752", "IMMIG", "208", year, 5000 + year) for year in (2015, 2016, 2017, 2018)),
    flow_row("752", "EMIG", "208", 2018, 3000),
]


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """Two neighbours' flows, flags and a masked figure among them; a third one's under embargo."""
    exchange = Exchange.open(tmp_path_factory.mktemp("pages"))
    publish(exchange, "DNK", DENMARK, note=NOTE)
    publish(exchange, "SWE", SWEDEN)
    finland = [flow_row("246", "EMIG", "752", 2018, EMBARGOED)]
    publish(exchange, "FIN", finland, public_from=datetime.now(UTC) + timedelta(days=1))
    yield exchange
    exchange.close()


@pytest.fixture(scope="module")
def client(shown):
    return create_app(shown, token=None, demo=True).test_client()


def page(client, url, status=200, **headers):
    headers = {"Accept": "text/html"} | {name.replace("_", "-"): value for name, value in headers.items()}
    answer = client.get(url, headers=headers)
    assert answer.status_code == status, answer.text
    assert answer.content_type == "text/html; charset=utf-8"
    return html.document_fromstring(answer.text)


def text(node):
    return " ".join(node.text_content().split())


def table(tree, caption):
    return next(found for found in tree.iter("table") if caption in text(found.find("caption")))


def rows(found):
    return [[text(cell) for cell in row] for row in found.find("tbody")]


def words_of(command):
    """A command as a shell splits it."""
    return shlex.split(command.replace("\\\n", ""))


def send(client, content, name="file.csv", **fields):
    form = {"file": (io.BytesIO(content), name), **fields}
    return client.post("/check/report", data=form, content_type="multipart/form-data")


# --- the first page ----------------------------------------------------------------------


def test_all_pairs_of_areas_as_csv(client):
    """Only where both have an open, released figure: not the masked year, not what is under embargo."""
    answer = client.get("/mirror.csv?lang=en")
    assert answer.status_code == 200
    assert answer.content_type.startswith("text/csv")
    lines = answer.get_data(as_text=True).splitlines()
    assert lines[0] == (
        '"From","To","TIME_PERIOD","arrivals","arrivals OBS_STATUS","departures","departures OBS_STATUS",'
        '"difference","ratio"'
    )
    figures = [line.replace('"', "").split(",") for line in lines[1:]]
    assert [(one[:2], one[2], one[3], one[5]) for one in figures] == [
        (["208", "752"], "2015", "7015", "6015"),
        (["208", "752"], "2016", "7016", "6016"),
        (["208", "752"], "2017", "7017", "5000"),
    ]
    assert [one[6] for one in figures] == ["A", "A", "B"]
    assert float(figures[2][7]) == 5000 - 7017
    assert float(figures[2][8]) == 5000 / 7017
    again = client.get("/mirror.csv?lang=en", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


def test_the_dataflows_and_what_is_public_of_them(client):
    found = rows(table(page(client, "/"), "Dataflows and their coverage"))
    assert len(found) == 12
    today = datetime.now(UTC).date().isoformat()
    assert found[0][1:] == ["2", "10", "2015–2019", today]
    assert found[1][1:] == ["nothing released yet"]


def test_a_pair_from_both_sides(client):
    tree = page(client, "/?from=208&to=752")
    assert text(tree.xpath("//h3[contains(., 'Denmark')]")[0]) == "Migration from Denmark to Sweden"
    found = rows(table(tree, "Migration from Denmark to Sweden"))
    assert found == [
        ["2015", "7,015", "6,015", "−1,000", "0.86"],
        ["2016", "7,016", "6,016", "−1,000", "0.86"],
        ["2017", "7,017", "5,000b", "−2,017", "0.71"],
        ["2018", "7,018", "confidential", "–", "–"],
        ["2019", "..not reported", "6,100p", "–", "–"],
    ]
    legend = [text(entry) for entry in tree.xpath("//ul[@class='legend']/li")]
    assert legend[:2] == ["b Time series break", "p Provisional value"]
    assert any("confidential" in entry for entry in legend)
    assert "A difference informs; it does not accuse." in text(tree)
    assert NOTE in text(tree)
    assert "new register" in text(tree)


def test_a_drawing_for_each_width_with_labels_and_signs(client):
    tree = page(client, "/?from=208&to=752")
    for kind in ("wide", "narrow"):
        (drawing,) = tree.xpath(f"//div[@class='chart {kind}']/svg")
        said = [text(word) for word in drawing.iter("text")]
        assert {"b", "p", "c", "2015", "2019"} <= set(said)
        assert "Immigration" in " ".join(said)
        assert not drawing.xpath(".//@style")
    assert tree.xpath("//div[@role='img'][contains(@aria-label, 'Denmark')]")


def test_areas_to_choose_from_are_those_with_released_data(client):
    groups = page(client, "/").xpath("//select[@name='from']/optgroup")
    assert [[text(option) for option in group] for group in groups] == [["Denmark", "Sweden"], ["Norway"]]


def test_one_side_only_and_none_at_all(client):
    assert [row[1:3] for row in rows(table(page(client, "/?from=578&to=208"), "from Norway to Denmark"))] == [
        ["12", "..not reported"]
    ]
    assert "Neither side has released figures" in text(page(client, "/?from=004&to=008"))
    assert "Choose two different areas" in text(page(client, "/?from=752&to=752"))


@pytest.mark.parametrize("url", ["/?from=xyz&to=752", "/?from=%3Cb%3E&to=1", "/?from=&to="])
def test_codes_that_are_none_fall_back_to_the_pair_that_there_is(client, url):
    tree = page(client, url)
    assert tree.xpath("//option[@selected]")
    assert "<b>" not in html.tostring(tree).decode()


def test_every_query_that_is_shown_works(client):
    commands = page(client, "/?from=208&to=752").xpath("//dl[@class='queries']/dd/code/text()")
    commands += page(client, "/dataflows/MIGDX/DF_MIG_FLOW").xpath("//dl[@class='queries']/dd/code/text()")
    assert len(commands) == 9
    for command in commands:
        name, flag, header, url = words_of(command)
        assert (name, flag) == ("curl", "-H")
        parts = urlsplit(url)
        assert parts.netloc == "localhost"
        accept = header.removeprefix("Accept: ")
        answer = client.get(f"{parts.path}?{parts.query}", headers={"Accept": accept})
        assert answer.status_code == 200, command
        assert answer.content_type.partition(";")[0] == accept.partition(";")[0]


def test_the_shown_series_is_the_one_of_the_queries(client):
    command = page(client, "/?from=208&to=752").xpath("//dl[@class='queries']/dd/code/text()")[0]
    _, _, header, url = words_of(command)
    answer = client.get(urlsplit(url).path, headers={"Accept": header.removeprefix("Accept: ")})
    assert "7015" in answer.text


# --- what never leaves ----------------------------------------------------------------------


def every_page(client):
    """All pages that there are, by following links from the first one, in both languages."""
    seen, waiting = set(), ["/?from=208&to=752", "/?from=246&to=752", "/?lang=fr"]
    types = set()
    while waiting:
        url = waiting.pop()
        if url in seen:
            continue
        if url.startswith("/structures/"):  # of thousands, one of each type in either language
            of_type = (url.split("/")[2], "lang=fr" in url)
            if of_type in types:
                continue
            types.add(of_type)
        seen.add(url)
        tree = page(client, url)
        yield url, tree
        links = [urlsplit(link) for link in tree.xpath("//a/@href")]
        assert not any(link.netloc for link in links)
        waiting += [
            f"{link.path}?{link.query}" if link.query else link.path
            for link in links
            if link.path and not link.path.startswith("/sdmx") and not link.path.endswith(FILES)
        ]


@pytest.mark.faults
def test_masked_and_embargoed_figures_are_on_no_page(client):
    urls = []
    for url, tree in every_page(client):
        urls.append(url)
        source = html.tostring(tree).decode().replace(",", "").replace("\u202f", "")
        for marker in (SECRET, EMBARGOED, "hidden-comment"):
            assert str(marker) not in source, url
    assert "/dataflows/MIGDX/DF_MIG_STOCK" in urls
    assert "/help/unknown_code" in urls


def test_masked_figures_are_not_counted(shown):
    flow = next(f for f in shown.registry.of(pages.Dataflow) if f.id == "DF_MIG_FLOW")
    covered = coverage(shown, flow, shown.public())
    assert [(share.provider.id, share.observations) for share in covered.shares] == [("DNK", 5), ("SWE", 5)]


@pytest.mark.faults  # every link of every page of the demonstration
def test_links_lead_somewhere(client):
    for _, tree in every_page(client):
        for link in tree.xpath("//a/@href[starts-with(., '/sdmx')]"):
            assert client.get(link).status_code == 200
        assert tree.xpath("//html/@lang")[0] in ("en", "fr")
        for anchor in tree.xpath("//a/@href[starts-with(., '#')]"):
            assert tree.xpath(f"//*[@id='{anchor[1:]}']")


# --- form and courtesy ----------------------------------------------------------------------


def test_pages_are_accessible_in_their_markup(client):
    for url, tree in every_page(client):
        assert len(tree.xpath("//main")) == len(tree.xpath("//h1")) == 1, url
        assert tree.xpath("//title/text()")[0].strip()
        assert all(nav.get("aria-label") for nav in tree.iter("nav"))
        assert all(found.find("caption") is not None for found in tree.iter("table")), url
        assert all(cell.get("scope") for cell in tree.iter("th"))
        for field in tree.xpath("//select | //input[@type != 'hidden']"):
            assert tree.xpath(f"//label[@for='{field.get('id')}']"), url
        for labelled in tree.xpath("//*/@aria-labelledby"):
            assert tree.xpath(f"//*[@id='{labelled}']"), url
        assert not tree.xpath(
            "//script[not(starts-with(@src, '/static/')) or text()] | //@style | //style"
        ), url
        assert "do not imply any opinion" in text(tree) or "aucune prise de position" in text(tree), url


def test_the_language_is_the_one_asked_for(client):
    assert page(client, "/", Accept_Language="fr-CH, en;q=0.5").get("lang") == "fr"
    assert page(client, "/?lang=en", Accept_Language="fr").get("lang") == "en"
    assert page(client, "/", Accept_Language="xx").get("lang") == "en"
    tree = page(client, "/?from=208&to=752&lang=fr")
    assert "7\u202f015" in table(tree, "Danemark").text_content()
    assert "lang=fr" in tree.xpath("//a[@class='brand']/@href")[0]


def test_headers_forbid_scripts_and_foreign_things(client):
    answer = client.get("/")
    policy = [directive.split() for directive in answer.headers["Content-Security-Policy"].split(";")]
    assert ["default-src", "'none'"] in policy
    assert ["frame-ancestors", "'none'"] in policy
    assert {source for _, *sources in policy for source in sources} <= {"'none'", "'self'", "data:"}
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Vary"] == "Accept-Language"


def test_a_page_that_did_not_change_is_not_sent_again(client):
    first = client.get("/")
    assert first.headers["Cache-Control"].startswith("public, max-age=")
    again = client.get("/", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert client.get("/?lang=fr", headers={"If-None-Match": first.headers["ETag"]}).status_code == 200


def test_style_and_icon_are_our_own(client):
    tree = page(client, "/")
    for link in tree.xpath("//link/@href"):
        answer = client.get(link)
        assert answer.status_code == 200
        assert "http" not in answer.text.replace("http://www.w3.org/2000/svg", "")
        answer.close()


@pytest.mark.parametrize(
    "url", ["/dataflows/MIGDX/NO_SUCH_FLOW", "/dataflows/X/DF_MIG_FLOW", "/help/no_such_check"]
)
def test_what_is_not_there_is_said_on_a_page(client, url):
    assert "There is no" in text(page(client, url, status=404))


BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


def test_an_unknown_address_is_said_on_a_page_to_a_browser_only(client):
    tree = page(client, "/no/such?from=<b>", status=404, Accept=BROWSER)
    assert "There is nothing at /no/such" in text(tree)
    assert client.get("/no/such", headers={"Accept": BROWSER}).headers["Content-Security-Policy"]
    for accept in ("", "*/*", "application/json"):
        answer = client.get("/no/such", headers={"Accept": accept})
        assert (answer.status_code, answer.mimetype) == (404, "application/json")
        assert answer.json["errors"][0]["detail"] == "There is nothing at /no/such"
    assert client.get("/sdmx/v2/no/such", headers={"Accept": BROWSER}).mimetype != "text/html"


def test_what_an_address_does_not_take_is_said(client):
    tree = page(client, "/check", status=405, Accept=BROWSER)
    assert "/check does not take GET, only" in text(tree)
    answer = client.delete("/check")
    assert (answer.status_code, answer.mimetype) == (405, "application/json")
    assert "POST" in answer.headers["Allow"]
    assert "/check does not take DELETE" in answer.json["errors"][0]["detail"]


# --- a dataflow ----------------------------------------------------------------------


def test_a_dataflow_with_its_structure_and_coverage(client):
    tree = page(client, "/dataflows/MIGDX/DF_MIG_FLOW")
    assert [row[:3] for row in rows(table(tree, "What each provider has released"))] == [
        ["Denmark1 DNK", "5", "2015–2019"],
        ["Sweden SWE", "5", "2015–2018"],
    ]
    components = {row[0]: row[1:] for row in rows(table(tree, "in the order of the structure"))}
    assert list(components)[:3] == ["FREQ", "REF_AREA", "COMPONENT"]
    assert components["COMPONENT"][1] == "dimension"
    assert components["COMPONENT"][2].startswith("3 of 10 codes MIGDX:CL_COMPONENT(1.0.0)")
    assert "EMIG" in components["COMPONENT"][2]


def test_a_dataflow_without_data(client):
    assert "nothing released yet" in text(page(client, "/dataflows/MIGDX/DF_MIG_STOCK"))


# --- checking a file ----------------------------------------------------------------------


def test_a_sound_file(client):
    answer = send(client, flow_csv(flow_row("752", "IMMIG", "208", 2019, 5)), provider="SWE")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    tree = html.document_fromstring(answer.text)
    assert text(tree.find(".//h1")).endswith("This file would be accepted")
    assert not tree.xpath("//li[contains(@class, 'finding error')]")


def test_a_bad_file_says_what_where_and_what_would_be_right(client):
    bad = flow_csv(
        flow_row("752", "IMMIG", "208", 2018, 5),
        flow_row("752", "IMMIG", "208", 2019, 5, sex="Female"),
        flow_row("250", "IMMIG", "208", 2019, 5),
    )
    tree = html.document_fromstring(send(client, bad, provider="SWE").text)
    assert text(tree.find(".//h1")).endswith("This file would be rejected")
    counts = [text(entry) for entry in tree.xpath("//dl[@class='counts']/div")]
    assert counts[:4] == ["Rows received3", "Accepted0", "Rejected3", "Errors2"]
    groups = tree.xpath("//li[contains(@class, 'finding error')]")
    assert [text(group.find(".//h3")) for group in groups] == [
        "Sex [SEX] has no code 'Female'; expected a code of MIGDX:CL_SEX(1.0.0).",
        "Reference area [REF_AREA] '250' is not covered by the provision agreement under which the file is "
        "sent.",
    ]
    assert [text(cell) for cell in groups[0].findall(".//td")] == [
        "3", "11 (K)", "Female", "2019",
        "Sweden, Immigration, Official series, Denmark A.752.IMMIG.OFF.208._T._T.Female._T._T",
    ]  # fmt: skip
    assert text(groups[0].find(".//dl")).startswith("Nearest codes F Female")
    assert groups[0].xpath(".//a/@href") == ["/help/unknown_code"]
    assert text(groups[1].find(".//dl")) == "Allowed752"


@pytest.mark.parametrize(
    ("language", "said", "place", "remarks"),
    [
        ("en", "Sex [SEX]: Female [F] + Male [M] do not add up to Total [_T]; expected the sum of its parts.",
         ["2", "15 (O)", "12,000", "11,000", "2019",
          "Sweden, Immigration, Official series, Denmark A.752.IMMIG.OFF.208._T._T._T._T._T"],
         "2 remarks for information"),
        ("fr", "Sexe [SEX] : Féminin [F] + Masculin [M] ne font pas Total [_T] ; attendu : la somme de ses "
         "parties.",
         ["2", "15 (O)", "12 000", "11 000", "2019",
          "Suède, Immigration, Série officielle, Danemark A.752.IMMIG.OFF.208._T._T._T._T._T"],
         "2 remarques pour information"),
    ],
)  # fmt: skip
def test_a_finding_says_names_in_the_readers_language_and_remarks_are_folded(
    client, language, said, place, remarks
):
    wrong = flow_csv(
        flow_row("752", "IMMIG", "208", 2019, 12000),
        flow_row("752", "IMMIG", "208", 2019, 6000, sex="F"),
        flow_row("752", "IMMIG", "208", 2019, 5000, sex="M"),
    )
    form = {"file": (io.BytesIO(wrong), "file.csv"), "provider": "SWE"}
    answer = client.post(f"/check/report?lang={language}", data=form, content_type="multipart/form-data")
    tree = html.document_fromstring(answer.text)
    (group,) = tree.xpath("//li[contains(@class, 'finding error')]")
    assert text(group.find(".//h3")) == said
    assert [text(cell) for cell in group.findall(".//td")] == place
    (folded,) = tree.xpath("//details[@class='remarks']")
    assert text(folded.find("summary")) == remarks
    assert len(folded.xpath(".//li")) == 2


def test_what_was_not_checked_is_said(client):
    tree = html.document_fromstring(send(client, flow_csv(flow_row("752", "IMMIG", "208", 2019, 5))).text)
    reasons = tree.xpath("//dl[@class='reasons']/dt")
    (reason,) = [one for one in reasons if text(one) == "No provider was named."]
    assert "not_your_area" in text(reason.getnext())


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "unreadable"),
        (bytes(range(256)) * 4, "unreadable"),
        (b"a,b\n1,2\n", "wrong_header"),
        (flow_csv()[:-30], "wrong_header"),
        (flow_csv(), "no_rows"),
    ],
)
def test_what_is_no_dataset_is_one_clear_finding(client, content, code):
    answer = send(client, content)
    assert answer.status_code == 200
    tree = html.document_fromstring(answer.text)
    if code != "wrong_header" or b"STRUCTURE" not in content:
        assert [text(found) for found in tree.xpath("//p[@class='code']/code")] == [code]
    assert "would be rejected" in text(tree.find(".//h1"))


def test_markup_in_a_file_stays_text(client):
    bad = flow_csv(flow_row("752", "IMMIG", "<script>alert(1)</script>", 2019, 5, comment="<img src=x>"))
    answer = send(client, bad, name="<script>.csv")
    assert re.findall("<script[^>]*", answer.text) == re.findall(
        '<script type="module" src="/static/check[.]js[^>]*', answer.text
    )
    assert "&lt;script&gt;alert(1)" in answer.text


def test_a_masked_number_is_not_repeated(client):
    bad = flow_csv(flow_row("752", "IMMIG", "208", 2019, f"{SECRET} persons", conf="C"))
    answer = send(client, bad)
    assert str(SECRET) not in answer.text
    assert "confidential" in answer.text


def test_no_file_is_said_on_a_page(client):
    for form in ({}, {"file": (io.BytesIO(b""), "")}):
        answer = client.post("/check/report", data=form, content_type="multipart/form-data")
        assert answer.status_code == 400
        assert "No file was chosen" in answer.text


def test_too_large_a_file_is_said_on_a_page(shown):
    small = create_app(shown, token=None, demo=True, largest=1000).test_client()
    answer = send(small, b"x" * 5000)
    assert answer.status_code == 413
    assert "larger than 1,000 bytes" in answer.text


def opened_in(folder):
    """What this process has open below a folder, as the system names it."""
    found = []
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            found.append(str(entry.readlink()))
    return [name for name in found if name.startswith(str(folder))]


def test_a_check_leaves_nothing(client, shown, tmp_path, monkeypatch):
    """A large file is spooled to a file without a name: no folder lists it, and it goes when it is closed."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    opened, listed, checked = [], [], shown.check

    def look(sent, **more):
        opened.extend(opened_in(tmp_path))
        listed.extend(tmp_path.iterdir())
        return checked(sent, **more)

    monkeypatch.setattr(shown, "check", look)
    entries = len(list(shown.ledger.entries()))
    many = (flow_row("752", "IMMIG", "208", 1000 + at, at) for at in range(9000))
    # encoded here: the client would do it in a temporary file of its own
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="f.csv"\r\n\r\n'
    body = head + flow_csv(*many) + b"\r\n--b--\r\n"
    answer = client.post("/check/report", data=body, content_type="multipart/form-data; boundary=b")
    assert answer.status_code == 200
    assert opened
    assert all(name.endswith("(deleted)") for name in opened)
    assert listed == list(tmp_path.iterdir()) == opened_in(tmp_path) == []
    assert len(list(shown.ledger.entries())) == entries


def test_a_report_of_a_submission_says_was(client):
    place = Place(row=2, column=27, given="")
    report = Report(
        "accepted", {"submission": "1", "fileName": "f.csv"}, {"structures": "s", "checks": "c", "code": "0"},
        ReportCounts(1, 1), (Finding("repeated_row", "information", places=(place,), values={"keys": 1}),),
    )  # fmt: skip
    with client.application.test_request_context("/"):
        tree = html.document_fromstring(pages.render_report(report).get_data(as_text=True))
    assert text(tree.find(".//h1")).endswith("This file was accepted")
    assert [text(cell) for cell in tree.findall(".//td")] == ["2", "27 (AA)", "(empty)"]


# --- help ----------------------------------------------------------------------


def test_help_is_the_docstring_of_the_check(client):
    for check in checks.ALWAYS:
        tree = page(client, f"/help/{checks.name(check)}")
        said = " ".join(unescape(check.__doc__ or "").replace("`", "").split())
        for part in re.split(r"(?:Why|Fix|Example): ", said):
            assert part.strip()[1:] in text(tree)


# --- small parts ----------------------------------------------------------------------


def test_numbers_are_written_as_the_language_writes_them():
    en, fr = Words("en"), Words("fr")
    assert [en.number(value) for value in (0, -0.0, 1234567, 1234.5, -12)] == [
        "0",
        "0",
        "1,234,567",
        "1,234.5",
        "−12",
    ]
    assert [fr.number(value) for value in (1234567, 1234.5)] == ["1\u202f234\u202f567", "1\u202f234,5"]
    assert [en.number(value, signed=True) for value in (5, 0, -5)] == ["+5", "0", "−5"]
    assert en.number(0.857, 2) == "0.86"


def test_columns_have_the_names_of_spreadsheets():
    assert [letters(number) for number in (1, 26, 27, 52, 703)] == ["A", "Z", "AA", "AZ", "AAA"]


def drawn(*lines):
    return html.fragment_fromstring(line_chart(lines, "wide", Words("en").number_locale))


def test_a_break_and_a_gap_interrupt_the_line():
    years = [Point(str(2010 + at), 10.0 + at) for at in range(6)]
    paths = drawn(Line("whole", tuple(years))).xpath("//*[contains(@class, 'mark-line')]/path")
    assert [path.get("d").count("L") for path in paths] == [5]
    broken = [Point(p.period, p.value, ("B",) if p.period == "2013" else ()) for p in years]
    paths = drawn(Line("broken", tuple(broken))).xpath("//*[contains(@class, 'mark-line')]/path")
    assert sorted(path.get("d").count("L") for path in paths) == [2, 2]
    gap = [point for point in years if point.period != "2012"]
    paths = drawn(Line("gap", tuple(gap))).xpath("//*[contains(@class, 'mark-line')]/path")
    assert sum(path.get("d").count("L") for path in paths) == 3


def test_labels_do_not_cover_each_other_and_are_escaped():
    close = [
        Line(name, (Point("2019", 100.0), Point("2020", value)))
        for name, value in (("<b>&", 100.0), ("two", 100.5))
    ]
    drawing = drawn(*close)
    ends = [word for word in drawing.iter("text") if word.get("font-weight") == "600"]
    heights = [float(re.search(r",([\d.]+)\)", word.get("transform")).group(1)) for word in ends]
    assert sorted(text(word) for word in ends) == ["<b>&", "two"]
    assert abs(heights[0] - heights[1]) >= 15


def test_nothing_to_draw_is_no_drawing():
    assert line_chart((Line("empty", (Point("2019", None),)),), "wide", {}) == ""
    assert line_chart((), "wide", {}) == ""
