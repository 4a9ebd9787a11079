"""What the indexes of an SDMX-JSON data message mean: `data.structures` (2.x) or `data.structure` (1.0).

SDMX-JSON field guides 1.0, 2.0 and 2.1 (sdmx-twg/sdmx-json, data-message): structure, component, link.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ..dataset import number_texts
from ..report import SAMPLE, Finding, Place
from .cell_texts import by_language, quoted

LEVELS = ("dataSet", "dimensionGroup", "series", "observation")

WIDEST = 1000
"""Components that a structure may have."""

Codes = npt.NDArray[np.int32]
Json = Mapping[str, Any]


@dataclass(frozen=True)
class Component:
    """A component as the message tells it.

    `codes[i]` is the index in `texts` of its value i, -1 where that says nothing; None where the data hold
    texts and numbers, not indexes. `default` is the text where nothing is given. `over` are the dimensions
    that an attribute is attached to, as far as that is told.
    """

    id: str
    texts: pa.Array
    codes: Codes | None = None
    default: str = ""
    over: frozenset[str] = frozenset()

    @property
    def count(self) -> int:
        return 0 if self.codes is None else len(self.codes)


Components = tuple[Component, ...]


@dataclass(frozen=True)
class Structure:
    """`kind` and `reference` are those of Part. `dimensions` and `attributes` are by level.

    `key` holds all dimensions in the order of the data structure, `listed` in that of the message:
    data set, series, observation. `annotations` is how many there are.
    """

    kind: str
    reference: str
    place: Place
    dimensions: Mapping[str, Components]
    measures: Components
    attributes: Mapping[str, Components]
    key: Components
    listed: Components
    annotations: int


class Structures:
    """The structures of a message, and what is wrong with them."""

    def __init__(self, data: Json, root: str) -> None:
        self.findings: list[Finding] = []
        self._faults: dict[str, list[str]] = {}
        several = data.get("structures")
        if isinstance(several, list):
            found = [(one, f"{root}/structures/{at}") for at, one in enumerate(several)]
        else:
            found = [(data.get("structure"), f"{root}/structure")]
        self.all = [self._structure(one, path) for one, path in found]
        for problem, paths in self._faults.items():
            self.findings.append(wrong(problem, *paths))

    def _note(self, problem: str, path: str) -> None:
        self._faults.setdefault(problem, []).append(path)

    def _structure(self, said: Any, path: str) -> Structure | None:
        if not isinstance(said, dict):
            self._note("structure", path)
            return None
        levels = {
            name: self._levels(said.get(name), f"{path}/{name}")
            for name in ("dimensions", "measures", "attributes")
        }
        measures = [one for one, _ in levels["measures"].get("observation", [])]
        if "measures" not in said or said["measures"] is None:
            measures = [_written("OBS_VALUE")]
        dimensions = levels["dimensions"]
        placed = sorted((pair for level in dimensions.values() for pair in level), key=lambda pair: pair[1])
        attributes = {name: tuple(one for one, _ in found) for name, found in levels["attributes"].items()}
        ids = [one.id for one, _ in placed] + [one.id for one in measures]
        ids += [one.id for found in attributes.values() for one in found]
        if len(set(ids)) < len(ids):
            self._note("component twice", path)
        if len(ids) > WIDEST:
            values = {"what": "components", "given": len(ids), "limit": WIDEST}
            self.findings.append(Finding("too_large", values=values, places=(Place(path=path),)))
            return None
        kind, reference, at = _context(said.get("links"))
        annotations = said.get("annotations")
        return Structure(
            kind,
            reference,
            Place(path=f"{path}/links/{at}" if kind else path, given=reference or None),
            {name: tuple(one for one, _ in found) for name, found in dimensions.items()},
            tuple(measures),
            attributes,
            tuple(one for one, _ in placed),
            tuple(one for level in LEVELS for one, _ in dimensions.get(level, [])),
            len(annotations) if isinstance(annotations, list) else 0,
        )

    def _levels(self, said: Any, path: str) -> dict[str, list[tuple[Component, float]]]:
        """The components by level, each with its position in the key, if it has one."""
        if not isinstance(said, dict):
            if said is not None:
                self._note("object", path)
            return {}
        found: dict[str, list[tuple[Component, float]]] = {}
        for level, components in said.items():
            if not isinstance(components, list):
                if components is not None:
                    self._note("array", f"{path}/{level}")
                continue
            found[level] = []
            for at, one in enumerate(components[: WIDEST + 1]):
                if isinstance(one, dict) and isinstance(one.get("id"), str) and one["id"]:
                    position = one.get("keyPosition")
                    known = isinstance(position, int | float)
                    place = float(position) if known and position is not None else np.inf
                    found[level].append((self._component(one, f"{path}/{level}/{at}"), place))
                else:
                    self._note("component", f"{path}/{level}/{at}")
        return found

    def _component(self, said: Json, path: str) -> Component:
        values = said.get("values")
        given = said.get("default")
        default = "" if given is None else text_of(given)
        relationship = said.get("relationship")
        over = relationship.get("dimensions") if isinstance(relationship, dict) else None
        attached = frozenset(filter(_is_text, over)) if isinstance(over, list) else frozenset()
        if not isinstance(values, list):
            if values is not None:
                self._note("array", f"{path}/values")
            return _written(said["id"], default, attached)
        numbers: dict[str, int] = {}
        codes = np.full(len(values), -1, np.int32)
        for at, value in enumerate(values):
            if text := _value(value):
                codes[at] = numbers.setdefault(text, len(numbers))
        if default:
            numbers.setdefault(default, len(numbers))
        return Component(said["id"], pa.array(list(numbers), pa.utf8()), codes, default, attached)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _written(id: str, default: str = "", over: frozenset[str] = frozenset()) -> Component:
    return Component(id, pa.array([], pa.utf8()), None, default, over)


def wrong(problem: str, *paths: str, component: str = "") -> Finding:
    """That the message is not built as the field guide says, and where."""
    places = tuple(Place(path=path) for path in paths[:SAMPLE])
    values = {"reason": problem, "path": paths[0]}
    return Finding("wrong_message", component=component, count=len(paths), places=places, values=values)


# --- texts --------------------------------------------------------------------------------------------------


def _value(said: Any) -> str:
    """The text of a component value: its id, or what else it holds."""
    if not isinstance(said, dict):
        return text_of(said)
    for name in ("id", "value", "values"):
        if said.get(name) is not None:
            return text_of(said[name])
    return text_of(said.get("name"))  # as some services of 1.0 tell a value that is no code


def text_of(value: Any) -> str:
    """A value as SDMX-CSV writes it: `a;b` for several, `en:text;fr:texte` for several languages."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        text: str = number_texts(np.array([value]))[0].as_py()
        return text
    if isinstance(value, list):
        return ";".join(quoted(text_of(one), always=isinstance(one, dict | list)) for one in value)
    return by_language({name: text_of(one) for name, one in value.items()})


