"""The maintainers' door: structures are created, replaced, updated in part and deleted.

sdmx-rest v2.2.2, doc/maintenance.md: POST /structure[/{type}], PUT and DELETE
/structure/{type}/{agencyID}/{resourceID}/{version}[/{itemID}]. The answer is a SubmitStructureResponse with a
result and an HTTP status for each artefact; where these differ the status of the whole is 207. What has no
artefact yet (no token, unreadable, too large) is answered as every fault is. `?dryRun=true`, an extension of
this service, says what would become of it and does nothing.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import cast
from uuid import uuid4

from flask import Blueprint, Response, current_app, request
from werkzeug.exceptions import UnsupportedMediaType

from ..errors import NotFound, SemanticFault, StructureFault, SyntaxFault, TooLarge, Unavailable
from ..exchange import Exchange
from ..formats import ml_registry
from ..formats.header import Header
from ..formats.ml_registry import Generation, Result
from ..formats.tables import STRUCTURE_READERS, sniff_structures
from ..maintenance import Action, Maintainer, Outcome, Wish, maintain
from ..structures import KINDS, ItemScheme, Maintainable
from ..urn import Reference
from . import maintainers
from .address import Address
from .asked import WILD
from .faults import status_of
from .sdmx import located
from .v2 import KINDS as WORDS

blueprint = Blueprint("maintenance", __name__)

LARGEST, MOST, MOST_ITEMS = 10 << 20, 5000, 120_000
"""Bytes, artefacts, and items of schemes in a message. That many bytes of the emptiest elements there are
take half a gigabyte and three seconds, so that they need no process of their own; 100,000 codes are 8 MB.
"""

READING, WAIT = threading.BoundedSemaphore(2), 20.0
"""Messages that are read and judged at a time, and the seconds that another one waits."""

_METHODS = ("POST", "PUT", "DELETE")
_ID = re.compile(r"[A-Za-z\d_@$.-]+\Z", re.ASCII)
_VERSION = re.compile(r"\d+(\.\d+){0,2}(-[A-Za-z\d.-]+)?\Z", re.ASCII)
_ANY_XML = frozenset(("application/xml", "text/xml"))
_ANY = _ANY_XML | {"application/json", "text/json", "application/octet-stream", ""}
_REGISTRY = "application/vnd.sdmx.registry+xml"


@blueprint.route("/sdmx/v2/structure", methods=_METHODS, provide_automatic_options=False)
@blueprint.route("/sdmx/v2/structure/<anything:rest>", methods=_METHODS, provide_automatic_options=False)
def structure(rest: str = "") -> Response:
    """Creates, replaces or deletes; `rest` is read again from the raw URL."""
    who = maintainers.authorized()
    _, address = located(Address.of(request.environ))
    exchange = cast(Exchange, current_app.extensions["migdx"])
    if request.method == "DELETE":
        target = _Target.of(address, items=True)
        sent = _Sent(b"", "3.1")
        wishes = [Wish("Delete", target.stored(exchange), item=target.item)]
        with _turn():
            results = _judged(exchange, target, sent, wishes, who)
    else:
        target = _Target.of(address, items=False) if request.method == "PUT" else _Target.within(address)
        body = _body()
        with _turn():
            sent = _Sent.read(body)
            results = _judged(exchange, target, sent, list(sent.wishes()), who)
    return _answered([*results, *sent.idle()], sent.generation, who)


def _judged(
    exchange: Exchange, target: _Target, sent: _Sent, wishes: Sequence[Wish], who: Maintainer
) -> list[Result]:
    """The results of what fits the URL; what does not is refused (422) and the rest goes on."""
    if request.method == "PUT":
        if len(wishes) != 1:
            return [_failed(target.reference, f"PUT takes one artefact; the message has {len(wishes)}")]
        if not target.fits(wishes[0].reference):
            named = f"the message {wishes[0].reference.urn}"
            return [_failed(target.reference, f"The path names {target.reference.urn}, {named}")]
        wishes = [replace(wishes[0], known=True)]
    dry = request.args.get("dryRun", "").lower() == "true"
    fitting = [wish for wish in wishes if target.fits(wish.reference)]
    done = maintain(exchange, fitting, who, message=sent.message, skipped=sent.skipped, dry=dry)
    told = iter([_result(outcome, dry=dry) for outcome in done])
    return [
        next(told)
        if target.fits(wish.reference)
        else _failed(
            wish.reference, f"The path is for {target.reference.kind}, not for {wish.reference.kind}"
        )
        for wish in wishes
    ]


# --- what the URL names -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Target:
    """What a path names: of the `reference` only the parts that it has; `kind` "" is any."""

    reference: Reference
    item: str = ""

    @classmethod
    def within(cls, address: Address) -> _Target:
        """structure[/{type}] of a POST."""
        address.at_most(2, "structure/{type} for POST")
        word = address.segment(1)
        return cls(Reference("" if word in WILD else _kind(word), "", "", ""))

    @classmethod
    def of(cls, address: Address, *, items: bool) -> _Target:
        """One artefact by all four parts of its identity, and for a DELETE an item of it."""
        shape = "structure/{type}/{agencyID}/{resourceID}/{version}" + ("[/{itemID}]" if items else "")
        address.at_most(6 if items else 5, shape)
        parts = [address.segment(at, "") for at in range(1, 6)]
        if not all(parts[:4]):
            raise SyntaxFault(f"{request.method} names exactly one artefact: {shape}")
        for part, pattern in zip(parts[1:], (_ID, _ID, _VERSION, _ID), strict=True):
            if part and not pattern.match(part):
                raise SyntaxFault(f"'{part}' in the path does not name exactly one artefact or item")
        return cls(Reference(_kind(parts[0]), *parts[1:4]), parts[4])

    def fits(self, reference: Reference) -> bool:
        """Whether an artefact may be sent to the path; what is a kind of code list is one."""
        if self.reference.kind and not issubclass(KINDS[reference.kind], KINDS[self.reference.kind]):
            return False
        named = (self.reference.agency, self.reference.id, self.reference.version)
        return named in (("", "", ""), (reference.agency, reference.id, reference.version))

    def stored(self, exchange: Exchange) -> Reference:
        """The reference with the kind that is stored under it."""
        for kind, cls in KINDS.items():
            named = replace(self.reference, kind=kind)
            if issubclass(cls, KINDS[self.reference.kind]) and exchange.whole.find(named) is not None:
                return named
        return self.reference


def _kind(word: str) -> str:
    if word not in WORDS:
        raise NotFound(f"'{word}' is not a type of structure; expected one of {', '.join(WORDS)}")
    return WORDS[word]


# --- what is sent -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Sent:
    """A message, what it holds, and what its sender says should become of it."""

    message: bytes
    generation: Generation
    artefacts: tuple[Maintainable, ...] = ()
    skipped: tuple[str, ...] = ()
    request: ml_registry.Request | None = None

    @classmethod
    def read(cls, source: bytes) -> _Sent:
        """SyntaxFault when it cannot be read, UnsupportedMediaType when it is of another type."""
        media_type = _media_type()
        asked = None
        message = source
        try:
            if media_type == _REGISTRY or (not media_type and ml_registry.is_request(source)):
                asked = ml_registry.read_request(source)
                message, media_type = asked.message, asked.media_type
            media_type = media_type or sniff_structures(source)
            if media_type not in STRUCTURE_READERS:
                known = ", ".join(STRUCTURE_READERS)
                raise UnsupportedMediaType(f"{media_type} is not read here; there are {known}")
            skipped: list[str] = []
            found = STRUCTURE_READERS[media_type](message, "", skipped)
        except (StructureFault, ValueError) as fault:  # ValueError: what lxml says of a name that is none
            raise SyntaxFault(f"The message cannot be read: {fault}") from None
        if not found:
            raise SemanticFault("The message holds no structures")
        if len(found) > MOST:
            raise TooLarge(f"The message holds {len(found):,} structures; send {MOST:,} at a time")
        items = sum(len(scheme.items) for scheme in found if isinstance(scheme, ItemScheme))
        if items > MOST_ITEMS:
            raise TooLarge(f"The message holds {items:,} items; send {MOST_ITEMS:,} at a time")
        return cls(source, _generation(media_type), tuple(found), tuple(dict.fromkeys(skipped)), asked)

    def wishes(self) -> Iterator[Wish]:
        for artefact in self.artefacts:
            action = self._action(artefact)
            if action == "Delete":
                yield Wish("Delete", artefact.reference)
            elif action in ("Append", "Replace"):
                yield Wish.of(artefact, cast(Action, action))

    def idle(self) -> Iterator[Result]:
        """What was sent for information only."""
        for artefact in self.artefacts:
            if self._action(artefact) == "Information":
                yield Result(artefact.reference, "Information", "Success", 200, ("Nothing was to be done",))

    def _action(self, artefact: Maintainable) -> str:
        """In 3.1 Append and Information are Merge: what is not there is added, what is there is replaced."""
        if self.request is None:
            return "Replace"
        given = self.request.actions.get(artefact.reference, self.request.action)
        if given in ("Merge", "Replace", "Delete"):
            return given if given == "Delete" else "Replace"
        if given not in ("Append", "Information"):
            raise SyntaxFault(f"'{given}' is no action; expected Append, Replace, Delete or Information")
        return "Replace" if self.generation == "3.1" else given


def _generation(media_type: str) -> Generation:
    """The generation of SDMX-ML in which a message is answered: its own, or that of its syntax's age."""
    version = media_type.partition("version=")[2]
    if "+json" in media_type:
        return "3.0" if version.startswith("2.0") else "3.1"
    return "2.1" if version == "2.1" else "3.0" if version.startswith("3.0") else "3.1"


