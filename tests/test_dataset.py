"""Typing: what a text says for a schema, and what says that there is nothing."""

import io
from dataclasses import replace

import numpy as np
import pytest
from conftest import HEADER, flow_csv, flow_row

from migdx import checks
from migdx.columns import each_once
from migdx.dataset import typed
from migdx.folders import shipped_structures
from migdx.formats.csv_reader import read
from migdx.registry import Registry
from migdx.urn import parse_short


@pytest.fixture(scope="module")
def schema():
    registry = Registry.load(shipped_structures())
    return registry.schema(parse_short("MIGDX:DF_MIG_FLOW(1.0.0)", "Dataflow"))


def columns_of(*rows, header=HEADER, **parameters):
    content = flow_csv(*rows).replace(HEADER.encode(), header.encode())
    return read(io.BytesIO(content), {"parameters": parameters})


def dataset_of(schema, *rows, **more):
    return typed(columns_of(*rows, **more), schema)


def codes_of(dataset, columns):
    return [finding.code for finding in checks.run(dataset, columns)[0]]


def with_attribute(schema, id, **more):
    """The same schema, one of its components other."""
    changed = tuple(replace(c, **more) if c.id == id else c for c in schema.components)
    return replace(schema, components=changed)


def test_what_is_missing_on_purpose_is_missing_and_no_fault(schema):
    rows = [flow_row("250", "IMMIG", "276", 2018, "NaN", status="#N/A", conf="F")]
    rows.append(flow_row("250", "IMMIG", "276", 2019, "#N/A", comment="#N/A"))
    columns = columns_of(*rows)
    needed = with_attribute(with_attribute(schema, "OBS_STATUS", mandatory=True), "OBS_VALUE", mandatory=True)
    dataset = typed(columns, needed)
    assert codes_of(dataset, columns) == []
    assert dataset.columns["OBS_STATUS"].text(0) == ""
    table = dataset.table()
    assert table["OBS_VALUE"].null_count == 2
    assert table["OBS_STATUS"].to_pylist() == [None, "A"]
    assert table["COMMENT_OBS"].to_pylist() == [None, None]


def test_what_is_empty_is_missed_where_it_is_mandatory(schema):
    columns = columns_of(flow_row("250", "IMMIG", "276", 2018, "", status=""))
    needed = with_attribute(with_attribute(schema, "OBS_STATUS", mandatory=True), "OBS_VALUE", mandatory=True)
    findings, _ = checks.run(typed(columns, needed), columns)
    assert [(one.code, one.component) for one in findings] == [
        ("missing_value", "OBS_VALUE"), ("missing_value", "OBS_STATUS")
    ]  # fmt: skip


@pytest.mark.parametrize("sex", ["#N/A", "NaN"])
def test_a_dimension_is_never_missing_on_purpose(schema, sex):
    columns = columns_of(flow_row("250", "IMMIG", "276", 2018, 1, sex=sex))
    assert codes_of(typed(columns, schema), columns) == ["unknown_code"]


def test_blanks_are_left_out_of_codes_and_periods_and_stay_in_text(schema):
    rows = [
        flow_row("250", "IMMIG", "276", 2018, " 1.50 ", sex=sex, comment=" a ") for sex in (" F", "M", "M\t")
    ]
    rows.append(flow_row("250", "IMMIG", "276", " 2019", 2, sex="F", comment="b"))
    columns = columns_of(*rows)
    dataset = typed(columns, schema)
    assert [dataset.columns["SEX"].text(row) for row in range(4)] == ["F", "M", "M", "F"]
    assert dataset.columns["SEX"].trimmed.tolist() == [0, 2]
    assert dataset.columns["COMMENT_OBS"].text(0) == " a "
    assert codes_of(dataset, columns) == ["surrounding_blanks", "surrounding_blanks", "repeated_row"]


def test_a_cell_of_blanks_is_empty(schema):
    columns = columns_of(flow_row("250", "IMMIG", "276", 2018, 1, sex="  "))
    assert codes_of(typed(columns, schema), columns) == ["missing_value", "surrounding_blanks"]


