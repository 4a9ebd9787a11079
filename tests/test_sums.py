"""Sums: parts and wholes in cubes of every shape, against a slow reading of the same rules."""

import random
from itertools import product

import numpy as np
import pyarrow as pa
import pytest
from conftest import flow_csv, flow_row, sent
from hypothesis import given, settings
from hypothesis import strategies as st

from migdx import checks
from migdx.checks.cells import Cells
from migdx.checks.cube import SortedAxis
from migdx.checks.fault import Fault
from migdx.checks.given import Given, NotChecked
from migdx.checks.sums import parts_exceed_whole, sum_of_parts
from migdx.checks.tolerance import allowed, slack
from migdx.checks.totals import part_above_whole, region_among_countries
from migdx.columns import Columns, in_columns
from migdx.dataset import typed
from migdx.exchange import Exchange
from migdx.folders import shipped_structures
from migdx.registry import Registry
from migdx.rulebook import bound, read_rules
from migdx.structures import Hierarchy

KEY = (
    "FREQ", "REF_AREA", "SOURCE", "BIRTHPLACE", "CITIZENSHIP", "SEX", "AGE", "DURATION_STAY", "EDUCATION_LEV",
    "LFS", "URBANISATION", "TIME_PERIOD",
)  # fmt: skip
PLAIN = dict.fromkeys(KEY, "_T") | {"FREQ": "A", "REF_AREA": "250", "SOURCE": "OFF", "TIME_PERIOD": "2020"}
NOTHING = Given.nothing("nothing_stored")

# what each code of a small cube is made of
SEX = {"_T": ("F", "M", "_U"), "F": (), "M": (), "_U": ()}
AGE = {"_T": ("Y0T14", "Y_GE15", "_U"), "Y_GE15": ("Y15T64", "Y_GE65")} | dict.fromkeys(
    ("Y0T14", "Y15T64", "Y_GE65", "_U"), ()
)
CITIZENSHIP = {"_T": ("CIT", "FOR"), "FOR": ("276", "380", "STLS", "FOR_U"), "CIT": ()} | dict.fromkeys(
    ("276", "380", "STLS", "FOR_U"), ()
)
BIRTHPLACE = {"_T": ("NB", "FB"), "NB": (), "FB": ()}
ALSO = {("AGE", "_T"): ("Y15T64", "Y_GE65")}
"""Parts by another partition: under 15, 15 to 64, 65 and over."""
CUBE = {"SEX": SEX, "AGE": AGE, "CITIZENSHIP": CITIZENSHIP, "BIRTHPLACE": BIRTHPLACE}


@pytest.fixture(scope="module")
def registry():
    return Registry.load(shipped_structures())


@pytest.fixture(scope="module")
def book(registry):
    return bound(read_rules(shipped_structures()), registry)


@pytest.fixture(scope="module")
def rules(book):
    return {rule.id: rule for rule in book}


@pytest.fixture(scope="module")
def made(registry):
    """A dataset of stocks, of rows that say what is not a total, a year or 2020."""
    schema = registry.schema(registry.dataflow("DF_MIG_STOCK").reference)

    def made(rows):
        names = [*KEY, *sorted({id for row in rows for id in row} - set(KEY))]
        texts = {
            id: [str(({"UNIT_MEASURE": "PS"} | PLAIN | row).get(id, "")) for row in rows] for id in names
        }
        table = pa.table({id: pa.array(column, pa.utf8()) for id, column in texts.items()})
        places = in_columns(np.arange(2, len(rows) + 2), {id: at for at, id in enumerate(names, 1)})
        return typed(Columns("test", table, places, received=len(rows)), schema)

    return made


@pytest.fixture(scope="module")
def cells(made, book):
    def cells(rows, *, sorted_too=False):
        found = Cells(made(rows), book.scale)
        if sorted_too:
            found.__dict__["_block"] = None  # as where most of the cube is empty
        return found

    return cells


@pytest.fixture(scope="module")
def found(cells, rules):
    """(check, whole, severity or that of the rule, keys of the rows) of faults, and the sums not tested."""

    def found(rows, *ids, sorted_too=False):
        cube = cells(rows, sorted_too=sorted_too)
        faults, untested = set(), 0
        for id in ids or SUMS:
            for one in sum_of_parts(cube, rules[id], NOTHING):
                if isinstance(one, Fault):
                    keys = frozenset(cube.dataset.key_of(int(row)) for row in one.rows)
                    faults.add((one.check, id, one.value, one.severity, keys))
                elif isinstance(one, NotChecked):
                    untested += one.count
        return faults, untested

    return found


