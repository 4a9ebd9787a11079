"""Proposed: a WorkbookMap that a service proposes, why, and what a person has to say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Literal

from ..report import Place
from ..workbook_map import WorkbookMap
from .matching import Meaning

Reason = Literal["kept", "only_code", "codes", "periods", "title", "frequency", "usual", "heading"]

_WHY: Mapping[Reason, str] = {
    "kept": "{matched} of {total} texts were decided before",
    "only_code": "nothing else may be sent",
    "codes": "{matched} of {total} texts are its codes or name them",
    "periods": "{matched} of {total} texts are periods",
    "title": "the title names it",
    "frequency": "from the length of the periods",
    "usual": "not found in the sheet; the usual code where a table does not tell it apart",
    "heading": "the heading names it",
}


@dataclass(frozen=True)
class Decision:
    """Where a component of one table is said to stand, with a confidence from 0 to 1."""

    table: int
    component: str
    reason: Reason
    confidence: float = 1.0
    matched: int = 0
    total: int = 0

    @property
    def why(self) -> str:
        return _WHY[self.reason].format(matched=self.matched, total=self.total)


@dataclass(frozen=True)
class Label:
    """A text that stands for a component: its code, None without one (`left_out`: on purpose).

    `whole` says why it may be a total of others: the list that has parts of the code, or rows that add up.
    """

    table: int
    component: str
    text: str
    code: str | None
    name: str = ""
    why: str = ""
    count: int = 1
    place: Place = field(default_factory=Place)
    nearest: tuple[Meaning, ...] = ()
    whole: str = ""
    left_out: bool = False


Kind = Literal["position", "component", "tie", "label", "sign", "flag", "number", "table"]


@dataclass(frozen=True)
class Question:
    """What the sheet does not tell beyond doubt.

    position: which component are the texts of a row, column or the sheets' names? component: where does it
    come from, or what is it always? tie: is it this component or one of `offered`? label: which code is this
    text? sign, flag: what does it mean? number: which mark is what? table: is there more? `proposed` is what
    holds if nobody says otherwise: "" is nothing. `where` is the place of a position or tie: row.4, column.1,
    or sheet.0 for the sheets' names.
    """

    kind: Kind
    table: int = 0
    component: str = ""
    text: str = ""
    count: int = 1
    place: Place = field(default_factory=Place)
    offered: tuple[Meaning, ...] = ()
    proposed: str = ""
    where: str = ""

    @property
    def is_open(self) -> bool:
        """Whether nothing holds until somebody answers."""
        return not self.proposed


@dataclass(frozen=True)
class Sign:
    """A text in the place of a figure, or behind one (`is_flag`), and what it may mean, by component."""

    text: str
    count: int
    place: Place
    is_flag: bool = False
    meaning: Mapping[str, str] | None = None
    offered: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True)
class Proposal:
    """`map` is what holds now; `questions` come in the order in which they are best answered."""

    map: WorkbookMap
    decisions: tuple[Decision, ...] = ()
    labels: tuple[Label, ...] = ()
    signs: tuple[Sign, ...] = ()
    questions: tuple[Question, ...] = ()

    @property
    def open(self) -> tuple[Question, ...]:
        return tuple(question for question in self.questions if question.is_open)

    def as_dict(self) -> dict[str, Any]:
        """JSON-able; what says nothing is left out."""
        return {
            "map": self.map.as_dict(),
            "decisions": [_told(one) | {"why": one.why} for one in self.decisions],
            "questions": [_told(one) for one in self.questions],
            "labels": [_told(one) for one in self.labels],
        }


def _told(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_told(one) for one in value]
    if not is_dataclass(value):
        return value
    said = {entry.name: getattr(value, entry.name) for entry in fields(value)}
    return {name: _told(one) for name, one in said.items() if one not in ("", (), None, Place())}
