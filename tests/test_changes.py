"""What a submission changes, against the provider's previous revision."""

import csv
import io

import pytest
from conftest import flow_csv, flow_row, getter, publish, sent
from hypothesis import given
from hypothesis import strategies as st
from test_fold import SCHEMA, datasets, table

from migdx.changes import Changes
from migdx.errors import NotFound
from migdx.fold import fold
from migdx.holdings import changed
from migdx.web import create_app

BEFORE = [
    flow_row("276", "IMMIG", "250", 2018, 1000),
    flow_row("276", "IMMIG", "250", 2019, 2000),
    flow_row("276", "IMMIG", "380", 2019, 500, comment="first"),
    flow_row("276", "IMMIG", "616", 2019, 4242, conf="C"),
    flow_row("276", "IMMIG", "616", 2018, 700),
]
AFTER = [
    flow_row("276", "IMMIG", "250", 2019, 2100),
    flow_row("276", "IMMIG", "380", 2019, 500, comment="second"),
    flow_row("276", "IMMIG", "616", 2019, 9393, conf="C"),
    flow_row("276", "IMMIG", "616", 2018, 300),
    flow_row("276", "IMMIG", "250", 2020, 2200),
]


def submitted(exchange, rows):
    (submission,), report = exchange.submit(sent(flow_csv(*rows), "DEU"), by="test")
    assert submission.verdict == "accepted", report.as_dict()
    return submission, report


def test_an_observation_of_two_actions_is_counted_once(exchange):
    """Counts are against the previous revision, not against what an earlier action of the file made."""
    submitted(exchange, BEFORE[:1])
    rows = [flow_row("276", "IMMIG", "250", 2018, value) for value in (1100, 1200)]
    rows.insert(1, flow_row("276", "IMMIG", "250", 2019, 5))
    head, first, new, last = flow_csv(*rows).decode().splitlines()
    lines = [head, first, new, *(line.replace(",R,", ",M,", 1) for line in (last, new))]
    (submission,), report = exchange.submit(sent("\n".join([*lines, ""]).encode(), "DEU"), by="test")
    assert submission.verdict == "accepted", report.as_dict()
    counts = report.counts
    assert (counts.added, counts.changed, counts.unchanged) == (1, 1, 0)
    (section,) = report.sections["changes"]
    assert (section["counts"]["added"], section["counts"]["changed"]) == (1, 1)


def test_the_report_tells_what_a_submission_changes(exchange):
    first, report = submitted(exchange, BEFORE)
    (told,) = report.sections["changes"]
    assert (told["previous"], told["counts"]["added"], told["largest"]) == (None, 5, [])
    _, report = submitted(exchange, AFTER)
    (told,) = report.sections["changes"]
    assert told["previous"] == first.id
    assert told["counts"] == {
        "added": 1,
        "removed": 0,
        "changed": 3,
        "attributes": 1,
        "unchanged": 0,
        "notSentAgain": 1,
    }
    counts = report.counts
    assert (counts.added, counts.changed) == (told["counts"]["added"], 3 + 1)
    poland, france, hidden = told["largest"]
    assert poland == {
        "key": "A.276.IMMIG.OFF.616._T._T._T._T._T",
        "period": "2018",
        "before": "700",
        "after": "300",
        "difference": "-400",
        "percent": -57.14,
    }
    assert (france["difference"], france["percent"]) == ("100", 5.0)
    assert hidden == {
        "key": poland["key"],
        "period": "2019",
        "before": None,
        "after": None,
        "hidden": True,
    }


def test_what_is_left_out_is_not_sent_again_and_never_removed(exchange):
    submitted(exchange, BEFORE)
    _, report = submitted(exchange, BEFORE[:1])
    (told,) = report.sections["changes"]
    assert (told["counts"]["removed"], told["counts"]["notSentAgain"], told["counts"]["unchanged"]) == (
        0,
        4,
        1,
    )


def test_another_multiplier_is_no_other_figure(exchange):
    submitted(exchange, BEFORE[:1])
    row = BEFORE[0].replace(",1000,A,F,PS,0,", ",1,A,F,PS,3,")
    _, report = submitted(exchange, [row])
    (told,) = report.sections["changes"]
    assert (told["counts"]["changed"], told["counts"]["attributes"]) == (0, 1)


