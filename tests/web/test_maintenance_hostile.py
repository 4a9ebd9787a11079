"""Messages small to send and dear to understand: a clear answer in little time, and nothing is changed."""

from __future__ import annotations

import errno
import shutil
import time
from dataclasses import replace

import orjson
import pytest
from small_world import ML30, codelist, dsd, flow, message, small, submitted

from migdx.depots import folder as depot
from migdx.maintenance import Maintainer, Wish, maintain
from migdx.structures import Codelist, CodelistExtension
from migdx.urn import Reference
from migdx.web import create_app, maintenance
from migdx.web.maintainers import Maintainers

pytestmark = pytest.mark.faults

JSON = "application/vnd.sdmx.structure+json;version=2.0.0"
ML31 = "application/vnd.sdmx.structure+xml;version=3.1.0"
REGISTRY = "application/vnd.sdmx.registry+xml;version=3.0.0"
SECONDS = 5.0
"""Of the processor. What is tested here took minutes."""


@pytest.fixture
def exchange(tmp_path):
    made = small(tmp_path)
    yield made
    made.close()


@pytest.fixture
def client(exchange):
    tokens = Maintainers.parse("T=t")
    return create_app(exchange, token="service", demo=False, maintained_by=tokens).test_client()


@pytest.fixture
def post(client):
    def posted(body, content_type=ML30):
        started = time.process_time()
        headers = {"Authorization": "Bearer t"}
        answer = client.post("/sdmx/v2/structure", data=body, content_type=content_type, headers=headers)
        assert time.process_time() - started < SECONDS
        return answer

    return posted


def with_codes(codes: str) -> bytes:
    """A list with something inside."""
    return message(codelist("CL_N", "A")).replace(b"</str:Codelist>", codes.encode() + b"</str:Codelist>", 1)


def extending(id: str, *others: str, prefixes=("",), codes=(), **more) -> Codelist:
    named = [Reference("Codelist", "T", other, "1.0") for other in others]
    found = (CodelistExtension(one, prefix=prefix, **more) for one in named for prefix in prefixes)
    return codelist(id, *codes, extensions=tuple(found))


def test_what_is_not_known_by_the_hundred_thousand(post):
    assert post(with_codes("<str:X/>" * 300_000)).status_code == 201


@pytest.mark.parametrize("end", ["", "C0"])
def test_a_long_chain_of_parents(post, end):
    parents = [*(f"C{at + 1}" for at in range(19_999)), end]
    items = [
        replace(item, parent=parents[at])
        for at, item in enumerate(codelist("", *map("C{}".format, range(20_000))).items)
    ]
    answer = post(message(replace(codelist("CL_N"), items=tuple(items))))
    assert answer.status_code == (409 if end else 201)


def test_a_new_version_of_a_long_list(post):
    codes = [f"C{at}" for at in range(20_000)]
    assert post(message(codelist("CL_N", *codes, version="1.0.0"))).status_code == 201
    assert post(message(codelist("CL_N", *codes, "D", version="1.1.0"))).status_code == 201


def test_a_partial_language_with_many_new_items(post):
    many = codelist("CL_SEX", *(f"C{at}" for at in range(10_000)))
    many = replace(many, is_partial=True, is_partial_language=True)
    assert post(message(many, form=ML31), ML31).status_code == 200


def test_what_is_not_understood_is_told_in_few_words(post):
    lists = [{"id": f"C{at}", "agencyID": "T", "version": "1.0", "name": "n"} for at in range(1000)]
    lists[0] |= {f"{at}{'z' * 1000}": 1 for at in range(1000)}
    answer = post(orjson.dumps({"data": {"codelists": lists}}), JSON)
    assert answer.status_code == 201
    assert b"995 more" in answer.data
    assert len(answer.data) < 5_000_000


# --- lists that grow by taking each other's codes -------------------------------------------------


@pytest.mark.parametrize(
    "lists",
    [
        [extending(f"L{at}", f"L{at - 1}", prefixes=("a", "b")) for at in range(1, 40)],
        [extending(f"L{at}", f"L{at - 1}", codes=(f"C{at}",)) for at in range(1, 4000)],
        [extending("L1", "L0", include=tuple(f"%{at}" for at in range(11_000)))],
    ],
    ids=["twice", "chain", "wildcards"],
)
def test_lists_that_grow_beyond_measure_are_refused(post, exchange, lists):
    first = codelist("L0", *(f"C{at}" for at in range(1000)))
    answer = post(message(first, *lists))
    assert answer.status_code in (207, 409)
    assert exchange.whole.find(lists[-1].reference) is None
    assert b"are taken" in answer.data


def test_lists_that_extend_a_long_one_are_taken(post):
    first = codelist("L0", *(f"C{at}" for at in range(1000)))
    assert post(message(first, *(extending(f"L{at}", "L0") for at in range(1, 100)))).status_code == 201


