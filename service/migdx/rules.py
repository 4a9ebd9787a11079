"""Rules: named checks with the values that they are run with: all the subject that checks know.

A rule is data (a table of a *.rules.toml beside the structures), a check is code. What of a rule is about
lists is said by hierarchies: a Partition is a code and the codes that add up to it.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import Any

from .errors import StructureFault
from .report import Severity
from .schema import Schema
from .structures import Hierarchy, Text

_OWN = (
    "id",
    "check",
    "level",
    "severity",
    "title",
    "where",
    "structures",
    "dataflows",
    "hierarchies",
    "final",
)


@dataclass(frozen=True, slots=True)
class Partition:
    """The codes `parts` add up to `whole`.

    `alternatives` are parts that may repeat what others of `parts` hold (a former area and what it became):
    a sum may hold with them or without.
    """

    whole: str
    parts: tuple[str, ...]
    alternatives: frozenset[str] = frozenset()

    @classmethod
    def all_of(cls, hierarchy: Hierarchy) -> tuple[Partition, ...]:
        """Every code of a hierarchy that has children, with them."""
        return tuple(
            cls(
                node.code.item,
                tuple(child.code.item for child in node.children),
                frozenset(child.code.item for child in node.children if child.note("ALTERNATIVE_OF")),
            )
            for top in hierarchy.codes
            for node in top.walk()
            if node.children
        )


@dataclass(frozen=True)
class Rule:
    """A check and its values. `id` names it in the catalogue of rules; `level` is that of the European
    Statistical System (0 format, 1 within a dataset, 2 over time and datasets of a provider, 3 between
    providers, 4 between domains, 5 with what others outside have made).

    `structures` (AGENCY:ID of a DSD) and `dataflows` (AGENCY:ID) say what it is for; without dataflows, all
    those of the structures. `where` narrows it to rows: for each component the codes, "" where it is empty. A
    `final` rule is a logical impossibility: nobody can waive it. `hierarchies` (AGENCY:ID(VERSION)) are
    resolved to `partitions` when the rule is bound to a registry.
    """

    id: str
    check: str
    level: int
    severity: Severity
    title: Text = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    structures: tuple[str, ...] = ()
    dataflows: tuple[str, ...] = ()
    hierarchies: tuple[str, ...] = ()
    final: bool = False
    partitions: tuple[Partition, ...] = ()

    def value(self, name: str, default: Any = None) -> Any:
        """One of its values; StructureFault where it is not there and there is no default."""
        found = self.values.get(name, default)
        if found is None:
            raise StructureFault(f"rule {self.id} ({self.check}) lacks a value: {name}")
        return found

    @property
    def component(self) -> str:
        """The component that it is about, "" where it is about several or none."""
        return str(self.values.get("component", ""))

    def as_dict(self) -> dict[str, Any]:
        """JSON-able, without the partitions, which a registry gives; `Rule.from_dict` makes it again."""
        told = {
            "id": self.id,
            "check": self.check,
            "level": self.level,
            "severity": self.severity,
            "title": dict(self.title),
            "where": {id: list(codes) for id, codes in self.where.items()},
            "structures": list(self.structures),
            "dataflows": list(self.dataflows),
            "hierarchies": list(self.hierarchies),
            "final": self.final,
        }
        said = {name: value for name, value in told.items() if value is not False and value not in ([], {})}
        return said | dict(self.values)

    @classmethod
    def from_dict(cls, body: Mapping[str, Any]) -> Rule:
        """StructureFault where something is missing or of the wrong type."""
        try:
            rule = cls(
                str(body["id"]),
                str(body["check"]),
                int(body["level"]),
                body["severity"],
                dict(body.get("title", {})),
                {name: value for name, value in body.items() if name not in _OWN},
                {id: _texts(codes) for id, codes in body.get("where", {}).items()},
                _texts(body.get("structures", ())),
                _texts(body.get("dataflows", ())),
                _texts(body.get("hierarchies", ())),
                bool(body.get("final", False)),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as fault:
            raise StructureFault(f"rule {body.get('id', '?')} cannot be read: {fault!r}") from fault
        if rule.severity not in ("error", "warning", "information"):
            raise StructureFault(
                f"rule {rule.id}: severity '{rule.severity}' is none of error, warning, information"
            )
        return rule


@dataclass(frozen=True)
class Threshold:
    """Other values of a rule for one provider, or for one agreement (its id): why, and since when (UTC)."""

    rule: str
    values: Mapping[str, Any]
    reason: str
    since: str
    provider: str = ""
    agreement: str = ""

    def holds_for(self, provider: str, agreement: str, day: date | None) -> bool:
        named = (
            agreement == self.agreement if self.agreement else bool(provider) and provider == self.provider
        )
        return named and (day is None or self.since <= day.isoformat())

    @classmethod
    def from_dict(cls, body: Mapping[str, Any], rules: Mapping[str, Rule]) -> Threshold:
        """StructureFault where it is not for a value of a rule, or does not say why and since when."""
        name = str(body.get("rule", "?"))
        rule = rules.get(name)
        if rule is None:
            raise StructureFault(f"a threshold is for rule {name}, which is not there")
        values, whose = body.get("values", {}), [id for id in ("provider", "agreement") if body.get(id)]
        wrong = (
            f"names {', '.join(more)}, which no threshold has"
            if (more := sorted(set(body) - set(cls.__dataclass_fields__)))
            else f"names {len(whose)} of provider and agreement; expected one"
            if len(whose) != 1
            else "has no values"
            if not values
            else f"names the value {gone[0]}, which the rule has not"
            if (gone := sorted(set(values) - set(rule.values)))
            else f"gives {odd[0]} another type than the rule"
            if (odd := [id for id, value in values.items() if not _alike(value, rule.values[id])])
            else "gives no reason"
            if not str(body.get("reason", "")).strip()
            else f"says since '{body.get('since', '')}'; expected a day, for instance 2027-01-01"
            if not (since := _day(body.get("since", "")))
            else ""
        )
        if wrong:
            raise StructureFault(f"a threshold for rule {name} {wrong}")
        return cls(**{**body, "since": since})


def _texts(given: object) -> tuple[str, ...]:
    """Texts in a list; a text by itself would be a list of its letters."""
    if not isinstance(given, list | tuple) or not all(isinstance(text, str) for text in given):
        raise TypeError(f"{given!r} is no list of texts")
    return tuple(given)


def _alike(one: object, two: object) -> bool:
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (one, two))
    return numbers or type(one) is type(two)


def _day(given: object) -> str:
    try:
        return date.fromisoformat(str(given)).isoformat()
    except ValueError:
        return ""


@dataclass(frozen=True)
class Scale:
    """Which components say how a figure was scaled and rounded, and what the codes of the method mean.

    A figure is OBS_VALUE times ten to the power of `multiplier`. `methods` maps codes to nearest, random,
    exact or distorted (perturbed, weighted: nothing is certain).
    """

    multiplier: str = "UNIT_MULT"
    base: str = ""
    method: str = ""
    methods: Mapping[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True)
class RuleBook:
    """All rules, in their order, a cause before its consequences, and what they share.

    `controls` are the tables that rules compare with, by their names: CSV, after lines that say `# source:`
    and `# licence:`. They belong to the book, so that who keeps it can run it again.
    """

    rules: tuple[Rule, ...] = ()
    thresholds: tuple[Threshold, ...] = ()
    scale: Scale = field(default_factory=Scale)
    controls: Mapping[str, str] = field(default_factory=dict)

    def of(
        self, structure: str, dataflow: str, provider: str = "", agreement: str = "", day: date | None = None
    ) -> RuleBook:
        """The rules for a dataflow of a structure (both AGENCY:ID), with the thresholds of a provider and an
        agreement as they are on a day (None: whenever they begin). An agreement's go before its provider's,
        later ones before earlier ones.
        """
        held = [one for one in self.thresholds if one.holds_for(provider, agreement, day)]
        own: dict[str, dict[str, Any]] = {}
        for one in sorted(held, key=lambda one: (bool(one.agreement), one.since)):
            own.setdefault(one.rule, {}).update(one.values)
        kept = (
            rule
            for rule in self.rules
            if structure in rule.structures and (not rule.dataflows or dataflow in rule.dataflows)
        )
        rules = tuple(
            replace(rule, values={**rule.values, **own[rule.id]}) if rule.id in own else rule for rule in kept
        )
        ids = {rule.id for rule in rules}
        return replace(self, rules=rules, thresholds=tuple(one for one in held if one.rule in ids))

    def of_schema(
        self, schema: Schema, provider: str = "", agreement: str = "", day: date | None = None
    ) -> RuleBook:
        """The same for the dataflow and the structure of a schema."""
        flow, dsd = schema.dataflow, schema.dsd
        return self.of(f"{dsd.agency}:{dsd.id}", f"{flow.agency}:{flow.id}", provider, agreement, day)

    def differing(self, own: RuleBook) -> list[dict[str, Any]]:
        """What is other in `own`, which `of` made of this book, and why: JSON-able."""
        usual = {rule.id: rule.values for rule in self}
        here = {rule.id: rule.values for rule in own}
        return [
            {name: value for name, value in vars(one).items() if value}
            | {
                "values": {
                    id: {"usual": usual[one.rule][id], "here": here[one.rule][id]} for id in one.values
                }
            }
            for one in own.thresholds
        ]

    def __iter__(self) -> Iterator[Rule]:
        return iter(self.rules)

    @cached_property
    def text(self) -> bytes:
        """The book as JSON, the same bytes for the same rules; `read` makes it again."""
        body = {
            "scale": self.scale.as_dict(),
            "rules": [rule.as_dict() for rule in self.rules],
            "thresholds": [vars(entry) for entry in self.thresholds],
            "controls": dict(self.controls),
        }
        return json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()

    @cached_property
    def digest(self) -> str:
        """The sha256 of its text."""
        return hashlib.sha256(self.text).hexdigest()

    @classmethod
    def read(cls, text: bytes) -> RuleBook:
        return cls._of([json.loads(text)])

    @classmethod
    def parse(
        cls,
        files: Iterable[tuple[str, str]],
        judge: Callable[[Rule, Collection[str]], None] = lambda rule, shared: None,
    ) -> RuleBook:
        """The book of *.rules.toml files, given as (path, text); StructureFault names the one that fails.

        `judge` sees each rule, with the names of the values that all rules of its file have.
        """
        bodies = []
        for path, text in files:
            try:
                body = tomllib.loads(text)
                bodies.append(_spread(body))
                for rule in cls._of([{**bodies[-1], "thresholds": ()}]):
                    judge(rule, body.get("values", ()))
            except StructureFault as fault:
                raise StructureFault(str(fault), path) from fault
            except (TypeError, AttributeError, ValueError) as fault:
                raise StructureFault(f"the rules cannot be read: {fault}", path) from fault
        return cls._of(bodies)

    @classmethod
    def _of(cls, bodies: Iterable[Mapping[str, Any]]) -> RuleBook:
        rules: list[Rule] = []
        thresholds: list[Mapping[str, Any]] = []
        scale = Scale()
        controls: dict[str, str] = {}
        for body in bodies:
            controls |= body.get("controls", {})
            rules += (Rule.from_dict(entry) for entry in body.get("rules", ()))
            thresholds += body.get("thresholds", ())
            scale = Scale(**body["scale"]) if "scale" in body else scale
        ids = [rule.id for rule in rules]
        twice = next((id for id in ids if ids.count(id) > 1), None)
        if twice:
            raise StructureFault(f"rule {twice} stands twice in the rules")
        by_id = {rule.id: rule for rule in rules}
        told = tuple(Threshold.from_dict(entry, by_id) for entry in thresholds)
        return cls(tuple(rules), told, scale, controls)


NO_RULES = RuleBook()


def _spread(body: Mapping[str, Any]) -> dict[str, Any]:
    """A file as `RuleBook.read` takes it: what stands at its top, and its `values`, hold for each of its
    rules that says nothing else.
    """
    shared = {name: body[name] for name in ("structures", "dataflows") if name in body}
    shared |= body.get("values", {})
    return {
        **({"scale": body["scale"]} if "scale" in body else {}),
        "rules": [{**shared, **rule} for rule in body.get("rule", ())],
        "thresholds": [{**threshold} for threshold in body.get("threshold", ())],
    }
