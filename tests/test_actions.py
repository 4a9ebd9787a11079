"""The actions of a submission: what Delete, a complete scope and their preview do to the last revision."""

import io
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from conftest import FRANCE, TOKEN, faults, flow_csv, flow_row, sent
from hypothesis import given
from hypothesis import strategies as st
from small_world import data, small
from test_fold import HIDING, SCHEMA, hiding, rows_of, table

from migdx.dataset import Coded
from migdx.effect import effect
from migdx.errors import SemanticFault, SyntaxFault
from migdx.fold import content_hash
from migdx.holdings import changed
from migdx.query import DataQuery
from migdx.region import Region, read_region
from migdx.removals import Deletions
from migdx.rerun import rerun
from migdx.sent import Sent
from migdx.trial import tried
from migdx.web import create_app

START = ("X,F,2018,1,A", "X,F,2019,2,A", "X,M,2018,3,A", "X,M,2019,4,P", "Y,F,2019,5,A")


@pytest.fixture
def world(tmp_path):
    made = small(tmp_path / "small")
    yield made
    made.close()


def as_sent(*rows, action="R", provider="ONE", **more):
    """A file of the small world; a row may begin with its own action, as `D:X,F,2018,,`."""
    lines = data(*(row.partition(":")[2] or row for row in rows)).decode().splitlines()
    letters = [row.partition(":")[0] if ":" in row else action for row in rows]
    body = [line.replace(",R,", f",{letter},", 1) for line, letter in zip(lines[1:], letters, strict=True)]
    content = "\n".join([lines[0], *body, ""]).encode()
    return Sent(io.BytesIO(content), len(content), "text/csv", "data.csv", provider, **more)


def submit(exchange, *rows, accept="all", **more):
    submissions, report = exchange.submit(as_sent(*rows, **more), by="test", accept=accept)
    return submissions[0], report


def kept(exchange):
    """What the last revision says: {(area, sex, period): (value, status)}."""
    (submission,) = exchange.ledger.history().latest.values()
    rows = exchange.store.read(submission.segment).to_pylist()
    return {(r["REF_AREA"], r["SEX"], r["TIME_PERIOD"]): (r["OBS_VALUE"], r["OBS_STATUS"]) for r in rows}


def codes(report):
    return [(one.code, one.severity, one.count) for one in report.findings]


# --- Delete -------------------------------------------------------------------------------------------------


def test_a_full_key_deletes_its_observation_and_needs_no_confirmation(world):
    submit(world, *START)
    submission, report = submit(world, "X,F,2018,,", "Y,F,2019,,", action="D")
    assert (report.verdict, submission.action, report.findings) == ("accepted", "Delete", ())
    assert kept(world).keys() == {("X", "F", "2019"), ("X", "M", "2018"), ("X", "M", "2019")}
    (section,) = report.sections["changes"]
    assert section["counts"] == {
        "added": 0, "removed": 2, "changed": 0, "attributes": 0, "unchanged": 0, "notSentAgain": 3
    }  # fmt: skip
    assert [(one["key"], one["period"], one["before"]) for one in section["removed"]] == [
        ("A.Y.F", "2019", "5"), ("A.X.F", "2018", "1")
    ]  # fmt: skip
    assert (report.counts.removed, submission.counts["removed"], report.counts.accepted) == (2, 2, 2)
    body = b"".join(changed(world, submission.id).csv()).decode()
    assert body.count("removed") == 2
    assert rerun(world, submission.id).same


def test_a_value_that_is_given_is_the_only_one_that_goes(world):
    submit(world, *START)
    _, report = submit(world, "X,F,2018,-,", "X,F,2019,,anything", action="D")
    assert report.verdict == "accepted"
    after = kept(world)
    assert (after["X", "F", "2018"], after["X", "F", "2019"]) == ((None, "A"), (2, None))
    assert report.counts.changed == 2


def test_an_observation_of_which_nothing_is_left_goes(world):
    submit(world, *START)
    _, report = submit(world, "X,F,2018,-,-", action="D")
    assert (report.counts.removed, len(kept(world))) == (1, 4)


