"""How structures are answered: validators, kept answers, languages, stubs, compression, long lists."""

import gzip
import json
import subprocess
import sys
import time
import zlib
from datetime import UTC, datetime

import orjson
import pyarrow as pa
import pytest
import zstandard
from conftest import ROOT, TOKEN, getter
from lxml import etree

from migdx.formats.header import Header
from migdx.formats.tables import STRUCTURE_WRITERS
from migdx.query import StructureQuery
from migdx.selection import selected
from migdx.web import create_app
from migdx.web.rendered import Kept, Rendered
from migdx.web.structures import warm

XML3 = "application/vnd.sdmx.structure+xml;version=3.0.0"
XML21 = "application/vnd.sdmx.structure+xml;version=2.1"


# --- validators ---------------------------------------------------------------------------------------------


def test_etags(get):
    url = "/sdmx/v2/structure/codelist/MIGDX/CL_SEX"
    tag = get(url).headers["ETag"]
    assert tag.startswith('"')
    for given in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = get(url, If_None_Match=given)
        assert (again.status_code, again.data) == (304, b"")
        assert again.headers["ETag"] == tag
        assert "Content-Type" not in again.headers
        assert again.headers["Access-Control-Allow-Origin"] == "*"
    assert get(url, If_None_Match='"other"').status_code == 200
    others = [
        get(url, Accept="application/xml"), get(url, Accept_Language="fr"), get(url, Accept_Encoding="gzip"),
        get(url + "?detail=allstubs"), get(url + "/1.0.0"),
    ]  # fmt: skip
    assert tag not in {answer.headers["ETag"] for answer in others}


def test_two_writings_of_one_query_have_one_tag(get):
    tags = {
        get(f"/sdmx/v2/structure/codelist/MIGDX/CL_SEX{end}").headers["ETag"]
        for end in ("", "/~", "/latest/*/")
    }
    assert len(tags) == 1


def kept(app):
    return app.extensions["migdx-rendered"]


def test_an_answer_is_rendered_once(app, get):
    url = "/sdmx/v2/structure/datastructure/MIGDX/DSD_MIG_FLOW?references=descendants&x=rendered-once"
    first = get(url, Accept=XML3)
    entry = kept(app).get(first.headers["ETag"].strip('"'))
    assert entry.body == first.data
    again = get(url, Accept=XML3)
    assert again.data == first.data
    assert again.headers["Content-Length"] == str(len(first.data))
    packed = get(url, Accept=XML3, Accept_Encoding="gzip")
    assert kept(app).get(packed.headers["ETag"].strip('"')).body == packed.data


def test_who_has_an_answer_costs_no_rendering(published):
    """Neither by its tag nor by its date; a tag that is known need not even be looked for."""
    other, app = (create_app(published, token=TOKEN, demo=False) for _ in range(2))
    get = getter(app)
    url = "/sdmx/v2/structure/codelist/MIGDX/CL_AREA"
    tag = getter(other)(url).headers["ETag"]
    assert get(url, If_None_Match=tag).status_code == 304
    assert get(url, If_None_Match="*").status_code == 304
    assert get("/sdmx/v2/structure/codelist/MIGDX/NO", If_None_Match="*").status_code == 404
    time.sleep(1.1)  # a date tells no parts of a second
    modified = getter(other)(url).headers["Last-Modified"]
    assert get(url, If_Modified_Since=modified).status_code == 304
    assert get(url, If_Modified_Since=datetime.now(UTC).isoformat()).status_code == 304
    assert kept(app).size == 0
    assert get(url, If_Modified_Since="Sat, 01 Jan 2000 00:00:00 GMT").status_code == 200
    assert get(url, If_None_Match='"other"', If_Modified_Since=modified).status_code == 200
    assert kept(app).size > 0


