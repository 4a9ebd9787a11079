"""Backed up while it serves, destroyed, restored elsewhere: the same answers, byte for byte; and whatever is
damaged or cut off is found.
"""

from __future__ import annotations

import hashlib
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import orjson
import pytest
from conftest import FRANCE, GERMANY, flow_csv, flow_row, publish, sent
from object_store import Door, new_bucket
from test_depots import door, s3  # noqa: F401
from test_ledger import url  # noqa: F401

from migdx import backup as backups
from migdx import inventory, signing
from migdx.backup import backup, place_of
from migdx.errors import Conflict, ExchangeError, NoSpace, NotFound
from migdx.exchange import Exchange
from migdx.history import KINDS
from migdx.inventory import PARTS, Place
from migdx.ledger import Ledger
from migdx.receipt import receipt
from migdx.rerun import rerun
from migdx.restoring import restore, verify_backup
from migdx.saved import LEDGER, MANIFEST, listed, manifest_of
from migdx.settings import Settings
from migdx.snapshot import pieces, snapshot_of
from migdx.verifying import Verified, verify
from migdx.web import create_app

pytestmark = pytest.mark.faults

DATA = "/sdmx/v2/data/dataflow/MIGDX/DF_MIG_FLOW/1.0.0/*"
CSV = "?format=csv"


def filled(settings: Settings) -> None:
    """Two countries, revisions, an embargo, a rejected file, a snapshot, a receipt."""
    with closing(Exchange.open(settings)) as exchange:
        signing.ready(exchange, by="test")
        first = publish(exchange, "FRA", FRANCE, name="first")
        publish(exchange, "DEU", GERMANY)
        publish(exchange, "FRA", [flow_row("250", "IMMIG", "276", 2018, 1801)])
        exchange.submit(sent(flow_csv(flow_row("250", "IMMIG", "276", 2021, 7)), "FRA"), by="test")
        exchange.submit(sent(b"no table at all", "FRA", "x.csv"), by="test")
        snapshot_of(exchange, first.id)


def answers(settings: Settings) -> dict[str, bytes]:
    """Everything that somebody may have had: data of now and of then, snapshots, receipts, reports."""
    with closing(Exchange.open(settings)) as exchange:
        history = exchange.ledger.history()
        client = create_app(exchange, token="T", demo=False).test_client()
        since = history.releases[0].public_from.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        urls = [DATA + CSV, f"{DATA}{CSV}&asOf={since}", f"{DATA}{CSV}&updatedAfter={since}"]
        urls += [f"{DATA}{CSV}&includeHistory=true", "/keys"]
        urls += [
            f"/submissions/{id}/{part}" for id in history.submissions for part in ("report", "changes.csv")
        ]
        found = {}
        for address in urls:
            headers = {"Authorization": "Bearer T", "Accept": "*/*"}
            answer = client.get(address, headers=headers)
            body = re.sub(rb"[0-9T:.+-]{19,}Z?|error-[0-9a-f]+", b"", answer.data)
            found[address] = str(answer.status_code).encode() + body
        snapshot = snapshot_of(exchange, history.releases[0].id)
        found |= {name: b"".join(pieces(exchange, snapshot, f)) for name, f in snapshot.files.items()}
        found |= {id: receipt(exchange, id) for id in history.submissions}
        found["rerun"] = orjson.dumps([rerun(exchange, id).as_dict() for id in history.submissions])
    assert found[DATA + CSV].startswith(b"200")
    assert b"1801" in found[DATA + CSV]
    return found


def saved(settings: Settings, goal: Path, **more: Path) -> backups.Made:
    with closing(Ledger(settings.ledger_url, as_is=True)) as ledger:
        return backup(place_of(settings, ledger), goal, **more)


def checked(settings: Settings) -> tuple[Verified, list[str]]:
    said = list[str]()
    with closing(Ledger(settings.ledger_url, as_is=True)) as ledger:
        return verify(place_of(settings, ledger), said.append), said


