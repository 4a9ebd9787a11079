"""SDMX-CSV as columns: the same cells, the right rows, and one clear finding for what cannot be read."""

import codecs
import csv
import io
import os
import random
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migdx.formats import csv_records
from migdx.formats.csv_reader import read
from migdx.report import SAMPLE

V1 = "DATAFLOW,REF_AREA,TIME_PERIOD,OBS_VALUE,COMMENT\n"
V2 = "STRUCTURE,STRUCTURE_ID,ACTION,REF_AREA,TIME_PERIOD,OBS_VALUE,COMMENT\n"
ROW = "X:FLOW(1.0),NA,2020,1.10,\n"


def reading(text, encoding="utf-8", **parameters):
    file = io.BytesIO(text if isinstance(text, bytes) else text.encode(encoding))
    file.seek(2)  # it is read from its beginning wherever it stands
    return read(file, {"parameters": parameters})


def only_finding(columns):
    (finding,) = columns.findings
    return finding


def rows_of(columns):
    return columns.places.rows.tolist()


def targets_of(columns):
    return [part.target for part in columns.parts]


def actions_of(columns):
    return [part.action for part in columns.parts]


def columns_of(columns):
    return {id: spot.column for id, spot in columns.places.sheets[0].spots.items()}


# --- sound files -----------------------------------------------------------------------------------


def test_version_1():
    columns = reading(V1 + ROW)
    assert columns.format == "SDMX-CSV 1.0"
    assert columns.table.to_pydict() == {
        "REF_AREA": ["NA"], "TIME_PERIOD": ["2020"], "OBS_VALUE": ["1.10"], "COMMENT": [""]
    }  # fmt: skip
    assert columns_of(columns) == {"REF_AREA": 2, "TIME_PERIOD": 3, "OBS_VALUE": 4, "COMMENT": 5}
    assert targets_of(columns) == [("dataflow", "X:FLOW(1.0)")]
    assert actions_of(columns) == [""]
    assert columns.received == 1
    assert columns.findings == ()
    assert rows_of(columns) == [2]


@pytest.mark.parametrize(
    ("letter", "word", "version"),
    [
        ("R", "Replace", "2.0"),
        ("I", "Information", "2.0"),
        ("M", "Merge", "2.1"),
        ("", "", "2.0"),
        ("E", "E", "2.0"),
    ],
)
def test_version_2(letter, word, version):
    columns = reading(V2 + f"DataFlow,X:FLOW(1.0),{letter},004,2020,5,\n")
    assert columns.format == f"SDMX-CSV {version}"
    assert targets_of(columns) == [("dataflow", "X:FLOW(1.0)")]
    assert actions_of(columns) == [word]
    assert columns.table.column_names == ["REF_AREA", "TIME_PERIOD", "OBS_VALUE", "COMMENT"]
    assert not columns.findings


def test_actions_in_the_order_of_the_file():
    rows = "".join(f"dataflow,X:FLOW(1.0),{letter},004,2020,5,\n" for letter in "DRRDA")
    assert actions_of(reading(V2 + rows)) == ["Delete", "Replace", "Append"]


def test_few_texts_are_numbered_and_many_are_not():
    columns = reading(V1 + "".join(f"X,{n % 3},{n % 5},{n},remark {n}\n" for n in range(2000)))
    kinds = {name: str(columns.table.schema.field(name).type) for name in columns.table.column_names}
    numbered = "dictionary<values=string, indices=int8, ordered=0>"
    assert kinds == {
        "REF_AREA": numbered,
        "TIME_PERIOD": numbered,
        "OBS_VALUE": "string",
        "COMMENT": "string",
    }
    assert columns.table["COMMENT"].to_pylist() == [f"remark {n}" for n in range(2000)]