SUMS = ("C01", "C02", "C03", "C04", "C06", "C07")


# --- a cube that holds ------------------------------------------------------------------------------------


def leaves(codes):
    """The leaf codes of each code."""

    def of(code):
        parts = codes[code]
        return {code} if not parts else set().union(*map(of, parts))

    return {code: of(code) for code in codes}


def consistent(seed, without=()):
    """The rows of a cube that adds up; `without` are optional codes that nobody is in, not even unknown."""
    drawn = random.Random(seed)
    inside = {
        id: {code: parts for code, parts in codes.items() if code not in without}
        for id, codes in CUBE.items()
    }
    inside = {
        id: {code: tuple(part for part in parts if part in codes) for code, parts in codes.items()}
        for id, codes in inside.items()
    }
    below = {id: leaves(codes) for id, codes in inside.items()}
    bottom = [[code for code, parts in codes.items() if not parts] for codes in inside.values()]
    figures = {key: drawn.randrange(1000) for key in product(*bottom)}
    rows = []
    for key in product(*inside.values()):
        parts = product(*(sorted(below[id][code]) for id, code in zip(inside, key, strict=True)))
        rows.append(dict(zip(inside, key, strict=True)) | {"OBS_VALUE": sum(figures[part] for part in parts)})
    drawn.shuffle(rows)
    return rows


seeds = st.integers(0, 10**6)


@settings(max_examples=12)
@given(seed=seeds, without=st.sets(st.sampled_from(["_U", "FOR_U", "STLS"])), other=st.booleans())
def test_a_cube_that_adds_up_has_no_fault(found, seed, without, other):
    assert found(consistent(seed, without), sorted_too=other) == (set(), 0)


@settings(max_examples=15)
@given(seed=seeds, at=seeds, by=st.sampled_from([-5000, 5000, 100000]), other=st.booleans())
def test_one_damaged_figure_is_found_at_its_place(found, seed, at, by, other):
    """At the row itself where it is a whole, and at every whole that it is a part of."""
    rows = consistent(seed)
    row = rows[at % len(rows)]
    row["OBS_VALUE"] += by
    faults, _ = found(rows, sorted_too=other)
    touched = {key for _, _, _, _, keys in faults for key in keys}
    key = ".".join(({**PLAIN, **row})[id] for id in KEY[:-1])
    expected = {key} if any(CUBE[id][row[id]] for id in CUBE) else set()
    for id, codes in CUBE.items():
        for whole, parts in codes.items():
            if row[id] in (*parts, *ALSO.get((id, whole), ())):
                expected.add(".".join(({**PLAIN, **row, id: whole})[one] for one in KEY[:-1]))
    assert touched == expected
    assert {check for check, *_ in faults} <= {"sum_of_parts", "parts_exceed_whole"}


def test_the_sum_found_is_shown(cells, rules):
    rows = [{"OBS_VALUE": 120}, {"SEX": "F", "OBS_VALUE": 60}, {"SEX": "M", "OBS_VALUE": 30}]
    (fault,) = sum_of_parts(cells(rows), rules["C01"], NOTHING)
    assert (fault.rows.tolist(), fault.value, fault.expected_at, fault.at) == ([0], "_T", ["90"], "OBS_VALUE")
    assert fault.values["parts"] == "F + M"


# --- against a slow reading -------------------------------------------------------------------------------


