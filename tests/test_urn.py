"""URNs and the grammar of version queries (sdmx-rest v2.2.2, doc/querying_versions.md)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migdx.errors import SyntaxFault
from migdx.urn import (
    PACKAGES,
    Reference,
    check_version_query,
    is_stable,
    parse_short,
    parse_urn,
    select_versions,
    version_order,
)

KNOWN = ["1.0.0", "1.0.1", "1.1.0", "1.1.1-draft", "2.0.0", "2.1.0-beta", "1.0", "1.5", "3"]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("1.0.0", ["1.0.0"]),
        ("1.0", ["1.0"]),
        ("+", ["2.0.0"]),
        ("+.0.0", ["2.0.0"]),
        ("1+.0.0", ["2.0.0"]),
        ("1.+.0", ["1.1.0"]),
        ("1.0+.0", ["1.1.0"]),
        ("1.0.+", ["1.0.1"]),
        ("1.0.1+", ["1.0.1"]),
        ("~", ["3"]),
        ("~.0.0", ["2.1.0-beta"]),
        ("~.0", ["1.5"]),
        ("1.~", ["1.5"]),
        ("1.1.~", ["1.1.1-draft"]),
        ("1.*.0", ["1.0.0", "1.0.1", "1.1.0", "1.1.1-draft"]),
        ("1.*", ["1.0", "1.5"]),
        ("2.0.0,1.0.+", ["1.0.1", "2.0.0"]),
        ("9.9.9", []),
    ],
)
def test_versions_that_a_query_gives(asked, found):
    assert select_versions(asked, KNOWN) == found


ROWS = ["0.9.0", "1", "1.0", "1.2", "1.0.0", "1.2.0", "1.2.3-draft", "1.2.4", "2.0", "2.1.0", "3.0.0-beta"]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        # a specific one; the latest stable; the latest; all: the rows of doc/querying_versions.md, in order
        ("1", "1"), ("1.2", "1.2"), ("1.2.0", "1.2.0"), ("1.2.3-draft", "1.2.3-draft"), ("1.2.3", ""),
        ("+ +.0.0 1+.0.0", "2.1.0"), ("1.+.0 1.0+.0", "1.2.4"), ("1.2.+ 1.2.0+", "1.2.4"),
        ("1+.2.5", "2.1.0"), ("1.2+.1", "1.2.4"), ("1.2.1+", "1.2.4"), ("1.2.5+ 2.2+.0 3+.0.0", ""),
        ("~.0 0~.0", "2.0"), ("~.0.0 0~.0.0", "3.0.0-beta"), ("1.~ 1.0~", "1.2"),
        ("1.~.0 1.0~.0", "1.2.4"), ("3.0.~ 3.0.0~", "3.0.0-beta"), ("0.~.0", "0.9.0"),
        ("1~.3", "2.0"), ("1~.2.5", "3.0.0-beta"), ("1.1~", "1.2"), ("1.2~.1", "1.2.4"),
        ("3.0.0~", "3.0.0-beta"),
        ("*.0 0*.0", "1.0 1.2 2.0"),
        ("*.0.0 0*.0.0", "0.9.0 1.0.0 1.2.0 1.2.3-draft 1.2.4 2.1.0 3.0.0-beta"),
        ("1.* 1.0*", "1.0 1.2"), ("1.*.0 1.0*.0", "1.0.0 1.2.0 1.2.3-draft 1.2.4"),
        ("1.2.* 1.2.0*", "1.2.0 1.2.3-draft 1.2.4"),
        ("1*.1", "1.2 2.0"), ("1*.2.3", "1.2.3-draft 1.2.4 2.1.0 3.0.0-beta"), ("1.1* 1.2*", "1.2"),
        ("1.0*.1 1.1*.0", "1.2.0 1.2.3-draft 1.2.4"), ("1.2.3*", "1.2.3-draft 1.2.4"),
        ("1~.2.0,1.2.0+", "1.2.4 3.0.0-beta"), ("+,1.2.1*", "1.2.3-draft 1.2.4 2.1.0"),
    ],
)  # fmt: skip
def test_every_row_of_the_page_on_versions(asked, found):
    for query in asked.split():
        if query != "1":  # deprecated
            check_version_query(query)
        assert select_versions(query, ROWS) == sorted(found.split(), key=version_order), query


def test_star_gives_all():
    assert set(select_versions("*", KNOWN)) == set(KNOWN)


@pytest.mark.parametrize(
    "asked",
    [
        "+.2.3", "1.+.3", "~.2", "*.2", "+.0", "2.3+", "~.0.*", "3.2*.1+", "", "x", "1.0.0,", "1..0", "-1",
        "01.0.0", "1.00.0", "1.0.01+", "1.0.0.0",
        "~.2.3", "1.~.3", "*.2.3", "1.*.3", "3.2+.1+",
    ],
)  # fmt: skip
def test_versions_outside_the_grammar(asked):
    with pytest.raises(SyntaxFault):
        check_version_query(asked)


def test_stored_versions_may_be_odd():
    assert select_versions("01.0.0.0", ["01.0.0.0"]) == ["01.0.0.0"]


def test_a_draft_comes_before_its_release():
    assert select_versions("~", ["1.0.0", "1.0.0-draft"]) == ["1.0.0"]
    assert is_stable("1.0.0")
    assert not any(is_stable(version) for version in ("1.0.0-draft", "0.9.0", "1.0"))


names = st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,8}", fullmatch=True)


@given(
    st.sampled_from(sorted(PACKAGES)),
    names,
    names,
    st.sampled_from(["1.0", "1.0.0", "2.1.0-draft", "1.0+.0"]),
    names,
)
def test_a_urn_gives_back_its_reference(kind, agency, id, version, item):
    reference = Reference(kind, agency, id, version, item)
    assert parse_urn(reference.urn) == reference


@pytest.mark.parametrize(
    "text",
    ["", "urn:sdmx:", "CL_SEX", "urn:sdmx:org.sdmx.infomodel.codelist.Codelist=A:B(1.0)\n.x", "a" * 10_000],
)
def test_what_is_no_urn(text):
    with pytest.raises(SyntaxFault, match="not an SDMX URN"):
        parse_urn(text)


def test_short_references():
    assert parse_short("A.B:DF(1.0.0)", "Dataflow") == Reference("Dataflow", "A.B", "DF", "1.0.0")
    assert parse_short("DF", "Dataflow") == Reference("Dataflow", "*", "DF", "~")
    with pytest.raises(SyntaxFault, match="expected AGENCY:ID"):
        parse_short("A:B:C", "Dataflow")
