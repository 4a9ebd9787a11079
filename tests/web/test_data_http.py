"""Data over HTTP: one query in every format and on both generations; validators, embargo, availability."""

import csv
import io
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime

import orjson
import pytest
from conftest import FRANCE, flow_row, getter, publish
from lxml import etree

from migdx.formats.tables import WRITERS
from migdx.web import create_app

V2 = "/sdmx/v2/data/dataflow/MIGDX/DF_MIG_FLOW"
V1 = "/sdmx/v1/data/MIGDX,DF_MIG_FLOW,1.0.0"
CSV = "&format=csv&formatVersion=2.0.0"
KEY = "A.250.IMMIG.OFF.276"
SERIES = {"2018": 1800.0, "2019": 1900.5, "2020": 2000.0}


def rows(answer):
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.text)))


def values(answer):
    return {row["TIME_PERIOD"]: float(row["OBS_VALUE"]) for row in rows(answer)}


def observations(answer):
    """Period and value of every observation, whatever the format."""
    media_type = answer.headers["Content-Type"]
    if "csv" in media_type:
        return values(answer)
    if "json" in media_type:
        data = orjson.loads(answer.data)["data"]
        periods = [v["id"] if "id" in v else v["value"] for v in
                   data["structures"][0]["dimensions"]["observation"][0]["values"]]  # fmt: skip
        (series,) = data["dataSets"][0]["series"].values()
        return {periods[int(at)]: found[0] for at, found in series["observations"].items()}
    found = {}
    for element in etree.fromstring(answer.data).iter("{*}Obs"):
        if element.get("TIME_PERIOD"):
            found[element.get("TIME_PERIOD")] = float(element.get("OBS_VALUE"))
        else:
            found[element.find("{*}ObsDimension").get("value")] = float(
                element.find("{*}ObsValue").get("value")
            )
    return found


@pytest.mark.parametrize("media_type", WRITERS)
@pytest.mark.parametrize("url", [f"{V2}/1.0.0/{KEY}", f"{V1}/{KEY}.....", f"/sdmx/data/DF_MIG_FLOW/{KEY}"])
def test_every_format_on_both_generations(get, url, media_type):
    answer = get(url, Accept=media_type)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == media_type
    assert observations(answer) == SERIES


@pytest.mark.parametrize(
    ("url", "count"),
    [
        (V2, 15),
        (f"{V2}/*/*", 15),
        (f"{V2}/1.0.0/*.250", 5),
        (f"{V2}/1.0.0/A.250,A.276", 15),
        (f"{V2}/1.0.0/A.999", 0),
        (f"{V2}?c[REF_AREA]=250,276&c[TIME_PERIOD]=ge:2018+le:2019", 6),
        (f"{V2}?c%5BTIME_PERIOD%5D=ge:2018%2Ble:2019", 6),
        (f"{V2}?c[TIME_PERIOD]=le:2010-Q4", 1),
        (f"{V2}?c[OBS_VALUE]=gt:3000", 10),
        (f"{V2}?lastNObservations=1", 4),
        (f"{V2}?offset=2&limit=3", 3),
        (f"{V2}?limit=100000000000000000000", 15),
        (f"{V2}?updatedAfter=2000-01-01", 15),
        ("/sdmx/v2/data/datastructure/MIGDX/DSD_MIG_STOCK", 0),
        ("/sdmx/v2/data/provisionagreement/MIGDX/MIG_FLOW_FRA", 5),
        (V1, 15),
        (f"{V1}/all/all", 15),
        (f"{V1}/ALL/FRA", 5),
        (f"{V1}/all/MIGDX,FRA+DEU", 15),
        (f"{V1}/all/ITA", 0),
        (f"{V1}/.250+276.EMIG", 11),
        (f"{V1}/.250%2B276.EMIG.....", 11),
        (f"{V1}/all?startPeriod=2019&endPeriod=2100", 5),
        (f"{V1}/all?startPeriod=1900&endPeriod=2010", 1),
        (f"{V1}/all?firstNObservations=1&lastNObservations=1", 6),
    ],
)
def test_how_many_observations(get, url, count):
    answer = get(url, Accept="application/vnd.sdmx.data+csv;version=2.0.0")
    if count:
        assert len(rows(answer)) == count
    else:
        assert answer.status_code == (204 if "/v2/" in url else 404)


def test_a_value_that_is_confidential_does_not_leave(get):
    for media_type in WRITERS:
        answer = get(f"{V2}/1.0.0/A.250.EMIG", Accept=media_type)
        assert answer.status_code == 200
        assert b"424242" not in answer.data
        assert b"hidden" not in answer.data
    assert get(f"{V2}?c[OBS_VALUE]=gt:424241").status_code == 204


