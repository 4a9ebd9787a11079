"""SDMX-CSV data messages: 1.0, 2.0 and 2.1, one row per observation, or per series where that is all.

SDMX-CSV field guides (sdmx-twg/sdmx-csv, data-message). UTF-8 without a byte order mark, commas, line feeds,
fields quoted where RFC 4180 asks. A missing measure is NaN, but empty in a Delete, where a value would delete
only itself. Text is given as it is: a leading `=` stays, for a reader must get back what was sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import pyarrow as pa

from ..plan import Answer
from ..schema import SchemaComponent
from ..structures import Maintainable, in_language
from .fragments import Escape, Piece, Rows, Wrapped, data, escaped, gathered, joined, measured, rows_of
from .layout import layout_of

_SPECIAL = '[",\r\n]'

_STRUCTURES = {
    "DataStructure": "datastructure", "Dataflow": "dataflow", "ProvisionAgreement": "dataprovision",
}  # fmt: skip
"""What the column STRUCTURE says of the structure that the data are reported under."""


def write_csv10(answer: Answer) -> Iterator[bytes]:
    """SDMX-CSV 1.0: the dataflow, dimensions, measures, attributes."""
    labels = "both" if answer.parameters.get("labels") == "both" else "id"
    return _write(answer, labels, ["DATAFLOW"], [_named(answer.schema.dataflow, answer, labels)])


def write_csv20(answer: Answer) -> Iterator[bytes]:
    """SDMX-CSV 2.0, which has no letter for Merge: Append is what its successor reads as Merge."""
    return _write_2(answer, "A" if answer.action == "Merge" else answer.action[0])


def write_csv21(answer: Answer) -> Iterator[bytes]:
    """SDMX-CSV 2.1, where a part of each observation is to be merged into what the reader has."""
    return _write_2(answer, "M" if answer.action == "Information" else answer.action[0])


def _write_2(answer: Answer, action: str) -> Iterator[bytes]:
    labels = answer.parameters.get("labels", "id")
    named = labels == "name"
    keys = answer.parameters.get("keys") or answer.parameters.get("key") or "none"
    keys_of = {"series": ["SERIES_KEY"], "obs": ["OBS_KEY"], "both": ["SERIES_KEY", "OBS_KEY"]}.get(keys, [])
    if layout_of(answer).series_only:
        keys_of = [key for key in keys_of if key != "OBS_KEY"]
    name = answer.schema.subject.name(answer.languages)
    return _write(
        answer,
        labels,
        ["STRUCTURE", "STRUCTURE_ID", *(["STRUCTURE_NAME"] if named else []), "ACTION"],
        [
            _STRUCTURES[answer.schema.context.kind],
            _named(answer.schema.subject, answer, labels),
            *([name] if named else []),
            action,
        ],
        keys_of,
    )


def _write(
    answer: Answer, labels: str, header: list[str], lead: list[str], keys: Sequence[str] = ()
) -> Iterator[bytes]:
    table = _Table(answer, labels, lead, keys)
    found = rows_of(answer)
    first = next(found, None)
    yield (",".join(map(_field, (*header, *keys, *table.header))) + "\n").encode()
    if first is not None:
        yield table.rows(first)
    for rows in found:
        yield table.rows(rows)


class _Table:
    """The columns of one message, each wrapped once: every field but the first of a row brings its comma."""

    def __init__(self, answer: Answer, labels: str, lead: list[str], keys: Sequence[str]) -> None:
        by_id = answer.schema.by_id
        self._answer, self._labels = answer, labels
        self._lead = ",".join(map(_field, lead))
        self._keys = [self._key(name) for name in keys]
        given = layout_of(answer)
        shown = given.series_key if given.series_only else answer.schema.dimensions
        self._dimensions = {dimension.id: self._column(dimension) for dimension in shown}
        self._attributes = {id: self._column(by_id[id]) for id in answer.plan.attributes}
        self._missing = "" if answer.action == "Delete" else "NaN"
        # labels=name puts an empty name beside a measure
        self._after_measure = [","] if labels == "name" else []

    @property
    def header(self) -> Iterator[str]:
        for id in (*self._dimensions, *self._answer.plan.measures, *self._attributes):
            name = in_language(self._answer.schema.by_id[id].names, self._answer.languages)[1]
            yield f"{id}: {name}" if self._labels == "both" and name else id
            if self._labels == "name":
                yield name or id

    def rows(self, rows: Rows) -> bytes:
        pieces: list[Piece] = [self._lead]
        for key in self._keys:
            parts = [wrap(rows.columns[id]) for id, wrap in key.items()]
            # always quoted: what it joins may hold a comma
            pieces += [',"', *gathered(parts, rows.size), '"']
        pieces += gathered([wrap(rows.columns[id]) for id, wrap in self._dimensions.items()], rows.size)
        for id in self._answer.plan.measures:
            texts = measured(*rows.numbers[id], _fields)
            pieces += [",", texts.fill_null(self._missing), *self._after_measure]
        pieces += gathered([wrap(rows.columns[id]) for id, wrap in self._attributes.items()], rows.size)
        return data(joined(*pieces, "\n"))

    def _key(self, name: str) -> dict[str, Wrapped]:
        """The dimensions that a key column joins with dots."""
        schema, observation = self._answer.schema, self._answer.dimension_at_observation
        if observation not in schema.key and schema.time:
            observation = schema.time.id
        ids = [id for id in schema.key if name == "OBS_KEY" or id != observation]
        return {
            id: Wrapped(_doubled, dot, "", dot) for id, dot in zip(ids, ["", *"." * len(ids)], strict=False)
        }

    def _column(self, component: SchemaComponent) -> Wrapped:
        return Wrapped(self._labelled(component), ",", "", ",," if self._labels == "name" else ",")

    def _labelled(self, component: SchemaComponent) -> Escape:
        """Texts as fields, with the names of codes in the same field or the next."""
        if self._labels == "id" or (self._labels == "both" and not component.coded):
            return _fields
        return lambda texts: pa.array(
            [None if text is None else self._label(component, text) for text in texts.to_pylist()], pa.utf8()
        )

    def _label(self, component: SchemaComponent, text: str) -> str:
        code = component.code(text)
        name = in_language(code.names, self._answer.languages)[1] if code else ""
        if self._labels == "name":
            return f"{_field(text)},{_field(name)}"
        return _field(f"{text}: {name}" if name else text)


def _named(artefact: Maintainable, answer: Answer, labels: str) -> str:
    short = artefact.reference.short
    name = in_language(artefact.names, answer.languages)[1]
    return f"{short}: {name}" if labels == "both" and name else short


def _field(text: str) -> str:
    return _quoted(text) if re.search(_SPECIAL, text) else text


def _fields(texts: pa.Array) -> pa.Array:
    return escaped(texts, _SPECIAL, _quoted)


def _doubled(texts: pa.Array) -> pa.Array:
    return escaped(texts, '"', lambda text: text.replace('"', '""'))


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
