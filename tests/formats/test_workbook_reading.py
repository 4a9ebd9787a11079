"""Workbooks: every cell as the spreadsheet counts it, tables by a map, plain lists, and what is told."""

import csv
import datetime
import io
import json
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from migdx.formats import workbook_grid, workbook_reader, workbook_wire
from migdx.formats.sandbox import Sandbox
from migdx.formats.workbook_texts import without_footnotes
from migdx.grid import Kind
from migdx.workbook_map import Mark, SheetMap, Source, WorkbookMap

SPECIMENS = Path(__file__).parent / "workbooks"
DATA = Path("/work/shared/data")
needs_data = pytest.mark.skipif(not DATA.exists(), reason="the published tables are not here")


def saved(book):
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def workbook(*rows, title="Data", **sheets):
    """A workbook whose first sheet has these rows, and others those that are named."""
    book = openpyxl.Workbook()
    book.active.title = title
    for sheet, content in (
        (book.active, rows),
        *((book.create_sheet(name), r) for name, r in sheets.items()),
    ):
        for row in content:
            sheet.append(row)
    return book


def read(content, map=None):
    job = {"map": json.loads(json.dumps(map.as_dict()))} if map else {}
    return workbook_reader.read(io.BytesIO(content), job)


def records(columns):
    return columns.table.to_pylist()


def found(columns):
    return {finding.code: finding for finding in columns.findings}


def grid(content):
    return workbook_grid.grid(io.BytesIO(content), {})


# --- every cell ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", ["xlsx", "xls", "ods"])
def test_the_three_formats_say_the_same(format):
    """The same sheet, saved by LibreOffice in each."""
    made = grid((SPECIMENS / f"small.{format}").read_bytes())
    assert (made.format, made.findings) == (format, ())
    sheet, helper = made.sheets
    assert (sheet.name, sheet.height, sheet.width, sheet.visible) == ("Stock", 7, 7, True)
    assert (helper.name, helper.visible, helper.text(2, 2)) == ("Helper", False, "x")
    assert [sheet.text(row, 2) for row in range(1, 8)] == ["", "", "Men", "1.1", "83433", "7", "1"]
    assert [sheet.text(row, 4) for row in range(3, 8)] == ["Total", "2.1", "#N/A", "#DIV/0!", "3"]
    assert [row for row in range(1, 8) if sheet.kind(row, 4) == Kind.ERROR] == [5, 6]
    assert (sheet.hidden_rows, sheet.hidden_columns, sheet.merged) == ((6,), (3,), ((1, 1, 1, 4),))
    assert (sheet.text(1, 6), sheet.kind(1, 6)) == ("2020-07-01", Kind.DATE)
    assert sheet.place(5, 4).cell == "D5"


def test_texts_of_cells():
    book = workbook()
    sheet = book.active
    given = {
        "C3": ("  lead", "  lead", Kind.TEXT),
        "D3": (1.10, "1.1", Kind.NUMBER),
        "E3": (83433, "83433", Kind.NUMBER),
        "F3": (276.39999999999998, "276.4", Kind.NUMBER),
        "G3": (1e15, "1000000000000000", Kind.NUMBER),
        "H3": (True, "TRUE", Kind.BOOLEAN),
        "I3": (datetime.date(2020, 1, 31), "2020-01-31", Kind.DATE),
        "J3": ("NA", "NA", Kind.TEXT),
        "K3": ("1.10", "1.10", Kind.TEXT),
        "L3": ("=1+1", "", Kind.FORMULA),
        "M3": ("#REF!", "#REF!", Kind.ERROR),
        "AB12": (-5, "-5", Kind.NUMBER),
    }
    for cell, (value, _, _) in given.items():
        sheet[cell] = value
    made = grid(saved(book)).sheets[0]
    assert (made.height, made.width) == (12, 28)
    for cell, (_, text, kind) in given.items():
        row, column = sheet[cell].row, sheet[cell].column
        assert (made.text(row, column), made.kind(row, column)) == (text, kind), cell
    assert (made.text(1, 1), made.text(99, 99), made.kind(99, 99)) == ("", "", Kind.EMPTY)


