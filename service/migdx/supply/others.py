"""What others say of the same: partners' released figures, and control tables.

A figure that is not released, that an embargo or its status of confidentiality closes, or that was taken back
is not there, and nothing is counted of it: whoever asks is told the same.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from ..checks.given import Others
from ..columns import Indices
from ..consolidated import Consolidated
from ..dataset import Dataset
from ..errors import NotFound
from ..fold import plain
from ..plan import Plan
from ..precedence import Arrangements, met
from ..public import Public
from ..registry import Registry
from ..rules import Rule, Scale
from ..schema import CONFIDENTIALITY, FREE, STATUS, Schema
from ..stored import as_dataset
from ..stores import Store
from ..stores.derived import won
from ..submission import Submission

Fetched = tuple[dict[str, Others], dict[str, str]]
"""By the id of the rule: what was found; why there is nothing."""


# --- partners -------------------------------------------------------------------------------------------


def partners(
    dataset: Dataset,
    provider: str,
    rules: Sequence[Rule],
    public: Public,
    consolidated: Consolidated,
    registry: Registry,
    scale: Scale,
) -> Fetched:
    """What the other providers have released of the same.

    A rule's `dataflow` is theirs. Its dimensions have the codes that the file has in the same one, or in that
    which `swap` names, or that `opposite` says for them; those of `theirs` the codes named there.
    """
    found: dict[str, Others] = {}
    missing: dict[str, str] = {}
    for rule in rules:
        try:
            flow = registry.dataflow(rule.value("dataflow"))
        except NotFound:
            missing[rule.id] = "no_dataflow"
            continue
        schema = registry.schema(flow.reference)
        shown = consolidated.submissions(public, schema, but=provider)
        asked = _plan(dataset, rule, schema, scale)
        found[rule.id] = _read(asked, rule.value("area"), shown, public, consolidated.store)
    return found, missing


def beside(
    dataset: Dataset,
    provider: str,
    public: Public,
    consolidated: Consolidated,
    arranged: Arrangements,
    registry: Registry,
    scale: Scale,
) -> Others:
    """What other providers have released of the keys of a file, each by itself: whose it is, and who would go
    before whom (`precedence`; `declared` is empty where only the order of the agreements says so).
    """
    schema, flow = dataset.schema, dataset.schema.dataflow
    agreement = registry.agreement(provider, flow)
    me = provider, agreement.id if agreement else ""
    columns = {id: dataset.coded(id) for id in schema.key}
    sent = {id: frozenset(column.values) if column else frozenset() for id, column in columns.items()}
    named = {STATUS, CONFIDENTIALITY, scale.multiplier}
    asked = Plan(
        schema,
        keys=(tuple(sent.items()),),
        measures=(schema.measures[0].id,),
        attributes=tuple(attribute.id for attribute in schema.attributes if attribute.id in named),
    )
    tables: list[pa.Table] = []
    origins: list[dict[str, str]] = []
    of: list[Indices] = []
    for one in public.submissions(flow.reference.short):
        held = one.segment.codes if one.segment else {}
        if one.provider == provider or any(sent[id].isdisjoint(held.get(id, ())) for id in schema.key):
            continue
        shown = consolidated.alone(public, schema, one.agreement)
        batches = list(consolidated.store.select(asked, shown))
        if not batches:
            continue
        table = _open(pa.Table.from_batches(batches), schema)
        them = one.provider, one.agreement
        decided = met(arranged.between(me, them, flow.reference.short), sent)
        told = _origin(one, public)
        if any(arranged.deciding(provider, one.provider, flow.reference.short)):
            told |= {"declared": "yes"}
        tables.append(table)
        of.append(len(origins) + won(table, decided).astype(np.int64))
        origins += [{**told, "precedence": provider}, {**told, "precedence": one.provider}]
    whole = as_dataset(pa.concat_tables(tables) if tables else pa.table({}), schema)
    return Others(whole, origins, np.concatenate(of) if of else np.zeros(0, np.int64))


def _plan(dataset: Dataset, rule: Rule, schema: Schema, scale: Scale) -> Plan:
    """What of a partner's dataflow can meet the rows of a file."""
    named = {STATUS, CONFIDENTIALITY, scale.multiplier, *rule.value("definitions")}
    return Plan(
        schema,
        keys=(tuple((id, _codes(id, dataset, rule, schema)) for id in schema.key),),
        measures=(schema.measures[0].id,),
        attributes=tuple(attribute.id for attribute in schema.attributes if attribute.id in named),
    )


def _codes(id: str, dataset: Dataset, rule: Rule, schema: Schema) -> frozenset[str]:
    """Those of a dimension of the partner's that can be said of what the file says."""
    theirs: Mapping[str, Sequence[str]] = rule.value("theirs", {})
    if id in theirs:
        return frozenset(theirs[id])
    mine = rule.value("swap").get(id, id)
    column = dataset.coded(mine)
    here = set(column.values) - {""} if column else set()
    if mine in rule.where:
        here &= set(rule.where[mine])
    opposite = rule.value("opposite", {}).get(id)
    here = {opposite[code] for code in here if code in opposite} if opposite else here
    return frozenset(here & schema.by_id[id].codes if schema.by_id[id].coded else here)


