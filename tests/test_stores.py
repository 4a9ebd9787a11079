"""One suite for every store: what memory.py answers is right, and the others answer the same."""

from __future__ import annotations

import hashlib
import itertools
import struct
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from packed import Packing

from migdx.dataset import number_texts
from migdx.depots.folder import FolderDepot
from migdx.errors import SemanticFault, TooLarge, Unavailable
from migdx.periods import parse_period
from migdx.plan import Availability, Plan
from migdx.plan import plan as planned
from migdx.query import OPERATORS, Condition, DataQuery, parse_condition
from migdx.schema import Schema, SchemaComponent
from migdx.stores import Segment, Store, duck
from migdx.stores.memory import MemoryStore
from migdx.stores.segments import SegmentStore
from migdx.structures import Codelist, Dataflow, DataStructure, Item

Row = dict[str, Any]


def listed(id: str, role: Any, *codes: str, **more: Any) -> SchemaComponent:
    return SchemaComponent(
        id, role, {}, codelist=Codelist(f"CL_{id}", "T", items=tuple(map(Item, codes))), **more
    )


AREAS = ("004", "008", "012", "AB", "a'b", "É")
SCHEMA = Schema(
    Dataflow("FLOW", "T", "1.0.0"),
    DataStructure("DSD", "T", "1.0.0"),
    (
        listed("AREA", "dimension", *AREAS),
        listed("SEX", "dimension", "F", "M", "_T"),
        SchemaComponent("TIME_PERIOD", "time", {}, text_type="ObservationalTimePeriod"),
        SchemaComponent("OBS_VALUE", "measure", {}, text_type="Double"),
        listed("UNIT_MULT", "attribute", "0", "3", attached="dimensions", to=("AREA", "SEX")),
        listed("OBS_STATUS", "attribute", "A", "B", "Q"),
        listed("CONF_STATUS", "attribute", "F", "C", "N"),
        SchemaComponent("SAMPLE_SIZE", "attribute", {}, text_type="Integer"),
        SchemaComponent("COMMENT_OBS", "attribute", {}),
    ),
)
ATTRIBUTES = tuple(attribute.id for attribute in SCHEMA.attributes)


def table(rows: Sequence[Row], schema: Schema = SCHEMA) -> pa.Table:
    """As `Dataset.table` gives it."""
    text = pa.dictionary(pa.int32(), pa.utf8())
    columns = {}
    for component in schema.components:
        values = [row.get(component.id) for row in rows]
        if component.role == "measure":
            numbers = [None if value is None else float(value) for value in values]
            columns[component.id] = pa.array(numbers, pa.float64())
            plain = number_texts(np.array(numbers, np.float64)).to_pylist()
            kept = [v if isinstance(v, str) and v != p else None for v, p in zip(values, plain, strict=True)]
            columns[f"_text_{component.id}"] = pa.array(kept, pa.utf8())
            continue
        columns[component.id] = pa.array(values, text)
        if component.role == "time":
            periods = [parse_period(value) for value in values]
            columns["_start"] = pa.array([p.start for p in periods if p], pa.int32())
            columns["_end"] = pa.array([p.end for p in periods if p], pa.int32())
    return pa.table(columns)


def row(area: str, sex: str, period: str, value: Any = 1, **more: Any) -> Row:
    return {"AREA": area, "SEX": sex, "TIME_PERIOD": period, "OBS_VALUE": value, **more}


def plan(*conditions: tuple[str, str], **more: Any) -> Plan:
    more = {"measures": ("OBS_VALUE",), "attributes": ATTRIBUTES} | more
    return Plan(SCHEMA, conditions=tuple(parse_condition(*c) for c in conditions), **more)


def key(**codes: str) -> Any:
    return tuple((id, frozenset(text.split("+"))) for id, text in codes.items())


def answer(store: Store, plan: Plan, segments: Sequence[Segment]) -> list[Row]:
    return [row for batch in store.select(plan, segments) for row in batch.to_pylist()]


