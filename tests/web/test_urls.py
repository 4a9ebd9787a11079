"""What URLs say on both generations: truncations, wildcards, lists, operators, habits of real clients."""

import re
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from migdx.errors import NotFound, NotImplementedHere, SyntaxFault
from migdx.query import Atom, Condition, DataQuery, StructureQuery
from migdx.web import v1, v2
from migdx.web.address import Address
from migdx.web.asked import AvailabilityRequest, DataRequest, Root, SchemaRequest, StructureRequest
from migdx.web.sdmx import located


def address(url):
    path, _, query = url.partition("?")
    return Address.of({"RAW_URI": url, "QUERY_STRING": query, "PATH_INFO": path})


def asked(url):
    """What a URL below /sdmx asks, by the generation that it names."""
    generation, below = located(address(f"/sdmx{url}"))
    return {"v1": v1, "v2": v2}[generation].parse(below)


def structures(kinds, **more):
    return StructureRequest(StructureQuery(kinds=(kinds,) if isinstance(kinds, str) else kinds, **more))


# --- the raw URL --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environ", "segments"),
    [
        ({"RAW_URI": "/sdmx/v2/data/a%2Fb/c+d"}, ("sdmx", "v2", "data", "a/b", "c+d")),
        ({"RAW_URI": "/sdmx//data/DF/"}, ("sdmx", "", "data", "DF")),
        ({"RAW_URI": "http://host/sdmx/v1?x=/y"}, ("sdmx", "v1")),
        ({"REQUEST_URI": "/sdmx/v1?x=http://y/z"}, ("sdmx", "v1")),
        ({"PATH_INFO": "/sdmx/data/A+B"}, ("sdmx", "data", "A+B")),
        ({"PATH_INFO": "/sdmx/é".encode().decode("latin-1")}, ("sdmx", "é")),
        ({"RAW_URI": "/under/here/sdmx/v1", "SCRIPT_NAME": "/under/here"}, ("sdmx", "v1")),
    ],
)
def test_the_path_is_read_raw(environ, segments):
    assert Address.of(environ).segments == segments


def test_a_path_that_is_not_utf8_is_a_syntax_fault():
    with pytest.raises(SyntaxFault, match="UTF-8"):
        Address.of({"RAW_URI": "/sdmx/%ff"})


@pytest.mark.parametrize(
    "query",
    [
        "c[TIME_PERIOD]=ge:2010+le:2012",
        "c%5BTIME_PERIOD%5D=ge:2010%2Ble:2012",
        "c%5BTIME_PERIOD%5D=ge%3A2010%20le%3A2012",
        "&&c[TIME_PERIOD]=ge:2010+le:2012&",
    ],
)
def test_conditions_are_read_raw(query):
    term = (Atom("ge", "2010"), Atom("le", "2012"))
    assert address(f"/x?{query}").conditions() == (Condition("TIME_PERIOD", (term,)),)


def test_a_blank_in_a_text_stays():
    assert address("/x?c[COMMENT]=co:a%20b").conditions()[0].any_of == (((Atom("co", "a b")),),)


# --- 2.2: structures ----------------------------------------------------------------------------------------


def test_the_standard_has_34_types():
    assert len(v2.KINDS) == 34


@pytest.mark.parametrize("word", v2.KINDS)
def test_every_type_is_known(word):
    kinds = asked(f"/v2/structure/{word}").query.kinds
    assert kinds[0] == v2.KINDS[word]
    assert kinds[1:] == (("GeographicCodelist", "GeoGridCodelist") if word == "codelist" else ())


