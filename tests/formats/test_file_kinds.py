"""What the bytes of a file are: whatever their sender says."""

import io
import json
import struct
import zipfile
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migdx.columns import Part
from migdx.formats import child, content
from migdx.formats.archives import PACKED
from migdx.formats.content import CALLED, claims, contradicted, kind_of, parameters
from migdx.formats.faults import Faults
from migdx.formats.parts import Parts
from migdx.report import SAMPLE, Finding, Place, message

CSV = b"DATAFLOW,A,OBS_VALUE\nX:F(1.0),NA,1.10\n"
XML = b'<?xml version="1.0"?><message:GenericData/>'
JSON = b'{"data": {"dataSets": []}}'


def zipped(*names, first=b""):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        if first:
            archive.writestr("mimetype", first)
        for name in names:
            archive.writestr(name, b"x")
    return made.getvalue()


def compound(*names):
    """A compound file with nothing but a directory, in its first sector."""
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(22) + struct.pack("<H", 9) + bytes(16)
    header += struct.pack("<I", 0) + bytes(24) + struct.pack("<109I", 1, *[0xFFFFFFFF] * 108)
    entries = b""
    for name in ("Root Entry", *names):
        text = name.encode("utf-16-le") + b"\0\0"
        entries += text.ljust(64, b"\0") + struct.pack("<H", len(text)) + bytes(62)
    return header + entries.ljust(512, b"\0") + struct.pack("<I", 0xFFFFFFFE).ljust(512, b"\xff")


KINDS = [
    (CSV, "csv"), (b"\xef\xbb\xbf" + CSV, "csv"), (CSV.decode().encode("utf-16"), "csv"), (b"", "csv"),
    (b"\n\n" + CSV, "csv"), (b"<5,A\n", "csv"), (b"[note];A\n", "csv"), (b'"{";A\n', "csv"),
    (XML, "xml"), (b"\xef\xbb\xbf\n " + XML, "xml"), (XML.decode().encode("utf-16"), "xml"), (b"<a/>", "xml"),
    (XML.decode().encode("utf-16-le"), "xml"), (b"<!-- x --><a/>", "xml"), (b"<!DOCTYPE a><a/>", "xml"),
    (JSON, "json"), (b" \n{ }", "json"), (b"[1, 2]", "json"), (JSON.decode().encode("utf-16-be"), "json"),
    (zipped("[Content_Types].xml", "xl/workbook.xml"), "xlsx"), (zipped("a.csv"), "zip"),
    (zipped(first=b"application/vnd.oasis.opendocument.spreadsheet"), "ods"), (zipped(), "zip"),
    (zipped(first=b"application/vnd.oasis.opendocument.text"), "OpenDocument that is no spreadsheet"),
    (zipped("xl/workbook.bin"), "Excel binary workbook (.xlsb)"),
    (zipped("word/document.xml"), "Word (.docx)"),
    (zipped("a.csv", first=zipped("xl/workbook.xml")), "zip"),
    (zipped("data/xl/workbook.xml"), "zip"), (b"PK\x03\x04", "zip"),
    (compound("Workbook"), "xls"), (compound("WordDocument"), "Word (.doc)"), (compound("Book"), "xls"),
    (compound("EncryptedPackage"), "workbook or document with a password"), (compound("Other"), "OLE"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "xls"), (b"\x1f\x8b\x08", "gzip"), (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"%PDF-1.7", "PDF"), (b"PAR1", "Parquet"), (b"\x89PNG\r\n\x1a\n", "PNG image"), (b"{\\rtf1", "RTF"),
    (b"SQLite format 3\0", "SQLite"), (b"$FL2@(#)", "SPSS microdata (.sav)"), (b"\xff\xd8\xff", "JPEG image"),
    (b"<stata_dta><header>", "Stata microdata (.dta)"), (b"\x72\x02\x01\x00", "Stata microdata (.dta)"),
    (bytes(12) + b"\xc2\xea\x81\x60\xb3\x14\x11\xcf", "SAS microdata (.sas7bdat)"),
    (b"<html><table>", "HTML"), (b"<!DOCTYPE html>", "HTML"), (b"\n<TABLE border=1>", "HTML"),
    (b'<?xml version="1.0"?>\n<html xmlns="x">', "HTML"),
    (b'<?xml version="1.0"?><Book xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>', "Excel 2003 XML"),
    (bytes(257) + b"ustar", "TAR"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "kind"), KINDS)
def test_the_bytes_decide(data, kind):
    assert kind_of(io.BytesIO(data)) == kind
    assert kind_of(io.BytesIO(data), "csv") == kind


