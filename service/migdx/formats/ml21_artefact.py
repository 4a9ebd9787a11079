"""What SDMX-ML 2.1 says otherwise of every artefact: annotations, what is final, representations.

2.1 has no AnnotationValue and one AnnotationURL: a value is the title where there is none, else a text in the
language `zxx` (no linguistic content), and is read back from there; the English or first URL is written.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from ..structures import Annotation, Representation, in_language
from ..urn import is_stable
from .markup import element, leaf, optional, texts
from .ml21_kept import GROUP, KEPT, keep, noted
from .xml_shapes import (
    TRUTH,
    Attribute,
    Dialect,
    Leaf,
    Many,
    Node,
    Part,
    Reading,
    Ref,
    Shape,
    Texts,
    Values,
    Within,
    decoded,
)

_NO_LANGUAGE = "zxx"  # BCP 47: no linguistic content


# --- annotations -------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Title(Leaf):
    def body(self, given: Annotation, dialect: Dialect) -> str:
        return optional(self.name, given.title or given.value)


@dataclass(frozen=True, eq=False)
class _Url(Leaf):
    def take(self, node: Node, values: Values, reading: Reading) -> None:
        if node.text:
            values[self.field] = {"": node.text}

    def body(self, given: Annotation, dialect: Dialect) -> str:
        return optional(self.name, in_language(given.urls)[1])


@dataclass(frozen=True, eq=False)
class _NoteTexts(Texts):
    def gives(self, what: str) -> bool:
        return what == "finish" or super().gives(what)

    def finish(self, values: Values, node: Node, dialect: Dialect) -> None:
        if values.get("title") and _NO_LANGUAGE in values.get(self.field, ()):
            values["value"] = values[self.field].pop(_NO_LANGUAGE)

    def body(self, given: Annotation, dialect: Dialect) -> str:
        spare = leaf(self.name, given.value, _NO_LANGUAGE) if given.value and given.title else ""
        return texts(self.name, given.texts) + spare


ANNOTATION = Shape(
    Annotation,
    "com:Annotation",
    Attribute("id", "id"),
    _Title("com:AnnotationTitle", "title"),
    Leaf("com:AnnotationType", "type"),
    _Url("com:AnnotationURL", "urls"),
    _NoteTexts("com:AnnotationText", "texts"),
)


@dataclass(frozen=True, eq=False)
class _Notes(Many):
    """Without those that only say what 2.1 says elsewhere."""

    def body(self, given: Any, dialect: Dialect) -> str:
        return "".join(
            ANNOTATION.write(note, dialect) for note in given.annotations if note.type not in (KEPT, GROUP)
        )


NOTES = Within("com:Annotations", _Notes("annotations", lambda: ANNOTATION, unique=False), until="2.1")


# --- final ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Final(Part):
    """A stable version is final; where 2.1 says otherwise, that is kept."""

    @property
    def attributes(self) -> tuple[str, ...]:
        return ("isFinal",)

    def take_attribute(self, name: str, given: str, node: Node, values: Values) -> None:
        values["_final"] = decoded(TRUTH, given, node, name)

    def finish(self, values: Values, node: Node, dialect: Dialect) -> None:
        final = values.pop("_final", False)
        if final != is_stable(values.get("version", "1.0")):
            keep(values, "isFinal", TRUTH.write(final))

    def head(self, given: Any, dialect: Dialect) -> str:
        said = next(noted(given.annotations, "isFinal"), TRUTH.write(is_stable(given.version)))
        return ' isFinal="true"' if said == "true" else ""


FINAL = _Final(until="2.1")


# --- representations ---------------------------------------------------------------------------------------

_FACETS = (
    "isSequence", "interval", "startValue", "endValue", "timeInterval", "startTime", "endTime", "minLength",
    "maxLength", "minValue", "maxValue", "decimals", "pattern", "isMultiLingual",
)  # fmt: skip
# data types that 3.0 added, and XHTML, which 2.1 keeps for metadata attributes and concepts
_AS_TEXT = frozenset(("GeospatialInformation",))
_AS_TEXT_IN_DATA = frozenset(("GeospatialInformation", "XHTML"))
_TIMES = frozenset(
    ("ObservationalTimePeriod", "StandardTimePeriod", "BasicTimePeriod", "GregorianTimePeriod",
     "GregorianYear", "GregorianYearMonth", "GregorianDay", "ReportingTimePeriod", "ReportingYear",
     "ReportingSemester", "ReportingTrimester", "ReportingQuarter", "ReportingMonth", "ReportingWeek",
     "ReportingDay", "DateTime", "TimeRange")
)  # fmt: skip


def plainer(given: Representation, in_data: bool) -> Representation:
    """The representation as 2.1 can say it; `in_data` is in a DSD, which takes plain text only."""
    listed = given.enumeration if given.enumeration and given.enumeration.kind in _LISTS else None
    barred = {"decimals", "isMultiLingual"} if listed else {"isMultiLingual"} if in_data else set()
    return Representation(
        listed,
        "String" if given.text_type in (_AS_TEXT_IN_DATA if in_data else _AS_TEXT) else given.text_type,
        tuple((key, value) for key, value in given.facets if key in _FACETS and key not in barred),
    )


def plainer_time(given: Representation | None) -> Representation:
    """That of a time dimension, which 2.1 demands."""
    if given is None or given.text_type not in _TIMES:
        return Representation(text_type="ObservationalTimePeriod")
    facets = tuple((key, value) for key, value in given.facets if key in ("startTime", "endTime"))
    return Representation(None, given.text_type, facets)


_LISTS = ("Codelist", "ConceptScheme")


@dataclass(frozen=True, eq=False)
class _Format(Part):
    """TextFormat or EnumerationFormat: the type, and facets as they are named."""

    @property
    def elements(self) -> tuple[str, ...]:
        return ("TextFormat", "EnumerationFormat")

    def take(self, node: Node, values: Values, reading: Reading) -> None:
        facets = {str(key): str(value) for key, value in node.items() if key[0] != "{"}
        text_type = facets.pop("textType", "")
        if text_type:
            values["text_type"] = text_type
        values["facets"] = tuple(facets.items())

    def body(self, given: Representation, dialect: Dialect) -> str:
        facets = (("textType", given.text_type), *given.facets)
        if given.enumeration is None:
            return element("str:TextFormat", facets)
        scheme = given.enumeration.kind == "ConceptScheme"  # of a measure dimension, which has no format
        told = (given.facets or given.text_type != "String") and not scheme
        return element("str:EnumerationFormat", facets) if told else ""


def _representation(*kinds: str) -> Shape:
    enumeration = Ref("str:Enumeration", "enumeration", kinds=kinds)
    return Shape(Representation, "Representation", enumeration, _Format())


_CODED = _representation(*_LISTS)
_OF_CONCEPTS = _representation(*reversed(_LISTS))  # what a reference of a measure dimension means by itself


@dataclass(frozen=True, eq=False)
class Represented(Part):
    """A LocalRepresentation or CoreRepresentation; `in_data` is in a DSD.

    `time` is of its time dimension, which must have one; `measures` of its measure dimension.
    """

    name: str
    in_data: bool = True
    time: bool = field(default=False, kw_only=True)
    measures: bool = field(default=False, kw_only=True)

    @property
    def elements(self) -> tuple[str, ...]:
        return (self.name.partition(":")[2],)

    def take(self, node: Node, values: Values, reading: Reading) -> None:
        read: Representation = reading.read(_OF_CONCEPTS if self.measures else _CODED, node)
        if self.time and read.text_type == "String":  # what is said by saying nothing
            read = replace(read, text_type="ObservationalTimePeriod")
        values["representation"] = read

    def finish(self, values: Values, node: Node, dialect: Dialect) -> None:
        if self.time:
            values.setdefault("representation", plainer_time(None))

    def body(self, given: Any, dialect: Dialect) -> str:
        if given.representation is None and not self.time:
            return ""
        said = (
            plainer_time(given.representation) if self.time else plainer(given.representation, self.in_data)
        )
        return f"<{self.name}>{_CODED.inside(said, dialect)[1]}</{self.name}>"
