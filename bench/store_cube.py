"""The cube that stores are measured with: 200 areas that each report once, sparse as real tables are.

Every area is drawn from its own seed, so that areas can be made one at a time and a cube of 10^8 observations
never stands in memory. Areas differ in size, most have few partners, totals are told more often than their
parts, and series begin late or have gaps.
"""

from __future__ import annotations

from collections.abc import Iterator

import cubes
import numpy as np
import pyarrow as pa

from migdx.periods import parse_period
from migdx.structures import Maintainable

YEARS = [str(year) for year in range(1990, 2026)]
AREAS = [f"A{number:03}" for number in range(200)]
FLOWS = ("I00", "I01")
"""Those who arrived, by area of origin, and those who left, by area of destination."""
CODES = {
    "REF_AREA": AREAS,
    "INDICATOR": [f"I{number:02}" for number in range(40)],
    "CITIZENSHIP": ["CIT", "FOR", "_T", "_U"],
    "BIRTH": ["FB", "NB", "_T", "_U"],
    "SEX": ["F", "M", "_T"],
    "AGE": [f"Y{number:02}T{number + 4:02}" for number in range(0, 100, 5)] + ["_T"],
    "PARTNER": [*AREAS, "W0"],
    "OBS_STATUS": ["A", "B", "E", "P", "Q"],
    "CONF_STATUS": ["C", "F"],
    "UNIT_MULT": ["0", "3"],
    "SOURCE": ["C", "R", "S"],
}
KEY = ["REF_AREA", "INDICATOR", "CITIZENSHIP", "BIRTH", "SEX", "AGE", "PARTNER"]
SERIES_ATTRIBUTES = ["UNIT_MULT", "SOURCE"]
OBSERVATION_ATTRIBUTES = ["OBS_STATUS", "CONF_STATUS", "COMMENT"]
ATTRIBUTES = (*SERIES_ATTRIBUTES, *OBSERVATION_ATTRIBUTES)
MEAN = 26.2
"""Observations of a series, about."""

_INNER = KEY[1:]
_WEIGHTS = {
    "CITIZENSHIP": [2, 2, 4, 0.3],
    "BIRTH": [2, 2, 4, 0.3],
    "SEX": [1, 1, 1.2],
    "AGE": [1.0] * 20 + [5],
}
_COMMENTS = ["", "Break in series, see the note", 'Estimate "A" & B', "Provisional until the next census"]


def structures() -> list[Maintainable]:
    return cubes.structures(CODES, KEY, SERIES_ATTRIBUTES, OBSERVATION_ATTRIBUTES)


def sizes(observations: int, seed: int = 2026) -> list[int]:
    """How many observations each area reports, about; the largest a dozen times as many as the middle one."""
    weights = np.random.default_rng([seed, 0]).lognormal(0, 0.9, len(AREAS))
    return [max(200, int(size)) for size in observations * weights / weights.sum()]


def tables(observations: int, seed: int = 2026) -> Iterator[tuple[str, pa.Table]]:
    """Each area with its rows as a store is given them, sorted."""
    for number, size in enumerate(sizes(observations, seed)):
        yield AREAS[number], area(number, size, seed)


def area(number: int, observations: int, seed: int = 2026, revision: int = 1) -> pa.Table:
    """The rows of one area; another `revision` has other figures in the same places."""
    rng = np.random.default_rng([seed, 1, number])
    keys = _keys(rng, number, max(1, round(observations / MEAN)))
    start = np.where(rng.random(len(keys)) < 0.5, 0, rng.integers(0, 30, len(keys)))
    present = np.arange(len(YEARS)) >= start[:, None]
    present &= rng.random(present.shape) < 0.95
    present[~present.any(axis=1), -1] = True
    series, years = np.nonzero(present)
    columns: dict[str, pa.Array] = {"REF_AREA": _dictionary(np.full(len(series), number), AREAS)}
    codes = np.unravel_index(keys, [len(CODES[id]) for id in _INNER])
    for id, of_series in zip(_INNER, codes, strict=True):
        columns[id] = _dictionary(of_series[series], CODES[id])
    columns["TIME_PERIOD"] = _dictionary(years, YEARS)
    periods = [period for year in YEARS if (period := parse_period(year))]
    columns["_start"] = pa.array(np.array([p.start for p in periods], np.int32)[years])
    columns["_end"] = pa.array(np.array([p.end for p in periods], np.int32)[years])
    if revision > 1:
        rng = np.random.default_rng([seed, revision, number])
    return pa.table(columns | _said(rng, series, len(keys)))


def _said(rng: np.random.Generator, series: np.ndarray, keys: int) -> dict[str, pa.Array]:
    """Measure and attributes. Levels belong to series; values are whole, and one in fifty is missing."""
    rows = len(series)
    level = rng.lognormal(5, 2, keys)[series]
    found = {"OBS_VALUE": pa.array(np.round(level * rng.normal(1, 0.1, rows)), mask=rng.random(rows) < 0.02)}
    found["_text_OBS_VALUE"] = pa.nulls(rows, pa.utf8())
    for id in SERIES_ATTRIBUTES:
        found[id] = _dictionary(rng.integers(0, len(CODES[id]), keys)[series], CODES[id])
    found["OBS_STATUS"] = _dictionary(rng.choice(4, rows, p=[0.9, 0.02, 0.04, 0.04]), CODES["OBS_STATUS"])
    found["CONF_STATUS"] = _dictionary((rng.random(rows) > 0.01).astype(np.int32), CODES["CONF_STATUS"])
    picked = rng.choice(4, rows, p=[0.97, 0.01, 0.01, 0.01]).astype(np.int32)
    found["COMMENT"] = pa.DictionaryArray.from_arrays(pa.array(picked, mask=picked == 0), pa.array(_COMMENTS))
    return found


def _keys(rng: np.random.Generator, number: int, wanted: int) -> np.ndarray:
    """Numbers of series, sorted: drawn by weights until there are enough."""
    shapes = [len(CODES[id]) for id in _INNER]
    weights = {id: np.array(_WEIGHTS[id]) for id in _WEIGHTS}
    weights["INDICATOR"] = rng.lognormal(0, 0.5, 40)
    weights["PARTNER"] = np.append(rng.lognormal(0, 1, len(AREAS)), 8)
    weights["PARTNER"][number] = 0
    found = np.zeros(0, np.int64)
    for _ in range(40):
        more = {id: rng.choice(len(w), wanted, p=w / w.sum()) for id, w in weights.items()}
        _plainer(rng, more)
        found = np.unique(np.append(found, np.ravel_multi_index([more[id] for id in _INNER], shapes)))
        if len(found) >= wanted:
            break
    return np.sort(rng.choice(found, min(wanted, len(found)), replace=False))


def _plainer(rng: np.random.Generator, drawn: dict[str, np.ndarray]) -> None:
    """Flows are seldom told in detail by partner, so that two areas often speak of the same series."""
    flows = np.flatnonzero(drawn["INDICATOR"] < len(FLOWS))
    for id in ("CITIZENSHIP", "BIRTH", "AGE"):
        drawn[id][flows[rng.random(len(flows)) < 0.9]] = CODES[id].index("_T")


def _dictionary(codes: np.ndarray, values: list[str]) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), pa.array(values))