def _read(asked: Plan, area: str, shown: Sequence[Submission], public: Public, store: Store) -> Others:
    """The open figures of a plan, each with whose it is.

    A store does not say which segment a row is from. So segments are read together as far as no two of them
    tell of one area; nearly always that is all of them at once.
    """
    wanted = dict(asked.keys[0])
    tables: list[pa.Table] = []
    owners: list[tuple[pa.Array, dict[str, int]]] = []
    origins: list[Submission] = []
    for together in _apart(shown, area, wanted[area]) if all(wanted.values()) else ():
        batches = list(store.select(asked, [one.segment for one in together if one.segment]))
        if not batches:
            continue
        table = _open(pa.Table.from_batches(batches), asked.schema)
        held = {
            code: len(origins) + at
            for at, one in enumerate(together)
            if one.segment
            for code in one.segment.codes[area].keys() & wanted[area]
        }
        origins += together
        tables.append(table)
        owners.append((table.column(area).combine_chunks(), held))
    dataset = as_dataset(pa.concat_tables(tables) if tables else pa.table({}), asked.schema)
    told = [_origin(one, public) for one in origins]
    parts = [_numbers(areas, held) for areas, held in owners]
    return Others(dataset, told, np.concatenate(parts) if parts else np.zeros(0, np.int64))


def _apart(shown: Sequence[Submission], area: str, wanted: frozenset[str]) -> list[list[Submission]]:
    """Submissions in as few parts as it takes, so that within one no two tell of the same area."""
    parts: list[tuple[set[str], list[Submission]]] = []
    for one in shown:
        held = one.segment.codes[area].keys() & wanted if one.segment else set()
        if not held:
            continue
        for known, own in parts:
            if known.isdisjoint(held):
                known |= held
                own.append(one)
                break
        else:
            parts.append((set(held), [one]))
    return [own for _, own in parts]


def _open(table: pa.Table, schema: Schema) -> pa.Table:
    """Its figures; not the places where a figure is closed, or missing."""
    kept = pc.is_valid(table.column(schema.measures[0].id))
    if CONFIDENTIALITY in table.column_names:
        status = pc.fill_null(table.column(CONFIDENTIALITY).cast(pa.utf8()), FREE)
        kept = pc.and_(kept, pc.is_in(status, pa.array(["", FREE])))
    table = table.filter(kept)  # texts stand as such: some answers have dictionaries, and all come together
    return pa.table({name: plain(table.column(name)) for name in table.column_names})


def _numbers(areas: pa.Array, held: Mapping[str, int]) -> Indices:
    encoded = areas.dictionary_encode() if not pa.types.is_dictionary(areas.type) else areas
    numbers = np.array([held[code] for code in encoded.dictionary.to_pylist()] or [0], np.int64)
    return np.asarray(numbers[np.asarray(encoded.indices)])


def _origin(one: Submission, public: Public) -> dict[str, str]:
    """Whose a figure is, and since when everyone may see it."""
    release = public.deciding(one.slot)
    told = {"provider": one.provider}
    return told | (
        {"release": release.id, "publicFrom": release.public_from.isoformat(timespec="seconds")}
        if release
        else {}
    )


# --- control tables -------------------------------------------------------------------------------------


def controls(dataset: Dataset, rules: Sequence[Rule], tables: Mapping[str, str]) -> Fetched:
    """The rows of control tables (RuleBook.controls) that a file can be compared with.

    A table has the components of the file by their ids; those of a rule's `on` are the same in both.
    """
    found: dict[str, Others] = {}
    for rule in rules:
        table, said = parsed(tables[rule.value("table")])
        for id in rule.value("on"):
            column = dataset.coded(id)
            codes = pa.array(column.values if column else (), pa.utf8())
            table = table.filter(pc.is_in(table.column(id), codes))
        own = as_dataset(table, dataset.schema)
        found[rule.id] = Others(own, [said], np.zeros(len(own), np.int64))
    return found, {}


@lru_cache(maxsize=32)
def parsed(text: str) -> tuple[pa.Table, dict[str, str]]:
    """A control table: its rows, all of them texts, and what its first lines say of it (`# source: ...`)."""
    lines = text.splitlines(keepends=True)
    count = next((at for at, line in enumerate(lines) if not line.startswith("#")), len(lines))
    said = dict(line[1:].strip().split(": ", 1) for line in lines[:count])
    header = lines[count].strip().split(",")
    table = csv.read_csv(
        io.BytesIO("".join(lines[count:]).encode()),
        convert_options=csv.ConvertOptions(column_types=dict.fromkeys(header, pa.utf8())),
    )
    return table, said