def test_a_text_is_one_sheet_without_a_name():
    content = 'Land;2019;2020\r\n;;\r\n"Zwei\nZeilen";"1.234,5";-\r\nÖsterreich\r\n'.encode("cp1252")
    made = grid(content)
    (sheet,) = made.sheets
    assert (sheet.name, sheet.height, sheet.width) == ("", 4, 3)
    assert [sheet.text(row, 1) for row in (1, 2, 3, 4)] == ["Land", "", "Zwei\nZeilen", "Österreich"]
    assert (sheet.text(3, 2), sheet.kind(3, 2)) == ("1.234,5", Kind.TEXT)
    assert [finding.code for finding in made.findings] == ["encoding_not_utf8"]
    assert [finding.code for finding in grid("ä;1\n".encode() + b"\xe4;2\n").findings] == ["unreadable_text"]


def test_a_grid_comes_through_the_sandbox_as_it_was_read():
    content = (SPECIMENS / "small.xlsx").read_bytes()
    made, sandbox = grid(content), Sandbox(keeps_spare=False)
    sent = workbook_wire.grid_of(*sandbox.do("cells", io.BytesIO(content), len(content)))
    for one, other in zip(made.sheets, sent.sheets, strict=True):
        assert one.cells == other.cells
        assert [kinds.tolist() for kinds in one.kinds] == [kinds.tolist() for kinds in other.kinds]
        assert {**vars(one), "cells": 0, "kinds": 0} == {**vars(other), "cells": 0, "kinds": 0}
    nothing = workbook_wire.grid_of(*sandbox.do("cells", io.BytesIO(b"%PDF-1.7"), 8))
    assert (nothing.sheets, [finding.code for finding in nothing.findings]) == ((), ["unreadable"])


def test_a_grid_on_its_way_is_bounded():
    made = grid(saved(workbook(*([row, 2] for row in range(10)))))
    (sheet,) = workbook_wire.grid_of(*workbook_wire.packed(made, 7)).sheets
    assert (sheet.height, sheet.width, sheet.left_out, sheet.text(3, 1)) == (3, 2, 7, "2")


# --- plain lists --------------------------------------------------------------------------------------------

FLOW = "MIGDX:DF_MIG_FLOW(1.0.0)"


def test_a_list_is_read_without_a_map():
    book = workbook(
        ["Figures for 2020"],
        [],
        [None, "STRUCTURE", "STRUCTURE_ID", "ACTION", "REF_AREA: Area", "TIME_PERIOD", "OBS_VALUE", None],
        [None, "dataflow", FLOW, "R", "NA: Namibia", 2020, 83433, None],
        [],
        [None, "dataflow", FLOW, "A", "FR: France", 2020, 1.1, "mine"],
        [None, "dataflow", FLOW, "A", "TD: Chad", 2020, "#N/A", None],
        Notes=[["a note"]],
    )
    book.active.row_dimensions[6].hidden = True
    columns = read(saved(book))
    assert records(columns) == [
        {"REF_AREA": "NA", "TIME_PERIOD": "2020", "OBS_VALUE": "83433"},
        {"REF_AREA": "FR", "TIME_PERIOD": "2020", "OBS_VALUE": "1.1"},
    ]
    assert [(part.reference, part.action) for part in columns.parts] == [(FLOW, "Replace"), (FLOW, "Append")]
    assert columns.part_of.tolist() == [0, 1]
    place = columns.places.of(1, "REF_AREA")
    assert (place.sheet, place.cell, place.row, place.column) == ("Data", "E6", 6, 5)
    assert columns.received == 3
    codes = found(columns)
    assert set(codes) == {"wrong_header", "error_cell", "hidden_observations", "sheets_not_read"}
    assert [finding.severity for finding in codes.values()].count("error") == 1
    assert (codes["error_cell"].places[0].cell, codes["error_cell"].places[0].given) == ("G7", "#N/A")
    assert codes["hidden_observations"].places[0].row == 6
    assert codes["sheets_not_read"].values["sheets"] == "Notes"


def test_lists_in_several_sheets_are_one_file():
    head = ["DATAFLOW", "REF_AREA", "OBS_VALUE"]
    book = workbook(head, [FLOW, "NA", 1], Other=[head, ["A:B(1.0)", "FR", 2], [FLOW, "TD", 3]])
    columns = read(saved(book))
    assert [part.reference for part in columns.parts] == [FLOW, "A:B(1.0)"]
    assert columns.part_of.tolist() == [0, 1, 0]
    assert [columns.places.of(at, "REF_AREA").sheet for at in range(3)] == ["Data", "Other", "Other"]
    assert [row["OBS_VALUE"] for row in records(columns)] == ["1", "2", "3"]


