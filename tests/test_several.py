"""Several dataflows in one file, several actions in one dataflow, and columns that say several components."""

from dataclasses import replace

import pytest
from conftest import faults, flow_csv, flow_row, sent

from migdx.query import DataQuery
from migdx.urn import parse_short

FLOW, STOCK = "MIGDX:DF_MIG_FLOW(1.0.0)", "MIGDX:DF_MIG_STOCK(1.0.0)"
BOTH = (
    "STRUCTURE,STRUCTURE_ID,ACTION,FREQ,REF_AREA,COMPONENT,SOURCE,COUNTERPART_AREA,BIRTHPLACE,CITIZENSHIP,SEX,AGE,"
    "REASON,DURATION_STAY,EDUCATION_LEV,LFS,URBANISATION,TIME_PERIOD,OBS_VALUE,OBS_STATUS,CONF_STATUS,"
    "UNIT_MEASURE,UNIT_MULT\n"
)


def flow(value, year=2020, area="250", action="R"):
    return f"dataflow,{FLOW},{action},A,{area},IMMIG,OFF,276,_T,_T,_T,_T,_T,,,,,{year},{value},A,F,PS,0\n"


def stock(value, sex="_T", area="250", action="R"):
    return f"dataflow,{STOCK},{action},A,{area},,OFF,,_T,_T,{sex},_T,,_T,_T,_T,_T,2020,{value},A,F,PS,0\n"


def submitted(exchange, *rows, **more):
    """Of flows alone without the columns that only stocks have."""
    text = BOTH + "".join(rows)
    if "MIG_STO" not in text:
        text = text.replace(",DURATION_STAY,EDUCATION_LEV,LFS,URBANISATION", "").replace("_T,,,,,", "_T,")
    return exchange.submit(sent(text.encode(), "FRA"), by="test", **more)


def values(exchange, dataflow, *submissions):
    """The public values of a dataflow after these are released, in the natural order."""
    exchange.release([one.id for one in submissions], by="test")
    batches = exchange.data(DataQuery(ids=(parse_short(dataflow, "Dataflow").id,))).datasets[0].batches
    return [value for batch in batches for value in batch.column("OBS_VALUE").to_pylist()]


def test_each_dataflow_becomes_a_submission_of_its_own(exchange):
    submissions, report = submitted(exchange, flow(10), stock(500), flow(11, 2021))
    assert report.verdict == "accepted"
    assert [(one.dataflow, one.verdict, one.revision) for one in submissions] == [
        (FLOW, "accepted", 1), (STOCK, "accepted", 1)
    ]  # fmt: skip
    assert [one.counts["received"] for one in submissions] == [2, 1]
    assert (report.counts.received, report.counts.accepted, report.counts.added) == (3, 3, 3)
    assert [part["submission"] for part in report.subject["parts"]] == [one.id for one in submissions]
    assert report.subject["dataflow"] is None
    assert len({one.sha256 for one in submissions}) == len({one.report for one in submissions}) == 1
    assert values(exchange, FLOW, *submissions) == [10, 11]
    assert values(exchange, STOCK, *submissions) == [500]


def test_a_fault_in_one_dataflow_rejects_all(exchange):
    submissions, report = submitted(exchange, flow(10), stock(500, sex="X"))
    assert report.verdict == "rejected"
    assert {one.verdict for one in submissions} == {"rejected"}
    (fault,) = faults(report)
    assert (fault.code, fault.dataflow, fault.places[0].row, fault.places[0].column) == (
        "unknown_code", STOCK, 3, 11
    )  # fmt: skip
    assert [one.counts["errors"] for one in submissions] == [0, 1]
    assert not any(one.segment for one in exchange.ledger.history().submissions.values())


