"""Intake: from the bytes that a provider sends to a typed dataset and its report. It changes nothing.

Bytes are parsed in a child process (formats/sandbox.py); what comes back is bound to the dataflow that the
file names and checked. An unreadable file is still a report, with one finding.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from itertools import chain
from types import MappingProxyType
from typing import Any, BinaryIO

import numpy as np
import orjson
import pyarrow as pa

from . import __version__, checks
from .checks.given import Supply, supply_nothing
from .columns import Columns, Flags, Indices, Located
from .combined import separated
from .dataset import Coded, Dataset
from .formats import marks, sandbox
from .formats.listed import listed
from .formats.rejected import rejected
from .plan import Action
from .registry import Registry
from .report import Counts, Finding, Place, Report, ordered, rank, shortened
from .rules import NO_RULES, RuleBook
from .schema import Schema
from .sent import Sent
from .structures import ProvisionAgreement
from .targets import Target, targeted, typed_rows
from .waiving import Granted, Grants, applied, footnotes


@dataclass(frozen=True)
class Share:
    """What a file says for one dataflow.

    `steps` are its actions in the order of the file, each with the records that are taken: None for all of
    them. `embargo` is the latest instant that its rows ask for. `records` are those of the dataset by their
    numbers in the file, in order, where they are not all of them. `footnotes` are those of its records.
    """

    dataset: Dataset
    agreement: ProvisionAgreement | None
    steps: tuple[tuple[Action, Indices | None], ...]
    received: int
    rejected: int
    embargo: str = ""
    records: Indices | None = None
    footnotes: Coded | None = None

    @property
    def schema(self) -> Schema:
        return self.dataset.schema

    @property
    def dataflow(self) -> str:
        return self.schema.dataflow.reference.short

    @property
    def actions(self) -> str:
        return ", ".join(action for action, _ in self.steps)

    def place(self, record: int, component: str) -> Place | None:
        """Where a component of a record of the file stands; None where the record is for another dataflow."""
        if self.records is None:
            return self.dataset.place(record, component)
        at = int(np.searchsorted(self.records, record))
        own = at < len(self.records) and self.records[at] == record
        return self.dataset.place(at, component) if own else None

    def own(self, records: Indices) -> Indices:
        """Records of the file, all of this dataflow, by their numbers in the dataset."""
        return records if self.records is None else np.searchsorted(self.records, records)

    def tables(self) -> Iterator[tuple[Action, pa.Table]]:
        """The observations that are taken, as `Dataset.table` makes them, action by action."""
        for action, records in self.steps:
            yield action, self.dataset.table(records, footnotes=self.footnotes)


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

    def listed(self, languages: Sequence[str] = ("en",)) -> Iterator[bytes]:
        """The findings as CSV, with every row that they touch as far as there are not too many."""
        return listed(self.report, self.faults, self._place, languages)

    def _place(self, record: int, component: str) -> Place:
        found = (share.place(record, component) for share in self.shares)
        return next(filter(None, found), None) or self.columns.places.of(record, component)


def examine(
    sent: Sent,
    registry: Registry,
    book: RuleBook = NO_RULES,
    supply: Supply = supply_nothing,
    *,
    accept: str = "all",
    preview: bool = False,
    tell: Callable[[Finding], None] = lambda _: None,
    grants: Grants = MappingProxyType({}),
    at: datetime | None = None,
) -> Examined:
    """Reads and checks a file; `accept`: all (one error rejects it) or valid (the sound rows are taken).

    `book` holds the rules, bound to the registry, and `supply` fetches what they compare with. With `preview`
    nothing will be filed, so that rows that are for information only are no error. `tell` hears of each
    finding as a check makes it; the report orders them, and says what became of them. `grants` are the
    waivers in force, and `at` is the instant (now) that decides which thresholds are.
    """
    at = at or datetime.now(UTC)
    started = time.perf_counter()
    sha256 = sent.sha256 or _digest(sent.file)
    columns = sandbox.default.read(sent.file, sent.size, **sent.job)
    read = time.perf_counter()
    faults = [Located(finding) for finding in columns.findings]
    targets, more = _targets(columns, sent, registry, preview=preview)
    faults += more
    _heard(faults, partial(_tell_of, tell, ""))
    bound, not_checked, thresholds = [], list[Mapping[str, Any]](), list[Mapping[str, Any]]()
    sections: dict[str, list[Mapping[str, Any]]] = {}
    for target in targets:
        flow = target.short if len(targets) > 1 else ""
        telling = partial(_tell_of, tell, flow)
        own, found = separated(target.columns, target.schema, registry)
        dataset, actions = typed_rows(own, target.schema)
        _heard(found, telling)
        more = _heard(checks.located(dataset, own), telling)
        sound = ~checks.rejected(more, len(dataset))
        ruled = _rules_for(target, book, sent.provider, at)
        judged = checks.judged(dataset, ruled, supply(dataset, sent.provider, ruled), sound, telling)
        thresholds += [one for one in book.differing(ruled) if one not in thresholds]
        more = checks.without_consequences(more + judged.located, dataset)
        not_checked += judged.not_checked
        for name, entries in judged.sections.items():
            sections.setdefault(name, []).extend({"dataflow": target.short, **entry} for entry in entries)
        more = list(applied(more, dataset, _granted(grants, target)))
        notes = footnotes(more, len(dataset))
        bound.append((target, dataset, actions, checks.rejected(more, len(dataset)), own.records, notes))
        found += [replace(one, records=own.numbered(one.records)) for one in more]
        faults += [_of_dataflow(one, flow) for one in found] if flow else found
    if any(target.agreement is None for target in targets):
        reason = "no_agreement" if sent.provider else "no_provider"
        not_checked.append({"check": "not_your_area", "reason": reason})
    if not targets:
        not_checked += [{"check": checks.name(check), "reason": "not_bound"} for check in checks.ALWAYS]
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
        **({"large": True} if sent.large else {}),
        **({"asked": sent.dataflow} if sent.dataflow else {}),
        **_named(targets, sent),
    }
    timing = {"readMs": _ms(started, read), "totalMs": _ms(started, time.perf_counter())}
    pins = {
        "pack": book.digest,
        "at": at.isoformat(),
        **({"thresholds": thresholds} if thresholds else {}),
        **({"waivers": _ids(grants)} if grants else {}),
    }
    rules = {**report.rules, **pins, "titles": _titles(book, report, sections)}
    report = replace(report, subject=subject, timing=timing, rules=rules, sections=sections)
    told = (replace(one, finding=finding) for one, finding in zip(faults, report.findings, strict=True))
    return Examined(report, columns, shares, tuple(told))


def _ids(grants: Grants) -> list[str]:
    return [grant.waiver.id for granted in grants.values() for grant in granted]


def first_findings(sent: Sent, registry: Registry) -> tuple[Finding, ...] | None:
    """What holds of a file of which `sent` is the first rows; None where a part of it says nothing yet.

    Of SDMX-CSV only: other formats cannot be read before their end.
    """
    columns = sandbox.default.read(sent.file, sent.size, **sent.job)
    if not columns.format.startswith("SDMX-CSV") or not len(columns.places):
        return None
    targets, faults = _targets(columns, sent, registry, preview=True)
    for target in targets:
        own, found = separated(target.columns, target.schema, registry)
        dataset, _ = typed_rows(own, target.schema)
        flow = target.short if len(targets) > 1 else ""
        found += checks.located(dataset, own, checks.BY_ROW)
        faults += [_of_dataflow(one, flow) for one in found]
    return ordered(one.finding for one in faults)


def _tell_of(tell: Callable[[Finding], None], dataflow: str, finding: Finding) -> None:
    tell(shortened(replace(finding, dataflow=dataflow)))


def _heard(found: Iterable[Located], tell: Callable[[Finding], None]) -> list[Located]:
    made = []
    for one in found:
        tell(one.finding)
        made.append(one)
    return made


def _titles(
    book: RuleBook, report: Report, sections: Mapping[str, Sequence[Mapping[str, Any]]]
) -> dict[str, Mapping[str, str]]:
    """What the rules that a report names say of themselves."""
    named = {finding.rule for finding in report.findings}
    named |= {str(entry.get("rule")) for entry in chain(report.not_checked, *sections.values())}
    return {rule.id: rule.title for rule in book if rule.id in named}


def _added_up(entries: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    """What was not checked, each reason of a rule once, with the sum of its counts."""
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for entry in entries:
        same = found.setdefault(
            (entry["check"], entry.get("rule", ""), entry["reason"]), {**entry, "count": 0}
        )
        same["count"] += entry.get("count", 0)
    return tuple({name: value for name, value in entry.items() if value} for entry in found.values())


def _rules_for(target: Target, book: RuleBook, provider: str, at: datetime) -> RuleBook:
    """The rules for what a target is, as they are for a provider at an instant."""
    flow, dsd = target.schema.dataflow, target.schema.dsd
    agreement = target.agreement.id if target.agreement else ""
    day = at.astimezone(UTC).date()
    return book.of(f"{dsd.agency}:{dsd.id}", f"{flow.agency}:{flow.id}", provider, agreement, day)


def _granted(grants: Grants, target: Target) -> Sequence[Granted]:
    return grants.get((target.agreement.id, target.short), ()) if target.agreement else ()


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
    errors = [finding for finding in findings if finding.counts_as == "error"]
    return not errors or (accept == "valid" and all(finding.code in _ROW_FAULTS for finding in errors))


def _share(
    target: Target,
    dataset: Dataset,
    actions: Sequence[tuple[Action, Indices | None]],
    rejected: Flags,
    records_of: Indices | None,
    notes: Coded | None,
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
        records_of,
        notes,
    )


def _report(
    columns: Columns,
    findings: Sequence[Finding],
    taken: int,
    registry: Registry,
    not_checked: Sequence[Mapping[str, Any]],
) -> Report:
    received = columns.received
    counts = Counts.told(findings, received=received, accepted=taken, rejected=received - taken)
    rules = {
        "checks": hashlib.sha256("\n".join(checks.name(c) for c in checks.ALWAYS).encode()).hexdigest(),
        "code": __version__,
        "structures": registry.digest,
    }
    return Report(
        "accepted" if taken else "rejected", {}, rules, counts, ordered(findings), _added_up(not_checked)
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
