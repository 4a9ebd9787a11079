"""Charts: a Vega-Lite specification as a dict, drawn to SVG on the server.

The SVG stands in the page: its text is text, and its colours are variables of style.css, so that it follows
light and dark. Honest lines: a break in the series interrupts the line, a gap stays a gap, a figure with a
flag is hollow and bears the flag's letter.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import orjson

BREAK = "B"
FONT = "system-ui, sans-serif"
COLOURS = ("var(--first)", "var(--second)")
SHAPES = ("circle", "square")
LINE_HEIGHT = 15
LETTER = 8
"""Width that is kept free for a letter: what the reader's font will be is not known here."""


@dataclass(frozen=True)
class Point:
    """A figure of a series; `value` is None where it is missing or masked."""

    period: str
    value: float | None
    flags: tuple[str, ...] = ()
    masked: bool = False


@dataclass(frozen=True)
class Line:
    label: str
    points: tuple[Point, ...]


Kind = Literal["wide", "narrow"]


@dataclass(frozen=True)
class Size:
    """Of the drawing, without axes and labels; `wrap` is how many letters a label has on a line."""

    width: int
    height: int
    wrap: int
    most_ticks: int


SIZES: dict[Kind, Size] = {
    "wide": Size(440, 370, 13, 12),
    "narrow": Size(190, 220, 12, 4),
}


def line_chart(lines: tuple[Line, ...], kind: Kind, locale: Mapping[str, object]) -> str:
    """The SVG of up to two lines over the same periods; "" when there is nothing to draw."""
    if not any(point.value is not None for line in lines for point in line.points):
        return ""
    return _drawn(orjson.dumps(specification(lines, SIZES[kind])), orjson.dumps(locale))


@lru_cache(maxsize=256)
def _drawn(specification: bytes, locale: bytes) -> str:
    import vl_convert  # V8 takes 60 MB: a process that draws nothing does without

    svg: str = vl_convert.vegalite_to_svg(
        specification.decode(), allowed_base_urls=[], format_locale=orjson.loads(locale)
    )
    return svg


def specification(lines: tuple[Line, ...], size: Size) -> dict[str, Any]:
    """Vega-Lite, complete with its data."""
    periods = _periods(lines)
    values = [point.value for line in lines for point in line.points if point.value is not None]
    top = _ceiling(max(values))
    bottom = -_ceiling(-min(values)) if min(values) < 0 else 0.0
    layers = [layer for at, line in enumerate(lines) for layer in _layers(line, at, periods, bottom)]
    labels = [_wrapped(line, size) for line in lines]
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "width": size.width,
        "height": size.height,
        "background": None,
        "autosize": "none",
        "padding": {
            "left": 14 + LETTER * len(f"{max(top, -bottom):,.0f}"),
            "top": 14,
            "bottom": 24,
            "right": 10 + LETTER * max(len(text) for label in labels for text in label),
        },
        "encoding": {"x": _x(periods, size), "y": _y(bottom, top)},
        "layer": [*layers, *_labels(lines, labels, size, bottom, top)],
        "config": _CONFIG,
    }


_CONFIG: dict[str, Any] = {
    "aria": False,  # the page says what the drawing is, and has the figures in a table
    "font": FONT,
    "view": {"stroke": None},
    "axis": {
        "labelFontSize": 12,
        "labelColor": "var(--quiet)",
        "gridColor": "var(--rule)",
        "domainColor": "var(--ink)",
        "tickColor": "var(--ink)",
    },
}


def _periods(lines: tuple[Line, ...]) -> list[str]:
    """The periods in order; of years also those that nobody reports, so that a gap is as wide as long."""
    found = sorted({point.period for line in lines for point in line.points})
    if all(len(period) == 4 and period.isdigit() for period in found):
        return [str(year) for year in range(int(found[0]), int(found[-1]) + 1)]
    return found


def _x(periods: list[str], size: Size) -> dict[str, Any]:
    return {
        "field": "period",
        "type": "ordinal",
        "scale": {"domain": periods, "type": "point", "padding": 0.3},
        "axis": {"values": _some(periods, size.most_ticks), "labelAngle": 0, "title": None, "grid": False},
    }


def _y(bottom: float, top: float) -> dict[str, Any]:
    digits = ",.0f" if top - bottom >= 5 else ",.1f"
    axis = {
        "title": None,
        "tickCount": 5,
        "format": digits,
        "domain": False,
        "ticks": False,
        "labelPadding": 6,
    }
    scale = {"domain": [bottom, top], "nice": False}
    return {"field": "value", "type": "quantitative", "scale": scale, "axis": axis}


