"""Mirror: what two countries say of the same movements stands side by side, and accuses nobody."""

import gzip
import re
from dataclasses import replace

import numpy as np
import pytest
from conftest import ROOT, flow_csv, flow_row, publish, said, sent
from hypothesis import given
from hypothesis import strategies as st

from migdx.checks.pairs import pairs
from migdx.dataset import Coded
from migdx.exchange import Exchange

FLOW = (
    "STRUCTURE,STRUCTURE_ID,ACTION,FREQ,REF_AREA,COMPONENT,SOURCE,COUNTERPART_AREA,BIRTHPLACE,CITIZENSHIP,SEX,AGE,"
    "REASON,TIME_PERIOD,OBS_VALUE,CONF_STATUS,UNIT_MEASURE,UNIT_MULT,RESIDENCE_CRIT,SOURCE_TYPE,COUNT_UNIT"
)
STOCK = (
    "STRUCTURE,STRUCTURE_ID,ACTION,FREQ,REF_AREA,SOURCE,BIRTHPLACE,CITIZENSHIP,SEX,AGE,DURATION_STAY,"
    "EDUCATION_LEV,LFS,URBANISATION,TIME_PERIOD,OBS_VALUE,CONF_STATUS,UNIT_MEASURE,UNIT_MULT,REF_DATE,"
    "RESIDENCE_CRIT,COB_DEF"
)
EMIGRANT = (
    "STRUCTURE,STRUCTURE_ID,ACTION,FREQ,REF_AREA,COUNTERPART_AREA,BIRTHPLACE,CITIZENSHIP,SEX,AGE,TIME_PERIOD,"
    "OBS_VALUE,CONF_STATUS,UNIT_MEASURE,UNIT_MULT,REF_DATE,RESIDENCE_CRIT,COB_DEF"
)


def flows(*rows):
    return _csv(FLOW, "DF_MIG_FLOW", rows)


def stock(*rows):
    return _csv(STOCK, "DF_MIG_STOCK", rows)


def emigrants(*rows):
    return _csv(EMIGRANT, "DF_MIG_EMIGRANT", rows)


def _csv(header, flow, rows):
    return "\n".join([header, *(f"dataflow,MIGDX:{flow}(1.0.0),R,A,{row}" for row in rows), ""]).encode()


def flow(area, component, partner, value, criterion="", unit="", *, conf="F", multiplier=0, year=2019):
    key = f"{area},{component},OFF,{partner},_T,_T,_T,_T,_T,{year}"
    return f"{key},{value},{conf},PS,{multiplier},{criterion},REG_POP,{unit}"


def released(exchange, provider, content):
    made, report = exchange.submit(sent(content, provider), by="test")
    assert report.verdict == "accepted", report.as_dict()["groups"]
    return exchange.release([one.id for one in made], by="test")


def mirrors(report, rule="M01"):
    """The counts of a rule, and its pairs."""
    own = [entry for entry in report.as_dict().get("mirrors", ()) if entry["rule"] == rule]
    return (own[0]["counts"] if own else {}), own[1:]


def told(report):
    return {
        (finding.code, finding.rule): finding
        for finding in report.findings
        if finding.code.startswith("mirror")
    }


def unchecked(report, rule="M01"):
    return {one["reason"]: int(one.get("count", 0)) for one in report.not_checked if one.get("rule") == rule}


def demo(country):
    return gzip.decompress((ROOT / "demo" / f"flow-{country}.csv.gz").read_bytes())