def test_the_sound_rows_of_both_are_taken_when_that_is_asked_for(exchange):
    submissions, report = submitted(exchange, flow(10), stock(500, sex="X"), stock(7), accept="valid")
    assert (report.verdict, report.counts.accepted, report.counts.rejected) == ("accepted", 2, 1)
    assert [(one.counts["accepted"], one.counts["rejected"]) for one in submissions] == [(1, 0), (1, 1)]
    assert values(exchange, STOCK, *submissions) == [7]


def test_a_dataflow_of_which_nothing_is_taken_is_no_revision(exchange):
    (first, second), report = submitted(exchange, flow(10), stock(500, sex="X"), accept="valid")
    assert (report.verdict, report.counts.accepted, report.counts.rejected) == ("accepted", 1, 1)
    assert (first.verdict, first.revision) == ("accepted", 1)
    assert (second.dataflow, second.verdict, second.revision, second.segment) == (STOCK, "rejected", 0, None)
    assert "revision" not in report.subject["parts"][1]


def test_an_append_that_is_refused_refuses_the_other_dataflow_too(exchange):
    submitted(exchange, flow(10))
    submissions, report = submitted(exchange, flow(12, action="A"), stock(500))
    assert report.verdict == "rejected"
    assert [f.code for f in faults(report)] == ["append_changes_existing"]
    assert [one.revision for one in submissions] == [0, 0]
    assert (report.counts.accepted, report.counts.rejected) == (0, 2)


def test_rows_of_an_unknown_dataflow_are_placed(exchange):
    _, report = submitted(exchange, flow(10), stock(500).replace("DF_MIG_STOCK", "DF_MIG_STOK"))
    (fault,) = faults(report)
    assert (fault.code, fault.value, fault.places[0].row) == (
        "unknown_dataflow", "MIGDX:DF_MIG_STOK(1.0.0)", 3
    )  # fmt: skip
    assert fault.expected["nearest"][0]["code"] == STOCK


def test_actions_are_taken_in_the_order_of_the_file(exchange):
    submitted(exchange, flow(10), flow(20, 2021))
    (second,), report = submitted(exchange, flow(11, action="M"), flow(30, 2022, action="A"), flow(12))
    assert second.action == "Merge, Append, Replace"
    assert report.verdict == "accepted", report.findings
    assert values(exchange, FLOW, second) == [12, 20, 30]


def test_a_key_may_be_there_once_under_each_action(exchange):
    _, report = submitted(exchange, flow(10), flow(11), flow(12, action="M"))
    (fault,) = faults(report)
    assert (fault.code, fault.count, [place.row for place in fault.places]) == ("duplicate_key", 2, [2, 3])


def test_an_action_that_is_not_taken(exchange):
    _, report = submitted(exchange, flow(10), flow(11, 2021, action="E"), flow(12, 2022, action="E"))
    (fault,) = faults(report)
    assert (fault.code, fault.value, fault.count) == ("action_not_taken", "E", 2)
    assert fault.places[0].row == 3


def for_information(*, as_merge=False):
    rows = [flow_row("250", "IMMIG", "276", year, year - 2010) for year in (2020, 2021, 2022)]
    header, first, *others = flow_csv(*rows).splitlines()
    content = b"\n".join([header, first, *(row.replace(b",R,", b",I,") for row in others)])
    return replace(sent(content, "FRA"), as_merge=as_merge)


def test_what_is_for_information_is_checked_and_not_filed(exchange):
    report = exchange.check(for_information())
    (told,) = faults(report)
    assert (report.verdict, report.counts.accepted, report.counts.errors) == ("accepted", 3, 0)
    assert (told.code, told.severity, told.count) == ("for_information", "information", 2)
    _, report = exchange.submit(for_information(), by="test")
    (fault,) = faults(report)
    assert (report.verdict, fault.code, fault.severity) == ("rejected", "for_information", "error")
    assert "as=merge" in report.as_dict()["groups"][0]["message"]


