"""SDMX-JSON 2.0 and 2.1 structure messages (sdmx-json v2.0.0 and v2.1.0, structure-message), both ways.

The reader takes either; the writers differ in the parts that the tables mark by version. A message is read or
refused by one StructureFault that names the place. What the standard does not know is skipped and noted.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import orjson

from ..errors import StructureFault
from ..structures import DataConstraint, Maintainable
from . import json2_availability as availability
from . import json2_components as components
from . import json2_constraints as constraints
from . import json2_hierarchies as hierarchies
from . import json2_items as items
from . import json2_maps as maps
from . import json2_vtl as vtl
from .header import Header
from .json_shapes import Json, Reading, Shape, Told, take_list
from .losses import kept
from .pieces import gathered

LISTS: dict[str, tuple[str, Shape]] = {
    "AgencyScheme": ("agencySchemes", items.AGENCY_SCHEME),
    "Categorisation": ("categorisations", hierarchies.CATEGORISATION),
    "CategoryScheme": ("categorySchemes", items.CATEGORY_SCHEME),
    "CategorySchemeMap": ("categorySchemeMaps", maps.CATEGORY_SCHEME_MAP),
    "Codelist": ("codelists", items.CODELIST),
    "ConceptScheme": ("conceptSchemes", items.CONCEPT_SCHEME),
    "ConceptSchemeMap": ("conceptSchemeMaps", maps.CONCEPT_SCHEME_MAP),
    "CustomTypeScheme": ("customTypeSchemes", vtl.CUSTOM_TYPE_SCHEME),
    "DataConstraint": ("dataConstraints", constraints.DATA_CONSTRAINT),
    "DataConsumerScheme": ("dataConsumerSchemes", items.DATA_CONSUMER_SCHEME),
    "DataProviderScheme": ("dataProviderSchemes", items.DATA_PROVIDER_SCHEME),
    "DataStructure": ("dataStructures", components.DATA_STRUCTURE),
    "Dataflow": ("dataflows", components.DATAFLOW),
    "GeoGridCodelist": ("geoGridCodelists", items.GEO_GRID_CODELIST),
    "GeographicCodelist": ("geographicCodelists", items.GEOGRAPHIC_CODELIST),
    "Hierarchy": ("hierarchies", hierarchies.HIERARCHY),
    "HierarchyAssociation": ("hierarchyAssociations", hierarchies.HIERARCHY_ASSOCIATION),
    "MetadataConstraint": ("metadataConstraints", constraints.METADATA_CONSTRAINT),
    "MetadataProviderScheme": ("metadataProviderSchemes", items.METADATA_PROVIDER_SCHEME),
    "MetadataProvisionAgreement": ("metadataProvisionAgreements", components.METADATA_PROVISION_AGREEMENT),
    "MetadataStructure": ("metadataStructures", components.METADATA_STRUCTURE),
    "Metadataflow": ("metadataflows", components.METADATAFLOW),
    "NamePersonalisationScheme": ("namePersonalisationSchemes", vtl.NAME_PERSONALISATION_SCHEME),
    "OrganisationSchemeMap": ("organisationSchemeMaps", maps.ORGANISATION_SCHEME_MAP),
    "OrganisationUnitScheme": ("organisationUnitSchemes", items.ORGANISATION_UNIT_SCHEME),
    "Process": ("processes", hierarchies.PROCESS),
    "ProvisionAgreement": ("provisionAgreements", components.PROVISION_AGREEMENT),
    "ReportingTaxonomy": ("reportingTaxonomies", items.REPORTING_TAXONOMY),
    "ReportingTaxonomyMap": ("reportingTaxonomyMaps", maps.REPORTING_TAXONOMY_MAP),
    "RepresentationMap": ("representationMaps", maps.REPRESENTATION_MAP),
    "RulesetScheme": ("rulesetSchemes", vtl.RULESET_SCHEME),
    "StructureMap": ("structureMaps", maps.STRUCTURE_MAP),
    "TransformationScheme": ("transformationSchemes", vtl.TRANSFORMATION_SCHEME),
    "UserDefinedOperatorScheme": ("userDefinedOperatorSchemes", vtl.USER_DEFINED_OPERATOR_SCHEME),
    "ValueList": ("valueLists", items.VALUE_LIST),
    "VtlMappingScheme": ("vtlMappingSchemes", vtl.VTL_MAPPING_SCHEME),
}
"""Kind -> the name of its list, and how it stands there; AttachmentConstraint is of the generation before."""

_AVAILABILITY = "availabilityConstraints"

# --- writing -----------------------------------------------------------------------------------------------

_SCHEMAS = {
    "2.0": "https://raw.githubusercontent.com/sdmx-twg/sdmx-json/master/structure-message/tools/schemas/2.0.0/"
    "sdmx-json-structure-schema.json",
    "2.1": "https://json.sdmx.org/2.1/sdmx-json-structure-schema.json",
}


def write_structures20(
    artefacts: Iterable[Maintainable], header: Header, languages: Sequence[str] = ("en",)
) -> Iterator[bytes]:
    """The message, a batch of items at a time."""
    told = Told("2.0", languages)
    yield from gathered(_message(b"{", told, header, _by_list(_kept(artefacts, told))))


def write_structures21(
    artefacts: Iterable[Maintainable], header: Header, languages: Sequence[str] = ("en",)
) -> Iterator[bytes]:
    """The message, a batch of items at a time; constraints of role Actual are availabilityConstraints."""
    told = Told("2.1", languages)
    start = b'{"$schema":' + orjson.dumps(_SCHEMAS["2.1"]) + b","
    given: list[Maintainable] = []
    there: list[bytes] = []
    for artefact in _kept(artefacts, told):
        if isinstance(artefact, DataConstraint) and artefact.role == "Actual":
            there.append(orjson.dumps(availability.availability_told(artefact, told)))
        else:
            given.append(artefact)
    yield from gathered(_message(start, told, header, _by_list(given), there))


def _kept(artefacts: Iterable[Maintainable], told: Told) -> Iterator[Maintainable]:
    """What the version can have of them."""
    for artefact in artefacts:
        yield from kept(artefact, f"json-{told.version}")


def meta(header: Header, told: Told, schema: str) -> bytes:
    """Clients recognise the message by the schema within its first 350 characters."""
    languages = list(dict.fromkeys(language.lower() for language in told.languages))
    return orjson.dumps(
        {
            "schema": schema,
            "id": header.id,
            "test": header.test,
            "prepared": header.instant,
            **({"contentLanguages": languages} if languages else {}),
            "sender": {"id": header.sender},
        }
    )


def _by_list(artefacts: Iterable[Maintainable]) -> list[Listed]:
    by_kind: dict[str, list[tuple[Shape, Maintainable]]] = defaultdict(list)
    for artefact in artefacts:
        if artefact.kind in LISTS:
            by_kind[artefact.kind].append((LISTS[artefact.kind][1], artefact))
    return [(name, by_kind[kind]) for kind, (name, _) in LISTS.items() if kind in by_kind]


def _message(
    start: bytes,
    told: Told,
    header: Header,
    lists: list[Listed],
    there: Sequence[bytes] = (),
) -> Iterator[bytes]:
    yield start + b'"meta":' + meta(header, told, _SCHEMAS[told.version]) + b',"data":{'
    yield from listed(lists, told)
    if there:
        yield (b"," if lists else b"") + orjson.dumps(_AVAILABILITY) + b":[" + b",".join(there) + b"]"
    yield b"}}\n"


Listed = tuple[str, list[tuple[Shape, Maintainable]]]


def listed(lists: Iterable[Listed], told: Told) -> Iterator[bytes]:
    """Every list by its name, its entries in pieces."""
    comma = b""
    for name, values in lists:
        yield comma + orjson.dumps(name) + b":["
        for at, (shape, value) in enumerate(values):
            if at:
                yield b","
            yield from shape.chunks(value, told)
        yield b"]"
        comma = b","


# --- reading -----------------------------------------------------------------------------------------------


def read_structures(source: bytes, path: str = "", skipped: list[str] | None = None) -> list[Maintainable]:
    """The artefacts of a 2.0 or 2.1 message, in its order; what is skipped is noted in `skipped`."""
    message = _parsed(source, path)
    reading = Reading(path, _language(message), skipped)
    data = _data(message, reading)
    shapes = dict(LISTS.values())
    shapes["valuelists"] = shapes["valueLists"]  # a well-known registry spells it so
    found: list[Maintainable] = []
    reading.steps.append("data")
    for name, entries in data.items():
        if data[name] is None:
            continue
        if name in shapes:
            found += _artefacts(name, entries, shapes[name], reading)
        elif name == _AVAILABILITY:
            reading.steps.append(name)
            found += availability.told_apart(take_list(entries, availability.take_availability, reading))
            reading.steps.pop()
        else:
            reading.skip(name, "is no type of artefact of SDMX-JSON 2.x")
    return found


def _artefacts(name: str, entries: Any, shape: Shape, reading: Reading) -> list[Maintainable]:
    reading.steps.append(name)
    found: list[Maintainable] = take_list(entries, shape.take, reading)
    first: dict[str, int] = {}
    for at, artefact in enumerate(found):
        if artefact.urn in first:
            reading.steps.append(at)
            short = artefact.reference.short
            raise reading.fault(f"is {artefact.kind} {short}, as is entry {first[artefact.urn]}")
        first[artefact.urn] = at
    reading.steps.pop()
    return found


def _parsed(source: bytes, path: str) -> Any:
    if source[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\x00" in source[:4]:
        raise StructureFault("the message is not in UTF-8, as JSON must be (RFC 8259)", path)
    source = source.removeprefix(b"\xef\xbb\xbf")
    try:
        message = orjson.loads(source)
    except orjson.JSONDecodeError as fault:
        reason = f"the message is not JSON: {fault.msg} at column {fault.colno}"
        raise StructureFault(reason, path, fault.lineno) from None
    _check_keys(source, message, path)
    return message


_STRINGS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"\s*+(:?)', re.DOTALL)


def _check_keys(source: bytes, message: Any, path: str) -> None:
    """A property given twice is a fault: the parser keeps the last, others may keep the first.

    Counting is a third of the work of a parser that looks for them, which is asked only then which it is.
    """
    if _STRINGS.findall(source).count(b":") == _count_keys(message):
        return

    def once(pairs: list[tuple[str, Any]]) -> Json:
        found: Json = {}
        for key, value in pairs:
            if key in found:
                place = f" in the object with the id '{found['id']}'" if "id" in found else ""
                raise StructureFault(f"the property {key} is given twice{place}", path)
            found[key] = value
        return found

    try:
        json.loads(source, object_pairs_hook=once)
    except RecursionError:
        raise StructureFault("a property is given twice, in objects that are nested too deep", path) from None


def _count_keys(message: Any) -> int:
    count, rest = 0, [message]
    while rest:
        value = rest.pop()
        if type(value) is dict:
            count += len(value)
            rest.extend(value.values())
        elif type(value) is list:
            rest.extend(value)
    return count


def _language(message: Any) -> str:
    """That of texts told in one language only: the first of the message's, if it names some."""
    given = message.get("meta") if type(message) is dict else None
    languages = given.get("contentLanguages") if type(given) is dict else None
    first = languages[0] if type(languages) is list and languages else "en"
    return first if type(first) is str and first else "en"