def test_what_is_kept_is_bounded():
    rendered = Rendered(1000)
    for number in range(20):
        rendered.put(str(number), Kept(b"x" * 100))
        rendered.get("0")
    assert rendered.size == 1000
    assert rendered.get("0")
    assert rendered.get("19")
    assert not rendered.get("1")
    rendered.put("large", Kept(b"x" * 251))
    assert not rendered.get("large")
    rendered.put("0", Kept(b""))
    assert rendered.size == 900


def test_a_long_answer_is_streamed_and_not_kept(published, monkeypatch):
    monkeypatch.setenv("MIGDX_RENDERED", "100000")
    app = create_app(published, token=TOKEN, demo=False)
    url = "/sdmx/v2/structure/codelist/MIGDX/CL_AREA"
    streamed = getter(app)(url, Accept=XML3)
    assert "Content-Length" not in streamed.headers
    assert kept(app).size == 0
    whole = getter(create_app(published, token=TOKEN, demo=False))(url, Accept=XML3)
    assert texts(streamed) == texts(whole)


def test_caching_headers(get):
    answer = get("/sdmx/v2/structure/dataflow")
    assert answer.headers["Vary"] == "Accept, Accept-Encoding, Accept-Language"
    assert answer.headers["Cache-Control"] == "public, max-age=60"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


# --- language and compression -------------------------------------------------------------------------------


def test_language(get):
    url = "/sdmx/v2/structure/codelist/MIGDX/CL_SEX"
    english = get(url, Accept_Language="de")
    french = get(url, Accept_Language="fr-CA, en;q=0.5")
    assert english.headers["Content-Language"] == "en"
    assert french.headers["Content-Language"] == "fr"
    assert english.data != french.data
    assert get(url + "?lang=xx").status_code == 406


def texts(answer):
    """Every text of a message in XML, by language."""
    found = {}
    for node in etree.fromstring(answer.data).iter():
        tag = node.get("{http://www.w3.org/XML/1998/namespace}lang")
        if tag:
            found.setdefault(tag, []).append(node.text)
    return found


def test_a_preference_removes_nothing_and_a_selection_does(get):
    url = "/sdmx/v2/structure/codelist/MIGDX/CL_SEX"
    preferred = get(url, Accept_Language="fr", Accept=XML3)
    assert {"en", "fr"} <= texts(preferred).keys()
    selected = get(url + "?lang=fr", Accept=XML3, Accept_Language="en")
    assert texts(selected).keys() == {"fr"}
    assert selected.headers["Content-Language"] == "fr"
    assert selected.headers["ETag"] != preferred.headers["ETag"]
    assert texts(get(url + "?lang=fr-CA", Accept=XML3)).keys() == {"fr"}
    every = get(url + "?lang=all", Accept=XML3)
    assert texts(every) == texts(preferred)
    assert every.headers["Content-Language"].split(", ")[0] == "en"


def test_a_name_stays_where_there_is_none_in_the_language(get):
    answer = get(
        "/sdmx/v2/structure/datastructure/MIGDX/DSD_MIG_FLOW?references=children&lang=ar", Accept=XML3
    )
    found = texts(answer)
    assert len(found["ar"]) > 100  # the areas
    assert found.keys() - {"ar"}  # a name is mandatory, and most of these have none
    assert get("/sdmx/v2/structure/codelist/MIGDX/CL_SEX?lang=zh").status_code == 406


def test_a_partial_language_is_said(get):
    newest = "application/vnd.sdmx.structure+json;version=2.1.0"
    if newest not in STRUCTURE_WRITERS:
        pytest.skip("SDMX-JSON 2.1 is not written yet; earlier formats have no word for it")
    (found,) = orjson.loads(get("/sdmx/v2/structure/codelist/MIGDX/CL_SEX?lang=fr", Accept=newest).data)[
        "data"
    ]["codelists"]
    assert found["isPartialLanguage"] is True


def test_languages_of_items(get):
    answer = get("/sdmx/v2/structure/codelist/MIGDX/CL_AREA", Accept_Language="ar")
    assert answer.headers["Content-Language"] == "ar"
    (codelist,) = orjson.loads(answer.data)["data"]["codelists"]
    assert any("ar" in code["names"] for code in codelist["codes"])
    assert get("/sdmx/v2/structure/codelist?lang=zh").status_code == 200
    assert get("/sdmx/v2/structure/codelist?lang=xx").status_code == 406