@pytest.mark.parametrize(
    ("row", "gone"),
    [("X,F,,,", 2), (",F,,,", 3), (",,2019,,", 3), ("X,,,,", 4), (",,,,", 5), ("Y,M,,,", 0)],
)
def test_dimensions_that_are_left_out_may_be_anything_and_the_number_is_confirmed(world, row, gone):
    submit(world, *START)
    before = kept(world)
    if gone:
        for number in (None, gone + 1, 0):
            _, report = submit(world, row, action="D", removals=number)
            (found,) = report.findings
            assert (report.verdict, found.code, found.final) == ("rejected", "removals_not_confirmed", True)
            assert found.values == {"given": "-" if number is None else number, "expected": gone}
            assert kept(world) == before
    _, report = submit(world, row, action="D", removals=gone)
    assert report.verdict == "accepted", report.findings
    assert len(kept(world)) == 5 - gone
    assert [code for code, *_ in codes(report)] == ([] if gone else ["nothing_to_delete"])


def test_figures_that_go_in_bulk_are_confirmed_too(world):
    submit(world, *START)
    _, report = submit(world, "X,,,-,", action="D")
    assert (report.verdict, report.findings[0].values["expected"]) == ("rejected", 4)
    _, report = submit(world, "X,,,-,", action="D", removals=4)
    assert report.verdict == "accepted"
    assert sum(value is None for value, _ in kept(world).values()) == 4
    _, report = submit(world, ",,,,-", action="D", removals=4)  # of four nothing is left
    assert (report.verdict, report.counts.removed) == ("accepted", 4)


def test_all_that_is_there_may_be_deleted_and_released_and_sent_anew(world):
    submit(world, *START)
    submission, report = submit(world, ",,,,", action="D", removals=5)
    assert (report.verdict, kept(world), submission.segment.observations) == ("accepted", {}, 0)
    world.release([submission.id], by="test")
    _, report = submit(world, *START[:2])
    assert (report.counts.added, len(kept(world))) == (2, 2)


def test_rows_are_taken_in_the_order_of_the_file(world):
    submit(world, *START)
    # what is deleted and said again is not removed; what is said and deleted again is not there
    rows = ("D:X,F,,,", "R:X,F,2018,1,A", "R:Y,M,2020,9,A", "D:Y,M,2020,,", "M:X,M,2018,,P", "D:X,M,2018,-,")
    submission, report = submit(world, *rows, removals=1)
    assert report.verdict == "accepted", report.findings
    assert submission.action == "Delete, Replace, Merge"
    assert kept(world) == {
        ("X", "F", "2018"): (1, "A"),
        ("X", "M", "2018"): (None, "P"),
        ("X", "M", "2019"): (4, "P"),
        ("Y", "F", "2019"): (5, "A"),
    }
    assert (report.counts.removed, report.counts.added, report.counts.unchanged) == (1, 0, 1)


def test_what_is_deleted_and_merged_again_is_as_it_is_said(world):
    submit(world, *START)
    submit(world, "D:X,F,2018,,", "M:X,F,2018,7,")
    assert kept(world)["X", "F", "2018"] == (7, None)  # the status went with the observation


def test_what_is_not_there_is_told_and_no_error(world):
    _, report = submit(world, "X,F,2018,,", "X,M,,,", action="D")
    assert (report.verdict, codes(report)) == ("accepted", [("nothing_to_delete", "information", 2)])
    assert [place.row for place in report.findings[0].places] == [2, 3]
    submit(world, *START)
    _, report = submit(world, "X,F,2018,,", "Y,M,2031,,", action="D")
    assert (report.counts.removed, codes(report)) == (1, [("nothing_to_delete", "information", 1)])


@pytest.mark.parametrize(
    ("row", "code", "component"),
    [
        ("Q,F,2018,,", "unknown_code", "REF_AREA"),
        ("X,Z,,,", "unknown_code", "SEX"),
        ("X,F,31.12.2018,,", "invalid_period", "TIME_PERIOD"),
        ("X,F,2018-Q1,,", "period_not_of_frequency", "TIME_PERIOD"),
        ("X,F,~,,", "partial_key", "TIME_PERIOD"),
        ("~,F,2018,,", "partial_key", "REF_AREA"),
    ],
)
def test_codes_of_what_is_deleted_are_checked_and_its_values_are_not(world, row, code, component):
    submit(world, *START)
    _, report = submit(world, row, action="D")
    assert (report.verdict, [(one.code, one.component) for one in report.findings]) == (
        "rejected", [(code, component)]
    )  # fmt: skip
    _, report = submit(world, row, "X,F,2018,,", action="D", accept="valid")
    assert (report.verdict, report.counts.accepted, report.counts.rejected) == ("accepted", 1, 1)
    assert len(kept(world)) == 4


