"""Address: what a URL says, taken from its raw text, because `+` is an operator and %2F is no separator.

WSGI hands over decoded paths; servers also give what was sent (RAW_URI, REQUEST_URI), and that is read here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from ..errors import SyntaxFault
from ..query import OPERATORS, Condition, parse_condition

_CONDITION = re.compile(r"c\[(.*)\]\Z")
_BLANK_AND = re.compile(rf" (?=(?:{'|'.join(OPERATORS)}):)")
_MOST = 10**12


@dataclass(frozen=True)
class Address:
    """Segments of the path, decoded one by one, and query parameters in their order; the `+` in both is kept.

    Empty segments at both ends are dropped: `//` after the root and a trailing slash mean nothing.
    """

    segments: tuple[str, ...]
    parameters: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, environ: Mapping[str, Any]) -> Address:
        raw = str(environ.get("RAW_URI") or environ.get("REQUEST_URI") or "").partition("?")[0]
        if raw:
            mounted = str(environ.get("SCRIPT_NAME", "")).count("/")
            given = (urlsplit(raw).path if "://" in raw else raw).split("/")[mounted + 1 :]
        else:
            # PATH_INFO carries bytes as Latin-1 (PEP 3333)
            given = quote(str(environ.get("PATH_INFO", "")).encode("latin-1")).split("/")
        segments = [_decoded(segment) for segment in given]
        parameters = [
            (_decoded(name), _decoded(value))
            for name, _, value in (
                pair.partition("=") for pair in str(environ.get("QUERY_STRING", "")).split("&")
            )
            if name
        ]
        return cls(_trimmed(segments), tuple(parameters))

    def after(self, count: int) -> Address:
        """The same without its first `count` segments."""
        return Address(_trimmed(self.segments[count:]), self.parameters)

    def segment(self, at: int, missing: str = "*") -> str:
        """A segment of the path; `missing` when it is not there, or empty."""
        return (self.segments[at] if at < len(self.segments) else "") or missing

    def at_most(self, count: int, pattern: str) -> None:
        """Raises SyntaxFault when the path is longer than `pattern`, which shows its parts."""
        if len(self.segments) > count:
            raise SyntaxFault(f"The path has {len(self.segments)} parts; expected at most {pattern}")

    def get(self, name: str, missing: str = "") -> str:
        """The first value of a parameter; `missing` when it is not there, or empty."""
        return next((value for key, value in self.parameters if key == name), "") or missing

    def one_of(self, name: str, words: tuple[str, ...]) -> str:
        """A parameter that is one of `words`, the first of them when it is not there."""
        value = self.get(name, words[0])
        if value not in words:
            raise SyntaxFault(f"{name}={value}: expected one of {', '.join(words)}")
        return value

    def listed(self, name: str, missing: str) -> tuple[str, ...]:
        return tuple(word for word in self.get(name, missing).split(",") if word)

    def number(self, name: str, least: int) -> int:
        """A whole number from `least` on, 0 when it is not given."""
        text = self.get(name)
        if not text:
            return 0
        if not (text.isascii() and text.isdigit() and int(text[:18]) >= least):
            raise SyntaxFault(f"{name}={text}: expected a whole number from {least} on")
        return min(int(text[:18]), _MOST)

    def conditions(self) -> tuple[Condition, ...]:
        """The parameters c[COMPONENT], each component once."""
        found: dict[str, Condition] = {}
        for name, value in self.parameters:
            match = _CONDITION.match(name)
            if match is None:
                continue
            if match[1] in found:
                raise SyntaxFault(f"c[{match[1]}] is given twice; join its values with , (or) or + (and)")
            found[match[1]] = parse_condition(match[1], _BLANK_AND.sub("+", value))
        return tuple(found.values())


def _trimmed(segments: tuple[str, ...] | list[str]) -> tuple[str, ...]:
    first = next((at for at, segment in enumerate(segments) if segment), len(segments))
    last = max((at for at, segment in enumerate(segments) if segment), default=-1)
    return tuple(segments[first : last + 1])


def _decoded(text: str) -> str:
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise SyntaxFault(f"'{text}' is not UTF-8 once its %-escapes are decoded") from None
