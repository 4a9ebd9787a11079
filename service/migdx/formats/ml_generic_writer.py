"""Generic data of SDMX-ML 2.1, the default of REST 1.5: every value is an element that names its component.

SDMX 2.1 section 3A, part IV (SDMXDataGeneric.xsd). Clients look for the prefix `generic:` by name.
Group attributes stand on the series; a measure is ObsValue, and further measures stand among the attributes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ..plan import Answer, DataSet
from .fragments import Codes, Part, Piece, Wrapped, data, gathered, joined
from .layout import Layout, Section, action_of, at_starts, instant
from .markup import element, namespace, quoted
from .ml_data import XSI, attribute_texts, message, parts, start, values
from .ml_specific_writer import header_reference, reported, reported_under


def write_generic21(answer: Answer) -> Iterator[bytes]:
    """Generic data by series, or flat when all dimensions are at the observation."""
    known = reported(answer, "2.1")
    structures = "".join(
        element(
            "mes:Structure",
            (("structureID", one.id), ("dimensionAtObservation", one.observation)),
            header_reference(one.schema, "2.1"),
        )
        for one in known.values()
    )
    spaces = {
        "mes": namespace("2.1", "message"), "com": namespace("2.1", "common"),
        "generic": namespace("2.1", "data/generic"), "xsi": XSI,
    }  # fmt: skip

    def made(dataset: DataSet, given: Layout) -> _Body:
        told = (
            ("structureRef", known[reported_under(dataset.schema, "2.1").urn].id),
            ("action", action_of(dataset)),
            ("validFromDate", instant(dataset.valid_from)),
            ("validToDate", instant(dataset.valid_to)),
        )
        tag = "".join(f' {name}="{quoted(value)}"' for name, value in told if value)
        return _Body(given, f"<mes:DataSet{tag}>\n")

    return message(answer, start("GenericData", spaces, answer, structures), "</mes:GenericData>\n", made)


class _Body:
    def __init__(self, given: Layout, tag: str) -> None:
        self._layout, self._tag = given, tag
        self._series_key = {c.id: _value(c.id) for c in given.series_key}
        self._series_attributes = {c.id: _value(c.id) for c in given.series_attributes}
        self._observation = Wrapped(attribute_texts, '<generic:ObsDimension value="', '"/>')
        self._key = {c.id: _value(c.id) for c in given.observation_key}
        self._attributes = {c.id: _value(c.id) for c in given.observation_attributes}

    def opened(self, attributes: tuple[str | None, ...]) -> str:
        ids = [a.id for a in self._layout.dataset_attributes]
        told = "".join(
            f'<generic:Value id="{id}" value="{quoted(text)}"/>'
            for id, text in zip(ids, attributes, strict=True)
            if text is not None
        )
        return self._tag + (f"<generic:Attributes>{told}</generic:Attributes>\n" if told else "")

    def closed(self) -> str:
        return ("" if self._layout.flat else "</generic:Series>\n") + "</mes:DataSet>\n"

    def rows(self, section: Section) -> bytes:
        openings = self._openings(section)
        if self._layout.series_only:
            return data(openings)
        rows: list[Piece] = [at_starts(openings, section)] if len(openings) else []
        rows += ["<generic:Obs>", *self._observation_key(section)]
        others: list[Part] = []
        for at, measure in enumerate(self._layout.measures):
            if at == 0:
                rows += values(section, measure.id, '<generic:ObsValue value="', '"/>')
            else:
                texts = joined(
                    *values(section, measure.id, f'<generic:Value id="{measure.id}" value="', '"/>')
                )
                others.append(_part(texts))
        rows += _in_attributes([*others, *parts(section, self._attributes)], section.rows.size)
        return data(joined(*rows, "</generic:Obs>\n"))

    def _observation_key(self, section: Section) -> list[Piece]:
        if not self._layout.flat:
            return [self._observation(section.rows.columns[self._layout.observation]).at()]
        key = gathered(parts(section, self._key), section.rows.size)
        return ["<generic:ObsKey>", *key, "</generic:ObsKey>"]

    def _openings(self, section: Section) -> pa.Array:
        """The head of each series that starts in this section, after the end of the one before."""
        if self._layout.flat or not len(section.starts):
            return pa.nulls(0, pa.utf8())
        key = [part.at(section.starts) for part in parts(section, self._series_key)]
        told = [_only(part, section.starts) for part in parts(section, self._series_attributes)]
        head: list[Piece] = ["<generic:Series><generic:SeriesKey>", *key, "</generic:SeriesKey>"]
        heads = joined(*head, *_in_attributes(told, len(section.starts)), "\n")
        ends = np.full(len(heads), 1, np.int32)
        if section.begins is not None:  # no series is open yet
            ends[0] = 0
        return joined(Part(ends, pa.array(["", "</generic:Series>\n"])).at(), heads)


def _in_attributes(told: Sequence[Part], size: int) -> list[Piece]:
    """The parts between tags, and no tags on rows where none of them has a value."""
    if not told:
        return []
    any_value = np.zeros(size, np.int32)
    for part in told:
        any_value |= part.codes != 0
    opened = Part(any_value, pa.array(["", "<generic:Attributes>"]))
    closed = Part(any_value, pa.array(["", "</generic:Attributes>"]))
    return list(gathered([opened, *told, closed], size))


def _only(part: Part, rows: npt.NDArray[np.int64]) -> Part:
    return Part(part.codes[rows], part.fragments)


def _part(texts: pa.Array) -> Part:
    """A column of texts as a part; a value that is missing is an empty text."""
    column = texts.dictionary_encode()
    codes: Codes = column.indices.to_numpy(zero_copy_only=False).astype(np.int32) + np.int32(1)
    fragments = pa.concat_arrays([pa.array([""], pa.utf8()), column.dictionary])
    codes[pc.equal(texts, "").to_numpy(zero_copy_only=False)] = 0
    return Part(codes, fragments)


def _value(id: str) -> Wrapped:
    return Wrapped(attribute_texts, f'<generic:Value id="{id}" value="', '"/>')
