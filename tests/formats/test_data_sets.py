"""Several data sets in one message: deletions before data, one version after the other, several dataflows."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import sdmx
from data_messages import (
    answer,
    assert_valid_generic,
    assert_valid_xml,
    read_csv,
    read_json,
    shown,
    small_schema,
    together,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from pysdmx.io import read_sdmx
from strategies import Row, observations
from test_data_writers import (
    CSV10,
    CSV20,
    CSV21,
    DIMENSIONS,
    GENERIC21,
    JSON20,
    ML21,
    ML30,
    ROWS,
    json_validator,
    sdmx1_structure,
    write,
)
from test_writers_and_readers import texts

from migdx.errors import NotAcceptable
from migdx.formats.child import READERS
from migdx.formats.tables import WRITERS
from migdx.plan import Answer
from migdx.schema import Schema
from migdx.structures import Dataflow

FIRST, SECOND = datetime(2025, 1, 2, 3, 4, 5, 678900, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
KEY = ("FREQ", "AREA", "TIME_PERIOD")
TELLING = [media_type for media_type in WRITERS if media_type != CSV10]
VERSIONS = {ML21: "2.1", ML30: "3.0"}
telling = pytest.mark.parametrize("media_type", TELLING)
every_view = pytest.mark.parametrize("dimension", DIMENSIONS)


def keys(rows: list[Row]) -> list[Row]:
    return [{id: row[id] for id in KEY} for row in rows]


def updates(deleted: list[Row], changed: list[Row], **more: Any) -> Answer:
    """What went before what changed; the rows of a Delete have keys and no further column."""
    told = answer(deleted, action="Delete", valid_to=FIRST)
    (dataset,) = told.datasets
    batches = (batch.select(list(KEY)) for batch in dataset.batches)
    told = replace(told, datasets=(replace(dataset, batches=batches),))
    return together(told, answer(changed, valid_from=FIRST), **more)


def read_parts(media_type: str, message: bytes, *warned: str) -> list[tuple[str, str, list[Row]]]:
    """What our reader finds: what each part is of, its action, and its rows."""
    kind = next(kind for kind in READERS if f"+{kind};" in media_type)
    job = {"media_type": "", "file_name": "", "map": {}, "large": False}
    columns = import_module(f"migdx.formats.{READERS[kind]}").read(io.BytesIO(message), job)
    assert {finding.code for finding in columns.findings} <= set(warned)
    rows: list[list[Row]] = [[] for _ in columns.parts]
    numbers = [0] * columns.table.num_rows if columns.part_of is None else columns.part_of.tolist()
    ids = small_schema().by_id
    for number, row in zip(numbers, columns.table.to_pylist(), strict=True):
        told = {id: text for id, text in row.items() if text and id in ids}
        if told.get("OBS_VALUE") == "NaN":
            del told["OBS_VALUE"]
        rows[number].append({id: float(v) if id == "OBS_VALUE" else v for id, v in told.items()})
    return [(part.reference, part.action, found) for part, found in zip(columns.parts, rows, strict=True)]


def assert_valid(media_type: str, message: bytes, dimension: str, folder: Path, **more: Any) -> None:
    """By the official schemas, and ours."""
    if media_type == JSON20:
        json_validator().validate(json.loads(message))
    elif media_type == GENERIC21:
        assert_valid_generic(message)
    elif media_type in VERSIONS:
        assert_valid_xml(message, small_schema(), VERSIONS[media_type], dimension, folder, **more)


# --- deletions ----------------------------------------------------------------------------------------------


@telling
@every_view
def test_deletions_before_data(media_type: str, dimension: str, tmp_path: Path) -> None:
    told = updates(ROWS[:1], ROWS[1:], dimension_at_observation=dimension)
    message = write(media_type, told)
    parts = [(action, rows) for _, action, rows in read_parts(media_type, message)]
    assert parts == [("Delete", keys(ROWS[:1])), ("Replace", shown(ROWS[1:]))]
    assert_valid(media_type, message, dimension, tmp_path)


@telling
@every_view
def test_deletions_alone(media_type: str, dimension: str, tmp_path: Path) -> None:
    told = updates(ROWS[:3], [], dimension_at_observation=dimension)
    message = write(media_type, told)
    assert [(action, rows) for _, action, rows in read_parts(media_type, message)] == [
        ("Delete", keys(ROWS[:3]))
    ]
    assert_valid(media_type, message, dimension, tmp_path, deletion=True)
    assert b"1234.5" not in message


@settings(max_examples=10)
@given(data=st.data())
def test_what_is_deleted_is_never_told_as_data(data: st.DataObject) -> None:
    gone, there = data.draw(observations(texts)), data.draw(observations(texts))
    gone = [row for row in gone if keys([row])[0] not in keys(there)]
    for media_type in TELLING:
        message = write(media_type, updates(gone, there))
        found = {action: rows for _, action, rows in read_parts(media_type, message)} if gone or there else {}
        assert found.get("Delete", []) == keys(gone), media_type
        assert found.get("Replace", []) == shown(there), media_type


def test_csv_10_cannot_tell_what_is_deleted() -> None:
    with pytest.raises(NotAcceptable, match="cannot tell deletions"):
        WRITERS[CSV10](updates(ROWS[:1], ROWS[1:]))
    with pytest.raises(NotAcceptable, match="cannot tell versions"):
        WRITERS[CSV10](answer(ROWS, history=True))
    assert read_csv(write(CSV10, answer(ROWS, valid_from=FIRST))) == shown(ROWS)


def test_csv_tells_the_action_of_each_row() -> None:
    told = updates(ROWS[:1], ROWS[1:2], parameters={"labels": "name", "keys": "both"})
    header, gone, there = write(CSV21, told).decode().replace('"a ""b"", <c>"', "x").splitlines()
    assert gone.startswith('dataflow,TEST:DF_SMALL(1.2.0),"Small, flow",D,"A.AA","A.AA.2001",A,"CL_FREQ A')
    assert set(gone.partition("2001,2001")[2]) <= {","}
    assert there.split(",")[4] == "R"
    assert gone.replace(", ", " ").count(",") == there.replace(", ", " ").count(",") == header.count(",")


@telling
def test_series_and_deletions(media_type: str, tmp_path: Path) -> None:
    told = updates(ROWS[:1], ROWS[1:])
    gone, there = told.datasets
    plan = replace(there.plan, measures=(), attributes=("TITLE",))
    batches = (batch.select(list(plan.columns)) for batch in there.batches)
    there = replace(there, plan=plan, batches=batches, action="Information")
    message = write(media_type, replace(told, datasets=(replace(gone, plan=plan), there)))
    assert_valid(media_type, message, "TIME_PERIOD", tmp_path)
    warned = ("series_without_observations", "attributes_without_observations")
    (_, action, rows) = read_parts(media_type, message, *warned)[0]
    assert (action, rows) == ("Delete", keys(ROWS[:1]))


# --- versions -----------------------------------------------------------------------------------------------


def history() -> Answer:
    return together(
        answer(ROWS[:2], valid_from=FIRST),
        updates(ROWS[:1], [{**ROWS[1], "OBS_VALUE": 5.0}]),
        answer(ROWS[2:3], valid_from=SECOND),
        history=True,
    )


def test_csv_says_when_a_row_was_valid() -> None:
    header, *rows = (line.split(",") for line in write(CSV20, history()).decode().splitlines()[:4])
    assert header[-2:] == ["VALID_FROM", "VALID_TO"]
    assert [(row[2], *row[-2:]) for row in rows] == [
        ("R", "2025-01-02T03:04:05.678900Z", ""),
        ("R", "2025-01-02T03:04:05.678900Z", ""),
        ("D", "", "2025-01-02T03:04:05.678900Z"),
    ]


def test_json_says_when_a_data_set_was_valid() -> None:
    found = json.loads(write(JSON20, history()))
    json_validator().validate(found)
    told = [
        (d["structure"], d["action"], d.get("validFrom"), d.get("validTo")) for d in found["data"]["dataSets"]
    ]
    first, second = "2025-01-02T03:04:05.678900Z", "2026-01-01T00:00:00Z"
    assert told == [
        (0, "Replace", first, None), (0, "Delete", None, first), (0, "Replace", first, None),
        (0, "Replace", second, None),
    ]  # fmt: skip
    (structure,) = found["data"]["structures"]
    assert structure["dataSets"] == [0, 1, 2, 3]
    gone = found["data"]["dataSets"][1]["series"]
    assert gone == {"0:0": {"observations": {"0": []}}}


@pytest.mark.parametrize("media_type", [ML30, ML21, GENERIC21])
def test_xml_says_when_a_data_set_was_valid(media_type: str, tmp_path: Path) -> None:
    message = write(media_type, history())
    assert_valid(media_type, message, "TIME_PERIOD", tmp_path)
    root = etree.fromstring(message)
    told = []
    for dataset in root.iterfind("{*}DataSet"):
        own = {re.sub("{.*}", "", str(name)): text for name, text in dataset.items()}
        told.append((own["action"], own.get("validFromDate"), own.get("validToDate")))
    first, second = "2025-01-02T03:04:05.678900Z", "2026-01-01T00:00:00Z"
    assert told == [
        ("Replace", first, None), ("Delete", None, first), ("Replace", first, None), ("Replace", second, None)
    ]  # fmt: skip
    assert len(root.findall("{*}Header/{*}Structure")) == 1
    assert root.find("{*}Header/{*}DataSetAction") is None


# --- one after the other ------------------------------------------------------------------------------------


@telling
def test_a_data_set_is_opened_when_the_one_before_has_ended(media_type: str) -> None:
    seen: list[str] = []

    def told(name: str, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        seen.append(f"{name} begins")
        yield from batches
        seen.append(f"{name} ends")

    whole = together(answer(ROWS, [1, 2]), answer(ROWS), history=True)
    datasets = [
        replace(d, batches=told(name, d.batches)) for name, d in zip("ab", whole.datasets, strict=True)
    ]
    message = WRITERS[media_type](replace(whole, datasets=datasets))
    next(message)
    assert seen == ["a begins"]
    assert b"".join(message)
    assert seen == ["a begins", "a ends", "b begins", "b ends"]


@telling
def test_a_data_set_that_fails_breaks_the_message(media_type: str) -> None:
    def broken() -> Iterator[pa.RecordBatch]:
        raise RuntimeError("no rows today")
        yield

    whole = together(answer(ROWS), answer([]))
    datasets = (whole.datasets[0], replace(whole.datasets[1], batches=broken()))
    with pytest.raises(RuntimeError, match="no rows today"):
        write(media_type, replace(whole, datasets=datasets))


@telling
@every_view
def test_data_sets_without_rows_are_left_out(media_type: str, dimension: str, tmp_path: Path) -> None:
    whole = together(answer([]), answer(ROWS[:1]), answer([]), dimension_at_observation=dimension)
    message = write(media_type, whole)
    # in a message whose data sets say the same, all are alike
    alone = write(media_type, answer(ROWS[:1], dimension_at_observation=dimension))
    assert message == alone
    nothing = write(media_type, together(answer([]), answer([]), dimension_at_observation=dimension))
    assert nothing == write(media_type, answer([], dimension_at_observation=dimension))


# --- several dataflows --------------------------------------------------------------------------------------


def other() -> Schema:
    """The same structure in another dataflow, without a note."""
    known = small_schema()
    flow = Dataflow("DF_OTHER", "TEST", "1.0.0", names={"en": "Other"}, structure=known.dsd.reference)
    return Schema(flow, known.dsd, tuple(c for c in known.components if c.id != "NOTE"))


@telling
def test_several_dataflows(media_type: str) -> None:
    rows = [{id: value for id, value in row.items() if id != "NOTE"} for row in ROWS[2:]]
    message = write(media_type, together(answer(ROWS[:2]), answer(rows, schema=other())))
    found = read_parts(media_type, message)
    assert [part for _, _, part in found if part] in (
        [shown(ROWS[:2]), shown(rows)],
        [shown([*ROWS[:2], *rows])],
    )
    if media_type in (CSV20, CSV21):
        assert [name for name, _, _ in found] == ["TEST:DF_SMALL(1.2.0)", "TEST:DF_OTHER(1.0.0)"]
    if media_type == ML30:
        ids = [one.get("structureID") for one in etree.fromstring(message).iterfind("{*}Header/{*}Structure")]
        assert ids == ["DF_SMALL", "DF_OTHER"]
    if media_type == JSON20:
        json_validator().validate(json.loads(message))
        structures = json.loads(message)["data"]["structures"]
        assert [structure["dataSets"] for structure in structures] == [[0], [1]]


# --- other people's readers ---------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("media_type", [CSV20, CSV21, ML30, ML21, GENERIC21])
def test_pysdmx_reads_it(media_type: str) -> None:
    message = write(media_type, updates(ROWS[:1], ROWS[1:]))
    found = read_sdmx(io.BytesIO(message), validate=True).data
    told = [(dataset.action.value, len(dataset.data)) for dataset in found]
    # of the rows of a CSV pysdmx 1.21 keeps those of the last action, and it knows no validity
    assert told == ([("Replace", 3)] if "csv" in media_type else [("Delete", 1), ("Replace", 3)])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("media_type", [ML21, GENERIC21])
def test_sdmx1_reads_it(media_type: str) -> None:
    message = write(media_type, updates(ROWS[:1], ROWS[1:]))
    found = sdmx.read_sdmx(io.BytesIO(message), structure=sdmx1_structure()).data
    # sdmx1 2.28 reads neither action nor validity of a data set: two of them are all that it tells
    assert [(d.action, d.valid_from, len(d.obs)) for d in found] == [(None, None, 1), (None, None, 3)]


def test_json_keeps_values_apart() -> None:
    message = write(JSON20, together(answer(ROWS[:2]), answer(ROWS[2:])))
    assert read_json(message) == shown(ROWS)
