"""Questions about figures that do not fit those before them; what is stored counts as history."""

import pytest
from conftest import sent
from test_accounts import file, row

from migdx.exchange import Exchange


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    """An exchange in which nothing is kept: for what is only checked."""
    made = Exchange.open(tmp_path_factory.mktemp("empty"))
    yield made
    made.close()


def series(figures, code="EMIG", flow="FLOW", first=2010, **more):
    """A row for each figure, from `first` on; None leaves a year out."""
    return [
        row(code, figure, year=first + at, flow=flow, **more)
        for at, figure in enumerate(figures)
        if figure is not None
    ]


def periods(rows, *names):
    """The same with other periods, and the frequency that they have."""
    frequency = "Q" if "Q" in names[0] else "M"
    return [one | {"TIME_PERIOD": name, "FREQ": frequency} for one, name in zip(rows, names, strict=True)]


def told(report, code):
    """Per finding of a code the periods of its places, and the finding."""
    return [({place.period for place in one.places}, one) for one in report.findings if one.code == code]


def asked(empty, *rows):
    return empty.check(sent(file(rows), "DEU"))


def codes(report):
    return {one.code for one in report.findings if one.severity != "information"}


# --- a change -----------------------------------------------------------------------------------------------


def test_a_flow_that_changes_by_half_is_asked_about(empty):
    report = asked(
        empty, *series([2000, 3100]), *series([400, 900], code="IMMIG"), *series([5000, 7400], SEX="F")
    )
    ((years, found),) = told(report, "unusual_change")
    assert (years, found.count, found.values["given"], found.values["percent"]) == (
        {"2011"},
        1,
        "3100",
        "+55.0",
    )


def test_a_stock_that_changes_by_a_tenth_is_asked_about(empty):
    report = asked(empty, *series([2000, 2300], code="POP_START", flow="ACCOUNT"))
    assert told(report, "unusual_change")[0][1].rule == "T01-POP"
    stock = [one | {"REF_DATE": "2020-01-01"} for one in series([2000, 2300], flow="STOCK")]
    assert told(asked(empty, *stock), "unusual_change")[0][1].rule == "T01-STOCK"


@pytest.mark.parametrize(
    "more",
    [
        {"OBS_STATUS": "B", "BREAK_REASON": "METHOD"},
        {"OBS_STATUS": "P", "OBS_STATUS_2": "B", "BREAK_REASON": "METHOD"},
        {"OBS_STATUS_3": "B", "COMMENT_OBS": "other source"},
        {"BREAK_REASON": "CENSUS"},
        {"SOURCE_TYPE": "CENSUS_R"},
    ],
)
def test_a_break_or_a_census_excuses(empty, more):
    old, new = series([2000, 9000])
    report = asked(empty, old, new | more)
    assert not told(report, "unusual_change")
    assert "break_in_series" in {one["reason"] for one in report.not_checked if one.get("rule") == "T01"}


def test_seasons_are_no_change(empty):
    """Quarters and months are compared with those of the year before; a break in between counts."""
    quarters = ("2010-Q1", "2010-Q2", "2010-Q3", "2011-Q1", "2011-Q2")
    figures = [1000, 4000, 9000, 1100, 9000]
    report = asked(empty, *periods(series(figures), *quarters))
    ((found, one),) = told(report, "unusual_change")
    assert (found, one.values["period"]) == ({"2011-Q2"}, "2010-Q2")
    rows = periods(series(figures), *quarters)
    rows[2] |= {"OBS_STATUS": "B", "BREAK_REASON": "METHOD"}
    assert not told(asked(empty, *rows), "unusual_change")
    months = periods(series([1000, 9000]), "2010-05", "2011-05")
    assert told(asked(empty, *months), "unusual_change")[0][0] == {"2011-05"}


# --- an outlier, a shift, a break, a gap --------------------------------------------------------------------


def test_recent_years_count_more(empty):
    """The same figure is far from a series that came to rest, and near to one that still grows."""
    resting, growing = [7000, 7010, 7000, 7020, 7010, 9000], [5000, 5800, 6600, 7400, 8200, 9000]
    report = asked(empty, *series(resting), *series(growing, code="IMMIG"))
    ((years, found),) = told(report, "outlier")
    assert (years, found.count, found.places[0].key.split(".")[2]) == ({"2015"}, 1, "EMIG")
    assert found.values["before"] == "7010"


def test_what_is_usual_for_its_kind_is_no_outlier(empty):
    """A settled flow may change by a fifth, a settled stock by less than a tenth."""
    assert not told(asked(empty, *series([842, 867, 875, 860, 870, 1008])), "outlier")
    still = [90_000, 90_100, 90_050, 90_150, 90_100]
    stock = [
        one | {"REF_DATE": f"{one['TIME_PERIOD']}-01-01"} for one in series([*still, 98_900], flow="STOCK")
    ]
    assert told(asked(empty, *stock), "outlier")[0][1].rule == "T02-STOCK"
    assert not told(asked(empty, *series([*still, 98_900])), "outlier")


