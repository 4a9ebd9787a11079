"""Writes SDMX-JSON 1.0 structure messages (sdmx-json v1.0, structure-message), the JSON of SDMX 2.1.

What 1.0 cannot say is left out and told by `losses`. A value of an annotation is its title, and where it has
a title too a text in the language `zxx` (no linguistic content); an association is an annotation of its
hierarchy. Wholes of several parts are not put together again: each hierarchy and each map stands in a whole
of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from ..structures import (
    Annotation,
    Codelist,
    ConceptScheme,
    Item,
    ItemScheme,
    Maintainable,
    OrganisationUnitScheme,
    Process,
    ProcessStep,
)
from ..urn import Reference
from . import json2_components as components2
from . import json2_hierarchies as hierarchies2
from . import json2_items as items
from . import json10_components as components
from . import json10_maps as maps
from .header import Header
from .json2_structures import listed, meta
from .json_shapes import Shape, Told
from .loss import Kept
from .losses import kept
from .ml21_kept import GROUP, KEPT
from .ml21_losses import served
from .ml21_structure_writer import associations, targets
from .pieces import gathered

SCHEMA = (
    "https://raw.githubusercontent.com/sdmx-twg/sdmx-json/develop/structure-message/tools/schemas/1.0/"
    "sdmx-json-structure-schema.json"
)

LISTS: dict[str, tuple[str, Shape]] = {
    "AgencyScheme": ("agencySchemes", items.AGENCY_SCHEME),
    "AttachmentConstraint": ("attachmentConstraints", components.ATTACHMENT_CONSTRAINT),
    "Categorisation": ("categorisations", hierarchies2.CATEGORISATION),
    "CategoryScheme": ("categorySchemes", items.CATEGORY_SCHEME),
    "CategorySchemeMap": ("structureSets", maps.CATEGORY_SCHEME_MAP),
    "Codelist": ("codelists", items.CODELIST),
    "ConceptScheme": ("conceptSchemes", items.CONCEPT_SCHEME),
    "ConceptSchemeMap": ("structureSets", maps.CONCEPT_SCHEME_MAP),
    "DataConstraint": ("contentConstraints", components.CONTENT_CONSTRAINT),
    "DataConsumerScheme": ("dataConsumerSchemes", items.DATA_CONSUMER_SCHEME),
    "DataProviderScheme": ("dataProviderSchemes", items.DATA_PROVIDER_SCHEME),
    "DataStructure": ("dataStructures", components.DATA_STRUCTURE),
    "Dataflow": ("dataflows", components2.DATAFLOW),
    "Hierarchy": ("hierarchicalCodelists", maps.HIERARCHICAL_CODELIST),
    "MetadataStructure": ("metadataStructures", components.metadata_structure({})),
    "Metadataflow": ("metadataflows", components2.METADATAFLOW),
    "OrganisationSchemeMap": ("structureSets", maps.ORGANISATION_SCHEME_MAP),
    "OrganisationUnitScheme": ("organisationUnitSchemes", items.ORGANISATION_UNIT_SCHEME),
    "Process": ("processes", hierarchies2.PROCESS),
    "ProvisionAgreement": ("provisionAgreements", components.PROVISION_AGREEMENT),
    "ReportingTaxonomy": ("reportingTaxonomies", items.REPORTING_TAXONOMY),
    "ReportingTaxonomyMap": ("structureSets", maps.REPORTING_TAXONOMY_MAP),
    "RepresentationMap": ("structureSets", maps.CODELIST_MAP),
    "StructureMap": ("structureSets", maps.STRUCTURE_MAP),
}
"""Kind -> the name of its list, and how it stands there; maps of all kinds share one list."""


def write_structures(
    artefacts: Iterable[Maintainable], header: Header, languages: Sequence[str] = ("en",)
) -> Iterator[bytes]:
    """The message, a batch of items at a time, without those that are not served."""
    given = list(artefacts)
    told = Told("1.0", languages)
    shapes = dict(LISTS)
    shapes["MetadataStructure"] = ("metadataStructures", components.metadata_structure(targets(given)))
    by_list: dict[str, list[tuple[Shape, Maintainable]]] = defaultdict(list)
    for artefact in _adapted(given):
        name, shape = shapes[artefact.kind]
        by_list[name].append((shape, artefact))
    yield from gathered(_message(told, header, by_list))


def _message(
    told: Told, header: Header, by_list: dict[str, list[tuple[Shape, Maintainable]]]
) -> Iterator[bytes]:
    yield b'{"meta":' + meta(header, told, SCHEMA) + b',"data":{'
    names = dict.fromkeys(name for name, _ in LISTS.values())
    yield from listed(((name, by_list[name]) for name in names if by_list[name]), told)
    yield b"}}\n"


# --- from the model to 2.1 ---------------------------------------------------------------------------------


def _adapted(artefacts: Sequence[Maintainable]) -> Iterator[Maintainable]:
    """Those that are served, as 2.1 has them; associations are told by their hierarchy."""
    associated = associations(artefacts)
    for artefact in artefacts:
        notes = (*artefact.annotations, *associated.get(artefact.reference, ()))
        for known in _kept(artefact):
            told = tuple(_note(note) for note in notes if note.type not in _OURS)
            yield _pointing(replace(known, annotations=told))


def _kept(artefact: Maintainable) -> Kept:
    """What 2.1 can have of it; of a code list the extensions, which the table leaves out, are not looked for
    in each of its thousands of codes, which refer to nothing.
    """
    if isinstance(artefact, Codelist) and not artefact.extensions:
        return (artefact,) if served(artefact) else ()
    return kept(artefact, "json-1.0")


_OURS = (KEPT, GROUP)


def _note(note: Annotation) -> Annotation:
    """1.0 has no value: it is the title, or a text without language where there is a title too."""
    if not note.value:
        return note
    if not note.title:
        return replace(note, title=note.value, value="")
    return replace(note, texts={**note.texts, "zxx": note.value}, value="")


def _pointing(artefact: Any) -> Any:
    """Parents of items and targets of transitions are URNs in 1.0, ids in the model."""
    if isinstance(artefact, ConceptScheme | OrganisationUnitScheme):
        return replace(artefact, items=tuple(_child(item, artefact) for item in artefact.items))
    if isinstance(artefact, Process):
        return replace(artefact, steps=tuple(_step(step, artefact) for step in artefact.steps))
    return artefact


def _child(item: Item, scheme: ItemScheme) -> Item:
    if not item.parent:
        return item
    holder = scheme.reference
    return replace(
        item, parent=Reference(scheme.item_kind, holder.agency, holder.id, holder.version, item.parent).urn
    )


def _step(step: ProcessStep, process: Process) -> ProcessStep:
    start = f"urn:sdmx:org.sdmx.infomodel.process.ProcessStep={process.reference.short}"
    return replace(
        step,
        transitions=tuple(replace(each, target=f"{start}.{each.target}") for each in step.transitions),
        steps=tuple(_step(inner, process) for inner in step.steps),
    )
