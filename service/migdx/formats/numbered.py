"""Texts numbered in the order in which they are met: a column of many rows has few different ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Codes = npt.NDArray[np.signedinteger[Any]]


def narrowest(distinct: int) -> type[np.signedinteger[Any]]:
    """Most lists have less than 128 codes: an index in one byte is a quarter of the memory."""
    return np.int8 if distinct < 1 << 7 else np.int16 if distinct < 1 << 15 else np.int32


class Numbered:
    """The different texts of a component, by text; -1 stands for none."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def codes(self, texts: Sequence[str | None]) -> Codes:
        """The number of each text; -1 of an empty one."""
        numbers = self.numbers
        own: list[int | None] = list(map(numbers.get, texts))  # type: ignore[arg-type]
        if None in own:  # some are new, or empty
            own = [numbers.setdefault(text, len(numbers)) if text else -1 for text in texts]
        return np.array(own, narrowest(len(numbers)))

    def __len__(self) -> int:
        return len(self.numbers)

    def column(self, codes: Codes) -> pa.DictionaryArray:
        missing = codes < 0
        indices = pa.array(codes, mask=missing if missing.any() else None)
        return pa.DictionaryArray.from_arrays(indices, pa.array(list(self.numbers), pa.utf8()))
