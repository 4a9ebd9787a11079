"""What the bytes of a structure message are, whatever their sender calls them."""

from __future__ import annotations

import re
from typing import Any

import orjson

from ..errors import StructureFault
from .xml_messages import generation_of, holds_structures, refused, root_of

_XML = {"2.1": "2.1", "3.0": "3.0.0", "3.1": "3.1.0"}
_JSON = {"2.0": "2.0.0", "2.1": "2.1.0"}
_SCHEMA = re.compile(rb'"\$?schema"\s*:\s*"([^"]*)"')
_VERSION = re.compile(r"/(\d\.\d)(?:\.\d)?/")

# collections and names that only one generation of SDMX-JSON has
_ONLY_10 = {"hierarchicalCodelists", "contentConstraints", "attachmentConstraints", "structureSets"}
_NAMED_10 = re.compile(rb'"(isFinal|primaryMeasure|textFormat)"\s*:')
_ONLY_21 = {"availabilityConstraints"}


def sniff_structures(source: bytes) -> str:
    """The media type of a structure message, from its root or its schema; StructureFault when it is none."""
    if source.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"["):
        return f"application/vnd.sdmx.structure+json;version={_json_version(source)}"
    root = root_of(source)
    version = _XML.get(generation_of(root))
    if version is None or not holds_structures(root):
        raise refused(root, "message:Structure of SDMX-ML 2.1, 3.0 or 3.1")
    return f"application/vnd.sdmx.structure+xml;version={version}"


def _json_version(source: bytes) -> str:
    """By the schema that is named at the start; without one that tells, by what is in the message.

    1.0 tells nothing: registries name its schema in messages of 2.x.
    """
    named = _SCHEMA.search(source[:4096])
    schema = named[1].decode("utf-8", "replace") if named else ""
    for other in ("json-data", "json-metadata", "data-message", "metadata-message"):
        if other in schema:
            raise StructureFault(f"The schema is {schema}; expected that of a structure message", line=1)
    found = _VERSION.search(schema)
    return _JSON[found[1]] if found and found[1] in _JSON else _by_content(source)


def _by_content(source: bytes) -> str:
    try:
        message: Any = orjson.loads(source.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        line = source[: error.pos].count(b"\n") + 1
        raise StructureFault(f"Not JSON: {error.msg}", line=line) from None
    data = message.get("data") if isinstance(message, dict) else None
    if not isinstance(data, dict):
        raise StructureFault("The JSON has no data object; expected a structure message", line=1)
    for other, what in (("dataSets", "data"), ("metadataSets", "reference metadata")):
        if other in data:
            raise StructureFault(f"The JSON is a message of {what}; expected a structure message", line=1)
    if _ONLY_10 & data.keys() or _NAMED_10.search(source):
        return "1.0.0"
    return "2.1.0" if _ONLY_21 & data.keys() else "2.0.0"
