"""Parsed pieces of an SDMX-JSON data set as columns: one record for each observation.

What cannot be read of a record sets it aside and is counted; the others are taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, zip_longest
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..columns import Flags, Indices
from ..dataset import number_texts
from ..report import LONGEST, SAMPLE, Finding, Place
from .json_data_groups import Groups
from .json_data_pieces import pointed
from .json_data_structure import Codes, Component, Components, Structure, text_of

Paths = tuple[Any, ...]
"""Pieces of pointers: a column, or one text for all."""


class Faults:
    """Findings that many pieces have: one for each cause, all counted, some placed."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str, Any], Finding] = {}

    def add(self, finding: Finding) -> None:
        """One more of its kind; its message tells of the first place."""
        wanted = (finding.code, finding.component, finding.values["expected"])
        if known := self._found.get(wanted):
            places = (*known.places, *finding.places)[:SAMPLE]
            finding = replace(known, count=known.count + finding.count, places=places)
        elif finding.places:
            first = finding.places[0]
            finding = replace(
                finding, values={**finding.values, "given": first.given or "…", "path": first.path}
            )
        self._found[wanted] = finding

    @property
    def findings(self) -> Iterable[Finding]:
        return self._found.values()


def wrong_index(component: Component, places: Sequence[Place], count: int) -> Finding:
    """That values of a component are pointed to which it does not have."""
    values = {"expected": component.count}
    return Finding(
        "wrong_index", component=component.id, count=count, places=tuple(places[:SAMPLE]), values=values
    )


def wrong_key(components: Components, places: Sequence[Place], count: int) -> Finding:
    """That keys have too many or too few indexes, or such as no value has."""
    values = {"expected": ":".join(f"<{one.count}" for one in components)}
    return Finding("wrong_key", count=count, places=tuple(places[:SAMPLE]), values=values)


def wrong_observation(expected: str, places: Sequence[Place], count: int) -> Finding:
    """That something stands where an observation or a series should."""
    values = {"expected": expected}
    return Finding("wrong_observation", count=count, places=tuple(places[:SAMPLE]), values=values)


@dataclass
class Chunk:
    """Records of one piece: columns by component, which of them are sound, and a pointer to each."""

    columns: dict[str, pa.Array]
    keep: Flags
    paths: Paths


