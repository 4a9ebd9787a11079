"""Axes: what varies along the rows or the columns of a table, told as data beside the structures.

An axis has levels, each of one component, or of several whose codes a RepresentationMap (SDMX 3.0 Information
Model, section 9) ties to one. Only codes that the schema takes are on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from ..errors import NotFound
from ..periods import parse_period
from ..registry import Registry
from ..schema import Schema, SchemaComponent
from ..search import folded
from ..structures import Codelist, Hierarchy, Item, RepresentationMap, Text, in_language
from ..urn import Reference, parse_short


@dataclass(frozen=True)
class Entry:
    """One place on a level: what stands there, and the values that it gives components.

    `depth` counts the entries above it that it is part of. `kept` are the codes of another component that go
    with it, None where all do.
    """

    code: str
    names: Text
    values: Mapping[str, str]
    depth: int = 0
    kept: Mapping[str, frozenset[str]] | None = None


@dataclass(frozen=True)
class Level:
    """`heading` is what its codes are codes of: a component, or what is mapped to several."""

    components: tuple[str, ...]
    heading: str
    names: Text
    entries: tuple[Entry, ...]

    def texts(self, component: str) -> dict[str, str]:
        """The values of a component by code, where these are not the codes themselves."""
        told = {entry.code: entry.values[component] for entry in self.entries}
        return {} if all(code == value for code, value in told.items()) else told


@dataclass(frozen=True)
class Axis:
    """`lines` are the combinations of entries, one of each level, in their order."""

    levels: tuple[Level, ...]
    lines: tuple[tuple[Entry, ...], ...]

    @property
    def components(self) -> frozenset[str]:
        return frozenset(component for level in self.levels for component in level.components)


Told = Mapping[str, Any]
"""What a file of templates says of one level.

`component`, or `map` with `components`: AGENCY:ID(VERSION) of a map from one list to several. Codes are those
of `codes`, then the children of `under` in `hierarchy`; all of the list when neither is told. `sorted` puts
the children in the order of their names; `without` leaves out what another component has; `since` and `until`
name annotations with the first and the last day on which a code holds; `note` keeps, of each other component
that it names, the codes in an annotation of the code.
"""


@dataclass(frozen=True)
class Source:
    """What axes are made of. `given` are values that all of a table has, `days` its first and last day."""

    registry: Registry
    schema: Schema
    language: str
    given: Mapping[str, str]
    days: tuple[int, int] | None = None

    def axis(self, told: Sequence[Told]) -> Axis:
        """Raises NotFound for a component, a hierarchy or a map that is not there, and for no code at all."""
        levels = tuple(self._level(one) for one in told)
        lines = tuple(line for line in product(*(level.entries for level in levels)) if _together(line))
        if not lines:
            raise NotFound(f"No code is left for {', '.join(level.heading for level in levels)}")
        return Axis(levels, lines)

    def _level(self, told: Told) -> Level:
        if "map" in told:
            return self._mapped(told)
        id = told["component"]
        component = self.schema.by_id.get(id)
        if component is None or component.codelist is None:
            raise NotFound(f"{self.schema.dsd.reference.short} has no coded component {id}")
        left_out = {self.given.get(told.get("without", ""), "")}
        codes = [
            code
            for code in self._codes(told, component.codelist.by_id)
            if code in component.valid and code not in left_out
        ]
        items = [item for code in codes if self._holds(item := component.codelist.by_id[code], told)]
        entries = [Entry(item.id, item.names, {id: item.id}, kept=_kept(item, told)) for item in items]
        parents = {item.id: item.parent for item in items} | self._parents(told)
        return Level((id,), id, component.names, tuple(_nested(entries, parents)))

    def _codes(self, told: Told, known: Mapping[str, Item]) -> Iterable[str]:
        if "codes" not in told and "hierarchy" not in told:
            return known
        children = [code for code in self._parents(told) if code in known]
        if told.get("sorted"):
            children.sort(key=lambda code: folded(in_language(known[code].names, (self.language,))[1]))
        return dict.fromkeys([*(code for code in told.get("codes", ()) if code in known), *children])

    def _parents(self, told: Told) -> dict[str, str]:
        """The children of `under` in the hierarchy, with it as their parent."""
        if "hierarchy" not in told:
            return {}
        hierarchy = self.registry.get(Hierarchy, parse_short(told["hierarchy"], Hierarchy.kind))
        parts = dict(hierarchy.partitions()).get(told["under"], ())
        return {part: str(told["under"]) for part in parts}

    def _holds(self, item: Item, told: Told) -> bool:
        """Whether a code holds on one of the days, where it says since when or until when."""
        if self.days is None:
            return True
        notes = (item.note(told[name]) if name in told else "" for name in ("since", "until"))
        since, until = map(parse_period, notes)
        return not ((since and since.start > self.days[1]) or (until and until.end < self.days[0]))

    def _mapped(self, told: Told) -> Level:
        tied = self.registry.get(RepresentationMap, parse_short(told["map"], RepresentationMap.kind))
        components = tuple(told["components"])
        listed = [self.schema.by_id[id] for id in components if id in self.schema.by_id]
        if len(listed) != len(components) or not isinstance(tied.sources[0], Reference):
            raise NotFound(f"{tied.reference.short} maps no code to {', '.join(components)}")
        source = self.registry.codelist(self.registry.get(Codelist, tied.sources[0]))
        targets = {mapping.sources[0]: mapping.targets for mapping in tied.mappings}
        entries = []
        for code in told.get("codes", targets):
            item, values = source.by_id.get(code), targets.get(code, ())
            if item and len(values) == len(listed) and all(map(_takes, listed, values)):
                entries.append(Entry(code, item.names, dict(zip(components, values, strict=True))))
        return Level(components, source.id, source.names, tuple(entries))


def _takes(component: SchemaComponent, value: str) -> bool:
    return value in component.valid


def _kept(item: Item, told: Told) -> dict[str, frozenset[str]] | None:
    found = {id: frozenset(item.note(note).split()) for id, note in told.get("note", {}).items()}
    return {id: codes for id, codes in found.items() if codes} or None


def _together(line: tuple[Entry, ...]) -> bool:
    """Whether each entry is among those that the others go with."""
    values = {id: value for entry in line for id, value in entry.values.items()}
    kept = (one for entry in line if entry.kept for one in entry.kept.items())
    return all(values.get(id) is None or values[id] in codes for id, codes in kept)


def _nested(entries: Sequence[Entry], parents: Mapping[str, str]) -> Iterator[Entry]:
    """With their depths: how many entries stand above each, parent by parent."""
    there = {entry.code for entry in entries}
    for entry in entries:
        depth, above, seen = 0, parents.get(entry.code, ""), {entry.code}
        while above and above not in seen:
            seen.add(above)
            depth += above in there
            above = parents.get(above, "")
        yield replace(entry, depth=depth)
