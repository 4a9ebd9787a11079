"""What a workbook looks like, and what a person is asked about it: small sheets, one question each."""

from __future__ import annotations

import io

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from workbook_files import workbook

from migdx.errors import SyntaxFault
from migdx.grid import Grid, GridSheet, Kind
from migdx.history import History
from migdx.proposal import looked_over, propose
from migdx.proposal.answers import named, placed, unplaced
from migdx.proposal.matching import Codes, key
from migdx.proposal.patterns import Pattern
from migdx.proposal.times import frequency_of, period_of, year_of
from migdx.registry import load_structures
from migdx.sent import Sent
from migdx.workbook_map import Source, sheet_matches
from migdx.workbooks import proposed

FLOW = "MIGDX:DF_MIG_FLOW(1.0.0)"


@pytest.fixture(scope="module")
def registry(shipped_once):
    return load_structures()


@pytest.fixture(scope="module")
def schema(registry):
    flow = registry.dataflow(FLOW)
    return registry.schema(flow.reference, registry.agreement("FRA", flow))


@pytest.fixture
def seen(registry, schema):
    """The proposal for a workbook."""

    def seen(sheets, kept=None):
        return propose(grid_of_sheets(sheets), schema, registry, kept)

    return seen


def grid_of_sheets(sheets):
    """The cells of sheets made of rows, without a file; "" is an empty cell."""
    return Grid("xlsx", tuple(_sheet(name, rows) for name, rows in sheets.items()))


def _sheet(name, rows):
    width = max(map(len, rows), default=0)
    columns = [[row[at] if at < len(row) else None for row in rows] for at in range(width)]
    columns = [[None if value == "" else value for value in column] for column in columns]
    kinds = tuple(np.array([_kind(value) for value in column], np.uint8) for column in columns)
    texts = tuple(pa.array([None if v is None else str(v) for v in column], pa.utf8()) for column in columns)
    return GridSheet(name, len(rows), width, texts, kinds)


def _kind(value):
    return Kind.EMPTY if value is None else Kind.NUMBER if isinstance(value, int) else Kind.TEXT


def sources(found, table=0):
    return {source.component: source for source in found.map.sheets[table].sources}


def asked(found, kind):
    return [question for question in found.questions if question.kind == kind]


WIDE = {
    "Table": [
        ["Immigration by previous residence", "", "", ""],
        ["", "", "", ""],
        ["Country", 2018, 2019, 2020],
        ["Germany", 5, 6, 7],
        ["Italie 1)", 1, "..", 3],
        ["Ruritania", 4, 4, "12p"],
        ["Côte d'Ivoire", 4, 4, 4],
        ["1) Revised.", "", "", ""],
    ]
}


def test_wide_time_columns(seen):
    found = seen(WIDE)
    (table,) = found.map.sheets
    assert (table.sheet, table.first_row, table.first_column) == ("Table", 4, 2)
    assert (table.last_row, table.last_column) == (0, 0)
    said = sources(found)
    assert (said["TIME_PERIOD"].row, said["FREQ"].value, said["REF_AREA"].value) == (3, "A", "250")
    assert said["COUNTERPART_AREA"].column == 1
    assert said["COUNTERPART_AREA"].texts == {"Germany": "276", "Italie": "380", "Côte d'Ivoire": "384"}
    assert found.map.footnotes
    (label,) = asked(found, "label")
    assert (label.text, label.place.cell, label.is_open) == ("Ruritania", "A6", True)
    assert {mark.text for mark in found.map.marks} == {"Country"}


def test_signs_and_flags(seen):
    found = seen(WIDE)
    assert found.map.signs == {"..": {"OBS_STATUS": "O"}}
    assert found.map.flags == {"p": {"OBS_STATUS": "P"}}
    sheet = {"T": [["", 2018, 2019], ["Germany", ".", 6], ["Italy", "-", "x"], ["Spain", 1, 2]]}
    found = seen(sheet)
    assert found.map.signs == {}  # these mean one thing here and another there: they are asked
    offered = {q.text: [one.code for one in q.offered] for q in asked(found, "sign")}
    assert offered["."] == ["OBS_STATUS=Q, CONF_STATUS=C", "OBS_STATUS=O"]
    assert offered["-"] == ["OBS_VALUE=0", "OBS_STATUS=O"]
    assert all(question.is_open for question in asked(found, "sign"))


def test_a_list_with_a_column_for_each_component(seen):
    rows = [
        ["Germany", "Female", 2018, 10], ["Germany", "Male", 2018, 11],
        ["Italy", "Female", 2018, 1210], ["Italy", "Male", 2018, 99],
    ]  # fmt: skip
    found = seen({"List": [["Origin", "Sex", "Year", "Persons"], *rows]})
    (table,) = found.map.sheets
    assert (table.first_row, table.first_column) == (2, 4)
    said = sources(found)
    assert (said["SEX"].column, said["TIME_PERIOD"].column, said["COUNTERPART_AREA"].column) == (2, 3, 1)
    assert said["SEX"].texts == {"Female": "F", "Male": "M"}