@dataclass
class DataSet:
    """What the records of a data set share. `path` points to it, `constants` are by component.

    `extra` counts the observations that point to annotations, `bare` the series without any observation.
    """

    structure: Structure
    path: str
    constants: dict[str, str]
    groups: Groups
    faults: Faults
    extra: int = 0
    bare: list[str] = field(default_factory=list)

    def series(self, parsed: Mapping[str, Any]) -> Chunk:
        """The observations of series, each with the key and the attributes of its series."""
        structure, names = self.structure, list(parsed)
        below = f"{self.path}/series/"
        series = [one if isinstance(one, dict) else {} for one in parsed.values()]
        inner = [one.get("observations") or {} for one in series]
        if not set(map(type, inner)) <= {dict}:
            self._not_an_object(names, inner, f"{below}{{}}/observations")
            inner = [one if isinstance(one, dict) else {} for one in inner]
        if len(series) > (sound := sum(isinstance(one, dict) for one in parsed.values())):
            places = [
                Place(path=below + pointed(name)) for name, one in parsed.items() if not isinstance(one, dict)
            ]
            self.faults.add(wrong_observation("{}", places, len(series) - sound))
        counts = np.fromiter(map(len, inner), np.int64, len(inner))
        self._without(names, series, np.flatnonzero(counts == 0))
        owner = np.repeat(np.arange(len(series)), counts)
        encoded = pa.array(names, pa.utf8()).dictionary_encode()
        codes, known = self._keys(
            encoded, structure.dimensions.get("series", ()), (below, _pointers(encoded))
        )
        paths = (_repeated([below], len(owner)), _pointers(encoded).take(pa.array(owner)))
        above = {id: of_series[owner] for id, of_series in codes.items()}
        keys = list(chain.from_iterable(inner))
        rows = list(chain.from_iterable(one.values() for one in inner))
        chunk = self._observations(keys, rows, structure.dimensions.get("observation", ()), paths, above)
        chunk.keep &= known[owner]
        attributes = structure.attributes.get("series", ())
        if attributes:
            given = [[] if one.get("attributes") is None else one["attributes"] for one in series]
            whole, shaped = (below, _pointers(encoded)), np.ones(len(series), bool)
            told = self._sound(given, len(attributes), shaped, whole)
            of_series, keep = self._told(attributes, told, whole, "attributes/")
            keep &= shaped
            chunk.keep &= keep[owner]
            for id, column in of_series.items():
                _add(chunk.columns, id, column.take(pa.array(owner)))
        return chunk

    def flat(self, parsed: Mapping[str, Any]) -> Chunk:
        """Observations under the whole of their key."""
        dimensions = self.structure.dimensions
        components = (*dimensions.get("series", ()), *dimensions.get("observation", ()))
        rows = list(parsed.values())
        paths = (_repeated([self.path], len(rows)), _repeated([""], len(rows)))
        return self._observations(list(parsed), rows, components, paths, {})

    def _observations(
        self,
        keys: list[str],
        rows: list[Any],
        components: Components,
        paths: Paths,
        above: dict[str, Codes],
    ) -> Chunk:
        structure = self.structure
        encoded = pa.array(keys, pa.utf8()).dictionary_encode()
        whole = (*paths, _pointers(encoded, "/observations/"))
        codes, keep = self._keys(encoded, components, whole)
        codes |= above
        for one in structure.dimensions.get("dataSet", ()):
            codes[one.id] = np.full(len(rows), _lookup(one)[0], np.int32)
        told = (*structure.measures, *structure.attributes.get("observation", ()))
        rows = self._sound(rows, len(told), keep, whole)
        columns = {
            dimension.id: decoded(dimension, codes[dimension.id])
            for dimension in structure.key
            if dimension.id in codes
        }
        for id, text in self.constants.items():
            columns[id] = _repeated([text], len(rows))
        found, sound = self._told(told, rows, whole, "")
        keep &= sound
        for id, column in self.groups.columns(codes, len(rows)).items():
            _add(columns, id, column)
        for id, column in found.items():
            _add(columns, id, column)
        return Chunk(columns, keep, whole)

    def _keys(
        self, encoded: pa.DictionaryArray, components: Components, paths: Paths
    ) -> tuple[dict[str, Codes], Flags]:
        """The codes of each dimension that keys (`0:12:3`) point to, and which keys are sound."""
        if not components:
            return {}, np.ones(len(encoded), bool)
        pattern = rf"\A\d{{1,9}}(:\d{{1,9}}){{{len(components) - 1}}}\z"
        sound = np.asarray(pc.match_substring_regex(encoded.dictionary, pattern))
        blank = ":".join("0" * len(components))
        texts = pc.if_else(pa.array(sound), encoded.dictionary, blank)
        indexes = pc.list_flatten(pc.split_pattern(texts, ":")).cast(pa.int64())
        table = np.asarray(indexes).reshape(-1, len(components))
        limits = np.array([component.count for component in components])
        sound &= (table < limits).all(axis=1)
        number = encoded.indices.to_numpy()
        keep = sound[number]
        if not keep.all():
            bad = np.flatnonzero(~keep)
            places = [
                Place(path=path_of(paths, at), given=encoded[at].as_py()) for at in bad[:SAMPLE].tolist()
            ]
            self.faults.add(wrong_key(components, places, len(bad)))
        table = np.where(sound[:, None], table, 0)
        return {one.id: (_lookup(one)[table[:, at]])[number] for at, one in enumerate(components)}, keep

    def _sound(self, rows: list[Any], width: int, keep: Flags, paths: Paths) -> list[list[Any]]:
        """Rows as lists that are not too long; `keep` is false for those that were none."""
        if not set(map(type, rows)) <= {list}:
            bad = [at for at, row in enumerate(rows) if not isinstance(row, list)]
            places = [Place(path=path_of(paths, at)) for at in bad[:SAMPLE]]
            self.faults.add(wrong_observation("[]", places, len(bad)))
            keep[bad] = False
            rows = [row if isinstance(row, list) else [] for row in rows]
        long = np.flatnonzero(np.fromiter(map(len, rows), np.int64, len(rows)) > width)
        if len(long):
            rows = list(rows)
            limit = self.structure.annotations
            for at in long.tolist():
                rest = rows[at][width:]
                rows[at] = rows[at][:width]
                if all(type(one) is int and 0 <= one < limit for one in rest):
                    self.extra += 1
                else:
                    keep[at] = False
                    place = Place(path=path_of(paths, at), given=str(width + len(rest)))
                    self.faults.add(wrong_observation(f"[{width}]", [place], 1))
        return rows

    def _told(
        self, components: Components, rows: Sequence[Sequence[Any]], paths: Paths, within: str
    ) -> tuple[dict[str, pa.Array], Flags]:
        """The column of each component from rows that hold one value or index for each, or end before."""
        keep = np.ones(len(rows), bool)
        columns = list(zip_longest(*rows)) if rows else []
        found: dict[str, pa.Array] = {}
        for at, component in enumerate(components):
            values = columns[at] if at < len(columns) else (None,) * len(rows)
            found[component.id], bad = column_of(component, values)
            if len(bad):
                keep[bad] = False
                masked = component in self.structure.measures  # it may be a figure that is not public
                places = [
                    Place(
                        path=f"{path_of(paths, row)}/{within}{at}",
                        given=None if masked else text_of(values[row]),
                    )
                    for row in bad[:SAMPLE].tolist()
                ]
                self.faults.add(wrong_index(component, places, len(bad)))
        return found, keep

    def _without(self, names: list[str], series: list[dict[str, Any]], empty: Indices) -> None:
        """Notes series that say something and have no observation."""
        told = [at for at in empty.tolist() if series[at].get("attributes")]
        self.bare += [f"{self.path}/series/{pointed(names[at])}" for at in told]

    def _not_an_object(self, names: list[str], found: list[Any], path: str) -> None:
        bad = [name for name, one in zip(names, found, strict=True) if not isinstance(one, dict)]
        places = [Place(path=path.format(pointed(name))) for name in bad[:SAMPLE]]
        self.faults.add(wrong_observation("{}", places, len(bad)))