@pytest.mark.parametrize(
    ("url", "columns"),
    [
        (f"{V1}/{KEY}?detail=full", {"OBS_VALUE", "OBS_STATUS", "UNIT_MULT"}),
        (f"{V1}/{KEY}?detail=dataonly", {"OBS_VALUE"}),
        (f"{V1}/{KEY}?detail=nodata", {"UNIT_MULT"}),
        (f"{V1}/{KEY}?detail=serieskeysonly", set()),
        (f"{V2}/1.0.0/{KEY}?attributes=OBS_STATUS&measures=none", {"OBS_STATUS"}),
        (f"{V2}/1.0.0/{KEY}?attributes=obs", {"OBS_VALUE", "OBS_STATUS"}),
    ],
)
def test_parts_of_an_observation(get, url, columns):
    found = rows(get(url, Accept="application/vnd.sdmx.data+csv;version=2.0.0"))
    assert set(found[0]) & {"OBS_VALUE", "OBS_STATUS", "UNIT_MULT"} == columns
    assert {row["ACTION"] for row in found} == {"R" if "full" in url else "I"}


def test_limit_and_offset_count_series_keys_when_these_are_all(get):
    url = f"{V2}?attributes=none&measures=none"
    keys = [(row["REF_AREA"], row["COMPONENT"], row["COUNTERPART_AREA"]) for row in rows(get(f"{url}{CSV}"))]
    assert len(keys) == len(set(keys)) == 4
    some = rows(get(f"{url}&offset=1&limit=2{CSV}"))
    assert [(row["REF_AREA"], row["COMPONENT"], row["COUNTERPART_AREA"]) for row in some] == keys[1:3]
    assert "TIME_PERIOD" not in some[0]
    flat = rows(get(f"{url}&dimensionAtObservation=AllDimensions&limit=3{CSV}"))
    assert [row["TIME_PERIOD"] for row in flat] == ["2010", "2011", "2012"]
    data = orjson.loads(get(f"{url}&limit=2").data)["data"]
    assert [len(found["series"]) for found in data["dataSets"]] == [2]
    assert data["structures"][0]["dimensions"]["observation"] == []
    counted = get(f"{V1.replace('/data/', '/availableconstraint/')}/all?detail=serieskeysonly")
    assert metrics(counted)["obs_count"] == 14


def test_labels(get):
    (first, *_) = rows(get(f"{V2}/1.0.0/{KEY}?format=csvfilewithlabels&lang=fr"))
    assert "SEX: Sexe" in first
    assert first["SEX: Sexe"].startswith("_T: ")


@pytest.mark.parametrize("observation", ["AllDimensions", "TIME_PERIOD"])
def test_dimension_at_observation(get, observation):
    for media_type in WRITERS:
        answer = get(f"{V2}/1.0.0/{KEY}?dimensionAtObservation={observation}", Accept=media_type)
        assert answer.status_code == 200, media_type


@pytest.mark.parametrize(
    ("url", "v1", "v2"),
    [
        ("/{key}?dimensionAtObservation=NO", 403, 422),
        ("/{key}?dimensionAtObservation=SEX", 501, 501),
        ("/A.B.C.D.E.F.G.H.I.J.K", 400, 400),
        ("/{key}?c[NO]=1", 200, 422),
        ("/{key}?c[TIME_PERIOD]=ge:soon", 200, 400),
        ("/{key}?startPeriod=soon", 400, 200),
        ("/{key}?measures=NO", 200, 422),
        ("/{key}?updatedAfter=2100-01-01T00:00:00Z", 404, 204),
        ("/{key}?updatedAfter=soon", 400, 400),
        ("/{key}?c[OBS_VALUE]=NaN", 200, 400),
        ("/{key}?c[OBS_VALUE]=gt:inf", 200, 400),
        ("/{key}?c[OBS_VALUE]=abc", 200, 400),
    ],
)
def test_what_contradicts_the_structure(get, url, v1, v2):
    assert get(V1 + url.format(key=KEY)).status_code == v1
    assert get(f"{V2}/1.0.0" + url.format(key=KEY)).status_code == v2


def test_flows_that_are_not_there(get):
    assert get("/sdmx/v1/data/NO").status_code == 404
    assert get("/sdmx/v2/data/dataflow/MIGDX/NO").status_code == 404
    assert get("/sdmx/v2/data/provisionagreement/MIGDX/NO").status_code == 404
    assert get("/sdmx/v2/data/provisionagreement/MIGDX").status_code == 501
    assert get("/sdmx/v2/data").status_code == 501


# --- validators ---------------------------------------------------------------------------------------------


def test_etag_and_bytes_stay(get):
    first, second = get(V2), get(f"{V2}/*/all/?unknown=1")
    assert first.headers["ETag"] == second.headers["ETag"]
    assert first.data == second.data
    assert get(V2, If_None_Match=first.headers["ETag"]).status_code == 304


