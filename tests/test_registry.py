"""The registry: the shipped structures fit together, and a broken folder stops with path, line and reason."""

import shutil
from dataclasses import replace

import pytest
from conftest import ROOT
from small_world import dsd, flow

from migdx.errors import NotFound, StructureFault
from migdx.formats.tables import STRUCTURE_READERS
from migdx.query import StructureQuery
from migdx.registry import Registry, shipped_structures
from migdx.selection import selected
from migdx.structures import (
    Codelist,
    CodelistExtension,
    DataConstraint,
    Dataflow,
    DataStructure,
    GeoFeatureSetCode,
    GeographicCodelist,
    Hierarchy,
    Item,
    RepresentationMap,
)
from migdx.urn import Reference

READ = STRUCTURE_READERS["application/vnd.sdmx.structure+xml;version=3.0.0"]


@pytest.fixture(scope="module")
def registry():
    return Registry.load(shipped_structures(), READ)


def test_the_keys_of_flow_and_stock_are_those_of_the_design(registry):
    def key(id):
        return [
            d.id
            for d in registry.get(DataStructure, Reference("DataStructure", "MIGDX", id, "1.0.0")).dimensions
        ]

    common = ["FREQ", "REF_AREA"]
    assert key("DSD_MIG_FLOW") == [
        *common, "COMPONENT", "SOURCE", "COUNTERPART_AREA", "BIRTHPLACE", "CITIZENSHIP", "SEX", "AGE",
        "REASON", "TIME_PERIOD",
    ]  # fmt: skip
    assert key("DSD_MIG_STOCK") == [
        *common, "SOURCE", "BIRTHPLACE", "CITIZENSHIP", "SEX", "AGE", "DURATION_STAY", "EDUCATION_LEV", "LFS",
        "URBANISATION", "TIME_PERIOD",
    ]  # fmt: skip


def test_extended_lists_hold_their_own_codes_and_every_area(registry):
    full = registry.codelist(registry.get(Codelist, Reference("Codelist", "MIGDX", "CL_BIRTHPLACE", "1.0.0")))
    areas = registry.get(Codelist, Reference("Codelist", "MIGDX", "CL_AREA", "1.0.0"))
    assert {"_T", "NB", "FB", "FB_U", "_U", "250", "830"} <= set(full.by_id)
    assert set(areas.by_id) < set(full.by_id)
    assert not full.extensions


def test_areas_have_six_languages_and_the_corrections(registry):
    areas = registry.get(Codelist, Reference("Codelist", "MIGDX", "CL_AREA", "1.0.0")).by_id
    assert "158" not in areas
    assert areas["384"].names["en"] == "Côte d’Ivoire"
    assert all({"en", "fr", "es", "ar", "ru", "zh"} <= set(area.names) for area in areas.values())


def test_every_partition_names_codes_that_exist_and_none_twice(registry):
    hierarchies = registry.of(Hierarchy)
    assert hierarchies
    for hierarchy in hierarchies:
        for whole, parts in hierarchy.partitions():
            assert len(set(parts)) == len(parts), (hierarchy.id, whole)


def test_each_named_status_is_one_pair(registry):
    (named,) = [found for found in registry.of(RepresentationMap) if found.id == "RM_MIG_STATUS"]
    pairs = {row.sources[0]: row.targets for row in named.mappings}
    assert pairs["FBC"] == ("FB", "CIT")
    assert pairs["NBF"] == ("NB", "FOR")
    assert len(set(pairs.values())) == len(pairs) == 10


def test_one_area_constraint_per_provider_on_all_its_agreements(registry):
    flow = registry.get(Dataflow, Reference("Dataflow", "MIGDX", "DF_MIG_FLOW", "1.0.0"))
    agreement = registry.agreement("FRA", flow)
    schema = registry.schema(flow.reference, agreement)
    assert schema.by_id["REF_AREA"].granted == {"250"}
    assert schema.by_id["COMPONENT"].allowed == {"IMMIG", "EMIG", "NET"}
    area = [c for c in registry.of(DataConstraint) if c.id == "AREA_FRA"]
    assert len(area) == 1
    assert len(area[0].attachment) == len(registry.of(Dataflow))
    assert registry.schema(flow.reference, registry.agreement("DESA", flow)).by_id["REF_AREA"].granted is None


def test_related_structures_are_exactly_those(registry):
    def kinds(references):
        asked = StructureQuery(("Dataflow",), ("MIGDX",), ("DF_MIG_FLOW",), "1.0.0", references=(references,))
        return {artefact.kind for artefact in selected(registry, asked)}

    assert kinds("none") == {"Dataflow"}
    assert kinds("children") == {"Dataflow", "DataStructure", "AgencyScheme"}
    assert {"Codelist", "ConceptScheme", "DataStructure", "MetadataStructure"} <= kinds("descendants")
    assert kinds("parents") == {
        "Dataflow", "ProvisionAgreement", "DataConstraint", "Categorisation", "Metadataflow",
        "VtlMappingScheme",
    }  # fmt: skip
    assert "DataProviderScheme" in kinds("parentsandsiblings")
    assert kinds("all") == kinds("descendants") | kinds("parentsandsiblings")


def test_stubs_keep_identity_and_names_only(registry):
    asked = StructureQuery(("Codelist",), ("MIGDX",), ("CL_SEX",), detail="allstubs")
    (stub,) = selected(registry, asked)
    assert (stub.items, stub.is_external, stub.annotations) == ((), True, ())
    assert stub.names["fr"]