def test_a_hidden_column_of_a_list_is_told():
    book = workbook(["AREA", "OBS_VALUE"], ["NA", 1], ["FR", 2])
    book.active.column_dimensions["B"].hidden = True
    columns = read(saved(book))
    (finding,) = columns.findings
    assert (finding.code, finding.count, finding.places[0].cell) == ("hidden_observations", 2, "B1")
    assert len(columns.places) == 2


def test_what_is_no_list_and_has_no_map_is_told():
    columns = read(saved(workbook(["Country", 2019], ["Chad", 5])))
    assert [(finding.code, finding.expected) for finding in columns.findings] == [
        ("layout_unknown", {"sheets": ["Data"]})
    ]
    assert set(found(read(saved(workbook(["REF_AREA", "OBS_VALUE"]))))) == {"no_rows"}


# --- by a map -----------------------------------------------------------------------------------------------

WIDE = [
    ["Migrants by sex *)", None, None, None, None, None],
    ["Stand: 1.7.2020", None, None, None, None, None],
    ["Country", "Unit", "Men", None, "Women\nand girls", None],
    [None, None, 2019, 2020, 2019, 2020],
    ["Total", "PS", 99, 98, 97, 96],
    ["Namibia 1)", "PS", 1.1, 2, "..", "1 234,5"],
    [None, "TH", None, 3, "12,5 p b", 4],
    ["Chad ²", "PS", 5, "x?", 6, 7],
    ["1) a footnote", None, None, None, None, None],
]
MAP = WorkbookMap(
    FLOW,
    (
        SheetMap(
            "Data",
            5,
            3,
            sources=(
                Source("FREQ", value="A"),
                Source("REF_AREA", column=1, fill=True, texts={"Total": None, "namibia": "516"}),
                Source("UNIT", column=2),
                Source("SEX", row=3, fill=True, texts={"Men": "M", "Women and girls": "F"}),
                Source("TIME_PERIOD", row=4),
                Source("REF_DATE", row=2, column=1, pattern=r"Stand: (.*)"),
                Source("TABLE", from_sheet=True),
                Source("OBS_STATUS", value="A"),
            ),
        ),
    ),
    marks=(Mark("Data", 3, 1, "Country"),),
    signs={"..": {"OBS_STATUS": "O"}},
    flags={"P": {"OBS_STATUS": "P"}, "b": {"BREAK": "B"}},
    footnotes=True,
    decimal=",",
    group=" ",
)


def test_a_wide_table_is_read_by_a_map():
    columns = read(saved(workbook(*WIDE)), MAP)
    told = [
        (r["REF_AREA"], r["UNIT"], r["SEX"], r["TIME_PERIOD"], r["OBS_VALUE"], r["OBS_STATUS"], r["BREAK"])
        for r in records(columns)
    ]
    assert told == [
        ("516", "PS", "M", "2019", "1.1", "A", None),
        ("516", "PS", "M", "2020", "2", "A", None),
        ("516", "PS", "F", "2019", None, "O", None),
        ("516", "PS", "F", "2020", "1234.5", "A", None),
        ("516", "TH", "M", "2020", "3", "A", None),
        ("516", "TH", "F", "2019", "12.5", "P", "B"),
        ("516", "TH", "F", "2020", "4", "A", None),
        ("Chad", "PS", "M", "2019", "5", "A", None),
        ("Chad", "PS", "M", "2020", "x?", "A", None),
        ("Chad", "PS", "F", "2019", "6", "A", None),
        ("Chad", "PS", "F", "2020", "7", "A", None),
    ]
    first = records(columns)[0]
    assert (first["FREQ"], first["REF_DATE"], first["TABLE"]) == ("A", "1.7.2020", "Data")
    assert (columns.received, columns.findings) == (11, ())
    assert [part.target for part in columns.parts] == [("dataflow", FLOW)]
    cells = {id: columns.places.of(6, id).cell for id in ("OBS_VALUE", "REF_AREA", "SEX", "REF_DATE", "FREQ")}
    assert cells == {"OBS_VALUE": "F7", "REF_AREA": "A7", "SEX": "F3", "REF_DATE": "A2", "FREQ": "F7"}


