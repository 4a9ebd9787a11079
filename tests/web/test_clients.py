"""Independent clients over HTTP: sdmx1 and pysdmx list the dataflows, read the structure, and get a value.

Most over made-up figures; at the end over the demonstration, whose figures are those that Eurostat published.
"""

import os
import socket
import subprocess
import sys
import time
from io import BytesIO
from pathlib import Path

import httpx
import pytest
import sdmx
import sdmx.reader.xml.v30  # cannot be imported once a structure-specific message of 2.1 was read
from pysdmx.api.fmr import RegistryClient
from pysdmx.api.qb import (
    ApiVersion,
    AvailabilityFormat,
    AvailabilityQuery,
    DataContext,
    DataFormat,
    DataQuery,
    RestService,
    StructureDetail,
    StructureFormat,
    StructureQuery,
    StructureReference,
    StructureType,
)
from pysdmx.io import get_datasets, read_sdmx
from sdmx.format import Version

FLOWS = {"DF_MIG_FLOW", "DF_MIG_STOCK", "DF_MIG_ACCOUNT", "DF_MIG_CITIZENSHIP"}
DIMENSIONS = [
    "FREQ", "REF_AREA", "COMPONENT", "SOURCE", "COUNTERPART_AREA", "BIRTHPLACE", "CITIZENSHIP", "SEX", "AGE",
    "REASON", "TIME_PERIOD",
]  # fmt: skip
KEY = "A.250.IMMIG.OFF.276....."
SERIES = {"2018": 1800.0, "2019": 1900.5, "2020": 2000.0}


# --- sdmx1 --------------------------------------------------------------------------------------------------


def client(live, root, version, monkeypatch):
    """An sdmx1 client of this service; what it asks for first is agency MIGDX, the name of the source."""
    monkeypatch.setattr(sdmx.source, "sources", dict(sdmx.source.sources))
    monkeypatch.delitem(sdmx.source.sources, "MIGDX", raising=False)
    sdmx.add_source(
        {"id": "MIGDX", "name": "migdx", "url": f"{live}{root}", "versions": {Version[version]},
         "supports": {"availableconstraint": True, "structure-specific data": True}},
    )  # fmt: skip
    made = sdmx.Client("MIGDX")
    # requests would ask for gzip and more; and it must not find a proxy
    made.session.trust_env = False
    return made


@pytest.fixture(params=["/sdmx/v1", "/sdmx/v1/", "/sdmx"])
def sdmx21(live, request, monkeypatch):
    made = client(live, request.param, "2.1", monkeypatch)
    yield made
    made.session.close()


@pytest.fixture
def sdmx30(live, monkeypatch):
    made = client(live, "/sdmx/v2", "3.0.0", monkeypatch)
    yield made
    made.session.close()


def test_sdmx1_lists_the_dataflows_of_1(sdmx21):
    message = sdmx21.dataflow()
    assert set(message.dataflow) >= FLOWS
    assert "previous or next residence" in str(message.dataflow["DF_MIG_FLOW"].name)


def test_sdmx1_reads_the_structure_of_1(sdmx21):
    message = sdmx21.datastructure("DSD_MIG_FLOW", params={"references": "descendants"})
    dsd = message.structure["DSD_MIG_FLOW"]
    assert [dimension.id for dimension in dsd.dimensions] == DIMENSIONS
    assert dsd.dimensions.get("SEX").local_representation.enumerated.items["F"].name["en"] == "Female"


@pytest.mark.parametrize(
    "accept",
    [
        "",
        "application/vnd.sdmx.genericdata+xml;version=2.1",
        "application/vnd.sdmx.structurespecificdata+xml;version=2.1",
    ],
)
def test_sdmx1_gets_data_of_1(sdmx21, accept):
    described = sdmx21.datastructure("DSD_MIG_FLOW", params={"references": "descendants"})
    dsd = described.structure["DSD_MIG_FLOW"]
    key = {"REF_AREA": "250", "COMPONENT": "IMMIG", "COUNTERPART_AREA": "276"}
    message = sdmx21.data("DF_MIG_FLOW", key=key, dsd=dsd, headers={"Accept": accept} if accept else {})
    series = sdmx.to_pandas(message.data[0]).droplevel(DIMENSIONS[:-1])
    assert series.astype(float).to_dict() == SERIES


def test_sdmx1_makes_a_key_and_bounds(sdmx21):
    message = sdmx21.data(
        "DF_MIG_FLOW", key={"REF_AREA": ["250", "276"], "COMPONENT": "IMMIG"},
        params={"startPeriod": "2019", "endPeriod": "2019"},
    )  # fmt: skip
    assert sorted(float(obs.value) for obs in message.data[0].obs) == [700, 1900.5]


