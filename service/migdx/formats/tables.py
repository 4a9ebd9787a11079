"""The formats that there are, by exact media type: what reads and writes each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from ..plan import Answer
from ..structures import Maintainable
from .csv_writer import write_csv10, write_csv20, write_csv21
from .header import Header
from .json20_structure_writer import write_structures as write_json20_structures
from .json20_writer import write_json20
from .ml21_structure_writer import write_structures as write_ml21_structures
from .ml30_structure_reader import read_structures as read_ml30_structures
from .ml30_structure_writer import write_structures as write_ml30_structures
from .ml_generic_writer import write_generic21
from .ml_specific_writer import write_ml21, write_ml30

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

StructureReader = Callable[[bytes, str], list[Maintainable]]
StructureWriter = Callable[[Iterable[Maintainable], Header, Sequence[str]], Iterator[bytes]]

STRUCTURE_READERS: dict[str, StructureReader] = {
    "application/vnd.sdmx.structure+xml;version=3.0.0": read_ml30_structures,
}
"""Structure messages: from bytes and the path to name in a fault, by exact media type."""

STRUCTURE_WRITERS: dict[str, StructureWriter] = {
    "application/vnd.sdmx.structure+json;version=2.0.0": write_json20_structures,
    "application/vnd.sdmx.structure+xml;version=2.1": write_ml21_structures,
    "application/vnd.sdmx.structure+xml;version=3.0.0": write_ml30_structures,
}
"""Structure messages: artefacts, header, languages of the reader; by exact media type."""
