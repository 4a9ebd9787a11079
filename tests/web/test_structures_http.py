"""Structures over HTTP: generations, formats, types; validators, languages, compression, other origins."""

import gzip

import orjson
import pytest
import zstandard
from lxml import etree

from migdx.web import v1, v2

JSON2 = "application/vnd.sdmx.structure+json;version=2.0.0"
XML3 = "application/vnd.sdmx.structure+xml;version=3.0.0"
XML21 = "application/vnd.sdmx.structure+xml;version=2.1"


def artefacts(answer):
    """Element name and id of every artefact in a structure message."""
    root = etree.fromstring(answer.data)
    holder = next(child for child in root if etree.QName(child).localname == "Structures")
    return [(etree.QName(one).localname, one.get("id")) for kind in holder for one in kind]


def in_json(answer):
    return {name: [one["id"] for one in found] for name, found in orjson.loads(answer.data)["data"].items()}


@pytest.mark.parametrize(
    ("url", "accept", "media_type"),
    [
        ("/sdmx/v2/structure/dataflow", "", JSON2),
        ("/sdmx/v2/structure/dataflow", "application/xml", XML3),
        ("/sdmx/v2/structure/dataflow", XML21, XML21),
        ("/sdmx/v1/dataflow", "", XML21),
        ("/sdmx/v1/dataflow", "application/json", JSON2),
        ("/sdmx/dataflow", XML3, XML3),
    ],
)
def test_the_content_type_is_the_registered_one(get, url, accept, media_type):
    answer = get(url, Accept=accept)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == media_type
    assert b"DF_MIG_FLOW" in answer.data


@pytest.mark.parametrize(
    "url",
    [
        "/sdmx/v2/structure/dataflow/MIGDX/DF_MIG_FLOW",
        "/sdmx/v2//structure/dataflow/MIGDX/DF_MIG_FLOW/",
        "/sdmx//v2/structure/dataflow/*/DF_MIG_FLOW/%2B/*",
        "/sdmx/v2/structure/dataflow/MIGDX/DF_MIG_FLOW/1.0.0?x=y",
    ],
)
def test_other_ways_to_write_the_same_are_no_redirects(get, url):
    answer = get(url)
    assert answer.status_code == 200
    assert in_json(answer) == {"dataflows": ["DF_MIG_FLOW"]}


@pytest.mark.parametrize("word", v2.KINDS)
def test_every_type_of_2_answers(get, published, word):
    there = {artefact.kind for artefact in published.registry}
    answer = get(f"/sdmx/v2/structure/{word}?detail=allstubs")
    assert answer.status_code == (200 if v2.KINDS[word] in there else 204)


@pytest.mark.parametrize("word", v1.KINDS)
def test_every_resource_of_1_answers(get, word):
    answer = get(f"/sdmx/v1/{word}?detail=allstubs")
    assert answer.status_code in (200, 404)
    if answer.status_code == 404:
        assert b":ErrorMessage" in answer.data


def test_names_of_2_1(get):
    assert ("HierarchicalCodelist", "H_AREA") in artefacts(get("/sdmx/v1/hierarchicalcodelist/MIGDX/H_AREA"))
    assert ("ContentConstraint", "CR_MIG_FLOW") in artefacts(
        get("/sdmx/v1/contentconstraint/MIGDX/CR_MIG_FLOW")
    )
    # from one code to a pair of codes: 2.1 has no form for it
    assert get("/sdmx/v1/structureset/MIGDX/RM_MIG_STATUS").status_code == 404
    assert get("/sdmx/v2/structure/representationmap/MIGDX/RM_MIG_STATUS").status_code == 200
    assert get("/sdmx/v1/actualconstraint/MIGDX").status_code == 404
    assert get("/sdmx/v1/allowedconstraint/MIGDX/CR_MIG_FLOW").status_code == 200


def test_references(get):
    found = in_json(get("/sdmx/v2/structure/dataflow/MIGDX/DF_MIG_FLOW?references=datastructure,codelist"))
    assert found["dataStructures"] == ["DSD_MIG_FLOW"]
    assert "CL_SEX" in found["codelists"]
    kinds = {
        kind for kind, _ in artefacts(get("/sdmx/v1/datastructure/MIGDX/DSD_MIG_FLOW?references=children"))
    }
    assert {"DataStructure", "ConceptScheme", "Codelist"} <= kinds


def test_items(get):
    answer = get("/sdmx/v2/structure/codelist/MIGDX/CL_SEX/~/M,F")
    (codelist,) = orjson.loads(answer.data)["data"]["codelists"]
    assert codelist["isPartial"]
    assert sorted(code["id"] for code in codelist["codes"]) == ["F", "M"]
    assert get("/sdmx/v2/structure/codelist/MIGDX/CL_SEX/~/XX").status_code == 404


def test_what_one_names_and_is_not_there(get):
    for url in ("/sdmx/v2/structure/dataflow/MIGDX/NO", "/sdmx/v1/dataflow/MIGDX/NO", "/sdmx/dataflow/NO"):
        assert get(url).status_code == 404
    empty = get("/sdmx/v2/structure/dataflow/NO")
    assert (empty.status_code, empty.data) == (204, b"")
    assert "Content-Type" not in empty.headers


