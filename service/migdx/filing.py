"""Filing: what was examined becomes the provider's next revisions; nothing of it is public yet."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain, repeat
from uuid import uuid4

import numpy as np
import pyarrow as pa

from .columns import Places
from .effect import Effect, Step, effect
from .examined import Examined, Share
from .fold import content_hash
from .history import History
from .report import SAMPLE, Counts, Finding, Report, Severity, ordered
from .schema import PROVIDER
from .stores import Segment, Store
from .submission import Submission


def filed(
    found: Examined,
    history: History,
    store: Store,
    by: str,
    *,
    past: Sequence[str] = (),
    preview: bool = False,
) -> tuple[tuple[Submission, ...], Report]:
    """The submissions of a file, one for each share (one for a file without), and its final report.

    Accepted shares are folded onto the previous revision of their agreement and written as segments; where
    one of them cannot be, none is accepted. A share of which no row is taken is no revision. With the ids of
    `past` submissions nothing is written: only the report is made again. A `preview` writes nothing either,
    and how many observations go need not be known yet.
    """
    report = found.report
    ids = chain(past, repeat("")) if past else iter(lambda: uuid4().hex, None)
    submissions = [_submission(found, share, by, next(ids)) for share in found.shares or (None,)]
    folds: list[_Fold] = []
    if report.verdict == "accepted":
        folds = [
            _folded(share, history.latest.get(submission.slot), history.next_revision(submission.slot), store)
            for share, submission in zip(found.shares, submissions, strict=True)
        ]
        report = _with(report, list(_found(folds, found, preview=preview)))
    accepted = report.verdict == "accepted"
    told, sections = [], list[Mapping[str, object]]()
    for at, submission in enumerate(submissions):
        previous = history.latest.get(submission.slot)
        more: dict[str, object] = {} if preview else {"submission": submission.id}
        more["previousSubmission"] = previous.id if previous else None
        counts = _counts(report, found.shares, at)
        if accepted and folds[at].taken:  # of the others all rows are rejected
            one = folds[at]
            content, revision = one.content, one.revision
            more |= {"content": content, "revision": revision}
            counts = one.counted(counts)
            sections.append(one.section())
            submissions[at] = replace(
                submission,
                verdict="accepted",
                content=content,
                segment=None if past or preview else one.written(store),
                revision=revision,
                region=one.effect.region or "",
            )
        submissions[at] = replace(submissions[at], counts=asdict(counts))
        told.append((more, counts))
    if sections:
        report = replace(report, sections={**report.sections, "changes": sections})
    return tuple(submissions), _told(report, told)


@dataclass(frozen=True)
class _Fold:
    """What a share makes of the `previous` revision; `revision` is its own number."""

    share: Share
    previous: Submission | None
    effect: Effect
    revision: int

    @property
    def agreement(self) -> str:
        return self.share.agreement.id if self.share.agreement else ""

    @property
    def taken(self) -> bool:
        """Whether any row of the share is."""
        return self.effect.sent.num_rows > 0 or bool(self.share.deletions)

    @property
    def content(self) -> str:
        """A hash of what was sent."""
        said = content_hash(self.effect.sent, self.share.schema)
        if not self.share.deletions:
            return said
        deleted = content_hash(self.share.deletions.contents, self.share.schema)
        return hashlib.sha256(f"{said} without {deleted}".encode()).hexdigest()

    def written(self, store: Store) -> Segment:
        schema, after = self.share.schema, self.effect.changes.after
        if PROVIDER in after.column_names:
            after = after.set_column(
                after.column_names.index(PROVIDER), PROVIDER, self._whose(after.num_rows)
            )
        previous = self.previous.segment if self.previous else None
        return store.write(after, schema, agreement=self.agreement, revision=self.revision, previous=previous)

    def _whose(self, size: int) -> pa.DictionaryArray:
        """The provider of the agreement, once for each of its observations."""
        agreement = self.share.agreement
        provider = agreement.provider.item if agreement and agreement.provider else None
        indices = pa.array(np.zeros(size, np.int32), mask=np.full(size, provider is None))
        return pa.DictionaryArray.from_arrays(indices, pa.array([provider or ""], pa.utf8()))

    def counted(self, counts: Counts) -> Counts:
        names = ("added", "changed", "unchanged", "removed")
        return replace(counts, **{name: getattr(self.effect.changes, name) for name in names})

    def section(self) -> Mapping[str, object]:
        """What the report tells of the changes to the previous revision."""
        return {
            "dataflow": self.share.dataflow,
            "previous": self.previous.id if self.previous else None,
            **self.effect.section(),
        }

    def findings(self, places: Places) -> Iterator[Finding]:
        effect, share = self.effect, self.share
        if effect.refused:
            values = {"agreement": self.agreement}
            yield Finding("append_changes_existing", count=effect.refused, values=values)
        elif effect.changes.spread:
            count = effect.changes.spread
            yield Finding("series_attribute_changes_existing", "warning", count=count, blocking=False)
        for id, count in effect.demanded.items():
            yield Finding("mandatory_value_deleted", component=id, count=count)
        if len(effect.not_there):
            some = tuple(places.of(int(row)) for row in effect.not_there[:SAMPLE])
            count = len(effect.not_there)
            yield Finding("nothing_to_delete", "information", count=count, places=some, blocking=False)
        if effect.region is not None and (share.rejected or not effect.sent.num_rows):
            # a row that is wrong may be one that the region has: what is missing then is not known
            reason = "rejected" if share.rejected else "nothing"
            yield Finding("scope_not_possible", count=max(1, share.rejected), values={"reason": reason})
        if effect.outside:
            told = {"region": effect.region}
            yield Finding("outside_region", "warning", count=effect.outside, values=told, blocking=False)


def _folded(share: Share, previous: Submission | None, revision: int, store: Store) -> _Fold:
    before = store.read(previous.segment) if previous and previous.segment else None
    nothing: Step = ("Merge", share.dataset.table(np.zeros(0, np.int64)), np.zeros(0, np.int64))
    steps: Sequence[Step] = [*share.observations()] or [nothing]
    made = effect(before, steps, share.schema, share.deletions or None, share.region)
    return _Fold(share, previous, made, revision)


def _found(folds: Sequence[_Fold], found: Examined, *, preview: bool) -> Iterator[Finding]:
    """What folding finds, and whether the sender knows how much goes."""
    for one in folds:
        for finding in one.findings(found.columns.places):
            yield replace(finding, dataflow=one.share.dataflow if len(folds) > 1 else "")
    given = found.report.subject.get("removals")
    bulk = [one.effect.removals for one in folds if one.effect.removals is not None]
    single = sum(one.effect.changes.removed for one in folds if one.effect.removals is None)
    expected = sum(bulk) + single
    if (bulk or given is not None) and given != expected:
        values = {"given": "-" if given is None else given, "expected": expected}
        asked = preview and given is None
        severity: Severity = "warning" if asked else "error"
        yield Finding("removals_not_confirmed", severity, values=values, blocking=not asked)


def _with(report: Report, findings: Sequence[Finding]) -> Report:
    """The report with what folding found; an error rejects the file."""
    all_findings = ordered((*report.findings, *findings))
    before = report.counts
    counts = Counts.told(
        all_findings, received=before.received, accepted=before.accepted, rejected=before.rejected
    )
    report = replace(report, counts=counts, findings=all_findings)
    if not any(finding.counts_as == "error" for finding in findings):
        return report
    return replace(report, verdict="rejected", counts=replace(counts, accepted=0, rejected=counts.received))


def _submission(found: Examined, share: Share | None, by: str, id: str) -> Submission:
    subject = found.report.subject
    return Submission(
        id=id,
        agreement=share.agreement.id if share and share.agreement else "",
        dataflow=share.dataflow if share else "",
        provider=subject["provider"] or "",
        sha256=subject["sha256"],
        format=subject["format"],
        action=share.actions if share else "Merge",
        scope=subject.get("scope", ""),
        verdict="rejected",
        by=by,
        embargo=share.embargo if share else "",
    )


def _counts(report: Report, shares: Sequence[Share], at: int) -> Counts:
    """Those of one share; the rows that could not be read belong to the only one, or to none."""
    if len(shares) < 2:
        return report.counts
    share = shares[at]
    rejected = share.rejected if report.verdict == "accepted" else share.received
    own = [finding for finding in report.findings if finding.dataflow in ("", share.dataflow)]
    return Counts.told(own, received=share.received, accepted=share.received - rejected, rejected=rejected)


def _told(report: Report, told: Sequence[tuple[dict[str, object], Counts]]) -> Report:
    """The report with what became of each share: in the subject, or in its parts where there are several."""
    subject = dict(report.subject)
    if len(told) == 1:
        more, counts = told[0]
        return replace(report, subject=subject | more, counts=counts)
    subject["parts"] = [
        part | more | {"counts": asdict(counts)}
        for part, (more, counts) in zip(subject["parts"], told, strict=True)
    ]
    whole = replace(
        report.counts,
        added=sum(counts.added for _, counts in told),
        changed=sum(counts.changed for _, counts in told),
        unchanged=sum(counts.unchanged for _, counts in told),
        removed=sum(counts.removed for _, counts in told),
    )
    return replace(report, subject=subject, counts=whole)