def _media_type() -> str:
    """The exact type that the client gives; "" when it gives one that says too little: the bytes say it."""
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType("Content-Encoding: compressed messages are not taken")
    given, version = request.mimetype, request.mimetype_params.get("version", "").strip()
    if given in _ANY:
        return ""
    if given == _REGISTRY:
        return _REGISTRY
    known = [offer for offer in STRUCTURE_READERS if offer.partition(";")[0] == given]
    if known and not version:
        return ""
    for offer in known:
        if offer.partition("version=")[2] in (version, f"{version}.0"):
            return offer
    raise UnsupportedMediaType(
        f"Content-Type: {request.content_type}; expected one of {', '.join((*STRUCTURE_READERS, _REGISTRY))}"
    )


def _body() -> bytes:
    """The bytes of the request; TooLarge when they are, announced or not, more than is taken."""
    said = f"The message is larger than {LARGEST:,} bytes; send its artefacts in several"
    if (request.content_length or 0) > LARGEST:
        raise TooLarge(said)
    pieces: list[bytes] = []
    size = 0
    while piece := request.stream.read(1 << 16):
        size += len(piece)
        if size > LARGEST:
            raise TooLarge(said)
        pieces.append(piece)
    if not size:
        raise SyntaxFault("The request has no body; expected a structure message")
    return b"".join(pieces)


