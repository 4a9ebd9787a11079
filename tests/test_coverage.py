"""Completeness: core indicators by their primary topics, and the steps that a table reaches."""

import pytest
from conftest import flow_csv, flow_row, sent

from migdx.exchange import Exchange
from migdx.structures import Codelist
from migdx.urn import parse_short

INDICATOR = (
    "STRUCTURE,STRUCTURE_ID,ACTION,FREQ,REF_AREA,INDICATOR,BIRTHPLACE,CITIZENSHIP,COUNTERPART_AREA,SEX,AGE,EDUCATION_LEV,"
    "LFS,URBANISATION,DURATION_STAY,PROTECTION_STATUS,REASON,UNIT_MEASURE,TIME_PERIOD,OBS_VALUE,OBS_STATUS,CONF_STATUS,"
    "UNIT_MULT"
)
STOCK = (
    "STRUCTURE,STRUCTURE_ID,ACTION,FREQ,REF_AREA,SOURCE,BIRTHPLACE,CITIZENSHIP,SEX,AGE,DURATION_STAY,EDUCATION_LEV,LFS,"
    "URBANISATION,TIME_PERIOD,OBS_VALUE,OBS_STATUS,CONF_STATUS,UNIT_MEASURE,UNIT_MULT"
)
WHOLE = [
    ("_T", "_T", "_T"),
    ("_T", "F", "_T"),
    ("_T", "M", "_T"),
    ("_T", "_T", "Y0T17"),
    ("_T", "_T", "Y_GE18"),
]


@pytest.fixture(scope="module")
def exchange(tmp_path_factory):
    made = Exchange.open(tmp_path_factory.mktemp("coverage"))
    yield made
    made.close()


def indicators(cells, indicator="IND_4_1", area=4, year=2022):
    """A share for each (birthplace or citizenship, sex, age), by the code that says which it is."""
    lines = [INDICATOR]
    for status, sex, age in cells:
        birth, citizenship = (status, "_T") if status in ("NB", "FB") else ("_T", status)
        key = f"A,250,{indicator},{birth},{citizenship},_T,{sex},{age},_T,_T,_T,_T,_T,_T,PT,{year}"
        lines.append(f"dataflow,MIGDX:DF_MIG_IND_PA{area}(1.0.0),R,{key},8.1,A,F,0")
    return ("\n".join(lines) + "\n").encode()


def stock(cells):
    """A figure for each (birthplace, citizenship, period)."""
    lines = [STOCK]
    for birth, citizenship, year in cells:
        key = f"A,250,OFF,{birth},{citizenship},_T,_T,_T,_T,_T,_T,{year}"
        lines.append(f"dataflow,MIGDX:DF_MIG_STOCK(1.0.0),R,{key},1000,A,F,PS,0")
    return ("\n".join(lines) + "\n").encode()


def missing(report):
    return {
        (finding.value, finding.values["topics"], finding.count)
        for finding in report.findings
        if finding.code == "core_incomplete"
    }


def steps(report, rule):
    (entry,) = (entry for entry in report.sections["coverage"] if entry["rule"] == rule)
    return [(step["count"], step["of"]) for step in entry["steps"]], entry["missing"]


@pytest.mark.parametrize(
    ("cells", "lacks"),
    [
        ([*WHOLE, ("NB", "_T", "_T"), ("FB", "_T", "_T")], None),  # birth or citizenship is enough
        ([*WHOLE, ("CIT", "_T", "_T"), ("FOR", "_T", "_T")], None),
        ([*WHOLE, ("NB", "_T", "_T"), ("FOR", "_T", "_T")], "MIG_STATUS"),  # half of each is neither
        (WHOLE, "MIG_STATUS"),
        ([("_T", "_T", "_T"), ("CIT", "F", "Y0T17"), ("FOR", "M", "Y_GE18")], None),  # also where they cross
        ([*WHOLE[:3], ("FB", "_T", "Y15T19"), ("NB", "_T", "Y20T24")], "AGE"),  # nothing ends at 17
        ([*WHOLE[:3], ("FB", "_T", "Y17"), ("NB", "_T", "Y18")], None),
        ([WHOLE[0]], "MIG_STATUS, AGE, SEX"),
    ],
)
def test_an_indicator_is_judged_by_its_own_primary_topics(exchange, cells, lacks):
    report = exchange.check(sent(indicators(cells), "FRA"))
    assert missing(report) == ({("IND_4_1", lacks, 1)} if lacks else set())


