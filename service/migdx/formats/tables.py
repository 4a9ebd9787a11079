"""The formats that there are, by exact media type: what reads and writes each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

from ..plan import Answer
from ..structures import Maintainable
from .csv_writer import write_csv10, write_csv20, write_csv21
from .header import Header
from .json2_structures import read_structures as read_json2_structures
from .json2_structures import write_structures20 as write_json20_structures
from .json2_structures import write_structures21 as write_json21_structures
from .json10_structures import write_structures as write_json10_structures
from .json20_writer import write_json20
from .ml3_structures import read_structures30, read_structures31, write_structures30, write_structures31
from .ml21_structure_writer import write_structures as write_ml21_structures
from .ml21_structures import read_structures as read_ml21_structures
from .ml_generic_writer import write_generic21
from .ml_specific_writer import write_ml21, write_ml30
from .sniffing import sniff_structures

__all__ = [
    "STRUCTURE_READERS",
    "STRUCTURE_WRITERS",
    "WRITERS",
    "StructureReader",
    "StructureWriter",
    "Writer",
    "sniff_structures",
]

Writer = Callable[[Answer], Iterator[bytes]]
"""Bytes as the batches come; the first of them only after the first batch, so that faults have a status."""

WRITERS: dict[str, Writer] = {
    "application/vnd.sdmx.data+csv;version=1.0.0": write_csv10,
    "application/vnd.sdmx.data+csv;version=2.0.0": write_csv20,
    "application/vnd.sdmx.data+csv;version=2.1.0": write_csv21,
    "application/vnd.sdmx.data+json;version=2.0.0": write_json20,
    "application/vnd.sdmx.data+xml;version=3.0.0": write_ml30,
    "application/vnd.sdmx.genericdata+xml;version=2.1": write_generic21,
    "application/vnd.sdmx.structurespecificdata+xml;version=2.1": write_ml21,
}
"""Data messages, by exact media type."""


class StructureReader(Protocol):
    """Artefacts from bytes; a fault names the path, and `skipped` gets what the format does not know."""

    def __call__(
        self, source: bytes, path: str = "", skipped: list[str] | None = None
    ) -> list[Maintainable]: ...


StructureWriter = Callable[[Iterable[Maintainable], Header, Sequence[str]], Iterator[bytes]]

STRUCTURE_READERS: dict[str, StructureReader] = {
    "application/vnd.sdmx.structure+json;version=2.0.0": read_json2_structures,
    "application/vnd.sdmx.structure+json;version=2.1.0": read_json2_structures,
    "application/vnd.sdmx.structure+xml;version=2.1": read_ml21_structures,
    "application/vnd.sdmx.structure+xml;version=3.0.0": read_structures30,
    "application/vnd.sdmx.structure+xml;version=3.1.0": read_structures31,
}
"""Structure messages: from bytes and the path to name in a fault, by exact media type."""

STRUCTURE_WRITERS: dict[str, StructureWriter] = {
    "application/vnd.sdmx.structure+json;version=1.0.0": write_json10_structures,
    "application/vnd.sdmx.structure+json;version=2.0.0": write_json20_structures,
    "application/vnd.sdmx.structure+json;version=2.1.0": write_json21_structures,
    "application/vnd.sdmx.structure+xml;version=2.1": write_ml21_structures,
    "application/vnd.sdmx.structure+xml;version=3.0.0": write_structures30,
    "application/vnd.sdmx.structure+xml;version=3.1.0": write_structures31,
}
"""Structure messages: artefacts, header, languages of the reader; by exact media type."""
