"""Workbooks that attack who opens them. All are made of parts of XML, for no library would write them."""

from __future__ import annotations

import random
import struct
import zipfile
import zlib
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

from hostile_archives import raw_zip

MB = 1 << 20
_X = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_R = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
_TYPES = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_KINDS = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_LOL = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 11))
LAUGHS = f'<!DOCTYPE x [<!ENTITY l0 "lol">{_LOL}]>'
FILE = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'

TABLE = (
    '<row r="1"><c r="A1" t="inlineStr"><is><t>DATAFLOW</t></is></c>'
    '<c r="B1" t="inlineStr"><is><t>OBS_VALUE</t></is></c></row>'
    '<row r="2"><c r="A2" t="inlineStr"><is><t>MIGDX:DF_MIG_FLOW(1.0.0)</t></is></c>'
    '<c r="B2"><v>1</v></c></row>'
)


def sheet(rows: str = TABLE, before: str = "", after: str = "", doctype: str = "") -> str:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{doctype}<worksheet {_X} {_R}>{before}'
        f"<sheetData>{rows}</sheetData>{after}</worksheet>"
    )


def strings(*texts: str, doctype: str = "") -> str:
    items = "".join(f"<si><t>{text}</t></si>" for text in texts)
    return f'<?xml version="1.0"?>{doctype}<sst {_X}>{items}</sst>'


