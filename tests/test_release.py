"""What the public sees at an instant, whatever was released, rolled back, embargoed or taken back."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from conftest import flow_csv, flow_row, sent
from hypothesis import given
from hypothesis import strategies as st

from migdx import preview, releasing
from migdx.errors import Conflict, ExchangeError, NotFound, SemanticFault, SyntaxFault
from migdx.exchange import Exchange
from migdx.release import Course, Release, effective
from migdx.releasing import Asked, Effect

START = datetime(2026, 1, 1, tzinfo=UTC)
ONE, TWO = ("PA_ONE", "FLOW"), ("PA_TWO", "FLOW")


def hour(number: float) -> datetime:
    return START + timedelta(hours=number)


def release(
    id: str, at: float, public: float | None = None, cancelled: float | None = None, **slots: int
) -> Release:
    revisions = {{"one": ONE, "two": TWO}[name]: number for name, number in slots.items()}
    return Release(
        id, hour(at), hour(at if public is None else public), revisions,
        cancelled=None if cancelled is None else hour(cancelled),
    )  # fmt: skip


def test_before_and_after() -> None:
    made = [release("a", 1, one=1, two=1), release("b", 2, one=2)]
    assert effective(made, hour(0)) == {}
    assert effective(made, hour(1)) == {ONE: 1, TWO: 1}
    assert effective(made, hour(2)) == {ONE: 2, TWO: 1}


def test_rollback_is_a_release_of_an_earlier_revision() -> None:
    made = [release("a", 1, one=1), release("b", 2, one=2), release("back", 3, one=1)]
    assert [effective(made, hour(h))[ONE] for h in (1, 2, 3)] == [1, 2, 1]


def test_embargo() -> None:
    made = [release("a", 1, one=1), release("b", 2, 10, one=2, two=1)]
    assert effective(made, hour(9.99)) == {ONE: 1}
    assert effective(made, hour(10)) == {ONE: 2, TWO: 1}
    assert Course(made).next_change(hour(2)) == hour(10)
    assert Course(made).next_change(hour(10)) is None


def test_an_embargo_called_off_never_shows() -> None:
    made = [release("a", 1, one=1), release("b", 2, 10, cancelled=5, one=2)]
    assert effective(made, hour(11)) == {ONE: 1}
    assert Course(made).next_change(hour(6)) is None


def test_an_embargo_is_moved_by_calling_off_and_releasing_again() -> None:
    made = [release("b", 2, 10, cancelled=5, one=2), release("c", 5.1, 7, one=2)]
    assert [effective(made, hour(h)) for h in (6, 7, 11)] == [{}, {ONE: 2}, {ONE: 2}]


def test_a_public_release_taken_back_was_public_till_then() -> None:
    made = [release("a", 1, one=1), release("b", 2, cancelled=5, one=2)]
    assert [effective(made, hour(h))[ONE] for h in (1, 4.9, 5)] == [1, 2, 1]


def test_refuses_what_would_change_the_past() -> None:
    with pytest.raises(ValueError, match="made only"):
        release("a", 2, 1, one=1)
    with pytest.raises(ValueError, match="time zone"):
        Release("a", datetime(2026, 1, 1), START, {})  # noqa: DTZ001


@st.composite
def histories(draw: st.DrawFn) -> list[Release]:
    """Records in the order of their stamps, as a ledger gives them."""
    made = []
    for stamp in range(1, draw(st.integers(1, 8)) + 1):
        delay = draw(st.sampled_from([0, 0, 1, 3, 10]))
        slots = draw(st.dictionaries(st.sampled_from(["one", "two"]), st.integers(1, 4), min_size=1))
        after = draw(st.none() | st.integers(1, 12))
        made.append(
            release(
                f"r{stamp}", stamp, stamp + delay, None if after is None else stamp + after + 0.5, **slots
            )
        )
    return made


instants = st.integers(0, 60).map(lambda n: hour(n / 2))


def known_at(made: list[Release], at: datetime) -> list[Release]:
    """The records as they stood at `at`."""
    return [
        replace(r, cancelled=r.cancelled if r.cancelled and r.cancelled <= at else None)
        for r in made
        if r.stamp <= at
    ]


@given(histories(), st.randoms(), instants)
def test_order_does_not_matter(made: list[Release], random: object, at: datetime) -> None:
    mixed = list(made)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert effective(mixed, at) == effective(made, at)
    assert Course(mixed).next_change(at) == Course(made).next_change(at)


@given(histories(), instants, instants)
def test_the_past_never_changes(made: list[Release], one: datetime, other: datetime) -> None:
    """What was public at an instant is the same whenever one asks, from then on."""
    then, later = sorted((one, other))
    assert (
        effective(known_at(made, then), then)
        == effective(known_at(made, later), then)
        == effective(made, then)
    )


@given(histories(), instants)
def test_nothing_changes_before_the_next_change(made: list[Release], at: datetime) -> None:
    change = Course(made).next_change(at)
    steps = [at + timedelta(minutes=30 * n) for n in range(80)]
    for before, after in pairwise(steps):
        if effective(made, before) != effective(made, after):
            assert change is not None
            assert change <= after
            return


@given(histories(), instants)
def test_each_slot_shows_its_greatest_release(made: list[Release], at: datetime) -> None:
    shown = effective(made, at)
    for slot in (ONE, TWO):
        begun = [
            r
            for r in made
            if slot in r.revisions and r.public_from <= at and not (r.cancelled and r.cancelled <= at)
        ]
        best = max(begun, key=lambda r: (r.public_from, r.stamp), default=None)
        assert shown.get(slot) == (best.revisions[slot] if best else None)


# --- releasing: many at a time, moved, taken back -----------------------------------------------------------

TOMORROW = timedelta(days=1)
FLOWS = "MIGDX:DF_MIG_FLOW(1.0.0)"


def submitted(exchange: Exchange, provider: str, area: str, *values: float, embargo: str = "") -> str:
    """A submission of as many observations as there are values."""
    content = flow_csv(*(flow_row(area, "EMIG", "752", 2010 + at, v) for at, v in enumerate(values)))
    if embargo:
        head, *rows = content.decode().splitlines()
        content = "\n".join([f"{head},EMBARGO_TIME", *(f"{row},{embargo}" for row in rows), ""]).encode()
    (made,), report = exchange.submit(sent(content, provider), by="test")
    assert made.verdict == "accepted", report.as_dict()
    return made.id


def released(exchange: Exchange, **asked: object) -> Effect:
    return releasing.release(exchange.ledger, Asked(**asked), exchange.pinned(), by="test")  # type: ignore[arg-type]


def seen(exchange: Exchange) -> dict[str, int]:
    """The revision that each agreement shows now."""
    return {agreement: number for (agreement, _), number in exchange.public().revisions.items()}


def shown(effect: Effect) -> list[tuple[int, int]]:
    return [(one.before, one.after) for one in effect.shown]


def test_the_latest_of_a_dataflow_and_its_providers(exchange: Exchange) -> None:
    submitted(exchange, "FRA", "250", 1)
    submitted(exchange, "DEU", "276", 1)
    made = released(exchange, dataflow="DF_MIG_FLOW", providers=("FRA",))
    assert shown(made) == [(0, 1)]
    submitted(exchange, "FRA", "250", 2)
    submitted(exchange, "FRA", "250", 3)
    made = released(exchange, dataflow=FLOWS)
    assert sorted(shown(made)) == [(0, 1), (1, 3)]
    with pytest.raises(Conflict, match="all 2 agreements that match are public"):
        released(exchange, dataflow=FLOWS)
    for wrong in ({"dataflow": "NO_FLOW"}, {"dataflow": FLOWS, "providers": ("FRA", "ITA")}):
        with pytest.raises(SemanticFault, match="no accepted submission"):
            released(exchange, **wrong)
    with pytest.raises(SyntaxFault):
        released(exchange, dataflow="a:b:c")


def test_what_a_compiler_decided_is_not_undone_by_many_at_a_time(exchange: Exchange) -> None:
    """A revision that was taken back, or waits under an embargo, is told and left."""
    back = submitted(exchange, "FRA", "250", 1)
    exchange.cancel(exchange.release([back], by="test").id, by="test")
    waits = submitted(exchange, "DEU", "276", 1)
    exchange.release([waits], by="test", public_from=datetime.now(UTC) + TOMORROW)
    with pytest.raises(Conflict, match=r"(taken back.*becomes public|becomes public.*taken back)"):
        released(exchange, dataflow=FLOWS)
    submitted(exchange, "ITA", "380", 1)
    made = released(exchange, dataflow=FLOWS)
    assert (shown(made), {id for id, _ in made.left}) == ([(0, 1)], {back, waits})
    assert shown(released(exchange, submissions=(back,))) == [(0, 1)]  # who names it means it


def test_those_that_ask_for_a_later_embargo(exchange: Exchange) -> None:
    until = (datetime.now(UTC) + TOMORROW).replace(microsecond=0)
    later = submitted(exchange, "FRA", "250", 1, embargo=until.isoformat())
    submitted(exchange, "DEU", "276", 1)
    with pytest.raises(Conflict, match=f"{later} \\(FRA\\) until {until.date()}"):
        released(exchange, dataflow=FLOWS)
    assert seen(exchange) == {}
    made = released(exchange, dataflow=FLOWS, skip_embargoed=True)
    assert [id for id, _ in made.left] == [later]
    with pytest.raises(Conflict, match="Nothing is left"):
        released(exchange, dataflow=FLOWS, skip_embargoed=True)
    assert shown(released(exchange, dataflow=FLOWS, public_from=until)) == [(0, 1)]


def test_an_embargo_is_moved_in_one_transaction(exchange: Exchange) -> None:
    id = submitted(exchange, "FRA", "250", 1)
    far = datetime.now(UTC) + 9 * TOMORROW
    old = exchange.release([id], by="test", public_from=far, note="told", name="spring")
    before = exchange.ledger.history().seq
    with pytest.raises(SemanticFault, match="time zone"):
        released(exchange, move=old.id, public_from=datetime(2030, 1, 1))  # noqa: DTZ001
    assert exchange.ledger.history().seq == before
    moved = released(exchange, move="spring", public_from=far - TOMORROW).release
    assert (moved.public_from, moved.note, moved.name) == (far - TOMORROW, "told", "spring")
    history = exchange.ledger.history()
    assert (history.release(old.id).cancelled is not None, history.release("spring")) == (True, moved)
    assert seen(exchange) == {}
    now = released(exchange, move=moved.id).release
    assert list(seen(exchange).values()) == [1]
    for wrong in (now.id, old.id):
        with pytest.raises(Conflict):
            released(exchange, move=wrong)
    with pytest.raises(Conflict, match="named 'spring' already"):
        exchange.release([id], by="test", name="spring")


def test_a_move_that_is_refused_leaves_the_embargo(exchange: Exchange) -> None:
    """It would put an older revision in the place of a newer one later."""
    one, two = (submitted(exchange, "FRA", "250", value) for value in (1, 2))
    day = datetime.now(UTC) + TOMORROW
    exchange.release([one], by="test", public_from=day)
    second = exchange.release([two], by="test", public_from=day + TOMORROW)
    with pytest.raises(Conflict, match="older revision"):
        released(exchange, move=second.id)
    assert exchange.ledger.history().release(second.id).cancelled is None


def test_rolled_back_in_any_order(exchange: Exchange) -> None:
    one, two, three = (submitted(exchange, "FRA", "250", value) for value in (1, 2, 3))
    made = [exchange.release([id], by="test").id for id in (one, two, three)]
    assert shown(exchange.cancel(made[1], by="test", reason="wrong")) == [(3, 3)]
    assert exchange.ledger.history().release(made[1]).reason == "wrong"
    assert shown(exchange.cancel(made[2], by="test")) == [(3, 1)]
    assert shown(exchange.cancel(made[0], by="test")) == [(1, 0)]
    again = exchange.release([two], by="test", public_from=datetime.now(UTC) + TOMORROW)
    effect = exchange.cancel(again.id, by="test")
    assert (shown(effect), effect.at) == ([(2, 0)], again.public_from)
    with pytest.raises(Conflict, match="already"):
        exchange.cancel(again.id, by="test")


def at_once(call: Callable[[], object], times: int = 4) -> list[object]:
    """What each of several threads was given, or the fault that it met."""

    def tried(_: int) -> object:
        try:
            return call()
        except Conflict as fault:
            return fault

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(tried, range(times)))


def test_at_the_same_time_only_one_rolls_back(exchange: Exchange) -> None:
    made = exchange.release([submitted(exchange, "FRA", "250", 1)], by="test")
    found = at_once(lambda: exchange.cancel(made.id, by="test"))
    assert sum(isinstance(one, Effect) for one in found) == 1


def test_at_the_same_time_only_one_releases_what_is_not_public_yet(exchange: Exchange) -> None:
    submitted(exchange, "FRA", "250", 1)
    found = at_once(lambda: released(exchange, dataflow=FLOWS))
    assert sum(isinstance(one, Effect) for one in found) == 1
    assert len(exchange.ledger.history().releases) == 1


@pytest.mark.parametrize(
    "name",
    ["a/b", "../x", "é", "A", "a b", "-a", "a-", "a--b", ".", "a" * 65, "0" * 32, "a\n", "a%2fb", "\u0661"],
)
def test_what_is_no_name(exchange: Exchange, name: str) -> None:
    id = submitted(exchange, "FRA", "250", 1)
    with pytest.raises(SemanticFault, match="cannot stand in an address"):
        exchange.release([id], by="test", name=name)
    assert not exchange.ledger.history().releases


def test_a_list_with_what_is_no_submission_releases_nothing(exchange: Exchange) -> None:
    id = submitted(exchange, "FRA", "250", 1)
    many = [id] * 9_999
    with pytest.raises(NotFound):
        exchange.release([*many, "no"], by="test")
    assert seen(exchange) == {}
    assert exchange.release(many, by="test").revisions
    with pytest.raises(SemanticFault, match="at least one"):
        exchange.release([], by="test")
    for instant in (datetime.max.replace(tzinfo=timezone(-TOMORROW / 2)), datetime(2030, 1, 1)):  # noqa: DTZ001
        with pytest.raises((SyntaxFault, SemanticFault)):
            exchange.release([id], by="test", public_from=instant)


def test_a_dry_run_writes_nothing_and_refuses_what_the_release_would(exchange: Exchange) -> None:
    one, two = submitted(exchange, "FRA", "250", 1, 2, 3), submitted(exchange, "FRA", "250", 9, 2)
    exchange.release([one], by="test", name="first")
    before = exchange.ledger.history()
    found = preview.release(exchange, Asked((two,)))
    assert shown(found.effect) == [(1, 2)]
    # what is not sent again stays
    assert list(found.contents.values()) == [{"added": 0, "changed": 1, "removed": 0}]
    back = preview.cancel(exchange, "first")
    assert list(back.contents.values()) == [{"added": 0, "changed": 0, "removed": 3}]
    for wrong in (Asked(("no",)), Asked((two,), name="first"), Asked((two,), move="first")):
        with pytest.raises(ExchangeError):
            preview.release(exchange, wrong)
    assert exchange.ledger.history() == before
    assert list(seen(exchange).values()) == [1]


@given(histories())
def test_a_course_shows_what_is_effective(made: list[Release]) -> None:
    """Whatever it was asked before, at every change, and a moment before and after it."""
    course = Course(made)
    ends = {instant for r in made for instant in (r.public_from, r.cancelled) if instant}
    moments = [instant + timedelta(microseconds=by) for instant in ends for by in (-1, 0, 1)]
    for at in [*moments, *sorted(moments, reverse=True)]:
        assert course.shown(at) == effective(made, at)
        after = course.next_change(at)
        assert after is None or after > at
        assert all(effective(made, one) == course.shown(at) for one in moments if at <= one < (after or one))
