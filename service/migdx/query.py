"""DataQuery and StructureQuery: what a URL says, before any structure is known; `str` is the canonical form.

sdmx-rest v2.2.2, doc/data.md; sdmx-rest v1.5.0, 4_4_data_queries.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast, get_args
from urllib.parse import quote

from .errors import SyntaxFault

Operator = Literal["eq", "ne", "lt", "le", "gt", "ge", "co", "nc", "sw", "ew"]
OPERATORS: tuple[str, ...] = get_args(Operator)


@dataclass(frozen=True, slots=True, order=True)
class Atom:
    """One comparison; `value` is text as given."""

    operator: Operator
    value: str

    def __str__(self) -> str:
        return self.value if self.operator == "eq" else f"{self.operator}:{self.value}"


@dataclass(frozen=True, slots=True)
class Condition:
    """c[COMPONENT]: one of the alternatives must hold, each a tuple of comparisons that must all hold."""

    component: str
    any_of: tuple[tuple[Atom, ...], ...]

    def __str__(self) -> str:
        return ",".join("+".join(str(atom) for atom in term) for term in self.any_of)


KeyPositions = tuple[tuple[str, ...], ...]
"""A key as given: per position the alternatives, () where any value will do."""


@dataclass(frozen=True)
class DataQuery:
    """`agencies`, `ids`, `versions` are lists as given; `keys` are alternatives."""

    context: str = "dataflow"
    agencies: tuple[str, ...] = ("*",)
    ids: tuple[str, ...] = ("*",)
    versions: tuple[str, ...] = ("*",)
    keys: tuple[KeyPositions, ...] = ()
    providers: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()
    first_n: int = 0
    last_n: int = 0
    dimension_at_observation: str = ""
    attributes: tuple[str, ...] = ("dsd",)
    measures: tuple[str, ...] = ("all",)
    offset: int = 0
    limit: int = 0

    def __str__(self) -> str:
        keys = ",".join(".".join("+".join(p) or "*" for p in key) for key in self.keys) or "*"
        path = "/".join(
            (self.context, ",".join(self.agencies), ",".join(self.ids), ",".join(self.versions), keys)
        )
        pairs = [
            (f"c[{condition.component}]", str(condition))
            for condition in sorted(self.conditions, key=lambda condition: condition.component)
        ]
        optional = (
            ("providers", ",".join(self.providers)),
            ("firstNObservations", self.first_n),
            ("lastNObservations", self.last_n),
            ("dimensionAtObservation", self.dimension_at_observation),
            ("attributes", ",".join(self.attributes)),
            ("measures", ",".join(self.measures)),
            ("offset", self.offset),
            ("limit", self.limit),
        )
        pairs += [(name, str(value)) for name, value in optional if value]
        return path + "?" + "&".join(f"{quote(name)}={quote(value)}" for name, value in pairs)


Detail = Literal[
    "full",
    "allstubs",
    "referencestubs",
    "allcompletestubs",
    "referencecompletestubs",
    "referencepartial",
    "raw",
]
DETAILS: tuple[str, ...] = get_args(Detail)
REFERENCES = ("none", "parents", "parentsandsiblings", "ancestors", "children", "descendants", "all")


@dataclass(frozen=True)
class StructureQuery:
    """`kinds` are class names, ("*",) is every kind; `references` are words of REFERENCES or class names.

    `search`, `offset` and `limit` (0 is all) cut one scheme to the items that have a text, and to a page.
    `wholes`: for SDMX 2.1, where several artefacts may be one.
    """

    kinds: tuple[str, ...] = ("*",)
    agencies: tuple[str, ...] = ("*",)
    ids: tuple[str, ...] = ("*",)
    versions: str = "~"
    items: tuple[str, ...] = ()
    detail: str = "full"
    references: tuple[str, ...] = ("none",)
    search: str = ""
    offset: int = 0
    limit: int = 0
    wholes: bool = False

    @property
    def names_one(self) -> bool:
        """Whether it is about one artefact by its id, rather than about those that there are."""
        return len(self.ids) == 1 and "*" not in self.ids

    @property
    def pages(self) -> bool:
        return bool(self.search or self.offset or self.limit)

    def __str__(self) -> str:
        lists = (self.kinds, self.agencies, self.ids, (self.versions,), self.items or ("*",))
        path = "/".join(",".join(part) for part in lists)
        asked = f"{path}?detail={self.detail}&references={','.join(self.references)}"
        if self.pages:
            asked += f"&q={quote(self.search)}&offset={self.offset}&limit={self.limit}"
        return asked


def parse_condition(component: str, text: str) -> Condition:
    """The value of c[component]: `,` is OR, `+` is AND; a comparison may start with operator and colon."""
    if not text:
        raise SyntaxFault(
            f"c[{component}] has no value; expected for instance c[{component}]=A or =ge:2010+le:2020"
        )
    terms = tuple(tuple(_atom(component, part) for part in term.split("+")) for term in text.split(","))
    return Condition(component, terms)


def _atom(component: str, text: str) -> Atom:
    head, colon, tail = text.partition(":")
    if colon and head in OPERATORS:
        operator, value = cast(Operator, head), tail
    else:
        operator, value = "eq", text
    if not value:
        raise SyntaxFault(
            f"c[{component}] has an empty comparison in '{text}'; expected a value, or operator:value"
        )
    return Atom(operator, value)


def parse_keys(text: str) -> tuple[KeyPositions, ...]:
    """The key segment of a path: `,` parts alternatives, `.` positions, `+` values (1.5); empty, `*` are any.

    A lone wildcard gives no alternative at all: every key.
    """
    if text.lower() in ("", "*", "all"):
        return ()
    return tuple(
        tuple(
            () if position in ("", "*") else tuple(value for value in position.split("+") if value)
            for position in key.split(".")
        )
        for key in text.split(",")
        if key
    )