@pytest.mark.parametrize("chunk", [2000, 1 << 22])
def test_a_column_may_turn_from_numbers_to_texts(chunk, monkeypatch):
    monkeypatch.setattr(csv_records, "CHUNK", chunk)
    expected = ["a", "b"] * 500 + [f"remark {n}" for n in range(1000)]
    columns = reading(V1 + "".join(f"X,1,{n},{n},{text}\n" for n, text in enumerate(expected)))
    assert columns.table["COMMENT"].to_pylist() == expected
    assert columns.table["TIME_PERIOD"].to_pylist() == [str(n) for n in range(2000)]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_what_the_header_has(separator):
    columns = reading((V1 + ROW).replace(",", separator))
    assert columns.table["REF_AREA"].to_pylist() == ["NA"]
    assert columns.findings == ()


def test_a_sub_separator_in_the_header():
    columns = reading("STRUCTURE[;],STRUCTURE_ID,ACTION,A,OBS_VALUE\ndataflow,X:F(1.0),R,1,2\n")
    assert columns.table.to_pydict() == {"A": ["1"], "OBS_VALUE": ["2"]}


@pytest.mark.parametrize("word", ["semicolon", ";"])
def test_the_separator_may_be_declared(word):
    columns = reading("DATAFLOW;A;OBS_VALUE\nX;1,0;2\n", separator=word)
    assert columns.table.to_pydict() == {"A": ["1,0"], "OBS_VALUE": ["2"]}
    finding = only_finding(reading("DATAFLOW;A,OBS_VALUE\nX;1,2\n", separator="comma"))
    assert (finding.code, finding.values["reason"]) == ("wrong_header", "first_column")


@pytest.mark.parametrize("said", [{"separator": "colon"}, {"decimal": "semicolon"}, {"separator": ",,"}])
def test_a_declaration_that_is_not_understood_is_no_option_that_does_nothing(said):
    finding = only_finding(reading(V1 + ROW, **said))
    ((name, word),) = said.items()
    assert finding.values == {"reason": "media type parameter", "given": f"{name}={word}"}


def test_the_line_that_tells_spreadsheets_the_separator():
    columns = reading("sep=;\r\nDATAFLOW;A;OBS_VALUE\r\nX;1;2\r\n")
    assert columns.table.to_pydict() == {"A": ["1"], "OBS_VALUE": ["2"]}
    assert rows_of(columns) == [3]


def numbers(*texts, separator=";", **said):
    rows = "".join(f"X{separator}1{separator}{text}\n" for text in texts)
    columns = reading(f"DATAFLOW{separator}A{separator}OBS_VALUE\n{rows}", **said)
    return columns.decimal, [finding.code for finding in columns.findings]


@pytest.mark.parametrize(
    "texts", [("12,5", "7"), ("1234,567", ""), ("0,125", "-1,50"), ("1,234", "1,2345", "NaN", "#N/A")]
)
def test_a_decimal_comma_that_is_plain(texts):
    assert numbers(*texts) == (",", ["decimal_comma"])
    assert numbers(*texts, separator="\t") == (",", ["decimal_comma"])


@pytest.mark.parametrize(
    "texts",
    [("12,345", "1,000"), ("12,5", "1.5"), ("1,234,567",), ("12,5", "n.a."), ("1", "2"), ("1 234,5",)],
)
def test_what_could_be_thousands_is_never_guessed(texts):
    assert numbers(*texts) == (".", [])


def test_a_decimal_comma_that_is_declared():
    assert numbers("1,234", decimal="comma") == (",", [])
    assert numbers('"1,234"', separator=",", decimal=",") == (",", [])
    assert numbers("12,5", decimal="point") == (".", [])
    assert numbers('"12,5"', separator=",") == (".", [])


def test_no_figure_is_shown_by_the_finding_of_the_decimal_comma():
    columns = reading("DATAFLOW;A;OBS_VALUE\nX;1;12,5\n")
    (place,) = only_finding(columns).places
    assert (place.row, place.column, place.given) == (1, 3, None)


