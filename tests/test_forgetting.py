"""Forgotten for good, and shown nowhere, not in the past either; what was sent is kept for so many days."""

from __future__ import annotations

import io
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import three_providers
from conftest import flow_csv, flow_row, publish, sent
from object_store import Door, new_bucket
from settled import ruled
from small_world import small, submitted
from test_depots import door, s3  # noqa: F401

from migdx import exchange as exchanges
from migdx import history as histories
from migdx import ledger as ledgers
from migdx import signing
from migdx.backup import backup, place_of
from migdx.errors import Conflict, ExchangeError, Gone, NoResults, NotFound, SemanticFault
from migdx.exchange import Exchange
from migdx.forgetting import forget, others, removed
from migdx.packing import packed, wanted
from migdx.query import DataQuery
from migdx.receipt import receipt
from migdx.rerun import rerun
from migdx.restoring import restore, verify_backup
from migdx.sent import Sent
from migdx.settings import Settings
from migdx.settling import waive
from migdx.snapshot import snapshot_of
from migdx.sweeping import sweep
from migdx.verifying import verify
from migdx.web import create_app

pytestmark = pytest.mark.faults

SECRET = b"87654321"
WHY = "The ministry asked for it."
QUERY = DataQuery(ids=("FLOW",))


def values(exchange: Exchange, at: datetime | None = None) -> list[float]:
    try:
        (dataset,) = exchange.data(QUERY, exchange.public(at)).datasets
    except NoResults:
        return []
    return sorted(v for batch in dataset.batches for v in batch.column("OBS_VALUE").to_pylist())


def everything(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def faults(folder: Path) -> list[str]:
    said = list[str]()
    with closing(small(folder)) as exchange:
        verify(place_of(Settings(folder), exchange.ledger), said.append)
    return said


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Exchange]:
    """An exchange that signs receipts."""
    made = small(tmp_path / "exchange")
    made.keys = tmp_path / "keys"
    signing.ready(made, by="test")
    yield made
    made.close()


def test_nothing_of_it_is_left_but_that_it_was(world: Exchange, tmp_path: Path) -> None:
    submitted(world, "X,F,2020,1,A")
    secret = submitted(world, "X,M,2020,87654321,A")
    before = receipt(world, secret.id)
    snapshot_of(world, world.ledger.history().releases[1].id)
    assert SECRET in everything(tmp_path / "exchange")
    gone = forget(world, [secret.id], WHY, by="me")
    files = [*secret.segment.digests]
    assert sorted(gone) == sorted(
        [*files, secret.sha256, secret.report, *(name for name in gone if name.startswith("snapshots/"))]
    )
    assert len([name for name in gone if name.startswith("snapshots/")]) == 3
    kept = b"".join(
        p.read_bytes() for p in (tmp_path / "exchange").rglob("*") if p.is_file() and "ledger" not in p.name
    )
    assert SECRET not in kept
    assert SECRET not in everything(tmp_path / "exchange")
    world.ledger.verify()
    assert faults(tmp_path / "exchange") == []
    assert receipt(world, secret.id) == before
    assert removed(world) == []


def test_the_slot_shows_nothing_now_and_then_until_another_release(world: Exchange) -> None:
    first = submitted(world, "X,F,2020,1,A")
    secret = submitted(world, "X,M,2020,87654321,A")
    then = world.ledger.history().now()
    assert values(world, then) == [1, 87654321]
    tags = {world.public().tag(), world.public(then).tag()}
    since = world.public(then).last_change
    forget(world, [secret.id], WHY, by="me")
    assert values(world) == []
    assert values(world, then) == []
    assert not {world.public().tag(), world.public(then).tag()} & tags
    assert world.public(then).last_change > since
    with pytest.raises(Gone, match="was forgotten on"):
        world.release([secret.id], by="me")
    world.release([first.id], by="me")
    assert values(world) == [1]
    assert values(world, then) == []


def test_the_next_submission_folds_onto_what_is_still_there(world: Exchange) -> None:
    submitted(world, "X,F,2020,1,A")
    secret = submitted(world, "X,M,2020,87654321,A")
    forget(world, [secret.id], WHY, by="me")
    later = submitted(world, "X,F,2021,3,A", release=False)
    assert later.revision == 3  # that of what was forgotten is never given again
    assert values(world) == []  # and what names it shows nothing new
    world.release([later.id], by="me")
    assert values(world) == [1, 3]


