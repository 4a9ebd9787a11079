"""What the rows of a file are for, and what is to be done with them: its parts, as they are met.

A column shifted by one can make every row a dataflow of its own; so their number has a limit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from ..columns import Indices, Part
from ..report import Place

MOST = 100
"""Parts that a list may have."""

_ACTIONS = {word[0]: word for word in ("Information", "Append", "Replace", "Delete", "Merge")}


class Parts:
    """The parts in the order in which a file has them, one for each target and action; `most` at most."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._numbers: dict[tuple[str, str, str], int] = {}
        self._found: list[Part] = []

    @property
    def all(self) -> tuple[Part, ...]:
        return tuple(self._found)

    def number(self, part: Part) -> int:
        """Which part this is; -1 for one too many."""
        key = (*part.target, part.action)
        if key not in self._numbers:
            if len(self._found) == self._most:
                return -1
            self._numbers[key] = len(self._found)
            self._found.append(part)
        return self._numbers[key]


class Terms:
    """The columns that SDMX-CSV reserves for saying it: `terms` tells where each stands, from 0."""

    def __init__(self, terms: Mapping[str, int], parts: Parts, sheet: str = "") -> None:
        self._terms, self._parts, self._sheet = terms, parts, sheet
        self._of_said: dict[tuple[str, ...], int] = {}

    def numbers(self, columns: Sequence[pa.DictionaryArray], rows: Indices) -> Indices:
        """The part of each row, from what the terms say there; -1 beyond the limit. `rows`: their lines."""
        single = all(len(column.dictionary) == 1 for column in columns)
        codes = np.zeros(1 if single else len(rows), np.int64)
        for column in columns:
            codes = codes * len(column.dictionary) + column.indices.to_numpy()[: len(codes)]
        _, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
        texts = [column.dictionary.to_pylist() for column in columns]
        indices = [column.indices.to_numpy()[first].tolist() for column in columns]
        numbers = np.zeros(len(first), np.int64)
        for at in np.argsort(first):
            said = tuple(words[own[at]] for words, own in zip(texts, indices, strict=True))
            numbers[at] = self._number(said, int(rows[first[at]]))
        return np.broadcast_to(numbers, len(rows)) if single else numbers[inverse]

    def _number(self, said: tuple[str, ...], row: int) -> int:
        if said not in self._of_said:
            number = self._parts.number(self._part(dict(zip(self._terms, said, strict=True)), row))
            if number < 0:
                return number
            self._of_said[said] = number
        return self._of_said[said]

    def _part(self, named: Mapping[str, str], row: int) -> Part:
        term = "DATAFLOW" if "DATAFLOW" in named else "STRUCTURE_ID"
        reference = named[term].partition(": ")[0].strip()
        kind = named.get("STRUCTURE", "dataflow").strip().lower() if reference else ""
        letter = named.get("ACTION", "").strip()
        place = Place(row=row, column=self._terms[term] + 1, sheet=self._sheet, given=named[term])
        return Part(kind, reference, _ACTIONS.get(letter, letter), place)