def test_sdmx1_sees_what_is_available(sdmx21):
    message = sdmx21.availableconstraint("DF_MIG_FLOW")
    (constraint,) = message.constraint.values()
    (region,) = constraint.data_content_region
    found = {dimension.id: values for dimension, values in region.member.items()}
    assert {value.value for value in found["REF_AREA"].values} == {"250", "276"}


def test_sdmx1_is_told_what_is_not_there(sdmx21):
    with pytest.raises(sdmx.client.requests.HTTPError, match="404"):
        sdmx21.codelist("NO_SUCH_LIST")


def test_sdmx1_on_2(sdmx30):
    flows = sdmx30.dataflow(version="*", headers={"Accept": "application/xml"})
    assert set(flows.dataflow) >= FLOWS
    message = sdmx30.datastructure(
        "DSD_MIG_FLOW",
        version="1.0.0",
        params={"references": "descendants"},
        headers={"Accept": "application/xml"},
    )
    dsd = message.structure["DSD_MIG_FLOW"]
    assert [dimension.id for dimension in dsd.dimensions] == DIMENSIONS
    data = sdmx30.data(
        "DF_MIG_FLOW", context="dataflow", version="1.0.0", key="A.250.IMMIG.OFF.276", dsd=dsd,
        headers={"Accept": "application/vnd.sdmx.data+xml;version=3.0.0"},
    )  # fmt: skip
    found = {str(obs.dimension.values["TIME_PERIOD"].value): float(obs.value) for obs in data.data[0].obs}
    assert found == SERIES


# --- pysdmx -------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.mark.parametrize(
    ("root", "version", "structure", "data"),
    [
        ("/sdmx/v2", ApiVersion.V2_1_0, StructureFormat.SDMX_JSON_2_0_0, DataFormat.SDMX_CSV_2_0_0),
        pytest.param(
            "/sdmx/v2/",
            ApiVersion.V2_2_0,
            StructureFormat.SDMX_ML_3_0,
            DataFormat.SDMX_CSV_2_1_0,
            marks=pytest.mark.faults,
        ),
        ("/sdmx/v2", ApiVersion.V2_0_0, StructureFormat.SDMX_ML_3_0, DataFormat.SDMX_ML_3_0),
        ("/sdmx/v1", ApiVersion.V1_5_0, StructureFormat.SDMX_ML_2_1, DataFormat.SDMX_CSV_1_0_0),
        ("/sdmx", ApiVersion.V1_3_0, StructureFormat.SDMX_ML_2_1, DataFormat.SDMX_ML_2_1_GEN),
        pytest.param(
            "/sdmx/v1",
            ApiVersion.V1_4_0,
            StructureFormat.SDMX_JSON_2_0_0,
            DataFormat.SDMX_ML_2_1_STR,
            marks=pytest.mark.faults,
        ),
    ],
)
def test_pysdmx(live, root, version, structure, data):
    service = RestService(f"{live}{root}", version, data_format=data, structure_format=structure, timeout=30)
    flows = read_sdmx(
        BytesIO(service.structure(StructureQuery(StructureType.DATAFLOW, "MIGDX")))
    ).get_dataflows()
    assert {flow.id for flow in flows} >= FLOWS
    described = service.structure(
        StructureQuery(
            StructureType.DATAFLOW, "MIGDX", "DF_MIG_FLOW", "1.0.0", references=StructureReference.ALL,
            detail=StructureDetail.FULL,
        )
    )  # fmt: skip
    (dsd,) = (
        d for d in read_sdmx(BytesIO(described)).get_data_structure_definitions() if d.id == "DSD_MIG_FLOW"
    )
    assert [component.id for component in dsd.components.dimensions] == DIMENSIONS
    query = DataQuery(DataContext.DATAFLOW, "MIGDX", "DF_MIG_FLOW", "1.0.0", "A.250.IMMIG.OFF.276")
    (dataset,) = get_datasets(BytesIO(service.data(query)), BytesIO(described))
    found = zip(dataset.data["TIME_PERIOD"].astype(str), dataset.data["OBS_VALUE"].astype(float), strict=True)
    assert dict(found) == SERIES


def test_pysdmx_asks_what_is_available(live):
    service = RestService(
        f"{live}/sdmx/v2",
        ApiVersion.V2_1_0,
        avail_format=AvailabilityFormat.SDMX_ML_3_0,
        timeout=30,
    )
    answer = service.availability(AvailabilityQuery(DataContext.DATAFLOW, "MIGDX", "DF_MIG_FLOW"))
    assert b'role="Actual"' in answer
    assert b"<com:Value>276</com:Value>" in answer or b"<str:Value>276</str:Value>" in answer


