"""Copies of a file with what was found: the annotated workbook, and the rejected rows with why."""

import csv
import gzip
import io
import zipfile
from xml.etree import ElementTree

import numpy as np
import openpyxl
import pyarrow as pa
import pytest
from conftest import ROOT, flow_csv, flow_row, sent
from openpyxl.styles import Font, PatternFill

from migdx.columns import Columns, Located, Part, Places, Sheet, Spot
from migdx.errors import NotAcceptable, TooLarge
from migdx.formats import marks
from migdx.formats.marks import annotated, shared
from migdx.formats.rejected import rejected
from migdx.report import Counts, Finding, Place, Report

RED, YELLOW, BLUE = "FFFFB8BC", "FFFFE699", "FFBDD9F5"
EVIL = (
    "=cmd|' /C calc'!A0", "+1", "-1+1", "@SUM(A1)", "\t=1+1", "\r=1", '=HYPERLINK("http://x.example")',
    "=DDE(\"cmd\";\"/C calc\";\"x\")", "<script>", "\x00\x07", "x" * 40_000,
)  # fmt: skip


def book(fill=None):
    """A table of years by sex as people make them: a merged title, a blank row, a hidden row, a formula."""
    made = openpyxl.Workbook()
    sheet = made.active
    sheet.title = "Flows"
    sheet["A1"] = "Immigration"
    sheet.merge_cells("A1:C1")
    sheet.append([])
    sheet.append(["Sex", 2019, 2020])
    sheet.append(["Female", 10, -5])
    sheet.append(["M", "many", "=B4+1"])
    sheet.row_dimensions[4].hidden = True
    sheet["A4"].font = Font(bold=True)
    hidden = made.create_sheet("Hidden & co's")
    hidden.sheet_state = "hidden"
    hidden["A1"] = "=1+1"
    if fill:
        fill(made)
    return made


def bytes_of(made):
    content = io.BytesIO()
    made.save(content)
    return content.getvalue()


def columns(sheet="Flows", component="SEX"):
    """What a reader of `book` hands over: four observations in a cross of labels and years."""
    spots = {component: Spot(column=1), "TIME_PERIOD": Spot(row=3), "TITLE": Spot(1, 2)}
    places = Places(np.array([4, 4, 5, 5]), np.array([2, 3, 2, 3]), (Sheet(sheet, spots),))
    table = pa.table({
        component: pa.array(["Female", "Female", "M", "M"]).dictionary_encode(),
        "TIME_PERIOD": pa.array(["2019", "2020"] * 2),
        "OBS_VALUE": pa.array(["10", "-5", "many", "11"]),
    })  # fmt: skip
    return Columns("xlsx", table, places, (Part("dataflow", "T:FLOW(1.0)"),), received=4)


def fault(code, records=(), severity="error", component="", **more):
    found = Finding(code, severity, component, count=max(1, len(records)), **more)
    return Located(found, np.array(records, np.int64))


UNKNOWN = fault(
    "unknown_code", [0, 1], component="SEX", value="Female",
    expected={"codelist": "T:CL_SEX(1.0)", "nearest": [{"code": "F", "name": "Female", "why": "name (en)"}]},
)  # fmt: skip


def report(*faults, name="flows.xlsx"):
    found = tuple(one.finding for one in faults)
    return Report("rejected", {"fileName": name}, {}, Counts(4, 0, rejected=4, errors=1), found)


def copied(content, *faults, given=None, languages=("en",), **more):
    """The annotated copy, opened."""
    made = annotated(
        io.BytesIO(content), len(content), given or columns(), faults, report(*faults), languages, **more
    )
    return openpyxl.load_workbook(io.BytesIO(made))


def colour(cell):
    return cell.fill.fgColor.rgb if cell.fill.patternType else None


def everything(made):
    return [cell for sheet in made for row in sheet.iter_rows() for cell in row if cell.value is not None]


# --- the annotated workbook ---------------------------------------------------------------------------------


def richer(made):
    sheet = made["Flows"]
    sheet["A4"].comment = openpyxl.comments.Comment("As in the register", "sender")
    sheet["A7"].value, sheet["A7"].data_type = "=1+1", "s"
    sheet["C4"].fill = PatternFill("solid", fgColor="FF00FF00")
    made.create_sheet("Report")["A1"] = "the sender's own"


