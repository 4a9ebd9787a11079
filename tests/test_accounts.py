"""Population accounts: what must close, what must continue, and what one dataflow says of another."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from conftest import said, sent
from hypothesis import given, settings
from hypothesis import strategies as st

from migdx import checks
from migdx.checks.given import Given
from migdx.columns import Columns, in_columns
from migdx.dataset import typed
from migdx.exchange import Exchange
from migdx.folders import shipped_structures
from migdx.registry import Registry
from migdx.rulebook import bound, read_rules
from migdx.urn import parse_short

HEADER = (
    "STRUCTURE,STRUCTURE_ID,ACTION,FREQ,REF_AREA,COMPONENT,SOURCE,COUNTERPART_AREA,BIRTHPLACE,CITIZENSHIP,SEX,AGE,"
    "REASON,TIME_PERIOD,OBS_VALUE,OBS_STATUS,CONF_STATUS,UNIT_MEASURE,UNIT_MULT,REF_DATE,BREAK_REASON,COMMENT_OBS,"
    "DURATION_STAY,EDUCATION_LEV,LFS,URBANISATION,OBS_STATUS_2,OBS_STATUS_3,SOURCE_TYPE"
)
FLOWS = ("IMMIG", "EMIG", "DEATH")


def row(code, value, group=("_T", "_T"), year=2020, flow="ACCOUNT", **more):
    """A row of an account; of the stock without a code."""
    known = {
        "STRUCTURE": "dataflow",
        "STRUCTURE_ID": f"MIGDX:DF_MIG_{flow}(1.0.0)",
        "ACTION": "R",
        "FREQ": "A",
        "REF_AREA": "276",
        "SOURCE": "OFF",
        "BIRTHPLACE": group[0],
        "CITIZENSHIP": group[1],
        "SEX": "_T",
        "AGE": "_T",
        "TIME_PERIOD": str(year),
        "OBS_VALUE": str(value),
        "OBS_STATUS": "A",
        "CONF_STATUS": "F",
        "UNIT_MEASURE": "PS",
        "UNIT_MULT": "0",
    }
    stock = ("DURATION_STAY", "EDUCATION_LEV", "LFS", "URBANISATION")
    flows = {"COMPONENT": code, "COUNTERPART_AREA": "_T", "REASON": "_T"}
    return known | (dict.fromkeys(stock, "_T") if flow == "STOCK" else flows) | more


def file(rows):
    names = [name for name in HEADER.split(",") if any(one.get(name) for one in rows)]
    lines = (",".join(one.get(name, "") for name in names) for one in rows)
    return "\n".join([",".join(names), *lines, ""]).encode()


def submitted(exchange, *rows, release=False):
    made, report = exchange.submit(sent(file(rows), "DEU"), by="test")
    assert report.verdict == "accepted", report.as_dict()
    if release:
        exchange.release([one.id for one in made], by="test")
    return report


def found(report, code):
    return [finding for finding in report.findings if finding.code == code]


def account(**terms):
    base = {"POP_START": 1000, "BIRTH": 20, "DEATH": 10, "IMMIG": 50, "EMIG": 30, "ADJ": 0, "POP_END": 1030}
    return [row(code, value) for code, value in (base | terms).items() if value is not None]


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    """An exchange in which nothing is kept: for what is only checked."""
    made = Exchange.open(tmp_path_factory.mktemp("empty"))
    yield made
    made.close()


# --- the balance --------------------------------------------------------------------------------------------


def test_a_residual_is_told_with_all_its_terms(empty):
    report = empty.check(sent(file(account(POP_END=1100)), "DEU"))
    (fault,) = found(report, "stock_flow_balance")
    assert (fault.severity, fault.rule, fault.places[0].expected) == ("error", "B01", "1030")
    (told,) = report.sections["balances"]
    assert [(term["sign"], term["value"]) for term in told["terms"]] == [
        ("+", "1000"),
        ("+", "20"),
        ("-", "10"),
        ("+", "50"),
        ("-", "30"),
        ("+", "0"),
        ("=", "1100"),
    ]
    assert {name: told[name] for name in ("given", "expected", "difference", "share", "status")} == {
        "given": "1100",
        "expected": "1030",
        "difference": "70",
        "share": 0.07,
        "status": "differs",
    }


@pytest.mark.parametrize(
    "rows",
    [
        account(POP_END=1100, ADJ=None),
        [*account(POP_END=1100)[:-1], row("POP_END", 1100, OBS_STATUS="P")],
        account(POP_END=1033),  # nobody says how it was rounded
    ],
    ids=["no adjustment", "provisional", "rounding undeclared"],
)
def test_it_is_a_question_where_the_figures_allow_for_doubt(empty, rows):
    (fault,) = found(empty.check(sent(file(rows), "DEU")), "stock_flow_balance")
    assert fault.severity == "warning"


def test_what_is_missing_makes_no_equation_and_is_counted(empty):
    report = empty.check(sent(file(account(BIRTH=None)), "DEU"))
    assert not found(report, "stock_flow_balance")
    (told,) = report.sections["balances"]
    assert (told["status"], [name["en"] for name in told["missing"]]) == ("missing_terms", ["Births"])
    assert "expected" not in told
    reasons = [(one["rule"], one["count"]) for one in report.not_checked if one["reason"] == "missing_terms"]
    assert ("B01", 1) in reasons


def test_what_cannot_exist_is_zero(empty):
    rows = [*account(BIRTH=None, POP_END=1010), row("BIRTH", "", OBS_STATUS="M")]
    report = empty.check(sent(file(rows), "DEU"))
    assert report.sections["balances"][0]["status"] == "balanced"


def test_a_break_excuses_and_is_said(empty):
    rows = [*account()[:-1], row("POP_END", 1100, OBS_STATUS="B", BREAK_REASON="CENSUS")]
    report = empty.check(sent(file(rows), "DEU"))
    assert not found(report, "stock_flow_balance")
    assert report.sections["balances"][0]["status"] == "break"
    assert ("B01", "break_in_series") in {(one.get("rule"), one["reason"]) for one in report.not_checked}


def test_no_figure_of_a_balance_with_a_confidential_term_is_told(empty):
    rows = [*account(BIRTH=None, POP_END=7777), row("BIRTH", 4321, CONF_STATUS="C", OBS_STATUS="A")]
    report = empty.check(sent(file(rows), "DEU"))
    (told,) = report.sections["balances"]
    assert {term["value"] for term in told["terms"]} == {""}
    assert told["status"] == "suppressed"
    (fault,) = found(report, "stock_flow_balance")
    assert not {"given", "made"} & fault.values.keys()
    assert not fault.places[0].expected
    assert "4321" not in said(report)
    assert str(1000 - 10 + 50 - 30 + 4321) not in said(report)


def test_terms_that_were_sent_before_count(exchange):
    submitted(exchange, *account()[:-1])
    report = submitted(exchange, row("POP_END", 1100, OBS_STATUS="P"))
    (fault,) = found(report, "stock_flow_balance")
    assert (fault.count, fault.values["made"]) == (1, "1030")


# --- an account that is made by the equations ---------------------------------------------------------------

NB, FB, CIT, FOR = "NB", "FB", "CIT", "FOR"
figures = st.integers(0, 100_000)
subpopulation = st.fixed_dictionaries(
    {
        "POP_START": st.integers(1_000_000, 9_000_000),
        **dict.fromkeys((*FLOWS, "BIRTH", "MOVED", "ADJ"), figures),
    }
)
groups = st.fixed_dictionaries({(b, c): subpopulation for b in (NB, FB) for c in (CIT, FOR)})


def closed(four):
    """code -> group -> figure, for the four subpopulations and their sums; births of the native-born only."""
    cells = {}
    for (birth, citizenship), terms in four.items():
        other = four[birth, FOR if citizenship == CIT else CIT]
        born = terms["BIRTH"] if birth == NB else 0
        end = terms["POP_START"] + born + terms["IMMIG"] + terms["ADJ"] - terms["DEATH"] - terms["EMIG"]
        cells[birth, citizenship] = {
            **{code: terms[code] for code in ("POP_START", "ADJ", *FLOWS)},
            **({"BIRTH": born} if birth == NB else {}),
            ("LOSS_CIT" if citizenship == CIT else "ACQ_CIT"): terms["MOVED"],
            "POP_END": end - terms["MOVED"] + other["MOVED"],
        }
    sums = {}
    for births, citizenships in (
        *(((b,), (CIT, FOR)) for b in (NB, FB)),
        *(((NB, FB), (c,)) for c in (CIT, FOR)),
        ((NB, FB), (CIT, FOR)),
    ):
        group = births[0] if len(births) == 1 else "_T", citizenships[0] if len(citizenships) == 1 else "_T"
        total = sums.setdefault(group, {})
        for birth in births:
            for citizenship in citizenships:
                for code, value in cells[birth, citizenship].items():
                    if code not in ("ACQ_CIT", "LOSS_CIT") or len(citizenships) == 1:
                        total[code] = total.get(code, 0) + value
    return cells | sums


@pytest.fixture(scope="module")
def book():
    registry = Registry.load(shipped_structures())
    return registry, bound(read_rules(shipped_structures()), registry)


def judged(book, cells):
    """The rules of balances that an account breaks."""
    registry, rules = book
    schema = registry.schema(parse_short("MIGDX:DF_MIG_ACCOUNT(1.0.0)", "Dataflow"))
    rows = [
        row(code, value, group) | {"ROUND_BASE": "0", "ROUND_METHOD": "NONE"}
        for group, terms in cells.items()
        for code, value in terms.items()
    ]
    names = [component.id for component in schema.components]
    table = pa.table({name: pa.array([one.get(name, "") for one in rows]) for name in names})
    numbers = np.arange(len(rows))
    dataset = typed(Columns("test", table, in_columns(numbers, {}), received=len(rows)), schema)
    kept = replace(rules, rules=tuple(rule for rule in rules if rule.check == "stock_flow_balance"))
    own = kept.of("MIGDX:DSD_MIG_FLOW", "MIGDX:DF_MIG_ACCOUNT")
    made = checks.judged(dataset, own, Given.nothing("nothing_stored"))
    balances = made.sections["balances"]
    assert len(balances) == 9
    assert not made.not_checked
    return {one.finding.rule for one in made.located}


RULES = {
    ("_T", "_T"): "B01",
    (NB, CIT): "B02",
    (NB, FOR): "B03",
    (FB, CIT): "B04",
    (FB, FOR): "B05",
    (NB, "_T"): "B02-NB",
    (FB, "_T"): "B04-FB",
    ("_T", CIT): "B02-CIT",
    ("_T", FOR): "B03-FOR",
}


@settings(max_examples=25)
@given(groups)
def test_an_account_by_the_equations_closes(book, four):
    assert judged(book, closed(four)) == set()


@settings(max_examples=40)
@given(groups, st.data())
def test_any_term_that_is_changed_is_found(book, four, data):
    cells = closed(four)
    group = data.draw(st.sampled_from(sorted(cells)))
    code = data.draw(st.sampled_from(sorted(cells[group])))
    cells[group][code] += data.draw(st.integers(1, 5000))
    broken = {RULES[group]}
    if code in ("ACQ_CIT", "LOSS_CIT"):  # it leaves one group and enters the other of the same birthplace
        broken |= {RULES[group[0], other] for other in (CIT, FOR)}
    assert judged(book, cells) == broken


@settings(max_examples=25)
@given(groups, st.sampled_from([NB, FB]), st.sampled_from([CIT, FOR]), st.integers(1, 5000))
def test_citizenship_moves_nobody_between_birthplaces(book, four, birth, citizenship, more):
    """More changes of citizenship in a birthplace group: its two parts shift, its sum and others do not."""
    before = closed(four)
    moved = {group: dict(terms) for group, terms in four.items()}
    moved[birth, citizenship]["MOVED"] += more
    after = closed(moved)
    changed = {group for group in before if before[group]["POP_END"] != after[group]["POP_END"]}
    assert changed == {(birth, CIT), (birth, FOR), ("_T", CIT), ("_T", FOR)}
    assert judged(book, after) == set()


# --- what continues, and what other dataflows say -----------------------------------------------------------


def test_the_next_account_starts_where_the_last_one_ended(exchange):
    submitted(exchange, row("POP_END", 1030, year=2020))
    report = submitted(exchange, row("POP_START", 1050, year=2021))
    (fault,) = found(report, "stock_does_not_continue")
    assert (fault.values["given"], fault.values["made"], fault.values["period"]) == ("1050", "1030", "2020")
    report = submitted(exchange, row("POP_START", 1050, year=2021, BREAK_REASON="CENSUS"))
    assert not found(report, "stock_does_not_continue")
    report = submitted(exchange, row("POP_START", 1030, year=2021))
    assert not found(report, "stock_does_not_continue")


def test_populations_of_different_days_need_not_agree(empty):
    rows = [
        row("POP_END", 1030, year=2020, REF_DATE="2020-06-30"),
        row("POP_START", 1050, year=2021, REF_DATE="2021-01-01"),
    ]
    report = empty.check(sent(file(rows), "DEU"))
    assert not found(report, "stock_does_not_continue")
    assert "other_reference_date" in {one["reason"] for one in report.not_checked}
    rows[0]["REF_DATE"] = "2020-12-31"  # ends when the first of January begins
    assert found(empty.check(sent(file(rows), "DEU")), "stock_does_not_continue")


ACCOUNT = [row("POP_START", 50), row("POP_END", 60), row("IMMIG", 20), row("EMIG", 10), row("ACQ_CIT", 3)]
OTHERS = [
    row("IMMIG", 22, flow="FLOW"),
    row("EMIG", 10, flow="FLOW"),
    row("ACQ_CIT", 4, flow="CITIZENSHIP"),
    row("", 52, flow="STOCK", REF_DATE="2020-01-01"),
    row("", 62, flow="STOCK", year=2021, REF_DATE="2021-01-01"),
]


def told_between(report):
    faults = found(report, "differs_between_dataflows")
    assert {fault.severity for fault in faults} <= {"warning"}
    return {fault.rule: (fault.values["given"], fault.values["made"]) for fault in faults}


def test_the_account_says_what_other_dataflows_say(exchange):
    submitted(exchange, *OTHERS)
    assert told_between(submitted(exchange, *ACCOUNT)) == {
        "C08-FLOW": ("20", "22"),
        "C08-CHANGE": ("3", "4"),
        "B06-START": ("50", "52"),
        "B06-END": ("60", "62"),
    }
    agreed = [row("POP_START", 52), row("POP_END", 62), row("IMMIG", 22), row("ACQ_CIT", 4)]
    assert told_between(submitted(exchange, *agreed)) == {}


def test_other_dataflows_say_what_the_account_says(exchange):
    submitted(exchange, *ACCOUNT)
    others = [*OTHERS[:-1], row("", 62, flow="STOCK", REF_DATE="2020-12-31", SEX="_T")]
    others[-1]["TIME_PERIOD"] = "2021"
    assert told_between(submitted(exchange, *others)) == {
        "C08-OF-FLOW": ("22", "20"),
        "C08-OF-CHANGE": ("4", "3"),
        "B06-STOCK-START": ("52", "50"),
        "B06-STOCK-END": ("62", "60"),
    }


def test_a_stock_without_a_day_is_not_compared(exchange):
    submitted(exchange, row("", 52, flow="STOCK"))
    report = submitted(exchange, row("POP_START", 50))
    assert not found(report, "differs_between_dataflows")
    assert "no_reference_date" in {one["reason"] for one in report.not_checked}


# --- what cannot be -----------------------------------------------------------------------------------------


def rows_of(group, **terms):
    return [row(code, value, group) for code, value in terms.items()]


@pytest.mark.parametrize(
    ("rows", "code", "rule"),
    [
        ([row(code, 50, flow="FLOW") for code in ("IMMIG", "EMIG", "NET")], "net_differs", "B07"),
        (rows_of(("_T", "_T"), POP_START=100_000, ADJ=-600), "large_adjustment", "B08"),
        (rows_of((FB, FOR), POP_START=1000, ADJ=60), "large_adjustment", "B08-BIRTH"),
        (rows_of((FB, "_T"), POP_START=1000, IMMIG=50, POP_END=1060), "more_than_possible", "B09"),
        (rows_of((NB, FOR), POP_START=10, IMMIG=5, BIRTH=2, ACQ_CIT=18), "more_than_possible", "C14"),
        (rows_of((FB, FOR), POP_START=10, IMMIG=5, ACQ_CIT=16), "more_than_possible", "C14-FB"),
    ],
)
def test_what_cannot_be_is_found_and_named(empty, rows, code, rule):
    (fault,) = found(empty.check(sent(file(rows), "DEU")), code)
    assert fault.rule == rule


# --- nothing is told that is not public ---------------------------------------------------------------------


def test_a_check_is_compared_with_released_figures_alone(exchange):
    """Whoever only asks learns nothing of what is accepted and not released."""
    submitted(exchange, row("POP_END", 1030, year=2020), *account()[1:4], release=True)
    submitted(exchange, row("POP_END", 87654, year=2020), row("IMMIG", 43210, flow="FLOW"))
    asked = [row("POP_START", 87000, year=2021), row("POP_START", 76543), row("IMMIG", 99)]
    told = exchange.check(sent(file(asked), "DEU"))
    assert found(told, "stock_does_not_continue")[0].values["made"] == "1030"
    assert not found(told, "differs_between_dataflows")
    assert not [secret for secret in ("43210", "87654") if secret in said(told)]
    owner = submitted(exchange, *asked)
    assert found(owner, "stock_does_not_continue")[0].values["made"] == "87654"
    assert found(owner, "differs_between_dataflows")


@pytest.mark.parametrize("asking", ["check", "submit"])
def test_a_masked_figure_reaches_no_check(exchange, asking):
    """Not even its size can be found by trying: whatever is asked, the answer is the same."""
    submitted(exchange, row("POP_END", 4321, year=2020, CONF_STATUS="C"), release=True)
    submitted(exchange, row("IMMIG", 8765, flow="FLOW", CONF_STATUS="C"), release=True)
    answers = []
    for tried in (4321, 4322, 90000):
        asked = sent(file([row("POP_START", tried, year=2021), row("IMMIG", 8765 + tried)]), "DEU")
        report = exchange.check(asked) if asking == "check" else exchange.submit(asked, by="test")[1]
        codes = ("stock_does_not_continue", "differs_between_dataflows", "stock_flow_balance")
        answers.append([found(report, code) for code in codes])
    assert answers == [[[], [], []]] * 3


def test_an_adjustment_that_cannot_be_read_is_not_taken_for_none(empty):
    rows = [*account(ADJ=None, POP_END=1100), row("ADJ", "seventy")]
    report = empty.check(sent(file(rows), "DEU"))
    assert not found(report, "stock_flow_balance")
    assert "missing_terms" in {one["reason"] for one in report.not_checked if one.get("rule") == "B01"}
