"""Independent readers get out of our SDMX-ML 2.1 what we put in, for what the shipped structures do not have.

`test_structures_oracles` does the same for what is shipped. What they cannot read, whoever wrote it: pysdmx
neither X400 of contacts, ISO concepts, measure dimensions, calendars, annotations of lists of components,
attachment constraints, metadata structures nor maps, and it passes over processes, taxonomies and units of
organisations; sdmx1 no Fax or X400, no coding formats, no queryable sources, and of VTL only what is in the
same message.
"""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from typing import Any

import pytest
import sdmx
from pysdmx.io import read_sdmx
from structures_made import (
    CODE_MAP,
    DSD_21,
    FULL_AGREEMENT,
    FULL_CATEGORIES,
    FULL_CODELIST,
    FULL_DSD,
    FULL_FILED,
    FULL_FLOW,
    FULL_HIERARCHY,
    FULL_METADATAFLOW,
    FULL_MSD,
    FULL_VTL,
    HEADER,
    HIERARCHY,
)
from test_structures_ml21_whole import GIVEN, message, read

from migdx.formats.ml21_structure_writer import write_structures
from migdx.structures import Codelist, Hierarchy, Maintainable, TransformationScheme

CODES: Codelist = replace(FULL_CODELIST, extensions=())
BY_PYSDMX = (
    CODES, DSD_21, FULL_AGREEMENT, FULL_CATEGORIES, FULL_FILED, FULL_FLOW, FULL_HIERARCHY, FULL_METADATAFLOW,
    *(scheme for scheme in FULL_VTL if scheme.kind != "VtlMappingScheme"),
)  # fmt: skip
LISTED = {
    "Categorisation": "categorisation",
    "CategoryScheme": "category_scheme",
    "Codelist": "codelist",
    "DataStructure": "structure",
    "Dataflow": "dataflow",
    "Hierarchy": "hierarchical_codelist",
    "MetadataStructure": "metadatastructure",
    "Metadataflow": "metadataflow",
    "NamePersonalisationScheme": "name_personalisation_scheme",
    "ProvisionAgreement": "provisionagreement",
    "RepresentationMap": "structureset",
    "TransformationScheme": "transformation_scheme",
}
UNNAMED = ("NamePersonalisationScheme", "RepresentationMap", "TransformationScheme")
"""Of which sdmx1 drops the names."""
ONE_MEASURE = replace(FULL_DSD, measures=FULL_DSD.measures[:1])
BY_SDMX1 = (
    CODE_MAP, CODES, DSD_21, FULL_AGREEMENT, FULL_CATEGORIES, FULL_FILED, FULL_FLOW, FULL_METADATAFLOW,
    FULL_MSD, HIERARCHY, ONE_MEASURE, *(scheme for scheme in FULL_VTL if scheme.kind in LISTED),
)  # fmt: skip


def written(*artefacts: Maintainable) -> bytes:
    return b"".join(write_structures(artefacts, HEADER))


def by_pysdmx(*artefacts: Maintainable) -> list[Any]:
    return list(read_sdmx(written(*artefacts).decode(), validate=True).structures or ())


def by_sdmx1(artefact: Maintainable) -> Any:
    found = getattr(sdmx.read_sdmx(BytesIO(written(artefact))), LISTED[artefact.kind])
    return next(entry for entry in found.values() if entry.id == artefact.id)


@pytest.mark.parametrize("mine", BY_PYSDMX, ids=lambda mine: mine.id)
def test_pysdmx_reads(mine: Maintainable) -> None:
    (their,) = by_pysdmx(mine)
    assert (their.id, their.name, their.version) == (mine.id, mine.name(), mine.version)
    if hasattr(mine, "items"):
        assert [item.id for item in their.items] == [item.id for item in mine.items]


@pytest.mark.parametrize("mine", BY_SDMX1, ids=lambda mine: mine.id)
def test_sdmx1_reads(mine: Maintainable) -> None:
    their = by_sdmx1(mine)
    assert (their.maintainer.id, str(their.version)) == (mine.agency, mine.version)
    if mine.kind not in UNNAMED:
        assert their.name.localizations == mine.names


def test_sdmx1_reads_a_measure_dimension() -> None:
    dimensions = by_sdmx1(DSD_21).dimensions.components
    assert [type(dimension).__name__ for dimension in dimensions] == ["Dimension", "MeasureDimension"]


def test_pysdmx_reads_both_hierarchies_of_a_list() -> None:
    mine = [each for each in read("HierarchicalCodelists") if isinstance(each, Hierarchy)]
    theirs = by_pysdmx(*mine)
    assert [their.id for their in theirs] == ["H1", "H2"]
    original = message(
        f"<str:HierarchicalCodelists>{GIVEN['HierarchicalCodelists']}</str:HierarchicalCodelists>"
    )
    assert theirs == list(read_sdmx(original.decode(), validate=True).structures or ())


def test_sdmx1_reads_maps_of_codes_and_reports() -> None:
    (mapped,) = by_sdmx1(CODE_MAP).item_scheme_map
    assert (mapped.source.id, mapped.target.id) == ("CL_SEX", "CL_THIRD")
    assert [(row.source.id, row.target.id) for row in mapped.item_association] == [("F", "X"), ("_T", "Y")]
    (report,) = by_sdmx1(FULL_MSD).report_structure.values()
    assert [attribute.id for attribute in report.components] == ["CONTACT"]


def test_both_read_transformations() -> None:
    (mine,) = (scheme for scheme in FULL_VTL if isinstance(scheme, TransformationScheme))
    (their,) = by_pysdmx(mine)
    expression = mine.items[0].expression
    assert their.items[0].expression.strip() == expression.strip()
    (other,) = by_sdmx1(mine).items.values()
    assert other.expression.strip() == expression.strip()
