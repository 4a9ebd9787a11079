"""What the texts of a workbook mean by its WorkbookMap: labels as codes, and cells of a table as numbers.

Texts are compared without the blanks around and without line ends, as they are and then in small letters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ..workbook_map import Source, WorkbookMap

_MARK = re.compile(
    r"\s*(?:\(\d{1,2}\)|(?<!\d)\d{1,2}\)|\([a-z]\)|\[\d{1,2}\]|[¹²³⁰-⁹ªº†‡§]{1,3}\)?|\*{1,3}\)?)[\s,]*\Z"
)
_MOST_MARKS = 5


def plain(text: str) -> str:
    """Without the blanks around, every run of blanks and line ends one space."""
    return " ".join(text.split())


def without_footnotes(label: str) -> str:
    """Without trailing marks such as 1), (a), * and superscripts.

    A bare digit is no mark, nor is what closes a bracket, and a label of marks alone keeps the first.
    """
    for _ in range(_MOST_MARKS):
        match = _MARK.search(label)
        head = label[: match.start()] if match else ""
        if not head or head.count("(") > head.count(")"):
            break
        label = head
    return label


def meaning(source: Source, map: WorkbookMap) -> Callable[[str], str | None]:
    """The function from a text to the value of the component: None leaves out what it stands for, "" is none.

    A text that the pattern does not match, or that is not among `texts`, stays as it is.
    """
    pattern = re.compile(source.pattern) if source.pattern else None
    exact = {plain(text): value for text, value in source.texts.items()}
    small = {text.casefold(): value for text, value in exact.items()}

    def of(text: str) -> str | None:
        text = plain(text)
        match = pattern.search(text) if pattern else None
        if match:
            text = plain(match[1] or "")
        for known in (text, without_footnotes(text)) if map.footnotes else (text,):
            if known in exact:
                return exact[known]
            if known.casefold() in small:
                return small[known.casefold()]
        return without_footnotes(text) if map.footnotes else text

    return of


@dataclass(frozen=True)
class Cell:
    """What the text of a table's cell says: a number as SDMX writes it ("" for none), and other components.

    `foreign`: by the map it is no number, and without the map it would be another one (12.5 where . groups).
    """

    number: str
    said: Mapping[str, str] = field(default_factory=dict)
    foreign: bool = False


_GROUPS = {"'": "['’]"}
_BEHIND = re.compile(r".*\d[)\]]?")
_WITH_POINT = re.compile(r"[+-]?\d*\.\d+")


class Numbers:
    """Reads the texts of a table's cells: its signs, its marks within numbers, its flags after them."""

    def __init__(self, map: WorkbookMap, measure: str) -> None:
        self._measure = measure
        self._comma = map.decimal != "."
        group = plain(map.group) or (" " if map.group else "")
        mark = _GROUPS.get(group, re.escape(group))
        groups = rf"\d{{1,3}}(?:{mark}\d{{3}})+|" if group else ""
        # what stands between digits is no flag, even if the digits after it are one
        blank = " " if group == " " else r" (?=\d{3})"
        more = rf"(?:[.,'’]\s?|{blank})?\d"
        self._number = re.compile(rf"([+-]?)({groups}\d+)(?:{re.escape(map.decimal)}(\d+))?(?!{more})\s*(.*)")
        self._mark = re.compile(mark) if group else None
        self._signs = {plain(text).casefold(): said for text, said in map.signs.items()}
        self._flags = {plain(text).casefold(): said for text, said in map.flags.items()}
        self._longest = max((len(flag) for flag in self._flags), default=0)

    @property
    def signs(self) -> tuple[str, ...]:
        """Texts that are signs: a number may be one, too (9999 for none)."""
        return tuple(self._signs)

    def is_sign(self, given: str) -> bool:
        return given.casefold() in self._signs

    def read(self, text: str) -> Cell:
        given = plain(text).replace("\N{MINUS SIGN}", "-")
        if self.is_sign(given):
            sign = self._signs[given.casefold()]
            return Cell(sign.get(self._measure, ""), sign)
        match = self._number.fullmatch(given)
        said = self._flagged(match[4].casefold()) if match else None
        if not match or said is None:
            foreign = self._comma and bool(_WITH_POINT.fullmatch(given))
            # no number, but its flags may say that it is confidential
            return Cell(text, self._flagged(_BEHIND.sub("", given).casefold()) or {}, foreign)
        minus, whole, fraction, _ = match.groups()
        whole = self._mark.sub("", whole) if self._mark else whole
        return Cell(f"{minus.strip('+')}{whole}{'.' + fraction if fraction else ''}", said)

    def _flagged(self, rest: str) -> Mapping[str, str] | None:
        """What all the flags after a number say together; None where one is unknown or they contradict."""
        said: dict[str, str] = {}
        while rest := rest.strip(" ,;"):
            length = next((n for n in range(self._longest, 0, -1) if rest[:n] in self._flags), 0)
            if not length:
                return None
            more = self._flags[rest[:length]]
            if any(said.get(id, value) != value for id, value in more.items()):
                return None
            said |= more
            rest = rest[length:]
        return said
