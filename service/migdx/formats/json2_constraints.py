"""SDMX-JSON 2.x: constraints on data and on metadata.

2.1 has no role, data sources or calendar: what there is stands in availabilityConstraints
(json2_availability.py).
"""

from __future__ import annotations

from typing import Any

from ..structures import (
    CubeRegion,
    DataConstraint,
    DataKey,
    DataKeySet,
    KeyValues,
    MetadataConstraint,
    MetadataTargetRegion,
    QueryableDataSource,
    ReleaseCalendar,
    TimeRange,
)
from ..urn import Reference
from .json2_artefacts import ANNOTATED, MAINTAINED, language_told
from .json2_items import cascade_told, take_cascade
from .json2_urns import period, period_told, take_path, take_urn
from .json_shapes import (
    By,
    Json,
    Part,
    Property,
    Reading,
    Shape,
    Told,
    each,
    flag,
    many,
    one,
    take_object,
    take_text,
    text,
    texts,
)

# --- values ------------------------------------------------------------------------------------------------

_VALIDITY = ("validFrom", "validTo")


def _values_told(key: KeyValues) -> list[Json]:
    # a value may be plain text by the schema, but readers want an object
    how, languages = dict(key.cascading), dict(key.languages)
    validity = {value: limits for value, *limits in key.validity}
    told = []
    for value in key.values:
        entry: Json = {"value": value}
        if value in how:
            entry["cascadeValues"] = cascade_told(how[value])
        if value in languages:
            entry["lang"] = language_told(languages[value])
        limits = zip(_VALIDITY, validity.get(value, ()), strict=False)
        told.append(entry | {name: period_told(limit) for name, limit in limits if limit})
    return told


def _write_values(key: KeyValues, into: Json, told: Told) -> None:
    if key.values:
        into["values"] = _values_told(key)


def _read_values(given: Json, into: Json, reading: Reading) -> None:
    if "values" not in given:
        return
    found: dict[str, list[Any]] = {"cascading": [], "languages": [], "validity": []}

    def take(entry: Any, reading: Reading) -> str:
        if type(entry) is not dict:
            return take_text(entry, reading)
        parts = dict.fromkeys(("value", "lang", *_VALIDITY), "")
        for name in entry:
            reading.steps.append(name)
            if name in parts:
                parts[name] = take_text(entry[name], reading)
            elif name == "cascadeValues":
                cascade = take_cascade(entry[name], reading)
                found["cascading"] += [(entry.get("value"), cascade)] if cascade else []
            reading.steps.pop()
            if name not in parts and name != "cascadeValues":
                reading.skip(name)
        if "value" not in entry:
            raise reading.fault("has no value")
        if parts["lang"]:
            found["languages"].append((parts["value"], parts["lang"]))
        if parts["validFrom"] or parts["validTo"]:
            found["validity"].append((parts["value"], parts["validFrom"], parts["validTo"]))
        return parts["value"]

    into["values"] = tuple(reading.part(given, "values", each(take)))
    into |= {name: tuple(entries) for name, entries in found.items() if entries}


# --- periods -----------------------------------------------------------------------------------------------

_BOUNDS = {"startPeriod": "start", "afterPeriod": "start", "endPeriod": "end", "beforePeriod": "end"}


def time_told(given: TimeRange) -> Json:
    """A range open at one end is afterPeriod or beforePeriod."""
    names = ("startPeriod", "endPeriod") if given.start and given.end else ("afterPeriod", "beforePeriod")
    bounds = ((given.start, given.start_included), (given.end, given.end_included))
    into: Json = {
        name: {"period": period_told(period), "isInclusive": included}
        for name, (period, included) in zip(names, bounds, strict=True)
        if period
    }
    limits = (("validFrom", given.valid_from), ("validTo", given.valid_to))
    return into | {name: period_told(limit) for name, limit in limits if limit}


_BOUND = Shape(
    lambda period, included=True: (period, included),
    (text("period", required=True), flag("isInclusive", "included")),
)


def _take_time(given: Any, reading: Reading) -> TimeRange:
    take_object(given, reading)
    parts: Json = {}
    for name, value in given.items():
        reading.steps.append(name)
        if side := _BOUNDS.get(name):
            parts[side], parts[f"{side}_included"] = _BOUND.take(value, reading)
        elif name in _VALIDITY:
            parts["valid_from" if name == "validFrom" else "valid_to"] = take_text(value, reading)
        reading.steps.pop()
        if name not in _BOUNDS and name not in _VALIDITY:
            reading.skip(name)
    return TimeRange(**parts)


# --- regions -----------------------------------------------------------------------------------------------


_LIMITED: tuple[Part, ...] = (period("validFrom", "valid_from"), period("validTo", "valid_to"))


_PREFIX: Part = flag(
    "removePrefix", "remove_prefix", always=True, unless=lambda key: key.remove_prefix is None
)
_TIME = Property("timeRange", "time_range", lambda value, told: time_told(value), _take_time)
_SELECTION: tuple[Part, ...] = (
    text("id", "component", take=take_path, required=True),
    flag("include", "include", always=True),
    _PREFIX,
    By(("values",), _write_values, _read_values),
    _TIME,
)
KEY_VALUES = Shape(KeyValues, (*_SELECTION, *_LIMITED))
COMPONENT_VALUES = Shape(lambda **parts: KeyValues(is_attribute=True, **parts), _SELECTION)


def _write_key_value(key: KeyValues, into: Json, told: Told) -> None:
    if len(key.values) > 1 and told.version >= "2.1":
        into["values"] = list(key.values)
    else:
        into["value"] = key.values[0] if key.values else ""


