"""Messages that are wrong or mean: one StructureFault with a line each; and the standard's own samples."""

from __future__ import annotations

import time
from contextlib import suppress
from copy import deepcopy
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from structures_made import BY_PROVIDER, CL_SEX, CODE_MAP, DSD, HEADER, HIERARCHY, MADE, SPECIMENS

from migdx.errors import StructureFault
from migdx.formats.ml30_structure_reader import read_structures
from migdx.formats.ml30_structure_writer import write_structures
from migdx.structures import Maintainable


def written(*artefacts: Maintainable) -> bytes:
    return b"".join(write_structures(artefacts, HEADER)).replace(b"><", b">\n<")


GOOD = written(CL_SEX)
ROOT = GOOD.index(b"<mes:Structure")
DECLARATION, MESSAGE = GOOD[:ROOT], GOOD[ROOT:]
LAUGHS = b"".join(
    b'<!ENTITY a%d "%s">' % (level, b"&a%d;" % (level - 1) * 10 if level else b"ha" * 10)
    for level in range(10)
)


def good(old: bytes | str, new: bytes | str) -> bytes:
    """The good message with one thing changed."""
    return changed(GOOD, old, new)


def changed(message: bytes, old: bytes | str, new: bytes | str) -> bytes:
    old, new = (text.encode() if isinstance(text, str) else text for text in (old, new))
    assert old in message
    return message.replace(old, new)


def with_document_type(declared: bytes, old: str = ">All<", new: str = ">All<") -> bytes:
    return DECLARATION + b"<!DOCTYPE x " + declared + b">" + changed(MESSAGE, old, new)


FIRST_LIST = GOOD[GOOD.index(b"<str:Codelist ") : GOOD.index(b"</str:Codelists>")].decode()
PLACE = '<str:HierarchicalCode id="O"'
CONCEPT = "urn:sdmx:org.sdmx.infomodel.conceptscheme.Concept=TEST:CS_TEST(1.0.0).SEX<"

