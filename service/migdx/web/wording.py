"""Words: what the pages say, in the reader's language, and how they write numbers.

One table of phrases per language beside this module; test_pages.py holds them to the same keys.
"""

from __future__ import annotations

import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from flask import Request

from ..structures import Nameable, Text, in_language

LANGUAGES = {"en": "English", "fr": "Français"}
"""The languages of the pages, each by its own name; the first is the default."""

_SEPARATORS = {"en": (",", "."), "fr": ("\u202f", ",")}
_MINUS = "\u2212"


@cache
def _phrases(language: str) -> Mapping[str, str]:
    source = files("migdx.web") / "words" / f"{language}.toml"
    return tomllib.loads(source.read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Words:
    """The phrases of one language. `asked` says that the URL chose it, so that links keep it."""

    language: str
    asked: bool = False

    @classmethod
    def of(cls, request: Request) -> Words:
        """`lang` of the URL if it is one of ours, else the best of Accept-Language."""
        chosen = request.args.get("lang", "")
        if chosen in LANGUAGES:
            return cls(chosen, asked=True)
        # werkzeug's best_match prefers a worse exact match to fr for fr-CH
        wanted = (tag.partition("-")[0].lower() for tag, quality in request.accept_languages if quality)
        return cls(next((language for language in wanted if language in LANGUAGES), "en"))

    def __call__(self, phrase: str, **values: object) -> str:
        text = _phrases(self.language)[phrase]
        return text.format(**values) if values else text

    def or_same(self, text: str) -> str:
        """A short English text of a report in the reader's language; as it is when that has none."""
        return _phrases(self.language).get(text, text)

    @property
    def languages(self) -> tuple[str, ...]:
        return (self.language,)

    def text(self, text: Text, **values: object) -> str:
        """A text of the structures or of pages.toml."""
        found = in_language(text, self.languages)[1]
        return found.format(**values) if values else found

    def name(self, artefact: Nameable) -> str:
        return artefact.name(self.languages)

    def number(self, value: float, decimals: int = 0, *, signed: bool = False) -> str:
        """Grouped by thousands, with a true minus; a whole number has the decimals that are asked for."""
        if not decimals and value % 1:
            decimals = 1
        thousands, point = _SEPARATORS[self.language]
        text = f"{abs(value):,.{decimals}f}".replace(",", "\0").replace(".", point).replace("\0", thousands)
        is_zero = not text.strip("0.,\u202f")
        sign = "" if is_zero else _MINUS if value < 0 else "+" if signed else ""
        return sign + text

    @property
    def number_locale(self) -> dict[str, object]:
        """The same separators, as d3-format takes them."""
        thousands, point = _SEPARATORS[self.language]
        return {
            "decimal": point,
            "thousands": thousands,
            "grouping": [3],
            "currency": ["", ""],
            "minus": _MINUS,
        }


def collated(name: str) -> str:
    """A key that sorts accented letters with the plain ones."""
    return "".join(c for c in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(c))
