"""The words in which SDMX-ML 3.0 structures are written: annotations, references as URNs, representations."""

from __future__ import annotations

from ..structures import Annotation, Representation
from ..urn import Reference
from .markup import element, escape, leaf, optional, texts


def notes(annotations: tuple[Annotation, ...]) -> str:
    return element("com:Annotations", (), *map(_note, annotations)) if annotations else ""


def _note(note: Annotation) -> str:
    return element(
        "com:Annotation",
        (("id", note.id),),
        optional("com:AnnotationTitle", note.title),
        optional("com:AnnotationType", note.type),
        texts("com:AnnotationURL", note.urls),
        texts("com:AnnotationText", note.texts),
        optional("com:AnnotationValue", note.value),
    )


def reference(name: str, named: Reference | None) -> str:
    """References are URNs in 3.0."""
    return "" if named is None else leaf(name, named.urn)


def representation(name: str, given: Representation | None) -> str:
    if given is None:
        return ""
    occurs = (("minOccurs", given.min_occurs), ("maxOccurs", given.max_occurs))
    facets = (("textType", given.text_type), *given.facets)
    if given.enumeration is None:
        return element(name, occurs, element("str:TextFormat", facets))
    told = given.facets or given.text_type != "String"
    return element(
        name,
        occurs,
        reference("str:Enumeration", given.enumeration),
        element("str:EnumerationFormat", facets) if told else "",
    )


def cascading(name: str, value: str, how: dict[str, str]) -> str:
    """A value that may stand for its descendants, as `how` says of it."""
    return element(name, (("cascadeValues", how.get(value, "")),), escape(value))
