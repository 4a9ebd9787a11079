"""The information model in SDMX 3.0 words: frozen values, every language kept. 2.1 is only a dialect."""

from __future__ import annotations

from ..urn import Reference
from .artefact import (
    NO_TEXT,
    Annotation,
    Identifiable,
    Item,
    ItemScheme,
    Link,
    Maintainable,
    Nameable,
    Text,
    in_language,
)
from .category import (
    Categorisation,
    Category,
    CategoryScheme,
    ReportingCategory,
    ReportingTaxonomy,
)
from .codelist import (
    Codelist,
    CodelistExtension,
    Concept,
    ConceptScheme,
    GeoFeatureSetCode,
    GeographicCodelist,
    GeoGridCode,
    GeoGridCodelist,
    HierarchicalCode,
    Hierarchy,
    HierarchyAssociation,
    Level,
    Representation,
    SentinelValue,
    ValueList,
)
from .constraint import (
    AttachmentConstraint,
    Constraint,
    CubeRegion,
    DataConstraint,
    DataKey,
    DataKeySet,
    KeyValues,
    MetadataConstraint,
    MetadataTargetRegion,
    QueryableDataSource,
    Region,
    ReleaseCalendar,
    TimeRange,
)
from .datastructure import (
    Attachment,
    Attribute,
    Component,
    Dataflow,
    DataStructure,
    Dimension,
    Group,
    Measure,
    MetadataAttribute,
    MetadataAttributeUsage,
    Metadataflow,
    MetadataProvisionAgreement,
    MetadataStructure,
    ProvisionAgreement,
)
from .mapping import (
    CategorySchemeMap,
    ComponentMap,
    ConceptSchemeMap,
    DateMap,
    DatePatternMap,
    EpochMap,
    FixedValueMap,
    FrequencyFormatMapping,
    ItemSchemeMap,
    Mapping,
    OrganisationSchemeMap,
    ReportingTaxonomyMap,
    RepresentationMap,
    StructureMap,
)
from .organisation import (
    AgencyScheme,
    Contact,
    DataConsumerScheme,
    DataProviderScheme,
    MetadataProviderScheme,
    Organisation,
    OrganisationUnitScheme,
)
from .process import (
    Computation,
    Process,
    ProcessArtefact,
    ProcessStep,
    Transition,
)
from .vtl import (
    CustomType,
    CustomTypeScheme,
    NamePersonalisation,
    NamePersonalisationScheme,
    Ruleset,
    RulesetScheme,
    Transformation,
    TransformationScheme,
    UserDefinedOperator,
    UserDefinedOperatorScheme,
    VtlDefinitionScheme,
    VtlFlowMapping,
    VtlMapping,
    VtlMappingScheme,
)

KINDS: dict[str, type[Maintainable]] = {
    cls.kind: cls
    for cls in (
        AgencyScheme,
        AttachmentConstraint,
        Categorisation,
        CategoryScheme,
        CategorySchemeMap,
        Codelist,
        ConceptScheme,
        ConceptSchemeMap,
        CustomTypeScheme,
        DataConstraint,
        DataConsumerScheme,
        Dataflow,
        DataProviderScheme,
        DataStructure,
        GeographicCodelist,
        GeoGridCodelist,
        Hierarchy,
        HierarchyAssociation,
        MetadataConstraint,
        Metadataflow,
        MetadataProviderScheme,
        MetadataProvisionAgreement,
        MetadataStructure,
        NamePersonalisationScheme,
        OrganisationSchemeMap,
        OrganisationUnitScheme,
        Process,
        ProvisionAgreement,
        ReportingTaxonomy,
        ReportingTaxonomyMap,
        RepresentationMap,
        RulesetScheme,
        StructureMap,
        TransformationScheme,
        UserDefinedOperatorScheme,
        ValueList,
        VtlMappingScheme,
    )
}
"""The maintainable types, by class name; a new type is a row here."""

HOLDERS: dict[str, str] = {
    **{cls.item_kind: kind for kind, cls in KINDS.items() if issubclass(cls, ItemScheme)},
    **dict.fromkeys(
        ("Dimension", "TimeDimension", "MeasureDimension", "Measure", "PrimaryMeasure", "DataAttribute",
         "DimensionDescriptor", "MeasureDescriptor", "AttributeDescriptor", "GroupDimensionDescriptor"),
        "DataStructure",
    ),
    "MetadataAttribute": "MetadataStructure",
    "HierarchicalCode": "Hierarchy",
    "Level": "Hierarchy",
    "ProcessStep": "Process",
}  # fmt: skip
"""The kind of the maintainable that holds an item of a class."""


def holder(reference: Reference) -> Reference:
    """The artefact that a reference names, or that holds the item: whether that is there is not asked."""
    return reference.of(HOLDERS.get(reference.kind, reference.kind))


__all__ = [
    "HOLDERS", "KINDS", "NO_TEXT", "AgencyScheme", "Annotation", "Attachment", "AttachmentConstraint",
    "Attribute", "Categorisation", "Category", "CategoryScheme", "CategorySchemeMap", "Codelist",
    "CodelistExtension", "Component", "ComponentMap", "Computation", "Concept", "ConceptScheme",
    "ConceptSchemeMap", "Constraint", "Contact", "CubeRegion", "CustomType", "CustomTypeScheme",
    "DataConstraint", "DataConsumerScheme", "DataKey", "DataKeySet", "DataProviderScheme", "DataStructure",
    "Dataflow", "DateMap", "DatePatternMap", "Dimension", "EpochMap", "FixedValueMap",
    "FrequencyFormatMapping", "GeoFeatureSetCode", "GeoGridCode", "GeoGridCodelist", "GeographicCodelist",
    "Group", "HierarchicalCode", "Hierarchy", "HierarchyAssociation", "Identifiable", "Item", "ItemScheme",
    "ItemSchemeMap", "KeyValues", "Level", "Link", "Maintainable", "Mapping", "Measure", "MetadataAttribute",
    "MetadataAttributeUsage", "MetadataConstraint", "MetadataProviderScheme", "MetadataProvisionAgreement",
    "MetadataStructure", "MetadataTargetRegion", "Metadataflow", "NamePersonalisation",
    "NamePersonalisationScheme", "Nameable", "Organisation", "OrganisationSchemeMap",
    "OrganisationUnitScheme", "Process", "ProcessArtefact", "ProcessStep", "ProvisionAgreement",
    "QueryableDataSource", "Region", "ReleaseCalendar", "ReportingCategory", "ReportingTaxonomy",
    "ReportingTaxonomyMap", "Representation", "RepresentationMap", "Ruleset", "RulesetScheme",
    "SentinelValue", "StructureMap", "Text", "TimeRange", "Transformation", "TransformationScheme",
    "Transition", "UserDefinedOperator", "UserDefinedOperatorScheme", "ValueList", "VtlDefinitionScheme",
    "VtlFlowMapping", "VtlMapping", "VtlMappingScheme", "holder", "in_language",
]  # fmt: skip