def test_all_of_a_slot(world: Exchange) -> None:
    ids = [submitted(world, f"X,F,2020,{n},A").id for n in (1, 2)]
    forget(world, ids, WHY, by="me")
    assert world.ledger.history().latest == {}
    assert submitted(world, "X,F,2020,5,A").revision == 3
    assert values(world) == [5]


def test_others_that_may_hold_it_are_named(world: Exchange) -> None:
    secret = submitted(world, "X,M,2020,87654321,A")
    later = submitted(world, "X,F,2020,2,A")
    with pytest.raises(
        Conflict, match=rf"may hold the same rows: {later.id} \(PA_ONE T:FLOW\(1\.0\) revision 2"
    ):
        forget(world, [secret.id], WHY, by="me")
    assert values(world) == [2, 87654321]
    history = world.ledger.history()
    assert [*others(history, [history.submissions[later.id]])] == []
    forget(world, [secret.id], WHY, by="me", only=True)
    assert values(world) == [2, 87654321]  # as somebody said
    forget(world, [later.id], WHY, by="me")
    assert values(world) == []


def test_bytes_that_another_submission_has_stay(world: Exchange, tmp_path: Path) -> None:
    one = submitted(world, "X,M,2020,87654321,A")
    two = submitted(world, "X,M,2020,87654321,A")
    assert one.sha256 == two.sha256
    assert two.sha256 not in forget(world, [one.id], WHY, by="me", only=True)
    assert rerun_is_gone(world, one.id)
    assert two.sha256 in forget(world, [two.id], WHY, by="me")
    again = submitted(world, "X,M,2020,87654321,A")  # which is now right to have
    assert removed(world) == []
    assert world.blobs.exists(again.sha256)
    assert faults(tmp_path / "exchange") == []


def rerun_is_gone(exchange: Exchange, id: str) -> bool:
    with pytest.raises(Gone):
        rerun(exchange, id)
    return True


def test_what_asks_for_it_is_told_when_it_was_forgotten(world: Exchange) -> None:
    submitted(world, "X,F,2020,1,A")
    secret = submitted(world, "X,M,2020,87654321,A")
    then = world.ledger.history().now()
    release = world.ledger.history().releases[-1].id
    forget(world, [secret.id], WHY, by="me")
    client = create_app(world, token="T", demo=False).test_client()
    headers = {"Authorization": "Bearer T", "Accept": "application/json"}
    for part in (
        "report",
        "report?format=html",
        "validat",
        "changes.csv",
        "rejected",
        "annotated",
        "findings.csv",
    ):
        answer = client.get(f"/submissions/{secret.id}/{part}", headers=headers)
        assert answer.status_code == 410, part
        assert WHY in answer.text
    told = client.get(f"/submissions/{secret.id}", headers=headers).json
    assert told["forgotten"]["reason"] == WHY
    assert told["public"] is False
    assert "report" not in told
    assert client.get(f"/submissions/{secret.id}/receipt", headers=headers).status_code == 200
    answer = client.get(f"/releases/{release}/T-FLOW-1.0.csv", headers={"Accept": "application/json"})
    assert answer.status_code == 410
    assert WHY not in answer.text  # which is for those who work here
    since = then.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    data = "/sdmx/v2/data/dataflow/T/FLOW/1.0/*?format=csv"
    assert client.get(f"{data}&updatedAfter={since}").status_code == 410
    later = world.ledger.history().now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    assert client.get(f"{data}&updatedAfter={later}").status_code == 204
    assert SECRET not in client.get(f"{data}&includeHistory=true").data
    for page in ("/releases", f"/releases/{release}", "/"):
        assert client.get(page, headers={"Accept": "text/html"}).status_code in (200, 410)


def test_an_etag_from_before_is_not_told_304(world: Exchange) -> None:
    submitted(world, "Y,F,2020,1,A")
    secret = submitted(world, "X,M,2020,87654321,A")
    client = create_app(world, token="T", demo=False).test_client()
    since = world.ledger.history().now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    url = "/sdmx/v2/data/dataflow/T/FLOW/1.0/*?format=csv"
    urls = [url, f"{url}&asOf={since}", f"{url}&includeHistory=true"]
    before = [client.get(one) for one in urls]
    assert all(SECRET in one.data for one in before)
    time.sleep(1.1)  # what changed in the same second, Last-Modified cannot tell
    forget(world, [secret.id], WHY, by="me")
    for one, was in zip(urls, before, strict=True):
        told = {"If-None-Match": "ETag", "If-Modified-Since": "Last-Modified"}
        for condition, header in told.items():
            answer = client.get(one, headers={condition: was.headers[header]})
            assert answer.status_code in (200, 204), (one, condition)
            assert SECRET not in answer.data


