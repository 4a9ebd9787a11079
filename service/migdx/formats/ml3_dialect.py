"""SDMX-ML 3.0 and 3.1 as dialects: references are URNs in a text, neighbours are named by their id in one."""

from __future__ import annotations

from ..urn import Reference, parse_urn
from .markup import escape, leaf, namespaces
from .xml_shapes import Dialect, text_of


def _dialect(generation: str) -> Dialect:
    return Dialect(
        generation,
        namespaces(generation),
        read_reference=lambda node, kinds: parse_urn(text_of(node)),
        write_reference=_urn,
        read_local=text_of,
        write_local=leaf,
    )


def _urn(name: str, named: Reference) -> str:
    return f"<{name}>{escape(named.urn)}</{name}>"


ML30 = _dialect("3.0")
ML31 = _dialect("3.1")
