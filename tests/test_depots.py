"""One suite for every depot: a file is whole or not there, never changed, and stays while it is held; and
what a bucket adds: a cache with a limit, and a network that fails.
"""

from __future__ import annotations

import errno
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from object_store import SECRET, Door, environment, new_bucket, object_store

from migdx.depots import Depot, bucket, cache, is_name
from migdx.depots.bucket import BucketDepot
from migdx.depots.cache import Cache
from migdx.depots.folder import FolderDepot
from migdx.errors import ExchangeError, NoSpace, NotFound, Unavailable
from migdx.settings import Settings

pytestmark = pytest.mark.faults

AT_ONCE = timedelta(seconds=-1)
LONG = bytes(range(256)) * (90_000)  # 23 MB: an upload in parts
HOSTILE = [
    "", ".", "..", "../x", "a/../../x", "/x", "/etc/passwd", "a//b", "a/", "a/.b", ".draft", "a\0b", "a\nb",
    "a\\b", "é", "a b", "x" * 300, "/".join(["abcdefgh"] * 200), "a/./b", "~", "%2e%2e/x", "s3://b/x", "a?b",
    "a\ud800",
]  # fmt: skip

Bucket = Callable[..., BucketDepot]


@pytest.fixture(scope="session")
def s3() -> Iterator[int]:
    with object_store() as port:
        yield port


