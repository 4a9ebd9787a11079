"""Intake: from the bytes that a provider sends to a typed dataset and its report. It changes nothing.

Bytes are parsed in a child process (formats/sandbox.py); what comes back is bound to the dataflow that the
file names and checked. An unreadable file is still a report, with one finding.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa

from . import __version__, checks
from .dataset import Columns, Dataset, Indices, typed
from .errors import ExchangeError
from .formats import sandbox
from .plan import Action
from .registry import Registry
from .report import Counts, Finding, Place, Report, ordered
from .schema import Schema
from .structures import Dataflow, DataProviderScheme, DataStructure, ProvisionAgreement
from .urn import Reference, parse_short

ACTIONS: dict[str, Action] = {"": "Merge", "Merge": "Merge", "Replace": "Replace", "Append": "Append"}
"""The actions that are taken; Information and Delete are named in a finding."""


@dataclass(frozen=True)
class Sent:
    """A file as it arrived, and what its sender says of it ("" is: as the file says).

    `sha256` is that of its bytes where somebody has read them already.
    """

    file: BinaryIO
    size: int
    media_type: str = ""
    file_name: str = ""
    provider: str = ""
    dataflow: str = ""
    sha256: str = ""


@dataclass(frozen=True)
class Examined:
    """What a file turned out to be. `dataset` is None when it could not be bound to a dataflow.

    `accepted` are the rows that are taken: None for all of them, empty when the file is rejected. `embargo`
    is the latest instant that the rows ask for.
    """

    report: Report
    dataset: Dataset | None
    agreement: ProvisionAgreement | None
    action: Action
    accepted: Indices | None
    embargo: str = ""

    @property
    def schema(self) -> Schema:
        if self.dataset is None:
            raise ValueError("a file without a dataflow has no schema")
        return self.dataset.schema

    def table(self) -> pa.Table:
        """The accepted observations, as `Dataset.table` makes them."""
        if self.dataset is None:
            raise ValueError("a file without a dataflow has no observations")
        return self.dataset.table(self.accepted)


def examine(sent: Sent, registry: Registry, *, accept: str = "all") -> Examined:
    """Reads and checks a file; `accept`: all (one error rejects it) or valid (the sound rows are taken)."""
    started = time.perf_counter()
    sha256 = sent.sha256 or _digest(sent.file)
    columns = sandbox.read(sent.file, sent.media_type, sent.size)
    read = time.perf_counter()
    findings = list(columns.findings)
    flow, agreement, more = _target(columns, sent, registry)
    findings += more
    subject: dict[str, Any] = {
        "sha256": sha256,
        "bytes": sent.size,
        "fileName": sent.file_name,
        "format": columns.format,
        "dataflow": flow.reference.short if flow else None,
        "provider": sent.provider or _provider(agreement),
        "agreement": agreement.reference.short if agreement else None,
    }
    action, refused = _action(columns)
    findings += refused
    dataset, rejected = None, np.ones(columns.table.num_rows, bool)
    not_checked: list[Mapping[str, str]] = []
    if flow is not None:
        dataset = typed(columns, registry.schema(flow.reference, agreement))
        found, rejected = checks.run(dataset, columns)
        findings += found
        if agreement is None:
            reason = "the provider has no agreement" if sent.provider else "no provider was named"
            not_checked.append({"check": "not_your_area", "reason": reason})
    else:
        not_checked += [
            {"check": checks.name(check), "reason": "the file could not be bound to a dataflow"}
            for check in checks.ALWAYS
        ]
    fatal = any(f.severity == "error" and f.code not in _ROW_FAULTS for f in findings)
    accepted = _accepted(dataset, rejected, findings, fatal=fatal, accept=accept)
    report = _report(columns, findings, accepted, subject, registry, tuple(not_checked))
    timing = {"readMs": _ms(started, read), "totalMs": _ms(started, time.perf_counter())}
    embargo = next((f.value for f in findings if f.code == "embargo_asked" and f.value), "")
    return Examined(replace(report, timing=timing), dataset, agreement, action, accepted, embargo)


_ROW_FAULTS = frozenset(
    {checks.name(check) for check in checks.ALWAYS} - {"missing_component", "unknown_component"}
    | {"wrong_number_of_cells", "unclosed_quote", "unreadable_text", "missing_structure"}
)
"""Errors that touch rows, so that the other rows may still be taken with accept=valid."""


def _accepted(
    dataset: Dataset | None, rejected: checks.Rejected, findings: list[Finding], *, fatal: bool, accept: str
) -> Indices | None:
    errors = any(finding.severity == "error" for finding in findings)
    if dataset is None or fatal or (errors and accept != "valid"):
        return np.zeros(0, np.int64)
    return np.flatnonzero(~rejected) if rejected.any() else None


def _report(
    columns: Columns,
    findings: list[Finding],
    accepted: Indices | None,
    subject: Mapping[str, Any],
    registry: Registry,
    not_checked: tuple[Mapping[str, str], ...],
) -> Report:
    taken = columns.table.num_rows if accepted is None else len(accepted)
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
    verdict = "accepted" if taken else "rejected"
    return Report(verdict, subject, rules, counts, ordered(findings), not_checked)  # type: ignore[arg-type]


def _digest(file: BinaryIO) -> str:
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
    file.seek(0)
    return digest


def _ms(start: float, end: float) -> float:
    return round((end - start) * 1000, 1)


# --- which dataflow, which agreement ---------------------------------------------------------------


def _target(
    columns: Columns, sent: Sent, registry: Registry
) -> tuple[Dataflow | None, ProvisionAgreement | None, list[Finding]]:
    """The dataflow that the file or its sender names, and the provider's agreement for it."""
    if any(finding.severity == "error" and finding.code not in _ROW_FAULTS for finding in columns.findings):
        return None, None, []
    named = [("dataflow", sent.dataflow)] if sent.dataflow else list(columns.structure)
    if not named:
        return (
            None,
            None,
            [Finding("no_dataflow", places=(Place(row=1),), expected={"dataflows": _ids(registry)})],
        )
    kind, text = named[0]
    flow = _flow(kind, text, registry)
    if flow is None:
        near = get_close_matches(text, _ids(registry), n=3, cutoff=0.3)
        expected = {"dataflows": _ids(registry), "nearest": [{"code": n, "why": "similar"} for n in near]}
        place = Place(row=2, column=1 if kind == "dataflow" and len(named) == 1 else 2, given=text)
        return None, None, [Finding("unknown_dataflow", value=text, expected=expected, places=(place,))]
    if not sent.provider:
        return flow, None, []
    agreement = registry.agreement(sent.provider, flow)
    if agreement is None:
        return flow, None, [_no_agreement(sent.provider, flow, registry)]
    return flow, agreement, []


