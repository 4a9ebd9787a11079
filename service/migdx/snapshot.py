"""Snapshot: what a release made citable: each dataflow that it touched, whole, as everyone saw it then.

That is the dataflow at `public_from`, of all its providers: what was released before is in it, what came
later is not. The files, SDMX-CSV 2.0 and Parquet, hold open values only. They are made when they are first
asked for and kept, so that their checksums are the same for ever, whatever software comes after; who finds
a list of them (the manifest, written last, and once) finds them all.

A release that was taken back after it began is not forgotten: when and why is told, its files are not given.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, BinaryIO

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from isal import isal_zlib

from .depots import Depot
from .depots.folder import NO_SPACE
from .durable import Digested
from .errors import Gone, NoResults, NoSpace, NotFound
from .exchange import Exchange
from .formats.tables import WRITERS
from .history import MOST_NAMED, History
from .plan import DataSet
from .public import Public
from .query import DataQuery
from .release import Release
from .report import in_best, phrase
from .structures import AgencyScheme, Dataflow
from .urn import parse_short

SUMS = "SHA256SUMS"
CSV, PARQUET = "application/vnd.sdmx.data+csv;version=2.0.0", "application/vnd.apache.parquet"

FOLDER, MANIFEST = "snapshots", "manifest.json"
_GZIP = 31
"""The window by which zlib writes gzip."""

_ROW_GROUP = 100_000
_OTHER = re.compile(r"[^A-Za-z0-9.-]+")


@dataclass(frozen=True)
class File:
    """A file as a reader gets it: its size in bytes and the sha256 of them."""

    name: str
    media_type: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Flow:
    """A dataflow of a snapshot: what it is called, who keeps it, how many observations it showed."""

    urn: str
    names: Mapping[str, str]
    agencies: Mapping[str, str]
    observations: int
    files: tuple[File, ...]


@dataclass(frozen=True)
class Snapshot:
    """The files of a release, which began at `public_from`."""

    release: str
    name: str
    public_from: datetime
    flows: tuple[Flow, ...]

    @property
    def files(self) -> dict[str, File]:
        return {file.name: file for flow in self.flows for file in flow.files}

    @property
    def sums(self) -> bytes:
        """What `sha256sum --check` reads; its own digest stands for all of them."""
        return "".join(f"{file.sha256}  {file.name}\n" for file in self.files.values()).encode()

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.sums).hexdigest()

    def citation(self, url: str, language: str) -> str:
        """Who, when, what, which release, where, and the digest that tells whether it is the same."""
        wanted = (language,)
        agencies = dict.fromkeys(in_best(flow.agencies, wanted) for flow in self.flows)
        return phrase(
            "citation",
            wanted,
            agencies=", ".join(agencies),
            year=self.public_from.year,
            titles="; ".join(in_best(flow.names, wanted) for flow in self.flows),
            release=self.name or self.release,
            date=self.public_from.date().isoformat(),
            url=url,
            sha256=self.sha256,
        )

    @classmethod
    def from_dict(cls, body: Mapping[str, Any]) -> Snapshot:
        flows = tuple(
            Flow(**{**flow, "files": tuple(File(**file) for file in flow["files"])}) for flow in body["flows"]
        )
        return cls(body["release"], body["name"], datetime.fromisoformat(body["public_from"]), flows)


# --- for readers --------------------------------------------------------------------------------------------


def released(public: Public) -> list[Release]:
    """Those that readers may know of, the newest first: public now, or once and withdrawn since."""
    begun = [one for one in public.history.releases if one.begun(public.at)]
    return sorted(begun, key=lambda one: (one.public_from, one.stamp), reverse=True)


def release_for_readers(public: Public, id: str) -> Release:
    """One of those by its id or name; a release that has not begun is not there, like one that never was."""
    found = next((one for one in released(public) if id in (one.id, one.name) and id), None)
    if found is None:
        raise NotFound(f"There is no release {id[:MOST_NAMED]}")
    return found


def snapshot_of(exchange: Exchange, id: str) -> Snapshot:
    """The snapshot of a release that has begun, made now when nobody asked before; Gone when withdrawn.

    It is as everyone sees it, whoever asks.
    """
    exchange = exchange.seen_by()
    release = release_for_readers(exchange.public(), id)
    if release.cancelled:
        reason = f": {release.reason}" if release.reason else ""
        raise Gone(
            f"Release {release.name or release.id} of {release.public_from:%Y-%m-%d} was withdrawn on "
            f"{release.cancelled:%Y-%m-%d}{reason}"
        )
    _refuse_forgotten(exchange.public(release.public_from), release)
    depot = exchange.blobs.depot
    found = _kept(depot, release.id)
    if found is None:
        with exchange.turns.copying():
            if not _kept(depot, release.id):  # whoever was before may have made it
                _make(exchange, release)
        found = _kept(depot, release.id)
    if found is None:
        raise NotFound(f"There is no snapshot of release {release.id}")
    return found


def _refuse_forgotten(public: Public, release: Release) -> None:
    flows = {flow for _, flow in release.revisions}
    forgotten = [one.stamp for (_, flow), one in public.holes.items() if flow in flows]
    if forgotten:
        raise Gone(
            f"Release {release.name or release.id} of {release.public_from:%Y-%m-%d} held data that were "
            f"forgotten on {min(forgotten):%Y-%m-%d}; its files are no longer given"
        )


def holding_forgotten(history: History) -> list[str]:
    """The ids of the releases whose files held what was forgotten since."""
    found = []
    for release in history.releases if history.forgotten else ():
        flows = {flow for _, flow in release.revisions}
        if any(flow in flows for _, flow in Public(history, release.public_from).holes):
            found.append(release.id)
    return found


def pieces(exchange: Exchange, snapshot: Snapshot, file: File, *, packed: bool = False) -> Iterator[bytes]:
    """The bytes of a file; `packed` by gzip, of a CSV."""
    with closing(exchange.blobs.depot.open(_path(snapshot.release, file.sha256))) as source:
        if packed or file.media_type != CSV:
            while piece := source.read(1 << 20):
                yield piece
            return
        unpacked = isal_zlib.decompressobj(_GZIP)
        while piece := source.read(1 << 16):
            yield unpacked.decompress(piece)
        yield unpacked.flush()


# --- how it is made -----------------------------------------------------------------------------------------


def _path(release: str, name: str) -> str:
    return f"{FOLDER}/{release}/{name}"


def _kept(depot: Depot, release: str) -> Snapshot | None:
    try:
        with closing(depot.open(_path(release, MANIFEST))) as file:
            return Snapshot.from_dict(orjson.loads(file.read()))
    except NotFound:
        return None


def _make(exchange: Exchange, release: Release) -> None:
    """Writes the files, then the manifest."""
    depot = exchange.blobs.depot
    if shutil.disk_usage(depot.local).free < exchange.blobs.floor:
        raise NoSpace(NO_SPACE)
    exchange = exchange.as_of(release.public_from)
    public = exchange.public(release.public_from)
    touched = sorted({flow for _, flow in release.revisions})
    flows = tuple(_flow(exchange, public, release, flow) for flow in touched)
    made = Snapshot(release.id, release.name, release.public_from, flows)
    with depot.writing() as new:
        new.file.write(orjson.dumps(asdict(made), option=orjson.OPT_INDENT_2))
        new.name = _path(release.id, MANIFEST)


def _flow(exchange: Exchange, public: Public, release: Release, short: str) -> Flow:
    """One dataflow; without files where it showed nothing."""
    reference = parse_short(short, "Dataflow")
    flow = exchange.registry.schema(reference).dataflow
    query = DataQuery(agencies=(flow.agency,), ids=(flow.id,), versions=(flow.version,))
    stem = _OTHER.sub("_", f"{flow.agency}-{flow.id}-{flow.version}")
    told = _told(flow, release)

    def kept(ending: str, media_type: str, write: Callable[[BinaryIO], tuple[str, int]]) -> File:
        with exchange.blobs.depot.writing() as new:
            digest, size = write(new.file)
            new.name = _path(release.id, digest)
        return File(f"{stem}.{ending}", media_type, size, digest)

    files: list[File] = []
    rows = 0
    try:
        answer = exchange.data(query, public)
        files.append(kept("csv", CSV, lambda file: _csv(file, WRITERS[CSV](answer))))
        (dataset,) = exchange.data(query, public).datasets
        counted = _Counted(dataset.batches)
        files.append(kept("parquet", PARQUET, lambda file: _parquet(file, dataset, counted, told)))
        rows = counted.rows
    except NoResults:
        files = []
    return Flow(flow.urn, dict(flow.names), _agencies(exchange, flow), rows, tuple(files))


def _told(flow: Dataflow, release: Release) -> dict[str, str]:
    """What a Parquet file says of itself."""
    return {
        "sdmx.dataflow": flow.urn,
        "migdx.release": release.id,
        "migdx.release_name": release.name,
        "migdx.public_from": release.public_from.isoformat(),
    }


def _agencies(exchange: Exchange, flow: Dataflow) -> dict[str, str]:
    schemes = exchange.registry.of(AgencyScheme)
    found = next((i for scheme in schemes for i in scheme.items if i.id == flow.agency), None)
    return dict(found.names) if found and found.names else {"en": flow.agency}


def _csv(file: BinaryIO, written: Iterable[bytes]) -> tuple[str, int]:
    """Packed, since many releases keep much the same; digest and size are of what is unpacked."""
    digest, size = hashlib.sha256(), 0
    packer = isal_zlib.compressobj(1, isal_zlib.DEFLATED, _GZIP)
    for piece in written:
        digest.update(piece)
        size += len(piece)
        file.write(packer.compress(piece))
    file.write(packer.flush())
    return digest.hexdigest(), size


def _parquet(
    file: BinaryIO, dataset: DataSet, batches: Iterable[pa.RecordBatch], told: Mapping[str, str]
) -> tuple[str, int]:
    """Dimensions and attributes as texts, measures as numbers: the CSV has those as they were sent."""
    numbers = set(dataset.plan.measures)
    names = [name for name in dataset.plan.columns if not name.startswith("_text_")]
    fields = [pa.field(name, pa.float64() if name in numbers else pa.utf8()) for name in names]
    schema = pa.schema(fields, metadata=dict(told))
    sink = Digested(file)
    writer = pq.ParquetWriter(
        pa.PythonFile(sink, mode="w"), schema, compression="zstd", compression_level=3, version="2.6"
    )
    with writer:
        for group in _groups(batches):
            columns = [group.column(name).cast(field.type) for name, field in zip(names, schema, strict=True)]
            writer.write_table(pa.table(columns, schema=schema), row_group_size=_ROW_GROUP)
    return sink.digest, sink.size


def _groups(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Tables of _ROW_GROUP rows or a batch more; each batch has dictionaries of its own."""
    held: list[pa.RecordBatch] = []
    for batch in batches:
        held.append(batch)
        if sum(one.num_rows for one in held) >= _ROW_GROUP:
            yield _joined(held)
            held = []
    if held:
        yield _joined(held)


def _joined(batches: Sequence[pa.RecordBatch]) -> pa.Table:
    return pa.concat_tables([pa.Table.from_batches([batch]) for batch in batches]).unify_dictionaries()


class _Counted:
    """Batches, and how many rows they had."""

    def __init__(self, batches: Iterable[pa.RecordBatch]) -> None:
        self._batches, self.rows = batches, 0

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        for batch in self._batches:
            self.rows += batch.num_rows
            yield batch
