"""Constraints, extensions and evolving structures as a schema resolves them, and what the check finds.

SDMX 3.1 Technical Notes (Section 6), chapters 6.1 and 10.
"""

import numpy as np
import pyarrow as pa
import pytest

from migdx import checks
from migdx.columns import Columns, in_columns
from migdx.dataset import typed
from migdx.errors import SemanticFault, StructureFault
from migdx.registry import Registry
from migdx.report import message
from migdx.restriction import like
from migdx.structures import (
    Attribute,
    Codelist,
    CodelistExtension,
    Concept,
    ConceptScheme,
    CubeRegion,
    DataConstraint,
    Dataflow,
    DataKey,
    DataKeySet,
    DataProviderScheme,
    DataStructure,
    Dimension,
    Group,
    Item,
    KeyValues,
    Measure,
    Organisation,
    ProvisionAgreement,
    Representation,
    TimeRange,
    ValueList,
)
from migdx.urn import Reference

AREA = {"EU": "", "AT": "EU", "FR": "EU", "FR1": "FR", "US": ""}


def listed(id, codes, extensions=(), cls=Codelist):
    items = tuple(Item(code, parent=parent) for code, parent in dict(codes).items())
    more = {"extensions": tuple(extensions)} if extensions else {}
    return cls(id, agency="T", version="1.0.0", items=items, **more)


def plain(*codes):
    return dict.fromkeys(codes, "")


def enumerated(scheme):
    return Representation(enumeration=scheme.reference)


IDS = ("AREA", "SEX", "AGE", "TIME_PERIOD", "OBS_VALUE", "UNIT", "NOTE")
CONCEPTS = ConceptScheme("CS", agency="T", version="1.0.0", items=tuple(Concept(id) for id in IDS))
AREAS = listed("CL_AREAS", AREA)
SEXES = listed("CL_SEXES", plain("F", "M", "T"))
AGES = listed("CL_AGES", plain("Y0", "Y1", "Y10", "TOT"))
UNITS = listed("VL_UNITS", plain("%", "EUR"), cls=ValueList)


def concept(id):
    return Reference("Concept", "T", "CS", "1.0.0", id)


def structure(areas=AREAS, **more):
    return DataStructure(
        "DSD", agency="T", version="1.0.0",
        dimensions=(
            Dimension("AREA", concept("AREA"), enumerated(areas)),
            Dimension("SEX", concept("SEX"), enumerated(SEXES)),
            Dimension("AGE", concept("AGE"), enumerated(AGES)),
            Dimension(
                "TIME_PERIOD", concept("TIME_PERIOD"),
                Representation(text_type="ObservationalTimePeriod"), is_time=True,
            ),
        ),
        measures=(Measure("OBS_VALUE", concept("OBS_VALUE"), Representation(text_type="Double")),),
        attributes=(
            Attribute("UNIT", concept("UNIT"), enumerated(UNITS), attached="dimensions", to=("SEX", "AGE")),
            Attribute("NOTE", concept("NOTE")),
        ),
        groups=(Group("Sibling", ("SEX", "AGE")),),
        **more,
    )  # fmt: skip


DSD = structure()
FLOW = Dataflow("DF", agency="T", version="1.0.0", structure=DSD.reference)
PROVIDERS = DataProviderScheme(
    "DATA_PROVIDERS", agency="T", version="1.0", items=(Organisation("P1"), Organisation("P2"))
)
PROVIDER = Reference("DataProvider", "T", "DATA_PROVIDERS", "1.0", "P1")
AGREEMENT = ProvisionAgreement("PA", agency="T", version="1.0.0", dataflow=FLOW.reference, provider=PROVIDER)


def constraint(*regions, to=FLOW.reference, sets=(), id="CR", **more):
    return DataConstraint(
        id, agency="T", version="1.0.0", attachment=(to,), regions=regions, key_sets=tuple(sets), **more
    )


