"""SDMX-JSON: representations, with the facets and the sentinel values of their formats."""

from __future__ import annotations

import re
from typing import Any

import orjson

from ..structures import Representation, SentinelValue
from .json2_urns import period_told, take_urn
from .json_shapes import (
    Json,
    Property,
    Reading,
    Shape,
    Told,
    Words,
    take_flag,
    take_list,
    take_object,
    take_text,
)

TRUTHS = ("isSequence", "isMultiLingual")
NUMBERS = (
    "minLength", "maxLength", "decimals", "minValue", "maxValue", "startValue", "endValue", "interval",
)  # fmt: skip
_TEXTS = ("timeInterval", "startTime", "endTime", "pattern")
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?\Z", re.ASCII)

SENTINEL = Shape(
    SentinelValue,
    (
        Property("value", "value", lambda value, told: value, lambda *given: _take_value(*given), True, True),
        Words("name", "names", "names", instead="value"),
        Words("description", "descriptions", "descriptions"),
    ),
)


def _take_value(given: Any, reading: Reading) -> str:
    """Text, or a number as the text that shows it."""
    if type(given) in (int, float):
        return str(given)
    return take_text(given, reading)


def number(given: str) -> Any:
    """The number that a text spells, digit by digit; the text, such as `unbounded`, when it spells none."""
    return orjson.Fragment(given) if _NUMBER.match(given) else given


def _take_occurs(given: Any, reading: Reading) -> str:
    if type(given) is int or given == "unbounded":
        return str(given)
    raise reading.wrong("a number or 'unbounded'", given)


def occurs(name: str, field: str, **more: Any) -> Property:
    return Property(name, field, lambda value, told: number(value), _take_occurs, **more)


def facets_told(facets: tuple[tuple[str, str], ...]) -> Json:
    """Facets are text in the model, as in XML."""
    return {
        name: given in ("true", "1")
        if name in TRUTHS
        else number(given)
        if name in NUMBERS
        else period_told(given)
        if name in ("startTime", "endTime")
        else given
        for name, given in facets
    }


def take_facets(given: Json, reading: Reading) -> tuple[tuple[str, str], ...]:
    found = []
    for name, value in given.items():
        reading.steps.append(name)
        if name in TRUTHS:
            found.append((name, "true" if take_flag(value, reading) else "false"))
        elif name in NUMBERS:
            if type(value) not in (int, float):
                raise reading.wrong("a number", value)
            found.append((name, str(value)))
        elif name in _TEXTS:
            found.append((name, take_text(value, reading)))
        reading.steps.pop()
        if name not in (*TRUTHS, *NUMBERS, *_TEXTS, "dataType", "sentinelValues"):
            reading.skip(name)
    return tuple(found)


def representation_told(given: Representation, told: Told) -> Json:
    facets = facets_told(given.facets)
    if told.version == "1.0":
        return _representation_of_1_0(given, {"textType": given.text_type, **facets})
    parts: Json = {}
    if given.enumeration is None:
        sentinels = [SENTINEL.put(value, told) for value in given.sentinels]
        parts["format"] = {
            "dataType": given.text_type,
            **facets,
            **({"sentinelValues": sentinels} if sentinels else {}),
        }
    else:
        parts["enumeration"] = given.enumeration.urn
        if facets or given.text_type != "String":
            parts["enumerationFormat"] = {"dataType": given.text_type, **facets}
    for name, many_ in (("minOccurs", given.min_occurs), ("maxOccurs", given.max_occurs)):
        if many_:
            parts[name] = number(many_)
    return parts


def _representation_of_1_0(given: Representation, text_format: Json) -> Json:
    if given.enumeration is None:
        return {"textFormat": text_format}
    plain = not given.facets and given.text_type == "String"
    return {"enumeration": given.enumeration.urn, **({} if plain else {"enumerationFormat": text_format})}


_REPRESENTATION = ("enumeration", "enumerationFormat", "format", "minOccurs", "maxOccurs")


def take_representation(given: Any, reading: Reading) -> Representation:
    take_object(given, reading)
    parts: Json = {}
    for name in given:
        if name not in _REPRESENTATION:
            reading.skip(name)
            continue
        reading.steps.append(name)
        value = given[name]
        match name:
            case "enumeration":
                parts["enumeration"] = take_urn(value, reading)
            case "format" | "enumerationFormat":
                parts |= _take_format(value, reading)
            case _:
                parts["min_occurs" if name == "minOccurs" else "max_occurs"] = _take_occurs(value, reading)
        reading.steps.pop()
    return Representation(**parts)


TYPES = frozenset(
    (
        "String", "Alpha", "AlphaNumeric", "Numeric", "BigInteger", "Integer", "Long", "Short", "Decimal",
        "Float", "Double", "Boolean", "URI", "Count", "InclusiveValueRange", "ExclusiveValueRange",
        "Incremental", "ObservationalTimePeriod", "StandardTimePeriod", "BasicTimePeriod",
        "GregorianTimePeriod", "GregorianYear", "GregorianYearMonth", "GregorianDay", "ReportingTimePeriod",
        "ReportingYear", "ReportingSemester", "ReportingTrimester", "ReportingQuarter", "ReportingMonth",
        "ReportingWeek", "ReportingDay", "DateTime", "TimeRange", "Month", "MonthDay", "Day", "Time",
        "Duration", "GeospatialInformation", "XHTML", "KeyValues", "IdentifiableReference",
        "DataSetReference",
    )
)  # fmt: skip


def take_type(given: Any, reading: Reading) -> str:
    if type(given) is not str or given not in TYPES:
        raise reading.wrong("a data type of SDMX, such as String or ObservationalTimePeriod", given)
    return given


def _take_format(given: Any, reading: Reading) -> Json:
    take_object(given, reading)
    parts: Json = {"facets": take_facets(given, reading)}
    for name, field, take in (
        ("dataType", "text_type", take_type),
        ("sentinelValues", "sentinels", lambda *given: tuple(take_list(given[0], SENTINEL.take, given[1]))),
    ):
        if name in given:
            parts[field] = reading.part(given, name, take)
    return parts


def representation(name: str, field: str = "representation") -> Property:
    return Property(name, field, representation_told, take_representation)
