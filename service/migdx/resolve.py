"""Resolve: code lists with what they extend, and schemas: structures with their constraints applied.

SDMX 3.1 Technical Notes (Section 6), chapters 6.1 (extension) and 10 (constraints).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from functools import cached_property
from typing import Protocol, TypeVar

from .errors import SemanticFault, StructureFault
from .restriction import Limits, Lists, limits, selected
from .schema import Schema, SchemaComponent
from .structures import (
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
    GeoFeatureSetCode,
    GeoGridCode,
    Item,
    ItemScheme,
    KeyValues,
    Maintainable,
    Measure,
    MetadataStructure,
    ProvisionAgreement,
    Representation,
    RepresentationMap,
)
from .urn import Reference

A = TypeVar("A", bound=Maintainable)


MOST_CODES, MOST_TAKEN, MOST_TRIED = 2_000_000, 5_000_000, 10_000_000
"""Codes of a list with those of others, codes that all lists take from others, and comparisons of codes with
wildcards: of structures that are sent. Folders may hold more.
"""


_GEOGRAPHIC: dict[str, type[Item]] = {
    "GeographicCodelist": GeoFeatureSetCode,
    "GeoGridCodelist": GeoGridCode,
}


class Known(Protocol):
    """The structures that there are, as the registry gives them."""

    def find(self, reference: Reference) -> Maintainable | None: ...

    def get(self, cls: type[A], reference: Reference) -> A: ...

    def of(self, cls: type[A]) -> list[A]: ...


class Resolver:
    """Over the structures known, which do not change."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._codelists: dict[str, Codelist] = {}

    # --- code lists ----------------------------------------------------------------------------------

    def circle(self, codelist: Codelist) -> str:
        """How a list extends itself, at once or over others; "" when it does not."""
        if codelist.urn not in self._unending:
            return ""
        before: dict[str, Codelist] = {}
        waiting = [codelist]
        for current in waiting:
            for extension in current.extensions:
                other = self._known.find(extension.codelist)
                if not isinstance(other, Codelist):
                    continue
                if other.urn == codelist.urn:
                    path = [current]
                    while path[-1] is not codelist:
                        path.append(before[path[-1].urn])
                    told = (found.reference.short for found in reversed(path))
                    return " extends ".join(told) + f" extends {codelist.reference.short}: a circle"
                if other.urn not in before:
                    before[other.urn] = current
                    waiting.append(other)
        return ""

    def too_much(self, codelist: Codelist) -> str:
        """Why resolving a list, or all lists, would take too much; "" when it would not.

        A few lists that take each other's codes twice, under prefixes, have more codes than fit anywhere.
        """
        size = self._sizes.get(codelist.urn, 0)
        tried = self._tried_in_all if codelist.extensions else 0
        short = codelist.reference.short
        if size > MOST_CODES:
            return f"{short} would have up to {size:,} codes, some of other lists; {MOST_CODES:,} are taken"
        if tried > MOST_TRIED:
            return (
                f"With {short} all lists would compare codes with wildcards {tried:,} times; "
                f"{MOST_TRIED:,} are taken"
            )
        if self._taken_in_all > MOST_TAKEN:
            return (
                f"With {short} all lists would take up to {self._taken_in_all:,} codes from others; "
                f"{MOST_TAKEN:,} are taken"
            )
        return ""

    def _tried(self, extension: CodelistExtension) -> int:
        other = self._known.find(extension.codelist)
        wild = sum("%" in value for value in (*extension.include, *extension.exclude))
        return wild * self._sizes.get(other.urn, 0) if other is not None else 0

    @cached_property
    def _tried_in_all(self) -> int:
        lists = self._known.of(Codelist)
        return sum(self._tried(extension) for codelist in lists for extension in codelist.extensions)

    @cached_property
    def _taken_in_all(self) -> int:
        lists = (codelist for codelist in self._known.of(Codelist) if codelist.extensions)
        return sum(self._sizes.get(codelist.urn, 0) - len(codelist.items) for codelist in lists)

    @cached_property
    def _sizes(self) -> dict[str, int]:
        """The codes of each list with those of others, not less than there are; of those that end."""
        found = {codelist.urn: len(codelist.items) for codelist in self._known.of(Codelist)}
        by_urn = {codelist.urn: codelist for codelist in self._known.of(Codelist)}
        for urn in self._ending:
            for extension in by_urn[urn].extensions if urn in by_urn else ():
                other = self._known.find(extension.codelist)
                size = found.get(other.urn, 0) if other is not None else 0
                named = extension.include and not extension.cascading
                if named and not any("%" in value for value in extension.include):
                    size = min(size, len(extension.include))
                found[urn] += size
        return found

    @cached_property
    def _unending(self) -> set[str]:
        """The lists that stand in a circle of extensions, or lead to one: what is left without the others."""
        return {codelist.urn for codelist in self._known.of(Codelist)} - set(self._ending)

    @cached_property
    def _ending(self) -> list[str]:
        """The lists that do not, each after those that it extends."""
        waits: dict[str, int] = {}
        users: dict[str, list[str]] = {}
        for codelist in self._known.of(Codelist):
            found = (self._known.find(extension.codelist) for extension in codelist.extensions)
            urns = [other.urn for other in found if other is not None]
            waits[codelist.urn] = len(urns)
            for urn in urns:
                users.setdefault(urn, []).append(codelist.urn)
        done = [urn for urn, count in waits.items() if not count]
        for urn in done:
            for user in users.get(urn, ()):
                waits[user] -= 1
                if not waits[user]:
                    done.append(user)
        return done

    def codelist(self, codelist: Codelist) -> Codelist:
        """The list with its extensions resolved: its own codes first, then those it takes from others.

        Of two codes with the same id its own holds, else that of the list that is referred to later (6.1).
        """
        if not codelist.extensions or codelist.urn in self._codelists:
            return self._codelists.get(codelist.urn, codelist)
        path = [codelist]  # no recursion: a chain of lists may be long
        while path:
            others = self._extended(path[-1])
            waits = next((o for o in others if o.extensions and o.urn not in self._codelists), None)
            if waits is None:
                made = path.pop()
                self._codelists[made.urn] = self._united(made, others)
            elif any(waits.urn == above.urn for above in path):
                raise StructureFault(self.circle(waits))
            else:
                path.append(waits)
        return self._codelists[codelist.urn]

    def _extended(self, codelist: Codelist) -> list[Codelist]:
        return [self._known.get(Codelist, extension.codelist) for extension in codelist.extensions]

    def _united(self, codelist: Codelist, others: list[Codelist]) -> Codelist:
        taken: dict[str, Item] = {}
        for extension, other in zip(codelist.extensions, others, strict=True):
            whole = self._codelists.get(other.urn, other)
            taken.update((item.id, _code_of(codelist, item)) for item in _taken(whole, extension))
        items = codelist.by_id | {id: item for id, item in taken.items() if id not in codelist.by_id}
        return replace(codelist, items=tuple(items.values()), extensions=())

    def _prefixes(self, codelist: Codelist) -> dict[str, str]:
        """The prefix of each code that one of the list's extensions gave one."""
        found: dict[str, str] = {}
        for extension in codelist.extensions:
            other = self.codelist(self._known.get(Codelist, extension.codelist))
            found.update((item.id, extension.prefix) for item in _taken(other, extension))
        return {id: prefix for id, prefix in found.items() if prefix and id not in codelist.by_id}

    # --- schemas -------------------------------------------------------------------------------------

    def schema(self, of: Dataflow | DataStructure, agreement: ProvisionAgreement | None = None) -> Schema:
        """The DSD with every constraint up to the context: its own, the dataflow's, the agreement's."""
        flow = _flow_of(of) if isinstance(of, DataStructure) else of
        if flow.structure is None:
            raise SemanticFault(f"{flow.urn} names no data structure")
        whole = self._known.get(DataStructure, flow.structure)
        dsd = _used(whole, flow)
        if not dsd.dimensions:
            raise SemanticFault(f"{dsd.urn} has no dimensions: nothing could be told apart")
        constraints = [*self._constraints_of(whole), *([] if of is whole else self._constraints_of(flow))]
        grants = self._granting(agreement) if agreement else []
        parts: tuple[Component, ...] = (*dsd.dimensions, *dsd.measures, *dsd.attributes)
        components = {part.id: self._component(part) for part in parts}
        renamed = self._renamed(components, [*constraints, *grants])
        components = {id: _without_prefix(c, renamed.get(id)) for id, c in components.items()}
        lists = Lists({id: component.codelist for id, component in components.items()}, renamed)
        allowed, granted = Limits(), Limits()
        for constraint in constraints:
            allowed = allowed.also(limits(constraint, lists))
        for constraint in grants:
            granted = granted.also(limits(constraint, lists, granted=True))
        limited = (
            replace(component, allowed=allowed.allowed.get(id), granted=granted.allowed.get(id))
            for id, component in components.items()
        )
        metadata = self._known.get(MetadataStructure, dsd.metadata) if dsd.metadata else None
        within = agreement or (whole if of is whole else None)
        restrictions = (*allowed.restrictions, *granted.restrictions)
        return Schema(flow, dsd, tuple(limited), metadata, within, restrictions)

    def _component(self, part: Component) -> SchemaComponent:
        scheme = self._known.get(ConceptScheme, part.concept.of("ConceptScheme"))
        concept = scheme.by_id.get(part.concept.item)
        core = concept.representation if isinstance(concept, Concept) else None
        shape = part.representation or core or Representation()
        made = SchemaComponent(
            id=part.id,
            role="dimension",
            names=concept.names if concept else {},
            codelist=self._enumeration(shape.enumeration) if shape.enumeration else None,
            text_type=shape.text_type,
            facets=shape.facets,
            mandatory=True,
            max_occurs=shape.max_occurs,
            maps=self._maps if shape.enumeration else (),
        )
        if isinstance(part, Dimension):
            return replace(made, role="time") if part.is_time else made
        if isinstance(part, Attribute):
            return replace(
                made, role="attribute", mandatory=part.mandatory, attached=part.attached, to=part.to
            )
        return replace(made, role="measure", mandatory=isinstance(part, Measure) and part.mandatory)

    @cached_property
    def _maps(self) -> tuple[RepresentationMap, ...]:
        """Those of one list to one."""
        maps = self._known.of(RepresentationMap)
        return tuple(map for map in maps if len(map.sources) == len(map.targets) == 1)

    def _enumeration(self, reference: Reference) -> ItemScheme:
        found = self._known.get(ItemScheme, reference)
        return self.codelist(found) if isinstance(found, Codelist) else found

    # --- constraints ---------------------------------------------------------------------------------

    def constraints(self, schema: Schema) -> list[DataConstraint]:
        """Those that a schema takes into account, from the structure down."""
        whole = self._known.find(schema.dsd.reference) or schema.dsd
        found = self._constraints_of(whole)
        if not isinstance(schema.within, DataStructure):
            found = [*found, *self._constraints_of(schema.dataflow)]
        if isinstance(schema.within, ProvisionAgreement):
            found = [*found, *self._granting(schema.within)]
        return list({constraint.urn: constraint for constraint in found}.values())

    def _constraints_of(self, target: Maintainable, item: str = "") -> list[DataConstraint]:
        return self._constraints.get((target.urn, item), [])

    def _granting(self, agreement: ProvisionAgreement) -> list[DataConstraint]:
        """Those of an agreement, and of its provider, which say the same for all its agreements."""
        scheme = self._known.find(agreement.provider) if agreement.provider else None
        of_provider = (
            self._constraints_of(scheme, agreement.provider.item) if scheme and agreement.provider else []
        )
        return [*self._constraints_of(agreement), *of_provider]

    @cached_property
    def _constraints(self) -> dict[tuple[str, str], list[DataConstraint]]:
        """What may be reported, by the artefact, and item, that it is attached to."""
        attached: dict[tuple[str, str], list[DataConstraint]] = {}
        for constraint in self._known.of(DataConstraint):
            if constraint.role == "Allowed":
                for reference in constraint.attachment:
                    found = self._known.find(reference)
                    if found is not None:
                        attached.setdefault((found.urn, reference.item), []).append(constraint)
        return attached

    def _renamed(
        self, components: Mapping[str, SchemaComponent], constraints: list[DataConstraint]
    ) -> dict[str, dict[str, str]]:
        """Per component the codes that a constraint takes without the prefix of their extension.

        Chapter 6.1: a list unites others under prefixes, and each dataflow uses one of them as it is.
        """
        found: dict[str, dict[str, str]] = {}
        for key in _without_prefixes(constraints):
            component = components.get(key.component)
            raw = self._known.find(component.codelist.reference) if component and component.codelist else None
            if not (component and component.codelist and isinstance(raw, Codelist)):
                continue
            prefixes = self._prefixes(raw)
            chosen = selected(component.codelist, key.values, key.cascading)
            found.setdefault(key.component, {}).update(
                (id, id.removeprefix(prefixes.get(id, ""))) for id in chosen
            )
        return found


