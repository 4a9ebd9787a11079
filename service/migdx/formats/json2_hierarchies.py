"""SDMX-JSON 2.x: hierarchies, categorisations, and processes."""

from __future__ import annotations

from typing import Any

from ..structures import (
    Categorisation,
    Computation,
    HierarchicalCode,
    Hierarchy,
    HierarchyAssociation,
    Level,
    Process,
    ProcessArtefact,
    ProcessStep,
    Transition,
)
from .json2_artefacts import ANNOTATED, IDENTIFIED, MAINTAINED, NAMED
from .json2_representations import facets_told, take_facets
from .json2_urns import instant, urn
from .json_shapes import (
    Json,
    Part,
    Property,
    Reading,
    Shape,
    Told,
    Words,
    flag,
    many,
    one,
    take_object,
    take_text,
    text,
)

# --- hierarchies -------------------------------------------------------------------------------------------


def _take_facets(given: Any, reading: Reading) -> tuple[tuple[str, str], ...]:
    take_object(given, reading)
    facets = take_facets(given, reading)
    if "dataType" in given:
        facets = (("textType", reading.part(given, "dataType", take_text)), *facets)
    return facets


def _facets_told(facets: tuple[tuple[str, str], ...], told: Told) -> Json:
    """The type of the text is a facet like the others, by the name that it has in SDMX-ML."""
    found = facets_told(facets)
    if "textType" in found and told.version > "1.0":
        found["dataType"] = found.pop("textType")
    return found


LEVEL: Shape = Shape(
    Level,
    (
        *NAMED,
        Property("codingFormat", "coding_format", _facets_told, _take_facets),
        one("level", "child", lambda: LEVEL),
    ),
)
HIERARCHICAL_CODE: Shape = Shape(
    HierarchicalCode,
    (
        *IDENTIFIED,
        instant("validFrom", "valid_from"),
        instant("validTo", "valid_to"),
        urn("code", "code", "Code", "GeoFeatureSetCode", "GeoGridCode", required=True),
        many("hierarchicalCodes", "children", lambda: HIERARCHICAL_CODE, unique="id"),
        text("level"),
    ),
)


def _is_stub(hierarchy: Hierarchy) -> bool:
    """Whose one code is there only because SDMX-ML wants one."""
    return (
        hierarchy.is_external and not hierarchy.level and not any(code.children for code in hierarchy.codes)
    )


HIERARCHY = Shape(
    Hierarchy,
    (
        *MAINTAINED,
        flag("hasFormalLevels", "has_formal_levels", always=True, also="leveled"),
        one("level", "level", LEVEL),
        many("hierarchicalCodes", "codes", HIERARCHICAL_CODE, unique="id", unless=_is_stub),
    ),
)
HIERARCHY_ASSOCIATION = Shape(
    HierarchyAssociation,
    (
        *MAINTAINED,
        urn("linkedHierarchy", "hierarchy", "Hierarchy"),
        urn("linkedObject", "linked"),
        urn("contextObject", "context"),
    ),
)
CATEGORISATION = Shape(
    Categorisation, (*MAINTAINED, urn("source", "source"), urn("target", "target", "Category"))
)

# --- processes ---------------------------------------------------------------------------------------------

_LOCAL_ID: Part = text("localID", "local_id")
PROCESS_ARTEFACT = Shape(
    ProcessArtefact, (_LOCAL_ID, ANNOTATED, urn("objectReference", "artefact", required=True))
)
COMPUTATION = Shape(
    Computation,
    (
        _LOCAL_ID,
        ANNOTATED,
        # a description is demanded
        Words("description", "descriptions", "descriptions", instead="software_package"),
        text("softwarePackage", "software_package"),
        text("softwareLanguage", "software_language"),
        text("softwareVersion", "software_version"),
    ),
)
TRANSITION = Shape(
    Transition,
    (
        *IDENTIFIED,
        _LOCAL_ID,
        Words("condition", "conditions", "conditions", instead="id"),
        text("targetStep", "target", required=True, always=True),
    ),
)
PROCESS_STEP: Shape = Shape(
    ProcessStep,
    (
        *NAMED,
        many("inputs", "inputs", PROCESS_ARTEFACT),
        many("outputs", "outputs", PROCESS_ARTEFACT),
        one("computation", "computation", COMPUTATION),
        many("transitions", "transitions", TRANSITION),
        many("processSteps", "steps", lambda: PROCESS_STEP, unique="id"),
    ),
)
PROCESS = Shape(Process, (*MAINTAINED, many("processSteps", "steps", PROCESS_STEP, unique="id")))
