"""One suite for every store: what memory.py answers is right, and the others answer the same."""

from __future__ import annotations

import itertools
import struct
import threading
from collections.abc import Iterator, Mapping, Sequence
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


@pytest.fixture(params=["memory", "segments"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "memory":
        yield MemoryStore()
    else:
        made = SegmentStore(FolderDepot(tmp_path / "store"), memory="512MB", threads=2)
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


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[SegmentStore]:
    store = SegmentStore(FolderDepot(tmp_path / "store"), memory="512MB", threads=2)
    yield store
    store.close()


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
    assert folder.sweep([kept]) == []  # all younger than an hour
    swept = folder.sweep([kept], timedelta(seconds=-1))
    file = f"{orphan.name}.parquet"
    assert sorted(swept) == sorted(
        [draft.relative_to(folder.depot.local).as_posix(), f"open/{file}", f"restricted/{file}"]
    )
    assert folder.sweep([kept], timedelta(seconds=-1)) == []
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
        assert other.as_dict() | {"name": ""} == one.as_dict() | {"name": ""}
        assert folder.read(other).to_pylist() == reference.read(one).to_pylist()
    for question in asked:
        assert answer(folder, question, tried) == answer(reference, question, right)
        assert folder.count(question, tried) == reference.count(question, right)


def test_a_query_that_takes_too_long_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine is interrupted, says so, and answers the next query."""
    store = SegmentStore(FolderDepot(tmp_path))
    segment = store.write(
        table([{"AREA": AREAS[0], "SEX": "F", "TIME_PERIOD": "2020"}]), SCHEMA, agreement="A", revision=1
    )
    monkeypatch.setattr("migdx.stores.segments.LONGEST", 0.2)
    endless = duck.Statement(
        text="SELECT count(*) FROM range(100000000) a, range(100000000) b WHERE a.range + b.range = 7"
    )
    with pytest.raises(TooLarge, match="takes longer than"):
        list(store._stream(endless, []))
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
