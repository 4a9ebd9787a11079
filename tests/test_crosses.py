"""Breakdowns crossed: the four subpopulations beside their total, and shares beside their counts."""

import pytest
from test_observation_rules import judge, told, v  # noqa: F401

CROSS = (("NB", "CIT", 700), ("NB", "FOR", 50), ("FB", "CIT", 100), ("FB", "FOR", 150))


def cells(*more, total=1000, **said):
    rows = [v(figure, BIRTHPLACE=birth, CITIZENSHIP=citizenship) for birth, citizenship, figure in CROSS]
    return [row | said for row in (v(total), *rows, *more)]


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        (cells(), []),
        (cells(total=900), [("error", None, 1)]),
        (cells(total=995), [("warning", None, 1)]),  # as rounding that nobody declared would do
        (cells(total=1040), [("information", None, 1)]),  # what is unknown, without a row
        (cells(v(40, BIRTHPLACE="_U"), total=1040), []),
        (cells(v(40, BIRTHPLACE="FB", CITIZENSHIP="_U"), total=1040), []),
        (cells(v(40, BIRTHPLACE="_U"), total=1200), [("error", None, 1)]),
        (cells(v(200, CITIZENSHIP="_U"), total=1200), []),  # nobody says of which birthplace
        (cells(v(750, BIRTHPLACE="NB"), v(250, BIRTHPLACE="FB"), total=900), []),  # its sides are tested
        (cells(total=900)[:4], []),  # a cell is missing
        (cells(total=500, ROUND_METHOD="PERTURB"), [("warning", None, 1)]),
    ],
)
def test_the_four_subpopulations_without_the_totals_of_their_sides(judge, rows, found):  # noqa: F811
    assert told(judge("cross_differs", "DF_MIG_STOCK", *rows)) == found


def test_a_cross_that_lacks_a_cell_is_not_checked(judge):  # noqa: F811
    judge("cross_differs", "DF_MIG_STOCK", *cells()[:4])
    entry = {"check": "cross_differs", "rule": "C05", "reason": "missing_parts", "count": 1}
    assert entry in [dict(one) for one in judge.report.not_checked]


def test_no_sum_of_a_cross_with_a_confidential_cell_is_shown(judge):  # noqa: F811
    rows = cells(total=900)
    rows[4] |= {"CONF_STATUS": "C"}
    ((group),) = judge("cross_differs", "DF_MIG_STOCK", *rows)
    assert group["sample"][0].get("expected") in (None, "")