ALL = structures("*")
LISTS = ("Codelist", "GeographicCodelist", "GeoGridCodelist")
CODELISTS = structures(LISTS, agencies=("MIGDX",))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("/v2/structure", ALL),
        ("/v2/structure/", ALL),
        ("//v2//structure/*", ALL),
        ("/v2/structure/*/*/*/~/*", ALL),
        ("/v2/structure/all/ALL/all/latest", ALL),
        ("/v2/structure/codelist,*", ALL),
        ("/v2/structure/codelist/MIGDX", CODELISTS),
        ("/v2/structure/codelist/MIGDX/*/~/", CODELISTS),
        ("/v2/structure/codelist/MIGDX/%2A", CODELISTS),
        ("/v2/structure/codelist/MIGDX?unknown=1&another", CODELISTS),
        (
            "/v2/structure/codelist,dataflow/A,B.C/X,Y/1.0.0,2+.0.0",
            structures((*LISTS, "Dataflow"), agencies=("A", "B.C"), ids=("X", "Y"), versions="1.0.0,2+.0.0"),
        ),
        ("/v2/structure/codelist/A/X/%2B", structures(LISTS, agencies=("A",), ids=("X",), versions="+")),
        ("/v2/structure/codelist/A/X/+", structures(LISTS, agencies=("A",), ids=("X",), versions="+")),
        ("/v2/structure/codelist/A/X/*", structures(LISTS, agencies=("A",), ids=("X",), versions="*")),
        (
            "/v2/structure/codelist/A/X/~/M,F",
            structures(LISTS, agencies=("A",), ids=("X",), items=("M", "F")),
        ),
        (
            "/v2/structure/dataflow?detail=raw&references=codelist,datastructure",
            structures("Dataflow", detail="raw", references=(*LISTS, "DataStructure")),
        ),
        ("/v2/structure/dataflow?references=all&detail=", structures("Dataflow", references=("all",))),
        (
            "/v2/structure/categoryscheme/A/X/1.0+.0/A.B.C,D",
            structures(
                "CategoryScheme", agencies=("A",), ids=("X",), versions="1.0+.0", items=("A.B.C", "D")
            ),
        ),
        (
            "/v2/structure/valuelist/A/X/~/%25,%20%E2%82%AC%2F",
            structures("ValueList", agencies=("A",), ids=("X",), items=("%", " €/")),
        ),
        (
            "/v2/structure/codelist/A/X?q=C%C3%B4te+d&offset=20&limit=10",
            structures(LISTS, agencies=("A",), ids=("X",), search="Côte d", offset=20, limit=10),
        ),
        # of more than one scheme, and of what has no items, these are unknown parameters
        ("/v2/structure/codelist/A?q=x&offset=-1&limit=no", structures(LISTS, agencies=("A",))),
        ("/v2/structure/dataflow/A/X?limit=no", structures("Dataflow", agencies=("A",), ids=("X",))),
    ],
)
def test_structures_of_2(url, expected):
    assert asked(url) == expected


# --- the version grammar, against the regular expression of the OpenAPI -------------------------------------

# components/parameters/versions of sdmx-rest v2.2.2, api/sdmx-rest.yaml; its parts named, nothing changed
_NUMBER = r"(0|[1-9]\d*)"
_WORD = r"(([A-Za-z-][A-Za-z0-9-]*)|([A-Za-z0-9-]+[A-Za-z-][A-Za-z0-9-]*)|(0|[1-9][0-9]*))"
_ONE = (
    r"(\+|~(\.0){0,2}|\*(\.0){0,2}"
    rf"|{_NUMBER}(\.{_NUMBER})?|{_NUMBER}(\.{_NUMBER}){{2}}(-{_WORD}(\.{_WORD})*)?"
    rf"|\+\.0\.0|[1-9]\d*(\.\+\.0|\+(\.{_NUMBER}){{2}}|\.{_NUMBER}(\.\+|\+\.{_NUMBER}|\.{_NUMBER}\+))"
    rf"|{_NUMBER}((\*|~)(\.{_NUMBER}){{1,2}}|\.(\*|~)(\.0)?|\.{_NUMBER}((\*|~)(\.{_NUMBER})?"
    rf"|\.{_NUMBER}?(\*|~))))"
)
VERSIONS = re.compile(rf"{_ONE}(,{_ONE})*", re.ASCII)

parts = st.from_regex(r"(0|1|2|10|01)?[+~*]?", fullmatch=True)
extensions = st.sampled_from(["", "", "", "-draft", "-beta.1", "-1a", "-0", "-01", "-", "-a.", "-é"])
one_version = st.builds(
    lambda numbers, extension: ".".join(numbers) + extension,
    st.lists(parts, min_size=1, max_size=4), extensions,
)  # fmt: skip