# --- what the data are for ----------------------------------------------------------------------------------

_CLASSES = {"dataflow": "dataflow", "provisionagreement": "dataprovision", "datastructure": "datastructure"}
_URN = re.compile(r"urn:sdmx:org\.sdmx\.infomodel\.\w+\.(\w+)=([^:()]+):([^:()]+)\(([^()]+)\)\Z")
_URL = re.compile(r"/(dataflow|datastructure|provisionagreement)/([^/?#]+)/([^/?#]+)(?:/([^/?#]+))?")


def _context(links: Any) -> tuple[str, str, int]:
    """What the first link to a dataflow names, else that to an agreement or a data structure; its position.

    A link has a URN; those of 1.0 often have an address alone.
    """
    found: dict[str, tuple[str, int]] = {}
    for kind, reference, at in _named(links if isinstance(links, list) else []):
        found.setdefault(kind, (reference, at))
    for kind in _CLASSES.values():
        if kind in found:
            return kind, *found[kind]
    return "", "", 0


def _named(links: list[Any]) -> Iterator[tuple[str, str, int]]:
    for at, link in enumerate(links):
        if not isinstance(link, dict):
            continue
        match = _URN.match(str(link.get("urn", "")).strip()) or _URL.search(str(link.get("href", "")))
        if match is None:
            continue
        kind, agency, id, version = match.groups()
        if known := _CLASSES.get(kind.lower()):
            yield known, f"{agency}:{id}({version})" if version else f"{agency}:{id}", at
