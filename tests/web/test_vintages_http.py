"""asOf, updatedAfter, includeHistory over HTTP: what was served is served again, and what changed since."""

import csv
import io
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import quote

import orjson
import pytest
from conftest import FRANCE, flow_row, getter, publish
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from pysdmx.io import get_datasets
from small_world import data, small

from migdx.formats.tables import WRITERS
from migdx.sent import Sent
from migdx.web import create_app, vintages

pytestmark = pytest.mark.faults

V2, V1 = "/sdmx/v2/data/dataflow/T/FLOW", "/sdmx/v1/data/T,FLOW,1.0"
FLOW = "/sdmx/v2/data/dataflow/MIGDX/DF_MIG_FLOW"
CSV10, CSV20, CSV21 = (f"application/vnd.sdmx.data+csv;version={v}" for v in ("1.0.0", "2.0.0", "2.1.0"))
ML30 = "application/vnd.sdmx.structure+xml;version=3.0.0"
KEY = ("REF_AREA", "SEX", "TIME_PERIOD")


def changed(exchange, *rows, public_from=None):
    """Submits rows and releases them; a row D:AREA,SEX,PERIOD,, is deleted. The instant when it is public."""
    lines = data(*(row.partition(":")[2] or row for row in rows)).decode().splitlines()
    letters = ["D" if row.startswith("D:") else "R" for row in rows]
    body = [line.replace(",R,", f",{letter},", 1) for line, letter in zip(lines[1:], letters, strict=True)]
    return filed(exchange, "\n".join([lines[0], *body, ""]).encode(), "text/csv", public_from)


def filed(exchange, content, media_type, public_from=None):
    sent = Sent(io.BytesIO(content), len(content), media_type, "", "ONE", "T:FLOW(1.0)")
    (submission,), report = exchange.submit(sent, by="test")
    assert submission.verdict == "accepted", report.as_dict()
    return exchange.release([submission.id], by="test", public_from=public_from).public_from


def at(instant):
    return quote(instant.isoformat())


def rows(answer):
    assert answer.status_code == 200, answer.text
    return [
        (row["ACTION"], *(row[id] for id in (*KEY, "OBS_VALUE", "OBS_STATUS")))
        for row in csv.DictReader(io.StringIO(answer.text))
    ]


