"""SDMX-ML data messages as columns: what our writers make, what the standard allows, what is wrong."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from data_messages import answer, numbered, shown
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from round_trips import ABSENT
from strategies import Row, observations
from structures_made import SPECIMENS

from migdx.columns import Columns
from migdx.formats import ml_columns, ml_data_message, ml_data_reader, ml_plain_tags, ml_text, sandbox
from migdx.formats.tables import WRITERS

ML30 = "application/vnd.sdmx.data+xml;version=3.0.0"
ML21 = "application/vnd.sdmx.structurespecificdata+xml;version=2.1"
GENERIC21 = "application/vnd.sdmx.genericdata+xml;version=2.1"
FORMATS = (ML30, ML21, GENERIC21)
VIEWS = ("TIME_PERIOD", "AllDimensions")

each_format = pytest.mark.parametrize("media_type", FORMATS)
each_view = pytest.mark.parametrize("dimension", VIEWS)
unhurried = settings(deadline=None, max_examples=12, suppress_health_check=[HealthCheck.too_slow])


def read(message: bytes | str) -> Columns:
    data = message.encode() if isinstance(message, str) else message
    return ml_data_reader.read(io.BytesIO(data), {})


def by_parser_alone(message: bytes) -> Columns:
    return ml_data_reader._read(io.BytesIO(message), ml_data_reader._fed)


def rows(columns: Columns) -> list[dict[str, str]]:
    return [{id: text for id, text in row.items() if text} for row in columns.table.to_pylist()]


def said(columns: Columns) -> tuple[object, ...]:
    """Everything, comparable."""
    part_of = None if columns.part_of is None else columns.part_of.tolist()
    lines = columns.places.rows.tolist()
    return rows(columns), lines, columns.parts, part_of, columns.received, columns.findings, columns.format


def codes(columns: Columns) -> list[str]:
    return [finding.code for finding in columns.findings]


@contextmanager
def in_small_pieces(piece: int = 100, batch: int = 3, many: int = 1 << 16) -> Iterator[None]:
    """As a large message is read: in many pieces, with plain tags taken out wherever there are any."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ml_text, "_FIRST", 700)
        patch.setattr(ml_text, "PIECE", piece)
        patch.setattr(ml_plain_tags, "FEW", 1)
        patch.setattr(ml_plain_tags, "SHORT", 0)
        patch.setattr(ml_data_message, "BATCH", batch)
        patch.setattr(ml_columns, "MANY", many)
        yield


V21, V30, V31 = (
    {
        "m": f"http://www.sdmx.org/resources/sdmxml/schemas/v{v}/message",
        "c": f"http://www.sdmx.org/resources/sdmxml/schemas/v{v}/common",
        "s": f"http://www.sdmx.org/resources/sdmxml/schemas/v{v}/data/structurespecific",
        "g": f"http://www.sdmx.org/resources/sdmxml/schemas/v{v}/data/generic",
        "f": f"http://www.sdmx.org/resources/sdmxml/schemas/v{v}/message/footer",
        "x": "http://www.w3.org/2001/XMLSchema-instance",
        "n": "urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=T:FLOW(1.0):ObsLevelDim:TIME_PERIOD",
    }
    for v in ("2_1", "3_0", "3_1")
)


def message(
    datasets: str,
    *,
    root: str = "StructureSpecificData",
    spaces: dict[str, str] = V30,
    structures: str | None = None,
    more: str = "",
) -> str:
    declared = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in spaces.items())
    flow = (
        "<c:StructureUsage>urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=T:FLOW(1.0)</c:StructureUsage>"
    )
    given = (
        structures
        or f'<m:Structure structureID="S1" dimensionAtObservation="TIME_PERIOD">{flow}</m:Structure>'
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<m:{root} {declared}>\n'
        f"<m:Header><m:ID>I</m:ID>{given}{more}</m:Header>\n{datasets}\n</m:{root}>\n"
    )


