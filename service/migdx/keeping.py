"""Keeping: artefacts as structure messages among the blobs, and the registry that the ledger's changes make.

An artefact is kept in the first form that gives it back equal: what the standard calls newest, and another
only for what that has no place for. So a registry is made from folders and messages of the standard alone.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from .blobs import Blobs
from .errors import NotFound, StructureFault, Unavailable
from .folders import Origin
from .formats.header import Header
from .formats.tables import STRUCTURE_READERS, STRUCTURE_WRITERS
from .registry import Registry
from .structure_change import Kept, StructureChange
from .structures import Maintainable

_log = logging.getLogger(__name__)

FORMS = (
    "application/vnd.sdmx.structure+xml;version=3.1.0",
    "application/vnd.sdmx.structure+xml;version=3.0.0",
    "application/vnd.sdmx.structure+json;version=2.1.0",
    "application/vnd.sdmx.structure+json;version=2.0.0",
    "application/vnd.sdmx.structure+xml;version=2.1",
)
"""In which artefacts are kept, the first choice first."""


@dataclass(frozen=True)
class Form:
    """How an artefact is kept: `artefact` is what `media_type` gives back, `lossy` if that is less."""

    artefact: Maintainable
    media_type: str
    lossy: bool = False


def forms(artefacts: Iterable[Maintainable]) -> dict[str, Form]:
    """By URN, how each artefact is kept; those that no form can tell at all are left out."""
    left = {artefact.urn: artefact for artefact in artefacts}
    found: dict[str, Form] = {}
    cut: dict[str, Form] = {}
    for form in FORMS:
        if left and form in STRUCTURE_READERS and form in STRUCTURE_WRITERS:
            for urn, told in _told_back(form, list(left.values())).items():
                if left.get(urn) == told:
                    found[urn] = Form(left.pop(urn), form)
                elif urn in left:
                    cut.setdefault(urn, Form(told, form, lossy=True))
    return {**{urn: form for urn, form in cut.items() if urn not in found}, **found}


def _told_back(form: str, artefacts: Sequence[Maintainable]) -> dict[str, Maintainable]:
    """What a form makes of artefacts; those that spoil the message for the others are left out."""
    try:
        return {told.urn: told for told in STRUCTURE_READERS[form](message(form, artefacts), "")}
    except (StructureFault, ValueError, KeyError):
        if len(artefacts) == 1:
            return {}
    half = len(artefacts) // 2
    return _told_back(form, artefacts[:half]) | _told_back(form, artefacts[half:])


def message(form: str, artefacts: Iterable[Maintainable]) -> bytes:
    """The same bytes for the same artefacts: no date of their own."""
    header = Header("kept", datetime(2000, 1, 1, tzinfo=UTC))
    return b"".join(STRUCTURE_WRITERS[form](artefacts, header, ("en",)))


def keep(told: Iterable[Form], blobs: Blobs) -> tuple[Kept, ...]:
    """The artefacts durably, in one message of each form; nobody sees them before the ledger says so."""
    by_type: dict[str, list[Maintainable]] = {}
    for form in told:
        by_type.setdefault(form.media_type, []).append(form.artefact)
    return tuple(
        Kept("put", artefact.urn, blob, media_type)
        for media_type, artefacts in by_type.items()
        for blob in (blobs.put(message(media_type, artefacts)),)
        for artefact in artefacts
    )


class Lost(Unavailable):
    """What the ledger names is not among the blobs any more, or is not what was kept."""


def applied(
    registry: Registry,
    changes: Iterable[StructureChange],
    blobs: Blobs,
    withheld: Callable[[str, Lost], None] | None = None,
) -> Registry:
    """The registry after changes; of several to one artefact the last one holds. An artefact that is Lost
    stops it, or is told to `withheld` and is not there at all: what was before it would be wrong.
    """
    last = {one.urn: one for change in changes for one in change.kept}
    read: dict[str, dict[str, Maintainable]] = {}
    puts, gone = [], [urn for urn, one in last.items() if one.action == "delete"]
    for one in last.values():
        if one.action == "put":
            try:
                artefact = _told(one, read, blobs)
            except Lost as fault:
                if withheld is None:
                    raise
                withheld(one.urn, fault)
                gone.append(one.urn)
            else:
                puts.append((artefact, Origin(f"blob {one.blob}", one.blob)))
    return registry.changed(puts, gone)


def _told(one: Kept, read: dict[str, dict[str, Maintainable]], blobs: Blobs) -> Maintainable:
    """The artefact that was kept; `read` are the blobs that were, each with what it holds."""
    if one.blob not in read:
        read[one.blob] = _read(one, blobs)
    if one.urn not in read[one.blob]:
        raise Unavailable(f"Blob {one.blob} does not hold {one.urn}, which the ledger says it does")
    return read[one.blob][one.urn]


def _read(kept: Kept, blobs: Blobs) -> dict[str, Maintainable]:
    source = proven(kept.blob, blobs, kept.urn)
    found = STRUCTURE_READERS[kept.media_type](source, f"blob {kept.blob}")
    return {artefact.urn: artefact for artefact in found}


def proven(sha256: str, blobs: Blobs, what: str) -> bytes:
    """The bytes that a blob was made of; Lost, or Unavailable, with `what` it keeps."""
    told, advice = f"Blob {sha256}, which keeps {what},", "bring it back from a copy of the folder blobs"
    try:
        with blobs.open(sha256) as blob:
            source = blob.read()
    except NotFound:
        raise Lost(f"{told} is missing; {advice}") from None
    except OSError as fault:
        raise Unavailable(f"{told} cannot be read ({fault.strerror}); {advice}") from None
    if hashlib.sha256(source).hexdigest() != sha256:
        raise Lost(f"{told} is damaged; {advice}")
    return source


class Current:
    """The registry that changes make of the one that the folders gave, followed step by step.

    Nobody reads the folders again: what is added to the ledger is added to the last registry. What is `lost`,
    URNs, is not there until it is sent again, or brought back before a start; all else is.
    """

    def __init__(self, registry: Registry, blobs: Blobs) -> None:
        self._blobs = blobs
        self._first = registry
        self._last: tuple[int, Registry] = (0, registry)
        self._lock = threading.Lock()
        self.lost: set[str] = set()

    def at(self, changes: Sequence[StructureChange]) -> Registry:
        count, registry = self._last
        if count == len(changes):
            return registry
        with self._lock:
            count, registry = self._last
            if len(changes) < count:  # somebody still looks at an earlier moment
                return applied(self._first, changes, self._blobs, self._withhold)
            if len(changes) > count:
                registry = applied(registry, changes[count:], self._blobs, self._withhold)
                self._last = len(changes), registry
            return registry

    def _withhold(self, urn: str, fault: Lost) -> None:
        if urn not in self.lost:
            _log.error("%s is not served: %s", urn, fault)
        self.lost.add(urn)
