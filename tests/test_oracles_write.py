"""What others write of our data, and what we give ourselves, is taken back: checked clean, and the same.

pysdmx and sdmx1 know nothing of our readers; each gets the structure and the data as our API gives them.
(No text here has quotation marks or apostrophes: pysdmx 1.20 writes them bare into XML attributes.)
"""

import io

import pandas as pd
import pytest
import sdmx
from conftest import faults, flow_csv, flow_row, getter, publish
from msgspec import structs
from pysdmx.io import get_datasets, write_sdmx
from pysdmx.io.format import Format
from pysdmx.model.dataset import ActionType

from migdx.exchange import Exchange
from migdx.fold import content_hash
from migdx.formats.tables import WRITERS
from migdx.sent import Sent
from migdx.web import create_app

FLOW = "/MIGDX/DF_MIG_FLOW/1.0.0"
ROWS = [
    flow_row("250", "IMMIG", "276", 2018, "1800"),
    flow_row("250", "IMMIG", "276", 2019, "1900", status="B", comment='"a, <b> & c; d|e"'),
    flow_row("250", "IMMIG", "276", 2020, "", status="M", comment="é ≥ ~ ü"),
    flow_row("250", "IMMIG", "380", 2019, "0"),
    # counts are whole and not negative; a share that rounding left below nothing is let pass
    flow_row("250", "NET", "276", 2019, "-0.0000001", sex="F").replace(",PS,", ",PT,"),
    flow_row("250", "EMIG", "276", 2020, "123456789012", sex="F"),
]


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    """An exchange with the flows of a country, released."""
    made = Exchange.open(tmp_path_factory.mktemp("known"))
    publish(made, "FRA", ROWS)
    yield made
    made.close()


@pytest.fixture(scope="module")
def given(known):
    """What the API gives, by path."""
    ask = getter(create_app(known, token="t", demo=False))

    def given(path, accept="", **more):
        answer = ask(path, **({"Accept": accept} if accept else {}), **more)
        assert answer.status_code == 200, answer.data[:500]
        return answer.data

    return given


@pytest.fixture(scope="module")
def structure(given):
    return given(f"/sdmx/v1/dataflow{FLOW}?references=all")


def exported(given, accept, **query):
    parameters = "&".join(f"{name}={value}" for name, value in query.items())
    return given(f"/sdmx/v2/data/dataflow{FLOW}?{parameters}", accept)


def content(exchange, message, media_type=""):
    """What a message says, as a digest; no fault is found, but that it is for information."""
    # SDMX-ML 2.1 names the data structure, which has several dataflows
    dataflow = "MIGDX:DF_MIG_FLOW(1.0.0)" if b"DSD_MIG_FLOW" in message else ""
    file = Sent(io.BytesIO(message), len(message), media_type, "file", "FRA", dataflow)
    found = exchange.examined(file)
    assert not [f for f in faults(found.report) if f.code != "for_information"]
    assert (found.report.verdict, found.report.counts.accepted) == ("accepted", len(ROWS))
    (share,) = found.shares
    ((_, table, _),) = share.observations()
    return content_hash(table, share.schema)


@pytest.fixture(scope="module")
def same(known):
    """What all of them must say."""
    return content(known, flow_csv(*ROWS), "text/csv")


# --- what our API gives -------------------------------------------------------------------------------------


@pytest.mark.parametrize("media_type", WRITERS)
def test_what_the_api_gives_is_taken_back(known, given, same, media_type):
    assert content(known, exported(given, media_type), media_type) == same


@pytest.mark.parametrize("media_type", WRITERS)
def test_flat_too(known, given, same, media_type):
    message = exported(given, media_type, dimensionAtObservation="AllDimensions")
    assert content(known, message, media_type) == same


@pytest.mark.parametrize("parameters", ["labels=both", "labels=name", "keys=both", "labels=name; keys=both"])
def test_csv_with_names_and_keys(known, given, same, parameters):
    media_type = f"application/vnd.sdmx.data+csv; version=2.0.0; {parameters}"
    assert content(known, exported(given, media_type), media_type) == same