@pytest.mark.parametrize("root", ["/sdmx/v1/structure/all/all/all", "/sdmx/v2/structure/*/*/*/*"])
def test_the_address_in_a_stub_gives_the_whole(get, root):
    stubs = etree.fromstring(get(f"{root}?detail=allstubs", Accept=XML21).data)
    seen = set()
    for stub in stubs.iterfind(".//*[@structureURL]"):
        url = stub.get("structureURL")
        assert url.startswith("http://localhost/sdmx/v1/" if "/v1/" in root else "http://localhost/sdmx/v2/")
        if stub.tag in seen:  # one of each type
            continue
        seen.add(stub.tag)
        whole = get(url.removeprefix("http://localhost"), Accept=XML21)
        assert whole.status_code == 200, url
        (found,) = etree.fromstring(whole.data).iterfind(f".//{stub.tag}[@id='{stub.get('id')}']")
        assert found.get("isExternalReference") in (None, "false")
        assert len(found) >= len(stub)
    assert len(seen) > 8


def test_stubs_say_where_the_whole_is(get):
    answer = get("/sdmx/v1/dataflow/MIGDX/DF_MIG_FLOW?detail=allstubs")
    (flow,) = etree.fromstring(answer.data).iter("{*}Dataflow")
    assert flow.get("structureURL") == "http://localhost/sdmx/v1/dataflow/MIGDX/DF_MIG_FLOW/1.0.0"
    stubs = orjson.loads(get("/sdmx/v2/structure/*/MIGDX?detail=allstubs").data)["data"]
    assert len(stubs) > 5
    for stub in (found[0] for found in stubs.values()):
        (link,) = (link for link in stub["links"] if link["rel"] == "structure")
        assert get(link["href"].removeprefix("http://localhost")).status_code == 200


def unzstd(data):
    return zstandard.ZstdDecompressor().decompressobj().decompress(data)


def unbrotli(data):
    return pa.CompressedInputStream(pa.BufferReader(data), "brotli").read()


@pytest.mark.parametrize(
    ("encoding", "unpack"),
    [("gzip", gzip.decompress), ("zstd", unzstd), ("br", unbrotli), ("deflate", zlib.decompress)],
)
@pytest.mark.parametrize("url", ["/sdmx/v2/structure/codelist/MIGDX/CL_SEX", "/sdmx/v1/codelist"])
def test_compression(get, encoding, unpack, url):
    plain = get(url)
    assert "Content-Encoding" not in plain.headers
    packed = get(url, Accept_Encoding=encoding)
    assert packed.headers["Content-Encoding"] == encoding
    assert unpack(packed.data) == plain.data
    assert len(packed.data) < len(plain.data)


def test_a_service_that_warmed_itself_tells_the_same(exchange):
    """Each worker writes all that dataflows need, in every format, before it is asked."""
    found = selected(exchange.registry, StructureQuery(("Dataflow",), references=("descendants",)))
    header = Header("test", datetime.now(UTC))

    def told():
        return {kind: b"".join(write(found, header, ("en",))) for kind, write in STRUCTURE_WRITERS.items()}

    before = told()
    warm(exchange.registry)
    assert told() == before


# --- a list of any length -----------------------------------------------------------------------------------


def test_a_list_of_100_000_codes(tmp_path):
    """Loaded, looked into, searched and sent whole in every format, in a process that stays small."""
    bench = [sys.executable, str(ROOT / "bench" / "structures.py"), "--codes", "100000"]
    child = subprocess.run([*bench, "--child", str(tmp_path)], check=True, capture_output=True, text=True)
    found = json.loads(child.stdout)
    # 700,000 codes must fit into less than 1 GB: a seventh of it, and what one process needs once
    assert int(found["memory grown by, at most"].removesuffix(" MB")) < 1000 / 7 + 150