# --- columns ------------------------------------------------------------------------------------------------


def column_of(component: Component, values: Sequence[Any]) -> tuple[pa.Array, Indices]:
    """The texts of a component, null where nothing is said, and the rows whose index is none."""
    nothing = np.zeros(0, np.int64)
    kinds = set(map(type, values))
    if component.codes is not None:
        return _indexed(component, values, kinds)
    if kinds <= {str, type(None)}:
        texts = pa.array(values, pa.utf8())
    elif kinds <= {int, float, str, type(None)}:
        texts = _numbers(values, str in kinds)
    else:
        texts = pa.array([None if value is None else text_of(value) for value in values], pa.utf8())
    return pc.fill_null(texts, component.default) if component.default else texts, nothing


def _numbers(values: Sequence[Any], mixed: bool) -> pa.Array:
    """Numbers as texts; those that came with quotes stay as they are."""
    given = [at for at, value in enumerate(values) if type(value) is str] if mixed else []
    plain = list(values)
    for at in given:
        plain[at] = None
    numbers = np.array(plain, np.float64)
    missing = np.isnan(numbers)
    texts = number_texts(np.where(missing, 0, numbers))
    texts = pc.if_else(pa.array(missing), pa.scalar(None, pa.utf8()), texts)
    if given:
        is_given = np.zeros(len(plain), bool)
        is_given[given] = True
        texts = pc.replace_with_mask(texts, pa.array(is_given), pa.array([values[at] for at in given]))
    return texts


def _indexed(component: Component, values: Sequence[Any], kinds: set[type]) -> tuple[pa.Array, Indices]:
    if not kinds <= {int, type(None)}:
        return _several(component, values)
    indexes = pa.array(values, pa.int64())
    missing = np.asarray(indexes.is_null())
    numbers = np.asarray(pc.fill_null(indexes, 0))
    bad = ((numbers < 0) | (numbers >= component.count)) & ~missing
    codes = np.full(len(values), -1, np.int32)
    known = ~(bad | missing)
    codes[known] = _lookup(component)[numbers[known]]
    if component.default:
        codes[missing] = component.texts.index(component.default).as_py()
    return decoded(component, codes), np.flatnonzero(bad)


def _several(component: Component, values: Sequence[Any]) -> tuple[pa.Array, Indices]:
    """Where some have several indexes."""
    known = [*decoded(component, _lookup(component)).to_pylist()]
    texts: list[str | None] = []
    bad: list[int] = []
    for at, value in enumerate(values):
        indexes = value if isinstance(value, list) else [] if value is None else [value]
        sound = all(type(one) is int and 0 <= one < component.count for one in indexes)
        if not sound:
            bad.append(at)
        said = [known[one] for one in indexes] if sound else []
        texts.append(text_of(said[0] if len(said) == 1 else said) or component.default or None)
    return pa.array(texts, pa.utf8()), np.array(bad, np.int64)


def _lookup(component: Component) -> Codes:
    """Codes by index; never empty, so that what points to nothing can be looked up before it is set aside."""
    known = component.codes
    return np.full(1, -1, np.int32) if known is None or not len(known) else known


def decoded(component: Component, codes: Codes) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes < 0), component.texts)


def _add(columns: dict[str, pa.Array], id: str, column: pa.Array) -> None:
    """Adds a column; where another level says something of the component too, the nearer one counts."""
    if id in columns:
        column = pc.coalesce(column.cast(pa.utf8()), columns[id].cast(pa.utf8()))
    columns[id] = column


def _repeated(texts: list[str], count: int) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, np.int32)), pa.array(texts, pa.utf8()))


# --- pointers -----------------------------------------------------------------------------------------------


def _pointers(names: pa.DictionaryArray, before: str = "") -> pa.DictionaryArray:
    """Names as pieces of pointers."""
    short = pc.utf8_slice_codeunits(names.dictionary, 0, LONGEST)
    texts = pc.replace_substring(pc.replace_substring(short, "~", "~0"), "/", "~1")
    return pa.DictionaryArray.from_arrays(names.indices, pc.binary_join_element_wise(before, texts, ""))


def path_of(paths: Paths, at: int) -> str:
    """The pointer to a record."""
    return "".join(part if isinstance(part, str) else part[at].as_py() or "" for part in paths)