def brief(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Key and period of each row; F.2020 of area 004 is "004 F 2020"."""
    return [" ".join(row[id] for id in ("AREA", "SEX", "TIME_PERIOD")) for row in rows]


# with packs it takes long
FILES = [
    "segments",
    pytest.param("packed: mixed", marks=pytest.mark.faults),
]


def in_files(which: str, folder: Path) -> SegmentStore:
    depot = FolderDepot(folder / "store")
    if which == "segments":
        return SegmentStore(depot, memory="512MB", threads=2)
    return Packing(depot, memory="512MB", threads=2, which=which.removeprefix("packed: "))


@pytest.fixture(params=["memory", *FILES])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "memory":
        yield MemoryStore()
    else:
        made = in_files(request.param, tmp_path)
        yield made
        made.close()


@pytest.fixture
def segments(store: Store) -> list[Segment]:
    """Two agreements with interleaving keys, rows in no order."""
    first = [
        row("008", "M", "2021", 4, OBS_STATUS="A"),
        row("004", "F", "2022", 3, OBS_STATUS="B", COMMENT_OBS="new census"),
        row("004", "F", "2020", "1.10", SAMPLE_SIZE="9"),
        row("004", "F", "2021", 2, SAMPLE_SIZE="10"),
    ]
    second = [
        row("004", "M", "2020-Q4", 7),
        row("004", "M", "2021-Q1", None, OBS_STATUS="Q", UNIT_MULT="3"),
        row("012", "F", "2020", -5.5),
    ]
    return [
        store.write(table(second), SCHEMA, agreement="B", revision=2),
        store.write(table(first), SCHEMA, agreement="A", revision=1),
    ]


EVERYTHING = [
    "004 F 2020", "004 F 2021", "004 F 2022", "008 M 2021",
    "004 M 2020-Q4", "004 M 2021-Q1", "012 F 2020",
]  # fmt: skip


def test_series_keys_are_what_is_counted_when_nothing_of_an_observation_is_asked_for(
    store: Store, segments: list[Segment]
) -> None:
    def asked(**more: Any) -> list[str]:
        query = DataQuery(attributes=("UNIT_MULT",), measures=("none",), last_n=2, **more)
        return brief(answer(store, planned(query, SCHEMA), segments))

    firsts = ["004 F 2020", "008 M 2021", "004 M 2020-Q4", "012 F 2020"]
    assert asked() == firsts
    assert asked(offset=1, limit=2) == firsts[1:3]
    later = asked(conditions=(parse_condition("TIME_PERIOD", "ge:2021"),))
    assert later == ["004 F 2021", "008 M 2021", "004 M 2021-Q1"]
    assert asked(dimension_at_observation="AllDimensions", limit=2) == ["004 F 2021", "004 F 2022"]


def test_order_is_agreement_then_series_then_period(store: Store, segments: list[Segment]) -> None:
    assert brief(answer(store, plan(), segments)) == EVERYTHING
    assert brief(answer(store, plan(), segments[::-1])) == EVERYTHING


def test_a_row_has_the_columns_of_the_plan(store: Store, segments: list[Segment]) -> None:
    asked = plan(attributes=("OBS_STATUS",), limit=1)
    assert answer(store, asked, segments) == [
        {
            "AREA": "004",
            "SEX": "F",
            "TIME_PERIOD": "2020",
            "OBS_VALUE": 1.1,
            "_text_OBS_VALUE": "1.10",
            "OBS_STATUS": None,
        }
    ]
    (batch,) = store.select(plan(measures=(), attributes=(), limit=1), segments)
    assert batch.schema.names == ["AREA", "SEX", "TIME_PERIOD"]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ([key(AREA="004", SEX="M")], ["004 M 2020-Q4", "004 M 2021-Q1"]),
        ([key(AREA="008+012")], ["008 M 2021", "012 F 2020"]),
        ([key(AREA="008"), key(SEX="F", AREA="012")], ["008 M 2021", "012 F 2020"]),
        ([key(AREA="999")], []),
        ([key(AREA="999"), ()], EVERYTHING),
        ([], []),
    ],
)
def test_keys(store: Store, segments: list[Segment], keys: Any, expected: list[str]) -> None:
    assert brief(answer(store, plan(keys=tuple(keys)), segments)) == expected
    assert store.count(plan(keys=tuple(keys)), segments).observations == len(expected)


Q4, Q1 = "004 M 2020-Q4", "004 M 2021-Q1"


@pytest.mark.parametrize(
    ("component", "text", "expected"),
    [
        ("TIME_PERIOD", "2020", ["004 F 2020", "012 F 2020"]),
        ("TIME_PERIOD", "ne:2020+ne:2021", ["004 F 2022", Q4, Q1]),
        ("TIME_PERIOD", "ge:2020-02", ["004 F 2021", "004 F 2022", "008 M 2021", Q4, Q1]),
        ("TIME_PERIOD", "gt:2020", ["004 F 2021", "004 F 2022", "008 M 2021", Q1]),
        ("TIME_PERIOD", "le:2020", ["004 F 2020", Q4, "012 F 2020"]),
        ("TIME_PERIOD", "lt:2021-Q1", ["004 F 2020", Q4, "012 F 2020"]),
        ("TIME_PERIOD", "2022,sw:2021-", ["004 F 2022", Q1]),
        ("TIME_PERIOD", "2021-01-01/P3M", [Q1]),
        ("OBS_VALUE", "gt:3", ["008 M 2021", Q4]),
        ("OBS_VALUE", "le:1.1", ["004 F 2020", "012 F 2020"]),
        ("OBS_VALUE", "ne:2+ne:3+ne:4+ne:7", ["004 F 2020", Q1, "012 F 2020"]),
        ("OBS_VALUE", "co:.", ["004 F 2020", "012 F 2020"]),
        ("OBS_VALUE", "ew:10", ["004 F 2020"]),
        ("OBS_STATUS", "A,B", ["004 F 2022", "008 M 2021"]),
        ("OBS_STATUS", "ne:A", [entry for entry in EVERYTHING if entry != "008 M 2021"]),
        ("OBS_STATUS", "lt:B", ["008 M 2021"]),
        ("COMMENT_OBS", "co:census", ["004 F 2022"]),
        ("COMMENT_OBS", "nc:census", [entry for entry in EVERYTHING if entry != "004 F 2022"]),
        ("COMMENT_OBS", "co:%", []),
        ("SAMPLE_SIZE", "ge:10", ["004 F 2021"]),
        ("SAMPLE_SIZE", "sw:9", ["004 F 2020"]),
        ("AREA", "ge:005", ["008 M 2021", "012 F 2020"]),
        ("AREA", "ne:004", ["008 M 2021", "012 F 2020"]),
        ("AREA", "ew:4+sw:0,012", [entry for entry in EVERYTHING if entry != "008 M 2021"]),
        ("AREA", "x' OR '1'='1", []),
    ],
)
def test_conditions(
    store: Store, segments: list[Segment], component: str, text: str, expected: list[str]
) -> None:
    asked = plan((component, text))
    assert brief(answer(store, asked, segments)) == expected
    assert store.count(asked, segments).observations == len(expected)


def test_a_bound_that_cannot_be_compared(store: Store, segments: list[Segment]) -> None:
    for component, text in (("OBS_VALUE", "gt:many"), ("OBS_VALUE", "NaN"), ("TIME_PERIOD", "ge:someday")):
        with pytest.raises(SemanticFault, match=component):
            store.select(plan((component, text)), segments)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"first_n": 1}, ["004 F 2020", "008 M 2021", Q4, "012 F 2020"]),
        ({"last_n": 1}, ["004 F 2022", "008 M 2021", Q1, "012 F 2020"]),
        ({"first_n": 1, "last_n": 1}, ["004 F 2020", "004 F 2022", "008 M 2021", Q4, Q1, "012 F 2020"]),
        ({"first_n": 2, "last_n": 2}, EVERYTHING),
        ({"last_n": 1, "offset": 1, "limit": 2}, ["008 M 2021", Q1]),
        ({"limit": 2}, EVERYTHING[:2]),
        ({"offset": 3, "limit": 3}, EVERYTHING[3:6]),
        ({"offset": 5}, EVERYTHING[5:]),
        ({"offset": 7}, []),
    ],
)
def test_parts_of_an_answer(store: Store, segments: list[Segment], more: Any, expected: list[str]) -> None:
    assert brief(answer(store, plan(**more), segments)) == expected
    assert store.count(plan(**more), segments).observations == len(expected)


def test_the_last_observations_are_those_that_match(store: Store, segments: list[Segment]) -> None:
    asked = plan(("TIME_PERIOD", "le:2021"), last_n=1)
    assert brief(answer(store, asked, segments)) == ["004 F 2021", "008 M 2021", Q1, "012 F 2020"]


def test_availability(store: Store, segments: list[Segment]) -> None:
    days = parse_period("2020"), parse_period("2022")
    assert days[0]
    assert days[1]
    assert store.count(plan(), segments) == Availability(
        {
            "AREA": {"004": 5, "008": 1, "012": 1},
            "SEX": {"F": 4, "M": 3},
            "TIME_PERIOD": {"2020": 2, "2021": 2, "2022": 1, "2020-Q4": 1, "2021-Q1": 1},
        },
        series=4,
        observations=7,
        start=days[0].start,
        end=days[1].end,
    )
    assert store.count(plan(), []) == Availability({"AREA": {}, "SEX": {}, "TIME_PERIOD": {}}, 0, 0)


def test_a_segment_describes_itself(store: Store, segments: list[Segment]) -> None:
    segment = segments[1]
    assert Segment(**segment.as_dict()) == segment
    assert (segment.dataflow, segment.agreement, segment.revision) == ("T:FLOW(1.0.0)", "A", 1)
    assert (segment.observations, segment.series, segment.restricted) == (4, 2, False)
    assert segment.codes["AREA"] == {"004": 3, "008": 1}


def test_an_empty_revision(store: Store) -> None:
    segment = store.write(table([]), SCHEMA, agreement="A", revision=1)
    assert answer(store, plan(), [segment]) == []
    assert store.count(plan(), [segment]).observations == 0
    assert store.read(segment).equals(table([]))


def test_what_is_read_is_what_was_written(store: Store) -> None:
    sent = [
        row(
            "008",
            "M",
            "2021",
            "1.10",
            CONF_STATUS="C",
            OBS_STATUS="B",
            COMMENT_OBS="three farms",
            SAMPLE_SIZE="3",
        ),
        row("004", "F", "2021", 5, CONF_STATUS="F", OBS_STATUS="A", COMMENT_OBS="all farms"),
        row("004", "F", "2020", 6, CONF_STATUS="N"),
    ]
    segment = store.write(table(sent), SCHEMA, agreement="A", revision=1)
    again = store.read(segment)
    assert again.schema.equals(table(sent).schema)
    assert again.to_pylist() == table(sent[::-1]).to_pylist()
    store.write(again, SCHEMA, agreement="A", revision=2)


# --- confidentiality -----------------------------------------------------------------------------------


SECRET = 86753.125
CONFIDENTIAL = [
    row("004", "F", "2020", 1),
    row(
        "004",
        "F",
        "2021",
        "086753.1250",
        CONF_STATUS="C",
        OBS_STATUS="B",
        COMMENT_OBS="Marker Ltd.",
        SAMPLE_SIZE="97531",
    ),
    row("004", "F", "2022", 2, CONF_STATUS="F", COMMENT_OBS="seen"),
    row("012", "M", "2021", SECRET, CONF_STATUS="N"),
]


def test_confidential_rows_are_shown_empty(store: Store) -> None:
    segment = store.write(table(CONFIDENTIAL), SCHEMA, agreement="A", revision=1)
    assert segment.restricted
    shown = answer(store, plan(), [segment])
    assert brief(shown) == ["004 F 2020", "004 F 2021", "004 F 2022", "012 M 2021"]
    assert shown[1] == {
        "AREA": "004", "SEX": "F", "TIME_PERIOD": "2021", "OBS_VALUE": None, "_text_OBS_VALUE": None,
        "UNIT_MULT": None,
        "OBS_STATUS": "Q", "CONF_STATUS": "C", "SAMPLE_SIZE": None, "COMMENT_OBS": None,
    }  # fmt: skip


def test_no_question_tells_a_confidential_value(store: Store) -> None:
    """Every comparison answers as if the row had no value at all."""
    nothing = dict.fromkeys(("OBS_VALUE", "COMMENT_OBS", "SAMPLE_SIZE")) | {"OBS_STATUS": "Q"}
    blank = [r if r.get("CONF_STATUS", "F") == "F" else r | nothing for r in CONFIDENTIAL]
    real = [store.write(table(CONFIDENTIAL), SCHEMA, agreement="A", revision=1)]
    empty = [store.write(table(blank), SCHEMA, agreement="A", revision=2)]
    asked = {
        "OBS_VALUE": "86753.125",
        "COMMENT_OBS": "Marker Ltd.",
        "SAMPLE_SIZE": "97531",
        "OBS_STATUS": "B",
    }
    for component, value in asked.items():
        for operator in OPERATORS:
            question = plan((component, f"{operator}:{value}"))
            got = answer(store, question, real)
            assert repr(got) == repr(answer(store, question, empty))
            assert not any(marker in repr(got) for marker in ("86753", "Marker", "97531"))
            assert store.count(question, real) == store.count(question, empty)


def test_availability_does_not_count_confidential_observations(store: Store) -> None:
    segment = store.write(table(CONFIDENTIAL), SCHEMA, agreement="A", revision=1)
    asked = (plan(), plan(keys=(key(SEX="F+M"),)), plan(("OBS_STATUS", "ne:A")), plan(limit=9))
    for question in asked:
        found = store.count(question, [segment])
        assert found.codes == {"AREA": {"004": 2}, "SEX": {"F": 2}, "TIME_PERIOD": {"2020": 1, "2022": 1}}
        assert (found.observations, found.series) == (2, 1)
    assert brief(answer(store, plan(keys=(key(AREA="012"),)), [segment])) == ["012 M 2021"]
    assert store.count(plan(keys=(key(AREA="012"),)), [segment]).observations == 0


def test_open_files_do_not_hold_confidential_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Written without compression, so that pages, dictionaries and statistics can be looked through."""
    monkeypatch.setattr(pq, "ParquetWriter", partial(_plain_writer, pq.ParquetWriter))
    many = [row("004", "F", str(1000 + at), at, COMMENT_OBS="open") for at in range(500)]
    store = SegmentStore(FolderDepot(tmp_path), threads=1)
    store.write(table(CONFIDENTIAL + many), SCHEMA, agreement="A", revision=1)
    store.close()
    (opened,), (closed,) = (list((tmp_path / part).rglob("*.parquet")) for part in ("open", "restricted"))
    for content, held in ((opened.read_bytes(), False), (closed.read_bytes(), True)):
        for marker in (b"086753.1250", b"Marker Ltd.", b"97531", struct.pack("<d", SECRET)):
            assert (marker in content) is held, marker
    assert b"seen" in opened.read_bytes()  # so a marker would be


def _plain_writer(writer: Any, *args: Any, **options: Any) -> Any:
    return writer(*args, **(options | {"compression": "none"}))


# --- segments ------------------------------------------------------------------------------------------


@pytest.fixture(params=FILES)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SegmentStore]:
    store = in_files(request.param, tmp_path)
    yield store
    store.close()