@settings(max_examples=200)
@given(st.lists(one_version, min_size=1, max_size=2).map(",".join))
def test_the_version_grammar_is_that_of_the_openapi(text):
    """No list ends or begins with nothing here: what is empty between commas is left out leniently."""
    assume(all(text.split(",")))
    url = f"/v2/structure/codelist/A/X/{quote(text, safe='+~*,.')}"
    try:
        found = asked(url).query.versions
    except SyntaxFault:
        assert not VERSIONS.fullmatch(text)
    else:
        assert VERSIONS.fullmatch(text), text
        assert found == text


# --- 2.2: data ----------------------------------------------------------------------------------------------

FLOW2 = DataQuery(agencies=("A",), ids=("DF",))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("/v2/data", DataQuery(context="*")),
        ("/v2/data/*", DataQuery(context="*")),
        ("/v2/data/dataflow/A/DF", FLOW2),
        ("/v2/data/dataflow/A/DF/*/*", FLOW2),
        ("/v2/data/dataflow/A/DF/*/all/", FLOW2),
        ("/v2/data/dataflow/A/DF?startPeriod=2010", FLOW2),
        (
            "/v2/data/dataflow/A/DF/1.0.0/A.*.X,B..Y+Z",
            DataQuery(
                agencies=("A",), ids=("DF",), versions=("1.0.0",),
                keys=((("A",), (), ("X",)), (("B",), (), ("Y", "Z"))),
            ),
        ),
        (
            "/v2/data/datastructure/A/DSD/+/*?attributes=none&measures=OBS_VALUE,X&offset=0&limit=10"
            "&firstNObservations=1&lastNObservations=2&dimensionAtObservation=AllDimensions",
            DataQuery(
                context="datastructure", agencies=("A",), ids=("DSD",), versions=("+",), attributes=("none",),
                measures=("OBS_VALUE", "X"), limit=10, first_n=1, last_n=2,
                dimension_at_observation="AllDimensions",
            ),
        ),
        (
            "/v2/data/dataflow/A/DF?c[FREQ]=A,M&c[SEX]=ne:T",
            DataQuery(
                agencies=("A",), ids=("DF",),
                conditions=(
                    Condition("FREQ", ((Atom("eq", "A"),), (Atom("eq", "M"),))),
                    Condition("SEX", ((Atom("ne", "T"),),)),
                ),
            ),
        ),
        ("/v2/data/dataflow/A/DF?includeHistory=false&sort=", FLOW2),
    ],
)  # fmt: skip
def test_data_of_2(url, expected):
    assert asked(url) == DataRequest(expected)


def test_updated_after_keeps_its_plus():
    for plus in ("+", "%2B", "%20"):
        found = asked(f"/v2/data/dataflow/A/DF?updatedAfter=2020-01-01T00:00:00{plus}01:00")
        assert found.times.since == datetime(2019, 12, 31, 23, tzinfo=UTC)


def test_availability_of_2():
    found = asked("/v2/availability/dataflow/A/DF/1.0.0/*/SEX,AGE?mode=Available&references=codelist")
    assert found == AvailabilityRequest(
        DataQuery(agencies=("A",), ids=("DF",), versions=("1.0.0",)),
        ("SEX", "AGE"),
        "available",
        ("Codelist",),
    )


def test_schema_of_2():
    query = StructureQuery(("Dataflow",), ("A",), ("DF",))
    assert asked("/v2/schema/dataflow/A/DF") == SchemaRequest("dataflow", query)


# --- 1.5 ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("root", ["/v1", "", "/", "//v1/"])
def test_both_roots_are_1_5(root):
    assert asked(f"{root}/dataflow/A") == structures("Dataflow", agencies=("A",))


@pytest.mark.parametrize("word", v1.KINDS)
def test_every_resource_is_known(word):
    assert asked(f"/v1/{word}").query.kinds == v1.KINDS[word]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("/v1/dataflow", structures("Dataflow")),
        ("/v1/dataflow/all/all/latest/", structures("Dataflow")),
        ("/v1/dataflow/ALL/*/LATEST", structures("Dataflow")),
        ("/v1/dataflow/A/latest", structures("Dataflow", agencies=("A",))),
        ("/v1/dataflow/A/all/all", structures("Dataflow", agencies=("A",), versions="*")),
        ("/v1/dataflow/A/DF/+", structures("Dataflow", agencies=("A",), ids=("DF",), versions="+")),
        ("/v1/dataflow/A/DF/~", structures("Dataflow", agencies=("A",), ids=("DF",))),
        (
            "/v1/codelist/A+B/X%2BY/1.0+2.0/M+F",
            structures(LISTS, agencies=("A", "B"), ids=("X", "Y"), versions="1.0,2.0", items=("M", "F")),
        ),
        ("/v1/structure/A", structures("*", agencies=("A",))),
        ("/v1/hierarchicalcodelist/A/H", structures("Hierarchy", agencies=("A",), ids=("H",))),
        (
            "/v1/datastructure/A/D/1.0.0?references=contentconstraint&detail=referencestubs",
            structures(
                "DataStructure", agencies=("A",), ids=("D",), versions="1.0.0", detail="referencestubs",
                references=("DataConstraint",),
            ),
        ),
    ],
)  # fmt: skip
def test_structures_of_1(url, expected):
    assert asked(url) == expected


