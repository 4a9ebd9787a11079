"""Reads the SDMX-ML 3.0 artefacts about components: data and metadata structures, flows, constraints."""

from __future__ import annotations

from collections.abc import Iterator

from ..structures import (
    Attachment,
    Attribute,
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
    Representation,
    TimeRange,
)
from ..urn import Reference
from .ml30_nodes import (
    STRUCTURE,
    Node,
    cascading,
    child,
    children,
    fault,
    local,
    maintainable,
    needed,
    notes,
    reference,
    representation,
    required,
    text,
    truth,
    unique,
)


def data_structure(node: Node) -> DataStructure:
    """The order of the key is that of the elements: `position` is for information only, the schema says."""
    parts = {name: list(_components(node, name)) for name in _LISTED}
    dimensions = [(entry, _dimension(entry)) for entry in parts["DimensionList"]]
    attributes = [entry for entry in parts["AttributeList"] if local(entry) == "Attribute"]
    usages = [entry for entry in parts["AttributeList"] if local(entry) == "MetadataAttributeUsage"]
    measures = [(entry, _measure(entry)) for entry in parts["MeasureList"]]
    unique(node, [*dimensions, *((entry, _attribute(entry)) for entry in attributes), *measures])
    return DataStructure(
        **maintainable(node),
        dimensions=tuple(dimension for _, dimension in sorted(dimensions, key=lambda pair: pair[1].is_time)),
        measures=tuple(measure for _, measure in measures),
        attributes=tuple(_attribute(entry) for entry in attributes),
        groups=unique(node, ((entry, _group(entry)) for entry in _groups(node))),
        metadata=reference(child(node, "Metadata"), "MetadataStructure"),
        metadata_usages=tuple(_usage(entry) for entry in usages),
    )


_LISTED = ("DimensionList", "AttributeList", "MeasureList")


def _components(node: Node, name: str) -> Iterator[Node]:
    holder = child(node, "DataStructureComponents")
    listed = None if holder is None else child(holder, name)
    return iter(()) if listed is None else listed.iterchildren(*_COMPONENTS)


_COMPONENTS = tuple(
    STRUCTURE + name
    for name in ("Dimension", "TimeDimension", "Attribute", "MetadataAttributeUsage", "Measure")
)


def _groups(node: Node) -> Iterator[Node]:
    holder = child(node, "DataStructureComponents")
    return iter(()) if holder is None else children(holder, "Group")


def _id(node: Node, concept: Reference) -> str:
    """A component without an id bears that of its concept."""
    return required(node, "id") if node.get("id") else concept.item


def _roles(node: Node) -> tuple[Reference, ...]:
    return tuple(found for entry in children(node, "ConceptRole") if (found := reference(entry, "Concept")))


def _dimension(node: Node) -> Dimension:
    is_time = local(node) == "TimeDimension"
    concept = needed(node, "ConceptIdentity", "Concept")
    return Dimension(
        "TIME_PERIOD" if is_time else _id(node, concept),
        concept,
        _representation(node, "ObservationalTimePeriod" if is_time else "String"),
        is_time,
        annotations=notes(node),
        concept_roles=_roles(node),
    )


def _measure(node: Node) -> Measure:
    concept = needed(node, "ConceptIdentity", "Concept")
    return Measure(
        _id(node, concept),
        concept,
        _representation(node),
        _mandatory(node),
        annotations=notes(node),
        concept_roles=_roles(node),
    )


def _attribute(node: Node) -> Attribute:
    concept = needed(node, "ConceptIdentity", "Concept")
    attached, to = _relationship(node)
    measures = child(node, "MeasureRelationship")
    return Attribute(
        _id(node, concept),
        concept,
        _representation(node),
        _mandatory(node),
        attached,
        to,
        () if measures is None else tuple(text(entry) for entry in children(measures, "Measure")),
        annotations=notes(node),
        concept_roles=_roles(node),
    )


def _representation(node: Node, default: str = "String") -> Representation | None:
    return representation(child(node, "LocalRepresentation"), default)


def _mandatory(node: Node) -> bool:
    return node.get("usage") == "mandatory"


def _relationship(node: Node) -> tuple[Attachment, tuple[str, ...]]:
    given = child(node, "AttributeRelationship")
    if given is None:
        raise fault(f"{local(node)} has no AttributeRelationship", node)
    for entry in given.iterchildren():
        match local(entry):
            case "Dataflow":
                return "dataflow", ()
            case "Observation":
                return "observation", ()
            case "Group":
                return "group", (text(entry),)
            case "Dimension":
                return "dimensions", tuple(text(each) for each in children(given, "Dimension"))
    raise fault("AttributeRelationship is to none of Dataflow, Dimension, Group and Observation", given)


def _usage(node: Node) -> MetadataAttributeUsage:
    return MetadataAttributeUsage(text(child(node, "MetadataAttributeReference")), *_relationship(node))


def _group(node: Node) -> Group:
    named = (text(child(entry, "DimensionReference")) for entry in children(node, "GroupDimension"))
    return Group(required(node, "id"), tuple(named))


