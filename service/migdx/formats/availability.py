"""What there is of an artefact (SDMX 3.1, AvailabilityConstraint): a DataConstraint of role Actual.

It has no identity of its own, so it gets one from what it is attached to; its counts are annotations.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..structures import Annotation, DataConstraint
from ..urn import Reference

COUNTS = {"seriesCount": "series_count", "obsCount": "obs_count"}
"""What messages call the counts, and the ids of the annotations that they are."""

_PREFIX = "AVAILABILITY_"


def count(name: str, number: str) -> Annotation:
    return Annotation(id=COUNTS[name], title=number, type="sdmx_metrics")


def is_count(note: Any) -> bool:
    """Whether an annotation is a count that an AvailabilityConstraint has a place for."""
    return note.type == "sdmx_metrics" and note.id in COUNTS.values() and note.title.isdecimal()


def available(named: Reference, **fields: Any) -> DataConstraint:
    return DataConstraint(
        f"{_PREFIX}{named.id}", named.agency, named.version, (named,), **fields, role="Actual"
    )


def numbered(constraint: DataConstraint, seen: dict[Reference, int]) -> DataConstraint:
    """The second and further ones of the same artefact are numbered, since identities are distinct."""
    at = seen[constraint.reference] = seen.get(constraint.reference, 0) + 1
    return constraint if at == 1 else replace(constraint, id=f"{constraint.id}_{at}")


def is_available(artefact: Any) -> bool:
    """Whether an artefact is such a constraint, and was given its identity here."""
    return (
        isinstance(artefact, DataConstraint) and artefact.role == "Actual" and artefact.id.startswith(_PREFIX)
    )
