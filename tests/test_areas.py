"""Areas and organisations: M49 whole, codes of neighbours told both ways, agreements for every provider."""

import csv
import importlib.util
import os
from pathlib import Path

import pytest
from conftest import ROOT

from migdx.registry import load_structures, shipped_structures
from migdx.structures import (
    Codelist,
    DataConstraint,
    Dataflow,
    Hierarchy,
    Metadataflow,
    MetadataProviderScheme,
    MetadataProvisionAgreement,
    ProvisionAgreement,
    RepresentationMap,
)
from migdx.urn import Reference

SIX = {"ar", "en", "es", "fr", "ru", "zh"}
SYSTEMS = ("ISO2", "ISO3", "ESTAT", "OECD", "UNHCR")
COLUMNS = (
    "RM_CITIZENSHIP_ESTAT", "RM_BIRTHPLACE_ESTAT", "RM_COUNTERPART_ESTAT", "RM_CITIZENSHIP_OECD",
    "RM_BIRTHPLACE_OECD",
)  # fmt: skip
MAPS = (*(f"RM_AREA_{system}" for system in SYSTEMS), *COLUMNS)

DATA = Path(os.environ.get("MIGDX_DATA", ROOT.parent / "shared" / "data"))
needs_data = pytest.mark.skipif(
    not DATA.is_dir(), reason=f"There are no tables in {DATA}; MIGDX_DATA names their folder"
)

# what stands where an area does in the tables, and is none
NOT_AREAS_UNDESA = {
    "", "900", "901", "902", "903", "904", "905", "906", "908", "909", "910", "911", "912", "913", "914",
    "915", "916", "920", "922", "923", "924", "925", "926", "927", "928", "931", "934", "935", "941", "947",
    "948", "954", "957", "1500", "1501", "1502", "1503", "1517", "1518", "1636", "1637", "1829", "1830",
    "1831", "1832", "1833", "1834", "1835", "1836", "1859", "2087", "2088", "2089", "2090", "2091", "2092",
    "2093", "5500", "5501", "5502", "5503", "5504", "5505",
}  # fmt: skip
NOT_AREAS_ESTAT = {
    "Euro area – 20 countries (from 2023)",
    "European Free Trade Association",
    "European Free Trade Association except reporting country",
    "European Union - 27 countries (from 2020)",
    "European Union - 28 countries (2013-2020)",
    "Non-EU27 countries (from 2020) nor EFTA countries",
}


@pytest.fixture(scope="module")
def registry():
    return load_structures(shipped_structures())


@pytest.fixture(scope="module")
def codes(registry):
    """The codes of a list of ours by id, those that it takes from others too."""

    def of(identity):
        codelist = registry.get(Codelist, Reference("Codelist", "MIGDX", identity, "1.0.0"))
        return registry.codelist(codelist).by_id

    return of


@pytest.fixture(scope="module")
def told(registry):
    """The rows of a map: ours by theirs."""

    def of(identity):
        found = registry.get(RepresentationMap, Reference("RepresentationMap", "MIGDX", identity, "1.0.0"))
        assert len({row.sources for row in found.mappings}) == len(found.mappings)
        return {row.sources[0]: row.targets[0] for row in found.mappings}

    return of


def note(thing, kind):
    return next((found.title for found in thing.annotations if found.type == kind), "")


# --- M49 ---------------------------------------------------------------------------------------------------


def test_m49_is_whole_and_named_in_six_languages(codes):
    listed = codes("CL_AREA")
    areas = [code for code in listed.values() if not note(code, "REGION")]
    assert (len(areas), len(listed)) == (248, 278)
    assert all(code.isdigit() and len(code) == 3 for code in listed)
    for code in [*listed.values(), *codes("CL_AREA_EXT").values()]:
        assert set(code.names) == SIX, code.id
        assert all(code.names.values()), code.id


def test_names_are_those_of_the_un_where_the_tables_have_others(codes):
    listed = codes("CL_AREA")
    assert listed["238"].names["en"] == "Falkland Islands (Malvinas)"
    assert listed["384"].names["en"] == "Côte d’Ivoire"
    assert listed["528"].names["en"] == "Netherlands (Kingdom of the)"


def test_the_regions_hold_every_code_once(registry, codes):
    hierarchy = registry.get(Hierarchy, Reference("Hierarchy", "MIGDX", "H_AREA", "1.0.0"))
    met = []
    todo = list(hierarchy.codes)
    while todo:
        code = todo.pop()
        met.append(code.id)
        todo += code.children
    assert sorted(met) == sorted(codes("CL_AREA"))