def test_a_decimal_comma_holds_for_every_number(schema):
    header = HEADER.replace("COMMENT_OBS", "LOWER_BOUND").replace(",", ";")
    row = flow_csv(flow_row("250", "IMMIG", "276", 2018, "?", comment="1.234")).splitlines()[1].decode()
    row = row.replace(",", ";").replace(".234", ",234").replace("?", "12,50")
    columns = read(io.BytesIO(f"{header}\n{row}\n".encode()), {})
    dataset = typed(columns, schema)
    assert dataset.columns["OBS_VALUE"].values.tolist() == [12.5]
    assert dataset.columns["LOWER_BOUND"].values.tolist() == [1.234]
    assert dataset.table()["_text_OBS_VALUE"].to_pylist() == ["12.50"]


@pytest.mark.parametrize(
    ("heading", "nearest"),
    [("sex", "SEX"), ("Time Period", "TIME_PERIOD"), ("TIME PERIOD", "TIME_PERIOD"), ("LAST UPDATE", None)],
)
def test_a_heading_that_is_nearly_a_component_is_told_and_not_guessed(schema, heading, nearest):
    header = HEADER.replace(nearest or "COMMENT_OBS", heading)
    columns = columns_of(flow_row("250", "IMMIG", "276", 2018, 1), header=header)
    findings, _ = checks.run(typed(columns, schema), columns)
    fault = next(one for one in findings if one.code == "unknown_component")
    assert fault.value == heading
    assert [near["code"] for near in fault.expected["nearest"]] == ([nearest] if nearest else [])


def test_several_values_are_looked_up_one_by_one(schema):
    header = HEADER.replace("STRUCTURE,", "STRUCTURE[;],", 1).replace("OBS_STATUS", "OBS_STATUS[]")
    columns = columns_of(
        flow_row("250", "IMMIG", "276", 2018, 1, status="A;P"),
        flow_row("250", "IMMIG", "276", 2019, 1, status="A;XX"),
        header=header,
    )
    several = with_attribute(schema, "OBS_STATUS", max_occurs="unbounded")
    findings, _ = checks.run(typed(columns, several), columns)
    assert [(one.code, one.value) for one in findings] == [("unknown_code", "A;XX")]
    narrow = with_attribute(several, "OBS_STATUS", allowed=frozenset({"A"}))
    findings, _ = checks.run(typed(columns, narrow), columns)
    assert [(one.code, one.value) for one in findings] == [
        ("unknown_code", "A;XX"), ("outside_constraint", "A;P")
    ]  # fmt: skip
    assert typed(columns, several).table()["OBS_STATUS"].to_pylist() == ["A;P", "A;XX"]
    assert codes_of(typed(columns, schema), columns) == ["unknown_code", "unknown_code"]


@pytest.mark.parametrize("text", ["1.10", "83433", "1e3", "-0", "007", "0.1"])
def test_the_text_of_a_number_survives(schema, text):
    table = dataset_of(schema, flow_row("250", "IMMIG", "276", 2018, text)).table()
    kept = table["_text_OBS_VALUE"][0].as_py()
    assert table["OBS_VALUE"][0].as_py() == float(text)
    assert kept == (None if text in ("83433", "0.1", "-0") else text)


def test_the_keys_as_a_whole_are_compared_with_the_dimensions(schema):
    head = HEADER.replace("ACTION,", "ACTION,SERIES_KEY,OBS_KEY,")
    series = "A.250.IMMIG.OFF.276._T._T._T._T._T"
    rows = [
        f"dataflow,MIGDX:DF_MIG_FLOW(1.0.0),R,{key},{whole},A,{flow_row('250', 'IMMIG', '276', year, 1)}"
        for key, whole, year in (
            (series, f"{series}.2018", 2018),
            ("", "", 2019),
            (f"{series}.2020", series, 2020),
        )
    ]
    columns = read(io.BytesIO("\n".join([head, *rows]).encode()), {})
    findings, rejected = checks.run(typed(columns, schema), columns)
    assert [(one.code, one.component, one.count, one.places[0].row) for one in findings] == [
        ("key_differs", "SERIES_KEY", 1, 4), ("key_differs", "OBS_KEY", 1, 4)
    ]  # fmt: skip
    assert findings[0].values == {"expected": series}
    assert findings[0].places[0].column == 4
    assert not np.any(rejected)


@pytest.mark.parametrize("numbers", [[], [3], [3, 1, 3, -1, 1]])
def test_each_number_once(numbers):
    given = np.array(numbers, np.int64)
    assert each_once(given).tolist() == np.unique(given).tolist()
