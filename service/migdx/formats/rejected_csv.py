"""The task that finds the rejected rows of a CSV file as they were sent, in the child process.

rejected.py says which rows are sound; all others are given back, those too that no reader could read.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa

from .csv_header import declared, header_of
from .csv_records import Records, Scanner
from .opening import opened
from .refused import Refused
from .text_encoding import encoding_of

_SCHEMA = pa.schema({"line": pa.int64(), "cells": pa.int64(), "unclosed": pa.bool_(), "record": pa.binary()})


def rejected(file: BinaryIO, job: Mapping[str, Any]) -> tuple[pa.Table, dict[str, Any]]:
    """The rows whose bits are not set in job["sound"] (packed bits by line, base64), in the file's order.

    `line` is the first of a row, `cells` how many it has, `unclosed` whether a quote in it is, `record` its
    bytes as UTF-8 with its line end. Said: `header`, null when there is none, `separator`, `width`, and
    `mark`, whether the file begins with a byte order mark.
    """
    try:
        found = opened(file, job)
        said_of_it = declared(found.parameters)
        found.file.seek(0)
        encoding = encoding_of(found.file)
        scanner = Scanner(found.file, encoding)
        header = header_of(scanner, said_of_it.separator)
        sound = np.unpackbits(np.frombuffer(b64decode(job["sound"]), np.uint8)).astype(bool)
        tables, said = list[pa.Table](), dict[str, Any]()
        skip = header.index + 1
        for records in scanner(header.separator):
            if skip:
                said["header"] = records.bytes_of(header.index).decode("utf-8", "surrogateescape")
            tables.append(_wanted(records, sound, skip))
            skip = 0
    except (Refused, UnicodeDecodeError):
        return _SCHEMA.empty_table(), {"header": None}
    said |= {"separator": header.separator, "width": header.width, "mark": encoding.skip > 0}
    return pa.concat_tables(tables), said


def _wanted(records: Records, sound: np.ndarray[Any, np.dtype[np.bool_]], skip: int) -> pa.Table:
    is_row = records.cells > 0
    is_row[:skip] = False
    inside = records.lines < len(sound)
    is_row[inside] &= ~sound[records.lines[inside]]
    lengths = (records.ends - records.starts)[is_row]
    data = records.data[np.repeat(is_row, records.ends - records.starts)]
    offsets = np.concatenate(([0], np.cumsum(lengths))).astype(np.int32)
    unclosed = np.zeros(len(records), bool)
    unclosed[records.of(records.unclosed)] = True
    record = pa.Array.from_buffers(
        pa.binary(), len(lengths), [None, pa.py_buffer(offsets), pa.py_buffer(data.tobytes())]
    )
    columns = (pa.array(records.lines[is_row]), pa.array(records.cells[is_row]), pa.array(unclosed[is_row]))
    return pa.Table.from_arrays([*columns, record], schema=_SCHEMA)
