"""Artefacts of SDMX-ML 2.1 that hold several of the model: hierarchies, maps, reports.

The first part keeps the id of the whole, so that what refers to the whole finds something; the others are
`WHOLE-PART`. Each says in an annotation of type `SDMX_2_1_GROUP` which part of what it was, and whatever
parts of one whole are written together become one again. Where whole and only part tell the same, as our own
writer makes them tell, there is nothing to say and no annotation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..structures import Annotation, Maintainable
from .ml21_kept import GROUP, KEPT, bare_tag, markup, parsed
from .xml_shapes import Dialect, Mixed, Node, Part, Shape, Values

_OWN = ("id", "names", "descriptions", "annotations", "uri")


@dataclass
class PartOf:
    """A part as it is read: what it makes, and the fields that it says itself."""

    make: Callable[..., Maintainable]
    fields: Values

    @property
    def id(self) -> str:
        return str(self.fields.get("id", ""))


def part_of(make: Callable[..., Maintainable]) -> Callable[..., PartOf]:
    return lambda **fields: PartOf(make, fields)


@dataclass(frozen=True)
class Whole:
    """An artefact of 2.1 about to be written: `first` has its identity, `shell` what else was said of it.

    Anything that is asked of it is answered by `first`, so that a table writes it as it writes an artefact.
    """

    first: Maintainable
    parts: tuple[Maintainable, ...]
    shell: Node | None = None
    targets: tuple[str, ...] = ()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.first, name)


# --- reading -----------------------------------------------------------------------------------------------


def split(
    fields: Values,
    parts: Sequence[PartOf],
    shell: str,
    plain: bool,
    alone: Callable[..., Maintainable],
    only: str = "",
) -> list[Maintainable]:
    """The artefacts that a whole is told as; `only` is the id of a part that is nothing but its whole."""
    if not parts:
        return [alone(**fields)] if plain else [alone(**_noted(fields, "", shell))]
    if plain and len(parts) == 1 and _same(parts[0].fields, fields, only or fields["id"]):
        return [parts[0].make(**{**parts[0].fields, **fields})]
    whole = fields["id"]
    found: list[Maintainable] = []
    shared = {name: value for name, value in fields.items() if name not in _OWN}
    for part in parts:
        named = part.fields if "names" in part.fields else fields
        own: Values = {name: named[name] for name in ("names", "descriptions") if name in named}
        id = whole if not found else f"{whole}-{part.id}"
        said = _noted(part.fields, part.id, shell)
        found.append(part.make(**{**shared, **said, **own, "id": id}))
    return found


def _noted(fields: Values, id: str, shell: str) -> Values:
    note = Annotation(id=id, type=GROUP, value=shell)
    return {**fields, "annotations": (*fields.get("annotations", ()), note)}


def _same(part: Values, whole: Values, id: str) -> bool:
    return (
        part["id"] == id
        and not part.get("annotations")
        and not part.get("uri")
        and all(name not in part or part[name] == whole.get(name) for name in ("names", "descriptions"))
        and ("descriptions" in part or "names" not in part or not whole.get("descriptions"))
    )


def member_id(whole: str, parts: Sequence[PartOf], id: str) -> str:
    """The id of the artefact that the part `id` becomes, "" when there is none."""
    for at, part in enumerate(parts):
        if part.id == id:
            return whole if at == 0 else f"{whole}-{id}"
    return ""


@dataclass(frozen=True, eq=False)
class Shell(Part):
    """Keeps what a whole says apart from its parts."""

    without: tuple[str, ...]

    def finish(self, values: Values, node: Node, dialect: Dialect) -> None:
        values["shell"] = markup(node, self.without)


class Members(Mixed):
    """The parts of a whole."""

    def __init__(self, shapes: tuple[Shape, ...], shape_of: Callable[[Any], Shape]) -> None:
        super().__init__("parts", shapes, shape_of)


# --- writing -----------------------------------------------------------------------------------------------


class WholeShape(Shape):
    """The table of a whole; `into` is the child that holds its parts, when it is not the whole itself."""

    def __init__(self, make: Callable[..., Any], element: str, *parts: Part, into: str = "") -> None:
        super().__init__(make, element, *parts)
        self.into = into

    def write(self, given: Whole, dialect: Dialect, place: str = "") -> str:
        if given.shell is None:
            return super().write(given, dialect, place)
        if given.first.is_external:
            return _stub(given.first, given.shell)
        members = self._members().body(given, dialect)
        whole = {"agencyID": given.first.agency, "version": given.first.version}
        return markup(given.shell, inside=members, into=self.into, **whole)

    def chunks(self, given: Whole, dialect: Dialect) -> Iterator[bytes]:
        yield self.write(given, dialect).encode()

    def _members(self) -> Members:
        parts = (*self.parts, *(inner for part in self.parts for inner in getattr(part, "parts", ())))
        return next(part for part in parts if isinstance(part, Members))


def _stub(first: Maintainable, shell: Node) -> str:
    """The names of a whole, and when its first part has more than those what else is said; no parts."""
    plain = all(note.type in (KEPT, GROUP) for note in first.annotations) and not first.descriptions
    told = {"Name"} if plain else {"Name", "Description", "Annotations"}
    without = {bare_tag(child) for child in shell} - told
    where = {"structureURL": first.structure_url, "serviceURL": first.service_url}
    return markup(
        shell, without, agencyID=first.agency, version=first.version, isExternalReference="true", **where
    )


def wholes(
    artefacts: Iterable[Maintainable], element: str, plain: Callable[[Maintainable], Whole]
) -> list[Whole]:
    """What is written for artefacts that may be parts of wholes, each whole where its first part stands."""
    grouped: dict[tuple[str, ...], Whole] = {}
    for artefact in artefacts:
        note = next((note for note in artefact.annotations if note.type == GROUP), None)
        shell = parsed(note.value, element) if note else None
        if note is None or shell is None or not shell.get("id"):
            grouped[(artefact.kind, artefact.agency, artefact.id, artefact.version)] = plain(artefact)
            continue
        key = ("", artefact.agency, artefact.version, note.value)
        known = grouped.get(key)
        parts = (replace(artefact, id=note.id),) if note.id else ()
        # the one that has the id of the whole is where the whole is found
        first = known.first if known and artefact.id != shell.get("id") else artefact
        grouped[key] = Whole(first, (*known.parts, *parts) if known else parts, shell)
    return list(grouped.values())


def is_part(artefact: Maintainable, element: str) -> bool:
    """Whether an artefact says that it is a part of a whole that is such an element."""
    note = next((note for note in artefact.annotations if note.type == GROUP), None)
    return note is not None and parsed(note.value, element) is not None
