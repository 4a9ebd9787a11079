"""Negotiation: which media type, language and compression an answer has, by headers and parameters over them.

sdmx-rest v2.2.2, doc/status.md and doc/extend.md. Read leniently, as real clients write; what is sent is
exactly a registered type.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ..errors import NotAcceptable, NotImplementedHere, SyntaxFault
from ..urn import select_versions, version_order
from .address import Address
from .asked import Kind

Generation = Literal["v1", "v2"]
Syntax = Literal["xml", "json", "csv"]

_SDMX = "application/vnd.sdmx."
_DATA = tuple(
    _SDMX + name
    for name in (
        "data+json;version=2.0.0", "data+xml;version=3.0.0", "data+csv;version=2.0.0",
        "data+csv;version=2.1.0", "structurespecificdata+xml;version=2.1", "genericdata+xml;version=2.1",
        "data+csv;version=1.0.0",
    )
)  # fmt: skip
_DATA_V1 = tuple(
    _SDMX + name
    for name in (
        "genericdata+xml;version=2.1", "structurespecificdata+xml;version=2.1", "data+csv;version=1.0.0",
        "data+json;version=2.0.0", "data+csv;version=2.0.0", "data+csv;version=2.1.0",
        "data+xml;version=3.0.0",
    )
)  # fmt: skip
_STRUCTURE = tuple(
    _SDMX + name
    for name in (
        # who names no version may be a client that cannot read 3.1, as sdmx1 cannot: 3.0 goes before it; a
        # range such as 3.0+.0 gets the newest
        "structure+json;version=2.1.0", "structure+json;version=2.0.0", "structure+xml;version=3.0.0",
        "structure+xml;version=3.1.0", "structure+xml;version=2.1", "structure+json;version=1.0.0",
    )
)  # fmt: skip
_STRUCTURE_V1 = (_STRUCTURE[4], _STRUCTURE[5], *_STRUCTURE[:4])
_SCHEMA = tuple(
    _SDMX + name
    for name in (
        "schema+json;version=2.1.0", "schema+xml;version=3.1.0", "structure+xml;version=3.1.0",
        "structure+json;version=2.1.0", "schema+json;version=2.0.0", "schema+xml;version=3.0.0",
        "structure+xml;version=3.0.0", "structure+json;version=2.0.0", "schema+xml;version=2.1",
        "structure+xml;version=2.1", "structure+json;version=1.0.0",
    )
)  # fmt: skip
_SCHEMA_V1 = (*_SCHEMA[-3:], *_SCHEMA[:-3])

OFFERS: dict[tuple[Generation, Kind], tuple[str, ...]] = {
    ("v1", "structure"): _STRUCTURE_V1,
    ("v1", "availability"): _STRUCTURE_V1,
    ("v1", "data"): _DATA_V1,
    ("v1", "schema"): _SCHEMA_V1,
    ("v2", "structure"): _STRUCTURE,
    ("v2", "availability"): _STRUCTURE,
    ("v2", "data"): _DATA,
    ("v2", "schema"): _SCHEMA,
}
"""What is offered, best first: the first answers a client that says nothing, or only a syntax or a family."""

_GENERIC = {
    "application/xml": "+xml", "text/xml": "+xml", "application/json": "+json", "text/json": "+json",
    "text/csv": "+csv", "application/csv": "+csv",
}  # fmt: skip
_BROWSER = frozenset(("text/html", "application/xhtml+xml"))

FORMATS: dict[str, tuple[tuple[str, ...], str]] = {
    "csv": (("data+csv",), ""),
    "csvdata": (("data+csv",), ""),
    "csvfile": (("data+csv",), ""),
    "csvfilewithlabels": (("data+csv",), ""),
    "sdmx-csv": (("data+csv",), ""),
    "genericdata": (("genericdata+xml",), ""),
    "generictimeseriesdata": (("generictimeseriesdata+xml",), ""),
    "structurespecificdata": (("structurespecificdata+xml", "data+xml"), ""),
    "structurespecifictimeseriesdata": (("structurespecifictimeseriesdata+xml",), ""),
    "json": (("data+json", "structure+json", "schema+json"), ""),
    "jsondata": (("data+json", "structure+json"), "2.0.0"),
    "jsonstructure": (("structure+json",), ""),
    "sdmx-json": (("data+json", "structure+json"), "1.0.0"),
    "xml": (("genericdata+xml", "structurespecificdata+xml", "data+xml", "structure+xml", "schema+xml"), ""),
    "structure": (("structure+xml",), ""),
    "schema": (("schema+xml",), ""),
}
"""Words of ?format=: the families that they mean, and the version, "" for what OFFERS has first."""

VALUES: dict[str, tuple[str, ...]] = {
    "labels": ("id", "name", "both"),
    "keys": ("none", "obs", "series", "both"),
}
"""What a media type's parameters may say; SDMX-CSV 1.0 has no labels=name."""