def test_areas_beyond_m49_say_so_and_former_ones_end_in_others(codes):
    beyond, everything = codes("CL_AREA_EXT"), codes("CL_AREA_ALL")
    assert {"158", "412", "680", "830", "810", "890", "891", "200", "278", "280", "530", "736"} <= set(beyond)
    assert not set(beyond) & set(codes("CL_AREA"))
    assert set(everything) == set(beyond) | set(codes("CL_AREA"))
    for code in beyond.values():
        assert "M49 list" in note(code, "M49"), code.id
        assert bool(note(code, "VALID_TO")) == bool(note(code, "SUCCESSORS")), code.id
        for other in " ".join(note(code, kind) for kind in ("SUCCESSORS", "INCLUDES", "MAY_BE_IN")).split():
            assert other in everything, (code.id, other)


@pytest.mark.parametrize("identity", ["H_BIRTHPLACE", "H_CITIZENSHIP", "H_COUNTERPART"])
def test_areas_that_overlap_say_so_where_they_are_summed(identity, registry, codes):
    """A grouping holds its parts; a former area, which may be a rest or a total, names what it may repeat."""
    hierarchy = registry.get(Hierarchy, Reference("Hierarchy", "MIGDX", identity, "1.0.0"))
    nodes = {node.code.item: node for top in hierarchy.codes for node in top.walk()}
    beyond = codes("CL_AREA_EXT")
    for code in beyond.values():
        assert {child.code.item for child in nodes[code.id].children} == set(note(code, "INCLUDES").split())
        assert set(note(code, "SUCCESSORS").split()) <= set(note(nodes[code.id], "ALTERNATIVE_OF").split())
        assert bool(note(nodes[code.id], "ALTERNATIVE_OF")) == bool(note(code, "VALID_TO"))
    assert note(nodes["890"], "ALTERNATIVE_OF") == "070 191 412 499 688 705 807 891"
    assert note(nodes["278"], "ALTERNATIVE_OF") == "276"
    assert not [code for code in nodes if code in codes("CL_AREA") and note(codes("CL_AREA")[code], "REGION")]


# --- the codes of the neighbours ---------------------------------------------------------------------------


@pytest.mark.parametrize("identity", MAPS)
def test_a_map_tells_codes_that_exist(identity, registry, told, codes):
    found = registry.get(RepresentationMap, Reference("RepresentationMap", "MIGDX", identity, "1.0.0"))
    (source,), (target,) = found.sources, found.targets
    rows = told(identity)
    assert set(rows) <= set(codes(source.id))
    assert set(rows.values()) <= set(codes(target.id))
    for code in set(codes(source.id)) - set(rows):
        assert "no equivalent" in note(codes(source.id)[code], "REMARK"), code


@pytest.mark.parametrize("identity", MAPS)
def test_a_map_can_be_read_back(identity, registry, told, codes):
    found = registry.get(RepresentationMap, Reference("RepresentationMap", "MIGDX", identity, "1.0.0"))
    listed = codes(found.sources[0].id)
    back = {}
    for theirs, ours in told(identity).items():
        if ours in back:
            assert note(listed[theirs], "READ_ONLY"), (theirs, back[ours])
        back.setdefault(ours, theirs)
    assert all(not note(listed[theirs], "READ_ONLY") for theirs in back.values())


@pytest.mark.parametrize("system", SYSTEMS)
def test_areas_have_the_names_of_m49(system, told, codes):
    theirs, ours = codes(f"CL_AREA_{system}"), codes("CL_AREA_ALL")
    for code, area in told(f"RM_AREA_{system}").items():
        for language in ("en", "fr"):
            assert theirs[code].names[language] == ours[area].names[language], code


@pytest.mark.parametrize(("system", "kind"), [("ISO2", "ISO2"), ("ISO3", "ISO3"), ("OECD", "ISO3")])
def test_every_area_of_m49_goes_there_and_back(system, kind, told, codes):
    there = told(f"RM_AREA_{system}")
    back = {ours: theirs for theirs, ours in there.items()}
    for code in codes("CL_AREA").values():
        if not note(code, "REGION"):
            assert back[code.id] == note(code, kind)
            assert there[back[code.id]] == code.id