def region(include=True, /, **values):
    """Values by component: a tuple of them, or KeyValues."""
    keys = [v if isinstance(v, KeyValues) else KeyValues(id, v) for id, v in values.items()]
    return CubeRegion(tuple(keys), include)


def keys(include, /, *given):
    made = (DataKey(tuple(KeyValues(id, (v,)) for id, v in key.items())) for key in given)
    return DataKeySet(tuple(made), include)


def registry(*more, dsd=DSD, flow=FLOW):
    made = Registry([CONCEPTS, AREAS, SEXES, AGES, UNITS, dsd, flow, PROVIDERS, AGREEMENT, *more])
    made.check()
    return made


def schema(*constraints, agreement=None, **more):
    return registry(*constraints, **more).schema(FLOW.reference, agreement)


def told(schema, rows, columns=("AREA", "SEX", "AGE", "TIME_PERIOD")):
    """(code, component, value or key, rows) of what outside_constraint and not_your_area find."""
    arrays = [[row[at] if at < len(row) else "1" for row in rows] for at in range(len(columns))]
    table = pa.table({id: pa.array(values, pa.utf8()) for id, values in zip(columns, arrays, strict=True)})
    given = Columns(
        "csv", table, in_columns(np.arange(2, len(rows) + 2), dict(zip(columns, range(1, 9), strict=False)))
    )
    findings, _ = checks.run(typed(given, schema), given)
    ours = [f for f in findings if f.code in ("outside_constraint", "not_your_area")]
    return [
        (f.code, f.component, f.value if f.value is not None else f.values.get("key"),
         [place.row - 2 for place in f.places])
        for f in ours
    ]  # fmt: skip


# --- regions ------------------------------------------------------------------------------------------------


def test_an_included_region_leaves_its_values():
    found = schema(constraint(region(SEX=("F", "M"), AGE=("TOT",))))
    assert found.by_id["SEX"].allowed == {"F", "M"}
    assert found.by_id["AGE"].valid == {"TOT"}
    assert found.by_id["AREA"].allowed is None
    assert found.restrictions == ()


def test_values_that_are_not_included_are_left_out():
    found = schema(constraint(region(SEX=KeyValues("SEX", ("T",), include=False))))
    assert found.by_id["SEX"].allowed == {"F", "M"}


def test_an_excluded_region_of_one_component_forbids_its_values():
    found = schema(constraint(region(False, SEX=("T",))))
    assert found.by_id["SEX"].allowed == {"F", "M"}
    double = schema(constraint(region(False, SEX=KeyValues("SEX", ("T",), include=False))))
    assert double.by_id["SEX"].allowed == {"T"}


def test_an_excluded_region_that_names_nothing_forbids_nothing():
    found = schema(constraint(region(False)))
    assert found.by_id["SEX"].allowed is None
    assert not found.restrictions


def test_two_included_regions_are_united_and_their_mixtures_are_not():
    found = schema(constraint(region(SEX=("F",), AGE=("Y0",)), region(SEX=("M",), AGE=("Y1", "Y10"))))
    assert found.by_id["SEX"].allowed == {"F", "M"}
    assert found.by_id["AGE"].allowed == {"Y0", "Y1", "Y10"}
    rows = [("AT", "F", "Y0", "2020"), ("AT", "M", "Y10", "2020"), ("AT", "F", "Y1", "2020")]
    assert told(found, rows) == [("outside_constraint", "", "SEX F, AGE Y1", [2])]


def test_a_component_that_one_region_does_not_name_is_not_limited():
    found = schema(constraint(region(SEX=("F",)), region(AGE=("Y0",))))
    assert found.by_id["SEX"].allowed is None
    rows = [("AT", "M", "Y0", "2020"), ("AT", "F", "Y1", "2020"), ("AT", "M", "Y1", "2020")]
    assert told(found, rows) == [("outside_constraint", "", "SEX M, AGE Y1", [2])]


