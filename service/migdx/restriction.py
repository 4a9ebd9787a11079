"""Restrictions: what a data constraint leaves, made ready to be asked of values and keys.

SDMX 3.1 Technical Notes (Section 6), chapter 10; the same in 3.0 and 2.1. A constraint that limits one
component at a time becomes a set of allowed values per component; what limits combinations, or values that no
list holds, stays a Restriction. Validity in time is kept in the structures and limits nothing here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from .errors import SemanticFault
from .periods import parse_period
from .structures import Codelist, DataConstraint, ItemScheme, KeyValues, MetadataConstraint, Region, TimeRange
from .urn import Reference


@dataclass(frozen=True)
class Member:
    """The values of one component in a region; those not listed when `include` is false.

    Without values it says that the component is there at all, or that it is not.
    """

    component: str
    values: frozenset[str] = frozenset()
    patterns: tuple[str, ...] = ()
    times: TimeRange | None = None
    include: bool = True

    @property
    def exact(self) -> bool:
        """Whether the values that it admits can be listed, without knowing which there are."""
        return self.include and bool(self.values) and not self.patterns and self.times is None

    def admits(self, value: str) -> bool:
        """Whether a value that is given is one of these."""
        if self.presence:
            return self.include
        found = value in self.values or any(like(value, pattern) for pattern in self.patterns)
        found = found or (self.times is not None and within(value, self.times))
        return found is self.include

    def admits_nothing(self, *, included: bool) -> bool:
        """Whether a key lies in the region although it gives no value: in what is allowed it does, since
        messages may leave out what does not change; in what is forbidden only if that is what is forbidden.
        """
        return included or (self.presence and not self.include)

    @property
    def presence(self) -> bool:
        return not (self.values or self.patterns or self.times)


Members = tuple[Member, ...]


@dataclass(frozen=True)
class Step:
    """Regions, or keys, allowed or forbidden together: a key lies in one when all its members admit it."""

    include: bool
    regions: tuple[Members, ...]


@dataclass(frozen=True)
class Restriction:
    """The last step that a key lies in decides; a key that lies in none is allowed unless something is
    included. `granted`: an agreement, or its provider, has it.
    """

    constraint: Reference
    steps: tuple[Step, ...]
    granted: bool = False

    @property
    def components(self) -> tuple[str, ...]:
        named = (m.component for step in self.steps for region in step.regions for m in region)
        return tuple(dict.fromkeys(named))

    @property
    def default(self) -> bool:
        return not any(step.include for step in self.steps)

    def allows(self, key: Mapping[str, str]) -> bool:
        """Whether the constraint takes a key, or a part of one: what it says nothing of may be anything."""
        allowed = self.default
        for step in self.steps:
            if any(all(_lies(m, key, include=step.include) for m in region) for region in step.regions):
                allowed = step.include
        return allowed


def _lies(member: Member, key: Mapping[str, str], *, include: bool) -> bool:
    value = key.get(member.component, "")
    return member.admits(value) if value else member.admits_nothing(included=include)


MOST_LOOKED = 10_000_000
"""Codes that are looked at for the wildcards and cascades of all constraints of one schema."""


@dataclass(frozen=True)
class Limits:
    """What constraints say in one context: allowed values per component, and what sets cannot say."""

    allowed: Mapping[str, frozenset[str]] = field(default_factory=dict)
    restrictions: tuple[Restriction, ...] = ()

    def also(self, other: Limits) -> Limits:
        """Both hold: a constraint further down narrows those above it, and never widens them."""
        allowed = dict(self.allowed)
        for id, values in other.allowed.items():
            allowed[id] = allowed[id] & values if id in allowed else values
        return Limits(allowed, (*self.restrictions, *other.restrictions))


class Lists:
    """The values that components may take before any constraint: their lists, None where there is none.

    `renamed` holds, for a component whose codes lose the prefix that an extension gave them (removePrefix),
    the code without it for each code with it.
    """

    def __init__(
        self, lists: Mapping[str, ItemScheme | None], renamed: Mapping[str, Mapping[str, str]] | None = None
    ) -> None:
        self.lists = lists
        self.renamed = renamed or {}
        self._codes: dict[str, frozenset[str]] = {}
        self._looked = 0

    def member(self, key: KeyValues) -> Member:
        """Values with wildcards, descendants and prefixes resolved, as far as the component has a list."""
        scheme = self.lists.get(key.component)
        if scheme is None:
            plain = frozenset(value for value in key.values if "%" not in value)
            patterns = tuple(value for value in key.values if "%" in value)
            return Member(key.component, plain, patterns, key.time_range, key.include)
        renamed = self.renamed.get(key.component, {})
        wild = sum("%" in value for value in key.values)
        self._looked += (wild + bool(key.cascading)) * len(scheme.by_id)
        if self._looked > MOST_LOOKED:
            raise SemanticFault(
                f"The constraints compare codes of {scheme.reference.short} and others with wildcards, or "
                f"look for what is below them, more than {MOST_LOOKED:,} times"
            )
        codes = selected(scheme, key.values, key.cascading, renamed)
        # a wildcard that no code matches still limits: nothing is what it leaves
        patterns = () if codes or not key.values else key.values
        return Member(key.component, frozenset(codes), patterns, key.time_range, key.include)

    def coded(self, component: str) -> frozenset[str] | None:
        scheme = self.lists.get(component)
        if scheme is None:
            return None
        if component not in self._codes:
            self._codes[component] = scheme.codes if isinstance(scheme, Codelist) else frozenset(scheme.by_id)
        return self._codes[component]


def limits(constraint: DataConstraint | MetadataConstraint, lists: Lists, *, granted: bool = False) -> Limits:
    """What one constraint says of the components that `lists` knows; of others it says nothing.

    Regions: included ones are united, what an excluded one holds is taken out of them (chapter 10.3). Key
    sets are taken in their order (10.3.2.2). A constraint with both wants both.
    """
    included = tuple(_regions((r for r in constraint.regions if r.include), lists))
    excluded = tuple(_regions((r for r in constraint.regions if not r.include), lists))
    regions = [Step(include, found) for include, found in ((True, included), (False, excluded)) if found]
    sets = [
        Step(keys.include, found)
        for keys in (constraint.key_sets if isinstance(constraint, DataConstraint) else ())
        if (found := tuple(_regions((replace(key, include=keys.include) for key in keys.keys), lists)))
    ]
    reduced = (_reduced(constraint.reference, steps, lists, granted=granted) for steps in (regions, sets))
    return next(reduced).also(next(reduced))


def _regions(regions: Iterable[Region], lists: Lists) -> Iterator[Members]:
    """What each says of the components that there are; a key without a component lies in no region that
    forbids values of it, and none lies in one that forbids nothing.
    """
    for region in regions:
        known = [key for key in region.keys if key.component in lists.lists]
        if region.include or 0 < len(known) == len(region.keys):
            yield tuple(lists.member(key) for key in known)


def _reduced(constraint: Reference, steps: Sequence[Step], lists: Lists, *, granted: bool) -> Limits:
    """Sets per component where that says it all; else the steps, with the sets that follow from them."""
    if not steps:
        return Limits()
    singles = _singles(steps)
    if singles is None:
        restriction = Restriction(constraint, tuple(steps), granted)
        return Limits(_projected(steps, lists), (restriction,))
    allowed: dict[str, frozenset[str]] = {}
    rest: list[Restriction] = []
    for member in singles:
        if member.presence and member.include:
            continue  # it may be given, and need not
        codes = lists.coded(member.component)
        values = _listed(member, codes)
        if values is None:
            rest.append(Restriction(constraint, (Step(True, ((member,),)),), granted))
        elif member.component in allowed:
            allowed[member.component] &= values
        else:
            allowed[member.component] = values
    return Limits(allowed, tuple(rest))


def _singles(steps: Sequence[Step]) -> list[Member] | None:
    """The steps as members that must each admit, None when they say more than that."""
    found: list[Member] = []
    for at, step in enumerate(steps):
        if step.include:
            if len(step.regions) > 1 or at:
                return None
            found += step.regions[0]
        else:
            if any(len(region) > 1 for region in step.regions):
                return None
            found += [replace(region[0], include=not region[0].include) for region in step.regions]
    return found


def _listed(member: Member, codes: frozenset[str] | None) -> frozenset[str] | None:
    """The values that a member admits, None when they cannot be listed."""
    if member.exact:
        return member.values
    if codes is None or member.presence or member.times is not None:
        return None
    return frozenset(code for code in codes if member.admits(code))


def _projected(steps: Sequence[Step], lists: Lists) -> dict[str, frozenset[str]]:
    """What values a component can have in any key that the steps allow, where they limit it."""
    regions = [region for step in steps if step.include for region in step.regions]
    allowed: dict[str, frozenset[str]] = {}
    for id in dict.fromkeys(m.component for region in regions for m in region):
        codes = lists.coded(id)
        sets = [
            _listed(m, codes) for region in regions for m in region if m.component == id and not m.presence
        ]
        known = [values for values in sets if values is not None]
        if len(known) == len(regions):
            allowed[id] = frozenset().union(*known)
    return allowed


# --- values ----------------------------------------------------------------------------------------


def selected(
    scheme: ItemScheme,
    values: Iterable[str],
    cascading: Iterable[tuple[str, str]],
    renamed: Mapping[str, str] | None = None,
) -> dict[str, None]:
    """The codes that values name, in order: `%` is any text; a cascading value brings its descendants.

    Descendants are those by the parents that the list itself states; a hierarchy over the list states others
    (SDMX 3.0, cascadeValues: "child codes in a simple hierarchy").
    """
    found: dict[str, None] = {}
    cascades = dict(cascading)
    below = _children(scheme) if cascades else {}
    for value in values:
        named = list(_named(scheme, value, renamed or {}))
        cascade = cascades.get(value, "false")
        if cascade != "excluderoot":
            found.update(dict.fromkeys(named))
        if cascade in ("true", "excluderoot"):
            found.update(dict.fromkeys(_descendants(below, named)))
    return found


def _named(scheme: ItemScheme, value: str, renamed: Mapping[str, str]) -> Iterator[str]:
    if value in scheme.by_id and value not in renamed:
        yield value
    elif "%" in value:
        fits = fitting(value)
        yield from (id for id in scheme.by_id if fits(id))
        yield from (short for id, short in renamed.items() if fits(id))
    elif value in renamed:
        yield renamed[value]


def _descendants(below: Mapping[str, Sequence[str]], ids: Iterable[str]) -> Iterator[str]:
    """Every code below `ids`, each once, a level at a time."""
    waiting = list(ids)
    seen = set(waiting)
    for id in waiting:
        for child in below.get(id, ()):
            if child not in seen:
                seen.add(child)
                waiting.append(child)
                yield child


def _children(scheme: ItemScheme) -> dict[str, list[str]]:
    below: dict[str, list[str]] = {}
    for item in scheme.items:
        if item.parent:
            below.setdefault(item.parent, []).append(item.id)
    return below


def like(value: str, pattern: str) -> bool:
    """Whether a value fits a pattern, in which `%` is any text, also none; in time that grows with both."""
    return fitting(pattern)(value)


def fitting(pattern: str) -> Callable[[str], bool]:
    """The same for many values: the pattern is taken apart once."""
    if "%" not in pattern:
        return pattern.__eq__
    head, *middle, tail = pattern.split("%")
    if not middle and not tail:
        return lambda value: value.startswith(head)
    if not middle and not head:
        return lambda value: value.endswith(tail)

    def fits(value: str) -> bool:
        if len(value) < len(head) + len(tail) or not (value.startswith(head) and value.endswith(tail)):
            return False
        at, end = len(head), len(value) - len(tail)
        for part in middle:
            found = value.find(part, at, end)
            if found < 0:
                return False
            at = found + len(part)
        return True

    return fits


def within(text: str, times: TimeRange) -> bool:
    """Whether a period lies in a range as a whole; a bound that is excluded lies outside as a whole."""
    period = parse_period(text)
    if period is None:
        return False
    start = parse_period(times.start) if times.start else None
    end = parse_period(times.end) if times.end else None
    if start and period.start < (start.start if times.start_included else start.end + 1):
        return False
    return not (end and period.end > (end.end if times.end_included else end.start - 1))
