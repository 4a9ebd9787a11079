"""Several publish at once, of one provider and of two, and several services start at once."""

from __future__ import annotations

import http.client
import json
import random
import time
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

import pytest
from record import Record
from test_ledger import url  # noqa: F401 - the fixture
from two_flows import FLOWS, file_of, opened, seen
from watching import LATE, Publishers, port_of, settle, started, until, watched

from migdx.ledger_database import UPGRADES

pytestmark = pytest.mark.faults

KILLS = 16
LOOPS = 10


def test_two_providers_are_killed_in_turns(tmp_path: Path, url: str) -> None:  # noqa: F811
    """While one is killed and looked at the other publishes."""
    chance = random.Random(2026)
    with watched(tmp_path / "exchange", url, tmp_path / "record", 2026, http=False) as (exchange, readers):
        record, running = readers.record, {}
        publishers = Publishers(tmp_path / "exchange", url, tmp_path / "record")
        for at in range(KILLS):
            for provider in ("ONE", "TWO"):
                if provider not in running:
                    record.read()
                    running[provider] = publishers.start(provider=provider, seed=at, serial=record.serial + 1)
            done = record.done
            until(lambda done=done: record.read() or record.done > done)
            time.sleep(chance.uniform(0, 0.3))
            victim = chance.choice(("ONE", "TWO"))
            running.pop(victim).kill()
            settle(exchange, readers, victim)
            assert not any(one.ended() for one in running.values())
        for provider, one in running.items():
            one.kill()
            settle(exchange, readers, provider)
        publishers.close()
        readers.stop()
        checked = f"{readers.answers} answers of now and {readers.pasts} of the past checked"
        print(f"{KILLS + len(running)} kills, {record.done} acknowledgements, {checked}")
        assert record.done >= KILLS
        assert readers.answers >= KILLS


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in Record(path).text(0).splitlines()]


def test_two_publishers_of_one_provider(tmp_path: Path, url: str) -> None:  # noqa: F811
    """Whoever is overtaken does it again: no revision is there twice or lost, and each release shows, from
    its stamp on, what it was acknowledged to be of.
    """
    exchange = opened(tmp_path / "exchange", url)
    paths = [tmp_path / "first", tmp_path / "second"]
    publishers = [Publishers(tmp_path / "exchange", url, path) for path in paths]
    running = [
        one.start(provider="ONE", seed=at, serial=1 + 1000 * at, loops=LOOPS, cancels=False)
        for at, one in enumerate(publishers)
    ]
    answers, found = 0, 0
    while not all(one.ended(0.02) for one in running):
        found = seen(exchange).get("ONE", 0)
        begun = {line["serial"] for path in paths for line in lines(path) if line.get("about") == "release"}
        assert found in begun | {0}
        answers += 1
    for one in publishers:
        one.close()
    said = [line for path in paths for line in lines(path) if "did" in line]
    releases = sorted(
        (datetime.fromisoformat(one["at"]), one["serial"]) for one in said if one["did"] == "release"
    )
    assert len(releases) == 2 * LOOPS
    history = exchange.ledger.history()
    numbers = sorted(one.revision for one in history.submissions.values())
    assert numbers == sorted([*range(1, 2 * LOOPS + 1)] * len(FLOWS))
    assert {id for one in said for id in one.get("submissions", ())} == set(history.submissions)
    assert exchange.ledger.verify() == history.seq
    for at, serial in releases:
        assert seen(exchange, at) == {"ONE": serial}
    assert seen(exchange) == {"ONE": releases[-1][1]}
    exchange.close()
    print(f"{2 * LOOPS} revisions, {answers} answers checked")
    assert answers >= 5


def got(port: int, path: str, body: bytes | None = None, kind: str = "application/json"):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LATE)
    headers = {"Authorization": "Bearer T", "Content-Type": kind, "Accept": "application/json"}
    connection.request("POST" if body else "GET", path, body, headers)
    answer = connection.getresponse()
    found = json.loads(answer.read())
    connection.close()
    assert answer.status in (200, 201), found
    return found


@pytest.mark.parametrize("round", range(2))
def test_two_starts_at_once(tmp_path: Path, url: str, round: int) -> None:  # noqa: F811
    """On an empty folder: both serve, over one ledger with one key; what one takes the other gives."""
    with ExitStack() as stack:
        services = [stack.enter_context(started(tmp_path, url)) for _ in range(2)]
        first, second = (port_of(service) for service in services)
        assert got(first, "/keys") == got(second, "/keys")
        submissions = got(first, "/submissions?provider=ONE", file_of("ONE", 1), "text/csv")
        ids = [one["id"] for one in got(second, "/submissions")["submissions"]]
        assert len(ids) == len(FLOWS), submissions
        got(second, "/releases", json.dumps({"submissions": ids}).encode())
        exchange = opened(tmp_path, url)
        assert seen(exchange) == {"ONE": 1}
        assert len(exchange.ledger.history().keys) == 1
        assert exchange.ledger.verify() == exchange.ledger.history().seq
        with exchange.ledger._engine.connect() as connection:
            numbers = (
                connection.exec_driver_sql("SELECT number FROM ledger_upgrades ORDER BY number")
                .scalars()
                .all()
            )
        assert numbers == sorted(UPGRADES)
        exchange.close()
