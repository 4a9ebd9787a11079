"""The words in which SDMX-JSON 2.0 structures are written: texts, annotations, representations."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from ..structures import Annotation, Described, Representation, Text, TimeRange, in_language
from ..urn import Reference

Json = dict[str, Any]

_ZONE = re.compile(r"(Z|[+-]\d\d:\d\d)\Z")


def lean(pairs: Json) -> Json:
    """Without what is empty: the schema wants at least one entry in every list that is there."""
    return {key: value for key, value in pairs.items() if value not in (None, "", [], {})}


def described(artefact: Described, languages: Sequence[str]) -> Json:
    return {
        "id": artefact.id,
        "name": artefact.name(languages),
        "names": dict(artefact.names),
        **_told("description", artefact.descriptions, languages),
        "annotations": notes(artefact.annotations, languages),
    }


def _told(name: str, text: Text, languages: Sequence[str]) -> Json:
    return {name: in_language(text, languages)[1], f"{name}s": dict(text)} if text else {}


def notes(annotations: tuple[Annotation, ...], languages: Sequence[str]) -> list[Json]:
    return [
        lean(
            {
                "id": note.id,
                "title": note.title,
                "type": note.type,
                "value": note.value,
                **_told("text", note.texts, languages),
                "links": [
                    lean({"href": url, "rel": "self", "hreflang": language})
                    for language, url in note.urls.items()
                ],
            }
        )
        for note in annotations
    ]


def urn(reference: Reference | None) -> str:
    return "" if reference is None else reference.urn


def instant(text: str) -> str:
    """An xs:dateTime or a day as RFC 3339 wants it, which has no local time: without a zone it is UTC."""
    if not text:
        return ""
    whole = text if "T" in text else f"{text}T00:00:00"
    return whole if _ZONE.search(whole) else f"{whole}Z"


_TRUTHS = ("isSequence", "isMultiLingual")
_NUMBERS = (
    "minLength", "maxLength", "decimals", "minValue", "maxValue", "startValue", "endValue", "interval",
)  # fmt: skip


def representation(given: Representation | None) -> Json:
    if given is None:
        return {}
    facets = {"dataType": given.text_type, **{name: _facet(name, text) for name, text in given.facets}}
    occurs = {"minOccurs": number(given.min_occurs), "maxOccurs": number(given.max_occurs)}
    if given.enumeration is None:
        return lean({"format": facets, **occurs})
    told = facets if given.facets or given.text_type != "String" else None
    return lean({"enumeration": given.enumeration.urn, "enumerationFormat": told, **occurs})


def _facet(name: str, text: str) -> bool | int | float | str:
    """Facets are text in the model, as in XML."""
    if name in _TRUTHS:
        return text in ("true", "1")
    return number(text) if name in _NUMBERS else text


def number(text: str) -> int | float | str:
    """The number that a text spells; the text, such as `unbounded`, when it spells none."""
    for kind in (int, float):
        with suppress(ValueError):
            return kind(text)
    return text


def time_range(given: TimeRange | None) -> Json:
    """A range open at one end is afterPeriod or beforePeriod."""
    if given is None:
        return {}
    start = {"period": given.start, "isInclusive": given.start_included} if given.start else None
    end = {"period": given.end, "isInclusive": given.end_included} if given.end else None
    return lean(
        {"startPeriod": start, "endPeriod": end}
        if start and end
        else {"afterPeriod": start, "beforePeriod": end}
    )
