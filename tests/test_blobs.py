"""Bytes come back as they were sent, once, whole, and only while there is room."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest

from migdx.blobs import Blobs
from migdx.depots.folder import FolderDepot
from migdx.durable import draft
from migdx.errors import NotFound, Unavailable


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(FolderDepot(tmp_path / "deep" / "blobs"), floor=0)


def content(blobs: Blobs, sha256: str) -> bytes:
    with blobs.open(sha256) as file:
        return file.read()


def test_bytes_come_back(blobs: Blobs) -> None:
    for sent in (b"", b"SEX,OBS_VALUE\r\nF,1\r\n", bytes(3 << 20)):
        name = blobs.put(sent)
        assert name == hashlib.sha256(sent).hexdigest()
        assert blobs.exists(name)
        assert content(blobs, name) == sent


def test_a_file_comes_back_from_where_it_stood(blobs: Blobs) -> None:
    file = BytesIO(b"headbody")
    file.seek(4)
    assert content(blobs, blobs.put(file)) == b"body"


def test_the_same_bytes_are_kept_once(blobs: Blobs) -> None:
    name = blobs.put(b"same")
    written = (blobs.depot.folder / name).stat().st_mtime_ns
    assert blobs.put(BytesIO(b"same")) == name
    assert (blobs.depot.folder / name).stat().st_mtime_ns == written
    assert [path.name for path in blobs.depot.folder.iterdir()] == [name]


@pytest.mark.parametrize("name", ["", "0" * 64, "../blobs", "0" * 63 + "/", "A" * 64, "0" * 64 + "\n"])
def test_no_such_blob(blobs: Blobs, name: str) -> None:
    assert not blobs.exists(name)
    with pytest.raises(NotFound):
        blobs.open(name)


def test_a_full_disk_takes_no_more_and_still_reads(blobs: Blobs) -> None:
    name = blobs.put(b"before")
    full = Blobs(blobs.depot, floor=1 << 62)
    with pytest.raises(Unavailable, match="space"):
        full.put(b"after")
    assert content(full, name) == b"before"
    assert [path.name for path in full.depot.folder.iterdir()] == [name]


def test_a_broken_transfer_leaves_nothing(blobs: Blobs) -> None:
    class Broken(BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell():
                raise ConnectionResetError
            return super().read(4)

    with pytest.raises(ConnectionResetError):
        blobs.put(Broken(b"half of it"))
    assert list(blobs.depot.folder.iterdir()) == []


def test_sweep_removes_what_a_crash_left(blobs: Blobs) -> None:
    name = blobs.put(b"kept")
    left = blobs.depot.folder / ".0123456789abcdef.draft"
    left.write_bytes(b"half")
    assert blobs.sweep(timedelta(hours=1)) == []  # perhaps somebody writes it now
    assert blobs.sweep(timedelta(seconds=-1)) == [left.name]
    assert [path.name for path in blobs.depot.folder.iterdir()] == [name]


def test_a_draft_has_no_name_before_it_is_whole(tmp_path: Path) -> None:
    with draft(tmp_path) as new:
        new.name = "whole"
        new.file.write(b"first")
        assert not (tmp_path / "whole").exists()
    assert (tmp_path / "whole").read_bytes() == b"first"


def test_an_open_file(blobs: Blobs, tmp_path: Path) -> None:
    path = tmp_path / "sent.csv"
    path.write_bytes(b"sent")
    with path.open("rb") as file:
        assert content(blobs, blobs.put(file)) == b"sent"