def reference(rows, rule, component):
    """(check, whole, severity, key) of each fault and the sums not tested, one after the other."""
    figure = {tuple(({**PLAIN, **row})[id] for id in KEY): row["OBS_VALUE"] for row in rows}
    at = KEY.index(component)
    faults, untested = set(), 0
    partitions = {}
    for partition in rule.partitions:
        if not rule.value("wholes", ()) or partition.whole in rule.value("wholes"):
            partitions.setdefault(partition.whole, []).append(partition)
    here = {key[at] for key in figure}
    optional = lambda part: part.startswith("_") or part.endswith("_U") or rule.value("open", False)  # noqa: E731
    needed = lambda one: [part for part in one.parts if not optional(part)]  # noqa: E731
    for key, total in figure.items():
        if total == "" or key[at] not in partitions:
            continue
        put = lambda code: figure.get((*key[:at], code, *key[at + 1 :]))  # noqa: B023, E731
        told = tested = some = False
        for partition in sorted(partitions[key[at]], key=lambda one: not set(needed(one)) <= here):
            there = {part: put(part) for part in partition.parts if put(part) is not None}
            given = {part: value for part, value in there.items() if value != ""}
            complete = bool(given) and len(given) == len(there) and set(needed(partition)) <= set(given)
            if tested and not complete and not set(needed(partition)) <= here:
                continue
            least = sum(given.values())
            below = 0
            for part in partition.parts:
                if part not in given:
                    own = lower(part, put, rule)
                    least, below = least + (own or 0), below or own is not None
            some = some or bool(given) or bool(below) or bool(there)
            tested = tested or complete
            outcome = judge(rule, partition, total, least, given, complete, bool(given) or bool(below))
            if outcome and not told:
                told = True
                faults.add((outcome[0], key[at], outcome[1], ".".join(key[:-1])))
        untested += some and not tested
    return faults, untested


def lower(code, put, rule):
    """What a code without a figure is at least, by its parts; None without any."""
    best = None
    for partition in rule.partitions:
        if partition.whole == code:
            parts = [
                put(part) if put(part) not in (None, "") else lower(part, put, rule)
                for part in partition.parts
            ]
            known = [part for part in parts if part is not None]
            if known and (best is None or sum(known) > best):
                best = sum(known)
    return best


def judge(rule, partition, total, found, given, complete, any_part):
    hard = (len(given) + 1) * 5  # nothing is declared: rounding to 10 may explain it
    off = total - found
    if rule.value("open", False):
        if any_part and off < 0:
            return "parts_exceed_whole", None if -off > hard else "warning"
        if complete and off > 0:
            rest = any(part.endswith("_U") for part in given)
            return ("sum_of_parts", "warning") if rest else ("unexplained_remainder", "information")
        return None
    if not complete:
        return ("parts_exceed_whole", None if -off > hard else "warning") if any_part and off < 0 else None
    rest = any(part.endswith("_U") for part in given)
    unknown = any(part.endswith("_U") for part in partition.parts)
    if 0 < off <= 0.05 * abs(total) and unknown and not rest:
        return "unexplained_remainder", "information"
    return ("sum_of_parts", None if abs(off) > hard else "warning") if off else None


@settings(max_examples=12)
@given(seed=seeds, other=st.booleans(), share=st.sampled_from([0.02, 0.3, 0.7]))
def test_it_says_what_a_slow_reading_says(found, rules, seed, other, share):
    """In cubes with holes, empty figures, and differences of every size."""
    drawn = random.Random(seed)
    rows = [row for row in consistent(seed) if drawn.random() > share / 2]
    for row in rows:
        if drawn.random() < share / 4:
            row["OBS_VALUE"] = ""
        elif drawn.random() < 0.05:
            row["OBS_VALUE"] = max(0, row["OBS_VALUE"] + drawn.choice([-5000, -12, -1, 1, 12, 5000]))
    for id, component in zip(
        SUMS, ("SEX", "AGE", "BIRTHPLACE", "CITIZENSHIP", "BIRTHPLACE", "CITIZENSHIP"), strict=True
    ):
        faults, untested = found(rows, id, sorted_too=other)
        each = {(check, whole, sure, key) for check, _, whole, sure, keys in faults for key in keys}
        slow, slow_untested = reference(rows, rules[id], component)
        # a bound has the slack of the rows that it is made of, the reading only of the parts themselves
        strip = lambda told: {(c, w, None if c == "parts_exceed_whole" else s, k) for c, w, s, k in told}  # noqa: E731
        assert strip(each) == strip(slow), id
        assert untested == slow_untested, id


