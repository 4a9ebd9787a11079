"""The rule book of a registry: the *.rules.toml files beside the structures, bound to their hierarchies."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from .checks.asked import asked
from .checks.judging import BY_NAME, wanted
from .errors import NotFound, StructureFault
from .folders import CONTROLS
from .registry import Registry
from .rules import Partition, Rule, RuleBook
from .structures import DataProviderScheme, DataStructure, Hierarchy, ProvisionAgreement
from .urn import parse_short

SUFFIX = ".rules.toml"


def read_rules(folders: Sequence[Path]) -> RuleBook:
    """All rules below `folders`, in the order of their files; StructureFault where one does not fit."""
    book = RuleBook.parse(_files(folders), _judge)
    tables = {path.stem: path for folder in folders[::-1] for path in folder.rglob(f"{CONTROLS}/*.csv")}
    named = sorted({table for rule in book for table in _tables(rule, tables)})
    return replace(book, controls={name: tables[name].read_text(encoding="utf-8") for name in named})


def _judge(rule: Rule, shared: Collection[str]) -> None:
    """StructureFault where a rule names no check, lacks a value of it, or has one that it does not take.

    `shared` are values of all rules of a file, which not every one of them takes.
    """
    _check(rule)
    needed, more = asked(rule.check)
    lacking = sorted(needed - rule.values.keys())
    unknown = sorted(rule.values.keys() - needed - more - {"component", *shared})
    if lacking or unknown:
        names = ", ".join(sorted(needed | more))
        wrong = f"lacks the value {lacking[0]}" if lacking else f"has the value {unknown[0]}"
        raise StructureFault(f"rule {rule.id} ({rule.check}) {wrong}; expected: {names or 'none'}")


def _check(rule: Rule) -> None:
    if rule.check not in BY_NAME:
        raise StructureFault(f"rule {rule.id} names the check {rule.check}, which is not there")


def _tables(rule: Rule, known: Collection[str]) -> list[str]:
    """The control table of a rule, if it has one; StructureFault where it is not among those known."""
    named = [str(rule.value("table"))] if "control" in wanted(rule.check) else []
    if not set(named) <= set(known):
        raise StructureFault(f"rule {rule.id} names the control table {named[0]}, which is not there")
    return named


def _files(folders: Sequence[Path]) -> Iterator[tuple[str, str]]:
    for folder in folders:
        for path in sorted(folder.rglob("*" + SUFFIX)):
            try:
                yield str(path), path.read_text(encoding="utf-8")
            except UnicodeDecodeError as fault:
                raise StructureFault(f"the rules are no UTF-8: {fault}", str(path)) from fault


def check_parties(book: RuleBook, registry: Registry) -> None:
    """StructureFault where a rule is for a structure or rows that nothing can be, and would never find
    anything, or by a hierarchy that is not there; where a threshold is for a provider or an agreement that is
    not there.
    """
    bound(book, registry)
    by_name: dict[str, set[str]] = {}
    for dsd in registry.of(DataStructure):
        own = by_name.setdefault(f"{dsd.agency}:{dsd.id}", set())
        own |= {component.id for component in (*dsd.dimensions, *dsd.measures, *dsd.attributes)}
    anywhere = set().union(*by_name.values())  # a rule may be about a component of another dataflow
    for rule in book:
        known = set().union(*(by_name.get(name, ()) for name in rule.structures))
        gone = [*(set(rule.structures) - set(by_name)), *(set(rule.where) - known)]
        gone += {rule.component} - anywhere - {""}
        if gone or not known:
            raise StructureFault(
                f"rule {rule.id} names {min(gone, default='no structure')}, which is not there"
            )
    providers = {item.id for scheme in registry.of(DataProviderScheme) for item in scheme.items}
    agreements = {agreement.id for agreement in registry.of(ProvisionAgreement)}
    for one in book.thresholds:
        whose = one.agreement or one.provider
        if whose not in (agreements if one.agreement else providers):
            raise StructureFault(f"a threshold for rule {one.rule} is for {whose}, which is not there")


def bound(book: RuleBook, registry: Registry) -> RuleBook:
    """The same with the partitions of their hierarchies; StructureFault where one is not there, or a check or
    control table of a book that was kept.
    """
    for rule in book:
        _check(rule)
        _tables(rule, book.controls)
    return replace(book, rules=tuple(_bound(rule, registry) for rule in book))


def _bound(rule: Rule, registry: Registry) -> Rule:
    found: list[Partition] = []
    for name in rule.hierarchies:
        try:
            hierarchy = registry.get(Hierarchy, parse_short(name, "Hierarchy"))
        except NotFound as fault:
            raise StructureFault(f"rule {rule.id}: {fault}") from fault
        found += (entry for entry in Partition.all_of(hierarchy) if entry not in found)
    return replace(rule, partitions=tuple(found))