def test_several_values_in_a_cell():
    columns = reading(
        "STRUCTURE[;],STRUCTURE_ID,ACTION,A,OBS_VALUE,STATUS[],NOTE[en;fr],CONTACT[].NAME[]\n"
        'dataflow,X:F(1.0),M,1,2,P;Q,en:Any;fr:Toute,"""a;b"";;""c"""\n'
    )
    assert columns.table.to_pydict() == {
        "A": ["1"], "OBS_VALUE": ["2"], "STATUS": ["P;Q"], "NOTE": ["en:Any;fr:Toute"],
        "CONTACT.NAME": ['"a;b";;"c"'],
    }  # fmt: skip
    assert columns.several == {"STATUS": ";", "CONTACT.NAME": ";"}


def test_several_values_with_labels():
    columns = reading(
        "STRUCTURE[|];STRUCTURE_ID;ACTION;STATUS[]: Status;OBS_VALUE: Value\n"
        "dataflow;X:F(1.0);M;P: Provisional|Q: Suppressed, all;12,4\n"
        "dataflow;X:F(1.0);M;P: Provisional;12,5\n"
    )
    assert columns.table["STATUS"].to_pylist() == ["P|Q", "P"]
    assert columns.several == {"STATUS": "|"}
    assert columns.decimal == ","


def test_blank_names_of_labels():
    columns = reading(
        "STRUCTURE,STRUCTURE_ID,STRUCTURE_NAME,ACTION,SEX,Sex,TIME_PERIOD,,OBS_VALUE,\n"
        "DATAFLOW,X:F(1.0),A flow,I,F,Female,2020,,83433,\n"
    )
    assert columns.table.to_pydict() == {"SEX": ["F"], "TIME_PERIOD": ["2020"], "OBS_VALUE": ["83433"]}
    assert targets_of(columns) == [("dataflow", "X:F(1.0)")]
    assert not columns.findings


def test_labels_both():
    columns = reading(
        "STRUCTURE,STRUCTURE_ID,ACTION,SEX: Sex,TIME_PERIOD: Time,OBS_VALUE: Value,COMMENT: Remark\n"
        "dataflow,X:F(1.0): A flow,R,F: Female,2020,3,see: the annex\n"
        'dataflow,X:F(1.0): A flow,R,"_T: Both, all",2021,4,\n'
    )
    assert targets_of(columns) == [("dataflow", "X:F(1.0)")]
    assert columns.table["SEX"].to_pylist() == ["F", "_T"]
    assert columns.table["TIME_PERIOD"].to_pylist() == ["2020", "2021"]
    assert not columns.findings


def test_labels_both_leaves_free_text():
    rows = "".join(f"X:F(1.0): A flow,F: Female,{text}\n" for text in ("Note: a", "Note: b", ""))
    columns = reading("DATAFLOW,SEX: Sex,COMMENT: Remark\n" + rows)
    assert columns.table.to_pydict() == {"SEX": ["F"] * 3, "COMMENT": ["Note: a", "Note: b", ""]}


def test_labels_of_numbers_and_of_nothing(monkeypatch):
    monkeypatch.setattr(csv_records, "CHUNK", 200)
    head = "DATAFLOW,SEX: Sex,OBS_VALUE: Value\n"
    assert reading(head).table.to_pydict() == {"SEX": [], "OBS_VALUE": []}
    columns = reading(head + "".join(f"X,F: Female,{n}: {n}\n" for n in range(100)))
    assert columns.table["OBS_VALUE"].to_pylist() == [str(n) for n in range(100)]
    assert set(columns.table["SEX"].to_pylist()) == {"F"}


def test_labels_name_and_keys():
    columns = reading(
        "STRUCTURE,STRUCTURE_ID,STRUCTURE_NAME,ACTION,SERIES_KEY,OBS_KEY,SEX,Sex,OBS_VALUE,Value\n"
        "dataflow,X:F(1.0),A flow,R,F,F.2020,F,Female,3,\n"
    )
    assert columns.table.to_pydict() == {
        "SERIES_KEY": ["F"], "OBS_KEY": ["F.2020"], "SEX": ["F"], "OBS_VALUE": ["3"]
    }  # fmt: skip
    assert columns_of(columns) == {"SERIES_KEY": 5, "OBS_KEY": 6, "SEX": 7, "OBS_VALUE": 9}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8])
