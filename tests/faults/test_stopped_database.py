"""PostgreSQL is stopped in the middle of a transaction, and started again: nothing acknowledged is lost, and
publishing goes on without a new start of the service.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from own_postgresql import Server, own_server
from two_flows import opened, published, seen, submitted
from watching import until

from migdx.errors import Unavailable
from migdx.exchange import Exchange
from migdx.ledger import Ledger

pytestmark = pytest.mark.faults

STOPS = 6


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with own_server() as running:
        yield running


@pytest.fixture
def database(server: Server, request: pytest.FixtureRequest) -> str:
    """The address of a schema of its own."""
    import psycopg

    schema = f"s{abs(hash(request.node.name))}"
    address = server.url.replace("+psycopg", "")
    with psycopg.connect(address) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
    return f"{server.url}?options=-csearch_path%3D{schema}"


def restarted(server: Server) -> None:
    server.stop()
    server.start()


def test_stopped_while_a_transaction_is_open(server: Server, database: str, tmp_path: Path) -> None:
    exchange = opened(tmp_path, database)
    published(exchange, "ONE", 1)
    before = exchange.ledger.history()
    ids = [one.id for one in submitted(exchange, "ONE", 2)]
    with pytest.raises(Unavailable), exchange.ledger.writing() as book:  # noqa: PT012
        book.append("submission", exchange.submission(ids[0]).as_dict() | {"id": "x"})
        restarted(server)
        book.append("submission", exchange.submission(ids[0]).as_dict() | {"id": "y"})
    assert exchange.ledger.verify() == before.seq + 2
    assert seen(exchange) == {"ONE": 1}
    exchange.release(ids, by="test")
    assert seen(exchange) == {"ONE": 2}
    exchange.close()


def test_stopped_before_the_commit(server: Server, database: str, tmp_path: Path) -> None:
    """The connection breaks at the commit: the ledger looks whether it is there, and says that it is not."""
    exchange = opened(tmp_path, database)
    published(exchange, "ONE", 1)
    before = exchange.ledger.history()
    body = next(iter(before.submissions.values())).as_dict()
    with pytest.raises(Unavailable), exchange.ledger.writing() as book:  # noqa: PT012
        book.append("submission", body | {"id": "x"})
        restarted(server)
    again = Ledger(database)
    assert again.verify() == exchange.ledger.verify() == before.seq
    assert "x" not in exchange.ledger.history().submissions
    assert published(exchange, "ONE", 2)
    again.close()
    exchange.close()


def test_away_for_a_while(server: Server, database: str, tmp_path: Path) -> None:
    """While it is away each call says so; afterwards the same exchange goes on."""
    exchange = opened(tmp_path, database)
    published(exchange, "ONE", 1)
    server.stop()
    try:
        with pytest.raises(Unavailable, match="ledger cannot be"):
            seen(exchange)
        with pytest.raises(Unavailable, match="ledger cannot be") as told:
            published(exchange, "ONE", 2)
        assert str(server.port) not in str(told.value)
        with pytest.raises(Unavailable):
            opened(tmp_path / "another", database)
    finally:
        server.start()
    assert seen(exchange) == {"ONE": 1}
    published(exchange, "ONE", 3)
    assert seen(exchange) == {"ONE": 3}
    exchange.close()


class Publishing(threading.Thread):
    """Publishes until it is told to end; `about` is the last number that it began, `done` those that were
    acknowledged, in order.
    """

    def __init__(self, exchange: Exchange) -> None:
        super().__init__()
        self.exchange, self.about, self.ended = exchange, 0, False
        self.done, self.refused = [0], 0
        self.faults: list[Exception] = []

    def run(self) -> None:
        while not self.ended:
            self.about += 1
            try:
                published(self.exchange, "ONE", self.about)
                self.done.append(self.about)
            except Unavailable:
                self.refused += 1
                time.sleep(0.05)
            except Exception as fault:  # noqa: BLE001 - the test says which
                self.faults.append(fault)


# a cursor that lost its connection cannot be closed any more, of which its driver warns
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_stopped_again_and_again(server: Server, database: str, tmp_path: Path) -> None:
    """A publisher and a reader over connections that break: what is shown is never before the last that was
    acknowledged, nor after the last that was begun.
    """
    chance = random.Random(2026)
    exchange, reader = opened(tmp_path, database), opened(tmp_path, database)
    publishing, answers = Publishing(exchange), 0
    publishing.start()
    try:
        for at in range(STOPS):
            done = len(publishing.done)
            until(lambda done=done: len(publishing.done) > done or bool(publishing.faults))
            time.sleep(chance.uniform(0, 0.3))
            server.stop("fast" if at % 3 == 2 else "immediate")
            server.start()
            for _ in range(5):
                least = publishing.done[-1]
                found = seen(reader).get("ONE", 0)
                assert least <= found <= publishing.about
                answers += 1
        done = len(publishing.done)
        until(lambda: len(publishing.done) > done)
    finally:
        publishing.ended = True
        publishing.join(60)
    assert not publishing.faults, publishing.faults[:3]
    assert answers == 5 * STOPS
    assert len(publishing.done) > STOPS
    fresh = opened(tmp_path, database)
    history = fresh.ledger.history()
    assert fresh.ledger.verify() == history.seq
    done = len(publishing.done) - 1
    assert done <= len(history.releases) <= done + publishing.refused
    print(f"{STOPS} stops, {done} acknowledged, {publishing.refused} refused, {answers} answers checked")
    for one in (fresh, reader, exchange):
        one.close()
