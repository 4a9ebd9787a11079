"""SDMX-ML 2.1 as senders write it: what they leave out or say otherwise, what is wrong, and real messages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from lxml import etree
from round_trips import ABSENT, round_trip, specimens
from structures_made import SPECIMENS, faults
from test_structures_ml21_whole import (
    CONCEPT,
    HEAD,
    NAMES,
    PARTS,
    SCHEMA,
    SPACES,
    artefact_ref,
    item_ref,
    message,
    scheme_map,
    whole,
    written,
)

from migdx.errors import StructureFault
from migdx.formats.ml21_kept import KEPT
from migdx.formats.ml21_structures import read_structures
from migdx.structures import Categorisation, DataStructure
from migdx.urn import Reference

ML21 = "application/vnd.sdmx.structure+xml;version=2.1"

# --- what a sender may leave out, or say in another way ----------------------------------------------------


def structure(dimensions: str) -> DataStructure:
    inside = (
        f"<str:DataStructureComponents><str:DimensionList>{dimensions}</str:DimensionList>"
        f"<str:MeasureList><str:PrimaryMeasure>{CONCEPT}</str:PrimaryMeasure></str:MeasureList>"
        "</str:DataStructureComponents>"
    )
    (found,) = read_structures(
        message(f"<str:DataStructures>{whole('DataStructure', inside)}</str:DataStructures>")
    )
    assert isinstance(found, DataStructure)
    assert faults(written([found]), SCHEMA) == []
    assert read_structures(written([found])) == [found]
    return found


def test_positions_and_ids_are_told_or_follow() -> None:
    day = "<str:LocalRepresentation><str:TextFormat/></str:LocalRepresentation>"
    found = structure(
        f'<str:TimeDimension position="1">{CONCEPT}{day}</str:TimeDimension>'
        f'<str:Dimension id="B" position="3">{CONCEPT}</str:Dimension>'
        f'<str:Dimension id="A" position="2">{CONCEPT}</str:Dimension>'
    )
    assert [dimension.id for dimension in found.dimensions] == ["A", "B", "TIME_PERIOD"]
    told = found.dimensions[2].representation
    assert told is not None
    assert told.text_type == "ObservationalTimePeriod"


def test_what_only_later_generations_have_is_passed_over_and_noted() -> None:
    skipped: list[str] = []
    inside = "<str:CodelistExtension><str:Codelist/></str:CodelistExtension>"
    (found,) = read_structures(
        message(f"<str:Codelists>{whole('Codelist', inside, isPartialLanguage='true')}</str:Codelists>"),
        "",
        skipped,
    )
    assert not found.is_partial_language
    assert [note.partition(": ")[2].partition(" is")[0] for note in skipped] == [
        "@isPartialLanguage", "CodelistExtension",
    ]  # fmt: skip


URN = "urn:sdmx:org.sdmx.infomodel.conceptscheme.Concept=T:S(1.0).X"


@pytest.mark.parametrize(
    "inside",
    [
        f"<URN>{URN}</URN>",
        URN,
        '<Ref agencyID="T" maintainableParentID="S" id="X"/>',
        f'<Ref agencyID="T" maintainableParentID="S" id="X" class="Concept"/><URN>{URN}</URN>',
    ],
)
def test_a_reference_is_told_in_several_ways(inside: str) -> None:
    identity = f"<str:ConceptIdentity>{inside}</str:ConceptIdentity>"
    found = structure(f'<str:Dimension id="D">{identity}</str:Dimension>')
    assert found.dimensions[0].concept == Reference("Concept", "T", "S", "1.0", "X")


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("DataflowDefinition", "Dataflow"), ("ContentConstraint", "DataConstraint"),
        ("HierarchicalCodelist", "Hierarchy"), ("StructureSet", "StructureSet"),
    ],
)  # fmt: skip
def test_classes_have_the_names_of_the_model(said: str, meant: str) -> None:
    given = whole("Categorisation", artefact_ref("Source", said, "x") + item_ref("Target", "Category", "x"))
    (found,) = read_structures(message(f"<str:Categorisations>{given}</str:Categorisations>"))
    assert isinstance(found, Categorisation)
    assert found.source == Reference(meant, "T", "X", "1.0")


@pytest.mark.parametrize(
    ("version", "final"), [("1.0", ""), ("1.0", "true"), ("1.0.0", "true"), ("1.0.0", "false"), ("1.0.0", "")]
)
def test_what_is_final_stays_so(version: str, final: str) -> None:
    given = whole("Codelist", "", version=version, **({"isFinal": final} if final else {}))
    (found,) = read_structures(message(f"<str:Codelists>{given}</str:Codelists>"))
    (again,) = etree.fromstring(written([found])).iterfind(".//{*}Codelist")
    assert again.get("isFinal", "false") == (final or "false")
    assert any(note.type == KEPT for note in found.annotations) == ((final == "true") != (version == "1.0.0"))


def test_a_submission_is_read_like_a_message() -> None:
    codes = whole("Codelist", f'<str:Code id="A">{NAMES}</str:Code>')
    given = (
        f'<mes:RegistryInterface {SPACES} xmlns:reg="{PARTS}/registry">{HEAD}<mes:SubmitStructureRequest>'
        f"<str:Structures><str:Codelists>{codes}</str:Codelists></str:Structures></mes:SubmitStructureRequest>"
        "</mes:RegistryInterface>"
    )
    assert [found.id for found in read_structures(given.encode())] == ["A"]


def test_what_is_not_known_is_skipped_and_noted() -> None:
    given = whole("Codelist", '\n<str:Wrong/><str:Code id="A" extra="1"><com:Name>A</com:Name></str:Code>')
    skipped: list[str] = []
    source = message(
        f"<str:Codelists>{given}</str:Codelists><str:ValueLists><str:ValueList/></str:ValueLists>"
    )
    (found,) = read_structures(source, "", skipped)
    assert found.names == {"en": "Name <&>", "fr": "Nom"}
    assert sorted(entry.partition(": ")[2] for entry in skipped) == [
        "@extra is not known in SDMX-ML 2.1 Code",
        "ValueList is not known in SDMX-ML 2.1 ValueLists",
        "Wrong is not known in SDMX-ML 2.1 Codelist",
    ]
    assert read_structures(message("")) == []


# --- faults ------------------------------------------------------------------------------------------------

_CODE = f"<str:Codelists>{whole('Codelist', '<str:Code id={0}/>')}</str:Codelists>"
_DIMENSION = (
    "<str:DataStructures>"
    + whole("DataStructure", "<str:DataStructureComponents>{0}</str:DataStructureComponents>")
    + "</str:DataStructures>"
)
_FLOW = f"<str:Dataflows>{whole('Dataflow', '<str:Structure>{0}</str:Structure>')}</str:Dataflows>"
_HIERARCHY = (
    "<str:HierarchicalCodelists>"
    + whole("HierarchicalCodelist", f'<str:Hierarchy id="H">{NAMES}{{0}}</str:Hierarchy>')
    + "</str:HierarchicalCodelists>"
)
_ROW = "<str:StructureSets>" + whole("StructureSet", "{0}") + "</str:StructureSets>"
FAULTS = {
    "code id": (_CODE.format('"A B"'), "Code/@id is 'A B'; expected an SDMX identifier"),
    "twice": (_CODE.format('"A"/><str:Code id="A"'), "two Code of id 'A'"),
    "artefact twice": (_CODE.format('"A"') * 2, "Codelist T.SUB:A(1.0) stands twice"),
    "parent": (
        _CODE.format('"A"><str:Parent/></str:Code><str:Code id="B"'),
        "Parent: there is no Ref with an id",
    ),
    "no reference": (_FLOW.format(""), "Structure: there is neither a Ref nor a URN"),
    "no class": (_FLOW.format('<Ref id="A"/>'), "Structure: Ref to 'A' has no agencyID"),
    "no id": (_FLOW.format('<Ref agencyID="A"/>'), "Structure: Ref has no id"),
    "other class": (
        _FLOW.format('<Ref agencyID="A" id="B" class="Codelist"/>'),
        "Structure names a Codelist; expected DataStructure",
    ),
    "no URN": (_FLOW.format("<URN>A:B(1.0)</URN>"), "'A:B(1.0)' is not an SDMX URN"),
    "no concept": (
        _DIMENSION.format('<str:DimensionList><str:Dimension id="A"/></str:DimensionList>'),
        "Dimension has no ConceptIdentity",
    ),
    "position": (
        _DIMENSION.format(
            f'<str:DimensionList><str:Dimension id="A" position="x">{CONCEPT}</str:Dimension>'
            "</str:DimensionList>"
        ),
        "Dimension/@position is 'x'; expected a number",
    ),
    "component twice": (
        _DIMENSION.format(
            "<str:DimensionList>"
            + f'<str:Dimension id="A">{CONCEPT}</str:Dimension>' * 2
            + "</str:DimensionList>"
        ),
        "DimensionList has two Dimension of id 'A'",
    ),
    "final": (_CODE.format('"A"').replace("version=", 'isFinal="maybe" version='), "@isFinal is 'maybe'"),
    "no list": (
        _HIERARCHY.format(
            '<str:HierarchicalCode id="A"><str:CodelistAliasRef>L</str:CodelistAliasRef>'
            '<str:CodeID><Ref id="A"/></str:CodeID></str:HierarchicalCode>'
        ),
        "CodelistAliasRef 'L' is the alias of no IncludedCodelist",
    ),
    "no code": (_HIERARCHY.format('<str:HierarchicalCode id="A"/>'), "HierarchicalCode has no Code"),
    "part twice": (
        _ROW.format(scheme_map("CodelistMap", "CodeMap", "Codelist", "codelist") * 2),
        "two CodelistMap",
    ),
    "no source": (
        _ROW.format(f'<str:CodelistMap id="A">{NAMES}</str:CodelistMap>'),
        "CodelistMap has no Source",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_wrong_message_is_one_fault(name: str) -> None:
    given, expected = FAULTS[name]
    with pytest.raises(StructureFault) as raised:
        read_structures(message(given), "wrong.xml")
    assert expected in raised.value.reason
    assert (raised.value.path, raised.value.line >= 2) == ("wrong.xml", True)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (b"<!DOCTYPE x []>" + message("").partition(b"\n")[2], "document type"),
        (message("<str:Codelists>"), "well-formed"),
        (message("").replace(b"v2_1", b"v3_0"), "The root is Structure of SDMX-ML 3.0"),
        (message("").replace(b"mes:Structure", b"mes:GenericData"), "data message"),
        (b"", "empty"),
    ],
)  # fmt: skip
def test_what_is_no_message_of_structures_is_refused(source: bytes, expected: str) -> None:
    with pytest.raises(StructureFault, match=expected):
        read_structures(source)


# --- messages of others ------------------------------------------------------------------------------------


@pytest.mark.skipif(not SPECIMENS.is_dir(), reason=ABSENT)
@pytest.mark.parametrize("path", specimens(ML21), ids=lambda path: path.stem)
def test_specimens_are_given_back(path: Path) -> None:
    """What is wrong by the schema as it comes may be wrong as it goes."""
    wrong = faults(path.read_bytes(), SCHEMA) if path.parent.name != "notwf" else ["not well-formed"]
    fault = round_trip(path, ML21, "2.1", lambda message: [] if wrong else faults(message, SCHEMA))
    assert fault is None or re.match("Not well-formed|The registry message submits no ", fault.reason)
