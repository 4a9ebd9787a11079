"""SDMX-JSON data messages as columns: every form of the standard, digits as sent, faults with a pointer."""

import io
import json
import re
from pathlib import Path

import pytest
from data_messages import answer, numbered, shown
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import observations

from migdx.formats import json_data_scan
from migdx.formats.json20_writer import write_json20
from migdx.formats.json_data_reader import read
from migdx.formats.wire import packed, unpacked
from migdx.report import message as sentence

SAMPLES = Path("/work/shared/specimens/twg-sdmx-json/data-message/samples")
unhurried = settings(deadline=None, max_examples=25)


def dimension(id, values, position=None, **more):
    known = {} if position is None else {"keyPosition": position}
    return {"id": id, "values": [{"id": value} for value in values], **known, **more}


def structure(**more):
    """Two dimensions of series, time, one measure, an attribute of series and two of observations."""
    return {
        "links": [{"urn": "urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=X:F(1.0)", "rel": "dataflow"}],
        "dimensions": {
            "dataSet": [],
            "series": [dimension("FREQ", ["A"], 0), dimension("AREA", ["NA", "FR"], 1)],
            "observation": [dimension("TIME_PERIOD", ["2019", "2020", "2021"], 2)],
        },
        "measures": {"observation": [{"id": "OBS_VALUE"}]},
        "attributes": {
            "series": [{"id": "TITLE", "values": [{"value": "One"}, {"value": "Two"}]}],
            "observation": [
                {"id": "STATUS", "values": [{"id": "A"}, {"id": "E"}]},
                {"id": "NOTE"},
            ],
        },
        **more,
    }


def message(*datasets, **more):
    return {"data": {"structures": [structure(**more)], "dataSets": list(datasets)}}


def series(observations, **more):
    return {"series": {"0:0": {"observations": observations, **more}}}


def columns_of(found):
    text = found if isinstance(found, bytes | str) else json.dumps(found)
    columns = read(io.BytesIO(text.encode() if isinstance(text, str) else text), {})
    again = unpacked(*packed(columns))
    assert again.findings == columns.findings
    assert again.table.equals(columns.table)
    assert all(sentence(finding) != finding.code for finding in columns.findings)
    return columns


def rows_of(columns):
    return [{id: text for id, text in row.items() if text is not None} for row in columns.table.to_pylist()]


def only(found):
    """The one finding of a message."""
    (finding,) = columns_of(found).findings
    return finding


# --- what is written is read --------------------------------------------------------------------------------


@pytest.mark.parametrize("at_observation", ["TIME_PERIOD", "AREA", "AllDimensions"])
@unhurried
@given(rows=observations())
def test_what_our_writer_writes_is_read(at_observation, rows):
    rows = sorted(
        rows, key=lambda row: (row["FREQ"], row["AREA"] if at_observation != "AREA" else row["TIME_PERIOD"])
    )
    if at_observation == "AREA":  # a title of each series of areas
        rows = [{**row, "TITLE": None, "DECIMALS": None} for row in rows]
    text = b"".join(write_json20(answer(rows, dimension_at_observation=at_observation)))
    columns = columns_of(text)
    assert [numbered(row) for row in rows_of(columns)] == [numbers_of(row) for row in shown(rows)]
    assert columns.format == "SDMX-JSON 2.0"
    assert columns.received == len(rows)
    if rows:
        assert columns.findings == ()
        assert columns.parts[0].target == ("dataflow", "TEST:DF_SMALL(1.2.0)")


def numbers_of(row):
    return {id: float(value) if id == "OBS_VALUE" else value for id, value in row.items() if value != ""}


@pytest.mark.skipif(not SAMPLES.exists(), reason="the samples of the standard are not at hand")
@pytest.mark.parametrize("name", ["agri", "constructed-sample-full", "exr/exr-flat", "exr/exr-time-series",
                                  "exr/exr-cross-section"])  # fmt: skip
