"""Filing: what was examined becomes the provider's next revisions; nothing of it is public yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain, repeat
from uuid import uuid4

import pyarrow as pa

from .changes import Changes
from .examined import Examined, Share
from .fold import content_hash, fold
from .history import History
from .report import Counts, Finding, Report, ordered
from .stores import Segment, Store
from .submission import Submission


def filed(
    found: Examined, history: History, store: Store, by: str, *, past: Sequence[str] = ()
) -> tuple[tuple[Submission, ...], Report]:
    """The submissions of a file, one for each share (one for a file without), and its final report.

    Accepted shares are folded onto the previous revision of their agreement and written as segments; where
    one of them cannot be, none is accepted. A share of which no row is taken is no revision. With the ids of
    `past` submissions nothing is written: only the report is made again.
    """
    report = found.report
    ids = chain(past, repeat("")) if past else iter(lambda: uuid4().hex, None)
    submissions = [_submission(found, share, by, next(ids)) for share in found.shares or (None,)]
    folds: list[_Fold] = []
    if report.verdict == "accepted":
        folds = [
            _folded(share, history.latest.get(submission.slot), store)
            for share, submission in zip(found.shares, submissions, strict=True)
        ]
        report = _with(report, [finding for one in folds for finding in one.findings(several=len(folds) > 1)])
    accepted = report.verdict == "accepted"
    told, sections = [], list[Mapping[str, object]]()
    for at, submission in enumerate(submissions):
        previous = history.latest.get(submission.slot)
        more: dict[str, object] = {
            "submission": submission.id,
            "previousSubmission": previous.id if previous else None,
        }
        counts = _counts(report, found.shares, at)
        if accepted and folds[at].sent.num_rows:  # of the others all rows are rejected
            one = folds[at]
            content, revision = content_hash(one.sent, one.share.schema), one.revision
            more |= {"content": content, "revision": revision}
            counts = one.counted(counts)
            sections.append(one.section())
            submissions[at] = replace(
                submission,
                verdict="accepted",
                content=content,
                segment=None if past else one.written(store),
                revision=revision,
            )
        submissions[at] = replace(submissions[at], counts=asdict(counts))
        told.append((more, counts))
    if sections:
        report = replace(report, sections={**report.sections, "changes": sections})
    return tuple(submissions), _told(report, told)


@dataclass(frozen=True)
class _Fold:
    """A share folded onto the `previous` revision, action by action; `refused` are those of all of them."""

    share: Share
    previous: Submission | None
    changes: Changes
    sent: pa.Table
    refused: int

    @property
    def agreement(self) -> str:
        return self.share.agreement.id if self.share.agreement else ""

    @property
    def revision(self) -> int:
        return self.previous.revision + 1 if self.previous else 1

    def written(self, store: Store) -> Segment:
        schema = self.share.schema
        return store.write(self.changes.after, schema, agreement=self.agreement, revision=self.revision)

    def counted(self, counts: Counts) -> Counts:
        changes = self.changes
        return replace(counts, added=changes.added, changed=changes.changed, unchanged=changes.unchanged)

    def section(self) -> Mapping[str, object]:
        """What the report tells of the changes to the previous revision."""
        return {
            "dataflow": self.share.dataflow,
            "previous": self.previous.id if self.previous else None,
            "counts": self.changes.counts(),
            "largest": self.changes.largest(),
        }

    def findings(self, *, several: bool) -> Iterator[Finding]:
        dataflow = self.share.dataflow if several else ""
        if self.refused:
            yield Finding(
                "append_changes_existing",
                count=self.refused,
                values={"agreement": self.agreement},
                dataflow=dataflow,
            )
        elif self.changes.spread:
            yield Finding(
                "series_attribute_changes_existing",
                "warning",
                count=self.changes.spread,
                blocking=False,
                dataflow=dataflow,
            )


def _folded(share: Share, previous: Submission | None, store: Store) -> _Fold:
    before = store.read(previous.segment) if previous and previous.segment else None
    was, changes = before, None
    sent, refused = list[pa.Table](), 0
    for action, table in share.tables():
        sent.append(table)
        folded = fold(before, table, share.schema, action)
        refused += folded.refused
        changes = changes.then(folded) if changes else Changes.of(was, folded, share.schema)
        before = folded.table
    assert changes is not None  # a share has at least one action
    return _Fold(share, previous, changes, pa.concat_tables(sent), refused)


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
    )
    return replace(report, subject=subject, counts=whole)