def test_two_sides_that_speak_of_the_same(store: Store) -> None:
    """Of AREA and SEX swapped: F of 004 and M of 008 in the same period. What is masked, or has no figure, is
    not there."""
    women = [row("004", "F", str(year), year, OBS_STATUS="A") for year in (2020, 2021, 2022, 2023)]
    women[2]["CONF_STATUS"] = "C"
    men = [row("008", "M", str(year), 10 * year, COMMENT_OBS="é") for year in (2019, 2020, 2022, 2023)]
    men[3]["OBS_VALUE"] = None
    more = [row("012", "M", "2020", 5, CONF_STATUS="F"), row("AB", "M", "2020", 6, CONF_STATUS="N")]
    segments = [
        store.write(table(rows), SCHEMA, agreement=agreement, revision=1)
        for agreement, rows in zip("CAB", (women, men, more), strict=True)
    ]
    one, other = plan(keys=(key(SEX="F"),)), plan(keys=(key(SEX="M"),), attributes=("COMMENT_OBS",))

    def found(on: Mapping[str, str], *more: Segment) -> list[tuple[Any, ...]]:
        batches = store.paired(one, other, on, [*segments, *more])
        names = ("AREA", "TIME_PERIOD", "OBS_VALUE", "OBS_STATUS", "_other_AREA", "_other_OBS_VALUE")
        return [tuple(each[name] for name in names) for batch in batches for each in batch.to_pylist()]

    assert found({"TIME_PERIOD": "TIME_PERIOD"}) == [
        ("004", "2020", 2020, "A", "008", 20200),
        ("004", "2020", 2020, "A", "012", 5),
    ]
    assert found({"AREA": "AREA", "TIME_PERIOD": "TIME_PERIOD"}) == []
    assert list(store.paired(one, plan(keys=(key(AREA="É"),)), {}, segments)) == []
    newer = store.write(table([row("004", "M", "2021", 7)]), SCHEMA, agreement="D", revision=1)
    same = found({"AREA": "AREA", "TIME_PERIOD": "TIME_PERIOD"}, newer)
    assert same == [("004", "2021", 2021, "A", "004", 7)]