def _taken(codelist: Codelist, extension: CodelistExtension) -> Iterator[Item]:
    """The codes that an extension takes, prefixed, and so are their parents; a parent that is not taken is
    left out.
    """
    named = selected(codelist, extension.include or extension.exclude, extension.cascading)
    chosen = (
        set(named)
        if extension.include
        else codelist.codes.difference(named)
        if extension.exclude
        else codelist.codes
    )
    for item in codelist.items:
        if item.id in chosen:
            parent = extension.prefix + item.parent if item.parent in chosen else ""
            id = extension.prefix + item.id
            yield item if (id, parent) == (item.id, item.parent) else replace(item, id=id, parent=parent)


def _without_prefixes(constraints: list[DataConstraint]) -> Iterator[KeyValues]:
    for constraint in constraints:
        keys = (key for keys in constraint.key_sets if keys.include for key in keys.keys)
        for region in (*(region for region in constraint.regions if region.include), *keys):
            yield from (key for key in region.keys if key.remove_prefix and key.include)


def _without_prefix(component: SchemaComponent, renamed: Mapping[str, str] | None) -> SchemaComponent:
    """The component with the list of those codes alone, as they are reported."""
    if not renamed or component.codelist is None:
        return component
    items = [
        replace(item, id=renamed[item.id], parent=renamed.get(item.parent, ""))
        for item in component.codelist.items
        if item.id in renamed
    ]
    return replace(component, codelist=component.codelist.with_items(items))


