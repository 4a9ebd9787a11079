"""A past submission checked again: the same report whatever happened since; what newer code finds is told."""

import io
from datetime import UTC, datetime, timedelta

import pytest
from conftest import flow_csv, flow_row, publish, sent
from settled import RULES, ruled
from small_world import codelist, data, small
from small_world import submitted as accepted
from test_several import BOTH, flow, stock

from migdx import intake, settling
from migdx.checks import judging
from migdx.errors import NotFound, Unavailable
from migdx.exchange import Exchange
from migdx.history import History
from migdx.maintenance import Maintainer, Wish, maintain
from migdx.report import Report
from migdx.rerun import rerun
from migdx.sent import Sent

SMALL = RULES.replace("MIGDX:DSD_MIG_FLOW", "T:DSD").replace('hierarchies = ["MIGDX:H_SEX(1.0.0)"]\n', "")
OTHER = """
structures = ["T:DSD"]

[[rule]]
id = "RANGE"
check = "outside_range"
level = 1
severity = "error"
lower = 0
upper = 1
title = { en = "Small", fr = "Petit" }
"""


def submit(exchange, content, provider="FRA", **more):
    """The first submission of a file, and its report as it was kept."""
    (submission, *_), _ = exchange.submit(sent(content, provider), by="sender", **more)
    return submission, exchange.report(submission.id)


def same(exchange, submission):
    made = rerun(exchange, submission.id)
    assert made.differences() == []
    assert made.parts() == []
    kept = exchange.report(submission.id)
    now = made.now.as_dict()
    for name in ("verdict", "counts", "groups", "subject"):
        assert now[name] == kept[name], name
    pins = ("code", "structures", "pack", "at", "ledger", "checks", "titles")
    assert {name: now["rules"][name] for name in pins} == {name: kept["rules"][name] for name in pins}
    assert made.same
    return made


def test_a_report_says_what_it_rests_on(exchange):
    ruled(exchange)
    _, report = submit(exchange, flow_csv(flow_row("250", "IMMIG", "276", 2019, 10.5)))
    rules = report["rules"]
    assert rules["ledger"] == 0
    assert timedelta(0) <= datetime.now(UTC) - datetime.fromisoformat(rules["at"]) < timedelta(minutes=5)
    with exchange.blobs.open(rules["pack"]) as kept:
        assert kept.read() == exchange.book.text


def test_structures_rules_data_and_releases_of_that_day(tmp_path):
    """A code goes, the rules change, newer revisions come: the first report comes out the same."""
    exchange = ruled(small(tmp_path), SMALL.replace('check = "sum_of_parts"', 'check = "not_whole"', 1))
    accepted(exchange, "X,_T,2019,5,A", "X,F,2019,2,A")
    first, report = submit(exchange, data("X,_T,2019,6,A", "X,M,2019,1.5,A", "X,F,2020,-1,A"), "ONE")
    assert {group["code"] for group in report["groups"]} >= {"not_whole", "negative_count"}
    assert report["subject"]["previousSubmission"]

    maintainer = Maintainer("T", frozenset(("T",)))
    [outcome] = maintain(exchange, [Wish.of(codelist("CL_SEX", "_T", "F"))], maintainer)
    assert outcome.fault is None
    ruled(exchange, OTHER)
    accepted(exchange, "X,_T,2019,1,A", "X,F,2021,0,A")
    now = exchange.examined(Sent(io.BytesIO(content := data("X,M,2019,1.5,A")), len(content), provider="ONE"))
    assert [one.code for one in now.report.findings] == ["unknown_code"]

    made = same(exchange, first)
    assert made.pins["structures"]["now"] == report["rules"]["structures"] != exchange.registry.digest
    assert made.pins["rules"]["now"] == report["rules"]["pack"] != exchange.book.digest
    exchange.close()