@contextmanager
def _turn() -> Iterator[None]:
    if not READING.acquire(timeout=WAIT):
        raise Unavailable("Other structures are being judged; please try again")
    try:
        yield
    finally:
        READING.release()


# --- what is answered -------------------------------------------------------------------------------------


def _result(outcome: Outcome, *, dry: bool) -> Result:
    if outcome.fault:
        return Result(
            outcome.reference, outcome.action, "Failure", status_of(outcome.fault, "v2"), (outcome.text,)
        )
    code = 201 if outcome.action == "Append" else 200
    note = (" (dry run: nothing was done)",) if dry else ()
    texts = (outcome.text + "".join(note), *outcome.warnings)
    return Result(
        outcome.reference, outcome.action, "Warning" if outcome.warnings else "Success", code, texts
    )


def _failed(reference: Reference, why: str) -> Result:
    return Result(reference, "Replace", "Failure", status_of(SemanticFault(), "v2"), (why,))


def _answered(results: Sequence[Result], asked: Generation, who: Maintainer) -> Response:
    codes = {result.code for result in results}
    status = codes.pop() if len(codes) == 1 else 207
    media_type, generation = _offer(asked)
    header = Header(f"maintenance-{uuid4().hex[:12]}", datetime.now(UTC))
    receiver = re.sub(r"[^A-Za-z\d_@$-]", "_", who.name)
    body = ml_registry.write_response(results, header, receiver, generation)
    answer = Response(body, status, {"Cache-Control": "no-store"}, content_type=media_type)
    if status == 201 and len(results) == 1:
        named = results[0].reference
        word = named.kind.lower() if named.kind.lower() in WORDS else "codelist"  # geographic ones are that
        path = f"{word}/{named.agency}/{named.id}/{named.version}"
        answer.headers["Location"] = f"{request.script_root}/sdmx/v2/structure/{path}"
    return answer


def _offer(asked: Generation) -> tuple[str, Generation]:
    """What Accept names of what there is, otherwise what answers the generation of the request."""
    for part in request.headers.get("Accept", "").split(","):
        name = part.replace(" ", "").partition(";q=")[0].lower().replace("structure+xml", "registry+xml")
        for offer, generation in ml_registry.MEDIA_TYPES.items():
            if name in (offer, offer.removesuffix(".0")):
                return offer, generation
    return next((offer, known) for offer, known in ml_registry.MEDIA_TYPES.items() if known == asked)
