"""Writes in SDMX-ML 2.1 the artefacts about components: data and metadata structures, flows, constraints."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ..structures import (
    Attribute,
    Categorisation,
    Component,
    DataConstraint,
    Dataflow,
    DataStructure,
    Dimension,
    Group,
    KeyValues,
    MetadataAttribute,
    Metadataflow,
    MetadataStructure,
    ProvisionAgreement,
    Representation,
)
from .markup import constraint, element, escape, flag, time_range
from .ml21_markup import local, notes, reference, representation

PRIMARY_MEASURE = "OBS_VALUE"  # the only id that 2.1 allows its measure


def data_structure(dsd: DataStructure) -> str:
    if not dsd.dimensions:  # a stub
        return ""
    attributes = [_attribute(attribute) for attribute in dsd.attributes]
    return element(
        "str:DataStructureComponents",
        (),
        element(
            "str:DimensionList",
            (("id", "DimensionDescriptor"),),
            *(_dimension(dimension, position) for position, dimension in enumerate(dsd.dimensions, 1)),
        ),
        *map(_group, dsd.groups),
        element("str:AttributeList", (("id", "AttributeDescriptor"),), *attributes) if attributes else "",
        element("str:MeasureList", (("id", "MeasureDescriptor"),), *map(_measure, dsd.measures)),
    )


def _component(
    name: str,
    component: Component,
    attributes: Iterable[tuple[str, str]],
    *content: str,
    given: Representation | None,
) -> str:
    return element(
        f"str:{name}",
        attributes,
        notes(component.annotations),
        reference("str:ConceptIdentity", component.concept),
        representation("str:LocalRepresentation", given),
        *content,
    )


def _roles(component: Component) -> Iterable[str]:
    return (reference("str:ConceptRole", role) for role in component.concept_roles)


def _dimension(dimension: Dimension, position: int) -> str:
    name = "TimeDimension" if dimension.is_time else "Dimension"
    attributes = (("id", dimension.id), ("position", str(position)))
    if dimension.is_time:  # which takes no roles and must have a representation
        given = dimension.representation or Representation(text_type="ObservationalTimePeriod")
        return _component(name, dimension, attributes, given=given)
    return _component(name, dimension, attributes, *_roles(dimension), given=dimension.representation)


def _measure(measure: Component) -> str:
    return _component("PrimaryMeasure", measure, (("id", PRIMARY_MEASURE),), given=measure.representation)


def _attribute(attribute: Attribute) -> str:
    status = "Mandatory" if attribute.mandatory else "Conditional"
    return _component(
        "Attribute",
        attribute,
        (("id", attribute.id), ("assignmentStatus", status)),
        *_roles(attribute),
        element("str:AttributeRelationship", (), *_relationship(attribute)),
        given=attribute.representation,
    )


def _relationship(attribute: Attribute) -> list[str]:
    match attribute.attached:
        case "dataflow":
            return [element("str:None", ())]
        case "dimensions":
            return [local("str:Dimension", dimension) for dimension in attribute.to]
        case "group":
            return [local("str:Group", group) for group in attribute.to]
        case "observation":
            return [local("str:PrimaryMeasure", PRIMARY_MEASURE)]


def _group(group: Group) -> str:
    dimensions = (
        element("str:GroupDimension", (), local("str:DimensionReference", dimension))
        for dimension in group.dimensions
    )
    return element("str:Group", (("id", group.id),), *dimensions)


# --- metadata structures -----------------------------------------------------------------------------------

_TARGET, _REPORT = "METADATA_TARGET", "METADATA_REPORT"
_TARGET_KIND = re.compile(r"infomodel\.\w+\.(\w+)=")
# the classes that 2.1 lets a report describe, of those that 3.0 knows; any other is Any
_OBJECT_TYPES = {
    **{
        kind: kind
        for kind in (
            "Agency", "AgencyScheme", "Category", "CategoryScheme", "Code", "Codelist", "Concept",
            "ConceptScheme", "Dataflow", "DataProvider", "DataProviderScheme", "DataStructure", "Dimension",
            "Metadataflow", "MetadataStructure", "ProvisionAgreement",
        )
    },
    "DataConstraint": "ContentConstraint",
    "Hierarchy": "HierarchicalCodelist",
}  # fmt: skip


def metadata_structure(structure: MetadataStructure, targets: Sequence[str] = ()) -> str:
    """One MetadataTarget for what the metadataflows target (anything, if nothing is told), and one report."""
    if not structure.attributes:  # a stub
        return ""
    found = (_TARGET_KIND.search(urn) for urn in targets)
    kinds = dict.fromkeys(_OBJECT_TYPES.get(kind[1], "Any") if kind else "Any" for kind in found) or ["Any"]
    return element(
        "str:MetadataStructureComponents",
        (),
        element("str:MetadataTarget", (("id", _TARGET),), *map(_target, kinds)),
        element(
            "str:ReportStructure",
            (("id", _REPORT),),
            *_metadata_attributes(structure.attributes),
            local("str:MetadataTarget", _TARGET),
        ),
    )


def _target(kind: str) -> str:
    layout = element("str:TextFormat", (("textType", "IdentifiableReference"),))
    return element(
        "str:IdentifiableObjectTarget",
        (("id", f"{kind.upper()}_TARGET"), ("objectType", kind)),
        element("str:LocalRepresentation", (), layout),
    )


def _metadata_attributes(attributes: tuple[MetadataAttribute, ...]) -> list[str]:
    return [
        element(
            "str:MetadataAttribute",
            (
                ("id", attribute.id),
                ("minOccurs", attribute.min_occurs),
                ("maxOccurs", attribute.max_occurs),
                ("isPresentational", flag(attribute.presentational)),
            ),
            notes(attribute.annotations),
            reference("str:ConceptIdentity", attribute.concept),
            representation("str:LocalRepresentation", attribute.representation, in_data=False),
            *_metadata_attributes(attribute.children),
        )
        for attribute in attributes
    ]


# --- flows, agreements, categorisations --------------------------------------------------------------------


def flow(flow: Dataflow | Metadataflow) -> str:
    return reference("str:Structure", flow.structure)


def provision_agreement(agreement: ProvisionAgreement) -> str:
    return reference("str:StructureUsage", agreement.dataflow) + reference(
        "str:DataProvider", agreement.provider
    )


def categorisation(categorisation: Categorisation) -> str:
    return reference("str:Source", categorisation.source) + reference("str:Target", categorisation.target)


# --- constraints -------------------------------------------------------------------------------------------


def content_constraint(given: DataConstraint) -> str:
    return constraint(given, reference, _key_value)


def _key_value(key: KeyValues) -> str:
    how = dict(key.cascading)
    return element(
        "com:Attribute" if key.is_attribute else "com:KeyValue",
        (("id", key.component), ("include", "" if key.include else "false")),
        *(
            element("com:Value", (("cascadeValues", flag(value in how)),), escape(value))
            for value in key.values
        ),
        time_range(key.time_range, "com"),
    )
