"""What the bytes of a data file are: told by signatures and first characters, never by what the sender says.

A media type or a file name decides only where the first characters leave it open, and is contradicted in a
finding where the bytes plainly are something else.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Mapping
from pathlib import PurePath
from typing import BinaryIO

from ..report import Finding
from .text_encoding import told_by

CALLED = {
    "csv": "CSV",
    "xml": "XML",
    "json": "JSON",
    "xlsx": "Excel (.xlsx)",
    "xls": "Excel 97 (.xls)",
    "ods": "OpenDocument (.ods)",
    "zip": "ZIP",
    "gzip": "GZIP",
    "zstd": "Zstandard",
}
"""How findings name the kinds of files that are read; every other kind is its own name."""

_HEAD = 4096

_SIGNATURES = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
    b"PK\x07\x08": "zip",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "xls",
    b"\x09\x08\x10\x00": "Excel 5 without its container",
    b"\x09\x04\x06\x00": "Excel 4",
    b"\x09\x02\x06\x00": "Excel 3",
    b"\x09\x00\x04\x00": "Excel 2",
    b"%PDF": "PDF",
    b"PAR1": "Parquet",
    b"ARROW1": "Arrow",
    b"FEA1": "Feather",
    b"ORC": "ORC",
    b"Obj\x01": "Avro",
    b"SQLite format 3\0": "SQLite",
    b"\0\1\0\0Standard Jet DB": "Microsoft Access",
    b"\0\1\0\0Standard ACE DB": "Microsoft Access",
    b"\x89HDF\r\n\x1a\n": "HDF5",
    b"$FL2": "SPSS microdata (.sav)",
    b"$FL3": "SPSS microdata (.zsav)",
    b"<stata_dta>": "Stata microdata (.dta)",
    b"\0" * 12 + b"\xc2\xea\x81\x60\xb3\x14\x11\xcf": "SAS microdata (.sas7bdat)",
    b"HEADER RECORD*******LIB": "SAS microdata (.xpt)",
    b"RDX2\n": "R",
    b"RDX3\n": "R",
    b"{\\rtf": "RTF",
    b"\x89PNG\r\n\x1a\n": "PNG image",
    b"\xff\xd8\xff": "JPEG image",
    b"GIF8": "GIF image",
    b"II*\0": "TIFF image",
    b"MM\0*": "TIFF image",
    b"7z\xbc\xaf\x27\x1c": "7-Zip",
    b"Rar!\x1a\x07": "RAR",
    b"\xfd7zXZ\0": "XZ",
    b"BZh": "bzip2",
    b"\x7fELF": "program",
    b"MZ\x90\0": "program",
    b"\xff\xfe\0\0": "UTF-32 text",
    b"\0\0\xfe\xff": "UTF-32 text",
}
_STATA = re.compile(rb"[\x68-\x73][\x01\x02]\x01\x00")  # before release 117: release, byte order, 1, 0


def kind_of(file: BinaryIO, declared: str = "") -> str:
    """The kind of `file`: a key of CALLED, or the name of what else it looks like.

    `declared` is the kind that the sender names. What looks like nothing is text: the CSV reader says more.
    """
    file.seek(0)
    head = file.read(_HEAD)
    # the longest first: a signature may begin with another
    for signature in sorted(_SIGNATURES, key=len, reverse=True):
        if head.startswith(signature):
            kind = _SIGNATURES[signature]
            if kind == "zip":
                return _zip_kind(file, head)
            return _compound_kind(file, head) if kind == "xls" else kind
    if head[257:262] == b"ustar":
        return "TAR"
    if _STATA.match(head):
        return "Stata microdata (.dta)"
    return _text_kind(_decoded(head), declared)


def _decoded(head: bytes) -> str:
    """The first characters, as far as they are text, without the mark of their encoding."""
    encoding, skip = told_by(head)
    return head[skip:].decode(encoding or "UTF-8", "replace")


_HTML = re.compile(r"<(!doctype\s+html|html|head|body|table|meta|style)\b", re.IGNORECASE)
_XML = re.compile(r"<([?!]|[^\W\d][\w.:-]*[\s/>])")
_JSON = re.compile(r"\{\s*[\"}]|\[\s*[\"{\[\]\d-]|[{\[]\s*\Z")
_JSON_IF_SAID = re.compile(r"[{\[\"\dtfn-]")


def _text_kind(text: str, declared: str) -> str:
    start = text.lstrip()
    if _HTML.match(start):
        return "HTML"
    if _XML.match(start):
        if "urn:schemas-microsoft-com:office:spreadsheet" in start:
            return "Excel 2003 XML"
        return "HTML" if re.search(r"<html\b", start[:1000], re.IGNORECASE) else "xml"
    if _JSON.match(start):
        return "json"
    open_to = {"xml": start[:1] == "<", "json": _JSON_IF_SAID.match(start) is not None}
    return declared if open_to.get(declared) else "csv"


# --- zip: workbooks are zips too ----------------------------------------------------------------------------

_PARTS = {
    b"xl/workbook.bin": "Excel binary workbook (.xlsb)",
    b"xl/workbook": "xlsx",
    b"xl/worksheets/": "xlsx",
    b"word/": "Word (.docx)",
    b"ppt/": "PowerPoint (.pptx)",
    b"Index/Document.iwa": "Apple Numbers",
}
_OPEN_DOCUMENT = b"mimetypeapplication/vnd.oasis.opendocument."
_DIRECTORY = 1 << 20


def _zip_kind(file: BinaryIO, head: bytes) -> str:
    """By the names in its directory; by the first of its files where the directory is lost."""
    # the mimetype is the first file, not compressed, and has neither extra field nor name to come
    if (at := head.find(_OPEN_DOCUMENT, 30, 200)) >= 0:
        what = head[at + len(_OPEN_DOCUMENT) :]
        return "ods" if what.startswith(b"spreadsheet") else "OpenDocument that is no spreadsheet"
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _DIRECTORY))
    tail = file.read(_DIRECTORY)
    end = tail.rfind(b"PK\x05\x06")
    names = head
    # before it stands the directory; what a workbook within has of it does not
    if 0 <= end <= len(tail) - 22:
        names = tail[max(0, end - struct.unpack_from("<I", tail, end + 12)[0]) : end]
    for part, kind in _PARTS.items():
        if _names(names, part):
            return kind
    return "zip"


def _names(directory: bytes, part: bytes) -> bool:
    """Whether a file whose path begins with `part` stands in a directory of a zip, or in front of one."""
    at = directory.find(part)
    while at >= 0:
        if directory[at - 46 : at - 42] == b"PK\x01\x02" or directory[at - 30 : at - 26] == b"PK\x03\x04":
            return True
        at = directory.find(part, at + 1)
    return False


# --- compound files: xls, and the rest of an old Office -----------------------------------------------------

_STREAMS = {
    "EncryptedPackage": "workbook or document with a password",
    "Workbook": "xls",
    "Book": "xls",
    "WordDocument": "Word (.doc)",
    "PowerPoint Document": "PowerPoint (.ppt)",
}


def _compound_kind(file: BinaryIO, head: bytes) -> str:
    """By the names of its streams ([MS-CFB] 2.2, 2.6); xls where they cannot be read."""
    found = set(_streams(file, head))
    return next((kind for name, kind in _STREAMS.items() if name in found), "xls" if not found else "OLE")


def _streams(file: BinaryIO, head: bytes) -> list[str]:
    """Names in the first sectors of the directory, which is a chain in the table of sectors."""
    if len(head) < 512:
        return []
    shift = struct.unpack_from("<H", head, 30)[0]
    if shift not in (9, 12):
        return []
    size = 1 << shift
    tables = struct.unpack_from("<109I", head, 76)
    sector = struct.unpack_from("<I", head, 48)[0]
    names: list[str] = []
    for _ in range(8):
        file.seek((sector + 1) * size)
        entries = file.read(size)
        for at in range(0, len(entries) - 127, 128):
            length = struct.unpack_from("<H", entries, at + 64)[0]
            names.append(entries[at : at + min(max(length - 2, 0), 64)].decode("utf-16-le", "replace"))
        which, within = divmod(sector, size // 4)
        if which >= len(tables):
            break
        file.seek((tables[which] + 1) * size + 4 * within)
        following = file.read(4)
        if len(following) < 4 or following >= b"\xfa\xff\xff\xff":
            break
        sector = struct.unpack("<I", following)[0]
    return [name for name in names if name]


# --- what the sender says -----------------------------------------------------------------------------------

WORKBOOKS = frozenset(("xlsx", "xls", "ods"))
"""The kinds that have sheets and cells."""

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
"""The media type of the workbooks that are made here."""

LIKE_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How texts begin that a spreadsheet may run."""

