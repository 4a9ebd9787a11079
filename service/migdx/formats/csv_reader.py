"""SDMX-CSV 1.0, 2.0 and 2.1 as columns of text, with the row of the file that each observation stands in.

https://github.com/sdmx-twg/sdmx-csv/blob/master/data-message/docs/sdmx-csv-field-guide.md

csv_records.py finds the records and sets aside those that cannot be read; pyarrow sees only sound ones, a
chunk at a time. The text stays as it was sent: nothing is null, nothing is a number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
from pyarrow import csv as arrow_csv

from ..columns import Columns, Flags, Indices, in_columns, nothing
from ..report import SAMPLE, Finding, Place
from .csv_column import Column
from .csv_decimals import decimal_of
from .csv_header import Declared, Header, declared, header_of, quote_places, unnamed_column
from .csv_records import Records, Scanner
from .faults import Faults
from .parts import MOST, Parts, Terms
from .refused import Refused, unreadable
from .text_encoding import Encoding, encoding_of, not_utf8

_VALUE = "OBS_VALUE"
_NUMBERED = pa.dictionary(pa.int32(), pa.utf8())


def read(file: BinaryIO, job: Mapping[str, Any]) -> Columns:
    """What `file`, read from its beginning, says as SDMX-CSV, and what is wrong with it as a file."""
    try:
        said = declared(job.get("parameters", {}))
        encoding = encoding_of(file)
        scanner = Scanner(file, encoding)
        return _Reading(header_of(scanner, said.separator), encoding, said).read(scanner)
    except Refused as fault:
        return nothing("SDMX-CSV", fault.finding)
    except UnicodeDecodeError:
        return nothing("SDMX-CSV", unreadable("binary").finding)


class _Reading:
    """One file while it is read."""

    def __init__(self, header: Header, encoding: Encoding, said: Declared) -> None:
        self.header, self.encoding, self.said = header, encoding, said
        self.columns = {at: Column(texts=id == _VALUE) for at, id in header.components.items()}
        self.columns |= {at: Column() for at in header.unnamed}
        self.parts = Parts()
        self.terms = Terms(header.terms, self.parts)
        self.part_of: list[Indices] = []
        self.rows: list[Indices | range] = []
        self.received = 0
        self.ragged, self.unclosed, self.unsound, self.parted = Faults(), Faults(), Faults(), Faults()
        self.widths: Counter[int] = Counter()

    def read(self, scanner: Scanner) -> Columns:
        skip = self.header.index + 1
        for records in scanner(self.header.separator):
            keep, without = self._sound(records, skip)
            skip = 0
            if keep.any():
                data = records.only(keep, without)
                self._parse(data, records.lines[keep], quotes=records.quotes)
        return self._done()

    def _sound(self, records: Records, skip: int) -> tuple[Flags, Indices]:
        """Which records can be read, and what of them is not to be; the others are noted.

        The header and blank lines are neither.
        """
        is_row = records.cells > 0
        is_row[:skip] = False
        self.received += int(np.count_nonzero(is_row))
        if not self.encoding.sound:
            for at in np.flatnonzero(is_row).tolist():
                if not _is_text(records.bytes_of(at)):
                    self.unsound.add([Place(row=int(records.lines[at]))])
                    is_row[at] = False
        unclosed = np.unique(records.of(records.unclosed))
        if len(unclosed):
            self.unclosed.add(quote_places(records, self.header.separator), len(unclosed))
            is_row[unclosed] = False
        keep: Flags = is_row & (records.cells == self.header.width)
        without: Indices = np.zeros(0, np.int64)
        if (is_row & (records.cells > self.header.width)).any():
            ends_empty, without = records.empty_beyond(self.header.width, self.header.separator)
            keep |= is_row & ends_empty
        ragged = np.flatnonzero(is_row & ~keep)
        if len(ragged):
            self.widths.update(records.cells[ragged].tolist())
            places = (Place(row=int(records.lines[at]), given=str(records.cells[at])) for at in ragged)
            self.ragged.add(places, len(ragged))
        return keep, without

    def _parse(self, data: Any, rows: Indices, *, quotes: bool) -> None:
        terms = self.header.terms
        texts = {at for at, column in self.columns.items() if column.texts}
        types = {str(at): pa.utf8() if at in texts else _NUMBERED for at in (*terms.values(), *self.columns)}
        names = [str(at) for at in range(self.header.width)]
        table = arrow_csv.read_csv(
            pa.BufferReader(pa.py_buffer(data)),
            arrow_csv.ReadOptions(use_threads=False, block_size=len(data) + 1, column_names=names),
            arrow_csv.ParseOptions(
                delimiter=self.header.separator,
                quote_char='"' if quotes else False,
                newlines_in_values=quotes,
                ignore_empty_lines=False,
            ),
            # NA is Namibia: no text is null. That it is UTF-8 is known by now
            arrow_csv.ConvertOptions(
                column_types=types, include_columns=list(types), null_values=[], check_utf8=False
            ),
        )
        # two ideas of what a record is would have parted: better no data than other data
        if table.num_rows != len(rows):
            raise AssertionError(f"{len(rows)} records were found and {table.num_rows} read")
        part_of = self.terms.numbers([table.column(str(at)).chunk(0) for at in terms.values()], rows)
        beyond = part_of < 0
        if beyond.any():
            self.parted.add((Place(row=int(row)) for row in rows[beyond]), int(np.count_nonzero(beyond)))
            table, rows, part_of = table.filter(pa.array(~beyond)), rows[~beyond], part_of[~beyond]
            if not len(rows):
                return
        # rows without a gap between them are kept as the two numbers that they are
        in_order = int(rows[-1] - rows[0]) + 1 == len(rows)
        self.rows.append(range(int(rows[0]), int(rows[-1]) + 1) if in_order else rows)
        self.part_of.append(part_of)
        for at, column in self.columns.items():
            column.add(table.column(str(at)).chunk(0))

    def _done(self) -> Columns:
        header = self.header
        findings = [*self._findings()]
        table = pa.table({
            id: self.columns[at].done(at in header.labelled, header.several.get(at, ""))
            for at, id in header.components.items()
        })  # fmt: skip
        rows = self._lines()
        parts = self.parts.all
        merges = any(part.action == "Merge" for part in parts)
        version = "2.1" if header.version == "2.0" and merges else header.version
        decimal, more = decimal_of(self.said.decimal, header, table)
        return Columns(
            format=f"SDMX-CSV {version}",
            table=table,
            places=in_columns(rows, {id: at + 1 for at, id in header.components.items()}),
            parts=parts,
            part_of=np.concatenate(self.part_of) if len(parts) > 1 else None,
            received=self.received,
            findings=(*findings, *more),
            several={header.components[at]: sign for at, sign in header.several.items()},
            decimal=decimal,
        )

    def _lines(self) -> Indices:
        """The line of each record that could be read."""
        lines = np.empty(sum(map(len, self.rows)), np.int64)
        at = 0
        for rows in self.rows:
            own = np.arange(rows.start, rows.stop) if isinstance(rows, range) else rows
            lines[at : at + len(rows)] = own
            at += len(rows)
        return lines

    def _findings(self) -> Iterator[Finding]:
        """Faults of the file, before those of its rows, before those of single terms."""
        encoding, header = self.encoding, self.header
        if encoding.sound and encoding.name != "UTF-8":
            yield not_utf8(encoding.name, encoding.row)
        yield from header.findings
        for at in sorted(header.unnamed):
            if self.columns[at].says_something:
                yield unnamed_column(Place(row=header.row, column=at + 1))
        noise = self.unsound.count * 2 > self.received  # cells and quotes of what is no text mean nothing
        if not noise:
            given = ", ".join(str(width) for width, _ in self.widths.most_common(SAMPLE))
            values = {"given": given, "expected": header.width}
            yield from self.ragged.found(Finding("wrong_number_of_cells", values=values))
            yield from self.unclosed.found(Finding("unclosed_quote"))
        yield from self.unsound.found(Finding("unreadable_text", values={"encoding": encoding.name}))
        yield from self.parted.found(Finding("too_many_parts", values={"limit": MOST}))
        if not self.received:
            yield Finding("no_rows", places=(Place(row=header.row),))


def _is_text(record: bytes) -> bool:
    try:
        return "\0" not in record.decode()
    except UnicodeDecodeError:
        return False
