"""Precedence: whose observation a dataflow shows where several providers report the same one, and whose
submissions another provider approves. Data beside the structures: *.precedence.toml.

An order holds for dataflows and, by its `where`, for some keys. The first that tells two providers apart
decides between them; who is named goes before who is not, `*` standing for those. What no order decides the
ids of the agreements do.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from .errors import StructureFault

Party = tuple[str, str]
"""Who reports: (provider, agreement), both ids."""

OTHERS = "*"
"""All providers that an order does not name."""

Where = tuple[tuple[str, tuple[str, ...]], ...]
"""The codes that a key has, by dimension; empty for every key."""

Decided = tuple[tuple[Where, bool], ...]
"""Whether one party goes before another: the first whose codes a key has decides; the last is for every
key.
"""

Source = tuple[str, int]
"""The path of a file and a line of it, 0 where the line is not known."""


@dataclass(frozen=True)
class Order:
    """`providers` (ids, or OTHERS), the first before the second; `dataflows` are AGENCY:ID, none for all.
    `source` says where it was read.
    """

    providers: tuple[str, ...]
    dataflows: tuple[str, ...] = ()
    where: Where = ()
    source: Source = field(default=("", 0), compare=False)


@dataclass(frozen=True)
class Approving:
    """The `focal_point` approves what `providers` submit to `dataflows` (AGENCY:ID, none for all)."""

    focal_point: str
    providers: tuple[str, ...]
    dataflows: tuple[str, ...] = ()
    source: Source = field(default=("", 0), compare=False)


@dataclass(frozen=True)
class Approval:
    """What a focal point (`provider`) says of a submission: that it may be released, or, not `granted` any
    more, that it may not. `stamp` is the ledger's.
    """

    submission: str
    provider: str
    by: str
    granted: bool = True
    reason: str = ""
    stamp: datetime | None = None

    def as_dict(self) -> dict[str, Any]:
        """JSON-able, without the stamp."""
        return {name: value for name, value in asdict(self).items() if name != "stamp"}

    @classmethod
    def from_dict(cls, body: Mapping[str, Any], stamp: datetime) -> Approval:
        return cls(**{**body, "stamp": stamp})


@dataclass(frozen=True)
class Arrangements:
    """All that was declared, in the order of the files."""

    orders: tuple[Order, ...] = ()
    approvings: tuple[Approving, ...] = ()

    def between(self, one: Party, other: Party, dataflow: str) -> Decided:
        """Whether `other` goes before `one` in a dataflow (AGENCY:ID(VERSION))."""
        found: list[tuple[Where, bool]] = []
        for order in self.deciding(one[0], other[0], dataflow):
            ranks = [_rank(party[0], order.providers) for party in (one, other)]
            found.append((order.where, ranks[1] < ranks[0]))
            if not order.where:
                break
        else:
            found.append(((), other[1] < one[1]))
        while len(found) > 1 and found[-2][1] == found[-1][1]:
            del found[-2]  # what comes after says the same
        return tuple(found)

    def deciding(self, one: str, other: str, dataflow: str) -> Iterator[Order]:
        """The orders that tell two providers apart in a dataflow."""
        for order in self.orders:
            apart = _rank(one, order.providers) != _rank(other, order.providers)
            if apart and _is_for(dataflow, order.dataflows):
                yield order

    def approver(self, provider: str, dataflow: str) -> str:
        """Who approves what a provider submits to a dataflow; "" where nobody has to."""
        for one in self.approvings:
            if provider in one.providers and _is_for(dataflow, one.dataflows):
                return one.focal_point
        return ""

    @cached_property
    def text(self) -> bytes:
        """The orders as JSON, the same bytes for the same orders; `read` makes them again."""
        told = [{"providers": one.providers, "dataflows": one.dataflows, "where": one.where}
                for one in self.orders]  # fmt: skip
        return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()

    @cached_property
    def digest(self) -> str:
        """The sha256 of `text`; "" where no order is declared."""
        return hashlib.sha256(self.text).hexdigest() if self.orders else ""

    @classmethod
    def read(cls, text: bytes) -> Arrangements:
        """What held once, from its text: the orders alone."""
        return cls(
            tuple(
                Order(
                    tuple(one["providers"]),
                    tuple(one["dataflows"]),
                    tuple((id, tuple(codes)) for id, codes in one["where"]),
                )
                for one in json.loads(text)
            )
        )

    @classmethod
    def parse(cls, files: Iterable[tuple[str, str]]) -> Arrangements:
        """What files, given as (path, text), declare; StructureFault names file and line."""
        orders: list[Order] = []
        approvings: list[Approving] = []
        for path, text in files:
            try:
                body = tomllib.loads(text)
            except tomllib.TOMLDecodeError as fault:
                raise StructureFault(f"the precedence cannot be read: {fault}", path) from fault
            unknown = sorted(body.keys() - {"precedence", "approval"})
            if unknown:
                raise StructureFault(f"'{unknown[0]}' is unknown; expected: precedence, approval", path)
            orders += (_order(entry, source) for entry, source in _entries(body, "precedence", path, text))
            approvings += (
                _approving(entry, source) for entry, source in _entries(body, "approval", path, text)
            )
        return cls(tuple(orders), tuple(approvings))


NOTHING_DECLARED = Arrangements()


def met(decided: Decided, codes: Mapping[str, Collection[str]]) -> Decided:
    """What is decided of keys with no other `codes` than these, by dimension."""

    def meets(where: Where) -> bool:
        return all(any(code in codes.get(id, ()) for code in named) for id, named in where)

    return tuple((where, won) for where, won in decided if meets(where))


def _rank(provider: str, order: tuple[str, ...]) -> int:
    for name in (provider, OTHERS):
        if name in order:
            return order.index(name)
    return len(order)


def _is_for(dataflow: str, named: tuple[str, ...]) -> bool:
    return not named or dataflow.partition("(")[0] in named


# --- reading ------------------------------------------------------------------------------------------------


def _entries(
    body: Mapping[str, Any], name: str, path: str, text: str
) -> Iterator[tuple[Mapping[str, Any], Source]]:
    """The tables `[[name]]` of a file, each with where it stands."""
    entries = body.get(name, [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise StructureFault(f"'{name}' is no table; expected [[{name}]]", path)
    heading = re.compile(rf"\s*\[\[\s*{name}\s*\]\]")
    lines = [at for at, line in enumerate(text.splitlines(), 1) if heading.match(line)]
    for at, entry in enumerate(entries):
        yield entry, (path, lines[at] if len(lines) == len(entries) else 0)


def _order(entry: Mapping[str, Any], source: Source) -> Order:
    _known(entry, {"providers", "dataflows", "where"}, source)
    where = entry.get("where", {})
    if not isinstance(where, dict):
        raise StructureFault("'where' is no table of dimensions and their codes", *source)
    providers = _texts(entry, "providers", source)
    if len(providers) < 2:
        raise StructureFault("a precedence names at least two providers", *source)
    return Order(
        providers,
        _texts(entry, "dataflows", source) if "dataflows" in entry else (),
        tuple((id, tuple(sorted(_texts(where, id, source)))) for id in sorted(where)),
        source,
    )


def _approving(entry: Mapping[str, Any], source: Source) -> Approving:
    _known(entry, {"focal_point", "providers", "dataflows"}, source)
    focal_point, providers = entry.get("focal_point"), _texts(entry, "providers", source)
    if not isinstance(focal_point, str) or not focal_point:
        raise StructureFault("'focal_point' is missing; expected the id of a provider", *source)
    if focal_point in providers:
        raise StructureFault(f"{focal_point} would approve its own submissions", *source)
    dataflows = _texts(entry, "dataflows", source) if "dataflows" in entry else ()
    return Approving(focal_point, providers, dataflows, source)


def _known(entry: Mapping[str, Any], names: set[str], source: Source) -> None:
    unknown = sorted(entry.keys() - names)
    if unknown:
        raise StructureFault(f"'{unknown[0]}' is unknown; expected: {', '.join(sorted(names))}", *source)


def _texts(entry: Mapping[str, Any], name: str, source: Source) -> tuple[str, ...]:
    given = entry.get(name)
    if not isinstance(given, list) or not given or not all(isinstance(one, str) and one for one in given):
        raise StructureFault(f"'{name}' is no list of ids: {given!r}", *source)
    if len(set(given)) < len(given):
        raise StructureFault(f"'{name}' names one twice: {given!r}", *source)
    return tuple(given)
