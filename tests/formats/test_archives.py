"""Archives: the data file in them is read, whatever else they try is refused within bounds."""

import bz2
import gzip
import io
import struct
import tracemalloc
import zipfile
import zlib

import openpyxl
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from migdx.formats import archives, child
from migdx.formats.archives import member_of
from migdx.formats.refused import Refused
from migdx.formats.sandbox import Sandbox
from migdx.report import message

CSV = b"DATAFLOW,A,OBS_VALUE\nX:F(1.0),NA,1.10\nX:F(1.0),3\n"
MOST = 100 << 20


def zipped(files, method=zipfile.ZIP_DEFLATED):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return made.getvalue()


def read(data, **job):
    return child.read(io.BytesIO(data), job)


def refused(data, **job):
    """Why it is not read: the reason, or what is too large."""
    columns = read(data, **job)
    (finding,) = (finding for finding in columns.findings if finding.code != "not_as_declared")
    assert "?" not in message(finding)
    assert message(finding) != finding.code
    assert columns.table.num_rows == 0
    return finding.values["reason"] if finding.code == "unreadable" else finding.values["what"]


@pytest.mark.parametrize(
    ("data", "name", "inner"),
    [
        (zipped({"a/b.csv": CSV}), "x.zip", "a/b.csv"),
        (zipped({"b.csv": CSV}, zipfile.ZIP_STORED), "", "b.csv"),
        (zipped({"__MACOSX/._b.csv": b"x", "b.csv": CSV, "d/": b"", ".DS_Store": b"x"}), "", "b.csv"),
        (zipped({"Thumbs.db": b"x", "d/desktop.ini": b"x", "d/b.csv": CSV}), "", "d/b.csv"),
        (zipped({"/etc/b.csv": CSV}), "", "/etc/b.csv"),
        (zipped({"../../b.csv": CSV}), "", "../../b.csv"),
        (gzip.compress(CSV, mtime=0), "b.csv.gz", "b.csv"),
        (gzip.compress(CSV, mtime=0), "", ""),
        (gzip.compress(CSV[:9], mtime=0) + gzip.compress(CSV[9:], mtime=0) + bytes(100), "", ""),
        (zstandard.compress(CSV), "b.csv.zst", "b.csv"),
        (zstandard.compress(CSV[:9]) + zstandard.compress(CSV[9:]), "", ""),
    ],
)  # fmt: skip
def test_the_data_file_is_read(data, name, inner):
    columns = read(data, file_name=name)
    assert columns.table["A"].to_pylist() == ["NA"]
    assert columns.places.of(0, "A").file == inner
    assert columns.parts[0].place.file == inner
    (finding,) = columns.findings
    assert (finding.code, finding.places[0].row, finding.places[0].file) == (
        "wrong_number_of_cells",
        3,
        inner,
    )


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_workbook_in_a_zip(method):
    made = io.BytesIO()
    book = openpyxl.Workbook()
    for row in (("DATAFLOW", "A", "OBS_VALUE"), ("X:F(1.0)", "NA", 1)):
        book.active.append(row)
    book.save(made)
    columns = read(zipped({"a/b.xlsx": made.getvalue()}, method))
    assert columns.table["A"].to_pylist() == ["NA"]
    assert columns.places.of(0, "A").cell == "B2"
    assert columns.places.of(0, "A").file == "a/b.xlsx"


def test_what_it_is_said_to_be():
    data = zipped({"b.xml": CSV})
    assert [f.code for f in read(data, media_type="text/csv").findings][:1] == ["not_as_declared"]
    assert (
        read(gzip.compress(CSV, mtime=0), media_type="text/csv").findings[0].code == "wrong_number_of_cells"
    )