def test_many_files_stream_in_order(folder: SegmentStore) -> None:
    """Several row groups a file, more files than threads, and no sort asked of the engine, which promises no
    order once it makes a join of a long list of codes.
    """
    places = list(itertools.product(sorted(AREAS), ("F", "M", "_T"), range(1000, 4000)))
    rows = [row(area, sex, str(year), at) for at, (area, sex, year) in enumerate(places)]
    whole = table(rows)
    segments = [folder.write(whole, SCHEMA, agreement=f"{at:02}", revision=at) for at in range(7)]
    five = frozenset(AREAS[:5])
    values = ",".join(f"ne:{number}" for number in range(6))
    for asked, expected in (
        (plan(("OBS_VALUE", "ge:1001")), [at for at in range(len(places)) if at >= 1001]),
        (plan(keys=((("AREA", five),),)), [at for at, place in enumerate(places) if place[0] in five]),
        (
            plan(("AREA", ",".join(five)), ("OBS_VALUE", values)),
            [at for at, p in enumerate(places) if p[0] in five],
        ),
        (
            plan(("AREA", "ne:AB"), last_n=1),
            [at for at, p in enumerate(places) if p[2] == 3999 and p[0] != "AB"],
        ),
        (
            plan(("AREA", "ne:AB"), ("TIME_PERIOD", "le:1999"), last_n=1),
            [at for at, place in enumerate(places) if place[2] == 1999 and place[0] != "AB"],
        ),
    ):
        for _ in range(3):
            batches = [batch.column("OBS_VALUE") for batch in folder.select(asked, segments[::-1])]
            assert pa.chunked_array(batches).to_pylist() == expected * 7


def test_the_engine_reads_open_files_only(folder: SegmentStore, tmp_path: Path) -> None:
    segment = folder.write(table(CONFIDENTIAL), SCHEMA, agreement="A", revision=1)
    closed = folder.depot.local / "restricted" / f"{segment.name}.parquet"
    assert closed.exists()
    cursor = folder._engine.cursor()
    for question in (
        f"FROM read_parquet('{closed}')",
        "SET threads = 7",
        "INSTALL httpfs",
        "FROM read_text('/etc/hosts')",
    ):
        with pytest.raises(Exception, match=r"disabled by configuration|locked|not found|Permission"):
            cursor.execute(question)
    cursor.close()