def test_an_etag_of_the_whole_history_changes_though_nothing_of_now_does(world: Exchange) -> None:
    first = submitted(world, "X,F,2020,1,A")
    submitted(world, "X,F,2020,2,A")
    client = create_app(world, token="T", demo=False).test_client()
    url = "/sdmx/v2/data/dataflow/T/FLOW/1.0/*?format=csv&includeHistory=true"
    before = client.get(url)
    forget(world, [first.id], WHY, by="me", only=True)
    after = client.get(url, headers={"If-None-Match": before.headers["ETag"]})
    assert after.status_code == 200
    assert after.data != before.data


def test_who_was_compared_with_it_cannot_be_checked_again(world: Exchange) -> None:
    secret = submitted(world, "X,M,2020,87654321,A")
    later = submitted(world, "X,F,2020,2,A")
    forget(world, [secret.id], WHY, by="me", only=True)
    with pytest.raises(Gone, match=f"compared with submission {secret.id}"):
        rerun(world, later.id)


def test_what_is_made_of_it_goes_too(tmp_path: Path) -> None:
    """Packs, and what is left of a segment beside others."""
    exchange = three_providers.opened(tmp_path)
    released = three_providers.released
    released(exchange, "OFFICE", "X,IN,2020,1")
    released(exchange, "MINISTRY", "X,IN,2020,2", "X,OUT,2020,87654321")
    assert "87654321" in str(three_providers.rows(exchange))
    (flow,) = wanted(exchange, 1)
    packed(exchange, flow, memory="256MB", threads=1, tell=lambda _: None)
    made = {
        path
        for part in ("derived", "packs")
        for path in (tmp_path / "segments/open" / part).rglob("*.*")
        if path.is_file()
    }
    assert len(made) == 4
    (secret,) = (s for s in exchange.ledger.history().submissions.values() if s.provider == "MINISTRY")
    gone = forget(exchange, [secret.id], WHY, by="me")
    assert {path.relative_to(tmp_path / "segments").as_posix() for path in made} <= {*gone}
    assert not any(path.exists() for path in made)
    assert [row["OBS_VALUE"] for row in three_providers.rows(exchange)] == ["1"]
    exchange.close()


@pytest.mark.parametrize("ids", [[], ["x" * 100], [""], ["../x"]])
def test_what_is_no_submission(world: Exchange, ids: list[str]) -> None:
    with pytest.raises((NotFound, SemanticFault)):
        forget(world, ids, WHY, by="me")


@pytest.mark.parametrize("reason", ["", " \n", "x" * 5000, "a\u202eb"])
def test_a_reason_that_is_none(world: Exchange, reason: str) -> None:
    secret = submitted(world, "X,M,2020,87654321,A")
    with pytest.raises(SemanticFault):
        forget(world, [secret.id], reason, by="me")
    assert values(world) == [87654321]


def test_twice(world: Exchange) -> None:
    secret = submitted(world, "X,M,2020,87654321,A")
    forget(world, [secret.id], WHY, by="me")
    with pytest.raises(Gone):
        forget(world, [secret.id], WHY, by="me")


def test_a_dry_run_says_it_and_does_nothing(world: Exchange) -> None:
    secret = submitted(world, "X,M,2020,87654321,A")
    told = forget(world, [secret.id], WHY, by="me", dry=True)
    assert values(world) == [87654321]
    assert sorted(forget(world, [secret.id], WHY, by="me")) == sorted(told)


def test_a_rejected_submission(world: Exchange) -> None:
    body = b"87654321 is no table"
    (made,), _ = world.submit(Sent(io.BytesIO(body), len(body), "text/csv", "x.csv", "ONE"), by="test")
    assert made.verdict == "rejected"
    assert sorted(forget(world, [made.id], WHY, by="me")) == sorted([made.sha256, made.report])


def test_an_old_worker_sees_it_at_once(tmp_path: Path) -> None:
    one, other = small(tmp_path), small(tmp_path)
    secret = submitted(one, "X,M,2020,87654321,A")
    assert values(other) == [87654321]
    forget(one, [secret.id], WHY, by="me")
    assert values(other) == []
    one.close()
    other.close()