def test_neighbours_differ_from_iso_where_they_do(told):
    assert {told("RM_AREA_ESTAT").get(code) for code in ("GR", "GB")} == {None}
    assert [told("RM_AREA_ESTAT")[code] for code in ("EL", "UK", "XK", "NA")] == ["300", "826", "412", "516"]
    unhcr = told("RM_AREA_UNHCR")
    assert [unhcr[code] for code in ("GFR", "ICO", "AUS", "AUL", "ARE", "UAE", "MAR", "MOR", "KOS")] == [
        "276", "384", "040", "036", "818", "784", "474", "504", "412",
    ]  # fmt: skip
    assert len(unhcr) == 227 + 4 + 1
    assert not {"STA", "TIB", "UKN"} & set(unhcr)


def test_special_codes_are_told_as_ours(told):
    citizen = told("RM_CITIZENSHIP_ESTAT")
    assert [citizen[code] for code in ("TOTAL", "NAT", "FOR_STLS", "STLS", "RNC", "UNK", "DE")] == [
        "_T", "CIT", "FOR", "STLS", "RNC", "_U", "276",
    ]  # fmt: skip
    assert not {"FOR", "EU27_2020_FOR", "NEU27_2020_FOR", "NRP"} & set(citizen)
    birth = told("RM_BIRTHPLACE_ESTAT")
    assert [birth[code] for code in ("TOTAL", "NAT", "FOR", "UNK", "EL")] == ["_T", "NB", "FB", "_U", "300"]
    assert [told("RM_CITIZENSHIP_OECD")[code] for code in ("W", "TOT", "YYY", "NS", "YUCS")] == [
        "_T", "_T", "STLS", "_U", "890",
    ]  # fmt: skip
    assert told("RM_AREA_OECD")["W"] == "001"


# --- the codes met in published tables ---------------------------------------------------------------------


def cells(path, *columns, delimiter=","):
    """The distinct values of one column or several of a table."""
    with (DATA / path).open(encoding="utf-8-sig") as lines:
        return {row[column] for row in csv.DictReader(lines, delimiter=delimiter) for column in columns}


@needs_data
def test_codes_met_in_tables_of_the_un_are_ours(codes):
    met = cells("undesa/ims2017_origin_destination_table1_both.csv", "Code")
    met |= cells("undesa/ims2017_annex.csv", "Code")
    for path in sorted((DATA / "wpp2024").glob("*.txt")):
        met |= cells(f"wpp2024/{path.name}", "country_code", delimiter="\t")
    met |= cells("countries/UNSD-M49-en.csv", "M49 Code")
    listed = codes("CL_AREA_ALL")
    assert {code for code in met if code.zfill(3) not in listed} <= NOT_AREAS_UNDESA
    assert "830" in met


@needs_data
def test_codes_met_in_tables_of_eurostat_are_told(told, codes):
    table = "eurostat/temporary_protection_beneficiaries_monthly.csv"
    assert cells(table, "geo") <= set(told("RM_AREA_ESTAT"))
    assert cells(table, "citizen") <= set(told("RM_CITIZENSHIP_ESTAT"))
    mirror = "eurostat/mig_data.csv"
    assert cells(mirror, "Sending_iso2", "Receiving_iso2") <= set(told("RM_AREA_ISO2"))
    assert cells(mirror, "Sending_iso3", "Receiving_iso3") <= set(told("RM_AREA_ISO3"))


@needs_data
@pytest.mark.parametrize(
    ("table", "column", "listed"),
    [
        ("country_population", "geo", "CL_AREA_ESTAT"),
        ("migrants_illegally_present", "geo", "CL_AREA_ESTAT"),
        ("migrants_refused_entry_at_the_border", "geo", "CL_AREA_ESTAT"),
        ("proportion_of_population_by_sex_and_citizenship", "geo", "CL_AREA_ESTAT"),
        ("proportion_of_population_by_sex_and_country_of_birth", "geo", "CL_AREA_ESTAT"),
        ("migrants_illegally_present", "citizen", "CL_AREA_ESTAT_CITIZEN"),
        ("migrants_refused_entry_at_the_border", "citizen", "CL_AREA_ESTAT_CITIZEN"),
        ("proportion_of_population_by_sex_and_citizenship", "citizen", "CL_AREA_ESTAT_CITIZEN"),
        ("proportion_of_population_by_sex_and_country_of_birth", "c_birth", "CL_AREA_ESTAT_C_BIRTH"),
    ],
)
def test_labels_met_in_tables_of_eurostat_are_those_of_codes(table, column, listed, codes):
    labels = {note(code, "LABEL") or code.names["en"] for code in codes(listed).values()}
    assert cells(f"eurostat/{table}.csv", column) - labels <= NOT_AREAS_ESTAT


