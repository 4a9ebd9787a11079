"""GET /schema: what may be reported in a context: to validate with, or as structures to read.

sdmx-rest v2.2.2, doc/schema.md; sdmx-rest v1.5.0, 4_6_1_other_queries.md. As structures the answer holds the
structure, its code lists with the codes that are allowed, its concept schemes with the concepts that are
used, the agencies of all that, and constraints where lists alone do not tell which component takes which
code.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from flask import Response, request

from ..errors import NotAcceptable, NotFound, NotImplementedHere, SemanticFault, SyntaxFault
from ..formats.schemas import SCHEMA_WRITERS
from ..formats.tables import STRUCTURE_WRITERS
from ..registry import Registry
from ..restriction import Limits, Lists, limits
from ..schema import Schema
from ..structures import (
    AgencyScheme,
    Codelist,
    Concept,
    ConceptScheme,
    Dataflow,
    DataStructure,
    Item,
    ItemScheme,
    Maintainable,
    MetadataAttribute,
    MetadataConstraint,
    Metadataflow,
    MetadataProvisionAgreement,
    MetadataStructure,
    ProvisionAgreement,
)
from ..urn import Reference
from . import structures
from .address import Address
from .asked import SchemaRequest
from .negotiation import OFFERS, choose
from .terms import Terms


def answer(asked: SchemaRequest, terms: Terms) -> Response:
    """The schema of one context; everything that can be wrong was looked at before the first byte leaves."""
    context = _context(asked, terms.registry)
    contexts = _metadata_contexts(context, terms.registry)
    if contexts:
        return _of_metadata(asked, contexts, terms)
    schema = _schema(context, terms.registry)
    told_at = observation(asked.dimension_at_observation, schema)
    validators = terms.validators(
        asked.context, asked.query, told_at, asked.deletion, terms.registry.digest, terms.generation,
        max_age=terms.max_age,
    )  # fmt: skip
    known = terms.unchanged(validators)
    if known:
        return known
    writer = SCHEMA_WRITERS.get(terms.chosen.media_type)
    if writer:
        return terms.streamed(writer(schema, told_at, deletion=asked.deletion), validators)
    return structures.written(_told(schema, terms), terms, validators)


def _context(asked: SchemaRequest, registry: Registry) -> Maintainable:
    found = registry.select(asked.query)
    query = asked.query
    if not found:
        raise NotFound(
            f"There is no {asked.context} {','.join(query.agencies)}:{','.join(query.ids)}({query.versions})"
        )
    if len(found) > 1:
        raise SyntaxFault(
            f"A schema is of one {asked.context}; the path names {len(found)}: "
            + ", ".join(artefact.reference.short for artefact in found[:5])
        )
    return found[0]


def _schema(context: Maintainable, registry: Registry) -> Schema:
    if isinstance(context, ProvisionAgreement):
        if context.dataflow is None:
            raise SemanticFault(f"{context.urn} names no dataflow")
        return registry.schema(context.dataflow, context)
    return registry.schema(context.reference)


def observation(asked: str, schema: Schema) -> str:
    """The dimension at observation level: time where there is one; AllDimensions is the flat message."""
    if not asked:
        return schema.time.id if schema.time else "AllDimensions"
    if asked.lower() == "alldimensions":
        return "AllDimensions"
    if asked not in schema.key:
        raise SemanticFault(
            f"dimensionAtObservation={asked}: {schema.dsd.reference.short} has no such dimension; it has "
            + ", ".join(schema.key)
        )
    return asked


# --- as structures ------------------------------------------------------------------------------------------


def _told(schema: Schema, terms: Terms) -> list[Maintainable]:
    registry = terms.registry
    dsd = registry.find(schema.dsd.reference) or schema.dsd  # whole, where the dataflow uses a part of it
    found: list[Maintainable] = [dsd]
    metadata = None if terms.chosen.media_type in structures.OF_2_1 else schema.metadata
    if metadata:
        found.append(metadata)
    named = [*schema.dsd.references(), *(r for artefact in found[1:] for r in artefact.references())]
    found += _concept_schemes(named, registry)
    found += _cut([*_lists(schema), *(_metadata_lists([metadata], registry) if metadata else ())])
    if not _lists_tell_all(schema):
        found += registry.constraints(schema)
    return _of_format(_with_agencies(found, registry), terms)


def _lists(schema: Schema) -> Iterator[tuple[ItemScheme, Collection[str]]]:
    """The list of each component that has one, and the codes of it that are allowed."""
    for component in schema.components:
        if component.codelist is not None and not isinstance(component.codelist, ConceptScheme):
            yield component.codelist, component.valid


def _cut(lists: Iterable[tuple[ItemScheme, Collection[str]]]) -> Iterator[ItemScheme]:
    """Each list once, with the codes that any of those who share it may have."""
    allowed: dict[str, set[str]] = {}
    schemes: dict[str, ItemScheme] = {}
    for scheme, codes in lists:
        schemes.setdefault(scheme.urn, scheme)
        allowed.setdefault(scheme.urn, set()).update(codes)
    for urn, scheme in schemes.items():
        yield only(scheme, allowed[urn])


def only(scheme: ItemScheme, items: Collection[str]) -> ItemScheme:
    """The scheme with these items and no others: no parents, and none is named that is not there."""
    if len(items) >= len(scheme.items):
        return scheme
    return scheme.with_items([_orphan(item, items) for item in scheme.items if item.id in items])


def _orphan(item: Item, items: Collection[str]) -> Item:
    return replace(item, parent="") if item.parent and item.parent not in items else item


def _lists_tell_all(schema: Schema) -> bool:
    """Whether components that share a list may have the same codes of it, and nothing else is limited."""
    valid: dict[str, frozenset[str]] = {}
    for component in schema.components:
        if component.codelist is not None:
            first = valid.setdefault(component.codelist.urn, component.valid)
            if first != component.valid:
                return False
        elif component.allowed is not None or component.granted is not None:
            return False
    return not schema.restrictions


def _concept_schemes(named: Iterable[Reference], registry: Registry) -> Iterator[Maintainable]:
    """The concept schemes that are referred to, with the concepts that are."""
    used: dict[str, set[str]] = {}
    schemes: dict[str, ConceptScheme] = {}
    for reference in named:
        found = registry.find(reference) if reference.kind == "Concept" else None
        if isinstance(found, ConceptScheme):
            schemes[found.urn] = found
            used.setdefault(found.urn, set()).add(reference.item)
    for urn, scheme in schemes.items():
        yield only(scheme, used[urn])


def _with_agencies(found: list[Maintainable], registry: Registry) -> list[Maintainable]:
    """With the schemes of the agencies that maintain what is there, those schemes too."""
    schemes = registry.of(AgencyScheme)
    wanted = {artefact.agency for artefact in found}
    used: dict[str, set[str]] = {}
    while wanted:
        more: set[str] = set()
        for scheme in schemes:
            ids = {item.id for item in scheme.items if {item.id, f"{scheme.agency}.{item.id}"} & wanted}
            new = ids - used.get(scheme.urn, set())
            if new:
                if scheme.urn not in used:
                    more.add(scheme.agency)
                used.setdefault(scheme.urn, set()).update(new)
        wanted = more
    return [*(only(scheme, used[scheme.urn]) for scheme in schemes if scheme.urn in used), *found]


def _of_format(found: list[Maintainable], terms: Terms) -> list[Maintainable]:
    return [artefact for artefact in found if structures.serves(terms.chosen.media_type, artefact)]


# --- metadata -----------------------------------------------------------------------------------------------


def _metadata_contexts(context: Maintainable, registry: Registry) -> list[Maintainable]:
    """A context of metadata, what that is of, and last the structure; none for a context of data."""
    if isinstance(context, DataStructure | Dataflow | ProvisionAgreement):
        return []
    found = [context]
    if isinstance(found[-1], MetadataProvisionAgreement) and found[-1].metadataflow:
        found.append(registry.get(Metadataflow, found[-1].metadataflow))
    if isinstance(found[-1], Metadataflow) and found[-1].structure:
        found.append(registry.get(MetadataStructure, found[-1].structure))
    if not isinstance(found[-1], MetadataStructure):
        raise SemanticFault(f"{context.urn} leads to no metadata structure")
    return found


def _of_metadata(asked: SchemaRequest, contexts: list[Maintainable], terms: Terms) -> Response:
    """Structures only: SDMX 3 has one form for all metadata sets, whose schema is the official one."""
    offers = [offer for offer in OFFERS[terms.generation, "schema"] if offer in STRUCTURE_WRITERS]
    try:
        chosen = choose(offers, request.headers.get("Accept", ""), Address.of(request.environ))
    except NotAcceptable:
        raise NotImplementedHere(
            f"There is no {terms.chosen.media_type} of a {asked.context}: metadata sets of SDMX 3 are "
            "generic, and the official schema of their message is the schema of each; there are "
            + ", ".join(offers)
        ) from None
    if asked.dimension_at_observation or asked.deletion:
        raise SyntaxFault(
            "dimensionAtObservation and deletion are of data; the schema of metadata has neither"
        )
    terms = replace(terms, chosen=chosen)
    validators = terms.validators(
        asked.context, asked.query, terms.registry.digest, terms.generation, max_age=terms.max_age
    )
    known = terms.unchanged(validators)
    if known:
        return known
    msd = contexts[-1]
    found = [msd, *_concept_schemes(msd.references(), terms.registry)]
    found += _cut(_metadata_lists(contexts, terms.registry))
    found = _of_format(_with_agencies(found, terms.registry), terms)
    return structures.written(found, terms, validators)


def _metadata_lists(
    contexts: list[Maintainable], registry: Registry
) -> Iterator[tuple[ItemScheme, Collection[str]]]:
    """What lists the values of metadata attributes, and those that the constraints of `contexts` allow."""
    msd = contexts[-1]
    if not isinstance(msd, MetadataStructure):
        return
    lists = dict(_enumerations(msd.attributes, registry))
    known, found = Lists(lists), Limits()
    urns = {context.urn for context in contexts}
    for constraint in registry.of(MetadataConstraint):
        to = (registry.find(reference) for reference in constraint.attachment)
        if constraint.role == "Allowed" and any(target and target.urn in urns for target in to):
            found = found.also(limits(constraint, known))
    for id, scheme in lists.items():
        yield scheme, found.allowed.get(id, scheme.by_id.keys())


def _enumerations(
    attributes: Iterable[MetadataAttribute], registry: Registry, above: str = ""
) -> Iterator[tuple[str, ItemScheme]]:
    """The list of each attribute that has one, by its path (`A.B`): its own, or that of its concept."""
    for attribute in attributes:
        path = above + attribute.id
        scheme = registry.find(attribute.concept)
        concept = scheme.by_id.get(attribute.concept.item) if isinstance(scheme, ConceptScheme) else None
        core = concept.representation if isinstance(concept, Concept) else None
        shape = attribute.representation or core
        listed = registry.find(shape.enumeration) if shape and shape.enumeration else None
        if isinstance(listed, ItemScheme):
            yield path, registry.codelist(listed) if isinstance(listed, Codelist) else listed
        yield from _enumerations(attribute.children, registry, f"{path}.")