def workbook(sheet1: str = "", **parts: str | bytes) -> bytes:
    """An .xlsx around one sheet; `parts` are others, by path ("__" is /, "_dot_" is .), or replace these."""
    made = BytesIO()
    files: dict[str, str | bytes] = {
        "[Content_Types].xml": (
            '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
            '<Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Default Extension="xml" ContentType="application/xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{_KINDS}.sheet.main+xml"/>'
            f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_KINDS}.worksheet+xml"/></Types>'
        ),
        "_rels/.rels": relations(("rId1", "officeDocument", "xl/workbook.xml")),
        "xl/workbook.xml": book('<sheet name="Table" sheetId="1" r:id="rId1"/>'),
        "xl/_rels/workbook.xml.rels": relations(
            ("rId1", "worksheet", "worksheets/sheet1.xml"), ("rId2", "sharedStrings", "sharedStrings.xml")
        ),
        "xl/sharedStrings.xml": strings("one"),
        "xl/worksheets/sheet1.xml": sheet1 or sheet(),
    }
    files |= {name.replace("__", "/").replace("_dot_", "."): content for name, content in parts.items()}
    with ZipFile(made, "w", ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return made.getvalue()


def book(sheets: str, after: str = "", doctype: str = "") -> str:
    return f'<?xml version="1.0"?>{doctype}<workbook {_X} {_R}><sheets>{sheets}</sheets>{after}</workbook>'


def relations(*each: tuple[str, str, str], mode: str = "") -> str:
    lines = "".join(
        f'<Relationship Id="{id}" Type="{_TYPES}/{kind}" Target="{to}"{mode}/>' for id, kind, to in each
    )
    space = "http://schemas.openxmlformats.org/package/2006/relationships"
    return f'<?xml version="1.0"?><Relationships xmlns="{space}">{lines}</Relationships>'


# --- too much -----------------------------------------------------------------------------------------------


def last_cell() -> bytes:
    """One cell in the last corner of the sheet, from which a dense reader asks for 549 GB."""
    return workbook(sheet('<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'))


def two_corners() -> bytes:
    return workbook(sheet(f'{TABLE}<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'))


def a_dimension_that_lies() -> bytes:
    """Says that it has 17 billion cells, and is sound otherwise."""
    return workbook(sheet(before='<dimension ref="A1:XFD1048576"/>'))


def beyond_the_last_row() -> bytes:
    return workbook(sheet('<row r="999999999999"><c r="ZZZZZZ999999999999"><v>1</v></c></row>'))


def row_zero() -> bytes:
    return workbook(
        sheet('<row r="0"><c r="A0"><v>1</v></c></row><row r="-1"><c r="-A-1"><v>1</v></c></row>')
    )


def rows_backwards() -> bytes:
    return workbook(
        sheet("".join(f'<row r="{n}"><c r="A{n}"><v>1</v></c></row>' for n in range(100_000, 0, -1)))
    )


def ten_million_empty_cells() -> bytes:
    """As a sheet has them in which whole rows were coloured."""
    return repeated(b"<row>" + b'<c s="1"/>' * 1000 + b"</row>", 10_000)


def a_billion_empty_cells() -> bytes:
    return repeated(b"<row>" + b"<c/>" * 16_000 + b"</row>", 62_500)


def empty_rows() -> bytes:
    return repeated(b"<row/>", 1_000_000)


def rows_beyond_the_end() -> bytes:
    return repeated(b"<row><c><v>1</v></c></row>", 1_500_000)


def hidden_rows() -> bytes:
    return repeated(b'<row hidden="1"/>', 1_000_000)


def one_string_many_times() -> bytes:
    """A text of 30,000 characters in 500,000 cells: 15 GB of text."""
    text = strings("x" * 30_000)
    return repeated(b'<row><c t="s"><v>0</v></c></row>', 500_000, xl__sharedStrings_dot_xml=text)


def large_strings() -> bytes:
    """One text of 400 MB."""
    return repeated(b"x" * MB, 400, into="xl/sharedStrings.xml", around=strings("|"))


def large_cell() -> bytes:
    around = sheet('<row r="1"><c r="A1" t="str"><v>|</v></c></row>')
    return repeated(b"x" * MB, 200, around=around)


def many_strings() -> bytes:
    around = strings("|").replace("<si><t>|</t></si>", "|")
    return repeated(b"<si><t>x</t></si>", 10_000_000, into="xl/sharedStrings.xml", around=around)


def repeated(
    block: bytes, times: int, into: str = "xl/worksheets/sheet1.xml", around: str = "", **parts: str
) -> bytes:
    """A workbook in a part of which a block stands again and again: it is compressed once."""
    head, tail = (around or sheet("|")).encode().split(b"|")
    engine = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = engine.compress(head) + engine.flush(zlib.Z_FULL_FLUSH)
    at_once = max(1, MB // len(block))
    once = engine.compress(block * at_once) + engine.flush(zlib.Z_FULL_FLUSH)
    body += once * (times // at_once) + engine.compress(block * (times % at_once) + tail) + engine.flush()
    size = len(head) + len(block) * times + len(tail)
    files = []
    with ZipFile(BytesIO(workbook(**parts))) as archive:
        for one in archive.infolist():
            content = archive.read(one)
            small = zlib.compressobj(9, zlib.DEFLATED, -15)
            packed = (small.compress(content) + small.flush(), len(content))
            files.append((one.filename.encode(), *((body, size) if one.filename == into else packed)))
    return raw_zip(files)


def string_that_is_not_there() -> bytes:
    return workbook(
        sheet('<row r="1"><c r="A1" t="s"><v>99999999999</v></c><c r="B1" t="s"><v>-1</v></c></row>')
    )


def many_sheets() -> bytes:
    names = "".join(f'<sheet name="S{n}" sheetId="{n}" r:id="rId1"/>' for n in range(1, 50_001))
    return workbook(xl__workbook_dot_xml=book(names))


def merged_all() -> bytes:
    return workbook(sheet(after='<mergeCells><mergeCell ref="A1:XFD1048576"/></mergeCells>'))


def many_merged() -> bytes:
    cells = "".join(f'<mergeCell ref="A{n}:XFD{n}"/>' for n in range(1, 400_001))
    return workbook(sheet(after=f"<mergeCells>{cells}</mergeCells>"))


def hidden_columns() -> bytes:
    return workbook(sheet(before='<cols><col min="1" max="2000000000" hidden="1"/></cols>'))


def many_names() -> bytes:
    names = "".join(f'<definedName name="N{n}">Table!$A$1</definedName>' for n in range(500_000))
    return workbook(xl__workbook_dot_xml=book(
        '<sheet name="Table" sheetId="1" r:id="rId1"/>', f"<definedNames>{names}</definedNames>"
    ))  # fmt: skip


def deep_sheet() -> bytes:
    return workbook(sheet("<a>" * 1_000_000 + "</a>" * 1_000_000))


def many_attributes_in_a_sheet() -> bytes:
    attributes = " ".join(f'a{n}="x"' for n in range(500_000))
    return workbook(sheet(f"<row {attributes}/>"))


def many_parts() -> bytes:
    return workbook(**{f"xl__media__{n}_dot_png": b"" for n in range(30_000)})


# --- entities -----------------------------------------------------------------------------------------------


def laughs_in_a_sheet() -> bytes:
    return workbook(sheet('<row r="1"><c r="A1" t="str"><v>&l10;</v></c></row>', doctype=LAUGHS))


def laughs_in_strings() -> bytes:
    rows = '<row r="1"><c r="A1" t="s"><v>0</v></c></row>'
    return workbook(sheet(rows), xl__sharedStrings_dot_xml=strings("&l10;", doctype=LAUGHS))


def laughs_in_the_workbook() -> bytes:
    return workbook(
        xl__workbook_dot_xml=book('<sheet name="&l10;" sheetId="1" r:id="rId1"/>', doctype=LAUGHS)
    )


def file_in_a_sheet() -> bytes:
    return workbook(sheet('<row r="1"><c r="A1" t="str"><v>&e;</v></c></row>', doctype=FILE))


def file_in_strings() -> bytes:
    rows = '<row r="1"><c r="A1" t="s"><v>0</v></c></row>'
    return workbook(sheet(rows), xl__sharedStrings_dot_xml=strings("&e;", doctype=FILE))


def parts_elsewhere() -> bytes:
    """Relations that lead out of the workbook."""
    return workbook(xl___rels__workbook_dot_xml_dot_rels=relations(
        ("rId1", "worksheet", "../../../../../etc/passwd"), ("rId2", "sharedStrings", "file:///etc/passwd")
    ))  # fmt: skip


# --- broken -------------------------------------------------------------------------------------------------


def no_sheets() -> bytes:
    return workbook(xl__workbook_dot_xml=book(""))


def no_workbook() -> bytes:
    return workbook(xl__workbook_dot_xml=b"")


def no_xml() -> bytes:
    return workbook("this is no XML")


def cut_workbook() -> bytes:
    return workbook()[:-100]


def only_the_signature_of_xls() -> bytes:
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 504


def xls_of_noise() -> bytes:
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + random.Random(1).randbytes(100_000)


def xls_in_a_circle() -> bytes:
    """A table of sectors each of which is followed by itself ([MS-CFB] 2.3)."""
    head = bytearray(512)
    head[:8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    struct.pack_into("<5H", head, 24, 0x3E, 3, 0xFFFE, 9, 6)
    struct.pack_into("<3I", head, 44, 1, 1, 0)
    struct.pack_into("<5I", head, 56, 4096, 1, 1, 0, 0)
    struct.pack_into("<109I", head, 76, 0, *[0xFFFFFFFF] * 108)
    table = struct.pack("<128I", *range(128))
    folder = (
        "Workbook\0".encode("utf-16-le").ljust(64, b"\0") + struct.pack("<H", 18) + b"\2\1" + b"\xff" * 12
    )
    folder = folder.ljust(116, b"\0") + struct.pack("<III", 1, 0x7FFFFFFF, 0)
    return bytes(head) + table + folder.ljust(512, b"\0") * 4


# --- OpenDocument -------------------------------------------------------------------------------------------

_O = "urn:oasis:names:tc:opendocument:xmlns"
_ODS = "application/vnd.oasis.opendocument.spreadsheet"


def open_document(rows: str, doctype: str = "") -> bytes:
    made = BytesIO()
    content = (
        f'<?xml version="1.0"?>{doctype}<office:document-content xmlns:office="{_O}:office:1.0" '
        f'xmlns:table="{_O}:table:1.0" xmlns:text="{_O}:text:1.0" office:version="1.3"><office:body>'
        f'<office:spreadsheet><table:table table:name="Table">{rows}</table:table></office:spreadsheet>'
        "</office:body></office:document-content>"
    )
    manifest = (
        f'<?xml version="1.0"?><m:manifest xmlns:m="{_O}:manifest:1.0"><m:file-entry m:full-path="/" '
        f'm:media-type="{_ODS}"/><m:file-entry m:full-path="content.xml" m:media-type="text/xml"/>'
        "</m:manifest>"
    )
    with ZipFile(made, "w", ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", _ODS, compress_type=zipfile.ZIP_STORED)
        archive.writestr("META-INF/manifest.xml", manifest)
        archive.writestr("content.xml", content)
    return made.getvalue()


_ONE = (
    '<table:table-cell office:value-type="float" office:value="1"{more}><text:p>1</text:p></table:table-cell>'
)


def one_cell_repeated() -> bytes:
    """A cell with a figure, 16,384 times in each of 1,048,576 rows."""
    cell = _ONE.format(more=' table:number-columns-repeated="16384"')
    return open_document(f'<table:table-row table:number-rows-repeated="1048576">{cell}</table:table-row>')


def nothing_repeated() -> bytes:
    """Empty cells to the end of the sheet, as LibreOffice writes them, and two billion more."""
    empty = '<table:table-cell table:number-columns-repeated="2000000000"/>'
    rows = f'<table:table-row table:number-rows-repeated="2000000000">{empty}</table:table-row>'
    return open_document(f"<table:table-row>{_ONE.format(more='')}</table:table-row>{rows}")


def blanks_repeated() -> bytes:
    return open_document(
        '<table:table-row><table:table-cell office:value-type="string"><text:p>'
        '<text:s text:c="2000000000"/></text:p></table:table-cell></table:table-row>'
    )


def laughs_in_open_document() -> bytes:
    row = "<table:table-row><table:table-cell><text:p>&l10;</text:p></table:table-cell></table:table-row>"
    return open_document(row, LAUGHS)


def deep_open_document() -> bytes:
    return open_document("<table:table-row>" * 300_000)


# --- harmless as they are: not run, and told --------------------------------------------------------------


def formulas() -> bytes:
    """Cells that would start programs where they were opened."""
    rows = "".join(
        f'<row r="{n}"><c r="A{n}"><f>{formula}</f><v>1</v></c></row>'
        for n, formula in enumerate(("cmd|'/c calc'!A0", 'HYPERLINK("http://127.0.0.1:9/","x")',
                                     'WEBSERVICE("http://127.0.0.1:9/")'), 3)
    )  # fmt: skip
    return workbook(sheet(TABLE + rows))


def formula_without_a_value() -> bytes:
    return workbook(sheet(f'{TABLE}<row r="3"><c r="A3"><f>1+1</f></c></row>'))


def macros() -> bytes:
    return workbook(xl__vbaProject_dot_bin=b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 4096)


def external_links() -> bytes:
    return workbook(
        xl__externalLinks__externalLink1_dot_xml=(
            f'<externalLink {_X}><externalBook {_R} r:id="rId1"/></externalLink>'
        ),
        xl__externalLinks___rels__externalLink1_dot_xml_dot_rels=relations(
            ("rId1", "externalLinkPath", "file://127.0.0.1/share/x.xlsx"), mode=' TargetMode="External"'
        ),
    )


def _letters(column: int) -> str:
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
