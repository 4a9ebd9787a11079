"""Two providers that report two dataflows, always both in one file: every observation of a revision has the
same value, which tells the provider and the serial number, so that half a state shows.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import small_world

from migdx.blobs import Blobs
from migdx.depots.folder import FolderDepot
from migdx.errors import NoResults
from migdx.exchange import Exchange
from migdx.ledger import Ledger
from migdx.query import DataQuery
from migdx.registry import Registry
from migdx.release import Release
from migdx.sent import Sent
from migdx.stores.segments import SegmentStore
from migdx.structures import DataProviderScheme, Maintainable, Organisation
from migdx.submission import Submission
from migdx.urn import Reference

AREAS = {"ONE": "X", "TWO": "Y"}
DIGITS = {"ONE": 1, "TWO": 2}
"""The last digit of a value says whose it is."""

FLOWS = ("FLOW", "OTHER")
MORE = int(os.environ.get("FAULTS_CODES", "0"))
"""Codes beside those of the small world: for answers that are large."""

YEARS = range(*map(int, os.environ.get("FAULTS_YEARS", "2000-2020").split("-")))
KEYS = tuple((sex, year) for sex in ("_T", "F", "M", *(f"S{at}" for at in range(MORE))) for year in YEARS)
HEAD = "STRUCTURE,STRUCTURE_ID,ACTION,FREQ,REF_AREA,SEX,TIME_PERIOD,OBS_VALUE,OBS_STATUS"
FLOOR = 1 << 20
"""Bytes that blobs leave free."""


def world() -> list[Maintainable]:
    """The small registry with another provider and another dataflow."""
    replaced = ("PA_ONE", "CL_SEX", "DATA_PROVIDERS")
    others = [one for one in small_world.world() if one.id not in replaced]
    sexes = small_world.codelist("CL_SEX", *dict.fromkeys(sex for sex, _ in KEYS))
    providers = tuple(Organisation(id, names={"en": id}) for id in AREAS)
    scheme = DataProviderScheme("DATA_PROVIDERS", "T", "1.0", names={"en": "Providers"}, items=providers)
    other = small_world.flow("OTHER")
    agreed = [
        replace(
            small_world.agreement(f"PA_{provider}{of.id if of is other else ''}", of=of.reference),
            provider=Reference("DataProvider", "T", "DATA_PROVIDERS", "1.0", provider),
        )
        for provider in AREAS
        for of in (small_world.flow(), other)
    ]
    return [*others, sexes, scheme, other, *agreed]


def opened(folder: Path, url: str = "", files: Path | None = None) -> Exchange:
    """An exchange of that world in `folder`, its ledger at `url`, its files there or in `files`."""
    files = files or folder
    folder.mkdir(parents=True, exist_ok=True)
    store = SegmentStore(FolderDepot(files / "segments"), memory="256MB", threads=1)
    ledger = Ledger(url or f"sqlite:///{folder / 'ledger.sqlite'}")
    made = Exchange(Registry(world()), store, ledger, Blobs(FolderDepot(files / "blobs"), FLOOR))
    made.keys = folder / "keys"
    return made


def file_of(provider: str, serial: int, note: str = "") -> bytes:
    """A revision of both dataflows; a `note` makes other bytes of it."""
    tail = f"{AREAS[provider]},{{}},{{}},{serial * 10 + DIGITS[provider]},A"
    rows = (f"dataflow,T:{flow}(1.0),R,A,{tail.format(*key)}" for flow in FLOWS for key in KEYS)
    return "\n".join([HEAD, *rows, note]).encode()


def submitted(exchange: Exchange, provider: str, serial: int) -> tuple[Submission, ...]:
    """A revision of both dataflows, accepted."""
    body = file_of(provider, serial)
    sent = Sent(io.BytesIO(body), len(body), "text/csv", "data.csv", provider)
    submissions, report = exchange.submit(sent, by="test")
    assert [one.verdict for one in submissions] == ["accepted"] * len(FLOWS), report.as_dict()
    return submissions


def published(exchange: Exchange, provider: str, serial: int) -> Release:
    """The same, released."""
    return exchange.release([one.id for one in submitted(exchange, provider, serial)], by="test")


def query(flow: str) -> DataQuery:
    return DataQuery(agencies=("T",), ids=(flow,), versions=("1.0",))


def seen(exchange: Exchange, at: datetime | None = None) -> dict[str, int]:
    """The serial number that each provider shows, both dataflows asked for at one instant."""
    public = exchange.public(at)
    found = []
    for flow in FLOWS:
        try:
            batches = exchange.data(query(flow), public).datasets[0].batches
        except NoResults:
            found.append(whole([]))
            continue
        tables = [(batch.column("REF_AREA"), batch.column("OBS_VALUE")) for batch in batches]
        pairs = (zip(*(column.to_pylist() for column in table), strict=True) for table in tables)
        found.append(whole(pair for part in pairs for pair in part))
    assert found[0] == found[1], f"dataflows of one instant differ: {found}"
    return found[0]


def told(text: str) -> dict[str, int]:
    """The same of one dataflow that was answered as CSV."""
    return whole((row["REF_AREA"], float(row["OBS_VALUE"])) for row in csv.DictReader(io.StringIO(text)))


def whole(rows: Iterable[tuple[str, float]]) -> dict[str, int]:
    """The serial number of each provider in an answer; AssertionError where it is of two revisions, or part
    of one.
    """
    rows = list(rows)
    found: dict[str, int] = {}
    for provider, area in AREAS.items():
        values = [int(value) for there, value in rows if there == area]
        if values:
            assert len(values) == len(KEYS), f"{len(values)} of {len(KEYS)} observations of {provider}"
            assert len(set(values)) == 1, f"revisions are mixed: {sorted(set(values))} of {provider}"
            found[provider], digit = divmod(values[0], 10)
            assert digit == DIGITS[provider], f"{values[0]} is not of {provider}"
    assert len(rows) == len(KEYS) * len(found)
    return found
