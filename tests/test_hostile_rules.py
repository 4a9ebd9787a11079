"""What odd figures, odd rules and curious strangers may do to a check: nothing but to be told so."""

from itertools import product

import pytest
from conftest import flow_csv, flow_row, sent
from settled import RULES, ruled
from test_waivers import submitted, waived, wrong_sums

from migdx.errors import StructureFault
from migdx.exchange import Exchange
from migdx.folders import shipped_structures
from migdx.registry import load_structures
from migdx.rulebook import check_parties, read_rules

MULTIPLIERS = ("999", "9" * 5000, "²", "--5", "-", "-400", "15", "1e3", " 3", "+3", "")
FIGURES = ("1e308", "-1e308", "-0", "1e-320", "NaN", "5")
PERIODS = (
    "0001",
    "9999",
    "0001-01",
    "9999-12-31",
    "9999-W53",
    "2020-01-01/P9999Y",
    "2020",
    "2020-Q1",
    "0000",
)


# --- figures ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    """An exchange in which France has released flows, and what its accounts are compared with."""
    made = Exchange.open(tmp_path_factory.mktemp("known"))
    submission, _ = submitted(
        made, [flow_row("250", "IMMIG", "276", year, 1000) for year in range(2014, 2020)]
    )
    made.release([submission.id], by="x")
    yield made
    made.close()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("period", PERIODS)
def test_no_period_breaks_a_comparison_with_another_dataflow(known, period):
    """There is no day before the year 1, and none after the year 9999."""
    file = flow_csv(flow_row("250", "IMMIG", "276", period, 5)).replace(b"DF_MIG_FLOW", b"DF_MIG_ACCOUNT")
    report = known.check(sent(file, "FRA"))
    lacking = {one["rule"] for one in report.not_checked if one["reason"] == "no_related"}
    assert "C08-FLOW" not in lacking


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("owner", [True, False])
def test_no_figure_breaks_a_check(known, owner):
    """Every multiplier with every figure, in years that have neighbours and in those that have none."""
    rows = [
        flow_row("250", "IMMIG", f"{276 + 8 * (at % 3)}", 2015 + at % 6, figure, sex=sex).replace(
            ",PS,0,", f",PS,{times},"
        )
        for at, (times, figure) in enumerate(product(MULTIPLIERS, FIGURES))
        for sex in ("_T", "F", "M")
    ]
    rows += [flow_row("250", "EMIG", "276", period, 5) for period in PERIODS]
    report = known.examined(sent(flow_csv(*rows), "FRA"), owner=owner).report
    assert report.verdict == "rejected"
    sound = [row for row in rows if ",PS,15," in row] + [
        flow_row("250", "EMIG", "276", p, 5) for p in PERIODS[:2]
    ]
    known.examined(sent(flow_csv(*sound), "FRA"), owner=owner)


# --- rules --------------------------------------------------------------------------------------------------

RULE = RULES.split("[[rule]]")[2]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[[rule]", "odd.rules.toml: the rules cannot be read"),
        ("rule = 1", "odd.rules.toml: the rules cannot be read"),
        ("[rule]\nid = 'x'", "odd.rules.toml: the rules cannot be read"),
        ("values = 1", "odd.rules.toml: the rules cannot be read"),
        ("threshold = 1", "odd.rules.toml: the rules cannot be read"),
        ("scale = 1", "odd.rules.toml: the rules cannot be read"),
        ("[scale]\nnobody = 1", "odd.rules.toml: the rules cannot be read"),
        ("\udcff", "odd.rules.toml: the rules are no UTF-8"),
        (f"[[rule]]{RULE}where = 5", "odd.rules.toml: rule WHOLE cannot be read"),
        (f"[[rule]]{RULE}where = {{ SEX = 'F' }}", "'F' is no list of texts"),
        (f"[[rule]]{RULE}structures = 'MIGDX:DSD_MIG_FLOW'", "is no list of texts"),
        (
            f"[[rule]]{RULE}structures = ['MIGDX:DSD_GONE']",
            "rule WHOLE names MIGDX:DSD_GONE, which is not there",
        ),
        (f"[[rule]]{RULE}", "rule WHOLE names no structure"),
        (
            f"structures = ['MIGDX:DSD_MIG_FLOW']\n[[rule]]{RULE}where = {{ GONE = ['F'] }}",
            "names GONE, which",
        ),
        (
            f"structures = ['MIGDX:DSD_MIG_FLOW']\n[[rule]]{RULE}component = 'GONE'",
            "names GONE, which is not",
        ),
        (
            f"structures = ['MIGDX:DSD_MIG_FLOW']\n[[rule]]{RULE}hierarchies = ['A:B(1.0)']",
            "no Hierarchy A:B",
        ),
    ],
)
def test_odd_rules_are_refused_by_name(tmp_path, text, reason):
    folder = tmp_path / "odd"
    folder.mkdir()
    (folder / "odd.rules.toml").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(StructureFault) as refused:
        check_parties(read_rules([folder]), load_structures(shipped_structures()))
    assert reason in str(refused.value)


# --- strangers ----------------------------------------------------------------------------------------------


def test_a_mere_check_does_not_count_what_is_written(exchange):
    """A number that grows with everything that is sent would tell that something was."""
    file = flow_csv(flow_row("250", "IMMIG", "276", 2019, 10))
    before = exchange.check(sent(file, "FRA"))
    submitted(exchange, [flow_row("250", "IMMIG", "276", 2018, 10)])
    after = exchange.check(sent(file, "FRA"))
    assert "ledger" not in after.rules
    assert {**after.rules, "at": ""} == {**before.rules, "at": ""}
    assert after.findings == before.findings
    assert after.not_checked == before.not_checked


def test_a_waiver_of_what_was_never_released_is_not_told_beside_a_later_release(exchange):
    """What was waived in a file that stayed rejected is nothing that readers of the next one know."""
    ruled(exchange)
    rows = [*wrong_sums(2019), flow_row("250", "IMMIG", "380", 2019, 10.5)]
    submission, report = submitted(exchange, rows)
    assert not waived(exchange, submission, report).submissions
    other, _ = submitted(exchange, [flow_row("250", "IMMIG", "276", 2015, 10)])
    exchange.release([other.id], by="x")
    anybody = exchange.check(sent(flow_csv(*wrong_sums(2019)), "FRA"))
    assert anybody.verdict == "rejected"
    assert not [one for one in anybody.findings if one.waived]
    assert "waivers" not in anybody.rules
