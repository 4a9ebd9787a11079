"""What a release made citable: whole, open values only, and the same bytes for ever."""

from __future__ import annotations

import hashlib
import io
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from conftest import flow_row, publish, sent
from small_world import data, small, submitted

from migdx import snapshot as snapshots
from migdx.errors import Gone, NotFound
from migdx.exchange import Exchange
from migdx.formats.tables import WRITERS
from migdx.plan import Answer
from migdx.snapshot import CSV, PARQUET, Snapshot, pieces, snapshot_of

SECRET = 987654


def taken(exchange: Exchange, id: str) -> dict[str, bytes]:
    """The files of a snapshot, each compared with what is said of it."""
    found = snapshot_of(exchange, id)
    files = {name: b"".join(pieces(exchange, found, file)) for name, file in found.files.items()}
    for name, body in files.items():
        told = found.files[name]
        assert (len(body), hashlib.sha256(body).hexdigest()) == (told.size, told.sha256)
    return files


def test_the_dataflow_whole_as_it_was_then_without_what_is_masked(exchange: Exchange, tmp_path: Path) -> None:
    publish(exchange, "DEU", [flow_row("276", "EMIG", "250", 2019, 1000)])
    rows = [
        flow_row("250", "IMMIG", "276", 2018, "18.50", comment="=SUM(A1)"),
        flow_row("250", "IMMIG", "276", 2019, SECRET, conf="C", comment="hidden"),
    ]
    made = publish(exchange, "FRA", rows, note="as sent", name="2026-spring")
    publish(exchange, "ITA", [flow_row("380", "EMIG", "250", 2019, 7)])
    files = taken(exchange, "2026-spring")
    assert taken(exchange, made.id) == files
    assert [*files] == ["MIGDX-DF_MIG_FLOW-1.0.0.csv", "MIGDX-DF_MIG_FLOW-1.0.0.parquet"]
    csv, parquet = files.values()
    lines = csv.decode().splitlines()
    assert sorted(line.split(",")[4] for line in lines[1:]) == ["250", "250", "276"]
    assert sum(",18.50," in line and "=SUM(A1)" in line for line in lines) == 1
    table = pq.read_table(io.BytesIO(parquet))
    assert sorted(table["REF_AREA"].to_pylist()) == ["250", "250", "276"]
    assert sorted(table["OBS_VALUE"].to_pylist(), key=str) == [1000.0, 18.5, None]
    assert table.schema.metadata[b"migdx.release"].decode() == made.id
    assert table.schema.metadata[b"sdmx.dataflow"].decode().endswith("DF_MIG_FLOW(1.0.0)")
    assert snapshot_of(exchange, made.id).flows[0].observations == 3
    kept = b"".join(path.read_bytes() for path in (tmp_path / "exchange/blobs/snapshots").rglob("*.*"))
    for body in (csv, parquet, kept):
        assert str(SECRET).encode() not in body
        assert b"hidden" not in body


