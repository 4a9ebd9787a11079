"""What stands in a table's cells by a map: what would make another figure of it is no number."""

import io

import openpyxl
import pytest

from migdx.errors import SyntaxFault
from migdx.formats import workbook_reader
from migdx.formats.workbook_texts import Numbers
from migdx.workbook_map import Mark, SheetMap, Source, WorkbookMap, sheet_matches

FLOW = "MIGDX:DF_MIG_FLOW(1.0.0)"
TABLE = SheetMap("*", 2, 2, sources=(Source("TIME_PERIOD", row=1), Source("SEX", column=1)))
DIGITS = {digit: {"OBS_STATUS": "P"} for digit in "123456789"} | {"c": {"CONF_STATUS": "C"}}


def cell(text, **more):
    found = Numbers(WorkbookMap(FLOW, (TABLE,), flags=DIGITS, **more), "OBS_VALUE").read(text)
    return found.number, dict(found.said)


@pytest.mark.parametrize("text", ["1,5", "1.234,5", "1’5", "12, 5", "1,234,5", "98 765"])
def test_digits_behind_a_foreign_mark_are_no_flags(text):
    assert cell(text)[0] == text


@pytest.mark.parametrize("text", ["1 23", "12 34", "1 2 34"])
def test_digits_behind_a_blank_are_no_flags_where_blanks_group(text):
    assert cell(text, group=" ")[0] == text
    assert cell("1 234", group=" ")[0] == "1234"


def test_a_footnote_behind_a_number_is_a_flag():
    assert cell("12 1") == ("12", DIGITS["1"])
    assert cell("12, 1)") == ("12, 1)", {})


def test_the_flag_of_what_is_no_number_is_heard():
    assert cell("98 765 c") == ("98 765 c", DIGITS["c"])


def read(rows, **more):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    job = {"map": WorkbookMap(FLOW, (TABLE,), **more).as_dict()}
    return workbook_reader.read(file, job)


def test_a_number_may_be_a_sign():
    columns = read([["", 2018, 2019], ["F", 9999, "9999"], ["M", 1, 99990]], signs={"9999": {"SEX": "_U"}})
    assert columns.table["OBS_VALUE"].to_pylist() == [None, None, "1", "99990"]
    assert columns.table["SEX"].to_pylist() == ["_U", "_U", "M", "M"]


@pytest.mark.parametrize(
    ("text", "shown"), [("98765 c", "…"), ("(98 765)", "…"), ("n = 98.765", "…"), ("Alter", "Alter")]
)
def test_a_figure_where_a_label_stood_is_not_repeated(text, shown):
    (finding,) = read([["", 2018], [text, 1]], marks=(Mark("*", 2, 1, "Age"),)).findings
    assert (finding.code, finding.value) == ("layout_drifted", shown)


# --- maps that nobody could apply


def with_pattern(pattern):
    return {"sources": [{"component": "SEX", "row": 1, "pattern": pattern}]}


BIG = 10**30


@pytest.mark.parametrize(
    ("of_table", "of_map"),
    [
        (with_pattern("(a{99999999999})"), {}),
        (with_pattern("(" + "a|" * 500_000 + ")"), {}),
        ({"first_row": BIG}, {}),
        ({"last_column": 10**9}, {}),
        ({"sources": [{"component": "SEX", "row": 1}] * 101}, {}),
        ({}, {"decimal": ""}),
        ({}, {"decimal": "5"}),
        ({}, {"group": "1"}),
        ({}, {"group": ".", "decimal": "."}),
        ({}, {"group": "  "}),
    ],
)
def test_a_map_that_nobody_could_apply_is_refused(of_table, of_map):
    table = {"sheet": "a", "first_row": 1, "first_column": 1, **of_table}
    with pytest.raises(SyntaxFault) as fault:
        WorkbookMap.from_dict({"dataflow": FLOW, "sheets": [table], **of_map})
    assert len(str(fault.value)) < 500


def test_a_map_has_not_more_tables_than_a_person_looks_over():
    table = {"sheet": "a", "first_row": 1, "first_column": 1}
    with pytest.raises(SyntaxFault, match="given 301, expected 300 at most"):
        WorkbookMap.from_dict({"dataflow": FLOW, "sheets": [table] * 301})


@pytest.mark.parametrize(
    ("pattern", "name", "same"),
    [
        ("*a" * 14 + "*b", "a" * 31, False),
        ("*a" * 14 + "*b", "a" * 30 + "b", True),
        ("ab*ba", "aba", False),
        ("ab*ba", "abba", True),
        ("a*b*c", "axbxbc", True),
        ("a*b*c", "acb", False),
        ("a", "a\n", False),
        ("**", "", True),
    ],
)
def test_stars_are_tried_once(pattern, name, same):
    assert sheet_matches(pattern, name) is same
