"""Intake: from the bytes that a provider sends to a typed dataset and its report. It changes nothing.

Bytes are parsed in a child process (formats/sandbox.py); what comes back is bound to the dataflow that the
file names and checked. An unreadable file is still a report, with one finding.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

import numpy as np
import orjson
import pyarrow as pa

from . import __version__, checks
from .checks.given import Supply, supply_nothing
from .columns import Columns, Flags, Indices, Located
from .combined import separated
from .dataset import Dataset
from .formats import marks, sandbox
from .formats.rejected import rejected
from .plan import Action
from .registry import Registry
from .report import Counts, Finding, Report, ordered, rank
from .rules import NO_RULES, RuleBook
from .schema import Schema
from .sent import Sent
from .structures import ProvisionAgreement
from .targets import Target, targeted, typed_rows


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


def examine(
    sent: Sent,
    registry: Registry,
    book: RuleBook = NO_RULES,
    supply: Supply = supply_nothing,
    *,
    accept: str = "all",
    preview: bool = False,
) -> Examined:
    """Reads and checks a file; `accept`: all (one error rejects it) or valid (the sound rows are taken).

    `book` holds the rules, bound to the registry, and `supply` fetches what they compare with. With `preview`
    nothing will be filed, so that rows that are for information only are no error.
    """
    started = time.perf_counter()
    sha256 = sent.sha256 or _digest(sent.file)
    columns = sandbox.default.read(sent.file, sent.size, **sent.job)
    read = time.perf_counter()
    faults = [Located(finding) for finding in columns.findings]
    targets, more = _targets(columns, sent, registry, preview=preview)
    faults += more
    bound, not_checked = [], list[Mapping[str, str]]()
    sections: dict[str, list[Mapping[str, Any]]] = {}
    for target in targets:
        own, found = separated(target.columns, target.schema, registry)
        dataset, actions = typed_rows(own, target.schema)
        more = checks.located(dataset, own)
        judged = _judged(dataset, ~checks.rejected(more, len(dataset)), sent.provider, book, supply)
        more += judged.located
        not_checked += judged.not_checked
        for name, entries in judged.sections.items():
            sections.setdefault(name, []).extend({"dataflow": target.short, **entry} for entry in entries)
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
    rules = {**report.rules, "pack": book.digest}
    report = replace(report, subject=subject, timing=timing, rules=rules, sections=sections)
    told = (replace(one, finding=finding) for one, finding in zip(faults, report.findings, strict=True))
    return Examined(report, columns, shares, tuple(told))


def _judged(dataset: Dataset, sound: Flags, provider: str, book: RuleBook, supply: Supply) -> checks.Judged:
    """What the rules for a dataset find in its sound rows."""
    schema = dataset.schema
    flow, dsd = schema.dataflow, schema.dsd
    own = book.of(f"{dsd.agency}:{dsd.id}", f"{flow.agency}:{flow.id}", provider)
    return checks.judged(dataset, own, supply(dataset, provider, own), sound)


def _targets(
    columns: Columns, sent: Sent, registry: Registry, *, preview: bool
) -> tuple[list[Target], list[Located]]:
    """What the rows are for; nothing where the file as a whole cannot be taken."""
    if any(finding.severity == "error" and finding.code not in _ROW_FAULTS for finding in columns.findings):
        return [], []
    return targeted(columns, sent, registry, preview=preview)


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
    | set(checks.BY_NAME)
)
"""Errors that touch rows, so that the other rows may still be taken with accept=valid."""


def _taken(findings: Sequence[Finding], accept: str) -> bool:
    """Whether anything of a file with these findings is taken."""
    errors = [finding for finding in findings if finding.severity == "error"]
    return not errors or (accept == "valid" and all(finding.code in _ROW_FAULTS for finding in errors))


def _share(
    target: Target,
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


def _named(targets: Sequence[Target], sent: Sent) -> dict[str, Any]:
    """The dataflow, the provider and the agreement of a file; all its dataflows, where it has several."""
    of_each = [
        {
            "dataflow": target.short,
            "provider": sent.provider or target.provider,
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