def test_nobody_deletes_under_the_agreement_of_another(exchange):
    exchange.submit(sent(flow_csv(*FRANCE), "FRA"), by="test")
    row = flow_row("250", "IMMIG", "276", 2018, "").replace(",A,F,PS,0,", ",,,,,")
    deletes = flow_csv(row).replace(b",R,A,250", b",D,A,250")
    _, report = exchange.submit(sent(deletes, "DEU"), by="test")
    assert (report.verdict, [one.code for one in faults(report)]) == ("rejected", ["not_your_area"])
    # without an area it is of all that is the sender's own: nothing
    everything = flow_csv("," * 9 + ",,,,,,")
    everything = everything.replace(b",R,A,", b",D,,")
    _, report = exchange.submit(sent(everything, "DEU"), by="test")
    assert [one.code for one in faults(report)] == ["nothing_to_delete"]
    (submission, *_) = (s for s in exchange.ledger.history().latest.values() if s.provider == "FRA")
    assert submission.segment.observations == len(FRANCE)
    _, report = exchange.submit(sent(deletes, "FRA"), by="test")
    assert (report.verdict, report.counts.removed) == ("accepted", 1), report.findings


def test_nothing_is_told_of_confidential_figures_that_go(exchange):
    exchange.submit(sent(flow_csv(*FRANCE), "FRA"), by="test")
    everything = flow_csv("," * 9 + ",,,,,,").replace(b",R,A,", b",D,,")
    asked = replace(sent(everything, "FRA"), removals=5)
    report = tried(exchange, asked)
    (submission,), filed = exchange.submit(replace(asked, file=io.BytesIO(everything)), by="test")
    told = [str(report.as_dict()), str(filed.as_dict()), str(exchange.report(submission.id))]
    told += [b"".join(changed(exchange, submission.id).csv()).decode()]
    assert filed.counts.removed == 5
    assert not any("424242" in text for text in told)
    assert all("1900.5" in text for text in told)
    assert not submission.segment.restricted


def test_a_status_that_goes_uncovers_no_figure(exchange):
    exchange.submit(sent(flow_csv(FRANCE[-1]), "FRA"), by="test")
    row = flow_row("250", "EMIG", "276", 2019, "", status="", conf="-").replace(",PS,0,", ",,,")
    deletes = flow_csv(row).replace(b",R,A,250", b",D,A,250")
    (submission,), report = exchange.submit(sent(deletes, "FRA"), by="test")
    assert report.verdict == "accepted", report.findings
    (row,) = exchange.store.read(submission.segment).to_pylist()
    assert (row["OBS_VALUE"], row["COMMENT_OBS"], row["CONF_STATUS"]) == (None, None, None)


# --- a complete scope ---------------------------------------------------------------------------------------


def test_what_a_complete_file_leaves_out_of_its_periods_is_removed(world):
    submit(world, *START)
    _, report = submit(world, "X,F,2019,2,A", scope="complete")
    assert (report.verdict, report.findings[0].values["expected"]) == ("rejected", 2)
    submission, report = submit(world, "X,F,2019,2,A", scope="complete", removals=2)
    assert report.verdict == "accepted"
    assert kept(world).keys() == {("X", "F", "2018"), ("X", "F", "2019"), ("X", "M", "2018")}
    (section,) = report.sections["changes"]
    assert (section["scope"], section["region"], section["removals"]) == ("complete", "TIME_PERIOD:2019", 2)
    assert (submission.scope, submission.region) == ("complete", "TIME_PERIOD:2019")
    assert (report.subject["scope"], report.subject["removals"]) == ("complete", 2)
    assert rerun(world, submission.id).same
    _, report = submit(world, "X,F,2019,2,A", scope="complete")
    assert (report.verdict, report.counts.removed, report.counts.unchanged) == ("accepted", 0, 1)