def test_samples_of_the_standard(name):
    columns = columns_of((SAMPLES / f"{name}.json").read_bytes())
    assert all(finding.severity == "information" for finding in columns.findings)
    assert columns.table.num_rows == columns.received > 0
    rows = rows_of(columns)
    if name == "agri":
        assert rows[0] | {"SERIES_COMMENT": ""} == {
            "REF_AREA": "ASIKHM001", "FREQ": "A", "TIME_PERIOD": "2014", "OBS_VALUE": "350.154",
            "UNIT_MEASURE": "TONES", "UNIT_MULT": "3", "BASE_PER": "2010_100", "PREF_SCALE": "-3",
            "DECIMALS": "1", "CONTACT_EMAIL": "contact@organisation.org", "OBS_STATUS": "A",
            "SOURCE": "MAFF_Agricultural Statistics_2014", "SERIES_COMMENT": "",
            "EMBARGO_TIME": "2018-03-18T11:00:00",
        }  # fmt: skip
        assert rows[0]["SERIES_COMMENT"].startswith("en:Comment for Annual data for Banteay Meanchey;km:")
        assert rows[1]["SOURCE"] == "MAFF_Agricultural Statistics_2015;Other sources"
    if name.startswith("exr"):
        values = {(row["CURRENCY"], row["TIME_PERIOD"]): (row["OBS_VALUE"], row["TITLE"]) for row in rows}
        assert values["RUB", "2013-01-21"] == ("40.3", "Russian rouble (RUB)")
        assert {row["EXR_TYPE"] for row in rows} == {"SP00"}


def test_places_and_parts():
    text = json.dumps(
        message({"action": "append", **series({"0": [1], "2": [2, 1]})}, series({"1": [3]})), indent=1
    )
    columns = columns_of(text)
    paths = [columns.places.of(at).path for at in range(3)]
    assert paths == [
        "/data/dataSets/0/series/0:0/observations/0",
        "/data/dataSets/0/series/0:0/observations/2",
        "/data/dataSets/1/series/0:0/observations/1",
    ]
    lines = text.splitlines()
    assert [lines[columns.places.of(at).row - 1].strip() for at in range(3)] == ['"0": [', '"2": [', '"1": [']
    assert [(part.kind, part.reference, part.action) for part in columns.parts] == [
        ("dataflow", "X:F(1.0)", "Append"),
        ("dataflow", "X:F(1.0)", ""),
    ]
    assert columns.part_of.tolist() == [0, 0, 1]
    assert columns.parts[0].place.path == "/data/structures/0/links/0"


def test_levels_defaults_and_annotations():
    more = {
        "annotations": [{"text": "x"}],
        "attributes": {
            "dataSet": [{"id": "UNIT", "values": [{"id": "P"}]}],
            "dimensionGroup": [{"id": "BREAK", "relationship": {"dimensions": ["AREA"]}}],
            "series": [{"id": "TITLE", "values": [{"value": "One"}]}],
            "observation": [
                {"id": "STATUS", "values": [{"id": "E"}], "default": "A"},
                {"id": "NOTE"},
            ],
        },
    }
    dataset = {
        "attributes": [0],
        "dimensionGroupAttributes": {":0:": ["1990"], ":1:": ["2000"]},
        "series": {
            "0:0": {"attributes": [0], "observations": {"0": [5], "1": [6, 0, "n", 0]}},
            "0:1": {"attributes": [None], "observations": {"2": [None, None, {"en": "a;b", "fr": "c"}]}},
        },
    }
    columns = columns_of(message(dataset, **more))
    assert [finding.code for finding in columns.findings] == ["member_not_read"]
    common = {"FREQ": "A", "UNIT": "P"}
    assert rows_of(columns) == [
        {**common, "AREA": "NA", "TIME_PERIOD": "2019", "OBS_VALUE": "5", "BREAK": "1990", "TITLE": "One",
         "STATUS": "A"},
        {**common, "AREA": "NA", "TIME_PERIOD": "2020", "OBS_VALUE": "6", "BREAK": "1990", "TITLE": "One",
         "STATUS": "E", "NOTE": "n"},
        {**common, "AREA": "FR", "TIME_PERIOD": "2021", "BREAK": "2000", "STATUS": "A",
         "NOTE": 'en:"a;b";fr:c'},
    ]  # fmt: skip