def test_what_is_for_information_is_merged_where_the_sender_says_so(exchange):
    (submission,), report = exchange.submit(for_information(as_merge=True), by="test")
    assert (report.verdict, faults(report), report.subject["as"]) == ("accepted", [], "merge")
    assert values(exchange, FLOW, submission) == [10, 11, 12]
    with exchange.again(submission.id) as (again, found):
        assert again.as_merge
        assert found.report.verdict == "accepted"


@pytest.mark.parametrize("missing", ["NaN", "#N/A"])
def test_merge_takes_away_what_is_missing_on_purpose(exchange, missing):
    merged = flow_csv(flow_row("250", "IMMIG", "276", 2020, missing, "M")).replace(b",R,", b",M,")
    submitted(exchange, flow(10))
    (submission,), report = exchange.submit(sent(merged, "FRA"), by="test")
    assert (report.verdict, faults(report), report.counts.changed) == ("accepted", [], 1)
    assert values(exchange, FLOW, submission) == [None]


def test_the_structure_of_several_dataflows_names_none_of_them(exchange):
    content = flow_csv(flow_row("250", "IMMIG", "276", 2020, 1)).replace(b"dataflow", b"datastructure")
    report = exchange.check(sent(content.replace(b"MIGDX:DF_", b"MIGDX:DSD_"), "FRA"))
    (fault,) = faults(report)
    assert (fault.code, fault.value, fault.count) == ("several_dataflows", "MIGDX:DSD_MIG_FLOW(1.0.0)", 1)
    assert fault.places[0].row == 2
    assert len(fault.expected["dataflows"]) == 3
    assert FLOW in fault.expected["dataflows"]


def with_status(*rows):
    """Flows whose birthplace and citizenship are told by the names of the subpopulations."""
    text = flow_csv(*rows).decode()
    return text.replace("BIRTHPLACE,CITIZENSHIP", "MIG_STATUS").replace("_T,_T,_T,_T,_T,", "{},_T,_T,_T,")


def test_a_column_of_migratory_status_is_birthplace_and_citizenship(exchange):
    rows = [flow_row("250", "IMMIG", "276", year, year - 2000) for year in (2019, 2020, 2021)]
    content = with_status(*rows).format("FBF", "NB", "_T").encode()
    (submission,), report = exchange.submit(sent(content, "FRA"), by="test")
    assert report.verdict == "accepted", report.findings
    table = exchange.store.read(submission.segment)
    pairs = zip(
        *(table.column(id).to_pylist() for id in ("BIRTHPLACE", "CITIZENSHIP", "OBS_VALUE")), strict=True
    )
    assert set(pairs) == {("FB", "FOR", 19), ("NB", "_T", 20), ("_T", "_T", 21)}


def test_a_migratory_status_that_is_none_is_told_once(exchange):
    rows = [flow_row("250", "IMMIG", "276", year, 5) for year in (2019, 2020)]
    content = with_status(*rows).format("FBX", "NB").encode()
    report = exchange.check(sent(content, "FRA"))
    (fault,) = faults(report)
    assert (fault.code, fault.component, fault.value, fault.count) == ("unknown_code", "MIG_STATUS", "FBX", 1)
    assert (fault.places[0].row, fault.places[0].column) == (2, 9)
    assert (report.counts.received, report.counts.rejected) == (2, 2)
    taken = exchange.check(sent(content, "FRA"), accept="valid")
    assert (taken.verdict, taken.counts.accepted, taken.counts.rejected) == ("accepted", 1, 1)


def test_beside_a_birthplace_it_is_an_unknown_column(exchange):
    content = flow_csv(flow_row("250", "IMMIG", "276", 2020, 5)).decode()
    content = content.replace("COMMENT_OBS", "MIG_STATUS").replace(",0,\n", ",0,NBC\n")
    (fault,) = exchange.check(sent(content.encode(), "FRA")).findings
    assert (fault.code, fault.value) == ("unknown_component", "MIG_STATUS")
