"""Targets: the dataflows that the rows of a file are for, each with its agreement and its rows, typed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

import numpy as np

from .columns import Columns, Flags, Indices, Located
from .dataset import NOT_APPLICABLE, Dataset, typed
from .errors import ExchangeError, NotFound
from .plan import Action
from .region import wrong
from .registry import Registry
from .removals import Deletions
from .report import SAMPLE, Finding, Severity
from .schema import Schema
from .sent import Sent
from .structures import Dataflow, DataProviderScheme, DataStructure, ProvisionAgreement
from .urn import parse_short

ACTIONS: dict[str, Action] = {
    "": "Merge", "Merge": "Merge", "Replace": "Replace", "Append": "Append", "Delete": "Delete",
}  # fmt: skip
"""The actions that are taken; others are named in a finding."""

COMPLETE = "complete"
"""The scope of a file that says all that there is in its region."""

INFORMATION = "Information"
"""The action of most exports: checked, and filed as Merge where the sender says so."""


@dataclass(frozen=True)
class Target:
    """A dataflow that rows of the file are for, the agreement that covers them, and those rows."""

    schema: Schema
    agreement: ProvisionAgreement | None
    columns: Columns

    @property
    def provider(self) -> str | None:
        """The provider of the agreement."""
        return self.agreement.provider.item if self.agreement and self.agreement.provider else None

    @property
    def short(self) -> str:
        return self.schema.dataflow.reference.short


def targeted(
    columns: Columns, sent: Sent, registry: Registry, *, preview: bool
) -> tuple[list[Target], list[Located]]:
    """The dataflows that the file or its sender names, each with the provider's agreement for it."""
    faults: list[Located] = []
    found: dict[str, tuple[Dataflow, list[int]]] = {}
    silent: list[int] = []
    for at, part in enumerate(columns.parts):
        kind, text = ("dataflow", sent.dataflow) if sent.dataflow else part.target
        if not text:
            silent.append(at)
        elif len(named := _flows(kind, text, registry)) == 1:
            found.setdefault(named[0].urn, (named[0], []))[1].append(at)
        else:
            faults.append(_unknown(text, named, columns, at, registry))
    if silent:
        faults.append(_unnamed(columns, silent, registry, named=bool(found or faults)))
    faults += _not_taken(columns, sent, preview=preview)
    targets = []
    for flow, parts in found.values():
        agreement = registry.agreement(sent.provider, flow) if sent.provider else None
        if sent.provider and agreement is None:
            faults.append(Located(_no_agreement(sent.provider, flow, registry)))
        schema = registry.schema(flow.reference, agreement)
        targets.append(Target(schema, agreement, columns.only(parts)))
    return targets, faults


def _unnamed(columns: Columns, parts: Sequence[int], registry: Registry, *, named: bool) -> Located:
    """Rows that do not say what they are for: all of them, or some beside others that do."""
    first = columns.parts[parts[0]].place
    if not named:
        return Located(Finding("no_dataflow", places=(first,), expected={"dataflows": _ids(registry)}))
    records = np.concatenate([columns.of_part(at) for at in parts])
    return Located(Finding("missing_structure", count=len(records), places=(first,)), records)


def _unknown(
    text: str, named: Sequence[Dataflow], columns: Columns, part: int, registry: Registry
) -> Located:
    """What a file names is no dataflow, or the structure of several."""
    near = get_close_matches(text, _ids(registry), n=3, cutoff=0.3)
    expected = {"dataflows": _ids(registry), "nearest": [{"code": n, "why": "similar"} for n in near]}
    found = Finding("unknown_dataflow", value=text, expected=expected)
    if named:
        of_these = [flow.reference.short for flow in named]
        values = {"given": ", ".join(of_these)}
        found = Finding("several_dataflows", value=text, expected={"dataflows": of_these}, values=values)
    records = columns.of_part(part)
    place = replace(columns.parts[part].place, given=text)
    return Located(replace(found, count=max(1, len(records)), places=(place,)), records)


def deleting(columns: Columns) -> Flags:
    """Which records are under the action Delete."""
    deletes = np.array([part.action == "Delete" for part in columns.parts] or [False])
    if columns.part_of is None:
        return np.full(len(columns.places), deletes[0])
    return np.asarray(deletes[columns.part_of])


def scope_faults(target: Target, sent: Sent) -> Iterator[Finding]:
    """What is wrong with the scope that the sender says a file has."""
    if sent.scope != COMPLETE:
        return
    yield from wrong(sent.region, target.schema)
    actions = {target.columns.parts[at].action for at in target.columns.present}
    for action in sorted(actions & {"Delete", "Append"}):
        yield Finding("scope_not_possible", values={"reason": action.lower(), "given": action})