def test_many_that_hang_on_each_other_are_refused_at_once(post):
    lists = [codelist("L0", "A"), *(extending(f"L{at}", f"L{at - 1}") for at in range(1, 300))]
    needs = dsd(id="NEEDS", sex="1.0")
    third = replace(needs.dimensions[2], representation=replace(needs.dimensions[2].representation,
                    enumeration=lists[-1].reference))  # fmt: skip
    needs = replace(needs, dimensions=(*needs.dimensions[:2], third, needs.dimensions[3]))
    assert post(message(*lists, needs)).status_code == 201
    inside = message(*lists).partition(b"<mes:Structures>")[2].partition(b"</mes:Structures>")[0]
    spaces = "".join(
        f' xmlns:{prefix}="http://www.sdmx.org/resources/sdmxml/schemas/v3_0/{part}"'
        for prefix, part in (("mes", "message"), ("str", "structure"), ("com", "common"))
    )
    asked = (
        f"<mes:RegistryInterface{spaces}>".encode()
        + b'<mes:SubmitStructureRequest action="Delete"><str:Structures>'
        + inside
        + b"</str:Structures></mes:SubmitStructureRequest></mes:RegistryInterface>"
    )
    answer = post(asked, REGISTRY)
    assert answer.status_code == 409
    assert answer.data.count(b"which stays") == 299


# --- limits, and what used to be 500 --------------------------------------------------------------


def test_names_that_no_address_holds(post):
    for made in (
        codelist("C" * 300),
        codelist("CL", version="9" * 300),
        codelist("CL", agency="T." + "A" * 300),
    ):
        assert post(message(made)).status_code == 422


def test_too_many_items_and_components(post, monkeypatch):
    assert post(message(codelist("CL_N", "A", "B"))).status_code == 201
    monkeypatch.setattr(maintenance, "MOST_ITEMS", 1)
    assert post(message(codelist("CL_N", "A", "B"))).status_code == 413
    made = dsd(id="WIDE")
    wide = [replace(made.dimensions[0], id=f"D{at}") for at in range(1000)]
    assert post(message(replace(made, dimensions=tuple(wide)))).status_code == 422


def test_a_property_twice_deep_inside(post):
    for opened, closed in ((b"[", b"]"), (b'{"a":', b"}")):
        body = b'{"data":{"x":1,"x":' + opened * 1010 + b"1" + closed * 1010 + b"}}"
        assert post(body, JSON).status_code == 400


def test_a_nul_in_a_name_is_searched(post, client):
    names = ["x\0y", "xz", "\0"]
    codes = [{"id": f"C{at}", "name": name} for at, name in enumerate(names)]
    made = {"id": "CL_N", "agencyID": "T", "version": "1.0", "name": "n", "codes": codes}
    assert post(orjson.dumps({"data": {"codelists": [made]}}), JSON).status_code == 201
    found = client.get("/sdmx/v2/structure/codelist/T/CL_N/1.0?q=xz&format=jsonstructure")
    assert [code["id"] for code in found.json["data"]["codelists"][0]["codes"]] == ["C1"]
    assert client.get("/sdmx/v2/structure/codelist/T/CL_N/1.0?q=y").status_code == 200


def test_a_dataflow_needs_dimensions(post, client):
    bare = replace(dsd(id="BARE"), dimensions=())
    assert post(message(bare, flow("F2", of="BARE"))).status_code == 207
    assert client.get("/sdmx/v2/availability/dataflow/T/F2").status_code == 404


# --- what is kept ---------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_no_space_is_507_and_reads_go_on(post, client, exchange, monkeypatch, number):
    def full(folder):
        raise OSError(number, "full")

    monkeypatch.setattr(depot, "draft", full)
    assert post(message(codelist("CL_N", "A"))).status_code == 507
    assert list(exchange.ledger.entries()) == []
    assert client.get("/sdmx/v2/structure/codelist/T/CL_SEX").status_code == 200


def test_a_full_ledger_is_507(post, exchange):
    with exchange.ledger._engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1")
    many = [codelist(f"CL_{at}", "A") for at in range(200)]
    assert post(message(*many)).status_code == 507
    assert exchange.ledger.verify() == 0


@pytest.mark.parametrize("harm", ["is missing", "is damaged"])
def test_a_blob_that_is_lost_is_named(post, exchange, tmp_path, caplog, harm):
    made = codelist("CL_N", "A")
    assert post(message(made)).status_code == 201
    [entry] = exchange.ledger.entries()
    digest = entry.body["blobs"][0]["sha256"]
    kept = exchange.blobs.depot.folder / digest
    if harm == "is missing":
        shutil.move(kept, tmp_path / "elsewhere")
    else:
        kept.write_bytes(kept.read_bytes().replace(b"The A", b"The B"))
    again = small(tmp_path)
    assert again.registry.find(made.reference) is None
    [told] = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert made.urn in told
    assert f"{digest}, which keeps {made.urn}, {harm}" in told
    assert again.registry.find(codelist("CL_SEX").reference)  # all else goes on
    submitted(again, "X,F,2020,1,A")
    if harm == "is missing":  # who has it sends it again
        [outcome] = maintain(again, [Wish.of(made)], Maintainer("T", frozenset("T")))
        assert outcome.fault is None
        assert again.registry.find(made.reference) == made
    again.close()


def test_a_search_for_thousands_of_words_takes_no_longer_than_for_a_few(client, post):
    assert post(message(codelist("CL_N", *(f"C{at}" for at in range(50_000))))).status_code == 201
    words = "+".join(f"{at:x}" for at in range(1600))
    started = time.process_time()
    assert client.get(f"/sdmx/v2/structure/codelist/T/CL_N/1.0?q={words}").status_code == 404
    assert client.get(f"/sdmx/v2/structure/codelist/T/CL_N/1.0?q={words}0").status_code == 404
    assert time.process_time() - started < 2
