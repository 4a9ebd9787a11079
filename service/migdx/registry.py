"""Registry: the structures known, as an immutable value with a digest. Loaded from folders of SDMX messages.

A file's path is its identity: <agency>/<id>-<version>.xml holds that artefact and no other; any other name is
a bundle. A broken file stops the load with its path, line and reason.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

from .errors import NotFound, SemanticFault, StructureFault
from .formats.ml30_structure_reader import read_structures
from .query import DataQuery, StructureQuery
from .schema import Schema, SchemaComponent, narrow
from .structures import (
    KINDS,
    AgencyScheme,
    Attribute,
    Codelist,
    CodelistExtension,
    Component,
    Concept,
    ConceptScheme,
    DataConstraint,
    Dataflow,
    DataStructure,
    Dimension,
    Item,
    ItemScheme,
    Maintainable,
    Measure,
    MetadataStructure,
    ProvisionAgreement,
    Representation,
)
from .urn import Reference, select_versions, version_order

HOLDERS = {
    "Code": "Codelist",
    "Concept": "ConceptScheme",
    "DataProvider": "DataProviderScheme",
    "Agency": "AgencyScheme",
    "HierarchicalCode": "Hierarchy",
}
"""The maintainable that holds an item of a class."""

A = TypeVar("A", bound=Maintainable)
Reader = Callable[[bytes, str], list[Maintainable]]


class Registry:
    """Artefacts by identity. Everything derived is computed once; nothing changes after construction."""

    def __init__(
        self, artefacts: Iterable[Maintainable], digest: str = "", sources: Mapping[int, str] | None = None
    ) -> None:
        """`sources` names the file of each artefact, by the identity of the object, for faults."""
        self._sources = sources or {}
        self._artefacts: dict[tuple[str, str, str], dict[str, Maintainable]] = {}
        for artefact in artefacts:
            versions = self._artefacts.setdefault((artefact.kind, artefact.agency, artefact.id), {})
            if artefact.version in versions:
                other = self._sources.get(id(versions[artefact.version]), "")
                raise StructureFault(
                    f"{artefact.urn} is defined twice" + (f", in {other} too" if other else ""),
                    self._sources.get(id(artefact), ""),
                )
            versions[artefact.version] = artefact
        self.digest = digest
        self._schemas: dict[tuple[str, str], Schema] = {}
        self._codelists: dict[str, Codelist] = {}

    # --- loading -----------------------------------------------------------------------------------

    @classmethod
    def load(cls, folders: Sequence[Path], read: Reader) -> Registry:
        """The registry of all .xml files below `folders`; StructureFault names the file that stops it."""
        artefacts: list[Maintainable] = []
        sources: dict[int, str] = {}
        digest = hashlib.sha256()
        for folder in folders:
            if not folder.is_dir():
                raise StructureFault("there is no such folder of structures", str(folder))
            for path in sorted(folder.rglob("*.xml")):
                source = path.read_bytes()
                digest.update(
                    path.relative_to(folder).as_posix().encode() + b"\0" + hashlib.sha256(source).digest()
                )
                found = read(source, str(path))
                _check_identity(path, folder, found)
                artefacts += found
                sources.update((id(artefact), str(path)) for artefact in found)
        registry = cls(artefacts, digest.hexdigest(), sources)
        registry.check()
        return registry

    def check(self) -> None:
        """Raises StructureFault when a reference leads nowhere, or a dataflow makes no schema."""
        for artefact in self:
            for reference in artefact.references():
                if self.find(reference) is None:
                    path = self._sources.get(id(artefact), "")
                    raise StructureFault(
                        f"{artefact.urn} refers to {reference.urn}, which is not there",
                        path,
                        _line(path, reference),
                    )
        for flow in self.of(Dataflow):
            self.schema(flow.reference)

    # --- looking up --------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[Maintainable]:
        for versions in self._artefacts.values():
            yield from versions.values()

    def __len__(self) -> int:
        return sum(len(versions) for versions in self._artefacts.values())

    def of(self, cls: type[A]) -> list[A]:
        """Every artefact of a class, by agency, id and version."""
        found = [artefact for artefact in self if isinstance(artefact, cls)]
        return sorted(
            found, key=lambda artefact: (artefact.agency, artefact.id, version_order(artefact.version))
        )

    def find(self, reference: Reference) -> Maintainable | None:
        """The artefact that a reference leads to (the holder, for an item), None when it leads nowhere."""
        kind = HOLDERS.get(reference.kind, reference.kind)
        versions = self._artefacts.get((kind, reference.agency, reference.id), {})
        artefact = versions.get(reference.version)
        if artefact is None and any(sign in reference.version for sign in "+~*"):
            chosen = select_versions(reference.version, versions)
            artefact = versions[chosen[-1]] if chosen else None
        if (
            artefact
            and reference.item
            and isinstance(artefact, ItemScheme)
            and not self._holds(artefact, reference.item)
        ):
            return None
        return artefact

    def _holds(self, scheme: ItemScheme, item: str) -> bool:
        if item in scheme.by_id:
            return True
        return (
            isinstance(scheme, Codelist) and bool(scheme.extensions) and item in self.codelist(scheme).by_id
        )

    def get(self, cls: type[A], reference: Reference) -> A:
        """The artefact of class `cls`; NotFound says what was looked for."""
        found = self.find(reference)
        if not isinstance(found, cls):
            raise NotFound(f"There is no {cls.kind} {reference.short}")
        return found

    def codelist(self, codelist: Codelist) -> Codelist:
        """The list with its extensions resolved: its own codes first, then those it takes from others."""
        if not codelist.extensions:
            return codelist
        if codelist.urn not in self._codelists:
            items = dict(codelist.by_id)
            for extension in codelist.extensions:
                other = self.codelist(self.get(Codelist, extension.codelist))
                for item in _selected(other, extension):
                    items.setdefault(item.id, item)
            self._codelists[codelist.urn] = replace(codelist, items=tuple(items.values()), extensions=())
        return self._codelists[codelist.urn]

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

    def schema(self, dataflow: Reference, agreement: ProvisionAgreement | None = None) -> Schema:
        """The dataflow's DSD resolved, constraints of DSD, dataflow and, if given, agreement applied."""
        flow = self.get(Dataflow, dataflow)
        cached = (flow.urn, agreement.urn if agreement else "")
        if cached not in self._schemas:
            self._schemas[cached] = self._schema(flow, agreement)
        return self._schemas[cached]

    def _schema(self, flow: Dataflow, agreement: ProvisionAgreement | None) -> Schema:
        if flow.structure is None:
            raise SemanticFault(f"{flow.urn} names no data structure")
        dsd = self.get(DataStructure, flow.structure)
        allowed = [self._constrained(dsd), self._constrained(flow)]
        granted = self._constrained(agreement) if agreement else {}
        made = []
        parts: tuple[Component, ...] = (*dsd.dimensions, *dsd.measures, *dsd.attributes)
        for part in parts:
            base = self._component(part)
            limits = [limit for found in allowed if (limit := found.get(part.id)) is not None]
            merged = None
            for include, values in limits:
                merged = narrow(merged, frozenset(values) if include else base.codes - frozenset(values))
            given = granted.get(part.id)
            grant = (
                None
                if given is None
                else frozenset(given[1])
                if given[0]
                else base.codes - frozenset(given[1])
            )
            made.append(replace(base, allowed=merged, granted=grant))
        metadata = self.get(MetadataStructure, dsd.metadata) if dsd.metadata else None
        return Schema(flow, dsd, tuple(made), metadata, agreement.id if agreement else "")

    def _component(self, part: Component) -> SchemaComponent:
        scheme = self.get(ConceptScheme, part.concept.of("ConceptScheme"))
        concept = scheme.by_id.get(part.concept.item)
        core = concept.representation if isinstance(concept, Concept) else None
        shape = part.representation or core or Representation()
        codelist = self.codelist(self.get(Codelist, shape.enumeration)) if shape.enumeration else None
        made = SchemaComponent(
            id=part.id,
            role="dimension",
            names=concept.names if concept else {},
            codelist=codelist,
            text_type=shape.text_type,
            facets=shape.facets,
            mandatory=True,
            max_occurs=shape.max_occurs,
        )
        if isinstance(part, Dimension):
            return replace(made, role="time") if part.is_time else made
        if isinstance(part, Attribute):
            return replace(
                made, role="attribute", mandatory=part.mandatory, attached=part.attached, to=part.to
            )
        return replace(made, role="measure", mandatory=isinstance(part, Measure) and part.mandatory)

    def _constrained(self, target: Maintainable) -> dict[str, tuple[bool, tuple[str, ...]]]:
        """Per component (include, values) of the constraints attached to `target`; regions are united."""
        merged: dict[str, tuple[bool, tuple[str, ...]]] = {}
        for constraint in self._constraints.get(target.urn, ()):
            regions = [region for region in constraint.regions if region.include]
            for region in regions:
                for key in region.keys:
                    if key.values and all(any(k.component == key.component for k in r.keys) for r in regions):
                        include, values = merged.get(key.component, (key.include, ()))
                        merged[key.component] = (include, tuple(dict.fromkeys((*values, *key.values))))
        return merged

    @cached_property
    def _constraints(self) -> dict[str, list[DataConstraint]]:
        attached: dict[str, list[DataConstraint]] = {}
        for constraint in self.of(DataConstraint):
            if constraint.role == "Allowed":
                for reference in constraint.attachment:
                    found = self.find(reference)
                    attached.setdefault(found.urn if found else reference.urn, []).append(constraint)
        return attached

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

    # --- structure queries -------------------------------------------------------------------------

    def select(self, query: StructureQuery) -> list[Maintainable]:
        """The artefacts that a structure query names; selection.py adds references and detail."""
        chosen: list[Maintainable] = []
        kinds = KINDS if "*" in query.kinds else query.kinds
        for (kind, agency, id), versions in self._artefacts.items():
            if kind in kinds and _matches(query.agencies, agency) and _matches(query.ids, id):
                chosen += [versions[version] for version in select_versions(query.versions, versions)]
        return chosen

    def children(self, artefact: Maintainable) -> list[Maintainable]:
        """What an artefact refers to, each once."""
        return self._links[0].get(artefact.urn, [])

    def parents(self, artefact: Maintainable) -> list[Maintainable]:
        """What refers to an artefact, each once."""
        return self._links[1].get(artefact.urn, [])

    @cached_property
    def _links(self) -> tuple[dict[str, list[Maintainable]], dict[str, list[Maintainable]]]:
        down: dict[str, dict[str, Maintainable]] = {}
        up: dict[str, dict[str, Maintainable]] = {}
        agencies = {item.id: scheme for scheme in self.of(AgencyScheme) for item in scheme.items}
        for artefact in self:
            scheme = agencies.get(artefact.agency)
            if scheme is not None and scheme is not artefact:  # every artefact refers to its agency
                down.setdefault(artefact.urn, {})[scheme.urn] = scheme
                up.setdefault(scheme.urn, {})[artefact.urn] = artefact
            for reference in dict.fromkeys(_without_item(reference) for reference in artefact.references()):
                found = self.find(reference)
                if found is not None and found is not artefact:
                    down.setdefault(artefact.urn, {})[found.urn] = found
                    up.setdefault(found.urn, {})[artefact.urn] = artefact
        return (
            {urn: list(found.values()) for urn, found in down.items()},
            {urn: list(found.values()) for urn, found in up.items()},
        )