_OTHERS = {
    "dataSets": "this is a data message",
    "structures": "this is a data message",
    "structure": "this is a data message",
    "metadataSets": "this is a metadata message",
    "hierarchicalCodelists": "this is a message of SDMX-JSON 1.0",
    "contentConstraints": "this is a message of SDMX-JSON 1.0",
    "attachmentConstraints": "this is a message of SDMX-JSON 1.0",
    "structureSets": "this is a message of SDMX-JSON 1.0",
}
_ROOT = ("$schema", "meta", "data", "errors")


def _data(message: Any, reading: Reading) -> Json:
    if type(message) is not dict:
        raise reading.wrong("an object with meta and data", message)
    expected = "expected a structure message of SDMX-JSON 2.0 or 2.1"
    data = message.get("data", {})
    for name, what in _OTHERS.items():
        if name in message or (type(data) is dict and name in data):
            raise StructureFault(f"{what}; {expected}", reading.path)
    empty = message.keys() <= {"$schema", "meta"} and "meta" in message
    if "data" not in message and not empty:
        raise StructureFault(f"the message has no data; {expected}", reading.path)
    for name in message:
        if name not in _ROOT:
            reading.skip(name)
    if type(data) is not dict:
        reading.steps.append("data")
        raise reading.wrong("an object", data)
    return data