_MEDIA_TYPES = {
    "text/csv": "csv",
    "application/csv": "csv",
    "text/tab-separated-values": "csv",
    "application/vnd.sdmx.data+csv": "csv",
    "text/xml": "xml",
    "application/xml": "xml",
    "application/json": "json",
    "text/json": "json",
    XLSX: "xlsx",
    "application/vnd.ms-excel.sheet.macroenabled.12": "xlsx",
    "application/vnd.oasis.opendocument.spreadsheet": "ods",
    "application/zip": "zip",
    "application/x-zip-compressed": "zip",
    "application/gzip": "gzip",
    "application/x-gzip": "gzip",
    "application/zstd": "zstd",
}
"""application/vnd.ms-excel is not here: a browser says it of a .csv where a spreadsheet is installed."""

_SUFFIXES = {
    ".csv": "csv",
    ".tsv": "csv",
    ".xml": "xml",
    ".json": "json",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".xls": "xls",
    ".ods": "ods",
    ".zip": "zip",
    ".gz": "gzip",
    ".zst": "zstd",
}


def essence(media_type: str) -> str:
    """A media type without its parameters, in small letters."""
    return media_type.partition(";")[0].strip().lower()


def parameters(media_type: str) -> dict[str, str]:
    """The parameters of a media type: names in small letters, values without quotes."""
    found = _PARAMETER.findall(media_type)
    return {name.lower(): quoted or plain for name, quoted, plain in found}


_PARAMETER = re.compile(r';\s*([\w-]+)\s*=\s*(?:"([^"]*)"|([^;\s"]*))')


def claims(media_type: str, file_name: str) -> Mapping[str, str]:
    """What the sender says that the file is: by each word that says it, the kind."""
    given = essence(media_type)
    suffix = PurePath(file_name).suffix.lower()
    kind = _MEDIA_TYPES.get(given, given.rpartition("+")[2])
    found = {given: kind if kind in CALLED else "", suffix: _SUFFIXES.get(suffix, "")}
    return {word: kind for word, kind in found.items() if kind}


def contradicted(said: Mapping[str, str], kind: str) -> tuple[Finding, ...]:
    """A warning where nothing that the sender says is true."""
    if not said or kind in said.values():
        return ()
    values = {"given": next(iter(said)), "found": CALLED.get(kind, kind)}
    return (Finding("not_as_declared", "warning", values=values, blocking=False),)
