"""Exchange: the use cases. A country checks and submits, a compiler releases, an agency asks.

Nothing here knows HTTP. Every answer is of one instant: the releases in force are read once per request, and
what may leave (released, unmasked) is decided here, on the segments that a plan is given, so that every
format obeys.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import pyarrow as pa

from .blobs import Blobs
from .errors import Conflict, NoResults, NotFound, NotImplementedHere, SemanticFault, Unavailable
from .fold import content_hash, fold
from .formats.tables import STRUCTURE_READERS
from .intake import Examined, Sent, examine
from .ledger import History, Ledger
from .plan import Answer, Availability, Plan, plan
from .public import Public
from .query import DataQuery, StructureQuery
from .registry import Registry
from .release import Release, Slot
from .report import Finding, Report, ordered
from .stores import Segment, Store
from .stores.segments import SegmentStore
from .structures import Maintainable
from .submission import Submission

WAIT = 20.0
"""Seconds that a request waits for its turn before it is told to come back."""


class Exchange:
    """Over a registry, a store, a ledger and blobs; safe to share between threads.

    `folders` are those that the structures were read from.
    """

    def __init__(
        self,
        registry: Registry,
        store: Store,
        ledger: Ledger,
        blobs: Blobs,
        folders: Sequence[Path] = (),
        turns: int = 0,
    ) -> None:
        self.folders = tuple(folders)
        self.registry, self.store, self.ledger, self.blobs = registry, store, ledger, blobs
        self._turns = threading.BoundedSemaphore(turns or os.cpu_count() or 2)

    @classmethod
    def open(cls, folder: Path, structures: Sequence[Path] = ()) -> Exchange:
        """The exchange in `folder`, made when it is not there; `structures` default to those shipped."""
        folder.mkdir(parents=True, exist_ok=True)
        folders = tuple(structures) or shipped_structures()
        registry = Registry.load(
            folders, STRUCTURE_READERS["application/vnd.sdmx.structure+xml;version=3.0.0"]
        )
        store = SegmentStore(folder / "segments")
        ledger = Ledger(f"sqlite:///{folder / 'ledger.sqlite'}")
        exchange = cls(registry, store, ledger, Blobs(folder / "blobs"), folders)
        store.sweep([s.segment for s in ledger.history().submissions.values() if s.segment])
        return exchange

    def close(self) -> None:
        """Lets go of the ledger and the engine."""
        self.ledger.close()
        close = getattr(self.store, "close", None)
        if close:
            close()

    # --- a country ---------------------------------------------------------------------------------

    def check(self, sent: Sent, *, accept: str = "all") -> Report:
        """What is right and wrong with a file; nothing of it is kept."""
        with self._turn():
            return examine(sent, self.registry, accept=accept).report

    def submit(self, sent: Sent, *, by: str, accept: str = "all") -> tuple[Submission, Report]:
        """Checks a file and, when it is sound, keeps it as the provider's next revision."""
        if not sent.provider:
            raise SemanticFault(
                "A submission needs a provider: an id that /sdmx/v2/structure/dataproviderscheme lists"
            )
        sha256 = self.blobs.put(sent.file)
        with self._turn():
            found = examine(sent, self.registry, accept=accept)
        with self.ledger.writing() as book:
            submission, report = self._filed(found, sha256, book.history, by)
            body = orjson.dumps(report.as_dict(), option=orjson.OPT_SORT_KEYS)
            submission = replace(submission, report=self.blobs.put(body))
            entry = book.append("submission", submission.as_dict())
        return replace(submission, stamp=entry.stamp), report

    def _filed(self, found: Examined, sha256: str, history: History, by: str) -> tuple[Submission, Report]:
        """The submission and its final report; if accepted, folded onto the previous revision and written."""
        report, subject = found.report, found.report.subject
        submission = Submission(
            id=uuid4().hex,
            agreement=found.agreement.id if found.agreement else "",
            dataflow=subject["dataflow"] or "",
            provider=subject["provider"] or "",
            sha256=sha256,
            format=subject["format"],
            action=found.action,
            verdict=report.verdict,
            by=by,
        )
        previous = history.latest.get((submission.agreement, submission.dataflow))
        report = replace(
            report,
            subject={
                **subject,
                "submission": submission.id,
                "previousSubmission": previous.id if previous else None,
            },
        )
        if found.dataset is None or report.verdict == "rejected":
            return replace(submission, counts=_counts(report)), report
        schema = found.dataset.schema
        before = self.store.read(previous.segment) if previous and previous.segment else None
        sent = found.table()
        folded = fold(before, sent, schema, found.action)
        if len(folded.refused):
            return self._append_refused(submission, report, found, len(folded.refused))
        revision = previous.revision + 1 if previous else 1
        segment = self.store.write(folded.table, schema, agreement=submission.agreement, revision=revision)
        content = content_hash(sent, schema)
        counts = replace(report.counts, changed=folded.added + folded.changed, unchanged=folded.unchanged)
        report = replace(
            report, counts=counts, subject={**report.subject, "content": content, "revision": revision}
        )
        return replace(
            submission, content=content, segment=segment, revision=revision, counts=_counts(report)
        ), report

    def _append_refused(
        self, submission: Submission, report: Report, found: Examined, refused: int
    ) -> tuple[Submission, Report]:
        finding = Finding(
            "append_changes_existing", count=refused, values={"agreement": submission.agreement}
        )
        counts = replace(
            report.counts, accepted=0, rejected=report.counts.received, errors=report.counts.errors + refused
        )
        report = replace(
            report, verdict="rejected", counts=counts, findings=ordered((*report.findings, finding))
        )
        return replace(submission, verdict="rejected", counts=_counts(report)), report

    def submission(self, id: str) -> Submission:
        found = self.ledger.history().submissions.get(id)
        if found is None:
            raise NotFound(f"There is no submission {id}")
        return found

    def report(self, id: str) -> dict[str, Any]:
        """The report of a submission, as it was given then."""
        with self.blobs.open(self.submission(id).report) as blob:
            return orjson.loads(blob.read())  # type: ignore[no-any-return]

    # --- a compiler --------------------------------------------------------------------------------

    def release(
        self, submissions: Sequence[str], *, by: str, public_from: datetime | None = None, note: str = ""
    ) -> Release:
        """Makes accepted submissions public, now or at an instant; all of them at once."""
        if public_from is not None and public_from.tzinfo is None:
            raise SemanticFault(
                f"'{public_from.isoformat()}' has no time zone; expected 2026-12-01T09:00:00+01:00 or alike"
            )
        with self.ledger.writing() as book:
            revisions: dict[tuple[str, str], int] = {}
            for id in submissions:
                submission = book.history.submissions.get(id)
                if submission is None:
                    raise NotFound(f"There is no submission {id}")
                if submission.verdict != "accepted":
                    raise Conflict(f"Submission {id} was rejected; only accepted ones are released")
                slot = (submission.agreement, submission.dataflow)
                revisions[slot] = max(submission.revision, revisions.get(slot, 0))
            if not revisions:
                raise SemanticFault("A release names at least one submission")
            _refuse_return(book.history.releases, revisions, public_from or book.history.now())
            return book.release(revisions, public_from=public_from, by=by, note=note)

    def cancel(self, release: str, *, by: str) -> None:
        """Takes a release back: what was public before it is public again."""
        with self.ledger.writing() as book:
            if release not in {r.id for r in book.history.releases}:
                raise NotFound(f"There is no release {release}")
            book.append("release_cancelled", {"id": release, "by": by})

    # --- an agency ---------------------------------------------------------------------------------

    def data(self, query: DataQuery, public: Public | None = None, **more: Any) -> Answer:
        """The observations that `query` asks for, of the releases in force; `more` goes to the Answer."""
        asked = self.planned(query)
        public = public or self.public()
        batches = self._in_turn(self.store.select(asked, self._segments(asked, query, public)))
        return Answer(asked, _started(batches), prepared=public.at, **more)

    def availability(self, query: DataQuery, public: Public | None = None) -> Availability:
        """What `data` would give, counted."""
        asked = self.planned(query)
        with self._turn():
            return self.store.count(asked, self._segments(asked, query, public or self.public()))

    def _segments(self, asked: Plan, query: DataQuery, public: Public) -> list[Segment]:
        return public.segments(asked.schema.dataflow.reference.short, query.providers)

    def planned(self, query: DataQuery) -> Plan:
        flows = self.registry.flows(query)
        if not flows:
            raise NotFound(
                f"There is no {query.context} "
                f"{','.join(query.agencies)}:{','.join(query.ids)}({','.join(query.versions)})"
            )
        if len(flows) > 1:
            raise NotImplementedHere(
                f"One answer holds one dataflow so far; the query names {len(flows)}: "
                + ", ".join(f.reference.short for f in flows)
            )
        return plan(query, self.registry.schema(flows[0].reference))

    def public(self, at: datetime | None = None) -> Public:
        """What is public now, or was at an instant; one answer asks one of these for everything."""
        history = self.ledger.history()
        return Public(history, at or history.now())

    def structures(self, query: StructureQuery) -> list[Maintainable]:
        """The artefacts asked for; NoResults when there are none."""
        found = self.registry.structure_answer(query)
        if not found:
            raise NoResults(f"No structure matches {query}")
        return found

    # --- turns -------------------------------------------------------------------------------------

    def _turn(self) -> _Turn:
        return _Turn(self._turns)

    def _in_turn(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """A turn is held while a batch is made, not while a slow reader takes it."""
        try:
            while True:
                with self._turn():
                    batch = next(batches, None)
                if batch is None:
                    return
                yield batch
        finally:
            close = getattr(batches, "close", None)
            if close:
                close()


def _refuse_return(releases: Sequence[Release], revisions: Mapping[Slot, int], public_from: datetime) -> None:
    """An embargo that ends later, on an older revision, would take the place of the newer one again."""
    for release in releases:
        if release.cancelled is None and release.public_from > public_from:
            older = [
                slot for slot, number in revisions.items() if release.revisions.get(slot, number) < number
            ]
            if older:
                raise Conflict(
                    f"Release {release.id} makes an older revision of {older[0][0]} public at "
                    f"{release.public_from.isoformat()}, after this one; cancel it first"
                )


class _Turn:
    def __init__(self, turns: threading.BoundedSemaphore) -> None:
        self._turns = turns

    def __enter__(self) -> None:
        if not self._turns.acquire(timeout=WAIT):
            raise Unavailable(f"The service is busy; it waited {WAIT:.0f} seconds. Please try again.")

    def __exit__(self, *_: object) -> None:
        self._turns.release()


def _started(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same, its first batch already made: faults come before the answer starts; NoResults if empty."""
    first = next((batch for batch in batches if batch.num_rows), None)
    if first is None:
        raise NoResults("No observation matches the query")

    def rest() -> Iterator[pa.RecordBatch]:
        try:
            yield first
            yield from batches
        finally:
            batches.close()  # type: ignore[attr-defined]

    return rest()


def _counts(report: Report) -> dict[str, int]:
    counts = report.counts
    return {name: getattr(counts, name) for name in counts.__slots__}


def shipped_structures() -> tuple[Path, ...]:
    """The folders codelists/ and dsd/: inside the package in a wheel, beside service/ in a checkout."""
    here = Path(str(files("migdx")))
    root = here if (here / "dsd").is_dir() else here.parents[1]
    return root / "codelists", root / "dsd"
