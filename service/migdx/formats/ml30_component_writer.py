"""Writes the SDMX-ML 3.0 artefacts about components: data and metadata structures, flows, constraints."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ..structures import (
    Attachment,
    Attribute,
    Component,
    DataConstraint,
    Dataflow,
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
    Representation,
)
from .markup import constraint, element, flag, leaf, time_range
from .ml30_markup import cascading, notes, reference, representation


def data_structure(dsd: DataStructure) -> str:
    """Dimensions carry their position, which clients read although the order of the elements decides."""
    if not dsd.dimensions:  # a stub
        return reference("str:Metadata", dsd.metadata)
    attributes = [*map(_attribute, dsd.attributes), *(_usage(usage, dsd) for usage in dsd.metadata_usages)]
    return element(
        "str:DataStructureComponents",
        (),
        element(
            "str:DimensionList",
            (("id", "DimensionDescriptor"),),
            *(_dimension(dimension, position) for position, dimension in enumerate(dsd.dimensions, 1)),
        ),
        *map(_group, dsd.groups),
        _list("AttributeList", "AttributeDescriptor", attributes),
        _list("MeasureList", "MeasureDescriptor", [_measure(measure) for measure in dsd.measures]),
    ) + reference("str:Metadata", dsd.metadata)


def _list(name: str, descriptor: str, components: list[str]) -> str:
    return element(f"str:{name}", (("id", descriptor),), *components) if components else ""


def _component(
    name: str, component: Component, attributes: Iterable[tuple[str, str]], *content: str, default: str = ""
) -> str:
    given = component.representation
    if default and given is None:
        given = Representation(text_type=default)
    return element(
        f"str:{name}",
        (("id", component.id), *attributes),
        notes(component.annotations),
        reference("str:ConceptIdentity", component.concept),
        representation("str:LocalRepresentation", given),
        *(reference("str:ConceptRole", role) for role in component.concept_roles),
        *content,
    )


def _dimension(dimension: Dimension, position: int) -> str:
    if dimension.is_time:  # which has no position and must have a representation
        return _component("TimeDimension", dimension, (), default="ObservationalTimePeriod")
    return _component("Dimension", dimension, (("position", str(position)),))


def _measure(measure: Measure) -> str:
    return _component("Measure", measure, (("usage", _usage_word(measure.mandatory)),))


def _usage_word(mandatory: bool) -> str:
    return "mandatory" if mandatory else "optional"


def _attribute(attribute: Attribute) -> str:
    measures = [leaf("str:Measure", measure) for measure in attribute.measures]
    return _component(
        "Attribute",
        attribute,
        (("usage", _usage_word(attribute.mandatory)),),
        _relationship(attribute.attached, attribute.to),
        element("str:MeasureRelationship", (), *measures) if measures else "",
    )


def _usage(usage: MetadataAttributeUsage, dsd: DataStructure) -> str:
    # the schema has no URN class for a usage, and one reader insists on a URN, so it bears its attribute's
    named = dsd.metadata and replace(dsd.metadata, kind="MetadataAttribute", item=usage.attribute)
    return element(
        "str:MetadataAttributeUsage",
        (("urn", named.urn if named and "+" not in named.version else ""),),
        leaf("str:MetadataAttributeReference", usage.attribute),
        _relationship(usage.attached, usage.to),
    )


_RELATIONS = {
    "dataflow": "Dataflow",
    "observation": "Observation",
    "dimensions": "Dimension",
    "group": "Group",
}


def _relationship(attached: Attachment, to: tuple[str, ...]) -> str:
    name = f"str:{_RELATIONS[attached]}"
    return element(
        "str:AttributeRelationship", (), *([leaf(name, target) for target in to] or [element(name, ())])
    )


def _group(group: Group) -> str:
    return element(
        "str:Group",
        (("id", group.id),),
        *(
            element("str:GroupDimension", (), leaf("str:DimensionReference", dimension))
            for dimension in group.dimensions
        ),
    )


def metadata_structure(structure: MetadataStructure) -> str:
    if not structure.attributes:  # a stub
        return ""
    listed = _list(
        "MetadataAttributeList", "MetadataAttributeDescriptor", _metadata_attributes(structure.attributes)
    )
    return element("str:MetadataStructureComponents", (), listed)


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
            representation("str:LocalRepresentation", attribute.representation),
            *_metadata_attributes(attribute.children),
        )
        for attribute in attributes
    ]


# --- flows and agreements ----------------------------------------------------------------------------------


def dataflow(flow: Dataflow) -> str:
    return reference("str:Structure", flow.structure)


def metadataflow(flow: Metadataflow) -> str:
    return reference("str:Structure", flow.structure) + "".join(
        [leaf("str:Target", urn) for urn in flow.targets]
    )


def provision_agreement(agreement: ProvisionAgreement) -> str:
    return reference("str:Dataflow", agreement.dataflow) + reference("str:DataProvider", agreement.provider)


def metadata_provision_agreement(agreement: MetadataProvisionAgreement) -> str:
    return (
        reference("str:Metadataflow", agreement.metadataflow)
        + reference("str:MetadataProvider", agreement.provider)
        + "".join([leaf("str:Target", urn) for urn in agreement.targets])
    )


# --- constraints -------------------------------------------------------------------------------------------


def data_constraint(given: DataConstraint) -> str:
    return constraint(given, reference, _key_value)


def _key_value(key: KeyValues) -> str:
    how = dict(key.cascading)
    return element(
        "str:Component" if key.is_attribute else "str:KeyValue",
        (("id", key.component), ("include", "" if key.include else "false")),
        *(cascading("str:Value", value, how) for value in key.values),
        time_range(key.time_range, "str"),
    )