def test_rows_are_lines_of_an_editor(end, mark):
    lines = ["", V1.strip(), "X,1,2020,1,", "", "", 'X,2,2020,2,"two', 'lines, one ""cell"""', "X,3,2020,3,"]
    columns = reading(mark + end.join(lines).encode())
    assert rows_of(columns) == [3, 6, 8]
    assert columns.table["COMMENT"].to_pylist() == ["", f'two{end}lines, one "cell"', ""]
    assert columns.received == 3
    assert not columns.findings


def test_blanks_around_a_heading_are_told_and_those_of_cells_stay():
    columns = reading("DATAFLOW, SEX,OBS_VALUE\nX, F ,1\n")
    assert columns.table.to_pydict() == {"SEX": [" F "], "OBS_VALUE": ["1"]}
    finding = only_finding(columns)
    assert (finding.code, finding.severity, finding.blocking) == ("surrounding_blanks", "information", False)
    assert [(place.row, place.column, place.given) for place in finding.places] == [(1, 2, " SEX")]


# --- encodings -------------------------------------------------------------------------------------


def test_windows_1252_is_read_with_a_warning():
    columns = reading(V1 + "X,1,2020,1,\nX,1,2021,1,Côte d’Ivoire – 5 €\n", "cp1252")
    assert columns.table["COMMENT"].to_pylist()[1] == "Côte d’Ivoire – 5 €"
    finding = only_finding(columns)
    assert (finding.code, finding.severity, finding.blocking) == ("encoding_not_utf8", "warning", False)
    assert finding.values == {"encoding": "Windows-1252"}
    assert finding.places[0].row == 3


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf16_is_read_with_a_warning(encoding):
    columns = reading(V1 + "X,1,2020,1,né 𝄞\n" * 3, encoding)
    assert columns.table["COMMENT"].to_pylist() == ["né 𝄞"] * 3
    assert only_finding(columns).code == "encoding_not_utf8"


def test_broken_utf8_is_placed_and_the_other_rows_are_read():
    columns = reading(
        V1.encode()
        + b"X,1,2020,1,\xc3\xa9\n\nX,1,2020,1,\xe9\nX,1,2020,1,\xff\nX,1,2020,4,d\0\nX,1,2020,4,\n"
    )
    finding = only_finding(columns)
    assert (finding.code, finding.count) == ("unreadable_text", 3)
    assert [place.row for place in finding.places] == [4, 5, 6]
    assert rows_of(columns) == [2, 7]
    assert columns.received == 5


def test_transcoding_across_chunks(monkeypatch):
    monkeypatch.setattr(csv_records, "CHUNK", 100)
    for encoding in ("cp1252", "utf-16", "utf-8"):
        columns = reading(V1 + "".join(f"X,{n},2020,1,é{n}€\n" for n in range(200)), encoding)
        assert columns.table["COMMENT"].to_pylist() == [f"é{n}€" for n in range(200)]
        assert rows_of(columns) == list(range(2, 202))


# --- files that cannot be read: one finding each ---------------------------------------------------


def wrong(given, reason, row, column):
    return {"given": given, "reason": reason, "row": row, "column": column}


NAMES = "STRUCTURE,STRUCTURE_ID,STRUCTURE_NAME"
WIDE = "DATAFLOW" + ",C" * 1001
LONG = "x" * 5_000_000
TOO_LONG = {"what": "row", "given": "> 4194304", "limit": 4194304}