def test_an_excluded_region_is_taken_out_of_an_included_one():
    found = schema(constraint(region(SEX=("F", "M")), region(False, SEX=("F",), AGE=("Y0", "Y1"))))
    rows = [
        ("AT", "F", "TOT", "2020"), ("AT", "M", "Y0", "2020"), ("AT", "F", "Y1", "2020"),
        ("AT", "T", "Y1", "2020"), ("FR", "F", "Y1", "2021"), ("FR", "F", "Y0", "2021"),
    ]  # fmt: skip
    assert told(found, rows) == [
        ("outside_constraint", "SEX", "T", [3]),
        ("outside_constraint", "", "SEX F, AGE Y1", [2, 4]),
        ("outside_constraint", "", "SEX F, AGE Y0", [5]),
    ]


def test_a_region_with_a_component_that_the_structure_does_not_have():
    """What is included is not limited by it; what is excluded with it forbids nothing."""
    found = schema(
        constraint(region(SEX=("F",), OTHER=("X",))),
        constraint(region(False, AGE=("Y0",), OTHER=("X",)), id="CR2"),
    )
    assert found.by_id["SEX"].allowed == {"F"}
    assert found.by_id["AGE"].allowed is None
    assert found.restrictions == ()


@pytest.mark.parametrize(
    ("cascade", "expected"),
    [
        ("true", {"EU", "AT", "FR", "FR1"}),
        ("excluderoot", {"AT", "FR", "FR1"}),
        ("false", {"EU"}),
    ],
)
def test_a_value_may_stand_for_its_descendants(cascade, expected):
    given = KeyValues("AREA", ("EU",), cascading=(("EU", cascade),))
    assert schema(constraint(region(AREA=given))).by_id["AREA"].allowed == expected
    without = KeyValues("AREA", ("EU",), include=False, cascading=(("EU", cascade),))
    assert schema(constraint(region(AREA=without))).by_id["AREA"].allowed == set(AREA) - expected


def test_wildcards_are_any_text():
    assert schema(constraint(region(AGE=("Y1%",)))).by_id["AGE"].allowed == {"Y1", "Y10"}
    assert schema(constraint(region(AGE=("%0",)))).by_id["AGE"].allowed == {"Y0", "Y10"}
    assert schema(constraint(region(AGE=("Y%",), SEX=("X%",)))).by_id["SEX"].allowed == frozenset()


def test_a_value_that_is_a_percent_sign_is_itself():
    assert schema(constraint(region(UNIT=("%",)))).by_id["UNIT"].allowed == {"%"}


def test_values_of_text_may_be_limited_too():
    found = schema(constraint(region(NOTE=("a%", "b"))))
    assert found.by_id["NOTE"].allowed is None
    rows = [("AT", "abc"), ("AT", "b"), ("AT", "bc"), ("AT", "")]
    assert told(found, rows, ("AREA", "NOTE")) == [("outside_constraint", "NOTE", "NOTE bc", [2])]
    assert schema(constraint(region(NOTE=("b",)))).by_id["NOTE"].allowed == {"b"}


@pytest.mark.parametrize(
    ("times", "outside"),
    [
        (TimeRange("2010", "2019"), ["2009", "2020-Q1"]),
        (TimeRange("2010", None, start_included=False), ["2009", "2010", "2010-Q3"]),
        (TimeRange(None, "2010", end_included=False), ["2010", "2010-Q3", "2011", "2019-12", "2020-Q1"]),
        (TimeRange("2010-07-01T00:00:00", "2010-12-31T00:00:00"),
         ["2009", "2010", "2011", "2019-12", "2020-Q1"]),
    ],
)  # fmt: skip
def test_a_time_range_limits_periods_as_a_whole(times, outside):
    given = ["2009", "2010", "2010-Q3", "2011", "2019-12", "2020-Q1"]
    found = schema(constraint(region(TIME_PERIOD=KeyValues("TIME_PERIOD", time_range=times))))
    rows = [("AT", "F", "Y0", period) for period in given]
    assert [value for *_, value, _ in told(found, rows)] == [f"TIME_PERIOD {text}" for text in outside]
    without = KeyValues("TIME_PERIOD", time_range=times, include=False)
    found = schema(constraint(region(TIME_PERIOD=without)))
    inside = [f"TIME_PERIOD {text}" for text in given if text not in outside]
    assert [value for *_, value, _ in told(found, rows)] == inside


