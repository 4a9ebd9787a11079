"""What changed in what is public: updates since an instant, and every state of the past as it was."""

import tempfile
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from conftest import flow_csv, flow_row, sent
from hypothesis import given, settings
from hypothesis import strategies as st
from small_world import small, submitted

from migdx.disseminated import timeline, updates
from migdx.errors import Conflict, NoResults, Unavailable
from migdx.query import DataQuery, parse_condition, parse_keys

pytestmark = pytest.mark.faults

FLOW = DataQuery(agencies=("MIGDX",), ids=("DF_MIG_FLOW",), versions=("1.0.0",))
SMALL = DataQuery(agencies=("T",), ids=("FLOW",), versions=("1.0",))
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
SECRET = "86753"


def submit(exchange, *rows, provider="FRA"):
    (submission,), report = exchange.submit(sent(flow_csv(*rows), provider), by="test")
    assert report.verdict == "accepted", report.as_dict()
    return submission


def release(exchange, *rows, provider="FRA", **more):
    return exchange.release([submit(exchange, *rows, provider=provider).id], by="test", **more)


def row(year, value, **more):
    return flow_row("250", "IMMIG", "276", year, value, **more)


def told(datasets):
    """Per data set: its action, and the period and value of its observations; keys alone have no value."""
    return [
        (d.action, [(r["TIME_PERIOD"], r.get("OBS_VALUE")) for batch in d.batches for r in batch.to_pylist()])
        for d in datasets
    ]


def updated(exchange, since, query=FLOW, at=None):
    try:
        return told(updates(exchange, query, exchange.public(at), since))
    except NoResults:
        return []


def history(exchange, query=FLOW, at=None, since=None):
    try:
        datasets = timeline(exchange, query, exchange.public(at), since)
    except NoResults:
        return []
    return [(d.valid_from, d.valid_to, *one) for d, one in zip(datasets, told(datasets), strict=True)]


def test_updates_are_what_is_new_or_says_something_else(exchange):
    release(exchange, row(2019, 1), row(2020, 2))
    first = exchange.public().at
    assert updated(exchange, LONG_AGO) == [("Replace", [("2019", 1.0), ("2020", 2.0)])]
    assert updated(exchange, first) == []
    made = release(exchange, row(2020, 5), row(2021, 3))
    assert updated(exchange, first) == [("Replace", [("2020", 5.0), ("2021", 3.0)])]
    assert updated(exchange, made.public_from) == []
    exchange.cancel(made.id, by="test")
    assert updated(exchange, made.public_from) == [("Delete", [("2021", None)]), ("Replace", [("2020", 2.0)])]
    assert updated(exchange, first) == []  # taken back is no change
    assert updated(exchange, first, at=made.public_from) == [("Replace", [("2020", 5.0), ("2021", 3.0)])]


def test_what_is_not_public_is_no_update(exchange):
    release(exchange, row(2019, 1))
    first = exchange.public().at
    soon = datetime.now(UTC) + timedelta(days=3)
    release(exchange, row(2019, SECRET), public_from=soon)
    never = release(exchange, row(2019, SECRET, comment="x"), public_from=soon + timedelta(days=1))
    exchange.cancel(never.id, by="test")
    submit(exchange, row(2019, SECRET), row(2020, SECRET))
    assert updated(exchange, first) == []
    assert updated(exchange, datetime.max.replace(tzinfo=UTC)) == []
    assert SECRET not in repr(history(exchange))
    assert len(history(exchange)) == 1
    assert updated(exchange, first, at=soon) == [("Replace", [("2019", float(SECRET))])]
    assert len(history(exchange, at=soon + timedelta(days=9))) == 2


def test_a_confidential_figure_is_in_no_data_set(exchange):
    release(exchange, row(2019, 1), row(2020, 2))
    first = exchange.public().at
    release(exchange, row(2019, SECRET, conf="C", comment=SECRET))
    masked = exchange.public().at
    (dataset,) = updates(exchange, FLOW, exchange.public(), first)
    (found,) = [r for batch in dataset.batches for r in batch.to_pylist()]
    assert (found["OBS_VALUE"], found["OBS_STATUS"], found["CONF_STATUS"]) == (None, "Q", "C")
    release(exchange, row(2019, int(SECRET) + 1, conf="C", comment="another"))
    assert updated(exchange, masked) == []
    assert len(history(exchange)) == 2
    assert SECRET[:-1] not in repr(history(exchange))
    release(exchange, row(2019, 7))
    assert updated(exchange, masked) == [("Replace", [("2019", 7.0)])]
    above = FLOW.__class__(**{**vars(FLOW), "conditions": (parse_condition("OBS_VALUE", "gt:5"),)})
    assert history(exchange, above) == history(exchange)[-1:]


