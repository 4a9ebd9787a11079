"""The rule pack of a dataflow: what of its structure a file must keep to, as one JSON object.

It holds what can be said of rows by themselves (level 0 of the European Statistical System: codes,
constraints, types, periods, keys), so that a program without a registry can look at a file before it is sent;
web/static/check.js is one. Rules that compare figures are not in it: `not_here` says so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from typing import Any

import orjson

from . import __version__, checks
from .checks import ALWAYS
from .combined import combinable
from .dataset import NOT_APPLICABLE, ON_PURPOSE
from .errors import NotFound
from .periods import FREQUENCIES, KINDS, example
from .registry import Registry
from .report import Severity, catalogue
from .schema import CONFIDENTIALITY, FREE, FREQUENCY, INTEGRAL, TEMPORAL, Schema, SchemaComponent

FORMAT = "migdx-rules/1"
"""Of the pack: a change that a reader must know of gets another number."""

READING: dict[str, Severity] = {
    "wrong_header": "error",
    "duplicate_column": "error",
    "wrong_number_of_cells": "error",
    "unclosed_quote": "error",
    "no_rows": "error",
    "decimal_comma": "warning",
}
"""What is said of a file although no row of it tells its dataflow."""

_HERE = frozenset(
    ("unknown_component", "missing_component", "missing_value", "partial_key", "surrounding_blanks",
     "unknown_code", "outside_constraint", "not_your_area", "not_a_number", "grouped_by_points",
     "invalid_period", "period_not_of_frequency", "duplicate_key", "repeated_row", "series_attribute_varies")
)  # fmt: skip

CODES: dict[str, Severity] = READING | {
    checks.name(check): severity for check, severity in ALWAYS.items() if checks.name(check) in _HERE
}
"""What follows from a pack and a CSV alone, each with its severity, a cause before its consequences."""


def rule_pack(registry: Registry, dataflow: str, provider: str = "", language: str = "en") -> dict[str, Any]:
    """The pack of a dataflow (its id, or AGENCY:ID(VERSION)), with what a provider's agreement leaves.

    `digest` is of all that it says; `messages` are those of its codes in `language`.
    """
    flow = registry.dataflow(dataflow)
    agreement = registry.agreement(provider, flow) if provider else None
    if provider and agreement is None:
        raise NotFound(f"{provider} has no agreement for {flow.reference.short}")
    schema = registry.schema(flow.reference, agreement)
    body = pack_of(schema, combinable(schema, registry))
    body["messages"] = messages(language, CODES)
    body["digest"] = hashlib.sha256(orjson.dumps(body)).hexdigest()
    return body


def messages(language: str, codes: Collection[str]) -> dict[str, str]:
    """The messages of some findings, with their variants."""
    told = catalogue(language) or catalogue("en")
    return {name: text for name, text in told.items() if name.split(".")[0] in codes}


def pack_of(schema: Schema, combined: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    """What a schema says, without names; a code list stands once, however many components take it."""
    lists = {c.codelist.reference.short: sorted(c.codes) for c in schema.components if c.codelist is not None}
    return {
        "format": FORMAT,
        "code": __version__,
        "dataflow": schema.dataflow.reference.short,
        "structure": schema.dsd.reference.short,
        "under": schema.context.short,
        "codes": CODES,
        "components": [_component(component, schema) for component in schema.components],
        "lists": lists,
        "combined": {name: list(into) for name, into in combined.items()},
        "key": list(schema.key),
        "series": [component.id for component in schema.series_dimensions],
        "frequency": FREQUENCY,
        "periods": {
            "of": FREQUENCIES,
            "kinds": {kind: {"name": name, "example": example(kind)} for kind, name in KINDS.items()},
        },
        "missing": {"key": NOT_APPLICABLE, "number": ON_PURPOSE[0], "other": ON_PURPOSE[1]},
        "confidential": {"component": CONFIDENTIALITY, "free": FREE, "masked": list(schema.masked)},
        "not_here": _not_here(schema),
    }


def _component(component: SchemaComponent, schema: Schema) -> dict[str, Any]:
    """`type` is that of SDMX; `trimmed` says that blanks around a value do not belong to it."""
    in_key = component.role in ("dimension", "time")
    coded = component.codelist is not None
    told = {
        "id": component.id,
        "role": component.role,
        "mandatory": component.mandatory,
        "list": component.codelist.reference.short if component.codelist is not None else "",
        "type": "" if coded else component.text_type,
        "kind": "code" if coded else _kind(component),
        "facets": dict(component.facets),
        "allowed": _limit(component.allowed),
        "granted": _limit(component.granted),
        "trimmed": in_key or coded or component.text_type in TEMPORAL,
        "series": component in schema.series_attributes,
        "several": component.max_occurs not in ("", "1"),
    }
    return {name: value for name, value in told.items() if value not in ("", False, None, {})}


def _limit(values: frozenset[str] | None) -> list[str] | None:
    """An empty limit allows nothing, which is something else than none."""
    return None if values is None else sorted(values)


def _kind(component: SchemaComponent) -> str:
    if component.numeric:
        return "integer" if component.text_type in INTEGRAL else "number"
    if component.text_type in TEMPORAL:
        return "instant" if component.text_type == "DateTime" else "period"
    return "text"


def _not_here(schema: Schema) -> list[str]:
    """What else the service looks at, as keys of the words of the pages."""
    found = ["rules", "nearest"]
    if schema.restrictions:
        found.append("combinations")
    if all(component.granted is None for component in schema.components):
        found.append("area")
    return found
