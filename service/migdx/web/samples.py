"""Sample queries: lines for a shell that ask this very server, for people to copy."""

from __future__ import annotations

import shlex

from ..structures import Dataflow
from .wording import Words

Entry = tuple[str, str]

_DATA = {
    "v2": (
        ("CSV 2.0", "application/vnd.sdmx.data+csv;version=2.0.0"),
        ("JSON 2.0", "application/vnd.sdmx.data+json;version=2.0.0"),
        ("XML 3.0", "application/vnd.sdmx.data+xml;version=3.0.0"),
    ),
    "v1": (
        ("CSV 1.0", "application/vnd.sdmx.data+csv;version=1.0.0"),
        ("XML 2.1", "application/vnd.sdmx.structurespecificdata+xml;version=2.1"),
    ),
}
_STRUCTURE = {
    "v2": ("JSON 2.0", "application/vnd.sdmx.structure+json;version=2.0.0"),
    "v1": ("XML 2.1", "application/vnd.sdmx.structure+xml;version=2.1"),
}


def data_queries(words: Words, base: str, flow: Dataflow, key: str) -> list[tuple[str, list[Entry]]]:
    """A key of a dataflow in the formats of both generations of the API, under their headings."""
    return [
        (
            words(f"queries_{door}"),
            [(label, _curl(_data(base, door, flow, key), accept)) for label, accept in formats],
        )
        for door, formats in _DATA.items()
    ]


def dataflow_queries(
    words: Words, base: str, flow: Dataflow, key: str, code: str
) -> list[tuple[str, list[Entry]]]:
    """The structure of a dataflow, and one slice of its data when there is any, for both generations."""
    found = []
    for door, (label, accept) in _STRUCTURE.items():
        kind, references = (
            ("structure/dataflow", "descendants") if door == "v2" else ("dataflow", "descendants")
        )
        url = f"{base}/sdmx/{door}/{kind}/{flow.agency}/{flow.id}/{flow.version}?references={references}"
        entries = [(f"{words('queries_structure')}, {label}", _curl(url, accept))]
        if key:
            data_label, data_accept = _DATA[door][0]
            entries.append(
                (
                    f"{words('queries_slice', code=code)}, {data_label}",
                    _curl(_data(base, door, flow, key), data_accept),
                )
            )
        found.append((words(f"queries_{door}"), entries))
    return found


def check_command(url: str) -> str:
    return f"curl -F file=@data.csv {shlex.quote(url)}"


def _data(base: str, door: str, flow: Dataflow, key: str) -> str:
    if door == "v1":
        # 1.5 leaves a position empty where 2.x writes *
        plain = ".".join("" if part == "*" else part for part in key.split("."))
        return f"{base}/sdmx/v1/data/{flow.agency},{flow.id},{flow.version}/{plain}"
    return f"{base}/sdmx/v2/data/dataflow/{flow.agency}/{flow.id}/{flow.version}/{key}"


def _curl(url: str, accept: str) -> str:
    return f"curl -H {shlex.quote('Accept: ' + accept)} \\\n  {shlex.quote(url)}"
