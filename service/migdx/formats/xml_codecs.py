"""How a text of SDMX-ML is a value of the model, and the other way: words, ids, truths, instants."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .markup import instant


@dataclass(frozen=True)
class Codec:
    """`read` raises ValueError for a text that is not as `expected`; "" written is left out of attributes."""

    read: Callable[[str], Any]
    write: Callable[[Any], str]
    expected: str = "text"


def _truth(given: str) -> bool:
    found = {"true": True, "1": True, "false": False, "0": False}.get(given.strip())
    if found is None:
        raise ValueError(given)
    return found


def matching(pattern: str, expected: str) -> Codec:
    """Words that match all of `pattern`."""
    compiled = re.compile(rf"(?:{pattern})\Z", re.ASCII)

    def read(given: str) -> str:
        word = given.strip()
        if not compiled.match(word):
            raise ValueError(word)
        return word

    return Codec(read, str, expected)


def one_of(**words: Any) -> Codec:
    """Words that stand for values of the model."""
    spelled = {value: word for word, value in words.items()}

    def read(given: str) -> Any:
        if given.strip() not in words:
            raise ValueError(given)
        return words[given.strip()]

    return Codec(read, spelled.__getitem__, " or ".join(words))


TEXT = Codec(str, str)
WORD = Codec(str.strip, str)
INSTANT = Codec(str.strip, instant)
DAY = Codec(str.strip, lambda given: given.partition("T")[0])
"""An xs:date; what comes from SDMX-JSON may say an hour too."""
TRUTH = Codec(_truth, lambda value: "true" if value else "false", "true or false")
FLAG = Codec(_truth, lambda value: "true" if value else "", "true or false")
"""False when it is not there."""
UNLESS = Codec(_truth, lambda value: "" if value else "false", "true or false")
"""True when it is not there."""
ID = matching(r"[A-Za-z0-9_@$-]+", "an SDMX identifier (letters, digits, _ @ $ -)")
PATH = matching(r"[A-Za-z0-9_@$-]+(?:\.[A-Za-z0-9_@$-]+)*", "SDMX identifiers with dots between them")
AGENCY = matching(
    r"[A-Za-z][A-Za-z0-9_-]*(?:\.[A-Za-z][A-Za-z0-9_-]*)*", "the id of an agency (such as SDMX or OECD.SDD)"
)
VERSION = matching(r"\d+(?:\.\d+)*(?:-[A-Za-z0-9.-]+)?", "a version (such as 1.0 or 2.1.0)")
