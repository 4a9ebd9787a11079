"""Files made to do harm, each read as the service reads it: one finding, within bounds, and nobody hurt."""

import inspect
import io
import json
import logging
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import hostile_archives
import hostile_text
import hostile_workbooks
import pytest
from conftest import FRANCE, flow_csv
from conftest import sent as as_sent
from laws import OURS, errors, holds

from migdx import exchange as exchanges
from migdx import turns
from migdx.formats import sandbox
from migdx.formats.sandbox import MEMORY, Sandbox, limits_of
from migdx.report import as_dict, shortened

pytestmark = pytest.mark.faults

SPECIMENS = {
    name: made
    for module in (hostile_text, hostile_archives, hostile_workbooks)
    for name, made in inspect.getmembers(module, inspect.isfunction)
    if made.__module__ == module.__name__
    and not name.startswith("_")
    and not inspect.signature(made).parameters
}

TAKEN = {
    "a_dimension_that_lies": None,
    "external_links": "external_links",
    "big_exponent": None,
    "formulas": None,
    "hidden_columns": "hidden_observations",
    "invalid_utf8": "encoding_not_utf8",
    "macros": None,
    "many_merged": None,
    "many_values": None,
    "many_structures": None,
    "many_namespaces": None,
    "many_comments": None,
    "merged_all": None,
    "not_a_number_in_json": None,
    "persons_in_a_message": None,
    "utf16_that_says_utf8": None,
    "zip_with_a_path": None,
}
"""What readers take, for the attack has no effect, and the warning that tells of it; checks say the rest."""

GOOD = flow_csv(*FRANCE)


@pytest.fixture(scope="module")
def box():
    made = Sandbox()
    yield made
    made.close()


@pytest.fixture
def reading(box, caplog):
    """Reads bytes as the service does; what was read, and what it took."""
    caplog.set_level(logging.INFO, "migdx")

    def read(data, **said):
        columns = box.read(io.BytesIO(data), len(data), **said)
        told = [line.args for line in caplog.records if line.msg.startswith("%s of %d bytes")]
        end, seconds = told[-1][2:]
        peak = re.fullmatch(r"done, (\d+) MB", end)  # who has ended otherwise was held by the limit
        caplog.clear()
        return SimpleNamespace(columns=columns, seconds=seconds, peak=int(peak[1]) if peak else 0)

    return read


def sound(box):
    return box.read(io.BytesIO(GOOD), len(GOOD)).received == len(FRANCE)


@pytest.mark.parametrize("name", sorted(set(SPECIMENS) - set(TAKEN)))
def test_refused_with_one_finding(name, reading):
    data = SPECIMENS[name]()
    done = reading(data)
    found = errors(done.columns)
    assert len(found) == 1, [(f.code, f.values) for f in found]
    assert found[0].values.get("reason") not in OURS
    for language in ("en", "fr"):
        assert len(as_dict(shortened(found[0]), (language,))["message"]) < 1000
    within_bounds(done, data)


@pytest.mark.parametrize("name", sorted(TAKEN))
def test_read_without_effect(name, reading):
    data = SPECIMENS[name]()
    done = reading(data)
    holds(done.columns)
    assert not errors(done.columns)
    assert {f.code for f in done.columns.findings} == ({TAKEN[name]} - {None})
    assert done.columns.received
    within_bounds(done, data)


LOADING = 2
"""Seconds of processor time that the libraries of a child may take on a slow machine."""


def within_bounds(done, data):
    """512 MB, and 5 seconds, but for what a file of this size may take until its last byte."""
    compressed = data.startswith(sandbox._COMPRESSED)
    assert done.seconds <= limits_of(len(data), compressed=compressed).cpu + 1 + LOADING
    assert done.peak << 20 <= MEMORY