def test_periods_may_be_listed():
    found = schema(constraint(region(TIME_PERIOD=("2019", "2020"))))
    rows = [("AT", "F", "Y0", "2019"), ("AT", "F", "Y0", "2021")]
    assert told(found, rows) == [("outside_constraint", "TIME_PERIOD", "2021", [1])]


def test_validity_is_kept_and_limits_nothing():
    given = KeyValues("SEX", ("F",), valid_to="2010", validity=(("F", "2000", "2001"),))
    made = registry(constraint(region(SEX=given)))
    assert made.schema(FLOW.reference).by_id["SEX"].allowed == {"F"}
    assert made.of(DataConstraint)[0].regions[0].keys[0].validity == (("F", "2000", "2001"),)


def test_what_is_there_is_no_limit():
    found = schema(constraint(region(SEX=("F",)), role="Actual"))
    assert found.by_id["SEX"].allowed is None


def test_a_component_without_values_is_there_or_is_not():
    """RegionType in the official schema: "for the purpose of stating the component is absent"."""
    rows = [("AT", "a"), ("AT", "")]
    may = schema(constraint(region(NOTE=KeyValues("NOTE", is_attribute=True))))
    assert told(may, rows, ("AREA", "NOTE")) == []
    never = schema(constraint(region(NOTE=KeyValues("NOTE", include=False, is_attribute=True))))
    assert told(never, rows, ("AREA", "NOTE")) == [("outside_constraint", "NOTE", "NOTE a", [0])]
    with_sex = constraint(region(False, SEX=("F",), NOTE=KeyValues("NOTE", is_attribute=True)))
    rows = [("F", "a"), ("F", ""), ("M", "a")]
    assert told(schema(with_sex), rows, ("SEX", "NOTE")) == [("outside_constraint", "", "SEX F, NOTE a", [0])]


def test_a_restriction_says_the_same_of_one_key_as_the_check_of_many():
    found = schema(
        constraint(region(SEX=("F", "M")), region(False, SEX=("F",), AGE=("Y0",), AREA=("A%",))),
    )
    (restriction,) = found.restrictions
    made = [
        (area, sex, age, "2020")
        for area in ("AT", "FR", "")
        for sex in ("F", "M", "")
        for age in ("Y0", "Y1", "")
    ]
    wrong = {row for *_, rows in told(found, made) for row in rows}
    keys = [dict(zip(("AREA", "SEX", "AGE"), row, strict=False)) for row in made]
    assert wrong == {at for at, key in enumerate(keys) if not restriction.allows(key)} == {0}


# --- attachments --------------------------------------------------------------------------------------------


def test_each_level_narrows_the_one_above():
    given = [
        constraint(region(SEX=("F", "M"), AGE=("Y0", "Y1")), to=DSD.reference, id="A"),
        constraint(region(AGE=("Y1", "Y10")), to=FLOW.reference, id="B"),
        constraint(region(AREA=("AT", "FR")), to=AGREEMENT.reference, id="C"),
        constraint(region(AREA=("FR", "US")), to=PROVIDER, id="D"),
    ]
    made = registry(*given)
    of_dsd, of_flow = made.schema(DSD.reference), made.schema(FLOW.reference)
    under = made.schema(FLOW.reference, AGREEMENT)
    assert of_dsd.by_id["AGE"].allowed == {"Y0", "Y1"}
    assert of_flow.by_id["AGE"].allowed == {"Y1"}
    assert of_flow.by_id["SEX"].allowed == {"F", "M"}
    assert of_flow.by_id["AREA"].granted is None
    assert under.by_id["AREA"].granted == {"FR"}
    assert (of_dsd.context, of_flow.context, under.context) == (
        DSD.reference, FLOW.reference, AGREEMENT.reference,
    )  # fmt: skip
    assert [c.id for c in made.constraints(of_dsd)] == ["A"]
    assert [c.id for c in made.constraints(under)] == ["A", "B", "C", "D"]


