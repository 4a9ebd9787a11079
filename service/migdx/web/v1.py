"""REST 1.5, the API of SDMX 2.1: what its URLs say, told in the words of 3.0.

sdmx-rest v1.5.0: v2_1/ws/rest/docs/4_3_structural_queries.md, 4_4_data_queries.md, 4_6_1_other_queries.md.
"""

from __future__ import annotations

from ..errors import NotFound, NotImplementedHere, SyntaxFault
from ..query import REFERENCES as ALL_REFERENCES
from ..query import Atom, Condition, DataQuery, StructureQuery, parse_keys
from . import asked, v2
from .address import Address
from .asked import AvailabilityRequest, DataRequest, Request, Root, SchemaRequest, StructureRequest
from .instants import Times

_CONSTRAINT = ("DataConstraint",)
_MAPS = (
    "RepresentationMap", "StructureMap", "ConceptSchemeMap", "CategorySchemeMap", "OrganisationSchemeMap",
    "ReportingTaxonomyMap",
)  # fmt: skip

KINDS: dict[str, tuple[str, ...]] = {
    **{
        word: v2.CLASSES[word]
        for word in (
            "datastructure", "metadatastructure", "categoryscheme", "conceptscheme", "codelist",
            "agencyscheme", "dataproviderscheme", "dataconsumerscheme", "organisationunitscheme", "dataflow",
            "metadataflow", "reportingtaxonomy", "provisionagreement", "process", "categorisation",
            "transformationscheme", "rulesetscheme", "userdefinedoperatorscheme", "customtypescheme",
            "namepersonalisationscheme", "vtlmappingscheme",
        )
    },
    "hierarchicalcodelist": ("Hierarchy",),
    "organisationscheme": (
        "AgencyScheme", "DataProviderScheme", "DataConsumerScheme", "OrganisationUnitScheme",
    ),
    "structureset": _MAPS,
    "contentconstraint": _CONSTRAINT,
    "allowedconstraint": _CONSTRAINT,
    "actualconstraint": _CONSTRAINT,
    "attachmentconstraint": ("AttachmentConstraint",),
    "namealiasscheme": ("NamePersonalisationScheme",),
    "structure": ("*",),
}  # fmt: skip
"""The resources of 2.1 that give structures, as classes of 3.0."""

WORDS = {kind: word for word, kinds in reversed(KINDS.items()) for kind in kinds if kind != "*"}
"""Class -> the resource that gives it, the first where there are several."""

REFERENCES = tuple(word for word in ALL_REFERENCES if word != "ancestors")  # which came with 2.0
_RELATED = {**{word: (kind,) for word, kind in v2.KINDS.items()}, **KINDS}

ROLES = {"allowedconstraint": "Allowed", "actualconstraint": "Actual"}
RESOURCES = (*KINDS, "data", "availableconstraint", "schema", "metadata")
CONTEXTS = ("datastructure", "dataflow", "provisionagreement", "metadatastructure", "metadataflow")

_LATEST = frozenset(("latest", "LATEST", "Latest", "~", "+"))

_DETAILS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "full": (("dsd",), ("all",)),
    "dataonly": (("none",), ("all",)),
    "serieskeysonly": (("none",), ("none",)),
    "nodata": (("dataset", "series"), ("none",)),
}
"""`detail` of a data query: attributes and measures."""


def parse(address: Address) -> Request:
    """What the address below the root of the API asks; SyntaxFault, NotFound, NotImplementedHere."""
    if not address.segments:
        return Root()
    resource = address.segments[0]
    if resource == "metadata":
        raise NotImplementedHere("/metadata is not built yet")
    if resource == "data":
        return _data(address)
    if resource == "availableconstraint":
        return _availability(address)
    if resource == "schema":
        return _schema(address)
    if resource not in KINDS:
        raise NotFound(f"There is no /{resource}; there are " + ", ".join(f"/{word}" for word in RESOURCES))
    return _structure(address, resource)


# --- structures ---------------------------------------------------------------------------------------------


