"""SDMX-ML tables of flows, agreements about them, and how artefacts are filed under categories.

Schemas: SDMXStructureDataflow.xsd, ...Metadataflow.xsd, ...ProvisionAgreement.xsd, ...Categorisation.xsd.
"""

from __future__ import annotations

from ..structures import (
    Categorisation,
    Dataflow,
    Metadataflow,
    MetadataProvisionAgreement,
    ProvisionAgreement,
)
from .ml_words import UNVERSIONED, maintainable
from .xml_shapes import WORD, Leaves, Locals, Ref, Within

_TARGETS = Leaves("str:Target", "targets", WORD, since="3.0")

DATAFLOW = maintainable(
    Dataflow,
    Ref("str:Structure", "structure", ("DataStructure",)),
    Within("str:DimensionConstraint", Locals("str:Dimension", "dimension_constraint"), since="3.1"),
)
METADATAFLOW = maintainable(Metadataflow, Ref("str:Structure", "structure", ("MetadataStructure",)), _TARGETS)
PROVISION_AGREEMENT = maintainable(
    ProvisionAgreement,
    Ref("str:Dataflow", "dataflow", ("Dataflow",), required=True, since="3.0"),
    Ref("str:DataProvider", "provider", ("DataProvider",), required=True, since="3.0"),
    # of metadata too: in 2.1 there is one kind of agreement and of provider, and neither need be told
    Ref("str:StructureUsage", "dataflow", ("Dataflow", "Metadataflow"), until="2.1"),
    Ref("str:DataProvider", "provider", ("DataProvider",), until="2.1"),
)
METADATA_PROVISION_AGREEMENT = maintainable(
    MetadataProvisionAgreement,
    Ref("str:Metadataflow", "metadataflow", ("Metadataflow",), required=True),
    Ref("str:MetadataProvider", "provider", ("MetadataProvider",), required=True),
    _TARGETS,
)

_FILED = (Ref("str:Source", "source"), Ref("str:Target", "target", ("Category",)))
CATEGORISATION = maintainable(Categorisation, *_FILED)
CATEGORISATION_31 = maintainable(Categorisation, *_FILED, version=UNVERSIONED)