def test_cells_without_a_value_are_told_and_are_no_observations():
    rows = [list(row) for row in WIDE]
    rows[5][2], rows[5][3], rows[7][0], rows[4][2] = "#REF!", "=1+1", "#N/A", "#NUM!"
    columns = read(saved(workbook(*rows)), MAP)
    codes = found(columns)
    assert set(codes) == {"error_cell", "formula_without_value"}
    assert [place.cell for place in codes["error_cell"].places] == ["C6", "A8"]
    assert codes["error_cell"].count == 5
    assert [place.cell for place in codes["formula_without_value"].places] == ["D6"]
    assert (columns.received, len(columns.places)) == (11, 5)


def test_footnotes_are_taken_off_labels():
    given = {
        "Chad 1)": "Chad",
        "Chad1) 2)": "Chad",
        "Chad (a)": "Chad",
        "Chad²*)": "Chad",
        "EU-Länder (Stand: ab Juli 2013)": "EU-Länder (Stand: ab Juli 2013)",
        "Serbia (without Kosovo) 3)": "Serbia (without Kosovo)",
        "2019": "2019",
        "2019 1)": "2019",
        "Age 15": "Age 15",
        "*)": "*)",
        "Korea (Republic)": "Korea (Republic)",
    }
    assert {label: without_footnotes(label) for label in given} == given


def test_numbers_with_other_marks_are_not_guessed():
    rows = [list(row) for row in WIDE]
    rows[7][3] = "12.500"
    columns = read(saved(workbook(*rows)), MAP)
    finding = found(columns)["other_number_marks"]
    assert (finding.count, finding.places[0].cell, finding.places[0].given) == (1, "D8", None)
    assert (columns.received, len(columns.places)) == (11, 10)


def test_a_layout_that_drifted_is_not_read():
    columns = read(saved(workbook(["New title"], *WIDE)), MAP)
    (finding,) = columns.findings
    assert (finding.code, finding.value, finding.expected) == (
        "layout_drifted",
        "Stand: 1.7.2020",
        {"text": "Country"},
    )
    assert (finding.places[0].cell, len(columns.places)) == ("A3", 0)


def test_what_nobody_sees_is_read_and_told():
    book = workbook(*WIDE)
    book.active.row_dimensions[8].hidden = True
    book.active.column_dimensions["F"].hidden = True
    finding = found(read(saved(book), MAP))["hidden_observations"]
    assert (finding.severity, finding.blocking, finding.count) == ("warning", False, 6)
    assert [place.cell for place in finding.places[:2]] == ["F6", "F7"]
    book = workbook(*WIDE, Seen=[["x"]])
    book.active.sheet_state = "hidden"
    assert found(read(saved(book), MAP))["hidden_observations"].count == 11


def test_sheets_that_are_alike_share_a_table():
    table = SheetMap("20*", 2, 2, sources=(Source("TIME_PERIOD", from_sheet=True), Source("AREA", column=1)))
    missing = SheetMap("1999", 2, 2, sources=(Source("AREA", column=1),))
    map = WorkbookMap(FLOW, (table, missing), ignored=("Note*",))
    rows = [["Area", "n"], ["NA", 1]]
    book = workbook(*rows, title="2019", **{"2020": rows, "Notes 1": [["x"]], "Other": [["y"]], "Blank": []})
    columns = read(saved(book), map)
    assert [(row["TIME_PERIOD"], row["AREA"], row["OBS_VALUE"]) for row in records(columns)] == [
        ("2019", "NA", "1"),
        ("2020", "NA", "1"),
    ]
    assert [columns.places.of(at).sheet for at in (0, 1)] == ["2019", "2020"]
    codes = found(columns)
    assert set(codes) == {"sheet_missing", "sheets_not_read"}
    assert codes["sheet_missing"].value == "1999"
    assert codes["sheets_not_read"].values["sheets"] == "Other"
    assert set(found(read(saved(workbook(["x"])), map))) == {"layout_unknown"}


