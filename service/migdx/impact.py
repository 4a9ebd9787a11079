"""Impact: what a change of the structures breaks, before it is made.

Two registries are compared, one before and one after. Told is what held before and no longer does: references
that led somewhere, dataflows that made a schema, constraints and maps that name a code which is gone, and
submissions that were accepted and would not be again. What a new version changes breaks nothing: whoever
refers to the old one keeps it, and stored data stay those of the version that they were checked against.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from .errors import NotFound, some
from .links import references
from .registry import Registry
from .schema import Schema, SchemaComponent
from .stores import Segment
from .structures import (
    Codelist,
    DataConstraint,
    Dataflow,
    DataStructure,
    ItemScheme,
    Maintainable,
    ProvisionAgreement,
    RepresentationMap,
    holder,
)
from .submission import Submission
from .urn import Reference, is_stable, parse_short, parse_urn

What = Literal["reference", "dataflow", "constraint", "map", "submission", "version"]
Values = Callable[[Segment, str], Mapping[str, int]]
"""The values that a segment holds of a component that is no dimension, counted."""

Recheck = Callable[[Segment, Schema, Schema], Iterable[tuple[str, str]]]
"""What is wrong with the data of a segment by the second schema and not by the first: (check, component)."""


@dataclass(frozen=True)
class Breakage:
    """`subject` (AGENCY:ID(VERSION)) breaks, because of `causes`, the URNs that were changed.

    Of a submission: whose it is, which revision, and the codes that it holds with how often.
    """

    what: What
    subject: str
    message: str
    causes: tuple[str, ...] = ()
    provider: str = ""
    revision: int = 0
    component: str = ""
    codes: Mapping[str, int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return {name: value for name in self.__dataclass_fields__ if (value := getattr(self, name))}


@dataclass(frozen=True)
class Difference:
    """URNs that are there only after, only before, or in both and not the same."""

    added: frozenset[str]
    removed: frozenset[str]
    changed: frozenset[str]

    @property
    def all(self) -> frozenset[str]:
        return self.added | self.removed | self.changed

    @property
    def old(self) -> frozenset[str]:
        return self.removed | self.changed


def difference(before: Registry, after: Registry) -> Difference:
    was, now = ({artefact.urn: artefact for artefact in registry} for registry in (before, after))
    both = was.keys() & now.keys()
    return Difference(
        added=frozenset(now.keys() - was.keys()),
        removed=frozenset(was.keys() - now.keys()),
        changed=frozenset(urn for urn in both if was[urn] is not now[urn] and was[urn] != now[urn]),
    )


def impact(
    before: Registry,
    after: Registry,
    submissions: Iterable[Submission] = (),
    values: Values | None = None,
    recheck: Recheck | None = None,
) -> Iterator[Breakage]:
    """Everything that breaks; submissions are those accepted, of any revision."""
    made = difference(before, after)
    yield from _references(before, after, made)
    yield from _flows(before, after, made)
    yield from _lists(before, after, made)
    yield from _submissions(before, after, made, submissions, values, recheck)


def rewritten(before: Registry, after: Registry) -> Iterator[Breakage]:
    """Stable versions that are not what they were (SDMX 3.0 Technical Notes, 14)."""
    made = difference(before, after)
    for artefact in before:
        if artefact.urn in made.old and is_stable(artefact.version):
            done = "removed" if artefact.urn in made.removed else "changed"
            yield Breakage(
                "version",
                artefact.reference.short,
                f"{artefact.kind} {artefact.reference.short} is stable and was {done}; a change needs a new "
                "version",
                (artefact.urn,),
            )


# --- artefacts --------------------------------------------------------------------------------------------


def _references(before: Registry, after: Registry, made: Difference) -> Iterator[Breakage]:
    for artefact in after:
        if artefact.urn in made.all:
            continue  # what it refers to is its own affair
        for reference in after.unresolved(artefact):
            found = before.find(reference)
            if found is not None:
                yield Breakage(
                    "reference",
                    artefact.reference.short,
                    f"{artefact.kind} {artefact.reference.short} refers to {reference.kind} "
                    f"{reference.short}{f' {reference.item}' if reference.item else ''}, which would be gone",
                    (found.urn,),
                )


def _flows(before: Registry, after: Registry, made: Difference) -> Iterator[Breakage]:
    was, now = _Reach(before), _Reach(after)
    for flow in after.of(Dataflow):
        if flow.urn in made.added:
            continue
        causes = was.of(before.find(flow.reference)) | now.of(flow)
        if causes & made.all and (fault := after.unmade(flow)) and not before.unmade(flow):
            yield Breakage(
                "dataflow",
                flow.reference.short,
                f"Dataflow {flow.reference.short} would make no schema: {fault}",
                tuple(sorted(causes & made.all)),
            )


def _lists(before: Registry, after: Registry, made: Difference) -> Iterator[Breakage]:
    """Constraints and maps that stay as they are and name codes which are gone."""
    gone = _codes_gone(before, after, made)
    if not gone:
        return
    for found in after.of(RepresentationMap):
        if found.urn in made.all:
            continue
        for side in ("sources", "targets"):
            for at, reference in enumerate(getattr(found, side)):
                listed = None if isinstance(reference, str) else after.find(reference)
                lost = gone.get(listed.urn, frozenset()) if listed else frozenset()
                named = {getattr(mapping, side)[at] for mapping in found.mappings} & lost
                if listed and named:
                    yield _naming("map", found, sorted(named), listed)
    for constraint in after.of(DataConstraint):
        if constraint.urn not in made.all:
            yield from _constraint(after, constraint, gone)


def _constraint(
    after: Registry, constraint: DataConstraint, gone: Mapping[str, frozenset[str]]
) -> Iterator[Breakage]:
    schema = next(_schemas(after, constraint), None)
    keys = [key for region in constraint.regions for key in region.keys]
    keys += [part for group in constraint.key_sets for key in group.keys for part in key.keys]
    for key in keys:
        component = schema.by_id.get(key.component) if schema else None
        if component and component.codelist:
            named = sorted(set(key.values) & gone.get(component.codelist.urn, frozenset()))
            if named:
                yield _naming("constraint", constraint, named, component.codelist)


def _naming(what: What, found: Maintainable, codes: list[str], listed: Maintainable) -> Breakage:
    return Breakage(
        what,
        found.reference.short,
        f"{found.kind} {found.reference.short} names {some(codes)} of {listed.reference.short}, which would "
        "be gone",
        (listed.urn,),
        codes=dict.fromkeys(codes, 0),
    )


def _schemas(registry: Registry, constraint: DataConstraint) -> Iterator[Schema]:
    """Of what a constraint is attached to, those that can be made."""
    for reference in constraint.attachment:
        found = registry.find(reference)
        if isinstance(found, ProvisionAgreement) and found.dataflow:
            found = registry.find(found.dataflow)
        if isinstance(found, DataStructure):
            flows = (flow for flow in registry.of(Dataflow) if flow.structure)
            found = next((f for f in flows if f.structure and registry.find(f.structure) is found), None)
        if isinstance(found, Dataflow) and not registry.unmade(found):
            yield registry.schema(found.reference)


def _codes_gone(before: Registry, after: Registry, made: Difference) -> dict[str, frozenset[str]]:
    """By the URN of a list, the codes that it had, inherited ones too, and has no more."""
    gone = {}
    heirs = _heirs(before, made.all) | _heirs(after, made.all)
    for listed in before:
        if not isinstance(listed, ItemScheme):
            continue
        now = after.find(listed.reference)
        if isinstance(now, ItemScheme) and (listed.urn in made.changed or listed.urn in heirs):
            lost = frozenset(_ids(before, listed)) - frozenset(_ids(after, now))
            if lost:
                gone[listed.urn] = lost
    return gone


def _heirs(registry: Registry, changed: Iterable[str]) -> set[str]:
    """The lists that extend one of those, over others too."""
    users: dict[str, list[str]] = {}
    for listed in registry.of(Codelist):
        for extension in listed.extensions:
            found = registry.find(extension.codelist)
            if found is not None:
                users.setdefault(found.urn, []).append(listed.urn)
    heirs: set[str] = set()
    waiting = list(changed)
    while waiting:
        for user in users.get(waiting.pop(), ()):
            if user not in heirs:
                heirs.add(user)
                waiting.append(user)
    return heirs


def _ids(registry: Registry, scheme: ItemScheme) -> Iterable[str]:
    if not isinstance(scheme, Codelist):
        return scheme.by_id
    try:
        return registry.codelist(scheme).by_id
    except NotFound:  # a list that it extends would be gone, which is told by itself
        return scheme.by_id


class _Reach:
    """What artefacts of a registry depend on."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._constraints: dict[str, list[str]] = {}
        self._to: dict[str, list[Maintainable]] = {}
        for constraint in registry.of(DataConstraint):
            for reference in constraint.attachment:
                found = registry.find(reference)
                if found is not None:
                    self._constraints.setdefault(found.urn, []).append(constraint.urn)

    def of(self, artefact: Maintainable | None) -> set[str]:
        """The URNs of an artefact, of all that it leads to, and of the constraints attached to any of it."""
        seen: set[str] = set()
        waiting = [artefact] if artefact else []
        while waiting:
            found = waiting.pop()
            if found.urn not in seen:
                seen |= {found.urn, *self._constraints.get(found.urn, ())}
                waiting += self._referred(found)
        return seen

    def _referred(self, artefact: Maintainable) -> list[Maintainable]:
        known = self._to.get(artefact.urn)
        if known is None:
            named = (self._registry.find(reference) for reference in _holders(artefact))
            known = self._to[artefact.urn] = [one for one in named if one is not None]
        return known

    def named(self, urn: str) -> set[str]:
        return self.of(self._registry.find(parse_urn(urn)))


