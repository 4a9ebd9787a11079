"""SDMX-JSON data messages 1.0, 2.0 and 2.1 as columns of text, with a JSON Pointer to each observation.

SDMX-JSON field guides (sdmx-twg/sdmx-json, data-message); JSON is RFC 8259, which wants UTF-8.

The message is scanned first (json_data_scan.py); then its data sets are parsed piece by piece, so that no
more than a few megabytes stand in memory as objects. Numbers keep the digits that were sent.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, BinaryIO, get_args

import numpy as np
import pyarrow as pa

from ..columns import Columns, Indices, Part, Places, nothing
from ..plan import Action
from ..report import SAMPLE, Finding, Place
from .json_data_groups import Groups, grouped
from .json_data_message import MEMBERS, not_data, root_of, version_of
from .json_data_pieces import Malformed, Pieces, in_utf8, malformed, pointed
from .json_data_records import Chunk, DataSet, Faults, column_of, wrong_index, wrong_key
from .json_data_scan import MANY, Bulk, TooMany
from .json_data_structure import Structure, Structures, text_of, wrong
from .parts import Parts
from .refused import Refused, too_large

_NAME = "SDMX-JSON"
_PARTS = 1000
_ACTIONS = {word.lower(): word for word in get_args(Action)}


def read(file: BinaryIO, job: Mapping[str, Any]) -> Columns:
    """What `file`, read from its beginning, says as SDMX-JSON, and what is wrong with it as a message."""
    file.seek(0)
    data, findings = in_utf8(file.read())
    if not data.strip():
        return nothing(_NAME, Finding("unreadable", values={"reason": "empty"}))
    try:
        with _no_collection():
            return _Reading(data, findings).columns()
    except Malformed as fault:
        return nothing(_NAME, *findings, malformed(data, fault.position))
    except TooMany:
        return nothing(_NAME, *findings, too_large("objects", f"> {MANY}", MANY).finding)
    except Refused as fault:
        return nothing(_NAME, *findings, fault.finding)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Parsed JSON has no cycles, and looking for them takes longer than parsing."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


class _Reading:
    """One message while it is read."""

    def __init__(self, data: bytes, findings: tuple[Finding, ...]) -> None:
        self._findings = list(findings)
        self._faults = Faults()
        self._chunks: list[tuple[Chunk, Indices, int]] = []
        self._parts = Parts(_PARTS)
        self._ids: dict[str, None] = {}
        self._unread: dict[str, str] = {}
        self._received = 0
        self._pieces = Pieces(data)

    def columns(self) -> Columns:
        message = self._pieces.skeleton()
        data, root = root_of(message)
        if finding := not_data(message, data):
            raise Refused(finding)
        self._twice = [_pointer(path) for path in self._pieces.scan.twice]
        structures = Structures(data, root)
        self._findings += structures.findings
        datasets = data["dataSets"]
        if not isinstance(datasets, list) or not all(isinstance(one, dict) for one in datasets):
            raise Refused(wrong("object", f"{root}/dataSets"))
        by_dataset: dict[int, list[Bulk]] = {}
        for bulk in self._pieces.scan.bulks:
            by_dataset.setdefault(bulk.dataset, []).append(bulk)
        for at, said in enumerate(datasets):
            self._dataset(said, f"{root}/dataSets/{at}", at, structures.all, by_dataset.get(at, []))
        return self._done(f"{_NAME} {version_of(message, data)}")

    # --- a data set ---------------------------------------------------------------------------------------

    def _dataset(
        self, said: dict[str, Any], path: str, at: int, all: list[Structure | None], bulks: list[Bulk]
    ) -> None:
        structure = self._structure_of(said, path, at, all)
        if structure is None:
            return
        for name in said.keys() - MEMBERS:
            self._unread.setdefault(name, f"{path}/{pointed(name)}")
        several = [one.id for one in structure.dimensions.get("dataSet", ()) if one.count != 1]
        if several:
            self._findings.append(wrong("one value", path, component=", ".join(several)))
            return
        dataset = DataSet(
            structure,
            path,
            self._constants(said, structure, path),
            self._groups(said, structure, path),
            self._faults,
        )
        part = self._part(said, structure, path)
        for one in (
            *structure.key,
            *structure.measures,
            *(a for level in structure.attributes.values() for a in level),
        ):
            self._ids.setdefault(one.id)
        pieces = self._pieces
        for bulk in bulks:
            for start, stop in bulk.pieces():
                if not (parsed := pieces.parsed(start, stop)):
                    continue
                chunk = dataset.series(parsed) if bulk.name == "series" else dataset.flat(parsed)
                count = len(chunk.keep)
                self._twice += [f"{path}/{one}" for one in pieces.twice(bulk, parsed, start, stop, count)]
                self._add(chunk, pieces.lines(bulk, start, stop, count), part)
        unused = np.flatnonzero(~dataset.groups.used)
        told = [
            *dataset.bare,
            *(f"{path}/dimensionGroupAttributes/{pointed(self._group_names[at])}" for at in unused.tolist()),
        ]
        if told:
            places = tuple(Place(path=one) for one in told[:SAMPLE])
            self._findings.append(
                Finding(
                    "attributes_without_observations",
                    "warning",
                    count=len(told),
                    places=places,
                    blocking=False,
                )
            )
        if dataset.extra:
            self._unread.setdefault("annotations", path)

    def _structure_of(
        self, said: dict[str, Any], path: str, at: int, all: list[Structure | None]
    ) -> Structure | None:
        """The structure that a data set names, the first without one."""
        index = said.get("structure")
        index = 0 if index is None else index
        if type(index) is not int or not 0 <= index < len(all):
            self._findings.append(wrong("structure index", f"{path}/structure"))
            return None
        return all[index]

    def _constants(self, said: dict[str, Any], structure: Structure, path: str) -> dict[str, str]:
        """The attributes of the data set."""
        components = structure.attributes.get("dataSet", ())
        told = said.get("attributes")
        told = told if isinstance(told, list) else []
        found: dict[str, str] = {}
        for at, component in enumerate(components):
            column, bad = column_of(component, told[at : at + 1] or [None])
            if len(bad):
                place = Place(path=f"{path}/attributes/{at}", given=text_of(told[at]))
                self._faults.add(wrong_index(component, [place], 1))
            if text := column[0].as_py():
                found[component.id] = text
        return found

    def _groups(self, said: dict[str, Any], structure: Structure, path: str) -> Groups:
        given = said.get("dimensionGroupAttributes")
        given = given if isinstance(given, dict) else {}
        self._group_names = list(given)
        below = f"{path}/dimensionGroupAttributes"
        rows = [row if isinstance(row, list) else [] for row in given.values()]
        groups, bad = grouped(self._group_names, rows, structure)
        if bad:
            names = [self._group_names[at] for at in bad]
            places = [Place(path=f"{below}/{pointed(name)}", given=name) for name in names[:SAMPLE]]
            self._faults.add(wrong_key(structure.key, places, len(bad)))
        told: dict[str, pa.Array] = {}
        for at, component in enumerate(structure.attributes.get("dimensionGroup", ())):
            values = [row[at] if at < len(row) else None for row in rows]
            told[component.id], wrong_rows = column_of(component, values)
            if len(wrong_rows):
                places = [
                    Place(
                        path=f"{below}/{pointed(self._group_names[row])}/{at}",
                        given=text_of(values[row]),
                    )
                    for row in wrong_rows[:SAMPLE].tolist()
                ]
                self._faults.add(wrong_index(component, places, len(wrong_rows)))
        found = Groups(groups, told, len(rows))
        found.used[bad] = True
        return found

    def _part(self, said: dict[str, Any], structure: Structure, path: str) -> int:
        action = text_of(said.get("action"))
        action = _ACTIONS.get(action.lower(), action)
        number = self._parts.number(Part(structure.kind, structure.reference, action, structure.place))
        if number < 0:
            raise Refused(Finding("too_many_parts", values={"limit": _PARTS}, places=(Place(path=path),)))
        return number

    # --- all together ---------------------------------------------------------------------------------------

    def _add(self, chunk: Chunk, rows: Indices, part: int) -> None:
        self._received += len(chunk.keep)
        if not chunk.keep.all():
            kept = pa.array(np.flatnonzero(chunk.keep))
            columns = {id: column.take(kept) for id, column in chunk.columns.items()}
            paths = tuple(path.take(kept) for path in chunk.paths)
            chunk = Chunk(columns, chunk.keep[chunk.keep], paths)
            rows = rows[np.asarray(kept)]
        self._chunks.append((chunk, rows, part))

    def _done(self, format: str) -> Columns:
        findings = [*self._findings, *self._faults.findings]
        if self._twice:
            findings.append(wrong("member twice", *self._twice))
        if self._unread:
            places = tuple(Place(path=path) for path in list(self._unread.values())[:SAMPLE])
            values = {"given": ", ".join(list(self._unread)[:SAMPLE])}
            count = len(self._unread)
            findings.append(
                Finding(
                    "member_not_read",
                    "information",
                    count=count,
                    places=places,
                    values=values,
                    blocking=False,
                )
            )
        if not self._received and not any(finding.severity == "error" for finding in findings):
            findings.append(Finding("no_rows", values={"reason": "message"}))
        table = pa.table(
            {id: self._column(id) for id in self._ids if any(id in c.columns for c, _, _ in self._chunks)}
        )
        rows = np.concatenate([rows for _, rows, _ in self._chunks] or [np.zeros(0, np.int64)])
        parts = self._parts.all
        part_of = [np.full(len(rows), part, np.int64) for _, rows, part in self._chunks]
        paths = tuple(
            pa.chunked_array([chunk.paths[at] for chunk, _, _ in self._chunks])
            for at in range(3)
            if self._chunks
        )
        return Columns(
            format,
            table,
            Places(rows, paths=paths),
            parts,
            np.concatenate(part_of) if len(parts) > 1 and part_of else None,
            self._received,
            tuple(findings),
        )

    def _column(self, id: str) -> pa.ChunkedArray:
        """All chunks of a component: as indices where each of them has some, else as texts."""
        found = [chunk.columns.get(id) for chunk, _, _ in self._chunks]
        indexed = all(one is None or pa.types.is_dictionary(one.type) for one in found)
        type = pa.dictionary(pa.int32(), pa.utf8()) if indexed else pa.utf8()
        arrays = [
            pa.nulls(len(rows), type) if one is None else one.cast(type)
            for one, (_, rows, _) in zip(found, self._chunks, strict=True)
        ]
        return pa.chunked_array(arrays, type)


def _pointer(path: tuple[str | int, ...]) -> str:
    return "".join(f"/{pointed(str(part))}" for part in path)
