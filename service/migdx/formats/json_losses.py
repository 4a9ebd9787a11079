"""What SDMX-JSON cannot say of what the model holds; see `losses`. 1.0 is SDMX 2.1, 2.0 is 3.0, 2.1 is 3.1.

As in SDMX-ML of the same generation, with the differences that stand here. Not told, because nothing is lost:
an instant without a zone is told as UTC, the case of language tags, the order of telephone and mail among the
details of a contact.
"""

from __future__ import annotations

from ..structures import (
    Concept,
    ConceptScheme,
    CubeRegion,
    DataConstraint,
    DataStructure,
    Item,
    Maintainable,
    MetadataConstraint,
    MetadataStructure,
    Region,
    StructureMap,
    ValueList,
)
from .loss import Loss, changed
from .ml3_losses import LOST_IN_30, LOST_IN_31
from .ml21_losses import LOST_IN_21

KEPT_IN_JSON = (
    "links of groups, and attachment groups of attributes (SDMX 2.1)",
    "the version of a categorisation, which is 1.0",
    "links",
    "all but one URL of an annotation, and its value where there is no title",
)
"""Rows of SDMX-ML that do not hold here, or not wholly."""


def _attachment_groups(given: DataStructure) -> DataStructure:
    attributes = tuple(changed(attribute, attachment_groups=()) for attribute in given.attributes)
    return changed(given, attributes=attributes)


def _item_links(given: ValueList) -> ValueList:
    def one(item: Item) -> Item:
        return changed(item, links=(), uri="", parent="")

    return changed(given, items=tuple(map(one, given.items)))


def _regions(given: DataConstraint | MetadataConstraint) -> DataConstraint | MetadataConstraint:
    """Validity of a region of data, and of the values of an attribute as a whole."""

    def one(region: Region) -> Region:
        limits = {"valid_from": "", "valid_to": ""} if isinstance(region, CubeRegion) else {}
        keys = tuple(
            changed(key, valid_from="", valid_to="") if key.is_attribute else changed(key, languages=())
            for key in region.keys
        )
        return changed(region, keys=keys, **limits)

    return changed(given, regions=tuple(map(one, given.regions)))


_OF_JSON = (
    Loss("attachment groups of attributes (SDMX 2.1)", DataStructure, _attachment_groups),
    Loss("links of the items of a value list", ValueList, _item_links),
    Loss(
        "validity of regions of data and of the values of attributes, languages of those of dimensions",
        (DataConstraint, MetadataConstraint),
        _regions,
    ),
)


_VTL = ("Vtl", "Transformation", "Ruleset", "UserDefined", "CustomType", "NamePersonalisation")


def _has_form_in_10(artefact: Maintainable) -> bool:
    """Not VTL, nor maps of dataflows: components are named by data structure, which those do not tell."""
    if isinstance(artefact, StructureMap):
        ends = (artefact.source, artefact.target)
        return artefact.is_external or all(end is not None and end.kind == "DataStructure" for end in ends)
    return not artefact.kind.startswith(_VTL)


def _iso(given: ConceptScheme) -> ConceptScheme:
    items = (changed(item, iso_concept=None) if isinstance(item, Concept) else item for item in given.items)
    return changed(given, items=tuple(items))


def _excluded(given: DataConstraint) -> DataConstraint:
    """Such a component is not limited: the region allows more than it should, never less."""
    regions = tuple(
        changed(region, keys=tuple(key for key in region.keys if key.include)) for region in given.regions
    )
    return changed(given, regions=regions)


_OF_JSON_10 = (
    Loss(
        "all of it: VTL, and maps of dataflows",
        Maintainable,
        lambda artefact: artefact if _has_form_in_10(artefact) else (),
    ),
    Loss("references of concepts to ISO 11179", ConceptScheme, _iso),
    Loss("what is excluded for one component within a region that is included", DataConstraint, _excluded),
    Loss(
        "what is noted on lists of components",
        (DataStructure, MetadataStructure),
        lambda given: changed(given, component_lists=()),
    ),
)


def _in_json(rows: tuple[Loss, ...], of_json: tuple[Loss, ...]) -> tuple[Loss, ...]:
    return tuple(row for row in rows if row.what not in KEPT_IN_JSON) + of_json


LOST_IN_JSON_10: tuple[Loss, ...] = _in_json(LOST_IN_21, _OF_JSON_10)
LOST_IN_JSON_20: tuple[Loss, ...] = _in_json(LOST_IN_30, _OF_JSON)
LOST_IN_JSON_21: tuple[Loss, ...] = _in_json(LOST_IN_31, _OF_JSON)
