"""Consolidated: what a dataflow shows where several providers report the same observation.

Of a key that two of them hold only the observation of the one that goes before the other is shown, masked or
not: another's figure must not stand for one that is suppressed. Who goes before whom is what was declared
when the last release in force of the dataflow was made, so that the past stays as it was.

A series of which two providers show different periods is told in two parts, one for each agreement.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

from .blobs import Blobs
from .errors import NotFound, Unavailable
from .precedence import Arrangements, met
from .public import Public
from .schema import Schema
from .stores import Segment, Store, Taken
from .submission import Submission


@dataclass(frozen=True)
class Consolidated:
    """Over a store, and the blobs that keep what was declared."""

    store: Store
    blobs: Blobs
    _read: dict[str, Arrangements] = field(default_factory=dict, repr=False)

    def shown(self, public: Public, schema: Schema, providers: Sequence[str] = ()) -> list[Segment]:
        """The segments that a dataflow shows, no key in two of them; of some `providers`, if any are named:
        what of the whole is theirs.
        """
        return [
            one.segment
            for one in self.submissions(public, schema)
            if one.segment and (not providers or one.provider in providers)
        ]

    def submissions(self, public: Public, schema: Schema, but: str = "") -> list[Submission]:
        """The submissions that a dataflow shows, each with what is shown of its segment; as if there were
        none of the provider `but`.
        """
        flow = schema.dataflow.reference.short
        found = [one for one in public.submissions(flow) if one.segment and one.provider != but]
        taken = self._taken(found, public, schema)
        return [
            replace(one, segment=self.store.without(one.segment, taken[at], schema))
            if at in taken and one.segment
            else one
            for at, one in enumerate(found)
        ]

    def alone(self, public: Public, schema: Schema, agreement: str) -> list[Segment]:
        """What an agreement itself shows, without the keys that are masked in what goes before it."""
        flow = schema.dataflow.reference.short
        found = [one for one in public.submissions(flow) if one.segment]
        own = [at for at, one in enumerate(found) if one.agreement == agreement]
        masked = self._taken(found, public, schema) if own else {}
        shown = []
        for at in own:
            taken = [replace(one, closed=True) for one in masked.get(at, ()) if one.by.restricted]
            segment = found[at].segment
            if segment:
                shown.append(self.store.without(segment, taken, schema) if taken else segment)
        return shown

    def declared(self, digest: str) -> Arrangements:
        """What was declared, by the digest that a release keeps."""
        if not digest:
            return Arrangements()
        if digest not in self._read:
            try:
                with self.blobs.open(digest) as blob:
                    self._read[digest] = Arrangements.read(blob.read())
            except (NotFound, OSError) as fault:
                raise Unavailable(f"Blob {digest}, the precedence of a release, is missing") from fault
        return self._read[digest]

    def _taken(self, found: Sequence[Submission], public: Public, schema: Schema) -> dict[int, list[Taken]]:
        """By the position of a submission: what others may take of it."""
        taken: dict[int, list[Taken]] = {}
        segments = [one.segment for one in found if one.segment]
        flow, declared = schema.dataflow.reference.short, None
        for one, other in sorted(_overlapping(segments, schema.key)):
            declared = declared or self.declared(public.precedences.get(flow, ""))
            for mine, theirs in ((one, other), (other, one)):
                parties = [(found[at].provider, found[at].agreement) for at in (mine, theirs)]
                decided = met(declared.between(parties[0], parties[1], flow), segments[mine].codes)
                if any(won for _, won in decided):
                    taken.setdefault(mine, []).append(Taken(segments[theirs], decided))
        return taken


def _overlapping(segments: Sequence[Segment], key: Sequence[str]) -> set[tuple[int, int]]:
    """The positions of segments that may hold the same key: those with a common code of every dimension.

    Nearly always one dimension, the area, tells all of them apart, and nothing else is looked at.
    """
    fewest, shared = key[0], -1
    for id in key:
        held = [segment.codes[id].keys() for segment in segments]
        twice = sum(map(len, held)) - len(set().union(*held))
        if not twice:
            return set()
        if shared < 0 or twice < shared:
            fewest, shared = id, twice
    holding: dict[str, list[int]] = {}
    for at, segment in enumerate(segments):
        for code in segment.codes[fewest]:
            holding.setdefault(code, []).append(at)
    pairs = {pair for ats in holding.values() for pair in combinations(ats, 2)}
    for id in key:
        held = [segment.codes[id].keys() for segment in segments]
        pairs = {(one, other) for one, other in pairs if not held[one].isdisjoint(held[other])}
    return pairs