def dataset(content: str, attributes: str = 's:structureRef="S1"') -> str:
    return f"<m:DataSet {attributes}>\n{content}</m:DataSet>"


# --- what our writers make ---------------------------------------------------------------------------------


@each_format
@each_view
@unhurried
@given(data=st.data())
def test_what_is_written_reads_back(media_type: str, dimension: str, data: st.DataObject) -> None:
    given_rows = data.draw(observations(xml_texts))
    written = b"".join(WRITERS[media_type](answer(given_rows, dimension_at_observation=dimension)))
    with in_small_pieces(data.draw(st.sampled_from((1, 60, 1000)))):
        found = read(written)
    assert [numbered(row) for row in rows(found)] == shown(given_rows)
    assert said(found) == said(by_parser_alone(written))
    assert found.received == len(given_rows)


xml_texts = st.one_of(
    st.sampled_from(["a;b", '"', "line\nbreak", "\t", "<b>&amp;</b>", "]]>", "NA", "é 漢字 🌍", " "]),
    st.text(
        st.characters(exclude_categories=("Cs", "Cc", "Cn"), exclude_characters="\ufffe\uffff"), min_size=1
    ),
)


def test_a_part_says_what_the_rows_are_for_and_where() -> None:
    one: Row = {"FREQ": "A", "AREA": "AA", "TIME_PERIOD": "2001", "OBS_VALUE": 1.0}
    of = {
        media_type: read(b"".join(WRITERS[media_type](answer([one], action="Append"))))
        for media_type in FORMATS
    }
    assert {media_type: found.parts[0].target for media_type, found in of.items()} == {
        ML30: ("dataflow", "TEST:DF_SMALL(1.2.0)"),
        ML21: ("datastructure", "TEST:DSD_SMALL(1.0.0)"),
        GENERIC21: ("datastructure", "TEST:DSD_SMALL(1.0.0)"),
    }
    assert {(found.parts[0].action, found.parts[0].place.row) for found in of.values()} == {("Append", 4)}
    assert [found.format for found in of.values()] == ["SDMX-ML 3.0", "SDMX-ML 2.1", "SDMX-ML 2.1"]


# --- structure-specific ------------------------------------------------------------------------------------

SERIES = """<Series FREQ="A" AREA="AA" TITLE="One">
  <Obs TIME_PERIOD="2001" OBS_VALUE="1.10"/>
  <Obs TIME_PERIOD="2002" OBS_VALUE="NaN" STATUS="M"/>
</Series>
<Series FREQ="A" AREA="BB"><Obs
  TIME_PERIOD="2001" OBS_VALUE="83433"></Obs></Series>
"""
READ_SERIES = [
    {"FREQ": "A", "AREA": "AA", "TITLE": "One", "TIME_PERIOD": "2001", "OBS_VALUE": "1.10"},
    {
        "FREQ": "A", "AREA": "AA", "TITLE": "One", "TIME_PERIOD": "2002", "OBS_VALUE": "NaN", "STATUS": "M"
    },
    {"FREQ": "A", "AREA": "BB", "TIME_PERIOD": "2001", "OBS_VALUE": "83433"},
]  # fmt: skip


@pytest.mark.parametrize("spaces", [V21, V30, V31], ids=["2.1", "3.0", "3.1"])
def test_series(spaces: dict[str, str]) -> None:
    found = read(message(dataset(SERIES), spaces=spaces))
    assert rows(found) == READ_SERIES
    assert found.places.rows.tolist() == [6, 7, 10]  # where the tag ends
    assert found.findings == ()


