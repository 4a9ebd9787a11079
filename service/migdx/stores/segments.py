"""The default store: immutable Parquet files, sorted by series and period, read by DuckDB in this process.

A revision is an open file and, when something is masked, a restricted one beside it with what the open one
hides; the engine may open the open files only. A segment's own counts decide whether it is read at all. Files
are in order of agreement and sorted inside, so that an answer streams without a sort.
"""

from __future__ import annotations

import logging
import os
import re
import threading
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from datetime import UTC, datetime, timedelta
from secrets import token_hex

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from ..columns import each_once
from ..dataset import coded
from ..depots import Depot
from ..durable import Digested, make_folder
from ..errors import NotFound, Unavailable
from ..plan import Availability, Plan
from ..schema import Schema
from . import ORPHANED, Segment, Taken, Updated, parquet
from .counting import Tally
from .delta import GONE, SINCE, Delta, first, following
from .derived import key_columns, left, name_of, rest
from .duck import Files, Part, Sifter, Statement, keys, rows
from .engine import Engine
from .merging import Placed, cut, merged, placed
from .pack import Packed, of_series, parts_of, periods_asked, series
from .packs import Packs
from .pairing import Side, paired
from .updates import compared

_log = logging.getLogger(__name__)

OPEN, RESTRICTED = "open", "restricted"
"""The parts of the depot: what everyone may see once it is released, and what is masked there."""

DERIVED = timedelta(days=7)
"""So long is kept what is left of segments beside others: it can be made again at any time."""

_AT_HAND = 256
"""How many derived segments are remembered."""

_PART = re.compile(r"[^A-Za-z0-9.-]+")


