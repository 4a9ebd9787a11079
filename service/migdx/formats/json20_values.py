"""What the indexes of an SDMX-JSON 2.0.0 data message mean: its components, with the values met."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from ..periods import EPOCH, parse_period
from ..schema import Schema, SchemaComponent
from ..structures import Text, in_language
from .layout import Layout, dimensions_of

_ID = re.compile(r"[A-Za-z0-9_@$-]+\Z", re.ASCII)


class Values:
    """The distinct texts of a component, numbered as they are met."""

    def __init__(self, component: SchemaComponent) -> None:
        self.component = component
        self._numbers: dict[str, int] = {}

    def index(self, text: str) -> int:
        return self._numbers.setdefault(text, len(self._numbers))

    def told(self, languages: Sequence[str]) -> list[dict[str, Any]]:
        return [self._told(text, languages) for text in self._numbers]

    def _told(self, text: str, languages: Sequence[str]) -> dict[str, Any]:
        """Codes and periods have an id, which the official schema limits to letters, digits and @$_-."""
        component = self.component
        identified = (component.coded or component.role in ("dimension", "time")) and _ID.match(text)
        code = component.code(text)
        told = {"id" if identified else "value": text, **named(code.names if code else {}, text, languages)}
        if code and code.parent:
            told["parent"] = code.parent
        period = parse_period(text) if component.role == "time" else None
        if period:
            told["start"] = f"{EPOCH + timedelta(days=period.start)}T00:00:00Z"
            told["end"] = f"{EPOCH + timedelta(days=period.end)}T23:59:59Z"
        return told


def structure(
    schema: Schema,
    given: Layout,
    values: Mapping[str, Values],
    datasets: Sequence[int],
    languages: Sequence[str],
) -> dict[str, Any]:
    """One of `data.structures`, that of these data sets. Every dimension needs a value: without rows there is
    none, and where series are all there is none at the observation.
    """
    subject, dsd = schema.subject, schema.dsd
    # first what was asked for, then what it is of
    linked = dict.fromkeys((subject.reference, schema.dataflow.reference, dsd.reference))
    if subject.kind == "DataStructure":
        linked = {dsd.reference: None}

    def dimensions(components: Sequence[SchemaComponent]) -> list[dict[str, Any]]:
        positions = schema.key
        return [
            _component(d, languages)
            | {"keyPosition": positions.index(d.id), "values": values[d.id].told(languages)}
            for d in components
            if datasets
        ]

    def attributes(components: Sequence[SchemaComponent]) -> list[dict[str, Any]]:
        return [
            _component(a, languages)
            | {"isMandatory": a.mandatory, "relationship": _relationship(schema, a)}
            | ({"values": told} if (told := values[a.id].told(languages)) else {})
            for a in components
        ]

    return {
        **({"dataSets": list(datasets)} if datasets else {}),
        "links": [{"urn": reference.urn, "rel": reference.kind.lower()} for reference in linked],
        **named(subject.names, subject.id, languages),
        "dimensions": {
            "dataSet": [],
            "series": dimensions(given.series_key),
            "observation": dimensions(() if given.series_only else given.observation_key),
        },
        "measures": {
            "observation": [_component(m, languages) | {"isMandatory": m.mandatory} for m in given.measures]
        },
        "attributes": {
            "dataSet": attributes(given.dataset_attributes),
            "series": attributes(given.series_attributes),
            "observation": attributes(given.observation_attributes),
        },
        "annotations": [],
    }


def _component(component: SchemaComponent, languages: Sequence[str]) -> dict[str, Any]:
    told: dict[str, Any] = {"id": component.id, **named(component.names, component.id, languages)}
    if component.role == "time":
        told["roles"] = [component.id]
    if not component.coded:
        told["format"] = {"dataType": component.text_type}
    return told


def _relationship(schema: Schema, attribute: SchemaComponent) -> dict[str, Any]:
    if attribute.attached == "dataflow":
        return {"dataflow": {}}
    if attribute.attached == "observation":
        return {"observation": {}}
    return {"dimensions": list(dimensions_of(schema, attribute))}


def named(names: Text, id: str, languages: Sequence[str]) -> dict[str, Any]:
    """The best name for the reader, and by language those that were asked for; else the id."""
    language, best = in_language(names, languages)
    asked = {tag(wanted).split("-")[0] for wanted in languages}
    shown = {key: text for key, text in names.items() if tag(key).split("-")[0] in asked or key == language}
    return {"name": best or id, "names": {tag(key): text for key, text in shown.items()} or {"en": id}}


def tag(language: str) -> str:
    """A language tag as the official schema spells it, in small letters; none for a wildcard."""
    return language.lower() if language[:1].isalpha() and language != "all" else ""
