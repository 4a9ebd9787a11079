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

from . import __version__, checks
from .checks.given import Supply, supply_nothing
from .columns import Columns, Flags, Indices, Located
from .combined import separated
from .dataset import Coded, Dataset, typed
from .examined import ROW_FAULTS, Examined, Share
from .formats import sandbox
from .plan import Action
from .region import Region
from .registry import Registry
from .removals import MOST_WAYS, Deletions
from .report import Counts, Finding, Report, ordered, rank, shortened
from .rules import NO_RULES, RuleBook
from .schema import Schema
from .sent import Sent
from .targets import COMPLETE, Target, deleting, scope_faults, switched_off, targeted, typed_rows
from .waiving import Granted, Grants, applied, footnotes


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
    targets, more = _targets(columns, sent, registry, preview=preview)
    whole = _heard(chain(map(Located, columns.findings), more), partial(_tell_of, tell, ""))
    run = _Run(sent, registry, book, supply, grants, at, tell, several=len(targets) > 1)
    parts = [run.part(target) for target in targets]
    found = sorted(chain(whole, *(part.faults for part in parts)), key=lambda one: rank(one.finding))
    faults = tuple(replace(one, finding=shortened(one.finding)) for one in found)
    findings = tuple(one.finding for one in faults)
    taken = _taken(findings, accept)
    shares = tuple(part.share(findings, taken=taken) for part in parts)
    received, accepted = columns.received, sum(share.received - share.rejected for share in shares)
    report = Report(
        "accepted" if accepted else "rejected",
        _subject(sent, sha256, columns.format, accept, targets),
        run.pins(parts),
        Counts.told(findings, received=received, accepted=accepted, rejected=received - accepted),
        findings,
        _added_up([*chain(*(part.not_checked for part in parts)), *_not_bound(targets, sent.provider)]),
        {"readMs": _ms(started, read), "totalMs": _ms(started, time.perf_counter())},
        _sections(parts),
    )
    report = replace(report, rules={**report.rules, "titles": _titles(book, report)})
    return Examined(report, columns, shares, faults)


@dataclass(frozen=True)
class _Part:
    """The rows of a file for one dataflow, and what is found in them.

    `faults` name records by their numbers in the file; `records` are those numbers, None where they are those
    of the dataset. `rejected` and `footnotes` are per record of the dataset; `deletions` are those that are
    sound.
    """

    target: Target
    dataset: Dataset
    actions: Sequence[tuple[Action, Indices | None]]
    records: Indices | None
    faults: Sequence[Located]
    rejected: Flags
    footnotes: Coded | None
    deletions: Deletions | None
    region: Region | None
    not_checked: Sequence[Mapping[str, Any]]
    sections: Mapping[str, Sequence[Mapping[str, Any]]]
    thresholds: Sequence[Mapping[str, Any]]

    def share(self, findings: Sequence[Finding], *, taken: bool) -> Share:
        """What is taken of it, if anything of the file is; `findings` are all those of the file."""
        target, size = self.target, len(self.dataset)
        asked = (f.value for f in findings if f.code == "embargo_asked" and f.dataflow in ("", target.short))
        rejected = self.rejected if taken else np.ones(size, bool)
        steps = []
        for action, records in self.actions:
            if rejected.any():
                own = np.arange(size) if records is None else records
                records = own[~rejected[own]]
            steps.append((action, records))
        received, deletions = target.columns.received, self.deletions if taken else None
        sound = size - int(rejected.sum()) + (len(deletions) if deletions else 0)
        return Share(
            self.dataset,
            target.agreement,
            tuple(steps),
            received,
            received - sound,
            next(filter(None, asked), ""),
            self.records,
            self.footnotes,
            deletions,
            self.region,
        )


@dataclass(frozen=True)
class _Run:
    """What the parts of a file are checked against, as `examine` is given it."""

    sent: Sent
    registry: Registry
    book: RuleBook
    supply: Supply
    grants: Grants
    at: datetime
    tell: Callable[[Finding], None]
    several: bool

    def part(self, target: Target) -> _Part:
        """The checks of every file, the rules on the rows that are sound by these, and what is waived."""
        flow = target.short if self.several else ""
        tell = partial(_tell_of, self.tell, flow)
        every, apart = separated(target.columns, target.schema, self.registry)
        apart += map(Located, scope_faults(target, self.sent))
        _heard(apart, tell)
        own, deletions, more = _deletions(every, target.schema, tell)
        dataset, actions = typed_rows(own, target.schema)
        rules, judged, told = self._rules(target), checks.Judged(), list[Located]()
        if len(dataset) or deletions is None:  # of a file that only deletes nothing else is checked
            always = _heard(checks.located(dataset, own), tell)
            sound = ~checks.rejected(always, len(dataset))
            given = self.supply(dataset, self.sent.provider, rules)
            judged = checks.judged(dataset, rules, given, sound, tell)
            told = checks.without_consequences(always + judged.located, dataset)
            told = list(applied(told, dataset, self._granted(target)))
        faults = chain(apart, more, (replace(one, records=own.numbered(one.records)) for one in told))
        asked = self.sent.scope == COMPLETE and not any(one.finding.code == "wrong_region" for one in apart)
        return _Part(
            target,
            dataset,
            actions,
            own.records,
            [_of_dataflow(one, flow) for one in faults],
            checks.rejected(told, len(dataset)),
            footnotes(told, len(dataset)),
            deletions,
            Region.of(self.sent.region, target.schema) if asked else None,
            judged.not_checked,
            judged.sections,
            self.book.differing(rules),
        )

    def _rules(self, target: Target) -> RuleBook:
        """The rules for what a target is, as they are for the provider at that instant."""
        agreement = target.agreement.id if target.agreement else ""
        day = self.at.astimezone(UTC).date()
        return self.book.of_schema(target.schema, self.sent.provider, agreement, day)

    def _granted(self, target: Target) -> Sequence[Granted]:
        return self.grants.get((target.agreement.id, target.short), ()) if target.agreement else ()

    def pins(self, parts: Sequence[_Part]) -> dict[str, Any]:
        """What a report was made by, for whoever makes it again."""
        thresholds = list[Mapping[str, Any]]()
        for part in parts:
            thresholds += (one for one in part.thresholds if one not in thresholds)
        waivers = [grant.waiver.id for granted in self.grants.values() for grant in granted]
        return {
            "checks": hashlib.sha256("\n".join(map(checks.name, checks.ALWAYS)).encode()).hexdigest(),
            "code": __version__,
            "structures": self.registry.digest,
            "pack": self.book.digest,
            "at": self.at.isoformat(),
            **({"thresholds": thresholds} if thresholds else {}),
            **({"waivers": waivers} if waivers else {}),
        }


