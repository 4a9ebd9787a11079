"""The words in which SDMX-ML 3.0 structures are read: nodes, texts, references, and what every artefact has.

The parser takes no document type: no entities, no network, no deep trees (libxml2 stops at 256 levels).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar, cast

from lxml import etree

from ..errors import StructureFault, SyntaxFault
from ..structures import Annotation, Representation
from ..urn import Reference, parse_urn

Node = etree._Element

_SCHEMAS = "http://www.sdmx.org/resources/sdmxml/schemas/"
MESSAGE, STRUCTURE, COMMON = (f"{{{_SCHEMAS}v3_0/{part}}}" for part in ("message", "structure", "common"))
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
_ID = re.compile(r"[A-Za-z0-9_@$-]+\Z")
_AGENCY = re.compile(r"[A-Za-z][A-Za-z0-9_-]*(\.[A-Za-z][A-Za-z0-9_-]*)*\Z")
_VERSION = re.compile(r"\d+(\.\d+){0,2}(-[A-Za-z0-9.-]+)?\Z", re.ASCII)
LISTS = ("Codelist", "ValueList", "GeographicCodelist", "GeoGridCodelist")


def parse(source: bytes) -> Node:
    """The root of a message; StructureFault when it is not XML or carries a document type."""
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(source, parser)
    except etree.XMLSyntaxError as error:
        raise StructureFault(f"Not well-formed XML: {error.msg}", line=error.lineno or 1) from None
    except ValueError as error:  # lxml says so of an empty document
        raise StructureFault(f"Not XML: {error}", line=1) from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise StructureFault("A message with a document type (DOCTYPE) is not taken", line=1)
    return root


def fault(reason: str, node: Node) -> StructureFault:
    """A StructureFault that knows where it is."""
    line = cast("int | None", node.sourceline)
    return StructureFault(reason, line=line or 1)


def local(node: Node) -> str:
    return str(node.tag).rpartition("}")[2]


def spelled(node: Node) -> str:
    """Name and generation of an unexpected root, in words that its sender knows."""
    namespace = str(node.tag)[1:].partition("}")[0] if str(node.tag).startswith("{") else "no namespace"
    version = re.match(re.escape(_SCHEMAS) + r"v(\d)_(\d)/", namespace)
    return f"{local(node)} of " + (f"SDMX-ML {version[1]}.{version[2]}" if version else namespace)


def children(node: Node, name: str) -> Iterator[Node]:
    return node.iterchildren(STRUCTURE + name)


def child(node: Node, name: str) -> Node | None:
    return node.find(STRUCTURE + name)


def text(node: Node | None) -> str:
    return (node.text or "").strip() if node is not None else ""


def truth(node: Node, attribute: str, default: bool = False) -> bool:
    given = (node.get(attribute) or "").strip()
    if given not in ("", "true", "false", "1", "0"):
        raise fault(f"{local(node)}/@{attribute} is '{given}'; expected true or false", node)
    return given in ("true", "1") if given else default


def required(node: Node, attribute: str, pattern: re.Pattern[str] = _ID) -> str:
    given = (node.get(attribute) or "").strip()
    if not pattern.match(given):
        raise fault(f"{local(node)}/@{attribute} is '{given}', which is no SDMX identifier", node)
    return given


def reference(node: Node | None, *kinds: str) -> Reference | None:
    """The reference that an element spells as a URN, None without the element; one of `kinds` when given."""
    if node is None:
        return None
    try:
        found = parse_urn(text(node))
    except SyntaxFault as wrong:
        raise fault(f"{local(node)}: {wrong}", node) from None
    if kinds and found.kind not in kinds:
        raise fault(f"{local(node)} names a {found.kind}; expected {' or '.join(kinds)}", node)
    return found


def needed(node: Node, name: str, *kinds: str) -> Reference:
    """The reference in the child `name`, which must be there."""
    found = reference(child(node, name), *kinds)
    if found is None:
        raise fault(f"{local(node)} has no {name}", node)
    return found


def languages(node: Node, name: str, default: str = "en") -> dict[str, str]:
    found: dict[str, str] = {}
    for entry in node.iterchildren(COMMON + name):
        found.setdefault(entry.get(_LANGUAGE) or default, entry.text or "")
    return found


def notes(node: Node) -> tuple[Annotation, ...]:
    holder = node.find(f"{COMMON}Annotations")
    if holder is None:
        return ()
    return tuple(
        Annotation(
            id=entry.get("id") or "",
            title=entry.findtext(f"{COMMON}AnnotationTitle") or "",
            type=entry.findtext(f"{COMMON}AnnotationType") or "",
            urls=languages(entry, "AnnotationURL", ""),
            texts=languages(entry, "AnnotationText"),
            value=entry.findtext(f"{COMMON}AnnotationValue") or "",
        )
        for entry in holder.iterchildren(f"{COMMON}Annotation")
    )


def described(node: Node) -> dict[str, Any]:
    return {
        "names": languages(node, "Name"),
        "descriptions": languages(node, "Description"),
        "annotations": notes(node),
    }


def maintainable(node: Node) -> dict[str, Any]:
    """Everything that a Maintainable has, by the names of its fields."""
    return {
        "id": required(node, "id"),
        "agency": required(node, "agencyID", _AGENCY),
        "version": required(node, "version", _VERSION) if node.get("version") else "1.0",
        "valid_from": node.get("validFrom") or "",
        "valid_to": node.get("validTo") or "",
        "is_partial": truth(node, "isPartial"),
        "is_external": truth(node, "isExternalReference"),
        "structure_url": node.get("structureURL") or "",
        "service_url": node.get("serviceURL") or "",
        **described(node),
    }


def representation(node: Node | None, default: str = "String") -> Representation | None:
    """A LocalRepresentation or CoreRepresentation; `default` is the data type when none is given."""
    if node is None:
        return None
    listed = reference(child(node, "Enumeration"), *LISTS)
    layout = child(node, "TextFormat" if listed is None else "EnumerationFormat")
    facets = {str(key): str(value) for key, value in layout.attrib.items()} if layout is not None else {}
    return Representation(
        enumeration=listed,
        text_type=facets.pop("textType", default),
        facets=tuple(facets.items()),
        min_occurs=node.get("minOccurs") or "",
        max_occurs=node.get("maxOccurs") or "",
    )


Entry = TypeVar("Entry", bound=Any)


def unique(node: Node, entries: Iterable[tuple[Node, Entry]]) -> tuple[Entry, ...]:
    """The entries in order, each id once."""
    found: dict[str, Entry] = {}
    for entry_node, entry in entries:
        if entry.id in found:
            raise fault(f"{local(node)} has two {local(entry_node)} of id '{entry.id}'", entry_node)
        found[entry.id] = entry
    return tuple(found.values())


def cascading(values: Iterable[Node]) -> tuple[tuple[str, str], ...]:
    """The values that stand for their descendants, as (value, "true" or "excluderoot")."""
    spelled = {"1": "true", "0": "false"}
    found = [
        (text(node), spelled.get(given, given)) for node in values if (given := node.get("cascadeValues"))
    ]
    return tuple((value, how) for value, how in found if how != "false")