def test_constraints_have_roles_in_1():
    assert asked("/v1/actualconstraint").role == "Actual"
    assert asked("/v1/allowedconstraint").role == "Allowed"
    assert asked("/v1/contentconstraint").role == ""


FLOW1 = DataQuery(ids=("DF",), versions=("~",))
OF_A = DataQuery(agencies=("A",), ids=("DF",), versions=("~",))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("/v1/data/DF", FLOW1),
        ("/data/DF/all/all", FLOW1),
        ("/data/all,DF,latest/ALL?detail=full", FLOW1),
        ("/v1/data/A,DF", OF_A),
        ("/v1/data/A%2CDF%2Clatest/", OF_A),
        ("/v1/data/A,DF,+", DataQuery(agencies=("A",), ids=("DF",), versions=("+",))),
        ("/v1/data/A,DF,1.0.0", DataQuery(agencies=("A",), ids=("DF",), versions=("1.0.0",))),
        ("/v1/data/DF/A...", DataQuery(ids=("DF",), versions=("~",), keys=((("A",), (), (), ()),))),
        ("/v1/data/DF/A.*.X+Y", DataQuery(ids=("DF",), versions=("~",), keys=((("A",), (), ("X", "Y")),))),
        ("/v1/data/DF/A%2BB.", DataQuery(ids=("DF",), versions=("~",), keys=((("A", "B"), ()),))),
        ("/v1/data/DF//FRA", DataQuery(ids=("DF",), versions=("~",), providers=("FRA",))),
        ("/v1/data/DF/all/X,FRA+DEU", DataQuery(ids=("DF",), versions=("~",), providers=("FRA", "DEU"))),
        (
            "/v1/data/DF/all?startPeriod=1900&endPeriod=2100-Q2",
            DataQuery(
                ids=("DF",), versions=("~",),
                conditions=(Condition("TIME_PERIOD", ((Atom("ge", "1900"), Atom("le", "2100-Q2")),)),),
            ),
        ),
        (
            "/v1/data/DF/all?detail=dataonly&lastNObservations=1&dimensionAtObservation=TIME_PERIOD",
            DataQuery(
                ids=("DF",), versions=("~",), attributes=("none",), last_n=1,
                dimension_at_observation="TIME_PERIOD",
            ),
        ),
        (
            "/v1/data/DF/all?detail=serieskeysonly",
            DataQuery(ids=("DF",), versions=("~",), attributes=("none",), measures=("none",)),
        ),
        (
            "/v1/data/DF/all?detail=nodata",
            DataQuery(ids=("DF",), versions=("~",), attributes=("dataset", "series"), measures=("none",)),
        ),
    ],
)  # fmt: skip
def test_data_of_1(url, expected):
    assert asked(url) == DataRequest(expected)


def test_availability_of_1():
    assert asked("/v1/availableconstraint/A,DF/A../all/SEX?references=all") == AvailabilityRequest(
        DataQuery(agencies=("A",), ids=("DF",), versions=("~",), keys=((("A",), (), ()),)),
        ("SEX",),
        "exact",
        ("all",),
    )


@pytest.mark.parametrize("url", ["", "/", "/v1", "/v1/", "/v2", "//v2//"])
def test_roots(url):
    assert asked(url) == Root()


