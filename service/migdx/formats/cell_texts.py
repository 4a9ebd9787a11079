"""Several values, or texts in several languages, in one text: as a cell of SDMX-CSV 2.0 has them.

`A;B`, `en:Text;fr:Texte`, `"en:One;fr:Un";"en:Two;fr:Deux"`.
"""

from __future__ import annotations

from collections.abc import Mapping


def quoted(text: str, *, always: bool = False) -> str:
    """A text among others; what would separate it stands between quotation marks."""
    doubled = text.replace('"', '""')
    return f'"{doubled}"' if always or ";" in text or '"' in text else text


def by_language(texts: Mapping[str, str]) -> str:
    return ";".join(f"{language}:{quoted(text)}" for language, text in texts.items())