def test_schemes_cut_to_what_is_used(get):
    url = "/sdmx/v2/structure/dataflow/MIGDX/DF_MIG_FLOW/1.0.0?references=all&detail=referencepartial"
    found = orjson.loads(get(url).data)["data"]
    codes = {one["id"]: [code["id"] for code in one.get("codes", ())] for one in found["codelists"]}
    assert codes["CL_FREQ"] == ["A", "S", "Q", "M"]
    assert sorted(codes["CL_SEX"])[:2] == ["F", "M"]
    (concepts,) = found["conceptSchemes"]
    assert concepts["isPartial"]
    assert "COUNTERPART_AREA" in {concept["id"] for concept in concepts["concepts"]}
    asked = orjson.loads(get("/sdmx/v2/structure/codelist/MIGDX/CL_FREQ?detail=referencepartial").data)
    assert len(asked["data"]["codelists"][0]["codes"]) > 4


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
    assert orjson.loads(get(url + "?lang=fr").data)["data"] == orjson.loads(french.data)["data"]
    assert get(url + "?lang=xx").status_code == 406


def test_languages_of_items(get):
    answer = get("/sdmx/v2/structure/codelist/MIGDX/CL_AREA", Accept_Language="ar")
    assert answer.headers["Content-Language"] == "ar"
    (codelist,) = orjson.loads(answer.data)["data"]["codelists"]
    assert any("ar" in code["names"] for code in codelist["codes"])
    assert get("/sdmx/v2/structure/codelist?lang=zh").status_code == 200
    assert get("/sdmx/v2/structure/codelist?lang=xx").status_code == 406


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


@pytest.mark.parametrize(("encoding", "unpack"), [("gzip", gzip.decompress), ("zstd", unzstd)])
@pytest.mark.parametrize("url", ["/sdmx/v2/structure/codelist/MIGDX/CL_SEX", "/sdmx/v1/codelist"])
def test_compression(get, encoding, unpack, url):
    plain = get(url)
    assert "Content-Encoding" not in plain.headers
    packed = get(url, Accept_Encoding=encoding)
    assert packed.headers["Content-Encoding"] == encoding
    assert unpack(packed.data) == plain.data
    assert len(packed.data) < len(plain.data)


# --- methods and origins ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url", ["/sdmx", "/sdmx/v2/structure/dataflow", "/sdmx/v1/codelist", "/sdmx/v2/nothing"]
)
def test_head(get, url):
    head, whole = get(url, method="HEAD"), get(url)
    assert head.data == b""
    assert head.status_code == whole.status_code
    assert head.headers["Content-Type"] == whole.headers["Content-Type"]
    assert head.headers.get("ETag") == whole.headers.get("ETag")


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("/sdmx/v2/structure/dataflow", 200),
        ("/sdmx/v2/structure/process", 204),
        ("/sdmx/v2/structure/nothing", 400),
        ("/sdmx/v1/nothing", 404),
        ("/sdmx/v2/structure/dataflow?format=pdf", 406),
        ("/sdmx/v2/metadata", 501),
        ("/sdmx", 200),
    ],
)
def test_pages_of_any_origin_may_read(get, url, status):
    answer = get(url, Origin="https://elsewhere.example")
    assert answer.status_code == status
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_preflight(get):
    answer = get(
        "/sdmx/v2/data/dataflow/MIGDX", method="OPTIONS", Origin="https://elsewhere.example",
        Access_Control_Request_Method="GET", Access_Control_Request_Headers="x-requested-with, if-none-match",
    )  # fmt: skip
    assert (answer.status_code, answer.data) == (204, b"")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Access-Control-Allow-Headers"] == "x-requested-with, if-none-match"
    assert "GET" in answer.headers["Access-Control-Allow-Methods"]


def test_a_get_with_a_content_type_is_a_get(get):
    assert get("/sdmx/v2/structure/dataflow", Content_Type="application/json").status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_maintenance_is_not_built(get, method):
    assert get("/sdmx/v2/structure/codelist/MIGDX/CL_SEX/1.0.0", method=method).status_code == 501


def test_roots_say_where_to_go_on(get):
    for root in ("/sdmx", "/sdmx/", "/sdmx/v1", "/sdmx/v2/"):
        told = get(root).json
        assert get(told["dataflows"].removeprefix("http://localhost")).status_code == 200
    assert get("/health").json["status"] == "ok"


# --- schemas ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "media_type"),
    [
        ("/sdmx/v2/schema/dataflow/MIGDX/DF_MIG_FLOW", "application/vnd.sdmx.schema+xml;version=3.0.0"),
        ("/sdmx/v1/schema/dataflow/MIGDX/DF_MIG_FLOW", "application/vnd.sdmx.schema+xml;version=2.1"),
        (
            "/sdmx/v2/schema/provisionagreement/MIGDX/MIG_FLOW_FRA",
            "application/vnd.sdmx.schema+xml;version=3.0.0",
        ),
    ],
)
def test_schema(get, url, media_type):
    answer = get(url)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == media_type
    assert etree.QName(etree.fromstring(answer.data)).localname == "schema"


def test_schemas_that_are_not(get):
    assert get("/sdmx/v2/schema/dataflow/MIGDX/NO").status_code == 404
    assert get("/sdmx/v2/schema/datastructure/MIGDX/DSD_MIG_FLOW").status_code == 501
    assert get("/sdmx/v2/schema/dataflow/MIGDX/*").status_code == 400