@settings(max_examples=10)
@given(seed=seeds)
def test_both_ways_and_every_order_agree(found, seed):
    drawn = random.Random(seed)
    rows = [row for row in consistent(seed) if drawn.random() > 0.2]
    for row in rows:
        if drawn.random() < 0.1:
            row["OBS_VALUE"] += drawn.choice([-300, -3, 7, 4000])
    first = found(rows)
    assert found(rows, sorted_too=True) == first
    drawn.shuffle(rows)
    assert found(rows) == first


# --- what may not be told ---------------------------------------------------------------------------------


@settings(max_examples=15)
@given(seed=seeds, other=st.booleans())
def test_a_confidential_figure_never_shows(made, book, seed, other):
    """Neither itself nor a sum that it is in: not in places, values or messages."""
    drawn = random.Random(seed)
    rows = consistent(seed)
    for row in rows:
        row["CONF_STATUS"] = "F"
    for row in drawn.sample(rows, 40):
        row |= {"CONF_STATUS": "C", "OBS_VALUE": drawn.randrange(10**6, 10**7)}
    hidden = {str(row["OBS_VALUE"]) for row in rows if row["CONF_STATUS"] == "C"}
    dataset = made(rows)
    own = book.of("MIGDX:DSD_MIG_STOCK", "MIGDX:DF_MIG_STOCK")
    located = [
        one for one in checks.judged(dataset, own, NOTHING).located if one.finding.rule.startswith("C")
    ]
    assert any(one.finding.code == "sum_of_parts" for one in located)
    text = repr([(one.finding.values, one.finding.expected, one.finding.places) for one in located])
    assert not [figure for figure in hidden if figure in text]
    shown = [place for one in located for place in one.finding.places if place.expected]
    assert all(int(place.expected.lstrip("≤ ")) < 10**6 for place in shown)  # no sum with a hidden part


# --- one by one -------------------------------------------------------------------------------------------


def by_sex(total, **figures):
    """Rows by sex; a figure of None is a row without one."""
    named = {"U": "_U", "O": "_O"}
    rows = [{"OBS_VALUE": total}]
    rows += [{"SEX": named.get(sex, sex), "OBS_VALUE": "" if n is None else n} for sex, n in figures.items()]
    return rows


@pytest.mark.parametrize(
    ("rows", "check", "severity", "untested"),
    [
        (by_sex(100, F=60, M=40), None, None, 0),
        (by_sex(100, F=60, M=35, U=5), None, None, 0),
        (by_sex(100, F=57, M=40), "unexplained_remainder", "information", 0),
        (by_sex(100, F=50, M=40), "sum_of_parts", "warning", 0),
        (by_sex(100, F=20, M=40), "sum_of_parts", None, 0),
        (by_sex(1000, F=500, M=460, U=10), "sum_of_parts", None, 0),
        (by_sex(1000, F=500, M=480, U=10), "sum_of_parts", "warning", 0),
        (by_sex(100, F=60), None, None, 1),
        (by_sex(100, F=60, M=None), None, None, 1),
        (by_sex(100, F=60, M=40, U=None), None, None, 1),
        (by_sex(100, F=160), "parts_exceed_whole", None, 1),
        (by_sex(100, F=60, M=80), "sum_of_parts", None, 0),
        (by_sex(100), None, None, 0),
        (by_sex("", F=60, M=40), None, None, 0),
    ],
)  # fmt: skip
def test_what_a_difference_is_told_as(found, rows, check, severity, untested):
    faults, count = found(rows, "C01")
    assert [(one, sure) for one, _, _, sure, _ in faults] == ([(check, severity)] if check else [])
    assert count == untested


@pytest.mark.parametrize(
    ("areas", "check", "severity"),
    [
        ({"276": 60, "380": 40}, None, None),
        ({"276": 60, "380": 10}, "unexplained_remainder", "information"),
        ({"276": 60, "380": 10, "FB_U": 30}, None, None),
        ({"276": 60, "380": 10, "FB_U": 10}, "sum_of_parts", "warning"),
        ({"276": 60, "380": 90}, "parts_exceed_whole", None),
        # a former area beside those that it became: either way the sum may hold
        ({"705": 30, "688": 30, "276": 40, "890": 60}, None, None),
        ({"705": 20, "276": 50, "890": 30}, None, None),
        ({"705": 20, "276": 50, "890": 5, "FB_U": 10}, "sum_of_parts", "warning"),
        ({"705": 20, "276": 120, "890": 5}, "parts_exceed_whole", None),
        # regions are no parts
        ({"276": 60, "380": 40, "150": 100}, None, None),
    ],
)
def test_areas_are_an_open_list(found, areas, check, severity):
    rows = [{"BIRTHPLACE": "FB", "OBS_VALUE": 100}]
    rows += [{"BIRTHPLACE": area, "OBS_VALUE": figure} for area, figure in areas.items()]
    faults, _ = found(rows, "C06")
    assert [(one, sure) for one, _, _, sure, _ in faults] == ([(check, severity)] if check else [])


