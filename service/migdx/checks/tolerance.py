"""By how much a sum may miss its total: rounding as it was declared, or as the digits that were sent show it.

Every term of a sum, the total among them, was rounded by itself, so that what each may be off by adds up:
half a base where it went to the nearest multiple, all but one unit of it where chance chose the side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ..columns import Flags, Indices
from ..dataset import Numbers
from .cells import Cells
from .cube import Floats

UNDECLARED = 10.0
"""The base to which figures may have been rounded without a word: what that explains is no certain fault."""

DECIMALS = "DECIMALS"
"""The attribute that says how many decimals are sent (SDMX cross-domain concepts)."""

_NOISE = 1e-9
"""What adding fractions in binary may be off by, in units."""


@dataclass(frozen=True)
class Slack:
    """What each row adds to the difference that a sum may show, in units; one number where all agree.

    Up to the sum of `soft` nothing is wrong; above that of `hard` something certainly is.
    """

    soft: Floats | float
    hard: Floats | float

    def of(self, rows: npt.NDArray[Any]) -> tuple[Floats, Floats]:
        """Soft and hard for rows."""
        soft, hard = (
            np.full(len(rows), part) if isinstance(part, float) else part[rows]
            for part in (self.soft, self.hard)
        )
        return soft, hard

    @property
    def least(self) -> float:
        """What every row has at least of `soft`."""
        return self.soft if isinstance(self.soft, float) else float(np.min(self.soft, initial=0.0))


def slack(cells: Cells, undeclared: float = UNDECLARED) -> Slack:
    """Of every row of the cells. Counts are whole where they have no decimals and are not in thousands.

    With `undeclared` 0 they are no counts but shares, which are as exact as the last digit sent.
    """
    found: Slack = cells.once(("slack", undeclared), lambda: _slack(cells, undeclared))
    return found


def allowed(cells: Cells, rows: npt.NDArray[Any], undeclared: float = UNDECLARED) -> tuple[Floats, Flags]:
    """For each column of a matrix of row numbers (one term of a sum in each line, NONE for no term): the
    difference that rounding allows, and whether a larger one is certain to be a fault.
    """
    own = slack(cells, undeclared)
    there = rows >= 0
    soft, hard = (part.reshape(rows.shape) for part in own.of(rows.ravel()))
    certain = ~(there & (hard > soft)).any(axis=0)
    return np.where(there, soft, 0.0).sum(axis=0) + _NOISE, np.asarray(certain)


def noise(total: Floats) -> Floats:
    """What a sum may miss its total by for no other reason than binary fractions."""
    return _NOISE + 1e-12 * np.abs(total)


def _slack(cells: Cells, undeclared: float) -> Slack:
    digit = _last_digit(cells, shares=undeclared == 0) / 2
    base, method = _base(cells), _methods(cells)
    if base is None and method is None:
        return Slack(_plain(digit), _plain(np.maximum(undeclared / 2, digit)))
    size = len(cells)
    given = np.full(size, np.nan) if base is None else base
    kinds = np.full(size, "") if method is None else method
    half = np.nan_to_num(given) / 2
    soft = np.select(
        [(kinds == "random") & ~np.isnan(given)], [np.maximum(np.nan_to_num(given) - 1, half)], half
    )
    exact = (kinds == "exact") | (given == 0)
    known = ((kinds == "nearest") | (kinds == "random")) & ~np.isnan(given)
    nothing = (kinds == "") & np.isnan(given)
    soft = np.where(exact, 0.0, np.maximum(soft, digit))
    hard = np.select([exact, known, nothing], [0.0, soft, np.maximum(undeclared / 2, digit)], np.inf)
    return Slack(_plain(soft), _plain(hard))


def _plain(found: Floats | float) -> Floats | float:
    """One number where there is no other."""
    if isinstance(found, np.ndarray) and found.ndim and len(found) and (found == found[0]).all():
        return float(found[0])
    return found if isinstance(found, np.ndarray) and found.ndim else float(found)


def _base(cells: Cells) -> Floats | None:
    values = cells.number(cells.scale.base) if cells.scale.base else np.full(0, np.nan)
    return None if np.isnan(values).all() else values


def _methods(cells: Cells) -> npt.NDArray[np.str_] | None:
    """What the method of each row does, "" where none is declared."""
    column = cells.coded(cells.scale.method)
    if (column.codes < 0).all():
        return None
    kinds = [cells.scale.methods.get(value, "distorted") for value in column.values]
    return np.asarray(np.array([*kinds, ""])[column.codes])


def _last_digit(cells: Cells, *, shares: bool) -> Floats | float:
    """What one of the last digit sent is, in units; 0 where the figures are whole counts.

    As many decimals count as DECIMALS says, or as any row of the same multiplier has.
    """
    rows, sent = _decimals_sent(cells)
    told = _decimals_told(cells)
    if isinstance(cells.factor, float):
        return _digit(cells.factor, max(int(sent.max(initial=0)), int(told.max(initial=0))), shares=shares)
    found = np.zeros(len(cells))
    column = cells.coded(cells.scale.multiplier)
    for code in range(-1, len(column.values)):
        same = np.flatnonzero(column.codes == code)
        if len(same):
            places = max(
                int(sent[column.codes[rows] == code].max(initial=0)),
                int(told.max(initial=0) if len(told) == 1 else told[same].max()),
            )
            found[same] = _digit(float(cells.factor[same[0]]), places, shares=shares)
    return found


def _digit(factor: float, places: int, *, shares: bool) -> float:
    if np.isnan(factor) or (factor <= 1 and places == 0 and not shares):
        return 0.0
    return float(factor * 10.0**-places)


def _decimals_told(cells: Cells) -> npt.NDArray[np.int64]:
    """What DECIMALS says of each row, or of all of them."""
    column = cells.dataset.coded(DECIMALS)
    if column is None:
        return np.zeros(1, np.int64)
    told = np.array([*(int(value) if value.isdigit() else 0 for value in column.values), 0], np.int64)
    return np.asarray(told[column.codes])


def _decimals_sent(cells: Cells) -> tuple[Indices, npt.NDArray[np.int64]]:
    """The rows whose figure is no whole number, and how many decimals each has as its sender wrote it."""
    column = cells.dataset.columns.get(cells.measure)
    if not isinstance(column, Numbers):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    rows = np.flatnonzero((column.values != np.rint(column.values)) & ~np.isnan(column.values))
    texts = pc.utf8_trim_whitespace(column.texts.take(pa.array(rows)))
    behind = pc.subtract(pc.binary_length(texts), pc.add(pc.find_substring(texts, "."), 1))
    plain = pc.and_(pc.match_substring(texts, "."), pc.invert(pc.match_substring_regex(texts, "[eE]")))
    return rows, np.asarray(pc.if_else(plain, behind, 0)).astype(np.int64)