@given(st.binary(max_size=300), st.sampled_from(["", *CALLED]))
def test_any_bytes_are_something(data, declared):
    assert kind_of(io.BytesIO(data), declared)
    for signature in content._SIGNATURES:
        assert kind_of(io.BytesIO(signature + data), declared)


def test_the_sender_breaks_ties():
    assert kind_of(io.BytesIO(b"<5,A\n"), "xml") == "xml"
    assert kind_of(io.BytesIO(b"{,A\n"), "") == "csv"
    assert kind_of(io.BytesIO(b"{,A\n"), "json") == "json"


@pytest.mark.parametrize(
    ("media_type", "name", "kind", "given"),
    [
        ("text/csv", "a.csv", "xlsx", "text/csv"),
        ("", "a.csv", "xml", ".csv"),
        ("application/vnd.sdmx.data+csv;version=2.0.0", "", "json", "application/vnd.sdmx.data+csv"),
        ("text/csv", "a.xlsx", "xlsx", ""),
        ("application/vnd.ms-excel", "a.csv", "csv", ""),
        ("application/octet-stream", "", "xml", ""),
        ("image/png", "data", "csv", ""),
        ("application/vnd.sdmx.genericdata+xml;version=2.1", "", "xml", ""),
        ("", "", "csv", ""),
        ("text/csv", "", "PDF", "text/csv"),
    ],
)
def test_what_was_declared(media_type, name, kind, given):
    found = contradicted(claims(media_type, name), kind)
    assert [finding.values["given"] for finding in found] == ([given] if given else [])
    assert all(finding.severity == "warning" and not finding.blocking for finding in found)
    assert all("{" not in message(finding) and "?" not in message(finding) for finding in found)


def test_parameters_of_a_media_type():
    given = 'Text/CSV; Header=absent ;separator=";"; =; q'
    assert parameters(given) == {"header": "absent", "separator": ";"}
    assert parameters("text/csv") == {}


@pytest.mark.parametrize(("data", "kind"), [pair for pair in KINDS if pair[1] not in CALLED])
def test_what_nobody_reads_is_named(data, kind):
    columns = child.read(io.BytesIO(data), {"media_type": "text/csv", "file_name": "a.csv"})
    (finding,) = columns.findings
    assert (finding.code, finding.severity) == ("unreadable", "error")
    assert kind in message(finding)
    assert "SDMX" in message(finding) or "CSV" in message(finding)


def test_unknown_media_types_are_read():
    columns = child.read(io.BytesIO(CSV), {"media_type": "image/png", "file_name": "x"})
    assert columns.findings == ()
    assert columns.table["A"].to_pylist() == ["NA"]


def test_every_kind_has_its_reader():
    assert set(child.READERS) | set(PACKED) == set(CALLED)


@given(st.binary(max_size=200))
def test_reading_never_fails(data):
    for start in (b"", b"PK\x03\x04", b"\x1f\x8b\x08\x00", b"\x28\xb5\x2f\xfd"):
        columns = child.read(io.BytesIO(start + data), {"file_name": "a.gz"})
        assert all(message(finding) != finding.code for finding in columns.findings)


def test_a_long_text_is_cut_for_every_reader():
    """What a reader found is on its way as a message that has an end."""
    long = "x" * 100_000
    series = {"dimensions": {}, "attributes": {"series": [{"id": "A", "values": []}]}}
    sets = [{"series": {"": {"attributes": [long], "observations": {}}}}]
    sent = {
        "wrong_header": f"{long},YEAR\nA,1\n",
        "duplicate_column": f"DATAFLOW,{long},{long},OBS_VALUE\nA:B(1.0),1,2,3\n",
        "wrong_index": json.dumps({"data": {"structures": [series], "dataSets": sets}}),
    }
    for code, text in sent.items():
        found = [one for one in child.read(io.BytesIO(text.encode()), {}).findings if one.code == code]
        assert found
        assert max(len(str(told)) for one in found for told in asdict(one).values()) < 1000


def test_equal_parts_are_one_and_have_a_limit():
    parts = Parts(2)
    asked = [Part("dataflow", id, action) for id in "AB" for action in ("Replace", "Replace", "Delete")]
    assert [parts.number(part) for part in asked] == [0, 0, 1, -1, -1, -1]
    assert parts.all == (asked[0], asked[2])


def test_faults_count_all_and_place_some():
    faults = Faults()
    faults.add((Place(row=row) for row in range(1, 5)), 4)
    faults.add((Place(row=row) for row in range(5, 100)), 95)
    (finding,) = faults.found(Finding("wrong_key", values={"expected": "1"}))
    assert (finding.count, finding.values) == (99, {"expected": "1"})
    assert [place.row for place in finding.places] == list(range(1, SAMPLE + 1))
    assert list(Faults().found(finding)) == []