def test_pysdmx_reads_the_registry(live):
    registry = RegistryClient(f"{live}/sdmx/v2", StructureFormat.SDMX_JSON_2_0_0, timeout=30)
    assert {flow.id for flow in registry.get_dataflows("MIGDX")} >= FLOWS
    codes = registry.get_codes("MIGDX", "CL_SEX", "1.0.0")
    assert next(code.name for code in codes if code.id == "F") == "Female"
    concepts = registry.get_concepts("MIGDX", "CS_MIGRATION", "1.0.0")
    assert "COUNTERPART_AREA" in {concept.id for concept in concepts}
    assert "FRA" in {provider.id for provider in registry.get_providers("MIGDX")}
    assert registry.get_hierarchy("MIGDX", "H_SEX", "1.0.0").id == "H_SEX"
    (dsd,) = registry.get_data_structures("MIGDX", "DSD_MIG_FLOW", "1.0.0")
    assert [component.id for component in dsd.components.dimensions] == DIMENSIONS


# --- other habits -------------------------------------------------------------------------------------------


def test_a_client_that_says_nothing(live):
    """No Accept, no User-Agent, and HTTP as old as 1.0 would have it."""
    with httpx.Client(trust_env=False) as http:
        request = http.build_request("GET", f"{live}/sdmx/v1/data/DF_MIG_FLOW/{KEY}")
        for name in list(request.headers):
            if name != "host":
                del request.headers[name]
        answer = http.send(request)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/vnd.sdmx.genericdata+xml;version=2.1"
    assert answer.content.startswith(b"<?xml")


# --- what Eurostat published --------------------------------------------------------------------------------

PUBLISHED = {"2013": 14875, "2019": 13364}
"""Immigration to France (250) from Germany (276) in Eurostat's table: the first year and the last."""


@pytest.fixture(scope="module")
def gunicorn(demo_folder):
    """The address of `migdx serve --demo` over the demonstration, in processes of its own."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [
        Path(sys.executable).with_name("migdx"),
        "--data",
        demo_folder,
        "serve",
        "--demo",
        "--port",
        str(port),
    ]
    log = demo_folder.parent / "serve.log"
    address = f"http://127.0.0.1:{port}"
    with (
        log.open("wb") as told,
        subprocess.Popen(command, stdout=told, stderr=told, env=os.environ) as server,
    ):
        try:
            wait_for(server, f"{address}/health", log)
            yield address
        finally:
            server.terminate()
            server.wait(timeout=30)


def wait_for(server, url, log):
    until = time.monotonic() + 60
    while True:
        try:
            assert httpx.get(url, trust_env=False).status_code == 200
            return
        except httpx.TransportError:
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.1)


def test_sdmx1_gets_what_eurostat_published(gunicorn, monkeypatch):
    made = client(gunicorn, "/sdmx/v1", "2.1", monkeypatch)
    assert set(made.dataflow().dataflow) >= FLOWS
    described = made.datastructure("DSD_MIG_FLOW", params={"references": "descendants"})
    dsd = described.structure["DSD_MIG_FLOW"]
    assert [dimension.id for dimension in dsd.dimensions] == DIMENSIONS
    key = {"REF_AREA": "250", "COMPONENT": "IMMIG", "COUNTERPART_AREA": "276"}
    message = made.data("DF_MIG_FLOW", key=key, dsd=dsd)
    series = sdmx.to_pandas(message.data[0]).droplevel(DIMENSIONS[:-1]).astype(float).to_dict()
    assert {year: series[year] for year in PUBLISHED} == PUBLISHED
    made.session.close()


@pytest.mark.faults  # ten seconds of pysdmx; sdmx1 gets the same above
def test_pysdmx_gets_what_eurostat_published(demo_address):
    service = RestService(
        f"{demo_address}/sdmx/v2",
        ApiVersion.V2_1_0,
        data_format=DataFormat.SDMX_CSV_2_0_0,
        structure_format=StructureFormat.SDMX_JSON_2_0_0,
        timeout=30,
    )
    asked = StructureQuery(StructureType.DATAFLOW, "MIGDX")
    assert {flow.id for flow in read_sdmx(BytesIO(service.structure(asked))).get_dataflows()} >= FLOWS
    described = service.structure(
        StructureQuery(
            StructureType.DATAFLOW, "MIGDX", "DF_MIG_FLOW", "1.0.0", references=StructureReference.ALL,
            detail=StructureDetail.FULL,
        )
    )  # fmt: skip
    structures = read_sdmx(BytesIO(described)).get_data_structure_definitions()
    (dsd,) = (found for found in structures if found.id == "DSD_MIG_FLOW")
    assert [component.id for component in dsd.components.dimensions] == DIMENSIONS
    query = DataQuery(DataContext.DATAFLOW, "MIGDX", "DF_MIG_FLOW", "1.0.0", "A.250.IMMIG.OFF.276")
    (dataset,) = get_datasets(BytesIO(service.data(query)), BytesIO(described))
    series = dict(
        zip(dataset.data["TIME_PERIOD"].astype(str), dataset.data["OBS_VALUE"].astype(float), strict=True)
    )
    assert {year: series[year] for year in PUBLISHED} == PUBLISHED