def test_two_constraints_of_one_dataflow_both_hold():
    given = (constraint(region(AGE=("Y0", "Y1")), id="A"), constraint(region(AGE=("Y1", "Y10")), id="B"))
    assert schema(*given).by_id["AGE"].allowed == {"Y1"}


def test_a_provider_is_not_limited_by_another_s_constraint():
    other = Reference("DataProvider", "T", "DATA_PROVIDERS", "1.0", "P2")
    found = schema(constraint(region(AREA=("AT",)), to=other), agreement=AGREEMENT)
    assert found.by_id["AREA"].granted is None


def test_a_combination_that_an_agreement_does_not_cover_is_not_the_sender_s():
    given = constraint(
        region(AREA=("AT",), SEX=("F",)), region(AREA=("FR",), SEX=("M",)), to=AGREEMENT.reference
    )
    found = schema(given, agreement=AGREEMENT)
    rows = [("AT", "F", "Y0", "2020"), ("AT", "M", "Y0", "2020"), ("US", "M", "Y0", "2020")]
    assert told(found, rows) == [
        ("not_your_area", "AREA", "US", [2]),
        ("not_your_area", "", "AREA AT, SEX M", [1]),
    ]
    assert told(schema(given), rows) == []


# --- key sets -----------------------------------------------------------------------------------------------


def test_a_key_set_leaves_its_keys():
    given = keys(True, {"AREA": "AT", "SEX": "F"}, {"AREA": "FR", "SEX": "M"}, {"AREA": "FR", "SEX": "T"})
    found = schema(constraint(sets=[given]))
    assert found.by_id["AREA"].allowed == {"AT", "FR"}
    assert found.by_id["AGE"].allowed is None
    rows = [
        ("AT", "F", "Y0", "2020"), ("FR", "T", "Y1", "2020"), ("FR", "F", "Y1", "2020"),
        ("US", "F", "Y1", "2020"), ("FR", "F", "Y1", "2021"), ("AT", "", "Y1", "2021"),
    ]  # fmt: skip
    assert told(found, rows) == [
        ("outside_constraint", "AREA", "US", [3]),
        ("outside_constraint", "", "AREA FR, SEX F", [2, 4]),
    ]


def test_keys_that_are_excluded_are_forbidden():
    found = schema(constraint(sets=[keys(False, {"AREA": "AT", "SEX": "F"}, {"AREA": "FR", "SEX": "M"})]))
    assert found.by_id["AREA"].allowed is None
    rows = [("AT", "F", "Y0", "2020"), ("AT", "M", "Y0", "2020"), ("FR", "M", "Y1", "2020")]
    assert told(found, rows) == [
        ("outside_constraint", "", "AREA AT, SEX F", [0]),
        ("outside_constraint", "", "AREA FR, SEX M", [2]),
    ]


def test_key_sets_are_taken_in_their_order():
    """10.3.2.2: so what is wide comes first, and what is narrow after it decides."""
    wide, narrow = keys(True, {"AREA": "AT"}), keys(False, {"AREA": "AT", "SEX": "F"})
    back = keys(True, {"AREA": "AT", "SEX": "F", "AGE": "Y0"})
    rows = [("AT", "M", "Y1", "2020"), ("AT", "F", "Y1", "2020"), ("AT", "F", "Y0", "2020")]
    found = schema(constraint(sets=[wide, narrow, back]))
    assert [value for *_, value, _ in told(found, rows)] == ["AREA AT, SEX F, AGE Y1"]
    assert told(schema(constraint(sets=[narrow, wide])), rows) == []


