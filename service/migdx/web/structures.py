"""GET /structure (2.2) and the structure resources of 1.5: from what is asked to the bytes of the answer.

sdmx-rest v2.2.2, doc/structures.md; v1.5.0, 4_3_structural_queries.md. Answers are kept as bytes, so that the
second time one costs no more than a file; long ones are streamed and not kept. A client that has an answer
already costs no rendering.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import chain

from flask import Response, current_app, request

from .. import __version__
from ..errors import NoResults, NotAcceptable, NotFound
from ..formats.header import Header
from ..formats.ml21_structure_writer import served
from ..formats.tables import STRUCTURE_WRITERS
from ..query import StructureQuery
from ..registry import Registry
from ..selection import Selection, select
from ..structures import AttachmentConstraint, DataConstraint, Maintainable
from . import v1, v2
from .answers import Validators, compressed, whole
from .asked import StructureRequest
from .negotiation import Generation
from .partial import partial
from .rendered import Kept, Rendered
from .terms import Terms
from .translation import Translation

TOTAL = "X-Total-Count"
"""The header that says how many items there are, beside the page of them that was asked for."""

_ML21 = "application/vnd.sdmx.structure+xml;version=2.1"
OF_2_1 = frozenset((_ML21, "application/vnd.sdmx.structure+json;version=1.0.0"))
_METADATA = frozenset(("*", "MetadataStructure", "Metadataflow"))
"""What leads to metadata structures in 2.1, where a data structure does not."""


def answer(asked: StructureRequest, terms: Terms) -> Response:
    """304, the bytes that are kept, or what is selected and written now."""
    validators = _validators(asked, terms)
    held = terms.unchanged(validators)
    if held and validators.named(request):
        return held  # only an answer that there was has this tag
    rendered: Rendered = current_app.extensions["migdx-rendered"]
    kept = rendered.get(validators.etag)
    if kept:
        return held or _whole(kept, terms, validators)
    found, total = _found(asked, terms)
    return held or _written(found, total, terms, validators, rendered)


def written(found: Iterable[Maintainable], terms: Terms, validators: Validators) -> Response:
    """Structures that are found some other way, as a message; not kept."""
    return terms.streamed(_pieces(list(found), terms, validators), validators)


def _validators(asked: StructureRequest, terms: Terms) -> Validators:
    """Stubs say where the whole is, so the tag holds the generation and the address of the service too."""
    since = max(_known_since(terms.registry.digest), terms.since)
    # a date tells seconds: what changed in the last one cannot be told from what was before
    modified = since if terms.now - since > timedelta(seconds=1) else None
    return terms.validators(
        __version__, asked.query, asked.role, terms.registry.digest, terms.generation, request.url_root,
        terms.only, modified=modified, max_age=terms.max_age,
    )  # fmt: skip


@lru_cache(maxsize=256)
def _known_since(digest: str) -> datetime:
    """When this process first served these structures."""
    return datetime.now(UTC)


# --- what is in the answer ----------------------------------------------------------------------------------


def _found(asked: StructureRequest, terms: Terms) -> tuple[list[Maintainable], int | None]:
    """The artefacts, in one language if that was asked, and the items that there are of a page."""
    registry = terms.registry
    query = replace(asked.query, wholes=terms.chosen.media_type == _ML21)
    selection = select(registry, query)
    found = [artefact for artefact in selection.found if _fits(artefact, asked, terms)]
    if found and query.detail == "referencepartial":
        found = partial(found, {artefact.urn for artefact in selection.asked}, registry)
    if not found:
        raise _nothing(query, selection)
    if terms.only:
        translation = Translation(terms.only)
        found = [translation.of(artefact) for artefact in found]
        if not translation.found:
            raise NotAcceptable(f"lang={terms.only}: nothing in this answer is in that language")
    return found, selection.total


def _fits(artefact: Maintainable, asked: StructureRequest, terms: Terms) -> bool:
    """Whether it is of the role asked for, and has a form in the format."""
    if asked.role and isinstance(artefact, DataConstraint) and artefact.role != asked.role:
        return False
    if not serves(terms.chosen.media_type, artefact):
        return False
    is_metadata = terms.chosen.media_type in OF_2_1 and artefact.kind == "MetadataStructure"
    return not is_metadata or bool(_METADATA & {*asked.query.kinds})


def serves(media_type: str, artefact: Maintainable) -> bool:
    """Whether a format has a form for an artefact."""
    return served(artefact) if media_type in OF_2_1 else not isinstance(artefact, AttachmentConstraint)


def _nothing(query: StructureQuery, selection: Selection) -> Exception:
    told = f"{','.join(query.agencies)}:{','.join(query.ids)}({query.versions})"
    if query.names_one and not selection.total:
        return NotFound(f"There is no {' or '.join(query.kinds)} {told}")
    return NoResults(f"No structure matches {query}")


def warm(registry: Registry) -> None:
    """Finds what refers to what, and writes all that dataflows need once in every format.

    The parts of an answer are remembered as they are written, so no client waits for the first time.
    """
    flows = select(registry, StructureQuery(("Dataflow",), versions="*", references=("descendants",)))
    for media_type, write in STRUCTURE_WRITERS.items():
        held = [artefact for artefact in flows.found if serves(media_type, artefact)]
        for _ in write(held, Header("warm", datetime.now(UTC)), ("en",)):
            pass


def located(artefact: Maintainable, generation: Generation, base: str = "") -> str:
    """The address of the whole artefact; in the other generation what this one has no word for."""
    old, new = v1.WORDS.get(artefact.kind), v2.WORDS.get(artefact.kind)
    path = f"v1/{old}" if old and (generation == "v1" or not new) else f"v2/structure/{new}"
    return f"{base}/sdmx/{path}/{artefact.agency}/{artefact.id}/{artefact.version}"


# --- its bytes ----------------------------------------------------------------------------------------------


def _pieces(found: list[Maintainable], terms: Terms, validators: Validators) -> Iterator[bytes]:
    header = Header(f"structures-{validators.etag[:12]}", terms.since)
    base = request.url_root.rstrip("/")
    told = [
        # a stub says where the whole is: here, unless it knows better
        replace(artefact, structure_url=located(artefact, terms.generation, base))
        if artefact.is_external and not artefact.structure_url and not artefact.service_url
        else artefact
        for artefact in found
    ]
    return STRUCTURE_WRITERS[terms.chosen.media_type](told, header, terms.languages)


def _written(
    found: list[Maintainable], total: int | None, terms: Terms, validators: Validators, rendered: Rendered
) -> Response:
    """Whole and kept, or streamed once it is found to be long."""
    pieces = _pieces(found, terms, validators)
    gathered, size = [], 0
    for piece in pieces:
        gathered.append(piece)
        size += len(piece)
        if size > rendered.largest:
            response = terms.streamed(chain(gathered, pieces), validators, pieces)
            return _counted(response, total)
    kept = Kept(compressed(b"".join(gathered), terms.encoding), total)
    rendered.put(validators.etag, kept)
    return _whole(kept, terms, validators)


def _whole(kept: Kept, terms: Terms, validators: Validators) -> Response:
    headers = {**terms.headers, **validators.headers}
    return _counted(whole(kept.body, terms.chosen.media_type, terms.encoding, headers), kept.total)


def _counted(response: Response, total: int | None) -> Response:
    if total is not None:
        response.headers[TOTAL] = str(total)
    return response