def test_since_a_date(get, app):
    modified = parsedate_to_datetime(get(V2).headers["Last-Modified"])
    later = datetime.now(UTC) + timedelta(seconds=2)
    for text in (
        format_datetime(later, usegmt=True),
        later.isoformat(),
        later.strftime("%Y-%m-%dT%H:%M:%S.123Z"),
    ):
        assert get(V2, If_Modified_Since=text).status_code == 304
    for text in ((modified - timedelta(days=1)).isoformat(), "yesterday"):
        assert get(V2, If_Modified_Since=text).status_code == 200
    assert get(V2, If_Modified_Since=later.isoformat(), If_None_Match='"other"').status_code == 200


def test_an_answer_is_never_kept_past_an_embargo(exchange):
    get = getter(create_app(exchange, token="t", demo=False))
    publish(exchange, "FRA", FRANCE)
    before = get(V2)
    assert before.headers["Cache-Control"] == "public, max-age=60"
    end = datetime.now(UTC) + timedelta(seconds=4)
    publish(exchange, "FRA", [flow_row("250", "IMMIG", "276", 2021, 123321)], public_from=end)
    during = get(V2)
    assert int(during.headers["Cache-Control"].partition("max-age=")[2]) <= 4
    assert during.headers["ETag"] == before.headers["ETag"]
    assert b"123321" not in during.data
    while datetime.now(UTC) < end:
        pass
    after = get(V2, If_None_Match=before.headers["ETag"])
    assert after.status_code == 200
    assert b"123321" in after.data
    assert parsedate_to_datetime(after.headers["Last-Modified"]) == end.replace(microsecond=0)


# --- availability -------------------------------------------------------------------------------------------


def cube(answer):
    assert answer.status_code == 200, answer.text
    region = etree.fromstring(answer.data).find(".//{*}CubeRegion")
    return {key.get("id"): [value.text for value in key.iter("{*}Value")] for key in region}


def metrics(answer):
    notes = etree.fromstring(answer.data).iter("{*}Annotation")
    return {note.get("id"): int(note.find("{*}AnnotationTitle").text) for note in notes if note.get("id")}


def test_availability_of_2(get):
    url = "/sdmx/v2/availability/dataflow/MIGDX/DF_MIG_FLOW"
    answer = get(url, Accept="application/vnd.sdmx.structure+xml;version=3.0.0")
    assert cube(answer)["REF_AREA"] == ["250", "276"]
    assert cube(answer)["TIME_PERIOD"] == [str(year) for year in range(2010, 2021)]
    assert metrics(answer) == {"obs_count": 14, "series_count": 3}
    some = get(f"{url}/1.0.0/*.276/COUNTERPART_AREA,SEX", Accept="application/xml")
    assert cube(some) == {"COUNTERPART_AREA": ["250"], "SEX": ["_T"]}
    assert get(url, If_None_Match=get(url).headers["ETag"]).status_code == 304


def test_what_could_still_be_chosen(get):
    url = "/sdmx/v2/availability/dataflow/MIGDX/DF_MIG_FLOW/1.0.0/*.276"
    assert cube(get(url, Accept="application/xml"))["REF_AREA"] == ["276"]
    found = cube(get(f"{url}?mode=available", Accept="application/xml"))
    assert found["REF_AREA"] == ["250", "276"]
    assert found["COUNTERPART_AREA"] == ["250"]


def test_providers_with_data(get):
    url = "/sdmx/v2/availability/dataflow/MIGDX/DF_MIG_FLOW"

    def providers(url):
        root = etree.fromstring(get(url, Accept="application/xml").data)
        return [provider.get("id") for provider in root.iter("{*}DataProvider")]

    assert providers(f"{url}?references=all") == ["DEU", "FRA"]
    assert providers(f"{url}/1.0.0/*.276?references=dataproviderscheme") == ["DEU"]
    assert providers(f"{url}?references=codelist") == []


def test_nothing_available_is_an_empty_region(get):
    answer = get("/sdmx/v2/availability/dataflow/MIGDX/DF_MIG_FLOW/1.0.0/*.999", Accept="application/xml")
    assert cube(answer) == {}


def test_availability_of_1(get):
    answer = get("/sdmx/v1/availableconstraint/DF_MIG_FLOW/all/all/all?mode=Exact&references=all")
    root = etree.fromstring(answer.data)
    (constraint,) = root.iter("{*}ContentConstraint")
    assert constraint.get("type") == "Actual"
    assert root.find(".//{*}StartPeriod").text.startswith("2010-01-01")
    assert root.find(".//{*}EndPeriod").text.startswith("2020-12-31")
    assert root.find(".//{*}Dataflow[@id='DF_MIG_FLOW']") is not None
    assert root.find(".//{*}DataStructure[@id='DSD_MIG_FLOW']") is not None
    areas = next(c for c in root.iter("{*}Codelist") if c.get("id") == "CL_AREA")
    assert areas.get("isPartial") == "true"
    assert {"250", "276"} <= {code.get("id") for code in areas.iter("{*}Code")}
