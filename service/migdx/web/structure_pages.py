"""The pages of the structures: what there is by type, and each with its items and all that it belongs to.

Items are searched and paged by the code that answers `q`, `offset` and `limit` in the API.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

from flask import Blueprint, Response, request

from ..errors import NotFound
from ..formats.tables import STRUCTURE_WRITERS
from ..items import walk
from ..registry import Registry
from ..search import Index, page
from ..structures import (
    AttachmentConstraint,
    Codelist,
    Dataflow,
    Item,
    ItemScheme,
    Maintainable,
)
from ..urn import Reference
from . import v2
from .frame import base, drawn, kept, registry
from .structure_parts import ROWS, Inside, Pages, asked_offset
from .structures import located, serves
from .wording import Words, collated

blueprint = Blueprint("structures", __name__)

SHOWN = 12
"""References of one type that are written out; of more there is a number and the query that gives them."""

_WORD = {**v2.WORDS, AttachmentConstraint.kind: "attachmentconstraint"}
_KIND = {kind.lower(): kind for kind in _WORD}


@blueprint.get("/structures")
def index() -> Response:
    """What there is by type; or, when a type or a text is asked for, the artefacts."""
    words, known = Words.of(request), registry()
    text, word = request.args.get("q", "").strip(), request.args.get("type", "")
    kind = _KIND.get(word, "")

    def drawn_page() -> str:
        counts = Counter(artefact.kind for artefact in known)
        by_name = sorted(counts.items(), key=lambda entry: collated(words(f"kind_{entry[0]}")))
        kinds = [(kind.lower(), words(f"kind_{kind}"), count) for kind, count in by_name]
        rows: list[Maintainable] = []
        if text or kind:
            everything, index = _index(known)
            hits = (everything[at] for at in index.hits(text).to_pylist())
            rows = [artefact for artefact in hits if not kind or artefact.kind == kind]
            # the types of which there are thousands come last
            rows.sort(key=lambda found: (counts[found.kind], found.kind, collated(words.name(found))))
        pages = Pages.of(len(rows))
        return drawn(
            "structures.html", words, text=text, word=kind.lower(), kinds=kinds, pages=pages,
            asked=bool(text or kind), rows=rows[pages.start : pages.end],
        )  # fmt: skip

    return kept(drawn_page, words)


@lru_cache(maxsize=4)
def _index(known: Registry) -> tuple[list[Maintainable], Index]:
    everything = list(known)
    return everything, Index((artefact.id, artefact) for artefact in everything)


@blueprint.get("/structures/<word>/<agency>/<id>/<version>")
def structure(word: str, agency: str, id: str, version: str) -> Response:
    """An artefact: what it is called and means, its items or components, its references, its files."""
    words, known = Words.of(request), registry()
    found = known.find(Reference(_KIND.get(word, word), agency, id, version))
    if found is None:
        raise NotFound(f"There is no {word} {agency}:{id}({version})")
    return kept(lambda: _drawn(found, words, known), words)


def _drawn(artefact: Maintainable, words: Words, known: Registry) -> str:
    text = request.args.get("q", "").strip()
    items, pages = _items(artefact, known, text)
    inside = Inside(artefact, known, words)
    return drawn(
        "structure.html", words, artefact=artefact, kind=words(f"kind_{artefact.kind}"), text=text,
        inside=inside, items=items, pages=pages, with_parents=any(item.parent for _, item in items),
        other_names=[(tag, name) for tag, name in artefact.names.items() if name != words.name(artefact)],
        nodes=inside.nodes(), mapped=inside.mappings(),
        references=[
            (words("refers_to"), "children", _grouped(known.children(artefact), words)),
            (words("referred_by"), "parents", _grouped(known.parents(artefact), words)),
        ],
        path=located(artefact, "v2"), address=located(artefact, "v2", base()), downloads=_downloads(artefact),
        address_of=_page_of,
        is_flow=isinstance(artefact, Dataflow), is_scheme=isinstance(artefact, ItemScheme),
    )  # fmt: skip


def _page_of(artefact: Maintainable) -> dict[str, str]:
    return {
        "word": artefact.kind.lower(), "agency": artefact.agency, "id": artefact.id,
        "version": artefact.version,
    }  # fmt: skip


# --- what is in it ------------------------------------------------------------------------------------------


def _items(artefact: Maintainable, known: Registry, text: str) -> tuple[list[tuple[str, Item]], Pages]:
    """Paths and items of the page that is asked for; items that nest come with those above them."""
    if not isinstance(artefact, ItemScheme):
        return [], Pages(0, 0)
    scheme = known.codelist(artefact) if isinstance(artefact, Codelist) else artefact
    some, total = page(scheme, text, asked_offset(), ROWS)
    return list(walk(some.items)), Pages.of(total)


# --- what it belongs to, and where it is to be had ----------------------------------------------------------


def _grouped(artefacts: Iterable[Maintainable], words: Words) -> list[tuple[str, list[Maintainable], int]]:
    """By type: its name, the first few, and how many more there are."""
    by_kind: dict[str, list[Maintainable]] = {}
    for artefact in artefacts:
        by_kind.setdefault(artefact.kind, []).append(artefact)
    return [
        (
            words(f"kind_{kind}"),
            sorted(found, key=lambda a: collated(words.name(a)))[:SHOWN],
            len(found) - SHOWN,
        )
        for kind, found in sorted(by_kind.items(), key=lambda entry: collated(words(f"kind_{entry[0]}")))
    ]


def _downloads(artefact: Maintainable) -> list[tuple[str, str, str]]:
    """Each format by its name, with the address of the artefact alone, and of it with what it refers to."""
    found: list[tuple[str, str, str]] = []
    for media_type in sorted(STRUCTURE_WRITERS, reverse=True):
        if not serves(media_type, artefact):
            continue
        syntax, _, version = media_type.partition("+")[2].partition(";version=")
        word = "jsonstructure" if syntax == "json" else "structure"
        address = f"{located(artefact, 'v2')}?format={word}&formatVersion={version}"
        name = "SDMX-JSON" if syntax == "json" else "SDMX-ML"
        found.append((f"{name} {version}", address, f"{address}&references=descendants"))
    return found
