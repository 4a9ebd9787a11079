"""Maps of workbooks over HTTP: the page without a script, the JSON, what is kept, and the command line."""

from __future__ import annotations

import base64
import io
import json
import re
import zlib
from html.parser import HTMLParser

import pytest
from conftest import TOKEN
from workbook_files import workbook

from migdx.exchange import Exchange
from migdx.formats.tables import STRUCTURE_READERS
from migdx.structures import StructureMap
from migdx.web import create_app
from migdx.web.mapping_forms import answered, unpacked

FLOW = "MIGDX:DF_MIG_FLOW(1.0.0)"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
SHEETS = {
    "Own": [
        ["Entrées et sorties", "", "", "", ""],
        ["", "Rein", "", "Raus", ""],
        ["Land", 2018, 2019, 2018, 2019],
        ["Germany", 5, 6, 1, 2],
        ["Ruritania", 7, 8, ".", 4],
        ["World", 12, 14, 1, 6],
    ]
}
CONTENT = workbook(SHEETS)


@pytest.fixture
def demo(exchange):
    return create_app(exchange, token=None, demo=True).test_client()


@pytest.fixture
def client(exchange):
    return create_app(exchange, token=TOKEN, demo=False).test_client()


@pytest.fixture(scope="module")
def trying(tmp_path_factory):
    """A service in which nothing is kept."""
    exchange = Exchange.open(tmp_path_factory.mktemp("trying"))
    yield create_app(exchange, token=None, demo=True).test_client()
    exchange.close()


@pytest.fixture(scope="module")
def shown(trying):
    """The fields of the first page for the sheet below."""
    return Form(started(trying)[1]).fields


@pytest.fixture(scope="module")
def confirmed(trying, shown):
    """The form after two rounds: places, then the texts of what was placed."""
    _, page = step(trying, answers(shown), "look")
    fields = Form(page).fields
    for text, code in (("Rein", "IMMIG"), ("Raus", "EMIG")):
        fields[f"other.{label(fields, text)}"] = code
    return fields


class Form(HTMLParser):
    """The fields of the page's form as a browser would send them without a change."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.offered: dict[str, list[str]] = {}
        self._select = ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        name = given.get("name") or ""
        if tag == "input" and name and given.get("type") != "file":
            if given.get("type") != "checkbox" or "checked" in given:
                self.fields[name] = given.get("value") or ""
        elif tag == "select":
            self._select = name
            self.offered[name] = []
        elif tag == "option" and self._select:
            value = given.get("value") or ""
            self.offered[self._select].append(value)
            if "selected" in given or self._select not in self.fields:
                self.fields[self._select] = value

    def handle_endtag(self, tag):
        if tag == "select":
            self._select = ""


def step(client, fields, wanted, **more):
    answer = client.post(
        "/mappings", data={**fields, "step": wanted, **more}, content_type="multipart/form-data"
    )
    return answer, answer.get_data(as_text=True)


def started(client, content=CONTENT, name="own.xlsx", provider="FRA"):
    return step(client, {"provider": provider, "dataflow": FLOW}, "propose", file=(io.BytesIO(content), name))


def label(fields, text):
    """The key of a text's fields."""
    return next(k for k, v in fields.items() if k.startswith("label.") and json.loads(v)[2] == text)


def answers(fields):
    """What a person says of the sheet above."""
    return fields | {
        "position.0.row.2": "COMPONENT", "place.0.SOURCE": "value", "value.0.SOURCE": "OFF",
        f"code.{label(fields, 'Ruritania')}": "-", "leave_wholes.0.COUNTERPART_AREA": "1",
    }  # fmt: skip


# --- the page -----------------------------------------------------------------------------------------------


def test_what_is_open_is_unfolded_and_what_is_settled_is_not(trying):
    each = re.compile(r'<details class="component[^"]*"( open)?>\s*<summary>[^<]*<code>(\w+)')
    shown = {component for unfolded, component in each.findall(started(trying)[1]) if unfolded}
    assert "COMPONENT" in shown
    assert not shown & {"FREQ", "TIME_PERIOD"}


def test_a_try_says_the_cell(trying, shown):
    page = step(trying, answers(shown), "check")[1]
    assert "Own!" in page.partition('class="tried"')[2].partition("</ul>")[0]


def test_the_page_asks_for_a_workbook(demo):
    page = demo.get("/mappings").get_data(as_text=True)
    assert "multipart/form-data" in page
    assert "<script" not in page
    assert "Dire une fois" in demo.get("/mappings?lang=fr").get_data(as_text=True)