def _line(path: str, reference: Reference) -> int:
    """Where a file names a reference: its line, 0 when it is not found."""
    if path:
        with Path(path).open(encoding="utf-8") as file:
            return next((number for number, line in enumerate(file, start=1) if reference.urn in line), 0)
    return 0


def _without_item(reference: Reference) -> Reference:
    return reference.of(HOLDERS.get(reference.kind, reference.kind)) if reference.item else reference


def _matches(asked: tuple[str, ...], value: str) -> bool:
    return "*" in asked or value in asked


def _selected(codelist: Codelist, extension: CodelistExtension) -> Iterator[Item]:
    """The codes that an extension takes, prefixed; `%` in a member value is any text (SDMX 3.0 IM, 4.3)."""
    for item in codelist.items:
        if extension.include and not any(_like(item.id, pattern) for pattern in extension.include):
            continue
        if any(_like(item.id, pattern) for pattern in extension.exclude):
            continue
        if extension.prefix:
            parent = extension.prefix + item.parent if item.parent else ""
            yield replace(item, id=extension.prefix + item.id, parent=parent)
        else:
            yield item


def _like(value: str, pattern: str) -> bool:
    head, wildcard, tail = pattern.partition("%")
    return value == pattern if not wildcard else value.startswith(head) and value.endswith(tail)


def _check_identity(path: Path, folder: Path, found: list[Maintainable]) -> None:
    id, dash, version = path.stem.rpartition("-")
    if not dash or not version[:1].isdigit():
        return
    agency = path.relative_to(folder).parts[0]
    wanted = (agency, id, version)
    given = [(artefact.agency, artefact.id, artefact.version) for artefact in found]
    if given != [wanted]:
        names = ", ".join(f"{a}:{i}({v})" for a, i, v in given) or "nothing"
        raise StructureFault(
            f"by its name the file holds {agency}:{id}({version}) and no more; it holds {names}", str(path)
        )


def shipped_structures() -> tuple[Path, ...]:
    """The folders codelists/ and dsd/: inside the package in a wheel, beside service/ in a checkout."""
    here = Path(str(files("migdx")))
    root = here if (here / "dsd").is_dir() else here.parents[1]
    return root / "codelists", root / "dsd"


def load_structures(folders: Sequence[Path] = ()) -> Registry:
    """The registry of `folders`, or of those shipped: all that checking a file needs."""
    return Registry.load(tuple(folders) or shipped_structures(), read_structures)
