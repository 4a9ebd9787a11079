"""Workbooks that are damaged, closed, or made to harm: one clear finding each, or what they hold, soon."""

import functools
import io
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migdx.formats import workbook_reader, workbook_xls
from migdx.formats.sandbox import Sandbox

pytestmark = pytest.mark.faults

SPECIMENS = Path(__file__).parent / "workbooks"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
LIST = (
    '<row r="1"><c r="A1" t="str"><v>AREA</v></c><c r="B1" t="str"><v>OBS_VALUE</v></c></row>'
    '<row r="2"><c r="A2" t="str"><v>NA</v></c><c r="B2"><v>1.10</v></c></row>'
)


def sheet(rows=LIST, head="", tail=""):
    return f'<worksheet xmlns="{MAIN}">{head}<sheetData>{rows}</sheetData>{tail}</worksheet>'


def related(targets):
    return f'<Relationships xmlns="{PACKAGE}/relationships">{targets}</Relationships>'


def xlsx(*sheets, **more):
    """A minimal workbook; `more` are further members, or others in place of those that it has."""
    names = "".join(f'<sheet name="S{at}" sheetId="{at}" r:id="r{at}"/>' for at in range(1, len(sheets) + 1))
    targets = "".join(
        f'<Relationship Id="r{at}" Type="{OFFICE}/worksheet" Target="worksheets/sheet{at}.xml"/>'
        for at in range(1, len(sheets) + 1)
    )
    if "xl/sharedStrings.xml" in more:
        targets += f'<Relationship Id="s" Type="{OFFICE}/sharedStrings" Target="sharedStrings.xml"/>'
    members = {
        "_rels/.rels": related(
            f'<Relationship Id="r0" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
        ),
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"/>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{names}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": related(targets),
        **{f"xl/worksheets/sheet{at}.xml": content for at, content in enumerate(sheets, 1)},
        **more,
    }
    return zipped(members.items())


