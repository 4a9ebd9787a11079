"""Versioning: what a version says of the one before it (SDMX 3.0 Technical Notes, 14: semantic versions).

A stable version, X.Y.Z without an extension, never changes. One that takes away what its predecessor of the
same major number has needs a new major number: who refers to 1+.0.0 relies on finding it.
"""

from __future__ import annotations

from collections.abc import Iterable

from .errors import some
from .structures import DataStructure, ItemScheme, Maintainable
from .urn import is_stable, version_order


def next_version(artefact: Maintainable, stored: Maintainable) -> str:
    """The least version that may follow a stable one: a major one when `artefact` takes something away."""
    major, minor, patch = version_order(stored.version)[0]
    return f"{major + 1}.0.0" if _lost(artefact, stored) else f"{major}.{minor}.{patch + 1}"


def taken_away(artefact: Maintainable, versions: Iterable[Maintainable]) -> str:
    """What a stable version lacks of the last one before it with the same major number; "" when nothing."""
    if not is_stable(artefact.version):
        return ""
    order = version_order(artefact.version)
    before = [
        other
        for other in versions
        if is_stable(other.version)
        and version_order(other.version) < order
        and version_order(other.version)[0][0] == order[0][0]
    ]
    if not before:
        return ""
    last = max(before, key=lambda other: version_order(other.version))
    lost = _lost(artefact, last)
    if not lost:
        return ""
    return (
        f"it lacks {some(lost, 3)} of {last.reference.short}; taking away needs version {order[0][0] + 1}.0.0"
    )


def _lost(artefact: Maintainable, before: Maintainable) -> list[str]:
    kept = set(_parts(artefact))
    return [id for id in _parts(before) if id not in kept]


def _parts(artefact: Maintainable) -> list[str]:
    if isinstance(artefact, ItemScheme):
        return [item.id for item in artefact.items]
    if isinstance(artefact, DataStructure):
        return [part.id for part in (*artefact.dimensions, *artefact.measures, *artefact.attributes)]
    return []
