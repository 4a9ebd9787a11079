"""An exchange whose files are in a bucket: published, restarted, shared, cut off, swept and served."""

from __future__ import annotations

import http.client
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from conftest import FRANCE, GERMANY, flow_csv, flow_row, publish, sent, serving
from object_store import Door, environment, new_bucket
from test_depots import door, s3  # noqa: F401
from test_ledger import url  # noqa: F401

from migdx import exchange as exchanges
from migdx.depots.folder import FolderDepot
from migdx.errors import NoResults, Unavailable
from migdx.exchange import Exchange
from migdx.history import History
from migdx.query import DataQuery
from migdx.settings import Settings
from migdx.stores import ORPHANED, Segment
from migdx.stores.segments import SegmentStore
from migdx.sweeping import sweep

pytestmark = pytest.mark.faults

QUERY = "dataflow/MIGDX/DF_MIG_FLOW/1.0.0/*"
AT_ONCE = timedelta(seconds=-1)

Opened = Callable[..., Exchange]


@pytest.fixture
def opened(door: Door, tmp_path: Path) -> Iterator[Opened]:  # noqa: F811
    """Exchanges of one bucket and one ledger, each as on a machine with a folder of its own."""
    files, made = f"s3://{new_bucket(door.goal)}/migdx", []

    def open_one(machine: str = "one", ledger: str = "") -> Exchange:
        at = ledger or f"sqlite:///{tmp_path / 'ledger.sqlite'}"
        made.append(Exchange.open(Settings(tmp_path / machine, ledger=at, files=files)))
        return made[-1]

    yield open_one
    for one in made:
        one.close()


def query() -> DataQuery:
    return DataQuery(ids=("DF_MIG_FLOW",))


def rows(exchange: Exchange) -> int:
    (dataset,) = exchange.data(query()).datasets
    return sum(batch.num_rows for batch in dataset.batches)


def cached(exchange: Exchange) -> list[str]:
    local = exchange.store.depot.local
    return sorted(path.relative_to(local).as_posix() for path in local.rglob("*.parquet"))


def names(exchange: Exchange) -> list[str]:
    return sorted(
        file.name for depot in (exchange.store.depot, exchange.blobs.depot) for file in depot.names()
    )


def test_published_restarted_and_shared(opened: Opened, url: str, tmp_path: Path) -> None:  # noqa: F811
    one, two = opened("one", url), opened("two", url)
    with pytest.raises(NoResults):
        rows(two)
    publish(one, "FRA", FRANCE)
    assert rows(one) == rows(two) == len(FRANCE)
    publish(two, "DEU", GERMANY)
    assert rows(one) == len(FRANCE) + len(GERMANY)
    before = names(one)
    assert any(name.startswith("restricted/") for name in before)
    assert not any(name.startswith("restricted/") for name in cached(two))
    one.close()
    shutil.rmtree(tmp_path / "one")
    again = opened("one", url)
    assert cached(again) == []
    assert rows(again) == len(FRANCE) + len(GERMANY)
    for submission in again.ledger.history().submissions.values():
        assert again.report(submission.id)["verdict"] == "accepted"
    publish(again, "FRA", [flow_row("250", "IMMIG", "380", 2020, 1)])  # folded onto what is fetched
    assert rows(two) == len(FRANCE) + len(GERMANY) + 1
    assert sweep(again, AT_ONCE) == []
    assert set(before) <= set(names(two))


def test_a_bucket_that_is_away(opened: Opened, door: Door) -> None:  # noqa: F811
    one, empty = opened("one"), opened("empty")
    publish(one, "FRA", FRANCE)
    assert rows(one) == len(FRANCE)
    before, seq = names(one), one.ledger.history().seq
    door.shut()
    assert rows(one) == len(FRANCE)
    with pytest.raises(Unavailable, match="cannot be read now"):
        rows(empty)
    with pytest.raises(Unavailable):
        one.submit(sent(flow_csv(*GERMANY), "DEU"), by="test")
    assert one.ledger.history().seq == seq
    door.open()
    assert names(one) == before
    assert rows(empty) == len(FRANCE)
    publish(one, "DEU", GERMANY)


def test_a_damaged_copy_fails_once(opened: Opened) -> None:
    one = opened("one")
    publish(one, "DEU", GERMANY)
    (copy,) = cached(one)
    (one.store.depot.local / copy).write_bytes(b"PAR1 damaged")
    with pytest.raises(Unavailable, match="cannot be read now"):
        rows(one)
    assert rows(one) == len(GERMANY)


# --- sweeping ---------------------------------------------------------------------------------------------


def orphan(exchange: Exchange) -> list[str]:
    """What a crash between the segment and its entry leaves."""
    before = set(names(exchange))
    with pytest.raises(RuntimeError):
        exchange.file(sent(flow_csv(*FRANCE), "FRA"), by="test", accept="all", before=_crash)
    return sorted(name for name in set(names(exchange)) - before if name.endswith(".parquet"))


def _crash(_: object) -> None:
    raise RuntimeError