def test_answers_side_by_side_and_abandoned(folder: SegmentStore) -> None:
    rows = [row(area, "F", str(year), year) for area in AREAS for year in range(1000, 5000)]
    segments = [folder.write(table(rows), SCHEMA, agreement=str(at), revision=1) for at in range(3)]
    expected = [brief(answer(folder, plan(keys=(key(AREA=area),)), segments)) for area in AREAS]
    wrong: list[object] = []

    def ask(area: int) -> None:
        try:
            for _ in range(5):
                started = folder.select(plan(), segments)
                next(started)
                started.close()  # type: ignore[attr-defined]
                if brief(answer(folder, plan(keys=(key(AREA=AREAS[area]),)), segments)) != expected[area]:
                    wrong.append(area)
        except Exception as fault:  # noqa: BLE001 - a thread's fault is the test's
            wrong.append(fault)

    threads = [threading.Thread(target=ask, args=(at % len(AREAS),)) for at in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_components_that_came_later(folder: SegmentStore) -> None:
    less = Schema(SCHEMA.dataflow, SCHEMA.dsd, tuple(c for c in SCHEMA.components if c.id != "COMMENT_OBS"))
    old = folder.write(table([row("004", "F", "2020")], less), less, agreement="A", revision=1)
    new = folder.write(table([row("008", "F", "2020", COMMENT_OBS="x")]), SCHEMA, agreement="B", revision=1)
    assert [entry["COMMENT_OBS"] for entry in answer(folder, plan(), [old, new])] == [None, "x"]
    assert [entry["COMMENT_OBS"] for entry in answer(folder, plan(), [old])] == [None]
    assert brief(answer(folder, plan(("COMMENT_OBS", "ne:x")), [old, new])) == ["004 F 2020"]
    assert answer(folder, plan(("COMMENT_OBS", "x")), [old]) == []


def test_without_time(store: Store) -> None:
    timeless = Schema(SCHEMA.dataflow, SCHEMA.dsd, tuple(c for c in SCHEMA.components if c.role != "time"))
    rows = [{"AREA": area, "SEX": "F", "OBS_VALUE": 1} for area in ("012", "004")]
    segment = store.write(table(rows, timeless), timeless, agreement="A", revision=1)
    asked = Plan(timeless, measures=("OBS_VALUE",), last_n=1)
    assert [entry["AREA"] for entry in answer(store, asked, [segment])] == ["004", "012"]
    assert store.count(asked, [segment]) == Availability(
        {"AREA": {"004": 1, "012": 1}, "SEX": {"F": 2}}, 2, 2
    )


def test_sweep_removes_what_the_ledger_does_not_name(folder: SegmentStore) -> None:
    kept, orphan = (folder.write(table(CONFIDENTIAL), SCHEMA, agreement="A", revision=at) for at in (1, 2))
    draft = (folder.depot.local / "open" / orphan.name).with_name(".0123.draft")
    draft.touch()
    assert folder.sweep(lambda: [kept]) == []  # all younger than an hour
    swept = folder.sweep(lambda: [kept], timedelta(seconds=-1))
    file = f"{orphan.name}.parquet"
    assert sorted(swept) == sorted(
        [draft.relative_to(folder.depot.local).as_posix(), f"open/{file}", f"restricted/{file}"]
    )
    assert folder.sweep(lambda: [kept], timedelta(seconds=-1)) == []
    assert len(answer(folder, plan(), [kept])) == 4
    assert folder.read(kept).num_rows == 4


# --- every store against the reference -----------------------------------------------------------------


PERIODS = ["2020", "2021", "2020-Q4", "2021-01", "2020-12-31", "2020-07-01/P1Y", "2021-S1", "2021-W05"]
NUMBERS = [
    "0",
    "1",
    "1.10",
    "-2.5",
    "1e3",
    "1000",
    "123456789012",
    "0.1",
    "1e21",
    "1e-7",
    "33.333333333333336",
]
TEXTS = ["a", "ab", "b'a", "é", "A", "%"]
VALUES = {
    "AREA": list(AREAS), "SEX": ["F", "M", "_T"], "TIME_PERIOD": PERIODS, "OBS_VALUE": NUMBERS,
    "UNIT_MULT": ["0", "3"], "OBS_STATUS": ["A", "B", "Q"], "CONF_STATUS": ["F", "C", "N"],
    "SAMPLE_SIZE": ["5", "10", "250"], "COMMENT_OBS": TEXTS,
}  # fmt: skip

observations = st.fixed_dictionaries(
    {id: st.sampled_from(VALUES[id]) for id in SCHEMA.key}
    | {id: st.none() | st.sampled_from(VALUES[id]) for id in ("OBS_VALUE", *ATTRIBUTES)}
)
tables = st.lists(observations, max_size=12, unique_by=lambda row: tuple(row[id] for id in SCHEMA.key))


@st.composite
def conditions(draw: st.DrawFn) -> Condition:
    id = draw(st.sampled_from(list(VALUES)))
    atoms = st.tuples(st.sampled_from(OPERATORS), st.sampled_from(VALUES[id])).map(":".join)
    terms = st.lists(atoms, min_size=1, max_size=2).map("+".join)
    return parse_condition(id, ",".join(draw(st.lists(terms, min_size=1, max_size=2))))


some_keys = st.lists(
    st.dictionaries(
        st.sampled_from(["AREA", "SEX"]), st.frozensets(st.sampled_from([*AREAS, "F", "M"]), min_size=1)
    ).map(lambda key: tuple(key.items())),
    max_size=3,
).map(tuple)
plans = st.builds(
    Plan,
    st.just(SCHEMA),
    keys=st.just(((),)) | some_keys,
    conditions=st.lists(conditions(), max_size=2).map(tuple),
    first_n=st.sampled_from([0, 0, 0, 1, 2]),
    last_n=st.sampled_from([0, 0, 0, 1, 2]),
    offset=st.sampled_from([0, 0, 1, 5]),
    limit=st.sampled_from([0, 0, 1, 4]),
    measures=st.sampled_from([("OBS_VALUE",), ()]),
    attributes=st.sampled_from([ATTRIBUTES, ("OBS_STATUS",), ()]),
)


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(written=st.lists(tables, min_size=1, max_size=3), asked=st.lists(plans, min_size=1, max_size=8))
def test_every_plan_has_the_answer_of_the_reference(
    folder: SegmentStore, written: list[list[Row]], asked: list[Plan]
) -> None:
    reference = MemoryStore()
    named = [(f"agreement {at}", table(rows)) for at, rows in enumerate(written)]
    right = [reference.write(rows, SCHEMA, agreement=name, revision=1) for name, rows in named]
    tried = [folder.write(rows, SCHEMA, agreement=name, revision=1) for name, rows in named]
    for one, other in zip(right, tried, strict=True):
        kept = dict.fromkeys(("name", "since", "deleted", "digests", "size"))  # how, not what
        assert other.as_dict() | kept == one.as_dict() | kept
        assert folder.read(other).to_pylist() == reference.read(one).to_pylist()
    for question in asked:
        assert answer(folder, question, tried) == answer(reference, question, right)
        assert folder.count(question, tried) == reference.count(question, right)


# --- what changed between two instants -----------------------------------------------------------------


Told = tuple[list[str], list[Row]]


def updated(store: Store, asked: Plan, before: Sequence[Segment], after: Sequence[Segment]) -> Told:
    """The keys that are deleted, in brief, and the rows that are changed."""
    found = store.updated(asked, before, after)
    deleted = [row for batch in found.deleted for row in batch.to_pylist()]
    assert all(list(row) == list(SCHEMA.key) for row in deleted)
    return brief(deleted), [row for batch in found.changed for row in batch.to_pylist()]


@pytest.fixture
def revisions(store: Store) -> list[Segment]:
    """Four of one agreement: changed, masked, added; deleted, unmasked; as the second again."""
    first = [row("004", "F", "2020", 1), row("004", "F", "2021", 2), row("008", "M", "2020", 3)]
    second = [
        row("004", "F", "2020", 9),
        row("004", "F", "2021", 2, CONF_STATUS="C", COMMENT_OBS="two farms"),
        row("008", "M", "2020", 3),
        row("008", "M", "2021", 4),
    ]
    third = [row("004", "F", "2020", 9), row("004", "F", "2021", 7), row("008", "M", "2021", 4)]
    written: list[Segment] = []
    for at, rows in enumerate((first, second, third, second)):
        previous = written[-1] if written else None
        written.append(
            store.write(table(rows[::-1]), SCHEMA, agreement="A", revision=at + 1, previous=previous)
        )
    return written


def test_what_changed_between_two_revisions(store: Store, revisions: list[Segment]) -> None:
    deleted, changed = updated(store, plan(), revisions[:1], revisions[1:2])
    assert (deleted, brief(changed)) == ([], ["004 F 2020", "004 F 2021", "008 M 2021"])
    masked = changed[1]
    assert (masked["OBS_VALUE"], masked["OBS_STATUS"], masked["COMMENT_OBS"]) == (None, "Q", None)
    deleted, changed = updated(store, plan(), revisions[1:2], revisions[2:3])
    assert (deleted, brief(changed)) == (["008 M 2020"], ["004 F 2021"])
    assert changed[0]["OBS_VALUE"] == 7
    over_two = updated(store, plan(), revisions[:1], revisions[2:3])
    assert (over_two[0], brief(over_two[1])) == (["008 M 2020"], ["004 F 2020", "004 F 2021", "008 M 2021"])


def test_what_was_taken_back_is_no_change(store: Store, revisions: list[Segment]) -> None:
    assert updated(store, plan(), revisions[1:2], revisions[3:]) == ([], [])
    assert updated(store, plan(), revisions[2:3], revisions[2:3]) == ([], [])


def test_what_changes_when_an_older_revision_is_shown_again(store: Store, revisions: list[Segment]) -> None:
    deleted, changed = updated(store, plan(), revisions[2:3], revisions[:1])
    assert (deleted, brief(changed)) == (["008 M 2021"], ["004 F 2020", "004 F 2021", "008 M 2020"])


def test_what_changes_when_an_agreement_comes_or_goes(store: Store, revisions: list[Segment]) -> None:
    everything = brief(answer(store, plan(), revisions[:1]))
    deleted, changed = updated(store, plan(), [], revisions[:1])
    assert (deleted, brief(changed)) == ([], everything)
    assert updated(store, plan(), revisions[:1], []) == (everything, [])


def test_an_observation_that_another_agreement_reports_is_not_deleted(
    store: Store, revisions: list[Segment]
) -> None:
    """It is changed only when its contents are others."""
    moved = [row("004", "F", "2020", 1), row("004", "F", "2021", 5)]
    other = store.write(table(moved), SCHEMA, agreement="B", revision=1)
    deleted, changed = updated(store, plan(), revisions[:1], [other])
    assert (deleted, brief(changed)) == (["008 M 2020"], ["004 F 2021"])
    # a revision that is shown at both instants has the key too
    assert updated(store, plan(), [revisions[0], other], [other])[0] == ["008 M 2020"]
    assert brief(updated(store, plan(), revisions[:1], [revisions[0], other])[1]) == ["004 F 2021"]


def test_a_plan_takes_its_part_of_what_changed(store: Store, revisions: list[Segment]) -> None:
    """What only ceases to meet a condition is not deleted: it is there."""
    pair = revisions[:1], revisions[1:2]
    assert brief(updated(store, plan(("OBS_VALUE", "gt:5")), *pair)[1]) == ["004 F 2020"]
    assert updated(store, plan(("OBS_VALUE", "lt:2")), *pair) == ([], [])
    assert brief(updated(store, plan(keys=(key(AREA="004"),), last_n=1), *pair)[1]) == ["004 F 2021"]
    assert brief(updated(store, plan(offset=1, limit=1), *pair)[1]) == ["004 F 2021"]
    # all contents count, those too that are not asked for
    assert updated(store, plan(measures=(), attributes=(), last_n=1), *pair)[1] == [
        {"AREA": "004", "SEX": "F", "TIME_PERIOD": "2021"},
        {"AREA": "008", "SEX": "M", "TIME_PERIOD": "2021"},
    ]
    for limit in (0, 1):
        deleted = updated(store, plan(keys=(key(AREA="008"),), limit=limit), revisions[:1], revisions[2:3])[0]
        assert deleted == ["008 M 2020"]
    with pytest.raises(SemanticFault, match="not a number"):
        store.updated(plan(("OBS_VALUE", "gt:many")), *pair)


def test_a_hidden_figure_changes_unseen(store: Store) -> None:
    """Nothing tells that it did: not the delta, not what is kept for deltas."""
    hidden = [row("004", "F", "2020", value, CONF_STATUS="C", COMMENT_OBS=str(value)) for value in (1, 2)]
    open_too = row("008", "M", "2020", 3)
    first = store.write(table([hidden[0], open_too]), SCHEMA, agreement="A", revision=1)
    second = store.write(table([hidden[1], open_too]), SCHEMA, agreement="A", revision=2, previous=first)
    assert updated(store, plan(), [first], [second]) == ([], [])
    if isinstance(store, SegmentStore):
        path = store.depot.local / "open" / f"{second.name}.parquet"
        assert pq.read_table(path, columns=["_since"], partitioning=None).to_pydict() == {"_since": [1, 1]}
    shown = [hidden[1] | {"CONF_STATUS": "F"}, open_too]
    third = store.write(table(shown), SCHEMA, agreement="A", revision=3, previous=second)
    ((found,),) = (updated(store, plan(), [first], [third])[1],)
    assert (found["OBS_VALUE"], found["COMMENT_OBS"], found["CONF_STATUS"]) == (2, "2", "F")


def test_without_time_there_are_changes_too(store: Store) -> None:
    timeless = Schema(SCHEMA.dataflow, SCHEMA.dsd, tuple(c for c in SCHEMA.components if c.role != "time"))
    rows = [{"AREA": area, "SEX": "F", "OBS_VALUE": 1} for area in ("012", "004", "008")]
    first = store.write(table(rows, timeless), timeless, agreement="A", revision=1)
    now = [rows[0] | {"OBS_VALUE": 2}, rows[1]]
    second = store.write(table(now, timeless), timeless, agreement="A", revision=2, previous=first)
    asked = Plan(timeless, measures=("OBS_VALUE",), last_n=1)
    found = store.updated(asked, [first], [second])
    assert [row["AREA"] for batch in found.changed for row in batch.to_pylist()] == ["012"]
    assert [row for batch in found.deleted for row in batch.to_pylist()] == [{"AREA": "008", "SEX": "F"}]


def test_changes_of_a_component_that_came_later(store: Store) -> None:
    less = Schema(SCHEMA.dataflow, SCHEMA.dsd, tuple(c for c in SCHEMA.components if c.id != "COMMENT_OBS"))
    old = store.write(table([row("004", "F", "2020"), row("008", "F", "2020")], less), less,
                      agreement="A", revision=1)  # fmt: skip
    said = [row("004", "F", "2020"), row("008", "F", "2020", COMMENT_OBS="x")]
    new = store.write(table(said), SCHEMA, agreement="A", revision=2, previous=old)
    again = store.write(table(said[:1], less), less, agreement="A", revision=3, previous=new)
    other = store.write(table(said, less), less, agreement="B", revision=1)
    assert brief(updated(store, plan(), [old], [new])[1]) == ["008 F 2020"]
    assert updated(store, plan(), [old], [again]) == (["008 F 2020"], [])
    assert brief(updated(store, plan(), [new], [other])[1]) == ["008 F 2020"]


def test_segments_that_were_written_before_deltas_were_kept(folder: SegmentStore) -> None:
    """They tell nothing; what follows them tells what changed since they were made."""
    rows = [row("004", "F", str(year)) for year in range(2000, 2010)]
    sent = [rows, [rows[0] | {"OBS_VALUE": 5}, *rows[1:]], [rows[0] | {"OBS_VALUE": 5}, *rows[2:]]]
    old: list[Segment] = []
    for at, each in enumerate(sent[:2]):
        made = folder.write(table(each), SCHEMA, agreement="A", revision=at + 1)
        path = folder.depot.local / "open" / f"{made.name}.parquet"
        pq.write_table(pq.read_table(path, partitioning=None).drop_columns(["_since"]), path)
        kept = {"since", "deleted", "digests", "size"}
        old.append(Segment(**{name: value for name, value in made.as_dict().items() if name not in kept}))
    new = folder.write(table(sent[2]), SCHEMA, agreement="A", revision=3, previous=old[1])
    assert (new.since, new.deleted) == (2, 1)
    assert brief(answer(folder, plan(), [new])) == brief(sent[2])
    assert folder.read(new).equals(table(sent[2]))
    first, second = ["004 F 2000"], ["004 F 2001"]
    for before, after, deleted, changed in (
        (old[0], old[1], [], first),
        (old[1], new, second, []),
        (old[0], new, second, first),
        (new, old[0], [], first + second),
    ):
        told = updated(folder, plan(), [before], [after])
        assert (told[0], brief(told[1])) == (deleted, changed)
    both = [old[1], folder.write(table(sent[0]), SCHEMA, agreement="B", revision=1)]
    assert len(answer(folder, plan(), both)) == 20


def test_a_segment_knows_its_files(folder: SegmentStore) -> None:
    first = folder.write(table(CONFIDENTIAL), SCHEMA, agreement="A", revision=1)
    second = folder.write(table(CONFIDENTIAL[1:]), SCHEMA, agreement="A", revision=2, previous=first)
    for segment, parts in ((first, ("open", "restricted")), (second, ("open", "open", "restricted"))):
        content = {name: (folder.depot.local / name).read_bytes() for name in segment.digests}
        assert sorted(name.split("/")[0] for name in content) == list(parts)
        assert segment.digests == {name: hashlib.sha256(held).hexdigest() for name, held in content.items()}
        assert segment.size == sum(map(len, content.values()))
    assert folder.sweep(lambda: [first, second], timedelta(seconds=-1)) == []
    assert sorted(folder.sweep(lambda: [first], timedelta(seconds=-1))) == sorted(second.digests)


PLACES = list(itertools.product(["004", "008"], ["F", "M"], ["2020", "2021", "2020-Q4"]))
said = st.sampled_from(
    [{"OBS_VALUE": value} for value in (None, "1", "1.0", "1.10", "2")]
    + [{"OBS_VALUE": "1", "CONF_STATUS": status, "COMMENT_OBS": note} for status in "FC" for note in "ab"]
    + [{"OBS_VALUE": "2", "CONF_STATUS": "C"}, {"OBS_VALUE": None, "OBS_STATUS": "Q", "UNIT_MULT": "3"}]
)
some_changes = st.dictionaries(st.sampled_from(PLACES), st.none() | said, max_size=6)
some_revisions = st.lists(some_changes, min_size=1, max_size=4)


@st.composite
def told_plans(draw: st.DrawFn) -> Plan:
    asked = draw(plans)
    few = st.sampled_from([("OBS_VALUE", "gt:1"), ("COMMENT_OBS", "ne:a"), ("TIME_PERIOD", "ge:2021"), None])
    one = draw(few)
    conditions = asked.conditions if one is None else (parse_condition(*one),)
    return replace(asked, conditions=conditions) if draw(st.booleans()) else plan()


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    made=st.lists(some_revisions, min_size=1, max_size=3),
    asked=st.lists(told_plans(), min_size=1, max_size=3),
    data=st.data(),
)
def test_every_update_is_that_of_the_reference(
    folder: SegmentStore, made: list[list[Any]], asked: list[Plan], data: st.DataObject
) -> None:
    reference, pairs = MemoryStore(), []
    for at, changes in enumerate(made):
        rows: dict[Any, Row] = {}
        written: list[tuple[Segment, Segment]] = []
        for number, change in enumerate(changes):
            rows = {place: one for place, one in (rows | change).items() if one is not None}
            sent = table([dict(zip(SCHEMA.key, place, strict=True)) | one for place, one in rows.items()])
            more: Any = {"agreement": f"agreement {at}", "revision": number + 1}
            previous = written[-1][1] if written and data.draw(st.sampled_from([True, True, False])) else None
            written.append(
                (
                    reference.write(sent, SCHEMA, **more),
                    folder.write(sent, SCHEMA, previous=previous, **more),
                )
            )
        pairs.append([None, *written])
    for question in asked:
        before, after = (
            [found for found in (data.draw(st.sampled_from(each)) for each in pairs) if found]
            for _ in range(2)
        )
        tried = updated(folder, question, [two for _, two in before], [two for _, two in after])
        right = [one for one, _ in before], [one for one, _ in after]
        assert tried == updated(reference, question, *right)
        if not (question.offset or question.limit or question.first_n or question.last_n):
            assert tried == compared_by_hand(reference, question, *right)