@pytest.mark.parametrize(
    ("content", "code", "values"),
    [
        (b"", "unreadable", {"reason": "empty"}),
        (b"\n\r\n\n", "unreadable", {"reason": "empty"}),
        (codecs.BOM_UTF8, "unreadable", {"reason": "empty"}),
        (b"PK\x03\x04\x14\0\x06\0", "unreadable", {"reason": "binary"}),
        (V1.encode("utf-32"), "unreadable", {"reason": "UTF-32"}),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "unreadable", {"reason": "binary"}),
        (random.Random(1).randbytes(50_000), "unreadable", {"reason": "binary"}),
        ("<?xml version='1.0'?><a>,</a>", "unreadable", {"reason": "XML"}),
        ('{"data": 1}', "unreadable", {"reason": "JSON"}),
        ("country,year,value\nFR,2020,1\n", "wrong_header", wrong("country", "first_column", 1, 1)),
        ("STRUCTURE,STRUC", "wrong_header", wrong("STRUCTURE", "first_column", 1, 1)),
        (f"\n{V2[:29]}\nd,X,R\n", "wrong_header", wrong("ACTION", "no_components", 2, 3)),
        (f"{NAMES},A,a,B\nd,X,x,1,2,3\n", "wrong_header", wrong("B", "names", 1, 6)),
        (V1, "no_rows", {}),
        (V1.strip(), "no_rows", {}),
        (V1 + "\r\n\r\n", "no_rows", {}),
        ('"DATAFLOW,A,B\nX,1,2\n', "unclosed_quote", {}),
        ("MDSTRUCTURE[;],MDSTRUCTURE_ID,A\nd,X,1\n", "unreadable", {"reason": "reference metadata"}),
        ("sep=;\n", "unreadable", {"reason": "empty"}),
        (WIDE, "too_large", {"what": "columns", "given": 1002, "limit": 1000}),
        (LONG, "too_large", TOO_LONG),
        (V1 + ROW + LONG, "too_large", TOO_LONG),
    ],
    ids=lambda content: repr(content[:20]) if isinstance(content, bytes | str) else "",
)
def test_one_finding(content, code, values):
    columns = reading(content)
    finding = only_finding(columns)
    assert (finding.code, finding.values) == (code, values)
    assert finding.severity == "error"
    assert len(columns.places) == columns.table.num_rows == 0


def test_half_a_line_is_one_finding():
    columns = reading((V1 + ROW * 3)[:-15])
    finding = only_finding(columns)
    assert (finding.code, finding.count) == ("wrong_number_of_cells", 1)
    assert finding.places[0].row == 4
    assert rows_of(columns) == [2, 3]


def test_one_bad_row_among_many():
    rows = [f"X,{n % 7},2020,{n},\n" for n in range(300_000)]
    rows[234_567] = "X,1,2020,3,4,5,6\n"
    columns = reading(V1 + "".join(rows))
    finding = only_finding(columns)
    assert (finding.code, finding.count) == ("wrong_number_of_cells", 1)
    assert finding.values == {"given": "7", "expected": 5}
    assert [(place.row, place.given) for place in finding.places] == [(234_569, "7")]
    assert columns.received == 300_000
    assert len(columns.places) == columns.table.num_rows == 299_999
    assert 234_569 not in columns.places.rows


def test_every_row_bad():
    columns = reading(V1 + "X,1\n" * 1000 + "X,1,2,3,4,5\n")
    finding = only_finding(columns)
    assert (finding.count, finding.values) == (1001, {"given": "2, 6", "expected": 5})
    assert [place.row for place in finding.places] == list(range(2, 2 + SAMPLE))
    assert columns.received == 1001


@pytest.mark.parametrize("rows", [300, 70_000])
def test_a_multiple_of_256_cells_too_many(rows):
    columns = reading(V1 + ROW * rows + "X" + ",1" * (4 + 256) + "\n")
    assert only_finding(columns).values == {"given": "261", "expected": 5}


def test_an_unclosed_quote_swallows_nothing():
    lines = [
        "X,1,2020,1,",
        'X,2,2020,1,"no end',
        'X,3,2020,1,"a, b"',
        'X,"4"x,2020,1,',
        'X,5,2020,1,5" pipe',
        'X,6,2020,1,"',
    ]
    columns = reading(V1 + "\n".join(lines))
    finding = only_finding(columns)
    assert (finding.code, finding.count) == ("unclosed_quote", 3)
    # what follows the quote is not echoed: it may be confidential
    assert [(place.row, place.column, place.given) for place in finding.places] == [
        (3, 5, None), (5, 2, None), (7, 5, None)
    ]  # fmt: skip
    assert rows_of(columns) == [2, 4, 6]
    assert columns.table["COMMENT"].to_pylist() == ["", "a, b", '5" pipe']
    assert columns.received == 6