def test_sheets_of_one_layout_share_a_map_and_name_the_month(seen):
    def sheet(title):
        return [[f"Immigration {title} 2019"], [], ["Country", "Total", "Male"], ["Germany", 3, 1],
                ["Italy", 4, 2]]  # fmt: skip

    found = seen({"January": sheet("January"), "Février": sheet("Février"), "Notes": [["No figures"]]})
    assert [table.sheet for table in found.map.sheets] == ["January", "Février"]
    found = seen({"January": sheet("January"), "Février": sheet("Février"), "Q1": sheet("")})
    (table,) = found.map.sheets
    assert table.sheet == "*"
    said = sources(found)
    assert said["TIME_PERIOD"].texts == {"January": "2019-01", "Février": "2019-02", "Q1": "2019-Q1"}
    assert said["FREQ"].texts == {"January": "M", "Février": "M", "Q1": "Q"}
    # the year stands in the title: another title means another year
    assert ("January", "Immigration January 2019") in {(mark.sheet, mark.text) for mark in found.map.marks}


def test_headings_over_several_columns(seen):
    found = seen({"T": [
        ["", "Immigration", "", "Emigration", ""], ["2019", "Female", "Male", "Female", "Male"],
        ["Germany", 1, 2, 3, 4], ["Italy", 5, 6, 7, 8],
    ]})  # fmt: skip
    said = sources(found)
    assert (said["COMPONENT"].row, said["COMPONENT"].fill, said["SEX"].row) == (1, True, 2)
    assert said["COMPONENT"].texts == {"Immigration": "IMMIG", "Emigration": "EMIG"}


def test_one_column_of_one_year(seen):
    found = seen({"T": [["Counterpart area", 2019], ["Germany", 5], ["Ruritania", 2018], ["Italy", 7]]})
    assert (found.map.sheets[0].first_row, sources(found)["TIME_PERIOD"].row) == (2, 1)
    assert [question.text for question in asked(found, "label")] == ["Ruritania"]


def test_several_components_may_be_meant(seen):
    found = seen(WIDE)
    (tie,) = asked(found, "tie")
    assert (tie.component, tie.where) == ("COUNTERPART_AREA", "column.1")
    assert [one.code for one in tie.offered] == ["COUNTERPART_AREA", "BIRTHPLACE", "CITIZENSHIP"]


def test_what_is_not_there_is_asked_with_the_usual_code(seen):
    found = seen(WIDE)
    proposed = {question.component: question.proposed for question in asked(found, "component")}
    assert proposed["SEX"] == "_T"
    assert proposed["COMPONENT"] == ""  # nothing is usual: it stays out until somebody says it
    assert "COMPONENT" not in sources(found)


def test_rows_that_others_add_up_to_are_told(seen):
    found = seen({"T": [["", 2018, 2019], ["Groupe", 6, 9], ["Germany", 1, 2], ["Italy", 2, 3],
                        ["Spain", 3, 4], ["World", 50, 60]]})  # fmt: skip
    whole = {label.text: label.whole for label in found.labels}
    assert whole["Groupe"] == "rows 3–5"
    assert whole["World"] == "H_AREA"
    assert whole["Germany"] == ""


def test_texts_that_were_decided_stay_decided(seen):
    first = seen(WIDE).map
    kept = named(first, 0, "COUNTERPART_AREA", {"Ruritania": None})
    kept = placed(kept, 0, Source("COMPONENT", value="IMMIG"))
    moved = {"Table": [[], *WIDE["Table"]]}
    found = seen(moved, kept)
    assert found.map.sheets[0].first_row == 5
    assert asked(found, "label") == []
    assert sources(found)["COMPONENT"].value == "IMMIG"
    assert sources(found)["COUNTERPART_AREA"].texts["Ruritania"] is None


def test_answers_are_looked_over(registry, schema, seen):
    grid = grid_of_sheets({"T": [["", "Rein", "Raus"], ["Germany", 1, 2], ["Italy", 3, 4]]})
    found = propose(grid, schema, registry)
    (position,) = asked(found, "position")
    assert (position.where, position.is_open) == ("row.1", True)
    made = placed(found.map, 0, Source("COMPONENT", row=1))
    again = looked_over(made, grid, schema, registry)
    assert {q.text for q in asked(again, "label")} == {"Rein", "Raus"}
    made = named(again.map, 0, "COMPONENT", {"Rein": "IMMIG", "Raus": "EMIG"})
    made = placed(made, 0, Source("TIME_PERIOD", value="2019"))
    made = placed(unplaced(made, 0, "SOURCE"), 0, Source("SOURCE", value="OFF"))
    made = placed(made, 0, Source("FREQ", value="A"))
    assert looked_over(made, grid, schema, registry).open == ()


@pytest.mark.parametrize(
    "sheets",
    [
        {"T": []},
        {"T": [["no figures at all"], ["none"]]},
        {"T": [[1]]},
        {"T": [[None, None], [None, 5]]},
        {"T": [["a" * 5000, "=1+1"], [1, 2]]},
        {"A": [[2019, 2020, 2021]], "B": [["x"]]},
    ],
)
def test_a_sheet_without_a_table_is_no_fault(seen, sheets):
    found = seen(sheets)
    assert found.as_dict()["map"]["dataflow"] == FLOW