@needs_data
def test_codes_met_in_tables_of_the_oecd_are_told(told):
    table = "oecd/OECD_DF_MIG_stocks_flows_sdmxcsv2.csv"
    assert cells(table, "REF_AREA") <= set(told("RM_AREA_OECD"))
    assert cells(table, "CITIZENSHIP") <= set(told("RM_CITIZENSHIP_OECD"))
    table = "oecd/OECD_MIG_bilateral_total_out_CRonly.csv"
    assert cells(table, "COU") - {""} <= set(told("RM_AREA_OECD"))
    assert cells(table, "NAMEID") - {""} <= set(told("RM_CITIZENSHIP_OECD"))


# --- the organisations -------------------------------------------------------------------------------------

LIMITED = {"AU", "UNECA", "UNRWA"}


@pytest.fixture(scope="module")
def providers(registry):
    scheme = registry.find(Reference("DataProviderScheme", "MIGDX", "DATA_PROVIDERS", "1.0"))
    return scheme.by_id


def test_every_area_and_the_organisations_are_providers(registry, providers, codes):
    areas = {code.id for code in codes("CL_AREA").values() if not note(code, "REGION")}
    countries = {
        provider.id: note(provider, "M49") for provider in providers.values() if note(provider, "M49")
    }
    assert set(countries.values()) == areas
    assert len(countries) == len(areas)
    organisations = set(providers) - set(countries)
    assert {
        "AU", "DESA", "ECLAC", "ECOWAS", "ESCAP", "ESCWA", "ESTAT", "ILO", "IOM", "OECD", "UIS", "UNECA",
        "UNECE", "UNFPA", "UNHCR", "UNICEF", "UNODC", "UNRWA", "UNSD", "WB", "WHO",
    } <= organisations  # fmt: skip
    for organisation in organisations:
        assert {"en", "fr"} <= set(providers[organisation].names)
    (metadata,) = registry.of(MetadataProviderScheme)
    assert list(metadata.by_id) == list(providers)


def test_every_provider_has_an_agreement_for_every_flow(registry, providers):
    flows = registry.of(Dataflow)
    for provider in providers:
        for flow in flows:
            agreement = registry.agreement(provider, flow)
            assert agreement is not None, (provider, flow.id)
            assert agreement.id == f"{flow.id.removeprefix('DF_')}_{provider}"
    assert len(registry.of(ProvisionAgreement)) == len(flows) * len(providers)
    given = {
        (found.metadataflow.id, found.provider.item) for found in registry.of(MetadataProvisionAgreement)
    }
    assert given == {(flow.id, provider) for flow in registry.of(Metadataflow) for provider in providers}


def test_a_country_reports_for_itself_and_an_organisation_for_what_its_mandate_names(registry, providers):
    limits = {
        found.id.removeprefix("AREA_"): found
        for found in registry.of(DataConstraint)
        if found.id.startswith("AREA_")
    }
    countries = {
        provider.id: note(provider, "M49") for provider in providers.values() if note(provider, "M49")
    }
    assert set(limits) == set(countries) | LIMITED
    for provider, constraint in limits.items():
        (region,) = constraint.regions
        (key,) = region.keys
        assert key.component == "REF_AREA"
        if provider in countries:
            assert key.values == (countries[provider],)
        agreements = {f"{flow.id.removeprefix('DF_')}_{provider}" for flow in registry.of(Dataflow)}
        assert {reference.id for reference in constraint.attachment} == agreements
    for provider in set(providers) - set(limits):
        assert note(providers[provider], "ALL_AREAS") == "true"


@needs_data
def test_generated_files_are_as_the_tool_writes_them():
    spec = importlib.util.spec_from_file_location("make_areas", ROOT / "tools" / "make_areas.py")
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    made = {path: tool.text(root) for path, root in tool.messages(DATA / "countries")}
    for path, content in made.items():
        assert (ROOT / path).read_text(encoding="utf-8") == content, path
    kept = {path.relative_to(ROOT) for path in (ROOT / "dsd" / "MIGDX" / "provision").iterdir()}
    assert kept == {path for path in made if path.parent.name == "provision"}