def test_time_series_and_flat_observations_and_a_cross_section() -> None:
    found = read(message(dataset(SERIES), root="StructureSpecificTimeSeriesData", spaces=V21))
    assert rows(found) == READ_SERIES
    flat = '<Obs FREQ="A" AREA="AA" TIME_PERIOD="2001" OBS_VALUE="1"/><Obs FREQ="Q"/><Obs/>'
    assert rows(read(message(dataset(flat)))) == [
        {"FREQ": "A", "AREA": "AA", "TIME_PERIOD": "2001", "OBS_VALUE": "1"}, {"FREQ": "Q"}, {},
    ]  # fmt: skip
    across = '<Series FREQ="A" TIME_PERIOD="2001"><Obs AREA="AA" OBS_VALUE="1"/></Series>'
    assert rows(read(message(dataset(across)))) == [
        {"FREQ": "A", "TIME_PERIOD": "2001", "AREA": "AA", "OBS_VALUE": "1"}
    ]


def test_explicit_measures_say_the_measure_by_type() -> None:
    structures = (
        '<m:Structure structureID="S1" dimensionAtObservation="INDICATOR" explicitMeasures="true">'
        '<c:Structure><Ref agencyID="T" id="DSD" version="2.0"/></c:Structure></m:Structure>'
    )
    content = (
        '<Series AREA="AA"><Obs x:type="n:POP" OBS_VALUE="1"/><Obs type="BIRTHS" OBS_VALUE="2"/></Series>'
    )
    found = read(message(dataset(content), spaces=V21, structures=structures))
    assert rows(found) == [
        {"AREA": "AA", "INDICATOR": "POP", "OBS_VALUE": "1"},
        {"AREA": "AA", "INDICATOR": "BIRTHS", "OBS_VALUE": "2"},
    ]
    assert found.parts[0].target == ("datastructure", "T:DSD(2.0)")


@pytest.mark.parametrize("first", [True, False], ids=["before", "after"])
def test_groups_and_data_set_attributes_hold_for_rows(first: bool) -> None:
    groups = (
        '<Group x:type="n:Sibling" AREA="AA" DECIMALS="2"/><Group AREA="BB" DECIMALS="0" TITLE="Two"/>'
        '<Atts FREQ="A" NOTE="n"/><Atts SOURCE="census"/>'
    )
    content = groups + SERIES if first else SERIES + groups
    found = rows(
        read(message(dataset(content, 's:structureRef="S1" LANG="fr" s:setID="X" action="Replace"')))
    )
    more = {"NOTE": "n", "SOURCE": "census", "LANG": "fr"}
    aa, bb = {**more, "DECIMALS": "2"}, {**more, "DECIMALS": "0", "TITLE": "Two"}
    assert found == [{**READ_SERIES[0], **aa}, {**READ_SERIES[1], **aa}, {**READ_SERIES[2], **bb}]


def test_a_group_of_no_series_and_a_series_of_no_observations_are_told() -> None:
    content = SERIES + '<Group AREA="CC" DECIMALS="2"/><Series FREQ="Q" AREA="AA"/>'
    found = read(message(dataset(content)))
    assert rows(found) == READ_SERIES
    assert [(f.code, f.count, f.severity, f.blocking) for f in found.findings] == [
        ("series_without_observations", 1, "warning", False),
        ("group_without_series", 1, "warning", False),
    ]
    assert {finding.places[0].row for finding in found.findings} == {11}


def test_many_data_sets_each_with_its_action() -> None:
    urns = "urn:sdmx:org.sdmx.infomodel"
    structures = "".join(
        f'<m:Structure structureID="{id}"><c:{element}>{urns}.{urn}(1.0)</c:{element}></m:Structure>'
        for id, element, urn in (
            ("A", "StructureUsage", "datastructure.Dataflow=T:FLOW"),
            ("B", "ProvisionAgreement", "registry.ProvisionAgreement=T:PA"),
        )
    )
    one = '<Obs K="1"/>'
    sets = "\n".join(
        f'<m:DataSet s:structureRef="{id}" {action}>{one}</m:DataSet>'
        for id, action in (
            ("A", 's:action="Delete"'), ("A", 's:action="Merge"'), ("B", ""), ("A", 's:action="Delete"'),
        )
    )  # fmt: skip
    more = "<m:DataSetAction>Replace</m:DataSetAction>"
    found = read(message(sets, structures=structures, more=more))
    assert [(part.kind, part.reference, part.action, part.place.row) for part in found.parts] == [
        ("dataflow", "T:FLOW(1.0)", "Delete", 4),
        ("dataflow", "T:FLOW(1.0)", "Merge", 5),
        ("dataprovision", "T:PA(1.0)", "Replace", 6),
    ]
    assert found.part_of is not None
    assert found.part_of.tolist() == [0, 1, 2, 0]


