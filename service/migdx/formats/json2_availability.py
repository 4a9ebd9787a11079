"""SDMX-JSON 2.1: availabilityConstraints (see `availability`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ..structures import CubeRegion, DataConstraint
from ..urn import Reference
from .availability import COUNTS, available, count, is_count, numbered
from .json2_artefacts import ANNOTATION
from .json2_constraints import CUBE_REGION
from .json2_urns import take_urn
from .json_shapes import Json, Reading, Shape, Told, many, one, take_object

_ATTACHED = {
    "dataStructure": "DataStructure",
    "dataflow": "Dataflow",
    "provisionAgreement": "ProvisionAgreement",
}


def availability_told(constraint: DataConstraint, told: Told) -> Json:
    """A constraint of role Actual as `losses.kept` leaves it: attached to one artefact, with one region."""
    counts = {note.id: note.title for note in constraint.annotations if is_count(note)}
    notes = [note for note in constraint.annotations if not is_count(note)]
    (attached,), (region,) = constraint.attachment, constraint.regions
    name = next(name for name, kind in _ATTACHED.items() if kind == attached.kind)
    parts: Json = {
        "constraintAttachment": {name: attached.urn},
        "cubeRegion": CUBE_REGION.put(region, told),
    }
    if notes:
        parts["annotations"] = [ANNOTATION.put(note, told) for note in notes]
    for name, id in COUNTS.items():
        if id in counts:
            parts[name] = int(counts[id])
    return parts


_PARTS = Shape(
    dict,
    (many("annotations", "annotations", ANNOTATION), one("cubeRegion", "region", CUBE_REGION)),
)
_KNOWN = frozenset((*_PARTS.names, *COUNTS, "constraintAttachment"))


def take_availability(given: Any, reading: Reading) -> DataConstraint:
    take_object(given, reading)
    attached = reading.part({"constraintAttachment": None, **given}, "constraintAttachment", _attachment)
    parts: Json = {}
    for part in _PARTS.parts:
        part.read(given, parts, reading)
    for name in given:
        if name not in _KNOWN:
            reading.skip(name)
    counts = []
    for name in COUNTS:
        if name in given:
            if type(given[name]) is not int or given[name] < 0:
                reading.steps.append(name)
                raise reading.wrong("a number that counts", given[name])
            counts.append(count(name, str(given[name])))
    regions = (parts.get("region", CubeRegion(())),)
    return available(attached, regions=regions, annotations=(*parts.get("annotations", ()), *counts))


def _attachment(given: Any, reading: Reading) -> Reference:
    take_object(given, reading)
    name = next((name for name in _ATTACHED if name in given), None)
    if name is None:
        raise reading.fault(f"names none of {', '.join(_ATTACHED)}")
    found: Reference = reading.part(given, name, take_urn)
    return found


def told_apart(constraints: Iterable[DataConstraint]) -> Iterator[DataConstraint]:
    seen: dict[Reference, int] = {}
    return (numbered(constraint, seen) for constraint in constraints)
