"""The exchange as of an instant: the structures that were served then, whatever became of them since."""

from __future__ import annotations

import gc
import shutil
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from small_world import codelist, message, submitted, world
from test_ledger import url  # noqa: F401 - the fixture
from test_rerun import same

from migdx import remembered
from migdx.errors import ExchangeError, NotFound, Unavailable
from migdx.exchange import Exchange
from migdx.keeping import Lost
from migdx.ledger import Book
from migdx.maintenance import Maintainer, Wish, maintain
from migdx.query import DataQuery
from migdx.registry import Registry
from migdx.settings import Settings

pytestmark = pytest.mark.faults

SEX = codelist("CL_SEX").reference
FLOW = DataQuery(agencies=("T",), ids=("FLOW",))
RULES = 'structures = ["T:DSD"]\n'
FAR = datetime(9999, 12, 31, tzinfo=UTC)


def write(folder: Path, *artefacts) -> Path:
    for artefact in artefacts:
        path = folder / artefact.agency / f"{artefact.id}-{artefact.version}.xml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(message(artefact))
    return folder


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path / "structures", *world())


@pytest.fixture
def start(tmp_path, folder, url):  # noqa: F811
    """Starts the service anew over the folder as it is now."""
    begun: list[Exchange] = []

    def started(record: bool = True) -> Exchange:
        exchange = Exchange.open(Settings(tmp_path / "exchange", ledger=url), (folder,))
        begun.append(exchange)
        if record:
            recorded(exchange)
        return exchange

    yield started
    for exchange in begun:
        exchange.close()


def recorded(exchange: Exchange) -> None:
    exchange.past.remember(exchange.ledger, exchange.folders, by="serve")


def put(exchange: Exchange, *artefacts) -> None:
    outcomes = maintain(exchange, [Wish.of(one) for one in artefacts], Maintainer("T", frozenset("T")))
    assert [outcome.fault for outcome in outcomes] == [None] * len(artefacts)


def codes(exchange: Exchange) -> list[str]:
    return [item.id for item in exchange.registry.find(SEX).items]


def now(exchange: Exchange) -> datetime:
    return exchange.ledger.history().now()


def seq(exchange: Exchange) -> int:
    return exchange.ledger.history().seq


def test_folders_and_maintenance_of_every_day(start, folder):
    before = datetime.now(UTC) - timedelta(days=1)
    first = start()
    told = [(now(first), first.registry.digest, ["_T", "F", "M"])]
    put(first, codelist("CL_SEX", "_T", "F", "M", "O"))
    told.append((now(first), first.registry.digest, ["_T", "F", "M", "O"]))
    write(folder, codelist("CL_AREA", "X", "Y", "Z"), codelist("CL_NEW", "A"))
    second = start()
    told.append((now(second), second.registry.digest, ["_T", "F", "M", "O"]))
    put(second, codelist("CL_SEX", "_T", "F"))
    told.append((now(second), second.registry.digest, ["_T", "F"]))
    assert len({digest for _, digest, _ in told}) == 4
    for exchange in (second, start()):
        for instant, digest, expected in told:
            then = exchange.as_of(instant)
            assert then.registry.digest == digest == then.whole.digest
            assert codes(then) == expected
        assert exchange.as_of(FAR) is exchange
        with pytest.raises(NotFound, match="not known; that is known from"):
            exchange.as_of(before, recorded=True)
        assert codes(exchange.as_of(before)) == ["_T", "F", "M"]  # data of before are told by the first known
    assert second.as_of(told[0][0]).registry.find(codelist("CL_NEW").reference) is None


def test_data_are_told_by_the_structures_of_their_day(start, folder):
    first = start()
    submitted(first, "X,F,2020,1,A", "Y,M,2020,2,A")
    instant = now(first)
    planned = first.planned(FLOW)
    write(folder, codelist("CL_SEX", "_T", "F", "M", "O"))
    second = start()
    submitted(second, "X,O,2020,3,A", "Y,M,2020,2,A")
    then = second.as_of(instant)
    assert then.planned(FLOW) == planned != second.planned(FLOW)
    assert then.availability(FLOW).codes["SEX"] == {"F": 1, "M": 1}
    assert second.availability(FLOW).codes["SEX"] == {"F": 1, "M": 1, "O": 1}
    (dataset,) = then.data(FLOW).datasets
    assert sum(batch.num_rows for batch in dataset.batches) == 2
    assert then.public().at == instant


def test_only_what_changed_is_written_down(start, folder):
    first = start()
    recorded(first)
    assert seq(first) == 1
    start()
    (folder / "T.rules.toml").write_text(RULES)
    last = start()
    served = last.ledger.history().served
    assert [one.by for one in served] == ["serve", "serve"]
    assert served[0].structures == served[1].structures
    assert served[0].files != served[1].files
    shutil.rmtree(folder / "U", ignore_errors=True)
    (folder / "notes.txt").write_text("not ours")
    assert seq(start()) == 2


def test_reading_writes_nothing(start):
    exchange = start(record=False)
    submitted(exchange, "X,F,2020,1,A")
    entries = seq(exchange)
    exchange.as_of(now(exchange) - timedelta(seconds=1))
    exchange.as_of(now(exchange)).data(FLOW)
    with pytest.raises(NotFound, match="not recorded yet"):
        exchange.as_of(now(exchange) - timedelta(seconds=1), recorded=True)
    assert seq(exchange) == entries