def test_it_leaves_the_backup_with_the_next(world: Exchange, tmp_path: Path) -> None:
    submitted(world, "X,F,2020,1,A")
    secret = submitted(world, "X,M,2020,87654321,A")
    place = place_of(Settings(tmp_path / "exchange"), world.ledger)
    backup(place, tmp_path / "saved")
    assert SECRET in everything(tmp_path / "saved")
    forget(world, [secret.id], WHY, by="me")
    assert backup(place, tmp_path / "saved").removed == 3
    assert SECRET not in everything(tmp_path / "saved")
    said = list[str]()
    verify_backup(tmp_path / "saved", said.append)
    assert said == []
    restore(tmp_path / "saved", Settings(tmp_path / "restored"))
    assert faults(tmp_path / "restored") == []


# --- so many days -------------------------------------------------------------------------------------------


def test_what_was_sent_is_dropped_after_days(
    world: Exchange, tmp_path: Path, later: Callable[[int], None]
) -> None:
    old = submitted(world, "X,F,2020,1,A")
    before = receipt(world, old.id)
    assert sweep(world, keep_bytes=30) == []
    later(31)
    new = submitted(world, "X,F,2020,2,A")
    assert sweep(world, keep_bytes=0) == []
    assert sweep(world, keep_bytes=30, dry=True) == [old.sha256]
    assert world.blobs.exists(old.sha256)
    assert sweep(world, keep_bytes=30) == [old.sha256]
    assert not world.blobs.exists(old.sha256)
    assert world.blobs.exists(new.sha256)
    assert sweep(world, keep_bytes=30) == []
    assert faults(tmp_path / "exchange") == []
    assert (receipt(world, old.id), values(world)) == (before, [2])
    assert world.report(old.id)["verdict"] == "accepted"
    with pytest.raises(Gone, match="no longer kept since"):
        rerun(world, old.id)
    again = submitted(world, "X,F,2020,1,A")  # the same bytes
    assert again.sha256 == old.sha256
    assert sweep(world, keep_bytes=30) == []
    assert rerun(world, again.id).same
    assert rerun(world, old.id).same


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """The ledger's clock goes on by so many days."""

    def days(number: int) -> None:
        class Clock(datetime):
            @classmethod
            def now(cls, tz=None):  # type: ignore[no-untyped-def, override]
                return datetime.now(tz) + timedelta(days=number)

        monkeypatch.setattr(histories, "datetime", Clock)
        monkeypatch.setattr(ledgers, "datetime", Clock)

    return days


def test_bytes_that_a_waiver_waits_for_stay(exchange: Exchange, later: Callable[[int], None]) -> None:
    ruled(exchange)
    rows = [
        flow_row("250", "IMMIG", "276", 2019, value, sex=sex)
        for sex, value in (("_T", 120), ("F", 60), ("M", 40.5))
    ]
    (made,), report = exchange.submit(sent(flow_csv(*rows), "FRA"), by="test")
    marks = {one.code: one.mark for one in report.findings if one.blocking}
    assert len(marks) == 2
    day = (datetime.now(UTC) + timedelta(days=60)).date().isoformat()
    first, second = marks.values()
    waive(exchange, made.id, first, WHY, day, by="me")
    later(40)
    assert sweep(exchange, keep_bytes=30) == []
    (filed,) = waive(exchange, made.id, second, WHY, day, by="me").submissions
    assert (filed.verdict, filed.sha256) == ("accepted", made.sha256)
    later(80)
    assert sweep(exchange, keep_bytes=30) == [made.sha256]


@pytest.mark.parametrize("way", ["forgotten", "dropped"])
def test_who_sends_the_same_bytes_meanwhile_keeps_them(
    world: Exchange,
    tmp_path: Path,
    later: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
    way: str,
) -> None:
    """They were there when they came, and gone before the ledger named them again."""
    one = submitted(world, "X,F,2020,1,A")
    later(40)
    real, gone = exchanges.filed, list[str]()

    def overtaken(*given: Any, **more: Any) -> Any:
        found = real(*given, **more)
        if not gone and way == "forgotten":
            gone.extend(forget(world, [one.id], WHY, by="me", only=True))
        elif not gone:
            gone.extend(sweep(world, keep_bytes=30))
        return found

    monkeypatch.setattr(exchanges, "filed", overtaken)
    two = submitted(world, "X,F,2020,1,A")
    assert one.sha256 in gone
    assert two.sha256 == one.sha256
    assert world.blobs.exists(two.sha256)
    assert removed(world) == []
    assert faults(tmp_path / "exchange") == []