def switched_off(deletions: Deletions, keys: Dataset) -> Iterator[Located]:
    """Delete rows that say `~` of a dimension: they are for attributes that do not depend on it, and for
    nothing else; without such attributes they would be of everything.
    """
    if keys.schema.time is None:
        return
    own = {attribute.id for attribute in keys.schema.series_attributes}
    nothing = np.zeros(len(keys), bool)
    others = np.any([nothing, *(flags for id, flags in deletions.given.items() if id not in own)], axis=0)
    some = np.any([nothing, *(flags for id, flags in deletions.given.items() if id in own)], axis=0)
    for id in keys.schema.key:
        column = keys.coded(id)
        if column is None or column.on_purpose is None:
            continue
        taken = some & ~others if id == keys.schema.time.id else nothing
        rows = np.flatnonzero(column.on_purpose & ~taken)
        if len(rows):
            places = tuple(keys.place(int(row), id) for row in rows[:SAMPLE])
            found = Finding("partial_key", "error", id, NOT_APPLICABLE, count=len(rows), places=places)
            yield Located(found, rows)


def typed_rows(own: Columns, schema: Schema) -> tuple[Dataset, list[tuple[Action, Indices | None]]]:
    """The rows of a dataflow but those to delete, typed, and their actions in the order in which the file
    first has them.
    """
    dataset = typed(own, schema)
    words = {at: ACTIONS.get(own.parts[at].action, "Merge") for at in own.present}
    order: list[Action] = list(dict.fromkeys(words.values())) or ["Merge"]
    if len(order) == 1 or own.part_of is None:
        return dataset, [(order[0], None)]
    step = np.zeros(len(own.parts), np.int64)
    for at, word in words.items():
        step[at] = order.index(word)
    step_of = step[own.part_of]
    steps: list[tuple[Action, Indices | None]] = [
        (word, np.flatnonzero(step_of == at)) for at, word in enumerate(order)
    ]
    return replace(dataset, step_of=step_of), steps


def _not_taken(columns: Columns, sent: Sent, *, preview: bool) -> Iterator[Located]:
    """Rows with an action that is not taken, or for information only."""
    for at, part in enumerate(columns.parts):
        if part.action in ACTIONS or (part.action == INFORMATION and sent.as_merge):
            continue
        expected = {"actions": sorted(set(ACTIONS) - {""})}
        found = Finding("action_not_taken", value=part.action, expected=expected)
        if part.action == INFORMATION:
            severity: Severity = "information" if preview else "error"
            found = Finding("for_information", severity, expected=expected, blocking=not preview)
        records = columns.of_part(at)
        yield Located(replace(found, count=max(1, len(records)), places=(part.place,)), records)


def _flows(kind: str, text: str, registry: Registry) -> list[Dataflow]:
    """What a file names: a dataflow, none, or several where it names their structure."""
    cls = {
        "datastructure": "DataStructure",
        "dataprovision": "ProvisionAgreement",
        "provisionagreement": "ProvisionAgreement",
    }
    try:
        asked = parse_short(text, cls.get(kind, "Dataflow"))
    except ExchangeError:
        return []
    if asked.kind == "ProvisionAgreement":
        agreement = registry.find(asked)
        found = (
            registry.find(agreement.dataflow)
            if isinstance(agreement, ProvisionAgreement) and agreement.dataflow
            else None
        )
        return [found] if isinstance(found, Dataflow) else []
    if asked.kind == "DataStructure":
        dsd = registry.find(asked)
        if not isinstance(dsd, DataStructure):
            return []
        flows = registry.of(Dataflow)
        return [flow for flow in flows if flow.structure and registry.find(flow.structure) is dsd]
    try:
        return [registry.dataflow(text)]
    except NotFound:
        return []


def _ids(registry: Registry) -> list[str]:
    return [flow.reference.short for flow in registry.of(Dataflow)]


def _no_agreement(provider: str, flow: Dataflow, registry: Registry) -> Finding:
    known = [item.id for scheme in registry.of(DataProviderScheme) for item in scheme.items]
    near = get_close_matches(provider.upper(), known, n=3, cutoff=0.4)
    return Finding(
        "no_agreement",
        value=provider,
        values={"dataflow": flow.reference.short},
        expected={"nearest": [{"code": n, "why": "similar"} for n in near]},
    )
