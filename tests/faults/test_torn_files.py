"""What a crash or a bad disk leaves of files: halves that nobody names, and parts that are gone. What is
shown is what was filed, or the answer is that it cannot be read; never something else.
"""

from __future__ import annotations

import random
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from record import Followed
from test_full_disks import left
from two_flows import FLOWS, opened, published, query, seen, submitted, told
from watching import CSV, Publishers, until

from migdx.errors import Unavailable
from migdx.exchange import Exchange
from migdx.query import parse_keys
from migdx.sweeping import sweep
from migdx.web import create_app

pytestmark = pytest.mark.faults

CUTS = 60


def segment(exchange: Exchange, provider: str, flow: str = "FLOW") -> Path:
    """The open file of what a provider shows of a dataflow."""
    shown = exchange.public().submissions(f"T:{flow}(1.0)")
    (found,) = [one.segment for one in shown if one.provider == provider]
    assert found
    return exchange.store.depot.local / "open" / f"{found.name}.parquet"


def test_halves_that_nobody_names(tmp_path: Path) -> None:
    """Drafts, a segment and a blob that took their names before the crash, half a segment among them."""
    exchange = opened(tmp_path)
    published(exchange, "ONE", 1)
    whole = segment(exchange, "ONE")
    content = whole.read_bytes()
    for at, part in enumerate(("segments", "segments/open", "blobs")):
        (tmp_path / part / f".0123456789abcde{at}.draft").write_bytes(content[:1000])
    whole.with_name("PA_ONE-2-0123456789ab.parquet").write_bytes(content)
    whole.with_name("PA_ONE-3-0123456789ab.parquet").write_bytes(content[:500])
    exchange.close()
    again = opened(tmp_path)
    assert seen(again) == {"ONE": 1}
    published(again, "ONE", 2)
    assert seen(again) == {"ONE": 2}
    assert not sweep(again)  # they may be on their way
    assert len(sweep(again, timedelta(0))) == 5
    assert left(again) == 0
    assert seen(again) == {"ONE": 2}
    again.close()


@pytest.mark.parametrize("damage", ["empty", "half", "tail", "gone", "noise"])
def test_a_part_that_is_gone(tmp_path: Path, damage: str) -> None:
    """A segment that the ledger names: what needs it cannot be read now; the rest can, and the ledger is
    sound.
    """
    exchange = opened(tmp_path)
    for provider in ("ONE", "TWO"):
        published(exchange, provider, 1)
    path = segment(exchange, "ONE")
    exchange.close()
    content, chance = path.read_bytes(), random.Random(2026)
    path.unlink() if damage == "gone" else path.write_bytes(
        {"empty": b"", "half": content[: len(content) // 2], "tail": content[:-1]}.get(
            damage, chance.randbytes(len(content))
        )
    )
    exchange = opened(tmp_path)
    assert exchange.ledger.verify() == exchange.ledger.history().seq
    with pytest.raises(Unavailable):
        seen(exchange)
    client = create_app(exchange, token="T", demo=False).test_client()
    address = "/sdmx/v2/data/dataflow/T/{}/1.0/{}"
    assert client.get(address.format("FLOW", "*"), headers={"Accept": CSV}).status_code == 503
    assert told(client.get(address.format("OTHER", "*"), headers={"Accept": CSV}).text) == {
        "ONE": 1,
        "TWO": 1,
    }
    other = replace(query("FLOW"), keys=parse_keys("A.Y.*"))
    rows = [row for batch in exchange.data(other).datasets[0].batches for row in batch.to_pylist()]
    assert {(row["REF_AREA"], row["OBS_VALUE"]) for row in rows} == {("Y", 12.0)}
    published(exchange, "TWO", 2)  # others publish
    exchange.close()


def test_the_writer_is_told_of_a_part_that_is_gone(tmp_path: Path) -> None:
    """What is folded onto a revision that cannot be read is refused, not filed without it."""
    exchange = opened(tmp_path)
    published(exchange, "ONE", 1)
    segment(exchange, "ONE").write_bytes(b"")
    before = exchange.ledger.history().seq
    with pytest.raises(Unavailable):
        submitted(exchange, "ONE", 2)
    assert exchange.ledger.history().seq == before
    exchange.close()


@pytest.mark.parametrize("damage", ["cut", "noise"])
def test_the_log_of_the_ledger_is_torn(tmp_path: Path, damage: str) -> None:
    """The tail of SQLite's write-ahead log is lost or nonsense: what is before it is served whole, as of the
    last transaction that is there.
    """
    folder, record = tmp_path / "exchange", Followed(tmp_path / "record")
    publishers = Publishers(folder, "", tmp_path / "record")
    running = publishers.start(provider="ONE", seed=1, serial=1, cancels=False)
    until(lambda: record.read() or record.done >= 12)
    running.kill()
    publishers.close()
    record.read()
    log = folder / "ledger.sqlite-wal"
    content, chance = log.read_bytes(), random.Random(2026)
    last, shown, lengths = {}, set(), set()
    for cut in sorted(chance.sample(range(len(content)), CUTS)):
        copy = tmp_path / f"{damage}-{cut}"
        shutil.copytree(folder, copy)
        (copy / "ledger.sqlite-shm").unlink()
        rest = b"" if damage == "cut" else chance.randbytes(len(content) - cut)
        (copy / "ledger.sqlite-wal").write_bytes(content[:cut] + rest)
        exchange = opened(copy)
        length = exchange.ledger.verify()
        assert length == exchange.ledger.history().seq
        assert len(exchange.ledger.history().submissions) % len(FLOWS) == 0
        found = seen(exchange).get("ONE", 0)
        assert last.get("ONE", 0) <= found <= record.serial  # the longer the log, the later
        last, shown, lengths = {"ONE": found}, {*shown, found}, {*lengths, length}
        serial = record.serial + 1
        published(exchange, "ONE", serial)
        assert seen(exchange) == {"ONE": serial}
        exchange.close()
        shutil.rmtree(copy)
    print(f"{CUTS} torn logs, {len(lengths)} lengths of the ledger")
    assert len(shown) >= 4