def _used(dsd: DataStructure, flow: Dataflow) -> DataStructure:
    """The DSD with the dimensions that the dataflow uses (DimensionConstraint, SDMX 3.1).

    Groups and attributes lose the others too; an attribute of none of those left is one of the dataflow.
    """
    if not flow.dimension_constraint:
        return dsd
    missing = set(flow.dimension_constraint) - {dimension.id for dimension in dsd.dimensions}
    if missing:
        raise SemanticFault(
            f"{flow.urn} is limited to the dimension {min(missing)}, which {dsd.urn} does not have"
        )
    kept = set(flow.dimension_constraint)
    groups = tuple(
        replace(group, dimensions=left)
        for group in dsd.groups
        if (left := tuple(id for id in group.dimensions if id in kept))
    )
    gone = {group.id for group in dsd.groups} - {group.id for group in groups}
    dimensions = {dimension.id for dimension in dsd.dimensions}

    def attached(attribute: Attribute) -> Attribute:
        to = tuple(id for id in attribute.to if id not in gone and (id not in dimensions or id in kept))
        if attribute.attached in ("dimensions", "group") and attribute.to and not to:
            return replace(attribute, attached="dataflow", to=(), optional=())
        return replace(attribute, to=to, optional=tuple(id for id in attribute.optional if id in kept))

    return replace(
        dsd,
        dimensions=tuple(dimension for dimension in dsd.dimensions if dimension.id in kept),
        groups=groups,
        attributes=tuple(attached(attribute) for attribute in dsd.attributes),
    )


def _code_of(codelist: Codelist, code: Item) -> Item:
    """A code that a list takes from another as a code of its own kind; a geographic one is nowhere then."""
    cls = _GEOGRAPHIC.get(codelist.kind, Item)
    return code if type(code) is cls else cls(**{f.name: getattr(code, f.name) for f in fields(Item)})


def _flow_of(dsd: DataStructure) -> Dataflow:
    """A dataflow that says no more than its DSD."""
    return Dataflow(dsd.id, agency=dsd.agency, version=dsd.version, names=dsd.names, structure=dsd.reference)