def asking(exchange):
    ask = getter(create_app(exchange, token="t", demo=False))
    return lambda url, accept=CSV21, **more: ask(url, Accept=accept, **more)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Three disseminations: the example of sdmx-rest v1.5.0, 4_4_data_queries.md, with years for months."""
    exchange = small(tmp_path_factory.mktemp("small"))
    exchange.instants = [
        changed(exchange, "X,F,2011,1,A", "X,F,2012,2,A"),
        changed(exchange, "D:X,F,2011,,", "X,F,2013,3,A"),
        changed(exchange, "X,F,2013,30,P", "X,F,2014,4,A"),
    ]
    yield exchange
    exchange.close()


@pytest.fixture(scope="module")
def ask(world):
    return asking(world)


# --- asOf ---------------------------------------------------------------------------------------------------


def test_as_of_each_dissemination(world, ask):
    first, second, third = world.instants
    told = [rows(ask(f"{V2}?asOf={at(instant)}")) for instant in (first, second, third)]
    assert [[row[3:5] for row in one] for one in told] == [
        [("2011", "1"), ("2012", "2")], [("2012", "2"), ("2013", "3")],
        [("2012", "2"), ("2013", "30"), ("2014", "4")],
    ]  # fmt: skip
    assert ask(f"{V2}?asOf={at(third)}").data == ask(V2).data
    just_before = second - timedelta(microseconds=1)
    assert rows(ask(f"{V2}?asOf={at(just_before)}")) == told[0]
    assert ask(f"{V2}?asOf={at(first - timedelta(microseconds=1))}").status_code == 204
    assert ask(f"{V2}?asOf=1900-01-01").status_code == 204


def test_as_of_is_of_2_only(ask):
    assert ask(f"{V1}?asOf=1900-01-01").data == ask(V1).data


def test_a_message_says_as_of_when_it_is(world, ask):
    second = world.instants[1]
    spelled = second.isoformat().replace("+00:00", "Z")
    (told,) = orjson.loads(ask(f"{V2}?asOf={at(second)}", "application/json").data)["data"]["dataSets"]
    assert (told["action"], told["validFrom"], told["validTo"]) == ("Replace", spelled, spelled)
    root = etree.fromstring(
        ask(f"{V2}?asOf={at(second)}", "application/vnd.sdmx.data+xml;version=3.0.0").data
    )
    dataset = root.find("{*}DataSet")
    assert [dataset.get(name) for name in dataset.attrib if "valid" in name] == [spelled, spelled]


def test_an_instant_that_is_yet_to_come_is_now(ask):
    later = datetime.now(UTC) + timedelta(days=400)
    assert ask(f"{V2}?asOf={at(later)}").data == ask(V2).data
    assert ask(f"{V2}?asOf=9999-12-31").headers["Cache-Control"] == "public, max-age=60"
    told = orjson.loads(ask(f"{V2}?asOf={at(later)}", "application/json").data)["data"]["dataSets"]
    assert "validTo" not in told[0]


def test_what_is_under_embargo_is_in_no_answer(tmp_path):
    exchange = small(tmp_path / "small")
    first = changed(exchange, "X,F,2018,1,A")
    ask = asking(exchange)
    end = datetime.now(UTC) + timedelta(days=1)
    after = end + timedelta(days=1)
    urls = [
        "", f"?asOf={at(after)}", f"?asOf={at(first)}", f"?updatedAfter={at(first)}", "?includeHistory=true",
        f"?updatedAfter={at(first)}&asOf={at(after)}", f"?includeHistory=true&asOf={at(after)}",
        f"?updatedAfter={at(after)}", f"?updatedAfter={at(end)}&asOf={at(after)}",
        f"?updatedAfter={at(after)}&includeHistory=true",
    ]  # fmt: skip
    before = {url: ask(V2 + url) for url in urls}
    available = f"/sdmx/v2/availability/dataflow/T/FLOW?updatedAfter={at(after)}"
    tag = ask(available, ML30).headers["ETag"]
    changed(exchange, "D:X,F,2018,,", "X,M,2018,123321,A", public_from=end)
    for url, told in before.items():
        again = ask(V2 + url)
        assert (again.status_code, again.data) == (told.status_code, told.data), url
        assert b"123321" not in again.data
        assert again.headers.get("ETag") == told.headers.get("ETag"), url
        if again.status_code == 200 and "updatedAfter" in url:
            assert int(again.headers["Cache-Control"].partition("max-age=")[2]) <= 60
    there = ask(available, ML30)
    assert (counts(there), there.headers["ETag"]) == ({"obs_count": 0, "series_count": 0}, tag)
    exchange.close()


# --- updatedAfter -------------------------------------------------------------------------------------------


def test_what_changed_since(world, ask):
    first, second, third = world.instants
    assert rows(ask(f"{V2}?updatedAfter={at(first)}")) == [
        ("D", "X", "F", "2011", "", ""), ("R", "X", "F", "2013", "30", "P"), ("R", "X", "F", "2014", "4", "A")
    ]  # fmt: skip
    assert rows(ask(f"{V2}?updatedAfter={at(second)}"))[0] == ("R", "X", "F", "2013", "30", "P")
    assert ask(f"{V2}?updatedAfter={at(third)}").status_code == 204
    assert ask(f"{V1}?updatedAfter={at(third)}").status_code == 404
    assert ask(f"{V2}?updatedAfter=2100-01-01").status_code == 204
    assert [row[:4] for row in rows(ask(f"{V2}?updatedAfter=1999-12-31"))] == [
        ("R", "X", "F", year) for year in ("2012", "2013", "2014")
    ]


def test_between_two_instants(world, ask):
    first, second, _ = world.instants
    assert rows(ask(f"{V2}?updatedAfter={at(first)}&asOf={at(second)}")) == [
        ("D", "X", "F", "2011", "", ""), ("R", "X", "F", "2013", "3", "A")
    ]  # fmt: skip
    assert ask(f"{V2}?updatedAfter={at(second)}&asOf={at(second)}").status_code == 204
    assert ask(f"{V2}?updatedAfter={at(second)}&asOf={at(first)}").status_code == 400
    assert rows(ask(f"{V2}?includeHistory=1&asOf={at(first)}")) == rows(ask(f"{V2}?asOf={at(first)}"))


def test_last_and_parts_of_what_changed(world, ask):
    first = world.instants[0]
    told = rows(ask(f"{V2}?updatedAfter={at(first)}&lastNObservations=1"))
    assert told == [("D", "X", "F", "2011", "", ""), ("R", "X", "F", "2014", "4", "A")]
    part = ask(f"{V2}?updatedAfter={at(first)}&attributes=none").text
    assert [line.split(",")[2] for line in part.splitlines()[1:]] == ["D", "M", "M"]
    assert "OBS_STATUS" not in part


def test_csv_1_tells_what_it_can(world, ask):
    first, second, _ = world.instants
    assert ask(f"{V1}?updatedAfter={at(first)}", CSV10).status_code == 406
    assert ask(f"{V1}?includeHistory=true", CSV10).status_code == 406
    assert ask(f"{V1}?updatedAfter={at(second)}", CSV10).text.count("\n") == 3


@pytest.mark.parametrize("media_type", [media_type for media_type in WRITERS if media_type != CSV10])
def test_a_replica_that_is_given_the_updates_says_the_same(world, ask, tmp_path, media_type):
    replica = small(tmp_path / "small")
    changed(replica, "X,F,2011,1,A", "X,F,2012,2,A")
    filed(replica, ask(f"{V2}?updatedAfter={at(world.instants[0])}", media_type).data, media_type)
    assert asking(replica)(V2).data == ask(V2).data
    replica.close()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "media_type",
    [
        "application/vnd.sdmx.data+xml;version=3.0.0",
        "application/vnd.sdmx.structurespecificdata+xml;version=2.1",
    ],
)
def test_pysdmx_understands_it_with_the_structure(world, ask, media_type):
    structure = ask("/sdmx/v1/dataflow/T/FLOW/1.0?references=all", "").data
    told = ask(f"{V2}?updatedAfter={at(world.instants[0])}", media_type).data
    found = get_datasets(io.BytesIO(told), io.BytesIO(structure))
    assert [(one.action.value, one.data["TIME_PERIOD"].tolist()) for one in found] == [
        ("Delete", ["2011"]), ("Replace", ["2013", "2014"])
    ]  # fmt: skip


# --- includeHistory -----------------------------------------------------------------------------------------


def test_every_dissemination(world, ask):
    first, second, third = (instant.isoformat().replace("+00:00", "Z") for instant in world.instants)
    for url in (V2, V1):
        told = list(csv.DictReader(io.StringIO(ask(f"{url}?includeHistory=true").text)))
        columns = ("ACTION", "TIME_PERIOD", "VALID_FROM", "VALID_TO")
        assert [tuple(row[id] for id in columns) for row in told] == [
            ("R", "2011", first, ""), ("R", "2012", first, ""), ("D", "2011", "", second),
            ("R", "2013", second, ""), ("R", "2013", third, ""), ("R", "2014", third, ""),
        ]  # fmt: skip
    root = etree.fromstring(ask(f"{V1}?includeHistory=true", "").data)
    datasets = [
        (d.get("action"), d.get("validFromDate"), d.get("validToDate")) for d in root.iter("{*}DataSet")
    ]
    assert datasets == [
        ("Replace", first, None), ("Delete", None, second), ("Replace", second, None),
        ("Replace", third, None),
    ]  # fmt: skip


def test_history_since(world, ask):
    _, second, third = world.instants
    told = rows(ask(f"{V2}?includeHistory=true&updatedAfter={at(second)}"))
    assert [row[3] for row in told] == ["2013", "2014"]
    assert ask(f"{V2}?includeHistory=TRUE&updatedAfter={at(third)}").status_code == 204
    assert ask(f"{V2}?includeHistory=false").data == ask(V2).data
    assert ask(f"{V2}?includeHistory=true&limit=1").status_code == 501


def test_no_version_tells_what_is_confidential(exchange):
    ask = asking(exchange)
    first = publish(exchange, "FRA", FRANCE).public_from
    hidden = flow_row("250", "EMIG", "276", 2019, 515151, conf="C", comment="hidden too")
    second = publish(exchange, "FRA", [*FRANCE[:4], hidden]).public_from
    opened = flow_row("250", "EMIG", "276", 2019, 616161)
    publish(exchange, "FRA", [*FRANCE[:4], opened])
    for media_type in WRITERS:
        for url in (f"?asOf={at(first)}", f"?updatedAfter={at(first)}", "?includeHistory=true"):
            told = ask(FLOW + url, media_type).data
            assert not [word for word in (b"424242", b"515151", b"hidden") if word in told], url
    # nothing that everyone sees changed
    assert ask(f"{FLOW}?updatedAfter={at(first)}&asOf={at(second)}").status_code == 204
    assert "616161" in ask(f"{FLOW}?updatedAfter={at(second)}").text


# --- instants -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "2000-01-31", "2000-01-31Z", "2000-01-31+01:00", "2000-01-31T12:00:00", "2000-01-31T12:00:00Z",
        "2000-01-31T12:00:00.123456789Z", "2000-01-31T24:00:00Z", "2000-02-29T00:00:00-14:00",
        "0001-01-01T00:00:00Z", "%202000-01-31%20", "2000-01-31T12:00:00%2B01:00",
        "2000-01-31T12:00:00+01:00", "2000-01-31T12:00:00%2001:00", "2000%2D01%2D31",
    ],
)  # fmt: skip
def test_instants_that_are_understood(ask, text):
    assert ask(f"{V2}?updatedAfter={text}").status_code == 200
    assert ask(f"{V1}?updatedAfter={text}").status_code == 200
    assert ask(f"{V2}?asOf={text}").status_code == 204


@pytest.mark.parametrize(
    "text",
    [
        "soon", "2000", "2000-01", "2000-13-01", "2001-02-29", "0000-01-01", "-0001-01-01T00:00:00Z",
        "12000-01-01T00:00:00Z", "2000-01-31T12:00:60Z", "2000-01-31T24:00:01Z", "2000-01-31T24:00:00.1Z",
        "2000-01-31T25:00:00Z", "2000-01-31T12:60:00Z", "2000-01-31T12:00:00+14:01",
        "2000-01-31T12:00:00+24:00", "0001-01-01T00:00:00+14:00", "9999-12-31T24:00:00Z",
        "9999-12-31T23:59:59-01:00", "2000-01-31T12Z",
        "2000-01-31T12:00:00z", "2000-01-31%0012:00:00", "２０００-01-31", "2000-01-31T12:00:00Z,2001-01-01",
        "20000131", "2000-W05-1", "now", "'%20OR%201=1", "2000-01-31T12:00:00.Z", "9" * 5000,
    ],
)  # fmt: skip
def test_instants_that_are_none(ask, text):
    for url in (f"{V2}?asOf={text}", f"{V2}?updatedAfter={text}", f"{V1}?updatedAfter={text}"):
        answer = ask(url)
        assert (answer.status_code, len(answer.data) < 1500) == (400, True), url
        assert "expected an instant" in answer.text


@pytest.mark.parametrize("text", ["yes", "2", "true%20", "tru", "%00"])
def test_a_flag_is_true_or_false(ask, text):
    for url in (V2, V1):
        assert ask(f"{url}?includeHistory={text}").status_code == 400


def test_an_offset_moves_an_instant(tmp_path):
    exchange = small(tmp_path / "small")
    first = changed(exchange, "X,F,2018,1,A")
    changed(exchange, "X,F,2018,2,A")
    ask = asking(exchange)
    told = ask(f"{V2}?asOf={at(first)}").data
    for hours in (-11, 1, 14):
        moved = (first + timedelta(hours=hours)).replace(tzinfo=None).isoformat(timespec="microseconds")
        sign, size = "-" if hours < 0 else "+", f"{abs(hours):02}:00"
        spellings = [sign, "%2B", "%20"] if sign == "+" else [sign]
        for spelled in spellings:
            assert ask(f"{V2}?asOf={moved}{spelled}{size}").data == told
    assert ask(f"{V2}?asOf={first.replace(tzinfo=None).isoformat(timespec='microseconds')}").data == told
    exchange.close()


def test_what_is_not_built(ask):
    assert ask(f"{V2}?sort=REF_AREA&asOf=2000-01-01").status_code == 501


# --- validators ---------------------------------------------------------------------------------------------


def test_validators_of_the_past(world, ask, monkeypatch):
    second = world.instants[1]
    told = ask(f"{V2}?asOf={at(second)}")
    # a release that is being written now may have been stamped before this instant
    assert told.headers["Cache-Control"] == "public, max-age=60"
    assert parsedate_to_datetime(told.headers["Last-Modified"]) == second.replace(microsecond=0)
    monkeypatch.setattr(vintages, "SETTLED", timedelta(0))
    settled = ask(f"{V2}?asOf={at(second)}")
    assert settled.headers["Cache-Control"] == "public, max-age=3600"
    assert (settled.data, settled.headers["ETag"]) == (told.data, told.headers["ETag"])
    assert ask(f"{V2}?asOf={at(second)}", If_None_Match=told.headers["ETag"]).status_code == 304
    assert ask(f"{V2}?asOf={at(world.instants[0])}", If_None_Match=told.headers["ETag"]).status_code == 200
    assert ask(f"{V2}?updatedAfter={at(world.instants[0])}").headers["Cache-Control"] == "public, max-age=60"


def test_a_release_changes_what_is_of_now(tmp_path):
    exchange = small(tmp_path / "small")
    first = changed(exchange, "X,F,2018,1,A")
    second = changed(exchange, "X,F,2018,2,A")
    ask = asking(exchange)
    past = (f"{V2}?asOf={at(first)}", f"{V2}?updatedAfter={at(first)}&asOf={at(second)}",
            f"{V2}?includeHistory=true&asOf={at(second)}")  # fmt: skip
    current = (f"{V2}?updatedAfter={at(first)}", f"{V2}?includeHistory=true")
    tags = {url: ask(url).headers["ETag"] for url in (*past, *current)}
    assert len(set(tags.values())) == len(tags)
    end = datetime.now(UTC) + timedelta(seconds=2)
    changed(exchange, "X,F,2018,3,A", public_from=end)
    for url in current:
        assert int(ask(url).headers["Cache-Control"].partition("max-age=")[2]) <= 2
        assert ask(url, If_None_Match=tags[url]).status_code == 304
    while datetime.now(UTC) < end:
        pass
    assert [ask(url, If_None_Match=tags[url]).status_code for url in past] == [304, 304, 304]
    assert [ask(url, If_None_Match=tags[url]).status_code for url in current] == [200, 200]
    exchange.close()


def test_a_release_that_is_taken_back_stays_in_the_past(tmp_path):
    exchange = small(tmp_path / "small")
    ask = asking(exchange)
    changed(exchange, "X,F,2018,1,A")
    versions = ask(f"{V2}?includeHistory=true")
    second = changed(exchange, "X,F,2018,2,A", "X,M,2018,7,A")
    told = ask(f"{V2}?asOf={at(second)}")
    exchange.cancel(exchange.ledger.history().releases[-1].id, by="test")
    again = ask(f"{V2}?asOf={at(second)}")
    assert (again.data, again.headers["ETag"]) == (told.data, told.headers["ETag"])
    assert rows(ask(f"{V2}?updatedAfter={at(second)}")) == [
        ("D", "X", "M", "2018", "", ""), ("R", "X", "F", "2018", "1", "A")
    ]  # fmt: skip
    # what is shown is what it was, and yet there was another version between
    more = ask(f"{V2}?includeHistory=true", If_None_Match=versions.headers["ETag"])
    assert (more.status_code, len(rows(more)), len(rows(versions))) == (200, 5, 1)
    exchange.close()


# --- availability -------------------------------------------------------------------------------------------


def counts(answer):
    assert answer.status_code == 200, answer.text
    notes = etree.fromstring(answer.data).iter("{*}Annotation")
    return {n.get("id"): int(n.find("{*}AnnotationTitle").text) for n in notes if n.get("id")}


def cube(answer):
    region = etree.fromstring(answer.data).find(".//{*}CubeRegion")
    return {key.get("id"): [value.text for value in key.iter("{*}Value")] for key in region}


def test_availability_as_of_and_of_what_changed(world, ask):
    url, old = "/sdmx/v2/availability/dataflow/T/FLOW", "/sdmx/v1/availableconstraint/T,FLOW,1.0"
    first, second, third = world.instants
    then = ask(f"{url}?asOf={at(first)}", ML30)
    assert counts(then) == {"obs_count": 2, "series_count": 1}
    assert cube(then)["TIME_PERIOD"] == ["2011", "2012"]
    # of what changed also what went (sdmx-rest, doc/availability.md)
    since = ask(f"{url}?updatedAfter={at(first)}", ML30)
    assert counts(since) == {"obs_count": 3, "series_count": 1}
    assert cube(since)["TIME_PERIOD"] == ["2011", "2013", "2014"]
    assert counts(ask(f"{old}?updatedAfter={at(first)}", "")) == {"obs_count": 3, "series_count": 1}
    assert "2011-01-01" in ask(f"{old}?updatedAfter={at(first)}", "").text
    assert counts(ask(f"{url}?updatedAfter={at(third)}", ML30)) == {"obs_count": 0, "series_count": 0}
    assert counts(ask(f"{url}?updatedAfter={at(first)}&asOf={at(second)}", ML30))["obs_count"] == 2
    assert cube(ask(f"{url}/*/*.Y?updatedAfter={at(first)}&mode=available", ML30))["REF_AREA"] == ["X"]
    assert ask(f"{url}?updatedAfter=soon", ML30).status_code == 400
    told = ask(f"{url}?updatedAfter={at(first)}&references=all", ML30)
    assert [one.get("id") for one in etree.fromstring(told.data).iter("{*}DataProvider")] == ["ONE"]
    assert ask(f"{url}?asOf={at(first)}", ML30, If_None_Match=then.headers["ETag"]).status_code == 304


def test_availability_does_not_count_what_is_confidential(exchange):
    publish(exchange, "FRA", FRANCE)
    url = FLOW.replace("/data/", "/availability/")
    told = asking(exchange)(f"{url}?updatedAfter=2000-01-01", ML30)
    assert counts(told) == counts(asking(exchange)(url, ML30)) == {"obs_count": 4, "series_count": 2}


# --- laws ---------------------------------------------------------------------------------------------------

cells = st.tuples(st.sampled_from("XY"), st.sampled_from("FM"), st.sampled_from(["2018", "2019"]))
steps = st.lists(st.dictionaries(cells, st.integers(0, 3), min_size=1, max_size=4), min_size=1, max_size=4)


def applied(told, known):
    """What a client that keeps a copy has after it was given an answer."""
    known = dict(known)
    if told.status_code == 200:
        for action, *key, value, status in rows(told):
            if action == "D":
                del known[tuple(key)]
            else:
                known[tuple(key)] = (value, status)
    return known


@settings(max_examples=8)
@given(steps=steps)
def test_what_was_served_is_served_again(tmp_path_factory, steps):
    exchange = small(tmp_path_factory.mktemp("small"))
    ask, taken, held = asking(exchange), [], set()
    for step in steps:
        sent = [f"D:{','.join(cell)},," for cell, value in step.items() if not value and cell in held]
        sent += [f"{','.join(cell)},{value},A" for cell, value in step.items() if value]
        if sent:
            changed(exchange, *sent)
            held = {c for c in held if step.get(c) != 0} | {c for c, value in step.items() if value}
        taken.append((exchange.public().at, ask(V2), ask(V2, CSV20)))
    for instant, *then in taken:
        for told, media_type in zip(then, (CSV21, CSV20), strict=True):
            again = ask(f"{V2}?asOf={at(instant)}", media_type)
            assert (again.status_code, again.data) == (told.status_code, told.data)
    for before, (old, first, _) in enumerate(taken):
        for new, last, _ in taken[before:]:
            since = ask(f"{V2}?updatedAfter={at(old)}&asOf={at(new)}")
            assert applied(since, applied(first, {})) == applied(last, {})
            versions = ask(f"{V2}?includeHistory=true&updatedAfter={at(old)}&asOf={at(new)}")
            assert applied(versions, applied(first, {})) == applied(last, {})
        assert applied(ask(f"{V2}?updatedAfter={at(old)}"), applied(first, {})) == applied(last, {})
    exchange.close()