def test_lifted_dimensions_several_measures_and_structures():
    dimensions = {
        "dataSet": [dimension("FREQ", ["A"], 2)],
        "series": [],
        "observation": [dimension("AREA", ["NA", "FR"], 0), dimension("TIME_PERIOD", ["2019", "2020"], 1)],
    }
    measures = {"observation": [{"id": "LOW"}, dimension("CLASS", ["x", "y"])]}
    other = structure(dimensions=dimensions, measures=measures, attributes={})
    first = {"structure": 1, "observations": {"0:1": [1.5, 1], "1:0": ["NaN", None]}}
    found = message(first, series({"0": [7]}))
    found["data"]["structures"].append(other)
    columns = columns_of(found)
    assert columns.findings == ()
    assert columns.table.column_names[:5] == ["AREA", "TIME_PERIOD", "FREQ", "LOW", "CLASS"]
    assert rows_of(columns) == [
        {"AREA": "NA", "TIME_PERIOD": "2020", "FREQ": "A", "LOW": "1.5", "CLASS": "y"},
        {"AREA": "FR", "TIME_PERIOD": "2019", "FREQ": "A", "LOW": "NaN"},
        {"AREA": "NA", "TIME_PERIOD": "2019", "FREQ": "A", "OBS_VALUE": "7"},
    ]


@pytest.mark.parametrize("wrapped", [True, False], ids=["1.0", "before 1.0"])
def test_messages_of_the_first_generation(wrapped):
    known = structure(links=[{"href": "https://x.org/rest/dataflow/ECB/EXR/1.0", "rel": "dataflow"}])
    del known["measures"]
    data = {"structure": known, "dataSets": [{"action": "Information", **series({"0": [1.10, 0]})}]}
    columns = columns_of({"meta": {}, "data": data} if wrapped else {"header": {}, **data})
    assert columns.findings == ()
    assert columns.format == "SDMX-JSON 1.0"
    assert columns.parts[0].target == ("dataflow", "ECB:EXR(1.0)")
    assert columns.places.of(0).path.startswith("/data/dataSets" if wrapped else "/dataSets")
    assert rows_of(columns)[0]["OBS_VALUE"] == "1.1"


# --- texts --------------------------------------------------------------------------------------------------

digits = st.from_regex(r"\A-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?\Z")


@unhurried
@given(numbers=st.lists(digits, min_size=1, max_size=40))
def test_digits_stay_as_they_were_sent(numbers):
    """1.10, 1e3, -0 and twenty digits: what a number would not give back is kept."""
    rows = ",".join(f'"{at}":[{number},null,"1.10, {number}"]' for at, number in enumerate(numbers))
    times = json.dumps([dimension("TIME_PERIOD", map(str, range(len(numbers))), 0)])
    head = json.dumps(message(dimensions={"observation": []}))[:-3].replace(
        '"observation": []', f'"observation": {times}'
    )
    columns = columns_of(f'{head}{{"observations":{{{rows}}}}}]}}}}')
    assert columns.findings == ()
    assert columns.table["OBS_VALUE"].to_pylist() == numbers
    assert columns.table["NOTE"].to_pylist() == [f"1.10, {number}" for number in numbers]


@unhurried
@given(rows=observations(), sizes=st.tuples(st.integers(1, 200), st.integers(8, 300)))
def test_the_same_however_it_is_cut(rows, sizes):
    text = b"".join(write_json20(answer(rows)))
    whole = columns_of(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_data_scan, "PIECE", sizes[0])
        patch.setattr(json_data_scan, "_BLOCK", sizes[1])
        cut = columns_of(text)
    assert rows_of(cut) == rows_of(whole)
    assert cut.findings == whole.findings
    assert [cut.places.of(at) for at in range(len(rows))] == [whole.places.of(at) for at in range(len(rows))]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_marks_and_other_encodings(encoding):
    text = json.dumps(message(series({"0": [1, 0, "é"]})), ensure_ascii=False)
    columns = columns_of(text.encode(encoding))
    assert rows_of(columns)[0]["NOTE"] == "é"
    codes = [finding.code for finding in columns.findings]
    assert codes == ([] if encoding == "utf-8-sig" else ["encoding_not_utf8"])