def test_items_cut_a_scheme_and_mark_it(registry):
    (cut,) = selected(registry, StructureQuery(("Codelist",), ("MIGDX",), ("CL_SEX",), items=("F",)))
    assert ([item.id for item in cut.items], cut.is_partial) == (["F"], True)
    with pytest.raises(NotFound, match="no item Q"):
        selected(registry, StructureQuery(("Codelist",), ("MIGDX",), ("CL_SEX",), items=("Q",)))


def test_a_dataflow_by_what_people_write():
    nine, ten = flow(version="9.0"), flow(version="10.0")
    known = Registry([dsd(), nine, ten])
    assert known.dataflow("FLOW") is known.dataflow("T:FLOW") is known.dataflow("FLOW(10.0)") is ten
    assert known.dataflow("T:FLOW(9.0)") is nine
    for text in ("FLAW", "U:FLOW", "FLOW(8.0)"):
        with pytest.raises(NotFound, match="similar: FLOW"):
            known.dataflow(text)


@pytest.fixture
def folders(tmp_path):
    """A copy of the shipped folders, to break."""
    copies = []
    for folder in shipped_structures():
        copies.append(tmp_path / folder.name)
        shutil.copytree(folder, copies[-1], ignore=shutil.ignore_patterns("provision"))
    return copies


SEX = "MIGDX/CL_SEX-1.0.0.xml"


def break_(folders, change):
    path = folders[0] / SEX
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(StructureFault) as fault:
        Registry.load(folders, READ)
    return str(fault.value)


def test_a_file_that_is_cut_short_is_named_with_its_line(folders):
    said = break_(folders, lambda source: source[: len(source) // 2])
    assert f"{SEX}:" in said
    assert any(f":{line}:" in said for line in range(5, 200))


def test_a_reference_that_leads_nowhere_is_named(folders):
    (folders[0] / SEX).unlink()
    with pytest.raises(
        StructureFault, match=r"DSD_MIG_EMIGRANT-1\.0\.0\.xml:\d+: .*refers to .*CL_SEX.*, which is not there"
    ):
        Registry.load(folders, READ)


def test_a_file_under_another_name_is_refused(folders):
    said = break_(folders, lambda source: source.replace(b'version="1.0.0"', b'version="1.0.1"', 1))
    assert "by its name the file holds MIGDX:CL_SEX(1.0.0)" in said


def test_an_artefact_twice_is_refused(folders):
    (folders[1] / "again.xml").write_bytes((folders[0] / SEX).read_bytes())
    with pytest.raises(
        StructureFault,
        match=r"again\.xml: .*CL_SEX.* is defined twice, in .*CL_SEX-1\.0\.0\.xml too",
    ):
        Registry.load(folders, READ)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(StructureFault, match="no such folder"):
        Registry.load([tmp_path / "none"], READ)


def test_the_digest_follows_the_files(registry, folders):
    one = Registry.load(folders, READ).digest
    path = folders[0] / SEX
    path.write_bytes(path.read_bytes().replace(b"Female", b"Women"))
    assert len({one, Registry.load(folders, READ).digest, registry.digest}) == 3


def test_the_checkout_s_folders_are_the_shipped_ones():
    assert shipped_structures() == (ROOT / "codelists", ROOT / "dsd")


def test_an_item_query_over_many_schemes_gives_those_that_have_it(registry):
    found = selected(registry, StructureQuery(("Codelist",), items=("F",)))
    assert [codelist.id for codelist in found] == ["CL_CONF_STATUS", "CL_OBS_STATUS", "CL_SEX"]


def test_parents_of_an_item_are_those_that_name_it(registry):
    asked = StructureQuery(("DataProviderScheme",), items=("FRA",), references=("parents",))
    agreements = [a.id for a in selected(registry, asked) if a.kind == "ProvisionAgreement"]
    assert set(agreements) == {f"{flow.id.removeprefix('DF_')}_FRA" for flow in registry.of(Dataflow)}


def test_an_inherited_list_comes_a_second_time_only_raw(registry):
    def lists(detail):
        asked = StructureQuery(("Codelist",), ids=("CL_BIRTHPLACE",), references=("children",), detail=detail)
        return [found.id for found in selected(registry, asked) if found.kind == "Codelist"]

    assert lists("full") == ["CL_BIRTHPLACE"]
    assert sorted(lists("raw")) == ["CL_AREA", "CL_AREA_EXT", "CL_BIRTHPLACE"]


def test_a_geographic_list_is_found_as_a_code_list_too():
    """The official schemas know no other class of the list that an enumeration names."""
    code = GeoFeatureSetCode("P", value="1,1", names={"en": "P"})
    places = GeographicCodelist("PLACES", "T", "1.2.0", (code,), names={"en": "Places"})
    plain = Codelist("CL", "T", "1.0.0", (Item("X", names={"en": "X"}),), names={"en": "CL"})
    extended = replace(places, id="MORE", extensions=(CodelistExtension(plain.reference),))
    registry = Registry([places, plain, extended])
    for kind in ("Codelist", "GeographicCodelist"):
        for version in ("1.2.0", "1.0+.0"):
            assert registry.find(Reference(kind, "T", "PLACES", version)) is places
    assert registry.find(Reference("Code", "T", "PLACES", "1.2.0", "P")) is places
    assert registry.find(Reference("GeographicCodelist", "T", "CL", "1.0.0")) is None
    # what it takes from others is a code of its kind
    assert registry.codelist(extended).by_id["X"] == GeoFeatureSetCode("X", names={"en": "X"})