def compared_by_hand(store: Store, asked: Plan, before: Sequence[Segment], after: Sequence[Segment]) -> Told:
    was, now = (answer(store, plan(), segments) for segments in (before, after))
    whole = replace(asked, measures=("OBS_VALUE",), attributes=ATTRIBUTES)
    changed = [row for row in answer(store, whole, after) if row not in was]
    gone = {place: row for row, place in ((row, brief([row])[0]) for row in answer(store, asked, before))}
    deleted = [place for place in gone if place not in brief(now)]
    periods = {place: parse_period(gone[place]["TIME_PERIOD"]) for place in deleted}
    deleted.sort(key=lambda place: (place.split()[:2], periods[place].start, place.split()[2]))
    return deleted, [{id: row[id] for id in asked.columns} for row in changed]


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(some_changes, min_size=2, max_size=5), data=st.data())
def test_updates_applied_to_an_answer_give_the_later_one(
    folder: SegmentStore, changes: list[Any], data: st.DataObject
) -> None:
    rows: dict[Any, Row] = {}
    written: list[Segment] = []
    for number, change in enumerate(changes):
        rows = {place: one for place, one in (rows | change).items() if one is not None}
        sent = table([dict(zip(SCHEMA.key, place, strict=True)) | one for place, one in rows.items()])
        previous = written[-1] if written else None
        written.append(folder.write(sent, SCHEMA, agreement="A", revision=number + 1, previous=previous))
    one, other = (data.draw(st.sampled_from(written)) for _ in range(2))
    deleted, changed = updated(folder, plan(), [one], [other])
    replica = {place: row for row in answer(folder, plan(), [one]) for place in brief([row])}
    for place in deleted:
        del replica[place]
    replica |= {place: row for row in changed for place in brief([row])}
    assert replica == {place: row for row in answer(folder, plan(), [other]) for place in brief([row])}


