"""Answers and waivers: who may say what of which finding, what is covered, what becomes of a submission."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from conftest import flow_csv, flow_row, sent
from hypothesis import given, settings
from hypothesis import strategies as st
from settled import RULES, ruled
from test_several import BOTH, flow, stock

from migdx import settling
from migdx.errors import Conflict, Forbidden, NotFound, SemanticFault, Unavailable
from migdx.exchange import Exchange
from migdx.ledger import Book
from migdx.query import DataQuery, parse_keys
from migdx.report import Finding, Report
from migdx.waivers import LONGEST_REASON, Waiver, last_day, reason_given

WHY = "The census counts the two sexes by another method."
LATER = (datetime.now(UTC) + timedelta(days=300)).date().isoformat()


QUERY = DataQuery(agencies=("MIGDX",), ids=("DF_MIG_FLOW",), versions=("1.0.0",), keys=parse_keys("A.250"))


def wrong_sums(*years, counterpart="276", total=120, **more):
    """Rows of which the sexes do not add up, one total for each year."""
    return [
        flow_row("250", "IMMIG", counterpart, year, value, sex=sex, **more)
        for year in years
        for sex, value in (("_T", total), ("F", 60), ("M", 40))
    ]


@pytest.fixture
def exchange(exchange):
    return ruled(exchange)


@pytest.fixture(scope="module")
def shared_exchange(tmp_path_factory):
    made = ruled(Exchange.open(tmp_path_factory.mktemp("shared")))
    yield made
    made.close()


def submitted(exchange, rows, provider="FRA", **more):
    (submission,), report = exchange.submit(sent(flow_csv(*rows), provider), by="sender", **more)
    return submission, report


def only(report, code="sum_of_parts"):
    (found,) = [finding for finding in report.findings if finding.code == code]
    return found


def waived(exchange, submission, report, code="sum_of_parts", reason=WHY, expires=LATER, by="compiler"):
    return settling.waive(exchange, submission.id, only(report, code).mark, reason, expires, by=by)


def footnotes(exchange):
    """The footnotes that readers get, by sex and period."""
    found = {}
    (shown,) = exchange.data(QUERY).datasets
    for batch in shown.batches:
        for row in batch.to_pylist():
            found[row["SEX"], row["TIME_PERIOD"]] = row["OBS_FOOTNOTE"]
    return found


# --- which findings are final -------------------------------------------------------------------------------


def test_what_is_final():
    assert Finding("unknown_code").final
    assert Finding("sum", level=2, impossible=True).final
    assert not Finding("sum", level=1).final
    assert not Finding("sum", "warning", level=1, impossible=True).final
    assert not Finding("embargo_asked", "warning").final
    assert not Finding("repeated_row", "information").final


def test_reports_tell_what_is_final(exchange):
    rows = [
        *wrong_sums(2019),
        flow_row("250", "IMMIG", "276", 2018, -4),
        flow_row("250", "IMMIG", "XX", 2018, 4),
    ]
    report = exchange.check(sent(flow_csv(*rows), "FRA"))
    told = {group["code"]: group["final"] for group in report.as_dict()["groups"]}
    assert told == {"sum_of_parts": False, "negative_count": True, "unknown_code": True}
    again = Report.from_dict(report.as_dict())
    assert {one.code: one.final for one in again.findings} == told


@pytest.mark.parametrize("code", ["negative_count", "unknown_code"])
def test_a_final_finding_is_neither_waived_nor_answered(exchange, code):
    rows = [flow_row("250", "IMMIG", "276", 2018, -4), flow_row("250", "IMMIG", "XX", 2018, 4)]
    submission, report = submitted(exchange, rows)
    before = exchange.ledger.history().seq
    with pytest.raises(Conflict, match=f"{code} is final"):
        waived(exchange, submission, report, code)
    with pytest.raises(Conflict, match=f"{code} is final"):
        settling.answer(exchange, submission.id, only(report, code).mark, WHY, by="x")
    assert exchange.ledger.history().seq == before


def test_what_an_append_would_change_is_final(exchange):
    submitted(exchange, [flow_row("250", "IMMIG", "276", 2019, 5)])
    content = flow_csv(flow_row("250", "IMMIG", "276", 2019, 6)).replace(b"(1.0.0),R,", b"(1.0.0),A,")
    (_,), report = exchange.submit(sent(content, "FRA"), by="x")
    assert only(report, "append_changes_existing").final


# --- answers ------------------------------------------------------------------------------------------------


def test_a_provider_answers(exchange):
    submission, report = submitted(exchange, wrong_sums(2019))
    mark = only(report).mark
    made = settling.answer(exchange, submission.id, mark, f"  {WHY}\n", by="token", provider="FRA")
    (kept,) = exchange.ledger.history().answers
    assert kept == made
    assert (kept.submission, kept.mark, kept.code, kept.rule) == (
        submission.id,
        mark,
        "sum_of_parts",
        "SEXES",
    )
    assert (kept.reason, kept.by) == (WHY, "token")
    assert kept.stamp == exchange.ledger.history().stamp
    # it answers, and takes nothing by itself
    assert submitted(exchange, wrong_sums(2019))[1].verdict == "rejected"


def test_nobody_answers_for_others(exchange):
    submission, report = submitted(exchange, wrong_sums(2019))
    with pytest.raises(Forbidden, match="not one of DEU"):
        settling.answer(exchange, submission.id, only(report).mark, WHY, by="x", provider="DEU")
    assert exchange.ledger.history().answers == ()


def test_what_is_not_there_is_not_answered(exchange):
    submission, _ = submitted(exchange, wrong_sums(2019))
    with pytest.raises(NotFound, match="no finding 'feed'"):
        settling.answer(exchange, submission.id, "feed", WHY, by="x")
    with pytest.raises(NotFound, match="no submission nothing"):
        settling.answer(exchange, "nothing", "feed", WHY, by="x")


REASONS = {
    "": "empty", " \n\t\u00a0 ": "empty",
    "x" * (LONGEST_REASON + 1): "characters", "x" * 5_000_000: "characters",
    "a\x00b": r"U\+0000", "a\ud800b": r"U\+D800", "a\ufffeb": r"U\+FFFE", "good \u202ereason": r"U\+202E",
}  # fmt: skip


@pytest.mark.parametrize("reason", REASONS, ids=lambda reason: ascii(reason[:12]))
def test_what_is_no_reason(exchange, reason):
    with pytest.raises(SemanticFault, match=REASONS[reason]) as fault:
        reason_given(reason)
    assert len(str(fault.value)) < 200


@given(st.text())
def test_a_reason_is_one_line_or_refused(text):
    try:
        line = reason_given(text)
    except SemanticFault:
        return
    assert line == reason_given(line) == line.strip()
    assert line.split() == text.split()
    assert len(line.splitlines()) == 1
    assert len(line) <= LONGEST_REASON


@pytest.mark.parametrize(
    "text", ["", "soon", "2027-02-30", "2027-01-01T00:00:00", "0000-00-00", "٢٠٢٧-٠١-٠١x"]
)
def test_what_is_no_day(text):
    with pytest.raises(SemanticFault, match="is no date"):
        last_day(text, datetime.now(UTC).date())


def test_a_waiver_ends_with_its_day():
    day = datetime(2027, 1, 1, tzinfo=UTC)
    made = Waiver(*"abcdefghij", "2027-01-01", "k", "l", 1, stamp=day - timedelta(days=9))
    assert made.in_force(day + timedelta(hours=23, minutes=59))
    assert not made.in_force(day + timedelta(days=1))
    assert not made.in_force(made.stamp - timedelta(seconds=1))


# --- waivers ------------------------------------------------------------------------------------------------


def test_waiving_the_last_finding_files_what_was_rejected(exchange):
    submission, report = submitted(exchange, wrong_sums(2018, 2019))
    assert (report.verdict, report.counts.errors) == ("rejected", 2)
    granting = waived(exchange, submission, report)
    (filed,) = granting.submissions
    assert filed.id != submission.id
    assert (filed.verdict, filed.revision, filed.sha256, filed.by) == (
        "accepted",
        1,
        submission.sha256,
        "compiler",
    )
    told = Report.from_dict(exchange.report(filed.id))
    assert told.subject["resubmits"] == submission.id
    found = only(told)
    assert (found.severity, found.blocking, found.count) == ("error", False, 2)
    assert (found.waived.reason, found.waived.by, found.waived.until) == (WHY, "compiler", LATER)
    assert (told.counts.errors, told.counts.warnings, told.counts.waived) == (0, 0, 2)
    assert told.rules["waivers"] == [granting.waiver.id]
    # the first one stays what it was
    assert exchange.submission(submission.id).verdict == "rejected"
    first = Report.from_dict(exchange.report(submission.id))
    assert (first.verdict, only(first).waived, first.counts.errors) == ("rejected", None, 2)
    assert exchange.ledger.verify() == 3


def test_all_that_blocks_must_be_waived(exchange):
    rows = [*wrong_sums(2019), flow_row("250", "IMMIG", "380", 2019, 10.5)]
    submission, report = submitted(exchange, rows)
    first = waived(exchange, submission, report)
    assert (first.submissions, first.report, first.newer) == ((), None, "")
    second = waived(exchange, submission, report, "not_whole")
    (filed,) = second.submissions
    assert (filed.verdict, second.report.counts.waived) == ("accepted", 2)


def test_a_final_finding_keeps_the_rest_from_being_filed(exchange):
    rows = [*wrong_sums(2019), flow_row("250", "IMMIG", "380", 2019, -10)]
    submission, report = submitted(exchange, rows)
    assert waived(exchange, submission, report).submissions == ()
    assert submitted(exchange, rows)[1].verdict == "rejected"


def test_it_holds_at_the_next_submission_and_for_nobody_else(exchange):
    submission, report = submitted(exchange, wrong_sums(2019))
    waived(exchange, submission, report)
    again, report = submitted(exchange, wrong_sums(2019, total=130))
    assert (again.verdict, only(report).waived.until, report.counts.waived) == ("accepted", LATER, 1)
    others = [row.replace("250,IMMIG,OFF,276", "276,IMMIG,OFF,250") for row in wrong_sums(2019)]
    assert submitted(exchange, others, "DEU")[0].verdict == "rejected"


def test_new_rows_with_the_same_fault_are_not_covered(exchange):
    submission, report = submitted(exchange, wrong_sums(2018, 2019))
    waived(exchange, submission, report)
    rows = [*wrong_sums(2017, 2018, 2019), *wrong_sums(2019, counterpart="380")]
    again, report = submitted(exchange, rows)
    assert again.verdict == "rejected"
    new, old = [finding for finding in report.findings if finding.code == "sum_of_parts"]
    assert new.mark == old.mark
    assert (new.count, new.blocking, new.waived, new.values["waived"]) == (2, True, None, 2)
    assert (old.count, old.blocking, old.waived.by) == (2, False, "compiler")
    assert {(place.key.split(".")[4], place.period) for place in new.places} == {
        ("276", "2017"),
        ("380", "2019"),
    }
    assert {(place.key.split(".")[4], place.period) for place in old.places} == {
        ("276", "2018"),
        ("276", "2019"),
    }
    assert {place.expected for place in (*new.places, *old.places)} == {"100"}
    assert (report.counts.errors, report.counts.waived) == (2, 2)
    # waiving what is new there files that one
    granting = settling.waive(exchange, again.id, new.mark, "A new table.", LATER, by="other")
    (filed,) = granting.submissions
    assert filed.verdict == "accepted"
    found = [finding for finding in granting.report.findings if finding.code == "sum_of_parts"]
    assert [(one.count, one.waived.by) for one in found] == [(4, "other")]


@given(st.sets(st.integers(2000, 2012), min_size=1), st.sets(st.integers(2000, 2012), min_size=1))
@settings(max_examples=3)
def test_exactly_what_was_there_is_covered(shared_exchange, first, second):
    """Whatever the years: the rows of the next file that the waived one had are covered, and no others."""
    exchange = shared_exchange
    submission, report = submitted(exchange, wrong_sums(*first))
    waiver = settling.waive(exchange, submission.id, only(report).mark, WHY, LATER, by="x").waiver
    try:
        _, report = submitted(exchange, wrong_sums(*second))
        found = [one for one in report.findings if one.code == "sum_of_parts"]
        covered = sum(one.count for one in found if one.waived)
        assert covered == len(first & second)
        assert sum(one.count for one in found) == len(second)
    finally:
        settling.revoke(exchange, waiver.id, by="x")


def test_one_of_two_dataflows_holds_in_a_file_of_one(exchange):
    """The mark of a file of several dataflows names the dataflow; what is waived does not depend on it."""
    sexes = (("_T", 120), ("F", 60), ("M", 40))
    rows = [flow(value, 2019).replace("276,_T,_T,_T,", f"276,_T,_T,{sex},") for sex, value in sexes]
    content = (BOTH + "".join([*rows, stock(500)])).encode()
    submissions, report = exchange.submit(sent(content, "FRA"), by="x")
    assert len(submissions) == 2
    found = only(report)
    assert found.dataflow == "MIGDX:DF_MIG_FLOW(1.0.0)"
    granting = settling.waive(exchange, submissions[0].id, found.mark, WHY, LATER, by="x")
    assert [one.verdict for one in granting.submissions] == ["accepted", "accepted"]
    assert granting.waiver.dataflow == "MIGDX:DF_MIG_FLOW(1.0.0)"
    assert submitted(exchange, wrong_sums(2019))[1].counts.waived == 1


def test_warnings_may_be_waived_and_hold_nothing_up(exchange):
    ruled(exchange, RULES.replace('"error"', '"warning"'))
    submission, report = submitted(exchange, wrong_sums(2019))
    assert (submission.verdict, report.counts.warnings) == ("accepted", 1)
    granting = waived(exchange, submission, report)
    assert (granting.submissions, granting.newer) == ((), "")
    _, report = submitted(exchange, wrong_sums(2019))
    assert (report.counts.warnings, report.counts.waived, only(report).severity) == (0, 1, "warning")


def test_with_sound_rows_only_waived_ones_are_taken_too(exchange):
    rows = [*wrong_sums(2019), flow_row("250", "IMMIG", "380", 2019, 10.5)]
    submission, report = submitted(exchange, rows)
    waived(exchange, submission, report)
    _, report = submitted(exchange, rows, accept="valid")
    assert (report.verdict, report.counts.accepted, report.counts.rejected) == ("accepted", 3, 1)


@pytest.mark.parametrize("expires", ["2020-01-01", "soon", ""])
def test_what_ends_before_it_begins_is_refused(exchange, expires):
    submission, report = submitted(exchange, wrong_sums(2019))
    with pytest.raises(SemanticFault, match="expires"):
        waived(exchange, submission, report, expires=expires)
    assert exchange.ledger.history().waivers == ()


def test_what_is_not_there_is_not_waived(exchange):
    submission, report = submitted(exchange, wrong_sums(2019))
    with pytest.raises(NotFound, match="no finding"):
        settling.waive(exchange, submission.id, "feed" * 99, WHY, LATER, by="x")
    with pytest.raises(NotFound, match="no submission"):
        settling.waive(exchange, "nothing", only(report).mark, WHY, LATER, by="x")
    with pytest.raises(SemanticFault, match="empty"):
        waived(exchange, submission, report, reason=" ")
    assert exchange.ledger.history().waivers == ()


def test_information_holds_nothing_up(exchange):
    row = flow_row("250", "IMMIG", "276", 2019, 5)
    submission, report = submitted(exchange, [row, row])
    with pytest.raises(Conflict, match="information only"):
        waived(exchange, submission, report, "repeated_row")


def test_nothing_is_waived_twice(exchange):
    submission, report = submitted(exchange, wrong_sums(2019))
    first = waived(exchange, submission, report).waiver
    with pytest.raises(Conflict, match=f"waived already, by compiler until {LATER}; revoke {first.id} first"):
        waived(exchange, submission, report)
    settling.revoke(exchange, first.id, by="x")
    again = waived(exchange, submission, report)
    assert again.newer  # what the first one filed came since: it is not filed twice
    assert again.submissions == ()


def test_a_newer_submission_is_not_replaced_by_an_older_one(exchange):
    submission, report = submitted(exchange, wrong_sums(2019))
    newer, _ = submitted(exchange, [flow_row("250", "IMMIG", "276", 2019, 100)])
    granting = waived(exchange, submission, report)
    assert (granting.submissions, granting.newer) == ((), newer.id)
    slot = (newer.agreement, newer.dataflow)
    assert exchange.ledger.history().latest[slot].id == newer.id


def test_a_revoked_waiver_holds_no_more(exchange):
    submission, report = submitted(exchange, wrong_sums(2019))
    made = waived(exchange, submission, report)
    ended = settling.revoke(exchange, made.waiver.id, by="head")
    assert (ended.revoked_by, ended.revoked) == ("head", exchange.ledger.history().stamp)
    assert submitted(exchange, wrong_sums(2019))[1].verdict == "rejected"
    # what was accepted with it stays
    assert exchange.submission(made.submissions[0].id).verdict == "accepted"
    with pytest.raises(Conflict, match="was revoked at"):
        settling.revoke(exchange, made.waiver.id, by="x")
    with pytest.raises(NotFound, match="no waiver"):
        settling.revoke(exchange, "nothing", by="x")
    assert exchange.ledger.verify() == 5


def test_a_waiver_that_is_past_holds_no_more(exchange, monkeypatch):
    submission, report = submitted(exchange, wrong_sums(2019))
    made = waived(exchange, submission, report, expires=datetime.now(UTC).date().isoformat())
    assert submitted(exchange, wrong_sums(2019))[1].verdict == "accepted"
    history = exchange.ledger.history()
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    assert history.waived("FRA", tomorrow) == []
    monkeypatch.setattr(type(history), "now", lambda self: tomorrow)
    assert submitted(exchange, wrong_sums(2019))[1].verdict == "rejected"
    with pytest.raises(Conflict, match=f"ended on {made.waiver.expires}"):
        settling.revoke(exchange, made.waiver.id, by="x")


# --- what readers see ---------------------------------------------------------------------------------------

FOOTNOTE = f"sum_of_parts: {WHY} (waived by the collecting organisation until {LATER})"


def test_readers_get_a_footnote_on_the_rows_that_are_touched(exchange):
    submission, report = submitted(exchange, [*wrong_sums(2019), flow_row("250", "IMMIG", "276", 2018, 7)])
    filed = waived(exchange, submission, report).submissions[0]
    exchange.release([filed.id], by="x")
    assert footnotes(exchange) == {
        ("_T", "2019"): FOOTNOTE, ("F", "2019"): None, ("M", "2019"): None, ("_T", "2018"): None,
    }  # fmt: skip


def test_a_footnote_goes_with_its_fault(exchange):
    submission, report = submitted(exchange, wrong_sums(2018, 2019))
    waived(exchange, submission, report)
    content = flow_csv(*wrong_sums(2019, total=100)).replace(b"(1.0.0),R,", b"(1.0.0),M,")
    (merged,), report = exchange.submit(sent(content, "FRA"), by="x")
    assert (report.counts.changed, report.counts.unchanged) == (1, 2)
    exchange.release([merged.id], by="x")
    told = footnotes(exchange)
    assert (told["_T", "2018"], told["_T", "2019"]) == (FOOTNOTE, None)


def test_the_same_file_has_the_same_content_with_a_footnote_or_without(exchange):
    ruled(exchange, RULES.replace('"error"', '"warning"'))
    first, report = submitted(exchange, wrong_sums(2019))
    waived(exchange, first, report)
    second, _ = submitted(exchange, wrong_sums(2019))
    assert second.content == first.content


def test_a_footnote_is_no_change_of_an_append(exchange):
    ruled(exchange, RULES.replace('"error"', '"warning"'))
    first, report = submitted(exchange, wrong_sums(2019))
    waived(exchange, first, report)
    content = flow_csv(*wrong_sums(2019)).replace(b"(1.0.0),R,", b"(1.0.0),A,")
    (appended,), report = exchange.submit(sent(content, "FRA"), by="x")
    assert (appended.verdict, report.counts.unchanged) == ("accepted", 3)


def test_confidential_rows_have_no_footnote(exchange):
    rows = [row.replace("_T,_T,2019,120,A,F", "_T,_T,2019,120,A,C") for row in wrong_sums(2019)]
    submission, report = submitted(exchange, rows)
    assert rows[0] != wrong_sums(2019)[0]
    filed = waived(exchange, submission, report).submissions[0]
    exchange.release([filed.id], by="x")
    assert set(footnotes(exchange).values()) == {None}


def test_several_findings_of_a_row_share_its_footnote(exchange):
    rows = wrong_sums(2019, total=120.5)
    submission, report = submitted(exchange, rows)
    waived(exchange, submission, report)
    filed = waived(exchange, submission, report, "not_whole", reason="Weighted.").submissions[0]
    exchange.release([filed.id], by="x")
    assert set(footnotes(exchange)["_T", "2019"].split(" | ")) == {
        FOOTNOTE, f"not_whole: Weighted. (waived by the collecting organisation until {LATER})"
    }  # fmt: skip


def test_what_is_sent_as_a_footnote_is_not_kept(exchange):
    content = flow_csv(flow_row("250", "IMMIG", "276", 2019, 1, comment="mine"))
    content = content.replace(b"COMMENT_OBS\n", b"OBS_FOOTNOTE\n")
    (made,), report = exchange.submit(sent(content, "FRA"), by="x")
    assert [(one.code, one.severity) for one in report.findings] == [("footnote_ignored", "information")]
    exchange.release([made.id], by="x")
    assert set(footnotes(exchange).values()) == {None}


# --- who may know, and what may go wrong --------------------------------------------------------------------


def test_a_mere_check_does_not_tell_of_waivers_before_readers_see_them(exchange):
    submission, report = submitted(exchange, wrong_sums(2019))
    filed = waived(exchange, submission, report).submissions[0]
    anybody = exchange.check(sent(flow_csv(*wrong_sums(2019)), "FRA"))
    assert (anybody.verdict, only(anybody).waived) == ("rejected", None)
    assert "waivers" not in anybody.rules
    owner = exchange.examined(sent(flow_csv(*wrong_sums(2019)), "FRA"), owner=True).report
    assert owner.verdict == "accepted"
    exchange.release([filed.id], by="x")
    assert only(exchange.check(sent(flow_csv(*wrong_sums(2019)), "FRA"))).waived.by == "compiler"


def test_two_compilers_waive_the_last_two_at_once(exchange):
    """Whoever is last files it; nobody files it twice."""
    rows = [*wrong_sums(2019), flow_row("250", "IMMIG", "380", 2019, 10.5)]
    submission, report = submitted(exchange, rows)
    made, start = [], threading.Barrier(2)

    def compile(code):
        start.wait()
        made.append(waived(exchange, submission, report, code, by=code))

    threads = [threading.Thread(target=compile, args=(code,)) for code in ("sum_of_parts", "not_whole")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(len(one.submissions) for one in made) == [0, 1]
    assert len(exchange.ledger.history().submissions) == 2
    assert len(exchange.ledger.history().waivers) == 2


def test_waiver_and_submission_are_written_together_or_not_at_all(exchange, monkeypatch):
    submission, report = submitted(exchange, wrong_sums(2019))

    class Lost(Exception):
        pass

    whole = Book.append

    def second_fails(self, kind, body):
        if kind == "submission":
            raise Lost
        return whole(self, kind, body)

    monkeypatch.setattr(Book, "append", second_fails)
    with pytest.raises(Lost):
        waived(exchange, submission, report)
    monkeypatch.undo()
    ruled(exchange)
    assert exchange.ledger.history().waivers == ()
    assert exchange.ledger.verify() == 1
    assert waived(exchange, submission, report).submissions[0].verdict == "accepted"


@pytest.mark.parametrize("harm", ["gone", "cut", "changed"])
def test_keys_that_were_damaged_cover_nothing(exchange, harm):
    submission, report = submitted(exchange, wrong_sums(2019))
    path = exchange.blobs.depot.folder / waived(exchange, submission, report).waiver.keys
    content = path.read_bytes()
    path.unlink()
    if harm != "gone":
        path.write_bytes(content[:-3] if harm == "cut" else content[:-1] + b"x")
    with pytest.raises(Unavailable, match="missing or damaged"):
        submitted(exchange, wrong_sums(2019))
    others = [row.replace("250,IMMIG,OFF,276", "276,IMMIG,OFF,250") for row in wrong_sums(2019)]
    assert submitted(exchange, others, "DEU")[0].verdict == "rejected"  # others go on


def test_copies_and_levels_tell_what_is_waived(exchange):
    """A waived row is no rejected one; in the counts by level it is no error either."""
    rows = [*wrong_sums(2019), flow_row("250", "IMMIG", "380", 2019, -10)]
    submission, report = submitted(exchange, rows)
    assert report.levels() == [{"level": 1, "error": 2, "warning": 0, "information": 0}]
    waived(exchange, submission, report)
    again, report = submitted(exchange, rows)
    assert report.levels() == [{"level": 1, "error": 1, "warning": 0, "information": 0}]
    with exchange.again(again.id) as (file, found):
        _, *rejected = b"".join(found.rejected(file)).decode().splitlines()
    told = [row.partition(":")[0].strip('"') for row in rejected]
    assert "negative_count" in told
    assert "sum_of_parts" not in told