@pytest.mark.faults  # two dozen checks, each done again
def test_every_submission_of_a_long_story(exchange):
    """By all rules that are shipped; with partners, embargoes, waivers, several actions and dataflows."""
    publish(exchange, "DEU", [flow_row("276", "EMIG", "250", year, 900) for year in (2017, 2018)])
    story = [
        flow_csv(*(flow_row("250", "IMMIG", "276", year, 1000 + year) for year in range(2010, 2020))),
        flow_csv(flow_row("250", "IMMIG", "276", 2018, 90_000), flow_row("250", "IMMIG", "276", 2019, -4)),
        flow_csv(
            *(flow_row("250", "IMMIG", "276", 2019, v, sex=s) for s, v in (("_T", 9), ("F", 1), ("M", 2)))
        ),
        flow_csv(flow_row("250", "IMMIG", "276", 2018, 5)).replace(b"(1.0.0),R,", b"(1.0.0),A,"),
        flow_csv(flow_row("250", "IMMIG", "276", 2018, 5)).replace(b",PS,0,", b",PS,3,"),
        flow_csv(flow_row("250", "IMMIG", "276", 2018, 5)).replace(b"(1.0.0),R,", b"(1.0.0),I,"),
        (BOTH + flow(10) + stock(500) + flow(11, 2021)).encode(),
        (BOTH + flow(10) + stock(500, sex="XX")).encode(),
        b"\x00 no file at all \xff",
        b"",
    ]
    made = []
    for content in story:
        submission, _ = submit(exchange, content)
        made.append(submission)
        if submission.verdict == "accepted":
            exchange.release([submission.id], by="x")
        same(exchange, submission)
    partly, _ = submit(exchange, story[1], accept="valid")
    publish(exchange, "DEU", [flow_row("276", "EMIG", "250", year, 70) for year in (2017, 2018, 2019)])
    for submission in (*made, partly):
        same(exchange, submission)
    assert {one.verdict for one in made} == {"accepted", "rejected"}
    before = exchange.ledger.history().seq
    assert exchange.ledger.verify() == before  # nothing was written by looking


def test_it_writes_nothing(exchange):
    ruled(exchange)
    first, _ = submit(exchange, flow_csv(flow_row("250", "IMMIG", "276", 2019, 1)))
    folder = exchange.blobs.depot.folder.parent
    before = {path: path.stat().st_size for path in folder.rglob("*") if path.is_file()}
    same(exchange, first)
    after = {path: path.stat().st_size for path in folder.rglob("*") if path.is_file()}
    assert {path for path in after if "ledger" not in path.name} == {
        path for path in before if "ledger" not in path.name
    }


def test_waivers_of_that_day(exchange):
    ruled(exchange)
    rows = [flow_row("250", "IMMIG", "276", 2019, 10.5)]
    rejected, report = submit(exchange, flow_csv(*rows))
    (group,) = [one for one in report["groups"] if one["code"] == "not_whole"]
    until = datetime.now(UTC).date().isoformat()
    made = settling.waive(exchange, rejected.id, group["mark"], "Weighted.", until, by="x")
    same(exchange, rejected)  # of its own day there was none
    same(exchange, made.submissions[0])
    settling.revoke(exchange, made.waiver.id, by="x")
    same(exchange, made.submissions[0])
    assert rerun(exchange, made.submissions[0].id).then.counts.waived == 1


def test_the_day_itself(exchange, monkeypatch):
    """What lay in the future then does so still, when the clock is years further."""
    year = datetime.now(UTC).year + 1
    first, report = submit(exchange, flow_csv(flow_row("250", "IMMIG", "276", year, 10)))
    assert "future_period" in {group["code"] for group in report["groups"]}
    later = datetime.now(UTC) + timedelta(days=800)
    monkeypatch.setattr(History, "now", lambda self: later)
    _, report = submit(exchange, flow_csv(flow_row("250", "IMMIG", "276", year, 10)))
    assert "future_period" not in {group["code"] for group in report["groups"]}
    same(exchange, first)


def test_after_a_restart_with_other_rules(tmp_path, monkeypatch):
    exchange = ruled(Exchange.open(tmp_path / "x"))
    first, _ = submit(exchange, flow_csv(flow_row("250", "IMMIG", "276", 2019, 10.5)))
    exchange.close()
    exchange = Exchange.open(tmp_path / "x")
    same(exchange, first)
    exchange.close()


