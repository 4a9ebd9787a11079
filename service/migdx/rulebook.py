"""The rule book of a registry: the *.rules.toml files beside the structures, bound to their hierarchies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from .checks.judging import BY_NAME, wanted
from .errors import NotFound, StructureFault
from .registry import Registry
from .rules import Partition, Rule, RuleBook
from .structures import DataProviderScheme, Hierarchy, ProvisionAgreement
from .urn import parse_short

SUFFIX = ".rules.toml"


def read_rules(folders: Sequence[Path]) -> RuleBook:
    """All rules below `folders`, in the order of their files; StructureFault where one names no check."""
    book = RuleBook.parse(_files(folders))
    for rule in book:
        if rule.check not in BY_NAME:
            raise StructureFault(f"rule {rule.id} names the check {rule.check}, which is not there")
    return replace(book, controls={name: _control(name, folders) for name in _tables(book)})


def _tables(book: RuleBook) -> list[str]:
    """The control tables that rules name."""
    return sorted({rule.value("table") for rule in book if "control" in wanted(rule.check)})


def _control(name: str, folders: Sequence[Path]) -> str:
    found = next((path for folder in folders for path in folder.rglob(f"controls/{name}.csv")), None)
    if found is None:
        raise StructureFault(f"a rule names the control table {name}, which is not there")
    return found.read_text(encoding="utf-8")


def _files(folders: Sequence[Path]) -> Iterator[tuple[str, str]]:
    for folder in folders:
        for path in sorted(folder.rglob("*" + SUFFIX)):
            yield str(path), path.read_text(encoding="utf-8")


def check_parties(book: RuleBook, registry: Registry) -> None:
    """StructureFault where a threshold is for a provider or an agreement that is not there."""
    providers = {item.id for scheme in registry.of(DataProviderScheme) for item in scheme.items}
    agreements = {agreement.id for agreement in registry.of(ProvisionAgreement)}
    for one in book.thresholds:
        whose = one.agreement or one.provider
        if whose not in (agreements if one.agreement else providers):
            raise StructureFault(f"a threshold for rule {one.rule} is for {whose}, which is not there")


def bound(book: RuleBook, registry: Registry) -> RuleBook:
    """The same with the partitions of their hierarchies; StructureFault where one is not there."""
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
