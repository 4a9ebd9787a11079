"""The information model in SDMX 3.0 words: frozen values, every language kept. 2.1 is only a dialect."""

from __future__ import annotations

from .artefact import (
    NO_TEXT,
    AgencyScheme,
    Annotation,
    DataProviderScheme,
    Described,
    Item,
    ItemScheme,
    Maintainable,
    MetadataProviderScheme,
    Text,
    in_language,
)
from .category import Categorisation, Category, CategoryScheme
from .codelist import (
    Codelist,
    CodelistExtension,
    Concept,
    ConceptScheme,
    HierarchicalCode,
    Hierarchy,
    HierarchyAssociation,
    Level,
    Representation,
    ValueList,
)
from .datastructure import (
    Attachment,
    Attribute,
    Component,
    CubeRegion,
    DataConstraint,
    Dataflow,
    DataKeySet,
    DataStructure,
    Dimension,
    Group,
    KeyValues,
    Measure,
    MetadataAttribute,
    MetadataAttributeUsage,
    Metadataflow,
    MetadataProvisionAgreement,
    MetadataStructure,
    ProvisionAgreement,
    TimeRange,
)
from .mapping import Mapping, RepresentationMap

KINDS: dict[str, type[Maintainable]] = {
    cls.kind: cls
    for cls in (
        AgencyScheme,
        Categorisation,
        CategoryScheme,
        Codelist,
        ConceptScheme,
        DataConstraint,
        Dataflow,
        DataProviderScheme,
        DataStructure,
        Hierarchy,
        HierarchyAssociation,
        MetadataProviderScheme,
        MetadataProvisionAgreement,
        MetadataStructure,
        Metadataflow,
        ProvisionAgreement,
        RepresentationMap,
        ValueList,
    )
}
"""The maintainable types that the registry keeps, by class name; a new type is a row here."""

__all__ = [
    "KINDS", "NO_TEXT", "AgencyScheme", "Annotation", "Attachment", "Attribute", "Categorisation",
    "Category", "CategoryScheme", "Codelist", "CodelistExtension", "Component", "Concept",
    "ConceptScheme", "CubeRegion", "DataConstraint", "DataKeySet", "DataProviderScheme", "DataStructure",
    "Dataflow", "Described", "Dimension", "Group", "HierarchicalCode", "Hierarchy",
    "HierarchyAssociation", "Item", "ItemScheme", "KeyValues", "Level", "Maintainable", "Mapping",
    "Measure", "MetadataAttribute", "MetadataAttributeUsage", "MetadataProviderScheme",
    "MetadataProvisionAgreement", "MetadataStructure", "Metadataflow", "ProvisionAgreement",
    "Representation", "RepresentationMap", "Text", "TimeRange", "ValueList", "in_language",
]  # fmt: skip
