"""Writes SDMX-ML 2.1 structure messages (schemas v2_1: SDMXStructure*.xsd).

What was read from 2.1 comes out as it was. What 3.x says otherwise or not at all:
- not served (`served` says so): drafts; value lists, geographic lists, metadata providers, their agreements
  and constraints; data structures without exactly one measure; maps of representations other than code to
  code; structure maps without a pair of one component and one; and what is filed of all those. A
  HierarchyAssociation becomes an annotation of its hierarchy;
- a reference with a wildcard names the version in the message that it resolves to, else the lowest that it
  admits;
- the rest is in `ml21_losses`, which can say of each artefact what it loses.
Code lists are expected with their extensions resolved.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

from ..structures import (
    HOLDERS,
    Annotation,
    Codelist,
    Constraint,
    Hierarchy,
    HierarchyAssociation,
    ItemSchemeMap,
    Maintainable,
    Metadataflow,
    MetadataStructure,
    RepresentationMap,
    StructureMap,
)
from ..urn import Reference, select_versions
from .header import Header
from .ml21_dialect import ML21
from .ml21_groups import Whole, wholes
from .ml21_losses import VERSION, served, told
from .ml21_maps import HIERARCHICAL_CODELIST, STRUCTURE_SET
from .ml21_metadata import METADATA_STRUCTURE, REPORT
from .ml21_structures import CONTAINERS
from .xml_messages import write_message
from .xml_reading import Dialect
from .xml_shapes import Shape

_ALIASES = {
    "DataConstraint": "ContentConstraint",
    "Hierarchy": "HierarchicalCodelist",
    **dict.fromkeys(
        ("CategorySchemeMap", "ConceptSchemeMap", "OrganisationSchemeMap", "ReportingTaxonomyMap",
         "RepresentationMap", "StructureMap"),
        "StructureSet",
    ),
}  # fmt: skip


def write_structures(
    artefacts: Iterable[Maintainable], header: Header, languages: Sequence[str] = ("en",)
) -> Iterator[bytes]:
    """The message in chunks, without those that are not served; languages are all written."""
    given = list(artefacts)
    by_element: dict[str, list[Any]] = defaultdict(list)
    for artefact in _adapted(given):
        by_element[f"str:{_ALIASES.get(artefact.kind, artefact.kind)}"].append(artefact)
    targeted = targets(given)
    for shape in (HIERARCHICAL_CODELIST, STRUCTURE_SET, METADATA_STRUCTURE):
        by_element[shape.element] = [
            replace(whole, targets=targeted.get(whole.first.urn, ()))
            for whole in wholes(by_element[shape.element], shape.element, _plain)
        ]
    return write_message(_grouped(by_element), header, ML21)


def _grouped(by_element: dict[str, list[Any]]) -> Iterator[tuple[str, Shape, Sequence[Any]]]:
    """What stands in each container."""
    for container in dict.fromkeys(container for container, _ in CONTAINERS):
        shapes = [shape for name, shape in CONTAINERS if name == container]
        if len(shapes) == 1:
            yield container, shapes[0], by_element[shapes[0].element]
        else:
            held = [_Shaped(shape, one) for shape in shapes for one in by_element[shape.element]]
            yield container, _ANY, held


@dataclass(frozen=True)
class _Shaped:
    """An artefact with its table, in a container that has several."""

    shape: Shape
    given: Maintainable


class _AnyShape(Shape):
    """Writes whatever stands in a container by its own table."""

    def chunks(self, given: _Shaped, dialect: Dialect) -> Iterator[bytes]:
        return given.shape.chunks(given.given, dialect)


_ANY = _AnyShape(_Shaped, "")


def _plain(artefact: Maintainable) -> Whole:
    """An artefact that is a whole of its only part."""
    part = replace(artefact, annotations=(), uri="")
    if isinstance(artefact, Hierarchy):
        return Whole(artefact, (part,) if artefact.codes else ())
    if isinstance(artefact, MetadataStructure):
        report = replace(part, id=REPORT, names={}, descriptions={})
        return Whole(artefact, (report,) if artefact.attributes else ())
    if isinstance(artefact, StructureMap):
        return Whole(artefact, (part,) if artefact.components and artefact.source else ())
    if isinstance(artefact, ItemSchemeMap):
        return Whole(artefact, (part,) if artefact.mappings else ())
    return Whole(artefact, (part,) if getattr(artefact, "mappings", ()) else ())


# --- from 3.x to 2.1 ---------------------------------------------------------------------------------------


def _adapted(artefacts: Sequence[Maintainable]) -> Iterator[Maintainable]:
    """Those that are served, with concrete references, and associations told by their hierarchy."""
    versions: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for artefact in artefacts:
        versions[artefact.kind, artefact.agency, artefact.id].append(artefact.version)
    associated = associations(artefacts)
    for artefact in filter(served, artefacts):
        # codes refer to nothing, and there are thousands of them
        known = artefact if isinstance(artefact, Codelist) else _concrete(artefact, versions)
        if isinstance(known, Constraint | ItemSchemeMap | RepresentationMap):
            known = told(known)  # which is more than the tables leave out
        extra = associated.get(artefact.reference)
        yield replace(known, annotations=(*known.annotations, *extra)) if extra else known


def _concrete(value: Any, versions: dict[tuple[str, str, str], list[str]]) -> Any:
    """The same value, itself when nothing in it changes, with versions that 2.1 can write."""
    if isinstance(value, Reference):
        if VERSION.match(value.version):
            return value
        known = versions.get((HOLDERS.get(value.kind, value.kind), value.agency, value.id), [])
        found = select_versions(value.version, known) if "+" in value.version else []
        lowest = value.version.partition("-")[0].replace("+", "")
        return replace(value, version=found[-1] if found else lowest)
    if isinstance(value, tuple):
        changed = tuple(_concrete(entry, versions) for entry in value)
        return value if all(new is old for new, old in zip(changed, value, strict=True)) else changed
    if is_dataclass(value) and not isinstance(value, type):
        parts = {
            f.name: (getattr(value, f.name), _concrete(getattr(value, f.name), versions))
            for f in fields(value)
        }
        moved = {name: new for name, (old, new) in parts.items() if new is not old}
        return replace(value, **moved) if moved else value
    return value


def associations(artefacts: Iterable[Maintainable]) -> dict[Reference, list[Annotation]]:
    """What each hierarchy is associated with, as annotations of it."""
    found: dict[Reference, list[Annotation]] = defaultdict(list)
    for artefact in artefacts:
        if isinstance(artefact, HierarchyAssociation) and artefact.hierarchy and artefact.linked:
            context = artefact.context.urn if artefact.context else ""
            note = Annotation(type=artefact.kind, title=artefact.linked.urn, value=context)
            found[artefact.hierarchy].append(note)
    return found


def targets(artefacts: Iterable[Maintainable]) -> dict[str, tuple[str, ...]]:
    """What the metadataflows target, by the URN of their metadata structure."""
    found: dict[str, tuple[str, ...]] = defaultdict(tuple)
    for artefact in artefacts:
        if isinstance(artefact, Metadataflow) and artefact.structure:
            found[artefact.structure.urn] += artefact.targets
    return found


__all__ = ["served", "write_structures"]
