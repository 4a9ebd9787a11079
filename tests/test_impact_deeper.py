"""What would slip through if only the codes of each component were looked at."""

from __future__ import annotations

from dataclasses import replace

import pytest
from small_world import TIME, agreement, codelist, dsd, flow, small, submitted
from test_maintenance import T, delete, put

from migdx.errors import Conflict, Forbidden
from migdx.maintenance import Maintainer, Wish, maintain
from migdx.structures import (
    CubeRegion,
    DataConstraint,
    DataKey,
    DataKeySet,
    KeyValues,
    Representation,
    TimeRange,
)

U = Maintainer("U", frozenset(("U",)))


@pytest.fixture
def exchange(tmp_path):
    made = small(tmp_path)
    submitted(made, "X,F,2020,1.5,A", "X,F,2021,2,P", "Y,M,2020,3,A")
    yield made
    made.close()


def constraint(*, regions=(), key_sets=(), agency="T"):
    return DataConstraint(
        "DC", agency, "1.0", names={"en": "c"},
        attachment=(flow().reference,), regions=regions, key_sets=key_sets,
    )  # fmt: skip


def key(*pairs, include=True):
    return tuple(KeyValues(id, (value,), include=include) for id, value in pairs)


@pytest.mark.parametrize(
    ("made", "fits"),
    [
        (constraint(key_sets=(DataKeySet((DataKey(key(("REF_AREA", "X"), ("SEX", "F"))),
                                          DataKey(key(("REF_AREA", "Y"), ("SEX", "M"))))),)), True),
        (constraint(key_sets=(DataKeySet((DataKey(key(("REF_AREA", "X"), ("SEX", "M"))),
                                          DataKey(key(("REF_AREA", "Y"), ("SEX", "F"))))),)), False),
        (constraint(key_sets=(DataKeySet((DataKey(key(("REF_AREA", "X"), ("SEX", "F"))),), include=False),)),
         False),
        (constraint(regions=(CubeRegion((KeyValues("TIME_PERIOD", time_range=TimeRange("2021")),)),)), False),
        (constraint(regions=(CubeRegion((KeyValues("TIME_PERIOD", time_range=TimeRange("2020")),)),)), True),
    ],
    ids=["all keys", "no key", "one key out", "from 2021", "from 2020"],
)  # fmt: skip
def test_constraints_on_combinations_and_times(exchange, made, fits):
    [fault] = put(exchange, made)
    assert (fault is None) is fits, fault
    assert fits or isinstance(fault, Conflict)


def changed(what, **more):
    made = dsd()
    parts = tuple(replace(part, **more) if part.id == what else part for part in made.measures)
    others = tuple(replace(part, **more) if part.id == what else part for part in made.attributes)
    return replace(made, measures=parts, attributes=others)


@pytest.mark.parametrize(
    ("what", "more", "fits"),
    [
        ("OBS_VALUE", {"representation": Representation(None, "Integer")}, False),
        ("OBS_VALUE", {"representation": Representation(None, "String")}, False),
        ("OBS_VALUE", {"representation": Representation(None, "Decimal")}, True),
        ("OBS_STATUS", {"attached": "dimensions", "to": ("REF_AREA", "SEX", "FREQ")}, False),
        ("OBS_STATUS", {"representation": TIME}, False),
        ("OBS_VALUE", {"mandatory": True}, True),
    ],
)
def test_what_a_component_asks(exchange, what, more, fits):
    [fault] = put(exchange, changed(what, **more))
    assert (fault is None) is fits, fault


def test_a_value_that_some_rows_lack_does_not_become_mandatory(exchange):
    submitted(exchange, "X,F,2020,1.5,A", "X,F,2022,2,")
    [fault] = put(exchange, changed("OBS_STATUS", mandatory=True))
    assert isinstance(fault, Conflict)


def test_one_agreement_of_a_provider_for_a_dataflow(exchange):
    """With two, revisions of both would stand side by side in every answer."""
    [fault] = put(exchange, agreement("PA_TWO"))
    assert isinstance(fault, Conflict)
    assert "PA_ONE" in str(fault)
    first = Wish("Delete", agreement().reference)
    assert all(o.fault for o in maintain(exchange, [first, Wish.of(agreement("PA_TWO"))], T))
    assert exchange.registry.agreement("ONE", exchange.registry.find(flow().reference)).id == "PA_ONE"


def test_another_agency_says_nothing_of_what_is_reported(exchange):
    region = CubeRegion((KeyValues("SEX", ("F", "M")),))
    for made in (constraint(regions=(region,), agency="U"), replace(agreement("PA_X"), agency="U")):
        [outcome] = maintain(exchange, [Wish.of(made)], U)
        assert isinstance(outcome.fault, Forbidden)
    own = replace(flow("OWN"), agency="U")
    [outcome] = maintain(exchange, [Wish.of(own)], U)
    assert outcome.fault is None
    made = replace(constraint(regions=(region,), agency="U"), attachment=(own.reference,))
    assert maintain(exchange, [Wish.of(made)], U)[0].fault is None


# --- what is told ---------------------------------------------------------------------------------


def test_data_that_are_not_public_are_not_told(exchange):
    [fault] = put(exchange, codelist("CL_SEX", "_T", "M"))
    assert "ONE" in str(fault), "what is public is"
    submitted(exchange, "X,_T,2019,7,A", release=False)
    [fault] = put(exchange, codelist("CL_SEX", "F", "M"))
    assert isinstance(fault, Conflict)
    assert not any(word in str(fault) for word in ("ONE", "_T", "revision")), fault


def test_who_has_the_machine_is_told_all(exchange):
    submitted(exchange, "X,_T,2019,7,A", release=False)
    fault, *_ = put(exchange, codelist("CL_SEX", "F", "M"), who=Maintainer("operator"))
    assert "_T" in str(fault)


def test_drafts_of_others_are_not_told(exchange):
    free = codelist("CL_FREE", "A")
    assert put(exchange, free) == [None]
    hidden = replace(dsd("1.0.0-secret", id="HIDDEN"), agency="U")
    first = replace(hidden.dimensions[1], representation=Representation(free.reference))
    hidden = replace(hidden, dimensions=(hidden.dimensions[0], first, *hidden.dimensions[2:]))
    assert maintain(exchange, [Wish.of(hidden)], U)[0].fault is None
    fault = delete(exchange, free.reference)
    assert isinstance(fault, Conflict)
    assert "HIDDEN" not in str(fault)
    there, not_there = (
        put(exchange, replace(flow("F2"), structure=replace(hidden.reference, id=id)))[0]
        for id in ("HIDDEN", "NOTHING")
    )
    assert str(there).replace("HIDDEN", "") == str(not_there).replace("NOTHING", "")
    told = [maintain(exchange, [Wish.of(replace(hidden, id=id))], T)[0] for id in ("HIDDEN", "NOTHING")]
    assert told[0].action == told[1].action