def test_what_python_writes_for_no_number():
    text = json.dumps(message(series({"0": [float("nan")], "1": [1.5], "2": [2]}))).replace("1.5", "1.50")
    columns = columns_of(text)
    assert columns.findings == ()
    assert columns.table["OBS_VALUE"].to_pylist() == ["NaN", "1.50", "2"]


# --- what is wrong ------------------------------------------------------------------------------------------

SOUND = json.dumps(message(series({"0": [1, 0], "1": [2]})), indent=1)


@pytest.mark.parametrize(
    ("old", "new", "after"),
    [
        ('"1": [', '"1" [', '"1" '),
        ('"observations": {', '"observations": {,', '"observations": {'),
        ('"A"', '"A', None),
        ('"links"', "links", None),
        ('"NA"', '"\\ud800"', None),
        ("]\n", "", None),
    ],
)
def test_where_json_breaks_its_rules(old, new, after):
    text = SOUND.replace(old, new, 1)
    finding = only(text)
    assert finding.code == "malformed_json"
    place = finding.places[0]
    if after:
        lines = text.splitlines()
        assert "\n".join([*lines[: place.row - 1], lines[place.row - 1][: place.column - 1]]).endswith(after)


def test_bytes_that_are_no_text():
    text = SOUND.encode().replace(b"NA", b"\xe9")
    finding = only(text)
    assert finding.code == "malformed_json"
    assert text.splitlines()[finding.places[0].row - 1][finding.places[0].column - 1] == 0xE9


@pytest.mark.parametrize("size", [0, 10, 100, 300])
def test_a_message_that_breaks_off(size):
    finding = only(SOUND[: -size - 1])
    assert (finding.code, finding.values["reason"]) == ("malformed_json", "end")


@pytest.mark.parametrize(
    "text",
    [b"[" * 100_000, b'{"a":' * 100_000, b"[" * 200 + b"]" * 200, b"]", b'"', b"{", b"\xff", b"\0" * 9,
     b'{"data":{"dataSets":[' + b"[" * 150 + b"]" * 150 + b"]}}"],
)  # fmt: skip
def test_brackets_and_nonsense(text):
    assert only(text).code in ("malformed_json", "no_data_message")


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        ({"data": {"codelists": [], "dataflows": []}}, "structures"),
        ({"data": {"metadataSets": []}}, "reference metadata"),
        ({"errors": [{"code": 404, "title": "No results"}]}, "errors"),
        ({"class": "dataset", "dimension": {}, "value": []}, "JSON-stat"),
        ({"data": {"dataSets": []}}, "no structure"),
        ([], "other"), (3, "other"), ({"data": None}, "other"), ({}, "other"),
    ],
)  # fmt: skip
def test_other_messages_are_named(found, reason):
    finding = only(found)
    assert (finding.code, finding.values["reason"]) == ("no_data_message", reason)


KEY = "/data/dataSets/0/series/0:0"


@pytest.mark.parametrize(
    ("dataset", "code", "path", "taken"),
    [
        (series({"0": [1], "3": [2]}), "wrong_key", f"{KEY}/observations/3", 1),
        (series({"0": [1], "0:1": [2], "": [3]}), "wrong_key", f"{KEY}/observations/0:1", 1),
        (series({"0": [1], "-1": [2], "٣": [3], "a/b": [4]}), "wrong_key", f"{KEY}/observations/-1", 1),
        ({"series": {"0:2": {"observations": {"0": [1]}}}}, "wrong_key", "/data/dataSets/0/series/0:2", 0),
        (series({"0": [1], "1": [2, 2]}), "wrong_index", f"{KEY}/observations/1/1", 1),
        (series({"0": [1], "1": [2, "A"]}), "wrong_index", f"{KEY}/observations/1/1", 1),
        (series({"0": [1], "1": [2, True]}), "wrong_index", f"{KEY}/observations/1/1", 1),
        (series({"0": [1], "1": [2, [0, -1]]}), "wrong_index", f"{KEY}/observations/1/1", 1),
        (series({"0": [1]}, attributes=[2]), "wrong_index", f"{KEY}/attributes/0", 0),
        (series({"0": [1], "1": 2}), "wrong_observation", f"{KEY}/observations/1", 1),
        (series({"0": [1], "1": {"OBS_VALUE": 2}}), "wrong_observation", f"{KEY}/observations/1", 1),
        (series({"0": [1], "1": [2, 0, "n", 5]}), "wrong_observation", f"{KEY}/observations/1", 1),
        (series([1]), "wrong_observation", f"{KEY}/observations", 0),
        ({"series": {"0:0": 1, "0:1": {"observations": {"0": [1]}}}}, "wrong_observation", KEY, 1),
        ({"structure": 1, **series({"0": [1]})}, "wrong_message", "/data/dataSets/0/structure", 0),
        ({"dimensionGroupAttributes": {"9::": []}, **series({"0": [1]})}, "wrong_key",
         "/data/dataSets/0/dimensionGroupAttributes/9::", 1),
        ({"note": 1, **series({"0": [1]})}, "member_not_read", "/data/dataSets/0/note", 1),
        (series({}, attributes=[0]), "attributes_without_observations", KEY, 0),
    ],
)  # fmt: skip
def test_faults_have_a_pointer(dataset, code, path, taken):
    columns = columns_of(message(dataset))
    finding = columns.findings[0]
    assert (finding.code, finding.places[0].path) == (code, path)
    assert columns.table.num_rows == taken
    assert columns.received >= taken