@pytest.mark.parametrize(
    ("given", "target"),
    [
        (
            '<c:ProvisionAgrement><Ref agencyID="T" id="PA"/></c:ProvisionAgrement>',
            ("dataprovision", "T:PA(1.0)"),
        ),
        (
            "<c:Structure><URN>urn:sdmx:org.sdmx.infomodel.datastructure.DataStructure=T:D(2.1)</URN></c:Structure>",
            ("datastructure", "T:D(2.1)"),
        ),
        ("<c:StructureUsage>not a URN</c:StructureUsage>", ("", "")),
    ],
)
def test_what_a_header_names(given: str, target: tuple[str, str]) -> None:
    structures = f'<m:Structure structureID="S1">{given}</m:Structure>'
    found = read(message(dataset('<Obs A="1"/>'), spaces=V21, structures=structures))
    assert found.parts[0].target == target


def test_values_that_no_attribute_can_hold() -> None:
    content = """<Series AREA="AA"><Comp id="SOURCE"><Value>S1</Value><Value>S;2</Value></Comp>
    <Comp id="TITLE"><Value><c:Text>One</c:Text><c:Text xml:lang="fr">Un</c:Text></Value>
      <Value><c:Text xml:lang="en">Two</c:Text></Value></Comp>
    <Comp id="NOTE"><Value><c:Text xml:lang="fr">Oui; non</c:Text></Value></Comp>
    <Obs TIME_PERIOD="2001"><Comp id="STATUS"><Value> A </Value></Comp></Obs>
    <Obs TIME_PERIOD="2002" STATUS="B"/><Comp id="LATE"><Value>1</Value></Comp></Series>"""
    found = read(message(dataset(content)))
    above = {
        "AREA": "AA", "SOURCE": 'S1;"S;2"', "TITLE": '"en:One;fr:Un";Two', "NOTE": 'fr:"Oui; non"'
    }  # fmt: skip
    assert rows(found) == [
        {**above, "TIME_PERIOD": "2001", "STATUS": "A"}, {**above, "TIME_PERIOD": "2002", "STATUS": "B"},
    ]  # fmt: skip
    assert [(f.code, f.value, f.places[0].row) for f in found.findings] == [("unknown_element", "Comp", 10)]


def test_elements_of_others_are_passed_over_and_told_once() -> None:
    foreign = '<o:Obs xmlns:o="http://example.org" A="9"><Obs A="8"/></o:Obs>'
    content = (
        f'<Obs A="1"/>{foreign}\n{foreign}<n:Obs A="2"/><c:Annotations><c:Any/></c:Annotations><Metadata/>'
    )
    found = read(message(dataset(content)))
    assert rows(found) == [{"A": "1"}, {"A": "2"}]
    assert [(f.value, f.count, f.places[0].row) for f in found.findings] == [
        ("{http://example.org}Obs", 2, 5),
        ("Metadata", 1, 6),
    ]


# --- generic -----------------------------------------------------------------------------------------------


def values(**given: str) -> str:
    return "".join(f'<g:Value id="{id}" value="{text}"/>' for id, text in given.items())


