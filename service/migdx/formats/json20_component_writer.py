"""Writes the SDMX-JSON 2.0 artefacts about components: data and metadata structures, flows, constraints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..structures import (
    Attachment,
    Attribute,
    Component,
    DataConstraint,
    Dataflow,
    DataStructure,
    KeyValues,
    MetadataAttribute,
    Metadataflow,
    MetadataProvisionAgreement,
    MetadataStructure,
    ProvisionAgreement,
    Representation,
)
from .json20_words import Json, lean, notes, number, representation, time_range, urn

_ANY_TIME = Representation(text_type="ObservationalTimePeriod")


def data_structure(dsd: DataStructure, languages: Sequence[str]) -> Json:
    if not dsd.dimensions:  # a stub
        return {"metadata": urn(dsd.metadata)}
    usages = [
        {
            "metadataAttributeReference": usage.attribute,
            "attributeRelationship": _relationship(usage.attached, usage.to),
        }
        for usage in dsd.metadata_usages
    ]
    attributes = [_attribute(attribute, languages) for attribute in dsd.attributes]
    measures = [
        {**_component(measure, languages), "usage": _usage(measure.mandatory)} for measure in dsd.measures
    ]
    parts = {
        "dimensionList": _dimensions(dsd, languages),
        "groups": [{"id": group.id, "groupDimensions": list(group.dimensions)} for group in dsd.groups],
        "attributeList": _listed(
            "AttributeDescriptor", attributes=attributes, metadataAttributeUsages=usages
        ),
        "measureList": _listed("MeasureDescriptor", measures=measures),
    }
    return {"dataStructureComponents": lean(parts), "metadata": urn(dsd.metadata)}


def _listed(descriptor: str, **lists: list[Json]) -> Json:
    given = lean(lists)
    return {"id": descriptor, **given} if given else {}


def _dimensions(dsd: DataStructure, languages: Sequence[str]) -> Json:
    """The time dimension stands apart, with a representation in any case, and comes after the others."""
    dimensions = [
        {**_component(dimension, languages), "position": position}
        for position, dimension in enumerate(dsd.dimensions, 1)
        if not dimension.is_time
    ]
    time = next((dimension for dimension in dsd.dimensions if dimension.is_time), None)
    return lean(
        {
            "id": "DimensionDescriptor",
            "dimensions": dimensions,
            "timeDimension": time
            and {**_component(time, languages, _ANY_TIME), "position": len(dsd.dimensions)},
        }
    )


def _component(component: Component, languages: Sequence[str], default: Representation | None = None) -> Json:
    return lean(
        {
            "id": component.id,
            "annotations": notes(component.annotations, languages),
            "conceptIdentity": component.concept.urn,
            "conceptRoles": [role.urn for role in component.concept_roles],
            "localRepresentation": representation(component.representation or default),
        }
    )


def _usage(mandatory: bool) -> str:
    return "mandatory" if mandatory else "optional"


def _attribute(attribute: Attribute, languages: Sequence[str]) -> Json:
    return lean(
        {
            **_component(attribute, languages),
            "usage": _usage(attribute.mandatory),
            "attributeRelationship": _relationship(attribute.attached, attribute.to),
            "measureRelationship": list(attribute.measures),
        }
    )


def _relationship(attached: Attachment, to: tuple[str, ...]) -> Json:
    match attached:
        case "dimensions":
            return {"dimensions": list(to)}
        case "group":
            return {"group": to[0]}
    return {attached: {}}


def metadata_structure(structure: MetadataStructure, languages: Sequence[str]) -> Json:
    if not structure.attributes:  # a stub
        return {}
    attributes = _metadata_attributes(structure.attributes, languages)
    listed = {"id": "MetadataAttributeDescriptor", "metadataAttributes": attributes}
    return {"metadataStructureComponents": {"metadataAttributeList": listed}}


def _metadata_attributes(attributes: tuple[MetadataAttribute, ...], languages: Sequence[str]) -> list[Json]:
    return [
        lean(
            {
                "id": attribute.id,
                "annotations": notes(attribute.annotations, languages),
                "conceptIdentity": attribute.concept.urn,
                "localRepresentation": representation(attribute.representation),
                "minOccurs": number(attribute.min_occurs),
                "maxOccurs": number(attribute.max_occurs),
                "isPresentational": attribute.presentational,
                "metadataAttributes": _metadata_attributes(attribute.children, languages),
            }
        )
        for attribute in attributes
    ]


# --- flows and agreements ----------------------------------------------------------------------------------


def dataflow(flow: Dataflow, languages: Sequence[str]) -> Json:
    return {"structure": urn(flow.structure)}


def metadataflow(flow: Metadataflow, languages: Sequence[str]) -> Json:
    return {"structure": urn(flow.structure), "targets": list(dict.fromkeys(flow.targets))}


def provision_agreement(agreement: ProvisionAgreement, languages: Sequence[str]) -> Json:
    return {"dataflow": urn(agreement.dataflow), "dataProvider": urn(agreement.provider)}


def metadata_provision_agreement(agreement: MetadataProvisionAgreement, languages: Sequence[str]) -> Json:
    return {
        "metadataflow": urn(agreement.metadataflow),
        "metadataProvider": urn(agreement.provider),
        "targets": list(dict.fromkeys(agreement.targets)),
    }


# --- constraints -------------------------------------------------------------------------------------------

_ATTACHED = {
    "DataStructure": "dataStructures",
    "Dataflow": "dataflows",
    "ProvisionAgreement": "provisionAgreements",
}


def data_constraint(constraint: DataConstraint, languages: Sequence[str]) -> Json:
    return {
        "role": constraint.role,
        "constraintAttachment": _attachment(constraint),
        "dataKeySets": [
            {"isIncluded": keys.include, "keys": [_key(key) for key in keys.keys]}
            for keys in constraint.key_sets
        ],
        "cubeRegions": [
            {"include": region.include, **_selections(region.keys)} for region in constraint.regions
        ],
    }


def _attachment(constraint: DataConstraint) -> Json:
    attached: dict[str, Any] = {}
    for named in constraint.attachment:
        if named.kind == "DataProvider":
            attached["dataProvider"] = named.urn
        else:
            attached.setdefault(_ATTACHED[named.kind], []).append(named.urn)
    return attached


def _selections(keys: tuple[KeyValues, ...]) -> Json:
    return lean(
        {
            "keyValues": [_selection(key) for key in keys if not key.is_attribute],
            "components": [_selection(key) for key in keys if key.is_attribute],
        }
    )


def _key(keys: tuple[KeyValues, ...]) -> Json:
    values = [{"id": key.component, "value": key.values[0]} for key in keys if not key.is_attribute]
    return {"keyValues": values, "components": [_selection(key) for key in keys if key.is_attribute]}


def _selection(key: KeyValues) -> Json:
    # a value may be plain text by the schema, but readers want an object
    how = {value: cascade(how) for value, how in key.cascading}
    values = [lean({"value": value, "cascadeValues": how.get(value)}) for value in key.values]
    return lean(
        {
            "id": key.component,
            "include": key.include,
            "values": values,
            "timeRange": time_range(key.time_range),
        }
    )


def cascade(how: str) -> bool | str:
    """JSON has the boolean and the word, XML words only."""
    return True if how == "true" else how