def _holders(artefact: Maintainable) -> Iterable[Reference]:
    """The artefacts that one names, those of items too: a list of codes is not looked through for each."""
    return dict.fromkeys(map(holder, references(artefact)))


# --- submissions ------------------------------------------------------------------------------------------


def _submissions(
    before: Registry,
    after: Registry,
    made: Difference,
    submissions: Iterable[Submission],
    values: Values | None,
    recheck: Recheck | None,
) -> Iterator[Breakage]:
    was, now = _Reach(before), _Reach(after)
    # of what is new, only a constraint can touch what is there
    blamable = made.old | {c.urn for c in after.of(DataConstraint) if c.urn in made.added}
    causes: dict[str, frozenset[str]] = {}
    told: set[object] = set()
    for submission in reversed(list(submissions)):  # of several revisions the newest is told
        flow = before.find(parse_short(submission.dataflow, "Dataflow"))
        if submission.segment is None or not isinstance(flow, Dataflow) or before.unmade(flow):
            continue
        agreement = before.around(flow).agreement(submission.provider, flow)
        context = agreement or flow
        if context.urn not in causes:
            reached = was.of(context) | now.of(after.find(context.reference))
            causes[context.urn] = frozenset(reached & blamable)
        if not causes[context.urn]:
            continue
        schema = before.around(flow).schema(flow.reference, agreement)
        stored = _Stored(submission, submission.segment, schema, values, recheck)
        for breakage in _refused(after.around(flow), stored, flow, agreement):
            same = (submission.slot, breakage.component, tuple(breakage.codes))
            if same not in told:
                told.add(same)
                found = causes[context.urn]
                # a code that a list lost is the fault of the list, whatever else was changed with it
                lists = {one for urn in breakage.causes for one in (was.named(urn) | now.named(urn)) & found}
                yield replace(breakage, causes=tuple(sorted(lists or found)))


