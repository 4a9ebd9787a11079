"""Two independent readers get out of our structure messages what we put in: pysdmx and sdmx1.

What they cannot read, whoever wrote it: pysdmx neither code list extensions nor metadata structures and
maps of 2.1; sdmx1 no constraints of agreements, in 3.0 no provider schemes, agreements, maps and levels of
codes in a hierarchy, and metadata attribute usages only beside their structure; it has no JSON of structures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from io import BytesIO
from typing import Any

import pytest
import sdmx
from pysdmx.io import read_sdmx
from structures_made import HEADER, ROOT, content

from migdx.formats.tables import STRUCTURE_WRITERS
from migdx.structures import (
    AgencyScheme,
    Codelist,
    ConceptScheme,
    DataConstraint,
    Dataflow,
    DataProviderScheme,
    DataStructure,
    Hierarchy,
    ItemScheme,
    Maintainable,
    MetadataStructure,
    ProvisionAgreement,
    RepresentationMap,
)
from migdx.urn import Reference

WRITERS = {
    "3.1": "application/vnd.sdmx.structure+xml;version=3.1.0",
    "3.0": "application/vnd.sdmx.structure+xml;version=3.0.0",
    "2.1": "application/vnd.sdmx.structure+xml;version=2.1",
    "JSON": "application/vnd.sdmx.structure+json;version=2.0.0",
}
KINDS = (
    AgencyScheme, Codelist, ConceptScheme, DataConstraint, Dataflow, DataProviderScheme, DataStructure,
    Hierarchy, MetadataStructure, ProvisionAgreement, RepresentationMap,
)  # fmt: skip

pytestmark = pytest.mark.skipif(not (ROOT / "dsd").is_dir(), reason="dsd/ is not there")


def ours(*kinds: type[Maintainable]) -> list[Any]:
    """What the repository holds of these kinds, without extensions, as REST gives code lists."""
    found = [artefact for artefact in content() if isinstance(artefact, kinds)]
    return [replace(entry, extensions=()) if isinstance(entry, Codelist) else entry for entry in found][:300]


def message(generation: str, artefacts: Iterable[Maintainable]) -> bytes:
    return b"".join(STRUCTURE_WRITERS[WRITERS[generation]](artefacts, HEADER, ("en",)))


def short(named: Reference | None) -> str:
    """AGENCY:ID(VERSION), and the item."""
    return "" if named is None else named.urn.partition("=")[2]


def by_identity(artefacts: Iterable[Any], agency: Callable[[Any], str]) -> dict[tuple[str, str, str], Any]:
    return {(agency(entry), entry.id, str(entry.version)): entry for entry in artefacts}


# --- pysdmx ------------------------------------------------------------------------------------------------


def their_pysdmx(generation: str, artefacts: list[Maintainable]) -> Iterator[tuple[Any, Any]]:
    """Our artefacts, each beside that of the same identity that pysdmx read."""
    structures = read_sdmx(message(generation, artefacts).decode(), validate=True).structures or ()
    theirs = by_identity(structures, lambda entry: getattr(entry.agency, "id", entry.agency))
    mine = by_identity(artefacts, lambda entry: entry.agency)
    assert theirs.keys() == mine.keys()
    return ((mine[identity], theirs[identity]) for identity in mine)


READ_BY_PYSDMX = [
    (generation, kind)
    for generation in WRITERS
    for kind in KINDS
    if generation != "2.1" or kind not in (MetadataStructure, RepresentationMap)
]


@pytest.mark.parametrize(("generation", "kind"), READ_BY_PYSDMX)
def test_pysdmx_reads_all(generation: str, kind: type[Maintainable]) -> None:
    for mine, their in their_pysdmx(generation, ours(kind)):
        # from JSON it gives these schemes names of its own
        assert (generation == "JSON" and their.name == mine.id) or their.name == mine.name()
        if isinstance(mine, ItemScheme):
            assert [(item.id, item.name) for item in their.items] == [
                (item.id, item.name()) for item in mine.items
            ]


@pytest.mark.parametrize("generation", WRITERS)
def test_pysdmx_reads_data_structures(generation: str) -> None:
    for mine, their in their_pysdmx(generation, ours(DataStructure)):
        components = their.components
        assert [entry.id for entry in components.dimensions] == [entry.id for entry in mine.dimensions]
        assert [entry.id for entry in components.measures] == [entry.id for entry in mine.measures]
        assert [entry.id for entry in components.attributes] == [entry.id for entry in mine.attributes]
        assert [entry.required for entry in components.attributes] == [
            entry.mandatory for entry in mine.attributes
        ]
        told = {entry.id: str(entry.concept).partition("=")[2] for entry in components}
        everything = (*mine.dimensions, *mine.measures, *mine.attributes)
        assert told == {entry.id: short(entry.concept) for entry in everything}
        for entry in mine.attributes:
            level = {"dataflow": "D", "observation": "O"}.get(entry.attached, ",".join(entry.to))
            assert components[entry.id].attachment_level == level


@pytest.mark.parametrize("generation", WRITERS)
def test_pysdmx_reads_references(generation: str) -> None:
    for mine, their in their_pysdmx(generation, ours(Dataflow)):
        assert short(mine.structure) in str(their.structure)
    for mine, their in their_pysdmx(generation, ours(ProvisionAgreement)):
        assert (short(mine.dataflow) in their.dataflow, short(mine.provider) in their.provider) == (
            True,
            True,
        )


@pytest.mark.parametrize("generation", WRITERS)
def test_pysdmx_reads_trees(generation: str) -> None:
    def walk(codes: Any) -> list[tuple[str, str]]:
        return [pair for entry in codes for pair in ((entry.id, entry.urn or ""), *walk(entry.codes))]

    for mine, their in their_pysdmx(generation, ours(Hierarchy)):
        assert [pair[0] for pair in walk(their.codes)] == [
            node.code.item for top in mine.codes for node in top.walk()
        ]


@pytest.mark.parametrize("generation", WRITERS)
def test_pysdmx_reads_constraints(generation: str) -> None:
    for mine, their in their_pysdmx(generation, ours(DataConstraint)):
        regions = [
            {key.component: key.values for key in region.keys if key.values and not key.is_attribute}
            for region in mine.regions
        ]
        assert [
            {key.id: tuple(value.value for value in key.values) for key in region.key_values if key.values}
            for region in their.cube_regions
        ] == regions


# --- sdmx1 -------------------------------------------------------------------------------------------------


def their_sdmx1(generation: str, artefacts: list[Maintainable], listed: str) -> Iterator[tuple[Any, Any]]:
    read = sdmx.read_sdmx(BytesIO(message(generation, artefacts)))
    whole = (entry for entry in getattr(read, listed).values() if not entry.is_external_reference)
    theirs = by_identity(whole, lambda entry: entry.maintainer.id)
    mine = by_identity(artefacts, lambda entry: entry.agency)
    assert mine.keys() <= theirs.keys()
    return ((mine[identity], theirs[identity]) for identity in mine)


SCHEMES = (
    (Codelist, "codelist", ("3.0", "2.1")),
    (ConceptScheme, "concept_scheme", ("3.0", "2.1")),
    (AgencyScheme, "organisation_scheme", ("3.0", "2.1")),
    (DataProviderScheme, "organisation_scheme", ("2.1",)),
)


@pytest.mark.parametrize(
    ("kind", "listed", "generation"), [(kind, listed, one) for kind, listed, both in SCHEMES for one in both]
)
def test_sdmx1_reads_schemes_in_every_language(
    kind: type[Maintainable], listed: str, generation: str
) -> None:
    for mine, their in their_sdmx1(generation, ours(kind), listed):
        assert their.name.localizations == mine.names
        assert list(their.items) == [item.id for item in mine.items]
        for item in mine.items:
            assert their[item.id].name.localizations == item.names
            assert (their[item.id].parent.id if item.parent else "") == item.parent


@pytest.mark.parametrize("generation", ["3.0", "2.1"])
def test_sdmx1_reads_data_structures(generation: str) -> None:
    structures = ours(DataStructure)
    beside = ours(MetadataStructure)
    read = sdmx.read_sdmx(BytesIO(message(generation, [*structures, *beside])))
    for mine in structures:
        their = read.structure[mine.id]
        assert [entry.id for entry in their.dimensions.components] == [entry.id for entry in mine.dimensions]
        assert {entry.id for entry in mine.attributes} <= {entry.id for entry in their.attributes.components}
        assert [entry.id for entry in their.measures.components] == [entry.id for entry in mine.measures]
        for entry in mine.dimensions:
            dimension = their.dimensions.get(entry.id)
            assert dimension.concept_identity.id == entry.concept.item
            if entry.representation and entry.representation.enumeration:
                assert dimension.local_representation.enumerated.id == entry.representation.enumeration.id


@pytest.mark.parametrize("generation", ["3.0", "2.1"])
def test_sdmx1_reads_dataflows(generation: str) -> None:
    for mine, their in their_sdmx1(generation, ours(Dataflow), "dataflow"):
        assert their.structure.id == (mine.structure.id if mine.structure else "")


@pytest.mark.parametrize("generation", ["3.0", "2.1"])
def test_sdmx1_reads_constraints_of_dataflows(generation: str) -> None:
    """Those of agreements it does not read, in either generation."""
    constraints = [mine for mine in ours(DataConstraint) if mine.attachment[0].kind == "Dataflow"]
    beside = ours(Dataflow, DataStructure, MetadataStructure)
    read = sdmx.read_sdmx(BytesIO(message(generation, [*constraints, *beside])))
    assert constraints
    for mine in constraints:
        (region,) = read.constraint[mine.id].data_content_region
        found = {
            dimension.id: {value.value for value in chosen.values}
            for dimension, chosen in region.member.items()
        }
        assert found == {key.component: set(key.values) for key in mine.regions[0].keys}


def test_sdmx1_reads_agreements_and_trees_of_2_1() -> None:
    for mine, their in their_sdmx1("2.1", ours(ProvisionAgreement), "provisionagreement"):
        assert their.structure_usage.id == (mine.dataflow.id if mine.dataflow else "")
        assert their.data_provider.id == (mine.provider.item if mine.provider else "")
    for mine, their in their_sdmx1("2.1", ours(Hierarchy), "hierarchical_codelist"):
        (tree,) = their.hierarchy
        assert [code.id for code in tree.codes.values()] == [code.id for code in mine.codes]
