"""A disk that is full, and one that is read-only: submissions are told so and change nothing, reads go on,
and when there is room again so do submissions. Needs root, who may mount a small disk.
"""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from test_ledger import missing
from two_flows import file_of, opened, published, seen, submitted, told
from watching import CSV

from migdx.errors import NoSpace, Unavailable
from migdx.exchange import Exchange
from migdx.sweeping import sweep
from migdx.web import create_app

pytestmark = pytest.mark.faults

PAGE = 4096
SIZE = 16 << 20
ROOMS = 40
TOKEN = {"Authorization": "Bearer T"}
DATA = "/sdmx/v2/data/dataflow/T/FLOW/1.0/*"


def mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True, capture_output=True, text=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """The folder of a disk in memory of SIZE bytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.getuid() != 0:
        missing("only root may mount a small disk")
    try:
        mount("-t", "tmpfs", "-o", f"size={SIZE}", "none", str(folder))
    except subprocess.CalledProcessError as fault:
        missing(f"a small disk cannot be mounted here: {fault.stderr}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def room(disk: Path, pages: int) -> Iterator[None]:
    """So many pages are left of a disk."""
    state = os.statvfs(disk)
    ballast = disk / "ballast"
    try:
        with ballast.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, state.f_bavail * state.f_frsize - pages * PAGE)
        assert os.statvfs(disk).f_bavail == pages
        yield
    finally:
        ballast.unlink()


def unlimited(folder: Path, files: Path | None = None) -> Exchange:
    """It writes until the disk is full: no room is kept free."""
    exchange = opened(folder, files=files)
    exchange.blobs.floor = 0
    return exchange


def left(exchange: Exchange) -> int:
    """What a failed submission left, after a sweep: nothing but blobs, which may be on their way again."""
    sweep(exchange, timedelta(0))
    named = [one.segment.name for one in exchange.ledger.history().submissions.values() if one.segment]
    there = list((exchange.store.depot.local / "open").rglob("*.parquet"))
    drafts = [
        path for part in (exchange.store.depot, exchange.blobs.depot) for path in part.local.rglob(".*.draft")
    ]
    return len(there) - len(named) + len(drafts)


def test_full_at_every_write(disk: Path) -> None:
    """However much room there is, a submission is there and acknowledged, or refused and not there at all."""
    chance = random.Random(2026)
    exchange = unlimited(disk)
    published(exchange, "ONE", 1)
    shown, reasons, rooms = 1, [], sorted(chance.sample(range(400), ROOMS - 20)) + list(range(20))
    for serial, pages in enumerate(rooms, 2):
        before, past = exchange.ledger.history(), shown
        with room(disk, pages):
            try:
                published(exchange, "ONE", serial)
                shown = serial
            except NoSpace as fault:
                reasons.append(str(fault))
            assert seen(exchange) == {"ONE": shown}
        history = exchange.ledger.history()
        assert exchange.ledger.verify() == history.seq
        assert len(history.submissions) - len(before.submissions) in (0, 2)
        assert seen(exchange, before.stamp) == {"ONE": past}
        assert left(exchange) == 0
    published(exchange, "ONE", 1000)
    assert seen(exchange) == {"ONE": 1000}
    exchange.close()
    print(f"{len(rooms)} disks with little room, {len(reasons)} refusals: {sorted(set(reasons))}")
    assert any(reason.startswith("There is no space left") for reason in reasons)
    assert 10 < len(reasons) < len(rooms)


def test_what_a_client_is_told(disk: Path, tmp_path: Path) -> None:
    exchange = opened(tmp_path / "ledger", files=disk)
    published(exchange, "ONE", 1)
    client = create_app(exchange, token="T", demo=False).test_client()
    with room(disk, 100):  # less than is kept free
        answer = client.post(
            "/submissions?provider=ONE", data=file_of("ONE", 2), headers=TOKEN, content_type="text/csv"
        )
        assert answer.status_code == 507, answer.text
        assert told(client.get(DATA, headers={"Accept": CSV}).text) == {"ONE": 1}
        assert seen(exchange) == {"ONE": 1}
    answer = client.post(
        "/submissions?provider=ONE", data=file_of("ONE", 2), headers=TOKEN, content_type="text/csv"
    )
    assert answer.status_code == 201, answer.text
    assert len(exchange.ledger.history().submissions) == 4
    exchange.close()


def test_the_disk_of_the_ledger_is_full(disk: Path, tmp_path: Path) -> None:
    """The files have room, the ledger has none: nothing of a submission or release is there."""
    exchange = opened(disk, files=tmp_path / "files")
    published(exchange, "ONE", 1)
    ids = [one.id for one in submitted(exchange, "ONE", 2)]
    before, refused = exchange.ledger.history(), 0
    for pages in (0, 1, 2):
        with room(disk, pages):
            for serial in range(3, 20):
                try:
                    submitted(exchange, "ONE", serial)
                except NoSpace as fault:
                    refused += str(fault).startswith("The ledger cannot be written now")
                    break
            now = exchange.ledger.history()
            with pytest.raises(NoSpace, match="ledger"):  # noqa: PT012 - a page may have room for one or two
                for _ in range(50):
                    exchange.release(ids, by="test")
            assert len(exchange.ledger.history().submissions) == len(now.submissions)
            assert seen(exchange) in ({"ONE": 1}, {"ONE": 2})
            assert left(exchange) == 0
    assert refused == 3
    assert exchange.ledger.history().seq >= before.seq
    published(exchange, "ONE", 30)
    assert seen(exchange) == {"ONE": 30}
    exchange.close()
    again = opened(disk, files=tmp_path / "files")
    assert again.ledger.verify() == again.ledger.history().seq
    again.close()


def test_a_disk_that_becomes_read_only(disk: Path, tmp_path: Path) -> None:
    exchange = opened(tmp_path / "ledger", files=disk)
    published(exchange, "ONE", 1)
    seq = exchange.ledger.history().seq
    client = create_app(exchange, token="T", demo=False).test_client()
    mount("-o", "remount,ro", str(disk))
    with pytest.raises(NoSpace):
        published(exchange, "ONE", 2)
    answer = client.post(
        "/submissions?provider=ONE", data=file_of("ONE", 2), headers=TOKEN, content_type="text/csv"
    )
    assert answer.status_code == 507, answer.text
    assert seen(exchange) == {"ONE": 1}
    assert told(client.get(DATA, headers={"Accept": CSV}).text) == {"ONE": 1}
    fresh = opened(tmp_path / "ledger", files=disk)  # one that starts now
    assert seen(fresh) == {"ONE": 1}
    fresh.close()
    assert exchange.ledger.history().seq == seq
    mount("-o", "remount,rw", str(disk))
    published(exchange, "ONE", 3)
    assert seen(exchange) == {"ONE": 3}
    exchange.close()


def test_a_ledger_on_a_disk_that_became_read_only(disk: Path, tmp_path: Path) -> None:
    """One that starts there says why it cannot; the same goes on when the disk may be written."""
    exchange = opened(disk, files=tmp_path / "files")
    published(exchange, "ONE", 1)
    exchange.close()
    mount("-o", "remount,ro", str(disk))
    with pytest.raises(Unavailable, match="ledger cannot be"):
        opened(disk, files=tmp_path / "files")
    mount("-o", "remount,rw", str(disk))
    exchange = opened(disk, files=tmp_path / "files")
    published(exchange, "ONE", 2)
    assert seen(exchange) == {"ONE": 2}
    exchange.close()