def test_newer_code_tells_what_differs_by_check(exchange, monkeypatch):
    """Made by an older version that did not know fractions, and warned of what is an error now."""
    ruled(exchange, RULES.replace('"error"', '"warning"'))

    def knew_nothing(cells, rule, given):
        yield from ()

    with monkeypatch.context() as older:
        older.setattr(intake, "__version__", "0.0.9")
        older.setitem(judging.BY_NAME, "not_whole", (knew_nothing, ()))
        rows = [flow_row("250", "IMMIG", "276", year, 10.5) for year in (2018, 2019)]
        first, report = submit(exchange, flow_csv(*rows))
    assert report["rules"]["code"] == "0.0.9"
    assert report["groups"] == []
    made = rerun(exchange, first.id)
    assert not made.same
    assert made.differences() == [
        {"check": "not_whole", "rule": "WHOLE", "then": None, "now": {"count": 2, "severity": "warning"}}
    ]
    assert made.parts() == ["counts"]
    told = made.as_dict()
    assert told["code"] == {"then": "0.0.9", "now": intake.__version__}
    assert told["verdict"] == {"then": "accepted", "now": "accepted"}
    assert not told["same"]


def test_a_check_that_is_no_more_is_told(exchange, monkeypatch):
    ruled(exchange)
    first, _ = submit(exchange, flow_csv(flow_row("250", "IMMIG", "276", 2019, 10.5)))
    monkeypatch.delitem(judging.BY_NAME, "not_whole")
    made = rerun(exchange, first.id)
    assert made.differences() == [
        {"check": "not_whole", "rule": "WHOLE", "then": {"count": 1, "severity": "error"}, "now": None}
    ]
    assert "verdict" in made.parts()


def test_copies_are_made_on_the_same_basis(exchange):
    ruled(exchange)
    first, _ = submit(exchange, flow_csv(flow_row("250", "IMMIG", "276", 2019, 10.5)))
    ruled(exchange, OTHER)
    with exchange.again(first.id) as (file, found):
        copy = b"".join(found.rejected(file))
    assert b"not_whole" in copy


def test_what_cannot_be_run_again(exchange):
    ruled(exchange)
    with pytest.raises(NotFound, match="no submission nothing"):
        rerun(exchange, "nothing")
    first, report = submit(exchange, flow_csv(flow_row("250", "IMMIG", "276", 2019, 10.5)))
    book = exchange.blobs.depot.folder / report["rules"]["pack"]
    content = book.read_bytes()
    for harmed in (content[:-1], content.replace(b"not_whole", b"negative_count"), b""):
        book.write_bytes(harmed)
        with pytest.raises(Unavailable, match="missing or damaged"):
            rerun(exchange, first.id)
    book.unlink()
    with pytest.raises(Unavailable, match="missing or damaged"):
        rerun(exchange, first.id)


def test_a_report_of_before_reports_said_what_they_rest_on(exchange, monkeypatch):
    """It is compared with what is there now, as far as nobody knows better."""
    ruled(exchange)
    first, report = submit(exchange, flow_csv(flow_row("250", "IMMIG", "276", 2019, 10.5)))
    for name in ("ledger", "at", "waivers"):
        report["rules"].pop(name, None)
    report["counts"].pop("waived")
    monkeypatch.setattr(exchange, "report", lambda id: report)
    assert Report.from_dict(report).counts.waived == 0
    assert rerun(exchange, first.id).same


def test_the_ledger_as_it_was(exchange):
    """At every entry the history is what it was then, byte for byte and from a cold start."""
    ruled(exchange)
    then = [exchange.ledger.history()]
    for value in (1, 2.5, 3):
        first, report = submit(exchange, flow_csv(flow_row("250", "IMMIG", "276", 2019, value)))
        then.append(exchange.ledger.history())
        if first.verdict == "accepted":
            exchange.release([first.id], by="x")
            then.append(exchange.ledger.history())
        else:
            mark = report["groups"][0]["mark"]
            settling.answer(exchange, first.id, mark, "So it is.", by="x")
            then.append(exchange.ledger.history())
    for history in then:
        assert exchange.ledger.history_at(history.seq) == history
    with pytest.raises(NotFound, match="no ledger entry 99"):
        exchange.ledger.history_at(99)