@pytest.fixture
def door(s3: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    """The way to the server; calls are tried briefly, and what failed may be tried again at once."""
    made = Door(s3)
    for name, value in environment(made.port).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(bucket, "CONNECT", 1.0)
    monkeypatch.setattr(bucket, "ANSWER", 1.0)
    monkeypatch.setattr(bucket, "REST", 0.0)
    yield made
    made.shut()


@pytest.fixture
def bucket_depot(door: Door, tmp_path: Path) -> Bucket:
    """Depots of one bucket, each with the cache folder that is asked for."""
    place = f"s3://{new_bucket(door.goal)}/pre/fix"

    def made(folder: str = "cache", limit: int = 1 << 30, part: str = "part") -> BucketDepot:
        return BucketDepot(place, part, tmp_path / folder, limit)

    return made


@pytest.fixture(params=["folder", "bucket"])
def depot(request: pytest.FixtureRequest, tmp_path: Path) -> Depot:
    if request.param == "folder":
        return FolderDepot(tmp_path / "deep" / "folder")
    made: BucketDepot = request.getfixturevalue("bucket_depot")()
    return made


def write(depot: Depot, name: str, content: bytes = b"content") -> None:
    with depot.writing() as new:
        new.file.write(content)
        new.name = name


def broken(depot: Depot) -> None:
    with depot.writing() as new:
        new.name = "half"
        new.file.write(b"ha")
        raise ConnectionResetError


def content(depot: Depot, name: str) -> bytes:
    with depot.open(name) as file:
        return file.read()


def listed(depot: Depot, prefix: str = "") -> list[str]:
    return sorted(kept.name for kept in depot.names(prefix))


def left(depot: Depot) -> list[str]:
    """Every file on this machine, drafts too."""
    return sorted(
        path.relative_to(depot.local).as_posix() for path in depot.local.rglob("*") if path.is_file()
    )


# --- every depot ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sent", [b"", b"x", LONG])
def test_a_file_comes_back(depot: Depot, sent: bytes) -> None:
    with depot.writing() as new:
        new.file.write(sent)
        new.name = "open/flow/a-1.parquet"
        assert not depot.exists("open/flow/a-1.parquet")
        assert listed(depot) == []
    assert depot.exists("open/flow/a-1.parquet")
    assert content(depot, "open/flow/a-1.parquet") == sent
    with depot.holding(["open/flow/a-1.parquet"]) as (path,):
        assert path == depot.local / "open/flow/a-1.parquet"
        assert path.read_bytes() == sent
    (kept,) = depot.names()
    assert (kept.name, kept.size) == ("open/flow/a-1.parquet", len(sent))
    assert abs(datetime.now(UTC) - kept.written) < timedelta(minutes=5)


def test_a_draft_without_a_name_or_after_an_exception_is_gone(depot: Depot) -> None:
    with depot.writing() as new:
        new.file.write(b"never mind")
    with pytest.raises(ConnectionResetError):
        broken(depot)
    assert (listed(depot), left(depot)) == ([], [])
    assert not depot.exists("half")


def test_what_is_there_never_changes(depot: Depot) -> None:
    write(depot, "a", b"first")
    write(depot, "a", b"second")
    assert content(depot, "a") == b"first"
    assert listed(depot) == left(depot) == ["a"]


def test_names_by_prefix(depot: Depot) -> None:
    for name in ("a", "ab", "b/a", "b/ab", "b/c/a", "ba"):
        write(depot, name)
    for prefix in ("", "a", "b", "b/", "b/a", "b/c/", "b/c/a", "none", "none/", "a/"):
        expected = [name for name in ("a", "ab", "b/a", "b/ab", "b/c/a", "ba") if name.startswith(prefix)]
        assert listed(depot, prefix) == expected, prefix


def test_what_is_not_there(depot: Depot) -> None:
    write(depot, "a/b")
    for name in ("none", "a", "a/b/c", "a/none"):
        assert not depot.exists(name)
        depot.remove(name)
        with pytest.raises(NotFound):
            depot.open(name)
        with pytest.raises(NotFound), depot.holding(["a/b", name]):
            pass
    assert listed(depot) == ["a/b"]


def test_removed_is_gone(depot: Depot) -> None:
    write(depot, "a/b")
    assert content(depot, "a/b") == b"content"
    depot.remove("a/b")
    assert not depot.exists("a/b")
    assert (listed(depot), left(depot)) == ([], [])
    with pytest.raises(NotFound):
        depot.open("a/b")


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_that_is_none_is_nowhere(depot: Depot, name: str, tmp_path: Path) -> None:
    outside = tmp_path / "x"
    outside.write_bytes(b"outside")
    assert not is_name(name)
    assert not depot.exists(name)
    depot.remove(name)
    with pytest.raises(NotFound):
        depot.open(name)
    with pytest.raises(NotFound), depot.holding([name]):
        pass
    if name:
        with pytest.raises(ValueError, match="no name"):
            write(depot, name)
    assert list(depot.names(f"{name}/")) == []
    assert left(depot) == []
    assert outside.read_bytes() == b"outside"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(name=st.text(st.sampled_from("a./-_\\\0 ~é"), max_size=12) | st.text(max_size=8))
def test_a_name_stays_below_its_depot(name: str, tmp_path: Path) -> None:
    depot = FolderDepot(tmp_path / "hypothesis" / "depot")
    with suppress(ValueError, NoSpace, OSError):  # the name of a file is the folder of another
        write(depot, name)
    assert {path.name for path in (tmp_path / "hypothesis").iterdir()} == {"depot"}
    assert all(is_name(kept) for kept in left(depot))
    assert depot.exists(name) == (name in left(depot))


def test_many_at_once_end_with_one_whole_file(depot: Depot) -> None:
    def put(at: int) -> None:
        try:
            write(depot, "same", LONG[: 1 << 20])
            write(depot, f"own/{at}", str(at).encode())
            assert content(depot, "same") == LONG[: 1 << 20]
        except BaseException as fault:  # noqa: BLE001
            faults.append(fault)

    faults: list[BaseException] = []
    threads = [threading.Thread(target=put, args=(at,)) for at in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert listed(depot) == sorted(["same", *(f"own/{at}" for at in range(8))])
    assert left(depot) == listed(depot)


def test_sweep_removes_what_a_crash_left(depot: Depot) -> None:
    write(depot, "kept")
    half = depot.local / ".0123456789abcdef.draft"
    half.write_bytes(b"half")
    assert depot.sweep(timedelta(hours=1)) == []  # perhaps somebody writes it now
    assert depot.sweep(AT_ONCE, dry=True) == [half.name]
    assert half.exists()
    assert depot.sweep(AT_ONCE) == [half.name]
    assert left(depot) == ["kept"]


def full(depot: Depot) -> None:
    with depot.writing() as new:
        new.name = "a"
        new.file.write(b"con")
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_takes_nothing(depot: Depot) -> None:
    with pytest.raises(NoSpace, match="space"):
        full(depot)
    assert (listed(depot), left(depot)) == ([], [])


# --- a bucket and its cache -------------------------------------------------------------------------------


def test_another_machine_sees_it_at_once(bucket_depot: Bucket) -> None:
    one, two = bucket_depot("one"), bucket_depot("two")
    write(one, "a", LONG)
    assert two.exists("a")
    assert left(two) == []
    assert content(two, "a") == LONG
    assert left(two) == ["a"]
    assert list(bucket_depot("three", part="other").names()) == []


def test_what_is_cached_is_read_while_the_store_is_away(
    bucket_depot: Bucket, door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    depot, empty = bucket_depot(), bucket_depot("empty")
    write(depot, "a")
    door.shut()
    with depot.holding(["a"]) as (path,):
        assert path.read_bytes() == b"content"
    assert content(depot, "a") == b"content"
    for attempt in (
        lambda: depot.exists("b"),
        lambda: depot.open("b"),
        lambda: list(depot.names()),
        lambda: depot.remove("a"),
        lambda: empty.open("a"),
        lambda: write(depot, "b"),
    ):
        with pytest.raises(Unavailable, match="cannot be read now"):
            attempt()
    assert left(depot) == ["a"]
    told = caplog.text
    assert "The object store cannot be reached" in told
    assert not any(part in told for part in (SECRET, "the-key-of-a-test", "eu-test-1", str(door.port)))
    door.open()
    assert listed(depot) == ["a"]
    assert content(empty, "a") == b"content"


def test_a_store_that_says_nothing_is_not_waited_for(bucket_depot: Bucket, door: Door) -> None:
    depot, empty = bucket_depot(), bucket_depot("empty")
    write(depot, "a")
    door.shut()
    door.silent = True
    door.open()
    with pytest.raises(Unavailable):
        empty.open("a")
    with pytest.raises(Unavailable):
        write(empty, "b")
    assert left(empty) == []
    assert content(depot, "a") == b"content"


def test_who_waits_behind_a_call_that_failed_is_told_at_once(
    bucket_depot: Bucket, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = bucket_depot("empty")
    monkeypatch.setattr(bucket, "REST", 600.0)
    door.shut()
    with pytest.raises(Unavailable):
        empty.exists("a")
    door.open()
    before = door.passed
    with pytest.raises(Unavailable), empty.holding([f"a{at}" for at in range(1000)]):
        pass
    assert door.passed == before


def test_a_transfer_that_breaks_leaves_nothing(bucket_depot: Bucket, door: Door) -> None:
    depot, empty = bucket_depot(), bucket_depot("empty")
    write(depot, "whole", LONG)
    door.shut()
    door.open()
    for way, do in (
        ("answer", lambda: content(empty, "whole")),
        ("request", lambda: write(depot, "half", LONG)),
        ("request", lambda: write(depot, "half", LONG[: 1 << 20])),
    ):
        door.cut = {way: 300_000}
        with pytest.raises(Unavailable):
            do()
        door.cut = {}
        assert listed(depot) == ["whole"]
        assert (left(depot), left(empty)) == (["whole"], [])
    write(depot, "half", LONG)
    assert content(empty, "half") == LONG


def test_the_least_recently_used_go_first(bucket_depot: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "_USED_AGAIN", 0.0)
    source, depot = bucket_depot("source"), bucket_depot(limit=3000)
    for name in "abcde":
        write(source, name, bytes(1000))
    for name in "abc":
        content(depot, name)
    content(depot, "a")
    content(depot, "d")
    assert left(depot) == ["a", "c", "d"]  # b was not used for longest
    with depot.holding(list("abcde")) as paths:  # all at once, whatever the limit
        assert [path.stat().st_size for path in paths] == [1000] * 5
        content(bucket_depot(limit=1), "a")  # another process that wants room
        assert left(depot) == list("abcde")
    assert len(left(depot)) == 3


def test_the_limit_is_for_all_parts(bucket_depot: Bucket) -> None:
    segments, blobs = (bucket_depot(limit=2000, part=part) for part in ("segments", "blobs"))
    for depot in (segments, blobs, segments):
        name = str(len(listed(segments)))
        write(depot, name, bytes(1000))
    with segments.holding(["0", "1"]):
        pass
    bucket_depot("elsewhere")
    assert len([*left(segments), *left(blobs)]) <= 3
    content(blobs, "1")
    assert len([*left(segments), *left(blobs)]) <= 3


HOLDER = """
import sys
from pathlib import Path
from migdx.depots.bucket import BucketDepot
depot = BucketDepot(sys.argv[1], "part", Path(sys.argv[2]), 1)
with depot.holding(["a"]) as (path,):
    print("holding", flush=True)
    sys.stdin.readline()
    print(path.read_bytes().decode(), flush=True)
    sys.stdin.readline()
"""


def test_another_process_keeps_what_it_holds_and_a_killed_one_nothing(
    bucket_depot: Bucket, tmp_path: Path
) -> None:
    depot = bucket_depot(limit=1)
    write(depot, "a")
    place = f"s3://{depot._at.removesuffix('/part')}"
    command = [sys.executable, "-c", HOLDER, place, str(tmp_path / "cache")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdin
        assert other.stdout
        assert other.stdout.readline() == "holding\n"
        assert depot._cache.evict(0) == 0
        other.stdin.write("\n")
        other.stdin.flush()
        assert other.stdout.readline() == "content\n"
        other.send_signal(signal.SIGKILL)
        other.wait(30)
    assert depot._cache.evict(0) == len(b"content")
    assert left(depot) == []


def test_a_cache_that_is_deleted_is_made_again(bucket_depot: Bucket, tmp_path: Path) -> None:
    depot = bucket_depot()
    write(depot, "open/a")
    for path in sorted((tmp_path / "cache").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    (tmp_path / "cache").rmdir()
    with depot.holding(["open/a"]) as (path,):
        assert path.read_bytes() == b"content"
        assert bucket_depot()._cache.evict(0) == 0  # the locks are those of the new folder
        assert path.exists()
    assert depot.room(1) > 1
    write(depot, "b")
    assert left(depot) == ["b", "open/a"]


def test_nobody_else_looks_into_the_cache(bucket_depot: Bucket, tmp_path: Path) -> None:
    bucket_depot()
    assert (tmp_path / "cache").stat().st_mode & 0o777 == 0o700


def test_a_damaged_copy_is_taken_anew(bucket_depot: Bucket) -> None:
    depot = bucket_depot()
    write(depot, "a")
    (depot.local / "a").write_bytes(b"conTent")
    depot.renew(["a", "not-here"])
    assert content(depot, "a") == b"content"
    assert left(depot) == ["a"]


def test_a_sweep_forgets_copies_of_what_was_removed_elsewhere(bucket_depot: Bucket) -> None:
    one, two = bucket_depot("one"), bucket_depot("two")
    write(one, "a")
    write(one, "b")
    assert content(two, "a") == b"content"
    one.remove("a")
    assert left(two) == ["a"]
    assert two.sweep(timedelta(hours=1), dry=True) == ["a"]
    assert left(two) == ["a"]
    assert two.sweep(timedelta(hours=1)) == ["a"]
    assert left(two) == []
    assert left(one) == ["b"]


class Source:
    """What a cache fetches, and how often; a disk of its own size."""

    def __init__(self, size: int = 1 << 30) -> None:
        self.calls: list[str] = []
        self.size = size
        self.folder = Path("/none")

    def fetch(self, name: str, goal: BinaryIO) -> None:
        self.calls.append(name)
        time.sleep(0.02)
        used = sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())
        if used + 100 > self.size:
            goal.write(bytes(50))
            raise OSError(errno.ENOSPC, "No space left on device")
        goal.write(name.encode().ljust(100))


def test_a_file_is_fetched_once_for_all_who_want_it(tmp_path: Path) -> None:
    source = Source()
    made = Cache(tmp_path, "part", 1 << 20, source.fetch)
    names = [f"n{at}" for at in range(20)]

    def hold() -> None:
        with made.holding(names) as paths:
            seen.append([path.read_bytes().strip().decode() for path in paths])

    seen: list[list[str]] = []
    threads = [threading.Thread(target=hold) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [names] * 8
    assert sorted(source.calls) == sorted(names)


def test_a_full_disk_gives_way_to_what_is_wanted_now(tmp_path: Path) -> None:
    source = Source(size=350)
    source.folder = tmp_path
    made = Cache(tmp_path, "part", 1 << 20, source.fetch)
    for name in "abcdefg":
        with made.holding([name]) as (path,):
            assert path.read_bytes().strip() == name.encode()
    with pytest.raises(Unavailable, match="cannot be read now"), made.holding(list("abcd")):
        pass
    assert not [path for path in tmp_path.rglob("*.draft") if path.is_file()]
    with made.holding(["a"]):  # and goes on
        pass


def test_copies_make_room_for_a_draft(tmp_path: Path) -> None:
    source = Source()
    made = Cache(tmp_path, "part", 1 << 20, source.fetch)
    with made.holding(list("abcd")):
        pass
    with made.holding(["d"]):
        free = 100

        def disk() -> int:
            return free + 100 * (4 - len(made.copies()))

        assert made.make_room(300, disk) == 300
        assert len(made.copies()) == 2
        assert made.make_room(900, disk) == 400
        assert made.copies() == ["d"]  # which is held


CROWD = """
import random, sys
from pathlib import Path
from migdx.depots.cache import Cache
def fetch(name, goal):
    goal.write(name.encode() * 1000)
cache = Cache(Path(sys.argv[1]), "part", 10_000, fetch)
dice = random.Random(int(sys.argv[2]))
print("begun", flush=True)
while True:
    names = dice.sample([f"n{at:02}" for at in range(20)], 3)
    with cache.holding(names) as paths:
        for name, path in zip(names, paths):
            assert path.read_bytes() == name.encode() * 1000
"""


@pytest.mark.faults
def test_a_crowd_of_processes_that_are_killed_share_one_cache(tmp_path: Path) -> None:
    """Each holds three of twenty files in a cache that keeps three: nothing vanishes, nothing is half."""
    with ExitStack() as ended:

        def begun(seed: int) -> subprocess.Popen[str]:
            command = [sys.executable, "-c", CROWD, str(tmp_path), str(seed)]
            made = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            ended.enter_context(made)
            ended.callback(made.kill)
            assert made.stdout
            assert made.stdout.readline() == "begun\n"
            return made

        steady = [begun(seed) for seed in range(2)]
        for seed in range(10, 22):
            victim = begun(seed)
            time.sleep(0.2)
            victim.kill()
            assert victim.wait() == -signal.SIGKILL
        assert [one.poll() for one in steady] == [None, None], [one.stderr.read() for one in steady]
    made = Cache(tmp_path, "part", 0, lambda name, goal: None)
    made.evict()
    assert made.copies() == []
    for half in tmp_path.rglob("*.draft"):
        os.utime(half, (0, 0))
    (made.folder / "copy").write_bytes(b"x")
    made.evict()
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [".holders"]


# --- where it is ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "place",
    ["gs://bucket/a", "s3://key:word@bucket/a", "s3://bucket/a?secret_key=word", "s3://", "s3://B/a", "s3://b/../a",
     "s3://bucket/a b", "s3:///a", "http://word/", "s3://bucket/../word"],
)  # fmt: skip
def test_a_place_that_is_none_is_told_and_not_repeated(place: str, tmp_path: Path) -> None:
    with pytest.raises(ExchangeError, match=r"expected a folder or s3://bucket/prefix") as fault:
        Settings(tmp_path, files=place).depot("blobs")
    assert "word" not in str(fault.value)


def test_an_endpoint_that_is_none_is_told_and_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://user:word@host/")
    with pytest.raises(ExchangeError, match="AWS_ENDPOINT_URL is no address") as fault:
        Settings(tmp_path, files="s3://bucket/a").depot("blobs")
    assert "word" not in str(fault.value)


def test_a_bucket_that_is_not_there(door: Door, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    depot = BucketDepot("s3://no-such-bucket/a", "part", tmp_path / "cache", 1 << 20)
    with caplog.at_level(logging.WARNING), pytest.raises(Unavailable):
        write(depot, "a")
    assert "NO_SUCH_BUCKET" in caplog.text
    assert left(depot) == []
