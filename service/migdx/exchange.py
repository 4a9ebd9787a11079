"""Exchange: the use cases. A country checks and submits, a compiler releases, an agency asks.

Nothing here knows HTTP. Every answer is of one instant: the releases in force are read once per request, and
what may leave (released, unmasked) is decided here, on the segments that a plan is given, so that every
format obeys.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from . import releasing
from .arranged import check_arrangements, read_arrangements
from .basis import (
    Basis,
    bytes_of,
    grants,
    kept_book,
    refuse_compared_with_forgotten,
    told_already,
)
from .blobs import Blobs
from .consolidated import Consolidated
from .errors import NoResults, NotFound, SemanticFault
from .examined import Examined
from .filing import filed
from .folders import shipped_structures
from .grid import Grid
from .history import History
from .intake import first_findings
from .keeping import Current
from .ledger import Book, Ledger
from .mappings import told
from .plan import Action, Answer, Availability, DataSet, Plan
from .precedence import Arrangements
from .proposal import Proposal
from .public import Public
from .query import DataQuery, StructureQuery
from .registry import Registry, load_structures
from .release import Release
from .releasing import Asked, Effect
from .remembered import Past, in_force
from .report import Finding, Report, phrase
from .rulebook import bound, check_parties, read_rules
from .rules import RuleBook
from .schema import Schema
from .selection import planned, selected
from .sent import Sent
from .settings import Settings
from .stores import ORPHANED, Segment, Store
from .stores.segments import SegmentStore
from .structures import Dataflow, Maintainable, ProvisionAgreement
from .submission import Submission
from .supply import supply_from
from .turns import Turns, started
from .urn import parse_short
from .waivers import Waiver
from .workbook_map import WorkbookMap
from .workbooks import proposed, read_map, with_kept

BOUND = 8
"""How many registries rules are kept bound to: that of everyone, and those that agencies with drafts see."""


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
        keys: Path | None = None,
    ) -> None:
        self.folders = tuple(folders)
        self.book = read_rules(self.folders)
        self.arranged = read_arrangements(self.folders)
        self._bound_rules: dict[str, RuleBook] = {}  # shared by all that `seen_by` gives
        self.store, self.ledger, self.blobs = store, ledger, blobs
        self.consolidated = Consolidated(store, blobs)
        self._structures = Current(registry, blobs)
        self.past = Past(registry, self._structures, blobs)
        self._then: Registry | None = None  # of the instant that `as_of` looks at
        self._agencies: frozenset[str] = frozenset()
        self._pinned: Registry | None = None
        self._supposed: tuple[History, datetime] | None = None
        self.turns = Turns(turns or os.cpu_count() or 2)
        self.keys = keys  # the folder of the private keys that sign receipts

    @classmethod
    def open(
        cls, settings: Path | Settings, structures: Sequence[Path] = (), *, share: int = 1, check: bool = True
    ) -> Exchange:
        """The exchange in a folder, or where `settings` say, made when it is not there; `structures` default
        to those shipped.

        `share` processes divide the cores and the engine's memory of the machine between them. Without
        `check`, or where some are lost, the structures may contradict what was done to them since.
        """
        if not isinstance(settings, Settings):
            settings = Settings(settings)
        settings.folder.mkdir(parents=True, exist_ok=True)
        folders = tuple(structures) or shipped_structures()
        registry = load_structures(folders)
        turns = max(1, (os.cpu_count() or 2) // share)
        store = SegmentStore(
            settings.depot("segments"), memory=f"{max(256, settings.memory // share)}MB", threads=turns
        )
        ledger = Ledger(settings.ledger_url)
        blobs = Blobs(settings.depot("blobs"))
        exchange = cls(registry, store, ledger, blobs, folders, turns, settings.keys_folder)
        if check and exchange.whole is not registry and not exchange._structures.lost:
            exchange.whole.check()  # a folder may have changed under what was done to it
        if check and not exchange._structures.lost:
            check_parties(exchange.book, exchange.whole)
            check_arrangements(exchange.arranged, exchange.whole)
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
        return self._then or self._structures.at(history.structures)

    def rules(self, registry: Registry) -> RuleBook:
        """The rule book, bound to the hierarchies of a registry."""
        found = self._bound_rules.get(registry.digest)
        if found is None:
            found = bound(self.book, registry)
            if len(self._bound_rules) >= BOUND:
                self._bound_rules.clear()
            self._bound_rules[registry.digest] = found
        return found

    def seen_by(self, agencies: Iterable[str] = ()) -> Exchange:
        """The exchange as those see it who hold tokens of `agencies`, with the structures of this moment."""
        view = copy(self)
        view._agencies = frozenset(agencies)
        view._pinned = view.whole.seen_by(view._agencies)
        return view

    def as_of(self, instant: datetime, *, recorded: bool = False) -> Exchange:
        """The exchange as it was at an instant, structures and what was public; of one to come, as it is now.

        Of before structures were recorded NotFound when they must be `recorded`; else they are the first that
        were.
        """
        history, now = self._supposed or (self.ledger.history(), None)
        if instant >= (now or history.now()):
            return self
        if recorded and not in_force(history, instant):
            since = f"known from {history.served[0].stamp} on" if history.served else "not recorded yet"
            raise NotFound(f"Which structures were served at {instant} is not known; that is {since}")
        view = copy(self)
        view._supposed, view._then = (history, instant), self.past.at(history, instant)
        view._pinned = view._then.seen_by(self._agencies)
        return view

    # --- a country ---------------------------------------------------------------------------------

    def check(self, sent: Sent, *, accept: str = "all") -> Report:
        """What is right and wrong with a file; nothing of it is kept."""
        return self.examined(sent, accept=accept).report

    def examined(
        self,
        sent: Sent,
        *,
        accept: str = "all",
        tell: Callable[[Finding], None] = lambda _: None,
        owner: bool = False,
    ) -> Examined:
        """The same with all that was read, for copies; `tell` hears of findings as they are made. Its `owner`
        is told what only the provider may know: what its file changes of what is not released.
        """
        history = self.ledger.history()
        sent = with_kept(sent, history, self.blobs, self.registry)
        with self.turns.of_size(sent.size):
            return self._basis(history, sent.provider, owner=owner).examine(
                sent, accept=accept, preview=True, tell=tell
            )

    def _basis(self, history: History, provider: str, *, owner: bool, also: Sequence[Waiver] = ()) -> Basis:
        """What a provider's file is checked on now; `also` are waivers that are about to be written."""
        at = history.now()
        registry = self._pinned or self.structures_at(history).seen_by(self._agencies)
        public = Public(history, at) if owner else self.public(at)
        waivers = history.waived(provider, at)
        told = waivers if owner else told_already(waivers, public, self.blobs)
        known = grants((*told, *also), self.blobs)
        arranged = self.pinned() if owner else self.arranged
        supply = supply_from(public, self.consolidated, registry, arranged, owner=owner)
        return Basis(history, at, registry, self.rules(registry), supply, known, owner, arranged.digest)

    def _basis_of(self, rules: Mapping[str, Any], provider: str) -> Basis:
        """What a report (its `rules`) rests on: the ledger, the structures, the rules, the waivers then."""
        if "ledger" not in rules:  # made before reports said so
            return self._basis(self.ledger.history(), provider, owner=True)
        now, at = self.ledger.history(), datetime.fromisoformat(rules["at"])
        history = self.ledger.history_at(rules["ledger"])
        registry = self.structures_at(history).seen_by(rules.get("agencies", ()))
        if registry.digest != rules["structures"]:  # the folders changed since
            then = self.past.at(history, history.stamp).seen_by(rules.get("agencies", ()))
            registry = then if then.digest == rules["structures"] else registry
        arranged = self.consolidated.declared(rules.get("precedence", ""))
        left = Public(history.forgetting(now), at)
        supply = supply_from(left, self.consolidated, registry, arranged, owner=True)
        ids = rules.get("waivers", ())
        known = grants((one for one in now.waivers if one.id in ids), self.blobs)
        book = bound(kept_book(rules, self.blobs), registry)
        return Basis(history, at, registry, book, supply, known, precedence=arranged.digest)

    def first_findings(self, sent: Sent) -> tuple[Finding, ...] | None:
        """What is wrong with the first rows of a file of which more arrives; None where they do not tell."""
        with self.turns.one():
            return first_findings(sent, self.registry)

    def proposed(self, sent: Sent) -> tuple[Grid, Schema, Proposal]:
        """The cells of a workbook and the map that it seems to need; nothing of it is kept."""
        with self.turns.one():
            return proposed(sent, self.registry, self.ledger.history(), self.blobs)

    def submit(self, sent: Sent, *, by: str, accept: str = "all") -> tuple[tuple[Submission, ...], Report]:
        """Checks a file and, when it is sound, keeps it as the provider's next revision.

        One submission for each dataflow of the file, all of them accepted or none; one for a file without.
        """
        refuse_nobody(sent)
        sent = replace(sent, sha256=self.blobs.put(sent.file))
        if sent.map:  # who looks at the submission later must read it alike
            self.blobs.put(told(WorkbookMap.from_dict(sent.map)))
        return self.file(sent, by=by, accept=accept)

    def file(
        self,
        sent: Sent,
        *,
        by: str,
        accept: str,
        waiver: Waiver | None = None,
        before: Callable[[Book], None] = lambda _: None,
        **subject: str,
    ) -> tuple[tuple[Submission, ...], Report]:
        """Submits bytes that are kept already. `before` writes to the ledger what is to stand before the
        submissions, a `waiver` that is heeded already for instance; `subject` is told of the file in the
        report.
        """
        also = (waiver,) if waiver else ()
        while True:  # checks and folding are outside the ledger's lock; who was overtaken does them again
            history = self.ledger.history()
            begun = history.now()
            if sent.sha256 in history.dropped:
                sent.file.seek(0)
                self.blobs.put(sent.file)
            with self.turns.of_size(sent.size):
                basis = self._basis(history, sent.provider, owner=True, also=also)
                mapped = with_kept(sent, history, self.blobs, basis.registry)
                found = basis.examine(mapped, accept=accept)
                submissions, report = filed(found, history, self.store, by)
            report = replace(report, subject={**report.subject, **subject})
            if self._agencies:
                report = replace(report, rules={**report.rules, "agencies": sorted(self._agencies)})
            if not self.blobs.exists(basis.book.digest):
                self.blobs.put(basis.book.text)
            digest = self.blobs.put(orjson.dumps(report.as_dict(), option=orjson.OPT_SORT_KEYS))
            with self.ledger.writing() as book:
                now = book.history
                same = all(now.latest.get(s.slot) == history.latest.get(s.slot) for s in submissions)
                same = same and now.waived(sent.provider, basis.at) == history.waived(sent.provider, basis.at)
                same = same and now.now() - begun < ORPHANED / 2  # or a sweep may take the segments
                same = same and len(now.forgotten) == len(history.forgotten)
                # the same bytes may have been dropped since they were kept
                same = same and (sent.sha256 not in now.dropped or self.blobs.exists(sent.sha256))
                if same and len(now.structures) == len(history.structures):
                    before(book)
                    return tuple(
                        replace(submission, stamp=book.append("submission", submission.as_dict()).stamp)
                        for submission in (replace(one, report=digest) for one in submissions)
                    ), report

    def submission(self, id: str) -> Submission:
        found = self.ledger.history().submissions.get(id)
        if found is None:
            raise NotFound(f"There is no submission {id}")
        return found

    def report(self, id: str) -> dict[str, Any]:
        """The report of a submission, as it was given then; Gone when that was forgotten."""
        self.ledger.history().refuse_forgotten(id)
        with self.blobs.open(self.submission(id).report) as blob:
            return orjson.loads(blob.read())  # type: ignore[no-any-return]

    @contextmanager
    def again(self, id: str) -> Iterator[tuple[Sent, Examined]]:
        """What was sent with a submission, and what it is found to be on the basis of its report."""
        submission, report = self.submission(id), self.report(id)
        subject, rules = report["subject"], report["rules"]
        with bytes_of(submission, self.ledger.history(), self.blobs) as file:
            map = read_map(subject["map"], self.blobs).as_dict() if subject.get("map") else {}
            sent = Sent.again(file, subject, submission.provider, submission.sha256, map)
            with self.turns.one():
                basis = self._basis_of(rules, submission.provider)
                refuse_compared_with_forgotten(submission, basis.history, self.ledger.history())
                found = basis.examine(sent, accept=subject.get("accept", "all"))
            yield sent, found

    def annotated(self, sent: Sent, found: Examined, languages: Sequence[str], *, then: str = "") -> bytes:
        """The workbook that was sent with its faults marked; `then` names other structures of its report."""
        notes = [phrase("other_structures", languages, now=self.registry.digest[:12], then=then[:12])]
        with self.turns.copying():
            return found.annotated(sent, languages, notes=notes if then else ())

    def rejected(self, sent: Sent, found: Examined, languages: Sequence[str]) -> Iterator[bytes]:
        """The rejected rows of what was sent, as CSV with a column that says why."""
        with self.turns.one():
            return found.rejected(sent, languages)

    # --- a compiler --------------------------------------------------------------------------------

    def release(
        self,
        submissions: Sequence[str],
        *,
        by: str,
        public_from: datetime | None = None,
        note: str = "",
        name: str = "",
    ) -> Release:
        """Makes accepted submissions public, now or at an instant; all of them at once."""
        asked = Asked(tuple(submissions), public_from=public_from, note=note, name=name)
        return releasing.release(self.ledger, asked, self.pinned(), by=by).release

    def pinned(self) -> Arrangements:
        """What is declared of several providers now, kept among the blobs for the releases made under it."""
        if self.arranged.digest and not self.blobs.exists(self.arranged.digest):
            self.blobs.put(self.arranged.text)
        return self.arranged

    def cancel(self, release: str, *, by: str, reason: str = "") -> Effect:
        """Takes a release back: what was public before it is public again."""
        return releasing.cancel(self.ledger, release, by=by, reason=reason)

    def supposing(self, history: History, at: datetime) -> Exchange:
        """The exchange as it would be at an instant if the ledger said `history`: what is about to be public,
        seen before.
        """
        view = copy(self)
        view._supposed = history, at
        return view

    # --- an agency ---------------------------------------------------------------------------------

    def data(
        self, query: DataQuery, public: Public | None = None, *, action: Action = "Replace", **more: Any
    ) -> Answer:
        """The observations that `query` asks for, of the releases in force; `more` goes to the Answer."""
        asked = self.planned(query)
        public = public or self.public()
        batches = started(self.turns.over(self.store.select(asked, self.shown(asked, query, public))))
        if batches is None:
            raise NoResults("No observation matches the query")
        return Answer((DataSet(asked, batches, action),), prepared=public.at, **more)

    def availability(self, query: DataQuery, public: Public | None = None) -> Availability:
        """What `data` would give, counted."""
        asked = self.planned(query)
        with self.turns.one():
            return self.store.count(asked, self.shown(asked, query, public or self.public()))

    def shown(self, asked: Plan, query: DataQuery, public: Public) -> list[Segment]:
        """The segments that answer a query at an instant, no key in two of them."""
        within = asked.schema.within
        if isinstance(within, ProvisionAgreement):
            return self.consolidated.alone(public, asked.schema, within.id)
        return self.consolidated.shown(public, asked.schema, query.providers)

    def planned(self, query: DataQuery) -> Plan:
        """What a query means, for the one dataflow or agreement that it names."""
        return planned(self.registry, query)

    def public(self, at: datetime | None = None) -> Public:
        """What is public now, or was at an instant; one answer asks one of these for everything.

        Releases of drafts are left out for those who do not see them: no date and no tag tells of them.
        """
        history, now = self._supposed or (self.ledger.history(), None)
        whole = self.structures_at(history)
        hidden = {flow.reference.short for flow in whole.drafts if isinstance(flow, Dataflow)}
        if hidden:
            seen = whole.seen_by(self._agencies)
            hidden = {flow for flow in hidden if seen.find(parse_short(flow, "Dataflow")) is None}
        return Public(history.without(hidden), at or now or history.now())

    def structures(self, query: StructureQuery) -> list[Maintainable]:
        """The artefacts asked for; NoResults when there are none."""
        found = selected(self.registry, query)
        if not found:
            raise NoResults(f"No structure matches {query}")
        return found


def refuse_nobody(sent: Sent) -> None:
    """A submission is somebody's: SemanticFault without a provider."""
    if not sent.provider:
        raise SemanticFault(
            "A submission needs a provider: an id that /sdmx/v2/structure/dataproviderscheme lists"
        )
