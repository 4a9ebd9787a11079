"""The rules for single figures: what they find, and what they let pass. Each has its specimen besides."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from conftest import sent
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from migdx.exchange import Exchange
from migdx.folders import shipped_structures

FLOW = {
    "FREQ": "A",
    "REF_AREA": "250",
    "COMPONENT": "IMMIG",
    "SOURCE": "OFF",
    "TIME_PERIOD": "2019",
    **dict.fromkeys(["COUNTERPART_AREA", "BIRTHPLACE", "CITIZENSHIP", "SEX", "AGE", "REASON"], "_T"),
}
STOCK = {
    **{id: code for id, code in FLOW.items() if id not in ("COMPONENT", "COUNTERPART_AREA", "REASON")},
    **dict.fromkeys(["DURATION_STAY", "EDUCATION_LEV", "LFS", "URBANISATION"], "_T"),
}
TEMPORARY = {
    id: code for id, code in FLOW.items() if id not in ("COMPONENT", "SOURCE", "BIRTHPLACE", "REASON")
} | {"DIRECTION": "INFLOW", "STOCK_FLOW": "STK", "MOBILITY_GROUP": "_T", "DURATION": "_T"}
PA4 = {id: code for id, code in STOCK.items() if id != "SOURCE"} | {
    "INDICATOR": "IND_4_1", "COUNTERPART_AREA": "_T", "PROTECTION_STATUS": "_T", "REASON": "_T",
}  # fmt: skip
KEYS = {"DF_MIG_FLOW": FLOW, "DF_MIG_ACCOUNT": FLOW, "DF_MIG_STOCK": STOCK}
KEYS |= {"DF_MIG_TEMPORARY": TEMPORARY, "DF_MIG_IND_PA4": PA4}
TODAY = datetime.now(UTC).date()
SAID = {"OBS_STATUS": "A", "CONF_STATUS": "F", "UNIT_MEASURE": "PS", "UNIT_MULT": "0"}


def table(flow, *rows):
    """SDMX-CSV of rows, each with what differs from a total of France in 2019; a value of None: no column."""
    usual = {**KEYS[flow], **SAID, **({"UNIT_MEASURE": "PT"} if flow == "DF_MIG_IND_PA4" else {})}
    full = [{**usual, **row} for row in rows]
    ids = list(dict.fromkeys(id for row in full for id in row if row[id] is not None))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["STRUCTURE", "STRUCTURE_ID", "ACTION", *ids])
    for row in full:
        writer.writerow(["dataflow", f"MIGDX:{flow}(1.0.0)", "R", *(row.get(id, "") for id in ids)])
    return text.getvalue().encode()


def v(figure, **more):
    return {"OBS_VALUE": figure, **more}


@pytest.fixture(scope="module")
def judge(tmp_path_factory):
    """What a check finds in rows of France: its findings, as a report tells them."""
    exchange = Exchange.open(tmp_path_factory.mktemp("rules"))

    def judge(check, flow, *rows):
        report = exchange.check(sent(table(flow, *rows), "FRA"))
        judge.report = report
        return [group for group in report.as_dict()["groups"] if group["code"] == check]

    yield judge
    exchange.close()


def told(groups):
    """(severity, value, count) of findings."""
    return [(group["severity"], group["value"], group["count"]) for group in groups]


# --- time ---------------------------------------------------------------------------------------------------


def test_a_year_that_goes_on_is_no_future_for_a_stock_and_unfinished_for_a_flow(judge):
    year, after = str(TODAY.year), str(TODAY.year + 1)
    assert not judge("future_period", "DF_MIG_STOCK", v(10, TIME_PERIOD=year))
    assert told(judge("future_period", "DF_MIG_FLOW", v(10, TIME_PERIOD=year))) == [("warning", year, 1)]
    assert told(judge("future_period", "DF_MIG_FLOW", v(10, TIME_PERIOD=after))) == [("error", after, 1)]
    assert not judge("future_period", "DF_MIG_FLOW", v(10, TIME_PERIOD=after, OBS_STATUS="F"))
    assert not judge(
        "future_period", "DF_MIG_FLOW", v(10, TIME_PERIOD=after, OBS_STATUS="E", OBS_STATUS_2="F")
    )
    assert not judge("future_period", "DF_MIG_FLOW", v("", TIME_PERIOD=after, OBS_STATUS="O"))


def test_a_day_is_over_or_to_come(judge):
    today, tomorrow = TODAY, TODAY + timedelta(days=1)
    row = {"FREQ": "M", "TIME_PERIOD": f"{today:%Y-%m}"}
    assert not judge("future_period", "DF_MIG_STOCK", v(10, **row))
    later = f"{tomorrow.year + 1}-{tomorrow:%m}"
    assert told(judge("future_period", "DF_MIG_STOCK", v(10, **row | {"TIME_PERIOD": later})))


@pytest.mark.parametrize("day", ["2019-01-01", "2019-12-31", "2020-01-01", "2018-12-31", "2019-07", "2019"])
def test_a_reference_date_is_of_the_period_or_next_to_it(judge, day):
    assert not judge("date_outside_period", "DF_MIG_STOCK", v(10, REF_DATE=day))


@pytest.mark.parametrize("day", ["2018-12-30", "2020-01-02", "2091-01-01"])
def test_another_reference_date_is_asked_about(judge, day):
    found = judge("date_outside_period", "DF_MIG_STOCK", v(10, REF_DATE=day), v(11, SEX="F", REF_DATE=day))
    assert told(found) == [("warning", day, 2)]
    assert found[0]["expected"] == {"period": "2019"}


@pytest.mark.parametrize(
    ("collected", "day", "wrong"),
    [
        ("B", "2019-01-01", False),
        ("B", "2018-12-31", False),
        ("B", "2019-12-31", True),
        ("M", "2019-06-30", False),
        ("M", "2019-01-01", True),
        ("E", "2020-01-01", False),
        ("E", "2019-01-01", True),
        ("A", "2019-01-01", False),  # an average is of no day
    ],
)
def test_the_reference_date_is_at_the_point_that_is_said(judge, collected, day, wrong):
    found = judge("date_not_as_collected", "DF_MIG_STOCK", v(10, REF_DATE=day, TIME_PER_COLLECT=collected))
    assert bool(found) is wrong


# --- figures ------------------------------------------------------------------------------------------------


def test_only_differences_may_be_negative(judge):
    found = judge("negative_count", "DF_MIG_FLOW", v(-4), v(-5, SEX="F"), v(-6, COMPONENT="NET"))
    assert told(found) == [("error", None, 2)]  # one cause, one group
    assert found[0]["final"]
    assert [place["given"] for place in found[0]["sample"]] == ["-4", "-5"]
    assert not judge("negative_count", "DF_MIG_ACCOUNT", v(-6, COMPONENT="ADJ"))


def test_a_confidential_figure_is_not_echoed(judge):
    (group,) = judge("negative_count", "DF_MIG_FLOW", v(-987654, CONF_STATUS="C"))
    assert group["sample"][0].get("given") is None
    assert "987654" not in str(judge.report.as_dict(("en", "fr")))


def test_whole_after_its_multiplier(judge):
    thousands = v("1.001", UNIT_MULT="3")  # 1000.9999999999999 in binary
    assert not judge("not_whole", "DF_MIG_FLOW", thousands)
    found = judge("not_whole", "DF_MIG_FLOW", v("1.0015", UNIT_MULT="3", COUNT_UNIT="PERSON"))
    assert told(found) == [("warning", None, 1)]
    found = judge("not_whole", "DF_MIG_FLOW", v("1.5", COUNT_UNIT="EVENT"), v("2.5", SEX="F", COUNT_UNIT=""))
    assert told(found) == [("error", None, 1), ("warning", None, 1)]


def test_shares_have_a_range_and_rates_have_none(judge):
    rate = {"UNIT_MEASURE": "PER_1000_POP"}
    assert not judge("outside_range", "DF_MIG_STOCK", v(140, **rate))
    share = {"UNIT_MEASURE": "PT"}
    assert not judge("outside_range", "DF_MIG_STOCK", v(0, **share), v(100, SEX="F", **share))
    found = judge("outside_range", "DF_MIG_STOCK", v("100.1", **share), v("-0.1", SEX="F", **share))
    assert told(found) == [("error", None, 2)]
    assert "0 to 100" in found[0]["message"]


def test_bounds_are_judged_as_sent_and_inverted_ones_once(judge):
    bounds = {"LOWER_BOUND": "9", "UPPER_BOUND": "12", "UNIT_MULT": "3"}
    assert not judge("outside_bounds", "DF_MIG_FLOW", v(12, **bounds))
    assert told(judge("outside_bounds", "DF_MIG_FLOW", v(13, **bounds))) == [("error", None, 1)]
    assert told(judge("outside_bounds", "DF_MIG_FLOW", v(8, LOWER_BOUND="9"))) == [("error", None, 1)]
    inverted = v(8, LOWER_BOUND="9", UPPER_BOUND="7")
    assert judge("bounds_inverted", "DF_MIG_FLOW", inverted)[0]["final"]
    assert not judge("outside_bounds", "DF_MIG_FLOW", inverted)


def test_a_block_of_zeros_has_no_other_figure(judge):
    areas = ["276", "380", "724", "056", "528", "442", "040", "208", "246", "752"]
    rows = [v(0, COUNTERPART_AREA=area) for area in areas]
    assert told(judge("block_of_zeros", "DF_MIG_FLOW", *rows)) == [("information", None, 10)]
    assert not judge("block_of_zeros", "DF_MIG_FLOW", *rows[1:])
    assert not judge("block_of_zeros", "DF_MIG_FLOW", *rows, v(3, COUNTERPART_AREA="620"))


# --- statuses -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", list("HJKLMOQS"))
def test_what_is_missing_says_why(judge, status):
    for check in ("missing_without_status", "figure_missing_but_normal"):
        assert not judge(check, "DF_MIG_FLOW", v("", OBS_STATUS=status))


@pytest.mark.parametrize("status", list("ABDEFGINPUVW"))
def test_a_status_of_a_figure_has_one(judge, status):
    found = judge(
        "figure_missing_but_normal",
        "DF_MIG_FLOW",
        v("", OBS_STATUS=status),
        v("", SEX="F", OBS_STATUS=status),
    )
    assert told(found) == [("error", status, 2)]
    row = v("", OBS_STATUS="B", OBS_STATUS_2="M")  # a break, and cannot exist
    assert not judge("figure_missing_but_normal", "DF_MIG_FLOW", row)


def test_no_status_is_read_as_missing(judge):
    assert told(judge("missing_without_status", "DF_MIG_FLOW", v("", OBS_STATUS=""))) == [("warning", "", 1)]
    assert not judge("missing_without_status", "DF_MIG_FLOW", v(4, OBS_STATUS=""))
    assert judge.report.verdict == "accepted"


@pytest.mark.parametrize("status", list("HKLOQ"))
def test_nothing_is_no_zero_where_it_is_missing(judge, status):
    found = judge(
        "figure_despite_status", "DF_MIG_FLOW", v(0, OBS_STATUS=status), v(7, SEX="F", OBS_STATUS=status)
    )
    assert told(found) == [("error", status, 1)] * 2
    assert {"zero"} == {group["values"].get("reason") for group in found if "not 0" in group["message"]}


def test_a_structural_zero_passes_and_another_figure_does_not(judge):
    assert not judge("figure_despite_status", "DF_MIG_FLOW", v(0, OBS_STATUS="M"), v(0, SEX="F"))
    found = judge("figure_despite_status", "DF_MIG_FLOW", v(5, OBS_STATUS="P", OBS_STATUS_2="M"))
    assert [group["component"] for group in found] == ["OBS_STATUS_2"]


def test_an_included_cell_has_its_including_one_beside_it(judge):
    part, beside = v("", AGE="Y_GE90", OBS_STATUS="K"), v(3, AGE="Y85T89", OBS_STATUS="W")
    assert not judge("including_cell_not_marked", "DF_MIG_STOCK", part, beside)
    second = v(3, AGE="Y85T89", OBS_STATUS="P", OBS_STATUS_2="W")
    assert not judge("including_cell_not_marked", "DF_MIG_STOCK", part, second)
    for other in ({"OBS_STATUS": "A"}, {"SEX": "F"}, {"TIME_PERIOD": "2018"}):  # not marked; not beside it
        found = judge("including_cell_not_marked", "DF_MIG_STOCK", part, {**beside, **other})
        assert told(found) == [("warning", None, 1)]


def test_definitions_are_asked_for_once_or_where_they_are_missing(judge):
    found = judge("attribute_missing", "DF_MIG_STOCK", v(1), v(2, SEX="F"))
    assert {(g["component"], g["severity"], g["count"]) for g in found} == {
        (id, "information", 1) for id in ("RESIDENCE_CRIT", "SOURCE_TYPE", "REF_DATE")
    }
    some = {"SOURCE_TYPE": "CENSUS", "REF_DATE": "2019-01-01"}
    rows = [v(1, RESIDENCE_CRIT="M12", **some), v(2, SEX="F", **some), v(3, SEX="M", **some)]
    found = judge("attribute_missing", "DF_MIG_STOCK", *rows)
    assert [(g["component"], g["severity"], g["count"]) for g in found] == [("RESIDENCE_CRIT", "warning", 2)]
    rows = [{**row, "RESIDENCE_CRIT": "M12", "SOURCE": "CENSUS", "SOURCE_TYPE": ""} for row in rows]
    assert not judge("attribute_missing", "DF_MIG_STOCK", *rows)  # the key says the source


def test_an_embargo_has_its_end_and_a_sample_its_size(judge):
    def missing(**row):
        found = judge(
            "attribute_missing", "DF_MIG_FLOW", v(8, RESIDENCE_CRIT="M12", SOURCE_TYPE="REG_POP", **row)
        )
        return [(group["rule"], group["severity"]) for group in found]

    assert missing(CONF_STATUS="E") == [("K03", "error")]
    assert missing(CONF_STATUS="E", EMBARGO_TIME="2030-01-01T00:00:00Z") == []
    assert missing(SOURCE="LFS") == [("Q02", "information")]
    assert missing(SOURCE="LFS", SAMPLE_SIZE="900") == missing(SOURCE="PAX", LOWER_BOUND="3") == []


# --- codes and definitions ----------------------------------------------------------------------------------


def test_the_own_code_is_told_with_the_one_to_use(judge):
    found = judge("own_code", "DF_MIG_STOCK", v(5, CITIZENSHIP="250"), v(4, BIRTHPLACE="250"))
    near = {group["component"]: group["expected"]["nearest"][0]["code"] for group in found}
    assert near == {"BIRTHPLACE": "NB", "CITIZENSHIP": "CIT"}
    assert judge("own_code", "DF_MIG_FLOW", v(5, COUNTERPART_AREA="250"))[0]["severity"] == "error"
    assert not judge("own_code", "DF_MIG_FLOW", v(5, COUNTERPART_AREA="276", CITIZENSHIP="276"))


def test_a_former_area_is_a_birthplace_and_no_place_to_leave(judge):
    found = judge("code_not_valid_then", "DF_MIG_FLOW", v(5, COUNTERPART_AREA="810"))
    assert told(found) == [("error", "810", 1)]
    assert {near["why"] for near in found[0]["expected"]["nearest"]} == {"successor"}
    for row in (v(5, BIRTHPLACE="810"), v(5, COUNTERPART_AREA="810", TIME_PERIOD="1991")):
        assert not judge("code_not_valid_then", "DF_MIG_FLOW", row)
    assert not judge("code_not_valid_then", "DF_MIG_FLOW", v(0, COUNTERPART_AREA="810"))
    assert judge("code_not_valid_then", "DF_MIG_FLOW", v(5, CITIZENSHIP="810"))[0]["severity"] == "warning"
    found = judge("code_not_valid_then", "DF_MIG_FLOW", v(5, COUNTERPART_AREA="891", TIME_PERIOD="1985"))
    assert "began on 1992-04-27" in found[0]["message"]


@pytest.mark.parametrize(
    ("component", "row", "severity"),
    [
        ("BIRTH", {"BIRTHPLACE": "FB"}, "error"),
        ("BIRTH", {"BIRTHPLACE": "276"}, "error"),
        ("BIRTH", {"BIRTHPLACE": "FB", "COB_DEF": "PLACE"}, "warning"),
        ("BIRTH", {"BIRTHPLACE": "FB", "COB_DEF": "MOTHER"}, "error"),
        ("BIRTH", {"BIRTHPLACE": "NB_FP2"}, ""),
        ("BIRTH", {"BIRTHPLACE": "FB", "OBS_VALUE": "0"}, ""),
        ("BIRTH", {"BIRTHPLACE": "FB", "OBS_VALUE": "", "OBS_STATUS": "M"}, ""),
        ("BIRTH", {"AGE": "Y15T19"}, "error"),
        ("BIRTH", {"AGE": "Y0"}, ""),
        ("ACQ_CIT", {"CITIZENSHIP": "CIT"}, "error"),
        ("ACQ_CIT", {"CITIZENSHIP": "STLS"}, ""),
        ("LOSS_CIT", {"CITIZENSHIP": "FOR"}, "error"),
        ("LOSS_CIT", {"CITIZENSHIP": "CIT"}, ""),
        ("DEATH", {"BIRTHPLACE": "FB", "AGE": "Y65T69"}, ""),
    ],
)
def test_nobody_is_where_the_definitions_leave_no_room(judge, component, row, severity):
    found = judge("impossible_figure", "DF_MIG_ACCOUNT", v(40, COMPONENT=component) | row)
    assert [group["severity"] for group in found] == ([severity] if severity else [])


def test_durations_agree_with_the_criterion(judge):
    year = v(5, DURATION_STAY="Y_LT1")
    found = judge("impossible_figure", "DF_MIG_STOCK", {**year, "RESIDENCE_CRIT": "M12_ACT"})
    assert told(found) == [("information", "Y_LT1", 1)]
    assert not judge("impossible_figure", "DF_MIG_STOCK", {**year, "RESIDENCE_CRIT": "M12"})  # who intend to
    half = v(5, DURATION="M6T11")
    assert (
        told(judge("impossible_figure", "DF_MIG_TEMPORARY", {**half, "RESIDENCE_CRIT": "M6"}))[0][0]
        == "error"
    )
    assert not judge("impossible_figure", "DF_MIG_TEMPORARY", {**half, "RESIDENCE_CRIT": "M12"})


@pytest.mark.parametrize(
    ("flow", "row", "wrong"),
    [
        ("DF_MIG_STOCK", {"TIME_PER_COLLECT": "S"}, True),
        ("DF_MIG_STOCK", {"TIME_PER_COLLECT": "A"}, False),
        ("DF_MIG_FLOW", {"TIME_PER_COLLECT": "E"}, True),
        ("DF_MIG_FLOW", {"TIME_PER_COLLECT": "S"}, False),
        ("DF_MIG_ACCOUNT", {"TIME_PER_COLLECT": "E", "COMPONENT": "POP_END"}, False),
        ("DF_MIG_ACCOUNT", {"TIME_PER_COLLECT": "S", "COMPONENT": "POP_END"}, True),
        ("DF_MIG_STOCK", {"COUNT_UNIT": "EVENT"}, True),
        ("DF_MIG_FLOW", {"COUNT_UNIT": "PERSON", "UNIT_MEASURE": "EV"}, True),
        ("DF_MIG_FLOW", {"COUNT_UNIT": "TRANSITION"}, False),
    ],
)
def test_attributes_fit_stocks_and_flows(judge, flow, row, wrong):
    assert bool(judge("contradicting_code", flow, v(9, **row))) is wrong


def test_a_definition_changes_at_a_break_only(judge):
    def years(*said, **more):
        rows = [v(9, TIME_PERIOD=str(2010 + at), RESIDENCE_CRIT=code) for at, code in enumerate(said)]
        return [*rows[:-1], {**rows[-1], **more}][::-1]  # whatever their order

    assert told(judge("definition_changes", "DF_MIG_FLOW", *years("M12", "M12", "M6"))) == [
        ("warning", "M6", 1)
    ]
    for marked in ({"OBS_STATUS": "B"}, {"OBS_STATUS": "P", "OBS_STATUS_2": "B"}):
        assert not judge("definition_changes", "DF_MIG_FLOW", *years("M12", "M12", "M6", **marked))
    assert not judge("definition_changes", "DF_MIG_FLOW", *years("M12", "", "M12"))
    assert not judge(
        "definition_changes", "DF_MIG_FLOW", v(9, RESIDENCE_CRIT="M12"), v(9, SEX="F", RESIDENCE_CRIT="M6")
    )


def test_one_table_has_one_definition(judge):
    rows = [v(9, SEX=sex, COB_DEF=code) for sex, code in (("_T", "PLACE"), ("F", "PLACE"), ("M", "MOTHER"))]
    found = judge("definitions_mixed", "DF_MIG_STOCK", *rows)
    assert told(found) == [("warning", "MOTHER", 1)]
    apart = [{**rows[0], "SOURCE": "CENSUS"}, rows[2]]  # another source is another table
    assert not judge("definitions_mixed", "DF_MIG_STOCK", *apart)


# --- what is usual ------------------------------------------------------------------------------------------


def test_men_to_women_where_there_are_enough_of_them(judge):
    def ratio(men, women, **more):
        return told(judge("unusual_ratio", "DF_MIG_FLOW", v(men, SEX="M", **more), v(women, SEX="F", **more)))

    assert ratio(9000, 1000) == ratio(200, 800) == ratio(1000, 0) == [("warning", None, 1)]
    assert ratio(3000, 1000) == ratio(899, 100) == []
    assert ratio(9, 1, UNIT_MULT="3") == [("warning", None, 1)]
    assert ratio(-9000, 1000, COMPONENT="NET") == []
    # of one country only, less is unusual, and nothing is asked
    assert ratio(9000, 1000, CITIZENSHIP="792") == []
    assert ratio(11000, 1000, CITIZENSHIP="792") == [("information", None, 1)]


def test_crude_rates_within_an_account(judge):
    start = v(1_000_000, COMPONENT="POP_START")
    assert told(judge("unusual_ratio", "DF_MIG_ACCOUNT", start, v(70_000))) == [("warning", None, 1)]
    assert not judge("unusual_ratio", "DF_MIG_ACCOUNT", start, v(50_000))
    end = v(1_000_000, COMPONENT="POP_END")
    assert [
        g["rule"] for g in judge("unusual_ratio", "DF_MIG_ACCOUNT", end, v(70_000, COMPONENT="EMIG"))
    ] == ["D02b"]


def test_few_of_working_age_and_many_unknown(judge):
    rows = [
        v(1000, AGE="_T"),
        v(100, AGE="Y15T24"),
        v(100, AGE="Y25T54"),
        v(100, AGE="Y55T64"),
        v(700, AGE="_U"),
    ]
    found = judge("unusual_ratio", "DF_MIG_FLOW", *rows)
    assert [(group["rule"], group["severity"]) for group in found] == [
        ("D03", "information"),
        ("Q05d", "information"),
    ]
    assert not judge("unusual_ratio", "DF_MIG_FLOW", *rows[:3])


def test_heaped_ages(judge):
    ages = [v(300 if age % 5 == 0 else 100, AGE=f"Y{age}") for age in range(20, 70)]
    assert [group["rule"] for group in judge("unusual_ratio", "DF_MIG_STOCK", *ages)] == ["D03b"]
    even = [{**row, "OBS_VALUE": 100} for row in ages]
    assert not judge("unusual_ratio", "DF_MIG_STOCK", *even)
    assert not judge("unusual_ratio", "DF_MIG_STOCK", *ages[4:])  # 23 is missing


def test_stays_longer_than_lives(judge):
    for age, stay, wrong in (
        ("Y0T4", "Y5T9", 1),
        ("Y5T9", "Y5T9", 0),
        ("Y0T17", "Y_GE20", 1),
        ("Y30T34", "Y_GE20", 0),
    ):
        found = judge("duration_exceeds_age", "DF_MIG_STOCK", v(5, AGE=age, DURATION_STAY=stay))
        assert len(found) == wrong, (age, stay)
    assert not judge("duration_exceeds_age", "DF_MIG_STOCK", v(0, AGE="Y0T4", DURATION_STAY="Y_GE10"))


def test_a_breakdown_shows_children_and_both_sexes(judge):
    def lacking(flow, *rows):
        return [(g["component"], g["value"]) for g in judge("breakdown_missing", flow, *rows)]

    assert lacking("DF_MIG_FLOW", v(5)) == []  # no breakdown
    assert lacking("DF_MIG_FLOW", v(5, SEX="F")) == [("SEX", None)]
    assert lacking("DF_MIG_FLOW", v(5, AGE="_T"), v(4, AGE="Y_GE18")) == []
    assert lacking("DF_MIG_FLOW", v(5, AGE="Y15T64")) == [("AGE", None)]
    assert set(lacking("DF_MIG_IND_PA4", v(5))) == {("AGE", "IND_4_1"), ("SEX", "IND_4_1")}
    sexes = [v(5, SEX="F"), v(6, SEX="M")]
    assert lacking("DF_MIG_IND_PA4", *sexes, v(7, AGE="Y0T17")) == []


def test_a_rate_whose_population_nobody_told_is_not_checked(judge):
    judge("crude_rate", "DF_MIG_FLOW", v(400_000))
    told = {
        entry["rule"]: entry["reason"] for entry in judge.report.not_checked if entry["check"] == "crude_rate"
    }
    assert told.keys() == {"D02c", "D02d"}


# --- disclosure ---------------------------------------------------------------------------------------------


def sexes(total, women, men):
    return [
        v(figure, SEX=sex, **said)
        for sex, (figure, said) in zip(("_T", "F", "M"), (total, women, men), strict=True)
    ]


OPEN, SHUT, WITHHELD = {}, {"CONF_STATUS": "C"}, {"OBS_STATUS": "Q"}


@pytest.mark.parametrize(
    ("rows", "severity"),
    [
        (sexes((9, OPEN), (7, OPEN), (2, SHUT)), "error"),
        (sexes((9, OPEN), (7, OPEN), (2, {"CONF_STATUS": "N"})), "warning"),
        (sexes((9, OPEN), (7, OPEN), ("", WITHHELD)), "warning"),
        (sexes((9, OPEN), (7, OPEN), (2, {"CONF_STATUS": "E", "EMBARGO_TIME": "2030-01-01T00:00:00Z"})), ""),
        (sexes((9, OPEN), (7, SHUT), (2, SHUT)), ""),
        (sexes((9, SHUT), (7, OPEN), (2, SHUT)), ""),
        (sexes((9, OPEN), ("", {"OBS_STATUS": "L"}), (2, SHUT)), ""),
        (sexes((9, OPEN), ("", {"OBS_STATUS": "M"}), (9, SHUT)), "error"),
        (sexes((20, OPEN), (7, OPEN), (2, SHUT)), ""),  # the file lacks a part: the rest does not tell it
        (sexes(("9", OPEN), ("7", OPEN), ("2", SHUT))[1:], ""),
    ],
)
def test_one_suppressed_part_follows_from_the_rest(judge, rows, severity):
    found = judge("recoverable_cell", "DF_MIG_FLOW", *rows)
    assert [group["severity"] for group in found] == ([severity] if severity else [])
    for group in found:
        assert not group["sample"][0].get("given")
        assert "safe" not in group["message"]


def test_rounded_figures_tell_nearly_as_much(judge):
    base = {"ROUND_BASE": "5", "ROUND_METHOD": "NEAREST"}
    rows = [{**row, **base} for row in sexes((25, OPEN), (10, OPEN), (10, SHUT))]
    assert len(judge("recoverable_cell", "DF_MIG_FLOW", *rows)) == 1


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    figures=st.lists(st.integers(0, 50), min_size=3, max_size=3),
    hidden=st.lists(st.booleans(), min_size=4, max_size=4),
    sent_parts=st.sets(st.sampled_from(["F", "M", "_U"]), min_size=1),
    more=st.integers(0, 9),
)
def test_a_part_is_told_exactly_where_subtraction_gives_it(judge, figures, hidden, sent_parts, more):
    """`more` are persons of whom the file tells nothing but in the total."""
    known = {
        code: figure for code, figure in zip(("F", "M", "_U"), figures, strict=True) if code in sent_parts
    }
    shut = {code for code, closed in zip(("F", "M", "_U", "_T"), hidden, strict=True) if closed}
    total = sum(known.values()) + more
    rows = [
        v(figure, SEX=code, CONF_STATUS="C" if code in shut else "F")
        for code, figure in {"_T": total, **known}.items()
    ]
    found = judge("recoverable_cell", "DF_MIG_FLOW", *rows)
    single = len(known) > 1 and "_T" not in shut and len(shut & known.keys()) == 1 and more == 0
    assert [group["count"] for group in found] == [1] * single


def test_small_counts_are_looked_for_where_it_was_agreed(tmp_path):
    agreed = tmp_path / "agreed"
    agreed.mkdir()
    (agreed / "own.rules.toml").write_text(
        '[[threshold]]\nrule = "K01"\nprovider = "FRA"\nvalues = { least = 5 }\n'
        'reason = "law"\nsince = "2020-01-01"\n'
    )
    rows = [
        v(4),
        v(5, SEX="F"),
        v(0, SEX="M"),
        v(3, AGE="Y0T17", CONF_STATUS="A"),
        v(2, AGE="Y_GE18", CONF_STATUS=""),
    ]
    for structures, expected in (((), []), ((*shipped_structures(), agreed), [2])):
        exchange = Exchange.open(tmp_path / str(len(structures)), structures)
        report = exchange.check(sent(table("DF_MIG_FLOW", *rows), "FRA")).as_dict()
        exchange.close()
        assert [group["count"] for group in report["groups"] if group["code"] == "small_count"] == expected
        reasons = {
            entry["reason"] for entry in report["counts"]["notChecked"] if entry["check"] == "small_count"
        }
        assert bool(reasons) is not bool(expected)


# --- files that lack what the rules look at -----------------------------------------------------------------


def test_a_file_without_figures_says_so(judge):
    assert not judge("missing_without_status", "DF_MIG_FLOW", {"COMMENT_OBS": "later"})
    reasons = {entry["reason"] for entry in judge.report.not_checked}
    assert "no_figures" in reasons


def test_a_file_of_one_kind_of_error_has_one_group(judge):
    rows = [v("", AGE=f"Y{age}", SEX=sex) for age in range(100) for sex in "FM"]
    assert told(judge("figure_missing_but_normal", "DF_MIG_STOCK", *rows)) == [("error", "A", 200)]
    assert judge.report.counts.rejected == 200