def metadata_structure(node: Node) -> MetadataStructure:
    holder = child(node, "MetadataStructureComponents")
    listed = None if holder is None else child(holder, "MetadataAttributeList")
    return MetadataStructure(
        **maintainable(node), attributes=() if listed is None else _metadata_attributes(listed)
    )


def _metadata_attributes(node: Node) -> tuple[MetadataAttribute, ...]:
    return unique(
        node, ((entry, _metadata_attribute(entry)) for entry in children(node, "MetadataAttribute"))
    )


def _metadata_attribute(node: Node) -> MetadataAttribute:
    concept = needed(node, "ConceptIdentity", "Concept")
    return MetadataAttribute(
        _id(node, concept),
        concept,
        _representation(node),
        min_occurs=node.get("minOccurs") or "",
        max_occurs=node.get("maxOccurs") or "",
        presentational=truth(node, "isPresentational"),
        children=_metadata_attributes(node),
        annotations=notes(node),
    )


# --- flows and agreements ----------------------------------------------------------------------------------


def dataflow(node: Node) -> Dataflow:
    return Dataflow(**maintainable(node), structure=reference(child(node, "Structure"), "DataStructure"))


def metadataflow(node: Node) -> Metadataflow:
    return Metadataflow(
        **maintainable(node),
        structure=reference(child(node, "Structure"), "MetadataStructure"),
        targets=tuple(text(entry) for entry in children(node, "Target")),
    )


def provision_agreement(node: Node) -> ProvisionAgreement:
    return ProvisionAgreement(
        **maintainable(node),
        dataflow=reference(child(node, "Dataflow"), "Dataflow"),
        provider=reference(child(node, "DataProvider"), "DataProvider"),
    )


def metadata_provision_agreement(node: Node) -> MetadataProvisionAgreement:
    return MetadataProvisionAgreement(
        **maintainable(node),
        metadataflow=reference(child(node, "Metadataflow"), "Metadataflow"),
        provider=reference(child(node, "MetadataProvider"), "MetadataProvider"),
        targets=tuple(text(entry) for entry in children(node, "Target")),
    )


# --- constraints -------------------------------------------------------------------------------------------


def data_constraint(node: Node) -> DataConstraint:
    role = node.get("role") or "Allowed"
    if role not in ("Allowed", "Actual"):
        raise fault(f"DataConstraint/@role is '{role}'; expected Allowed or Actual", node)
    return DataConstraint(
        **maintainable(node),
        role="Actual" if role == "Actual" else "Allowed",
        attachment=tuple(_attachment(node)),
        regions=tuple(
            CubeRegion(tuple(_key_values(entry)), truth(entry, "include", True))
            for entry in children(node, "CubeRegion")
        ),
        key_sets=tuple(
            DataKeySet(tuple(_key(key) for key in children(entry, "Key")), truth(entry, "isIncluded", True))
            for entry in children(node, "DataKeySet")
        ),
    )


_ATTACHABLE = ("DataProvider", "DataStructure", "Dataflow", "ProvisionAgreement")


def _attachment(node: Node) -> Iterator[Reference]:
    holder = child(node, "ConstraintAttachment")
    for entry in () if holder is None else holder.iterchildren():
        if local(entry) in _ATTACHABLE and (found := reference(entry, local(entry))):
            yield found


def _key(node: Node) -> tuple[KeyValues, ...]:
    key = tuple(_key_values(node))
    for part in key:
        if len(part.values) != 1 and not part.is_attribute:
            raise fault(f"Key has {len(part.values)} values for {part.component}; expected one", node)
    return key


def _key_values(node: Node) -> Iterator[KeyValues]:
    for entry in node.iterchildren(f"{STRUCTURE}KeyValue", f"{STRUCTURE}Component"):
        values = list(children(entry, "Value"))
        for limited in (entry, *values):
            if limited.get("validFrom") or limited.get("validTo"):
                raise fault(
                    f"{local(limited)}/@validFrom and @validTo: a value is kept without validity", limited
                )
        component = entry.get("id")
        if not component:
            raise fault(f"{local(entry)} has no id", entry)
        yield KeyValues(
            component,
            tuple(text(value) for value in values),
            truth(entry, "include", True),
            _time_range(child(entry, "TimeRange")),
            local(entry) == "Component",
            cascading(values),
        )


def _time_range(node: Node | None) -> TimeRange | None:
    if node is None:
        return None
    bounds = {local(entry): entry for entry in node.iterchildren()}
    start, end = (bounds.get(f"{side}Period") for side in ("Start", "End"))
    # AfterPeriod is a range that starts there and stays open, BeforePeriod one that ends there
    start, end = (bounds.get("AfterPeriod", start), bounds.get("BeforePeriod", end))
    return TimeRange(
        None if start is None else text(start),
        None if end is None else text(end),
        start is None or truth(start, "isInclusive", True),
        end is None or truth(end, "isInclusive", True),
    )
