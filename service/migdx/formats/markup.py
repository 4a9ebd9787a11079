"""Builds SDMX-ML as text: the words that all its writers share.

Text, not trees: a registry is tens of thousands of elements, and text is several times faster. Every value
passes through `escape` or `quoted`, so nothing unescaped reaches a message.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from ..structures import Text, TimeRange
from .header import Header

_PREFIXES = {"mes": "message", "str": "structure", "com": "common"}

_SPECIAL = re.compile('[&<>"\r\n\t\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]')
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#13;"}
# a parser turns these into blanks when they stand bare in an attribute
_QUOTED = {**_ESCAPES, "\n": "&#10;", "\t": "&#9;"}
_KEPT = {**_ESCAPES, "\n": "\n", "\t": "\t"}
_NOT_XML = "\ufffd"  # what XML 1.0 cannot carry at all, such as NUL, becomes the replacement character

MESSAGE_END = b"</mes:Structures></mes:Structure>\n"


def namespace(generation: str, part: str) -> str:
    """That of a part of the schemas of a generation (2.1, 3.0 ...)."""
    return f"http://www.sdmx.org/resources/sdmxml/schemas/v{generation.replace('.', '_')}/{part}"


def namespaces(generation: str) -> dict[str, str]:
    """Those of structures by their prefixes."""
    return {prefix: namespace(generation, part) for prefix, part in _PREFIXES.items()}


def message_start(header: Header, spaces: Mapping[str, str]) -> bytes:
    """The declaration, the root with its namespaces, and the header.

    The declaration comes first and without a byte order mark: clients look at the first five characters.
    """
    declared = "".join(f' xmlns:{prefix}="{space}"' for prefix, space in spaces.items())
    head = message_header(header)
    start = f'<?xml version="1.0" encoding="UTF-8"?>\n<mes:Structure{declared}>{head}<mes:Structures>'
    return start.encode()


def message_header(header: Header, *more: str) -> str:
    """`more` is markup that follows the sender."""
    return element(
        "mes:Header",
        (),
        leaf("mes:ID", header.id),
        leaf("mes:Test", boolean(header.test)),
        leaf("mes:Prepared", header.instant),
        element("mes:Sender", (("id", header.sender),)),
        *more,
    )


def escape(text: str) -> str:
    """`text` as the content of an element."""
    return _SPECIAL.sub(lambda sign: _KEPT.get(sign[0], _NOT_XML), text) if _SPECIAL.search(text) else text


def quoted(text: str) -> str:
    """`text` as the value of an attribute, between double quotes."""
    return _SPECIAL.sub(lambda sign: _QUOTED.get(sign[0], _NOT_XML), text) if _SPECIAL.search(text) else text


def element(name: str, given: Iterable[tuple[str, str]], *content: str) -> str:
    """An element around `content`, which is markup already; attributes without a value are left out."""
    head, inner = attributes(*given), "".join(content)
    return f"<{name}{head}>{inner}</{name}>" if inner else f"<{name}{head}/>"


def leaf(name: str, text: str, language: str = "") -> str:
    """An element around plain text."""
    tag = f' xml:lang="{quoted(language)}"' if language else ""
    return f"<{name}{tag}>{escape(text)}</{name}>"


def texts(name: str, text: Text) -> str:
    """One element per language."""
    return "".join([leaf(name, words, language) for language, words in text.items()])


def boolean(value: bool) -> str:
    return "true" if value else "false"


def instant(text: str) -> str:
    """A day as the xs:dateTime at which it begins; anything longer as it is."""
    return f"{text}T00:00:00" if len(text) == len("2026-01-01") else text


def optional(name: str, text: str) -> str:
    """A leaf, or nothing without text."""
    return leaf(name, text) if text else ""


def iso_concept(given: tuple[str, str, str] | None) -> str:
    if given is None:
        return ""
    parts = zip(("Agency", "SchemeID", "ID"), given, strict=True)
    return element("str:ISOConceptReference", (), *(leaf(f"str:Concept{part}", text) for part, text in parts))


def attributes(*pairs: tuple[str, str]) -> str:
    """Those that have a value, each with a blank before it."""
    return "".join([f' {name}="{quoted(value)}"' for name, value in pairs if value])


def time_range(given: TimeRange | None, prefix: str) -> str:
    """A range open at one end is AfterPeriod or BeforePeriod; `prefix` is that of the namespace it is in."""
    if given is None:
        return ""
    names = ("Start", "End") if given.start and given.end else ("After", "Before")
    bounds = ((given.start, given.start_included), (given.end, given.end_included))
    inner = "".join(
        [
            element(f"{prefix}:{name}Period", (("isInclusive", boolean(included)),), escape(period))
            for name, (period, included) in zip(names, bounds, strict=True)
            if period
        ]
    )
    head = attributes(("validFrom", given.valid_from), ("validTo", given.valid_to))
    return f"<{prefix}:TimeRange{head}>{inner}</{prefix}:TimeRange>"