@given(
    st.lists(
        st.lists(
            st.one_of(
                st.none(), st.integers(-10, 3000), st.sampled_from(["..", "Total", "Germany", "2019", "x"])
            ),
            max_size=5,
        ),
        max_size=8,
    )
)
def test_any_small_sheet_gives_a_proposal(registry, schema, rows):
    found = propose(grid_of_sheets({"S": rows}), schema, registry)
    assert len(found.map.sheets) <= 1
    for table in found.map.sheets:
        assert table.first_row >= 1
        assert table.first_column >= 1
    again = looked_over(found.map, grid_of_sheets({"S": rows}), schema, registry)
    assert {source.component for table in again.map.sheets for source in table.sources} == {
        source.component for table in found.map.sheets for source in table.sources
    }


# --- texts --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "year", "period", "frequency"),
    [
        ("2017", "", "2017", "A"),
        ("2017-03", "", "2017-03", "M"),
        ("März", "2017", "2017-03", "M"),
        ("March 2017", "", "2017-03", "M"),
        ("1. Quartal", "2017", "2017-Q1", "Q"),
        ("2e trimestre 2017", "", "2017-Q2", "Q"),
        ("Q3 2017", "", "2017-Q3", "Q"),
        ("2. Halbjahr", "2017", "2017-S2", "S"),
        ("1990.0", "", "1990", "A"),
        ("1990001", "", "", ""),
        ("Jahr", "2017", "", ""),
        ("5. Quartal", "2017", "", ""),
        ("12", "2017", "", ""),
    ],
)
def test_periods_as_tables_write_them(text, year, period, frequency):
    assert period_of(text, year) == period
    assert (frequency_of(period) if period else "") == frequency


def test_a_title_names_one_year():
    assert year_of("Migration in 2019 (2019 revision)") == "2019"
    assert year_of("From 2018 to 2019") == ""


def test_a_text_that_names_two_codes_names_none(registry, schema):
    areas = Codes(schema.by_id["COUNTERPART_AREA"], registry)
    assert areas.meaning("DE").code == "276"  # through the map of ISO codes
    assert areas.meaning("FRA").code == "250"
    assert areas.meaning("4").code == "004"
    assert areas.meaning("  GERMANY ").code == "276"
    assert areas.meaning("Germani") is None
    assert areas.nearest("Germani")[0].code == "276"
    assert areas.nearest("United Kingdom")[0].code == "826"
    assert areas.meaning("") is None


@given(st.text(max_size=40))
@example("𝔸")
def test_spelling_is_folded_once_and_for_all(text):
    assert key(key(text)) == key(text)


@pytest.mark.parametrize(
    "pattern",
    [
        *("(a+)+$", "(?:(a*))*b", "(.*).*.*.*x", "(a{2,}){3,}", "(" + "a" * 100 + ")"),
        *("(a|a)*b", "(a|aa)+b", r"(a*[a\])]?)*b", "(?#[)(a*)*b(?#])", "(" + "a?" * 30 + "a" * 30 + ")"),
        *("(?P<x>a)", "(a|a)(a|a)(a|a)(a|a)a*a*a*", "(a{9}){9}"),
    ],
)
def test_a_pattern_that_may_not_end_is_refused(pattern):
    with pytest.raises(SyntaxFault, match="too involved"):
        Pattern(pattern)


def test_a_pattern_takes_its_group():
    assert Pattern(r"Stand: (.*)").taken("Stand:  2019 ") == "2019"
    assert Pattern(r"\(([^)]+)\)").taken("0-4_(mf)") == "mf"
    assert Pattern(r"x(y)").taken("z") == "z"
    assert Pattern(r"^(.+?)(?:\s+[–-].*)?$").taken("OFF – Official") == "OFF"
    assert Pattern(r"(?<!\d)(1[89]\d\d|20\d\d)(?!\d)").taken("on 1.1.2019") == "2019"


def test_a_star_is_any_text():
    assert sheet_matches("Tab *", "Tab 1")
    assert sheet_matches("*", "")
    assert not sheet_matches("Tab.*", "Tab 1")


def test_a_file_is_looked_at_in_a_process_of_its_own(registry):
    content = workbook(WIDE)
    grid, schema, found = proposed(
        Sent(io.BytesIO(content), len(content), "", "own.xlsx", "FRA", FLOW), registry, History(), None
    )
    assert (grid.format, schema.dataflow.reference.short) == ("xlsx", FLOW)
    assert sources(found)["TIME_PERIOD"].row == 3


def test_a_map_needs_a_dataflow_and_a_grid(registry):
    content = b"\x00\x01 nothing"
    given = Sent(io.BytesIO(content), len(content), "", "x.xlsx", "FRA", FLOW)
    grid, _, found = proposed(given, registry, History(), None)
    assert grid.findings
    assert found.map.sheets == ()
