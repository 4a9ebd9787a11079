"""Laws of every reader over bytes that nobody wrote: files that are read or refused, with pieces changed.

Workbooks are read as the service reads them, in a process of their own: the library that reads them may end
its process.
"""

import importlib
import io
from functools import cache

import pytest
import seeds
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from laws import holds

from migdx.formats.sandbox import Sandbox

pytestmark = pytest.mark.faults

READERS = {
    "csv": "csv_reader",
    "xml": "ml_data_reader",
    "json": "json_data_reader",
    "any": "child",
}
"""Readers of this process, by the kind of file that they are given."""


APART = {"xlsx": 8, "ods": 8, "xls": 8}
"""Examples of those kinds that are read in a process of their own: each takes a while to start."""


@cache
def files(kind):
    return sorted(set(seeds.of(kind)), key=len)


@pytest.fixture(scope="module")
def box():
    made = Sandbox()
    yield made
    made.close()


def read(kind, data, box):
    if kind in APART or data.startswith((b"PK", b"\xd0\xcf")):
        holds(box.read(io.BytesIO(data), len(data)))
        return
    reader = importlib.import_module(f"migdx.formats.{READERS[kind]}")
    holds(reader.read(io.BytesIO(data), {"scratch": io.BytesIO(), "unpacked": 8 << 20}))


@st.composite
def changed(draw, kind):
    """A file with some pieces taken out, put in, or put elsewhere."""
    data = draw(st.sampled_from(files(kind)))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(data)))
        to = min(len(data), at + draw(st.sampled_from((0, 1, 2, 8, 100))))
        more = draw(st.sampled_from((b"", data[at:to] * 2, data[to : to + 50])) | st.binary(max_size=4))
        data = data[:at] + more + data[to:]
    return data


@pytest.mark.parametrize("kind", [*READERS, *APART])
def test_files_that_were_changed(kind, box):
    @given(changed(kind))
    @settings(
        max_examples=APART.get(kind, 30),
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example],
    )
    def law(data):
        read(kind, data, box)

    law()


@pytest.mark.parametrize("kind", [*READERS, *APART])
def test_bytes_of_any_kind(kind, box):
    @given(st.binary(max_size=300) | st.text(max_size=200).map(str.encode))
    @example(b"")
    @settings(max_examples=APART.get(kind, 30))
    def law(data):
        read(kind, data, box)

    law()