@dataclass(frozen=True)
class _Stored:
    """An accepted submission, and the schema that it satisfies."""

    submission: Submission
    segment: Segment
    schema: Schema
    values: Values | None
    recheck: Recheck | None

    def held(self, id: str) -> Mapping[str, int]:
        """The values of a component, as far as they are known without or with the store."""
        held = self.segment.codes.get(id)
        if held is not None:
            return held
        return self.values(self.segment, id) if self.values and id in self.segment.columns else {}

    def breaks(self, why: str, component: str = "", codes: Mapping[str, int] | None = None) -> Breakage:
        of = self.submission
        return Breakage(
            "submission",
            of.dataflow,
            f"Data of {of.provider} for {of.dataflow}, revision {of.revision}: {why}",
            provider=of.provider,
            revision=of.revision,
            component=component,
            codes=codes or {},
        )


def _refused(
    after: Registry, stored: _Stored, flow: Dataflow, agreement: ProvisionAgreement | None
) -> Iterator[Breakage]:
    """Why data that are stored would not be accepted any more."""
    now = after.find(flow.reference)
    if not isinstance(now, Dataflow):
        yield stored.breaks("its dataflow would be gone")
        return
    granted = after.agreement(stored.submission.provider, now)
    if agreement and granted is None:
        yield stored.breaks("its provision agreement would be gone")
        return
    if agreement and granted and granted.id != agreement.id:  # revisions are those of an agreement
        yield stored.breaks(f"its provision agreement would be {granted.id} instead of {agreement.id}")
        return
    if fault := after.unmade(now):
        yield stored.breaks(f"its dataflow would make no schema: {fault}")
        return
    schema = after.schema(now.reference, granted)
    if schema.key != stored.schema.key:
        yield stored.breaks(
            f"its dimensions are {', '.join(stored.schema.key)}; they would be {', '.join(schema.key)}"
        )
        return
    told = False
    for component in schema.components:
        for breakage in _component(stored, component):
            yield breakage
            told = True
    for id in stored.segment.columns:
        if id in stored.schema.by_id and id not in schema.by_id and any(stored.held(id)):
            yield stored.breaks(f"it holds {id}, which would be gone", id)
            told = True
    if not told and stored.recheck and _demands(schema) != _demands(stored.schema):
        for check, id in dict.fromkeys(stored.recheck(stored.segment, stored.schema, schema)):
            what = check.replace("_", " ")
            yield stored.breaks(f"it would not be accepted{f' for its {id}' if id else ''}: {what}", id)