def test_generic_data_with_groups_and_attributes() -> None:
    content = f"""<g:Attributes>{values(SOURCE="census")}</g:Attributes>
<g:Group type="Sibling"><g:GroupKey>{values(AREA="AA")}</g:GroupKey>
  <g:Attributes>{values(DECIMALS="2")}</g:Attributes></g:Group>
<g:Series><g:SeriesKey>{values(FREQ="A", AREA="AA")}</g:SeriesKey>
<g:Attributes>{values(TITLE="T")}</g:Attributes><g:Obs><g:ObsDimension value="2001"/>
<g:ObsValue value="1.0"/><g:Attributes>{values(STATUS="A")}</g:Attributes></g:Obs>
<g:Obs><g:ObsDimension id="YEAR" value="2002"/></g:Obs></g:Series>
<g:Obs><g:ObsKey>{values(FREQ="Q", AREA="BB")}</g:ObsKey><g:ObsValue value=""/></g:Obs>
"""
    found = read(message(dataset(content, 'structureRef="S1"'), root="GenericData", spaces=V21))
    series = {"FREQ": "A", "AREA": "AA", "TITLE": "T", "DECIMALS": "2", "SOURCE": "census"}
    assert rows(found) == [
        {**series, "TIME_PERIOD": "2001", "OBS_VALUE": "1.0", "STATUS": "A"},
        {**series, "YEAR": "2002"},
        {"FREQ": "Q", "AREA": "BB", "SOURCE": "census"},
    ]
    assert found.places.rows.tolist() == [9, 11, 12]
    assert (found.parts[0].target, found.findings) == (("dataflow", "T:FLOW(1.0)"), ())


def test_a_component_told_twice_is_an_error() -> None:
    content = f"<g:Obs><g:ObsKey>{values(A='1')}{values(A='2')}</g:ObsKey></g:Obs>"
    found = read(message(dataset(content), root="GenericTimeSeriesData", spaces=V21))
    assert codes(found) == ["repeated_component"]
    assert (found.findings[0].severity, found.findings[0].blocking, found.findings[0].places[0].given) == (
        "error", True, "A",
    )  # fmt: skip


# --- footers, encodings, what is no data message -----------------------------------------------------------

FOOTER = (
    '<f:Footer><f:Message code="413" severity="Information"><c:Text>Too much;</c:Text>'
    "<c:Text>see later</c:Text></f:Message></f:Footer>"
)


def test_a_footer_without_data_is_one_finding_and_with_data_a_warning() -> None:
    (only,) = read(message(FOOTER)).findings
    assert (only.code, only.severity, only.values["reason"]) == ("footer_message", "error", "only")
    assert only.values["given"] == "413: Too much; see later"
    found = read(message(dataset(SERIES) + FOOTER))
    assert rows(found) == READ_SERIES
    assert [(f.code, f.severity) for f in found.findings] == [("footer_message", "warning")]


@pytest.mark.parametrize("content", ["", dataset("")], ids=["no data set", "empty data set"])
def test_a_message_without_observations(content: str) -> None:
    assert codes(read(message(content))) == ["no_rows"]


NAMED = dataset('<Obs A="é" B="x"/>')


@pytest.mark.parametrize(
    "encoded",
    [
        message(NAMED).encode("utf-8-sig"),
        message(NAMED).encode("utf-16"),
        message(NAMED).replace("UTF-8", "UTF-16").encode("utf-16-be"),
        message(NAMED).replace("UTF-8", "iso-8859-1").encode("latin-1"),
        message(NAMED).replace("UTF-8", "windows-1252").encode("cp1252"),
    ],
    ids=["mark", "UTF-16", "UTF-16 without mark", "Latin-1", "Windows-1252"],
)
def test_encodings(encoded: bytes) -> None:
    assert rows(read(encoded)) == [{"A": "é", "B": "x"}]


def replaced(old: str, new: str) -> str:
    whole = message(dataset(SERIES))
    assert old in whole
    return whole.replace(old, new)


