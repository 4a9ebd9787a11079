"""Messages that are wrong or mean: one StructureFault with a line each; and the standard's own samples."""

from __future__ import annotations

import time
from contextlib import suppress
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from structures_made import (
    AGREEMENT,
    AVAILABLE,
    BY_PROVIDER,
    CL_SEX,
    CODE_MAP,
    CONSTRAINT,
    DSD,
    FULL,
    FULL_STRUCTURE_MAP,
    HEADER,
    HIERARCHY,
    MADE,
    SPECIALS,
)

from migdx.errors import StructureFault
from migdx.formats.ml3_structures import read_structures30 as read_structures
from migdx.formats.ml3_structures import read_structures31, write_structures30, write_structures31
from migdx.formats.tables import sniff_structures
from migdx.structures import Codelist, Maintainable

pytestmark = pytest.mark.faults


def written(*artefacts: Maintainable) -> bytes:
    return b"".join(write_structures30(artefacts, HEADER)).replace(b"><", b">\n<")


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


def rooted(name: str) -> bytes:
    """The good message with another root."""
    return GOOD.replace(b"mes:Structure ", f"mes:{name} ".encode()).replace(
        b"/mes:Structure>", f"/mes:{name}>".encode()
    )


def with_document_type(declared: bytes, old: str = ">All<", new: str = ">All<") -> bytes:
    return DECLARATION + b"<!DOCTYPE x " + declared + b">" + changed(MESSAGE, old, new)


FIRST_LIST = GOOD[GOOD.index(b"<str:Codelist ") : GOOD.index(b"</str:Codelists>")].decode()
NAMESPACE = "http://www.sdmx.org/resources/sdmxml/schemas/v3_0/message"
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
        "is Error of SDMX-ML 3.0, which reports a fault",
    ),
    "2.1 given": (good("v3_0", "v2_1"), "The root is Structure of SDMX-ML 2.1"),
    "no namespace": (b"<Structure/>", "The root is Structure of no namespace"),
    "HTML": (
        b"<html><body>Not found</body></html>",
        "html of no namespace, which is a page for people",
    ),
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
    "bad id": (good('id="CL_SEX"', 'id="../../etc"'), "expected an SDMX identifier"),
    "no id": (good('id="CL_SEX"', ""), "Codelist/@id is ''"),
    "bad agency": (good('agencyID="TEST"', 'agencyID="1/2"'), "@agencyID"),
    "bad version": (good('version="1.0.0"', 'version="latest"'), "@version"),
    "bad boolean": (good("<str:Codelist ", '<str:Codelist isPartial="maybe" '), "@isPartial is 'maybe'"),
    "no relationship": (changed(written(DSD), "<str:Observation/>", "<str:Nothing/>"), "none of Dataflow"),
    "key without value": (
        changed(written(BY_PROVIDER), b"<str:Value>X</str:Value>", ""),
        "Key has 0 values for",
    ),
    "role": (changed(written(BY_PROVIDER), 'role="Allowed"', 'role="Both"'), "expected Allowed or Actual"),
    "pattern": (
        changed(written(CODE_MAP), "<str:SourceValue>F", '<str:SourceValue isRegEx="maybe">F'),
        "@isRegEx is 'maybe'; expected true or false",
    ),
    "no reference": (
        changed(written(AGREEMENT), "str:DataProvider>", "str:Nobody>"),
        "ProvisionAgreement has no DataProvider",
    ),
    "no concept": (
        changed(written(DSD), f"<str:ConceptIdentity>{CONCEPT}/str:ConceptIdentity>", ""),
        "Dimension has no ConceptIdentity",
    ),
    "data": (rooted("StructureSpecificData"), "which is a data message"),
    "metadata": (rooted("GenericMetadata"), "reference metadata"),
    "bound": (
        changed(
            written(CONSTRAINT), '<str:StartPeriod isInclusive="true">', '<str:StartPeriod isInclusive="x">'
        ),
        "@isInclusive is 'x'; expected true or false",
    ),
    "mapping of nothing": (
        changed(written(CODE_MAP), "str:SourceValue>", "str:Nothing>"),
        "RepresentationMapping has no SourceValue",
    ),
    "side of nothing": (
        changed(
            written(FULL_STRUCTURE_MAP),
            "<str:Target>FREQ</str:Target><str:Value>".replace("><", ">\n<"),
            "<str:Value>",
        ),
        "FixedValueMap has neither Source nor Target",
    ),
    "no relationship at all": (
        changed(written(DSD), "str:AttributeRelationship>", "str:Nothing>"),
        "Attribute has no AttributeRelationship",
    ),
    "comment only": (b"<!-- nothing -->", "well-formed|no element"),
    "registry without structures": (
        f'<RegistryInterface xmlns="{NAMESPACE}"><QueryRegistrationRequest/></RegistryInterface>'.encode(),
        "submits no Structures",
    ),
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