def _flow(kind: str, text: str, registry: Registry) -> Dataflow | None:
    cls = {
        "datastructure": "DataStructure",
        "dataprovision": "ProvisionAgreement",
        "provisionagreement": "ProvisionAgreement",
    }
    try:
        asked = parse_short(text, cls.get(kind, "Dataflow"))
    except ExchangeError:
        return None
    flows = registry.of(Dataflow)
    if asked.kind == "ProvisionAgreement":
        agreement = registry.find(asked)
        found = (
            registry.find(agreement.dataflow)
            if isinstance(agreement, ProvisionAgreement) and agreement.dataflow
            else None
        )
        return found if isinstance(found, Dataflow) else None
    if asked.kind == "DataStructure":
        dsd = registry.find(asked)
        on_it = [
            flow
            for flow in flows
            if isinstance(dsd, DataStructure) and flow.structure and registry.find(flow.structure) is dsd
        ]
        return on_it[0] if len(on_it) == 1 else None
    if asked.agency == "*":
        matching = [flow for flow in flows if flow.id == asked.id]
        return matching[-1] if matching else None
    found = registry.find(Reference("Dataflow", asked.agency, asked.id, asked.version))
    return found if isinstance(found, Dataflow) else None


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


def _action(columns: Columns) -> tuple[Action, list[Finding]]:
    given = [action for action in columns.actions if action] or [""]
    if len(given) > 1:
        return "Merge", [
            Finding(
                "several_actions", value=", ".join(given), expected={"actions": sorted(set(ACTIONS) - {""})}
            )
        ]
    if given[0] not in ACTIONS:
        return "Merge", [
            Finding("action_not_taken", value=given[0], expected={"actions": sorted(set(ACTIONS) - {""})})
        ]
    return ACTIONS[given[0]], []
