"""Thresholds: other values of a rule for one provider or one agreement, from a day on, and why."""

from datetime import UTC, datetime, timedelta

import pytest
from conftest import flow_csv, flow_row, sent
from settled import RULES, ruled

from migdx.errors import StructureFault
from migdx.exchange import Exchange
from migdx.folders import shipped_structures
from migdx.rules import RuleBook

RANGE = """
[[rule]]
id = "LOW"
check = "outside_range"
level = 1
severity = "error"
lower = 0
upper = 100
title = { en = "In its range", fr = "Dans l’intervalle" }
"""
FRANCE = """
[[threshold]]
rule = "LOW"
provider = "FRA"
values = { upper = 500 }
reason = "Its tables begin at higher figures"
since = 2020-01-01
"""


def book(*texts):
    return RuleBook.parse([("own.rules.toml", "\n".join([RULES, RANGE, *texts]))])


def of(made, *whose, day=None):
    own = made.of("MIGDX:DSD_MIG_FLOW", "MIGDX:DF_MIG_FLOW", *whose, day=day)
    return next(rule for rule in own if rule.id == "LOW").values["upper"]


def changed(**more):
    text = FRANCE
    for name, value in more.items():
        lines = [line for line in text.splitlines() if not line.startswith(f"{name} =")]
        text = "\n".join([*lines, *([f"{name} = {value}"] if value else [])])
    return text


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"rule": '"GONE"'}, "rule GONE, which is not there"),
        ({"values": "{ uper = 5 }"}, "the value uper, which the rule has not"),
        ({"values": "{ severity = 'warning' }"}, "the value severity, which the rule has not"),
        ({"values": "{ upper = '500' }"}, "gives upper another type"),
        ({"values": "{ upper = true }"}, "gives upper another type"),
        ({"values": "{}"}, "has no values"),
        ({"reason": '" "'}, "gives no reason"),
        ({"reason": ""}, "gives no reason"),
        ({"since": '"next year"'}, "since 'next year'"),
        ({"since": ""}, "since ''; expected a day"),
        ({"since": "2020-01-01T00:00:00"}, "since '2020-01-01 00:00:00'"),
        ({"provider": ""}, "names 0 of provider and agreement"),
        ({"agreement": '"X"'}, "names 2 of provider and agreement"),
        ({"until": "2021-01-01"}, "names until, which no threshold has"),
    ],
)
def test_what_is_no_threshold(more, reason):
    with pytest.raises(StructureFault, match=reason):
        book(changed(**more))


def test_it_holds_for_one_provider_from_its_day_on():
    made = book(FRANCE)
    day = datetime(2020, 1, 1, tzinfo=UTC).date()
    assert of(made, "FRA", day=day) == 500
    assert of(made, "FRA", day=day - timedelta(days=1)) == 100
    assert of(made, "DEU", day=day) == 100
    assert of(made, "", day=day) == 100
    assert RuleBook.read(made.text) == made


def test_a_later_one_and_one_of_the_agreement_go_first():
    later = changed(since="2022-01-01", values="{ upper = 700 }")
    agreement = changed(provider="", agreement='"PA_X"', since="2019-01-01", values="{ upper = 900 }")
    made = book(later, agreement, FRANCE)
    day = datetime(2023, 1, 1, tzinfo=UTC).date()
    assert of(made, "FRA", day=day) == 700
    assert of(made, "FRA", "PA_X", day=day) == 900
    assert of(made, "DEU", "PA_X", day=day) == 900


def test_a_check_heeds_it_and_says_why(exchange):
    ruled(exchange, RULES + RANGE + FRANCE)
    rows = [flow_row("250", "IMMIG", "276", 2019, 400), flow_row("250", "IMMIG", "276", 2018, 600)]
    report = exchange.check(sent(flow_csv(*rows), "FRA"))
    (finding,) = [one for one in report.findings if one.rule == "LOW"]
    assert finding.count == 1
    (told,) = report.rules["thresholds"]
    assert told == {
        "rule": "LOW", "provider": "FRA", "since": "2020-01-01",
        "reason": "Its tables begin at higher figures",
        "values": {"upper": {"usual": 100, "here": 500}},
    }  # fmt: skip
    others = exchange.check(sent(flow_csv(*[row.replace("250,", "276,", 1) for row in rows]), "DEU"))
    assert [one.count for one in others.findings if one.rule == "LOW"] == [2]
    assert "thresholds" not in others.rules


def test_one_that_has_not_begun_changes_nothing(exchange):
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    ruled(exchange, "\n".join([RULES, RANGE, changed(since=f'"{tomorrow}"')]))
    report = exchange.check(sent(flow_csv(flow_row("250", "IMMIG", "276", 2019, 400)), "FRA"))
    assert [one.count for one in report.findings if one.rule == "LOW"] == [1]
    assert "thresholds" not in report.rules


@pytest.mark.parametrize("whose", ['provider = "ATLANTIS"', 'agreement = "PA_ATLANTIS"'])
def test_a_folder_with_one_for_nobody_is_refused(tmp_path, whose):
    folder = tmp_path / "agreed"
    folder.mkdir()
    rule = RANGE.replace('"LOW"', '"LOW_X"').replace(
        "[[rule]]", 'structures = ["MIGDX:DSD_MIG_FLOW"]\n[[rule]]'
    )
    threshold = FRANCE.replace('"LOW"', '"LOW_X"').replace('provider = "FRA"', whose)
    (folder / "atlantis.rules.toml").write_text(rule + threshold, encoding="utf-8")
    with pytest.raises(StructureFault, match="ATLANTIS, which is not there"):
        Exchange.open(tmp_path / "exchange", (*shipped_structures(), folder))


def test_an_agreement_of_the_shipped_ones(exchange):
    agreement = exchange.registry.agreement("FRA", exchange.registry.dataflow("MIGDX:DF_MIG_FLOW(1.0.0)")).id
    ruled(exchange, "\n".join([RULES, RANGE, changed(provider="", agreement=f'"{agreement}"')]))
    report = exchange.check(sent(flow_csv(flow_row("250", "IMMIG", "276", 2019, 400)), "FRA"))
    assert [one.code for one in report.findings if one.rule == "LOW"] == []
    assert report.rules["thresholds"][0]["agreement"] == agreement


def test_rules_are_bound_once_for_all_who_see_the_same(exchange):
    """Each request of an agency sees the exchange through a view of its own."""
    first, second = (exchange.seen_by(("MIGDX",)) for _ in range(2))
    assert first.rules(first.registry) is second.rules(second.registry)
