"""A store that packs what it is asked for before it answers: all of it, or a part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from migdx.plan import Availability, Plan
from migdx.stores import Segment
from migdx.stores.pack_build import build
from migdx.stores.segments import SegmentStore


class Packing(SegmentStore):
    """`which` is "all", "some" (every other of the segments asked for), or "mixed": of every other one, and
    of all that was written and is not asked for, in whatever agreement it is.
    """

    def __init__(self, *args: Any, which: str, **more: Any) -> None:
        super().__init__(*args, **more)
        self.which = which
        self.written: list[Segment] = []
        self._packed: tuple[str, ...] = ()

    def write(self, *args: Any, **more: Any) -> Segment:
        made = super().write(*args, **more)
        self.written.append(made)
        return made

    def select(self, plan: Plan, segments: Sequence[Segment]) -> Iterator[pa.RecordBatch]:
        self.pack(plan, segments)
        return super().select(plan, segments)

    def count(self, plan: Plan, segments: Sequence[Segment]) -> Availability:
        self.pack(plan, segments)
        return super().count(plan, segments)

    def paired(
        self, one: Plan, other: Plan, on: Mapping[str, str], segments: Sequence[Segment]
    ) -> Iterator[pa.RecordBatch]:
        self.pack(one, segments)
        return super().paired(one, other, on, segments)

    def pack(self, plan: Plan, segments: Sequence[Segment]) -> None:
        held = sorted((one for one in segments if one.observations), key=lambda one: one.agreement)
        if self.which != "all":
            held = held[::2]
        if self.which == "mixed":
            asked = {one.agreement for one in held} | {one.agreement for one in segments}
            others = {
                one.agreement: one
                for one in self.written
                if one.observations and (one.agreement not in asked or one not in segments)
            }
            held = list({**others, **{one.agreement: one for one in held}}.values())
        wanted = tuple(sorted(one.name for one in held))
        if held and wanted != self._packed:
            build(self.depot, held, plan.schema, memory="256MB", threads=1)
            self._packed = wanted
            self._packs._found.clear()
            assert self._packs.of(plan.schema.dataflow.reference.short) is not None
