"""Constraints of SDMX-ML 2.1 (SDMXStructureConstraint.xsd).

A ContentConstraint is a DataConstraint; an AttachmentConstraint is what it was. Key sets and regions of
metadata, sets of data, and the reference period have no place in the model and are kept as text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..structures import (
    AttachmentConstraint,
    Constraint,
    CubeRegion,
    DataConstraint,
    DataKey,
    DataKeySet,
    KeyValues,
)
from .markup import element, escape
from .ml21_kept import Kept
from .ml_constraints import CALENDAR, QUERYABLE, Selections, TimeRanges, keyed
from .ml_words import MAINTAINABLE, maintainable
from .xml_shapes import (
    PATH,
    TRUTH,
    UNLESS,
    WORD,
    Attribute,
    Dialect,
    Leaves,
    Many,
    Node,
    One,
    Part,
    Reading,
    Shape,
    Values,
    Within,
    fault,
    one_of,
    text_of,
)

# --- values of components ----------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Listed(Part):
    """The values one by one; 2.1 only knows whether their descendants are meant too."""

    @property
    def elements(self) -> tuple[str, ...]:
        return ("Value",)

    def take(self, node: Node, values: Values, reading: Reading) -> None:
        value = text_of(node)
        values.setdefault("values", []).append(value)
        given = (node.get("cascadeValues") or "false").strip()
        if given in ("true", "1"):
            values.setdefault("cascading", []).append((value, "true"))
        elif given not in ("false", "0"):
            raise fault(f"Value/@cascadeValues is '{given}'; expected true or false", node)

    def body(self, given: KeyValues, dialect: Dialect) -> str:
        how = {value for value, _ in given.cascading}
        return "".join(
            element("com:Value", (("cascadeValues", "true" if value in how else ""),), escape(value))
            for value in given.values
        )


_COMPONENT = (
    Attribute("id", "component", PATH, required=True),
    Attribute("include", "include", UNLESS),
    _Listed(),
    TimeRanges("com"),
)
KEY_VALUE = Shape(KeyValues, "com:KeyValue", *_COMPONENT)
ATTRIBUTE_VALUE = Shape(lambda **fields: KeyValues(**fields, is_attribute=True), "com:Attribute", *_COMPONENT)


_KEYS = Selections(KEY_VALUE, ATTRIBUTE_VALUE)


class _OfDimensions(Selections):
    """A key is of dimensions only."""

    def body(self, given: Any, dialect: Dialect) -> str:
        return "".join(KEY_VALUE.write(key, dialect) for key in given.keys if not key.is_attribute)


CUBE_REGION = Shape(keyed(CubeRegion), "str:CubeRegion", Attribute("include", "include", TRUTH), _KEYS)
KEY = Shape(
    keyed(DataKey),
    "str:Key",
    Attribute("include", "include", UNLESS),
    _OfDimensions(KEY_VALUE, ATTRIBUTE_VALUE),
)
DATA_KEY_SET = Shape(
    keyed(DataKeySet),
    "str:DataKeySet",
    Attribute("isIncluded", "include", TRUTH),
    Many("keys", lambda: KEY, unique=False),
)


# --- constraints -------------------------------------------------------------------------------------------

ATTACHED = (
    "DataProvider", "DataStructure", "MetadataStructure", "Dataflow", "Metadataflow", "ProvisionAgreement",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Attached(Part):
    """The artefacts that a constraint is of; the class is the name of the element."""

    @property
    def elements(self) -> tuple[str, ...]:
        return ATTACHED

    def take(self, node: Node, values: Values, reading: Reading) -> None:
        found = reading.reference(node, (reading.local(node),))
        values["attachment"] = [*values.get("attachment", ()), found]

    def body(self, given: Constraint, dialect: Dialect) -> str:
        return "".join(
            dialect.write_reference(f"str:{named.kind}", named)
            for named in given.attachment
            if named.kind in ATTACHED
        )


ATTACHMENT = Within(
    "str:ConstraintAttachment",
    _Attached(),
    Kept("str:DataSet"),
    Kept("str:MetadataSet"),
    Leaves("str:SimpleDataSource", "simple_sources", WORD),
    Many("queryable_sources", lambda: QUERYABLE, unique=False),
)
_KEY_SETS = (Many("key_sets", lambda: DATA_KEY_SET, unique=False), Kept("str:MetadataKeySet"))

CONTENT_CONSTRAINT = Shape(
    lambda role="Actual", **fields: DataConstraint(role=role, **fields),
    "str:ContentConstraint",
    *MAINTAINABLE,
    Attribute("type", "role", one_of(Allowed="Allowed", Actual="Actual")),
    ATTACHMENT,
    *_KEY_SETS,
    Many("regions", lambda: CUBE_REGION, unique=False),
    Kept("str:MetadataTargetRegion"),
    One("calendar", lambda: CALENDAR),
    Kept("str:ReferencePeriod"),
)
ATTACHMENT_CONSTRAINT = maintainable(AttachmentConstraint, ATTACHMENT, *_KEY_SETS)