def test_a_sheet_is_proposed_corrected_tried_and_kept(demo, exchange, confirmed):
    answer, page = started(demo)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    form = Form(page)
    assert form.fields["column.0.COUNTERPART_AREA"] == "A"
    assert form.fields["value.0.REF_AREA"] == "250"
    assert form.offered["position.0.row.2"][:2] == ["", "COMPONENT"]
    assert "Ruritania" in page

    answer, page = step(demo, confirmed, "check")
    assert answer.status_code == 200
    assert "would be accepted" in page
    assert exchange.ledger.history().seq == 0  # trying keeps nothing

    answer, page = step(demo, Form(page).fields, "keep")
    assert "Kept for FRA" in page
    entry = exchange.ledger.history().mapping("FRA", FLOW)
    assert entry is not None
    report = demo.post(
        "/submissions?provider=FRA", data=CONTENT, content_type="application/octet-stream"
    ).get_json()
    assert (report["verdict"], report["counts"]["received"]) == ("accepted", 4)
    assert report["subject"]["map"] == entry.blob


def test_the_page_carries_the_file_and_nothing_is_kept(demo, exchange):
    _, page = started(demo)
    fields = Form(page).fields
    assert unpacked(fields["carried"]).getvalue() == CONTENT
    assert list(exchange.blobs.depot.folder.iterdir()) == []
    answer, _ = step(demo, fields | {"carried": ""}, "look")
    assert answer.status_code == 400


def test_what_is_drawn_is_escaped(trying):
    evil = workbook(
        {"<b>S": [["<script>alert(1)</script>", 2018, 2019], ["<i>x</i>", 1, 2], ["Italy", 3, 4]]}
    )
    _, page = started(trying, evil)
    assert "<script>alert" not in page
    assert "<i>x" not in page


def test_a_file_that_is_none_is_told(trying):
    for content in (b"", b"PK\x03\x04 broken", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 broken", b"%PDF-1.4"):
        answer, page = started(trying, content, "file.xlsx")
        assert answer.status_code == 200
        assert 'class="remark"' in page


@pytest.mark.parametrize(
    "fields",
    [
        {"map": "{"},
        {"map": "[]"},
        {"map": '{"dataflow": "X", "sheets": [{"sheet": "a"}]}'},
        {"first_row.0": "many"},
        {"first_column.0": "$$"},
        {"place.0.SEX": "elsewhere"},
        {"label.1": "not a list"},
        {"label.1": "5"},
        {"decimal": "5"},
        {"place.0.SEX": "row", "row.0.SEX": "1", "pattern.0.SEX": "("},
        {"place.0.SEX": "row", "row.0.SEX": "1", "pattern.0.SEX": "(a|a)*b"},
        {"sign.9": '["sign", "", "."]', "code.sign.9": "nothing"},
        {"position.0.moon.1": "SEX"},
        {"carried": "!!"},
        {"carried": base64.b64encode(b"no zlib").decode()},
        {"carried": base64.b64encode(zlib.compress(b"x" * (65 << 20))).decode()},
    ],
)
def test_fields_that_say_nothing_are_named(trying, shown, fields):
    answer, text = step(trying, shown | fields, "look")
    assert answer.status_code == 400
    assert "Traceback" not in text


def test_keeping_needs_the_token_and_trying_does_not(client, exchange, confirmed):
    fields = confirmed
    answer, page = step(client, fields, "check")
    assert answer.status_code == 200
    assert "token" in Form(page).fields
    for token in ("", "wrong"):
        answer, _ = step(client, fields | {"token": token}, "keep")
        assert answer.status_code == 401
    assert exchange.ledger.history().mapped == ()
    answer, page = step(client, fields | {"token": TOKEN}, "keep")
    assert answer.status_code == 200
    assert TOKEN not in page
    assert len(exchange.ledger.history().mapped) == 1


def test_pages_of_other_sites_keep_nothing(demo, exchange, confirmed):
    answer = demo.post(
        "/mappings", data={**confirmed, "step": "keep"}, content_type="multipart/form-data",
        headers={"Origin": "https://elsewhere.example"},
    )  # fmt: skip
    assert answer.status_code == 403
    assert exchange.ledger.history().mapped == ()


# --- JSON ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def kept_map(confirmed):
    """The map of the form, as JSON."""
    return answered(confirmed).as_dict()


def test_the_proposal_as_json(client):
    url = f"/mappings/proposal?provider=FRA&dataflow={FLOW}&fileName=own.xlsx"
    told = client.post(url, data=CONTENT, content_type="application/octet-stream").get_json()
    assert told["map"]["dataflow"] == FLOW
    assert told["sheets"] == [{"name": "Own", "rows": 6, "columns": 5}]
    kinds = {question["kind"] for question in told["questions"]}
    assert {"position", "label", "sign", "component"} <= kinds
    assert told["questionsOpen"] > 0
    assert client.post("/mappings/proposal", data=CONTENT).status_code in (400, 422)
    assert client.post("/mappings/proposal?dataflow=T:NO(1.0)", data=CONTENT).status_code == 404


def test_a_map_is_put_told_and_deleted(client, kept_map):
    body, url = kept_map, f"/mappings/FRA/{FLOW}"
    assert client.get(url).status_code == 401
    assert client.get(url, headers=BEARER).status_code == 404
    assert client.put(url, json=body).status_code == 401
    assert client.put(url, json=body, headers=BEARER).status_code == 201
    assert client.put(url, json=body | {"title": "again"}, headers=BEARER).status_code == 201
    told = client.get("/mappings/FRA/DF_MIG_FLOW", headers=BEARER).get_json()
    assert told["map"]["title"] == "again"
    assert [entry["by"] for entry in told["history"]] == ["token", "token"]
    assert client.delete(url, headers=BEARER).status_code == 204
    assert client.get(url, headers=BEARER).status_code == 404
    assert client.delete(url, headers=BEARER).status_code == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"[1]", 400),
        (b"{}", 400),
        (b'{"dataflow": "MIGDX:DF_MIG_STOCK(1.0.0)", "sheets": []}', 400),
        (b'{"dataflow": "MIGDX:DF_MIG_FLOW(1.0.0)", "sheets": []}', 422),
    ],
)  # fmt: skip
def test_what_is_no_map_is_refused(client, body, status):
    answer = client.put(f"/mappings/FRA/{FLOW}", data=body, headers=BEARER)
    assert answer.status_code in (status, 403)


