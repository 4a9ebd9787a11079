"""Clocks that are wrong: stamps only grow, whatever the clock of a machine says, and nothing that was public
is hidden again.
"""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import publisher
import pytest
from record import Followed
from test_ledger import url  # noqa: F401 - the fixture
from two_flows import opened, published, seen, submitted
from watching import Publishers

from migdx import history, ledger

pytestmark = pytest.mark.faults

HOURS = (0, -24, 3, -1, 0, -10000, 26, 0)


def test_publishers_whose_clocks_disagree(tmp_path: Path, url: str) -> None:  # noqa: F811
    """Each publishes with a clock of its own, set back or ahead; a reader with the right one sees all."""
    folder, record = tmp_path / "exchange", Followed(tmp_path / "record")
    exchange = opened(folder, url)
    publishers = Publishers(folder, url, tmp_path / "record")
    stamps = []
    for at, hours in enumerate(HOURS):
        publishers.start(
            provider="ONE", seed=at, serial=record.serial + 1, loops=3, cancels=False, clock=hours * 3600
        ).wait()
        record.read()
        assert record.done == 6 * (at + 1), "it failed"
        assert seen(exchange) == {"ONE": record.serial}
        stamps.append(exchange.ledger.history().stamp)
    publishers.close()
    assert stamps == sorted(set(stamps))
    entries = [entry.stamp for entry in exchange.ledger.entries()]
    assert entries == sorted(set(entries))
    assert exchange.ledger.verify() == 3 * 3 * len(HOURS)
    for _, at, shows in record.instants:
        assert seen(exchange, at) == {"ONE": shows}
        assert seen(exchange, at - timedelta(microseconds=1)) == ({"ONE": shows - 1} if shows > 1 else {})
    exchange.close()


@pytest.fixture
def off(monkeypatch: pytest.MonkeyPatch):
    """Sets the clock of this process off by so many seconds."""
    for module in (ledger, history):
        monkeypatch.setattr(module, "datetime", module.datetime)  # and back at the end
    return lambda seconds: publisher.off(timedelta(seconds=seconds))


def test_an_embargo_and_a_clock_that_is_set_back(tmp_path: Path, url: str, off) -> None:  # noqa: F811
    """Before its instant nothing is shown, by no clock; what was public stays so when the clock goes back."""
    exchange = opened(tmp_path, url)
    published(exchange, "ONE", 1)
    ids = [one.id for one in submitted(exchange, "ONE", 2)]
    ends = datetime.now(UTC) + timedelta(seconds=2)
    exchange.release(ids, by="test", public_from=ends)
    for seconds in (0, -3600, -1):
        off(seconds)
        assert seen(exchange) == {"ONE": 1}
    off(0)
    time.sleep(max(0.0, (ends - datetime.now(UTC)).total_seconds()) + 0.01)
    assert seen(exchange) == {"ONE": 2}
    published(exchange, "TWO", 1)  # the ledger has an entry after the embargo
    for seconds in random.Random(2026).choices(range(-100000, 0), k=5):
        off(seconds)
        assert seen(exchange) == {"ONE": 2, "TWO": 1}
    made = published(exchange, "ONE", 3)  # "now" is after the last entry, not an hour of last week
    assert made.public_from > ends
    assert seen(exchange) == {"ONE": 3, "TWO": 1}
    assert seen(exchange, ends) == {"ONE": 2}
    exchange.close()


def test_a_release_that_is_asked_for_in_the_past(tmp_path: Path, url: str, off) -> None:  # noqa: F811
    """What is future by a slow clock and past by the ledger's is now: the past is not rewritten."""
    exchange = opened(tmp_path, url)
    first = published(exchange, "ONE", 1)
    off(-7200)
    ids = [one.id for one in submitted(exchange, "ONE", 2)]
    asked = datetime.now(UTC) - timedelta(hours=1)
    made = exchange.release(ids, by="test", public_from=asked)
    assert made.public_from > first.public_from
    assert seen(exchange, first.public_from) == {"ONE": 1}
    assert seen(exchange) == {"ONE": 2}
    exchange.close()