def encrypted():
    data = bytearray(zipped({"b.csv": CSV}))
    data[6] |= 1
    data[data.find(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def with_size(size):
    """A zip whose directory lies about what comes out."""
    data = bytearray(zipped({"b.csv": CSV}))
    struct.pack_into("<I", data, data.find(b"PK\x01\x02") + 24, size)
    struct.pack_into("<I", data, 22, size)
    return bytes(data)


def overlapping():
    """Two files that are one and the same in the archive."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("b.csv", CSV)
        second = zipfile.ZipInfo("b.csv")
        first = archive.infolist()[0]
        for field in ("header_offset", "CRC", "compress_size", "file_size"):
            setattr(second, field, getattr(first, field))
        archive.filelist.append(second)
    return made.getvalue()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (zipped({"a.csv": CSV, "b.csv": CSV}), "several files"),
        (zipped({}), "empty archive"),
        (zipped({"d/": b"", ".x": b""}), "empty archive"),
        (zipped({"a.zip": zipped({"b.csv": CSV})}), "archive in archive"),
        (gzip.compress(gzip.compress(CSV, mtime=0)), "archive in archive"),
        (zipped({"a.pdf": b"%PDF-1.7"}), "not taken"),
        (encrypted(), "encrypted archive"),
        (overlapping(), "damaged archive"),
        (with_size(5), "damaged archive"),
        (with_size(5000), "damaged archive"),
        (with_size((1 << 32) - 2), "unpacked"),
        (zipped({"b.csv": CSV}, zipfile.ZIP_BZIP2), "zip method"),
        (zipped({"b.csv": CSV}, zipfile.ZIP_LZMA), "zip method"),
        (zipped({"b.csv": CSV})[:60], "damaged archive"),
        (zipped({"b.csv": CSV}, zipfile.ZIP_STORED).replace(b"OBS", b"XBS"), "damaged archive"),
        (zipped({f"{at}.csv": b"" for at in range(1001)}), "entries"),
        (gzip.compress(CSV, mtime=0)[:-3], "damaged archive"),
        (gzip.compress(CSV, mtime=0) + b"and more", "damaged archive"),
        (gzip.compress(CSV, mtime=0)[:20] + b"xx" + gzip.compress(CSV, mtime=0)[22:], "damaged archive"),
        (zstandard.compress(CSV)[:-3], "damaged archive"),
        (zstandard.compress(CSV) + b"and more", "damaged archive"),
        (bz2.compress(CSV), "not taken"),
    ],
)  # fmt: skip
def test_refused(data, reason):
    assert refused(data) == reason


def test_the_files_are_named():
    (finding,) = read(zipped({"a.csv": CSV, "b.csv": CSV})).findings
    assert [place.file for place in finding.places] == ["a.csv", "b.csv"]
    assert "a.csv, b.csv" in message(finding)


def bomb(size, kind):
    zeros = bytes(1 << 20)
    if kind == "zip":
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("b.csv", "w") as file:
            for _ in range(size >> 20):
                file.write(zeros)
        return made.getvalue()
    engine = (
        zlib.compressobj(9, zlib.DEFLATED, 31) if kind == "gzip" else zstandard.ZstdCompressor().compressobj()
    )
    return b"".join([*(engine.compress(zeros) for _ in range(size >> 20)), engine.flush()])


@pytest.mark.parametrize("kind", ["zip", "gzip", "zstd"])
def test_bombs(kind):
    data = bomb(80 << 20, kind)
    assert refused(data) == "ratio"
    assert refused(data, unpacked=1 << 20) == "unpacked"


def test_a_bomb_takes_no_memory(tmp_path):
    with (tmp_path / "scratch").open("w+b") as scratch:
        tracemalloc.start()
        with pytest.raises(Refused):
            member_of(io.BytesIO(bomb(80 << 20, "gzip")), "gzip", "", scratch, MOST)
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
        tracemalloc.stop()


def test_very_many_members(monkeypatch):
    monkeypatch.setattr(archives, "_MEMBERS", 50)
    assert refused(gzip.compress(b"", mtime=0) * 60) == "members"


def test_in_a_child_that_may_write_nothing_else():
    box = Sandbox(keeps_spare=False)
    for data in (zipped({"b.csv": CSV}), gzip.compress(CSV, mtime=0), zstandard.compress(CSV)):
        columns = box.read(io.BytesIO(data), len(data), file_name="b.csv.gz")
        assert columns.table["A"].to_pylist() == ["NA"]
        assert columns.places.of(0).file == columns.findings[-1].places[0].file == "b.csv"
    data = bomb(120 << 20, "gzip")
    (finding,) = box.read(io.BytesIO(data), len(data)).findings
    assert finding.code == "too_large"


@settings(deadline=None)
@given(st.data())
def test_nothing_makes_it_fall(data):
    whole = data.draw(
        st.sampled_from(
            [zipped({"b.csv": CSV, "d/": b""}), gzip.compress(CSV, mtime=0), zstandard.compress(CSV)]
        )
    )
    at = data.draw(st.integers(0, len(whole) - 1))
    changed = whole[:at] + data.draw(st.binary(max_size=4)) + whole[at + data.draw(st.integers(0, 9)) :]
    for finding in read(changed).findings:
        assert message(finding) != finding.code
