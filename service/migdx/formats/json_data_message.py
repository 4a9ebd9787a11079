"""What a JSON message is: data of SDMX-JSON, or something else that is named."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..report import Finding

MEMBERS = frozenset({
    "structure", "action", "reportingBegin", "reportingEnd", "validFrom", "validTo", "publicationYear",
    "publicationPeriod", "links", "attributes", "dimensionGroupAttributes", "series", "observations",
})  # fmt: skip
"""What is read of a data set, or says nothing about observations."""

_COLLECTIONS = frozenset({
    "agencySchemes", "categorySchemes", "categorisations", "codelists", "conceptSchemes",
    "contentConstraints", "dataConstraints", "dataConsumerSchemes", "dataProviderSchemes",
    "dataStructures", "dataflows", "hierarchicalCodelists", "hierarchies", "hierarchyAssociations",
    "metadataStructures", "metadataflows", "provisionAgreements", "representationMaps",
    "structureMaps", "transformationSchemes", "valuelists",
})  # fmt: skip
_VERSION = re.compile(r"/(\d\.\d)(?:\.\d)?/")


def root_of(message: Any) -> tuple[Mapping[str, Any], str]:
    """The object that holds the data sets, and its pointer: `data`, or the root itself before 1.0."""
    if isinstance(message, dict):
        data = message.get("data")
        if isinstance(data, dict):
            return data, "/data"
        return message, ""
    return {}, ""


def version_of(message: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    """By the schema that is named, else by what is in the message."""
    meta = message.get("meta")
    for schema in (message.get("$schema"), meta.get("schema") if isinstance(meta, dict) else ""):
        if isinstance(schema, str) and (found := _VERSION.search(schema)) and found[1] in ("2.0", "2.1"):
            return found[1]
    if not isinstance(data.get("structures"), list):
        return "1.0"
    return "2.1" if "$schema" in message else "2.0"


def not_data(message: Any, data: Mapping[str, Any]) -> Finding | None:
    """That a message is none of data, and which."""
    if "dataSets" in data and ("structures" in data or "structure" in data):
        return None
    values = {"reason": "other", "given": ""}
    if "metadataSets" in data:
        values["reason"] = "reference metadata"
    elif data.keys() & _COLLECTIONS:
        values["reason"] = "structures"
    elif isinstance(message, dict) and isinstance(message.get("errors"), list):
        values = {"reason": "errors", "given": _first_error(message["errors"])}
    elif isinstance(message, dict) and "dimension" in message and "value" in message:
        values["reason"] = "JSON-stat"
    elif "dataSets" in data:
        values["reason"] = "no structure"
    return Finding("no_data_message", values=values)


def _first_error(errors: list[Any]) -> str:
    first = errors[0] if errors and isinstance(errors[0], dict) else {}
    return str(first.get("detail") or first.get("title") or first.get("code") or "")
