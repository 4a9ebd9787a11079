"""SDMX-ML 2.1 structure messages, the dialect of most services: their containers, and reading them.

The model is worded as 3.0 is; 2.1 is read into it so that it can be given back without loss. What 2.1 calls
otherwise has its new name (HierarchicalCodelist, ContentConstraint, PrimaryMeasure); a whole of several parts
becomes several artefacts (`ml21_groups`), and what has no place at all is kept as text (`ml21_kept`). URNs,
positions, aliases of code lists, formats that only say String and empty parts are read for what they say and
not kept. A submission to a registry (RegistryInterface/SubmitStructureRequest) is read like such a message.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import StructureFault
from ..structures import Maintainable
from . import ml21_constraints as constraints
from . import ml_flows as flows
from . import ml_items as items
from . import ml_vtl as vtl
from .ml21_components import DATA_STRUCTURE
from .ml21_dialect import ML21
from .ml21_maps import HIERARCHICAL_CODELIST, STRUCTURE_SET
from .ml21_metadata import METADATA_STRUCTURE
from .ml_processes import PROCESS
from .xml_messages import once, read_message
from .xml_shapes import Shape

CONTAINERS: tuple[tuple[str, Shape], ...] = (
    ("OrganisationSchemes", items.AGENCY_SCHEME),
    ("OrganisationSchemes", items.DATA_CONSUMER_SCHEME),
    ("OrganisationSchemes", items.DATA_PROVIDER_SCHEME),
    ("OrganisationSchemes", items.ORGANISATION_UNIT_SCHEME),
    ("Dataflows", flows.DATAFLOW),
    ("Metadataflows", flows.METADATAFLOW),
    ("CategorySchemes", items.CATEGORY_SCHEME),
    ("Categorisations", flows.CATEGORISATION),
    ("Codelists", items.CODELIST),
    ("HierarchicalCodelists", HIERARCHICAL_CODELIST),
    ("Concepts", items.CONCEPT_SCHEME),
    ("MetadataStructures", METADATA_STRUCTURE),
    ("DataStructures", DATA_STRUCTURE),
    ("StructureSets", STRUCTURE_SET),
    ("ReportingTaxonomies", items.REPORTING_TAXONOMY),
    ("Processes", PROCESS),
    ("Constraints", constraints.ATTACHMENT_CONSTRAINT),
    ("Constraints", constraints.CONTENT_CONSTRAINT),
    ("ProvisionAgreements", flows.PROVISION_AGREEMENT),
    ("CustomTypes", vtl.CUSTOM_TYPE_SCHEME),
    ("VtlMappings", vtl.VTL_MAPPING_SCHEME),
    ("NamePersonalisations", vtl.NAME_PERSONALISATION_SCHEME),
    ("Rulesets", vtl.RULESET_SCHEME),
    ("Transformations", vtl.TRANSFORMATION_SCHEME),
    ("UserDefinedOperators", vtl.USER_DEFINED_OPERATOR_SCHEME),
)
"""What a message holds, in the order of the schema; two may share a container."""


def read_structures(source: bytes, path: str = "", skipped: list[str] | None = None) -> list[Maintainable]:
    """The artefacts of a message in its order; StructureFault with `path` and line if it is not usable."""
    try:
        return list(once(_artefacts(source, skipped)))
    except StructureFault as fault:
        raise StructureFault(fault.reason, path, fault.line) from None


def _artefacts(source: bytes, skipped: list[str] | None) -> Iterator[tuple[Maintainable, int]]:
    for made, line in read_message(source, ML21, CONTAINERS, skipped):
        for artefact in made if isinstance(made, list) else (made,):
            yield artefact, line
