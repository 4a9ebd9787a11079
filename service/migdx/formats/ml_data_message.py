"""One data message while it is read: data sets, series, observations and what is attached to them.

The grammars (ml_specific_reader.py, ml_generic_reader.py) say what the elements are; here is what they mean.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ..columns import Columns, Part, Places
from ..report import Finding, Place
from .faults import Faults
from .ml_columns import Attached, Growing, Table
from .ml_data_header import Header, Structured
from .ml_events import Attributes, Events, NotPlain
from .ml_plain_tags import Plain
from .parts import Parts

Head = dict[str, str]
Lines = npt.NDArray[np.signedinteger[Any]]

BATCH = 1 << 16
"""How many observations are gathered before they become columns."""

MOST_COMPONENTS = 250
MOST_DATASETS = 10_000
MOST_KEYS = 1000
"""How many sets of components may stand together in groups, of which the reader has to find the rows."""

_SET = frozenset(
    {
        "structureRef",
        "setID",
        "action",
        "reportingBeginDate",
        "reportingEndDate",
        "validFromDate",
        "validToDate",
        "publicationYear",
        "publicationPeriod",
        "dataScope",
    }
)
"""Attributes of a data set that are SDMX's own; some leave out their namespace (SetAttributeGroup)."""


@dataclass
class DataSet:
    """What a data set is of, its first row, and what holds for more than one of its series."""

    part: Part
    structured: Structured
    first: int
    attached: list[Attached] = field(default_factory=list)


class DataMessage:
    """What was found so far.

    `observations` are those that are not columns yet, each as texts by component, and `lines` theirs; a head
    is what stands above observations, their series or nothing.
    """

    def __init__(self) -> None:
        self.format = "SDMX-ML"
        self.header = Header()
        self.events: Events
        self.dataset = DataSet(Part(), Structured(), 0)
        self.observations: list[Attributes] = []
        self.lines: list[int] = []
        self.plain = False
        self.footers: list[tuple[str, Place]] = []
        self._datasets: list[DataSet] = []
        self._columns = Growing()
        self._rows: list[Lines] = []
        self._attached_names = set[str]()
        self._keys = set[tuple[str, ...]]()
        self._plain: Plain | None = None
        self._runs: list[tuple[int, int, int]] = []
        self._marked = 0
        self._heads: list[Head] = [{}]
        self._starts = [0]
        self._series_began = 0
        self._series_line = 0
        self.repeated = Faults()
        self._without_observations = Faults()
        self._without_series = Faults()

    # --- as elements pass ---------------------------------------------------------------------------

    @property
    def received(self) -> int:
        return self._columns.size + self._pending

    @property
    def _pending(self) -> int:
        """Observations that are not columns yet."""
        return self._marked + len(self.observations)

    def begin_dataset(self, attributes: Attributes) -> None:
        """Attributes with and without a namespace; those of the data set's components are attached to it."""
        plain = {id: text for id, text in attributes.items() if id[0] != "{"}
        own = {id.rpartition("}")[2]: text for id, text in attributes.items() if id[0] == "{"}
        own = {**plain, **own}
        structured = self.header.of(own.get("structureRef", ""))
        action = own.get("action", "").strip() or self.header.action
        place = Place(row=self.events.line, given=structured.reference or own.get("structureRef"))
        part = Part(structured.kind, structured.reference, action, place)
        self.dataset = DataSet(part, structured, self.received)
        self._datasets.append(self.dataset)
        self._limit("data sets", len(self._datasets), MOST_DATASETS)
        self._head({})
        self.attach({id: text for id, text in plain.items() if id not in _SET}, {})

    def end_dataset(self) -> None:
        self._head({})

    def begin_series(self, head: Head) -> None:
        """`head`, the texts that stand for all of it, may be filled until its first observation."""
        self._series_began = self.received
        self._series_line = self.events.line
        self._head(head)

    @property
    def series_is_open(self) -> bool:
        """Whether more may be said of the series: its observations are not there yet."""
        return self._series_began == self.received

    def end_series(self) -> None:
        if self.series_is_open:
            self._without_observations.add([Place(row=self._series_line)])
        self._head({})

    def attach(self, values: Mapping[str, str], key: Mapping[str, str] | None = None) -> None:
        """What holds for the rows of this data set that have `key`; None where `values` holds it too."""
        given = {id: text for id, text in values.items() if id[0] != "{"}
        if given:
            self._attached_names.update(given, key or ())
            self._keys.add(tuple(sorted(key if key is not None else given)))
            self._limit("groups", len(self._keys), MOST_KEYS)
            one = Attached(given, self.events.line, key or {}, divided=key is not None)
            self.dataset.attached.append(one)

    def _head(self, head: Head) -> None:
        if self._starts[-1] == self._pending:
            self._heads[-1] = head
        else:
            self._heads.append(head)
            self._starts.append(self._pending)

    def begin_stretch(self, plain: Plain) -> None:
        """Plain tags were taken out of the text that comes; marks in it are their runs."""
        self._plain = plain

    def run(self, number: int) -> None:
        """A mark: here a run of the plain tags belongs."""
        if self._plain is None:
            raise NotPlain
        run = self._plain.runs[number]
        self._runs.append((len(self.observations), run.first, run.size))
        self._marked += run.size

    def end_stretch(self) -> None:
        """What was taken out becomes columns, with what came between; NotPlain where a run has no place."""
        if self._plain is None or len(self._runs) < len(self._plain.runs):
            raise NotPlain
        self._flush(hold=self._runs[-1][0] < len(self.observations))
        self._plain = None

    # --- as observations become columns -------------------------------------------------------------

    def flush(self) -> None:
        """Makes columns of the observations, if they are many; one that is open stays."""
        if len(self.observations) >= BATCH:
            self._flush(hold=True)

    def _flush(self, *, hold: bool = False) -> None:
        """Makes columns of all observations; with `hold`, the last of those that were not marked stays."""
        own = len(self.observations) - hold
        taken, self.observations[:own] = self.observations[:own], []
        ids = dict.fromkeys(id for shape in dict.fromkeys(map(tuple, taken)) for id in shape if id[0] != "{")
        before = bisect_left(self._starts, self._marked + own)
        heads, starts = self._heads[:before], self._starts[:before]
        self._limited(ids, *heads, self._plain.columns if self._plain is not None else ())
        rows = {id: _texts(taken, id) for id in ids}
        lines = np.array(self.lines[:own], np.int32)
        del self.lines[:own]
        if self._plain is not None:
            rows, lines = _mixed(self._plain, self._runs, rows, lines)
        size = self._marked + own
        self._runs, self._marked = [], 0
        self._columns.add(rows, size, heads, starts)
        self._rows.append(lines)
        after = [start - size for start in self._starts[before:]]
        goes_on = heads[-1:] if not after or after[0] else []  # the series of the one that stays
        self._heads, self._starts = goes_on + self._heads[before:], [0] * len(goes_on) + after

    def _limited(self, *names: Iterable[str]) -> None:
        """Raises Refused where there are too many components."""
        every = self._attached_names.union(*names)
        self._limit("components", self._columns.with_names(every), MOST_COMPONENTS)

    def _limit(self, what: str, given: int, limit: int) -> None:
        if given > limit:
            raise self.events.too_large(what, given, limit)

    def done(self) -> Columns:
        """All that was read."""
        self._flush()
        table = self._columns.done()
        parts = Parts(MOST_DATASETS)
        part_of = np.zeros(self.received, np.int64)
        for dataset, rows in zip(self._datasets, self._extents(), strict=True):
            self._attached(table, rows, dataset)
            if rows.start < rows.stop or self.received == 0:
                part_of[rows] = parts.number(dataset.part)
        lines = np.concatenate(self._rows).astype(np.int64)
        if len(lines) and int(lines[-1]) == 1:  # all in one line: it tells nothing
            lines[:] = 0
        return Columns(
            self.format,
            table.done(),
            Places(lines),
            parts.all,
            part_of if len(parts.all) > 1 else None,
            self.received,
            tuple(self._findings()),
        )

    def _extents(self) -> list[slice]:
        starts = [dataset.first for dataset in self._datasets]
        return [slice(a, b) for a, b in zip(starts, [*starts[1:], self.received], strict=False)]

    def _attached(self, table: Table, rows: slice, dataset: DataSet) -> None:
        for one in table.attach(rows, dataset.attached):
            if one.key or rows.start < rows.stop:
                self._without_series.add([Place(row=one.line, key=".".join(one.key.values()))])

    def _findings(self) -> Iterator[Finding]:
        """Faults of the file, then what was left out, then what its sender says of it."""
        if not self.received:
            yield self._nothing()
        else:
            for text, place in self.footers:
                values = {"given": text}
                yield Finding("footer_message", "warning", places=(place,), values=values, blocking=False)
        yield from self.repeated.found(Finding("repeated_component"))
        for name, (count, line) in self.events.unknown.items():
            place = Place(row=line)
            yield Finding(
                "unknown_element", "warning", value=name, count=count, places=(place,), blocking=False
            )
        bare = Finding("series_without_observations", "warning", blocking=False)
        yield from self._without_observations.found(bare)
        yield from self._without_series.found(Finding("group_without_series", "warning", blocking=False))

    def _nothing(self) -> Finding:
        if not self.footers:
            return Finding("no_rows", places=(Place(row=self.events.line),))
        text, place = self.footers[0]
        values = {"given": text, "reason": "only"}
        return Finding("footer_message", count=len(self.footers), places=(place,), values=values)


