"""The rule book of a registry: the *.rules.toml files beside the structures, bound to their hierarchies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from .checks.judging import BY_NAME
from .errors import NotFound, StructureFault
from .registry import Registry
from .rules import Partition, Rule, RuleBook
from .structures import Hierarchy
from .urn import parse_short

SUFFIX = ".rules.toml"


def read_rules(folders: Sequence[Path]) -> RuleBook:
    """All rules below `folders`, in the order of their files; StructureFault where one names no check."""
    book = RuleBook.parse(_files(folders))
    for rule in book:
        if rule.check not in BY_NAME:
            raise StructureFault(f"rule {rule.id} names the check {rule.check}, which is not there")
    return book


def _files(folders: Sequence[Path]) -> Iterator[tuple[str, str]]:
    for folder in folders:
        for path in sorted(folder.rglob("*" + SUFFIX)):
            yield str(path), path.read_text(encoding="utf-8")


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