def test_areas_stand_for_a_foreign_born_total_that_is_not_there(found):
    rows = [{"OBS_VALUE": 100}, {"BIRTHPLACE": "NB", "OBS_VALUE": 50}, {"BIRTHPLACE": "276", "OBS_VALUE": 90}]
    ((check, _, whole, severity, _),), untested = found(rows, "C03")
    assert (check, whole, severity, untested) == ("parts_exceed_whole", "_T", None, 1)
    rows[2]["OBS_VALUE"] = 50
    assert found(rows, "C03") == (set(), 1)


def test_the_subpopulations_are_ordinary_totals(found):
    """NB and FB by citizens and foreign citizens: each of the sums of the cross is some total's."""
    cross = {("NB", "CIT"): 700, ("NB", "FOR"): 30, ("FB", "CIT"): 70, ("FB", "FOR"): 200}
    add = lambda b, c: sum(n for (x, y), n in cross.items() if b in (x, "_T") and c in (y, "_T"))  # noqa: E731
    every = list(product(("_T", "NB", "FB"), ("_T", "CIT", "FOR")))
    rows = [{"BIRTHPLACE": b, "CITIZENSHIP": c, "OBS_VALUE": add(b, c)} for b, c in every]
    assert found(rows, "C03", "C04") == (set(), 0)
    for at in range(len(rows)):
        damaged = [dict(row, OBS_VALUE=row["OBS_VALUE"] + 500 * (at == n)) for n, row in enumerate(rows)]
        faults, _ = found(damaged, "C03", "C04")
        assert {rule for _, rule, *_ in faults} == {"C03", "C04"}, rows[at]


def test_net_migration_may_have_negative_parts(registry, book):
    """Its parts may be more than the whole; that they add up is still asked."""
    rows = [
        flow_row("250", "NET", "_T", 2020, -10, sex=sex) if figure is None else
        flow_row("250", "NET", "_T", 2020, figure, sex=sex)
        for sex, figure in (("_T", None), ("F", 500), ("M", -510))
    ]  # fmt: skip
    assert codes_of(rows, book) == set()
    assert codes_of(rows[:2], book) == set()  # 500 women of -10: no part above a whole
    rows[2] = flow_row("250", "NET", "_T", 2020, -700, sex="M")
    assert codes_of(rows, book) == {"sum_of_parts"}


@pytest.fixture(scope="module")
def exchange(tmp_path_factory):
    made = Exchange.open(tmp_path_factory.mktemp("sums"))
    yield made
    made.close()


_OPEN = []


@pytest.fixture(autouse=True)
def _known(exchange):
    _OPEN[:] = [exchange]


def codes_of(rows, book):
    """The codes of the sums' rules that a file of flows is reported for."""
    report = _OPEN[0].check(sent(flow_csv(*rows), "FRA"))
    return {finding.code for finding in report.findings if finding.rule.startswith("C")}


# --- what no sum says -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ages", "above"),
    [
        ({"_T": 100, "Y15T49": 140}, {("Y15T49", "_T")}),
        ({"_T": 500, "Y15T49": 140, "Y15T24": 200}, {("Y15T24", "Y15T49")}),
        ({"_T": 500, "Y0T17": 50, "Y0T4": 90}, {("Y0T4", "Y0T17")}),
        ({"_T": 500, "Y0T17": 150, "Y0T4": 90, "Y15T49": 300}, set()),
        ({"_T": 500, "Y0T17": 50, "Y15T19": 90}, set()),  # they only overlap
        ({"_T": 100, "Y0T14": 140}, set()),  # that is for the sums
    ],
)
def test_an_age_band_is_not_above_one_that_holds_it(cells, rules, ages, above):
    rows = [{"AGE": age, "OBS_VALUE": figure} for age, figure in ages.items()]
    faults = list(part_above_whole(cells(rows), rules["C10.age"], NOTHING))
    assert {(one.value, one.values["whole"]) for one in faults} == above
    assert [one.expected_at for one in faults] == [[f"≤ {ages[whole]}"] for _, whole in above]