def test_a_map_of_any_size_is_not_held_in_memory(client):
    body = b'{"title": "' + b"x" * (1 << 20) + b'"}'
    assert client.put(f"/mappings/FRA/{FLOW}", data=body, headers=BEARER).status_code == 413


@pytest.mark.parametrize(
    ("accept", "version"), [("xml;version=3.0.0", "xml;version=3.0.0"), ("json", "json;version=2.0.0")]
)
def test_a_kept_map_is_a_structure_map(client, kept_map, accept, version):
    accept, media_type = (f"application/vnd.sdmx.structure+{one}" for one in (accept, version))
    url = f"/mappings/FRA/{FLOW}"
    client.put(url, json=kept_map, headers=BEARER)
    answer = client.get(url, headers=BEARER | {"Accept": accept})
    assert answer.content_type == media_type
    found = STRUCTURE_READERS[media_type](answer.data)
    (whole,) = (one for one in found if isinstance(one, StructureMap))
    assert whole.id == "SM_DF_MIG_FLOW_FRA"
    assert {fixed.component for fixed in whole.fixed_values} >= {"REF_AREA", "SOURCE"}
    assert client.get(f"{url}?format=csv", headers=BEARER).status_code == 406


# --- the command line ---------------------------------------------------------------------------------------


def test_the_command_line_proposes_tries_and_keeps(run, tmp_path, kept_map):
    own, made = tmp_path / "own.xlsx", tmp_path / "map.json"
    own.write_bytes(CONTENT)
    status, out, _ = run("map", own, "--dataflow", "DF_MIG_FLOW", "--provider", "FRA", "--output", made)
    assert status == 0
    assert "COUNTERPART_AREA" in out
    assert "which component is 'Rein, Raus'?" in out
    assert json.loads(made.read_bytes())["dataflow"] == FLOW
    assert run("check", own, "--provider", "FRA", "--map", made)[0] == 1

    made.write_bytes(json.dumps(kept_map).encode())
    status, out, _ = run("check", own, "--provider", "FRA", "--map", made)
    assert (status, "4 received, 4 accepted" in out) == (0, True)
    status, out, errors = run(
        "map", own, "--dataflow", "DF_MIG_FLOW", "--provider", "FRA", "--map", made, "--keep"
    )
    assert (status, "Kept for FRA" in out) == (0, True), errors
    assert run("check", own, "--provider", "FRA")[0] == 0
    status, out, _ = run("submit", own, "--provider", "FRA")
    assert (status, "revision 1" in out) == (0, True)

    moved = tmp_path / "moved.xlsx"
    moved.write_bytes(workbook({"Own": [["new"], *SHEETS["Own"]]}))
    status, out, _ = run("submit", moved, "--provider", "FRA")
    assert (status, "layout_drifted" in out) == (1, True)
    (tmp_path / "broken.json").write_bytes(b"{")
    assert "is not JSON" in run("check", own, "--map", tmp_path / "broken.json")[2]
    assert "--keep needs --provider" in run("map", own, "--dataflow", "DF_MIG_FLOW", "--keep")[2]