def test_orphans_are_swept_and_nothing_else(exchange: Exchange) -> None:
    publish(exchange, "DEU", GERMANY)
    kept = names(exchange)
    lost = orphan(exchange)
    assert len(lost) == 2
    assert sweep(exchange) == []  # younger than a day
    assert sorted(sweep(exchange, AT_ONCE, dry=True)) == lost
    assert set(lost) <= set(names(exchange))
    assert sorted(sweep(exchange, AT_ONCE)) == lost
    assert set(kept) <= set(names(exchange))
    assert rows(exchange) == len(GERMANY)


def test_opening_lists_and_sweeps_nothing(
    exchange: Exchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that starts must not walk through a bucket of millions of files."""

    def listed(*_: object) -> Iterator[None]:
        raise AssertionError

    monkeypatch.setattr(FolderDepot, "names", listed)
    Exchange.open(tmp_path / "exchange").close()


def test_what_comes_into_the_ledger_while_files_are_listed_is_kept(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However old: history read before the listing would not name it."""
    publish(exchange, "DEU", GERMANY)
    (segment,) = (s.segment for s in exchange.ledger.history().submissions.values())
    assert isinstance(segment, Segment)
    store, entered = exchange.store, []
    assert isinstance(store, SegmentStore)
    real = FolderDepot.names

    def slow(self: FolderDepot, prefix: str = "") -> Iterator[object]:
        yield from real(self, prefix)
        if prefix == "open/":
            entered.append(segment)

    monkeypatch.setattr(FolderDepot, "names", slow)
    assert store.sweep(lambda: entered, AT_ONCE) == []
    assert rows(exchange) == len(GERMANY)


def test_a_submission_that_took_too_long_is_made_again(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its machine slept: another may have swept the segments."""
    real, now, late, made = exchanges.filed, History.now, [timedelta()], []

    def slept(*given: object, **more: object) -> object:
        answer = real(*given, **more)
        made.append(answer[0][0].segment.name)
        late[0] = ORPHANED
        return answer

    monkeypatch.setattr(exchanges, "filed", slept)
    monkeypatch.setattr(History, "now", lambda history: now(history) + late[0])
    (submission,), _ = exchange.submit(sent(flow_csv(*GERMANY), "DEU"), by="test")
    assert len(made) == 2
    assert submission.segment
    assert submission.segment.name == made[1]


def test_the_command(run: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    folder = tmp_path / "data"
    made = Exchange.open(folder)
    (lost,) = orphan_files = [name for name in orphan(made) if name.startswith("open/")]
    made.close()
    for path in (folder / "segments").rglob("*.parquet"):
        os.utime(path, (time.time() - 90_000,) * 2)  # 25 hours
    assert run("--data", folder, "sweep", "--older-than", "26h")[:2] == (0, "0 files were removed\n")
    assert run("--data", folder, "sweep", "--dry-run")[1].endswith("2 files would be removed\n")
    assert (folder / "segments" / lost).is_file()
    status, said, _ = run("--data", folder, "sweep")
    assert (status, said.splitlines()[0], len(orphan_files)) == (0, lost, 1)
    assert not (folder / "segments" / lost).exists()
    for age in ("", "1", "-1d", "1w", "999999d", "d", "１d", "1d\n", "1.5h"):
        status, _, told = run("--data", folder, "sweep", f"--older-than={age}")
        assert (status, "is no age" in told) == (2, True)


# --- served -----------------------------------------------------------------------------------------------


@pytest.mark.faults
def test_served_from_a_bucket(
    door: Door,  # noqa: F811
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Workers are forked from a process that used the bucket; what they read while it is away is cached."""
    caplog.set_level(logging.WARNING)
    settings = {**environment(door.port), "MIGDX_FILES": f"s3://{new_bucket(door.goal)}/migdx"}
    with serving(tmp_path / "one", **settings) as port:

        def asked(method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
            line = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
            line.request(
                method, path, body, {name.replace("_", "-"): value for name, value in headers.items()}
            )
            answer = line.getresponse()
            content = answer.read()
            line.close()
            return answer.status, content

        def submit(provider: str, rows: list[str]) -> tuple[int, bytes]:
            path, body = f"/submissions?provider={provider}", flow_csv(*rows)
            return asked("POST", path, body, Authorization="Bearer T", Content_Type="text/csv")

        status, told = submit("FRA", FRANCE)
        assert status == 201, told
        made = Exchange.open(Settings(tmp_path / "one", files=settings["MIGDX_FILES"]))
        made.release(list(made.ledger.history().submissions), by="test")
        made.close()
        path = f"/sdmx/v2/data/{QUERY}?c[TIME_PERIOD]=2018"
        assert asked("GET", path, Accept="text/csv")[0] == 200
        door.shut()
        status, told = submit("DEU", GERMANY)
        assert status == 503, told
        assert b"cannot be read now" in told
        assert asked("GET", f"{path},2019", Accept="text/csv")[0] == 200
        door.open()
        time.sleep(1.5)  # migdx.depots.bucket.REST
        assert submit("DEU", GERMANY)[0] == 201