WRONG = fault("not_a_number", [2], component="OBS_VALUE", value="many", expected={"type": "Double"})
EARLY = fault("period_not_of_frequency", [1, 3], "warning", "TIME_PERIOD", value="2020")
TITLE = fault("unknown_code", [0], component="TITLE", value="Immigration", expected={"codelist": "C"})
FORMULA = fault("not_a_number", [3], component="OBS_VALUE", value="11", expected={"type": "Integer"})
REPEATED = [fault("repeated_row", [0], "information", values={"keys": n}) for n in range(6)]
ALSO = fault("not_a_number", [0], "warning", "OBS_VALUE", value="10", expected={"type": "Integer"})


@pytest.fixture(scope="module")
def copy():
    return copied(bytes_of(book(richer)), UNKNOWN, WRONG, EARLY, TITLE, FORMULA, ALSO, *REPEATED)


def test_offending_cells_are_coloured_and_say_why(copy):
    sheet = copy["Flows"]
    marked = {cell.coordinate: colour(cell) for row in sheet.iter_rows() for cell in row if colour(cell)}
    assert marked == {
        "A4": RED, "B5": RED, "C5": RED, "C3": YELLOW, "A1": RED, "B4": YELLOW, "C4": "FF00FF00"
    }  # fmt: skip
    assert sheet["A4"].comment.text == (
        "As in the register\nSEX has no code 'Female'; expected a code of T:CL_SEX(1.0). Nearest: F (Female)."
    )
    assert sheet["A4"].comment.author == "migdx"
    assert sheet["B5"].comment.text.startswith("OBS_VALUE holds 'many'")


def test_the_file_stays_as_it_was_sent(copy):
    sheet = copy["Flows"]
    assert [[cell.value for cell in row] for row in sheet.iter_rows(max_row=5)] == [
        ["Immigration", None, None], [None] * 3, ["Sex", 2019, 2020], ["Female", 10, -5],
        ["M", "many", "=B4+1"],
    ]  # fmt: skip
    assert (sheet["C4"].data_type, sheet["A7"].value, sheet["A7"].data_type) == ("n", "=1+1", "s")
    assert [str(merged) for merged in sheet.merged_cells.ranges] == ["A1:C1"]
    assert sheet.row_dimensions[4].hidden
    assert sheet["A4"].font.bold
    assert copy["Hidden & co's"].sheet_state == "hidden"
    assert not sheet.sheet_view.tabSelected


def test_several_faults_of_a_cell_share_its_comment_and_the_worst_colours_it(copy):
    cell = copy["Flows"]["B4"]
    assert colour(cell) == YELLOW
    assert cell.comment.text.count("Rows are the same") == 4
    assert cell.comment.text.endswith("and 2 more")


def test_a_fault_in_a_merged_cell_is_told_in_its_first(copy):
    assert copy["Flows"]["A1"].comment.text.startswith("TITLE has no code 'Immigration'")


def test_a_formula_that_offends_stays_a_formula(copy):
    cell = copy["Flows"]["C5"]
    assert (cell.value, cell.data_type, colour(cell)) == ("=B4+1", "f", RED)
    assert any("without their last results" in str(cell.value) for cell in everything(copy))


def test_the_sheet_in_front_sums_up_and_leads_to_the_cells(copy):
    front = copy.worksheets[0]
    assert copy.active is front
    assert (front["A1"].value, front["A2"].value) == ("Report on flows.xlsx", "This file is rejected")
    said = [[cell.value for cell in row] for row in front.iter_rows()]
    assert said[2][:2] == ["Rows received", 4]
    at = next(number for number, row in enumerate(said) if row[1] == "unknown_code")
    assert said[at][:5] == [
        "Error", "unknown_code", "SEX has no code 'Female'; expected a code of T:CL_SEX(1.0).",
        "F (Female)", 2,
    ]  # fmt: skip
    link = next(cell for cell in front[at + 1] if cell.value == "Flows!A4")
    assert link.hyperlink.location == "'Flows'!A4"
    assert link.hyperlink.target is None


def test_a_sheet_of_the_same_name_is_not_lost(copy):
    assert copy.sheetnames == ["Report1", "Flows", "Hidden & co's", "Report"]
    assert copy["Report"]["A1"].value == "the sender's own"


