"""Patterns of a map, applied in the service: only those that end soon on whatever text stands in a cell.

The reader applies every pattern, in a process whose time is limited; here they are a courtesy.
"""

from __future__ import annotations

import re
import time

from ..errors import SyntaxFault
from ..formats.workbook_texts import plain

_LONGEST = 100
"""Characters of a text, and of a pattern, that are looked at."""

_REPEATS = 3
"""Repetitions in one pattern: each may try every length of a text."""

_CHOICES = 3
"""Choices (? and |) in a pattern, for each repetition that it could have more: each may double the trials."""

_BUDGET = 3.0


class Pattern:
    """Takes its first group out of texts, for `_BUDGET` seconds in all."""

    def __init__(self, pattern: str) -> None:
        if len(pattern) > _LONGEST or _too_involved(pattern):
            raise SyntaxFault(
                f"The pattern '{pattern[:_LONGEST]}' is too involved; "
                f"expected at most {_REPEATS} repetitions, none of a group, and few choices"
            )
        self._pattern = re.compile(pattern)
        self._end = time.monotonic() + _BUDGET

    def taken(self, text: str) -> str:
        """What the first group of the pattern says; the text as it is where it does not match."""
        if time.monotonic() > self._end:
            raise SyntaxFault("The patterns of this map take too long; expected simpler ones")
        found = self._pattern.search(text[:_LONGEST])
        return plain(found[1] or "") if found else text


_PIECE = re.compile(
    r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?(?:[:=!]|<[=!])?|[*+?][+?]?|\{[\d,]*\}[+?]?|.", re.DOTALL
)


def _too_involved(pattern: str) -> bool:
    """Whether a text may be tried in too many ways: a group that repeats, or many repetitions and choices."""
    repeats, choices, before = 0, 0, ""
    for piece in _PIECE.findall(pattern):
        if piece == "(?":  # comments, names and flags: they would have to be understood
            return True
        if piece[0] in "*+" or (piece[0] == "{" and len(piece) > 1):
            if before == ")":
                return True
            repeats += 1
        elif piece[0] in "?|":
            choices += 1
        before = piece
    return repeats > _REPEATS or choices > _CHOICES * (1 + _REPEATS - repeats)
