"""An artefact in one language, as `lang` asks: texts in others are left out (sdmx-rest 2.2.2, doc/extend.md).

The schemas demand a name of everything that may have one: where there is none in the language, the best other
one stays, under its own tag. What lost a text says so by isPartialLanguage (SDMX 3.1, SDMX-JSON 2.1).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from functools import cache
from typing import Any, TypeVar

from ..structures import Maintainable, Text, in_language

A = TypeVar("A", bound=Maintainable)

_MAY_BE_EMPTY = frozenset(("descriptions", "texts", "urls", "departments", "roles"))


class Translation:
    """Into one language, given without region; `found` once something was there in it."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.found = False

    def of(self, artefact: A) -> A:
        made: A = self._made(artefact)
        return artefact if made is artefact else replace(made, is_partial_language=True)

    def _made(self, value: Any) -> Any:
        """The same object when nothing is lost."""
        if isinstance(value, tuple):
            parts = [self._made(part) for part in value]
            return value if all(a is b for a, b in zip(parts, value, strict=True)) else tuple(parts)
        if not is_dataclass(value) or isinstance(value, type):
            return value
        changed = {}
        for name in _fields(type(value)):
            given = getattr(value, name)
            if not given:
                continue
            made = self._text(name, given) if isinstance(given, Mapping) else self._made(given)
            if made is not given:
                changed[name] = made
        return replace(value, **changed) if changed else value

    def _text(self, name: str, text: Text) -> Text:
        kept = {tag: said for tag, said in text.items() if not tag or short(tag) == self.language}
        self.found = self.found or any(kept)
        if len(kept) == len(text):
            return text
        if kept or name in _MAY_BE_EMPTY:
            return kept
        return dict((in_language(text),))


def short(tag: str) -> str:
    """A language tag without its region."""
    return tag.partition("-")[0].lower()


@cache
def _fields(cls: type[Any]) -> tuple[str, ...]:
    """The fields that may hold texts, or what has them; those of plain text and numbers do not."""
    return tuple(f.name for f in fields(cls) if f.type not in ("str", "bool", "int", "Reference | None"))
