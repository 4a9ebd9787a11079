"""The rejected rows of a file as CSV, with a first column that says why.

Of an SDMX-CSV file they are the bytes that were sent; rows of every other format are written as SDMX-CSV
2.1 (`MIGDX_WHY` apart). A text that a spreadsheet would run gets an apostrophe. The column comes first, for
a row may have too few cells, or a quote that is not closed.
"""

from __future__ import annotations

import csv
import io
import re
from base64 import b64encode
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa

from ..columns import Columns, Indices, Located
from ..errors import TooLarge
from ..report import Place, advice, message, where
from . import sandbox
from .content import LIKE_A_FORMULA

WHY = "MIGDX_WHY"
_ROWS = 10_000
"""Rows that are written at a time."""


def rejected(
    file: BinaryIO,
    size: int,
    columns: Columns,
    faults: Sequence[Located],
    of_rows: Collection[str],
    languages: Sequence[str] = ("en",),
    **job: Any,
) -> Iterator[bytes]:
    """The CSV in pieces, UTF-8; its first piece is made before this returns.

    An error that is not `of_rows` is one of the file, and rejects them all. `job` is what a reader is told of
    the file. TooLarge when the rows cannot be found again.
    """
    reasons = _Reasons(columns, faults, of_rows, languages)
    if columns.format.startswith("SDMX-CSV"):
        return _as_sent(file, size, columns, reasons, job)
    return _written(columns, reasons)


class _Reasons:
    """Why each record is rejected: `texts[of[record]]`; 0 is that of a sound one.

    `unread` is why rows are no records, by code; `apart` are the errors that touch no record, with places.
    """

    def __init__(
        self, columns: Columns, faults: Sequence[Located], of_rows: Collection[str], languages: Sequence[str]
    ) -> None:
        errors = [one for one in faults if one.finding.counts_as == "error"]
        said = [_one_line(f"{one.finding.code}: {advice(one.finding, languages)}") for one in errors]
        whole = [
            text
            for one, text in zip(errors, said, strict=True)
            if not len(one.records) and one.finding.code not in of_rows
        ]
        self.unread = {
            one.finding.code: " | ".join([*whole, text])
            for one, text in zip(errors, said, strict=True)
            if not len(one.records) and one.finding.code in of_rows
        }
        self.of: Indices = np.zeros(len(columns.places), np.int64)
        met: list[tuple[str, ...]] = [()]
        for one, text in zip(errors, said, strict=True):
            before, place = np.unique(self.of[one.records], return_inverse=True)
            numbers = np.arange(len(met), len(met) + len(before))
            met += [(*met[number], text) for number in before]
            self.of[one.records] = numbers[place]
        self.whole = " | ".join(whole)
        self.apart = [
            f"{where(place)}: {text}"
            for one, text in zip(errors, said, strict=True)
            if not len(one.records)
            for place in one.finding.places or (Place(),)
        ]
        self.texts = [" | ".join((*whole, *texts)) for texts in met]
        self.rejected: Indices = np.arange(len(self.of)) if whole else np.flatnonzero(self.of)

    def of_unread(self, *, unclosed: bool, ragged: bool) -> str:
        """Why a row is no record."""
        code = "unclosed_quote" if unclosed else "wrong_number_of_cells" if ragged else "unreadable_text"
        return self.unread.get(code) or " | ".join(self.unread.values()) or self.whole or code


def _one_line(text: str) -> str:
    return " ".join(text.split())


# --- as they were sent --------------------------------------------------------------------------------------


def _as_sent(
    file: BinaryIO, size: int, columns: Columns, reasons: _Reasons, job: dict[str, Any]
) -> Iterator[bytes]:
    lines = columns.places.rows
    sound = np.zeros(int(lines.max(initial=0)) + 1, bool)
    sound[lines] = True
    sound[lines[reasons.rejected]] = False
    try:
        table, said = sandbox.default.do(
            "rejected", file, size, **job, sound=b64encode(np.packbits(sound).tobytes()).decode()
        )
    except sandbox.Failed as failed:
        raise TooLarge(f"The rejected rows cannot be given back: {message(failed.finding)}") from None
    if said["header"] is None:
        whole = (text for text in (reasons.whole, *reasons.unread.values()) if text)
        return iter([f"{WHY}\n".encode(), *(_quoted(text) + b"\n" for text in whole)])
    header = said["header"].encode("utf-8", "surrogateescape")
    mark = b"\xef\xbb\xbf" if said["mark"] else b""
    separator = said["separator"].encode()
    header = _unrun(header, separator)
    return _joined(mark + WHY.encode() + separator + header, separator, table, lines, reasons, said["width"])