def test_keys_with_wildcards_and_of_different_components():
    given = keys(True, {"AREA": "F%", "SEX": "F"}, {"AGE": "TOT"})
    found = schema(constraint(sets=[given]))
    rows = [("FR1", "F", "Y0", "2020"), ("US", "M", "TOT", "2020"), ("US", "F", "Y0", "2020")]
    assert [value for *_, value, _ in told(found, rows)] == ["AREA US, SEX F, AGE Y0"]


def test_a_constraint_with_keys_and_a_region_wants_both():
    found = schema(constraint(region(AGE=("Y0",)), sets=[keys(True, {"AREA": "AT", "SEX": "F"})]))
    assert (found.by_id["AGE"].allowed, found.by_id["SEX"].allowed) == ({"Y0"}, {"F"})
    assert found.restrictions == ()


def test_many_keys_are_looked_up_together():
    """20,000 keys on 100,000 rows; exact counts, and the first hundred combinations one by one."""
    areas = listed("CL_AREAS", plain(*(f"A{n}" for n in range(400))))
    ages = listed("CL_AGES", plain(*(f"Y{n}" for n in range(100))))
    made = Registry([
        CONCEPTS, areas, SEXES, ages, UNITS, DSD, FLOW,
        constraint(sets=[keys(True, *(
            {"AREA": f"A{n % 400}", "AGE": f"Y{n // 400}"} for n in range(20_000)
        ))]),
    ])  # fmt: skip
    found = made.schema(FLOW.reference)
    rows = [(f"A{n % 400}", "F", f"Y{n // 400 % 100}", str(1900 + n // 40_000)) for n in range(100_000)]
    wrong = told(found, rows)
    assert len(wrong) == 50  # ages from Y50 on are no values of any key
    assert {component for _, component, *_ in wrong} == {"AGE"}


def test_many_keys_that_mix_values_are_told_apart():
    areas = listed("CL_AREAS", plain(*(f"A{n}" for n in range(400))))
    ages = listed("CL_AGES", plain(*(f"Y{n}" for n in range(50))))
    given = keys(True, *({"AREA": f"A{n}", "AGE": f"Y{n % 50}"} for n in range(400)))
    made = Registry([CONCEPTS, areas, SEXES, ages, UNITS, DSD, FLOW, constraint(sets=[given])])
    rows = [(f"A{n % 400}", "F", f"Y{n // 400 % 50}", str(1900 + n // 20_000)) for n in range(40_000)]
    wrong = told(made.schema(FLOW.reference), rows)
    assert len(wrong) == 101
    assert wrong[0] == ("outside_constraint", "", "AREA A0, AGE Y1", [400, 20_400])
    assert wrong[-1][2] is None
    table = Columns("csv", pa.table({
        "AREA": [row[0] for row in rows], "AGE": [row[2] for row in rows],
    }), in_columns(np.arange(40_000), {}))  # fmt: skip
    findings, _ = checks.run(typed(table, made.schema(FLOW.reference)), table)
    assert sum(f.count for f in findings if f.code == "outside_constraint") == 40_000 - 800


def test_the_message_names_the_combination_and_the_constraint():
    found = schema(constraint(region(False, SEX=("F",), AGE=("Y0",))))
    table = pa.table({"SEX": ["F"], "AGE": ["Y0"]})
    given = Columns("csv", table, in_columns(np.array([2]), {"SEX": 1, "AGE": 2}))
    findings, _ = checks.run(typed(given, found), given)
    (finding,) = [f for f in findings if f.code == "outside_constraint"]
    assert message(finding) == "The combination SEX F, AGE Y0 is not among those that T:CR(1.0.0) takes."
    assert "SEX F, AGE Y0" in message(finding, ("fr",))


# --- code lists ---------------------------------------------------------------------------------------------


def extended(own, *extensions, others=()):
    made = listed("CL_AREAS", own, extensions)
    return Registry([made, *others]).codelist(made)


ISIC = listed("CL_ISIC", {"A": "", "A1": "A", "B": ""})
NACE = listed("CL_NACE", {"A": "", "C": "A"})


def extension(of, **more):
    return CodelistExtension(of.reference, **more)


def test_of_two_codes_the_later_list_s_holds_and_the_list_s_own_above_all():
    found = extended({"B": "own"}, extension(ISIC), extension(NACE), others=(ISIC, NACE))
    assert list(found.by_id) == ["B", "A", "A1", "C"]
    assert found.by_id["B"].parent == "own"
    assert found.by_id["A"] is NACE.by_id["A"]


def test_a_prefix_is_put_before_codes_and_parents():
    found = extended({}, extension(ISIC, prefix="I_"), extension(NACE, prefix="N_"), others=(ISIC, NACE))
    assert {item.id: item.parent for item in found.items} == {
        "I_A": "", "I_A1": "I_A", "I_B": "", "N_A": "", "N_C": "N_A",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"include": ("A",)}, {"A": ""}),
        ({"include": ("A%",)}, {"A": "", "A1": "A"}),
        ({"include": ("A",), "cascading": (("A", "true"),)}, {"A": "", "A1": "A"}),
        ({"include": ("A",), "cascading": (("A", "excluderoot"),)}, {"A1": ""}),
        ({"exclude": ("A",)}, {"A1": "", "B": ""}),
        ({"exclude": ("A",), "cascading": (("A", "true"),)}, {"B": ""}),
        ({"exclude": ("A",), "cascading": (("A", "excluderoot"),)}, {"A": "", "B": ""}),
    ],
)
def test_selected_codes_may_bring_their_descendants(more, expected):
    found = extended({}, extension(ISIC, **more), others=(ISIC,))
    assert {item.id: item.parent for item in found.items} == expected


def test_a_list_that_extends_itself_is_a_fault_at_load():
    b = listed("CL_B", {}, [CodelistExtension(Reference("Codelist", "T", "CL_C", "1.0.0"))])
    c = listed("CL_C", {}, [extension(b)])
    with pytest.raises(StructureFault, match=r"T:CL_\w\(1.0.0\) extends T:CL_\w\(1.0.0\) extends .*circle"):
        Registry([b, c]).check()
    alone = listed("CL_D", {}, [CodelistExtension(Reference("Codelist", "T", "CL_D", "1.0.0"))])
    with pytest.raises(StructureFault, match=r"T:CL_D\(1.0.0\) extends T:CL_D\(1.0.0\): a circle"):
        Registry([alone]).check()
    # a list that leads into a circle is not one; the circle is told all the same
    leading = listed("CL_A", {}, [extension(b)])
    with pytest.raises(StructureFault, match="a circle"):
        Registry([leading, b, c]).check()


def test_a_circle_is_a_fault_for_whoever_resolves_it():
    """Where nobody checked before: in what is sent for maintenance."""
    b = listed("CL_B", {}, [CodelistExtension(Reference("Codelist", "T", "CL_C", "1.0.0"))])
    c = listed("CL_C", {}, [extension(b)])
    with pytest.raises(StructureFault, match="a circle"):
        Registry([b, c]).codelist(b)


def test_long_chains_and_many_ways_to_the_same_list_are_no_trouble():
    chain = [listed("CL_0", {"A": ""})]
    for number in range(1, 1500):
        chain.append(listed(f"CL_{number}", {}, [extension(chain[-1]), extension(chain[-1])]))
    made = Registry(chain)
    made.check()
    assert list(made.codelist(chain[-1]).by_id) == ["A"]


@pytest.mark.parametrize(
    ("value", "pattern", "fits"),
    [
        ("ABC", "ABC", True), ("ABC", "A%", True), ("ABC", "%", True), ("", "%", True), ("ABC", "%B%", True),
        ("ABC", "A%A", False), ("A", "A%A", False), ("AA", "A%A", True), ("ABCBD", "A%B%B%D", True),
        ("ABD", "A%B%B%D", False), ("ABC", "a%", False), ("A.C", "A.%", True), ("ABC", "A.%", False),
        ("ABC", "%%C", True), ("ABC", "AB", False),
    ],
)  # fmt: skip
def test_a_pattern_fits(value, pattern, fits):
    assert like(value, pattern) is fits


def test_a_hostile_pattern_takes_no_time():
    assert not like("a" * 100_000, "%a" * 1000 + "%b")


def test_a_list_that_is_extended_twice_is_no_circle():
    top = listed("CL_T", {}, [extension(ISIC, prefix="1"), extension(ISIC, prefix="2")])
    made = Registry([top, ISIC])
    made.check()
    assert len(made.codelist(top).items) == 6


def test_a_dataflow_may_use_the_codes_of_one_list_without_the_prefix():
    union = listed("CL_UNION", {}, [extension(ISIC, prefix="I_"), extension(NACE, prefix="N_")])
    given = constraint(region(AREA=KeyValues("AREA", ("N_%",), remove_prefix=True)))
    found = schema(union, ISIC, NACE, given, dsd=structure(union)).by_id["AREA"]
    assert found.valid == found.codes == {"A", "C"}
    assert found.code("C").parent == "A"
    assert found.codelist.is_partial
    kept = constraint(region(AREA=KeyValues("AREA", ("N_%",), remove_prefix=False)))
    assert schema(union, ISIC, NACE, kept, dsd=structure(union)).by_id["AREA"].valid == {"N_A", "N_C"}


def test_what_narrows_further_may_name_the_code_either_way():
    union = listed("CL_UNION", {}, [extension(ISIC, prefix="I_"), extension(NACE, prefix="N_")])
    given = constraint(region(AREA=KeyValues("AREA", ("N_%",), remove_prefix=True)), id="A")
    for value in ("N_C", "C"):
        more = constraint(region(AREA=(value,)), to=AGREEMENT.reference, id="B")
        found = schema(union, ISIC, NACE, given, more, dsd=structure(union), agreement=AGREEMENT)
        assert found.by_id["AREA"].valid == {"C"}


# --- evolving structures ------------------------------------------------------------------------------------


def test_a_dataflow_may_use_some_dimensions_only():
    flow = Dataflow(
        "DF", agency="T", version="1.0.0", structure=DSD.reference,
        dimension_constraint=("AGE", "TIME_PERIOD"),
    )  # fmt: skip
    found = schema(dsd=structure(evolving=True), flow=flow)
    assert found.key == ("AGE", "TIME_PERIOD")
    assert found.by_id["UNIT"].to == ("AGE",)
    assert [group.dimensions for group in found.dsd.groups] == [("AGE",)]


def test_an_attribute_of_dimensions_that_are_not_used_is_one_of_the_dataflow():
    flow = Dataflow(
        "DF", agency="T", version="1.0.0", structure=DSD.reference,
        dimension_constraint=("AREA", "TIME_PERIOD"),
    )  # fmt: skip
    found = schema(constraint(region(SEX=("F",), AREA=("AT",))), dsd=structure(evolving=True), flow=flow)
    assert [a.id for a in found.dataset_attributes] == ["UNIT"]
    assert found.dsd.groups == ()
    assert found.by_id["AREA"].allowed == {"AT"}


def test_a_dataflow_cannot_use_a_dimension_that_is_not_there():
    flow = Dataflow("DF", agency="T", version="1.0.0", structure=DSD.reference, dimension_constraint=("X",))
    with pytest.raises((SemanticFault, StructureFault), match=r"the dimension X, which .* does not have"):
        schema(flow=flow)
