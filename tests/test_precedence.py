"""What is declared of several providers: read, checked with file and line, kept, and what it decides."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from three_providers import structures

from migdx.arranged import check_arrangements, read_arrangements
from migdx.errors import StructureFault
from migdx.exchange import Exchange
from migdx.folders import shipped_structures
from migdx.inspection import inspected
from migdx.precedence import Arrangements
from migdx.registry import Registry, load_structures

FLOW = "T:FLOW(1.0)"


def parsed(text: str) -> Arrangements:
    return Arrangements.parse([("a.precedence.toml", text)])


def goes_before(arranged: Arrangements, one: str, other: str, dataflow: str = FLOW):
    """Whether `other` goes before `one`."""
    return arranged.between((one, f"PA_{one}"), (other, f"PA_{other}"), dataflow)


def test_the_first_order_that_tells_two_apart_decides():
    arranged = parsed(
        '[[precedence]]\nproviders = ["A", "B"]\n'
        '[[precedence]]\nproviders = ["C", "B", "A"]\n'
        '[[precedence]]\nproviders = ["*", "Z"]\n'
    )
    assert goes_before(arranged, "B", "A") == (((), True),)
    assert goes_before(arranged, "A", "B") == (((), False),)
    assert goes_before(arranged, "C", "B") == (((), True),)  # who is named goes before who is not
    assert goes_before(arranged, "Z", "Y") == (((), True),)
    assert goes_before(arranged, "Y", "X") == (((), True),)  # nobody says: the ids of the agreements


def test_an_order_for_some_keys_decides_on_these_and_the_next_on_the_rest():
    arranged = parsed(
        '[[precedence]]\nwhere = { AREA = ["2", "1"], SEX = ["F"] }\nproviders = ["A", "B"]\n'
        '[[precedence]]\nproviders = ["B", "A"]\n'
    )
    where = (("AREA", ("1", "2")), ("SEX", ("F",)))
    assert goes_before(arranged, "A", "B") == ((where, False), ((), True))
    assert goes_before(arranged, "B", "A") == ((where, True), ((), False))


def test_an_order_is_for_its_dataflows_whatever_their_version():
    arranged = parsed('[[precedence]]\ndataflows = ["T:FLOW"]\nproviders = ["B", "A"]\n')
    assert goes_before(arranged, "A", "B", "T:FLOW(2.1.0)") == (((), True),)
    assert goes_before(arranged, "A", "B", "T:FLOWS(1.0)") == (((), False),)


names = st.sampled_from("ABCDE")
some = st.lists(st.sampled_from([*"ABCDE", "*"]), min_size=2, max_size=6, unique=True)


@given(st.lists(some, max_size=4))
def test_it_is_an_order(orders):
    """Of two one goes before the other, and nobody before who goes before him."""
    arranged = parsed("".join(f"[[precedence]]\nproviders = {order}\n".replace("'", '"') for order in orders))
    before = {
        (one, other)
        for one in "ABCDE"
        for other in "ABCDE"
        if one != other and goes_before(arranged, other, one)[-1][1]
    }
    assert all(((one, other) in before) != ((other, one) in before) for one, other in before)
    assert len(before) == 10
    for one, other in before:
        assert all((one, third) in before for same, third in before if same == other)
    assert Arrangements.read(arranged.text).digest == arranged.digest


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("precedence = 3", "a.precedence.toml: 'precedence' is no table"),
        ("[[precedence", "a.precedence.toml: the precedence cannot be read"),
        ("[[order]]\n", "'order' is unknown; expected: precedence, approval"),
        ('\n[[precedence]]\nproviders = ["A"]\n', "a.precedence.toml:2: a precedence names at least two"),
        ('[[precedence]]\nproviders = ["A", "A"]\n', "toml:1: 'providers' names one twice"),
        ('[[precedence]]\nproviders = "AB"\n', "toml:1: 'providers' is no list of ids: 'AB'"),
        ("[[precedence]]\nproviders = [1, 2]\n", "toml:1: 'providers' is no list of ids"),
        ('[[precedence]]\nproviders = ["A", "B"]\nwhere = ["X"]\n', "toml:1: 'where' is no table"),
        ('[[precedence]]\nproviders = ["A", "B"]\nwhere = { X = [] }\n', "toml:1: 'X' is no list of ids"),
        (
            '[[precedence]]\nproviders = ["A", "B"]\nfrom = 1\n',
            "toml:1: 'from' is unknown; expected: dataflows",
        ),
        ('[[approval]]\nproviders = ["A"]\n', "toml:1: 'focal_point' is missing"),
        (
            '[[approval]]\nfocal_point = "A"\nproviders = ["A"]\n',
            "toml:1: A would approve its own submissions",
        ),
    ],
)
def test_what_cannot_be_read_is_told_with_file_and_line(text, said):
    with pytest.raises(StructureFault) as fault:
        parsed(text)
    assert said in str(fault.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[[precedence]]\nproviders = ["OFFICE", "NOBODY"]\n', "toml:1: there is no provider 'NOBODY'"),
        ('[[precedence]]\nproviders = ["OFFICE", "*"]\ndataflows = ["T:NO"]\n', "there is no dataflow 'T:NO'"),  # noqa: E501
        ('[[precedence]]\nproviders = ["OFFICE", "*"]\nwhere = { SIZE = ["A"] }\n', "no dimension 'SIZE'"),
        ('[[precedence]]\nproviders = ["OFFICE", "*"]\nwhere = { COMPONENT = ["NO"] }\n', "no code of COMPONENT 'NO'"),  # noqa: E501
        ('[[precedence]]\nproviders = ["OFFICE", "*"]\nwhere = { OBS_STATUS = ["A"] }\n', "no dimension 'OBS_STATUS'"),  # noqa: E501
        ('[[approval]]\nfocal_point = "NO"\nproviders = ["OFFICE"]\n', "there is no provider 'NO'"),
        ('[[approval]]\nfocal_point = "OFFICE"\nproviders = ["NO"]\n', "there is no provider 'NO'"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_told_with_file_and_line(text, said):
    with pytest.raises(StructureFault) as fault:
        check_arrangements(parsed(text), Registry(structures()))
    assert said in str(fault.value)


def test_what_is_shipped_fits_the_structures_and_puts_a_country_before_organisations():
    arranged = read_arrangements(shipped_structures())
    check_arrangements(arranged, load_structures())
    assert goes_before(arranged, "UNHCR", "ZAF", "MIGDX:DF_MIG_FLOW(1.0.0)") == (((), True),)


def test_a_service_does_not_start_on_what_is_declared_for_nobody(tmp_path: Path):
    beside = tmp_path / "more"
    beside.mkdir()
    (beside / "a.precedence.toml").write_text('[[precedence]]\nproviders = ["FRA", "NOBODY"]\n')
    with pytest.raises(StructureFault, match=r"a\.precedence\.toml:1: there is no provider 'NOBODY'"):
        Exchange.open(tmp_path / "exchange", (*shipped_structures(), beside))
    flaws = inspected((*shipped_structures(), beside))[1]
    assert [(one.severity, one.code, one.line) for one in flaws if one.severity == "error"] == [
        ("error", "precedence", 1)
    ]


def test_bytes_that_are_no_text_are_told(tmp_path: Path):
    (tmp_path / "a.precedence.toml").write_bytes(b"\xff\xfe[[")
    with pytest.raises(StructureFault, match="no UTF-8"):
        read_arrangements((tmp_path,))
