"""SDMX-ML RegistryInterface messages for structures: SubmitStructureResponse is written,
SubmitStructureRequest read (schemas v3_1, v3_0, v2_1: SDMXRegistryStructure.xsd).

A request holds a structure message, which the reader of its generation reads, and an action for all of it or
for some of it by reference.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from lxml import etree

from ..errors import NotImplementedHere, SyntaxFault
from ..urn import PACKAGES, Reference, parse_urn
from .header import Header
from .markup import element, leaf, message_header, namespace
from .ml21_dialect import read_reference, write_reference
from .xml_messages import generation_of, not_xml, root_of
from .xml_reading import SAFE, Node, local

Generation = Literal["3.1", "3.0", "2.1"]
Status = Literal["Success", "Warning", "Failure"]

MEDIA_TYPES: dict[str, Generation] = {
    "application/vnd.sdmx.registry+xml;version=3.1.0": "3.1",
    "application/vnd.sdmx.registry+xml;version=3.0.0": "3.0",
    "application/vnd.sdmx.registry+xml;version=2.1": "2.1",
}
"""Of the messages, the newest first."""

STRUCTURES: dict[Generation, str] = {
    "3.1": "application/vnd.sdmx.structure+xml;version=3.1.0",
    "3.0": "application/vnd.sdmx.structure+xml;version=3.0.0",
    "2.1": "application/vnd.sdmx.structure+xml;version=2.1",
}
"""The structure message that a request of a generation holds."""

_IN_2_1 = frozenset(
    ("AgencyScheme", "AttachmentConstraint", "Categorisation", "CategoryScheme", "Codelist", "ConceptScheme",
     "CustomTypeScheme", "DataConstraint", "Dataflow", "DataConsumerScheme", "DataProviderScheme",
     "DataStructure", "Hierarchy", "Metadataflow", "MetadataStructure", "NamePersonalisationScheme",
     "OrganisationUnitScheme", "Process", "ProvisionAgreement", "ReportingTaxonomy", "RulesetScheme",
     "TransformationScheme", "UserDefinedOperatorScheme", "VtlMappingScheme")
)  # fmt: skip
"""Kinds that 2.1 has a class for; any other is named by its URN."""


@dataclass(frozen=True)
class Result:
    """What is told of one artefact: `action` is Append, Replace or Delete; `code` an HTTP status."""

    reference: Reference
    action: str
    status: Status
    code: int
    texts: tuple[str, ...]


def write_response(results: Iterable[Result], header: Header, receiver: str, version: Generation) -> bytes:
    """A SubmitStructureResponse; what is told first of an artefact carries the code."""
    parts = (("mes", "message"), ("reg", "registry"), ("com", "common"))
    spaces = [(f"xmlns:{prefix}", namespace(version, part)) for prefix, part in parts]
    head = message_header(header, element("mes:Receiver", (("id", receiver),)))
    told = element("mes:SubmitStructureResponse", (), *(_result(result, version) for result in results))
    whole = element("mes:RegistryInterface", spaces, head, told)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{whole}\n'.encode()


def _result(result: Result, version: Generation) -> str:
    messages = [
        element("reg:MessageText", (("code", str(result.code)),), leaf("com:Text", text, "en"))
        for text in result.texts
    ]
    return element(
        "reg:SubmissionResult",
        (),
        element("reg:SubmittedStructure", (("action", result.action),), _named(result.reference, version)),
        element("reg:StatusMessage", (("status", result.status),), *messages),
    )


def _named(reference: Reference, version: Generation) -> str:
    if version != "2.1":
        return leaf("reg:MaintainableObject", reference.urn)
    if reference.kind not in _IN_2_1:
        return element("reg:MaintainableObject", (), leaf("URN", reference.urn))
    return write_reference("reg:MaintainableObject", reference)


# --- requests ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Request:
    """`message` is a structure message of `media_type`; `action` holds but where `actions` says otherwise."""

    message: bytes
    media_type: str
    action: str
    actions: Mapping[Reference, str] = field(default_factory=dict)


def is_request(source: bytes) -> bool:
    """Whether a message is a RegistryInterface, or one of its parts sent alone."""
    head = source[:2048].lstrip(b"\xef\xbb\xbf \r\n\t")
    return head.startswith(b"<") and (b"RegistryInterface" in head or b"SubmitStructureRequest" in head)


def read_request(source: bytes) -> Request:
    """StructureFault when it is not XML; SyntaxFault when it asks for something else."""
    version = _version(root_of(source))
    try:
        root = etree.fromstring(source, etree.XMLParser(**SAFE))
    except etree.XMLSyntaxError as error:
        raise not_xml(error) from None
    spaces = {
        prefix: namespace(version, part)
        for prefix, part in (("m", "message"), ("r", "registry"), ("s", "structure"))
    }
    name = "SubmitStructureRequest"
    asked = root if local(root) == name else root.find(f"m:{name}", spaces)
    if asked is None:
        raise SyntaxFault(f"The RegistryInterface message holds no {name}; nothing else is taken")
    if asked.find("r:StructureLocation", spaces) is not None:
        raise NotImplementedHere("StructureLocation is not followed: send the structures in the message")
    structures = asked.find("s:Structures", spaces)
    if structures is None:
        raise SyntaxFault("The SubmitStructureRequest holds no Structures")
    actions = {
        _reference(named): submitted.get("action", "")
        for submitted in asked.iterfind("r:SubmittedStructure", spaces)
        if (named := submitted.find("r:MaintainableObject", spaces)) is not None and submitted.get("action")
    }
    message = etree.Element(f"{{{spaces['m']}}}Structure", nsmap={"mes": spaces["m"]})
    structures.tag = f"{{{spaces['m']}}}Structures"
    message.append(structures)
    return Request(etree.tostring(message), STRUCTURES[version], asked.get("action", "Append"), actions)


def _version(root: Node) -> Generation:
    for version in STRUCTURES:
        if generation_of(root) == version:
            return version
    raise SyntaxFault(f"The root {root.tag} is of no generation that is read: 3.1, 3.0, 2.1")


def _reference(named: Node) -> Reference:
    found = (
        read_reference(named, ())
        if named.find("Ref") is not None
        else parse_urn(named.findtext("URN") or named.text or "")
    )
    if found.kind not in PACKAGES:
        raise SyntaxFault(f"'{found.kind}' is no class of structures")
    return found