def zipped(members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in members:
            with archive.open(name, "w") as member:
                for piece in [content] if isinstance(content, str) else content:
                    member.write(piece.encode())
    return file.getvalue()


def ods(rows, **more):
    table = "urn:oasis:names:tc:opendocument:xmlns:table:1.0"
    office = "urn:oasis:names:tc:opendocument:xmlns:office:1.0"
    content = (
        f'<office:document-content xmlns:office="{office}" xmlns:table="{table}"><office:body>'
        f'<office:spreadsheet><table:table table:name="S1">{rows}</table:table></office:spreadsheet>'
        "</office:body></office:document-content>"
    )
    mimetype = "application/vnd.oasis.opendocument.spreadsheet"
    return zipped({"mimetype": mimetype, "content.xml": content, **more}.items())


def compound(stream):
    """A compound file with one stream, of this name ([MS-CFB])."""
    table = struct.pack("<128I", 0xFFFFFFFD, 0xFFFFFFFE, *[0xFFFFFFFF] * 126)
    head = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(16) + struct.pack("<HHHHH", 62, 3, 0xFFFE, 9, 6)
    head += bytes(6) + struct.pack("<IIIIIIIII", 0, 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
    head += struct.pack("<109I", 0, *[0xFFFFFFFF] * 108)
    entries = b""
    for name, kind in (("Root Entry", 5), (stream, 2), ("", 0), ("", 0)):
        text = name.encode("utf-16-le")
        entries += text.ljust(64, b"\0") + struct.pack("<HB", len(text) + 2 if name else 0, kind)
        entries += bytes(49) + struct.pack("<III", 0xFFFFFFFE, 0, 0)
    return head + table + entries


def read(content, **job):
    return workbook_reader.read(io.BytesIO(content), job)


def reasons(columns):
    return [
        (finding.code, finding.values.get("reason", finding.values.get("what")))
        for finding in columns.findings
    ]


def test_the_minimal_workbook_reads():
    columns = read(xlsx(sheet()))
    assert (columns.table.to_pylist(), columns.findings) == ([{"AREA": "NA", "OBS_VALUE": "1.1"}], ())


SPACES = [" " * (1 << 20)] * 170

DAMAGED = {
    "empty": (lambda: b"", ("unreadable", "empty")),
    "cut": (lambda: xlsx(sheet())[:-40], ("unreadable", "workbook")),
    "cut in the middle": (lambda: xlsx(sheet())[:300], ("unreadable", "workbook")),
    "no parts": (lambda: zipped([("xl/workbook.xml", "<workbook/>")]), ("unreadable", "workbook")),
    "no workbook": (lambda: zipped([("a.txt", "a")]), ("unreadable", "workbook")),
    "no sheets": (lambda: xlsx(), ("unreadable", "no sheets")),
    "not XML": (lambda: xlsx("<worksheet><sheetData><row"), ("unreadable", "workbook")),
    "binary workbook": (lambda: zipped([("xl/workbook.bin", "")]), ("unreadable", "xlsb")),
    "password": (lambda: compound("EncryptedPackage"), ("unreadable", "password")),
    "nothing in it": (lambda: compound("Other"), ("unreadable", "workbook")),
    "password of ods": (
        lambda: ods("", **{"META-INF/manifest.xml": "<m><encryption-data/></m>"}),
        ("unreadable", "password"),
    ),
    "entities in a sheet": (
        lambda: xlsx('<!DOCTYPE a [<!ENTITY a "b">]>' + sheet(LIST.replace("NA", "&a;"))),
        ("unreadable", "document type"),
    ),
    "entities in shared strings": (
        lambda: xlsx(sheet(), **{"xl/sharedStrings.xml": '<!DOCTYPE a [<!ENTITY a "b">]><sst/>'}),
        ("unreadable", "document type"),
    ),
    "entities in the workbook": (
        lambda: xlsx(sheet(), **{"xl/workbook.xml": '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>'}),
        ("unreadable", "document type"),
    ),
    "entities in ods": (
        lambda: zipped([("content.xml", '<!DOCTYPE a [<!ENTITY a "b">]><a>&a;</a>')]),
        ("unreadable", "document type"),
    ),
    "one name twice": (
        lambda: zipped([("xl/workbook.xml", "<a/>"), ("XL/workbook.xml", "<b/>")]),
        ("unreadable", "duplicate member"),
    ),
    "five thousand sheets": (lambda: xlsx(*[sheet()] * 5000), ("too_large", "sheets")),
    "the last cell of a sheet": (
        lambda: xlsx(sheet(LIST + '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>')),
        ("too_large", "cells"),
    ),
    "a row beyond the last": (
        lambda: xlsx(sheet('<row r="999999999999"><c r="ZZZZZ999999999999"><v>1</v></c></row>')),
        ("too_large", "rows and columns"),
    ),
    "a cell beyond its row": (
        lambda: xlsx(sheet('<row r="1"><c r="A99999999"><v>1</v></c></row>')),
        ("too_large", "rows and columns"),
    ),
    "rows beyond the end": (
        lambda: xlsx(sheet("<row/>" * 1_048_576 + "<row><c><v>1</v></c></row>")),
        ("too_large", "rows and columns"),
    ),
    "cells that do not say where": (
        lambda: xlsx(
            sheet("<row>" + "<c><v>1</v></c>" * 16000 + '</row><row r="1000000"><c><v>1</v></c></row>')
        ),
        ("too_large", "cells"),
    ),
    "a hundred million repetitions": (
        lambda: ods(
            '<table:table-row table:number-rows-repeated="1000000">'
            '<table:table-cell table:number-columns-repeated="99" office:value-type="float"/>'
            "</table:table-row>"
        ),
        ("too_large", "cells"),
    ),
    "errors everywhere": (
        lambda: xlsx(
            sheet(
                "".join(f'<row r="{at}"><c r="A{at}" t="e"><v>#N/A</v></c></row>' for at in range(1, 200_003))
            )
        ),
        ("too_large", "cells without a value"),
    ),
    "a bomb in a sheet": (lambda: xlsx([sheet()[:200], *SPACES]), ("too_large", "inflated bytes")),
    "a bomb in shared strings": (
        lambda: xlsx(sheet(), **{"xl/sharedStrings.xml": ["<sst>", *SPACES]}),
        ("too_large", "inflated bytes"),
    ),
}


@functools.cache
def damaged(name):
    return DAMAGED[name][0]()


@pytest.mark.parametrize("name", DAMAGED)
def test_one_clear_finding(name):
    columns, (_, expected) = read(damaged(name)), DAMAGED[name]
    assert (reasons(columns), len(columns.places)) == ([expected], 0)


MERGED = "".join(f'<mergeCell ref="C{at}:D{at}"/>' for at in range(3, 300_000))

SOUND = {
    "a dimension of all cells": lambda: xlsx(sheet(head='<dimension ref="A1:XFD1048576"/>')),
    "formats far beyond the data": lambda: xlsx(
        sheet(LIST + '<row r="1048576" s="1"><c r="XFD1048576" s="1"/></row>')
    ),
    "formatted rows": lambda: xlsx(
        sheet(LIST + "".join(f'<row r="{at}" s="1" customFormat="1"/>' for at in range(3, 300_000)))
    ),
    "merged ranges": lambda: xlsx(sheet(tail=f"<mergeCells>{MERGED}</mergeCells>")),
    "content types that lie": lambda: xlsx(
        sheet(), **{"[Content_Types].xml": '<Types><Default Extension="exe"/></Types>'}
    ),
    "a macro": lambda: xlsx(sheet(), **{"xl/vbaProject.bin": "macro"}),
    "a deep tree": lambda: xlsx(sheet(tail="<a>" * 100_000 + "</a>" * 100_000)),
    "single quotes": lambda: xlsx(sheet(LIST.replace('"', "'"))),
    "a prefix": lambda: xlsx(
        sheet()
        .replace("</", "</x:")
        .replace("<", "<x:")
        .replace("<x:/x:", "</x:")
        .replace("xmlns=", "xmlns:x=")
    ),
}


@pytest.mark.parametrize("name", SOUND)
def test_what_only_looks_dangerous_is_read(name):
    columns = read(SOUND[name]())
    assert columns.findings == ()
    assert columns.table.to_pylist() == [{"AREA": "NA", "OBS_VALUE": "1.1"}]


@pytest.mark.parametrize("name", ["the last cell of a sheet", "a bomb in a sheet"])
def test_the_sandbox_says_the_same(name):
    """Within its limits of time and memory."""
    content, (_, expected) = damaged(name), DAMAGED[name]
    assert reasons(Sandbox(keeps_spare=False).read(io.BytesIO(content), len(content))) == [expected]


def test_an_xls_knows_how_far_it_reaches():
    """65,536 rows of 256 columns would be more than the memory that there is."""

    def record(kind, body):
        return struct.pack("<HH", kind, len(body)) + body

    name = record(0x85, struct.pack("<IBBBB", 0, 0, 0, 2, 0) + b"S1")
    start = len(record(0x809, bytes(16)) + name + record(0x0A, b""))
    name = record(0x85, struct.pack("<IBBBB", start, 0, 0, 2, 0) + b"S1")
    cells = b"".join(record(0x203, struct.pack("<HHHd", row, 255, 0, 1.0)) for row in (0, 65_535))
    book = record(0x809, bytes(16)) + name + record(0x0A, b"")
    book += record(0x809, bytes(16)) + cells + record(0x0A, b"")
    (notes,) = [workbook_xls._sheet(book, at) for _, at in workbook_xls._sheets(book)]
    assert (notes.last_row, notes.last_column) == (65_536, 256)


def test_values_from_other_files_are_told():
    columns = read(xlsx(sheet(), **{"xl/externalLinks/externalLink1.xml": "<a/>"}))
    (finding,) = columns.findings
    assert (finding.code, finding.severity, finding.count) == ("external_links", "warning", 1)
    assert len(columns.places) == 1


def test_a_map_that_is_none_is_told():
    for map in ([], {"sheets": 1}, {"dataflow": "a", "sheets": [{"sheet": "S1"}]}):
        columns = read(xlsx(sheet()), map=map or {"x": 1})
        assert [finding.code for finding in columns.findings] == ["wrong_map"]


ALL = [path.read_bytes() for path in sorted(SPECIMENS.glob("small.*"))] + [
    xlsx(sheet()),
    compound("Workbook"),
]


@given(
    st.binary(max_size=200),
    st.sampled_from(["", "PK\x03\x04", "\u00d0\u00cf\x11\u00e0\u00a1\u00b1\x1a\u00e1"]),
)
@settings(max_examples=50)
def test_no_bytes_raise(content, start):
    columns = read(start.encode("latin-1") + content)
    assert columns.findings


@given(
    st.sampled_from(ALL),
    st.lists(st.tuples(st.integers(0, 1 << 16), st.integers(0, 255)), min_size=1, max_size=8),
)
@settings(max_examples=50)
def test_no_damage_raises(content, changes):
    damaged = bytearray(content)
    for at, byte in changes:
        damaged[at % len(damaged)] = byte
    read(bytes(damaged))
