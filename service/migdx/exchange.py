"""Exchange: the use cases. A country checks and submits, a compiler releases, an agency asks.

Nothing here knows HTTP. Every answer is of one instant: the releases in force are read once per request, and
what may leave (released, unmasked) is decided here, on the segments that a plan is given, so that every
format obeys.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import pyarrow as pa

from .blobs import Blobs
from .errors import Conflict, NoResults, NotFound, NotImplementedHere, SemanticFault, Unavailable
from .fold import content_hash, fold
from .folders import shipped_structures
from .intake import Examined, Sent, examine
from .keeping import Current
from .ledger import History, Ledger
from .plan import Answer, Availability, Plan, plan
from .public import Public
from .query import DataQuery, StructureQuery
from .registry import Registry, load_structures
from .release import Release, Slot
from .report import Finding, Report, ordered
from .selection import selected
from .stores import Segment, Store
from .stores.segments import SegmentStore
from .structures import Dataflow, Maintainable, ProvisionAgreement
from .submission import Submission
from .urn import parse_short

ENGINE_MEMORY = 2048
"""Megabytes that the engines of all processes may take together."""

WAIT = 20.0
"""Seconds that a request waits for its turn before it is told to come back."""


class Exchange:
    """Over a registry, a store, a ledger and blobs; safe to share between threads.

    `folders` are those that the structures were read from. `registry` is what they gave with all that the
    ledger says was done to it, as everyone sees it: without drafts. `seen_by` is the same exchange for those
    who hold tokens of agencies.
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
        self.store, self.ledger, self.blobs = store, ledger, blobs
        self._structures = Current(registry, blobs)
        self._agencies: frozenset[str] = frozenset()
        self._pinned: Registry | None = None
        self._turns = threading.BoundedSemaphore(turns or os.cpu_count() or 2)

    @classmethod
    def open(
        cls, folder: Path, structures: Sequence[Path] = (), *, share: int = 1, check: bool = True
    ) -> Exchange:
        """The exchange in `folder`, made when it is not there; `structures` default to those shipped.

        `share` processes divide the cores and the engine's memory of the machine between them. Without
        `check` the structures may contradict what was done to them since.
        """
        folder.mkdir(parents=True, exist_ok=True)
        folders = tuple(structures) or shipped_structures()
        registry = load_structures(folders)
        turns = max(1, (os.cpu_count() or 2) // share)
        store = SegmentStore(
            folder / "segments", memory=f"{max(256, ENGINE_MEMORY // share)}MB", threads=turns
        )
        ledger = Ledger(f"sqlite:///{folder / 'ledger.sqlite'}")
        exchange = cls(registry, store, ledger, Blobs(folder / "blobs"), folders, turns)
        if check and exchange.whole is not registry:
            exchange.whole.check()  # a folder may have changed under what was done to it
        store.sweep([s.segment for s in ledger.history().submissions.values() if s.segment])
        exchange.blobs.sweep()
        return exchange

    def close(self) -> None:
        """Lets go of the ledger and the engine."""
        self.ledger.close()
        self.store.close()

    # --- the structures ----------------------------------------------------------------------------

    @property
    def registry(self) -> Registry:
        """The structures as they are now, as far as those who ask may see them."""
        return self._pinned or self.whole.seen_by(self._agencies)

    @property
    def whole(self) -> Registry:
        """Every structure there is now, drafts too."""
        return self.structures_at(self.ledger.history())

    def structures_at(self, history: History) -> Registry:
        """Every structure there was when the ledger said no more than that."""
        return self._structures.at(history.structures)

    def seen_by(self, agencies: Iterable[str] = ()) -> Exchange:
        """The exchange as those see it who hold tokens of `agencies`, with the structures of this moment."""
        view = copy(self)
        view._agencies = frozenset(agencies)
        view._pinned = view.whole.seen_by(view._agencies)
        return view

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
        sent = replace(sent, sha256=self.blobs.put(sent.file))
        found, known = None, ""
        while True:  # checks and folding are outside the ledger's lock; who was overtaken does them again
            history = self.ledger.history()
            registry = self.structures_at(history).seen_by(self._agencies)
            with self._turn():
                if found is None or registry.digest != known:
                    found, known = examine(sent, registry, accept=accept), registry.digest
                submission, report = self._filed(found, history, by)
            body = orjson.dumps(report.as_dict(), option=orjson.OPT_SORT_KEYS)
            submission = replace(submission, report=self.blobs.put(body))
            with self.ledger.writing() as book:
                now = book.history
                same = now.latest.get(submission.slot) == history.latest.get(submission.slot)
                if same and len(now.structures) == len(history.structures):
                    entry = book.append("submission", submission.as_dict())
                    return replace(submission, stamp=entry.stamp), report

    def _filed(self, found: Examined, history: History, by: str) -> tuple[Submission, Report]:
        """The submission and its final report; if accepted, folded onto the previous revision and written."""
        agreement = found.agreement.id if found.agreement else ""
        dataflow = found.report.subject["dataflow"] or ""
        previous = history.latest.get((agreement, dataflow))
        submission = Submission(
            id=uuid4().hex,
            agreement=agreement,
            dataflow=dataflow,
            provider=found.report.subject["provider"] or "",
            sha256=found.report.subject["sha256"],
            format=found.report.subject["format"],
            action=found.action,
            verdict="rejected",
            by=by,
            embargo=found.embargo,
        )
        known = {"submission": submission.id, "previousSubmission": previous.id if previous else None}
        report = replace(found.report, subject={**found.report.subject, **known})
        if found.dataset is not None and report.verdict == "accepted":
            submission, report = self._kept(submission, report, found, previous)
        return replace(submission, counts=asdict(report.counts)), report

    def _kept(
        self, submission: Submission, report: Report, found: Examined, previous: Submission | None
    ) -> tuple[Submission, Report]:
        """Folded onto the previous revision and written; Append that would change something is refused."""
        sent = found.table()
        before = self.store.read(previous.segment) if previous and previous.segment else None
        folded = fold(before, sent, found.schema, found.action)
        counts = report.counts
        if folded.refused:
            finding = Finding(
                "append_changes_existing", count=folded.refused, values={"agreement": submission.agreement}
            )
            counts = replace(
                counts, accepted=0, rejected=counts.received, errors=counts.errors + folded.refused
            )
            findings = ordered((*report.findings, finding))
            return submission, replace(report, verdict="rejected", counts=counts, findings=findings)
        revision = previous.revision + 1 if previous else 1
        segment = self.store.write(
            folded.table, found.schema, agreement=submission.agreement, revision=revision
        )
        content = content_hash(sent, found.schema)
        counts = replace(counts, added=folded.added, changed=folded.changed, unchanged=folded.unchanged)
        report = replace(report, subject={**report.subject, "content": content, "revision": revision})
        if folded.spread:
            finding = Finding(
                "series_attribute_changes_existing", "warning", count=folded.spread, blocking=False
            )
            counts = replace(counts, warnings=counts.warnings + folded.spread)
            report = replace(report, findings=ordered((*report.findings, finding)))
        submission = replace(
            submission, verdict="accepted", content=content, segment=segment, revision=revision
        )
        return submission, replace(report, counts=counts)

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
                _refuse_too_early(submission, public_from or book.history.now())
                revisions[submission.slot] = max(submission.revision, revisions.get(submission.slot, 0))
            if not revisions:
                raise SemanticFault("A release names at least one submission")
            _refuse_return(book.history.releases, revisions, public_from or book.history.now())
            return book.release(revisions, public_from=public_from, by=by, note=note)

    def cancel(self, release: str, *, by: str) -> None:
        """Takes a release back: what was public before it is public again."""
        with self.ledger.writing() as book:
            found = next((made for made in book.history.releases if made.id == release), None)
            if found is None:
                raise NotFound(f"There is no release {release}")
            if found.cancelled:
                raise Conflict(f"Release {release} was cancelled at {found.cancelled.isoformat()} already")
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
        flow, within = asked.schema.dataflow.reference.short, asked.schema.within
        if isinstance(within, ProvisionAgreement):
            found = (s for s in public.submissions(flow) if s.agreement == within.id)
            return [submission.segment for submission in found if submission.segment]
        return public.segments(flow, query.providers)

    def planned(self, query: DataQuery) -> Plan:
        """What a query means, for the one dataflow or agreement that it names."""
        if query.context == "provisionagreement":
            agreement = self._agreement(query)
            if agreement.dataflow is None:
                raise SemanticFault(f"{agreement.urn} names no dataflow")
            return plan(query, self.registry.schema(agreement.dataflow, agreement))
        registry = self.registry
        flows = registry.flows(query)
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
        return plan(query, registry.schema(flows[0].reference))

    def _agreement(self, query: DataQuery) -> ProvisionAgreement:
        wanted = ",".join(query.versions)
        named = StructureQuery(("ProvisionAgreement",), query.agencies, query.ids, wanted)
        found = [a for a in self.registry.select(named) if isinstance(a, ProvisionAgreement)]
        if not found:
            raise NotFound(
                f"There is no provision agreement {','.join(query.agencies)}:{','.join(query.ids)}({wanted})"
            )
        if len(found) > 1:
            raise NotImplementedHere(
                f"One answer holds one provision agreement so far; the query names {len(found)}"
            )
        return found[0]

    def public(self, at: datetime | None = None) -> Public:
        """What is public now, or was at an instant; one answer asks one of these for everything.

        Releases of drafts are left out for those who do not see them: no date and no tag tells of them.
        """
        history = self.ledger.history()
        whole = self.structures_at(history)
        hidden = {flow.reference.short for flow in whole.drafts if isinstance(flow, Dataflow)}
        if hidden:
            seen = whole.seen_by(self._agencies)
            hidden = {flow for flow in hidden if seen.find(parse_short(flow, "Dataflow")) is None}
        return Public(history.without(hidden), at or history.now())

    def structures(self, query: StructureQuery) -> list[Maintainable]:
        """The artefacts asked for; NoResults when there are none."""
        found = selected(self.registry, query)
        if not found:
            raise NoResults(f"No structure matches {query}")
        return found

    # --- turns -------------------------------------------------------------------------------------

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._turns.acquire(timeout=WAIT):
            raise Unavailable(f"The service is busy; it waited {WAIT:.0f} seconds. Please try again.")
        try:
            yield
        finally:
            self._turns.release()

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


def _refuse_too_early(submission: Submission, public_from: datetime) -> None:
    """Its rows may ask for an embargo: a request to the compiler, who may release later, not earlier."""
    if submission.embargo and public_from < datetime.fromisoformat(submission.embargo):
        raise Conflict(
            f"Submission {submission.id} asks to stay closed until {submission.embargo}; release it from then"
        )


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
