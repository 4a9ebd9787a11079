"""SDMX-CSV 1.0, 2.0 and 2.1 as columns of text, with the row of the file that each observation stands in.

https://github.com/sdmx-twg/sdmx-csv/blob/master/data-message/docs/sdmx-csv-field-guide.md

csv_records.py finds the records and sets aside those that cannot be read; pyarrow sees only sound ones, a
chunk at a time. The text stays as it was sent: nothing is null, nothing is a number.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, BinaryIO, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from ..dataset import Columns
from ..plan import Action
from ..report import SAMPLE, Finding, Place
from .csv_header import Header, Unreadable, header_of, quote_places
from .csv_records import CHUNK, Encoding, Flags, NotText, Positions, Records, Scanner, TooLong, encoding_of

_ACTIONS = {word[0]: word for word in get_args(Action)}  # I A R D M
_VALUE = "OBS_VALUE"
_MOST_NAMED = 100  # a column shifted by one can make every row a dataflow of its own
_NUMBERED = pa.dictionary(pa.int32(), pa.utf8())
_UNUSED = frozenset({"STRUCTURE_NAME", "SERIES_KEY", "OBS_KEY"})


def read(file: BinaryIO) -> Columns:
    """What `file`, read from its beginning, says as SDMX-CSV, and what is wrong with it as a file."""
    try:
        encoding = encoding_of(file)
        scanner = Scanner(file, encoding)
        return _Reading(header_of(scanner), encoding).read(scanner)
    except Unreadable as fault:
        return _nothing(fault.finding)
    except NotText as fault:
        return _nothing(Finding("unreadable", values={"reason": fault.args[0]}))
    except UnicodeDecodeError:
        return _nothing(Finding("unreadable", values={"reason": "binary"}))
    except TooLong as fault:
        values = {"what": "row", "given": f"> {CHUNK}", "limit": CHUNK}
        return _nothing(Finding("too_large", places=(Place(row=fault.args[0]),), values=values))


def _nothing(finding: Finding) -> Columns:
    return Columns("SDMX-CSV", pa.table({}), np.zeros(0, np.int64), {}, findings=(finding,))


@dataclass
class _Column:
    """One component as it grows. Its texts are numbered, until too many of them are different."""

    texts: bool = False
    numbers: dict[str, int] = field(default_factory=dict)
    chunks: list[pa.Array] = field(default_factory=list)

    MANY = 1 << 16

    def add(self, chunk: pa.Array) -> None:
        if not self.texts:
            chunk = self._renumbered(chunk)
            self.texts = len(self.numbers) > (self.MANY if self.chunks else max(256, len(chunk) // 2))
        self.chunks.append(chunk)

    def _renumbered(self, chunk: pa.DictionaryArray) -> pa.Array:
        """Its indices in the numbers of the whole column; each chunk comes with numbers of its own."""
        numbers = self.numbers
        own = [numbers.setdefault(text, len(numbers)) for text in chunk.dictionary.to_pylist()]
        if own == list(range(len(own))):
            return chunk.indices
        return pa.array(np.array(own, np.int32)[chunk.indices.to_numpy()])

    def done(self, labelled: bool) -> pa.ChunkedArray:
        """All chunks, with one dictionary or none."""
        distinct = pa.array(list(self.numbers), pa.utf8())
        if not self.texts:
            distinct = _without_labels(distinct) if labelled else distinct
            # most lists have less than 128 codes: an index in one byte is a quarter of the memory
            index = (
                pa.int8() if len(distinct) < 1 << 7 else pa.int16() if len(distinct) < 1 << 15 else pa.int32()
            )
            chunks = [pa.DictionaryArray.from_arrays(chunk.cast(index), distinct) for chunk in self.chunks]
            return pa.chunked_array(chunks, pa.dictionary(index, pa.utf8()))
        chunks = [distinct.take(chunk) if pa.types.is_integer(chunk.type) else chunk for chunk in self.chunks]
        column = pa.chunked_array(chunks, pa.utf8())
        if labelled:
            column = pc.dictionary_encode(column).combine_chunks()
            column = pa.chunked_array([_without_labels(column.dictionary).take(column.indices)])
        return column


@dataclass
class _Faults:
    """Records that cannot be read for one cause: all counted, some placed."""

    count: int = 0
    places: list[Place] = field(default_factory=list)

    def add(self, count: int, places: Iterable[Place]) -> None:
        self.count += count
        self.places += islice(places, SAMPLE - len(self.places))

    def finding(self, code: str, **values: Any) -> Finding:
        return Finding(code, count=self.count, places=tuple(self.places), values=values)


_Tally = dict[tuple[str, ...], tuple[int, int]]
"""How often something was met, and the row where first."""


class _Reading:
    """One file while it is read."""

    def __init__(self, header: Header, encoding: Encoding) -> None:
        self.header, self.encoding = header, encoding
        self.columns = {at: _Column(texts=id == _VALUE) for at, id in header.components.items()}
        self.columns |= {at: _Column() for at in header.unnamed}
        self.terms = {term: at for term, at in header.terms.items() if term not in _UNUSED}
        self.met: _Tally = {}
        self.said: list[Finding] = []
        self.rows: list[Positions] = []
        self.received = 0
        self.ragged, self.unclosed, self.unsound = _Faults(), _Faults(), _Faults()
        self.widths: Counter[int] = Counter()

    def read(self, scanner: Scanner) -> Columns:
        skip = self.header.index + 1
        for records in scanner(self.header.separator):
            keep = self._sound(records, skip)
            skip = 0
            if keep.any():
                self._parse(records.only(keep), records.lines[keep])
        return self._done()

    def _sound(self, records: Records, skip: int) -> Flags:
        """Which records can be read; the others are noted. The header and blank lines are neither."""
        is_row = records.cells > 0
        is_row[:skip] = False
        self.received += int(np.count_nonzero(is_row))
        if not self.encoding.sound:
            for at in np.flatnonzero(is_row).tolist():
                if not _is_text(records.bytes_of(at)):
                    self.unsound.add(1, (Place(row=int(records.lines[at])),))
                    is_row[at] = False
        unclosed = np.unique(records.of(records.unclosed))
        if len(unclosed):
            self.unclosed.add(len(unclosed), quote_places(records, self.header.separator))
            is_row[unclosed] = False
        keep: Flags = is_row & (records.cells == self.header.width)
        ragged = np.flatnonzero(is_row & ~keep)
        if len(ragged):
            self.widths.update(_counts(records.cells[ragged]))
            places = (Place(row=int(records.lines[at]), given=str(records.cells[at])) for at in ragged)
            self.ragged.add(len(ragged), places)
        return keep

    def _parse(self, data: Any, rows: Positions) -> None:
        used = (*self.terms.values(), *self.columns)
        texts = {at for at, column in self.columns.items() if column.texts}
        types = {str(at): pa.utf8() if at in texts else _NUMBERED for at in used}
        names = [str(at) for at in range(self.header.width)]
        table = arrow_csv.read_csv(
            pa.BufferReader(pa.py_buffer(data)),
            arrow_csv.ReadOptions(use_threads=False, block_size=len(data) + 1, column_names=names),
            arrow_csv.ParseOptions(
                delimiter=self.header.separator, newlines_in_values=True, ignore_empty_lines=False
            ),
            # NA is Namibia: no text is null. That it is UTF-8 is known by now
            arrow_csv.ConvertOptions(
                column_types=types, include_columns=list(types), null_values=[], check_utf8=False
            ),
        )
        if table.num_rows != len(
            rows
        ):  # the two ideas of what a record is have parted: better no data than other data
            raise AssertionError(f"{len(rows)} records were found and {table.num_rows} read")
        self.rows.append(rows)
        self._note([table.column(str(at)).chunk(0) for at in self.terms.values()], rows)
        for at, column in self.columns.items():
            column.add(table.column(str(at)).chunk(0))

    def _note(self, terms: list[pa.DictionaryArray], rows: Positions) -> None:
        """Counts what the reserved columns say together."""
        codes = np.zeros(1 if all(len(term.dictionary) == 1 for term in terms) else len(rows), np.int64)
        for term in terms:
            codes = codes * len(term.dictionary) + term.indices.to_numpy()[: len(codes)]
        _, first, counts = np.unique(codes, return_index=True, return_counts=True)
        for at in np.argsort(first):
            said = tuple(term.dictionary[term.indices[int(first[at])].as_py()].as_py() for term in terms)
            count, row = self.met.get(said, (0, int(rows[first[at]])))
            self.met[said] = (count + (int(counts[at]) if len(codes) > 1 else len(rows)), row)

    def _done(self) -> Columns:
        header = self.header
        table = pa.table({
            id: self.columns[at].done(at in header.labelled) for at, id in header.components.items()
        })  # fmt: skip
        rows = np.concatenate(self.rows) if self.rows else np.zeros(0, np.int64)
        structure, actions = self._structure(), self._actions()
        version = "2.1" if header.version == "2.0" and "Merge" in actions else header.version
        return Columns(
            format=f"SDMX-CSV {version}",
            table=table,
            rows=rows,
            positions={id: at + 1 for at, id in header.components.items()},
            structure=structure,
            actions=actions,
            received=self.received,
            findings=tuple(self._findings()),
        )

    def _findings(self) -> Iterator[Finding]:
        """Faults of the file, before those of its rows, before those of single terms."""
        encoding, header = self.encoding, self.header
        if encoding.sound and encoding.name != "UTF-8":
            places = (Place(row=encoding.row),) if encoding.row else ()
            said = {"encoding": encoding.name}
            yield Finding("encoding_not_utf8", "warning", places=places, values=said, blocking=False)
        yield from header.findings
        for at in sorted(header.unnamed):
            if any(self.columns[at].numbers) or self.columns[at].texts:
                values: dict[str, Any] = {
                    "given": "",
                    "reason": "unnamed_column",
                    "row": header.row,
                    "column": at + 1,
                }
                yield Finding("wrong_header", places=(Place(row=header.row, column=at + 1),), values=values)
        if self.ragged.count:
            given = ", ".join(str(width) for width, _ in self.widths.most_common(SAMPLE))
            yield self.ragged.finding("wrong_number_of_cells", given=given, expected=header.width)
        if self.unclosed.count:
            yield self.unclosed.finding("unclosed_quote")
        if self.unsound.count:
            yield self.unsound.finding("unreadable_text", encoding=encoding.name)
        if not self.received:
            yield Finding("no_rows", places=(Place(row=header.row),))
        yield from self.said

    def _structure(self) -> tuple[tuple[str, str], ...]:
        """The distinct structures that the rows name, as (class, reference)."""
        term = "DATAFLOW" if "DATAFLOW" in self.terms else "STRUCTURE_ID"
        found: dict[tuple[str, str], tuple[int, int]] = {}
        for said, (count, row) in self.met.items():
            named = dict(zip(self.terms, said, strict=True))
            reference = named[term].partition(": ")[0]
            kind = named.get("STRUCTURE", "dataflow").lower() if reference.strip() else ""
            before, first = found.get((kind, reference), (0, row))
            found[kind, reference] = (before + count, first)
        missing = [pair for pair in found if not pair[0]]
        for pair in missing:
            count, row = found.pop(pair)
            place = Place(row=row, column=self.terms[term] + 1, given=pair[1])
            self.said.append(Finding("missing_structure", component=term, count=count, places=(place,)))
        if len(found) > 1:
            column = self.terms[term] + 1
            places = (Place(row=row, column=column, given=pair[1]) for pair, (_, row) in found.items())
            counts = [count for count, _ in found.values()]
            values = {
                "given": ", ".join(reference for _, reference in islice(found, SAMPLE)),
                "number": len(found),
            }
            self.said.append(
                Finding(
                    "several_dataflows",
                    count=sum(counts) - max(counts),
                    places=tuple(islice(places, SAMPLE)),
                    values=values,
                )
            )
        return tuple(islice(found, _MOST_NAMED))

    def _actions(self) -> tuple[str, ...]:
        """The distinct actions, unknown letters as they are; an empty cell says Merge."""
        if "ACTION" not in self.terms:
            return ()
        at = list(self.terms).index("ACTION")
        words = dict.fromkeys(_ACTIONS.get(said[at] or "M", said[at]) for said in self.met)
        return tuple(islice(words, _MOST_NAMED))


def _counts(values: Positions) -> dict[int, int]:
    distinct, counts = np.unique(values, return_counts=True)
    return dict(zip(distinct.tolist(), counts.tolist(), strict=True))


def _is_text(record: bytes) -> bool:
    try:
        return "\0" not in record.decode()
    except UnicodeDecodeError:
        return False


_LABELLED = re.compile(r"([A-Za-z0-9_@$-]+): (.*)", re.DOTALL)


def _without_labels(distinct: pa.Array) -> pa.Array:
    """Codes for `ID: Name`, if that is what they are: free text with a colon in it stays as it is.

    Nothing says which columns are coded. In a coded one every text has a label or at least no space, and no
    two labels have one code.
    """
    texts = distinct.to_pylist()
    matches = [_LABELLED.fullmatch(text) for text in texts]
    codes = [match[1] if match else text for match, text in zip(matches, texts, strict=True)]
    if any(" " in code for code in codes) or len(set(codes)) < len(codes):
        return distinct
    return pa.array(codes, pa.utf8())