def test_comments_and_front_in_french():
    copy = copied(bytes_of(book()), UNKNOWN, languages=("fr", "en"))
    assert copy.sheetnames[0] == "Rapport"
    assert copy["Rapport"]["A2"].value == "Ce fichier est rejeté"
    assert copy["Flows"]["A4"].comment.text == (
        "SEX n’a pas de code « Female » ; attendu : un code de T:CL_SEX(1.0). Les plus proches : F (Female)."
    )


def evil(text):
    near = [{"code": text, "name": f"{text} ", "why": "similar"}]
    return fault(
        text, [0, 2], component="SEX", value=text, expected={"codelist": text, "nearest": near},
        places=(Place(given=text),),
    )  # fmt: skip


@pytest.mark.parametrize("title", ["=1+1", "-1+1", "+A1", "@SUM(A1)"])
def test_nothing_that_is_echoed_runs(title):
    """Not from a label, a message, a nearest code, a file's name, or the name of a sheet."""

    def named(made):
        made["Flows"].title = title

    content, wrong = bytes_of(book(named)), [evil(text) for text in EVIL]
    told = report(*wrong, name=title)
    made = annotated(io.BytesIO(content), len(content), columns(title), wrong, told)
    copy = openpyxl.load_workbook(io.BytesIO(made))
    formulas = {(cell.parent.title, cell.coordinate) for cell in everything(copy) if cell.data_type == "f"}
    assert formulas == {(title, "C5"), ("Hidden & co's", "A1")}  # the sender's own
    front = everything(copy)[: copy.worksheets[0].max_row * 10]
    begun = [cell for cell in front if str(cell.value).startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert [cell for cell in begun if cell.parent is copy.worksheets[0]]
    assert all(cell.quotePrefix for cell in begun if cell.parent is copy.worksheets[0])
    with zipfile.ZipFile(io.BytesIO(made)) as package:
        assert not [name for name in package.namelist() if b"TargetMode" in package.read(name)]
        for name in package.namelist():  # no part is cut or spoilt
            if name.endswith((".xml", ".rels", ".vml")):
                ElementTree.fromstring(package.read(name))


def test_a_copy_that_is_sent_again_has_one_report_and_no_old_marks():
    first = annotated(
        io.BytesIO(content := bytes_of(book())), len(content), columns(), [UNKNOWN], report(UNKNOWN)
    )
    copy = copied(first)
    assert copy.sheetnames == ["Report", "Flows", "Hidden & co's"]
    assert copy["Flows"]["A4"].comment is None
    assert colour(copy["Flows"]["A4"]) is None


def test_of_very_many_faults_some_are_marked_and_all_counted(monkeypatch):
    monkeypatch.setattr(marks, "COLOURED", 200)
    monkeypatch.setattr(marks, "COMMENTED", 20)
    made = openpyxl.Workbook()
    made.active.title = "Flows"
    for at in range(300):
        made.active.append(["Female", at])
    places = Places(np.arange(1, 301), sheets=(Sheet("Flows", {"SEX": Spot(0, 1), "OBS_VALUE": Spot(0, 2)}),))
    given = Columns("xlsx", pa.table({}), places, received=300)
    many = fault("unknown_code", range(300), component="SEX", value="Female", expected={"codelist": "C"})
    few = fault("not_a_number", [299], component="OBS_VALUE", value="x", expected={"type": "Double"})
    copy = copied(bytes_of(made), many, few, given=given)
    sheet = copy["Flows"]
    marked = [cell for row in sheet.iter_rows() for cell in row if colour(cell)]
    assert len(marked) == 200
    assert sum(1 for cell in marked if cell.comment) == 20
    assert sheet["B300"].comment
    said = [cell.value for row in copy["Report"].iter_rows() for cell in row]
    assert "200 of 301 cells are coloured, 20 of them have a comment." in said


@pytest.mark.parametrize(
    ("counts", "most", "got"),
    [
        ([], 5, []),
        ([3], 5, [3]),
        ([10, 1, 4], 9, [4, 1, 4]),
        ([10, 10], 5, [3, 2]),
        ([5, 5, 5], 2, [1, 0, 1]),
    ],
)
def test_the_small_ones_get_all_that_they_want(counts, most, got):
    assert sorted(shared(counts, most)) == sorted(got)
    assert sum(shared(counts, most)) == min(sum(counts), most)


def test_what_a_copy_does_not_keep_is_told():
    content = io.BytesIO(bytes_of(book()))
    with zipfile.ZipFile(content, "a") as package:
        package.writestr("xl/vbaProject.bin", b"macros")
        package.writestr("xl/media/image1.png", b"image")
    made = annotated(content, len(content.getvalue()), columns(), [UNKNOWN], report(UNKNOWN))
    assert "xl/vbaProject.bin" not in zipfile.ZipFile(io.BytesIO(made)).namelist()
    types = zipfile.ZipFile(io.BytesIO(made)).read("[Content_Types].xml")
    assert b"macro" not in types
    front = openpyxl.load_workbook(io.BytesIO(made))["Report"]
    assert "Not in this copy: macros, images." in [cell.value for row in front.iter_rows() for cell in row]


def test_what_openpyxl_cannot_open_is_made_anew():
    """A part that it does not understand stops openpyxl, and not the copy."""
    content, broken = io.BytesIO(bytes_of(book())), io.BytesIO()
    with zipfile.ZipFile(content) as before, zipfile.ZipFile(broken, "w") as after:
        for name in before.namelist():
            part = before.read(name)
            after.writestr(
                name, part.replace(b"<fills", b"<fills nonsense='1'><x/") if "styles" in name else part
            )
    copy = copied(broken.getvalue(), UNKNOWN)
    assert copy.sheetnames == ["Report", "Flows", "Hidden & co's"]
    sheet = copy["Flows"]
    assert (sheet["C4"].value, sheet["C4"].data_type, colour(sheet["A4"])) == (-5, "n", RED)
    assert sheet.row_dimensions[4].hidden
    assert [str(merged) for merged in sheet.merged_cells.ranges] == ["A1:C1"]
    assert copy["Hidden & co's"].sheet_state == "hidden"


@pytest.mark.parametrize("kind", ["xls", "ods"])
def test_xls_and_ods_become_xlsx(kind):
    content = (ROOT / "tests" / "formats" / "workbooks" / f"small.{kind}").read_bytes()
    spots = {"AREA": Spot(column=1), "SEX": Spot(row=3)}
    places = Places(np.array([4, 6]), np.array([2, 3]), (Sheet("Stock", spots),))
    wrong = fault("unknown_code", [0], component="AREA", value="Namibia", expected={"codelist": "C"})
    number = fault("not_a_number", [1], "warning", "OBS_VALUE", value="8", expected={"type": "Double"})
    copy = copied(content, wrong, number, given=Columns(kind, pa.table({}), places, received=2))
    assert copy.sheetnames == ["Report", "Stock", "Helper"]
    sheet = copy["Stock"]
    assert (sheet["B4"].value, sheet["B4"].data_type, sheet["B5"].value) == (1.1, "n", 83433)
    assert (sheet["C5"].value, sheet["D5"].value, sheet["D5"].data_type) == ("2 500 p", "#N/A", "s")
    assert (colour(sheet["A4"]), colour(sheet["C6"])) == (RED, YELLOW)
    assert [str(merged) for merged in sheet.merged_cells.ranges] == ["A1:D1"]
    assert sheet.row_dimensions[6].hidden
    assert sheet.column_dimensions["C"].hidden
    assert copy["Helper"].sheet_state == "hidden"
    front = [cell.value for row in copy["Report"].iter_rows() for cell in row]
    assert any(str(text).startswith(f"This copy was built anew from an {kind} file") for text in front)


def test_what_is_no_workbook_has_no_copy():
    with pytest.raises(NotAcceptable, match="This file is CSV"):
        copied(flow_csv(), UNKNOWN)
    with pytest.raises(NotAcceptable, match="No annotated copy"):
        copied(b"PK\x03\x04" + b"xl/workbook.xml" * 10)


@pytest.mark.parametrize(("code", "error"), [("unreadable", NotAcceptable), ("too_large", TooLarge)])
def test_what_could_not_be_read_is_not_opened_again(code, error):
    with pytest.raises(error):
        copied(bytes_of(book()), fault(code, values={"reason": "workbook", "what": "file"}))


def test_a_workbook_that_is_too_large_for_a_copy_is_refused(monkeypatch):
    monkeypatch.delattr(marks._annotating, "_take")  # in a process of its own, as the service does
    monkeypatch.setattr(marks._annotating, "_limits", lambda size, **_: marks.Limits(1 << 20, 5, 20.0))
    with pytest.raises(TooLarge, match="too large for an annotated copy"):
        copied(bytes_of(book()), UNKNOWN)


def test_places_of_findings_without_records_are_marked_too():
    heading = Located(
        Finding("unknown_component", value="SEXX", places=(Place(row=3, column=1, sheet="Flows"),)),
        np.arange(4),
        in_header=True,
    )
    error = fault("error_value", severity="error", places=(Place(row=5, column=3, sheet="Flows"),))
    elsewhere = fault("error_value", places=(Place(row=1, column=1, sheet="No such sheet"),))
    sheet = copied(bytes_of(book()), heading, error, elsewhere)["Flows"]
    assert {c.coordinate for row in sheet.iter_rows() for c in row if colour(c)} == {"A3", "C5"}


# --- the rejected rows --------------------------------------------------------------------------------------


def rows_of(exchange, content, languages=("en",), accept="all", **more):
    given = sent(content, "FRA", **more)
    return b"".join(exchange.examined(given, accept=accept).rejected(given, languages))


def test_the_rejected_rows_are_those_that_were_sent_with_why(exchange):
    rows = [
        flow_row("250", "IMMIG", "276", 2018, "1.10"),
        flow_row("250", "IMMIG", "XXX", 2019, "-5", comment='"a ""so"", -1"'),
        flow_row("250", "IMMIG", "276", 2020, "many", sex="Female"),
    ]
    content = flow_csv(*rows)
    found = rows_of(exchange, content)
    lines = content.splitlines(keepends=True)
    got = found.splitlines(keepends=True)
    assert got[0] == b"MIGDX_WHY," + lines[0]
    assert [line.endswith(sent_line) for line, sent_line in zip(got[1:], lines[2:], strict=True)] == [
        True
    ] * 2
    why = [row[0] for row in csv.reader(io.StringIO(found.decode()))][1:]
    assert why[0].startswith("unknown_code: COUNTERPART_AREA has no code 'XXX'")
    assert why[1].startswith("unknown_code: SEX has no code 'Female'")
    assert " | not_a_number: OBS_VALUE holds 'many'" in why[1]
    assert "Nearest: F (Female)." in why[1]


def test_no_rejected_row_runs_as_a_formula(exchange):
    texts = ["=1+1", "@SUM(A1)", "+1-1", "-1+2", "\t=1", "-", "plain, =1", "-5", "1;=2"]
    rows = [flow_row("250", "IMMIG", "XXX", 2001 + n, "-5") for n in range(len(texts))]
    quoted = [row + '"' + text + '"' for row, text in zip(rows, texts, strict=True)]
    content = flow_csv(*quoted)
    got = list(csv.reader(io.StringIO(rows_of(exchange, content).decode(), newline="")))
    assert [row[-1] for row in got[1:]] == [
        "'=1+1", "'@SUM(A1)", "'+1-1", "'-1+2", "'\t=1", "'-", "plain, =1", "-5", "1;=2"
    ]  # fmt: skip
    assert {row[got[0].index("OBS_VALUE")] for row in got[1:]} == {"-5"}


def test_a_sound_file_has_no_rejected_rows(exchange):
    content = flow_csv(flow_row("250", "IMMIG", "276", 2018, 5))
    assert rows_of(exchange, content) == b"MIGDX_WHY," + content.splitlines(keepends=True)[0]


def test_rows_that_nobody_could_read_are_given_back_too(exchange):
    good, short = flow_row("250", "IMMIG", "276", 2018, 5), "250,IMMIG"
    unclosed = flow_row("250", "IMMIG", "276", 2019, 5, comment='"open')
    content = flow_csv(good, short, unclosed, flow_row("250", "IMMIG", "276", 2020, 6))
    found = rows_of(exchange, content).decode().splitlines()
    assert len(found) == 3
    assert found[1].startswith('"wrong_number_of_cells: Rows have more or fewer cells')
    assert found[1].endswith(",A," + short)
    assert found[2].startswith('"unclosed_quote: ')
    assert found[2].endswith(unclosed)


def test_a_fault_of_the_file_rejects_every_row(exchange):
    content = flow_csv(flow_row("250", "IMMIG", "276", 2018, 5), flow_row("250", "IMMIG", "276", 2019, 5))
    found = rows_of(exchange, content.replace(b"CONF_STATUS", b"CONF_STATSU")).decode().splitlines()
    assert len(found) == 3
    assert all("unknown_component" in line for line in found[1:])


def test_separator_line_ends_and_mark_stay(exchange):
    content = flow_csv(flow_row("250", "IMMIG", "XXX", 2018, 5)).replace(b",", b";").replace(b"\n", b"\r\n")
    found = rows_of(exchange, b"\xef\xbb\xbf" + content)
    assert found.startswith(b"\xef\xbb\xbfMIGDX_WHY;STRUCTURE;")
    assert found.endswith(b"\r\n")
    assert b'";dataflow;' in found


def test_other_encodings_come_back_as_utf8(exchange):
    content = flow_csv(flow_row("250", "IMMIG", "XXX", 2018, 5, comment="Région"))
    for encoding in ("utf-16", "cp1252"):
        found = rows_of(exchange, content.decode().encode(encoding))
        assert "Région" in found.decode()


def test_rows_over_several_lines_come_back_whole(exchange):
    row = flow_row("250", "IMMIG", "XXX", 2018, 5, comment='"one\ntwo"')
    assert rows_of(exchange, flow_csv(row)).decode().endswith(row + "\n")


def test_rows_of_a_compressed_file_come_back(exchange):
    content = flow_csv(flow_row("250", "IMMIG", "XXX", 2018, 5))
    packed = rows_of(exchange, gzip.compress(content), name="flows.csv.gz", media_type="")
    assert packed == rows_of(exchange, content)


def test_why_in_french_and_never_a_formula(exchange):
    found = rows_of(
        exchange,
        flow_csv(flow_row("250", "IMMIG", "=1+1\n=2", 2018, 5).replace("=1+1\n=2", '"=1+1\n=2"')),
        ("fr",),
    )
    why = [row[0] for row in csv.reader(io.StringIO(found.decode()))][1]
    assert why.startswith("unknown_code: COUNTERPART_AREA n’a pas de code « =1+1 =2 »")


def test_a_file_that_cannot_be_read_says_why(exchange):
    assert rows_of(exchange, b"no,sdmx\n1,2\n").startswith(b'MIGDX_WHY\n"wrong_header: ')


def test_ten_thousand_rejected_rows(exchange):
    rows = [flow_row("250", "IMMIG", f"X{at}", 1000 + at % 900, at) for at in range(10_000)]
    found = list(csv.reader(io.StringIO(rows_of(exchange, flow_csv(*rows)).decode())))
    assert len(found) == 10_001
    assert all(row[0].startswith("unknown_code: ") for row in found[1:])
    assert found[-1][15] == "9999"


def written(columns, *faults):
    pieces = rejected(io.BytesIO(), 0, columns, faults, ("wrong_number_of_cells",))
    return list(csv.reader(io.StringIO(b"".join(pieces).decode())))


def test_rows_of_other_formats_are_written_as_sdmx_csv():
    found = written(columns(), UNKNOWN)
    assert found == [
        ["MIGDX_WHY", "STRUCTURE", "STRUCTURE_ID", "ACTION", "SEX", "TIME_PERIOD", "OBS_VALUE"],
        [found[1][0], "dataflow", "T:FLOW(1.0)", "", "Female", "2019", "10"],
        [f"Flows!C4{found[1][0][8:]}", "dataflow", "T:FLOW(1.0)", "", "Female", "2020", "-5"],
    ]  # fmt: skip
    assert found[1][0].startswith("Flows!B4: unknown_code: SEX has no code")


@pytest.mark.parametrize("text", EVIL[:8])
def test_rows_that_are_written_do_not_run(text):
    given = columns()
    table = given.table.set_column(0, text, pa.array([text] * 4))
    made = written(Columns("SDMX-ML", table, given.places, given.parts, received=4), UNKNOWN)
    for row in made:
        for cell in row:
            assert not cell.startswith(("=", "+", "@", "\t", "\r")) or cell == "+1"
    assert made[1][6] == "10"
    assert made[2][6] == "-5"