@pytest.fixture(scope="module")
def italy(tmp_path_factory):
    """An exchange in which Italy has released what Eurostat published of it."""
    made = Exchange.open(tmp_path_factory.mktemp("italy"))
    released(made, "ITA", demo("ITA"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def spain(italy):
    """What Spain is told of its own, beside Italy's."""
    return italy.check(sent(demo("ESP"), "ESP"))


# --- the figures of two countries -----------------------------------------------------------------------


def test_italy_and_spain(italy, spain):
    """What Spain counts as arriving from Italy in 2019 is three times what Italy counts as leaving for it."""
    counts, pairs_ = mirrors(spain)
    assert counts["pairs"] == counts["shown"] == len(pairs_) == 20  # ten years, both directions
    assert counts["definitionsUnknown"] == 20
    arrived = next(one for one in pairs_ if one["period"] == "2019" and ".IMMIG." in one["key"])
    assert [(side["provider"], side["area"], side["value"]) for side in arrived["sides"]] == [
        ("ESP", "724", "21559"),
        ("ITA", "380", "6787"),
    ]
    assert arrived["sides"][1]["key"] == "A.380.EMIG.OFF.724._T._T._T._T._T"
    assert arrived["sides"][1]["release"] == italy.ledger.history().releases[0].id
    assert arrived["sides"][1]["publicFrom"].endswith("+00:00")
    assert arrived["ratio"] == pytest.approx(6787 / 21559, abs=1e-3)
    assert arrived["difference"] == "14772"
    assert arrived["asymmetry"] == pytest.approx((21559 - 6787) / ((21559 + 6787) / 2), abs=1e-3)
    assert arrived["beyond"]
    sizes = [abs(float(one["difference"])) for one in pairs_]
    assert sizes == sorted(sizes, reverse=True)


def test_it_informs_and_nothing_more(spain):
    (finding,) = told(spain).values()
    counts, pairs_ = mirrors(spain)
    assert (finding.severity, finding.blocking, finding.final) == ("information", False, False)
    assert finding.level == 3
    assert finding.count == counts["beyond"] == sum(one["beyond"] for one in pairs_) > 0


def test_what_has_no_partner_is_counted(spain):
    assert unchecked(spain) == {"no_partner_figure": spain.counts.received - 20}


def test_both_sides_see_the_same(exchange, spain):
    """Seen from Italy every pair is the same, with the difference the other way round."""
    released(exchange, "ESP", demo("ESP"))
    _, here = mirrors(spain)
    _, there = mirrors(exchange.check(sent(demo("ITA"), "ITA")))

    def said(one, sign):
        sides = sorted((side["area"], side["value"]) for side in one["sides"])
        return sides, one["period"], one["ratio"], one["asymmetry"], sign * float(one["difference"])

    assert sorted(said(one, 1) for one in here) == sorted(said(one, -1) for one in there)


def test_at_most_fifty_are_shown_and_all_are_counted(exchange):
    publish(exchange, "DEU", [flow_row("276", "EMIG", "250", year, 1000) for year in range(1950, 2020)])
    rows = [flow_row("250", "IMMIG", "276", year, 3000 + year) for year in range(1950, 2020)]
    report = exchange.check(sent(flow_csv(*rows), "FRA"))
    counts, shown = mirrors(report)
    assert (counts["pairs"], counts["beyond"], counts["shown"], len(shown)) == (70, 70, 50, 50)
    assert {one["period"] for one in shown} == {str(year) for year in range(1970, 2020)}
    (finding,) = told(report).values()
    assert finding.count == 70
    assert finding.places[0].period == "2019"  # the largest difference first


# --- thresholds -----------------------------------------------------------------------------------------


SIZES = (
    (1000, 1999, False, 0.5),
    (1000, 2001, True, 0.5),
    (1000, 500, False, 2.0),
    (1000, 499, True, 2.004),
    (100, 20, False, 5.0),  # a factor of five, and 80 persons
    (0, 100, False, None),
    (0, 101, True, None),  # no ratio: the difference alone
    (0, 0, False, None),
)
"""Emigrants here, immigrants there: whether they lie apart, and their ratio."""


def test_a_factor_and_a_difference(exchange):
    cases = dict(enumerate(SIZES, start=2001))
    there = [flow("276", "IMMIG", "250", case[1], year=year) for year, case in cases.items()]
    released(exchange, "DEU", flows(*there))
    here = [flow("250", "EMIG", "276", case[0], year=year) for year, case in cases.items()]
    report = exchange.check(sent(flows(*here), "FRA"))
    _, found = mirrors(report)
    by_year = {int(pair["period"]): pair for pair in found}
    for year, (_, _, beyond, ratio) in cases.items():
        assert by_year[year]["beyond"] == beyond, cases[year]
        assert by_year[year]["ratio"] == (None if ratio is None else pytest.approx(ratio, abs=1e-3))
        assert (by_year[year]["asymmetry"] is None) == (ratio is None)
    (finding,) = told(report).values()
    assert finding.count == sum(case[2] for case in SIZES)


def test_figures_in_thousands_are_multiplied_before(exchange):
    released(exchange, "DEU", flows(flow("276", "IMMIG", "250", 12, multiplier=3)))
    _, (pair,) = mirrors(exchange.check(sent(flows(flow("250", "EMIG", "276", 11990)), "FRA")))
    assert ([side["value"] for side in pair["sides"]], pair["beyond"]) == (["11990", "12000"], False)


# --- definitions ----------------------------------------------------------------------------------------


CRITERIA = (
    (("M12", "PERSON"), ("M12", "PERSON"), "yes", {}),
    (("M12", "PERSON"), ("REG", "PERSON"), "no", {"RESIDENCE_CRIT": "differs"}),
    (("M12", "PERSON"), ("M12", "EVENT"), "no", {"COUNT_UNIT": "differs"}),
    (("M12", "PERSON"), ("M12", ""), "unknown", {"COUNT_UNIT": "not_said"}),
    (("_U", "PERSON"), ("_U", "PERSON"), "unknown", {"RESIDENCE_CRIT": "not_said"}),
    (("M12", ""), ("REG", ""), "no", {"RESIDENCE_CRIT": "differs", "COUNT_UNIT": "not_said"}),
)
"""Criteria here and there: whether they can be compared, and why not."""


def test_only_the_comparable_is_judged_and_all_is_shown(exchange):
    cases = dict(enumerate(CRITERIA, start=2001))
    there = [flow("276", "IMMIG", "250", 9000, *case[1], year=year) for year, case in cases.items()]
    released(exchange, "DEU", flows(*there))
    here = [flow("250", "EMIG", "276", 1000, *case[0], year=year) for year, case in cases.items()]
    report = exchange.check(sent(flows(*here), "FRA"))
    counts, found = mirrors(report)
    for pair in found:
        mine, theirs, comparable, why = cases[int(pair["period"])]
        assert pair["comparable"] == comparable
        assert {one["component"]: one["reason"] for one in pair["why"]} == why
        assert [side["definitions"]["RESIDENCE_CRIT"] for side in pair["sides"]] == [mine[0], theirs[0]]
        assert [side["definitions"]["SOURCE_TYPE"] for side in pair["sides"]] == ["REG_POP", "REG_POP"]
    assert (counts["beyond"], counts["notComparable"], counts["definitionsUnknown"]) == (6, 3, 2)
    assert unchecked(report)["definitions_differ"] == 3
    (finding,) = told(report).values()
    assert finding.count == 3


# --- who lives abroad -----------------------------------------------------------------------------------


def abroad(birth, citizenship, value, date="2021-01-01", area="380", there="724"):
    return f"{area},{there},{birth},{citizenship},_T,_T,2021,{value},F,PS,0,{date},M12,PLACE"


def resident(birth, citizenship, value, date="2021-01-01", area="724", source="OFF"):
    return f"{area},{source},{birth},{citizenship},_T,_T,_T,_T,_T,_T,2021,{value},F,PS,0,{date},M12,PLACE"


def test_emigrants_of_a_country_beside_those_born_there(exchange):
    """250,000 native-born persons whom Italy knows of in Spain, 90,000 born in Italy whom Spain counts."""
    released(exchange, "ESP", stock(resident("380", "_T", 90_000), resident("_T", "380", 240_000)))
    report = exchange.check(sent(emigrants(abroad("NB", "_T", 250_000), abroad("_T", "CIT", 260_000)), "ITA"))
    counts, (born,) = mirrors(report, "M03")
    assert (counts["beyond"], born["ratio"], born["comparable"]) == (1, 2.778, "yes")
    _, (citizens,) = mirrors(report, "M03-CIT")
    assert ([side["value"] for side in citizens["sides"]], citizens["beyond"]) == (
        ["260000", "240000"],
        False,
    )
    assert set(told(report)) == {("mirror_difference", "M03")}


def test_those_born_elsewhere_beside_what_their_country_says(exchange):
    """The same from the other side: the ratio is the same, for it is of who left over who arrived."""
    released(exchange, "ITA", emigrants(abroad("NB", "_T", 250_000), abroad("_T", "CIT", 260_000)))
    report = exchange.check(sent(stock(resident("380", "_T", 90_000), resident("_T", "380", 240_000)), "ESP"))
    _, (born,) = mirrors(report, "M03-HERE")
    assert (born["ratio"], born["difference"]) == (2.778, "-160000")
    _, (citizens,) = mirrors(report, "M03-HERE-CIT")
    assert citizens["ratio"] == pytest.approx(260 / 240, abs=1e-3)


def test_another_day_is_not_compared(exchange):
    released(exchange, "ESP", stock(resident("380", "_T", 90_000, date="2021-07-01")))
    report = exchange.check(sent(emigrants(abroad("NB", "_T", 250_000)), "ITA"))
    _, (pair,) = mirrors(report, "M03")
    assert (pair["comparable"], pair["why"]) == ("no", [{"component": "REF_DATE", "reason": "differs"}])
    assert not told(report)


def test_an_estimate_of_others_is_no_partner(exchange):
    released(exchange, "DESA", stock(resident("380", "_T", 90_000, source="MODEL")))
    report = exchange.check(sent(emigrants(abroad("NB", "_T", 250_000)), "ITA"))
    assert mirrors(report, "M03") == ({}, [])
    assert unchecked(report, "M03") == {"no_partner_figure": 1}


# --- who is a partner -----------------------------------------------------------------------------------


def test_of_two_who_report_the_same_the_one_that_goes_before_is_the_partner(exchange):
    """An international organisation may send for a country that sends too: a row says whose it is."""
    released(exchange, "DEU", flows(flow("276", "IMMIG", "250", 3000), flow("276", "EMIG", "250", 100)))
    released(exchange, "DESA", flows(flow("276", "IMMIG", "250", 2900), flow("056", "IMMIG", "250", 50)))
    report = exchange.check(
        sent(flows(flow("250", "EMIG", "276", 1000), flow("250", "EMIG", "056", 60)), "FRA")
    )
    counts, found = mirrors(report)
    assert [(one["sides"][1]["provider"], one["sides"][1]["value"]) for one in found] == [
        ("DEU", "3000"),
        ("DESA", "50"),
    ]
    (finding,) = told(report).values()
    assert (counts["beyond"], finding.count) == (1, 1)


def test_nobody_is_a_partner_of_himself(exchange):
    released(exchange, "DESA", flows(flow("276", "IMMIG", "250", 3000)))
    content = flows(flow("250", "EMIG", "276", 1000))
    assert mirrors(exchange.check(sent(content, "DESA"))) == ({}, [])
    assert mirrors(exchange.check(sent(content, "FRA")))[0]["pairs"] == 1


def test_totals_and_regions_have_no_partner(exchange):
    released(exchange, "DEU", flows(flow("276", "IMMIG", "250", 3000)))
    report = exchange.check(sent(flows(flow("250", "EMIG", "_T", 1000), flow("250", "EMIG", "_U", 5)), "FRA"))
    assert mirrors(report) == ({}, [])
    assert "no_partner_figure" not in unchecked(report)


def test_an_own_figure_that_is_closed_is_not_compared(exchange):
    released(exchange, "DEU", flows(flow("276", "IMMIG", "250", 3000)))
    content = flows(flow("250", "EMIG", "276", 987654, conf="C"), flow("250", "EMIG", "056", 60))
    report = exchange.check(sent(content, "FRA"))
    assert mirrors(report) == ({}, [])
    assert unchecked(report) == {"closed_figure": 1, "no_partner_figure": 1}
    assert not re.search("987654|3000", said(report))


# --- rows that speak of the same ------------------------------------------------------------------------

codes = st.integers(-1, 3)


@given(
    st.lists(st.tuples(codes, codes), max_size=12),
    st.lists(st.tuples(codes, codes), max_size=12),
    st.booleans(),
)
def test_pairs_are_all_rows_that_agree(mine, theirs, wide):
    """As a join of two lists finds them, for columns whose texts stand in another order."""
    texts, others = ("a", "b", "c", "d"), ("c", "x", "a", "d")

    def columns(rows, values):
        return [Coded(values, np.array([row[at] for row in rows], np.int32)) for at in (0, 1)]

    first, second = columns(mine, texts), columns(theirs, others)
    if wide:  # more columns than fit into one number
        many = Coded(tuple(map(str, range(1 << 13))), np.zeros(len(mine), np.int32))
        first = [*[many] * 5, *first]
        second = [*[replace(many, codes=np.zeros(len(theirs), np.int32))] * 5, *second]
    rows = [np.arange(len(mine)), np.arange(len(theirs))]
    found = list(zip(*(side.tolist() for side in pairs(first, rows[0], second, rows[1])), strict=True))
    said = [
        [tuple(values[code] if code >= 0 else None for code in row) for row in side]
        for side, values in ((mine, texts), (theirs, others))
    ]
    expected = [
        (here, there)
        for here, one in enumerate(said[0])
        for there, other in enumerate(said[1])
        if one == other and None not in one
    ]
    assert sorted(found) == expected
    assert [here for here, _ in found] == sorted(here for here, _ in found)