@pytest.mark.parametrize(
    ("sent", "row"),
    [
        ("", 1),
        ("\n\nno XML", 3),
        (replaced("</Series>", "</Serie>"), 8),
        (message(dataset(SERIES))[:-60], 10),
        (replaced('STATUS="M"', 'STATUS="M" STATUS="M"'), 7),
        (replaced('"One"', '"&one;"'), 5),
        (replaced('encoding="UTF-8"', 'encoding="utf-7"'), 1),
        (replaced('encoding="UTF-8"', 'encoding="no such"'), 1),
        (message(NAMED).encode("latin-1"), 5),
        (message(NAMED).encode("utf-16")[:-1], 6),
    ],
)
def test_what_is_not_well_formed_gives_its_place_and_nothing_else(sent: str | bytes, row: int) -> None:
    found = read(sent)
    assert (codes(found), found.received, found.table.num_rows) == (["not_well_formed"], 0, 0)
    assert found.findings[0].places[0].row == row


BILLION = '<!DOCTYPE a [<!ENTITY b "ha">' + "".join(
    f'<!ENTITY {chr(99 + n)} "{("&" + chr(98 + n) + ";") * 10}">' for n in range(9)
)


@pytest.mark.parametrize(
    "doctype",
    ["<!DOCTYPE a>", '<!DOCTYPE a SYSTEM "file:///etc/passwd">', BILLION + "]>"],
)
def test_a_document_type_is_refused(doctype: str) -> None:
    found = read(replaced("<m:Structure", f"{doctype}<m:Structure"))
    assert codes(found) == ["dtd_forbidden"] or codes(found) == ["not_well_formed"]
    assert codes(read(f"<?xml version='1.0'?>\n{doctype}<a/>")) == ["dtd_forbidden"]


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (message("", root="Structure"), "structure"),
        (message("", root="RegistryInterface", spaces=V21), "structure"),
        (message("", root="Error"), "error"),
        (message("", root="GenericDataQuery", spaces=V21), "query"),
        (message("", root="GenericMetadata", spaces=V21), "metadata"),
        (message("", root="GenericData", spaces=V30), "other"),
        ("<CompactData xmlns='http://www.SDMX.org/resources/SDMXML/schemas/v2_0/message'/>", "generation"),
        ("<a/>", "other"),
        ("<p:a/>", "other"),
    ],
)
def test_what_is_no_data_message_is_named(sent: str, reason: str) -> None:
    (finding,) = read(sent).findings
    assert (finding.code, finding.values["reason"]) == ("not_data_message", reason)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("<a>" * 300, "nesting"),
        ('<Obs A="' + "a" * 11_000_000 + '"/>', "markup"),
        ("".join(f'<Obs A{n}="1"/>' for n in range(1200)), "components"),
        ('<Obs><Comp id="A"><Value>' + "a" * 2_000_000 + "</Value></Comp></Obs>", "text"),
    ],
    ids=["nesting", "markup", "components", "text"],
)
def test_limits(content: str, what: str) -> None:
    (finding,) = read(message(dataset(content))).findings
    assert (finding.code, finding.values["what"]) == ("too_large", what)


# --- plain tags, taken out of the text, and the parser alone ------------------------------------------------

PARTS = st.sampled_from(
    [
        '<Obs A="1" B="2"/>', '<Obs A="2" B="3"/>\n', "<Obs A='1'/>", '<Obs B="4" A="5" />\r\n', "<Obs/>",
        '<Obs A="&lt;"/>', '<Obs A="a\nb"/>', '<Obs A="1"></Obs>',
        '<Obs A="1"><Comp id="C"><Value>v</Value></Comp></Obs>',
        '<Obs\n A="1"\n/>', '<n:Obs A="1"/>', '<Obs xmlns="http://o" A="1"/>', '<Obs x:type="n:T" A="1"/>',
        "<!-- <Obs A='c'/> -->", '<!-- <Obs A="1"/>\n-->', '<![CDATA[<Obs A="1"/>]]>', '<?p <Obs A="1"/> ?>',
        '<Series K="1" C="s">', '<Series K="2"/>', "</Series>", '<Group K="1" G="g"/>', "text", "\n",
        "\r", "é",
        '<o:a xmlns:o="http://o">', "</o:a>", "</m:DataSet>", '<m:DataSet Q="1">', "&", '<Obs A="1" A="2"/>',
        '<Obs A="&#0;"/>', '<Obs A="&bad;"/>', '<Obs A="&#xFFFE;"/>', '<Obs A="&#xe9;&#13;&amp;"/>', "\ufffe",
        '<Obs A="\ufffe"/>', '<Obs A="1"B="2"/>', '<Obs A="\x01"/>',
        '<Obs A="a&b"/>', '<Obs A="&#x110000;"/>',
        '<Obs A="1">', '<Obs A=">"/>', '<Observation A="1"/>', '<Obs A="<"/>', "<!--", '<Obs A="', "\0",
    ]
)  # fmt: skip