def _demands(schema: Schema) -> object:
    """What a schema asks of data beyond the codes of each component."""
    parts = [(c.id, c.role, c.text_type, c.mandatory, c.attached, c.to, c.coded) for c in schema.components]
    return sorted(parts), schema.restrictions


def _component(stored: _Stored, component: SchemaComponent) -> Iterator[Breakage]:
    id = component.id
    was = stored.schema.by_id.get(id)
    kind = (component.role, component.numeric)
    if was and (was.role, was.numeric) != kind and id in stored.segment.columns:
        yield stored.breaks(f"its {id} is kept as another kind of value than it would be", id)
        return
    newly = component.mandatory and not (was and was.mandatory)
    if newly and component.role == "attribute" and not any(stored.held(id)):
        yield stored.breaks(f"it has no {id}, which would be mandatory", id)
    if not component.coded or (was and was.coded and was.valid <= component.valid):
        return
    lost = {
        code: count
        for code, count in stored.held(id).items()
        if code and code not in component.valid and (was is None or not was.coded or code in was.valid)
    }
    if lost:
        breakage = stored.breaks(f"it holds {id} {some(sorted(lost))}, which would not be valid", id, lost)
        if component.codelist and lost.keys() - component.codes:
            breakage = replace(breakage, causes=(component.codelist.urn,))
        yield breakage