def _joined(
    first: bytes, separator: bytes, table: pa.Table, lines: Indices, reasons: _Reasons, width: int
) -> Iterator[bytes]:
    yield first if first.endswith((b"\n", b"\r")) else first + b"\n"
    texts = [_quoted(text) + separator for text in reasons.texts]
    for batch in table.to_batches(_ROWS):
        line = np.asarray(batch.column("line"))
        at = np.searchsorted(lines, line)
        known = at < len(lines)
        known[known] = lines[at[known]] == line[known]
        found = zip(
            known.tolist(), at.tolist(), batch.column("cells").to_pylist(),
            batch.column("unclosed").to_pylist(), batch.column("record").to_pylist(), strict=True,
        )  # fmt: skip
        yield b"".join(
            (
                texts[reasons.of[record]]
                if read
                else _quoted(reasons.of_unread(unclosed=unclosed, ragged=cells != width)) + separator
            )
            + _unrun(bytes_sent, separator)
            for read, record, cells, unclosed, bytes_sent in found
        )


def _unrun(record: bytes, separator: bytes) -> bytes:
    """A record as it was sent, but for cells that a spreadsheet would run."""
    if not _MAY_RUN.search(record):
        return record
    text = record.decode("utf-8", "surrogateescape")
    ending = text[len(text.rstrip("\r\n")) :]
    try:
        (cells,) = csv.reader([text[: len(text) - len(ending)]], delimiter=separator.decode())
    except (csv.Error, ValueError):  # a cell of more than 128 KiB, or none: a quote keeps it a text
        return _quoted("'" + text.rstrip("\r\n")) + ending.encode()
    harmless = [_harmless(cell) for cell in cells]
    if harmless == cells:
        return record
    sink = io.StringIO()
    csv.writer(sink, delimiter=separator.decode(), lineterminator=ending).writerow(harmless)
    return sink.getvalue().encode("utf-8", "surrogateescape")


def _quoted(text: str) -> bytes:
    return ('"' + text.replace('"', '""') + '"').encode()


# --- written anew -------------------------------------------------------------------------------------------

_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?", re.ASCII)
_MAY_RUN = re.compile(rb"(?:\A|[,;|\t])[\"' ]*[" + re.escape("".join(LIKE_A_FORMULA).encode()) + rb"]")


def _written(columns: Columns, reasons: _Reasons) -> Iterator[bytes]:
    """SDMX-CSV 2.1, the first column told apart; each reason begins with the place in the file as sent."""
    names = columns.table.column_names
    yield csv_lines([[WHY, "STRUCTURE", "STRUCTURE_ID", "ACTION", *names]])
    yield csv_lines([text, *[""] * (3 + len(names))] for text in reasons.apart)
    for start in range(0, len(reasons.rejected), _ROWS):
        records = reasons.rejected[start : start + _ROWS]
        taken = columns.table.take(pa.array(records))
        yield csv_lines(
            [*_of_record(int(record), columns, reasons), *row]
            for record, row in zip(records, zip(*map(_texts, taken.columns), strict=True), strict=True)
        )


def _of_record(record: int, columns: Columns, reasons: _Reasons) -> list[str]:
    part = columns.parts[int(columns.part_of[record]) if columns.part_of is not None else 0]
    why = f"{where(columns.places.of(record))}: {reasons.texts[reasons.of[record]]}"
    return [why, part.kind, part.reference, part.action[:1]]


def _texts(column: pa.ChunkedArray) -> list[str]:
    return [text or "" for text in column.to_pylist()]


def csv_lines(rows: Iterable[Iterable[str]]) -> bytes:
    sink = io.StringIO()
    csv.writer(sink).writerows(map(_harmless, row) for row in rows)
    return sink.getvalue().encode()


def _harmless(text: str) -> str:
    """A text that no spreadsheet runs as a formula; numbers stay what they are."""
    if text.startswith(LIKE_A_FORMULA) and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text
