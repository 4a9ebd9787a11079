"""Charts: a Vega-Lite specification as a dict, drawn to SVG on the server. Colours are variables of style.css.

The SVG stands in the page, so that its text is text and follows light and dark. Honest lines: a break in the series
interrupts the line, a gap stays a gap, a figure with a flag is hollow and bears the flag's letter.
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


@dataclass(frozen=True)
class Size:
    """Of the drawing, without axes and labels; `wrap` is how many letters a label has on a line."""

    width: int
    height: int
    margin: int
    wrap: int
    most_ticks: int


SIZES: dict[str, Size] = {
    "wide": Size(430, 270, 150, 20, 12),
    "narrow": Size(196, 210, 88, 12, 4),
}

Kind = Literal["wide", "narrow"]


def line_chart(lines: tuple[Line, ...], kind: Kind, locale: Mapping[str, object]) -> str:
    """The SVG of up to two lines over the same periods; "" when there is nothing to draw."""
    periods = list(dict.fromkeys(point.period for line in lines for point in line.points))
    if not any(point.value is not None for line in lines for point in line.points):
        return ""
    return _drawn(orjson.dumps(specification(lines, sorted(periods), SIZES[kind])), orjson.dumps(locale))


@lru_cache(maxsize=256)
def _drawn(specification: bytes, locale: bytes) -> str:
    import vl_convert  # V8 takes 60 MB: a process that draws nothing does without

    svg: str = vl_convert.vegalite_to_svg(
        specification.decode(), allowed_base_urls=[], format_locale=orjson.loads(locale)
    )
    return svg


def specification(lines: tuple[Line, ...], periods: list[str], size: Size) -> dict[str, Any]:
    """Vega-Lite, complete with its data."""
    top = _ceiling(max(p.value for line in lines for p in line.points if p.value is not None))
    x = {
        "field": "period", "type": "ordinal", "scale": {"domain": periods, "type": "point", "padding": 0.3},
        "axis": {"values": _some(periods, size.most_ticks), "labelAngle": 0, "title": None, "grid": False},
    }  # fmt: skip
    y = {
        "field": "value", "type": "quantitative", "scale": {"domain": [0, top], "nice": False},
        "axis": {"title": None, "tickCount": 5, "format": ",", "domain": False, "ticks": False, "labelPadding": 6},
    }  # fmt: skip
    layers = [layer for at, line in enumerate(lines) for layer in _layers(line, at, periods)]
    layers += list(_labels(lines, periods, size, top))
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "width": size.width, "height": size.height, "background": None,
        "padding": {"left": 2, "top": 12, "bottom": 2, "right": size.margin},
        "autosize": {"type": "pad", "contains": "content"},
        "encoding": {"x": x, "y": y}, "layer": layers, "config": _CONFIG,
    }  # fmt: skip


_CONFIG: dict[str, Any] = {
    "aria": False, "font": FONT, "view": {"stroke": None},
    "axis": {
        "labelFontSize": 12, "labelColor": "var(--quiet)", "gridColor": "var(--rule)", "domainColor": "var(--ink)",
        "tickColor": "var(--ink)", "gridWidth": 1,
    },
}  # fmt: skip


def _layers(line: Line, at: int, periods: list[str]) -> Iterator[dict[str, Any]]:
    """The line in its unbroken pieces, its points, and the letters of its flags."""
    colour, shape = COLOURS[at], SHAPES[at]
    rows = list(_rows(line, periods))
    yield {
        "data": {"values": rows}, "mark": {"type": "line", "color": colour, "strokeWidth": 2.25},
        "encoding": {"detail": {"field": "piece", "type": "nominal"}},
    }  # fmt: skip
    drawn = [row for row in rows if row["value"] is not None]
    for hollow in (False, True):
        yield {
            "data": {"values": [row for row in drawn if bool(row["letters"]) == hollow]},
            "mark": {
                "type": "point", "shape": shape, "size": 46, "strokeWidth": 1.75, "opacity": 1, "stroke": colour,
                "fill": "var(--paper)" if hollow else colour,
            },
        }  # fmt: skip
    yield {
        "data": {"values": [row for row in drawn if row["letters"]]},
        "mark": {"type": "text", "dy": -11, "fontSize": 12, "fontStyle": "italic", "color": colour},
        "encoding": {"text": {"field": "letters", "type": "nominal"}},
    }  # fmt: skip
    yield {
        "data": {"values": [{"period": p.period, "value": 0, "letters": "c"} for p in line.points if p.masked]},
        "mark": {"type": "text", "dy": -8 - 14 * at, "fontSize": 12, "fontStyle": "italic", "color": colour},
        "encoding": {"text": {"field": "letters", "type": "nominal"}},
    }  # fmt: skip


def _rows(line: Line, periods: list[str]) -> Iterator[dict[str, Any]]:
    """A row for every period. `piece` grows where the line must not go on: at a gap, and at a break in the series."""
    points = {point.period: point for point in line.points}
    piece = 0
    for period in periods:
        point = points.get(period)
        value = point.value if point else None
        if value is None or (point and BREAK in point.flags):
            piece += 1
        letters = ", ".join(flag.lower() for flag in point.flags) if point else ""
        yield {"period": period, "value": value, "piece": piece, "letters": letters}


def _labels(lines: tuple[Line, ...], periods: list[str], size: Size, top: float) -> Iterator[dict[str, Any]]:
    """The name of each line at its end, moved apart where the ends are close."""
    ends = []
    for at, line in enumerate(lines):
        last = [point for point in line.points if point.value is not None]
        if last:
            text = textwrap.wrap(line.label, size.wrap, max_lines=5, placeholder=" …")
            value = last[-1].value or 0
            ends.append({"at": at, "text": text, "y": size.height * (1 - value / top)})
    ends.sort(key=lambda end: end["y"])
    for end, place in zip(ends, _apart([(e["y"], len(e["text"]) * LINE_HEIGHT) for e in ends], size.height), strict=True):
        height = len(end["text"]) * LINE_HEIGHT
        yield {
            "data": {"values": [{}]},
            "mark": {
                "type": "text", "align": "left", "baseline": "middle", "lineHeight": LINE_HEIGHT, "fontSize": 12.5,
                "fontWeight": 600, "color": COLOURS[end["at"]], "text": end["text"], "x": size.width + 4,
                "y": place - height / 2 + LINE_HEIGHT / 2,
            },
            "encoding": {"x": {"value": size.width + 4}, "y": {"value": place - height / 2 + LINE_HEIGHT / 2}},
        }  # fmt: skip


def _apart(boxes: list[tuple[float, int]], height: int) -> list[float]:
    """Middles of boxes given as (wanted middle, height) from above, without overlap, inside the drawing."""
    places: list[float] = []
    for wanted, tall in boxes:
        floor = places[-1] + (boxes[len(places) - 1][1] + tall) / 2 + 6 if places else tall / 2 - 8
        places.append(max(wanted, floor))
    over = places[-1] + boxes[-1][1] / 2 - height - 8 if places else 0
    for at in reversed(range(len(places))):
        if over > 0:
            places[at] -= over
            if at:
                gap = (boxes[at - 1][1] + boxes[at][1]) / 2 + 6
                over = places[at - 1] + gap - places[at]
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
    return next(step * power for step in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 20) if step * power >= value * 1.02)