def test_a_query_that_takes_too_long_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine is interrupted, says so, and answers the next query."""
    store = SegmentStore(FolderDepot(tmp_path))
    segment = store.write(
        table([{"AREA": AREAS[0], "SEX": "F", "TIME_PERIOD": "2020"}]), SCHEMA, agreement="A", revision=1
    )
    monkeypatch.setattr("migdx.stores.engine.LONGEST", 0.2)
    endless = duck.Statement(
        text="SELECT count(*) FROM range(100000000) a, range(100000000) b WHERE a.range + b.range = 7"
    )
    with pytest.raises(TooLarge, match="takes longer than"):
        list(store._streamed(endless, []))
    monkeypatch.undo()
    assert sum(batch.num_rows for batch in store.select(Plan(SCHEMA), [segment])) == 1
    store.close()


@pytest.mark.parametrize("damage", ["missing", "halved", "garbled"])
def test_a_damaged_segment_is_said_to_be_unreadable(tmp_path: Path, damage: str) -> None:
    store = SegmentStore(FolderDepot(tmp_path))
    segment = store.write(
        table([{"AREA": AREAS[0], "SEX": "F", "TIME_PERIOD": "2020"}]), SCHEMA, agreement="A", revision=1
    )
    (path,) = tmp_path.rglob("*.parquet")
    content = path.read_bytes()
    path.unlink()
    if damage != "missing":
        path.write_bytes(content[: len(content) // 2] if damage == "halved" else b"x" * len(content))
    for reading in (lambda: list(store.select(Plan(SCHEMA), [segment])), lambda: store.read(segment)):
        with pytest.raises(Unavailable, match="cannot be read now"):
            reading()
    store.close()
