"""Archives that attack who opens them: more comes out than goes in, or something else than is said."""

from __future__ import annotations

import gzip
import random
import struct
import zipfile
import zlib
from io import BytesIO

import zstandard
from hostile_text import HEAD, ROW, external_file

MB = 1 << 20
ZEROS = b"\0" * (64 * MB)
TEXT = HEAD + ROW * 10


def zipped(**files: bytes) -> bytes:
    made = BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "."), content)
    return made.getvalue()


def _deflated(times: int) -> bytes:
    """A deflate stream of `times` 64 MB of zeros: after a full flush the same bytes may stand again."""
    engine = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = engine.compress(ZEROS) + engine.flush(zlib.Z_FULL_FLUSH)
    return block * times + engine.flush()


def gzip_bomb() -> bytes:
    """10 GB in 10 MB, one member."""
    return b"\x1f\x8b\x08\0\0\0\0\0\0\x03" + _deflated(160) + b"\0" * 8


def gzip_bomb_of_members() -> bytes:
    return gzip.compress(ZEROS) * 160


def gzip_of_empty_members() -> bytes:
    return gzip.compress(b"") * 300_000


def gzip_bomb_of_text() -> bytes:
    """2 GB of rows that are alike."""
    text = ROW * (64 * MB // len(ROW))
    return gzip.compress(HEAD) + gzip.compress(text, 1) * 32


def gzip_in_gzip() -> bytes:
    data = TEXT
    for _ in range(20):
        data = gzip.compress(data)
    return data


def gzip_cut() -> bytes:
    return gzip.compress(TEXT * 1000)[:-20]


def gzip_with_a_wrong_sum() -> bytes:
    data = gzip.compress(TEXT)
    return data[:-8] + b"\0\0\0\0" + data[-4:]


def gzip_of_noise() -> bytes:
    return b"\x1f\x8b\x08\0\0\0\0\0\0\x03" + random.Random(1).randbytes(MB)


def gzip_with_a_long_name() -> bytes:
    return b"\x1f\x8b\x08\x08\0\0\0\0\0\x03" + b"x" * (20 * MB)


def zstd_bomb() -> bytes:
    engine = zstandard.ZstdCompressor(level=3).compressobj()
    return b"".join(engine.compress(ZEROS) for _ in range(40)) + engine.flush()


def zstd_that_wants_a_window() -> bytes:
    """A frame header that asks for a window of 3 TB."""
    return b"\x28\xb5\x2f\xfd\x00\xff" + b"\x01\0\0" * 10


def zip_bomb() -> bytes:
    """10 GB in one file of 10 MB."""
    return raw_zip([(b"data.csv", _deflated(160), 160 * len(ZEROS))])


def zip_bomb_that_lies() -> bytes:
    """The same, which says that it has 1,000 bytes."""
    return raw_zip([(b"data.csv", _deflated(160), 1000)])


def zip_of_overlapping_files() -> bytes:
    """1,000 names for the same bytes (Fifield, A better zip bomb, 2019)."""
    kernel = _deflated(4)
    local = _local(b"a.csv", kernel, 4 * len(ZEROS))
    entries = b"".join(_central(b"%d.csv" % n, kernel, 4 * len(ZEROS), 0) for n in range(1000))
    return local + kernel + entries + _end(1000, len(entries), len(local) + len(kernel))


def zip_in_zip() -> bytes:
    data = zipped(data__csv=TEXT)
    for _ in range(20):
        data = zipped(data__zip=data)
    return data


def zip_of_many_bombs() -> bytes:
    inner = raw_zip([(b"data.csv", _deflated(4), 4 * len(ZEROS))])
    return zipped(**{f"{n}__zip": inner for n in range(16)})


def zip_of_a_million_entries() -> bytes:
    entries = b"".join(_central(b"%d" % n, b"", 0, 0) for n in range(1_000_000))
    return _local(b"0", b"", 0) + entries + _end(0xFFFF, len(entries), 31)


def zip_of_two_thousand_files() -> bytes:
    return zipped(**{f"{n}__csv": b"" for n in range(2000)})


def zip_with_wrong_counts() -> bytes:
    data = bytearray(zipped(data__csv=TEXT))
    at = data.rindex(b"PK\5\6")
    data[at + 8 : at + 20] = struct.pack("<HHII", 0xFFFF, 0xFFFF, 0xFFFFFFF0, 0xFFFFFFF0)
    return bytes(data)


def zip_with_a_wrong_sum() -> bytes:
    return zipped(data__csv=TEXT).replace(struct.pack("<I", zlib.crc32(TEXT)), b"\1\2\3\4")


def zip_with_a_password() -> bytes:
    data = bytearray(zipped(data__csv=TEXT))
    for mark, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        data[data.index(mark) + at] |= 1
    return bytes(data)


def zip_by_an_unknown_method() -> bytes:
    data = bytearray(zipped(data__csv=TEXT))
    for mark, at in ((b"PK\3\4", 8), (b"PK\1\2", 10)):
        data[data.index(mark) + at] = 98
    return bytes(data)


def zip_by_lzma() -> bytes:
    made = BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("data.csv", b"\0" * 100 * MB)
    return made.getvalue()


def zip_with_a_path() -> bytes:
    """A file that wants to lie elsewhere. It is one file, and read; nothing is written by its name."""
    return zipped(**{"../../../../tmp/hostile__csv": TEXT})


def zip_with_a_link() -> bytes:
    made = BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        link = zipfile.ZipInfo("data.csv")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    return made.getvalue()


def zip_of_several() -> bytes:
    return zipped(a__csv=TEXT, b__csv=TEXT)


def zip_of_nothing() -> bytes:
    return zipped()


def zip_cut() -> bytes:
    return zipped(data__csv=TEXT)[:-30]


def zip_of_xml_that_reads_files() -> bytes:
    return zipped(data__xml=external_file())


def zip_comment() -> bytes:
    made = zipped(data__csv=TEXT)
    return made[:-2] + b"\xff\xff" + b"PK\5\6" * 16_000


def raw_zip(files: list[tuple[bytes, bytes, int]]) -> bytes:
    """A zip of files that are compressed already: name, compressed bytes, the size that is said of them.

    No sum is right, which shows at the end of a file only.
    """
    body, entries = b"", b""
    for name, packed, size in files:
        entries += _central(name, packed, size, len(body))
        body += _local(name, packed, size) + packed
    return body + entries + _end(len(files), len(entries), len(body))


def _sizes(packed: bytes, size: int) -> tuple[int, int, bytes]:
    """Both sizes as they stand in a header, and the field for those of 4 GB and more."""
    if size < 0xFFFFFFFF:
        return len(packed), size, b""
    return len(packed), 0xFFFFFFFF, struct.pack("<HHQ", 1, 8, size)


def _local(name: bytes, packed: bytes, size: int) -> bytes:
    short, long, extra = _sizes(packed, size)
    more = struct.pack("<HHQQ", 1, 16, long if not extra else size, short) if extra else b""
    return (
        struct.pack("<4s5H3I2H", b"PK\3\4", 45, 0, 8, 0, 0, 0, short, long, len(name), len(more))
        + name
        + more
    )


def _central(name: bytes, packed: bytes, size: int, offset: int) -> bytes:
    short, long, extra = _sizes(packed, size)
    about = (45, 45, 0, 8, 0, 0, 0, short, long, len(name), len(extra), 0, 0, 0, 0, offset)
    return struct.pack("<4s6H3I5H2I", b"PK\1\2", *about) + name + extra


def _end(count: int, size: int, offset: int) -> bytes:
    return struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, count, count, size, offset, 0)
