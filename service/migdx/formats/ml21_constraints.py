"""Constraints and processes of SDMX-ML 2.1 (SDMXStructureConstraint.xsd, SDMXStructureProcess.xsd).

A ContentConstraint is a DataConstraint; an AttachmentConstraint is what it was. Key sets and regions of
metadata, sets of data, and the reference period have no place in the model and are kept as text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..structures import (
    AttachmentConstraint,
    Computation,
    Constraint,
    CubeRegion,
    DataConstraint,
    DataKey,
    DataKeySet,
    KeyValues,
    Process,
    ProcessArtefact,
    ProcessStep,
    QueryableDataSource,
    ReleaseCalendar,
    TimeRange,
    Transition,
)
from .markup import element, escape, time_range
from .ml21_artefact import IDENTIFIABLE, MAINTAINABLE, NAMEABLE, NOTES
from .ml21_kept import Kept
from .xml_shapes import (
    PATH,
    TRUTH,
    UNLESS,
    WORD,
    Attribute,
    Codec,
    Dialect,
    Leaf,
    Leaves,
    Local,
    Many,
    Node,
    One,
    Part,
    Reading,
    Ref,
    Shape,
    Texts,
    Values,
    Within,
    fault,
    local,
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


_BOUNDS = {"StartPeriod": "start", "AfterPeriod": "start", "EndPeriod": "end", "BeforePeriod": "end"}


@dataclass(frozen=True, eq=False)
class _TimeRange(Part):
    @property
    def elements(self) -> tuple[str, ...]:
        return ("TimeRange",)

    def take(self, node: Node, values: Values, reading: Reading) -> None:
        found: dict[str, Any] = {}
        for child in node:
            bound = _BOUNDS.get(reading.local(child))
            if bound is None:
                reading.skip(reading.local(child), child)
                continue
            found[bound] = text_of(child)
            try:
                found[f"{bound}_included"] = TRUTH.read(child.get("isInclusive") or "true")
            except ValueError:
                raise fault(
                    f"{local(child)}/@isInclusive is no truth value; expected true or false", child
                ) from None
        values["time_range"] = TimeRange(**found)

    def body(self, given: KeyValues, dialect: Dialect) -> str:
        return time_range(given.time_range, "com")


_COMPONENT = (
    Attribute("id", "component", PATH, required=True),
    Attribute("include", "include", UNLESS),
    _Listed(),
    _TimeRange(),
)
KEY_VALUE = Shape(KeyValues, "com:KeyValue", *_COMPONENT)
ATTRIBUTE_VALUE = Shape(lambda **fields: KeyValues(**fields, is_attribute=True), "com:Attribute", *_COMPONENT)


@dataclass(frozen=True, eq=False)
class _Keys(Part):
    """Values by component, those of dimensions first as the schema demands."""

    attributes_too: bool = True

    @property
    def elements(self) -> tuple[str, ...]:
        return ("KeyValue", "Attribute")

    def take(self, node: Node, values: Values, reading: Reading) -> None:
        shape = KEY_VALUE if reading.local(node) == "KeyValue" else ATTRIBUTE_VALUE
        values["keys"] = [*values.get("keys", ()), reading.read(shape, node)]

    def body(self, given: Any, dialect: Dialect) -> str:
        return "".join(
            (ATTRIBUTE_VALUE if key.is_attribute else KEY_VALUE).write(key, dialect)
            for key in sorted(given.keys, key=lambda key: key.is_attribute)
            if self.attributes_too or not key.is_attribute
        )


_INCLUDE = Attribute("include", "include", UNLESS)
CUBE_REGION = Shape(
    lambda keys=(), **fields: CubeRegion(keys, **fields),
    "str:CubeRegion",
    Attribute("include", "include", TRUTH),
    _Keys(),
)
KEY = Shape(lambda keys=(), **fields: DataKey(keys, **fields), "str:Key", _INCLUDE, _Keys(False))
DATA_KEY_SET = Shape(
    lambda keys=(), **fields: DataKeySet(keys, **fields),
    "str:DataKeySet",
    Attribute("isIncluded", "include", TRUTH),
    Many("keys", lambda: KEY, unique=False),
)


# --- constraints -------------------------------------------------------------------------------------------

QUERYABLE = Shape(
    QueryableDataSource,
    "str:QueryableDataSource",
    Attribute("isRESTDatasource", "is_rest", TRUTH),
    Attribute("isWebServiceDatasource", "is_web_service", TRUTH),
    Leaf("com:DataURL", "url", WORD, required=True, always=True),
    Leaf("com:WSDLURL", "wsdl", WORD),
    Leaf("com:WADLURL", "wadl", WORD),
)
CALENDAR = Shape(
    ReleaseCalendar,
    "str:ReleaseCalendar",
    Leaf("str:Periodicity", "periodicity", always=True, required=True),
    Leaf("str:Offset", "offset", always=True, required=True),
    Leaf("str:Tolerance", "tolerance", always=True, required=True),
)
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
ATTACHMENT_CONSTRAINT = Shape(
    AttachmentConstraint, "str:AttachmentConstraint", *MAINTAINABLE, ATTACHMENT, *_KEY_SETS
)


# --- processes ---------------------------------------------------------------------------------------------

_LOCAL_ID = Attribute("localID", "local_id", WORD)


def _artefact(name: str) -> Shape:
    artefact = Ref("str:ObjectReference", "artefact", required=True)
    return Shape(ProcessArtefact, name, _LOCAL_ID, NOTES, artefact)


COMPUTATION = Shape(
    Computation,
    "str:Computation",
    _LOCAL_ID,
    Attribute("softwarePackage", "software_package", Codec(str, str)),
    Attribute("softwareLanguage", "software_language", Codec(str, str)),
    Attribute("softwareVersion", "software_version", Codec(str, str)),
    NOTES,
    Texts("com:Description", "descriptions"),
)
TRANSITION = Shape(
    lambda id="", **fields: Transition(id, **fields),
    "str:Transition",
    Attribute("id", "id", WORD),
    *IDENTIFIABLE[1:],
    _LOCAL_ID,
    Local("str:TargetStep", "target"),
    Texts("str:Condition", "conditions"),
)
PROCESS_STEP: Shape = Shape(
    ProcessStep,
    "str:ProcessStep",
    *NAMEABLE,
    Many("inputs", lambda: _INPUT, unique=False),
    Many("outputs", lambda: _OUTPUT, unique=False),
    One("computation", lambda: COMPUTATION),
    Many("transitions", lambda: TRANSITION, unique=False),
    Many("steps", lambda: PROCESS_STEP),
)
_INPUT: Shape = _artefact("str:Input")
_OUTPUT: Shape = _artefact("str:Output")
PROCESS = Shape(Process, "str:Process", *MAINTAINABLE, Many("steps", lambda: PROCESS_STEP))
