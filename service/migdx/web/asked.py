"""What a URL asks of the exchange, the same for both generations of the API."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypedDict

from ..errors import NotImplementedHere, SyntaxFault
from ..query import DETAILS, REFERENCES, DataQuery, StructureQuery
from ..structures import KINDS, ItemScheme
from ..urn import check_version_query
from .address import Address
from .instants import NOW, Times

Kind = Literal["structure", "data", "schema", "availability"]


@dataclass(frozen=True)
class Root:
    """The root of the API: what can be asked here."""


@dataclass(frozen=True)
class StructureRequest:
    """`role` keeps only the data constraints of that role, as 2.1 asks for allowed and actual ones apart."""

    query: StructureQuery
    role: str = ""
    times: Times = NOW
    kind: Kind = field(default="structure", init=False)


@dataclass(frozen=True)
class DataRequest:
    """Observations, of the state of the data that `times` say."""

    query: DataQuery
    times: Times = NOW
    kind: Kind = field(default="data", init=False)


@dataclass(frozen=True)
class AvailabilityRequest:
    """`components` limits the dimensions told, () is all of them; `references` as for structures."""

    query: DataQuery
    components: tuple[str, ...] = ()
    mode: str = "exact"
    references: tuple[str, ...] = ("none",)
    times: Times = NOW
    kind: Kind = field(default="availability", init=False)


@dataclass(frozen=True)
class SchemaRequest:
    """`deletion`: for messages that delete."""

    context: str
    query: StructureQuery
    dimension_at_observation: str = ""
    deletion: bool = False
    times: Times = NOW
    kind: Kind = field(default="schema", init=False)


Request = Root | StructureRequest | DataRequest | AvailabilityRequest | SchemaRequest

_RELATED = {
    "none": "none", "all": "all", "datastructure": "DataStructure", "conceptscheme": "ConceptScheme",
    "codelist": "Codelist", "valuelist": "ValueList", "dataproviderscheme": "DataProviderScheme",
    "dataflow": "Dataflow",
}  # fmt: skip

WILD = frozenset(("", "*", "all", "ALL", "All"))
"""What says "any" in a path, on both generations."""

_WITH_ITEMS = frozenset(kind for kind, cls in KINDS.items() if issubclass(cls, ItemScheme))
_WORD = r"(0|[1-9]\d*|\d*[A-Za-z-][A-Za-z\d-]*)"
_ADMITTED = re.compile(
    # only three numbers have an extension; only stable versions, above 0, are asked for by +
    rf"([^+-]*|\d+\.\d+\.\d+-{_WORD}(\.{_WORD})*|\+(\.0\.0)?|[1-9]\d*[.+][^~*-]*)\Z",
    re.ASCII,
)
_AGENCY = re.compile(r"[A-Za-z][A-Za-z\d_-]*(\.[A-Za-z][A-Za-z\d_-]*)*\Z", re.ASCII)
_VALUE = re.compile(r"[^\x00-\x1f]+\Z")
_ID = re.compile(r"[A-Za-z\d_@$-]+(\.[A-Za-z\d_@$-]+)*\Z", re.ASCII)


def agencies(text: str, between: str) -> tuple[str, ...]:
    return _ids(text, between, _AGENCY, "an agency")


def ids(text: str, between: str, what: str = "an id") -> tuple[str, ...]:
    return _ids(text, between, _ID, what)


def _ids(text: str, between: str, pattern: re.Pattern[str], what: str) -> tuple[str, ...]:
    if text in WILD:
        return ("*",)
    parts = ["*" if part in WILD else part for part in text.split(between)]
    for part in parts:
        if part != "*" and not pattern.match(part):
            raise SyntaxFault(f"'{part}' in '{text}' is not {what}")
    return tuple(dict.fromkeys(parts))


def items(text: str, between: str, kinds: Collection[str]) -> tuple[str, ...]:
    """The items to cut schemes to, () for all; only what is a list of items has any."""
    found = _ids(text, between, _VALUE if "ValueList" in kinds else _ID, "an item")
    if "*" in found:
        return ()
    for kind in kinds:
        if kind != "*" and kind not in _WITH_ITEMS:
            raise SyntaxFault(f"A {kind} is no scheme of items; the path asks for item {text}")
    return found


def versions(text: str, missing: str) -> str:
    """A version query, checked; the words `latest` and `all` of 1.5 are understood everywhere."""
    if not text:
        return missing
    parts = [{"latest": "~", "all": "*"}.get(part.lower(), part) for part in text.split(",") if part]
    check_version_query(",".join(parts))
    for part in parts:
        if not _ADMITTED.match(part):
            raise SyntaxFault(
                f"'{part}' is not a version query; expected 1.0.0, 1.0.0-draft, 1.0+.0, + (latest stable), "
                "~ (latest), * (all)"
            )
    return ",".join(parts)


def detail(address: Address, *, raw: bool) -> str:
    """The parameter `detail` of a structure query; `raw` came with 3.0."""
    return address.one_of("detail", tuple(word for word in DETAILS if raw or word != "raw"))


def references(
    address: Address, kinds: Mapping[str, tuple[str, ...]], between: str, words: Collection[str] = REFERENCES
) -> tuple[str, ...]:
    """The parameter `references`: its words as they are, types as class names; one of them, or a list."""
    found: dict[str, None] = {}
    given = address.get("references", "none")
    for word in given.split(between) if between else [given]:
        known = (word,) if word in words else kinds.get(word)
        if known is None:
            raise SyntaxFault(
                f"references={word}: expected one of {', '.join(words)}, or a type such as codelist"
            )
        found |= dict.fromkeys(known)
    return tuple(found)


class Page(TypedDict, total=False):
    search: str
    offset: int
    limit: int


def page(address: Address, kinds: Collection[str], ids: tuple[str, ...]) -> Page:
    """`q`, `offset` and `limit`, our extension for queries of one scheme of items; ignored by all others.

    In `q`, which people type, a `+` is the blank that a form makes of it.
    """
    if len(ids) != 1 or "*" in ids or not _WITH_ITEMS.issuperset(kinds):
        return {}
    search = " ".join(address.get("q").replace("+", " ").split())
    return {"search": search, "offset": address.number("offset", 0), "limit": address.number("limit", 1)}


def related(address: Address, between: str) -> tuple[str, ...]:
    """The parameter `references` of an availability query, which knows fewer words."""
    found: dict[str, None] = {}
    for word in address.get("references", "none").split(between):
        if word not in _RELATED:
            raise SyntaxFault(f"references={word}: expected one of {', '.join(_RELATED)}")
        found[_RELATED[word]] = None
    return tuple(found)


def not_built(address: Address, *names: str) -> None:
    """Raises NotImplementedHere for parameters that change an answer in a way that is not built."""
    for name in names:
        value = address.get(name)
        if value and value.lower() != "false":
            raise NotImplementedHere(f"{name}={value}: {name} is not built yet")