def test_an_unclosed_quote_at_the_start_of_a_large_file(monkeypatch):
    monkeypatch.setattr(csv_records, "CHUNK", 5000)
    columns = reading(V1 + 'X,1,2020,1,"no end\n' + ROW * 10_000)
    finding = only_finding(columns)
    assert (finding.code, finding.count, finding.places[0].row) == ("unclosed_quote", 1, 2)
    assert len(columns.places) == 10_000


def test_several_dataflows():
    columns = reading(V1 + "X:A(1.0),1,1,1,\n\n" + "X:B(1.0),1,1,1,\n" * 3)
    assert not columns.findings
    assert targets_of(columns) == [("dataflow", "X:A(1.0)"), ("dataflow", "X:B(1.0)")]
    assert [(part.place.row, part.place.column) for part in columns.parts] == [(2, 1), (4, 1)]
    assert columns.part_of.tolist() == [0, 1, 1, 1]


def test_a_part_is_what_the_row_is_for_and_its_action():
    rows = [
        "dataflow,X:A(1.0),R",
        "DATAFLOW,X:A(1.0): A flow,R",
        "datastructure,X:A(1.0),R",
        "dataflow,X:A(1.0),D",
    ]
    columns = reading(V2 + "".join(f"{row},004,2020,5,\n" for row in rows))
    assert [(part.kind, part.action) for part in columns.parts] == [
        ("dataflow", "Replace"), ("datastructure", "Replace"), ("dataflow", "Delete")
    ]  # fmt: skip
    assert columns.part_of.tolist() == [0, 0, 1, 2]


@pytest.mark.parametrize("chunk", [2000, 1 << 22])
def test_every_row_a_dataflow_of_its_own(chunk, monkeypatch):
    monkeypatch.setattr(csv_records, "CHUNK", chunk)
    columns = reading(V1 + "".join(f"X:A{n}(1.0),1,1,{n},\n" for n in range(20_000)) + "X:A3(1.0),1,1,x,\n")
    finding = only_finding(columns)
    assert (finding.code, finding.count, finding.values) == ("too_many_parts", 19_900, {"limit": 100})
    assert [place.row for place in finding.places] == list(range(102, 102 + SAMPLE))
    assert len(columns.parts) == 100
    assert columns.table["OBS_VALUE"].to_pylist() == [*map(str, range(100)), "x"]
    assert columns.part_of.tolist() == [*range(100), 3]
    assert columns.received == 20_001


def test_rows_without_a_dataflow():
    columns = reading(V1 + ROW + ROW.replace("X:FLOW(1.0)", " "))
    assert targets_of(columns) == [("dataflow", "X:FLOW(1.0)"), ("", "")]
    assert columns.parts[1].place.row == 3


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_empty_cells_beyond_the_header(end):
    rows = ["X,1,2020,1,a", "X,2,2020,2,,", 'X,3,2020,3,"b,",,,', "X,4,2020,4,c,,x", "X,5,2020,5,,,,,"]
    columns = reading(V1.replace("\n", end) + end.join(rows))
    assert columns.table["COMMENT"].to_pylist() == ["a", "", "b,", ""]
    finding = only_finding(columns)
    assert (finding.code, finding.count, finding.places[0].row) == ("wrong_number_of_cells", 1, 5)


def test_duplicate_columns():
    columns = reading("DATAFLOW,SEX,SEX,OBS_VALUE,SEX\nX,1,2,3,4\n")
    assert [(f.code, f.component, f.places[0].column) for f in columns.findings] == [
        ("duplicate_column", "SEX", 3), ("duplicate_column", "SEX", 5)
    ]  # fmt: skip
    assert columns.table.to_pydict() == {"SEX": ["1"], "OBS_VALUE": ["3"]}


