"""The JSON Schema of an SDMX-JSON data message in one context: 2.0.0 and 2.1.0, constraints applied.

sdmx-rest v2.2.2, doc/schema.md. It adds to the official schema of the message, and is asked beside it: which
context is named, which components stand at which level, and which values they list. What it cannot say: that
an index points at a value that is listed, that a measure stands first in an observation, that a key is there
once, and what constraints say of combinations; for the message gives values by index and position.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import orjson

from ..schema import INTEGRAL, Schema, SchemaComponent
from .layout import Layout, layout

Rule = dict[str, Any]

_DIALECTS = {
    "2.0": ("http://json-schema.org/schema#", "id", "definitions"),
    "2.1": ("https://json-schema.org/draft/2019-09/schema", "$id", "$defs"),
}
"""The dialect of the official schema of each version, and its words for identity and definitions."""

_TEXT_FACETS = {"minLength": "minLength", "maxLength": "maxLength"}
_BOUNDS = {"minValue": "minimum", "maxValue": "maximum"}
_LEVELS = ("dataSet", "series", "observation")
_PIECE = 10_000
"""Codes that leave at once: a list may have hundreds of thousands."""


def write_json_schema(
    schema: Schema, version: str, dimension_at_observation: str, *, deletion: bool = False
) -> Iterator[bytes]:
    """`version` is 2.0 or 2.1; with `deletion` keys may be partial, and other values be anything."""
    given = layout(schema, dimension_at_observation)
    dialect, identity, definitions = _DIALECTS[version]
    made = _Message(schema, given, f"#/{definitions}/", deletion=deletion)
    head = {
        "$schema": dialect,
        identity: f"{schema.context.urn}:ObsLevelDim:{given.observation}",
        "title": schema.subject.name(),
        "description": f"SDMX-JSON {version}.0 data for {schema.context.urn}; asked beside the schema of all "
        "SDMX-JSON data messages.",
        "type": "object",
        "required": ["data"],
        "properties": {"data": made.data()},
    }
    yield orjson.dumps(head)[:-1] + b"," + orjson.dumps(definitions) + b":{"
    yield from made.definitions()
    yield b"}}\n"


class _Message:
    def __init__(self, schema: Schema, given: Layout, at: str, *, deletion: bool) -> None:
        self._schema, self._layout, self._at, self._deletion = schema, given, at, deletion

    # --- the message -------------------------------------------------------------------------------

    def data(self) -> Rule:
        return {
            "type": "object",
            "required": ["structures", "dataSets"],
            "properties": {
                "structures": {"type": "array", "minItems": 1, "items": self._structure()},
                "dataSets": {"type": "array", "items": self._dataset()},
            },
        }

    def _structure(self) -> Rule:
        given, context = self._layout, self._schema.context
        attributes = {
            "dataSet": self._schema.attributes,
            "dimensionGroup": self._schema.attributes,
            "series": (*given.series_attributes, *given.observation_attributes),
            "observation": given.observation_attributes,
        }
        named = {"properties": {"urn": {"enum": [context.urn]}}, "required": ["urn"]}
        return {
            "type": "object",
            "required": ["links", "dimensions"],
            "properties": {
                "links": {"type": "array", **_holds(named)},
                "dimensions": self._dimensions(),
                "measures": {"properties": {"observation": self._components(given.measures)}},
                "attributes": {
                    "properties": {
                        level: self._components(components) for level, components in attributes.items()
                    }
                },
            },
        }

    def _dimensions(self) -> Rule:
        """Each dimension at its level, or lifted to the data set, where it has one value."""
        given = self._layout
        at = {
            "dataSet": (*given.series_key, *given.observation_key),
            "series": given.series_key,
            "observation": given.observation_key,
        }
        rule: Rule = {
            "type": "object",
            "properties": {level: self._components(dimensions) for level, dimensions in at.items()},
        }
        if self._deletion:
            return rule
        below = {d.id for d in given.observation_key}
        rule["allOf"] = [
            {
                "anyOf": [
                    *(
                        {"required": [level], "properties": {level: _holds(self._ref(dimension))}}
                        for level in _LEVELS
                        if dimension in at[level]
                    ),
                    # series alone have nothing at the observation
                    *(
                        [{"properties": {"observation": {"maxItems": 0}}}]
                        if dimension.id in below and not given.flat
                        else []
                    ),
                ]
            }
            for dimension in self._schema.dimensions
        ]
        return rule

    def _components(self, components: Iterable[SchemaComponent]) -> Rule:
        told = [self._ref(component) for component in components]
        return {"type": "array", "items": {"anyOf": told}} if told else {"type": "array", "maxItems": 0}

    def _ref(self, component: SchemaComponent) -> Rule:
        return {"$ref": f"{self._at}{component.id}"}

    def _dataset(self) -> Rule:
        given = self._layout
        observations = _keyed(len(given.observation_key), {"type": ["array", "null"]})
        if given.flat:
            levels: Rule = {"observations": observations, "series": {"type": "object", "maxProperties": 0}}
        else:
            series = {"type": "object", "properties": {"observations": observations}}
            levels = {"series": _keyed(len(given.series_key), series)}
        action = {"action": {"enum": ["Delete"]}} if self._deletion else {"action": {"type": "string"}}
        return {
            "type": "object",
            "properties": {**action, **levels},
            **({"required": ["action"]} if self._deletion else {}),
        }

    # --- components --------------------------------------------------------------------------------

    def definitions(self) -> Iterator[bytes]:
        """Per component what says it, and for those with a list the codes that are allowed."""
        for at, component in enumerate(self._schema.components):
            position = self._schema.key.index(component.id) if component.id in self._schema.key else None
            rule = _component(component, position, self._values(component))
            yield (b"," if at else b"") + orjson.dumps(component.id) + b":" + orjson.dumps(rule)
            if self._listed(component):
                yield b"," + orjson.dumps(f"{component.id}.values") + b':{"enum":['
                yield from _enumerated(_codes(component))
                yield b"]}"

    def _listed(self, component: SchemaComponent) -> bool:
        free = self._deletion and component.role not in ("dimension", "time")
        return not free and (component.coded or (component.limit is not None and not component.numeric))

    def _values(self, component: SchemaComponent) -> Rule:
        """One of `values`: an id or a value that is allowed."""
        if self._listed(component):
            value: Rule = {"$ref": f"{self._at}{component.id}.values"}
        elif self._deletion:
            value = {}
        else:
            value = _typed(component)
        return {
            "anyOf": [
                {"required": ["id"], "properties": {"id": value}},
                {"required": ["value"], "properties": {"value": value}},
            ]
        }


def _component(component: SchemaComponent, position: int | None, value: Rule) -> Rule:
    """A component of a structure; only a measure gives its values in the observations."""
    place = {} if position is None else {"keyPosition": {"enum": [position]}}
    return {
        "type": "object",
        "required": ["id"],
        "properties": {
            "id": {"enum": [component.id]},
            **place,
            "values": {"type": "array", "items": {"type": "object", **value}},
        },
    }


def _typed(component: SchemaComponent) -> Rule:
    """Text, or a number as text or as itself, within the facets that JSON Schema has too."""
    facets = dict(component.facets)
    if component.numeric:
        bounds = {_BOUNDS[name]: float(value) for name, value in component.facets if name in _BOUNDS}
        kind = "integer" if component.text_type in INTEGRAL else "number"
        return {"anyOf": [{"type": kind, **bounds}, {"type": "string"}]}
    rule: Rule = {"type": ["string", "boolean", "object", "array", "null"]}
    rule |= {word: int(facets[name]) for name, word in _TEXT_FACETS.items() if name in facets}
    return rule


def _codes(component: SchemaComponent) -> Iterator[str]:
    if component.codelist is None:
        return iter(sorted(component.limit or ()))
    return (item.id for item in component.codelist.items if item.id in component.valid)


def _enumerated(codes: Iterator[str]) -> Iterator[bytes]:
    between = b""
    while piece := list(islice(codes, _PIECE)):
        yield between + orjson.dumps(piece)[1:-1]
        between = b","


def _holds(rule: Rule) -> Rule:
    """At least one element fits; `contains` is not in every draft."""
    return {"not": {"items": {"not": rule}}}


def _keyed(dimensions: int, rule: Rule) -> Rule:
    """Keys of indexes joined by colons, of so many dimensions, or fewer where some are lifted."""
    pattern = f"^[0-9]*(:[0-9]*){{0,{max(dimensions - 1, 0)}}}$"
    return {"type": "object", "patternProperties": {pattern: rule}, "additionalProperties": False}
