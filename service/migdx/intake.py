"""Intake: from the bytes that a provider sends to a typed dataset and its report. It changes nothing.

Bytes are parsed in a child process (formats/sandbox.py); what comes back is bound to the dataflow that the
file names and checked. An unreadable file is still a report, with one finding.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any, BinaryIO

import numpy as np
import orjson
import pyarrow as pa

from . import __version__, checks
from .columns import Columns, Flags, Indices, Located
from .combined import separated
from .dataset import Dataset, typed
from .errors import ExchangeError, NotFound
from .formats import marks, sandbox
from .formats.rejected import rejected
from .plan import Action
from .registry import Registry
from .report import Counts, Finding, Report, Severity, ordered, rank
from .schema import Schema
from .structures import Dataflow, DataProviderScheme, DataStructure, ProvisionAgreement
from .urn import parse_short

ACTIONS: dict[str, Action] = {"": "Merge", "Merge": "Merge", "Replace": "Replace", "Append": "Append"}
"""The actions that are taken; others are named in a finding."""

INFORMATION = "Information"
"""The action of most exports: checked, and filed as Merge where the sender says so."""


@dataclass(frozen=True)
class Sent:
    """A file as it arrived, and what its sender says of it ("" is: as the file says).

    `sha256` is that of its bytes where somebody has read them already. `map` is a WorkbookMap as JSON.
    `large` says that more than the usual memory will be needed, `as_merge` that what is for information only
    is to be merged.
    """

    file: BinaryIO
    size: int
    media_type: str = ""
    file_name: str = ""
    provider: str = ""
    dataflow: str = ""
    sha256: str = ""
    map: Mapping[str, Any] = field(default_factory=dict)
    large: bool = False
    as_merge: bool = False

    @property
    def job(self) -> dict[str, Any]:
        """What the process that works on the file is told of it."""
        return {
            "media_type": self.media_type,
            "file_name": self.file_name,
            "map": self.map,
            "large": self.large,
        }


@dataclass(frozen=True)
class Share:
    """What a file says for one dataflow.

    `steps` are its actions in the order of the file, each with the records that are taken: None for all of
    them. `embargo` is the latest instant that its rows ask for.
    """

    dataset: Dataset
    agreement: ProvisionAgreement | None
    steps: tuple[tuple[Action, Indices | None], ...]
    received: int
    rejected: int
    embargo: str = ""

    @property
    def schema(self) -> Schema:
        return self.dataset.schema

    @property
    def dataflow(self) -> str:
        return self.schema.dataflow.reference.short

    @property
    def actions(self) -> str:
        return ", ".join(action for action, _ in self.steps)

    def tables(self) -> Iterator[tuple[Action, pa.Table]]:
        """The observations that are taken, as `Dataset.table` makes them, action by action."""
        for action, records in self.steps:
            yield action, self.dataset.table(records)


@dataclass(frozen=True)
class Examined:
    """What a file turned out to be: its report, and one share for each dataflow that it could be bound to.

    `faults` are the findings of the report, in its order, with the records of `columns` that they touch.
    """

    report: Report
    columns: Columns
    shares: tuple[Share, ...] = ()
    faults: tuple[Located, ...] = ()

    def annotated(
        self, sent: Sent, languages: Sequence[str] = ("en",), *, notes: Sequence[str] = ()
    ) -> bytes:
        """The workbook that was sent with its faults marked; `notes` are said in front."""
        return marks.annotated(
            sent.file, sent.size, self.columns, self.faults, self.report, languages, notes, **sent.job
        )

    def rejected(self, sent: Sent, languages: Sequence[str] = ("en",)) -> Iterator[bytes]:
        """The rejected rows of the file that was sent, as CSV with a column that says why."""
        return rejected(sent.file, sent.size, self.columns, self.faults, _ROW_FAULTS, languages, **sent.job)


def examine(sent: Sent, registry: Registry, *, accept: str = "all", preview: bool = False) -> Examined:
    """Reads and checks a file; `accept`: all (one error rejects it) or valid (the sound rows are taken).

    With `preview` nothing will be filed, so that rows that are for information only are no error.
    """
    started = time.perf_counter()
    sha256 = sent.sha256 or _digest(sent.file)
    columns = sandbox.default.read(sent.file, sent.size, **sent.job)
    read = time.perf_counter()
    faults = [Located(finding) for finding in columns.findings]
    targets, more = _targets(columns, sent, registry, preview=preview)
    faults += more
    bound, not_checked = [], list[Mapping[str, str]]()
    for target in targets:
        own, found = separated(target.columns, target.schema, registry)
        dataset, actions = _bound(own, target.schema)
        more = checks.located(dataset, own)
        bound.append((target, dataset, actions, checks.rejected(more, len(dataset))))
        found += [replace(one, records=own.numbered(one.records)) for one in more]
        faults += found if len(targets) == 1 else [_of_dataflow(one, target.short) for one in found]
    if any(target.agreement is None for target in targets):
        reason = "the provider has no agreement" if sent.provider else "no provider was named"
        not_checked.append({"check": "not_your_area", "reason": reason})
    if not targets:
        not_checked += [
            {"check": checks.name(check), "reason": "the file could not be bound to a dataflow"}
            for check in checks.ALWAYS
        ]
    faults.sort(key=lambda one: rank(one.finding))
    findings = [one.finding for one in faults]
    taken = _taken(findings, accept)
    shares = tuple(_share(*one, findings, taken=taken) for one in bound)
    report = _report(columns, findings, sum(s.received - s.rejected for s in shares), registry, not_checked)
    subject = {
        "sha256": sha256,
        "bytes": sent.size,
        "fileName": sent.file_name,
        "mediaType": sent.media_type,
        "format": columns.format,
        "accept": accept,
        **({"as": "merge"} if sent.as_merge else {}),
        **({"map": _digest_of(sent.map)} if sent.map else {}),
        **_named(targets, sent),
    }
    timing = {"readMs": _ms(started, read), "totalMs": _ms(started, time.perf_counter())}
    report = replace(report, subject=subject, timing=timing)
    told = (replace(one, finding=finding) for one, finding in zip(faults, report.findings, strict=True))
    return Examined(report, columns, shares, tuple(told))


def _of_dataflow(one: Located, dataflow: str) -> Located:
    return replace(one, finding=replace(one.finding, dataflow=dataflow))


def _digest_of(map: Mapping[str, Any]) -> str:
    """The sha256 of a map's JSON: the name that it is kept by."""
    return hashlib.sha256(orjson.dumps(map, option=orjson.OPT_SORT_KEYS)).hexdigest()