def test_columns_without_a_name():
    assert not reading("DATAFLOW,SEX,OBS_VALUE,,\nX,1,2,,\n").findings
    finding = only_finding(reading("DATAFLOW,SEX,OBS_VALUE,,\nX,1,2,,x\n"))
    assert finding.values == {"given": "", "reason": "unnamed_column", "row": 1, "column": 5}


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_an_unclosed_quote_is_found_at_every_border_of_a_chunk(end, monkeypatch):
    rows = ["X,1,2020,1,ab", 'X,2,2020,2,"a, b"', 'X,3,2020,3,"no end', "X,4,2020,4,", 'X,5,2020,5,"z"']
    text = V1.replace("\n", end) + end.join(rows * 3) + end
    for chunk in range(64, 64 + len(text) // 2, 3):
        monkeypatch.setattr(csv_records, "CHUNK", chunk)
        columns = reading(text)
        finding = only_finding(columns)
        assert (finding.code, finding.count) == ("unclosed_quote", 3), chunk
        assert [(place.row, place.column) for place in finding.places] == [(4, 5), (9, 5), (14, 5)], chunk
        assert columns.table["COMMENT"].to_pylist() == ["ab", "a, b", "", "z"] * 3, chunk


# --- for all files ---------------------------------------------------------------------------------

texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6)
awkward = st.sampled_from(
    ["", "NA", "null", '"', '""', "a,b", "a;b", "\n", "\r", "\r\n", "x\n\ny", " ", '5" ', "1.10"]
)
tables = st.lists(st.lists(texts | awkward, min_size=3, max_size=3), max_size=12)


