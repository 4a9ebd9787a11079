"""A cause is told once, and its consequences are not told of the same rows."""

import numpy as np
import pytest
from conftest import HEADER, faults, flow_csv, flow_row, sent

from migdx.checks import ALWAYS, BY_NAME, name
from migdx.checks.causes import CAUSES, without_consequences
from migdx.columns import Located
from migdx.exchange import Exchange
from migdx.report import Finding

COLUMNS = HEADER.split(",")
ROWS = [flow_row("250", "IMMIG", "276", year, 1000 + year, sex="F") for year in range(2010, 2016)]


@pytest.fixture(scope="module")
def exchange(tmp_path_factory):
    made = Exchange.open(tmp_path_factory.mktemp("causes"))
    yield made
    made.close()


def told(exchange, content):
    found = faults(exchange.check(sent(content, "FRA")))
    return [
        (one.code, one.component, one.values.get("reason"), one.values.get("other"), one.count)
        for one in found
    ]


def changed(change, rows=ROWS):
    """The file with the cells of each row changed, the first of them being FREQ's."""
    head, *lines = flow_csv(*rows).decode().splitlines()
    cells = [line.split(",") for line in lines]
    return ("\n".join([head, *(",".join([*row[:3], *change(row[3:])]) for row in cells)]) + "\n").encode()


def test_a_column_left_out_is_one_finding(exchange):
    """Without SOURCE all that follows stands one column to the left, the rest is filled up."""
    content = changed(lambda cells: [*cells[:3], *cells[4:], ""])
    assert told(exchange, content) == [("shifted_columns", "SOURCE", "left", "COUNTERPART_AREA", 6)]


def test_a_cell_put_in_is_one_finding(exchange):
    content = changed(lambda cells: [*cells[:2], "X", *cells[2:-1]])
    assert told(exchange, content) == [("shifted_columns", "SOURCE", "right", "COMPONENT", 6)]


def test_two_columns_that_changed_places_are_one_finding(exchange):
    sex = COLUMNS.index("SEX") - 3
    content = changed(lambda cells: [*cells[:sex], cells[sex + 1], cells[sex], *cells[sex + 2 :]])
    assert told(exchange, content) == [("shifted_columns", "SEX", "swapped", "AGE", 6)]


def test_the_other_rows_keep_their_own_findings(exchange):
    rows = [*ROWS, flow_row("250", "IMMIG", "276", 2016, 3016, sex="Female")]
    shift = iter([True] * 6 + [False])
    content = changed(lambda cells: [*cells[:3], *cells[4:], ""] if next(shift) else cells, rows)
    assert told(exchange, content) == [
        ("shifted_columns", "SOURCE", "left", "COUNTERPART_AREA", 6),
        ("unknown_code", "SEX", None, None, 1),
    ]


def test_a_status_beside_its_column_is_a_wrong_code(exchange):
    """C is a code of CONF_STATUS, the next column, where F stands, which is a status too."""
    content = flow_csv(flow_row("250", "IMMIG", "276", 2015, 9, status="C"))
    assert told(exchange, content) == [("unknown_code", "OBS_STATUS", None, None, 1)]


def test_a_wrong_code_in_every_row_is_told_once(exchange):
    """Not as another's area, and not as a series whose attributes vary too."""
    content = flow_csv(*(row.replace("250,", "FRA,", 1) for row in ROWS))
    assert told(exchange, content) == [("unknown_code", "REF_AREA", None, None, 6)]


def test_a_cause_that_is_less_severe_explains_nothing(exchange):
    """What would be rejected is not taken because of a warning."""
    dataset = exchange.examined(sent(flow_csv(*ROWS), "FRA")).shares[0].dataset
    warned = Located(Finding("shifted_columns", "warning", count=6), np.arange(6))
    wrong = Located(Finding("unknown_code", "error", "SEX", "X", count=6), np.arange(6))
    assert without_consequences([warned, wrong], dataset) == [warned, wrong]


def test_what_is_left_is_counted_and_placed_anew(exchange):
    dataset = exchange.examined(sent(flow_csv(*ROWS), "FRA")).shares[0].dataset
    cause = Located(Finding("total_differs", count=2), np.array([0, 1]))
    finding = Finding("duplicate_key", count=4, values={"keys": 3})
    _, left = without_consequences([cause, Located(finding, np.array([0, 1, 2, 3]))], dataset)
    assert left.records.tolist() == [2, 3]
    assert (left.finding.count, left.finding.values["keys"]) == (2, 2)
    assert [place.period for place in left.finding.places] == ["2012", "2013"]


def test_what_was_expected_stays_beside_its_row(exchange):
    dataset = exchange.examined(sent(flow_csv(*ROWS), "FRA")).shares[0].dataset
    cause = Located(Finding("negative_count", count=2), np.array([0, 2]))
    finding = Finding("outlier", "warning", "SEX", count=4)
    outlier = Located(finding, np.arange(4), at="OBS_VALUE", expected_at=["10", "11", "12", "13"])
    _, left = without_consequences([cause, outlier], dataset)
    assert left.expected_at == ["11", "13"]
    places = [(place.period, place.given, place.expected) for place in left.finding.places]
    assert places == [("2011", "3011", "11"), ("2013", "3013", "13")]


def test_the_message_tells_of_a_row_that_is_left(exchange):
    dataset = exchange.examined(sent(flow_csv(*ROWS), "FRA")).shares[0].dataset
    cause = Located(Finding("negative_count", count=2), np.array([0, 2]))
    figures = [
        {"key": "0", "given": "10"},
        {"key": "1"},
        {"key": "2", "given": "12"},
        {"key": "3", "given": "13"},
    ]
    finding = Finding("outlier", "warning", count=4, values={**figures[0], "years": 5})
    outlier = Located(finding, np.arange(4), at="OBS_VALUE", example=lambda at: figures[at])
    _, left = without_consequences([cause, outlier], dataset)
    assert left.finding.values == {"key": "1", "years": 5}
    assert left.example(1) == figures[3]


def test_causes_and_consequences_are_checks():
    known = {name(check) for check in ALWAYS} | set(BY_NAME)
    assert set(CAUSES) | {cause for causes in CAUSES.values() for cause in causes} <= known