@pytest.mark.parametrize(
    ("region", "gone"),
    [
        ("SEX:F", 1),  # time is that of the file
        ("SEX:F;TIME_PERIOD:*", 2),
        ("TIME_PERIOD:2010..2019", 4),
        ("TIME_PERIOD:2018", 2),
        ("REF_AREA:X;SEX:M,F;TIME_PERIOD:2018,2019", 3),
        ("REF_AREA:Y", 1),
    ],
)
def test_a_region_says_where_a_file_is_complete(world, region, gone):
    submit(world, *START)
    _, report = submit(world, "X,F,2019,2,A", scope="complete", region=region, removals=gone)
    assert report.verdict == "accepted", report.findings
    assert (report.counts.removed, len(kept(world))) == (gone, 5 - gone)
    outside = "Y" in region or region.endswith(":2018")
    assert [code for code, *_ in codes(report)] == (["outside_region"] if outside else [])


@pytest.mark.parametrize(
    ("region", "reason"),
    [("SEKS:F", None), ("SEX:Female", "code"), ("OBS_VALUE:1", None), ("TIME_PERIOD:2019..2018", "period"),
     ("TIME_PERIOD:last year", "period"), ("REF_AREA:Z", "code"), ("SEX:*", "code")],
)  # fmt: skip
def test_a_wrong_region_removes_nothing(world, region, reason):
    submit(world, *START)
    _, report = submit(world, "X,F,2019,2,A", scope="complete", region=region, removals=2)
    (found,) = report.findings
    assert (report.verdict, found.code, found.values.get("reason")) == ("rejected", "wrong_region", reason)
    assert len(kept(world)) == 5


@pytest.mark.parametrize(
    "more",
    [{"scope": "all"}, {"region": "SEX:F"}, {"removals": -1}, {"removals": 1 << 64},
     *({"scope": "complete", "region": text}
       for text in ("SEX", "SEX:", ":F", "SEX:F;SEX:M", "SEX:,", "x" * 20_000))],
)  # fmt: skip
def test_what_is_no_scope_region_or_number_is_refused(more):
    with pytest.raises(SyntaxFault):
        as_sent("X,F,2019,2,A", **more)


@pytest.mark.parametrize(
    ("rows", "accept", "found"),
    [
        (("R:X,F,2019,2,A", "D:X,M,2019,,"), "all", ("scope_not_possible", "delete")),
        (("A:X,F,2019,2,A",), "all", ("scope_not_possible", "append")),
        (("R:X,F,2019,2,A", "R:X,Q,2019,2,A"), "valid", ("scope_not_possible", "rejected")),
        ((), "all", ("no_rows", None)),
    ],
)
def test_what_does_not_go_with_a_complete_scope(world, rows, accept, found):
    submit(world, *START)
    _, report = submit(world, *rows, accept=accept, scope="complete", region="TIME_PERIOD:*", removals=4)
    assert report.verdict == "rejected"
    assert found in [(one.code, one.values.get("reason")) for one in report.findings]
    assert len(kept(world)) == 5


# --- preview ------------------------------------------------------------------------------------------------


def untouched(exchange):
    """What the ledger and the depots hold."""
    depots = (exchange.store.depot, exchange.blobs.depot)
    return exchange.ledger.history().seq, [sorted(file.name for file in one.names("")) for one in depots]


def test_a_preview_tells_what_a_submission_does_and_keeps_nothing(world):
    submit(world, *START)
    before = untouched(world)
    rows = ("D:,M,,,", "R:X,F,2018,10,A", "R:Y,F,2020,6,A")
    report = tried(world, as_sent(*rows))
    assert untouched(world) == before
    assert (report.verdict, codes(report)) == ("accepted", [("removals_not_confirmed", "warning", 1)])
    filed = submit(world, *rows, removals=2)[1]
    assert report.sections == filed.sections
    assert replace(report.counts, warnings=0) == filed.counts
    assert "submission" not in report.subject
    assert tried(world, as_sent("D:,,,,", removals=1)).verdict == "rejected"
    with pytest.raises(SemanticFault):
        tried(world, as_sent("X,F,2018,1,A", provider=""))


def test_a_check_without_a_token_tells_nothing_of_what_is_there(world):
    submit(world, *START)
    report = world.check(as_sent("D:X,,,,", "D:Y,M,2018,,", removals=1))
    assert (report.verdict, report.findings, report.sections) == ("accepted", (), {})
    report = world.check(as_sent("R:X,F,2018,1,A", scope="complete", removals=7))
    assert (report.verdict, report.findings, report.sections) == ("accepted", (), {})