@settings(deadline=None, max_examples=80)
@given(parts=st.lists(PARTS, max_size=30), piece=st.sampled_from((1, 7, 50, 400)), batch=st.integers(1, 5))
def test_taking_plain_tags_out_changes_nothing(parts: list[str], piece: int, batch: int) -> None:
    sent = message(dataset("".join(parts))).encode()
    alone = by_parser_alone(sent)
    with in_small_pieces(piece, batch, many=2):
        found = read(sent)
    assert said(found) == said(alone)


@settings(deadline=None, max_examples=50)
@given(sent=st.binary(max_size=200), at=st.integers(0, 1500), piece=st.sampled_from((1, 50)))
def test_any_bytes_give_columns_or_findings(sent: bytes, at: int, piece: int) -> None:
    whole = message(dataset(SERIES)).encode()
    with in_small_pieces(piece):
        for mixed in (sent, whole[:at] + sent + whole[at:], whole[:at] + sent):
            found = read(mixed)
            assert found.received or found.findings


def test_a_large_message_is_the_same_by_both_ways() -> None:
    series = "".join(
        f'<Series FREQ="A" AREA="{area}">\n'
        + "".join(f'<Obs TIME_PERIOD="{2000 + n}" OBS_VALUE="{n}.50" N="{area}&amp;"/>\n' for n in range(20))
        + "".join(f'<Obs TIME_PERIOD="{2020 + n}" OBS_VALUE="{n}"/>\n' for n in range(30))
        + "</Series>\n"
        for area in range(500)
    )
    sent = message(dataset(series)).encode()
    found = read(sent)
    assert found.received == 25_000
    assert said(found) == said(by_parser_alone(sent))
    lines = sent.splitlines()
    assert all(lines[line - 1].startswith(b"<Obs") for line in found.places.rows.tolist())


# --- messages of others ------------------------------------------------------------------------------------


def messages_of_others() -> list[Path]:
    roots = (b"GenericData", b"TimeSeriesData", b"StructureSpecificData")
    return [
        path
        for path in sorted(SPECIMENS.rglob("*.xml"))
        if any(root in path.read_bytes()[:1000] for root in roots)
    ]


@pytest.mark.skipif(not SPECIMENS.is_dir(), reason=ABSENT)
def test_messages_of_others() -> None:
    """Every observation that a tree of the message has is read, with its own texts, where it stands."""
    paths = messages_of_others()
    assert len(paths) > 40
    for path in paths:
        source = path.read_bytes()
        found = read(source)
        tree = etree.fromstring(source)
        there: list[Any] = list(tree.iter("{*}Obs"))
        assert found.received == len(there), path
        assert found.places.rows.tolist() == [node.sourceline for node in there], path
        for row, node in zip(rows(found), there, strict=True):
            own = {id: text for id, text in node.items() if id[0] != "{" and text}
            own |= {v.get("id"): v.get("value") for v in node.iter("{*}Value") if v.get("value")}
            assert own.items() <= row.items(), path
        with in_small_pieces(1000, 100):
            assert said(read(source)) == said(found)


def test_the_service_reads_xml_whatever_it_is_called() -> None:
    file = io.BytesIO(message(dataset(SERIES)).encode())
    found = sandbox.default.read(file, len(file.getvalue()), media_type="application/xml")
    assert rows(found) == READ_SERIES
