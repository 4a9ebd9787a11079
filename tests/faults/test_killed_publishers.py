"""kill -9 of publishers, at random instants and at steps that make something durable, while others read: what
was acknowledged is served, what was not is all there or not at all, and every answer is of one instant.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from record import Followed
from test_ledger import url  # noqa: F401 - the fixture
from watching import Publishers, Readers, Running, settle, watched

from migdx.exchange import Exchange
from migdx.sweeping import sweep

pytestmark = pytest.mark.faults

KILLS, PARTS = 36, 3
"""Kills by time in each part; parts for each database: 216 in all."""

STEPS = 24
"""Kills at steps of the program in each of four parts."""


class Trial:
    """An exchange whose publisher is killed again and again."""

    def __init__(self, folder: Path, ledger: str, exchange: Exchange, readers: Readers, seed: int) -> None:
        self.folder, self.exchange, self.readers, self.record = folder, exchange, readers, readers.record
        self.chance = random.Random(seed)
        self.publishers = Publishers(folder, ledger, folder.parent / "record")
        self.kills = 0

    def start(self, **how: object) -> Running:
        self.record.read()
        return self.publishers.start(
            provider="ONE", seed=self.chance.randrange(1 << 30), serial=self.record.serial + 1, **how
        )

    def after_kill(self) -> None:
        """The judge's look, with what a crash left swept away now and then."""
        self.kills += 1
        settle(self.exchange, self.readers, "ONE")
        if self.kills % 9 == 0:
            swept_clean(self.exchange, self.folder)


def swept_clean(exchange: Exchange, folder: Path) -> int:
    """Sweeps; then there are no drafts, and no segment that the ledger does not name."""
    swept = sweep(exchange, timedelta(0))
    named = {one.segment.name for one in exchange.ledger.history().submissions.values() if one.segment}
    there = {path.relative_to(folder / "segments/open").with_suffix("").as_posix() for path in
             (folder / "segments/open").rglob("*.parquet")}  # fmt: skip
    assert there == named
    assert not list(folder.rglob(".*.draft"))
    return len(swept)


@pytest.fixture
def trial(tmp_path: Path, url: str, request: pytest.FixtureRequest) -> Iterator[Trial]:  # noqa: F811
    part = request.node.callspec.params.get("part", 0)
    seed = 1000 * part + sum(request.node.name.encode())
    print(f"seed {seed}")
    folder = tmp_path / "exchange"
    with watched(folder, url, tmp_path / "record", seed, http=part == 0) as (exchange, readers):
        made = Trial(folder, url, exchange, readers, seed)
        yield made
        made.publishers.close()
        readers.stop()
    record: Followed = readers.record
    print(f"{made.kills} kills, {record.done} acknowledgements, {readers.answers} answers of now and "
          f"{readers.pasts} of the past checked")  # fmt: skip
    assert made.kills >= 10
    assert record.done > made.kills // 2
    assert readers.answers >= made.kills
    assert readers.pasts


@pytest.mark.parametrize("part", range(PARTS))
def test_killed_at_random_instants(trial: Trial, part: int) -> None:
    once = 0.2
    for _ in range(KILLS):
        done = trial.record.done
        began, running = time.monotonic(), trial.start()
        if trial.chance.random() < 0.8:  # the others are killed while they start
            while trial.record.serial <= 0 or trial.record.done == done:
                trial.record.read()
                assert not running.ended()
                time.sleep(0.001)
        time.sleep(trial.chance.uniform(0, 2 * once))
        running.kill()
        trial.after_kill()
        made = trial.record.done - done
        once = 0.5 * once + 0.5 * min(2.0, 2 * (time.monotonic() - began) / max(2, made))
    assert trial.kills == KILLS


@pytest.mark.parametrize("every", [False, True], ids=["durable", "every"])
def test_killed_at_every_step(trial: Trial, every: bool) -> None:
    trial.start(loops=1, cancels=False, every=every, count=True).wait()
    trial.record.read()
    steps = trial.record.steps[0] * (2 if every else 1)  # a release is few of all calls: more than one round
    kinds = set()
    for at in range(STEPS):
        low, high = 1 + steps * at // STEPS, steps * (at + 1) // STEPS
        running = trial.start(dies=trial.chance.randint(low, high), every=every, cancels=False)
        running.wait()
        trial.record.read()
        kinds.add(trial.record.doubt.get("ONE", {}).get("about"))
        trial.after_kill()
    assert trial.kills == STEPS
    assert kinds >= ({"submit"} if every else {"submit", "release"}), kinds
