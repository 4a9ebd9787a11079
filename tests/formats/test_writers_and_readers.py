"""One dataset, written in every data format that there is and read again, says the same."""

from __future__ import annotations

import io
from importlib import import_module

import pytest
from data_messages import answer, shown, small_schema
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import Row, cuts, observations, odd_texts

from migdx.formats.child import READERS
from migdx.formats.tables import WRITERS

JOB = {"media_type": "", "file_name": "", "map": {}, "large": False}

# what neither CSV (NUL) nor XML (most control characters) can carry is tested with each of them
texts = odd_texts.map(
    lambda text: "".join("?" if c in "\ufffe\uffff" or (c < " " and c not in "\t\n\r") else c for c in text)
)


def read_again(media_type: str, message: bytes) -> list[Row]:
    """The rows that our reader finds, without what is missing; there is no finding."""
    kind = next(kind for kind in READERS if f"+{kind};" in media_type)
    columns = import_module(f"migdx.formats.{READERS[kind]}").read(io.BytesIO(message), JOB)
    assert not [finding for finding in columns.findings if finding.code != "no_rows"]
    ids = small_schema().by_id
    return [
        {
            id: float(text) if id == "OBS_VALUE" else text
            for id, text in row.items()
            if text and id in ids and (id, text) != ("OBS_VALUE", "NaN")
        }
        for row in columns.table.to_pylist()
    ]


@pytest.mark.parametrize("dimension", ["TIME_PERIOD", "AllDimensions"])
@settings(max_examples=20)
@given(data=st.data())
def test_every_format_says_the_same(dimension: str, data: st.DataObject) -> None:
    rows = data.draw(observations(texts))
    cut = data.draw(cuts(len(rows)))
    for media_type, write in WRITERS.items():
        message = b"".join(write(answer(rows, cut, dimension_at_observation=dimension)))
        assert read_again(media_type, message) == shown(rows), media_type