HOSTILE: dict[str, tuple[bytes, str]] = {
    "entity bomb": (with_document_type(b"[" + LAUGHS + b"]", ">All<", ">&a9;<"), "document type|entity"),
    "bomb in an attribute": (
        with_document_type(b"[" + LAUGHS + b"]", 'id="ALL"', 'id="&a9;"'),
        "document|amplif",
    ),
    "external entity": (
        with_document_type(b'[<!ENTITY e SYSTEM "file:///etc/passwd">]', ">All<", ">&e;<"),
        "document type",
    ),
    "external document type": (with_document_type(b'SYSTEM "http://127.0.0.1:9/x.dtd"'), "document type"),
    "document type without content": (with_document_type(b""), "document type"),
    "unknown entity": (good(">All<", ">&nbsp;<"), "well-formed"),
    "truncated": (GOOD[:-200], "well-formed"),
    "not XML": (b"DATAFLOW,FREQ\nTEST:DF(1.0),A\n", "well-formed"),
    "JSON": (b'{"meta": {}}', "well-formed"),
    "empty": (b"", "XML"),
    "blank": (b"  \n ", "XML"),
    "binary": (b"PK\x03\x04\x00\x00", "XML"),
    "wrong encoding": (good("اسم", b"\xff\xfe"), "well-formed"),
    "wrong root": (
        good("mes:Structure ", "mes:Error ").replace(b"/mes:Structure>", b"/mes:Error>"),
        "is Error of",
    ),
    "2.1 given": (good("v3_0", "v2_1"), "The root is Structure of SDMX-ML 2.1"),
    "no namespace": (b"<Structure/>", "The root is Structure of no namespace"),
    "HTML": (b"<html><body>Not found</body></html>", "The root is html"),
    "artefact twice": (
        good("</str:Codelists>", FIRST_LIST + "</str:Codelists>"),
        "stands twice in the message",
    ),
    "code twice": (good('id="ALL"', 'id="F"'), "two Code of id 'F'"),
    "component twice": (changed(written(DSD), 'id="UNIT"', 'id="SEX"'), "of id 'SEX'"),
    "place twice": (
        changed(written(HIERARCHY), PLACE, PLACE.replace("O", "F")),
        "two HierarchicalCode of id 'F'",
    ),
    "bad URN": (changed(written(DSD), CONCEPT, "SEX<"), "ConceptIdentity: 'SEX' is not an SDMX URN"),
    "URN of another class": (
        changed(written(DSD), "MetadataStructure=TEST", "Codelist=TEST"),
        "Metadata names a Codelist; expected MetadataStructure",
    ),
    "bad id": (good('id="CL_SEX"', 'id="../../etc"'), "no SDMX identifier"),
    "no id": (good('id="CL_SEX"', ""), "Codelist/@id is ''"),
    "bad agency": (good('agencyID="TEST"', 'agencyID="1/2"'), "@agencyID"),
    "bad version": (good('version="1.0.0"', 'version="latest"'), "@version"),
    "bad boolean": (good("<str:Codelist ", '<str:Codelist isPartial="maybe" '), "@isPartial is 'maybe'"),
    "unknown kind": (good("str:Codelist", "str:Process"), "Process is not a kind of artefact"),
    "no relationship": (changed(written(DSD), "<str:Observation/>", "<str:Nothing/>"), "none of Dataflow"),
    "key without value": (
        changed(written(BY_PROVIDER), b"<str:Value>X</str:Value>", ""),
        "Key has 0 values for",
    ),
    "validity of a value": (
        changed(written(BY_PROVIDER), "<str:Value>X", '<str:Value validFrom="2000">X'),
        "Value/@validFrom",
    ),
    "part of a value": (
        changed(written(CODE_MAP), "<str:SourceValue>F", '<str:SourceValue startIndex="1">F'),
        "startIndex",
    ),
    "role": (changed(written(BY_PROVIDER), 'role="Allowed"', 'role="Both"'), "expected Allowed or Actual"),
    "deep": (changed(written(HIERARCHY), f"{PLACE}>", f"{PLACE}>" * 5000), "depth|well-formed"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_one_fault_with_a_line(name: str) -> None:
    message, reason = HOSTILE[name]
    start = time.process_time()
    with pytest.raises(StructureFault, match=reason) as caught:
        read_structures(message, "folder/file.xml")
    assert time.process_time() - start < 2
    assert caught.value.path == "folder/file.xml"
    assert 1 <= caught.value.line <= message.count(b"\n") + 1
    assert str(caught.value).startswith(f"folder/file.xml:{caught.value.line}: ")


def test_the_line_is_where_it_is() -> None:
    line = GOOD[: GOOD.index(b'id="ALL"')].count(b"\n") + 1
    with pytest.raises(StructureFault) as caught:
        read_structures(GOOD.replace(b'id="ALL"', b'id="A B"'))
    assert caught.value.line == line


def test_the_next_message_is_unaffected() -> None:
    for message, _ in HOSTILE.values():
        with pytest.raises(StructureFault):
            read_structures(message)
    assert read_structures(GOOD) == [CL_SEX]


def test_an_unknown_element_kills_nothing() -> None:
    strange = b'<str:Novelty><str:Inner/></str:Novelty><!-- a comment --><?pi?><x xmlns="urn:x"/>'
    message = GOOD.replace(b"</str:Codelist>", strange + b"</str:Codelist>")
    assert read_structures(message) == [CL_SEX]


ALL = etree.fromstring(written(*MADE))
NODES = len(list(ALL.iter()))


@given(st.integers(1, NODES - 1), st.sampled_from(("drop", "empty", "text", "rename", "attributes", "move")))
def test_any_damage_is_a_fault_or_bearable(place: int, damage: str) -> None:
    tree = deepcopy(ALL)
    node = list(tree.iter())[place]
    parent = node.getparent()
    match damage:
        case "drop":
            parent.remove(node)
        case "empty":
            del node[:]
            node.text = None
        case "text":
            node.text = " # "
        case "rename":
            node.tag = "{urn:x}other"
        case "attributes":
            node.attrib.update(dict.fromkeys(node.attrib, " "))
        case "move":
            tree.append(node)
    with suppress(StructureFault):
        read_structures(etree.tostring(tree))


def test_comments_and_cdata_do_not_cut_texts() -> None:
    message = GOOD.replace(b">All<", b">A<!-- x --><![CDATA[l&]]>l<")
    (back,) = read_structures(message)
    assert back.items[1].names["en"] == "Al&l"  # type: ignore[attr-defined]


def specimens(folder: str) -> list[Path]:
    return sorted((SPECIMENS / folder).rglob("*.xml"))


@pytest.mark.skipif(
    not SPECIMENS.is_dir(), reason=f"{SPECIMENS} is not there; MIGDX_SPECIMENS names another folder"
)
@pytest.mark.parametrize(
    "path",
    [
        *specimens("twg-sdmx-ml"),
        *specimens("pysdmx/xml/sdmx30"),
        *specimens("pysdmx/xml/sdmx31"),
        *specimens("tricky"),
    ],
    ids=lambda path: path.name,
)
def test_real_messages_load_or_fault_once(path: Path) -> None:
    found = outcome(path)
    if isinstance(found, StructureFault):
        assert found.line >= 1
        assert found.reason
    else:
        back = {artefact.urn: artefact for artefact in read_structures(written(*found))}
        assert back == {artefact.urn: artefact for artefact in found}


def outcome(path: Path) -> list[Maintainable] | StructureFault:
    try:
        return read_structures(path.read_bytes(), path.name)
    except StructureFault as fault:
        return fault


READABLE = {
    "conceptscheme.xml", "dataflow.xml", "ECB_EXR_CA_DSD.xml", "codelist.xml", "codelist - extended.xml",
    "valuelist.xml", "codelist - discriminated union.xml",
}  # fmt: skip


@pytest.mark.skipif(
    not SPECIMENS.is_dir(), reason=f"{SPECIMENS} is not there; MIGDX_SPECIMENS names another folder"
)
def test_the_samples_of_the_standard_that_the_model_holds_load() -> None:
    found = {path.name for path in specimens("twg-sdmx-ml") if path.name in READABLE}
    assert found == READABLE
    for path in specimens("twg-sdmx-ml"):
        if path.name in READABLE:
            assert read_structures(path.read_bytes(), path.name)
