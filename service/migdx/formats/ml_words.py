"""The words that all tables of SDMX-ML use, of every generation: the parts of what has an identity.

Schemas SDMXCommon.xsd (annotable to maintainable) and SDMXStructureBase.xsd (items, representations). What
2.1 says otherwise stands beside it, `until="2.1"`, and is made in `ml21_artefact`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from ..structures import Annotation, Codelist, Item, Link, Maintainable, Representation, SentinelValue
from .markup import quoted
from .ml21_artefact import FINAL, NOTES
from .xml_shapes import (
    AGENCY,
    FLAG,
    ID,
    INSTANT,
    VERSION,
    Attribute,
    Derived,
    Dialect,
    Leaf,
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
    attributes_of,
    bare,
)

# --- annotable, identifiable, nameable, maintainable -------------------------------------------------------

ANNOTATION = Shape(
    Annotation,
    "com:Annotation",
    Attribute("id", "id"),
    Leaf("com:AnnotationTitle", "title"),
    Leaf("com:AnnotationType", "type"),
    Texts("com:AnnotationURL", "urls", language=""),
    Texts("com:AnnotationText", "texts"),
    Leaf("com:AnnotationValue", "value"),
)
ANNOTATIONS = Within("com:Annotations", Many("annotations", lambda: ANNOTATION, unique=False), since="3.0")
ANNOTATED: tuple[Part, ...] = (ANNOTATIONS, NOTES)

LINK = Shape(
    Link,
    "com:Link",
    Attribute("rel", "rel", required=True),
    Attribute("url", "url", required=True),
    Attribute("urn", "urn"),
    Attribute("type", "type"),
)
LINKS = Many("links", lambda: LINK, unique=False, since="3.0")
ITS_URN = Derived("urn", lambda _: "")
NAMES = Texts("com:Name", "names", otherwise="id")
DESCRIPTIONS = Texts("com:Description", "descriptions")

NOTED: tuple[Part, ...] = (ITS_URN, Attribute("uri", "uri"), *ANNOTATED, LINKS)
IDENTIFIABLE: tuple[Part, ...] = (Attribute("id", "id", ID, required=True), *NOTED)
NAMEABLE: tuple[Part, ...] = (*IDENTIFIABLE, NAMES, DESCRIPTIONS)
UNNAMED: tuple[Part, ...] = (Attribute("id", "id", ID), *NOTED)
"""Identifiable things whose id may be left out."""


def without_id(make: Callable[..., Any]) -> Callable[..., Any]:
    """For things whose id may be left out: "" then."""
    return lambda **values: make(**{"id": "", **values})


VERSIONED: tuple[Part, ...] = (Attribute("version", "version", VERSION), FINAL)
VERSIONED_21: tuple[Part, ...] = (Attribute("version", "version", VERSION, until="2.1"), FINAL)
UNVERSIONED: tuple[Part, ...] = (Derived("version", lambda _: "", since="3.0"),)
PARTIAL = Attribute("isPartial", "is_partial", FLAG)


def urn_of(artefact: Maintainable) -> str:
    """The schemas know geographic lists by the class of all code lists."""
    kind = "Codelist" if isinstance(artefact, Codelist) else artefact.kind
    return replace(artefact.reference, kind=kind).urn


def maintained(*version: Part) -> tuple[Part, ...]:
    """The parts of a maintainable type: identity and names."""
    return (
        Derived("urn", urn_of, since="3.0"),
        Derived("urn", lambda _: "", until="2.1"),
        Attribute("id", "id", ID, required=True),
        Attribute("uri", "uri"),
        Attribute("agencyID", "agency", AGENCY, required=True),
        *version,
        Attribute("validFrom", "valid_from", INSTANT),
        Attribute("validTo", "valid_to", INSTANT),
        Attribute("isExternalReference", "is_external", FLAG),
        Attribute("isPartialLanguage", "is_partial_language", FLAG, since="3.1"),
        Attribute("serviceURL", "service_url"),
        Attribute("structureURL", "structure_url"),
        *ANNOTATED,
        LINKS,
        NAMES,
        DESCRIPTIONS,
    )


MAINTAINABLE = maintained(*VERSIONED)


def maintainable(cls: type[Maintainable], *parts: Part, version: tuple[Part, ...] = VERSIONED) -> Shape:
    """The table of a maintainable type: identity, names, then `parts`."""
    return Shape(cls, f"str:{cls.kind}", *maintained(*version), *parts)


def item(name: str, *parts: Part, cls: Callable[..., Any] = Item) -> Shape:
    """The table of an item: identity, names, then `parts`."""
    return Shape(cls, f"str:{name}", *NAMEABLE, *parts)


PARENT = Local("str:Parent", "parent")


# --- representations ---------------------------------------------------------------------------------------

LISTS = ("Codelist", "ValueList", "GeographicCodelist", "GeoGridCodelist")

SENTINEL = Shape(
    SentinelValue,
    "str:SentinelValue",
    Attribute("value", "value", required=True),
    Texts("com:Name", "names", otherwise="value"),
    DESCRIPTIONS,
)


@dataclass(frozen=True, eq=False)
class Facets(Part):
    """A child whose attributes are all kept, by their names, as pairs of one field."""

    name: str
    field: str

    @property
    def elements(self) -> tuple[str, ...]:
        return (bare(self.name),)

    def take(self, node: Node, values: Values, reading: Reading) -> None:
        values[self.field] = facets_of(node)

    def body(self, given: Any, dialect: Dialect) -> str:
        pairs = getattr(given, self.field)
        return f"<{self.name}{_attributes(pairs)}/>" if pairs else ""


def facets_of(node: Node) -> list[tuple[str, str]]:
    return [(name, value) for name, value in attributes_of(node) if name[0] != "{"]


def _attributes(pairs: Any) -> str:
    return "".join([f' {name}="{quoted(value)}"' for name, value in pairs])


@dataclass(frozen=True, eq=False)
class TextFormat(Part):
    """TextFormat, or EnumerationFormat beside an enumeration, which has no sentinel values.

    `default` is the data type when none is told.
    """

    default: str = "String"

    @property
    def elements(self) -> tuple[str, ...]:
        return ("TextFormat", "EnumerationFormat")

    def take(self, node: Node, values: Values, reading: Reading) -> None:
        facets = dict(facets_of(node))
        values["text_type"] = facets.pop("textType", self.default)
        values["facets"] = list(facets.items())
        for child in node:
            if reading.local(child) == "SentinelValue":
                values.setdefault("sentinels", []).append(reading.read(SENTINEL, child))
            else:
                reading.skip(reading.local(child), child)

    def finish(self, values: Values, node: Node, dialect: Dialect) -> None:
        values.setdefault("text_type", self.default)

    def body(self, given: Any, dialect: Dialect) -> str:
        facets = _attributes((("textType", given.text_type), *given.facets))
        if given.enumeration is not None:
            told = given.facets or given.text_type != "String"
            return f"<str:EnumerationFormat{facets}/>" if told else ""
        inner = "".join([SENTINEL.write(sentinel, dialect) for sentinel in given.sentinels])
        return f"<str:TextFormat{facets}>{inner}</str:TextFormat>" if inner else f"<str:TextFormat{facets}/>"


def representation(name: str, default: str = "String") -> One:
    """CoreRepresentation or LocalRepresentation."""
    shape = Shape(
        Representation,
        f"str:{name}",
        Attribute("minOccurs", "min_occurs"),
        Attribute("maxOccurs", "max_occurs"),
        Ref("str:Enumeration", "enumeration", LISTS),
        TextFormat(default),
    )
    return One("representation", lambda: shape, since="3.0")
