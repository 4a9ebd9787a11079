"""Signs: what stands in a table where a number should, or behind one, and what it usually means.

Conventions of statistical tables (United Nations, Eurostat, national yearbooks) differ in some signs: what
may mean several things is offered and never taken. Codes are those of CL_OBS_STATUS and CL_CONF_STATUS (SDMX
cross-domain code lists).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from ..report import Place
from ..schema import CONFIDENTIALITY, STATUS, SUPPRESSED, Schema
from ..workbook_map import WorkbookMap
from .body import Body
from .matching import Meaning
from .proposed import Question, Sign
from .tables import FLAGGED, NUMBER

Said = Mapping[str, str]

_ABSENT: Said = {STATUS: "O"}
_HIDDEN: Said = {STATUS: SUPPRESSED, CONFIDENTIALITY: "C"}
_IMPOSSIBLE: Said = {STATUS: "M"}
_LATER: Said = {STATUS: "L"}

_NOTHING = "-"  # the number zero, by the measure that the table has

_KNOWN: Mapping[str, tuple[Said | str, ...]] = {
    "..": (_ABSENT,),
    "...": (_ABSENT, _LATER),
    "…": (_ABSENT, _LATER),
    ":": (_ABSENT,),
    "n/a": (_ABSENT, _IMPOSSIBLE),
    "na": (_ABSENT, _IMPOSSIBLE),
    "n.a.": (_ABSENT, _IMPOSSIBLE),
    "c": (_HIDDEN,),
}
"""What a sign means where conventions agree, the first of them proposed."""

_ASKED: Mapping[str, tuple[Said | str, ...]] = {
    ".": (_HIDDEN, _ABSENT),
    "-": (_NOTHING, _ABSENT),
    "–": (_NOTHING, _ABSENT),
    "—": (_NOTHING, _ABSENT),
    "x": (_HIDDEN, _IMPOSSIBLE),
    "/": (_ABSENT, _HIDDEN),
    "*": (_HIDDEN, _ABSENT),
}
"""What a sign means in one convention or another."""

_MOST = 40


def signs(
    made: WorkbookMap, tables: Sequence[Sequence[Body]], schema: Schema
) -> tuple[list[Sign], WorkbookMap]:
    """The signs and flags of the bodies of each table, and the map with what is beyond doubt about them."""
    odd: Counter[str] = Counter()
    places: dict[str, Place] = {}
    for bodies in tables:
        for body in bodies:
            odd.update(body.figures)
            for text in body.figures:
                if text not in places:
                    places[text] = body.place(text)
    made = _separators(made, odd)
    measure = made.sheets[0].measure if made.sheets else ""
    found: dict[tuple[str, bool], Sign] = {}
    for text, count in odd.items():
        if NUMBER.fullmatch(text):
            continue
        flagged = FLAGGED.fullmatch(text)
        sign = (flagged[2].strip() if flagged else text).lower()
        known = found.get((sign, bool(flagged)))
        found[sign, bool(flagged)] = (
            replace(known, count=known.count + count)
            if known
            else _sign(sign, count, places[text], made, schema, measure, is_flag=bool(flagged))
        )
    told = sorted(found.values(), key=lambda sign: -sign.count)[:_MOST]
    return told, replace(
        made,
        signs={**made.signs, **{s.text: s.meaning for s in told if s.meaning is not None and not s.is_flag}},
        flags={**made.flags, **{s.text: s.meaning for s in told if s.meaning is not None and s.is_flag}},
    )


def _sign(
    text: str, count: int, place: Place, made: WorkbookMap, schema: Schema, measure: str, *, is_flag: bool
) -> Sign:
    kept = (made.flags if is_flag else made.signs).get(text)
    if kept is not None:
        return Sign(text, count, place, is_flag, kept, (kept,))
    if is_flag:
        offered = tuple(_flags(text, schema))
        return Sign(text, count, place, True, offered[0] if offered else None, offered)
    certain = tuple(_fitting(_KNOWN.get(text, ()), schema, measure))
    return Sign(
        text, count, place, False, certain[0] if certain else None,
        certain or tuple(_fitting(_ASKED.get(text, (_HIDDEN, _ABSENT)), schema, measure)),
    )  # fmt: skip


def _fitting(said: Sequence[Said | str], schema: Schema, measure: str) -> Iterator[Said]:
    """The meanings as far as a schema has the components and codes for them."""
    for one in said:
        told = {measure: "0"} if isinstance(one, str) else one
        fits = {
            id: code for id, code in told.items() if id == measure or code in _codes_of(schema, id)
        }  # fmt: skip
        if fits:
            yield fits


def _codes_of(schema: Schema, id: str) -> frozenset[str]:
    component = schema.by_id.get(id)
    return component.valid if component else frozenset()


def _flags(text: str, schema: Schema) -> Iterator[Said]:
    """A letter is the code of OBS_STATUS that it is the small letter of; digits and stars are footnotes."""
    code = text.strip("()").upper()
    if code in _codes_of(schema, STATUS):
        yield {STATUS: code}
    elif re.fullmatch(r"\d\)|[*†‡%]", text):
        yield {}


def _separators(made: WorkbookMap, odd: Counter[str]) -> WorkbookMap:
    """The marks within numbers that are text, where one number shows which is which."""
    if made.group or made.decimal != ".":
        return made
    groups: Counter[str] = Counter()
    decimals: Counter[str] = Counter()
    for text in odd:
        found = re.fullmatch(r"[+\-−]?\d{1,3}((?:([ ,.'’\u00a0\u202f])\d{3})(?:\2\d{3})+)([.,]\d+)?", text)
        if found:
            groups[found[2]] += 1
            decimals.update((found[3] or "")[:1])
            continue
        found = re.fullmatch(r"[+\-−]?\d+([.,])(\d+)", text)
        if found and (len(found[2]) != 3 or text.lstrip("+-−").startswith("0")):
            decimals[found[1]] += 1
    group = groups.most_common(1)[0][0] if groups else ""
    decimal = decimals.most_common(1)[0][0] if decimals else "," if group == "." else "."
    if not group:
        group = next((mark for mark in ", .'’\u00a0\u202f" if _groups(odd, mark) and mark != decimal), "")
        if group and group in ",." and not decimals:
            decimal = "." if group == "," else ","
    return replace(made, group=" " if group in "\u00a0\u202f" and group else group, decimal=decimal)


def _groups(odd: Counter[str], mark: str) -> bool:
    return any(re.fullmatch(rf"[+\-−]?\d{{1,3}}{re.escape(mark)}\d{{3}}", text) for text in odd)


def sign_questions(
    told: Sequence[Sign], made: WorkbookMap, before: WorkbookMap, odd: bool
) -> Iterator[Question]:
    """What a person has to say of signs and numbers that nobody decided about before."""
    for sign in told:
        asked = before.flags if sign.is_flag else before.signs
        if sign.text in asked:
            continue
        offered = tuple(Meaning(written(said), why="usual") for said in sign.offered)
        yield Question(
            "flag" if sign.is_flag else "sign", 0, "", sign.text, sign.count, sign.place, offered,
            proposed=written(sign.meaning) if sign.meaning is not None else "",
        )  # fmt: skip
    if odd and (made.group, made.decimal) != (before.group, before.decimal):
        yield Question("number", text=made.group, proposed=f"1{made.group}234{made.decimal}5")


def written(said: Said) -> str:
    """OBS_STATUS=O, as forms write it; a footnote says nothing."""
    return ", ".join(f"{id}={code}" for id, code in said.items()) or "footnote"
