"""Arranged: what the *.precedence.toml files beside the structures declare, checked against a registry."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from .errors import StructureFault
from .precedence import OTHERS, Arrangements, Order, Source
from .registry import Registry
from .structures import Dataflow, DataProviderScheme
from .urn import Reference

SUFFIX = ".precedence.toml"


def read_arrangements(folders: Sequence[Path]) -> Arrangements:
    """All that is declared below `folders`, in the order of their files; StructureFault where one cannot be
    read.
    """
    return Arrangements.parse(
        (str(path), _text(path)) for folder in folders for path in sorted(folder.rglob("*" + SUFFIX))
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as fault:
        raise StructureFault(f"the precedence is no UTF-8: {fault}", str(path)) from fault


def check_arrangements(arranged: Arrangements, registry: Registry) -> None:
    """StructureFault, with file and line, where a dataflow, a provider, a dimension or a code is named that
    is not there, so that an order would never decide anything.
    """
    providers = {item.id for scheme in registry.of(DataProviderScheme) for item in scheme.items}
    flows: dict[str, list[Reference]] = {}
    for flow in registry.of(Dataflow):
        flows.setdefault(f"{flow.agency}:{flow.id}", []).append(flow.reference)
    for approving in arranged.approvings:
        named = (approving.focal_point, *approving.providers)
        _there("provider", named, providers, approving.source)
        _there("dataflow", approving.dataflows, flows, approving.source)
    for order in arranged.orders:
        _there("provider", set(order.providers) - {OTHERS}, providers, order.source)
        _there("dataflow", order.dataflows, flows, order.source)
        _check_where(order, [flow for name in order.dataflows or flows for flow in flows[name]], registry)


def _check_where(order: Order, flows: Iterable[Reference], registry: Registry) -> None:
    """Every dimension and code must be there in each of the dataflows named, or, where none is, in some."""
    if not order.where:
        return
    schemas = [registry.schema(reference) for reference in flows]
    for id, codes in order.where:
        having = [schema for schema in schemas if id in schema.key]
        if not having or (order.dataflows and len(having) < len(schemas)):
            raise StructureFault(f"there is no dimension '{id}'", *order.source)
        known = [schema.by_id[id].codes for schema in having if schema.by_id[id].coded]
        if known:
            every = known[0].intersection(*known[1:]) if order.dataflows else known[0].union(*known[1:])
            _there(f"code of {id}", codes, every, order.source)


def _there(kind: str, named: Iterable[str], known: Collection[str], source: Source) -> None:
    gone = next((name for name in named if name not in known), None)
    if gone is not None:
        raise StructureFault(f"there is no {kind} '{gone}'", *source)
