"""Workbooks of a provider's own layout: a map is proposed for one, kept when a person confirms it, and used.

A map that a workbook carries comes first, then the one that is sent with it, then the one that is kept for
its provider.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson

from .blobs import Blobs
from .errors import ExchangeError, NotFound, SemanticFault
from .formats import sandbox
from .formats.content import WORKBOOKS, kind_of
from .formats.workbook_wire import grid_of
from .grid import Grid
from .history import History
from .ledger import Ledger
from .mappings import Mapped, told
from .proposal import Proposal, looked_over, propose
from .registry import Registry
from .schema import Schema
from .sent import Sent
from .workbook_map import WorkbookMap

_SDMX_CSV = (b"DATAFLOW", b"STRUCTURE", b"DATASTRUCTURE", b"DATAPROVISION")
_HEAD = 4096


def proposed(sent: Sent, registry: Registry, history: History, blobs: Blobs) -> tuple[Grid, Schema, Proposal]:
    """What a workbook looks like and the map that it seems to need, for the provider and dataflow named.

    The map that is sent with it is looked over and completed; without one, one is proposed, with the texts of
    the kept one decided. A grid without sheets has findings that say why, and nothing is proposed.
    """
    if not sent.dataflow:
        raise SemanticFault("A map is for a dataflow: name one that /sdmx/v2/structure/dataflow lists")
    flow = registry.dataflow(sent.dataflow)
    schema = registry.schema(flow.reference, registry.agreement(sent.provider, flow))
    grid = cells(sent)
    if not grid.sheets:
        return grid, schema, Proposal(WorkbookMap(flow.reference.short, ()))
    if sent.map:
        return grid, schema, looked_over(WorkbookMap.from_dict(sent.map), grid, schema, registry)
    entry = history.mapping(sent.provider, flow.reference.short)
    kept = read_map(entry.blob, blobs) if entry else None
    return grid, schema, propose(grid, schema, registry, kept)


def cells(sent: Sent) -> Grid:
    """The cells of a workbook, or of a text laid out like one; findings instead of sheets if it has none."""
    try:
        return grid_of(*sandbox.default.do("cells", sent.file, sent.size, **sent.job))
    except sandbox.Failed as failed:
        return Grid("", (), (failed.finding,))


# --- what is kept -------------------------------------------------------------------------------------------


def keep(
    made: WorkbookMap, provider: str, ledger: Ledger, blobs: Blobs, registry: Registry, by: str
) -> Mapped:
    """Keeps a map for a provider that has an agreement for its dataflow; the newest one holds.

    SemanticFault for a map by which every file would be refused.
    """
    flow = registry.dataflow(made.dataflow)
    agreement = registry.agreement(provider, flow)
    if agreement is None:
        raise SemanticFault(
            f"The provider '{provider}' has no provision agreement for {flow.reference.short}; "
            "a map is kept for those who have one"
        )
    if not made.sheets:
        raise SemanticFault("The map has no sheets; it would read nothing")
    silent = _without_source(made, registry.schema(flow.reference, agreement))
    if silent:
        raise SemanticFault(f"The map has no source for {', '.join(silent)}; every file would be refused")
    made = replace(made, dataflow=flow.reference.short)
    return _entered(Mapped(provider, made.dataflow, blobs.put(told(made)), by), ledger)


def _without_source(made: WorkbookMap, schema: Schema) -> list[str]:
    """The dimensions that a table has no source for; what is no component may stand for several of them."""
    told = [{source.component for source in sheet.sources} - {""} for sheet in made.sheets]
    return [id for id in schema.key if any(id not in own and own <= set(schema.by_id) for own in told)]


def drop(provider: str, dataflow: str, ledger: Ledger, registry: Registry, by: str) -> None:
    """Lets go of the map that holds; NotFound when there is none. What was kept stays in the ledger."""
    flow = registry.dataflow(dataflow).reference.short
    if ledger.history().mapping(provider, flow) is None:
        raise NotFound(f"No workbook map is kept for {provider} and {flow}")
    _entered(Mapped(provider, flow, "", by), ledger)


def _entered(mapped: Mapped, ledger: Ledger) -> Mapped:
    with ledger.writing() as book:
        return replace(mapped, stamp=book.append("workbook_map", mapped.as_dict()).stamp)


def read_map(digest: str, blobs: Blobs) -> WorkbookMap:
    """A map that was kept, by its digest."""
    with blobs.open(digest) as blob:
        return WorkbookMap.from_dict(orjson.loads(blob.read()))


# --- what is used -------------------------------------------------------------------------------------------


def with_kept(sent: Sent, history: History, blobs: Blobs, registry: Registry) -> Sent:
    """The same with the map that is kept for its provider, if it is a workbook and none was sent with it.

    Without a dataflow named it is the only one that the provider has a map for.
    """
    if sent.map or not sent.provider or not _takes_a_map(sent):
        return sent
    try:
        named = registry.dataflow(sent.dataflow).reference.short if sent.dataflow else ""
    except ExchangeError:
        return sent
    flows = {one.dataflow for one in history.mapped if one.provider == sent.provider}
    kept = [entry for flow in sorted(flows) if (entry := history.mapping(sent.provider, flow))]
    fitting = [entry for entry in kept if not named or entry.dataflow == named]
    if len(fitting) != 1:
        return sent
    body: dict[str, Any] = read_map(fitting[0].blob, blobs).as_dict()
    return replace(sent, map=body)


def _takes_a_map(sent: Sent) -> bool:
    """A workbook, or a text that is not SDMX-CSV by its first line."""
    kind = kind_of(sent.file)
    sent.file.seek(0)
    if kind != "csv":
        return kind in WORKBOOKS
    head = sent.file.read(_HEAD).upper().replace(b"\0", b"")  # which UTF-16 has between letters
    sent.file.seek(0)
    first = head.lstrip(b"\xef\xbb\xbf").split(b"\n", 1)[0]
    return not any(word in first for word in _SDMX_CSV)