_CSV10 = _SDMX + "data+csv;version=1.0.0"
_PARAMETERS = {"labels": "labels", "timeformat": "timeFormat", "keys": "keys", "key": "keys"}


@dataclass(frozen=True)
class Range:
    """One entry of an Accept header, names in lower case."""

    type: str
    parameters: dict[str, str]
    quality: float


@dataclass(frozen=True)
class Chosen:
    """`media_type` as it is registered; `parameters` are what it leaves open: labels, timeFormat, keys."""

    media_type: str
    parameters: dict[str, str] = field(default_factory=dict)


def ranges(header: str) -> list[Range]:
    """The entries of an Accept header, in its order; what is none is left out."""
    found = []
    for entry in header.split(","):
        name, *rest = (part.strip() for part in entry.split(";"))
        parameters = {
            key.strip().lower(): value.strip().strip('"')
            for key, _, value in (part.partition("=") for part in rest)
            if value
        }
        if "/" in name:
            found.append(Range(name.lower(), parameters, _quality(parameters.pop("q", "1"))))
    return found


def _quality(text: str) -> float:
    try:
        return min(max(float(text), 0.0), 1.0)
    except ValueError:
        return 1.0


def choose(offers: Sequence[str], accept: str, address: Address) -> Chosen:
    """The best offer for `?format=`, which wins, or the Accept header; NotAcceptable when there is none."""
    word = address.get("format").lower()
    chosen = _by_format(offers, word, address) if word else _by_accept(offers, accept)
    labels = address.get("labels") or ("both" if word == "csvfilewithlabels" else "")
    parameters = chosen.parameters | ({"labels": labels} if labels else {})
    _check(chosen.media_type, parameters)
    return Chosen(chosen.media_type, parameters)


def _check(media_type: str, parameters: Mapping[str, str]) -> None:
    for name, value in parameters.items():
        if name == "timeFormat" and value != "original":
            raise NotImplementedHere(f"timeFormat={value} is not built yet; timeFormat=original is")
        known = VALUES.get(name, (value,))
        if name == "labels" and media_type == _CSV10:
            known = tuple(word for word in known if word != "name")
        if value not in known:
            raise NotAcceptable(f"{name}={value}: expected one of {', '.join(known)}")


def _by_format(offers: Sequence[str], word: str, address: Address) -> Chosen:
    if word not in FORMATS:
        raise NotAcceptable(f"format={word}: expected one of {', '.join(FORMATS)}")
    families, version = FORMATS[word]
    version = address.get("formatVersion", version)
    fitting = [
        offer
        for offer in offers
        if (parts := _parts(offer))[0].removeprefix(_SDMX) in families
        and (not version or _admits(version, parts[1]))
    ]
    if fitting:
        return Chosen(max(fitting, key=lambda offer: _newness(version, offer)))
    raise NotAcceptable(
        f"There is no format={word}{' ' + version if version else ''} of this; there are {_told(offers)}"
    )


def _by_accept(offers: Sequence[str], accept: str) -> Chosen:
    asked = ranges(accept)
    if not accept.strip():
        return Chosen(offers[0])
    best: tuple[float, int, int, tuple[int, ...], int] | None = None
    for at, offer in enumerate(offers):
        matching = [
            (rank, -place) for place, entry in enumerate(asked) if (rank := _rank(entry, offer)) is not None
        ]
        if not matching:
            continue
        rank, place = max(matching)
        quality = asked[-place].quality
        newness = _newness(asked[-place].parameters.get("version", ""), offer)
        if quality and (best is None or (quality, rank, place, newness, -at) > best):
            best = (quality, rank, place, newness, -at)
    if best is None:
        raise NotAcceptable(f"There is no '{accept}' of this; there are {_told(offers)}")
    given = asked[-best[2]].parameters
    return Chosen(
        offers[-best[-1]], {_PARAMETERS[name]: value for name, value in given.items() if name in _PARAMETERS}
    )


def _rank(asked: Range, offer: str) -> int | None:
    """How exactly an entry names an offer: 3 its version, 2 its family, 1 its syntax, below that anything."""
    family, version = _parts(offer)
    wanted = asked.parameters.get("version", "")
    fits = not wanted or _admits(wanted, version)
    if asked.type == family:
        return (3 if wanted else 2) if fits else None
    if asked.type in _GENERIC:
        return 1 if family.endswith(_GENERIC[asked.type]) and fits else None
    if asked.type in ("*/*", "application/*"):
        return 0
    return -1 if asked.type in _BROWSER else None