def test_a_timeline_tells_each_dissemination(exchange):
    """As in sdmx-rest 1.5, 4.4: the first is all there was; one that deletes has two data sets."""
    one = release(exchange, row(2011, 1), row(2012, 2))
    other = release(exchange, flow_row("276", "IMMIG", "250", 2012, 9), provider="DEU")
    second = release(exchange, row(2012, 4), row(2013, 5))
    exchange.cancel(second.id, by="test")
    ended = exchange.ledger.history().release(second.id).cancelled
    whole = [
        (one.public_from, None, "Replace", [("2011", 1.0), ("2012", 2.0)]),
        (other.public_from, None, "Replace", [("2012", 9.0)]),
        (second.public_from, None, "Replace", [("2012", 4.0), ("2013", 5.0)]),
        (None, ended, "Delete", [("2013", None)]),
        (ended, None, "Replace", [("2012", 2.0)]),
    ]
    assert history(exchange) == whole
    assert history(exchange, since=other.public_from) == whole[2:]
    assert history(exchange, at=second.public_from) == whole[:3]
    assert history(exchange, at=one.public_from - timedelta(seconds=1)) == []
    german = FLOW.__class__(**{**vars(FLOW), "keys": parse_keys("A.276")})
    assert history(exchange, german) == whole[1:2]
    with pytest.raises(NoResults, match="disseminated after"):
        timeline(exchange, FLOW, exchange.public(), ended)
    assert len(timeline(exchange, FLOW, exchange.public())) == 5


def test_a_segment_that_is_lost_is_said_before_an_answer_starts(exchange):
    release(exchange, row(2019, 1))
    since = exchange.public().at
    release(exchange, row(2019, 2))
    for path in exchange.store.depot.local.rglob("*.parquet"):
        path.unlink()
    with pytest.raises(Unavailable):
        updates(exchange, FLOW, exchange.public(), since)
    with pytest.raises(Unavailable):
        timeline(exchange, FLOW, exchange.public())


steps = st.one_of(
    st.dictionaries(
        st.tuples(st.sampled_from("XY"), st.sampled_from(["F", "M"]), st.sampled_from(["2020", "2021"])),
        st.sampled_from(["1,A", "1,P", "2,A", "2.0,A"]),
        min_size=1,
    ),
    st.tuples(st.sampled_from(["again", "later", "cancel"]), st.integers(0, 9)),
)


@settings(max_examples=12)
@given(steps=st.lists(steps, min_size=3, max_size=8), data=st.data())
def test_updates_and_timeline_replayed_give_every_answer_of_the_past(steps, data):
    with tempfile.TemporaryDirectory() as folder:
        exchange = small(Path(folder))
        end = datetime.now(UTC) + timedelta(days=99)
        for at, step in enumerate(steps):
            done(exchange, step, end - timedelta(days=50 - at))
        releases = exchange.ledger.history().releases
        instants = {i for r in releases for i in (r.public_from, r.cancelled) if i}
        answers = {at: state(exchange, at) for at in sorted({LONG_AGO, *instants, end})}
        for at in answers:
            known = {}
            for dataset in datasets_of(timeline, exchange, exchange.public(at)):
                known = applied(known, dataset)
            assert known == answers[at]
        for _ in range(4):
            one, two = sorted(data.draw(st.sampled_from(sorted(answers))) for _ in range(2))
            known = answers[one]
            for dataset in datasets_of(updates, exchange, exchange.public(two), one):
                known = applied(known, dataset)
            assert known == answers[two]
        exchange.close()


def done(exchange, step, later):
    """One step: rows are submitted and released; or a submission is released, or a release taken back."""
    if isinstance(step, dict):
        rows = (",".join((*place, said)) for place, said in step.items())
        what, ids, number = "release", [submitted(exchange, *rows, release=False).id], 0
    else:
        known, (what, number) = exchange.ledger.history(), step
        ids = [one.id for one in known.releases] if what == "cancel" else list(known.submissions)
    if ids:
        one = ids[number % len(ids)]
        with suppress(Conflict):  # it was cancelled before, or an older one would return
            if what == "cancel":
                exchange.cancel(one, by="test")
            else:
                exchange.release([one], by="test", public_from=later if what == "later" else None)


def datasets_of(ask, exchange, *given):
    try:
        return ask(exchange, SMALL, *given)
    except NoResults:
        return []


def state(exchange, at):
    try:
        (dataset,) = exchange.data(SMALL, exchange.public(at)).datasets
    except NoResults:
        return {}
    return applied({}, dataset)


def applied(known, dataset):
    key = dataset.schema.key
    rows = [row for batch in dataset.batches for row in batch.to_pylist()]
    places = [tuple(row[id] for id in key) for row in rows]
    assert len(set(places)) == len(places)
    if dataset.action == "Delete":
        assert known.keys() >= set(places)
        return {place: row for place, row in known.items() if place not in places}
    new = dict(zip(places, rows, strict=True))
    assert all(known.get(place) != row for place, row in new.items())
    return known | new
