"""pysdmx, an independent reader of SDMX-JSON 2.0 and 2.1, gets out of our messages what we put in.

What it cannot read, whoever wrote it: sentinel values, more than a number for maxOccurs, periods where the
schema has a StandardTimePeriod, regions without values of dimensions, maps to nothing, `genericDataflow`; the
kinds that are not in KINDS it leaves out. sdmx1 has no JSON of structures: it takes 1.0 for a data message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from pysdmx.io import read_sdmx
from structures_json import written
from structures_made import FULL, content

from migdx.structures import (
    AgencyScheme,
    Categorisation,
    CategoryScheme,
    Codelist,
    ConceptScheme,
    CustomTypeScheme,
    DataConstraint,
    DataConsumerScheme,
    Dataflow,
    DataProviderScheme,
    DataStructure,
    Hierarchy,
    HierarchyAssociation,
    ItemScheme,
    Maintainable,
    Metadataflow,
    MetadataProviderScheme,
    MetadataProvisionAgreement,
    MetadataStructure,
    NamePersonalisationScheme,
    ProvisionAgreement,
    RepresentationMap,
    RulesetScheme,
    TransformationScheme,
    UserDefinedOperatorScheme,
)
from migdx.urn import Reference

GENERATION = ["2.0", "2.1"]
KINDS = (
    AgencyScheme, Categorisation, CategoryScheme, Codelist, ConceptScheme, DataConstraint, Dataflow,
    DataProviderScheme, DataStructure, Hierarchy, Metadataflow, MetadataProviderScheme,
    MetadataProvisionAgreement, MetadataStructure, ProvisionAgreement, RepresentationMap,
)  # fmt: skip
MADE_ONLY = (
    CustomTypeScheme, DataConsumerScheme, HierarchyAssociation, NamePersonalisationScheme, RulesetScheme,
    TransformationScheme, UserDefinedOperatorScheme,
)  # fmt: skip
"""What dsd/ and codelists/ have none of."""


def ours(*kinds: type[Maintainable]) -> list[Any]:
    """What the repository holds of these kinds, without extensions, as REST gives code lists."""
    found = [artefact for artefact in content() if isinstance(artefact, kinds)]
    return [replace(entry, extensions=()) if isinstance(entry, Codelist) else entry for entry in found][:300]


def short(named: Reference | None) -> str:
    """AGENCY:ID(VERSION), and the item."""
    return "" if named is None else named.urn.partition("=")[2]


def by_identity(artefacts: Iterable[Any], agency: Callable[[Any], str]) -> dict[tuple[str, str, str], Any]:
    return {(agency(entry), entry.id, str(entry.version)): entry for entry in artefacts}


# the JSON Schema of 2.1 takes pysdmx's validator long where an artefact is large
each_version = pytest.mark.parametrize(
    "version", [pytest.param(one, marks=pytest.mark.faults) if one == "2.1" else one for one in GENERATION]
)


@cache
def pairs(version: str, kind: type[Maintainable]) -> tuple[tuple[Any, Any], ...]:
    """Those of the repository, as `their` gives them."""
    return tuple(their(version, ours(kind)))


def their(version: str, artefacts: list[Maintainable]) -> Iterator[tuple[Any, Any]]:
    """Our artefacts, each beside that of the same identity that pysdmx read."""
    structures = read_sdmx(written(version, *artefacts).decode(), validate=True).structures or ()
    theirs = by_identity(structures, lambda entry: getattr(entry.agency, "id", entry.agency))
    mine = by_identity(artefacts, lambda entry: entry.agency)
    assert theirs.keys() == mine.keys()
    return ((mine[identity], theirs[identity]) for identity in mine)


@pytest.mark.faults  # pysdmx holds each against the JSON Schema; those below look at the most important kinds
@pytest.mark.parametrize("version", GENERATION)
@pytest.mark.parametrize("kind", KINDS)
def test_all_of_the_repository(version: str, kind: type[Maintainable]) -> None:
    for mine, theirs in pairs(version, kind):
        # it gives these schemes names of its own
        assert theirs.name in (mine.name(), mine.id)
        if isinstance(mine, ItemScheme):
            assert [(item.id, item.name) for item in theirs.items] == [
                (item.id, item.name()) for item in mine.items
            ]


@pytest.mark.parametrize("version", GENERATION)
@pytest.mark.parametrize("kind", MADE_ONLY)
def test_specimens(version: str, kind: type[Maintainable]) -> None:
    for mine, theirs in their(version, [artefact for artefact in FULL if isinstance(artefact, kind)]):
        assert theirs.name in (mine.name(), mine.id)
        if isinstance(mine, ItemScheme):
            assert [item.id for item in theirs.items] == [item.id for item in mine.items]


@pytest.mark.parametrize("version", GENERATION)
def test_data_structures(version: str) -> None:
    for mine, theirs in pairs(version, DataStructure):
        components = theirs.components
        assert [entry.id for entry in components.dimensions] == [entry.id for entry in mine.dimensions]
        assert [entry.id for entry in components.measures] == [entry.id for entry in mine.measures]
        assert [(entry.id, entry.required) for entry in components.attributes] == [
            (entry.id, entry.mandatory) for entry in mine.attributes
        ]
        told = {entry.id: str(entry.concept).partition("=")[2] for entry in components}
        everything = (*mine.dimensions, *mine.measures, *mine.attributes)
        assert told == {entry.id: short(entry.concept) for entry in everything}
        for entry in mine.attributes:
            level = {"dataflow": "D", "observation": "O"}.get(entry.attached, ",".join(entry.to))
            assert components[entry.id].attachment_level == level


@pytest.mark.parametrize("version", GENERATION)
def test_references(version: str) -> None:
    for mine, theirs in pairs(version, Dataflow):
        assert short(mine.structure) in str(theirs.structure)
    for mine, theirs in pairs(version, ProvisionAgreement):
        assert short(mine.dataflow) in theirs.dataflow
        assert short(mine.provider) in theirs.provider


@each_version
def test_trees(version: str) -> None:
    def walk(codes: Any) -> list[str]:
        return [id for entry in codes for id in (entry.id, *walk(entry.codes))]

    for mine, theirs in pairs(version, Hierarchy):
        assert walk(theirs.codes) == [node.code.item for top in mine.codes for node in top.walk()]


@each_version
def test_constraints(version: str) -> None:
    for mine, theirs in pairs(version, DataConstraint):
        regions = [
            {key.component: key.values for key in region.keys if key.values and not key.is_attribute}
            for region in mine.regions
        ]
        assert [
            {key.id: tuple(value.value for value in key.values) for key in region.key_values if key.values}
            for region in theirs.cube_regions
        ] == regions