@pytest.mark.parametrize(
    "name",
    [
        "one_string_many_times",
        "quotes_broken",
        "billion_laughs",
        "zip_bomb",
        "last_cell",
        "deep_arrays",
        "noise",
    ],
)
def test_the_next_submission_is_unaffected(name, exchange):
    for data, verdict in ((SPECIMENS[name](), "rejected"), (GOOD, "accepted")):
        report = exchange.check(as_sent(data, "FRA", "", ""))
        assert report.verdict == verdict
        json.dumps(report.as_dict())


def test_large_files_leave_a_turn_to_others(tmp_path, monkeypatch):
    monkeypatch.setattr(turns, "LENGTHY", 1_000_000)
    exchange = exchanges.Exchange.open(tmp_path)
    large = SPECIMENS["quotes_broken"]()
    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(exchange.check, as_sent(large, "FRA")) for _ in range(3)]
        assert exchange.check(as_sent(GOOD, "FRA")).verdict == "accepted"
        assert {one.result().verdict for one in waiting} == {"rejected"}
    exchange.close()


@pytest.mark.parametrize("name", ["persons", "persons_in_a_message"])
def test_persons_are_no_table_and_none_of_them_is_repeated(name, exchange):
    report = exchange.check(as_sent(SPECIMENS[name](), "FRA"))
    assert report.verdict == "rejected"
    assert any(finding.severity == "error" for finding in report.findings)
    for language in ("en", "fr"):
        text = json.dumps(report.as_dict((language,)))
        for word in ("Quendrim", "Zyxwvut", "Mistletoe", "1000000", "1940-"):
            assert word not in text


def test_many_wrong_codes_are_told_in_bounded_time_and_space(exchange):
    """Every cell is wrong, and no two alike."""
    head, *_ = GOOD.split(b"\n")
    row = b"dataflow,MIGDX:DF_MIG_FLOW(1.0.0),R" + b",X%d" * 16 + b","
    data = b"\n".join([head, *(row % ((n,) * 16) for n in range(20_000))])
    report = exchange.check(as_sent(data, "FRA"))
    assert report.verdict == "rejected"
    assert len(json.dumps(report.as_dict())) < 1_000_000


KINDS = {
    "csv": (GOOD, "text/csv", "f.csv"),
    "xlsx": (
        hostile_workbooks.workbook(),
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "f.xlsx",
    ),
    "zip": (hostile_archives.zipped(data__csv=GOOD), "application/zip", "f.zip"),
    "html": (hostile_text.html_page(), "text/html", "f.html"),
    "pdf": (hostile_text.pdf(), "application/pdf", "f.pdf"),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("said", KINDS)
def test_what_the_sender_says_of_a_file_changes_nothing_but_a_warning(kind, said, box):
    data, own_type, own_name = KINDS[kind]
    _, media_type, name = KINDS[said]
    honest = box.read(io.BytesIO(data), len(data), media_type=own_type, file_name=own_name)
    lying = box.read(io.BytesIO(data), len(data), media_type=media_type, file_name=name)
    assert lying.received == honest.received
    more = {f.code for f in lying.findings} - {f.code for f in honest.findings}
    assert more <= {"not_as_declared"}


FOUND = sorted(path for path in (Path(__file__).parent / "found").iterdir() if path.suffix != ".md")


@pytest.mark.parametrize("path", FOUND, ids=lambda path: path.name)
def test_what_the_fuzzer_found_is_mended(path, reading):
    data = path.read_bytes()
    done = reading(data)
    holds(done.columns)
    within_bounds(done, data)


TRICKY = Path("/work/shared/specimens/tricky")


@pytest.mark.skipif(not TRICKY.is_dir(), reason="the collection of tricky files is not here")
@pytest.mark.parametrize("folder", ["bom", "csv", "json", "notwf", "text", "xml-attacks"])
def test_files_that_harmed_others(folder, box):
    for path in sorted(path for path in (TRICKY / folder).rglob("*") if path.is_file())[:12]:
        data = path.read_bytes()
        holds(box.read(io.BytesIO(data), len(data), file_name=path.name))
    assert sound(box)
