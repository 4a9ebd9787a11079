"""Registry: the structures known, as an immutable value with a digest. Loaded from folders of SDMX messages;
what maintenance changes makes another one.

A broken file stops the load with its path, line and reason. A draft, a version with an extension such as
1.0.0-draft, is its agency's own: the registry as others see it is without, and nothing public refers to one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any, TypeVar

from .errors import ExchangeError, NotFound, StructureFault
from .folders import Origin, Reader, read_any, shipped_structures, structure_files
from .links import Links, references
from .query import DataQuery, StructureQuery
from .resolve import Resolver
from .schema import Schema
from .structures import (
    KINDS,
    Codelist,
    DataConstraint,
    Dataflow,
    DataStructure,
    ItemScheme,
    Maintainable,
    ProvisionAgreement,
    holder,
)
from .urn import Reference, parse_short, select_versions, version_order

A = TypeVar("A", bound=Maintainable)

_GEOGRAPHIC = ("GeographicCodelist", "GeoGridCodelist")


class Registry:
    """Artefacts by identity. Everything derived is computed once; nothing changes after construction."""

    def __init__(
        self, artefacts: Iterable[Maintainable], origins: Mapping[str, Origin] | None = None
    ) -> None:
        """`origins` says by URN where an artefact was read from: for faults, and for the digest."""
        self._origins = origins or {}
        self._artefacts: dict[tuple[str, str, str], dict[str, Maintainable]] = {}
        for artefact in artefacts:
            versions = self._artefacts.setdefault((artefact.kind, artefact.agency, artefact.id), {})
            if artefact.version in versions:
                raise StructureFault(f"{artefact.urn} is defined twice")
            versions[artefact.version] = artefact
        self._schemas: dict[tuple[str, str], Schema] = {}
        self._resolver = Resolver(self)
        self._views: dict[frozenset[str], Registry] = {}

    # --- loading -----------------------------------------------------------------------------------

    @classmethod
    def load(cls, folders: Sequence[Path], read: Reader = read_any) -> Registry:
        """The registry of all structure files below `folders`; StructureFault names the one that stops it."""
        artefacts: list[Maintainable] = []
        origins: dict[str, Origin] = {}
        for file in structure_files(folders):
            found, origin = file.read(read)
            for artefact in found:
                other = origins.setdefault(artefact.urn, origin)
                if other is not origin:
                    raise StructureFault(f"{artefact.urn} is defined twice, in {other.path} too", origin.path)
            artefacts += found
        registry = cls(artefacts, origins)
        registry.check()
        return registry

    def check(self) -> None:
        """Raises StructureFault for the first of `faults`."""
        for fault in self.faults():
            raise fault

    def faults(self) -> Iterator[StructureFault]:
        """What does not fit together: a code list that extends itself, a reference that leads nowhere, a
        dataflow that makes no schema.
        """
        for codelist in self.of(Codelist):
            if circle := self.circle(codelist):
                yield StructureFault(circle, self.path(codelist))
                return  # whoever resolves the list would not come back
        for artefact in self:
            for reference in self.unresolved(artefact):
                path = self.path(artefact)
                why = "is a draft that is not for everyone" if self.find(reference) else "is not there"
                yield StructureFault(
                    f"{artefact.urn} refers to {reference.urn}, which {why}", path, _line(path, reference)
                )
        for flow in self.of(Dataflow):
            if fault := self.unmade(flow):
                yield StructureFault(f"{flow.urn} makes no schema: {fault}", self.path(flow))

    def circle(self, codelist: Codelist) -> str:
        """How a list extends itself, over others or at once; "" when it does not."""
        return self._resolver.circle(codelist)

    def too_much(self, codelist: Codelist) -> str:
        """Why resolving a list would take too much; "" when it would not."""
        return self._resolver.too_much(codelist)

    def unresolved(self, artefact: Maintainable) -> Iterator[Reference]:
        """References of an artefact that lead nowhere for those who see it."""
        seen = self.around(artefact)
        return (reference for reference in references(artefact) if seen.find(reference) is None)

    def unmade(self, flow: Dataflow) -> str:
        """Why a dataflow makes no schema; "" when it does."""
        try:
            self.around(flow).schema(flow.reference)
        except ExchangeError as fault:
            return str(fault)
        return ""

    def path(self, artefact: Maintainable) -> str:
        """The file that an artefact was read from, "" when there is none."""
        origin = self._origins.get(artefact.urn)
        return origin.path if origin else ""

    @cached_property
    def told_by(self) -> dict[str, list[Maintainable]]:
        """The artefacts by the digest of the bytes that told them."""
        found: dict[str, list[Maintainable]] = {}
        for artefact in self:
            if artefact.urn in self._origins:
                found.setdefault(self._origins[artefact.urn].sha256, []).append(artefact)
        return found

    @cached_property
    def digest(self) -> str:
        """Of everything that is there: each artefact, and the bytes that told it."""
        told = ((urn, self._origins[urn].sha256 if urn in self._origins else "") for urn in self._urns)
        return hashlib.sha256("".join(f"{urn} {sha256}\n" for urn, sha256 in told).encode()).hexdigest()

    @cached_property
    def _urns(self) -> list[str]:
        return sorted(artefact.urn for artefact in self)

    # --- changing, hiding --------------------------------------------------------------------------

    def changed(self, puts: Iterable[tuple[Maintainable, Origin]], deletes: Collection[str] = ()) -> Registry:
        """Another registry: with `puts` in place of what had their URNs, without the URNs of `deletes`."""
        artefacts = {artefact.urn: artefact for artefact in self}
        origins = dict(self._origins)
        for artefact, origin in puts:
            artefacts[artefact.urn], origins[artefact.urn] = artefact, origin
        for urn in deletes:
            artefacts.pop(urn, None)
            origins.pop(urn, None)
        return Registry(artefacts.values(), origins)

    def seen_by(self, agencies: Iterable[str] = ()) -> Registry:
        """As those see it who hold tokens of `agencies`: of the drafts only theirs, and their units'."""
        key = frozenset(agencies)
        if key not in self._views:
            hidden = [draft.urn for draft in self.drafts if not covers(key, draft.agency)]
            self._views[key] = self.changed((), hidden) if hidden else self
        return self._views[key]

    def around(self, artefact: Maintainable) -> Registry:
        """As all those see it who see an artefact: with the drafts of its agency if it is one."""
        return self.seen_by((artefact.agency,) if is_draft(artefact.version) else ())

    @property
    def public(self) -> Registry:
        """As everyone sees it."""
        return self.seen_by()

    @cached_property
    def drafts(self) -> list[Maintainable]:
        """The artefacts that not everyone sees."""
        return [artefact for artefact in self if is_draft(artefact.version)]

    # --- looking up --------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[Maintainable]:
        for versions in self._artefacts.values():
            yield from versions.values()

    def __len__(self) -> int:
        return self._size

    @cached_property
    def _size(self) -> int:
        return sum(len(versions) for versions in self._artefacts.values())

    def of(self, cls: type[A]) -> list[A]:
        """Every artefact of a class, by agency, id and version."""
        if cls not in self._by_class:
            found = [artefact for artefact in self if isinstance(artefact, cls)]
            found.sort(key=lambda artefact: (artefact.agency, artefact.id, version_order(artefact.version)))
            self._by_class[cls] = found
        return list(self._by_class[cls])

    @cached_property
    def _by_class(self) -> dict[type[Maintainable], list[Any]]:
        return {}

    def find(self, reference: Reference) -> Maintainable | None:
        """The artefact that a reference leads to (the holder, for an item), None when it leads nowhere."""
        artefact = self._found(holder(reference))
        if (
            artefact
            and reference.item
            and isinstance(artefact, ItemScheme)
            and not self._holds(artefact, reference.item)
        ):
            return None
        return artefact

    def _found(self, reference: Reference) -> Maintainable | None:
        versions = self._artefacts.get((reference.kind, reference.agency, reference.id), {})
        artefact = versions.get(reference.version)
        if artefact is None and any(sign in reference.version for sign in "+~*"):
            chosen = select_versions(reference.version, versions)
            artefact = versions[chosen[-1]] if chosen else None
        if artefact is None and reference.kind == "Codelist":
            # in the official schemas this is the class of the geographic ones too
            special = (self._found(replace(reference, kind=kind)) for kind in _GEOGRAPHIC)
            artefact = next(filter(None, special), None)
        return artefact

    def versions(self, reference: Reference) -> list[Maintainable]:
        """Every version of what a reference names."""
        return list(self._artefacts.get((reference.kind, reference.agency, reference.id), {}).values())

    def _holds(self, scheme: ItemScheme, item: str) -> bool:
        if scheme.item(item) is not None:
            return True
        if not isinstance(scheme, Codelist) or not scheme.extensions:
            return False
        try:
            return item in self.codelist(scheme).by_id
        except NotFound:  # a list that it extends is not there, and is told of by itself
            return False

    def get(self, cls: type[A], reference: Reference) -> A:
        """The artefact of class `cls`; NotFound says what was looked for."""
        found = self.find(reference)
        if not isinstance(found, cls):
            raise NotFound(f"There is no {reference.kind} {reference.short}")
        return found

    def dataflow(self, text: str) -> Dataflow:
        """The one that AGENCY:ID(VERSION), or an id alone, names: the latest where no version is told."""
        asked = parse_short(text, Dataflow.kind)
        flows = self.of(Dataflow)
        found = [
            flow
            for flow in flows
            if flow.id == asked.id
            and asked.agency in ("*", flow.agency)
            and asked.version in ("~", "*", flow.version)
        ]
        if not found:
            near = get_close_matches(asked.id, {flow.id for flow in flows}, n=3, cutoff=0.4)
            raise NotFound(f"There is no dataflow {text}" + (f"; similar: {', '.join(near)}" if near else ""))
        return found[-1]

    def codelist(self, codelist: Codelist) -> Codelist:
        """The list with its extensions resolved, the codes that it takes from others and its own."""
        return self._resolver.codelist(codelist)

    # --- schemas -----------------------------------------------------------------------------------

    def flows(self, query: DataQuery) -> list[Dataflow]:
        """The dataflows that a data query's context names, in the order of their ids."""
        found: dict[str, Dataflow] = {}
        for agency in query.agencies:
            for id in query.ids:
                for version in query.versions:
                    found.update({flow.urn: flow for flow in self._flows(query.context, agency, id, version)})
        return list(found.values())

    def _flows(self, context: str, agency: str, id: str, version: str) -> Iterator[Dataflow]:
        kind: dict[str, type[Maintainable]] = {
            "dataflow": Dataflow,
            "datastructure": DataStructure,
            "provisionagreement": ProvisionAgreement,
            "*": Dataflow,
        }
        for artefact in self.select(StructureQuery((kind[context].kind,), (agency,), (id,), version)):
            if isinstance(artefact, Dataflow):
                yield artefact
            elif isinstance(artefact, ProvisionAgreement) and artefact.dataflow:
                yield self.get(Dataflow, artefact.dataflow)
            else:
                yield from (
                    flow
                    for flow in self.of(Dataflow)
                    if flow.structure and self.find(flow.structure) is artefact
                )

    def schema(self, context: Reference, agreement: ProvisionAgreement | None = None) -> Schema:
        """What may be reported for a dataflow or a data structure, and under an agreement if one is given."""
        found: Dataflow | DataStructure
        if context.kind == "DataStructure":
            found = self.get(DataStructure, context)
        else:
            found = self.get(Dataflow, context)
        cached = (found.urn, agreement.urn if agreement else "")
        if cached not in self._schemas:
            self._schemas[cached] = self._resolver.schema(found, agreement)
        return self._schemas[cached]

    def constraints(self, schema: Schema) -> list[DataConstraint]:
        """Those that a schema takes into account."""
        return self._resolver.constraints(schema)

    def agreement(self, provider: str, dataflow: Dataflow) -> ProvisionAgreement | None:
        """The agreement under which a provider sends a dataflow."""
        return self._agreements.get((provider, dataflow.urn))

    @cached_property
    def _agreements(self) -> dict[tuple[str, str], ProvisionAgreement]:
        found = {}
        for agreement in self.of(ProvisionAgreement):
            flow = self.find(agreement.dataflow) if agreement.dataflow else None
            if flow and agreement.provider:
                found[agreement.provider.item, flow.urn] = agreement
        return found

    def rival(self, agreement: ProvisionAgreement) -> ProvisionAgreement | None:
        """Another agreement of the same provider for the same dataflow: whose revisions would they be?"""
        flow = self.find(agreement.dataflow) if agreement.dataflow else None
        if flow is None or agreement.provider is None:
            return None
        named = (agreement.agency, agreement.id)
        others = self._rivals.get((agreement.provider.item, flow.urn), ())
        return next((other for other in others if (other.agency, other.id) != named), None)

    @cached_property
    def _rivals(self) -> dict[tuple[str, str], list[ProvisionAgreement]]:
        found: dict[tuple[str, str], list[ProvisionAgreement]] = {}
        for agreement in self.of(ProvisionAgreement):
            flow = self.find(agreement.dataflow) if agreement.dataflow else None
            if flow and agreement.provider and not is_draft(agreement.version):
                found.setdefault((agreement.provider.item, flow.urn), []).append(agreement)
        return found

    # --- structure queries -------------------------------------------------------------------------

    def select(self, query: StructureQuery) -> list[Maintainable]:
        """The artefacts that a structure query names; selection.py adds references and detail."""
        chosen: list[Maintainable] = []
        for key in self._named(query):
            versions = self._artefacts[key]
            chosen += [versions[version] for version in select_versions(query.versions, versions)]
        return chosen

    def _named(self, query: StructureQuery) -> Iterator[tuple[str, str, str]]:
        kinds = tuple(KINDS) if "*" in query.kinds else query.kinds
        if "*" not in (*query.agencies, *query.ids):  # looked up, as most are, rather than looked for
            named = product(kinds, query.agencies, query.ids)
            yield from (key for key in named if key in self._artefacts)
            return
        for key in self._artefacts:
            if key[0] in kinds and _matches(query.agencies, key[1]) and _matches(query.ids, key[2]):
                yield key

    def children(self, artefact: Maintainable) -> list[Maintainable]:
        """What an artefact refers to, each once."""
        return self.links.children(artefact)

    def parents(self, artefact: Maintainable) -> list[Maintainable]:
        """What refers to an artefact, each once."""
        return self.links.parents(artefact)

    @cached_property
    def links(self) -> Links:
        return Links(self)


def _line(path: str, reference: Reference) -> int:
    """Where a file names a reference: its line, 0 when it is not found."""
    if path and Path(path).is_file():
        with Path(path).open(encoding="utf-8") as file:
            return next((number for number, line in enumerate(file, start=1) if reference.urn in line), 0)
    return 0


def _matches(asked: tuple[str, ...], value: str) -> bool:
    return "*" in asked or value in asked


def is_draft(version: str) -> bool:
    """Whether a version has an extension: nobody may rely on it yet (SDMX 3.0 Technical Notes, 14)."""
    return "-" in version


def covers(agencies: Collection[str], owner: str) -> bool:
    """Whether one of `agencies` is `owner`, or the agency that it is a unit of: UNSD of UNSD.POP."""
    return any(owner == agency or owner.startswith(f"{agency}.") for agency in agencies)


def load_structures(folders: Sequence[Path] = ()) -> Registry:
    """The registry of `folders`, or of those shipped: all that checking a file needs."""
    return Registry.load(tuple(folders) or shipped_structures())