def _layers(line: Line, at: int, periods: list[str], bottom: float) -> Iterator[dict[str, Any]]:
    """The line in its unbroken pieces, its points, the letters of its flags; masked ones at the bottom."""
    colour = COLOURS[at]
    rows = list(_rows(line, periods))
    yield {
        "data": {"values": rows},
        "mark": {"type": "line", "color": colour, "strokeWidth": 2.25},
        "encoding": {"detail": {"field": "piece", "type": "nominal"}},
    }
    drawn = [row for row in rows if row["value"] is not None]
    point = {"type": "point", "shape": SHAPES[at], "size": 46, "strokeWidth": 1.75, "opacity": 1}
    for hollow in (False, True):
        yield {
            "data": {"values": [row for row in drawn if bool(row["letters"]) == hollow]},
            "mark": {**point, "stroke": colour, "fill": "var(--paper)" if hollow else colour},
        }
    masked = [{"period": p.period, "value": bottom, "letters": "c"} for p in line.points if p.masked]
    # two masked figures of one period stand above each other
    for values, above in (([row for row in drawn if row["letters"]], 11), (masked, 8 + 14 * at)):
        yield {
            "data": {"values": values},
            "mark": {"type": "text", "dy": -above, "fontSize": 12, "fontStyle": "italic", "color": colour},
            "encoding": {"text": {"field": "letters", "type": "nominal"}},
        }


def _rows(line: Line, periods: list[str]) -> Iterator[dict[str, Any]]:
    """A row for every period. `piece` grows where the line must not go on: at a gap, and at a break."""
    points = {point.period: point for point in line.points}
    piece = 0
    for period in periods:
        point = points.get(period)
        value = point.value if point else None
        if value is None or (point and BREAK in point.flags):
            piece += 1
        letters = ", ".join(flag.lower() for flag in point.flags) if point else ""
        yield {"period": period, "value": value, "piece": piece, "letters": letters}


def _labels(
    lines: tuple[Line, ...], labels: list[list[str]], size: Size, bottom: float, top: float
) -> Iterator[dict[str, Any]]:
    """The name of each line at its end, moved apart where the ends are close."""
    ends = []
    for at, line in enumerate(lines):
        values = [point.value for point in line.points if point.value is not None]
        if values:
            ends.append((size.height * (top - values[-1]) / (top - bottom), at))
    ends.sort()
    heights = [len(labels[at]) * LINE_HEIGHT for _, at in ends]
    middles = _apart([wanted for wanted, _ in ends], heights, size.height)
    for (_, at), height, middle in zip(ends, heights, middles, strict=True):
        place = {"x": {"value": size.width + 4}, "y": {"value": middle - height / 2 + LINE_HEIGHT / 2}}
        words = {"text": labels[at], "lineHeight": LINE_HEIGHT, "fontSize": 12.5, "fontWeight": 600}
        yield {
            "data": {"values": [{}]},
            "mark": {"type": "text", "align": "left", "baseline": "middle", "color": COLOURS[at], **words},
            "encoding": place,
        }


def _wrapped(line: Line, size: Size) -> list[str]:
    return textwrap.wrap(line.label, size.wrap, max_lines=5, placeholder=" …") or [""]


def _apart(wanted: list[float], heights: list[int], whole: int) -> list[float]:
    """Middles of boxes of these heights, from above: near the wanted ones, apart, and inside `whole`."""
    places: list[float] = []
    for at, middle in enumerate(wanted):
        floor = places[-1] + (heights[at - 1] + heights[at]) / 2 + 6 if places else heights[at] / 2 - 8
        places.append(max(middle, floor))
    ceiling = whole + 8.0
    for at in reversed(range(len(places))):
        places[at] = min(places[at], ceiling - heights[at] / 2)
        ceiling = places[at] - heights[at] / 2 - 6
    return places


def _some(periods: list[str], most: int) -> list[str]:
    """At most `most` of the periods, evenly apart, the last among them."""
    step = -(-len(periods) // most)
    return periods[::-1][::step][::-1]


def _ceiling(value: float) -> float:
    """A round number above `value`, for the end of the axis."""
    if value <= 0:
        return 1.0
    power = 10.0 ** (len(str(int(value))) - 1) if value >= 1 else 0.1
    steps = (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 20)
    return next(step * power for step in steps if step * power >= value * 1.02)
