"""SDMX-ML 3.x tables of constraints (schema SDMXStructureConstraint.xsd).

What a 3.0 DataConstraint of role Actual says, 3.1 says by an AvailabilityConstraint, which has no identity:
read, it gets one from what it is attached to; its counts are annotations of type sdmx_metrics.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..structures import (
    CubeRegion,
    DataConstraint,
    DataKey,
    DataKeySet,
    KeyValues,
    MetadataConstraint,
    MetadataTargetRegion,
)
from .availability import COUNTS, available, count, is_count
from .markup import attributes, boolean, leaf
from .ml_constraints import CALENDAR, QUERYABLE, Selections, TimeRanges, keyed
from .ml_items import cascade, cascading
from .ml_words import ANNOTATION, ANNOTATIONS, maintainable
from .xml_shapes import (
    PATH,
    TRUTH,
    UNLESS,
    Attribute,
    Codec,
    Dialect,
    Irregular,
    Many,
    Node,
    One,
    Part,
    Reading,
    Shape,
    Values,
    fault,
    fixed,
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
                attributes(
                    ("xml:lang", languages.get(value, "")),
                    *zip(("validFrom", "validTo"), validity.get(value, ()), strict=False),
                ),
            )
            for value in given.values
        ]
    )


_SELECTION: tuple[Part, ...] = (
    Attribute("id", "component", PATH, required=True),
    Attribute("include", "include", UNLESS),
    Attribute("removePrefix", "remove_prefix", _TOLD),
    Attribute("validFrom", "valid_from"),
    Attribute("validTo", "valid_to"),
    Irregular(("str:Value",), _read_value, _write_values),
    TimeRanges("str"),
)
KEY_VALUE = Shape(KeyValues, "str:KeyValue", *_SELECTION)
COMPONENT = Shape(lambda **values: KeyValues(**values, is_attribute=True), "str:Component", *_SELECTION)


_SELECTIONS = Selections(KEY_VALUE, COMPONENT)


class _KeySelections(Selections):
    """Those of a key: a dimension has a value."""

    def take(self, node: Node, values: Values, reading: Reading) -> None:
        super().take(node, values, reading)
        read: KeyValues = values["keys"][-1]
        if not read.values and not read.is_attribute:
            raise fault(f"Key has 0 values for {read.component}; expected one", node)


_VALIDITY = (Attribute("validFrom", "valid_from"), Attribute("validTo", "valid_to"))
_INCLUDE = Attribute("include", "include", TRUTH)
KEY = Shape(
    keyed(DataKey),
    "str:Key",
    *_VALIDITY,
    Attribute("include", "include", UNLESS),
    ANNOTATIONS,
    _KeySelections(KEY_VALUE, COMPONENT),
)
KEY_SET = Shape(
    keyed(DataKeySet),
    "str:DataKeySet",
    Attribute("isIncluded", "include", TRUTH),
    Many("keys", lambda: KEY, unique=False),
)
CUBE_REGION = Shape(keyed(CubeRegion), "str:CubeRegion", *_VALIDITY, _INCLUDE, ANNOTATIONS, _SELECTIONS)
TARGET_REGION = Shape(
    keyed(MetadataTargetRegion), "str:MetadataTargetRegion", *_VALIDITY, _INCLUDE, _SELECTIONS
)


# --- what a constraint is attached to ----------------------------------------------------------------------

FOR_DATA = ("DataProvider", "DataStructure", "Dataflow", "ProvisionAgreement")
FOR_METADATA = (
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
                values.setdefault("queryable_sources", []).append(reading.read(QUERYABLE, entry))
            else:
                reading.skip(name, entry)

    def body(self, given: Any, dialect: Dialect) -> str:
        inner = "".join([dialect.write_reference(f"str:{each.kind}", each) for each in given.attachment])
        inner += "".join([leaf("str:SimpleDataSource", url) for url in given.simple_sources])
        inner += "".join([QUERYABLE.write(source, dialect) for source in given.queryable_sources])
        return f"<str:ConstraintAttachment>{inner}</str:ConstraintAttachment>" if inner else ""


_CALENDAR = One("calendar", lambda: CALENDAR, until="3.0")

DATA_CONSTRAINT = maintainable(
    DataConstraint,
    Attribute("role", "role", one_of(Allowed="Allowed", Actual="Actual"), until="3.0"),
    Attachment(FOR_DATA),
    _CALENDAR,
    Many("key_sets", lambda: KEY_SET, unique=False),
    Many("regions", lambda: CUBE_REGION, unique=False),
)
METADATA_CONSTRAINT = maintainable(
    MetadataConstraint,
    fixed("role", "Allowed", until="3.0"),
    Attachment(FOR_METADATA),
    _CALENDAR,
    Many("regions", lambda: TARGET_REGION, unique=False),
)


# --- what there is (3.1) -----------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Counts(Part):
    """The counts, which the model keeps as annotations."""

    @property
    def attributes(self) -> tuple[str, ...]:
        return tuple(COUNTS)

    def take_attribute(self, name: str, given: str, node: Node, values: Values) -> None:
        values.setdefault("counts", []).append(count(name, given.strip()))

    def head(self, given: Any, dialect: Dialect) -> str:
        titles = {note.id: note.title for note in given.annotations if is_count(note)}
        return attributes(*((name, titles.get(id, "")) for name, id in COUNTS.items()))


def _available(**values: Any) -> DataConstraint:
    """With the identity of what it is attached to, and the counts after the other annotations."""
    order = list(COUNTS.values())
    counts = sorted(values.pop("counts", ()), key=lambda note: order.index(note.id))
    (named,) = values.pop("attachment")
    return available(named, **{**values, "annotations": (*values.get("annotations", ()), *counts)})


def _write_notes(given: DataConstraint, dialect: Dialect) -> str:
    inner = "".join([ANNOTATION.write(note, dialect) for note in given.annotations if not is_count(note)])
    return f"<com:Annotations>{inner}</com:Annotations>" if inner else ""


@dataclass(frozen=True, eq=False)
class Attached(Attachment):
    """To exactly one structure, flow or agreement."""

    def finish(self, values: Values, node: Node, dialect: Dialect) -> None:
        if len(values.get("attachment", ())) != 1:
            raise fault("AvailabilityConstraint is attached to none or to many; expected one", node)


AVAILABILITY_CONSTRAINT = Shape(
    _available,
    "str:AvailabilityConstraint",
    Counts(),
    Irregular(("com:Annotations",), ANNOTATIONS.take, _write_notes),
    Attached(FOR_DATA[1:]),
    Many("regions", lambda: CUBE_REGION, unique=False),
)