def test_a_region_is_held_against_its_countries_and_never_added_to_them(cells, rules):
    births = {"FB": 300, "150": 200, "276": 90, "380": 100, "840": 40}

    def found(check, rule):
        rows = [{"BIRTHPLACE": birth, "OBS_VALUE": figure} for birth, figure in births.items()]
        return [
            (one.check, one.value)
            for one in check(cells(rows), rules[rule], NOTHING)
            if isinstance(one, Fault)
        ]

    assert found(region_among_countries, "C18.birthplace") == [("", None)]
    assert found(parts_exceed_whole, "C10.birthplace.regions") == []
    assert found(part_above_whole, "C10.birthplace") == []
    assert found(sum_of_parts, "C06") == [("unexplained_remainder", "FB")]
    births["380"] = 150
    assert found(parts_exceed_whole, "C10.birthplace.regions") == [("parts_exceed_whole", "150")]
    births["150"] = 400
    assert found(part_above_whole, "C10.birthplace") == [("", "150")]


# --- tolerance --------------------------------------------------------------------------------------------


def rounded(total, women, men, **more):
    return [row | more for row in by_sex(total, F=women, M=men, U=0)]


@pytest.mark.parametrize(
    ("rows", "outcome"),
    [
        (rounded(100, 48, 45), "warning"),  # rounding to 10 could explain it
        (rounded(100, 45, 30), None),
        (rounded(100, 50, 45, ROUND_BASE=5, ROUND_METHOD="NEAREST"), ""),
        (rounded(100, 50, 35, ROUND_BASE=5, ROUND_METHOD="NEAREST"), None),
        (rounded(100, 50, 35, ROUND_BASE=5, ROUND_METHOD="RANDOM"), ""),
        (rounded(100, 50, 30, ROUND_BASE=5, ROUND_METHOD="RANDOM"), None),
        (rounded(100, 50, 35, ROUND_BASE=5), "warning"),
        (rounded(100, 50, 10, ROUND_BASE=5, ROUND_METHOD="PERTURB"), "warning"),
        (rounded(100, 50, 49, ROUND_METHOD="NONE"), None),
        (rounded(100, 50, 49, ROUND_BASE=0), None),
        (rounded(12, 6, 5, UNIT_MULT=3), ""),  # thousands without decimals
        (rounded("12.0", "6.0", "5.9", UNIT_MULT=3), ""),
        (rounded("12.0", "6.0", "5.7", UNIT_MULT=3), None),
        (rounded(12, 6, 3, UNIT_MULT=3), None),
    ],
)
def test_rounding_is_allowed_for(found, rows, outcome):
    faults, _ = found(rows, "C01")
    assert [severity for _, _, _, severity, _ in faults] == ([] if outcome == "" else [outcome])


def test_what_rounding_allows_is_told_for_other_rules(cells):
    """A matrix of terms: the difference that is allowed, and whether a larger one is certain."""
    rows = [
        {"OBS_VALUE": 10, "ROUND_BASE": 5, "ROUND_METHOD": "NEAREST"},
        {"OBS_VALUE": 10, "SEX": "F", "ROUND_BASE": 5, "ROUND_METHOD": "NEAREST"},
        {"OBS_VALUE": 10, "SEX": "M"},
    ]
    difference, certain = allowed(cells(rows), np.array([[0, 0], [1, 2], [-1, -1]]))
    assert difference == pytest.approx([5, 2.5])
    assert certain.tolist() == [True, False]
    assert (slack(cells(rows[2:])).soft, slack(cells(rows[2:])).hard) == (0, 5)


def test_different_multipliers_are_compared_in_units_and_said(cells, rules):
    rows = [*by_sex(12000, F=7000), {"SEX": "M", "OBS_VALUE": 5, "UNIT_MULT": 3}]
    assert list(sum_of_parts(cells(rows), rules["C01"], NOTHING)) == []
    rows[2]["OBS_VALUE"] = 5000
    (fault,) = sum_of_parts(cells(rows), rules["C01"], NOTHING)
    assert fault.values["reason"] == "multipliers"
    assert fault.expected_at == ["5007000"]


