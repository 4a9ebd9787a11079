"""Structure messages of SDMX-ML 3.0 and 3.1 (schemas SDMXMessage.xsd, SDMXStructure.xsd): read and written.

The generations differ in few parts, which say `since` and `until`, and in two types: categorisations have
no version in 3.1, and what there is (role Actual) is an AvailabilityConstraint there. What the model has and
a generation has not is in `losses`. Elements that no table knows are passed over and noted in `skipped`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ..errors import StructureFault
from ..structures import DataConstraint, Maintainable
from ..urn import Reference
from . import ml3_components as components
from . import ml3_constraints as constraints
from . import ml3_maps as maps
from . import ml_flows as flows
from . import ml_items as items
from . import ml_vtl as vtl
from .availability import is_available, numbered
from .header import Header
from .losses import kept
from .ml3_dialect import ML30, ML31
from .ml_processes import PROCESS
from .xml_messages import Kinds, once, read_message, write_message
from .xml_shapes import Dialect

KINDS30: Kinds = (
    ("AgencySchemes", items.AGENCY_SCHEME),
    ("Categorisations", flows.CATEGORISATION),
    ("CategorySchemeMaps", maps.CATEGORY_SCHEME_MAP),
    ("CategorySchemes", items.CATEGORY_SCHEME),
    ("Codelists", items.CODELIST),
    ("ConceptSchemeMaps", maps.CONCEPT_SCHEME_MAP),
    ("ConceptSchemes", items.CONCEPT_SCHEME),
    ("CustomTypeSchemes", vtl.CUSTOM_TYPE_SCHEME),
    ("DataConstraints", constraints.DATA_CONSTRAINT),
    ("DataConsumerSchemes", items.DATA_CONSUMER_SCHEME),
    ("Dataflows", flows.DATAFLOW),
    ("DataProviderSchemes", items.DATA_PROVIDER_SCHEME),
    ("DataStructures", components.DATA_STRUCTURE),
    ("GeographicCodelists", items.GEOGRAPHIC_CODELIST),
    ("GeoGridCodelists", items.GEO_GRID_CODELIST),
    ("Hierarchies", items.HIERARCHY),
    ("HierarchyAssociations", items.HIERARCHY_ASSOCIATION),
    ("MetadataConstraints", constraints.METADATA_CONSTRAINT),
    ("Metadataflows", flows.METADATAFLOW),
    ("MetadataProviderSchemes", items.METADATA_PROVIDER_SCHEME),
    ("MetadataProvisionAgreements", flows.METADATA_PROVISION_AGREEMENT),
    ("MetadataStructures", components.METADATA_STRUCTURE),
    ("NamePersonalisationSchemes", vtl.NAME_PERSONALISATION_SCHEME),
    ("OrganisationSchemeMaps", maps.ORGANISATION_SCHEME_MAP),
    ("OrganisationUnitSchemes", items.ORGANISATION_UNIT_SCHEME),
    ("Processes", PROCESS),
    ("ProvisionAgreements", flows.PROVISION_AGREEMENT),
    ("ReportingTaxonomies", items.REPORTING_TAXONOMY),
    ("ReportingTaxonomyMaps", maps.REPORTING_TAXONOMY_MAP),
    ("RepresentationMaps", maps.REPRESENTATION_MAP),
    ("RulesetSchemes", vtl.RULESET_SCHEME),
    ("StructureMaps", maps.STRUCTURE_MAP),
    ("TransformationSchemes", vtl.TRANSFORMATION_SCHEME),
    ("UserDefinedOperatorSchemes", vtl.USER_DEFINED_OPERATOR_SCHEME),
    ("ValueLists", items.VALUE_LIST),
    ("VtlMappingSchemes", vtl.VTL_MAPPING_SCHEME),
)
"""The containers of a 3.0 message in the order of the schema, and what each holds."""

KINDS31: Kinds = (
    KINDS30[0],
    ("AvailabilityConstraints", constraints.AVAILABILITY_CONSTRAINT),
    ("Categorisations", flows.CATEGORISATION_31),
    *KINDS30[2:],
)


def read_structures30(source: bytes, path: str = "", skipped: list[str] | None = None) -> list[Maintainable]:
    """The artefacts of a message in its order; StructureFault with `path` and line if it is not usable."""
    return _read(ML30, KINDS30, source, path, skipped)


def read_structures31(source: bytes, path: str = "", skipped: list[str] | None = None) -> list[Maintainable]:
    """The artefacts of a message in its order; StructureFault with `path` and line if it is not usable."""
    return _read(ML31, KINDS31, source, path, skipped)


def write_structures30(
    artefacts: Iterable[Maintainable], header: Header, languages: Sequence[str] = ("en",)
) -> Iterator[bytes]:
    """The message in chunks, in the schema's order of kinds; all languages are written."""
    return _write(ML30, KINDS30, artefacts, header)


def write_structures31(
    artefacts: Iterable[Maintainable], header: Header, languages: Sequence[str] = ("en",)
) -> Iterator[bytes]:
    """The message in chunks, in the schema's order of kinds; all languages are written."""
    return _write(ML31, KINDS31, artefacts, header)


# --- what both do ------------------------------------------------------------------------------------------


def _read(
    dialect: Dialect, kinds: Kinds, source: bytes, path: str, skipped: list[str] | None
) -> list[Maintainable]:
    try:
        return list(once(_told_apart(read_message(source, dialect, kinds, skipped))))
    except StructureFault as fault:
        raise StructureFault(fault.reason, path, fault.line) from None


def _told_apart(read: Iterable[tuple[Any, int]]) -> Iterator[tuple[Maintainable, int]]:
    """Constraints without an identity of their own, of the same structure, get numbers."""
    seen: dict[Reference, int] = {}
    for artefact, line in read:
        yield (numbered(artefact, seen) if is_available(artefact) else artefact), line


def _write(
    dialect: Dialect, kinds: Kinds, artefacts: Iterable[Maintainable], header: Header
) -> Iterator[bytes]:
    held: dict[str, list[Maintainable]] = {}
    for artefact in artefacts:
        for told in kept(artefact, dialect.generation):
            held.setdefault(_element(told, dialect), []).append(told)
    groups = [(container, shape, held.get(shape.element, ())) for container, shape in kinds]
    return write_message(groups, header, dialect)


def _element(artefact: Maintainable, dialect: Dialect) -> str:
    there = dialect is ML31 and isinstance(artefact, DataConstraint) and artefact.role == "Actual"
    return "str:AvailabilityConstraint" if there else f"str:{artefact.kind}"
