"""Every rule of the catalogue of validation rules for migration statistics is done, as strictly as it asks.

The catalogue numbers its rules by what they are about: S structure, C coherence, B balances, T time,
D demography, M mirror, X other domains, K confidentiality, Q quality. A rule of ours has the catalogue's
number and perhaps something behind it (C10.age, B06-START); what every file is checked for has no rule.
"""

import re

import pytest

from migdx import checks
from migdx.folders import shipped_structures
from migdx.rulebook import read_rules

E, W, I = "error", "warning", "information"  # noqa: E741

BY_RULE: dict[str, tuple[set[int], set[str]]] = {
    "S04": ({0}, {E}),
    "S06": ({1}, {E}),
    "S07": ({1}, {E, W}),  # nothing and no status is a warning; status and figure that contradict, an error
    "S08": ({1}, {W}),
    "S09": ({1}, {W}),
    "C01": ({1}, {E}),
    "C02": ({1}, {E}),
    "C03": ({1}, {E}),
    "C04": ({1}, {E}),
    "C05": ({1}, {E}),
    "C06": ({1}, {E}),
    "C07": ({1}, {E}),
    "C08": (
        {1, 2},
        {E, W},
    ),  # in one structure an error; between dataflows, sent at different times, a warning
    "C09": ({1}, {E}),
    "C10": ({1}, {E, I}),  # information: regions, which countries draw in their own ways
    "C11": ({1}, {E}),
    "C12": ({1}, {E}),
    "C13": ({1}, {E}),
    "C14": ({2}, {W}),
    "C15": ({1}, {E}),
    "C16": ({1}, {E}),
    "C17": ({1}, {E, W}),
    "C18": ({1}, {I}),
    "B01": ({2}, {W}),
    "B02": ({2}, {W}),
    "B03": ({2}, {W}),
    "B04": ({2}, {W}),
    "B05": ({2}, {W}),
    "B06": ({2}, {W}),
    "B07": ({2}, {E}),
    "B08": ({2}, {W}),
    "B09": ({2}, {W}),
    "T01": ({2}, {W}),
    "T02": ({2}, {W}),
    "T03": ({2}, {W}),
    "T04": ({2}, {W}),
    "T05": ({2}, {I}),
    "T06": ({1}, {W}),
    "D01": ({1}, {W, I}),  # information: one country of birth or citizenship
    "D02": ({1, 2}, {W}),  # 2 where the population is in another dataflow
    "D03": ({1}, {I}),
    "D04": ({1}, {W, I}),
    "M01": ({3}, {I}),
    "M03": ({3}, {I}),
    "X01": ({4}, {I}),
    "X02": ({4}, {I}),  # the control table is an estimate, no vital statistics of the country: no warning
    "X03": ({4}, {I}),
    "X04": ({5}, {I}),
    "X05": ({4}, {I}),  # census transitions beside registered flows
    "K01": ({1}, {W}),
    "K02": ({1}, {W}),  # an error where CONF_STATUS itself says that it is suppressed
    "K03": ({1}, {E}),
    "Q01": ({1}, {E}),
    "Q02": ({1}, {I}),
    "Q03": ({1}, {W, I}),  # information: the steps of coverage, a section of the report
    "Q04": ({2}, {E}),
    "Q05": ({1}, {I}),
    "Q06": ({1}, {I}),
    "Q07": ({1}, {I}),
}
"""By number: the levels (European Statistical System) and the severities of its rules, all of them used."""

OF_EVERY_FILE = {
    "S01": {"missing_component": E, "missing_value": E, "unknown_component": E},
    "S02": {"unknown_code": E, "outside_constraint": E},
    "S03": {"duplicate_key": E, "repeated_row": I},  # with other content; with the same, kept once
    "S04": {"invalid_period": E, "period_not_of_frequency": E},
    "S05": {"not_your_area": E},
    "S06": {"not_a_number": E},
}
"""By number: the checks of level 0 that need no rule."""

BY_OTHERS = {
    "C19": ("C01", "C15"),  # multipliers: applied before anything is compared
    "M02": ("M01",),  # the asymmetry stands beside the ratio, with both definitions
    "M04": ("M01", "M03"),  # criteria that differ: shown and not judged
}
"""By number: the rules that do it together."""

HEADINGS = (("S", 9), ("C", 19), ("B", 9), ("T", 6), ("D", 4), ("M", 4), ("X", 4), ("K", 3), ("Q", 7))
NUMBERS = [f"{letter}{number:02}" for letter, last in HEADINGS for number in range(1, last + 1)]

FINAL = {"S06", "C08", "Q01"}
"""Impossible by logic: nobody can waive them."""


@pytest.fixture(scope="module")
def rules():
    found = {}
    for rule in read_rules(shipped_structures()):
        number = re.match(r"[A-Z]\d\d|", rule.id)[0]
        if number:
            found.setdefault(number, []).append(rule)
    return found


def test_every_number_is_done():
    done = {*BY_RULE, *OF_EVERY_FILE, *BY_OTHERS}
    assert set(NUMBERS) - done == set()
    assert all(number in BY_RULE for others in BY_OTHERS.values() for number in others)


@pytest.mark.parametrize("number", BY_RULE)
def test_it_has_its_level_and_its_severity(number, rules):
    levels, severities = BY_RULE[number]
    assert {rule.level for rule in rules[number]} == levels
    assert {rule.severity for rule in rules[number]} == severities


def test_no_rule_has_a_number_that_the_catalogue_lacks(rules):
    assert set(rules) == set(BY_RULE)


def test_what_every_file_is_checked_for_needs_no_rule():
    always = {checks.name(check): severity for check, severity in checks.ALWAYS.items()}
    for number, asked in OF_EVERY_FILE.items():
        assert asked.items() <= always.items(), number


def test_only_what_cannot_be_is_final(rules):
    """Nobody can waive it; anything else has a country somewhere for which it is true."""
    assert {number for number, own in rules.items() if any(rule.final for rule in own)} == FINAL


def test_a_rule_says_what_is_so_in_both_languages(rules):
    for own in rules.values():
        for rule in own:
            titles = {rule.title.get("en"), rule.title.get("fr")}
            assert len(titles - {"", None}) == 2, rule.id
