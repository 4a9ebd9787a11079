"""Several providers of one area: each observation is shown once, by the precedence that is declared."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from three_providers import (
    FLOW,
    PROVIDERS,
    QUERY,
    checked,
    content,
    opened,
    released,
    rows,
    shown,
    structures,
    submitted,
)

from migdx.depots.folder import FolderDepot
from migdx.disseminated import updates
from migdx.errors import NoResults, Unavailable
from migdx.exchange import Exchange
from migdx.periods import parse_period
from migdx.plan import plan as planned
from migdx.precedence import Arrangements
from migdx.query import DataQuery
from migdx.registry import Registry
from migdx.rerun import rerun
from migdx.schema import CONFIDENTIALITY, PROVIDER
from migdx.sent import Sent
from migdx.stores import Segment, Store, Taken
from migdx.stores.memory import MemoryStore
from migdx.stores.segments import SegmentStore

pytestmark = pytest.mark.faults


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Exchange]:
    made = opened(tmp_path)
    yield made
    made.close()


def three(exchange: Exchange) -> None:
    """Overlapping: acquisitions of office and ministry, arrivals of office and border; the rest is apart."""
    released(exchange, "OFFICE", "X,ACQ,2019,10", "X,ACQ,2020,11", "X,IN,2019,20", "X,OUT,2019,30")
    released(exchange, "MINISTRY", "X,ACQ,2020,110", "X,ACQ,2021,120")
    released(exchange, "BORDER", "X,IN,2019,200", "X,IN,2020,210")


WHOLE = {
    "X.ACQ.2019": ("10", "OFFICE"),
    "X.ACQ.2020": ("110", "MINISTRY"),
    "X.ACQ.2021": ("120", "MINISTRY"),
    "X.IN.2019": ("20", "OFFICE"),
    "X.IN.2020": ("210", "BORDER"),
    "X.OUT.2019": ("30", "OFFICE"),
}


def derived(exchange: Exchange) -> list[str]:
    names = [kept.name for kept in exchange.store.depot.names("open/derived/")]
    return sorted(name for name in names if name.endswith(".parquet"))


def test_each_observation_is_there_once_with_the_right_value_and_says_whose_it_is(exchange):
    three(exchange)
    assert shown(exchange) == WHOLE


def test_what_is_available_is_what_is_shown(exchange):
    three(exchange)
    found = exchange.availability(QUERY)
    assert found.observations == len(WHOLE)
    assert found.codes["COMPONENT"] == {"ACQ": 3, "IN": 2, "OUT": 1}
    assert found.codes["TIME_PERIOD"] == {"2019": 3, "2020": 2, "2021": 1}


def test_a_provider_asked_for_gets_what_of_the_whole_is_its_own(exchange):
    three(exchange)
    assert set(shown(exchange, providers=("OFFICE",))) == {"X.ACQ.2019", "X.IN.2019", "X.OUT.2019"}
    assert set(shown(exchange, providers=("MINISTRY", "BORDER"))) == {"X.ACQ.2020", "X.ACQ.2021", "X.IN.2020"}


def test_an_agreement_shows_what_its_provider_has_released(exchange):
    three(exchange)
    found = shown(exchange, context="provisionagreement", ids=("PA_OFFICE",))
    assert found["X.ACQ.2020"] == ("11", "OFFICE")
    assert len(found) == 4


def test_taking_back_the_winner_brings_back_what_it_hid_at_once(exchange):
    released(exchange, "OFFICE", "X,ACQ,2020,11")
    ministry = released(exchange, "MINISTRY", "X,ACQ,2020,110")
    while_public = exchange.ledger.history().now()
    assert shown(exchange) == {"X.ACQ.2020": ("110", "MINISTRY")}
    exchange.cancel(ministry.id, by="test")
    assert shown(exchange) == {"X.ACQ.2020": ("11", "OFFICE")}
    assert shown(exchange, exchange.public(while_public)) == {"X.ACQ.2020": ("110", "MINISTRY")}


def test_under_an_embargo_the_winner_hides_nothing(exchange):
    released(exchange, "OFFICE", "X,ACQ,2020,11")
    begins = exchange.ledger.history().now() + timedelta(hours=1)
    released(exchange, "MINISTRY", "X,ACQ,2020,110", public_from=begins)
    assert shown(exchange) == {"X.ACQ.2020": ("11", "OFFICE")}
    assert "110" not in str(rows(exchange))
    before = exchange.public(begins - timedelta(microseconds=1))
    assert shown(exchange, before) == {"X.ACQ.2020": ("11", "OFFICE")}
    assert shown(exchange, exchange.public(begins)) == {"X.ACQ.2020": ("110", "MINISTRY")}


def test_a_winner_that_is_masked_hides_the_open_figure_of_another_everywhere(exchange):
    """Else what one provider suppresses would be read from another."""
    released(exchange, "OFFICE", "X,ACQ,2020,7777", "X,ACQ,2019,8888", "X,ACQ,2018,6666")
    released(exchange, "MINISTRY", "X,ACQ,2020,9999,C", "X,ACQ,2018,66")
    found = {row["TIME_PERIOD"]: row for row in rows(exchange)}
    assert (found["2020"]["OBS_VALUE"], found["2020"]["CONF_STATUS"]) == ("NaN", "C")
    assert (found["2020"][PROVIDER], found["2019"][PROVIDER]) == ("MINISTRY", "OFFICE")
    assert exchange.availability(QUERY).observations == 2
    alone = rows(exchange, context="provisionagreement", ids=("PA_OFFICE",))
    assert [(row["TIME_PERIOD"], row["OBS_VALUE"]) for row in alone] == [("2018", "6666"), ("2019", "8888")]
    with pytest.raises(NoResults):
        rows(exchange, providers=("OFFICE",), keys=((("A",), ("X",), ("ACQ",)),), offset=1)
    report = checked(exchange, "BORDER", "X,ACQ,2020,5", "X,ACQ,2019,5")
    assert "7777" not in str(report.as_dict())
    assert "8888" in str(report.as_dict())


def test_who_asks_what_was_updated_is_told_of_a_change_of_hands_and_of_nothing_else(exchange):
    released(exchange, "OFFICE", "X,ACQ,2020,11", "X,IN,2020,12")
    since = exchange.ledger.history().now()
    ministry = released(exchange, "MINISTRY", "X,ACQ,2020,110")
    assert changes(exchange, since) == [("Replace", "ACQ", 110.0, "MINISTRY")]
    later = exchange.ledger.history().now()
    exchange.cancel(ministry.id, by="test")
    assert changes(exchange, later) == [("Replace", "ACQ", 11.0, "OFFICE")]
    assert changes(exchange, since) == []


def changes(exchange, since):
    try:
        found = updates(exchange, QUERY, exchange.public(), since)
    except NoResults:
        return []
    return [
        (dataset.action, row["COMPONENT"], row.get("OBS_VALUE"), row.get(PROVIDER))
        for dataset in found
        for batch in dataset.batches
        for row in batch.to_pylist()
    ]


def test_where_nothing_is_declared_the_ids_of_the_agreements_decide(tmp_path):
    exchange = opened(tmp_path, "")
    released(exchange, "OFFICE", "X,IN,2019,1", "X,OUT,2019,2")
    released(exchange, "MINISTRY", "X,IN,2019,3", "X,OUT,2019,4")
    released(exchange, "BORDER", "X,IN,2019,5")
    assert shown(exchange) == {"X.IN.2019": ("5", "BORDER"), "X.OUT.2019": ("4", "MINISTRY")}
    exchange.close()


def test_a_change_of_what_is_declared_acts_from_the_next_release_on_and_never_before(tmp_path):
    exchange = opened(tmp_path)
    three(exchange)
    then, tag = exchange.ledger.history().now(), exchange.public().tag(FLOW)
    exchange.close()
    exchange = opened(tmp_path, '[[precedence]]\nproviders = ["BORDER", "MINISTRY", "OFFICE"]\n')
    assert (shown(exchange), exchange.public().tag(FLOW)) == (WHOLE, tag)
    office = exchange.ledger.history().latest["PA_OFFICE", FLOW]
    again = exchange.release([office.id], by="test")
    assert shown(exchange)["X.IN.2019"] == ("200", "BORDER")
    assert exchange.public().tag(FLOW) != tag
    assert shown(exchange, exchange.public(then)) == WHOLE
    exchange.cancel(again.id, by="test")
    assert shown(exchange) == WHOLE
    exchange.close()


def test_what_was_declared_for_a_release_and_is_lost_is_no_empty_answer(exchange):
    three(exchange)
    exchange.blobs.depot.remove(exchange.arranged.digest)
    exchange.consolidated._read.clear()
    with pytest.raises(Unavailable):
        rows(exchange)


def test_where_nothing_overlaps_nothing_is_made_and_nothing_compared(exchange, monkeypatch):
    released(exchange, "OFFICE", "X,ACQ,2019,10", "X,IN,2019,20")
    released(exchange, "MINISTRY", "Y,ACQ,2019,11")
    released(exchange, "BORDER", "X,OUT,2019,12")
    monkeypatch.setattr(exchange.store, "without", None)
    kept = [one.segment for one in exchange.public().submissions(FLOW)]
    schema = exchange.planned(QUERY).schema
    assert exchange.consolidated.shown(exchange.public(), schema) == kept
    assert len(shown(exchange)) == 4
    assert derived(exchange) == []


def test_codes_in_common_but_no_key_copy_nothing(exchange):
    released(exchange, "OFFICE", "X,ACQ,2019,10", "X,IN,2020,20")
    released(exchange, "MINISTRY", "X,IN,2019,11", "X,ACQ,2020,21")
    assert len(shown(exchange)) == 4
    assert derived(exchange) == []


def test_what_is_left_is_made_again_after_it_was_swept(exchange):
    three(exchange)
    assert shown(exchange) == WHOLE
    made = derived(exchange)
    assert len(made) == 2
    kept = [one.segment for one in exchange.ledger.history().submissions.values() if one.segment]
    assert exchange.store.sweep(lambda: kept) == []  # what is young stays, used or not
    for name in made:
        exchange.store.depot.remove(name)
    assert shown(exchange) == WHOLE
    assert derived(exchange) == made


def test_another_process_takes_what_is_there(tmp_path, exchange, monkeypatch):
    three(exchange)
    assert shown(exchange) == WHOLE
    other = opened(tmp_path)
    monkeypatch.setattr(other.store, "_write", None)
    assert shown(other) == WHOLE
    other.close()


def test_old_derived_segments_are_swept(exchange):
    three(exchange)
    shown(exchange)
    made = derived(exchange)
    kept = [one.segment for one in exchange.ledger.history().submissions.values() if one.segment]
    swept = exchange.store.sweep(lambda: kept, timedelta(days=-8))
    assert set(made) <= set(swept)
    assert derived(exchange) == []
    assert shown(exchange) == WHOLE


def test_the_next_submission_folds_onto_the_whole_revision_not_onto_what_is_shown(exchange):
    three(exchange)
    shown(exchange)
    submission, _ = submitted(exchange, "OFFICE", "X,OUT,2020,31")
    assert submission.segment.observations == 5
    assert set(exchange.store.read(submission.segment).column(PROVIDER).to_pylist()) == {"OFFICE"}


def test_whose_it_is_is_written_by_the_service_and_what_was_sent_is_told_and_left_out(exchange):
    body = content("X,IN,2019,1,F,OFFICE", head="OBS_VALUE,CONF_STATUS,DATA_PROVIDER")
    sent = Sent(io.BytesIO(body), len(body), "text/csv", "data.csv", "BORDER")
    (one,), report = exchange.submit(sent, by="test")
    assert [(told.code, told.severity) for told in report.findings] == [("provider_ignored", "information")]
    exchange.release([one.id], by="test")
    assert shown(exchange) == {"X.IN.2019": ("1", "BORDER")}
    _, again = submitted(exchange, "BORDER", "X,IN,2019,1")
    assert (again.counts.added, again.counts.changed, again.counts.unchanged) == (0, 0, 1)


# --- findings -----------------------------------------------------------------------------------------


def found(report) -> dict[str, tuple[str, int, str, str, list[str]]]:
    return {
        one.code: (
            one.severity,
            one.count,
            one.values["provider"],
            one.values["precedence"],
            [place.expected for place in one.places],
        )
        for one in report.findings
    }


def test_overlaps_and_contradictions_are_findings_that_name_who_goes_before(exchange):
    released(exchange, "OFFICE", "X,ACQ,2019,1000", "X,IN,2019,500", "X,OUT,2019,1")
    report = checked(exchange, "MINISTRY", "X,ACQ,2019,1200", "X,ACQ,2020,7", "X,IN,2019,501")
    assert found(report) == {
        "contradicts_another_provider": ("warning", 1, "OFFICE", "MINISTRY", ["1000"]),
        "reported_by_another": ("information", 1, "OFFICE", "OFFICE", ["500"]),
    }
    assert report.verdict == "accepted"
    assert not any(entry["reason"] == "no_precedence" for entry in report.not_checked)


def test_that_nothing_is_declared_is_said(tmp_path):
    exchange = opened(tmp_path, "")
    released(exchange, "OFFICE", "X,IN,2019,500")
    report = checked(exchange, "BORDER", "X,IN,2019,500")
    assert found(report)["reported_by_another"][3] == "BORDER"
    told = {one["reason"]: one.get("count") for one in report.not_checked}
    assert told["no_precedence"] == 1
    exchange.close()


def test_nobody_is_told_of_what_others_have_not_released_or_mask(exchange):
    released(exchange, "OFFICE", "Y,IN,2019,444444,C")
    submitted(exchange, "OFFICE", "X,IN,2019,424242")
    later = exchange.ledger.history().now() + timedelta(hours=1)
    released(exchange, "MINISTRY", "X,IN,2019,434343", public_from=later)
    for report in (
        checked(exchange, "BORDER", "X,IN,2019,500", "Y,IN,2019,1"),
        submitted(exchange, "BORDER", "X,IN,2019,500", "Y,IN,2019,1")[1],
    ):
        assert "424242" not in str(report.as_dict())
        assert "434343" not in str(report.as_dict())
        assert "444444" not in str(report.as_dict())
        assert found(report) == {}


def test_a_provider_does_not_contradict_itself_and_own_closed_figures_are_not_compared(exchange):
    released(exchange, "OFFICE", "X,IN,2019,500")
    assert found(checked(exchange, "OFFICE", "X,IN,2019,600")) == {}
    assert found(checked(exchange, "BORDER", "X,IN,2019,600,C")) == {}
    assert found(checked(exchange, "", "X,IN,2019,600")) == {}


def test_the_report_is_the_same_again_though_something_else_is_declared_now(tmp_path):
    exchange = opened(tmp_path)
    released(exchange, "OFFICE", "X,ACQ,2019,1000")
    submission, report = submitted(exchange, "MINISTRY", "X,ACQ,2019,1200")
    assert found(report)["contradicts_another_provider"][3] == "MINISTRY"
    exchange.close()
    exchange = opened(tmp_path, '[[precedence]]\nproviders = ["OFFICE", "MINISTRY"]\n')
    assert rerun(exchange, submission.id).same
    exchange.close()


# --- the law -----------------------------------------------------------------------------------------------

AREAS, COMPONENTS, YEARS = ("X", "Y"), ("ACQ", "IN", "OUT"), ("2019", "2020")
keys = st.tuples(st.sampled_from(AREAS), st.sampled_from(COMPONENTS), st.sampled_from(YEARS))
held = st.dictionaries(keys, st.tuples(st.integers(0, 99), st.sampled_from(["F", "C"])), max_size=8)
wheres = st.fixed_dictionaries(
    {},
    optional={
        id: st.lists(st.sampled_from(codes), min_size=1, max_size=2, unique=True)
        for id, codes in (("REF_AREA", AREAS), ("COMPONENT", COMPONENTS))
    },
)
orders = st.tuples(wheres, st.lists(st.sampled_from([*PROVIDERS, "*"]), min_size=2, max_size=4, unique=True))


def declared(chosen) -> str:
    told = []
    for where, providers in chosen:
        codes = ", ".join(f"{id} = {sorted(codes)}".replace("'", '"') for id, codes in where.items())
        told.append(f"[[precedence]]\nwhere = {{ {codes} }}\nproviders = {providers}".replace("'", '"'))
    return "\n".join(told)


def expected(chosen, by_provider):
    """By key: whose observation it is; one key after another, one order after another."""
    winners = {}
    for key in set().union(*by_provider.values()):
        having = sorted((p for p in by_provider if key in by_provider[p]), key=lambda p: f"PA_{p}")
        for where, providers in reversed(chosen):
            if key[0] in where.get("REF_AREA", AREAS) and key[1] in where.get("COMPONENT", COMPONENTS):
                last = providers.index("*") if "*" in providers else len(providers)
                having.sort(key=lambda p: providers.index(p) if p in providers else last)
        winners[key] = having[0]
    return winners


@pytest.fixture(scope="module")
def stores(tmp_path_factory) -> Iterator[list[Store]]:
    engine = SegmentStore(FolderDepot(tmp_path_factory.mktemp("law")), memory="256MB", threads=1)
    yield [engine, MemoryStore()]
    engine.close()


@settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
@given(st.lists(orders, max_size=3), st.fixed_dictionaries(dict.fromkeys(PROVIDERS, held)))
def test_every_store_shows_what_the_orders_say_key_by_key(stores, chosen, by_provider):
    arranged = Arrangements.parse([("t", declared(chosen))])
    assert Arrangements.read(arranged.text).orders == arranged.orders
    winners = expected(chosen, by_provider)
    for store in stores:
        segments = {p: written(store, p, rows_) for p, rows_ in by_provider.items() if rows_}
        left = []
        for provider, segment in segments.items():
            taken = [
                Taken(other, arranged.between((provider, f"PA_{provider}"), (p, f"PA_{p}"), FLOW))
                for p, other in segments.items()
                if p != provider
            ]
            left.append(store.without(segment, taken, SCHEMA))
        asked = planned(DataQuery(), SCHEMA)
        answer = [row for batch in store.select(asked, left) for row in batch.to_pylist()]
        got = {(row["REF_AREA"], row["COMPONENT"], row["TIME_PERIOD"]): row for row in answer}
        assert len(got) == len(answer)
        assert {key: row[PROVIDER] for key, row in got.items()} == winners
        for key, provider in winners.items():
            value, status = by_provider[provider][key]
            assert got[key]["OBS_VALUE"] == (value if status == "F" else None)
        opened_ = sum(by_provider[p][key][1] == "F" for key, p in winners.items())
        counted = store.count(asked, left)
        assert counted.observations == opened_
        parts = {(key[:2], p) for key, p in winners.items() if by_provider[p][key][1] == "F"}
        assert counted.series == len(parts)  # a series that two providers share is told in two parts
        last = planned(DataQuery(last_n=1), SCHEMA)
        assert sum(batch.num_rows for batch in store.select(last, left)) == len(
            {(key[:2], p) for key, p in winners.items()}
        )


def schema():
    registry = Registry(structures())
    return registry.schema(registry.dataflow(FLOW).reference)


SCHEMA = schema()


def written(store: Store, provider: str, rows_) -> Segment:
    text = pa.dictionary(pa.int32(), pa.utf8())
    columns = {component.id: pa.nulls(len(rows_), text) for component in SCHEMA.components}
    for at, id in enumerate(("REF_AREA", "COMPONENT", "TIME_PERIOD")):
        columns[id] = pa.array([key[at] for key in rows_], text)
    columns["FREQ"] = pa.array(["A"] * len(rows_), text)
    columns["OBS_VALUE"] = pa.array([float(value) for value, _ in rows_.values()], pa.float64())
    columns["_text_OBS_VALUE"] = pa.nulls(len(rows_), pa.utf8())
    columns[CONFIDENTIALITY] = pa.array([status for _, status in rows_.values()], text)
    columns[PROVIDER] = pa.array([provider] * len(rows_), text)
    periods = [parse_period(key[2]) for key in rows_]
    columns["_start"] = pa.array([period.start for period in periods], pa.int32())
    columns["_end"] = pa.array([period.end for period in periods], pa.int32())
    return store.write(pa.table(columns), SCHEMA, agreement=f"PA_{provider}", revision=1)