EACH = tuple({artefact.reference: artefact for artefact in (*MADE, *FULL, *SPECIALS)}.values())
ALL = etree.fromstring(written(*EACH))
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


# --- what is borne, and noted ------------------------------------------------------------------------------


def noted(message: bytes, read: Any = read_structures) -> list[str]:
    skipped: list[str] = []
    assert read(message, "", skipped) == [CL_SEX]
    return skipped


def test_what_is_not_known_is_noted_with_its_line() -> None:
    message = good("</str:Codelist>", "<str:Novelty/></str:Codelist>")
    line = message[: message.index(b"<str:Novelty")].count(b"\n") + 1
    assert noted(message) == [f"line {line}: Novelty is not known in SDMX-ML 3.0 Codelist"]
    (told,) = noted(good(' id="ALL"', ' id="ALL" weight="3"'))
    assert told.endswith(": @weight is not known in SDMX-ML 3.0 Code")


def test_an_unknown_attribute_of_a_list_of_components() -> None:
    skipped: list[str] = []
    message = changed(
        written(DSD), "<str:DimensionList ", '<str:DimensionList order="1" xml:space="default" '
    )
    assert read_structures(message, "", skipped) == [DSD]
    assert [note.split(": ")[1] for note in skipped] == ["@order is not known in SDMX-ML 3.0 DimensionList"]


def test_foreign_attributes_and_elements() -> None:
    xsi = "http://www.w3.org/2001/XMLSchema-instance"
    assert noted(good("<str:Codelist ", f'<str:Codelist xmlns:i="{xsi}" i:type="x" ')) == []
    (told,) = noted(good("</str:Codelist>", '<Code xmlns="urn:x" id="Z"/></str:Codelist>'))
    assert told.endswith(": {urn:x}Code is not known in SDMX-ML 3.0 Codelist")


def test_an_unknown_kind_of_artefact_is_passed_over() -> None:
    strange = (
        '<str:Novelties><str:Novelty id="A"><str:Code id="B"/></str:Novelty></str:Novelties><str:Empty/>'
    )
    told = noted(good("</str:Codelists>", f'<str:Novelty id="X"/></str:Codelists>{strange}'))
    assert [note.split(": ")[1] for note in told] == [
        "Novelty is not known in SDMX-ML 3.0 Codelists",
        "Novelty is not known in SDMX-ML 3.0 Novelties",
        "Empty is not known in SDMX-ML 3.0 Structures",
    ]


@pytest.mark.parametrize(
    ("read", "write"), [(read_structures, write_structures30), (read_structures31, write_structures31)]
)
def test_an_unknown_element_anywhere_changes_nothing(read: Any, write: Any) -> None:
    message = b"".join(write(EACH, HEADER))
    tree = etree.fromstring(message)
    space = NAMESPACE.replace("message", "structure").replace("v3_0", etree.QName(tree).namespace[-12:-8])
    for node in list(tree.iter()):
        node.append(etree.Element(f"{{{space}}}Novelty"))
    skipped: list[str] = []
    assert read(etree.tostring(tree), "", skipped) == read(message)
    assert len(skipped) > 800
    assert {note.split(": ")[1].split(" ")[0] for note in skipped} == {"Novelty"}


def test_notes_have_an_end() -> None:
    assert len(noted(good("</str:Codelist>", "<str:Novelty/>" * 5000 + "</str:Codelist>"))) == 1000


def test_what_there_is_is_of_one_structure() -> None:
    message = b"".join(write_structures31([AVAILABLE], HEADER))
    with pytest.raises(StructureFault, match="attached to none or to many; expected one"):
        read_structures31(changed(message, "str:Dataflow>", "str:Nothing>"))


def test_comments_and_instructions_are_nothing() -> None:
    assert noted(good("<str:Code ", "<!-- x --><?pi?><str:Code ")) == []


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_encodings(encoding: str) -> None:
    text = GOOD.decode().replace('encoding="UTF-8"', f'encoding="{encoding[:6].upper().rstrip("-")}"')
    mark = "" if encoding in ("utf-8-sig", "utf-16") else "\ufeff"
    message = (mark + text).encode(encoding)
    assert noted(message) == []
    assert sniff_structures(message) == "application/vnd.sdmx.structure+xml;version=3.0.0"


