"""The words in which SDMX-ML 2.1 structures are written: annotations, `<Ref>` elements, representations."""

from __future__ import annotations

from collections.abc import Sequence

from ..structures import Annotation, Representation, in_language
from ..urn import PACKAGES, Reference
from .markup import element, leaf, optional, texts

_NO_LANGUAGE = "zxx"  # BCP 47: no linguistic content


def notes(annotations: tuple[Annotation, ...]) -> str:
    return element("com:Annotations", (), *map(_note, annotations)) if annotations else ""


def _note(note: Annotation) -> str:
    """2.1 has no AnnotationValue and one AnnotationURL: ml21_structure_writer says what becomes of them."""
    spare = note.value if note.title and note.value != note.title else ""
    return element(
        "com:Annotation",
        (("id", note.id),),
        optional("com:AnnotationTitle", note.title or note.value),
        optional("com:AnnotationType", note.type),
        optional("com:AnnotationURL", in_language(note.urls)[1]),
        texts("com:AnnotationText", note.texts),
        leaf("com:AnnotationText", spare, _NO_LANGUAGE) if spare else "",
    )


# what 3.0 calls otherwise than 2.1: class, and the package where it is not that of the class
_CLASSES = {"DataConstraint": "ContentConstraint", "Hierarchy": "HierarchicalCodelist"}


def reference(name: str, named: Reference | None, attributes: Sequence[tuple[str, str]] = ()) -> str:
    """References are `<Ref>` without namespace; clients look for class and package always."""
    if named is None:
        return ""
    kind = (("class", _CLASSES.get(named.kind, named.kind)), ("package", PACKAGES.get(named.kind, "base")))
    if not named.item:
        whole = (("agencyID", named.agency), ("id", named.id), ("version", named.version))
        return element(name, attributes, element("Ref", (*whole, *kind)))
    part = (
        ("agencyID", named.agency),
        ("maintainableParentID", named.id),
        ("maintainableParentVersion", named.version),
        ("id", named.item),
    )
    return element(name, attributes, element("Ref", (*part, *kind)))


def local(name: str, target: str) -> str:
    """A reference within the same artefact."""
    return element(name, (), element("Ref", (("id", target),))) if target else ""


# data types that 3.0 added, and XHTML, which 2.1 keeps for metadata attributes and concepts
_AS_TEXT = frozenset(("GeospatialInformation",))
_AS_TEXT_IN_DATA = frozenset(("GeospatialInformation", "XHTML"))


def representation(name: str, given: Representation | None, in_data: bool = True) -> str:
    """`in_data` says that it belongs to a DSD, which takes plain text only; lists of values are text."""
    if given is None:
        return ""
    text_type = (
        "String" if given.text_type in (_AS_TEXT_IN_DATA if in_data else _AS_TEXT) else given.text_type
    )
    kept = [(key, value) for key, value in given.facets if not (in_data and key == "isMultiLingual")]
    facets = (("textType", text_type), *kept)
    if given.enumeration is None or given.enumeration.kind != "Codelist":
        return element(name, (), element("str:TextFormat", facets))
    told = kept or text_type != "String"
    layout = element("str:EnumerationFormat", facets) if told else ""
    return element(name, (), reference("str:Enumeration", given.enumeration), layout)
