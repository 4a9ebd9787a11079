"""Folding a submission onto the previous revision, against the same thing said with dictionaries."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from migdx.dataset import MEANT
from migdx.fold import content_hash, fold
from migdx.schema import Schema, SchemaComponent
from migdx.structures import Codelist, Dataflow, DataStructure, Item

SCHEMA = Schema(
    Dataflow("DF", "T", "1.0.0"),
    DataStructure("DSD", "T", "1.0.0"),
    (
        SchemaComponent("AREA", "dimension", {}),
        SchemaComponent("TIME_PERIOD", "time", {}),
        SchemaComponent("OBS_VALUE", "measure", {}, text_type="Double"),
        SchemaComponent("UNIT", "attribute", {}, attached="dimensions", to=("AREA",)),
        SchemaComponent("NOTE", "attribute", {}),
    ),
)


def table(rows):
    """rows: (area, time) -> (value, unit, note)"""
    columns = list(zip(*[(a, t, v, u, n) for (a, t), (v, u, n) in rows.items()], strict=True)) or [()] * 5
    text = [pa.array(columns[i], pa.utf8()).dictionary_encode() for i in (0, 1, 3, 4)]
    return pa.table(
        {
            "AREA": text[0],
            "TIME_PERIOD": text[1],
            "_start": pa.array([int(t) for t in columns[1]], pa.int32()),
            "_end": pa.array([int(t) for t in columns[1]], pa.int32()),
            "OBS_VALUE": pa.array(columns[2], pa.float64()),
            "_text_OBS_VALUE": pa.array([f"{v}0" if v == 1.5 else None for v in columns[2]], pa.utf8()),
            "UNIT": text[2],
            "NOTE": text[3],
        }
    )


def rows_of(made):
    return {
        (row["AREA"], row["TIME_PERIOD"]): (row["OBS_VALUE"], row["UNIT"], row["NOTE"])
        for row in made.to_pylist()
    }


def merged(before, sent, key):
    old, new = before.get(key, (None,) * 3), sent.get(key, (None,) * 3)
    return tuple(o if n is None else n for o, n in zip(old, new, strict=True))


keys = st.tuples(st.sampled_from("ABC"), st.sampled_from(["2018", "2019", "2020"]))
values = st.tuples(st.sampled_from([None, 1.0, 1.5, 2.0]), st.none(), st.sampled_from([None, "x", "y"]))
datasets = st.dictionaries(keys, values, min_size=1, max_size=9)


@given(datasets, datasets)
def test_replace_puts_each_sent_observation_in_place_of_the_old_one(before, sent):
    folded = fold(table(before), table(sent), SCHEMA, "Replace")
    assert rows_of(folded.table) == before | sent
    assert folded.added == len(sent.keys() - before.keys())
    assert folded.changed == sum(before[key] != sent[key] for key in sent.keys() & before.keys())
    assert folded.added + folded.changed + folded.unchanged == len(sent)
    assert folded.spread == 0


@given(datasets, datasets)
def test_merge_keeps_what_is_omitted(before, sent):
    folded = fold(table(before), table(sent), SCHEMA, "Merge")
    assert rows_of(folded.table) == {key: merged(before, sent, key) for key in before | sent}
    assert folded.changed == sum(
        before[key] != merged(before, sent, key) for key in sent.keys() & before.keys()
    )


def test_what_is_missing_on_purpose_is_no_omission():
    before = {("A", "2018"): (1.5, "PS", "x"), ("A", "2019"): (2.0, "PS", "y")}
    sent = dict.fromkeys(before, (None, None, None))
    said = table(sent).append_column(f"{MEANT}OBS_VALUE", pa.array([True, False]))
    said = said.append_column(f"{MEANT}NOTE", pa.array([False, True]))
    folded = fold(table(before), said, SCHEMA, "Merge")
    assert rows_of(folded.table) == {("A", "2018"): (None, "PS", "x"), ("A", "2019"): (2.0, "PS", None)}
    assert folded.table["_text_OBS_VALUE"].to_pylist() == [None, None]
    assert (folded.changed, folded.table.column_names) == (2, table(before).column_names)
    assert fold(table(before), said, SCHEMA, "Append").refused == 2
    assert fold(None, said, SCHEMA, "Merge").table.column_names == table(before).column_names


@given(datasets, datasets)
def test_append_only_adds(before, sent):
    folded = fold(table(before), table(sent), SCHEMA, "Append")
    assert rows_of(folded.table) == sent | before
    assert folded.refused == sum(
        before[key] != merged(before, sent, key) for key in sent.keys() & before.keys()
    )


def test_the_first_revision_is_what_was_sent():
    rows = {("A", "2018"): (1.0, None, None)}
    folded = fold(None, table(rows), SCHEMA, "Merge")
    assert (rows_of(folded.table), folded.added, folded.changed) == (rows, 1, 0)


def test_a_series_attribute_holds_for_the_whole_series():
    before = {("A", "2018"): (1.0, "PS", None), ("B", "2018"): (1.0, "PS", None)}
    sent = {("A", "2019"): (2.0, "EV", None)}
    made = rows_of(fold(table(before), table(sent), SCHEMA, "Merge").table)
    assert made["A", "2018"] == (1.0, "EV", None)
    assert made["B", "2018"] == (1.0, "PS", None)


def test_a_series_attribute_given_once_in_a_submission_is_given_for_all_of_it():
    before = {("A", "2018"): (1.0, "PS", None), ("A", "2019"): (1.0, "PS", None)}
    sent = {("A", "2018"): (2.0, "EV", None), ("A", "2019"): (2.0, None, None)}
    made = rows_of(fold(table(before), table(sent), SCHEMA, "Merge").table)
    assert {unit for _, unit, _ in made.values()} == {"EV"}


def test_the_kept_text_goes_with_its_number():
    before, sent = {("A", "2018"): (1.5, None, None)}, {("A", "2018"): (2.0, None, None)}
    made = fold(table(before), table(sent), SCHEMA, "Merge").table.to_pylist()
    assert made[0]["_text_OBS_VALUE"] is None
    kept = fold(table(before), table({("A", "2018"): (None, None, "x")}), SCHEMA, "Merge").table.to_pylist()
    assert (kept[0]["_text_OBS_VALUE"], kept[0]["NOTE"]) == ("1.50", "x")


@given(datasets, st.randoms())
def test_the_content_hash_does_not_see_the_order_of_rows(rows, random):
    shuffled = list(rows.items())
    random.shuffle(shuffled)
    assert content_hash(table(rows), SCHEMA) == content_hash(table(dict(shuffled)), SCHEMA)


@pytest.mark.parametrize(
    "change",
    [{("A", "2018"): (2.0, None, "x")}, {("A", "2018"): (1.0, None, "y")}, {("B", "2018"): (1.0, None, "x")}],
)
def test_the_content_hash_sees_every_value(change):
    rows = {("A", "2018"): (1.0, None, "x")}
    assert content_hash(table(rows), SCHEMA) != content_hash(table(change), SCHEMA)


def test_an_attribute_that_the_structure_gained_is_kept():
    before = table({("A", "2018"): (1.0, None, None)}).drop_columns(["NOTE"])
    made = fold(before, table({("B", "2018"): (2.0, None, "x")}), SCHEMA, "Replace").table
    assert rows_of(made) == {("A", "2018"): (1.0, None, None), ("B", "2018"): (2.0, None, "x")}


def test_observations_that_a_series_attribute_changes_are_counted():
    """Two old figures would silently grow a thousandfold: they are changed, though they were not sent."""
    before = {
        ("A", "2018"): (1.0, "0", None),
        ("A", "2019"): (2.0, "0", None),
        ("B", "2018"): (1.0, "0", None),
    }
    sent = {("A", "2020"): (3.0, "3", None)}
    for action in ("Merge", "Replace"):
        folded = fold(table(before), table(sent), SCHEMA, action)
        assert (folded.added, folded.changed, folded.spread) == (1, 2, 2)
        assert rows_of(folded.table)["A", "2018"][1] == "3"
    assert fold(table(before), table(sent), SCHEMA, "Append").refused == 1
    assert fold(table(before), table({("A", "2020"): (3.0, None, None)}), SCHEMA, "Append").refused == 0


HIDING = Schema(
    SCHEMA.dataflow,
    SCHEMA.dsd,
    (
        *SCHEMA.components[:3],
        SchemaComponent(
            "OBS_STATUS", "attribute", {}, codelist=Codelist("CL", "T", items=(Item("A"), Item("Q")))
        ),
        SchemaComponent(
            "CONF_STATUS", "attribute", {}, codelist=Codelist("CL", "T", items=(Item("F"), Item("C")))
        ),
        SchemaComponent("COMMENT", "attribute", {}),
    ),
)


def hiding(value, status, conf, comment):
    row = {"AREA": "A", "TIME_PERIOD": "2018", "OBS_STATUS": status, "CONF_STATUS": conf, "COMMENT": comment}
    columns = {name: pa.array([text], pa.utf8()).dictionary_encode() for name, text in row.items()}
    numbers = {"OBS_VALUE": pa.array([value], pa.float64()), "_text_OBS_VALUE": pa.nulls(1, pa.utf8())}
    days = {"_start": pa.array([1], pa.int32()), "_end": pa.array([1], pa.int32())}
    return pa.table({**columns, **numbers, **days})


@pytest.mark.parametrize("action", ["Merge", "Replace"])
def test_what_the_service_hands_out_does_not_erase_what_it_hides(action):
    folded = fold(hiding(7.0, "A", "C", "why"), hiding(None, "Q", "C", None), HIDING, action)
    (row,) = folded.table.to_pylist()
    assert (row["OBS_VALUE"], row["OBS_STATUS"], row["CONF_STATUS"], row["COMMENT"]) == (7.0, "A", "C", "why")
    assert (folded.changed, folded.unchanged) == (0, 1)


@pytest.mark.parametrize("action", ["Merge", "Replace"])
def test_opening_a_row_does_not_uncover_what_it_does_not_give(action):
    folded = fold(hiding(7.0, "A", "C", "why"), hiding(None, None, "F", None), HIDING, action)
    (row,) = folded.table.to_pylist()
    assert (row["OBS_VALUE"], row["CONF_STATUS"], row["COMMENT"]) == (None, "F", None)
    uncovered = fold(hiding(7.0, "A", "C", "why"), hiding(7.0, "A", "F", None), HIDING, action)
    (row,) = uncovered.table.to_pylist()
    assert (row["OBS_VALUE"], row["COMMENT"]) == (7.0, None)
