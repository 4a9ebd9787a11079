"""The use cases, with real files: submit, release, embargo, roll back; what is public at an instant."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from conftest import faults, flow_csv, flow_row, sent

from migdx.errors import Conflict, NoResults, NotFound, SemanticFault
from migdx.query import DataQuery, parse_keys

pytestmark = pytest.mark.sandboxed

QUERY = DataQuery(agencies=("MIGDX",), ids=("DF_MIG_FLOW",), versions=("1.0.0",), keys=parse_keys("A.250"))


def submit(exchange, value, provider="FRA", area="250", **more):
    content = flow_csv(flow_row(area, "IMMIG", "276", 2019, value, **more))
    (submission,), report = exchange.submit(sent(content, provider), by="test")
    assert report.verdict == "accepted"
    return submission


def values(exchange, at=None):
    try:
        answer = exchange.data(QUERY, exchange.public(at))
    except NoResults:
        return []
    return [row["OBS_VALUE"] for batch in answer.datasets[0].batches for row in batch.to_pylist()]


def test_nothing_is_public_before_it_is_released(exchange):
    submit(exchange, 1)
    assert values(exchange) == []


def test_a_release_replaces_what_was_public_and_can_be_taken_back(exchange):
    first, second = submit(exchange, 1), submit(exchange, 2)
    exchange.release([first.id], by="test")
    assert values(exchange) == [1]
    between = exchange.public().at
    made = exchange.release([second.id], by="test")
    assert values(exchange) == [2]
    exchange.cancel(made.id, by="test")
    assert values(exchange) == [1]
    assert values(exchange, between) == [1]
    assert values(exchange, made.public_from) == [2]


def test_an_older_submission_released_again_is_a_roll_back(exchange):
    first, second = submit(exchange, 1), submit(exchange, 2)
    exchange.release([second.id], by="test")
    exchange.release([first.id], by="test")
    assert values(exchange) == [1]


def test_an_embargo_ends_at_its_instant_and_no_job_does_it(exchange):
    instant = datetime.now(UTC) + timedelta(days=3)
    exchange.release([submit(exchange, 1).id], by="test", public_from=instant)
    assert values(exchange) == []
    assert exchange.public().next_change == instant
    assert values(exchange, instant - timedelta(microseconds=1)) == []
    assert values(exchange, instant) == [1]


def test_an_embargo_on_an_older_revision_is_not_forgotten(exchange):
    first, second = submit(exchange, 1), submit(exchange, 2)
    embargoed = exchange.release([first.id], by="test", public_from=datetime.now(UTC) + timedelta(days=3))
    with pytest.raises(Conflict, match=f"{embargoed.id} makes an older revision of MIG_FLOW_FRA public"):
        exchange.release([second.id], by="test")
    exchange.cancel(embargoed.id, by="test")
    exchange.release([second.id], by="test")
    assert values(exchange) == [2]


@pytest.mark.parametrize(
    ("content", "error", "said"),
    [
        ("nothing", NotFound, "no submission nothing"),
        ("rejected", Conflict, "was rejected"),
        ("", SemanticFault, "at least one"),
    ],
)
def test_what_is_not_released(exchange, content, error, said):
    (rejected,), report = exchange.submit(
        sent(flow_csv(flow_row("276", "IMMIG", "250", 2019, 1)), "FRA"), by="test"
    )
    assert report.verdict == "rejected"
    ids = {"nothing": ["nothing"], "rejected": [rejected.id], "": []}[content]
    with pytest.raises(error, match=said):
        exchange.release(ids, by="test")
    assert exchange.ledger.history().releases == ()


def test_an_instant_without_a_zone_is_refused(exchange):
    with pytest.raises(SemanticFault, match="has no time zone"):
        exchange.release([submit(exchange, 1).id], by="test", public_from=datetime(2030, 1, 1))  # noqa: DTZ001


def test_an_embargo_that_rows_ask_for_is_kept_and_never_shown(exchange):
    asked = datetime.now(UTC).replace(microsecond=0) + timedelta(days=9)
    content = flow_csv(flow_row("250", "IMMIG", "276", 2019, 1)).replace(b"COMMENT_OBS\n", b"EMBARGO_TIME\n")
    content = content.rstrip(b"\n") + asked.isoformat().encode() + b"\n"
    (submission,), report = exchange.submit(sent(content, "FRA"), by="test")
    (finding,) = faults(report)
    assert (finding.code, finding.severity, finding.count) == ("embargo_asked", "warning", 1)
    for too_early in (None, asked - timedelta(seconds=1)):
        with pytest.raises(Conflict, match="to stay closed; release from then"):
            exchange.release([submission.id], by="test", public_from=too_early)
    exchange.release([submission.id], by="test", public_from=asked)
    assert values(exchange) == []
    answer = exchange.data(QUERY, exchange.public(asked))
    (row,) = [row for batch in answer.datasets[0].batches for row in batch.to_pylist()]
    assert (row["OBS_VALUE"], row["EMBARGO_TIME"]) == (1, None)


def test_a_series_attribute_that_changes_what_is_there_is_told(exchange):
    submit(exchange, 1)
    content = flow_csv(flow_row("250", "IMMIG", "276", 2020, 0)).replace(b",PS,0,", b",PS,3,")
    _, report = exchange.submit(sent(content.replace(b",R,A,", b",M,A,"), "FRA"), by="test")
    (finding,) = faults(report)
    assert (finding.code, finding.severity, finding.count) == (
        "series_attribute_changes_existing",
        "warning",
        1,
    )
    assert (report.counts.added, report.counts.changed) == (1, 1)


def test_two_submissions_of_one_provider_at_once_both_count(exchange):
    def send(year):
        content = flow_csv(flow_row("250", "IMMIG", "276", year, year)).replace(b",R,A,", b",M,A,")
        return exchange.submit(sent(content, "FRA"), by="test")[0][0]

    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(send, range(2010, 2016)))
    assert sorted(submission.revision for submission in made) == [1, 2, 3, 4, 5, 6]
    last = max(made, key=lambda submission: submission.revision)
    exchange.release([last.id], by="test")
    assert sorted(values(exchange)) == list(range(2010, 2016))


def test_counts_tell_what_a_submission_does(exchange):
    submit(exchange, 1)
    rows = flow_csv(
        flow_row("250", "IMMIG", "276", 2019, 1),
        flow_row("250", "IMMIG", "276", 2018, 5),
        flow_row("250", "IMMIG", "276", 2018, 5),
    )
    _, report = exchange.submit(sent(rows, "FRA"), by="test")
    counts = report.counts
    assert (counts.received, counts.accepted) == (3, 3)
    assert (counts.added, counts.changed, counts.unchanged) == (1, 0, 1)


def test_a_rejected_file_changes_nothing_and_its_report_stays(exchange):
    first = submit(exchange, 1)
    (rejected,), _ = exchange.submit(sent(b"no SDMX at all", "FRA"), by="test")
    assert exchange.ledger.history().latest["MIG_FLOW_FRA", "MIGDX:DF_MIG_FLOW(1.0.0)"].id == first.id
    told = exchange.report(rejected.id)
    assert told["verdict"] == "rejected"
    assert told["counts"]["accepted"] == 0
    assert len(told["groups"]) == 1


def test_append_adds_and_never_changes(exchange):
    submit(exchange, 1)
    appended = flow_csv(flow_row("250", "IMMIG", "276", 2019, 2)).replace(b",R,A,", b",A,A,")
    (submission,), report = exchange.submit(sent(appended, "FRA"), by="test")
    assert submission.verdict == "rejected"
    assert [finding.code for finding in faults(report)] == ["append_changes_existing"]


def test_a_submission_needs_a_provider_with_an_agreement(exchange):
    with pytest.raises(SemanticFault, match="needs a provider"):
        exchange.submit(sent(flow_csv()), by="test")
    _, report = exchange.submit(sent(flow_csv(flow_row("250", "IMMIG", "276", 2019, 1)), "XXX"), by="test")
    assert [finding.code for finding in faults(report)] == ["no_agreement"]
