"""SDMX-JSON 2.0.0 data messages: data sets first, while values are met; what they point into last.

SDMX-JSON field guide (sdmx-twg/sdmx-json v2.0.0, data-message). Values of dimensions and attributes are
indexes in order of appearance; measures are numbers, null where missing. Rows of one series must be adjacent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from ..plan import Answer, DataSet
from ..schema import Schema, SchemaComponent
from .fragments import Codes, Column, Part, Piece, data, gathered, joined, measured
from .header import Header
from .json20_values import Values, structure, tag
from .layout import Layout, Section, action_of, at_starts, instant, layout_of, sections

SCHEMA = (
    "https://raw.githubusercontent.com/sdmx-twg/sdmx-json/master/data-message/tools/schemas/2.0.0/"
    "sdmx-json-data-schema.json"
)


def write_json20(answer: Answer) -> Iterator[bytes]:
    """By series, or flat when all dimensions are at the observation."""
    known: dict[str, _Structure] = {}
    found = _sections(answer, known)
    first = next(found, None)
    yield b'{"meta":' + orjson.dumps(_meta(answer)) + b',"data":{"dataSets":['
    count, last = 0, None
    for body, section in chain(() if first is None else (first,), found):
        if section.begins is not None:
            yield (last.closed + b"," if last else b"") + body.opened(section.begins)
            body.structure.datasets.append(count)
            count, last = count + 1, body
        yield body.rows(section)
    told = (orjson.dumps(one.told(answer.languages)) for one in known.values())
    yield (last.closed if last else b"") + b'],"structures":[' + b",".join(told) + b"]}}"


def _sections(answer: Answer, known: dict[str, _Structure]) -> Iterator[tuple[_Body, Section]]:
    """The sections of all data sets, one after the other; `known` gets their structures, by URN."""
    for dataset in answer.datasets:
        schema = dataset.schema
        of = known.setdefault(schema.context.urn, _Structure(schema, len(known)))
        given = layout_of(dataset, answer.dimension_at_observation)
        of.layouts.append(given)
        body = _Body(dataset, given, of)
        for section in sections(dataset, given, once=True):
            yield body, section


@dataclass(frozen=True)
class _Structure:
    """What data sets are of: their numbers in the message, how they are laid out, and the values they met."""

    schema: Schema
    number: int
    datasets: list[int] = field(default_factory=list)
    layouts: list[Layout] = field(default_factory=list)
    _values: dict[str, Values] = field(default_factory=dict)

    def values(self, component: SchemaComponent) -> Values:
        return self._values.setdefault(component.id, Values(component))

    def told(self, languages: Sequence[str]) -> dict[str, Any]:
        """With the components of the data set that carries most: the others carry some of them."""
        most = max(self.layouts, key=lambda given: len(given.components))
        given = replace(most, keys=not all(one.series_only for one in self.layouts))
        values = {component.id: self.values(component) for component in self.schema.components}
        return structure(self.schema, given, values, self.datasets, languages)


def _meta(answer: Answer) -> dict[str, Any]:
    given = Header(answer.message_id, answer.prepared, answer.sender)
    return {
        "schema": SCHEMA,
        "id": given.id,
        "test": False,
        "prepared": given.instant,
        "contentLanguages": [tag(language) for language in answer.languages if tag(language)],
        "sender": {"id": given.sender, "name": given.sender, "names": {"en": given.sender}},
    }


class _Indexed:
    """The values of a component that were met so far, and rows as fragments that show their indexes."""

    def __init__(self, values: Values, before: str, missing: str = "") -> None:
        self.values = values
        self._before, self._missing = before, missing
        self._column = pa.nulls(0, pa.utf8())
        self._indexes: Codes = np.zeros(0, np.int32)
        self._fragments = self._column

    def __call__(self, column: Column) -> Part:
        changed = not (column.values is self._column or column.values.equals(self._column))
        if changed:
            self._column = column.values
            self._indexes = np.full(len(column.values), -1, np.int32)
        used = pc.unique(pa.array(column.codes)).to_numpy()
        new = used[self._indexes[used] < 0]
        new = new[new > 0] if self._missing else new
        if changed or len(new):
            self._number(new)
        return Part(column.codes, self._fragments)

    def _number(self, new: Codes) -> None:
        """Gives codes their indexes, in order of appearance."""
        for code, text in zip(new.tolist(), self._column.take(pa.array(new)).to_pylist(), strict=True):
            # a dimension that does not apply is ~, as in SDMX-CSV
            self._indexes[code] = self.values.index("~" if text is None else text)
        indexes = pa.array(self._indexes, mask=self._indexes < 0).cast(pa.utf8())
        self._fragments = joined(self._before, indexes, nulls="emit_null").fill_null(self._missing)


class _Body:
    def __init__(self, dataset: DataSet, given: Layout, of: _Structure) -> None:
        self.structure = of
        self._told, self._layout = dataset, given
        self._dataset = {a.id: of.values(a) for a in given.dataset_attributes}
        self._series_key = _keys(given.series_key, of)
        self._series = {a.id: _Indexed(of.values(a), ",", ",null") for a in given.series_attributes}
        self._key = _keys(given.observation_key, of)
        self._attributes = {a.id: _Indexed(of.values(a), ",", ",null") for a in given.observation_attributes}
        # what ends the series before, or the observation before
        self._end = "," if given.flat or given.series_only else "}},"
        self.closed = b"}}" if given.flat or given.series_only else b"}}}}"

    def opened(self, attributes: tuple[str | None, ...]) -> bytes:
        context = self._told.schema.context
        known: dict[str, Any] = {
            "structure": self.structure.number,
            "action": action_of(self._told),
            "links": [{"urn": context.urn, "rel": context.kind.lower()}],
        }
        for name, at in (("validFrom", self._told.valid_from), ("validTo", self._told.valid_to)):
            if at:
                known[name] = instant(at)
        if self._dataset:
            shown = zip(self._dataset.values(), attributes, strict=True)
            known["attributes"] = [None if text is None else values.index(text) for values, text in shown]
        kind = b',"observations":{' if self._layout.flat else b',"series":{'
        return orjson.dumps(known)[:-1] + kind

    def rows(self, section: Section) -> bytes:
        """Every row brings what ends the one before; the first of a data set has none to end."""
        starts = self._openings(section)
        ended = 0 if section.begins is None else len(self._end)
        if self._layout.series_only:
            return data(starts)[ended:]
        rows: list[Piece] = [at_starts(starts, section, ",")]
        rows += ['"', *gathered(_parts(section, self._key), section.rows.size), '":[']
        for at, measure in enumerate(self._layout.measures):
            numbers = measured(*section.rows.numbers[measure.id], _numbers)
            rows += [",", numbers.fill_null("null")] if at else [numbers.fill_null("null")]
        attributes = _parts(section, self._attributes)
        if attributes and not self._layout.measures:
            attributes[0] = _without_comma(attributes[0])
        rows += gathered(attributes, section.rows.size)
        return data(joined(*rows, "]"))[ended:]

    def _openings(self, section: Section) -> pa.Array:
        if self._layout.flat:
            return pa.array([self._end] * len(section.starts), pa.utf8())
        key = [part.at(section.starts) for part in _parts(section, self._series_key)]
        told = [part.at(section.starts) for part in _parts(section, self._series)]
        if told:  # the first without its comma
            told = ['"attributes":[', pc.utf8_slice_codeunits(told[0], 1), *told[1:], "]"]
        if self._layout.series_only:
            return joined(self._end, '"', *key, '":{', *told, "}")
        return joined(self._end, '"', *key, '":{', *told, *([","] if told else []), '"observations":{')


def _keys(components: tuple[SchemaComponent, ...], of: _Structure) -> dict[str, _Indexed]:
    return {c.id: _Indexed(of.values(c), ":" if at else "") for at, c in enumerate(components)}


def _parts(section: Section, indexed: dict[str, _Indexed]) -> list[Part]:
    return [index(section.rows.columns[id]) for id, index in indexed.items()]


def _without_comma(part: Part) -> Part:
    return Part(part.codes, pc.utf8_slice_codeunits(part.fragments, 1))


_NUMBER = r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$"


def _numbers(texts: pa.Array) -> pa.Array:
    """Kept texts that JSON takes as a number (1.10, not +1 or 007); null for the others."""
    return pc.if_else(pc.match_substring_regex(texts, _NUMBER), texts, pa.scalar(None, pa.utf8()))