@settings(deadline=None, max_examples=120)
@given(
    tables,
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from([40, 150, 1 << 20]),
)
def test_what_the_csv_module_writes_is_read_back(cells, end, quoting, chunk):
    made = io.StringIO(newline="")
    if any("\r" in cell or "\n" in cell for row in cells for cell in row):
        quoting = csv.QUOTE_ALL  # the module quotes its own line end only
    writer = csv.writer(made, lineterminator=end, quoting=quoting)
    made.write(f"DATAFLOW,A,B,OBS_VALUE{end}")
    starts, longest = [], 0
    for row in cells:
        before = made.getvalue()
        starts.append(1 + _lines(before))
        writer.writerow(["X:F(1.0)", *row])
        longest = max(longest, len(made.getvalue()[len(before) :].encode()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_records, "CHUNK", max(chunk, longest + 1))
        columns = reading(made.getvalue())
    assert [finding.code for finding in columns.findings] == ([] if cells else ["no_rows"])
    names = ("A", "B", "OBS_VALUE")
    assert list(zip(*(columns.table[name].to_pylist() for name in names), strict=True)) == [
        tuple(row) for row in cells
    ]
    assert rows_of(columns) == starts


def _lines(text):
    return text.count("\n") + text.count("\r") - text.count("\r\n")


@settings(deadline=None, max_examples=120)
@given(st.text(st.sampled_from('",;\n\rax '), max_size=60), st.sampled_from([30, 1 << 20]))
def test_any_text_is_read_or_named(text, chunk):
    """Every record is read or counted in a finding, whatever the quotes do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_records, "CHUNK", chunk)
        columns = reading("DATAFLOW,A,B\n" + text)
    bad = ("wrong_number_of_cells", "unclosed_quote")
    faults = sum(finding.count for finding in columns.findings if finding.code in bad)
    if not any(finding.code == "too_large" for finding in columns.findings):
        assert len(columns.places) + faults == columns.received
        assert columns.table.num_rows == len(columns.places)


@settings(deadline=None, max_examples=100)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_named(content):
    for start in (b"", V1.encode(), codecs.BOM_UTF16_LE):
        columns = reading(start + content)
        assert columns.findings or len(columns.places)


pieces = st.sampled_from([
    "DATAFLOW", "STRUCTURE", "STRUCTURE[;]", "STRUCTURE[", "STRUCTURE_ID", "STRUCTURE_NAME", "ACTION",
    "SERIES_KEY", "OBS_KEY", "OBS_VALUE", "SEX: Sex", "ATTR[]", "ATTR[en;fr]", "[]", ": ", "sep=", "sep=;",
    "MDSTRUCTURE",
    ",", ",", ";", "\t", "|", '"', "\n", "\r\n", "\r", " ", "~",
    "#N/A", "NaN", "1,5", "1.5", "é", "\ufeff", "\0",
])  # fmt: skip
encodings = st.sampled_from(["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le", "utf-16-be"])
said = st.fixed_dictionaries(
    {},
    optional={
        "separator": st.sampled_from(["comma", "tab", "x", ""]),
        "decimal": st.sampled_from(["comma", "?"]),
    },
)


@settings(deadline=None, max_examples=80)
@given(st.lists(pieces, max_size=40), encodings, said)
def test_any_mixture_of_its_signs_is_read_or_named(parts, encoding, parameters):
    for start in ("", "DATAFLOW,OBS_VALUE,", "STRUCTURE[;];STRUCTURE_ID;ACTION;A[]: B;"):
        content = (start + "".join(parts)).encode(encoding, "replace")
        columns = reading(content, **parameters)
        assert columns.findings or len(columns.places)
        assert len(columns.places) == columns.table.num_rows


def test_quotes_without_end_take_time_in_proportion():
    def seconds(times):
        started = time.process_time()
        reading(V1 + 'X,"a""b,"",x""\n,"x,""\n' * times)
        return time.process_time() - started

    seconds(100)
    assert seconds(80_000) < 40 * max(seconds(8_000), 0.01)


# --- what others published -------------------------------------------------------------------------

DATA = Path(__file__).parents[3] / "shared" / "data"
PUBLISHED = [path for path in (DATA / "eurostat", DATA / "oecd") for path in sorted(path.glob("*.csv"))]
SPECIMENS = Path(os.environ.get("MIGDX_SPECIMENS", Path(__file__).parents[3] / "shared" / "specimens"))
SHARED = sorted(
    path
    for folder in ("twg-sdmx-csv", "pysdmx", "tricky")
    for path in (SPECIMENS / folder).rglob("*")
    if path.suffix in (".csv", ".txt", ".md") or (path.is_file() and folder == "tricky")
)


@pytest.mark.skipif(
    not SHARED, reason=f"There are no specimens in {SPECIMENS}; MIGDX_SPECIMENS names their folder"
)
def test_specimens():
    for path in SHARED:
        started = time.process_time()
        with path.open("rb") as file:
            columns = read(file, {})
        assert time.process_time() - started < 5, path
        first = path.read_bytes()[:12].lstrip(codecs.BOM_UTF8)
        if path.suffix == ".csv" and first.startswith((b"DATAFLOW,", b"STRUCTURE,", b"STRUCTURE[")):
            ragged = sum(f.count for f in columns.findings if f.code == "wrong_number_of_cells")
            assert len(columns.places) + ragged == columns.received > 0, path
            assert {f.code for f in columns.findings} <= {"several_dataflows", "wrong_number_of_cells"}, path
        else:
            assert [f.severity for f in columns.findings] == ["error"], path
            assert len(columns.places) == 0, path


@pytest.mark.skipif(not PUBLISHED, reason=f"There are no published tables in {DATA}")
def test_published_tables():
    for path in PUBLISHED:
        lines = path.read_bytes().replace(b"\r\n", b"\n").replace(b"\r", b"\n").count(b"\n")
        with path.open("rb") as file:
            columns = read(file, {})
        if not path.read_bytes().startswith((b"DATAFLOW,", b"STRUCTURE,")):
            assert only_finding(columns).code == "wrong_header", path
            continue
        assert not columns.findings, path
        assert len(columns.parts) == 1, path
        assert len(columns.places) == columns.received == lines - 1, path
        assert columns.decimal == ".", path
        assert "OBS_VALUE" in columns.table.column_names, path