def test_over_http(exchange):
    client = create_app(exchange, token=TOKEN, demo=False).test_client()
    bearer = {"Authorization": f"Bearer {TOKEN}"}

    def post(rows, letter="R", headers=bearer, **fields):
        content = flow_csv(*rows).replace(b",R,A,", f",{letter},A,".encode())
        form = {"provider": "FRA", **fields, "file": (io.BytesIO(content), "flows.csv", "text/csv")}
        return client.post("/submissions", data=form, headers=headers)

    assert post(FRANCE, **{"dry-run": "true"}, headers={}).status_code == 401
    dry = post(FRANCE, **{"dry-run": "true"})
    assert (dry.status_code, dry.json["counts"]["added"]) == (200, len(FRANCE))
    assert client.get("/submissions", headers=bearer).json == {"submissions": []}
    assert post(FRANCE).status_code == 201
    whole = {"scope": "complete", "region": "TIME_PERIOD:*"}
    answer = post(FRANCE[:1], **whole)
    assert (answer.status_code, answer.json["groups"][0]["values"]["expected"]) == (422, 4)
    assert post(FRANCE[:1], **whole, removals="4").status_code == 201
    assert client.get("/submissions", headers=bearer).json["submissions"][0]["region"] == "TIME_PERIOD:*"
    page = post(FRANCE[:1], **whole, **{"dry-run": "true"}, format="html")
    assert "TIME_PERIOD:*" in page.text
    wrong = [("removals", "-1"), ("removals", "9" * 400), ("removals", "many"), ("scope", "all")]
    wrong += [("region", "SEX:F"), ("dry-run", "perhaps")]
    for fields in (*({name: value} for name, value in wrong), {"scope": "complete", "region": "SEX"}):
        assert post(FRANCE, **fields).status_code == 400, fields


def test_on_the_command_line(run, tmp_path):
    (tmp_path / "flows.csv").write_bytes(flow_csv(*FRANCE))
    (tmp_path / "less.csv").write_bytes(flow_csv(*FRANCE[:1]))
    submit = ("--data", "here", "submit", "--provider", "FRA")
    status, out, _ = run(*submit, "--dry-run", "flows.csv")
    assert (status, "added 5" in out, "Submission" in out) == (0, True, False)
    assert run(*submit, "flows.csv")[0] == 0
    complete = ("--scope", "complete", "--region", "TIME_PERIOD:*", "less.csv")
    status, out, _ = run(*submit, *complete)
    assert (status, "removals=4" in out) == (1, True)
    status, out, _ = run(*submit, *complete, "--removals", "4")
    assert (status, "removed 4" in out) == (0, True)
    assert "removals=-1" in run(*submit, *complete, "--removals", "-1")[2]


def test_what_the_service_answers_is_understood_when_it_is_sent_back(world):
    """updatedAfter answers with a Delete data set and a Replace data set."""
    submit(world, *START)
    rows = ("D:X,F,2018,,", "R:X,F,2019,20,A")
    submission, _ = submit(world, *rows)
    world.release([submission.id], by="test")
    (dataset,) = world.data(DataQuery(ids=("FLOW",))).datasets
    assert sum(batch.num_rows for batch in dataset.batches) == 4
    _, report = submit(world, *rows)
    assert (report.counts.removed, report.counts.changed, report.counts.unchanged) == (0, 0, 1)


# --- much ---------------------------------------------------------------------------------------------------


def test_a_hundred_thousand_rows_that_leave_out_parts_of_the_key(world):
    submit(world, *START)
    years = [str(year) for year in range(1900, 2000)]
    keys = product(("X", "Y", ""), ("F", "M", ""), (*years, ""))
    many = [f"{area},{sex},{year},," for area, sex, year in keys][:-1] * 112
    _, report = submit(world, *many, action="D", removals=5)
    assert (report.verdict, len(many) > 100_000, kept(world)) == ("accepted", True, {})


def test_too_many_ways_to_leave_out_dimensions(exchange):
    ways = []
    for at in range(80):
        cells = [code if at >> place & 1 else "" for place, code in
                 enumerate(("250", "IMMIG", "OFF", "276", "_T", "_T", "_T"))]  # fmt: skip
        ways.append(",".join([*cells, "_T", "_T", "2018"]) + ",,,,,,")
    content = flow_csv(*ways).replace(b",R,A,", b",D,A,")
    _, report = exchange.submit(sent(content, "FRA"), by="test")
    assert (report.verdict, [one.code for one in faults(report)]) == ("rejected", ["too_many_wildcards"])


