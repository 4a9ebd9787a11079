"""SDMX-CSV data messages: 1.0, 2.0 and 2.1, one row per observation, or per series where that is all.

SDMX-CSV field guides (sdmx-twg/sdmx-csv, data-message). UTF-8 without a byte order mark, commas, line feeds,
fields quoted where RFC 4180 asks. A missing measure is NaN, but empty in a Delete, where a value would delete
only itself. Text is given as it is: a leading `=` stays, for a reader must get back what was sent. Rows of
several data sets stand one after the other, each with its action; where they are a history, two columns of
our own, as the guides allow, say when they were valid.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa

from ..errors import NotAcceptable
from ..plan import Action, Answer, DataSet
from ..schema import SchemaComponent
from ..structures import Maintainable, in_language
from .fragments import Escape, Part, Piece, Rows, Wrapped, data, escaped, gathered, joined, measured, rows_of
from .layout import instant, layout_of

_SPECIAL = '[",\r\n]'

_STRUCTURES = {
    "DataStructure": "datastructure", "Dataflow": "dataflow", "ProvisionAgreement": "dataprovision",
}  # fmt: skip
"""What the column STRUCTURE says of the structure that the data are reported under."""

_VALIDITY = ("VALID_FROM", "VALID_TO")


def write_csv10(answer: Answer) -> Iterator[bytes]:
    """SDMX-CSV 1.0: the dataflow, dimensions, measures, attributes.

    It has no column for an action or a validity: keys that are to go would read as observations, and
    versions of one as the same. So it tells data sets to be replaced, and NotAcceptable of all others.
    """
    if answer.history or any(dataset.action == "Delete" for dataset in answer.datasets):
        what = "versions of an observation" if answer.history else "deletions"
        raise NotAcceptable(f"SDMX-CSV 1.0 cannot tell {what}; SDMX-CSV 2.0, SDMX-JSON and SDMX-ML can")
    labels = "both" if answer.parameters.get("labels") == "both" else "id"
    leads = [[_named(dataset.schema.dataflow, answer, labels)] for dataset in answer.datasets]
    return _write(answer, labels, ["DATAFLOW"], leads)


def write_csv20(answer: Answer) -> Iterator[bytes]:
    """SDMX-CSV 2.0, which has no letter for Merge: Append is what its successor reads as Merge."""
    return _write_2(answer, {"Merge": "A"})


def write_csv21(answer: Answer) -> Iterator[bytes]:
    """SDMX-CSV 2.1, where a part of each observation is to be merged into what the reader has."""
    return _write_2(answer, {"Information": "M"})


def _write_2(answer: Answer, letters: Mapping[Action, str]) -> Iterator[bytes]:
    labels = answer.parameters.get("labels", "id")
    named = labels == "name"
    keys = answer.parameters.get("keys") or answer.parameters.get("key") or "none"
    keys_of = {"series": ["SERIES_KEY"], "obs": ["OBS_KEY"], "both": ["SERIES_KEY", "OBS_KEY"]}.get(keys, [])
    if any(layout_of(dataset, answer.dimension_at_observation).series_only for dataset in answer.datasets):
        keys_of = [key for key in keys_of if key != "OBS_KEY"]
    leads = [
        [
            _STRUCTURES[dataset.schema.context.kind],
            _named(dataset.schema.subject, answer, labels),
            *([dataset.schema.subject.name(answer.languages)] if named else []),
            letters.get(dataset.action, dataset.action[0]),
        ]
        for dataset in answer.datasets
    ]
    header = ["STRUCTURE", "STRUCTURE_ID", *(["STRUCTURE_NAME"] if named else []), "ACTION"]
    return _write(answer, labels, header, leads, keys_of)


def _write(
    answer: Answer,
    labels: str,
    header: Sequence[str],
    leads: Sequence[Sequence[str]],
    keys: Sequence[str] = (),
) -> Iterator[bytes]:
    """`leads` are what the rows of each data set start with."""
    columns = _Columns(answer, labels)
    pieces = _pieces(answer, columns, leads, keys)
    first = next(pieces, b"")
    yield (",".join(map(_field, (*header, *keys, *columns.header))) + "\n").encode()
    if first:
        yield first
    yield from pieces


def _pieces(
    answer: Answer, columns: _Columns, leads: Sequence[Sequence[str]], keys: Sequence[str]
) -> Iterator[bytes]:
    for dataset, lead in zip(answer.datasets, leads, strict=True):
        table = _Table(answer, dataset, columns, lead, keys)
        for rows in rows_of(dataset):
            yield table.rows(rows)


class _Columns:
    """The columns of one message: those of all its data sets, dimensions first, measures, attributes last."""

    def __init__(self, answer: Answer, labels: str) -> None:
        self.labels, self.languages, self.history = labels, answer.languages, answer.history
        self.dimensions: dict[str, SchemaComponent] = {}
        self.measures: dict[str, SchemaComponent] = {}
        self.attributes: dict[str, SchemaComponent] = {}
        for dataset in answer.datasets:
            by_id, plan = dataset.schema.by_id, dataset.plan
            for dimension in _shown(dataset, answer):
                self.dimensions.setdefault(dimension.id, dimension)
            for ids, known in ((plan.measures, self.measures), (plan.attributes, self.attributes)):
                for id in ids:
                    known.setdefault(id, by_id[id])

    @property
    def header(self) -> Iterator[str]:
        for component in (*self.dimensions.values(), *self.measures.values(), *self.attributes.values()):
            id, name = component.id, in_language(component.names, self.languages)[1]
            yield f"{id}: {name}" if self.labels == "both" and name else id
            if self.labels == "name":
                yield name or id
        if self.history:
            yield from _VALIDITY


def _shown(dataset: DataSet, answer: Answer) -> tuple[SchemaComponent, ...]:
    """The dimensions that the rows of a data set tell."""
    given = layout_of(dataset, answer.dimension_at_observation)
    return given.series_key if given.series_only else dataset.schema.dimensions


class _Table:
    """The rows of one data set: texts wrapped once, where every field but the first brings its comma."""

    def __init__(
        self, answer: Answer, dataset: DataSet, columns: _Columns, lead: Sequence[str], keys: Sequence[str]
    ) -> None:
        self._labels, self._languages = columns.labels, columns.languages
        self._lead = ",".join(map(_field, lead))
        self._keys = [self._key(name, dataset, answer.dimension_at_observation) for name in keys]
        # labels=name has a name beside every field, empty beside a measure
        self._beside = [","] if columns.labels == "name" else []
        self._nothing = ",," if self._beside else ","
        self._dimensions = self._wrapped(columns.dimensions, {d.id: d for d in _shown(dataset, answer)})
        by_id = dataset.schema.by_id
        self._measures = {id: id in dataset.measures for id in columns.measures}
        self._attributes = self._wrapped(columns.attributes, {id: by_id[id] for id in dataset.attributes})
        self._end = "\n"
        if columns.history:
            self._end = f",{instant(dataset.valid_from)},{instant(dataset.valid_to)}\n"

    def rows(self, rows: Rows) -> bytes:
        pieces: list[Piece] = [self._lead]
        for key in self._keys:
            parts = [wrap(rows.columns[id]) for id, wrap in key.items()]
            # always quoted: what it joins may hold a comma
            pieces += [',"', *gathered(parts, rows.size), '"']
        pieces += self._gathered(self._dimensions, rows)
        for id, told in self._measures.items():
            if told:
                pieces += [",", measured(*rows.numbers[id], _fields).fill_null("NaN"), *self._beside]
            else:
                pieces.append(self._nothing)
        pieces += self._gathered(self._attributes, rows)
        return data(joined(*pieces, self._end))

    def _wrapped(
        self, columns: Mapping[str, SchemaComponent], told: Mapping[str, SchemaComponent]
    ) -> dict[str, Wrapped | None]:
        """How the texts of each column are wrapped; None where this data set has none."""
        return {id: self._column(told[id]) if id in told else None for id in columns}

    def _gathered(self, columns: Mapping[str, Wrapped | None], rows: Rows) -> list[pa.Array]:
        nothing = Part(np.zeros(rows.size, np.int32), pa.array([self._nothing]))
        parts = [wrap(rows.columns[id]) if wrap else nothing for id, wrap in columns.items()]
        return gathered(parts, rows.size)

    def _key(self, name: str, dataset: DataSet, observation: str) -> dict[str, Wrapped]:
        """The dimensions that a key column joins with dots."""
        schema = dataset.schema
        if observation not in schema.key and schema.time:
            observation = schema.time.id
        ids = [id for id in schema.key if name == "OBS_KEY" or id != observation]
        return {
            id: Wrapped(_doubled, dot, "", dot) for id, dot in zip(ids, ["", *"." * len(ids)], strict=False)
        }

    def _column(self, component: SchemaComponent) -> Wrapped:
        return Wrapped(self._labelled(component), ",", "", self._nothing)

    def _labelled(self, component: SchemaComponent) -> Escape:
        """Texts as fields, with the names of codes in the same field or the next."""
        if self._labels == "id" or (self._labels == "both" and not component.coded):
            return _fields
        return lambda texts: pa.array(
            [None if text is None else self._label(component, text) for text in texts.to_pylist()], pa.utf8()
        )

    def _label(self, component: SchemaComponent, text: str) -> str:
        code = component.code(text)
        name = in_language(code.names, self._languages)[1] if code else ""
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
