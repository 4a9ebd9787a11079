"""SDMX-JSON 1.0: hierarchical code lists, and sets of maps, as SDMX 2.1 has them. Only written."""

from __future__ import annotations

from typing import Any

from ..structures import (
    HierarchicalCode,
    Hierarchy,
    Maintainable,
    Mapping,
    RepresentationMap,
    StructureMap,
)
from ..urn import Reference
from .json2_artefacts import ANNOTATED, IDENTIFIED, MAINTAINED, NAMED
from .json2_hierarchies import LEVEL
from .json2_urns import instant
from .json_shapes import Json, Shape, Told, only_written
from .ml21_maps import included

_URN = "urn:sdmx:org.sdmx.infomodel."

# --- hierarchies -------------------------------------------------------------------------------------------

_CODE = Shape(
    HierarchicalCode, (*IDENTIFIED, instant("validFrom", "valid_from"), instant("validTo", "valid_to"))
)
_NAMED = Shape(Hierarchy, NAMED[:-1])


def _hierarchies(hierarchy: Hierarchy, told: Told) -> list[Json] | None:
    """The one, with the names of its list."""
    if not hierarchy.codes:  # a stub
        return None
    whole = f"{_URN}codelist.Level={hierarchy.reference.short}.{hierarchy.id}"
    level = {"level": LEVEL.put(hierarchy.level, told)} if hierarchy.level else {}
    names = {name: value for name, value in _NAMED.put(hierarchy, told).items() if name != "annotations"}
    codes = [_code(code, whole, told) for code in hierarchy.codes]
    return [{**names, "leveled": hierarchy.has_formal_levels, "hierarchicalCodes": codes, **level}]


def _code(code: HierarchicalCode, levels: str, told: Told) -> Json:
    parts = _CODE.put(code, told)
    parts["code"] = code.code.urn
    if code.children:
        parts["hierarchicalCodes"] = [_code(child, levels, told) for child in code.children]
    if code.level:
        parts["level"] = f"{levels}.{code.level}"
    return parts


def _included(hierarchy: Hierarchy, told: Told) -> Json | None:
    return {alias: named.urn for alias, named in included((hierarchy,))} or None


HIERARCHICAL_CODELIST = Shape(
    Hierarchy,
    (*MAINTAINED, only_written("hierarchies", _hierarchies), only_written("includedCodelists", _included)),
)

# --- sets of maps ------------------------------------------------------------------------------------------

_ROW = Shape(Mapping, (ANNOTATED,))


def _pairs(rows: tuple[Mapping, ...], ends: tuple[Reference, Reference], item: str, told: Told) -> list[Json]:
    """One to one, by the URNs of the items."""
    source, target = (Reference(item, end.agency, end.id, end.version) for end in ends)
    return [
        {
            **_ROW.put(row, told),
            "source": f"{source.urn}.{row.sources[0]}",
            "target": f"{target.urn}.{row.targets[0]}",
        }
        for row in rows
    ]


def _set(name: str, rows: str, item: str) -> Shape:
    """A StructureSet with one map, which has the id and the names of the set."""

    def maps(mapped: Any, told: Told) -> list[Json] | None:
        if isinstance(mapped, RepresentationMap):
            ends = (*mapped.sources[:1], *mapped.targets[:1])
        else:
            ends = (mapped.source, mapped.target)
        pairs = [end for end in ends if isinstance(end, Reference)]
        if len(pairs) != 2 or not mapped.mappings:
            return None
        kind = item or _ITEMS.get(pairs[0].kind, "Agency")
        given = {"source": pairs[0].urn, "target": pairs[1].urn}
        return [
            {**_named(mapped, told), **given, rows: _pairs(mapped.mappings, (pairs[0], pairs[1]), kind, told)}
        ]

    return Shape(Maintainable, (*MAINTAINED, only_written(name, maps)))


def _named(mapped: Maintainable, told: Told) -> Json:
    names = ("id", "name", "names", "description", "descriptions")
    return {name: value for name, value in _NAMED.put(mapped, told).items() if name in names}


_ITEMS = {
    "AgencyScheme": "Agency",
    "DataConsumerScheme": "DataConsumer",
    "DataProviderScheme": "DataProvider",
    "OrganisationUnitScheme": "OrganisationUnit",
}
CODELIST_MAP = _set("codelistMaps", "codeMaps", "Code")
CATEGORY_SCHEME_MAP = _set("categorySchemeMaps", "categoryMaps", "Category")
CONCEPT_SCHEME_MAP = _set("conceptSchemeMaps", "conceptMaps", "Concept")
ORGANISATION_SCHEME_MAP = _set("organisationSchemeMaps", "organisationMaps", "")
REPORTING_TAXONOMY_MAP = _set("reportingTaxonomyMaps", "reportingCategoryMaps", "ReportingCategory")


def _structure_maps(mapped: StructureMap, told: Told) -> list[Json] | None:
    source, target = mapped.source, mapped.target
    if source is None or target is None or not mapped.components:
        return None
    pairs = [
        {"source": _component(source, each.sources[0]), "target": _component(target, each.targets[0])}
        for each in mapped.components
    ]
    return [{**_named(mapped, told), "source": source.urn, "target": target.urn, "componentMaps": pairs}]


def _component(structure: Reference, id: str) -> str:
    kind = {"TIME_PERIOD": "TimeDimension", "OBS_VALUE": "PrimaryMeasure"}.get(id, "Dimension")
    return f"{_URN}datastructure.{kind}={structure.short}.{id}"


STRUCTURE_MAP = Shape(StructureMap, (*MAINTAINED, only_written("structureMaps", _structure_maps)))
