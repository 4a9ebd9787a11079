"""Structure-specific data, SDMX-ML 3.0 and 2.1: components are XML attributes of DataSet, Series and Obs.

SDMX 3.0 SDMX-ML (SDMXDataStructureSpecific.xsd); SDMX 2.1 section 3A, part IV. `ml_schema.py` writes the XSD
that the messages obey. Group attributes stand on Series, data set attributes on DataSet, as readers expect.
In 2.1 the first measure is the primary measure OBS_VALUE, whatever its id; others stand beside it by id.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import pyarrow as pa

from ..plan import Answer, DataSet
from ..schema import Schema
from ..structures import Maintainable
from .fragments import Piece, Wrapped, data, gathered, joined
from .layout import Layout, Section, action_of, at_starts, instant, layout_of
from .markup import element, leaf, namespace, quoted
from .ml_data import XSI, attribute_texts, message, parts, start, values

_ELEMENTS = {
    "DataStructure": "Structure", "Dataflow": "StructureUsage", "ProvisionAgreement": "ProvisionAgreement",
}  # fmt: skip
_ELEMENTS_21 = {**_ELEMENTS, "ProvisionAgreement": "ProvisionAgrement"}


def write_ml30(answer: Answer) -> Iterator[bytes]:
    """SDMX-ML 3.0, in the context of the dataflow or of an agreement."""
    return _write(answer, "3.0")


def write_ml21(answer: Answer) -> Iterator[bytes]:
    """SDMX-ML 2.1, in the context of the DSD, as its readers expect, or of an agreement."""
    return _write(answer, "2.1")


def target_namespace(schema: Schema, version: str, observation: str) -> str:
    """The namespace of the XSD for this structure and dimension at the observation."""
    return f"{reported_under(schema, version).urn}:ObsLevelDim:{observation}"


def reported_under(schema: Schema, version: str) -> Maintainable:
    """What a message says that its data are of: in 2.1 the DSD for a dataflow, as its readers expect."""
    return schema.dsd if version == "2.1" and schema.within is None else schema.subject


def measure_names(given: Layout, version: str) -> dict[str, str]:
    """What the measures are called in a message."""
    names = {measure.id: measure.id for measure in given.measures}
    if version == "2.1" and names and "OBS_VALUE" not in names:
        names[given.measures[0].id] = "OBS_VALUE"
    return names


def structure_id(id: str) -> str:
    """An id as an xs:ID, which does not begin with a digit."""
    safe = re.sub(r"[^\w.-]", "_", id, flags=re.ASCII)
    return safe if re.match(r"[A-Za-z_]", safe) else f"_{safe}"


class Reported(NamedTuple):
    """What data sets of a message are of; its header has one `mes:Structure` of that `id` for it."""

    schema: Schema
    under: Maintainable
    observation: str
    id: str


def reported(answer: Answer, version: str) -> dict[str, Reported]:
    """What the data sets of a message are of, by URN."""
    found: dict[str, Reported] = {}
    for dataset in answer.datasets:
        under = reported_under(dataset.schema, version)
        if under.urn not in found:
            observation = layout_of(dataset, answer.dimension_at_observation).observation
            id, taken = structure_id(under.id), {known.id for known in found.values()}
            id = f"{id}_{len(found)}" if id in taken else id
            found[under.urn] = Reported(dataset.schema, under, observation, id)
    return found


def header_reference(schema: Schema, version: str) -> str:
    """The same in a header: by its parts in 2.1, which spells ProvisionAgrement so."""
    under = reported_under(schema, version)
    if version != "2.1":
        return leaf(f"com:{_ELEMENTS[under.kind]}", under.urn)
    package = "registry" if under.kind == "ProvisionAgreement" else "datastructure"
    reference = (
        ("agencyID", under.agency), ("id", under.id), ("version", under.version), ("class", under.kind),
        ("package", package),
    )  # fmt: skip
    return element(f"com:{_ELEMENTS_21[under.kind]}", (), element("Ref", reference))


def _write(answer: Answer, version: str) -> Iterator[bytes]:
    known = reported(answer, version)
    spaces = {
        "mes": namespace(version, "message"), "com": namespace(version, "common"),
        "ss": namespace(version, "data/structurespecific"), "xsi": XSI,
    }  # fmt: skip
    structures, prefixes = "", {}
    for number, (urn, one) in enumerate(known.items(), 1):
        space = target_namespace(one.schema, version, one.observation)
        prefixes[urn] = f"ns{number}"
        spaces[f"ns{number}"] = space
        structure = (
            ("structureID", one.id), ("namespace", space), ("dimensionAtObservation", one.observation),
        )  # fmt: skip
        structures += element("mes:Structure", structure, header_reference(one.schema, version))

    def made(dataset: DataSet, given: Layout) -> _Body:
        under = reported_under(dataset.schema, version)
        told = (
            ("ss:structureRef", known[under.urn].id), ("xsi:type", f"{prefixes[under.urn]}:DataSetType"),
            ("ss:dataScope", under.kind if version == "2.1" else ""), ("ss:action", action_of(dataset)),
            ("ss:validFromDate", instant(dataset.valid_from)), ("ss:validToDate", instant(dataset.valid_to)),
        )  # fmt: skip
        tag = "<mes:DataSet" + "".join(f' {name}="{quoted(value)}"' for name, value in told if value)
        return _Body(given, tag, measure_names(given, version))

    return message(
        answer,
        start("StructureSpecificData", spaces, answer, structures),
        "</mes:StructureSpecificData>\n",
        made,
    )


class _Body:
    def __init__(self, given: Layout, tag: str, measures: dict[str, str]) -> None:
        self._layout, self._tag, self._measures = given, tag, measures
        self._series = {c.id: _attribute(c.id) for c in (*given.series_key, *given.series_attributes)}
        self._key = {c.id: _attribute(c.id) for c in given.observation_key}
        self._attributes = {c.id: _attribute(c.id) for c in given.observation_attributes}

    def opened(self, attributes: tuple[str | None, ...]) -> str:
        ids = [a.id for a in self._layout.dataset_attributes]
        shown = zip(ids, attributes, strict=True)
        return (
            self._tag + "".join(f' {id}="{quoted(text)}"' for id, text in shown if text is not None) + ">\n"
        )

    def closed(self) -> str:
        return ("" if self._layout.flat or self._layout.series_only else "</Series>\n") + "</mes:DataSet>\n"

    def rows(self, section: Section) -> bytes:
        if self._layout.series_only:
            return data(joined("<Series", *self._openings(section), "/>\n"))
        rows = self._openings_at_rows(section)
        rows += ["<Obs", *gathered(parts(section, self._key), section.rows.size)]
        for id, name in self._measures.items():
            rows += values(section, id, f' {name}="', '"')
        rows += gathered(parts(section, self._attributes), section.rows.size)
        return data(joined(*rows, "/>\n"))

    def _openings(self, section: Section) -> list[pa.Array]:
        """Key and attributes of the series that start in this section."""
        return [part.at(section.starts) for part in parts(section, self._series)]

    def _openings_at_rows(self, section: Section) -> list[Piece]:
        """The start tag of a series, after the end of the one before, on the row where it starts."""
        if self._layout.flat or not len(section.starts):
            return []
        tags = joined("</Series>\n<Series", *self._openings(section), ">\n")
        if section.begins is not None:  # no series is open yet
            tags = pa.concat_arrays(
                [joined("<Series", *(o[:1] for o in self._openings(section)), ">\n"), tags[1:]]
            )
        return [at_starts(tags, section)]


def _attribute(id: str) -> Wrapped:
    return Wrapped(attribute_texts, f' {id}="', '"')
