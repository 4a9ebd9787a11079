"""SDMX-ML tables of processes (schema SDMXStructureProcess.xsd)."""

from __future__ import annotations

from ..structures import Computation, Process, ProcessArtefact, ProcessStep, Transition
from .ml_words import ANNOTATED, NAMEABLE, UNNAMED, maintainable, without_id
from .xml_shapes import ID, Attribute, Local, Many, One, Ref, Shape, Texts


def _artefact(name: str) -> Shape:
    return Shape(
        ProcessArtefact,
        f"str:{name}",
        Attribute("localID", "local_id", ID),
        *ANNOTATED,
        Ref("str:ObjectReference", "artefact", required=True),
    )


INPUT, OUTPUT = _artefact("Input"), _artefact("Output")
COMPUTATION = Shape(
    Computation,
    "str:Computation",
    Attribute("localID", "local_id", ID),
    Attribute("softwarePackage", "software_package"),
    Attribute("softwareLanguage", "software_language"),
    Attribute("softwareVersion", "software_version"),
    *ANNOTATED,
    Texts("com:Description", "descriptions", otherwise="local_id"),
)
TRANSITION = Shape(
    without_id(Transition),
    "str:Transition",
    *UNNAMED,
    Attribute("localID", "local_id", ID),
    Local("str:TargetStep", "target", required=True),
    Texts("str:Condition", "conditions", otherwise="target"),
)
PROCESS_STEP: Shape = Shape(
    ProcessStep,
    "str:ProcessStep",
    *NAMEABLE,
    Many("inputs", lambda: INPUT, unique=False),
    Many("outputs", lambda: OUTPUT, unique=False),
    One("computation", lambda: COMPUTATION),
    Many("transitions", lambda: TRANSITION, unique=False),
    Many("steps", lambda: PROCESS_STEP),
)
PROCESS = maintainable(Process, Many("steps", lambda: PROCESS_STEP))