def test_additional_indicators_are_asked_for_nothing(exchange):
    assert not missing(exchange.check(sent(indicators(WHOLE[:1], "P_4_5"), "FRA")))


def test_what_an_indicator_is_about_is_no_topic_of_it(exchange):
    """The registration of births of children under five is not asked for by age."""
    cells = [("_T", "F", "_T"), ("_T", "M", "_T"), ("NB", "_T", "_T"), ("FB", "_T", "_T")]
    assert not missing(exchange.check(sent(indicators(cells, "P_3_6", 3), "FRA")))


def test_the_same_gap_in_many_years_is_one_finding(exchange):
    content = b"".join(
        indicators(WHOLE, year=year).partition(b"\n")[2] if year > 2010 else indicators(WHOLE, year=year)
        for year in range(2010, 2020)
    )
    assert missing(exchange.check(sent(content, "FRA"))) == {("IND_4_1", "MIG_STATUS", 10)}


def test_what_was_sent_before_counts(tmp_path):
    """A correction of one cell is not asked for all the others again."""
    exchange = Exchange.open(tmp_path / "exchange")
    whole = indicators([*WHOLE, ("NB", "_T", "_T"), ("FB", "_T", "_T")])
    exchange.submit(sent(whole, "FRA"), by="test")
    again = indicators([("_T", "F", "_T")]).replace(b",R,", b",M,").replace(b",8.1,", b",8.2,")
    _, report = exchange.submit(sent(again, "FRA"), by="test")
    exchange.close()
    assert report.verdict == "accepted"
    assert not missing(report)


def test_a_good_table_is_a_success_and_its_next_step_is_named(exchange):
    """Two years: one by birth alone, one with the four subpopulations."""
    four = [
        (birth, citizenship, 2022) for birth in ("_T", "NB", "FB") for citizenship in ("_T", "CIT", "FOR")
    ]
    report = exchange.check(sent(stock([("_T", "_T", 2021), ("FB", "_T", 2021), *four]), "FRA"))
    assert not missing(report)
    assert steps(report, "Q03-stock") == ([(2, 2), (1, 2), (1, 2)], ["FOR"])


def test_steps_of_flows(exchange):
    rows = [flow_row("250", component, "276", 2020, 100) for component in ("IMMIG", "EMIG")]
    report = exchange.check(sent(flow_csv(*rows), "FRA"))
    found, lacking = steps(report, "Q03-flow")
    assert found == [(1, 1), (0, 1), (0, 1), (0, 1)]
    assert lacking == ["IMMIG x FB", "EMIG x FB", "IMMIG x FOR", "EMIG x FOR"]


def test_the_rule_knows_each_topic_by_its_dimensions(exchange):
    """What the rule asks of a topic stands on the dimensions that CL_DISAGGREGATION names for it."""
    (rule,) = (rule for rule in exchange.rules(exchange.registry) if rule.id == "Q03")
    lists = {
        name: exchange.registry.get(Codelist, parse_short(f"MIGDX:{name}(1.0.0)", "Codelist"))
        for name in ("CL_DISAGGREGATION", "CL_MIG_INDICATOR")
    }
    said = {
        item.id: {note.type: note.title for note in item.annotations}
        for item in lists["CL_DISAGGREGATION"].items
    }
    for topic, breakdown in rule.value("topics").items():
        (kind,) = breakdown
        assert {id for crossing in breakdown[kind] for id in crossing} == set(
            said[topic]["DIMENSIONS"].split()
        )
        assert kind == ("any" if said[topic].get("SATISFIED_BY") == "any" else "all")
    core = [
        notes
        for item in lists["CL_MIG_INDICATOR"].items
        if (notes := {note.type: note.title for note in item.annotations})["LEVEL"] == "core"
    ]
    assert len(core) == 32
    assert {topic for notes in core for topic in notes["PRIMARY_TOPICS"].split()} <= set(rule.value("topics"))
