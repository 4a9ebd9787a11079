"""Structures over HTTP: generations, formats, types; validators, languages, compression, other origins."""

from datetime import UTC, datetime

import orjson
import pytest
from conftest import TOKEN, getter
from lxml import etree

from migdx.exchange import Exchange
from migdx.formats.header import Header
from migdx.formats.tables import STRUCTURE_WRITERS
from migdx.structures import Category, CategoryScheme, GeoFeatureSetCode, GeographicCodelist, Item, ValueList
from migdx.web import create_app, v1, v2
from migdx.web.negotiation import OFFERS

XML3 = "application/vnd.sdmx.structure+xml;version=3.0.0"
XML21 = "application/vnd.sdmx.structure+xml;version=2.1"
BEST = {
    (generation, syntax): next(
        offer
        for offer in OFFERS[generation, "structure"]
        if offer in STRUCTURE_WRITERS and f"+{syntax}" in offer
    )
    for generation in ("v1", "v2")
    for syntax in ("xml", "json")
}
"""The format of a syntax that a generation gives: the newest of its own."""


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
        ("/sdmx/v2/structure/dataflow", "", BEST["v2", "json"]),
        ("/sdmx/v2/structure/dataflow", "application/xml", BEST["v2", "xml"]),
        ("/sdmx/v2/structure/dataflow", XML21, XML21),
        ("/sdmx/v1/dataflow", "", XML21),
        ("/sdmx/v1/dataflow", "application/json", BEST["v1", "json"]),
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


@pytest.fixture(scope="module")
def nested(tmp_path_factory):
    """GET of a service that holds one scheme, whose categories nest, and a draft and a value list."""
    folder = tmp_path_factory.mktemp("nested")
    named = {"names": {"en": "Name"}}
    below = Category("B", children=(Category("C", **named), Category("D", **named)), **named)
    made = [
        CategoryScheme("CATEGORIES", "T", "1.0.0", (Category("A", children=(below,), **named),), **named),
        ValueList("SIGNS", "T", "1.0.0", (Item("%", **named), Item("n/a", **named)), **named),
        GeographicCodelist("PLACES", "T", "1.0.0", (GeoFeatureSetCode("P", value="1,1", **named),), **named),
    ]
    (folder / "made.xml").write_bytes(
        b"".join(STRUCTURE_WRITERS[XML3](made, Header("T", datetime.now(UTC)), ("en",)))
    )
    exchange = Exchange.open(tmp_path_factory.mktemp("exchange"), [folder])
    yield getter(create_app(exchange, token=TOKEN, demo=False))
    exchange.close()


def test_items_with_their_ancestors(nested):
    url = "/sdmx/v2/structure/categoryscheme/T/CATEGORIES"
    for item, found in (("A", "A"), ("A.B", "AB"), ("A.B.D", "ABD"), ("A.B.C,A.B.D", "ABCD")):
        root = etree.fromstring(nested(f"{url}/~/{item}", Accept=XML3).data)
        assert "".join(node.get("id") for node in root.iter("{*}Category")) == found
        (only,) = root.iter("{*}CategoryScheme")
        assert only.get("isPartial") == "true"
    assert nested(f"{url}/~/B").status_code == 404
    assert nested("/sdmx/v2/structure/*/*/*/~/A.B").status_code == 200
    assert nested("/sdmx/v2/structure/categoryscheme/*/*/~/B").status_code == 204
    assert nested("/sdmx/v1/categoryscheme/T/CATEGORIES/latest/A.B.C").status_code == 200
    assert nested("/sdmx/v1/categoryscheme/all/all/latest/B").status_code == 404


def test_values_are_named_by_any_text(nested):
    for item in ("%25", "n%2Fa", "%25,n%2Fa"):
        answer = nested(f"/sdmx/v2/structure/valuelist/T/SIGNS/1.0.0/{item}", Accept=XML3)
        assert answer.status_code == 200
        assert len(list(etree.fromstring(answer.data).iter("{*}ValueItem"))) == len(item.split(","))