def _deletions(
    columns: Columns, schema: Schema, tell: Callable[[Finding], None]
) -> tuple[Columns, Deletions | None, list[Located]]:
    """The records that are not to be deleted, what the others say as far as they are sound, and what is not;
    None where there are no others.
    """
    flags = deleting(columns)
    if not flags.any():
        return columns, None, []
    own = columns.take(np.flatnonzero(flags))
    dataset = typed(own, schema)
    deletions = Deletions.of(own, dataset)
    keys = replace(dataset, columns={id: dataset.columns[id] for id in schema.key if id in dataset.columns})
    found = [*checks.located(keys, own, checks.OF_DELETIONS), *switched_off(deletions, keys)]
    if len(deletions.ways) > MOST_WAYS:
        values = {"given": len(deletions.ways), "limit": MOST_WAYS}
        found.append(Located(Finding("too_many_wildcards", count=len(deletions), values=values)))
    _heard(found, tell)
    sound = ~checks.rejected(found, len(deletions))
    located = [replace(one, records=own.numbered(one.records)) for one in found]
    return columns.take(np.flatnonzero(~flags)), deletions.only(sound), located


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
        deletes = deleting(own)
        own = own.take(np.flatnonzero(~deletes)) if deletes.any() else own
        dataset, _ = typed_rows(own, target.schema)
        flow = target.short if len(targets) > 1 else ""
        if len(dataset) or not deletes.any():
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


def _titles(book: RuleBook, report: Report) -> dict[str, Mapping[str, str]]:
    """What the rules that a report names say of themselves."""
    named = {finding.rule for finding in report.findings}
    named |= {str(entry.get("rule")) for entry in chain(report.not_checked, *report.sections.values())}
    return {rule.id: rule.title for rule in book if rule.id in named}


def _sections(parts: Sequence[_Part]) -> dict[str, list[Mapping[str, Any]]]:
    """What the rules tell beside findings, each entry with its dataflow."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for part in parts:
        for name, entries in part.sections.items():
            found.setdefault(name, []).extend({"dataflow": part.target.short, **entry} for entry in entries)
    return found


def _not_bound(targets: Sequence[Target], provider: str) -> Iterator[Mapping[str, Any]]:
    """What is not checked for want of a provider, of its agreement, or of any dataflow."""
    if any(target.agreement is None for target in targets):
        yield {"check": "not_your_area", "reason": "no_agreement" if provider else "no_provider"}
    if not targets:
        yield from ({"check": checks.name(check), "reason": "not_bound"} for check in checks.ALWAYS)


def _added_up(entries: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    """What was not checked, each reason of a rule once, with the sum of its counts."""
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for entry in entries:
        same = found.setdefault(
            (entry["check"], entry.get("rule", ""), entry["reason"]), {**entry, "count": 0}
        )
        same["count"] += entry.get("count", 0)
    return tuple({name: value for name, value in entry.items() if value} for entry in found.values())


def _targets(
    columns: Columns, sent: Sent, registry: Registry, *, preview: bool
) -> tuple[list[Target], list[Located]]:
    """What the rows are for; nothing where the file as a whole cannot be taken."""
    if any(finding.severity == "error" and finding.code not in ROW_FAULTS for finding in columns.findings):
        return [], []
    return targeted(columns, sent, registry, preview=preview)


def _of_dataflow(one: Located, dataflow: str) -> Located:
    return replace(one, finding=replace(one.finding, dataflow=dataflow))


def _taken(findings: Sequence[Finding], accept: str) -> bool:
    """Whether anything of a file with these findings is taken."""
    errors = [finding for finding in findings if finding.counts_as == "error"]
    return not errors or (accept == "valid" and all(finding.code in ROW_FAULTS for finding in errors))


def _subject(sent: Sent, sha256: str, format: str, accept: str, targets: Sequence[Target]) -> dict[str, Any]:
    """What was checked, and all that its sender said of it."""
    return {
        "sha256": sha256,
        **sent.said,
        "format": format,
        "accept": accept,
        **_named(targets, sent),
    }


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