@pytest.mark.parametrize("media_type", WRITERS)
def test_what_is_hidden_in_what_the_api_gives_is_not_erased(exchange, media_type):
    hidden = flow_row("250", "EMIG", "276", 2019, 424242, conf="C", comment="hidden")
    publish(exchange, "FRA", [ROWS[0], hidden])
    given = getter(create_app(exchange, token="t", demo=False))
    message = given(f"/sdmx/v2/data/dataflow{FLOW}", Accept=media_type).data
    assert b"424242" not in message
    file = Sent(
        io.BytesIO(message), len(message), media_type, "", "FRA", "MIGDX:DF_MIG_FLOW(1.0.0)", as_merge=True
    )
    (submission,), report = exchange.submit(file, by="test")
    assert (report.verdict, report.counts.unchanged) == ("accepted", 2)
    kept = exchange.store.read(submission.segment)
    assert sorted(kept["OBS_VALUE"].to_pylist()) == [1800, 424242]
    assert "hidden" in kept["COMMENT_OBS"].to_pylist()


# --- what pysdmx writes -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def dataset(given, structure):
    """Of pysdmx, with its schema."""
    message = exported(given, "application/vnd.sdmx.data+csv;version=1.0.0")
    (dataset,) = get_datasets(io.BytesIO(message), io.BytesIO(structure))
    return dataset


def of_pysdmx(dataset, format, **more):
    # it writes nan, as Python does; XML Schema spells it NaN
    return write_sdmx([dataset], format, **more).replace('"nan"', '"NaN"').encode()


@pytest.mark.parametrize(
    ("format", "more"),
    [
        (Format.DATA_SDMX_CSV_1_0_0, {}),
        (Format.DATA_SDMX_CSV_2_0_0, {}),
        (Format.DATA_SDMX_CSV_2_1_0, {}),
        (Format.DATA_SDMX_ML_2_1_GEN, {}),
        (Format.DATA_SDMX_ML_2_1_GEN, {"dimension_at_observation": "TIME_PERIOD"}),
        (Format.DATA_SDMX_ML_2_1_STR, {}),
        (Format.DATA_SDMX_ML_2_1_STR, {"dimension_at_observation": "TIME_PERIOD"}),
        (Format.DATA_SDMX_ML_3_0, {}),
        (Format.DATA_SDMX_ML_3_0, {"dimension_at_observation": "TIME_PERIOD"}),
        (Format.DATA_SDMX_ML_3_1, {}),
        (Format.DATA_SDMX_ML_3_1, {"dimension_at_observation": "TIME_PERIOD"}),
    ],
)
def test_pysdmx(known, dataset, same, format, more):
    assert content(known, of_pysdmx(dataset, format, **more), format.value) == same


@pytest.mark.parametrize("action", ["Append", "Replace"])
@pytest.mark.parametrize("format", [Format.DATA_SDMX_CSV_2_0_0, Format.DATA_SDMX_ML_2_1_STR])
def test_pysdmx_says_an_action(known, dataset, format, action):
    message = of_pysdmx(structs.replace(dataset, action=ActionType[action]), format)
    file = Sent(io.BytesIO(message), len(message), "", "file", "FRA", "MIGDX:DF_MIG_FLOW(1.0.0)")
    found = known.examined(file)
    assert (faults(found.report), found.shares[0].actions) == ([], action)


# --- what sdmx1 writes --------------------------------------------------------------------------------------


def of_sdmx1(given, structure, media_type):
    """A message of sdmx1, with its structure."""
    described = sdmx.read_sdmx(io.BytesIO(structure))
    data = io.BytesIO(exported(given, media_type))
    message = sdmx.read_sdmx(data, structure=described.structure["DSD_MIG_FLOW"])
    message.data[0].described_by = described.dataflow["DF_MIG_FLOW"]
    return message


@pytest.fixture(scope="module")
def message(given, structure):
    return of_sdmx1(given, structure, "application/vnd.sdmx.structurespecificdata+xml;version=2.1")


def test_sdmx1_structure_specific(known, message, same):
    assert content(known, sdmx.to_xml(message)) == same


def test_sdmx1_generic(known, given, structure, same):
    message = sdmx.to_xml(of_sdmx1(given, structure, "application/vnd.sdmx.genericdata+xml;version=2.1"))
    # sdmx1 2.28 writes the root element of the other kind around generic data, and what it has no value for
    message = message.replace(b"mes:StructureSpecificData", b"mes:GenericData")
    assert content(known, message.replace(b'<gen:ObsValue value="None"/>', b"")) == same


def test_sdmx1_csv(known, message, same):
    frame = sdmx.to_csv(message.data[0], rtype=pd.DataFrame, attributes="dgso")
    assert content(known, frame.to_csv(index=False).encode()) == same
