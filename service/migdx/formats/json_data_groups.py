"""`dimensionGroupAttributes` of an SDMX-JSON data set: attributes of all observations under a partial key."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..columns import Indices
from .json_data_structure import Codes, Components, Structure


@dataclass
class Group:
    """Partial keys of the same dimensions: the codes of each, and where their attributes stand."""

    dimensions: tuple[str, ...]
    codes: dict[str, Codes]
    rows: Indices


class Groups:
    """The groups of a data set. `told` are the attributes, a row for each; `used` the rows that were met."""

    def __init__(self, groups: list[Group], told: Mapping[str, pa.Array], count: int) -> None:
        self._groups, self._told = groups, told
        self.used = np.zeros(count, bool)

    def columns(self, codes: Mapping[str, Codes], count: int) -> dict[str, pa.Array]:
        """The attributes of `count` records whose dimensions have these codes."""
        found: dict[str, pa.Array] = {}
        for group in self._groups:
            row = _joined(group, codes, count)
            self.used[row[row >= 0]] = True
            for id, texts in self._told.items():
                column = texts.take(pa.array(row, mask=row < 0)).cast(pa.utf8())
                found[id] = pc.coalesce(column, found[id]) if id in found else column
        return found


def _joined(group: Group, codes: Mapping[str, Codes], count: int) -> Indices:
    """For each record the row of its group, -1 for one that is in none."""
    both = np.zeros(count + len(group.rows), np.int64)
    for id in group.dimensions:
        own = codes.get(id, np.zeros(count, np.int32))
        _, number = np.unique(np.concatenate((own, group.codes[id])), return_inverse=True)
        _, both = np.unique(both * (number.max(initial=0) + 1) + number, return_inverse=True)
    row = np.full(len(both) + 1, -1, np.int64)
    row[both[count:]] = group.rows
    return np.asarray(row[both[:count]])


def grouped(keys: list[str], rows: list[list[Any]], structure: Structure) -> tuple[list[Group], list[int]]:
    """The groups that keys (`0::4:`) name, and the positions of keys that are none.

    The field guide gives every dimension its own position, whatever its level; its samples count them as the
    message lists them. What fits the keys and the dimensions that their attributes are attached to is taken.
    """
    return min(
        (_grouped(keys, rows, structure, order) for order in (structure.key, structure.listed)),
        key=lambda found: len(found[1]),
    )


def _grouped(
    keys: list[str], rows: list[list[Any]], structure: Structure, order: Components
) -> tuple[list[Group], list[int]]:
    told = structure.attributes.get("dimensionGroup", ())
    shapes: dict[tuple[int, ...], list[tuple[int, list[int]]]] = {}
    bad: list[int] = []
    for at, (text, row) in enumerate(zip(keys, rows, strict=True)):
        parts = text.split(":")
        places = tuple(place for place, part in enumerate(parts) if part)
        indexes = [int(parts[p]) if _INDEX.match(parts[p]) else -1 for p in places]
        sound = len(parts) == len(order)
        sound = sound and all(0 <= i < order[p].count for i, p in zip(indexes, places, strict=True))
        ids = {order[p].id for p in places} if sound else set()
        attached = [one.over for one, value in zip(told, row, strict=False) if value is not None and one.over]
        if sound and all(over == ids for over in attached):
            shapes.setdefault(places, []).append((at, indexes))
        else:
            bad.append(at)
    groups = []
    for places, found in shapes.items():
        codes = {}
        for column, place in enumerate(places):
            known = order[place].codes
            assert known is not None  # it counts its values
            codes[order[place].id] = known[[indexes[column] for _, indexes in found]]
        numbers = np.array([at for at, _ in found], np.int64)
        groups.append(Group(tuple(order[place].id for place in places), codes, numbers))
    return groups, bad


_INDEX = re.compile(r"[0-9]{1,9}\Z")