_ROW_FAULTS = frozenset(
    {checks.name(check) for check in checks.ALWAYS} - {"missing_component", "unknown_component"}
    | {"wrong_number_of_cells", "unclosed_quote", "unreadable_text", "missing_structure"}
    | {"error_cell", "formula_without_value", "other_number_marks"}
    | {"wrong_key", "wrong_index", "wrong_observation"}
)
"""Errors that touch rows, so that the other rows may still be taken with accept=valid."""


def _taken(findings: Sequence[Finding], accept: str) -> bool:
    """Whether anything of a file with these findings is taken."""
    errors = [finding for finding in findings if finding.severity == "error"]
    return not errors or (accept == "valid" and all(finding.code in _ROW_FAULTS for finding in errors))


def _share(
    target: _Target,
    dataset: Dataset,
    actions: Sequence[tuple[Action, Indices | None]],
    rejected: Flags,
    findings: Sequence[Finding],
    *,
    taken: bool,
) -> Share:
    asked = (f.value for f in findings if f.code == "embargo_asked" and f.dataflow in ("", target.short))
    if not taken:
        rejected = np.ones(len(dataset), bool)
    steps = []
    for action, records in actions:
        if rejected.any():
            own = np.arange(len(dataset)) if records is None else records
            records = own[~rejected[own]]
        steps.append((action, records))
    return Share(
        dataset,
        target.agreement,
        tuple(steps),
        target.columns.received,
        target.columns.received - len(dataset) + int(rejected.sum()),
        next(filter(None, asked), ""),
    )


def _report(
    columns: Columns,
    findings: Sequence[Finding],
    taken: int,
    registry: Registry,
    not_checked: Sequence[Mapping[str, str]],
) -> Report:
    counts = Counts(
        received=columns.received,
        accepted=taken,
        rejected=columns.received - taken,
        errors=sum(f.count for f in findings if f.severity == "error"),
        warnings=sum(f.count for f in findings if f.severity == "warning"),
    )
    rules = {
        "checks": hashlib.sha256("\n".join(checks.name(c) for c in checks.ALWAYS).encode()).hexdigest(),
        "code": __version__,
        "structures": registry.digest,
    }
    return Report(
        "accepted" if taken else "rejected", {}, rules, counts, ordered(findings), tuple(not_checked)
    )


def _named(targets: Sequence[_Target], sent: Sent) -> dict[str, Any]:
    """The dataflow, the provider and the agreement of a file; all its dataflows, where it has several."""
    of_each = [
        {
            "dataflow": target.short,
            "provider": sent.provider or _provider(target.agreement),
            "agreement": target.agreement.reference.short if target.agreement else None,
        }
        for target in targets
    ]
    if len(of_each) == 1:
        return of_each[0]
    nothing = {"dataflow": None, "provider": sent.provider or None, "agreement": None}
    return {**nothing, "parts": of_each} if of_each else nothing


def _digest(file: BinaryIO) -> str:
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
    file.seek(0)
    return digest


def _ms(start: float, end: float) -> float:
    return round((end - start) * 1000, 1)


# --- which dataflow, which agreement ---------------------------------------------------------------


@dataclass(frozen=True)
class _Target:
    """A dataflow that rows of the file are for, the agreement that covers them, and those rows."""

    schema: Schema
    agreement: ProvisionAgreement | None
    columns: Columns

    @property
    def short(self) -> str:
        return self.schema.dataflow.reference.short


def _targets(
    columns: Columns, sent: Sent, registry: Registry, *, preview: bool
) -> tuple[list[_Target], list[Located]]:
    """The dataflows that the file or its sender names, each with the provider's agreement for it."""
    if any(finding.severity == "error" and finding.code not in _ROW_FAULTS for finding in columns.findings):
        return [], []
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
        targets.append(_Target(schema, agreement, columns.only(parts)))
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


def _bound(own: Columns, schema: Schema) -> tuple[Dataset, list[tuple[Action, Indices | None]]]:
    """The rows of a dataflow, typed, and their actions in the order in which the file first has them."""
    dataset = typed(own, schema)
    present = np.arange(min(1, len(own.parts))) if own.part_of is None else np.unique(own.part_of)
    words = {int(at): ACTIONS.get(own.parts[at].action, "Merge") for at in present}
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


def _provider(agreement: ProvisionAgreement | None) -> str | None:
    return agreement.provider.item if agreement and agreement.provider else None


def _no_agreement(provider: str, flow: Dataflow, registry: Registry) -> Finding:
    known = [item.id for scheme in registry.of(DataProviderScheme) for item in scheme.items]
    near = get_close_matches(provider.upper(), known, n=3, cutoff=0.4)
    return Finding(
        "no_agreement",
        value=provider,
        values={"dataflow": flow.reference.short},
        expected={"nearest": [{"code": n, "why": "similar"} for n in near]},
    )
