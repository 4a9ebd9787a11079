"""Everything that an exchange does, on SQLite and on PostgreSQL, by one process and by several."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import test_ledger
from conftest import flow_csv, flow_row, sent
from settled import ruled
from small_world import small

from migdx import ledger as ledger_module
from migdx import settling
from migdx.errors import Conflict, NoResults
from migdx.exchange import Exchange
from migdx.maintenance import Maintainer, Wish, maintain
from migdx.query import DataQuery, parse_keys
from migdx.rerun import rerun
from migdx.settings import Settings
from migdx.structures import Codelist, Item

pytestmark = pytest.mark.faults

url = test_ledger.url
"""A ledger's, on SQLite and on PostgreSQL."""

QUERY = DataQuery(agencies=("MIGDX",), ids=("DF_MIG_FLOW",), versions=("1.0.0",), keys=parse_keys("A.250"))
MIGDX = Maintainer("MIGDX", frozenset(("MIGDX",)))
NEW = Codelist("CL_TEST", "MIGDX", "1.0.0", items=(Item("A", names={"en": "A"}),), names={"en": "New"})


@pytest.fixture
def settings(tmp_path, url):
    return Settings(tmp_path / "exchange", ledger=url)


@pytest.fixture
def exchange(settings):
    made = ruled(Exchange.open(settings))
    yield made
    made.close()


@pytest.fixture
def other(settings, exchange):
    """The same exchange in another worker."""
    made = ruled(Exchange.open(settings))
    yield made
    made.close()


def submit(exchange, *rows, verdict="accepted"):
    (submission,), report = exchange.submit(sent(flow_csv(*rows), "FRA"), by="sender")
    assert submission.verdict == verdict, report.as_dict()
    return submission, report


def row(value, **more):
    return flow_row("250", "IMMIG", "276", 2019, value, **more)


def shown(exchange, at=None):
    """The values that everybody sees."""
    try:
        answer = exchange.data(QUERY, exchange.public(at))
        return sorted(
            value
            for dataset in answer.datasets
            for batch in dataset.batches
            for value in batch.column("OBS_VALUE").to_pylist()
        )
    except NoResults:
        return []


def test_releases_embargoes_and_returns(exchange, other):
    first, _ = submit(exchange, row(100))
    assert shown(other) == []
    exchange.release([first.id], by="compiler")
    assert shown(other) == [100]
    second, _ = submit(other, row(200))
    later = datetime.now(UTC) + timedelta(days=1)
    embargoed = other.release([second.id], by="compiler", public_from=later)
    assert (shown(exchange), shown(exchange, later)) == ([100], [200])
    exchange.cancel(embargoed.id, by="compiler")
    assert shown(other, later) == [100]
    with pytest.raises(Conflict, match="cancelled"):
        other.cancel(embargoed.id, by="compiler")
    assert exchange.ledger.proof() == other.ledger.proof()


def test_waivers_and_reruns(exchange, other):
    rows = row(120), row(60, sex="F"), row(40, sex="M")
    rejected, report = submit(exchange, *rows, verdict="rejected")
    (mark,) = [finding.mark for finding in report.findings if finding.code == "sum_of_parts"]
    expires = (datetime.now(UTC) + timedelta(days=300)).date().isoformat()
    granting = settling.waive(other, rejected.id, mark, "Another method.", expires, by="compiler")
    (filed,) = granting.submissions
    assert filed.verdict == "accepted"
    exchange.release([filed.id], by="compiler")
    assert shown(other) == [40, 60, 120]
    for id in (rejected.id, filed.id):
        assert rerun(other, id).same
    settling.revoke(exchange, granting.waiver.id, by="compiler")
    assert not other.ledger.history().waived("FRA", datetime.now(UTC))
    assert exchange.ledger.verify() == 5  # nothing by looking


def test_structures_are_maintained(exchange, other, settings):
    before = other.registry.digest
    assert [done.fault for done in maintain(exchange, [Wish.of(NEW)], MIGDX)] == [None]
    assert other.registry.find(NEW.reference) == NEW
    assert other.registry.digest == exchange.registry.digest != before
    again = Exchange.open(settings)
    assert again.registry.digest == exchange.registry.digest
    again.close()


def test_a_clock_that_is_set_back_hides_nothing_that_is_public(exchange, other, monkeypatch):
    first, _ = submit(exchange, row(100))
    exchange.release([first.id], by="compiler")
    second, _ = submit(exchange, row(200))
    then = datetime.now(UTC)

    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return then - timedelta(hours=3)

    monkeypatch.setattr(ledger_module, "datetime", Clock)
    other.release([second.id], by="compiler")
    assert shown(exchange) == shown(other) == [200]
    stamps = [entry.stamp for entry in exchange.ledger.entries()]
    assert stamps == sorted(set(stamps))
    assert exchange.ledger.verify() == 4


PUBLISHER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from small_world import small, submitted
exchange = small(Path(sys.argv[1]), sys.argv[2])
for number in range(8):
    submitted(exchange, f"X,{sys.argv[4]},2020,{number},A")
exchange.close()
"""


@pytest.mark.faults
def test_several_processes_publish_and_nothing_is_lost(tmp_path: Path, url: str) -> None:
    """Both of one provider: each folds onto what the other has filed meanwhile."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    small(tmp_path, url).close()
    words = [sys.executable, "-c", PUBLISHER, str(tmp_path), url, str(Path(__file__).parent)]
    publishers = [subprocess.Popen([*words, sex], env=environment) for sex in ("F", "M")]
    assert [publisher.wait(timeout=240) for publisher in publishers] == [0, 0]
    exchange = small(tmp_path, url)
    history = exchange.ledger.history()
    (last,) = history.latest.values()
    assert last.revision == len(history.submissions) == 16
    assert last.segment is not None
    assert last.segment.observations == 2  # the last of each
    assert exchange.ledger.verify() == 32
    exchange.close()