def test_the_same_bytes_whatever_comes_after(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Later releases, rollbacks, another process, and software that writes otherwise."""
    exchange = small(tmp_path)
    submitted(exchange, "X,F,2020,1,A", "X,M,2020,2,A")
    first = exchange.ledger.history().releases[0]
    files, told = taken(exchange, first.id), snapshot_of(exchange, first.id)
    submitted(exchange, "X,F,2020,111,A")
    exchange.close()
    monkeypatch.setitem(WRITERS, CSV, _otherwise)
    exchange = small(tmp_path)
    assert (taken(exchange, first.id), snapshot_of(exchange, first.id)) == (files, told)
    second = exchange.ledger.history().releases[1]
    assert taken(exchange, second.id)["T-FLOW-1.0.csv"] == b"otherwise"
    exchange.cancel(second.id, by="test")
    assert taken(exchange, first.id) == files


def _otherwise(answer: Answer):
    for dataset in answer.datasets:
        list(dataset.batches)
    yield b"otherwise"


def test_made_late_it_is_what_was_public_at_first(tmp_path: Path) -> None:
    early, late = small(tmp_path / "early"), small(tmp_path / "late")
    for exchange in (early, late):
        submitted(exchange, "X,F,2020,1,A")
    one = taken(early, early.ledger.history().releases[0].id)
    submitted(late, "X,F,2020,2,A", "Y,F,2020,3,A")
    other = taken(late, late.ledger.history().releases[0].id)
    assert one["T-FLOW-1.0.csv"] == other["T-FLOW-1.0.csv"]


def test_before_it_begins_there_is_none_and_nothing_tells_of_it(exchange: Exchange) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    rows = [flow_row("250", "EMIG", "276", 2019, 1)]
    made = publish(exchange, "FRA", rows, public_from=tomorrow, name="next")
    for id in (made.id, "next", "no", "", "../blobs", "x" * 9999, "\0"):
        with pytest.raises(NotFound) as fault:
            snapshot_of(exchange, id)
        assert str(fault.value) == f"There is no release {id[:64]}"
    exchange.cancel(made.id, by="test")
    with pytest.raises(NotFound):  # nobody ever saw it
        snapshot_of(exchange, made.id)
    assert not [*exchange.blobs.depot.names("snapshots/")]


def test_a_withdrawn_one_says_when_and_why(exchange: Exchange) -> None:
    made = publish(exchange, "FRA", [flow_row("250", "EMIG", "276", 2019, 1)], name="first")
    assert taken(exchange, "first")
    exchange.cancel("first", by="test", reason="a column was shifted")
    today = datetime.now(UTC).date()
    with pytest.raises(Gone, match=rf"Release first of .* was withdrawn on {today}: a column was shifted"):
        snapshot_of(exchange, made.id)


def test_released_twice_it_is_cited_twice(tmp_path: Path) -> None:
    """Another release of the same revision is not withdrawn with the first."""
    exchange = small(tmp_path)
    submission = submitted(exchange, "X,F,2020,1,A", release=False)
    made, other = (exchange.release([submission.id], by="test") for _ in range(2))
    exchange.cancel(made.id, by="test")
    assert taken(exchange, other.id)


def test_of_what_showed_nothing_there_are_no_files(tmp_path: Path) -> None:
    exchange = small(tmp_path)
    submitted(exchange, "X,F,2020,1,A")
    head, row = data("X,F,2020,,").decode().splitlines()
    body = f"{head}\n{row.replace(',R,', ',D,')}\n".encode()
    (deleted,), report = exchange.submit(sent(body, "ONE"), by="test")
    assert deleted.verdict == "accepted", report.as_dict()
    made = exchange.release([deleted.id], by="test")
    assert taken(exchange, made.id) == {}
    assert snapshot_of(exchange, made.id).citation("https://x.example", "en")


def test_a_torn_start_leaves_no_half_snapshot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What fails after the first file is made anew."""
    exchange = small(tmp_path)
    submitted(exchange, "X,F,2020,1,A")
    id = exchange.ledger.history().releases[0].id
    with monkeypatch.context() as broken:
        broken.setattr(snapshots, "_parquet", _fails)
        with pytest.raises(OSError, match="torn"):
            snapshot_of(exchange, id)
    assert sorted(Path(name).suffix for name in taken(exchange, id)) == [".csv", ".parquet"]


def _fails(*_: object):
    raise OSError("torn")


def test_the_checksums_are_those_that_sha256sum_reads(exchange: Exchange, tmp_path: Path) -> None:
    publish(exchange, "FRA", [flow_row("250", "EMIG", "276", 2019, 1)], name="first")
    for name, body in taken(exchange, "first").items():
        (tmp_path / name).write_bytes(body)
    found = snapshot_of(exchange, "first")
    (tmp_path / "SHA256SUMS").write_bytes(found.sums)
    said = subprocess.run(
        ["sha256sum", "--check", "SHA256SUMS"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert said.stdout.count(": OK") == 2
    assert hashlib.sha256(found.sums).hexdigest() == found.sha256


def test_the_citation_names_all_that_it_is_found_by(exchange: Exchange) -> None:
    made = publish(exchange, "FRA", [flow_row("250", "EMIG", "276", 2019, 1)], name="first")
    found: Snapshot = snapshot_of(exchange, "first")
    for language, word in (("en", "Release first"), ("fr", "Diffusion first")):
        said = found.citation("https://x.example/releases/first", language)
        for part in (word, str(made.public_from.date()), "https://x.example/releases/first", found.sha256):
            assert part in said
        flow = found.flows[0]
        assert flow.names[language] in said
    assert {file.media_type for file in found.files.values()} == {CSV, PARQUET}


def test_a_snapshot_reads_back_as_what_it_was_sent_as(exchange: Exchange) -> None:
    """The CSV may be submitted elsewhere as it is."""
    rows = [flow_row("250", "EMIG", "276", year, 1.5 + year) for year in (2018, 2019)]
    publish(exchange, "FRA", rows, name="first")
    (csv, _) = taken(exchange, "first").values()
    report = exchange.check(sent(csv, "FRA"))
    assert (report.verdict, report.counts.accepted) == ("accepted", 2)
