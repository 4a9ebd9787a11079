"""Time periods of SDMX: what they cover, and what is none (SDMX 3.0 Technical Notes, 4.2)."""

import itertools
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migdx.periods import EPOCH, kind_of_frequency, parse_period


def day(text):
    return (date.fromisoformat(text) - EPOCH).days


@pytest.mark.parametrize(
    ("text", "start", "end", "kind"),
    [
        ("2023", "2023-01-01", "2023-12-31", "A"),
        ("2023-A1", "2023-01-01", "2023-12-31", "A"),
        ("2023-S2", "2023-07-01", "2023-12-31", "S"),
        ("2023-T3", "2023-09-01", "2023-12-31", "T"),
        ("2023-Q4", "2023-10-01", "2023-12-31", "Q"),
        ("2024-02", "2024-02-01", "2024-02-29", "M"),
        ("2023-M12", "2023-12-01", "2023-12-31", "M"),
        ("2020-W53", "2020-12-28", "2021-01-03", "W"),
        ("2021-W01", "2021-01-04", "2021-01-10", "W"),
        ("2023-03-31", "2023-03-31", "2023-03-31", "D"),
        ("2024-D366", "2024-12-31", "2024-12-31", "D"),
        ("2023-05-01T12:30:00", "2023-05-01", "2023-05-01", "I"),
        ("2023-05-01T12:30:00Z", "2023-05-01", "2023-05-01", "I"),
        ("2023-04-01/P1Y", "2023-04-01", "2024-03-31", "A"),
        ("2023-01-31/P1M", "2023-01-31", "2023-02-27", "M"),
        ("2023-01-01/P5Y", "2023-01-01", "2027-12-31", "R"),
        ("2023-01-02/P7D", "2023-01-02", "2023-01-08", "W"),
    ],
)
def test_what_a_period_covers(text, start, end, kind):
    period = parse_period(text)
    assert period is not None
    assert (period.start, period.end, period.kind) == (day(start), day(end), kind)


@pytest.mark.parametrize(
    "text",
    [
        *[
            "",
            "abc",
            "20231",
            "2023-13",
            "2023-00",
            "2023-02-30",
            "2023-Q5",
            "2023-Q0",
            "2023-S3",
            "2023-T4",
            "2023-M13",
        ],
        *[
            "2021-W53",
            "2023-D366",
            "2023-D000",
            "0000",
            "31.12.2023",
            "2023/2024",
            "2023-01-01/",
            "2023-01-01/P",
        ],
        *[
            "2023-Q1/P1Y",
            "2023\n",
            "２０２３",
            " 2023",
            "2023-01-01Tnoon",
            "2023-01-01/P99999Y",
            "99999999999999999999",
        ],
    ],
)
def test_what_is_no_period(text):
    assert parse_period(text) is None


@given(st.dates(date(1700, 1, 1), date(2400, 12, 31)))
def test_a_day_lies_in_its_month_quarter_and_year(given_day):
    number = (given_day - EPOCH).days
    year, month = given_day.year, given_day.month
    for text in (
        str(given_day),
        f"{year}-{month:02}",
        f"{year}-Q{(month - 1) // 3 + 1}",
        f"{year}-S{(month - 1) // 6 + 1}",
        str(year),
    ):
        period = parse_period(text)
        assert period is not None
        assert period.start <= number <= period.end


@given(st.integers(1700, 2400), st.sampled_from([("S", 2), ("T", 3), ("Q", 4), ("M", 12)]))
def test_parts_of_a_year_follow_one_another(year, parts):
    letter, count = parts
    periods = [
        parse_period(f"{year}-{letter}{n:02}" if letter == "M" else f"{year}-{letter}{n}")
        for n in range(1, count + 1)
    ]
    whole = parse_period(str(year))
    assert periods[0].start == whole.start
    assert periods[-1].end == whole.end
    assert all(one.end + 1 == two.start for one, two in itertools.pairwise(periods))
    assert EPOCH + timedelta(days=whole.start) == date(year, 1, 1)


def test_the_kind_that_a_frequency_asks_for():
    assert [kind_of_frequency(code) for code in ("A", "Q", "M", "B", "I", "_Z")] == [
        "A",
        "Q",
        "M",
        "D",
        None,
        None,
    ]