def _structure(address: Address, resource: str) -> StructureRequest:
    address.at_most(5, f"{resource}/{{agencyID}}/{{resourceID}}/{{version}}/{{itemID}}")
    id, version = address.segment(2), address.segment(3, "")
    if id in _LATEST and not version:
        id, version = "*", id
    # the items of a hierarchical code list are its hierarchies
    kinds = ("*",) if resource == "hierarchicalcodelist" else KINDS[resource]
    ids = asked.ids(id, "+")
    query = StructureQuery(
        kinds=KINDS[resource],
        agencies=asked.agencies(address.segment(1), "+"),
        ids=ids,
        versions=_versions(version),
        items=asked.items(address.segment(4), "+", kinds),
        detail=asked.detail(address, raw=False),
        references=asked.references(address, _RELATED, "", REFERENCES),
        **asked.page(address, KINDS[resource], ids),
    )
    return StructureRequest(query, ROLES.get(resource, ""))


def _versions(text: str) -> str:
    """`+` alone is the latest, otherwise it joins versions."""
    return asked.versions("+" if text == "+" else ",".join(part for part in text.split("+") if part), "~")


# --- data ---------------------------------------------------------------------------------------------------


def _data(address: Address) -> DataRequest:
    address.at_most(4, "data/{flowRef}/{key}/{providerRef}")
    return DataRequest(_query(address), Times.of(address, travel=False))


def _availability(address: Address) -> AvailabilityRequest:
    address.at_most(5, "availableconstraint/{flowRef}/{key}/{providerRef}/{componentID}")
    components = asked.ids(address.segment(4), "+", "a component")
    return AvailabilityRequest(
        _query(address),
        components=() if "*" in components else components,
        mode=v2.availability_mode(address),
        references=asked.related(address, "+"),
        times=Times.of(address, travel=False, history=False),
    )


def _query(address: Address) -> DataQuery:
    if len(address.segments) < 2:
        raise SyntaxFault(
            f"/{address.segments[0]} needs a dataflow, as in /{address.segments[0]}/AGENCY,FLOW,1.0.0"
        )
    agency, flow, version = _flow(address.segment(1))
    attributes, measures = _DETAILS[address.one_of("detail", tuple(_DETAILS))]
    key = address.segment(2)
    return DataQuery(
        agencies=asked.agencies(agency, "+"),
        ids=asked.ids(flow, "+"),
        versions=tuple(_versions(version).split(",")),
        keys=parse_keys(key),
        providers=_providers(address.segment(3)),
        conditions=_periods(address),
        first_n=address.number("firstNObservations", 1),
        last_n=address.number("lastNObservations", 1),
        dimension_at_observation=address.get("dimensionAtObservation"),
        attributes=attributes,
        measures=measures,
    )


def _flow(text: str) -> tuple[str, str, str]:
    """[AGENCY,]FLOW[,VERSION]: one part is the flow."""
    parts = text.split(",")
    if len(parts) > 3:
        raise SyntaxFault(f"'{text}' does not name a dataflow; expected [AGENCY,]FLOW[,VERSION]")
    if len(parts) == 1:
        return "*", parts[0], ""
    return parts[0], parts[1], parts[2] if len(parts) == 3 else ""


def _providers(text: str) -> tuple[str, ...]:
    """[AGENCY,]PROVIDER, several of them with `+`; () is all."""
    if text in asked.WILD:
        return ()
    found: list[str] = []
    for part in text.split("+"):
        names = part.split(",")
        if len(names) > 2:
            raise SyntaxFault(f"'{part}' does not name a provider; expected [AGENCY,]PROVIDER")
        found += asked.ids(names[-1], "+", "a provider")
    return () if "*" in found else tuple(found)


def _periods(address: Address) -> tuple[Condition, ...]:
    bounds = [("ge", address.get("startPeriod")), ("le", address.get("endPeriod"))]
    term = tuple(Atom(operator, value) for operator, value in bounds if value)  # type: ignore[arg-type]
    return (Condition("TIME_PERIOD", (term,)),) if term else ()


# --- schemas ------------------------------------------------------------------------------------------------


def _schema(address: Address) -> SchemaRequest:
    address.at_most(5, "schema/{context}/{agencyID}/{resourceID}/{version}")
    context = address.segment(1)
    if context not in CONTEXTS:
        raise SyntaxFault(f"'{context}' is not a context; expected one of {', '.join(CONTEXTS)}")
    if len(address.segments) < 4:
        raise SyntaxFault(
            f"schema/{context} needs an agency and an id, as in schema/{context}/AGENCY/ID/latest"
        )
    query = StructureQuery(
        kinds=(v2.KINDS[context],),
        agencies=asked.agencies(address.segment(2), "+"),
        ids=asked.ids(address.segment(3), "+"),
        versions=_versions(address.segment(4, "")),
    )
    return SchemaRequest(context, query, address.get("dimensionAtObservation"))
