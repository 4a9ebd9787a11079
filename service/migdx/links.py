"""Links: what each artefact refers to and is referred to by, derived from its references, both ways.

sdmx-rest v2.2.2, doc/structures.md, "Applicability and meaning of references": besides the references of its
type an artefact refers to the scheme of its maintenance agency, and metadataflows and their agreements to
whatever their targets name. What is not known here is passed over: it is kept elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cached_property
from typing import Protocol

from .structures import (
    HOLDERS,
    AgencyScheme,
    Item,
    ItemScheme,
    Maintainable,
    Metadataflow,
    MetadataProvisionAgreement,
    Organisation,
    holder,
)
from .urn import Reference, select_versions

TOP_AGENCIES = "SDMX"
"""Maintains the scheme of the agencies that have no other above them."""

_TARGET = re.compile(
    r"urn:sdmx:org\.sdmx\.infomodel\.[\w*]+\.(?P<kind>[\w*]+)"
    r"=(?P<agency>[\w.*-]+):(?P<id>[\w@$*-]+)\((?P<version>[\w.+*~-]+)\)(?:\..+)?\Z",
    re.ASCII,
)
_PLAIN: tuple[type[Item], ...] = (Item, Organisation)


class Known(Protocol):
    """What links are made of: the artefacts, and the one that a reference leads to."""

    def __iter__(self) -> Iterator[Maintainable]: ...
    def find(self, reference: Reference) -> Maintainable | None: ...


class Links:
    """All links between the artefacts of a registry, made when the first is asked for."""

    def __init__(self, known: Known) -> None:
        self._known = known

    def children(self, artefact: Maintainable) -> list[Maintainable]:
        """What an artefact refers to, each once; of one that is cut, what is left of it does."""
        if self._known.find(artefact.reference) is not artefact:
            return list(self._referred(artefact).values())
        return list(self._both[0].get(artefact.urn, {}).values())

    def parents(self, artefact: Maintainable) -> list[Maintainable]:
        """What refers to an artefact, each once."""
        return list(self._both[1].get(artefact.urn, {}).values())

    def names(self, parent: Maintainable, scheme: ItemScheme, items: Iterable[str]) -> bool:
        """Whether `parent` refers to one of these items of the scheme, or is maintained by it."""
        wanted = set(items)
        if isinstance(scheme, AgencyScheme) and parent.agency in {_agency(scheme, id) for id in wanted}:
            return True
        naming = (r for r in references(parent) if r.item in wanted and r.id == scheme.id)
        return any(_same(self._known.find(reference), scheme) for reference in naming)

    def agency(self, artefact: Maintainable) -> tuple[AgencyScheme, str] | None:
        """The scheme that lists the agency which maintains an artefact, and the item that it is there."""
        scheme = self._agencies.get(artefact.agency)
        return (scheme, artefact.agency.rpartition(".")[2]) if scheme else None

    @cached_property
    def _both(self) -> tuple[dict[str, dict[str, Maintainable]], dict[str, dict[str, Maintainable]]]:
        down: dict[str, dict[str, Maintainable]] = {}
        up: dict[str, dict[str, Maintainable]] = {}
        for artefact in self._known:
            down[artefact.urn] = self._referred(artefact)
            for urn in down[artefact.urn]:
                up.setdefault(urn, {})[artefact.urn] = artefact
        return down, up

    def _referred(self, artefact: Maintainable) -> dict[str, Maintainable]:
        found: dict[str, Maintainable] = {}
        for reference in dict.fromkeys(map(holder, references(artefact))):
            other = self._known.find(reference)
            if other is not None:
                found[other.urn] = other
        if isinstance(artefact, Metadataflow | MetadataProvisionAgreement):
            for target in artefact.targets:
                found.update((other.urn, other) for other in self._targets(target))
        scheme = self._agencies.get(artefact.agency)
        if scheme is not None:
            found[scheme.urn] = scheme
        found.pop(artefact.urn, None)
        return found

    @cached_property
    def _agencies(self) -> dict[str, AgencyScheme]:
        """Each agency, by the id that others name it by, and the scheme that lists it."""
        schemes = [artefact for artefact in self._known if isinstance(artefact, AgencyScheme)]
        return {_agency(scheme, item.id): scheme for scheme in schemes for item in scheme.items}

    def _targets(self, target: str) -> Iterator[Maintainable]:
        """What a target names; any part of it may be `*`, the version also any other wildcard."""
        asked = _TARGET.match(target)
        if asked is None:
            return
        kind = HOLDERS.get(asked["kind"], asked["kind"])
        versions: dict[tuple[str, str, str], dict[str, Maintainable]] = {}
        for artefact in self._known:
            named = (artefact.kind, artefact.agency, artefact.id)
            wanted = (kind, asked["agency"], asked["id"])
            if all(want in ("*", given) for want, given in zip(wanted, named, strict=True)):
                versions.setdefault(named, {})[artefact.version] = artefact
        for found in versions.values():
            yield from (found[version] for version in select_versions(asked["version"], found))


def references(artefact: Maintainable) -> Iterator[Reference]:
    """What `artefact.references()` gives, without a look at items that refer to nothing: they may be many."""
    if isinstance(artefact, ItemScheme) and artefact.items and type(artefact.items[0]) in _PLAIN:
        artefact = replace(artefact, items=())
    yield from artefact.references()


def _agency(scheme: AgencyScheme, id: str) -> str:
    return id if scheme.agency == TOP_AGENCIES else f"{scheme.agency}.{id}"


def _same(found: Maintainable | None, scheme: Maintainable) -> bool:
    return found is not None and found.urn == scheme.urn
