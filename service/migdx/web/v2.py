"""REST 2.2, the API of SDMX 3: what its URLs say.

sdmx-rest v2.2.2: api/sdmx-rest.yaml, doc/data.md, doc/structures.md, doc/availability.md, doc/schema.md.
Every truncation of a path means the defaults, and a trailing slash means nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from ..errors import NotFound, NotImplementedHere, SyntaxFault
from ..query import DataQuery, StructureQuery, parse_keys
from . import asked
from .address import Address
from .asked import AvailabilityRequest, DataRequest, Request, Root, SchemaRequest, StructureRequest
from .instants import Times, instant

KINDS: dict[str, str] = {
    kind.lower(): kind
    for kind in (
        "DataStructure", "MetadataStructure", "Dataflow", "Metadataflow", "ProvisionAgreement",
        "MetadataProvisionAgreement", "Process", "Categorisation", "DataConstraint", "MetadataConstraint",
        "ConceptScheme", "Codelist", "ValueList", "CategoryScheme", "Hierarchy", "HierarchyAssociation",
        "AgencyScheme", "DataProviderScheme", "MetadataProviderScheme", "DataConsumerScheme",
        "OrganisationUnitScheme", "ReportingTaxonomy", "TransformationScheme", "RulesetScheme",
        "UserDefinedOperatorScheme", "CustomTypeScheme", "NamePersonalisationScheme", "VtlMappingScheme",
        "StructureMap", "RepresentationMap", "ConceptSchemeMap", "CategorySchemeMap", "OrganisationSchemeMap",
        "ReportingTaxonomyMap",
    )
}  # fmt: skip
"""The types of artefacts of the standard by their word in a URL; those without artefacts give no results."""

_ALSO = {"codelist": ("GeographicCodelist", "GeoGridCodelist")}
"""Further types that a word stands for: those that SDMX 3 has without a word of their own."""

CLASSES: dict[str, tuple[str, ...]] = {word: (kind, *_ALSO.get(word, ())) for word, kind in KINDS.items()}
"""All that a word stands for."""

WORDS: dict[str, str] = {kind: word for word, kinds in CLASSES.items() for kind in kinds}
"""Class -> the word for it; what only 2.1 has has none."""

CONTEXTS = ("datastructure", "dataflow", "provisionagreement")
SCHEMA_CONTEXTS = (*CONTEXTS, "metadatastructure", "metadataflow", "metadataprovisionagreement")
RESOURCES = ("structure", "data", "availability", "schema", "metadata", "registration")

_NOT_BUILT = ("sort", "reportingYearStartDay")


def parse(address: Address) -> Request:
    """What the address below the root of the API asks; SyntaxFault, NotFound, NotImplementedHere."""
    if not address.segments:
        return Root()
    resource = address.segments[0]
    if resource in ("metadata", "registration"):
        raise NotImplementedHere(f"/{resource} is not built yet")
    parsers: dict[str, Callable[[Address], Request]] = {
        "structure": _structure,
        "data": _data,
        "availability": _availability,
        "schema": _schema,
    }
    if resource not in parsers:
        hint = f"; structures are at /sdmx/v2/structure/{resource}" if resource in KINDS else ""
        raise NotFound(
            f"There is no /{resource}; there are " + ", ".join(f"/{word}" for word in RESOURCES) + hint
        )
    return parsers[resource](address)


def _structure(address: Address) -> StructureRequest:
    address.at_most(6, "structure/{type}/{agencyID}/{resourceID}/{version}/{itemID}")
    words = address.segment(1)
    kinds = tuple(dict.fromkeys(kind for word in words.split(",") for kind in _kinds(word)))
    ids = asked.ids(address.segment(3), ",")
    query = StructureQuery(
        kinds=("*",) if "*" in kinds else kinds,
        agencies=asked.agencies(address.segment(2), ","),
        ids=ids,
        versions=asked.versions(address.segment(4, ""), "~"),
        items=asked.items(address.segment(5), ",", kinds),
        detail=asked.detail(address, raw=True),
        references=asked.references(address, CLASSES, ","),
        **asked.page(address, kinds, ids),
    )
    return StructureRequest(query, times=Times(as_of=instant(address, "asOf")))


def _kinds(word: str) -> tuple[str, ...]:
    if word in asked.WILD:
        return ("*",)
    if word not in CLASSES:
        raise SyntaxFault(f"'{word}' is not a type of structure; expected * or one of {', '.join(KINDS)}")
    return CLASSES[word]


def _data(address: Address) -> DataRequest:
    address.at_most(6, "data/{context}/{agencyID}/{resourceID}/{version}/{key}")
    context = address.segment(1)
    query = _query(address, "*" if context in asked.WILD else context)
    return DataRequest(query, Times.of(address, travel=True))


def _query(address: Address, context: str) -> DataQuery:
    if context not in (*CONTEXTS, "*"):
        raise SyntaxFault(f"'{context}' is not a context; expected one of {', '.join(CONTEXTS)}")
    asked.not_built(address, *_NOT_BUILT)
    return DataQuery(
        context=context,
        agencies=asked.agencies(address.segment(2), ","),
        ids=asked.ids(address.segment(3), ","),
        versions=tuple(asked.versions(address.segment(4, ""), "*").split(",")),
        keys=parse_keys(address.segment(5)),
        conditions=address.conditions(),
        first_n=address.number("firstNObservations", 1),
        last_n=address.number("lastNObservations", 1),
        dimension_at_observation=address.get("dimensionAtObservation"),
        attributes=address.listed("attributes", "dsd"),
        measures=address.listed("measures", "all"),
        offset=address.number("offset", 0),
        limit=address.number("limit", 1),
    )


def _availability(address: Address) -> AvailabilityRequest:
    address.at_most(7, "availability/{context}/{agencyID}/{resourceID}/{version}/{key}/{componentID}")
    components = asked.ids(address.segment(6), ",", "a component")
    context = address.segment(1, "")
    if context not in CONTEXTS:
        raise SyntaxFault(f"availability needs a context, one of {', '.join(CONTEXTS)}; '{context}' is none")
    return AvailabilityRequest(
        _query(address, context),
        components=() if "*" in components else components,
        mode=availability_mode(address),
        references=asked.related(address, ","),
        times=Times.of(address, travel=True, history=False),
    )


def availability_mode(address: Address) -> str:
    mode = address.get("mode", "exact").lower()
    if mode not in ("exact", "available"):
        raise SyntaxFault(f"mode={mode}: expected exact or available")
    return mode


def _schema(address: Address) -> SchemaRequest:
    address.at_most(5, "schema/{context}/{agencyID}/{resourceID}/{version}")
    context = address.segment(1)
    if context not in SCHEMA_CONTEXTS:
        raise SyntaxFault(f"'{context}' is not a context; expected one of {', '.join(SCHEMA_CONTEXTS)}")
    if len(address.segments) < 4:
        raise SyntaxFault(
            f"schema/{context} needs an agency and an id, as in schema/{context}/AGENCY/ID/1.0.0"
        )
    deletion = address.one_of("deletion", ("false", "true")) == "true"
    query = StructureQuery(
        kinds=(KINDS[context],),
        agencies=asked.agencies(address.segment(2), ","),
        ids=asked.ids(address.segment(3), ","),
        versions=asked.versions(address.segment(4, ""), "~"),
    )
    times = Times(as_of=instant(address, "asOf"))
    return SchemaRequest(context, query, address.get("dimensionAtObservation"), deletion, times)