# --- the laws: fold against dictionaries --------------------------------------------------------------------

AREAS, YEARS = "AB", ("2018", "2019", "2020")
ACTIONS = st.sampled_from(["Merge", "Replace"])
KEYS = st.tuples(st.sampled_from(AREAS), st.sampled_from(YEARS))
ROWS = st.tuples(st.sampled_from([None, 1.0, 2.0]), st.none(), st.sampled_from([None, "x", "y"]))
DATASETS = st.dictionaries(KEYS, ROWS, min_size=1, max_size=6)
PATTERNS = st.tuples(
    st.sampled_from([None, *AREAS]), st.sampled_from([None, *YEARS]),
    st.sampled_from([(), ("OBS_VALUE",), ("NOTE",), ("OBS_VALUE", "NOTE")]),
)  # fmt: skip
SAID = st.tuples(KEYS, ROWS)
FILES = st.lists(
    st.one_of(st.tuples(st.just("Delete"), PATTERNS), st.tuples(st.just("said"), SAID)),
    min_size=1, max_size=8, unique_by=lambda row: row[1][0] if row[0] == "said" else id(row),
)  # fmt: skip


def deletions(rows):
    """(place in the file, (area, year, what is given)) as Delete rows."""

    def column(at, values):
        return Coded(tuple(values), np.array([values.index(row[at]) if row[at] else -1 for _, row in rows]))

    given = {id: np.array([id in row[2] for _, row in rows]) for id in ("OBS_VALUE", "NOTE")}
    keys = {"AREA": column(0, AREAS), "TIME_PERIOD": column(1, YEARS)}
    return Deletions(SCHEMA, keys, given, np.array([at for at, _ in rows]))


def modelled(before, file, action):
    """The same, row by row."""
    now = dict(before)
    for what, (*place, content) in file:
        if what == "said":
            key, (value, unit, note) = place[0], content
            old = now.get(key, (None,) * 3)
            now[key] = (value, unit, note)
            if action == "Merge":
                now[key] = tuple(was if new is None else new for was, new in zip(old, now[key], strict=True))
            continue
        for key in [k for k in now if all(one in (None, its) for one, its in zip(place, k, strict=True))]:
            value, unit, note = now[key]
            left = (None if "OBS_VALUE" in content else value, unit, None if "NOTE" in content else note)
            if not content or (left != now[key] and left[0] is None and left[2] is None):
                del now[key]
            else:
                now[key] = left
    return now


def made(before, file, action):
    said = [(at, row) for at, (what, row) in enumerate(file) if what == "said"]
    gone = [(at, row) for at, (what, row) in enumerate(file) if what == "Delete"]
    steps = [(action, table(dict(row for _, row in said)), np.array([at for at, _ in said], np.int64))]
    return effect(before, steps, SCHEMA, deletions(gone) if gone else None)


def same(one, other):
    """Rows that say nothing at all are as good as none."""
    return {k: v for k, v in one.items() if any(v)} == {k: v for k, v in other.items() if any(v)}


@given(DATASETS, st.lists(st.tuples(FILES, ACTIONS), min_size=1, max_size=3))
def test_files_of_any_rows_make_what_they_say_row_by_row(start, files):
    model, now = start, table(start)
    for file, action in files:
        outcome = made(now, file, action)
        expected = modelled(model, file, action)
        assert same(rows_of(outcome.changes.after), expected)
        was, now = rows_of(now), outcome.changes.after
        model = rows_of(now)
        counts = outcome.changes.counts()
        assert counts["removed"] == len(was.keys() - model.keys())
        assert counts["added"] == len(model.keys() - was.keys())
        changed_too = sum(was[k] != model[k] for k in was.keys() & model.keys())
        assert counts["changed"] + counts["attributes"] == changed_too
        again = made(now, file, action)
        assert rows_of(again.changes.after) == model
        assert (again.changes.added, again.changes.changed, again.changes.removed) == (0, 0, 0)