class SegmentStore:
    """The segments of a depot; `memory` and `threads` bound the engine of this process."""

    def __init__(self, depot: Depot, memory: str = "1GB", threads: int | None = None) -> None:
        self.depot = depot
        make_folder(depot.local / OPEN)
        self._engine = Engine(depot.local / OPEN, memory, threads or os.cpu_count() or 1)
        self._packs = Packs(depot, self._engine)
        self._derived: dict[str, Segment] = {}
        self._deriving = threading.Lock()

    def close(self) -> None:
        self._engine.close()
        self._packs.close()

    def write(
        self,
        table: pa.Table,
        schema: Schema,
        *,
        agreement: str,
        revision: int,
        previous: Segment | None = None,
    ) -> Segment:
        table, series = parquet.in_order(table, schema)
        masked = parquet.masked_rows(table)
        flow = schema.dataflow.reference.short
        name = f"{_PART.sub('_', flow)}/{_PART.sub('_', agreement)}-{revision}-{token_hex(6)}"
        written = []
        if masked.any():
            kept = table.select(list(schema.hidden)).filter(pa.array(masked))
            kept = kept.append_column("_row", pa.array(np.flatnonzero(masked)))
            written.append(self._write(RESTRICTED, name, kept))
        opened = parquet.opened(table, schema, masked)
        told = self._delta(previous, opened, schema, revision)
        written.append(self._write(OPEN, name, opened.append_column(SINCE, pa.array(told.since))))
        if told.gone.num_rows:
            written.append(self._write(OPEN, name + GONE, told.gone))
        dimensions = {id: coded(table.column(id)) for id in schema.key}
        return Segment(
            name,
            flow,
            agreement,
            revision,
            observations=table.num_rows,
            series=len(each_once(series[~masked])),
            codes={id: parquet.counted(column, masked) for id, column in dimensions.items()},
            start=pc.min(table.column("_start")).as_py() if schema.time else None,
            end=pc.max(table.column("_end")).as_py() if schema.time else None,
            restricted=bool(masked.any()),
            columns=[component.id for component in schema.components],
            since=told.told,
            deleted=told.gone.num_rows,
            digests={file: digest for file, digest, _ in written},
            size=sum(size for _, _, size in written),
        )

    def _delta(self, previous: Segment | None, opened: pa.Table, schema: Schema, revision: int) -> Delta:
        if previous is None:
            return first(opened, schema, revision)
        try:
            before = self._read(OPEN, previous.name)
            gone = self._read(OPEN, previous.name + GONE) if previous.deleted else None
        except (OSError, NotFound, pa.ArrowException) as fault:
            raise _unreadable(previous) from fault
        return following(previous, before, gone, opened, schema, revision)

    def read(self, segment: Segment) -> pa.Table:
        try:
            return self._whole(segment)
        except (OSError, NotFound, pa.ArrowException) as fault:
            raise _unreadable(segment) from fault

    def _whole(self, segment: Segment) -> pa.Table:
        table = self._read(OPEN, segment.name)
        table = table.drop_columns([name for name in parquet.INTERNAL if name in table.column_names])
        if not segment.restricted:
            return table
        kept = self._read(RESTRICTED, segment.name)
        source = np.arange(table.num_rows)
        source[kept.column("_row").to_numpy()] = table.num_rows + np.arange(kept.num_rows)
        for name in kept.column_names:
            if name in table.column_names:
                both = pa.chunked_array(
                    [*table.column(name).chunks, *kept.column(name).chunks], table.field(name).type
                )
                whole = both.unify_dictionaries().take(pa.array(source))
                table = table.set_column(table.column_names.index(name), name, whole)
        return table

    def select(self, plan: Plan, segments: Sequence[Segment]) -> Iterator[pa.RecordBatch]:
        sifter = Sifter(plan)
        parts, order = self._read_in(sifter, segments)
        if len(parts) == 1:
            return self._over(parts, rows(sifter, parts[0]))
        statements = [rows(sifter, part, alone=False) for part in parts]
        return (batch for _, batch in self._together(parts, statements, plan, order))

    def paired(
        self, one: Plan, other: Plan, on: Mapping[str, str], segments: Sequence[Segment]
    ) -> Iterator[pa.RecordBatch]:
        sides = []
        for plan in (one, other):
            sifter = Sifter(plan)
            sides.append(Side(sifter, self._read_in(sifter, segments)[0]))
        if not all(side.parts for side in sides):
            return iter(())
        return self._over([part for side in sides for part in side.parts], paired(sides[0], sides[1], on))

    def updated(self, plan: Plan, before: Sequence[Segment], after: Sequence[Segment]) -> Updated:
        if not before:
            return Updated(iter(()), self.select(plan, after))
        found = compared(plan, before, after, lambda name: str(self.depot.local / _file(OPEN, name)))
        files = [_file(OPEN, name) for name in found.names]
        made = (found.deleted(), found.changed())
        return Updated(*(self._streamed(one, files) if one else iter(()) for one in made))

    def count(self, plan: Plan, segments: Sequence[Segment]) -> Availability:
        sifter, tally = Sifter(plan), Tally(plan.schema)
        cut = plan.first_n or plan.last_n or plan.offset or plan.limit
        rest = []
        for segment in segments:
            share = sifter.share(segment)
            if share and not cut:
                tally.segment(segment)
            elif share is not False:
                rest.append(segment)
        parts, order = self._read_in(sifter, rest)
        if of_series(plan):
            for packed in [part for part in parts if isinstance(part, Packed)]:
                parts.remove(packed)
                periods = periods_asked(sifter, packed.pack)
                for batch in self._over([packed], series(sifter, packed)):
                    tally.series(batch, periods)
        statements = [keys(sifter, part) for part in parts]
        for places, batch in self._together(parts, statements, plan, order):
            tally.rows(places, batch)
        return tally.found()

    def _read_in(self, sifter: Sifter, segments: Sequence[Segment]) -> tuple[list[Part], dict[str, int]]:
        """The parts in which an answer is read, none where there is nothing; the places of all segments."""
        asked = _in_order(segments)
        chosen = [segment for segment in asked if sifter.share(segment) is not False]
        pack = self._packs.of(sifter.plan.schema.dataflow.reference.short) if chosen else None
        order = {segment.name: at for at, segment in enumerate(asked)}
        return parts_of(pack, asked, chosen, self._files), order

    def _together(
        self, parts: Sequence[Part], statements: Sequence[Statement], plan: Plan, order: Mapping[str, int]
    ) -> Iterator[Placed]:
        """What is read in several parts at once."""
        with ExitStack() as opened:
            streams = []
            for part, statement in zip(parts, statements, strict=True):
                places = np.array([order.get(name, -1) for name in part.names])
                streams.append(placed(opened.enter_context(closing(self._over([part], statement))), places))
            yield from cut(merged(streams), plan.offset, plan.limit)

    def without(self, segment: Segment, taken: Sequence[Taken], schema: Schema) -> Segment:
        name = name_of(segment, taken)
        found = self._at_hand(name)
        if found is None:
            with self._deriving:
                found = self._at_hand(name) or self._kept(name) or self._left(name, segment, taken, schema)
                if len(self._derived) >= _AT_HAND:
                    self._derived.clear()
                self._derived[name] = found
        return found

    def _at_hand(self, name: str) -> Segment | None:
        """What is remembered of a derived segment, unless it was swept since."""
        found = self._derived.get(name)
        return found if found and (not found.of or self._is_there(name)) else None

    def _kept(self, name: str) -> Segment | None:
        """A derived segment that is there already: what is known of it is written after its rows."""
        if not self._is_there(name):
            return None
        try:
            with self.depot.open(_known(name)) as file:
                return Segment(**orjson.loads(file.read()))
        except NotFound:
            return None

    def _is_there(self, name: str) -> bool:
        """Here, which costs no call, or in the depot."""
        file = _file(OPEN, name)
        return (self.depot.local / file).is_file() or self.depot.exists(file)

    def _left(self, name: str, segment: Segment, taken: Sequence[Taken], schema: Schema) -> Segment:
        wanted = key_columns(schema)
        try:
            others = ((one, self._read(OPEN, one.by.name, wanted)) for one in taken)
            kept = left(self._read(OPEN, segment.name, wanted), others, schema)
            if kept.all():
                return segment
            whole = self._read(OPEN, segment.name).filter(pa.array(kept))
        except (OSError, NotFound, pa.ArrowException) as fault:
            _log.exception("The segment %s cannot be compared", segment.name)
            raise Unavailable("Part of the data cannot be read now") from fault
        table, found = rest(whole, segment, name, schema)
        self._write(OPEN, name, table)
        with self.depot.writing() as new:
            new.file.write(orjson.dumps(found.as_dict()))
            new.name = _known(name)
        return found

    def sweep(
        self, keep: Callable[[], Iterable[Segment]], age: timedelta = ORPHANED, *, dry: bool = False
    ) -> list[str]:
        before = datetime.now(UTC) - age
        swept = self.depot.sweep(age, dry=dry)
        listed = [file for part in (OPEN, RESTRICTED) for file in self.depot.names(f"{part}/")]
        named = list(keep())  # not before the listing: an old file may have come into the ledger meanwhile
        kept = {_file(part, segment.name) for segment in named for part in (OPEN, RESTRICTED)}
        kept |= {_file(OPEN, segment.name + GONE) for segment in named if segment.deleted}
        for file in listed:
            derived = file.name.startswith(f"{OPEN}/derived/")
            swept_from = before - DERIVED if derived else before
            unused = derived or (file.name.endswith(".parquet") and file.name not in kept)
            if unused and file.written < swept_from:
                swept.append(file.name)
                if not dry:
                    self.depot.remove(file.name)
        return swept if dry else [*swept, *self._packs.sweep({segment.name for segment in named}, age)]

    def forget(self, names: Collection[str], *, dry: bool = False) -> list[str]:
        derived = {
            name: found.of
            for kept in list(self.depot.names(f"{OPEN}/derived/"))
            if kept.name.endswith(".json")
            and (found := self._kept(name := kept.name.removeprefix(f"{OPEN}/").removesuffix(".json")))
        }
        made = [name for name, of in derived.items() if of in names]
        files = [_file(part, name) for name in names for part in (OPEN, RESTRICTED)]
        files += [_file(OPEN, name + GONE) for name in names]
        files += [file for name in made for file in (_file(OPEN, name), _known(name))]
        there = [file for file in files if self.depot.exists(file)]
        for file in () if dry else there:
            self.depot.remove(file)
        return [*there, *self._packs.forget(names, dry=dry)]

    def _write(self, part: str, name: str, table: pa.Table) -> tuple[str, str, int]:
        """The name of the file, its sha256 and its size."""
        with self.depot.writing() as new:
            file = Digested(new.file)
            parquet.write(file, table)
            new.name = _file(part, name)
        return new.name, file.digest, file.size

    def _read(self, part: str, name: str, columns: Sequence[str] | None = None) -> pa.Table:
        with self.depot.holding([_file(part, name)]) as (path,):
            return parquet.read(path, columns)

    def _files(self, segments: Sequence[Segment]) -> Files:
        paths = [str(self.depot.local / _file(OPEN, segment.name)) for segment in segments]
        return Files(segments, paths)

    def _over(self, parts: Sequence[Part], statement: Statement) -> Generator[pa.RecordBatch]:
        """The answer of a statement over `parts`; a pack that fails is left aside from then on."""
        names = dict.fromkeys(name for part in parts if isinstance(part, Files) for name in part.names)
        try:
            yield from self._streamed(statement, [_file(OPEN, name) for name in names])
        except Unavailable:
            for part in parts:
                if isinstance(part, Packed):
                    self._packs.distrust(part.pack)
            raise

    def _streamed(self, statement: Statement, files: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """One cursor per answer, opened at the first batch and closed with the iterator; `files` stay so
        long.
        """
        with ExitStack() as held:
            try:
                held.enter_context(self.depot.holding(files))
            except NotFound as fault:
                _log.exception("A segment is missing")
                raise Unavailable("Part of the data cannot be read now") from fault
            try:
                yield from self._engine.stream(statement)
            except Unavailable:
                with suppress(Unavailable, NotFound):
                    self.depot.renew(files)  # a copy may be damaged: whoever asks next has another
                raise


def files_of(segment: Segment) -> dict[str, str]:
    """The files of a revision by their names in the depot, each with its sha256; "" in ledgers from before
    these were kept.
    """
    if segment.digests:
        return dict(segment.digests)
    names = [_file(OPEN, segment.name), *([_file(RESTRICTED, segment.name)] if segment.restricted else [])]
    names += [_file(OPEN, segment.name + GONE)] if segment.deleted else []
    return dict.fromkeys(names, "")


def _file(part: str, name: str) -> str:
    return f"{part}/{name}.parquet"


def _unreadable(segment: Segment) -> Unavailable:
    _log.exception("The segment %s cannot be read", segment.name)
    return Unavailable(f"Revision {segment.revision} of {segment.agreement} cannot be read now")


def _known(name: str) -> str:
    """The file that says what is known of a derived segment."""
    return f"{OPEN}/{name}.json"


def _in_order(segments: Sequence[Segment]) -> list[Segment]:
    return sorted(
        (segment for segment in segments if segment.observations), key=lambda segment: segment.agreement
    )