def test_members_that_stand_twice():
    text = json.dumps(message(series({"0": [1], "1": [2]})))
    for old, new, path in (
        ('"1": [2]', '"0": [2]', f"{KEY}/observations/0"),
        ('{"0:0": {', '{"0:0": {"observations": {"2": [9]}}, "0:0": {', KEY),
        ('"dataSets": [', '"dataSets": [], "dataSets": [', "/data/dataSets"),
        ('{"series": {', '{"series": {}, "series": {', "/data/dataSets/0/series"),
    ):
        findings = columns_of(text.replace(old, new, 1)).findings
        assert [(f.code, f.values["reason"], f.places[0].path) for f in findings] == [
            ("wrong_message", "member twice", path)
        ]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"dimensions": []}, "object"),
        ({"dimensions": {"series": {}, "observation": []}}, "array"),
        ({"measures": {"observation": [{"name": "x"}]}}, "component"),
        ({"measures": {"observation": [{"id": "FREQ"}]}}, "component twice"),
        ({"dimensions": {"dataSet": [dimension("FREQ", ["A", "B"])]}}, "one value"),
    ],
)
def test_structures_that_are_none(change, reason):
    findings = columns_of(message(series({"0": [1]}), **change)).findings
    assert ("wrong_message", reason) in {(f.code, f.values.get("reason")) for f in findings}


def test_a_figure_that_may_be_confidential_is_not_shown():
    measures = {"observation": [dimension("OBS_VALUE", ["x"])]}
    finding = only(message(series({"0": [83433]}), measures=measures))
    assert finding.code == "wrong_index"
    assert "83433" not in sentence(finding) + str(finding)


def test_very_many_components_and_data_sets():
    wide = {"observation": [{"id": f"A{at}"} for at in range(1001)]}
    assert "too_large" in {f.code for f in columns_of(message(series({"0": [1]}), attributes=wide)).findings}
    many = [{"action": f"x{at}", "series": {}} for at in range(1001)]
    assert only(message(*many)).code == "too_many_parts"
    assert only(message(*({"series": {}} for _ in range(2000)))).code == "no_rows"
    assert only(message(*({} for _ in range(60_000)))).code == "too_large"


@unhurried
@given(st.data())
def test_nothing_makes_it_fall(data):
    """Text with a piece of it replaced is read, or is one finding or several."""
    start = data.draw(st.integers(0, len(SOUND)))
    stop = data.draw(st.integers(start, min(len(SOUND), start + 30)))
    piece = data.draw(
        st.sampled_from(['"', "{", "}", "[", "]", ",", ":", "1.10", "null", '"0:0"', "\\", "é"])
        | st.text(max_size=4)
    )
    text = (SOUND[:start] + piece + SOUND[stop:]).encode("utf-8", "replace")
    columns = columns_of(text)
    assert columns.received >= columns.table.num_rows
    try:
        json.loads(text)
    except ValueError:
        assert columns.findings
        assert not re.search("Traceback", str(columns.findings))