def test_a_source_without_a_component_only_leaves_out_and_the_first_that_speaks_counts():
    sources = (
        Source("AREA", column=1),
        Source("AREA", column=2, texts={"Chad": "148"}),
        Source("", column=3, texts={"C": None}),
        Source("OBS_STATUS", pattern=r"\d(e)", texts={"e": "E"}),
    )
    signs = {"-": {"OBS_VALUE": "0", "OBS_STATUS": "N"}}
    map = WorkbookMap(FLOW, (SheetMap("*", 1, 4, sources=sources),), flags={"e": {}}, signs=signs)
    book = workbook(
        ["516", "Namibia", "B", 1], [None, "Chad", "B", "2e"], [None, "Mali", "C", 3], ["x", None, "B", "-"]
    )
    assert [(r["AREA"], r["OBS_VALUE"], r["OBS_STATUS"]) for r in records(read(saved(book), map))] == [
        ("516", "1", "1"),
        ("148", "2", "E"),
        ("x", "0", "N"),
    ]


def test_a_template_carries_its_map():
    text = json.dumps(MAP.as_dict())
    book = workbook(*WIDE, _migdx=[[text[:400]], [text[400:]]], Lists=[["x"]])
    book["_migdx"].sheet_state = "veryHidden"
    book["Lists"].sheet_state = "hidden"
    columns = read(saved(book))
    assert (len(columns.places), columns.findings) == (11, ())
    book["_migdx"]["A2"] = "}"
    assert set(found(read(saved(book)))) == {"wrong_map"}


def test_a_map_reads_a_text_too():
    text = "\n".join(";".join("" if cell is None else f'"{cell}"' for cell in row) for row in WIDE)
    text = text.replace('"1.1"', '"1,1"').encode()
    sandbox = Sandbox(keeps_spare=False)
    job = {"map": MAP.as_dict(), "media_type": "text/csv"}
    columns = sandbox.read(io.BytesIO(text), len(text), **{**job, "map": _in_text(MAP).as_dict()})
    assert [row["OBS_VALUE"] for row in records(columns)][:4] == ["1.1", "2", None, "1234.5"]
    assert (len(columns.places), columns.format, columns.findings) == (11, "csv", ())


def _in_text(map):
    """The same map for a sheet without a name."""
    body = map.as_dict()
    body["sheets"][0]["sheet"], body["marks"][0]["sheet"] = "*", "*"
    return WorkbookMap.from_dict(body)


# --- real sheets --------------------------------------------------------------------------------------------

MONTHS = ["Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober"]
MONTHS += ["November", "Dezember"]


def months(year, *others):
    return {name: f"{year}-{at:02}" for at, name in enumerate(MONTHS, 1)} | dict.fromkeys(others)


def value(columns, **key):
    """The value of the one observation of a key."""
    table = columns.table
    for component, code in key.items():
        table = table.filter(pc.equal(table[component].cast(pa.utf8()), code))
    (one,) = table["OBS_VALUE"].to_pylist()
    return one


def count(columns, component, code):
    return pc.sum(pc.equal(columns.table[component].cast(pa.utf8()), code)).as_py()


@needs_data
def test_migration_of_germany_by_month_2017():
    """Nineteen sheets, of which twelve are months; headings in three rows, over several columns each."""
    wholes = [
        "1. Quartal",
        "2. Quartal",
        "3. Quartal",
        "4. Quartal",
        "1. Halbjahr",
        "2. Halbjahr",
        "Kum. Jahr",
    ]
    sources = (
        Source("TIME_PERIOD", from_sheet=True, texts=months(2017, *wholes)),
        Source("AREA", column=1),
        Source("FLOW", row=4, fill=True, texts={"Zugezogene": "IN", "Fortgezogene": "OUT", "Saldo": "NET"}),
        Source(
            "CITIZENSHIP",
            row=5,
            fill=True,
            texts={"Insgesamt": "_T", "Deutsche": "CIT", "Nichtdeutsche": "FOR"},
        ),
        Source("SEX", row=6, texts={"Ins-gesamt": "_T", "Insgesamt": "_T", "männlich": "M"}),
    )
    table = SheetMap("*", 8, 3, 153, 20, sources)
    map = WorkbookMap(FLOW, (table,), (Mark("*", 4, 1, "Herkunfts-/bzw. Zielgebiet"),), footnotes=True)
    columns = read((DATA / "national" / "wanderungen_2017.xlsx").read_bytes(), map)
    assert columns.findings == ()
    assert (
        value(columns, TIME_PERIOD="2017-01", AREA="Belgien", FLOW="IN", CITIZENSHIP="_T", SEX="_T") == "481"
    )
    assert (
        value(columns, TIME_PERIOD="2017-01", AREA="Rumänien", FLOW="NET", CITIZENSHIP="FOR", SEX="M")
        == "6072"
    )
    assert (
        value(columns, TIME_PERIOD="2017-01", AREA="Ohne Angabe", FLOW="OUT", CITIZENSHIP="CIT", SEX="_T")
        == "10588"
    )
    assert (
        value(columns, TIME_PERIOD="2017-01", AREA="Insgesamt", FLOW="NET", CITIZENSHIP="_T", SEX="_T")
        == "45918"
    )
    periods = set(columns.table["TIME_PERIOD"].unique().to_pylist())
    assert periods == {f"2017-{month:02}" for month in range(1, 13)}
    # 128 rows of figures and 18 columns, in each month
    assert len(columns.places) == columns.received == 12 * 128 * 18


