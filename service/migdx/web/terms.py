"""Terms: what is agreed with a client before anything is looked up, and how answers on them are sent."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, cached_property, lru_cache
from itertools import chain

from flask import Response, current_app, g, request

from ..exchange import Exchange
from ..formats.schemas import SCHEMA_WRITERS
from ..formats.tables import STRUCTURE_WRITERS, WRITERS
from ..items import walk
from ..public import Public
from ..registry import Registry
from ..structures import ItemScheme
from . import maintainers
from .address import Address
from .answers import MAX_AGE, Validators, etag, streamed, unchanged
from .asked import Kind
from .negotiation import OFFERS, Chosen, Generation, choose, encoding, languages
from .vintages import KEPT, settled

_BUILT: dict[Kind, Collection[str]] = {
    "data": WRITERS,
    "structure": STRUCTURE_WRITERS,
    "availability": STRUCTURE_WRITERS,
    "schema": {*SCHEMA_WRITERS, *STRUCTURE_WRITERS},
}
_VARY = "Accept, Accept-Encoding, Accept-Language"


@dataclass(frozen=True)
class Terms:
    """What was agreed with the client before anything is looked up.

    Structures are those of `registry`. `languages` are for names of which one is told, best first; texts in
    others stay all the same, unless `lang` asks for one language `only` (doc/content_negotiation.md calls
    Accept-Language a preference, doc/extend.md `lang` a selection). `exchange` is as it was `as_of` an
    instant, None for the `current` one.
    """

    current: Exchange
    exchange: Exchange
    as_of: datetime | None
    registry: Registry
    generation: Generation
    chosen: Chosen
    languages: tuple[str, ...]
    only: str
    every_language: bool
    encoding: str
    since: datetime

    @classmethod
    def of(cls, generation: Generation, address: Address, kind: Kind, as_of: datetime | None = None) -> Terms:
        """An instant that is yet to come is now; NotFound for structures of before they were recorded."""
        current: Exchange = maintainers.seen(g.get("supposed") or current_app.extensions["migdx"])
        exchange = current.as_of(as_of, recorded=kind in ("structure", "schema")) if as_of else current
        registry = exchange.registry
        headers, lang = request.headers, address.get("lang").lower()
        tongues = languages(headers.get("Accept-Language", ""), lang, _spoken(registry))
        return cls(
            current=current,
            exchange=exchange,
            as_of=as_of if exchange is not current else None,
            registry=registry,
            generation=generation,
            chosen=choose(_offers(generation, kind), headers.get("Accept", ""), address),
            languages=tongues,
            only=tongues[0] if lang not in ("", "all") else "",
            every_language=lang == "all",
            encoding=encoding(headers.get("Accept-Encoding", ""), address.get("compression")),
            since=current_app.extensions["migdx-since"],
        )

    @cached_property
    def public(self) -> Public:
        """What is public, asked of the ledger once, and only for answers that depend on it."""
        return self.exchange.public()

    @cached_property
    def latest(self) -> Public:
        """What is public at this moment, whatever instant is asked for."""
        return self.public if self.exchange is self.current else self.current.public()

    @property
    def max_age(self) -> int:
        """Seconds that an answer made of structures alone may be kept."""
        return KEPT if settled(self.as_of, self.now) else MAX_AGE

    @property
    def now(self) -> datetime:
        return datetime.now(UTC)

    def validators(
        self,
        *subject: object,
        modified: datetime | None = None,
        next_change: datetime | None = None,
        max_age: int = MAX_AGE,
    ) -> Validators:
        """`subject` is what is asked, in canonical form, and the state of what answers it."""
        given = sorted(self.chosen.parameters.items())
        tag = etag(self.chosen.media_type, given, self.languages, *subject)
        return Validators(
            f"{tag}-{self.encoding}" if self.encoding else tag,
            self.latest.at if next_change else self.now,
            self.since,
            modified,
            next_change,
            max_age,
        )

    @property
    def headers(self) -> dict[str, str]:
        return {
            "Vary": _VARY,
            "Content-Language": ", ".join(self.languages if self.every_language else self.languages[:1]),
        }

    def unchanged(self, validators: Validators) -> Response | None:
        """304 when the client has it already."""
        return unchanged(validators, self.headers) if validators.unchanged(request) else None

    def streamed(self, pieces: Iterator[bytes], validators: Validators, *closing: object) -> Response:
        headers = {**self.headers, **validators.headers}
        return streamed(pieces, self.chosen.media_type, self.encoding, headers, closing)


@cache
def _offers(generation: Generation, kind: Kind) -> tuple[str, ...]:
    return tuple(offer for offer in OFFERS[generation, kind] if offer in _BUILT[kind])


@lru_cache(maxsize=4)
def _spoken(registry: Registry) -> frozenset[str]:
    """The languages that any artefact is named in, or any item of one."""
    schemes = (artefact for artefact in registry if isinstance(artefact, ItemScheme))
    items = (item for scheme in schemes for _, item in walk(scheme.items))
    tags = {tag for named in chain(registry, items) for tag in named.names}
    return frozenset(tag.partition("-")[0].lower() for tag in tags) | {"en"}