def _parts(offer: str) -> tuple[str, str]:
    family, _, version = offer.partition(";version=")
    return family, version


def _admits(wanted: str, version: str) -> bool:
    """`wanted` is a version of two parts or three, perhaps a draft (1.0.0-wd), or a version query."""
    if not any(sign in wanted for sign in "+~*"):
        return _padded(wanted.partition("-")[0]) == _padded(version)
    try:
        return bool(select_versions(wanted, [_padded(version)]))
    except SyntaxFault:
        return False


def _newness(wanted: str, offer: str) -> tuple[int, ...]:
    """The version of an offer where a range is asked for: of those in it the newest is meant."""
    return version_order(_parts(offer)[1])[0] if any(sign in wanted for sign in "+~*") else ()


def _padded(version: str) -> str:
    return ".".join([*version.split("."), "0", "0"][:3])


def _told(offers: Iterable[str]) -> str:
    return ", ".join(offers)


def error_syntax(accept: str, word: str, missing: Syntax) -> Syntax:
    """XML or JSON for the body of an error: what was asked for, when that is one of them."""
    names = [word] if word else [entry.type for entry in sorted(ranges(accept), key=lambda e: -e.quality)]
    for name in names:
        if "json" in name:
            return "json"
        if name not in _BROWSER and ("xml" in name or word.startswith(("generic", "structure", "schema"))):
            return "xml"
    return missing


def error_generation(accept: str, version: str, missing: Generation) -> str:
    """The generation of SDMX-ML (2.1, 3.0, 3.1) for the body of an error: that of the XML asked for."""
    asked = sorted(ranges(accept), key=lambda entry: -entry.quality)
    given = version or next((e.parameters.get("version", "") for e in asked if "xml" in e.type), "")
    known = next((known for known in ("2.1", "3.0", "3.1") if given.startswith(known)), "")
    return known or ("2.1" if missing == "v1" else "3.0")


# --- language and compression -------------------------------------------------------------------------------


def languages(header: str, asked: str, available: Collection[str]) -> tuple[str, ...]:
    """The languages for an answer, best first; `asked` is ?lang=, which must be there. English if none is."""
    if asked.lower() == "all":
        return tuple(sorted(available, key=lambda tag: (tag != "en", tag)))
    if asked:
        if _short(asked) not in available:
            raise NotAcceptable(f"lang={asked}: expected one of {', '.join(sorted(available))}")
        return (_short(asked),)
    wanted = [_short(name) for name in _by_quality(header)]
    return tuple(dict.fromkeys(name for name in wanted if name in available)) or ("en",)


def _short(tag: str) -> str:
    return tag.partition("-")[0].lower()


Encoding = Literal["", "zstd", "br", "gzip", "deflate"]

_ENCODINGS: dict[str, Encoding] = {
    "zstd": "zstd", "br": "br", "gzip": "gzip", "x-gzip": "gzip", "deflate": "deflate",
}  # fmt: skip
"""The compressions by their names in a header, the cheapest for what they save first."""


def encoding(header: str, asked: str = "") -> Encoding:
    """The compression for an answer: only what is named, by quality, then in the order of ENCODINGS.

    `asked` is ?compression=, which must be there.
    """
    if asked:
        if asked.lower() not in _ENCODINGS:
            raise NotAcceptable(f"compression={asked}: expected one of {', '.join(_ENCODINGS)}")
        return _ENCODINGS[asked.lower()]
    named = _by_quality(header, tuple(_ENCODINGS))
    # who likes identity better wants none
    return next((_ENCODINGS.get(name, "") for name in named if name in _ENCODINGS or name == "identity"), "")


def _by_quality(header: str, ours: Sequence[str] = ()) -> list[str]:
    """The names in a header of names with qualities, best first, without those of quality 0.

    Of names that are as welcome, those that we would rather have come first, in the order of `ours`.
    """
    found = []
    rank = {name: at for at, name in enumerate(ours)}
    for entry in header.split(","):
        name, _, rest = entry.partition(";")
        key, _, value = rest.strip().partition("=")
        quality = _quality(value) if key.strip().lower() == "q" else 1.0
        if name.strip() and quality:
            found.append((quality, name.strip().lower()))
    return [name for _, name in sorted(found, key=lambda pair: (-pair[0], rank.get(pair[1], len(rank))))]
