"""Query texts: conditions, keys, canonical form; and what they mean for a schema."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migdx.errors import SemanticFault, SyntaxFault, TooLarge
from migdx.plan import plan
from migdx.query import OPERATORS, Atom, Condition, DataQuery, parse_condition, parse_keys
from migdx.schema import Schema, SchemaComponent
from migdx.structures import Codelist, Dataflow, DataStructure, Item

LIST = Codelist("CL", "T", "1.0.0", items=(Item("A"), Item("B")))
SCHEMA = Schema(
    Dataflow("DF", "T", "1.0.0"),
    DataStructure("DSD", "T", "1.0.0"),
    (
        SchemaComponent("FREQ", "dimension", {}, codelist=LIST),
        SchemaComponent("AREA", "dimension", {}, codelist=LIST),
        SchemaComponent("TIME_PERIOD", "time", {}, text_type="ObservationalTimePeriod"),
        SchemaComponent("OBS_VALUE", "measure", {}, text_type="Double"),
        SchemaComponent("UNIT", "attribute", {}, attached="dimensions", to=("AREA",)),
        SchemaComponent("OBS_STATUS", "attribute", {}),
        SchemaComponent("TITLE", "attribute", {}, attached="dataflow"),
    ),
)


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("A", ((Atom("eq", "A"),),)),
        ("A,B", ((Atom("eq", "A"),), (Atom("eq", "B"),))),
        ("ge:A+le:B", ((Atom("ge", "A"), Atom("le", "B")),)),
        ("A,B+C", ((Atom("eq", "A"),), (Atom("eq", "B"), Atom("eq", "C")))),
        ("ne:A,B", ((Atom("ne", "A"),), (Atom("eq", "B"),))),
        ("ge:2020-01-01T00:00:00", ((Atom("ge", "2020-01-01T00:00:00"),),)),
        ("a:b", ((Atom("eq", "a:b"),),)),
    ],
)
def test_conditions(text, terms):
    assert parse_condition("X", text) == Condition("X", terms)


@pytest.mark.parametrize("text", ["", "A,", "+A", "ge:", "A,,B"])
def test_empty_comparisons_are_named(text):
    with pytest.raises(SyntaxFault, match=r"c\[X\]"):
        parse_condition("X", text)


values = st.text(st.characters(codec="ascii", exclude_characters=",+:"), min_size=1)


@given(st.lists(st.lists(st.builds(Atom, st.sampled_from(OPERATORS), values), min_size=1), min_size=1))
def test_a_condition_gives_itself_back(terms):
    condition = Condition("X", tuple(tuple(term) for term in terms))
    assert parse_condition("X", str(condition)) == condition


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("*", ()),
        ("all", ()),
        ("", ()),
        ("A.B", ((("A",), ("B",)),)),
        ("A.*", ((("A",), ()),)),
        ("A..C", ((("A",), (), ("C",)),)),
        ("A+B.C", ((("A", "B"), ("C",)),)),
        ("A.B,C.D", ((("A",), ("B",)), (("C",), ("D",)))),
    ],
)
def test_keys(text, keys):
    assert parse_keys(text) == keys


def test_a_plan_binds_positions_to_dimensions():
    made = plan(DataQuery(keys=parse_keys("A,*.B+A")), SCHEMA)
    assert made.keys == ((("FREQ", frozenset("A")),), (("AREA", frozenset("AB")),))
    assert made.measures == ("OBS_VALUE",)
    assert made.attributes == ("UNIT", "OBS_STATUS", "TITLE")


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (("none",), ()),
        (("obs",), ("OBS_STATUS",)),
        (("series",), ("UNIT",)),
        (("dataset", "UNIT"), ("UNIT", "TITLE")),
        (("OBS_STATUS",), ("OBS_STATUS",)),
    ],
)
def test_attributes_by_level_and_by_id(asked, found):
    assert plan(DataQuery(attributes=asked), SCHEMA).attributes == found


@pytest.mark.parametrize(
    ("query", "error", "said"),
    [
        (
            DataQuery(keys=parse_keys("A.B.C")),
            SyntaxFault,
            "The key has 3 positions; T:DSD.* has 2: FREQ.AREA",
        ),
        (DataQuery(conditions=(parse_condition("SEX", "F"),)), SemanticFault, "no component SEX"),
        (
            DataQuery(conditions=(parse_condition("TIME_PERIOD", "ge:soon"),)),
            SyntaxFault,
            "'soon' is no time period",
        ),
        (
            DataQuery(conditions=(parse_condition("OBS_VALUE", "gt:much"),)),
            SyntaxFault,
            "'much' is not a number",
        ),
        (DataQuery(attributes=("NONE_SUCH",)), SemanticFault, "there is no NONE_SUCH"),
        (DataQuery(measures=("X",)), SemanticFault, "there is no X"),
        (
            DataQuery(conditions=(parse_condition("OBS_VALUE", ",".join(["co:1"] * 101)),)),
            TooLarge,
            "makes 101 comparisons .* at most 100",
        ),
    ],
)
def test_what_a_plan_refuses(query, error, said):
    with pytest.raises(error, match=said):
        plan(query, SCHEMA)


def test_the_canonical_form_does_not_depend_on_the_order_of_conditions():
    one, two = parse_condition("A", "1"), parse_condition("B", "2")
    assert str(DataQuery(conditions=(one, two))) == str(DataQuery(conditions=(two, one)))
    assert str(DataQuery(conditions=(one,))) != str(DataQuery(conditions=(two,)))