def _texts(observations: list[Attributes], id: str) -> pa.Array:
    """What the observations say of a component, "" where they say nothing; joined, as that is fastest."""
    try:
        joined = "\0".join(map(itemgetter(id), observations))
    except KeyError:
        joined = "\0".join([observation.get(id, "") for observation in observations])
    data = np.frombuffer(joined.encode(), np.uint8)
    size = len(observations)
    offsets = np.zeros(size + 1, np.int32)
    offsets[1:-1] = np.flatnonzero(data == 0) - np.arange(size - 1)
    offsets[-1] = len(data) - (size - 1)
    text = data[data != 0] if size > 1 else data
    return pa.Array.from_buffers(pa.utf8(), size, [None, pa.py_buffer(offsets), pa.py_buffer(text)])


def _mixed(
    plain: Plain, runs: Sequence[tuple[int, int, int]], rows: dict[str, pa.Array], lines: Lines
) -> tuple[dict[str, pa.Array], Lines]:
    """Columns and lines of plain tags and of the other observations, in the order of the text.

    `runs`: how many of the others stood before, the number of the first plain tag, and how many follow.
    """
    if not len(lines):
        return dict(plain.columns), plain.lines
    order, last = [], 0
    for before, first, size in runs:
        order += [np.arange(last, before) + len(plain.lines), np.arange(first, first + size)]
        last = before
    order.append(np.arange(last, len(lines)) + len(plain.lines))
    places = np.concatenate(order)
    none, others = pa.nulls(len(plain.lines), pa.utf8()), pa.nulls(len(lines), pa.utf8())
    mixed = {
        id: pa.concat_arrays([plain.columns.get(id, none), rows.get(id, others)]).take(pa.array(places))
        for id in (*plain.columns, *rows)
    }
    return mixed, np.concatenate([plain.lines, lines])[places]