def checked_backup(folder: Path) -> list[str]:
    said = list[str]()
    verify_backup(folder, said.append)
    return said


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an exchange and, beside it, its backup `saved`; tests only read them."""
    folder = tmp_path_factory.mktemp("whole") / "exchange"
    filled(Settings(folder))
    saved(Settings(folder), folder.parent / "saved", keys=folder / "keys")
    return folder


@pytest.fixture
def copied(whole: Path, tmp_path: Path) -> Path:
    """The backup, to be damaged."""
    shutil.copytree(whole.parent / "saved", tmp_path / "saved")
    return tmp_path / "saved"


def test_destroyed_and_restored(tmp_path: Path, url: str) -> None:  # noqa: F811
    """On SQLite and on PostgreSQL; the goal is a folder with SQLite."""
    settings = Settings(tmp_path / "exchange", ledger=url)
    filled(settings)
    before = answers(settings)
    made = saved(settings, tmp_path / "saved", keys=settings.keys_folder)
    assert checked_backup(tmp_path / "saved") == []
    assert made.manifest.count == made.copied + 1  # the key
    shutil.rmtree(tmp_path / "exchange")
    goal = Settings(tmp_path / "restored")
    history = restore(tmp_path / "saved", goal)
    assert (history.seq, history.digest) == (made.manifest.seq, made.manifest.entry)
    found, said = checked(goal)
    assert said == []
    assert (found.orphans, found.faults) == (0, 0)
    assert answers(goal) == before


def test_from_a_folder_to_postgresql_and_a_bucket(
    whole: Path,
    tmp_path: Path,
    url: str,  # noqa: F811
    door: Door,  # noqa: F811
) -> None:
    goal = Settings(tmp_path / "there", ledger=url, files=f"s3://{new_bucket(door.goal)}/migdx")
    restore(whole.parent / "saved", goal)
    found, said = checked(goal)
    assert (said, found.faults, found.orphans) == ([], 0, 0)
    assert answers(goal) == answers(Settings(whole))
    back = saved(goal, tmp_path / "again", keys=goal.keys_folder)
    first = manifest_of(whole.parent / "saved")
    assert (back.manifest.seq, back.manifest.entry, back.manifest.files) == (
        first.seq,
        first.entry,
        first.files,
    )


def test_private_keys_are_left_out_unless_they_are_asked_for(whole: Path, tmp_path: Path) -> None:
    (key,) = (whole / "keys").glob("*.pem")
    saved(Settings(whole), tmp_path / "saved")
    assert not manifest_of(tmp_path / "saved").keys
    assert all(key.read_bytes() not in p.read_bytes() for p in (tmp_path / "saved").rglob("*") if p.is_file())
    saved(Settings(whole), tmp_path / "saved", keys=whole / "keys")
    (kept,) = (tmp_path / "saved" / "keys").glob("*.pem")
    assert kept.read_bytes() == key.read_bytes()
    assert kept.stat().st_mode & 0o777 == 0o600
    restore(tmp_path / "saved", Settings(tmp_path / "restored"))
    (again,) = (tmp_path / "restored" / "keys").glob("*.pem")
    assert again.stat().st_mode & 0o777 == 0o600


def test_the_next_backup_copies_what_is_new_and_the_one_after_nothing(tmp_path: Path) -> None:
    settings = Settings(tmp_path / "exchange")
    filled(settings)
    first = saved(settings, tmp_path / "saved")
    with closing(Exchange.open(settings)) as exchange:
        publish(exchange, "ITA", [flow_row("380", "EMIG", "250", 2019, 7)])
    second = saved(settings, tmp_path / "saved")
    assert second.manifest.seq == first.manifest.seq + 2
    assert second.copied == 3  # the bytes, the report, the open file
    third = saved(settings, tmp_path / "saved")
    assert (third.copied, third.manifest.files) == (0, second.manifest.files)
    assert len([*(tmp_path / "saved").glob("*.jsonl")]) == 2
    assert checked_backup(tmp_path / "saved") == []


def test_what_a_backup_that_was_cut_off_left_wrong_is_copied_again(whole: Path, copied: Path) -> None:
    """Of the right size, but nothing says that it was finished."""
    (copied / MANIFEST).unlink()
    rot(next((copied / "segments/open").rglob("*.parquet")))
    # and the manifest of a snapshot, of which the ledger knows no digest
    assert saved(Settings(whole), copied, keys=whole / "keys").copied == 2
    assert checked_backup(copied) == []


def test_while_others_publish_the_head_decides(tmp_path: Path) -> None:
    settings = Settings(tmp_path / "exchange")
    filled(settings)
    stop = threading.Event()

    def publishing() -> None:
        with closing(Exchange.open(settings)) as exchange:
            number = 0
            while not stop.is_set():
                number += 1
                publish(exchange, "ITA", [flow_row("380", "EMIG", "250", 2019, number)])

    other = threading.Thread(target=publishing)
    other.start()
    try:
        for at in range(3):
            made = saved(settings, tmp_path / "saved")
            assert checked_backup(tmp_path / "saved") == []
            restored = Settings(tmp_path / f"restored{at}")
            restore(tmp_path / "saved", restored)
            assert checked(restored)[0].digest == made.manifest.entry
    finally:
        stop.set()
        other.join()
    with closing(Ledger(settings.ledger_url)) as ledger:
        ledger.proof({made.manifest.seq: made.manifest.entry})


# --- what is damaged ----------------------------------------------------------------------------------------


def rot(path: Path) -> None:
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 1
    path.write_bytes(body)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


DAMAGES: list[Callable[[Path], None]] = [rot, truncate, Path.unlink]
each_damage = pytest.mark.parametrize("damage", DAMAGES, ids=["rot", "truncated", "missing"])


@each_damage
def test_every_damage_to_any_file_of_a_backup_is_found(copied: Path, damage: Callable[[Path], None]) -> None:
    files = sorted(path for path in copied.rglob("*") if path.is_file() and path.name != ".lock")
    assert len(files) > 20
    assert {path.parent.name for path in files} >= {"blobs", "keys", "saved"}
    for path in files:
        body = path.read_bytes()
        damage(path)
        try:
            found = bool(checked_backup(copied))
        except ExchangeError:
            found = True
        if path.name == MANIFEST and not found:  # a bit of the instant at which it was made
            assert manifest_of(copied).made != orjson.loads(body)["made"]
        else:
            assert found, path
        path.write_bytes(body)
    assert checked_backup(copied) == []


@each_damage
def test_every_damage_to_what_an_exchange_needs_is_found(
    whole: Path, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    shutil.copytree(whole, tmp_path / "exchange")
    settings = Settings(tmp_path / "exchange")
    files = dict(listed(whole.parent / "saved", manifest_of(whole.parent / "saved")))
    for name in files:
        if name.startswith("keys/"):
            continue
        path = settings.folder / name
        body = path.read_bytes()
        damage(path)
        found, said = checked(settings)
        if damage is Path.unlink and name.endswith(MANIFEST):  # as if its files were never complete
            assert found.orphans == 2
        elif not (damage is rot and name.endswith(MANIFEST)):  # nothing says how its bytes were
            assert (found.faults, len(said)) == (1, 1), name
            assert name in said[0]
            assert "\n" not in said[0]
        path.write_bytes(body)
    assert checked(settings)[1] == []


def test_a_broken_entry_is_found_and_what_is_before_it_still_read(whole: Path, tmp_path: Path) -> None:
    entries = [*Ledger(Settings(whole).ledger_url, as_is=True).entries()]
    broken = [*entries[:3], *entries[4:]]
    said = list[str]()
    depots = {part: Settings(whole).depot(part) for part in PARTS}
    found = verify(Place(lambda: iter(broken), depots), said.append)
    assert found.seq == 3
    assert found.faults == 1
    assert "number 4 is missing" in said[0]
    assert found.orphans > 0


def test_a_backup_of_what_is_damaged_is_none_and_the_one_before_stays(whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path / "exchange")
    settings = Settings(tmp_path / "exchange")
    segment = next((settings.folder / "segments/open").rglob("*.parquet"))
    rot(segment)
    with pytest.raises(ExchangeError, match=r"This is no backup: 1 files.*is damaged"):
        saved(settings, tmp_path / "new")
    with pytest.raises(NotFound, match="none that was finished"):
        restore(tmp_path / "new", Settings(tmp_path / "restored"))
    # where a sound copy is there already, nothing is lost
    shutil.copytree(whole.parent / "saved", tmp_path / "saved")
    saved(settings, tmp_path / "saved")
    assert checked_backup(tmp_path / "saved") == []


def test_nothing_is_restored_of_what_is_damaged(copied: Path, tmp_path: Path) -> None:
    rot(next((copied / "segments/open").rglob("*.parquet")))
    goal = Settings(tmp_path / "restored")
    with pytest.raises(
        ExchangeError, match="Nothing was restored: of the backup 1 files are not right: segments"
    ):
        restore(copied, goal)
    assert not goal.has_ledger


def test_only_into_what_is_empty(whole: Path, tmp_path: Path) -> None:
    goal = Settings(tmp_path / "restored")
    restore(whole.parent / "saved", goal)
    with pytest.raises(Conflict, match="entries already"):
        restore(whole.parent / "saved", goal)
    (tmp_path / "other/blobs").mkdir(parents=True)
    (tmp_path / "other/blobs/mine").write_text("mine")
    with pytest.raises(Conflict, match="this one holds blobs/mine"):
        restore(whole.parent / "saved", Settings(tmp_path / "other"))


def test_folders_that_are_no_backups_are_left_alone(whole: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/letter.txt").write_text("dear")
    with pytest.raises(Conflict, match=r"is no backup: it holds letter\.txt"):
        saved(Settings(whole), tmp_path / "mine")
    other = Settings(tmp_path / "other")
    with closing(Exchange.open(other)) as exchange:
        publish(exchange, "FRA", FRANCE)
    saved(other, tmp_path / "saved")
    with pytest.raises(Conflict, match="the backup of another exchange"):
        saved(Settings(whole), tmp_path / "saved")


def test_two_at_once(whole: Path, tmp_path: Path) -> None:
    with backups._alone(tmp_path / "saved"), pytest.raises(Conflict, match="Another backup"):
        saved(Settings(whole), tmp_path / "saved")


HOSTILE = [b"", b"null", b"[]", b"{", b'{"type":"migdx-backup-1"}', b"\xff", b'{"type":1,"seq":{}}']


@pytest.mark.parametrize("body", HOSTILE)
def test_what_is_no_manifest(copied: Path, body: bytes, tmp_path: Path) -> None:
    (copied / MANIFEST).write_bytes(body)
    with pytest.raises(ExchangeError, match="is no manifest"):
        restore(copied, Settings(tmp_path / "restored"))


@pytest.mark.parametrize("line", [b"{}\n", b"nothing\n", b"[1]\n", b'{"seq":"1"}\n'])
def test_a_ledger_that_somebody_wrote_anew(copied: Path, line: bytes, tmp_path: Path) -> None:
    """With digests that fit: the chain does not."""
    (lines,) = copied.glob(f"{LEDGER}*")
    lines.write_bytes(lines.read_bytes() + line)
    body = orjson.loads((copied / MANIFEST).read_bytes())
    body["ledger"] = hashlib.sha256(lines.read_bytes()).hexdigest()
    (copied / MANIFEST).write_bytes(orjson.dumps(body))
    assert any("is no entry" in said for said in checked_backup(copied))
    goal = Settings(tmp_path / "restored")
    with pytest.raises(ExchangeError, match="is no entry"):
        restore(copied, goal)
    assert not goal.has_ledger


def test_a_disk_that_fills(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(tmp_path / "exchange")
    shutil.copytree(whole, settings.folder)
    saved(settings, tmp_path / "saved")
    with closing(Exchange.open(settings)) as exchange:
        publish(exchange, "ITA", [flow_row("380", "EMIG", "250", 2019, 7)])
    before = manifest_of(tmp_path / "saved")
    real, left = backups.copied, iter(range(1))

    def full(*given: object) -> object:
        if next(left, None) is None:
            raise OSError(28, "No space left on device")
        return real(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(backups, "copied", full)
    with pytest.raises(NoSpace, match="no room left; the backup before this one is still whole"):
        saved(settings, tmp_path / "saved")
    with pytest.raises(NoSpace, match="no room left; it is none"):
        saved(settings, tmp_path / "new")
    monkeypatch.undo()
    assert manifest_of(tmp_path / "saved") == before
    assert checked_backup(tmp_path / "saved") == []
    assert saved(settings, tmp_path / "saved").copied == 2  # one was there already


def test_of_every_kind_of_entry_it_is_decided_what_it_names() -> None:
    assert inventory.NAMES.keys() | {"submission"} == KINDS.keys()


# --- the command line ---------------------------------------------------------------------------------------


def test_the_commands(run: Callable[..., tuple[int, str, str]], whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path / "exchange")
    status, out, _ = run("--data", "exchange", "backup", "saved")
    assert status == 0
    assert "keys     left out" in out
    head = next(line for line in out.splitlines() if line.startswith("head"))
    status, out, err = run("--data", "exchange", "backup", "exchange/saved")
    assert (status, out) == (1, "")
    assert "lie in one another" in err
    status, out, _ = run("--data", "exchange", "verify")
    assert (status, head in out) == (0, True)
    assert "faults   0" in out
    status, out, _ = run("--data", "new", "restore", "saved", "--check-only")
    assert (status, head in out, (tmp_path / "new").exists()) == (0, True, False)
    status, out, _ = run("--data", "new", "restore", "saved")
    assert (status, head in out) == (0, True)
    assert "keys rotate --lost" in out
    rot(next((tmp_path / "saved/segments/open").rglob("*.parquet")))
    status, out, _ = run("verify", "--backup", "saved")
    assert status == 1
    assert "is damaged" in out
    assert "faults   1" in out
    status, _, err = run("--data", "nowhere", "verify")
    assert (status, err) == (1, "migdx: There is no exchange in nowhere\n")


# --- killed -------------------------------------------------------------------------------------------------


@pytest.mark.faults
@pytest.mark.parametrize("command", ["backup", "restore"])
def test_killed_at_any_instant(whole: Path, tmp_path: Path, command: str) -> None:
    """What is cut off is either nothing or, when it is done again, whole."""
    chance = random.Random(command)
    migdx = Path(sys.executable).parent / "migdx"
    killed = 0
    for at in range(12):
        goal = tmp_path / f"goal{at}"
        words = (
            ["--data", whole, "backup", goal]
            if command == "backup"
            else ["--data", goal, "restore", whole.parent / "saved"]
        )
        begun = time.monotonic()
        with subprocess.Popen([migdx, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as one:
            while not goal.exists() and one.poll() is None:
                time.sleep(0.001)
            time.sleep(chance.random() * (0.3 if at else 0))
            with suppress(ProcessLookupError):
                one.send_signal(signal.SIGKILL)
            killed += one.wait() == -signal.SIGKILL
        if command == "backup":
            with suppress(NotFound):  # it says that it is none
                assert checked_backup(goal) == []
            saved(Settings(whole), goal)
            assert checked_backup(goal) == []
        else:
            settings = Settings(goal)
            if settings.has_ledger:
                with closing(Ledger(settings.ledger_url)) as ledger:
                    done = ledger.history().seq
                if done:
                    assert checked(settings)[1] == []
                    continue
            restore(whole.parent / "saved", settings)
            assert checked(settings)[1] == []
        assert time.monotonic() - begun < 300
    assert killed > 5
