"""SDMX-ML 3.x tables of constraints (schema SDMXStructureConstraint.xsd).

What a 3.0 DataConstraint of role Actual says, 3.1 says by an AvailabilityConstraint, which has no identity:
read, it gets one from what it is attached to; its counts are annotations of type sdmx_metrics.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..structures import (
    Annotation,
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
from .markup import boolean, escape, leaf, quoted
from .ml3_items import cascade, cascading
from .ml3_losses import COUNTS, available, is_count
from .ml3_words import ANNOTATION, ANNOTATIONS, maintainable
from .xml_shapes import (
    PATH,
    TRUTH,
    UNLESS,
    WORD,
    Attribute,
    Codec,
    Dialect,
    Irregular,
    Leaf,
    Many,
    Node,
    One,
    Part,
    Reading,
    Shape,
    Values,
    fault,
    fixed,
    local,
    one_of,
    text_of,
)

_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"

# --- the values of a component -----------------------------------------------------------------------------

_TOLD = Codec(TRUTH.read, lambda value: "" if value is None else boolean(value), TRUTH.expected)
"""True, False, or None when nothing is said."""


def _read_value(node: Node, values: Values, reading: Reading) -> None:
    value = text_of(node)
    values.setdefault("values", []).append(value)
    if how := cascade(node):
        values.setdefault("cascading", []).append((value, how))
    if language := node.get(_LANGUAGE):
        values.setdefault("languages", []).append((value, language))
    start, end = node.get("validFrom") or "", node.get("validTo") or ""
    if start or end:
        values.setdefault("validity", []).append((value, start, end))


def _write_values(given: KeyValues, dialect: Dialect) -> str:
    how, languages = dict(given.cascading), dict(given.languages)
    validity = {value: limits for value, *limits in given.validity}
    return "".join(
        [
            cascading(
                "str:Value",
                value,
                how.get(value, ""),
                _attributes(
                    ("xml:lang", languages.get(value, "")),
                    *zip(("validFrom", "validTo"), validity.get(value, ()), strict=False),
                ),
            )
            for value in given.values
        ]
    )


def _attributes(*pairs: tuple[str, str]) -> str:
    return "".join([f' {name}="{quoted(value)}"' for name, value in pairs if value])


def _read_range(node: Node, values: Values, reading: Reading) -> None:
    """AfterPeriod is a range that starts there and stays open, BeforePeriod one that ends there."""
    told: Values = {"valid_from": node.get("validFrom") or "", "valid_to": node.get("validTo") or ""}
    for bound in node:
        side = _SIDES.get(reading.local(bound))
        if side is None:
            reading.skip(reading.local(bound), bound)
            continue
        told[side] = text_of(bound)
        included = (bound.get("isInclusive") or "true").strip()
        if included not in ("true", "false", "1", "0"):
            raise fault(f"{local(bound)}/@isInclusive is '{included}'; expected true or false", bound)
        told[f"{side}_included"] = included in ("true", "1")
    values["time_range"] = TimeRange(**told)


_SIDES = {"StartPeriod": "start", "AfterPeriod": "start", "EndPeriod": "end", "BeforePeriod": "end"}


def _write_range(given: KeyValues, dialect: Dialect) -> str:
    limits = given.time_range
    if limits is None:
        return ""
    start, end = ("Start", "End") if limits.start and limits.end else ("After", "Before")
    bounds = ((start, limits.start, limits.start_included), (end, limits.end, limits.end_included))
    inner = "".join(
        [
            f'<str:{name}Period isInclusive="{boolean(included)}">{escape(period)}</str:{name}Period>'
            for name, period, included in bounds
            if period
        ]
    )
    head = _attributes(("validFrom", limits.valid_from), ("validTo", limits.valid_to))
    return f"<str:TimeRange{head}>{inner}</str:TimeRange>"


_SELECTION: tuple[Part, ...] = (
    Attribute("id", "component", PATH, required=True),
    Attribute("include", "include", UNLESS),
    Attribute("removePrefix", "remove_prefix", _TOLD),
    Attribute("validFrom", "valid_from"),
    Attribute("validTo", "valid_to"),
    Irregular(("str:Value",), _read_value, _write_values),
    Irregular(("str:TimeRange",), _read_range, _write_range),
)
KEY_VALUE = Shape(KeyValues, "str:KeyValue", *_SELECTION)
COMPONENT = Shape(lambda **values: KeyValues(**values, is_attribute=True), "str:Component", *_SELECTION)


@dataclass(frozen=True, eq=False)
class Selections(Part):
    """The values by component, those of dimensions first, as the schema demands."""

    in_key: bool = False

    @property
    def elements(self) -> tuple[str, ...]:
        return ("KeyValue", "Component")

    def take(self, node: Node, values: Values, reading: Reading) -> None:
        read: KeyValues = reading.read(KEY_VALUE if reading.local(node) == "KeyValue" else COMPONENT, node)
        if self.in_key and not read.values and not read.is_attribute:
            raise fault(f"Key has 0 values for {read.component}; expected one", node)
        values.setdefault("keys", []).append(read)

    def body(self, given: Any, dialect: Dialect) -> str:
        return "".join(
            [KEY_VALUE.write(key, dialect) for key in given.keys if not key.is_attribute]
            + [COMPONENT.write(key, dialect) for key in given.keys if key.is_attribute]
        )


def _keyed(cls: Any) -> Any:
    return lambda **values: cls(**{"keys": (), **values})


_VALIDITY = (Attribute("validFrom", "valid_from"), Attribute("validTo", "valid_to"))
_INCLUDE = Attribute("include", "include", TRUTH)
KEY = Shape(
    _keyed(DataKey),
    "str:Key",
    *_VALIDITY,
    Attribute("include", "include", UNLESS),
    ANNOTATIONS,
    Selections(in_key=True),
)
KEY_SET = Shape(
    _keyed(DataKeySet),
    "str:DataKeySet",
    Attribute("isIncluded", "include", TRUTH),
    Many("keys", lambda: KEY, unique=False),
)
CUBE_REGION = Shape(_keyed(CubeRegion), "str:CubeRegion", *_VALIDITY, _INCLUDE, ANNOTATIONS, Selections())
TARGET_REGION = Shape(
    _keyed(MetadataTargetRegion), "str:MetadataTargetRegion", *_VALIDITY, _INCLUDE, Selections()
)


# --- what a constraint is attached to ----------------------------------------------------------------------

SOURCE = Shape(
    QueryableDataSource,
    "str:QueryableDataSource",
    Attribute("isRESTDatasource", "is_rest", TRUTH),
    Attribute("isWebServiceDatasource", "is_web_service", TRUTH),
    Leaf("com:DataURL", "url", WORD, required=True),
    Leaf("com:WSDLURL", "wsdl", WORD),
    Leaf("com:WADLURL", "wadl", WORD),
)
_FOR_DATA = ("DataProvider", "DataStructure", "Dataflow", "ProvisionAgreement")
_FOR_METADATA = (
    "MetadataProvider",
    "MetadataSet",
    "MetadataStructure",
    "Metadataflow",
    "MetadataProvisionAgreement",
)


@dataclass(frozen=True, eq=False)
class Attachment(Part):
    """References, each in an element of its class; in 3.0 the data sources too."""

    kinds: tuple[str, ...]

    @property
    def elements(self) -> tuple[str, ...]:
        return ("ConstraintAttachment",)

    def take(self, node: Node, values: Values, reading: Reading) -> None:
        for entry in node:
            name = reading.local(entry)
            if name in self.kinds:
                values.setdefault("attachment", []).append(reading.reference(entry, (name,)))
            elif name == "SimpleDataSource":
                values.setdefault("simple_sources", []).append(text_of(entry))
            elif name == "QueryableDataSource":
                values.setdefault("queryable_sources", []).append(reading.read(SOURCE, entry))
            else:
                reading.skip(name, entry)

    def body(self, given: Any, dialect: Dialect) -> str:
        inner = "".join([dialect.write_reference(f"str:{each.kind}", each) for each in given.attachment])
        inner += "".join([leaf("str:SimpleDataSource", url) for url in given.simple_sources])
        inner += "".join([SOURCE.write(source, dialect) for source in given.queryable_sources])
        return f"<str:ConstraintAttachment>{inner}</str:ConstraintAttachment>" if inner else ""


CALENDAR = Shape(
    ReleaseCalendar,
    "str:ReleaseCalendar",
    Leaf("str:Periodicity", "periodicity", WORD, required=True, always=True),
    Leaf("str:Offset", "offset", WORD, required=True, always=True),
    Leaf("str:Tolerance", "tolerance", WORD, required=True, always=True),
)
_CALENDAR = One("calendar", lambda: CALENDAR, until="3.0")

DATA_CONSTRAINT = maintainable(
    DataConstraint,
    Attribute("role", "role", one_of(Allowed="Allowed", Actual="Actual"), until="3.0"),
    Attachment(_FOR_DATA),
    _CALENDAR,
    Many("key_sets", lambda: KEY_SET, unique=False),
    Many("regions", lambda: CUBE_REGION, unique=False),
)
METADATA_CONSTRAINT = maintainable(
    MetadataConstraint,
    fixed("role", "Allowed", until="3.0"),
    Attachment(_FOR_METADATA),
    _CALENDAR,
    Many("regions", lambda: TARGET_REGION, unique=False),
)


# --- what there is (3.1) -----------------------------------------------------------------------------------

_COUNTS = dict(zip(("seriesCount", "obsCount"), COUNTS, strict=True))


@dataclass(frozen=True, eq=False)
class Counts(Part):
    """The counts, which the model keeps as annotations."""

    @property
    def attributes(self) -> tuple[str, ...]:
        return tuple(_COUNTS)

    def take_attribute(self, name: str, given: str, node: Node, values: Values) -> None:
        note = Annotation(id=_COUNTS[name], title=given.strip(), type="sdmx_metrics")
        values.setdefault("counts", []).append(note)

    def head(self, given: Any, dialect: Dialect) -> str:
        titles = {note.id: note.title for note in given.annotations if is_count(note)}
        return _attributes(*((name, titles.get(id, "")) for name, id in _COUNTS.items()))


def _available(**values: Any) -> DataConstraint:
    """With the identity of what it is attached to, and the counts after the other annotations."""
    counts = sorted(values.pop("counts", ()), key=lambda note: COUNTS.index(note.id))
    (named,) = values.pop("attachment")
    return available(named, **{**values, "annotations": (*values.get("annotations", ()), *counts)})


def _write_notes(given: DataConstraint, dialect: Dialect) -> str:
    inner = "".join([ANNOTATION.write(note, dialect) for note in given.annotations if not is_count(note)])
    return f"<com:Annotations>{inner}</com:Annotations>" if inner else ""


@dataclass(frozen=True, eq=False)
class Attached(Attachment):
    """To exactly one structure, flow or agreement."""

    def finish(self, values: Values, node: Node, holder: Any) -> None:
        if len(values.get("attachment", ())) != 1:
            raise fault("AvailabilityConstraint is attached to none or to many; expected one", node)


AVAILABILITY_CONSTRAINT = Shape(
    _available,
    "str:AvailabilityConstraint",
    Counts(),
    Irregular(("com:Annotations",), ANNOTATIONS.take, _write_notes),
    Attached(_FOR_DATA[1:]),
    Many("regions", lambda: CUBE_REGION, unique=False),
)