# --- the rules of the shipped book ------------------------------------------------------------------------


def test_every_partition_is_used_by_a_rule(registry, book):
    annotated = {
        f"{one.agency}:{one.id}({one.version})" for one in registry.of(Hierarchy) if one.note("PARTITION")
    }
    used = {name for rule in book if rule.check == "sum_of_parts" for name in rule.hierarchies}
    assert annotated == used


def test_a_sparse_file_is_summed_too(found, cells):
    """A table by age for the total and one by country: the cube of both is nearly empty."""
    ages = [f"Y{n}T{n + 4}" for n in range(0, 85, 5)] + ["Y_GE85"]
    areas = ["276", "380", "056", "724", "620", "826", "840", "124", "036", "392"]
    rows = [
        {"OBS_VALUE": 1000},
        {"BIRTHPLACE": "FB", "OBS_VALUE": 100},
        {"BIRTHPLACE": "NB", "OBS_VALUE": 900},
    ]
    rows += [{"AGE": age, "OBS_VALUE": 100} for age in ages]
    rows += [{"BIRTHPLACE": area, "OBS_VALUE": 12} for area in areas]
    more = [("_T", "_T"), ("F", "CIT"), ("M", "FOR")]
    every = product(rows, ("2019", "2020", "2021"), more)
    rows = [dict(row, TIME_PERIOD=year, SEX=sex, CITIZENSHIP=own) for row, year, (sex, own) in every]
    assert isinstance(cells(rows).axis("AGE"), SortedAxis)
    faults, _ = found(rows)
    assert {(check, rule, len(keys)) for check, rule, _, _, keys in faults} == {
        ("sum_of_parts", "C02", 3),
        ("parts_exceed_whole", "C06", 3),
    }


def test_the_last_of_several_rows_with_one_key_counts(found):
    """Copies, which do no harm, are not added twice."""
    rows = [*by_sex(100, F=60, M=40), *by_sex(100, F=60, M=40)]
    assert found(rows, "C01") == found(rows, "C01", sorted_too=True) == (set(), 0)


def test_a_faulty_row_may_be_the_part_that_is_missing(registry):
    """A row for what is unknown, wrong by itself, does not make the sum of the others wrong too."""
    rows = [flow_row("250", "IMMIG", "276", 2019, 1000), flow_row("250", "IMMIG", "276", 2018, 1000)]
    rows += [flow_row("250", "IMMIG", "276", year, 400, sex=sex) for year in (2018, 2019) for sex in "FM"]
    for bad in ({"sex": "X9"}, {"sex": "_U", "value": "many"}):
        unknown = flow_row("250", "IMMIG", "276", 2019, **({"value": 200} | bad))
        report = _OPEN[0].check(sent(flow_csv(*rows, unknown), "FRA"))
        (one,) = (one for one in report.findings if one.rule == "C01")
        assert (one.code, [place.period for place in one.places]) == ("sum_of_parts", ["2018"])
        assert {
            "check": "sum_of_parts",
            "rule": "C01",
            "reason": "missing_parts",
            "count": 1,
        } in report.not_checked


def test_a_total_that_differs_is_no_mere_duplicate():
    rows = [
        flow_row("250", "IMMIG", "276", 2019, 100),
        flow_row("250", "IMMIG", "276", 2019, 70, sex="F"),
        flow_row("250", "IMMIG", "276", 2019, 30, sex="M"),
        flow_row("250", "IMMIG", "276", 2019, 120),
    ]
    report = _OPEN[0].check(sent(flow_csv(*rows), "FRA"))
    (finding,) = (one for one in report.findings if one.severity == "error")
    assert (finding.code, finding.count, finding.final) == ("total_differs", 2, True)
    assert [place.row for place in finding.places] == [2, 5]
    rows[3] = flow_row("250", "IMMIG", "276", 2019, 35, sex="M")  # men are no total
    report = _OPEN[0].check(sent(flow_csv(*rows), "FRA"))
    assert {one.code for one in report.findings if one.severity == "error"} == {"duplicate_key"}