def _read_key_value(given: Json, into: Json, reading: Reading) -> None:
    name = "values" if "values" in given else "value"
    if name not in given:
        raise reading.fault("has no value")
    found = reading.part(given, name, each(take_text) if name == "values" else take_text)
    into["values"] = tuple(found) if name == "values" else (found,)


KEY_VALUE = Shape(
    KeyValues,
    (
        text("id", "component", take=take_path, required=True),
        flag("include", "include"),
        _PREFIX,
        By(("value", "values"), _write_key_value, _read_key_value),
    ),
)


def _keys(of_dimensions: Shape) -> By:
    """`keyValues` for dimensions, `components` for the others."""
    lists = (("keyValues", False, of_dimensions), ("components", True, COMPONENT_VALUES))

    def write(region: Any, into: Json, told: Told) -> None:
        for name, is_attribute, shape in lists:
            found = [shape.put(key, told) for key in region.keys if key.is_attribute == is_attribute]
            if found:
                into[name] = found

    def read(given: Json, into: Json, reading: Reading) -> None:
        keys: list[KeyValues] = []
        for name, _, shape in lists:
            if name in given:
                keys += reading.part(given, name, each(shape.take))
        into["keys"] = tuple(keys)

    return By(("keyValues", "components"), write, read)


_INCLUDED = flag("include", "include", always=True, also="isIncluded")
CUBE_REGION = Shape(CubeRegion, (_INCLUDED, ANNOTATED, _keys(KEY_VALUES)))
METADATA_TARGET_REGION = Shape(
    lambda keys=(), **parts: MetadataTargetRegion(keys, **parts),
    (_INCLUDED, ANNOTATED, many("components", "keys", COMPONENT_VALUES), *_LIMITED),
)
DATA_KEY = Shape(DataKey, (flag("include", "include"), ANNOTATED, _keys(KEY_VALUE), *_LIMITED))
DATA_KEY_SET = Shape(
    DataKeySet,
    (
        flag("isIncluded", "include", always=True),
        many("keys", "keys", DATA_KEY, required=True, always=True),
    ),
)

# --- what a constraint is attached to ----------------------------------------------------------------------

DATA_SOURCE = Shape(
    QueryableDataSource,
    (
        text("dataURL", "url", required=True),
        text("wsdlURL", "wsdl"),
        text("wadlURL", "wadl"),
        flag("isRESTDatasource", "is_rest", always=True),
        flag("isWebServiceDatasource", "is_web_service", always=True),
    ),
)

_ATTACHED = {
    "dataProvider": "DataProvider",
    "dataStructures": "DataStructure",
    "dataflows": "Dataflow",
    "provisionAgreements": "ProvisionAgreement",
    "metadataProvider": "MetadataProvider",
    "metadataStructures": "MetadataStructure",
    "metadataflows": "Metadataflow",
    "metadataProvisionAgreements": "MetadataProvisionAgreement",
    "metadataSets": "MetadataSet",
}
_PROPERTIES = {kind: name for name, kind in _ATTACHED.items()}
_SOURCES: tuple[Part, ...] = (
    texts("simpleDataSources", "simple_sources", until="2.0"),
    many("queryableDataSources", "queryable_sources", DATA_SOURCE, until="2.0"),
)


def _write_attachment(constraint: Any, into: Json, told: Told) -> None:
    attached: Json = {}
    for named in constraint.attachment:
        name = _PROPERTIES.get(named.kind, "dataflows")
        if name.endswith("s"):
            attached.setdefault(name, []).append(named.urn)
        else:
            attached[name] = named.urn
    for part in _SOURCES:
        part.write(constraint, attached, told)
    if attached:
        into["constraintAttachment"] = attached


def _read_attachment(given: Json, into: Json, reading: Reading) -> None:
    if "constraintAttachment" not in given:
        return
    reading.steps.append("constraintAttachment")
    attached = take_object(given["constraintAttachment"], reading)
    found: list[Reference] = []
    for name in attached:
        if name in _ATTACHED:
            named = reading.part(attached, name, each(take_urn) if name[-1] == "s" else take_urn)
            found += named if name[-1] == "s" else [named]
        elif name not in ("simpleDataSources", "queryableDataSources"):
            reading.skip(name)
    for part in _SOURCES:
        part.read(attached, into, reading)
    reading.steps.pop()
    into["attachment"] = tuple(found)


_ATTACHMENT: Part = By(("constraintAttachment",), _write_attachment, _read_attachment)

# --- constraints -------------------------------------------------------------------------------------------


def _take_role(given: Any, reading: Reading) -> str:
    role = given.capitalize() if type(given) is str else ""  # one registry writes it small
    if role not in ("Allowed", "Actual"):
        raise reading.wrong("Allowed or Actual", given)
    return role


CALENDAR = Shape(
    ReleaseCalendar,
    tuple(text(name, required=True, always=True) for name in ("periodicity", "offset", "tolerance")),
)
_CONSTRAINED: tuple[Part, ...] = (
    *MAINTAINED,
    Property("role", "role", lambda value, told: value, _take_role, until="2.0", also="type"),
    _ATTACHMENT,
    one("releaseCalendar", "calendar", CALENDAR, until="2.0"),
)
DATA_CONSTRAINT = Shape(
    DataConstraint,
    (
        *_CONSTRAINED,
        many("dataKeySets", "key_sets", DATA_KEY_SET),
        many("cubeRegions", "regions", CUBE_REGION),
    ),
)
METADATA_CONSTRAINT = Shape(
    MetadataConstraint,
    (*_CONSTRAINED, many("metadataTargetRegions", "regions", METADATA_TARGET_REGION)),
)