def test_a_footer_is_nobodys() -> None:
    footer = f'<f:Footer xmlns:f="{NAMESPACE}/footer"><f:Message code="1"/></f:Footer>'
    assert noted(good("</mes:Structure>", f"{footer}</mes:Structure>")) == []


def test_a_submission_to_a_registry_is_read() -> None:
    start, end = GOOD.index(b"<mes:Structures>"), GOOD.index(b"</mes:Structure>")
    registry = NAMESPACE.replace("message", "registry").encode()
    held = GOOD[start:end].replace(b"mes:Structures", b"str:Structures")
    message = (
        GOOD[:start].replace(b"<mes:Structure ", b"<mes:RegistryInterface ")
        + b'<mes:SubmitStructureRequest><x:y xmlns:x="' + registry + b'"/>' + held
        + b"</mes:SubmitStructureRequest></mes:RegistryInterface>"
    )  # fmt: skip
    assert noted(message) == []


def test_a_reference_may_be_missing_in_a_stub() -> None:
    stub = replace(AGREEMENT, is_external=True)
    message = changed(written(stub), "str:DataProvider>", "str:Nobody>")
    assert read_structures(message) == [replace(stub, provider=None)]


# --- what the bytes are ------------------------------------------------------------------------------------


def test_bytes_are_known_by_what_they_are() -> None:
    xml, json = "application/vnd.sdmx.structure+xml", "application/vnd.sdmx.structure+json"
    later = b"".join(write_structures31([CL_SEX], HEADER))
    assert sniff_structures(GOOD) == f"{xml};version=3.0.0"
    assert sniff_structures(later) == f"{xml};version=3.1.0"
    assert sniff_structures(good("v3_0", "v2_1")) == f"{xml};version=2.1"
    assert noted(later, read_structures31) == []
    for message, version in (
        (b'{"$schema": "https://json.sdmx.org/2.1/sdmx-json-structure-schema.json"}', "2.1.0"),
        # the schema of 1.0 is named by registries that write 2.x
        (b' {"meta": {"schema": "https://x/tools/schemas/1.0/x.json"}, "data": {"codelists": []}}', "2.0.0"),
        (b'{"meta": {"schema": "https://x/1.0/x.json"}, "data": {"hierarchies": []}}', "2.0.0"),
        (b'{"meta": {"schema": "https://x/1.0/x.json"}, "data": {"contentConstraints": []}}', "1.0.0"),
        (b'{"data": {"codelists": [{"id": "CL", "isFinal" : true}]}}', "1.0.0"),
        (b'{"data": {"codelists": [{"id": "CL", "name": "\\"isFinal\\": true"}]}}', "2.0.0"),
        (b'{"data": {"codelists": []}}', "2.0.0"),
        (b'{"data": {"structureSets": []}}', "1.0.0"),
        (b'{"data": {"availabilityConstraints": []}}', "2.1.0"),
    ):
        assert sniff_structures(message) == f"{json};version={version}"


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (b"", "empty"),
        (b"a,b\n1,2\n", "well-formed"),
        (b"<html/>", "page for people"),
        (HOSTILE["data"][0], "data message"),
        (HOSTILE["external document type"][0], "DOCTYPE"),
        (
            b'{"$schema": "https://json.sdmx.org/2.1/sdmx-json-data-schema.json"}',
            "expected that of",
        ),
        (b'{"data": {"dataSets": []}}', "message of data"),
        (b'{"data": {"metadataSets": []}}', "reference metadata"),
        (b'{"data": ', "Not JSON"),
        (b"[1]", "no data object"),
    ],
)
def test_what_is_no_structure_message_is_said(message: bytes, reason: str) -> None:
    with pytest.raises(StructureFault, match=reason):
        sniff_structures(message)


def test_a_long_list_is_read() -> None:
    one = b'<str:Code id="C%d"><com:Name xml:lang="en">Code</com:Name></str:Code>'
    start, end = GOOD.index(b"<str:Code "), GOOD.rindex(b"</str:Codelist>")
    message = GOOD[:start] + b"\n".join(one % at for at in range(100_000)) + GOOD[end:]
    (found,) = read_structures(message)
    assert isinstance(found, Codelist)
    assert len(found.items) == 100_000
