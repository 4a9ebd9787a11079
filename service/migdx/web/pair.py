"""Pair: what the first page says of two areas: labels, the drawing, signs and their meaning, sources."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from ..schema import STATUS
from ..structures import Item
from .charts import SIZES, Line, Point, line_chart
from .coverage import Coverage
from .mirror import UNIT, Mirror, View
from .wording import Words, collated


def told_of(seen: View, told: Coverage, words: Words) -> dict[str, Any]:
    """Everything that the first page says of a pair of areas."""
    said, a, b = seen.mirror, seen.a, seen.b
    names = {"a": _area(said, a, words), "b": _area(said, b, words)}
    flags = said.schema.by_id[STATUS].codelist if STATUS in said.schema.by_id else None
    flag_names = {
        flag: words.name(flags.by_id.get(flag, Item(flag))) if flags else flag for flag in seen.flags
    }
    labels = [words.text(side.label, **names) for side in said.sides]
    lines = tuple(Line(label, _points(seen, at)) for at, label in enumerate(labels))
    drawings = [(kind, line_chart(lines, kind, words.number_locale)) for kind in SIZES]
    return {
        "a": a,
        "b": b,
        "a_name": names["a"],
        "b_name": names["b"],
        "rows": seen.rows,
        "caption": words.text(said.texts["caption"], **names),
        "heads": [words.text(side.head, **names) for side in said.sides],
        "shorts": [words.text(side.short) for side in said.sides],
        "charts": [(kind, Markup(svg)) for kind, svg in drawings],  # noqa: S704  # Vega escapes its texts
        "flag_names": flag_names,
        "legend": _legend(seen, flag_names, words),
        "unit": ", ".join(_unit(said, unit, words) for unit in seen.units),
        "notes": _notes(seen, told, words),
    }


def _points(seen: View, side: int) -> tuple[Point, ...]:
    pairs = ((row.period, row.cells[side]) for row in seen.rows)
    return tuple(Point(period, cell.value, cell.flags, cell.masked) for period, cell in pairs if cell)


def chosen(said: Mirror, told: Coverage, asked: tuple[str, str]) -> tuple[str, str]:
    """The pair asked for; when it is none, that of pages.toml, or the first that there is."""
    released = [code for code in told.codes(said.reporter) if code in said.areas()]
    if all(area in said.areas() for area in asked):
        return asked
    if all(area in released for area in said.pair) or len(released) < 2:
        return said.pair
    return released[0], released[1]


def offered(said: Mirror, told: Coverage, words: Words) -> list[tuple[str, list[tuple[str, str]]]]:
    """The areas to choose from: those with figures of their own, then those that others name."""
    own = set(told.codes(said.reporter)) & set(said.areas())
    named = set(told.codes(said.partner)) & set(said.areas()) - own
    return [
        (
            words(heading),
            sorted(((code, _area(said, code, words)) for code in codes), key=lambda e: collated(e[1])),
        )
        for heading, codes in (("pair_with_data", own), ("pair_without_data", named))
    ]


def _area(said: Mirror, code: str, words: Words) -> str:
    return words.name(said.areas().get(code, Item(code)))


def _unit(said: Mirror, code: str, words: Words) -> str:
    component = said.schema.by_id[UNIT]
    return words.name(component.code(code) or Item(code))


def _legend(seen: View, flag_names: Mapping[str, str], words: Words) -> list[tuple[str, str]]:
    """The signs that are used, and what they mean."""
    found = [(flag.lower(), name) for flag, name in flag_names.items()]
    if seen.has_masked:
        found.append(("c", words("legend_confidential")))
    if seen.has_gaps:
        found.append(("..", words("not_reported")))
    if flag_names:
        found.append(("", words("legend_hollow")))
    return found


def _notes(seen: View, told: Coverage, words: Words) -> list[tuple[str, list[str]]]:
    """What the sources say of their figures, and what the releases say, each text once."""
    said = seen.mirror
    found: dict[tuple[str, ...], list[str]] = {}
    for at, side in enumerate(said.sides):
        area = seen.a if side.by == "a" else seen.b
        texts = _told_once((*seen.comments(at), *_release_notes(told, said, area)))
        if texts and seen.cells(at):
            found.setdefault(texts, []).append(_area(said, area, words))
    return [(words("source_note", by=", ".join(areas)), list(texts)) for texts, areas in found.items()]


def _told_once(texts: tuple[str, ...]) -> tuple[str, ...]:
    """Without those that another one contains."""
    plain = {text.strip(" .").casefold(): text for text in reversed(texts)}
    kept = [
        text for short, text in plain.items() if not any(short in long for long in plain if long != short)
    ]
    return tuple(reversed(kept))


def _release_notes(told: Coverage, said: Mirror, area: str) -> list[str]:
    """The notes on the releases of those who report for an area."""
    shares = [s for s in told.shares if s.segment.codes.get(said.reporter, {}).get(area)]
    return [share.release.note for share in shares if share.release and share.release.note]