def test_all_changes_as_a_file(exchange):
    submitted(exchange, BEFORE)
    submission, _ = submitted(exchange, AFTER)
    body = b"".join(changed(exchange, submission.id).csv()).decode()
    assert not {"4242", "9393"} & set(body.replace("\n", ",").split(","))
    rows = list(csv.DictReader(io.StringIO(body)))
    assert [row["CHANGE"] for row in rows] == ["changed", "changed", "attributes", "changed", "added"]
    first, _, comment, secret, added = rows
    assert (first["BEFORE"], first["AFTER"], first["DIFFERENCE"]) == ("700", "300", "-400")
    assert (comment["ATTRIBUTES"], comment["BEFORE"]) == ("COMMENT_OBS", "500")
    assert (secret["BEFORE"], secret["AFTER"], secret["PERCENT"], secret["COUNTERPART_AREA"]) == (
        *("", "", ""),
        "616",
    )
    assert (added["BEFORE"], added["AFTER"]) == ("", "2200")


def test_the_file_needs_the_token_and_an_accepted_submission(exchange):
    submission, _ = submitted(exchange, BEFORE)
    get = getter(create_app(exchange, token="T", demo=False))
    address = f"/submissions/{submission.id}/changes.csv"
    assert get(address).status_code == 401
    answer = get(address, Authorization="Bearer T")
    assert (answer.status_code, answer.text.count("added")) == (200, 5)
    (refused,), _ = exchange.submit(sent(flow_csv(flow_row("276", "IMMIG", "250", 2019, "x")), "DEU"), by="t")
    with pytest.raises(NotFound):
        changed(exchange, refused.id)


def test_a_large_revision_of_what_is_published_is_asked_about(exchange):
    publish(exchange, "DEU", BEFORE[:2])
    _, report = submitted(exchange, [flow_row("276", "IMMIG", "250", 2019, 2050)])
    assert "revision" not in {found.code for found in report.findings}
    _, report = submitted(exchange, [flow_row("276", "IMMIG", "250", 2019, 2400)])
    (found,) = [found for found in report.findings if found.code == "revision"]
    assert (found.values["before"], found.values["given"], found.values["percent"]) == (
        "2000",
        "2400",
        "+20.0",
    )
    _, report = submitted(exchange, [flow_row("276", "IMMIG", "250", 2019, 2500, comment="late notices")])
    assert "revision" not in {found.code for found in report.findings}


def test_final_figures_are_told_as_such(exchange):
    publish(exchange, "DEU", [flow_row("276", "IMMIG", "250", 2019, 2000, status="P")])
    _, report = submitted(exchange, [flow_row("276", "IMMIG", "250", 2019, 2010)])
    (found,) = [found for found in report.findings if found.code == "revision"]
    assert (found.severity, found.values["reason"]) == ("information", "settled")


@given(datasets, datasets, st.sampled_from(["Merge", "Replace"]))
def test_the_changes_of_a_fold_are_those_between_the_revisions(before, sent_rows, action):
    old, folded = table(before), fold(table(before), table(sent_rows), SCHEMA, action)
    made = Changes.of(old, folded, SCHEMA)
    again = Changes.between(old, folded.table, SCHEMA)
    assert sorted(made.rows) == sorted(again.rows)
    counts = made.counts()
    assert counts["added"] == folded.added == again.counts()["added"]
    assert counts["changed"] + counts["attributes"] == folded.changed
    assert counts["notSentAgain"] == len(before.keys() - sent_rows.keys())


@given(datasets, datasets, datasets)
def test_the_changes_of_two_actions_are_those_of_both(before, one, two):
    old = table(before)
    first = fold(old, table(one), SCHEMA, "Merge")
    second = fold(first.table, table(two), SCHEMA, "Replace")
    made = Changes.of(old, first, SCHEMA).then(second).counts()
    assert made["added"] == len((one.keys() | two.keys()) - before.keys())
    assert made["notSentAgain"] == len(before.keys() - one.keys() - two.keys())
