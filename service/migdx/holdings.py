"""Holdings: what stored data hold, what a revision changed, and whether a schema would take them, read when
somebody asks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from . import checks
from .changes import Changes
from .dataset import typed
from .errors import NotFound
from .exchange import Exchange
from .impact import Recheck, Values
from .schema import Schema
from .stored import as_columns
from .stores import Segment
from .urn import parse_short


def held(exchange: Exchange) -> Values:
    """The values of attributes that an exchange keeps, read from its segments when they are asked for."""

    def counted(segment: Segment, component: str) -> Mapping[str, int]:
        return _counted(exchange.store.read(segment), component)

    return counted


def changed(exchange: Exchange, id: str) -> Changes:
    """What a submission says otherwise than the revision before it; NotFound where it made none."""
    history, submission = exchange.ledger.history(), exchange.submission(id)
    history.refuse_forgotten(id)
    if submission.segment is None:
        raise NotFound(f"Submission {id} was not accepted; it changes nothing")
    before = history.revisions.get((*submission.slot, submission.revision - 1))
    schema = exchange.registry.schema(parse_short(submission.dataflow, "Dataflow"))
    if before:
        history.refuse_forgotten(before.id)
    was = exchange.store.read(before.segment) if before and before.segment else None
    return Changes.between(was, exchange.store.read(submission.segment), schema)


def _counted(table: pa.Table, component: str) -> Mapping[str, int]:
    """The values of a column; of one with several values in a cell, each."""
    if component not in table.column_names:
        return {}
    column = table.column(component)
    if pa.types.is_list(column.type):
        column = pc.list_flatten(column)
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    found = pc.value_counts(column).to_pylist()
    return Counter({str(one["values"]): one["counts"] for one in found if one["values"] not in (None, "")})


def not_accepted(exchange: Exchange) -> Recheck:
    """What is wrong with data by one schema that was right by another: (check, component), in order."""

    def asked(segment: Segment, was: Schema, now: Schema) -> list[tuple[str, str]]:
        table = exchange.store.read(segment)
        known = {*_faults(table, was)}
        return [fault for fault in _faults(table, now) if fault not in known]

    return asked


def _faults(table: pa.Table, schema: Schema) -> dict[tuple[str, str], None]:
    found, _ = checks.run(typed(columns := as_columns(table, schema), schema), columns)
    return dict.fromkeys((one.code, one.component) for one in found if one.blocking)