def test_fewer_than_four_years_are_no_history(empty):
    report = asked(empty, *series([None, None, 7000, 7010, 7000, 9000]))
    assert not told(report, "outlier")
    assert {"rule": "T02", "reason": "no_history", "count": 4}.items() <= next(
        one for one in report.not_checked if one.get("rule") == "T02"
    ).items()


def test_a_level_that_shifts_and_stays_wants_a_break(empty):
    shifted = series([1000, 1020, 1010, 1400, 1420])
    ((years, found),) = told(asked(empty, *shifted), "level_shift_without_break")
    assert (years, found.values["given"], found.values["before"]) == ({"2013"}, "1400", "1010")
    assert not told(asked(empty, *series([1000, 1020, 1010, 1400, 1020])), "level_shift_without_break")
    trend = series([1520, 1560, 1668, 1921, 2101])
    assert not told(asked(empty, *trend), "level_shift_without_break")
    shifted[3] |= {"OBS_STATUS": "B", "BREAK_REASON": "SOURCE"}
    assert not codes(asked(empty, *shifted))


def test_a_break_says_why(empty):
    rows = series([1000, 1020, 1010])
    rows[1] |= {"OBS_STATUS": "P", "OBS_STATUS_2": "B"}
    rows[2] |= {"OBS_STATUS": "B", "COMMENT_OBS": "another register"}
    assert told(asked(empty, *rows), "break_without_reason")[0][0] == {"2011"}


def test_a_gap_is_known(empty):
    ((years, found),) = told(asked(empty, *series([1000, None, 1010, 1020])), "gap_in_years")
    assert (years, found.severity, found.values["before"]) == ({"2012"}, "information", "2010")
    census = series([1000, *[None] * 9, 1100], SOURCE="CENSUS", SOURCE_TYPE="CENSUS")
    assert not told(asked(empty, *census), "gap_in_years")
    said = [*series([1000, None, 1010]), row("EMIG", "", year=2011, flow="FLOW", OBS_STATUS="O")]
    assert not told(asked(empty, *said), "gap_in_years")


def test_a_series_of_every_fifth_year_has_no_gaps(empty):
    every_fifth = [1000, *[None] * 4, 1050, *[None] * 4, 1100, *[None] * 3, 1150]
    assert not told(asked(empty, *series(every_fifth)), "gap_in_years")
    two = series([1000, None, 1010])
    assert not told(asked(empty, *two), "gap_in_years")
    others = series([500, 510, 520], code="IMMIG")
    assert told(asked(empty, *two, *others), "gap_in_years")[0][1].count == 1
    missing = [1000, *[None] * 4, 1050, *[None] * 4, 1100, *[None] * 9, 1200]
    assert told(asked(empty, *series(missing, first=1990)), "gap_in_years")[0][0] == {"2010"}


# --- what is stored -----------------------------------------------------------------------------------------


def test_what_was_sent_before_is_history_and_is_not_faulted(exchange):
    made, _ = exchange.submit(sent(file(series([2000, 9000])), "DEU"), by="test")
    report = exchange.submit(sent(file(series([3000, None, 3100], first=2012)), "DEU"), by="test")[1]
    ((years, found),) = told(report, "unusual_change")
    assert (years, found.count, found.values["before"]) == ({"2012"}, 1, "9000")
    ((years, found),) = told(report, "gap_in_years")
    assert years == {"2014"}
    assert made[0].verdict == "accepted"


def test_a_check_does_not_see_what_is_not_released(exchange):
    for release, figures in ((True, [2000]), (False, [9000])):
        made, _ = exchange.submit(sent(file(series(figures)), "DEU"), by="test")
        if release:
            exchange.release([one.id for one in made], by="test")
    ((_, found),) = told(exchange.check(sent(file(series([9100], first=2011)), "DEU")), "unusual_change")
    assert found.values["before"] == "2000"


def test_a_masked_figure_is_no_history(exchange):
    """Neither its size nor its sign can be found by trying."""
    made, _ = exchange.submit(sent(file(series([4321], CONF_STATUS="C")), "DEU"), by="test")
    exchange.release([one.id for one in made], by="test")
    answers = []
    for tried in (1, 4321, 90000):
        report = exchange.check(sent(file(series([tried], first=2011)), "DEU"))
        answers.append(codes(report))
        report = exchange.check(sent(file(series([tried])), "DEU"))
        answers.append(codes(report))
    assert answers == [set()] * 6


def test_a_row_with_a_fault_is_no_gap(empty):
    rows = series([1000, "many", 1010])
    assert not told(asked(empty, *rows), "gap_in_years")
