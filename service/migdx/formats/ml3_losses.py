"""What SDMX 3.0 and 3.1 cannot say of what the model holds; see `losses`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..structures import (
    AgencyScheme,
    AttachmentConstraint,
    Categorisation,
    Codelist,
    CodelistExtension,
    ConceptScheme,
    Constraint,
    CubeRegion,
    DataConstraint,
    DataConsumerScheme,
    Dataflow,
    DataProviderScheme,
    DataStructure,
    Dimension,
    ItemScheme,
    Maintainable,
    MetadataConstraint,
    MetadataProviderScheme,
    OrganisationUnitScheme,
    ReportingCategory,
    ReportingTaxonomy,
    Representation,
    ValueList,
)
from .availability import COUNTS, available, is_count
from .loss import Kept, Loss, changed
from .ml3_constraints import FOR_DATA, FOR_METADATA
from .ml_words import LISTS

# --- SDMX 3.x ----------------------------------------------------------------------------------------------

_ORGANISATIONS = (
    AgencyScheme,
    DataConsumerScheme,
    DataProviderScheme,
    MetadataProviderScheme,
    OrganisationUnitScheme,
)


def _partial_schemes(artefact: Maintainable) -> Maintainable:
    whole = not isinstance(artefact, ItemScheme) or isinstance(artefact, ValueList)
    return changed(artefact, is_partial=False) if whole else artefact


def _one_selection(given: Codelist) -> Codelist:
    def one(extension: CodelistExtension) -> CodelistExtension:
        if not (extension.include and extension.exclude):
            return extension
        told = tuple(pair for pair in extension.cascading if pair[0] in extension.include)
        return replace(extension, exclude=(), cascading=told)

    return changed(given, extensions=tuple(map(one, given.extensions)))


def _representation(given: Representation | None) -> Representation | None:
    if given is None or given.enumeration is None:
        return given
    if given.enumeration.kind not in LISTS:
        return None
    return changed(given, sentinels=())


def _represented(entries: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(changed(entry, representation=_representation(entry.representation)) for entry in entries)


def _structure_representations(given: DataStructure) -> DataStructure:
    return changed(
        given,
        dimensions=_represented(given.dimensions),
        measures=_represented(given.measures),
        attributes=_represented(given.attributes),
    )


def _dimensions(given: DataStructure) -> DataStructure:
    def plain(dimension: Dimension) -> Dimension:
        roles = () if dimension.is_time else dimension.concept_roles
        return changed(dimension, is_measure=False, concept_roles=roles)

    return changed(given, dimensions=tuple(map(plain, given.dimensions)))


def _groups(given: DataStructure) -> DataStructure:
    return changed(
        given,
        groups=tuple(changed(group, links=()) for group in given.groups),
        attributes=tuple(changed(attribute, attachment_groups=()) for attribute in given.attributes),
    )


def _reports(given: ReportingTaxonomy) -> ReportingTaxonomy:
    def one(category: ReportingCategory) -> ReportingCategory:
        children = tuple(map(one, category.children))
        provisioning = () if category.structural else category.provisioning
        return changed(category, children=children, provisioning=provisioning)

    return changed(
        given, items=tuple(one(item) for item in given.items if isinstance(item, ReportingCategory))
    )


_ATTACHED = {"DataConstraint": FOR_DATA, "MetadataConstraint": FOR_METADATA}
_ALONE = ("DataProvider", "MetadataProvider")
_WITHOUT_SOURCES = (*_ALONE, "MetadataSet")


def _attachment(given: Constraint) -> Constraint:
    known = [named for named in given.attachment if named.kind in _ATTACHED[given.kind]]
    same = tuple(named for named in known if named.kind == known[0].kind)
    return changed(given, attachment=same[:1] if same and same[0].kind in _ALONE else same)


def _sources(given: Constraint) -> Constraint:
    """Simple ones stand alone; a queryable one beside the structures, flows or agreements that it holds."""
    if not given.attachment:
        return changed(given, queryable_sources=())
    alone = given.attachment[0].kind in _WITHOUT_SOURCES
    queryable = () if alone else given.queryable_sources
    return changed(given, simple_sources=(), queryable_sources=queryable)


def _role(given: Constraint) -> Constraint:
    return given if isinstance(given, DataConstraint) else changed(given, role="Allowed")


_ENUMERATIONS = "enumerations by other than code lists and value lists, and sentinel values beside one"

_IN_3: tuple[Loss, ...] = (
    Loss("attachment constraints, which only SDMX 2.1 has", AttachmentConstraint, lambda _: ()),
    Loss(
        "the version of a scheme of organisations, which is 1.0",
        _ORGANISATIONS,
        lambda scheme: changed(scheme, version="1.0"),
    ),
    Loss("isPartial of what is no scheme of items", Maintainable, _partial_schemes),
    Loss("codes taken out of an extension that names those taken in", Codelist, _one_selection),
    Loss(
        _ENUMERATIONS,
        DataStructure,
        _structure_representations,
    ),
    Loss(
        _ENUMERATIONS,
        ConceptScheme,
        lambda scheme: changed(scheme, items=_represented(scheme.items)),
    ),
    Loss(
        "that a dimension is the measure dimension (SDMX 2.1), and roles of the time dimension",
        DataStructure,
        _dimensions,
    ),
    Loss("links of groups, and attachment groups of attributes (SDMX 2.1)", DataStructure, _groups),
    Loss("flows beside structures in a reporting category", ReportingTaxonomy, _reports),
    Loss("attachments of another kind than the first", (DataConstraint, MetadataConstraint), _attachment),
    Loss("data sources beside what they cannot stand beside", (DataConstraint, MetadataConstraint), _sources),
    Loss("the role Actual of a metadata constraint", Constraint, _role),
)


# --- SDMX 3.1 ----------------------------------------------------------------------------------------------


def _available(given: DataConstraint) -> Maintainable | Kept:
    if given.role != "Actual":
        return given
    notes = (
        *(note for note in given.annotations if not is_count(note)),
        *(note for id in COUNTS.values() for note in given.annotations if note.id == id and is_count(note)),
    )
    region = next((region for region in given.regions if region.include), CubeRegion(()))
    named = (named for named in given.attachment if named.kind != "DataProvider")
    return tuple(available(each, regions=(region,), annotations=notes) for each in named)


LOST_IN_30: tuple[Loss, ...] = (
    *_IN_3,
    Loss(
        "isPartialLanguage (SDMX 3.1)",
        Maintainable,
        lambda artefact: changed(artefact, is_partial_language=False),
    ),
    Loss("evolvingStructure (SDMX 3.1)", DataStructure, lambda dsd: changed(dsd, evolving=False)),
    Loss("DimensionConstraint (SDMX 3.1)", Dataflow, lambda flow: changed(flow, dimension_constraint=())),
)

LOST_IN_31: tuple[Loss, ...] = (
    *_IN_3,
    Loss(
        "the version of a categorisation, which is 1.0",
        Categorisation,
        lambda filed: changed(filed, version="1.0"),
    ),
    Loss(
        "the release calendar and data sources of a constraint (SDMX 3.0)",
        Constraint,
        lambda given: changed(given, calendar=None, simple_sources=(), queryable_sources=()),
    ),
    Loss(
        "identity, names and all but one region of what there is (role Actual)",
        DataConstraint,
        _available,
    ),
)
