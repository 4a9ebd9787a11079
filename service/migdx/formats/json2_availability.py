"""SDMX-JSON 2.1: availabilityConstraints, which have no identity.

Here they are DataConstraints of role Actual, named after what they are attached to; their counts are
annotations.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from ..structures import Annotation, CubeRegion, DataConstraint
from ..urn import Reference
from .json2_artefacts import ANNOTATION
from .json2_constraints import CUBE_REGION
from .json2_urns import take_urn
from .json_shapes import Json, Reading, Shape, Told, many, one
from .ml3_losses import COUNTS, available, is_count

_ATTACHED = {
    "dataStructure": "DataStructure",
    "dataflow": "Dataflow",
    "provisionAgreement": "ProvisionAgreement",
}
_COUNTS = dict(zip(("seriesCount", "obsCount"), COUNTS, strict=True))


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
    for name, id in _COUNTS.items():
        if id in counts:
            parts[name] = int(counts[id])
    return parts


_PARTS = Shape(
    dict,
    (many("annotations", "annotations", ANNOTATION), one("cubeRegion", "region", CUBE_REGION)),
)
_KNOWN = frozenset((*_PARTS.names, *_COUNTS, "constraintAttachment"))


def take_availability(given: Any, reading: Reading) -> DataConstraint:
    if type(given) is not dict:
        raise reading.wrong("an object", given)
    attached = _attachment(given, reading)
    parts: Json = {}
    for part in _PARTS.parts:
        part.read(given, parts, reading)
    for name in given:
        if name not in _KNOWN:
            reading.skip(name)
    counts = []
    for name, id in _COUNTS.items():
        if name in given:
            if type(given[name]) is not int or given[name] < 0:
                reading.steps.append(name)
                raise reading.wrong("a number that counts", given[name])
            counts.append(Annotation(id=id, type="sdmx_metrics", title=str(given[name])))
    regions = (parts.get("region", CubeRegion(())),)
    return available(attached, regions=regions, annotations=(*parts.get("annotations", ()), *counts))


def _attachment(given: Json, reading: Reading) -> Reference:
    reading.steps.append("constraintAttachment")
    attached = given.get("constraintAttachment")
    if type(attached) is not dict:
        raise reading.wrong("an object", attached)
    name = next((name for name in _ATTACHED if name in attached), None)
    if name is None:
        raise reading.fault(f"names none of {', '.join(_ATTACHED)}")
    reading.steps.append(name)
    found = take_urn(attached[name], reading)
    del reading.steps[-2:]
    return found


def told_apart(constraints: Sequence[DataConstraint]) -> Iterator[DataConstraint]:
    """The second and further ones for the same artefact are numbered, since identities are distinct."""
    seen: dict[Reference, int] = {}
    for constraint in constraints:
        number = seen[constraint.reference] = seen.get(constraint.reference, 0) + 1
        yield constraint if number == 1 else replace(constraint, id=f"{constraint.id}_{number}")