# --- what is wrong ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "fault", "says"),
    [
        ("/v2/structure/codelists", SyntaxFault, "codelists"),
        ("/v2/structure/codelist,x", SyntaxFault, "'x'"),
        ("/v2/structure/codelist/<b>", SyntaxFault, "agency"),
        ("/v2/structure/codelist/A/X Y", SyntaxFault, "id"),
        ("/v2/structure/codelist/A/X/1.+.3", SyntaxFault, "version"),
        ("/v2/structure/codelist/A/X/1.0/M/N", SyntaxFault, "at most"),
        ("/v2/structure/codelist/A/X/01.0.0", SyntaxFault, "version"),
        ("/v2/structure/codelist/A/X/1.0.0.0", SyntaxFault, "version"),
        ("/v2/structure/dataflow/A/X/1.0.0/M", SyntaxFault, "Dataflow"),
        ("/v2/structure/codelist,hierarchy/A/X/1.0.0/M", SyntaxFault, "Hierarchy"),
        ("/v1/dataflow/A/X/1.0.0/M", SyntaxFault, "Dataflow"),
        ("/v2/structure/codelist?detail=some", SyntaxFault, "detail"),
        ("/v2/structure/codelist?references=some", SyntaxFault, "references"),
        ("/v2/structure?asOf=2020", SyntaxFault, "asOf"),
        ("/v2/structure/codelist/A/X?limit=0", SyntaxFault, "limit"),
        ("/v2/structure/codelist/A/X?offset=x", SyntaxFault, "offset"),
        ("/v2/structure/codelist/A/X/1.0,,1.+.3", SyntaxFault, "version"),
        ("/v1/codelist?references=ancestors", SyntaxFault, "references"),
        ("/v1/codelist?references=codelist+dataflow", SyntaxFault, "references"),
        ("/v2/data/flow/A/DF", SyntaxFault, "context"),
        ("/v2/data/dataflow/A/DF/1..0", SyntaxFault, "version"),
        ("/v2/data/dataflow/A/DF?limit=0", SyntaxFault, "limit"),
        ("/v2/data/dataflow/A/DF?limit=-1", SyntaxFault, "limit"),
        ("/v2/data/dataflow/A/DF?firstNObservations=x", SyntaxFault, "firstNObservations"),
        ("/v2/data/dataflow/A/DF?c[SEX]=", SyntaxFault, "SEX"),
        ("/v2/data/dataflow/A/DF?c[SEX]=M&c[SEX]=F", SyntaxFault, "twice"),
        ("/v2/data/dataflow/A/DF?sort=SEX:desc", NotImplementedHere, "sort"),
        ("/v2/data/dataflow/A/DF?asOf=2020", SyntaxFault, "asOf"),
        ("/v2/data/dataflow/A/DF?includeHistory=yes", SyntaxFault, "includeHistory"),
        ("/v2/data/dataflow/A/DF?reportingYearStartDay=--07-01", NotImplementedHere, "reportingYearStartDay"),
        ("/v2/availability/*/A/DF", SyntaxFault, "context"),
        ("/v2/availability/dataflow/A/DF?mode=all", SyntaxFault, "mode"),
        ("/v2/availability/dataflow/A/DF?references=children", SyntaxFault, "children"),
        ("/v1/availableconstraint/DF?references=parents", SyntaxFault, "parents"),
        ("/v2/schema/dataflow/A", SyntaxFault, "needs"),
        ("/v2/schema/codelist/A/X", SyntaxFault, "context"),
        ("/v2/metadata/metadataset", NotImplementedHere, "metadata"),
        ("/v2/registration", NotImplementedHere, "registration"),
        ("/v2/dataflow", NotFound, "/sdmx/v2/structure/dataflow"),
        ("/v2/foo", NotFound, "foo"),
        ("/v1/foo", NotFound, "foo"),
        ("/v1/data", SyntaxFault, "needs a dataflow"),
        ("/v1/data/A,B,C,D", SyntaxFault, "FLOW"),
        ("/v1/data/DF/all/A,B,C", SyntaxFault, "PROVIDER"),
        ("/v1/data/DF/all?detail=allstubs", SyntaxFault, "detail"),
        ("/v1/data/DF/all?includeHistory=YES", SyntaxFault, "includeHistory"),
        ("/v1/dataflow?detail=raw", SyntaxFault, "detail"),
        ("/v1/metadata/MF", NotImplementedHere, "metadata"),
    ],
)
def test_faults(url, fault, says):
    with pytest.raises(fault, match=says):
        asked(url)