def test_what_a_generation_has_no_form_for_is_left_out(nested):
    """A value list, a geographic list and 2.1: sdmx.md, 14."""
    for url in ("valuelist/T/SIGNS", "codelist/T/PLACES"):
        assert nested(f"/sdmx/v2/structure/{url}", Accept=XML3).status_code == 200
        assert nested(f"/sdmx/v2/structure/{url}", Accept=XML21).status_code == 404
    assert nested("/sdmx/v2/structure/valuelist", Accept=XML21).status_code == 204
    assert nested("/sdmx/v1/codelist").status_code == 404
    found = artefacts(nested("/sdmx/v2/structure/*/T", Accept=XML21))
    assert found == [("CategoryScheme", "CATEGORIES")]
    assert ("GeographicCodelist", "PLACES") in artefacts(nested("/sdmx/v2/structure/codelist", Accept=XML3))


def test_no_such_item_in_many_is_an_empty_answer(get):
    assert get("/sdmx/v2/structure/codelist/*/*/~/NO_SUCH_CODE").status_code == 204
    assert get("/sdmx/v1/codelist/all/all/latest/NO_SUCH_CODE").status_code == 404


def test_search_and_pages(get):
    url = "/sdmx/v2/structure/codelist/MIGDX/CL_AREA/1.0.0"
    found = get(f"{url}?q=cote+d")
    assert found.headers["X-Total-Count"] == "1"
    assert "X-Total-Count" in found.headers["Access-Control-Expose-Headers"]
    (codelist,) = orjson.loads(found.data)["data"]["codelists"]
    assert codelist["isPartial"] is True
    assert [code["id"] for code in codelist["codes"]] == ["384"]
    every = [code["id"] for code in orjson.loads(get(url).data)["data"]["codelists"][0]["codes"]]
    told, pages = len(every), []
    for offset in range(0, told, 100):
        part = get(f"{url}?offset={offset}&limit=100")
        assert part.headers["X-Total-Count"] == str(told)
        pages += [code["id"] for code in orjson.loads(part.data)["data"]["codelists"][0]["codes"]]
    assert pages == every
    assert get(f"{url}?offset=50&limit=1").headers["X-Total-Count"] == str(told)  # kept, the second time
    assert "X-Total-Count" not in get("/sdmx/v2/structure/codelist/MIGDX?q=x").headers
    assert get(f"{url}?q=no-such-place").status_code == 404
    assert get(f"{url}?offset=99999").status_code == 204
    assert get("/sdmx/v1/codelist/MIGDX/CL_AREA?q=cote").headers["X-Total-Count"]


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
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS"
    maintained = get("/sdmx/v2/structure/codelist", method="OPTIONS")
    assert maintained.headers["Allow"] == "GET, HEAD, OPTIONS, POST, PUT, DELETE"
    assert maintained.headers["Access-Control-Allow-Methods"] == "GET, HEAD, OPTIONS"


def test_a_get_with_a_content_type_is_a_get(get):
    assert get("/sdmx/v2/structure/dataflow", Content_Type="application/json").status_code == 200


def test_roots_say_where_to_go_on(get):
    for root in ("/sdmx", "/sdmx/", "/sdmx/v1", "/sdmx/v2/"):
        told = get(root).json
        assert get(told["dataflows"].removeprefix("http://localhost")).status_code == 200
    assert get("/health").json["status"] == "ok"


# --- schemas ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "media_type"),
    [
        (
            "/sdmx/v2/schema/dataflow/MIGDX/DF_MIG_FLOW?format=schema&formatVersion=3.0.0",
            "application/vnd.sdmx.schema+xml;version=3.0.0",
        ),
        ("/sdmx/v1/schema/dataflow/MIGDX/DF_MIG_FLOW", "application/vnd.sdmx.schema+xml;version=2.1"),
        (
            "/sdmx/v2/schema/provisionagreement/MIGDX/MIG_FLOW_FRA?format=schema&formatVersion=3.0.0",
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
    assert get("/sdmx/v2/schema/dataflow/MIGDX/*").status_code == 400
