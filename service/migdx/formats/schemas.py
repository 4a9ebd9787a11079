"""The schemas of data messages, by exact media type: what writes each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from ..schema import Schema
from .json_schema import write_json_schema
from .ml_schema import write_schema


class _Write(Protocol):
    def __call__(
        self, schema: Schema, version: str, dimension_at_observation: str, *, deletion: bool = False
    ) -> Iterator[bytes]: ...


@dataclass(frozen=True)
class SchemaWriter:
    """Writes the schema for messages of one version."""

    write: _Write
    version: str

    def __call__(self, schema: Schema, observation: str, *, deletion: bool = False) -> Iterator[bytes]:
        return self.write(schema, self.version, observation, deletion=deletion)


SCHEMA_WRITERS: dict[str, SchemaWriter] = {
    "application/vnd.sdmx.schema+json;version=2.0.0": SchemaWriter(write_json_schema, "2.0"),
    "application/vnd.sdmx.schema+json;version=2.1.0": SchemaWriter(write_json_schema, "2.1"),
    "application/vnd.sdmx.schema+xml;version=2.1": SchemaWriter(write_schema, "2.1"),
    "application/vnd.sdmx.schema+xml;version=3.0.0": SchemaWriter(write_schema, "3.0"),
    "application/vnd.sdmx.schema+xml;version=3.1.0": SchemaWriter(write_schema, "3.1"),
}
"""What may be sent, and the dimension at observation level, as bytes."""
