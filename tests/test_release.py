"""What the public sees at an instant, whatever was released, rolled back, embargoed or taken back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migdx.release import Release, effective, next_change

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
    assert next_change(made, hour(2)) == hour(10)
    assert next_change(made, hour(10)) is None


def test_an_embargo_called_off_never_shows() -> None:
    made = [release("a", 1, one=1), release("b", 2, 10, cancelled=5, one=2)]
    assert effective(made, hour(11)) == {ONE: 1}
    assert next_change(made, hour(6)) is None


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
    assert next_change(mixed, at) == next_change(made, at)


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
    change = next_change(made, at)
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