@needs_data
def test_migration_of_germany_by_state_2009():
    """An .xls; sheets of unlike length, hidden columns far to the right, sheets that are left out."""
    wholes = ["Jahr Z-I ok", "Jahr Z-I ok (2)"]
    sources = (
        Source("TIME_PERIOD", from_sheet=True, texts=months(2009, *wholes)),
        Source("AREA", column=2),
        Source("STATE", row=4),
    )
    map = WorkbookMap(FLOW, (SheetMap("*", 11, 4, 154, 20, sources),), footnotes=True)
    columns = read((DATA / "national" / "wanderungen_2009.xls").read_bytes(), map)
    assert value(columns, TIME_PERIOD="2009-01", AREA="Belgien", STATE="Deutschland") == "344"
    assert value(columns, TIME_PERIOD="2009-01", AREA="Von / Nach See", STATE="Hamburg") == "497"
    assert value(columns, TIME_PERIOD="2009-01", AREA="Insgesamt", STATE="Thüringen") == "464"


@needs_data
def test_origins_and_destinations_of_un_desa_2017():
    """Aggregates among countries, `..` for missing, commas between thousands, birth and citizenship mixed."""
    path = DATA / "undesa" / "ims2017_origin_destination_table1_both.csv"
    with path.open(encoding="utf-8", newline="") as text:
        rows = list(csv.reader(text))[1:]
    kinds = {row[5] for row in rows}
    birth = {kind: None for kind in kinds if "B" not in kind}
    origin = Source("ORIGIN", row=1, texts={"Total": "_T"})
    sources = (
        Source("TIME_PERIOD", column=1),
        Source("AREA", column=5),
        origin,
        Source("", column=6, texts=birth),
    )
    map = WorkbookMap(
        FLOW, (SheetMap("*", 2, 7, sources=sources),), signs={"..": {"OBS_STATUS": "O"}}, group=","
    )
    columns = read(path.read_bytes(), map)
    assert value(columns, TIME_PERIOD="2017", AREA="276", ORIGIN="_T") == "12165083"
    assert value(columns, TIME_PERIOD="2017", AREA="40", ORIGIN="Bosnia and Herzegovina") == "170864"
    assert value(columns, TIME_PERIOD="2017", AREA="276", ORIGIN="American Samoa") is None
    wanted = [row for row in rows if "B" in row[5]]
    assert columns.received == len(columns.places) == sum(cell != "" for row in wanted for cell in row[6:])
    assert count(columns, "OBS_STATUS", "O") == sum(cell == ".." for row in wanted for cell in row[6:])
    assert not [finding for finding in columns.findings if finding.severity == "error"]


@needs_data
def test_origins_and_destinations_of_un_desa_2019():
    """Empty cells are no observations."""
    path = DATA / "undesa" / "ims2019_origin_destination_total.csv"
    sources = (Source("TIME_PERIOD", column=1), Source("AREA", column=2), Source("ORIGIN", row=1))
    columns = read(path.read_bytes(), WorkbookMap(FLOW, (SheetMap("", 2, 3, sources=sources),)))
    assert value(columns, TIME_PERIOD="2019", AREA="Germany", ORIGIN="Total") == "13132146"
    assert value(columns, TIME_PERIOD="2019", AREA="Germany", ORIGIN="Albania") == "50894"
    with path.open(encoding="utf-8", newline="") as text:
        rows = list(csv.reader(text))[1:]
    assert len(columns.places) == sum(cell != "" for row in rows for cell in row[2:])
    place = columns.places.of(0)
    assert (place.row, place.column, place.sheet, place.cell) == (2, 3, "", "")