def test_two_starts_at_once_write_one_entry(start):
    exchanges = [start(record=False) for _ in range(4)]
    gate = threading.Barrier(len(exchanges))

    def begin(exchange):
        gate.wait(30)
        recorded(exchange)

    threads = [threading.Thread(target=begin, args=[exchange]) for exchange in exchanges]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [entry.kind for entry in exchanges[0].ledger.entries()] == ["structures_served"]


def test_who_is_killed_before_the_entry_leaves_a_blob(start, monkeypatch):
    exchange = start(record=False)

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Book, "append", killed)
        with pytest.raises(KeyboardInterrupt):
            recorded(exchange)
    assert seq(exchange) == 0
    assert len(list(exchange.blobs.depot.folder.iterdir())) == 1
    assert start().ledger.history().served
    assert len(list(exchange.blobs.depot.folder.iterdir())) == 1


def test_a_file_that_changed_after_it_was_read(start, folder):
    exchange = start(record=False)
    write(folder, codelist("CL_SEX", "_T"))
    with pytest.raises(Unavailable, match="changed while they were read"):
        recorded(exchange)
    assert seq(exchange) == 0


def test_the_memory_that_the_past_takes_is_bounded(start, folder):
    first = start()
    for at in range(50):
        put(first, codelist("CL_SEX", "_T", "F", f"C{at}"))
    stamps = [change.stamp for change in first.ledger.history().structures]
    write(folder, codelist("CL_NEW", "A"))
    exchange = start()
    gc.collect()
    before = sum(isinstance(one, Registry) for one in gc.get_objects())
    for _ in range(2):
        for at, stamp in enumerate(stamps):
            assert codes(exchange.as_of(stamp)) == ["_T", "F", f"C{at}"]
            just_before = exchange.as_of(stamp - timedelta(microseconds=1))
            assert codes(just_before)[-1] == (f"C{at - 1}" if at else "M")
    assert len(exchange.past._held) == remembered.MOST
    gc.collect()
    after = sum(isinstance(one, Registry) for one in gc.get_objects())
    assert after - before <= remembered.MOST
    area = codelist("CL_AREA").reference
    assert exchange.as_of(stamps[3]).registry.find(area) is exchange.registry.find(area)


def test_one_reads_the_past_at_a_time(start, monkeypatch):
    exchange = start()
    instant = now(exchange)
    put(exchange, codelist("CL_SEX", "_T"))
    monkeypatch.setattr(remembered, "WAIT", 0.01)
    with exchange.past._reading, pytest.raises(Unavailable, match="try again"):
        exchange.as_of(instant)
    assert codes(exchange.as_of(instant)) == ["_T", "F", "M"]
    with exchange.past._reading:  # what is held is told all the same
        assert codes(exchange.as_of(instant)) == ["_T", "F", "M"]


@pytest.mark.parametrize("harm", ["is missing", "is damaged"])
def test_an_archive_that_is_lost(start, folder, harm):
    first = start()
    lost = now(first)
    write(folder, codelist("CL_SEX", "_T"))
    second = start()
    other = now(second)
    write(folder, codelist("CL_SEX", "F"))
    kept = second.blobs.depot.folder / second.ledger.history().served[0].archive
    if harm == "is missing":
        kept.unlink()
    else:
        kept.write_bytes(b"PK")
    exchange = start()
    with pytest.raises(Lost, match=rf"{kept.name}, which keeps the structures served from .* {harm}"):
        exchange.as_of(lost)
    assert codes(exchange.as_of(other)) == ["_T"]
    assert codes(exchange) == ["F"]


def test_an_archive_that_no_program_reads_any_more(start, folder):
    first = start()
    lost = now(first)
    (folder / "odd.xml").write_bytes(b"<odd/>")
    files = remembered.packed((folder,))
    body = {"archive": first.blobs.put(files.archive), "files": files.digest, "structures": "0", "by": "x"}
    with first.ledger.writing() as book:
        book.append("structures_served", body)
    with pytest.raises(ExchangeError, match="of the past cannot be read"):
        first.as_of(now(first))
    assert codes(first.as_of(lost)) == ["_T", "F", "M"]


def test_drafts_of_the_past_are_their_agencys(start, folder):
    draft = codelist("CL_NEW", "A", version="1.0.0-draft")
    first = start()
    put(first, draft)
    instant = now(first)
    write(folder, codelist("CL_AREA", "X", "Y", "Z"))
    exchange = start()
    assert exchange.as_of(instant).registry.find(draft.reference) is None
    assert exchange.seen_by(["U"]).as_of(instant).registry.find(draft.reference) is None
    assert exchange.seen_by(["T"]).as_of(instant).registry.find(draft.reference) == draft


def test_a_report_is_made_again_with_the_structures_of_its_day(start, folder):
    first = start()
    submission = submitted(first, "X,F,2020,1,A", "X,M,2020,2,A")
    write(folder, codelist("CL_SEX", "_T", "F", "N"))  # the data of that day would be wrong now
    (folder / "T" / "CL_STABLE-1.0.0.xml").unlink()
    same(start(), submission)