def test_the_commands(run: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(Exchange.open(Path("exchange"))) as exchange:
        publish(exchange, "FRA", [flow_row("250", "IMMIG", "276", 2018, 87654321)])
        (secret,) = exchange.ledger.history().submissions
    words = ("--data", "exchange", "forget", secret, "--reason", WHY)
    status, out, _ = run(*words, "--dry-run")
    assert (status, "3 files would be removed" in out) == (0, True)
    status, out, _ = run(*words)
    assert (status, "3 files were removed" in out) == (0, True)
    status, _, err = run(*words)
    assert status == 1
    assert "was forgotten on" in err
    monkeypatch.setenv("MIGDX_KEEP_BYTES_DAYS", "soon")
    status, _, err = run("--data", "exchange", "sweep")
    assert (status, "expected a number of days" in err) == (1, True)


def test_a_setting_that_is_no_number(tmp_path: Path) -> None:
    assert Settings.of(tmp_path, {"MIGDX_KEEP_BYTES_DAYS": "30"}).keep_bytes == 30
    assert Settings.of(tmp_path, {}).keep_bytes == 0
    for text in ("0", "-1", "1.5", "many", "9" * 40, "\u0663"):
        with pytest.raises(
            ExchangeError, match=r"MIGDX_KEEP_BYTES_DAYS=.*: expected a number of days, such as 365"
        ):
            Settings.of(tmp_path, {"MIGDX_KEEP_BYTES_DAYS": text})


# --- in a bucket, and killed --------------------------------------------------------------------------------


def test_in_a_bucket(tmp_path: Path, door: Door) -> None:  # noqa: F811
    """Gone there, and from the other machine's cache when that sweeps."""
    files, ledger = f"s3://{new_bucket(door.goal)}/migdx", f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    machines = [Settings(tmp_path / name, ledger=ledger, files=files) for name in ("one", "two")]
    one, two = map(Exchange.open, machines)
    publish(one, "FRA", [flow_row("250", "IMMIG", "276", 2018, 87654321)])
    flows = DataQuery(ids=("DF_MIG_FLOW",))
    for exchange in (one, two):
        (dataset,) = exchange.data(flows).datasets
        assert sum(batch.num_rows for batch in dataset.batches) == 1
    (secret,) = one.ledger.history().submissions.values()
    assert len(forget(one, [secret.id], WHY, by="me")) == 3
    assert not any(one.store.depot.exists(name) for name in secret.segment.digests)
    for exchange in (one, two):
        with pytest.raises(NoResults):
            exchange.data(flows)
    sweep(two)
    assert not [*(tmp_path / "two/cache").rglob("*.parquet")]
    one.close()
    two.close()


CHILD = """
import sys
from pathlib import Path
from small_world import small
from migdx.forgetting import forget
exchange = small(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
forget(exchange, sys.argv[2:], "The ministry asked for it.", by="me")
print("done", flush=True)
"""


@pytest.mark.faults
def test_killed_at_any_instant(tmp_path: Path) -> None:
    """Either nothing is forgotten and all is there, or it is shown no more, and the next start removes it."""
    chance, outcomes = random.Random(2026), set()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    for at in range(16):
        folder = tmp_path / str(at)
        exchange = small(folder)
        secret = submitted(exchange, "X,M,2020,87654321,A")
        snapshot_of(exchange, exchange.ledger.history().releases[0].id)
        with subprocess.Popen(
            [sys.executable, "-c", CHILD, folder, secret.id],
            env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        ) as one:  # fmt: skip
            assert one.stdout.readline() == "ready\n"
            one.stdin.write("\n")
            one.stdin.flush()
            time.sleep(chance.random() * 0.06)
            with suppress(ProcessLookupError):
                one.send_signal(signal.SIGKILL)
        said = bool(exchange.ledger.history().forgotten)
        assert values(exchange) == ([] if said else [87654321])
        left = removed(exchange)
        outcomes.add((said, bool(left)))
        assert (SECRET in everything(folder)) == (not said)
        assert faults(folder) == []
        exchange.close()
    assert {said for said, _ in outcomes} == {False, True}