@given(DATASETS, DATASETS, st.sampled_from([None, *AREAS]), st.booleans(), ACTIONS)
def test_a_complete_file_is_all_that_its_region_has(before, sent_rows, area, ever, action):
    text = ";".join(filter(None, (f"AREA:{area}" if area else "", "TIME_PERIOD:*" if ever else "")))
    region = Region.of(text, SCHEMA)
    step = (action, table(sent_rows), np.arange(len(sent_rows)))
    outcome = effect(table(before), [step], SCHEMA, None, region)
    periods = {time for _, time in sent_rows}
    inside = {k for k in before if area in (None, k[0]) and (ever or k[1] in periods)}
    gone = inside - sent_rows.keys()
    merged = rows_of(effect(table(before), [step], SCHEMA).changes.after)
    assert rows_of(outcome.changes.after) == {k: v for k, v in merged.items() if k not in gone}
    assert outcome.changes.removed == len(gone)
    assert outcome.removals == (len(gone) or None)
    again = effect(outcome.changes.after, [step], SCHEMA, None, region)
    assert rows_of(again.changes.after) == rows_of(outcome.changes.after)
    assert (again.changes.removed, again.changes.added, again.removals) == (0, 0, None)


@given(DATASETS, st.sampled_from([None, *AREAS]), st.sampled_from([None, *YEARS]))
def test_what_is_deleted_and_merged_again_is_what_it_was(before, area, year):
    pattern = (area, year, ())
    gone = made(table(before), [("Delete", pattern)], "Merge").changes.after
    taken = {k: v for k, v in before.items() if k not in rows_of(gone)}
    if taken:
        step = ("Merge", table(taken), np.arange(len(taken)))
        assert rows_of(effect(gone, [step], SCHEMA).changes.after) == before


@given(st.sets(st.sampled_from(["OBS_VALUE", "COMMENT", "OBS_STATUS", "CONF_STATUS"]), min_size=1))
def test_a_confidential_figure_is_neither_lost_nor_uncovered(given_ids):
    """What a Delete does not name stays hidden; with the status of confidentiality the figure goes."""
    keys = {"AREA": Coded(("A",), np.array([0])), "TIME_PERIOD": Coded((), np.array([-1]))}
    rows = Deletions(HIDING, keys, {id: np.array([True]) for id in given_ids}, np.array([0]))
    nothing = ("Merge", hiding(1.0, None, None, None).slice(0, 0), np.zeros(0, np.int64))
    after = effect(hiding(7.0, "A", "C", "why"), [nothing], HIDING, rows).changes.after.to_pylist()
    if {"OBS_STATUS", "CONF_STATUS"} <= given_ids:  # nothing is left that may be seen
        assert after == []
        return
    (row,) = after
    hidden = {"OBS_VALUE": 7.0, "COMMENT": "why", "OBS_STATUS": "A", "CONF_STATUS": "C"}
    expected = hidden | dict.fromkeys(given_ids)
    if "CONF_STATUS" in given_ids:
        expected |= {"OBS_VALUE": None, "COMMENT": None}
    assert {id: row[id] for id in expected} == expected


def test_an_attribute_of_the_series_goes_for_all_of_it():
    before = dict.fromkeys((("A", "2018"), ("A", "2019"), ("B", "2018")), (1.0, "PS", None))
    keys = {"AREA": Coded(("A",), np.array([0])), "TIME_PERIOD": Coded(("2018",), np.array([0]))}
    rows = Deletions(SCHEMA, keys, {"UNIT": np.array([True])}, np.array([0]))
    nothing = ("Merge", table({}), np.zeros(0, np.int64))
    outcome = effect(table(before), [nothing], SCHEMA, rows)
    assert {key: unit for key, (_, unit, _) in rows_of(outcome.changes.after).items()} == {
        ("A", "2018"): None, ("A", "2019"): None, ("B", "2018"): "PS"
    }  # fmt: skip
    assert (outcome.changes.spread, outcome.removals) == (0, None)


def test_the_hash_of_a_file_that_deletes_is_of_what_it_deletes():
    def of(*rows):
        return content_hash(deletions(list(enumerate(rows))).contents, SCHEMA)

    assert of(("A", None, ()), ("B", "2018", ())) == of(("B", "2018", ()), ("A", None, ()))
    others = (("A", None, ()), (None, "2018", ()), ("A", None, ("NOTE",)), ("B", None, ()))
    assert len({of(one) for one in others}) == 4


def test_a_region_is_read_as_it_is_written():
    assert read_region(" SEX : F , M ; TIME_PERIOD:2010..2019 ;") == {
        "SEX": ("F", "M"), "TIME_PERIOD": ("2010..2019",)
    }  # fmt: skip
