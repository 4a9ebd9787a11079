"""Small files that readers take, and small ones that they refuse: other bytes are made by changing these."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from functools import cache
from io import BytesIO
from pathlib import Path

import hostile_archives
import hostile_text
import hostile_workbooks
from data_messages import answer

from migdx.formats.content import kind_of
from migdx.formats.tables import WRITERS

TESTS = Path(__file__).resolve().parents[1]
LARGEST = 16_000

_ROWS = [
    {"FREQ": "A", "AREA": "AA", "TIME_PERIOD": "2001", "OBS_VALUE": 1.0, "STATUS": "A", "DECIMALS": "2"},
    {"FREQ": "A", "AREA": "AA", "TIME_PERIOD": "2002", "OBS_VALUE": None, "STATUS": "M", "TITLE": 'a "b", c'},
    {
        "FREQ": "Q",
        "AREA": "BB",
        "TIME_PERIOD": "2001-Q1",
        "OBS_VALUE": -1.5e-7,
        "NOTE": "é;\n<&",
        "SOURCE": "x",
    },
]
_KINDS = {"csv": "+csv", "json": "+json", "xml": "+xml"}
_LARGE = (
    "large_", "many_", "one_string", "one_cell", "ten_million", "a_million", "a_billion", "deep_",
    "last_cell", "two_corners", "blanks_", "empty_rows", "rows_b", "hidden_rows",
    "gzip_bomb", "zip_bomb", "zstd_bomb", "huge_", "one_line", "one_header", "quote", "persons", "noise",
    "nul", "separators", "line_ends", "byte_order", "another_", "invalid_utf8", "json_lines", "same_key",
    "other_attr", "big_string", "big_number", "big_key", "gzip_of", "gzip_with_a_long",
    "zip_of_a_million", "zip_by_lzma",
)  # fmt: skip
"""Specimens that are large, or that only the limits of a child of the service stop."""


def of(reader: str) -> Iterator[bytes]:
    """For a kind of content.py; for "any" of all of them, and of what nobody reads."""
    if suffix := _KINDS.get(reader):
        yield from (message for media_type, message in _written().items() if suffix in media_type)
    yield from (content for kind, content in _small() if reader in ("any", kind))


@cache
def _small() -> list[tuple[str, bytes]]:
    """Every small file with its kind."""
    every = [content for content in (*_files(), *_specimens()) if len(content) <= LARGEST]
    return [(kind_of(BytesIO(content)), content) for content in every]


def _written() -> Mapping[str, bytes]:
    """What our writers make of three observations, as series and flat."""
    return {
        f"{media_type} {dimension}": b"".join(write(answer(_ROWS, dimension_at_observation=dimension)))
        for media_type, write in WRITERS.items()
        for dimension in ("TIME_PERIOD", "AllDimensions")
    }


def _files() -> Iterator[bytes]:
    for pattern in ("checks/*.csv", "formats/workbooks/*", "hostile/found/*"):
        for path in sorted(TESTS.glob(pattern)):
            if path.is_file() and not path.name.startswith("asks-for-memory"):
                yield path.read_bytes()


def _specimens() -> Iterator[bytes]:
    yield hostile_text.message()
    yield hostile_text.json_message('"0":{"observations":{"0":[1]}}')
    for module in (hostile_text, hostile_archives, hostile_workbooks):
        for name, made in inspect.getmembers(module, inspect.isfunction):
            own = made.__module__ == module.__name__ and not name.startswith(("_", *_LARGE))
            if own and not inspect.signature(made).parameters and "bomb" not in name:
                yield made()
