"""SDMX-ML 2.1 as a dialect: its namespaces, and how it points at things.

A reference is `<Ref>` without a namespace, or a URN (SDMXCommonReferences.xsd); both are read, and a URN
written as 3.0 writes it. `<Ref>` is written, with the class and package that clients look for. The classes
that 3.0 renamed have their 3.0 names in the model, and so have those that only careless writers use
(DataStructureDefinition).
"""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import SyntaxFault
from ..urn import PACKAGES, Reference, parse_urn
from .markup import element, namespaces, quoted
from .xml_shapes import Dialect, Node

SPACES = namespaces("2.1")

_CLASSES = {
    "HierarchicalCodelist": "Hierarchy",
    "ContentConstraint": "DataConstraint",
    "Attribute": "DataAttribute",
    "PrimaryMeasure": "Measure",
}
_CARELESS = {
    "DataStructureDefinition": "DataStructure",
    "MetadataStructureDefinition": "MetadataStructure",
    "DataflowDefinition": "Dataflow",
    "MetadataflowDefinition": "Metadataflow",
    "StructureUsage": "Dataflow",
}
_MODEL = {**_CLASSES, **_CARELESS}
_WORDS = {kind: name for name, kind in _CLASSES.items()}

_PACKAGES: Mapping[str, str] = {
    **PACKAGES,
    "Attribute": "datastructure",
    **dict.fromkeys(
        ("CategorySchemeMap", "ConceptSchemeMap", "OrganisationSchemeMap", "ReportingTaxonomyMap",
         "StructureMap"),
        "mapping",
    ),
}  # fmt: skip

_LISTS = frozenset(("DimensionDescriptor", "AttributeDescriptor", "MeasureDescriptor"))
"""Containers that a URN does not name, because an id is unique in the structure."""
_CONTAINED = frozenset(("HierarchicalCode", "IdentifiableObjectTarget", "MetadataAttribute", "Transition"))
"""Classes whose items say in which part of the artefact they are: `CONTAINER.ID` in a URN."""


def _pointer(node: Node, name: str) -> Node | None:
    return next((child for child in node if str(child.tag).rpartition("}")[2] == name), None)


def named(kind: str, item: str = "") -> str:
    """What 2.1 calls a class; a Hierarchy is a part of its list when it is named with an item."""
    return kind if kind == "Hierarchy" and item else _WORDS.get(kind, kind)


def read_reference(node: Node, kinds: tuple[str, ...]) -> Reference:
    """What a `<Ref>` or a `<URN>` names; without a class it is of the only one that may stand there."""
    ref = _pointer(node, "Ref")
    if ref is None:
        urn = _pointer(node, "URN")
        text = (node if urn is None else urn).text or ""
        if urn is None and not text.strip().startswith("urn:"):
            raise SyntaxFault("there is neither a Ref nor a URN")
        found = parse_urn(text)
        return Reference(_kind(found.kind, found.item), found.agency, found.id, found.version, found.item)
    get = ref.attrib.get
    id, agency, parent = get("id", ""), get("agencyID", ""), get("maintainableParentID", "")
    kind = get("class", "") or (kinds[0] if kinds else "")
    if not (id and kind):
        raise SyntaxFault(f"Ref has no {'class' if id else 'id'}")
    if not agency:
        raise SyntaxFault(f"Ref to '{id}' has no agencyID")
    if not parent:
        return Reference(_kind(kind, ""), agency, id, get("version", "1.0"))
    container = get("containerID", "")
    item = f"{container}.{id}" if container and container not in _LISTS else id
    return Reference(_kind(kind, item), agency, parent, get("maintainableParentVersion", "1.0"), item)


def _kind(name: str, item: str) -> str:
    return name if name == "Hierarchy" and item else _MODEL.get(name, name)


def write_reference(name: str, given: Reference) -> str:
    kind = named(given.kind, given.item)
    known = (("class", kind), ("package", _PACKAGES.get(kind, "base")))
    if not given.item:
        whole = (("agencyID", given.agency), ("id", given.id), ("version", given.version))
        return element(name, (), element("Ref", (*whole, *known)))
    container, _, id = given.item.rpartition(".") if kind in _CONTAINED else ("", "", given.item)
    part = (
        ("agencyID", given.agency),
        ("maintainableParentID", given.id),
        ("maintainableParentVersion", given.version),
        ("containerID", container),
        ("id", id),
    )
    return element(name, (), element("Ref", (*part, *known)))


def read_local(node: Node) -> str:
    """The id of a neighbour, in a Ref or as the last part of a URN."""
    ref = _pointer(node, "Ref")
    if ref is not None:
        found = ref.get("id") or ""
    else:
        urn = _pointer(node, "URN")
        found = parse_urn(urn.text or "").item if urn is not None else ""
    if not found:
        raise SyntaxFault("there is no Ref with an id")
    return found


def write_local(name: str, target: str) -> str:
    return f'<{name}><Ref id="{quoted(target)}"/></{name}>'


ML21 = Dialect("2.1", SPACES, read_reference, write_reference, read_local, write_local)
